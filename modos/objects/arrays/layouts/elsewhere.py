"""Arrays of dask that a cluster or other processes compute: what they are written to is in this process only.

Owns how their blocks are asked for here, one by one, and that they are what was said of them. Knows no storage.
"""

import importlib
from typing import Any

import numpy as np

from modos.errors import InvalidElementError

__all__ = ["Receiver", "asked_for"]

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


class Receiver:
    """An array that blocks of dask are written to, which are looked at: what dask says of them before is a guess.

    Parameters
    ----------
    array
        Of zarr.
    dtype
        The type that dask has told.
    """

    def __init__(self, array: Foreign, dtype: Foreign) -> None:
        self._array, self._dtype = array, dtype
        self._sizes: list[int] = []

    def __setitem__(self, region: tuple[slice, ...], block: Foreign) -> None:
        sizes = tuple(part.stop - part.start for part in region)
        is_whole = isinstance(block, np.ndarray | np.generic) and block.shape == sizes and not np.ma.is_masked(block)
        if not (is_whole and np.can_cast(block.dtype, self._dtype, "safe")):
            found = f"a {type(block).__name__} of type {getattr(block, 'dtype', None)} and shape {np.shape(block)}"
            told = f"type {self._dtype} and shape {sizes}"
            raise InvalidElementError(
                f"a block of the array of dask is {found}, while dask says {told}; convert it first"
            )
        self._array[region] = block
        self._sizes.append(block.size)  # threads may do so at once

    def refuse_fewer(self, count: int) -> None:
        """Refuse an array of which fewer values have come than there are: dask leaves out blocks that turn out empty.

        Raises
        ------
        InvalidElementError
            When that is so.
        """
        if sum(self._sizes) != count:
            told = f"dask says that there are {count}; compute it first"
            raise InvalidElementError(f"the blocks of the array of dask have {sum(self._sizes)} values, while {told}")
