"""Making a planned edit happen: files first, then element groups, the root document last.

Owns the order of writes, taking back what a failed edit has written, and deriving the edit anew when another writer came
in between. Knows no schema and plans nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from modos.errors import (
    FileConflictError,
    IntegrityError,
    InvalidElementError,
    ModosError,
    ObjectError,
    StorageError,
)
from modos.model import ELEMENT_KINDS, ElementId
from modos.model.schema import CLASSES
from modos.objects.contents import refuse_foreign
from modos.objects.draft import Change
from modos.objects.files import Attachment, FileNames, data_path, files_of
from modos.objects.snapshot import Attributes, Snapshot
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
    in between, the edit is planned again on what they wrote.

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
        Whatever the plan refuses, or the storage; the object is then as it was, and new files are gone again.
    """
    read = Snapshot.read_if_any if create else Snapshot.read
    base = read(storage)
    change = plan(base)
    if change.is_empty:
        return base
    if not base.exists:
        refuse_foreign(storage, {file.target for _, file in change.attachments}.__contains__)
    edit = _Edit(storage)
    try:
        change = _settled(edit, read, plan, change)
        edit.publish(change)
    except BaseException:
        edit.take_back(read)
        raise
    edit.clean_up(change)
    return change.result


def _settled(
    edit: "_Edit", read: Callable[[Storage], Snapshot], plan: Callable[[Snapshot], Change], change: Change
) -> Change:
    """Prepare an edit until no other writer has changed the object meanwhile."""
    for _ in range(_ATTEMPTS):
        prepared = edit.prepare(change)
        newest = read(edit.storage)
        if newest == change.base:
            return prepared
        change = plan(newest)
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
        self._checksums: dict[str, str] = {}
        self._replacements: dict[str, Attachment] = {}
        self._new_files: set[str] = set()
        self._groups: dict[str, bytes] = {}

    def prepare(self, change: Change) -> Change:
        """Store new files and write groups; returns the change with checksums filled in.

        What an earlier call has stored or written is not done again. Files that replace others wait for `publish`.
        """
        names = FileNames(change.base.elements)
        pending = [file for _, file in change.attachments if file.target not in self._checksums]
        declared = {name: said[_CHECKSUM] for name, said in _declared(change)}
        _all_at_once(lambda file: self._take(file, names, declared.get(file.target)), pending)
        _all_at_once(lambda move: self._copy(*move), change.moves)
        change = _with_checksums(change, self._checksums)
        documents = {document_path(str(each)): group_document(change.result.elements[each]) for each in change.written}
        if not change.base.exists:
            documents |= _EMPTY_KINDS
        fresh = {path: body for path, body in documents.items() if self._groups.get(path) != body}
        self._groups |= fresh
        _all_at_once(lambda path: self._write(path, fresh[path]), fresh)
        return change

    def publish(self, change: Change) -> None:
        """Replace files and write the root document: from here on the edit is made."""
        _all_at_once(self._store, self._replacements.values())
        self._write(ROOT_DOCUMENT, change.result.root().dump())

    def clean_up(self, change: Change) -> None:
        """Remove what the edit has made obsolete."""
        if gone := [*(source for source, _ in change.moves), *change.obsolete]:
            self.storage.remove_many(gone)
        for element in change.removed:
            self.storage.remove_tree(f"{ZARR_ROOT}/{element}")
        for name in change.obsolete:
            if name in {path for path, _ in _paths(change.base, change.removed)}:
                self.storage.remove_tree(name)

    def take_back(self, read: Callable[[Storage], Snapshot]) -> None:
        """Remove what was written, but nothing that the object describes by now."""
        with suppress(StorageError, ObjectError):
            now = read(self.storage)
            names = FileNames(now.elements)
            said = {document_path(str(each)): group_document(now.elements[each]) for each in now.elements}
            said |= _EMPTY_KINDS if now.exists else {}
            for path in self._groups.keys() & said.keys():
                if self._groups[path] != said[path]:
                    self._write(path, said[path])
            unsaid = self._groups.keys() - said.keys()
            self.storage.remove_many([*unsaid, *(name for name in self._new_files if names.owner(name) is None)])

    def _write(self, path: str, body: bytes) -> None:
        self.storage.put(body, path, content_type="application/json")

    def _take(self, file: Attachment, names: FileNames, declared: str | None) -> None:
        """Store a file under a new name, or find out what there is to do about one that has the name already."""
        here = self.storage.stat(file.target) if self.storage.exists(file.target) else None
        if here is None and declared is None:
            self._new_files.add(file.target)
            self._store(file)
            return
        source = _digested(file.source.storage, file.source.name)
        if declared not in {None, source.blake2b}:
            message = (
                f"{file.target}: data_checksum is declared as {declared}, but that of the file is {source.blake2b}"
            )
            raise InvalidElementError(message, slot=_CHECKSUM, value=declared)
        self._checksums[file.target] = source.blake2b
        if here is None:
            self._new_files.add(file.target)
            self._store(file)
        elif not self._has_content(here, source):
            if names.owner(file.target) is None:
                raise FileConflictError(file.target)
            self._replacements[file.target] = file

    def _has_content(self, here: ObjectInfo, source: Digested) -> bool:
        if here.size != source.size:
            return False
        return (here.md5 or _digested(self.storage, str(here.path)).md5) == source.md5

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

    def _copy(self, source: str, target: str) -> None:
        if target not in self._new_files and self.storage.exists(source):
            if self.storage.exists(target):
                raise FileConflictError(target)
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


def _paths(snapshot: Snapshot, elements: Iterable[ElementId]) -> Iterator[tuple[str, ElementId]]:
    for element in elements:
        for name in files_of(snapshot.elements[element])[:1]:
            yield name, element


def _digested(storage: Storage, name: str) -> Digested:
    """Return a file's digests, having read it all."""
    with storage.open(name) as file:
        source = Digested(file)
        for _ in source:
            pass
    return source


def _all_at_once[T](act: Callable[[T], object], items: Iterable[T]) -> None:
    """Do something with each item, some at a time; after the first failure those not begun are left out."""
    waiting = list(items)
    if len(waiting) == 1:
        act(waiting[0])
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(act, item) for item in waiting]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
