"""Hierarchies of arrays, in HDF5 or zarr, from any place that files can be read from.

Owns how they are opened for reading. Must not know what is in them.
"""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

from modos._lazy import require
from modos.errors import IntegrityError, ModosError
from modos.omics.files import Files, complete_range
from modos.storage import Storage

__all__ = ["opened"]

_BLOCK = 128 * 1024
_LARGE = 8 * _BLOCK
"""What is read at once beyond this is data, which is not read twice."""

_MOST_KEPT = 64

_DAMAGED = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError)
"""What the libraries, and readers of what they give, raise on files that are not what they say."""


@contextmanager
def opened(files: Files, target: str) -> Iterator[Any]:
    """Open a file of HDF5, or a directory of zarr, as a group: `h5py.File` or `zarr.Group`, which read alike.

    Raises
    ------
    IntegrityError
        When it is damaged or cut off.
    """
    is_zarr = target.lower().rstrip("/").endswith(".zarr")
    try:
        with _zarr(files, target) if is_zarr else _hdf5(files, target) as group:
            yield group
    except ModosError:
        raise
    except _DAMAGED as error:
        reason = f"cannot be read as {'zarr' if is_zarr else 'HDF5'}: {' '.join(str(error).split())}"
        raise IntegrityError(files.url_of(target), reason) from error


def _hdf5(files: Files, target: str) -> AbstractContextManager[Any]:
    h5py = require("h5py", extra="tables", purpose="reading HDF5")
    file: AbstractContextManager[Any] = h5py.File(_Blocks(files, target), "r")
    return file


def _zarr(files: Files, target: str) -> AbstractContextManager[Any]:
    import zarr

    from modos.storage.hierarchy.store import StorageStore

    store = StorageStore(cast("Storage", files) / target, read_only=True)
    try:
        return nullcontext(zarr.open_group(store, mode="r", zarr_format=3))
    except FileNotFoundError:
        return nullcontext(zarr.open_group(store, mode="r", zarr_format=2))


class _Blocks(io.RawIOBase):
    """A file as h5py reads it, here and there: what was fetched of late is kept, and not fetched again.

    Parameters
    ----------
    files, target
        Where it is.
    """

    def __init__(self, files: Files, target: str) -> None:
        super().__init__()
        self._files, self._target = files, target
        self._size = files.stat(target).size
        self._position = 0
        self._kept: dict[int, bytes] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer has no run-time name
        view = memoryview(buffer).cast("B")
        start, end = self._position, min(self._position + len(view), self._size)
        if end <= start:
            return 0
        if end - start > _LARGE:
            body = complete_range(self._files, self._target, start, end)
        else:
            body = self._gathered(start, end)
        view[: len(body)] = body
        self._position = end
        return len(body)

    def _gathered(self, start: int, end: int) -> bytes:
        numbers = range(start // _BLOCK, (end - 1) // _BLOCK + 1)
        missing = [number for number in numbers if number not in self._kept]
        if missing:
            first, stop = missing[0] * _BLOCK, min((missing[-1] + 1) * _BLOCK, self._size)
            body = complete_range(self._files, self._target, first, stop)
            for number in range(missing[0], missing[-1] + 1):
                self._kept[number] = body[number * _BLOCK - first : (number + 1) * _BLOCK - first]
        body = b"".join(self._kept[number] for number in numbers)
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        offset = numbers[0] * _BLOCK
        return body[start - offset : end - offset]
