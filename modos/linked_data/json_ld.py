"""Statements as JSON-LD, with the names of the schema.

Owns how statements are folded into the terms of the generated context. Must not know what they say.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from modos.linked_data.statements import DATE_TIME, STRING, TYPE, Literal, Statement, Term, in_order
from modos.model.curies import PREFIXES
from modos.model.schema import CLASSES, SLOTS

_COERCED = {"@id": "@id", "xsd:dateTime": DATE_TIME}
"""What the context says of a term to the datatype that its text stands for."""


def json_ld(found: Iterable[Statement]) -> str:
    """Return statements as a JSON-LD document that holds its own context, subjects in order.

    Examples
    --------
    >>> document = json.loads(json_ld([("file://ex/sample/s1", TYPE, CLASSES["Sample"].uri)]))
    >>> document["@graph"]
    [{'id': 'file://ex/sample/s1', '@type': 'Sample'}]
    """
    ordered = in_order(found)
    context = generated_context()
    if _is_ambiguous(ordered, context):
        context = {}
    identifier = "id" if "id" in context else "@id"
    nodes: dict[str, dict[str, list[Any]]] = {}
    for subject, predicate, term in ordered:
        node = nodes.setdefault(subject, {})
        if predicate == TYPE and isinstance(term, str):
            node.setdefault("@type", []).append(_name(_CLASSES, term, context))
        else:
            name = _name(_SLOTS, predicate, context)
            node.setdefault(name, []).append(_value(term, context.get(name)))
    graph = [
        {identifier: subject} | {name: node[name][0] if len(node[name]) == 1 else node[name] for name in sorted(node)}
        for subject, node in nodes.items()
    ]
    document = {"@context": context, "@graph": graph} if context else {"@graph": graph}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@cache
def generated_context() -> Mapping[str, Any]:
    """Return the terms of the context that is generated from the schema."""
    from importlib.resources import files  # which imports much that no other format needs

    text = files("modos.model._generated").joinpath("context.jsonld").read_text(encoding="utf-8")
    terms: Mapping[str, Any] = json.loads(text)["@context"]
    return terms


_SLOTS = {slot.uri: name for name, slot in SLOTS.items() if not slot.identifier}
_CLASSES = {found.uri: name for name, found in CLASSES.items()}


def _is_ambiguous(found: Iterable[Statement], context: Mapping[str, Any]) -> bool:
    """Tell whether some IRI would be taken for a term of the context, such as `name:x` for one beneath schema:name."""
    iris = {each for statement in found for each in statement if isinstance(each, str)}
    return any(scheme in context for scheme in {iri.partition(":")[0] for iri in iris})


def _name(terms: Mapping[str, str], iri: str, context: Mapping[str, Any]) -> str:
    """Return the term for a slot or class, or a compact IRI for one that the schema does not know."""
    if iri in terms and terms[iri] in context:
        return terms[iri]
    prefix = next((each for each in ("modos", "schema") if each in context and iri.startswith(PREFIXES[each])), None)
    return iri if prefix is None else f"{prefix}:{iri.removeprefix(PREFIXES[prefix])}"


def _value(term: Term, definition: Mapping[str, str] | None) -> str | dict[str, str]:
    """Return a value as text where the context says what its text stands for, and in full elsewhere."""
    coerced = _COERCED.get((definition or {}).get("@type", ""), STRING)
    if not isinstance(term, Literal):
        return term if coerced == "@id" else {"@id": term}
    if term.datatype == coerced:
        return term.text
    return {"@value": term.text} if term.datatype == STRING else {"@value": term.text, "@type": term.datatype}
