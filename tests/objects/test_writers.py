"""Several writers of one object: nobody's edit is lost, and a failed edit leaves those of others alone."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from modos import MODO
from modos.errors import ElementExistsError, FileConflictError, StorageError
from modos.objects.editing.aftermath.leftovers import sweep
from modos.objects.editing.writing import Writing
from modos.objects.history.commits import HORIZON
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT, Storage

WRITER = """
import sys
from modos import MODO
modo = MODO(sys.argv[1])
for number in range(10):
    modo.add_element({"@type": "Sample", "id": f"{sys.argv[2]}-{number}"})
"""


def sample(name: str, /, **slots: str) -> dict[str, str]:
    return {"@type": "Sample", "id": name, **slots}


def test_two_instances_see_each_others_edits(place):
    """Each edit is made on what the object says then, not on what it said when it was opened."""
    one = MODO.create("ex", place)
    other = MODO("ex", place)
    for number in range(3):
        one.add_element(sample(f"a{number}"))
        other.add_element(sample(f"b{number}"))
    one.update_element("b0", {"name": "by one"})
    other.remove_element("a0")
    expected = ["sample/a1", "sample/a2", "sample/b0", "sample/b1", "sample/b2"]
    assert MODO("ex", place).list_samples() == other.list_samples() == expected
    assert one.refresh().metadata == other.metadata
    assert other.metadata["sample/b0"]["name"] == "by one"


@pytest.fixture
def meanwhile(monkeypatch):
    """Let something happen once, just before or after the next time that a file is stored."""

    def arrange(name, act, *, after=False):
        original = Storage.put
        pending = [act]

        def put(self, source, target, **options):
            mine = str(target) == name and pending
            happening = pending.pop() if mine else None
            if happening and not after:
                happening()
            info = original(self, source, target, **options)
            if happening and after:
                happening()
            return info

        monkeypatch.setattr(Storage, "put", put)

    return arrange


def test_an_edit_that_another_came_before_is_planned_anew(modo, place, meanwhile):
    """Who commits between the reading and the writing of an edit loses nothing."""
    other = MODO("ex", place)
    meanwhile("data.zarr/sample/mine/zarr.json", lambda: other.add_element(sample("theirs"), part_of="assay1"))
    modo.add_element(sample("mine"), part_of="assay1")
    said = MODO("ex", place).metadata
    assert modo.metadata == said
    assert said["assay/assay1"]["has_sample"][-2:] == ["sample/theirs", "sample/mine"]


def test_an_id_that_another_took_meanwhile_is_refused(modo, place, meanwhile, data, entity):
    """The first to commit has it; the file of the other goes, and theirs stays."""
    other = MODO("ex", place)
    meanwhile(
        "data.zarr/data/demo1/zarr.json",
        lambda: other.add_element(entity(data_path="theirs.csv", name="theirs"), data / "table.csv"),
    )
    with pytest.raises(ElementExistsError):
        modo.add_element(entity(data_path="mine.cram"), data / "demo1.cram")
    opened = MODO("ex", place)
    assert opened.metadata["data/demo1"]["name"] == "theirs"
    assert [str(path) for path in opened.list_files()] == ["theirs.csv"]
    group = json.loads(opened.storage.read("data.zarr/data/demo1/zarr.json"))
    assert group["attributes"] == opened.metadata["data/demo1"]


def test_a_file_name_that_another_took_meanwhile_is_refused(modo, place, meanwhile, data, entity):
    """It keeps the bytes of the first."""
    other = MODO("ex", place)
    meanwhile(
        "data.zarr/data/mine/zarr.json",
        lambda: other.add_element(entity("theirs", data_path="demo1.cram.crai"), data / "demo1.cram.crai"),
    )
    with pytest.raises(FileConflictError):
        modo.add_element(entity("mine"), data / "demo1.cram")
    opened = MODO("ex", place)
    assert "data/mine" not in opened.metadata
    assert opened.storage.read("demo1.cram.crai") == (data / "demo1.cram.crai").read_bytes()


@pytest.mark.parametrize("index", ["", ".crai"])
def test_a_file_that_another_has_just_stored_is_theirs(modo, meanwhile, data, entity, content, index):  # noqa: PLR0917 - fixtures
    """It is neither overwritten nor taken back; nothing is left of the edit that comes too late."""
    before = content(modo.storage)
    name = f"demo1.cram{index}"
    meanwhile(name, lambda: modo.storage.put(b"theirs", name))
    with pytest.raises(FileConflictError) as caught:
        modo.add_element(entity(), data / "demo1.cram")
    assert (caught.value.path, caught.value.owner) == (name, "")
    assert content(modo.storage) == {**before, name: b"theirs"}


def test_a_file_that_another_has_just_stored_is_as_good_as_ours(modo, meanwhile, data, entity):
    """When it is the same: the edit is made."""
    body = (data / "demo1.cram").read_bytes()
    meanwhile("demo1.cram", lambda: modo.storage.put(body, "demo1.cram"))
    modo.add_element(entity(), data / "demo1.cram")
    assert modo.metadata["data/demo1"]["data_checksum"] == hashlib.blake2b(body).hexdigest()
    assert modo.verify(deep=True).is_sound


def test_a_file_that_was_there_and_is_taken_back_is_stored_after_all(modo, meanwhile, data, entity):
    """Another had stored the same for an edit of its own, which then failed."""
    modo.storage.put(data / "demo1.cram", "demo1.cram")
    meanwhile("data.zarr/data/demo1/zarr.json", lambda: modo.storage.remove("demo1.cram"))
    modo.add_element(entity(), data / "demo1.cram")
    assert modo.verify(deep=True).is_sound


def test_a_name_that_another_has_just_taken_is_not_renamed_to(modo, data, entity, monkeypatch):
    """A file is renamed, and another stored under the new name since that was looked at: it stays as it is."""
    modo.add_element(entity(), data / "demo1.cram")
    original = Writing.prepare

    def prepare(self, change):
        copy = self._copy_new

        def copy_later(source, target):
            self.storage.put(b"theirs", "other.cram")
            copy(source, target)

        self._copy_new = copy_later
        return original(self, change)

    monkeypatch.setattr(Writing, "prepare", prepare)
    with pytest.raises(FileConflictError):
        modo.update_element("demo1", {"data_path": "other.cram"})
    assert modo.storage.read("other.cram") == b"theirs"
    assert [str(path) for path in modo.list_files()] == ["demo1.cram", "demo1.cram.crai", "other.cram"]


@pytest.mark.parametrize("kind", ["memory", "s3", "swift"])
def test_an_edit_that_another_wrote_over_is_made_again(make_storage, meanwhile, kind):
    """A program without a log had read before and writes after: we see ours still, and the next edit makes it part of that."""
    modo = MODO.create("ex", make_storage(kind))
    elsewhere = MODO.create("ex", make_storage("local"), creation_date=modo.metadata["ex"]["creation_date"])
    elsewhere.add_element(sample("theirs"))
    late = elsewhere.storage.read(ROOT_DOCUMENT)
    meanwhile(ROOT_DOCUMENT, lambda: modo.storage.put(late, ROOT_DOCUMENT), after=True)
    modo.add_element(sample("mine"))
    assert MODO("", modo.storage).list_samples() == ["sample/theirs"]
    assert modo.refresh().list_samples() == ["sample/mine", "sample/theirs"]
    modo.add_element(sample("more"))
    assert (
        modo.list_samples() == MODO("", modo.storage).list_samples() == ["sample/mine", "sample/more", "sample/theirs"]
    )


def test_an_edit_upon_ours_is_not_taken_for_a_loss(make_storage, meanwhile):
    """Who adds to what was just written, or changes it again, is left alone."""
    modo = MODO.create("ex", make_storage("memory"))
    copy = make_storage("local")

    def edit_elsewhere():
        modo.transfer(copy)
        other = MODO("", copy)
        other.update_element("mine", {"name": "theirs now"})
        modo.storage.put(copy.read(ROOT_DOCUMENT), ROOT_DOCUMENT)

    meanwhile(ROOT_DOCUMENT, edit_elsewhere, after=True)
    modo.add_element(sample("mine", name="mine"))
    modo.add_element(sample("more"))
    assert modo.metadata["sample/mine"]["name"] == "theirs now"
    assert modo.metadata == MODO("", modo.storage).metadata


@pytest.mark.parametrize("kind", ["local", "memory", "swift"])
def test_threads_lose_nothing(make_storage, kind):
    """Four writers at once, ten elements each."""
    place = make_storage(kind)
    MODO.create("ex", place)

    def work(writer):
        modo = MODO("ex", place)
        for number in range(10):
            modo.add_element(sample(f"{writer}-{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    modo = MODO("ex", place)
    assert len(modo.list_samples()) == 40
    kept = {str(path.parent.relative_to("data.zarr")) for path in modo.storage.list("data.zarr/sample")}
    assert kept == {"sample", *modo.list_samples()}


def test_processes_lose_nothing(tmp_path):
    """Three of them on one directory of this machine."""
    MODO.create(tmp_path / "ex")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "ex"), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(MODO(tmp_path / "ex").list_samples()) == 30


def test_a_disk_that_locks_no_directories_is_treated_like_a_service(tmp_path, monkeypatch):
    """As NFS does: objects are edited, files replaced while they are unchanged, and large ones come by parts."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(descriptor, operation):
        raise OSError(errno.EBADF, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    modo = MODO.create(tmp_path / "ex")
    modo.add_element(sample("a"))
    assert MODO(tmp_path / "ex").list_samples() == ["sample/a"]
    stored = modo.storage.put(b"old", "notes.txt")
    modo.storage.put(b"new", "notes.txt", if_match=stored.etag)
    upload = modo.storage.parts.begin("large", size=6, part_size=3, origin="there")
    for index, body in enumerate([b"ACG", b"TTA"]):
        upload.put(index, body)
    upload.commit()
    assert (modo.storage.read("notes.txt"), modo.storage.read("large")) == (b"new", b"ACGTTA")


def test_a_failed_edit_leaves_what_others_did_meanwhile(modo, place, meanwhile, data, entity, content):  # noqa: PLR0917 - fixtures
    """Taking back removes its own files and groups only, and restores the groups that it had changed."""
    other = MODO("ex", place)

    def work_and_break():
        other.add_element(entity("theirs", data_path="theirs.csv"), data / "table.csv", part_of="assay1")
        raise StorageError("the wire")

    meanwhile("data.zarr/data/mine/zarr.json", work_and_break)
    with pytest.raises(StorageError, match="wire"):
        modo.add_element(entity("mine"), data / "demo1.cram", part_of="assay1")
    opened = MODO("ex", place)
    assert opened.metadata["assay/assay1"]["has_data"] == ["data/theirs"]
    names = content(opened.storage)
    assert {name for name in names if "mine" in name or "demo1" in name} == set()
    group = json.loads(names["data.zarr/assay/assay1/zarr.json"])
    assert group["attributes"] == opened.metadata["assay/assay1"]
    assert names["theirs.csv"] == (data / "table.csv").read_bytes()


@pytest.mark.parametrize(
    ("age", "stays"), [(HORIZON.total_seconds() - 60, True), (HORIZON.total_seconds() + 60, False)]
)
def test_what_nobody_can_wait_for_any_more_is_swept(make_storage, data, entity, age, stays):
    """Group and file of an edit that was killed before its record: gone once the root document is an hour younger."""
    modo = MODO.create("ex", make_storage("local"))
    empty = modo.storage.read(ROOT_DOCUMENT)
    modo.add_element(entity(), data / "demo1.cram")
    modo.storage.put(empty, ROOT_DOCUMENT)
    modo.storage.remove_tree(".modos")
    group = modo.storage.path / "data.zarr/data/demo1/zarr.json"
    moment = (modo.storage.path / ROOT_DOCUMENT).stat().st_mtime - age
    os.utime(group, (moment, moment))
    sweep(modo.storage, Snapshot.read(modo.storage))
    assert [group.exists(), modo.storage.exists("demo1.cram"), modo.storage.exists("demo1.cram.crai")] == [stays] * 3
