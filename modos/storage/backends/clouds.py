"""Files in Google Cloud Storage and Azure Blob Storage: by obstore where it is installed, else by gcsfs or adlfs.

Owns what the options of this library are called by those clients, and the contract's verbs over a store of obstore.
Knows no other backend.
"""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from modos._lazy import require
from modos.errors import InvalidPathError, InvalidURLError, KeyChangedError, ServiceError, StorageError
from modos.storage.backends.engine import ObstoreEngine, chosen_engine, patience
from modos.storage.backends.failures import CHANGED, meaning_in_obstore, status_of
from modos.storage.backends.opened import Opened
from modos.storage.backends.remote import FsspecStorage, Page, PagedStorage, in_ascii, out_of_ascii, put_options
from modos.storage.base import NO_CONDITION, Method, Storage, WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.options import AZURE, GOOGLE, Spellings, checked_endpoint
from modos.storage.paths import target_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsspec import AbstractFileSystem

__all__ = ["CloudStorage", "open_cloud"]

_TIMEOUT = 60.0
_ATTEMPTS = 5
_PAGE = 1000
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Cloud:
    """One service: its options, and what they are called by obstore and by the fsspec filesystem."""

    name: str
    scheme: str
    options: Spellings
    store: str
    by_obstore: Mapping[str, str]
    filesystem: str
    by_fsspec: Mapping[str, str]


_GOOGLE = _Cloud(
    "Google Cloud Storage",
    "gs",
    GOOGLE,
    "GCSStore",
    {
        "anon": "skip_signature",
        "credentials": "application_credentials",
        "endpoint": "base_url",
        "key": "service_account_key",
        "token": "bearer_token",
    },
    "gcsfs.GCSFileSystem",
    {"credentials": "token", "endpoint": "endpoint_url", "key": "token", "project": "project", "timeout": "timeout"},
)
_AZURE = _Cloud(
    "Azure Blob Storage",
    "az",
    AZURE,
    "AzureStore",
    {
        "account": "account_name",
        "anon": "skip_signature",
        "client_id": "client_id",
        "client_secret": "client_secret",
        "emulator": "use_emulator",
        "endpoint": "endpoint",
        "key": "account_key",
        "sas_token": "sas_key",
        "tenant_id": "tenant_id",
        "token": "token",
    },
    "adlfs.AzureBlobFileSystem",
    {
        "account": "account_name",
        "anon": "anon",
        "client_id": "client_id",
        "client_secret": "client_secret",
        "connection_string": "connection_string",
        "endpoint": "account_host",
        "key": "account_key",
        "sas_token": "sas_token",
        "tenant_id": "tenant_id",
    },
)
_BY_SCHEME = {"gs": _GOOGLE, "gcs": _GOOGLE, "az": _AZURE, "abfs": _AZURE, "abfss": _AZURE}
_CONNECTION = {
    "AccountName": "account",
    "AccountKey": "key",
    "BlobEndpoint": "endpoint",
    "SharedAccessSignature": "sas_token",
}


