"""Regions of a genome: how they are written, and what several of them come to together.

Owns the spellings, as pure functions over names of contigs. Must not know files or indexes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modos.errors import InvalidInputError, suggestion

__all__ = ["UNPLACED", "Intervals", "Region", "Wanted", "parse_bed", "parse_region", "union"]

UNPLACED = "*"
"""How the reads that have no place in the genome are asked for, as in samtools."""

LAST_POSITION = 2**62
"""The end of a region that goes on to the end of its contig."""

_POSITIONS = re.compile(r"(?P<start>[0-9][0-9,]{0,30})?(?:-(?P<end>[0-9][0-9,]{0,30})?)?", re.ASCII)
_BRACED = re.compile(r"\{([^}]*)\}(?:(:)(.*))?", re.DOTALL)

type Intervals = tuple[tuple[int, int], ...]
type Wanted = str | "Region"


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """A stretch of a contig, counted as Python and BED do: from zero, the end exclusive.

    Attributes
    ----------
    contig
        Its name, or `"*"` for reads without a place.
    start
        First position.
    end
        Position behind the last; `None` for the end of the contig.

    Examples
    --------
    >>> str(Region("chr1", 999, 2000))
    'chr1:1000-2000'
    """

    contig: str
    start: int = 0
    end: int | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end < self.start):
            message = f"a region from {self.start} to {self.end} of {self.contig!r} is none: 0 <= start <= end"
            raise InvalidInputError(message)

    def __str__(self) -> str:
        if self.end is None:
            return f"{self.contig}:{self.start + 1}" if self.start else self.contig
        return f"{self.contig}:{self.start + 1}-{self.end}"

    @property
    def interval(self) -> tuple[int, int]:
        """Start and end as numbers."""
        return self.start, LAST_POSITION if self.end is None else self.end


def parse_region(text: Wanted, contigs: Iterable[str], *, file: str = "") -> Region:
    """Return the region that a text names, as UCSC and samtools write them: from one, the end inclusive.

    Parameters
    ----------
    text
        `chr1`, `chr1:1,000-2,000`, `chr1:1000-` and `chr1:1000` (to the end), `chr1:-320` (from the beginning), `*`; a
        name with colons may stand in braces, `{HLA:01}:5-9`. A `Region` is checked and returned.
    contigs
        Names that exist.
    file
        Where they exist, for the error.

    Raises
    ------
    InvalidInputError
        When it cannot be read, or there is no such contig.

    Examples
    --------
    >>> parse_region("chr1:1,000-2,000", ["chr1"])
    Region(contig='chr1', start=999, end=2000)
    >>> parse_region("HLA:01:02", ["HLA:01:02"])
    Region(contig='HLA:01:02', start=0, end=None)
    """
    known = contigs if isinstance(contigs, Mapping | frozenset | set) else frozenset(contigs)
    if isinstance(text, Region):
        if text.contig not in known and text.contig != UNPLACED:
            raise _unknown(text.contig, known, file)
        return text
    if not isinstance(text, str):
        message = f"{text!r} is no region; one is a text such as 'chr1:1,000-2,000', or a Region"
        raise InvalidInputError(message)
    whole = text.strip()
    if whole == UNPLACED:
        return Region(UNPLACED)
    name, colon, positions = _parted(whole)
    if not whole.startswith("{") and whole in known:
        if colon and name in known and _POSITIONS.fullmatch(positions):
            message = f"the region {text!r} can be read in two ways; write {{{whole}}} or {{{name}}}:{positions}"
            raise InvalidInputError(message)
        return Region(whole)
    if name not in known:
        raise _unknown(name if _POSITIONS.fullmatch(positions) else whole, known, file)
    return Region(name, *_positions(text, positions)) if colon else Region(name)


def parse_bed(lines: Iterable[str], *, name: str = "the BED file") -> list[Region]:
    r"""Return the regions of a BED file: contig, start and end of each line; what follows them is not looked at.

    Raises
    ------
    InvalidInputError
        When a line cannot be read; names it.

    Examples
    --------
    >>> parse_bed(["track name=genes", "chr1\t999\t2000\tgene1"])
    [Region(contig='chr1', start=999, end=2000)]
    """
    regions = []
    for number, line in enumerate(lines, 1):
        text = line.removeprefix("\ufeff").rstrip("\r\n")  # a mark of UTF-8, as Windows writes it
        if not text.strip() or text.startswith(("#", "track", "browser")):
            continue
        columns = text.split("\t") if "\t" in text else text.split()
        try:
            contig, start, end = columns[0], int(columns[1]), int(columns[2])
            regions.append(Region(contig, start, end))
        except (ValueError, IndexError) as error:
            message = f"line {number} of {name} is no BED, which has contig, start and end: {text[:80]!r}"
            raise InvalidInputError(message) from error
    return regions


def union(regions: Sequence[Region]) -> dict[str, Intervals]:
    """Return what several regions cover together: contig to intervals in order, those that overlap or touch as one.

    Examples
    --------
    >>> union([Region("b", 5, 9), Region("a", 1, 2), Region("b", 8, 12), Region("b", 3, 4)])
    {'b': ((3, 4), (5, 12)), 'a': ((1, 2),)}
    """
    covered: dict[str, list[tuple[int, int]]] = {}
    for region in regions:
        covered.setdefault(region.contig, []).append(region.interval)
    return {contig: _joined(intervals) for contig, intervals in covered.items()}


def _joined(intervals: list[tuple[int, int]]) -> Intervals:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if start == end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _parted(text: str) -> tuple[str, str, str]:
    if text.startswith("{"):
        found = _BRACED.fullmatch(text)
        if found is None:
            raise _unreadable(text)
        return found[1], found[2] or "", found[3] or ""
    name, colon, positions = text.rpartition(":")
    return (name, colon, positions) if colon else (text, "", "")


def _positions(text: str, positions: str) -> tuple[int, int | None]:
    found = _POSITIONS.fullmatch(positions)
    if found is None or not positions or positions == "-":
        raise _unreadable(text)
    start, end = (None if number is None else int(number.replace(",", "")) for number in found.group("start", "end"))
    if start == 0 or (end is not None and end < (start or 1)):
        message = f"the region {text!r} is empty: positions count from 1, and the end is no less than the start"
        raise InvalidInputError(message)
    return (start or 1) - 1, end


def _unreadable(text: str) -> InvalidInputError:
    examples = "regions look like chr1:1,000-2,000, chr1:-320, chr1 or {HLA:01}:5-9"
    return InvalidInputError(f"the region {text[:80]!r} cannot be read; {examples}")


def _unknown(contig: str, known: Iterable[str], file: str) -> InvalidInputError:
    names = list(known)
    alias = next((name for name in _aliases(contig) if name in names), None)
    hint = f"; did you mean {alias!r}?" if alias else suggestion(contig, names)
    if not hint:
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        hint = f"; it has {shown}" if names else "; it has no contigs"
    return InvalidInputError(f"there is no contig {contig!r}{f' in {file}' if file else ''}{hint}")


_SHOWN = 5


def _aliases(contig: str) -> tuple[str, ...]:
    """Return how others write a contig: with or without `chr`, and the mitochondrial one."""
    bare = contig[3:] if contig[:3].lower() == "chr" else contig
    others = {"M": ("MT",), "MT": ("M",)}.get(bare.upper(), ())
    return tuple(f"{prefix}{name}" for name in (bare, *others) for prefix in ("chr", "", "Chr"))
