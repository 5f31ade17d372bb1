"""What a file is: the formats of omics data, the files that go with them, and how parts of them are read.

Owns the formats registry, index files, regions, sequences, tables, and what headers say. Must not know the digital object.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.omics.checking import check_file, identify
    from modos.omics.enrichment.facts import FactReader, Facts, SampleFacts, SequenceFacts
    from modos.omics.enrichment.reading import read_facts
    from modos.omics.fasta import Fasta, Refget, fetch_sequence, open_fasta
    from modos.omics.files import Files
    from modos.omics.formats import FORMATS, Format, companions_of, format_named, index_names, known_formats
    from modos.omics.indexing import make_index
    from modos.omics.live import open_live
    from modos.omics.mztab.metadata import Parameter, parse_parameter, parse_parameters, read_mztab_metadata
    from modos.omics.records import read_region
    from modos.omics.regions.reading import IndexedFile, open_indexed, stream_records
    from modos.omics.regions.spelling import Region, parse_bed
    from modos.omics.tables.questions import Answer, Question, TableReader
    from modos.omics.tables.reading import list_tables, read_table, scan_table
    from modos.omics.writing import write_records

__all__ = [
    "FORMATS",
    "Answer",
    "FactReader",
    "Facts",
    "Fasta",
    "Files",
    "Format",
    "IndexedFile",
    "Parameter",
    "Question",
    "Refget",
    "Region",
    "SampleFacts",
    "SequenceFacts",
    "TableReader",
    "check_file",
    "companions_of",
    "fetch_sequence",
    "format_named",
    "identify",
    "index_names",
    "known_formats",
    "list_tables",
    "make_index",
    "open_fasta",
    "open_indexed",
    "open_live",
    "parse_bed",
    "parse_parameter",
    "parse_parameters",
    "read_facts",
    "read_mztab_metadata",
    "read_region",
    "read_table",
    "scan_table",
    "stream_records",
    "write_records",
]

__getattr__ = lazy_names(
    __name__,
    {
        "FORMATS": ".formats",
        "Answer": ".tables.questions",
        "FactReader": ".enrichment.facts",
        "Facts": ".enrichment.facts",
        "Fasta": ".fasta",
        "Files": ".files",
        "Format": ".formats",
        "IndexedFile": ".regions.reading",
        "Parameter": ".mztab.metadata",
        "Question": ".tables.questions",
        "Refget": ".fasta",
        "Region": ".regions.spelling",
        "SampleFacts": ".enrichment.facts",
        "SequenceFacts": ".enrichment.facts",
        "TableReader": ".tables.questions",
        "check_file": ".checking",
        "companions_of": ".formats",
        "fetch_sequence": ".fasta",
        "format_named": ".formats",
        "identify": ".checking",
        "index_names": ".formats",
        "known_formats": ".formats",
        "list_tables": ".tables.reading",
        "make_index": ".indexing",
        "open_fasta": ".fasta",
        "open_indexed": ".regions.reading",
        "open_live": ".live",
        "parse_bed": ".regions.spelling",
        "parse_parameter": ".mztab.metadata",
        "parse_parameters": ".mztab.metadata",
        "read_facts": ".enrichment.reading",
        "read_mztab_metadata": ".mztab.metadata",
        "read_region": ".records",
        "read_table": ".tables.reading",
        "scan_table": ".tables.reading",
        "stream_records": ".regions.reading",
        "write_records": ".writing",
    },
)
