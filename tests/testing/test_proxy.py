"""Proxy: passes everything as it was written, counts what passes, and breaks only what it is told to break."""

import hashlib
import http.client
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from urllib.parse import urlsplit

import pytest

from modos.errors import InvalidURLError, ServiceError
from modos.testing import Fault, Proxy, SwiftServer

pytestmark = pytest.mark.timeout(60)


class Echo(BaseHTTPRequestHandler):
    """Answers with the digest of what it was sent, and with what the path asks for."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def sent(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self):
        self.server.paths.append(self.path)
        content = self.sent()
        digest = hashlib.sha256(content).hexdigest().encode()
        if self.path == "/empty":
            self.send_response(204)
            self.end_headers()
        elif self.path == "/unchanged":
            self.send_response(304)
            self.send_header("Content-Length", "1000")
            self.end_headers()
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"5\r\nhello\r\n6;note\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
        elif self.path == "/until-closed":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"to the end")
        else:
            self.send_response(200)
            body = self.headers["Host"].encode() if self.path == "/host" else digest
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def handle_expect_100(self):
        if self.path == "/refused":
            self.send_response_only(412)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.close_connection = True
            return False
        return super().handle_expect_100()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - names of http.server


class EchoServer(ThreadingHTTPServer):
    request_queue_size = 128  # forty clients may connect before it accepts the first


@pytest.fixture(scope="module")
def echo():
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        server.paths = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo):
    echo.paths.clear()
    with Proxy(f"http://127.0.0.1:{echo.server_port}") as proxy:
        yield proxy


@pytest.fixture
def connection(proxy):
    with closing(http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=20)) as connection:
        yield connection


def ask(connection, method, path, body=None, **headers):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def digest(content):
    return hashlib.sha256(content).hexdigest().encode()


def test_requests_are_recorded_as_they_were_asked_and_answered(proxy, connection):
    """Every request is on record with method, decoded path, query, status and the length of both bodies."""
    ask(connection, "PUT", "/c/a%20b/zarr.json?x=1&y=%20", b"12345")
    ask(connection, "HEAD", "/c/a%20b/zarr.json")
    first, second = proxy.requests
    assert (first.method, first.path, first.query, first.status) == ("PUT", "/c/a b/zarr.json", "x=1&y=%20", 200)
    assert (first.bytes_sent, first.bytes_received) == (5, 64)
    assert first.headers["content-length"] == "5"
    assert (second.method, second.status, second.bytes_received) == ("HEAD", 200, 0)


def test_requests_are_counted_by_method_path_and_status(proxy, connection):
    """Counts tell requests apart by method, by a part or a pattern of the path and by status; clearing starts anew."""
    for method, path in [("GET", "/a/zarr.json"), ("PUT", "/a/zarr.json"), ("PUT", "/b"), ("GET", "/empty")]:
        ask(connection, method, path)
    assert proxy.count() == 4
    assert proxy.count(method="PUT") == 2
    assert proxy.count(path="zarr.json") == 2
    assert proxy.count(path=re.compile("^/.$")) == 1
    assert proxy.count(method="GET", status=204) == 1
    proxy.clear()
    assert (proxy.count(), proxy.requests) == (0, [])


def test_the_host_header_passes_verbatim(proxy, connection):
    """The server sees the address that the client used, which is that of the proxy."""
    assert ask(connection, "GET", "/host") == (200, urlsplit(proxy.url).netloc.encode())


def test_one_connection_serves_many_requests(proxy, connection, echo):
    """Answers of every kind of framing leave the connection usable for the next request."""
    expected = {"/empty": (204, b""), "/unchanged": (304, b""), "/chunked": (200, b"hello world")}
    sockets = set()
    for path, answer in [*expected.items(), *expected.items()]:
        assert ask(connection, "GET", path) == answer
        sockets.add(connection.sock.getsockname())
        assert ask(connection, "HEAD", path)[1] == b""
    assert len(sockets) == 1
    assert ask(connection, "GET", "/until-closed") == (200, b"to the end")
    assert ask(connection, "GET", "/empty") == (204, b"")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_large_bodies_arrive_unchanged(proxy, connection, chunked):
    """Megabytes arrive as they were sent, whether their length was told or they come in chunks."""
    content = bytes(range(256)) * 16_384
    body = iter([content[:1000], content[1000:]]) if chunked else content
    connection.request(
        "PUT", "/big", body, encode_chunked=chunked, headers={"Transfer-Encoding": "chunked"} if chunked else {}
    )
    assert connection.getresponse().read() == digest(content)
    assert proxy.requests[0].bytes_sent == len(content)


def test_a_client_that_waits_to_continue_is_told_to(proxy):
    """With `Expect: 100-continue` the body is sent after the server agreed, and not at all when it refused."""
    with closing(socket.create_connection(urlsplit(proxy.url).netloc.split(":"), timeout=10)) as client:
        head = "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        client.sendall(head.format("/x").encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"ACGT")
        answer = b""
        while digest(b"ACGT") not in answer:
            answer += client.recv(1000)
        assert answer.startswith(b"HTTP/1.1 200 ")
        client.sendall(head.format("/refused").encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 412 ")
    assert [request.status for request in proxy.requests] == [200, 412]


def test_many_connections_at_a_time_get_their_own_answers(proxy):
    """Forty clients that ask at the same time each get the answer to their own question."""

    def work(number):
        with closing(http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=30)) as connection:
            return all(
                ask(connection, "PUT", f"/{number}/{turn}", content)[1] == digest(content)
                for turn, content in enumerate(repeat(b"%d" % number * 1000, 10))
            )

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(work, range(40)))
    assert proxy.count(status=200) == 400


def test_a_status_is_answered_instead_of_asking_the_server(proxy, connection, echo):
    """A fault with a status strikes its requests as often as it says, and the server never sees them."""
    proxy.inject(Fault(method="PUT", path="zarr.json", status=503, headers={"Retry-After": "1"}, after=1, times=2))
    statuses = [ask(connection, "PUT", f"/zarr.json?{turn}", b"x" * 100_000)[0] for turn in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    assert ask(connection, "GET", "/zarr.json")[0] == 200
    assert echo.paths == ["/zarr.json?0", "/zarr.json?3", "/zarr.json?4", "/zarr.json"]
    proxy.inject(Fault(status=500, times=None))
    assert {ask(connection, "GET", "/")[0] for _ in range(3)} == {500}
    proxy.heal()
    assert ask(connection, "GET", "/")[0] == 200


def test_headers_of_an_answer_are_replaced(proxy, connection):
    """A fault may change headers of an answer that is otherwise the server's."""
    proxy.inject(Fault(headers={"Server": "nobody"}))
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Server"), len(answer.read())) == (200, "nobody", 64)


