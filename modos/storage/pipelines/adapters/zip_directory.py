"""What is in a ZIP archive, read from its end: by the specification APPNOTE.TXT 6.3.10 of PKWARE, ZIP64 included.

Owns the directory of an archive. Must not know how a member's bytes become a file's, nor any storage.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modos.errors import IntegrityError, InvalidPathError, URLPipelineError
from modos.storage.paths import target_name
from modos.storage.pipelines.places import Blob

__all__ = ["Directory", "Entry", "read_directory"]

TAIL = 128 * 1024
"""Bytes read from the end at once: the longest comment fits, and the directory of some hundred files."""

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END_MARK, _LOCATOR_MARK, _END_64_MARK, _ENTRY_MARK = b"PK\5\6", b"PK\6\7", b"PK\6\6", b"PK\1\2"
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_FIELD = struct.Struct("<2H")
_ZIP64_FIELD = 1
_FILE_MARK = b"PK\3\4"
_WINDOWS = frozenset({0, 10, 14})
"""Systems that an entry was made on where a backslash separates: FAT, NTFS, VFAT. Elsewhere a name may have one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive.

    Attributes
    ----------
    name
        Its name.
    method
        How it is stored: 0 as it is, 8 deflated.
    flags
        The general purpose bits; the first means that it is encrypted.
    crc, size
        CRC-32 and bytes of the file.
    stored
        Bytes that it takes in the archive.
    offset
        Where its header begins in the archive.
    label
        Bytes of its name, which the header repeats.
    """

    name: str
    method: int
    flags: int
    crc: int
    size: int
    stored: int
    offset: int
    label: int

    @property
    def etag(self) -> str:
        """What tells two files of the same name apart."""
        return f"{self.crc:08x}-{self.size:x}"


@dataclass(frozen=True, slots=True)
class Directory:
    """All that the end of an archive says.

    Attributes
    ----------
    entries
        Name to file, in order of names. Directories, and names that no file of a storage can have, are left out.
    repeated
        Names that stand for several, different files.
    limit
        Where the files end and the directory begins.
    tail, tail_start
        The end of the archive as it was read, and where it begins.
    """

    entries: Mapping[str, Entry]
    repeated: frozenset[str]
    limit: int
    tail: bytes = field(repr=False)
    tail_start: int


def read_directory(blob: Blob) -> Directory:
    """Read what is in an archive: two requests, or three when there are thousands of files.

    Raises
    ------
    URLPipelineError
        When the file is no ZIP archive.
    IntegrityError
        When it was cut short or damaged.
    KeyNotFoundError
        When there is no such file.
    """
    size = blob.size()
    tail_start = max(0, size - TAIL)
    tail = blob.read(tail_start, size)
    found = _end(tail)
    if found is None:
        raise _no_archive(blob, size)
    position, count, length, offset = found
    end_of_directory = tail_start + position
    disks = _END.unpack_from(tail, position)[1:3]
    if any(disk not in {0, _FULL_16} for disk in disks):
        raise URLPipelineError(
            blob.url, "could not open the ZIP archive: it is one of several volumes; join them first"
        )
    place = position - _LOCATOR.size
    if place >= 0 and tail.startswith(_LOCATOR_MARK, place):
        end_of_directory = _place_of_end_64(blob, tail, place, tail_start + place)
        within = end_of_directory - tail_start
        held = tail[within : within + _END_64.size] if within >= 0 else _exactly(blob, end_of_directory, _END_64.size)
        record = _END_64.unpack(held)
        if record[0] != _END_64_MARK:
            raise _damaged(blob, "the end of its directory is not where it is said to be")
        count, length, offset = record[7:]
    start = end_of_directory - length
    shift = start - offset  # bytes before the archive proper, as in a self-extracting one
    if start < 0 or shift < 0:
        raise _damaged(blob, "its directory does not fit; it was cut short")
    if start < tail_start:
        tail = _exactly(blob, start, tail_start - start) + tail
        tail_start = start
    body = memoryview(tail)[start - tail_start : end_of_directory - tail_start]
    entries: dict[str, Entry] = {}
    repeated = set()
    for entry in _entries(blob, body, count, shift):
        known = entries.setdefault(entry.name, entry)
        if known.etag != entry.etag:
            repeated.add(entry.name)
    return Directory(dict(sorted(entries.items())), frozenset(repeated), start, tail, tail_start)


def _end(tail: bytes) -> tuple[int, int, int, int] | None:
    """Return where the end record stands and what it says: count, length and offset of the directory."""
    position = len(tail)
    while (position := tail.rfind(_END_MARK, 0, position)) >= 0:
        if position + _END.size <= len(tail):
            *_, count, length, offset, comment = _END.unpack_from(tail, position)
            if position + _END.size + comment == len(tail):
                return position, count, length, offset
    return None


def _place_of_end_64(blob: Blob, tail: bytes, place: int, absolute: int) -> int:
    """Return where the ZIP64 record is: just before its locator, unless it has grown."""
    _, _, offset, _ = _LOCATOR.unpack_from(tail, place)
    usual = absolute - _END_64.size
    if place >= _END_64.size and tail.startswith(_END_64_MARK, place - _END_64.size):
        return usual
    if not 0 <= offset <= usual:
        raise _damaged(blob, "the end of its directory is not where it is said to be")
    return int(offset)


def _entries(blob: Blob, body: memoryview, count: int, shift: int) -> Iterator[Entry]:
    position = 0
    for _ in range(count):
        if position + _ENTRY.size > len(body):
            raise _damaged(blob, "its directory ends early")
        fields = _ENTRY.unpack_from(body, position)
        label, extra, comment = fields[10:13]
        begin = position + _ENTRY.size
        position = begin + label + extra + comment
        if fields[0] != _ENTRY_MARK or position > len(body):
            raise _damaged(blob, "its directory has an entry that cannot be read")
        name = _name(bytes(body[begin : begin + label]), system=fields[1] >> 8)
        if name is None:
            continue
        size, stored, offset = _sizes(blob, bytes(body[begin + label : begin + label + extra]), fields)
        yield Entry(name, fields[4], fields[3], fields[7], size, stored, offset + shift, label)


def _name(label: bytes, *, system: int) -> str | None:
    """Return the name of a file, `None` for directories and for what no file of a storage is called."""
    try:
        name = label.decode("utf-8")
        if system in _WINDOWS:  # some programs write its own separator, against the specification
            name = name.replace("\\", "/")
        return None if name.endswith("/") else target_name(name)
    except (UnicodeDecodeError, InvalidPathError):
        return None


def _sizes(blob: Blob, extra: bytes, fields: tuple[int, ...]) -> tuple[int, int, int]:
    """Return size, stored size and offset; those that 32 bits cannot hold stand in a field of their own."""
    values = {"size": fields[9], "stored": fields[8], "offset": fields[16]}
    wide = [name for name, value in values.items() if value == _FULL_32]
    while wide and len(extra) >= _FIELD.size:
        kind, length = _FIELD.unpack_from(extra)
        held, extra = extra[_FIELD.size : _FIELD.size + length], extra[_FIELD.size + length :]
        if kind == _ZIP64_FIELD:
            if len(held) < 8 * len(wide):
                raise _damaged(blob, "the size of a file is missing")
            values.update(zip(wide, struct.unpack_from(f"<{len(wide)}Q", held), strict=True))
            break
    return values["size"], values["stored"], values["offset"]


def _exactly(blob: Blob, start: int, length: int) -> bytes:
    body = blob.read(start, start + length)
    if len(body) != length:
        raise _damaged(blob, f"{len(body):,} bytes came where {length:,} were asked for")
    return body


def _no_archive(blob: Blob, size: int) -> Exception:
    if size > len(_FILE_MARK) and blob.read(0, len(_FILE_MARK)) == _FILE_MARK:
        return _damaged(blob, "it has a beginning and no end; it was cut short")
    return URLPipelineError(blob.url, "could not open the ZIP archive: the file is not one")


def _damaged(blob: Blob, what: str) -> IntegrityError:
    return IntegrityError(blob.url, f"could not open the ZIP archive: {what}")
