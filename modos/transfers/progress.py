"""How far a transfer is.

Owns the counts that several threads advance, and the one callback that is told. Knows neither storages nor threads.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Progress", "Tally"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is at one moment.

    Attributes
    ----------
    files_done, files_total
        Files that are written and verified, and files to write.
    bytes_done, bytes_total
        Bytes read from the source so far, and bytes to read. A file that has to be sent again is counted anew.
    current
        The file that moved last; empty at the beginning.
    """

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    current: str


class Tally:
    """The counts of one transfer.

    Parameters
    ----------
    files, size
        Files and bytes in all.
    report
        Told of every advance, one call at a time, from whichever thread made it; `None` for nobody.
    """

    def __init__(self, files: int, size: int, report: Callable[[Progress], None] | None) -> None:
        self._files = files
        self._size = size
        self._report = report
        self._lock = threading.Lock()
        self._files_done = 0
        self._bytes_done = 0
        self._under_way: dict[str, int] = {}
        self._tell("")

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

    def finished(self, name: str) -> None:
        """Count a file."""
        with self._lock:
            self._under_way.pop(name, None)
            self._files_done += 1
            self._tell(name)

    def _tell(self, name: str) -> None:
        if self._report is not None:
            self._report(Progress(self._files_done, self._files, self._bytes_done, self._size, name))
