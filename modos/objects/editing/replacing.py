"""Files that an edit puts in the place of others: they wait beside, and take their places once the edit is sure to be made.

Owns where they wait, who lets them take their places, and what is brought back when the edit is not made after all. Must not
know what else an edit writes, nor where a new file comes from when it is no file of the object.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from modos.errors import ConflictError, IntegrityError, KeyNotFoundError
from modos.model.schema import CHECKSUM
from modos.objects.at_once import all_at_once
from modos.objects.editing.examining import digested, stat_if_any
from modos.objects.editing.files import Attachment, data_path
from modos.objects.history.commits import new_commit_id
from modos.objects.history.merging import built_upon
from modos.objects.history.records import Record, read_records, record_ids
from modos.objects.history.trash import KEPT, kept_files, place_of, put_copies_aside
from modos.objects.snapshot import Snapshot
from modos.storage import OWN_ROOT, ObjectInfo, Storage

__all__ = ["INCOMING", "Replacing", "complete_replacing", "is_waiting", "waiting_files"]

INCOMING = OWN_ROOT / "incoming"
"""Files that are to take the place of others, as soon as the edits that they are of are sure to be made."""


class Replacing:
    """What takes the place of other files in one edit.

    Nothing is written under their names before it is certain that no other edit, which clashes with this one, is made. So
    what an edit that gives way has stored is seen by nobody, and nothing has to be brought back.

    Parameters
    ----------
    storage
        The root of the object.

    Attributes
    ----------
    attachments
        Files to store, by the names that others have.
    restorations
        Files of the object to copy, each by the name that another has.
    digests
        The BLAKE2b of each, as far as known.
    aside
        The name under which they wait, and those others are put aside; `""` when there are none.
    """

    def __init__(self, storage: Storage) -> None:
        self.attachments: dict[str, Attachment] = {}
        self.restorations: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.aside = ""
        self._storage = storage
        self._there: dict[str, ObjectInfo | None] = {}
        self._placed: dict[str, ObjectInfo | None] = {}
        self._needed: set[str] = set()

    @property
    def names(self) -> list[str]:
        """The files that take the place of others, in order."""
        return sorted({*self.attachments, *self.restorations})

    @property
    def new(self) -> set[str]:
        """Those among them of whose names there was nothing: indexes of files, and parts of directories, that are replaced."""
        return {name for name in self.names if self._there.get(name, ...) is None}

    @property
    def stored(self) -> list[str]:
        """Where they wait, and where those others are put aside."""
        return [place(self.aside, name) for name in self.names for place in (_waiting, place_of) if self.aside]

    def stage(self, store: Callable[[Attachment, str], str]) -> None:
        """Store what takes the place of others beside them, and put copies of these aside; what was done is not done again.

        Parameters
        ----------
        store
            What stores a file under a name, checks that it is as it was sent, and returns its BLAKE2b.
        """
        names = self.names
        if self.aside or not names:
            return
        self.aside = new_commit_id()
        self._there = self._stats(names)
        put_copies_aside(self._storage, names, self.aside)
        all_at_once(lambda name: self._stage(name, store), names)
        now = self._stats(names)
        for name in names:
            if now[name] != self._there[name]:
                reason = "another edit has just replaced this file; nothing was changed, look at what is there now and edit again"
                raise ConflictError(name, reason=reason)

    def take_places(self) -> Mapping[str, ObjectInfo | None]:
        """Let all of them take their places; returns what is there, `None` where another writer has completed that."""
        self._placed = dict.fromkeys(self.names)  # as long as nobody knows
        all_at_once(self._take_place, self.names)
        self._storage.persist(self.names)
        return self._placed

    def gives_up(self, now: Snapshot) -> bool:
        """Let none of them take its place; `False` when another writer, who completes the edit, has let them do so.

        The first decides for all, since who completes an edit begins with it: once it does not wait any more, it is in its
        place or never will be.

        Parameters
        ----------
        now
            What the object says, without the edit.
        """
        if self._placed:
            self._bring_back()
        elif self.aside:
            first = self.names[0]
            was_waiting = stat_if_any(self._storage, _waiting(self.aside, first)) is not None
            self._storage.remove(_waiting(self.aside, first))
            here = stat_if_any(self._storage, first)
            if here is not None and here != self._there[first]:
                checksum = _checksum(now, first)
                is_theirs = checksum is None or checksum == self.digests[first]  # who stored the same, and is made
                return was_waiting and (is_theirs or not self._is_ours(first, None))
        return True

    def discard(self) -> None:
        """Remove what waits still and what is put aside, but no copy of what somebody else has replaced since."""
        if gone := [place for place in self.stored if place not in self._needed]:
            self._storage.remove_many(gone)

    def _stats(self, names: Iterable[str]) -> dict[str, ObjectInfo | None]:
        return dict(zip(names, all_at_once(lambda name: stat_if_any(self._storage, name), names), strict=True))

    def _stage(self, name: str, store: Callable[[Attachment, str], str]) -> None:
        place = _waiting(self.aside, name)
        if name in self.attachments:
            self.digests[name] = store(self.attachments[name], place)
        else:
            self._storage.copy(self.restorations[name], place)

    def _take_place(self, name: str) -> None:
        self._placed[name] = _moved(self._storage, self.aside, name)

    def _bring_back(self) -> None:
        """Let files be what they were; where somebody else has replaced them since, these are kept."""
        kept = {each.name: each.place for each in kept_files(self._storage, self.aside)}
        here = self._stats((kept.keys() | self.new) & self._placed.keys())
        changed = [name for name, info in here.items() if info != self._there[name]]
        theirs = {name for name in changed if here[name] is not None and not self._is_ours(name, here[name])}
        ours = [name for name in changed if name not in theirs]
        all_at_once(lambda name: self._storage.copy(kept[name], name), [name for name in ours if name in kept])
        self._storage.remove_many([name for name in ours if name not in kept])
        self._needed |= {kept[name] for name in theirs if name in kept}

    def _is_ours(self, name: str, here: ObjectInfo | None) -> bool:
        """Tell whether a file is as it was put in its place here; where that could not be found out then, by its content."""
        placed = self._placed.get(name)
        return here == placed if placed is not None else digested(self._storage, name).blake2b == self.digests[name]


def is_waiting(storage: Storage, record: Record) -> bool:
    """Tell whether files of an edit wait to take the place of others: it is not made yet."""
    aside, names = record.notes.get(KEPT), record.files.replaced
    return bool(aside and names) and storage.exists(_waiting(str(aside), min(names)))


def complete_replacing(storage: Storage, record: Record) -> bool:
    """Let files of another writer's edit take their places; `False` when that writer has given up."""
    aside = record.notes.get(KEPT)
    if not (aside and record.files.replaced):  # or it was recorded by a program that puts files in their places before
        return True
    first, *rest = sorted(record.files.replaced)
    if _moved(storage, aside, first) is None and not _has_taken_place(storage, record, first):
        return False
    all_at_once(lambda name: _moved(storage, aside, name), rest)
    storage.persist([first, *rest])
    return True


