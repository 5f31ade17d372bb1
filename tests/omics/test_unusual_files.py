"""Regions of files that are right and seldom met: contigs in another order, or none, positions at either end, END and SVLEN."""

import random
import struct
from contextlib import ExitStack

import pysam
import pytest

from modos import MODO
from modos.cli import main
from modos.errors import IntegrityError, InvalidInputError
from modos.omics import Region, make_index, open_indexed
from modos.omics.regions import reading
from modos.omics.writing import write_records
from modos.storage import LocalStorage

CONTIGS = {"chr1": 90_000, "chr2": 50_000, "HLA-A*01:01": 4_000, "HLA-A*01:01:01": 3_000}
BACKWARDS = [3, 1, 0, 2]
"""Numbers of the contigs, in the order of a file that is not sorted as its header."""

VARIANTS = """\
{contig}\t{one}\t.\tA\tC\t9\tPASS\tEND={one}\tGT\t0/1
{contig}\t{two}\t.\tA\t<DEL>\t9\tPASS\tSVLEN=-50\tGT\t0/1
{contig}\t{three}\t.\tA\t<*>\t9\tPASS\t.\tGT:LEN\t0/0:70
"""
HEADER = """\
##fileformat=VCFv4.5
{contigs}##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##INFO=<ID=SVLEN,Number=A,Type=Integer,Description="Length">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=LEN,Number=1,Type=Integer,Description="Length">
##ALT=<ID=DEL,Description="Deletion">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tdonor
"""


def write_alignments(path, order, mode="wb", *, contigs=CONTIGS, unplaced=5, version="3.0"):
    """Write reads of 20 bases on contigs in an order, and their index."""
    lines = {"HD": {"VN": "1.6"}, "SQ": [{"SN": name, "LN": length} for name, length in contigs.items()]}
    header = pysam.AlignmentHeader.from_dict(lines)
    lengths = list(contigs.values())
    places = [(contig, start) for contig in order for start in range(0, lengths[contig] - 30, 90)]
    options = [b"no_ref=1", f"version={version}".encode()] if mode == "wc" else None
    with pysam.AlignmentFile(str(path), mode, header=header, format_options=options) as file:
        for number, (contig, start) in enumerate([*places, *[(-1, -1)] * unplaced]):
            read = pysam.AlignedSegment(header)
            read.query_name, read.query_sequence = f"r{number}", "ACGTACGTACGTACGTACGT"
            read.flag = 4 if contig < 0 else 0
            read.reference_id, read.reference_start = contig, start
            read.cigarstring = None if contig < 0 else "20M"
            file.write(read)


def write_variants(path, order, *, said=CONTIGS):
    """Write three variants on each of some contigs in an order, and their index; the header names those that are said."""
    names = list(CONTIGS)
    text = HEADER.format(
        contigs="".join(f'##contig=<length={CONTIGS[name]},ID={name},note="a,ID=b">\n' for name in said)
    )
    text += "".join(VARIANTS.format(contig=names[each], one=100, two=200, three=2000 + each) for each in order)
    plain = path.with_name("plain.vcf")
    plain.write_text(text)
    if path.suffix == ".bcf":
        with (
            pysam.VariantFile(str(plain)) as source,
            pysam.VariantFile(str(path), "wb", header=source.header) as target,
        ):
            for record in source:
                target.write(record)
        pysam.tabix_index(str(path), preset="bcf", force=True)
    else:
        pysam.tabix_compress(str(plain), str(path), force=True)
        pysam.tabix_index(str(path), preset="vcf", force=True)


def texts(records):
    """Return records as they can be compared."""
    return [str(record) if isinstance(record, pysam.VariantRecord) else record.to_string() for record in records]


