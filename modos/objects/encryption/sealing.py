"""Encrypting the files of an object, and decrypting them: stored beside, read back, described in one edit, then the old go.

Owns that order, and what a process that was killed has left. Must not know how crypt4gh works.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Literal

from modos.encryption import DecryptedFiles, PublicKey, SecretKey, decrypt, encrypt, stream_file
from modos.encryption.header import MAGIC
from modos.errors import (
    EncryptionError,
    FileConflictError,
    IntegrityError,
    InvalidInputError,
    KeyNotFoundError,
    ModosError,
    ObjectError,
    StorageError,
)
from modos.model import ElementId
from modos.model.schema import CHECKSUM, CLASSES
from modos.objects.editing.commit import commit
from modos.objects.editing.draft import Change, Draft
from modos.objects.editing.examining import stat_if_any
from modos.objects.editing.files import Attachment, FileNames, SourceFile, data_path
from modos.objects.editing.settling import complete
from modos.objects.encryption.keys import KeyRing
from modos.objects.encryption.remains import Passing, digest_of, is_sealed_of, remove_replaced
from modos.objects.snapshot import Snapshot
from modos.omics import index_names
from modos.omics.naming import is_sealed, plain_name, sealed_name
from modos.storage import ObjectInfo, Storage

__all__ = ["Work", "decrypt_files", "encrypt_files", "plan_work", "settled"]

type Direction = Literal["encrypt", "decrypt"]
type Transform = Callable[[Iterator[bytes], str], Iterator[bytes]]
"""From the content of a file, and its address, to that of the file which takes its place."""

_SMALL = 4 * 1024 * 1024
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Work:
    """One element whose files are to be replaced.

    Attributes
    ----------
    element
        The element.
    source, target
        Its `data_path`, before and after; index files go along.
    checksum
        What is recorded as the checksum of the file; `None` for nothing.
    """

    element: ElementId
    source: str
    target: str
    checksum: str | None

    @property
    def names(self) -> dict[str, str]:
        """Names that the file and its index files may have, before and after; only the first must be there."""
        pairs = zip(index_names(self.source), index_names(self.target), strict=True)
        return {self.source: self.target, **dict(pairs)}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file that took the place of another.

    Attributes
    ----------
    source
        The other, as it was read.
    target
        This one, as it was stored.
    checksum
        Its BLAKE2b in hex.
    """

    source: ObjectInfo
    target: ObjectInfo
    checksum: str


def plan_work(said: Snapshot, elements: Iterable[str] | None, direction: Direction) -> tuple[list[Work], list[Work]]:
    """Return what is to be done, and what is done already; pure.

    Parameters
    ----------
    said
        What the object says.
    elements
        Ids of elements; `None` for all that have a file.
    direction
        What for.

    Raises
    ------
    ElementNotFoundError
        When there is no such element.
    InvalidInputError
        When one that was named has no file.
    """
    chosen = sorted(said.elements if elements is None else {said.resolve(each) for each in elements})
    to_do, done = [], []
    for element in chosen:
        attributes = said.elements[element]
        name = data_path(attributes)
        if name is None:
            if elements is not None:
                message = f"{element} has no file that could be {direction}ed"
                raise InvalidInputError(message)
            continue
        checksum = attributes.get(CHECKSUM)
        turned = plain_name(name) if is_sealed(name) else sealed_name(name)
        if is_sealed(name) == (direction == "encrypt"):
            done.append(Work(element, turned, name, None))
        else:
            to_do.append(Work(element, name, turned, checksum if isinstance(checksum, str) else None))
    return to_do, done


def encrypt_files(
    storage: Storage,
    recipients: Sequence[PublicKey],
    *,
    elements: Iterable[str] | None = None,
    sender: SecretKey | None = None,
) -> tuple[Snapshot, list[ElementId]]:
    """Encrypt files of an object, and return what the object says then and whose files were encrypted.

    Parameters
    ----------
    storage
        The root of the object.
    recipients
        Who can read the files.
    elements
        Ids of elements; `None` for all that have a file that is not encrypted.
    sender
        Who writes them; `None` for keys that are made for this and forgotten.

    Raises
    ------
    IntegrityError
        When a file is not what is recorded of it, or was not stored as it was sent.
    FileConflictError
        When a name is taken by a file that this cannot have left.
    InvalidInputError
        When there are no recipients, or a file is encrypted and not called so, or only called so.
    """
    if not recipients:
        raise InvalidInputError("give at least one public key to encrypt for; without one, nobody could read it")
    said = settled(storage)
    to_do, done = plan_work(said, elements, "encrypt")
    _refuse_only_called(storage, done)

    def content(plain: Iterator[bytes], url: str) -> Iterator[bytes]:
        return encrypt(_plain(plain, url), recipients, sender=sender)

    result = _Replacement(storage, "encrypt", content).run(said, to_do)
    remove_replaced(storage, result, done)
    return result, [work.element for work in to_do]


