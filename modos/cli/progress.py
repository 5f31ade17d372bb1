"""How far a transfer is, on standard error: bars on a terminal, a line now and then elsewhere, or events for programs.

Owns what progress looks like. Must not know what is transferred.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modos.cli.reporting import remark, visible

if TYPE_CHECKING:
    from modos.transfers import Progress

__all__ = ["amount", "shown"]

_TENTHS = 10
_LARGE_SHOWN = 5
_EVENT_SECONDS = 0.25
_LINE_SECONDS = 1.0


@contextmanager
def shown(*, events: bool = False) -> Iterator["Callable[[Progress], None]"]:
    """Return what a transfer is to tell of its progress.

    Parameters
    ----------
    events
        Whether a program reads: one JSON document a line.
    """
    if events:
        yield _events()
    elif sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bars() as tell:
            yield tell
    else:
        yield _lines()


def amount(size: int) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> amount(980), amount(1_234_567)
    ('980 bytes', '1.2 MB')
    """
    if size < 1000:  # noqa: PLR2004 - below, a number of bytes is read as well
        return f"{size} bytes"
    scaled, units = float(size), iter(("kB", "MB", "GB", "TB", "PB"))
    unit = ""
    while scaled >= 1000:  # noqa: PLR2004 - SI
        scaled, unit = scaled / 1000, next(units)
    return f"{scaled:.1f} {unit}"


@contextmanager
def _bars() -> Iterator["Callable[[Progress], None]"]:
    """Return what draws a bar of all, and one for each of a few large files that are under way."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[what]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        total = bar.add_task("", total=None, what="")
        large: dict[str, TaskID] = {}

        def tell(progress: "Progress") -> None:
            what = f"{progress.files_done:,} of {progress.files_total:,} files"
            bar.update(total, completed=progress.bytes_done, total=progress.bytes_total, what=what)
            now = {name: (done, size) for name, done, size in progress.under_way[:_LARGE_SHOWN]}
            for name in [each for each in large if each not in now]:
                bar.remove_task(large.pop(name))
            for name, (done, size) in now.items():
                if name not in large:
                    large[name] = bar.add_task("", total=size, what=escape(visible(name.rpartition("/")[2][-30:])))
                bar.update(large[name], completed=done)

        yield tell


def _lines() -> "Callable[[Progress], None]":
    """Return what writes a line at the beginning, for a further tenth that is copied at most once a second, and at the end."""
    told, when = -1, -_LINE_SECONDS

    def tell(progress: "Progress") -> None:
        nonlocal told, when
        if not progress.current:  # the next object of many begins
            told, when = -1, -_LINE_SECONDS
        tenths, now = _TENTHS * progress.bytes_done // max(progress.bytes_total, 1), time.monotonic()
        is_due = tenths > told and now - when >= _LINE_SECONDS
        if not is_due and progress.files_done < progress.files_total:
            return
        told, when = tenths, now
        files = f"{progress.files_done:,} of {progress.files_total:,} files"
        remark(f"{files}, {amount(progress.bytes_done)} of {amount(progress.bytes_total)}")

    return tell


def _events() -> "Callable[[Progress], None]":
    """Return what writes a JSON document at the beginning, four times a second, and at the end."""
    told = 0.0

    def tell(progress: "Progress") -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _EVENT_SECONDS and progress.files_done < progress.files_total:
            return
        told = now
        remark(json.dumps({"event": "progress", **progress.as_dict()}))

    return tell
