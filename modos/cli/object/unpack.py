"""`modos unpack`: an object out of the one file that it was packed into.

Owns the words of the command. Must not know what is in an archive.
"""

import json
from typing import Annotated

import typer

from modos.cli.places import AsJSON, Endpoint, Place, access, check_s3
from modos.cli.progress import amount, shown

__all__ = ["unpack"]


def unpack(
    archive: Annotated[str, typer.Argument(metavar="ARCHIVE", help="The ZIP archive: ex.zip, s3://… or swift://….")],
    place: Place,
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace another object that is there.")
    ] = False,
    endpoint: Endpoint = None,
    as_json: AsJSON = False,
) -> None:
    """Copy an object out of a ZIP archive, every file verified; it is seen only when it is whole.

    --endpoint serves whichever side is in S3.
    """
    from modos import unpack as copy

    check_s3(archive, place, endpoint=endpoint)
    with shown() as progress:
        report = copy(
            archive,
            place,
            overwrite=overwrite,
            progress=progress,
            archive_options=access(archive, endpoint=endpoint),
            target_options=access(place, endpoint=endpoint),
        )
    counts = {name: getattr(report, name) for name in ("files", "bytes", "removed", "seconds")}
    if as_json:
        typer.echo(
            json.dumps({"archive": archive, "target": place, **counts, "digests": dict(report.digests)}, indent=2)
        )
    else:
        typer.echo(f"{place}: {report.files:,} files ({amount(report.bytes)}) in {report.seconds:.1f} s, all verified")
