"""The root document: everything about the hierarchy in one file.

Owns how it is read, written and edited as text. Knows nothing of what an object does with its members.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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

    It is edited as text, so that what an edit leaves alone is neither encoded nor even looked at again.

    Attributes
    ----------
    body
        All of it.
    start
        Where the lines begin.
    """

    body: bytes = _END
    start: int = 0

    def edited(self, attributes: JSON, log: JSON | None, members: Mapping[str, JSON | None]) -> "RootText":
        """Return the same of other attributes and another log, with some members set or, when they are `None`, taken out."""
        head = _head(attributes, log)
        lines = [line for line in self._lines(members) if line]
        if lines:
            lines[-1] = lines[-1][:-2]
        return RootText(b"".join([head, *lines, _END]), len(head))

    def _lines(self, members: Mapping[str, JSON | None]) -> Iterator[bytes | memoryview]:
        """Yield all lines in order, each with a comma and a line break behind it: old ones together, new ones one by one."""
        old, position, end = memoryview(self.body), self.start, len(self.body) - len(_END)
        for path in sorted(members, key=_rank):
            first, behind = self._line(path, position, end)
            yield old[position:first]
            if position < first == end:
                yield b",\n"
            if (member := members[path]) is not None:
                yield f"      {compact(path)}: {compact(member)},\n".encode()
            position = behind
        if position < end:
            yield old[position:end]
            yield b",\n"

    def _line(self, path: str, start: int, end: int) -> tuple[int, int]:
        """Return where the line of a member begins and where the next one does; one place, twice, when there is none."""
        wanted = _rank(path)
        while start < end:
            begin = self.body.rfind(b"\n", start, (start + end) // 2) + 1 or start
            behind = self.body.find(b"\n", begin, end) + 1 or end
            key = _KEY.match(self.body, begin)
            assert key is not None
            there = _rank(json.loads(key[1]))
            if there == wanted:
                return begin, behind
            start, end = (behind, end) if there < wanted else (start, begin)
        return start, start


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
