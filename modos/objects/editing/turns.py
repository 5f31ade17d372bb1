"""Writers of one object taking turns, as far as they can know of each other.

Owns mutual exclusion: between threads everywhere, between processes where the object is a directory of this machine.
Must not know what is written. Services have no lock that could be trusted, so writers there look again afterwards.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from modos.storage import Storage

__all__ = ["turn"]

_LOCKS: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
_LOCKS_LOCK = threading.Lock()


@contextmanager
def turn(storage: Storage) -> Iterator[bool]:
    """Wait until no other writer of this object has its turn, and yield whether that holds for all of them.

    A process that is killed gives up its turn. `False` says that writers on other machines may be at work as well.

    Parameters
    ----------
    storage
        The root of the object.
    """
    with _LOCKS_LOCK:
        lock = _LOCKS.setdefault(storage.url, threading.Lock())
    with lock, _locked_directory(storage.path) as is_exclusive:
        yield is_exclusive


@contextmanager
def _locked_directory(directory: object) -> Iterator[bool]:
    if not isinstance(directory, Path):
        yield False
        return
    descriptor = _lock(directory)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)  # which gives the lock back


def _lock(directory: Path) -> int | None:
    """Return a descriptor that holds the lock, `None` on systems and file systems that lock no directories."""
    try:
        import fcntl

        descriptor = os.open(directory, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
