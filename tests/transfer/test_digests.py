"""What the book of digests remembers, and what it must never claim."""

import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from modos.errors import IntegrityError
from modos.storage import LocalStorage, ObjectInfo
from modos.transfers.digests import DigestBook, digests_of, same_content

MD5 = {"md5": "f1f8f4bf413b16ad135722aa4591043e"}


@pytest.fixture
def storage(tmp_path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def test_what_is_recorded_is_known_to_the_next_process(tmp_path, storage):
    """Digests outlive the book that recorded them; more digests of the same version are added."""
    file = storage.put(b"ACGT", "reads")
    with DigestBook(tmp_path / "cache" / "book") as book:
        book.record(storage, file, MD5)
        book.record(storage, file, {"blake2b": "f301"})
    with DigestBook(tmp_path / "cache" / "book") as book:
        assert book.digests(storage, storage.stat("reads")) == {**MD5, "blake2b": "f301"}


def test_what_was_taken_here_is_not_another_for_the_same_version(storage):
    """Other bytes under a version are damage, by the BLAKE2b or the MD5s of parts; what services tell need not be a digest."""
    file = storage.put(b"ACGT", "reads")
    with DigestBook() as book:
        book.record(storage, file, {"md5": "1", "parts": "1", "blake2b": "1", "md5s-16": "1"})
        for kind in ("blake2b", "md5s-16"):
            with pytest.raises(IntegrityError, match="nobody has written it since"):
                book.confirm(storage, file, {"parts": "1", kind: "2"}, seen=time.time() + 1)
        assert book.confirm(storage, file, {"md5": "2", "parts": "2", "md5s-16": "1"}, seen=time.time() + 1) == {
            "md5": "2",
            "parts": "2",
            "blake2b": "1",
            "md5s-16": "1",
        }


def test_digests_that_agree_in_nothing_are_not_taken_to_be_of_the_same_bytes(storage):
    """The BLAKE2b of before is not that of what was read since, as far as anyone knows; the others tell what was copied."""
    file = storage.put(b"ACGT", "reads")
    with DigestBook() as book:
        book.record(storage, file, {"md5s-16": "1", "blake2b": "1"})
        assert book.confirm(storage, file, {"md5s-24": "2"}, seen=time.time() + 1) == {"md5s-24": "2"}
        assert book.digests(storage, file) == {"md5s-16": "1", "md5s-24": "2"}
        book.record(storage, file, {"blake2b": "1"})
        assert book.digests(storage, file) == {"md5s-16": "1", "md5s-24": "2", "blake2b": "1"}


@pytest.mark.parametrize("keep_time", [False, True], ids=["written", "written, with the old time"])
def test_another_version_of_the_file_is_not_known(tmp_path, storage, keep_time):
    """A file of the same size, even under the same modification time, is another one."""
    file = storage.put(b"ACGT", "reads")
    place = tmp_path / "storage" / "reads"
    status = place.stat()
    with DigestBook() as book:
        book.record(storage, file, MD5)
        time.sleep(0.02)
        place.write_bytes(b"TTTT")
        if keep_time:
            os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert book.digests(storage, storage.stat("reads")) == {}


def test_a_file_that_was_written_as_it_was_listed_is_not_kept(storage):
    """Within a tick of the clock a file may get another content under the same time; only older ones are believed."""
    file = storage.put(b"ACGT", "reads")
    assert file.last_modified is not None
    with DigestBook() as book:
        book.record(storage, file, MD5, seen=file.last_modified.timestamp())
        assert book.digests(storage, file) == {}
        book.record(storage, file, MD5, seen=file.last_modified.timestamp() + 1)
        assert book.digests(storage, file) == MD5


def test_a_file_without_a_version_is_never_known(storage):
    """Where a service says nothing that tells versions apart, nothing is kept."""
    file = replace(storage.put(b"ACGT", "reads"), etag=None)
    with DigestBook() as book:
        book.record(storage, file, MD5)
        assert book.digests(storage, file) == {}


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_book_that_cannot_be_read_is_empty(tmp_path, storage, damage):
    """Losing it costs time: no error, and the transfer goes on."""
    (tmp_path / "book").write_bytes(damage)
    file = storage.put(b"ACGT", "reads")
    with DigestBook(tmp_path / "book") as book:
        assert book.digests(storage, file) == {}
        book.record(storage, file, MD5)
    with DigestBook(tmp_path / "directory" / "x") as book:
        book.record(storage, file, MD5)


def test_a_book_that_cannot_be_written_does_no_harm(tmp_path, storage):
    """A directory in its place, or a table of another form: what is recorded lasts as long as the object."""
    (tmp_path / "book").mkdir()
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE digests (something TEXT)")
    connection.close()
    file = storage.put(b"ACGT", "reads")
    for name in ("book", "other"):
        with DigestBook(tmp_path / name) as book:
            book.record(storage, file, MD5)
            assert book.digests(storage, file) == MD5


def test_many_processes_write_one_book(tmp_path, storage):
    """What four processes record at once is all there."""
    program = """
import sys
from pathlib import Path
from modos.storage import LocalStorage
from modos.transfers.digests import DigestBook
storage, number = LocalStorage(sys.argv[1]), sys.argv[3]
with DigestBook(Path(sys.argv[2])) as book:
    for each in range(50):
        book.record(storage, storage.put(b"x", f"{number}/{each}"), {"md5": number})
        book.flush()
"""
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(storage.path), str(tmp_path / "book"), str(number)])
        for number in range(4)
    ]
    assert [child.wait(60) for child in children] == [0] * 4
    with DigestBook(tmp_path / "book") as book:
        known = [book.digests(storage, file) for file in storage.scan()]
    assert len(known) == 200
    assert all(known)


def test_files_are_the_same_only_where_a_digest_says_so():
    """An MD5, a tag of parts, or any digest of the book in common; nothing known proves nothing."""
    tag = "0123456789abcdef" * 2
    assert dict(digests_of(ObjectInfo("a", etag=tag))) == {"md5": tag}
    assert dict(digests_of(ObjectInfo("a", etag=f"{tag}-3"), MD5)) == {"parts": f"{tag}-3", **MD5}
    assert dict(digests_of(ObjectInfo("a", etag="17a-b-c-d"))) == {}
    assert same_content({"md5": tag, "blake2b": "1"}, {"md5": "other", "blake2b": "1"})
    assert not same_content({"md5": "1"}, {"parts": "1"})
    assert not same_content({}, {})


def test_a_book_that_is_no_database_any_more_is_begun_anew(tmp_path, storage):
    """Else nothing would ever be known again."""
    file, path = storage.put(b"ACGT", "reads"), tmp_path / "book"
    path.write_bytes(b"damaged" * 1000)
    for known in ({}, MD5):
        with DigestBook(path) as book:
            assert book.digests(storage, file) == known
            book.record(storage, file, MD5)
