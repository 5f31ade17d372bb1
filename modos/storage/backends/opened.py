"""`Opened`: a client made on first use, shared by storages, and made anew in every process.

Owns when a client is made. Knows no client.
"""

import os
import threading
from collections.abc import Callable

__all__ = ["Opened"]


class Opened[Client]:
    """A client that is made when it is first needed, once for all who share this.

    A forked process makes one of its own: sockets must not be shared. It keeps the parent's unused, for closing
    that would disturb the parent. Pickled, only how to make the client travels.

    Parameters
    ----------
    make
        Makes the client; has to pickle if the storage is to.

    Examples
    --------
    >>> opened = Opened(list)
    >>> opened.get() is opened.get()
    True
    """

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._process = 0
        self._client: Client | None = None
        self._left: list[Client | None] = []
        self._lock = threading.Lock()

    def get(self) -> Client:
        """Return the client of this process."""
        if self._process != os.getpid():
            if self._process:
                self._lock = threading.Lock()  # a thread of the parent may have held the old one
            with self._lock:
                if self._process != os.getpid():
                    self._left.append(self._client)
                    self._client = self._make()
                    self._process = os.getpid()
        assert self._client is not None
        return self._client

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._make,)
