"""Who was sampled, and the description that ties the sample files together into one digital object.

Owns the donors, their sample sheet and the elements of `modo.yaml`. Knows the names of the files, not what is in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

HUMAN = "NCBITaxon:9606"
BLOOD = "UBERON:0000178"
PBMC = "CL:2000001"  # peripheral blood mononuclear cell
CREATED = "2024-05-14T09:30:00"


@dataclass(frozen=True, slots=True)
class Donor:
    """A person who gave blood for the study."""

    name: str
    sex: Literal["Female", "Male"]


DONORS = (Donor("donor1", "Female"), Donor("donor2", "Male"), Donor("donor3", "Female"), Donor("donor4", "Male"))


def sample_sheet() -> str:
    """Return the table of donors as TSV."""
    rows = [("sample", "sex", "taxon_id", "source_material", "cell_type")]
    rows += [(donor.name, donor.sex, HUMAN, BLOOD, PBMC) for donor in DONORS]
    return "".join("\t".join(row) + "\n" for row in rows)


def description(sequences: Mapping[str, str]) -> str:
    """Return the YAML from which `MODO.from_file` builds the object.

    Parameters
    ----------
    sequences
        Name to MD5 of each sequence of the reference.
    """
    entries = [_modo(), *_assays(), *_samples(), *_reference(sequences), *_data()]
    return yaml.safe_dump(entries, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)


def _modo() -> dict[str, Any]:
    return _entry(
        "MODO",
        "demo",
        name="Blood cells of four donors",
        description="Simulated genomes, transcriptomes and metabolomes of peripheral blood mononuclear cells.",
        creation_date=CREATED,
        last_update_date=CREATED,
        has_assay=["wgs", "rnaseq", "lcms"],
    )


def _assays() -> list[dict[str, Any]]:
    return [
        _entry(
            "Assay",
            "wgs",
            name="Whole-genome sequencing",
            description="Paired reads of 100 bases, aligned, and the variants called from them.",
            omics_type=["GENOMICS"],
            has_data=["donor1_reads", "donor2_reads", "calls", "calls_bcf"],
        ),
        _entry(
            "Assay",
            "rnaseq",
            name="RNA sequencing",
            description="Reads counted per gene.",
            omics_type=["TRANSCRIPTOMICS"],
            has_data=["counts"],
        ),
        _entry(
            "Assay",
            "lcms",
            name="LC-MS metabolomics",
            description="Polar metabolites in positive mode, quantified without labels.",
            omics_type=["METABOLOMICS"],
            has_data=["metabolites"],
        ),
    ]


def _samples() -> list[dict[str, Any]]:
    return [
        _entry(
            "Sample",
            donor.name,
            name=donor.name.replace("donor", "Donor "),
            description="Peripheral blood mononuclear cells.",
            sex=donor.sex,
            taxon_id=[HUMAN],
            source_material=BLOOD,
            cell_type=PBMC,
            collector=["modos demo"],
        )
        for donor in DONORS
    ]


def _reference(sequences: Mapping[str, str]) -> list[dict[str, Any]]:
    genome = _entry(
        "ReferenceGenome",
        "genome",
        "reference.fa",
        name="Demo genome",
        description="Simulated; the contigs share nothing but their names with the human ones.",
        has_sequence=list(sequences),
        taxon_id=[HUMAN],
        version="1",
    )
    contigs = [
        _entry("ReferenceSequence", name, name=name, sequence_md5=md5, version="1") for name, md5 in sequences.items()
    ]
    return [genome, *contigs]


def _data() -> list[dict[str, Any]]:
    rows: Sequence[tuple[str, str, str, str, str, Sequence[Donor], bool]] = (
        ("AlignmentSet", "donor1_reads", "donor1.cram", "CRAM", "Aligned reads of donor 1", DONORS[:1], True),
        ("AlignmentSet", "donor2_reads", "donor2.bam", "BAM", "Aligned reads of donor 2", DONORS[1:2], True),
        ("VariantSet", "calls", "calls.vcf.gz", "VCF", "Variants of all donors", DONORS, True),
        ("VariantSet", "calls_bcf", "calls.bcf", "BCF", "Variants of all donors, in binary form", DONORS, True),
        ("MassSpectrometryResults", "metabolites", "metabolites.mztab", "mzTab", "Metabolite areas", DONORS, False),
        ("Array", "counts", "counts.tsv", "TSV", "Read counts, genes by samples", DONORS, False),
        ("DataEntity", "sample_sheet", "samples.tsv", "TSV", "Sample sheet", DONORS, False),
    )
    return [
        _entry(
            kind,
            id_,
            file,
            name=name,
            data_format=data_format,
            has_sample=_names(donors),
            **({"has_reference": ["genome"]} if aligned else {}),
        )
        for kind, id_, file, data_format, name, donors, aligned in rows
    ]


def _names(donors: Sequence[Donor]) -> list[str]:
    return [donor.name for donor in donors]


def _entry(kind: str, id_: str, file: str | None = None, **slots: str | list[str]) -> dict[str, Any]:
    element = {"id": id_, "@type": kind, **slots}
    return {"element": element, "args": {"source_file": file}} if file else {"element": element}
