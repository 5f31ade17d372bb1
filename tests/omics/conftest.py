"""What the tests of regions share: small genomics files with everything that makes regions hard, in every format."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pysam
import pytest

from modos.storage import Storage

CONTIGS = {
    "chrA": 150_000,
    "chrB": 2_200_000,
    "empty1": 5_000,
    **{f"scaffold_{number}": 2_000 + 37 * number for number in range(40)},
    "HLA:01:02": 3_500,
    "empty2": 1_000,
    "chrM": 16_569,
    "last": 40_000,
}
SILENT = {"empty1", "empty2", *(f"scaffold_{number}" for number in range(3, 40, 5))}
"""Contigs without any read or variant."""

BASES = "ACGT"


@dataclass(frozen=True)
class Sample:
    """One file with its index, and how pysam opens it."""

    folder: Path
    name: str
    index: str
    reference: str | None = None

    @property
    def path(self) -> str:
        return str(self.folder / self.name)

    @property
    def is_variants(self) -> bool:
        return self.name.endswith((".bcf", ".vcf.gz"))

    def open(self):
        """Open the local file with pysam."""
        if self.name.endswith(".sam.gz"):  # pysam has no regions of these
            return pysam.AlignmentFile(str(self.folder / "bam-bai.bam"))
        index = str(self.folder / self.index)
        if self.is_variants:
            return pysam.VariantFile(self.path, index_filename=index)
        return pysam.AlignmentFile(self.path, index_filename=index, reference_filename=self.reference)

    def text(self, record) -> str:
        return str(record) if self.is_variants else record.to_string()

    def store(self, storage: Storage) -> Storage:
        """Put the file and its index into a storage."""
        for name in (self.name, self.index):
            storage.put(self.folder / name, name)
        return storage


@pytest.fixture(scope="session")
def contigs() -> dict[str, int]:
    """Name of each contig to its length, in the order of the files."""
    return CONTIGS


@pytest.fixture(scope="session")
def genome() -> dict[str, str]:
    chance = random.Random("genome")
    return {name: "".join(chance.choices(BASES, k=length)) for name, length in CONTIGS.items()}


@pytest.fixture(scope="session")
def genomics(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("genomics")


@pytest.fixture(scope="session")
def reference(genomics, genome) -> Path:
    """The genome as FASTA of 60 bases a line, with `.fai`."""
    path = genomics / "reference.fa"
    with path.open("w") as file:
        for name, bases in genome.items():
            file.write(f">{name} made up\n")
            file.writelines(f"{bases[start : start + 60]}\n" for start in range(0, len(bases), 60))
    pysam.faidx(str(path))
    return path


@pytest.fixture(scope="session")
def alignments(genome) -> tuple[pysam.AlignmentHeader, list[pysam.AlignedSegment]]:
    """Sorted reads: piled up, spliced over bins, clipped, unmapped beside their mates, without a place."""
    chance = random.Random("reads")
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": name, "LN": length} for name, length in CONTIGS.items()],
            "RG": [{"ID": "1", "SM": "s", "PL": "ILLUMINA"}],
        }
    )
    reads = [read for contig in CONTIGS for read in _reads_of(contig, genome[contig], header, chance)]
    alternating = "1M1D" * 35_000  # more operations than a record has room for
    reads.append(_read(header, "long CIGAR", "chrB", 100_000, alternating, genome["chrB"], chance))
    reads.sort(key=lambda read: (read.reference_id, read.reference_start))
    reads += [_read(header, f"unplaced{number}", None, -1, None, genome["last"], chance) for number in range(300)]
    return header, reads


def _reads_of(contig, bases, header, chance):
    if contig in SILENT:
        return
    for number in range({"chrA": 5000, "chrB": 1500, "chrM": 1500}.get(contig, 30)):
        length = chance.choice((36, 100, 150)) if number % 50 else chance.randint(1_000, 1_900)
        start = chance.randint(0, len(bases) - length - 1)
        if contig == "chrA" and number % 4 == 0:
            start = chance.randint(70_000, 70_060)  # a pile that fills many blocks of one window
        cigar = f"{length}M"
        if contig == "chrB" and number % 7 == 0 and start + length + 700_000 < len(bases):
            gap = chance.choice((50, 20_000, 140_000, 650_000))  # spliced over bins of every level
            cigar = f"{length // 2}M{gap}N{length - length // 2}M"
        elif number % 11 == 0:
            cigar = f"5S{length - 15}M3I2D7M"
        elif number % 97 == 0:
            cigar = f"{length}S"  # it covers nothing
        mutated = "".join(chance.choices(BASES, k=length)) if number % 13 == 0 else bases[start:]
        yield _read(header, f"{contig}:{number}", contig, start, cigar, mutated, chance)
        if number % 9 == 0:  # its mate has no alignment, and is placed beside it
            yield _read(header, f"{contig}:{number}", contig, start, None, bases, chance)


def _read(header, name, contig, start, cigar, bases, chance):  # noqa: PLR0917 - what a read consists of
    read = pysam.AlignedSegment(header)
    read.query_name = name
    read.flag = 0 if cigar else 4 if contig is None else 1 + 4 + 128
    read.reference_id = -1 if contig is None else header.get_tid(contig)
    read.reference_start = start
    read.mapping_quality = 60 if cigar else 0
    read.cigarstring = cigar
    length = read.infer_query_length() if cigar else 50
    read.query_sequence = bases[:length]
    read.query_qualities = pysam.qualitystring_to_array("".join(chance.choices("#5?I", k=length)))
    read.set_tag("RG", "1")
    return read


@pytest.fixture(scope="session")
def variants(genome) -> tuple[pysam.VariantHeader, list[pysam.VariantRecord]]:
    """Sorted variants, some long by their alleles, by `END` or by `SVLEN`."""
    chance = random.Random("variants")
    header = pysam.VariantHeader()
    header.add_line('##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type">')
    header.add_line('##INFO=<ID=SVLEN,Number=A,Type=Integer,Description="Length">')
    header.add_line('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    header.add_line('##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">')
    header.add_line('##ALT=<ID=DEL,Description="Deletion">')
    header.add_line('##ALT=<ID=INS,Description="Insertion">')
    for name, length in CONTIGS.items():
        header.contigs.add(name, length=length)
    header.add_samples("s1", "s2", "s3")
    places = sorted(
        (tid, chance.randint(0, length - 400))
        for tid, (name, length) in enumerate(CONTIGS.items())
        if name not in SILENT
        for _ in range({"chrA": 3000, "chrB": 1500}.get(name, 8))
    )
    return header, [_variant(header, list(CONTIGS)[tid], start, genome, chance) for tid, start in places]


def _variant(header, contig, start, genome, chance):
    kind = chance.choice(("snv", "snv", "snv", "deletion", "END", "SVLEN", "INS"))
    ref = genome[contig][start : start + (chance.choice((3, 60, 300)) if kind == "deletion" else 1)]
    alt = {"END": "<DEL>", "SVLEN": "<DEL>", "INS": "<INS>"}.get(
        kind, ref[0] if len(ref) > 1 else "ACGT".replace(ref, "")[0]
    )
    reach = min(len(genome[contig]) - start - 1, chance.choice((100, 30_000, 400_000)))
    info = {"SVLEN": {"SVLEN": (-reach,)}, "INS": {"SVLEN": (reach,)}}.get(kind, {})
    options = {"stop": start + 1 + reach} if kind == "END" else {}
    record = header.new_record(
        contig=contig, start=start, alleles=(ref, alt), qual=chance.randint(1, 99), info=info, **options
    )
    for sample in record.samples.values():
        sample["GT"] = (chance.randint(0, 1), chance.randint(0, 1))
        sample["DP"] = chance.randint(0, 100)
    return record


CRAM_KINDS = {
    "cram 3.0": ("version=3.0", "seqs_per_slice=400", "multi_seq_per_slice=0"),
    "cram 3.0 multi": ("version=3.0", "seqs_per_slice=500", "multi_seq_per_slice=1"),
    "cram 3.1": ("version=3.1", "seqs_per_slice=300", "slices_per_container=4"),
    "cram 3.1 multi": ("version=3.1", "seqs_per_slice=250", "slices_per_container=3", "multi_seq_per_slice=1"),
    "cram embedded": ("version=3.0", "seqs_per_slice=400", "embed_ref=1"),
    "cram plain": ("version=3.1", "seqs_per_slice=400", "no_ref=1"),
}


@pytest.fixture(scope="session")
def sample(genomics, request) -> Callable[[str], Sample]:
    """Make the file of a kind, once."""
    made: dict[str, Sample] = {}

    def make(kind: str) -> Sample:
        if kind not in made:
            made[kind] = _made(kind, genomics, request.getfixturevalue)
        return made[kind]

    return make


def _made(kind, folder, fixture):
    form, *rest = kind.split()
    name = f"{kind.replace(' ', '-').replace('.', '_')}.{form}"
    path = str(folder / name)
    if form == "cram":
        header, reads = fixture("alignments")
        reference = str(fixture("reference"))
        options = [option.encode() for option in CRAM_KINDS[kind]]
        with pysam.AlignmentFile(
            path, "wc", header=header, reference_filename=reference, format_options=options
        ) as file:
            for read in reads:
                file.write(read)
        pysam.index(path)
        needed = None if "embedded" in kind or "plain" in kind else reference
        return Sample(folder, name, f"{name}.crai", needed)
    if form == "sam.gz":
        made = _made("bam bai", folder, fixture)
        pysam.view("-h", "-O", "sam", "-o", f"{path}.plain", made.path, catch_stdout=False)
        pysam.tabix_compress(f"{path}.plain", path, force=True)
        pysam.index("-c", path)
        return Sample(folder, name, f"{name}.csi")
    if form == "bam":
        header, reads = fixture("alignments")
        with pysam.AlignmentFile(path, "wb", header=header) as file:
            for read in reads:
                file.write(read)
        pysam.index(*(["-c"] if rest == ["csi"] else []), path)
        return Sample(folder, name, f"{name}.{rest[0]}")
    header, records = fixture("variants")
    with pysam.VariantFile(path, "wb" if form == "bcf" else "wz", header=header) as file:
        for record in records:
            file.write(record)
    pysam.tabix_index(path, preset=form.removesuffix(".gz"), csi=rest == ["csi"], force=True)
    return Sample(folder, name, f"{name}.{rest[0]}")
