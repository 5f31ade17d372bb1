"""Tables of separated values (CSV, TSV) as Arrow.

Owns what comes before the header, and how a malformed line is named. Must not know where a file is.
"""

import csv as plain
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import IntegrityError
from modos.omics.files import Files, Pieces, pieces_of
from modos.omics.tables.questions import Answer, Question, chosen_columns, the_only_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CSV", "TSV", "Separated"]

_BLOCK = 1 << 20
_HEAD = 1 << 20
_NULLS = ["", "NA", "N/A", "n/a", "#N/A", "#NA", "NULL", "null"]
_COMMENTS = (b"##", b"# ")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Separated:
    """What reads tables whose cells are parted by one character.

    The first line names the columns; lines before it that begin with `##` or `# ` are comments. Where rows have one cell
    more than the header, as R writes them, the first is the name of the row. Types are found by looking at the values: at
    all of them when all are wanted at once, at those of the first megabyte otherwise.

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
        types = dict.fromkeys(columns, pa.string()) if question.types == "text" else None
        if not question.at_once:
            with self._naming(files, target, pa):
                reader = text.csv.open_csv(text.file(), **text.options(columns, types, use_threads=False))
            return Answer(reader.schema, self._batches(reader, files, target))
        with self._naming(files, target, pa):
            table = text.csv.read_csv(text.file(), **text.options(columns, types, use_threads=True))
        return Answer(table.schema, iter(table.to_batches()))

    def _opened(self, files: Files, target: str) -> "_Text":
        url = files.url_of(target)
        pieces = pieces_of(files, target)
        head = b""
        while len(head) < _HEAD and (piece := next(pieces, b"")):
            head += piece
        lines = head.removeprefix(_MARK).splitlines()
        skipped = 0
        while skipped < len(lines) and (not lines[skipped].strip() or lines[skipped].startswith(_COMMENTS)):
            skipped += 1
        if skipped == len(lines):
            raise IntegrityError(url, "has no header: there is nothing in it")
        header, *rows = (
            self._cells(line, number, url) for number, line in enumerate(lines[skipped : skipped + 2], skipped + 1)
        )
        unnamed = [""] if rows and len(rows[0]) == len(header) + 1 else []
        return _Text(self.mark, chain([head], pieces), _told_apart([*unnamed, *header]), skipped)

    def _cells(self, line: bytes, number: int, url: str) -> list[str]:
        try:
            return next(plain.reader([line.decode()], delimiter=self.mark), [])
        except (UnicodeDecodeError, plain.Error) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise IntegrityError(url, f"cannot be read as a table: line {number}: {reason}") from error

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
        """Return what is wrong with the first line that has another number of cells than the header."""
        text = self._opened(files, target)
        for number, line in enumerate(text.file(), 1):
            if number > text.skipped and line.strip():
                here = len(self._cells(line.rstrip(b"\r\n"), number, files.url_of(target)))
                if here not in {len(text.header), len(text.header) - (number == text.skipped + 1)}:
                    return f"line {number}: {here} cells where the header has {len(text.header)}"
        return None


@dataclass(frozen=True, slots=True)
class _Text:
    """A text whose header was read."""

    mark: str
    pieces: Iterator[bytes]
    header: list[str]
    skipped: int

    @property
    def csv(self) -> Any:  # noqa: ANN401 - a module
        return require("pyarrow.csv", extra="arrow", purpose="reading tables")

    def file(self) -> io.BufferedReader:
        return io.BufferedReader(Pieces(self.pieces), _BLOCK)

    def options(
        self, columns: list[str], types: "dict[str, pa.DataType] | None", *, use_threads: bool
    ) -> dict[str, Any]:
        """Return what the readers of Arrow take; with one thread, a value that is wrong is told with its row."""
        csv = self.csv
        return {
            "read_options": csv.ReadOptions(
                use_threads=use_threads, column_names=self.header, skip_rows=self.skipped + 1, block_size=_BLOCK
            ),
            "parse_options": csv.ParseOptions(delimiter=self.mark),
            "convert_options": csv.ConvertOptions(
                column_types=types, include_columns=columns, null_values=_NULLS, strings_can_be_null=True
            ),
        }


def _told_apart(cells: list[str]) -> list[str]:
    """Return names of columns, each another: those without one, and repeated ones, are numbered.

    Examples
    --------
    >>> _told_apart(["", "a", "a"])
    ['column1', 'a', 'a.2']
    """
    found: list[str] = []
    for position, cell in enumerate(cells, 1):
        usual = cell or f"column{position}"
        numbered = (f"{usual}.{times}" for times in count(2))
        found.append(next(name for name in chain([usual], numbered) if name not in found))
    return found


CSV, TSV = Separated(","), Separated("\t")
