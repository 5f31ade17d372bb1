"""The metabolites of blood cells as an mzTab-M 2.0 file.

Owns the compounds and the four tables of the format (Hoffmann et al. 2019, doi:10.1021/acs.analchem.8b04310).
Knows nothing of the other files of the study.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean, stdev

from modos.testing.samples._study import HUMAN, PBMC, Donor

MONOISOTOPIC = {
    "C": 12.0,
    "H": 1.00782503207,
    "N": 14.0030740048,
    "O": 15.99491461956,
    "P": 30.97376163,
    "S": 31.972071,
}
PROTON = 1.007276466
ADDUCT = "[M+H]1+"
CONFIDENCE = "[MS, MS:1002890, fragmentation score, ]"

type Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Compound:
    """A metabolite and how it shows in the experiment.

    Parameters
    ----------
    chebi
        Identifier in ChEBI.
    retention_time
        Seconds on a HILIC column.
    area
        Mean area of its MS1 peak.
    """

    name: str
    chebi: str
    formula: str
    smiles: str
    retention_time: float
    area: float

    @property
    def mass(self) -> float:
        """Monoisotopic mass of the neutral molecule, in Da."""
        return sum(
            MONOISOTOPIC[element] * int(count or 1) for element, count in re.findall(r"([A-Z])(\d*)", self.formula)
        )


COMPOUNDS = (
    Compound("caffeine", "CHEBI:27732", "C8H10N4O2", "Cn1cnc2n(C)c(=O)n(C)c(=O)c12", 68.4, 2.1e6),
    Compound("creatinine", "CHEBI:16737", "C4H7N3O", "CN1CC(=O)NC1=N", 201.7, 8.8e6),
    Compound("L-phenylalanine", "CHEBI:17295", "C9H11NO2", "N[C@@H](Cc1ccccc1)C(O)=O", 287.2, 4.6e7),
    Compound("L-leucine", "CHEBI:15603", "C6H13NO2", "CC(C)C[C@H](N)C(O)=O", 301.9, 5.9e7),
    Compound("hypoxanthine", "CHEBI:17368", "C5H4N4O", "O=c1[nH]cnc2nc[nH]c12", 318.5, 1.3e7),
    Compound("L-tryptophan", "CHEBI:16828", "C11H12N2O2", "N[C@@H](Cc1c[nH]c2ccccc12)C(O)=O", 325.1, 1.7e7),
    Compound("taurine", "CHEBI:15891", "C2H7NO3S", "NCCS(O)(=O)=O", 402.3, 6.2e7),
    Compound("creatine", "CHEBI:16919", "C4H9N3O2", "CN(CC(O)=O)C(N)=N", 431.8, 9.4e7),
    Compound("carnitine", "CHEBI:17126", "C7H15NO3", "C[N+](C)(C)CC(O)CC([O-])=O", 455.6, 7.7e7),
    Compound(
        "AMP", "CHEBI:16027", "C10H14N5O7P", "Nc1ncnc2n(cnc12)[C@@H]1O[C@H](COP(O)(O)=O)[C@@H](O)[C@H]1O", 561.0, 2.8e7
    ),
    Compound(
        "glutathione disulfide",
        "CHEBI:17858",
        "C20H32N6O12S2",
        "N[C@@H](CCC(=O)N[C@@H](CSSC[C@H](NC(=O)CC[C@H](N)C(O)=O)C(=O)NCC(O)=O)C(=O)NCC(O)=O)C(O)=O",
        634.9,
        1.1e7,
    ),
    Compound(
        "ATP",
        "CHEBI:15422",
        "C10H16N5O13P3",
        "Nc1ncnc2n(cnc12)[C@@H]1O[C@H](COP(O)(=O)OP(O)(=O)OP(O)(O)=O)[C@@H](O)[C@H]1O",
        702.2,
        3.4e7,
    ),
)


def metabolite_results(rng: Random, donors: Sequence[Donor]) -> str:
    """Return an mzTab-M file: one MS run and assay per donor, women and men as study variables.

    Every small molecule rests on one feature, and the feature on one piece of evidence, so that row `n` of each of
    the three tables is compound `n`. The location of the MS runs is `null`, as the format wants it where none is known.
    """
    areas = [[compound.area * rng.lognormvariate(0, 0.25) for _ in donors] for compound in COMPOUNDS]
    errors = [rng.gauss(0, 1.5) for _ in COMPOUNDS]  # parts per million
    scores = [rng.uniform(0.82, 0.99) for _ in COMPOUNDS]
    measured = list(enumerate(zip(COMPOUNDS, areas, errors, scores, strict=True), start=1))
    summary = [_molecule(n, compound, areas, score, donors) for n, (compound, areas, _, score) in measured]
    features = [_feature(n, compound, areas, error) for n, (compound, areas, error, _) in measured]
    evidence = [_evidence(n, compound, error, score) for n, (compound, _, error, score) in measured]
    lines = [f"MTD\t{field}\t{value}\n" for field, value in _metadata(donors)]
    for header, prefix, rows in (("SMH", "SML", summary), ("SFH", "SMF", features), ("SEH", "SME", evidence)):
        lines += ["\n", _line(header, rows[0]), *(_line(prefix, row.values()) for row in rows)]
    return "".join(lines)


def _metadata(donors: Sequence[Donor]) -> Iterator[tuple[str, str]]:
    """Yield the fields of the metadata section, in the order that the format prescribes."""
    yield "mzTab-version", "2.0.0-M"
    yield "mzTab-ID", "modos-demo"
    yield "title", "Polar metabolites of peripheral blood mononuclear cells"
    yield "description", "Simulated LC-MS areas of four donors"
    yield "instrument[1]-name", "[MS, MS:1000449, LTQ Orbitrap, ]"
    yield "instrument[1]-source", "[MS, MS:1000073, electrospray ionization, ]"
    yield "instrument[1]-analyzer[1]", "[MS, MS:1000484, orbitrap, ]"
    yield "software[1]", "[, , modos sample data, 1]"
    yield "quantification_method", "[MS, MS:1001834, LC-MS label-free quantitation analysis, ]"
    for n, donor in enumerate(donors, start=1):
        yield f"sample[{n}]", donor.name
        yield f"sample[{n}]-species[1]", f"[NCBITaxon, {HUMAN}, Homo sapiens, ]"
        yield f"sample[{n}]-tissue[1]", "[BTO, BTO:0000089, blood, ]"
        yield f"sample[{n}]-cell_type[1]", f"[CL, {PBMC}, peripheral blood mononuclear cell, ]"
    for n in range(1, len(donors) + 1):
        yield f"ms_run[{n}]-location", "null"
        yield f"ms_run[{n}]-instrument_ref", "instrument[1]"
        yield f"ms_run[{n}]-format", "[MS, MS:1000584, mzML file, ]"
        yield f"ms_run[{n}]-id_format", "[MS, MS:1000768, Thermo nativeID format, ]"
        yield f"ms_run[{n}]-scan_polarity[1]", "[MS, MS:1000130, positive scan, ]"
    for n, donor in enumerate(donors, start=1):
        yield f"assay[{n}]", f"{donor.name}_pos"
        yield f"assay[{n}]-sample_ref", f"sample[{n}]"
        yield f"assay[{n}]-ms_run_ref", f"ms_run[{n}]"
    for n, (sex, members) in enumerate(_study_variables(donors).items(), start=1):
        yield f"study_variable[{n}]", sex
        yield f"study_variable[{n}]-assay_refs", " | ".join(f"assay[{member + 1}]" for member in members)
        yield f"study_variable[{n}]-description", f"{sex} donors"
        yield f"study_variable[{n}]-factors", f"[, , sex, {sex}]"
    yield from _vocabularies()


def _vocabularies() -> Iterator[tuple[str, str]]:
    vocabularies = (
        (
            "MS",
            "PSI-MS controlled vocabulary",
            "4.1.11",
            "https://raw.githubusercontent.com/HUPO-PSI/psi-ms-CV/master/psi-ms.obo",
        ),
        ("NCBITaxon", "NCBI organismal classification", "2021-06-10", "http://purl.obolibrary.org/obo/ncbitaxon.owl"),
        ("BTO", "The BRENDA Tissue Ontology", "2021-10-26", "http://purl.obolibrary.org/obo/bto.owl"),
        ("CL", "Cell Ontology", "2021-08-10", "http://purl.obolibrary.org/obo/cl.owl"),
    )
    for n, (label, name, version, uri) in enumerate(vocabularies, start=1):
        yield f"cv[{n}]-label", label
        yield f"cv[{n}]-full_name", name
        yield f"cv[{n}]-version", version
        yield f"cv[{n}]-uri", uri
    yield "database[1]", "[MIRIAM, MIR:00000002, CHEBI, ]"
    yield "database[1]-prefix", "CHEBI"
    yield "database[1]-version", "Unknown"
    yield "database[1]-uri", "https://www.ebi.ac.uk/chebi/"
    yield "small_molecule-quantification_unit", "[MS, MS:1001844, MS1 feature area, ]"
    yield "small_molecule_feature-quantification_unit", "[MS, MS:1001844, MS1 feature area, ]"
    yield "small_molecule-identification_reliability", "[MS, MS:1002896, compound identification confidence level, ]"
    yield "id_confidence_measure[1]", CONFIDENCE


def _study_variables(donors: Sequence[Donor]) -> dict[str, list[int]]:
    return {
        sex.lower(): [index for index, donor in enumerate(donors) if donor.sex == sex]
        for sex in dict.fromkeys(donor.sex for donor in donors)
    }


def _molecule(number: int, compound: Compound, areas: Sequence[float], score: float, donors: Sequence[Donor]) -> Row:
    row: dict[str, object] = {
        "SML_ID": number,
        "SMF_ID_REFS": number,
        **_identity(compound),
        "theoretical_neutral_mass": f"{compound.mass:.5f}",
        "adduct_ions": ADDUCT,
        "reliability": 2,  # putatively annotated, in the levels of the Metabolomics Standards Initiative
        "best_id_confidence_measure": CONFIDENCE,
        "best_id_confidence_value": f"{score:.3f}",
        **_abundances(areas),
    }
    for n, members in enumerate(_study_variables(donors).values(), start=1):
        group = [areas[member] for member in members]
        row[f"abundance_study_variable[{n}]"] = f"{mean(group):.1f}"
        row[f"abundance_variation_study_variable[{n}]"] = f"{stdev(group) / mean(group):.4f}"
    return row


def _feature(number: int, compound: Compound, areas: Sequence[float], error: float) -> Row:
    return {
        "SMF_ID": number,
        "SME_ID_REFS": number,
        "SME_ID_REF_ambiguity_code": "null",
        "adduct_ion": ADDUCT,
        "isotopomer": "null",
        **_ion(compound, error),
        "retention_time_in_seconds": compound.retention_time,
        "retention_time_in_seconds_start": f"{compound.retention_time - 6:.1f}",
        "retention_time_in_seconds_end": f"{compound.retention_time + 9:.1f}",
        **_abundances(areas),
    }


def _evidence(number: int, compound: Compound, error: float, score: float) -> Row:
    scan = round(compound.retention_time * 2)  # two scans a second
    return {
        "SME_ID": number,
        "evidence_input_id": f"rt{compound.retention_time}mz{compound.mass + PROTON:.4f}",
        **_identity(compound),
        "derivatized_form": "null",
        "adduct_ion": ADDUCT,
        **_ion(compound, error),
        "theoretical_mass_to_charge": f"{compound.mass + PROTON:.5f}",
        "spectra_ref": f"ms_run[1]:controllerType=0 controllerNumber=1 scan={scan}",
        "identification_method": "[MS, MS:1001083, ms-ms search, ]",
        "ms_level": "[MS, MS:1000511, ms level, 2]",
        "id_confidence_measure[1]": f"{score:.3f}",
        "rank": 1,
    }


def _identity(compound: Compound) -> Row:
    return {
        "database_identifier": compound.chebi,
        "chemical_formula": compound.formula,
        "smiles": compound.smiles,
        "inchi": "null",
        "chemical_name": compound.name,
        "uri": f"https://identifiers.org/{compound.chebi}",
    }


def _ion(compound: Compound, error: float) -> Row:
    return {"exp_mass_to_charge": f"{(compound.mass + PROTON) * (1 + error * 1e-6):.5f}", "charge": 1}


def _abundances(areas: Sequence[float]) -> Row:
    return {f"abundance_assay[{n}]": f"{area:.1f}" for n, area in enumerate(areas, start=1)}


def _line(prefix: str, cells: Iterable[object]) -> str:
    return "\t".join([prefix, *map(str, cells)]) + "\n"
