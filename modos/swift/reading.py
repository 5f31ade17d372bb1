"""Swift read through fsspec: what is there, and its bytes.

Owns paths, listings and reads. Knows nothing of how objects are written, nor of MODOs or `modos.storage`.
"""

import asyncio
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.utils import isfilelike, stringify_path

from modos.errors import InvalidPathError, KeyNotFoundError
from modos.swift.auth.choosing import credentials_from_options
from modos.swift.auth.credentials import Credentials, expect_credentials, expect_one_host
from modos.swift.blocking import run, run_here
from modos.swift.http.client import SwiftClient
from modos.swift.http.exchanges import Attempt, Patience
from modos.swift.looking import Looking
from modos.swift.objects.downloads import Download
from modos.swift.objects.listing import found_in, infos_of, raw_name
from modos.swift.objects.objects import Objects
from modos.swift.objects.sparse import SparseReader
from modos.swift.protocol import (
    Info,
    directory_info,
    info_from_headers,
    split_path,
    split_url,
)
from modos.swift.transport import TLS_OPTIONS, Transport

__all__ = ["SwiftReading"]

_NOT_FOUND = 404
_FILES_AT_ONCE = 32
_FSSPEC_OPTIONS = ("use_listings_cache", "listings_expiry_time", "max_paths")


class _Expanding(type(Looking)):  # type: ignore[misc]
    """Turns a credentials object into plain options, by which fsspec tells instances apart: its `repr` has no secret.

    Without credentials, an instance is that of no cache: what it asks for is up to the environment at its first request,
    which no option tells.
    """

    def __call__(cls, *args: Any, credentials: Credentials | None = None, **options: Any) -> Any:  # noqa: ANN401 - as fsspec
        if credentials is not None:
            expect_credentials(credentials)
            given = {name: value for name, value in options.items() if value is not None}
            if "storage_url" in given:
                expect_one_host(given["storage_url"], credentials.storage_url)
            own = credentials.as_options().items()
            replaced = TLS_OPTIONS if given.keys() & set(TLS_OPTIONS) else ()  # whole: one trust never weakens another
            options = {name: value for name, value in own if name not in replaced} | given
        if not any(value for name, value in options.items() if name not in _NO_CREDENTIALS):
            options["skip_instance_cache"] = True
        return super().__call__(*args, **options)


