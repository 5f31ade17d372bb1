"""What an edit comes to: what an object said, what it will say, and which files and groups that takes.

Owns the values that planning hands over to committing, and how a date is written. Decides nothing and writes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from modos.model import ElementId
from modos.model.schema import CHECKSUM, DATA_PATH, LAST_UPDATE
from modos.objects.editing.files import Attachment, directories_of, files_of
from modos.objects.mentions import differing
from modos.objects.snapshot import Attributes, Snapshot
from modos.storage import Storage

__all__ = ["Change", "NewArray", "dated", "now"]


class NewArray(Protocol):
    """An array, or a group of arrays, that is to stand in an element's group."""

    @property
    def path(self) -> str:
        """Its path in the hierarchy: `"data/counts/matrix"`."""

    @property
    def documents(self) -> Mapping[str, Attributes]:
        """Its own document and those of all that is nested in it, by path in the hierarchy."""

    @property
    def replaces(self) -> Literal["nothing", "all", "part"]:
        """What it takes the place of: nothing, an array that goes, or one that it is the continuation of.

        All of them are written beforehand, so what readers of the earlier array see must stay as it is.
        """

    def write(self, storage: Storage) -> None:
        """Store its files, documents and chunks alike."""

    def written(self) -> list[str]:
        """Return the files that `write` has stored."""

    def take_back(self, storage: Storage) -> None:
        """Remove what `write` has stored, but nothing that an earlier array needs."""

    def left_behind(self) -> list[str]:
        """Return the files of an earlier array that nothing needs once the edit is made."""


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
    arrays
        Arrays to write.
    array_moves
        Paths in the hierarchy of elements that are renamed, from and to: what is nested in their groups goes along.
    obsolete_arrays
        Paths in the hierarchy of arrays that go, of elements that stay.
    dropped
        Names of single files that go, whichever element they belong to, unless one has it as its `data_path`.
    renamed
        Elements that have another id, from and to.
    restored
        Files of the object to copy within it, from and to: an earlier edit put them aside.
    purged
        Values of `data_path`, and paths in the hierarchy, whose files are not kept when they go.
    """

    base: Snapshot
    result: Snapshot
    written: tuple[ElementId, ...] = ()
    removed: tuple[ElementId, ...] = ()
    attachments: tuple[tuple[ElementId, Attachment], ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    obsolete: tuple[str, ...] = ()
    arrays: tuple[NewArray, ...] = ()
    array_moves: tuple[tuple[str, str], ...] = ()
    obsolete_arrays: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    renamed: tuple[tuple[ElementId, ElementId], ...] = ()
    restored: tuple[tuple[str, str], ...] = ()
    purged: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        files = self.attachments or self.moves or self.arrays or self.restored or self.dropped
        return self.says_nothing_new and not files

    @property
    def says_nothing_new(self) -> bool:
        """Whether the object says all this already, whenever it was last changed."""
        if not self.base.exists:
            return False
        before, after = self.base, self.result
        undated, known = ({**each.attributes, LAST_UPDATE: None} for each in (after, before))
        if undated != known or differing(before.others, after.others):
            return False
        return not differing(before.elements, after.elements)

    def digests(self, said: Snapshot) -> dict[str, str | None]:
        """Return the files of elements that it is about, as one state has them, each with its checksum, `None` where none is said."""
        touched = {*self.written, *self.removed, *(element for element, _ in self.attachments)}
        there = [said.elements[each] for each in touched if each in said.elements]
        return {name: each.get(CHECKSUM) for each in there for name in files_of(each)[:1]}

    def had(self, names: Iterable[str]) -> bool:
        """Tell whether some of these files belonged to elements that it is about."""
        known = {name for path in self.digests(self.base) for name in files_of({DATA_PATH: path})}
        return any(name in known or not known.isdisjoint(directories_of(name)) for name in names)

    @property
    def leaves_something(self) -> bool:
        """Whether there may be files that nothing describes once it is made."""
        return bool(self.removed or self.obsolete or self.dropped or self.obsolete_arrays or self.arrays)


def dated(attributes: Attributes, when: datetime | None = None) -> Attributes:
    """Return attributes of an object that say when it was changed; `None` for now."""
    return {**attributes, LAST_UPDATE: now(when)}


def now(when: datetime | None = None) -> str:
    """Return a moment, `None` for this one, as slots hold it: in UTC and whole seconds."""
    return (when or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0).isoformat()
