"""Where a pipeline has led so far: a name in a storage, or a path in a zarr store; and the file that may be there.

Owns going from storages to zarr stores and back. Must not know any scheme.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from modos.errors import KeyNotFoundError
from modos.storage.base import Storage
from modos.storage.pipelines.interface import AdapterResolution

if TYPE_CHECKING:
    from zarr.abc.store import Store

__all__ = ["Blob", "BlobPlace", "Place", "StorageBlob", "StoragePlace", "StorePlace", "joined_path", "place_of"]


class Blob(Protocol):
    """A file that is read by ranges; no more is needed to read an archive."""

    @property
    def url(self) -> str:
        """Its address, for messages and for storages on it."""

    def size(self) -> int:
        """Return its bytes; `KeyNotFoundError` when there is no file."""

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, clipped."""


class Place(Protocol):
    """What an adapter stands on."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def name(self) -> str:
        """Its path, `""` for the root of where it is."""

    def blob(self) -> Blob:
        """Return the file here; it need not exist until it is read."""

    def directory(self) -> Storage | None:
        """Return the storage beneath, `None` where only a zarr store can be had."""

    def store(self, *, read_only: bool) -> "Store":
        """Return a zarr store whose root is here."""


@dataclass(frozen=True, slots=True)
class StorageBlob:
    """A file in a storage."""

    storage: Storage
    name: str
    url: str

    def size(self) -> int:
        """Return its bytes."""
        return self.storage.stat(self.name).size

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, clipped."""
        return self.storage.read(self.name, start, end)


@dataclass(frozen=True, slots=True)
class StoragePlace:
    """A name in a storage, or its root."""

    storage: Storage
    name: str
    url: str

    def blob(self) -> Blob:
        """Return the file of this name."""
        if self.name == "":
            raise KeyNotFoundError(self.url, "is a directory, and a file is needed")
        return StorageBlob(self.storage, self.name, self.url)

    def directory(self) -> Storage:
        """Return the storage whose root is here."""
        return self.storage / self.name if self.name else self.storage

    def store(self, *, read_only: bool) -> "Store":
        """Return a zarr store whose root is here."""
        from modos.storage.pipelines.stores import PlacedStore

        return PlacedStore(self, read_only=read_only)


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """A file made of another, such as what a compressed one holds."""

    content: Blob
    url: str

    @property
    def name(self) -> str:
        """Nothing: the file is all there is."""
        return ""

    def blob(self) -> Blob:
        """Return the file."""
        return self.content

    def directory(self) -> None:
        """Return nothing: a file has nothing beneath it."""

    def store(self, *, read_only: bool) -> "Store":  # noqa: ARG002 - it can only be read
        """Return a zarr store with the file as its root."""
        from modos.storage.pipelines.stores import BlobStore

        return BlobStore(self.content)


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A path in the zarr store of somebody else's adapter."""

    source: "Store"
    name: str
    url: str

    def blob(self) -> Blob:
        """Return the value under this key; that of the root is the key `""`."""
        from modos.storage.pipelines.stores import StoreBlob

        return StoreBlob(self.source, self.name, self.url)

    def directory(self) -> None:
        """Return nothing: a zarr store is not a storage."""

    def store(self, *, read_only: bool) -> "Store":
        """Return the store itself; the path goes beside it."""
        return self.source.with_read_only(read_only=True) if read_only and not self.source.read_only else self.source


def place_of(resolution: AdapterResolution, url: str) -> Place:
    """Return what an adapter's resolution leads to, as a name in a storage where it is one."""
    from modos.storage.pipelines.stores import BlobStore, PlacedStore

    store = resolution.store
    if type(store) is BlobStore and resolution.path == "":
        return BlobPlace(store.blob, url)
    if type(store) is PlacedStore and isinstance(store.place, StoragePlace):
        return StoragePlace(store.place.storage, joined_path(store.place.name, resolution.path), url)
    return StorePlace(store, resolution.path, url)


def joined_path(*paths: str) -> str:
    """Return paths one beneath the other, without slashes at their borders.

    Examples
    --------
    >>> joined_path("a/", "", "/b")
    'a/b'
    """
    return "/".join(filter(None, (path.strip("/") for path in paths)))
