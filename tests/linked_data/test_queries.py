"""Questions in SPARQL: what is answered, in which forms, and how a mistake is told."""

import datetime as dt
import json
import pickle
import subprocess
import sys

import pytest
import rdflib

from modos import MODO
from modos.errors import InvalidInputError, ModosError
from modos.linked_data import KnowledgeGraph
from modos.linked_data.queries import MOST_PARTS, check_size

SAMPLES = "SELECT ?s ?sex { ?s a modos:Sample OPTIONAL { ?s modos:sex ?sex } } ORDER BY ?s"


def test_query(knowledge):
    """A query needs no prefixes, and finds elements by what their terms mean."""
    answer = knowledge.query("SELECT ?s WHERE { ?s a modos:Sample ; modos:taxon_id NCBITaxon:9606 }")
    assert [str(row.s) for row in answer] == ["file://ex/sample/s%201"]
    assert knowledge.query("ASK { ?assay modos:has_sample ?sample . ?sample modos:sex NCIT:C20197 }")
    assert not knowledge.query("PREFIX modos: <https://example.org/> ASK { ?s a modos:Sample }")


@pytest.mark.parametrize(
    "sparql",
    [
        "SELECT * { ?s ?p ?o }",
        "SELECT ?s ?name { ?s a ?class OPTIONAL { ?s schema:name ?name } }",
        "SELECT ?class (COUNT(?s) AS ?count) { ?s a ?class } GROUP BY ?class",
        'SELECT ?s { ?s modos:creation_date ?d FILTER(?d < "2025-01-01T00:00:00"^^xsd:dateTime) }',
        "SELECT ?o { ?s modos:has_assay/modos:has_sample/modos:taxon_id ?o }",
        "SELECT ?s { VALUES ?class { modos:Assay modos:Sample } ?s a ?class FILTER NOT EXISTS { ?s modos:sex ?x } }",
        "SELECT ?s { ?s a modos:VariantSet }",
        "ASK { ?s a modos:Sample }",
        "ASK { ?s a modos:VariantSet }",
        "CONSTRUCT { ?s rdfs:label ?name } WHERE { ?s schema:name ?name }",
        "DESCRIBE ?s { ?s a modos:Sample }",
    ],
)
def test_answers_are_those_of_rdflib(knowledge, sparql):
    """What pyoxigraph answers is what rdflib answers on the same graph, in rdflib's terms."""
    expected = knowledge.graph().query(sparql)
    answer = knowledge.query(sparql)
    assert (answer.type == "SELECT") == (expected.type == "SELECT")
    assert (bool(answer), len(answer)) == (bool(expected), len(expected))
    if expected.type == "SELECT":
        assert {str(name) for name in answer.vars} == {str(name) for name in expected.vars}
        assert {frozenset(row.asdict().items()) for row in answer} == {
            frozenset(row.asdict().items()) for row in expected
        }
    else:
        assert set(answer) == set(expected)


def test_a_table_has_values_of_python(knowledge):
    """Rows are mappings with all variables; numbers, truth values and dates are what they are in Python."""
    assert knowledge.query(SAMPLES).table() == [
        {"s": "file://ex/sample/s%201", "sex": "http://purl.obolibrary.org/obo/NCIT_C20197"}
    ]
    literals = (
        "(1 AS ?a) (2.5 AS ?b) (1e3 AS ?c) (true AS ?d) (xsd:dateTime('2024-01-17T09:30:00Z') AS ?e) "
        "('x'@en AS ?f) ('many'^^xsd:integer AS ?g) (1/0 AS ?h)"
    )
    assert knowledge.query(f"SELECT {literals} {{}}").table() == [
        {
            "a": 1,
            "b": 2.5,
            "c": 1000.0,
            "d": True,
            "e": dt.datetime(2024, 1, 17, 9, 30, tzinfo=dt.UTC),
            "f": "x",
            "g": "many",
            "h": None,
        }
    ]
    assert knowledge.query("ASK {}").table() == [{"answer": True}]
    assert knowledge.query("CONSTRUCT { ?s schema:version 3 } { ?s a modos:Sample }").table() == [
        {"subject": "file://ex/sample/s%201", "predicate": "http://schema.org/version", "object": 3}
    ]


