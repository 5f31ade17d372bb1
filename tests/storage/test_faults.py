"""What goes wrong on the way to a service: every failure has an error of its own, and none is taken for "missing"."""

import socket

import pytest

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.storage import ROOT_DOCUMENT, list_remote_modos
from modos.testing import Fault, Proxy

pytestmark = pytest.mark.thorough

BODY = b"0123456789" * 100
AT_ONCE = {"Retry-After": "0"}

VERBS = {
    "exists": lambda storage: storage.exists("dir/demo"),
    "stat": lambda storage: storage.stat("dir/demo"),
    "read": lambda storage: storage.read("dir/demo"),
    "range": lambda storage: storage.read("dir/demo", 2, 5),
    "open": lambda storage: storage.open("dir/demo"),
    "put": lambda storage: storage.put(b"new", "dir/demo"),
    "create": lambda storage: storage.put(b"new", "dir/new", mode="create"),
    "list": lambda storage: list(storage.list()),
    "list_dir": lambda storage: list(storage.list_dir("dir")),
    "empty": lambda storage: storage.empty(),
    "copy": lambda storage: storage.copy("dir/demo", "dir/copied"),
    "remove": lambda storage: storage.remove("dir/demo"),
    "remove_many": lambda storage: storage.remove_many(["dir/demo", "dir/other"]),
    "remove_tree": lambda storage: storage.remove_tree("dir"),
    "find": list_remote_modos,
    "zarr": lambda storage: storage.zarr,
}

ENGINES = {"s3": "obstore", "s3fs": "fsspec"}

STATUSES = {
    401: AuthenticationError,
    403: AccessDeniedError,
    500: ServiceError,
    503: ServiceUnavailableError,
}


@pytest.fixture
def proxy(account):
    with Proxy(account.server.url) as proxy:
        yield proxy


@pytest.fixture(params=["s3", "s3fs", "swift"])
def kind(request):
    return request.param


@pytest.fixture
def reach(account, container, kind):
    """Make storages that reach the container at an address, with little patience."""
    account.put(container, "dir/demo", BODY)
    account.put(container, ROOT_DOCUMENT, b'{"zarr_format": 3, "node_type": "group"}')

    def make(address, *, timeout=5.0, attempts=1):
        if kind in ENGINES:
            options = {"timeout": timeout, "attempts": attempts, "engine": ENGINES[kind]}
            return account.s3(container, endpoint=address, **options)
        storage_url = account.server.storage_url.replace(account.server.url, address)
        patience = {"connect_timeout": timeout, "read_timeout": timeout, "attempts": attempts}
        return account.swift(container, storage_url=storage_url, **patience)

    return make


