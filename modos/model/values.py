"""One value of one slot: whether the schema takes it, and the Python value that it becomes.

Owns the check for each range of the schema. Must not know about other slots or the element that the value is in.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from math import isnan
from types import MappingProxyType

from modos.errors import InvalidElementError, suggestion
from modos.model.curies import expand, is_uri_or_curie, is_uri_reference
from modos.model.ids import ElementId, check_name
from modos.model.schema import ELEMENT_KINDS, ENUMS, PREFIXES, ElementKind, Slot, shown_value

type Value = str | datetime
"""What one value of a slot is in Python; enumerations are their text."""

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_LONGEST_DATE = 40
_NOTHING = frozenset({"NAType", "NaTType"})
"""Classes of NA and NaT of pandas; the second is one of datetimes."""


def checked(slot: Slot, value: object) -> Value | list[Value]:
    """Return what a slot holds, a list where the schema says so.

    Parameters
    ----------
    slot
        The slot that is set.
    value
        As found in a description: a single value stands for a list of one.

    Raises
    ------
    InvalidElementError
        When the schema does not take the value; its reason names the slot, the value and what would be right.

    Examples
    --------
    >>> from modos.model.schema import SLOTS
    >>> checked(SLOTS["omics_type"], "GENOMICS")
    ['GENOMICS']
    >>> checked(SLOTS["creation_date"], "2024-01-17")
    datetime.datetime(2024, 1, 17, 0, 0)
    """
    if slot.multivalued:
        return [_single(slot, item) for item in (value if isinstance(value, list | tuple) else [value])]
    if isinstance(value, list | tuple):
        raise refusal(slot, value, "is a list, and the slot takes one value")
    return _single(slot, value)


def refusal(slot: Slot, value: object, reason: str, allowed: tuple[str, ...] = ()) -> InvalidElementError:
    """Return the error for a value, its sentence beginning with the slot and the value."""
    return InvalidElementError(
        f"{slot.name} {shown_value(value)} {reason}", slot=slot.name, value=value, allowed=allowed
    )


def link_target(slot: Slot, text: str, kind: ElementKind) -> ElementId:
    """Return the element that a link names, by its bare id or its full id of the right kind.

    Raises
    ------
    InvalidElementError
        When the id is of another kind than the slot links to, or can be no id.

    Examples
    --------
    >>> from modos.model.schema import SLOTS
    >>> str(link_target(SLOTS["has_sample"], "sample1", "sample"))
    'sample/sample1'
    """
    found, slash, _ = text.partition("/")
    if slash and found != kind:
        meant = f"{kind}/…" if found in ELEMENT_KINDS else "the id alone"
        raise refusal(slot, text, f"is not the id of a {kind}; write {meant}", (kind,))
    try:
        return ElementId(kind, text[len(kind) + 1 :] if slash else text)
    except InvalidElementError as error:
        raise refusal(slot, text, f"can be no link: {error}") from None


def _single(slot: Slot, value: object) -> Value:
    value = _plain(slot, value)
    if slot.range == "datetime":
        return _datetime(slot, value)
    if not isinstance(value, str):
        raise refusal(slot, value, f"is {_kind_of_thing(value)}, not text{_advice(slot, value)}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise refusal(slot, value, "is not valid Unicode text")
    if slot.identifier:
        return check_name(value)
    if slot.range in ENUMS:
        return _term(slot, value)
    if slot.target is not None:
        link_target(slot, value, slot.target)
        return value
    if slot.range in _TEXT:
        _TEXT[slot.range](slot, value)
    if slot.pattern and not re.fullmatch(slot.pattern, value):
        raise refusal(slot, value, f"does not match {slot.pattern}", (slot.pattern,))
    return value


def _plain(slot: Slot, value: object) -> object:
    """Return the text of a member of an enumeration and, as a link, of an id that adding an element has returned."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, ElementId) and slot.target is not None:
        return str(value)
    if (isinstance(value, float) and isnan(value)) or type(value).__name__ in _NOTHING:
        raise refusal(slot, value, "is what tables hold where nothing is known; write None, or leave the slot out")
    return value


def _term(slot: Slot, value: str) -> str:
    allowed = tuple(ENUMS[slot.range])
    if value in allowed:
        return value
    raise refusal(slot, value, f"is not one of {', '.join(allowed)}{suggestion(value, allowed)}", allowed)


def _datetime(slot: Slot, value: object) -> datetime:
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    else:
        found = _parsed(slot, value)
    offset = found.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        raise refusal(slot, value, "has an offset from UTC that is no whole minute")
    return found


def _parsed(slot: Slot, value: object) -> datetime:
    wanted = "is no date such as 2024-01-17 or 2024-01-17T09:30:00"
    if not isinstance(value, str) or len(value) > _LONGEST_DATE or not _ISO.fullmatch(value):
        raise refusal(slot, value, wanted)
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise refusal(slot, value, f"{wanted} ({error})") from None


def _check_uri_or_curie(slot: Slot, value: str) -> None:
    if not is_uri_or_curie(value):
        reason = "is neither a CURIE such as UBERON:0002316 nor an absolute IRI"
        raise refusal(slot, value, f"{reason}{_as_curie(value) or _advice(slot, value)}")


def _check_uri(slot: Slot, value: str) -> None:
    if not is_uri_reference(value):
        raise refusal(slot, value, "is no URI; write spaces and other special characters percent-encoded, as %20")


_TEXT: Mapping[str, Callable[[Slot, str], None]] = MappingProxyType(
    {"uri": _check_uri, "uriorcurie": _check_uri_or_curie}
)


def _as_curie(value: str) -> str:
    """Suggest `CL:0002627` for `CL_0002627`."""
    prefix, underscore, local = value.partition("_")
    curie = f"{prefix}:{local}"
    known = underscore and prefix in PREFIXES and is_uri_or_curie(curie) and expand(curie) != curie
    return f"; did you mean {shown_value(curie)}?" if known else ""


def _kind_of_thing(value: object) -> str:
    kinds = {bool: "a truth value", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return kinds.get(type(value), f"of type {type(value).__name__}")


def _advice(slot: Slot, value: object) -> str:
    if slot.name == "taxon_id" and type(value) in {int, str} and str(value).isdecimal():
        return f"; did you mean {shown_value(f'NCBITaxon:{value}')}?"
    if slot.multivalued and isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return "; write a list of texts"
    return "; write it in quotes" if isinstance(value, bool | int | float | date) else ""
