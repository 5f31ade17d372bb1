"""Open files on Swift: a reader that asks for ranges, and a writer whose object is seen whole or not at all.

Owns what happens between `open` and `close`. Knows the filesystem only by the calls it makes on it.
"""

import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile

from modos.swift.http.bodies import FileSection
from modos.swift.layered import WholeWriter
from modos.swift.objects.appending import Appended
from modos.swift.objects.segments import LargeUpload, section_length

if TYPE_CHECKING:
    from modos.swift.filesystem import SwiftFileSystem

__all__ = ["SwiftReader", "SwiftWriter"]

_IN_MEMORY = 8 << 20
_READ_BACK = 16 << 20


class SwiftReader(AbstractBufferedFile):  # type: ignore[misc]
    """A seekable binary file that reads ranges on demand, all of them of the object that was there when it was opened.

    An object that is replaced meanwhile is an `IntegrityError` and never a mixture.
    """

    def __init__(self, fs: "SwiftFileSystem", path: str, *args: Any, **kw: Any) -> None:  # noqa: ANN401 - of fsspec's buffer
        self.details = fs.info(path, directories=False)
        super().__init__(fs, path, *args, **kw)

    def _fetch_range(self, start: int, end: int) -> bytes:
        info = self.details
        content: bytes = self.fs.cat_file(self.path, start=start, end=end, if_match=info["etag"] or info["slo_etag"])
        return content


class SwiftWriter(WholeWriter):
    """A binary file to write from beginning to end; nothing is seen under its name before it is committed.

    Up to the filesystem's segment size it is kept aside, in memory and then in a temporary file, and put by one
    request. Beyond it is cut in segments, which are uploaded as they fill.

    Swift cannot lengthen an object, so that appending writes it anew under its name. What is shorter than a segment is
    read back and sent again; of what is longer, full segments are copied within the service, without crossing to here,
    and only a last one that is not full is read back. Who replaces the object meanwhile is noticed before it is
    replaced here, but for the moment in between: Swift has no condition for it. Appending nothing does nothing.

    Parameters
    ----------
    fs
        The filesystem.
    path
        `container/object`.
    mode
        `wb`, `xb` to refuse when something is there, or `ab`.
    autocommit
        Whether closing commits; otherwise a transaction does.
    headers
        Content type and metadata, as headers.
    onto
        What is appended to; `None` where nothing may be there, and for the other modes.
    """

    def __init__(
        self,
        fs: "SwiftFileSystem",
        path: str,
        *,
        mode: str,
        autocommit: bool,
        headers: Mapping[str, str],
        onto: Appended | None = None,
    ) -> None:
        self.fs = fs
        self.path = path
        self.mode = mode
        self.autocommit = autocommit
        self.details: dict[str, Any] | None = None
        self._headers = headers
        self._spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the writer
        self._spooled = 0
        self._onto = onto
        self._written = onto.tail if onto else 0
        self._large: LargeUpload | None = None
        self._segments = len(onto.kept) if onto else 0
        self._settled = False

    def read_back(self) -> None:
        """Take the bytes of what is appended to that no full segment holds."""
        onto = self._onto
        while onto is not None and self._written < onto.info["size"]:
            end = min(self._written + _READ_BACK, onto.info["size"])
            self.write(self.fs.cat_file(self.path, self._written, end, if_match=onto.etag))

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
        """Make the object: one PUT, or the last segment and the manifest.

        Raises
        ------
        KeyExistsError
            Something is there that may not be, or was not when it was opened for appending.
        IntegrityError
            What is appended to has been replaced; it is left alone.
        """
        if self._settled:
            return
        if self._onto is not None and self._written == self._onto.info["size"]:
            self.details = self._onto.info
            self._settle()
            return
        try:
            self._finish()
        except BaseException:
            self.discard()
            raise
        self._settle()

    def _finish(self) -> None:
        onto = self._onto
        if onto is not None and onto.kept:
            self._large = self._large or LargeUpload(self.fs.client, self.path)
            self.fs.run(onto.copy_into, self._large, self.fs.objects)
        if self._large is not None and self._spooled:
            self._upload_segment()
        if onto is not None:
            self.fs.run(onto.check_unchanged, self.fs.objects)
            if onto.is_segmented:
                self.fs.segments.forget(self.path)
        source = self._large or FileSection(self._spool, 0, self._spooled)
        create = self.mode == "xb" or (self.mode == "ab" and onto is None)
        self.details = self.fs.run(self.fs.objects.place, self.path, source, headers=self._headers, create=create)

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

    def __del__(self) -> None:
        """Discard what nobody closed: half a file is never committed by the garbage collector."""
        if not getattr(self, "_settled", True):
            self._settle()
            if self._large is not None:
                self.fs.start(self.fs.segments.delete, self._large.disposable)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} {self.mode}>"