@pytest.mark.parametrize("status", STATUSES)
def test_every_refusal_has_its_error(account, container, proxy, reach, status):
    """401, 403, 500, 503 at every verb: an error of that class with the status and the address, and nothing changes."""
    storage = reach(proxy.url)
    proxy.inject(Fault(status=status, headers=AT_ONCE, times=None))
    for verb, call in VERBS.items():
        with pytest.raises(StorageError) as caught:
            call(storage)
        assert type(caught.value) is STATUSES[status], verb
        assert caught.value.status == status, verb
        assert container in caught.value.url, verb
        assert caught.value.url in str(caught.value), verb
        assert not isinstance(caught.value, FileNotFoundError), verb
    assert account.get(container, "dir/demo") == BODY


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_refused_connection_is_unreachable(reach, container, attempts):
    """Where nobody listens every verb raises UnreachableError, after as many attempts as were asked for."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        storage = reach(f"http://127.0.0.1:{closed.getsockname()[1]}", attempts=attempts)
        verbs = VERBS if attempts == 1 else {"exists": VERBS["exists"]}
        for verb, call in verbs.items():
            with pytest.raises(UnreachableError) as caught:
                call(storage)
            assert isinstance(caught.value, ConnectionError), verb
            assert container in caught.value.url, verb


def test_no_answer_in_time_is_a_time_out(proxy, reach, container):
    """A service that takes the request and says nothing: StorageTimeoutError, which is a TimeoutError."""
    storage = reach(proxy.url, timeout=0.2)
    proxy.inject(Fault(hold=True, times=None))
    for verb, call in VERBS.items():
        with pytest.raises(StorageTimeoutError) as caught:
            call(storage)
        assert isinstance(caught.value, TimeoutError), verb
        assert container in caught.value.url, verb


@pytest.mark.parametrize(
    ("verb", "status"), [*((verb, 503) for verb in VERBS), ("read", 500), ("put", 500), ("list", 500)]
)
def test_one_failure_is_tried_again(proxy, reach, verb, status):
    """After one 500 or 503 the same request is made again, and the verb succeeds as if nothing had been."""
    storage = reach(proxy.url, attempts=3)
    proxy.inject(Fault(status=status, headers=AT_ONCE, times=1))
    VERBS[verb](storage)
    assert proxy.count(status=status) == 1
    assert proxy.count() >= 2


def test_a_broken_connection_is_tried_again(proxy, reach):
    """A connection that is reset once is opened again."""
    storage = reach(proxy.url, attempts=3)
    proxy.inject(Fault(reset=True, times=1))
    assert storage.read("dir/demo") == BODY
    assert proxy.count() == 2


@pytest.mark.parametrize("start", [None, 100])
def test_a_body_that_breaks_off_once_is_read_again(proxy, reach, start):
    """A body cut short is never returned short: it is asked for again."""
    storage = reach(proxy.url, attempts=3)
    proxy.inject(Fault(method="GET", path="dir/demo", cut_after=50, times=1))
    assert storage.read("dir/demo", start) == BODY[start:]


@pytest.mark.parametrize("start", [None, 100])
def test_a_body_that_always_breaks_off_is_an_integrity_error(proxy, reach, container, start):
    """When every answer is cut short, IntegrityError names the file; no short body is returned."""
    storage = reach(proxy.url, attempts=2)
    proxy.inject(Fault(method="GET", path="dir/demo", cut_after=50, times=None))
    with pytest.raises(IntegrityError) as caught:
        storage.read("dir/demo", start)
    assert container in caught.value.url


def test_only_404_is_missing(proxy, reach):
    """A 404 is "missing" to `exists` and KeyNotFoundError to who wants the file."""
    storage = reach(proxy.url)
    proxy.inject(Fault(status=404, path="dir/demo", times=None))
    assert not storage.exists("dir/demo")
    for verb in ("stat", "read", "range", "open", "copy"):
        with pytest.raises(KeyNotFoundError):
            VERBS[verb](storage)


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_chunk_that_cannot_be_read_is_not_filled(account, container, proxy, reach, status):
    """An error at a chunk of an array comes out of zarr as it is, and never as fill values."""
    direct = reach(account.server.url)
    counts = direct.zarr.create_array("counts", shape=(4,), chunks=(2,), dtype="int32")
    counts[:] = [1, 2, 3, 4]
    array = reach(proxy.url).zarr["counts"]
    assert list(array[:]) == [1, 2, 3, 4]
    proxy.inject(Fault(path="counts/c/1", status=status, headers=AT_ONCE, times=None))
    with pytest.raises(STATUSES[status]) as caught:
        array[:]
    assert "counts/c/1" in caught.value.url


def test_a_name_is_refused_before_any_request(proxy, reach):
    """A name that may not be used costs no request."""
    storage = reach(proxy.url)
    for name in ("../outside", "/absolute", "nul\0", ""):
        for call in (storage.exists, storage.read, storage.stat, lambda name: storage.put(b"x", name)):
            with pytest.raises(ValueError, match=r"is|has|holds"):
                call(name)
    assert proxy.count() == 0


def test_wrong_credentials_are_an_authentication_error(account, container, kind):
    """A wrong key or token is AuthenticationError or, where the service tells no difference, AccessDeniedError."""
    account.put(container, "demo", BODY)
    wrong = (
        account.s3(container, secret="wrong", engine=ENGINES[kind])
        if kind in ENGINES
        else account.swift(container, token="wrong")
    )
    for call in (lambda: wrong.read("demo"), lambda: list(wrong.list()), lambda: wrong.exists("demo")):
        with pytest.raises((AuthenticationError, AccessDeniedError)) as caught:
            call()
        assert "wrong" not in str(caught.value)


def test_the_first_name_of_a_listing_costs_one_request(paging_account, kind):
    """A listing asks for a page when its names are wanted, and not before."""
    container = paging_account.container()
    for number in range(45):
        paging_account.put(container, f"{number:02}", b"x")
    with Proxy(paging_account.server.url) as proxy:
        if kind in ENGINES:
            storage = paging_account.s3(container, endpoint=proxy.url)
        else:
            storage = paging_account.swift(container, storage_url=proxy.through(paging_account.server.storage_url))
        assert not storage.empty()  # Swift learns here how long a page may be
        proxy.clear()
        names = storage.list()
        assert proxy.count() == 0
        assert str(next(names)) == "00"
        assert proxy.count() == 1
        assert not storage.empty()
        assert proxy.count() == 2
        assert len(list(names)) == 44
        assert proxy.count() <= 5


def test_near_ranges_share_a_request(proxy, reach, kind):
    """Ranges at most the gap apart come in one request, far ones in one each; Swift sends all in one answer."""
    storage = reach(proxy.url)
    wanted = [(0, 10), (12, 20), (500, 510)]
    assert list(storage.read_ranges("dir/demo", wanted, gap=5)) == [BODY[start:end] for start, end in wanted]
    assert proxy.count(method="GET") == proxy.count() == (1 if kind == "swift" else 2)


def test_many_near_ranges_cost_few_requests(account, container, proxy, reach):
    """200 ranges 4 KiB apart come in at most 10 requests."""
    body = bytes(range(256)) * (200 * 16)
    account.put(container, "long", body)
    wanted = [(start, start + 100) for start in range(0, len(body), 4096)]
    assert list(reach(proxy.url).read_ranges("long", wanted)) == [body[start:end] for start, end in wanted]
    assert len(wanted) == 200
    assert 1 <= proxy.count() <= 10


def test_an_open_file_reads_what_is_wanted(account, container, proxy, reach):
    """Reading the end of a long file does not load the rest."""
    account.put(container, "long", bytes(5_000_000))
    storage = reach(proxy.url)
    with storage.open("long") as file:
        file.seek(-100, 2)
        assert file.read() == bytes(100)
    assert sum(request.bytes_received for request in proxy.requests) < 10_000


def test_an_open_file_fetches_chunks_of_the_chosen_size(account, container, proxy, reach):
    """With chunks of 1,000 bytes, three neighbouring small reads cost one request besides that for the size."""
    account.put(container, "long", bytes(100_000))
    with reach(proxy.url).open("long", chunk_size=1000) as file:
        assert file.read(10) + file.read(10) + file.read(10) == bytes(30)
    assert [request.bytes_received for request in proxy.requests if request.method == "GET"] == [1000]
    assert proxy.count() == 2
