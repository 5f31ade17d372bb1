"""Objects and elements described in a document: what it asks for, as one edit.

Owns how entries become additions, updates and removals. Pure but for looking which files there are to add.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from modos.errors import InvalidDocumentError, ModosError
from modos.model import ElementId, kind_of, load_document
from modos.model.documents import Entry
from modos.objects.editing.draft import OBJECT_TYPE, Change, Draft
from modos.objects.editing.files import SourceFile
from modos.objects.snapshot import Snapshot

__all__ = ["Description"]


class Description:
    """A document that describes an object, or elements of one, and where their files are.

    Parameters
    ----------
    path
        YAML, JSON, a table or RDF; see `modos.model.load_document`. Files it names are looked for beside it, then where
        the process stands.

    Raises
    ------
    InvalidDocumentError
        When it cannot be read.
    InvalidInputError
        When a file that it names is not there.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._entries = load_document(path)
        self._sources = [self._source(entry) for entry in self._entries]

    @property
    def elements(self) -> list[ElementId]:
        """Full ids of the elements that it describes, in its order; for entries that the schema accepts."""
        ids = ((kind_of(str(entry.element["@type"])), str(entry.element["id"])) for entry in self._entries)
        return [ElementId(kind, name) for kind, name in ids]

    def plan_object(self, base: Snapshot, *, keep: bool = False) -> Change:
        """Return what it takes to make an object say what the document says.

        Slots that the document does not mention stay; `null` unsets one.

        Parameters
        ----------
        base
            What the object says now.
        keep
            Whether elements that the document does not name stay.

        Raises
        ------
        InvalidDocumentError
            When the document describes no object, or several.
        """
        draft = Draft(base)
        whole = self._object()
        with self._reading(whole):
            draft.describe(whole.element)
        described = self._place(draft, base, leaving_out=whole)
        if not keep:
            for element in base.elements.keys() - set(described):
                draft.remove(element)
        return draft.change()

    def plan_additions(self, base: Snapshot) -> Change:
        """Return what it takes to add the elements that the document describes; none of them may be there."""
        draft = Draft(base)
        self._place(draft, None)
        return draft.change()

    def _object(self) -> Entry:
        objects = [entry for entry in self._entries if entry.element.get("@type") == OBJECT_TYPE]
        if len(objects) != 1:
            many = f"{len(objects)} entries" if objects else "no entry"
            message = f"{self._path}: a description has one entry with @type {OBJECT_TYPE}; there is {many}"
            raise InvalidDocumentError(message)
        if objects[0].args:
            message = f"{self._path}: the {OBJECT_TYPE} entry takes no args; it has no file and is no part of another"
            raise InvalidDocumentError(message)
        return objects[0]

    def _place(self, draft: Draft, base: Snapshot | None, *, leaving_out: Entry | None = None) -> list[ElementId]:
        """Add the entries, or update those that are in the object already, and return the ids of all."""
        placed: dict[ElementId, Entry] = {}
        for entry, source in zip(self._entries, self._sources, strict=True):
            if entry is not leaving_out:
                known = None if base is None else _known(entry.element, base)
                with self._reading(entry):
                    element = (
                        draft.add(entry.element, source)
                        if known is None
                        else draft.update(known, entry.element, source)
                    )
                placed[element] = entry
        for element, entry in placed.items():
            if "part_of" in entry.args:
                with self._reading(entry):
                    draft.link(str(entry.args["part_of"]), element)
        return list(placed)

    def _source(self, entry: Entry) -> SourceFile | None:
        where = entry.args.get("source_file")
        folders: Sequence[Path] = (self._path.parent, Path())
        with self._reading(entry):
            return None if where is None else SourceFile.find(str(where), folders)

    @contextmanager
    def _reading(self, entry: Entry) -> Iterator[None]:
        """Say of every error which entry it is about."""
        try:
            yield
        except ModosError as error:
            error.add_note(f"while reading the entry {entry.element.get('id')!r} of {self._path}")
            raise


def _known(element: Mapping[str, object], base: Snapshot) -> ElementId | None:
    """Return the id of an element that is in the object already, `None` for a new one or one that is to be refused."""
    name, type_name = element.get("id"), element.get("@type")
    matching = (each for each in base.elements if each.name == name)
    return next((each for each in matching if isinstance(type_name, str) and kind_of(type_name) == each.kind), None)
