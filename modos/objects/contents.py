"""What is in an object, counted and listed: its files, and one checksum of them all.

Owns listings that leave the zarr hierarchy out. Changes nothing.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from modos.errors import InvalidPathError, ObjectExistsError
from modos.storage import OWN_ROOT, ROOT_DOCUMENT, ZARR_ROOT, LocalStorage, Storage
from modos.storage.sources import chunks_of

__all__ = ["content_checksum", "data_files", "refuse_foreign", "refuse_inner"]


def data_files(storage: Storage) -> Iterator[PurePosixPath]:
    """Yield the files beside the zarr hierarchy, which itself is not looked into, and beside what modos keeps for itself."""
    for entry in storage.scan(recursive=False):
        if _is_inner(entry.path):
            continue
        if entry.kind == "directory":
            yield from storage.list(entry.path)
        else:
            yield entry.path


def _is_inner(path: PurePosixPath) -> bool:
    return path.parts[0] in {ZARR_ROOT.name, OWN_ROOT.name}


def refuse_inner(storage: Storage) -> None:
    """Refuse a place inside an object, where that costs nothing: on a disk, and wherever its path tells.

    Raises
    ------
    ObjectExistsError
        Names the object around it.
    InvalidPathError
        When it is in a hierarchy by its path, where listings do not look for objects.
    """
    from modos.storage.discovery import is_discoverable  # which all backends come with

    around = storage.path.parents if isinstance(storage, LocalStorage) else ()
    outer = next((path for path in around if os.path.isfile(path / ROOT_DOCUMENT)), None)  # noqa: PTH113 - that of pathlib raises where it may not look
    if outer is not None:
        raise ObjectExistsError(storage.url, f"this is inside the object {outer}; choose a place beside it")
    if not is_discoverable("/".join(storage.path.parts[1:])):  # the first is a root, a bucket or a container
        reason = f"can hold no object: {ZARR_ROOT} is the name of an object's metadata, into which no listing looks"
        raise InvalidPathError(storage.url, reason)


def refuse_foreign(
    storage: Storage,
    ours: Callable[[str], bool],
    *,
    listed: Iterable[PurePosixPath] | None = None,
    otherwise: str = "",
) -> None:
    """Refuse a place that is no object yet and holds what an edit or a copy that was broken off cannot have left.

    A place inside another object is refused as well, as `refuse_inner` finds it.

    Parameters
    ----------
    storage
        The place. What is in its zarr hierarchy is not looked at: without a root document that is nobody's.
    ours
        Tells whether a file will be the new object's.
    listed
        All files that are there; `None` to list those beside the hierarchy.
    otherwise
        What can be done but choose another place, as the error is to say it.

    Raises
    ------
    ObjectExistsError
        Names a file that is there, or the object around it.
    """
    refuse_inner(storage)
    there = data_files(storage) if listed is None else (path for path in listed if not _is_inner(path))
    foreign = next((path for path in there if not ours(str(path))), None)
    if foreign is not None:
        reason = f"this is no digital object and not empty: {str(foreign)!r} is in it; choose another place{otherwise}"
        raise ObjectExistsError(storage.url, reason)


def content_checksum(storage: Storage) -> str:
    """Return one BLAKE2b (512 bits, hex) over the names and contents of all files, the hierarchy included.

    It is the same wherever the object is stored. Reads the whole object but what modos keeps for itself, log and trash.
    """
    digest = hashlib.blake2b()
    for path in sorted((each for each in storage.list() if each.parts[0] != OWN_ROOT.name), key=str):
        content = hashlib.blake2b()
        with storage.open(path) as file:
            for chunk in chunks_of(file):
                content.update(chunk)
        digest.update(f"{content.hexdigest()}  {path}\n".encode())
    return digest.hexdigest()
