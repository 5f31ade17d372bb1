"""Descriptions as RDF: one element a subject, one slot a predicate.

Owns how triples become slots. Must not know how graphs are made from objects.

Every subject has one class of the schema as its type. Its id is its `schema:identifier` where that is text, or else what its
IRI has after the base of all, or the last segment of its IRI; links are IRIs of such subjects, terms are written as CURIEs
where a known prefix fits. Nothing is fetched: a JSON-LD document holds its own context.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import unquote

from modos._lazy import require
from modos.errors import InvalidDocumentError, suggestion
from modos.model.curies import compact, expand
from modos.model.documents.entries import Located
from modos.model.schema import CLASSES, DESCRIBABLE, ENUMS, SLOTS, SchemaClass, Slot, shown_value

_PURPOSE = "reading RDF descriptions"
_NO_BASE = "file:///"
"""What relative IRIs are resolved against, so that no path of this machine gets into a description."""

_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_BY_URI = {CLASSES[name].uri: CLASSES[name] for name in DESCRIBABLE}


def read_graph(document: str, text: str, syntax: str) -> Iterator[Located]:
    """Yield the subjects of a graph as entries, in the order of their ids.

    Parameters
    ----------
    document
        Name of the file.
    text
        What the file holds.
    syntax
        How it is written, as rdflib calls it: `turtle`, `nt`, `xml`, `json-ld`.

    Raises
    ------
    InvalidDocumentError
        When it cannot be parsed, names a remote context, or says something that no slot takes.
    MissingDependencyError
        When the extra `rdf` is not installed.
    """
    rdflib = require("rdflib", extra="rdf", purpose=_PURPOSE)
    graph = _parsed(rdflib, document, text, syntax)
    classes = {subject: _class_of(rdflib, document, graph, subject) for subject in set(graph.subjects())}
    bases = {_base_of(str(subject), found) for subject, found in classes.items() if found.kind} - {""}
    ids = {str(subject): _id_of(rdflib, graph, subject, found, bases) for subject, found in classes.items()}
    for subject in sorted(classes, key=lambda each: (ids[str(each)], str(each))):
        where = shown_value(str(subject))
        _check(rdflib, f"{document}, {where}", graph, subject, classes[subject])
        yield Located({"element": _element(rdflib, graph, subject, classes[subject], ids)}, where)


def _parsed(rdflib: Any, document: str, text: str, syntax: str) -> Any:  # noqa: ANN401 - rdflib ships no types
    try:
        if syntax == "json-ld":
            _refuse_remote_contexts(json.loads(text))
        with warnings.catch_warnings():
            # rdflib's own JSON-LD parser uses a class that rdflib 7 deprecates; may go with rdflib 8.
            warnings.simplefilter("ignore", DeprecationWarning)
            return rdflib.Graph().parse(data=text, format=syntax, publicID=_NO_BASE)
    except RecursionError:
        raise
    except Exception as error:  # each parser of rdflib raises what it meets
        reason = f"{document}: is not valid {syntax}, {' '.join(str(error).split())}"
        raise InvalidDocumentError(reason) from error


def _refuse_remote_contexts(content: object) -> None:
    for key, value in content.items() if isinstance(content, dict) else ():
        contexts = value if isinstance(value, list) else [value]
        if key == "@import" or (key == "@context" and any(isinstance(each, str) for each in contexts)):
            message = f"it names the context {shown_value(value)}, which would have to be fetched; write it out"
            raise ValueError(message)
    for child in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        _refuse_remote_contexts(child)


def _class_of(rdflib: Any, document: str, graph: Any, subject: Any) -> SchemaClass:  # noqa: ANN401
    where = f"{document}, {shown_value(str(subject))}"
    if isinstance(subject, rdflib.BNode):
        reason = f"{document}: a blank node is described; give it an IRI"
        raise InvalidDocumentError(reason)
    types = [str(each) for each in graph.objects(subject, rdflib.URIRef(_TYPE))]
    found = [_BY_URI[each] for each in types if each in _BY_URI]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(sorted(each.name for each in found))
        reason = f"{where}: is {names}; a description gives one class"
    else:
        close = suggestion(types[0], tuple(_BY_URI)) if types else ""
        reason = f"{where}: has no type that a digital object may hold, which are {', '.join(DESCRIBABLE)}{close}"
    raise InvalidDocumentError(reason)


def _id_of(rdflib: Any, graph: Any, subject: Any, found: SchemaClass, bases: AbstractSet[str]) -> str:  # noqa: ANN401
    """Return the id of a subject without its kind."""
    given = graph.value(subject, rdflib.URIRef(SLOTS["id"].uri))
    if isinstance(given, rdflib.Literal):
        return str(given).removeprefix(f"{found.kind}/") if found.kind else str(given)
    iri = str(subject if given is None else given)
    base = next((each for each in sorted(bases) if iri.startswith(each)), "") if found.kind is None else ""
    return unquote(iri.removeprefix(base)) if base and "/" not in iri.removeprefix(base) else _last_segment(iri)


def _base_of(iri: str, found: SchemaClass) -> str:
    """Return what stands before kind and id of an element, which may end in any character; "" where no kind is."""
    before, _, _ = iri.rpartition("/")
    return before.removesuffix(str(found.kind)) if before.endswith(str(found.kind)) else ""


def _last_segment(iri: str) -> str:
    return unquote(iri.rstrip("/#").rpartition("/")[2].rpartition("#")[2])


def _check(rdflib: Any, where: str, graph: Any, subject: Any, found: SchemaClass) -> None:  # noqa: ANN401
    slots = {slot.uri: slot for slot in found.slots.values()}
    seen = set()
    for predicate, value in sorted(graph.predicate_objects(subject)):
        name = str(predicate)
        if name == _TYPE:
            continue
        if name not in slots:
            reason = f"{where}: {shown_value(name)} is no slot of {found.name}{suggestion(name, tuple(slots))}"
            raise InvalidDocumentError(reason)
        slot = slots[name]
        if name in seen and not slot.multivalued:
            reason = f"{where}: {slot.name} is there twice, and takes one value"
            raise InvalidDocumentError(reason)
        if isinstance(value, rdflib.BNode) or (slot.target and not isinstance(value, rdflib.URIRef)):
            reason = f"{where}: {slot.name} {shown_value(str(value))} is no {'IRI' if slot.target else 'IRI or text'}"
            raise InvalidDocumentError(reason)
        seen.add(name)


def _element(rdflib: Any, graph: Any, subject: Any, found: SchemaClass, ids: Mapping[str, str]) -> dict[str, object]:  # noqa: ANN401
    """Return the slots of one subject, by name; lists, which have no order there, sorted."""
    told: dict[str, list[str]] = {}
    slots = {slot.uri: slot for slot in found.slots.values() if not slot.identifier}
    for predicate, value in graph.predicate_objects(subject):
        slot = slots.get(str(predicate))
        if slot is not None:
            told.setdefault(slot.name, []).append(_text(slot, str(value), ids, is_iri=isinstance(value, rdflib.URIRef)))
    values = {name: sorted(told[name]) if found.slots[name].multivalued else told[name][0] for name in sorted(told)}
    return {"@type": found.name, **values, "id": ids[str(subject)]}


def _text(slot: Slot, value: str, ids: Mapping[str, str], *, is_iri: bool) -> str:
    """Return a value as descriptions write it: links and enumerations by name, terms as CURIEs, URIs in full."""
    if slot.target:
        return ids.get(value, _last_segment(value))
    if slot.range in ENUMS:
        iri = expand(value)
        return next((text for text, meaning in ENUMS[slot.range].items() if meaning == iri), compact(value))
    return compact(value) if is_iri and slot.range == "uriorcurie" else value
