"""Entries of a description: one element each, and what is to be done with it.

Owns their shape and what makes a list of them consistent. Must not know the format of the file they came from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modos.errors import InvalidDocumentError
from modos.model.schema import CLASSES, closest, shown_value

ARGUMENTS = ("part_of", "source_file")
_KEYS = ("args", "element")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a description.

    Parameters
    ----------
    element
        Slots of the element or object as written, with `@type`; not yet checked against the schema.
    args
        `source_file`, where the file of the element is found now, and `part_of`, the element that is to link to it;
        either may be missing.
    """

    element: dict[str, object]
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """Something read from a document, and where: `entry 2 (line 7)`."""

    content: object
    where: str


def checked_entries(document: str, found: Iterable[Located]) -> list[Entry]:
    """Return what was read as entries.

    Parameters
    ----------
    document
        Name of the file, for errors.
    found
        Mappings with `element` and perhaps `args`.

    Raises
    ------
    InvalidDocumentError
        When one is no such mapping, has a key that means nothing, or repeats the id of another of its kind.

    Examples
    --------
    >>> sample = {"@type": "Sample", "id": "s1"}
    >>> checked_entries("ex.yaml", [Located({"element": sample}, "entry 1")])
    [Entry(element={'@type': 'Sample', 'id': 's1'}, args={})]
    """
    entries = []
    seen: dict[tuple[str, str], str] = {}
    for each in found:
        place = f"{document}, {each.where}"
        entry = _entry(each.content, place)
        identity = _identity(entry.element)
        if identity in seen:
            reason = f"{place}: the id {shown_value(identity[1])} is taken by {seen[identity]}; choose another"
            raise InvalidDocumentError(reason)
        if identity:
            seen[identity] = each.where
        entries.append(entry)
    return entries


def _entry(content: object, place: str) -> Entry:
    if not isinstance(content, Mapping):
        reason = f"{place}: {shown_value(content)} is no mapping with the key element"
        raise InvalidDocumentError(reason)
    if "element" not in content and "@type" in content:
        reason = f"{place}: the slots stand one level too high; put them beneath the key element"
        raise InvalidDocumentError(reason)
    _check_keys(content, _KEYS, place)
    element = content.get("element")
    if not isinstance(element, Mapping) or not all(isinstance(key, str) for key in element):
        reason = f"{place}: element is {shown_value(element)}, and should be a mapping of slots with @type and id"
        raise InvalidDocumentError(reason)
    return Entry(dict(element), _arguments(content.get("args"), place))


def _arguments(args: object, place: str) -> dict[str, str]:
    if args is None:
        return {}
    if not isinstance(args, Mapping):
        reason = f"{place}: args is {shown_value(args)}, and should be a mapping of {' and '.join(ARGUMENTS)}"
        raise InvalidDocumentError(reason)
    _check_keys(args, ARGUMENTS, place)
    given = {key: value for key, value in args.items() if value is not None}
    for key, value in given.items():
        if not isinstance(value, str) or not value:
            reason = f"{place}: {key} is {shown_value(value)}, and should be text"
            raise InvalidDocumentError(reason)
    return given


def _check_keys(found: Mapping[object, object], known: tuple[str, ...], place: str) -> None:
    for key in found:
        if key not in known:
            close = closest(key, known) if isinstance(key, str) else ""
            reason = f"{place}: {shown_value(key)} means nothing here; the keys are {' and '.join(known)}{close}"
            raise InvalidDocumentError(reason)


def _identity(element: Mapping[str, object]) -> tuple[str, str] | None:
    """Return what must not occur twice: the id among elements of one kind; `None` where there is no id."""
    name, type_ = element.get("id"), element.get("@type")
    if not isinstance(name, str) or not isinstance(type_, str):
        return None
    found = CLASSES.get(type_)
    return (found.kind or type_ if found else type_), name
