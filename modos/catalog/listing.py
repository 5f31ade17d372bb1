"""Which digital objects there are beneath an address.

Owns the public listing. Knows storages by their contract, and nothing inside an object.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modos.errors import KeyNotFoundError
from modos.objects.places import Place, opened
from modos.storage import LocalStorage, Storage, find_objects

__all__ = ["FoundObject", "list_modos"]


@dataclass(frozen=True, slots=True)
class FoundObject:
    """A digital object that was found.

    Attributes
    ----------
    url
        Its address.
    path
        The same, relative to where the search began; `"."` when the object is that place itself.
    storage
        The storage that it is the root of, with the credentials of the search. `MODO(found)` opens it, and whatever takes the
        place of an object takes what was found.
    """

    url: str
    path: str
    storage: Storage


def list_modos(place: Place, **options: Any) -> Iterator[FoundObject]:  # noqa: ANN401 - backends check them
    """Yield the digital objects beneath an address, as they are found and in order of their names.

    On S3 and Swift this costs at most one request per object plus one per full page of the listing, whatever the
    objects hold, since what is inside one is skipped.

    Parameters
    ----------
    place
        A path, an address such as `swift://container[/prefix]`, or a storage. A prefix is a directory's name: `ex`
        does not find what is in `ex2`.
    **options
        What the backend takes; see `modos.storage.open_storage`.

    Raises
    ------
    KeyNotFoundError
        When there is no such directory, bucket or container. A prefix that nothing begins with holds no object.
    AccessDeniedError
        When a directory may not be read; what else there is has been yielded by then.

    Examples
    --------
    >>> import tempfile
    >>> from modos import MODO
    >>> place = tempfile.mkdtemp()
    >>> _ = MODO.create(f"{place}/pilot/ex", id="ex")
    >>> [found.path for found in list_modos(place)]
    ['pilot/ex']
    """
    storage = opened(place, options)
    if isinstance(storage, LocalStorage) and not storage.path.is_dir():
        raise KeyNotFoundError(storage.url, "there is no such directory")
    for name in find_objects(storage):
        if name:
            yield FoundObject(storage.url_of(name), name, storage / name)
        else:
            yield FoundObject(storage.url, ".", storage)
