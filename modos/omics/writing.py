"""Records of regions as a file of this machine that samtools and bcftools accept.

Owns which suffix is written how. Must not know where records come from.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

from modos._lazy import require
from modos.errors import InvalidInputError, InvalidPathError
from modos.omics.regions.layouts import Reader
from modos.omics.regions.reading import IndexedFile

__all__ = ["as_text", "beside", "silence", "write_records"]

_MODES: Mapping[Reader, Mapping[str, str]] = MappingProxyType(
    {
        "alignments": {".bam": "wb", ".cram": "wc", ".sam": "wh"},
        "variants": {".vcf.gz": "wz", ".bcf": "wb", ".vcf": "w"},
        "lines": {".gz": "wz", **dict.fromkeys((".bed", ".gff", ".gff3", ".gtf", ".tsv", ".txt"), "w")},
    }
)


def write_records(file: IndexedFile, records: Iterable[Any], path: str | PurePath) -> int:
    """Write records with the header of their file; the result is seen whole or not at all.

    Parameters
    ----------
    file
        Where they come from.
    records
        What `file.stream` gives.
    path
        Where to: its suffix says how. CRAM is written without a reference, so that reading it takes none.

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    InvalidInputError
        When records of this kind cannot be written so.
    """
    modes = _MODES[file.layout.reader]
    mode = next((mode for suffix, mode in modes.items() if str(path).lower().endswith(suffix)), None)
    if mode is None:
        message = f"{str(path)!r} cannot hold them: records of {file.layout.name} are written to {', '.join(modes)}"
        raise InvalidInputError(message)
    count = 0
    with beside(Path(path)) as part, file.decoding(), _writer(file, part, mode) as write:
        for record in records:
            write(record)
            count += 1
    return count


def as_text(file: IndexedFile, records: Iterable[Any]) -> Iterator[str]:
    """Yield the header and the records as lines of SAM, VCF, or what they were."""
    with file.decoding():
        if file.layout.reader != "lines":
            yield from str(file.header()).splitlines()
        for record in records:
            yield record.to_string() if file.layout.reader == "alignments" else str(record).rstrip("\n")


def silence() -> None:
    """Keep htslib from writing to standard error, in the whole process; what goes wrong is raised all the same."""
    require("pysam", extra="genomics", purpose="reading regions").set_verbosity(0)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give the path of a new file beside another, whose name it takes when all went well.

    Raises
    ------
    InvalidPathError
        When there can be no file of this name; the new one is not mentioned.
    """
    with _naming(path):
        descriptor, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix="".join(path.suffixes[-2:]), dir=path.parent
        )
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        with _naming(path):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidPathError(str(path), f"cannot be written: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _writer(file: IndexedFile, path: Path, mode: str) -> Iterator[Callable[[Any], object]]:
    pysam = require("pysam", extra="genomics", purpose="writing records")
    if file.layout.reader == "alignments":
        options = {"format_options": [b"no_ref=1"]} if mode == "wc" else {}
        with pysam.AlignmentFile(str(path), mode, header=file.header(), **options) as written:
            yield written.write
        return
    # variants as lines too: the writer of pysam gives them an `END`, or takes it away
    with path.open("wb") if mode == "w" else pysam.BGZFile(str(path), "w") as lines:
        for line in as_text(file, ()):
            lines.write(f"{line}\n".encode())
        yield lambda record: lines.write(str(record).rstrip("\n").encode() + b"\n")
    if mode == "wb":
        _make_binary(path)


def _make_binary(path: Path) -> None:
    """Make a BCF of a VCF, in its place."""
    pysam, bcftools = (require(each, extra="genomics", purpose="writing BCF") for each in ("pysam", "pysam.bcftools"))
    with beside(path) as made:
        try:
            bcftools.view("--no-version", "-Ob", "-o", str(made), str(path), catch_stdout=False)
        except pysam.SamtoolsError as error:
            reason = " ".join(str(error.value).rpartition("stderr=")[2].replace(str(made), "it").split())
            message = f"as BCF, variants have only what their header defines; write them as .vcf.gz ({reason})"
            raise InvalidInputError(message) from error
