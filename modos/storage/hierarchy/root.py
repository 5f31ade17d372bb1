"""The root document: everything about the hierarchy in one file.

Owns how it is read, written and edited as text. Knows nothing of what an object does with its members.
"""

import json
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from modos.errors import DamagedObjectError
from modos.storage.base import ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import (
    JSON,
    check_array,
    check_document,
    compact,
    encoded,
    group_member,
    parse_document,
    parsed,
)

__all__ = ["RootText", "ZarrRoot", "read_root"]

_LOG = "modos"
_MEMBER = re.compile(r"(?!\.\.?(?:/|$))[^/]+(?:/(?!\.\.?(?:/|$))[^/]+)*", re.DOTALL)
"""Path of a group or an array: names, none of which leads elsewhere."""
_END = b"\n    }\n  }\n}"
"""What a root document ends with, behind the lines of its members."""
_KEY = re.compile(rb'\s*("(?:[^"\\]|\\.)*")')
_LONGEST = 256 * 1024
"""Bytes of the lines that are held together: as many are copied when one of them changes."""


@dataclass(frozen=True, slots=True)
class ZarrRoot:
    """What the root document says: everything about the hierarchy, in one file.

    Attributes
    ----------
    attributes
        Attributes of the root group.
    members
        Path in the hierarchy (`"sample/sample1"`) to the document of that group or array.
    consolidated
        Whether the document held its members, or they had to be looked up one by one.
    is_proper
        Whether all of it can be written as JSON, for certain: some programs write numbers that JSON has not.
    log
        What stands beside the members under `modos`, which zarr and other programs do not look at; `None` for nothing.
    """

    attributes: JSON
    members: Mapping[str, JSON] = field(default_factory=dict)
    consolidated: bool = True
    is_proper: bool = field(default=True, compare=False)
    log: JSON | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, body: bytes, url: str) -> "ZarrRoot":
        """Read a root document.

        Raises
        ------
        DamagedObjectError
            When it is not one; the message says what is wrong.
        """
        document, is_proper = parsed(body, url)
        if document["node_type"] != "group":
            raise DamagedObjectError(url, "its root is an array, not a group")
        consolidated = document.get("consolidated_metadata")
        if consolidated is None:
            return cls(document.get("attributes", {}), consolidated=False, is_proper=False)
        members = consolidated.get("metadata") if isinstance(consolidated, dict) else None
        if not isinstance(members, dict):
            raise DamagedObjectError(url, "its consolidated metadata is not a mapping of documents")
        for path, member in members.items():
            if not _MEMBER.fullmatch(path):
                raise DamagedObjectError(url, f"its consolidated metadata name {path!r}, which is no group or array")
            check_document(member, url, what=f"the consolidated metadata of {path!r}")
            check_array(member, url, path)
        log = consolidated.get(_LOG)
        return cls(
            document.get("attributes", {}),
            members,
            is_proper=is_proper,
            log=log if isinstance(log, dict) else None,
        )

    def dump(self) -> bytes:
        """Return the root document with all members consolidated in it, as zarr understands it."""
        return self.text().body

    def text(self) -> "RootText":
        """Return the same, as text that can be edited."""
        return RootText().edited(self.attributes, self.log, self.members)


