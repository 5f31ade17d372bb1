"""Calls that are made in the thread that wants them, past the event loop."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest

from modos.errors import (
    IntegrityError,
    InvalidInputError,
    InvalidURLError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    UnreachableError,
)
from modos.storage import SwiftStorage
from modos.storage.spans import FileSpan
from modos.swift import SwiftFileSystem
from modos.swift.http import lanes
from modos.swift.http.bulk import _Errand
from modos.swift.http.exchanges import Request, Way
from modos.swift.objects import segments
from modos.swift.transport import Transport
from modos.swift.waiting import LoopNeededError, here, is_here, pause

ACCOUNT = "/v1/lab"
WAYS = pytest.mark.parametrize("way", ["here", "run"], ids=["in place", "on a loop"])


class Canned:
    """A server that answers each request with the same bytes, and remembers what it was asked, and on which connection.

    It closes a connection after an answer, or holds it and takes nothing more, where that is wanted.
    """

    def __init__(self, answer: bytes, *, closes: bool = False, holds: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.holds = holds
        self._closed = threading.Event()
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
                if self.holds:
                    self._closed.wait()
                if self.closes:
                    return

    def close(self) -> None:
        self._closed.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def serve() -> Iterator:
    started = []

    def made(
        *lines: bytes, body: bytes = b"", raw: bytes | None = None, options: dict[str, Any] | None = None, **how: bool
    ) -> tuple[Canned, SwiftFileSystem]:
        length = b"Content-Length: %d" % len(body)
        whole = b"\r\n".join((b"HTTP/1.1 200 OK", *lines, length, b"", body))
        server = Canned(whole if raw is None else raw, **how)
        started.append(server)
        given = {"storage_url": server.storage_url, "token": "t", "attempts": 1, "skip_instance_cache": True}
        return server, SwiftFileSystem(**given, **(options or {}))

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


@WAYS
@pytest.mark.parametrize(
    "content_type", ["a/b\r\nX-Other: 1", "a/b\nX-Other: 1", "a/b\rX-Other: 1", "a\0/b", "a/\udc80"]
)
def test_a_header_cannot_begin_another(serve, way, content_type):
    """What would end the line of a header, or stands in none, is refused before anything is sent; so is such a token."""
    server, fs = serve()
    with pytest.raises(InvalidInputError, match="line break"):
        getattr(fs, way)(fs._pipe_file, "omics/demo", b"", content_type=content_type)
    with pytest.raises(ValueError, match="line break"):
        SwiftFileSystem(storage_url=server.storage_url, token=content_type, skip_instance_cache=True)
    assert not [each for each in server.asked if each[1].startswith(b"PUT ")]


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


# -- where an answer ends -----------------------------------------------------------------------------------------------


async def into_buffer(fs: SwiftFileSystem) -> bytes:
    buffer = bytearray(4)
    await fs.client.read_into("omics/demo", memoryview(buffer), start=0)
    return bytes(buffer)


async def into_file(fs: SwiftFileSystem) -> bytes:
    file = BytesIO()
    await fs.client.read_into("omics/demo", FileSpan(file, 0, 4), start=0)
    return file.getvalue()


async def size_of(fs: SwiftFileSystem) -> int:
    return (await fs._info("omics/demo"))["size"]


async def size_read(fs: SwiftFileSystem) -> int:
    return (await fs.objects.fetch("omics/demo"))[1]["size"]


CALLS = {
    "whole": lambda fs: fs.objects.read("omics/demo"),
    "range": lambda fs: fs.objects.read("omics/demo", 0, 4),
    "buffer": into_buffer,
    "file": into_file,
    "head": size_of,
    "size": size_read,
    "list": lambda fs: fs._list_page("omics"),
    "delete": lambda fs: fs.client.delete("omics/demo"),
    "of 4": lambda fs: fs.objects.fetch_whole("omics/demo", 4),
    "of 3": lambda fs: fs.objects.fetch_whole("omics/demo", 3),
}


def outcome(fs: SwiftFileSystem, way: str, call: str) -> Any:
    """What a call returns, or the class of its error."""
    lanes.shared_lanes.close()

    async def called():
        return await CALLS[call](fs)

    try:
        return getattr(fs, way)(called)
    except StorageError as error:
        return type(error)


HEADS = {
    "200": b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\n",
    "206": b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/4\r\nContent-Length: 4\r\n\r\n",
    "204": b"HTTP/1.1 204 No Content\r\nX-Trans-Id: tx\r\n\r\n",
    "404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@WAYS
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("call", ["whole", "range", "buffer", "file", "head", "list", "delete"])
def test_an_answer_cut_off_in_its_headers_is_none(serve, way, call, head):
    """Wherever that is, up to the last byte: neither an empty object nor a missing one, and nothing that was done."""
    server, fs = serve(closes=True)
    ends = [0, 1, head.index(b"\r\n") + 1, head.index(b"\r\n") + 2, *range(len(head) - 7, len(head))]
    for end in ends:
        server.answer = head[:end]
        assert outcome(fs, way, call) is UnreachableError, server.answer


@WAYS
@pytest.mark.parametrize("call", ["whole", "range", "buffer", "file", "list", "delete"])
@pytest.mark.parametrize(
    ("head", "body"),
    [
        (HEADS["200"], b"ACGT"),
        (HEADS["206"], b"ACGT"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0004\r\nACGT\r\n000\r\nX-Sum: 1\r\n\r\n"),
    ],
    ids=["200", "206", "chunked"],
)
def test_an_answer_cut_off_in_its_body_is_damaged(serve, way, call, head, body):
    """Wherever that is: in the bytes, in the length of a chunk, in what stands behind the last of them."""
    server, fs = serve(closes=True)
    for end in range(len(body)):
        server.answer = head + body[:end]
        assert outcome(fs, way, call) is IntegrityError, server.answer


def _answer(*lines: bytes, status: bytes = b"200 OK", body: bytes = b"ACGT") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *lines, b"", body))


MD5 = b"f1f8f4bf413b16ad135722aa4591043e"
LENGTH, CHUNKED, PART = b"Content-Length: 4", b"Transfer-Encoding: chunked", b"206 Partial Content"
OK = _answer(LENGTH)
IN_CHUNKS = b"4\r\nACGT\r\n0\r\n\r\n"
TOLD = {
    "no end": (_answer(), "whole", IntegrityError),
    "no end, of HTTP 1.0": (OK.replace(b"1.1", b"1.0").replace(LENGTH, b"X-Y: Z"), "whole", IntegrityError),
    "no end of a range": (_answer(b"Content-Range: bytes 0-3/8", status=PART), "range", IntegrityError),
    "no end of a listing": (_answer(body=b""), "list", IntegrityError),
    "no length": (_answer(body=b""), "head", IntegrityError),
    "a length in chunks": (_answer(CHUNKED, body=b""), "head", IntegrityError),
    "chunks": (_answer(CHUNKED, body=IN_CHUNKS), "whole", b"ACGT"),
    "chunks that are counted": (_answer(CHUNKED, body=IN_CHUNKS), "size", 4),
    "more chunks than were wanted": (_answer(CHUNKED, body=IN_CHUNKS), "of 3", IntegrityError),
    "lengths that differ": (_answer(LENGTH, b"Content-Length: 2"), "whole", ServiceError),
    "lengths in a list": (_answer(b"Content-Length: 4, 4"), "whole", ServiceError),
    "a length with a sign": (_answer(b"Content-Length: +4"), "whole", ServiceError),
    "a length below nothing": (_answer(b"Content-Length: -4"), "head", ServiceError),
    "an empty length": (_answer(b"Content-Length:"), "of 4", ServiceError),
    "a length in words": (_answer(b"Content-Length: four"), "of 4", ServiceError),
    "a length beyond all": (_answer(b"Content-Length: " + b"9" * 24), "whole", ServiceError),
    "a length and chunks": (_answer(LENGTH, CHUNKED, body=IN_CHUNKS), "whole", ServiceError),
    "a chunk in words": (_answer(CHUNKED, body=b"zz\r\nACGT\r\n0\r\n\r\n"), "whole", ServiceError),
    "a chunk below nothing": (_answer(CHUNKED, body=b"-4\r\nACGT\r\n0\r\n\r\n"), "whole", ServiceError),
    "a chunk as in Python": (_answer(CHUNKED, body=b"0x4\r\nACGT\r\n0\r\n\r\n"), "whole", ServiceError),
    "a chunk with a note": (_answer(CHUNKED, body=b"4;a=b\r\nACGT\r\n0\r\n\r\n"), "whole", b"ACGT"),
    "a header with no colon": (_answer(LENGTH, b"nonsense"), "whole", ServiceError),
    "a header with no name": (_answer(LENGTH, b": x"), "whole", ServiceError),
    "other bytes": (_answer(LENGTH, b"Content-Range: bytes 4-7/8", status=PART), "range", IntegrityError),
    "fewer bytes": (_answer(LENGTH, b"Content-Range: bytes 0-2/8", status=PART), "range", IntegrityError),
    "a range of unknown": (_answer(LENGTH, b"Content-Range: bytes 0-3/*", status=PART), "range", IntegrityError),
    "a range in words": (_answer(LENGTH, b"Content-Range: all", status=PART), "range", IntegrityError),
    "no range": (_answer(LENGTH, status=PART), "range", IntegrityError),
    "a range nobody wanted": (_answer(LENGTH, b"Content-Range: bytes 0-3/8", status=PART), "whole", IntegrityError),
    "the range": (_answer(LENGTH, b"Content-Range: bytes 0-3/8", status=PART), "range", b"ACGT"),
    "the whole for a range": (_answer(LENGTH), "range", b"ACGT"),
    "the whole into a buffer": (_answer(LENGTH, b"Etag: " + MD5), "buffer", b"ACGT"),
    "the whole damaged, into a buffer": (_answer(LENGTH, b"Etag: " + b"0" * 32), "buffer", IntegrityError),
    "the whole into a file": (_answer(LENGTH, b"Etag: " + MD5), "file", b"ACGT"),
    "the whole damaged, into a file": (_answer(LENGTH, b"Etag: " + b"0" * 32), "file", IntegrityError),
    "more than a file takes": (_answer(b"Content-Length: 5", body=b"ACGTT"), "file", IntegrityError),
    "less than a file takes": (_answer(b"Content-Length: 3", body=b"ACG"), "file", IntegrityError),
    "a time in words": (_answer(LENGTH, b"X-Timestamp: noon"), "size", ServiceError),
    "a time beyond all": (_answer(LENGTH, b"X-Timestamp: 9e99", body=b""), "head", ServiceError),
    "a date in words": (_answer(LENGTH, b"Last-Modified: noon", body=b""), "head", ServiceError),
    "a listing of something else": (OK, "list", IntegrityError),
    "done, without a body": (_answer(CHUNKED, status=b"204 No Content", body=b""), "delete", None),
    "as before, in chunks": (_answer(CHUNKED, status=b"304 Not Modified", body=b""), "whole", ServiceError),
    "early hints": (_answer(b"Link: x", status=b"103 Early Hints", body=OK), "whole", b"ACGT"),
    "work under way": (_answer(status=b"102 Processing", body=OK), "whole", b"ACGT"),
    "another protocol": (_answer(b"Upgrade: x", status=b"101 Switching Protocols", body=OK), "whole", ServiceError),
}


@WAYS
@pytest.mark.parametrize(("answer", "call", "expected"), TOLD.values(), ids=TOLD)
def test_what_an_answer_says_is_taken_alike(serve, way, answer, call, expected):
    """With an event loop and without: what does not tell its end, or tells two of them, is no answer."""
    server, fs = serve(raw=answer, closes=not answer.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304")))
    found = outcome(fs, way, call)
    assert found == expected
    assert len(server.asked) == 1


@WAYS
def test_an_answer_that_comes_before_the_body_is_heard(serve, way):
    """Who refuses a body at its beginning, and reads no more of it, is not sent it again."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    server, fs = serve(raw=refusal, holds=True, options={"read_timeout": 0.3})
    with pytest.raises(ServiceError, match="larger than the service accepts"):
        getattr(fs, way)(fs.client.put, "omics/demo", bytes(32 << 20))
    assert len(server.asked) == 1


