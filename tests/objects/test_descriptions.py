"""Objects built and kept from a document: a mistake anywhere changes nothing, and building again changes only what differs."""

import hashlib
import json

import pytest
import yaml

from modos import MODO
from modos.errors import DanglingLinkError, InvalidDocumentError, ModosError, ObjectExistsError
from modos.testing.samples import write_samples

ROOT = "data.zarr/zarr.json"


def test_the_description_of_the_reference_works(place, source):
    """Elements, links in full, files under their names, with index files and checksums."""
    modo = MODO.from_file(source / "study.yaml", "ex", place)
    assert modo.metadata == {
        "ex": {
            "@type": "MODO",
            "creation_date": "2024-01-17T00:00:00",
            "description": "Example",
            "has_assay": ["assay/assay1"],
            "id": "ex",
            "last_update_date": "2024-01-17T00:00:00",
        },
        "assay/assay1": {
            "@type": "Assay",
            "has_data": ["data/demo1"],
            "name": "Assay 1",
            "omics_type": ["GENOMICS"],
        },
        "data/demo1": {
            "@type": "DataEntity",
            "data_checksum": hashlib.blake2b((source / "data/demo1.cram").read_bytes()).hexdigest(),
            "data_format": "CRAM",
            "data_path": "demo1.cram",
            "has_reference": ["reference/reference1"],
            "has_sample": ["sample/sample1"],
            "name": "Demo 1",
        },
        "reference/reference1": {"@type": "ReferenceGenome", "data_path": "reference.fa", "name": "Reference 1"},
        "sample/sample1": {"@type": "Sample", "collector": ["Foo university"], "name": "Sample 1", "sex": "Male"},
    }
    assert MODO("ex", place).metadata == modo.metadata
    assert [str(path) for path in modo.list_files()] == [
        "demo1.cram",
        "demo1.cram.crai",
        "reference.fa",
        "reference.fa.fai",
    ]
    assert modo.storage.read("reference.fa") == (source / "data/reference1.fa").read_bytes()


def test_real_formats_are_described_and_stored(place, tmp_path):
    """A simulated study with CRAM, BAM, VCF, BCF, mzTab and TSV arrives whole."""
    samples = write_samples(tmp_path / "samples")
    modo = MODO.from_file(samples.description, "demo", place)
    for key, said in modo.metadata.items():
        if "data_path" in said:
            stored = modo.storage.read(said["data_path"])
            assert stored == (samples.description.parent / said["data_path"]).read_bytes()
            assert key.startswith("reference/") or said["data_checksum"] == hashlib.blake2b(stored).hexdigest()
    indexes = {path.name for path in modo.list_files() if path.suffix in {".crai", ".bai", ".tbi", ".csi", ".fai"}}
    assert len(indexes) == 5


def test_json_describes_as_well(place, source):
    """The same list as JSON, with a date left out, which is then now."""
    entries = yaml.safe_load((source / "study.yaml").read_text())
    del entries[0]["element"]["creation_date"]
    (source / "study.json").write_text(json.dumps(entries))
    said = MODO.from_file(source / "study.json", "ex", place).metadata
    assert said["ex"]["creation_date"].endswith("+00:00")
    assert len(said) == 5


def test_building_again_changes_nothing(place, source, content, writes):
    """Twice the same document is one object, byte for byte, and the second time nothing is written."""
    MODO.from_file(source / "study.yaml", "ex", place)
    before = content(place)
    writes.names.clear()
    MODO.from_file(source / "study.yaml", "ex", place)
    assert writes.names == []
    assert content(place) == before


@pytest.fixture
def edited(source):
    """Write `edited.yaml`, the description changed by a function of its entries by id."""

    def edited(change):
        entries = yaml.safe_load((source / "study.yaml").read_text())
        by_id = {entry["element"]["id"]: entry for entry in entries}
        change(entries, by_id)
        (source / "edited.yaml").write_text(yaml.safe_dump(entries))
        return source / "edited.yaml"

    return edited


def test_what_is_not_described_goes_unless_it_is_to_stay(place, source, edited, content):
    """Elements go with their files and the links to them; with `no_remove` they stay."""
    MODO.from_file(source / "study.yaml", "ex", place)

    def change(entries, by_id):
        entries.remove(by_id["demo1"])
        entries.remove(by_id["assay1"])
        del by_id["ex"]["element"]["has_assay"]
        by_id["sample1"]["element"]["name"] = "new"

    path = edited(change)
    kept = MODO.from_file(path, "ex", place, no_remove=True)
    assert kept.metadata["sample/sample1"]["name"] == "new"
    assert kept.metadata["assay/assay1"]["has_data"] == ["data/demo1"]
    modo = MODO.from_file(path, "ex", place)
    assert list(modo.metadata) == ["ex", "reference/reference1", "sample/sample1"]
    assert "has_assay" not in modo.metadata["ex"]
    left = [name for name in content(place) if "demo1" in name or "assay1" in name]
    assert [name for name in left if not name.startswith("ex/.modos/")] == []


