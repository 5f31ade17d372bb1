"""What is looked up alike in every filesystem here: whether something is there, what it is, and what lies beneath.

Owns that no error is taken for "nothing there", and that a fork gets an event loop of its own. Knows nothing of Swift,
nor of any other place.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from glob import has_magic
from pathlib import Path
from typing import Any

from fsspec.asyn import AsyncFileSystem, get_loop
from fsspec.implementations.local import make_path_posix, trailing_sep

from modos.errors import KeyNotFoundError

__all__ = ["Looking"]


class Looking(AsyncFileSystem):  # type: ignore[misc]
    """A filesystem in which only what is missing is missing; subclasses bring `_info` and `_where`."""

    _in_place: Collection[str] = ()
    """Blocking methods that run in the thread that calls them, and not on the event loop."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the blocking methods; after a fork, that of the new process."""
        if self._pid != os.getpid():
            self._pid: int = os.getpid()
            self._loop: Any = None if self.asynchronous else get_loop()
        loop: asyncio.AbstractEventLoop = self._loop
        return loop

    async def _where(self, path: str) -> str:
        """Return the address of a path, for errors."""
        raise NotImplementedError

    async def _type(self, path: str) -> str | None:
        try:
            return str((await self._info(path))["type"])
        except KeyNotFoundError:
            return None

    async def _exists(self, path: str, **_: object) -> bool:
        """Return whether there is a file, or a directory with files beneath; no error is taken for no."""
        return await self._type(path) is not None

    async def _isdir(self, path: str) -> bool:
        """Return whether it is a directory, which is one by what lies beneath it."""
        return await self._type(path) == "directory"

    async def _modified(self, path: str) -> Any:  # noqa: ANN401 - as in fsspec
        """Return when the file was written, in UTC."""
        return (await self._info(path)).get("last_modified")

    async def _walk(
        self,
        path: str,
        maxdepth: int | None = None,
        on_error: Any = "omit",  # noqa: ANN401 - fsspec's signature
        **kw: Any,  # noqa: ANN401 - fsspec's signature
    ) -> AsyncIterator[Any]:
        """Walk as fsspec does, but never take an error for an empty directory: only what is missing may be omitted."""

        def judge(error: Exception) -> None:
            if callable(on_error):
                on_error(error)
            elif on_error == "raise" or not isinstance(error, FileNotFoundError):
                raise error

        async for level in super()._walk(path, maxdepth=maxdepth, on_error=judge, **kw):
            yield level

    async def _expand_path(self, path: Any, recursive: bool = False, maxdepth: int | None = None, **kw: Any) -> Any:  # noqa: ANN401, FBT001, FBT002 - fsspec's signature
        """Expand patterns as fsspec does, but take a name with `*`, `?` or `[` literally where there is such a file."""
        paths = [path] if isinstance(path, str | os.PathLike) else list(path)
        names = [self._strip_protocol(one) for one in paths]
        literal = {name for name in names if has_magic(name) and await self._exists(name)}
        others = [name for name in names if name not in literal]
        try:
            expanded = await super()._expand_path(others, recursive, maxdepth, **kw) if others else []
        except FileNotFoundError as error:
            if isinstance(error, KeyNotFoundError):
                raise
            raise KeyNotFoundError(await self._where(others[0])) from error
        if recursive:
            for name in sorted(literal):
                expanded += [name, *await self._find(name, maxdepth=maxdepth, withdirs=True)]
        return sorted({*expanded, *literal})

    async def _copy(self, path1: Any, path2: Any, recursive: bool = False, **kw: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - fsspec's signature
        """Copy as fsspec does: into a directory that is there, or to one that is made."""
        source, target = await self._exact(path1, path2, self._isdir)
        await super()._copy(source, target, recursive=recursive, **kw)

    async def _get(self, rpath: Any, lpath: Any, recursive: bool = False, **kw: Any) -> Any:  # noqa: ANN401, FBT001, FBT002 - fsspec's signature
        """Fetch as fsspec does: into a directory that is there, or to one that is made."""

        async def is_dir(path: str) -> bool:
            return await asyncio.to_thread(Path(path).is_dir)

        local = lpath if isinstance(lpath, list) else make_path_posix(lpath)
        source, target = await self._exact(rpath, local, is_dir)
        return await super()._get(source, target, recursive=recursive, **kw)

    async def _exact(
        self,
        source: Any,  # noqa: ANN401 - a path, or a list of them
        target: Any,  # noqa: ANN401 - likewise
        is_dir: Callable[[str], Awaitable[bool]],
    ) -> tuple[Any, Any]:
        """Return source and target of a copy in words that fsspec understands.

        It takes a name without any `/` for nothing, so that what should go into a directory would go in its place, and
        the name of a file with `*`, `?` or `[` for a pattern.
        """
        name = None if isinstance(source, list) or isinstance(target, list) else self._strip_protocol(source)
        if not name or ("/" in name and not has_magic(name)):
            return source, target
        if has_magic(name) and not await self._exists(name):
            matching = await self._glob(name)
            if len(matching) != 1 or "/" in matching[0] or not await self._isfile(matching[0]):
                return source, target
            name, into = matching[0], True
        else:
            into = not trailing_sep(str(source)) and (trailing_sep(str(target)) or await is_dir(target))
        kind = await self._type(name)
        if into and kind is not None:
            target = f"{str(target).rstrip('/')}/{name.rpartition('/')[2]}"
        return ([name], [target]) if kind == "file" else (source, target)