def decrypt_files(
    storage: Storage, ring: KeyRing, *, elements: Iterable[str] | None = None
) -> tuple[Snapshot, list[ElementId]]:
    """Decrypt files of an object, and return what the object says then and whose files were decrypted.

    Parameters
    ----------
    storage
        The root of the object.
    ring
        What to open them with.
    elements
        Ids of elements; `None` for all that have an encrypted file.

    Raises
    ------
    EncryptionError
        When no key opens a file, or it is not what was written; names the file.
    IntegrityError, FileConflictError
        As for `encrypt_files`.
    """
    said = settled(storage)
    to_do, done = plan_work(said, elements, "decrypt")
    found = ring.settled(storage.url_of(to_do[0].source)) if to_do else ring

    def content(sealed: Iterator[bytes], url: str) -> Iterator[bytes]:
        try:
            yield from decrypt(sealed, found.keys, sender=found.sender)
        except EncryptionError as error:
            error.file = error.file or url
            raise

    for work in to_do:  # before the first byte is written anywhere
        DecryptedFiles(storage, found.keys, sender=found.sender).stat(work.source)
    result = _Replacement(storage, "decrypt", content).run(said, to_do)
    remove_replaced(storage, result, done)
    return result, [work.element for work in to_do]


def _refuse_only_called(storage: Storage, done: Iterable[Work]) -> None:
    """Refuse when what counts as done is plain under the name of an encrypted file: it would be taken for secret."""

    def is_plain(work: Work) -> bool:
        with suppress(KeyNotFoundError):
            return storage.read(work.target, 0, len(MAGIC)) != MAGIC
        return False

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [*pool.map(lambda work: work if is_plain(work) else None, done)]
    for work in filter(None, found):
        url, name = storage.url_of(work.target), plain_name(work.target)
        message = f"{url} is only called as an encrypted file is; make its data_path {name!r}, then it can be encrypted"
        raise InvalidInputError(message)


def settled(storage: Storage) -> Snapshot:
    """Return what an object says, with what writers have recorded who were killed before it said so."""
    complete(storage, among_others=True)
    return Snapshot.read(storage)


