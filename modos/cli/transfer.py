"""`modos transfer`: an object copied from any place to any other.

Owns the words of the command. Must not know how bytes move.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import AsJSON, Endpoint, access, check_s3, endpoint_url
from modos.cli.progress import amount, shown

if TYPE_CHECKING:
    from modos.transfers import Report

__all__ = ["transfer"]


def transfer(
    source: Annotated[str, typer.Argument(metavar="SRC", help="The object: a directory, s3://… or swift://….")],
    target: Annotated[str, typer.Argument(metavar="DST", help="The copy itself, not the directory that it goes into.")],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace another object that is there.")
    ] = False,
    endpoint: Endpoint = None,
    target_endpoint: Annotated[
        str | None,
        typer.Option(
            "--target-endpoint", parser=endpoint_url, metavar="URL", help="S3 service of DST where it is not SRC's."
        ),
    ] = None,
    anon: Annotated[
        bool, typer.Option("--anon", metavar="", help="Read SRC, when in S3, without credentials.")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Copy an object, every file verified; the copy is seen only when it is whole.

    A copy that broke off is completed by the same command. --endpoint serves whichever side is in S3.
    """
    from modos import transfer as copy

    check_s3(source, target, endpoint=endpoint)
    check_s3(source, anon=anon)
    check_s3(target, target_endpoint=target_endpoint)
    with shown() as progress:
        report = copy(
            source,
            target,
            overwrite=overwrite,
            progress=progress,
            source_options=access(source, endpoint=endpoint, anon=anon),
            target_options=access(target, endpoint=target_endpoint or endpoint),
        )
    typer.echo(_as_json(report, source, target) if as_json else _in_words(report, target))


def _in_words(report: "Report", target: str) -> str:
    removed = f", {report.removed} of the old one removed" if report.removed else ""
    moved = f"{report.files:,} files ({amount(report.bytes)}) in {report.seconds:.1f} s, all verified{removed}"
    return f"{target}: {moved}"


def _as_json(report: "Report", source: str, target: str) -> str:
    counts = {name: getattr(report, name) for name in ("files", "bytes", "removed", "seconds")}
    return json.dumps({"source": source, "target": target, **counts, "digests": dict(report.digests)}, indent=2)
