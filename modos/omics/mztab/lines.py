"""The lines of an mzTab file, sorted into its tables; each is looked at, whichever table is wanted.

Owns which lines a file may have, and in which order. Must not know what cells hold.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from modos.errors import IntegrityError
from modos.omics.mztab.columns import COMMENT, HEADERS, METADATA, SECTIONS

__all__ = ["Header", "Lines", "Rows"]

_MARK = b"\xef\xbb\xbf"
_METADATA, _COMMENT = METADATA.encode(), COMMENT.encode()
_ROWS = {prefix.encode(): prefix for prefix in SECTIONS}
_HEADERS = {prefix.encode(): rows for prefix, rows in HEADERS.items()}
_RUNS = {prefix + b"\t": re.compile(b"\n(?!%s\t)" % prefix) for prefix in _ROWS}
"""Prefix of a row to where the lines end that begin with it."""

_PREFIX = 4
"""Length of the prefix of a row, with what parts it from the first cell."""

_TAB = 9
_ENTRY = 3
"""Cells of a line of metadata: prefix, key, value."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a table.

    Attributes
    ----------
    names
        Of the columns, in the order of the file.
    line
        Its number, from one.
    """

    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table that stand together.

    Attributes
    ----------
    content
        Their lines with prefix and end; what parses them counts the cells.
    first
        Number of the first line in the file, from one.
    """

    content: bytes
    first: int


class Lines:
    """The lines of a file as they come.

    Parameters
    ----------
    url
        Address of the file, for errors.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers: dict[str, Header] = {}
        self.metadata: list[tuple[str, str]] = []
        self.comments: list[tuple[int, str]] = []
        self._count = 0
        self._tabs: dict[bytes, int] = {}

    @property
    def version(self) -> str:
        """The `mzTab-version` that the file says."""
        return next((value for key, value in self.metadata if key == "mzTab-version"), "")

    def sorted(self, pieces: Iterable[bytes], wanted: str | None) -> Iterator[Rows]:
        """Yield the rows of a table as they come; what else there is, is kept here.

        Parameters
        ----------
        pieces
            The content of the file, in order.
        wanted
            Prefix of the rows; `None` for those of the first table that comes.

        Raises
        ------
        IntegrityError
            When a line cannot be one of mzTab; names it by its number.
        """
        rest = b""
        for number, piece in enumerate(pieces):
            content = rest + (piece if number else piece.removeprefix(_MARK))
            end = content.rfind(b"\n") + 1
            rest = content[end:]
            yield from self._taken(content[:end], wanted)
        if rest:
            yield from self._taken(rest + b"\n", wanted)
        if not self.version:
            raise IntegrityError(self.url, "is no mzTab file: it does not say its mzTab-version")

    def first(self) -> str | None:
        """Return which table comes first, `None` as long as none has come."""
        return next(iter(self.headers), None)

    def _taken(self, content: bytes, wanted: str | None) -> Iterator[Rows]:
        """Yield rows of whole lines: where lines of one table follow each other, they are taken together."""
        position = 0
        while position < len(content):
            prefix = content[position : position + _PREFIX]
            if prefix in self._tabs:
                behind = _RUNS[prefix].search(content, position)
                end = behind.end() if behind else len(content)
                rows = Rows(content[position:end], self._count + 1)
                self._count += rows.content.count(b"\n")
                if prefix[:-1].decode() == (wanted or self.first()):
                    yield rows
                else:
                    self._check(prefix, rows)
            else:
                end = content.index(b"\n", position) + 1
                self._count += 1
                line = content[position:end].rstrip(b"\r\n")
                if line.strip():
                    self._special(line, self._count)
            position = end

    def _check(self, prefix: bytes, rows: Rows) -> None:
        """Refuse rows of a table that is not wanted when they do not have as many cells as its header."""
        tabs = np.count_nonzero(np.frombuffer(rows.content, np.uint8) == _TAB)
        if tabs != (self._count + 1 - rows.first) * self._tabs[prefix]:
            self.fitted(prefix[:-1].decode(), rows)

    def fitted(self, section: str, rows: Rows) -> Rows:
        """Return rows of a table with as many cells as its header, where only empty ones at the end are too many.

        Raises
        ------
        IntegrityError
            When others are too many, or some are missing; names the line.
        """
        prefix = section.encode() + b"\t"
        lines = enumerate(rows.content.split(b"\n")[:-1], rows.first)
        return Rows(b"".join(self._fitted(prefix, line, number) + b"\n" for number, line in lines), rows.first)

    def _special(self, line: bytes, number: int) -> None:
        """Take note of a line that is no row of a table whose header has come."""
        prefix, _, content = line.partition(b"\t")
        if prefix == _METADATA:
            self._enter(line, number)
        elif prefix.strip() == _COMMENT:
            self.comments.append((number, self._text(content, number).rstrip("\t")))
        elif prefix in _HEADERS:
            self._begin(_HEADERS[prefix], content, number)
        elif prefix in _ROWS:
            raise self._malformed(number, f"a row of {_ROWS[prefix]} comes before its header")
        else:
            shown = prefix[:20].decode(errors="replace")
            known = ", ".join((METADATA, COMMENT, *SECTIONS, *HEADERS))
            raise self._malformed(number, f"it begins with {shown!r}, and lines of mzTab begin with one of {known}")

    def _enter(self, line: bytes, number: int) -> None:
        cells = self._text(line, number).rstrip("\t").split("\t")
        if len(cells) < _ENTRY and len(cells) > 1:
            cells.append("")
        if len(cells) != _ENTRY:
            raise self._malformed(number, f"metadata are a key and a value, and it has {len(cells) - 1} cells")
        self.metadata.append((cells[1].strip(), cells[2].strip()))

    def _begin(self, section: str, content: bytes, number: int) -> None:
        if section in self.headers:
            before = self.headers[section].line
            raise self._malformed(number, f"a second header of {section}; the first is line {before}")
        names = [name.strip() for name in self._text(content, number).rstrip("\t").split("\t")]
        twice = next((name for name, times in Counter(names).items() if name and times > 1), None)
        if twice is not None or "" in names:
            reason = f"names the column {twice!r} twice" if twice else "has a column without a name"
            raise self._malformed(number, f"the header of {section} {reason}")
        self.headers[section] = Header(tuple(names), number)
        self._tabs[section.encode() + b"\t"] = len(names)

    def _fitted(self, prefix: bytes, line: bytes, number: int) -> bytes:
        """Return a line with as many cells as its header, where only empty ones at the end are too many."""
        expected = self._tabs[prefix]
        stripped = line.rstrip(b"\t\r")
        here = stripped.count(b"\t")
        if here > expected or line.count(b"\t") < expected:
            has = here if here > expected else line.count(b"\t")
            section = prefix[:-1].decode()
            raise self._malformed(number, f"{has} cells where the header of {section} has {expected}")
        return stripped + b"\t" * (expected - here)

    def _text(self, content: bytes, number: int) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise self._malformed(number, "it is not UTF-8") from error

    def _malformed(self, number: int, reason: str) -> IntegrityError:
        return IntegrityError(self.url, f"line {number}: {reason}")
