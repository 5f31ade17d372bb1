"""Objects on the move: plans, mirrors, and many at once."""

import re
import time

import pytest

from modos import MODO, list_modos, transfer, transfer_many
from modos.errors import AccessDeniedError, ObjectExistsError, ObjectNotFoundError, ServiceError
from modos.storage import LOG, OWN_ROOT, TRASH, LocalStorage
from modos.testing import Proxy


@pytest.fixture
def modo(tmp_path) -> MODO:
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "Sample", "id": "s1"})
    time.sleep(0.05)  # what is younger than the clock's tick is not believed to be the same
    return modo


def test_an_unchanged_object_costs_only_listings(modo, account, container):
    """The object's own rules add nothing to what the transfer asks: no request for any file."""
    target = account.swift(container, "ex")
    transfer(modo, target)
    with Proxy(account.server.url) as proxy:
        report = transfer(modo, account.swift(container, "ex", storage_url=proxy.through(account.server.storage_url)))
        asked = [(each.method, each.path) for each in proxy.requests if each.path != "/info"]
    assert asked == [("GET", f"/v1/AUTH_test/{container}")]
    assert (report.files, report.skipped) == (0, len(list(modo.storage.list())))


def test_a_plan_writes_nothing_and_is_refused_like_the_transfer(modo, tmp_path):
    """Counts and bytes of what would be done; another object in the way is an error already."""
    plan = modo.plan_transfer(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    report = modo.transfer(tmp_path / "copy")
    assert (plan.files, plan.bytes, plan.requests) == (report.files, report.bytes, 0)
    assert modo.plan_transfer(tmp_path / "copy").files == 0
    MODO.create(tmp_path / "other", id="other")
    with pytest.raises(ObjectExistsError, match="'other'"):
        modo.plan_transfer(tmp_path / "other")


def test_a_new_place_is_listed_once(modo, account, container):
    """Whether anything foreign is there, the plan's listing has told."""
    with Proxy(account.server.url) as proxy:
        modo.transfer(account.swift(container, "ex", storage_url=proxy.through(account.server.storage_url)))
        listed = [each.query for each in proxy.requests if "prefix=ex%2F" in each.query]
    assert len(listed) == 1, listed


def test_a_copy_with_edits_of_its_own_is_replaced_only_when_that_is_asked_for(modo, tmp_path):
    """Neither planned nor done: its edits and their records stay. The other way it is the newer one, and nothing is lost."""
    copy, third = tmp_path / "copy", tmp_path / "third"
    modo.transfer(copy)
    modo.transfer(third)
    edited = MODO(copy)
    edited.add_element({"@type": "Sample", "id": "s2"})
    for move in (modo.transfer, modo.plan_transfer):
        with pytest.raises(ObjectExistsError, match="an edit that the object has not"):
            move(copy)
    assert "sample/s2" in MODO(copy).metadata
    assert len(edited.log()) == 3
    edited.transfer(third)
    assert MODO(third).checksum() == edited.checksum()
    modo.transfer(copy, overwrite=True)
    assert MODO(copy).checksum() == modo.checksum()
    assert len(MODO(copy).log()) == 2


def test_an_edit_that_nobody_has_completed_is_not_removed_unasked(modo, tmp_path):
    """The files are the same, and the copy has a record besides: to remove it alone is asked for, too."""
    copy = LocalStorage(tmp_path / "copy")
    modo.transfer(copy)
    record = LOG / "20991121T143500.123456Z-1a2b3c4d.json"
    copy.put(b"{}", record)
    with pytest.raises(ObjectExistsError, match="20991121T143500"):
        modo.transfer(copy)
    assert copy.exists(record)


def test_a_mirror_has_nothing_else(modo, tmp_path):
    """`delete` removes what only the copy has, also when nothing else is to be done; by default it stays."""
    copy = LocalStorage(tmp_path / "copy")
    modo.transfer(copy)
    copy.put(b"x", "left.txt")
    assert modo.transfer(copy).removed == 0
    assert modo.plan_transfer(copy, delete=True).removed == 1
    assert modo.transfer(copy, delete=True).removed == 1
    assert set(copy.list()) == set(modo.storage.list())


def test_a_source_without_an_object_is_refused_before_it_is_listed(tmp_path):
    """A place with many other files is not listed to find out that there is no object."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").write_text("x")
    with pytest.raises(ObjectNotFoundError):
        transfer(tmp_path / "plain", tmp_path / "copy")


def test_all_objects_beneath_a_place_are_moved_and_one_failure_stops_none(tmp_path):
    """Each has its own outcome; the order of names is kept; copies have the same names."""
    for name in ("one", "three", "two"):
        MODO.create(tmp_path / "study" / name)
    MODO.create(tmp_path / "copies" / "three", id="in the way")
    moved = list(transfer_many(tmp_path / "study", tmp_path / "copies"))
    assert [each.source.rpartition("/")[2] for each in moved] == ["one", "three", "two"]
    assert [type(each.error) for each in moved] == [type(None), ObjectExistsError, type(None)]
    assert MODO(tmp_path / "copies" / "two").id == "two"
    with pytest.raises(ObjectNotFoundError):
        list(transfer_many(tmp_path / "nowhere", tmp_path / "copies"))


def test_a_directory_that_may_not_be_looked_into_keeps_back_none(tmp_path, monkeypatch):
    """What is found beside it is copied first; then it is named."""
    for name in ("one", "two"):
        MODO.create(tmp_path / "study" / name)

    def found(storage):
        yield from ("one", "two")
        raise AccessDeniedError(storage.url_of("lost+found"), "this user may not look into this directory")

    monkeypatch.setattr("modos.objects.moves.find_objects", found)
    moving = transfer_many(tmp_path / "study", tmp_path / "copies")
    assert [next(moving).error, next(moving).error] == [None, None]
    with pytest.raises(AccessDeniedError, match=re.escape("lost+found")):
        next(moving)
    assert [MODO(tmp_path / "copies" / name).id for name in ("one", "two")] == ["one", "two"]


def test_copies_beneath_the_objects_are_none_of_them(tmp_path):
    """Made again, the same is found to be there, and no copy is copied."""
    for name in ("one", "two"):
        MODO.create(tmp_path / "study" / name)
    for _ in range(2):
        done = list(transfer_many(tmp_path / "study", tmp_path / "study" / "copies"))
        assert [moved.target for moved in done] == [
            str(tmp_path / "study" / "copies" / name) for name in ("one", "two")
        ]
    assert {path.name for path in (tmp_path / "study" / "copies").iterdir()} == {"one", "two"}


def test_what_a_copy_has_left_that_broke_off_can_be_overwritten(modo, tmp_path):
    """When the object has lost a file since, that is foreign to it; the error says what can be done, and that works."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "gone.cram").write_bytes(b"x")
    with pytest.raises(ObjectExistsError, match=r"'gone\.cram' is in it; .* or overwrite this"):
        modo.transfer(tmp_path / "copy")
    modo.transfer(tmp_path / "copy", overwrite=True, delete=True)
    assert not (tmp_path / "copy" / "gone.cram").exists()


def test_an_object_that_was_replaced_but_for_its_last_files_goes_as_a_whole(modo, tmp_path):
    """Killed while they are removed, the same call again removes the others: its log is the last that goes."""
    old = MODO.create(tmp_path / "old", id="old")
    (tmp_path / "old" / "reads.cram").write_bytes(b"x")
    (tmp_path / "old" / "zz.txt").write_bytes(b"x")

    class Failing(LocalStorage):
        def _remove(self, names):
            super()._remove([name for name in names if name != "zz.txt"])
            if "zz.txt" in names:
                raise ServiceError(self.url_of("zz.txt"), "broke")

    with pytest.raises(ServiceError):
        modo.transfer(Failing(old.storage.path), overwrite=True)
    modo.transfer(tmp_path / "old", overwrite=True)
    assert set(old.storage.list()) == set(modo.storage.list())


def test_full_verification_reads_everything_back(modo, account, container):
    """Also where the service has told the MD5 of what it stored."""
    files = len(list(modo.storage.list()))
    with Proxy(account.server.url) as proxy:
        target = account.swift(container, "ex", storage_url=proxy.through(account.server.storage_url))
        modo.transfer(target, verify="full")
        assert (
            proxy.count(method="GET", path="/ex/") - proxy.count(method="GET", path="/ex/data.zarr/zarr.json")
            == files - 1
        )


def test_an_unknown_option_is_refused(modo, tmp_path):
    """Whichever way it is given; and what is an option of each is one of the others."""
    for move in (modo.transfer, lambda target, **options: transfer(modo, target, **options)):
        with pytest.raises(TypeError, match="speed"):
            move(tmp_path / "copy", speed=2)
        assert move(tmp_path / "copy", workers=1, verify="full", delete=True).removed == 0


OLD = {
    "data.zarr/.zattrs": b'{"@type": "MODO", "id": "ex"}',
    "data.zarr/.zgroup": b'{"zarr_format": 2}',
    "data.zarr/.zmetadata": b'{"metadata": {".zgroup": {"zarr_format": 2}, ".zattrs": {"@type": "MODO", "id": "ex"}}}',
    "reads.fastq": b"@r1",
}


@pytest.fixture
def old(tmp_path) -> LocalStorage:
    """An object as releases up to 0.3.5 wrote it."""
    storage = LocalStorage(tmp_path / "old")
    for name, body in OLD.items():
        storage.put(body, name)
    return storage


@pytest.mark.parametrize("consolidated", [True, False])
def test_an_object_of_zarr_format_2_travels_as_it_is(old, tmp_path, consolidated):
    """Every byte, its root last; without consolidated metadata too. It says the same there, and again nothing is done."""
    if not consolidated:
        old.remove("data.zarr/.zmetadata")
    roots = [name for name in ("data.zarr/.zmetadata", "data.zarr/.zgroup") if old.exists(name)]
    copy = LocalStorage(tmp_path / "copy")
    plan = MODO("", old).plan_transfer(copy)
    assert [str(info.path) for info in plan.files_to("commit")] == roots
    transfer(old, copy)
    assert {str(path): copy.read(path) for path in copy.list()} == {str(path): old.read(path) for path in old.list()}
    assert MODO("", copy).metadata == MODO("", old).metadata
    assert MODO("", old).transfer(copy).files == 0


def test_an_older_format_takes_no_newer_ones_place_unasked(old, modo, tmp_path):
    """Of the same id, but of format 3: it is replaced, whole, only when that is asked for."""
    created = modo.metadata["ex"]["creation_date"].encode()
    for name in ("data.zarr/.zattrs", "data.zarr/.zmetadata"):
        old.put(old.read(name).replace(b'"id": "ex"', b'"id": "ex", "creation_date": "%b"' % created), name)
    with pytest.raises(ObjectExistsError, match="zarr format 3"):
        transfer(old, modo.storage)
    transfer(old, modo.storage, overwrite=True)
    assert {str(path) for path in modo.storage.list()} == set(OLD)


@pytest.mark.parametrize(("delete", "kept"), [(False, {"trash/gone"}), (True, set())])
def test_the_log_of_an_object_travels_and_its_trash_does_not(modo, tmp_path, delete, kept):
    """The copy has the records of the object and no others; its own trash stays unless it is to be a mirror."""
    copy = LocalStorage(tmp_path / "copy")
    modo.transfer(copy)
    modo.storage.put(b"{}", LOG / "1.json")
    modo.storage.put(b"old", TRASH / "1" / "reads")
    copy.put(b"{}", LOG / "2.json")
    copy.put(b"old", TRASH / "gone")
    modo.transfer(copy, delete=delete)
    names = {str(path.relative_to(OWN_ROOT)) for path in copy.list(OWN_ROOT)}
    assert {name for name in names if name.startswith("trash")} == kept
    assert sorted(copy.list(LOG)) == sorted(modo.storage.list(LOG))


@pytest.mark.parametrize("kind", ["local", "memory", "s3", "swift"])
def test_objects_of_both_formats_are_found_and_moved(make_storage, tmp_path, kind):
    """None of a study stays behind unnoticed."""
    study = make_storage(kind)
    for name, body in OLD.items():
        study.put(body, f"old/{name}")
    MODO.create("new", storage=study)
    assert [found.path for found in list_modos(study)] == ["new", "old"]
    assert [moved.error for moved in transfer_many(study, tmp_path / "copies")] == [None, None]
    assert MODO(tmp_path / "copies" / "old").id == "ex"
