"""The zarr v3 hierarchy at `data.zarr`: its documents as bytes, and the hierarchy as zarr sees it.

Owns how groups and the consolidated root are written, each as one file in one write, without loading zarr. Knows the
names of element groups from the model, and nothing of what an object does with them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan, nan
from typing import TYPE_CHECKING, Any, cast

from modos.errors import DamagedObjectError, KeyNotFoundError
from modos.model import ELEMENT_KINDS, attributes_of, parse_element
from modos.storage.base import ROOT_DOCUMENT, ZARR_ROOT, Storage

if TYPE_CHECKING:
    import numpy.typing as npt
    import zarr
    from zarr.abc.store import Store

    from modos.model import NamedThing

__all__ = [
    "ZarrRoot",
    "add_data",
    "add_metadata_group",
    "document_path",
    "group_document",
    "init_zarr",
    "list_zarr_items",
    "open_root",
]

type JSON = dict[str, Any]

_LOG = "modos"
_DEEPEST = 64
"""How deep a document may be nested: no program writes deeper ones, and what walks through them has its limits."""
_MEMBER = re.compile(r"(?!\.\.?(?:/|$))[^/]+(?:/(?!\.\.?(?:/|$))[^/]+)*", re.DOTALL)
"""Path of a group or an array: names, none of which leads elsewhere."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HALVES = (b"\\ud", b"\\uD")
"""How halves of characters look, which Python reads and no document may have; whole ones may look like it."""
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
        document, is_proper = _parsed(body, url)
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
            _check_document(member, url, what=f"the consolidated metadata of {path!r}")
            _check_array(member, url, path)
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
                yield f"      {_compact(path)}: {_compact(member)},\n".encode()
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
    said = "" if log is None else f'"{_LOG}": {_compact(log)},\n    '
    empty = _encoded({**_group(attributes), "consolidated_metadata": _consolidated({})}).decode()
    before, _, _ = empty.rpartition('"metadata": {}')
    return f'{before}{said}"metadata": {{\n'.encode()


def parse_document(body: bytes, url: str) -> JSON:
    """Read the zarr v3 document of a group or an array.

    Raises
    ------
    DamagedObjectError
        When it is not one; the message says what is wrong.
    """
    return _parsed(body, url)[0]


def _parsed(body: bytes, url: str) -> tuple[JSON, bool]:
    """Return a document, and whether it can be written as JSON, for certain: not with NaN, 1e999 and halves of characters."""
    improper = []

    def number(text: str) -> float:
        value = float(text)
        if isfinite(value):
            return value
        improper.append(text)
        return nan if isnan(value) else value  # always the same one, so that what holds it equals what is read again

    try:
        document = json.loads(body, parse_float=number, parse_constant=number)
    except (ValueError, RecursionError) as error:
        raise DamagedObjectError(url, f"its metadata is not JSON ({error})") from error
    if _may_be_deep(body) and _depth(document) > _DEEPEST:
        raise DamagedObjectError(url, f"its metadata is nested more than {_DEEPEST} deep")
    _check_document(document, url, what="its metadata")
    return cast("JSON", document), not improper and not any(each in body for each in _HALVES)


def _may_be_deep(body: bytes) -> bool:
    """Tell whether pairs of brackets within others go deep, or there are some in text, which looks alike."""
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(_DEEPEST):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    return True


def _depth(document: object) -> int:
    depth, level = 0, [document]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def _check_document(document: object, url: str, *, what: str) -> None:
    if not isinstance(document, dict):
        raise DamagedObjectError(url, f"{what} is not a JSON object")
    if document.get("zarr_format") != 3:  # noqa: PLR2004 - the format's own number
        raise DamagedObjectError(
            url, f"{what} is of zarr format {document.get('zarr_format')!r}; format 3 is read here"
        )
    if document.get("node_type") not in ("group", "array"):  # a list or mapping is in no set
        raise DamagedObjectError(url, f"{what} has the node type {document.get('node_type')!r}")
    if not isinstance(document.get("attributes", {}), dict):
        raise DamagedObjectError(url, f"{what} has attributes that are not a mapping")


def _check_array(document: JSON, url: str, path: str) -> None:
    if document["node_type"] == "array" and not (isinstance(document.get("shape"), list) and "data_type" in document):
        raise DamagedObjectError(url, f"the array {path} is without a shape or a data type")


def document_path(member: str) -> str:
    """Return where the document of a member stands.

    Examples
    --------
    >>> document_path("sample/sample1")
    'data.zarr/sample/sample1/zarr.json'
    """
    return f"{ZARR_ROOT}/{member}/zarr.json"


