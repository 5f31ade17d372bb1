"""A FASTA file on its way in: read once, compressed by the way if so wished, and its index files made.

Owns which bytes are stored for those that come. Must not know where either are.
"""

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, repeat

from modos.errors import InvalidInputError
from modos.omics.refget.scanning import FastaScanner, SequenceDigest
from modos.omics.regions.bgzf import (
    END_OF_FILE,
    LARGEST_CONTENT,
    LONGEST_BLOCK,
    PACKING_HEAD,
    MalformedError,
    Packing,
    blocked,
    open_block,
    packing_of,
)

__all__ = ["FastaIntake", "stored_name"]

_LEVEL = 6
_PIECE = 16 * LARGEST_CONTENT
_PACKED = (".gz", ".bgz")


def stored_name(name: str, packing: Packing, *, bgzip: bool) -> str:
    """Return the name under which a file is stored: one that says whether it is compressed.

    Examples
    --------
    >>> stored_name("genome.fa", "plain", bgzip=True)
    'genome.fa.gz'
    """
    is_packed = bgzip or packing != "plain"
    if name.lower().endswith(_PACKED):
        return name if is_packed else name.rpartition(".")[0]
    return f"{name}.gz" if is_packed else name


class FastaIntake:
    r"""The bytes to store of a FASTA file, to be iterated once; afterwards what is known of it.

    A piece of the file at a time is held in memory, and for compressing a few more.

    Parameters
    ----------
    pieces
        The file as it comes: plain, or compressed by gzip or bgzip.
    file
        What errors call it.
    bgzip
        Whether it is compressed in blocks, unless it is already.
    index
        Whether it must be such that it can have an index.

    Examples
    --------
    >>> intake = FastaIntake([b">a\nACGT\n"], "x.fa")
    >>> b"".join(intake)
    b'>a\nACGT\n'
    >>> intake.sequences[0].md5, intake.indexes
    ('f1f8f4bf413b16ad135722aa4591043e', {'.fai': b'a\t4\t3\t4\t5\n'})
    """

    def __init__(self, pieces: Iterable[bytes], file: str, *, bgzip: bool = False, index: bool = True) -> None:
        self.file = file
        self._pieces = pieces
        self._bgzip = bgzip
        self._index = index
        self._scanner = FastaScanner(file, index=index)
        self._blocks: list[tuple[int, int]] | None = None

    @property
    def sequences(self) -> list[SequenceDigest]:
        """The sequences, in the order of the file."""
        return self._scanner.sequences

    @property
    def indexes(self) -> dict[str, bytes]:
        """Suffix of each index file to its content; empty when there are to be none."""
        if not self._index:
            return {}
        fai = {".fai": self._scanner.fai}
        return fai if self._blocks is None else {**fai, ".gzi": _gzi(self._blocks)}

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is to be stored.

        Raises
        ------
        InvalidInputError
            When it is no FASTA, is damaged or cut off, or can have no index and should have one.
        """
        pieces = iter(self._pieces)
        first = b""
        while len(first) < PACKING_HEAD and (piece := next(pieces, b"")):
            first += piece
        packing = packing_of(first)
        whole = chain((first,) if first else (), pieces)
        if packing == "gzip" and self._index and not self._bgzip:
            reason = "is compressed by gzip, and not in blocks, so that it can have no index; let it be bgzipped (bgzip=True)"
            raise self._refused(reason)
        if packing == "bgzf":
            yield from self._as_blocks(whole)
        elif self._bgzip:
            content = whole if packing == "plain" else self._opened(whole)
            yield from self._compressed(self._watched(content))
        elif packing == "plain":
            yield from self._watched(whole)
        else:
            yield from self._as_gzip(whole)
        self._scanner.close()

    def _watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._scanner.feed(piece)
            yield piece

    def _as_blocks(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces as they are, and look into their blocks."""
        self._blocks = []
        packed = plain = 0
        data = last = b""
        for piece in chain(pieces, (b"",)):  # the last one says that no more comes
            data, at = data + piece, 0
            while at < len(data) and (not piece or len(data) - at > LONGEST_BLOCK):
                try:
                    content, end = open_block(data, at)
                except MalformedError as error:
                    raise self._refused(f"is damaged or cut off behind byte {packed:,} ({error})") from error
                if content:
                    self._blocks.append((packed, plain))
                    self._scanner.feed(content)
                last = data[at:end]
                packed, plain, at = packed + end - at, plain + len(content), end
            data = data[at:]
            if piece:
                yield piece
        if last != END_OF_FILE:
            raise self._refused("is cut off: it does not end as bgzip ends files")

    def _as_gzip(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces as they are, and read what is in them."""
        opened = _Gzip()
        try:
            for piece in pieces:
                for content in opened.feed(piece):
                    self._scanner.feed(content)
                yield piece
            opened.close()
        except MalformedError as error:
            raise self._refused(str(error)) from error

    def _opened(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield what gzip has compressed."""
        opened = _Gzip()
        try:
            for piece in pieces:
                yield from opened.feed(piece)
            opened.close()
        except MalformedError as error:
            raise self._refused(str(error)) from error

    def _compressed(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces in blocks, several compressed side by side."""
        self._blocks = []
        workers = min(8, os.cpu_count() or 1)
        packed = plain = 0
        waiting: deque[Future[list[tuple[bytes, int]]]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="bgzip") as pool:
            portions = chain(map(pool.submit, repeat(_in_blocks), _portions(pieces)), repeat(None, 2 * workers))
            for portion in portions:  # the empty ones at the end let the others come out
                if portion is not None:
                    waiting.append(portion)
                if waiting and (portion is None or len(waiting) > 2 * workers):
                    for block, length in waiting.popleft().result():
                        self._blocks.append((packed, plain))
                        packed, plain = packed + len(block), plain + length
                        yield block
        yield END_OF_FILE

    def _refused(self, reason: str) -> InvalidInputError:
        return InvalidInputError(f"{self.file} {reason}")


class _Gzip:
    """What gzip has compressed, in one member or several, opened as it comes."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what is in the next piece, in pieces of bounded size."""
        while piece:
            if self._member is None:
                piece = piece.lstrip(b"\0")
                if not piece:
                    return
                self._member = zlib.decompressobj(31)
            try:
                content = self._member.decompress(piece, _PIECE)
            except zlib.error as error:
                message = "is damaged: it cannot be decompressed"
                raise MalformedError(message) from error
            if content:
                yield content
            piece = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if self._member.eof:
                self._member = None

    def close(self) -> None:
        """Take what was fed as all there is."""
        if self._member is not None:
            message = "is cut off: it ends within what is compressed"
            raise MalformedError(message)


def _portions(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in portions that fill whole blocks."""
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) - len(data) % _PIECE
        yield from (data[start : start + _PIECE] for start in range(0, whole, _PIECE))
        rest = data[whole:]
    if rest:
        yield rest


def _in_blocks(portion: bytes) -> list[tuple[bytes, int]]:
    """Return the blocks of a portion, each with the length of its content."""
    contents = (portion[start : start + LARGEST_CONTENT] for start in range(0, len(portion), LARGEST_CONTENT))
    return [(blocked(content, level=_LEVEL), len(content)) for content in contents]


def _gzi(blocks: list[tuple[int, int]]) -> bytes:
    """Return the index of blocks as bgzip writes it: where each begins, but for the first."""
    numbers = list(chain.from_iterable(blocks[1:]))
    return struct.pack(f"<Q{len(numbers)}Q", len(blocks[1:]), *numbers)
