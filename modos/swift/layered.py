"""Writers whose file is seen only when it is whole, and text and compression on top of them.

Owns when such a file is committed or discarded, and how that reaches the writer beneath. Knows nothing of Swift, nor of
any other place.
"""

import io
from abc import abstractmethod
from types import TracebackType
from typing import Any, Protocol

from fsspec.asyn import AsyncFileSystem
from fsspec.compression import compr
from fsspec.core import get_compression

__all__ = ["CompressedWriter", "LayeredOpening", "TextWriter", "WholeWriter"]


class Discardable(Protocol):
    """A binary file that can be given up."""

    def close(self) -> None: ...
    def discard(self) -> None: ...


class WholeWriter(io.BufferedIOBase):
    """A binary file to write from beginning to end, which is committed when it is closed and not after an exception."""

    autocommit = True
    """Whether closing commits; otherwise a transaction does."""
    _written = 0

    def writable(self) -> bool:
        """Return whether it is open."""
        return not self.closed

    def tell(self) -> int:
        """Return how many bytes have been written, with those that are appended to."""
        return self._written

    @abstractmethod
    def commit(self) -> None:
        """Store what was written."""

    @abstractmethod
    def discard(self) -> None:
        """Forget what was written."""

    def close(self) -> None:
        """Commit, unless a transaction is to do that."""
        if self.closed:
            return
        try:
            if self.autocommit:
                self.commit()
        finally:
            super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        self.close()


class CompressedWriter(WholeWriter):
    """Such a writer behind a compressor; closing it closes both, which compressors leave to others.

    Parameters
    ----------
    compressor
        A binary file that compresses into `writer`.
    writer
        Where the compressed bytes go.
    """

    def __init__(self, compressor: Any, writer: Discardable) -> None:  # noqa: ANN401 - fsspec's table has no common class
        self._compressor = compressor
        self._writer = writer

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has a buffer
        """Compress bytes."""
        self._compressor.write(data)
        length = memoryview(data).nbytes
        self._written += length
        return length

    def commit(self) -> None:
        """Compress what is left and store it."""
        self._compressor.close()
        self._writer.close()

    def discard(self) -> None:
        """Forget what was written."""
        self._writer.discard()

    def __del__(self) -> None:
        """Discard what nobody closed."""
        if not self.closed:
            self._writer.discard()
            self.close()


class TextWriter(io.TextIOWrapper):
    """Text on top of such a writer: an exception within `with` discards here too."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.buffer.discard()  # type: ignore[attr-defined]
        super().__exit__(kind, error, traceback)

    def __del__(self) -> None:
        """Discard what nobody closed, which a text file would else close, and so store."""
        if not self.closed:
            self.buffer.discard()  # type: ignore[attr-defined]
            self.close()


class LayeredOpening(AsyncFileSystem):  # type: ignore[misc]
    """A filesystem whose `_open` gives such writers."""

    def open(self, path: str, mode: str = "rb", *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - as in fsspec
        """Open a file to read by ranges, or to write whole; an exception within `with` leaves no trace.

        Parameters
        ----------
        path, mode
            `rb`, `wb`, `xb` (refuse when something is there, now or at the end), `ab` where the filesystem can append,
            or the same as text.
        *args, **kw
            As in fsspec; in writing also `content_type` and `metadata`, which appending keeps where they are `None`.
        """
        if "r" in mode:
            return super().open(path, mode, *args, **kw)
        if "b" in mode:
            compression = get_compression(path, kw.pop("compression", None))
            writer = super().open(path, mode, *args, **kw)
            return CompressedWriter(compr[compression](writer, mode="w"), writer) if compression else writer
        text = {name: kw.pop(name) for name in ("encoding", "errors", "newline") if name in kw}
        return TextWriter(self.open(path, mode.replace("t", "") + "b", *args, **kw), **text)
