"""What is published can be read by others and by us, as the same triples and the same description."""

import datetime as dt
import json
import re
import subprocess
import sys
import warnings

import pyoxigraph
import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modos.errors import InvalidInputError
from modos.linked_data import FORMATS, KnowledgeGraph
from modos.model import ELEMENT_CLASSES, attributes_of, element_id, load_document, parse_element
from modos.model.schema import CLASSES, ENUMS

pytestmark = pytest.mark.thorough

OXIGRAPH = {"json-ld": "JSON_LD", "turtle": "TURTLE", "n-triples": "N_TRIPLES", "xml": "RDF_XML"}
SUFFIXES = {"json-ld": ".jsonld", "turtle": ".ttl", "n-triples": ".nt", "xml": ".rdf"}

TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1),
)
"""Any text, and any that XML can hold."""
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 +:.#%é]{0,20}", fullmatch=True)
ZONES = st.none() | st.integers(-840, 840).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
RANGES = {
    "datetime": st.datetimes(timezones=ZONES),
    "uri": st.sampled_from(["/data/ecoli.fa", "https://example.org/a?b=c", "file:///x", "../x"]),
    "uriorcurie": st.sampled_from(["NCBITaxon:9606", "http://purl.obolibrary.org/obo/CL_0002627", "x:y", "name:y"]),
}
PATTERNS = {"sequence_md5": "0a" * 16, "data_checksum": "0A" * 64}
BASES = st.sampled_from(["file://ex/", "https://example.org/study-", "https://example.org/#", "urn:x:"])


NOT_IN_XML = re.compile(r"\\u00[01]|\\[bf]|[\ufffe\uffff]")


def values(slot, text):
    """Return a strategy for what one slot may hold."""
    if slot.pattern:
        one = st.just(PATTERNS[slot.name])
    elif slot.range in ENUMS:
        one = st.sampled_from(sorted(ENUMS[slot.range]))
    else:
        one = st.sampled_from(["x", f"{slot.target}/x"]) if slot.target else RANGES.get(slot.range, text)
    return st.lists(one, min_size=1, max_size=3) if slot.multivalued else one


@st.composite
def metadata(draw):
    """Build the metadata of an object with elements of any classes and slots."""
    said = {}
    text = draw(st.sampled_from(TEXTS))
    for name in ("MODO", *draw(st.lists(st.sampled_from(ELEMENT_CLASSES), min_size=1, max_size=3))):
        slots = CLASSES[name].slots.values()
        chosen = [slot for slot in slots if slot.name in CLASSES[name].required or draw(st.booleans())]
        element = parse_element(
            {"@type": name, **{slot.name: draw(NAMES if slot.identifier else values(slot, text)) for slot in chosen}}
        )
        said[element.id if name == "MODO" else str(element_id(element))] = attributes_of(element)
    return said


