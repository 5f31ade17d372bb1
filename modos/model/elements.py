"""Elements: from what people write to checked models, and from models to what is stored.

Owns which slots an element may and must have. Must not know documents, storages, or which other elements exist.
"""

import importlib
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, cast

from modos.errors import InvalidElementError, suggestion
from modos.model.ids import ElementId
from modos.model.schema import OBJECT_CLASS, SchemaClass, describable_class, kind_of, shown_value
from modos.model.values import Value, checked

if TYPE_CHECKING:
    from modos.model._generated.models import NamedThing

type JSON = str | int | float | bool | list[JSON] | dict[str, JSON] | None

MOST_MISTAKES = 20
"""How many mistakes of one element are looked for before it is refused."""


def parse_element(attributes: "Mapping[str, object] | NamedThing", *, partial: bool = False) -> "NamedThing":
    """Return the checked model of an element, or of the object itself.

    Single values become lists where the schema wants lists, dates become datetimes, and `None` and empty lists count as
    not set. Links stay as written, by bare or full id.

    Parameters
    ----------
    attributes
        Slots by name, with `@type` and `id`, as in a description; or a model, which is checked anew.
    partial
        Whether required slots may be missing, as they are before a file is read or in an update; the model then holds
        `None` for them.

    Raises
    ------
    InvalidElementError
        When anything is wrong. The message names every mistake, the attributes describe the first.

    Examples
    --------
    >>> parse_element({"@type": "Assay", "id": "assay1", "omics_type": "GENOMICS"}).omics_type
    ['GENOMICS']
    >>> parse_element({"@type": "Sample", "id": "s1", "sex": "Mal"})
    Traceback (most recent call last):
    modos.errors.InvalidElementError: sample/s1: sex 'Mal' is not one of Female, Male; did you mean 'Male'?
    """
    attributes = as_mapping(attributes)
    try:
        found = describable_class(attributes.get("@type"))
    except InvalidElementError as error:
        raise _combined(_label(None, attributes), [error]) from None
    values: dict[str, Value | list[Value]] = {}
    mistakes: list[InvalidElementError] = []
    for name, value in attributes.items():
        if len(mistakes) >= MOST_MISTAKES:
            break
        if name == "@type":
            continue
        try:
            slot = found.slots[_known(found, name)]  # also where it is unset: a name that is none was meant otherwise
            if isinstance(value, str) or not _is_empty(value):
                values[name] = checked(slot, value)
        except InvalidElementError as error:
            mistakes.append(error)
    refused = {mistake.slot for mistake in mistakes}
    missing = [name for name in _missing(found, attributes, values) if name not in refused]
    if not partial:
        mistakes += [_missing_error(found, name) for name in missing]
    if mistakes:
        raise _combined(_label(found, attributes), mistakes)
    return _model(found, values, missing)


def validate_element(element: "NamedThing", *, partial: bool = False) -> "NamedThing":
    """Return a checked copy of a model, whose own checks know nothing of CURIEs, links and ids.

    Parameters
    ----------
    element
        Any model of this package that may stand in a digital object.
    partial
        As for `parse_element`.

    Raises
    ------
    InvalidElementError
        As for `parse_element`.

    Examples
    --------
    >>> from modos.model import Sample
    >>> validate_element(Sample(id="s1", taxon_id=["NCBITaxon:9606"])).taxon_id
    ['NCBITaxon:9606']
    """
    return parse_element(element, partial=partial)


def element_id(element: "NamedThing") -> ElementId:
    """Return the full id of an element.

    Raises
    ------
    InvalidElementError
        When the model is the object itself, or its id may not be used.

    Examples
    --------
    >>> from modos.model import Sample
    >>> str(element_id(Sample(id="s1")))
    'sample/s1'
    """
    return ElementId(kind_of(type(element).__name__), element.id)


def attributes_of(element: "NamedThing") -> dict[str, JSON]:
    """Return the form of a model that is stored: JSON, `@type` first, then the set slots by name.

    Datetimes are ISO 8601 text. The id is left out, as it is the name of the element's group; only the object keeps it.

    Parameters
    ----------
    element
        A model; it is not checked again.

    Examples
    --------
    >>> from modos.model import Sample
    >>> attributes_of(Sample(id="s1", name="Sample 1", collector=["Foo university"]))
    {'@type': 'Sample', 'collector': ['Foo university'], 'name': 'Sample 1'}
    """
    stored = {name: value for name, value in as_mapping(element).items() if value not in (None, [], ())}
    if stored["@type"] != OBJECT_CLASS:
        stored.pop("id", None)
    return {"@type": _json(stored.pop("@type")), **{name: _json(stored[name]) for name in sorted(stored)}}


