"""The tables of an mzTab file as Arrow: split by prefix, and parsed by Arrow's own reader of separated text.

Owns how cells become values. Must not know where a file is, nor which lines it may have.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import IntegrityError, InvalidInputError, suggestion
from modos.omics.files import Files, pieces_of
from modos.omics.mztab.columns import COMMENT, METADATA, SECTIONS, Holding, holding_of
from modos.omics.mztab.lines import Header, Lines, Rows
from modos.omics.tables.questions import Answer, Question, chosen_columns

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["names", "scan"]

_NULLS = ["null", "NULL", "Null", ""]
_TRUE, _FALSE = ["1", "true", "TRUE", "True"], ["0", "false", "FALSE", "False"]
_QUOTED = r'^"([^"]*)"$'
_ENTRIES = ("key", "value")
_COMMENTS = ("line", "comment")

_PARSED: Mapping[Holding, str] = MappingProxyType({"integer": "int64", "number": "float64", "truth": "bool_"})
"""What Arrow parses; all else it leaves as text."""

_LISTED: Mapping[Holding, tuple[str, str]] = MappingProxyType(
    {"texts": ("|", "string"), "members": (",", "string"), "integers": ("|", "int64"), "numbers": ("|", "float64")}
)
"""What parts the values of a list, and what they are."""


def names(files: Files, target: str) -> dict[str, tuple[str, ...]]:
    """Return the tables of a file, in its order, each with its columns; then `MTD`, and `COM` when it has comments."""
    lines = Lines(files.url_of(target))
    for _ in lines.sorted(pieces_of(files, target), None):
        pass
    found = {section: header.names for section, header in lines.headers.items()}
    return found | {METADATA: _ENTRIES} | ({COMMENT: _COMMENTS} if lines.comments else {})


def scan(files: Files, target: str, question: Question) -> Answer:
    """Return the rows of a table: `SML`, `SMF`, `SME`, `PRT`, `PEP`, `PSM`, or `MTD` and `COM` as they are written.

    Every line of the file is looked at, so that damage in another table is noticed, too. It is read once, and memory is
    bounded by its pieces.

    Raises
    ------
    IntegrityError
        When a line is malformed, named by its number, or a value is not of the type of its column.
    InvalidInputError
        When there is no such table.
    """
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    require("pyarrow.csv", extra="arrow", purpose="reading tables")
    section = _section(question.table)
    lines = Lines(files.url_of(target))
    coming = lines.sorted(pieces_of(files, target), section)
    if section in {METADATA, COMMENT}:
        return _written(pa, lines, coming, section)
    waiting = list(islice(coming, 1))
    found = section or lines.first()
    if found is None:
        return _written(pa, lines, coming, METADATA)
    if found not in lines.headers:
        there = ", ".join([*lines.headers, METADATA])
        message = f"{lines.url} has no table {found}; it has {there}"
        raise InvalidInputError(message)
    parser = _Parser(pa, lines, found, question)
    return Answer(parser.schema, parser.batches(waiting, coming))


def _section(table: str | None) -> str | None:
    """Return the prefix that a table is called by, in any case; that of its header means it, too."""
    if table is None:
        return None
    known = {
        **{name: name for name in (*SECTIONS, METADATA, COMMENT)},
        **{each: name for name, each in SECTIONS.items()},
    }
    if table.upper() in known:
        return known[table.upper()]
    hint = suggestion(table.upper(), known) or f"; there are {', '.join((*SECTIONS, METADATA, COMMENT))}"
    message = f"mzTab has no table {table!r}{hint}"
    raise InvalidInputError(message)


def _written(pa: Any, lines: Lines, coming: Iterator[Rows], section: str) -> Answer:  # noqa: ANN401 - a module
    """Return metadata or comments, which are known once all lines were seen."""
    for _ in coming:
        pass
    columns: Mapping[str, list[Any]]
    if section == METADATA:
        columns = {"key": [key for key, _ in lines.metadata], "value": [value for _, value in lines.metadata]}
        schema = pa.schema([(name, pa.string()) for name in _ENTRIES])
    else:
        columns = {"line": [line for line, _ in lines.comments], "comment": [text for _, text in lines.comments]}
        schema = pa.schema([("line", pa.int64()), ("comment", pa.string())])
    return Answer(schema, iter([pa.record_batch(columns, schema=schema)]))


class _Parser:
    """What makes batches of the rows of one table."""

    def __init__(self, pa: Any, lines: Lines, section: str, question: Question) -> None:  # noqa: ANN401 - a module
        self._pa, self._csv = pa, pa.csv
        self._url, self._lines = lines.url, lines
        self._section = section
        self._header: Header = lines.headers[section]
        self._columns = chosen_columns(self._header.names, question.columns)
        self._holdings: dict[str, Holding] = {
            name: "text" if question.types == "text" else holding_of(section, name, version=lines.version)
            for name in self._columns
        }
        self.schema: pa.Schema = pa.schema([(name, self._type(name)) for name in self._columns])

    def batches(self, waiting: list[Rows], coming: Iterator[Rows]) -> "Iterator[pa.RecordBatch]":
        for rows in chain(waiting, coming):
            yield from self._batch(rows)

    def _type(self, name: str) -> "pa.DataType":
        holding = self._holdings[name]
        if holding in _LISTED:
            return self._pa.list_(getattr(self._pa, _LISTED[holding][1])())
        return getattr(self._pa, _PARSED.get(holding, "string"))()

    def _batch(self, rows: Rows) -> "Iterator[pa.RecordBatch]":
        try:
            arrays = self._parsed(rows)
        except self._pa.ArrowInvalid:
            rows = self._lines.fitted(self._section, rows)
            try:
                arrays = self._parsed(rows)
            except self._pa.ArrowInvalid:
                arrays = self._one_by_one(rows)
        yield from self._pa.Table.from_arrays(arrays, schema=self.schema).to_batches()

    def _parsed(self, rows: Rows) -> "list[pa.ChunkedArray]":
        csv, pa = self._csv, self._pa
        types = {name: getattr(pa, _PARSED.get(each, "string"))() for name, each in self._holdings.items()}
        table = csv.read_csv(
            pa.BufferReader(rows.content),
            read_options=csv.ReadOptions(column_names=[self._section, *self._header.names]),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=types,
                include_columns=self._columns,
                null_values=_NULLS,
                strings_can_be_null=True,
                true_values=_TRUE,
                false_values=_FALSE,
            ),
        )
        return [self._finished(table.column(name), self._holdings[name]) for name in self._columns]

    def _finished(self, column: "pa.ChunkedArray", holding: Holding) -> "pa.Array":
        pc, pa = require("pyarrow.compute", extra="arrow", purpose="reading tables"), self._pa
        if holding in _PARSED:
            return column
        if pc.any(pc.starts_with(column, '"')).as_py():
            column = pc.replace_substring_regex(column, _QUOTED, r"\1")
        if holding not in _LISTED:
            return column
        mark, kind = _LISTED[holding]
        parts = pc.split_pattern(column.combine_chunks(), mark)
        values = pc.utf8_trim_whitespace(parts.values)
        if kind != "string":
            values = pc.cast(values, getattr(pa, kind)())
        return pa.ListArray.from_arrays(parts.offsets, values, mask=parts.is_null() if parts.null_count else None)

    def _one_by_one(self, rows: Rows) -> "list[pa.Array]":
        """Parse what Arrow would not: values written in an unusual way are taken, and what is wrong is named."""
        places = {name: place for place, name in enumerate(self._header.names, 1)}
        positions = [places[name] for name in self._columns]
        cells: list[list[Any]] = [[] for _ in positions]
        for number, line in enumerate(rows.content.split(b"\n")[:-1], rows.first):
            try:
                parts = line.removesuffix(b"\r").decode().split("\t")
            except UnicodeDecodeError as error:
                raise IntegrityError(self._url, f"line {number}: it is not UTF-8") from error
            for column, position in enumerate(positions):
                cells[column].append(self._value(self._columns[column], parts[position], number))
        return [self._pa.array(values, each.type) for values, each in zip(cells, self.schema, strict=True)]

    def _value(self, name: str, cell: str, number: int) -> Any:  # noqa: ANN401 - of the type of its column
        if cell.strip() in _NULLS:
            return None
        holding = self._holdings[name]
        try:
            if holding in _LISTED:
                mark, kind = _LISTED[holding]
                return [_READ[kind](part.strip()) for part in _unquoted(cell).split(mark)]
            return _READ[_PARSED.get(holding, "string")](cell.strip() if holding in _PARSED else cell)
        except (ValueError, OverflowError) as error:
            what = _MEANT[holding]
            reason = f"line {number}: {name} is {cell[:80]!r}, which is no {what}"
            raise IntegrityError(self._url, reason) from error


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    return inner if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner else text


def _integer(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        as_number = float(text)
        value = int(as_number)
        if value != as_number:
            raise
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(text)
    return value


def _truth(text: str) -> bool:
    if text not in (*_TRUE, *_FALSE):
        raise ValueError(text)
    return text in _TRUE


_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {"string": _unquoted, "int64": _integer, "float64": float, "bool_": _truth}
)
_MEANT: Mapping[Holding, str] = MappingProxyType(
    {
        "integer": "whole number",
        "integers": "list of whole numbers parted by |",
        "number": "number",
        "numbers": "list of numbers parted by |",
        "truth": "0 or 1",
    }
)
