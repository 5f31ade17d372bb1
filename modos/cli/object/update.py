"""`modos update`: slots and files of an element, or a whole object by its description.

Owns the words of the command. Must not know what an element may hold.
"""

from typing import Annotated, Any

import typer

from modos.cli.differing import DryRun, show_difference
from modos.cli.object.elements import (
    FileFormat,
    FromFile,
    PartOf,
    Slots,
    SourceFile,
    document,
    refuse_beside,
    refuse_without,
)
from modos.cli.places import Anonymous, AsJSON, Endpoint, MaybeElement, Place, open_object

__all__ = ["update"]


def update(
    place: Place,
    element_id: MaybeElement = None,
    *,
    element: Slots = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="SLOT", help="A slot to unset; may be repeated.")
    ] = None,
    source_file: SourceFile = None,
    part_of: PartOf = None,
    from_file: FromFile = None,
    format: FileFormat = None,  # noqa: A002 - the word users know
    no_remove: Annotated[
        bool,
        typer.Option("--no-remove", help="With --from-file: keep elements that the description does not name."),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Change slots of an element, replace its file, or bring the whole object to what a description says.

    ELEMENT may be the id of the object itself. Slots that are not mentioned stay, null unsets one. With --from-file,
    elements that the description does not name are removed with their files, unless --no-remove is given. What is changed
    is shown: + is new, ~ is changed, - is removed.
    """
    changes = {"element": element, "unset": unset or None, "source_file": source_file, "part_of": part_of}
    if from_file:
        refuse_beside("--from-file", **{"ELEMENT": element_id, **changes})
    else:
        refuse_without(format=format, no_remove=no_remove or None)
        if element_id is None:
            raise typer.BadParameter("name an ELEMENT to update, or give --from-file")
        if all(value is None for value in changes.values()):
            raise typer.BadParameter("nothing to update; give --element, --unset, --source-file or --part-of")
    modo = open_object(place, endpoint=endpoint, anon=anon)
    if from_file:
        how: dict[str, Any] = {"no_remove": no_remove, "format": format}
        described = document(from_file)
        difference = modo.diff_with(described, **how) if dry_run else modo.update_from_file(described, **how)
    else:
        with modo.edit() as edit:
            edit.update(str(element_id), {**(element or {}), **dict.fromkeys(unset or ())}, source_file, part_of)
            difference = edit.difference()
            if dry_run:
                edit.discard()
    show_difference(difference, as_json=as_json, dry_run=dry_run, object=modo.url)
