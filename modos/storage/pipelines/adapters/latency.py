"""A zarr store that waits before every access.

Owns that wrapper. Must not know what it wraps. zarr has one of its own, among what needs pytest.
"""

import asyncio

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import WrapperStore

__all__ = ["LatencyStore"]


class LatencyStore(WrapperStore[Store]):
    """A store that waits.

    Parameters
    ----------
    store
        What it wraps.
    get_latency, set_latency
        Seconds before a read and before a write.
    """

    def __init__(self, store: Store, *, get_latency: float, set_latency: float) -> None:
        super().__init__(store)
        self.get_latency = get_latency
        self.set_latency = set_latency

    def _with_store(self, store: Store) -> "LatencyStore":
        return type(self)(store, get_latency=self.get_latency, set_latency=self.set_latency)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a value or a range of it, after a while."""
        await asyncio.sleep(self.get_latency)
        return await self._store.get(key, prototype, byte_range)

    async def getsize(self, key: str) -> int:
        """Return the bytes of a value, after a while."""
        await asyncio.sleep(self.get_latency)
        return await self._store.getsize(key)

    async def set(self, key: str, value: Buffer) -> None:
        """Store a value, after a while."""
        await asyncio.sleep(self.set_latency)
        await self._store.set(key, value)
