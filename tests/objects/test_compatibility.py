"""Objects of other writers open and are edited; ours are read by zarr alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from modos import MODO, LocalStorage
from modos.errors import StorageError

WRITTEN_BY_THE_REFERENCE = Path(__file__).parents[3] / "shared/data/modo/ex"

OLD = {
    "assay/assay1": {"@type": "Assay", "name": "Assay 1", "omics_type": ["GENOMICS"], "has_sample": "sample1"},
    "data/demo1": {
        "@type": "DataEntity",
        "data_format": "CRAM",
        "data_path": "demo1.cram",
        "has_reference": ["reference/reference1"],
        "has_sample": ["sample1"],
        "name": "Demo 1",
    },
    "reference/reference1": {"@type": "ReferenceGenome", "data_path": "reference.fa", "name": "Reference 1"},
    "sample/sample1": {"@type": "Sample", "name": "sample1", "sex": "Male"},
    "sequence/BA000007.3_bd7522": {"@type": "ReferenceSequence", "source_uri": "/data/genomic/ecoli.fa"},
}
"""Links as bare ids, alone or in lists, among full ones: as older objects have them."""


def group(attributes, members=None):
    inline = {"kind": "inline", "must_understand": False, "metadata": members or {}}
    return {"attributes": attributes, "zarr_format": 3, "consolidated_metadata": inline, "node_type": "group"}


def generated(place):
    kinds = {kind: group({}) for kind in ("assay", "data", "reference", "sample", "sequence")}
    members = {**kinds, **{key: group(said) for key, said in OLD.items()}}
    own = {
        "@type": "MODO",
        "id": "ex",
        "has_assay": "assay1",
        "creation_date": "2024-01-17",
        "last_update_date": "2024-10-15",
    }
    documents = {"data.zarr/zarr.json": group(own, members)}
    documents |= {f"data.zarr/{path}/zarr.json": group(member["attributes"]) for path, member in members.items()}
    for name, document in documents.items():
        place.put(json.dumps(document, indent=2).encode(), name)
    for name in ("demo1.cram", "demo1.cram.crai", "reference.fa", "reference.fa.fai"):
        place.put(name.encode(), name)


@pytest.fixture(params=["generated", "written by the reference"])
def foreign(request, make_storage):
    """An object of another writer, to be edited."""
    place = make_storage("local")
    if request.param == "generated":
        generated(place)
    elif WRITTEN_BY_THE_REFERENCE.is_dir():
        shutil.copytree(WRITTEN_BY_THE_REFERENCE, place.path)
    else:
        pytest.skip("the sample is not beside this checkout")
    return place


def without_members(place):
    """Take the consolidated metadata out of the root document."""
    document = json.loads(place.read("data.zarr/zarr.json"))
    del document["consolidated_metadata"]
    place.put(json.dumps(document).encode(), "data.zarr/zarr.json")


def test_an_object_of_another_writer_says_what_it_said(foreign):
    """Links stay as they were written; nothing is written."""
    before = {path: foreign.read(path) for path in foreign.list()}
    modo = MODO("", foreign)
    assert modo.metadata["ex"]["has_assay"] == "assay1"
    assert {key.partition("/")[0] for key in modo.metadata} == {
        "ex",
        "assay",
        "data",
        "reference",
        "sample",
        "sequence",
    }
    assert [str(path) for path in modo.list_files()] == [
        "demo1.cram",
        "demo1.cram.crai",
        "reference.fa",
        "reference.fa.fai",
    ]
    links = {tuple(map(str, triple))[1:] for triple in modo.knowledge_graph()}
    assert ("https://w3id.org/sdsc-ordes/modos-schema/has_assay", f"file://{foreign.path.name}/assay/assay1") in links
    assert {path: foreign.read(path) for path in foreign.list()} == before


def test_an_object_of_another_writer_is_edited(foreign, source):
    """Bare links are removed and added to like full ones, and what an edit does not touch stays."""
    modo = MODO("", foreign)
    before = modo.metadata
    modo.add_element(
        {"@type": "Assay", "id": "assay2", "omics_type": "PROTEOMICS", "has_sample": "sample1"}, part_of="ex"
    )
    assert modo.metadata["ex"]["has_assay"] == ["assay1", "assay/assay2"]
    modo.update_element("demo1", {"description": "new"})
    modo.update_element("demo1", {}, source / "data/reads.fastq.gz")
    assert [str(path) for path in modo.list_files()] == ["demo1.cram", "reference.fa", "reference.fa.fai"]
    modo.remove_element("sample1")
    after = MODO("", foreign).metadata
    assert "has_sample" not in after["data/demo1"]
    assert "has_sample" not in after["assay/assay1"]
    assert "has_sample" not in after["assay/assay2"]
    assert after["reference/reference1"] == before["reference/reference1"]
    modo.remove_element("assay1")
    modo.remove_element("reference1")
    assert modo.metadata["ex"]["has_assay"] == ["assay/assay2"]
    assert [str(path) for path in modo.list_files()] == ["demo1.cram"]


def test_without_consolidated_metadata_everything_is_there(foreign):
    """An object that some program left so opens the same, and the next edit consolidates it."""
    before = MODO("", foreign).metadata
    without_members(foreign)
    modo = MODO("", foreign)
    assert modo.metadata == before
    modo.add_element({"@type": "Sample", "id": "s2"})
    assert json.loads(foreign.read("data.zarr/zarr.json"))["consolidated_metadata"]["metadata"].keys() >= {
        *(key for key in before if key != "ex"),
        "sample/s2",
    }


def test_a_failed_edit_without_consolidated_metadata_is_taken_back(foreign, source, content, writes):
    """The groups that it wrote are not taken for elements."""
    without_members(foreign)
    before, said = content(foreign), MODO("", foreign).metadata

    def fail(_number, name):
        if name == "data.zarr/zarr.json":
            raise StorageError(name)

    writes.hook = fail
    with pytest.raises(StorageError):
        MODO("", foreign).add_element(
            {"@type": "DataEntity", "id": "d", "data_format": "CSV"}, source / "data/table.csv", part_of="assay1"
        )
    assert content(foreign).keys() == before.keys()
    assert MODO("", foreign).metadata == said


def test_what_the_schema_does_not_know_is_kept(foreign):
    """A slot and a group that another version wrote survive edits of other elements, and the graph takes them."""
    document = json.loads(foreign.read("data.zarr/zarr.json"))
    members = document["consolidated_metadata"]["metadata"]
    members["sample/sample1"]["attributes"]["mood"] = {"today": "good"}
    members["notes"] = group({"by": "someone"})
    foreign.put(json.dumps(document).encode(), "data.zarr/zarr.json")
    modo = MODO("", foreign)
    modo.add_element({"@type": "Sample", "id": "s2"})
    modo.remove_element("demo1")
    assert modo.metadata["sample/sample1"]["mood"] == {"today": "good"}
    assert modo.zarr["notes"].attrs["by"] == "someone"
    assert len(modo.knowledge_graph()) > 10


def test_zarr_alone_reads_what_we_write(tmp_path, source):
    """With consolidated metadata and without it: types of elements, elements and their attributes, and arrays."""
    modo = MODO.from_file(source / "study.yaml", tmp_path / "ex")
    modo.add_array("demo1", [[1, 2], [3, 4]], "matrix")
    modo.update_element("sample1", {"sex": "Female"})
    modo.add_element({"@type": "Sample", "id": "gone"})
    modo.remove_element("gone")
    said = modo.metadata
    for consolidated in (True, False):
        root = zarr.open_group(tmp_path / "ex/data.zarr", mode="r", use_consolidated=consolidated)
        if consolidated:
            assert root.metadata.consolidated_metadata is not None
            assert dict(root.attrs) == said["ex"]
        assert sorted(root.group_keys()) == ["assay", "data", "reference", "sample", "sequence"]
        found = {f"{kind}/{name}": dict(each.attrs) for kind, type_ in root.groups() for name, each in type_.groups()}
        assert found == {key: attributes for key, attributes in said.items() if key != "ex"}
        assert root["data/demo1/matrix"][...].tolist() == [[1, 2], [3, 4]]
        assert all("id" not in attributes for attributes in found.values())


@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")  # what zarr says whenever it does so
def test_what_zarr_adds_stays(tmp_path):
    """A group or array that a user makes with zarr and consolidates is kept by edits."""
    modo = MODO.create(tmp_path / "ex")
    modo.add_element({"@type": "Sample", "id": "s1"})
    modo.zarr.create_array("sample/s1/own", data=np.arange(3))
    zarr.consolidate_metadata(LocalStorage(tmp_path / "ex").zarr.store)
    modo.add_element({"@type": "Sample", "id": "s2"})
    assert "own (3) int64" in modo.list_arrays("s1")
    assert MODO(tmp_path / "ex").zarr["sample/s1/own"][...].tolist() == [0, 1, 2]
