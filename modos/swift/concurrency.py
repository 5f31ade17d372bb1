"""Many calls, a few at a time.

Owns how a batch ends: with every result, or with the first error after what was under way has ended. Knows nothing of
Swift.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

__all__ = ["together"]


async def together[Result](calls: Iterable[Callable[[], Awaitable[Result]]], *, limit: int) -> list[Result]:
    """Return the results of the calls in their order, at most `limit` of them running at once.

    After an error no call is begun any more, and those under way are awaited and not cancelled: a write that was
    cancelled may still arrive, after what is done to undo it.

    Raises
    ------
    Exception
        The first error of a call, as it is.
    """
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