class SwiftReading(Looking, metaclass=_Expanding):
    """The reading half of `SwiftFileSystem`, where its parameters are documented."""

    protocol = ("swift", "swift+https", "swift+http")
    root_marker = ""

    def __init__(
        self,
        *,
        storage_url: str | None = None,
        account_url: str | None = None,
        segment_size: int = 256 << 20,
        concurrency: int = 4,
        temp_url_key: str | None = None,
        attempts: int = 5,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        cacert: str | os.PathLike[str] | None = None,
        insecure: bool = False,
        cert: str | os.PathLike[str] | None = None,
        cert_key: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        trust_env: bool = True,
        on_request: Callable[[Attempt], object] | None = None,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
        **credentials: Any,  # noqa: ANN401 - checked by credentials_from_options
    ) -> None:
        given = {name: value for name, value in credentials.items() if name not in _FSSPEC_OPTIONS and value}
        who = credentials_from_options(storage_url=storage_url, account_url=account_url, **given) if given else None
        if account_url is not None:
            expect_one_host(account_url, who.storage_url if who else storage_url)
        self.client = SwiftClient(
            who,
            storage_url=account_url or storage_url,
            patience=Patience(attempts=attempts, connect_timeout=connect_timeout, read_timeout=read_timeout),
            transport=Transport(
                cacert=cacert, insecure=insecure, cert=cert, cert_key=cert_key, proxy=proxy, trust_env=trust_env
            ),
            on_request=on_request,
        )
        self.objects = Objects(self.client, segment_size=segment_size, concurrency=concurrency)
        self.concurrency = concurrency
        self.lister = self.objects.lister
        self._sparse = SparseReader(self.objects)
        self._temp_url_key = temp_url_key
        super().__init__(asynchronous=asynchronous, loop=loop, batch_size=batch_size, use_listings_cache=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.client.known_storage_url or 'swift://'!r})"

    __str__ = __repr__

    def __reduce__(self) -> Any:  # noqa: ANN401 - as in fsspec
        """Leave out who counts the requests: the process that unpickles it has its own."""
        make, (kind, args, options) = super().__reduce__()
        return make, (kind, args, {name: value for name, value in options.items() if name != "on_request"})

    async def _where(self, path: str) -> str:
        return await self.objects.where(path)

    def run(self, call: Callable[..., Any], *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - whatever it returns
        """Run a coroutine function on the filesystem's loop, from another thread, and return its result."""
        return run(self.loop, call, *args, **kw)

    def here(self, call: Callable[..., Any], *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - whatever it returns
        """Run a coroutine function that makes one request after another in this thread, and return its result."""
        return run_here(self.loop, call, *args, **kw)

    def start(self, call: Callable[..., Any], *args: Any) -> None:  # noqa: ANN401 - whatever it takes
        """Start a coroutine function on the filesystem's loop, from any thread, and do not wait for it."""
        if self.loop is not None and self.loop.is_running():
            asyncio.run_coroutine_threadsafe(call(*args), self.loop)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:  # noqa: ANN401 - a path, or a list of them
        """Return `container/object` for any address of it."""
        if isinstance(path, list | tuple | set):
            return [cls._strip_protocol(one) for one in path]
        text: str = stringify_path(path)
        for protocol in cls.protocol:
            if text.startswith(f"{protocol}://"):
                text = text.removeprefix("swift://") if protocol == "swift" else split_url(text)[1]
                break
        return text.strip("/")

    def _object_path(self, path: str) -> str:
        stripped: str = self._strip_protocol(path)
        if not all(split_path(stripped)):
            raise InvalidPathError(stripped, "names a container and no object in it")
        return stripped

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, str]:
        """Return the account that an address with a host names."""
        if path.startswith(("swift+https://", "swift+http://")):
            return {"account_url": split_url(path)[0].removeprefix("swift+")}
        return {}

    async def _info(self, path: str, *, directories: bool = True, **_: object) -> Info:
        """Return `name`, `size`, `type`, and of an object `etag`, `last_modified`, `content_type`, `metadata`.

        One request for an object, two for a prefix. The `etag` is the MD5 of the bytes, and `None` for a large object,
        which has a `slo_etag` instead.

        Parameters
        ----------
        path
            The object, prefix or container.
        directories
            Whether a prefix will do; if not, what is no object costs one request as well.

        Raises
        ------
        KeyNotFoundError
            There is nothing of the kind.
        """
        path = self._strip_protocol(path)
        container, name = split_path(path)
        if not container:
            return directory_info("")
        if not name:
            await self.client.request("HEAD", container)
            return directory_info(container)
        answer = await self.objects.head(path)
        if answer.status != _NOT_FOUND:
            return info_from_headers(path, answer.headers)
        if not (directories and (await self.lister.page(container, prefix=f"{name}/", limit=1))[0]):
            raise KeyNotFoundError(await self.objects.where(path), status=_NOT_FOUND)
        return directory_info(path)

    async def _isfile(self, path: str) -> bool:
        """Return whether there is an object; one request."""
        path = self._strip_protocol(path)
        return bool(split_path(path)[1]) and await self.objects.is_there(path)

    async def _created(self, path: str) -> Any:  # noqa: ANN401 - as in fsspec
        """Return when the object was written, in UTC: an object is never changed, only replaced."""
        return await self._modified(path)

    async def _ukey(self, path: str) -> str:
        """Return the ETag: another one means that the object has changed."""
        info = await self._info(path)
        return str(info.get("etag") or info.get("slo_etag") or info["name"])

    async def _checksum(self, path: str) -> int:
        """Return the ETag as a number."""
        return int.from_bytes((await self._ukey(path)).encode())

    async def _list_page(
        self, path: str, *, start_after: str = "", limit: int | None = None, delimiter: str = ""
    ) -> tuple[list[Info], str | None]:
        """Return one page of what lies beneath a container or prefix, in the order of names, with one request.

        Parameters
        ----------
        path
            `container[/prefix]`; empty for the containers of the account. What does not exist has no entries.
        start_after
            `container/name` after which the page begins, exclusive; any text that sorts there will do, so that
            `f"{path}/ex/\U0010ffff"` skips all of `ex/`. Empty for the beginning.
        limit
            Number of entries at most; `None` for as many as the service gives, 10,000 as a rule.
        delimiter
            `"/"` for one level, with directories; empty for everything beneath.

        Returns
        -------
        tuple
            The infos, and the `start_after` of the next page: `None` when nothing more is there.

        Raises
        ------
        KeyNotFoundError
            There is no such container.
        """
        container, name = split_path(self._strip_protocol(path))
        after = split_path(start_after)[1] if container else start_after
        prefix = f"{name}/" if name else ""
        entries, more = await self.lister.page(
            container, prefix=prefix, start_after=after, limit=limit, delimiter=delimiter
        )
        following = "/".join(filter(None, (container, raw_name(entries[-1])))) if more and entries else None
        return infos_of(container, entries, prefix), following

    async def _ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's signature
        """Return what lies directly in a container or prefix, or the object itself; complete past any page limit."""
        path = self._strip_protocol(path)
        container, name = split_path(path)
        prefix = f"{name}/" if name else ""
        entries = [entry async for entry in self.lister.entries(container, prefix=prefix, delimiter="/")]
        infos = infos_of(container, entries, prefix)
        if not entries and name:
            infos = [info] if (info := await self._info(path))["type"] == "file" else []
        return infos if detail else [info["name"] for info in infos]

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        *,
        detail: bool = False,
        prefix: str = "",
        **_: object,
    ) -> Any:  # noqa: ANN401 - a list or a dict, as in fsspec
        """Return every object beneath a container or prefix, sorted; one request for each page of the flat listing."""
        path = self._strip_protocol(path)
        container, name = split_path(path)
        found: dict[str, Info] = {}
        if not container:
            for inside in await self._ls("", detail=False):
                depth = None if maxdepth is None else maxdepth - 1
                if withdirs:
                    found[inside] = directory_info(inside)
                if depth != 0 and inside.startswith(prefix):
                    found |= await self._find(inside, depth, withdirs, detail=True)
        else:
            beneath = f"{name}/" if name else ""
            entries = self.lister.entries(
                container, prefix=beneath + prefix, delimiter="/" if maxdepth == 1 and withdirs else ""
            )
            try:
                async for entry in entries:
                    found |= found_in(container, beneath, entry, maxdepth=maxdepth, withdirs=withdirs)
            except KeyNotFoundError:
                found = {}
            if not prefix and (info := await self._self_info(path, found, withdirs=withdirs)):
                found[path] = info
        ordered = dict(sorted(found.items()))
        return ordered if detail else list(ordered)

    async def _self_info(self, path: str, found: Mapping[str, Info], *, withdirs: bool) -> Info | None:
        """Return what `find` adds for its own root: a directory with its contents, or a lone object."""
        if found:
            return directory_info(path) if withdirs else None
        try:
            info = await self._info(path)
        except KeyNotFoundError:
            return None
        return info if withdirs or info["type"] == "file" else None

    async def _du(self, path: str, total: bool = True, maxdepth: int | None = None, **kw: Any) -> Any:  # noqa: ANN401, FBT001, FBT002 - fsspec's signature
        """Return the size of all objects beneath, from the listing alone."""
        found = await self._find(path, maxdepth=maxdepth, detail=True, **kw)
        sizes = {name: info["size"] for name, info in found.items()}
        return sum(sizes.values()) if total else sizes

    async def _cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        *,
        if_match: str | None = None,
        **_: object,
    ) -> bytes:
        """Return the bytes of an object, or of a slice of it: see `Objects.read`."""
        return await self.objects.read(self._object_path(path), start, end, if_match=if_match)

    async def _cat_ranges(  # noqa: PLR0917 - fsspec's signature
        self,
        paths: list[str],
        starts: Any,  # noqa: ANN401 - a number or one for each path
        ends: Any,  # noqa: ANN401 - a number or one for each path
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **_: object,
    ) -> list[Any]:
        """Return slices of objects; those of one object that are near or sparse share requests.

        Slices at most `max_gap` bytes apart are read as one, `None` for 64 KiB; up to 50 that are further apart share a
        request. Where a service has no such requests, each has its own, and `None` stands for 1 MiB.

        Raises
        ------
        InvalidPathError
            One of them is a container, whatever `on_error`: nothing is read.
        """
        count = len(paths)
        firsts = list(starts) if isinstance(starts, Sequence) else [starts] * count
        lasts = list(ends) if isinstance(ends, Sequence) else [ends] * count
        if not len(firsts) == len(lasts) == count:
            message = "paths, starts and ends must be equally many"
            raise ValueError(message)
        wanted = [(self._object_path(path), a, b) for path, a, b in zip(paths, firsts, lasts, strict=True)]

        def failed(error: Exception) -> Exception:
            if on_error == "raise":
                raise error
            return error

        limit = batch_size or self.batch_size or _FILES_AT_ONCE
        return await self._sparse.slices(wanted, limit=limit, gap=max_gap, read=self._cat_file, failed=failed)

    async def _get_file(self, rpath: str, lpath: Any, callback: Callback = DEFAULT_CALLBACK, **_: object) -> None:  # noqa: ANN401 - a path or an open file
        """Write an object to a local file, which is there whole and verified or not at all.

        Small objects cost one request; larger ones are fetched in pieces, a few at a time.
        """
        make = partial(Download, self.client, callback=callback, concurrency=self.concurrency)
        if isfilelike(lpath):
            await make(self._object_path(rpath)).into_file(lpath)
            return
        target = Path(stringify_path(lpath))
        if await asyncio.to_thread(target.is_dir):
            return
        try:
            await make(self._object_path(rpath)).into_path(target)
        except (InvalidPathError, KeyNotFoundError):
            if not await self._isdir(rpath):
                raise
            await asyncio.to_thread(target.mkdir, exist_ok=True)


_NO_CREDENTIALS = {*inspect.signature(SwiftReading.__init__).parameters, *_FSSPEC_OPTIONS, "skip_instance_cache"}