def triples(text, format_):
    """Read a text with a parser that is not the writer's, for XML and JSON-LD at least."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a class that rdflib's parser of JSON-LD still uses
        return set(rdflib.Graph().parse(data=text, format={"n-triples": "nt"}.get(format_, format_)))


@pytest.mark.parametrize("format_", sorted(OXIGRAPH))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(said=metadata(), base=BASES)
def test_whatever_can_be_described_is_published_and_read_back(tmp_path, format_, said, base):
    """By two parsers as the same triples, and by us as a description that says the same; or it is refused in a sentence."""
    knowledge = KnowledgeGraph(said, base=base)
    try:
        text = knowledge.text(format_)
    except InvalidInputError:
        assert format_ == "xml"
        assert NOT_IN_XML.search(knowledge.text("json-ld"))
        return
    graph = set(knowledge.graph())
    assert triples(text, format_) == graph
    read = pyoxigraph.parse(text.encode(), format=getattr(pyoxigraph.RdfFormat, OXIGRAPH[format_]))
    assert len({str(each.triple) for each in read}) == len(graph)
    path = tmp_path / f"ex{SUFFIXES[format_]}"
    path.write_bytes(text.encode())
    elements = [parse_element(entry.element) for entry in load_document(path)]
    again = {str(_key(element)): attributes_of(element) for element in elements}
    assert again.keys() == said.keys()
    assert KnowledgeGraph(again, base=base).text("n-triples") == knowledge.text("n-triples")


def _key(element):
    return element.id if type(element).__name__ == "MODO" else element_id(element)


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_formats(knowledge, format_):
    """Whatever is written is read back as the same triples, under each name of the format."""
    assert triples(knowledge.text(format_), format_) == set(knowledge.graph())


def test_order_makes_no_difference(metadata):
    """The same metadata in another order gives the same text, in another process too."""
    backwards = {key: dict(reversed(found.items())) for key, found in reversed(metadata.items())}
    code = (
        "import sys; from modos.linked_data import *\n"
        "for format in FORMATS: print(KnowledgeGraph(eval(sys.argv[1]), base='file://ex/').text(format))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code, repr(said)], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for said, seed in ((metadata, "1"), (backwards, "2"))
    ]
    assert printed[0] == printed[1]
    assert len(printed[0]) > 1000


def test_turtle_is_for_people(knowledge):
    """With the prefixes it uses, the class of each subject first, and air between subjects."""
    text = knowledge.text()
    assert text.startswith("@prefix")
    assert "@prefix EDAM:" not in text
    assert "\n\n<file://ex/sample/s%201> a modos:Sample ;\n    schema:identifier" in text
    assert "    modos:taxon_id NCBITaxon:9606 .\n" in text


def test_json_ld_is_compact(knowledge):
    """JSON-LD is written with the names of the schema, not with IRIs, and single values without lists."""
    assay = next(node for node in json.loads(knowledge.text("json-ld"))["@graph"] if node["@type"] == "Assay")
    assert assay == {
        "id": "file://ex/assay/a1",
        "@type": "Assay",
        "has_sample": "file://ex/sample/s%201",
        "name": "sample/s 1",
        "omics_type": [
            "http://purl.obolibrary.org/obo/NCIT_C84343",
            "https://w3id.org/sdsc-ordes/modos-schema/OmicsType#SPATIAL",
        ],
        "schema:identifier": {"@id": "file://ex/assay/a1"},
    }


@pytest.mark.parametrize("iri", ["name:x", "skos:x", "Sample:x", "id:x"])
def test_iris_that_look_like_terms(iri):
    """An IRI that a reader of JSON-LD would take for one of a term of the context stays what it is."""
    knowledge = KnowledgeGraph({"sample/s": {"@type": "Sample", "taxon_id": [iri]}}, base="file://ex/")
    assert triples(knowledge.text("json-ld"), "json-ld") == set(knowledge.graph())


def test_unknown_slots_in_json_ld():
    """What the schema does not know is written with its IRI and type."""
    said = {"sample/s": {"@type": "New Class", "new slot": [3, "x", {"a": 1}], "name": 0.5}}
    knowledge = KnowledgeGraph(said, base="file://ex/")
    assert triples(knowledge.text("json-ld"), "json-ld") == set(knowledge.graph())


def test_unknown_format(knowledge):
    """A format that is none is refused with those there are."""
    with pytest.raises(InvalidInputError, match="did you mean 'turtle'"):
        knowledge.text("turtel")


@pytest.mark.parametrize("format_", sorted(OXIGRAPH))
def test_ends_of_lines_stay_what_they_are(format_):
    """A carriage return too, which XML reads as a line feed where it is not written as a number."""
    knowledge = KnowledgeGraph({"sample/s": {"@type": "Sample", "name": "a\r\nb\rc\td\n"}}, base="file://ex/")
    assert triples(knowledge.text(format_), format_) == set(knowledge.graph())


def test_control_characters():
    """XML cannot hold every character; it is refused instead of written broken, and the others hold them all."""
    knowledge = KnowledgeGraph({"sample/s": {"@type": "Sample", "name": "a\x00b\x85\u2028\r\n"}}, base="file://ex/")
    with pytest.raises(InvalidInputError, match="XML cannot hold"):
        knowledge.text("xml")
    for format_ in ("turtle", "n-triples", "json-ld"):
        assert triples(knowledge.text(format_), format_) == set(knowledge.graph())
    assert len(knowledge.text("n-triples").splitlines()) == 3
