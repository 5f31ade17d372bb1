r"""Cells of a table: text that stands for the value of a slot.

Owns how a value is written in a cell and read back. Must not know tables or which values are right.

An empty cell says nothing about its slot, and `null` that it is not set. Several values in one cell are separated by `|`, as
in LinkML's tables, with or without brackets around them: `Foo university|Bar institute`. Numbers stay as they are written,
so that version `1.10` does not become 1.1. White space around a value does not count.

What would be taken for something else has a backslash before it: in a list each bar, backslash or space at an end of a value
(`this \| that`), in other cells the whole (`\null` is the text null).
"""

import re

from modos.errors import InvalidInputError
from modos.model.schema import SLOTS, shown_value

__all__ = ["UNSET", "cell_of", "is_unicode", "not_in_a_table", "value_of"]

UNSET = "null"
"""The cell of a slot that is to be unset."""

_SEPARATED = re.compile(r"((?:\\.|[^|])*)(?:\||\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\([|\\\s])")


def value_of(slot: str, cell: str) -> str | list[str] | None:
    r"""Return what a cell says, which is not empty; `None` where the slot is to be unset.

    Examples
    --------
    >>> value_of("collector", "Foo | Bar"), value_of("collector", r"this \| that"), value_of("name", "null")
    (['Foo', 'Bar'], ['this | that'], None)
    """
    if cell.strip() == UNSET:
        return None
    if slot not in SLOTS or not SLOTS[slot].multivalued:
        if slot in SLOTS and cell.startswith("\\"):
            return cell[1:]
        return cell.strip()
    bare = _stripped(cell)
    if bare.startswith("[") and bare.endswith("]") and len(bare) > 1:
        bare = bare[1:-1]
    parts = (_stripped(found[1]) for found in _SEPARATED.finditer(bare))
    return [_ESCAPED.sub(r"\1", part) for part in parts if part]


def cell_of(slot: str, value: object) -> str:
    r"""Return the cell that says a value; "" for a slot that nothing is said about.

    Raises
    ------
    InvalidInputError
        When no cell says it: a list with an empty text in it, text that is not Unicode, or an argument, which knows no
        backslash, with white space around it.

    Examples
    --------
    >>> cell_of("collector", ["Foo", "this | that"]), cell_of("name", "null")
    ('Foo|this \\| that', '\\null')
    """
    if value is None:
        return UNSET
    if not all(map(is_unicode, value if isinstance(value, list | tuple) else [value])):
        raise not_in_a_table(slot, value, "is not valid Unicode text")
    if not isinstance(value, list | tuple):
        text = str(value)
        if slot not in SLOTS and (back := value_of(slot, text)) != text:
            raise not_in_a_table(slot, value, f"would be read as {shown_value(back)}")
        literal = slot in SLOTS and (text in {UNSET, ""} or text.startswith("\\") or text != text.strip())
        return f"\\{text}" if literal else text
    if "" in value:
        raise not_in_a_table(slot, value, "has an empty text in it")
    joined = "|".join(_escaped(str(each)) for each in value)
    guarded = joined == UNSET or (joined.startswith("[") and joined.endswith("]"))
    return f"[{joined}]" if guarded or not joined else joined


def is_unicode(value: object) -> bool:
    """Tell whether what a value says can be written in UTF-8."""
    text = str(value)
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def not_in_a_table(slot: str, value: object, why: str) -> InvalidInputError:
    """Return the error for a value that no table can hold."""
    return InvalidInputError(f"{slot} {shown_value(value)} {why}, so that no table can hold it; write YAML or JSON")


def _escaped(text: str) -> str:
    marked = text.replace("\\", "\\\\").replace("|", "\\|")
    if marked[0].isspace():
        marked = f"\\{marked}"
    # one white space alone is both the first and the last character
    return f"{marked[:-1]}\\{marked[-1]}" if marked[-1].isspace() and len(text) > 1 else marked


def _stripped(text: str) -> str:
    """Return text without the white space around it that no backslash guards."""
    text = text.lstrip()
    while text and text[-1].isspace() and not _is_escaped_at_end(text):
        text = text[:-1]
    return text


def _is_escaped_at_end(text: str) -> bool:
    """Whether the last character has a backslash before it that is no escaped backslash."""
    before = text[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
