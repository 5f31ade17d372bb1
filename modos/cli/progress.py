"""How far a transfer is, on standard error: a bar on a terminal, a line now and then elsewhere.

Owns what progress looks like. Must not know what is transferred.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from modos.transfers import Progress

__all__ = ["amount", "shown"]

_TENTHS = 10


@contextmanager
def shown() -> Iterator["Callable[[Progress], None]"]:
    """Return what a transfer is to tell of its progress."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar() as tell:
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
def _bar() -> Iterator["Callable[[Progress], None]"]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[files]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None, files="")

        def tell(progress: "Progress") -> None:
            files = f"{progress.files_done:,} of {progress.files_total:,} files"
            bar.update(task, completed=progress.bytes_done, total=progress.bytes_total, files=files)

        yield tell


def _lines() -> "Callable[[Progress], None]":
    """Return what writes a line at the beginning and for each further tenth that is copied, and at the end."""
    told = -1

    def tell(progress: "Progress") -> None:
        nonlocal told
        tenths = _TENTHS * progress.bytes_done // max(progress.bytes_total, 1)
        if tenths <= told and progress.files_done < progress.files_total:
            return
        told = tenths
        files = f"{progress.files_done:,} of {progress.files_total:,} files"
        typer.echo(f"{files}, {amount(progress.bytes_done)} of {amount(progress.bytes_total)}", err=True)

    return tell
