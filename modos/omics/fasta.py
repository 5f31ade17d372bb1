"""Parts of sequences from FASTA files in any storage, and from refget services.

Owns the layout of `.fai` and `.gzi` indexes and the requests of refget. Must not know who needs the sequences.
"""

import hashlib
import http.client
import struct
import urllib.error
import urllib.request
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import PurePath
from urllib.parse import quote, urlsplit

from modos.errors import (
    IntegrityError,
    InvalidInputError,
    KeyNotFoundError,
    ServiceError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.omics.files import Files
from modos.omics.formats import format_named
from modos.omics.refget.scanning import bases_of
from modos.omics.regions.bgzf import MalformedError, blocks
from modos.omics.regions.spelling import Region, Wanted, parse_region

__all__ = ["Fasta", "Refget", "Span", "fetch_sequence", "open_fasta"]

_SECONDS = 60
_AT_ONCE = 8
_PIECE = 16 * 1024 * 1024
_SLACK = 1024
"""Empty lines, or sequences without bases, that may stand at the end."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a sequence.

    Attributes
    ----------
    contig
        Its name.
    md5
        The MD5 of the whole sequence, in hex; `None` where it is not known.
    start, end
        From zero, the end exclusive.
    """

    contig: str
    md5: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a `.fai`: where the bases of a sequence are."""

    length: int
    offset: int
    bases: int
    width: int

    def place(self, position: int) -> int:
        return self.offset + position // self.bases * self.width + position % self.bases


@dataclass(frozen=True, slots=True)
class Fasta:
    """A FASTA file with its index; `open_fasta` makes one.

    Attributes
    ----------
    storage, target
        Where it is.
    md5s
        Name of a sequence to its MD5 as SAM and refget have it, of those of which it is known.
    """

    storage: Files
    target: str
    _lines: Mapping[str, _Line] = field(repr=False, hash=False)
    _blocks: tuple[tuple[int, ...], tuple[int, ...]] | None = field(repr=False, hash=False)
    md5s: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    @property
    def lengths(self) -> dict[str, int]:
        """Name of each sequence to how many bases it has, in the order of the file."""
        return {name: line.length for name, line in self._lines.items()}

    def read(self, spans: Sequence[Span]) -> list[bytes]:
        """Return the bases of each span, as they are written; ones past the end are not there.

        Raises
        ------
        InvalidInputError
            When there is no such sequence.
        IntegrityError
            When the file is not as its index says.
        """
        ranges = []
        for span in spans:
            line = self._line(span.contig)
            start, end = min(span.start, line.length), min(span.end, line.length)
            ranges.append((line.place(start), line.place(end - 1) + 1) if start < end else (0, 0))
        bodies = self._plain(ranges) if self._blocks is None else self._unpacked(ranges)
        return [self._bases(span, body) for span, body in zip(spans, bodies, strict=True)]

    def digest(self, name: str) -> str:
        """Return the MD5 of a sequence as SAM and refget have it; reads all of it, and holds a part of it at a time.

        Raises
        ------
        InvalidInputError
            When there is no such sequence.
        IntegrityError
            When the file is not as its index says.
        """
        md5 = hashlib.md5(usedforsecurity=False)
        for start in range(0, self._line(name).length, _PIECE):
            md5.update(bases_of(self.read([Span(name, None, start, start + _PIECE)])[0]))
        return md5.hexdigest()

    def check(self, size: int) -> None:
        """Refuse an index that cannot be that of a file of this size.

        Raises
        ------
        IntegrityError
            When sequences go on behind the end of the file.
        """
        end = max((line.place(line.length - 1) + 1 for line in self._lines.values() if line.length), default=0)
        if self._blocks is None and not end <= size <= end + _SLACK:
            raise self._damaged(
                f"its index ends at byte {end:,}, the file at {size:,}: it is that of another file, or older"
            )

    def _line(self, name: str) -> _Line:
        parse_region(Region(name), self._lines, file=self.storage.url_of(self.target))
        return self._lines[name]

    def _plain(self, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        return self.storage.read_ranges(self.target, ranges)

    def _unpacked(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        assert self._blocks is not None
        packed, content = self._blocks
        size: int | None = None
        wanted = []
        for start, end in ranges:
            first, last = bisect_right(content, start) - 1, bisect_right(content, max(end - 1, start))
            if last == len(packed) and size is None:
                size = self.storage.stat(self.target).size
            stop = size if last == len(packed) else packed[last]
            assert stop is not None
            wanted.append((packed[first], stop) if start < end else (0, 0))
        opened = []
        for (start, end), body in zip(ranges, self.storage.read_ranges(self.target, wanted), strict=True):
            try:
                plain = b"".join(blocks(body))
            except MalformedError as error:
                raise self._damaged(str(error)) from error
            shift = content[bisect_right(content, start) - 1]
            opened.append(plain[start - shift : end - shift])
        return opened

    def _bases(self, span: Span, body: bytes) -> bytes:
        length = self._lines[span.contig].length
        bases = body.translate(None, b"\r\n")
        if len(bases) != max(0, min(span.end, length) - min(span.start, length)) or b">" in bases:
            raise self._damaged(f"its index does not fit it at {span.contig}: it is that of another file, or older")
        return bases

    def _damaged(self, reason: str) -> IntegrityError:
        return IntegrityError(self.storage.url_of(self.target), reason)


def open_fasta(storage: Files, target: str | PurePath) -> Fasta:
    """Read the index of a FASTA file (`.fai`, and `.gzi` when it is compressed by bgzip).

    Raises
    ------
    InvalidInputError
        When its name is that of a file of another format.
    KeyNotFoundError
        When it has none.
    IntegrityError
        When the index cannot be read.
    """
    name = str(target)
    called = format_named(name)
    if called is not None and called.name != "FASTA":
        message = f"{name!r} is called as a file of {called.name} is; sequences are read from FASTA"
        raise InvalidInputError(message)
    found: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    lines = _index(storage, f"{name}.fai", _parse_fai)
    if name.lower().endswith((".gz", ".bgz")):
        found = _index(storage, f"{name}.gzi", _parse_gzi)
    return Fasta(storage, name, lines, found)


def fetch_sequence(storage: Files, target: str | PurePath, region: Wanted) -> str:
    r"""Return the bases of a region of a FASTA file, as they are written; only they are fetched, and the index.

    Raises
    ------
    InvalidInputError
        When the region cannot be read, there is no such sequence, or it ends before the region begins.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> for name, content in {"x.fa": b">a\nACGT\nTT\n", "x.fa.fai": b"a\t6\t3\t4\t5\n"}.items():
    ...     _ = storage.put(content, name)
    >>> fetch_sequence(storage, "x.fa", "a:3-5")
    'GTT'
    """
    fasta = open_fasta(storage, target)
    wanted = parse_region(region, fasta.lengths, file=storage.url_of(target))
    length = fasta.lengths.get(wanted.contig)
    if length is None:
        message = "sequences have names; '*' is for reads"
        raise InvalidInputError(message)
    if wanted.start >= length and wanted.start:
        message = f"the region begins at {wanted.start + 1:,}, and {wanted.contig} has {length:,} bases"
        raise InvalidInputError(f"{storage.url_of(target)}: {message}")
    end = length if wanted.end is None else wanted.end
    return fasta.read([Span(wanted.contig, None, wanted.start, end)])[0].decode("ascii")


def _index[T](storage: Files, name: str, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(storage.read(name))
    except KeyNotFoundError as error:
        error.add_note("'modos index' makes the index of a FASTA file, which must be plain or compressed by bgzip")
        raise
    except MalformedError as error:
        raise IntegrityError(storage.url_of(name), str(error)) from error


def _parse_fai(data: bytes) -> dict[str, _Line]:
    lines: dict[str, _Line] = {}
    for number, text in enumerate(data.splitlines(), 1):
        try:
            name, *numbers = text.decode().split("\t")
            line = _Line(*map(int, numbers[:4]))
        except (TypeError, ValueError) as error:
            message = f"its line {number} is not one of a FASTA index"
            raise MalformedError(message) from error
        if line.length < 0 or line.offset < 0 or not 0 < line.bases <= line.width:
            if line.length:
                message = f"its line {number} makes no sense"
                raise MalformedError(message)
            line = _Line(0, 0, 1, 1)
        lines[name] = line
    if data and not data.endswith(b"\n"):
        message = "it is cut off"
        raise MalformedError(message)
    return lines


def _parse_gzi(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where blocks begin in the file and in its content; that of the first is not in the index."""
    if len(data) < 8 or len(data) != 8 + 16 * struct.unpack_from("<Q", data)[0]:  # noqa: PLR2004 - the count
        message = "it is no GZI file, or cut off"
        raise MalformedError(message)
    numbers = struct.unpack_from(f"<{(len(data) - 8) // 8}Q", data, 8)
    return (0, *numbers[::2]), (0, *numbers[1::2])


@dataclass(frozen=True, slots=True)
class Refget:
    """A refget service (GA4GH, version 1 or 2), which gives parts of sequences by their MD5.

    Attributes
    ----------
    url
        Its address, up to but without `/sequence`.
    """

    url: str

    def read(self, spans: Sequence[Span]) -> list[bytes]:
        """Return the bases of each span.

        Raises
        ------
        InvalidInputError
            When a sequence has no MD5 by which it can be asked for.
        KeyNotFoundError
            When the service does not have it.
        """
        for span in spans:
            if span.md5 is None:
                message = f"the header has no MD5 (M5) of {span.contig!r}, by which {self.url} could be asked for it"
                raise InvalidInputError(message)
        if len(spans) < 2:  # noqa: PLR2004 - one needs no threads
            return [self._ask(span) for span in spans]
        with ThreadPoolExecutor(min(_AT_ONCE, len(spans))) as pool:
            return list(pool.map(self._ask, spans))

    def _ask(self, span: Span) -> bytes:
        url = f"{self.url.rstrip('/')}/sequence/{quote(span.md5 or '', safe='')}"
        if urlsplit(url).scheme not in {"http", "https"}:
            message = f"{self.url!r} is no address of a refget service, which begins with https://"
            raise InvalidInputError(message)
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{url}?start={span.start}&end={span.end}",
            headers={"Accept": "text/vnd.ga4gh.refget.v2.0.0+plain, text/vnd.ga4gh.refget.v1.0.0+plain, text/plain"},
        )
        with _boundary(url), urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - likewise
            body = answer.read(span.end - span.start + 1)
        if len(body) != span.end - span.start:
            reason = f"gave {len(body):,} bases where {span.end - span.start:,} were asked for"
            raise IntegrityError(url, reason)
        return bytes(body)


@contextmanager
def _boundary(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.NOT_FOUND:
            raise KeyNotFoundError(url, status=error.code) from error
        raise ServiceError(url, status=error.code) from error
    except TimeoutError as error:
        raise StorageTimeoutError(url) from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(url, f"no connection: {getattr(error, 'reason', error)}") from error
