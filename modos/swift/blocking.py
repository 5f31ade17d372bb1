"""The blocking face of an asynchronous fsspec filesystem, made from its coroutines.

Owns which of them run on the filesystem's event loop and which in the calling thread. Knows nothing of Swift. fsspec's
own wrapper turns every `TimeoutError`, and so our `StorageTimeoutError`, into one without the address; this one keeps it.
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
from modos.swift.waiting import LoopNeededError, here

__all__ = ["mirrored", "run", "run_here"]


def run(loop: asyncio.AbstractEventLoop, call: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - as in fsspec
    """Run a coroutine function on a loop of another thread and return its result."""
    try:
        return sync(loop, call, *args, **kw)
    except FSTimeoutError as error:
        if isinstance(error.__cause__, StorageTimeoutError):
            raise error.__cause__ from error.__cause__.__cause__
        raise


def run_here(
    loop: asyncio.AbstractEventLoop,
    call: Callable[..., Coroutine[Any, Any, Any]],
    *args: Any,  # noqa: ANN401 - as in fsspec
    **kw: Any,  # noqa: ANN401 - likewise
) -> Any:  # noqa: ANN401 - likewise
    """Run a coroutine function in this thread, or on the loop where it says that it needs one, and return its result."""
    try:
        return here(call(*args, **kw))
    except LoopNeededError:
        return run(loop, call, *args, **kw)


def mirrored[FileSystem: type[AsyncFileSystem]](kind: FileSystem) -> FileSystem:
    """Give a filesystem class a blocking method for each `_method` that fsspec names, and for those in `kind._blocking`.

    Those in `kind._in_place` run in the thread that calls them: they make one request after another.
    """
    for name in dir(kind):
        if not name.startswith("_") or name.startswith("__"):
            continue
        blocking, method = name[1:], getattr(kind, name)
        default = getattr(AbstractFileSystem, blocking, None)
        if getattr(kind, blocking, None) is not default or (default is None and blocking not in kind._blocking):  # noqa: SLF001 - of the class in hand
            continue
        if inspect.iscoroutinefunction(method):
            way = run_here if blocking in kind._in_place else run  # noqa: SLF001 - likewise
            setattr(kind, blocking, _blocking(method, default, way))
        elif inspect.isasyncgenfunction(method):
            setattr(kind, blocking, _iterating(method, default))
    return kind


def _blocking(
    method: Callable[..., Any], default: Callable[..., Any] | None, way: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: AsyncFileSystem, *args: Any, **kw: Any) -> Any:  # noqa: ANN401 - as in fsspec
        return way(self.loop, method, self, *args, **kw)

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
