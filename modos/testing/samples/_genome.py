"""A simulated genome, the variants that donors carry in it, and the reads a sequencer would make of them.

Owns the simulation, as pure functions of a random stream. Knows no file, no file format and no pysam.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Literal

type Genome = Mapping[str, str]
type Column = tuple[str, int | None]
"""One base of a haplotype and its position in the reference, `None` where the base is inserted."""
type Step = Literal["M", "I", "D", "S"]

LENGTHS = {"chr21": 5_000, "chr22": 5_000}
COVERAGE = 12
READ_LENGTH = 100
FRAGMENT_LENGTH = (320, 40)  # mean and standard deviation
SNVS, SPACING = 9, 400
QUALITIES, QUALITY_WEIGHTS = (37, 23, 12), (92, 6, 2)  # the bins of recent Illumina instruments


@dataclass(frozen=True, slots=True)
class Variant:
    """A difference from the reference, left-aligned, with the alleles of every donor.

    Parameters
    ----------
    contig, position
        Where it starts; 0-based.
    ref, alt
        The two alleles; they share their first base where the lengths differ.
    genotypes
        The two phased alleles of each donor: 0 is `ref`, 1 is `alt`.
    """

    contig: str
    position: int
    ref: str
    alt: str
    genotypes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """One aligned read of a pair, in the orientation of the reference.

    Parameters
    ----------
    start, end
        The stretch of the reference it covers; 0-based, half-open.
    edits
        Mismatches, inserted and deleted bases: the `NM` tag of SAM.
    """

    name: str
    flag: int
    contig: str
    start: int
    end: int
    cigar: str
    bases: str
    qualities: tuple[int, ...]
    edits: int
    mate_start: int
    template_length: int


def simulate_genome(rng: Random) -> dict[str, str]:
    """Return contigs of random bases with the GC content of a human chromosome, about 41 %."""
    return {
        name: "".join(rng.choices("ACGT", weights=(295, 205, 205, 295), k=length)) for name, length in LENGTHS.items()
    }


def simulate_variants(rng: Random, genome: Genome, *, donors: int) -> list[Variant]:
    """Return, sorted, single-nucleotide variants, one deletion and one insertion per contig.

    Every variant is carried by a donor, and neighbours are further apart than a read is long.
    """
    variants = []
    for contig, sequence in genome.items():
        places = [place + rng.randrange(SPACING // 2) for place in range(SPACING, SPACING * (SNVS + 3), SPACING)]
        deletion, insertion = rng.sample(range(len(places)), k=2)
        for index, place in enumerate(places):
            position = _next_unrepeated(sequence, place)
            base = sequence[position]
            ref, alt = base, _substitute(rng, base)
            if index == deletion:
                ref, alt = sequence[position : position + 4], base
            elif index == insertion:
                alt = base + "".join(rng.choices("ACGT", k=2)) + _substitute(rng, base)
            variants.append(Variant(contig, position, ref, alt, _genotypes(rng, donors)))
    return variants


def simulate_reads(rng: Random, genome: Genome, variants: Sequence[Variant], *, donor: int, prefix: str) -> list[Read]:
    """Return the read pairs of one donor, sorted by coordinate, at a mean depth of `COVERAGE`.

    Parameters
    ----------
    donor
        Index of the donor in the genotypes.
    prefix
        What the read names start with, as the instrument and run do in real data.
    """
    reads: list[Read] = []
    for contig, sequence in genome.items():
        carried = [variant for variant in variants if variant.contig == contig]
        haplotypes = [
            _haplotype(sequence, [variant for variant in carried if variant.genotypes[donor][copy]]) for copy in (0, 1)
        ]
        pairs = (
            _read_pair(rng, f"{prefix}:{contig}:{number:04d}", contig, sequence, rng.choice(haplotypes))
            for number in range(1, len(sequence) * COVERAGE // (2 * READ_LENGTH) + 1)
        )
        reads += sorted((read for pair in pairs for read in pair), key=lambda read: read.start)
    return reads


def _next_unrepeated(sequence: str, position: int) -> int:
    """Return the first position from here on where deleting the next three bases is a left-aligned variant."""
    while sequence[position] == sequence[position + 3]:
        position += 1
    return position


def _substitute(rng: Random, base: str) -> str:
    """Return another base; transitions are twice as likely as both transversions together."""
    transition = {"A": "G", "G": "A", "C": "T", "T": "C"}[base]
    transversions = "CT" if base in "AG" else "AG"
    return rng.choices(transition + transversions, weights=(4, 1, 1))[0]


def _genotypes(rng: Random, donors: int) -> tuple[tuple[int, int], ...]:
    frequency = rng.uniform(0.2, 0.6)
    drawn = [(int(rng.random() < frequency), int(rng.random() < frequency)) for _ in range(donors)]
    if not any(map(any, drawn)):
        drawn[rng.randrange(donors)] = (0, 1)
    return tuple(drawn)


def _haplotype(sequence: str, variants: Sequence[Variant]) -> list[Column]:
    columns: list[Column] = []
    reached = 0
    for variant in variants:
        columns += zip(sequence[reached : variant.position], range(reached, variant.position), strict=True)
        columns += [
            (base, variant.position + offset if offset < len(variant.ref) else None)
            for offset, base in enumerate(variant.alt)
        ]
        reached = variant.position + len(variant.ref)
    columns += zip(sequence[reached:], range(reached, len(sequence)), strict=True)
    return columns


def _read_pair(rng: Random, name: str, contig: str, sequence: str, haplotype: Sequence[Column]) -> tuple[Read, Read]:
    length = max(READ_LENGTH, round(rng.gauss(*FRAGMENT_LENGTH)))
    first = rng.randrange(len(haplotype) - length + 1)
    fragment = haplotype[first : first + length]
    left, right = fragment[:READ_LENGTH], fragment[-READ_LENGTH:]
    left_start, left_end = _span(left)
    right_start, right_end = _span(right)
    template = right_end - left_start
    left_flag, right_flag = rng.choice(((99, 147), (163, 83)))  # which mate was sequenced first

    def read(columns: Sequence[Column], flag: int, span: tuple[int, int], mate: int, length: int) -> Read:
        qualities = tuple(rng.choices(QUALITIES, QUALITY_WEIGHTS, k=len(columns)))
        bases = "".join(_call(rng, base, quality) for (base, _), quality in zip(columns, qualities, strict=True))
        steps = list(_steps(columns))
        cigar = "".join(f"{len(list(run))}{step}" for step, run in groupby(steps))
        edits = steps.count("I") + steps.count("D")
        edits += sum(
            base != sequence[position]
            for base, (_, position) in zip(bases, columns, strict=True)
            if position is not None
        )
        return Read(name, flag, contig, *span, cigar, bases, qualities, edits, mate, length)

    return (
        read(left, left_flag, (left_start, left_end), right_start, template),
        read(right, right_flag, (right_start, right_end), left_start, -template),
    )


def _span(columns: Sequence[Column]) -> tuple[int, int]:
    covered = [position for _, position in columns if position is not None]
    return covered[0], covered[-1] + 1


def _call(rng: Random, base: str, quality: int) -> str:
    """Return the base as sequenced: wrong as often as its Phred quality says."""
    return _substitute(rng, base) if rng.random() < 10 ** (-quality / 10) else base


def _steps(columns: Sequence[Column]) -> Iterator[Step]:
    """Yield the CIGAR one base at a time; inserted bases at either end of the read are soft-clipped."""
    start, end = _span(columns)
    reached = start
    for _base, position in columns:
        if position is None:
            yield "I" if start < reached < end else "S"
            continue
        for _ in range(reached, position):
            yield "D"
        yield "M"
        reached = position + 1
