"""Graphs as text: Turtle, N-Triples, RDF/XML, JSON-LD.

Owns the names of the formats and the context that JSON-LD is written in. Must not know what the triples say.
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from modos.errors import InvalidInputError, suggestion

if TYPE_CHECKING:
    import rdflib

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "json-ld": "json-ld",
        "n-triples": "nt",
        "nt": "nt",
        "ttl": "turtle",
        "turtle": "turtle",
        "xml": "pretty-xml",
    }
)
"""Name of a format to what rdflib calls it."""

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def serialise(graph: "rdflib.Graph", format: str = "turtle") -> str:  # noqa: A002 - the word users know
    """Return a graph as text.

    The same graph gives the same text, but for XML, whose order rdflib leaves open.

    Parameters
    ----------
    graph
        As made by `to_graph`.
    format
        A name in `FORMATS`.

    Raises
    ------
    InvalidInputError
        When there is no such format.

    Examples
    --------
    >>> from modos.linked_data import to_graph
    >>> graph = to_graph({"sample/s1": {"@type": "Sample", "name": "Sample 1"}}, base="file://ex/")
    >>> print(serialise(graph), end="")
    @prefix modos: <https://w3id.org/sdsc-ordes/modos-schema/> .
    @prefix schema: <http://schema.org/> .
    <BLANKLINE>
    <file://ex/sample/s1> a modos:Sample ;
        schema:identifier "sample/s1" ;
        schema:name "Sample 1" .
    <BLANKLINE>
    """
    if format not in FORMATS:
        reason = (
            f"{format[:100]!r} is no format of linked data, which are {', '.join(FORMATS)}{suggestion(format, FORMATS)}"
        )
        raise InvalidInputError(reason)
    ordered = _in_order(graph)
    if format == "json-ld":
        return _json_ld(ordered)
    text = str(ordered.serialize(format=FORMATS[format]))
    if format == "xml" and (found := _NOT_IN_XML.search(text)):
        reason = f"the metadata has the character {found[0]!r}, which XML cannot hold; choose another format"
        raise InvalidInputError(reason)
    return "\n".join(sorted(filter(None, text.split("\n")))) + "\n" if FORMATS[format] == "nt" else text


def _in_order(graph: "rdflib.Graph") -> "rdflib.Graph":
    """Return a copy whose triples were added in order, which most writers keep."""
    ordered = type(graph)(bind_namespaces="none")
    for prefix, iri in graph.namespaces():
        ordered.bind(prefix, iri)
    for triple in sorted(graph):
        ordered.add(triple)
    return ordered


def _json_ld(graph: "rdflib.Graph") -> str:
    context = json.loads(files("modos.model._generated").joinpath("context.jsonld").read_text(encoding="utf-8"))
    text = graph.serialize(format="json-ld", context=context["@context"], sort_keys=True)
    document = json.loads(text)
    document.get("@graph", []).sort(key=lambda node: str(node["id"]))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
