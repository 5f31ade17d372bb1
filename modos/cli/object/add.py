"""`modos add`: elements with their files.

Owns the words of the command. Must not know what an element may hold.
"""

import typer

from modos.cli.object.elements import FromFile, PartOf, Slots, SourceFile, exactly_one, refuse_beside
from modos.cli.places import Anonymous, Endpoint, Place, open_object
from modos.cli.reporting import note

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
    source_file and part_of. A mistake in any adds none. A file that is not of the format that is said, or whose index
    is missing or another's, is added and told on standard error.
    """
    exactly_one(element=element, from_file=from_file)
    if from_file is not None:
        refuse_beside("--from-file", source_file=source_file, part_of=part_of)
    modo = open_object(place, endpoint=endpoint, anon=anon)
    added = (
        modo.add_from_file(from_file) if from_file is not None else [modo.add_element(element, source_file, part_of)]
    )
    for each in added:
        typer.echo(str(each))
        for finding in modo.check_files(str(each)):
            note(finding)
