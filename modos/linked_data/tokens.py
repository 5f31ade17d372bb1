"""A query in SPARQL as its tokens, in time that grows with its length and no faster, whatever it is.

Owns what a token is. Must not know which order of them makes a query.
"""

import re

_TOKEN = re.compile(
    r"""
      (?P<nothing> \s+ | \#[^\r\n]* )
    | (?P<iri> <[^<>"{}|^`\\\x00-\x20]*> )
    | (?P<name> (?:[a-z](?:[\w.-]*[\w-])?)? : (?:[\w%:](?:[\w%:.-]*[\w%:-])?)? )
    | (?P<variable> [?$]\w+ )
    | (?P<literal> \"{3}(?:\"{0,2}(?:[^"\\]|\\.))*+\"{3} | '{3}(?:'{0,2}(?:[^'\\]|\\.))*+'{3}
                 | "(?:[^"\\\r\n]|\\.)*+" | '(?:[^'\\\r\n]|\\.)*+' | @[a-z]+(?:-\w+)*
                 | \d+(?:\.\d+)? | _:\w+ )
    | (?P<word> [a-z][\w.-]* )
    | (?P<mark> \(\s*\) | [<>!]= | && | \|\| | \^\^ | [<>{}\[\]();,.=|+*/^-] )
    | (?P<other> "[^\r\n]* | '[^\r\n]* | . )
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)

type Token = tuple[str, str]
"""What it is, and its text.

A `literal` is a text, its language, a number or a blank node, a `word` ends in a dot where one follows it, and `other` is what
is in few queries: `!` and `?` where they stand alone, letters beyond ASCII, and the rest of the line behind a quote without another.
"""


def tokens_of(sparql: str) -> list[Token]:
    """Return the tokens of a query, without spaces and comments.

    Examples
    --------
    >>> tokens_of("ASK { ?s a <x:y> } # or not")
    [('word', 'ASK'), ('mark', '{'), ('variable', '?s'), ('word', 'a'), ('iri', '<x:y>'), ('mark', '}')]
    """
    return [(str(each.lastgroup), each[0]) for each in _TOKEN.finditer(sparql) if each.lastgroup != "nothing"]
