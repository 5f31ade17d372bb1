"""The zarr v3 documents of groups and arrays, as bytes.

Owns how each is written, in one write and without loading zarr, and what is refused as damaged. Must not know which there
are, nor how they are consolidated.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite, isnan, nan
from types import MappingProxyType
from typing import Any, cast

from modos.errors import DamagedObjectError
from modos.storage.base import ZARR_ROOT

__all__ = [
    "COMPLETE",
    "JSON",
    "check_array",
    "check_document",
    "compact",
    "document_path",
    "encoded",
    "group_document",
    "group_member",
    "is_complete",
    "member_document",
    "parse_document",
    "parsed",
]

type JSON = dict[str, Any]

COMPLETE: Mapping[str, Any] = MappingProxyType({"must_understand": False, "complete": True})
"""Under the key `modos`, a document says by this that every chunk of its array is stored: a missing one is an error."""

_DEEPEST = 64
"""How deep a document may be nested: no program writes deeper ones, and what walks through them has its limits."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HALVES = (b"\\ud", b"\\uD")
"""How halves of characters look, which Python reads and no document may have; whole ones may look like it."""
_HALF = re.compile(rb"\xed[\xa0-\xbf]")
"""How one looks that is not written as an escape."""


def parse_document(body: bytes, url: str) -> JSON:
    """Read the zarr v3 document of a group or an array.

    Raises
    ------
    DamagedObjectError
        When it is not one; the message says what is wrong.
    """
    return parsed(body, url)[0]


def parsed(body: bytes, url: str) -> tuple[JSON, bool]:
    """Return a document, and whether it can be written as JSON, for certain: not with NaN, 1e999 and halves of characters."""
    improper = []

    def number(text: str) -> float:
        value = float(text)
        if isfinite(value):
            return value
        improper.append(text)
        return nan if isnan(value) else value  # always the same one, so that what holds it equals what is read again

    try:
        document = json.loads(body, parse_float=number, parse_constant=number)
    except (ValueError, RecursionError) as error:
        raise DamagedObjectError(url, f"its metadata is not JSON ({error})") from error
    if _may_be_deep(body) and _depth(document) > _DEEPEST:
        raise DamagedObjectError(url, f"its metadata is nested more than {_DEEPEST} deep")
    check_document(document, url, what="its metadata")
    return cast("JSON", document), not improper and not _may_be_halved(body)


def _may_be_halved(body: bytes) -> bool:
    return _HALF.search(body) is not None or (b"\\" in body and any(each in body for each in _HALVES))


def _may_be_deep(body: bytes) -> bool:
    """Tell whether pairs of brackets within others go deep, or there are some in text, which looks alike."""
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(_DEEPEST):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    return True


def _depth(document: object) -> int:
    depth, level = 0, [document]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def check_document(document: object, url: str, *, what: str) -> None:
    """Refuse what is no zarr v3 document of a group or an array.

    Raises
    ------
    DamagedObjectError
        Names `what`, and what is wrong with it.
    """
    if not isinstance(document, dict):
        raise DamagedObjectError(url, f"{what} is not a JSON object")
    if document.get("zarr_format") != 3:  # noqa: PLR2004 - the format's own number
        raise DamagedObjectError(
            url, f"{what} is of zarr format {document.get('zarr_format')!r}; format 3 is read here"
        )
    if document.get("node_type") not in ("group", "array"):  # a list or mapping is in no set
        raise DamagedObjectError(url, f"{what} has the node type {document.get('node_type')!r}")
    if not isinstance(document.get("attributes", {}), dict):
        raise DamagedObjectError(url, f"{what} has attributes that are not a mapping")


def check_array(document: JSON, url: str, path: str) -> None:
    """Refuse an array that nobody can read.

    Raises
    ------
    DamagedObjectError
        When the document is of an array without a shape or a data type.
    """
    if document["node_type"] == "array" and not (isinstance(document.get("shape"), list) and "data_type" in document):
        raise DamagedObjectError(url, f"the array {path} is without a shape or a data type")


def is_complete(document: Mapping[str, Any]) -> bool:
    """Tell whether the document of an array says that every chunk of it is stored."""
    said = document.get("modos")
    return isinstance(said, Mapping) and said.get("complete") is True


def document_path(member: str) -> str:
    """Return where the document of a member stands.

    Examples
    --------
    >>> document_path("sample/sample1")
    'data.zarr/sample/sample1/zarr.json'
    """
    return f"{ZARR_ROOT}/{member}/zarr.json"


def group_document(attributes: Mapping[str, Any]) -> bytes:
    """Return the document of a group.

    Examples
    --------
    >>> json.loads(group_document({"@type": "Sample"}))["node_type"]
    'group'
    """
    return encoded(_group(attributes))


def group_member(attributes: Mapping[str, Any]) -> JSON:
    """Return a group's document as it stands among consolidated metadata."""
    nothing = {"kind": "inline", "must_understand": False, "metadata": {}}
    return {**_group(attributes), "consolidated_metadata": nothing}


def member_document(member: Mapping[str, Any]) -> bytes:
    """Return the document of a group or an array, as a file, from how it stands among consolidated metadata.

    Examples
    --------
    >>> member_document(group_member({"@type": "Sample"})) == group_document({"@type": "Sample"})
    True
    """
    if member["node_type"] == "group":
        return group_document(member.get("attributes", {}))
    return encoded(member)


def _group(attributes: Mapping[str, Any]) -> JSON:
    return {"attributes": dict(attributes), "zarr_format": 3, "node_type": "group"}


def encoded(document: Mapping[str, Any]) -> bytes:
    """Return a document as it is stored."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()


compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
"""Returns anything in a document on one line, as text."""
