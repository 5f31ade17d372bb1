"""`modos create`: a new object, empty or from a description.

Owns the words of the command. Must not know how an object is made.
"""

from typing import Annotated, Any

import typer

from modos.cli.object.elements import FromFile, refuse_beside
from modos.cli.places import Anonymous, Endpoint, Place, access, check_s3

__all__ = ["create"]


def create(
    place: Place,
    *,
    from_file: FromFile = None,
    id: Annotated[str | None, typer.Option(metavar="ID", help="Its id; the last part of its path by default.")] = None,  # noqa: A002 - the slot's name
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="A short name.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is about.")] = None,
    source_uri: Annotated[str | None, typer.Option(metavar="URI", help="Where it comes from.")] = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Create an object, empty or with all that a description says, and write its address.

    With --from-file, a mistake anywhere in the description creates nothing. An object that is there already is left
    alone; see 'modos update'.
    """
    from modos import MODO

    check_s3(place, endpoint=endpoint, anon=anon)
    slots: dict[str, Any] = {"name": name, "description": description, "source_uri": source_uri}
    options = access(place, endpoint=endpoint, anon=anon)
    if from_file is None:
        modo = MODO.create(place, id=id, options=options, **slots)
    else:
        refuse_beside("--from-file", id=id, **slots)
        modo = MODO.from_file(from_file, place, new=True, **options)
    typer.echo(modo.url)
