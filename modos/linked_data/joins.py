"""How many patterns of a query are joined with one another: the engine takes the fourth power of that to plan their order.

Owns counting them by their tokens, rather too many than too few. Must not know how a query is answered, nor how many may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from modos.linked_data.tokens import Token

__all__ = ["most_joined"]

_CLOSING = frozenset({"}", "]", ")"})
_ENDS = frozenset({".", ";", ",", "/"})
"""What ends a pattern, or a step of a path, where another follows."""
_APART = frozenset({"union", "exists", "minus"})
"""Words behind which a group is no part of what is joined around it."""
_TERMS = frozenset({"iri", "name", "variable", "literal"})
_TRUTH = frozenset({"true", "false"})


@dataclass(slots=True)
class _Group:
    """What stands between two brackets, as far as it is read: how many patterns are in it, and whether it is one to those around it."""

    bracket: str
    patterns: int = 0
    is_apart: bool = False


def most_joined(tokens: Sequence[Token]) -> int:
    """Return how many patterns are joined with one another, in that group of a query where these are most.

    Alternatives, sub-queries, and groups that are only to be there or not, are joined within themselves.

    Examples
    --------
    >>> from modos.linked_data.tokens import tokens_of
    >>> most_joined(tokens_of("ASK { ?s a <x:a> ; <x:p> 1, 2 { ?s <x:q> 3 } UNION { ?s <x:q> 4 ; <x:r> 5 } }"))
    5
    """
    most, groups, before, is_data = 0, [_Group("{")], ("mark", ""), False
    for (kind, text), (_, behind) in pairwise([*tokens, ("mark", "")]):
        group, word = groups[-1], text.lower() if kind == "word" else ""
        if is_data:  # of VALUES, or what CONSTRUCT makes
            is_data = text != "}"
        elif word == "values" or (word == "construct" and behind == "{"):
            group.patterns, is_data = group.patterns + 1, True
        elif text in {"{", "[", "("}:
            groups.append(_Group(text, text != "(", before[1] in _APART))
        elif text in _CLOSING and len(groups) > 1:
            groups.pop()
            groups[-1].patterns += 1 if group.is_apart or behind.lower() == "union" else group.patterns
            most = max(most, group.patterns)
        elif group.bracket == "(":
            group.patterns += 2 if _is_term(kind, word) and _is_term(*before) else text == "/"
        else:
            group.patterns += text in _ENDS or word.endswith(".")
            group.is_apart |= word == "select"
        if kind != "other":
            before = kind, word or text
    return most


def _is_term(kind: str, text: str) -> bool:
    return (kind in _TERMS and not text.startswith("@")) or text in _TRUTH
