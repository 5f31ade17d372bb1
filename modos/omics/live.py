"""Files of pysam over signed addresses, with index files of our own: for tools that want such a file and nothing else.

Owns what htslib is given so that it neither writes index files into the working directory nor takes another file's for
this one's. Must not know digital objects.
"""

import errno
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from modos._lazy import require
from modos.errors import InvalidInputError, KeyNotFoundError, ServiceError, StorageError, UnreachableError
from modos.omics.formats import INDEXES, index_names
from modos.omics.regions.layouts import LAYOUTS
from modos.omics.regions.reading import quietly
from modos.omics.regions.references import Described, Reference
from modos.storage import LocalStorage, Storage

__all__ = ["open_live"]

_OPENERS: Mapping[str, str] = {"alignments": "AlignmentFile", "variants": "VariantFile", "lines": "TabixFile"}
_NO_PROTOCOL = (
    "htslib, which pysam brings, finds no libcurl on this system, which it needs for addresses: install it (libcurl4 "
    "on Debian), or use stream_genomics, which needs none"
)


def open_live(
    storage: Storage, target: str | PurePath, *, reference: Reference | None = None, expires_in: float = 3600
) -> Any:  # noqa: ANN401 - pysam ships no types
    """Open a file with pysam where it is: over an address that the service signs, or by its path.

    Index files are copied to a private temporary directory, which goes with what is returned. htslib asks for more bytes than
    `open_indexed` does, and asks again for 7 to 28 seconds when a service fails.

    Parameters
    ----------
    storage, target
        The file: alignments, variants, FASTA, or lines with an index.
    reference
        What a CRAM file was compressed against: the path of a FASTA file, or a storage and target. `None` leaves it to
        htslib, which looks where the header points to, and calls the file truncated when there is nothing.
    expires_in
        Seconds until the address ends; reading fails then. Of CRAM, htslib takes that for the end: only closing tells.

    Returns
    -------
    pysam.AlignmentFile, pysam.VariantFile, pysam.FastaFile or pysam.TabixFile
        By the name of the file.

    Raises
    ------
    InvalidInputError
        When the service signs no addresses, or files of this name have no index.
    KeyNotFoundError
        When the file or its index is not there.
    UnreachableError
        When htslib can open no addresses on this system.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from modos.storage import LocalStorage
    >>> from modos.testing import write_samples
    >>> files = write_samples(Path(tempfile.mkdtemp()))
    >>> with open_live(LocalStorage(files.bam.parent), files.bam.name) as bam:
    ...     bam.references[0]
    'chr21'
    """
    name = str(target)
    if not index_names(name):
        message = (
            f"{name!r} has no index by which pysam could read parts of it: they are read from {', '.join(INDEXES)}"
        )
        raise InvalidInputError(message)
    pysam = _pysam()
    folder = tempfile.mkdtemp(prefix="modos-index-")
    try:
        indexes = _indexes(storage, name, Path(folder))
        options = _options(name, indexes, reference, partial(_reference, folder=Path(folder), expires_in=expires_in))
        handle = _opened(getattr(pysam, _opener(name)), _address(storage, name, expires_in), options, storage, name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(handle, shutil.rmtree, folder, ignore_errors=True)
    return handle


def _opener(name: str) -> str:
    layout = next((layout for suffix, layout in LAYOUTS.items() if name.lower().endswith(suffix)), None)
    return "FastaFile" if layout is None else _OPENERS[layout.reader]


def _options(
    name: str, indexes: list[str], reference: Reference | None, place: Callable[[Reference], str]
) -> dict[str, Any]:
    """Return what the opener is told besides the address."""
    kind = _opener(name)
    if kind == "FastaFile":
        return dict(zip(("filepath_index", "filepath_index_compressed"), indexes, strict=False))
    if kind == "TabixFile":
        return {"index": indexes[0]}
    options: dict[str, Any] = {"index_filename": indexes[0]}
    if kind == "AlignmentFile":
        options["check_sq"] = False
        if reference is not None and name.lower().endswith(".cram"):
            options["reference_filename"] = place(reference)
    return options


def _opened(opener: Any, address: str, options: dict[str, Any], storage: Storage, name: str) -> Any:  # noqa: ANN401 - pysam ships no types
    """Open a file; what htslib says of a failure may hold the signature, and so is neither shown nor kept."""
    try:
        with quietly():
            return _discreet(opener, storage.url_of(name))(address, **options)
    except (OSError, ValueError) as error:
        url, number = storage.url_of(name), getattr(error, "errno", None)
        if number == errno.EPROTONOSUPPORT:
            raise UnreachableError(url, _NO_PROTOCOL) from None
        storage.stat(name)  # tells it better when it is missing
        reason = " ".join(str(error).replace(address, url).split())
        raise StorageError(url, f"pysam cannot open it: {reason}") from None


def _discreet(opener: Any, url: str) -> Any:  # noqa: ANN401 - pysam ships no types
    """Return a class of pysam that does not name the address where closing fails, as it does when reading has failed.

    Such a subclass can also be told when nobody holds the file any more, which pysam's own class cannot.
    """

    def close(self: Any) -> None:  # noqa: ANN401 - likewise
        try:
            opener.close(self)
        except OSError as error:
            raise StorageError(url, f"pysam could not read it to its end: {error.strerror or 'failed'}") from None

    return type(opener.__name__, (opener,), {"__module__": opener.__module__, "close": close})


def _address(storage: Storage, name: str, expires_in: float) -> str:
    """Return what htslib opens: a path, or an address that needs nothing but itself."""
    if isinstance(storage, LocalStorage):
        return str(storage.path / name)
    url = storage.url_of(name)
    if url.startswith(("http://", "https://")):
        return url
    try:
        return storage.sign(name, expires_in=expires_in)
    except (ServiceError, InvalidInputError) as error:
        message = f"{url} has no signed address, which pysam would need ({error}); use stream_genomics or read_region"
        raise InvalidInputError(message) from error


def _indexes(storage: Storage, name: str, folder: Path) -> list[str]:
    """Return paths of the index files, those that are elsewhere copied to a directory: of FASTA all, of others the first."""
    names = index_names(name)
    wanted = [(each,) for each in names] if _opener(name) == "FastaFile" else [names]
    return [_index(storage, some, folder) for some in wanted]


def _index(storage: Storage, names: tuple[str, ...], folder: Path) -> str:
    for name in names:
        try:
            if isinstance(storage, LocalStorage):
                storage.stat(name)
                return str(storage.path / name)
            copy = folder / PurePath(name).name
            copy.write_bytes(storage.read(name))
        except KeyNotFoundError as error:
            missing = error
            continue
        return str(copy)
    missing.add_note(f"pysam needs an index, which is called {' or '.join(names)}; 'modos index' makes it")
    raise missing


def _reference(reference: Reference, folder: Path, expires_in: float) -> str:
    """Return what htslib takes for the reference of a CRAM file."""
    match reference:
        case str() | PurePath() if not str(reference).startswith(("http://", "https://")):
            return str(reference)
        case Described():
            return _reference((reference.storage, reference.target), folder, expires_in)
        case (Storage() as storage, str() as name):
            address = _address(storage, name, expires_in)
            if isinstance(storage, LocalStorage):
                return address
            if not name.lower().endswith(".gz"):
                return f"{address}##idx##{_indexes(storage, name, folder)[0]}"
    message = "pysam takes the reference of a CRAM from a FASTA file on this machine, or one not compressed in a storage that signs addresses"
    raise InvalidInputError(message)


_pysam = partial(require, "pysam", extra="genomics", purpose="reading regions")
