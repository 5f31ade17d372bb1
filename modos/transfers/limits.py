"""How many requests a service is asked at once: fewer when it says that it is busy, more again as it recovers.

Owns that number for each host. Must not know what is asked.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from modos.storage import Storage, capabilities

__all__ = ["Limiter", "host_of", "limiters"]

_QUIET = 1.0
"""Seconds without trouble after which one more is allowed."""


class Limiter:
    """Lets so many through at a time: half as many after trouble, one more for each quiet second.

    Parameters
    ----------
    most
        How many at the beginning, and never more.

    Examples
    --------
    >>> limiter = Limiter(8)
    >>> limiter.trouble()
    >>> limiter.limit
    4
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        self._most = most
        self._inside = 0
        self._changed = time.monotonic()
        self._turn = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the places; waits for one."""
        with self._turn:
            self._recover()
            while self._inside >= self.limit:
                self._turn.wait(_QUIET)
                self._recover()
            self._inside += 1
        try:
            yield
        finally:
            with self._turn:
                self._inside -= 1
                self._turn.notify()

    def trouble(self) -> None:
        """Take note that the service is busy. What several find at the same moment counts once."""
        with self._turn:
            now = time.monotonic()
            if self.limit == self._most or now - self._changed > _QUIET / 4:
                self.limit = max(1, self.limit // 2)
                self._changed = now

    def _recover(self) -> None:
        now = time.monotonic()
        if self.limit < self._most and now - self._changed > _QUIET:
            self.limit += 1
            self._changed = now
            self._turn.notify()


def host_of(storage: Storage) -> str:
    """Return who serves a storage: the host where that is known, else the kind of service."""
    service = capabilities(storage).service
    return urlsplit(service.rpartition(" at ")[2]).netloc or service


def limiters(source: Storage, target: Storage, most: int) -> tuple[Limiter, Limiter]:
    """Return the limiters of two storages, which is one if both are on the same host."""
    first = Limiter(most)
    return first, first if host_of(source) == host_of(target) else Limiter(most)