@pytest.mark.parametrize(
    ("sparql", "format_", "text"),
    [
        pytest.param(
            SAMPLES, None, "s,sex\r\nfile://ex/sample/s%201,http://purl.obolibrary.org/obo/NCIT_C20197\r\n", id="csv"
        ),
        pytest.param(
            SAMPLES,
            "tsv",
            "?s\t?sex\n<file://ex/sample/s%201>\t<http://purl.obolibrary.org/obo/NCIT_C20197>\n",
            id="tsv",
        ),
        ("ASK {}", "json", '{"head":{},"boolean":true}'),
        (
            "DESCRIBE ?s { ?s modos:has_assay ?a }",
            None,
            """@prefix modos: <https://w3id.org/sdsc-ordes/modos-schema/> .
@prefix schema: <http://schema.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<file://ex/ex> a modos:MODO ;
    schema:identifier <file://ex/ex> ;
    modos:creation_date "2024-01-17T00:00:00"^^xsd:dateTime ;
    modos:has_assay <file://ex/assay/a1> ;
    modos:last_update_date "2024-10-15T00:00:00"^^xsd:dateTime .
""",
        ),
    ],
)
def test_text(knowledge, sparql, format_, text):
    """Answers are written in the standard formats of their kind."""
    assert knowledge.query(sparql).text(format_) == text


@pytest.mark.parametrize(("sparql", "format_"), [(SAMPLES, "turtle"), ("ASK {}", "cvs"), ("DESCRIBE <x:y>", "csv")])
def test_text_in_a_format_of_another_kind(knowledge, sparql, format_):
    """A table is no graph and a graph no table; the message says which formats there are."""
    with pytest.raises(InvalidInputError, match=r"cannot be written as .* only as"):
        knowledge.query(sparql).text(format_)


@pytest.mark.parametrize(
    ("sparql", "words"),
    [
        ("", "it is empty"),
        ("SELEKT ?x", "at line 1, column 10, after 'SELEKT .x': this is not SPARQL"),
        ("SELECT ?x WHERE {\n ?x a nope:Sample }", "at line 2, column 18, .* the prefix 'nope' is not declared"),
        ("ASK { ?x a modo:Sample }", "the prefix 'modo' is not declared; did you mean 'modos'"),
        ("SELECT ?x WHERE { ?x a modos:Sample ", "one of .* } .* is missing"),
        ("SELECT ?y (COUNT(?x) AS ?n) { ?x a ?y }", "nothing binds, or that is not grouped by"),
        ("ASK { ?x a <a b> }", "no absolute IRI"),
        ("DELETE WHERE { ?s ?p ?o }", "nothing is changed by a query"),
        ("ASK { ?s ?p '\ud800' }", "surrogates not allowed"),
        ("ASK { FILTER(<https://example.org/f>(1)) }", "is not supported"),
        ("ASK { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "the query cannot be answered"),
    ],
)
def test_mistakes(knowledge, sparql, words):
    """A query that cannot be understood or answered is told in one line that says where and why."""
    with pytest.raises(InvalidInputError, match=words) as caught:
        knowledge.query(sparql)
    assert "\n" not in str(caught.value)
    assert knowledge.query("ASK { ?s a modos:Sample }")


NESTED = {
    "braces": lambda n: "SELECT * { " + "{" * n + "}" * n + " }",
    "negations": lambda n: "ASK { FILTER(" + "!" * n + "true) }",
    "sums": lambda n: "ASK { FILTER(1" + "+1" * n + ") }",
    "options": lambda n: "ASK { " + "OPTIONAL { ?s ?p ?o } " * n + " }",
    "paths": lambda n: "ASK { ?s a" + "/a" * n + " ?o }",
    "patterns": lambda n: "ASK { " + "?s a modos:Sample." * n + " }",
    "subqueries": lambda n: "SELECT * { " * n + "}" * n,
    "bindings": lambda n: "ASK { " + " ".join(f"BIND(1 AS ?x{i})" for i in range(n)) + " }",
    "objects": lambda n: "ASK { ?s a modos:Sample" + ", modos:Sample" * n + " }",
    "items": lambda n: "ASK { ?s a (" + "1 true 'x'@en " * (n // 6) + ") }",
    "values": lambda n: "ASK { " + "VALUES ?x { 1 } " * n + " }",
}


@pytest.mark.parametrize("kind", NESTED)
def test_queries_of_very_many_parts(knowledge, kind):
    """What would exhaust the engine's stack, and so end the process, is refused; much less than that is answered."""
    with pytest.raises(InvalidInputError, match="ask in several queries"):
        knowledge.query(NESTED[kind](30_000))
    assert knowledge.query(NESTED[kind](60)).table()


STAR = [f"?s modos:p{number} ?o{number}" for number in range(300)]


def in_groups(form):
    return " ".join(form % " . ".join(STAR[start : start + 20]) for start in range(0, len(STAR), 20))


def test_patterns_that_take_very_long_to_order_are_refused(knowledge):
    """Three hundred of one subject would keep the engine busy for minutes, however they are written; the error says what to do."""
    names = [pattern.removeprefix("?s ") for pattern in STAR]
    for joined in (" . ".join(STAR), f"?s {' ; '.join(names)}", in_groups("{ %s }"), in_groups("OPTIONAL { %s }")):
        with pytest.raises(
            InvalidInputError, match=r"joins 3\d\d patterns .* in sub-queries, each { SELECT \* { … } }"
        ):
            knowledge.query(f"SELECT ?s {{ ?s a modos:Sample . {joined} }}")


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("{ SELECT * { %s } }", 0),
        ("MINUS { %s }", 1),
        ("FILTER NOT EXISTS { %s }", 1),
        ("{ %s } UNION", 1),
    ],
)
def test_patterns_that_are_not_joined_with_one_another_are_no_more_for_that(knowledge, form, rows):
    """Those of sub-queries, alternatives and conditions are counted, and answered, each group on its own."""
    found = knowledge.query(f"SELECT ?s {{ ?s modos:sex ?sex . {in_groups(form)} {'{}' if 'UNION' in form else ''} }}")
    assert len(found) == rows


