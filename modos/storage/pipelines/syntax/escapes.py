"""Percent-encoding as URL pipelines use it: strict when read, one spelling when written.

Owns those three functions on text. Knows no scheme and does no I/O.
"""

import re
from urllib.parse import quote, unquote_to_bytes

from modos.errors import InvalidInputError

__all__ = ["decoded", "encoded", "respelled"]

_KEPT = "!$&'()*+,;=:/"
"""What is written as it is, beside letters, digits and `-._~`. Not `@`: a path must never look like a version."""

_MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_ESCAPE_OR_CHARACTER = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def decoded(text: str) -> str:
    """Return what percent-encoded UTF-8 means.

    Raises
    ------
    InvalidInputError
        When an escape is malformed, or the bytes are not UTF-8, or hold NUL.

    Examples
    --------
    >>> decoded("a%20b%2Fc")
    'a b/c'
    """
    if broken := _MALFORMED.search(text):
        raise InvalidInputError(f"has the malformed escape {broken[0]!r}; a percent sign itself is written %25")
    try:
        meant = unquote_to_bytes(text).decode()
    except UnicodeError as error:
        raise InvalidInputError("has escapes that are not UTF-8; escape the bytes of UTF-8 text") from error
    if "\0" in meant:
        raise InvalidInputError("holds a NUL character, which no name may have")
    return meant


def encoded(text: str) -> str:
    """Return text percent-encoded for the path of a sub-URL.

    Examples
    --------
    >>> encoded("a b/100%|@v1")
    'a%20b/100%25%7C%40v1'
    """
    return quote(text, safe=_KEPT)


def respelled(text: str) -> str:
    """Return percent-encoded text in its one spelling; it means the same.

    Escapes are upper case, and only where they are needed; characters that no URL has are escaped.

    Examples
    --------
    >>> respelled("%41%2fb c@d")
    'A%2Fb%20c@d'
    """
    return _ESCAPE_OR_CHARACTER.sub(lambda found: _respelled(found[0]), text)


def _respelled(piece: str) -> str:
    if len(piece) == 1:
        return piece if piece in "@?" else encoded(piece)
    character = chr(int(piece[1:], 16))
    return character if _UNRESERVED.fullmatch(character) else piece.upper()
