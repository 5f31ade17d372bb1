"""Connections that carry one request after another for threads, and answers as they come from them.

Owns the pool of such connections of this process and how the beginning of an answer is read. Knows no request's meaning.
"""

import atexit
import http.client
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from modos._lazy import require
from modos.swift.http.exchanges import Way
from modos.swift.transport import Transport

__all__ = ["Answer", "Lanes", "head_of", "shared_lanes"]

_IDLE_SECONDS = 15.0
_SURELY_ALIVE = 1.0
"""Seconds after which it is looked whether the other end has closed a connection."""

_LONGEST_LINE = 1 << 16
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)\b")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(;.*)?\r?\n")
_HTTP_1_1, _SWITCHED, _FINAL = 11, 101, 200
_WITHOUT_BODY = frozenset({204, 304})


class Lanes:
    """Connections that are kept from one request to the next within a `with` block, for any number of threads."""

    def __init__(self) -> None:
        self._idle: dict[object, list[tuple[float, http.client.HTTPConnection]]] = {}
        self._contexts: dict[Transport, ssl.SSLContext] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            for _, connection in self._idle.popitem()[1]:
                connection.close()

    def take(self, way: Way) -> http.client.HTTPConnection:
        """Return a connection that leads there, which may still have to be made."""
        idle = self._idle.get(way.end, [])
        with suppress(IndexError):
            while True:
                since, connection = idle.pop()
                if _is_alive(connection, time.monotonic() - since):
                    return connection
                connection.close()
        scheme, host, transport = way.end
        if scheme != "https":
            return http.client.HTTPConnection(host, timeout=way.connect_timeout)
        return http.client.HTTPSConnection(host, timeout=way.connect_timeout, context=self._context(transport))

    def keep(self, way: Way, connection: http.client.HTTPConnection) -> None:
        """Take a connection back, on which nothing is under way, and close one that nobody has wanted for long."""
        idle, now = self._idle.setdefault(way.end, []), time.monotonic()
        idle.append((now, connection))
        with suppress(IndexError):  # others take some meanwhile
            if now - idle[0][0] > _IDLE_SECONDS:
                idle.pop(0)[1].close()

    def _context(self, transport: Transport) -> ssl.SSLContext:
        if transport not in self._contexts:
            made = transport.ssl()
            self._contexts[transport] = made if isinstance(made, ssl.SSLContext) else ssl.create_default_context()
        return self._contexts[transport]


def _is_alive(connection: http.client.HTTPConnection, idle: float) -> bool:
    """Tell whether a connection is worth using: what can be read from it before anything is asked is its end."""
    if idle < _SURELY_ALIVE:
        return True
    if idle > _IDLE_SECONDS:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


shared_lanes = Lanes()
"""The connections of this process."""

atexit.register(shared_lanes.close)
os.register_at_fork(after_in_child=shared_lanes.close)  # the parent has the same sockets, and keeps them open


def head_of(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    r"""Return the beginning of a request, up to where its body begins.

    Examples
    --------
    >>> head_of("GET", "/v1/lab/omics", {"Host": "localhost"})
    b'GET /v1/lab/omics HTTP/1.1\r\nHost: localhost\r\n\r\n'
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


class Answer(http.client.HTTPResponse):
    """An answer whose headers are read as aiohttp reads them: any number, in UTF-8, and without the parser of e-mail.

    That parser takes as long as all the rest of a small request. Where the connection ends is never taken for where the
    answer ends, unless the answer tells no other end.

    Attributes
    ----------
    fields
        The headers.
    """

    fields: Any

    def __init__(self, sock: socket.socket, *, method: str) -> None:
        super().__init__(sock, method=method)
        self._is_bare = method == "HEAD"

    def begin(self) -> None:
        """Read status and headers, and find out how long the body is."""
        self._read_beginning()
        while self.status < _FINAL and self.status != _SWITCHED:
            self._read_beginning()
        connection = self.fields.get("Connection", "").lower()
        self.chunk_left = None
        self.length, self.chunked = self._extent()
        if self.status in _WITHOUT_BODY or self._is_bare:
            self.length, self.chunked = 0, False
        is_kept = "close" not in connection if self.version == _HTTP_1_1 else "keep-alive" in connection
        self.will_close = not is_kept or (self.length is None and not self.chunked)

    def _extent(self) -> tuple[int | None, bool]:
        """Return how long the body is, as far as that is told, and whether it comes in chunks."""
        lengths, codings = self.fields.getall("Content-Length", ()), self.fields.getall("Transfer-Encoding", ())
        if not lengths and not codings:
            return None, False
        if not codings and len(lengths) == 1 and _LENGTH.fullmatch(lengths[0]):
            return int(lengths[0]), False
        if not lengths and [coding.lower() for coding in codings] == ["chunked"]:
            return None, True
        raise http.client.HTTPException("the answer does not tell how long it is")

    def _read_beginning(self) -> None:
        line = self._line()
        found = _STATUS.match(line)
        if found is None:
            raise http.client.BadStatusLine(repr(line))
        self.version, self.status = 10 + int(found[1]), int(found[2])
        self.fields = require("multidict", extra="swift", purpose="talking to Swift").CIMultiDict()
        while line := self._line().rstrip(b"\r\n"):
            name, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
            if not (name and colon):
                raise http.client.HTTPException("a header has no name")
            self.fields.add(name, value.strip(" \t"))

    def _line(self, cut: type[http.client.HTTPException] = http.client.RemoteDisconnected) -> bytes:
        line: bytes = self.fp.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise http.client.LineTooLong("header")
        if not line.endswith(b"\n"):
            raise cut(line)
        return line

    def _read_next_chunk_size(self) -> int:
        """Read it as it must be: the standard library takes `0`, where a longer number was cut off, for the end."""
        found = _CHUNK.fullmatch(self._line(http.client.IncompleteRead))
        if found is None:
            raise http.client.HTTPException("a chunk does not tell how long it is")
        return int(found[1], 16)

    def _read_and_discard_trailer(self) -> None:
        """Read what follows the last chunk: the standard library also stops where the connection ends."""
        while self._line(http.client.IncompleteRead).rstrip(b"\r\n"):
            pass
