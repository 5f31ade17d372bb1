"""The sample files are what real tools read, agree with each other and name no machine."""

import csv
import gzip
import re
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from hashlib import md5
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from modos.errors import MissingDependencyError
from modos.testing.samples import SampleFiles, write_samples

pysam = pytest.importorskip("pysam")

DONORS = ["donor1", "donor2", "donor3", "donor4"]
LINKS = {
    "has_assay": {"Assay"},
    "has_sample": {"Sample"},
    "has_data": {"DataEntity", "AlignmentSet", "VariantSet", "MassSpectrometryResults", "Array"},
    "has_reference": {"ReferenceGenome"},
    "has_sequence": {"ReferenceSequence"},
}
MANDATORY_MZTAB = {
    "mzTab-version",
    "mzTab-ID",
    "software[1]",
    "quantification_method",
    "ms_run[1]-location",
    "ms_run[1]-scan_polarity[1]",
    "assay[1]",
    "assay[1]-ms_run_ref",
    "study_variable[1]",
    "study_variable[1]-assay_refs",
    "study_variable[1]-description",
    "cv[1]-label",
    "cv[1]-full_name",
    "cv[1]-version",
    "cv[1]-uri",
    "database[1]",
    "database[1]-prefix",
    "database[1]-version",
    "database[1]-uri",
    "small_molecule-quantification_unit",
    "small_molecule_feature-quantification_unit",
    "small_molecule-identification_reliability",
    "id_confidence_measure[1]",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> SampleFiles:
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def genome(files) -> dict[str, str]:
    with pysam.FastaFile(files.reference) as fasta:
        return {name: fasta.fetch(name) for name in fasta.references}


@pytest.fixture(scope="module")
def entries(files) -> list[dict]:
    return yaml.safe_load(files.description.read_text(encoding="utf-8"))


def open_alignments(files: SampleFiles, kind: str):
    if kind == "cram":
        return pysam.AlignmentFile(files.cram, reference_filename=str(files.reference))
    return pysam.AlignmentFile(files.bam)


def mztab_table(files: SampleFiles, header: str, prefix: str) -> list[dict[str, str]]:
    lines = [line.split("\t") for line in files.metabolites.read_text(encoding="utf-8").splitlines()]
    (columns,) = [cells for cells in lines if cells[0] == header]
    return [dict(zip(columns[1:], cells[1:], strict=True)) for cells in lines if cells[0] == prefix]


def counts(files: SampleFiles) -> dict[str, dict[str, int]]:
    with files.counts.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row.pop("gene"): {donor: int(count) for donor, count in row.items()} for row in rows}


def test_every_file_is_there_and_all_are_small(files):
    """The paths returned are the files written, no more and no fewer, and weigh less than 1 MB."""
    paths = list(asdict(files).values())

    assert sorted(paths) == sorted(files.description.parent.iterdir())
    assert sum(path.stat().st_size for path in paths) < 1_000_000


def test_the_reference_is_indexed(files, genome):
    """The FASTA opens with the index beside it and has the contigs it promises."""
    with pysam.FastaFile(files.reference, filepath_index=str(files.reference_index)) as fasta:
        assert dict(zip(fasta.references, fasta.lengths, strict=True)) == {"chr21": 5000, "chr22": 5000}
        assert genome["chr22"][1000:1060] == fasta.fetch(region="chr22:1001-1060")
    assert set("ACGT") == set("".join(genome.values()))


@pytest.mark.parametrize("kind", ["bam", "cram"])
def test_alignments_open_with_their_index(files, kind):
    """A region gives the reads that overlap it, fewer than all, through the index."""
    with open_alignments(files, kind) as alignments:
        assert alignments.check_index()
        in_region = list(alignments.fetch("chr22", 2000, 2200))
        everything = list(alignments.fetch())

    assert 0 < len(in_region) < len(everything) / 10
    assert all(read.reference_start < 2200 and read.reference_end > 2000 for read in in_region)


@pytest.mark.parametrize(("kind", "donor"), [("bam", "donor2"), ("cram", "donor1")])
def test_alignment_headers_name_sample_and_sequences(files, genome, kind, donor):
    """The header has the MD5 of each contig, the sample in the read group, and a program."""
    with open_alignments(files, kind) as alignments:
        header = alignments.header.to_dict()

    assert header["HD"]["SO"] == "coordinate"
    assert {name: md5(bases.encode()).hexdigest() for name, bases in genome.items()} == {
        line["SN"]: line["M5"] for line in header["SQ"]
    }
    assert [donor] == [line["SM"] for line in header["RG"]]
    assert [line["PN"] for line in header["PG"]] == ["modos"]


