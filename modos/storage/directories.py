"""Directories of this machine: what is in one, where links in it lead, and taking turns in it.

Owns what counts as nothing being there. Must not know what the files are for.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ABSENT", "Entry", "entries", "entries_behind", "is_directory", "is_text", "leads_back", "turn"]

type Entry = os.DirEntry[str] | Path

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})
"""Reasons why there is nothing under a name; one that the file system cannot have is the name of no file."""


@contextmanager
def turn(directory: Path) -> Iterator[None]:
    """Hold a directory's lock, which ends with the process; where there is no directory there is nothing to lock."""
    try:
        import fcntl

        held = os.open(directory, os.O_RDONLY)
    except (ImportError, FileNotFoundError, NotADirectoryError):
        yield
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def entries(place: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a directory, nothing where there is none."""
    try:
        found = os.scandir(place)
    except OSError as error:
        if error.errno in ABSENT:
            return
        raise
    with found:
        yield from found


def entries_behind(place: Path, marker: str) -> list[Path]:
    """Return what is in a directory and is behind a marker, or may be above something that is: of very many few are looked at."""
    try:
        names = os.listdir(place)
    except OSError as error:
        if error.errno in ABSENT:
            return []
        raise
    return [place / each for each in names if each > marker or marker.startswith(each)]


def is_text(name: str) -> bool:
    """Tell whether a name on the disk can be that of a target."""
    return name.isascii() or not any("\udc80" <= each <= "\udcff" for each in name)


def leads_back(link: str, way: Iterable[str]) -> bool:
    """Tell whether a link leads to one of the directories on the way to it, or above one."""
    target = os.path.realpath(link)
    return any(os.path.commonpath((target, each)) == target for each in way)


def is_directory(entry: Entry) -> bool:
    """Tell whether an entry is a directory, or a link to one; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return False
