"""Metadata as statements: one subject for the object and for each element, one statement for each value of a slot.

Owns which IRI or literal each value becomes. Must not know how statements are written down or asked, nor any RDF library.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from modos.errors import InvalidElementError
from modos.model.curies import PREFIXES, as_iri, expand, is_uri_or_curie
from modos.model.schema import CLASSES, ENUMS, SLOTS, Slot
from modos.model.values import checked, link_target

TYPE = f"{PREFIXES['rdf']}type"
IDENTIFIER = SLOTS["id"].uri
STRING, BOOLEAN, INTEGER, DOUBLE, DATE_TIME, ANY_URI = (
    f"{PREFIXES['xsd']}{name}" for name in ("string", "boolean", "integer", "double", "dateTime", "anyURI")
)
JSON = f"{PREFIXES['rdf']}JSON"

_LEGAL = "!#$%&'()*+,-./:;=?@[]_~"
"""What may stand in an IRI beside letters and digits; the rest is percent-encoded."""

_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*")
"""Keys that stay as they are, which most do: looking is faster than encoding."""

_NO_NAME = re.compile(r"^(?![A-Za-z_])|[^A-Za-z0-9_]", re.ASCII)


class Literal(NamedTuple):
    """A value that is no IRI.

    Parameters
    ----------
    text
        Its lexical form.
    datatype
        IRI of its datatype.
    """

    text: str
    datatype: str = STRING


type Term = str | Literal
"""What a statement says of its subject: an IRI, or a literal."""

type Statement = tuple[str, str, Term]
"""Subject, predicate and object."""


def object_base(name: str) -> str:
    """Return the IRI beneath which an object and its elements lie unless another is given.

    Examples
    --------
    >>> object_base("ex")
    'file://ex/'
    """
    return f"file://{quote(name, safe='', errors='replace')}/"


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
    return base + (key if _PLAIN.fullmatch(key) else quote(key, safe="/", errors="replace"))


def statements(
    metadata: Mapping[str, Mapping[str, object]], base: str, wanted: Callable[[str], bool] = bool
) -> Iterator[Statement]:
    """Yield what metadata says, in its order; a statement that is made twice comes twice.

    What is stored against the schema is kept as a literal, so that any object that opens has its statements.

    Parameters
    ----------
    metadata
        Attributes with `@type` by key: `type/id`, or the id of the object.
    base
        IRI that those of the object and its elements begin with.
    wanted
        Tells by its predicate whether a statement is yielded; by default, all are.

    Examples
    --------
    >>> for statement in statements({"sample/s1": {"@type": "Sample", "name": "Sample 1"}}, "file://ex/"):
    ...     print(*statement)
    file://ex/sample/s1 http://schema.org/identifier file://ex/sample/s1
    file://ex/sample/s1 http://www.w3.org/1999/02/22-rdf-syntax-ns#type https://w3id.org/sdsc-ordes/modos-schema/Sample
    file://ex/sample/s1 http://schema.org/name Literal(text='Sample 1', datatype='http://www.w3.org/2001/XMLSchema#string')
    """
    known: dict[str, tuple[str, dict[str, Term]] | None] = {}  # terms, links and dates come again and again
    identified = wanted(IDENTIFIER)
    for key, attributes in metadata.items():
        subject = element_iri(key, base)
        if identified:
            yield subject, IDENTIFIER, subject
        for name, value in attributes.items():
            if name not in known:
                predicate = _predicate(name)
                known[name] = (predicate, {}) if name != "id" and wanted(predicate) else None
            slot = known[name]
            if slot is None:
                continue
            predicate, terms = slot
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, str):
                    found = terms.get(item)
                    if found is None:
                        found = terms[item] = _term(name, item, base)
                    yield subject, predicate, found
                elif item is not None:
                    yield subject, predicate, _foreign(item)


def in_order(found: Iterable[Statement]) -> list[Statement]:
    """Return statements with those of one subject together, its class first; literals come before IRIs."""
    return sorted(found, key=lambda each: (each[0], each[1] != TYPE, each[1], isinstance(each[2], str), each[2]))


def foreign_iri(name: str) -> str:
    """Return an IRI for a slot or class that the schema does not know, whose last part every format can write."""
    return f"{PREFIXES['modos']}{_NO_NAME.sub('_', name)}"


def _predicate(name: str) -> str:
    return TYPE if name == "@type" else SLOTS[name].uri if name in SLOTS else foreign_iri(name)


def _term(name: str, value: str, base: str) -> Term:
    """Return what one text in a slot becomes."""
    if name == "@type":
        return CLASSES[value].uri if value in CLASSES else foreign_iri(value)
    if name not in SLOTS:
        return _text(value)
    slot = SLOTS[name]
    if slot.target:
        try:
            return element_iri(str(link_target(slot, value, slot.target)), base)
        except InvalidElementError:
            return _text(value)
    if slot.range in ENUMS:
        return ENUMS[slot.range].get(value) or _text(value)
    return _RANGES.get(slot.range, _as_text)(slot, value)


def _text(value: str) -> Literal:
    """Return a literal; a lone surrogate, which no text in RDF may have, becomes U+FFFD."""
    if value.isascii():
        return Literal(value)
    return Literal(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _as_text(_: Slot, value: str) -> Term:
    return _text(value)


def _date_time(slot: Slot, value: str) -> Term:
    try:
        found = checked(slot, value)
    except InvalidElementError:
        return _text(value)
    return _text(value) if isinstance(found, str | list) else Literal(found.isoformat(), DATE_TIME)


def _uri_or_curie(_: Slot, value: str) -> Term:
    """Return an IRI, or for a CURIE that stands for none, whose prefix is unknown and no scheme, a literal that says what it is."""
    return as_iri(expand(value)) or Literal(value, ANY_URI) if is_uri_or_curie(value) else _text(value)


def _uri(_: Slot, value: str) -> Term:
    """Return an IRI, or where a relative reference has nothing to refer to, a literal that says what it is."""
    encoded = quote(value, safe=_LEGAL, errors="replace")
    if value.startswith("/"):
        encoded = f"file:{encoded}" if value.startswith("//") else f"file://{encoded}"
    return (is_uri_or_curie(encoded) and as_iri(encoded)) or Literal(_text(value).text, ANY_URI)


_RANGES: Mapping[str, Callable[[Slot, str], Term]] = MappingProxyType(
    {"datetime": _date_time, "uri": _uri, "uriorcurie": _uri_or_curie}
)
"""Range of a slot to what becomes of its text; all others are text."""


def _foreign(value: object) -> Literal:
    """Return a literal for a value that no slot of the schema has: a number, a truth value, or JSON."""
    if isinstance(value, bool):
        return Literal("true" if value else "false", BOOLEAN)
    if isinstance(value, int):
        return Literal(str(value), INTEGER)
    if isinstance(value, float):
        return Literal(_double(value), DOUBLE)
    return Literal(json.dumps(value, sort_keys=True, default=str), JSON)


def _double(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