def test_one_edit_can_hand_names_on(place, source, edited):
    """An element takes the name of a file that another leaves, by renaming or by going, in the same edit."""
    MODO.from_file(source / "study.yaml", "ex", place)

    def change(_entries, by_id):
        by_id["demo1"]["element"]["data_path"] = "renamed.cram"
        del by_id["demo1"]["args"]
        by_id["reference1"]["element"]["data_path"] = "demo1.cram"
        del by_id["reference1"]["args"]["source_file"]
        by_id["reference1"]["args"]["source_file"] = "data/table.csv"

    modo = MODO.from_file(edited(change), "ex", place)
    assert {str(path): modo.storage.read(path) for path in modo.list_files()} == {
        "renamed.cram": (source / "data/demo1.cram").read_bytes(),
        "renamed.cram.crai": (source / "data/demo1.cram.crai").read_bytes(),
        "demo1.cram": (source / "data/table.csv").read_bytes(),
    }


def test_part_of_links_from_an_entry_to_its_owner(place, edited):
    """Owners may stand later in the document, and may be the object."""

    def change(_entries, by_id):
        by_id["assay1"]["args"] = {"part_of": "ex"}
        by_id["sample1"]["args"] = {"part_of": "assay1"}
        del by_id["ex"]["element"]["has_assay"]

    said = MODO.from_file(edited(change), "ex", place).metadata
    assert said["ex"]["has_assay"] == ["assay/assay1"]
    assert said["assay/assay1"]["has_sample"] == ["sample/sample1"]


def mistake(entry, **slots):
    return lambda entries, by_id: by_id[entry]["element"].update(slots)


def argument(entry, **args):
    return lambda entries, by_id: by_id[entry].setdefault("args", {}).update(args)


MISTAKES = {
    "an unknown slot": mistake("sample1", colour="red"),
    "a wrong term": mistake("demo1", data_format="CRAMM"),
    "an unknown type": mistake("sample1", **{"@type": "Smaple"}),
    "a dangling link": mistake("demo1", has_sample="nobody"),
    "a dangling link of the object": mistake("ex", has_assay=["assay1", "nobody"]),
    "a missing slot": mistake("demo1", data_format=None),
    "a missing file": argument("demo1", source_file="data/missing.cram"),
    "a missing owner": argument("sample1", part_of="nobody"),
    "an owner without parts": argument("assay1", part_of="sample1"),
    "an unknown argument": argument("sample1", file="x"),
    "a file for the object": argument("ex", source_file="data/demo1.cram"),
    "an id twice": lambda entries, by_id: entries.append(by_id["sample1"]),
    "two objects": lambda entries, by_id: entries.append({"element": {"@type": "MODO", "id": "ex2"}}),
    "a path that leaves": mistake("reference1", data_path="../reference.fa"),
    "an absolute path": mistake("reference1", data_path="/reference.fa"),
    "a path in the hierarchy": mistake("reference1", data_path="data.zarr/reference.fa"),
    "a file name twice": mistake("reference1", data_path="demo1.cram"),
    "an index's name": mistake("reference1", data_path="demo1.cram.crai"),
    "a name within a file": mistake("reference1", data_path="demo1.cram/reference.fa"),
    "a wrong checksum": mistake("demo1", data_checksum="0" * 128),
    "no list": lambda entries, by_id: entries.clear(),
}


