"""What differs between two states of an object: elements slot by slot, arrays, and files with their sizes.

Owns `Difference`, which every plan, edit and comparison of versions is told with, and its one rendering. Must not know
how a difference came about: it reads two snapshots and changes nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from modos.model.schema import LAST_UPDATE, OBJECT_CLASS, SLOTS, shown_value
from modos.objects.snapshot import Attributes, Snapshot

__all__ = ["ArrayChange", "Difference", "ElementChange", "FileChange", "FileKind", "SlotChange", "slot_order"]

type Kind = Literal["added", "changed", "removed"]
type FileKind = Literal["stored", "replaced", "renamed", "removed"]

_SIGNS: Mapping[str, str] = {
    "added": "+",
    "stored": "+",
    "changed": "~",
    "replaced": "~",
    "renamed": "~",
    "removed": "-",
}
_MOST_SHOWN = 10
"""Values of one list that are written for people; programs get all."""


@dataclass(frozen=True, slots=True)
class SlotChange:
    """One slot that has another value.

    Attributes
    ----------
    slot
        Its name; `@type` for the class.
    before, after
        As stored; `None` where it is not set.
    """

    slot: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.slot}: {_shown(self.after)}"
        if self.after is None:
            return f"{self.slot}: {_shown(self.before)} -> not set"
        if isinstance(self.before, list) and isinstance(self.after, list):
            before, after = {*map(str, self.before)}, {*map(str, self.after)}
            moves = [f"- {_shown(each)}" for each in self.before if str(each) not in after]
            moves += [f"+ {_shown(each)}" for each in self.after if str(each) not in before]
            stayed = [str(each) for each in self.before if str(each) in after]
            is_told = stayed == [str(each) for each in self.after if str(each) in before]
            if moves and is_told:  # not where what stayed has another order, or is there more often
                return f"{self.slot}: {_listed(moves)}"
        return f"{self.slot}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class ElementChange:
    """An element, or the object itself, that is new, says something else, or is gone.

    Attributes
    ----------
    id
        Full id of the element; the object's own id for the object.
    kind
        `added`, `changed` or `removed`.
    type
        Its class, as it is now; of a removed one as it was.
    slots
        What differs: all that is set of one that is new or gone.
    """

    id: str
    kind: Kind
    type: str
    slots: tuple[SlotChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ArrayChange:
    """An array that is new, has another shape or type, or is gone.

    Attributes
    ----------
    path
        Where it is in the hierarchy: `data/counts/values`.
    kind
        `added`, `changed` or `removed`.
    before, after
        Shape and type, `(20, 3) float64`; `None` where there is no array.
    """

    path: str
    kind: Kind
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of the object that is new, has another content or name, or is gone.

    Attributes
    ----------
    path
        Its name in the object.
    kind
        `stored`, `replaced`, `renamed` or `removed`.
    bytes
        Its size, as it will be, or as it was for one that is removed; `None` when it is not known.
    element
        Full id of the element that it belongs to; "" when it belongs to none.
    source
        Where its content comes from: an address, or the former name; `None` for one that is removed.
    """

    path: str
    kind: FileKind
    bytes: int | None = None
    element: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two states of an object.

    Attributes
    ----------
    elements
        Those that differ: the object first, then by id.
    arrays
        Arrays that differ, by path.
    files
        Files that differ, by name; empty as well when only metadata was compared.

    Examples
    --------
    >>> before = Snapshot("ex", {"@type": "MODO", "id": "ex", "name": "Pilot"})
    >>> after = replace(before, attributes={**before.attributes, "name": "Study"})
    >>> print(Difference.between(before, after))
    ~ ex (MODO)
        name: 'Pilot' -> 'Study'
    """

    elements: tuple[ElementChange, ...] = ()
    arrays: tuple[ArrayChange, ...] = ()
    files: tuple[FileChange, ...] = ()

    @classmethod
    def between(cls, before: Snapshot, after: Snapshot, *, dates: bool = True) -> Self:
        """Compare what an object says at two moments, or what two objects say.

        Parameters
        ----------
        before, after
            Either may be a snapshot of an object that does not exist.
        dates
            Whether `last_update_date`, which every edit changes, counts.
        """
        said = [{**({} if not each.exists else {"": each.attributes}), **_by_name(each)} for each in (before, after)]
        if not dates and before.exists:
            said = [_undated(each) for each in said]
        name = str((after if after.exists else before).attributes.get("id", ""))
        changes = (_element_change(key or name, *_both(key, *said)) for key in sorted({*said[0], *said[1]}))
        arrays = [_arrays(each) for each in (before, after)]
        return cls(
            tuple(each for each in changes if each is not None),
            tuple(
                ArrayChange(path, _kind(old, new), old, new)
                for path in sorted({*arrays[0], *arrays[1]})
                for old, new in [_both(path, *arrays)]
                if old != new
            ),
        )

    def with_files(self, files: Iterable[FileChange]) -> Self:
        """Return the same difference with these changes of files, by name."""
        return replace(self, files=tuple(sorted(files, key=lambda each: each.path)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.elements or self.arrays or self.files)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    def to_json(self) -> str:
        """Return it as a JSON document."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def describe(self) -> str:
        """Return it for people, a line for each element, slot, array and file; "" when nothing differs."""
        return "\n".join(self.lines())

    def __str__(self) -> str:
        return self.describe()

    def lines(self) -> Iterator[str]:
        """Yield what `describe` joins; each line of a thing begins with `+`, `~` or `-`, lines of slots are indented."""
        for element in self.elements:
            yield f"{_SIGNS[element.kind]} {element.id} ({element.type})"
            if element.kind != "removed":
                yield from (f"    {slot}" for slot in element.slots)
        for array in self.arrays:
            shape = " -> ".join(filter(None, (array.before, array.after)))
            yield f"{_SIGNS[array.kind]} array {array.path}: {shape}"
        for file in self.files:
            size = "" if file.bytes is None else f" ({file.bytes:,} bytes)"
            former = f" from {file.source}" if file.kind == "renamed" else ""
            yield f"{_SIGNS[file.kind]} file {file.path}{size}: {file.kind}{former}"

    def summary(self) -> str:
        """Return the counts in one line.

        Examples
        --------
        >>> Difference((ElementChange("sample/s1", "added", "Sample"),)).summary()
        '1 added, 0 changed, 0 removed'
        """
        kinds = [each.kind for each in self.elements]
        told = [", ".join(f"{kinds.count(kind):,} {kind}" for kind in ("added", "changed", "removed"))]
        for kind in ("stored", "replaced", "renamed", "removed"):
            of_kind = [each for each in self.files if each.kind == kind]
            if of_kind:
                size = sum(each.bytes or 0 for each in of_kind)
                told.append(f"{len(of_kind):,} file{'s' if len(of_kind) > 1 else ''} {kind} ({size:,} bytes)")
        if self.arrays:
            told.append(f"{len(self.arrays):,} array{'s' if len(self.arrays) > 1 else ''}")
        return "; ".join(told)


