"""Where content lies: from ranges of what a reader sees to segments of the body and bytes of the file.

Owns that arithmetic as pure functions. Must not know keys, and does no I/O.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from modos.encryption.segments import OVERHEAD, PLAIN, SEALED, is_whole
from modos.errors import TruncatedError

__all__ = ["Layout", "Plan", "Span", "kept_spans", "lay_out", "plan_ranges"]

type Span = tuple[int, int]
"""Two offsets, the second exclusive."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One file: what of its body a reader sees.

    Attributes
    ----------
    body
        Where the body begins in the file.
    sealed
        How many bytes the body has.
    kept
        What is kept of the content of the body, in order.
    """

    body: int
    sealed: int
    kept: tuple[Span, ...]

    @property
    def size(self) -> int:
        """Bytes that a reader sees."""
        return sum(end - start for start, end in self.kept)

    @property
    def segments(self) -> int:
        """How many there are."""
        return -(-self.sealed // SEALED)

    def bytes_of(self, first: int, end: int) -> Span:
        """Return which bytes of the file some adjacent segments are, `end` exclusive."""
        return self.body + first * SEALED, self.body + min(end * SEALED, self.sealed)


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be opened for some ranges.

    Attributes
    ----------
    runs
        Adjacent segments, the second number exclusive; apart from each other and ascending.
    wanted
        For each range, which spans of the content of the body make it up; each lies within one run.
    """

    runs: tuple[Span, ...]
    wanted: tuple[tuple[Span, ...], ...]


def kept_spans(edits: Sequence[int] | None) -> Iterator[tuple[int, int | None]]:
    """Yield what an edit list keeps of the content; `None` for an end that is that of the content.

    Examples
    --------
    >>> list(kept_spans([10, 5, 20, 5]))
    [(10, 15), (35, 40)]
    >>> list(kept_spans([10, 5, 20]))
    [(10, 15), (35, None)]
    >>> list(kept_spans(None))
    [(0, None)]
    """
    borders = [*accumulate(edits or (0,))]
    if len(borders) % 2:
        borders.append(-1)
    for start, end in zip(borders[::2], borders[1::2], strict=True):
        yield start, None if end < 0 else end


def lay_out(body: int, file_size: int, edits: Sequence[int] | None) -> Layout:
    """Return the layout of a file.

    Parameters
    ----------
    body
        Where the body begins.
    file_size
        Bytes of the file.
    edits
        Its edit list; `None` where there is none.

    Raises
    ------
    TruncatedError
        When a file of this size has been cut off.
    """
    sealed = file_size - body
    if sealed <= 0 or not is_whole(sealed):
        raise TruncatedError("the file is cut off", segment=max(0, sealed) // SEALED)
    content = sealed - -(-sealed // SEALED) * OVERHEAD
    kept = tuple((start, content if end is None else end) for start, end in kept_spans(edits))
    if max(max(span) for span in kept) > content:
        raise TruncatedError("the file is cut off: its edit list speaks of more than there is")
    return Layout(body, sealed, tuple(span for span in kept if span[0] < span[1]))


def plan_ranges(layout: Layout, ranges: Sequence[Span]) -> Plan:
    """Return what to open for ranges of what a reader sees, clipped at its end.

    A range that reaches the end, or beyond it, opens the last segment too, which proves that it is the end.

    Examples
    --------
    >>> layout = lay_out(124, 124 + 3 * 65_564, None)
    >>> plan_ranges(layout, [(65_000, 66_000), (70_000, 70_010)])
    Plan(runs=((0, 2),), wanted=(((65000, 66000),), ((70000, 70010),)))
    >>> layout.bytes_of(0, 2)
    (124, 131252)
    """
    offsets = [0, *accumulate(end - start for start, end in layout.kept)]
    wanted = tuple(tuple(_spans(layout.kept, offsets, *each)) for each in ranges)
    needed = [(start // PLAIN, -(-end // PLAIN)) for spans in wanted for start, end in spans]
    if any(end >= offsets[-1] and (start < end or start > offsets[-1]) for start, end in ranges):
        needed.append((layout.segments - 1, layout.segments))
    return Plan(tuple(_merged(needed)), wanted)


def _spans(kept: Sequence[Span], offsets: Sequence[int], start: int, end: int) -> Iterator[Span]:
    """Yield which spans of the content a range of what is kept of it comes to."""
    end = min(end, offsets[-1])
    position = bisect_right(offsets, start) - 1
    while start < end:
        before, behind = offsets[position], min(offsets[position + 1], end)
        shift = kept[position][0] - before
        yield start + shift, behind + shift
        start, position = behind, position + 1


def _merged(runs: Iterable[Span]) -> Iterator[Span]:
    ascending = sorted(set(runs))
    if not ascending:
        return
    first, end = ascending[0]
    for (_, _), (start, behind) in pairwise(ascending):
        if start > end:
            yield first, end
            first = start
        end = max(end, behind)
    yield first, end
