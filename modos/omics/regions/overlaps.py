"""Which of the records that were read overlap what was asked for, decided as htslib decides it.

Owns that rule and nothing else. Must not know where records come from.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

from modos.omics.regions.binning import Columns
from modos.omics.regions.spelling import LAST_POSITION, Intervals

__all__ = ["alignments", "place_of_line", "place_of_variant", "placed"]

_NOTHING = (LAST_POSITION * 2, LAST_POSITION * 2)
"""An interval that nothing reaches."""


def alignments(records: Iterable[Any], wanted: Mapping[int, Intervals]) -> Generator[Any, None, bool]:
    """Yield the reads of a sorted file that overlap intervals, each once; return whether no more can come.

    A read covers what its CIGAR says, and one position when it has none or is unmapped.

    Parameters
    ----------
    records
        As pysam gives them.
    wanted
        Number of a contig in the header to its intervals, in order and apart.
    """
    contig: int | None = None
    finished: set[int | None] = set()
    left: Iterator[tuple[int, int]] = iter(())
    start, end = _NOTHING
    for record in records:
        if record.reference_id != contig:
            contig = record.reference_id
            left = iter(wanted.get(contig, ()))
            start, end = next(left, _NOTHING)
        position = record.reference_start
        while position >= end:
            start, end = next(left, _NOTHING)
            if start == _NOTHING[0]:
                finished.add(contig)
                if len(finished) == len(wanted):
                    return True
        if position >= start or (record.reference_end or position + 1) > start:
            yield record
    return False


def placed(
    records: Iterable[Any], wanted: Mapping[str, Intervals], place: Callable[[Any], tuple[str, int, int]]
) -> Generator[Any, None, bool]:
    """Yield the records of a sorted file that overlap intervals, each once; return whether no more can come.

    Parameters
    ----------
    records
        Of variants, or lines.
    wanted
        Name of a contig to its intervals, in order and apart.
    place
        Returns contig, start and end of a record.
    """
    current: str | None = None
    finished: set[str] = set()
    left: Iterator[tuple[int, int]] = iter(())
    start, end = _NOTHING
    for record in records:
        contig, first, last = place(record)
        if contig != current:
            current = contig
            left = iter(wanted.get(contig, ()))
            start, end = next(left, _NOTHING)
        while first >= end:
            start, end = next(left, _NOTHING)
            if start == _NOTHING[0]:
                finished.add(contig)
                if len(finished) == len(wanted):
                    return True
        if last > start:
            yield record
    return False


def place_of_variant(record: Any) -> tuple[str, int, int]:  # noqa: ANN401 - pysam ships no types
    """Return contig, start and end of a variant; the end heeds `END`, `SVLEN` and `LEN`, as htslib does.

    Position 0, the telomere before the first base, counts as the first base, where the index has it.
    """
    return record.chrom, max(record.start, 0), max(record.stop, 1)


def place_of_line(columns: Columns) -> Callable[[bytes], tuple[str, int, int]]:
    """Return what finds contig, start and end of a line of text."""
    at = (columns.contig - 1, columns.start - 1, (columns.end or columns.start) - 1)
    shift = 0 if columns.preset & 0x10000 else 1

    def place(line: bytes) -> tuple[str, int, int]:
        cells = line.split(b"\t", max(at) + 1)
        start = int(cells[at[1]]) - shift
        end = int(cells[at[2]]) if columns.end else max(start + 1, 1)
        return cells[at[0]].decode(), max(start, 0), end

    return place
