"""Bringing an object of zarr format 2, as releases of modos up to 0.3.5 wrote it, to format 3.

Owns the order of that: new documents beside the old, the root document last, and only then the old ones go. Files beside
the hierarchy and the chunks of arrays are neither read nor written.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from modos.errors import DamagedObjectError, IntegrityError, ObjectNotFoundError, StorageError
from modos.model import ELEMENT_KINDS
from modos.objects.checks.older import (
    OLD_NAMES,
    OLD_ROOTS,
    documents_of_old,
    old_hierarchy,
    read_old_root,
    refuse_unsupported,
)
from modos.objects.checks.statements import element_groups
from modos.objects.editing.turns import turn
from modos.objects.places import Place, opened
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, ObjectInfo, Storage
from modos.storage.base import OLD_ROOT
from modos.storage.hierarchy.documents import document_path, group_member, member_document
from modos.storage.hierarchy.root import ZarrRoot

__all__ = ["Upgrade", "upgrade_object"]

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did, or would do.

    Attributes
    ----------
    url
        Address of the object.
    written
        Documents of format 3, the root document last; none when the object is of format 3 already.
    removed
        Documents of format 2.
    dry_run
        Whether nothing was changed.
    """

    url: str
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        return {
            "url": self.url,
            "written": list(self.written),
            "removed": list(self.removed),
            "dry_run": self.dry_run,
        }


def upgrade_object(place: Place, *, keep_old: bool = False, dry_run: bool = False) -> Upgrade:
    """Rewrite the metadata of an object of zarr format 2 in format 3.

    Until the new root document is there the object is of format 2; killed before, it is whole, and the same call again
    does it. A document of a group is taken before what consolidated metadata say of it. Upgrading what is of format 3
    already removes what an upgrade that was killed has left of format 2, and does nothing else.

    Parameters
    ----------
    place
        The object, its path, address or storage.
    keep_old
        Whether the documents of format 2 stay beside the new ones, for programs that read nothing else; they will not
        learn of later edits.
    dry_run
        Whether to change nothing, and only tell.

    Returns
    -------
    Upgrade
        Which documents were written and removed.

    Raises
    ------
    ObjectNotFoundError
        When there is no object.
    DamagedObjectError
        When its metadata cannot be read.
    UnsupportedFormatError
        When format 3 cannot describe an array as it is stored. Nothing was written.
    StorageError
        When another program changed the object meanwhile; it is as that program left it.
    """
    storage = opened(place)
    listed = _listed(storage)
    if ROOT_DOCUMENT in listed:
        Snapshot.read(storage)  # which must be whole before anything beside it goes
        return _finished(storage, (), () if keep_old else tuple(_old(listed)), dry_run=dry_run)
    if OLD_ROOT not in listed:
        raise ObjectNotFoundError(storage.url)
    with turn(storage):
        return _upgraded(storage, listed, keep_old=keep_old, dry_run=dry_run)


def _upgraded(storage: Storage, listed: dict[str, ObjectInfo], *, keep_old: bool, dry_run: bool) -> Upgrade:
    old = tuple(_old(listed))
    root = _planned(storage, old, listed)
    documents = {document_path(path): member_document(member) for path, member in root.members.items()}
    body = root.dump()
    if not dry_run:
        try:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos-upgrade") as pool:
                list(pool.map(lambda name: _put(storage, name, documents[name]), documents))
            _refuse_changed(storage, listed)
            storage.put(body, ROOT_DOCUMENT, mode="create", content_type="application/json")
        except BaseException:
            _take_back(storage, listed, documents)
            raise
        if storage.read(ROOT_DOCUMENT) != body:
            raise IntegrityError(storage.url_of(ROOT_DOCUMENT), "is not what was written; the old documents are kept")
    return _finished(storage, (*documents, ROOT_DOCUMENT), () if keep_old else old, dry_run=dry_run)


