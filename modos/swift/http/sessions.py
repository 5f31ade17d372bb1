"""One pool of connections for each event loop of this process and each way of reaching a service.

Owns the life of aiohttp sessions: made on first use, closed with their loop or at exit, left alone after a fork. Knows
nothing of Swift.
"""

import asyncio
import atexit
import contextlib
import os
from collections.abc import AsyncGenerator
from typing import Any

from modos._lazy import require
from modos.swift.transport import Transport

__all__ = ["session"]

_CONNECTIONS = 64
_IDLE_SECONDS = 15.0

type _Life = tuple[asyncio.AbstractEventLoop, AsyncGenerator[Any], Any]

_lives: dict[tuple[int, Transport], _Life] = {}


async def session(transport: Transport) -> Any:  # noqa: ANN401 - aiohttp is imported on use only
    """Return the aiohttp session of the running loop for a way of reaching a service, making it on first use."""
    loop = asyncio.get_running_loop()
    life = _lives.get((id(loop), transport))
    if life is not None and life[0] is loop and not life[2].closed:
        return life[2]
    for key in [key for key, (other, *_) in _lives.items() if other.is_closed()]:
        _lives.pop(key, None)
    generator = _session_life(transport)
    made = await anext(generator)
    _lives[id(loop), transport] = loop, generator, made
    return made


async def _session_life(transport: Transport) -> AsyncGenerator[Any]:
    """Yield a session and close it when the loop shuts its async generators down, as `asyncio.run` does at its end."""
    aiohttp = require("aiohttp", extra="swift", purpose="talking to Swift")
    made = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS, ssl=transport.ssl()),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
    )
    made._retry_connection = False  # noqa: SLF001 - aiohttp repeats a PUT or DELETE unseen otherwise, and who created or deleted is lost
    try:
        yield made
    finally:
        await made.close()


def _close_all() -> None:
    """Close the sessions of loops that still run in another thread, as fsspec's does."""
    for loop, generator, _ in list(_lives.values()):
        if loop.is_running():
            with contextlib.suppress(Exception):
                asyncio.run_coroutine_threadsafe(generator.aclose(), loop).result(timeout=2)
    _lives.clear()


def _forget_all() -> None:
    """Leave the parent's sessions to the parent.

    Closing them here would take its sockets off the epoll that both processes share, so they are kept for ever.
    """
    if _lives:
        import ctypes

        kept = ctypes.py_object(list(_lives.values()))
        ctypes.pythonapi.Py_IncRef(kept)
        _lives.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