def test_what_a_query_makes_is_not_joined(knowledge):
    """CONSTRUCT may make as many triples of each answer as it likes."""
    made = " . ".join(f"?s modos:p{number} {number}" for number in range(300))
    assert len(knowledge.query(f"CONSTRUCT {{ {made} }} WHERE {{ ?s a modos:Sample ; modos:sex ?sex }}")) == 300


def is_small(sparql):
    try:
        check_size(sparql)
    except InvalidInputError:
        return False
    return True


def test_the_largest_queries_do_not_end_the_process():
    """Right below the limit all is well, on the stack of a process as it is started."""
    slow = {"patterns", "options", "objects", "values"}  # whose order takes the engine seconds to plan
    quick = [make for kind, make in NESTED.items() if kind not in slow]
    queries = [next(filter(is_small, (make(n) for n in range(MOST_PARTS, 0, -1)))) for make in quick]
    code = (
        "import sys; from modos.linked_data import KnowledgeGraph\n"
        "for query in eval(sys.argv[1]): KnowledgeGraph({}, base='file://ex/').query(query)"
    )
    subprocess.run([sys.executable, "-c", code, repr(queries)], check=True, timeout=60)


@pytest.mark.parametrize("text", ["a" * 200_000, '"' + '\\"' * 200_000, "a.-" * 100_000, "VALUES " * 50_000])
def test_what_is_no_query_is_refused_without_delay(knowledge, text):
    """However long it is, such as a file of sequences that was given in its place: time grows with its length and no faster."""
    with pytest.raises(InvalidInputError):
        knowledge.query(f"ASK {{ {text}")


def test_long_lists_are_no_parts(knowledge):
    """Values, texts, IRIs and comments may be as long as they like."""
    many = " ".join(f"<file://ex/sample/{number}.(!)>" for number in range(2000))
    found = knowledge.query(f"SELECT ?s {{ VALUES ?s {{ {many} <file://ex/sample/s%201> }} ?s a modos:Sample }}")
    assert len(found) == 1
    assert knowledge.query(f"ASK {{ FILTER('{'(' * 1000}' != \"{'[' * 1000}\") }} # {'{' * 1000}")


def test_rows_and_bindings_are_the_same(knowledge):
    """Rows have the terms that `bindings` have, blank nodes too; a row that binds nothing is counted and not iterated."""
    answer = knowledge.query(
        "SELECT ?a ?b ?c { VALUES (?a ?b) { (1 UNDEF) (UNDEF 'x'@en) (UNDEF UNDEF) } BIND(IF(BOUND(?a), BNODE(), ?b) AS ?c) }"
    )
    rows = list(answer)
    assert [row.asdict() for row in rows] == [
        {str(name): term for name, term in bound.items()} for bound in answer.bindings if bound
    ]
    assert (len(answer), len(answer.bindings), len(rows)) == (3, 3, 2)
    one = next(row for row in rows if row.a is not None)
    assert (one.a, one["b"], one[rdflib.Variable("a")], one.get("no")) == (rdflib.Literal(1), None, one[0], None)
    assert isinstance(one.c, rdflib.BNode)
    assert list(answer) == rows


