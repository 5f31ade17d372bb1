"""Whether what is stored of an object is what the object says: by its listing where digests are known, else by reading.

Owns what is missing, extra and changed. Changes nothing, and must not know how digests became known.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Literal

from modos.errors import (
    AuthenticationError,
    KeyNotFoundError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.model.schema import CHECKSUM
from modos.objects.editing.files import FileNames, files_of
from modos.objects.snapshot import Snapshot
from modos.storage import OWN_ROOT, ROOT_DOCUMENT, ZARR_ROOT, ObjectInfo, Storage
from modos.storage.hierarchy.documents import document_path
from modos.transfers import DigestBook
from modos.transfers.crew import Crew, Unit
from modos.transfers.files.copying import digest_of

__all__ = ["TROUBLE", "Verification", "checksums_of", "missing_of", "verify_object"]

type Finding = Literal["verified", "missing", "changed", "unreadable", "unproven"]

_AT_ONCE = 8
TROUBLE = (AuthenticationError, ServiceUnavailableError, StorageTimeoutError, UnreachableError)
"""What says nothing of the file that was asked for."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found out about an object. All names are relative to it, in order.

    Attributes
    ----------
    url
        Address of the object.
    verified
        Files that have the checksum that is recorded for them.
    missing
        Files and metadata documents that the object names and that are not there.
    extra
        Files beside the metadata that nothing describes.
    changed
        Files that have another checksum than is recorded.
    unreadable
        Files that were to be read to tell, and may not be or cannot be: a disk or a service has lost some of their bytes.
    unproven
        Files of which nothing is known without reading them, or of which no checksum is recorded.
    """

    url: str
    verified: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[str, ...]
    unreadable: tuple[str, ...]
    unproven: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is missing and nothing has changed, as far as was looked, and all that was to be read could be."""
        return not (self.missing or self.changed or self.unreadable)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        names = ("verified", "missing", "extra", "changed", "unreadable", "unproven")
        return {"url": self.url, "is_sound": self.is_sound, **{name: list(getattr(self, name)) for name in names}}


def verify_object(
    storage: Storage,
    *,
    deep: bool = False,
    book: DigestBook | None = None,
    said: Snapshot | None = None,
    listed: Mapping[str, ObjectInfo] | None = None,
) -> Verification:
    """Compare what is stored with the checksums that are recorded.

    Parameters
    ----------
    storage
        The root of the object.
    deep
        Whether every file with a recorded checksum is read. Otherwise only those are read whose digest, as the listing
        tells it, is not the one that is known for that checksum.
    book
        Where digests of earlier transfers are; `None` for the user's.
    said, listed
        What the object says and all its files, where that has just been read; `None` to read it here.

    Raises
    ------
    ObjectNotFoundError
        When there is no object.
    """
    said, seen = said or Snapshot.read(storage), time.time()
    listed = {str(info.path): info for info in storage.scan()} if listed is None else listed
    names = FileNames(said.elements)
    checksums = dict(checksums_of(said))
    data = [name for name in listed if PurePosixPath(name).parts[0] not in {ZARR_ROOT.name, OWN_ROOT.name}]
    with DigestBook.lent(book) as kept:
        findings = _findings(storage, listed, checksums, kept, deep=deep, seen=seen)
    rest = [name for name in data if name not in findings and names.owner(name) is not None]

    def found(finding: Finding) -> tuple[str, ...]:
        return tuple(sorted(name for name, each in findings.items() if each == finding))

    return Verification(
        storage.url,
        verified=found("verified"),
        missing=tuple(sorted({*missing_of(said, listed), *found("missing")})),
        extra=tuple(sorted(name for name in data if names.owner(name) is None)),
        changed=found("changed"),
        unreadable=found("unreadable"),
        unproven=tuple(sorted((*found("unproven"), *rest))),
    )


def checksums_of(said: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield each file of which an object says a checksum, and that: the BLAKE2b of its bytes, in hex."""
    for attributes in said.elements.values():
        checksum = attributes.get(CHECKSUM)
        if isinstance(checksum, str):
            yield from ((name, checksum.lower()) for name in files_of(attributes)[:1])


def missing_of(said: Snapshot, listed: Mapping[str, ObjectInfo]) -> tuple[str, ...]:
    """Return documents of the hierarchy and data files that an object names and has not; a directory is there by its files."""
    return tuple(sorted(_missing(said, listed)))


def _missing(said: Snapshot, listed: Mapping[str, ObjectInfo]) -> Iterator[str]:
    """Yield documents of the hierarchy and data files that are named and not there; a directory is there by its files."""
    is_older = said.zarr_format != 3  # noqa: PLR2004 - the format's own number
    members = [*map(str, said.elements), *said.others] if said.consolidated and not is_older else []
    yield from (name for member in members if (name := str(document_path(member))) not in listed)
    beginnings = {str(parent) for name in listed for parent in PurePosixPath(name).parents}
    names = {name for attributes in said.elements.values() for name in files_of(attributes)[:1]}
    yield from (name for name in names if name not in listed and name not in beginnings)
    if ROOT_DOCUMENT not in listed and not is_older:
        yield ROOT_DOCUMENT


def _findings(
    storage: Storage,
    listed: Mapping[str, ObjectInfo],
    checksums: Mapping[str, str],
    book: DigestBook,
    *,
    deep: bool,
    seen: float,
) -> dict[str, Finding]:
    """Return what is known of each file that has a checksum and is there; in doubt, it is read."""
    there = {name: checksum for name, checksum in checksums.items() if name in listed}
    findings: dict[str, Finding | None] = {
        name: None if deep else _by_listing(storage, listed[name], checksum, book) for name, checksum in there.items()
    }
    doubtful = [name for name, finding in findings.items() if finding is None]
    found: dict[str, Finding] = {}
    crew = Crew(workers=_AT_ONCE, memory=0)

    def read(name: str) -> tuple[Unit, ...]:
        found[name] = _by_reading(storage, listed[name], there[name], book, seen=seen, go_on=crew.go_on)
        return ()

    crew.carry_out(Unit(partial(read, name), 0) for name in doubtful)
    return {name: finding or found[name] for name, finding in findings.items()}


def _by_reading(
    storage: Storage, file: ObjectInfo, checksum: str, book: DigestBook, *, seen: float, go_on: Callable[[], None]
) -> Finding:
    """Return what the bytes of a file tell; `go_on` is called between pieces, and may raise to stop."""
    try:
        digest = digest_of(storage, file, lambda _: go_on())
    except TROUBLE:
        raise
    except KeyNotFoundError:  # listed all the same: it went a moment ago, or its service has set it aside as damaged
        return "missing"
    except StorageError:
        return "unreadable"
    book.record(storage, file, {"blake2b": digest}, seen=seen)
    return "verified" if digest == checksum else "changed"


def _by_listing(storage: Storage, file: ObjectInfo, checksum: str, book: DigestBook) -> Finding | None:
    """Return what the listing tells with what the book knows; `None` when it must be read to tell."""
    known = book.digests(storage, file).get("blake2b")
    if known is not None:
        return "verified" if known == checksum else None
    if file.md5 is None:
        return "unproven"
    expected = book.md5_of(checksum)
    if expected is None:
        return "unproven"
    return "verified" if expected == file.md5 else None
