"""Links between elements: which slots hold them, what they point to, how they are added, completed and removed.

Owns the forms that links take in stored attributes. Must not know whether the element that a link names exists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from modos.errors import InvalidElementError
from modos.model.ids import ElementId
from modos.model.schema import SLOTS, ElementKind, describable_class, shown_value
from modos.model.values import link_target, refusal

LINK_SLOTS: Mapping[str, ElementKind] = MappingProxyType(
    {name: slot.target for name, slot in sorted(SLOTS.items()) if slot.target is not None}
)
"""Slot that holds links to the kind of element that it links to."""


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """One link of an element.

    Parameters
    ----------
    slot
        Name of the slot that holds it.
    target
        The element it points to.
    """

    slot: str
    target: ElementId


def links_of(attributes: Mapping[str, object]) -> list[Link]:
    """Return the links in stored attributes, in the order they are written.

    Parameters
    ----------
    attributes
        Of one element or of the object; a link is a bare or full id, alone or in a list.

    Raises
    ------
    InvalidElementError
        When what stands in a link slot can be no link, or names an element of another kind.

    Examples
    --------
    >>> [str(link.target) for link in links_of({"@type": "MODO", "has_assay": "assay1"})]
    ['assay/assay1']
    """
    return [
        Link(slot, _target(slot, kind, text))
        for slot, kind in LINK_SLOTS.items()
        if slot in attributes
        for text in _listed(attributes[slot])
    ]


def new_links(
    attributes: Mapping[str, object], before: Mapping[str, object], gone: set[str] | frozenset[str] = frozenset()
) -> dict[str, object]:
    """Return the link slots of attributes with what they did not hold before, or is the name of an element that is gone.

    Examples
    --------
    >>> new_links({"has_sample": ["s1", "s2"], "has_data": "d1"}, {"has_sample": ["s1"]})
    {'has_data': ['d1'], 'has_sample': ['s2']}
    """
    found: dict[str, object] = {}
    for slot in LINK_SLOTS:
        if attributes.get(slot) is not before.get(slot) or gone:
            known = {text for text in _listed(before.get(slot)) if isinstance(text, str)} - gone
            found[slot] = [
                each for each in _listed(attributes.get(slot)) if not isinstance(each, str) or each not in known
            ]
    return {slot: links for slot, links in found.items() if links}


def normalise_links(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return the attributes with every link as a full id, in lists without repetition.

    Raises
    ------
    InvalidElementError
        As for `links_of`.

    Examples
    --------
    >>> normalise_links({"@type": "DataEntity", "has_sample": "sample1"})
    {'@type': 'DataEntity', 'has_sample': ['sample/sample1']}
    """
    found: dict[str, object] = {}
    for slot, value in attributes.items():
        if slot not in LINK_SLOTS:
            found[slot] = value
        elif links := [str(_target(slot, LINK_SLOTS[slot], text)) for text in _listed(value)]:
            found[slot] = list(dict.fromkeys(links))
    return found


def with_link(attributes: Mapping[str, object], slot: str, target: ElementId) -> dict[str, object]:
    """Return the attributes with a link added at the end of a slot, unless it is there in either form.

    Raises
    ------
    InvalidElementError
        When the slot links to other kinds of elements, or to none.

    Examples
    --------
    >>> with_link({"@type": "MODO", "has_assay": "assay1"}, "has_assay", ElementId("assay", "assay2"))
    {'@type': 'MODO', 'has_assay': ['assay1', 'assay/assay2']}
    """
    if LINK_SLOTS.get(slot) != target.kind:
        reason = f"{slot} does not link to {target.kind} elements, such as {target}"
        raise InvalidElementError(reason, slot=slot, value=str(target), allowed=LINK_SLOTS)
    present, names = _listed(attributes.get(slot)), names_of(target)
    added = [] if any(text in names for text in present) else [str(target)]
    return {**attributes, slot: [*present, *added]}


def without_links_to(attributes: Mapping[str, object], target: ElementId) -> dict[str, object]:
    """Return the attributes without the links to an element; text that merely equals its id stays.

    Links to other elements stay as they are written, even where they could not be read. A slot that is left without
    links is left out.

    Examples
    --------
    >>> stored = {"@type": "Assay", "name": "sample1", "has_sample": ["sample/sample1", "sample2"]}
    >>> without_links_to(stored, ElementId("sample", "sample1"))
    {'@type': 'Assay', 'name': 'sample1', 'has_sample': ['sample2']}
    """
    found: dict[str, object] = {}
    names = names_of(target)
    for slot, value in attributes.items():
        if LINK_SLOTS.get(slot) != target.kind:
            found[slot] = value
            continue
        kept = [text for text in _listed(value) if text not in names]
        if len(kept) == len(_listed(value)):
            found[slot] = value
        elif kept:
            found[slot] = kept
    return found


def with_links_renamed(attributes: Mapping[str, object], target: ElementId, renamed: ElementId) -> dict[str, object]:
    """Return the attributes with the links to an element naming it by a new id; text that merely equals its id stays.

    Examples
    --------
    >>> stored = {"@type": "Assay", "name": "s1", "has_sample": ["s1", "s2"]}
    >>> with_links_renamed(stored, ElementId("sample", "s1"), ElementId("sample", "probe"))
    {'@type': 'Assay', 'name': 's1', 'has_sample': ['sample/probe', 's2']}
    """
    found: dict[str, object] = {}
    names = names_of(target)
    for slot, value in attributes.items():
        if LINK_SLOTS.get(slot) != target.kind or not any(text in names for text in _listed(value)):
            found[slot] = value
        else:
            found[slot] = [str(renamed) if text in names else text for text in _listed(value)]
    return found


def link_names(attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what stored attributes link to; what can be no link is passed over.

    Examples
    --------
    >>> list(link_names({"@type": "MODO", "has_assay": ["assay1", "assay/a2", 7]}))
    [('assay', 'assay1'), ('assay', 'a2')]
    """
    for slot, kind in LINK_SLOTS.items():
        if slot in attributes:
            for text in _listed(attributes[slot]):
                if isinstance(text, str):
                    yield kind, text.removeprefix(f"{kind}/")


def link_slot_for(owner_class: str, child_kind: ElementKind) -> str:
    """Return the slot of a class that links to a kind of element: where a new part of it is entered.

    Parameters
    ----------
    owner_class
        Class of the element, or of the object, that gets the link.
    child_kind
        Kind of the element that is linked to.

    Raises
    ------
    InvalidElementError
        When the class has no such slot.

    Examples
    --------
    >>> link_slot_for("Assay", "sample"), link_slot_for("VariantSet", "reference")
    ('has_sample', 'has_reference')
    """
    links = {slot.target: slot.name for slot in describable_class(owner_class).slots.values() if slot.target}
    if child_kind in links:
        return links[child_kind]
    takes = f"it links to {' and '.join(sorted(links))} elements" if links else "it links to nothing"
    reason = f"{owner_class} cannot have {shown_value(child_kind)} elements as parts; {takes}"
    raise InvalidElementError(reason, value=child_kind, allowed=sorted(links.values()))


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _target(slot: str, kind: ElementKind, text: object) -> ElementId:
    if not isinstance(text, str):
        raise refusal(SLOTS[slot], text, "is no id; write it in quotes")
    return link_target(SLOTS[slot], text, kind)


def names_of(target: ElementId) -> tuple[str, str]:
    """Return the forms that a link to an element may have."""
    return target.name, str(target)
