"""A file with an index as a whole: where its header ends, which stretches hold what, and how they are cut.

Owns the one difference that the layouts make: blocks and their bins, or containers. Must not know storages.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from modos.omics.regions.bgzf import END_OF_FILE, LONGEST_BLOCK, MalformedError, blocked, blocks, open_block
from modos.omics.regions.binning import BinningIndex, Columns, parse_binning_index
from modos.omics.regions.containers import (
    ContainerIndex,
    Slice,
    end_of_header,
    ends_of,
    parse_crai,
    version_of,
)
from modos.omics.regions.cutting import cut_blocks, cut_containers
from modos.omics.regions.planning import (
    WITHOUT_PLACE,
    Stretch,
    blocks_between,
    check_blocks,
    check_containers,
    plan_blocks,
    plan_containers,
)
from modos.omics.regions.spelling import Intervals

__all__ = ["Blocks", "Body", "Containers", "headed"]

_CONTIG_LINE = re.compile(rb"^##contig=<(?:[^\n]*?,)??ID=([^,>\n]+)", re.MULTILINE)
_COLUMNS = {"sam": 2}
"""In which column lines have the contig, from zero, where the index does not say it."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A BGZF file with BAI, CSI or TBI.

    Attributes
    ----------
    index
        The index.
    size
        That of the file.
    kind
        Name of the format.
    first
        Virtual offset of the first record, which is where the header ends; `None` when there is no record with a place.
    """

    index: BinningIndex
    size: int
    kind: str
    first: int | None
    ending = END_OF_FILE

    @classmethod
    def of(cls, index: bytes, head: bytes, *, size: int, kind: str) -> Self:
        """Read the index, and see whether it fits the file.

        Raises
        ------
        MalformedError
            When it cannot be read or does not fit.
        """
        parsed = parse_binning_index(index)
        check_blocks(parsed, size=size)
        first = parsed.first_record
        if first is None and kind == "bam":
            first = end_of_bam_header(head)
            if first is not None and parsed.unplaced == 0 and size - (first >> 16) > LONGEST_BLOCK:
                message = (
                    "the index has no reads, and the file has: the index is older than the file, or that of another"
                )
                raise MalformedError(message)
        return cls(parsed, size, kind, first)

    @property
    def columns(self) -> Columns | None:
        """Where lines have their places."""
        return self.index.columns

    @property
    def names(self) -> tuple[str, ...] | None:
        """Contigs that the index names."""
        return self.index.names

    @property
    def header(self) -> Stretch:
        """The header; the whole file when no record has a place."""
        return blocks_between(0, self.size << 16 if self.first is None else self.first, size=self.size)

    @property
    def everything(self) -> tuple[Stretch, ...]:
        """All records."""
        return () if self.first is None else (blocks_between(self.first, self.size << 16, size=self.size),)

    def plan(self, wanted: Mapping[int, Intervals]) -> tuple[tuple[Stretch, ...], tuple[Slice, ...]]:
        """Return the stretches that hold all records of intervals; slices are CRAM's."""
        if WITHOUT_PLACE in wanted and self.index.end_of_placed is None:
            return self.everything, ()
        return plan_blocks(self.index, wanted, size=self.size), ()

    def cut(self, pieces: Iterable[bytes], stretch: Stretch, name: str = "") -> Iterator[bytes]:
        """Yield exactly the records of a stretch."""
        column = self.columns.contig - 1 if self.columns else _COLUMNS.get(self.kind, 0)
        return cut_blocks(pieces, stretch, kind=self.kind, name=name.encode(), column=column)


@dataclass(frozen=True, slots=True)
class Containers:
    """A CRAM file with its CRAI.

    Attributes
    ----------
    index
        The index.
    size
        That of the file.
    version
        The major version of CRAM.
    """

    index: ContainerIndex
    size: int
    version: int
    columns = None
    names = None

    @classmethod
    def of(cls, index: bytes, head: bytes, *, size: int, kind: str) -> Self:
        """Read the index, and see whether it fits the file.

        Raises
        ------
        MalformedError
            When it cannot be read or does not fit.
        """
        del kind
        body = cls(parse_crai(index), size, version_of(head))
        check_containers(body.index, size=size, end=len(body.ending))
        after = end_of_header(head, version=body.version)
        first = body.header.end
        if first != after:
            message = f"the index has the first container at byte {first:,}, and the header ends at byte {after:,}: "
            raise MalformedError(message + "it is that of another file")
        return body

    @property
    def ending(self) -> bytes:
        """What ends the file."""
        return ends_of(self.version)

    @property
    def header(self) -> Stretch:
        """The header; the whole file but for its end when it has no reads."""
        first = self.index.first_record
        end = self.size - len(self.ending) if first is None else first
        return Stretch(0, end, 0, end)

    @property
    def everything(self) -> tuple[Stretch, ...]:
        """All containers."""
        first, end = self.index.first_record, self.size - len(self.ending)
        return () if first is None else (Stretch(first, end, first, end),)

    def plan(self, wanted: Mapping[int, Intervals]) -> tuple[tuple[Stretch, ...], tuple[Slice, ...]]:
        """Return the stretches that hold all reads of intervals, and the slices in them."""
        return plan_containers(self.index, wanted, size=self.size, end=len(self.ending))

    def cut(self, pieces: Iterable[bytes], stretch: Stretch, name: str = "") -> Iterator[bytes]:
        """Yield the containers of a stretch, if it begins and ends with whole ones."""
        del name
        return cut_containers(pieces, stretch, version=self.version)


type Body = Blocks | Containers


def end_of_bam_header(data: bytes) -> int | None:
    """Return the virtual offset behind the header of a BAM file, `None` when the data do not hold all of it.

    Only for files without placed reads; those of others begin where the index says.
    """
    content, places, position = b"", [], 0
    try:
        while position < len(data):
            places.append((len(content), position))
            opened, position = open_block(data, position)
            content += opened
    except MalformedError:
        places.pop()
    try:
        end = 8 + int(struct.unpack_from("<i", content, 4)[0])
        contigs = int(struct.unpack_from("<i", content, end)[0])
        end += 4
        for _ in range(contigs):
            end += 8 + int(struct.unpack_from("<i", content, end)[0])
    except struct.error:
        return None
    if end > len(content):
        return None
    start, place = max(each for each in places if each[0] <= end)
    return place << 16 | end - start


def headed(body: Body, head: Sequence[bytes] | bytes) -> bytes:
    """Return the header as the beginning of a valid file, from the bytes of its stretch."""
    data = head if isinstance(head, bytes) else b"".join(head)
    stretch = body.header
    if isinstance(body, Containers):
        return data[: stretch.end]
    if not stretch.last:  # lines that begin with the first record
        return b""
    header = b"".join(body.cut((data[: stretch.end],), stretch))
    return _with_contigs(header, body.names or ()) if body.kind == "vcf" else header


def _with_contigs(header: bytes, names: Sequence[str]) -> bytes:
    """Return the header of a VCF file with the contigs that only its index names: without them no record can be written."""
    text = b"".join(blocks(header))
    said = frozenset(_CONTIG_LINE.findall(text))
    lines = b"".join(b"##contig=<ID=%b>\n" % name for name in map(str.encode, names) if name not in said)
    place = text.find(b"\n#CHROM") + 1
    return blocked(text[:place] + lines + text[place:]) if lines and place else header
