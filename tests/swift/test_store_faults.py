"""What goes wrong between a zarr store and the service: never a missing key, a fill value or a short read."""

import numpy as np
import pytest
import zarr
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import cpu, default_buffer_prototype
from zarr.core.sync import sync

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    UnreachableError,
)
from modos.swift import SwiftStore
from modos.testing import Fault

pytestmark = pytest.mark.thorough

PROTOTYPE = default_buffer_prototype()
CONTENT = b"ten bytes!"
VALUE = cpu.Buffer.from_bytes(CONTENT)
KEYS = ["a/c/0", "a/c/1", "a/c/3", "a/c/4", "a/zarr.json"]


async def read(store, *ranges):
    values = await store.get_partial_values(PROTOTYPE, [("a/c/0", one) for one in ranges])
    return b"".join(value.to_bytes() for value in values)


async def whole(store):
    return (await store.get("a/c/0", PROTOTYPE)).to_bytes()


async def written(store, verb):
    await verb("a/c/2", VALUE)
    return (await store.get("a/c/2", PROTOTYPE)).to_bytes()


async def gone(store, removal, key):
    await removal
    return await store.get(key, PROTOTYPE)


async def collected(names):
    return [name async for name in names]


VERBS = {
    "get": ("GET", whole, CONTENT),
    "range": ("GET", lambda store: read(store, RangeByteRequest(2, 5)), CONTENT[2:5]),
    "partial": (
        "GET",
        lambda store: read(store, RangeByteRequest(2, 5), None, RangeByteRequest(7, 9)),
        b"n b" + CONTENT + b"es",
    ),
    "empty range": ("HEAD", lambda store: read(store, RangeByteRequest(2, 2)), b""),
    "exists": ("HEAD", lambda store: store.exists("a/c/0"), True),
    "getsize": ("HEAD", lambda store: store.getsize("a/c/0"), 10),
    "getsize_prefix": ("GET", lambda store: store.getsize_prefix("a"), 50),
    "is_empty": ("GET", lambda store: store.is_empty("a"), False),
    "list": ("GET", lambda store: collected(store.list()), KEYS),
    "list_prefix": ("GET", lambda store: collected(store.list_prefix("a/c/")), KEYS[:4]),
    "list_dir": ("GET", lambda store: collected(store.list_dir("a")), ["c", "zarr.json"]),
    "set": ("PUT", lambda store: written(store, store.set), CONTENT),
    "create": ("PUT", lambda store: written(store, store.set_if_not_exists), CONTENT),
    "delete": ("DELETE", lambda store: gone(store, store.delete("a/c/0"), "a/c/0"), None),
    "delete_dir": ("POST", lambda store: gone(store, store.delete_dir("a"), "a/zarr.json"), None),
    "clear": ("GET", lambda store: gone(store, store.clear(), "a/c/1"), None),
}
EACH = pytest.mark.parametrize("verb", VERBS)
WITH_BODY = pytest.mark.parametrize("verb", [verb for verb, (method, *_) in VERBS.items() if method == "GET"])


@pytest.fixture
def store(raw, options, proxy):
    """An open store over five keys, whose requests pass the proxy; two attempts make failures quick."""
    for key in KEYS:
        raw.put_object("omics", f"ex/{key}", CONTENT)
    direct = {**options, "storage_url": proxy.through(options["storage_url"])}
    store = SwiftStore("omics", "ex", {**direct, "attempts": 2, "read_timeout": 5.0})
    sync(store.set("known", VALUE))
    sync(store.delete("known"))
    proxy.clear()
    return store


def call(store, verb):
    return sync(VERBS[verb][1](store))


@EACH
@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures(store, proxy, verb, status):
    """A failure that passes is not seen: the result is right."""
    proxy.inject(Fault(method=VERBS[verb][0], status=status, headers={"Retry-After": "0"}))
    assert call(store, verb) == VERBS[verb][2]
    assert proxy.count(status=status) == 1


@EACH
@pytest.mark.parametrize("forward", [False, True], ids=["before", "after"])
def test_a_reset_connection(store, proxy, verb, forward):
    """A connection that is reset, before or after the service did what was asked, is not seen: the result is right."""
    proxy.inject(Fault(method=VERBS[verb][0], reset=True, forward=forward))
    assert call(store, verb) == VERBS[verb][2]


