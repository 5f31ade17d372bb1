"""The log of an object, what it said before, and taking edits back with their files, on every storage."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modos import MODO
from modos.errors import ConflictError, InvalidInputError, KeyNotFoundError, ModosError, ServiceError
from modos.storage import ROOT_DOCUMENT, LocalStorage, Storage


def sample(name: str, /, **slots: object) -> dict[str, object]:
    return {"@type": "Sample", "id": name, **slots}


@pytest.fixture
def here(make_storage) -> MODO:
    """The object of `modo` on this disk only, where the storage makes no difference."""
    here = MODO.create("ex", make_storage("local"))
    here.add_element(sample("sample1", name="Sample 1", sex="Male"))
    here.add_element(sample("sample2", name="sample1", description="sample/sample1"))
    here.add_element(
        {"@type": "Assay", "id": "assay1", "omics_type": ["GENOMICS"], "has_sample": ["sample1", "sample2"]},
        part_of="ex",
    )
    return here


def undated(modo: MODO) -> dict[str, dict[str, object]]:
    """Return what an object says, as anyone who opens it reads it, without the date of its last change."""
    said = MODO("", modo.storage).metadata
    assert said == modo.metadata
    del said[modo.id]["last_update_date"]
    return said


def files(modo: MODO) -> dict[str, bytes]:
    return {str(path): modo.storage.read(path) for path in modo.list_files()}


def state(modo: MODO) -> tuple[object, ...]:
    """Return all that is to be seen of an object."""
    arrays = {
        path: modo.zarr[path][...].tolist()
        for path, node in modo.zarr.members(max_depth=None)
        if hasattr(node, "shape")
    }
    return undated(modo), files(modo), arrays


# -- the log --------------------------------------------------------------------------------------------------------


def test_each_edit_is_in_the_log(modo, place, monkeypatch, data, entity):
    """The newest first, with author, message and what changed, slot by slot and file by file."""
    monkeypatch.setenv("MODOS_AUTHOR", "ada@lab")
    with modo.edit("second run") as edit:
        edit.add(entity(has_sample="sample1"), data / "demo1.cram", part_of="assay1")
        edit.update("sample1", {"sex": "Female"})
    newest, *_, first = MODO("ex", place).log()
    assert (newest.author, newest.message, newest.undoes) == ("ada@lab", "second run", None)
    assert newest.tool.startswith("modos ")
    told = newest.difference
    assert [(each.kind, each.id) for each in told.elements] == [
        ("changed", "assay/assay1"),
        ("added", "data/demo1"),
        ("changed", "sample/sample1"),
    ]
    assert "sex: 'Male' -> 'Female'" in str(told)
    assert [(each.kind, each.path) for each in told.files] == [("stored", "demo1.cram"), ("stored", "demo1.cram.crai")]
    assert first.difference.elements[0].id == "ex"
    ids = [each.id for each in modo.log()]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5
    json.dumps([each.as_dict() for each in modo.log()])


def test_only_so_many_are_told(here):
    """As the limit says, which is at least one."""
    assert [each.id for each in here.log(2)] == [each.id for each in here.log()][:2]
    with pytest.raises(InvalidInputError, match="at least one"):
        here.log(0)


def test_an_object_without_records_has_an_empty_log(here):
    """Such as one that another program has written; the next edit begins its log."""
    here.storage.remove_tree(".modos")
    assert here.log() == []
    with pytest.raises(InvalidInputError, match="nothing to undo"):
        here.undo()
    here.update_element("sample1", {"sex": "Female"})
    assert len(here.log()) == 1
    here.undo()
    assert here.metadata["sample/sample1"]["sex"] == "Male"


def test_what_an_object_said_before_can_be_read(here):
    """After each commit; the difference of two of them, and to now."""
    seen = {here.log(1)[0].id: here.metadata}
    for edit in (
        lambda: here.update_element("sample1", {"sex": None, "name": "other"}),
        lambda: here.remove_element("sample2"),
        lambda: here.rename_element("assay1", "a"),
        lambda: here.add_element(sample("sample3"), part_of="a"),
    ):
        edit()
        seen[here.log(1)[0].id] = here.metadata
    for said in seen.values():
        del said["ex"]["last_update_date"]
    for commit, said in seen.items():
        found = here.metadata_at(commit)
        del found["ex"]["last_update_date"]
        assert found == said
    one, two, *_, last = seen
    assert "sex: 'Male' -> not set" in str(here.diff(one, two))
    assert here.diff(last).is_empty
    assert {each.id for each in here.diff(two).elements} >= {"sample/sample2", "assay/a", "sample/sample3"}


@pytest.mark.parametrize("text", ["", "nothing", "2"])
def test_a_commit_is_named_by_its_beginning_or_its_end(here, text):
    """What names none, or several, is refused."""
    newest = here.log(1)[0].id
    assert here.metadata_at(newest) == here.metadata_at(newest[-8:]) == here.metadata_at(newest[:22])
    with pytest.raises(InvalidInputError, match="commit"):
        here.metadata_at(text)


def test_a_commit_is_named_by_what_the_log_told_of_it(here):
    """Whatever takes the id of a commit takes that, too."""
    newest, before, *_ = here.log()
    assert here.metadata_at(before) == here.metadata_at(before.id)
    assert str(here.diff(before, newest)) == str(here.diff(before.id))
    assert here.undo(newest, dry_run=True) == here.undo(newest.id)


def test_two_objects_are_compared(here, make_storage):
    """What the other has more, otherwise, or not."""
    other = MODO.create("ex", make_storage("local"))
    other.add_element(sample("sample1", sex="Female", name="Sample 1"))
    changes = {each.id: each.kind for each in here.diff(other).elements}
    assert changes["sample/sample1"] == "changed"
    assert changes["assay/assay1"] == "removed"


# -- undoing --------------------------------------------------------------------------------------------------------


def edits(modo: MODO, data, entity) -> dict[str, object]:
    """Return edits of every kind, each to be made after those before it."""
    return {
        "add with a file": lambda: modo.add_element(entity(), data / "demo1.cram", part_of="assay1"),
        "slots": lambda: modo.update_element("sample1", {"sex": None, "description": "new", "collector": ["A", "B"]}),
        "the object": lambda: modo.update_element("ex", {"description": "changed"}),
        "another file": lambda: modo.update_element("demo1", {"name": "again"}, data / "table.csv"),
        "another name of the file": lambda: modo.update_element("demo1", {"data_path": "runs/x.cram"}),
        "another id": lambda: modo.rename_element("demo1", "reads"),
        "an array": lambda: modo.add_array("reads", [[1, 2], [3, 4]], "matrix"),
        "another id with an array": lambda: modo.rename_element("reads", "demo2"),
        "a directory": lambda: modo.add_element(entity("c", data_format="Zarr"), data / "counts.zarr"),
        "a link": lambda: modo.update_element("assay1", {"has_sample": ["sample2"]}),
        "removal of a directory": lambda: modo.remove_element("c"),
        "removal with file and array": lambda: modo.remove_element("demo2"),
        "removal with links": lambda: modo.remove_element("sample2"),
    }


@pytest.mark.thorough
def test_edits_are_taken_back_and_made_again(modo, data, entity):
    """Elements, slots, links, files with their indexes, directories and arrays, the last edit first; then all again."""
    states = [state(modo)]
    for edit in edits(modo, data, entity).values():
        edit()
        states.append(state(modo))
    count = len(states) - 1
    for expected in reversed(states[:-1]):
        modo.undo()
        assert state(modo) == expected
    undone = [each.id for each in modo.log(count)]
    for commit, expected in zip(undone, states[1:], strict=True):
        modo.undo(commit)
        assert state(modo) == expected
    assert modo.check(depth="contents").is_clean


def test_an_undo_says_what_it_takes_back(here):
    """In its record and its message; it is not undone by the next one, which goes on backwards."""
    with here.edit("why") as edit:
        edit.update("sample1", {"name": "x"})
    done = here.log(1)[0]
    changed = here.undo()
    assert str(changed).splitlines()[-1].strip() == "name: 'x' -> 'Sample 1'"
    undo = here.log(1)[0]
    assert undo.undoes == done.id
    assert undo.message == f"undo of {done.id}: why"
    here.undo()
    assert "assay/assay1" not in here.metadata


def test_what_is_undone_already_is_left(here, writes):
    """Undoing the same commit once more changes nothing; undoing the undo does."""
    here.update_element("sample1", {"sex": "Female"})
    commit = here.log(1)[0].id
    assert not here.undo(commit).is_empty
    writes.names.clear()
    assert here.undo(commit).is_empty
    assert writes.names == []
    here.undo(here.log(1)[0].id)
    assert here.metadata["sample/sample1"]["sex"] == "Female"
    assert not here.undo(commit).is_empty


def test_a_dry_run_changes_nothing(here, data, entity, writes):
    """It tells what would change."""
    here.add_element(entity(), data / "demo1.cram", part_of="assay1")
    writes.names.clear()
    told = here.undo(dry_run=True)
    assert {(each.id, each.kind) for each in told.elements} == {("assay/assay1", "changed"), ("data/demo1", "removed")}
    assert writes.names == []
    assert "data/demo1" in here.refresh().metadata


def test_an_edit_is_taken_back_from_among_later_ones(here, data, entity):
    """What they changed besides stays, links included."""
    here.update_element("sample1", {"sex": "Female", "name": "first"})
    commit = here.log(1)[0].id
    here.update_element("sample1", {"description": "later"})
    here.add_element(sample("s3"), part_of="assay1")
    here.undo(commit)
    assert here.metadata["sample/sample1"] == {
        "@type": "Sample",
        "description": "later",
        "name": "Sample 1",
        "sex": "Male",
    }
    assert here.metadata["assay/assay1"]["has_sample"][-1] == "sample/s3"


def test_an_undo_of_what_was_changed_since_is_refused(here, content):
    """The error names element, slot and both values; nothing is changed. Undone in reverse, both go."""
    here.update_element("sample1", {"name": "one"})
    first = here.log(1)[0].id
    here.update_element("sample1", {"name": "two"})
    second = here.log(1)[0].id
    before = content(here.storage)
    with pytest.raises(ConflictError) as caught:
        here.undo(first)
    error = caught.value
    assert (error.place, error.slot, error.ours, error.theirs) == ("sample/sample1", "name", "Sample 1", "two")
    assert content(here.storage) == before
    here.undo(second)
    here.undo(first)
    assert here.metadata["sample/sample1"]["name"] == "Sample 1"


def test_what_others_link_to_is_not_undone(here):
    """Taking back the addition of an element would take their links."""
    here.add_element(sample("s3"))
    commit = here.log(1)[0].id
    here.update_element("assay1", {"has_sample": ["sample1", "sample2", "s3"]})
    with pytest.raises(ConflictError, match="has_sample"):
        here.undo(commit)
    assert "sample/s3" in here.metadata


@pytest.mark.parametrize(
    ("edit", "renaming"),
    [
        (lambda modo: modo.update_element("sample1", {"name": "other"}), ("sample1", "s1")),
        (lambda modo: modo.add_element(sample("s3")), ("s3", "s4")),
        (lambda modo: modo.rename_element("sample1", "s1"), ("s1", "s2")),
        (lambda modo: modo.update_element("assay1", {"has_sample": ["sample1"]}), ("sample2", "s2")),
        (lambda modo: modo.add_element(sample("s3"), part_of="assay1"), ("assay1", "a1")),
        (lambda modo: modo.remove_element("assay1"), ("sample1", "s1")),
        (lambda modo: modo.add_array("sample1", [1, 2]), ("sample1", "s1")),
    ],
    ids=["slots", "addition", "renaming", "links", "owner", "removal", "array"],
)
def test_what_a_later_edit_has_renamed_is_not_passed_by(here, edit, renaming):
    """Neither are there two of it then, nor is nothing done: the error names the commit to undo before, and that helps."""
    before = undated(here)
    edit(here)
    commit = here.log(1)[0].id
    here.rename_element(*renaming)
    renamed, said = here.log(1)[0].id, here.metadata
    with pytest.raises(ConflictError, match=f"the commit {renamed} has renamed it to .*{renaming[1]} since"):
        here.undo(commit)
    assert here.refresh().metadata == said
    here.undo()
    here.undo(commit)
    assert undated(here) == before


def test_what_a_later_edit_has_removed_does_not_come_back_under_its_former_id(here, data, entity):
    """Its file, of which no checksum tells, is not where it says: the error names the commit to undo before, and that helps."""
    here.add_element(entity(data_format="Zarr"), data / "counts.zarr")
    before = state(here)
    here.rename_element("demo1", "demo2")
    renaming = here.log(1)[0].id
    here.remove_element("demo2")
    removal, said = here.log(1)[0].id, here.metadata
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match=f"data/demo2: the commit {removal} has removed it since"):
            here.undo(renaming, dry_run=dry_run)
    assert here.refresh().metadata == said
    here.undo()
    here.undo(renaming)
    assert state(here) == before


def test_a_link_that_led_nowhere_before_is_no_clash(here, content):
    """Another program lost the element that it names: its owner is renamed, removed, and brought back as it was."""
    root = json.loads(here.storage.read(ROOT_DOCUMENT))
    del root["consolidated_metadata"]["metadata"]["sample/sample2"]
    here.storage.put(json.dumps(root).encode(), ROOT_DOCUMENT)
    here.storage.remove_tree("data.zarr/sample/sample2")
    before = undated(here.refresh())
    assert before["assay/assay1"]["has_sample"] == ["sample/sample1", "sample/sample2"]
    here.rename_element("assay1", "assay7")
    assert here.metadata["assay/assay7"] == before["assay/assay1"]
    here.remove_element("assay7")
    here.undo()
    here.undo()
    assert undated(here) == before
    here.remove_element("assay1")
    removal = here.log(1)[0].id
    here.remove_element("sample1")
    with pytest.raises(ConflictError, match="sample/sample1"):
        here.undo(removal)


def test_a_file_that_was_changed_since_is_not_brought_back(here, data, entity):
    """Also where no checksum tells of it, as with directories; the error names the commit to undo before."""
    here.add_element(entity(data_format="Zarr"), data / "counts.zarr")
    (data / "counts.zarr/0/c").write_bytes(b"second")
    here.update_element("demo1", {}, data / "counts.zarr")
    second = here.log(1)[0].id
    (data / "counts.zarr/0/c").write_bytes(b"third")
    here.update_element("demo1", {}, data / "counts.zarr")
    third = here.log(1)[0].id
    with pytest.raises(ConflictError, match=third):
        here.undo(second)
    assert files(here)["counts.zarr/0/c"] == b"third"
    here.undo(third)
    assert files(here)["counts.zarr/0/c"] == b"second"
    here.undo(second)
    assert files(here)["counts.zarr/0/c"].startswith(b"content of")


def test_the_creation_is_not_undone(here):
    """That is a removal, which has its own word; without a commit there is then nothing to undo."""
    for _ in range(3):
        here.undo()
    with pytest.raises(InvalidInputError, match="nothing to undo"):
        here.undo()
    with pytest.raises(InvalidInputError, match="created the object"):
        here.undo(here.log()[-1].id)


# -- the trash ------------------------------------------------------------------------------------------------------


def test_what_was_replaced_or_removed_is_kept_and_listed(modo, data, entity):
    """With the commit, its age, its name and its size; none of it is a file of the object."""
    modo.add_element(entity(), data / "demo1.cram")
    modo.update_element("demo1", {}, data / "table.csv")
    modo.remove_element("demo1")
    kept = modo.trash()
    sizes = {name: (data / name).stat().st_size for name in ("demo1.cram", "demo1.cram.crai", "table.csv")}
    assert [(each.name, each.size) for each in kept] == [
        ("demo1.cram", sizes["demo1.cram"]),
        ("demo1.cram.crai", sizes["demo1.cram.crai"]),
        ("demo1.cram", sizes["table.csv"]),
    ]
    assert modo.list_files() == []
    assert modo.check(depth="listing").is_clean
    assert {each.code for each in modo.check().findings} <= {"one-sided-link"}


def test_an_emptied_trash_brings_nothing_back(modo, data, entity):
    """What is younger than asked for stays; the edit is then not undone, and the error names the file."""
    modo.add_element(entity(), data / "demo1.cram")
    modo.remove_element("demo1")
    assert modo.empty_trash(timedelta(days=1)) == []
    assert [each.name for each in modo.empty_trash()] == ["demo1.cram", "demo1.cram.crai"]
    assert modo.trash() == []
    before = modo.metadata
    with pytest.raises(KeyNotFoundError, match=r"demo1\.cram.*not kept any more"):
        modo.undo()
    assert modo.refresh().metadata == before


def test_what_is_kept_for_long_is_told_and_removed_by_a_repair(here, data, entity):
    """After thirty days, as the name of the commit tells them; what is younger stays."""
    here.add_element(entity(), data / "demo1.cram")
    here.remove_element("demo1")
    old = "20200101T000000.000000Z-00000000"
    here.storage.put(b"old", f".modos/trash/{old}/x.cram")
    assert [(each.code, each.place) for each in here.check().findings if each.code == "old-trash"] == [
        ("old-trash", old)
    ]
    report = here.check(repair=True)
    assert [(each.code, each.place) for each in report.repairs] == [("old-trash", old)]
    assert [each.name for each in here.trash()] == ["demo1.cram", "demo1.cram.crai"]
    here.undo()
    assert list(files(here)) == ["demo1.cram", "demo1.cram.crai"]


def test_a_listing_that_lags_hides_no_kept_file(here, data, entity, monkeypatch):
    """What a service does not list yet is looked for under its name."""
    here.add_element(entity(), data / "demo1.cram")
    before = state(here)
    here.remove_element("demo1")
    monkeypatch.setattr("modos.objects.history.undoing.kept_files", lambda storage, commit: iter(()))
    here.undo()
    assert state(here) == before


def test_purging_keeps_nothing(modo, data, entity):
    """Neither the file, nor its index, nor the chunks of arrays, nor earlier files of the element."""
    modo.add_element(entity(), data / "demo1.cram")
    modo.update_element("demo1", {}, data / "table.csv")
    modo.add_array("demo1", [1, 2, 3])
    modo.remove_element("demo1", purge=True)
    assert modo.trash() == []
    assert modo.list_files() == []
    assert [str(path) for path in modo.storage.list("data.zarr/data")] == ["data.zarr/data/zarr.json"]


@pytest.mark.parametrize("later", [{}, {"data_path": "matrix.zarr/"}])
def test_purging_keeps_nothing_of_a_directory(here, data, entity, later):
    """However its name was written, now or before."""
    given = entity("counts", data_format="Zarr", data_path="counts.zarr/")
    here.add_element(given, data / "counts.zarr")
    here.update_element("counts", later, data / "counts.zarr/0")
    assert here.trash()
    here.remove_element("counts", purge=True)
    assert here.trash() == []
    assert b"counts.zarr" not in b"".join(here.storage.read(path) for path in here.storage.list(".modos"))


def test_a_purge_that_fails_has_lost_nothing(modo, data, entity, content, monkeypatch):
    """The file that another element's takes the place of is there as it was; made again, nothing of it is kept."""
    modo.add_element(entity(), data / "demo1.cram")
    before = content(modo.storage)

    def edit():
        with modo.edit() as edit:
            edit.remove("demo1", purge=True)
            edit.add(entity("other", data_path="demo1.cram"), data / "reads.bam")

    def put(self, source, target, **options):
        if str(target).startswith(".modos/log"):
            raise ServiceError(self.url_of(str(target)), status=507)
        return original(self, source, target, **options)

    original = Storage.put
    monkeypatch.setattr(Storage, "put", put)
    with pytest.raises(ServiceError):
        edit()
    monkeypatch.undo()
    assert content(modo.storage) == before
    assert modo.trash() == []
    edit()
    assert modo.trash() == []
    assert files(modo) == {"demo1.cram": (data / "reads.bam").read_bytes()}


