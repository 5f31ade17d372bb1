"""What is sent, bytes or a section of a file, each of which can be sent again; and what an answer is written into.

Owns length, digest and chunks of these. Knows no request and no connection.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modos.swift.waiting import beside

__all__ = [
    "BULK",
    "Body",
    "FileSection",
    "Room",
    "Sink",
    "chunks_of",
    "file_section",
    "fill",
    "length_of",
    "md5_of",
    "pieces_of",
]

BULK = 16 << 20
"""Bytes from which on a body is worth a thread and a connection of its own."""

_CHUNK = 1 << 20
_AT_ONCE = 1 << 20


class SeekableFile(Protocol):
    """What a section needs of a file."""

    def seek(self, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FileSection:
    """A section of a seekable binary file, read afresh for each attempt.

    Parameters
    ----------
    file
        The file; nothing else may read or move it meanwhile.
    offset, length
        Where the section begins and how many bytes it has.
    """

    file: SeekableFile = field(repr=False)
    offset: int
    length: int

    def pieces(self, size: int = _CHUNK) -> Iterator[bytes]:
        """Yield the section in pieces of at most `size`; a file that got shorter meanwhile is an error."""
        self.file.seek(self.offset)
        left = self.length
        while left:
            piece = self.file.read(min(size, left))
            if not piece:
                message = f"the file became {left} bytes shorter while it was sent"
                raise EOFError(message)
            left -= len(piece)
            yield piece

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the same, read beside the event loop."""
        pieces = self.pieces()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


type Body = bytes | bytearray | memoryview | FileSection
"""A body that can be sent again."""


class Sink(Protocol):
    """What takes a long answer piece by piece, and its MD5 meanwhile."""

    @property
    def length(self) -> int:
        """Bytes that it takes."""

    @property
    def md5(self) -> str:
        """MD5 in hex of what it took."""

    def restart(self) -> None:
        """Begin anew: what came so far does not count."""

    def write(self, piece: memoryview, /) -> object:
        """Take the bytes that come next."""


type Room = memoryview | Sink
"""What an answer is written into: a buffer, or what takes it piece by piece."""


def fill(room: Room, body: bytes) -> None:
    """Write a whole answer, of the length of the room."""
    if isinstance(room, memoryview):
        room[:] = body
    else:
        room.restart()
        room.write(memoryview(body))


def length_of(body: Body | Room) -> int:
    """Return the number of bytes."""
    return memoryview(body).nbytes if isinstance(body, bytes | bytearray | memoryview) else body.length


async def md5_of(body: Body | Room) -> str:
    """Return the hex MD5, computed beside the event loop where that pays."""
    if not isinstance(body, bytes | bytearray | memoryview | FileSection):
        return body.md5
    digest = hashlib.md5(usedforsecurity=False)
    if isinstance(body, FileSection):
        pieces = body.pieces()
        while await beside(_taken, digest, pieces):
            pass
    elif length_of(body) > _AT_ONCE:
        await beside(digest.update, body)
    else:
        digest.update(body)
    return digest.hexdigest()


def _taken(digest: Any, pieces: Iterator[bytes]) -> bool:  # noqa: ANN401 - hashlib has no type for it
    """Add the next piece to a digest; return whether there was one."""
    piece = next(pieces, None)
    digest.update(piece or b"")
    return piece is not None


def chunks_of(body: Body) -> AsyncIterator[bytes] | bytes | bytearray | memoryview:
    """Return the body as aiohttp takes it: small bytes as they are, anything else in chunks."""
    if isinstance(body, FileSection):
        return body.chunks()
    return body if length_of(body) <= _AT_ONCE else _sliced(memoryview(body).cast("B"))


def pieces_of(body: Body, size: int) -> Iterator[bytes | memoryview]:
    """Yield the body in pieces of at most `size`; those of bytes are not copied."""
    if isinstance(body, FileSection):
        yield from body.pieces(size)
    else:
        view = memoryview(body).cast("B")
        yield from (view[start : start + size] for start in range(0, len(view), size))


async def _sliced(view: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(view), _CHUNK):
        yield bytes(view[start : start + _CHUNK])


@contextmanager
def file_section(source: Path, start: int, end: int) -> Iterator[FileSection]:
    """Open a local file for one of its sections, so that several can be read side by side."""
    with source.open("rb") as file:
        yield FileSection(file, start, end - start)
