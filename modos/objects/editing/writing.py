"""What an edit writes before and after it is visible: files, groups, the root document, and taking all of it back.

Owns in which order, and what has been written so far. Plans nothing, and must not know what other writers do.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import compress

from modos.errors import (
    FileConflictError,
    IntegrityError,
    InvalidPathError,
    KeyExistsError,
    ModosError,
    ServiceError,
    UnreachableError,
)
from modos.model import ELEMENT_KINDS, ElementId
from modos.model.schema import CHECKSUM, CLASSES
from modos.objects.at_once import all_at_once
from modos.objects.editing.aftermath.departing import departing, files_leaving, names_leaving
from modos.objects.editing.change import Change, NewArray
from modos.objects.editing.examining import declared_checksums, digested, examined, has_content, has_copy, stat_if_any
from modos.objects.editing.files import Attachment, FileNames, data_path, directories_of, files_of
from modos.objects.editing.replacing import Replacing
from modos.objects.history.records import Files, Unreadable, read_records
from modos.objects.history.trash import put_aside
from modos.objects.mentions import Table, differing
from modos.objects.snapshot import Attributes, Snapshot
from modos.omics import index_names
from modos.omics.naming import renamed as renamed_along
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, ObjectInfo, Storage
from modos.storage.base import WriteMode
from modos.storage.hierarchy.documents import document_path, group_document
from modos.storage.parts.rules import WHOLE
from modos.storage.sources import Digested

__all__ = ["Writing"]


class Writing:
    """What has been written of one edit.

    Parameters
    ----------
    storage
        The root of the object.

    Attributes
    ----------
    replacing
        What takes the place of other files.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.replacing = Replacing(storage)
        self._base = Snapshot(storage.url, exists=False)
        self._checksums: dict[str, str] = {}
        self._found: dict[str, Attachment] = {}
        self._there: dict[str, bool] = {}
        self._new_files: set[str] = set()
        self._moved: set[str] = set()
        self._groups: dict[str, bytes] = {}
        self._arrays: list[NewArray] = []
        self._leaving: tuple[Mapping[ElementId, Attributes], list[str]] | None = None

    def changes_files(self, change: Change) -> bool:
        """Tell whether files came or will be replaced, or will go though no slot tells of it."""
        if self.replacing.names or self._new_files or self._arrays:
            return True
        return bool(self._files_leaving(change, change.result))

    def _files_leaving(self, change: Change, said: Snapshot) -> list[str]:
        """Return the data files that go, as they were found for the same state before."""
        if self._leaving is None or differing(self._leaving[0], said.elements):
            stored = {*self._checksums, *self._new_files, *(name for _, name in change.restored)}
            self._leaving = (said.elements, files_leaving(self.storage, change, said, stored=stored))
        return self._leaving[1]

    @property
    def has_written(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._groups or self._new_files or self._arrays or self.replacing.aside)

    @property
    def takes_long(self) -> bool:
        """Whether files were stored, so that much may have happened since the edit was planned."""
        return bool(self._checksums or self._new_files or self._arrays)

    def prepare(self, change: Change) -> Change:
        """Store new files and write groups; returns the change with checksums filled in.

        All files are looked at before the first is stored. What an earlier call has stored or written is not done again.
        Files that replace others wait for `stage_files`.
        """
        change.result.refuse_improper()
        self._base = change.base
        names = change.base.names
        pending = [file for _, file in change.attachments if file.target not in self._checksums]
        declared = declared_checksums(change.attachments, change.result.elements)
        is_new = all_at_once(lambda file: self._examine(file, names, declared.get(file.target)), pending)
        renamed = [pair for move in change.moves for pair in self._renamed(*move)]
        self._moved |= {old for old, _ in renamed}
        renamed += [pair for pair in change.restored if self._is_new(*pair, names)]
        nested = [pair for move in change.array_moves for pair in self._nested(*move)]
        all_at_once(self._store_new, compress(pending, is_new))
        all_at_once(lambda pair: self._copy_new(*pair), renamed)
        all_at_once(lambda pair: self._copy(*pair), nested)
        for array in change.arrays:
            self._arrays.append(array)
            array.write(self.storage)
        change = _with_checksums(change, self._checksums)
        documents = {document_path(str(each)): group_document(change.result.elements[each]) for each in change.written}
        if not change.base.exists:
            documents |= _EMPTY_KINDS
        fresh = {path: body for path, body in documents.items() if self._groups.get(path) != body}
        self._groups |= fresh
        all_at_once(lambda path: self._write(path, fresh[path]), fresh)
        return change

    def stage_files(self) -> None:
        """Store the files that take the place of others, beside them."""
        all_at_once(self._store_if_gone, self._found.values())
        self.replacing.stage(self._store)

    def replace_files(self) -> None:
        """Let these take their places: the one thing that is seen before the root document says so."""
        for name, info in self.replacing.take_places().items():
            if info is not None:
                self._note(info, self.replacing.digests[name])

    def persist(self) -> None:
        """Wait until all files that were stored would survive a loss of power; groups need not, since the root says the same."""
        arrays = [name for array in self._arrays for name in array.written()]
        self.storage.persist([*self._checksums, *self._new_files, *self.replacing.stored, *arrays])

    def files(self, change: Change) -> Files:
        """Return what the edit does to files, for its record."""
        before, after = change.digests(change.base), change.digests(change.result)
        stored = {file.target: self._checksums.get(file.target) for _, file in change.attachments}
        stored |= {name: after.get(name) for _, name in change.restored} | self.replacing.digests
        replaced = self.replacing.names
        elsewhere = {*dict(change.moves), *self._moved, *stored}
        new = {*self._new_files, *(name for _, name in change.restored)}.difference(replaced) | self.replacing.new
        leaving = names_leaving(self._files_leaving(change, change.result), change) if change.leaves_something else ()
        return Files(
            stored={name: digest for name, digest in stored.items() if name in new},
            replaced={name: (before.get(name), stored.get(name)) for name in replaced},
            renamed=dict(change.moves),
            removed={name: before.get(name) for name in sorted(leaving) if name not in elsewhere},
        )

    def publish(self, said: Snapshot, touched: Iterable[ElementId] = ()) -> Snapshot:
        """Write the root document: from here on it is made. Returns what it says.

        Parameters
        ----------
        said
            What the object is to say.
        touched
            Elements of which others have written the groups as well, so that they may have to be written again.
        """
        said.refuse_improper()
        self._write_groups(said, touched)
        said, text = said.written()
        self.storage.put(text.pieces(), ROOT_DOCUMENT, content_type="application/json")
        if not self._base.exists:  # one that replaces another is on the disk before
            self.storage.persist([ROOT_DOCUMENT])
        return replace(said, read_at=time.monotonic())

    def restore_groups(self, said: Snapshot) -> None:
        """Write those groups of the edit again that say something else by now, since others changed the same elements."""
        written = {document_path(str(each)): each for each in said.elements} if self._groups else {}
        self._write_groups(said, [written[path] for path in self._groups if path in written])

    def _write_groups(self, said: Snapshot, elements: Iterable[ElementId]) -> None:
        there = [each for each in elements if each in said.elements]
        documents = {document_path(str(each)): group_document(said.elements[each]) for each in there}
        stale = {path: body for path, body in documents.items() if self._groups.get(path) != body}
        all_at_once(lambda path: self._write(path, stale[path]), stale)
        self._groups |= {path: body for path, body in stale.items() if path in self._groups}

    def clean_up(self, change: Change, said: Snapshot, commit: str) -> None:
        """Put aside, or remove, what the edit has made obsolete, groups last: they tell what else there is to remove.

        Parameters
        ----------
        change
            The edit.
        said
            What the object says now; what it describes stays.
        commit
            Its name.
        """
        leaving = self._files_leaving(change, said) + [name for array in self._arrays for name in array.left_behind()]
        left = departing(self.storage, change, said, leaving=leaving, moved=self._moved)
        if left.kept:
            put_aside(self.storage, left.kept, self.replacing.aside or commit)
        if left.gone:
            self.storage.remove_many(left.gone)

    def take_back(self, now: Snapshot) -> None:
        """Remove what was written, but nothing that the object describes by now, except where it did so before, too.

        Parameters
        ----------
        now
            What the object says, without the edit.
        """
        said = self._base if not now.consolidated else now  # else it took the groups of this edit for elements
        names = said.names
        documents = {document_path(str(each)): partial(group_document, said.elements[each]) for each in said.elements}
        documents |= {path: partial(bytes, body) for path, body in _EMPTY_KINDS.items()} if said.exists else {}
        for path in self._groups.keys() & documents.keys():
            with suppress(ValueError):  # what another program wrote may hold what JSON has not
                if self._groups[path] != (before := documents[path]()):
                    self._write(path, before)
        for array in self._arrays:
            array.take_back(self.storage)
        self.replacing.discard()
        unsaid = self._groups.keys() - documents.keys()
        described = {name for name in self._new_files if names.owner(name) is not None}
        gone = [*unsaid, *(self._new_files - described), *self._beside(described, said)]
        self.storage.remove_many(gone)

    def _beside(self, described: set[str], said: Snapshot) -> set[str]:
        """Return those new files, indexes and parts of directories, that belong to what was there, and are of no other edit.

        Where the record of another edit cannot be read, whose they are is not known.
        """
        ours = {name for name in described if self._base.names.owner(name) is not None}
        since = self._base.contained.lacking(said.contained.commits) if ours else []
        unreadable: dict[str, Unreadable] = {}
        for record in read_records(self.storage, since, unreadable=unreadable):
            ours -= {*record.files.stored, *record.files.replaced, *record.files.renamed.values()}
        return set() if unreadable else ours

    def _write(self, path: str, body: bytes) -> None:
        self.storage.put(body, path, content_type="application/json")

    def _examine(self, file: Attachment, names: FileNames, declared: str | None) -> bool:
        """Tell whether a file is new; refuse a wrong checksum, and a name that is taken by something undescribed."""
        found = examined(self.storage, file, names, declared)
        if found.checksum is not None:
            self._checksums[file.target] = found.checksum
        if found.verdict == "replaces" or (found.verdict == "new" and self._comes_beside(file.target, names)):
            self.replacing.attachments[file.target] = file
            return False
        if found.verdict == "same" and names.owner(file.target) is None:
            self._found[file.target] = file
        return found.verdict == "new"

    def _comes_beside(self, name: str, names: FileNames) -> bool:
        """Tell whether a new name is that of an index of a file that is there, or of a part of such a directory."""
        owner = names.owner(name)
        paths = () if owner is None else files_of(self._base.elements[owner])[:1]
        for path in paths:
            if path not in self._there:
                self._there[path] = self.storage.exists(path) or next(self.storage.scan(path), None) is not None
        return any(self._there[path] for path in paths if path != name)

    def _store_new(self, file: Attachment) -> None:
        """Store a file under a name that was free; one that another writer has stored there since is theirs."""
        self._new_files.add(file.target)
        try:
            self._store(file, mode="create")
        except (KeyExistsError, UnreachableError, ServiceError) as error:
            if isinstance(error, ServiceError) and error.status != HTTPStatus.NOT_IMPLEMENTED:
                raise
            self._new_files.discard(file.target)
            if self._examine(file, FileNames({}), None):
                if isinstance(error, KeyExistsError):  # a directory has this name, or it comes and goes
                    raise FileConflictError(file.target) from error
                self._new_files.add(file.target)
                self._store(file)  # clients do not try again what is only to create, and some services cannot

    def _store_if_gone(self, file: Attachment) -> None:
        """Store a file that was there, described by nothing, until whoever stored it took it back."""
        if stat_if_any(self.storage, file.target) is None:
            self._store_new(file)

    def _store(self, file: Attachment, place: str = "", mode: WriteMode = "overwrite") -> str:
        with file.source.open() as body:
            source = Digested(body)
            try:
                stored = self.storage.put(source, place or file.target, mode=mode)
            except ModosError as error:
                error.add_note(f"while adding {file.source.storage.url_of(file.source.name)} to {self.storage.url}")
                raise
        if stored.size != source.size or self.storage.contradicts(stored, source.md5):
            raise IntegrityError(self.storage.url_of(place or file.target), "was not stored as it was sent")
        if self._checksums.setdefault(file.target, source.blake2b) != source.blake2b:
            raise IntegrityError(file.source.storage.url_of(file.source.name), "changed while it was being added")
        self._note(stored, source.blake2b)
        return source.blake2b

    def _note(self, stored: ObjectInfo, checksum: str) -> None:
        if stored.size > WHOLE:  # a transfer proves it part by part, and then knows of the copy what is known of it
            from modos.transfers import DigestBook

            with DigestBook.of_user() as book:
                book.record(self.storage, stored, {"blake2b": checksum})

    def _renamed(self, source: str, target: str) -> Iterator[tuple[str, str]]:
        """Yield the files that a renaming takes along, each with its new name; refuse new names that are taken.

        Likewise those within the old name, or around it: what is renamed and what is new could not be told apart.
        """
        taken_along = {source, *index_names(source), *map(str, self.storage.list(source))}
        possible = {target, *index_names(target)}
        for name in sorted(taken_along):
            renamed = renamed_along(name, source, target)
            if renamed not in possible and not renamed.startswith(f"{target}/"):
                continue  # an index that the new name's format does not have
            found = None if renamed in self._new_files else stat_if_any(self.storage, name)
            if found is None:
                continue
            if source in directories_of(target) or target in directories_of(source):
                reason = f"cannot be the new name of {source!r}: one is inside the other; give it a third name before"
                raise InvalidPathError(target, reason)
            if has_copy(self.storage, name, renamed, self._base.names):  # made before, by the same edit that was killed
                self._moved.add(name)
            else:
                yield name, renamed

    def _is_new(self, source: str, target: str, names: FileNames) -> bool:
        """Tell whether a file that is to be restored is not there; refuse a name that something undescribed has."""
        here = stat_if_any(self.storage, target)
        if here is None and not self._comes_beside(target, names):
            return True
        content = digested(self.storage, source)
        if here is None or not has_content(self.storage, here, content):
            if names.owner(target) is None:
                raise FileConflictError(target)
            self.replacing.restorations[target], self.replacing.digests[target] = source, content.blake2b
        return False

    def _nested(self, source: str, target: str) -> Iterator[tuple[str, str]]:
        """Yield the files of an array, each with its name in another group."""
        for path in self.storage.list(ZARR_ROOT / source):
            yield str(path), f"{ZARR_ROOT}/{target}{str(path).removeprefix(f'{ZARR_ROOT}/{source}')}"

    def _copy_new(self, source: str, target: str) -> None:
        """Copy a file to a name that was free when it was looked at."""
        if not has_copy(self.storage, source, target, self._base.names):
            self._copy(source, target)

    def _copy(self, source: str, target: str) -> None:
        self._new_files.add(target)
        self.storage.copy(source, target)


_EMPTY_KINDS = {document_path(kind): group_document({}) for kind in ELEMENT_KINDS}


def _with_checksums(change: Change, checksums: Mapping[str, str]) -> Change:
    """Fill in the checksums of stored files where the class of the element has a slot for one."""
    if not change.attachments:
        return change
    elements = Table.copy_of(change.result.elements)
    for element, file in change.attachments:
        said = elements[element]
        if file.target == data_path(said) and CHECKSUM in CLASSES[said["@type"]].slots:
            elements.put(element, dict(sorted({**said, CHECKSUM: checksums[file.target]}.items())))
    touched = {*change.written, *(element for element, _ in change.attachments)}
    written = sorted(each for each in touched if elements[each] != change.base.elements.get(each))
    return replace(change, result=replace(change.result, elements=elements), written=tuple(written))
