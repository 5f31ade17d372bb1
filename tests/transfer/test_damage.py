"""Bytes that change without anybody writing them: on a disk of the service, on ours, in a part that was brought before."""

import os
import tracemalloc
from hashlib import blake2b
from io import BytesIO
from random import Random

import pytest

from modos.errors import IntegrityError, StorageError
from modos.storage import ROOT_DOCUMENT, LocalStorage, S3Storage, Storage
from modos.storage.parts.rules import PartRules
from modos.testing import Fault, Proxy
from modos.transfers import DigestBook, transfer

pytestmark = pytest.mark.thorough

MARK = b"here is where a disk will fail"
PART = 5 * 1024 * 1024
LARGE = Random(1).randbytes(PART) + MARK + Random(2).randbytes(PART)
BODIES = {"small": b"read me: " + MARK, "large": LARGE}


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    """Parts as small as S3 takes them."""
    monkeypatch.setattr(PartRules, "size_for", lambda self, size: PART)


def put(places, storage, body, sent):
    """Store a file, in one piece or in parts."""
    storage.put(b"{}", ROOT_DOCUMENT)
    if sent == "whole":
        places.put_plainly(storage, "reads", body)
    else:
        storage.put(body, "reads")


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["to a disk", "by the service"])
@pytest.mark.parametrize(("size", "sent"), [("small", "whole"), ("large", "whole"), ("large", "in parts")])
@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_a_service_whose_disk_has_failed_is_found_out(places, kind, size, sent, way):
    """A byte is another one where the service stores it: nothing arrives, however the file is stored and fetched."""
    source, target = places.make(kind), places.make(kind if way == "by the service" else "local")
    put(places, source, BODIES[size], sent)
    places.damage(MARK)
    source, target = (places.again(each, attempts=1) for each in (source, target))
    with pytest.raises(StorageError, match="reads"):
        transfer(source, target)
    assert not target.exists(ROOT_DOCUMENT)


class Failing(LocalStorage):
    """A disk that reads something else than was written."""

    def _fetch(self, name, start, end):
        body, told = super()._fetch(name, start, end)
        return bytes(body).replace(MARK, MARK.upper()), told

    def _pour(self, name, span):
        return Storage._pour(self, name, span)  # which fetches

    def _open(self, name):
        with super()._open(name) as file:
            return BytesIO(file.read().replace(MARK, MARK.upper()))


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
@pytest.mark.parametrize(
    ("size", "known"), [("small", "sent"), ("large", "sent"), ("large", "sent otherwise"), ("large", "added")]
)
def test_a_disk_that_has_failed_here_is_found_out(  # noqa: PLR0917 - fixtures and a case
    places, here, size, known, kind, monkeypatch
):
    """A file that is another one than when it was last read, and that nobody has written since, is not sent on.

    A large one is compared by its parts, or by parts of another size or as a whole where nothing else is known of it.
    """
    here.put(BODIES[size], "reads")
    os.utime(here.path / "reads", (1e9, 1e9))  # what is younger than the clock's tick is not noted
    if known != "added":
        with monkeypatch.context() as patched:
            patched.setattr(PartRules, "size_for", lambda self, size: PART + (known == "sent otherwise"))
            transfer(here, places.make("swift"), commit=None)
    else:
        with DigestBook.of_user() as book:
            book.record(here, here.stat("reads"), {"blake2b": blake2b(BODIES[size]).hexdigest()})
    target = places.make(kind)
    with pytest.raises(IntegrityError, match="nobody has written it since"):
        transfer(Failing(here.path), target, commit=None)
    assert target.empty()
    assert list(target.parts.unfinished()) == []


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_what_a_disk_gave_wrongly_before_a_break_is_brought_anew(places, here, content, kind):
    """Parts were sent as they were read then: they are not those that the file had before, and none such is kept.

    Of those that Swift has, each is compared with the file; otherwise all are sent again.
    """
    here.put(LARGE, "reads")
    here.put(b"{}", ROOT_DOCUMENT)
    os.utime(here.path / "reads", (1e9, 1e9))
    transfer(here, places.make("s3"))
    target = places.make(kind)
    broken_off(Failing(here.path), target, 2 * PART)
    report = transfer(here, target)
    assert content(target) == {"reads": LARGE, ROOT_DOCUMENT: b"{}"}
    assert (report.files, report.resumed_bytes) == (2, PART if kind == "swift" else 0)


class Cut(Exception):  # noqa: N818 - it stands for a process that ends
    pass


def broken_off(source, target, at):
    """Transfer until so many bytes have arrived."""

    def watch(progress):
        if progress.bytes_done >= at:
            raise Cut

    with pytest.raises(Cut):
        transfer(source, target, workers=1, progress=watch)


@pytest.mark.parametrize("pair", [("swift", "local"), ("swift", "s3"), ("s3", "swift")], ids="-to-".join)
def test_a_part_that_was_damaged_before_a_break_is_found_out(places, content, pair):
    """The source tells only the MD5 of the whole: what an earlier transfer has brought is looked at once more."""
    source, target = places.make(pair[0]), places.make(pair[1])
    put(places, source, LARGE, "whole")
    with Proxy(places.server.url) as proxy:
        proxy.inject(Fault(method="GET", path="reads", corrupt=True))
        broken_off(places.through(proxy, source), target, PART)
    report = transfer(source, target)
    assert content(target) == {"reads": LARGE, ROOT_DOCUMENT: b"{}"}
    assert report.files == 2


