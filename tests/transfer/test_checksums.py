"""What an object says of the checksums of its files, compared with what is copied: told, and copied nevertheless."""

import pytest

from modos import MODO, transfer
from modos.storage import LocalStorage
from modos.testing import Proxy

READS, CALLS = b"ACGT" * 1000, b"#CHROM\n"
DAMAGED = b"G" + READS[1:]
LARGE = bytes(9 * 1024 * 1024)

KINDS = ("local", "s3", "swift")


def make(place, tmp_path, **files):
    """Return an object with files that have checksums."""
    modo = MODO.create(storage=place, id="ex")
    for name, body in files.items():
        path = tmp_path / f"{name}.txt"
        path.write_bytes(body)
        modo.add_element({"@type": "DataEntity", "id": name, "data_format": "CSV"}, path)
    return modo


@pytest.fixture
def modo(here, tmp_path):
    """An object on a disk with two files."""
    return make(here, tmp_path, reads=READS, calls=CALLS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_damaged_at_the_source_is_named_and_copied(places, modo, kind):
    """The copy is true to its source, and who asks again is told again when there is anything to do."""
    target = places.make(kind)
    modo.storage.put(DAMAGED, "reads.txt")
    report = transfer(modo, target)
    assert (report.changed, report.unproven) == (("reads.txt",), ())
    assert target.read("reads.txt") == DAMAGED
    modo.add_element({"@type": "Sample", "id": "s1"})
    again = transfer(modo, target)
    assert again.skipped >= 2
    assert again.changed == ("reads.txt",)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_the_source_has_not_is_named(places, modo, kind):
    """The copy is true to its source, and as incomplete; a directory is there by its files."""
    modo.add_element({"@type": "DataEntity", "id": "slides", "data_format": "PNG", "data_path": "slides"})
    modo.storage.put(b"", "slides/1.png")
    modo.storage.remove("reads.txt")
    target = places.make(kind)
    assert transfer(modo, target).missing == ("reads.txt",)
    assert MODO(storage=target).verify().missing == ("reads.txt",)
    modo.storage.put(READS, "reads.txt")
    assert transfer(modo, target).missing == ()


@pytest.mark.parametrize("kind", KINDS)
def test_no_checksum_is_taken_for_what_is_there(places, modo, kind):
    """Whichever end was damaged, the two are not the same: the copy becomes what the source is, for better or worse."""
    target = places.make(kind)
    assert transfer(modo, target).changed == ()
    target.put(DAMAGED, "reads.txt")
    mended = transfer(modo, target)
    assert (mended.files, mended.changed) == (1, ())
    assert target.read("reads.txt") == READS
    modo.storage.put(DAMAGED, "reads.txt")
    damaged = transfer(modo, target)
    assert (damaged.files, damaged.changed) == (1, ("reads.txt",))
    assert target.read("reads.txt") == DAMAGED


def test_nothing_is_asked_for_it(places, tmp_path, there):
    """Each file is read once, and the root document once more, to know what is to be copied."""
    modo = make(places.make("swift"), tmp_path, reads=READS, calls=CALLS)
    modo.storage.put(DAMAGED, "reads.txt")
    with Proxy(places.server.url) as proxy:
        report = transfer(places.through(proxy, modo.storage), there)
        read = [each.path for each in proxy.requests if each.method == "GET" and "/ex/" in each.path]
    assert report.changed == ("reads.txt",)
    assert len(read) == report.files + 1
    assert {each for each in read if read.count(each) > 1} == {
        each for each in read if each.endswith("/ex/data.zarr/zarr.json")
    }


def test_a_large_file_is_compared_where_its_checksum_is_known(here, tmp_path, there, monkeypatch):
    """It is proven by its parts: who knows no more says so, and finds out with a full proof."""
    modo = make(here, tmp_path, large=LARGE)
    assert transfer(modo, there / "one").unproven == ()
    modo.storage.put(b"G" + LARGE[1:], "large.txt")
    report = transfer(modo, there / "two")
    assert (report.changed, report.unproven) == ((), ("large.txt",))
    report = transfer(modo, there / "three", verify="full")
    assert (report.changed, report.unproven) == (("large.txt",), ())
    assert LocalStorage(there.path / "three").read("large.txt")[:1] == b"G"
