"""Files on a disk when the power goes: what replaces another is written out first, and what is persisted stays."""

import os
import sys
from pathlib import Path

import pytest

from modos.storage import LocalStorage
from modos.storage.directories import write_out_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the system which file a descriptor is of")


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "root")


@pytest.fixture
def written_out(monkeypatch):
    """The contents of files and the paths of directories that were written out, and when a file was renamed."""
    told = []
    fsync, replace = os.fsync, os.replace

    def telling(descriptor):
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        told.append(path if path.is_dir() else path.read_bytes())

    def renaming(source, target):
        told.append("renamed")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", telling)
    monkeypatch.setattr(os, "replace", renaming)
    return told


def test_what_replaces_a_file_is_on_the_disk_before(storage, written_out):
    """A loss of power leaves the old content or the new; what is new takes nobody's place, and nobody waits for it."""
    storage.put(b"old", "a")
    storage.put(b"new", "a")
    assert written_out == ["renamed", b"new", "renamed"]


def test_a_file_that_came_by_parts_is_on_the_disk_before_it_has_its_name(storage, written_out):
    """It has its full size from the beginning, so that nobody would see holes in it."""
    upload = storage.parts.begin("a", size=6, part_size=3, origin="there")
    for index, body in enumerate([b"ACG", b"TTA"]):
        upload.put(index, body)
    upload.commit()
    assert written_out[-2:] == [b"ACGTTA", "renamed"]


def test_few_files_are_persisted_one_by_one(storage, written_out):
    """With the directories that lead to them."""
    storage.put(b"ACGT", "deep/er/a")
    written_out.clear()
    storage.persist(["deep/er/a"])
    assert written_out[0] == b"ACGT"
    assert set(written_out[1:]) == {storage.path / each for each in ("", "deep", "deep/er")}


def test_many_files_are_persisted_at_once(storage, written_out, monkeypatch):
    """One request to the file system of each directory; where the system has none such, file by file."""
    names = [f"{number}" for number in range(20)]
    for name in names:
        storage.put(b"x", name)
    written_out.clear()
    asked = []
    monkeypatch.setattr("modos.storage.backends.local.write_out_all", lambda place: asked.append(place) or True)
    storage.persist(names)
    assert (asked, written_out) == ([storage.url], [])
    monkeypatch.setattr("modos.storage.backends.local.write_out_all", lambda _: False)
    storage.persist(names)
    assert len(written_out) == len(names) + 1


def test_this_system_writes_out_a_whole_file_system(tmp_path):
    """Linux has the request; a directory that is not there is an error."""
    assert write_out_all(tmp_path)
    with pytest.raises(FileNotFoundError):
        write_out_all(tmp_path / "missing")
