"""`Proxy`: stands in front of one HTTP server, counts what passes, and breaks what it is told to break.

Owns the connections and the record of the requests. Must not know Swift, S3, or who the client is.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from http.client import responses
from typing import Self
from urllib.parse import unquote, urlsplit

from modos.errors import InvalidURLError, ServiceError
from modos.testing._wire import Framing, Head, Stream, is_interim, length_of_answer, length_of_request, pieces, readable
from modos.testing.faults import Fault, Pattern, Plan, Request, is_meant, spoilt

__all__ = ["Fault", "Proxy", "Request"]

_HOST = "127.0.0.1"
_SECONDS_TO_STOP = 5


class Proxy:
    """An HTTP/1.1 proxy in front of one server, for tests that count requests or need faults.

    Everything passes as it was written, the `Host` header too: a signature of S3 stays valid, and Swift's
    authentication answers with a storage URL that leads through the proxy. Bodies are streamed in both directions.

    Parameters
    ----------
    server
        Address of the server: `http://host:port`.
    latency
        Seconds by which every request is delayed, as a network would.
    on_request
        Called with every request before it is sent on; may block, or end a process. `None` is nothing to call.

    Raises
    ------
    InvalidURLError
        When the address is not one of HTTP.

    Examples
    --------
    >>> with SwiftServer() as server, Proxy(server.url) as proxy:  # doctest: +SKIP
    ...     proxy.inject(Fault(method="PUT", status=503, times=2))
    ...     work(storage_url=proxy.through(server.storage_url), token=server.token())
    ...     assert proxy.count(method="PUT") == 3
    """

    def __init__(
        self, server: str, *, latency: float = 0.0, on_request: Callable[[Request], None] | None = None
    ) -> None:
        parts = urlsplit(server)
        if parts.scheme != "http" or not parts.hostname:
            raise InvalidURLError(server, "is not the address of an HTTP server")
        self.server = f"http://{parts.netloc}"
        self.latency = latency
        self.on_request = on_request
        self._address = (parts.hostname, parts.port or 80)
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._threads: dict[threading.Thread, _Connection] = {}
        self._acceptor = threading.Thread()
        self._lock = threading.Lock()
        self._exchanges: list[_Exchange] = []
        self._plan = Plan()

    def __repr__(self) -> str:
        return f"<Proxy {self.url if self._listener else 'stopped'} of {self.server}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen on a port that the system chooses; does nothing when it listens already."""
        if self._listener is None:
            self._stopping.clear()
            self._listener = socket.create_server((_HOST, 0), backlog=1024)
            self._acceptor = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
            self._acceptor.start()
        return self

    def stop(self) -> None:
        """Break every connection and end; the record of the requests stays."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._stopping.set()
        socket.create_connection(listener.getsockname()).close()  # wakes the thread that accepts
        self._acceptor.join(_SECONDS_TO_STOP)
        listener.close()
        with self._lock:
            threads = dict(self._threads)
        for connection in threads.values():
            connection.wake()
        for thread in threads:
            thread.join(_SECONDS_TO_STOP)

    @property
    def url(self) -> str:
        """Address of the proxy, to be used in place of the server's."""
        if self._listener is None:
            raise ServiceError(type(self).__name__, "is not started")
        return f"http://{_HOST}:{self._listener.getsockname()[1]}"

    def through(self, url: str) -> str:
        """Return an address of the server as it is through the proxy."""
        return self.url + url.removeprefix(self.server)

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order in which they came."""
        with self._lock:
            return [exchange.request for exchange in self._exchanges]

    def count(self, *, method: str | None = None, path: Pattern = None, status: int | None = None) -> int:
        """Return how many requests there were so far.

        Parameters
        ----------
        method
            Only those of a method. `None` is any.
        path
            Only those whose path contains a text, or in which a regular expression is found. `None` is any.
        status
            Only those that were answered so. `None` is any.
        """
        return sum(is_meant(request, method, path) and status in (None, request.status) for request in self.requests)

    def clear(self) -> None:
        """Forget the requests so far; faults stay."""
        with self._lock:
            self._exchanges.clear()

    def inject(self, *faults: Fault) -> None:
        """Let requests fail from now on; of several faults that are due, the one that was injected first strikes."""
        with self._lock:
            self._plan.add(*faults)

    def heal(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._plan.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _address = listener.accept()
            if self._stopping.is_set():
                client.close()
                return
            connection = _Connection(self, Stream(client))
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._threads[thread] = connection
            thread.start()

    def _serve(self, connection: "_Connection") -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._threads.pop(threading.current_thread(), None)

    def _meet(self, exchange: "_Exchange") -> Fault:
        """Record a request, wait as long as it is to be delayed, and return its fault."""
        with self._lock:
            self._exchanges.append(exchange)
            fault = self._plan.next_for(exchange.request)
        if self.on_request is not None:
            self.on_request(exchange.request)
        if pause := self.latency + fault.delay:
            self._stopping.wait(pause)
        return fault

    def _connect(self) -> Stream:
        return Stream(socket.create_connection(self._address))


class _Exchange:
    """A request that is under way; its record is a value that is replaced as it goes on."""

    def __init__(self, head: Head) -> None:
        method, target, _version = head.words
        path, _, query = target.partition("?")
        self.head = head
        self.request = Request(method=method, path=unquote(path), query=query, headers=head.headers)
        self.is_last = False
        self.is_to_be_spoilt = False

    @property
    def length(self) -> Framing:
        """Length of the body of the request."""
        return length_of_request(self.head)

    @property
    def waits_to_continue(self) -> bool:
        """Whether the client sends the body only when it is asked to."""
        return self.request.headers.get("expect", "").lower() == "100-continue"

    def sent(self, size: int) -> None:
        """Count bytes of the body of the request."""
        self.request = replace(self.request, bytes_sent=self.request.bytes_sent + size)

    def received(self, size: int) -> None:
        """Count bytes of the body of the answer."""
        self.request = replace(self.request, bytes_received=self.request.bytes_received + size)

    def answered(self, status: int) -> None:
        """Note the status that the client is given."""
        self.request = replace(self.request, status=status)


class _Connection:
    """A connection of a client, and one to the server that lives as long.

    Whichever end is closed, the other is closed too: client and server see of each other what they would see without
    the proxy.
    """

    def __init__(self, proxy: Proxy, client: Stream) -> None:
        self._proxy = proxy
        self._client = client
        self._server: Stream | None = None

    def run(self) -> None:
        """Pass on requests until one end has enough."""
        try:
            while self._is_asked() and self._exchange():
                pass
        except OSError:
            pass  # an end is gone; so is the other now
        finally:
            self._client.sock.close()
            self._leave_server()

    def wake(self) -> None:
        """End whatever is being waited for."""
        for stream in (self._client, self._server):
            if stream is not None:
                stream.wake()

    def _is_asked(self) -> bool:
        if self._client.has_more:
            return True
        ready = readable(self._client, *([self._server] if self._server else []))
        if self._server in ready:  # it has nothing to say now: it has closed the connection
            self._leave_server()
        return self._client in ready

    def _exchange(self) -> bool:
        """Pass one request on and its answer back; return whether another may follow."""
        head = Head.read(self._client)
        if head is None:
            return False
        exchange = _Exchange(head)
        fault = self._proxy._meet(exchange)  # noqa: SLF001 - two halves of one thing
        exchange.is_to_be_spoilt = fault.corrupt_request
        if fault.replaces_answer:
            return self._replace(exchange, fault)
        return self._deliver(*self._ask(exchange), exchange, fault)

    def _ask(self, exchange: _Exchange) -> tuple[Head, Stream]:
        """Let the server carry a request out, and return the head of its answer and where the body comes from."""
        if self._server is None:
            self._server = self._proxy._connect()  # noqa: SLF001 - two halves of one thing
        server = self._server
        server.send(exchange.head.raw)
        answer = self._refusal(server) if exchange.waits_to_continue else None
        if answer is not None or not self._upload(exchange, server):
            exchange.is_last = True
        return answer or self._next_answer(server), server

    def _refusal(self, server: Stream) -> Head | None:
        """Return the answer of a server that does not want the body; else tell the client to send it."""
        if self._client.has_more or server not in readable(self._client, server):
            return None  # the client has waited long enough
        answer = _read_answer(server)
        if not is_interim(answer):
            return answer
        self._client.send(answer.raw)
        return None

    def _upload(self, exchange: _Exchange, server: Stream | None) -> bool:
        """Read the body of a request to its end, so that the client listens; return whether the server took it all."""
        taken = server is not None
        for piece, is_content in pieces(self._client, exchange.length):
            if is_content:
                exchange.sent(len(piece))
            if server is not None and taken:
                given = piece
                if is_content and exchange.is_to_be_spoilt:
                    given, exchange.is_to_be_spoilt = spoilt(piece), False
                try:
                    server.send(given)
                except OSError:
                    taken = False
        return taken

    def _next_answer(self, server: Stream) -> Head:
        while is_interim(answer := _read_answer(server)):
            self._client.send(answer.raw)
        return answer

    def _deliver(self, answer: Head, server: Stream, exchange: _Exchange, fault: Fault) -> bool:
        length = length_of_answer(answer, exchange.request.method)
        exchange.answered(answer.status)
        self._client.send(answer.with_headers(fault.headers).raw)
        for piece, is_content in fault.spoil(pieces(server, length)):
            if is_content:
                exchange.received(len(piece))
            self._client.send(piece)
        is_cut = fault.cut_after is not None or length == "until closed"
        return not (is_cut or exchange.is_last or answer.closes or exchange.head.closes)

    def _replace(self, exchange: _Exchange, fault: Fault) -> bool:
        """Do not give the client the answer of the server, if there is one."""
        if fault.forward:
            answer, server = self._ask(exchange)
            for _unwanted in pieces(server, length_of_answer(answer, exchange.request.method)):
                pass
            self._leave_server()
        elif not (fault.reset or exchange.waits_to_continue):
            self._upload(exchange, None)
        if fault.reset:
            self._client.reset()
            return False
        if fault.hold or fault.status is None:
            readable(self._client)  # until it gives up
            return False
        head = Head(f"HTTP/1.1 {fault.status} {responses.get(fault.status, '')}\r\n".encode(), ())
        exchange.answered(fault.status)
        self._client.send(head.with_headers({"Content-Length": "0", **fault.headers}).raw)
        return not (exchange.waits_to_continue or exchange.head.closes)

    def _leave_server(self) -> None:
        if self._server is not None:
            self._server.sock.close()
            self._server = None


def _read_answer(server: Stream) -> Head:
    answer = Head.read(server)
    if answer is None:
        message = "the server closed the connection without an answer"
        raise ConnectionError(message)
    return answer
