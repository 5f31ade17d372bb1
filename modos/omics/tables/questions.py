"""What is asked of a table, and what a reader of a format answers.

Owns the contract between `modos.omics.read_table` and readers, and how filters are written. Must not know any format.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

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
    "chosen_columns",
    "conditions_of",
    "the_only_table",
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
    for name in wanted or ():
        if name not in names:
            hint = suggestion(name, names) or f"; there are {_listed(names)}"
            message = f"there is no column {name!r}{hint}"
            raise InvalidInputError(message)
    return names if wanted is None else list(wanted)


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
        one = _COMPARISONS[comparison](pc.field(column), value)
        expression = one if expression is None else expression & one
    return expression, tuple(column for column, *_ in wanted)


def _checked(condition: object) -> Condition:
    match condition:
        case (str() as column, str() as comparison, value) if comparison in _COMPARISONS:
            return column, comparison, value
    message = f"{condition!r} is no condition such as ('charge', '>=', 2); comparisons are {', '.join(_COMPARISONS)}"
    raise InvalidInputError(message)


_SHOWN = 20


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
