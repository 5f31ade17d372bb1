"""Which statements a query can match, told from its text: what has other predicates need not be loaded to answer it.

Owns when that is certain. Must not know what a graph holds, nor how a query is answered.
"""

from modos.linked_data.statements import TYPE
from modos.linked_data.tokens import Token, tokens_of
from modos.model.curies import PREFIXES, expand

_BEFORE_SUBJECTS = frozenset(".{})")
"""What a subject may follow: the end of a sentence, of a group, of a filter. A predicate follows none of them, but that of a
list, of which metadata have none."""
_NO_OBJECTS = frozenset({".", ";", ",", "{", "}", "]", ")", "=", "!=", "<", ">", "<=", ">=", "&&", "||"})
"""What no object begins with."""


def predicates_asked(sparql: str) -> frozenset[str] | None:
    """Return IRIs among which are the predicates of all statements that a query can match; `None` for those of any.

    Where every predicate is written down, all IRIs of the query will do. A variable is taken for one unless its neighbours
    show that it is none: a subject comes first in its sentence, and no object follows an object.

    Examples
    --------
    >>> sorted(predicates_asked("SELECT ?s WHERE { ?s a modos:Sample ; <x:y> ?o }"))
    ['http://www.w3.org/1999/02/22-rdf-syntax-ns#type', 'https://w3id.org/sdsc-ordes/modos-schema/Sample', 'x:y']
    >>> predicates_asked("SELECT ?s WHERE { ?s ?p modos:Sample }") is None
    True
    """
    tokens = tokens_of(sparql)
    words = {text.lower() for kind, text in tokens if kind == "word"}
    escaped = "\\u" in sparql.lower()  # which may stand for any character
    if escaped or words & {"base", "describe"} or any(kind == "other" for kind, _ in tokens):
        return None
    patterns = _in_braces(tokens)
    if ("mark", "*") in patterns or any(map(_may_be_predicate, patterns, patterns[1:], patterns[2:])):
        return None
    declared = zip(tokens, tokens[1:], tokens[2:], strict=False)
    own = {name[1][:-1]: iri[1][1:-1] for word, name, iri in declared if word[1].lower() == "prefix"}
    prefixes = {**PREFIXES, **own}
    names = {text for kind, text in tokens if kind == "name"}
    if not all(name.partition(":")[0] in prefixes for name in names):
        return None
    iris = {text[1:-1] for kind, text in tokens if kind == "iri"}.union(expand(name, prefixes) for name in names)
    has_type = any(kind == "word" and text.startswith("a") for kind, text in tokens)  # `a1` is taken for `a 1`
    return frozenset(iris | {TYPE} if has_type else iris)


def _in_braces(tokens: list[Token]) -> list[Token]:
    """Return what stands between the first brace and the last, as all patterns do: neither projection nor order."""
    braces = [place for place, (_, text) in enumerate(tokens) if text in {"{", "}"}]
    return tokens[braces[0] : braces[-1] + 1] if braces else []


def _may_be_predicate(before: Token, token: Token, behind: Token) -> bool:
    if token[0] != "variable" or before[1] in _BEFORE_SUBJECTS:
        return False
    is_word = behind[0] == "word" and not behind[1].lower().startswith(("true", "false"))
    return not is_word and behind[1] not in _NO_OBJECTS
