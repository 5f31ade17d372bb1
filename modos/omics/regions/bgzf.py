"""BGZF, the blocked gzip of BAM, BCF and tabix files (SAM specification, section 4): blocks found, opened and cut.

Owns the bytes of blocks. Must not know what is in them, nor where they come from.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Literal

__all__ = [
    "END_OF_FILE",
    "LARGEST_CONTENT",
    "LONGEST_BLOCK",
    "PACKING_HEAD",
    "MalformedError",
    "Packing",
    "block_of",
    "blocked",
    "blocks",
    "inflated",
    "open_block",
    "packing_of",
]

type Packing = Literal["plain", "gzip", "bgzf"]
"""How a file is compressed: not at all, as a whole, or in blocks, which can be read by ranges."""

PACKING_HEAD = 18
"""Bytes at the beginning of a file that tell its packing."""

END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends every whole file."""

LONGEST_BLOCK = 1 << 16
"""No block is longer than this, neither compressed nor open."""

LARGEST_CONTENT = 0xFF00
"""How much is put into a block, so that it is not longer even where nothing can be compressed."""

_MAGIC = b"\x1f\x8b\x08\x04"
_FIXED = 12
_TAIL = 8
_LONGEST_INDEX = 1 << 31


class MalformedError(ValueError):
    """Bytes are not what their format says; whoever knows the file's name says so in an error of its own."""


def packing_of(head: bytes) -> Packing:
    """Return how a file is compressed that begins so.

    Examples
    --------
    >>> packing_of(b">chr1"), packing_of(END_OF_FILE)
    ('plain', 'bgzf')
    """
    if head[:2] != _MAGIC[:2]:
        return "plain"
    return "bgzf" if head[3:4] == _MAGIC[3:] and head[12:14] == b"BC" else "gzip"


def block_of(data: bytes | memoryview, position: int) -> int:
    """Return where the block that begins at a position ends.

    Raises
    ------
    MalformedError
        When no block begins there, or the data end within it.
    """
    if bytes(data[position : position + 4]) != _MAGIC or len(data) < position + _FIXED:
        message = "no BGZF block begins there"
        raise MalformedError(message)
    (extra,) = struct.unpack_from("<H", data, position + 10)
    field, limit = position + _FIXED, min(position + _FIXED + extra, len(data))
    while field + 4 <= limit:
        kind, length = bytes(data[field : field + 2]), struct.unpack_from("<H", data, field + 2)[0]
        if kind == b"BC" and length == 2 and field + 6 <= limit:  # noqa: PLR2004 - the length of a length
            end = position + int(struct.unpack_from("<H", data, field + 4)[0]) + 1
            if end > len(data):
                break
            if end < position + _FIXED + extra + _TAIL:
                message = "a BGZF block is shorter than its own header"
                raise MalformedError(message)
            return end
        field += 4 + length
    message = "the data end within a BGZF block"
    raise MalformedError(message)


def open_block(data: bytes | memoryview, position: int) -> tuple[bytes, int]:
    """Return the content of the block at a position, and where the block ends; its checksum is verified.

    Raises
    ------
    MalformedError
        When it cannot be opened.
    """
    end = block_of(data, position)
    (extra,) = struct.unpack_from("<H", data, position + 10)
    checksum, size = struct.unpack_from("<II", data, end - _TAIL)
    if size > LONGEST_BLOCK:
        message = "a BGZF block says that it is longer than any can be"
        raise MalformedError(message)
    try:
        content = zlib.decompressobj(-15).decompress(data[position + _FIXED + extra : end - _TAIL], LONGEST_BLOCK + 1)
    except zlib.error as error:
        message = "a BGZF block cannot be decompressed"
        raise MalformedError(message) from error
    if len(content) != size or zlib.crc32(content) != checksum:
        message = "a BGZF block does not have the length and checksum that it says"
        raise MalformedError(message)
    return content, end


def blocks(data: bytes | memoryview) -> Iterator[bytes]:
    """Yield the content of each block of data that are whole."""
    position = 0
    while position < len(data):
        content, position = open_block(data, position)
        yield content


def blocked(content: bytes | memoryview, *, level: int = 1) -> bytes:
    """Return content as blocks of their own, compressed so hard; nothing for nothing.

    Examples
    --------
    >>> open_block(blocked(b"ACGT"), 0)[0]
    b'ACGT'
    """
    return b"".join(
        _block(content[start : start + LARGEST_CONTENT], level) for start in range(0, len(content), LARGEST_CONTENT)
    )


def _block(content: bytes | memoryview, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = compressor.compress(content) + compressor.flush()
    head = _MAGIC + struct.pack("<IBBHBBHH", 0, 0, 255, 6, ord("B"), ord("C"), 2, len(body) + 25)
    return head + body + struct.pack("<II", zlib.crc32(content), len(content))


def inflated(data: bytes) -> bytes:
    """Return the content of an index file: gzip of any kind, or as it is when it is not compressed.

    Raises
    ------
    MalformedError
        When it is damaged or cut off.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    if data[:4] == _MAGIC:
        return b"".join(blocks(data))
    parts: list[bytes] = []
    length, rest = 0, data
    while rest[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(31)
        try:
            parts.append(member.decompress(rest, _LONGEST_INDEX - length))
        except zlib.error as error:
            message = "it cannot be decompressed"
            raise MalformedError(message) from error
        length += len(parts[-1])
        if not member.eof:
            message = "it is cut off" if length < _LONGEST_INDEX else "it is longer than 2 GiB"
            raise MalformedError(message)
        rest = member.unused_data
    if rest.strip(b"\0"):
        message = "something follows the compressed data"
        raise MalformedError(message)
    return b"".join(parts)
