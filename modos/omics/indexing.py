"""Index files made, for files in any storage.

Owns how htslib is asked to make them. Must not know digital objects.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from modos._lazy import require
from modos.errors import InvalidInputError
from modos.omics.formats import index_names
from modos.omics.regions.bgzf import PACKING_HEAD, packing_of
from modos.omics.regions.layouts import LAYOUTS
from modos.storage import LocalStorage, Storage

__all__ = ["make_index"]

_BUFFER = 8 * 1024 * 1024


def make_index(storage: Storage, target: str | PurePath, *, csi: bool = False) -> list[str]:
    """Make the index of a file and store it beside it; one that is there is replaced, of whichever kind.

    An index of the other kind would be that of an earlier file one day, and readers take the BAI or TBI where there are two.
    A file that is not on this machine is downloaded to a temporary directory for it.

    Parameters
    ----------
    storage, target
        The file: BAM, CRAM, BCF, FASTA, or what bgzip compressed of VCF, SAM, BED, GFF, GTF or FASTA.
    csi
        Whether to make a CSI where BAI or TBI is usual; contigs longer than 512 Mbp get one anyway.

    Returns
    -------
    list of str
        Names of the index files.

    Raises
    ------
    InvalidInputError
        When files of its format have no index, or this one is not sorted or not compressed by bgzip.
    """
    name = str(target)
    if not index_names(name):
        message = f"{name!r} can have no index; bgzip compresses text so that it can, and its name then ends with .gz"
        raise InvalidInputError(message)
    pysam = require("pysam", extra="genomics", purpose="making index files")
    with tempfile.TemporaryDirectory(prefix="modos-") as folder:
        path = Path(folder, PurePath(name).name)
        if isinstance(storage, LocalStorage):
            path.symlink_to(Path(storage.path, name).absolute())
        else:
            with storage.open(name) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file, _BUFFER)
        storage.stat(name)
        url = storage.url_of(name)
        with path.open("rb") as file:
            if packing_of(file.read(PACKING_HEAD)) == "gzip":
                message = (
                    f"{url} is compressed by gzip; decompress it, and compress it with bgzip, which can be indexed"
                )
                raise InvalidInputError(message)
        try:
            _make(pysam, path, csi=csi)
        except (OSError, ValueError, pysam.SamtoolsError) as error:
            told = str(getattr(error, "value", error)).rpartition("stderr=")[2]
            reason = " ".join(told.replace(f"{folder}/", "").split())
            message = f"{url} cannot be indexed; {_asked(name.lower())}? ({reason})"
            raise InvalidInputError(message) from error
        made = [each for each in sorted(Path(folder).iterdir()) if each != path]
        for each in made:
            storage.put(each, name + each.name[len(path.name) :])
        names = [name + each.name[len(path.name) :] for each in made]
        storage.remove_many(each for each in index_names(name) if each not in names)
        return names


def _asked(name: str) -> str:
    """Return what is usually wrong with a file that cannot be indexed."""
    if name.endswith(tuple(LAYOUTS)):
        return "is it sorted, and compressed by bgzip"
    return "are the lines of each sequence of one length, but for the last"


def _make(pysam: Any, path: Path, *, csi: bool) -> None:  # noqa: ANN401 - pysam ships no types
    """Make the index of a file: a CSI, too, where BAI or TBI cannot be, which end at 512 Mbp."""
    make, alone = _maker(pysam, path.name.lower()), {*path.parent.iterdir()}
    try:
        make(str(path), csi)
    except (OSError, ValueError, pysam.SamtoolsError):
        if csi or not any(name.endswith(".csi") for name in index_names(path.name)[1:]):
            raise
        for begun in {*path.parent.iterdir()} - alone:
            begun.unlink()
        make(str(path), True)  # noqa: FBT003 - as above


def _maker(pysam: Any, name: str) -> Callable[[str, bool], object]:  # noqa: ANN401 - pysam ships no types
    """Return what makes the index of a file by its name."""
    presets = {".vcf.gz": "vcf", ".bcf": "bcf", ".bed.gz": "bed", ".gff.gz": "gff"}
    presets |= {".gff3.gz": "gff", ".gtf.gz": "gff"}
    preset = next((found for suffix, found in presets.items() if name.endswith(suffix)), None)
    if preset is not None:
        return lambda path, csi: pysam.tabix_index(path, preset=preset, csi=csi, force=True)
    if name.endswith((".bam", ".cram", ".sam.gz")):
        return lambda path, csi: pysam.index(*(["-c"] if csi else []), path)
    return lambda path, csi: pysam.faidx(path)  # noqa: ARG005 - sequences have one kind of index
