import json
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidDocumentError, MissingDependencyError
from modos.model import Entry, attributes_of, dump_document, load_document, parse_element

CONFIGURATION = """\
- element: {id: ex, "@type": MODO, description: Example, creation_date: 2024-01-17T00:00:00, last_update_date: 2024-10-15, has_assay: assay1}
- element: {id: assay1, "@type": Assay, name: Assay 1, omics_type: GENOMICS}
- element: {id: demo1, "@type": DataEntity, name: Demo 1, data_format: CRAM, has_reference: reference1, has_sample: sample1}
  args: {source_file: data/demo1.cram}          # data_path defaults to the file's name
- element: {id: reference1, "@type": ReferenceGenome, name: Reference 1, data_path: reference.fa}
  args: {source_file: data/reference1.fa, part_of: }
- element: {id: sample1, "@type": Sample, name: Sample 1, collector: Foo university, sex: Male}
"""

TURTLE = """\
@prefix modos: <https://w3id.org/sdsc-ordes/modos-schema/> .
@prefix schema: <http://schema.org/> .
@prefix EDAM: <http://edamontology.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://example.org/ex> a modos:MODO ; modos:creation_date "2024-01-17T00:00:00"^^xsd:dateTime ;
  modos:last_update_date "2024-10-15"^^xsd:date ; modos:has_assay <https://example.org/a%201> .
<https://example.org/a%201> a modos:Assay ; schema:name "38"^^xsd:integer ; modos:has_sample <#elsewhere>, <urn:s> ;
  modos:omics_type <http://purl.obolibrary.org/obo/NCIT_C84343>, <https://w3id.org/sdsc-ordes/modos-schema/OmicsType#SPATIAL> .
<urn:s> a modos:Sample ; schema:identifier "sample/s1" ; modos:cell_type <http://purl.obolibrary.org/obo/CL_0002627> ;
  modos:taxon_id <https://example.org/t> .
<https://example.org/d#d1> a modos:AlignmentSet ; modos:data_path "d.h5ad" ; modos:data_format "h5ad" .
<https://example.org/r> a modos:ReferenceGenome ; modos:data_path "r.fa" ; modos:source_uri <https://w3id.org/linkml/r.fa> .
"""

FROM_TURTLE = {
    "a 1": {
        "@type": "Assay",
        "has_sample": ["elsewhere", "s1"],
        "id": "a 1",
        "name": "38",
        "omics_type": ["GENOMICS", "SPATIAL"],
    },
    "d1": {"@type": "AlignmentSet", "data_format": "h5ad", "data_path": "d.h5ad", "id": "d1"},
    "ex": {
        "@type": "MODO",
        "creation_date": "2024-01-17T00:00:00",
        "has_assay": ["a 1"],
        "id": "ex",
        "last_update_date": "2024-10-15",
    },
    "r": {"@type": "ReferenceGenome", "data_path": "r.fa", "id": "r", "source_uri": "https://w3id.org/linkml/r.fa"},
    "s1": {"@type": "Sample", "cell_type": "CL:0002627", "id": "s1", "taxon_id": ["https://example.org/t"]},
}