@pytest.mark.parametrize("name", ["x.bam", "x.bam.csi", "x.cram", "x.bcf", "x.vcf.gz"])
def test_contigs_may_have_another_order_than_in_the_header(name, tmp_path):
    """The header ends where the records begin, whichever contig is the first: each record comes once, and all come."""
    path = tmp_path / name.removesuffix(".csi")
    if "vcf" in name or "bcf" in name:
        write_variants(path, BACKWARDS)
        opened = pysam.VariantFile(str(path))
    else:
        write_alignments(path, BACKWARDS, "wc" if path.suffix == ".cram" else "wb")
        pysam.index(*(["-c"] if name.endswith(".csi") else []), str(path))
        opened = pysam.AlignmentFile(str(path))
    file = open_indexed(LocalStorage(tmp_path), path.name)
    with opened as local:
        everything = texts(local if "cf" in name else local.fetch(until_eof=True))
        assert texts(file.stream()) == everything != []
        for contig, length in CONTIGS.items():
            for start, end in ((0, length), (99, 100), (1990, 2010)):
                expected = texts(local.fetch(contig, start, end))
                assert texts(file.stream(Region(contig, start, end))) == expected != []


def test_an_index_need_not_say_where_each_contig_begins(tmp_path):
    """Some programs leave out the bin that is none, with extents and counts; the first record is found all the same."""
    write_alignments(tmp_path / "x.bam", BACKWARDS)
    pysam.index(str(tmp_path / "x.bam"))
    index = tmp_path / "x.bam.bai"
    index.write_bytes(without_extents(index.read_bytes()))
    file = open_indexed(LocalStorage(tmp_path), "x.bam")
    with pysam.AlignmentFile(str(tmp_path / "x.bam")) as local:
        for contig in CONTIGS:
            assert texts(file.stream(Region(contig))) == texts(local.fetch(contig)) != []
        everything = texts(local.fetch(until_eof=True))
    assert texts(file.stream("*")) == everything[-5:]  # of which pysam finds none then


def without_extents(bai):
    """Return a BAI without its pseudo-bins, and without the number of reads that have no place."""
    kept, position = bytearray(bai[:8]), 8
    for _ in range(struct.unpack_from("<i", bai, 4)[0]):
        bins, position = struct.unpack_from("<i", bai, position)[0], position + 4
        found = {}
        for _ in range(bins):
            number, chunks = struct.unpack_from("<Ii", bai, position)
            found[number] = bai[position : position + 8 + 16 * chunks]
            position += 8 + 16 * chunks
        found.pop(37450, None)
        end = position + 4 + 8 * struct.unpack_from("<i", bai, position)[0]
        kept += struct.pack("<i", len(found)) + b"".join(found.values()) + bai[position:end]
        position = end
    return bytes(kept)


@pytest.mark.parametrize("contigs", [1, 5, 300])
def test_a_header_of_cram_2_may_end_behind_its_container(contigs, tmp_path):
    """CRAM 2.1 is read whatever the length of its header, which htslib states too short where its padding needs longer numbers."""
    path = tmp_path / "x.cram"
    write_alignments(path, [0], "wc", contigs={f"c{number}": 1_000 for number in range(contigs)}, version="2.1")
    pysam.index(str(path))
    with pysam.AlignmentFile(str(path)) as file:
        expected = texts(file.fetch("c0", 100, 300))
    assert texts(open_indexed(LocalStorage(tmp_path), "x.cram").stream(Region("c0", 100, 300))) == expected != []


@pytest.mark.parametrize("name", ["x.bam", "x.cram"])
def test_reads_without_a_place_need_no_contigs(name, tmp_path):
    """As they come from the machine; pysam's own iteration refuses a CRAM whose header has no contig."""
    write_alignments(tmp_path / name, [], "wc" if "cram" in name else "wb", contigs={})
    storage = LocalStorage(tmp_path)
    make_index(storage, name)
    file = open_indexed(storage, name)
    for region in (None, "*"):
        assert [read.query_name for read in file.stream(region)] == [f"r{number}" for number in range(5)]
    assert write_records(file, file.stream(), tmp_path / "y.bam") == 5


