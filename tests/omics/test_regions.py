"""Regions are exactly what pysam gives on the file at hand, wherever the file is."""

import os
import random
from functools import partial
from itertools import cycle, islice

import pysam
import pytest

from modos.encryption import DecryptedFiles, encrypt, generate_key
from modos.omics.regions import feeding
from modos.omics.regions.planning import batches
from modos.omics.regions.reading import open_indexed, stream_records
from modos.omics.regions.spelling import Region, parse_bed
from modos.storage import LocalStorage
from modos.testing import Proxy

pytestmark = pytest.mark.thorough

COUNTS = {
    kind: int(os.environ.get("MODOS_REGIONS", default))
    for kind, default in {
        "local": 50,
        "s3": 12,
        "swift": 12,
        "local, encrypted": 12,
        "s3, encrypted": 12,
        "swift, encrypted": 12,
    }.items()
}
"""How many random regions of each format are compared on each storage."""

KINDS = (
    "bam bai",
    "bam csi",
    "sam.gz csi",
    "cram 3.0",
    "cram 3.0 multi",
    "cram 3.1",
    "cram 3.1 multi",
    "cram embedded",
    "cram plain",
    "vcf.gz tbi",
    "vcf.gz csi",
    "bcf csi",
)


def random_regions(contigs: dict[str, int], count: int, seed: str) -> list[Region]:
    """Make regions of one base up to a whole contig, at borders, beyond the end, on contigs with and without records."""
    chance = random.Random(seed)
    regions = []
    names = list(contigs)
    for contig in islice(cycle(("chrA", "chrB", "chrA", "chrB", None)), count):
        name = contig or chance.choice(names)
        length = contigs[name]
        start = chance.choice((0, length - 1, 16_383, 16_384, 131_072, 70_030, chance.randint(0, length + 50)))
        span = chance.choice((1, 2, 100, 16_384, round(2 ** chance.uniform(0, 21))))
        regions.append(
            chance.choice((Region(name, start, start + span), Region(name, start, start + span), Region(name, start)))
        )
    return regions


@pytest.mark.parametrize("storage", COUNTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_region_is_what_pysam_gives_on_the_local_file(kind, storage, sample, contigs, make_storage):
    """Random regions give identical records in identical order."""
    made = sample(kind)
    place, _, encrypted = storage.partition(", ")
    files = made.store(make_storage(place))
    if encrypted:
        key = generate_key()
        for name in (made.name, made.index):
            files.put(encrypt([files.read(name)], [key.public]), name)
        files = DecryptedFiles(files, [key])
    file = open_indexed(files, made.name)
    seen = 0
    with made.open() as local:
        for region in random_regions(contigs, COUNTS[storage], f"{kind} {storage}"):
            expected = [made.text(record) for record in local.fetch(region.contig, region.start, region.end)]
            found = [made.text(record) for record in file.stream(region, reference=made.reference)]
            assert found == expected, region
            seen += len(expected)
    assert seen > 10 * COUNTS[storage]


@pytest.fixture
def opened(sample, make_storage):
    """Store a file of a kind on this machine and open it there: `made, file = opened("bam bai")`."""

    def opened(kind):
        made = sample(kind)
        return made, open_indexed(made.store(make_storage("local")), made.name)

    return opened


@pytest.mark.parametrize("kind", KINDS)
def test_several_regions_give_their_union_in_the_order_of_the_file(kind, opened, contigs):
    """Each record comes once, also one that overlaps two regions, and whatever the order of the regions."""
    made, file = opened(kind)
    regions = [
        *random_regions(contigs, 12, f"union {kind}"),
        Region("chrB", 500_000, 500_100),
        Region("chrB", 520_000, 520_100),
    ]
    with made.open() as local:
        everything = [
            (record, made.text(record)) for record in (local if made.is_variants else local.fetch(until_eof=True))
        ]
        covered = {
            region: {made.text(record) for record in local.fetch(region.contig, region.start, region.end)}
            for region in regions
        }
    wanted = set().union(*covered.values())
    expected = [text for _, text in everything if text in wanted]
    found = [made.text(record) for record in file.stream(regions, reference=made.reference)]
    assert found == expected
    assert found == [made.text(record) for record in file.stream(regions[::-1], reference=made.reference)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "cf" not in kind])
def test_all_reads_those_without_a_place_and_whole_contigs(kind, opened, contigs):
    """Without a region the whole file comes; `*` are the reads at its end; a name alone is the whole contig."""
    made, file = opened(kind)
    with made.open() as local:
        everything = [made.text(record) for record in local.fetch(until_eof=True)]
        unplaced = [made.text(record) for record in local.fetch("*")]
        assert [made.text(record) for record in file.stream(reference=made.reference)] == everything
        assert [made.text(record) for record in file.stream("*", reference=made.reference)] == unplaced != []
        mixed = [made.text(record) for record in file.stream(["*", "chrM"], reference=made.reference)]
        assert mixed == [made.text(record) for record in local.fetch("chrM")] + unplaced
        for contig in contigs:
            region = f"{{{contig}}}"
            found = [made.text(record) for record in file.stream(region, reference=made.reference)]
            assert found == [made.text(record) for record in local.fetch(contig)]


@pytest.mark.parametrize("kind", ["vcf.gz tbi", "vcf.gz csi", "bcf csi"])
def test_all_variants(kind, opened):
    """Without a region the whole file comes."""
    made, file = opened(kind)
    with made.open() as local:
        assert [str(record) for record in file.stream()] == [str(record) for record in local]


