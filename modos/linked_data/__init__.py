"""Linked data: the metadata of a digital object as an RDF graph, its forms on paper, and questions to it.

Owns how metadata becomes triples and text. Must not know the class `MODO` or where an object is stored.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.linked_data.answers import Answer
    from modos.linked_data.knowledge import KnowledgeGraph
    from modos.linked_data.statements import element_iri, object_base
    from modos.linked_data.text import FORMATS

_ORIGINS = {
    ".answers": ("Answer",),
    ".knowledge": ("KnowledgeGraph",),
    ".statements": ("element_iri", "object_base"),
    ".text": ("FORMATS",),
}

__all__ = ["FORMATS", "Answer", "KnowledgeGraph", "element_iri", "object_base"]

__getattr__ = lazy_names(__name__, {name: module for module, names in _ORIGINS.items() for name in names})
