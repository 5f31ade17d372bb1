"""Names of what stands beside a file while it arrives: hidden from listings, on disk and in S3 alike.

Owns that rule. Does no I/O.
"""

import hashlib
from pathlib import PurePosixPath

__all__ = ["PARTIAL", "beneath", "is_partial", "partial_beside"]

PARTIAL = ".partial"
"""How such names end; they begin with a dot."""

_DIGITS = 32


def is_partial(name: str) -> bool:
    """Tell whether a name, with or without its directories, is that of something unfinished.

    Examples
    --------
    >>> is_partial("reads/.3d4f.partial"), is_partial("reads/demo.partial")
    (True, False)
    """
    last = name.rpartition("/")[2]
    return last.startswith(".") and last.endswith(PARTIAL)


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