def test_a_bed_file_names_regions(opened):
    """Its lines count from zero, as BED does; a mark of UTF-8 before the first is none of it."""
    _, file = opened("bam bai")
    assert parse_bed(["\ufeffchrA\t1\t2\r\n"]) == [Region("chrA", 1, 2)]
    regions = parse_bed(["track x", "chrA\t100\t2000\tname", "", "chrM\t5\t10"])
    assert regions == [Region("chrA", 100, 2000), Region("chrM", 5, 10)]
    found = [record.to_string() for record in file.stream(regions)]
    assert found == [record.to_string() for record in file.stream(["chrA:101-2,000", "chrM:6-10"])] != []


@pytest.mark.parametrize(("preset", "suffix"), [("bed", ".bed.gz"), ("gff", ".gff.gz"), ("gff", ".gtf.gz")])
@pytest.mark.parametrize("csi", [False, True])
def test_lines_of_text_have_regions(preset, suffix, csi, tmp_path):
    """BED, GFF and GTF give what pysam gives on the local file."""
    chance = random.Random(suffix)
    places = sorted((chance.choice("ab"), chance.randint(0, 300_000), chance.randint(1, 40_000)) for _ in range(2998))
    places = [("a", 0, 1), ("a", 0, int(preset == "gff")), *places]  # in BED, an insertion before all else
    rows = {
        "bed": (f"{contig}\t{start}\t{start + span}\tx" for contig, start, span in places),
        "gff": (f"{contig}\tme\texon\t{start + 1}\t{start + span}\t.\t+\t.\tID=x" for contig, start, span in places),
    }
    plain, name = tmp_path / "plain", f"x{suffix}"
    plain.write_text("# comment\n" + "\n".join(rows[preset]) + "\n")
    pysam.tabix_compress(str(plain), str(tmp_path / name))
    pysam.tabix_index(str(tmp_path / name), preset=preset, csi=csi, force=True)
    file = open_indexed(LocalStorage(tmp_path), name)
    with pysam.TabixFile(str(tmp_path / name), index=str(tmp_path / f"{name}{'.csi' if csi else '.tbi'}")) as local:
        for region in [
            Region("a"),
            Region("a", 0, 1),
            Region("b", 5, 6),
            *(Region("a", start, start + 500) for start in range(0, 300_000, 9_000)),
        ]:
            expected = list(local.fetch(region.contig, region.start, region.end))
            assert [str(record) for record in file.stream(region)] == expected
    assert len(list(file.stream())) == 3000


@pytest.mark.parametrize("kind", ["swift", "s3"])
def test_what_a_region_costs(kind, sample, account, container):
    """Opening takes three requests, at once; a region takes one, and little more than its records."""
    made = sample("bam bai")
    with Proxy(account.server.url) as proxy:
        address = (
            {"storage_url": proxy.through(account.server.storage_url)} if kind == "swift" else {"endpoint": proxy.url}
        )
        storage = getattr(account, kind)(container, **address)
        made.store(storage)
        storage.exists("warm")
        proxy.clear()
        file = open_indexed(storage, made.name)
        assert len(proxy.requests) == 3
        proxy.clear()
        assert list(file.stream("chrB:1,000,000-1,100,000"))
        assert len(proxy.requests) == 1
        assert proxy.requests[0].bytes_received < 200_000


def test_a_large_region_is_fetched_as_it_is_read(sample, account, container, monkeypatch):
    """Only a few pieces are fetched ahead of the reader, and none when it stops."""
    made = sample("bam bai")
    monkeypatch.setattr(feeding, "batches", partial(batches, piece=65_536))
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        made.store(storage)
        file = open_indexed(storage, made.name)
        proxy.clear()
        records = file.stream()
        next(records)
        records.close()
        assert 1 <= len(proxy.requests) <= 5
        proxy.clear()
        with made.open() as local:
            assert [read.to_string() for read in file.stream()] == [
                read.to_string() for read in local.fetch(until_eof=True)
            ]
        assert len(proxy.requests) > 5


def test_a_file_without_records(tmp_path, alignments, variants):
    """An empty BAM, CRAM or VCF, and a BAM of reads without a place, have regions without records."""
    header, reads = alignments
    storage = LocalStorage(tmp_path)
    unplaced = [read for read in reads if read.reference_id < 0]
    for name, some in (("none.bam", []), ("unplaced.bam", unplaced), ("none.cram", []), ("unplaced.cram", unplaced)):
        with pysam.AlignmentFile(str(tmp_path / name), "wb" if "bam" in name else "wc", header=header) as file:
            for read in some:
                file.write(read)
        pysam.index(str(tmp_path / name))
        found = open_indexed(storage, name)
        assert list(found.stream("chrA")) == []
        assert [read.to_string() for read in found.stream("*")] == [read.to_string() for read in some]
        assert [read.to_string() for read in found.stream()] == [read.to_string() for read in some]
    with pysam.VariantFile(str(tmp_path / "none.vcf.gz"), "wz", header=variants[0]):
        pass
    pysam.tabix_index(str(tmp_path / "none.vcf.gz"), preset="vcf", force=True)
    assert list(stream_records(storage, "none.vcf.gz", "chrA:5-9")) == []
    assert list(stream_records(storage, "none.vcf.gz")) == []
