"""Objects and elements described in documents: what they ask for, as one edit.

Owns how entries become additions, updates and removals. Pure but for looking which files there are to add.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from modos.errors import DanglingLinkError, InvalidDocumentError, ModosError
from modos.model import ElementId, kind_of, load_document
from modos.model.documents import Entry, name_of
from modos.model.schema import OBJECT_CLASS
from modos.objects.editing.draft import Change, Draft
from modos.objects.editing.files import SourceFile
from modos.objects.snapshot import Attributes, Snapshot
from modos.storage.urls import is_url

__all__ = ["Description", "Document"]

type Document = str | PathLike[str] | BinaryIO | Sequence[str | PathLike[str] | BinaryIO]
"""A description: a file, a folder of tables, a binary file that is open for reading, or several of them."""


class Description:
    """Documents that describe an object, or elements of one, and where their files are.

    Parameters
    ----------
    source
        YAML, JSON, tables or RDF; see `modos.model.load_document`. Files that they name are looked for beside them, then
        where the process stands.
    format
        What they are written in; `None` to tell it by their names.

    Raises
    ------
    InvalidDocumentError
        When one cannot be read.
    """

    def __init__(self, source: Document, *, format: str | None = None) -> None:  # noqa: A002 - the word users know
        self._entries = load_document(source, format=format)
        self._name = name_of(source)
        self._found: dict[int, SourceFile] = {}

    @property
    def elements(self) -> list[ElementId]:
        """Full ids of the elements that it describes, in its order; for entries that the schema accepts."""
        ids = ((kind_of(str(entry.element["@type"])), str(entry.element["id"])) for entry in self._entries)
        return [ElementId(kind, name) for kind, name in ids]

    def plan_object(self, base: Snapshot, *, keep: bool = False) -> Change:
        """Return what it takes to make an object say what the description says.

        Slots that the description does not mention stay; `null` unsets one. A file that is named by where it is in the
        object already stays as it is.

        Parameters
        ----------
        base
            What the object says now.
        keep
            Whether elements that the description does not name stay. It then need not describe an object that exists.

        Raises
        ------
        InvalidDocumentError
            When it describes no object, or several.
        InvalidInputError
            When a file that it names is not there.
        """
        draft = Draft(base)
        whole = self._object(needed=not (keep and base.exists))
        if not keep:  # first, so that a link to what goes is refused
            described = {_known(entry.element, base.elements) for entry in self._entries if entry is not whole}
            for element in base.elements.keys() - described:
                draft.remove(element)
            draft.check()  # what the object then has as before is a link to what goes, if it names that again
        if whole is not None:
            with _reading(whole):
                draft.describe(whole.element)
        self._place(draft, base, leaving_out=whole)
        with self._finding_owner():
            return draft.change()

    def plan_additions(self, base: Snapshot) -> Change:
        """Return what it takes to add the elements that the description names; none of them may be there."""
        draft = Draft(base)
        self.add_to(draft)
        return draft.change()

    def add_to(self, draft: Draft) -> list[ElementId]:
        """Add the elements that it describes to an edit; none of them may be there. Returns their ids."""
        added = self._place(draft, None)
        with self._finding_owner():
            draft.check()
        return added

    def _object(self, *, needed: bool) -> Entry | None:
        objects = [entry for entry in self._entries if entry.element.get("@type") == OBJECT_CLASS]
        if len(objects) > 1:
            places = " and ".join(_place_of(entry) for entry in objects[:2])
            message = (
                f"{places}: a description has one entry with @type {OBJECT_CLASS}; there are {len(objects)} entries"
            )
            raise InvalidDocumentError(message)
        if not objects and (needed or not self._entries):
            message = (
                f"{self._name}: a description has one entry with @type {OBJECT_CLASS}, for the object itself; this one has none, "
                "and can only be added to an object that is there, or update it with no_remove (--no-remove)"
            )
            raise InvalidDocumentError(message)
        if objects and objects[0].args:
            place = _place_of(objects[0])
            message = f"{place}: the {OBJECT_CLASS} entry takes no args; it has no file and is no part of another"
            raise InvalidDocumentError(message)
        return objects[0] if objects else None

    def _place(self, draft: Draft, base: Snapshot | None, *, leaving_out: Entry | None = None) -> list[ElementId]:
        """Add the entries, or update those that are in the object already, and return the ids of all."""
        placed: dict[ElementId, Entry] = {}
        known = {} if base is None else base.elements
        for number, entry in enumerate(self._entries):
            if entry is leaving_out:
                continue
            with _reading(entry):
                there = None if base is None else _known(entry.element, known)
                is_own = base is not None and there is not None and _is_own(entry, base.url, known[there])
                source = None if is_own else self._source(number, entry)
                element = (
                    draft.add(entry.element, source) if there is None else draft.update(there, entry.element, source)
                )
            placed[element] = entry
        for element, entry in placed.items():
            if "part_of" in entry.args:
                with _reading(entry, "part_of"):
                    draft.link(str(entry.args["part_of"]), element)
        return list(placed)

    def _source(self, number: int, entry: Entry) -> SourceFile | None:
        """Return the file of an entry, which is looked for once however often the edit is planned."""
        where = entry.args.get("source_file")
        if where is None:
            return None
        if number not in self._found:
            with _reading(entry, "source_file"):
                self._found[number] = SourceFile.find(str(where), _folders(entry))
        return self._found[number]

    @contextmanager
    def _finding_owner(self) -> Iterator[None]:
        """Say of a link to nothing which entry it is in."""
        try:
            yield
        except DanglingLinkError as error:
            owner = next((each for each in self._entries if _full_id(each.element) == error.owner), None)
            if owner is not None:
                error.add_note(_about(owner, error.slot))
            raise


@contextmanager
def _reading(entry: Entry, part: str | None = None) -> Iterator[None]:
    """Say of every error which entry it is about, and where in the file that is."""
    try:
        yield
    except ModosError as error:
        if not any(note.startswith(_ABOUT) for note in getattr(error, "__notes__", ())):
            error.add_note(_about(entry, part or getattr(error, "slot", None)))
        raise


_ABOUT = "while reading the entry"


def _about(entry: Entry, slot: str | None) -> str:
    named = f" {entry.element['id']!r}" if "id" in entry.element else ""
    return f"{_ABOUT}{named} of {_place_of(entry, slot)}"


def _place_of(entry: Entry, slot: str | None = None) -> str:
    return "the description" if entry.origin is None else entry.origin.place_of(slot)


def _folders(entry: Entry) -> Sequence[Path]:
    folder = None if entry.origin is None else entry.origin.folder
    return (Path(),) if folder is None else (folder, Path())


def _is_own(entry: Entry, url: str, said: Attributes) -> bool:
    """Tell whether an entry names its file by where it is in the object already."""
    where, name = entry.args.get("source_file"), said.get("data_path")
    if where is None or name is None:
        return False
    own = f"{url.removesuffix('/')}/{name}"
    if is_url(where) or is_url(own):
        return where == own
    return any((folder / where).resolve() == Path(own).resolve() for folder in _folders(entry))


def _full_id(element: Mapping[str, object]) -> str:
    name, type_name = element.get("id"), element.get("@type")
    if type_name == OBJECT_CLASS or not isinstance(type_name, str):
        return str(name)
    return f"{kind_of(type_name)}/{name}"


def _known(element: Mapping[str, object], elements: Mapping[ElementId, Attributes]) -> ElementId | None:
    """Return the id of an element that is in the object already, `None` for a new one or one that is to be refused."""
    name, type_name = element.get("id"), element.get("@type")
    if not isinstance(name, str) or not isinstance(type_name, str):
        return None
    try:
        found = ElementId(kind_of(type_name), name)
    except ModosError:
        return None
    return found if found in elements else None
