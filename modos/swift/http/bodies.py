"""What is sent: bytes, or a section of a file, each of which can be sent again.

Owns length, digest and chunks of a body. Knows no request and no connection.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["Body", "FileSection", "chunks_of", "file_section", "length_of", "md5_of"]

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

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the section in pieces of at most 1 MiB; a file that got shorter meanwhile is an error."""
        await asyncio.to_thread(self.file.seek, self.offset)
        left = self.length
        while left:
            chunk = await asyncio.to_thread(self.file.read, min(_CHUNK, left))
            if not chunk:
                message = f"the file became {left} bytes shorter while it was sent"
                raise EOFError(message)
            left -= len(chunk)
            yield chunk


type Body = bytes | bytearray | memoryview | FileSection
"""A body that can be sent again."""


def length_of(body: Body) -> int:
    """Return the number of bytes."""
    return body.length if isinstance(body, FileSection) else memoryview(body).nbytes


async def md5_of(body: Body) -> str:
    """Return the hex MD5, computed beside the event loop where that pays."""
    digest = hashlib.md5(usedforsecurity=False)
    if isinstance(body, FileSection):
        async for chunk in body.chunks():
            await asyncio.to_thread(digest.update, chunk)
    elif length_of(body) > _AT_ONCE:
        await asyncio.to_thread(digest.update, body)
    else:
        digest.update(body)
    return digest.hexdigest()


def chunks_of(body: Body) -> AsyncIterator[bytes] | bytes | bytearray | memoryview:
    """Return the body as aiohttp takes it: small bytes as they are, anything else in chunks."""
    if isinstance(body, FileSection):
        return body.chunks()
    return body if length_of(body) <= _AT_ONCE else _sliced(memoryview(body).cast("B"))


async def _sliced(view: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(view), _CHUNK):
        yield bytes(view[start : start + _CHUNK])


@contextmanager
def file_section(source: Path, start: int, end: int) -> Iterator[FileSection]:
    """Open a local file for one of its sections, so that several can be read side by side."""
    with source.open("rb") as file:
        yield FileSection(file, start, end - start)
