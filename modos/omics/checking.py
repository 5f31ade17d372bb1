"""What is wrong with a file: its content is not what is said of it, or its index is missing or another's.

Owns the findings, as sentences. Must not know digital objects.
"""

from modos.errors import IntegrityError, InvalidInputError, KeyNotFoundError
from modos.omics.contents import HEAD, decompressed
from modos.omics.fasta import open_fasta
from modos.omics.formats import SEALED_FORMAT, Format, format_named, index_names, known_formats, sniff
from modos.omics.naming import is_sealed
from modos.omics.regions.bgzf import PACKING_HEAD, packing_of
from modos.omics.regions.layouts import LAYOUTS
from modos.storage import Storage

__all__ = ["check_file", "identify", "index_findings", "misdeclared"]

_DOCUMENTS = ("zarr.json", ".zattrs", ".zgroup")
"""Where a directory says what it is."""

_TELLING = frozenset({"BAM", "BCF", "CRAM", "Parquet", "VCF", "h5ad", "mzML", "mzTab"})
"""Formats that every file of begins alike."""


def identify(storage: Storage, target: str) -> Format | None:
    """Return the format of a file, or of a zarr hierarchy, by its content; `None` when that says nothing.

    Reads the first kilobytes.

    Raises
    ------
    KeyNotFoundError
        When there is neither.
    """
    try:
        return sniff(decompressed(storage.read(target, 0, HEAD)))
    except KeyNotFoundError:
        head = _document(storage, target)
        if head is None:
            raise
        return sniff(head)


def check_file(storage: Storage, target: str, *, declared: str | None = None) -> list[str]:
    """Return what is wrong with a file, a sentence each; nothing when all is well.

    Reads the beginning of the file and its index.

    Parameters
    ----------
    storage, target
        The file, with its index files beside it.
    declared
        The term that is said to be its format; `None` for what its name says.

    Raises
    ------
    KeyNotFoundError
        When there is no such file.
    """
    found = identify(storage, target)
    return [*misdeclared(target, declared, found), *index_findings(storage, target, found)]


def misdeclared(target: str, declared: str | None, found: Format | None) -> list[str]:
    """Return in what a file's content is not what is said of it; nothing when all is well.

    Parameters
    ----------
    target, declared
        As for `check_file`.
    found
        What `identify` returns.
    """
    if is_sealed(target):  # what is in it cannot be seen
        is_it = found is not None and found.name == SEALED_FORMAT
        return [] if is_it else [f"{target} is called as an encrypted file is, and its content is none of crypt4gh"]
    named = format_named(target)
    terms = {declared} if declared else {named.name} if named else set()
    if not terms or (found is not None and terms & {found.name, *found.terms}):
        return []
    meant = next(iter(terms))
    if found is not None and (found.name in _TELLING or meant in _TELLING):
        return [f"{target} is said to be {meant}, and its content is {found.name}"]
    if found is None and meant in _TELLING & {each.name for each in known_formats()}:
        return [f"{target} is said to be {meant}, and its content is not"]
    return []


def index_findings(storage: Storage, target: str, found: Format | None) -> list[str]:
    """Return what is wrong with the index of a file; nothing when it needs none.

    Parameters
    ----------
    storage, target
        As for `check_file`.
    found
        What `identify` returns.
    """
    names = index_names(target)
    if not names or is_sealed(target) or found is None or found is not format_named(target):
        return []
    try:
        if found.name == "FASTA":
            fasta = open_fasta(storage, target)
            fasta.check(storage.stat(target).size)
        elif any(target.lower().endswith(suffix) for suffix in LAYOUTS):
            from modos.omics.regions.reading import open_indexed

            open_indexed(storage, target)
    except KeyNotFoundError:
        if packing_of(storage.read(target, 0, PACKING_HEAD)) == "gzip":
            return [f"{target} is compressed by gzip, and can have no index; compress it with bgzip"]
        return [f"{target} has no index ({' or '.join(names)}); 'modos index' makes it"]
    except (IntegrityError, InvalidInputError) as error:
        return [f"{error}; 'modos index' makes it anew"]
    return []


def _document(storage: Storage, target: str) -> bytes | None:
    for name in _DOCUMENTS:
        try:
            head = storage.read(f"{target}/{name}", 0, HEAD)
        except KeyNotFoundError:
            continue
        return head if b"zarr_format" in head else b'{"zarr_format":2,' + head.lstrip()[1:]
    return None
