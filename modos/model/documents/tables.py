"""Descriptions as tables: one element a row, one slot a column.

Owns which columns there may be, and tables in and out. Must not know what cells mean.

Columns are slots, `@type`, and the arguments `source_file` and `part_of`. Without a column `@type`, the file is named
after the class of its rows (`Sample.csv`, `samples.tsv`, `variant_sets.csv`).
"""

import csv
import difflib
import io
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import dropwhile
from pathlib import PurePath
from types import MappingProxyType

from modos.errors import InvalidDocumentError, InvalidInputError, suggestion
from modos.model.documents.cells import cell_of, not_in_a_table, value_of
from modos.model.documents.entries import ARGUMENTS, Entry, Located
from modos.model.schema import CLASSES, DESCRIBABLE, SLOTS, shown_value

__all__ = ["DELIMITERS", "class_of_table", "near_class", "read_table", "table_text", "tables_by_class"]

DELIMITERS: Mapping[str, str] = MappingProxyType({"csv": ",", "tsv": "\t"})
"""Name of a format to what separates its cells."""

_SEPARATORS = MappingProxyType({",": "commas", ";": "semicolons", "\t": "tabs"})
"""What some programs separate cells by, whatever the name of the file says; no name of a column has one of them."""

_TYPE = "@type"
_LIMIT = threading.Lock()
_NEAR = 0.8


def read_table(document: str, text: str, delimiter: str) -> Iterator[Located]:
    r"""Yield the rows of a table as entries.

    Parameters
    ----------
    document
        Name of the file: its stem may name the class.
    text
        What the file holds.
    delimiter
        What separates cells.

    Raises
    ------
    InvalidDocumentError
        When a column is unknown or there twice, a row has too many cells, or no class can be told.

    Examples
    --------
    >>> rows = read_table("samples.csv", "id,collector\ns1,Foo|Bar\n", ",")
    >>> next(rows).content
    {'element': {'@type': 'Sample', 'id': 's1', 'collector': ['Foo', 'Bar']}, 'args': {}}
    """
    rows = _rows(document, text, delimiter)
    first, header = rows[0] if rows else (1, [])
    _check_delimiter(f"{document}, line {first}", header, delimiter)
    default = {} if _TYPE in header else {_TYPE: _named_class(document, header)}
    _check_header(f"{document}, line {first}", header, default.get(_TYPE))
    for number, (line, row) in enumerate(rows[1:], start=1):
        where = f"entry {number} (line {line})"
        if len(row) > len(header):
            reason = f"{document}, {where}: has {len(row)} cells under {len(header)} columns"
            raise InvalidDocumentError(reason)
        cells = {name: cell for name, cell in zip(header, row, strict=False) if cell.strip()}
        if cells:
            yield Located(_record(default | cells), where, partial(_columns, line, header))


