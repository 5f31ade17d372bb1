"""A span of an open file, read or filled piece by piece, so that little of it is held.

Owns what of it is read and written where, and the digest that is taken meanwhile. Knows no storage.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import RawIOBase
from typing import BinaryIO

__all__ = ["FileSpan", "md5_of_span", "pieces_of_span", "write_at"]

_READ = 256 * 1024
"""Bytes read at a time: as many as a processor keeps near while they are digested, or written elsewhere."""

_WRITTEN = 64 * 1024
"""Bytes written at a time; Linux takes several times as long over the same bytes where they are many at a time."""


class FileSpan:
    """A span of an open file, filled from its beginning, and from there again whenever what came is not to count.

    Parameters
    ----------
    file
        Open for writing; nothing else moves it meanwhile. An unbuffered one may take a piece in several steps.
    start, end
        Where the span begins and ends in the file.
    boundary
        Holds the errors of the file, which are not those of the place that the bytes come from; `None` lets them pass.

    Attributes
    ----------
    size
        Bytes that came; what came behind the end of the span is among them, and is not written.

    Examples
    --------
    >>> from io import BytesIO
    >>> file = BytesIO(b"T....T")
    >>> span = FileSpan(file, 1, 5)
    >>> span.write(b"GATTACA")
    >>> span.size
    7
    >>> span.restart()
    >>> span.write(b"AC")
    >>> span.write(b"GT")
    >>> file.getvalue(), span.size == span.length, span.md5
    (b'TACGTT', True, 'f1f8f4bf413b16ad135722aa4591043e')
    """

    def __init__(
        self,
        file: BinaryIO | RawIOBase,
        start: int,
        end: int,
        *,
        boundary: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self.start = start
        self.end = end
        self._file = file
        self._boundary = boundary or nullcontext
        self.restart()

    @property
    def length(self) -> int:
        """Bytes from its beginning to its end."""
        return self.end - self.start

    @property
    def md5(self) -> str:
        """MD5 in hex of what came."""
        return self._digest.hexdigest()

    def restart(self) -> None:
        """Begin anew: what came so far does not count."""
        self.size = 0
        self._digest = hashlib.md5(usedforsecurity=False)

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the bytes that come next."""
        view = memoryview(piece).cast("B")
        with self._boundary():
            write_at(self._file, self.start + self.size, view[: max(0, self.length - self.size)])
        self._digest.update(view)
        self.size += len(view)


def write_at(file: BinaryIO | RawIOBase, offset: int, body: bytes | bytearray | memoryview) -> None:
    """Write bytes into an open file, from an offset on.

    Examples
    --------
    >>> from io import BytesIO
    >>> file = BytesIO(b"T....T")
    >>> write_at(file, 1, b"ACGT")
    >>> file.getvalue()
    b'TACGTT'
    """
    left = memoryview(body).cast("B")
    file.seek(offset)
    while left:
        left = left[file.write(left[:_WRITTEN]) :]


def pieces_of_span(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Yield a span of an open file in pieces, or as much of it as there is.

    Examples
    --------
    >>> from io import BytesIO
    >>> list(pieces_of_span(BytesIO(b"TACGTT"), 1, 5))
    [b'ACGT']
    """
    file.seek(start)
    while start < end and (piece := file.read(min(_READ, end - start))):
        yield piece
        start += len(piece)


def md5_of_span(file: BinaryIO, start: int, end: int) -> str:
    """Return the MD5 in hex of a span of an open file, or of as much of it as there is; little of it is held.

    Examples
    --------
    >>> from io import BytesIO
    >>> md5_of_span(BytesIO(b"TACGTT"), 1, 5)
    'f1f8f4bf413b16ad135722aa4591043e'
    """
    digest = hashlib.md5(usedforsecurity=False)
    for piece in pieces_of_span(file, start, end):
        digest.update(piece)
    return digest.hexdigest()
