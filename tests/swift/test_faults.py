"""What goes wrong between us and the service, for each kind of request."""

import asyncio
import socket
import time

import pytest

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.swift import SwiftFileSystem
from modos.testing import Fault

pytestmark = pytest.mark.thorough

CONTENT = b"ten bytes!"

VERBS = {
    "get": ("GET", lambda fs: fs.cat_file("omics/x")),
    "range": ("GET", lambda fs: fs.cat_file("omics/x", 2, 5)),
    "head": ("HEAD", lambda fs: fs.info("omics/x")["size"]),
    "exists": ("HEAD", lambda fs: fs.exists("omics/x")),
    "isfile": ("HEAD", lambda fs: fs.isfile("omics/x")),
    "isdir": ("HEAD", lambda fs: fs.isdir("omics/x")),
    "list": ("GET", lambda fs: fs.ls("omics", detail=False)),
    "find": ("GET", lambda fs: fs.find("omics")),
    "walk": ("GET", lambda fs: list(fs.walk("omics"))),
    "glob": ("GET", lambda fs: fs.glob("omics/*")),
    "put": ("PUT", lambda fs: fs.pipe_file("omics/new", CONTENT)["size"]),
    "create": ("PUT", lambda fs: fs.pipe_file("omics/new", CONTENT, mode="create")["size"]),
    "delete": ("DELETE", lambda fs: fs.rm_file("omics/x")),
    "copy": ("PUT", lambda fs: fs.cp_file("omics/x", "omics/y")["size"]),
}
EXPECTED = {
    "get": CONTENT,
    "range": CONTENT[2:5],
    "head": len(CONTENT),
    "exists": True,
    "isfile": True,
    "isdir": False,
    "list": ["omics/x"],
    "find": ["omics/x"],
    "walk": [("omics", [], ["x"])],
    "glob": ["omics/x"],
    "put": len(CONTENT),
    "create": len(CONTENT),
    "delete": None,
    "copy": len(CONTENT),
}
EACH = pytest.mark.parametrize("verb", VERBS)


@pytest.fixture
def fs(watched, connect, proxy):
    connect().pipe_file("omics/x", CONTENT)
    proxy.clear()
    return watched


def method(verb):
    return VERBS[verb][0]


def call(fs, verb):
    return VERBS[verb][1](fs)


@EACH
@pytest.mark.parametrize("status", [408, 429, 498, 500, 502, 503, 504])
def test_passing_refusals_are_tried_again(fs, proxy, verb, status):
    """A refusal that passes is not seen by the caller, who gets the right result."""
    proxy.inject(Fault(method=method(verb), status=status, headers={"Retry-After": "0"}))
    assert call(fs, verb) == EXPECTED[verb]


@EACH
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, AccessDeniedError),
        (429, ServiceUnavailableError),
        (500, ServiceError),
        (503, ServiceUnavailableError),
        (504, StorageTimeoutError),
        (400, ServiceError),
    ],
)
def test_lasting_refusals_are_told(fs, proxy, verb, status, kind):
    """A refusal that lasts is its own error with address and status; it is never taken for missing or empty."""
    proxy.inject(Fault(method=method(verb), status=status, headers={"Retry-After": "0"}, times=None))
    with pytest.raises(kind) as caught:
        call(fs, verb)
    assert caught.value.status == status
    assert caught.value.url.startswith(proxy.url)
    assert not isinstance(caught.value, FileNotFoundError)


@EACH
@pytest.mark.parametrize("forward", [False, True], ids=["before", "after"])
def test_a_lost_connection_is_made_again(fs, proxy, verb, forward):
    """A connection that is reset, before or after the service has done what was asked, is not seen by the caller."""
    proxy.inject(Fault(method=method(verb), reset=True, forward=forward))
    assert call(fs, verb) == EXPECTED[verb]


@EACH
def test_connections_that_are_always_lost(fs, proxy, verb):
    """Connections that are lost again and again are told as such."""
    proxy.inject(Fault(method=method(verb), reset=True, times=None))
    with pytest.raises(UnreachableError, match="connection was lost"):
        call(fs, verb)


@EACH
def test_no_answer(proxy, fs, verb, connect, swift):
    """No answer in time is its own error, with the address."""
    proxy.inject(Fault(method=method(verb), hold=True, times=None))
    quick = connect(storage_url=proxy.through(swift.storage_url), attempts=1, read_timeout=0.2)
    with pytest.raises(StorageTimeoutError) as caught:
        call(quick, verb)
    assert caught.value.url.startswith(proxy.url)


