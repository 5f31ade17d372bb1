"""A file is given another beginning by its service: the rest is not sent, and stays the file's own."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import KeyChangedError, ReadOnlyError, ServiceError
from modos.swift.objects.beginnings import entries_behind
from modos.testing import Fault, Proxy

SIZES = {"swift": 700_000, "s3": 9_000_000}


@pytest.fixture(params=["swift", pytest.param("s3", marks=pytest.mark.thorough)])
def kind(request):
    return request.param


@pytest.fixture
def proxy(account):
    with Proxy(account.server.url) as proxy:
        yield proxy


@pytest.fixture
def storage(kind, account, container, proxy):
    """A storage whose requests are counted; Swift's with segments of 256 KiB."""
    if kind == "swift":
        address = proxy.through(account.server.storage_url)
        return account.swift(container, storage_url=address, segment_size=2**18, attempts=1)
    return account.s3(container, endpoint=proxy.url)


@pytest.fixture
def body(kind):
    return random.Random(7).randbytes(SIZES[kind])


def test_only_the_beginning_is_sent(storage, body, proxy, kind):
    """Once, and again, longer, shorter, and beyond what was new before; content type and metadata stay."""
    options = {"content_type": "chemical/x", "metadata": {"lab": "Geneva"}}
    storage.put(body, "file", **options)
    expected = body
    for head, start in ((b"new", 100), (b"longer than it was", 3), (b"a", 9), (b"header", 300_000)):
        info = storage.stat("file")
        proxy.clear()
        made = storage.parts.replace_beginning(info, head, start)
        assert sum(request.bytes_sent for request in proxy.requests) < (2_000 if kind == "swift" else 5.3e6)
        expected = head + expected[start:]
        assert storage.read("file") == expected
        assert storage.read("file", len(head) - 1, len(head) + 9) == expected[len(head) - 1 : len(head) + 9]
        assert (made.size, made.content_type, made.metadata) == (len(expected), *options.values())
        assert made == storage.stat("file") != info


@pytest.mark.parametrize("kind", ["swift"])
def test_what_is_to_expire_does_so_with_another_beginning(storage, account, container, body):
    """Its segments may expire at the same time: nothing is to be left that has none of them."""
    storage.put(body, "file")
    account.ask("POST", f"/{container}/file", headers={"X-Delete-At": "4000000000"})
    storage.parts.replace_beginning(storage.stat("file"), b"new", 5)
    assert account.ask("HEAD", f"/{container}/file")[1]["X-Delete-At"] == "4000000000"


def test_what_was_replaced_meanwhile_is_left(storage, body):
    """A file of another version is not given a beginning that is not its own."""
    storage.put(body, "file")
    info = storage.stat("file")
    storage.put(body[::-1], "file")
    with pytest.raises(KeyChangedError, match="file"):
        storage.parts.replace_beginning(info, b"new", 5)
    assert storage.read("file") == body[::-1]


@pytest.mark.parametrize("kind", ["swift"])
def test_what_is_replaced_while_its_manifest_is_read_is_left(account, container, body):
    """The manifest is of another version than the one that was looked at: that one stays as it is."""

    def replace(request):
        if request.query == "multipart-manifest=get" and kept.stat("file").etag == info.etag:
            kept.put(body[::-1], "file")

    kept = account.swift(container, segment_size=2**18)
    info = kept.put(body, "file")
    with Proxy(account.server.url, on_request=replace) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url), segment_size=2**18)
        with pytest.raises(KeyChangedError, match="file"):
            storage.parts.replace_beginning(info, b"new", 5)
    assert kept.read("file") == body[::-1]