@dataclass(frozen=True, slots=True)
class RootText:
    """A root document as it is written here: each member on a line of its own, those with shorter paths first, then by path.

    It is edited as text, in blocks of lines, so that what an edit leaves alone is neither encoded nor copied, nor even looked
    at again.

    Attributes
    ----------
    head
        What stands before the lines.
    blocks
        The lines, in order, each with a comma and a line break behind it.
    """

    head: bytes = b""
    blocks: tuple[bytes, ...] = ()

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Yield all of it, piece by piece: the last line is without a comma."""
        yield self.head
        yield from self.blocks[:-1]
        yield from (block.removesuffix(b",\n") for block in self.blocks[-1:])
        yield _END

    def is_body(self, body: bytes) -> bool:
        """Tell whether all of it is the same as a document that was read."""
        position = 0
        for piece in self.pieces():
            if not body.startswith(piece, position):
                return False
            position += len(piece)
        return position == len(body)

    def edited(self, attributes: JSON, log: JSON | None, members: Mapping[str, JSON | None]) -> "RootText":
        """Return the same of other attributes and another log, with some members set or, when they are `None`, taken out."""
        blocks: list[Iterable[bytes]] = [(block,) for block in self.blocks] or [()]
        touched: dict[int, list[str]] = {}
        for path in sorted(members, key=_rank):
            touched.setdefault(max(bisect(self.blocks, _rank(path), key=_first_rank) - 1, 0), []).append(path)
        for number, paths in touched.items():
            blocks[number] = _cut(b"".join(_edited(b"".join(blocks[number]), paths, members)))
        return RootText(_head(attributes, log), tuple(chain.from_iterable(blocks)))


def _edited(block: bytes, paths: Iterable[str], members: Mapping[str, JSON | None]) -> Iterator[bytes | memoryview]:
    """Yield the lines of a block with some members, in order, set or taken out: old ones together, new ones one by one."""
    old, position = memoryview(block), 0
    for path in paths:
        first, behind = _line(block, path, position)
        yield old[position:first]
        if (member := members[path]) is not None:
            yield f"      {compact(path)}: {compact(member)},\n".encode()
        position = behind
    yield old[position:]


def _cut(lines: bytes) -> Iterator[bytes]:
    """Yield lines in blocks of which none is empty, nor, but for a line that is long itself, much longer than it may be."""
    start = 0
    while start < len(lines):
        is_long = len(lines) - start > _LONGEST
        end = lines.find(b"\n", start + _LONGEST // 2) + 1 if is_long else len(lines)
        yield lines[start:end]
        start = end


def _line(block: bytes, path: str, start: int) -> tuple[int, int]:
    """Return where the line of a member begins and where the next one does; one place, twice, when there is none."""
    wanted, end = _rank(path), len(block)
    while start < end:
        begin = block.rfind(b"\n", start, (start + end) // 2) + 1 or start
        behind = block.find(b"\n", begin) + 1
        there = _rank_at(block, begin)
        if there == wanted:
            return begin, behind
        start, end = (behind, end) if there < wanted else (start, begin)
    return start, start


def _first_rank(block: bytes) -> tuple[int, str]:
    return _rank_at(block, 0)


def _rank_at(block: bytes, begin: int) -> tuple[int, str]:
    key = _KEY.match(block, begin)
    assert key is not None
    return _rank(json.loads(key[1]))


def _rank(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _head(attributes: JSON, log: JSON | None) -> bytes:
    said = "" if log is None else f'"{_LOG}": {compact(log)},\n    '
    empty = encoded(group_member(attributes)).decode()
    before, _, _ = empty.rpartition('"metadata": {}')
    return f'{before}{said}"metadata": {{\n'.encode()


def read_root(storage: Storage, body: bytes | None = None) -> ZarrRoot:
    """Read everything the hierarchy says: one request, unless some other program left it unconsolidated.

    Parameters
    ----------
    storage
        The storage in which it stands.
    body
        The root document; `None` to read it.

    Raises
    ------
    KeyNotFoundError
        When there is no hierarchy.
    DamagedObjectError
        When its documents cannot be read.
    """
    root = ZarrRoot.parse(storage.read(ROOT_DOCUMENT) if body is None else body, storage.url)
    if root.consolidated and root.members:  # without any, not even groups of kinds, it says nothing of what there is
        return root
    members = {}
    for path in storage.list(ZARR_ROOT):
        if path.name == "zarr.json" and str(path) != ROOT_DOCUMENT:
            member = str(path.parent.relative_to(ZARR_ROOT))
            members[member] = parse_document(storage.read(path), storage.url_of(path))
            check_array(members[member], storage.url_of(path), member)
    return ZarrRoot(root.attributes, members, consolidated=False, is_proper=False)
