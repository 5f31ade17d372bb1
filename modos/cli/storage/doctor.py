"""`modos storage doctor`: what a place can do, tried and told.

Owns the words of the command and its table. Must not know how anything is tried.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, access, check_s3
from modos.cli.reporting import note

if TYPE_CHECKING:
    from modos.storage import Capabilities

__all__ = ["doctor"]


def doctor(
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="A directory, s3://bucket, swift://container, or a place in one.")
    ],
    *,
    no_write: Annotated[bool, typer.Option("--no-write", help="Write nothing: tell what can be told without.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Find out what a place can do: signed addresses, refusing to replace, copies by the service, limits, and more.

    What can be tried is tried, in a directory of its own beneath PLACE which is removed in the end; nothing else is touched.
    """
    from modos.storage import examine, open_storage

    check_s3(place, endpoint=endpoint, anon=anon)
    storage = open_storage(place, storage_options=access(place, endpoint=endpoint, anon=anon))
    found = examine(storage, write=not no_write)
    typer.echo(json.dumps(found.as_dict(), indent=2) if as_json else _table(found))
    for each in found.notes:
        note(each)


def _table(found: "Capabilities") -> str:
    from modos.storage.doctor.facts import ABILITIES

    rows: list[tuple[str, str, str, str]] = [
        (ABILITIES[name], fact.answer, fact.source, fact.detail) for name, fact in found.facts.items()
    ]
    rows += [(name.replace("_", " "), _in_words(limit), "told", "") for name, limit in found.limits.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])) for row in rows
    ]
    return "\n".join([found.service, found.url, "", *(line.rstrip() for line in lines)])


def _in_words(limit: object) -> str:
    return f"{limit:,}" if isinstance(limit, int) else " ".join(limit) if isinstance(limit, tuple) else str(limit)
