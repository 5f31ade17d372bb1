"""Where an object is: from what users write to the storage whose root it is.

Owns how a path, an address and a storage go together. Does no I/O.
"""

from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import Any

from modos._given import expect
from modos.errors import InvalidInputError, InvalidPathError
from modos.storage import Storage, open_storage
from modos.storage.urls import is_url

__all__ = ["Place", "located", "opened"]

type Place = str | PurePath | Storage


def opened(place: Place, options: Mapping[str, Any] | None) -> Storage:
    """Return the storage that a user names, by itself or by its path or address."""
    return place if isinstance(place, Storage) else open_storage(place, storage_options=options)


def located(path: str | PurePath, storage: Storage | None, options: Mapping[str, Any]) -> Storage:
    """Return the storage whose root is the object at a path.

    Parameters
    ----------
    path
        Of this machine, or an address; with a storage relative to it, or an address or absolute path beneath it.
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
    text = str(path)
    if storage is None:
        if text == "":
            raise InvalidPathError(text, "is no object's path; name a directory or an address")
        return open_storage(path, storage_options=options)
    expect(storage, Storage, "a storage is given by a Storage, such as open_storage(address) returns")
    if options:
        reason = f"{', '.join(sorted(options))}: a storage that is given is open already; give options to what opens it"
        raise InvalidInputError(reason)
    if not is_url(text) and not text.startswith("/"):
        name = str(PurePosixPath(text)) if text.startswith("./") else text.removesuffix("/")
        return storage if name in {"", "."} else storage / name
    place, root = (open_storage(text).url if is_url(text) else text).rstrip("/"), storage.url.rstrip("/")
    if place == root:
        return storage
    if place.startswith(f"{root}/"):
        return storage / place.removeprefix(f"{root}/")
    raise InvalidPathError(text, f"does not lie beneath the storage {storage.url}")
