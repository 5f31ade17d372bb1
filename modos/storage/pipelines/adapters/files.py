"""`gzip:`, `zstd:` and `byte-range:`: a file made of another.

Owns these adapters. Must not know where a file is.
"""

import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile

from modos.errors import IntegrityError, URLPipelineError
from modos.storage.backends.opened import Opened
from modos.storage.pipelines.places import Blob, BlobPlace, Place
from modos.storage.pipelines.steps import StepAdapter
from modos.storage.pipelines.syntax.schemes import SubURL

__all__ = ["ByteRangeAdapter", "GzipAdapter", "ZstdAdapter"]

_PIECE = 1024 * 1024
_IN_MEMORY = 32 * 1024 * 1024
"""Decompressed bytes held in memory; more go to a file without a name, which ends with the process at the latest."""

type Decompress = Callable[[Iterator[bytes], str], Iterator[bytes]]


class _FileAdapter(StepAdapter):
    """An adapter that makes a file of a file."""

    @classmethod
    def check(cls, place: Place) -> None:
        """Read as much as is needed to know that the file can be read."""
        place.blob().size()


class GzipAdapter(_FileAdapter):
    """Decompresses gzip (RFC 1952), several members after each other too."""

    @classmethod
    def step(cls, base: Place, said: SubURL, url: str) -> Place:  # noqa: ARG003 - there is nothing to say
        """Return what the compressed file holds."""
        return BlobPlace(_Decompressed(base.blob(), _gunzipped, url), url)


class ZstdAdapter(_FileAdapter):
    """Decompresses Zstandard (RFC 8878), with the codec of zarr: the compressed file is held in memory."""

    @classmethod
    def step(cls, base: Place, said: SubURL, url: str) -> Place:  # noqa: ARG003 - there is nothing to say
        """Return what the compressed file holds."""
        return BlobPlace(_Decompressed(base.blob(), _from_zstd, url), url)


class ByteRangeAdapter(_FileAdapter):
    """Takes bytes out of a file."""

    @classmethod
    def step(cls, base: Place, said: SubURL, url: str) -> Place:
        """Return the bytes as a file."""
        start, _, end = said.path.partition("-")
        return BlobPlace(_Excerpt(base.blob(), int(start), int(end), url), url)


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """Bytes of a file, as a file."""

    source: Blob
    start: int
    end: int
    url: str

    def size(self) -> int:
        if (size := self.source.size()) < self.end:
            raise URLPipelineError(self.url, f"ends behind the file, which has {size:,} bytes")
        return self.end - self.start

    def read(self, start: int, end: int) -> bytes:
        return self.source.read(min(self.start + start, self.end), min(self.start + end, self.end))


class _Decompressed:
    """What a compressed file holds, decompressed once, on first use."""

    def __init__(self, source: Blob, decompress: Decompress, url: str) -> None:
        self.url = url
        self._opened = Opened(partial(_spooled, source, decompress, url))
        self._lock = threading.Lock()

    def size(self) -> int:
        return self._opened.get().size

    def read(self, start: int, end: int) -> bytes:
        spool = self._opened.get()
        with self._lock:
            spool.file.seek(start)
            return spool.file.read(max(0, end - start))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (self.url, self._opened)


def _restored(url: str, opened: "Opened[_Spool]") -> _Decompressed:
    content = _Decompressed.__new__(_Decompressed)
    content.url, content._opened, content._lock = url, opened, threading.Lock()  # noqa: SLF001 - its own constructor
    return content


class _Spool:
    """Bytes that were decompressed; the file goes when nothing needs it any more."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.file: SpooledTemporaryFile[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it stays open
        for piece in pieces:
            self.file.write(piece)
        self.size = self.file.tell()

    def __del__(self) -> None:
        self.file.close()


def _spooled(source: Blob, decompress: Decompress, url: str) -> _Spool:
    return _Spool(decompress(_pieces(source), url))


def _pieces(source: Blob) -> Iterator[bytes]:
    size = source.size()
    for start in range(0, size, _PIECE):
        yield source.read(start, min(start + _PIECE, size))


def _gunzipped(pieces: Iterator[bytes], url: str) -> Iterator[bytes]:
    member, held, members = zlib.decompressobj(16 + zlib.MAX_WBITS), b"", 0
    try:
        for piece in pieces:
            held = piece
            while held:
                if member.eof:
                    held = held.lstrip(b"\0") if members else held  # padding behind the last member
                    if not held:
                        break
                    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
                yield member.decompress(held, _PIECE)
                members += member.eof
                held = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        if members == 0 and "header" in str(error):
            raise URLPipelineError(url, "could not be decompressed: the file is not gzip") from error
        raise IntegrityError(url, f"could not be decompressed: {error}") from error
    if not member.eof:
        raise IntegrityError(url, "could not be decompressed: it was cut short")


def _from_zstd(pieces: Iterator[bytes], url: str) -> Iterator[bytes]:
    from numcodecs.zstd import decompress  # zarr brings it

    try:
        yield bytes(decompress(b"".join(pieces)))
    except (RuntimeError, ValueError) as error:
        raise URLPipelineError(
            url, f"could not be decompressed: the file is not Zstandard, or damaged ({error})"
        ) from error
