"""Parquet files: of what is asked for, only the columns and row groups that have it are fetched.

Owns which bytes of a file a question needs. Must not know where a file is.
"""

import io
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import IntegrityError, ModosError
from modos.omics.files import Files, complete_range
from modos.omics.tables.questions import Answer, Question, as_written, chosen_columns, the_only_table, told_apart

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["names", "scan"]

_TAIL = 64 * 1024
_FOOTER = 8
_MAGIC = b"PAR1"
_AT_ONCE = 16 * 1024 * 1024


def names(files: Files, target: str) -> dict[str, tuple[str, ...]]:
    """Return the one table of a file, with its columns, from its footer."""
    return {"": tuple(_opened(files, target).names)}


def scan(files: Files, target: str, question: Question) -> Answer:
    """Return the rows of the table, row group by row group.

    Takes a look at the size, a request for the end of the file, and few for columns and row groups: those of up to 16 MiB
    together are fetched at once, and near ones share a request. Row groups whose statistics exclude the condition, or that have none of the rows, are not fetched.

    Raises
    ------
    IntegrityError
        When the file is damaged, cut off, or no Parquet file.
    """
    the_only_table(question.table)
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    parquet = _opened(files, target)
    columns = chosen_columns(parquet.names, question.columns)
    groups, skipped = _needed(parquet, question)
    fields = dict(zip(parquet.names, parquet.schema_arrow, strict=True))
    wanted = [fields[name].with_name(name) for name in columns]
    schema = as_written(wanted) if question.types == "text" else pa.schema(wanted)
    return Answer(schema, _batches(parquet, groups, columns, schema), skipped)


@dataclass(slots=True)
class _Parquet:
    """A file whose footer was read."""

    files: Files
    target: str
    fetched: "_Fetched"
    metadata: Any
    schema_arrow: "pa.Schema"

    @property
    def names(self) -> list[str]:
        """What its columns are called, each otherwise."""
        return told_apart(self.schema_arrow.names)

    def stored(self, columns: Sequence[str]) -> list[tuple[str, int]]:
        """Return what columns are called in the file, and how many of that name come before each."""
        found = dict(zip(self.names, _numbered(self.schema_arrow.names), strict=True))
        return [found[column] for column in columns]

    @property
    def url(self) -> str:
        return self.files.url_of(self.target)


class _Fetched:
    """The parts of a file that are at hand.

    Parameters
    ----------
    size
        That of the file.
    parts
        Where each begins, and what it is.
    """

    def __init__(self, size: int, parts: Mapping[int, bytes]) -> None:
        self.size = size
        self._parts = parts
        self._starts = sorted(parts)

    def part(self, start: int, length: int) -> bytes | None:
        """Return bytes, `None` where not all of them are at hand."""
        at = bisect_right(self._starts, start) - 1
        if at < 0:
            return None
        begin = self._starts[at]
        found = self._parts[begin][start - begin : start - begin + length]
        return found if len(found) == length else None


class _Sparse(io.RawIOBase):
    """A file as Arrow reads it: what is at hand from there, anything else fetched."""

    def __init__(self, files: Files, target: str, fetched: _Fetched) -> None:
        super().__init__()
        self._files, self._target, self._fetched = files, target, fetched
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._fetched.size}[whence]
        self._position = origin + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        left = max(self._fetched.size - self._position, 0)
        length = left if size < 0 else min(size, left)
        start = self._position
        body = self._fetched.part(start, length)
        if body is None:
            body = complete_range(self._files, self._target, start, start + length)
        self._position += length
        return body


def _opened(files: Files, target: str) -> _Parquet:
    """Read the footer of a file."""
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    pq = require("pyarrow.parquet", extra="arrow", purpose="reading Parquet")
    url = files.url_of(target)
    size = files.stat(target).size
    tail = complete_range(files, target, max(size - _TAIL, 0), size)
    if size < _FOOTER + len(_MAGIC) or not tail.endswith(_MAGIC):
        raise IntegrityError(url, "is no whole Parquet file: it does not end with PAR1")
    footer = int.from_bytes(tail[-_FOOTER:-4], "little") + _FOOTER
    if footer > size:
        raise IntegrityError(url, "is no whole Parquet file: its footer is longer than the file")
    if footer > len(tail):
        tail = complete_range(files, target, size - footer, size - len(tail)) + tail
    fetched = _Fetched(size, {size - len(tail): tail})
    try:
        file = pq.ParquetFile(pa.PythonFile(_Sparse(files, target, fetched), mode="r"))
        return _Parquet(files, target, fetched, file.metadata, file.schema_arrow)
    except ModosError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise IntegrityError(url, f"cannot be read as Parquet: {error}") from error


