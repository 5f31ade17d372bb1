"""Index files: which formats have them and how they are named.

Owns one table from suffix to companions, as htslib, samtools and tabix name them. Reads no file.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["INDEXES", "companions_of", "index_names"]

INDEXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ".bam": (".bai", ".csi"),
        ".bcf": (".csi",),
        ".bed.gz": (".tbi", ".csi"),
        ".cram": (".crai",),
        ".fa": (".fai",),
        ".fa.gz": (".fai", ".gzi"),
        ".fasta": (".fai",),
        ".fasta.gz": (".fai", ".gzi"),
        ".fna": (".fai",),
        ".fna.gz": (".fai", ".gzi"),
        ".gff.gz": (".tbi", ".csi"),
        ".gff3.gz": (".tbi", ".csi"),
        ".gtf.gz": (".tbi", ".csi"),
        ".sam.gz": (".bai", ".csi"),
        ".vcf.gz": (".tbi", ".csi"),
    }
)
"""Suffix of a data file to the suffixes of its index files."""


def index_names(name: str) -> tuple[str, ...]:
    """Return the names that index files of a data file may have beside it in an object.

    Examples
    --------
    >>> index_names("reads/demo1.bam")
    ('reads/demo1.bam.bai', 'reads/demo1.bam.csi')
    >>> index_names("reads.fastq.gz")
    ()
    """
    return tuple(name + suffix for suffix in _suffixes(name))


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
    found = {}
    stem = source[: len(source) - len(_data_suffix(source) or "")]
    for suffix in (suffix for suffix in _suffixes(source) if suffix in _suffixes(target)):
        for candidate in (source + suffix, stem + suffix):
            if exists(candidate):
                found[candidate] = target + suffix
                break
    return found


def _data_suffix(name: str) -> str | None:
    lowered = name.lower()
    return next((suffix for suffix in INDEXES if lowered.endswith(suffix)), None)


def _suffixes(name: str) -> tuple[str, ...]:
    suffix = _data_suffix(name)
    return INDEXES[suffix] if suffix else ()
