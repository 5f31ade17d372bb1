"""Many calls, a few at a time.

Owns how a batch ends: with every result, or with the first error after the others have been cancelled. Knows nothing
of Swift.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

__all__ = ["together"]


async def together[Result](calls: Iterable[Callable[[], Awaitable[Result]]], *, limit: int) -> list[Result]:
    """Return the results of the calls in their order, at most `limit` of them running at once.

    Raises
    ------
    Exception
        The first error of a call, as it is; calls under way are cancelled and awaited before.
    """
    waiting = enumerate(calls)
    results: dict[int, Result] = {}

    async def work() -> None:
        for index, call in waiting:
            results[index] = await call()

    workers = [asyncio.ensure_future(work()) for _ in range(limit)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[index] for index in sorted(results)]
