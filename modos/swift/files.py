"""Open files on Swift: a reader that asks for ranges, and a writer whose object is seen whole or not at all.

Owns what happens between `open` and `close`. Knows the filesystem only by the calls it makes on it.
"""

import io
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from fsspec.spec import AbstractBufferedFile

from modos.swift.http.bodies import FileSection
from modos.swift.objects.segments import LargeUpload, section_length

if TYPE_CHECKING:
    from modos.swift.filesystem import SwiftFileSystem

__all__ = ["SwiftReader", "SwiftTextWriter", "SwiftWriter"]

_IN_MEMORY = 8 << 20


class SwiftReader(AbstractBufferedFile):  # type: ignore[misc]
    """A seekable binary file that reads ranges on demand, all of them of the object that was there when it was opened.

    An object that is replaced meanwhile is an `IntegrityError` and never a mixture.
    """

    def _fetch_range(self, start: int, end: int) -> bytes:
        info = self.details
        content: bytes = self.fs.cat_file(self.path, start=start, end=end, if_match=info["etag"] or info["slo_etag"])
        return content


class SwiftWriter(io.BufferedIOBase):
    """A binary file to write from beginning to end; nothing is seen under its name before it is committed.

    Up to the filesystem's segment size it is kept aside, in memory and then in a temporary file, and put by one
    request. Beyond it is cut in segments, which are uploaded as they fill.

    Parameters
    ----------
    fs
        The filesystem.
    path
        `container/object`.
    mode
        `wb`, or `xb` to refuse when something is there.
    autocommit
        Whether closing commits; otherwise a transaction does.
    headers
        Content type and metadata, as headers.
    """

    def __init__(
        self, fs: "SwiftFileSystem", path: str, *, mode: str, autocommit: bool, headers: Mapping[str, str]
    ) -> None:
        self.fs = fs
        self.path = path
        self.mode = mode
        self.autocommit = autocommit
        self.details: dict[str, Any] | None = None
        self._headers = headers
        self._spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the writer
        self._spooled = 0
        self._written = 0
        self._large: LargeUpload | None = None
        self._segments = 0
        self._settled = False

    def writable(self) -> bool:
        """Return whether it is open."""
        return not self.closed

    def tell(self) -> int:
        """Return how many bytes have been written."""
        return self._written

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has a buffer
        """Take bytes; a full segment is uploaded before this returns. What comes after `discard` is dropped."""
        if self.closed:
            message = "I/O operation on closed file"
            raise ValueError(message)
        view = memoryview(data).cast("B")
        if self._settled:
            return len(view)
        taken = 0
        while taken < len(view):
            length = section_length(self._segments, self.fs.objects.segment_size)
            if self._spooled == length:
                self._upload_segment()
                continue
            piece = view[taken : taken + length - self._spooled]
            self._spool.write(piece)
            self._spooled += len(piece)
            taken += len(piece)
        self._written += taken
        return taken

    def _upload_segment(self) -> None:
        if self._large is None:
            self._large = LargeUpload(self.fs.client, self.path)
        section = FileSection(self._spool, 0, self._spooled)
        self.fs.run(self._large.add, self._segments, section)
        self._segments += 1
        self._spool.seek(0)
        self._spool.truncate()
        self._spooled = 0

    def commit(self) -> None:
        """Make the object: one PUT, or the last segment and the manifest."""
        if self._settled:
            return
        try:
            if self._large is not None and self._spooled:
                self._upload_segment()
            body = FileSection(self._spool, 0, self._spooled)
            self.details = self.fs.run(
                self.fs.objects.place, self.path, self._large or body, headers=self._headers, create=self.mode == "xb"
            )
        except BaseException:
            self.discard()
            raise
        self._settle()

    def discard(self) -> None:
        """Forget what was written; segments that are up are deleted."""
        if self._settled:
            return
        self._settle()
        if self._large is not None:
            self.fs.run(self.fs.segments.delete, self._large.disposable)

    def _settle(self) -> None:
        self._settled = True
        self._spool.close()

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

    def __enter__(self) -> Self:
        return self

    def __del__(self) -> None:
        """Discard what nobody closed: half a file is never committed by the garbage collector."""
        if not getattr(self, "_settled", True):
            self._settle()
            if self._large is not None:
                self.fs.start(self.fs.segments.delete, self._large.disposable)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} {self.mode}>"


class SwiftTextWriter(io.TextIOWrapper):
    """Text on top of a `SwiftWriter`: an exception within `with` discards here too."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.buffer.discard()  # type: ignore[attr-defined]
        super().__exit__(kind, error, traceback)
