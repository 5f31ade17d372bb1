"""Terms of ontologies: those that nobody can look up, that a vocabulary at hand has not, or that it has given up."""

import gzip
import json
import os

import pytest

from modos import MODO, check_object, repair_object
from modos.cli import main
from modos.errors import InvalidInputError
from modos.model.vocabularies import look_up

OBO = """format-version: 1.2
ontology: cl

[Term]
id: CL:0000236
name: B cell
alt_id: CL:0000999
is_a: CL:0000945 ! lymphocyte of B lineage

[Term]
id: CL:0000111
name: obsolete cell
is_obsolete: true
replaced_by: CL:0000236

[Typedef]
id: part_of
"""
OWL = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"
     xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:obo="http://purl.obolibrary.org/obo/">
  <owl:Ontology rdf:about="http://purl.obolibrary.org/obo/cl.owl"/>
  <owl:Class rdf:about="http://purl.obolibrary.org/obo/CL_0000236">
    <rdfs:subClassOf><owl:Class><owl:onProperty rdf:about="http://purl.obolibrary.org/obo/CL_7"/></owl:Class></rdfs:subClassOf>
    <rdfs:label>B cell</rdfs:label>
  </owl:Class>
  <owl:Class rdf:about="http://purl.obolibrary.org/obo/CL_0000111">
    <rdfs:label>obsolete cell</rdfs:label>
    <owl:deprecated rdf:datatype="http://www.w3.org/2001/XMLSchema#boolean">true</owl:deprecated>
    <obo:IAO_0100001 rdf:resource="http://purl.obolibrary.org/obo/CL_0000236"/>
  </owl:Class>
  <owl:Class rdf:about="http://purl.obolibrary.org/obo/CL_0000999">
    <rdfs:label>B cell</rdfs:label>
    <owl:deprecated>true</owl:deprecated>
    <obo:IAO_0100001>CL:0000236</obo:IAO_0100001>
  </owl:Class>
</rdf:RDF>
"""
TABLE = "term,label\nCL:0000236,B cell\nNCBITaxon:9606,Homo sapiens\n"
BEGINNING = "http://purl.obolibrary.org/obo/CL_"


@pytest.fixture
def modo(tmp_path) -> MODO:
    """An object with terms of every kind."""
    modo = MODO.create(tmp_path / "ex")
    terms = {
        "good": "CL:0000236",
        "iri": f"{BEGINNING}0000236",
        "unknown": "CL:0000237",
        "obsolete": "CL:0000111",
        "merged": "CL:0000999",
        "elsewhere": "https://example.org/cells/1",
        "prefix": "CLL:0000236",
    }
    with modo.edit() as edit:
        for name, term in terms.items():
            edit.add({"@type": "Sample", "id": name, "cell_type": term})
        edit.add({"@type": "Assay", "id": "a1", "omics_type": "GENOMICS", "sample_processing": ["urn:x:1", "MS:1"]})
        edit.link("ex", "a1")
    return modo


@pytest.mark.parametrize(("name", "text"), [("cl.obo", OBO), ("cl.owl", OWL), ("cl.rdf", OWL), ("cl.obo.gz", OBO)])
def test_terms_that_are_not_to_be_used_are_found(modo, tmp_path, name, text):
    """A term that a vocabulary has not or has given up; terms of others, however they are written, are not judged by it."""
    body = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    found = {each.place: each for each in modo.check(vocabularies=[tmp_path / name]).findings}
    assert {each.code for each in found.values()} == {"unknown-term"}
    assert set(found) == {"sample/unknown", "sample/obsolete", "sample/merged", "sample/prefix"}
    assert f"use {BEGINNING}0000236" in found["sample/obsolete"].what
    assert f"use {BEGINNING}0000236" in found["sample/merged"].what
    assert "'CL:0000237' is no term" in found["sample/unknown"].what
    assert (found["sample/unknown"].slot, found["sample/unknown"].value) == ("cell_type", "CL:0000237")


def test_a_prefix_that_stands_for_nothing_is_found_without_a_vocabulary(modo):
    """The near one is named; IRIs and prefixes of common ontologies are right."""
    (found,) = modo.check().findings
    assert (found.severity, found.place, found.slot) == ("warning", "sample/prefix", "cell_type")
    assert "'CL'" in found.what


def test_tables_are_vocabularies(modo, tmp_path):
    """A term at the beginning of each line, after a line that may name the columns; several files add up."""
    (tmp_path / "ours.csv").write_text(TABLE)
    (tmp_path / "more.txt").write_text("CL:0000237\nCL:0000111\nCL:0000999\tlabel\n")
    places = [each.place for each in modo.check(vocabularies=[tmp_path / "ours.csv"]).findings]
    assert places == ["sample/merged", "sample/obsolete", "sample/prefix", "sample/unknown"]
    both = [tmp_path / "ours.csv", tmp_path / "more.txt"]
    assert [each.place for each in modo.check(vocabularies=both).findings] == ["sample/prefix"]
    assert [each.place for each in repair_object(modo.storage, vocabularies=both).findings] == ["sample/prefix"]
    assert (
        look_up(["NCBITaxon:9606"], both).terms["http://purl.obolibrary.org/obo/NCBITaxon_9606"].label == "Homo sapiens"
    )


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("cl.ttl", b""),
        ("cl.obo", None),
        ("cl.obo", b"[Term]\nid: CL:1\nname: \xff\n"),
        ("cl.obo.gz", b"no gzip"),
        ("cl.obo.gz", gzip.compress(OBO.encode(), mtime=0)[:-20]),
        ("cl.owl", b"<rdf>"),
        ("cl.owl", b""),
    ],
    ids=map(str, range(7)),
)
def test_a_vocabulary_that_cannot_be_read_is_an_error(modo, tmp_path, name, body):
    """It is never taken for an empty one."""
    if body is not None:
        (tmp_path / name).write_bytes(body)
    with pytest.raises(InvalidInputError, match=name):
        check_object(modo.storage, vocabularies=[tmp_path / name])


def test_the_command_takes_vocabularies(modo, tmp_path, capsys, monkeypatch):
    """By the option, or by the variable for whoever always has the same."""
    (tmp_path / "cl.obo").write_text(OBO)
    (tmp_path / "ours.csv").write_text(TABLE)
    modo.remove_element("prefix")
    place = modo.url
    assert main(["check", place]) == 0
    assert main(["check", place, "--vocabulary", str(tmp_path / "cl.obo"), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [each["value"] for each in findings] == ["CL:0000999", "CL:0000111", "CL:0000237"]
    monkeypatch.setenv("MODOS_VOCABULARIES", os.pathsep.join(map(str, (tmp_path / "cl.obo", tmp_path / "ours.csv"))))
    assert main(["check", place]) == 1
    assert "CL:0000237" in capsys.readouterr().out
