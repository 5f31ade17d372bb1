"""zarr stores that know where they are: a file may be their root, and closing one closes what it stands on.

Owns those classes. Loads zarr; the modules beside it must not load this one before a store is asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Self

from zarr.abc.store import ByteRequest, RangeByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.core.sync import sync

from modos.errors import IntegrityError, KeyNotFoundError, shown_url
from modos.storage.hierarchy.store import StorageStore, slice_of
from modos.storage.ranges import definite_range

if TYPE_CHECKING:
    from modos.storage.pipelines.places import Blob, StoragePlace

__all__ = ["BlobStore", "PlacedStore", "StoreBlob"]


class PlacedStore(StorageStore):
    """The hierarchy at a place in a storage, or the file there, whose key is `""`.

    Parameters
    ----------
    place
        The place.
    read_only
        Whether writing is refused.
    source
        A store to close with this one; `None` for none.
    """

    def __init__(self, place: "StoragePlace", *, read_only: bool = False, source: Store | None = None) -> None:
        super().__init__(place.directory(), read_only=read_only)
        self.place = place
        self._source = source

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002 - zarr's signature
        """Return the store with another answer to whether it may be written."""
        return type(self)(self.place, read_only=read_only, source=self._source)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a value or a range of it, `None` when there is none."""
        if key != "":
            return await super().get(key, prototype, byte_range)
        if self.place.name == "":
            return None
        start, end = slice_of(byte_range)
        try:
            body = await self._run(lambda: self.place.storage.read(self.place.name, start, end))
        except KeyNotFoundError:
            return None
        return prototype.buffer.from_bytes(body)

    async def exists(self, key: str) -> bool:
        """Tell whether there is a value."""
        if key != "":
            return await super().exists(key)
        return self.place.name != "" and await self._run(lambda: self.place.storage.exists(self.place.name))

    async def getsize(self, key: str) -> int:
        """Return the bytes of a value."""
        if key != "":
            return await super().getsize(key)
        return await self._run(self.place.blob().size)

    def close(self) -> None:
        """Close the store and what it stands on."""
        super().close()
        if self._source is not None:
            self._source.close()


class BlobStore(Store):
    """A zarr store that is one file, whose key is `""`.

    Parameters
    ----------
    blob
        The file.
    source
        A store to close with this one; `None` for none.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, blob: "Blob", *, source: Store | None = None) -> None:
        super().__init__(read_only=True)
        self.blob = blob
        self._source = source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.blob == other.blob

    def __hash__(self) -> int:
        return hash((type(self), self.blob.url))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown_url(self.blob.url)!r})"

    __str__ = __repr__

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return the file or a range of it, `None` for any key but `""`."""
        if key != "":
            return None
        return prototype.buffer.from_bytes(await asyncio.to_thread(self._read, byte_range))

    def _read(self, byte_range: ByteRequest | None) -> bytes:
        start, end = definite_range(*slice_of(byte_range), self.blob.size())
        return self.blob.read(start, end)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return several ranges of the file."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        """Tell whether this is the key of the file."""
        return key == ""

    async def getsize(self, key: str) -> int:
        """Return the bytes of the file."""
        if key != "":
            raise KeyNotFoundError(f"{self.blob.url}/{key}")
        return await asyncio.to_thread(self.blob.size)

    async def set(self, key: str, value: Buffer) -> None:  # noqa: ARG002 - it can only be read
        """Refuse."""
        self._check_writable()

    async def delete(self, key: str) -> None:  # noqa: ARG002 - it can only be read
        """Refuse."""
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        """Yield the key of the file."""
        yield ""

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the key of the file, if it begins so."""
        if prefix == "":
            yield ""

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002 - there are no directories
        """Yield nothing."""
        for name in tuple[str, ...]():
            yield name

    def close(self) -> None:
        """Close the store and what it stands on."""
        super().close()
        if self._source is not None:
            self._source.close()


class StoreBlob:
    """A value in a zarr store as a file; its verbs block, and so are for threads.

    Parameters
    ----------
    store
        The store.
    key
        The key; `""` where the file is the store's root.
    url
        The address.
    """

    def __init__(self, store: Store, key: str, url: str) -> None:
        self._store = store
        self._key = key
        self.url = url

    def size(self) -> int:
        """Return its bytes."""
        try:
            return sync(self._store.getsize(self._key))
        except FileNotFoundError as error:
            raise KeyNotFoundError(self.url) from error

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, clipped."""
        if end <= start:
            return b""
        body = sync(self._store.get(self._key, default_buffer_prototype(), RangeByteRequest(start, end)))
        if body is None:
            raise IntegrityError(self.url, "is gone; it was there a moment ago")
        return body.to_bytes()
