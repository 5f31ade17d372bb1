"""A transfer made again: what is skipped, what that costs, and what it must not overlook."""

import os
import time
from collections import Counter
from hashlib import blake2b

import pytest

from modos.storage import ROOT_DOCUMENT, LocalStorage, SwiftStorage, open_storage
from modos.testing import Proxy
from modos.transfers import DigestBook, prepare_transfer, transfer
from modos.transfers.engine import WORKERS

MANY = {f"data.zarr/{number // 100}/c/{number}": str(number).encode() for number in range(500)} | {ROOT_DOCUMENT: b"{}"}
FEW = {name: body for name, body in MANY.items() if name.endswith(("7", "json"))}
LARGE = {"large.bin": bytes(20 * 1024 * 1024), ROOT_DOCUMENT: b"{}"}


def age(storage: LocalStorage) -> None:
    """Let what was just written be older than the clock's tick."""
    for path in storage.path.rglob("*"):
        os.utime(path, (1e9, 1e9))


@pytest.mark.thorough
@pytest.mark.parametrize(("kind", "files"), [("s3", FEW), ("s3", LARGE), ("swift", MANY), ("swift", LARGE)])
def test_an_unchanged_object_costs_only_listings(places, here, fill, kind, files):
    """Made again, nothing is asked about any file: one request for each page of the listing, and nothing is read here."""
    fill(here, files)
    age(here)
    target = places.make(kind)
    assert transfer(here, target).files == len(files)
    with Proxy(places.server.url) as proxy:
        there = places.through(proxy, target)
        planned = prepare_transfer(here, there)
        proxy.clear()
        report = transfer(here, there)
        asked = Counter((each.method, "prefix=" in each.query) for each in proxy.requests)
    assert asked == {("GET", True): 1}
    assert (report.files, report.skipped, report.skipped_bytes) == (0, len(files), sum(map(len, files.values())))
    assert (planned.requests, planned.skipped) == (1, len(files))


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_from_a_service_nothing_is_read_again(places, there, fill, kind, content):
    """The other way as well, and between two disks: large and small files are known by what was noted of them."""
    source, files = places.make(kind), {**LARGE, "small": b"x"}
    fill(source, files)
    if kind == "local":
        age(source)
    transfer(source, there)
    assert content(there) == files
    assert transfer(source, there).skipped == 3


def test_without_the_book_contents_are_compared_before_they_are_sent(places, here, fill):
    """When nothing is known of the source, it is read, and what the target has already is not sent."""
    fill(here, FEW)
    target = places.make("swift")
    transfer(here, target)
    with Proxy(places.server.url) as proxy, DigestBook() as book:
        report = transfer(here, places.through(proxy, target), book=book)
        assert proxy.count(method="PUT") == 0
    assert (report.files, report.skipped) == (0, len(FEW))


def test_without_the_book_a_disk_keeps_what_it_has(here, there, fill):
    """Between two disks too, as after a transfer that was killed before it was noted: no file is written again."""
    fill(here, FEW)
    transfer(here, there)
    age(here)
    age(there)
    written = {path: path.stat().st_ino for path in there.path.rglob("*")}
    with DigestBook() as book:
        report = transfer(here, there, book=book)
        assert not prepare_transfer(here, there, book=book).files
    assert {path: path.stat().st_ino for path in there.path.rglob("*")} == written
    assert (report.files, report.skipped) == (0, len(FEW))


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_a_changed_file_of_the_same_size_is_copied(places, here, fill, content, kind):
    """At either end, whether size and time are the same: only what has changed is written."""
    fill(here, {"a": b"1", "b": b"2", ROOT_DOCUMENT: b"{}"})
    age(here)
    target = places.make(kind)
    transfer(here, target)
    here.put(b"3", "a")
    age(here)
    assert transfer(here, target).files == 1
    target.put(b"4", "b")
    assert transfer(here, target).files == 1
    assert content(target) == {"a": b"3", "b": b"2", ROOT_DOCUMENT: b"{}"}


def test_one_object_by_two_protocols_is_the_same(places, fill):
    """The S3 of a Swift cluster tells the files of a container, large ones too: nothing is to be done, nothing is read."""
    by_swift = places.make("swift")
    fill(by_swift, LARGE | {"small": b"x"})
    options = places.options_of(places.make("s3"))
    by_s3 = open_storage(by_swift.url.replace("swift://", "s3://"), storage_options=options)
    assert by_s3.stat("large.bin").size == len(LARGE["large.bin"])
    assert prepare_transfer(by_swift, by_s3).files == prepare_transfer(by_s3, by_swift).files == 0


def test_segments_of_swift_are_no_files_by_its_s3(places, fill, here, content):
    """Of an object that is a whole container: they are neither copied from there, nor removed there as what is left over."""
    fill(here, LARGE)
    container = SwiftStorage("swift://whole", **places.swift_options())
    container.filesystem.mkdir("whole")
    transfer(here, container)
    bucket = open_storage("s3://whole", storage_options=places.options_of(places.make("s3")))
    assert transfer(here, bucket, leftovers="remove").removed == 0
    assert content(container) == content(bucket) == LARGE


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_metadata_and_content_type_travel(places, kind):
    """Of small and large files, from one service to the other and back."""
    source, target = places.make(kind), places.make({"s3": "swift", "swift": "s3"}[kind])
    for name, body in (("small.txt", b"x"), ("large.txt", bytes(9 * 1024 * 1024)), ("empty.txt", b"")):
        source.put(body, name, content_type="text/x-demo", metadata={"donor": "seven"})
    transfer(source, target, commit=None)
    for info in list(target.scan()):
        found = target.stat(info.path)
        assert (found.content_type, dict(found.metadata)) == ("text/x-demo", {"donor": "seven"})


