"""Files as readers of formats see them: ranges, and whole content in pieces, opened when it is gzip.

Owns that every byte of a file comes, or an error. Must not know formats, nor digital objects.
"""

import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from typing import Any, Protocol

from modos.errors import IntegrityError
from modos.storage.info import ObjectInfo

__all__ = ["Files", "Pieces", "complete_range", "growing_heads", "inflated_pieces", "pieces_of"]

_PIECE = 4 * 1024 * 1024
_MOST_OPENED = 16 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_HEAD = 64 * 1024
_LONGEST_HEAD = 1 << 28


class Files(Protocol):
    """Where files are, to be read: each `modos.storage.Storage` is one, and so is a view of encrypted ones."""

    def stat(self, target: str | PurePath) -> ObjectInfo:
        """Return what is known of a file."""

    def read(self, target: str | PurePath, start: int | None = None, end: int | None = None) -> bytes:
        """Return a range of a file."""

    def read_ranges(
        self, target: str | PurePath, ranges: Sequence[tuple[int, int]], *, gap: int = ...
    ) -> Sequence[bytes]:
        """Return several."""

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file."""


def pieces_of(files: Files, target: str) -> Iterator[bytes]:
    """Yield the content of a file in order, decompressed when it is gzip; the next piece is fetched meanwhile.

    Raises
    ------
    KeyNotFoundError
        When there is no such file.
    IntegrityError
        When fewer bytes come than the file has, or compressed data are damaged or cut off.
    """
    pieces = _stored(files, target)
    first = next(pieces, b"")
    whole = _chained(first, pieces)
    yield from inflated_pieces(whole, files.url_of(target)) if first.startswith(_GZIP) else whole


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def complete_range(files: Files, target: str, start: int, end: int) -> bytes:
    """Return bytes of a file, all of them.

    Raises
    ------
    IntegrityError
        When fewer come.
    """
    body = files.read(target, start, end)
    if len(body) != end - start:
        reason = f"{len(body):,} bytes came where {end - start:,} were asked for"
        raise IntegrityError(files.url_of(target), reason)
    return body


def _stored(files: Files, target: str) -> Iterator[bytes]:
    """Yield a file as it is stored."""
    with ThreadPoolExecutor(2) as pool:
        coming = pool.submit(files.read, target, 0, _PIECE)
        size = files.stat(target).size
        for start in range(0, max(size, 1), _PIECE):
            here = coming.result()
            if start + _PIECE < size:
                coming = pool.submit(files.read, target, start + _PIECE, start + 2 * _PIECE)
            expected = min(_PIECE, size - start)
            if len(here) != expected:
                reason = f"{len(here):,} bytes came where {expected:,} were asked for"
                raise IntegrityError(files.url_of(target), reason)
            yield here


def inflated_pieces(pieces: Iterable[bytes], url: str, *, is_all: bool = True) -> Iterator[bytes]:
    """Yield what gzip compressed, one stream or several, in pieces of bounded size.

    Parameters
    ----------
    pieces
        The compressed data.
    url
        Address of the file.
    is_all
        Whether the pieces are all of the file, so that it is cut off when they end early.

    Raises
    ------
    IntegrityError
        When it is damaged or cut off; names the file.
    """
    member = zlib.decompressobj(31)
    begun = False
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if member.eof:
                    if not rest.strip(b"\0"):
                        break
                    member, begun = zlib.decompressobj(31), False
                begun = True
                content = member.decompress(rest, _MOST_OPENED)
                rest = member.unused_data if member.eof else member.unconsumed_tail
                if content:
                    yield content
    except zlib.error as error:
        raise IntegrityError(url, f"cannot be decompressed ({error})") from error
    if is_all and begun and not member.eof:
        raise IntegrityError(url, "is cut off: its compressed data have no end")


class Pieces(io.RawIOBase):
    """A file to be read once from beginning to end, made of pieces; `io.BufferedReader` makes it quick.

    Parameters
    ----------
    pieces
        The content in order.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer has no run-time name
        """Fill a buffer with what comes next; zero at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._left))
        view[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def growing_heads(files: Files, target: str) -> Iterator[tuple[bytes, bool]]:
    """Yield longer and longer beginnings of a file, each with whether it is all; mostly the first is enough.

    What gzip or bgzip compressed comes decompressed, as far as it is there. Each beginning costs a request for what is new
    in it, and is of four times as many stored bytes as the one before.

    Raises
    ------
    IntegrityError
        When compressed data are damaged, or all of them are read and they are cut off.
    """
    head, wanted = b"", _HEAD
    while True:
        head += files.read(target, len(head), wanted)
        is_all = len(head) < wanted
        yield _beginning(head, files.url_of(target), is_all=is_all), is_all
        if is_all or wanted >= _LONGEST_HEAD:
            return
        wanted *= 4


def _beginning(head: bytes, url: str, *, is_all: bool) -> bytes:
    if not head.startswith(_GZIP):
        return head
    content, length = [], 0
    for piece in inflated_pieces([head], url, is_all=is_all):
        content.append(piece)
        length += len(piece)
        if length > _LONGEST_HEAD:  # such a head is none
            break
    return b"".join(content)
