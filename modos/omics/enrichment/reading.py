"""The facts of any file, by its format.

Owns which reader is asked. Knows no format by name.
"""

from pathlib import PurePath
from pkgutil import resolve_name
from typing import Any, cast

from modos.errors import KeyNotFoundError
from modos.omics.checking import identify
from modos.omics.enrichment.facts import FactReader, Facts
from modos.omics.files import Files
from modos.omics.formats import Format, format_named, known_formats

__all__ = ["read_facts"]


def read_facts(files: Files, target: str | PurePath, *, declared: str | None = None) -> Facts | None:
    r"""Return what the header of a file says, reading no more of it; `None` when nothing is read from its format.

    Parameters
    ----------
    files, target
        Any storage, and the name of a file in it.
    declared
        The term that is said to be its format, for names that say none; `None` when nothing is said.

    Raises
    ------
    KeyNotFoundError
        When there is no such file.
    IntegrityError
        When its header is damaged or cut off.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> header = "@HD\tVN:1.6\n@RG\tID:1\tSM:donor2\tPL:ILLUMINA\n@PG\tID:bwa\tPN:bwa\tVN:0.7.17\n"
    >>> _ = storage.put(header.encode(), "reads.sam")
    >>> read_facts(storage, "reads.sam").summary
    'Platform: ILLUMINA; programs: bwa 0.7.17'
    """
    name = str(target)
    found = _format(files, name, declared)
    if found is None or found.facts is None:
        return None
    reader = resolve_name(found.facts) if isinstance(found.facts, str) else found.facts
    return cast("FactReader", reader)(files, name)


def _format(files: Files, name: str, declared: str | None) -> Format | None:
    if name.lower().rstrip("/").endswith(".zarr"):  # which of several, its metadata document tells
        try:
            return identify(cast("Any", files), name)
        except KeyNotFoundError:
            return None
    named = format_named(name)
    if named is not None:
        return named
    return next((each for each in known_formats() if declared in each.terms and each.facts is not None), None)
