"""What can be stored: bytes, files and iterables of bytes, all as chunks of bounded size.

Owns that conversion and the digest taken while chunks pass. Knows no storage.
"""

import hashlib
from collections.abc import Buffer, Generator, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

__all__ = ["Digested", "Readable", "Source", "Watched", "chunks_of"]

CHUNK = 4 * 1024 * 1024
"""Bytes read from a file at a time."""


@runtime_checkable
class Readable(Protocol):
    """A binary file, as far as storing it needs one."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


_RULE = "a source is bytes, a path, a binary file or an iterable of bytes"

type Source = Buffer | Path | Readable | Iterable[bytes]


def chunks_of(source: Source) -> Generator[bytes]:
    """Yield a source in chunks; a file is read from where it stands, a path is opened and closed.

    Examples
    --------
    >>> list(chunks_of(b"ACGT"))
    [b'ACGT']
    >>> list(chunks_of([b"AC", b"", b"GT"]))
    [b'AC', b'GT']
    """
    match source:
        case bytes():
            yield from (source[start : start + CHUNK] for start in range(0, len(source), CHUNK))  # all of it is no copy
        case Path():
            with source.open("rb") as file:
                yield from _pieces(file)
        case str():
            raise TypeError(f"{_RULE}; wrap a file's name in Path")
        case Readable():
            yield from _pieces(source)
        case Buffer():
            whole = memoryview(source).cast("B")
            for start in range(0, len(whole), CHUNK):
                yield bytes(whole[start : start + CHUNK])
        case Iterable():
            yield from filter(None, map(_bytes_of, source))
        case _:
            raise TypeError(f"{_RULE}, not {type(source).__name__}")


def _bytes_of(chunk: object) -> bytes:
    if not isinstance(chunk, Buffer):  # of a number `bytes` would make so many zeros
        raise TypeError(f"{_RULE}, not of {type(chunk).__name__}")
    return bytes(chunk)


def _pieces(file: Readable) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


class Watched:
    """The chunks of a source, as a context that lets the source's own error out as it was raised.

    Whoever stores the chunks may take a `FileNotFoundError` of the source for one of its own and translate it.

    Parameters
    ----------
    source
        What is stored.

    Examples
    --------
    >>> with Watched(b"ACGT") as chunks:
    ...     list(chunks)
    [b'ACGT']
    """

    def __init__(self, source: Source) -> None:
        self._chunks = chunks_of(source)
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            raise
        except Exception as error:
            self._error = error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._chunks.close()
        if self._error is not None and isinstance(error, Exception) and error is not self._error:
            raise self._error


class Digested:
    """A source whose BLAKE2b and MD5 are taken while it is consumed, once.

    Parameters
    ----------
    source
        What is stored.

    Attributes
    ----------
    size
        Bytes that have passed.

    Examples
    --------
    >>> source = Digested(b"ACGT")
    >>> b"".join(source), source.size, source.md5
    (b'ACGT', 4, 'f1f8f4bf413b16ad135722aa4591043e')
    """

    def __init__(self, source: Source) -> None:
        self._chunks = chunks_of(source)
        self._blake2b = hashlib.blake2b()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._blake2b.update(chunk)
            self._md5.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def blake2b(self) -> str:
        """BLAKE2b (512 bits, RFC 7693) in hex of what has passed: the `data_checksum` of an element."""
        return self._blake2b.hexdigest()

    @property
    def md5(self) -> str:
        """MD5 in hex of what has passed, to compare with what a service computes."""
        return self._md5.hexdigest()