@pytest.mark.thorough
def test_what_is_replaced_at_the_last_moment_is_left(account, container, proxy):
    """A service of S3 that compares is asked to: the copy of the file that was read never takes the place of another."""
    storage = account.s3(container, endpoint=proxy.url)
    body = random.Random(7).randbytes(SIZES["s3"])
    info = storage.put(body, "file")
    proxy.clear()
    proxy.inject(Fault(method="POST", path="/file", after=1, status=412))
    with pytest.raises(KeyChangedError, match="file"):
        storage.parts.replace_beginning(info, b"new", 5)
    completing = [each for each in proxy.requests if each.method == "POST"][-1]
    assert (completing.status, completing.headers["if-match"]) == (412, f'"{info.etag}"')
    assert storage.read("file") == body
    assert not list(storage.parts.unfinished())


def test_nothing_is_done_where_it_does_not_pay(storage, make_storage):
    """For small files, on a disk, and of a file that would be nothing but its beginning."""
    for each in (storage, make_storage("local")):
        info = each.put(b"ACGT", "file")
        assert each.parts.replace_beginning(info, b"T", 1) is None
        assert each.parts.replace_beginning(info, b"T", 4) is None
        assert each.read("file") == b"ACGT"
        each.read_only = True
        with pytest.raises(ReadOnlyError):
            each.parts.replace_beginning(info, b"T", 1)


@pytest.mark.parametrize("whole", [False, True], ids=["segments", "one object"])
def test_nothing_is_lost_and_nothing_left_in_swift(whole, account, container, proxy):
    """A copy is a file of its own; overwriting, moving and removing leave no segment, and destroy none that is needed."""
    address = proxy.through(account.server.storage_url)
    storage = account.swift(container, storage_url=address, segment_size=2**30 if whole else 2**18, attempts=1)
    body = random.Random(8).randbytes(700_000)
    names = [f"file{number}" for number in range(4)]
    for name in names:
        storage.put(body, name)
        storage.parts.replace_beginning(storage.stat(name), b"new", 100)
    expected = b"new" + body[100:]
    storage.copy("file0", "copy")
    storage.remove("file0")
    storage.put(body, "file1")
    storage.move("file2", "moved")
    storage.remove_tree("file3")
    storage.remove_many(["file3", "nothing"])
    assert storage.read("copy") == storage.read("moved") == expected
    assert storage.read("file1") == body
    storage.parts.replace_beginning(storage.stat("copy"), b"again", 3)
    storage.remove_many(["copy", "moved"])
    assert storage.read("file1") == body
    storage.remove("file1")
    assert account.ask("GET", f"/{container}")[2] == b""


def test_a_service_that_fails_leaves_the_file_as_it_was(account, container, proxy):
    """And no segment; one that takes no such manifest is told by `None`."""
    address = proxy.through(account.server.storage_url)
    storage = account.swift(container, storage_url=address, attempts=1)
    body = random.Random(9).randbytes(300_000)
    info = storage.put(body, "file")
    proxy.inject(Fault(method="PUT", path=f"{container}/file", status=500))
    with pytest.raises(ServiceError):
        storage.parts.replace_beginning(info, b"new", 5)
    proxy.heal()
    assert storage.read("file") == body
    proxy.inject(Fault(method="PUT", path=f"{container}/file", status=400))
    assert storage.parts.replace_beginning(info, b"new", 5) is None
    assert storage.read("file") == body


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_entries_name_what_is_behind(lengths, cuts):
    """Of whole segments, of ranges, and of data in the manifest, however often the beginning was cut off."""
    borders = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
    content = bytes(range(borders[-1]))
    parts = [{"name": f"/c/{start}", "hash": "0cc1", "bytes": end - start} for start, end in pairwise(borders)]
    for cut in cuts:
        entries = [*entries_behind(parts, cut)]
        content = content[cut:]
        found = b""
        for entry in entries:
            start = int(entry["path"].removeprefix("/c/"))
            first, _, last = entry.get("range", f"0-{entry['size_bytes'] - 1}").partition("-")
            found += bytes(range(start + int(first), start + int(last) + 1))
        assert found == content
        parts = [
            {"name": entry["path"], "hash": entry["etag"], "bytes": entry["size_bytes"]}
            | ({"range": entry["range"]} if "range" in entry else {})
            for entry in entries
        ]