@pytest.mark.parametrize("forward", [False, True])
def test_a_reset_breaks_the_connection(proxy, connection, echo, forward):
    """The client gets a reset; the server has carried the request out only if the answer alone was to be lost."""
    proxy.inject(Fault(path="/x", reset=True, forward=forward))
    with pytest.raises(ConnectionResetError):
        ask(connection, "PUT", "/x", b"content")
    connection.close()
    assert echo.paths == ["/x"] * forward
    assert proxy.requests[0].status is None
    assert ask(connection, "PUT", "/x", b"content")[0] == 200


@pytest.mark.parametrize(("path", "whole"), [("/", 64), ("/chunked", 11)])
def test_a_body_is_cut(proxy, connection, path, whole):
    """The connection is closed after so many bytes of the body, and the next request is whole again."""
    proxy.inject(Fault(cut_after=3))
    connection.request("GET", path)
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()
    assert proxy.requests[0].bytes_received == 3
    assert len(ask(connection, "GET", path)[1]) == whole


@pytest.mark.parametrize(("path", "whole"), [("/", digest(b"")), ("/chunked", b"hello world")])
def test_a_body_is_corrupted(proxy, connection, path, whole):
    """One byte of the body is another, its length is the same."""
    proxy.inject(Fault(corrupt=True))
    _, body = ask(connection, "GET", path)
    assert body != whole
    assert body[1:] == whole[1:]


def test_the_body_of_a_request_is_corrupted(proxy, connection):
    """The server gets another first byte, the next request is whole again."""
    proxy.inject(Fault(corrupt_request=True))
    assert ask(connection, "PUT", "/", b"\xffab")[1] == digest(b"\x00ab")
    assert ask(connection, "PUT", "/", b"\xffab")[1] == digest(b"\xffab")
    assert proxy.requests[0].bytes_sent == 3


