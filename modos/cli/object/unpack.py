"""`modos unpack`: an object out of the one file that it was packed into.

Owns the words of the command. Must not know what is in an archive.
"""

from typing import Annotated

import typer

from modos.cli.copied import tell
from modos.cli.places import AsJSON, Endpoint, Place, access, check_s3
from modos.cli.progress import shown

__all__ = ["unpack"]


def unpack(
    archive: Annotated[str, typer.Argument(metavar="ARCHIVE", help="The ZIP archive: ex.zip, s3://… or swift://….")],
    place: Place,
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another object that is there.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
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
    tell(report, place, {"archive": archive, "target": place}, as_json=as_json)