def waiting_files(storage: Storage) -> Iterator[tuple[str, str]]:
    """Yield the files that are to take the place of others: where each waits, and the name that it is to have."""
    for info in storage.scan(INCOMING):
        _, _, _, *parts = info.path.parts
        yield str(info.path), "/".join(parts)


def _waiting(commit: str, name: str) -> str:
    return f"{INCOMING}/{commit}/{name}"


def _moved(storage: Storage, commit: str, name: str) -> ObjectInfo | None:
    """Let a file take its place; `None` when it does not wait any more, and what is in its place may be of a later edit."""
    place = _waiting(commit, name)
    try:
        return storage.move(place, name)
    except (KeyNotFoundError, IntegrityError):
        if storage.exists(place):
            raise
        return None


def _has_taken_place(storage: Storage, record: Record, name: str) -> bool:
    """Tell whether a file that does not wait any more is in its place, or was until a later edit; else its writer gave up."""
    after = record.files.replaced[name][1]
    here = stat_if_any(storage, name)
    if after is None or (here is not None and digested(storage, name).blake2b == after):
        return True
    later = read_records(storage, record_ids(storage, record.id), unreadable={})
    return bool(built_upon(record.id, later))


def _checksum(said: Snapshot, name: str) -> object:
    """Return what an object says of the checksum of a file; `None` when it says nothing."""
    owner = said.names.owner(name)
    attributes = {} if owner is None else said.elements[owner]
    return attributes.get(CHECKSUM) if data_path(attributes) == name else None
