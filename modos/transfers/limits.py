"""How a service is asked that is busy: less at once, after a pause, and more again as it recovers.

Owns how many requests a host gets at a time, and what is tried again. Must not know what is asked.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from modos.errors import IntegrityError, ServiceUnavailableError, StorageTimeoutError, UnreachableError
from modos.storage import Storage, capabilities
from modos.transfers.crew import Crew

__all__ = ["Limiter", "Patience", "host_of", "limiters"]

_TROUBLE = (ServiceUnavailableError, StorageTimeoutError, UnreachableError)
"""What may well succeed a moment later; the storage itself has tried several times already."""

_TRIES = 4
_FIRST_PAUSE = 0.2

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
        """Hold one of the places; waits for one. Whoever holds it and finds the service in trouble has found this one so."""
        with self._turn:
            self._recover()
            while self._inside >= self.limit:
                self._turn.wait(_QUIET)
                self._recover()
            self._inside += 1
        try:
            yield
        except _TROUBLE:
            self.trouble()
            raise
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
        if self.limit < self._most and (now := time.monotonic()) - self._changed > _QUIET:
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


class Patience:
    """Does something again when a service is in trouble, and once more when bytes were damaged on the way.

    Parameters
    ----------
    crew
        Who works; a pause ends when it stops.

    Examples
    --------
    >>> patiently, answers = Patience(Crew(workers=1, memory=1)), iter([UnreachableError("s3://omics"), None])
    >>> def ask():
    ...     answer = next(answers)
    ...     if answer is not None:
    ...         raise answer
    ...     return "done"
    >>> patiently(ask)
    'done'
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def __call__[T](self, work: Callable[[], T], again: Callable[[], None] = lambda: None) -> T:
        """Return what the work returns.

        Parameters
        ----------
        work
            Does it.
        again
            Called before it is done again.
        """
        damaged = False
        for attempt in range(_TRIES):
            self._crew.go_on()
            try:
                return work()
            except IntegrityError:
                if damaged or attempt == _TRIES - 1:
                    raise
                damaged = True
            except _TROUBLE:
                if attempt == _TRIES - 1:
                    raise
                self._crew.pause(_FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            again()
        raise AssertionError
