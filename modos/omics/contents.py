"""What formats begin with: predicates over the first kilobytes of a file.

Owns them as pure functions. Must not know names of files, nor storages.
"""

import re
import zlib
from collections.abc import Callable

__all__ = [
    "begins",
    "decompressed",
    "has_bed",
    "has_fastq",
    "has_gtf",
    "has_json",
    "has_mzml",
    "has_sam",
    "has_table",
    "is_zarr",
]

HEAD = 64 * 1024
"""How much is looked at."""

_SAM = re.compile(rb"@(HD|SQ|RG|PG|CO)\t")
_FASTQ = re.compile(rb"@[^\n]*\n[A-Za-z*.\r\n]+\n\+")
_BED = re.compile(rb"((#|track|browser)[^\n]*\n)*\S+[\t ][0-9]+[\t ][0-9]+([\t \r\n]|$)")
_GTF = re.compile(rb"(#[^\n]*\n)*([^\t\n]+\t){3}[0-9]+\t[0-9]+\t[^\t\n]+\t[+.-]\t[^\t\n]+\t[^\n]*gene_id ")
_MARK = b"\xef\xbb\xbf"


def decompressed(head: bytes) -> bytes:
    """Return the beginning of what a file holds: opened when it is gzip or BGZF, however much of it is there."""
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(31).decompress(head, HEAD)
    except zlib.error:
        return head


def begins(*magics: bytes) -> Callable[[bytes], bool]:
    """Return what tells whether a file begins with any of these."""

    def is_it(head: bytes) -> bool:
        return head.removeprefix(_MARK).startswith(magics)

    return is_it


def is_zarr(*words: str) -> Callable[[bytes], bool]:
    """Return what tells whether a metadata document is one of zarr, with attributes that hold any of these words."""

    def is_it(head: bytes) -> bool:
        text = head.decode("utf-8", errors="replace")
        mentioned = not words or any(word in text for word in words)
        return text.lstrip().startswith("{") and '"zarr_format"' in text and mentioned

    return is_it


def has_sam(head: bytes) -> bool:
    """Tell whether there is a header of SAM."""
    return _SAM.match(head) is not None


def has_fastq(head: bytes) -> bool:
    """Tell whether there is a record of FASTQ."""
    return _FASTQ.match(head) is not None


def has_bed(head: bytes) -> bool:
    """Tell whether the first line is one of BED."""
    return _BED.match(head) is not None


def has_gtf(head: bytes) -> bool:
    """Tell whether the first line is one of GTF."""
    return _GTF.match(head) is not None


def has_mzml(head: bytes) -> bool:
    """Tell whether an XML document is one of mzML."""
    return head.removeprefix(_MARK).lstrip().startswith(b"<") and re.search(rb"<(indexed)?mzML[\s>]", head) is not None


def has_json(head: bytes) -> bool:
    """Tell whether it may be JSON."""
    return re.match(rb'\s*(\{\s*["}]|\[\s*["\[\]{0-9tfn-])', head.removeprefix(_MARK)) is not None


def has_table(separator: bytes) -> Callable[[bytes], bool]:
    """Return what tells whether the first lines are text with the same columns."""

    def is_it(head: bytes) -> bool:
        if b"\0" in head:
            return False
        rows = [line for line in head.split(b"\n", 6)[:5] if line.strip() and not line.startswith(b"#")]
        counts = {line.count(separator) for line in rows}
        return len(counts) == 1 and counts != {0}

    return is_it
