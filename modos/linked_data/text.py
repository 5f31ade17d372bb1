"""Statements as text: Turtle, N-Triples, RDF/XML, JSON-LD.

Owns the names of the formats and what each can hold. Must not know what the statements say.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from modos._given import expect
from modos._lazy import require
from modos.errors import InvalidInputError, suggestion
from modos.linked_data.json_ld import json_ld
from modos.linked_data.statements import STRING, TYPE, Literal, Statement, in_order
from modos.model.curies import PREFIXES

PURPOSE = "linked data"

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PREFIX = re.compile(r"^@prefix .*\n", re.MULTILINE)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'[\\"\x00-\x1f\x7f-\x9f\u2028\u2029]')
"""Beside what N-Triples asks for, whatever some program takes for the end of a line."""


def serialise(found: Iterable[Statement], format: str = "turtle") -> str:  # noqa: A002 - the word users know
    """Return statements as text; the same ones in any order give the same text.

    Parameters
    ----------
    found
        As `statements` yields them.
    format
        A name in `FORMATS`.

    Raises
    ------
    InvalidInputError
        When there is no such format, or it cannot hold some character.
    MissingDependencyError
        When the extra `rdf` is not installed, which Turtle and XML take.

    Examples
    --------
    >>> print(serialise([("file://ex/sample/s1", TYPE, f"{PREFIXES['modos']}Sample")], "n-triples"), end="")
    <file://ex/sample/s1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/sdsc-ordes/modos-schema/Sample> .
    """
    expect(format, str, "a format is named by text")
    if format not in FORMATS:
        reason = (
            f"{format[:100]!r} is no format of linked data, which are {', '.join(FORMATS)}{suggestion(format, FORMATS)}"
        )
        raise InvalidInputError(reason)
    return FORMATS[format](set(found))


def n_triples(found: Iterable[Statement]) -> str:
    """Return statements as N-Triples, one line each, in order."""
    return "".join(sorted(lines(found)))


def lines(found: Iterable[Statement]) -> Iterator[str]:
    """Yield statements as lines of N-Triples."""
    for subject, predicate, term in found:
        yield f"<{subject}> <{predicate}> {f'<{term}>' if isinstance(term, str) else _literal(term)} .\n"


def sorted_lines(triples: str) -> str:
    """Return N-Triples with those of one subject together, its class first."""
    return "".join(sorted(re.findall(r".*\n", triples), key=lambda line: line.replace(f" <{TYPE}> ", "  ", 1)))


def restyled(triples: str, style: str) -> str:
    """Return N-Triples in another format of pyoxigraph: `TURTLE`, `RDF_XML`."""
    oxigraph = require("pyoxigraph", extra="rdf", purpose=PURPOSE)
    parsed = oxigraph.parse(triples.encode(), format=oxigraph.RdfFormat.N_TRIPLES, lenient=True)
    mentioned = triples.replace(f"<{TYPE}>", "")  # which has a word of its own in Turtle and XML
    used = {prefix: iri for prefix, iri in sorted(PREFIXES.items()) if f"<{iri}" in mentioned}
    written = oxigraph.serialize(parsed, format=getattr(oxigraph.RdfFormat, style), prefixes=used).decode()
    return _aired(written) if style == "TURTLE" else str(written)


def _aired(turtle: str) -> str:
    """Return Turtle with prefixes in order and an empty line before each subject; line feeds in literals are escaped."""
    prefixes = "".join(sorted(_PREFIX.findall(turtle)))
    body = _PREFIX.sub("", turtle).replace("\n\t", "\n    ")
    return prefixes + re.sub(r"^(?=[<_])", "\n", body, flags=re.MULTILINE)


def _turtle(found: Iterable[Statement]) -> str:
    return restyled("".join(lines(in_order(found))), "TURTLE")


def _xml(found: Iterable[Statement]) -> str:
    ordered = in_order(found)
    texts = (term if isinstance(term, str) else term.text for _, _, term in ordered)
    refused = next(filter(None, map(_NOT_IN_XML.search, texts)), None)
    if refused:
        reason = f"the metadata has the character {refused[0]!r}, which XML cannot hold; choose another format"
        raise InvalidInputError(reason)
    return restyled("".join(lines(ordered)), "RDF_XML").replace("\r", "&#13;")  # or it is read as a line feed


def _literal(literal: Literal) -> str:
    text, datatype = literal
    quoted = _ESCAPED.sub(_escape, text) if _ESCAPED.search(text) else text
    return f'"{quoted}"' if datatype == STRING else f'"{quoted}"^^<{datatype}>'


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


FORMATS: Mapping[str, Callable[[Iterable[Statement]], str]] = MappingProxyType(
    {
        "json-ld": json_ld,
        "n-triples": n_triples,
        "nt": n_triples,
        "ttl": _turtle,
        "turtle": _turtle,
        "xml": _xml,
    }
)
"""Name of a format to what writes it."""
