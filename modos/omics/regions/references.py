"""The sequences that a CRAM file was compressed against, from wherever they are, and only as far as a region needs.

Owns what is asked of a source of sequences, and the FASTA file that htslib reads them from. Must not know CRAM's layout.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

from modos.errors import IntegrityError
from modos.omics.fasta import Fasta, Refget, Span, open_fasta
from modos.omics.files import Files
from modos.storage import LocalStorage

__all__ = ["Contig", "Need", "Reference", "Sequences", "laid_out", "sequences_of"]

type Reference = str | PurePath | tuple[Files, str] | "Sequences"
"""A FASTA file on this machine or in a storage, the address of a refget service, or any other source of sequences."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
_HALF = 0.5
_FILLING = b"N" * 65536


class Sequences(Protocol):
    """Whatever gives parts of reference sequences."""

    def read(self, spans: Sequence[Span]) -> Sequence[bytes]:
        """Return the bases of each span."""


@dataclass(frozen=True, slots=True)
class Contig:
    """A sequence, as the header of a file names it.

    Attributes
    ----------
    name, length, md5
        `SN`, `LN` and `M5`; the last is `None` where it is not given.
    """

    name: str
    length: int
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What slices need of a contig.

    Attributes
    ----------
    contig
        The contig.
    start, end
        From zero, the end exclusive.
    whole
        Whether htslib will load all of it, as it does for slices of several contigs.
    """

    contig: Contig
    start: int
    end: int
    whole: bool = False


def sequences_of(reference: Reference) -> Sequences:
    """Return the source of sequences that was named."""
    match reference:
        case tuple():
            return open_fasta(*reference)
        case str() if reference.startswith(("http://", "https://")):
            return Refget(reference)
        case str() | PurePath():
            path = Path(reference).absolute()
            return open_fasta(LocalStorage(path.parent), path.name)
    return reference


@contextmanager
def laid_out(sequences: Sequences, contigs: Sequence[Contig], needs: Sequence[Need]) -> Iterator[str]:
    """Write the needed parts to a FASTA file with holes, at their places, for as long as the block lasts.

    Yields
    ------
    str
        Its path, with that of its index, as htslib reads it.

    Raises
    ------
    IntegrityError
        When the source gives fewer bases than a contig has, or has one of another length.
    """
    parts = _joined(needs)
    lengths = sequences.lengths if isinstance(sequences, Fasta) else {}
    for each in parts:
        if lengths.get(each.contig.name, each.contig.length) != each.contig.length:
            reason = (
                f"has {lengths[each.contig.name]:,} bases where the file says {each.contig.length:,}: it is another"
            )
            raise IntegrityError(f"the reference of {each.contig.name}", reason)
    bodies = sequences.read([Span(each.contig.name, each.contig.md5, each.start, each.end) for each in parts])
    with tempfile.TemporaryDirectory(prefix="modos-", dir=_folder()) as folder:
        fasta, index = Path(folder, "reference.fa"), Path(folder, "reference.fa.fai")
        places, end = {}, 0
        for contig in contigs:
            end += len(contig.name.encode()) + 2
            places[contig.name] = end
            end += contig.length + 1
        with fasta.open("wb") as file:
            for contig in {each.contig for each in parts if each.whole}:
                _fill(file.fileno(), places[contig.name], contig.length)
            for each, body in zip(parts, bodies, strict=True):
                if len(body) != each.end - each.start:
                    reason = f"gives {len(body):,} bases where the file needs {each.start:,} to {each.end:,}"
                    raise IntegrityError(f"the reference of {each.contig.name}", reason)
                os.pwrite(file.fileno(), body, places[each.contig.name] + each.start)
            file.truncate(end)
        rows = (
            f"{each.name}\t{each.length}\t{places[each.name]}\t{each.length}\t{each.length + 1}\n" for each in contigs
        )
        index.write_text("".join(rows), encoding="utf-8", newline="\n")
        yield str(fasta)


def _folder() -> str | None:
    """Return a directory in memory where the system has one: what is decrypted should touch no disk."""
    return str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else None


def _fill(descriptor: int, place: int, length: int) -> None:
    for start in range(0, length, len(_FILLING)):
        os.pwrite(descriptor, _FILLING[: length - start], place + start)


def _joined(needs: Sequence[Need]) -> list[Need]:
    """Return one need for each contig and stretch, those that overlap as one."""
    by_contig: dict[Contig, list[Need]] = {}
    for need in needs:
        by_contig.setdefault(need.contig, []).append(need)
    return [each for contig, some in by_contig.items() for each in _joined_in(contig, some)]


def _joined_in(contig: Contig, needs: Sequence[Need]) -> list[Need]:
    # htslib loads all of a contig of which a slice covers half
    whole = any(each.whole or each.end - each.start >= _HALF * contig.length - 1 for each in needs)
    joined: list[Need] = []
    for start, end in sorted((max(each.start, 0), min(each.end, contig.length)) for each in needs):
        if joined and start <= joined[-1].end:
            joined[-1] = Need(contig, joined[-1].start, max(end, joined[-1].end), whole)
        elif start < end:
            joined.append(Need(contig, start, end, whole))
    return joined


def contigs_of(header: Mapping[str, object]) -> tuple[Contig, ...]:
    """Return the contigs of a SAM header as pysam has it."""
    lines = header.get("SQ", ())
    assert isinstance(lines, Sequence)
    return tuple(Contig(line["SN"], int(line["LN"]), line.get("M5")) for line in lines)