@pytest.mark.parametrize("kind", ["bam", "cram"])
def test_reads_are_proper_pairs_that_match_the_reference(files, genome, kind):
    """Mates point at each other, and the edits counted against the reference are those of the NM tag."""
    with open_alignments(files, kind) as alignments:
        reads = list(alignments)

    ends = Counter(read.query_name for read in reads)
    lengths = Counter()
    for read in reads:
        lengths[read.query_name] += read.template_length
    assert set(ends.values()) == {2}
    assert not any(lengths.values())
    assert all(read.is_proper_pair and read.is_reverse != read.mate_is_reverse for read in reads)
    for read in reads:
        bases = genome[read.reference_name]
        aligned = read.get_aligned_pairs()
        clipped = sum(length for operation, length in read.cigartuples if operation == pysam.CSOFT_CLIP)
        edits = -clipped + sum(
            query is None or place is None or read.query_sequence[query] != bases[place] for query, place in aligned
        )
        assert edits == read.get_tag("NM")


def test_cram_cannot_be_read_without_the_reference(files, tmp_path, genome):
    """The CRAM holds differences from the reference only: another reference of the same names is refused."""
    wrong = tmp_path / "wrong.fa"
    wrong.write_text("".join(f">{name}\n{bases[::-1]}\n" for name, bases in genome.items()))
    with (
        pysam.AlignmentFile(files.cram, reference_filename=str(wrong)) as alignments,
        pytest.raises(OSError, match="truncated"),
    ):
        list(alignments)


@pytest.mark.parametrize("kind", ["vcf", "bcf"])
def test_variants_open_with_their_index_and_equal_the_reference(files, genome, kind):
    """A region gives variants, every REF allele is what the FASTA says, and contigs and samples are declared."""
    with pysam.VariantFile(getattr(files, kind)) as variants:
        in_region = list(variants.fetch("chr21", 400, 2500))
        everything = list(variants.fetch())
        assert list(variants.header.samples) == DONORS
        assert {name: len(bases) for name, bases in genome.items()} == {
            name: contig.length for name, contig in variants.header.contigs.items()
        }

    assert 0 < len(in_region) < len(everything)
    for record in everything:
        assert genome[record.contig][record.start : record.stop] == record.ref
        assert any(1 in call["GT"] for call in record.samples.values())
        if len(record.ref) != len(record.alts[0]):
            assert record.ref[-1] != record.alts[0][-1], "an indel that is not left-aligned"


def test_vcf_and_bcf_say_the_same(files):
    """Both formats hold the same records."""
    with pysam.VariantFile(files.vcf) as vcf, pysam.VariantFile(files.bcf) as bcf:
        assert [str(record) for record in vcf] == [str(record) for record in bcf]


@pytest.mark.parametrize(("kind", "donor"), [("bam", "donor2"), ("cram", "donor1")])
def test_genotypes_show_in_the_reads(files, kind, donor):
    """A donor's reads show the alternative base of single-nucleotide variants as often as the genotype says."""
    with pysam.VariantFile(files.vcf) as variants, open_alignments(files, kind) as alignments:
        for record in variants:
            if len(record.ref) != 1 or len(record.alts[0]) != 1:
                continue
            reads = list(alignments.fetch(record.contig, record.start, record.stop))
            bases = [
                {place: query for query, place in read.get_aligned_pairs(matches_only=True)}[record.start]
                for read in reads
            ]
            called = Counter(read.query_sequence[at] for read, at in zip(reads, bases, strict=True))
            share = called[record.alts[0]] / len(reads)
            assert len(reads) == record.samples[donor]["DP"]
            assert share == pytest.approx(sum(record.samples[donor]["GT"]) / 2, abs=0.45)


def test_mztab_has_what_the_format_requires(files):
    """Every mandatory field of mzTab-M 2.0 metadata is there, each once, before the tables."""
    lines = [line.split("\t") for line in files.metabolites.read_text(encoding="utf-8").splitlines() if line]
    fields = [cells[1] for cells in lines if cells[0] == "MTD"]

    assert not MANDATORY_MZTAB - set(fields)
    assert len(set(fields)) == len(fields)
    assert list(dict.fromkeys(cells[0] for cells in lines)) == ["MTD", "SMH", "SML", "SFH", "SMF", "SEH", "SME"]
    assert all(len(cells) == 3 for cells in lines if cells[0] == "MTD")


def test_mztab_rows_match_headers_and_refer_to_each_other(files):
    """Each row has the columns of its header; molecules name features that exist, and features evidence."""
    molecules = mztab_table(files, "SMH", "SML")
    features = mztab_table(files, "SFH", "SMF")
    evidence = mztab_table(files, "SEH", "SME")

    assert 12 == len(molecules) == len(features) == len(evidence)
    assert {row["SMF_ID_REFS"] for row in molecules} == {row["SMF_ID"] for row in features}
    assert {row["SME_ID_REFS"] for row in features} == {row["SME_ID"] for row in evidence}
    assert all(f"abundance_assay[{n}]" in row for row in [*molecules, *features] for n in range(1, 5))