class _Replacement:
    """Files on their way to take the place of others, of which nothing is seen until the object says so.

    Parameters
    ----------
    storage
        The object.
    direction
        What for.
    content
        Returns what takes the place of a file.
    """

    def __init__(self, storage: Storage, direction: Direction, content: Transform) -> None:
        self._storage = storage
        self._direction = direction
        self._content = content
        self._begun: list[str] = []

    def run(self, said: Snapshot, to_do: Sequence[Work]) -> Snapshot:
        """Store, read back, commit, and remove what was replaced; nothing is left when that fails before the commit."""
        if not to_do:
            return said
        try:
            stored = self._store_all(said, to_do)
            message = f"{self._direction}ed the files of {len(to_do)} elements"
            result = commit(self._storage, lambda base: self._plan(base, to_do, stored), message=message)
        except BaseException:
            self._take_back()
            raise
        self._remove_old(result, stored.values())
        return result

    def _store_all(self, said: Snapshot, to_do: Sequence[Work]) -> dict[str, _Stored]:
        """Store what takes the place of each file, small ones at once."""
        wanted = {name: target for work in to_do for name, target in work.names.items()}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            looks = pool.map(lambda name: stat_if_any(self._storage, name), wanted)
        found = {name: info for name, info in zip(wanted, looks, strict=True) if info is not None}
        for work in to_do:
            if work.source not in found:
                self._refuse_missing(work)
        names = FileNames(said.elements)
        for name, info in found.items():
            self._refuse_taken(names, info, wanted[name])
        checksums = {work.source: work.checksum for work in to_do}
        small = [name for name, info in found.items() if info.size <= _SMALL]
        large = [name for name in found if name not in small]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos-encryption") as pool:
            futures = [pool.submit(self._store, found[name], wanted[name], checksums.get(name)) for name in small]
            try:
                stored = [self._store(found[name], wanted[name], checksums.get(name)) for name in large]
                stored += [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return {str(each.source.path): each for each in stored}

    def _refuse_missing(self, work: Work) -> None:
        url = self._storage.url_of(work.source)
        if next(self._storage.scan(work.source), None) is None:
            raise KeyNotFoundError(url)
        message = (
            f"{url}, the data of {work.element}, is a directory: only files can be {self._direction}ed; pack it first"
        )
        raise InvalidInputError(message)

    def _refuse_taken(self, names: FileNames, source: ObjectInfo, target: str) -> None:
        """Refuse a name that something has, unless an earlier attempt that was killed can have left it."""
        owner = names.owner(target)
        here = stat_if_any(self._storage, target)
        if here is None:
            return
        sealed, plain = (here, source) if self._direction == "encrypt" else (source, here)
        if owner is not None or not is_sealed_of(self._storage, sealed, plain):
            raise FileConflictError(target, "" if owner is None else str(owner))

    def _store(self, source: ObjectInfo, target: str, checksum: str | None) -> _Stored:
        """Store what takes the place of one file, and read it back."""
        url = self._storage.url_of(source.path)
        self._begun.append(target)
        read, sent = Passing(), Passing()
        try:
            with closing(stream_file(self._storage, source.path)) as chunks:
                watched = read.watch(chunks) if checksum is not None else chunks
                with closing(sent.watch(self._content(watched, url))) as content:
                    info = self._storage.put(content, target)
            if checksum is not None and read.blake2b != checksum.lower():
                raise IntegrityError(url, "is not what its data_checksum says; 'modos verify' tells more")
            if info.size != sent.size or digest_of(self._storage, info) != sent.blake2b:
                raise IntegrityError(self._storage.url_of(target), "what is stored is not what was sent")
        except ModosError as error:
            error.add_note(f"while {self._direction}ing {url}, which is as it was")
            raise
        return _Stored(source, info, sent.blake2b)

    def _plan(self, base: Snapshot, to_do: Sequence[Work], stored: Mapping[str, _Stored]) -> Change:
        draft = Draft(base)
        for work in to_do:
            attributes = base.elements.get(work.element, {})
            if (attributes.get("data_path"), attributes.get(CHECKSUM)) != (work.source, work.checksum):
                reason = f"the file of {work.element} was replaced meanwhile by another writer; try again"
                raise IntegrityError(self._storage.url_of(work.source), reason)
            new = {"data_path": work.target}
            if CHECKSUM in CLASSES[attributes["@type"]].slots:
                new[CHECKSUM] = stored[work.source].checksum
            draft.update(work.element, new, _InPlace(self._storage, work.target))
        return replace(draft.change(), obsolete=())  # they go for good, and only once they are seen to be unchanged

    def _remove_old(self, result: Snapshot, stored: Iterable[_Stored]) -> None:
        """Remove what was replaced, unless either file was written to meanwhile, by another who does the same, for example."""
        names = FileNames(result.elements)
        old = [each for each in stored if names.owner(str(each.source.path)) is None]
        changed = [each for each in old if self._has_changed(each.target) or self._has_changed(each.source)]
        self._storage.remove_many([each.source.path for each in old if each not in changed])
        if changed:
            url = self._storage.url_of(changed[0].source.path)
            raise IntegrityError(url, f"was kept: it, or {changed[0].target.path}, was written to meanwhile by another")

    def _has_changed(self, file: ObjectInfo) -> bool:
        now = stat_if_any(self._storage, str(file.path))
        return now is not None and now.etag != file.etag

    def _take_back(self) -> None:
        with suppress(StorageError, ObjectError):
            names = FileNames(Snapshot.read(self._storage).elements)
            self._storage.remove_many([name for name in self._begun if names.owner(name) is None])


class _InPlace(SourceFile):
    """A file that is in the object already, under its new name."""

    __slots__ = ()

    def attachments(self, target: str, url: str) -> list[Attachment]:
        """Return nothing: there is nothing to store."""
        del target, url
        return []


def _plain(content: Iterator[bytes], url: str) -> Iterator[bytes]:
    """Yield what is to be encrypted, unless it is so already."""
    first = next(content, b"")
    if first.startswith(MAGIC):
        message = f"{url} is encrypted already, and not called so: rename it to …{sealed_name('')}"
        raise InvalidInputError(message)
    yield first
    yield from content
