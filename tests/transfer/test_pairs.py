"""From every kind of place to every kind of place, on real servers."""

import threading
from hashlib import blake2b
from itertools import product
from random import Random

import pytest

from modos.storage import ROOT_DOCUMENT, Storage
from modos.storage.neighbours import copy_by_service
from modos.storage.parts.names import is_partial
from modos.storage.parts.rules import WHOLE
from modos.storage.parts.upload import PartUpload
from modos.transfers import transfer

pytestmark = pytest.mark.thorough

KINDS = ("local", "s3", "swift")

FILES = {
    "data.zarr/sample/s1/zarr.json": b'{"sample": 1}',
    "empty.txt": b"",
    "reads/große Probe + 1=ü.bam": Random(1).randbytes(3000),
    "reads/日本/%41&?#.txt": b"\x00\xff",
    "large.bin": Random(2).randbytes(9 * 1024 * 1024 + 3),
    "exact.bin": Random(3).randbytes(8 * 1024 * 1024),
    ROOT_DOCUMENT: b'{"root": 1}',
}


@pytest.fixture
def writes(monkeypatch) -> list[tuple[str, str]]:
    """Begin and end of everything that makes a file seen in any storage, in order."""
    recorded: list[tuple[str, str]] = []
    lock = threading.Lock()

    def recording(name_of, write):
        def call(*args, **options):
            name = str(name_of(*args))
            with lock:
                recorded.append(("begin", name))
            made = write(*args, **options)
            with lock:
                recorded.append(("end", name))
            return made

        return call

    put = recording(lambda storage, source, target: target, plain := Storage.put)
    monkeypatch.setattr(
        Storage,
        "put",
        lambda self, source, target, **o: (plain if is_partial(str(target)) else put)(self, source, target, **o),
    )
    monkeypatch.setattr(PartUpload, "commit", recording(lambda upload, *_: upload.path, PartUpload.commit))
    copied = recording(lambda source, target, file: file.path, copy_by_service)
    monkeypatch.setattr("modos.transfers.files.courier.copy_by_service", copied)
    return recorded


@pytest.mark.parametrize("pair", list(product(KINDS, KINDS)), ids="-to-".join)
def test_all_files_arrive_and_the_committing_one_last(  # noqa: PLR0917 - fixtures
    places, fill, content, noted, writes, pair
):
    """Empty, large and oddly named files arrive as they left; the source is untouched; the commit begins when all else ended.

    Of every file a digest is known then: of a large one that of its parts' MD5s, which have proven it.
    """
    source, target = map(places.make, pair)
    fill(source, FILES)
    writes.clear()
    listed = list(source.scan())
    report = transfer(source, target, by_service=False)
    assert content(target) == FILES
    assert writes[-2:] == [("begin", ROOT_DOCUMENT), ("end", ROOT_DOCUMENT)]
    assert sorted(writes) == sorted((moment, name) for moment in ("begin", "end") for name in FILES)
    assert (report.files, report.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert report.digests == {name: blake2b(body).hexdigest() for name, body in FILES.items() if len(body) <= WHOLE}
    (kind,) = noted(target, "large.bin", FILES["large.bin"])
    assert kind.startswith("md5s-")
    assert list(source.scan()) == listed


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_what_the_service_copies_it_copies_in_the_same_order(places, fill, content, writes, kind):
    """Within one service the committing file is the last as well."""
    source, target = places.make(kind), places.make(kind)
    fill(source, FILES)
    writes.clear()
    report = transfer(source, target)
    assert content(target) == FILES
    assert writes[-2:] == [("begin", ROOT_DOCUMENT), ("end", ROOT_DOCUMENT)]
    assert sorted(writes) == sorted((moment, name) for moment in ("begin", "end") for name in FILES)
    assert report.service_bytes == report.bytes == sum(map(len, FILES.values()))


@pytest.mark.parametrize("target_kind", KINDS)
def test_replacing_goes_in_safe_order(places, fill, content, writes, target_kind):
    """New names come before old ones, the commit after them, and leftovers go after the commit and only when asked."""
    source, target = places.make("local"), places.make(target_kind)
    new = {name: body for name, body in FILES.items() if len(body) < 4000}
    fill(source, new)
    old = {"empty.txt": b"old", "gone/1.txt": b"x", "gone/2.txt": b"y", ROOT_DOCUMENT: b"old"}
    fill(target, old)
    writes.clear()
    assert transfer(source, target).removed == 0
    assert content(target) == old | new
    order = [name for moment, name in writes if moment == "end"]
    assert order[-2:] == ["empty.txt", ROOT_DOCUMENT]
    assert transfer(source, target, leftovers="remove").removed == 2
    assert content(target) == new


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_what_stands_for_a_directory_at_a_service_is_no_file(places, fill, content, kind):
    """Consoles put an empty object of its name with a slash; it is in no listing of files, and stops no copy."""
    source, there = places.make(kind), places.make("local")
    fill(source, {"reads/a": b"x", ROOT_DOCUMENT: b"{}"})
    for name in ("reads/", "empty/"):
        places.put_plainly(source, name, b"")
    assert transfer(source, there).files == 2
    assert content(there) == {"reads/a": b"x", ROOT_DOCUMENT: b"{}"}
    assert set(map(str, source.list_dir())) == {"data.zarr", "empty", "reads"}
