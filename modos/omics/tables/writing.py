"""Tables written to files of this machine, or as lines, a piece at a time.

Owns which suffix is written how. Must not know where a table comes from.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import InvalidInputError
from modos.omics.writing import beside

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["as_lines", "write_table"]

_PARTED = "|"
"""What parts the values of a list in one cell."""

_BLANKS = str.maketrans("\t\n\r", "   ")

type _Write = Callable[["pa.RecordBatch"], object]


def write_table(reader: "pa.RecordBatchReader", path: str | PurePath) -> int:
    """Write a table to a file that is seen whole or not at all; returns how many rows there were.

    Parameters
    ----------
    reader
        What `scan_table` returns; read to its end, a piece at a time.
    path
        Where to: `.parquet`, `.arrow`, `.csv`, `.tsv` or `.jsonl`.

    Raises
    ------
    InvalidInputError
        When the suffix is another.
    """
    kind = _KINDS.get(PurePath(path).suffix.lower())
    if kind is None:
        message = f"{str(path)!r} cannot hold a table: one is written to {', '.join(_KINDS)}"
        raise InvalidInputError(message)
    count = 0
    with beside(Path(path)) as part, kind(part, reader.schema) as write:
        for batch in reader:
            write(batch)
            count += batch.num_rows
    return count


def as_lines(reader: "pa.RecordBatchReader") -> Iterator[str]:
    """Yield a table as lines of TSV, that of the header first; cells that are null are empty, lists parted by `|`.

    Tabs and line ends within cells are blanks.
    """
    yield _line(reader.schema.names)
    for batch in reader:
        yield from map(_line, _rows(batch))


def _line(cells: Iterable[str]) -> str:
    return "\t".join(cell.translate(_BLANKS) for cell in cells)


def _rows(batch: "pa.RecordBatch") -> Iterable[tuple[str, ...]]:
    columns = ([_cell(value) for value in column.to_pylist()] for column in batch.columns)
    return zip(*columns, strict=True)


def _cell(value: Any) -> str:  # noqa: ANN401 - of any type
    match value:
        case None:
            return ""
        case list() | tuple():
            return _PARTED.join(map(_cell, value))
        case dict():
            return json.dumps(value, default=str)
    return str(value)


@contextmanager
def _parquet(path: Path, schema: "pa.Schema") -> Iterator[_Write]:
    pq = require("pyarrow.parquet", extra="arrow", purpose="writing Parquet")
    with pq.ParquetWriter(str(path), schema) as writer:
        yield writer.write_batch


@contextmanager
def _arrow(path: Path, schema: "pa.Schema") -> Iterator[_Write]:
    pa = require("pyarrow", extra="arrow", purpose="writing Arrow files")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        yield writer.write_batch


def _separated(mark: str) -> Callable[[Path, "pa.Schema"], Any]:
    @contextmanager
    def opened(path: Path, schema: "pa.Schema") -> Iterator[_Write]:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=mark, lineterminator="\n")
            writer.writerow(schema.names)
            yield lambda batch: writer.writerows(_rows(batch))

    return opened


@contextmanager
def _records(path: Path, schema: "pa.Schema") -> Iterator[_Write]:
    del schema  # each record has its own names
    with path.open("w", encoding="utf-8") as file:
        yield lambda batch: file.writelines(
            json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in batch.to_pylist()
        )


_KINDS: Mapping[str, Callable[[Path, "pa.Schema"], Any]] = MappingProxyType(
    {".parquet": _parquet, ".arrow": _arrow, ".csv": _separated(","), ".tsv": _separated("\t"), ".jsonl": _records}
)
