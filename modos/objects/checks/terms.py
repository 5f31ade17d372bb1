"""Whether the terms in an object are such as somebody can look up.

Owns these findings, from the metadata and from vocabularies on this machine. Asks no storage.
"""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

from modos.errors import suggestion
from modos.model.curies import PREFIXES, expand, is_uri_or_curie
from modos.model.schema import SLOTS, shown_value
from modos.model.vocabularies import look_up, namespace_of
from modos.objects.checks.findings import Finding, finding
from modos.objects.checks.statements import element_groups, own_place
from modos.storage.hierarchy.root import ZarrRoot

__all__ = ["TERM_SLOTS", "term_findings"]

TERM_SLOTS = tuple(
    name for name, slot in SLOTS.items() if slot.range == "uriorcurie" and not slot.identifier and slot.target is None
)
"""Slots that hold terms of ontologies."""

_SCHEMES = frozenset({"doi", "info", "tag", "urn"})
"""How IRIs may begin, besides those with `//`."""


def term_findings(url: str, root: ZarrRoot, vocabularies: Sequence[str | PathLike[str]] = ()) -> Iterator[Finding]:
    """Yield terms that nothing says the meaning of, are in none of the vocabularies, or should not be used any more.

    Parameters
    ----------
    url
        Address of the object.
    root
        What it says.
    vocabularies
        Files of vocabularies, see `modos.model.vocabularies.look_up`; terms of others are not judged by them.

    Raises
    ------
    InvalidInputError
        When a vocabulary cannot be read.
    """
    used = list(_terms(url, root))
    for place, slot, text in used:
        prefix, _, rest = text.partition(":")
        if expand(text) == text and not rest.startswith("//") and prefix.lower() not in _SCHEMES:
            near = suggestion(prefix, PREFIXES)
            what = f"{slot} {shown_value(text)} begins with {shown_value(prefix)}, of which nothing says what it stands for{near}"
            yield finding("unknown-term", place, what, url, slot=slot, value=text)
    vocabulary = look_up({text for _, _, text in used}, vocabularies)
    for place, slot, text in used:
        iri = expand(text)
        term = vocabulary.terms.get(iri)
        if term is not None and term.is_obsolete:
            instead = f"; use {term.replaced_by}" if term.replaced_by else ""
            what = f"{slot} {shown_value(text)} ({term.label}) is not to be used any more{instead}"
            yield finding("unknown-term", place, what, url, slot=slot, value=text)
        elif term is None and namespace_of(iri) in vocabulary.namespaces:
            what = f"{slot} {shown_value(text)} is no term of its vocabulary"
            yield finding("unknown-term", place, what, url, slot=slot, value=text)


def _terms(url: str, root: ZarrRoot) -> Iterator[tuple[str, str, str]]:
    """Yield each term with its place and slot; what can be none is a finding of its own."""
    groups: dict[str, Mapping[str, Any]] = {own_place(url, root): root.attributes}
    groups |= {str(element): attributes for element, attributes in element_groups(root).items()}
    for place, attributes in groups.items():
        for slot in TERM_SLOTS:
            value = attributes.get(slot)
            for text in value if isinstance(value, list | tuple) else (value,):
                if isinstance(text, str) and is_uri_or_curie(text):
                    yield place, slot, text
