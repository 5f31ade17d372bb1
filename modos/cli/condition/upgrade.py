"""`modos upgrade`: an object that an older release wrote, in the format of today.

Owns the words of the command. Must not know how it is done.
"""

import json
from typing import Annotated

import typer

from modos.cli.places import AsJSON, Endpoint, Place, access, check_s3
from modos.cli.reporting import note

__all__ = ["upgrade"]


def upgrade(
    place: Place,
    *,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Leave the old documents beside the new ones.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
) -> None:
    """Rewrite the metadata of an object of zarr format 2, as releases up to 0.3.5 wrote it, in format 3.

    The new documents are written beside the old ones, that of the root last, which then go. Files and arrays stay as they
    are. Killed half-way, the object is still the old one; the same command again upgrades it.
    """
    check_s3(place, endpoint=endpoint)
    from modos.objects.checks.upgrade import upgrade_object
    from modos.storage import open_storage

    storage = open_storage(place, storage_options=access(place, endpoint=endpoint))
    done = upgrade_object(storage, keep_old=keep_old, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(done.as_dict(), indent=2))
        return
    would = "would be " if dry_run else ""
    if not done.written and not done.removed:
        note("the object is of zarr format 3 already")
    else:
        note(f"{len(done.written):,} documents {would}written, {len(done.removed):,} old ones {would}removed")
