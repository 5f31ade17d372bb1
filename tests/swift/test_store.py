"""The zarr store beyond what zarr demands: options, containers, ranges, requests, large values, processes."""

import asyncio
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest, _store_supports_sync_io
from zarr.core.buffer import cpu, default_buffer_prototype
from zarr.core.sync import sync

from modos.errors import InvalidInputError, InvalidPathError, KeyNotFoundError
from modos.swift import SwiftStore, TokenCredentials, V1Credentials
from modos.testing import SwiftServer

PROTOTYPE = default_buffer_prototype()
LARGE = bytes(range(25))


def put(store, key, value=b""):
    sync(store.set(key, cpu.Buffer.from_bytes(value)))


def get(store, key, byte_range=None):
    value = sync(store.get(key, PROTOTYPE, byte_range))
    return None if value is None else value.to_bytes()


def listed(names):
    async def collect():
        return [name async for name in names]

    return sync(collect())


@pytest.fixture
def store(raw, options):
    return SwiftStore("omics", "ex", options)


@pytest.fixture
def segmented(raw, options):
    """A store that cuts values of more than ten bytes in segments."""
    return SwiftStore("omics", "ex", {**options, "segment_size": 10})


@pytest.fixture
def watched(raw, options, proxy):
    """An open store whose requests pass the proxy; it knows which objects of the container have segments."""
    watched = SwiftStore("omics", "ex", {**options, "storage_url": proxy.through(options["storage_url"])})
    put(watched, "known")
    proxy.clear()
    return watched


URL = "https://swift.example.org/v1/AUTH_lab"
V1 = {"auth_url": "https://swift.example.org/auth", "user": "lab:me", "key": "secret"}


@pytest.mark.parametrize(
    ("spelling", "credentials"),
    [
        ({"preauthurl": URL, "preauthtoken": "secret"}, TokenCredentials(URL, "secret")),
        ({"storage_url": URL, "token": "secret", "attempts": 2}, TokenCredentials(URL, "secret")),
        ({"authurl": V1["auth_url"], "user": "lab:me", "key": "secret", "auth_version": "1"}, V1Credentials(**V1)),
        ({**V1, "os_options": {}, "retries": 5, "timeout": 3, "insecure": False, "snet": False}, V1Credentials(**V1)),
    ],
)
def test_spellings(spelling, credentials):
    """Options in swiftclient's spelling, in ours and as an object lead to the same account; none shows a secret."""
    store = SwiftStore("omics", "ex", spelling)
    assert store == SwiftStore("omics", "ex", credentials=credentials)
    assert "secret" not in f"{store!r} {store} {vars(store)} {store._objects.client!r}"


def test_patience_in_either_spelling():
    """What swiftclient calls retries, timeout and max_backoff is kept, under our names too."""
    ours = {"attempts": 3, "connect_timeout": 7, "read_timeout": 7, "longest_wait": 9}
    theirs = {"retries": 2, "timeout": 7, "max_backoff": 9}
    patience = [SwiftStore("omics", "", {**V1, **one})._objects.client.patience for one in (ours, theirs)]
    assert patience[0] == patience[1]
    assert patience[0].attempts == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"storage_options": {"session": object(), **V1}}, "session"),
        ({"storage_options": {"tokn": "x", "storage_url": URL}}, "did you mean 'token'"),
        ({"storage_options": V1, "credentials": V1Credentials(**V1)}, "not both"),
        ({"storage_options": {"auth_url": "https://h"}}, "missing"),
    ],
)
def test_refused_options(arguments, message):
    """An option that would be ignored is refused, with what would be right."""
    with pytest.raises(InvalidInputError, match=message):
        SwiftStore("omics", **arguments)


@pytest.mark.parametrize("container", ["", "omics/ex", "swift://omics"])
def test_refused_containers(container):
    """A container is a name; a path or address in its place is refused before any request."""
    with pytest.raises(InvalidPathError, match="prefix"):
        SwiftStore(container)