def test_a_purged_element_is_in_no_record(modo, data, entity):
    """What was said of it is gone too, but not that there were edits; these cannot be undone."""
    modo.add_element(entity(description="born 1970"), data / "demo1.cram", part_of="assay1")
    added = modo.log(1)[0].id
    modo.update_element("demo1", {"description": "called Jane"})
    modo.rename_element("demo1", "patient7")
    modo.remove_element("patient7", purge=True)
    log = b"".join(modo.storage.read(path) for path in modo.storage.list(".modos"))
    assert b"1970" not in log
    assert b"Jane" not in log
    assert len(modo.log()) == 8
    with pytest.raises(ModosError, match="purged"):
        modo.undo(added)
    modo.update_element("sample1", {"name": "x"})
    modo.undo()
    assert modo.metadata["sample/sample1"]["name"] == "Sample 1"


# -- any sequence ---------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("sample"), NAMES, st.sampled_from(["Male", "Female", None])),
    st.tuples(st.just("data"), NAMES, st.sampled_from(["x.bam", "y.bam", "d/x.bam"]), st.binary(max_size=2)),
    st.tuples(st.just("file"), NAMES, st.binary(max_size=2), st.booleans()),
    st.tuples(st.just("path"), NAMES, st.sampled_from(["x.bam", "y.bam", "z.cram"])),
    st.tuples(st.just("slots"), NAMES, st.sampled_from(["Male", "Female", None]), st.sampled_from(["n", None])),
    st.tuples(st.just("remove"), st.sampled_from(["sample", "data"]), NAMES),
    st.tuples(st.just("rename"), st.sampled_from(["sample", "data"]), NAMES, NAMES),
    st.tuples(st.just("link"), NAMES, NAMES),
    st.tuples(st.just("array"), NAMES, st.lists(st.integers(0, 9), min_size=1, max_size=3)),
)


