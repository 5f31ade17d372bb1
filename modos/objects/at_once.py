"""Doing the same with many things, some at a time.

Owns how many, and what becomes of the others when one fails. Must not know what is done.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["all_at_once"]


def all_at_once[T, R](act: Callable[[T], R], items: Iterable[T], *, at_once: int = 8) -> list[R]:
    """Do something with each item, some at a time; after the first failure those not begun are left out.

    Parameters
    ----------
    act
        What to do; called by several threads.
    items
        With what.
    at_once
        How many are under way at the same time.

    Returns
    -------
    list
        What came of each, in order.

    Examples
    --------
    >>> all_at_once(str.upper, ["reads", "calls"])
    ['READS', 'CALLS']
    """
    waiting = list(items)
    if len(waiting) < 2:  # noqa: PLR2004 - one needs no threads
        return [act(item) for item in waiting]
    with ThreadPoolExecutor(at_once, thread_name_prefix="modos-objects") as pool:
        futures = [pool.submit(act, item) for item in waiting]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
