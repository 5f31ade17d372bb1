"""Ids of elements: what may be one, and how it is written in full.

Owns which names are refused and why. Must not know whether an element of that id exists.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Self

from modos.errors import InvalidElementError, suggestion
from modos.model.schema import ELEMENT_KINDS, ElementKind, shown_value

LONGEST_ID = 255
"""Bytes in UTF-8: what file systems take as the name of one directory."""

_USUAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,200}")
"""Names with which nothing can be wrong: most of them, and an object may have very many."""
_ZARR_FILES = frozenset({".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"})
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, lone surrogates, line and paragraph separators."""


@dataclass(frozen=True, slots=True, order=True)
class ElementId:
    """Full id of an element: its kind, and its name among elements of that kind.

    Parameters
    ----------
    kind
        One of `ELEMENT_KINDS`.
    name
        The id as descriptions write it. It becomes the name of a zarr group, so of a directory or part of a key.

    Raises
    ------
    InvalidElementError
        When the kind is unknown or the name cannot be that of a group.

    Examples
    --------
    >>> str(ElementId("sample", "sample1"))
    'sample/sample1'
    >>> ElementId.parse("sequence/BA000007.3_bd7522").name
    'BA000007.3_bd7522'
    """

    kind: ElementKind
    name: str

    def __post_init__(self) -> None:
        if self.kind not in ELEMENT_KINDS:
            reason = f"{shown_value(self.kind)} is no kind of element; it is one of {', '.join(ELEMENT_KINDS)}"
            raise InvalidElementError(reason, slot="id", value=self.kind, allowed=ELEMENT_KINDS)
        check_name(self.name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a full id.

        Parameters
        ----------
        text
            Kind, slash, name: `"assay/assay1"`.

        Raises
        ------
        InvalidElementError
            When it is not written so, the kind is unknown or the name may not be used.
        """
        kind, slash, name = text.partition("/")
        for known in ELEMENT_KINDS:
            if slash and kind == known:
                return cls(known, name)
        reason = (
            f"{shown_value(text)} is not the full id of an element, such as sample/sample1; "
            f"it begins with one of {', '.join(ELEMENT_KINDS)}{suggestion(kind, ELEMENT_KINDS) if slash else ''}"
        )
        raise InvalidElementError(reason, slot="id", value=text, allowed=ELEMENT_KINDS)

    @property
    def group(self) -> PurePosixPath:
        """Path of the element's group in `data.zarr`."""
        return PurePosixPath(self.kind, self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def possible_ids(text: str | ElementId) -> list[ElementId]:
    """Return the full ids that a full id, or an element's own id, may stand for; none when it can be neither.

    Raises
    ------
    InvalidElementError
        When it is not text.

    Examples
    --------
    >>> [str(each) for each in possible_ids("sample/s1")]
    ['sample/s1']
    >>> len(possible_ids("s1"))
    5
    """
    if isinstance(text, ElementId):
        return [text]
    if not isinstance(text, str):
        check_name(text)
    try:
        return [ElementId.parse(text)] if "/" in text else [ElementId(kind, text) for kind in ELEMENT_KINDS]
    except InvalidElementError:
        return []


def check_name(name: object) -> str:
    """Return an id that may be the name of a group, or say why it may not.

    Parameters
    ----------
    name
        The id as written in a description, without its kind.

    Raises
    ------
    InvalidElementError
        When it is not text, is empty, is longer than 255 bytes, holds a slash, backslash or control character, or is a
        name that zarr or the file system keeps for itself.

    Examples
    --------
    >>> check_name("probe 7+8: früh")
    'probe 7+8: früh'
    >>> check_name("..")
    Traceback (most recent call last):
    modos.errors.InvalidElementError: id '..' is made of dots only, which means a folder; choose another
    """
    reason = _why_not(name)
    if reason:
        message = f"id {shown_value(name)} {reason}"
        raise InvalidElementError(message, slot="id", value=name)
    return str(name)


def _why_not(name: object) -> str:
    if not isinstance(name, str):
        return "is not text; write it in quotes"
    if _USUAL.fullmatch(name):
        return ""
    return next((reason for reason, applies in _REFUSALS.items() if applies(name)), "")


# The length comes first, so that the others look at short names only.
_REFUSALS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "is empty": lambda name: not name,
        f"is longer than {LONGEST_ID} bytes": lambda name: (
            len(name) > LONGEST_ID or len(name.encode("utf-8", "surrogatepass")) > LONGEST_ID
        ),
        "has a slash, which separates folders; write the id without its kind": lambda name: "/" in name or "\\" in name,
        "has a control character": lambda name: any(unicodedata.category(each) in _UNPRINTABLE for each in name),
        "is made of dots only, which means a folder; choose another": lambda name: not name.strip("."),
        "is a name that zarr keeps for itself; choose another": lambda name: (
            name.startswith("__") or name.lower() in _ZARR_FILES
        ),
    }
)
