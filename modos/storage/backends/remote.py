"""Files in whatever speaks fsspec: the one seam through which remote services plug in.

Owns how the verbs of the contract become fsspec calls, and listings by page. Knows neither S3 nor Swift by name.
"""

import posixpath
from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from modos.errors import (
    AccessDeniedError,
    KeyExistsError,
    KeyNotFoundError,
    ModosError,
    ServiceError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.storage.backends.failures import meaning_in_fsspec
from modos.storage.base import Method, Storage, WriteMode
from modos.storage.contract.ranged import open_ranged
from modos.storage.headers import from_headers, in_headers
from modos.storage.info import ObjectInfo
from modos.storage.paths import object_name, target_name

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from fsspec.spec import AbstractBufferedFile

__all__ = ["LAST_NAME", "FsspecStorage", "Page", "PagedStorage", "in_ascii", "out_of_ascii", "put_options"]

INLINE = 8 * 1024 * 1024
"""Bodies up to this many bytes go in one request; longer ones are streamed."""

_READ_BUFFER = 1024 * 1024
_AT_ONCE = 8


_MEANINGS: Sequence[tuple[tuple[type[Exception], ...], type[StorageError]]] = (
    ((FileNotFoundError, IsADirectoryError, NotADirectoryError), KeyNotFoundError),
    ((FileExistsError,), KeyExistsError),
    ((PermissionError,), AccessDeniedError),
    ((TimeoutError,), StorageTimeoutError),
    ((ConnectionError,), UnreachableError),
)


class FsspecStorage(Storage):
    """A prefix of any fsspec filesystem.

    Parameters
    ----------
    filesystem
        An fsspec filesystem, sync face. Its listing cache should be off.
    root
        The prefix in the filesystem's own terms, such as `"bucket/study"`.
    read_only
        Whether writing raises `ReadOnlyError`.

    Examples
    --------
    >>> import fsspec
    >>> storage = FsspecStorage(fsspec.filesystem("memory"), "/study")
    >>> storage.put(b"ACGT", "demo.txt").size
    4
    >>> storage.url
    'memory://study'
    """

    def __init__(self, filesystem: "AbstractFileSystem", root: str, *, read_only: bool = False) -> None:
        self._fs = filesystem
        self._prefix = root.strip("/")
        self.read_only = read_only

    @property
    def filesystem(self) -> "AbstractFileSystem":
        """The fsspec filesystem, for whatever takes one."""
        return self._fs

    @property
    def url(self) -> str:
        """The root with the filesystem's protocol."""
        if "://" in self._prefix:  # the filesystem's own paths are addresses, as those of HTTP
            return self._prefix
        protocol = self.filesystem.protocol
        return f"{protocol if isinstance(protocol, str) else protocol[0]}://{self._prefix}"

    @property
    def path(self) -> PurePosixPath:
        """The root in the filesystem's own terms."""
        return PurePosixPath(self._prefix)

    def _identity(self) -> tuple[object, ...]:
        return (*super()._identity(), self.filesystem)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def __truediv__(self, target: str | PurePath) -> Self:
        return type(self)(self._fs, self._key(target_name(target)), read_only=self.read_only)

    def _key(self, name: str) -> str:
        """Return the filesystem's own path of a target."""
        key = posixpath.join(self._prefix, name).rstrip("/")
        object_name(key.partition("/")[2])  # the bucket or container does not count
        return key

    def _relative(self, key: str) -> PurePosixPath:
        return PurePosixPath(key.strip("/")[len(self._prefix) :].lstrip("/"))

    @contextmanager
    def _boundary(self, name: str) -> Iterator[None]:
        try:
            yield
        except ModosError:
            raise
        except Exception as error:
            url = self.url_of(name) if name else self.url
            translated = self._translated(error, url)
            if translated is None:
                raise
            raise translated from error

    def _translated(self, error: Exception, url: str) -> StorageError | None:
        """Return what an exception of the filesystem means, `None` for one that is not known."""
        for kinds, meaning in _MEANINGS:
            if isinstance(error, kinds):
                return meaning(url)
        known = meaning_in_fsspec(error, url, self.url.partition("://")[0])
        if known is not None:
            return known
        return StorageError(url, f"{type(error).__name__}: {error}") if isinstance(error, OSError) else None

    def _info(self, entry: Mapping[str, Any]) -> ObjectInfo:
        """Turn an fsspec entry into what the contract returns."""
        modified = entry.get("last_modified") or entry.get("LastModified") or entry.get("created") or entry.get("mtime")
        if isinstance(modified, int | float):
            modified = datetime.fromtimestamp(modified, UTC)
        tag = entry.get("etag") or entry.get("ETag")
        return ObjectInfo(
            self._relative(entry["name"]),
            size=int(entry.get("size") or 0),
            last_modified=modified if isinstance(modified, datetime) else None,
            etag=str(tag).strip('"') if tag else None,
            content_type=entry.get("content_type") or entry.get("ContentType"),
            metadata=entry.get("metadata") or entry.get("Metadata") or {},
            kind="directory" if entry["type"] == "directory" else "file",
        )

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            entry = self.filesystem.info(self._key(name))
        except FileNotFoundError:
            return None
        return self._info(entry) if entry["type"] == "file" else None

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        try:
            entries = self.filesystem.ls(self._key(name), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        for info in sorted(map(self._info, entries), key=lambda info: info.path):
            if str(info.path) == name:
                continue  # `ls` of a file is the file
            if info.kind == "directory" and recursive:
                yield from self._scan(str(info.path), recursive=True)
            else:
                yield info

    def _open(self, name: str) -> BinaryIO:
        return open_ranged(self, name, _READ_BUFFER)

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        limits = {} if (start, end) == (0, None) else {"start": start, "end": end}
        body = self.filesystem.cat_file(self._key(name), **limits)
        assert isinstance(body, bytes)
        return body

    def _read_many(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        if len(ranges) < 2:  # noqa: PLR2004 - one range needs no threads
            return super()._read_many(name, ranges)
        with ThreadPoolExecutor(min(_AT_ONCE, len(ranges))) as pool:
            return list(pool.map(lambda each: self.read(name, *each), ranges))

    def _put_bytes(
        self, name: str, body: bytes, *, mode: WriteMode, content_type: str | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        if len(body) > self._inline:
            return super()._put_bytes(name, body, mode=mode, content_type=content_type, metadata=metadata)
        return self._put_short(name, body, mode=mode, options=put_options(content_type, metadata))

    def _put(
        self,
        name: str,
        chunks: Iterator[bytes],
        *,
        mode: WriteMode,
        content_type: str | None,
        metadata: Mapping[str, str],
    ) -> ObjectInfo:
        head = bytearray()
        for chunk in chunks:
            head += chunk
            if len(head) > self._inline:
                self._put_long(
                    name, chain((bytes(head),), chunks), mode=mode, options=put_options(content_type, metadata)
                )
                return self.stat(name)
        return self._put_short(name, bytes(head), mode=mode, options=put_options(content_type, metadata))

    @property
    def _inline(self) -> int:
        """Bodies up to this many bytes go in one request."""
        return INLINE

    def _put_short(self, name: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any]) -> ObjectInfo:
        """Store a body that is at hand."""
        self._refuse_existing(name, mode)
        self.filesystem.pipe_file(self._key(name), body, **options)
        return self.stat(name)

    def _put_long(self, name: str, chunks: Iterator[bytes], *, mode: WriteMode, options: Mapping[str, Any]) -> None:
        """Store a body as it comes; this default, for filesystems that show files half-written, holds it whole."""
        self._put_short(name, b"".join(chunks), mode=mode, options=options)

    def _refuse_existing(self, name: str, mode: WriteMode) -> None:
        if mode == "create" and self._stat(name) is not None:
            raise FileExistsError(name)

    def _copy(self, source: str, target: str) -> None:
        if self._stat(source) is None:  # a directory's name: `cp_file` makes a directory of it or nothing
            raise FileNotFoundError(source)
        self.filesystem.cp_file(self._key(source), self._key(target))

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            if self._stat(name) is not None:
                self.filesystem.rm_file(self._key(name))

    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:
        if method != "GET":
            raise ServiceError(self.url_of(name), "this storage signs URLs for reading only")
        try:
            return str(self.filesystem.sign(self._key(name), expiration=expires_in))
        except NotImplementedError as error:
            raise ServiceError(self.url_of(name), "this storage has no signed URLs") from error


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing.

    Attributes
    ----------
    infos
        Files and, in a listing by level, directories, in the order of their names' UTF-8 bytes.
    last
        What the next page begins behind: the last name as the service wrote it, which need not be among the infos.
        `None` when nothing more is there.
    """

    infos: Sequence[ObjectInfo]
    last: str | None


class PagedStorage(FsspecStorage):
    """A service that lists by page, in name order, from any name on, and whose writers commit when they are closed."""

    @abstractmethod
    def _page(self, name: str, *, start_after: str, recursive: bool) -> Page:
        """Ask once for what is beneath `name`, strictly behind `start_after`: any text in place of a target."""

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        return self._paged(name, "", recursive=recursive)

    def _scan_after(self, name: str, start_after: str) -> Generator[ObjectInfo]:
        return self._paged(name, start_after, recursive=True)

    def _paged(self, name: str, start_after: str | None, *, recursive: bool) -> Generator[ObjectInfo]:
        while start_after is not None:
            page = self._page(name, start_after=start_after, recursive=recursive)
            yield from page.infos
            start_after = page.last

    def _put_long(self, name: str, chunks: Iterator[bytes], *, mode: WriteMode, options: Mapping[str, Any]) -> None:
        self._refuse_existing(name, mode)
        file = self.filesystem.open(self._key(name), "wb", **options)
        try:
            for chunk in chunks:
                file.write(chunk)
        except BaseException:
            self._discard(file)
            raise
        file.close()

    def _discard(self, file: "AbstractBufferedFile") -> None:
        """Give up a file that is being written, so that nothing of it is seen or kept."""
        file.discard()

    def _find_objects(self, name: str) -> Iterator[str]:
        from modos.storage.discovery import objects_by_page

        return objects_by_page(lambda after: self._page(name, start_after=after, recursive=True))


LAST_NAME = "\U0010ffff"
"""Sorts behind every name: a listing that starts after `X/` and this skips what is beneath `X/`."""


def in_ascii(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a body is stored with, its metadata as headers, which are ASCII."""
    metadata = options.get("metadata")
    return {**options, "metadata": in_headers(metadata)} if metadata else options


def out_of_ascii(info: ObjectInfo) -> ObjectInfo:
    """Return what is known of a file, its metadata as they were before `in_ascii`."""
    return replace(info, metadata=from_headers(info.metadata)) if info.metadata else info


def put_options(content_type: str | None, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what a body is stored with, under the names that filesystems take."""
    options: dict[str, Any] = {}
    if content_type is not None:
        options["content_type"] = content_type
    if metadata:
        options["metadata"] = dict(metadata)
    return options
