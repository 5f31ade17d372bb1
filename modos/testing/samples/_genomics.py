"""The simulated genome, reads and variants as FASTA, BAM, CRAM, VCF and BCF, each with its index.

Owns the calls to pysam, which is loaded when the first file is written. Knows nothing of how the data were made.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import Any, Literal

from modos._lazy import require
from modos.testing.samples._genome import Genome, Read, Variant

VCF_HEADER = (
    "##source=modos",
    "##reference=reference.fa",
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count in genotypes, for each ALT allele">',
    '##INFO=<ID=AN,Number=1,Type=Integer,Description="Total number of alleles in called genotypes">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads that cover the position">',
)


def load_pysam() -> Any:  # noqa: ANN401 - pysam ships no types
    """Return the module, or raise `MissingDependencyError` with the line that installs it."""
    return require("pysam", extra="genomics", purpose="writing sample genomics files")


def sequence_md5(sequence: str) -> str:
    """Return the MD5 by which SAM (`M5`) and refget name a sequence: that of its upper-case letters."""
    return md5(sequence.upper().encode(), usedforsecurity=False).hexdigest()


def write_reference(path: Path, genome: Genome) -> None:
    """Write a FASTA file of 60 bases a line, and its `.fai`."""
    records = (f">{name} simulated, {len(bases)} bp\n" + "\n".join(wrap(bases, 60)) for name, bases in genome.items())
    path.write_text("\n".join(records) + "\n", encoding="ascii", newline="\n")
    load_pysam().faidx(str(path))


def write_alignments(path: Path, reads: Sequence[Read], *, genome: Genome, reference: Path, sample: str) -> None:
    """Write sorted reads as CRAM or BAM, as the suffix says, and the index.

    Sequences are named by their MD5, never by the path of the reference, which is another on every machine.

    Parameters
    ----------
    reference
        The FASTA file of `genome`, indexed; CRAM stores differences from it.
    sample
        Name in the read group.
    """
    pysam = load_pysam()
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [
                {"SN": name, "LN": len(bases), "M5": sequence_md5(bases), "AS": "modos-demo"}
                for name, bases in genome.items()
            ],
            "RG": [{"ID": f"{sample}.1", "SM": sample, "LB": f"{sample}-wgs", "PL": "ILLUMINA", "PU": "DEMO.1"}],
            "PG": [{"ID": "modos", "PN": "modos", "DS": "simulated read pairs"}],
        }
    )
    mode, extra = ("wc", {"reference_filename": str(reference)}) if path.suffix == ".cram" else ("wb", {})
    with pysam.AlignmentFile(str(path), mode, header=header, **extra) as file:
        for read in reads:
            file.write(_segment(pysam, header, read, read_group=f"{sample}.1"))
    if path.suffix == ".cram":
        _replace_header(path, str(header))
    pysam.index(str(path))


def write_variants(
    path: Path, variants: Sequence[Variant], *, genome: Genome, reads: Mapping[str, Sequence[Read]]
) -> None:
    """Write sorted variants as `.vcf.gz` with a `.tbi`, or as `.bcf` with a `.csi`.

    Parameters
    ----------
    reads
        Those of each donor, in the order of the genotypes; the depths are counted in them.
    """
    pysam = load_pysam()
    header = pysam.VariantHeader()
    for line in VCF_HEADER:
        header.add_line(line)
    for name, bases in genome.items():
        header.add_line(f"##contig=<ID={name},length={len(bases)},md5={sequence_md5(bases)}>")
    header.add_samples(*reads)
    kind: Literal["vcf", "bcf"] = "bcf" if path.suffix == ".bcf" else "vcf"
    with pysam.VariantFile(str(path), {"vcf": "wz", "bcf": "wb"}[kind], header=header) as file:
        for variant in variants:
            file.write(_record(header, variant, reads))
    pysam.tabix_index(str(path), preset=kind, force=True)


def _replace_header(path: Path, header: str) -> None:
    """Give a CRAM the header it was to have, without the machine's paths.

    On writing, htslib puts the absolute path of the reference (`UR`) into the header and the path of the file before
    it. `samtools reheader` copies the file without either, but only to the standard output of the process.
    """
    code = "import sys, pysam; pysam.reheader('--no-PG', *sys.argv[1:], catch_stdout=False)"
    with TemporaryDirectory(dir=path.parent) as scratch:
        text, result = Path(scratch, "header.sam"), Path(scratch, path.name)
        text.write_text(header, encoding="utf-8", newline="\n")
        with result.open("wb") as file:
            subprocess.run([sys.executable, "-c", code, str(text), str(path)], stdout=file, check=True)  # noqa: S603 - own code, no shell
        result.replace(path)


def _segment(pysam: Any, header: Any, read: Read, *, read_group: str) -> Any:  # noqa: ANN401 - pysam ships no types
    segment = pysam.AlignedSegment(header)
    segment.query_name = read.name
    segment.flag = read.flag
    segment.reference_name = segment.next_reference_name = read.contig
    segment.reference_start = read.start
    segment.next_reference_start = read.mate_start
    segment.template_length = read.template_length
    segment.mapping_quality = 60
    segment.cigarstring = read.cigar
    segment.query_sequence = read.bases
    segment.query_qualities = read.qualities
    segment.set_tag("RG", read_group)
    segment.set_tag("NM", read.edits)
    return segment


def _record(header: Any, variant: Variant, reads: Mapping[str, Sequence[Read]]) -> Any:  # noqa: ANN401 - pysam ships no types
    alleles = [allele for genotype in variant.genotypes for allele in genotype]
    record = header.new_record(
        contig=variant.contig,
        start=variant.position,
        stop=variant.position + len(variant.ref),
        alleles=(variant.ref, variant.alt),
        qual=60 * sum(alleles),
        filter="PASS",
        info={"AC": (sum(alleles),), "AN": len(alleles)},
    )
    for (donor, their_reads), genotype in zip(reads.items(), variant.genotypes, strict=True):
        call = record.samples[donor]
        call["GT"] = genotype
        call.phased = True
        call["DP"] = sum(
            read.contig == variant.contig and read.start <= variant.position < read.end for read in their_reads
        )
    return record
