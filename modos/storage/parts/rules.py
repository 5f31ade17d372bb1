"""How large parts may be, and how many.

Owns the limits of each service and the choice within them. Does no I/O.
"""

from dataclasses import dataclass

from modos.errors import InvalidInputError

__all__ = ["DISK", "S3", "SWIFT", "WHOLE", "PartRules"]

_MIB = 2**20
_LARGER = 64 * _MIB

WHOLE = 8 * _MIB
"""Bytes up to which a file is copied whole; larger ones go by parts."""

_PLENTY = 1000


@dataclass(frozen=True, slots=True)
class PartRules:
    """What a service accepts.

    Attributes
    ----------
    smallest
        Bytes that each part but the last must have.
    largest
        Bytes that a part may have.
    most
        How many parts a file may have.
    usual
        Bytes of a part while there are few: more take more memory here, fewer make more requests.
    """

    smallest: int
    largest: int
    most: int
    usual: int = 16 * _MIB

    def size_for(self, size: int) -> int:
        """Return a good part size for a file: the usual one, and more as the file grows.

        Up to 64 MiB parts grow so that there are at most 1,000 of them; beyond, only as far as the service demands.
        Whoever holds several parts in memory should hold fewer then.

        Raises
        ------
        InvalidInputError
            When the service takes no file of this size.

        Examples
        --------
        >>> S3.size_for(3 * 2**30) // 2**20, S3.size_for(2**40) // 2**20, SWIFT.size_for(2**40) // 2**20
        (16, 105, 1049)
        >>> SWIFT.size_for(3 * 2**30) // 2**20
        24
        """
        wanted = max(min(_LARGER, _in_mebibytes(size, _PLENTY)), _in_mebibytes(size, self.most))
        part_size = max(self.usual, wanted)
        self.check(size, part_size)
        return part_size

    def check(self, size: int, part_size: int) -> None:
        """Refuse a part size that the service would not take, before anything is sent.

        Raises
        ------
        InvalidInputError
            Says what would be right.
        """
        if size < 0:
            raise InvalidInputError(f"a file has at least 0 bytes, not {size:,}")
        if part_size < 1 or (size > part_size and part_size < self.smallest):
            raise InvalidInputError(f"a part but the last has at least {self.smallest:,} bytes here, not {part_size:,}")
        if part_size > self.largest:
            raise InvalidInputError(f"a part has at most {self.largest:,} bytes here, not {part_size:,}")
        if (count := -(-size // part_size)) > self.most:
            raise InvalidInputError(f"a file has at most {self.most:,} parts here, not {count:,}: make them larger")


def _in_mebibytes(size: int, parts: int) -> int:
    """Return how large parts must be, in whole mebibytes, so that there are no more of them than that."""
    return -(-size // (parts * _MIB)) * _MIB


DISK = PartRules(smallest=1, largest=2**62, most=2**20)
"""A disk does not mind; the journal has a line for each part."""

S3 = PartRules(smallest=5 * _MIB, largest=5 * 2**30, most=10_000)
"""Amazon S3's limits of multipart uploads, which others share."""

SWIFT = PartRules(smallest=_MIB, largest=5 * 2**30, most=1000, usual=24 * _MIB)
"""Swift's defaults; 1 MiB is what older services ask of segments, newer ones take any. Each costs it several requests."""
