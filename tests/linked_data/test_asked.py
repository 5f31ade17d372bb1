"""What is loaded for a question: enough for every answer to be the one that the whole graph gives."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modos.errors import InvalidInputError
from modos.linked_data import KnowledgeGraph
from modos.linked_data.asked import predicates_asked

TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
NAME = "http://schema.org/name"
MODOS = "https://w3id.org/sdsc-ordes/modos-schema/"

SAID = {
    "ex": {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17T00:00:00", "has_assay": ["a1"]},
    "assay/a1": {"@type": "Assay", "omics_type": ["GENOMICS"], "has_sample": ["s1", "s2"], "name": "Assay"},
    "data/d1": {"@type": "DataEntity", "name": "s1", "data_path": "d1.cram", "has_sample": ["s1"], "new slot": True},
    "sample/s1": {"@type": "Sample", "name": "Donor", "sex": "Male", "taxon_id": ["NCBITaxon:9606"]},
    "sample/s2": {"@type": "Sample", "name": "Donor", "sex": "Female"},
}
WHOLE = KnowledgeGraph(SAID, base="file://ex/")
WHOLE.query("ASK { ?s ?p ?o }")


def answer(knowledge, sparql):
    """Return the rows of an answer, in whatever order, or what is wrong with the question."""
    try:
        found = knowledge.query(sparql)
    except InvalidInputError as error:
        return str(error)
    return Counter(str(row) for row in found.table())


def same_answer(sparql):
    expected = answer(WHOLE, sparql)
    assert answer(KnowledgeGraph(SAID, base="file://ex/"), sparql) == expected
    return expected


@pytest.mark.parametrize(
    ("sparql", "predicates"),
    [
        ("SELECT ?s { ?s a modos:Sample }", {TYPE, f"{MODOS}Sample"}),
        ("SELECT ?s ?p ?o WHERE { ?s schema:name ?o . }", {NAME}),
        ("SELECT * { ?s schema:name ?o ; <x:y> $x, ?y } ORDER BY ?s ?o ?x", {NAME, "x:y"}),
        ("PREFIX s: <http://schema.org/> prefix : <x:> ASK { ?s s:name ?o FILTER(?o < 'x' && true) }", {NAME, "x:"}),
        ("SELECT (COUNT(*) AS ?n) { ?s schema:name ?a OPTIONAL { ?s schema:name ?b } }", {NAME}),
        ("SELECT ?o { ?s (schema:name|^schema:name)+/schema:name ?o }", {NAME}),
        ("SELECT ?s { VALUES ?s { <x:y> 1 'a'@en } ?s schema:name ?o # ?s ?p ?o\n }", {NAME, "x:y"}),
        ('SELECT ?s { ?s schema:name \'?s ?p ?o\', """?s "?p" ?o""" }', {NAME}),
        ("SELECT ?s { { ?s schema:name ?o } UNION { ?s schema:name ?x } MINUS { ?s schema:name 1.5e3 } }", {NAME}),
        (f"PREFIX schema: <{MODOS}> SELECT * {{ ?s schema:sex ?o }}", {f"{MODOS}sex"}),
        ("SELECT ?s { ?s schema:name ?o FILTER(STRSTARTS(?o, 'D')) ?s schema:name ?x }", {NAME}),
        ("SELECT ?s { ?s schema:name _:b . _:b schema:name 1, 2.5, .5, 1e9 }", {NAME}),
        ("ASK { ?s a1 }", {TYPE}),
        ("ASK {}", set()),
    ],
)
def test_what_names_all_its_predicates_needs_no_others(sparql, predicates):
    """The usual questions load a part of the graph."""
    known = {"http://schema.org/", "x:", MODOS}
    assert predicates <= predicates_asked(sparql) <= predicates | known
    same_answer(sparql)


@pytest.mark.parametrize(
    "sparql",
    [
        "SELECT * { ?s ?p ?o }",
        "SELECT * { ?s ?p 'Donor' }",
        "SELECT * { <file://ex/sample/s1> ?p true }",
        "SELECT * { ?s a modos:DataEntity ; ?p true }",
        "SELECT * { ?s a modos:DataEntity ; ?p 1, true }",
        "SELECT * { [ ?p modos:Sample ] a ?x }",
        "SELECT * { [ a modos:Sample ; ?p 'Donor' ] schema:name ?x }",
        "SELECT * { [ a modos:Sample ] ?p 'Donor' }",
        "SELECT * { ?s a ?c FILTER NOT EXISTS { ?s ?p 'Donor' } }",
        "SELECT * { ?s ?p _:x . _:x a modos:Sample }",
        "SELECT * { ?s ?p [ a modos:Sample ] }",
        "SELECT * { ?s ?p (1) }",
        "SELECT * { () ?p ?o }",
        "SELECT * { ?s $p ?o . ?o a modos:Sample }",
        "SELECT * { ?s modos:has_sample* ?o }",
        "SELECT * { ?s modos:has_sample? ?o }",
        "SELECT * { ?s !modos:has_sample ?o }",
        "SELECT * { ?s !(modos:has_sample|^a) ?o }",
        "SELECT * { ?s modos:has_assay/!a ?o }",
        "DESCRIBE ?s { ?s a modos:Sample }",
        "DESCRIBE <file://ex/sample/s1>",
        "CONSTRUCT WHERE { ?s ?p 'Donor' }",
        "SELECT * { { SELECT ?s ?p { ?s ?p 'Donor' } } }",
        "BASE <http://schema.org/> SELECT * { ?s <name> ?o }",
        "SELECT * { ?s <http://schema.org/n\\u0061me> ?o }",
        "SELECT * { <<?s schema:name ?o>> ?p ?x }",
        "SELECT * { ?s schema:name ?o {| ?p ?x |} }",
        "SELECT * { ?s schema:name ?o ~ ?r }",
        "SELECT * { ?s schema:name '\\u0027 . ?s ?p ?o . #' }",
        "SELECT * { ?s ?p trueOPTIONAL {} }",
        "SELECT * { ?s^a_:b }",
        "PREFIX é: <http://schema.org/> SELECT * { ?s é:name ?o }",
    ],
)
def test_what_may_match_anything_has_all(sparql):
    """Where a predicate is not written down, or not plainly, nothing is left out."""
    assert predicates_asked(sparql) is None
    same_answer(sparql)


TERMS = [
    "?s",
    "?o",
    "$p",
    "_:b",
    "<file://ex/sample/s1>",
    "[]",
    "'Donor'",
    "true",
    "1.",
    "modos:Sample",
    "[ a ?x ]",
    "( ?x )",
]
VERBS = ["?p", "$q", "a", "schema:name", "modos:sex", "<http://schema.org/identifier>", "modos:has_sample/a", "^a", "!a", "a?",
         "modos:has_assay*", "(a|schema:name)", "modos:has_sample+"]  # fmt: skip
TRIPLES = st.tuples(st.sampled_from(TERMS), st.sampled_from(VERBS), st.sampled_from(TERMS)).map(" ".join)
ENDS = st.sampled_from([" . ", " ", "; ", ", ", " ; ?p ", " .?s ", "\n#.\n"])
FORMS = ["{ %s }", "OPTIONAL { %s }", "MINUS { %s }", "{ %s } UNION { ?s a ?o }", "FILTER EXISTS { %s }", "GRAPH ?g { %s }",
         "{ SELECT ?s ?o { %s } }", "FILTER(?o != 'x') %s", "BIND(?s AS ?y) %s", "VALUES ?o { true 1 } %s",
         "VALUES (?s ?p) { (UNDEF a) } %s"]  # fmt: skip
GROUPS = st.recursive(
    st.lists(st.tuples(TRIPLES, ENDS).map("".join), min_size=1, max_size=3).map("".join),
    lambda inner: st.tuples(TRIPLES, ENDS, st.sampled_from(FORMS), inner).map(
        lambda parts: f"{parts[0]}{parts[1]}{parts[2] % parts[3]}"
    ),
    max_leaves=3,
)
QUERIES = st.tuples(
    st.sampled_from(
        ["SELECT * {%s}", "SELECT ?s ?o {%s} ORDER BY ?s ?o", "ASK {%s}", "CONSTRUCT { ?s schema:name ?o } WHERE {%s}"]
    ),
    GROUPS,
)


@pytest.mark.thorough
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUERIES.map(lambda parts: parts[0] % parts[1]))
def test_any_question_is_answered_as_on_the_whole_graph(sparql):
    """Whatever it is made of, sound or not."""
    same_answer(sparql)


def test_questions_one_after_another():
    """What later questions ask for comes to what is there, and the whole to a part."""
    knowledge = KnowledgeGraph(SAID, base="file://ex/")
    names = "SELECT ?name { ?s schema:name ?name ; a modos:Sample }"
    for sparql in (
        names,
        "SELECT ?s { ?s modos:sex ?x }",
        names,
        "SELECT * { ?s ?p ?o }",
        names,
        "DESCRIBE ?s { ?s a ?x }",
    ):
        assert answer(knowledge, sparql) == answer(WHOLE, sparql)
