"""The schema as the run time looks things up in it: classes, slots, enumerations, element kinds.

Owns the typed view over the generated tables. Must not know how a value is checked or where an element is stored.
"""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from modos.errors import InvalidElementError, suggestion
from modos.model._generated import tables

type ElementKind = Literal["assay", "data", "reference", "sample", "sequence"]
"""Kind of an element: the first part of its full id, and the group that it is kept in."""

ELEMENT_KINDS: tuple[ElementKind, ...] = get_args(ElementKind.__value__)
"""All kinds of elements, in order."""

_REPR = reprlib.Repr(maxstring=80, maxother=80)


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of the schema.

    Parameters
    ----------
    name, uri
        What it is called in a description, and in RDF.
    range
        Name of a type (`string`, `datetime`, `uri`, `uriorcurie`), of an enumeration, or of a class that it links to.
    multivalued, ordered
        Whether it holds a list, and whether the order of that list means something.
    pattern
        Regular expression that every value matches; `None` for any text.
    identifier
        Whether it is the id of the thing.
    target
        Kind of element that it links to; `None` when it is no link.
    description
        What it means, in a sentence.
    """

    name: str
    uri: str
    range: str
    multivalued: bool
    ordered: bool
    pattern: str | None
    identifier: bool
    target: ElementKind | None
    description: str


@dataclass(frozen=True, slots=True)
class SchemaClass:
    """One class of the schema.

    Parameters
    ----------
    name, uri
        What it is called in `@type`, and in RDF.
    parent
        Name of the class it specialises; `None` for a root.
    kind
        Kind of element that its instances are; `None` for what is no element.
    slots
        Its slots by name, inherited ones included, in the order of the schema.
    required
        Names of the slots that must be set.
    description
        What it stands for, in a sentence.
    """

    name: str
    uri: str
    parent: str | None
    kind: ElementKind | None
    slots: Mapping[str, Slot]
    required: frozenset[str]
    description: str


def _slot(name: str) -> Slot:
    record = cast("Mapping[str, Any]", tables.SLOTS[name])
    range_class = cast("Mapping[str, Any]", tables.CLASSES.get(record["range"], {}))
    return Slot(
        name=name,
        uri=record["uri"],
        range=record["range"],
        multivalued=record["multivalued"],
        ordered=record["ordered"],
        pattern=record["pattern"],
        identifier=record["identifier"],
        target=range_class.get("kind"),
        description=" ".join((record["description"] or "").split()),
    )


def _class(name: str) -> SchemaClass:
    record = cast("Mapping[str, Any]", tables.CLASSES[name])
    return SchemaClass(
        name=name,
        uri=record["uri"],
        parent=record["parent"],
        kind=record["kind"],
        slots=MappingProxyType({slot: SLOTS[slot] for slot in record["slots"]}),
        required=frozenset(record["required"]),
        description=" ".join((record["description"] or "").split()),
    )


SLOTS: Mapping[str, Slot] = MappingProxyType({name: _slot(name) for name in tables.SLOTS})
CLASSES: Mapping[str, SchemaClass] = MappingProxyType({name: _class(name) for name in tables.CLASSES})
ENUMS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {name: MappingProxyType(values) for name, values in tables.ENUMS.items()}
)
"""Enumeration to its values, each with the IRI that it means."""

PREFIXES: Mapping[str, str] = MappingProxyType(tables.PREFIXES)
"""Prefix of a CURIE to the IRI that it stands for."""

OBJECT_CLASS = "MODO"
"""The class of the digital object itself; every other class that can be written down is one of its elements."""

DATA_PATH = "data_path"
"""The slot of an element that names its file in the object."""

CHECKSUM = "data_checksum"
"""The slot of an element that holds the BLAKE2b of its file."""

LAST_UPDATE = "last_update_date"
"""The slot of the object that says when it was changed last."""

ELEMENT_CLASSES: tuple[str, ...] = tuple(sorted(name for name, found in CLASSES.items() if found.kind))
"""Names of the classes that elements can have."""

DESCRIBABLE: tuple[str, ...] = tuple(sorted((*ELEMENT_CLASSES, OBJECT_CLASS)))
"""What `@type` may say: the object, or a class of elements."""


def describable_class(name: object) -> SchemaClass:
    """Return the class that an `@type` names.

    Raises
    ------
    InvalidElementError
        When it is not text, or not the name of a class that can be written down.

    Examples
    --------
    >>> describable_class("VariantSet").kind
    'data'
    """
    if isinstance(name, str) and name in DESCRIBABLE:
        return CLASSES[name]
    known = ", ".join(DESCRIBABLE)
    close = suggestion(name, DESCRIBABLE) if isinstance(name, str) else ""
    shown = "is missing" if name is None else f"{shown_value(name)} is unknown"
    reason = f"@type {shown}; it is one of {known}{close}"
    raise InvalidElementError(reason, slot="@type", value=name, allowed=DESCRIBABLE)


def kind_of(class_name: str) -> ElementKind:
    """Return the kind of element that instances of a class are: the folder they are kept in.

    Raises
    ------
    InvalidElementError
        When there is no such class, or when it is the object itself.

    Examples
    --------
    >>> kind_of("AlignmentSet"), kind_of("ReferenceGenome")
    ('data', 'reference')
    """
    kind = describable_class(class_name).kind
    if kind is None:
        reason = f"@type {class_name} is that of the object itself; an element is one of {', '.join(ELEMENT_CLASSES)}"
        raise InvalidElementError(reason, slot="@type", value=class_name, allowed=ELEMENT_CLASSES)
    return kind


def shown_value(value: object) -> str:
    """Return a value as an error shows it: short and on one line, however large it is.

    Examples
    --------
    >>> len(shown_value("x" * 100_000)) < 100
    True
    """
    try:
        return " ".join(_REPR.repr(value).split("\n"))
    except Exception:  # noqa: BLE001 - numbers may be too long for any text, and objects of others do what they like
        return f"<{type(value).__name__}>"
