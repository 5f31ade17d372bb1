"""Calls that are made in the thread that wants them, past the event loop."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from modos.errors import IntegrityError, UnreachableError
from modos.storage import SwiftStorage
from modos.swift import SwiftFileSystem
from modos.swift.http import lanes
from modos.swift.waiting import here, is_here, pause

ACCOUNT = "/v1/lab"


class Canned:
    """A server that answers each request with the same bytes, and remembers what it was asked, and on which connection."""

    def __init__(self, answer: bytes, *, closes: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.asked: list[tuple[int, bytes]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.storage_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}{ACCOUNT}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self._attend, args=(connection, number), daemon=True).start()

    def _attend(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(ConnectionError):  # whoever does not want the answer leaves
            while head := connection.recv(1 << 16):
                self.asked.append((number, head))
                connection.sendall(self.answer)
                if self.closes:
                    return

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def serve() -> Iterator:
    started = []

    def made(*lines: bytes, body: bytes = b"", **how: bool) -> tuple[Canned, SwiftFileSystem]:
        length = b"Content-Length: %d" % len(body)
        server = Canned(b"\r\n".join((b"HTTP/1.1 200 OK", *lines, length, b"", body)), **how)
        started.append(server)
        fs = SwiftFileSystem(storage_url=server.storage_url, token="t", attempts=1, skip_instance_cache=True)
        return server, fs

    yield made
    lanes.shared_lanes.close()
    for server in started:
        server.close()


def test_what_is_asked_once_or_in_turn_needs_no_event_loop(connect, monkeypatch):
    """Reading, writing, looking, listing by page and removing are done in the thread that calls."""
    fs = connect()
    fs.pipe_file("omics/before", b"1")

    def refuse(*_, **__):
        pytest.fail("an event loop was asked")

    monkeypatch.setattr("modos.swift.blocking.sync", refuse)
    fs.pipe_file("omics/demo", b"ACGT")
    assert fs.cat_file("omics/demo", 1, 3) == b"CG"
    assert fs.info("omics/demo")["size"] == 4
    assert [each["name"] for each in fs.list_page("omics")[0]] == ["omics/before", "omics/demo"]
    fs.discard(["omics/demo"])
    assert not fs.isfile("omics/demo")


def test_one_connection_after_the_other_is_used_again(serve):
    """Calls of one thread share a connection; those of several threads do not wait for each other."""
    server, fs = serve(body=b"ACGT")
    for _ in range(5):
        assert fs.cat_file("omics/demo") == b"ACGT"
    assert {number for number, _ in server.asked} == {1}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fs.cat_file, ["omics/demo"] * 40)) == [b"ACGT"] * 40
    assert len({number for number, _ in server.asked}) <= 4


def test_a_connection_that_was_closed_meanwhile_is_not_used(serve, monkeypatch):
    """The other end may close what is idle: with one attempt only, nothing is lost."""
    monkeypatch.setattr(lanes, "_SURELY_ALIVE", 0.0)
    server, fs = serve(body=b"ACGT", closes=True)
    for number in range(1, 4):
        assert fs.cat_file("omics/demo") == b"ACGT"
        deadline = time.monotonic() + 5
        ((_, connection),) = lanes.shared_lanes._idle[(*_end_of(server), fs.client.transport)]
        while lanes._is_alive(connection, 0.5) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.asked[-1][0] == number


def _end_of(server: Canned) -> tuple[str, str]:
    return "http", server.storage_url.removeprefix("http://").partition("/")[0]


def test_metadata_comes_whole(serve):
    """More than a hundred headers, and such as are not in ASCII, are read as on an event loop."""
    lines = [b"X-Object-Meta-N%d: %d" % (number, number) for number in range(150)]
    _, fs = serve(*lines, "X-Object-Meta-Lab: Genève".encode(), b"X-Object-Meta-Empty:", body=b"")
    told = fs.info("omics/demo")["metadata"]
    assert told == {f"n{number}": str(number) for number in range(150)} | {"lab": "Genève", "empty": ""}


def test_a_header_cannot_begin_another(connect):
    """What would end the line of a header is refused before anything is sent."""
    with pytest.raises(ValueError, match="line break"):
        lanes.head_of("GET", "/", {"X-Auth-Token": "t\r\nX-Other: 1"})
    with pytest.raises(ValueError, match="line break"):
        connect(token="t\nX-Other: 1").cat_file("omics/demo")


@pytest.mark.parametrize("line", [b"", b"nonsense\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 2\r\n"])
def test_what_does_not_begin_as_an_answer_does_is_an_error(line):
    """It is never taken for an answer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(line)
        theirs.close()
        answer = lanes.Answer(ours, method="GET")
        with pytest.raises((http.client.BadStatusLine, http.client.RemoteDisconnected)):
            answer.begin()
        answer.close()


@pytest.mark.parametrize(
    ("beginning", "body", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nACGT\r\n0\r\n\r\n", b"ACGT", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nACGT", b"ACGT", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nACGT", b"ACGT", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nACGT", b"ACGT", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nACGT", b"ACGT", False),
        (b"HTTP/1.1 200 OK\r\n\r\nACGT", b"ACGT", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", False),
    ],
)
def test_every_form_of_an_answer_is_read_to_its_end(beginning, body, closes):
    """In chunks, after an interim answer, up to where the connection ends; and it is known whether that may go on."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(beginning)
        theirs.close()
        answer = lanes.Answer(ours, method="GET")
        answer.begin()
        assert (answer.read(), answer.will_close) == (body, closes)
        answer.close()


def test_of_a_file_that_has_grown_nothing_is_read(serve):
    """It is seen by its length alone, asked for once, and its bytes are left where they are."""
    server, fs = serve(body=bytes(1 << 20))
    body, info = fs.here(fs.objects.fetch_whole, "omics/demo", 4)
    assert (body, info["size"]) == (b"", 1 << 20)
    assert fs.run(fs.objects.fetch_whole, "omics/demo", 4)[0] == b""
    assert len(server.asked) == 2


def test_bytes_of_another_object_are_an_error(serve):
    """What is asked for without a range is compared with the MD5 that came along."""
    _, fs = serve(b"Etag: " + b"0" * 32, body=b"ACGT")
    with pytest.raises(IntegrityError):
        fs.here(fs.objects.fetch_whole, "omics/demo", 4)


def test_a_short_body_goes_with_its_head(serve):
    """In one piece, so that the service is woken once."""
    server, fs = serve(b"Etag: f1f8f4bf413b16ad135722aa4591043e")
    SwiftStorage("swift://omics", storage_url=server.storage_url, token="t").put(b"ACGT", "demo")
    ((_, sent),) = [each for each in server.asked if each[1].startswith(b"PUT ")]
    assert sent.endswith(b"\r\n\r\nACGT")
    del fs


def test_the_thread_is_itself_again_afterwards():
    """Whether a coroutine ends or fails, what comes next is run as if it had not been."""

    async def fail():
        assert is_here()
        await pause(0)
        message = "nothing"
        raise ValueError(message)

    with pytest.raises(ValueError, match="nothing"):
        here(fail())
    assert not is_here()


def test_nobody_there_is_told_as_such():
    """A connection that is refused is no connection that was lost."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}{ACCOUNT}"
    fs = SwiftFileSystem(storage_url=address, token="t", attempts=1, skip_instance_cache=True)
    with pytest.raises(UnreachableError) as caught:
        fs.cat_file("omics/demo")
    assert "lost" not in str(caught.value)
