"""Files in OpenStack Swift, through the native filesystem of `modos.swift`.

Owns how the contract's verbs meet that filesystem. Knows no other backend.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from glob import has_magic
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from modos.errors import KeyExistsError, KeyNotFoundError
from modos.storage.backends.addresses import SwiftPath
from modos.storage.backends.opened import Opened
from modos.storage.backends.remote import Page, PagedStorage
from modos.storage.base import Method, WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.options import SWIFT, swift_connection_options
from modos.storage.parts.plan import Body
from modos.storage.paths import target_name
from modos.storage.spans import FileSpan

if TYPE_CHECKING:
    from modos.storage.parts.swift import SwiftParts
    from modos.swift import SwiftFileSystem
    from modos.swift.auth.credentials import Credentials

__all__ = ["SwiftStorage"]


_BULK = 2**20
"""Bytes from which on they are read into place."""


class SwiftStorage(PagedStorage):
    """A container, or a prefix in one, of OpenStack Swift.

    Parameters
    ----------
    path
        `swift://container[/prefix]`, or `swift+https://host[:port]/v1/ACCOUNT/container[/prefix]`.
    credentials
        `None`: from the options, else from the usual `OS_*` and `ST_*` variables at the first request.
    read_only
        Whether writing raises `ReadOnlyError`.
    **options
        What `modos.swift.SwiftFileSystem` takes: `storage_url` and `token` for a token that is at hand; `auth_url`,
        `user` and `key`; Keystone's names; `segment_size`, `attempts`, `read_timeout`, and so on. The spellings of
        swiftclient are understood.

    Raises
    ------
    InvalidInputError
        When an option is not known, what are given as credentials are none, or they are for another host than the path
        names.

    Examples
    --------
    >>> SwiftStorage("swift://omics/study", storage_url="https://swift.example.org/v1/AUTH_lab", token="…")
    SwiftStorage('swift://omics/study')
    """

    def __init__(
        self,
        path: str | SwiftPath,
        credentials: "Credentials | None" = None,
        *,
        read_only: bool = False,
        **options: Any,  # noqa: ANN401 - of many kinds
    ) -> None:
        self._path = path if isinstance(path, SwiftPath) else SwiftPath.parse(path)
        if credentials is not None:
            from modos.swift.auth.credentials import expect_credentials

            expect_credentials(credentials)
        self._prefix = "/".join(filter(None, (self._path.container, self._path.key)))
        given = SWIFT.checked({**options, **({} if credentials is None else {"credentials": credentials})})
        connection = given.pop("connection", None)
        self._options = {**(swift_connection_options(connection) if connection else {}), **given}
        if self._path.storage_url is not None:
            self._check_host(self._path.storage_url)
        self._opened = Opened(partial(_filesystem, {**self._options, "account_url": self._path.storage_url}))
        self.read_only = read_only

    def _check_host(self, storage_url: str) -> None:
        known = self._options.get("storage_url") or getattr(self._options.get("credentials"), "storage_url", None)
        if known is not None:
            from modos.swift.auth.credentials import expect_one_host

            expect_one_host(storage_url, known)

    @property
    def filesystem(self) -> "SwiftFileSystem":
        """The Swift filesystem, made on first use and shared by storages beneath this one."""
        return self._opened.get()

    @property
    def url(self) -> str:
        """`swift://container[/prefix]`, with the account's address where it was given."""
        return self._path.url

    @property
    def parts(self) -> "SwiftParts":
        """Large files by parts: segments of static large objects."""
        from modos.storage.parts.swift import SwiftParts

        return SwiftParts(self)

    def _identity(self) -> tuple[object, ...]:
        return (self.url, self.read_only, self._options)

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._path / target_name(target), read_only=self.read_only, **self._options)
        beneath._opened = self._opened
        return beneath

    @contextmanager
    def _boundary(self, name: str) -> Iterator[None]:
        try:
            with super()._boundary(name):
                yield
        except (KeyNotFoundError, KeyExistsError) as error:
            if not name or error.url == self.url_of(name):
                raise
            raise type(error)(self.url_of(name), error.reason, status=error.status) from error

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            return self._info(self.filesystem.info(self._key(name), directories=False))
        except KeyNotFoundError:
            return None

    def _page(self, name: str, *, start_after: str, recursive: bool) -> Page:
        start = f"{self._path.key}/" if self._path.key else ""
        entries, last = self.filesystem.list_page(
            self._key(name),
            start_after=f"{self._path.container}/{start}{start_after}" if start_after else "",
            delimiter="" if recursive else "/",
        )
        infos = [info for info in map(self._info, entries) if info.kind == "file" or not recursive]  # no markers
        return Page(infos, None if last is None else last.removeprefix(f"{self._path.container}/{start}"))

    def _read_many(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        starts, ends = [start for start, _ in ranges], [end for _, end in ranges]
        bodies: list[bytes] = self.filesystem.cat_ranges(
            [self._key(name)] * len(ranges), starts, ends, on_error="raise"
        )
        return bodies

    def _fetch(self, name: str, start: int, end: int | None) -> tuple[Body, ObjectInfo | None]:
        objects = self.filesystem.objects
        if end is not None and end - start >= _BULK:
            buffer = bytearray(end - start)
            entry = self.filesystem.here(objects.fetch_into, self._key(name), memoryview(buffer), start=start)
            return buffer, self._info(entry)
        body, entry = self.filesystem.here(objects.fetch, self._key(name), start, end)
        return body, self._info(entry)

    def _fetch_whole(self, name: str, size: int) -> tuple[Body, ObjectInfo | None]:
        if size >= _BULK:
            return super()._fetch_whole(name, size)
        body, entry = self.filesystem.here(self.filesystem.objects.fetch_whole, self._key(name), size)
        return body, self._info(entry)

    def _pour(self, name: str, span: FileSpan) -> ObjectInfo | None:
        return self._info(
            self.filesystem.here(self.filesystem.objects.fetch_into, self._key(name), span, start=span.start)
        )

    @property
    def _pours(self) -> bool:
        return True

    def _info(self, entry: Mapping[str, Any]) -> ObjectInfo:
        """Tell a large object's version too, by a tag that nobody takes for an MD5."""
        large = entry.get("slo_etag")
        return super()._info({**entry, "etag": f"{large}-slo"} if large and not entry.get("etag") else entry)

    def _put_short(self, name: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any]) -> ObjectInfo:
        return self._info(self.filesystem.pipe_file(self._key(name), body, mode=mode, **options))

    def _copy(self, source: str, target: str) -> None:
        if self.filesystem.cp_file(self._key(source), self._key(target)) is None:
            raise FileNotFoundError(source)

    def _remove(self, names: Sequence[str]) -> None:
        self.filesystem.discard([self._key(name) for name in names])

    def _remove_tree(self, name: str) -> None:
        key = self._key(name)
        if has_magic(key) or ("/" in key and self.filesystem.isfile(key)):
            super()._remove_tree(name)  # `rm` would take it for a pattern, or take a file of the directory's name along
            return
        with suppress(KeyNotFoundError):
            self.filesystem.rm(key, recursive=True)

    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:
        return str(self.filesystem.sign(self._key(name), expiration=expires_in, method=method))


def _filesystem(options: Mapping[str, Any]) -> "SwiftFileSystem":
    from modos.swift import SwiftFileSystem

    return SwiftFileSystem(skip_instance_cache=True, **options)  # the environment may name another account by now
