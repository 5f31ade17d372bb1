"""One request with a large body, sent or received by a thread on a connection of its own, past the event loop.

Owns the bytes between a socket and a file or buffer, which are touched once. Knows nothing of tokens and repetitions.
"""

import asyncio
import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from modos._lazy import require
from modos.errors import IntegrityError, UnreachableError
from modos.swift.http.bodies import pieces_of
from modos.swift.http.exchanges import Request, Response, Way
from modos.swift.http.failures import socket_errors
from modos.swift.transport import Transport

__all__ = ["Lanes", "by_thread"]

_PIECE = 256 << 10


class Lanes:
    """Connections that are kept from one request to the next within a `with` block, for any number of threads."""

    def __init__(self) -> None:
        self._idle: list[tuple[object, http.client.HTTPConnection]] = []
        self._contexts: dict[Transport, ssl.SSLContext] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    def take(self, way: Way) -> http.client.HTTPConnection:
        """Return a connection that leads there, which may still have to be made."""
        with suppress(IndexError):
            kept, connection = self._idle.pop()
            if kept == _end(way):
                return connection
            connection.close()
        parts = urlsplit(way.address)
        if parts.scheme != "https":
            return http.client.HTTPConnection(parts.netloc, timeout=way.connect_timeout)
        return http.client.HTTPSConnection(
            parts.netloc, timeout=way.connect_timeout, context=self._context(way.transport)
        )

    def keep(self, way: Way, connection: http.client.HTTPConnection) -> None:
        """Take a connection back, on which nothing is under way."""
        self._idle.append((_end(way), connection))

    def _context(self, transport: Transport) -> ssl.SSLContext:
        if transport not in self._contexts:
            made = transport.ssl()
            self._contexts[transport] = made if isinstance(made, ssl.SSLContext) else ssl.create_default_context()
        return self._contexts[transport]


def _end(way: Way) -> object:
    return urlsplit(way.address)[:2], way.transport


async def by_thread(request: Request, way: Way, url: str, note: Callable[[int], object]) -> Response:
    """Make a request in a thread; when this is cancelled, the connection is broken and the thread has ended.

    Parameters
    ----------
    request
        What is sent; an answer of success fills `request.into`, where that is given.
    way
        How.
    url
        The address as errors tell it.
    note
        Is given the status as soon as it is known, in the thread.
    """
    errand = _Errand(request, way, url, note)
    done: Future[Response] = Future()
    done.set_running_or_notify_cancel()
    threading.Thread(target=_settle, args=(done, errand.run), name="modos-swift", daemon=True).start()
    waiting = asyncio.wrap_future(done)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        errand.abort()
        await asyncio.wait({waiting})
        waiting.exception()  # has been looked at: nobody else will
        raise


def _settle(done: Future[Response], call: Callable[[], Response]) -> None:
    try:
        done.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
        done.set_exception(error)


class _Errand:
    """One request on its way, in its thread."""

    def __init__(self, request: Request, way: Way, url: str, note: Callable[[int], object]) -> None:
        self._request = request
        self._way = way
        self._url = url
        self._note = note
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def abort(self) -> None:
        """Break the connection, from another thread."""
        self._aborted = True
        sock = self._connection.sock if self._connection else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def run(self) -> Response:
        """Ask, and return the answer."""
        if self._request.lanes is not None:
            return self._run(self._request.lanes)
        with Lanes() as lanes:
            return self._run(lanes)

    def _run(self, lanes: Lanes) -> Response:
        self._connection = connection = lanes.take(self._way)
        try:
            digest, lost = self._send(connection)
            response, is_free = self._receive(connection, digest, lost)
        except BaseException:
            connection.close()
            raise
        if is_free:
            lanes.keep(self._way, connection)
        else:
            connection.close()
        return response

    def _send(self, connection: http.client.HTTPConnection) -> tuple[str | None, UnreachableError | None]:
        """Send all, and return the MD5 of the body where that is wanted, and what broke: there may be an answer still."""
        digest = hashlib.md5(usedforsecurity=False) if self._request.checked == "after" else None
        with socket_errors(self._url):
            self._begin(connection)
        for piece in pieces_of(self._request.body or b"", _PIECE):
            if digest is not None:
                digest.update(piece)
            try:
                with socket_errors(self._url):
                    connection.send(piece)
            except UnreachableError as lost:
                return None, lost
        return digest.hexdigest() if digest is not None else None, None

    def _begin(self, connection: http.client.HTTPConnection) -> None:
        is_new = connection.sock is None
        if is_new:
            connection.connect()
        connection.sock.settimeout(self._way.read_timeout)
        if self._aborted:
            raise ConnectionAbortedError
        _, _, path, query, _ = urlsplit(self._way.address)
        connection.putrequest(self._request.method, f"{path}?{query}" if query else path, skip_accept_encoding=True)
        for name, value in {"Accept-Encoding": "identity", **self._way.headers}.items():
            connection.putheader(name, value)
        connection.endheaders()

    def _receive(
        self, connection: http.client.HTTPConnection, digest: str | None, lost: UnreachableError | None
    ) -> tuple[Response, bool]:
        """Return the answer, and whether the connection is good for another request."""
        with socket_errors(self._url):
            answer = connection.getresponse()
        self._note(answer.status)
        multidict = require("multidict", extra="swift", purpose="talking to Swift")
        response = Response(answer.status, multidict.CIMultiDict(answer.headers.items()), b"", digest)
        if lost is not None and response.succeeded:
            raise lost
        if response.succeeded and self._request.into is not None:
            self._fill(answer, self._request.into)
        else:
            with socket_errors(self._url):
                response = replace(response, body=answer.read())
        return response, lost is None and not answer.will_close

    def _fill(self, answer: http.client.HTTPResponse, into: memoryview) -> None:
        filled = 0
        with socket_errors(self._url):
            while filled < len(into) and (count := answer.readinto(into[filled:])):
                filled += count
            is_longer = bool(answer.read(1))
        if filled < len(into):
            raise IntegrityError(self._url, "the answer was cut short")
        if is_longer:
            raise IntegrityError(self._url, "the answer is longer than what was asked for")
