"""Whether what an object says is right: its elements by the schema, and the links between them.

Owns these findings, from the metadata alone. Asks no storage.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modos.errors import InvalidElementError, InvalidPathError, suggestion
from modos.model import LINK_SLOTS, ElementId, links_of, parse_element
from modos.model.ids import check_name
from modos.model.links import names_of
from modos.model.schema import CLASSES, DESCRIBABLE, ElementKind, SchemaClass, describable_class, shown_value
from modos.objects.checks.findings import Finding, finding
from modos.objects.checks.hierarchy import NAMELESS, has_class
from modos.objects.editing.files import data_path, directories_of, files_of
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT
from modos.storage.hierarchy.root import ZarrRoot

__all__ = ["element_groups", "own_place", "statement_findings", "unlinked_assays"]

type Attributes = Mapping[str, Any]

_UNSET: tuple[object, ...] = (None, "", [], ())
_UNTYPED = (
    "the object does not open until it has one, and a repair does not guess it: write it into {place} of "
    f"{ROOT_DOCUMENT}, where {ZARR_ROOT}/{{place}}/zarr.json may tell it still, or take both from a backup or a copy"
)
_SOME = "some"
"""An id that may be one, so that what is wrong with a slot is told apart from what is wrong with the id."""
_MOST_COMPARED = 20_000
"""Ids that are compared with those that are linked to, to find near ones: so many take a second."""


def statement_findings(url: str, root: ZarrRoot) -> Iterator[Finding]:
    """Yield what is wrong with the object's own slots and those of its elements.

    Parameters
    ----------
    url
        Address of the object.
    root
        What it says.
    """
    elements = element_groups(root)
    names = _Names(elements)
    own = own_place(url, root)
    yield from _of_slots(url, own, None, root.attributes)
    yield from _of_links(url, own, root.attributes, names)
    for path, document in root.members.items():
        kind, slash, name = path.partition("/")
        if document["node_type"] != "group" or not slash or "/" in name:
            continue
        attributes = document.get("attributes", {})
        element = next((each for each in (_element(path),) if each is not None), None)
        if element is None:
            if kind in LINK_SLOTS.values():
                what = f"{shown_value(name)} cannot be an id"
                yield finding("schema", path, what, url, remedy=NAMELESS, slot="id", value=name)
            continue
        yield from _of_slots(url, path, element, attributes)
        yield from _of_links(url, path, attributes, names)
    yield from _of_shared_files(url, elements)
    for element in unlinked_assays(root):
        what = f"is in the object, and has_assay of {own} does not link to it"
        yield finding("one-sided-link", str(element), what, url, slot="has_assay")


def own_place(url: str, root: ZarrRoot) -> str:
    """Return what the object itself is called in findings: its id, or the end of its address where that is lost."""
    known = root.attributes.get("id")
    return known if isinstance(known, str) else url.rstrip("/").rpartition("/")[2]


def element_groups(root: ZarrRoot) -> dict[ElementId, Attributes]:
    """Return the attributes of all groups that are elements by their place, whatever they say."""
    found = {
        _element(path): each.get("attributes", {})
        for path, each in root.members.items()
        if each["node_type"] == "group"
    }
    return {element: attributes for element, attributes in found.items() if element is not None}


def unlinked_assays(root: ZarrRoot) -> list[ElementId]:
    """Return the assays in the object that it does not link to."""
    value = root.attributes.get("has_assay")
    linked = {target for text in _listed(value) if (target := _target("has_assay", text)) is not None}
    return sorted(each for each in element_groups(root) if each.kind == "assay" and each not in linked)


def _of_slots(url: str, place: str, element: ElementId | None, attributes: Attributes) -> Iterator[Finding]:
    """Yield each slot that the schema refuses, with what it holds."""
    named = dict(attributes) if element is None else {**attributes, "id": element.name}
    for slot, value, reason in _mistakes(named, element):
        remedy = None if element is None or has_class(attributes) else _UNTYPED
        yield finding("schema", place, reason, url, remedy=remedy, slot=slot, value=value)
    stored = attributes.get("id")
    if element is not None and stored not in (None, element.name, place):
        what = f"id {shown_value(stored)} is stored, and an element is called as its group"
        yield finding("schema", place, what, url, slot="id", value=stored)
    try:
        json.dumps(attributes, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        yield finding("schema", place, "a slot holds a number or a character that JSON has not, such as NaN", url)
    try:
        data_path(attributes)
    except InvalidPathError as error:
        yield finding("schema", place, str(error), url, slot="data_path", value=attributes.get("data_path"))


def _mistakes(attributes: dict[str, Any], element: ElementId | None) -> Iterator[tuple[str, object, str]]:
    try:
        found = describable_class(attributes.get("@type"))
    except InvalidElementError as error:
        yield "@type", attributes.get("@type"), error.reason
        return
    if found.kind != (element.kind if element else None):
        where = f"{element.kind} elements" if element else "the object itself"
        right = ", ".join(each for each in DESCRIBABLE if CLASSES[each].kind == (element.kind if element else None))
        yield "@type", found.name, f"@type {found.name} is no class of {where}; it is one of {right}"
        return
    try:
        parse_element(attributes)
    except InvalidElementError:
        pass
    else:
        return
    for slot, value in attributes.items():
        if slot == "@type" or (slot in LINK_SLOTS and slot in found.slots):
            continue
        if reason := _mistake(found, slot, value):
            yield slot, value, reason
    for slot in sorted(found.required):
        if attributes.get(slot) in _UNSET:
            yield slot, None, f"{slot} is missing, which every {found.name} needs"


def _mistake(found: SchemaClass, slot: str, value: object) -> str:
    """Return why the schema refuses a slot, whatever the others hold; "" when it does not."""
    try:
        if slot == "id":
            check_name(value)
        else:
            parse_element({"@type": found.name, "id": _SOME, slot: value}, partial=True)
    except InvalidElementError as error:
        return error.reason.removeprefix(f"{found.kind}/{_SOME}: ").removeprefix(f"{_SOME}: ")
    return ""


class _Names:
    """What elements are called: looked up, since there may be as many links that lead nowhere as there are elements."""

    def __init__(self, elements: Iterable[ElementId]) -> None:
        self.elements = dict.fromkeys(elements)
        self._called: dict[str, list[ElementId]] = {}
        self._of_kind: dict[str, list[str]] = {}
        self._near: dict[ElementId, str] = {}
        self._comparisons = 0
        for each in self.elements:
            for name in names_of(each):
                self._called.setdefault(name, []).append(each)
            self._of_kind.setdefault(each.kind, []).append(str(each))

    def of_other_kinds(self, text: str, kind: ElementKind) -> list[ElementId]:
        """Return the elements of this name, bare or full, that are of another kind."""
        return sorted(each for each in self._called.get(text, ()) if each.kind != kind)

    def near(self, target: ElementId) -> str:
        """Return which ids may be meant by one that is none, as words to be added; nothing once many were compared."""
        known = self._of_kind.get(target.kind, [])
        if target not in self._near and self._comparisons + len(known) <= _MOST_COMPARED:
            self._comparisons += len(known)
            self._near[target] = suggestion(str(target), known)
        return self._near.get(target, "")


def _of_links(url: str, place: str, attributes: Attributes, names: _Names) -> Iterator[Finding]:
    """Yield links that lead nowhere, or to an element of another kind."""
    for slot, kind in LINK_SLOTS.items():
        for text in _listed(attributes.get(slot)):
            target = _target(slot, text)
            if target in names.elements:
                continue
            others = names.of_other_kinds(str(text), kind)
            if target is None or others:
                is_what = f", which is {others[0]}" if others else ""
                what = f"{slot} links to {kind} elements, and {shown_value(text)} is none{is_what}"
                yield finding("wrong-link", place, what, url, slot=slot, value=text)
            else:
                what = f"{slot} links to {shown_value(text)}, which is not in the object{names.near(target)}"
                yield finding("dangling-link", place, what, url, slot=slot, value=text)


def _of_shared_files(url: str, elements: Mapping[ElementId, Attributes]) -> Iterator[Finding]:
    """Yield elements whose file is that of another, or is in the directory of another."""
    owners: dict[str, ElementId] = {}
    for name, element in sorted((name, each) for each in elements for name in files_of(elements[each])[:1]):
        shared = next((each for each in (name, *directories_of(name)) if each in owners), None)
        if shared is None:
            owners[name] = element
            continue
        where = "is" if shared == name else f"is in {shown_value(shared)},"
        what = f"data_path {shown_value(name)} {where} that of {owners[shared]} as well"
        yield finding("shared-file", str(element), what, url, slot="data_path", value=name)


def _element(path: str) -> ElementId | None:
    try:
        return ElementId.parse(path)
    except InvalidElementError:
        return None


def _target(slot: str, text: object) -> ElementId | None:
    try:
        return links_of({slot: text})[0].target
    except (InvalidElementError, IndexError):
        return None


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
