"""A zarr store in Swift: a container, or a prefix in one, as keys and values.

Owns what zarr's verbs mean on Swift. Knows nothing of fsspec files, of MODOs or of `modos.storage`.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import fields
from functools import partial
from typing import Any, Self

from fsspec.asyn import get_loop
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    InvalidInputError,
    InvalidPathError,
    KeyExistsError,
    KeyNotFoundError,
)
from modos.swift.auth.choosing import credentials_from_options
from modos.swift.auth.credentials import Credentials
from modos.swift.blocking import run
from modos.swift.concurrency import together
from modos.swift.http.client import SwiftClient
from modos.swift.http.exchanges import Patience, address_of
from modos.swift.objects.listing import raw_name
from modos.swift.objects.objects import Objects
from modos.swift.objects.sparse import SparseReader
from modos.swift.protocol import object_headers, total_size
from modos.swift.transport import Transport

__all__ = ["SwiftStore"]

_NOT_FOUND = 404
_AT_ONCE = 32
_FEW = 16

type _Slice = tuple[int, int | None]


class SwiftStore(Store):
    """A zarr hierarchy in OpenStack Swift.

    Only what the service does not find is a missing key; every other failure is raised, because zarr would take it for
    fill values. Making a store asks nothing; opening it, which zarr does by itself, asks for the container: opened for
    writing, a container that is missing is made; opened for reading, it is an error. Values beyond the segment size
    are cut in segments, which go when the value goes.

    One store serves any number of event loops, threads and processes: it can be pickled, and used on both sides of a
    fork.

    Parameters
    ----------
    container
        The container.
    prefix
        Where in it the hierarchy lies; empty for the whole container.
    storage_options
        Credentials as `modos.swift.credentials_from_options` or `swiftclient.Connection` spell them (`preauthurl`,
        `preauthtoken`; `authurl`, `user`, `key`; …), and `segment_size`, `concurrency`, `attempts`, `connect_timeout`,
        `read_timeout`, `on_request` and those of `modos.swift.Transport` as for `SwiftFileSystem`. `None` to read credentials from the environment at the first
        request.
    credentials
        An object of `modos.swift.auth.credentials` instead.
    read_only
        Whether writing is refused.

    Raises
    ------
    InvalidInputError
        An option that is unknown, or credentials that are incomplete; it says what would be right.

    Examples
    --------
    >>> options = {"storage_url": "https://swift.example.org/v1/AUTH_lab", "token": "secret"}
    >>> SwiftStore("omics", prefix="study/data.zarr", storage_options=options)
    SwiftStore('https://swift.example.org/v1/AUTH_lab/omics/study/data.zarr')
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True
    # zarr's synchronous path asks from as many threads as there are cores, and takes 1.2 to 3 times as long
    _supports_sync_io = False

    def __init__(
        self,
        container: str,
        prefix: str = "",
        storage_options: Mapping[str, Any] | None = None,
        *,
        credentials: Credentials | None = None,
        read_only: bool = False,
    ) -> None:
        super().__init__(read_only=read_only)
        if not container or "/" in container:
            raise InvalidPathError(container, "is not the name of a container; what lies in it is named by `prefix`")
        self.container = container
        self.prefix = prefix.strip("/")
        self._objects = _objects(dict(storage_options or {}), credentials)
        self._sparse = SparseReader(self._objects)
        self._root = f"{self.prefix}/" if self.prefix else ""

    @property
    def url(self) -> str:
        """Address of the hierarchy; `swift://…` where the account is known only after logging in."""
        account = self._objects.client.known_storage_url
        path = f"{self.container}/{self._root}".rstrip("/")
        return address_of(account, path) if account else f"swift://{path}"

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _identity(self) -> tuple[object, ...]:
        return self._objects.client, self.container, self.prefix, self.read_only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SwiftStore) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002 - zarr's signature
        """Return the store, not yet opened, with another answer to whether it may be written."""
        other = copy(self)
        Store.__init__(other, read_only=read_only)
        return other

    async def _open(self) -> None:
        """Open the store: see the class for what is made, and what is an error."""
        if not self._is_open:
            await self._find_container()
        await super()._open()

    async def _ensure_open(self) -> None:
        if not self._is_open:
            await self._find_container()
            self._is_open = True

    async def _find_container(self) -> None:
        """Make the container where it is missing and may be made.

        Who may not look at it, as in one that is open to the world without its listing, may still know what is in it.
        """
        client = self._objects.client
        try:
            answer = await client.request("HEAD", self.container, accept={_NOT_FOUND})
        except (AccessDeniedError, AuthenticationError):
            return
        if answer.status == _NOT_FOUND and self.read_only:
            where = await self._objects.where(self.container)
            raise KeyNotFoundError(where, f"there is no container {self.container!r}", status=_NOT_FOUND)
        if answer.status == _NOT_FOUND:
            await client.request("PUT", self.container)

    def _path(self, key: str) -> str:
        return f"{self.container}/{self._root}{key}"

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a value or a range of it, clipped to what is there; `None` when there is no such key."""
        await self._ensure_open()
        try:
            return _buffer(prototype, await self._read(self._path(key), *_slice(byte_range)))
        except KeyNotFoundError:
            return None

    async def _read(self, path: str, start: int | None, end: int | None) -> bytes:
        if end is not None and end <= (start or 0):
            await self._objects.client.request("HEAD", path)
            return b""
        return await self._objects.read(path, start, end)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return values or ranges of them; up to 50 ranges of one key share a request, requests run side by side."""
        wanted = [(self._path(key), *_slice(byte_range)) for key, byte_range in key_ranges]
        await self._ensure_open()
        bodies = await self._sparse.slices(wanted, limit=_AT_ONCE, read=self._read, failed=_missing)
        return [_buffer(prototype, body) for body in bodies]

    async def exists(self, key: str) -> bool:
        """Return whether there is such a key."""
        await self._ensure_open()
        return await self._objects.is_there(self._path(key))

    async def getsize(self, key: str) -> int:
        """Return the bytes of a value, which is not read.

        Raises
        ------
        KeyNotFoundError
            There is no such key.
        """
        await self._ensure_open()
        return total_size((await self._objects.client.request("HEAD", self._path(key))).headers)

    async def set(self, key: str, value: Buffer) -> None:
        """Store a value, which is seen whole or not at all."""
        await self._write(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Store a value unless there is one, which the service decides; of two that begin at once, either may stay."""
        with suppress(KeyExistsError):
            await self._write(key, value, create=True)

    async def _write(self, key: str, value: Buffer, *, create: bool = False) -> None:
        self._check_writable()
        if not isinstance(value, Buffer):
            message = f"SwiftStore takes values that are a zarr Buffer, not {type(value).__name__}"
            raise TypeError(message)
        await self._ensure_open()
        body = memoryview(value.as_buffer_like()).cast("B")
        path = self._path(key)
        await self._objects.write(path, body, headers=object_headers(path, None, None), create=create)

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        await together((partial(self.set, key, value) for key, value in values), limit=_AT_ONCE)

    async def delete(self, key: str) -> None:
        """Remove a value and its segments; a missing one is no error."""
        self._check_writable()
        await self._ensure_open()
        await self._objects.discard(self._path(key))

    async def delete_dir(self, prefix: str) -> None:
        """Remove all beneath a prefix by bulk requests, with the segments of large values."""
        self._check_writable()
        await self._ensure_open()
        await self._objects.delete_beneath(self.container, self._root + _as_directory(prefix))

    async def is_empty(self, prefix: str) -> bool:
        """Return whether there is no key beneath a prefix; one request."""
        async for _ in self._entries(_as_directory(prefix), limit=_FEW):
            return False
        return True

    async def getsize_prefix(self, prefix: str) -> int:
        """Return the bytes of all values beneath a prefix, from the listing alone."""
        return sum([entry["bytes"] async for entry in self._entries(_as_directory(prefix))])

    async def list(self) -> AsyncIterator[str]:
        """Yield all keys, a page of the listing at a time."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield all keys that begin with a prefix, a page of the listing at a time."""
        async for entry in self._entries(prefix):
            yield entry["name"].removeprefix(self._root)

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names one level beneath a prefix, each once, a page of the listing at a time."""
        beneath = self._root + _as_directory(prefix)
        await self._ensure_open()
        begun: list[str] = []  # what lies between `a` and `a/` in the order of names begins with `a`
        async for entry in self._objects.lister.entries(self.container, prefix=beneath, delimiter="/"):
            name = raw_name(entry).removeprefix(beneath).rstrip("/")
            begun = [one for one in begun if name.startswith(one)]
            if name and name not in begun:
                begun.append(name)
                yield name

    async def _entries(self, prefix: str, *, limit: int | None = None) -> AsyncIterator[dict[str, Any]]:
        """Yield what the listing says of each value; the markers that other clients make for directories are none."""
        await self._ensure_open()
        async for entry in self._objects.lister.entries(self.container, prefix=self._root + prefix, limit=limit):
            if not entry["name"].endswith("/"):
                yield entry

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return a value as `get` does, from a thread without an event loop."""
        return _blocking(self.get, key, prototype or default_buffer_prototype(), byte_range)

    def set_sync(self, key: str, value: Buffer) -> None:
        """Store a value as `set` does, from a thread without an event loop."""
        _blocking(self.set, key, value)

    def delete_sync(self, key: str) -> None:
        """Remove a value as `delete` does, from a thread without an event loop."""
        _blocking(self.delete, key)


def _blocking[Result](call: Callable[..., Coroutine[Any, Any, Result]], *args: object) -> Result:
    result: Result = run(get_loop(), call, *args)
    return result


def _missing(error: Exception) -> None:
    """Take what the service does not find for a key that is missing, and nothing else."""
    if not isinstance(error, KeyNotFoundError):
        raise error


def _buffer(prototype: BufferPrototype, body: bytes | None) -> Buffer | None:
    return None if body is None else prototype.buffer.from_bytes(body)


def _as_directory(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _slice(byte_range: ByteRequest | None) -> _Slice:
    """Return a byte request as start and exclusive end; a suffix has a negative start and no end.

    Raises
    ------
    InvalidInputError
        It is no byte request, or counts backwards.
    """
    match byte_range:
        case None:
            return 0, None
        case RangeByteRequest(start=start, end=end) if start >= 0:
            return start, max(start, end)
        case OffsetByteRequest(offset=offset) if offset >= 0:
            return offset, None
        case SuffixByteRequest(suffix=suffix) if suffix >= 0:
            return (-suffix, None) if suffix else (0, 0)
    raise InvalidInputError(f"Unexpected byte_range, got {byte_range}.")


_OBJECTS = frozenset({"segment_size", "concurrency"})
_PATIENCE = frozenset({"attempts", "connect_timeout", "read_timeout", "longest_wait"})
# options of `swiftclient.Connection` about what is done always, or never, here
_WITHOUT_MEANING = frozenset({"force_auth_retry", "retry_on_ratelimit", "snet", "ssl_compression", "starting_backoff"})
_TRANSPORT = frozenset(item.name for item in fields(Transport))


def _objects(options: dict[str, Any], credentials: Credentials | None) -> Objects:
    """Return the objects of the account that the options lead to."""
    if options.pop("session", None):
        raise InvalidInputError(
            "the option 'session' of swiftclient has no counterpart here; give what it logs in with"
        )
    for name in _WITHOUT_MEANING:
        options.pop(name, None)
    if (retries := options.pop("retries", None)) is not None:
        options.setdefault("attempts", retries + 1)
    if (seconds := options.pop("timeout", None)) is not None:
        options = {"connect_timeout": seconds, "read_timeout": seconds} | options
    if (longest := options.pop("max_backoff", None)) is not None:
        options.setdefault("longest_wait", longest)
    patience = Patience(**{name: options.pop(name) for name in _PATIENCE & options.keys()})
    reached = {name: options.pop(name) for name in _TRANSPORT & options.keys()}
    transport = Transport(**{name: value for name, value in reached.items() if value is not None})
    on_request = options.pop("on_request", None)
    shape = {name: options.pop(name) for name in _OBJECTS & options.keys()}
    storage_url = options.pop("storage_url", None) or options.pop("preauthurl", None)
    given = {name: value for name, value in options.items() if value}
    if credentials is not None and given:
        raise InvalidInputError(f"give credentials or the options {', '.join(sorted(given))}, not both")
    if given:
        credentials, storage_url = credentials_from_options(storage_url=storage_url, **given), None
    client = SwiftClient(
        credentials, storage_url=storage_url, patience=patience, transport=transport, on_request=on_request
    )
    return Objects(client, **shape)
