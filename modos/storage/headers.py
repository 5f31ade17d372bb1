"""What users store beside a file, as headers, which are ASCII: as S3 itself tells what is not.

Owns that form, to and fro. Knows no service and makes no request.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from urllib.parse import quote, unquote

__all__ = ["from_headers", "in_headers"]

_PLAIN_NAME = "!#$&'*+.^`|~"
_PLAIN_VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")
_WORD = re.compile(r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=")
_LONGEST = 45
"""Bytes in an encoded word, which may have 75 characters."""


def in_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as ASCII: values by RFC 2047 where they need it, as AWS does, and names percent-encoded.

    A value that only looks encoded is encoded as well, so that all come back as they were.

    Examples
    --------
    >>> in_headers({"lab": "Genève", "run id": "7"})
    {'lab': '=?UTF-8?B?R2Vuw6h2ZQ==?=', 'run%20id': '7'}
    """
    return {quote(name, safe=_PLAIN_NAME): _encoded(value) for name, value in metadata.items()}


def from_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as they were before `in_headers`, or as whoever has stored them meant; what cannot be read stays.

    Examples
    --------
    >>> from_headers({"lab": "=?utf-8?q?Gen=C3=A8ve?=", "run%20id": "7", "share": "50 %"})
    {'lab': 'Genève', 'run id': '7', 'share': '50 %'}
    """
    return {unquote(name): _decoded(value) for name, value in headers.items()}


def _encoded(value: str) -> str:
    if _PLAIN_VALUE.fullmatch(value) and not _WORD.search(value):
        return value
    return " ".join(f"=?UTF-8?B?{base64.b64encode(piece).decode()}?=" for piece in _pieces(value))


def _pieces(value: str) -> Iterator[bytes]:
    """Yield text in pieces of whole characters: a word of its own may be read by itself."""
    held = b""
    for character in value:
        encoded = character.encode()
        if len(held) + len(encoded) > _LONGEST:
            yield held
            held = b""
        held += encoded
    yield held


def _decoded(value: str) -> str:
    if not _WORD.search(value):
        return value
    try:
        found = decode_header(value)
        return "".join(each if isinstance(each, str) else each.decode(kind or "latin-1") for each, kind in found)
    except (HeaderParseError, LookupError, UnicodeError):
        return value