@pytest.mark.parametrize("kind", ["local", "swift"])
def test_a_part_that_a_disk_here_damages_after_a_break_is_sent_again(places, here, content, kind):
    """What was noted of it is compared with what is there, whether or not the source tells an MD5; it was not brought before."""
    source, seen = places.make(kind), []
    if kind == "local":
        source.put(LARGE, "reads")
        source.put(b"{}", ROOT_DOCUMENT)
    else:
        put(places, source, LARGE, "whole")
    broken_off(source, here, 2 * PART)
    (partial,) = (path for path in here.path.rglob("*.partial") if path.stat().st_size == len(LARGE))
    with partial.open("r+b") as file:
        file.write(bytes([LARGE[0] ^ 1]))
    report = transfer(source, here, progress=seen.append)
    assert content(here) == {"reads": LARGE, ROOT_DOCUMENT: b"{}"}
    assert report.resumed_bytes == PART
    assert max(each.bytes_done for each in seen) == seen[-1].bytes_done == seen[-1].bytes_total


def test_what_nobody_has_compared_before_a_break_is_compared_with_the_file(places, here, content):
    """Swift is sent parts while they are read: one that was damaged when its writer was killed is found and sent again."""
    body, target = Random("not compared").randbytes(3 * PART), places.make("swift")
    here.put(body, "reads")
    here.put(b"{}", ROOT_DOCUMENT)
    broken_off(here, target, 2 * PART)
    places.change_segment(target, 0, bytes(PART))
    report = transfer(here, target)
    assert content(target) == {"reads": body, ROOT_DOCUMENT: b"{}"}
    assert report.resumed_bytes == PART


@pytest.mark.parametrize("is_continued", [False, True])
def test_of_what_is_sent_out_of_a_file_no_part_is_held(places, here, content, is_continued):
    """However large the parts are: a file of a terabyte, whose parts have a gibibyte, takes no more memory than this."""
    here.put(LARGE * 2, "reads")
    here.put(b"{}", ROOT_DOCUMENT)
    target = places.make("swift")
    if is_continued:
        broken_off(here, target, 2 * PART)
    tracemalloc.start()
    try:
        report = transfer(here, target)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < PART
    assert report.resumed_bytes == is_continued * 2 * PART
    assert content(target) == {"reads": LARGE * 2, ROOT_DOCUMENT: b"{}"}


@pytest.mark.parametrize("kind", ["local", "swift"])
def test_of_what_comes_to_a_disk_no_part_is_held(places, here, content, kind):
    """However large the parts are, likewise; of one that an earlier transfer has brought neither."""
    origin, source = places.make("local"), places.make(kind)
    origin.put(LARGE * 2, "reads")
    origin.put(b"{}", ROOT_DOCUMENT)
    transfer(origin, source)
    broken_off(source, here, 2 * PART)
    tracemalloc.start()
    try:
        report = transfer(source, here)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < PART
    assert report.resumed_bytes == 2 * PART
    assert content(here) == {"reads": LARGE * 2, ROOT_DOCUMENT: b"{}"}


class InOneStream(S3Storage):
    """A bucket that is given no parts."""

    parts = None


def test_where_there_are_no_parts_a_large_file_goes_in_one_stream(places, content):
    """From one service to itself, whose client reads while it writes: damaged once it is sent again, always nothing arrives."""
    source, target = places.make("s3"), places.make("s3")
    put(places, source, LARGE * 2, "whole")
    target = InOneStream(target.url, target._endpoint, target._options)
    with Proxy(places.server.url) as proxy:
        troubled = places.through(proxy, source)
        damage = {"method": "GET", "path": "/reads", "corrupt": True}
        proxy.inject(Fault(times=None, **damage))
        with pytest.raises(IntegrityError, match="what was read is not what is listed"):
            transfer(troubled, target)
        assert target.empty()
        proxy.heal()
        proxy.inject(Fault(**damage))
        report = transfer(troubled, target, by_service=False)
    assert content(target) == {"reads": LARGE * 2, ROOT_DOCUMENT: b"{}"}
    assert set(report.digests) == {"reads", ROOT_DOCUMENT}


@pytest.mark.parametrize(("target_kind", "fetched"), [("local", 2), ("s3", 3)])
def test_a_continued_file_is_proven_as_a_whole(places, content, noted, target_kind, fetched):
    """Parts that are on a disk here are read there, others from the source; none is sent twice, and there is an MD5 of all."""
    source, target = places.make("swift"), places.make(target_kind)
    put(places, source, LARGE, "whole")
    broken_off(source, target, PART)
    with Proxy(places.server.url) as proxy:
        report = transfer(places.through(proxy, source), places.through(proxy, target))
        asked = [each for each in proxy.requests if each.path.endswith("/ex/reads") and "uploadId" not in each.query]
        assert [each.method for each in asked].count("GET") == fetched
        assert proxy.count(method="PUT", path="/ex/reads") == (2 if target_kind == "s3" else 0)
    assert content(target) == {"reads": LARGE, ROOT_DOCUMENT: b"{}"}
    assert report.resumed_bytes == PART
    assert set(report.digests) == {ROOT_DOCUMENT}
    assert noted(target, "reads", LARGE) == {"md5", f"md5s-{PART}"}
