"""`modos list`: the objects beneath a place.

Owns the words of the command. Must not know how objects are found.
"""

import json
from typing import Annotated

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, access, check_s3
from modos.cli.reporting import note, visible

__all__ = ["list_objects"]


def list_objects(
    place: Annotated[
        str,
        typer.Argument(metavar="URL", help="Where to look: a directory, s3://bucket[/prefix] or swift://container."),
    ],
    *,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """List the objects beneath a directory, bucket or container, by address, as they are found."""
    from modos import list_modos

    check_s3(place, endpoint=endpoint, anon=anon)
    found = list_modos(place, **access(place, endpoint=endpoint, anon=anon))
    if as_json:
        typer.echo(json.dumps([{"url": each.url, "path": each.path} for each in found], indent=2))
        return
    count = 0
    for count, each in enumerate(found, start=1):  # noqa: B007 - read when all are found
        typer.echo(visible(each.url))
    if count == 0:
        note(f"{place}: there are no digital objects here")
