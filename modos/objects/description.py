"""Objects described as a whole in a document: what it asks for, as one edit.

Owns how entries become additions, updates and removals. Pure but for looking which files there are to add.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modos.errors import InvalidDocumentError, ModosError
from modos.model import ElementId, kind_of, load_document
from modos.model.documents import Entry
from modos.objects.draft import OBJECT_TYPE, Change, Draft
from modos.objects.files import SourceFile
from modos.objects.snapshot import Snapshot

__all__ = ["Description"]


class Description:
    """A document that describes a whole object, its elements and where their files are.

    Parameters
    ----------
    path
        YAML, JSON, a table or RDF; see `modos.model.load_document`. Files it names are looked for beside it, then where
        the process stands.
    keep
        Whether elements that it does not name stay.

    Raises
    ------
    InvalidDocumentError
        When it cannot be read, or describes no object or several.
    InvalidInputError
        When a file that it names is not there.
    """

    def __init__(self, path: str | Path, *, keep: bool = False) -> None:
        self._path = Path(path)
        self._keep = keep
        entries = load_document(path)
        objects = [entry for entry in entries if entry.element.get("@type") == OBJECT_TYPE]
        if len(objects) != 1:
            many = f"{len(objects)} entries" if objects else "no entry"
            message = f"{path}: a description has one entry with @type {OBJECT_TYPE}; there is {many}"
            raise InvalidDocumentError(message)
        if objects[0].args:
            message = f"{path}: the {OBJECT_TYPE} entry takes no args; it has no file and is no part of another"
            raise InvalidDocumentError(message)
        self._object = objects[0].element
        self._entries = [entry for entry in entries if entry is not objects[0]]
        self._sources = list(self._find_sources())

    def plan(self, base: Snapshot) -> Change:
        """Return what it takes to make an object say what the document says.

        Slots that the document does not mention stay; `null` unsets one.
        """
        draft = Draft(base)
        draft.describe(self._object)
        found = [
            self._place(draft, base, entry, source) for entry, source in zip(self._entries, self._sources, strict=True)
        ]
        for entry, element in zip(self._entries, found, strict=True):
            if "part_of" in entry.args:
                draft.link(str(entry.args["part_of"]), element)
        if not self._keep:
            for element in base.elements.keys() - set(found):
                draft.remove(element)
        return draft.change()

    def _find_sources(self) -> Iterator[SourceFile | None]:
        folders: Sequence[Path] = (self._path.parent, Path())
        for entry in self._entries:
            where = entry.args.get("source_file")
            try:
                yield None if where is None else SourceFile.find(str(where), folders)
            except ModosError as error:
                error.add_note(f"while reading the entry {entry.element.get('id')!r} of {self._path}")
                raise

    def _place(self, draft: Draft, base: Snapshot, entry: Entry, source: SourceFile | None) -> ElementId:
        known = _known(entry.element, base)
        try:
            return draft.add(entry.element, source) if known is None else draft.update(known, entry.element, source)
        except ModosError as error:
            error.add_note(f"while reading the entry {entry.element.get('id')!r} of {self._path}")
            raise


def _known(element: Mapping[str, object], base: Snapshot) -> ElementId | None:
    """Return the id of an element that is in the object already, `None` for a new one or one that is to be refused."""
    name, type_name = element.get("id"), element.get("@type")
    matching = (each for each in base.elements if each.name == name)
    return next((each for each in matching if isinstance(type_name, str) and kind_of(type_name) == each.kind), None)
