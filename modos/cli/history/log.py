"""`modos log`: the edits of an object.

Owns the words of the command. Must not know how they are recorded.
"""

import json
from typing import Annotated

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, open_object
from modos.cli.reporting import visible

__all__ = ["log"]


def log(
    place: Place,
    *,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, metavar="N", help="Tell the N newest only, and read no more."),
    ] = None,
    changes: Annotated[bool, typer.Option("--changes", "-p", help="Tell what each of them changed.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """List the edits of an object, the newest first: id of the commit, author and message.

    The id begins with the time, in UTC. Where a command takes a commit, its beginning or its last eight characters do.
    """
    found = open_object(place, endpoint=endpoint, anon=anon).log(limit)
    if as_json:
        typer.echo(json.dumps([each.as_dict() for each in found], indent=2))
        return
    for each in found:
        typer.echo(visible(str(each)))
        if changes:
            for line in each.difference.lines():
                typer.echo(f"    {visible(line)}")
