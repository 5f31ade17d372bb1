"""Where an object is: from what users name it by to the storage whose root it is.

Owns how a path, an address, a storage and an object go together. Does no I/O.
"""

from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import Any, Protocol, runtime_checkable

from modos._given import expect
from modos.errors import InvalidInputError, InvalidPathError
from modos.storage import Storage, open_storage
from modos.storage.urls import is_url

__all__ = ["Place", "Placed", "located", "opened"]


@runtime_checkable
class Placed(Protocol):
    """What has a place of its own: an object, or one that was found."""

    @property
    def storage(self) -> Storage:
        """The storage whose root it is."""


type Place = str | PurePath | Storage | Placed
"""Whatever a user may name an object, or a place for one, by."""


def opened(place: Place, options: Mapping[str, Any] | None = None) -> Storage:
    """Return the storage that a user names: by its path or address, by itself, or by the object that is there.

    Parameters
    ----------
    place
        One of these.
    options
        What the backend of an address takes; `None` for nothing.

    Raises
    ------
    InvalidPathError
        When nothing is named.
    InvalidInputError
        When it is named by something else, or options are given with what is open already.
    """
    found = place.storage if isinstance(place, Placed) else place
    if not isinstance(found, Storage):
        if str(found) == "":
            raise InvalidPathError("", "is no path; name a directory or an address")
        return open_storage(found, storage_options=options)
    if options:
        reason = f"{', '.join(sorted(options))}: a storage that is given is open already; give options to what opens it"
        raise InvalidInputError(reason)
    return found


def located(path: Place, storage: Storage | None, options: Mapping[str, Any]) -> Storage:
    """Return the storage whose root is the object at a path.

    Parameters
    ----------
    path
        What `opened` takes; with a storage a path relative to it, or an address or absolute path beneath it.
    storage
        Where the object lives; `None` to take that from the path.
    options
        What the backend of an address takes.

    Raises
    ------
    InvalidPathError
        When nothing is named, or the path does not lie beneath the storage.
    InvalidInputError
        When the storage is none, such as an address, or options are given with it.

    Examples
    --------
    >>> from modos.storage import LocalStorage
    >>> located("study/ex", LocalStorage("/data"), {})
    LocalStorage('/data/study/ex')
    """
    if storage is None:
        return opened(path, options)
    expect(storage, Storage, "a storage is given by a Storage, such as open_storage(address) returns")
    expect(path, (str, PurePath), "in a storage that is given an object is named by its path")
    storage, text = opened(storage, options), str(path)
    if not is_url(text) and not text.startswith("/"):
        name = str(PurePosixPath(text)) if text.startswith("./") else text.removesuffix("/")
        return storage if name in {"", "."} else storage / name
    place, root = (open_storage(text).url if is_url(text) else text).rstrip("/"), storage.url.rstrip("/")
    if place == root:
        return storage
    if place.startswith(f"{root}/"):
        return storage / place.removeprefix(f"{root}/")
    raise InvalidPathError(text, f"does not lie beneath the storage {storage.url}")
