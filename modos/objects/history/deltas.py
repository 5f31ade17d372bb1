"""What an edit changed, slot by slot, and the rules by which it is made part of what others wrote meanwhile.

Owns the difference of two snapshots, its inverse, and what is a clash. Pure: asks no storage and knows no record.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from modos.errors import InvalidElementError
from modos.model import LINK_SLOTS, ElementId, links_of, without_links_to
from modos.model.ids import possible_ids
from modos.model.links import with_links_renamed
from modos.model.schema import LAST_UPDATE
from modos.objects.history.slots import Links, SlotDelta, change_of_slot
from modos.objects.mentions import Table, differing
from modos.objects.snapshot import Attributes, Snapshot

__all__ = ["PURGED", "Clash", "Delta", "applied", "difference"]


PURGED = "purged"
"""Stands, alone, for what an element has said of which nothing is kept; and in the notes of records that are about it."""

type _Slots = Mapping[str, SlotDelta]
type _Document = Attributes | None


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that an edit wanted, and that another has made different.

    Attributes
    ----------
    place
        Id of the element or of the object, or path of an array.
    slot
        The slot; `None` for the whole element or array.
    ours, theirs
        What the edit wanted and what there is; `None` for nothing.
    """

    place: str
    slot: str | None
    ours: object
    theirs: object


