"""The bytes of a file in a ZIP archive: ranges of what is stored as it is, a stream of what is compressed.

Owns decompression and CRCs. Must not know names, nor any storage.
"""

import bz2
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from modos.errors import IntegrityError, UnsupportedFormatError
from modos.storage.pipelines.adapters.zip_directory import Directory, Entry
from modos.storage.pipelines.places import Blob

__all__ = ["Members"]

_HEADER = struct.Struct("<4s5H3L2H")
_HEADER_MARK = b"PK\3\4"
_SLACK = 128
"""Bytes asked for beyond a header and its name: what other programs write there, mostly 20 or 28."""

_SMALL = 1024 * 1024
_PIECE = 1024 * 1024
_KEPT = 16 * 1024 * 1024
"""A compressed file up to this size is kept, inflated, until another is read: an archive in an archive jumps about."""

_READERS = 16
_STORED = 0


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Inflater:
    """Raw deflate with the face of `bz2.BZ2Decompressor`: input that does not fit is kept."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_METHODS: Mapping[int, Callable[[], _Decompressor]] = MappingProxyType({8: _Inflater, 12: bz2.BZ2Decompressor})
_NAMES: Mapping[int, str] = MappingProxyType({9: "Deflate64", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"})


class _Stream:
    """A compressed file, read forwards."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self.position = 0

    def read(self, start: int, end: int) -> bytes:
        """Return a range that does not begin before the end of the last; short only at the end of the file."""
        parts = []
        while self.position < end:
            if not self._held and not (held := next(self._pieces, b"")):
                break
            self._held = self._held or held
            first = min(max(0, start - self.position), len(self._held))
            last = min(len(self._held), end - self.position)
            parts.append(self._held[first:last])
            self._held = self._held[last:]
            self.position += last
        return b"".join(parts)

    def finish(self) -> None:
        """Have the CRC compared when everything was read."""
        if not self._held:
            next(self._pieces, None)


