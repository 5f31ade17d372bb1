"""How one slot was changed: from a value to another, or, where it holds links, by members that came and went.

Owns when such a change fits what the slot holds now, and its form in a record. Must not know elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from modos.model import LINK_SLOTS

__all__ = ["Links", "Slot", "SlotDelta", "change_of_slot", "read_slot_change"]

type Placed = tuple[int | None, str]
"""A member of a list, and its place; `None` for one that has only other such members behind it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that went from one value to another; `None` for unset.

    Attributes
    ----------
    before, after
        The values.
    """

    before: Any
    after: Any

    def inverse(self) -> Self:
        """Return the way back."""
        return type(self)(self.after, self.before)

    @property
    def is_more_than_removal(self) -> bool:
        """Whether it is lost when the element is gone."""
        return True

    @property
    def shown(self) -> object:
        """What it was to be."""
        return self.after

    def fits(self, value: object) -> bool:
        """Tell whether the slot holds what it held before the change, or holds after it."""
        return value in (self.before, self.after)

    def made_in(self, value: object) -> object:  # noqa: ARG002 - what fits is replaced
        """Return what the slot holds then."""
        return self.after

    def dump(self) -> object:
        """Return it as JSON takes it."""
        return [self.before, self.after]


@dataclass(frozen=True, slots=True)
class Links:
    """Links that came and went.

    Attributes
    ----------
    added, removed
        The links as they are written, with their places in the list after and before.
    """

    added: tuple[Placed, ...] = ()
    removed: tuple[Placed, ...] = ()

    def inverse(self) -> Self:
        """Return the way back."""
        return type(self)(self.removed, self.added)

    @property
    def is_more_than_removal(self) -> bool:
        """Whether it is lost when the element is gone."""
        return bool(self.added)

    @property
    def shown(self) -> object:
        """What it was to have."""
        return [member for _, member in self.added] or None

    def fits(self, value: object) -> bool:
        """Tell whether the slot holds links."""
        return _members(value) is not None

    def made_in(self, value: object) -> object:
        """Return what the slot holds then."""
        gone = {member for _, member in self.removed}
        members = [each for each in _members(value) or () if each not in gone]
        there = set(members)
        for place, member in self.added:
            if member not in there:
                members.insert(len(members) if place is None else place, member)
        return members or None

    def dump(self) -> object:
        """Return it as JSON takes it."""
        return {"added": [list(each) for each in self.added], "removed": [list(each) for each in self.removed]}


type SlotDelta = Slot | Links


def change_of_slot(slot: str, before: Any, after: Any) -> SlotDelta:  # noqa: ANN401 - whatever JSON holds
    """Return how a slot was changed.

    Examples
    --------
    >>> change_of_slot("sex", None, "Male")
    Slot(before=None, after='Male')
    >>> change_of_slot("has_sample", ["sample/a"], ["sample/a", "sample/b"])
    Links(added=((None, 'sample/b'),), removed=())
    """
    if slot in LINK_SLOTS and not isinstance(before, str) and not isinstance(after, str):
        old, new = _members(before), _members(after)
        if old is not None and new is not None:
            came, went = set(new).difference(old), set(old).difference(new)
            if [each for each in old if each not in went] == [each for each in new if each not in came]:
                return Links(_placed(new, came), _placed(old, went))
    return Slot(before, after)


def read_slot_change(document: object) -> SlotDelta:
    """Read what `dump` returned.

    Raises
    ------
    ValueError
        When it is no change of a slot.
    """
    if isinstance(document, list) and len(document) == 2:  # noqa: PLR2004 - before and after
        return Slot(*document)
    if isinstance(document, dict) and document.keys() == {"added", "removed"}:
        return Links(*(tuple(map(_read_placed, document[key])) for key in ("added", "removed")))
    raise ValueError(document)


def _read_placed(entry: object) -> Placed:
    match entry:
        case [int() | None as place, str() as member]:
            return place, member
    raise ValueError(entry)


def _members(value: object) -> Sequence[str] | None:
    """Return the links in a slot, `None` when it holds something else, or one link twice."""
    members = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(members, list) or not {str}.issuperset(map(type, members)):
        return None
    return members if len(set(members)) == len(members) else None


def _placed(members: Sequence[str], wanted: set[str]) -> tuple[Placed, ...]:
    end = len(members)
    while end and members[end - 1] in wanted:
        end -= 1
    return tuple(
        (position if position < end else None, member) for position, member in enumerate(members) if member in wanted
    )
