"""The blocking face of an asynchronous fsspec filesystem, made from its coroutines.

Owns how a coroutine is run from a blocking call. Knows nothing of Swift. fsspec's own wrapper turns every
`TimeoutError`, and so our `StorageTimeoutError`, into one without the address; this one keeps it.
"""

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any

from fsspec.asyn import AsyncFileSystem, sync
from fsspec.exceptions import FSTimeoutError
from fsspec.spec import AbstractFileSystem

from modos.errors import StorageTimeoutError

__all__ = ["mirrored", "run"]


def run(loop: asyncio.AbstractEventLoop, call: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - as in fsspec
    """Run a coroutine function on a loop of another thread and return its result."""
    try:
        return sync(loop, call, *args, **kw)
    except FSTimeoutError as error:
        if isinstance(error.__cause__, StorageTimeoutError):
            raise error.__cause__ from error.__cause__.__cause__
        raise


def mirrored[FileSystem: type[AsyncFileSystem]](kind: FileSystem) -> FileSystem:
    """Give a filesystem class a blocking method for each `_method` that fsspec names, and for those in `kind._blocking`."""
    for name in dir(kind):
        if not name.startswith("_") or name.startswith("__"):
            continue
        blocking, method = name[1:], getattr(kind, name)
        default = getattr(AbstractFileSystem, blocking, None)
        if getattr(kind, blocking, None) is not default or (default is None and blocking not in kind._blocking):  # noqa: SLF001 - of the class in hand
            continue
        if inspect.iscoroutinefunction(method):
            setattr(kind, blocking, _blocking(method, default))
        elif inspect.isasyncgenfunction(method):
            setattr(kind, blocking, _iterating(method, default))
    return kind


def _blocking(method: Callable[..., Any], default: Callable[..., Any] | None) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: AsyncFileSystem, *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - as in fsspec
        return run(self.loop, method, self, *args, **kw)

    return _named(call, method, default)


def _iterating(method: Callable[..., AsyncGenerator[Any]], default: Callable[..., Any] | None) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: AsyncFileSystem, *args: Any, **kw: Any) -> Iterator[Any]:  # noqa: ANN401 - as in fsspec
        generator = method(self, *args, **kw)
        while True:
            try:
                yield run(self.loop, generator.__anext__)
            except StopAsyncIteration:
                return

    return _named(call, method, default)


def _named(
    call: Callable[..., Any], method: Callable[..., Any], default: Callable[..., Any] | None
) -> Callable[..., Any]:
    call.__name__ = method.__name__[1:]
    call.__qualname__ = method.__qualname__.replace(method.__name__, call.__name__)
    call.__doc__ = method.__doc__ or getattr(default, "__doc__", None)
    return call
