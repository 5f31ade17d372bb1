"""The formats registry: what files are called, what they begin with, and which index files go with them.

Owns one table, which other packages extend by the entry point group `modos.formats`. Reads no file.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from modos.errors import InvalidInputError
from modos.omics.contents import (
    begins,
    has_bed,
    has_fastq,
    has_gtf,
    has_json,
    has_mzml,
    has_sam,
    has_table,
    is_zarr,
)
from modos.omics.naming import SEALED, is_sealed, plain_name, sealed_name
from modos.omics.regions.layouts import LAYOUTS

if TYPE_CHECKING:
    from modos.omics.enrichment.facts import FactReader
    from modos.omics.tables.questions import TableReader

__all__ = [
    "FORMATS",
    "INDEXES",
    "SEALED_FORMAT",
    "Format",
    "companions_of",
    "format_named",
    "index_names",
    "known_formats",
    "sniff",
]

_OF_FASTA = dict.fromkeys((".fa", ".fasta", ".fna"), (".fai",))
_OF_BGZIPPED = {f"{suffix}.gz": (".fai", ".gzi") for suffix in _OF_FASTA}
_OF_LAYOUTS = {suffix: each.indexes for suffix, each in LAYOUTS.items()}

INDEXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict(sorted({**_OF_LAYOUTS, **_OF_FASTA, **_OF_BGZIPPED}.items()))
)
"""Suffix of a data file to the suffixes of its index files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What is known of a format.

    Attributes
    ----------
    name
        Its name, which is the term of the schema where there is one.
    suffixes
        What names of its files end with, in lower case. Directories have them too.
    begins
        Tells from the first kilobytes, decompressed, whether a file is of this format; of a directory they are those of
        its metadata document. `None` when nothing tells.
    terms
        Terms of the schema's `data_format` that describe such a file as well.
    indexes
        Suffix of a file to those of its index files, the usual one first.
    tables
        What reads its tables, a `modos.omics.TableReader`, or where that is: `"package.module"` or `"package.module:name"`;
        `None` when its files have none.
    facts
        What reads metadata from its headers, a function of storage and name that returns `modos.omics.Facts`, or where that
        is; `None` when nothing does.
    """

    name: str
    suffixes: tuple[str, ...]
    begins: Callable[[bytes], bool] | None = None
    terms: frozenset[str] = frozenset()
    indexes: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    tables: "TableReader | str | None" = None
    facts: "FactReader | str | None" = None


def _format(
    name: str,
    suffixes: str,
    begin: Callable[[bytes], bool],
    terms: Iterable[str] = (),
    *,
    bgzipped: str = "",
    tables: str | None = None,
    facts: str | None = None,
) -> Format:
    ends = tuple(suffixes.split()) + tuple(f"{suffix}.gz" for suffix in bgzipped.split())
    indexes = {suffix: INDEXES[suffix] for suffix in ends if suffix in INDEXES}
    return Format(
        name=name,
        suffixes=ends,
        begins=begin,
        terms=frozenset({name, *terms}),
        indexes=indexes,
        tables=tables and f"modos.omics.{tables}",
        facts=facts and f"modos.omics.enrichment.{facts}",
    )


SEALED_FORMAT = "crypt4gh"
"""Name of the format of encrypted files, whatever is in them."""

_ANNOTATED = {"tables": "tables.annotated", "facts": "matrices:read_matrix"}

FORMATS: tuple[Format, ...] = (
    _format("CRAM", ".cram", begins(b"CRAM"), facts="alignments:read_cram"),
    _format("BAM", ".bam", begins(b"BAM\x01"), facts="alignments:read_bam"),
    _format("BCF", ".bcf", begins(b"BCF\x02"), facts="variants:read_bcf"),
    _format("VCF", ".vcf", begins(b"##fileformat=VCF"), ["gVCF"], bgzipped=".vcf", facts="variants:read_vcf"),
    _format("GFF3", ".gff3 .gff", begins(b"##gff-version"), ["GFF"], bgzipped=".gff .gff3"),
    _format(
        "mzTab",
        ".mztab",
        begins(b"MTD\tmzTab-version", b"COM\tmzTab"),
        bgzipped=".mztab",
        tables="mztab.reading",
        facts="spectrometry:read_mztab",
    ),
    _format("mzML", ".mzml", has_mzml, bgzipped=".mzml"),
    _format(
        "h5ad",
        ".h5ad .h5mu .h5 .hdf5 .loom",
        begins(b"\x89HDF\r\n\x1a\n"),
        ["HDF5", "h5mu", "Loom", "NetCDF"],
        tables="tables.annotated",
        facts="matrices:read_matrix",
    ),
    _format("Parquet", ".parquet", begins(b"PAR1"), tables="tables.parquet"),
    _format("SpatialData", ".zarr", is_zarr("spatialdata_attrs"), ["Zarr"]),
    _format("MuData", ".h5mu.zarr .zarr", is_zarr('"MuData"'), ["Zarr"], **_ANNOTATED),
    _format("AnnData", ".zarr", is_zarr('"anndata"'), ["Zarr"], **_ANNOTATED),
    _format("OME-Zarr", ".ome.zarr .zarr", is_zarr("multiscales", '"ome"'), ["Zarr"]),
    _format("Zarr", ".zarr", is_zarr()),
    _format("SAM", ".sam", has_sam, bgzipped=".sam", facts="alignments:read_sam"),
    _format("FASTQ", ".fastq .fq", has_fastq, bgzipped=".fastq .fq"),
    _format("FASTA", ".fa .fasta .fna .faa", begins(b">"), bgzipped=".fa .fasta .fna .faa"),
    _format("GTF", ".gtf", has_gtf, bgzipped=".gtf"),
    _format("BED", ".bed", has_bed, ["BedGraph"], bgzipped=".bed"),
    _format("JSON", ".json .jsonl .ndjson", has_json, bgzipped=".json .jsonl .ndjson", tables="tables.documents"),
    _format("TSV", ".tsv .tab", has_table(b"\t"), bgzipped=".tsv", tables="tables.delimited:TSV"),
    _format("CSV", ".csv", has_table(b","), bgzipped=".csv", tables="tables.delimited:CSV"),
    _format(SEALED_FORMAT, SEALED, begins(b"crypt4gh")),
)
"""Those that come along, the more telling beginnings first."""


@cache
def known_formats() -> tuple[Format, ...]:
    """Return all formats: those of other packages, found by the entry point group `modos.formats`, come first.

    Raises
    ------
    InvalidInputError
        When another package brings a format whose name is taken, or something else than a `Format`.
    """
    from importlib.metadata import entry_points

    return registered(each.load() for each in entry_points(group="modos.formats"))


def registered(others: Iterable[object]) -> tuple[Format, ...]:
    """Return the formats that come along, behind others.

    Raises
    ------
    InvalidInputError
        When one is none, or its name is taken.
    """
    names = [each.name for each in FORMATS]
    added = []
    for each in others:
        if not isinstance(each, Format):
            message = f"the entry point group modos.formats holds {each!r}, which is no modos.omics.Format"
            raise InvalidInputError(message)
        if each.name in names:
            message = f"there is a format {each.name!r} already; known are {', '.join(names)}"
            raise InvalidInputError(message)
        names.append(each.name)
        added.append(each)
    return (*added, *FORMATS)


def format_named(name: str) -> Format | None:
    """Return the format that a file's name says, `None` when it says none; of an encrypted file that of its content.

    Examples
    --------
    >>> format_named("calls/x.vcf.gz").name
    'VCF'
    """
    lowered = plain_name(name.rstrip("/")).lower()
    fitting = ((len(suffix), each) for each in known_formats() for suffix in each.suffixes if lowered.endswith(suffix))
    return max(fitting, key=lambda pair: pair[0], default=(0, None))[1]


def sniff(head: bytes) -> Format | None:
    r"""Return the format of a file by its beginning, decompressed; `None` when it is that of none.

    Examples
    --------
    >>> sniff(b"##fileformat=VCFv4.3").name
    'VCF'
    >>> sniff(b"\x00\x01") is None
    True
    """
    return next((each for each in known_formats() if each.begins is not None and each.begins(head)), None)


def index_names(name: str) -> tuple[str, ...]:
    """Return the names that index files of a data file may have beside it in an object.

    Examples
    --------
    >>> index_names("reads/demo1.bam")
    ('reads/demo1.bam.bai', 'reads/demo1.bam.csi')
    >>> index_names("reads.fastq.gz")
    ()
    >>> index_names("demo1.cram.c4gh")
    ('demo1.cram.crai.c4gh',)
    """
    if is_sealed(name):
        return tuple(map(sealed_name, index_names(plain_name(name))))
    return tuple(name + suffix for suffix in _indexes(name)[1])


def companions_of(source: str, target: str, exists: Callable[[str], bool]) -> dict[str, str]:
    """Return the index files that travel with a data file.

    Parameters
    ----------
    source
        Name of the data file where it comes from. Its index is `demo1.bam.bai` or, as Picard names it, `demo1.bai`.
    target
        Name of the data file in the object; index files are named after it with their suffix appended. Those that its
        format does not have stay behind.
    exists
        Tells whether there is a file of this name where the data file comes from.

    Returns
    -------
    dict
        Name of each index file where it comes from, to its name in the object.

    Examples
    --------
    >>> companions_of("run7.bam", "reads/demo1.bam", {"run7.bai"}.__contains__)
    {'run7.bai': 'reads/demo1.bam.bai'}
    """
    if is_sealed(source) and is_sealed(target):
        sealed = companions_of(plain_name(source), plain_name(target), lambda name: exists(sealed_name(name)))
        return {sealed_name(each): sealed_name(stored) for each, stored in sealed.items()}
    found = {}
    data_suffix, suffixes = _indexes(source)
    stem = source[: len(source) - len(data_suffix)]
    for suffix in (suffix for suffix in suffixes if suffix in _indexes(target)[1]):
        for candidate in (source + suffix, stem + suffix):
            if exists(candidate):
                found[candidate] = target + suffix
                break
    return found


def _indexes(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the suffix of a data file, and those of its index files."""
    lowered = name.lower()
    tables = (each.indexes for each in known_formats() if each.indexes)
    return next(
        ((suffix, indexes) for table in tables for suffix, indexes in table.items() if lowered.endswith(suffix)),
        ("", ()),
    )