def _rows(document: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows from the first on that is not blank, which is stripped, each with the line that it ends in."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    with _LIMIT:  # which holds for the process; cells may be as long as a list of many links is
        before = csv.field_size_limit(max(len(text), csv.field_size_limit()))
        try:
            found = [*dropwhile(_is_blank, ((rows.line_num, row) for row in rows))]
        except csv.Error as error:
            reason = f"{document}, line {rows.line_num}: {error}"
            raise InvalidDocumentError(reason) from error
        finally:
            csv.field_size_limit(before)
    return [(line, [cell.strip() for cell in row]) for line, row in found[:1]] + found[1:]


def _is_blank(found: tuple[int, list[str]]) -> bool:
    return not any(cell.strip() for cell in found[1])


def _columns(line: int, header: list[str]) -> dict[str, str]:
    return {name: f"line {line}, column {at}" for at, name in enumerate(header, start=1)}


def _check_delimiter(line: str, header: list[str], delimiter: str) -> None:
    other = next((each for each in _SEPARATORS if len(header) == 1 and each in header[0]), None)
    if other is not None:
        reason = f"{line}: cells are separated by {_SEPARATORS[other]}, here they should be by {_SEPARATORS[delimiter]}"
        raise InvalidDocumentError(reason)


def _check_header(line: str, header: list[str], class_name: str | None) -> None:
    slots = SLOTS if class_name is None else CLASSES[class_name].slots
    known = (_TYPE, *slots, *ARGUMENTS)
    of_what = "no slot" if class_name is None else f"no slot of {class_name}"
    for position, name in enumerate(header):
        place = f"{line}, column {position + 1}"
        if name not in known:
            close = suggestion(name, known) or f"; columns may be {', '.join(known)}"
            reason = f"{place}: the column {shown_value(name)} is {of_what}{close}"
            raise InvalidDocumentError(reason)
        if name in header[:position]:
            reason = f"{place}: the column {name} is there twice"
            raise InvalidDocumentError(reason)


def _named_class(document: str, header: list[str]) -> str:
    if not header:
        reason = f"{document}: is empty; its first line names the columns"
        raise InvalidDocumentError(reason)
    found = class_of_table(document)
    if found is None:
        stem = PurePath(document).stem
        reason = (
            f"{document}: has no column @type and is not named after a class, one of {', '.join(DESCRIBABLE)}"
            f"{suggestion(stem, DESCRIBABLE)}"
        )
        raise InvalidDocumentError(reason)
    return found


def class_of_table(document: str) -> str | None:
    """Return the class that a file is named after, in any case, in the plural too; `None` when it is named otherwise.

    Examples
    --------
    >>> class_of_table("samples.tsv"), class_of_table("data_entities.csv"), class_of_table("notes.csv")
    ('Sample', 'DataEntity', None)
    """
    return _CLASS_OF_STEM.get(_folded(PurePath(document).stem))


def near_class(document: str) -> str | None:
    """Return the class that the name of a file was probably meant to be; `None` for any other name."""
    near = difflib.get_close_matches(_folded(PurePath(document).stem), _CLASS_OF_STEM, n=1, cutoff=_NEAR)
    return _CLASS_OF_STEM[near[0]] if near else None


def _plurals(name: str) -> tuple[str, ...]:
    return (name, f"{name}s", f"{name.removesuffix('y')}ies" if name.endswith("y") else f"{name}es")


def _folded(stem: str) -> str:
    return "".join(character for character in stem.casefold() if character.isalnum())


_CLASS_OF_STEM = {stem: name for name in DESCRIBABLE for stem in _plurals(name.casefold())}


def _record(cells: dict[str, str]) -> dict[str, object]:
    said = {name: value_of(name, cell) for name, cell in cells.items()}
    args = {name: said.pop(name) for name in ARGUMENTS if name in said}
    return {"element": said, "args": args}


# -- writing ------------------------------------------------------------------------------------------------------------


def table_text(entries: Iterable[Entry], delimiter: str, *, class_name: str | None = None) -> str:
    """Return entries as one table.

    Parameters
    ----------
    entries
        Of any classes, or of one.
    delimiter
        What separates cells.
    class_name
        The class that the file is named after; `None` for a table with a column `@type`.

    Raises
    ------
    InvalidInputError
        When a value cannot be written in a table.

    Examples
    --------
    >>> print(table_text([Entry({"@type": "Sample", "id": "s1", "collector": ["Foo", "Bar"]})], ","), end="")
    @type,id,collector
    Sample,s1,Foo|Bar
    """
    rows: list[dict[str, object]] = [{**entry.element, **entry.args} for entry in entries]
    used = {name for row in rows for name in row}
    columns = [name for name in (_TYPE, *SLOTS, *ARGUMENTS) if name in used or name == "id"]
    unknown = used.difference(columns)
    if class_name is not None:
        columns.remove(_TYPE)
    text = io.StringIO(newline="")
    plain = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    quoted = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(columns)
    for row in rows:
        try:
            if not unknown.isdisjoint(row):
                name = min(unknown.intersection(row))
                raise not_in_a_table(name, row[name], "is of no slot, and has no column")
            cells = [cell_of(name, row[name]) if name in row else "" for name in columns]
        except InvalidInputError as error:
            error.add_note(f"while writing the entry {row.get('id')!r}")
            raise
        bare = any("\r" in cell for cell in cells)  # which Python 3.12 does not quote, and takes for the end of a line
        (quoted if bare else plain).writerow(cells)
    return text.getvalue()


def tables_by_class(entries: Iterable[Entry], format: str) -> dict[str, str]:  # noqa: A002 - the word users know
    r"""Return entries as tables of one class each, by the names of their files: `Sample.csv`.

    Examples
    --------
    >>> tables_by_class([Entry({"@type": "Sample", "id": "s1"})], "tsv")
    {'Sample.tsv': 'id\ns1\n'}
    """
    of_class: dict[str, list[Entry]] = {}
    for entry in entries:
        of_class.setdefault(str(entry.element[_TYPE]), []).append(entry)
    return {
        f"{name}.{format}": table_text(each, DELIMITERS[format], class_name=name) for name, each in of_class.items()
    }
