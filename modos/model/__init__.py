"""What a digital object says: its elements, their ids and links, and the documents that describe them.

Owns the schema at run time and every check that needs nothing but an element. Must not know storages or zarr.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.model._generated.models import (
        MODO,
        AlignmentSet,
        Array,
        Assay,
        DataEntity,
        DataFormat,
        MassSpectrometryResults,
        NamedThing,
        OmicsType,
        ReferenceGenome,
        ReferenceSequence,
        Sample,
        Sex,
        VariantSet,
    )
    from modos.model.curies import PREFIXES, expand
    from modos.model.documents import Entry, dump_document, load_document
    from modos.model.elements import attributes_of, element_from_attributes, element_id, parse_element, validate_element
    from modos.model.ids import ElementId
    from modos.model.links import (
        LINK_SLOTS,
        Link,
        link_slot_for,
        links_of,
        normalise_links,
        with_link,
        without_links_to,
    )
    from modos.model.schema import ELEMENT_CLASSES, ELEMENT_KINDS, ElementKind, kind_of

_ORIGINS = {
    "._generated.models": (
        "AlignmentSet",
        "Array",
        "Assay",
        "DataEntity",
        "DataFormat",
        "MODO",
        "MassSpectrometryResults",
        "NamedThing",
        "OmicsType",
        "ReferenceGenome",
        "ReferenceSequence",
        "Sample",
        "Sex",
        "VariantSet",
    ),
    ".curies": ("PREFIXES", "expand"),
    ".documents": ("Entry", "dump_document", "load_document"),
    ".elements": ("attributes_of", "element_from_attributes", "element_id", "parse_element", "validate_element"),
    ".ids": ("ElementId",),
    ".links": (
        "LINK_SLOTS",
        "Link",
        "link_slot_for",
        "links_of",
        "normalise_links",
        "with_link",
        "without_links_to",
    ),
    ".schema": ("ELEMENT_CLASSES", "ELEMENT_KINDS", "ElementKind", "kind_of"),
}

__all__ = [
    "ELEMENT_CLASSES",
    "ELEMENT_KINDS",
    "LINK_SLOTS",
    "MODO",
    "PREFIXES",
    "AlignmentSet",
    "Array",
    "Assay",
    "DataEntity",
    "DataFormat",
    "ElementId",
    "ElementKind",
    "Entry",
    "Link",
    "MassSpectrometryResults",
    "NamedThing",
    "OmicsType",
    "ReferenceGenome",
    "ReferenceSequence",
    "Sample",
    "Sex",
    "VariantSet",
    "attributes_of",
    "dump_document",
    "element_from_attributes",
    "element_id",
    "expand",
    "kind_of",
    "link_slot_for",
    "links_of",
    "load_document",
    "normalise_links",
    "parse_element",
    "validate_element",
    "with_link",
    "without_links_to",
]

__getattr__ = lazy_names(__name__, {name: module for module, names in _ORIGINS.items() for name in names})
