"""Descriptions as tables: one element a row, one slot a column.

Owns how cells become slots. Must not know whether their values are right.

Columns are slots, `@type`, and the arguments `source_file` and `part_of`. Without a column `@type`, the file is named
after the class of its rows (`Sample.csv`, `samples.tsv`). An empty cell is a slot that is not set. Several values in one
cell are separated by `|`, as in LinkML's tables, with or without brackets around them: `Foo university|Bar institute`.
Numbers stay as they are written, so that version `1.10` does not become 1.1.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import PurePath

from modos.errors import InvalidDocumentError
from modos.model.entries import ARGUMENTS, Located
from modos.model.schema import DESCRIBABLE, SLOTS, closest, shown_value

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_COLUMNS = ("@type", *SLOTS, *ARGUMENTS)


def read_table(document: str, text: str) -> Iterator[Located]:
    r"""Yield the rows of a table as entries.

    Parameters
    ----------
    document
        Name of the file: its suffix is the delimiter, its stem may name the class.
    text
        What the file holds.

    Raises
    ------
    InvalidDocumentError
        When a column is unknown or there twice, a row has too many cells, or no class can be told.

    Examples
    --------
    >>> rows = read_table("samples.csv", "id,collector\ns1,Foo|Bar\n")
    >>> next(rows).content
    {'element': {'@type': 'Sample', 'id': 's1', 'collector': ['Foo', 'Bar']}, 'args': {}}
    """
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=_DELIMITERS[PurePath(document).suffix.lower()], strict=True
    )
    try:
        header = [cell.strip() for cell in next(rows, [])]
        _check_header(document, header)
        default = {} if "@type" in header else {"@type": _class_of(document)}
        for number, row in enumerate(rows, start=1):
            where = f"entry {number} (line {rows.line_num})"
            if len(row) > len(header):
                reason = f"{document}, {where}: has {len(row)} cells under {len(header)} columns"
                raise InvalidDocumentError(reason)
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=False) if cell.strip()}
            if cells:
                yield Located(_record(default | cells), where)
    except csv.Error as error:
        reason = f"{document}, line {rows.line_num}: {error}"
        raise InvalidDocumentError(reason) from error


def _check_header(document: str, header: list[str]) -> None:
    for position, name in enumerate(header):
        if name not in _COLUMNS:
            reason = f"{document}, line 1: the column {shown_value(name)} is no slot{closest(name, _COLUMNS)}"
            raise InvalidDocumentError(reason)
        if name in header[:position]:
            reason = f"{document}, line 1: the column {name} is there twice"
            raise InvalidDocumentError(reason)
    if not header:
        reason = f"{document}: is empty; its first line names the columns"
        raise InvalidDocumentError(reason)


def _class_of(document: str) -> str:
    stem = PurePath(document).stem
    for name in DESCRIBABLE:
        if stem.casefold() in (name.casefold(), f"{name}s".casefold()):
            return name
    reason = (
        f"{document}: has no column @type and is not named after a class, one of {', '.join(DESCRIBABLE)}"
        f"{closest(stem, DESCRIBABLE)}"
    )
    raise InvalidDocumentError(reason)


def _record(cells: dict[str, str]) -> dict[str, object]:
    args = {name: cells[name] for name in ARGUMENTS if name in cells}
    return {"element": {name: _value(name, cell) for name, cell in cells.items() if name not in args}, "args": args}


def _value(name: str, cell: str) -> str | list[str]:
    if name not in SLOTS or not SLOTS[name].multivalued:
        return cell
    bare = cell[1:-1] if cell.startswith("[") and cell.endswith("]") else cell
    return [part.strip() for part in bare.split("|") if part.strip()]
