"""Files in OpenStack Swift, through the native filesystem of `modos.swift`.

Owns how the contract's verbs meet that filesystem. Knows no other backend.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from modos.storage.base import Method, WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.paths import SwiftPath, target_name
from modos.storage.remote import Page, PagedStorage

if TYPE_CHECKING:
    from modos.swift import SwiftFileSystem
    from modos.swift.credentials import Credentials

__all__ = ["SwiftStorage"]


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
        `user` and `key`; Keystone's names; `segment_size`, `timeout`, and so on.

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
        **options: Any,  # noqa: ANN401 - the filesystem checks them
    ) -> None:
        self._path = path if isinstance(path, SwiftPath) else SwiftPath.parse(path)
        self._prefix = "/".join(filter(None, (self._path.container, self._path.key)))
        self._options = {**options, **({} if credentials is None else {"credentials": credentials})}
        if self._path.storage_url is not None:
            self._options["storage_url"] = self._path.storage_url
        self._opened: SwiftFileSystem | None = None
        self.read_only = read_only

    @property
    def filesystem(self) -> "SwiftFileSystem":
        """The Swift filesystem, made on first use and shared by storages beneath this one."""
        if self._opened is None:
            from modos.swift import SwiftFileSystem

            self._opened = SwiftFileSystem(**self._options)
        return self._opened

    @property
    def url(self) -> str:
        """`swift://container[/prefix]`, with the account's address where it was given."""
        return self._path.url

    def _identity(self) -> tuple[object, ...]:
        return (self.url, self.read_only, self._options)

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_opened": None}

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._path / target_name(target), read_only=self.read_only, **self._options)
        beneath._opened = self._opened
        return beneath

    def _page(self, name: str, *, start_after: str, recursive: bool) -> Page:
        entries, more = self.filesystem.list_page(
            f"{self._key(name)}/",
            start_after=f"{self._prefix}/{start_after}" if start_after else "",
            delimiter="" if recursive else "/",
        )
        return Page([self._info(entry) for entry in entries if not entry["name"].endswith("/")], more)

    def _put_short(self, name: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any]) -> ObjectInfo:
        entry = self.filesystem.pipe_file(self._key(name), body, mode=mode, **options)
        return ObjectInfo(
            PurePosixPath(name),
            size=len(body),
            etag=entry["etag"],
            last_modified=entry.get("last_modified"),
            content_type=options.get("content_type"),
            metadata=options.get("metadata", {}),
        )

    def _remove(self, names: Sequence[str]) -> None:
        self.filesystem.rm([self._key(name) for name in names])

    def _sign(self, name: str, *, expires_in: float, method: Method) -> str:
        return str(self.filesystem.sign(self._key(name), expiration=round(expires_in), method=method))
