"""`modos add`: elements with their files.

Owns the words of the command. Must not know what an element may hold.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from modos.cli.elements import FromFile, PartOf, Slots, SourceFile, exactly_one, refuse_beside
from modos.cli.places import Anonymous, Endpoint, Place, open_object

if TYPE_CHECKING:
    from modos import MODO
    from modos.model import ElementId
    from modos.objects.draft import Change
    from modos.objects.snapshot import Snapshot

__all__ = ["add"]


def add(
    place: Place,
    *,
    element: Slots = None,
    source_file: SourceFile = None,
    part_of: PartOf = None,
    from_file: FromFile = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Add elements, with their files, and write their ids.

    One is given by --element, any number by --from-file: a list of entries as in a description, each with its own
    source_file and part_of. A mistake in any adds none.
    """
    exactly_one(element=element, from_file=from_file)
    if from_file is not None:
        refuse_beside("--from-file", source_file=source_file, part_of=part_of)
    modo = open_object(place, endpoint=endpoint, anon=anon)
    added = _add_all(modo, from_file) if from_file else [modo.add_element(element, source_file, part_of)]
    for each in added:
        typer.echo(str(each))


def _add_all(modo: "MODO", document: str) -> list["ElementId"]:
    """Add the entries of a document in one edit."""
    from modos.model import load_document
    from modos.objects.commit import commit
    from modos.objects.draft import Draft
    from modos.objects.files import SourceFile

    folders = (Path(document).parent, Path())
    entries = [
        (entry, SourceFile.find(entry.args["source_file"], folders) if "source_file" in entry.args else None)
        for entry in load_document(document)
    ]
    added: list[ElementId] = []

    def plan(base: "Snapshot") -> "Change":
        draft = Draft(base)
        added[:] = [draft.add(entry.element, source) for entry, source in entries]
        for element, (entry, _) in zip(added, entries, strict=True):
            if "part_of" in entry.args:
                draft.link(entry.args["part_of"], element)
        return draft.change()

    commit(modo.storage, plan)
    return added
