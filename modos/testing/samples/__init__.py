"""Small omics files of real formats, simulated, for demonstrations and for tests without other data.

Owns which files there are and how they are named and seeded. Must not know digital objects or storages: it writes
plain files and a description from which others build.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from modos.testing.samples._counts import count_matrix
from modos.testing.samples._genome import simulate_genome, simulate_reads, simulate_variants
from modos.testing.samples._genomics import load_pysam, sequence_md5, write_alignments, write_reference, write_variants
from modos.testing.samples._metabolites import metabolite_results
from modos.testing.samples._study import DONORS, description, sample_sheet

__all__ = ["SampleFiles", "write_samples"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFiles:
    """Paths of what `write_samples` wrote, all in one directory.

    Parameters
    ----------
    description
        `modo.yaml`, for `MODO.from_file`; it names the other files relative to itself.
    reference, reference_index
        Genome of two contigs, as FASTA.
    cram, cram_index
        Aligned read pairs of donor 1; decoding them takes `reference`.
    bam, bam_index
        Aligned read pairs of donor 2.
    vcf, vcf_index, bcf, bcf_index
        Phased variants of all donors, the same in both formats.
    metabolites
        mzTab-M 2.0.
    counts
        Integer counts as TSV: a row per gene after one of headers, a column per donor after that of gene symbols.
    sample_sheet
        The donors, as TSV.
    """

    description: Path
    reference: Path
    reference_index: Path
    cram: Path
    cram_index: Path
    bam: Path
    bam_index: Path
    vcf: Path
    vcf_index: Path
    bcf: Path
    bcf_index: Path
    metabolites: Path
    counts: Path
    sample_sheet: Path


def write_samples(directory: Path, *, seed: int = 0) -> SampleFiles:
    """Write a small multi-omics study of four simulated donors: less than 1 MB in less than two seconds.

    The files agree with each other: reads and variants with the reference, genotypes with reads, sexes with the
    expression of XIST. Files of the same names are replaced. The same seed gives the same bytes with the same version
    of pysam; the compressed formats (BAM, CRAM, VCF, BCF and their indexes) may differ in bytes, not in content,
    between versions.

    Parameters
    ----------
    directory
        Where to write; made if it is not there.
    seed
        Chooses another genome, other variants, reads, counts and areas.

    Raises
    ------
    MissingDependencyError
        When pysam is not installed; nothing has been written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     files = write_samples(Path(folder))
    ...     print(files.description.name, files.reference.read_text().splitlines()[0])
    modo.yaml >chr21 simulated, 5000 bp
    """
    load_pysam()  # fail before anything is written
    directory.mkdir(parents=True, exist_ok=True)
    files = _names(directory)
    genome = simulate_genome(_stream(seed, "genome"))
    variants = simulate_variants(_stream(seed, "variants"), genome, donors=len(DONORS))
    reads = {
        donor.name: simulate_reads(
            _stream(seed, donor.name), genome, variants, donor=index, prefix=f"DEMO:1:{donor.name}"
        )
        for index, donor in enumerate(DONORS)
    }
    write_reference(files.reference, genome)
    for path, sample in ((files.cram, "donor1"), (files.bam, "donor2")):
        write_alignments(path, reads[sample], genome=genome, reference=files.reference, sample=sample)
    for path in (files.vcf, files.bcf):
        write_variants(path, variants, genome=genome, reads=reads)
    texts = {
        files.metabolites: metabolite_results(_stream(seed, "metabolites"), DONORS),
        files.counts: count_matrix(_stream(seed, "counts"), DONORS),
        files.sample_sheet: sample_sheet(),
        files.description: description({name: sequence_md5(bases) for name, bases in genome.items()}),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return files


def _names(directory: Path) -> SampleFiles:
    return SampleFiles(
        description=directory / "modo.yaml",
        reference=directory / "reference.fa",
        reference_index=directory / "reference.fa.fai",
        cram=directory / "donor1.cram",
        cram_index=directory / "donor1.cram.crai",
        bam=directory / "donor2.bam",
        bam_index=directory / "donor2.bam.bai",
        vcf=directory / "calls.vcf.gz",
        vcf_index=directory / "calls.vcf.gz.tbi",
        bcf=directory / "calls.bcf",
        bcf_index=directory / "calls.bcf.csi",
        metabolites=directory / "metabolites.mztab",
        counts=directory / "counts.tsv",
        sample_sheet=directory / "samples.tsv",
    )


def _stream(seed: int, purpose: str) -> Random:
    """Return a random stream of its own for each part, so that a change in one leaves the others as they were."""
    return Random(f"{seed} {purpose}")  # noqa: S311 - simulation, not cryptography