def test_environment(raw, swift, monkeypatch):
    """Without options, the credentials of the environment are read at the first request, and not pickled."""
    store = SwiftStore("omics")
    with pytest.raises(InvalidInputError, match="environment"):
        get(store, "x")
    monkeypatch.setenv("OS_STORAGE_URL", swift.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    put(store, "x", b"1")
    assert swift.token().encode() not in pickle.dumps(store)
    assert get(pickle.loads(pickle.dumps(store)), "x") == b"1"


def test_stores_are_values(options):
    """Stores of the same place, account and right to write are equal, have one hash and survive pickling."""
    store = SwiftStore("omics", "/ex/", options)
    same = SwiftStore("omics", "ex", {"preauthurl": options["storage_url"], "preauthtoken": options["token"]})
    others = [
        SwiftStore("omics", "ex2", options),
        SwiftStore("other", "ex", options),
        SwiftStore("omics", "ex", {**options, "token": "other"}),
        store.with_read_only(read_only=True),
    ]
    assert store == same == pickle.loads(pickle.dumps(store))
    assert len({store, same, *others}) == 5
    assert store not in others
    assert store.with_read_only(read_only=True).with_read_only(read_only=False) == store


def test_missing_container_for_reading(swift, options):
    """Reading where there is no container is an error that names it, opened or not, and makes none."""
    store = SwiftStore("nowhere", "ex", options, read_only=True)
    for attempt in (
        lambda: sync(SwiftStore.open("nowhere", "ex", options, read_only=True)),
        lambda: zarr.open_array(SwiftStore("nowhere", "ex", options), mode="r"),
        lambda: get(store, "zarr.json"),
        lambda: sync(store.exists("zarr.json")),
        lambda: listed(store.list()),
    ):
        with pytest.raises(KeyNotFoundError, match="no container 'nowhere'"):
            attempt()


def test_missing_container_for_writing(raw, options):
    """Opening for writing makes the container, once, and leaves one that is there as it is."""
    sync(SwiftStore.open("new", "ex", options))
    assert raw.head_container("new")["x-container-object-count"] == "0"
    raw.post_container("new", {"X-Container-Meta-Lab": "us"})
    zarr.create_array(SwiftStore("new", "ex", options), shape=1, dtype="u1")[:] = 7
    assert raw.head_container("new")["x-container-meta-lab"] == "us"


def test_a_container_open_to_the_world(raw, store, options):
    """Nobody reads a public container, also one whose listing and metadata are not public."""
    zarr.create_array(store, shape=2, dtype="u1")[:] = [1, 2]
    raw.post_container("omics", {"X-Container-Read": ".r:*"})
    nobody = SwiftStore("omics", "ex", {"storage_url": options["storage_url"]})
    assert list(zarr.open_array(nobody, mode="r")[:]) == [1, 2]


@pytest.mark.parametrize(
    ("byte_range", "expected"),
    [
        (RangeByteRequest(0, 10), b"0123456789"),
        (RangeByteRequest(2, 3), b"2"),
        (RangeByteRequest(8, 99), b"89"),
        (RangeByteRequest(10, 20), b""),
        (RangeByteRequest(3, 3), b""),
        (RangeByteRequest(5, 2), b""),
        (OffsetByteRequest(0), b"0123456789"),
        (OffsetByteRequest(9), b"9"),
        (OffsetByteRequest(10), b""),
        (SuffixByteRequest(3), b"789"),
        (SuffixByteRequest(99), b"0123456789"),
        (SuffixByteRequest(0), b""),
    ],
)
def test_ranges(store, byte_range, expected):
    """A range is exact, clipped to what is there, and of a missing key `None`; alone and among others."""
    put(store, "ten", b"0123456789")
    put(store, "none", b"")
    assert get(store, "ten", byte_range) == expected
    assert get(store, "none", byte_range) == b""
    assert get(store, "missing", byte_range) is None
    asked = [("ten", RangeByteRequest(1, 4)), ("ten", byte_range), ("missing", byte_range), ("ten", None)]
    values = sync(store.get_partial_values(PROTOTYPE, iter(asked)))
    assert [None if value is None else value.to_bytes() for value in values] == [b"123", expected, None, b"0123456789"]


@pytest.mark.parametrize("byte_range", [RangeByteRequest(-1, 3), OffsetByteRequest(-1), SuffixByteRequest(-1), (0, 2)])
def test_no_byte_ranges(store, byte_range):
    """What is no byte request, or counts backwards, is refused and not taken for something else."""
    with pytest.raises(InvalidInputError, match="Unexpected byte_range"):
        get(store, "x", byte_range)


def test_requests(watched, proxy):
    """What each verb costs."""

    def cost(call):
        proxy.clear()
        result = call()
        return result, [request.method for request in proxy.requests]

    keys = [f"a/c/{n}" for n in range(12)]
    _, methods = cost(lambda: sync(watched._set_many((key, cpu.Buffer.from_bytes(b"0123456789")) for key in keys)))
    assert methods == ["PUT"] * 12
    assert cost(lambda: get(watched, "a/c/1")) == (b"0123456789", ["GET"])
    assert cost(lambda: get(watched, "a/c/1", RangeByteRequest(1, 3))) == (b"12", ["GET"])
    assert cost(lambda: sync(watched.exists("a/c/1"))) == (True, ["HEAD"])
    assert cost(lambda: sync(watched.getsize("a/c/1"))) == (10, ["HEAD"])
    assert cost(lambda: sync(watched.getsize_prefix("a"))) == (120, ["GET"])
    assert cost(lambda: sync(watched.is_empty("a"))) == (False, ["GET"])
    assert cost(lambda: len(listed(watched.list()))) == (13, ["GET"])
    assert cost(lambda: listed(watched.list_dir("a"))) == (["c"], ["GET"])
    assert cost(lambda: sync(watched.delete("a/c/1"))) == (None, ["DELETE"])
    parts = [("a/c/2", RangeByteRequest(n, n + 2)) for n in range(0, 10, 2)] + [("a/c/3", None)]
    values, methods = cost(lambda: sync(watched.get_partial_values(PROTOTYPE, parts)))
    assert [value.to_bytes() for value in values] == [b"01", b"23", b"45", b"67", b"89", b"0123456789"]
    assert methods == ["GET"] * 2
    _, methods = cost(lambda: sync(watched.delete_dir("a")))
    assert sorted(methods) == ["GET"] + ["POST"] * 4
    assert listed(watched.list()) == ["known"]
    assert cost(lambda: put(pickle.loads(pickle.dumps(watched)), "known")) == (None, ["PUT"])


def test_zarr_does_not_take_the_synchronous_path(store):
    """The blocking methods work, but zarr is told not to prefer them: they ask for fewer values at a time."""
    store.set_sync("x", cpu.Buffer.from_bytes(b"123"))
    assert store.get_sync("x", byte_range=SuffixByteRequest(1)).to_bytes() == b"3"
    store.delete_sync("x")
    assert store.get_sync("x") is None
    assert not _store_supports_sync_io(store)


def test_list_dir_names_each_once(store, raw):
    """A key that is a directory too is named once; markers that other clients make for directories are no keys."""
    names = ["a", "a b/c", "a-b", "a/", "a/b", "a0", "d/", "é/x"]
    for name in names:
        raw.put_object("omics", f"ex/{name}", b"1")
    raw.put_object("omics", "ex/", b"")
    assert listed(store.list_dir("")) == ["a", "a b", "a-b", "a0", "d", "é"]
    assert listed(store.list_dir("a")) == listed(store.list_dir("a/")) == ["b"]
    assert listed(store.list()) == ["a", "a b/c", "a-b", "a/b", "a0", "é/x"]
    assert listed(store.list_prefix("a")) == ["a", "a b/c", "a-b", "a/b", "a0"]
    assert sync(store.is_empty("d"))
    assert sync(store.getsize_prefix("")) == 6
    sync(store.clear())
    assert raw.get_container("omics")[1] == []


def test_prefixes_are_kept_apart(store, raw):
    """Clearing one hierarchy leaves another whose name begins alike."""
    raw.put_object("omics", "ex2/zarr.json", b"{}")
    raw.put_object("omics", "ex", b"an object of the same name")
    put(store, "zarr.json", b"{}")
    sync(store.clear())
    assert [entry["name"] for entry in raw.get_container("omics")[1]] == ["ex", "ex2/zarr.json"]


def test_past_the_page():
    """Listings, sizes and deletions are complete past the service's page."""
    with SwiftServer(settings={"swift-constraints": {"container_listing_limit": 10}}) as server:
        store = SwiftStore("omics", "ex", {"storage_url": server.storage_url, "token": server.token()})
        keys = sorted(f"a/c/{n:02}" for n in range(35))
        sync(store._set_many((key, cpu.Buffer.from_bytes(b"12")) for key in keys))
        assert listed(store.list()) == keys
        assert listed(store.list_dir("a/c")) == [key.removeprefix("a/c/") for key in keys]
        assert sync(store.getsize_prefix("a")) == 70
        sync(store.delete_dir("a"))
        assert sync(store.is_empty(""))


def segments(raw):
    return [entry["name"] for entry in raw.get_container("omics", prefix=".segments/")[1]]


def test_large_values(segmented, store, raw, options):
    """A value beyond the segment size reads as any other, and leaves no segment when it is replaced or removed."""
    put(store, "before")  # that nothing has segments is known for a minute, but not beyond the next large value
    put(segmented, "a/large", LARGE)
    assert len(segments(raw)) == 3
    assert get(store, "a/large") == LARGE
    assert get(store, "a/large", RangeByteRequest(8, 22)) == LARGE[8:22]
    assert sync(store.getsize("a/large")) == sync(store.getsize_prefix("a")) == 25
    assert listed(SwiftStore("omics", "", options).list()) == ["ex/a/large", "ex/before"]
    put(store, "a/large", b"small")
    assert segments(raw) == []
    for remove in (lambda: store.delete("a/large"), lambda: store.delete_dir("a"), store.clear):
        put(segmented, "a/large", LARGE)
        assert len(segments(raw)) == 3
        sync(remove())
        assert get(store, "a/large") is None
        assert segments(raw) == []


def test_set_if_not_exists_keeps_what_is_there(store, segmented):
    """The first value stays, small or large."""
    for one, key in ((store, "small"), (segmented, "large")):
        sync(one.set_if_not_exists(key, cpu.Buffer.from_bytes(LARGE)))
        sync(one.set_if_not_exists(key, cpu.Buffer.from_bytes(LARGE[::-1])))
        assert get(store, key) == LARGE


def test_values_are_buffers(store):
    """Bytes in place of a buffer are refused."""
    with pytest.raises(TypeError, match="Buffer"):
        sync(store.set("x", b"bytes"))


def count_to(store, who, number):
    for n in range(number):
        put(store, f"{who}/{n}", f"{who} {n}".encode())
    return all(get(store, f"{who}/{n}") == f"{who} {n}".encode() for n in range(number))


def test_event_loops_and_threads(store):
    """One store serves event loops one after the other and side by side, and threads."""

    async def work(who):
        await store.set(str(who), cpu.Buffer.from_bytes(str(who).encode()))
        return (await store.get(str(who), PROTOTYPE)).to_bytes()

    assert [asyncio.run(work(who)) for who in range(3)] == [b"0", b"1", b"2"]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda who: asyncio.run(work(who)), range(16))) == [str(n).encode() for n in range(16)]
        assert all(pool.map(lambda who: count_to(store, who, 10), range(8)))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(store, method):
    """A store that was used goes to other processes, pickled or forked, and both sides go on."""
    assert count_to(store, "before", 3)
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = [pool.apply_async(count_in_process, (store, who)) for who in range(2)]
        assert count_to(store, "parent", 10)
        assert all(result.get(timeout=60) for result in results)


def count_in_process(store, who):
    numbers = np.arange(20) + who
    zarr.create_array(store, name=f"array{who}", data=numbers, chunks=3)
    return list(zarr.open_array(store, path=f"array{who}", mode="r")[:]) == list(numbers)
