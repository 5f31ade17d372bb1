"""Finding objects: what is found is what is there, and the requests are few."""

import json
import subprocess
import sys
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modos.errors import InvalidInputError
from modos.storage import ROOT_DOCUMENT, ObjectInfo, find_objects, list_remote_modos
from modos.storage.backends.remote import Page
from modos.storage.discovery import objects_by_page
from modos.testing import Proxy

HIERARCHY = "data.zarr/"
OLD_ROOT = "data.zarr/.zgroup"

stems = st.sampled_from(
    ["a", "b", "data", "data.zarr", "dataa", "e", "ex", "ex-1", "ex.1", "ex1", "z", "zarr.json", "ü", "🧬"]
)
directories = st.lists(stems, max_size=3).map("/".join)
tails = st.sampled_from(
    [ROOT_DOCUMENT, "data.zarr/sample/zarr.json", "data.zarr/zarr.jso", "data.zarr/zarr.json0", "data.zarr/zz/c/0",
     "zarr.json", "file", "reads/demo.cram", "data.zarr0", "data.zarr/zarr.json/odd"]
)  # fmt: skip
older = st.sampled_from(["data.zarr/.zattrs", "data.zarr/.zgroup", "data.zarr/sample/.zgroup"])


def names_of(tails):
    """Draw names in nested directories."""
    return st.lists(
        st.builds(lambda directory, tail: f"{directory}/{tail}".lstrip("/"), directories, tails), max_size=40
    )


names = names_of(tails)


def in_order(names):
    """Names as a service lists them: once each, by their bytes."""
    return sorted(set(names), key=str.encode)


def defined_objects(names):
    """What an object is: a directory with a root document, of whichever format, that lies in no other and in no hierarchy."""
    roots = {
        name.removesuffix(root).removesuffix("/")
        for name in names
        for root in (ROOT_DOCUMENT, OLD_ROOT)
        if f"/{name}".endswith(f"/{root}") and name.split("/").count("data.zarr") == 1
    }
    return {
        root
        for root in roots
        if not any(root != other and (other == "" or root.startswith(f"{other}/")) for other in roots)
    }


class Listing:
    """A service that lists names in pages, and counts."""

    def __init__(self, names, page_size):
        self.names = in_order(names)
        self.page_size = page_size
        self.requests = 0

    def page_after(self, marker):
        self.requests += 1
        behind = [name for name in self.names if name.encode() > marker.encode()]
        page = behind[: self.page_size]
        infos = [ObjectInfo(PurePosixPath(name)) for name in page]
        return Page(infos, page[-1] if len(behind) > len(page) else None)


@pytest.mark.thorough
@settings(max_examples=400, deadline=None)
@given(names_of(tails | older), st.integers(1, 12))
@example([ROOT_DOCUMENT, "a/data.zarr/zarr.json"], 1)
@example(["ex/a/data.zarr/zarr.json", "ex/data.zarr/zarr.json"], 1)
@example(["ex/data.zarr/.zattrs", "ex/data.zarr/.zgroup", "ex/data.zarr/sample/.zgroup", "old/data.zarr/.zgroup"], 1)
@example(["ex/data.zarr/zarr.json", "ex-1/data.zarr/zarr.json", "ex1/data.zarr/zarr.json"], 2)
def test_what_is_found_by_page_is_what_is_there(names, page_size):
    """Whatever the page size: every object once, in order, and none that lies inside another."""
    listing = Listing(names, page_size)
    found = list(objects_by_page(listing.page_after))
    assert found == sorted(found, key=lambda directory: f"{directory}/".encode())
    assert len(found) == len(set(found))
    assert set(found) == defined_objects(names)


@settings(max_examples=200, deadline=None)
@given(names, st.integers(1, 12))
@example([f"data.zarr/{name}" for name in ("sample/zarr.json", "zarr.json0", "zarr.json/odd", "zz/c/0")], 1)
def test_the_requests_are_few(names, page_size):
    """What is inside a hierarchy costs at most two requests; all else one for each full page."""
    listing = Listing(names, page_size)
    found = list(objects_by_page(listing.page_after))
    hierarchies = {name.partition(HIERARCHY)[0] for name in names if f"/{HIERARCHY}" in f"/{name}"}
    outside = [name for name in listing.names if f"/{HIERARCHY}" not in f"/{name}"]
    assert listing.requests <= 2 * len(hierarchies) + len(outside) // page_size + 1
    assert len(found) <= len(hierarchies)


def _tree(objects, keys):
    """Objects beneath nested prefixes, each with a hierarchy, files on both sides of it, and neighbours."""
    for number in range(objects):
        directory = f"study{number % 5}/batch {number % 3}/ex{number}"
        yield f"{directory}/{ROOT_DOCUMENT}"
        yield f"{directory}/assay.cram"
        yield f"{directory}/reads.cram"
        yield from (f"{directory}/data.zarr/reference/r{key:03}/zarr.json" for key in range(keys - 3))


