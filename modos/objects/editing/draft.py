"""An edit as it is planned: elements added, updated and removed on top of what an object says.

Owns every check that an edit must pass, and what it comes to. Pure: reads which files there are to add, writes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from modos.errors import (
    DanglingLinkError,
    ElementExistsError,
    FileConflictError,
    InvalidElementError,
)
from modos.model import (
    ElementId,
    NamedThing,
    attributes_of,
    element_id,
    kind_of,
    link_slot_for,
    links_of,
    normalise_links,
    parse_element,
    with_link,
    without_links_to,
)
from modos.objects.editing.files import Attachment, FileNames, SourceFile, data_path, files_of
from modos.objects.snapshot import Attributes, Snapshot

__all__ = ["Change", "Draft", "dated"]

OBJECT_TYPE = "MODO"
_LAST_UPDATE = "last_update_date"


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit comes to.

    Attributes
    ----------
    base
        What the object said when the edit was planned.
    result
        What it will say; checksums of files that are still to be stored are missing in it.
    written
        Elements whose groups are to be written.
    removed
        Elements whose groups are to go.
    attachments
        Files to store, each with the element it belongs to.
    moves
        Values of `data_path` to rename, from and to; index files and what is in a directory go along.
    obsolete
        Values of `data_path` that are left behind: their files go once the edit is made, unless others need them.
    """

    base: Snapshot
    result: Snapshot
    written: tuple[ElementId, ...] = ()
    removed: tuple[ElementId, ...] = ()
    attachments: tuple[tuple[ElementId, Attachment], ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    obsolete: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.says_nothing_new and not self.attachments and not self.moves

    @property
    def says_nothing_new(self) -> bool:
        """Whether the object says all this already, whenever it was last changed."""
        if not self.base.exists:
            return False
        undated = {**self.result.attributes, _LAST_UPDATE: self.base.attributes.get(_LAST_UPDATE)}
        before = {**self.base.attributes, _LAST_UPDATE: self.base.attributes.get(_LAST_UPDATE)}
        return undated == before and replace(self.result, attributes=self.base.attributes) == self.base

    def is_in(self, said: Snapshot) -> bool:
        """Whether the edit, once made, has not been undone by a writer who did not know of it."""
        before, after = self.base, self.result
        elements = (
            said.elements.get(each) == after.elements[each] or said.elements.get(each) != before.elements.get(each)
            for each in self.written
        )
        others = (path in said.others for path in after.others.keys() - before.others.keys())
        attributes = (
            said.attributes.get(slot) == value or said.attributes.get(slot) != before.attributes.get(slot)
            for slot, value in after.attributes.items()
        )
        return said.exists and all((*elements, *others, *attributes)) and not {*self.removed} & said.elements.keys()


class Draft:
    """An edit being planned.

    Parameters
    ----------
    base
        What the object says now.
    """

    def __init__(self, base: Snapshot) -> None:
        self._base = base
        self._attributes = dict(base.attributes)
        self._elements: dict[ElementId, Attributes] = dict(base.elements)
        self._attachments: dict[ElementId, list[Attachment]] = {}
        self._moves: dict[str, str] = {}
        self._obsolete: dict[str, None] = {}

    # -- what can be asked for --------------------------------------------------------------------------------------

    def describe(self, new: Mapping[str, object] | NamedThing) -> None:
        """Set slots of the object itself; `None` in a mapping unsets one. The dates of a new one are now by default.

        Raises
        ------
        InvalidElementError
            When the schema refuses them, or the id would change.
        """
        given = _given(new)
        if given.get("@type", OBJECT_TYPE) != OBJECT_TYPE:
            reason = f"the object itself is a {OBJECT_TYPE}; it cannot become {given['@type']!r}"
            raise InvalidElementError(reason, slot="@type", value=given["@type"])
        if self._base.exists and given.get("id", self._base.id) != self._base.id:
            reason = f"the object is {self._base.id!r}; its id cannot be changed to {given['id']!r}"
            raise InvalidElementError(reason, slot="id", value=given["id"])
        dates = {} if self._base.exists else {"creation_date": _now(), _LAST_UPDATE: _now()}
        merged = _merged({"@type": OBJECT_TYPE, **dates, **self._attributes}, given)
        self._attributes = normalise_links(attributes_of(parse_element(merged)))

    def add(self, element: Mapping[str, object] | NamedThing, source: SourceFile | None = None) -> ElementId:
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
        model = parse_element(given)
        found = element_id(model)
        if found in self._elements:
            raise ElementExistsError(str(found))
        self._elements[found] = normalise_links(attributes_of(model))
        if source is not None:
            self._attach(found, source)
        return found

    def update(
        self, element: str | ElementId, new: Mapping[str, object] | NamedThing, source: SourceFile | None = None
    ) -> ElementId:
        """Set slots of an element, replace its file, or rename its file by a new `data_path`.

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
            reason = f"{found}: an id cannot be changed, here to {given['id']!r}; add the element anew"
            raise InvalidElementError(reason, slot="id", value=given["id"])
        merged = _merged(old, {**given, "id": found.name})
        if "@type" in given and _kind(given["@type"]) != found.kind:
            reason = f"{found}: cannot become {given['@type']!r}, which is no {found.kind} element"
            raise InvalidElementError(reason, slot="@type", value=given["@type"])
        if source is not None and "data_checksum" not in given:
            merged.pop("data_checksum", None)
        self._elements[found] = normalise_links(attributes_of(parse_element(merged)))
        if source is not None:
            self._attach(found, source)
        self._retire(found, old)
        return found

    def remove(self, element: str | ElementId) -> ElementId:
        """Remove an element, its files, what is nested in its group, and the links to it from all others.

        Raises
        ------
        ElementNotFoundError
            When there is none of this id.
        """
        found = self.resolve(element)
        self._obsolete.update(dict.fromkeys(files_of(self._elements.pop(found))[:1]))
        self._attachments.pop(found, None)
        self._attributes = without_links_to(self._attributes, found)
        for other, attributes in self._elements.items():
            kept = without_links_to(attributes, found)
            if kept != attributes:
                self._elements[other] = kept
        return found

    def link(self, part_of: str | ElementId, element: ElementId) -> None:
        """Make an element a part of another, or of the object when its id is given.

        Raises
        ------
        ElementNotFoundError
            When there is no such owner.
        InvalidElementError
            When owners of this class have no such parts.
        """
        if str(part_of) == self._attributes.get("id"):
            self._attributes = with_link(self._attributes, link_slot_for(OBJECT_TYPE, element.kind), element)
            return
        owner = self.resolve(part_of)
        attributes = self._elements[owner]
        self._elements[owner] = with_link(attributes, link_slot_for(attributes["@type"], element.kind), element)

    def resolve(self, element: str | ElementId) -> ElementId:
        """Return the full id of an element; see `Snapshot.resolve`."""
        return replace(self._base, elements=self._elements).resolve(element)

    # -- what it comes to -------------------------------------------------------------------------------------------

    def change(self) -> Change:
        """Return what the edit comes to, once all of it has been checked.

        Raises
        ------
        DanglingLinkError
            When a link that the edit brings names an element that is not there.
        FileConflictError
            When a file would take the name of another element's.
        """
        written = tuple(sorted(each for each, said in self._elements.items() if said != self._base.elements.get(each)))
        removed = tuple(sorted(self._base.elements.keys() - self._elements.keys()))
        self._check_links(written)
        self._check_files(written)
        gone = tuple(f"{each}/" for each in removed)
        result = replace(
            self._base,
            attributes=self._attributes,
            elements=dict(self._elements),
            others={path: document for path, document in self._base.others.items() if not path.startswith(gone)},
            exists=True,
        )
        change = Change(
            base=self._base,
            result=result,
            written=written,
            removed=removed,
            attachments=tuple((each, file) for each, files in self._attachments.items() for file in files),
            moves=tuple(self._moves.items()),
            obsolete=tuple(self._obsolete),
        )
        if change.is_empty:
            return replace(change, result=self._base)
        return (
            replace(change, result=replace(result, attributes=dated(self._attributes))) if self._base.exists else change
        )

    def _attach(self, element: ElementId, source: SourceFile) -> None:
        attributes = self._elements[element]
        target = data_path(attributes)
        if target is None:
            reason = f"{element}: a {attributes['@type']} has no data_path, so no file can be added with it"
            raise InvalidElementError(reason, slot="data_path")
        self._attachments[element] = source.attachments(target)

    def _retire(self, element: ElementId, old: Attributes) -> None:
        """Note which files an update leaves behind, or takes along to a new `data_path`."""
        before, after = files_of(old)[:1], files_of(self._elements[element])[:1]
        if element in self._attachments or before != after:
            self._obsolete.update(dict.fromkeys(before))
        if element not in self._attachments and before != after:
            self._moves.update(zip(before, after, strict=False))

    def _check_links(self, written: Iterable[ElementId]) -> None:
        base = self._base
        owners = [(str(each), self._elements[each], base.elements.get(each, {})) for each in written]
        for owner, attributes, before in ((self._attributes.get("id", ""), self._attributes, base.attributes), *owners):
            if attributes == before:
                continue
            known_before = links_of(before)
            for link in links_of(attributes):
                if link.target not in self._elements and link not in known_before:
                    known = [str(each) for each in self._elements if each.kind == link.target.kind]
                    raise DanglingLinkError(str(link.target), link.slot, owner, known)

    def _check_files(self, written: Iterable[ElementId]) -> None:
        """Refuse names of files that another element has; two that an earlier writer let share one stay so."""
        base = self._base.elements
        fresh = {
            each for each in written if self._elements[each].get("data_path") != base.get(each, {}).get("data_path")
        }
        names = FileNames({each: said for each, said in self._elements.items() if each not in fresh})
        for element in sorted(fresh | self._attachments.keys()):
            own = [file.target for file in self._attachments.get(element, ())]
            path = data_path(self._elements[element]) if element in fresh else None
            for name in own if path is None else (path, *own):
                owner = names.owner(name, besides=element)
                if owner is not None:
                    raise FileConflictError(name, str(owner))
            if element in fresh:
                names.add(element, self._elements[element])


def _given(element: Mapping[str, object] | NamedThing) -> dict[str, object]:
    """Return what a caller sets: a mapping as it is, a model without what it leaves open."""
    if isinstance(element, Mapping):
        return dict(element)
    given = attributes_of(element)
    return {**given, "id": element.id}


def _merged(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    return {slot: value for slot, value in {**old, **new}.items() if value is not None}


def _kind(class_name: object) -> str:
    return kind_of(class_name) if isinstance(class_name, str) else ""


def _now() -> str:
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def dated(attributes: Attributes) -> Attributes:
    """Return attributes of an object that say it was changed now, in UTC and whole seconds."""
    return {**attributes, _LAST_UPDATE: _now()}
