"""Names of what stands beside a file while it arrives: hidden from listings, on disk and in S3 alike.

Owns that rule. Does no I/O.
"""

import hashlib
import re
from pathlib import PurePosixPath

__all__ = ["PARTIAL", "beneath", "is_partial", "is_segment", "partial_beside"]

PARTIAL = ".partial"
"""How such names end; they begin with a dot."""

_DIGITS = 32
_SEGMENT = re.compile(r"\.segments/[0-9a-f]{32}/[0-9a-f]{32}/\d{8,}")
"""What `modos.swift` calls the segments of large objects."""


def is_partial(name: str) -> bool:
    """Tell whether a name, with or without its directories, is that of something unfinished, or of a part of a file.

    Examples
    --------
    >>> is_partial("reads/.3d4f.partial"), is_partial("reads/demo.partial")
    (True, False)
    """
    last = name.rpartition("/")[2]
    return (last.startswith(".") and last.endswith(PARTIAL)) or is_segment(name)


def is_segment(key: str) -> bool:
    """Tell whether a key of a bucket is that of a segment, which a Swift cluster's S3 lists as it does any file.

    It belongs to the file that it is a part of: without it, that cannot be read any more.

    Examples
    --------
    >>> is_segment(f".segments/{'0' * 32}/{'1' * 32}/00000000"), is_segment(".segments/00000000")
    (True, False)
    """
    return _SEGMENT.fullmatch(key) is not None


def partial_beside(name: str, kind: str = "") -> str:
    """Return the name of what stands beside a file: always the same one, whichever root the file is named from.

    Examples
    --------
    >>> partial_beside("reads/demo.cram")
    'reads/.8b974e1b1c88b2139106728a52d48db1.partial'
    >>> partial_beside("reads/demo.cram", "journal").endswith(".journal.partial")
    True
    """
    directory, slash, last = name.rpartition("/")
    digest = hashlib.sha256(last.encode()).hexdigest()[:_DIGITS]
    return f"{directory}{slash}.{digest}{f'.{kind}' if kind else ''}{PARTIAL}"


def beneath(path: str, name: str) -> bool:
    """Tell whether a file is `name` or beneath it; everything is beneath `""`."""
    return not name or PurePosixPath(path).is_relative_to(name)
