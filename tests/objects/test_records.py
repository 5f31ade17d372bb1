"""The log of an object: what a record holds, what is not in the root yet, and what other programs and tools make of it."""

import json
import shutil
from datetime import timedelta

import pytest
import zarr

from modos import MODO, transfer
from modos.errors import ConflictError, DamagedObjectError, StorageError, UnsupportedFormatError
from modos.objects.checks.examination import check_object
from modos.objects.checks.repair import repair_object
from modos.objects.history.records import read_record, record_ids, record_path
from modos.objects.snapshot import Snapshot
from modos.storage import LOG, ROOT_DOCUMENT, TRASH, Storage

AT_ONCE = timedelta(seconds=-2)  # services round times up


def sample(name, /, **slots):
    return {"@type": "Sample", "id": name, **slots}


@pytest.fixture
def dying(monkeypatch):
    """Kill the writer before the root document is stored: its record is there."""

    def arrange():
        original = Storage.put

        def put(self, source, target, **options):
            if str(target) == ROOT_DOCUMENT:
                monkeypatch.setattr(Storage, "put", original)
                monkeypatch.setattr("modos.objects.editing.commit._Edit._take_back", lambda *_: None)
                raise StorageError(self.url, "killed")
            return original(self, source, target, **options)

        monkeypatch.setattr(Storage, "put", put)

    return arrange


def test_an_edit_leaves_one_record(modo, monkeypatch):
    """Who, when, with what, why, on what, and what changed, slot by slot; no edit, no record."""
    monkeypatch.setenv("MODOS_AUTHOR", "ada@example.org")
    before = record_ids(modo.storage)
    with modo.edit(message="as the lab says") as edit:
        edit.update("sample1", {"sex": None, "name": "S1"})
        edit.add(sample("new"), part_of="assay1")
        edit.remove("sample2")
    (commit,) = set(record_ids(modo.storage)) - set(before)
    record = json.loads(modo.storage.read(record_path(commit)))
    links = {"added": [[None, "sample/new"]], "removed": [[None, "sample/sample2"]]}
    assert record == {
        "format": 1,
        "id": commit,
        "author": "ada@example.org",
        "tool": record["tool"],
        "message": "as the lab says",
        "parents": before,
        "added": {"sample/new": {"@type": "Sample"}},
        "removed": {"sample/sample2": {"@type": "Sample", "description": "sample/sample1", "name": "sample1"}},
        "changed": {
            "assay/assay1": {"has_sample": links},
            "sample/sample1": {"name": ["Sample 1", "S1"], "sex": ["Male", None]},
        },
    }
    assert record["tool"].startswith("modos ")
    said = Snapshot.read(modo.storage)
    assert said.contained.commits == {*before, commit}
    assert (
        said.attributes["last_update_date"] == read_record(modo.storage, commit).when.replace(microsecond=0).isoformat()
    )
    modo.update_element("sample1", {"name": "S1"})
    assert len(record_ids(modo.storage)) == len(before) + 1


def test_what_a_killed_writer_recorded_is_completed_by_the_next_edit(modo, dying):
    """Readers do not see it before; the check notes it."""
    dying()
    with pytest.raises(StorageError, match="killed"):
        modo.add_element(sample("theirs"), part_of="assay1")
    assert "sample/theirs" not in modo.refresh().metadata
    (found,) = (each for each in check_object(modo.storage, grace=AT_ONCE).findings if each.code == "unmerged-commit")
    assert (found.severity, found.place) == ("warning", record_ids(modo.storage)[-1])
    assert check_object(modo.storage).is_clean
    modo.add_element(sample("mine"), part_of="assay1")
    assert modo.metadata["assay/assay1"]["has_sample"][-2:] == ["sample/theirs", "sample/mine"]
    assert check_object(modo.storage, grace=AT_ONCE).findings == ()


def test_what_a_killed_writer_recorded_is_completed_by_a_repair(modo, dying):
    """Once; a dry run only tells."""
    dying()
    with pytest.raises(StorageError, match="killed"):
        modo.update_element("sample1", {"name": "theirs"})
    told = repair_object(modo.storage, grace=AT_ONCE, dry_run=True).repairs
    assert [each.code for each in told if each.code != "stale-group"] == ["unmerged-commit"]
    report = repair_object(modo.storage, grace=AT_ONCE)
    assert [each.place for each in report.repairs] == [record_ids(modo.storage)[-1]]
    assert report.findings == ()
    assert modo.refresh().metadata["sample/sample1"]["name"] == "theirs"
    assert repair_object(modo.storage, grace=AT_ONCE).repairs == ()


