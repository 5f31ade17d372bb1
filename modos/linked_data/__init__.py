"""Linked data: the metadata of a digital object as an RDF graph, its forms on paper, and questions to it.

Owns how metadata becomes triples and text. Must not know the class `MODO` or where an object is stored.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.linked_data.graph import element_iri, object_base, to_graph
    from modos.linked_data.queries import query
    from modos.linked_data.text import FORMATS, serialise

_ORIGINS = {
    ".graph": ("element_iri", "object_base", "to_graph"),
    ".queries": ("query",),
    ".text": ("FORMATS", "serialise"),
}

__all__ = ["FORMATS", "element_iri", "object_base", "query", "serialise", "to_graph"]

__getattr__ = lazy_names(__name__, {name: module for module, names in _ORIGINS.items() for name in names})
