"""The formats whose files have regions: how their indexes are called, and which part of pysam reads them.

Owns one table. Must not know storages, nor how an index is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from modos.errors import InvalidInputError

__all__ = ["LAYOUTS", "Layout", "layout_of"]

type Reader = Literal["alignments", "variants", "lines"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How files of a format are laid out.

    Attributes
    ----------
    name
        Of the format.
    reader
        What reads them.
    mode
        How pysam is told to open them; for lines, the name of its parser.
    indexes
        Suffixes of index files, the usual one first.
    """

    name: str
    reader: Reader
    mode: str
    indexes: tuple[str, ...]


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        ".bam": Layout("bam", "alignments", "rb", (".bai", ".csi")),
        ".cram": Layout("cram", "alignments", "rc", (".crai",)),
        ".sam.gz": Layout("sam", "alignments", "r", (".bai", ".csi")),
        ".bcf": Layout("bcf", "variants", "r", (".csi",)),
        ".vcf.gz": Layout("vcf", "variants", "r", (".tbi", ".csi")),
        ".bed.gz": Layout("bed", "lines", "asBed", (".tbi", ".csi")),
        ".gff.gz": Layout("gff", "lines", "asGFF3", (".tbi", ".csi")),
        ".gff3.gz": Layout("gff", "lines", "asGFF3", (".tbi", ".csi")),
        ".gtf.gz": Layout("gtf", "lines", "asGTF", (".tbi", ".csi")),
    }
)
"""Suffix of a file to its layout."""


def layout_of(name: str) -> Layout:
    """Return the layout of a file by its name.

    Raises
    ------
    InvalidInputError
        When files of its format have no regions.

    Examples
    --------
    >>> layout_of("reads/demo1.BAM").indexes
    ('.bai', '.csi')
    """
    found = next((layout for suffix, layout in LAYOUTS.items() if name.lower().endswith(suffix)), None)
    if found is None:
        plain = next((suffix for suffix in LAYOUTS if name.lower().endswith(suffix.removesuffix(".gz"))), None)
        hint = f"; compress it to {plain} with bgzip and index it" if plain else ""
        message = f"{name!r} has no regions: they are read from {', '.join(LAYOUTS)}{hint}"
        raise InvalidInputError(message)
    return found
