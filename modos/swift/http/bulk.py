"""One request made by a thread past the event loop: with a large body, or for whoever runs without such a loop.

Owns the bytes between a socket and a file or buffer, which are touched once. Knows nothing of tokens and repetitions.
"""

import asyncio
import hashlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from modos.errors import IntegrityError, StorageError, StorageTimeoutError, UnreachableError
from modos.swift.http.bodies import Room, length_of, pieces_of
from modos.swift.http.exchanges import Request, Response, Way
from modos.swift.http.failures import socket_errors
from modos.swift.http.lanes import Answer, head_of, shared_lanes
from modos.swift.waiting import is_here

__all__ = ["by_thread"]

_PIECE = 256 << 10
_ANSWERED = 5.0
"""Seconds to wait for the answer of who takes no more of a body: it is there already, or there is none."""

_SHORT = 16 << 10
"""Bytes up to which a piece goes with the head of its request, at once."""


async def by_thread(request: Request, way: Way, url: str, note: Callable[[int], object]) -> Response:
    """Make a request in a thread: that which runs this, where there is no event loop, else one of its own.

    When this is cancelled, the connection is broken and the thread has ended.

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
    if is_here():
        return errand.run()
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
        connection = self._connection  # which the errand gives up when it has ended
        if connection is not None and (sock := connection.sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def run(self) -> Response:
        """Ask, and return the answer."""
        lanes = self._request.lanes or shared_lanes
        self._connection = connection = lanes.take(self._way)
        try:
            digest, lost = self._send(connection)
            response, is_free = self._receive(connection, digest, lost)
        except BaseException:
            connection.close()
            raise
        self._connection = None  # no longer ours to break
        if is_free and not self._aborted:
            lanes.keep(self._way, connection)
        else:
            connection.close()
        return response

    def _send(self, connection: http.client.HTTPConnection) -> tuple[str | None, StorageError | None]:
        """Send all, and return the MD5 of the body where that is wanted, and what broke: there may be an answer still."""
        digest = hashlib.md5(usedforsecurity=False) if self._request.checked == "after" else None
        sent = {"Host": self._way.end[1], "Accept-Encoding": "identity", **self._way.headers}
        head = head_of(self._request.method, self._way.target, sent)
        with socket_errors(self._url):
            self._connect(connection)
        for piece in _joined(head, _digested(pieces_of(self._request.body or b"", _PIECE), digest)):
            try:
                with socket_errors(self._url):
                    connection.sock.sendall(piece)
            except (UnreachableError, StorageTimeoutError) as lost:
                connection.sock.settimeout(min(_ANSWERED, self._way.read_timeout))
                return None, lost
        return digest.hexdigest() if digest is not None else None, None

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(self._way.read_timeout)
        if self._aborted:
            raise ConnectionAbortedError

    def _receive(
        self, connection: http.client.HTTPConnection, digest: str | None, lost: StorageError | None
    ) -> tuple[Response, bool]:
        """Return the answer, and whether the connection is good for another request."""
        with closing(Answer(connection.sock, method=self._request.method)) as answer:
            with socket_errors(self._url):
                answer.begin()
            self._note(answer.status)
            response = Response(answer.status, answer.fields, b"", digest)
            if lost is not None and response.succeeded:
                raise lost
            if response.succeeded and self._request.into is not None:
                self._fill(answer, self._request.into)
            elif self._request.is_exceeded(answer.fields):
                return response, False
            else:
                with socket_errors(self._url):
                    body = answer.read(self._request.bound if answer.chunked else None)
                response = replace(response, body=body)
            return response, lost is None and answer.isclosed() and not answer.will_close

    def _fill(self, answer: Answer, room: Room) -> None:
        """Write an answer that must be as long as the room."""
        left = length_of(room)
        if isinstance(room, memoryview):
            left -= self._read_into(answer, room)
        else:
            room.restart()
            buffer = memoryview(bytearray(min(_PIECE, left)))
            while left and (count := self._read_into(answer, buffer[:left])):
                room.write(buffer[:count])
                left -= count
        if left:
            raise IntegrityError(self._url, "the answer was cut short")
        with socket_errors(self._url):
            is_longer = bool(answer.read(1))
        if is_longer:
            raise IntegrityError(self._url, "the answer is longer than what was asked for")

    def _read_into(self, answer: Answer, buffer: memoryview) -> int:
        """Fill a buffer as far as the answer goes, and return how far."""
        filled = 0
        with socket_errors(self._url):
            while filled < len(buffer) and (count := answer.readinto(buffer[filled:])):
                filled += count
        return filled


def _digested(pieces: Iterator[bytes | memoryview], digest: Any) -> Iterator[bytes | memoryview]:  # noqa: ANN401 - hashlib has no type for it
    """Yield pieces, which a digest takes as they pass, if there is one."""
    for piece in pieces:
        if digest is not None:
            digest.update(piece)
        yield piece


def _joined(head: bytes, pieces: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Yield the head of a request and its body; a short one goes along at once, and so wakes the service only once."""
    first = next(pieces, b"")
    if len(first) <= _SHORT:
        yield head + first
    else:
        yield head
        yield first
    yield from pieces
