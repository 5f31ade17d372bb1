"""A storage read through fsspec: paths that cannot lead out of it, what is there, and its bytes.

Owns paths, listings and reads. Knows nothing of how files are written, and no backend.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fsspec.utils import stringify_path

from modos.errors import InvalidPathError, KeyNotFoundError
from modos.storage.backends.opened import Opened
from modos.storage.base import Storage
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name
from modos.swift.looking import Looking

__all__ = ["PROTOCOL", "RootedReading", "rooted_name"]

PROTOCOL = "modos"
"""What addresses in such a filesystem begin with, as in `modos://reads/demo.parquet`, unless it is asked for another."""

_AT_ONCE = 32
_PIECE = 8 * 1024 * 1024
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

type Info = dict[str, Any]


def rooted_name(path: Any, protocol: str = PROTOCOL) -> str:  # noqa: ANN401 - whatever stands for a path
    """Return a path as the name it has in the storage, `""` for the root.

    Raises
    ------
    InvalidPathError
        When it is absolute, leads upwards, or belongs to another protocol.

    Examples
    --------
    >>> rooted_name("modos://reads/demo.txt"), rooted_name("reads/"), rooted_name("/")
    ('reads/demo.txt', 'reads', '')
    """
    text: str = stringify_path(path)
    if found := _ADDRESS.match(text):
        if found[1] != protocol:
            raise InvalidPathError(
                text, f"is elsewhere: paths in this storage are relative, or begin with {protocol}://"
            )
        text = text[found.end() :]
    if text in {"", "/", "."}:
        return ""
    return target_name(text.removesuffix("/"))


class RootedReading(Looking):
    """The reading half of `RootedFileSystem`, where its parameters are documented."""

    protocol = PROTOCOL
    root_marker = ""
    cachable = False  # two storages may have one address and different credentials

    def __init__(
        self,
        storage: Storage,
        *,
        protocol: str = PROTOCOL,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(asynchronous=asynchronous, loop=loop, batch_size=batch_size, use_listings_cache=False)
        self.storage = storage
        self._threads = Opened(_threads)
        if protocol != PROTOCOL:
            self.protocol = protocol
            self._strip_protocol = partial(_stripped, protocol=protocol)  # type: ignore[method-assign] # of this instance

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.storage.url!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RootedReading):
            return NotImplemented
        return (self.storage, self.protocol) == (other.storage, other.protocol)

    def __hash__(self) -> int:
        return hash((self.storage, self.protocol))

    def __dask_tokenize__(self) -> object:
        """Tell dask which data this is: the address alone does not say which account."""
        from dask.tokenize import normalize_token  # it is dask that asks

        return normalize_token((type(self).__qualname__, self.storage, self.protocol))

    async def _where(self, path: str) -> str:
        return self._url(path)

    async def _run[R](self, verb: Callable[..., R], *args: Any, **options: Any) -> R:  # noqa: ANN401 - whatever the verb takes
        call = partial(verb, *args, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads.get(), call)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:  # noqa: ANN401 - a path, or a list of them
        return _stripped(path, protocol=PROTOCOL)

    def unstrip_protocol(self, name: str) -> str:
        """Return a path with the protocol before it."""
        return f"{self.protocol}://{self._strip_protocol(name)}"

    def _file_name(self, path: str) -> str:
        name: str = self._strip_protocol(path)
        return target_name(name)

    def _url(self, name: str) -> str:
        return self.storage.url_of(name) if name else self.storage.url

    # -- looking ----------------------------------------------------------------------------------------------------

    async def _info(self, path: str, **_: object) -> Info:
        """Return `name`, `size`, `type`, and of a file `mtime`, `last_modified`, `etag`, `content_type`, `metadata`."""
        return await self._run(self._found, self._strip_protocol(path))

    def _found(self, name: str) -> Info:
        if not name:
            return _directory("")
        try:
            return _info(self.storage.stat(name))
        except KeyNotFoundError:
            if next(self.storage.scan(name), None) is None:
                raise
        return _directory(name)

    async def _isfile(self, path: str) -> bool:
        """Return whether it is a file."""
        return await self._type(path) == "file"

    async def _ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's signature
        """Return what lies directly in a directory, or the file itself; complete past any page limit."""
        name = self._strip_protocol(path)
        infos = await self._run(lambda: [_info(each) for each in self.storage.scan(name, recursive=False)])
        if not infos and name:
            infos = [await self._info(name)]
        return infos if detail else [info["name"] for info in infos]

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        *,
        detail: bool = False,
        **_: object,
    ) -> Any:  # noqa: ANN401 - a list or a dict, as in fsspec
        """Return every file beneath a directory, from one flat listing; with `withdirs` the directories as well."""
        if maxdepth is not None and maxdepth < 1:
            message = "maxdepth must be at least 1"
            raise ValueError(message)
        name = self._strip_protocol(path)
        found = await self._run(self._beneath, name, maxdepth)
        if not withdirs:
            found = {each: info for each, info in found.items() if info["type"] == "file"}
        if not found and name and await self._isfile(name):
            found = {name: await self._info(name)}
        elif withdirs and (found or not name):
            found[name] = _directory(name)
        ordered = dict(sorted(found.items()))
        return ordered if detail else list(ordered)

    def _beneath(self, name: str, maxdepth: int | None) -> dict[str, Info]:
        found: dict[str, Info] = {}
        above = len(name.split("/")) if name else 0
        for each in self.storage.scan(name, recursive=maxdepth != 1):
            parts = each.path.parts
            for depth in range(above + 1, len(parts)):
                if maxdepth is None or depth - above <= maxdepth:
                    directory = "/".join(parts[:depth])
                    found.setdefault(directory, _directory(directory))
            if maxdepth is None or len(parts) - above <= maxdepth:
                found[str(each.path)] = _info(each)
        return found

    # -- reading ----------------------------------------------------------------------------------------------------

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
        """Return the bytes of a file, or of a slice of it."""
        name = self._file_name(path)
        body = await self._run(self.storage.read, name, start, end)
        if not body and (start, end) != (None, None):
            await self._run(self.storage.stat, name)  # an empty range is answered without asking
        return body

    async def _cat_ranges(  # noqa: PLR0917 - fsspec's signature
        self,
        paths: list[str],
        starts: Any,  # noqa: ANN401 - a number or one for each path
        ends: Any,  # noqa: ANN401 - a number or one for each path
        max_gap: int | None = None,
        batch_size: int | None = None,  # noqa: ARG002 - fsspec's signature; the pool of threads is the limit
        on_error: str = "return",
        **_: object,
    ) -> list[Any]:
        """Return slices of files; near ones of one file share a request, as in `Storage.read_ranges`."""
        firsts = list(starts) if isinstance(starts, Sequence) else [starts] * len(paths)
        lasts = list(ends) if isinstance(ends, Sequence) else [ends] * len(paths)
        if not len(firsts) == len(lasts) == len(paths):
            message = "paths, starts and ends must be equally many"
            raise ValueError(message)
        options: dict[str, Any] = {} if max_gap is None else {"gap": max_gap}
        together: dict[str, list[int]] = {}
        alone: list[int] = []
        for position, path in enumerate(paths):
            if (firsts[position] or 0) < 0 or lasts[position] is None or lasts[position] < 0:
                alone.append(position)
            else:
                together.setdefault(path, []).append(position)

        async def several(path: str, positions: Sequence[int]) -> Sequence[bytes]:
            wanted = [(firsts[each] or 0, lasts[each]) for each in positions]
            return await self._run(self.storage.read_ranges, self._file_name(path), wanted, **options)

        async def one(position: int) -> Sequence[bytes]:
            return [await self._cat_file(paths[position], firsts[position], lasts[position])]

        jobs: list[tuple[Coroutine[Any, Any, Sequence[bytes]], Sequence[int]]] = [
            *((several(path, positions), positions) for path, positions in together.items()),
            *((one(position), [position]) for position in alone),
        ]
        results = await asyncio.gather(*(job for job, _ in jobs), return_exceptions=on_error == "return")
        pieces: list[Any] = [b""] * len(paths)
        for result, (_job, positions) in zip(results, jobs, strict=True):
            for index, position in enumerate(positions):
                pieces[position] = result if isinstance(result, BaseException) else result[index]
        return pieces

    async def _get_file(self, rpath: str, lpath: Any, **_: object) -> None:  # noqa: ANN401 - a path or an open file
        """Write a file to a local one, which is there whole or not at all."""
        name: str = self._strip_protocol(rpath)
        if not hasattr(lpath, "write") and await self._isdir(name):
            await asyncio.to_thread(Path(lpath).mkdir, parents=True, exist_ok=True)
            return
        await self._run(self._fetch, target_name(name), lpath)

    def _fetch(self, name: str, lpath: Any) -> None:  # noqa: ANN401 - a path or an open file
        from modos.storage.backends.local import LocalStorage

        with self.storage.open(name) as source:
            if hasattr(lpath, "write"):
                while piece := source.read(_PIECE):
                    lpath.write(piece)
                return
            target = Path(stringify_path(lpath))
            LocalStorage(target.parent).put(source, target.name)


def _stripped(path: Any, *, protocol: str) -> Any:  # noqa: ANN401 - a path, or a list of them
    if isinstance(path, list | tuple | set):
        return [rooted_name(one, protocol) for one in path]
    return rooted_name(path, protocol)


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="storage filesystem")


def _directory(name: str) -> Info:
    return {"name": name, "size": 0, "type": "directory"}


def _info(found: ObjectInfo) -> Info:
    if found.kind == "directory":
        return _directory(str(found.path))
    return {
        "name": str(found.path),
        "size": found.size,
        "type": "file",
        "mtime": None if found.last_modified is None else found.last_modified.timestamp(),
        "last_modified": found.last_modified,
        "etag": found.etag,
        "content_type": found.content_type,
        "metadata": dict(found.metadata),
    }