@pytest.mark.parametrize("sparql", [SAMPLES, "ASK {}", "DESCRIBE ?s { ?s a modos:Sample }"])
def test_an_answer_pickles(knowledge, sparql):
    """As it is whole; also when something of rdflib has been asked of it."""
    answer = knowledge.query(sparql)
    rows = set(answer)
    copy = pickle.loads(pickle.dumps(answer))
    assert (set(copy), copy.table()) == (rows, answer.table())


# -- of an object, and at the command line -----------------------------------------------------------------------------


@pytest.fixture
def modo(tmp_path):
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "Sample", "id": "s1", "name": "Sample\n1", "sex": "Male"})
    return modo


def test_a_graph_is_made_once_for_what_an_object_says(modo):
    """It is kept for later questions, by others too who read the same, until an edit or another base."""
    known = modo._knowledge(None)
    assert modo.query(SAMPLES).table()
    modo.publish("xml")
    modo.knowledge_graph().add((rdflib.URIRef("x:a"), rdflib.URIRef("x:b"), rdflib.URIRef("x:c")))
    assert modo._knowledge(None) is known
    assert modo.refresh()._knowledge(None) is known
    assert modo._knowledge("https://example.org/") is not known
    assert len(modo.query(SAMPLES)) == 1
    other = MODO(modo.path)
    other.add_element({"@type": "Sample", "id": "s2"})
    assert len(modo.query(SAMPLES)) == 1
    assert len(modo.refresh().query(SAMPLES)) == len(other.query(SAMPLES)) == 2
    modo.remove_element("s1")
    assert [row["s"] for row in modo.query(SAMPLES, "https://example.org/").table()] == [
        "https://example.org/sample/s2"
    ]


def test_a_refused_base_names_itself(modo):
    """A base with a space is refused before anything is written."""
    with pytest.raises(ModosError, match="'two words/' is no IRI"):
        modo.publish("turtle", "two words/")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            [SAMPLES],
            "s                    sex\nfile://ex/sample/s1  http://purl.obolibrary.org/obo/NCIT_C20197\n",
        ),
        (["SELECT ?name { ?s schema:name ?name }"], "name\nSample\\x0a1\n"),
        (["SELECT ?a ?b { ?a a modos:Assay }"], "a  b\n"),
        (["SELECT (COUNT(?s) AS ?n) { ?s a modos:Sample }", "--format", "csv"], "n\r\n1\r\n"),
        (["ASK { ?s a modos:Assay }"], "answer\nfalse\n"),
        (["CONSTRUCT { ?s a ?c } { ?s a ?c FILTER(?c = modos:Sample) }", "--format", "N-Triples"], None),
    ],
)
def test_command(modo, capfdbinary, arguments, expected):
    """`modos query` writes a table for people unless it is asked for another form."""
    from modos.cli import main

    assert main(["query", str(modo.path), *arguments]) == 0
    written = capfdbinary.readouterr().out.decode()
    subject, sample = "<file://ex/sample/s1>", "<https://w3id.org/sdsc-ordes/modos-schema/Sample>"
    assert written == (expected or f"{subject} <{rdflib.RDF.type}> {sample} .\n")


def test_command_reads_standard_input_and_writes_json(modo):
    """For a program: the question from a pipe, the answer in the standard of the W3C."""
    command = [sys.executable, "-m", "modos", "query", modo.path, "-", "--format", "json", "--base-uri", "urn:x:"]
    done = subprocess.run(command, input=SAMPLES.encode(), capture_output=True, check=True)
    rows = json.loads(done.stdout)["results"]["bindings"]
    assert [row["s"]["value"] for row in rows] == ["urn:x:sample/s1"]


def test_command_tells_mistakes(modo, capsys):
    """One sentence and an exit code."""
    from modos.cli import main

    assert main(["query", str(modo.path), "ASK {"]) == 1
    assert capsys.readouterr().err.startswith("modos: the query cannot be understood: at line 1, column 6")
    assert main(["query", str(modo.path), "ASK {}", "--base-uri", "<x>"]) == 2


def test_big_answers_are_whole():
    """All rows of thousands come, in both forms."""
    said = {f"sample/{number}": {"@type": "Sample", "name": f"Sample {number}"} for number in range(3000)}
    answer = KnowledgeGraph(said, base="file://ex/").query("SELECT ?name { ?s schema:name ?name }")
    assert {row["name"] for row in answer.table()} == {str(row.name) for row in answer}
    assert len(answer) == 3000
