"""What an edit comes to, from what has been asked for: groups to write, files that come and go, and whether all of it is sound.

Owns the state of a draft, and checking links and names of files. Pure; must not know what can be asked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from modos.errors import DanglingLinkError, FileConflictError, InvalidElementError
from modos.model import ElementId, links_of
from modos.model.links import names_of, new_links
from modos.objects.editing.change import Change, NewArray, dated
from modos.objects.editing.drafting.finding import Finder
from modos.objects.editing.files import Attachment, SourceFile, data_path, directories_of, files_of
from modos.objects.mentions import Table
from modos.objects.snapshot import Attributes, Lookup, Snapshot

__all__ = ["Plan", "naming"]


class Plan:
    """What an object will say, as far as it has been asked for.

    Parameters
    ----------
    base
        What the object says now.
    """

    def __init__(self, base: Snapshot) -> None:
        self._base = base
        self._attributes = dict(base.attributes)
        self._checked_attributes = self._attributes
        self._elements: Table[ElementId, Attributes] = Table(base.elements)
        self._others: Table[str, Attributes] = Table(base.others)
        self._origins: Table[ElementId, tuple[ElementId, ...]] = Table()
        self._attached: Table[ElementId, tuple[SourceFile, tuple[Attachment, ...]]] = Table()
        self._arrays: Table[str, NewArray] = Table()
        self._purged: Table[str, bool] = Table()
        self._gone_for_good: Table[str, bool] = Table()
        self._finder = Finder(base, self._elements, self._others)

    @property
    def gone_for_good(self) -> tuple[str, ...]:
        """Elements and paths of arrays that are removed, and of which nothing is to be kept."""
        return tuple(self._gone_for_good)

    def is_object(self, element: str | ElementId) -> bool:
        """Tell whether an id is that of the object itself."""
        return str(element) == self._attributes.get("id")

    def resolve(self, element: str | ElementId) -> ElementId:
        """Return the full id of an element; see `Snapshot.resolve`."""
        return self._finder.element(element) or self.said().resolve(element)

    # -- what it comes to -------------------------------------------------------------------------------------------

    @contextmanager
    def whole_step(self) -> Iterator[None]:
        """Check what is asked for in the block when it ends; when anything in it is refused, nothing of it is kept."""
        self.check()
        before = self._attributes
        try:
            yield
            self.check()
        except BaseException:
            self._attributes = before
            for table in self._tables():
                table.revert()
            raise

    def said(self) -> Snapshot:
        """Return what the object will say, as far as it is planned and without the new date; it changes with the draft."""
        return self._result(self._elements, self._others, lookup=Lookup())  # of its own, since the tables will change

    def check(self) -> None:
        """Check links and files of what was asked for since the last check.

        Raises
        ------
        DanglingLinkError
            When a link that the edit brings names an element that is not there.
        FileConflictError
            When a file would take the name of another element's.
        """
        earlier, own = self._elements.earlier, self._attributes.get("id", "")
        gone = {name for each in earlier if each not in self._elements for name in names_of(each)}
        if self._attributes != self._checked_attributes:
            new = new_links(self._attributes, self._checked_attributes, gone)
            self._check_links(own, new, self._base.attributes)
        for each in sorted(earlier.keys() & self._elements.keys()):
            new = new_links(self._elements[each], earlier[each] or {}, gone)
            before = next((self._base.elements[origin] for origin in self._origin(each)), {})
            self._check_links(str(each), new, before)
        self._check_files()
        self._checked_attributes = self._attributes
        for table in self._tables():
            table.settle()

    def change(self) -> Change:
        """Return what the edit comes to, once all of it has been checked; the draft is at its end, since the tables are handed over.

        Raises
        ------
        DanglingLinkError, FileConflictError
            As for `check`.
        """
        return self._change(self._elements, self._others)

    def change_so_far(self) -> Change:
        """Return the same while more can be asked for: tables of their own, whose making takes as long as they are large."""
        return self._change(Table.copy_of(self._elements), Table.copy_of(self._others))

    def _change(self, elements: Table[ElementId, Attributes], others: Table[str, Attributes]) -> Change:
        self.check()
        base = self._base
        touched = sorted(elements.touched)
        written = tuple(each for each in touched if each in elements and elements[each] != base.elements.get(each))
        removed = tuple(each for each in touched if each in base.elements and each not in elements)
        obsolete, moves = self._files_left(written, removed)
        result = self._result(elements, others, lookup=base.lookup)
        change = Change(
            base=base,
            result=result,
            written=written,
            removed=removed,
            attachments=tuple((each, file) for each, (_, files) in self._attached.items() for file in files),
            moves=moves,
            obsolete=obsolete,
            arrays=tuple(self._arrays.values()),
            array_moves=tuple(self._array_moves()),
            obsolete_arrays=tuple(self._arrays_left()),
            renamed=tuple((old, new) for new, origins in self._origins.items() for old in origins if old != new),
            purged=frozenset(self._purged),
        )
        if change.is_empty:
            return replace(change, result=base)
        return replace(change, result=replace(result, attributes=dated(self._attributes))) if base.exists else change

    # -- its parts --------------------------------------------------------------------------------------------------

    def _tables(self) -> "tuple[Table[Any, Any], ...]":
        return (
            self._elements,
            self._others,
            self._origins,
            self._attached,
            self._arrays,
            self._purged,
            self._gone_for_good,
        )

    def _origin(self, element: ElementId) -> tuple[ElementId, ...]:
        """Return the element of the base that one is now: itself, what it was renamed from, or none for a new one."""
        return self._origins.get(element, (element,) if element in self._base.elements else ())

    def _set(self, element: ElementId, attributes: Attributes) -> None:
        self._elements.put(element, attributes)
        self._finder.note_element(element, attributes)

    def _set_other(self, path: str, document: Attributes) -> None:
        self._others.put(path, document)
        self._finder.note_other(path, document)

    def _drop_array(self, path: str) -> None:
        for each in self._finder.beneath(path):
            self._others.drop(each)
            self._arrays.drop(each)

    def _result(
        self, elements: Mapping[ElementId, Attributes], others: Mapping[str, Attributes], *, lookup: Lookup
    ) -> Snapshot:
        return replace(
            self._base, attributes=self._attributes, elements=elements, others=others, exists=True, lookup=lookup
        )

    def _files_left(
        self, written: tuple[ElementId, ...], removed: tuple[ElementId, ...]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """Return the values of `data_path` that are left behind, and those that become others."""
        base = self._base.elements
        elsewhere = {origin for origins in self._origins.values() for origin in origins}
        gone = ({*removed} | self._origins.keys() & base.keys()) - elsewhere
        obsolete = dict.fromkeys(path for each in sorted(gone) for path in files_of(base[each])[:1])
        moves: dict[str, str] = {}
        for each in {**dict.fromkeys(written), **dict.fromkeys(self._attached)}:
            for origin in self._origin(each):
                before, after = files_of(base[origin])[:1], files_of(self._elements[each])[:1]
                if each in self._attached or before != after:
                    obsolete.update(dict.fromkeys(before))
                if each not in self._attached and before != after:
                    moves.update(zip(before, after, strict=False))
        return tuple(obsolete), tuple(moves.items())

    def _array_moves(self) -> Iterator[tuple[str, str]]:
        for each, origins in self._origins.items():
            for origin in origins:
                for path in self._finder.nested_in(each):
                    old = f"{origin}{path.removeprefix(str(each))}"
                    if path.count("/") == 2 and old in self._base.others and path not in self._arrays:  # noqa: PLR2004 - kind, name, array
                        yield old, path

    def _arrays_left(self) -> Iterator[str]:
        """Yield the topmost paths that stand no more; what a new array takes the place of goes with that.

        Those of elements that are no more of this id go with their group.
        """
        for path in sorted(self._others.touched):
            parent = path.rpartition("/")[0]
            is_gone = path in self._base.others and path not in self._others
            is_topmost = parent in self._others or self._finder.element(parent) is not None
            if is_gone and is_topmost and not any(each in self._arrays for each in directories_of(path)):
                yield path

    def _check_links(self, owner: str, new: Attributes, before: Attributes) -> None:
        """Refuse new links to what is not there; those that dangled before the edit stay."""
        with naming(owner):
            missing = [link for link in links_of(new) if link.target not in self._elements]
            known_before = links_of(before) if missing else []
        for link in missing:
            if link not in known_before or link.target in self._base.elements:
                known = [str(each) for each in self._elements if each.kind == link.target.kind]
                raise DanglingLinkError(str(link.target), link.slot, owner, known)

    def _check_files(self) -> None:
        """Refuse names of files that another element has; two that an earlier writer let share one stay so."""
        touched = self._elements.earlier
        paths = {each: (before or {}).get("data_path") for each, before in touched.items()}
        moved = {each for each in paths if self._elements.get(each, {}).get("data_path") != paths[each]}
        asked = sorted((moved | self._attached.earlier.keys()) & self._elements.keys())
        waiting = {*moved}
        for each in asked:
            waiting.add(each)
            own = [file.target for file in self._attached[each][1]] if each in self._attached else []
            path = data_path(self._elements[each]) if each in moved else None
            for name in own if path is None else (path, *own):
                owner = self._finder.names.owner(name, besides=waiting)
                if owner is not None:
                    raise FileConflictError(name, str(owner))
            waiting.discard(each)


@contextmanager
def naming(owner: str) -> Iterator[None]:
    """Say of a refused slot whose it is."""
    try:
        yield
    except InvalidElementError as error:
        about = f"{owner}: {error.reason}"
        raise InvalidElementError(about, slot=error.slot, value=error.value, allowed=error.allowed) from error
