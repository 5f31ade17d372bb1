import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.model.curies import PREFIXES, expand, is_uri_or_curie, is_uri_reference
from modos.model.schema import ENUMS


@pytest.mark.parametrize(
    ("curie", "iri"),
    [
        ("UBERON:0002316", "http://purl.obolibrary.org/obo/UBERON_0002316"),
        ("CL:0002627", "http://purl.obolibrary.org/obo/CL_0002627"),
        ("NCIT:C84343", "http://purl.obolibrary.org/obo/NCIT_C84343"),
        ("EDAM:format_3462", "http://edamontology.org/format_3462"),
        ("NCBITaxon:9606", "http://purl.obolibrary.org/obo/NCBITaxon_9606"),
        ("EFO:0000001", "http://www.ebi.ac.uk/efo/EFO_0000001"),
        ("GENO:0000002", "http://purl.obolibrary.org/obo/GENO_0000002"),
        ("OBI:0000070", "http://purl.obolibrary.org/obo/OBI_0000070"),
        ("CHEBI:15377", "http://purl.obolibrary.org/obo/CHEBI_15377"),
        ("modos:Sample", "https://w3id.org/sdsc-ordes/modos-schema/Sample"),
        ("schema:name", "http://schema.org/name"),
        ("http://purl.obolibrary.org/obo/CL_0002627", "http://purl.obolibrary.org/obo/CL_0002627"),
        ("unknown:1", "unknown:1"),
        ("no curie", "no curie"),
        ("", ""),
    ],
)
def test_expand(curie, iri):
    """A CURIE of a known prefix becomes its IRI; everything else comes back as it is."""
    assert expand(curie) == iri


def test_own_prefixes():
    """Given prefixes replace the known ones."""
    assert expand("x:1", {"x": "https://example.org/"}) == "https://example.org/1"
    assert expand("CL:1", {"x": "https://example.org/"}) == "CL:1"


@given(st.sampled_from(sorted(PREFIXES)), st.from_regex(r"[A-Za-z0-9_.-]{1,10}", fullmatch=True))
def test_expanded_is_an_iri(prefix, local):
    """What a well-formed CURIE expands to is itself well formed, and does not expand again."""
    curie = f"{prefix}:{local}"
    assert is_uri_or_curie(curie)
    assert is_uri_or_curie(expand(curie))
    assert expand(expand(curie)) == expand(curie)


@pytest.mark.parametrize(
    "text", ["urn:isbn:1", "git+https://x/y", "_a:b", "a.b-c:d/e", "s3://bucket/key", "file:///x", "x:é"]
)
def test_well_formed(text):
    """CURIEs of any prefix and absolute IRIs of any scheme are well formed."""
    assert is_uri_or_curie(text)


@pytest.mark.parametrize(
    "text", ["", ":", "a:", ":a", "1a:b", "a", "a b:c", "é:b", "https://", "http:", "s3:///", "a:\ud800"]
)
def test_malformed(text):
    """A missing prefix, local part or host, and a prefix that is none, are malformed."""
    assert not is_uri_or_curie(text)


@pytest.mark.parametrize("text", ["/data/ecoli.fa", "../x", "a%20b", "?q", "https://example.org/é"])
def test_references(text):
    """Paths and relative references may stand where a URI is wanted."""
    assert is_uri_reference(text)


@pytest.mark.parametrize("unit", ["a", ":", "a:", "/", "http:/", "\u00a0", "%"])
def test_linear(unit):
    """A million characters are judged in a fraction of a second."""
    started = time.process_time()
    is_uri_or_curie(unit * (1_000_000 // len(unit)))
    is_uri_or_curie("http:" + unit * (1_000_000 // len(unit)) + " ")
    expand(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 0.5


def test_meanings_are_iris():
    """Every value of an enumeration means something, each something else."""
    for values in ENUMS.values():
        assert all(is_uri_or_curie(iri) and iri.startswith("http") for iri in values.values())
        assert len(set(values.values())) == len(values)
