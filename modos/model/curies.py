"""CURIEs, IRIs and URI references: which are well formed, and what stands for what.

Owns their syntax and the prefixes known beyond the schema. Must not know which slots hold them.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from modos.model.schema import PREFIXES as SCHEMA_PREFIXES

_OBO = "http://purl.obolibrary.org/obo/"
_COMMON = {
    **{name: f"{_OBO}{name}_" for name in ("BTO", "CLO", "DOID", "GO", "HP", "MS", "PATO", "SO", "UO")},
    "HANCESTRO": f"{_OBO}HANCESTRO_",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

PREFIXES: Mapping[str, str] = MappingProxyType({**_COMMON, **SCHEMA_PREFIXES})
"""Prefixes that are expanded unless others are given: those of the schema and common biomedical ontologies."""

# Each pattern is one character class after another, so that matching never goes back.
_REFUSED = re.compile(r"[\x00-\x20\x7f-\xa0<>\"{}|\\^`\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]")
_PREFIXED = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*:", re.ASCII)
_HOSTLESS = re.compile(r"(?:https?|ftps?|s3|swift):/*\Z")
_BEGINNING = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"  # a scheme, which unlike a prefix has no underscore
    r"(?:(?!//)|//(?:[^/?#@\[\]]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\]]*)(?::[0-9]*)?(?![^/?#]))",
    re.ASCII,
)
_NO_CHARACTERS = "".join(chr(plane << 16 | last) for plane in range(1, 14) for last in (0xFFFE, 0xFFFF))
_STRAY = re.compile(
    rf"%(?![0-9A-Fa-f]{{2}})|[\ue000-\uf8ff\ufdd0-\ufdef\ufff0-\uffff{_NO_CHARACTERS}\U000e0000-\U0010ffff]"
)
"""A percent sign that encodes nothing, and characters that are private or none."""
_RESERVED = re.compile(r"[\[\]#]")


def is_uri_reference(text: str) -> bool:
    """Whether text can stand where a URI or a relative reference is wanted, such as a path.

    Examples
    --------
    >>> is_uri_reference("/data/ecoli.fa"), is_uri_reference("two words")
    (True, False)
    """
    return bool(text) and not _REFUSED.search(text) and not _HOSTLESS.match(text)


def is_uri_or_curie(text: str) -> bool:
    """Whether text is an absolute IRI or a CURIE of any prefix.

    Examples
    --------
    >>> is_uri_or_curie("NCBITaxon:9606"), is_uri_or_curie("NCBITaxon_9606"), is_uri_or_curie("CL:")
    (True, False, False)
    """
    prefix = _PREFIXED.match(text)
    return prefix is not None and prefix.end() < len(text) and is_uri_reference(text)


def as_iri(text: str) -> str | None:
    """Return an IRI as RFC 3987 has it, with what it may not hold percent-encoded; `None` for text that cannot be one.

    Programs that read linked data strictly refuse a whole document for a bracket in a path, a percent sign that encodes
    nothing, or a scheme with an underscore.

    Parameters
    ----------
    text
        A URI reference or an expanded CURIE, for which `is_uri_or_curie` is true.

    Examples
    --------
    >>> as_iri("file:///data/run[1].fa"), as_iri("http://[::1]/100%"), as_iri("ncbi_gene:672")
    ('file:///data/run%5B1%5D.fa', 'http://[::1]/100%25', None)
    """
    text = _STRAY.sub(_encoded, text)
    beginning = _BEGINNING.match(text)
    if beginning is None:
        return None
    path, mark, fragment = text[beginning.end() :].partition("#")
    return f"{beginning[0]}{_RESERVED.sub(_encoded, path)}{mark}{_RESERVED.sub(_encoded, fragment)}"


def _encoded(found: re.Match[str]) -> str:
    return quote(found[0], safe="")


def expand(curie_or_iri: str, prefixes: Mapping[str, str] = PREFIXES) -> str:
    """Return the IRI that a CURIE stands for.

    Parameters
    ----------
    curie_or_iri
        A CURIE, or an IRI, which comes back as it is; so does a CURIE of an unknown prefix.
    prefixes
        Prefix to IRI.

    Examples
    --------
    >>> expand("UBERON:0002316")
    'http://purl.obolibrary.org/obo/UBERON_0002316'
    >>> expand("http://purl.obolibrary.org/obo/CL_0002627")
    'http://purl.obolibrary.org/obo/CL_0002627'
    """
    prefix, colon, local = curie_or_iri.partition(":")
    if not colon or local.startswith("//") or prefix not in prefixes:
        return curie_or_iri
    return prefixes[prefix] + local


def compact(iri: str, prefixes: Mapping[str, str] = PREFIXES) -> str:
    """Return the shortest CURIE that stands for an IRI, or the IRI where there is none.

    Examples
    --------
    >>> compact("http://purl.obolibrary.org/obo/UBERON_0002316"), compact("https://example.org/t")
    ('UBERON:0002316', 'https://example.org/t')
    """
    found = (f"{prefix}:{iri[len(start) :]}" for prefix, start in prefixes.items() if iri.startswith(start))
    return min(
        (curie for curie in found if is_uri_or_curie(curie) and expand(curie, prefixes) == iri), key=len, default=iri
    )