def attempt(modo: MODO, folder, step: tuple[object, ...]) -> None:  # noqa: C901 - a table of edits
    """Make an edit, or leave it when it is refused."""
    word, *given = step
    reads = folder / "reads.bam"
    try:
        match word:
            case "sample":
                modo.add_element(sample(given[0], sex=given[1]))
            case "data":
                reads.write_bytes(given[2])
                slots = {"@type": "DataEntity", "id": given[0], "data_format": "BAM", "data_path": given[1]}
                modo.add_element(slots, reads, part_of="assay")
            case "file":
                reads.write_bytes(given[1])
                (folder / "reads.bam.bai").write_bytes(b"index")
                if not given[2]:
                    (folder / "reads.bam.bai").unlink()
                modo.update_element(f"data/{given[0]}", {}, reads)
                (folder / "reads.bam.bai").unlink(missing_ok=True)
            case "path":
                modo.update_element(f"data/{given[0]}", {"data_path": given[1]})
            case "slots":
                modo.update_element(f"sample/{given[0]}", {"sex": given[1], "name": given[2]})
            case "remove":
                modo.remove_element(f"{given[0]}/{given[1]}")
            case "rename":
                modo.rename_element(f"{given[0]}/{given[1]}", given[2])
            case "link":
                modo.update_element(f"data/{given[0]}", {"has_sample": [given[1]]})
            case "array":
                modo.add_array(f"data/{given[0]}", given[1])
    except ModosError:
        modo.refresh()


@example([("data", "c", "x.bam", b""), ("file", "c", b"\0", True), ("file", "c", b"\0", False)])  # the index alone
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=3, max_size=12))
def test_all_edits_undone_give_the_first_state(tmp_path_factory, steps):
    """Whatever they are: undone in reverse order, what is said and stored is as it was; done again, as it became."""
    folder = tmp_path_factory.mktemp("any")
    modo = MODO.create("", LocalStorage(folder / "ex"), id="ex")
    modo.add_element({"@type": "Assay", "id": "assay", "omics_type": "GENOMICS"}, part_of="ex")
    start, edits_before = state(modo), len(modo.log())
    for step in steps:
        attempt(modo, folder, step)
    end = state(modo)
    made = len(modo.log()) - edits_before
    for _ in range(made):
        modo.undo()
    assert state(modo) == start
    for commit in [each.id for each in modo.log(made)] if made else []:
        modo.undo(commit)
    assert state(modo) == end
    assert modo.check(depth="listing").is_clean
