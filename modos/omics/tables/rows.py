"""Rows of separated values: their cells, and where they end.

Owns what quotes mean, as pure functions over bytes: the reader of Python has a longest cell, one for the whole process.
Must not know files, nor types of values.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

__all__ = ["Beginning", "beginning_of", "numbered_rows"]

_COMMENTS = (b"##", b"# ")


@dataclass(frozen=True, slots=True)
class Beginning:
    """The header of a text, and the row behind it.

    Attributes
    ----------
    number
        The line that the header begins in, from one.
    lines
        How many lines there are up to its end.
    header, first
        Cells of the header, and of the first row; empty where there is none.
    end
        Where what was read ends.
    """

    number: int
    lines: int
    header: list[bytes]
    first: list[bytes]
    end: int


def beginning_of(text: bytes, mark: str) -> Beginning:
    r"""Return the header, which comments (`##`, `# `) and empty lines may precede, and the first row.

    Examples
    --------
    >>> beginning_of(b'# by x\na,"b\nc"\n1,2\n', ",")
    Beginning(number=2, lines=3, header=[b'a', b'b\nc'], first=[b'1', b'2'], end=19)
    """
    begin = lines = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith(_COMMENTS):
            break
        begin, lines = begin + len(line), lines + 1
    found = _rows(text, begin, mark)
    header, end = next(found, ([], begin))
    number, lines = lines + 1, lines + len(text[begin:end].splitlines())
    first, end = next((row for row in found if row[0] != [b""]), ([], end))
    return Beginning(number, lines, header, first, end)


def numbered_rows(lines: Iterable[bytes], mark: str, *, behind: int) -> Iterator[tuple[int, list[bytes] | None]]:
    """Yield the cells of each row that is not empty, with the number of the line it begins in; `None` for one without an end.

    Parameters
    ----------
    lines
        The text, with its line ends.
    mark
        What parts cells.
    behind
        How many lines at the beginning are none of them.
    """
    row: list[bytes] = []
    begin, is_open = 0, False
    for number, line in enumerate(lines, 1):
        if number <= behind or not (row or line.strip()):
            continue
        begin = begin if row else number
        row.append(line)
        is_open = _is_open(line, mark, within=is_open)
        if not is_open:
            yield begin, next(_rows(b"".join(row), 0, mark))[0]
            row = []
    if row:
        yield begin, None


_QUOTED = rb'([^"]*+(?:""[^"]*+)*+)("|\Z)'
"""What stands in quotes, behind the first of them; the second is missing where there is no end."""


@cache
def _rest(mark: str) -> re.Pattern[bytes]:
    """Return what a cell without quotes matches, with its end."""
    return re.compile(rb"([^%b\r\n]*+)(%b|\r\n?|\n|\Z)" % (mark.encode(), mark.encode()))


@cache
def _cell(mark: str) -> re.Pattern[bytes]:
    """Return what a cell matches, with its end: as in other readers, what follows a closing quote belongs to it."""
    return re.compile(rb'(?:"%b)?%b' % (_QUOTED, _rest(mark).pattern))


@cache
def _continued(mark: str) -> re.Pattern[bytes]:
    """Return what a cell matches that began in quotes on an earlier line."""
    return re.compile(_QUOTED + _rest(mark).pattern)


def _rows(text: bytes, position: int, mark: str) -> Iterator[tuple[list[bytes], int]]:
    """Yield the cells of each row from a position on, and where it ends."""
    match, parting = _cell(mark).match, mark.encode()
    while position < len(text):
        cells, end = [], parting
        while end == parting:
            found = match(text, position)
            assert found is not None
            quoted, _, plain, end = found.groups()
            cells.append(plain if quoted is None else quoted.replace(b'""', b'"') + plain)
            position = found.end()
        yield cells, position


def _is_open(line: bytes, mark: str, *, within: bool) -> bool:
    """Tell whether a line ends within quotes, which it may begin within."""
    if b'"' not in line:
        return within
    found = (_continued if within else _cell)(mark).match(line)
    while found is not None and found[2] != b"" and found[4] == mark.encode():
        found = _cell(mark).match(line, found.end())
    return found is not None and found[2] == b""
