"""BAI, CSI and TBI: indexes that keep, for each bin of a contig, where in a BGZF file its records are.

Owns their layout (SAM specification, section 5; CSI and tabix specifications) and the way from an interval to chunks, as
pure functions. Must not know storages. A virtual offset is that of a block times 65,536 plus that within its content.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from modos.omics.regions.bgzf import MalformedError, inflated

__all__ = ["BinningIndex", "Columns", "parse_binning_index"]

type Chunk = tuple[int, int]

_WHOLE_END = 2**62
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a line of text has contig and positions, as tabix notes it.

    Attributes
    ----------
    preset
        0 for any, 1 for SAM, 2 for VCF; with 65,536 added, positions count from zero.
    contig, start, end
        Columns, counted from one; an end of 0 says that there is none.
    comment
        What lines begin with that are no records.
    skip
        How many lines at the beginning are no records.
    """

    preset: int
    contig: int
    start: int
    end: int
    comment: str
    skip: int


@dataclass(frozen=True, slots=True)
class _Contig:
    """One contig: its bins, where each has its chunks, and the linear index."""

    bins: dict[int, tuple[int, int, int]]
    """Bin to its `loffset`, the position of its first chunk in the index, and how many it has."""
    linear: tuple[int, ...]
    unmapped: int | None
    """How many reads without an alignment are placed beside their mates; `None` when the index does not say."""