@pytest.fixture
def written(tmp_path):
    """Write a document and return its path."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_configuration(written):
    """The configuration of an existing user is read as it is written, dates included, and every element is valid."""
    entries = load_document(written("ex.yaml", CONFIGURATION))
    assert [entry.element["id"] for entry in entries] == ["ex", "assay1", "demo1", "reference1", "sample1"]
    assert [entry.args for entry in entries] == [
        {},
        {},
        {"source_file": "data/demo1.cram"},
        {"source_file": "data/reference1.fa"},
        {},
    ]
    assert entries[0].element["last_update_date"] == "2024-10-15"
    elements = [parse_element(entry.element, partial=True) for entry in entries]
    assert attributes_of(elements[4]) == {
        "@type": "Sample",
        "collector": ["Foo university"],
        "name": "Sample 1",
        "sex": "Male",
    }


def test_yaml_and_json_agree(written):
    """The same description in JSON gives the same entries."""
    entries = load_document(written("ex.yml", CONFIGURATION))
    records = [{"element": entry.element, "args": entry.args} for entry in entries]
    assert load_document(written("ex.json", json.dumps(records))) == entries


slots = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.recursive(
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.sampled_from(["2024-01-17", "1e3", "yes", "null", "~", "<<", "0x1", "1:2"]),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=3,
    ),
    max_size=4,
)
entries_ = st.lists(
    st.builds(
        Entry,
        slots.map(lambda found: found | {"@type": "Sample"}),
        st.dictionaries(
            st.sampled_from(["source_file", "part_of"]), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
        ),
    ),
    max_size=3,
    unique_by=lambda entry: str(entry.element.get("id")),
)


@given(entries_)
def test_dumped_and_loaded(tmp_path_factory, entries):
    """What is dumped is loaded again, whatever its text looks like to YAML."""
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_bytes(dump_document(entries).encode())
    assert load_document(path) == entries


@pytest.mark.parametrize("format_", ["yaml", "json"])
def test_half_a_character_is_escaped(format_):
    """As other software stored it; what cannot be written to a file or a pipe would be a traceback."""
    text = dump_document([Entry({"@type": "Sample", "id": "s1", "name": "a\ud800"})], format_)
    assert b"ud800" in text.lower().encode()


def test_dump_has_no_aliases():
    """A value that occurs twice is written twice."""
    shared = ["x"]
    assert "&" not in dump_document([Entry({"a": shared, "b": shared})])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.yaml", "", r"^\S+: is not a list"),
        ("x.yaml", "a: b", "is not a list"),
        ("x.yaml", "- a\n---\n- b", "line 2"),
        ("x.yaml", "- element: {id: s}\n- x", r"entry 2 \(line 2\): 'x' is no mapping"),
        ("x.yaml", "- {id: s, '@type': Sample}", "beneath the key element"),
        ("x.yaml", "- elemnt: {id: s}", "did you mean 'element'"),
        ("x.yaml", "- element: {id: s}\n  agrs: {}", "did you mean 'args'"),
        ("x.yaml", "- args: {}", "element is None"),
        ("x.yaml", "- element: [a]", r"element is \['a'\]"),
        ("x.yaml", "- element: {1: a}", "mapping of slots"),
        ("x.yaml", "- element: {id: s}\n  args: x", "args is 'x'"),
        ("x.yaml", "- element: {id: s}\n  args: {source_flie: x}", "did you mean 'source_file'"),
        ("x.yaml", "- element: {id: s}\n  args: {part_of: [x]}", "should be text"),
        ("x.yaml", "\n- element: {id: s,\n    id: t}", "line 3: the key 'id' is there twice"),
        ("x.yaml", "- element: &a {id: s}\n- element: *a", "line 2: aliases"),
        ("x.yaml", "- !!python/object/apply:os.system [ls]", "line 1: could not determine a constructor"),
        ("x.yaml", "- {? {a: b} : c}", "unhashable"),
        ("x.yaml", "- element: {id: \0}", "special characters"),
        ("x.yaml", "-\t[}", "line 1"),
        ("x.yaml", "[" * 20_000, "nested too deeply"),
        ("x.yaml", "- element: {id: " + "9" * 5000 + "}", "digits"),
        ("x.yaml", b"- a\n- b\n- \xff", "line 3: is not in UTF-8"),
        ("x.yaml", "- a".encode("utf-16"), "is not in UTF-8"),
        ("x.json", "", "line 1"),
        ("x.json", "[\n{", "line 2"),
        ("x.json", "{}", "is not a list"),
        ("x.json", '[{"element": {"id": "s", "id": "t"}}]', "'id' is there twice"),
        ("x.json", "[" * 100_000, "nested too deeply"),
        (
            "x.json",
            '[{"element": {"id": "s", "@type": "Sample"}}, {"element": {"id": "s", "@type": "Sample"}}]',
            "entry 2: the id 's' is taken by entry 1",
        ),
        (
            "x.json",
            '[{"element": {"id": "s", "@type": "Array"}}, {"element": {"id": "s", "@type": "VariantSet"}}]',
            "is taken",
        ),
        ("x.txt", "", r"ends in one of \.csv"),
        ("x", "", r"ends in one of \.csv"),
        ("x.csv", "id\ns", "no column @type"),
        ("sampel.csv", "id\ns", "did you mean 'Sample'"),
        ("sample.csv", "", "is empty"),
        ("sample.csv", "id,nmae\ns,x", "line 1, column 2: the column 'nmae' is no slot of Sample; did you mean 'name'"),
        (
            "sample.csv",
            "id,gender\ns,Male",
            "'gender' is no slot of Sample; columns may be @type, id, name, description,",
        ),
        ("sample.csv", "id,id\ns,t", "there twice"),
        ("sample.csv", "id;sex\ns;Male", "line 1: cells are separated by semicolons, here they should be by commas"),
        ("sample.tsv", "id,sex\ns,Male", "line 1: cells are separated by commas, here they should be by tabs"),
        ("sample.csv", "id\ns\nt,u", r"entry 2 \(line 3\): has 2 cells under 1 columns"),
        ("sample.csv", 'id\n"s', "line 2: unexpected end"),
        ("sample.csv", "id\ns\n\ns", r"line 4\): the id 's' is taken by entry 1"),
        ("sample.csv", "id,data_format\ns,CRAM", "line 1, column 2: the column 'data_format' is no slot of Sample"),
        ("x.csv", "@type,id,nmae\nSample,s,x", "line 1, column 3: the column 'nmae' is no slot; did you mean 'name'"),
        ("x.ttl", "x", "is not valid turtle"),
        ("x.nt", "x", "is not valid nt"),
        ("x.jsonld", "x", "is not valid json-ld"),
        ("x.jsonld", '{"@context": "http://127.0.0.1:9/c", "@id": "x"}', "would have to be fetched"),
        ("x.jsonld", '[{"a": {"@context": [{}, "http://127.0.0.1:9/c"]}}]', "would have to be fetched"),
        ("x.jsonld", '{"@context": {"@import": "http://127.0.0.1:9/c"}}', "would have to be fetched"),
        ("x.jsonld", "[" * 100_000, "nested too deeply"),
        ("x.ttl", "<a> <b> <c> .", "has no type"),
        ("x.ttl", "<a> a <https://w3id.org/sdsc-ordes/modos-schema/Smaple> .", "did you mean"),
        ("x.ttl", "[] a <https://w3id.org/sdsc-ordes/modos-schema/Sample> .", "blank node"),
        (
            "x.ttl",
            "@prefix m: <https://w3id.org/sdsc-ordes/modos-schema/> . <a> a m:Sample, m:Assay .",
            "is Assay and Sample",
        ),
        (
            "x.ttl",
            "@prefix m: <https://w3id.org/sdsc-ordes/modos-schema/> . <a> a m:Sample ; m:colector 'x' .",
            "is no slot of Sample; did you mean",
        ),
        (
            "x.ttl",
            "@prefix m: <https://w3id.org/sdsc-ordes/modos-schema/> . <a> a m:Sample ; m:sex 'Male', 'Female' .",
            "sex is there twice",
        ),
        (
            "x.ttl",
            "@prefix m: <https://w3id.org/sdsc-ordes/modos-schema/> . <a> a m:Sample ; m:collector [] .",
            "is no IRI or text",
        ),
        (
            "x.ttl",
            "@prefix m: <https://w3id.org/sdsc-ordes/modos-schema/> . <a> a m:Assay ; m:has_sample 'x' .",
            "has_sample 'x' is no IRI",
        ),
        (
            "x.ttl",
            "@prefix m: <https://w3id.org/sdsc-ordes/modos-schema/> . <x:/a> a m:Sample . <y:/a> a m:Sample .",
            "the id 'a' is taken",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_unreadable(written, name, content, words):
    """A document that cannot be read is refused in one line that names the file and the place."""
    path = written(name, content)
    with pytest.raises(InvalidDocumentError, match=words) as caught:
        load_document(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    """A file that is not there, or is a directory, is refused by name."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InvalidDocumentError, match=str(path)):
            load_document(path.with_suffix(".yaml"))


