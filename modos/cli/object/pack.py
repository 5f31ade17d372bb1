"""`modos pack`: an object as one file.

Owns the words of the command. Must not know what is in an archive.
"""

import json
from typing import Annotated

import typer

from modos.cli.copied import warned
from modos.cli.places import AsJSON, Endpoint, Place, access, check_s3
from modos.cli.progress import amount, shown
from modos.cli.reporting import FAILED

__all__ = ["pack"]


def pack(
    place: Place,
    archive: Annotated[str, typer.Argument(metavar="ARCHIVE", help="The ZIP archive: ex.zip, s3://… or swift://….")],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
) -> None:
    """Copy an object into a ZIP archive, which is seen only when it is whole.

    'modos show "file:ex.zip|zip:"' reads the object in it; --endpoint serves whichever side is in S3.
    """
    from modos import pack as copy

    check_s3(place, archive, endpoint=endpoint)
    with shown() as progress:
        report = copy(
            place,
            archive,
            overwrite=overwrite,
            progress=progress,
            source_options=access(place, endpoint=endpoint),
            archive_options=access(archive, endpoint=endpoint),
        )
    counts = {name: getattr(report, name) for name in ("files", "bytes", "seconds", "missing")}
    if as_json:
        typer.echo(
            json.dumps({"source": place, "archive": archive, **counts, "digests": dict(report.digests)}, indent=2)
        )
    else:
        typer.echo(f"{archive}: {report.files:,} files ({amount(report.bytes)}) packed in {report.seconds:.1f} s")
    if warned(report, as_json=as_json):
        raise typer.Exit(FAILED)
