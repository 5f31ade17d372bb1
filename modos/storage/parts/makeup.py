"""Of what parts a stored file consists, as far as the service tells: how its ETag can be computed from its bytes.

Owns that computation. Does no I/O.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

__all__ = ["Composition", "Makeup", "Piece"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stored file that the service has by itself as well.

    Attributes
    ----------
    name
        What the service calls it.
    md5
        MD5 of its bytes in hex.
    """

    name: str
    md5: str


@dataclass(frozen=True, slots=True)
class Makeup:
    """The parts of a stored file.

    Attributes
    ----------
    lengths
        Bytes of each part, in order.
    joined
        How the MD5s of the parts make the ETag: of S3 in `"binary"`, of Swift in `"hex"`.
    pieces
        The parts, where the service has each by itself; none where it has not.
    """

    lengths: Sequence[int]
    joined: Literal["binary", "hex"]
    pieces: Sequence[Piece] = ()

    @classmethod
    def even(cls, size: int, part_size: int, joined: Literal["binary", "hex"]) -> Self:
        """Return that of a file whose parts have this size, but for the last.

        Examples
        --------
        >>> Makeup.even(10, 4, "hex").lengths
        [4, 4, 2]
        """
        return cls([min(part_size, size - start) for start in range(0, size, part_size)], joined)

    @property
    def part_size(self) -> int | None:
        """Bytes of each part but the last; `None` when they differ."""
        first, *rest = self.lengths or (0,)
        is_one = all(length == first for length in rest[:-1]) and all(length <= first for length in rest)
        return first if is_one else None

    def etag_of(self, digests: Sequence[bytes]) -> str:
        """Return the ETag as `ObjectInfo` has it, from the MD5s of the parts.

        Examples
        --------
        >>> Makeup([2], "hex").etag_of([hashlib.md5(b"AC").digest()])
        '93ec8da3b66fca5482978ac3df5af020-slo'
        """
        if self.joined == "binary":
            return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
        text = "".join(digest.hex() for digest in digests)
        return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}-slo"


@dataclass(slots=True)
class Composition:
    """The ETag of a file that consists of parts, computed while its bytes pass in their order.

    Parameters
    ----------
    makeup
        Its parts.

    Examples
    --------
    >>> composition = Composition(Makeup([2, 2], "binary"))
    >>> composition.feed(b"ACG")
    >>> composition.feed(b"T")
    >>> composition.etag
    '31c416a27115def376b8fae25fdbc7d8-2'
    """

    makeup: Makeup
    _digests: list[bytes] = field(default_factory=list)
    _lengths: Iterator[int] = field(init=False)
    _left: int = field(init=False)
    _digest: "hashlib._Hash" = field(init=False)

    def __post_init__(self) -> None:
        self._lengths = iter(self.makeup.lengths)
        self._begin()

    def _begin(self) -> None:
        self._left = next(self._lengths, 0)
        self._digest = hashlib.md5(usedforsecurity=False)

    def feed(self, body: bytes | bytearray | memoryview) -> None:
        """Take the bytes that come next; what is more than all parts is left out."""
        rest = memoryview(body)
        while rest and self._left:
            taken = rest[: self._left]
            self._digest.update(taken)
            self._left -= len(taken)
            rest = rest[len(taken) :]
            if not self._left:
                self._digests.append(self._digest.digest())
                self._begin()

    @property
    def etag(self) -> str:
        """The ETag as `ObjectInfo` has it."""
        return self.makeup.etag_of(self._digests)