@pytest.mark.parametrize("place", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_anywhere_changes_nothing(place, source, edited, content, writes, name):  # noqa: PLR0917 - fixtures
    """Neither in an object that is there nor where there is none; not one write is tried."""
    MODO.from_file(source / "study.yaml", "old", place)
    MODO("old", place).add_element({"@type": "Sample", "id": "s9"})
    before = content(place)
    writes.names.clear()
    path = edited(MISTAKES[name])
    for where in ("old", "new"):
        for no_remove in (False, True):
            with pytest.raises(ModosError):
                MODO.from_file(path, where, place, no_remove=no_remove)
    assert writes.names == []
    assert content(place) == before


def test_what_cannot_be_read_changes_nothing(place, source, tmp_path):
    """A document that is missing, or no YAML."""
    (source / "broken.yaml").write_text("- element: {id: ex")
    for path in (source / "broken.yaml", tmp_path / "missing.yaml"):
        with pytest.raises(ModosError, match=path.name):
            MODO.from_file(path, "ex", place)
    assert place.empty()


@pytest.mark.parametrize("place", ["local"], indirect=True)
@pytest.mark.parametrize(
    ("change", "line"),
    [
        (argument("sample1", part_of="nobody"), r"part_of: nobody"),
        (mistake("demo1", data_format="CRAMM"), r"data_format: CRAMM"),
        (mistake("demo1", has_sample="nobody"), r"has_sample: nobody"),
        (argument("demo1", source_file="data/missing.cram"), r"source_file: data/missing.cram"),
    ],
)
def test_errors_say_where_what_is_refused_is_written(place, edited, change, line):
    """A note names the entry, the document, and line and column of the slot or argument."""
    path = edited(change)
    with pytest.raises(ModosError) as caught:
        MODO.from_file(path, "ex", place)
    number, text = next((n, text) for n, text in enumerate(path.read_text().splitlines(), 1) if line in text)
    column = len(text) - len(text.lstrip()) + 1
    assert caught.value.__notes__[0].endswith(f"of {path}, line {number}, column {column}")


@pytest.mark.parametrize("place", ["local"], indirect=True)
@pytest.mark.parametrize(
    ("name", "link"),
    [("sample1", "has_sample of data/demo1 links to 'sample/"), ("assay1", "has_assay of ex links to 'assay/")],
    ids=["from an element", "from the object"],
)
def test_links_to_what_goes_are_refused(place, source, edited, name, link):
    """A link to an element that is in the object and no longer described is as wrong as one to nothing; a trial says so, too."""
    modo = MODO.from_file(source / "study.yaml", "ex", place)
    before = MODO("ex", place).metadata
    path = edited(lambda entries, by_id: entries.remove(by_id[name]))
    for update in (modo.diff_with, modo.update_from_file):
        with pytest.raises(DanglingLinkError, match=f"{link}{name}'") as caught:
            update(path)
        slot = f"{link.split()[0]}: "
        number = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if slot in text)
        assert f"{path}, line {number}," in caught.value.__notes__[0]
    assert MODO("ex", place).metadata == before
    path.write_text("[]")
    with pytest.raises(InvalidDocumentError, match=f"{path}: a description has one entry"):
        MODO.from_file(path, "ex", place, no_remove=True)


@pytest.mark.parametrize("place", ["local"], indirect=True)
def test_a_table_of_some_elements_updates_those(place, source, tmp_path):
    """Where what is not described stays, an object that exists needs no entry; otherwise, and for a new one, it does."""
    modo = MODO.from_file(source / "study.yaml", "ex", place)
    (tmp_path / "samples.csv").write_text("id,sex,collector\nsample1,null,Foo|Bar\nsample2,Male,\n")
    modo.update_from_file(tmp_path / "samples.csv", no_remove=True)
    said = modo.metadata
    assert said["sample/sample1"] == {"@type": "Sample", "collector": ["Foo", "Bar"], "name": "Sample 1"}
    assert (said["sample/sample2"], len(said)) == ({"@type": "Sample", "sex": "Male"}, 6)
    for where, keep in (("ex", False), ("new", True)):
        with pytest.raises(ModosError, match="one entry with @type MODO"):
            MODO.from_file(tmp_path / "samples.csv", where, place, no_remove=keep)


def test_an_object_that_is_to_be_new_may_not_be_there(place, source, content):
    """With `new=True` what is there stays as it is."""
    MODO.from_file(source / "study.yaml", "ex", place, new=True)
    before = content(place)
    with pytest.raises(ObjectExistsError):
        MODO.from_file(source / "study.yaml", "ex", place, new=True)
    assert content(place) == before


def test_elements_are_added_from_a_document_all_or_none(place, modo, source, content):
    """In one edit; when one is refused none is added."""
    entries = [entry for entry in yaml.safe_load((source / "study.yaml").read_text()) if entry["element"]["id"] != "ex"]
    (source / "more.yaml").write_text(yaml.safe_dump(entries))
    before = content(place)
    with pytest.raises(ModosError, match="assay/assay1"):
        modo.add_from_file(source / "more.yaml")
    assert content(place) == before
    modo.remove_element("assay1")
    modo.remove_element("sample1")
    assert len(modo.add_from_file(source / "more.yaml")) == 4
    assert MODO("ex", place).metadata["data/demo1"]["has_sample"] == ["sample/sample1"]
