"""Which bytes to ask for: ranges made definite, and near ones merged into few requests.

Owns that arithmetic as pure functions. Knows no storage and does no I/O.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["MergedRange", "definite_range", "merge_ranges"]


@dataclass(frozen=True, slots=True)
class MergedRange:
    """One request that serves several wanted ranges.

    Attributes
    ----------
    start, end
        Bytes to ask for, end exclusive.
    wanted
        Positions, in the caller's sequence, of the ranges that lie within.
    """

    start: int
    end: int
    wanted: tuple[int, ...]


def definite_range(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    """Return a range as Python slices it: negative offsets count from the end, borders are clipped.

    Examples
    --------
    >>> definite_range(-4, None, 10)
    (6, 10)
    >>> definite_range(8, 99, 10)
    (8, 10)
    >>> definite_range(5, 2, 10)
    (5, 5)
    """
    first, last, _ = slice(start, end).indices(size)
    return first, max(first, last)


def merge_ranges(ranges: Sequence[tuple[int, int]], *, gap: int) -> Iterator[MergedRange]:
    """Merge ranges that overlap, touch, or lie at most `gap` bytes apart; empty ones need no request.

    Examples
    --------
    >>> [(r.start, r.end, r.wanted) for r in merge_ranges([(90, 99), (0, 10), (12, 20), (5, 5)], gap=4)]
    [(0, 20, (1, 2)), (90, 99, (0,))]
    """
    by_start = sorted((start, end, position) for position, (start, end) in enumerate(ranges) if start < end)
    pending: MergedRange | None = None
    for start, end, position in by_start:
        if pending is not None and start <= pending.end + gap:
            pending = MergedRange(pending.start, max(pending.end, end), (*pending.wanted, position))
            continue
        if pending is not None:
            yield pending
        pending = MergedRange(start, end, (position,))
    if pending is not None:
        yield pending
