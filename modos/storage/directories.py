"""Directories of this machine: what is in one, where links in it lead, and taking turns in it.

Owns what counts as nothing being there. Must not know what the files are for.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from modos.errors import AccessDeniedError, StorageError

__all__ = [
    "ABSENT",
    "Entry",
    "Sight",
    "entries",
    "entries_behind",
    "file_sight",
    "is_directory",
    "is_text",
    "is_unmistakable",
    "leads_back",
    "sight",
    "take_place",
    "turn",
    "write_out",
    "write_out_all",
]

type Entry = os.DirEntry[str] | Path

type Sight = tuple[int, ...]
"""What a directory is known by: its device, its number there, and when something last came into it or went; a file likewise."""

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})
"""Reasons why there is nothing under a name; one that the file system cannot have is the name of no file."""

_UNABLE = frozenset({errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP})
"""Reasons why something cannot be written out: what may not be read, and what Windows and some file systems do not offer."""


@contextmanager
def turn(directory: Path) -> Iterator[bool]:
    """Hold a directory's lock, which ends with the process; yield whether there is one: not all systems and file systems have it."""
    with ExitStack() as held:
        is_locked = False
        with suppress(ImportError, OSError):
            import fcntl

            descriptor = os.open(directory, os.O_RDONLY)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            is_locked = True
        yield is_locked


def sight(directory: Path) -> Sight | None:
    """Return how a directory is seen now; `None` where there is none, or nothing to be seen of it."""
    try:
        status = os.stat(directory)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns


def is_unmistakable(left: Sight | None, before: Sight | None, later: Sight | None) -> bool:
    """Tell whether a directory will never again be seen as it is left, once anything more has come into it.

    Whatever comes into a directory sets its time, by a clock that moves on in steps: of milliseconds, or of seconds. Two that
    come within one step leave the same time. But where something came into another directory of the file system afterwards,
    at a later time, the step is over, and all that is to come will have a later time as well; a clock that is set back would
    have to meet this very time. And that this file system sets such times at all, which not every one does, is seen from
    what came last.

    Parameters
    ----------
    left
        How the directory is seen while nobody else puts anything into it.
    before
        How it was seen before the last thing came into it.
    later
        How another directory is seen, into which something came after that.

    Examples
    --------
    >>> before, left = (1, 8, 1_000), (1, 8, 1_004)
    >>> is_unmistakable(left, before, (1, 9, 1_004)), is_unmistakable(left, before, (1, 9, 1_008))
    (False, True)
    """
    if left is None or before is None or later is None:
        return False
    return left[:2] == before[:2] and left[0] == later[0] and before[2] < left[2] < later[2]


def file_sight(file: Path) -> Sight | None:
    """Return how a file is seen as long as nobody writes to it, nor gives its name to another; `None` where that cannot be told.

    Whoever writes to a file sets two times, that of its content and that of its status, to the same moment. Who gives it a name
    sets only the second. So while the first is earlier than the second, nobody has written to it since it got its name;
    and once somebody has, it is not seen so again, whatever the time, unless a clock that is set back meets both.

    It is opened for that, since some file systems of a network look only then what others have made of it.
    """
    try:
        opened = os.open(file, os.O_RDONLY)
    except OSError:
        return None
    try:
        status = os.fstat(opened)
    finally:
        os.close(opened)
    if status.st_mtime_ns >= status.st_ctime_ns:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def entries(place: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a directory, nothing where there is none."""
    with _looked_into(place), os.scandir(place) as found:
        yield from found


def entries_behind(place: Path, marker: str) -> list[Path]:
    """Return what is in a directory and is behind a marker, or may be above something that is: of very many few are looked at."""
    names: list[str] = []
    with _looked_into(place):
        names = os.listdir(place)
    return [place / each for each in names if each > marker or marker.startswith(each)]


@contextmanager
def _looked_into(place: Path) -> Iterator[None]:
    """Take a directory that is not there for an empty one, and name one that may not be read."""
    try:
        yield
    except PermissionError as error:
        raise AccessDeniedError(str(place), "this user may not look into this directory") from error
    except OSError as error:
        if error.errno not in ABSENT:
            raise


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


def take_place(finished: str | Path, place: str | Path) -> None:
    """Give a finished file its name, in place of another file or of a directory with nothing in it.

    What replaces something is on the disk before it does: not every file system sees to it that one of them survives.

    Raises
    ------
    StorageError
        When there is something in it.
    """
    if os.path.lexists(place):
        write_out(finished)
        os.stat(finished)  # for `file_sight`: Linux then gives it a later time with its name
    try:
        os.replace(finished, place)
    except IsADirectoryError as error:
        try:
            os.rmdir(place)
        except OSError:
            raise StorageError(str(place), "is a directory") from error
        os.replace(finished, place)


def write_out(place: str | Path) -> None:
    """Wait until what was written to a file, or the entries of a directory, would survive a loss of power.

    Does nothing where there is nothing, nor where the system or the file system cannot do it.
    """
    try:
        opened = os.open(place, os.O_RDONLY)
    except OSError as error:
        if error.errno not in ABSENT | _UNABLE:
            raise
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
    finally:
        os.close(opened)


def write_out_all(directory: str | Path) -> bool:
    """Do so for all files of the file system of a directory, at once; tell whether this system can: Linux does.

    For thousands of small files it takes a fortieth of the time that it takes file by file.
    """
    from ctypes import CDLL, get_errno

    try:
        syncfs = CDLL(None, use_errno=True).syncfs
    except (AttributeError, TypeError):
        return False
    opened = os.open(directory, os.O_RDONLY)
    try:
        if syncfs(opened):
            raise OSError(get_errno(), os.strerror(get_errno()), str(directory))
    finally:
        os.close(opened)
    return True
