"""Parts of large files that transfers have left which were killed and never made again.

Owns when such a file counts as abandoned. Must not know how parts are stored.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from modos._given import expect
from modos.errors import KeyNotFoundError, ServiceError
from modos.storage.base import Storage
from modos.storage.parts.plan import Unfinished

__all__ = ["discard_abandoned", "list_abandoned"]


def list_abandoned(storage: Storage, *, grace: timedelta = timedelta(days=1)) -> list[Unfinished]:
    """Return the files beneath a storage of which parts have arrived and that were not completed.

    Parameters
    ----------
    storage
        Where to look.
    grace
        Since when no part may have arrived: what moves is left alone. Zero for all there are.

    Raises
    ------
    KeyNotFoundError
        When there is no such directory, bucket or container.
    AccessDeniedError
        When a directory may not be looked into.
    ServiceError
        When the storage takes no parts, so that there are none.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from modos.storage import LocalStorage
    >>> list_abandoned(LocalStorage(mkdtemp()))
    []
    """
    expect(storage, Storage, "where to look is said by a Storage, such as open_storage(address) returns")
    if storage.parts is None:
        raise ServiceError(storage.url, "this storage takes large files in one stream: there are no parts to be left")
    if isinstance(storage.path, Path) and not storage.path.is_dir():
        raise KeyNotFoundError(storage.url, "there is no such directory")
    now = datetime.now(UTC)
    return [each for each in storage.parts.unfinished() if not grace or now - each.changed >= grace]


def discard_abandoned(storage: Storage, *, grace: timedelta = timedelta(days=1)) -> list[Unfinished]:
    """Remove what `list_abandoned` returns, and return it.

    Parameters
    ----------
    storage, grace
        As for `list_abandoned`.
    """
    found = list_abandoned(storage, grace=grace)
    if storage.parts is not None:
        for each in found:
            storage.parts.discard(each)
    return found
