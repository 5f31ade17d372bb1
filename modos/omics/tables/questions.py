"""What is asked of a table, and what a reader of a format answers.

Owns the contract between `modos.omics.read_table` and readers, and how filters are written. Must not know any format.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from modos._lazy import require
from modos.errors import InvalidInputError, suggestion
from modos.omics.files import Files

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

__all__ = [
    "Answer",
    "Condition",
    "Filter",
    "Question",
    "TableReader",
    "Types",
    "as_written",
    "chosen_columns",
    "conditions_of",
    "the_only_table",
    "told_apart",
]

type Types = Literal["known", "text"]
"""Whether cells become numbers where the format says so or they all are, or stay as they are written."""

type Condition = tuple[str, str, Any]
"""Column, comparison, value: `("charge", ">=", 2)`."""

type Filter = "Sequence[Condition] | pc.Expression"
"""Conditions that must all hold, or an expression of pyarrow."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "==": operator.eq,
        "=": operator.eq,
        "!=": operator.ne,
        "<=": operator.le,
        "<": operator.lt,
        ">=": operator.ge,
        ">": operator.gt,
        "in": lambda field, values: field.isin(list(values)),
        "not in": lambda field, values: ~field.isin(list(values)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a table.

    Attributes
    ----------
    table
        Its name; `None` for the first.
    columns
        Which columns are needed, in any order; `None` for all.
    types
        Whether cells are to be of their types.
    rows
        First row, and the one to stop before, counted from zero; `None` for no end. A hint: more may come.
    condition
        An expression of pyarrow for rows that are wanted; `None` for all. A hint, too.
    at_once
        Whether all rows are wanted at once, so that types may be found by looking at all of them.
    """

    table: str | None = None
    columns: tuple[str, ...] | None = None
    types: Types = "known"
    rows: tuple[int, int | None] = (0, None)
    condition: "pc.Expression | None" = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a table.

    Attributes
    ----------
    schema
        Of the columns that come, those that were needed at least.
    batches
        Rows, in order; read as they are asked for.
    skipped
        How many rows of the table come before the first.
    """

    schema: "pa.Schema"
    batches: "Iterator[pa.RecordBatch]"
    skipped: int = 0


class TableReader(Protocol):
    """What reads the tables of files of a format; a module with these two functions is one."""

    def names(self, files: Files, target: str) -> Mapping[str, tuple[str, ...]]:
        """Return the tables of a file, each with its columns; the usual one first."""

    def scan(self, files: Files, target: str, question: Question) -> Answer:
        """Return rows of one table."""


def chosen_columns(known: Iterable[str], wanted: Sequence[str] | None) -> list[str]:
    """Return the columns that are wanted.

    Raises
    ------
    InvalidInputError
        When there is no such column; names near ones.
    """
    names = list(known)
    there = frozenset(names)
    for name in wanted or ():
        if name not in there:
            hint = suggestion(name, names) or f"; there are {_listed(names)}"
            message = f"there is no column {name!r}{hint}"
            raise InvalidInputError(message)
    return names if wanted is None else list(wanted)


def told_apart(names: Iterable[str]) -> list[str]:
    """Return names of columns, each another: those without one, and repeated ones, are numbered.

    Examples
    --------
    >>> told_apart(["", "a", "a"])
    ['column1', 'a', 'a.2']
    """
    found: dict[str, None] = {}
    times: dict[str, Iterator[int]] = {}
    for position, written in enumerate(names, 1):
        name = usual = written or f"column{position}"
        while name in found:
            name = f"{usual}.{next(times.setdefault(usual, count(2)))}"
        found[name] = None
    return list(found)


def as_written(fields: Iterable[Any]) -> "pa.Schema":
    """Return a schema with text in place of all that can be written as text: nested values and bytes stay what they are."""
    pa = require("pyarrow", extra="arrow", purpose="reading tables")

    def of(field: Any) -> Any:  # noqa: ANN401 - a field
        try:
            pa.nulls(0, field.type).cast(pa.string())
        except pa.ArrowNotImplementedError:
            return field
        return field if _is_bytes(pa.types, field.type) else field.with_type(pa.string())

    return pa.schema(list(map(of, fields)))


def _is_bytes(types: Any, kind: "pa.DataType") -> bool:  # noqa: ANN401 - a module
    tests = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def the_only_table(wanted: str | None) -> None:
    """Refuse the name of a table where a file is one.

    Raises
    ------
    InvalidInputError
        When a table was named.
    """
    if wanted:
        message = f"files of this format are one table without a name, not {wanted!r}; leave the table out"
        raise InvalidInputError(message)


def conditions_of(wanted: Filter | None, pc: Any) -> "tuple[pc.Expression | None, tuple[str, ...] | None]":  # noqa: ANN401 - a module
    """Return a filter as an expression, and the columns that it needs; `None` when that cannot be told.

    Raises
    ------
    InvalidInputError
        When a condition is none.
    """
    if wanted is None:
        return None, ()
    if isinstance(wanted, pc.Expression):
        return wanted, None
    expression = None
    for condition in wanted:
        column, comparison, value = _checked(condition)
        try:
            one = _COMPARISONS[comparison](pc.field(column), _literal(value))
        except (TypeError, ValueError, OverflowError) as error:  # as are those of Arrow
            message = f"{condition!r} compares with something that no column holds ({error})"
            raise InvalidInputError(message) from error
        expression = one if expression is None else expression & one
    return expression, tuple(column for column, *_ in wanted)


def _checked(condition: object) -> Condition:
    match condition:
        case (str() as column, str() as comparison, value) if comparison in _COMPARISONS:
            return column, comparison, value
    message = f"{condition!r} is no condition such as ('charge', '>=', 2); comparisons are {', '.join(_COMPARISONS)}"
    raise InvalidInputError(message)


def _literal(value: Any) -> Any:  # noqa: ANN401 - of any type
    """Return a value as Arrow takes it, which makes no unsigned number, and none beyond, of Python's."""
    if not isinstance(value, int) or -_BEYOND <= value < _BEYOND:
        return value
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    return pa.scalar(value, pa.uint64()) if 0 <= value < 2 * _BEYOND else float(value)


_BEYOND = 1 << 63
_SHOWN = 20


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
