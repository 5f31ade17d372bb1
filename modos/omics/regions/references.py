"""The sequences that a CRAM file was compressed against, from wherever they are, and only as far as a region needs.

Owns what is asked of a source of sequences, and the FASTA file that htslib reads them from. Must not know CRAM's layout.
"""

import os
import tempfile
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Protocol

from modos.errors import IntegrityError
from modos.omics.fasta import Fasta, Refget, Span, open_fasta
from modos.omics.files import Files
from modos.omics.refget.scanning import md5_or_none
from modos.storage import LocalStorage

__all__ = [
    "Contig",
    "Described",
    "Digests",
    "Need",
    "Reference",
    "Sequences",
    "laid_out",
    "refuse_another",
    "sequences_of",
]

type Reference = str | PurePath | tuple[Files, str] | "Described" | "Sequences"
"""A FASTA file on this machine or in a storage, the address of a refget service, or any other source of sequences."""

type Digests = dict[tuple[str, str | None, str], str]
"""MD5s of sequences that were read for them: by address and tag of the file, and name."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
_HALF = 0.5
_FILLING = b"N" * 65536


class Sequences(Protocol):
    """Whatever gives parts of reference sequences."""

    def read(self, spans: Sequence[Span]) -> Sequence[bytes]:
        """Return the bases of each span."""


@dataclass(frozen=True, slots=True)
class Described:
    """A FASTA file in a storage, and what is known of its sequences.

    Attributes
    ----------
    storage, target
        Where it is.
    md5s
        Name of a sequence to its MD5, of those of which it is known.
    """

    storage: Files
    target: str
    md5s: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contig:
    """A sequence, as the header of a file names it.

    Attributes
    ----------
    name, length, md5
        `SN`, `LN` and `M5`; the last is `None` where it is not given, or is none.
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
        case Described():
            return replace(open_fasta(reference.storage, reference.target), md5s=reference.md5s)
        case str() if reference.startswith(("http://", "https://")):
            return Refget(reference)
        case str() | PurePath():
            path = Path(reference).absolute()
            return open_fasta(LocalStorage(path.parent), path.name)
    return reference


def refuse_another(
    sequences: Sequences, needs: Sequence[Need], digests: Digests, *, only: Container[str] | None = None
) -> None:
    """Refuse a FASTA file that is not the one a CRAM was compressed against, as far as that can be told at a bounded cost.

    htslib compares what a slice needs with a digest, but where a slice has reads of several contigs, since that has none. Of
    such the MD5 in the header is compared: with that which is known of the sequence, or with that of the sequence itself
    where it is on this machine. It is read whole for that, once as long as the file is the same. Elsewhere only the length is
    compared.

    Parameters
    ----------
    sequences
        The source; any but a FASTA file is believed.
    needs
        What slices need of it.
    digests
        Those that were made before; this adds to them.
    only
        Names of the contigs whose reads are wanted; `None` for all.

    Raises
    ------
    IntegrityError
        When it is another.
    """
    if not isinstance(sequences, Fasta):
        return
    url, lengths = sequences.storage.url_of(sequences.target), sequences.lengths
    for contig in dict.fromkeys(need.contig for need in needs):
        if lengths.get(contig.name, contig.length) != contig.length:
            reason = f"has {lengths[contig.name]:,} bases where the file says {contig.length:,}: it is another"
            raise IntegrityError(f"the reference of {contig.name}", reason)
    for contig in dict.fromkeys(need.contig for need in needs if need.whole):
        if contig.md5 is None or (only is not None and contig.name not in only):
            continue
        found = sequences.md5s.get(contig.name) or _digest(sequences, contig.name, digests)
        if found not in {None, contig.md5}:
            reason = f"has the MD5 {found} in {url}, where the file says {contig.md5}: it is another"
            raise IntegrityError(f"the reference of {contig.name}", reason)


def _digest(fasta: Fasta, name: str, known: Digests) -> str | None:
    """Return the MD5 of a sequence; `None` where all of it would have to be fetched for that."""
    if not isinstance(fasta.storage, LocalStorage):
        return None
    key = (fasta.storage.url_of(fasta.target), fasta.storage.stat(fasta.target).etag, name)
    if key not in known:
        known[key] = fasta.digest(name)
    return known[key]


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
        When the source gives fewer bases than a contig has.
    """
    parts = _joined(needs)
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
    return tuple(Contig(line["SN"], int(line["LN"]), md5_or_none(line.get("M5"))) for line in lines)
