"""Tables of separated values (CSV, TSV) as Arrow.

Owns of which type a column is, and how a malformed line is named. Must not know where a file is.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import IntegrityError
from modos.omics.files import Files, Pieces, pieces_of
from modos.omics.tables.questions import Answer, Question, chosen_columns, the_only_table, told_apart
from modos.omics.tables.rows import beginning_of, numbered_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CSV", "TSV", "Separated"]

_BLOCK = 1 << 20
_HEAD = 1 << 20
_LONGEST_ROW = 1 << 26
_NULLS = ["", "NA", "N/A", "n/a", "#N/A", "#NA", "NULL", "null"]
_MARK = b"\xef\xbb\xbf"
_BEYOND = 2.0**63
_INTEGER = r"^\s*[+-]?[0-9]+\s*$"


@dataclass(frozen=True, slots=True)
class Separated:
    """What reads tables whose cells are parted by one character.

    The first row names the columns; lines before it that begin with `##` or `# ` are comments. Where rows have one cell
    more than the header, as R writes them, the first is the name of the row. Cells in quotes may have line ends. Types are
    found by looking at the values: at all of them when all are wanted at once, at those of the first megabyte otherwise.
    A column of integers of which one has more than 64 bits is text: as numbers they would be others.

    Attributes
    ----------
    mark
        The character.
    """

    mark: str

    def names(self, files: Files, target: str) -> dict[str, tuple[str, ...]]:
        """Return the one table of a file, with its columns."""
        return {"": tuple(self._opened(files, target).header)}

    def scan(self, files: Files, target: str, question: Question) -> Answer:
        """Return the rows of the table.

        Raises
        ------
        IntegrityError
            When a line has more or fewer cells than the header, or a value is not of the type of its column.
        """
        the_only_table(question.table)
        pa = require("pyarrow", extra="arrow", purpose="reading tables")
        text = self._opened(files, target)
        columns = chosen_columns(text.header, question.columns)
        types = dict.fromkeys(columns, pa.string()) if question.types == "text" else {}
        answer, seen = self._read(text, files, target, columns, types, at_once=question.at_once)
        if doubtful := _doubtful(seen):
            types = dict.fromkeys(doubtful, pa.string())
            text = self._opened(files, target)
            _, written = self._read(text, files, target, doubtful, types, at_once=question.at_once)
            types = {name: pa.string() for name in doubtful if _are_integers(written[name])}
            text = self._opened(files, target)
            answer, _ = self._read(text, files, target, columns, types, at_once=question.at_once)
        return answer

    def _read(
        self,
        text: "_Text",
        files: Files,
        target: str,
        columns: list[str],
        types: "dict[str, pa.DataType]",
        *,
        at_once: bool,
    ) -> "tuple[Answer, pa.Table]":
        """Return the rows, and those of them by which types were found."""
        pa = require("pyarrow", extra="arrow", purpose="reading tables")
        with self._naming(files, target, pa):
            if at_once:
                table = text.csv.read_csv(text.file(), **text.options(columns, types, use_threads=True))
                schema, batches = table.schema, iter(table.to_batches())
            else:
                reader = text.csv.open_csv(text.file(), **text.options(columns, types, use_threads=False))
                schema, batches = reader.schema, self._batches(reader, files, target)
                seen = [first for first in (next(batches, None),) if first is not None]
                table, batches = pa.Table.from_batches(seen, schema=schema), chain(seen, batches)
            if any(map(pa.types.is_binary, schema.types)):
                message = "there is something else than text in it"
                raise pa.ArrowInvalid(message)
        return Answer(schema, batches), table

    def _opened(self, files: Files, target: str) -> "_Text":
        pieces = pieces_of(files, target)
        head = next(pieces, b"").removeprefix(_MARK)
        found = beginning_of(head, self.mark)
        while (
            (len(head) < _HEAD or found.end == len(head)) and len(head) < _LONGEST_ROW and (piece := next(pieces, b""))
        ):
            head += piece
            found = beginning_of(head, self.mark)
        if not found.header:
            raise IntegrityError(files.url_of(target), "has no header: there is nothing in it")
        try:
            header = [cell.decode() for cell in found.header]
        except UnicodeDecodeError as error:
            reason = f"cannot be read as a table: line {found.number}: it is not UTF-8"
            raise IntegrityError(files.url_of(target), reason) from error
        unnamed = [""] if len(found.first) == len(header) + 1 else []
        longest = max(found.end, *map(len, head.split(b"\n")))
        return _Text(self.mark, chain([head], pieces), told_apart([*unnamed, *header]), found.lines, longest)

    def _batches(self, reader: "Iterator[pa.RecordBatch]", files: Files, target: str) -> "Iterator[pa.RecordBatch]":
        with self._naming(files, target, require("pyarrow", extra="arrow", purpose="reading tables")):
            yield from reader

    @contextmanager
    def _naming(self, files: Files, target: str, pa: Any) -> Iterator[None]:  # noqa: ANN401 - a module
        """Name the file and the line of what cannot be read."""
        try:
            yield
        except pa.ArrowInvalid as error:
            reason = self._malformed(files, target) or " ".join(str(error).split())
            raise IntegrityError(files.url_of(target), f"cannot be read as a table: {reason}") from error

    def _malformed(self, files: Files, target: str) -> str | None:
        """Return what is wrong with the first row that is not UTF-8, or has another number of cells than the header."""
        text = self._opened(files, target)
        for number, cells in numbered_rows(text.file(), self.mark, behind=text.lines):
            if cells is None:
                return f"line {number}: what stands in quotes there has no end"
            if not _is_text(cells):
                return f"line {number}: it is not UTF-8"
            if len(cells) != len(text.header):
                return f"line {number}: {len(cells)} cells where the header has {len(text.header)}"
        return None


@dataclass(frozen=True, slots=True)
class _Text:
    """A text whose header was read."""

    mark: str
    pieces: Iterator[bytes]
    header: list[str]
    lines: int
    """How many come before the first row."""
    longest: int
    """How many bytes the longest row has that was seen."""

    @property
    def csv(self) -> Any:  # noqa: ANN401 - a module
        return require("pyarrow.csv", extra="arrow", purpose="reading tables")

    def file(self) -> io.BufferedReader:
        return io.BufferedReader(Pieces(self.pieces), _BLOCK)

    def options(self, columns: list[str], types: "dict[str, pa.DataType]", *, use_threads: bool) -> dict[str, Any]:
        """Return what the readers of Arrow take; with one thread, a value that is wrong is told with its row."""
        csv = self.csv
        return {
            "read_options": csv.ReadOptions(
                use_threads=use_threads,
                column_names=self.header,
                skip_rows=self.lines,
                block_size=max(_BLOCK, 2 * self.longest),
            ),
            "parse_options": csv.ParseOptions(delimiter=self.mark, newlines_in_values=True),
            "convert_options": csv.ConvertOptions(
                column_types=types, include_columns=columns, null_values=_NULLS, strings_can_be_null=True
            ),
        }


def _doubtful(table: "pa.Table") -> list[str]:
    """Return the columns of numbers that may have been integers, of which one is beyond 64 bits."""
    pc = require("pyarrow.compute", extra="arrow", purpose="reading tables")
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    doubles = [field.name for field in table.schema if pa.types.is_float64(field.type)]
    extremes = {name: pc.min_max(table[name]).as_py() for name in doubles}
    return [name for name, each in extremes.items() if max(map(abs, filter(None, each.values())), default=0) >= _BEYOND]


def _are_integers(column: "pa.ChunkedArray") -> bool:
    """Tell whether all cells are written as integers."""
    pc = require("pyarrow.compute", extra="arrow", purpose="reading tables")
    return bool(pc.all(pc.match_substring_regex(column, _INTEGER)).as_py())


def _is_text(cells: list[bytes]) -> bool:
    try:
        b"".join(cells).decode()
    except UnicodeDecodeError:
        return False
    return True


CSV, TSV = Separated(","), Separated("\t")
