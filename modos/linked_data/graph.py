"""Metadata as a graph: one subject for the object and for each element, one triple for each value of a slot.

Owns which IRI or literal each value becomes. Must not know how the graph is written down or asked.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from modos._lazy import require
from modos.errors import InvalidElementError, InvalidInputError
from modos.model.curies import PREFIXES, expand, is_uri_or_curie
from modos.model.schema import CLASSES, ENUMS, SLOTS, Slot
from modos.model.values import checked, link_target

if TYPE_CHECKING:
    import rdflib

PURPOSE = "linked data"

_XSD = PREFIXES["xsd"]
_RDF = PREFIXES["rdf"]
_LEGAL = "!#$%&'()*+,-./:;=?@[]_~"
"""What may stand in an IRI beside letters and digits; the rest is percent-encoded."""

_NO_NAME = re.compile(r"^(?![A-Za-z_])|[^A-Za-z0-9_]", re.ASCII)


def object_base(name: str) -> str:
    """Return the IRI beneath which an object and its elements lie unless another is given.

    Examples
    --------
    >>> object_base("ex")
    'file://ex/'
    """
    return f"file://{quote(name, safe='')}/"


def element_iri(key: str, base: str) -> str:
    """Return the IRI of an element, or of the object itself.

    Parameters
    ----------
    key
        As in the metadata: `sample/sample1`, or the id of the object.
    base
        What the IRI begins with; the id follows it as it is, with special characters percent-encoded.

    Examples
    --------
    >>> element_iri("sample/früh 1", "file://ex/")
    'file://ex/sample/fr%C3%BCh%201'
    """
    return base + quote(key, safe="/")


def to_graph(metadata: Mapping[str, Mapping[str, object]], *, base: str) -> "rdflib.Graph":
    """Return the metadata of one object as a graph.

    CURIEs become the IRIs they stand for, links the IRIs of the elements, values of enumerations the IRIs they mean,
    dates `xsd:dateTime`, absolute paths `file:///` IRIs. What stored metadata holds against the schema is kept as a
    literal, so that a graph can be made of any object that opens. The order of `sample_processing` is not kept.

    Parameters
    ----------
    metadata
        Attributes with `@type` by key: `type/id`, or the id of the object.
    base
        IRI that those of the object and its elements begin with, such as `object_base("ex")`.

    Raises
    ------
    InvalidInputError
        When `base` is no IRI.
    MissingDependencyError
        When the extra `rdf` is not installed.

    Examples
    --------
    >>> graph = to_graph({"sample/s1": {"@type": "Sample", "name": "Sample 1"}}, base="file://ex/")
    >>> sorted(str(value) for value in graph.objects())
    ['Sample 1', 'https://w3id.org/sdsc-ordes/modos-schema/Sample', 'sample/s1']
    """
    if not is_uri_or_curie(base):
        raise InvalidInputError(
            f"{base!r} is no IRI that those of elements could begin with, such as https://example.org/ex/"
        )
    rdflib = require("rdflib", extra="rdf", purpose=PURPOSE)
    graph = rdflib.Graph(bind_namespaces="none")
    for prefix, iri in PREFIXES.items():
        graph.bind(prefix, iri)
    for key, attributes in metadata.items():
        subject = rdflib.URIRef(element_iri(key, base))
        graph.add((subject, rdflib.URIRef(SLOTS["id"].uri), rdflib.Literal(key)))
        for name, value in attributes.items():
            for item in value if isinstance(value, list | tuple) else [value]:
                predicate, term = _statement(rdflib, name, item, base)
                graph.add((subject, predicate, term))
    return graph  # type: ignore[no-any-return]


def _statement(rdflib: Any, name: str, value: object, base: str) -> tuple[Any, Any]:  # noqa: ANN401 - untyped terms
    """Return the predicate and the object that one value of a slot becomes."""
    if name == "@type":
        found = CLASSES.get(str(value))
        return rdflib.RDF.type, rdflib.URIRef(found.uri if found else _foreign_name(str(value)))
    if name not in SLOTS:
        return rdflib.URIRef(_foreign_name(name)), _foreign(rdflib, value)
    slot = SLOTS[name]
    if isinstance(value, str):
        return rdflib.URIRef(slot.uri), _term(rdflib, slot, value, base)
    return rdflib.URIRef(slot.uri), _foreign(rdflib, value)


def _term(rdflib: Any, slot: Slot, value: str, base: str) -> Any:  # noqa: ANN401
    if slot.target:
        try:
            return rdflib.URIRef(element_iri(str(link_target(slot, value, slot.target)), base))
        except InvalidElementError:
            return rdflib.Literal(value)
    if slot.range in ENUMS:
        meaning = ENUMS[slot.range].get(value)
        return rdflib.URIRef(meaning) if meaning else rdflib.Literal(value)
    return _TERMS[slot.range](rdflib, slot, value)


def _datetime(rdflib: Any, slot: Slot, value: str) -> Any:  # noqa: ANN401
    try:
        found: Any = checked(slot, value)
    except InvalidElementError:
        return rdflib.Literal(value)
    return rdflib.Literal(found.isoformat(), datatype=rdflib.URIRef(f"{_XSD}dateTime"))


def _uri_or_curie(rdflib: Any, _: Slot, value: str) -> Any:  # noqa: ANN401
    return rdflib.URIRef(expand(value)) if is_uri_or_curie(value) else rdflib.Literal(value)


def _uri(rdflib: Any, _: Slot, value: str) -> Any:  # noqa: ANN401
    """Return an IRI, or where a relative reference has nothing to refer to, a literal that says what it is."""
    encoded = quote(value, safe=_LEGAL)
    if value.startswith("/"):
        return rdflib.URIRef(f"file://{encoded}" if not value.startswith("//") else f"file:{encoded}")
    if is_uri_or_curie(encoded):
        return rdflib.URIRef(encoded)
    return rdflib.Literal(value, datatype=rdflib.URIRef(f"{_XSD}anyURI"))


def _string(rdflib: Any, _: Slot, value: str) -> Any:  # noqa: ANN401
    return rdflib.Literal(value)


_TERMS: Mapping[str, Callable[[Any, Slot, str], Any]] = MappingProxyType(
    {"datetime": _datetime, "string": _string, "uri": _uri, "uriorcurie": _uri_or_curie}
)


def _foreign_name(name: str) -> str:
    """Return an IRI for a slot or class that the schema does not know, whose last part every format can write."""
    return f"{PREFIXES['modos']}{_NO_NAME.sub('_', name)}"


def _foreign(rdflib: Any, value: object) -> Any:  # noqa: ANN401
    """Return a literal for a value that the schema does not know: a plain one, or JSON."""
    if isinstance(value, str | int | float):
        return rdflib.Literal(value)
    return rdflib.Literal(json.dumps(value, sort_keys=True, default=str), datatype=rdflib.URIRef(f"{_RDF}JSON"))
