"""A file in any storage, read range by range.

Owns how a seekable file is made of ranged reads. Knows no backend.
"""

import io
from typing import TYPE_CHECKING, Any, BinaryIO

from modos.errors import IntegrityError

if TYPE_CHECKING:
    from modos.storage.contract.looking import Looking

__all__ = ["open_ranged"]


def open_ranged(storage: "Looking", name: str, chunk_size: int) -> BinaryIO:
    """Return a buffered file that fetches at least `chunk_size` bytes at a time, except at its end."""
    return io.BufferedReader(_RangedFile(storage, name, storage.stat(name).size), chunk_size)


class _RangedFile(io.RawIOBase):
    """A file in a storage, read range by range; wrapped in a `BufferedReader` it is what `open` returns."""

    def __init__(self, storage: "Looking", name: str, size: int) -> None:
        super().__init__()
        self.name = storage.url_of(name)
        self._storage = storage
        self._target = name
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            message = f"cannot seek to {origin + offset}, before the beginning"
            raise ValueError(message)
        self._position = origin + offset
        return self._position

    def readall(self) -> bytes:
        """Return the rest: all of it was asked for, where the inherited method would ask for 8 KiB at a time."""
        start, end = self._position, self._size
        body = self._storage.read(self._target, start, end) if start < end else b""
        self._check(len(body), max(0, end - start))
        self._position = max(start, end)
        return body

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer has no run-time name
        view = memoryview(buffer).cast("B")
        end = min(self._position + len(view), self._size)
        if end <= self._position:
            return 0
        body = self._storage.read(self._target, self._position, end)
        self._check(len(body), end - self._position)
        view[: len(body)] = body
        self._position = end
        return len(body)

    def _check(self, came: int, asked: int) -> None:
        if came != asked:
            raise IntegrityError(self.name, f"{came:,} bytes came where {asked:,} were asked for")
