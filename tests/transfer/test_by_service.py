"""Within one service, the service can copy by itself: what passes here, what proves the copy, and where it is not done."""

from hashlib import blake2b
from random import Random

import pytest

from modos.errors import IntegrityError
from modos.storage import ROOT_DOCUMENT, FsspecStorage, SwiftStorage
from modos.storage.neighbours import service_copies
from modos.testing import Fault, Proxy
from modos.transfers import DigestBook, transfer

FILES = {
    "data.zarr/sample/s1/zarr.json": b'{"sample": 1}',
    "empty.txt": b"",
    "reads/große Probe + 1=ü.bam": Random(1).randbytes(3000),
    "large.bin": Random(2).randbytes(9 * 1024 * 1024),  # in segments or parts, whose MD5 nobody tells
    ROOT_DOCUMENT: b'{"root": 1}',
}


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_within_a_service_the_service_copies_everything(places, fill, content, kind):
    """Everything arrives, large files too; what nobody has read has no digest."""
    source, target = places.make(kind), places.make(kind)
    fill(source, FILES)
    assert any(info.md5 is None for info in source.scan())
    report = transfer(source, target)
    assert content(target) == FILES
    assert report.digests == {}
    assert (report.files, report.bytes) == (len(FILES), sum(map(len, FILES.values())))


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_a_very_large_file_is_copied_by_parts(places, fill, content, kind, monkeypatch):
    """What is too large for one request the service copies part by part; what the first source's digests were is known then."""
    monkeypatch.setattr("modos.transfers.files.courier.SERVICE_WHOLE", 0)
    origin, source, target = places.make("local"), places.make(kind), places.make(kind)
    large = {"large.bin": Random(3).randbytes(20 * 1024 * 1024)}
    fill(origin, large)
    with DigestBook.of_user() as book:
        book.record(origin, origin.stat("large.bin"), {"blake2b": blake2b(large["large.bin"]).hexdigest()})
    transfer(origin, source, commit=None)
    report = transfer(source, target, commit=None)
    assert content(target) == large
    assert report.service_bytes == report.bytes == len(large["large.bin"])
    assert report.digests == {"large.bin": blake2b(large["large.bin"]).hexdigest()}


def test_no_byte_passes_here(places, fill, transfer_server):
    """No file is read, and no body goes in either direction."""
    source, target = places.make("swift"), places.make("swift")
    fill(source, {f"{number}.txt": b"x" * 1000 for number in range(5)} | {ROOT_DOCUMENT: b"{}"})
    with Proxy(transfer_server.url) as proxy:
        options = {**places.swift_options(), "storage_url": proxy.through(transfer_server.storage_url)}
        transfer(*(SwiftStorage(place.url, **options) for place in (source, target)))
        files = [request for request in proxy.requests if "/ex/" in request.path]
        assert len([request for request in files if request.method == "PUT"]) == 6
        assert not [request for request in files if request.method == "GET" or request.bytes_sent]


def test_a_full_proof_reads_back_what_the_service_has_copied(places, fill):
    """Also a file that no transfer has seen before: other bytes at the target are found out, and the digests are told."""
    source, target = places.make("swift"), places.make("swift")
    files = {"reads.txt": b"ACGT" * 99, ROOT_DOCUMENT: b"{}"}
    fill(source, files)
    with Proxy(places.server.url) as proxy:
        ends = [places.through(proxy, place) for place in (source, target)]
        proxy.inject(Fault(method="GET", path=f"{target.path}/reads.txt", corrupt=True, times=None))
        with pytest.raises(IntegrityError, match="what is stored is not what was sent"):
            transfer(*ends, verify="full")
        assert not target.exists(ROOT_DOCUMENT)
        target.remove("reads.txt")
        proxy.heal()
        report = transfer(*ends, verify="full")
    assert report.digests == {name: blake2b(body).hexdigest() for name, body in files.items()}
    assert report.service_bytes == report.bytes


def test_a_copy_does_not_expire(places):
    """What Swift deletes at some time is copied to be kept, by the service as by this machine."""
    source, target = places.make("swift"), places.make("swift")
    places.put_plainly(source, "reads.txt", b"ACGT", **{"X-Delete-After": "3600", "Content-Type": "text/x-demo"})

    def headers(storage):
        files = storage.filesystem
        return files.run(files.objects.head, str(storage.path / "reads.txt")).headers

    for by_service in (True, False):
        assert transfer(source, target, commit=None, by_service=by_service).files == 1
        assert "X-Delete-At" in headers(source)
        assert "X-Delete-At" not in headers(target)
        assert target.stat("reads.txt").content_type == "text/x-demo"
        target.remove("reads.txt")


def test_a_file_that_changes_meanwhile_is_found_out(places, fill):
    """The MD5 of what is stored is that of the listing, or it is an error."""
    source, target = places.make("swift"), places.make("swift")
    fill(source, {"a.txt": b"1", "b.txt": b"2", ROOT_DOCUMENT: b"{}"})

    def change(progress):
        if progress.files_done == 1:
            source.put(b"changed", "b.txt")

    with pytest.raises(IntegrityError, match="not what the source lists"):
        transfer(source, target, workers=1, progress=change)
    assert not target.exists(ROOT_DOCUMENT)


def test_who_are_neighbours(places):
    """One service and one account; a directory, another kind of storage, and another account are none."""
    swift, bucket = places.make("swift"), places.make("s3")
    assert service_copies(swift, places.make("swift"))
    assert service_copies(bucket, places.make("s3"))
    assert not service_copies(swift, bucket)
    assert not service_copies(places.make("local"), places.make("local"))
    other = SwiftStorage("swift://omics", storage_url=f"{places.server.storage_url}2", token="t")
    assert not service_copies(swift, other)
    assert not service_copies(*(FsspecStorage(bucket.filesystem, name) for name in "ab"))
