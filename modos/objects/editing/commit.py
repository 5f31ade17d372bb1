"""Making a planned edit happen: files first, then element groups, the root document last.

Owns the order of writes, taking back what a failed edit has written, and deriving the edit anew when another writer came
in between. Knows no schema and plans nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import compress

from modos.errors import (
    FileConflictError,
    IntegrityError,
    InvalidElementError,
    KeyNotFoundError,
    ModosError,
    ObjectError,
    StorageError,
)
from modos.model import ELEMENT_KINDS
from modos.model.schema import CLASSES
from modos.objects.contents import refuse_foreign
from modos.objects.editing.draft import Change
from modos.objects.editing.files import Attachment, FileNames, data_path
from modos.objects.editing.leftovers import obsolete_files
from modos.objects.editing.turns import turn
from modos.objects.snapshot import Attributes, Snapshot
from modos.omics import index_names
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, ObjectInfo, Storage
from modos.storage.sources import Digested
from modos.storage.zarr_root import document_path, group_document

__all__ = ["commit"]

_AT_ONCE = 8
_ATTEMPTS = 20
_CHECKSUM = "data_checksum"


def commit(storage: Storage, plan: Callable[[Snapshot], Change], *, create: bool = False) -> Snapshot:
    """Plan an edit on what an object says now, and make it happen.

    The root document is written last, once; until then the object says what it said before. When another writer commits
    in between, the edit is planned again on what they wrote. Writers on one machine take turns. On a service, one looks
    again after writing and repeats an edit that a writer elsewhere, who had read before and wrote after, has undone.

    Only a file that replaces another has a moment of its own: it is stored, whole, just before the root document. An
    edit that is killed or fails between the two leaves the new file with the checksum of the old; made again, it ends.
    What an edit makes obsolete goes last. Killed before that, a removal can be repeated; a renaming leaves the old name.

    Parameters
    ----------
    storage
        The root of the object.
    plan
        A pure function from what the object says to an edit; called again when another writer was faster.
    create
        Whether there may be no object yet.

    Returns
    -------
    Snapshot
        What the object says now.

    Raises
    ------
    ModosError
        Whatever the plan refuses, or the storage; the object is then as it was, and new files are gone again. When only
        what the edit made obsolete could not be removed, a note says so.
    """
    read = Snapshot.read_if_any if create else Snapshot.read
    base = read(storage)
    base.refuse_older()
    change = plan(base)
    if change.is_empty:
        return base
    if not base.exists:
        refuse_foreign(storage, {file.target for _, file in change.attachments}.__contains__)
    edit = _Edit(storage)
    try:
        change = edit.prepare(change)
        with turn(storage) as is_exclusive:
            change = _made(edit, read, plan, change, look_again=not is_exclusive)
    except BaseException:
        edit.take_back()
        raise
    try:
        edit.clean_up(change)
    except ModosError as error:
        error.add_note("the edit itself is made; files that nothing describes any more are left")
        raise
    return change.result


def _made(
    edit: "_Edit",
    read: Callable[[Storage], Snapshot],
    plan: Callable[[Snapshot], Change],
    change: Change,
    *,
    look_again: bool,
) -> Change:
    """Publish a prepared edit, planned again as often as another writer has changed the object meanwhile."""
    for _ in range(_ATTEMPTS):
        newest = read(edit.storage)
        if newest.is_committed_as(change.base):
            if change.says_nothing_new and not edit.replaces_files:
                return replace(change, result=newest)
            root = edit.publish(change)
            if not look_again or edit.storage.read(ROOT_DOCUMENT) == root:
                return change
            newest = read(edit.storage)
            if change.is_in(newest):
                return replace(change, result=newest)
        change = edit.prepare(plan(newest))
    raise StorageError(edit.storage.url, f"other writers changed the object {_ATTEMPTS} times meanwhile; try again")


class _Edit:
    """What has been written of an edit that is not yet visible.

    Parameters
    ----------
    storage
        The root of the object.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._base = Snapshot(storage.url, exists=False)
        self._checksums: dict[str, str] = {}
        self._replacements: dict[str, Attachment] = {}
        self._new_files: set[str] = set()
        self._groups: dict[str, bytes] = {}

    @property
    def replaces_files(self) -> bool:
        """Whether there are files that `publish` will store in place of others."""
        return bool(self._replacements)

    def prepare(self, change: Change) -> Change:
        """Store new files and write groups; returns the change with checksums filled in.

        All files are looked at before the first is stored. What an earlier call has stored or written is not done again.
        Files that replace others wait for `publish`.
        """
        self._base = change.base
        names = FileNames(change.base.elements)
        pending = [file for _, file in change.attachments if file.target not in self._checksums]
        declared = {name: said[_CHECKSUM] for name, said in _declared(change)}
        is_new = _all_at_once(lambda file: self._examine(file, names, declared.get(file.target)), pending)
        renamed = [pair for move in change.moves for pair in self._renamed(*move)]
        _all_at_once(self._store_new, compress(pending, is_new))
        _all_at_once(lambda pair: self._copy(*pair), renamed)
        change = _with_checksums(change, self._checksums)
        documents = {document_path(str(each)): group_document(change.result.elements[each]) for each in change.written}
        if not change.base.exists:
            documents |= _EMPTY_KINDS
        fresh = {path: body for path, body in documents.items() if self._groups.get(path) != body}
        self._groups |= fresh
        _all_at_once(lambda path: self._write(path, fresh[path]), fresh)
        return change

    def publish(self, change: Change) -> bytes:
        """Replace files and write the root document, which is returned: from here on the edit is made."""
        _all_at_once(self._store, self._replacements.values())
        root = change.result.root().dump()
        self._write(ROOT_DOCUMENT, root)
        return root

    def clean_up(self, change: Change) -> None:
        """Remove what the edit has made obsolete, groups last: they tell what else there is to remove."""
        renewed = {element for element, _ in change.attachments}
        stored = {*self._checksums, *self._new_files}
        elements = change.result.elements
        if gone := list(obsolete_files(self.storage, change.obsolete, elements, renewed=renewed, stored=stored)):
            self.storage.remove_many(gone)
        for element in change.removed:
            self.storage.remove_tree(f"{ZARR_ROOT}/{element}")

    def take_back(self) -> None:
        """Remove what was written, but nothing that the object describes by now."""
        if not (self._groups or self._new_files):
            return
        with suppress(StorageError, ObjectError):
            now = Snapshot.read_if_any(self.storage)
            if not now.consolidated:  # it took the groups of this edit for elements
                now = self._base
            names = FileNames(now.elements)
            said = {document_path(str(each)): group_document(now.elements[each]) for each in now.elements}
            said |= _EMPTY_KINDS if now.exists else {}
            for path in self._groups.keys() & said.keys():
                if self._groups[path] != said[path]:
                    self._write(path, said[path])
            unsaid = self._groups.keys() - said.keys()
            gone = [*unsaid, *(name for name in self._new_files if names.owner(name) is None)]
            if gone:
                self.storage.remove_many(gone)

    def _write(self, path: str, body: bytes) -> None:
        self.storage.put(body, path, content_type="application/json")

    def _examine(self, file: Attachment, names: FileNames, declared: str | None) -> bool:
        """Tell whether a file is new; refuse a wrong checksum, and a name that is taken by something undescribed."""
        here = self._stat(file.target)
        if here is None and declared is None:
            return True
        source = _digested(file.source.storage, file.source.name)
        if declared is not None and declared.lower() != source.blake2b:
            message = (
                f"{file.target}: data_checksum is declared as {declared}, but that of the file is {source.blake2b}"
            )
            raise InvalidElementError(message, slot=_CHECKSUM, value=declared)
        self._checksums[file.target] = source.blake2b
        if here is not None and not self._has_content(here, source):
            if names.owner(file.target) is None:
                raise FileConflictError(file.target)
            self._replacements[file.target] = file
        return here is None

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            return self.storage.stat(name)
        except KeyNotFoundError:
            return None

    def _has_content(self, here: ObjectInfo, source: Digested) -> bool:
        if here.size != source.size:
            return False
        return (here.md5 or _digested(self.storage, str(here.path)).md5) == source.md5

    def _store_new(self, file: Attachment) -> None:
        self._new_files.add(file.target)
        self._store(file)

    def _store(self, file: Attachment) -> None:
        with file.source.open() as body:
            source = Digested(body)
            try:
                stored = self.storage.put(source, file.target)
            except ModosError as error:
                error.add_note(f"while adding {file.source.storage.url_of(file.source.name)} to {self.storage.url}")
                raise
        if stored.size != source.size or (stored.md5 or source.md5) != source.md5:
            raise IntegrityError(self.storage.url_of(file.target), "was not stored as it was sent")
        if self._checksums.setdefault(file.target, source.blake2b) != source.blake2b:
            raise IntegrityError(file.source.storage.url_of(file.source.name), "changed while it was being added")

    def _renamed(self, source: str, target: str) -> Iterator[tuple[str, str]]:
        """Yield the files that a renaming takes along, each with its new name; refuse new names that are taken."""
        taken_along = {source, *index_names(source), *map(str, self.storage.list(source))}
        possible = {target, *index_names(target)}
        for name in sorted(taken_along):
            renamed = target + name.removeprefix(source)
            if renamed not in possible and not renamed.startswith(f"{target}/"):
                continue  # an index that the new name's format does not have
            found = None if renamed in self._new_files else self._stat(name)
            if found is None:
                continue
            there = self._stat(renamed)
            if there is None:
                yield name, renamed
            elif not self._has_content(there, _digested(self.storage, name)):
                raise FileConflictError(renamed)

    def _copy(self, source: str, target: str) -> None:
        self._new_files.add(target)
        self.storage.copy(source, target)