@EACH
def test_refused_connection(verb):
    """A refused connection is its own error, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    fs = SwiftFileSystem(storage_url=f"http://127.0.0.1:{port}/v1/AUTH_lab", token="x", attempts=2)
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        call(fs, verb)


@pytest.mark.parametrize("verb", ["get", "range", "list", "find", "walk"])
@pytest.mark.parametrize("cut_after", [0, 1])
def test_cut_answers(fs, proxy, verb, cut_after):
    """A body that is cut short is asked for again; when it always is, that is an error and never a short result."""
    proxy.inject(Fault(method="GET", cut_after=cut_after))
    assert call(fs, verb) == EXPECTED[verb]
    proxy.inject(Fault(method="GET", cut_after=cut_after, times=None))
    with pytest.raises((IntegrityError, UnreachableError)):
        call(fs, verb)


def test_changed_bytes(fs, proxy):
    """Bytes that changed on the way down are noticed by the MD5 and asked for again."""
    proxy.inject(Fault(method="GET", corrupt=True))
    assert fs.cat_file("omics/x") == CONTENT
    proxy.inject(Fault(method="GET", corrupt=True, times=None))
    with pytest.raises(IntegrityError, match="MD5"):
        fs.cat_file("omics/x")


def test_retry_after_is_honoured(fs, proxy):
    """The service's word on when to come back is kept."""
    proxy.inject(Fault(method="GET", status=429, headers={"Retry-After": "1"}))
    begun = time.monotonic()
    assert fs.cat_file("omics/x") == CONTENT
    assert time.monotonic() - begun >= 1


def test_missing(fs, proxy):
    """404 is the only thing that means missing, and is asked for once."""
    with pytest.raises(KeyNotFoundError):
        fs.cat_file("omics/nothing")
    assert proxy.count(method="GET", path="nothing") == 1
    assert not fs.exists("omics/nothing")
    assert not fs.exists("nowhere/x")
    with pytest.raises(KeyNotFoundError, match="no such container"):
        fs.pipe_file("nowhere/x", CONTENT)


def test_a_create_whose_answer_was_lost_is_ours(fs, proxy):
    """A create-only write that was done, though its answer was lost, succeeds; one that finds another's does not."""
    proxy.inject(Fault(method="PUT", reset=True, forward=True))
    fs.pipe_file("omics/lock", b"mine", mode="create")
    proxy.inject(Fault(method="PUT", reset=True))
    with pytest.raises(KeyExistsError):
        fs.pipe_file("omics/lock", b"other", mode="create")
    assert fs.cat_file("omics/lock") == b"mine"


def test_expired_token_is_renewed_once(proxy, swift, connect):
    """64 requests that meet an expired token log in once, and all succeed."""
    auth_url, storage_url = proxy.through(swift.auth_url), proxy.through(swift.storage_url)
    fs = SwiftFileSystem(auth_url=auth_url, user=swift.user, key=swift.key, skip_instance_cache=True)
    connect().pipe_file("omics/x", CONTENT)
    assert fs.cat_file("omics/x") == CONTENT
    assert storage_url.startswith(proxy.url)
    swift.expire_tokens()
    proxy.clear()
    contents = fs.cat_ranges(["omics/x"] * 64, [0] * 64, [n % 10 + 1 for n in range(64)], max_gap=0)
    results = fs.run(_all_at_once, fs, 64)
    assert results == [CONTENT] * 64
    assert contents[0] == CONTENT[:1]
    assert proxy.count(path="/auth/") == 1


async def _all_at_once(fs, count):
    return await asyncio.gather(*(fs._cat_file("omics/x") for _ in range(count)))


def test_expired_token_meets_many_requests_at_once(proxy, swift, connect):
    """However many requests are refused at the same moment, one of them logs in."""
    fs = SwiftFileSystem(
        auth_url=proxy.through(swift.auth_url), user=swift.user, key=swift.key, attempts=4, skip_instance_cache=True
    )
    connect().pipe_file("omics/x", CONTENT)
    fs.ls("")
    swift.expire_tokens()
    proxy.clear()
    assert fs.run(_all_at_once, fs, 64) == [CONTENT] * 64
    assert proxy.count(path="/auth/") == 1


def test_a_stampede_logs_in_once(proxy, swift):
    """64 first requests of a process log in once."""
    fs = SwiftFileSystem(
        auth_url=proxy.through(swift.auth_url), user=swift.user, key=swift.key, attempts=3, skip_instance_cache=True
    )
    swift.expire_tokens()
    proxy.clear()

    async def stampede():
        return await asyncio.gather(*(fs._ls("") for _ in range(64)))

    assert fs.run(stampede) == [[]] * 64
    assert proxy.count(path="/auth/") == 1


def test_expired_token_that_cannot_be_renewed(fs, proxy, swift):
    """An expired pre-authenticated token is an AuthenticationError with the address."""
    swift.expire_tokens()
    with pytest.raises(AuthenticationError, match="cannot be renewed") as caught:
        fs.cat_file("omics/x")
    assert caught.value.url.endswith("omics/x")


def test_refused_after_renewal(proxy, swift, connect):
    """When the new token is refused as well, that is the end of it."""
    fs = SwiftFileSystem(auth_url=proxy.through(swift.auth_url), user=swift.user, key=swift.key, attempts=5)
    proxy.inject(Fault(path="/v1/", status=401, times=None))
    proxy.clear()
    with pytest.raises(AuthenticationError):
        fs.cat_file("omics/x")
    assert proxy.count(method="GET", path="omics/x") == 2
