"""HTTP/1.1 as it goes over a socket: heads kept as they were written, bodies in pieces.

Owns framing (content lengths, chunks, answers without a body). Must not know proxies, faults or who is at either end.
"""

import select
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPMethod, HTTPStatus
from typing import Literal, Self

type Framing = int | Literal["chunked", "until closed"]
"""How long a body is: so many bytes, in chunks, or as long as the connection lasts."""

_PIECE = 256 * 1024
_LONGEST_LINE = 64 * 1024


class Stream:
    """A socket that is read by lines and pieces.

    Parameters
    ----------
    sock
        A connected socket, which the stream closes.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._ahead = b""

    @property
    def has_more(self) -> bool:
        """Whether something was read from the socket that nobody has asked for yet."""
        return bool(self._ahead)

    def line(self) -> bytes:
        """Return the next line with its end; nothing at the end of the stream."""
        while (end := self._ahead.find(b"\n") + 1) == 0:
            more = self.sock.recv(_PIECE)
            if not more or len(self._ahead) > _LONGEST_LINE:
                end = len(self._ahead)
                break
            self._ahead += more
        line, self._ahead = self._ahead[:end], self._ahead[end:]
        return line

    def some(self, limit: int = _PIECE) -> bytes:
        """Return at least one byte and at most `limit`; nothing at the end of the stream."""
        if not self._ahead:
            return self.sock.recv(min(limit, _PIECE))
        piece, self._ahead = self._ahead[:limit], self._ahead[limit:]
        return piece

    def send(self, data: bytes) -> None:
        """Write all of the data."""
        self.sock.sendall(data)

    def wake(self) -> None:
        """End what another thread waits for on this socket."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    def reset(self) -> None:
        """Close the socket in such a way that the other end gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass(frozen=True)
class Head:
    """The first line of a message and its header lines, as they were written; what they say is found out once."""

    first: bytes
    lines: tuple[bytes, ...]

    @classmethod
    def read(cls, stream: Stream) -> Self | None:
        """Read a head; `None` when the stream ends before it.

        Raises
        ------
        ConnectionError
            When the stream ends within it.
        """
        first = stream.line()
        if not first:
            return None
        lines = []
        while (line := stream.line()) not in (b"\r\n", b"\n"):
            if not line.endswith(b"\n"):
                message = "the connection was closed within a head"
                raise ConnectionError(message)
            lines.append(line)
        return cls(first, tuple(lines))

    @property
    def raw(self) -> bytes:
        """The head as it was read, with the empty line after it."""
        return b"".join((self.first, *self.lines, b"\r\n"))

    @cached_property
    def words(self) -> list[str]:
        """The three parts of the first line."""
        return self.first.decode("latin-1").rstrip("\r\n").split(" ", 2)

    @cached_property
    def status(self) -> int:
        """The status, if this is the head of an answer."""
        return int(self.words[1])

    @cached_property
    def headers(self) -> dict[str, str]:
        """Header values by name in lower case; of a repeated one, the last."""
        pairs = (line.decode("latin-1").partition(":") for line in self.lines)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this message."""
        connection = self.headers.get("connection", "").lower()
        return "close" in connection or (b"HTTP/1.0" in self.first and "keep-alive" not in connection)

    def with_headers(self, headers: Mapping[str, str]) -> "Head":
        """Return a head that has these headers instead of its own of the same names."""
        if not headers:
            return self
        replaced = {name.lower() for name in headers}
        kept = [line for line in self.lines if line.decode("latin-1").partition(":")[0].strip().lower() not in replaced]
        return Head(self.first, (*kept, *(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items())))


def length_of_request(head: Head) -> Framing:
    """Return how long the body of a request is."""
    headers = head.headers
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return "chunked"
    return int(headers.get("content-length") or 0)


def length_of_answer(head: Head, method: str) -> Framing:
    """Return how long the body of the answer to a request is."""
    if method == HTTPMethod.HEAD or head.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) or is_interim(head):
        return 0
    headers = head.headers
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return "chunked"
    return int(headers["content-length"]) if "content-length" in headers else "until closed"


def is_interim(head: Head) -> bool:
    """Tell whether another answer follows, as one does after `100 Continue`."""
    return head.status < HTTPStatus.OK


def pieces(stream: Stream, length: Framing) -> Iterator[tuple[bytes, bool]]:
    """Yield a body piece by piece, each with whether it is content (rather than what surrounds chunks).

    Raises
    ------
    ConnectionError
        When the stream ends within the body.
    """
    match length:
        case int():
            yield from ((piece, True) for piece in _exactly(stream, length))
        case "until closed":
            while piece := stream.some():
                yield piece, True
        case "chunked":
            yield from _chunks(stream)


def _chunks(stream: Stream) -> Iterator[tuple[bytes, bool]]:
    while True:
        line = stream.line()
        if not line.endswith(b"\n"):
            message = "the connection was closed between two chunks"
            raise ConnectionError(message)
        yield line, False
        size = int(line.partition(b";")[0], 16)
        if not size:
            break
        yield from ((piece, True) for piece in _exactly(stream, size))
        yield stream.line(), False
    while (trailer := stream.line()).strip():
        yield trailer, False
    yield trailer, False


def _exactly(stream: Stream, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.some(size)
        if not piece:
            message = "the connection was closed within a body"
            raise ConnectionError(message)
        size -= len(piece)
        yield piece


def readable(*streams: Stream, timeout: float | None = None) -> list[Stream]:
    """Wait until some of the streams have something to read, or have ended, and return those.

    Parameters
    ----------
    streams
        Which to wait for.
    timeout
        Seconds to wait at most. `None` waits for ever.
    """
    poll = select.poll()  # not `select.select`, which knows no file descriptor over 1,023
    for stream in streams:
        poll.register(stream.sock, select.POLLIN)
    ready = {descriptor for descriptor, _event in poll.poll(None if timeout is None else timeout * 1000)}
    return [stream for stream in streams if stream.sock.fileno() in ready]
