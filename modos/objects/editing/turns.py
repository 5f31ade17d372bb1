"""Writers of one object taking turns, as far as they can know of each other.

Owns mutual exclusion: between threads everywhere, between processes where the object is a directory of this machine; and
how a writer there knows that nothing was recorded or published since his last turn. Must not know what is written. Services have no lock
that could be trusted, so writers there look again afterwards.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from modos.objects.snapshot import Snapshot
from modos.storage import LOG, ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.directories import Sight, file_sight, is_unmistakable, sight
from modos.storage.directories import turn as turn_in

__all__ = ["as_left", "log_as_seen", "turn"]

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
    place = storage.path
    with lock, turn_in(place) if isinstance(place, Path) else nullcontext(enter_result=False) as is_exclusive:
        yield is_exclusive


def log_as_seen(storage: Storage) -> Sight | None:
    """Return how the log of an object on this machine is seen now; `None` where there is none."""
    return sight(Path(storage.path, LOG))


def as_left(storage: Storage, said: Snapshot, before: Sight | None) -> Snapshot:
    """Return what an object says at the end of a turn, with how its log and its root document are seen as long as both are left so.

    Neither is noted where it could be seen so again though others have recorded an edit, or written another root document.

    Parameters
    ----------
    storage
        The root of the object, whose root document was written after the record of this turn.
    said
        What this document says.
    before
        How the log was seen before that record.
    """
    log = log_as_seen(storage)
    is_certain = is_unmistakable(log, before, sight(Path(storage.path, ZARR_ROOT)))
    document = said.document
    if document is not None:
        document = replace(document, sight=file_sight(Path(storage.path, ROOT_DOCUMENT)))
    return replace(said, log=log if is_certain else None, document=document)