def open_cloud(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:
    """Return the storage at an address of one of the clouds, by the engine that the options ask for or that is there.

    Parameters
    ----------
    url
        `gs://bucket[/prefix]`, `az://container[/prefix]`, or Azure's `abfss://container@account.dfs.core.windows.net/…`.
    options
        See `modos.storage.options`.
    read_only
        Whether writing raises `ReadOnlyError`.

    Raises
    ------
    InvalidURLError
        When there is no bucket or container in it.
    """
    scheme, _, place = url.partition("://")
    cloud = _BY_SCHEME[scheme.lower()]
    given = cloud.options.checked(options)
    bucket, _, key = place.partition("/")
    bucket, _, host = bucket.partition("@")
    if host:
        given.setdefault("account", host.partition(".")[0])
    if not bucket:
        raise InvalidURLError(url, f"names nothing; it must be {cloud.scheme}://name[/prefix]")
    root = "/".join(filter(None, (bucket, target_name(key.removesuffix("/")) if key.strip("/") else "")))
    if chosen_engine(given.get("engine")) == "fsspec":
        return FsspecStorage(_filesystem(cloud, given), root, read_only=read_only)
    return CloudStorage(cloud.scheme, root, given, read_only=read_only)


def _filesystem(cloud: _Cloud, options: Mapping[str, Any]) -> "AbstractFileSystem":
    module, _, name = cloud.filesystem.partition(".")
    kind = getattr(require(module, extra="fast", purpose=f"{cloud.name} (without obstore)"), name)
    given = {cloud.by_fsspec[option]: value for option, value in options.items() if option in cloud.by_fsspec}
    if options.get("anon") and cloud is _GOOGLE:
        given["token"] = "anon"  # noqa: S105 - what gcsfs calls it
    return kind(use_listings_cache=False, **given)


class CloudStorage(PagedStorage):
    """A bucket of Google Cloud Storage or a container of Azure Blob Storage, or a prefix in one, by obstore.

    Parameters
    ----------
    scheme
        `gs` or `az`.
    root
        Bucket or container, and prefix.
    options
        See `modos.storage.options`; without credentials, the service's usual variables are read at the first request.
    read_only
        Whether writing raises `ReadOnlyError`.
    """

    def __init__(self, scheme: str, root: str, options: Mapping[str, Any], *, read_only: bool = False) -> None:
        self._scheme, self._prefix, self._options = scheme, root, dict(options)
        self._bucket, _, self._beneath = root.partition("/")
        self._moving = Opened(partial(_engine, scheme, self._bucket, self._options))
        self._opened = Opened(partial(_obstore_filesystem, scheme, self._options))
        self.read_only = read_only

    @property
    def filesystem(self) -> "AbstractFileSystem":
        """The filesystem of obstore, made on first use and shared by storages beneath this one."""
        return self._opened.get()

    @property
    def url(self) -> str:
        """`gs://bucket[/prefix]` or `az://container[/prefix]`."""
        return f"{self._scheme}://{self._prefix}"

    def _identity(self) -> tuple[object, ...]:
        return (self.url, self.read_only, sorted(self._options.items()))

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._scheme, self._key(target_name(target)), self._options, read_only=self.read_only)
        beneath._moving, beneath._opened = self._moving, self._opened
        return beneath

    @property
    def _service(self) -> str:
        return _BY_SCHEME[self._scheme].name

    def _key(self, name: str) -> str:
        if self._scheme == "az" and "\\" in name:
            raise InvalidPathError(name, "holds a backslash, which Azure takes for a slash")
        return super()._key(name)

    def _object_key(self, name: str) -> str:
        return self._key(name).removeprefix(f"{self._bucket}/")

    def _info(self, entry: Mapping[str, Any]) -> ObjectInfo:
        return out_of_ascii(super()._info(entry))

    def _entry(self, meta: Mapping[str, Any]) -> ObjectInfo:
        return self._info({**meta, "name": f"{self._bucket}/{meta['path']}", "etag": meta["e_tag"], "type": "file"})

    def _stat(self, name: str) -> ObjectInfo | None:
        entry = self._moving.get().head(self._object_key(name))
        return None if entry is None else self._info({**entry, "name": self._key(name)})

    def _start(self, name: str) -> str:
        return self._object_key(name) if name else self._beneath

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        if not recursive:
            yield from self._page(name, start_after="", recursive=False).infos
            return
        for chunk in self._moving.get().store.list(self._start(name), chunk_size=_PAGE):
            yield from map(self._entry, chunk)

    def _scan_after(self, name: str, start_after: str) -> Generator[ObjectInfo]:
        found = super()._scan_after(name, start_after)  # of Azure, from the page on that has the name
        return (info for info in found if str(info.path) > start_after)

    def _page(self, name: str, *, start_after: str, recursive: bool) -> Page:
        store = self._moving.get().store
        if not recursive:
            level = store.list_with_delimiter(self._start(name))
            prefixes = (self._relative(f"{self._bucket}/{prefix}") for prefix in level["common_prefixes"])
            directories = [ObjectInfo(path, kind="directory") for path in prefixes]
            infos = [*map(self._entry, level["objects"]), *directories]
            return Page(sorted(infos, key=lambda info: str(info.path).encode()), None)
        offset = "/".join(filter(None, (self._beneath, start_after))) if start_after else None
        listed = iter(store.list(self._start(name), offset=offset, chunk_size=_PAGE))
        infos = [self._entry(meta) for meta in next(listed, ())]
        return Page(infos, str(infos[-1].path) if len(infos) == _PAGE else None)

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        try:
            return self._moving.get().read(self._object_key(name), start, end)
        except Exception as error:
            if status_of(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return b""
            raise

    @property
    def _inline(self) -> int:
        return int(self._options.get("multipart_threshold") or super()._inline)

    def _put_short(
        self, name: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any], if_match: str | None = None
    ) -> ObjectInfo:
        key = self._object_key(name)
        known = in_ascii(options)
        tag = self._moving.get().write(key, body, mode=mode, options=known, if_match=if_match)
        kept = {"content_type": options.get("content_type"), "metadata": options.get("metadata", {})}
        return ObjectInfo(PurePosixPath(name), size=len(body), etag=tag, **kept)

    def _put_long(self, name: str, chunks: "Iterator[bytes]", *, mode: WriteMode, options: Mapping[str, Any]) -> None:
        self._refuse_existing(name, mode)
        self._moving.get().write_parts(self._object_key(name), chunks, options=in_ascii(options))

    def _replace(
        self, name: str, chunks: "Iterator[bytes]", *, etag: str, content_type: str | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        if self._scheme == "gs":  # its conditions name generations, not ETags
            raise ServiceError(self.url_of(name), NO_CONDITION)
        options = put_options(content_type, metadata)
        try:  # the condition goes with a body in one piece, which is held whole
            return self._put_short(name, b"".join(chunks), mode="overwrite", options=options, if_match=etag)
        except Exception as error:
            if status_of(error) in CHANGED:
                raise KeyChangedError(self.url_of(name)) from error
            raise

    def _copy(self, source: str, target: str) -> None:
        self._moving.get().store.copy(self._object_key(source), self._object_key(target))

    def _remove(self, names: Sequence[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._remove_one, dict.fromkeys(names)))

    def _remove_one(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._moving.get().store.delete(self._object_key(name))

    def _sign(self, name: str, *, expires_in: float, method: Method) -> str:
        key = self._object_key(name)
        url = self._moving.get().sign(key, expires_in=expires_in, method=method)
        if self._scheme == "az" and not urlsplit(url).path.endswith(f"/{key}"):
            # obstore signs the encoded name, where Azure checks the decoded one
            raise ServiceError(self.url_of(name), "only names of plain characters can be signed for Azure")
        return url

    def _translated(self, error: Exception, url: str) -> StorageError | None:
        return meaning_in_obstore(error, url, self._service) or super()._translated(error, url)


def _config(scheme: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as obstore has them; a connection string is taken apart."""
    given = dict(options)
    text = given.pop("connection_string", None) or (
        os.environ.get("AZURE_STORAGE_CONNECTION_STRING") if scheme == "az" and "account" not in given else None
    )
    for part in filter(None, (text or "").split(";")):
        name, _, value = part.partition("=")
        if name in _CONNECTION:
            given.setdefault(_CONNECTION[name], value)
    if given.get("endpoint"):
        given["endpoint"] = checked_endpoint(given["endpoint"])
    names = _BY_SCHEME[scheme].by_obstore
    return {names[option]: value for option, value in given.items() if option in names}


def _engine(scheme: str, bucket: str, options: Mapping[str, Any]) -> ObstoreEngine:
    kind: Callable[..., Any] = getattr(
        require("obstore.store", extra="fast", purpose=_BY_SCHEME[scheme].name), _BY_SCHEME[scheme].store
    )
    reading, writing = (
        kind(
            bucket, **_config(scheme, options), **patience(options, timeout=_TIMEOUT, attempts=_ATTEMPTS, uploads=long)
        )
        for long in (False, True)
    )
    sizes = {name: int(options[name]) for name in ("part_size", "concurrency") if options.get(name)}
    return ObstoreEngine(reading, uploads=writing, **sizes)


def _obstore_filesystem(scheme: str, options: Mapping[str, Any]) -> "AbstractFileSystem":
    from obstore.fsspec import FsspecStore

    waiting = patience(options, timeout=_TIMEOUT, attempts=_ATTEMPTS)
    kind: Any = FsspecStore  # its overloads do not know what every fsspec filesystem takes
    filesystem: AbstractFileSystem = kind(scheme, config=_config(scheme, options), skip_instance_cache=True, **waiting)
    return filesystem
