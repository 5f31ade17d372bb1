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

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer has no run-time name
        view = memoryview(buffer).cast("B")
        end = min(self._position + len(view), self._size)
        if end <= self._position:
            return 0
        body = self._storage.read(self._target, self._position, end)
        if len(body) != end - self._position:
            raise IntegrityError(self.name, f"{len(body):,} bytes came where {end - self._position:,} were asked for")
        view[: len(body)] = body
        self._position = end
        return len(body)
