"""Text and compression on top of a writer whose file is seen only when it is whole.

Owns how discarding and closing reach the writer beneath. Knows nothing of Swift, nor of any other place.
"""

import io
from types import TracebackType
from typing import Any, Protocol

__all__ = ["CompressedWriter", "TextWriter"]


class Discardable(Protocol):
    """A binary file that can be given up."""

    def close(self) -> None: ...
    def discard(self) -> None: ...


class CompressedWriter(io.BufferedIOBase):
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

    def writable(self) -> bool:
        """Return whether it is open."""
        return not self.closed

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has a buffer
        """Compress bytes."""
        self._compressor.write(data)
        return memoryview(data).nbytes

    def discard(self) -> None:
        """Forget what was written."""
        self._writer.discard()

    def close(self) -> None:
        """Compress what is left and store it."""
        if self.closed:
            return
        try:
            self._compressor.close()
            self._writer.close()
        finally:
            super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        self.close()

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
