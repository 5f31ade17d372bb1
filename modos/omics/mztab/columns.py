"""What the columns of mzTab hold, by the specifications of mzTab 1.0 and of mzTab-M 2.0 and 2.1.

Owns the tables of columns and the prefixes of lines. Must not know how lines are read.
"""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

__all__ = ["COMMENT", "HEADERS", "METADATA", "SECTIONS", "Holding", "holding_of"]

type Holding = Literal["text", "texts", "members", "integer", "integers", "number", "numbers", "truth"]
"""What a cell holds: one value, or several parted by `|`; `members` are parted by commas."""

METADATA = "MTD"
COMMENT = "COM"

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "PRT": "PRH",
        "PEP": "PEH",
        "PSM": "PSH",
        "SML": "SMH",
        "SMF": "SFH",
        "SME": "SEH",
        "NUC": "NUH",
        "OLI": "OLH",
        "OSM": "OSH",
    }
)
"""Prefix of the rows of a table to that of its header; the last three are those of nucleic acids, which OpenMS writes."""

HEADERS: Mapping[str, str] = MappingProxyType({header: rows for rows, header in SECTIONS.items()})
"""The reverse: prefix of a header to that of the rows."""

type _Columns = Mapping[Holding, str]

_SCORES = "best_search_engine_score search_engine_score search_engine_score_ms_run"
_COMPOUND = "database_identifier chemical_formula smiles inchi chemical_name uri"

_METABOLOMICS: Mapping[str, _Columns] = MappingProxyType(
    {
        "SML": {
            "integer": "SML_ID",
            "integers": "SMF_ID_REFS",
            "texts": f"{_COMPOUND} adduct_ions",
            "numbers": "theoretical_neutral_mass",
            "number": "best_id_confidence_value abundance_assay abundance_study_variable abundance_variation_study_variable",
        },
        "SMF": {
            "integer": "SMF_ID SME_ID_REF_ambiguity_code charge",
            "integers": "SME_ID_REFS",
            "number": "exp_mass_to_charge retention_time_in_seconds retention_time_in_seconds_start retention_time_in_seconds_end abundance_assay",
        },
        "SME": {
            "integer": "SME_ID charge rank",
            "number": "exp_mass_to_charge theoretical_mass_to_charge id_confidence_measure",
            "texts": "spectra_ref",
        },
    }
)

_PROTEOMICS: Mapping[str, _Columns] = MappingProxyType(
    {
        "PRT": {
            "integer": "taxid reliability num_psms_ms_run num_peptides_distinct_ms_run num_peptides_unique_ms_run",
            "number": f"{_SCORES} protein_coverage protein_abundance_assay protein_abundance_study_variable "
            "protein_abundance_stdev_study_variable protein_abundance_std_error_study_variable",
            "texts": "search_engine go_terms",
            "members": "ambiguity_members",
        },
        "PEP": {
            "integer": "reliability charge",
            "truth": "unique",
            "numbers": "retention_time retention_time_window",
            "number": f"{_SCORES} mass_to_charge peptide_abundance_assay peptide_abundance_study_variable "
            "peptide_abundance_stdev_study_variable peptide_abundance_std_error_study_variable",
            "texts": "search_engine spectra_ref",
        },
        "PSM": {
            "integer": "PSM_ID reliability charge start end",
            "truth": "unique",
            "numbers": "retention_time",
            "number": f"{_SCORES} exp_mass_to_charge calc_mass_to_charge",
            "texts": "search_engine spectra_ref",
        },
        "SML": {
            "integer": "charge taxid reliability",
            "numbers": "retention_time",
            "number": f"{_SCORES} exp_mass_to_charge calc_mass_to_charge smallmolecule_abundance_assay "
            "smallmolecule_abundance_study_variable smallmolecule_abundance_stdev_study_variable "
            "smallmolecule_abundance_std_error_study_variable",
            "texts": "identifier smiles inchi_key search_engine spectra_ref",
        },
    }
)

_NUMBERED = re.compile(r"\[\d+(-n)?\]")


def holding_of(section: str, column: str, *, version: str) -> Holding:
    """Return what a column holds; text where the specification leaves it open, as it does for `opt_` columns.

    Parameters
    ----------
    section
        Prefix of the table's rows.
    column
        Name in the header, with its indices.
    version
        The `mzTab-version` of the file; those of metabolomics end with `-M`.

    Examples
    --------
    >>> holding_of("SML", "abundance_assay[12]", version="2.0.0-M")
    'number'
    >>> holding_of("SML", "opt_global_note", version="2.0.0-M")
    'text'
    """
    known = _known(section, metabolomics=version.upper().endswith("-M"))
    return known.get(_NUMBERED.sub("", column), "text")


@cache
def _known(section: str, *, metabolomics: bool) -> Mapping[str, Holding]:
    found = (_METABOLOMICS if metabolomics else _PROTEOMICS).get(section, {})
    return {name: holding for holding, names in found.items() for name in names.split()}
