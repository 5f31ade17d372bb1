"""SPARQL as people write it: which queries are refused before they are run, and how a mistake in one is told.

Owns those sentences. Must not know what a graph holds, nor how a query is answered.
"""

import re
from types import MappingProxyType

from modos._given import expect
from modos.errors import InvalidInputError, suggestion
from modos.linked_data.joins import most_joined
from modos.linked_data.tokens import tokens_of
from modos.model.curies import PREFIXES

MOST_PARTS = 400
"""How many brackets, operators and ends of patterns a query may have outside lists of values."""

MOST_JOINED = 100
"""How many patterns a query may join with one another: finding an order for these takes the engine about two seconds, for twice as
many half a minute, and nothing ends it."""

_VALUES = re.compile(r"\bVALUES [() ]*\{[^{}]*\}", re.IGNORECASE)
_PARTS = re.compile(r"[\[({!|&+*/^=<>.;-]")

_PLACE = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)
_CLASS_OF_CHARACTERS = re.compile(r"\[[^\]]*\]|\\u\{.*", re.DOTALL)
_CHOICE = re.compile(r'"(\S+)"(?=,|$)')
_UNDECLARED = re.compile(r"([\w.-]*):[\w.%:-]*$")
_CHANGING = re.compile(r"\s*(INSERT|DELETE|LOAD|CLEAR|CREATE|DROP|COPY|MOVE|ADD|WITH)\b", re.IGNORECASE)
_LONGEST = 30
_LONGEST_NAME = 200
_MOST_CHOICES = 8
_HINTS = MappingProxyType(
    {
        "variable that is unbound": "SELECT has a variable that nothing binds, or that is not grouped by",
        "Duplicated variable": "a variable is there twice",
        "IRI parsing failed": "what is between < and > is no absolute IRI",
    }
)
"""What the parser says of some mistakes to the words for it."""


def check_size(sparql: str) -> None:
    """Refuse a query of so many parts that the engine, which recurses over them, might end the whole process, or stand still.

    Raises
    ------
    InvalidInputError
        Says how many there are and how many there may be.

    Examples
    --------
    >>> check_size("ASK { FILTER(" + "!" * 1000 + "true) }")
    Traceback (most recent call last):
    modos.errors.InvalidInputError: the query has 1,002 brackets, operators and ends of patterns, and may have 400; ask in several queries, or with VALUES
    """
    expect(sparql, str, "a query is asked by text")
    tokens = tokens_of(sparql)
    bare = " ".join(text for kind, text in tokens if kind in {"word", "mark", "other"})
    parts = len(_PARTS.findall(_VALUES.sub("", bare)))
    if parts > MOST_PARTS:
        reason = (
            f"the query has {parts:,} brackets, operators and ends of patterns, and may have {MOST_PARTS}; "
            "ask in several queries, or with VALUES"
        )
        raise InvalidInputError(reason)
    joined = most_joined(tokens)
    if joined > MOST_JOINED:
        reason = (
            f"the query joins {joined:,} patterns with one another, and may join {MOST_JOINED}; ask in several queries, "
            "with VALUES, or in sub-queries, each { SELECT * { … } }"
        )
        raise InvalidInputError(reason)


def mistake(sparql: str, message: str) -> str:
    """Return in one sentence what is wrong with a query.

    Parameters
    ----------
    sparql
        The query.
    message
        What the parser says, which lists all characters that might have stood there.

    Examples
    --------
    >>> mistake("SELECT ?x WHERE { ?x a modo:Sample }", "error at 1:35: expected one of Prefix not found, ['%']")
    "at line 1, column 35, after 'CT ?x WHERE { ?x a modo:Sample': the prefix 'modo' is not declared; did you mean 'modos'?"
    """
    if not sparql.strip():
        return "it is empty"
    if _CHANGING.match(sparql):
        return "SELECT, ASK, CONSTRUCT and DESCRIBE are answered, and nothing is changed by a query"
    found = _PLACE.match(message)
    if found is None:
        return " ".join(message.split())
    line, column, wanted = int(found[1]), int(found[2]), found[3]
    before = [*sparql.split("\n"), ""][line - 1][: column - 1]
    place = f"at line {line}, column {column}{f', after {before[-_LONGEST:].strip()!r}' if before.strip() else ''}"
    prefix = _UNDECLARED.search(before[-_LONGEST_NAME:])
    if "Prefix not found" in wanted and prefix:
        return f"{place}: the prefix {prefix[1]!r} is not declared{suggestion(prefix[1], tuple(PREFIXES))}"
    hint = next((hint for said, hint in _HINTS.items() if said in wanted), None)
    return f"{place}: {hint or _choices(wanted)}"


def _choices(wanted: str) -> str:
    """Return what might have stood there, if that is short enough to be of help."""
    choices = list(dict.fromkeys(_CHOICE.findall(_CLASS_OF_CHARACTERS.sub("", wanted))))
    if not choices or len(choices) > _MOST_CHOICES:
        return "this is not SPARQL"
    return f"one of {' '.join(choices)} is missing"