@dataclass(frozen=True, slots=True)
class _Reader:
    data: bytes

    def unpack(self, layout: str, position: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(layout, self.data, position)
        except struct.error as error:
            message = "it is cut off"
            raise MalformedError(message) from error


@dataclass(frozen=True, slots=True)
class BinningIndex:
    """An index in memory; contigs are read from it as they are asked for.

    Attributes
    ----------
    min_shift, depth
        The bins: the smallest has `2 ** min_shift` positions, and each level above eight times as many.
    unplaced
        How many records have no place; `None` when the index does not say.
    names
        Contigs in the order of the index; `None` where the data file's header says them.
    columns
        For files of text; `None` for others.
    """

    min_shift: int
    depth: int
    unplaced: int | None
    names: tuple[str, ...] | None
    columns: Columns | None
    _data: bytes = field(repr=False)
    _starts: tuple[int, ...] = field(repr=False)
    _spans: tuple[Chunk | None, ...] = field(repr=False)
    _is_csi: bool = field(repr=False)
    _read: dict[int, _Contig] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def first_record(self) -> int | None:
        """Virtual offset of the first record that has a place, which is where the header ends; `None` without any.

        It need not be of the first contig: files may have them in an order that is not that of the header.
        """
        if starts := [span[0] for span in self._spans if span is not None]:
            return min(starts)
        places = (place for number in range(len(self)) for place in self._contig(number).bins.values() if place[2])
        # the chunks of a bin are in the order of the file
        return min((self._chunks((place[0], place[1], 1))[0][0] for place in places), default=None)

    @property
    def end_of_placed(self) -> int | None:
        """Virtual offset behind the last record that has a place; `None` without any."""
        if ends := [span[1] for span in self._spans if span is not None]:
            return max(ends)
        return max((chunk[1] for chunks in self._occupied() for chunk in chunks), default=None)

    def _occupied(self) -> Iterator[list[Chunk]]:
        """Yield all chunks of each contig that has any."""
        for number in range(len(self)):
            contig = self._contig(number)
            if chunks := [chunk for place in contig.bins.values() for chunk in self._chunks(place)]:
                yield chunks

    def chunks(self, contig: int, start: int, end: int) -> list[Chunk]:
        """Return where records are that may overlap an interval: virtual offsets in order, each at records' borders.

        Parameters
        ----------
        contig
            Its number in the index.
        start, end
            Positions, end exclusive.
        """
        if contig >= len(self) or start >= end:
            return []
        found = self._contig(contig)
        limit = 1 << (self.min_shift + 3 * self.depth)
        if start >= limit:
            return []
        lowest, highest = self._first_offset(found, start), self._last_offset(found, end, limit)
        chunks = [
            (max(first, lowest), min(last, highest))
            for bin_ in self._bins(found, start, min(end, limit))
            for first, last in self._chunks(found.bins[bin_])
            if last > lowest and first < highest
        ]
        return [chunk for chunk in sorted(chunks) if chunk[0] < chunk[1]]

    def _bins(self, contig: _Contig, start: int, end: int) -> Iterator[int]:
        """Yield the bins that overlap an interval and have chunks."""
        for level in range(self.depth + 1):
            first, shift = _first_bin(level), self.min_shift + 3 * (self.depth - level)
            wanted = range(first + (start >> shift), first + ((end - 1) >> shift) + 1)
            if len(wanted) <= len(contig.bins):
                yield from (bin_ for bin_ in wanted if bin_ in contig.bins)
            else:
                yield from (bin_ for bin_ in contig.bins if bin_ in wanted)

    def _first_offset(self, contig: _Contig, start: int) -> int:
        """Return an offset that no record which overlaps `start`, or is behind it, comes before."""
        if self._is_csi:
            bin_ = _first_bin(self.depth) + (start >> self.min_shift)
            while bin_ and bin_ not in contig.bins:
                first = (((bin_ - 1) >> 3) << 3) + 1
                bin_ = bin_ - 1 if bin_ > first else (bin_ - 1) >> 3
            return contig.bins[bin_][0] if bin_ in contig.bins else 0
        if not contig.linear:
            return 0
        window = min(start >> self.min_shift, len(contig.linear) - 1)
        offset = contig.linear[window]
        if contig.unmapped == 0:
            return offset
        # unmapped reads that are placed beside their mates are not in the linear index, but come after the window before
        return next((earlier for earlier in contig.linear[window::-1] if earlier < offset), 0)

    def _last_offset(self, contig: _Contig, end: int, limit: int) -> int:
        """Return an offset that no record which begins before `end` comes behind."""
        if end > limit:
            return _WHOLE_END
        bin_ = _first_bin(self.depth) + ((end - 1) >> self.min_shift) + 1
        if bin_ >= _first_bin(self.depth + 1):
            return _WHOLE_END
        while True:
            while bin_ % 8 == 1:
                bin_ = (bin_ - 1) >> 3
            if bin_ == 0:
                return _WHOLE_END
            if bin_ in contig.bins and (chunks := self._chunks(contig.bins[bin_])):
                return chunks[0][0]
            bin_ += 1

    def _chunks(self, place: tuple[int, int, int]) -> list[Chunk]:
        _, position, count = place
        values = struct.unpack_from(f"<{2 * count}Q", self._data, position)
        return list(zip(values[::2], values[1::2], strict=True))

    def _contig(self, number: int) -> _Contig:
        if number not in self._read:
            reader = _Reader(self._data)
            bins, _, unmapped, position = _read_bins(reader, self._starts[number], self)
            linear: tuple[int, ...] = ()
            if not self._is_csi:
                (count,) = reader.unpack("<i", position)
                linear = reader.unpack(f"<{_checked(count)}Q", position + 4)
            self._read[number] = _Contig(bins, linear, unmapped)
        return self._read[number]


def parse_binning_index(data: bytes) -> BinningIndex:
    """Return the index that a `.bai`, `.csi` or `.tbi` file holds.

    Raises
    ------
    MalformedError
        When it is none of them, cut off, or contradicts itself.
    """
    reader = _Reader(inflated(data))
    match reader.data[:4]:
        case b"BAI\x01":
            return _walked(reader, 4, 14, 5, columns=None, names=None, is_csi=False)
        case b"TBI\x01":
            (contigs,) = reader.unpack("<i", 4)
            columns, names, position = _columns(reader, 8)
            if contigs != len(names):
                message = f"it has {contigs} contigs and names of {len(names)}"
                raise MalformedError(message)
            body = _Reader(reader.data[:8] + reader.data[position:])
            return _walked(body, 4, 14, 5, columns=columns, names=names, is_csi=False)
        case b"CSI\x01":
            min_shift, depth, auxiliary = reader.unpack("<iii", 4)
            if not (0 < min_shift < 32 and 0 <= depth <= _DEEPEST and auxiliary >= 0):  # noqa: PLR2004 - bits of a position
                message = "its header makes no sense"
                raise MalformedError(message)
            if auxiliary < 28:  # noqa: PLR2004 - seven numbers, when the auxiliary data are those of tabix
                return _walked(reader, 16 + auxiliary, min_shift, depth, columns=None, names=None, is_csi=True)
            columns, names, _ = _columns(reader, 16)
            return _walked(reader, 16 + auxiliary, min_shift, depth, columns=columns, names=names, is_csi=True)
        case _:
            message = "it is no BAI, CSI or TBI file"
            raise MalformedError(message)


def _walked(
    reader: _Reader,
    position: int,
    min_shift: int,
    depth: int,
    *,
    columns: Columns | None,
    names: tuple[str, ...] | None,
    is_csi: bool,
) -> BinningIndex:
    """Go through an index once: find where each contig begins, and whether all is there."""
    (contigs,) = reader.unpack("<i", position)
    position += 4
    starts, spans = [], []
    shape = BinningIndex(min_shift, depth, None, names, columns, reader.data, (), (), is_csi)
    for _ in range(_checked(contigs)):
        starts.append(position)
        _, span, _, position = _read_bins(reader, position, shape)
        spans.append(span)
        if not is_csi:
            (intervals,) = reader.unpack("<i", position)
            position += 4 + 8 * _checked(intervals)
    if position > len(reader.data):
        message = "it is cut off"
        raise MalformedError(message)
    unplaced = reader.unpack("<Q", position)[0] if len(reader.data) >= position + 8 else None
    return BinningIndex(min_shift, depth, unplaced, names, columns, reader.data, tuple(starts), tuple(spans), is_csi)


def _read_bins(
    reader: _Reader, position: int, index: BinningIndex
) -> tuple[dict[int, tuple[int, int, int]], Chunk | None, int | None, int]:
    """Return the bins of the contig at a position, what its pseudo-bin says, and where the bins end."""
    unpack = struct.Struct("<IQi" if index._is_csi else "<I0Qi").unpack_from  # noqa: SLF001 - of this module
    size = 16 if index._is_csi else 8  # noqa: SLF001 - likewise
    data, pseudo = reader.data, _first_bin(index.depth + 1) + 1
    bins: dict[int, tuple[int, int, int]] = {}
    span: Chunk | None = None
    unmapped: int | None = None
    (count,) = reader.unpack("<i", position)
    position += 4
    try:
        for _ in range(_checked(count)):  # a human genome has 200,000 of them
            bin_, *loffset, chunks = unpack(data, position)
            position += size
            if chunks < 0 or bin_ > pseudo or bin_ == pseudo - 1:
                message = f"it has a bin {bin_} with {chunks} chunks, which there cannot be"
                raise MalformedError(message)
            if bin_ != pseudo:
                bins[bin_] = (loffset[0] if loffset else 0, position, chunks)
            elif chunks == 2:  # noqa: PLR2004 - the extent, and the counts of reads
                first, last, _, unmapped = struct.unpack_from("<4Q", data, position)
                span = (first, last) if last else None
            position += 16 * chunks
    except struct.error as error:
        message = "it is cut off"
        raise MalformedError(message) from error
    if position > len(data):
        message = "it is cut off"
        raise MalformedError(message)
    return bins, span, unmapped, position


def _columns(reader: _Reader, position: int) -> tuple[Columns, tuple[str, ...], int]:
    """Return what tabix says of lines, the names of contigs, and where they end."""
    preset, contig, start, end, comment, skip, length = reader.unpack("<7i", position)
    names = reader.data[position + 28 : position + 28 + _checked(length)]
    if len(names) < length:
        message = "it is cut off"
        raise MalformedError(message)
    try:
        texts = tuple(name.decode() for name in names.split(b"\0")[:-1])
    except UnicodeDecodeError as error:
        message = "its names of contigs are no text"
        raise MalformedError(message) from error
    mark = chr(comment) if 0 < comment < 128 else ""  # noqa: PLR2004 - ASCII
    return Columns(preset, contig, start, end, mark, skip), texts, position + 28 + length


def _checked(count: int) -> int:
    if count < 0:
        message = "it counts something as fewer than none"
        raise MalformedError(message)
    return count


def _first_bin(level: int) -> int:
    return ((1 << 3 * level) - 1) // 7