@WAYS
@pytest.mark.parametrize(
    "host", ["127.0.0.1:abc", "a..b", "a" * 70 + ".org", "[::1", "ex ample", "me:hush@127.0.0.1:9", ""]
)
def test_a_host_that_cannot_be_is_a_mistake(way, host):
    """It is told as such, whoever is asked, and a password in it is not."""
    fs = SwiftFileSystem(storage_url=f"http://{host}{ACCOUNT}", token="t", attempts=1, skip_instance_cache=True)
    with pytest.raises(InvalidURLError, match="no address of an object store") as caught:
        getattr(fs, way)(fs._cat_file, "omics/demo")
    assert "hush" not in str(caught.value)


# -- many at once -------------------------------------------------------------------------------------------------------


def _way_to(server: Canned) -> Way:
    address = f"{server.storage_url}/omics/demo"
    return Way(address=address, headers={}, transport=Transport(), proxy=None, connect_timeout=5, read_timeout=5)


def test_what_is_broken_at_its_end_is_not_used_again(serve):
    """Who cancels may come when all is done: that is no error, and the connection is closed."""
    server, _ = serve()
    with lanes.Lanes() as own:
        errand = _Errand(Request("GET", "omics/demo", lanes=own), _way_to(server), "url", lambda _: errand.abort())
        assert errand.run().status == 200
        assert not own._idle


