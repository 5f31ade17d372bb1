"""What can be asked of an edit: elements added, updated, renamed and removed on top of what an object says.

Owns the checks that each request must pass. Pure: reads which files there are to add, writes nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modos._given import expect
from modos.errors import ElementExistsError, ElementNotFoundError, InvalidElementError, InvalidInputError
from modos.model import (
    ElementId,
    attributes_of,
    element_id,
    kind_of,
    link_slot_for,
    normalise_links,
    parse_element,
    with_link,
    without_links_to,
)
from modos.model.elements import as_mapping
from modos.model.links import with_links_renamed
from modos.model.schema import CHECKSUM, LAST_UPDATE, OBJECT_CLASS
from modos.objects.arrays.trees import whole_around
from modos.objects.editing.change import Change, NewArray, now
from modos.objects.editing.drafting.plan import Plan, naming
from modos.objects.editing.files import SourceFile, data_path, directories_of, files_of
from modos.objects.snapshot import Attributes

if TYPE_CHECKING:
    from modos.model import NamedThing

__all__ = ["Change", "Draft"]


class Draft(Plan):
    """An edit being planned.

    Parameters
    ----------
    base
        What the object says now.
    """

    # -- what can be asked for --------------------------------------------------------------------------------------

    def describe(self, new: "Mapping[str, object] | NamedThing") -> None:
        """Set slots of the object itself; `None` in a mapping unsets one. The dates of a new one are now by default.

        Raises
        ------
        InvalidElementError
            When the schema refuses them, or the id would change.
        """
        given = _given(new)
        if given.get("@type", OBJECT_CLASS) != OBJECT_CLASS:
            reason = f"the object itself is a {OBJECT_CLASS}; it cannot become {given['@type']!r}"
            raise InvalidElementError(reason, slot="@type", value=given["@type"])
        if self._base.exists and given.get("id", self._base.id) != self._base.id:
            reason = f"the object is {self._base.id!r}; its id cannot be changed to {given['id']!r}"
            raise InvalidElementError(reason, slot="id", value=given["id"])
        dates = {} if self._base.exists else {"creation_date": now(), LAST_UPDATE: now()}
        merged = _merged({"@type": OBJECT_CLASS, **dates, **self._attributes}, given)
        self._attributes = normalise_links(attributes_of(parse_element(merged)))

    def add(self, element: "Mapping[str, object] | NamedThing", source: SourceFile | None = None) -> ElementId:
        """Add an element, and its file when there is one to store.

        Raises
        ------
        InvalidElementError
            When the schema refuses it.
        InvalidPathError
            When its `data_path` leaves the object or falls into the metadata.
        ElementExistsError
            When its id is taken.
        """
        given = _given(element)
        if source is not None and given.get("data_path") is None:
            given["data_path"] = source.name
        if given.get("@type") == OBJECT_CLASS:
            kind_of(OBJECT_CLASS)  # which says that it is none, before anything is said of its slots
        model = parse_element(given)
        found = element_id(model)
        if found in self._elements:
            raise ElementExistsError(str(found))
        self._set(found, normalise_links(attributes_of(model)))
        self._origins.put(found, ())
        if source is not None:
            self._attach(found, source)
        return found

    def update(
        self, element: str | ElementId, new: "Mapping[str, object] | NamedThing", source: SourceFile | None = None
    ) -> ElementId:
        """Set slots of an element, replace its file, or rename its file by a new `data_path`.

        `None` unsets a slot: in a mapping, and in a model that was given it; what a model leaves open stays.

        Raises
        ------
        ElementNotFoundError
            When there is none of this id.
        InvalidElementError
            When the schema refuses the result, or id or kind would change.
        """
        found = self.resolve(element)
        old, given = self._elements[found], _given(new)
        if given.get("id", found.name) != found.name:
            reason = f"{found}: an id is not changed by an update, here to {given['id']!r}; rename the element"
            raise InvalidElementError(reason, slot="id", value=given["id"])
        merged = _merged(old, {**given, "id": found.name})
        if "@type" in given and _kind(given["@type"]) != found.kind:
            reason = f"{found}: cannot become {given['@type']!r}, which is no {found.kind} element"
            raise InvalidElementError(reason, slot="@type", value=given["@type"])
        if source is not None and CHECKSUM not in given:
            merged.pop(CHECKSUM, None)
        self._set(found, normalise_links(attributes_of(parse_element(merged))))
        if source is not None:
            self._attach(found, source)
        elif found in self._attached and self._elements[found].get("data_path") != old.get("data_path"):
            self._attach(found, self._attached[found][0])
        return found

    def remove(self, element: str | ElementId, *, purge: bool = False) -> ElementId:
        """Remove an element, its files, what is nested in its group, and the links to it from all others.

        Parameters
        ----------
        element
            Id of the element.
        purge
            Whether nothing of it is kept.

        Raises
        ------
        ElementNotFoundError
            When there is none of this id.
        """
        found = self.resolve(element)
        if purge:
            self.purge(found)
            for each in (found, *self._origin(found)):
                self._gone_for_good.put(str(each), value=True)
        for owner, attributes in self._finder.linking_to(found):
            self._set(owner, without_links_to(attributes, found))
        self._attributes = without_links_to(self._attributes, found)
        for path in self._finder.nested_in(found):
            self._drop_array(path)
        self._elements.drop(found)
        self._attached.drop(found)
        self._origins.drop(found)
        return found

    def rename(self, element: str | ElementId, name: str) -> ElementId:
        """Give an element another id; links to it, its file and what is nested in its group go along.

        Raises
        ------
        ElementNotFoundError
            When there is none of this id.
        InvalidElementError
            When the name cannot be an id.
        ElementExistsError
            When it is taken.
        """
        found = self.resolve(element)
        renamed = ElementId(found.kind, name)
        if renamed == found:
            return found
        if renamed in self._elements:
            raise ElementExistsError(str(renamed))
        nested = self._finder.nested_in(found)
        if not self._arrays.keys().isdisjoint(nested):
            reason = f"{found}: arrays are to be added to it in this edit; rename it first, then add them"
            raise InvalidInputError(reason)
        for owner, attributes in self._finder.linking_to(found):
            self._set(owner, with_links_renamed(attributes, found, renamed))
        self._attributes = with_links_renamed(self._attributes, found, renamed)
        for path in nested:
            self._set_other(f"{renamed}{path.removeprefix(str(found))}", self._others[path])
            self._others.drop(path)
        self._set(renamed, self._elements[found])
        self._elements.drop(found)
        self._origins.put(renamed, self._origin(found))
        self._origins.drop(found)
        if attached := self._attached.drop(found):
            self._attached.put(renamed, attached)
        return renamed

    def link(self, part_of: str | ElementId, element: str | ElementId) -> None:
        """Make an element a part of another, or of the object when its id is given.

        Raises
        ------
        ElementNotFoundError
            When there is no such owner, or no such element.
        InvalidElementError
            When owners of this class have no such parts.
        """
        found = self.resolve(element)
        owner = None if self.is_object(part_of) else self.resolve(part_of)
        attributes = self._attributes if owner is None else self._elements[owner]
        with naming(str(owner or part_of)):
            linked = with_link(attributes, link_slot_for(attributes["@type"], found.kind), found)
        self._put(owner, linked)

    def unlink(self, part_of: str | ElementId, element: str | ElementId) -> None:
        """Take away the links from an owner, or from the object, to an element; both stay.

        Raises
        ------
        ElementNotFoundError
            When there is no such owner, or no such element.
        InvalidElementError
            When there is no such link.
        """
        found = self.resolve(element)
        owner = None if self.is_object(part_of) else self.resolve(part_of)
        attributes = self._attributes if owner is None else self._elements[owner]
        kept = without_links_to(attributes, found)
        if kept == attributes:
            reason = f"{part_of} does not link to {found}"
            raise InvalidElementError(reason, value=str(found))
        self._put(owner, kept)

    def add_array(self, array: NewArray) -> None:
        """Add an array, or a group of arrays, to an element.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        ElementExistsError
            When there is something at its path that it is not to replace.
        InvalidInputError
            When this edit removes what is at its path: both would be stored there until it is made.
        """
        kind, _, rest = array.path.partition("/")
        element = self.resolve(f"{kind}/{rest.partition('/')[0]}")
        parent = array.path.rpartition("/")[0]
        while parent != str(element):
            if self._others.get(parent, {}).get("node_type") == "array":
                raise ElementExistsError(parent)
            parent = parent.rpartition("/")[0]
        if array.replaces == "nothing" and array.path in self._others:
            raise ElementExistsError(array.path)
        earlier = self._base.others
        above = (each for each in directories_of(array.path) if earlier.get(each, {}).get("node_type") == "array")
        there = array.path if array.path in earlier else next(above, None)
        if array.replaces == "nothing" and there is not None:
            reason = f"{there} is in the object until this edit has removed it; add {array.path} in another edit"
            raise InvalidInputError(f"{reason}, or let it take the place with overwrite=True instead of removing it")
        self._drop_array(array.path)
        for path, document in array.documents.items():
            self._set_other(path, document)
        self._arrays.put(array.path, array)

    def remove_array(self, element: str | ElementId, name: str, *, purge: bool = False) -> None:
        """Remove an array, or a group of arrays, from an element.

        Raises
        ------
        ElementNotFoundError
            When there is no such element, or it has no such array.
        InvalidInputError
            When it is a part of something that is nothing without it, such as a column of a table.
        """
        expect(name, str, "an array is named by text")
        found = self.resolve(element)
        path = f"{found}/{name}"
        if path not in self._others:
            raise ElementNotFoundError(path, self._finder.nested_in(found))
        if (whole := whole_around(self._others, path)) is not None:
            reason = f"{path} is a part of {whole}, which cannot be read without it; remove that, or add another in its place"
            raise InvalidInputError(reason)
        if purge:
            self._purged.put(path, value=True)
            for each in (found, *self._origin(found)):
                self._gone_for_good.put(f"{each}/{name}", value=True)
        self._drop_array(path)

    def purge(self, element: str | ElementId) -> None:
        """Let nothing be kept of the file and the arrays that an element has now, once this edit has replaced or removed them."""
        found = self.resolve(element)
        self._purged.put(str(found), value=True)
        for origin in self._origin(found):
            self._purged.put(str(origin), value=True)
            for path in files_of(self._base.elements[origin])[:1]:
                self._purged.put(path, value=True)

    # -- how it is noted -------------------------------------------------------------------------------------------------

    def _put(self, owner: ElementId | None, attributes: Attributes) -> None:
        if owner is None:
            self._attributes = attributes
        else:
            self._set(owner, attributes)

    def _attach(self, element: ElementId, source: SourceFile) -> None:
        attributes = self._elements[element]
        target = data_path(attributes)
        if target is None:
            reason = f"{element}: a {attributes['@type']} has no data_path, so no file can be added with it"
            raise InvalidElementError(reason, slot="data_path")
        self._attached.put(element, (source, tuple(source.attachments(target, self._base.url))))


def _given(element: "Mapping[str, object] | NamedThing") -> dict[str, object]:
    """Return what a caller sets: a mapping as it is, a model without what it leaves open."""
    if isinstance(element, Mapping) or not hasattr(type(element), "model_fields"):
        return as_mapping(element)
    unset = dict.fromkeys(slot for slot in element.model_fields_set if getattr(element, slot) in (None, []))
    return {**unset, **attributes_of(element), "id": element.id}


def _merged(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """Return slots as an edit leaves them; what it unsets without its being there is kept, to be known or refused."""
    return {slot: value for slot, value in {**old, **new}.items() if value is not None or slot not in old}


def _kind(class_name: object) -> str:
    return kind_of(class_name) if isinstance(class_name, str) else ""