@pytest.mark.parametrize("name", ["x" * 300 + ".yaml", "a\0.yaml", "\ud800.yaml"], ids=["long", "NUL", "no Unicode"])
def test_names_that_no_file_has(tmp_path, name):
    """Whatever a description is called, what cannot be read is refused like all else that is wrong with one."""
    with pytest.raises(InvalidDocumentError, match="cannot be read"):
        load_document(tmp_path / name)


def test_a_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    """It is refused by its name."""
    monkeypatch.setattr("pathlib.Path.iterdir", lambda path: (_ for _ in ()).throw(PermissionError(13, "denied", path)))
    with pytest.raises(InvalidDocumentError, match=rf"^{tmp_path}: cannot be read, denied$"):
        load_document(tmp_path)


def test_same_id_of_different_kinds(written):
    """An id may be used once for each kind of element, the object included."""
    records = [{"element": {"@type": name, "id": "x"}} for name in ("MODO", "Assay", "Sample", "DataEntity")]
    assert len(load_document(written("x.json", json.dumps(records)))) == 4


def test_byte_order_mark(written):
    """A byte order mark, as some editors write it, is no part of the first key or column."""
    assert load_document(written("sample.csv", b"\xef\xbb\xbfid\ns1"))[0].element == {"@type": "Sample", "id": "s1"}


