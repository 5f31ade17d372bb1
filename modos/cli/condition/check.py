"""`modos check`: what is wrong with an object, and repairing what is safe to repair.

Owns the words of the command. Must not know how anything is found out or repaired.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, access, check_s3
from modos.cli.reporting import FAILED, note, visible
from modos.cli.swift.places import duration

if TYPE_CHECKING:
    from modos.objects.checks.examination import Depth
    from modos.objects.checks.findings import CheckReport

__all__ = ["check"]


def check(
    place: Place,
    *,
    listing: Annotated[
        bool, typer.Option("--listing", help="Look at the listing and the metadata only, not into files.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every file that has a recorded checksum.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is safe to repair.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --repair: tell what would be done, and do nothing.")
    ] = False,
    grace: Annotated[
        timedelta,
        typer.Option(
            "--grace", parser=duration, metavar="SPAN", help="How long what a writer left is not touched: 15m, 12h, 7d."
        ),
    ] = "1d",  # type: ignore[assignment] # typer gives it to the parser
    vocabulary: Annotated[
        list[Path] | None,
        typer.Option(
            "--vocabulary",
            metavar="FILE",
            envvar="MODOS_VOCABULARIES",
            help="Terms of this vocabulary must be in it: OBO, OWL, or text with a term in each line; may be repeated.",
        ),
    ] = None,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Find out what is wrong with an object, however damaged it is; the exit code is 1 if there is anything but notes.

    --repair derives documents of the metadata from others, adds missing links to assays, and removes what edits that broke
    off have left. It touches no file that is described and no slot that somebody has set.
    """
    if listing and deep:
        raise typer.BadParameter("--listing looks into no files, and --deep reads them all; give one of them")
    if dry_run and not repair:
        raise typer.BadParameter("--dry-run tells what --repair would do; without it nothing is changed anyway")
    check_s3(place, endpoint=endpoint, anon=anon)
    from modos.objects.checks.examination import check_object
    from modos.objects.checks.repair import repair_object
    from modos.storage import open_storage

    vocabularies = vocabulary or ()
    storage = open_storage(place, storage_options=access(place, endpoint=endpoint, anon=anon))
    depth: Depth = "listing" if listing else "contents" if deep else "indexes"
    report = (
        repair_object(storage, depth=depth, grace=grace, dry_run=dry_run, vocabularies=vocabularies)
        if repair
        else check_object(storage, depth=depth, grace=grace, vocabularies=vocabularies)
    )
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        _tell(report)
    if not report.is_clean:
        raise typer.Exit(FAILED)


def _tell(report: "CheckReport") -> None:
    done = "would repair" if report.dry_run else "repaired"
    for repair in report.repairs:
        typer.echo(visible(f"{done}: {repair.place}: {repair.what} [{repair.code}]"))
    for each in report.findings:
        typer.echo(f"{visible(str(each))}\n    {visible(each.remedy)}")
    counts = [sum(each.severity == severity for each in report.findings) for severity in ("error", "warning", "note")]
    words = ("error", "warning", "note")
    told = ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in zip(counts, words, strict=True))
    left = " left" if report.repairs and not report.dry_run else ""
    note(f"{told}{left}")