def test_an_edit_that_clashes_with_that_of_a_killed_writer_completes_it(modo, dying, monkeypatch):
    """So that it can be made again, on top."""
    monkeypatch.setattr("modos.objects.editing.commit._PATIENCE", 0.0)
    dying()
    with pytest.raises(StorageError, match="killed"):
        modo.update_element("sample1", {"name": "theirs"})
    other = MODO("ex", modo.storage.from_url(modo.url.rpartition("/ex")[0])) if not modo.is_remote else modo
    with pytest.raises(ConflictError) as caught:
        other.update_element("sample1", {"name": "ours"})
    conflict = caught.value
    assert (conflict.place, conflict.slot, conflict.ours, conflict.theirs) == (
        "sample/sample1",
        "name",
        "ours",
        "theirs",
    )
    assert other.refresh().metadata["sample/sample1"]["name"] == "theirs"
    other.update_element("sample1", {"name": "ours"})
    assert check_object(modo.storage).is_clean


@pytest.mark.parametrize("kind", ["memory", "swift"])
def test_a_listing_that_lags_behind_loses_nothing(make_storage, monkeypatch, kind):
    """A service that lists a record later: its writer waits a little, and the next writers find it."""
    place = make_storage(kind)
    MODO.create("ex", place)
    original, hidden = Storage.list, {}

    def lagging(self, target=None, *, start_after=""):
        for path in original(self, target, start_after=start_after):
            if target == LOG and hidden.setdefault(path.name, 3) > 0:
                hidden[path.name] -= 1
            else:
                yield path

    monkeypatch.setattr(Storage, "list", lagging)
    one, other = MODO("ex", place), MODO("ex", place)
    with one.edit() as edit:
        edit.add(sample("a"))
        other.add_element(sample("b"))
    one.add_element(sample("c"))
    assert MODO("ex", place).list_samples() == ["sample/a", "sample/b", "sample/c"]


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_other_programs_open_and_rewrite_a_root_that_names_its_edits(tmp_path):
    """zarr reads it; once it has consolidated the root anew, what it left out is taken for removed, not for lost."""
    modo = MODO.create(tmp_path / "ex")
    for name in ("a", "b"):
        modo.add_element(sample(name))
    opened = zarr.open_group(tmp_path / "ex/data.zarr", mode="r+", zarr_format=3)
    assert sorted(opened["sample"].group_keys()) == ["a", "b"]
    shutil.rmtree(tmp_path / "ex/data.zarr/sample/b")
    opened["sample"].create_group("c", attributes={"@type": "Sample"})
    zarr.consolidate_metadata(tmp_path / "ex/data.zarr")
    assert "modos" not in json.loads((tmp_path / "ex" / ROOT_DOCUMENT).read_text())["consolidated_metadata"]
    assert check_object(modo.storage, grace=AT_ONCE).findings == ()
    modo.add_element(sample("d"))
    assert modo.list_samples() == ["sample/a", "sample/c", "sample/d"]


def test_the_log_is_none_of_the_described_files(modo, tmp_path):
    """It is not listed, not verified, in no checksum; it goes along with a copy, and with the object."""
    assert modo.list_files() == []
    assert modo.verify().extra == ()
    checksum = modo.checksum()
    transfer(modo, tmp_path / "copy")
    copy = MODO(tmp_path / "copy")
    assert copy.checksum() == checksum
    assert record_ids(copy.storage) == record_ids(modo.storage)
    copy.storage.remove_tree(LOG)
    assert copy.checksum() == checksum
    copy.add_element(sample("new"))
    with pytest.raises(ValueError, match=r"\.modos"):
        copy.add_element({"@type": "DataEntity", "id": "x", "data_format": "CSV", "data_path": ".modos/x.csv"})
    modo.remove_object()
    assert modo.storage.empty()


