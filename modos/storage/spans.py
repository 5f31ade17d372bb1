"""A span of an open file that is filled while its bytes come, piece by piece.

Owns what of them is written where, and the digest that is taken meanwhile. Knows no storage.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from io import RawIOBase
from typing import BinaryIO

__all__ = ["FileSpan", "write_at"]

_PIECE = 64 * 1024
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
        left = left[file.write(left[:_PIECE]) :]
