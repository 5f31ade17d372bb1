"""The same triples as the reference implementation, but for those that docs/linked_data.md lists.

`reference/*.reference.nt` is what `knowledge_graph` of modos-api 0.3.5 gives: of the sample study, element by element, and of
an object that modos-api wrote. It refuses alignments in BAM, which its schema does not know.
"""

import json
from pathlib import Path

import pytest
import rdflib

from modos.linked_data import KnowledgeGraph
from modos.model import attributes_of, element_id, load_document, parse_element
from modos.model.curies import expand
from modos.model.schema import ENUMS, SLOTS
from modos.testing.samples import write_samples

EXPECTED = Path(__file__).parent / "reference"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "modo" / "ex" / "data.zarr"

MODOS = rdflib.Namespace("https://w3id.org/sdsc-ordes/modos-schema/")
LINKS = {slot.uri: slot.target for slot in SLOTS.values() if slot.target}
TERMS = {MODOS.cell_type, MODOS.source_material, MODOS.taxon_id, MODOS.sample_processing}


def corrected(triple, base):
    """Return a triple of the reference as it would be right: each branch is a line of the documentation."""
    subject, predicate, term = triple
    text = str(term)
    if predicate == MODOS.data_path:
        return subject, predicate, rdflib.Literal(text.removeprefix(base))
    if predicate in TERMS:
        return subject, predicate, rdflib.URIRef(expand(text.removeprefix(base)))
    if predicate == MODOS.sex:
        return subject, predicate, rdflib.URIRef(ENUMS["Sex"][text])
    if predicate == MODOS.source_uri and text.startswith(f"{base}/"):
        return subject, predicate, rdflib.URIRef(f"file://{text.removeprefix(base)}")
    kind, local = LINKS.get(str(predicate)), text.removeprefix(base)
    if kind and "/" not in local:
        return subject, predicate, rdflib.URIRef(f"{base}{kind}/{local}")
    return triple


def reference_graph(name, base):
    graph = rdflib.Graph().parse(EXPECTED / f"{name}.reference.nt", format="nt")
    return set(graph), {corrected(triple, base) for triple in graph}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The metadata of the sample study, as it is stored, without digests of files."""
    files = write_samples(tmp_path_factory.mktemp("samples"))
    said = {}
    for entry in load_document(files.description):
        element = parse_element(entry.element, partial=True)
        path = {"data_path": entry.args["source_file"]} if "source_file" in entry.args else {}
        key = element.id if entry.element["@type"] == "MODO" else str(element_id(element))
        said[key] = attributes_of(element) | path
    return said


def test_the_sample_study(study):
    """It gives the triples that were compared with those of the reference, in canonical N-Triples."""
    expected = (EXPECTED / "study.nt").read_text(encoding="utf-8")
    assert KnowledgeGraph(study, base="file://demo/").text("n-triples") == expected


def test_the_sample_study_and_the_reference():
    """Where the two differ, it is for the reasons that are documented, and only there."""
    ours = set(rdflib.Graph().parse(EXPECTED / "study.nt", format="nt"))
    theirs, right = reference_graph("study", "file://demo/")
    unknown_to_them = {triple for triple in ours if str(triple[0]) == "file://demo/data/donor2_reads"}
    assert right == ours - unknown_to_them
    assert len(theirs & ours) == 80
    assert unknown_to_them


def test_an_object_of_the_reference():
    """Of the 35 triples of its sample object all but seven are the same, and those differ as documented."""
    if not SHARED.is_dir():
        pytest.skip("the sample object is not at hand")
    attributes = {
        path.parent.relative_to(SHARED).as_posix(): json.loads(path.read_text(encoding="utf-8"))["attributes"]
        for path in SHARED.rglob("zarr.json")
    }
    root = attributes.pop(".")
    said = {root["id"]: root, **{key: found for key, found in attributes.items() if found}}
    ours = set(KnowledgeGraph(said, base="file://ex/").graph())
    theirs, right = reference_graph("ex", "file://ex/")
    assert right == ours
    assert len(ours) == 35
    assert len(ours - theirs) == 7


def test_what_the_reference_publishes_is_a_description():
    """Its graph of the object can be read here: ids from IRIs, links as ids."""
    entries = {entry.element["id"]: entry.element for entry in load_document(EXPECTED / "ex.reference.nt")}
    assert sorted(entries) == ["BA000007.3_bd7522", "assay1", "demo1", "ex", "reference1", "sample1"]
    assert entries["ex"]["has_assay"] == ["assay1"]
    assert entries["demo1"]["data_format"] == "CRAM"
    assert parse_element(entries["sample1"]).sex == "Male"
