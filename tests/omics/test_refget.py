"""FASTA files read once on their way in: digests, index files and blocks are those that others make of the whole file."""

import gzip
import random

import pysam
import pytest

from modos.errors import InvalidInputError
from modos.omics.refget import FastaIntake

VECTORS = {  # of the refget specification, and of its reference implementations
    b"ACGT": ("f1f8f4bf413b16ad135722aa4591043e", "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"),
    b"": ("d41d8cd98f00b204e9800998ecf8427e", "SQ.z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc"),
}


def intake(body: bytes, *sizes: int, **options) -> tuple[bytes, FastaIntake]:
    """Read a file in pieces of these sizes, again and again; return what is to be stored, and what is known."""
    pieces, at, turn = [], 0, 0
    while at < len(body):
        size = (sizes or (len(body),))[turn % max(len(sizes), 1)]
        pieces.append(body[at : at + size])
        at, turn = at + size, turn + 1
    taken = FastaIntake(pieces, "x.fa", **options)
    return b"".join(taken), taken


@pytest.mark.parametrize("bases", VECTORS, ids=["ACGT", "nothing"])
@pytest.mark.parametrize("write", [bytes, bytes.lower, lambda bases: b" ".join([bases[:2], bases[2:]])])
def test_digests_are_those_of_the_specification(bases, write):
    """Of the bases in upper case, whatever white space is between them."""
    _, taken = intake(b">a\n" + write(bases) + b"\n", index=False)
    assert [(each.md5, each.digest) for each in taken.sequences] == [VECTORS[bases]]
    assert taken.sequences[0].uri == f"ga4gh:{VECTORS[bases][1]}"


def fasta(chance: random.Random) -> bytes:
    """Sequences of awkward lengths, in lines of awkward lengths, with either kind of line breaks, or none at the end."""
    end = chance.choice(["\n", "\n", "\r\n"])
    lengths = [*chance.choices([0, 1, 59, 60, 61, 120, 7000], k=chance.randrange(6)), chance.choice([1, 60, 120])]
    text = ""
    for number, length in enumerate(lengths):
        width = chance.choice([60, 61, 100_000])
        bases = "".join(chance.choices("ACGTNacgtn*-", k=length))
        lines = (bases[start : start + width] + end for start in range(0, length, width))
        text += f">s{number} number {number}{end}{''.join(lines)}"
    return (text if chance.random() < 0.7 else text.rstrip()).encode()


def test_indexes_are_those_of_samtools(tmp_path):
    """However the file is cut in pieces, and whether it comes plain, bgzipped or gzipped."""
    chance = random.Random("fasta")
    for number in range(40):
        body = fasta(chance)
        plain, packed = tmp_path / f"{number}.fa", tmp_path / f"{number}.fa.gz"
        sizes = chance.choices([1, 2, 7, 60, 61, 1000, 100_000], k=5)
        stored, taken = intake(body, *sizes)
        assert stored == body
        plain.write_bytes(body)
        pysam.faidx(str(plain))
        assert taken.indexes == {".fai": tmp_path.joinpath(f"{number}.fa.fai").read_bytes()}
        blocks, packing = intake(body, *sizes, bgzip=True)
        assert gzip.decompress(blocks) == body
        packed.write_bytes(blocks)
        pysam.faidx(str(packed))
        of_samtools = {suffix: tmp_path.joinpath(f"{number}.fa.gz{suffix}").read_bytes() for suffix in (".fai", ".gzi")}
        assert packing.indexes == of_samtools
        again, opening = intake(blocks, *sizes, bgzip=True)
        assert (again, opening.indexes) == (blocks, of_samtools)
        members = gzip.compress(body[:50]) + gzip.compress(body[50:]) + bytes(7)
        from_gzip, reading = intake(members, *sizes, bgzip=True)
        assert (gzip.decompress(from_gzip), reading.indexes) == (body, of_samtools)
        assert taken.sequences == packing.sequences == opening.sequences == reading.sequences
        as_it_is, _ = intake(members, *sizes, index=False)
        assert as_it_is == members


GZIP = gzip.compress(b">a\nAC\n", mtime=0)
BLOCKS = intake(b">a\n" + b"ACGT\n" * 40_000, bgzip=True)[0]


@pytest.mark.parametrize(
    ("body", "options", "reason"),
    [
        (b"", {}, "holds no sequence"),
        (b"\n\n", {}, "holds no sequence"),
        (b">a\rACGT\r>b\rAC\r", {}, "lines end with LF, or CR LF"),
        (b"ACGT\n", {}, "is no FASTA"),
        (b"BAM\x01" + bytes(100), {}, "is no FASTA"),
        (b">\nACGT\n", {}, "without a name"),
        (b"> a\nACGT\n", {}, "without a name"),
        (b">\xff\nACGT\n", {}, "UTF-8"),
        (b">a\nAC\n>b\nAC\n>a\nGT\n", {}, "two sequences of the name 'a'"),
        (b">a\nACGT\nAC\nACGT\n", {}, "no index: the lines of 'a'"),
        (b">a\nAC\nACGT\n", {}, "no index"),
        (b">a\nACGT\n\nACGT\n", {}, "no index"),
        (b">a\nAC T\nACGT\n", {}, "no index"),
        (b">a\nACGT\r\nACGT\nA", {}, "no index"),
        (b">" + b"a" * 3_000_000, {}, "a name that never ends"),
        (GZIP, {}, "bgzip=True"),
        (GZIP[:-9], {"bgzip": True}, "cut off"),
        (GZIP[:-8] + b"\xff" + GZIP[-7:], {"index": False}, "damaged"),
        (BLOCKS[:-28], {}, "cut off"),
        (BLOCKS[:-40], {}, "cut off"),
        (BLOCKS[:40] + b"\x77\x77\x77" + BLOCKS[43:], {}, "damaged"),
    ],
    ids=map(str, range(20)),
)
def test_what_cannot_be_taken_is_refused(body, options, reason):
    """The error names the file, and what is wrong with it."""
    with pytest.raises(InvalidInputError, match=reason) as caught:
        intake(body, 3 if len(body) < 1000 else 100_000, **options)
    assert str(caught.value).startswith("x.fa ")


def test_lines_of_any_length_are_taken_without_an_index():
    """Then only the digests count."""
    _, taken = intake(b">a\nAC\n\nG T\n", index=False)
    assert taken.indexes == {}
    assert (taken.sequences[0].length, taken.sequences[0].md5) == (4, VECTORS[b"ACGT"][0])


def test_little_of_a_large_file_is_held():
    """What is stored comes out while more goes in."""
    fed = []
    pieces = [b">a\n", *[b"ACGT" * 100_000 + b"\n"] * 50]
    taken = FastaIntake((fed.append(piece) or piece for piece in pieces), "x.fa", bgzip=True, index=False)
    blocks = iter(taken)
    assert len(next(blocks)) <= 1 << 16
    assert len(fed) < len(pieces)
    assert sum(map(len, blocks)) < 1_000_000