@dataclass(frozen=True, slots=True)
class Delta:
    """What an edit changed. When the object was last changed is no part of it.

    Attributes
    ----------
    object
        Slots of the object itself.
    added, removed
        Elements that came and went, whole.
    changed
        Slots of elements that stayed.
    documents
        Documents of arrays and groups in elements, before and after, by path; `None` for none.
    dangling
        Elements that were not there, and to which those that came or went linked nevertheless.
    renamed
        Elements that went and came under another id, from and to.
    between
        The two states whose difference it is, where these are at hand, so that what is made of the one is known; `None` for
        what was read from a record.
    """

    object: _Slots = field(default_factory=dict)
    added: Mapping[ElementId, Attributes] = field(default_factory=dict)
    removed: Mapping[ElementId, Attributes] = field(default_factory=dict)
    changed: Mapping[ElementId, _Slots] = field(default_factory=dict)
    documents: Mapping[str, tuple[_Document, _Document]] = field(default_factory=dict)
    dangling: frozenset[ElementId] = frozenset()
    renamed: Mapping[ElementId, ElementId] = field(default_factory=dict)
    between: tuple[Snapshot, Snapshot] | None = field(default=None, compare=False, repr=False)

    def inverse(self) -> "Delta":
        """Return what undoes it."""
        return Delta(
            {slot: change.inverse() for slot, change in self.object.items()},
            {each: said for each, said in self.removed.items() if PURGED not in said},
            self.added,
            {each: {slot: change.inverse() for slot, change in slots.items()} for each, slots in self.changed.items()},
            {path: (after, before) for path, (before, after) in self.documents.items()},
            self.dangling,
            {new: old for old, new in self.renamed.items()},
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was changed."""
        return not (self.object or self.added or self.removed or self.changed or self.documents)

    @property
    def elements(self) -> set[ElementId]:
        """All elements that were added, removed or changed."""
        return {*self.added, *self.removed, *self.changed}

    @property
    def needed(self) -> set[ElementId]:
        """The elements that were there after it and that taking it back is about: to be removed or changed, in slots, links or arrays."""
        slots = chain(self.object.items(), *(each.items() for each in self.changed.values()))
        links = {
            target
            for slot, change in slots
            if isinstance(change, Links)
            for _, member in (*change.added, *change.removed)
            if (target := _target(slot, member)) is not None
        }
        links |= {target for said in self.removed.values() for _, target in _links(said)}
        owners = {owner for path in self.documents if (owner := _owner(path)) is not None}
        return {*self.added, *self.changed, *owners, *links} - self.removed.keys()


def difference(before: Snapshot, after: Snapshot) -> Delta:
    """Return what was changed between two states of an object."""
    old, new = before.elements, after.elements
    elements, paths = differing(old, new), sorted(differing(before.others, after.others))
    own = _changes(before.attributes, after.attributes)
    if before.exists:
        own.pop(LAST_UPDATE, None)
    added = {each: new[each] for each in elements if each not in old}
    removed = {each: old[each] for each in elements if each not in new}
    return Delta(
        own,
        added,
        removed,
        {each: _changes(old[each], new[each]) for each in elements if each in old and each in new},
        {path: (before.others.get(path), after.others.get(path)) for path in paths},
        frozenset([*_dangling(added, new), *_dangling(removed, old)]),
    )


def applied(delta: Delta, said: Snapshot) -> tuple[Snapshot, tuple[Clash, ...]]:
    """Make an edit part of what an object says.

    What was changed to the same already is left. What clashes is left as it is and told: a slot with another value than
    before the edit and after it, an element that is there with other content or has been changed before its removal, arrays
    in it too, a slot or another id of an element that is gone, a link to one that was there before the edit. Links are
    members of a set, so that adding and removing others does not clash. Links to elements that the edit removes go, whoever
    made them; those of others to what it renames clash, since these may be taken back, and go along.

    Returns
    -------
    tuple of Snapshot and Clash
        The new state, and what did not become part of it.
    """
    if delta.between is not None and said.holds_the_same_as(delta.between[0]):
        after = delta.between[1]
        return replace(said, attributes=after.attributes, elements=after.elements, others=after.others, exists=True), ()
    lost = {
        new: old
        for old, new in delta.renamed.items()
        if new in delta.added and said.elements.keys().isdisjoint((old, new))
    }
    clashes = [Clash(str(old), None, delta.added[new], None) for new, old in lost.items()]
    work = _Work(Table(said.elements), Table(said.others), clashes)
    work.remove(delta.removed, delta.documents, said)
    staying = {each for each in delta.removed if each in work.elements}
    work.add({each: added for each, added in delta.added.items() if each not in lost}, delta.dangling)
    for element, slots in delta.changed.items():
        work.change(element, slots)
    attributes = work.changed(str(said.attributes.get("id", "")), said.attributes, delta.object)
    documents = delta.documents.items()
    work.replace_documents({path: pair for path, pair in documents if not staying or _owner(path) not in staying})
    gone = {each: delta.renamed.get(each) for each in delta.removed if each not in work.elements}
    if gone:
        owners = {*delta.added, *delta.changed, *chain.from_iterable(map(said.linking_to, gone))}
        paths = {*delta.documents, *chain.from_iterable(map(said.arrays_of, gone))}
        attributes = work.without_ties(attributes, gone, owners, paths)
    result = replace(said, attributes=attributes, elements=work.elements, others=work.others, exists=True)
    return result, tuple(work.clashes)


@dataclass(frozen=True, slots=True)
class _Work:
    """A state in which an edit is being made."""

    elements: Table[ElementId, Attributes]
    others: Table[str, Attributes]
    clashes: list[Clash]

    def remove(
        self,
        removed: Mapping[ElementId, Attributes],
        documents: Mapping[str, tuple[_Document, _Document]],
        said: Snapshot,
    ) -> None:
        """Take elements out, unless others have changed them meanwhile, or what is nested in their groups."""

        def is_staying(element: ElementId) -> bool:
            return element in self.elements and element not in removed

        for element, before in removed.items():
            there = self.elements.get(element)
            if there is None:
                continue
            nested = {path: said.others[path] for path in said.arrays_of(element)}
            others = sorted(path for path in nested if nested[path] != documents.get(path, (None,))[0])
            is_same = there == before or _with_links_to(there, is_staying) == _with_links_to(before, is_staying)
            if PURGED in before or (is_same and not others):
                self.elements.drop(element)
            elif is_same:
                self.clashes.append(Clash(others[0], None, None, nested[others[0]]))
            else:
                self.clashes.append(Clash(str(element), None, None, there))

    def add(self, added: Mapping[ElementId, Attributes], dangling: frozenset[ElementId]) -> None:
        for element, said in added.items():
            there = self.elements.get(element)
            if there is None:
                self.elements.put(element, said)
            elif there != said:
                self.clashes.append(Clash(str(element), None, said, there))
        for element, said in added.items():
            if self.elements[element] is said:
                self.elements.put(element, self._with_known_links(str(element), said, dangling))

    def _with_known_links(self, place: str, said: Attributes, dangling: frozenset[ElementId]) -> Attributes:
        for slot, target in list(_links(said)):
            if target not in self.elements and target not in dangling:
                self.clashes.append(Clash(place, slot, str(target), None))
                said = without_links_to(said, target)
        return said

    def change(self, element: ElementId, slots: _Slots) -> None:
        there = self.elements.get(element)
        if there is not None:
            self.elements.put(element, self.changed(str(element), there, slots))
            return
        for slot, change in slots.items():
            if change.is_more_than_removal:
                self.clashes.append(Clash(str(element), slot, change.shown, None))

    def changed(self, place: str, said: Attributes, slots: _Slots) -> Attributes:
        """Return attributes with slots changed as far as they do not clash."""
        result = dict(said)
        for slot, wanted in slots.items():
            value = said.get(slot)
            if slot == LAST_UPDATE and value is not None:
                continue
            change = self._with_known_members(place, slot, wanted) if isinstance(wanted, Links) else wanted
            if not change.fits(value):
                self.clashes.append(Clash(place, slot, change.shown, value))
                continue
            value = change.made_in(value)
            if value is None:
                result.pop(slot, None)
            else:
                result[slot] = value
        if result == said:
            return said
        return {"@type": result.pop("@type"), **dict(sorted(result.items()))} if "@type" in result else result

    def _with_known_members(self, place: str, slot: str, change: Links) -> Links:
        """Return the change without links to elements that are not there, each of which is a clash."""
        targets = {member: _target(slot, member) for _, member in change.added}
        unknown = {member for member, target in targets.items() if target is None or target not in self.elements}
        self.clashes.extend(Clash(place, slot, member, None) for member in sorted(unknown))
        return (
            replace(change, added=tuple(each for each in change.added if each[1] not in unknown)) if unknown else change
        )

    def replace_documents(self, documents: Mapping[str, tuple[_Document, _Document]]) -> None:
        for path, (before, after) in documents.items():
            there = self.others.get(path)
            if there == after:
                continue
            if there != before or (after is not None and not self._is_in_element(path)):
                self.clashes.append(Clash(path, None, after, there))
            elif after is None:
                self.others.drop(path)
            else:
                self.others.put(path, after)

    def _is_in_element(self, path: str) -> bool:
        owner = _owner(path)
        return owner is None or owner in self.elements

    def without_ties(
        self, own: Attributes, gone: Mapping[ElementId, ElementId | None], owners: set[ElementId], paths: set[str]
    ) -> Attributes:
        """Take away what others have tied to removed elements meanwhile, or tie it to what these are called now.

        Returns the object's own attributes.

        Parameters
        ----------
        own
            The object's own attributes.
        gone
            The removed elements, each with its new id; `None` where it has none.
        owners, paths
            Elements that may link to them, and what may be nested in their groups.
        """
        gone = {each: new if new in self.elements else None for each, new in gone.items()}
        for path in self.others.keys() & paths:
            if _owner(path) in gone:
                self.others.drop(path)
        for element in self.elements.keys() & owners:
            self.elements.put(element, self._untied(str(element), self.elements[element], gone))
        return self._untied(str(own.get("id", "")), own, gone)

    def _untied(self, place: str, said: Attributes, gone: Mapping[ElementId, ElementId | None]) -> Attributes:
        result = _unlinked(said, gone)
        if result is not said:
            ties = [(slot, old, new) for slot, old in _links(said) if (new := gone.get(old)) is not None]
            self.clashes.extend(Clash(place, slot, str(new), str(old)) for slot, old, new in ties)
        return result


def _changes(before: Attributes, after: Attributes) -> dict[str, SlotDelta]:
    slots = [slot for slot in {**before, **after} if before.get(slot) != after.get(slot)]
    return {slot: change_of_slot(slot, before.get(slot), after.get(slot)) for slot in sorted(slots)}


def _links(said: Mapping[str, Any]) -> Iterator[tuple[str, ElementId]]:
    for slot in LINK_SLOTS.keys() & said.keys():
        try:
            yield from ((link.slot, link.target) for link in links_of({slot: said[slot]}))
        except InvalidElementError:  # what another program wrote
            continue


def _dangling(said: Mapping[ElementId, Attributes], there: Container[ElementId]) -> Iterator[ElementId]:
    return (target for each in said.values() for _, target in _links(each) if target not in there)


def _target(slot: str, member: str) -> ElementId | None:
    return next((target for _, target in _links({slot: member})), None)


def _owner(path: str) -> ElementId | None:
    """Return the element in whose group something stands; `None` for none."""
    possible = possible_ids("/".join(path.split("/", 2)[:2])) if "/" in path else []
    return possible[0] if possible else None


def _unlinked(said: Attributes, gone: Mapping[ElementId, ElementId | None]) -> Attributes:
    """Return attributes without links to some elements, or with links to what these are called now."""
    targets = {target for _, target in _links(said)} if LINK_SLOTS.keys() & said.keys() else set()
    for target in [each for each in targets if each in gone]:  # set.intersection would go through all of a mapping
        new = gone[target]
        if new is None or new in targets:
            said = without_links_to(said, target)
        else:
            said = with_links_renamed(said, target, new)
    return said


def _with_links_to(said: Attributes, is_known: Callable[[ElementId], bool]) -> Attributes:
    """Return attributes without links to other elements than these."""
    return _unlinked(said, {target: None for _, target in _links(said) if not is_known(target)})
