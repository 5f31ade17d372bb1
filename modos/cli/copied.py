"""What a copy of an object came to, in words and as JSON.

Owns those words, and when a copy that was made has failed all the same. Must not know which command made it.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import typer

from modos.cli.progress import amount
from modos.cli.reporting import FAILED, note

if TYPE_CHECKING:
    from modos.transfers import Report

__all__ = ["counts", "in_words", "tell", "warned"]


def tell(report: "Report", target: str, ends: Mapping[str, str], *, as_json: bool) -> None:
    """Write what was done to standard output, and end the command as a failure if `warned` says so.

    Parameters
    ----------
    report, target
        Of the copy, and where it is.
    ends
        What JSON tells of the places, by name.
    as_json
        Whether it is for a program.
    """
    document = {**ends, **counts(report), "digests": dict(report.digests)}
    typer.echo(json.dumps(document, indent=2) if as_json else in_words(report, target))
    if warned(report, as_json=as_json):
        raise typer.Exit(FAILED)


def in_words(report: "Report", target: str) -> str:
    """Return one line on what was done."""
    told = [
        f"{report.skipped:,} files ({amount(report.skipped_bytes)}) were there already" if report.skipped else "",
        f"{amount(report.resumed_bytes)} continued" if report.resumed_bytes else "",
        f"{amount(report.service_bytes)} copied by the service" if report.service_bytes else "",
        f"{report.removed} of the old one removed" if report.removed else "",
        f"{len(report.changed):,} not what their data_checksum says" if report.changed else "",
        f"{len(report.missing):,} missing at the source" if report.missing else "",
        f"{len(report.unproven):,} not compared with their data_checksum" if report.unproven else "",
    ]
    proof = "all as they are at the source" if report.changed else "all verified"
    moved = f"{report.files:,} files ({amount(report.bytes)}) in {report.seconds:.1f} s, {proof}"
    return f"{target}: {', '.join([moved, *filter(None, told)])}"


def counts(report: "Report") -> dict[str, Any]:
    """Return all of a report but the digests, as JSON takes it."""
    return {each.name: getattr(report, each.name) for each in fields(report) if each.name != "digests"}


def warned(report: "Report", *, as_json: bool) -> bool:
    """Say which files are copied as they are and are not what they should be, or are not there at all; tell whether there are any."""
    for name in () if as_json else report.changed:
        note(f"{name} was copied as it is: at the source already, it has another checksum than its data_checksum")
    for name in () if as_json else report.missing:
        note(f"{name} could not be copied: the object describes it, and the source has no such file")
    return bool(report.changed or report.missing)