UNREADABLE = {
    "cut off": (lambda body: body[: len(body) // 2], DamagedObjectError, "cannot be read"),
    "empty": (lambda body: b"", DamagedObjectError, "cannot be read"),
    "another thing": (lambda body: b"[]", DamagedObjectError, "cannot be read"),
    "later": (lambda body: body.replace(b'"format": 1', b'"format": 2'), UnsupportedFormatError, "newer release"),
}


@pytest.fixture(params=UNREADABLE)
def unreadable(request):
    """How a record is made unreadable, the error that reading it is, and words of it."""
    return UNREADABLE[request.param]


def test_a_record_that_cannot_be_read_is_found_and_hinders_no_edit(make_storage, unreadable):
    """When the object contains its edit: the log tells the others, and it is left as it is by a repair."""
    damage, error, words = unreadable
    modo = MODO.create("ex", make_storage("local"))
    modo.add_element(sample("a"))
    modo.add_element(sample("b"))
    _, lost, last = record_ids(modo.storage)
    modo.storage.put(damage(modo.storage.read(record_path(lost))), record_path(lost))
    (found,) = modo.check().findings
    assert (found.code, found.severity, found.place) == ("unreadable-record", "warning", record_path(lost))
    assert words in found.what
    assert ("pip install --upgrade modos-objects" in found.remedy) == (error is UnsupportedFormatError)
    assert modo.check(depth="listing").is_clean
    modo.update_element("a", {"name": "x"})
    log = modo.log()
    assert [each.id for each in log][1:3] == [last, lost]
    assert [bool(each.damage) for each in log] == [False, False, True, False]
    assert words in str(log[2])
    json.dumps([each.as_dict() for each in log])
    for call in (lambda: modo.undo(lost), lambda: modo.metadata_at(log[-1].id), lambda: modo.diff(log[-1].id)):
        with pytest.raises(error, match=words) as caught:
            call()
        assert any("modos check" in note for note in caught.value.__notes__)
    modo.undo()
    assert "name" not in modo.metadata["sample/a"]
    assert repair_object(modo.storage, grace=AT_ONCE).repairs == ()
    assert modo.storage.exists(record_path(lost))
    with pytest.raises(error, match=words) as caught:
        modo.remove_element("b", purge=True)
    assert any("purged" in note for note in caught.value.__notes__)
    assert "sample/b" not in MODO("", modo.storage).metadata


def test_a_name_of_no_moment_is_that_of_no_record(make_storage):
    """Among the records and in the trash it is a file as any other, which stops nobody who looks there."""
    modo, name = MODO.create("ex", make_storage("local")), "20269931T235959.999999Z-00000000"
    modo.storage.put(b"{}", f"{LOG}/{name}.json")
    modo.storage.put(b"{}", f"{TRASH}/{name}/demo")
    modo.add_element(sample("a"))
    assert modo.check().is_clean
    assert len(modo.log()) == 2
    assert [each.name for each in modo.trash()] == []


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_an_edit_whose_record_cannot_be_read_is_not_passed_over(  # noqa: PLR0917 - fixtures
    make_storage, dying, content, unreadable, kind, monkeypatch
):
    """When the object does not contain it, no other is made; a repair puts a damaged one aside, and never a later one."""
    damage, error, words = unreadable
    modo = MODO.create("ex", make_storage(kind))
    dying()
    with pytest.raises(StorageError, match="killed"):
        modo.add_element(sample("theirs"))
    monkeypatch.undo()
    lost = record_ids(modo.storage)[-1]
    modo.storage.put(damage(modo.storage.read(record_path(lost))), record_path(lost))
    before = content(modo.storage)
    with pytest.raises(error, match=words) as caught:
        modo.add_element(sample("mine"))
    assert any("modos check" in note for note in caught.value.__notes__)
    assert content(modo.storage) == before
    (found,) = (each for each in modo.check(depth="listing").findings if each.severity == "error")
    assert (found.code, found.place) == ("unreadable-record", record_path(lost))
    assert repair_object(modo.storage, depth="listing").repairs == ()  # it is too young
    told = repair_object(modo.storage, grace=AT_ONCE, dry_run=True).repairs
    made = repair_object(modo.storage, grace=AT_ONCE).repairs
    assert {(each.code, each.place) for each in told} == {(each.code, each.place) for each in made}
    if error is UnsupportedFormatError:
        assert made == ()  # the group is that of the later release
        assert content(modo.storage) == before
        return
    assert {(each.code, each.place) for each in made} == {
        ("unreadable-record", lost),
        ("orphan-group", "sample/theirs"),
    }
    assert record_path(lost) in [each.name for each in modo.trash()]
    modo.add_element(sample("mine"))
    assert modo.list_samples() == ["sample/mine"]
    assert check_object(modo.storage, grace=AT_ONCE).findings == ()
    modo.remove_element("mine", purge=True)
    assert modo.trash() == []  # nobody knows what it said, and of whom


def test_a_failed_edit_leaves_no_record(modo, monkeypatch):
    """Neither record nor group, when the root document cannot be written."""
    before = {str(path): modo.storage.read(path) for path in modo.storage.list()}
    original = Storage.put

    def put(self, source, target, **options):
        if str(target) == ROOT_DOCUMENT:
            raise StorageError(self.url, "down")
        return original(self, source, target, **options)

    monkeypatch.setattr(Storage, "put", put)
    with pytest.raises(StorageError, match="down"):
        modo.add_element(sample("new"), part_of="assay1")
    assert {str(path): modo.storage.read(path) for path in modo.storage.list()} == before
