"""Entries of a description: one element each, what is to be done with it, and where it is written.

Owns their shape and what makes a list of them consistent. Must not know the format of the file they came from.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modos.errors import InvalidDocumentError, suggestion
from modos.model.schema import CLASSES, shown_value

ARGUMENTS = ("part_of", "source_file")
_KEYS = ("args", "element")

type Places = Callable[[], Mapping[str, str]]
"""Gives, once somebody asks, where each slot and argument of an entry is written: `line 7, column 12`."""


def _nowhere() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry is written.

    Parameters
    ----------
    document
        Name of the file.
    where
        The entry in it: `entry 2 (line 7)`.
    folder
        Where relative paths in it are looked for first; `None` for where the process stands.
    places
        Where its slots and arguments are.
    """

    document: str
    where: str
    folder: Path | None = None
    places: Places = field(default=_nowhere, repr=False, compare=False)

    def place_of(self, slot: str | None = None) -> str:
        """Return the file, and the place of a slot in it; of the entry where the slot is not written or `None`."""
        return f"{self.document}, {self.places().get(slot, self.where) if slot else self.where}"


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
    origin
        Where it is written; `None` for one that was made by a program.
    """

    element: dict[str, object]
    args: dict[str, str] = field(default_factory=dict)
    origin: Origin | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Located:
    """Something read from a document, and where: `entry 2 (line 7)`, and its slots `line 7, column 12`."""

    content: object
    where: str
    places: Places = field(default=_nowhere, repr=False, compare=False)


def checked_entries(found: Iterable[tuple[str, Path | None, Located]]) -> list[Entry]:
    """Return what was read as entries.

    Parameters
    ----------
    found
        Mappings with `element` and perhaps `args`, each with the name of the document and the folder that it is in.

    Raises
    ------
    InvalidDocumentError
        When one is no such mapping, has a key that means nothing, or repeats the id of another of its kind.

    Examples
    --------
    >>> sample = {"element": {"@type": "Sample", "id": "s1"}}
    >>> checked_entries([("ex.yaml", None, Located(sample, "entry 1"))])
    [Entry(element={'@type': 'Sample', 'id': 's1'}, args={})]
    """
    entries = []
    seen: dict[tuple[str, str], Origin] = {}
    for document, folder, each in found:
        origin = Origin(document, each.where, folder, each.places)
        entry = _entry(each.content, origin)
        identity = _identity(entry.element)
        if identity in seen:
            other = seen[identity]
            taken = other.where if other.document == document else other.place_of()
            reason = f"{origin.place_of()}: the id {shown_value(identity[1])} is taken by {taken}; choose another"
            raise InvalidDocumentError(reason)
        if identity:
            seen[identity] = origin
        entries.append(entry)
    return entries


def _entry(content: object, origin: Origin) -> Entry:
    place = origin.place_of()
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
    return Entry(dict(element), _arguments(content.get("args"), origin), origin)


def _arguments(args: object, origin: Origin) -> dict[str, str]:
    if args is None:
        return {}
    place = origin.place_of()
    if not isinstance(args, Mapping):
        reason = f"{place}: args is {shown_value(args)}, and should be a mapping of {' and '.join(ARGUMENTS)}"
        raise InvalidDocumentError(reason)
    _check_keys(args, ARGUMENTS, place)
    given = {key: value for key, value in args.items() if value is not None}
    for key, value in given.items():
        if not isinstance(value, str) or not value:
            reason = f"{origin.place_of(key)}: {key} is {shown_value(value)}, and should be text"
            raise InvalidDocumentError(reason)
    return given


def _check_keys(found: Mapping[object, object], known: tuple[str, ...], place: str) -> None:
    for key in found:
        if key not in known:
            close = suggestion(key, known) if isinstance(key, str) else ""
            reason = f"{place}: {shown_value(key)} means nothing here; the keys are {' and '.join(known)}{close}"
            raise InvalidDocumentError(reason)


def _identity(element: Mapping[str, object]) -> tuple[str, str] | None:
    """Return what must not occur twice: the id among elements of one kind; `None` where there is no id."""
    name, type_ = element.get("id"), element.get("@type")
    if not isinstance(name, str) or not isinstance(type_, str):
        return None
    found = CLASSES.get(type_)
    return (found.kind or type_ if found else type_), name
