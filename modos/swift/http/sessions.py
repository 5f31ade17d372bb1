"""One pool of connections for each event loop of this process and each way of reaching a service.

Owns the life of aiohttp sessions: made on first use, closed with their loop or at exit, left alone after a fork; and one
request over them. Knows nothing of tokens and repetitions.
"""

import asyncio
import atexit
import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

from modos._lazy import require
from modos.errors import IntegrityError
from modos.swift.http.bodies import chunks_of, fill, length_of, md5_of
from modos.swift.http.exchanges import Request, Response, Way
from modos.swift.http.failures import transport_errors
from modos.swift.transport import Transport

__all__ = ["by_session", "session"]

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
    atexit.unregister(_close_all)  # what is registered last is called first: before whoever owns the loop ends it
    atexit.register(_close_all)
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


async def by_session(request: Request, way: Way, url: str, note: Callable[[int], object]) -> Response:
    """Make a request on the event loop, over the pool; the parameters are those of `by_thread`."""
    aiohttp = require("aiohttp", extra="swift", purpose="talking to Swift")
    yarl = require("yarl", extra="swift", purpose="talking to Swift")
    with transport_errors(url):
        async with (await session(way.transport)).request(
            request.method,
            yarl.URL(way.address, encoded=True),
            headers=way.headers,
            data=None if request.body is None else chunks_of(request.body),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=way.connect_timeout, sock_read=way.read_timeout),
            allow_redirects=False,
            proxy=way.proxy,
        ) as answer:
            note(answer.status)
            body = b"" if request.is_exceeded(answer.headers) else await _body_of(answer, request.bound)
            response = Response(answer.status, answer.headers, body)
    if request.body is not None and request.checked == "after":
        response = replace(response, digest=await md5_of(request.body))
    if request.into is not None and response.succeeded:
        if len(response.body) != length_of(request.into):
            raise IntegrityError(url, "the answer has another length than what was asked for")
        fill(request.into, response.body)
    return response


async def _body_of(answer: Any, bound: int | None) -> bytes:  # noqa: ANN401 - of aiohttp
    """Return the body, or so many bytes of it."""
    try:
        body: bytes = await (answer.read() if bound is None else answer.content.readexactly(bound))
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    return body


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


os.register_at_fork(after_in_child=_forget_all)
