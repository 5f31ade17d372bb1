"""What is listed at both ends of a transfer: which files can go under their names, and which have changed since.

Owns what listings alone can tell, before a byte is moved and before anything is completed. Must not know how files are
read, written, or planned.
"""

import math
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from modos.errors import IntegrityError, InvalidPathError, KeyChangedError, KeyExistsError, KeyNotFoundError
from modos.storage import Storage
from modos.storage.info import ObjectInfo
from modos.storage.paths import object_name, target_name
from modos.transfers.plan import Commit, in_turn

__all__ = [
    "Listing",
    "by_name",
    "changed_since",
    "check_ends",
    "check_room",
    "check_same",
    "listed_of",
    "nameable",
]

type Listing = Mapping[str, ObjectInfo]


def by_name(storage: Storage) -> dict[str, ObjectInfo]:
    """Return all files of a storage, as they are listed."""
    return {str(info.path): info for info in storage.scan()}


def nameable(source: Storage) -> dict[str, ObjectInfo]:
    """Return all files of a source, each under a name that a target can have.

    Raises
    ------
    InvalidPathError
        When one has another name, as services allow, or two differ in slashes and dots alone.
    """
    listed = list(source.scan())
    try:
        found = {target_name(info.path): info for info in listed}
    except InvalidPathError as error:
        error.add_note(f"while listing {source.url}")
        raise
    other = next((info for info in listed if found[str(info.path)] != info), None)
    if other is not None:
        reason = "names two files, which differ in slashes or dots alone; remove one"
        raise InvalidPathError(source.url_of(other.path), reason)
    return found


def listed_of(storage: Storage, names: Collection[str]) -> dict[str, ObjectInfo]:
    """Return those of some files that are there, as the directories list them that they are in."""
    directories = dict.fromkeys(PurePosixPath(name).parent for name in names)
    found = (info for each in directories for info in storage.scan(each if each.parts else None, recursive=False))
    return {name: info for info in found if (name := str(info.path)) in names}


def check_room(source: Storage, target: Storage, wanted: Listing, present: Listing) -> None:
    """Fail where a name is too long for the target, and where it is that of a file and of a directory, which no disk can have.

    Raises
    ------
    InvalidPathError
        When a name is too long, or both come from the source.
    KeyExistsError
        When one is in the way of the other at the target, or of the target itself.
    """
    if not isinstance(target.path, Path):
        for name in wanted:
            object_name("/".join((*target.path.parts[1:], name)))
        return
    nearest = next((each for each in (target.path, *target.path.parents) if os.path.lexists(each)), Path(os.sep))
    if wanted and not nearest.is_dir():
        reason = "is no directory, as the copy needs one there; remove it first, or copy to another place"
        raise KeyExistsError(str(nearest), reason)
    _check_lengths(wanted, nearest)
    clash = _clash([*wanted, *present])
    if clash is None:
        return
    file, beneath = clash
    if file in wanted and beneath in wanted:
        reason = f"is a file there, and a directory as well, of {beneath!r}: a disk cannot have both; rename one"
        raise InvalidPathError(source.url_of(file), reason)
    here, there = ("file", "directory") if file in present else ("directory", "file")
    reason = f"is a {here} here, and a {there} in {source.url}; remove it first, or copy to another place"
    raise KeyExistsError(target.url_of(file), reason)


def _check_lengths(names: Collection[str], directory: Path) -> None:
    """Refuse a name of which a part is longer than the file system of a directory takes, as far as that tells."""
    most = _longest(directory)
    long = (each for name in names for each in name.split("/") if len(os.fsencode(each)) > most)
    if found := next(long, None):
        raise InvalidPathError(found, f"is longer than {most} bytes, which no file or directory's name here may be")


def _longest(directory: Path) -> float:
    with suppress(AttributeError, OSError, ValueError):  # of Windows, and of file systems that do not say
        most = os.pathconf(directory, "PC_NAME_MAX")
        return most if most > 0 else math.inf
    return math.inf


def _clash(names: Collection[str]) -> tuple[str, str] | None:
    """Return a file and another one that is beneath its name; `None` where there is no such pair.

    Examples
    --------
    >>> _clash(["reads.txt", "reads/a/b", "reads"]), _clash(["reads/a", "read"])
    (('reads', 'reads/a/b'), None)
    """
    directories: dict[str, str] = {}
    for name in names:
        above = name.rpartition("/")[0]
        while above and above not in directories:
            directories[above] = name
            above = above.rpartition("/")[0]
    return next(((name, directories[name]) for name in names if name in directories), None)


def changed_since(listed: ObjectInfo, found: ObjectInfo) -> bool:
    """Tell whether a file is another version than the one that was listed."""
    if listed.size != found.size:
        return True
    if None not in {listed.etag, found.etag}:
        return listed.etag != found.etag
    return None not in {listed.last_modified, found.last_modified} and listed.last_modified != found.last_modified


def check_same(source: Storage, before: Listing, found: Listing, commit: Commit) -> None:
    """Compare two looks at files of the source; those that only the later one has are of no concern.

    Raises
    ------
    IntegrityError
        When a file is gone or another one; the committing file is named before any other.
    """
    changed = [name for name, info in before.items() if name not in found or changed_since(info, found[name])]
    if changed:
        name = next((each for each in reversed(in_turn(commit)) if each in changed), min(changed))
        reason = "the source was edited while it was copied; nothing was completed, copy it again"
        raise IntegrityError(source.url_of(name), reason)


def check_ends(source: Storage, target: Storage, wanted: Listing, present: Listing, commit: Commit) -> None:
    """List the source again, and look at the committing files that the target had: whoever edits it writes one of them last.

    A disk is asked about all files, which costs little there: what is removed meanwhile would be missed by nobody else.

    Raises
    ------
    IntegrityError
        When a file of the source has changed.
    KeyChangedError
        When a committing file of the target has.
    KeyNotFoundError
        When a file of the target is gone.
    """
    check_same(source, wanted, by_name(source), commit)
    completing = {*in_turn(commit)}
    arrived = wanted.keys() - completing if isinstance(target.path, Path) else ()
    gone = next((name for name in arrived if not target.exists(name)), None)
    if gone is not None:
        reason = "this was removed while others were copied, and so nothing was completed; copy again"
        raise KeyNotFoundError(target.url_of(gone), reason)
    for name in present.keys() & completing:
        with suppress(KeyNotFoundError):
            if not changed_since(present[name], target.stat(name)):
                continue
        reason = "what is here was edited while it was to be replaced, and so it was not; copy again"
        raise KeyChangedError(target.url_of(name), reason)
