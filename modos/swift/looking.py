"""What is looked up alike in every filesystem here: whether something is there, what it is, and what lies beneath.

Owns that no error is taken for "nothing there", and that a fork gets an event loop of its own. Knows nothing of Swift,
nor of any other place.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from typing import Any

from fsspec.asyn import AsyncFileSystem, get_loop

from modos.errors import KeyNotFoundError

__all__ = ["Looking"]


class Looking(AsyncFileSystem):  # type: ignore[misc]
    """A filesystem in which only what is missing is missing; subclasses bring `_info`."""

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
