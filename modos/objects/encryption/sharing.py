"""Who can read the encrypted files of an object: told, and changed by a new header, the body staying where it is.

Owns that, and what becomes of the checksum. Must not know how a service puts a file together.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from modos.encryption import Packet, PublicKey, SecretKey, list_packets, read_header, reshare, stream_file
from modos.errors import EncryptionError, IntegrityError, InvalidInputError, KeyChangedError
from modos.model.schema import CHECKSUM, CLASSES
from modos.objects.editing.commit import commit
from modos.objects.editing.draft import Change, Draft
from modos.objects.editing.examining import stat_if_any
from modos.objects.encryption.keys import KeyRing
from modos.objects.encryption.remains import Passing
from modos.objects.encryption.sealing import Work, plan_work, settled
from modos.objects.snapshot import Snapshot
from modos.storage import ObjectInfo, Storage

__all__ = ["Readers", "Reshared", "new_beginning", "recipients_of", "reshare_files"]


@dataclass(frozen=True, slots=True)
class Readers:
    """Who is to be able to read a file.

    Attributes
    ----------
    only
        These and nobody else; `None` for those who can, changed as the others say.
    add, remove
        Who comes, and who goes.
    sender
        Who writes the new parts of headers, and can take them away again; `None` for the first key that headers are opened with.
    """

    only: tuple[PublicKey, ...] | None = None
    add: tuple[PublicKey, ...] = ()
    remove: tuple[PublicKey, ...] = ()
    sender: SecretKey | None = None

    def header(self, head: bytes, keys: Sequence[SecretKey]) -> tuple[bytes, int]:
        """Return the new header of a file, and where its body begins.

        Raises
        ------
        EncryptionError
            When the old one cannot be opened.
        InvalidInputError
            When nobody is named, or nobody could read the file then.
        """
        if self.only is not None and (self.add or self.remove):
            raise InvalidInputError("name either all who are to read the file, or who is to be added and removed")
        sender = self.sender or next(iter(keys), None)
        if self.only is not None:
            return reshare(head, keys, self.only, sender=sender)
        if not self.add and not self.remove:
            raise InvalidInputError("name who is to read the file: all of them, or who is to be added or removed")
        return reshare(head, keys, self.add, sender=sender, keep=True, remove=self.remove)


@dataclass(frozen=True, slots=True)
class Reshared:
    """What became of one file.

    Attributes
    ----------
    file
        Its name in the object.
    by
        `"service"` where the body stayed where it is, `"client"` where all of the file was written anew.
    """

    file: str
    by: Literal["service", "client"]


def reshare_files(
    storage: Storage, ring: KeyRing, readers: Readers, *, elements: Sequence[str] | None = None
) -> tuple[Snapshot, list[Reshared]]:
    """Give the encrypted files of an object to others; return what the object says then, and how it was done.

    A file whose body the service leaves in place has no `data_checksum` then, since nobody has read it; that of a file that was written
    anew is recorded.

    Parameters
    ----------
    storage
        The root of the object.
    ring
        What the headers are opened with.
    readers
        Who is to be able to read.
    elements
        Ids of elements; `None` for all that have an encrypted file.

    Raises
    ------
    EncryptionError
        When no key opens a header; names the file. Nothing was then changed.
    InvalidInputError
        When an element that is named is not encrypted, or nobody could read it then.
    """
    said = settled(storage)
    plain, sealed = plan_work(said, elements, "encrypt")
    if elements is not None and plain:
        message = f"{plain[0].source} of {plain[0].element} is not encrypted; 'modos c4gh encrypt' does that"
        raise InvalidInputError(message)
    named = [name for work in sealed for name in work.names.values()]
    files = [info for name in named if (info := stat_if_any(storage, name)) is not None]
    keys = ring.for_file(storage.url_of(files[0].path)) if files else ()
    headers = [_beginning(storage, info, keys, readers) for info in files]
    said = _recorded(storage, sealed, {}) if sealed else said
    done, checksums = [], {}
    for info, (header, body) in zip(files, headers, strict=True):
        by, checksum = new_beginning(storage, info, header, body)
        done.append(Reshared(str(info.path), by))
        if checksum is not None:
            checksums[str(info.path)] = checksum
    return (_recorded(storage, sealed, checksums) if checksums else said), done


def recipients_of(
    storage: Storage, name: str, keys: Sequence[SecretKey], *, among: Sequence[PublicKey] = ()
) -> list[Packet]:
    """Return what can be said of who can read a file; see `modos.encryption.list_packets`."""
    with closing(stream_file(storage, name)) as content, _naming(storage, name):
        return list_packets(read_header(content)[0], keys, among=among)


def new_beginning(
    storage: Storage, file: ObjectInfo, header: bytes, body: int
) -> tuple[Literal["service", "client"], str | None]:
    """Put a header before the body of a file, by the service where it can; others see the old file or the new one.

    Parameters
    ----------
    storage, file
        The file, as it was when its header was read.
    header
        What it begins with then.
    body
        Where the body begins.

    Returns
    -------
    tuple
        Who has put it together, and the checksum of the file when it was written anew.

    Raises
    ------
    KeyChangedError
        When the file was replaced since.
    """
    parts = storage.parts
    if parts is not None and parts.replace_beginning(file, header, body) is not None:
        return "service", None
    if storage.stat(file.path).etag != file.etag:
        raise KeyChangedError(storage.url_of(file.path))
    passing = Passing()
    with closing(stream_file(storage, file.path)) as old:
        content = passing.watch(chain((header,), _behind(old, body)))
        info = storage.put(content, file.path, content_type=file.content_type, metadata=file.metadata)
    if info.size != passing.size:
        raise IntegrityError(storage.url_of(file.path), "what is stored is not what was sent")
    return "client", passing.blake2b


def _behind(content: Iterator[bytes], start: int) -> Iterator[bytes]:
    for chunk in content:
        yield chunk[start:]
        start = max(0, start - len(chunk))


def _beginning(storage: Storage, info: ObjectInfo, keys: Sequence[SecretKey], readers: Readers) -> tuple[bytes, int]:
    name = str(info.path)
    with closing(stream_file(storage, name)) as content, _naming(storage, name):
        return readers.header(read_header(content)[0], keys)


def _recorded(storage: Storage, sealed: Sequence[Work], checksums: dict[str, str]) -> Snapshot:
    """Record checksums of files, or that there are none: one edit, none when nothing changes."""

    def plan(base: Snapshot) -> Change:
        draft = Draft(base)
        for work in sealed:
            said = base.elements.get(work.element, {})
            checksum = checksums.get(work.target)
            if said.get("data_path") != work.target or said.get(CHECKSUM) == checksum:
                continue
            if CHECKSUM in CLASSES[said["@type"]].slots:
                draft.update(work.element, {CHECKSUM: checksum})
        return draft.change()

    return commit(storage, plan, message=f"gave the encrypted files of {len(sealed)} elements to others")


@contextmanager
def _naming(storage: Storage, name: str) -> Iterator[None]:
    """Name the file in an error of encryption."""
    try:
        yield
    except EncryptionError as error:
        error.file = error.file or storage.url_of(name)
        raise