def slot_order(slot: str) -> tuple[int, str]:
    """Return what sorts slots as the schema has them, `@type` first, unknown ones last.

    Examples
    --------
    >>> sorted(["sex", "name", "@type", "id"], key=slot_order)
    ['@type', 'id', 'name', 'sex']
    """
    return (_ORDER.get(slot, len(_ORDER)), slot)


_ORDER = {slot: number for number, slot in enumerate(("@type", *SLOTS))}


def _by_name(snapshot: Snapshot) -> dict[str, Attributes]:
    return {str(element): attributes for element, attributes in snapshot.elements.items()}


def _undated(said: dict[str, Attributes]) -> dict[str, Attributes]:
    own = {slot: value for slot, value in said.get("", {}).items() if slot != LAST_UPDATE}
    return {**said, "": own} if "" in said else said


def _element_change(id: str, before: Attributes | None, after: Attributes | None) -> ElementChange | None:  # noqa: A002
    if before == after:
        return None
    old, new = before or {}, after or {}
    names = sorted({*old, *new}, key=slot_order)
    slots = tuple(SlotChange(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))
    shown = slots if before and after else tuple(each for each in slots if each.slot not in {"@type", "id"})
    type_ = new.get("@type") or old.get("@type") or OBJECT_CLASS
    return ElementChange(id, _kind(before, after), type_, shown)


def _arrays(snapshot: Snapshot) -> dict[str, str]:
    return {
        path: f"({', '.join(map(str, document.get('shape', ())))}) {document.get('data_type')}"
        for path, document in snapshot.others.items()
        if document.get("node_type") == "array"
    }


def _both[T](key: str, before: Mapping[str, T], after: Mapping[str, T]) -> tuple[T | None, T | None]:
    return before.get(key), after.get(key)


def _kind(before: object, after: object) -> Kind:
    return "added" if before is None else "removed" if after is None else "changed"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{_listed([shown_value(each) for each in value[: _MOST_SHOWN + 1]], len(value))}]"
    return shown_value(value)


def _listed(texts: list[str], count: int | None = None) -> str:
    """Return texts with commas between them, the first ones where there are very many."""
    more = (len(texts) if count is None else count) - _MOST_SHOWN
    return ", ".join(texts if more <= 0 else [*texts[:_MOST_SHOWN], f"and {more:,} more"])