def _planned(storage: Storage, old: tuple[str, ...], listed: Collection[str]) -> ZarrRoot:
    """Return what the root document is to be, or refuse what cannot be one."""
    documents = documents_of_old(storage, [name for name in old if not name.endswith("/.zmetadata")])
    found = old_hierarchy(documents, storage.url)
    if not isinstance(found.attributes.get("id"), str):
        raise _lost(storage, f"it has no id in {ZARR_ROOT}/.zattrs")
    for element, attributes in element_groups(found).items():
        if not isinstance(attributes.get("@type"), str):
            raise _lost(storage, f"its element {element} has no @type in {ZARR_ROOT}/{element}/.zattrs")
    _refuse_left(storage, found, listed)
    refuse_unsupported(found, storage.url)
    kinds: dict[str, dict[str, Any]] = {kind: group_member({}) for kind in ELEMENT_KINDS}
    root = ZarrRoot(found.attributes, {**kinds, **found.members})
    try:
        root.dump()
    except ValueError as error:
        reason = "its metadata of zarr format 2 has a number that JSON has not, such as NaN"
        raise DamagedObjectError(storage.url, reason) from error
    return root


def _refuse_left(storage: Storage, found: ZarrRoot, listed: Collection[str]) -> None:
    """Refuse to leave out what only consolidated metadata have, but where nothing else is left of it: that was removed."""
    said = None
    with suppress(DamagedObjectError):  # then they say nothing
        said = read_old_root(storage) if OLD_ROOTS[0] in listed else None
    missing = {} if said is None else {path: said.members[path] for path in said.members.keys() - found.members.keys()}
    for path, member in sorted(missing.items()):
        mark = ".zarray" if member["node_type"] == "array" else ".zgroup"
        if any(name.startswith(f"{ZARR_ROOT}/{path}/") for name in listed):
            raise _lost(storage, f"{ZARR_ROOT}/{path}/{mark} is not there")


def _lost(storage: Storage, reason: str) -> DamagedObjectError:
    error = DamagedObjectError(storage.url, f"it is zarr format 2, and {reason}")
    error.add_note(f"{ZARR_ROOT}/.zmetadata may hold a copy of what that said; nothing was changed")
    return error


def _finished(storage: Storage, written: tuple[str, ...], removed: tuple[str, ...], *, dry_run: bool) -> Upgrade:
    """Remove old documents, that of the root last: as long as one is left, so is it."""
    if removed and not dry_run:
        storage.remove_many([name for name in removed if name != OLD_ROOT])
        storage.remove(OLD_ROOT)
        storage._forget_zarr(ROOT_DOCUMENT)  # noqa: SLF001 - it may have been opened as format 2
    return Upgrade(storage.url, written, removed, dry_run)


def _listed(storage: Storage) -> dict[str, ObjectInfo]:
    """Return the files of the hierarchy; what is beside it does not matter here."""
    return {str(info.path): info for info in storage.scan(ZARR_ROOT)}


def _old(listed: dict[str, ObjectInfo]) -> Iterator[str]:
    return (name for name in listed if PurePosixPath(name).name in OLD_NAMES)


def _refuse_changed(storage: Storage, listed: dict[str, ObjectInfo]) -> None:
    """Refuse to commit when another program has written a document of format 2 since they were listed."""
    now = _listed(storage)
    before = {name: _version(listed[name]) for name in _old(listed)}
    if ROOT_DOCUMENT in now or {name: _version(now[name]) for name in _old(now)} != before:
        raise StorageError(storage.url, "another program changed the object meanwhile; try again")


def _version(info: ObjectInfo) -> tuple[object, ...]:
    return info.size, info.etag, info.last_modified


def _take_back(storage: Storage, listed: dict[str, ObjectInfo], documents: dict[str, bytes]) -> None:
    """Remove what was written, unless another has made an object of it by now."""
    with suppress(StorageError):
        if not storage.exists(ROOT_DOCUMENT):
            storage.remove_many([name for name in documents if name not in listed])


def _put(storage: Storage, name: str, body: bytes) -> None:
    storage.put(body, name, content_type="application/json")