@pytest.mark.timeout(60)
def test_a_header_that_does_not_end_is_not_looked_for_without_end(tmp_path, monkeypatch):
    """Where no read has a place, its end is looked for in the beginning of the file, as far as a header may go."""
    chance = random.Random(5)
    contigs = {"".join(chance.choices("ABCDEFGHIJKLMNOP", k=30)): 900 for _ in range(8000)}
    write_alignments(tmp_path / "x.bam", [], contigs=contigs)
    pysam.index(str(tmp_path / "x.bam"))
    monkeypatch.setattr(reading, "_LONGEST_HEAD", 1 << 16)
    assert (tmp_path / "x.bam").stat().st_size > reading._LONGEST_HEAD
    file = open_indexed(LocalStorage(tmp_path), "x.bam")
    assert [read.query_name for read in file.stream()] == [f"r{number}" for number in range(5)]


@pytest.mark.parametrize("target", ["y.vcf", "y.vcf.gz", "y.bcf"])
@pytest.mark.parametrize("source", ["x.vcf.gz", "x.bcf"])
def test_variants_are_written_as_they_are(source, target, tmp_path, capfd):
    """No `END` comes to a symbolic allele, and none goes; contigs that only the index names are in the header."""
    if source == "x.bcf":  # by modos too: of pysam's own it would have other variants
        write_variants(tmp_path / "first.vcf.gz", [0, 1, 2, 3])
        made = open_indexed(LocalStorage(tmp_path), "first.vcf.gz")
        write_records(made, made.stream(), tmp_path / source)
        pysam.tabix_index(str(tmp_path / source), preset="bcf", force=True)
    else:
        write_variants(tmp_path / source, [0, 1, 2, 3], said=["chr2"])
    plain = (tmp_path / "plain.vcf").read_text()
    file = open_indexed(LocalStorage(tmp_path), source)
    assert write_records(file, file.stream(), tmp_path / target) == 12
    assert capfd.readouterr().err == ""
    with pysam.VariantFile(str(tmp_path / target)) as written:
        assert set(written.header.contigs) == set(CONTIGS)
        lines = [str(record) for record in written]
    assert lines == [line for line in plain.splitlines(keepends=True) if line[0] != "#"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_the_header_does_not_define_is_written_as_text_only(tmp_path):
    """VCF may have such tags, BCF none; nothing is left of it."""
    header = HEADER.format(contigs="##contig=<ID=chr1,length=900>\n")
    (tmp_path / "plain.vcf").write_text(f"{header}chr1\t5\t.\tA\tC\t.\tq10\tXX=5\tGT\t0/1\n")
    pysam.tabix_compress(str(tmp_path / "plain.vcf"), str(tmp_path / "x.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "x.vcf.gz"), preset="vcf")
    file = open_indexed(LocalStorage(tmp_path), "x.vcf.gz")
    before = {*tmp_path.iterdir()}
    with pytest.raises(InvalidInputError, match=r"only what their header defines; write them as \.vcf\.gz .* to it\)"):
        write_records(file, file.stream(), tmp_path / "y.bcf")
    assert {*tmp_path.iterdir()} == before
    assert write_records(file, file.stream(), tmp_path / "y.vcf.gz") == 1


def test_the_first_and_the_last_position_of_a_contig(tmp_path):
    """What is before the first base, at position 0, comes with it, as tabix has it; what is behind the last with the rest."""
    plain = HEADER.format(contigs="##contig=<ID=chr1,length=900>\n") + "".join(
        f"chr1\t{position}\t.\tN\tC\t.\t.\t.\tGT\t0/1\n" for position in (0, 1, 900, 901)
    )
    (tmp_path / "plain.vcf").write_text(plain)
    pysam.tabix_compress(str(tmp_path / "plain.vcf"), str(tmp_path / "x.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "x.vcf.gz"), preset="vcf")
    file = open_indexed(LocalStorage(tmp_path), "x.vcf.gz")
    with pysam.VariantFile(str(tmp_path / "x.vcf.gz")) as local:
        for region, positions in (
            (Region("chr1"), [0, 1, 900, 901]),
            (Region("chr1", 0, 1), [0, 1]),
            (Region("chr1", 1, 900), [900]),
            (Region("chr1", 900), [901]),
        ):
            assert [record.pos for record in local.fetch(region.contig, region.start, region.end)] == positions
            assert [record.pos for record in file.stream(region)] == positions


def test_lines_are_written_plain_or_compressed_as_the_name_says(tmp_path):
    """What ends in .gz is compressed by bgzip, so that it can be indexed; names of other formats are refused."""
    rows = [f"chr1\t{start}\t{start + 5}\tgène{start}" for start in range(0, 9000, 10)]
    (tmp_path / "plain").write_text("\n".join(rows) + "\n")
    pysam.tabix_compress(str(tmp_path / "plain"), str(tmp_path / "x.bed.gz"))
    storage = LocalStorage(tmp_path)
    make_index(storage, "x.bed.gz")
    file = open_indexed(storage, "x.bed.gz")
    assert write_records(file, file.stream("chr1:1-100"), tmp_path / "y.bed") == 10
    assert (tmp_path / "y.bed").read_text().splitlines() == rows[:10]
    assert write_records(file, file.stream(), tmp_path / "y.bed.gz") == 900
    make_index(storage, "y.bed.gz")
    assert [str(line) for line in open_indexed(storage, "y.bed.gz").stream("chr1:11-25")] == rows[1:3]
    with pytest.raises(
        InvalidInputError, match=r"'y\.bam' cannot hold them: records of bed are written to \.gz, \.bed"
    ):
        write_records(file, file.stream(), "y.bam")


def test_an_index_of_slices_of_unknown_contigs_is_refused(tmp_path):
    """Reads of several contigs have a line for each of them; one that says none would hide its reads."""
    write_alignments(tmp_path / "x.cram", [0], "wc")
    pysam.index(str(tmp_path / "x.cram"))
    (_, *rest), *lines = (line.split("\t") for line in _crai(tmp_path))
    changed = "\n".join("\t".join(line) for line in (["-2", *rest], *lines))
    (tmp_path / "x.cram.crai").write_text(f"{changed}\n")
    with pytest.raises(IntegrityError, match=r"x\.cram\.crai.*does not say of which contigs"):
        open_indexed(LocalStorage(tmp_path), "x.cram")


def _crai(folder):
    with pysam.BGZFile(str(folder / "x.cram.crai")) as file:
        return [line.decode() for line in file]


@pytest.mark.parametrize("name", ["x.bam", "x.vcf.gz"])
def test_a_contig_that_is_too_long_for_the_usual_index_gets_a_csi(name, tmp_path, capfd):
    """Positions behind 512 Mbp are in no BAI or TBI; what cannot be indexed at all is told in one line."""
    far = 600_000_000
    if name == "x.bam":
        header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "chr1", "LN": 700_000_000}]})
        with pysam.AlignmentFile(str(tmp_path / name), "wb", header=header) as file:
            for start in (5, far):
                read = pysam.AlignedSegment.from_dict(
                    {"name": "r", "flag": "0", "ref_name": "chr1", "ref_pos": str(start), "map_quality": "9"}
                    | {
                        "cigar": "4M",
                        "next_ref_name": "*",
                        "next_ref_pos": "0",
                        "length": "0",
                        "seq": "ACGT",
                        "qual": "*",
                    },
                    header,
                )
                file.write(read)
    else:
        rows = "".join(f"chr1\t{start}\t.\tA\tC\t.\t.\t.\tGT\t0/1\n" for start in (5, far))
        (tmp_path / "plain.vcf").write_text(HEADER.format(contigs="##contig=<ID=chr1,length=700000000>\n") + rows)
        pysam.tabix_compress(str(tmp_path / "plain.vcf"), str(tmp_path / name))
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "DataEntity", "id": "far", "data_format": name[2:5].upper()}, tmp_path / name)
    capfd.readouterr()
    assert main(["index", str(tmp_path / "ex"), name]) == 0
    assert capfd.readouterr() == (f"{name}.csi\n", "")
    assert len(list(modo.stream_genomics("far", f"chr1:{far}-{far}"))) == 1
    assert len(list(modo.stream_genomics("far", f"chr1:{far + 10}-"))) == 0


