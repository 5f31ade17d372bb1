"""`modos verify`: whether what is stored of an object is what the object says.

Owns the words of the command. Must not know how that is found out.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, open_object
from modos.cli.reporting import FAILED, note, visible

if TYPE_CHECKING:
    from modos.objects.verification import Verification

__all__ = ["verify"]


def verify(
    place: Place,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Read every file that has a recorded checksum.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Compare the files of an object with the checksums in its metadata; the exit code is 1 if some are missing, changed or unreadable.

    Without --deep the listing tells, as far as digests are known from earlier transfers, and only files that it casts
    doubt on are read.
    """
    found = open_object(place, endpoint=endpoint, anon=anon).verify(deep=deep)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        _tell(found, deep=deep)
    if not found.is_sound:
        raise typer.Exit(FAILED)


def _tell(found: "Verification", *, deep: bool) -> None:
    for what in ("missing", "changed", "unreadable", "extra", "unproven"):
        for name in getattr(found, what):
            typer.echo(visible(f"{what:<10}  {name}"))
    hint = "; --deep reads what is unproven and has a checksum" if found.unproven and not deep else ""
    note(f"{len(found.verified):,} files verified, {len(found.unproven):,} unproven{hint}")
