"""Many calls, a few at a time.

Owns how a batch ends: with every result, or with the first error after what was under way has ended. Knows nothing of
Swift.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from typing import Any

from modos.swift.waiting import is_here

__all__ = ["in_order", "together"]


async def together[Result](calls: Iterable[Callable[[], Awaitable[Result]]], *, limit: int) -> list[Result]:
    """Return the results of the calls in their order, at most `limit` of them running at once.

    After an error no call is begun any more, and those under way are awaited and not cancelled: a write that was
    cancelled may still arrive, after what is done to undo it. In a thread without an event loop they run one by one.

    Raises
    ------
    Exception
        The first error of a call, as it is.
    """
    if is_here():
        return [await call() for call in calls]
    waiting = enumerate(calls)
    results: dict[int, Result] = {}
    errors: list[BaseException] = []

    async def work() -> None:
        for index, call in waiting:
            if errors:
                return
            try:
                results[index] = await call()
            except BaseException as error:
                errors.append(error)
                raise

    await asyncio.gather(*(work() for _ in range(limit)), return_exceptions=True)
    if errors:
        raise errors[0]
    return [results[index] for index in sorted(results)]


async def in_order[Result](
    calls: Iterable[Callable[[], Coroutine[Any, Any, Result]]], *, limit: int
) -> AsyncGenerator[Result]:
    """Yield the results of the calls in their order, while the next ones are running.

    At most `limit` results are under way or waiting at any time, the one that was yielded last among them: what a call
    works with may be used again by the one that comes `limit` calls later. Calls that are not waited for any more are
    cancelled, so that it is for reading only; close it, as with `contextlib.aclosing`.

    Raises
    ------
    Exception
        The error of a call, when its turn comes.
    """
    ahead: deque[asyncio.Task[Result]] = deque()
    try:
        for call in calls:
            if len(ahead) == limit:
                yield await ahead.popleft()
            ahead.append(asyncio.create_task(call()))
        while ahead:
            yield await ahead.popleft()
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)
