"""A zarr store over any storage: zarr's keys are targets, and what goes wrong is an error of ours.

Owns how zarr's verbs become the contract's. Knows no backend, and nothing of what is stored.
"""

from asyncio import get_running_loop
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from modos.errors import IntegrityError, KeyExistsError, KeyNotFoundError, shown_url
from modos.storage.backends.opened import Opened
from modos.storage.base import Storage
from modos.storage.hierarchy.documents import is_complete, parse_document

__all__ = ["StorageStore", "slice_of"]

_AT_ONCE = 32


class StorageStore(Store):
    """The hierarchy at the root of a storage.

    Only what is not found is a missing chunk. Everything else is raised, and so is a gap in an array whose document says that
    all of its chunks are stored: zarr would fill it with fill values.

    Parameters
    ----------
    storage
        The storage whose root is the hierarchy's.
    read_only
        Whether writing is refused.
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, storage: Storage, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self._storage = storage
        self._threads = Opened(_threads)
        self._sparse: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and (self._storage, self.read_only) == (other._storage, other.read_only)

    def __hash__(self) -> int:
        return hash((type(self), self._storage, self.read_only))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown_url(self._storage.url)!r})"

    __str__ = __repr__

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002 - zarr's signature
        """Return the store with another answer to whether it may be written."""
        return type(self)(self._storage, read_only=read_only)

    async def _run[R](self, verb: Callable[[], R]) -> R:
        return await get_running_loop().run_in_executor(self._threads.get(), verb)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a value or a range of it, `None` when there is none.

        Raises
        ------
        IntegrityError
            When a chunk is not there that is.
        """
        start, end = slice_of(byte_range)
        try:
            body = await self._run(lambda: self._read(key, start, end))
        except KeyNotFoundError:
            if not _is_document(key) and await self._run(lambda: self._must_be_there(key)):
                raise self._gap(key) from None
            return None
        return prototype.buffer.from_bytes(body)

    def _must_be_there(self, key: str) -> bool:
        """Tell whether the array that a chunk belongs to says that it has all of them; one that does not is remembered."""
        if any(key.startswith(f"{path}/") for path in self._sparse):
            return False
        path, document = key, None
        while document is None and (path := path.rpartition("/")[0]):
            document = self._document(path)
        if document is None or document["node_type"] != "array":
            return False
        if not is_complete(document):
            self._sparse.add(path)
        return is_complete(document)

    def _document(self, path: str) -> Mapping[str, Any] | None:
        """Return the document of a group or an array, `None` when there is none."""
        try:
            body = self._storage.read(f"{path}/zarr.json")
        except KeyNotFoundError:
            return None
        return parse_document(body, self._storage.url_of(path))

    def _gap(self, key: str) -> IntegrityError:
        why = "the array has been replaced since the object was read, or is damaged"
        error = IntegrityError(self._storage.url_of(key), f"is missing, though it was stored: {why}")
        error.add_note("refresh() reads the object anew; 'modos check' tells what is wrong with it")
        return error

    def _read(self, key: str, start: int | None, end: int | None) -> bytes:
        body = self._storage.read(key, start, end)
        if not body:
            self._storage.stat(key)  # an empty range is answered without asking
        return body

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> "list[Buffer | None]":
        """Return several values or ranges of them."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        """Tell whether there is a value."""
        return await self._run(lambda: self._storage.exists(key))

    async def getsize(self, key: str) -> int:
        """Return the bytes of a value."""
        return (await self._run(lambda: self._storage.stat(key))).size

    async def set(self, key: str, value: Buffer) -> None:
        """Store a value, seen whole or not at all."""
        self._check_writable()
        await self._run(lambda: self._storage.put(value.to_bytes(), key))

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Store a value unless there is one."""
        self._check_writable()
        with suppress(KeyExistsError):
            await self._run(lambda: self._storage.put(value.to_bytes(), key, mode="create"))

    async def delete(self, key: str) -> None:
        """Remove a value; a missing one is no error."""
        self._check_writable()
        await self._run(lambda: self._storage.remove(key))

    async def delete_dir(self, prefix: str) -> None:
        """Remove all beneath a directory."""
        self._check_writable()
        await self._run(lambda: self._storage.remove_tree(prefix or None))

    async def clear(self) -> None:
        """Remove everything."""
        await self.delete_dir("")

    async def list(self) -> AsyncIterator[str]:
        """Yield all keys."""
        async for path in self._storage.list_async():
            yield str(path)

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield all keys beneath a directory, with its name."""
        async for path in self._storage.list_async(prefix):
            yield str(path)

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names one level beneath a directory, without its own."""
        async for path in self._storage.list_dir_async(prefix):
            yield path.name


def _is_document(key: str) -> bool:
    name = key.rpartition("/")[2]
    return name == "zarr.json" or name.startswith(".z")


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="zarr store")


def slice_of(byte_range: ByteRequest | None) -> tuple[int | None, int | None]:
    """Return what zarr asks of a value as offsets of a slice."""
    match byte_range:
        case None:
            return None, None
        case RangeByteRequest(start, end):
            return start, end
        case OffsetByteRequest(offset):
            return offset, None
        case SuffixByteRequest(0):
            return 0, 0
        case SuffixByteRequest(suffix):
            return -suffix, None