def test_metadata_beyond_ascii_travel_through_s3_and_back(places):
    """Whatever may be said in Swift comes back from S3, of small and of large files; none of it stops a transfer."""
    metadata = {"lab": "Genève 日本", "run id": "7", "müsli": "x", "encoded": "=?UTF-8?B?YQ==?=", "share": "50% a%20b"}
    source, between, target, disk = map(places.make, ("swift", "s3", "swift", "local"))
    bodies = {"small.txt": b"x", "large.txt": bytes(9 * 1024 * 1024), "empty.txt": b""}
    for name, body in bodies.items():
        source.put(body, name, metadata=metadata)
    for one, other in ((source, between), (between, target), (between, disk)):
        assert transfer(one, other, commit=None).files == len(bodies)
    for name in bodies:
        assert dict(between.stat(name).metadata) == dict(target.stat(name).metadata) == metadata


def test_the_estimate_of_requests_is_about_right(places, here, fill):
    """For a first transfer of small files, what is planned is what is asked, give or take what each worker asks once."""
    fill(here, FEW)
    with Proxy(places.server.url) as proxy:
        there = places.through(proxy, places.make("swift"))
        planned = prepare_transfer(here, there).requests
        proxy.clear()
        transfer(here, there)
        assert planned == len(FEW) + 1
        assert len(proxy.requests) - planned in range(2 * WORKERS)


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_the_estimate_counts_what_a_service_is_asked_that_copies_by_itself(places, fill, kind):
    """It looks at each file before it copies and afterwards: these requests are planned as well."""
    files = {f"{number}.txt": b"x" for number in range(40)}
    source = places.make(kind)
    fill(source, files)
    with Proxy(places.server.url) as proxy:
        ends = [places.through(proxy, each) for each in (source, places.make(kind))]
        planned = prepare_transfer(*ends, commit=None).requests
        proxy.clear()
        transfer(*ends, commit=None)
        assert len(proxy.requests) - planned in range(len(files) // 2)


OTHERS = {"s3": {"PUT": 1, "GET": 3}, "swift": {"PUT": 3, "GET": 3}}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_small_file_is_one_request(places, here, there, fill, kind):
    """Up and down: no file is asked for twice, or looked at before or afterwards; the other requests are few.

    Up there is one of the target; Swift is asked once for its limits, and whose segments would be left behind. Down
    there are those for the committing file, for all, and for what has changed meanwhile.
    """
    fill(here, FEW)
    with Proxy(places.server.url) as proxy:
        place = places.through(proxy, places.make(kind))
        for ends, method in (((here, place), "PUT"), ((place, there), "GET")):
            proxy.clear()
            transfer(*ends)
            asked = Counter((each.method, each.path.partition("/ex/")[2]) for each in proxy.requests)
            assert asked == {**{(method, name): 1 for name in FEW}, ("GET", ""): OTHERS[kind][method]}


@pytest.mark.parametrize(("kind", "files"), [("s3", LARGE), ("swift", LARGE), ("swift", FEW)])
def test_what_a_disk_has_already_is_not_asked_for(places, there, fill, kind, files):
    """Nobody has noted it, as when the process that has fetched it was killed: it is compared where it is."""
    source = places.make(kind)
    fill(source, files)
    fill(there, files | {ROOT_DOCUMENT: b"old"})
    with Proxy(places.server.url) as proxy:
        report = transfer(places.through(proxy, source), there)
        asked = {each.path.partition("/ex/")[2] for each in proxy.requests if each.method == "GET"}
    assert (report.files, report.skipped) == (1, len(files) - 1)
    assert there.read(ROOT_DOCUMENT) == files[ROOT_DOCUMENT]
    assert asked - {"", "large.bin"} == {ROOT_DOCUMENT}
    assert proxy.count(method="GET", path="large.bin") <= 1  # the manifest alone, for the parts' digests


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_what_is_known_of_a_large_file_is_known_of_its_copies(places, here, kind, monkeypatch):
    """Its BLAKE2b is taken on its first way, and then known by the MD5s of its parts, there and back; nobody takes it again."""
    file, digest = here.put(LARGE["large.bin"], "large.bin"), blake2b(LARGE["large.bin"]).hexdigest()
    with DigestBook.of_user() as book:
        book.record(here, file, {"blake2b": digest})
    time.sleep(0.05)  # what is younger than the clock's tick is not noted
    first, again, back = places.make(kind), places.make(kind), places.make("local")
    assert transfer(here, first, commit=None).digests == {"large.bin": digest}
    monkeypatch.setattr("modos.transfers.files.under_way.Chain", None)
    assert transfer(here, again, commit=None).digests == {"large.bin": digest}
    assert transfer(again, back, commit=None).digests == {"large.bin": digest}


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_what_a_service_has_copied_is_known(places, fill, kind):
    """Also a file that consists of parts: made again, nothing is copied, here or there; and it can be read on."""
    source, target = places.make(kind), places.make(kind)
    fill(source, LARGE)
    assert transfer(source, target).files == 2
    assert transfer(source, target).skipped == 2
    assert transfer(target, places.make("local")).files == 2
