import subprocess
import sys
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidInputError, MissingDependencyError
from modos.linked_data import FORMATS, element_iri, object_base, query, serialise, to_graph
from modos.model import load_document, parse_element

rdflib = pytest.importorskip("rdflib")

MODOS = rdflib.Namespace("https://w3id.org/sdsc-ordes/modos-schema/")
SCHEMA = rdflib.Namespace("http://schema.org/")
OBO = rdflib.Namespace("http://purl.obolibrary.org/obo/")
EX = rdflib.Namespace("file://ex/")
TYPE = rdflib.RDF.type

METADATA = {
    "ex": {
        "@type": "MODO",
        "id": "ex",
        "creation_date": "2024-01-17T00:00:00",
        "last_update_date": "2024-10-15",
        "has_assay": "a1",
    },
    "assay/a1": {
        "@type": "Assay",
        "omics_type": ["GENOMICS", "SPATIAL"],
        "has_sample": ["sample/s 1"],
        "name": "sample/s 1",
    },
    "sample/s 1": {"@type": "Sample", "sex": "Male", "taxon_id": ["NCBITaxon:9606"], "cell_type": f"{OBO}CL_0002627"},
    "reference/r1": {"@type": "ReferenceGenome", "data_path": "r.fa", "source_uri": "/data/ecoli subset.fa"},
}


@pytest.fixture
def graph():
    return to_graph(METADATA, base=object_base("ex"))


def test_triples(graph):
    """Every value of every slot is one triple, of the kind that its slot says."""
    date = rdflib.XSD.dateTime
    sample = EX["sample/s%201"]
    assert set(graph) == {
        (EX.ex, TYPE, MODOS.MODO),
        (EX.ex, SCHEMA.identifier, rdflib.Literal("ex")),
        (EX.ex, MODOS.creation_date, rdflib.Literal("2024-01-17T00:00:00", datatype=date)),
        (EX.ex, MODOS.last_update_date, rdflib.Literal("2024-10-15T00:00:00", datatype=date)),
        (EX.ex, MODOS.has_assay, EX["assay/a1"]),
        (EX["assay/a1"], TYPE, MODOS.Assay),
        (EX["assay/a1"], SCHEMA.identifier, rdflib.Literal("assay/a1")),
        (EX["assay/a1"], SCHEMA.name, rdflib.Literal("sample/s 1")),
        (EX["assay/a1"], MODOS.omics_type, OBO.NCIT_C84343),
        (EX["assay/a1"], MODOS.omics_type, MODOS["OmicsType#SPATIAL"]),
        (EX["assay/a1"], MODOS.has_sample, sample),
        (sample, TYPE, MODOS.Sample),
        (sample, SCHEMA.identifier, rdflib.Literal("sample/s 1")),
        (sample, MODOS.sex, OBO.NCIT_C20197),
        (sample, MODOS.taxon_id, OBO.NCBITaxon_9606),
        (sample, MODOS.cell_type, OBO.CL_0002627),
        (EX["reference/r1"], TYPE, MODOS.ReferenceGenome),
        (EX["reference/r1"], SCHEMA.identifier, rdflib.Literal("reference/r1")),
        (EX["reference/r1"], MODOS.data_path, rdflib.Literal("r.fa")),
        (EX["reference/r1"], MODOS.source_uri, rdflib.URIRef("file:///data/ecoli%20subset.fa")),
    }


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("https://example.org/a?b=c#d", rdflib.URIRef("https://example.org/a?b=c#d")),
        ("/data/x.fa", rdflib.URIRef("file:///data/x.fa")),
        ("//host/x", rdflib.URIRef("file://host/x")),
        ("x/y.fa", rdflib.Literal("x/y.fa", datatype=rdflib.XSD.anyURI)),
        ("https://example.org/a b<c>", rdflib.URIRef("https://example.org/a%20b%3Cc%3E")),
    ],
)
def test_source_uri(stored, expected):
    """A path is a `file:` IRI, special characters are encoded, and what refers to nothing is a literal."""
    graph = to_graph({"sample/s": {"@type": "Sample", "source_uri": stored}}, base="file://ex/")
    assert graph.value(EX["sample/s"], MODOS.source_uri) == expected


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ("sex", "Unknown"),
        ("taxon_id", "not a curie"),
        ("has_sample", "assay/x"),
        ("creation_date", "yesterday"),
        ("name", 3),
        ("new_slot", "x"),
        ("new_slot", True),
    ],
)
def test_values_against_the_schema(slot, value):
    """What older or newer software stored against the schema is kept as a literal."""
    graph = to_graph({"sample/s": {"@type": "Sample", slot: value}}, base="file://ex/")
    assert list(graph.objects(EX["sample/s"], SCHEMA.name if slot == "name" else MODOS[slot])) == [
        rdflib.Literal(value)
    ]


def test_nested_values():
    """A nested value of an unknown slot is kept as JSON, under a name that every format can write."""
    graph = to_graph({"sample/s": {"@type": "Sample", "1 new slot": {"b": [1], "a": None}}}, base="file://ex/")
    kept = graph.value(EX["sample/s"], MODOS["_1_new_slot"])
    assert str(kept) == '{"a": null, "b": [1]}'


