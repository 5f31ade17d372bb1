"""What is read from web servers: few requests, every failure under its own name, and nothing written."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from modos import MODO
from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    InvalidInputError,
    InvalidURLError,
    KeyNotFoundError,
    ReadOnlyError,
    ServiceError,
    ServiceUnavailableError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.storage import open_storage
from modos.testing import Fault, FileServer, Proxy

BODY = b"0123456789" * 100

READS = {
    "exists": lambda storage: storage.exists("dir/demo"),
    "stat": lambda storage: storage.stat("dir/demo"),
    "read": lambda storage: storage.read("dir/demo"),
    "range": lambda storage: storage.read("dir/demo", 2, 5),
    "open": lambda storage: storage.open("dir/demo"),
    "list": lambda storage: list(storage.list()),
}

STATUSES = {
    401: AuthenticationError,
    403: AccessDeniedError,
    418: ServiceError,
    500: ServiceError,
    503: ServiceUnavailableError,
}


@pytest.fixture
def proxy(tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "demo").write_bytes(BODY)
    with FileServer(tmp_path) as server, Proxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def reach(proxy):
    """Make storages that read through the proxy, with little patience."""
    return lambda **options: open_storage(proxy.url, storage_options={"timeout": 5, "attempts": 1, **options})


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("verb", READS)
def test_every_refusal_has_its_error(proxy, reach, verb, status):
    """401, 403, 418, 500, 503 at every verb: an error of that class with the status and the address; none is "missing"."""
    proxy.inject(Fault(status=status, times=None))
    with pytest.raises(STATUSES[status]) as caught:
        READS[verb](reach())
    assert type(caught.value) is STATUSES[status]
    assert caught.value.status == status
    assert caught.value.url.startswith(proxy.url)


@pytest.mark.parametrize("verb", READS)
def test_silence_and_no_server_have_their_errors(proxy, reach, verb):
    """A server that says nothing is a time-out; where nobody listens, UnreachableError."""
    storage = reach(timeout=0.2)
    proxy.inject(Fault(hold=True, times=None))
    with pytest.raises(StorageTimeoutError):
        READS[verb](storage)
    proxy.stop()
    with pytest.raises(UnreachableError):
        READS[verb](storage)


@pytest.mark.parametrize(
    "fault", [Fault(status=503, headers={"Retry-After": "0"}), Fault(reset=True), Fault(cut_after=50)]
)
def test_one_failure_is_tried_again(proxy, reach, fault):
    """A busy server, a broken connection and a body cut short are asked once more."""
    proxy.inject(fault)
    assert reach(attempts=2).read("dir/demo") == BODY
    assert proxy.count() == 2


def test_a_body_that_always_breaks_off_is_an_integrity_error(proxy, reach):
    """No short body is ever returned."""
    proxy.inject(Fault(cut_after=50, times=None))
    with pytest.raises(IntegrityError):
        reach(attempts=2).read("dir/demo", 100)


def test_what_reading_costs(proxy, reach):
    """A read is one request, a `stat` one, 200 near ranges at most 10."""
    storage = reach()
    assert storage.read("dir/demo", 5, 9) == BODY[5:9]
    assert storage.stat("dir/demo").size == len(BODY)
    assert [(request.method, request.path) for request in proxy.requests] == [
        ("GET", "/dir/demo"),
        ("HEAD", "/dir/demo"),
    ]
    proxy.clear()
    wanted = [(start, start + 2) for start in range(0, 1000, 5)]
    assert list(storage.read_ranges("dir/demo", wanted)) == [BODY[start:end] for start, end in wanted]
    assert len(wanted) == 200
    assert 1 <= proxy.count() <= 10


def test_a_server_without_ranges_is_read_all_the_same(tmp_path):
    """A server that answers a range with the whole file gives the range."""
    (tmp_path / "demo").write_bytes(BODY)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            storage = open_storage(f"http://127.0.0.1:{server.server_port}")
            assert storage.read("demo", 10, 20) == BODY[10:20]
            assert storage.read("demo", -3) == BODY[-3:]
            assert storage.read("demo", len(BODY) - 3, len(BODY) + 3) == BODY[-3:]
            assert storage.read("demo", len(BODY) + 3, len(BODY) + 6) == b""
        finally:
            server.shutdown()
            thread.join()


class Plain(SimpleHTTPRequestHandler):
    """Sends whole files only, and says nothing before."""

    def do_HEAD(self):
        self.send_error(405)


def test_no_more_of_a_file_is_taken_than_was_asked_for(tmp_path):
    """Of what a server without ranges sends, what is behind is not waited for, nor kept."""
    with (tmp_path / "demo").open("wb") as file:
        file.write(BODY)
        file.truncate(64 * 2**20)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Plain, directory=str(tmp_path))) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with Proxy(f"http://127.0.0.1:{server.server_port}") as proxy:
                storage = open_storage(proxy.url)
                assert storage.read("demo", 10, 20) == BODY[10:20]
                assert storage.stat("demo").size == 64 * 2**20
                assert max(request.bytes_received for request in proxy.requests) < 16 * 2**20
        finally:
            server.shutdown()
            thread.join()


def test_a_directory_is_no_file(reach):
    """The index page that a server sends for a directory is not taken for a file of that name."""
    storage = reach()
    assert not storage.exists("dir")
    with pytest.raises(KeyNotFoundError):
        storage.read("dir")


def test_an_account_of_swift_is_taken_for_what_it_is(proxy):
    """Who gives the address of one as that of a web server is refused there, and told how it is written."""
    proxy.inject(Fault(status=401, times=None))
    url = f"{proxy.url}/v1/AUTH_lab/omics"
    with pytest.raises(AuthenticationError) as refused:
        open_storage(url, storage_options={"attempts": 1}).read("demo")
    assert refused.value.__notes__ == [f"this looks like a place in OpenStack Swift, whose address is swift+{url}/demo"]


def test_headers_go_with_every_request_and_are_not_shown(proxy, reach):
    """What is given as `headers` is sent, and stands in no `repr`."""
    storage = reach(headers={"Authorization": "Bearer secret"})
    storage.read("dir/demo")
    assert [request.headers["authorization"] for request in proxy.requests] == ["Bearer secret"]
    assert "secret" not in repr(storage)
    assert storage != reach()


def test_nothing_is_written(reach):
    """A web server is for reading, whether or not it is asked for so."""
    with pytest.raises(ReadOnlyError, match="on a web server"):
        reach().put(b"x", "demo")


@pytest.mark.parametrize(
    "url", ["https://host/dir?token=1", "https://me:secret@host/dir", "https://", "https://host/#part"]
)
def test_an_address_that_is_no_directorys_is_refused(url):
    """A query, a fragment, credentials or no host: InvalidURLError, which shows no secret."""
    with pytest.raises(InvalidURLError) as caught:
        open_storage(url)
    assert "secret" not in str(caught.value)


def test_a_misspelt_option_is_refused():
    """The message names what was meant and what is known."""
    with pytest.raises(InvalidInputError, match=r"did you mean 'timeout'.*attempts, headers"):
        open_storage("https://host/dir", storage_options={"time_out": 3})


def test_an_object_is_read_from_a_web_server(tmp_path):
    """A MODO that is published as plain files opens with one request and reads like any other."""
    MODO.create(tmp_path / "ex", id="ex", description="published")
    with FileServer(tmp_path) as server, Proxy(server.url) as proxy:
        modo = MODO(f"{proxy.url}/ex")
        assert modo.metadata["ex"]["description"] == "published" if "ex" in modo.metadata else modo.id == "ex"
        assert proxy.count() == 1