@pytest.mark.parametrize(
    ("name", "mass_to_charge"),
    [("caffeine", 195.0877), ("creatinine", 114.0662), ("glutathione disulfide", 613.1592), ("ATP", 508.0030)],
)
def test_masses_are_those_of_the_formulae(files, name, mass_to_charge):
    """The theoretical m/z of [M+H]+ is the one in the literature, and the measured one within 10 ppm of it."""
    (row,) = [row for row in mztab_table(files, "SEH", "SME") if row["chemical_name"] == name]

    assert float(row["theoretical_mass_to_charge"]) == pytest.approx(mass_to_charge, abs=1e-4)
    assert float(row["exp_mass_to_charge"]) == pytest.approx(mass_to_charge, rel=10e-6)
    assert re.fullmatch(r"CHEBI:\d+", row["database_identifier"])


def test_counts_tell_the_sexes_apart(files):
    """Counts are integers for every donor; women express XIST, men the genes of the Y chromosome."""
    matrix = counts(files)

    assert all(list(row) == DONORS for row in matrix.values())
    assert all(count >= 0 for row in matrix.values() for count in row.values())
    assert [matrix["XIST"][donor] > matrix["RPS4Y1"][donor] for donor in DONORS] == [True, False, True, False]


def test_the_description_names_files_that_exist(files, entries):
    """Every source file is a plain name beside the description and, with its index, all that was written."""
    sources = [entry["args"]["source_file"] for entry in entries if "args" in entry]

    assert all(Path(source).name == source for source in sources)
    indexes = {path.name for path in (files.reference_index, files.bam_index, files.cram_index)}
    indexes |= {path.name for path in (files.vcf_index, files.bcf_index)}
    assert {path.name for path in asdict(files).values()} == {*sources, *indexes, files.description.name}


def test_every_link_of_the_description_resolves(entries):
    """Ids are unique, links lead to elements of the right class, and every element but the object is linked to."""
    elements = {entry["element"]["id"]: entry["element"] for entry in entries}
    links = [
        (slot, target)
        for element in elements.values()
        for slot, targets in element.items()
        if slot in LINKS
        for target in targets
    ]

    assert len(entries) == len(elements)
    assert all(elements[target]["@type"] in LINKS[slot] for slot, target in links)
    assert {"demo", "sample_sheet"} == set(elements) - {target for _, target in links}


def test_the_description_has_the_checksums_of_the_sequences(entries, genome):
    """`sequence_md5` is that of the FASTA."""
    described = {
        entry["element"]["id"]: entry["element"]["sequence_md5"]
        for entry in entries
        if entry["element"]["@type"] == "ReferenceSequence"
    }

    assert {name: md5(bases.encode()).hexdigest() for name, bases in genome.items()} == described


def test_a_seed_gives_the_same_bytes_wherever_they_are_written(files, tmp_path):
    """Two runs with one seed are byte-identical, also over the files of an earlier run; another seed differs."""
    again = write_samples(tmp_path, seed=1)
    other = {path.name: path.read_bytes() for path in asdict(again).values()}
    again = write_samples(tmp_path)

    assert {path.name: path.read_bytes() for path in asdict(files).values()} == {
        path.name: path.read_bytes() for path in asdict(again).values()
    }
    for path in (files.reference, files.bam, files.cram, files.vcf, files.metabolites, files.counts):
        assert path.read_bytes() != other[path.name]


def test_no_header_holds_a_path(files):
    """Nothing in a header or a text file is an absolute path, so that no file tells where it was made."""
    with pysam.AlignmentFile(files.cram, check_sq=False) as cram, pysam.AlignmentFile(files.bam) as bam:
        headers = [str(cram.header), str(bam.header)]
    with gzip.open(files.vcf, "rt") as vcf, pysam.VariantFile(files.bcf) as bcf:
        headers += [vcf.read(), str(bcf.header)]
    texts = (files.description, files.metabolites, files.counts, files.sample_sheet, files.reference)
    headers += [path.read_text(encoding="utf-8") for path in texts]

    for header in headers:
        assert not re.search(r"(?:^|[\s:=\"'])/(?!/)|file://", header)
    assert b"/" not in files.cram.read_bytes()[:26], "the file definition, in which htslib puts the name of the file"


def test_importing_the_module_loads_no_pysam():
    """pysam is loaded when files are written, not before."""
    code = "import sys, modos.testing.samples; sys.exit('pysam' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_pysam_nothing_is_written(monkeypatch, tmp_path):
    """A missing pysam is reported with the line that installs it, before any file is made."""
    monkeypatch.setitem(sys.modules, "pysam", None)

    with pytest.raises(MissingDependencyError, match=r"modos-objects\[genomics\]"):
        write_samples(tmp_path / "samples")
    assert not list(tmp_path.iterdir())


def test_neighbouring_variants_never_share_a_read(files):
    """No read of 100 bases covers two variants."""
    with pysam.VariantFile(files.vcf) as variants:
        places = [(record.contig, record.start) for record in variants]

    assert all(one[0] != two[0] or two[1] - one[1] > 100 for one, two in pairwise(places))