def test_order_makes_no_difference():
    """The same metadata in another order gives the same text, in another process too."""
    backwards = {key: dict(reversed(found.items())) for key, found in reversed(METADATA.items())}
    code = "import sys; from modos.linked_data import *\nfor f in ('turtle', 'nt', 'json-ld'): print(serialise(to_graph(eval(sys.argv[1]), base='file://ex/'), f))"
    printed = [
        subprocess.run(
            [sys.executable, "-c", code, repr(metadata)], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for metadata, seed in ((METADATA, "1"), (backwards, "2"))
    ]
    assert printed[0] == printed[1]
    assert len(printed[0]) > 1000


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_formats(graph, format_):
    """Whatever is written is read back by rdflib as the same triples."""
    reader = {"pretty-xml": "xml"}.get(FORMATS[format_], FORMATS[format_])
    text = serialise(graph, format_)
    with pytest.warns(DeprecationWarning, match="ConjunctiveGraph") if reader == "json-ld" else nullcontext():
        found = rdflib.Graph().parse(data=text, format=reader)
    assert set(found) == set(graph)


def test_json_ld_is_compact(graph):
    """JSON-LD is written with the names of the schema, not with IRIs."""
    text = serialise(graph, "json-ld")
    assert '"has_assay": "file://ex/assay/a1"' in text
    assert '"@type": "MODO"' in text
    assert '"creation_date": "2024-01-17T00:00:00"' in text


def test_unknown_format(graph):
    """A format that is none is refused with those there are."""
    with pytest.raises(InvalidInputError, match="did you mean 'turtle'"):
        serialise(graph, "turtel")


def test_control_characters():
    """XML cannot hold every character; it is refused instead of written broken, and Turtle holds them all."""
    graph = to_graph({"sample/s": {"@type": "Sample", "name": "a\x00b"}}, base="file://ex/")
    with pytest.raises(InvalidInputError, match="XML cannot hold"):
        serialise(graph, "xml")
    assert set(rdflib.Graph().parse(data=serialise(graph), format="turtle")) == set(graph)


def test_written_graph_is_a_description(tmp_path, graph):
    """A graph that was published describes the object again, in any format that descriptions have."""
    for suffix, format_ in ((".ttl", "turtle"), (".nt", "nt"), (".jsonld", "json-ld")):
        path = tmp_path / f"ex{suffix}"
        path.write_text(serialise(graph, format_), encoding="utf-8")
        found = {entry.element["id"]: parse_element(entry.element) for entry in load_document(path)}
        assert sorted(found) == ["a1", "ex", "r1", "s 1"]
        assert found["a1"].has_sample == ["s 1"]
        assert found["a1"].omics_type == ["GENOMICS", "SPATIAL"]
        assert found["s 1"].sex == "Male"
        assert found["s 1"].taxon_id == ["NCBITaxon:9606"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_gives_valid_iris(text):
    """Whatever stands in stored metadata, every IRI in its graph is one, and N-Triples of it can be read."""
    stored = {"@type": text, "source_uri": text, "taxon_id": [text], "has_sample": text, "name": text, "x" + text: text}
    graph = to_graph({f"sample/{text}": stored}, base=object_base(text))
    assert set(rdflib.Graph().parse(data=serialise(graph, "nt"), format="nt")) == set(graph)
    for triple in graph:
        for term in triple:
            assert not isinstance(term, rdflib.URIRef) or not set(term) & set(' <>"{}|\\^`\n\t')


def test_query(graph):
    """A query needs no prefixes, and finds elements by what their terms mean."""
    rows = query(
        graph, "SELECT ?id WHERE { ?s a modos:Sample ; modos:taxon_id NCBITaxon:9606 ; schema:identifier ?id }"
    )
    assert [str(row.id) for row in rows] == ["sample/s 1"]
    assert bool(query(graph, "ASK { ?assay modos:has_sample ?sample . ?sample modos:sex NCIT:C20197 }"))


@pytest.mark.parametrize(
    "sparql",
    ["", "SELEKT ?x", "SELECT ?x WHERE { ?x a nope:Sample }", "SELECT ?x WHERE {", "DELETE WHERE { ?s ?p ?o }"],
)
def test_malformed_query(graph, sparql):
    """A query that cannot be understood is the caller's mistake, told in one line, and changes nothing."""
    before = set(graph)
    with pytest.raises(InvalidInputError, match="cannot be understood") as caught:
        query(graph, sparql)
    assert "\n" not in str(caught.value)
    assert set(graph) == before


def test_iris():
    """An element's IRI is the object's base and its id, encoded; the object's own is its base and id."""
    assert element_iri("sample/sample1", object_base("ex")) == "file://ex/sample/sample1"
    assert element_iri("ex", object_base("ex")) == "file://ex/ex"
    assert element_iri("sample/a:b+c d", "https://example.org/") == "https://example.org/sample/a%3Ab%2Bc%20d"


def test_needs_an_extra(monkeypatch):
    """Without rdflib the message is the line that installs it."""
    monkeypatch.setitem(sys.modules, "rdflib", None)
    with pytest.raises(MissingDependencyError, match=r"modos-objects\[rdf\]"):
        to_graph(METADATA, base="file://ex/")
