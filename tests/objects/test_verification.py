"""Whether an object is what it says: missing, extra, changed, by listing alone where digests are known."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from modos import MODO, transfer
from modos.errors import ObjectNotFoundError, ServiceUnavailableError
from modos.objects.verification import verify_object
from modos.storage import ROOT_DOCUMENT, LocalStorage
from modos.testing import Fault
from modos.transfers import DigestBook

READS = {"@type": "DataEntity", "id": "reads", "data_format": "FASTQ"}


@pytest.fixture
def modo(tmp_path) -> MODO:
    """An object on this disk with a file, its checksum recorded."""
    (tmp_path / "reads.fastq").write_text("@r1\nACGT\n+\nIIII\n")
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element(READS, tmp_path / "reads.fastq")
    assert modo.metadata["data/reads"]["data_checksum"]
    time.sleep(0.05)  # what is younger than the clock's tick is not believed to be the same
    return modo


def test_a_sound_object_is_verified_by_reading(modo):
    """Every file with a checksum is read; nothing is missing, extra or changed."""
    found = modo.verify(deep=True)
    assert (found.verified, found.unproven) == (("reads.fastq",), ())
    assert found.is_sound
    assert found.as_dict()["is_sound"] is True


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_after_a_transfer_the_listing_is_enough(modo, make_storage, kind, monkeypatch):
    """What was digested on its way is known by the MD5 that the service lists: no file is read."""
    target = make_storage(kind)
    transfer(modo, target)
    monkeypatch.setattr("modos.objects.verification.digest_of", None)
    assert verify_object(target).verified == ("reads.fastq",)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_after_a_transfer_the_listing_is_enough_for_a_large_file(tmp_path, make_storage, kind, monkeypatch):
    """It was digested when it was added, and was the same on its way, part by part: neither it nor its copy is read."""
    (tmp_path / "reads.fastq").write_bytes(b"@r1\nACGT\n+\nIIII\n" * 2**20)
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element(READS, tmp_path / "reads.fastq")
    time.sleep(0.05)  # what is younger than the clock's tick is not noted of what was read
    target = make_storage(kind)
    transfer(modo, target)
    monkeypatch.setattr("modos.objects.verification.digest_of", None)
    assert modo.verify().verified == verify_object(target).verified == ("reads.fastq",)


@pytest.mark.usefixtures("modo")
def test_small_files_are_noted_nowhere_when_they_are_added():
    """An edit opens no database of digests for them."""
    assert not list(Path(os.environ["MODOS_CACHE_DIR"]).glob("digests*"))


def test_nothing_known_is_unproven_until_it_is_read(modo):
    """Without a book and without an MD5 the listing proves nothing; once read, the book knows."""
    (modo.path / "notes.txt").write_text("x")
    with DigestBook() as book:
        assert verify_object(modo.storage, book=book).unproven == ("reads.fastq",)
        assert verify_object(modo.storage, deep=True, book=book).verified == ("reads.fastq",)
        again = verify_object(modo.storage, book=book)
    assert (again.verified, again.extra) == (("reads.fastq",), ("notes.txt",))


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_a_changed_file_is_found(modo, make_storage, kind, deep):
    """Behind a service's MD5 that is not the one which is known, or by reading: the file is named."""
    target = make_storage(kind)
    transfer(modo, target)
    target.put(b"@r1\nTTTT\n+\nIIII\n", "reads.fastq")
    found = verify_object(target, deep=deep)
    assert (found.changed, found.verified, found.is_sound) == (("reads.fastq",), (), False)


def test_what_is_missing_is_found(modo):
    """A data file and a metadata document that are gone are named."""
    modo.add_element({"@type": "Sample", "id": "s1"})
    (modo.path / "reads.fastq").unlink()
    (modo.path / "data.zarr/sample/s1/zarr.json").unlink()
    found = modo.verify()
    assert found.missing == ("data.zarr/sample/s1/zarr.json", "reads.fastq")
    assert not found.is_sound


@pytest.mark.parametrize(("status", "told"), [(404, "missing"), (409, "unreadable")])
def test_a_file_that_is_listed_and_cannot_be_read_is_told_beside_all_others(two, status, told):
    """As when a service has set aside what its disk has damaged, or a segment of it: it may go on being listed."""
    modo, proxy = two
    proxy.inject(Fault(method="GET", path="one.fastq", times=None, status=status))
    found = modo.verify(deep=True)
    assert (getattr(found, told), found.verified, found.is_sound) == (("one.fastq",), ("two.fastq",), False)


def test_of_a_service_that_is_busy_nothing_is_claimed(two):
    """Its trouble says nothing of a file: it is an error, and not a finding."""
    modo, proxy = two
    proxy.inject(Fault(method="GET", path="one.fastq", times=None, status=503))
    with pytest.raises(ServiceUnavailableError):
        modo.verify(deep=True)


def test_an_interrupt_ends_the_reading_of_a_large_file(modo):
    """Ctrl-C comes out within two seconds, however long the file is: it is not read to its end."""
    with (modo.path / "reads.fastq").open("r+b") as file:
        file.truncate(2**40)
    pressed = []

    class Slow(LocalStorage):
        def _read(self, name, start, end):
            if name == "reads.fastq" and len(pressed) < 100:
                time.sleep(0.05)
                if not pressed:
                    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                pressed.append(time.monotonic())
                return bytes(end - start)
            return super()._read(name, start, end) if name != "reads.fastq" else b""

    with pytest.raises(KeyboardInterrupt):
        verify_object(Slow(modo.path), deep=True)
    assert time.monotonic() - pressed[0] < 2


def test_without_an_object_there_is_nothing_to_verify(tmp_path, modo):
    """A directory that is none is an error, not a sound object."""
    modo.storage.remove(ROOT_DOCUMENT)
    with pytest.raises(ObjectNotFoundError):
        verify_object(modo.storage)
