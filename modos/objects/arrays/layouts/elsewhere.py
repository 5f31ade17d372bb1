"""Arrays of dask that a cluster or other processes compute: what they are written to is in this process only.

Owns how their blocks are asked for here, one by one. Knows nothing of what is written.
"""

import importlib
from typing import Any

__all__ = ["asked_for"]

type Foreign = Any
"""Something of dask, which is loaded by then."""


def asked_for(blocks: Foreign) -> tuple[Foreign, str | None]:
    """Return an array of dask that this process can write, and the scheduler to do that with, `None` for the one in use.

    Where something else computes, it still does so; threads of this process take the blocks from it and write them.
    """
    base, local, threaded, array = (_dask(each) for each in ("base", "local", "threaded", "array"))
    elsewhere = base.get_scheduler()
    if elsewhere in {None, threaded.get, local.get_sync}:
        return blocks, None
    wanted = _Wanted(blocks, elsewhere)
    return array.from_array(wanted, chunks=blocks.chunks, meta=blocks._meta, name=False), "threads"  # noqa: SLF001 - as dask itself


def _dask(part: str) -> Foreign:
    return importlib.import_module(f"dask.{part}")


class _Wanted:
    """An array whose parts are computed when they are taken."""

    def __init__(self, blocks: Foreign, scheduler: Foreign) -> None:
        self._blocks, self._scheduler = blocks, scheduler
        self.shape, self.dtype, self.ndim = blocks.shape, blocks.dtype, blocks.ndim

    def __getitem__(self, part: object) -> Foreign:
        return self._blocks[part].compute(scheduler=self._scheduler)