class Members:
    """The files of one archive.

    Parameters
    ----------
    blob
        The archive.
    directory
        What is in it.
    """

    def __init__(self, blob: Blob, directory: Directory) -> None:
        self._blob = blob
        self._directory = directory
        self._starts: dict[int, int] = {}
        self._kept: tuple[int, bytes] | None = None
        self._lock = threading.Lock()
        self._streams: OrderedDict[int, tuple[int, _Stream]] = OrderedDict()
        self._sums: OrderedDict[int, tuple[int, int, int]] = OrderedDict()

    def read(self, entry: Entry, start: int, end: int | None) -> bytes:
        """Return a range of a file. One read to its end, at once or piece after piece, is compared with its CRC.

        Raises
        ------
        UnsupportedFormatError
            When it is encrypted or compressed in a way that is not known here.
        IntegrityError
            When it is damaged.
        """
        end = entry.size if end is None else min(end, entry.size)
        self._check(entry)
        if entry.method == _STORED:
            if end <= start:
                return b""
            return self._checked(entry, start, self._stored(entry, start, end))
        if entry.size <= _KEPT:
            return self._whole(entry)[start:end]
        with self._lock:
            stream = self._stream(entry, start)
        body = stream.read(start, end)
        if stream.position == entry.size:
            stream.finish()
        return body

    def _check(self, entry: Entry) -> None:
        url = self._url(entry)
        if entry.name in self._directory.repeated:
            raise IntegrityError(
                url, "is in the archive more than once, with different content; which is meant is unknown"
            )
        if entry.flags & 1:
            raise UnsupportedFormatError(url, "is encrypted; decrypt the archive first")
        if entry.method != _STORED and entry.method not in _METHODS:
            name = _NAMES.get(entry.method, f"method {entry.method}")
            raise UnsupportedFormatError(
                url, f"is compressed by {name}; stored, deflated and bzip2 files are read here"
            )

    def _url(self, entry: Entry) -> str:
        return f"{self._blob.url}|zip:{entry.name}"

    # -- bytes of the archive -------------------------------------------------------------------------------------------

    def _bytes(self, start: int, end: int) -> bytes:
        tail = self._directory.tail_start
        if start >= tail:
            return self._directory.tail[start - tail : end - tail]
        return self._blob.read(start, end)

    def _start(self, entry: Entry, header: bytes) -> int:
        """Return where the bytes of a file begin, which only its own header says."""
        if len(header) < _HEADER.size or not header.startswith(_HEADER_MARK):
            raise IntegrityError(self._url(entry), "is not where the directory of the archive says")
        label, extra = _HEADER.unpack_from(header)[9:]
        start = entry.offset + _HEADER.size + label + extra
        if start + entry.stored > self._directory.limit:
            raise IntegrityError(self._url(entry), "does not fit into the archive, which is damaged")
        self._starts[entry.offset] = start
        return int(start)

    def _raw(self, entry: Entry, start: int, end: int) -> bytes:
        """Return a range of what is stored; together with its header where that is not known yet and it is short."""
        begin = self._starts.get(entry.offset)
        if begin is None:
            around = _HEADER.size + entry.label + _SLACK
            short = entry.stored <= _SMALL
            limit = min(entry.offset + around + (entry.stored if short else 0), self._directory.limit)
            body = self._bytes(entry.offset, limit)
            begin = self._start(entry, body)
            first, last = begin - entry.offset + start, begin - entry.offset + end
            if last <= len(body):
                return body[first:last]
        body = self._bytes(begin + start, begin + end)
        if len(body) != end - start:
            raise IntegrityError(self._url(entry), f"{len(body):,} bytes came where {end - start:,} were asked for")
        return body

    # -- stored as it is ------------------------------------------------------------------------------------------------

    def _stored(self, entry: Entry, start: int, end: int) -> bytes:
        if entry.stored != entry.size:
            raise IntegrityError(self._url(entry), "has two sizes in the directory of the archive")
        return self._raw(entry, start, end)

    def _checked(self, entry: Entry, start: int, body: bytes) -> bytes:
        """Carry the CRC of a file along while one thread reads it from beginning to end."""
        thread = threading.get_ident()
        with self._lock:
            file, position, crc = self._sums.pop(thread, (-1, 0, 0))
        if start == 0:
            crc = 0
        elif (file, position) != (entry.offset, start):
            return body
        crc = zlib.crc32(body, crc)
        if start + len(body) < entry.size:
            with self._lock:
                self._sums[thread] = (entry.offset, start + len(body), crc)
                _forget_oldest(self._sums)
        elif crc != entry.crc:
            raise IntegrityError(self._url(entry), "is damaged in the archive: bad CRC")
        return body

    # -- compressed -----------------------------------------------------------------------------------------------------

    def _whole(self, entry: Entry) -> bytes:
        kept = self._kept
        if kept is None or kept[0] != entry.offset:
            kept = self._kept = (entry.offset, b"".join(self._inflated(entry)))
        return kept[1]

    def _stream(self, entry: Entry, start: int) -> _Stream:
        """Return the stream of a file that this thread is reading, from its beginning if it has passed the start."""
        thread = threading.get_ident()
        file, stream = self._streams.pop(thread, (-1, None))
        if stream is None or file != entry.offset or start < stream.position:
            stream = _Stream(self._inflated(entry))
        self._streams[thread] = (entry.offset, stream)
        _forget_oldest(self._streams)
        return stream

    def _inflated(self, entry: Entry) -> Iterator[bytes]:
        """Yield a compressed file in pieces; no more than the directory promises is ever inflated."""
        decompressor = _METHODS[entry.method]()
        crc = size = position = 0
        while not decompressor.eof:
            data = b""
            if decompressor.needs_input and position < entry.stored:
                data = self._raw(entry, position, min(position + _PIECE, entry.stored))
                position += len(data)
            try:
                piece = decompressor.decompress(data, _PIECE)
            except (zlib.error, OSError) as error:
                if isinstance(error, IntegrityError):
                    raise
                raise IntegrityError(self._url(entry), f"is damaged in the archive: {error}") from error
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > entry.size or (not data and not piece and not decompressor.eof):
                break
            if piece:
                yield piece
        if size != entry.size:
            raise IntegrityError(self._url(entry), "is damaged in the archive: it has another size")
        if crc != entry.crc:
            raise IntegrityError(self._url(entry), "is damaged in the archive: bad CRC")


def _forget_oldest[Value](by_thread: OrderedDict[int, Value]) -> None:
    while len(by_thread) > _READERS:
        by_thread.popitem(last=False)
