"""Taking an edit back: the inverse of what it changed as an edit of its own, with the files that it had replaced or removed.

Owns what an undo comes to, and when it is refused. Writes nothing but what it hands over to be written.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

from modos.errors import ConflictError, InvalidInputError, KeyNotFoundError
from modos.model.schema import CHECKSUM
from modos.objects.arrays.grids import count_of_chunks, is_chunk, is_complete, is_part
from modos.objects.at_once import all_at_once
from modos.objects.editing.aftermath.leftovers import finish_removal
from modos.objects.editing.change import Change, dated
from modos.objects.editing.files import directories_of, files_of
from modos.objects.history.deltas import PURGED, Delta, applied, difference
from modos.objects.history.log import UNDOES, Commit, effective, found, undoer
from modos.objects.history.merging import merged
from modos.objects.history.records import Record, read_record, read_records, record_ids
from modos.objects.history.trash import KEPT, KeptFile, kept_files, place_of, put_aside
from modos.objects.snapshot import Attributes, Snapshot
from modos.omics import index_names
from modos.storage import ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import document_path, member_document

__all__ = ["Undo", "find_undo"]


@dataclass(frozen=True, slots=True)
class Undo:
    """An edit that is to be taken back.

    Attributes
    ----------
    record
        What it was.
    kept
        The files that it had replaced or removed and that are still there.
    later
        Effective commits behind it that touched files, the newest first; empty where it touched none.
    storage
        The root of the object.
    base
        What the object says once the edits are completed that were killed after they were recorded.
    done
        The commit that takes it back already; `None` when there is none.
    """

    record: Record
    kept: tuple[KeptFile, ...]
    later: tuple[Record, ...]
    storage: Storage
    base: Snapshot
    done: Record | None = None

    @property
    def message(self) -> str:
        """What the commit that takes it back says."""
        what = self.record.message
        return f"undo of {self.record.id}" if what is None else f"undo of {self.record.id}: {what}"

    @property
    def notes(self) -> dict[str, str]:
        """What the record of that commit holds besides."""
        return {UNDOES: self.record.id}

    def finish(self, said: Snapshot) -> None:
        """Put aside what an undo that was killed after it was visible has left."""
        if self.done is None:
            return
        names, files = said.names, self.done.files
        paths = (*files.removed, *files.renamed)
        left = {name for path in paths for name in (path, *index_names(path), *map(str, self.storage.list(path)))}
        put_aside(self.storage, [each for each in left if names.owner(each) is None], commit_of(self.done))
        for element in self.done.delta.removed:
            finish_removal(self.storage, str(element))

    def plan(self, base: Snapshot) -> Change:
        """Return what it takes to take the edit back from what the object says now.

        Raises
        ------
        ConflictError
            When a later edit has changed the same, names slot and values.
        KeyNotFoundError
            When a file that it had replaced or removed is not kept any more, or chunks of an array.
        """
        inverse = self.record.delta.inverse()
        result, clashes = applied(inverse, base)
        if clashes:
            first = clashes[0]
            raise ConflictError(first.place, first.slot, ours=first.ours, theirs=first.theirs)
        _refuse_more(inverse, difference(base, result), base)
        self._refuse_later_files()
        elements = result.elements
        files = [each for each in self.kept if not each.name.startswith(f"{ZARR_ROOT}/")]
        restored = {each.name: each.place for each in files}
        moves = {new: old for old, new in self.record.files.renamed.items() if old not in restored}
        self._refuse_lost({*restored, *moves.values()}, base, result)
        arrays = tuple(self._arrays(inverse, base))
        for path in chain.from_iterable(each.lost(self.storage) for each in arrays):
            raise self._lost(f"{ZARR_ROOT}/{path}")
        return Change(
            base=base,
            result=replace(result, attributes=dated(result.attributes)) if result != base else base,
            written=tuple(sorted(each for each, said in elements.items() if said != base.elements.get(each))),
            removed=tuple(sorted(base.elements.keys() - elements.keys())),
            moves=tuple(moves.items()),
            obsolete=tuple(self._obsolete(base, result)),
            arrays=arrays,
            obsolete_arrays=tuple(_gone_arrays(base, result)),
            dropped=tuple(name for name in self.record.files.stored if name not in restored),
            renamed=tuple(inverse.renamed.items()),
            restored=tuple((place, name) for name, place in restored.items()),
        )

    def _obsolete(self, base: Snapshot, result: Snapshot) -> dict[str, None]:
        """Return the values of `data_path` that elements have no more."""
        files = dict.fromkeys(self.record.files.renamed.values())
        for element, said in base.elements.items():
            paths = files_of(said)[:1]
            if result.elements.get(element) is not said and paths != files_of(result.elements.get(element, {}))[:1]:
                files |= dict.fromkeys(paths)
        return files

    def _refuse_later_files(self) -> None:
        touched = self.record.files.names
        around = {directory for name in touched for directory in directories_of(name)}
        for record in self.later:
            for name in record.files.names:
                if name in touched or name in around or not touched.isdisjoint(directories_of(name)):
                    reason = f"the commit {record.id} has changed this file since; undo that one before"
                    raise ConflictError(name, reason=reason)

    def _refuse_lost(self, restored: Collection[str], base: Snapshot, result: Snapshot) -> None:
        """Refuse when a file is not kept, unless it is still where it was: an edit that was killed has left it there."""
        files, names, own = self.record.files, base.names, {None, *self.record.delta.elements}
        described = {path for each in base.elements.values() for path in files_of(each)[:1]}
        wanted = {path for each in result.elements.values() if CHECKSUM in each for path in files_of(each)[:1]}
        wanted |= set(self._taken_places(base, result))
        for name in (*files.replaced, *files.removed, *sorted(wanted - described)):
            if name in files.stored or name in restored or any(each.startswith(f"{name}/") for each in restored):
                continue
            if name not in files.replaced and names.owner(name) in own and self._is_there(name):
                continue
            raise self._lost(name)

    def _taken_places(self, base: Snapshot, result: Snapshot) -> Iterator[str]:
        """Yield files whose place others have taken that the edit tells nothing of, as those that are encrypted do."""
        known = self.record.files.names
        for element, said in result.elements.items():
            before, now = files_of(said)[:1], files_of(base.elements.get(element, {}))[:1]
            if before != now and known.isdisjoint({*before, *now}) and any(map(self._is_there, now)):
                yield from before

    def _lost(self, name: str) -> KeyNotFoundError:
        reason = f"it is not kept any more, so that {self.record.id} cannot be undone"
        return KeyNotFoundError(self.storage.url_of(name), reason)

    def _is_there(self, name: str) -> bool:
        return self.storage.exists(name) or next(self.storage.scan(name), None) is not None

    def _arrays(self, inverse: Delta, base: Snapshot) -> Iterator["RestoredArrays"]:
        """Yield the arrays of each element that are as they were before."""
        wanted: dict[str, dict[str, Attributes]] = {}
        for path, (_, after) in inverse.documents.items():
            if after is not None and path.count("/") > 1:
                wanted.setdefault("/".join(path.split("/")[:2]), {})[path] = after
        for element, documents in wanted.items():
            chunks = [each for each in self.kept if each.name.startswith(f"{ZARR_ROOT}/{element}/")]
            before = {path: base.others[path] for path in documents if path in base.others}
            yield RestoredArrays(element, documents, before, chunks)


@dataclass
class RestoredArrays:
    """Arrays of one element as they were before an edit.

    Parameters
    ----------
    path
        The element.
    documents
        Theirs, by path in the hierarchy.
    before
        Those of arrays that are at their place now.
    kept
        Files in the groups of the element that the edit had replaced or removed.
    """

    path: str
    documents: Mapping[str, Attributes]
    before: Mapping[str, Attributes]
    kept: Collection[KeptFile]
    replaces: Literal["all"] = "all"
    _written: list[str] = field(default_factory=list)
    _stored: list[str] = field(default_factory=list)
    _left: list[str] = field(default_factory=list)

    def lost(self, storage: Storage) -> Iterator[str]:
        """Yield those that say they are complete, and of which chunks are neither kept nor at their place."""
        for path, said in self.documents.items():
            count = (count_of_chunks(said) if is_complete(said) else None) or 0
            found = _chunks(path, said, (each.name for each in self.kept))
            if len(found) < count:
                found |= _chunks(path, said, map(str, storage.list(f"{ZARR_ROOT}/{path}")))
            if len(found) < count:
                yield path

    def write(self, storage: Storage) -> None:
        """Copy their chunks back, by the storage itself, and write their documents."""
        start = len(f"{ZARR_ROOT}/")
        chunks = [each for each in self.kept if is_part(self.documents, each.name[start:])]
        chunks = [each for each in chunks if not each.name.endswith("/zarr.json")]
        there = {str(name) for path in self.before for name in storage.list(f"{ZARR_ROOT}/{path}")}
        self._left += [
            name for name in there if is_part(self.before, name[start:]) and not is_part(self.documents, name[start:])
        ]
        self._stored += [each.name for each in chunks if each.name not in there]
        self._stored += [document_path(path) for path in self.documents if path not in self.before]
        self._written += [*(each.name for each in chunks), *map(document_path, self.documents)]
        all_at_once(lambda each: storage.copy(each.place, each.name), chunks)
        all_at_once(lambda path: _put(storage, path, self.documents[path]), self.documents)

    def written(self) -> list[str]:
        """Return the files that were stored, documents among them."""
        return self._written

    def take_back(self, storage: Storage) -> None:
        """Remove what was written, unless it has become a part of the object after all."""
        said = Snapshot.read(storage)
        if all(said.others.get(path) == document for path, document in self.documents.items()):
            return
        all_at_once(lambda path: _put(storage, path, self.before[path]), self.before)
        storage.remove_many(self._stored)

    def left_behind(self) -> list[str]:
        """Return the chunks of the arrays that they take the place of."""
        return self._left


def find_undo(storage: Storage, commit: str | Commit | None, said: Snapshot) -> Undo:
    """Return the edit that is to be taken back.

    Of an undo that was killed once it was recorded, that is the edit which the object still contains.

    Parameters
    ----------
    storage
        The root of the object.
    commit
        The commit as a user names it; `None` for the newest that is neither undone nor an undo itself.
    said
        What the object says.

    Raises
    ------
    InvalidInputError
        When there is no such commit, or nothing to undo.
    ConflictError
        When a later edit has renamed an element that it is about.
    """
    ids = record_ids(storage)
    left = read_records(storage, said.contained.lacking(ids))
    undos = {record.id for record in left if _takes_back_an_edit(storage, record)}
    if commit is not None:
        chosen = found(ids, commit)
        record = read_record(storage, chosen)
        if PURGED in record.notes:
            reason = f"{chosen} cannot be undone: an element that it was about was purged"
            raise InvalidInputError(reason)
        if _is_creation(record):
            reason = f"{chosen} created the object, which cannot be undone; remove_object and 'modos remove' remove it"
            raise InvalidInputError(reason)
    else:
        seen = effective(storage, [each for each in ids if each not in undos])
        newest = next((each for each in seen if not (_is_creation(each) or PURGED in each.notes)), None)
        if newest is None:
            reason = "there is nothing to undo: no edit of this object has left a record that is not undone"
            raise InvalidInputError(reason)
        record, chosen = newest, newest.id
    touched = record.files.names
    later = [each for each in ids if each > chosen]
    records = effective(storage, later) if touched and later else ()
    kept = _kept(storage, record) if touched or record.delta.documents else ()
    done = undoer(storage, ids, chosen) if commit is not None or undos else None
    base = merged(said, left).said if left else said
    _refuse_gone(storage, record, later, base)
    return Undo(record, tuple(kept), tuple(each for each in records if each.files.names), storage, base, done)


def _kept(storage: Storage, record: Record) -> Iterator[KeptFile]:
    """Yield the files that are kept of a commit: those that are listed, and those that a listing does not show yet."""
    commit, names = commit_of(record), set()
    for each in kept_files(storage, commit):
        names.add(each.name)
        yield each
    for name in {*record.files.replaced, *record.files.removed} - names:
        with suppress(KeyNotFoundError):
            yield KeptFile(commit, name, storage.stat(place_of(commit, name)).size)


def commit_of(record: Record) -> str:
    """Return the name under which the files of a commit are kept."""
    return str(record.notes.get(KEPT, record.id))


def _takes_back_an_edit(storage: Storage, record: Record) -> bool:
    """Tell whether a record is that of an undo, but of none that does something again."""
    undone = record.notes.get(UNDOES)
    return undone is not None and not any(UNDOES in each.notes for each in read_records(storage, [str(undone)]))


def _is_creation(record: Record) -> bool:
    return "id" in record.delta.object


def _refuse_gone(storage: Storage, record: Record, later: list[str], base: Snapshot) -> None:
    """Refuse to take back what is about elements that later edits have renamed: it would pass them by.

    Likewise a renaming of what they have removed, which would be there again.
    """
    absent = {each for each in record.delta.needed if each not in base.elements} if later else set()
    for commit in effective(storage, later) if absent else ():
        renamed = commit.delta.renamed
        fates = {old: f"renamed it to {new}" for old, new in renamed.items() if old in absent}
        gone = commit.delta.removed.keys() - renamed.keys()
        fates |= {each: "removed it" for each in record.delta.renamed.values() if each in gone & absent}
        for element, fate in fates.items():
            reason = f"the commit {commit.id} has {fate} since; undo that one before"
            raise ConflictError(str(element), reason=reason)


def _refuse_more(wanted: Delta, made: Delta, base: Snapshot) -> None:
    """Refuse to take back what others have built on since: links to elements that would go."""
    for element, slots in made.changed.items():
        for slot, change in slots.items():
            if slot not in wanted.changed.get(element, {}):
                raise ConflictError(str(element), slot, ours=change.shown, theirs=base.elements[element].get(slot))
    for slot in made.object:
        if slot not in wanted.object:
            raise ConflictError(base.id, slot, ours=None, theirs=base.attributes.get(slot))


def _gone_arrays(base: Snapshot, result: Snapshot) -> Iterator[str]:
    """Yield the topmost paths that stand no more in elements that stay."""
    for path in base.others.keys() - result.others.keys():
        parent = path.rpartition("/")[0]
        is_topmost = parent in result.others or parent.count("/") == 1
        if is_topmost and any(str(each) == "/".join(path.split("/")[:2]) for each in result.elements):
            yield path


def _chunks(path: str, document: Attributes, names: Iterable[str]) -> set[str]:
    """Return the files among others that are chunks of an array."""
    beneath = f"{ZARR_ROOT}/{path}/"
    return {each for each in names if each.startswith(beneath) and is_chunk(document, each.removeprefix(beneath))}


def _put(storage: Storage, path: str, document: Attributes) -> None:
    storage.put(member_document(document), document_path(path), content_type="application/json")
