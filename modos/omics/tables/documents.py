"""Tables in JSON as Arrow: a record a line, or a list of records.

Owns which of the two a file is, and how a malformed line is named. Must not know where a file is.
"""

import io
import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import IntegrityError
from modos.omics.files import Files, Pieces, pieces_of
from modos.omics.tables.questions import Answer, Question, as_written, chosen_columns, the_only_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["names", "scan"]

_BLOCK = 1 << 20
_LONGEST_RECORD = 1 << 26
_BEYOND = 1 << 63


def names(files: Files, target: str) -> dict[str, tuple[str, ...]]:
    """Return the one table of a file, with its columns; reads all of it, since records may differ."""
    return {"": tuple(scan(files, target, Question(at_once=True)).schema.names)}


def scan(files: Files, target: str, question: Question) -> Answer:
    """Return the rows of the table; of a list of records the whole is in memory, of lines a piece at a time.

    Raises
    ------
    IntegrityError
        When a line is no record, named by its number.
    """
    the_only_table(question.table)
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    reading = require("pyarrow.json", extra="arrow", purpose="reading tables")
    url = files.url_of(target)
    pieces = pieces_of(files, target)
    head = next(pieces, b"").removeprefix(b"\xef\xbb\xbf")
    content = chain([head], pieces)
    if head.lstrip().startswith(b"["):
        table = _of_list(pa, b"".join(content), url)
        return _answer(table.schema, iter(table.to_batches()), question)
    file = io.BufferedReader(Pieces(content), _BLOCK)
    try:
        if question.at_once:
            table = reading.read_json(file, reading.ReadOptions(block_size=_block(head)))
            table.validate(full=True)  # text that is not UTF-8 is taken otherwise
            return _answer(table.schema, iter(table.to_batches()), question)
        reader = reading.open_json(file, reading.ReadOptions(block_size=_block(head)))
        return _answer(reader.schema, _named(reader, files, target, pa), question)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise _malformed(files, target, error) from error


def _block(head: bytes) -> int:
    """Return how much is parsed at a time: several records at least."""
    longest = max(map(len, head.split(b"\n", 1000)[:1000]), default=0)
    return min(max(_BLOCK, 4 * longest), _LONGEST_RECORD)


def _answer(schema: "pa.Schema", batches: "Iterator[pa.RecordBatch]", question: Question) -> Answer:
    columns = chosen_columns(schema.names, question.columns)
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    fields = [schema.field(name) for name in columns]
    chosen = as_written(fields) if question.types == "text" else pa.schema(fields)
    return Answer(chosen, (batch.select(columns).cast(chosen) for batch in batches))


def _named(
    reader: "Iterator[pa.RecordBatch]",
    files: Files,
    target: str,
    pa: Any,  # noqa: ANN401 - a module
) -> "Iterator[pa.RecordBatch]":
    try:
        for batch in reader:
            batch.validate(full=True)
            yield batch
    except pa.ArrowInvalid as error:
        raise _malformed(files, target, error) from error


def _of_list(pa: Any, content: bytes, url: str) -> "pa.Table":  # noqa: ANN401 - a module
    try:
        records = json.loads(content, parse_int=_number)
        if not all(isinstance(record, dict) for record in records):
            raise IntegrityError(url, "is no table: it is a list of something else than records")
        names = dict.fromkeys(chain.from_iterable(records))  # Arrow itself takes those of the first
        return pa.table({name: [record.get(name) for record in records] for name in names})
    except (ValueError, RecursionError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise IntegrityError(url, f"cannot be read as a table: {error}") from error


def _number(written: str) -> int | float:
    """Return an integer; one of more than 64 bits is as inexact as where records stand in lines."""
    number = int(written)
    return number if -_BEYOND <= number < _BEYOND else float(written)


def _malformed(files: Files, target: str, error: Exception) -> IntegrityError:
    """Return the error that names the first line that is no record."""
    url = files.url_of(target)
    for number, line in enumerate(io.BufferedReader(Pieces(pieces_of(files, target)), _BLOCK), 1):
        if not line.strip():
            continue
        try:
            if not isinstance(json.loads(line), dict):
                return IntegrityError(url, f"line {number}: it is no record, which is written in braces")
        except (ValueError, RecursionError) as wrong:
            return IntegrityError(url, f"line {number}: it is no JSON ({wrong})")
    return IntegrityError(url, f"cannot be read as a table: {' '.join(str(error).split())}")
