"""What is asked for, in which order: a new object, and new elements.

Owns the scripts and the entries that their answers come to. Pure: must not know terminals, objects or storages.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath

from modos.cli.prompting.questions import Choice, Question, Script, yes_or_no
from modos.cli.prompting.slots import Known, file_question, owner_question, values_of
from modos.errors import InvalidElementError, suggestion
from modos.model import ElementId
from modos.model.documents import Entry
from modos.model.schema import CLASSES, ELEMENT_CLASSES, OBJECT_CLASS, SchemaClass

__all__ = ["Described", "additions", "new_object"]

type Summary = Callable[["Described"], str]
"""Returns what entries would change; raises what refuses them."""

_FILE_SLOTS = frozenset({"data_path", "data_checksum"})
"""Slots that a stored file gives by itself."""

_OWN_SLOTS = frozenset({"has_assay", "last_update_date"})
"""Slots of a new object that come of themselves."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the answers come to.

    Attributes
    ----------
    place
        Where the object is, or will be.
    entries
        What is to be made.
    agreed
        Whether it is to be done.
    """

    place: str
    entries: tuple[Entry, ...]
    agreed: bool = False


def new_object(
    given: Mapping[str, str],
    today: str,
    formats: Mapping[str, str],
    summary: Summary,
    accept: Callable[[str], None],
) -> Script[Described]:
    """Ask for a new object, and for elements to put into it.

    Parameters
    ----------
    given
        Slots that need not be asked for.
    today
        The date that it has unless another is given.
    formats
        Suffix of a file to the format that is probably meant.
    summary
        Returns what would be changed.
    accept
        Refuses a place where there is an object already.
    """
    place = yield Question(
        "object",
        help="Where it is to be: a directory, s3://bucket/ex or swift://container/ex.",
        required=True,
        files=True,
        accept=accept,
    )
    found = CLASSES[OBJECT_CLASS]
    defaults = {"id": PurePosixPath(place.rstrip("/")).name, "creation_date": today}
    values = yield from _slots(found, dict(given), Known(), defaults, leaving_out=_OWN_SLOTS)
    entries = [Entry({"@type": OBJECT_CLASS, **values, "last_update_date": today})]
    while (yield yes_or_no("add an element", default="no")).startswith("y"):
        entries.append((yield from _element(_known(str(values["id"]), {}, entries), formats)))
    return (yield from _agreed(Described(place, tuple(entries)), summary))


def additions(place: str, known: Known, formats: Mapping[str, str], summary: Summary) -> Script[Described]:
    """Ask for elements of an object that there is.

    Parameters
    ----------
    place
        Where it is.
    known
        What is in it.
    formats, summary
        As for `new_object`.
    """
    entries: list[Entry] = []
    while True:
        entries.append((yield from _element(_known(known.object_id, known.elements, entries), formats)))
        if not (yield yes_or_no("add another element", default="no")).startswith("y"):
            return (yield from _agreed(Described(place, tuple(entries)), summary))


def _agreed(described: Described, summary: Summary) -> Script[Described]:
    question = yes_or_no("do this", default="yes", preface=lambda: summary(described))
    return replace(described, agreed=(yield question).startswith("y"))


def _element(known: Known, formats: Mapping[str, str]) -> Script[Entry]:
    """Ask for one element: its class and file, what it needs, and then what else it may have."""
    class_name = yield Question(
        "kind of element",
        help="What is to be added.",
        required=True,
        choices=tuple(Choice(name, CLASSES[name].description) for name in ELEMENT_CLASSES),
        check=_refused_class,
    )
    found = CLASSES[class_name]
    args: dict[str, str] = {}
    defaults: dict[str, str] = {}
    if "data_path" in found.slots and (source := (yield file_question())):
        args["source_file"] = source
        defaults = _told_by_name(source, formats)
    leaving_out = _FILE_SLOTS if args else frozenset({"data_checksum"})
    values = yield from _slots(found, {}, known, defaults, leaving_out=leaving_out)
    owner = None if found.kind is None else owner_question(found.kind, known)
    if owner is not None and (part_of := (yield owner)):
        args["part_of"] = part_of
    return Entry({"@type": class_name, **values}, args)


def _slots(
    found: SchemaClass,
    given: Mapping[str, str | list[str]],
    known: Known,
    defaults: Mapping[str, str],
    *,
    leaving_out: frozenset[str],
) -> Script[dict[str, str | list[str]]]:
    """Ask for the slots that are needed, then which others to set, until there are no more."""
    values = dict(given)
    slots = {name: slot for name, slot in found.slots.items() if name not in leaving_out}
    for name, slot in slots.items():
        if name in found.required and name not in values:
            values[name] = yield from values_of(slot, found.name, known, defaults.get(name, ""))
    while optional := [slot for name, slot in slots.items() if name not in values and _can_be_set(slot.target, known)]:
        names = tuple(slot.name for slot in optional)
        chosen = yield Question(
            "another slot",
            help="Something else to say; Enter when done.",
            choices=tuple(Choice(slot.name, slot.description) for slot in optional),
            check=lambda text, names=names: (
                "" if text in names else f"is none of {', '.join(names)}{suggestion(text, names)}"
            ),  # type: ignore[misc] # mypy takes no defaults here
        )
        if not chosen:
            break
        value = yield from values_of(slots[chosen], found.name, known)
        if value:
            values[chosen] = value
    return {name: values[name] for name in found.slots if values.get(name)}


def _can_be_set(target: str | None, known: Known) -> bool:
    """Tell whether there is anything that a slot can hold; one for links needs something to link to."""
    return target is None or any(each.kind == target for each in known.elements)


def _refused_class(text: str) -> str:
    if text in ELEMENT_CLASSES:
        return ""
    return f"is none of {', '.join(ELEMENT_CLASSES)}{suggestion(text, ELEMENT_CLASSES)}"


def _told_by_name(source: str, formats: Mapping[str, str]) -> dict[str, str]:
    """Return what the name of a file tells of the element: its id, and its format."""
    name = PurePath(source.rstrip("/").rpartition("|")[0] or source.rstrip("/")).name
    suffixes = [suffix for suffix in formats if name.lower().endswith(suffix)]
    found = {"id": name.partition(".")[0]}
    if suffixes:
        found["data_format"] = formats[max(suffixes, key=len)]
    return found


def _known(object_id: str | None, elements: Mapping[ElementId, str], entries: Iterable[Entry]) -> Known:
    """Return what can be linked to once these entries are made too."""
    new = {}
    for entry in entries:
        class_name, name = str(entry.element["@type"]), str(entry.element["id"])
        kind = CLASSES[class_name].kind
        if kind is not None:
            try:
                new[ElementId(kind, name)] = class_name
            except InvalidElementError:
                continue
    return Known(object_id, {**elements, **new})