def group_document(attributes: Mapping[str, Any]) -> bytes:
    """Return the document of a group.

    Examples
    --------
    >>> json.loads(group_document({"@type": "Sample"}))["node_type"]
    'group'
    """
    return _encoded(_group(attributes))


def group_member(attributes: Mapping[str, Any]) -> JSON:
    """Return a group's document as it stands among consolidated metadata."""
    return {**_group(attributes), "consolidated_metadata": _consolidated({})}


def member_document(member: Mapping[str, Any]) -> bytes:
    """Return the document of a group or an array, as a file, from how it stands among consolidated metadata.

    Examples
    --------
    >>> member_document(group_member({"@type": "Sample"})) == group_document({"@type": "Sample"})
    True
    """
    if member["node_type"] == "group":
        return group_document(member.get("attributes", {}))
    return _encoded(member)


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
    if (
        root.consolidated and root.members
    ):  # without any, not even the groups of kinds, it says nothing of what there is
        return root
    members = {}
    for path in storage.list(ZARR_ROOT):
        if path.name == "zarr.json" and str(path) != ROOT_DOCUMENT:
            member = str(path.parent.relative_to(ZARR_ROOT))
            members[member] = parse_document(storage.read(path), storage.url_of(path))
            _check_array(members[member], storage.url_of(path), member)
    return ZarrRoot(root.attributes, members, consolidated=False, is_proper=False)


def open_root(storage: Storage) -> "zarr.Group":
    """Open the hierarchy with zarr, for reading and, where the storage allows it, writing. Writes nothing.

    Raises
    ------
    KeyNotFoundError
        When there is none.
    """
    import zarr

    if not storage.exists(ROOT_DOCUMENT):
        if storage.exists(ZARR_ROOT / ".zgroup"):  # as older releases wrote it
            return zarr.open_group(storage._zarr_store(), mode="r", zarr_format=2)  # noqa: SLF001 - the storage's own store
        raise KeyNotFoundError(storage.url_of(ROOT_DOCUMENT))
    return zarr.open_group(storage._zarr_store(), mode="r" if storage.read_only else "r+", zarr_format=3)  # noqa: SLF001 - the storage's own store


def init_zarr(zarr_store: "Store | str") -> "zarr.Group":
    """Create an empty hierarchy in a zarr store: a root, and a group for each type of element.

    Parameters
    ----------
    zarr_store
        A zarr v3 store or the path of a directory.

    Raises
    ------
    zarr.errors.ContainsGroupError
        When there is a hierarchy already.
    """
    import zarr

    root = zarr.create_group(zarr_store, zarr_format=3)
    for kind in ELEMENT_KINDS:
        root.create_group(kind)
    return root


def add_metadata_group(parent_group: "zarr.Group", metadata: "Mapping[str, Any] | NamedThing") -> "zarr.Group":
    """Add an element to the group of its type, checked against the schema, in one write.

    Parameters
    ----------
    parent_group
        The group of the type, such as `root["sample"]`.
    metadata
        The element: a model, or a mapping with `id` and `@type`.

    Raises
    ------
    InvalidElementError
        When the schema refuses it.
    """
    element = parse_element(metadata)
    return parent_group.create_group(element.id, attributes=attributes_of(element))


def add_data(group: "zarr.Group", data: "npt.ArrayLike", name: str = "data") -> "zarr.Array[Any]":
    """Add an array to an element's group.

    Parameters
    ----------
    group
        The group of the element.
    data
        Anything numpy makes an array of; its shape and type are kept.
    name
        Name of the array in the group.
    """
    import numpy as np

    return group.create_array(name, data=np.asarray(data))


def list_zarr_items(group: "zarr.Group") -> "list[zarr.Group | zarr.Array[Any]]":
    """Return all groups and arrays beneath a group, parents before what they hold."""
    return list(_items(group))


def _items(group: "zarr.Group") -> "Iterator[zarr.Group | zarr.Array[Any]]":
    import zarr

    for _, item in sorted(group.members()):
        yield item
        if isinstance(item, zarr.Group):
            yield from _items(item)


def _group(attributes: Mapping[str, Any]) -> JSON:
    return {"attributes": dict(attributes), "zarr_format": 3, "node_type": "group"}


def _consolidated(members: Mapping[str, JSON]) -> JSON:
    return {"kind": "inline", "must_understand": False, "metadata": dict(members)}


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()


_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
