"""How far a transfer is.

Owns the counts that several threads advance, and the one callback that is told. Knows neither storages nor threads.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any

from modos._given import expect

__all__ = ["Progress", "Tally"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is at one moment.

    Attributes
    ----------
    files_done, files_total
        Files that are written and verified, and files to write.
    bytes_done, bytes_total
        Bytes brought so far, and bytes to bring; those that an earlier transfer had brought count as done. A file that
        has to be sent again is counted anew.
    current
        The file that moved last; empty at the beginning.
    under_way
        Large files that are under way by parts: name, bytes brought so far, and size.
    """

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    current: str
    under_way: tuple[tuple[str, int, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        counts = {name: getattr(self, name) for name in ("files_done", "files_total", "bytes_done", "bytes_total")}
        large = [{"path": name, "bytes_done": done, "bytes_total": size} for name, done, size in self.under_way]
        return {**counts, "current": self.current, "under_way": large}


class Tally:
    """The counts of one transfer.

    Parameters
    ----------
    files, size
        Files and bytes in all.
    report
        Told of every advance, one call at a time, from whichever thread made it; `None` for nobody.

    Raises
    ------
    InvalidInputError
        When it cannot be told anything.
    """

    def __init__(self, files: int, size: int, report: Callable[[Progress], None] | None) -> None:
        if not callable(report):
            expect(report, NoneType, "progress is told to a function")
        self._files = files
        self._size = size
        self._report = report
        self._lock = threading.Lock()
        self._files_done = 0
        self._bytes_done = 0
        self._under_way: dict[str, int] = {}
        self._large: dict[str, int] = {}
        self._tell("")

    def began(self, name: str, size: int) -> None:
        """Take note of a large file, of which is told how far it is."""
        with self._lock:
            self._large[name] = size

    def moved(self, name: str, size: int) -> None:
        """Count bytes of a file that is under way."""
        with self._lock:
            self._under_way[name] = self._under_way.get(name, 0) + size
            self._bytes_done += size
            self._tell(name)

    def restarted(self, name: str) -> None:
        """Take back what was counted of a file, which is sent again."""
        with self._lock:
            self._bytes_done -= self._under_way.pop(name, 0)
            self._tell(name)

    def finished(self, name: str, size: int) -> None:
        """Count a file, and what was not counted of its bytes."""
        with self._lock:
            self._bytes_done += size - self._under_way.pop(name, 0)
            self._large.pop(name, None)
            self._files_done += 1
            self._tell(name)

    def _tell(self, name: str) -> None:
        if self._report is not None:
            large = tuple((each, self._under_way.get(each, 0), size) for each, size in self._large.items())
            counts = self._files_done, self._files, self._bytes_done, self._size
            self._report(Progress(*counts, name, large))