def test_an_answer_is_withheld(proxy, echo):
    """A fault that holds never answers; the client's time-out ends it, and so does the end of the proxy."""
    proxy.inject(Fault(hold=True))
    impatient = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=0.2)
    with closing(impatient), pytest.raises(TimeoutError):
        ask(impatient, "GET", "/")
    assert echo.paths == []


def test_requests_are_delayed(proxy, connection):
    """A delay holds one request up; latency holds up each."""
    begin = time.monotonic()
    proxy.inject(Fault(delay=0.2))
    ask(connection, "GET", "/")
    assert time.monotonic() - begin >= 0.2
    proxy.latency = 0.05
    begin = time.monotonic()
    for _ in range(4):
        ask(connection, "GET", "/")
    assert time.monotonic() - begin >= 0.2


def test_the_caller_sees_each_request_before_the_server(proxy, connection, echo):
    """What is to be called with a request is called before the request goes on, and sees no status yet."""
    seen = []
    proxy.on_request = lambda request: seen.append((request.method, request.path, request.status, list(echo.paths)))
    ask(connection, "GET", "/one")
    ask(connection, "GET", "/two")
    assert seen == [("GET", "/one", None, []), ("GET", "/two", None, ["/one"])]


def test_stopping_ends_whatever_is_under_way(echo):
    """Stopping breaks idle and held connections, ends all threads and closes the port; the record stays."""
    before = threading.active_count()
    proxy = Proxy(f"http://127.0.0.1:{echo.server_port}", latency=0).start()
    address = urlsplit(proxy.url).netloc
    proxy.inject(Fault(hold=True))
    with closing(http.client.HTTPConnection(address)) as held, closing(http.client.HTTPConnection(address)) as idle:
        held.request("GET", "/")
        idle.connect()
        while not proxy.count():
            time.sleep(0.01)
        begin = time.monotonic()
        proxy.stop()
        assert time.monotonic() - begin < 2
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            held.getresponse()
    assert proxy.count() == 1
    assert threading.active_count() <= before
    with pytest.raises(ServiceError, match="not started"):
        _ = proxy.url


def test_a_server_that_is_not_there_breaks_the_connection():
    """Without a server the client sees a broken connection, never an answer that nobody gave."""
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    with Proxy(f"http://127.0.0.1:{port}") as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc)
        with closing(connection), pytest.raises(ConnectionError):
            ask(connection, "GET", "/")
        assert [request.status for request in proxy.requests] == [None]


@pytest.mark.parametrize("address", ["https://host:1", "ftp://host", "host:80", ""])
def test_only_http_servers_have_a_proxy(address):
    """An address that the proxy cannot stand in front of is refused before anything is opened."""
    with pytest.raises(InvalidURLError):
        Proxy(address)


def test_swift_and_s3_work_through_it():
    """Through the proxy Swift gives a storage URL that is the proxy's, and a signature of S3 stays valid."""
    s3fs = pytest.importorskip("s3fs")
    with SwiftServer() as server, Proxy(server.url) as proxy:
        with closing(http.client.HTTPConnection(urlsplit(proxy.url).netloc)) as connection:
            connection.request("GET", "/auth/v1.0", headers={"X-Auth-User": server.user, "X-Auth-Key": server.key})
            answer = connection.getresponse()
            answer.read()
            assert answer.getheader("X-Storage-Url") == proxy.through(server.storage_url)
            token = {"X-Auth-Token": answer.getheader("X-Auth-Token")}
            assert ask(connection, "PUT", "/v1/AUTH_test/omics", **token)[0] == 201
            assert ask(connection, "GET", "/v1/AUTH_test/omics/none", **token)[0] == 404
        storage = s3fs.S3FileSystem(
            key=server.user, secret=server.key, endpoint_url=proxy.url, client_kwargs={"region_name": "us-east-1"},
            config_kwargs={"s3": {"addressing_style": "path"}, "request_checksum_calculation": "when_required"},
            skip_instance_cache=True, use_listings_cache=False,
        )  # fmt: skip
        storage.pipe_file("omics/ex/a b.txt", b"ACGT")
        assert storage.cat_file("omics/ex/a b.txt") == b"ACGT"
        assert proxy.count(method="PUT", path="/omics/ex/a b.txt", status=200) == 1
