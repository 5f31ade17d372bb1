"""Async twins: the verbs of the contract for event loops, run in threads and never written twice.

Owns how a twin is made from a verb. Knows no verb and no storage.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import closing
from functools import wraps
from itertools import islice
from typing import Concatenate

__all__ = ["asynchronous", "asynchronous_iterator"]

_BATCH = 1000


def asynchronous[S, **P, R](verb: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], Awaitable[R]]:
    """Make the async twin of a verb: the same method of the same instance, run in a thread."""

    @wraps(verb)
    async def twin(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        import asyncio  # whoever awaits this has it already, and others do not wait for it

        return await asyncio.to_thread(verb, self, *args, **kwargs)

    twin.__name__ = f"{verb.__name__}_async"
    twin.__doc__ = f"Async twin of `{verb.__name__}`."
    return twin


def asynchronous_iterator[S, **P, R](
    verb: Callable[Concatenate[S, P], Generator[R]],
) -> Callable[Concatenate[S, P], AsyncIterator[R]]:
    """Make the async twin of a verb that yields: batches are fetched in a thread as they are asked for."""

    @wraps(verb)
    async def twin(self: S, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
        import asyncio  # likewise

        with closing(verb(self, *args, **kwargs)) as items:
            while batch := await asyncio.to_thread(lambda: list(islice(items, _BATCH))):
                for item in batch:
                    yield item

    twin.__name__ = f"{verb.__name__}_async"
    twin.__doc__ = f"Async twin of `{verb.__name__}`."
    return twin
