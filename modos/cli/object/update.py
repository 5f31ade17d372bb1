"""`modos update`: slots and files of an element, or a whole object by its description.

Owns the words of the command. Must not know what an element may hold.
"""

from typing import Annotated

import typer

from modos.cli.object.elements import FromFile, PartOf, Slots, SourceFile, refuse_beside
from modos.cli.places import Anonymous, Element, Endpoint, Place, open_object

__all__ = ["update"]


def update(
    place: Place,
    element_id: Element = None,
    *,
    element: Slots = None,
    source_file: SourceFile = None,
    part_of: PartOf = None,
    from_file: FromFile = None,
    no_remove: Annotated[
        bool,
        typer.Option(
            "--no-remove", metavar="", help="With --from-file: keep elements that the description does not name."
        ),
    ] = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Change slots of an element, replace its file, or bring the whole object to what a description says.

    ELEMENT may be the id of the object itself. Slots that are not mentioned stay, null unsets one. With --from-file,
    elements that the description does not name are removed with their files, unless --no-remove is given.
    """
    changes = {"element": element, "source_file": source_file, "part_of": part_of}
    if from_file is not None:
        refuse_beside("--from-file", **{"ELEMENT": element_id, **changes})
        modo = open_object(place, endpoint=endpoint, anon=anon)
        modo.from_file(from_file, storage=modo.storage, no_remove=no_remove)
        return
    if element_id is None:
        message = "name an ELEMENT to update, or give --from-file"
        raise typer.BadParameter(message)
    if no_remove:
        message = "--no-remove goes with --from-file"
        raise typer.BadParameter(message)
    if all(value is None for value in changes.values()):
        message = "nothing to update; give --element, --source-file or --part-of"
        raise typer.BadParameter(message)
    modo = open_object(place, endpoint=endpoint, anon=anon)
    modo.update_element(element_id, element or {}, source_file, part_of)
