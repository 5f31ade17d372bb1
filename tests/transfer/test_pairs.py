"""From every kind of place to every kind of place, on real servers."""

import threading
from hashlib import blake2b
from itertools import product
from random import Random

import pytest

from modos.storage import ROOT_DOCUMENT, Storage
from modos.transfers import transfer

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
    """Begin and end of every write to any storage, in order."""
    recorded: list[tuple[str, str]] = []
    lock, put = threading.Lock(), Storage.put

    def recording(self, source, target, **options):
        with lock:
            recorded.append(("begin", str(target)))
        info = put(self, source, target, **options)
        with lock:
            recorded.append(("end", str(target)))
        return info

    monkeypatch.setattr(Storage, "put", recording)
    return recorded


@pytest.mark.parametrize("pair", list(product(KINDS, KINDS)), ids="-to-".join)
def test_all_files_arrive_and_the_committing_one_last(places, fill, content, writes, pair):
    """Empty, large and oddly named files arrive as they left; the source is untouched; the commit begins when all else ended."""
    source, target = map(places.make, pair)
    fill(source, FILES)
    writes.clear()
    listed = list(source.scan())
    report = transfer(source, target)
    assert content(target) == FILES
    assert writes[-2:] == [("begin", ROOT_DOCUMENT), ("end", ROOT_DOCUMENT)]
    assert sorted(writes) == sorted((moment, name) for moment in ("begin", "end") for name in FILES)
    assert (report.files, report.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert report.digests == {name: blake2b(body).hexdigest() for name, body in FILES.items()}
    assert list(source.scan()) == listed


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
