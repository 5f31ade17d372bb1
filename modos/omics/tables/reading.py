"""Tables of files of any format: as Arrow, pandas or polars, at once or a piece at a time.

Owns what holds for every format: which reader is asked, which columns and rows are left. Knows no format by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from numbers import Integral
from pathlib import PurePath
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast

from modos._lazy import require
from modos.errors import InvalidInputError, KeyNotFoundError
from modos.omics.checking import identify
from modos.omics.files import Files
from modos.omics.formats import Format, format_named, known_formats
from modos.omics.regions.layouts import LAYOUTS
from modos.omics.tables.questions import Filter, Question, TableReader, Types, chosen_columns, conditions_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["As", "Rows", "list_tables", "read_table", "scan_table"]

type As = Literal["arrow", "pandas", "polars"]
"""What a table is returned as."""

type Rows = slice | tuple[int | None, int | None]
"""Which rows: from the first up to but without the last, counted from zero; `None` for either end."""

_arrow = partial(require, extra="arrow", purpose="reading tables")


def list_tables(files: Files, target: str | PurePath) -> dict[str, tuple[str, ...]]:
    """Return the tables of a file, the usual one first, each with its columns.

    Of a format whose files are one table, that has the name `""`. The footer of Parquet, the groups of h5ad and zarr, and
    the header of CSV tell; a file of mzTab is read.

    Raises
    ------
    InvalidInputError
        When files of its format have no tables.
    """
    return dict(_reader(files, str(target)).names(files, str(target)))


def read_table(
    files: Files,
    target: str | PurePath,
    table: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    filter: Filter | None = None,  # noqa: A002 - the word of pyarrow and pandas
    rows: Rows | None = None,
    types: Types = "known",
    as_: As = "arrow",
) -> Any:  # noqa: ANN401 - a table of the library that was asked for
    r"""Return a table of a file; of Parquet, h5ad and zarr only the parts that have it are fetched.

    Parameters
    ----------
    files, target
        Any storage, and the name of a file in it: mzTab, CSV, TSV, Parquet, JSON, h5ad, or a directory of AnnData in zarr.
    table
        Which one: `SML`, `PSM`, `MTD` … of mzTab, `obs`, `var`, `X` … of AnnData; `None` for the first, or the only one.
    columns
        Which columns, in this order; `None` for all.
    filter
        Conditions that must all hold, such as `[("charge", ">=", 2)]`, or an expression of pyarrow; `None` for all rows.
    rows
        First row, and the one to stop before, of the table as it is in the file, as a pair or a slice; `None` for all.
    types
        `"text"` leaves cells as they are written.
    as_
        What it is returned as: a `pyarrow.Table`, or a frame of pandas or polars.

    Raises
    ------
    InvalidInputError
        When files of its format have no tables, or there is no such table or column.
    IntegrityError
        When the file is damaged or cut off; names the line where it has lines. No part is taken for the whole.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> _ = storage.put(b"gene,count\nXIST,930\nACTB,9200\n", "counts.csv")
    >>> read_table(storage, "counts.csv", filter=[("count", ">", 1000)]).to_pylist()
    [{'gene': 'ACTB', 'count': 9200}]
    """
    convert = _CONVERSIONS.get(as_)
    if convert is None:
        message = f"a table can be had as {', '.join(_CONVERSIONS)}, not as {as_!r}"
        raise InvalidInputError(message)
    reader = _scanned(files, str(target), table, columns=columns, wanted=filter, rows=rows, types=types, at_once=True)
    return convert(reader.read_all())


def scan_table(
    files: Files,
    target: str | PurePath,
    table: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    filter: Filter | None = None,  # noqa: A002 - the word of pyarrow and pandas
    rows: Rows | None = None,
    types: Types = "known",
) -> "pa.RecordBatchReader":
    """Return a table of a file piece by piece, in bounded memory: `for batch in scan_table(…)`.

    Parameters are those of `read_table`. Damage is told when the piece that has it is read. Types of CSV and JSON are those
    of the first megabyte; a value further on that is none of them is an error, which `types="text"` avoids.

    Raises
    ------
    InvalidInputError, IntegrityError
        As for `read_table`.
    """
    return _scanned(files, str(target), table, columns=columns, wanted=filter, rows=rows, types=types, at_once=False)


def _scanned(
    files: Files,
    target: str,
    table: str | None,
    *,
    columns: Sequence[str] | None,
    wanted: Filter | None,
    rows: Rows | None,
    types: Types,
    at_once: bool,
) -> "pa.RecordBatchReader":
    arrow, pc = _arrow("pyarrow"), _arrow("pyarrow.compute")
    condition, needed = conditions_of(wanted, pc)
    first, end = _interval(rows)
    named = None if columns is None or needed is None else tuple(dict.fromkeys((*columns, *needed)))
    question = Question(
        table=table, columns=named, types=types, rows=(first, end), condition=condition, at_once=at_once
    )
    answer = _reader(files, target).scan(files, target, question)
    for name in needed or ():
        chosen_columns(answer.schema.names, [name])
    chosen = chosen_columns(answer.schema.names, columns)
    schema = arrow.schema([answer.schema.field(name) for name in chosen])

    def batches() -> "Iterator[pa.RecordBatch]":
        for batch in _cut(answer.batches, answer.skipped, first, end):
            kept = arrow.Table.from_batches([batch])
            if condition is not None:
                kept = _filtered(arrow, kept, condition, files.url_of(target))
            yield from kept.select(chosen).cast(schema).to_batches()

    return arrow.RecordBatchReader.from_batches(schema, batches())


def _filtered(pa: Any, table: "pa.Table", condition: Any, url: str) -> "pa.Table":  # noqa: ANN401 - a module, an expression
    try:
        return table.filter(condition)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        message = f"the filter does not fit the columns of {url}: {error}"
        raise InvalidInputError(message) from error


def _interval(rows: Rows | None) -> tuple[int, int | None]:
    match rows:
        case None:
            return 0, None
        case slice(start=first, stop=end, step=None | 1) | (first, end) if all(map(_is_count, (first, end))):
            return int(first or 0), None if end is None else int(end)
    message = (
        f"rows is {rows!r}, and should be a slice or a pair, counted from the beginning: slice(10, 20), (10, None)"
    )
    raise InvalidInputError(message)


def _is_count(number: object) -> bool:
    return number is None or (isinstance(number, Integral) and int(number) >= 0)


def _cut(batches: "Iterator[pa.RecordBatch]", position: int, first: int, end: int | None) -> "Iterator[pa.RecordBatch]":
    """Yield those rows that are in an interval; nothing is read behind it."""
    if end is not None and position >= end:
        return
    for batch in batches:
        begin, stop = max(first - position, 0), batch.num_rows if end is None else end - position
        if begin < min(stop, batch.num_rows):
            yield batch.slice(begin, min(stop, batch.num_rows) - begin)
        position += batch.num_rows
        if end is not None and position >= end:
            return


def _reader(files: Files, target: str) -> TableReader:
    """Return what reads the tables of a file: by its name, and where that says nothing, by its content."""
    found = format_named(target)
    if found is None or (found.tables is None and target.lower().rstrip("/").endswith(".zarr")):
        with suppress(KeyNotFoundError):
            found = identify(cast("Any", files), target) or found
    if found is not None and found.tables is not None:
        reader = resolve_name(found.tables) if isinstance(found.tables, str) else found.tables
        return cast("TableReader", reader)
    raise InvalidInputError(_why_not(target, found))


def _why_not(target: str, found: Format | None) -> str:
    have = ", ".join(sorted(each.name for each in known_formats() if each.tables is not None))
    if found is not None and any(target.lower().endswith(suffix) for suffix in LAYOUTS):
        return f"{target!r} holds records of {found.name}, which read_region reads; tables are read from {have}"
    what = "of a format that is not known" if found is None else f"a file of {found.name}"
    return f"{target!r} is {what}, which has no tables; they are read from {have}"


def _as_polars(table: "pa.Table") -> Any:  # noqa: ANN401 - a frame of polars
    return require("polars", extra="polars", purpose="tables as frames of polars").from_arrow(table)


def _as_pandas(table: "pa.Table") -> Any:  # noqa: ANN401 - a frame of pandas
    require("pandas", extra="tables", purpose="tables as frames of pandas")
    return table.to_pandas()


_CONVERSIONS: Mapping[str, Any] = MappingProxyType(
    {"arrow": lambda table: table, "pandas": _as_pandas, "polars": _as_polars}
)