def element_from_attributes(id: ElementId | None, attributes: Mapping[str, object]) -> "NamedThing":  # noqa: A002
    """Return the model of a stored element: the inverse of `attributes_of`.

    Takes what other writers leave out or write shorter: required slots that are missing are `None`, single values stand
    for lists, dates for datetimes, bare ids for links.

    Parameters
    ----------
    id
        The element; `None` for the object, which stores its own id.
    attributes
        As stored.

    Raises
    ------
    InvalidElementError
        When a slot is unknown, a value cannot be read, or the class is of another kind than the id.

    Examples
    --------
    >>> stored = {"@type": "DataEntity", "data_path": "x.cram", "data_format": "CRAM", "has_sample": "s1"}
    >>> element_from_attributes(ElementId("data", "x"), stored).has_sample
    ['s1']
    """
    if id is None:
        return parse_element(attributes, partial=True)
    kind = describable_class(attributes.get("@type")).kind
    if kind != id.kind:
        reason = f"{id}: @type {attributes['@type']} is no class of {id.kind} elements"
        raise InvalidElementError(reason, slot="@type", value=attributes["@type"])
    return parse_element({**attributes, "id": id.name}, partial=True)


def as_mapping(element: "Mapping[str, object] | NamedThing") -> dict[str, object]:
    """Return the slots of a model, or of a mapping, with `@type`.

    Raises
    ------
    InvalidElementError
        When it is neither.
    """
    if isinstance(element, Mapping):
        return dict(element)
    if not hasattr(type(element), "model_fields"):
        reason = f"{shown_value(element)} is no element; an element is a mapping of slots with @type and id"
        raise InvalidElementError(reason, value=element)
    return {"@type": type(element).__name__, **dict(element)}


def _known(found: SchemaClass, name: object) -> str:
    if isinstance(name, str) and name in found.slots:
        return name
    allowed = tuple(found.slots)
    close = suggestion(name, allowed) if isinstance(name, str) else ""
    reason = f"{shown_value(name)} is no slot of {found.name}, which has {', '.join(allowed)}{close}"
    raise InvalidElementError(reason, slot=name if isinstance(name, str) else shown_value(name), allowed=allowed)


def _missing(found: SchemaClass, attributes: Mapping[str, object], values: Mapping[str, object]) -> list[str]:
    """Return required slots that are not set, or set to an empty text; refused values are mistakes of their own."""
    return [
        name
        for name in found.slots
        if name in found.required and _is_empty(attributes.get(name)) and _is_empty(values.get(name))
    ]


def _is_empty(value: object) -> bool:
    """Tell whether a value holds nothing; those of other libraries, which cannot always tell, are never asked."""
    return value is None or (isinstance(value, str | list | tuple) and not value)


def _missing_error(found: SchemaClass, name: str) -> InvalidElementError:
    return InvalidElementError(f"{name} is missing, which every {found.name} needs", slot=name)


def _label(found: SchemaClass | None, attributes: Mapping[str, object]) -> str:
    """Return what the element is called in an error."""
    given = attributes.get("id")
    if not isinstance(given, str) or not given:
        return f"{found.name if found else 'an element'} without an id"
    shown = given if given.isprintable() and len(given) < _LONGEST_LABEL else shown_value(given)
    return f"{found.kind}/{shown}" if found and found.kind else shown


def _combined(label: str, mistakes: list[InvalidElementError]) -> InvalidElementError:
    first = mistakes[0]
    if len(mistakes) == 1:
        reason = f"{label}: {first.reason}"
    else:
        reason = f"{label} has several mistakes: {'; '.join(f'({number}) {each.reason}' for number, each in enumerate(mistakes, 1))}"
    return InvalidElementError(reason, slot=first.slot, value=first.value, allowed=first.allowed)


def _model(found: SchemaClass, values: Mapping[str, object], missing: list[str]) -> "NamedThing":
    models = importlib.import_module("modos.model._generated.models")
    model = getattr(models, found.name)
    built = model.model_construct(**{**values, **dict.fromkeys(missing)}) if missing else model(**values)
    return cast("NamedThing", built)


def _json(value: object) -> JSON:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return cast("JSON", value.value)
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return cast("JSON", value)


_LONGEST_LABEL = 80
