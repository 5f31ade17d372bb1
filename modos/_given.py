"""What callers give, looked at before it is used: of the right kind, and something that can be at all.

Owns the refusal of wrong types, so that they are mistakes of the caller like any other. Knows no verb.
"""

import re
from urllib.parse import urlsplit

from modos.errors import InvalidInputError

__all__ = ["expect", "is_host"]

_HOST = re.compile(r"(\[[^\[\]]+\]|[\w-]{1,63}(\.[\w-]{1,63})*\.?)(:[0-9]*)?")


def expect(value: object, kinds: type | tuple[type, ...], rule: str) -> None:
    """Refuse what is of another kind than a verb can use.

    Parameters
    ----------
    value
        What was given.
    kinds
        Of which it must be.
    rule
        What would be right, as a clause.

    Raises
    ------
    InvalidInputError
        When it is of none of them.

    Examples
    --------
    >>> expect(None, str, "a commit is named by text")
    Traceback (most recent call last):
    modos.errors.InvalidInputError: a commit is named by text, not by None
    >>> expect([3], str, "a commit is named by text")
    Traceback (most recent call last):
    modos.errors.InvalidInputError: a commit is named by text, not by a list
    """
    if not isinstance(value, kinds):
        name = type(value).__name__
        article = "an" if name[0] in "aeio" else "a"
        reason = f"{rule}, not by {'None' if value is None else f'{article} {name}'}"
        raise InvalidInputError(reason)


def is_host(text: str) -> bool:
    """Tell whether a request can be sent to a host as an address has it, with or without a port.

    Examples
    --------
    >>> [is_host(text) for text in ("example.org", "[::1]:8080", "example.org:99999", "a..b", "[::1", "a b")]
    [True, True, False, False, False, False]
    """
    try:
        parts = urlsplit(f"//{text}")
        return parts.netloc == text and parts.port != 0 and _HOST.fullmatch(text) is not None
    except ValueError:  # a port that cannot be, or brackets that do not fit
        return False
