"""What callers give, looked at before it is used: of the right kind, or refused in words.

Owns that refusal, so that a wrong type is a mistake of the caller like any other. Knows no verb and no value.
"""

from modos.errors import InvalidInputError

__all__ = ["expect"]


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