_EMPTY_KINDS = {document_path(kind): group_document({}) for kind in ELEMENT_KINDS}


def _with_checksums(change: Change, checksums: Mapping[str, str]) -> Change:
    """Fill in the checksums of stored files where the class of the element has a slot for one."""
    elements = dict(change.result.elements)
    for element, file in change.attachments:
        said = elements[element]
        if file.target == data_path(said) and _CHECKSUM in CLASSES[said["@type"]].slots:
            elements[element] = dict(sorted({**said, _CHECKSUM: checksums[file.target]}.items()))
    written = {each for each, said in elements.items() if said != change.base.elements.get(each)}
    return replace(change, result=replace(change.result, elements=elements), written=tuple(sorted(written)))


def _declared(change: Change) -> Iterator[tuple[str, Attributes]]:
    """Yield files to store whose checksum is said beforehand, each with the attributes that say it."""
    for element, file in change.attachments:
        said = change.result.elements[element]
        if file.target == data_path(said) and _CHECKSUM in said:
            yield file.target, said


def _digested(storage: Storage, name: str) -> Digested:
    """Return a file's digests, having read it all."""
    with storage.open(name) as file:
        source = Digested(file)
        for _ in source:
            pass
    return source


def _all_at_once[T, R](act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do something with each item, some at a time; after the first failure those not begun are left out."""
    waiting = list(items)
    if len(waiting) < 2:  # noqa: PLR2004 - one needs no threads
        return [act(item) for item in waiting]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(act, item) for item in waiting]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
