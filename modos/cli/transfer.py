"""`modos transfer`: an object, or all beneath a place, copied from any place to any other.

Owns the words of the command. Must not know how bytes move.
"""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modos._lazy import require
from modos.cli.copied import counts, in_words, tell, warned
from modos.cli.places import AsJSON, Endpoint, access, check_s3, endpoint_url
from modos.cli.progress import amount, shown
from modos.cli.reporting import FAILED, message, note, visible
from modos.cli.swift.places import duration

if TYPE_CHECKING:
    from distributed import Client

    from modos.objects.moves import Moved
    from modos.transfers import Plan

__all__ = ["transfer"]

_ALL = "/*"
_SECONDS_TO_CONNECT = 10


class Proof(StrEnum):
    """How it is proven that the bytes arrived."""

    DIGEST = "digest"
    FULL = "full"


def transfer(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC", help="The object: a directory, s3://… or swift://…; 'swift://a/study/*' for all."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Argument(metavar="DST", help="The copy itself: copies/ex; for 'SRC/*' the directory of the copies."),
    ] = None,
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace another object, or a copy with edits of its own.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", metavar="", help="Remove files that only an older copy has, when all is done.")
    ] = False,
    verify: Annotated[
        Proof, typer.Option("--verify", metavar="HOW", help="digest: as the service tells it; full: read all back.")
    ] = Proof.DIGEST,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Files and parts at a time; without it 16.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask", metavar="ADDRESS", help="Let the workers of a dask cluster move the bytes: tcp://host:8786."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Say what would be done, in how many requests; write nothing.")
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean", metavar="", help="Instead: remove parts in SRC that transfers have left, and list them."
        ),
    ] = False,
    grace: Annotated[
        timedelta,
        typer.Option(
            "--grace", parser=duration, metavar="SPAN", help="--clean leaves alone what arrived since: 12h, 7d."
        ),
    ] = "1d",  # type: ignore[assignment] # typer parses the default too
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
    """Copy an object, every file verified; the copy is seen only when it is whole, and what is there already is skipped.

    A copy that broke off is continued by the same command, large files in the middle. --endpoint serves whichever side
    is in S3. With --json, progress is told on standard error, as one document a line.
    """
    check_s3(source, *([target] if target else []), endpoint=endpoint)
    check_s3(source, anon=anon)
    access_to_source = access(source, endpoint=endpoint, anon=anon)
    if clean:
        if target is not None:
            message = (
                f"--clean is for one place: give {target!r} alone if the parts were left there, as those of a copy are"
            )
            raise typer.BadParameter(message)
        _clean(source, access_to_source, grace, keep=dry_run, as_json=as_json)
        return
    if target is None:
        raise typer.BadParameter("Missing argument 'DST': where the copy goes")
    check_s3(target, target_endpoint=target_endpoint)
    rules: dict[str, Any] = {"overwrite": overwrite, "delete": delete}
    access_to_target = access(target, endpoint=target_endpoint or endpoint)
    if dry_run and not source.endswith(_ALL):
        _plan(source, target, access_to_source, access_to_target, rules, as_json=as_json)
        return
    how = {**rules, "verify": verify.value, "workers": workers}
    how |= {"source_options": access_to_source, "target_options": access_to_target}
    with _cluster(None if dry_run else dask) as client:
        how["client"] = client
        if source.endswith(_ALL):
            _many(source, target, how | {"dry_run": dry_run}, as_json=as_json)
        else:
            _one(source, target, how, as_json=as_json)


def _one(source: str, target: str, how: dict[str, Any], *, as_json: bool) -> None:
    from modos import transfer as copy

    with _stoppable(), shown(events=as_json) as progress:
        report = copy(source, target, progress=progress, **how)
    tell(report, target, {"source": source, "target": target}, as_json=as_json)


def _many(source: str, target: str, how: dict[str, Any], *, as_json: bool) -> None:
    from modos import transfer_many

    failed = False
    with _stoppable(), shown(events=as_json) as progress:
        for moved in transfer_many(source.removesuffix(_ALL), target, progress=progress, **how):
            _tell(moved, as_json=as_json)
            changed = moved.report is not None and warned(moved.report, as_json=as_json)
            failed = failed or changed or moved.error is not None
    if failed:
        raise typer.Exit(FAILED)


def _tell(moved: "Moved", *, as_json: bool) -> None:
    """Write a line about one object of many: what was done, or why it was not."""
    if as_json:
        ends: dict[str, Any] = {"source": moved.source, "target": moved.target}
        typer.echo(json.dumps(ends | _outcome(moved)))
    elif moved.error is not None:
        note(message(moved.error))
    elif moved.plan is not None:
        typer.echo(_in_words(moved.plan, f"{moved.target}:"))
    elif moved.report is not None:
        typer.echo(visible(in_words(moved.report, moved.target)))


def _outcome(moved: "Moved") -> dict[str, Any]:
    if moved.error is not None:
        return {"error": message(moved.error)}
    if moved.report is not None:
        return counts(moved.report)
    return {} if moved.plan is None else moved.plan.as_dict()


def _plan(
    source: str,
    target: str,
    access_to_source: dict[str, Any],
    access_to_target: dict[str, Any],
    rules: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from modos import MODO, open_storage

    place = open_storage(target, storage_options=access_to_target)
    plan = MODO(source, **access_to_source).plan_transfer(place, **rules)
    typer.echo(json.dumps(plan.as_dict(), indent=2) if as_json else _in_words(plan))


def _in_words(plan: "Plan", *heading: str) -> str:
    return "\n".join(map(visible, (*heading, *plan.lines)))


def _clean(place: str, options: dict[str, Any], grace: timedelta, *, keep: bool, as_json: bool) -> None:
    from modos import open_storage
    from modos.transfers import discard_abandoned, list_abandoned

    storage = open_storage(place, storage_options=options)
    found = (list_abandoned if keep else discard_abandoned)(storage, grace=grace)
    if as_json:
        told = ({"path": str(each.path), "bytes": each.size, "changed": each.changed.isoformat()} for each in found)
        typer.echo(json.dumps([*told], indent=2))
        return
    for each in found:
        typer.echo(visible(f"{storage.url_of(each.path)}  {amount(each.size)}"))
    files = f"{len(found):,} file{'' if len(found) == 1 else 's'}"
    total = f"parts of {files}, {amount(sum(each.size for each in found))}," if found else "nothing"
    note(f"{total} {'left over' if keep else 'removed'}")


@contextmanager
def _cluster(address: str | None) -> "Iterator[Client | None]":
    """Connect to a cluster, if one is named."""
    if address is None:
        yield None
        return
    distributed = require("distributed", extra="distributed", purpose="transfers over a dask cluster")
    try:
        distributed.comm.get_address_host_port(address)  # a client of what is no address hangs while it is forgotten
        client = distributed.Client(address, set_as_default=False, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"no dask scheduler answers at {address!r}") from error
    with client:
        yield client


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let a request to end do what Ctrl-C does, and say how to go on afterwards."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop) if threading.current_thread() is threading.main_thread() else None
    try:
        yield
    except KeyboardInterrupt:
        note("the same command continues where this one was stopped")
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
