"""What each value becomes, as rdflib sees it."""

import pickle
import sys

import pyoxigraph
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidInputError, MissingDependencyError
from modos.linked_data import KnowledgeGraph, element_iri, object_base

MODOS = rdflib.Namespace("https://w3id.org/sdsc-ordes/modos-schema/")
SCHEMA = rdflib.Namespace("http://schema.org/")
OBO = rdflib.Namespace("http://purl.obolibrary.org/obo/")
EX = rdflib.Namespace("file://ex/")
TYPE = rdflib.RDF.type


def graph_of(**slots):
    return KnowledgeGraph({"sample/s": {"@type": "Sample", **slots}}, base="file://ex/").graph()


def test_triples(knowledge):
    """Every value of every slot is one triple, of the kind that its slot says, and every subject its own identifier."""
    date = rdflib.XSD.dateTime
    sample = EX["sample/s%201"]
    assert set(knowledge.graph()) == {
        (EX.ex, TYPE, MODOS.MODO),
        (EX.ex, SCHEMA.identifier, EX.ex),
        (EX.ex, MODOS.creation_date, rdflib.Literal("2024-01-17T00:00:00", datatype=date)),
        (EX.ex, MODOS.last_update_date, rdflib.Literal("2024-10-15T00:00:00", datatype=date)),
        (EX.ex, MODOS.has_assay, EX["assay/a1"]),
        (EX["assay/a1"], TYPE, MODOS.Assay),
        (EX["assay/a1"], SCHEMA.identifier, EX["assay/a1"]),
        (EX["assay/a1"], SCHEMA.name, rdflib.Literal("sample/s 1")),
        (EX["assay/a1"], MODOS.omics_type, OBO.NCIT_C84343),
        (EX["assay/a1"], MODOS.omics_type, MODOS["OmicsType#SPATIAL"]),
        (EX["assay/a1"], MODOS.has_sample, sample),
        (sample, TYPE, MODOS.Sample),
        (sample, SCHEMA.identifier, sample),
        (sample, MODOS.sex, OBO.NCIT_C20197),
        (sample, MODOS.taxon_id, OBO.NCBITaxon_9606),
        (sample, MODOS.cell_type, OBO.CL_0002627),
        (EX["reference/r1"], TYPE, MODOS.ReferenceGenome),
        (EX["reference/r1"], SCHEMA.identifier, EX["reference/r1"]),
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
        ("/data/run[1].fa", rdflib.URIRef("file:///data/run%5B1%5D.fa")),
        ("/data/100%.fa", rdflib.URIRef("file:///data/100%25.fa")),
        ("https://[2001:db8::1]:80/a[1]#b#c", rdflib.URIRef("https://[2001:db8::1]:80/a%5B1%5D#b%23c")),
        ("https://example.org:fasta/", rdflib.Literal("https://example.org:fasta/", datatype=rdflib.XSD.anyURI)),
        ("my_lab:x.fa", rdflib.Literal("my_lab:x.fa", datatype=rdflib.XSD.anyURI)),
    ],
)
def test_source_uri(stored, expected):
    """A path is a `file:` IRI, special characters are encoded, and what refers to nothing is a literal."""
    assert graph_of(source_uri=stored).value(EX["sample/s"], MODOS.source_uri) == expected


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("CL:0002627", rdflib.URIRef("http://purl.obolibrary.org/obo/CL_0002627")),
        ("CL:x[1]", rdflib.URIRef("http://purl.obolibrary.org/obo/CL_x%5B1%5D")),
        ("https://example.org/100%é\ue000", rdflib.URIRef("https://example.org/100%25é%EE%80%80")),
        ("cellosaurus:1", rdflib.URIRef("cellosaurus:1")),
        ("lab_cells:1", rdflib.Literal("lab_cells:1", datatype=rdflib.XSD.anyURI)),
        ("_:1", rdflib.Literal("_:1", datatype=rdflib.XSD.anyURI)),
    ],
)
def test_terms(stored, expected):
    """A CURIE is its IRI, as it is when the prefix is unknown, and a literal where that could be none, nor a blank node."""
    assert graph_of(cell_type=stored).value(EX["sample/s"], MODOS.cell_type) == expected


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
        ("new_slot", 1e22),
        ("new_slot", float("-inf")),
    ],
)
def test_values_against_the_schema(slot, value):
    """What older or newer software stored against the schema is kept as a literal, numbers as numbers."""
    found = list(graph_of(**{slot: value}).objects(EX["sample/s"], SCHEMA.name if slot == "name" else MODOS[slot]))
    assert found == [rdflib.Literal(value)]


def test_nothing_is_no_triple():
    """A slot that was stored as null or as an empty list is not set."""
    assert len(graph_of(name=None, taxon_id=[], new_slot=[None])) == 2


def test_nested_values():
    """A nested value of an unknown slot is kept as JSON, under a name that every format can write."""
    kept = graph_of(**{"1 new slot": {"b": [1], "a": None}}).value(EX["sample/s"], MODOS["_1_new_slot"])
    assert str(kept) == '{"a": null, "b": [1]}'


