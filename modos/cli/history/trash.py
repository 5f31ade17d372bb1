"""`modos trash`: files that edits have replaced or removed, and removing them for good.

Owns the words of the command. Must not know where they are kept.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, open_object
from modos.cli.reporting import note
from modos.cli.swift.places import duration

if TYPE_CHECKING:
    from modos.objects.history.trash import KeptFile

__all__ = ["trash"]


def trash(
    place: Place,
    *,
    empty: Annotated[bool, typer.Option("--empty", help="Remove them for good.")] = False,
    older_than: Annotated[
        timedelta | None,
        typer.Option(
            "--older-than", parser=duration, metavar="SPAN", help="Only what was put there longer ago: 12h, 30d."
        ),
    ] = None,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """List the files that edits have replaced or removed and that are still kept: commit, age, bytes and name.

    With --empty they are removed for good, and their edits cannot be undone any more.
    """
    modo = open_object(place, endpoint=endpoint, anon=anon)
    now = datetime.now(UTC)
    if empty:
        found = modo.empty_trash(older_than)
    else:
        found = [each for each in modo.trash() if older_than is None or now - each.when >= older_than]
    if as_json:
        typer.echo(json.dumps([_as_dict(each) for each in found], indent=2))
        return
    for each in found:
        typer.echo(f"{each.commit}  {_age(now - each.when):>4}  {each.size:>15,}  {each.name}")
    size = sum(each.size for each in found)
    note(f"{len(found):,} files, {size:,} bytes{' removed for good' if empty else ''}")


def _as_dict(each: "KeptFile") -> dict[str, object]:
    return {"commit": each.commit, "when": each.when.isoformat(), "name": each.name, "size": each.size}


def _age(age: timedelta) -> str:
    """Return an age in its largest unit.

    Examples
    --------
    >>> _age(timedelta(days=3, hours=2)), _age(timedelta(minutes=5)), _age(timedelta(0))
    ('3d', '5m', '0s')
    """
    seconds = max(0, int(age.total_seconds()))
    unit, length = next((each for each in (("d", 86400), ("h", 3600), ("m", 60)) if seconds >= each[1]), ("s", 1))
    return f"{seconds // length}{unit}"
