"""Adding, updating and removing elements with their files, on every storage."""

import hashlib
import json
from pathlib import PurePosixPath

import pytest

from modos import MODO
from modos.errors import (
    DanglingLinkError,
    ElementExistsError,
    ElementNotFoundError,
    FileConflictError,
    InvalidElementError,
    InvalidInputError,
    InvalidPathError,
    ModosError,
)
from modos.model import ElementId, Sample
from modos.objects.editing.files import SourceFile


def checksum(path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def files(modo) -> dict[str, bytes]:
    return {str(path): modo.storage.read(path) for path in modo.list_files()}


def test_an_added_element_is_there_for_everyone(modo, place):
    """It is in the metadata at once and for who opens the object, under its full id, links in full."""
    added = modo.add_element(
        {"@type": "Assay", "id": "a 2", "omics_type": "GENOMICS", "has_sample": "sample1", "sample_processing": "EFO:1"}
    )
    assert added == ElementId("assay", "a 2")
    said = {
        "@type": "Assay",
        "has_sample": ["sample/sample1"],
        "omics_type": ["GENOMICS"],
        "sample_processing": ["EFO:1"],
    }
    assert modo.metadata[str(added)] == said
    assert MODO("ex", place).metadata == modo.metadata


def test_a_model_is_added_like_a_mapping(modo):
    """Slots that the model leaves open are not set."""
    modo.add_element(Sample(id="s3", sex="Female"), part_of="assay1")
    assert modo.metadata["sample/s3"] == {"@type": "Sample", "sex": "Female"}
    assert modo.metadata["assay/assay1"]["has_sample"][-1] == "sample/s3"


def test_a_file_is_stored_with_its_index_and_its_checksum(modo, data, entity):
    """`data_path` defaults to the file's name; `data_checksum` is the BLAKE2b of what is stored."""
    modo.add_element(entity(), data / "demo1.cram", part_of="assay1")
    said = modo.metadata["data/demo1"]
    assert said["data_path"] == "demo1.cram"
    assert said["data_checksum"] == checksum(data / "demo1.cram")
    expected = {name: (data / name).read_bytes() for name in ("demo1.cram", "demo1.cram.crai")}
    assert files(modo) == expected
    assert modo.metadata["assay/assay1"]["has_data"] == ["data/demo1"]


def test_a_file_is_stored_under_its_data_path(modo, data, entity):
    """The index is named after the data file, also when it was `reads.bai` beside `reads.bam`."""
    modo.add_element(entity(data_path="runs/r 1.bam", data_format="BAM"), data / "reads.bam")
    assert files(modo) == {
        "runs/r 1.bam": (data / "reads.bam").read_bytes(),
        "runs/r 1.bam.bai": (data / "reads.bai").read_bytes(),
    }


@pytest.mark.parametrize("name", ["calls.vcf", "reads.fastq.gz", "table.csv"])
def test_formats_without_an_index_are_ordinary(modo, data, entity, name):
    """They are added, replaced and removed as any."""
    modo.add_element(entity(), data / name)
    assert list(files(modo)) == [name]
    modo.update_element("demo1", {}, data / "demo1.cram")
    modo.remove_element("demo1")
    assert files(modo) == {}


def test_a_file_comes_from_any_storage(modo, data, entity, make_storage):
    """An address is read where it is; the index beside it comes along."""
    elsewhere = make_storage("local")
    for name in ("demo1.cram", "demo1.cram.crai"):
        elsewhere.put(data / name, f"in/{name}")
    modo.add_element(entity(), (elsewhere.path / "in/demo1.cram").as_uri())
    assert set(files(modo)) == {"demo1.cram", "demo1.cram.crai"}


def test_a_bar_in_the_name_of_a_file_is_a_bar(make_storage, data, entity, monkeypatch):
    """What is there under this name is meant, not something in an archive."""
    (data / "a|b.csv").write_text("1")
    monkeypatch.chdir(data)
    modo = MODO.create("ex", make_storage("local"))
    modo.add_element(entity(data_format="CSV"), "a|b.csv")
    assert modo.list_files() == [PurePosixPath("a|b.csv")]


def test_directories_are_data(modo, data, entity):
    """An OME-Zarr or the like is stored whole, renamed whole, replaced whole and removed whole."""
    inside = {"/zarr.json", "/0/c"}
    modo.add_element(entity(data_format="Zarr"), data / "counts.zarr")
    modo.add_element(entity("other", data_path="counts.zarr2"), data / "table.csv")
    assert set(files(modo)) == {"counts.zarr2", *(f"counts.zarr{name}" for name in inside)}
    assert "data_checksum" not in modo.metadata["data/demo1"]
    modo.update_element("demo1", {"data_path": "images/c.zarr"})
    assert set(files(modo)) == {"counts.zarr2", *(f"images/c.zarr{name}" for name in inside)}
    (data / "counts.zarr/0/c").rename(data / "counts.zarr/1")
    modo.update_element("demo1", {}, data / "counts.zarr")
    assert set(files(modo)) == {"counts.zarr2", "images/c.zarr/zarr.json", "images/c.zarr/1"}
    modo.remove_element("demo1")
    assert set(files(modo)) == {"counts.zarr2"}


AROUND = {
    "the object": "study/ex",
    "a folder with it": "study",
    "another name of that folder": "linked",
    "a folder that leads to it": "leading",
    "a folder that leads around it": "leading around",
    "its hierarchy": "study/ex/data.zarr",
    "what is kept of its history": "study/ex/.modos/log",
    "a relative path": "study/../study",
}


@pytest.mark.parametrize("folder", AROUND.values(), ids=AROUND)
def test_an_object_is_not_added_to_itself(tmp_path, entity, content, monkeypatch, folder):
    """However the folder is named and by whatever call: the next one would add all of that again, and what it has added."""
    monkeypatch.chdir(tmp_path)
    modo = MODO.create("study/ex")
    modo.add_element(entity(data_path="d"))
    (tmp_path / "linked").symlink_to(tmp_path / "study")
    for name, there in (("leading", "study/ex"), ("leading around", "study")):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep/link").symlink_to(tmp_path / there)
    description = [{"element": entity("new", data_path="n"), "args": {"source_file": folder}}]
    (tmp_path / "study.json").write_text(json.dumps(description))
    before = content(modo.storage)
    for add in (
        lambda: modo.add_element(entity("new", data_path="n"), folder),
        lambda: modo.update_element("demo1", {}, tmp_path / folder),
        lambda: modo.update_element("demo1", {"data_path": "n"}, f"file://{tmp_path}/{folder}"),
        lambda: modo.add_from_file("study.json"),
    ):
        with pytest.raises(InvalidInputError, match="study/ex itself, or a part of its metadata"):
            add()
    assert content(modo.storage) == before


def test_what_is_beside_an_object_or_its_metadata_is_added(place, entity):
    """Names that only begin as the object's do, and its own data files, are no part of it; on a service it is told by address."""
    modo = MODO.create("ex", place / "study")
    for name in ("study/ex2/a", "study/ex/data.zarr2/b", "study/ex/data/c"):
        place.put(b"content", name)
    for name in ("study/ex2", "study/ex/data.zarr2", "study/ex/data"):
        assert len(SourceFile(place, name).attachments("d", modo.storage.url)) == 1
    for name in ("study", "study/ex", "study/ex/data.zarr", "study/ex/.modos"):
        with pytest.raises(InvalidInputError, match="is in it"):
            SourceFile(place, name).attachments("d", modo.storage.url)


def test_slots_are_set_and_unset(modo, place):
    """Slots that an update does not name stay; `None` unsets one."""
    modo.update_element("sample1", {"sex": "Female", "collector": ["A", "B"], "name": None})
    said = {"@type": "Sample", "sex": "Female", "collector": ["A", "B"]}
    assert MODO("ex", place).metadata["sample/sample1"] == said
    modo.update_element("sample/sample1", Sample(id="sample1", description="new"))
    assert modo.metadata["sample/sample1"] == {**said, "description": "new"}


def test_an_update_that_changes_nothing_writes_nothing(modo, data, entity, writes):
    """Neither the metadata, nor the date of the last change, nor a file that is there already."""
    modo.add_element(entity(), data / "demo1.cram")
    before = modo.metadata
    writes.names.clear()
    modo.update_element("sample1", {"sex": "Male"})
    modo.update_element("ex", {"last_update_date": "2001-01-01"})
    modo.update_element("demo1", {}, data / "demo1.cram")
    assert writes.names == []
    assert MODO("", modo.storage).metadata == modo.metadata == before


def test_a_replaced_file_takes_its_index_along(modo, data, entity):
    """The checksum is that of the new file, and an index of the old one that the new one lacks goes."""
    modo.add_element(entity(data_path="x.cram"), data / "demo1.cram")
    old = modo.metadata["data/demo1"]["data_checksum"]
    (data / "new.cram").write_bytes(b"new")
    modo.update_element("demo1", {"name": "again"}, data / "new.cram")
    assert files(modo) == {"x.cram": b"new"}
    said = modo.metadata["data/demo1"]
    assert said["data_checksum"] == checksum(data / "new.cram") != old
    assert (said["data_path"], said["name"]) == ("x.cram", "again")


def test_a_file_is_replaced_under_another_name(modo, data, entity):
    """With a new `data_path` the new file has that name, and the old file and its index go."""
    modo.add_element(entity(), data / "demo1.cram")
    modo.update_element("demo1", {"data_path": "b.bam", "data_format": "BAM"}, data / "reads.bam")
    assert files(modo) == {
        "b.bam": (data / "reads.bam").read_bytes(),
        "b.bam.bai": (data / "reads.bai").read_bytes(),
    }


def test_a_new_data_path_renames_file_and_index(modo, data, entity):
    """The bytes and the checksum stay what they were."""
    modo.add_element(entity(), data / "demo1.cram")
    before = modo.metadata["data/demo1"]
    modo.update_element("demo1", {"data_path": "deep/er/y.cram"})
    assert modo.metadata["data/demo1"] == {**before, "data_path": "deep/er/y.cram"}
    assert files(modo) == {
        "deep/er/y.cram": (data / "demo1.cram").read_bytes(),
        "deep/er/y.cram.crai": (data / "demo1.cram.crai").read_bytes(),
    }


@pytest.mark.parametrize(("old", "new"), [("a/b", "a"), ("a", "a/b")], ids=["up", "down"])
def test_a_directory_is_not_renamed_into_or_out_of_itself(modo, content, tmp_path, old, new):
    """What was there and what is new could not be told apart: it is refused, and changes nothing."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"1")
    modo.add_element({"@type": "DataEntity", "id": "d", "data_format": "Zarr", "data_path": old}, tmp_path / "d")
    before = content(modo.storage)
    with pytest.raises(InvalidPathError, match=f"'{new}' cannot be the new name of '{old}'"):
        modo.update_element("d", {"data_path": new})
    assert content(modo.storage) == before
    modo.update_element("d", {"data_path": "c"})
    modo.update_element("d", {"data_path": new})
    assert files(modo) == {f"{new}/x": b"1"}


def test_removing_an_element_removes_file_index_arrays_and_group(modo, data, entity, described):
    """What is left is what was there before the element was added."""
    before = described(modo.storage)
    modo.add_element(entity(), data / "demo1.cram", part_of="assay1")
    modo.add_array("demo1", [[1, 2]], "matrix")
    modo.remove_element("data/demo1")
    after = described(modo.storage)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} <= {"data.zarr/zarr.json"}
    assert "data/demo1" not in modo.list_arrays()


def test_removing_an_element_removes_the_links_to_it(modo):
    """Links to others stay, and so does equal text in slots that hold no links."""
    modo.add_element({"@type": "Assay", "id": "a2", "omics_type": "GENOMICS", "has_sample": "sample1"}, part_of="ex")
    modo.remove_element("sample1")
    said = modo.metadata
    assert said["assay/assay1"]["has_sample"] == ["sample/sample2"]
    assert "has_sample" not in said["assay/a2"]
    assert said["sample/sample2"] == {"@type": "Sample", "name": "sample1", "description": "sample/sample1"}
    modo.remove_element("assay/assay1")
    assert modo.metadata["ex"]["has_assay"] == ["assay/a2"]
    group = json.loads(modo.storage.read("data.zarr/assay/a2/zarr.json"))
    assert "has_sample" not in group["attributes"]


def test_a_bare_id_is_taken_only_where_one_element_has_it(modo):
    """Where an assay and a sample share an id, the full id is asked for."""
    modo.add_element({"@type": "Assay", "id": "sample1", "omics_type": "GENOMICS"})
    for edit in (lambda: modo.remove_element("sample1"), lambda: modo.update_element("sample1", {"name": "x"})):
        with pytest.raises(InvalidElementError, match="assay/sample1, sample/sample1"):
            edit()
    modo.remove_element("assay/sample1")
    assert modo.list_samples() == ["sample/sample1", "sample/sample2"]


def test_a_shared_file_stays_as_long_as_one_needs_it(modo, data, entity):
    """Two elements that another writer let share a file: the first that goes leaves it."""
    modo.add_element(entity(), data / "demo1.cram")
    modo.add_element(entity("twin", data_path="twin.cram"))
    root = "data.zarr/zarr.json"
    modo.storage.put(modo.storage.read(root).replace(b'"twin.cram"', b'"demo1.cram"'), root)
    modo.remove_element("demo1")
    assert set(files(modo)) == {"demo1.cram", "demo1.cram.crai"}
    modo.remove_element("twin")
    assert files(modo) == {}


REFUSED = {
    "a path that leaves the object": ({"data_path": "../x.cram"}, InvalidPathError),
    "a path that leaves it later": ({"data_path": "a/../../x.cram"}, InvalidPathError),
    "an absolute path": ({"data_path": "/etc/x.cram"}, InvalidPathError),
    "a path in the hierarchy": ({"data_path": "data.zarr/x.cram"}, InvalidPathError),
    "the hierarchy itself": ({"data_path": "data.zarr"}, InvalidPathError),
    "an id that is taken": ({"id": "taken"}, ElementExistsError),
    "a file of another": ({"data_path": "taken.bam"}, FileConflictError),
    "an index of another": ({"data_path": "taken.bam.bai"}, FileConflictError),
    "a path within a file": ({"data_path": "taken.bam/x.cram"}, FileConflictError),
    "a directory of others": ({"data_path": "run"}, FileConflictError),
    "a dangling link": ({"has_sample": "nobody"}, DanglingLinkError),
    "a link of another kind": ({"has_sample": "assay/assay1"}, InvalidElementError),
    "an unknown slot": ({"colour": "red"}, InvalidElementError),
    "a wrong term": ({"data_format": "CRAMM"}, InvalidElementError),
    "a wrong checksum": ({"data_checksum": "0" * 128}, InvalidElementError),
    "an id that is none": ({"id": "a/b"}, InvalidElementError),
    "the object": ({"@type": "MODO"}, InvalidElementError),
}


@pytest.mark.parametrize("place", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("mistake", REFUSED)
def test_what_is_refused_is_refused_before_anything_is_written(modo, data, entity, writes, mistake):
    """No write is even tried, neither of the file nor of the metadata."""
    slots, error = REFUSED[mistake]
    modo.add_element(entity("taken", data_path="taken.bam", data_format="BAM"), data / "reads.bam")
    modo.add_element(entity("inside", data_path="run/1.csv"), data / "table.csv")
    before = modo.metadata
    writes.names.clear()
    with pytest.raises(error):
        modo.add_element({**entity(), **slots}, data / "demo1.cram")
    assert writes.names == []
    assert MODO("", modo.storage).metadata == modo.metadata == before


def test_refused_updates_write_nothing(modo, data, entity, writes):
    """The same rules hold for updates, and id and kind cannot be changed."""
    modo.add_element(entity("taken", data_path="taken.bam"), data / "reads.bam")
    modo.add_element(entity("inside", data_path="run/1.csv"), data / "table.csv")
    modo.add_element(entity("y", data_path="y.bam"))
    modo.add_element(entity(), data / "demo1.cram")
    before = modo.metadata
    writes.names.clear()
    slots = [slots for name, (slots, _) in REFUSED.items() if name != "an id that is taken"]
    slots += [{"id": "other"}, {"@type": "Sample"}, {"@type": None}, {"data_path": None}]
    for new in slots:
        for source in (None, data / "demo1.cram"):
            if source is None and "data_checksum" in new:
                continue
            with pytest.raises((InvalidInputError, FileConflictError)):
                modo.update_element("demo1", new, source)
    with pytest.raises(FileConflictError):
        modo.update_element("y", {"data_path": "taken.bam"})
    with pytest.raises(ElementNotFoundError):
        modo.update_element("nobody", {"name": "x"})
    with pytest.raises(ElementNotFoundError):
        modo.remove_element("nobody")
    assert writes.names == []
    assert MODO("", modo.storage).metadata == before


@pytest.mark.parametrize("place", ["local", "swift"], indirect=True)
@pytest.mark.parametrize(
    ("element", "file", "part_of"),
    [
        ({"@type": "Sample", "id": "s"}, "table.csv", None),
        ({"@type": "Sample", "id": "s"}, None, "nobody"),
        ({"@type": "Sample", "id": "s"}, None, "sample1"),
        ({"@type": "DataEntity", "id": "d", "data_format": "CSV"}, "missing.csv", None),
        ({"@type": "DataEntity", "id": "d", "data_format": "CSV"}, None, None),
        ({"@type": "DataEntity", "id": "d"}, "table.csv", None),
        ({"id": "d"}, None, None),
        ({"@type": "Sample"}, None, None),
    ],
)
def test_what_does_not_fit_is_refused(modo, data, writes, element, file, part_of):  # noqa: PLR0917 - fixtures and a case
    """A file for what has none, a part of nothing or of what has no parts, a missing file or slot."""
    writes.names.clear()
    with pytest.raises(ModosError):
        modo.add_element(element, None if file is None else data / file, part_of)
    assert writes.names == []


def test_a_file_that_nothing_describes_is_not_overwritten(modo, data, entity, content):
    """Somebody put it there; it is refused by name. The same bytes are no conflict: an edit that was killed left them."""
    modo.storage.put(b"mine", "demo1.cram")
    before = content(modo.storage)
    with pytest.raises(FileConflictError, match=r"demo1\.cram"):
        modo.add_element(entity(), data / "demo1.cram")
    assert content(modo.storage) == before
    modo.storage.put(data / "demo1.cram", "demo1.cram")
    modo.add_element(entity(), data / "demo1.cram")
    assert modo.metadata["data/demo1"]["data_checksum"] == checksum(data / "demo1.cram")


def test_an_index_that_another_describes_is_not_replaced(modo, data, entity, content):
    """Replacing a file brings its index only where that name is free."""
    modo.add_element(entity("index", data_path="x.bam.bai"), data / "table.csv")
    modo.add_element(entity("reads", data_path="x.bam"), data / "calls.vcf")
    before = content(modo.storage)
    with pytest.raises(FileConflictError, match="data/index"):
        modo.update_element("reads", {}, data / "reads.bam")
    assert content(modo.storage) == before


def test_a_right_checksum_is_accepted(modo, data, entity):
    """Declared beforehand, in either case of letters, it is compared with the file's."""
    modo.add_element(entity(data_checksum=checksum(data / "demo1.cram").upper()), data / "demo1.cram")
    assert modo.metadata["data/demo1"]["data_checksum"] == checksum(data / "demo1.cram")


def test_a_path_that_leads_outside_deletes_nothing_outside(place, modo, entity):
    """An object of another writer may claim `../x`: it can be edited, and its file is nobody's."""
    place.put(b"precious", "x.cram")
    modo.add_element(entity(data_path="x.cram", has_sample="sample1"))
    root = "data.zarr/zarr.json"
    modo.storage.put(modo.storage.read(root).replace(b'"x.cram"', b'"../x.cram"'), root)
    modo.update_element("demo1", {"description": "still editable"})
    modo.remove_element("sample1")
    assert modo.refresh().metadata["data/demo1"]["data_path"] == "../x.cram"
    modo.remove_element("demo1")
    assert place.read("x.cram") == b"precious"


def test_a_source_may_not_change_while_it_is_added(modo, data, entity, writes, content):
    """What is stored is what the recorded checksum is of."""
    modo.add_element(entity(), data / "demo1.cram")
    (data / "demo1.cram").write_bytes(b"second")
    before = content(modo.storage)

    def change(_number, name):
        if name.endswith("demo1.cram"):
            (data / "demo1.cram").write_bytes(b"third!")

    writes.hook = change
    with pytest.raises(ModosError, match="changed while"):
        modo.update_element("demo1", {"data_checksum": None}, data / "demo1.cram")
    after = content(modo.storage)
    assert {name for name in after if after[name] != before.get(name)} <= {"demo1.cram"}
