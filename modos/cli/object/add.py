"""`modos add`: elements with their files.

Owns the words of the command. Must not know what an element may hold.
"""

from typing import TYPE_CHECKING, Any

import typer

from modos.cli.differing import DryRun, show_difference
from modos.cli.object.elements import (
    FileFormat,
    FromFile,
    PartOf,
    Slots,
    SourceFile,
    document,
    exactly_one,
    missing,
    refuse_beside,
    refuse_without,
)
from modos.cli.places import Anonymous, AsJSON, Endpoint, MaybePlace, open_object
from modos.cli.prompting import ask_for_elements, can_ask
from modos.cli.reporting import note

if TYPE_CHECKING:
    from modos import MODO
    from modos.objects.differences import Difference

__all__ = ["add"]


def add(
    context: typer.Context,
    place: MaybePlace = None,
    *,
    element: Slots = None,
    source_file: SourceFile = None,
    part_of: PartOf = None,
    from_file: FromFile = None,
    format: FileFormat = None,  # noqa: A002 - the word users know
    dry_run: DryRun = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Add elements, with their files, and write their ids.

    One is given by --element, any number by --from-file: a list of entries as in a description, each with its own
    source_file and part_of; without both, on a terminal, it asks for them. A mistake in any adds none. A file that is not of
    the format that is said, or whose index is missing or another's, is added and told on standard error.
    """
    if place is None and (element is not None or from_file or not can_ask()):
        raise missing(context, "OBJECT")
    if element is None and not from_file and can_ask():
        refuse_without(source_file=source_file, part_of=part_of, dry_run=dry_run or None, json=as_json or None)
        modo, added = ask_for_elements(place, endpoint=endpoint, anon=anon)
        _tell(modo, added)
        return
    exactly_one(element=element, from_file=from_file or None)
    if from_file:
        refuse_beside("--from-file", source_file=source_file, part_of=part_of)
    else:
        refuse_without(format=format)
    modo = open_object(str(place), endpoint=endpoint, anon=anon)
    how = {"element": element, "source_file": source_file, "part_of": part_of, "from_file": from_file, "format": format}
    added, difference = _added(modo, how, look=dry_run or as_json, dry_run=dry_run)
    if difference is not None:
        show_difference(difference, as_json=as_json, dry_run=dry_run, object=modo.url, ids=added)
    if not dry_run:
        _tell(modo, added, quietly=as_json)


def _added(modo: "MODO", how: dict[str, Any], *, look: bool, dry_run: bool) -> "tuple[list[str], Difference | None]":
    """Add elements in one edit; return their ids, and what that changes when it is asked for."""
    with modo.edit() as edit:
        added = (
            edit.add_from_file(document(how["from_file"]), format=how["format"])
            if how["from_file"]
            else [edit.add(how["element"], how["source_file"], how["part_of"])]
        )
        difference = edit.difference() if look else None
        if dry_run:
            edit.discard()
    return [str(each) for each in added], difference


def _tell(modo: "MODO", added: list[str], *, quietly: bool = False) -> None:
    """Write ids, and what is wrong with the files."""
    for each in added:
        if not quietly:
            typer.echo(each)
        for finding in modo.check_files(each):
            note(finding)
