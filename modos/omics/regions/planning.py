"""From an index and intervals to stretches of a file, and from stretches to requests.

Owns the decisions, as pure functions. Must not know storages or how bytes are cut; does no I/O.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from modos.omics.regions.bgzf import END_OF_FILE, LONGEST_BLOCK, MalformedError
from modos.omics.regions.binning import BinningIndex
from modos.omics.regions.containers import LONGEST_HEADER, ContainerIndex, Slice
from modos.omics.regions.spelling import Intervals

__all__ = ["Piece", "Stretch", "batches", "check_blocks", "check_containers", "plan_blocks", "plan_containers"]

GAP = 256 * 1024
"""What lies this near is fetched along, which costs less than asking again."""

PIECE = 2 * 1024 * 1024
"""How much is asked for at once."""

WITHOUT_PLACE = -1
"""The number of no contig."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a file from the beginning of one record to the end of another.

    Attributes
    ----------
    first, last
        Virtual offsets in files of blocks, offsets in CRAM.
    start, end
        The bytes to ask for.
    contig
        Number of the contig that its first record belongs to; `None` where that is not known.
    to_end
        Whether it goes on to the end of the file.
    """

    first: int
    last: int
    start: int
    end: int
    contig: int | None = None
    to_end: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a stretch, asked for at once.

    Attributes
    ----------
    stretch
        The number of the stretch.
    start, end
        The bytes.
    """

    stretch: int
    start: int
    end: int


def plan_blocks(index: BinningIndex, wanted: Mapping[int, Intervals], *, size: int) -> tuple[Stretch, ...]:
    """Return the stretches of a BGZF file that hold all records which overlap intervals, in the order of the file.

    Parameters
    ----------
    index
        BAI, CSI or TBI.
    wanted
        Number of a contig to its intervals; `WITHOUT_PLACE` for the reads at the end.
    size
        That of the data file.
    """
    chunks: list[tuple[int, int, int]] = []
    for contig, intervals in wanted.items():
        if contig == WITHOUT_PLACE:
            if index.unplaced != 0 and (end := index.end_of_placed) is not None:
                chunks.append((end, size << 16, WITHOUT_PLACE))
            continue
        for start, end in intervals:
            chunks.extend((*chunk, contig) for chunk in index.chunks(contig, start, end))
    joined: list[tuple[int, int, int]] = []
    for first, last, contig in sorted(chunks):
        if joined and (first >> 16) - (joined[-1][1] >> 16) <= GAP:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last), joined[-1][2])
        else:
            joined.append((first, last, contig))
    return tuple(blocks_between(first, last, size=size, contig=contig) for first, last, contig in joined)


def blocks_between(first: int, last: int, *, size: int, contig: int | None = None) -> Stretch:
    """Return the stretch between two virtual offsets; the last block is asked for as long as it may be."""
    end = (last >> 16) + (LONGEST_BLOCK if last & 0xFFFF else 0)
    return Stretch(first, last, first >> 16, max(first >> 16, min(end, size)), contig, last == size << 16)


def plan_containers(
    index: ContainerIndex, wanted: Mapping[int, Intervals], *, size: int, end: int
) -> tuple[tuple[Stretch, ...], tuple[Slice, ...]]:
    """Return the stretches of a CRAM file that hold all reads which overlap intervals, and the slices in them.

    Parameters
    ----------
    index
        The file's `.crai`.
    wanted
        As for `plan_blocks`.
    size
        That of the data file.
    end
        Length of what ends the file.
    """
    chosen = {
        each.container
        for each in index.slices
        if each.contig in wanted
        and (
            each.contig == WITHOUT_PLACE
            or any(each.overlaps(start, stop) for start, stop in wanted[each.contig] if start < stop)
        )
    }
    places = index.containers()
    borders = dict(pairwise([*places, size - end]))
    stretches: list[Stretch] = []
    for place in sorted(chosen):
        near = stretches and place - stretches[-1].end <= GAP
        first = stretches.pop().first if near else place
        stretches.append(Stretch(first, borders[place], first, borders[place]))
    within = (each for each in index.slices if any(one.start <= each.container < one.end for one in stretches))
    return tuple(stretches), tuple(within)


def batches(stretches: Sequence[Stretch], *, piece: int = PIECE) -> Iterator[list[Piece]]:
    """Yield what to ask for together: stretches cut to pieces, and small ones gathered.

    Examples
    --------
    >>> stretches = [Stretch(0, 0, 0, 5), Stretch(0, 0, 9, 12), Stretch(0, 0, 20, 21)]
    >>> [[(each.stretch, each.start, each.end) for each in batch] for batch in batches(stretches, piece=4)]
    [[(0, 0, 4)], [(0, 4, 5), (1, 9, 12)], [(2, 20, 21)]]
    """
    batch: list[Piece] = []
    length = 0
    for each in _pieces(stretches, piece):
        if batch and length + each.end - each.start > piece:
            yield batch
            batch, length = [], 0
        batch.append(each)
        length += each.end - each.start
    if batch:
        yield batch


def _pieces(stretches: Iterable[Stretch], piece: int) -> Iterator[Piece]:
    for number, stretch in enumerate(stretches):
        for start in range(stretch.start, stretch.end, piece):
            yield Piece(number, start, min(start + piece, stretch.end))


def check_blocks(index: BinningIndex, *, size: int) -> None:
    """Refuse an index that cannot be that of a BGZF file of this size.

    Raises
    ------
    MalformedError
        Says what does not fit.
    """
    end = index.end_of_placed
    if end is None:
        return
    place, within = end >> 16, end & 0xFFFF
    if place + bool(within) > size:
        raise _cut_off(place, size)
    if index.unplaced == 0 and size - place > _SLACK + (LONGEST_BLOCK if within else 0):
        raise _goes_on(place, size)


def check_containers(index: ContainerIndex, *, size: int, end: int) -> None:
    """Refuse an index that cannot be that of a CRAM file of this size, which ends with `end` bytes.

    Raises
    ------
    MalformedError
        Says what does not fit.
    """
    if not index.slices:
        return
    if index.end > size - end:
        raise _cut_off(index.end, size)
    if size - index.end > LONGEST_HEADER + _SLACK:
        raise _goes_on(index.end, size)


_SLACK = 8 * len(END_OF_FILE)
"""Empty blocks or containers that may stand before the last."""


def _cut_off(place: int, size: int) -> MalformedError:
    return MalformedError(
        f"the index has records up to byte {place:,}, the file only {size:,} bytes: it is cut off, or the index is that "
        "of another file"
    )


def _goes_on(place: int, size: int) -> MalformedError:
    return MalformedError(
        f"the index ends at byte {place:,}, and the file goes on to byte {size:,}: the index is older than the file, or "
        "that of another"
    )