def _needed(parquet: _Parquet, question: Question) -> tuple[list[int], int]:
    """Return the row groups that may have rows that are asked for, and how many rows come before the first of them."""
    if question.condition is not None and question.rows == (0, None):
        return _fitting(parquet, question.condition), 0
    first, end = question.rows
    counts = [parquet.metadata.row_group(group).num_rows for group in range(parquet.metadata.num_row_groups)]
    groups, position, skipped = [], 0, 0
    for group, count in enumerate(counts):
        if position + count > first and (end is None or position < end):
            groups.append(group)
        elif not groups:
            skipped += count
        position += count
    return groups, skipped


def _fitting(parquet: _Parquet, condition: Any) -> list[int]:  # noqa: ANN401 - an expression of pyarrow
    """Return the row groups whose statistics do not exclude a condition; all when it does not fit, which is told later."""
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    ds = require("pyarrow.dataset", extra="arrow", purpose="reading Parquet")
    file = pa.PythonFile(_Sparse(parquet.files, parquet.target, parquet.fetched), mode="r")
    fragment = ds.ParquetFileFormat().make_fragment(file)
    try:
        chosen = fragment.subset(filter=condition, schema=parquet.schema_arrow)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return list(range(parquet.metadata.num_row_groups))
    return [group.id for group in chosen.row_groups]


def _batches(
    parquet: _Parquet, groups: Sequence[int], columns: list[str], schema: "pa.Schema"
) -> "Iterator[pa.RecordBatch]":
    stored = parquet.stored(columns)
    leaves = _leaves(parquet, frozenset(name for name, _ in stored))
    ranges = {group: [_range(parquet.metadata.row_group(group).column(leaf)) for leaf in leaves] for group in groups}
    for some in _together(ranges):
        wanted = [each for group in some for each in ranges[group]]
        bodies = parquet.files.read_ranges(parquet.target, wanted)
        if any(len(body) != end - start for (start, end), body in zip(wanted, bodies, strict=True)):
            raise IntegrityError(parquet.url, "is cut off: a row group is not all there")
        parts = {start: body for (start, _), body in zip(wanted, bodies, strict=True)}
        here = _Sparse(parquet.files, parquet.target, _Fetched(parquet.fetched.size, parts))
        for group in some:
            yield from _parsed(parquet, here, group, stored).rename_columns(columns).cast(schema).to_batches()


def _together(ranges: Mapping[int, Sequence[tuple[int, int]]]) -> Iterator[list[int]]:
    """Yield row groups that are fetched at once: several small ones, so that few round trips are waited for."""
    some: list[int] = []
    size = 0
    for group, each in ranges.items():
        length = sum(end - start for start, end in each)
        if some and size + length > _AT_ONCE:
            yield some
            some, size = [], 0
        some.append(group)
        size += length
    if some:
        yield some


def _parsed(parquet: _Parquet, here: "_Sparse", group: int, stored: Sequence[tuple[str, int]]) -> "pa.Table":
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    pq = require("pyarrow.parquet", extra="arrow", purpose="reading Parquet")
    try:
        file = pq.ParquetFile(
            pa.PythonFile(here, mode="r"),
            metadata=parquet.metadata,
            pre_buffer=False,  # it would read across columns, which are at hand one by one
            page_checksum_verification=True,
        )
        table = file.read_row_group(group, columns=[name for name, _ in stored])
        table.validate(full=True)
    except ModosError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise IntegrityError(parquet.url, f"row group {group} cannot be read: {error}") from error
    places = {each: place for place, each in enumerate(_numbered(table.column_names))}
    return table.select([places[each] for each in stored])


def _numbered(names: Sequence[str]) -> list[tuple[str, int]]:
    """Return each name with how often it comes before."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        numbered.append((name, seen[name]))
        seen[name] += 1
    return numbered


def _leaves(parquet: _Parquet, columns: frozenset[str]) -> list[int]:
    """Return the numbers of the columns that are stored for some; of a nested one they are several, with dots."""
    found = []
    for leaf in range(parquet.metadata.num_columns):
        parts = parquet.metadata.schema.column(leaf).path.split(".")
        if not columns.isdisjoint(accumulate(parts, "{}.{}".format)):
            found.append(leaf)
    return found


def _range(chunk: Any) -> tuple[int, int]:  # noqa: ANN401 - pyarrow ships no types
    """Return where a column of a row group lies."""
    pages = [chunk.data_page_offset, chunk.dictionary_page_offset if chunk.has_dictionary_page else None]
    start = min(page for page in pages if page)
    return start, start + chunk.total_compressed_size
