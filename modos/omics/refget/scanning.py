"""A FASTA file read piece by piece: what each sequence is by its content, and where its bases are.

Owns the digests of GA4GH refget (2.0) and the lines of a `.fai`. Must not know where the pieces come from.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from modos.errors import InvalidInputError
from modos.model.schema import shown_value

__all__ = ["FastaScanner", "SequenceDigest", "bases_of", "md5_or_none"]

_LONGEST_HEADER = 1 << 20
_BREAKS = b"\r\n"
_MD5 = re.compile(r"[0-9a-f]{32}")
_UPPER = bytes(range(256)).upper()
_NO_BASES = bytes(set(range(256)) - set(range(33, 127)))
"""What is no part of a sequence: white space, and what no text has (SAM specification, section 1.3.2)."""


def bases_of(lines: bytes) -> bytes:
    r"""Return the bases in lines of a sequence as its digests take them: in upper case, and nothing between them.

    Examples
    --------
    >>> bases_of(b"ACgt\r\nn\n")
    b'ACGTN'
    """
    return lines.translate(_UPPER, _NO_BASES)


def md5_or_none(text: str | None) -> str | None:
    """Return an MD5 as the schema has it, `None` for what is none."""
    lowered = (text or "").lower()
    return lowered if _MD5.fullmatch(lowered) else None


@dataclass(frozen=True, slots=True)
class SequenceDigest:
    """A sequence by its content.

    Attributes
    ----------
    name
        Its name in the file: the first word after `>`.
    description
        What follows the name; empty for nothing.
    length
        How many bases it has.
    md5
        MD5 of its bases in upper case, in hex: `M5` in SAM, and its name in refget 1.
    digest
        The first 24 bytes of their SHA-512 in base64, as GA4GH names sequences: `SQ.` and 32 characters.
    """

    name: str
    description: str
    length: int
    md5: str
    digest: str

    @property
    def uri(self) -> str:
        """The digest as a CURIE of GA4GH, `ga4gh:SQ.…`."""
        return f"ga4gh:{self.digest}"


class _Lines:
    """How the lines of a sequence lie, as far as they have been read.

    Attributes
    ----------
    offset
        Where the first begins in the file.
    alike
        Whether they are all of one length, but for the last: otherwise they can have no index.
    """

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.alike = True
        self._read = 0
        self._bases = self._width = 0

    def take(self, piece: bytes, bases: int) -> None:
        """Take note of what follows, which has so many bases and does not end with a line break."""
        start, self._read = self._read, self._read + len(piece)
        breaks, returns = piece.count(b"\n"), piece.count(b"\r")
        if not self._width and breaks:
            first = piece.index(b"\n")
            self._width = start + first + 1
            self._bases = self._width - 1 - (first > 0 and piece[first - 1 : first] == b"\r")
        grid = piece[(self._width - 1 - start) % self._width :: self._width] if self._width else b""
        self.alike &= grid.count(b"\n") == len(grid) == breaks
        self.alike &= returns == (self._width - self._bases - 1) * breaks if breaks else not returns
        self.alike &= bases == len(piece) - breaks - returns

    def entry(self, name: str, length: int, after: bytes) -> str:
        """Return the line of the `.fai`, none for nothing; `after` are the line breaks that follow the sequence."""
        broken = 2 if after.startswith(b"\r\n") else 1
        bases, width = (self._bases, self._width) if self._width else (length, length + broken)
        return f"{name}\t{length}\t{self.offset}\t{bases}\t{width}\n" if length else ""


@dataclass(slots=True)
class _Current:
    """The sequence that is being read."""

    name: str
    description: str
    lines: _Lines
    length: int = 0
    md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    sha512: Any = field(default_factory=hashlib.sha512)

    def digest(self) -> SequenceDigest:
        short = base64.urlsafe_b64encode(self.sha512.digest()[:24]).decode()
        return SequenceDigest(self.name, self.description, self.length, self.md5.hexdigest(), f"SQ.{short}")


class FastaScanner:
    r"""Reads a FASTA file that is fed to it, and remembers little more than the piece in hand.

    Parameters
    ----------
    file
        What errors call it.
    index
        Whether its lines must be such that it can have an index.

    Attributes
    ----------
    sequences
        Those that are whole, in order.

    Examples
    --------
    >>> scanner = FastaScanner("x.fa")
    >>> for piece in (b">a first\nAC", b"GT\nac\n"):
    ...     scanner.feed(piece)
    >>> scanner.close()
    >>> scanner.sequences[0].name, scanner.sequences[0].length, scanner.fai
    ('a', 6, b'a\t6\t9\t4\t5\n')
    """

    def __init__(self, file: str, *, index: bool = True) -> None:
        self.file = file
        self.sequences: list[SequenceDigest] = []
        self._index = index
        self._entries: list[str] = []
        self._names: set[str] = set()
        self._current: _Current | None = None
        self._rest = b""
        self._position = 0
        self._in_header = False
        self._at_line = True

    @property
    def fai(self) -> bytes:
        """The index of what has been read."""
        return "".join(self._entries).encode()

    def feed(self, piece: bytes) -> None:
        """Read on.

        Raises
        ------
        InvalidInputError
            When this is no FASTA, a name is there twice, or there can be no index and should be one.
        """
        data, at = self._rest + piece, 0
        while True:
            if self._in_header:
                end = data.find(b"\n", at)
                if end < 0:
                    break
                self._begin(data[at + 1 : end], self._position + end + 1)
                at, self._in_header, self._at_line = end + 1, False, True
                continue
            header = at if self._at_line and data.startswith(b">", at) else data.find(b"\n>", at) + 1 or len(data)
            lines = data[at:header].rstrip(_BREAKS)
            if lines:
                self._take(lines)
            at += len(lines)
            if header == len(data):
                break
            self._finish(data[at:header])
            at, self._in_header = header, True
        self._rest, self._position = data[at:], self._position + at
        if self._in_header and len(self._rest) > _LONGEST_HEADER:
            raise self._refused("has a name that never ends")

    def close(self) -> None:
        """Take what has been read as all there is.

        Raises
        ------
        InvalidInputError
            When there is no sequence.
        """
        if self._in_header:
            self._begin(self._rest[1:], self._position + len(self._rest))
            self._rest = b""
        self._finish(self._rest)
        if not self.sequences:
            raise self._refused("holds no sequence")

    def _begin(self, header: bytes, offset: int) -> None:
        try:
            words = header.decode().split(maxsplit=1)
        except UnicodeDecodeError as error:
            raise self._refused(f"has a name that is not in UTF-8: {shown_value(header)}") from error
        if b"\r" in header.rstrip():
            raise self._refused("has a carriage return in the line of a name: lines end with LF, or CR LF")
        if not words or header[:1].isspace():
            raise self._refused(f"has a sequence without a name, after {len(self._names):,} others")
        name, description = words[0], "".join(words[1:]).strip()
        if name in self._names:
            raise self._refused(f"has two sequences of the name {shown_value(name)}")
        self._names.add(name)
        self._current = _Current(name, description, _Lines(offset))

    def _take(self, lines: bytes) -> None:
        current = self._current
        if current is None:
            raise self._refused(f"is no FASTA: it begins with {shown_value(lines[:20])}, and not with '>'")
        bases = bases_of(lines)
        current.md5.update(bases)
        current.sha512.update(bases)
        current.length += len(bases)
        current.lines.take(lines, len(bases))
        self._at_line = False
        if self._index and not current.lines.alike:
            reason = (
                f"can have no index: the lines of {shown_value(current.name)} are not all of one length;"
                " write them alike, or ask for no index"
            )
            raise self._refused(reason)

    def _finish(self, after: bytes) -> None:
        if self._current is not None:
            self.sequences.append(self._current.digest())
            self._entries.append(self._current.lines.entry(self._current.name, self._current.length, after))
            self._current = None

    def _refused(self, reason: str) -> InvalidInputError:
        return InvalidInputError(f"{self.file} {reason}")
