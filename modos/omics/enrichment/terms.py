"""Terms of vocabularies, as CURIEs or IRIs.

Owns how accessions of mass spectrometry files are spelled and what they stand for. Must not know who uses them.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from modos.model.curies import PREFIXES
from modos.omics.mztab.metadata import Parameter

__all__ = ["sex_of", "taxon_of", "term_of"]

_OBO = "http://purl.obolibrary.org/obo/"
_ACCESSION = re.compile(r"([A-Za-z_]+)[:_]([A-Za-z]?\d+)")
_SPELLED: Mapping[str, str] = MappingProxyType({name.upper(): name for name in PREFIXES})
_TAXONOMIES = frozenset({"NEWT", "NCBITAXON", "NCBI", "TAXONOMY", "TAXID"})
_SEXES: Mapping[str, str] = MappingProxyType(
    {"PATO:0000383": "Female", "PATO:0000384": "Male", "NCIT:C16576": "Female", "NCIT:C20197": "Male"}
)


def term_of(parameter: Parameter) -> str | None:
    """Return the term that a parameter names: a CURIE where its prefix is known, otherwise its IRI among those of OBO.

    Examples
    --------
    >>> term_of(Parameter("BTO", "BTO:0000089", "blood", None))
    'BTO:0000089'
    >>> term_of(Parameter("CHMO", "CHMO:0000470", "mass spectrometry", None))
    'http://purl.obolibrary.org/obo/CHMO_0000470'
    """
    found = _ACCESSION.fullmatch(parameter.accession or "")
    if found is None:
        return None
    prefix, number = found.groups()
    known = _SPELLED.get(prefix.upper())
    return f"{known}:{number}" if known else f"{_OBO}{prefix}_{number}"


def taxon_of(parameter: Parameter) -> str | None:
    """Return the species that a parameter names, as a term of NCBITaxon.

    Examples
    --------
    >>> taxon_of(Parameter("NEWT", "9606", "Homo sapiens (Human)", None))
    'NCBITaxon:9606'
    """
    prefix, _, number = (parameter.accession or "").rpartition(":")
    is_taxonomy = (prefix or parameter.label or "").upper() in _TAXONOMIES
    return f"NCBITaxon:{number}" if is_taxonomy and number.isdecimal() else None


def sex_of(parameter: Parameter) -> str | None:
    """Return the sex that a parameter names; `None` when it is about something else."""
    return _SEXES.get((parameter.accession or "").upper())
