"""Files on their way to a storage while the next ones are still being made.

Owns how many are under way at once, and how many bytes. Knows neither arrays nor documents.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from modos.storage import Storage

__all__ = ["Uploads"]

_AT_ONCE = 16
_BYTES_AT_ONCE = 64 << 20


class Uploads:
    """Files being stored in the background, in bounded memory.

    The first failure is raised by whatever is asked next; what has not begun by then is left out.

    Parameters
    ----------
    storage, place
        Where to: names are relative to a directory of the storage.
    """

    def __init__(self, storage: Storage, place: str) -> None:
        self._storage = storage
        self._place = place
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos arrays")
        self._room = threading.Condition()
        self._under_way: dict[str, bytes] = {}
        self._bytes = 0
        self._failure: BaseException | None = None

    @property
    def under_way(self) -> Mapping[str, bytes]:
        """What is not stored yet, by name."""
        return self._under_way

    def put(self, name: str, body: bytes) -> None:
        """Begin to store a file, as soon as there is room; a name that is still under way is waited for."""
        with self._room:
            self._room.wait_for(lambda: self._failure is not None or self._has_room_for(name, body))
            self._raise()
            self._under_way[name] = body
            self._bytes += len(body)
        self._pool.submit(self._store, name, body).add_done_callback(lambda done: self._stored(name, done))

    def wait(self) -> None:
        """Wait until everything is stored."""
        with self._room:
            self._room.wait_for(lambda: not self._under_way)
            self._raise()

    def stop(self) -> None:
        """Leave out what has not begun, and wait for the rest."""
        with self._room:
            self._failure = self._failure or InterruptedError("stopped")
        self._pool.shutdown(cancel_futures=True)

    def _has_room_for(self, name: str, body: bytes) -> bool:
        return not self._bytes or (name not in self._under_way and self._bytes + len(body) <= _BYTES_AT_ONCE)

    def _store(self, name: str, body: bytes) -> None:
        if self._failure is None:
            self._storage.put(body, f"{self._place}/{name}")

    def _stored(self, name: str, done: "Future[None]") -> None:
        failure = None if done.cancelled() else done.exception()
        with self._room:
            self._failure = self._failure or failure
            self._bytes -= len(self._under_way.pop(name))
            self._room.notify_all()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure
