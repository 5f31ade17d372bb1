"""What can be read of an object, its arrays, its graph and its copies."""

import hashlib

import numpy as np
import pytest
import yaml

from modos import MODO, LocalStorage, transfer
from modos.errors import (
    ElementExistsError,
    ElementNotFoundError,
    InvalidElementError,
    InvalidInputError,
    ObjectExistsError,
    ObjectNotFoundError,
)

ARRAYS = {
    "integers": np.arange(12, dtype="int16").reshape(3, 4),
    "floats": np.array([[0.5, np.nan]]),
    "none": np.zeros((0, 3)),
    "one": np.float32(2),
    "booleans": np.array([True, False]),
    "text": np.array(["früh", "spät"]),
}


def test_what_others_have_stored_is_in_the_hierarchy_once_it_is_read_anew(tmp_path):
    """Arrays that came, and the shape of one that was replaced; it is opened again only when something has changed."""
    modo = MODO.create(tmp_path / "ex")
    modo.add_element({"@type": "Sample", "id": "s"})
    opened = modo.zarr
    assert modo.refresh().zarr is opened
    MODO(tmp_path / "ex").add_array("s", [1, 2, 3])
    assert modo.refresh().zarr["sample/s/data"].shape == (3,)
    MODO(tmp_path / "ex").add_array("s", [[1.5]], overwrite=True)
    assert modo.refresh().zarr["sample/s/data"][...].tolist() == [[1.5]]


def test_contents_are_yaml(modo):
    """Of the object and all its elements, or of one, by either form of its id."""
    assert yaml.safe_load(modo.show_contents()) == modo.metadata
    one = {"sample/sample1": modo.metadata["sample/sample1"]}
    assert yaml.safe_load(modo.show_contents("sample1")) == yaml.safe_load(modo.show_contents("sample/sample1")) == one
    assert yaml.safe_load(modo.show_contents("ex")) == {"ex": modo.metadata["ex"]}
    with pytest.raises(ElementNotFoundError, match="sample1"):
        modo.show_contents("sampel1")


def test_what_yaml_takes_for_the_end_of_a_line_is_shown_as_it_is(tmp_path):
    """NEL and the separators of Unicode are escaped, so that they are read back and no space in the place of them."""
    modo = MODO.create(tmp_path / "ex", id="ex", name="a\x85b\u2028c\u2029d")
    assert yaml.safe_load(modo.show_contents()) == modo.metadata


def test_files_and_samples_are_listed(modo, data, entity):
    """Files in order and without the hierarchy, samples by full id."""
    modo.add_element(entity(data_path="z/demo1.cram"), data / "demo1.cram")
    modo.add_element(entity("counts", data_format="Zarr"), data / "counts.zarr")
    names = ["counts.zarr/0/c", "counts.zarr/zarr.json", "z/demo1.cram", "z/demo1.cram.crai"]
    assert [str(path) for path in modo.list_files()] == names
    assert modo.list_samples() == ["sample/sample1", "sample/sample2"]


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(modo, place, name):
    """Shape, type and values, for this instance and for who opens the object."""
    modo.add_array("sample1", ARRAYS[name], name)
    for group in (modo.zarr, MODO("ex", place).zarr):
        found = group[f"sample/sample1/{name}"][...]
        np.testing.assert_array_equal(found, ARRAYS[name])
        assert found.shape == ARRAYS[name].shape
        assert found.dtype == ARRAYS[name].dtype


def test_large_arrays_and_plain_lists_are_stored(modo):
    """Chunk by chunk; text in a list as well."""
    values = np.random.default_rng(1).random((400, 300))
    modo.add_array("sample1", values)
    modo.add_array("sample/sample2", [["a", "bc"], ["", "d"]], "names")
    np.testing.assert_array_equal(modo.zarr["sample/sample1/data"][...], values)
    assert modo.zarr["sample/sample2/names"][...].tolist() == [["a", "bc"], ["", "d"]]


def test_arrays_are_shown_in_a_tree(modo):
    """With shape and type, beneath their element."""
    modo.add_array("sample1", ARRAYS["integers"], "counts")
    assert modo.list_arrays("sample1").splitlines() == ["sample/sample1", "└── counts (3, 4) int16"]
    lines = modo.list_arrays().splitlines()
    assert lines[:3] == ["ex", "├── assay", "│   └── assay1"]
    assert "    ├── sample1" in [line.replace("│", " ") for line in lines]
    assert "counts (3, 4) int16" in "\n".join(lines)
    with pytest.raises(ElementNotFoundError):
        modo.list_arrays("nobody")


def test_an_element_that_another_added_can_have_arrays(modo, place):
    """Every edit reads the metadata anew."""
    MODO("ex", place).add_element({"@type": "Sample", "id": "s9"})
    modo.add_array("s9", [1, 2])
    assert modo.zarr["sample/s9/data"][...].tolist() == [1, 2]


