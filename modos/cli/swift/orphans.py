"""`modos swift orphans`: what killed uploads of large files have left.

Owns the words of the command. Must not know what an orphan is.
"""

import json
from datetime import timedelta
from typing import Annotated

import typer

from modos.cli.places import AsJSON
from modos.cli.progress import amount
from modos.cli.reporting import note
from modos.cli.swift.places import Container, duration, opened

__all__ = ["orphans"]


def orphans(
    container: Container,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Remove them, and list what was removed.")] = False,
    grace: Annotated[
        timedelta,
        typer.Option("--grace", parser=duration, metavar="SPAN", help="Leave alone what arrived since: 12h, 7d."),
    ] = "1d",  # type: ignore[assignment] # typer parses the default too
    as_json: AsJSON = False,
) -> None:
    """List parts of large files that belong to no file: what uploads have left that were killed."""
    from modos.swift import list_orphans, remove_orphans

    filesystem, name = opened(container)
    found = (remove_orphans if remove else list_orphans)(name, grace=grace, filesystem=filesystem)
    if as_json:
        told = ({"path": each.path, "bytes": each.size, "modified": each.last_modified.isoformat()} for each in found)
        typer.echo(json.dumps([*told], indent=2))
        return
    for each in found:
        typer.echo(f"{each.path}  {amount(each.size)}")
    total = f"{len(found):,} parts of {amount(sum(each.size for each in found))}" if found else "nothing"
    note(f"{total} {'removed' if remove else 'left over'}")
