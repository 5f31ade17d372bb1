"""What a file is: the formats of omics data, the files that go with them, and how parts of them are read.

Owns the formats registry, index files, regions and sequences. Must not know the digital object.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.omics.checking import check_file, identify
    from modos.omics.fasta import Fasta, Refget, fetch_sequence, open_fasta
    from modos.omics.formats import FORMATS, Format, companions_of, format_named, index_names, known_formats
    from modos.omics.indexing import make_index
    from modos.omics.regions.reading import IndexedFile, open_indexed, stream_records
    from modos.omics.regions.spelling import Region, parse_bed
    from modos.omics.tables import read_table
    from modos.omics.writing import write_records

__all__ = [
    "FORMATS",
    "Fasta",
    "Format",
    "IndexedFile",
    "Refget",
    "Region",
    "check_file",
    "companions_of",
    "fetch_sequence",
    "format_named",
    "identify",
    "index_names",
    "known_formats",
    "make_index",
    "open_fasta",
    "open_indexed",
    "parse_bed",
    "read_table",
    "stream_records",
    "write_records",
]

__getattr__ = lazy_names(
    __name__,
    {
        "FORMATS": ".formats",
        "Fasta": ".fasta",
        "Format": ".formats",
        "IndexedFile": ".regions.reading",
        "Refget": ".fasta",
        "Region": ".regions.spelling",
        "check_file": ".checking",
        "companions_of": ".formats",
        "fetch_sequence": ".fasta",
        "format_named": ".formats",
        "identify": ".checking",
        "index_names": ".formats",
        "known_formats": ".formats",
        "make_index": ".indexing",
        "open_fasta": ".fasta",
        "open_indexed": ".regions.reading",
        "parse_bed": ".regions.spelling",
        "read_table": ".tables",
        "stream_records": ".regions.reading",
        "write_records": ".writing",
    },
)
