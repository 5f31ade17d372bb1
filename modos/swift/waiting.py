"""How the coroutines of this room wait: on an event loop, or in a thread that has none.

Owns `here`, which runs a coroutine in the calling thread, and the ways of waiting that work there as well as on a loop.
Knows nothing of Swift. One request after another is cheaper in the thread that wants it: each hop to an event loop and
back costs as much as a small request itself.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

__all__ = ["LoopNeededError", "beside", "here", "is_here", "pause", "result_of"]


class LoopNeededError(Exception):
    """What was to be done in this thread needs an event loop; nothing of it was done."""


class _Mode(threading.local):
    here = False


_mode = _Mode()


def here[Result](coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in this thread, without an event loop.

    Raises
    ------
    LoopNeededError
        When the coroutine says that it needs one.

    Examples
    --------
    >>> async def double(number):
    ...     await pause(0)
    ...     return await beside(lambda: number * 2)
    >>> here(double(21))
    42
    """
    before, _mode.here = _mode.here, True
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result: Result = ended.value
        return result
    finally:
        _mode.here = before
        coroutine.close()
    message = "a coroutine that is run without an event loop has waited for one"
    raise RuntimeError(message)


def is_here() -> bool:
    """Tell whether the coroutine that asks is run by `here`."""
    return _mode.here


async def pause(seconds: float) -> None:
    """Wait so long."""
    if is_here():
        time.sleep(seconds)  # noqa: ASYNC251 - there is no event loop to hold up
    else:
        await asyncio.sleep(seconds)


async def beside[Result](call: Callable[..., Result], *args: object) -> Result:
    """Return the result of a blocking call, which holds no event loop up."""
    return call(*args) if is_here() else await asyncio.to_thread(call, *args)


async def result_of[Result](future: Future[Result]) -> Result:
    """Return what another thread brings."""
    return future.result() if is_here() else await asyncio.wrap_future(future)
