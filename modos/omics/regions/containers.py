"""CRAM containers, and the index that says where they are (`.crai`, CRAM specification, section 12).

Owns their layout, as pure functions over bytes. Must not know storages, nor what is in a container.
"""

import struct
import zlib
from dataclasses import dataclass

from modos.omics.regions.bgzf import MalformedError, inflated

__all__ = ["Container", "ContainerIndex", "Slice", "end_of_header", "ends_of", "itf8", "parse_container", "parse_crai"]

MAGIC = b"CRAM"
DEFINITION = 26
"""Length of the file definition, which comes before the first container."""

LONGEST_HEADER = 4096
"""More than any header of a container that is met: it grows by some bytes with each slice."""

_ENDS = {
    2: bytes.fromhex("0b000000ffffffff0fe0454f460000000001000001000606010001000100"),
    3: bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b"),
}
_HAS_CHECKSUM = 3


@dataclass(frozen=True, slots=True)
class Slice:
    """A line of a `.crai`: the reads of one contig in one slice.

    Attributes
    ----------
    contig
        Its number in the header; -1 for reads without a place.
    start, span
        First position, counted from one, and how many there are.
    container
        Where the container begins in the file.
    offset, size
        Where the slice begins behind the container's header, and how long it is.
    """

    contig: int
    start: int
    span: int
    container: int
    offset: int
    size: int

    def overlaps(self, start: int, end: int) -> bool:
        """Tell whether reads may overlap an interval that counts from zero, end exclusive."""
        return self.start - 1 < end and self.start - 1 + max(self.span, 1) > start


@dataclass(frozen=True, slots=True)
class Container:
    """The header of a container.

    Attributes
    ----------
    contig
        Number of the contig of all its reads; -1 for none, -2 for several.
    start, span
        As in `Slice`.
    records
        How many reads it has.
    body, end
        Where its blocks begin and where the next container does, counted like the position it was read from.
    landmarks
        Where its slices begin, behind the header.
    """

    contig: int
    start: int
    span: int
    records: int
    body: int
    end: int
    landmarks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ContainerIndex:
    """The lines of a `.crai`, in the order of the file.

    Attributes
    ----------
    slices
        All of them.
    """

    slices: tuple[Slice, ...]

    @property
    def first_record(self) -> int | None:
        """Where the first container with reads begins; `None` without any."""
        return min((each.container for each in self.slices), default=None)

    @property
    def end(self) -> int:
        """An offset that the last container ends behind, by the length of its header."""
        return max((each.container + each.offset + each.size for each in self.slices), default=0)

    def shared(self) -> frozenset[int]:
        """Return the containers with a slice that has reads of several contigs."""
        seen: dict[tuple[int, int], int] = {}
        for each in self.slices:
            seen[each.container, each.offset] = seen.get((each.container, each.offset), 0) + 1
        return frozenset(container for (container, _), lines in seen.items() if lines > 1)

    def containers(self) -> list[int]:
        """Return where all containers begin, in order."""
        return sorted({each.container for each in self.slices})


def parse_crai(data: bytes) -> ContainerIndex:
    """Return the index that a `.crai` file holds.

    Raises
    ------
    MalformedError
        When it is none or cut off.
    """
    slices = []
    content = inflated(data)
    if not data or (content and not content.endswith(b"\n")):
        message = "it is cut off, or no CRAI file"
        raise MalformedError(message)
    for number, line in enumerate(content.splitlines(), 1):
        try:
            slices.append(Slice(*map(int, line.split(b"\t"))))
        except (TypeError, ValueError) as error:
            message = f"its line {number} does not have the six numbers of a CRAI file"
            raise MalformedError(message) from error
    if any(each.container < DEFINITION or each.offset < 0 or each.size < 0 for each in slices):
        message = "it has places before the beginning of the file"
        raise MalformedError(message)
    if any(each.contig < -1 for each in slices):
        message = "it does not say of which contigs the reads of a slice are"
        raise MalformedError(message)
    return ContainerIndex(tuple(slices))


def version_of(head: bytes) -> int:
    """Return the major version of a CRAM file from its beginning.

    Raises
    ------
    MalformedError
        When it is no CRAM file, or one of a version that nobody reads.
    """
    if head[:4] != MAGIC or len(head) < DEFINITION:
        message = "it is no CRAM file"
        raise MalformedError(message)
    if head[4] not in _ENDS:
        message = f"it is CRAM {head[4]}.{head[5]}; versions 2 and 3 can be read"
        raise MalformedError(message)
    return head[4]


def ends_of(version: int) -> bytes:
    """Return the empty container that ends every whole file of a version."""
    return _ENDS[version]


def parse_container(data: bytes | memoryview, position: int, *, version: int) -> Container:
    """Return the header of the container at a position.

    Raises
    ------
    MalformedError
        When none begins there, or the data end within it.
    """
    try:
        (length,) = struct.unpack_from("<i", data, position)
        place, numbers = position + 4, []
        for _ in range(4):
            number, place = itf8(data, place)
            numbers.append(number)
        place = _behind_ltf8(data, place) if version >= _HAS_CHECKSUM else itf8(data, place)[1]
        place = _behind_ltf8(data, place)
        _, place = itf8(data, place)
        count, place = itf8(data, place)
        if length < 0 or not 0 <= count <= LONGEST_HEADER:
            raise _no_container()
        landmarks = []
        for _ in range(count):
            number, place = itf8(data, place)
            landmarks.append(number)
        if version >= _HAS_CHECKSUM:
            (checksum,) = struct.unpack_from("<I", data, place)
            if zlib.crc32(data[position:place]) != checksum:
                raise _no_container()
            place += 4
    except (struct.error, IndexError) as error:
        raise _no_container() from error
    contig, start, span, records = numbers
    return Container(contig, start, span, records, place, place + length, tuple(landmarks))


def end_of_header(head: bytes, *, version: int) -> int:
    """Return where the first container, that of the header, ends.

    In CRAM 2, htslib pads the text and counts the lengths of the block in too few bytes: it ends behind its container.

    Raises
    ------
    MalformedError
        When there is none, or the data end before its text.
    """
    container = parse_container(head, DEFINITION, version=version)
    try:
        _, place = itf8(head, container.body + 2)  # behind method and kind
        size, place = itf8(head, place)
        _, place = itf8(head, place)
    except IndexError as error:
        raise _no_container() from error
    return max(container.end, place + size)


def _no_container() -> MalformedError:
    return MalformedError("no CRAM container begins there")


def itf8(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Return the number at a position, 32 bits with their sign, and where it ends.

    Examples
    --------
    >>> itf8(bytes([0x81, 0x02]), 0), itf8(bytes([0xFF, 0xFF, 0xFF, 0xFF, 0x0F]), 0)
    ((258, 2), (-1, 5))
    """
    first = data[position]
    ones = min(8 - (first ^ 0xFF).bit_length(), 4)
    if ones == 4:  # noqa: PLR2004 - of the last byte, half is used
        value = (
            (first & 0x0F) << 28 | int.from_bytes(data[position + 1 : position + 4]) << 4 | data[position + 4] & 0x0F
        )
    else:
        value = (first & (0x7F >> ones)) << 8 * ones | int.from_bytes(data[position + 1 : position + 1 + ones])
        data[position + ones]  # the data may end within the number
    return (value ^ 0x80000000) - 0x80000000, position + ones + 1


def _behind_ltf8(data: bytes | memoryview, position: int) -> int:
    """Return where the number of up to 64 bits at a position ends."""
    return position + 9 - (data[position] ^ 0xFF).bit_length()