def _expected(objects):
    return {f"study{number % 5}/batch {number % 3}/ex{number}" for number in range(objects)}


FILL_LISTING = """
import json, sqlite3, sys, time
from pathlib import Path
from swift.container.backend import ContainerBroker
scratch, container = sys.argv[1:]
for place in Path(scratch).glob("**/containers/**/*.db"):
    broker = ContainerBroker(str(place))
    if broker.get_info()["container"] == container:
        entry = {"size": 2, "content_type": "text/plain", "etag": "99914b932bd37a50b983c5e7c90ae93b", "deleted": 0}
        entry |= {"created_at": f"{time.time():.5f}", "storage_policy_index": 0}
        broker.merge_items([{**entry, "name": name} for name in json.load(sys.stdin)])
        break
else:
    sys.exit("no such container")
"""
"""Writes names into the listing of a container: storing 15,000 objects one by one would take a minute."""


@pytest.fixture(scope="module")
def crowd(account):
    """A container that lists 50 objects of 300 keys each."""
    container = account.container()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FILL_LISTING, account.server._scratch, container],
        input=json.dumps(list(_tree(50, 300))).encode(),
        check=True,
        capture_output=True,
    )
    headers = account.ask("HEAD", f"/{container}")[1]
    assert headers["X-Container-Object-Count"] == "15000"
    return container


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_fifty_objects_of_300_keys_take_at_most_60_requests(account, crowd, kind, record_property):
    """On a real service `list_remote_modos` finds all of them in fewer requests than there are objects and pages."""
    with Proxy(account.server.url) as proxy:
        if kind == "s3":
            storage = account.s3(crowd, endpoint=proxy.url)
        else:
            storage = account.swift(crowd, storage_url=proxy.through(account.server.storage_url))
        found = list_remote_modos(storage)
        record_property("requests", len(proxy.requests))
        print(f"{kind}: {len(proxy.requests)} requests")  # noqa: T201 - the number is the point
        assert set(found) == {storage.url_of(name) for name in _expected(50)}
        assert len(proxy.requests) <= 60
        proxy.clear()
        assert len(list_remote_modos(storage, "study3")) == 10
        assert len(proxy.requests) <= 12


class TestEveryStorage:
    """The same objects are found wherever they live."""

    def test_nested_prefixes(self, place):
        """Objects at any depth are found; what is inside an object, and a hierarchy without a root document, is not."""
        for name in (
            "ex/data.zarr/zarr.json",
            "ex/a/data.zarr/zarr.json",
            "ex/z/inner/data.zarr/zarr.json",
            "ex-1/data.zarr/zarr.json",
            "a/b/c d+e/data.zarr/zarr.json",
            "half/data.zarr/sample/zarr.json",
            "files/only.txt",
            "ünï/data.zarr/zarr.json",
        ):
            place.put(b"{}", name)
        expected = {"ex", "ex-1", "a/b/c d+e", "ünï"}
        assert set(find_objects(place)) == expected
        assert set(list_remote_modos(place)) == {place.url_of(name) for name in expected}
        assert list(find_objects(place, "a")) == list(find_objects(place, "a/b/")) == ["a/b/c d+e"]
        assert list(find_objects(place, "e")) == []
        assert list_remote_modos(place / "a") == [place.url_of("a/b/c d+e")]

    def test_the_root_may_be_the_object(self, place):
        """A storage that is an object holds that one, under the address of the storage."""
        for name in (ROOT_DOCUMENT, "a.txt", "inner/data.zarr/zarr.json"):
            place.put(b"{}", name)
        assert list(find_objects(place)) == [""]
        assert list_remote_modos(place) == [place.url]

    def test_an_object_looked_beneath_is_found(self, place):
        """Looking beneath an object's own directory finds it."""
        place.put(b"{}", f"study/ex/{ROOT_DOCUMENT}")
        assert list(find_objects(place, "study/ex")) == ["study/ex"]

    def test_where_to_look_is_named_as_any_target(self, place):
        """Text and paths name the same directory; what leads out of the storage, or is neither, is refused in words."""
        place.put(b"{}", f"study/ex/{ROOT_DOCUMENT}")
        assert list_remote_modos(place, PurePosixPath("study")) == list_remote_modos(place, "study") != []
        for target in ("../study", PurePosixPath("/study"), "study//ex", 5):
            with pytest.raises(InvalidInputError):
                list_remote_modos(place, target)

    def test_an_address_is_no_storage(self):
        """It is refused in words before anything is asked."""
        with pytest.raises(InvalidInputError, match=r"open_storage\(address\) returns, not by a str"):
            list_remote_modos("swift://omics")

    def test_nothing_is_nothing(self, place):
        """An empty storage, and a directory that is not there, hold no object."""
        assert list_remote_modos(place) == list_remote_modos(place, "missing") == []