def test_a_sequence_has_lines_of_one_length(tmp_path, capsys):
    """Whatever stands in it: a gap is no place to break a line."""
    bases = "ACGT-ACG" * 20
    (tmp_path / "x.fa").write_text(f">aligned\n{bases}\n")
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "DataEntity", "id": "x", "data_format": "FASTA"}, tmp_path / "x.fa")
    modo.index_file("x")
    assert main(["fetch-sequence", str(tmp_path / "ex"), "x", "aligned"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert (title, "".join(lines), [len(line) for line in lines]) == (">aligned", bases, [60, 60, 40])


def test_text_that_is_not_in_utf_8_is_told_where_it_is(tmp_path, capfd):
    """Formats want UTF-8: what is made text of a header or record in another encoding names the file; lines are taken as Latin-1."""
    header = HEADER.format(contigs="##contig=<ID=chr1,length=900>\n").replace("Deletion", "Lücke")
    (tmp_path / "plain.vcf").write_bytes(f"{header}chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n".encode("latin-1"))
    (tmp_path / "plain.bed").write_bytes("chr1\t5\t9\tLücke\n".encode("latin-1"))
    modo = MODO.create(tmp_path / "ex", id="ex")
    for name, kind in (("x.vcf.gz", "VCF"), ("x.bed.gz", "BED")):
        pysam.tabix_compress(str(tmp_path / f"plain.{kind.lower()}"), str(tmp_path / name))
        make_index(LocalStorage(tmp_path), name)
        modo.add_element({"@type": "DataEntity", "id": kind, "data_format": kind}, tmp_path / name)
    assert main(["stream", str(tmp_path / "ex"), "x.vcf.gz"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "x.vcf.gz: has text that is not in UTF-8: b'" in line
    assert "L\\xfccke" in line
    assert [record.pos for record in modo.stream_genomics("VCF")] == [5]
    assert main(["stream", str(tmp_path / "ex"), "x.bed.gz"]) == 0
    assert capfd.readouterr().out == "chr1\t5\t9\tLücke\n"


def test_what_htslib_thinks_of_a_header_is_not_told(tmp_path, capfd):
    """A file that can be read is no reason for a line on standard error, when it is added or checked."""
    odd = '##INFO=<ID=MQ,Number=1,Type=Integer,Description="Of another type than in the specification">\n'
    (tmp_path / "plain.vcf").write_text(
        f"##fileformat=VCFv4.3\n{odd}##contig=<ID=chr1,length=900>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    pysam.tabix_compress(str(tmp_path / "plain.vcf"), str(tmp_path / "x.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "x.vcf.gz"), preset="vcf")
    MODO.create(tmp_path / "ex", id="ex")
    before = pysam.get_verbosity()
    capfd.readouterr()
    element = '{"@type": "DataEntity", "id": "x", "data_format": "VCF"}'
    assert main(["add", str(tmp_path / "ex"), "-e", element, "-s", str(tmp_path / "x.vcf.gz")]) == 0
    assert capfd.readouterr() == ("data/x\n", "")
    assert pysam.get_verbosity() == before


def test_threads_do_not_leave_htslib_silent():
    """Whoever comes while another is there, and stays longer, leaves it as loud as the first found it."""
    before = pysam.set_verbosity(2)
    with ExitStack() as second:
        with ExitStack() as first:
            first.enter_context(reading.quietly())
            second.enter_context(reading.quietly())
        assert pysam.get_verbosity() == 0
    assert pysam.set_verbosity(before) == 2