def test_lone_surrogates():
    """Half a character, which JSON can hold and RDF cannot, does not keep the rest from being published."""
    knowledge = KnowledgeGraph({"sample/\udc80": {"@type": "Sample", "name": "a\ud800b"}}, base=object_base("\udc80"))
    assert '"a\ufffdb"' in knowledge.text("turtle")
    assert len(knowledge.graph()) == len(knowledge.query("SELECT * { ?s ?p ?o }")) == 3


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text("[]%#:@/_a1\U0010ffff", min_size=1))
def test_any_text_gives_valid_iris(text):
    """Whatever stands in stored metadata, every IRI in its graph is one, and N-Triples of it can be read, strictly too."""
    uris = [text, f"/{text}", f"x:{text}", f"https://{text}"]
    stored = {"@type": text, "source_uri": uris, "taxon_id": uris, "has_sample": text, "name": text, "x" + text: text}
    knowledge = KnowledgeGraph({f"sample/{text}": stored}, base=object_base(text))
    graph = knowledge.graph()
    assert set(rdflib.Graph().parse(data=knowledge.text("nt"), format="nt")) == set(graph)
    strictly = pyoxigraph.parse(knowledge.text("nt").encode(), format=pyoxigraph.RdfFormat.N_TRIPLES)
    assert len(set(strictly)) == len(graph)
    for triple in graph:
        for term in triple:
            assert not isinstance(term, rdflib.URIRef) or not set(term) & set(' <>"{}|\\^`\n\t')


def test_iris():
    """An element's IRI is the object's base and its id, encoded; the object's own is its base and id."""
    assert element_iri("sample/sample1", object_base("ex")) == "file://ex/sample/sample1"
    assert element_iri("ex", object_base("ex")) == "file://ex/ex"
    assert element_iri("sample/a:b+c d", "https://example.org/") == "https://example.org/sample/a%3Ab%2Bc%20d"


@pytest.mark.parametrize(
    "base",
    [
        "",
        "ex/",
        "https://example.org/two words/",
        "<x>",
        "https://",
        "https://x/\udc80",
        "_:/",
        "my_lab:/",
        "https://x/[1]/",
    ],
)
def test_a_base_that_is_no_iri_is_refused(base):
    """Before anything is made of it."""
    with pytest.raises(InvalidInputError, match="is no IRI that those of elements could begin with"):
        KnowledgeGraph({}, base=base)


@pytest.mark.parametrize("base", ["https://example.org/study", "urn:study1", "https://example.org/#é"])
def test_a_base_that_ids_would_run_into_is_refused(base):
    """`studysample/a` says nowhere what is base and what is id; the message shows what would be right."""
    with pytest.raises(InvalidInputError, match=f"'{base}' ends in a letter or digit.*'{base}/'"):
        KnowledgeGraph({}, base=base)


def test_a_graph_is_ones_own(knowledge):
    """What is added to it, removed from it or bound in it changes neither the next graph nor an answer."""
    first, expected = knowledge.graph(), set(knowledge.graph())
    first.bind("mine", "https://example.org/mine#")
    first.add((EX.ex, SCHEMA.name, rdflib.Literal("mine")))
    first.remove((None, TYPE, None))
    assert len(first) == len(expected) + 1 - 4
    second = knowledge.graph()
    assert set(second) == expected
    assert "mine" in dict(first.namespaces())
    assert "mine" not in dict(second.namespaces())
    assert not knowledge.query("ASK { ?s schema:name 'mine' }")
    assert set(first + second) == set(first) | set(second)


def test_a_graph_of_rdflib_does_what_others_do(knowledge):
    """It is asked, written, compared, copied and pickled like any other."""
    graph = knowledge.graph()
    assert [str(row.s) for row in graph.query("SELECT ?s { ?s a modos:Sample }")] == ["file://ex/sample/s%201"]
    assert set(rdflib.Graph().parse(data=graph.serialize(format="xml"), format="xml")) == set(graph)
    assert set(pickle.loads(pickle.dumps(graph))) == set(graph)
    assert graph.value(predicate=TYPE, object=MODOS.MODO) == EX.ex
    assert graph.namespace_manager.expand_curie("NCIT:C1") == OBO.NCIT_C1
    assert graph.qname(MODOS.Sample) == "modos:Sample"


def test_it_pickles(knowledge):
    """With what it says, and without what was made of it."""
    assert knowledge.query("ASK { ?s ?p ?o }")
    copy = pickle.loads(pickle.dumps(knowledge))
    assert copy.text() == knowledge.text()


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("rdflib", lambda knowledge: knowledge.graph()),
        ("pyoxigraph", lambda knowledge: knowledge.query("ASK {}")),
        ("pyoxigraph", lambda knowledge: knowledge.text("xml")),
    ],
)
def test_needs_an_extra(monkeypatch, knowledge, module, use):
    """Without a library the message is the line that installs it; N-Triples and JSON-LD need none."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r"modos-objects\[rdf\]"):
        use(knowledge)
    assert knowledge.text("n-triples")
    assert knowledge.text("json-ld")