def test_breaking_what_has_just_ended_breaks_nothing(serve):
    """The errand gives its connection up in another thread than the one that breaks it."""
    server, _ = serve()
    connections = [http.client.HTTPConnection("127.0.0.1")]

    class Ending(_Errand):
        @property
        def _connection(self):
            return connections.pop() if connections else None

        @_connection.setter
        def _connection(self, value):
            pass

    Ending(Request("GET", "omics/demo"), _way_to(server), "url", print).abort()
    assert not connections


def test_what_can_go_side_by_side_asks_for_a_loop(serve):
    """Several objects that are removed, or segments that are sent, do not go one by one; nothing is done before."""
    server, fs = serve(options={"segment_size": 4})
    for call in (fs._discard(["omics/a", "omics/b"]), fs._pipe_file("omics/a", b"ACGTACGT")):
        with pytest.raises(LoopNeededError):
            here(call)
    assert not server.asked


def test_who_waited_for_nothing_asks_beside_the_others(serve, monkeypatch):
    """Threads that begin at the same time ask once for segments; where that fails, they do not wait for each other again."""
    server, fs = serve(raw=b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    waiting, together = threading.Semaphore(0), threading.Barrier(3)

    class Watched(threading.Event):
        def wait(self, timeout=None):
            waiting.release()
            return super().wait(timeout)

    monkeypatch.setattr(segments, "Event", Watched)
    page = fs.lister.page

    async def held(*args, **kw):
        if asking := [*server.asked]:
            together.wait(10)
        else:
            assert all(waiting.acquire(timeout=10) for _ in range(3)), asking
        return await page(*args, **kw)

    monkeypatch.setattr(fs.lister, "page", held)
    with ThreadPoolExecutor(4) as pool:
        puts = [pool.submit(fs.pipe_file, f"omics/{name}", b"x") for name in "abcd"]
        assert [type(put.exception()) for put in puts] == [ServiceUnavailableError] * 4
    assert len(server.asked) == 4
    assert not segments.Segments._asking
