"""What is listed at both ends of a transfer: which files can go under their names, and which have changed since.

Owns what a listing alone can tell before a byte is moved. Must not know how files are read, written, or planned.
"""

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from modos.errors import IntegrityError, InvalidPathError, KeyExistsError
from modos.storage import Storage
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name
from modos.transfers.plan import Commit, in_turn

__all__ = ["Listing", "by_name", "changed_since", "check_room", "check_unchanged", "is_listed", "nameable"]

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


def is_listed(storage: Storage, name: str) -> bool:
    """Tell whether there is a file by a listing of the directory that it is in."""
    path = PurePosixPath(name)
    directory = None if path.parent == PurePosixPath() else path.parent
    return any(info.path == path for info in storage.scan(directory, recursive=False))


def check_room(source: Storage, target: Storage, wanted: Listing, present: Listing) -> None:
    """Fail where a name is that of a file and of a directory, if the target is on a disk, which cannot have both.

    Raises
    ------
    InvalidPathError
        When both come from the source.
    KeyExistsError
        When one is in the way of the other at the target.
    """
    clash = _clash([*wanted, *present]) if isinstance(target.path, Path) else None
    if clash is None:
        return
    file, beneath = clash
    if file in wanted and beneath in wanted:
        reason = f"is a file there, and a directory as well, of {beneath!r}: a disk cannot have both; rename one"
        raise InvalidPathError(source.url_of(file), reason)
    here, there = ("file", "directory") if file in present else ("directory", "file")
    reason = f"is a {here} here, and a {there} in {source.url}; remove it first, or copy to another place"
    raise KeyExistsError(target.url_of(file), reason)


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


def check_unchanged(source: Storage, wanted: Listing, commit: Commit) -> None:
    """List the source again and compare; files that are new there are of no concern.

    Raises
    ------
    IntegrityError
        When a file is gone or another one; the committing file is named before any other.
    """
    found = by_name(source)
    changed = [name for name, info in wanted.items() if name not in found or changed_since(info, found[name])]
    if changed:
        name = next((each for each in reversed(in_turn(commit)) if each in changed), min(changed))
        reason = "the source was edited while it was copied; nothing was completed, copy it again"
        raise IntegrityError(source.url_of(name), reason)
