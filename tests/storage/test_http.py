"""What is read from web servers: few requests, every failure under its own name, and nothing written."""

import os
import random
from contextlib import ExitStack, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep

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
from modos.storage import LocalStorage, open_storage
from modos.storage.backends.http import open_answers
from modos.testing import Fault, FileServer, Proxy
from modos.transfers import transfer

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


class Plain(SimpleHTTPRequestHandler):
    """Sends whole files only."""

    protocol_version = "HTTP/1.1"

    def handle(self):
        with suppress(ConnectionError):  # of whoever has read enough
            super().handle()

    def log_message(self, *_):
        """Say nothing."""


class Silent(Plain):
    """Says nothing before."""

    def do_HEAD(self):
        self.send_error(405)


@pytest.fixture
def without_ranges(tmp_path):
    """Make proxies in front of servers of the folder that have no ranges."""
    with ExitStack() as stack:

        def serve(handler=Plain):
            server = stack.enter_context(
                ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path)))
            )
            server.daemon_threads = True
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return stack.enter_context(Proxy(f"http://127.0.0.1:{server.server_port}"))

        yield serve


def test_a_server_without_ranges_is_read_all_the_same(tmp_path, without_ranges):
    """A server that answers a range with the whole file gives the range."""
    (tmp_path / "demo").write_bytes(BODY)
    (tmp_path / "empty").touch()
    storage = open_storage(without_ranges().url)
    assert storage.read("empty", 0, 5) == storage.read("empty", 2, 5) == b""
    assert storage.read("demo", 10, 20) == BODY[10:20]
    assert storage.read("demo", -3) == BODY[-3:]
    assert storage.read("demo", len(BODY) - 3, len(BODY) + 3) == BODY[-3:]
    assert storage.read("demo", len(BODY) + 3, len(BODY) + 6) == b""


def test_no_more_of_a_file_is_taken_than_was_asked_for(tmp_path, without_ranges):
    """Of what a server without ranges sends, what is behind is not waited for, nor kept."""
    with (tmp_path / "demo").open("wb") as file:
        file.write(BODY)
        file.truncate(64 * 2**20)
    proxy = without_ranges(Silent)
    storage = open_storage(proxy.url)
    assert storage.read("demo", 10, 20) == BODY[10:20]
    assert storage.stat("demo").size == 64 * 2**20
    assert max(request.bytes_received for request in proxy.requests) < 16 * 2**20


LARGE = random.Random(1).randbytes(33 * 2**20)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file that is read piece by piece, beside no other."""
    place = tmp_path_factory.mktemp("large") / "large"
    place.write_bytes(LARGE)
    return place


@pytest.mark.parametrize("handler", [Plain, Silent])
def test_a_large_file_is_sent_once_by_a_server_without_ranges(tmp_path, large, without_ranges, handler):
    """Read in order by `open`, and by parts in a transfer, which asks for several at once: each byte comes once."""
    (tmp_path / "large").hardlink_to(large)
    proxy = without_ranges(handler)
    storage = open_storage(proxy.url)
    with storage.open("large") as file:
        assert b"".join(iter(lambda: file.read(2**20), b"")) == LARGE
    assert sum(request.bytes_received == len(LARGE) for request in proxy.requests) == 1
    proxy.clear()
    transfer(storage, LocalStorage(tmp_path / "copy"), commit=None)
    assert (tmp_path / "copy" / "large").read_bytes() == LARGE
    assert sum(request.bytes_received == len(LARGE) for request in proxy.requests) == 1
    assert sum(request.bytes_received for request in proxy.requests) < (2 if handler is Plain else 4) * len(LARGE)


@pytest.mark.parametrize("kept", [2**28, 1000])
def test_what_is_passed_over_is_not_asked_for_again(tmp_path, large, without_ranges, monkeypatch, kept):
    """A file read from its end to its beginning comes once, or, where too little can be kept, as often as that takes."""
    monkeypatch.setattr(open_answers, "_KEPT", kept)
    (tmp_path / "large").hardlink_to(large)
    proxy = without_ranges()
    storage = open_storage(proxy.url)
    spans = [(start, start + 300) for start in range(0, 3000, 300)]
    for start, end in reversed(spans):
        assert storage.read("large", start, end) == LARGE[start:end]
    assert proxy.count() == (1 if kept > 3000 else 4)
    proxy.clear()
    for span in ((3000, 4000), (100, 200), (3500, 3600), (3900, 5000)):
        assert storage.read("large", *span) == LARGE[slice(*span)]
    assert proxy.count() == 1, "the second was handed out before; the others go on"


def test_what_was_read_once_is_read_anew(tmp_path, large, without_ranges):
    """A file that changes is not read from an answer of before, neither by the same range nor after a look at it."""
    (tmp_path / "large").write_bytes(LARGE)
    storage = open_storage(without_ranges().url)
    assert storage.read("large", 0, 5) == LARGE[:5]
    os.utime(tmp_path / "large", (1, 1))
    with (tmp_path / "large").open("r+b") as file:
        file.write(b"other again")
    assert storage.read("large", 0, 5) == b"other"
    with (tmp_path / "large").open("r+b") as file:
        file.write(b"other third")
    os.utime(tmp_path / "large", (1, 1))
    storage.stat("large")
    assert storage.read("large", 5, 11) == b" third"


def test_an_answer_that_breaks_off_is_gone_on_with(tmp_path, large, without_ranges):
    """Cut off in the middle, it is asked for once more, and what was read of it is right."""
    (tmp_path / "large").hardlink_to(large)
    proxy = without_ranges()
    proxy.inject(Fault(method="GET", cut_after=10 * 2**20))
    with open_storage(proxy.url).open("large") as file:
        assert file.read(15 * 2**20) == LARGE[: 15 * 2**20]
    assert proxy.count(method="GET") == 2


def test_an_answer_that_nobody_reads_on_is_ended(tmp_path, large, without_ranges):
    """It keeps neither a connection nor a file for longer than requests may take."""
    (tmp_path / "large").hardlink_to(large)
    proxy = without_ranges()
    storage = open_storage(proxy.url, storage_options={"timeout": 0.2})
    storage.read("large", 0, 10)
    sleep(0.6)
    assert storage.read("large", 10, 20) == LARGE[10:20]
    assert proxy.count() == 2


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
