"""What is wrong with a file: its content is not what is said of it, or cut off, or its index is missing or another's.

Owns the findings, as sentences. Must not know digital objects.
"""

from contextlib import suppress
from typing import Literal

from modos.errors import IntegrityError, InvalidInputError, KeyNotFoundError
from modos.omics.contents import HEAD, decompressed
from modos.omics.fasta import open_fasta
from modos.omics.formats import SEALED_FORMAT, Format, format_named, index_names, known_formats, sniff
from modos.omics.naming import is_sealed
from modos.omics.regions.bgzf import END_OF_FILE, MalformedError, packing_of
from modos.omics.regions.containers import MAGIC, ends_of, version_of
from modos.omics.regions.layouts import LAYOUTS
from modos.storage import Storage

__all__ = ["Fault", "check_file", "faults_of", "identify"]

type Fault = Literal["content", "cut-off", "index"]
"""What is wrong: the content is not what is said of it, its end is missing, or the index is missing or wrong."""

_DOCUMENTS = ("zarr.json", ".zattrs", ".zgroup")
"""Where a directory says what it is."""

_ENDLESS = MAGIC + b"\2\0"
"""How CRAM 2.0 begins, which has no mark at its end."""

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
    return sniff(decompressed(_head(storage, target)))


def check_file(storage: Storage, target: str, *, declared: str | None = None) -> list[str]:
    """Return what is wrong with a file, a sentence each; nothing when all is well.

    Reads the beginning of the file, its last bytes where every whole file of its format ends alike, and its index.

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
    return [what for _, what in faults_of(storage, target, declared=declared)]


def faults_of(storage: Storage, target: str, *, declared: str | None = None) -> list[tuple[Fault, str]]:
    """Return what `check_file` does, with the kind of each."""
    head = _head(storage, target)
    found = sniff(decompressed(head))
    faults: list[tuple[Fault, str]] = [("content", each) for each in _misdeclared(target, declared, found)]
    names = index_names(target)
    if not names or is_sealed(target) or found is None or found is not format_named(target):
        return faults
    size = storage.stat(target).size
    if _is_cut_off(storage, target, head, size):
        return [*faults, ("cut-off", f"{target} is cut off: what ends every whole file of its kind is missing")]
    return [*faults, *(("index", each) for each in _of_index(storage, target, head, size, found))]


def _misdeclared(target: str, declared: str | None, found: Format | None) -> list[str]:
    """Return in what a file's content is not what is said of it; nothing when all is well."""
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


def _is_cut_off(storage: Storage, target: str, head: bytes, size: int) -> bool:
    """Tell whether a file that begins so lacks the end that it must have; reads no more than that."""
    ending = END_OF_FILE if packing_of(head) == "bgzf" else b""
    if head.startswith(MAGIC) and not head.startswith(_ENDLESS):
        with suppress(MalformedError):  # of a version whose end is not known
            ending = ends_of(version_of(head))
    return storage.read(target, max(size - len(ending), 0), size) != ending if ending else False


def _of_index(storage: Storage, target: str, head: bytes, size: int, found: Format) -> list[str]:
    """Return what is wrong with the index of a file."""
    try:
        if found.name == "FASTA":
            open_fasta(storage, target).check(size)
        elif any(target.lower().endswith(suffix) for suffix in LAYOUTS):
            from modos.omics.regions.reading import open_indexed

            open_indexed(storage, target)
    except KeyNotFoundError:
        if packing_of(head) == "gzip":
            return [f"{target} is compressed by gzip, and can have no index; compress it with bgzip"]
        return [f"{target} has no index ({' or '.join(index_names(target))}); 'modos index' makes it"]
    except (IntegrityError, InvalidInputError) as error:
        return [f"{error}; 'modos index' makes it anew"]
    return []


def _head(storage: Storage, target: str) -> bytes:
    """Return the beginning of a file, or of the document of a zarr hierarchy."""
    try:
        return storage.read(target, 0, HEAD)
    except KeyNotFoundError:
        head = _document(storage, target)
        if head is None:
            raise
        return head


def _document(storage: Storage, target: str) -> bytes | None:
    for name in _DOCUMENTS:
        try:
            head = storage.read(f"{target}/{name}", 0, HEAD)
        except KeyNotFoundError:
            continue
        return head if b"zarr_format" in head else b'{"zarr_format":2,' + head.lstrip()[1:]
    return None