@EACH
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (403, AccessDeniedError), (500, ServiceError), (503, ServiceUnavailableError)],
)
def test_lasting_failures(store, proxy, verb, status, kind):
    """A failure that lasts is its own error, and never a missing key, an empty listing or a success."""
    proxy.inject(Fault(status=status, headers={"Retry-After": "0"}, times=None))
    with pytest.raises(kind) as caught:
        call(store, verb)
    assert caught.value.status == status
    assert not isinstance(caught.value, FileNotFoundError)


@EACH
def test_connections_that_are_always_reset(store, proxy, verb):
    """Connections that are lost again and again are told as such."""
    proxy.inject(Fault(reset=True, times=None))
    with pytest.raises(UnreachableError):
        call(store, verb)


@WITH_BODY
@pytest.mark.parametrize("cut_after", [0, 1])
def test_cut_bodies(store, proxy, verb, cut_after):
    """A body that is cut short is asked for again; when it always is, that is an error and never a short result."""
    proxy.inject(Fault(method="GET", cut_after=cut_after))
    assert call(store, verb) == VERBS[verb][2]
    proxy.heal()
    for key in KEYS:
        sync(store.set(key, VALUE))
    proxy.inject(Fault(method="GET", cut_after=cut_after, times=None))
    with pytest.raises((IntegrityError, UnreachableError)):
        call(store, verb)


@EACH
def test_an_expired_token(raw, options, swift, proxy, verb):
    """A token that expires on the way is renewed once, and the result is right."""
    for key in KEYS:
        raw.put_object("omics", f"ex/{key}", CONTENT)
    login = {"authurl": proxy.through(swift.auth_url), "user": swift.user, "key": swift.key}
    store = SwiftStore("omics", "ex", {**login, "preauthurl": proxy.through(options["storage_url"])})
    assert sync(store.exists("a/c/0"))
    swift.expire_tokens()
    proxy.clear()
    assert call(store, verb) == VERBS[verb][2]
    assert proxy.count(path="/auth/") == 1
    assert proxy.count(status=401) >= 1


def test_failures_in_opening(options, proxy):
    """What cannot be opened for another reason than that one may not look is an error; so is a container that may not be made."""
    direct = {**options, "storage_url": proxy.through(options["storage_url"]), "attempts": 1}
    for fault, kind in (
        (Fault(method="HEAD", status=503, times=None), ServiceUnavailableError),
        (Fault(method="HEAD", reset=True, times=None), UnreachableError),
        (Fault(method="PUT", status=403, times=None), AccessDeniedError),
    ):
        proxy.heal()
        proxy.inject(fault)
        with pytest.raises(kind):
            sync(SwiftStore.open("new", "", direct))


def test_not_found(store, proxy):
    """404 of a key is a missing key; 404 of what holds it is an error."""
    proxy.inject(Fault(status=404, times=None))
    assert sync(store.get("a/c/0", PROTOTYPE)) is None
    assert sync(store.get("a/c/0", PROTOTYPE, RangeByteRequest(1, 1))) is None
    assert not sync(store.exists("a/c/0"))
    sync(store.delete("a/c/0"))
    for verb in ("getsize", "getsize_prefix", "list", "list_dir", "is_empty", "set", "create", "clear"):
        with pytest.raises(KeyNotFoundError):
            call(store, verb)
    assert not [request for request in proxy.requests if request.status != 404]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/c/2", status=500, times=None),
        Fault(path="/c/2", status=403, times=None),
        Fault(path="/c/2", status=401, times=None),
        Fault(path="/c/2", reset=True, times=None),
        Fault(path="/c/2", method="GET", cut_after=3, times=None),
        Fault(path="/c/2", method="GET", corrupt=True, times=None),
    ],
    ids=["500", "403", "401", "reset", "cut", "changed"],
)
def test_an_array_is_never_filled_in(store, proxy, fault):
    """An array of which one chunk cannot be read, or written, is an error, and no array with fill values."""
    numbers = np.arange(1, 41, dtype="u4")
    array = zarr.create_array(store, name="array", data=numbers, chunks=10, fill_value=0)
    proxy.inject(fault)
    with pytest.raises(StorageError):
        array[:]
    if fault.method is None:
        with pytest.raises(StorageError):
            array[:] = numbers
    proxy.heal()
    assert (zarr.open_array(store, path="array", mode="r")[:] == numbers).all()
