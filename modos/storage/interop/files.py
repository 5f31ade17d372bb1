"""Open files of a storage: one to read, which closes itself, and one to write, which is seen whole or not at all.

Owns what happens between `open` and `close`. Knows the contract's `put` and no backend.
"""

import io
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, BinaryIO

from modos.storage.base import Storage, WriteMode
from modos.swift.layered import WholeWriter

__all__ = ["StorageReader", "StorageWriter"]

_CHUNK = 4 * 1024 * 1024
_INLINE = 2 * _CHUNK
_WAITING = 2


class StorageReader(io.BufferedIOBase):
    """A file to read, for libraries that leave closing to the garbage collector, as Arrow and duckdb do.

    Parameters
    ----------
    file
        What `Storage.open` has returned.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self.path = path
        self._file = file

    @cached_property
    def size(self) -> int:
        """How many bytes it has, which some libraries look for."""
        here = self._file.tell()
        try:
            return self._file.seek(0, io.SEEK_END)
        finally:
            self._file.seek(here)

    def readable(self) -> bool:
        """Return whether it is open."""
        return not self.closed

    def seekable(self) -> bool:
        """Return whether it is open."""
        return not self.closed

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most that many bytes, `None` and negative ones for all that is left."""
        return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most that many bytes."""
        return self.read(size)

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - whatever has a buffer
        """Fill a buffer and return how many bytes there were."""
        view = memoryview(buffer).cast("B")
        body = self.read(len(view))
        view[: len(body)] = body
        return len(body)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return a line."""
        return self._file.readline(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to an offset and return it."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the offset."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"


class StorageWriter(WholeWriter):
    """A binary file to write from beginning to end.

    What is short is put when the file is closed. Beyond 8 MiB a thread of its own puts what has been written while
    more comes, so that memory stays bounded. An exception within `with`, and forgetting to close, leave nothing.

    Parameters
    ----------
    storage, name
        Where it goes.
    mode
        As for `Storage.put`.
    autocommit
        Whether closing commits; otherwise a transaction does.
    content_type, metadata
        As for `Storage.put`.
    """

    def __init__(
        self,
        storage: Storage,
        name: str,
        *,
        mode: WriteMode = "overwrite",
        autocommit: bool = True,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path = name
        self.autocommit = autocommit
        self._storage = storage
        self._options: dict[str, Any] = {"mode": mode, "content_type": content_type, "metadata": metadata}
        self._buffer = bytearray()
        self._upload: _Upload | None = None
        self._settled = False

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has a buffer
        """Take bytes; what comes after `discard` is dropped.

        Raises
        ------
        StorageError
            When what was written before could not be stored.
        """
        if self.closed:
            message = "I/O operation on closed file"
            raise ValueError(message)
        view = memoryview(data).cast("B")
        if self._settled:
            return len(view)
        for start in range(0, len(view), _CHUNK):
            self._buffer += view[start : start + _CHUNK]
            if len(self._buffer) > _INLINE or (self._upload and len(self._buffer) >= _CHUNK):
                self._send()
        self._written += len(view)
        return len(view)

    def _send(self) -> None:
        if self._upload is None:
            self._upload = _Upload(self._storage, self.path, self._options)
        self._upload.send(bytes(self._buffer))
        self._buffer.clear()

    def commit(self) -> None:
        """Store what was written."""
        if self._settled:
            return
        self._settled = True
        try:
            if self._upload is None:
                self._storage.put(bytes(self._buffer), self.path, **self._options)
            else:
                self._upload.send(bytes(self._buffer))
                self._upload.end()
        except BaseException:
            self._abandon()
            raise
        self._buffer.clear()

    def discard(self) -> None:
        """Forget what was written."""
        if not self._settled:
            self._settled = True
            self._abandon()

    def _abandon(self) -> None:
        self._buffer.clear()
        if self._upload is not None:
            self._upload.abandon()

    def __del__(self) -> None:
        """Discard what nobody closed: half a file is never committed by the garbage collector."""
        if not getattr(self, "_settled", True):
            self._settled = True
            if self._upload is not None:
                self._upload.abandon(wait=False)  # this may be the thread that it waits for

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._storage.url_of(self.path)}>"


class _AbandonedError(Exception):
    """Ends a source whose writer has given up, so that nothing of it is stored."""


class _Upload:
    """One `put` in a thread of its own, fed chunk by chunk; whoever feeds it waits when it is slower."""

    def __init__(self, storage: Storage, name: str, options: Mapping[str, Any]) -> None:
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._abandoned = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, args=(storage, name, options), name="storage writer", daemon=True
        )
        self._thread.start()

    def _run(self, storage: Storage, name: str, options: Mapping[str, Any]) -> None:
        chunks = self._source()
        try:
            storage.put(chunks, name, **options)
        except BaseException as error:  # noqa: BLE001 - raised where the file is written
            self._error = error
        while not self._abandoned and self._chunks.get() is not None:
            pass  # the writer must never wait for one who has left

    def _source(self) -> Iterator[bytes]:
        while (chunk := self._chunks.get()) is not None:
            if self._abandoned:
                raise _AbandonedError
            yield chunk
        self._chunks.put(None)
        if self._abandoned:
            raise _AbandonedError

    def send(self, chunk: bytes) -> None:
        """Hand on a chunk; raise what has ended the upload."""
        if self._error is not None:
            raise self._error
        self._chunks.put(chunk)

    def end(self) -> None:
        """Wait until all is stored; raise what has ended the upload."""
        self._chunks.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abandon(self, *, wait: bool = True) -> None:
        """End the upload, and wait until nothing of it is left."""
        self._abandoned = True
        with suppress(queue.Full):  # then there is a chunk to wake it
            self._chunks.put_nowait(None)
        if wait:
            self._thread.join()