def test_refused_arrays_write_nothing(modo, writes):
    """A name that is taken or cannot be one, no such element, and what numpy makes no plain array of."""
    modo.add_array("sample1", [1])
    writes.names.clear()
    for error, arguments in (
        (ElementExistsError, ("sample1", [2])),
        (InvalidElementError, ("sample1", [2], "a//b")),
        (InvalidElementError, ("sample1", [2], "..")),
        (InvalidElementError, ("sample1", [2], "zarr.json")),
        (InvalidElementError, ("sample1", [{}], "x")),
        (InvalidElementError, ("sample1", ["a", None], "x")),
        (InvalidElementError, ("sample1", ["a", 1], "x")),
        (ElementNotFoundError, ("nobody", [2])),
    ):
        with pytest.raises(error):
            modo.add_array(*arguments)
    assert writes.names == []


def test_the_checksum_is_the_same_wherever_the_object_is(modo, data, entity, make_storage):
    """It changes with any byte and with any name, and not with the place."""
    modo.add_element(entity(), data / "demo1.cram")
    copies = [modo.storage]
    for kind in ("local", "swift", "s3"):
        copies.append(make_storage(kind))
        transfer(modo, copies[-1])
    sums = {MODO("", copy).checksum() for copy in copies}
    assert len(sums) == 1
    assert len(sums.pop()) == 128
    copies[1].put(b"other", "demo1.cram")
    renamed = copies[2]
    renamed.move("demo1.cram", "demo2.cram")
    assert len({modo.checksum(), MODO("", copies[1]).checksum(), MODO("", renamed).checksum()}) == 3


def test_curies_stay_in_metadata_and_become_iris_in_the_graph(modo):
    """So do links, terms and classes; a query may use the prefixes."""
    curie, iri = "UBERON:0002316", "http://purl.obolibrary.org/obo/UBERON_0002316"
    modo.add_element({"@type": "Sample", "id": "s3", "source_material": curie, "taxon_id": "NCBITaxon:9606"})
    assert modo.metadata["sample/s3"]["source_material"] == curie
    triples = {tuple(map(str, triple)) for triple in modo.knowledge_graph()}
    prefix = "https://w3id.org/sdsc-ordes/modos-schema/"
    assert ("file://ex/sample/s3", f"{prefix}source_material", iri) in triples
    assert ("file://ex/assay/assay1", f"{prefix}has_sample", "file://ex/sample/sample1") in triples
    found = modo.query("SELECT ?s WHERE { ?s modos:source_material UBERON:0002316 }")
    assert [str(row.s) for row in found] == ["file://ex/sample/s3"]
    with pytest.raises(InvalidInputError):
        modo.query("SELECT WHERE")


@pytest.mark.parametrize("place", ["local", "swift"], indirect=True)
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own parser of JSON-LD still uses it
@pytest.mark.parametrize("form", ["turtle", "n-triples", "xml", "json-ld"])
def test_published_text_holds_the_whole_graph(modo, form):
    """In every format, under the prefix that is asked for."""
    import rdflib
    from rdflib.compare import isomorphic

    text = modo.publish(form, "https://example.org/")
    names = {"n-triples": "nt"}
    graph = rdflib.Graph().parse(data=text, format=names.get(form, form))
    assert isomorphic(graph, modo.knowledge_graph("https://example.org/"))
    assert len(graph) > 10


def test_a_copy_is_the_same_object(modo, data, entity, content, make_storage):
    """Transferred to any storage every byte arrives; again it is brought up to date; another object is refused."""
    modo.add_element(entity(), data / "demo1.cram")
    modo.add_array("sample1", [1, 2, 3])
    for kind in ("local", "s3", "swift"):
        target = make_storage(kind) / "copy"
        modo.transfer(target)
        assert content(target) == content(modo.storage)
        modo.add_element({"@type": "Sample", "id": f"for-{kind}"})
        modo.transfer(target)
        assert MODO("", target).metadata == modo.metadata
        other = make_storage(kind) / "other"
        MODO.create("", other, id="other")
        with pytest.raises(ObjectExistsError):
            modo.transfer(other)
        modo.transfer(other, overwrite=True)
        assert content(other) == content(modo.storage)


def test_upload_and_download_lead_there_and_back(tmp_path, account, container, data, content):
    """To an address of S3 with its endpoint, under the reference's names, and back to a directory."""
    modo = MODO.create(tmp_path / "ex")
    modo.add_element({"@type": "DataEntity", "id": "demo1", "data_format": "CRAM"}, data / "demo1.cram")
    keys = {"key": account.server.user, "secret": account.server.key, "region": "us-east-1"}
    report = modo.upload(f"s3://{container}/ex", account.server.s3_endpoint, keys)
    remote = MODO("ex", account.s3(container))
    assert content(remote.storage) == content(modo.storage)
    assert report.digests["demo1.cram"] == hashlib.blake2b((data / "demo1.cram").read_bytes()).hexdigest()
    remote.download(tmp_path / "back")
    assert content(LocalStorage(tmp_path / "back")) == content(modo.storage)


def test_only_an_object_is_transferred(place, tmp_path):
    """A directory that is none is refused, and nothing comes to the target."""
    place.put(b"x", "notes.txt")
    with pytest.raises(ObjectNotFoundError):
        transfer(place, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