def test_blank_lines_before_a_table(written):
    """They are none of it, and lines are counted with them."""
    assert load_document(written("sample.csv", "\n , \r\n\nid,sex\n\ns1,\n"))[0].element == {
        "@type": "Sample",
        "id": "s1",
    }
    with pytest.raises(InvalidDocumentError, match="line 3, column 2: the column 'sexx' is no slot of Sample"):
        load_document(written("sample.csv", "\n\nid,sexx\n"))
    with pytest.raises(InvalidDocumentError, match="is empty; its first line names the columns"):
        load_document(written("sample.csv", "\n ,\n"))


def test_table(written):
    """Cells are slots: empty ones unset, several values in lists, numbers as they are written, arguments apart."""
    text = textwrap.dedent("""\
        @type,id,name,collector,version,data_path,source_file,part_of
        Sample,s1,"Foo, bar","Foo, uni|Bar",,,,a1

        ReferenceGenome,r1,a|b,[x],1.10,r.fa,data/r.fa,
        Sample,s2
        """)
    if_written = [
        Entry({"@type": "Sample", "id": "s1", "name": "Foo, bar", "collector": ["Foo, uni", "Bar"]}, {"part_of": "a1"}),
        Entry(
            {
                "@type": "ReferenceGenome",
                "id": "r1",
                "name": "a|b",
                "collector": ["x"],
                "version": "1.10",
                "data_path": "r.fa",
            },
            {"source_file": "data/r.fa"},
        ),
        Entry({"@type": "Sample", "id": "s2"}, {}),
    ]
    assert load_document(written("any.csv", text)) == if_written


@pytest.mark.parametrize("name", ["Sample.tsv", "samples.tsv", "SAMPLE.TSV"])
def test_table_named_after_its_class(written, name):
    """Without a column `@type` the file says what its rows are."""
    assert load_document(written(name, "id\tsex\ns1\tMale\n"))[0].element == {
        "@type": "Sample",
        "id": "s1",
        "sex": "Male",
    }


@pytest.mark.parametrize("suffix", [".ttl", ".nt", ".jsonld"])
def test_graph(written, suffix, monkeypatch):
    """A graph gives the same entries however it is written, by id, without a connection."""
    rdflib = pytest.importorskip("rdflib")
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a description was fetched"))
    formats = {".ttl": "turtle", ".nt": "nt", ".jsonld": "json-ld"}
    text = rdflib.Graph().parse(data=TURTLE, format="turtle", publicID="file:///").serialize(format=formats[suffix])
    entries = load_document(written(f"x{suffix}", text))
    assert {entry.element["id"]: entry.element for entry in entries} == FROM_TURTLE
    assert [entry.element["id"] for entry in entries] == sorted(FROM_TURTLE)
    for entry in entries:
        parse_element(entry.element)


def test_iris_in_a_graph_are_terms_or_stay_as_they_are(written):
    """One that a known prefix begins is a CURIE where a term is wanted, and an odd one is no hindrance."""
    pytest.importorskip("rdflib")
    text = """<https://example.org/s> a <https://w3id.org/sdsc-ordes/modos-schema/Sample> ;
      <https://w3id.org/sdsc-ordes/modos-schema/cell_type> <http://purl.obolibrary.org/obo/HP_0000118> ;
      <https://w3id.org/sdsc-ordes/modos-schema/source_material> <http://purl.obolibrary.org/obo/CL_> ;
      <https://w3id.org/sdsc-ordes/modos-schema/source_uri> <http://example.org/%> .
    """
    (entry,) = load_document(written("x.ttl", text))
    assert entry.element == {
        "@type": "Sample",
        "id": "s",
        "cell_type": "HP:0000118",
        "source_material": "http://purl.obolibrary.org/obo/CL_",
        "source_uri": "http://example.org/%",
    }


def test_graphs_need_an_extra(written, monkeypatch):
    """Without rdflib the message is the line that installs it."""
    monkeypatch.setitem(sys.modules, "rdflib", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modos-objects\[rdf\]'"):
        load_document(written("x.ttl", TURTLE))
