"""Several elements from one document, added to an object that exists in one edit.

Owns how entries become that edit. Must not know what an element may hold, or how the edit is made.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from modos.errors import ModosError

if TYPE_CHECKING:
    from modos import MODO
    from modos.model import ElementId, Entry
    from modos.objects.draft import Change, Draft
    from modos.objects.snapshot import Snapshot

__all__ = ["add_entries"]


def add_entries(modo: "MODO", document: str) -> "list[ElementId]":
    """Add the elements that a document describes, all or none, and return their ids.

    Parameters
    ----------
    modo
        The object.
    document
        A list of entries as in a description. Files they name are looked for beside it, then in the working directory.

    Raises
    ------
    ModosError
        When any of them is refused; nothing is then changed.
    """
    from modos.model import load_document
    from modos.objects.commit import commit
    from modos.objects.draft import Draft
    from modos.objects.files import SourceFile

    folders = (Path(document).parent, Path())
    entries = load_document(document)
    paths = [entry.args.get("source_file") for entry in entries]
    sources = [None if path is None else SourceFile.find(path, folders) for path in paths]
    added: list[ElementId] = []

    def plan(base: "Snapshot") -> "Change":
        draft = Draft(base)
        added[:] = [_placed(draft, entry, source) for entry, source in zip(entries, sources, strict=True)]
        for element, entry in zip(added, entries, strict=True):
            if "part_of" in entry.args:
                draft.link(entry.args["part_of"], element)
        return draft.change()

    def _placed(draft: "Draft", entry: "Entry", source: "SourceFile | None") -> "ElementId":
        try:
            return draft.add(entry.element, source)
        except ModosError as error:
            error.add_note(f"while reading the entry {entry.element.get('id')!r} of {document}")
            raise

    commit(modo.storage, plan)
    return added
