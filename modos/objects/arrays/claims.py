"""Writers of one array, who must not mix their chunks: one at a time.

Owns how a writer is kept out while another is at work. Must not know what is written.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from modos.errors import ConflictError, StorageError
from modos.storage import ZARR_ROOT, ObjectInfo, Storage

__all__ = ["CLAIM", "claimed"]

CLAIM = "__writer__."
"""How the name of a claim begins; no group or array may be called so."""

_LEASE = timedelta(minutes=10)
_RENEWALS_PER_LEASE = 5


@contextmanager
def claimed(storage: Storage, path: str) -> Iterator[list[str]]:
    """Keep other writers away from an array, and yield the files that are at its place.

    A writer leaves a claim beside the chunks and then looks whether there is another: of two who come at once, both may
    be refused, never neither. A claim that is not renewed ends; one of a process of this machine that is gone is void.

    Parameters
    ----------
    storage
        The root of the object.
    path
        The array in the hierarchy.

    Raises
    ------
    ConflictError
        When another writer is at work.
    """
    place = f"{ZARR_ROOT}/{path}"
    name = f"{place}/{CLAIM}{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
    mine = storage.put(_body(), name)
    try:
        found = list(storage.scan(place))
        void = []
        now = next((each.last_modified for each in found if str(each.path) == name), mine.last_modified)
        for other in found:
            if other.path.name.startswith(CLAIM) and str(other.path) != name:
                if _is_alive(other, now):
                    raise _conflict(path, other)
                void.append(str(other.path))
        storage.remove_many(void)
        with _renewed(lambda: storage.put(_body(), name)):
            yield [str(each.path) for each in found if not each.path.name.startswith(CLAIM)]
    finally:
        with suppress(StorageError):
            storage.remove(name)


def _body() -> bytes:
    return datetime.now(UTC).isoformat().encode()


def _is_alive(claim: ObjectInfo, now: datetime | None) -> bool:
    """Tell whether a writer may still be at work, going by the service's clock."""
    host, process = _writer(claim.path)
    if host == socket.gethostname() and not _is_running(process):
        return False
    return now is None or claim.last_modified is None or claim.last_modified > now - _LEASE


def _conflict(path: str, claim: ObjectInfo) -> ConflictError:
    host, process = _writer(claim.path)
    since = "" if claim.last_modified is None else f" since {claim.last_modified:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    return ConflictError(
        path, reason=f"is being written by process {process} of {host}{since}; try again when it is done"
    )


def _writer(path: PurePosixPath) -> tuple[str, int]:
    host, _, rest = path.name.removeprefix(CLAIM).rpartition(".")[0].rpartition(".")
    return host, int(rest) if rest.isdecimal() else 0


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def _renewed(renew: Callable[[], object]) -> Iterator[None]:
    """Renew a claim from time to time; one that cannot be renewed now can be next time."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(_LEASE.total_seconds() / _RENEWALS_PER_LEASE):
            with suppress(StorageError):
                renew()

    renewal = threading.Thread(target=run, name="modos claim", daemon=True)
    renewal.start()
    try:
        yield
    finally:
        done.set()
        renewal.join()
