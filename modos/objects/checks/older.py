"""Hierarchies of zarr format 2, as releases of modos up to 0.3.5 wrote them, read as if they were of format 3.

Owns what each document of the older format becomes. Writes nothing; bytes of arrays stay where and as they are.
"""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, cast

from modos.errors import DamagedObjectError, KeyNotFoundError, UnsupportedFormatError
from modos.storage import ZARR_ROOT, Storage
from modos.storage.base import OLD_ROOT
from modos.storage.hierarchy.documents import group_member
from modos.storage.hierarchy.root import ZarrRoot

__all__ = [
    "OLD_NAMES",
    "OLD_ROOTS",
    "array_document",
    "documents_of_old",
    "old_hierarchy",
    "read_old_root",
    "refuse_unsupported",
]

type JSON = dict[str, Any]

OLD_NAMES = frozenset({".zarray", ".zattrs", ".zgroup", ".zmetadata"})
"""Documents of format 2."""

_CONSOLIDATED = f"{ZARR_ROOT}/.zmetadata"
OLD_ROOTS = (_CONSOLIDATED, OLD_ROOT)
"""What is written last of all, in this order: there is no object without the one, which reads like the other says."""

_AT_ONCE = 16
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "b1": "bool",
        **{
            f"{letter}{size}": f"{word}{size * 8}"
            for letter, word in (("i", "int"), ("u", "uint"))
            for size in (1, 2, 4, 8)
        },
        **{f"f{size}": f"float{size * 8}" for size in (2, 4, 8)},
        **{f"c{size}": f"complex{size * 8}" for size in (8, 16)},
    }
)
"""Types of arrays that both formats have alike."""
_TEXT = re.compile(r"[<>|]([US])([1-9]\d*)")
_TIMES = re.compile(r"[<>]([Mm])8\[(\d*)(\w+)\]")
_TEXT_TYPES = MappingProxyType({"U": ("fixed_length_utf32", 4), "S": ("null_terminated_bytes", 1)})
_TIME_TYPES = MappingProxyType({"M": "numpy.datetime64", "m": "numpy.timedelta64"})
_TEXT_FILTER = {"id": "vlen-utf8"}
_TEXT_NAMES = {"string", *(name for name, _ in _TEXT_TYPES.values())}

_SHUFFLES = MappingProxyType({0: "noshuffle", 1: "shuffle", 2: "bitshuffle"})


def read_old_root(storage: Storage) -> ZarrRoot | None:
    """Return what a hierarchy of format 2 says, by its consolidated metadata where there are; `None` when there is none.

    Raises
    ------
    DamagedObjectError
        When it cannot be read.
    """
    if not storage.exists(OLD_ROOT):
        return None
    try:
        consolidated = _mapping(storage.read(_CONSOLIDATED), _CONSOLIDATED, storage.url).get("metadata")
    except KeyNotFoundError:
        names = [str(path) for path in storage.list(ZARR_ROOT) if path.name in OLD_NAMES - {".zmetadata"}]
        return old_hierarchy(documents_of_old(storage, names), storage.url)
    if not isinstance(consolidated, dict):
        raise DamagedObjectError(
            storage.url, "it is zarr format 2, and its consolidated metadata is no mapping of documents"
        )
    return old_hierarchy(consolidated, storage.url)


def documents_of_old(storage: Storage, names: list[str]) -> dict[str, JSON]:
    """Read documents of format 2, several at a time.

    Parameters
    ----------
    storage
        The root of the object.
    names
        Which, relative to it.

    Returns
    -------
    dict
        Path in the hierarchy (`"sample/sample1/.zattrs"`) to the document.

    Raises
    ------
    DamagedObjectError
        When one is not JSON.
    """
    from concurrent.futures import ThreadPoolExecutor  # objects of today are opened without

    def read(name: str) -> JSON:
        return _mapping(storage.read(name), name, storage.url)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos-old") as pool:
        found = pool.map(read, names)
        return {str(PurePosixPath(name).relative_to(ZARR_ROOT)): each for name, each in zip(names, found, strict=True)}


def old_hierarchy(documents: Mapping[str, object], url: str) -> ZarrRoot:
    """Return what documents of format 2 say, as one root document of format 3 would.

    Parameters
    ----------
    documents
        Path in the hierarchy to the document.
    url
        Of the object, for errors.

    Raises
    ------
    DamagedObjectError
        When one is no mapping.

    Examples
    --------
    >>> old = {".zgroup": {"zarr_format": 2}, ".zattrs": {"id": "ex"}, "sample/s1/.zgroup": {"zarr_format": 2}}
    >>> root = old_hierarchy(old, "ex")
    >>> root.attributes, list(root.members)
    ({'id': 'ex'}, ['sample/s1'])
    """
    for path, document in documents.items():
        if not isinstance(document, dict):
            raise DamagedObjectError(url, f"it is zarr format 2, and {path} is no JSON object")
    known = cast("Mapping[str, JSON]", documents)
    members: dict[str, JSON] = {}
    for path, document in sorted(known.items()):
        member, _, name = path.rpartition("/")
        if member and name in {".zgroup", ".zarray"}:
            attributes = known.get(f"{member}/.zattrs", {})
            members[member] = group_member(attributes) if name == ".zgroup" else array_document(document, attributes)
    return ZarrRoot(known.get(".zattrs", {}), members)


def array_document(old: JSON, attributes: JSON) -> JSON:
    """Return the document of format 3 of an array: its chunks keep their names and bytes.

    What has no counterpart there is kept under `"unsupported"`, for `refuse_unsupported` to name.

    Examples
    --------
    >>> old = {"shape": [4], "chunks": [2], "dtype": "<i8", "compressor": None, "order": "C", "fill_value": 0}
    >>> array_document(old, {})["data_type"]
    'int64'
    """
    kind, filters = str(old.get("dtype")), old.get("filters") or []
    is_text = kind == "|O" and filters == [_TEXT_FILTER]
    data_type = "string" if is_text else _data_type(kind)
    compressor, unsupported = _compressor(old.get("compressor"), kind)
    if data_type == kind:
        unsupported = f"the type {kind}"
    if filters and not is_text:
        unsupported = "filters"
    shape = old.get("shape")
    if not isinstance(shape, list):
        unsupported, shape = "no shape", []
    order = [{"name": "transpose", "configuration": {"order": [*range(len(shape))][::-1]}}]
    endian = {"configuration": {"endian": "big" if kind[0] == ">" else "little"}} if kind[:1] in {"<", ">"} else {}
    values: JSON = {"name": "vlen-utf8", "configuration": {}} if is_text else {"name": "bytes", **endian}
    separator = old.get("dimension_separator", ".")
    document: JSON = {
        "zarr_format": 3,
        "node_type": "array",
        "attributes": attributes,
        "shape": shape,
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": old.get("chunks", shape)}},
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": separator}},
        "fill_value": _fill_value(old.get("fill_value"), data_type),
        "codecs": [*(order if old.get("order") == "F" else []), values, *compressor],
        "storage_transformers": [],
    }
    return {**document, "unsupported": unsupported} if unsupported else document


def refuse_unsupported(root: ZarrRoot, url: str) -> None:
    """Refuse a hierarchy with arrays that format 3 cannot describe as they are stored.

    Raises
    ------
    UnsupportedFormatError
        Names the first one.
    """
    for path, document in root.members.items():
        if "unsupported" in document:
            reason = f"the array {path} has {document['unsupported']}, for which zarr format 3 has no counterpart"
            raise UnsupportedFormatError(url, reason)


def _data_type(kind: str) -> str | JSON:
    """Return the type of format 3, the kind itself when there is none."""
    if found := _TEXT.fullmatch(kind):
        name, size = _TEXT_TYPES[found[1]]
        return {"name": name, "configuration": {"length_bytes": size * int(found[2])}}
    if found := _TIMES.fullmatch(kind):
        letter, scale, unit = found.groups()
        return {"name": _TIME_TYPES[letter], "configuration": {"unit": unit, "scale_factor": int(scale or 1)}}
    return _TYPES.get(kind[1:], kind)


def _compressor(old: Any, kind: str) -> tuple[list[JSON], str]:  # noqa: ANN401 - whatever the document has
    """Return the codec of a compressor, and what has none."""
    match old:
        case None:
            return [], ""
        case {"id": "blosc", "cname": cname, "clevel": clevel, "shuffle": -1 | 0 | 1 | 2 as shuffle}:
            size = int(kind[2:]) if kind[2:].isdigit() else 1
            how = _SHUFFLES.get(shuffle, "bitshuffle" if size == 1 else "shuffle")
            settings = {
                "typesize": size,
                "cname": cname,
                "clevel": clevel,
                "shuffle": how,
                "blocksize": old.get("blocksize", 0),
            }
            return [{"name": "blosc", "configuration": settings}], ""
        case {"id": "zstd", "level": level}:
            return [{"name": "zstd", "configuration": {"level": level, "checksum": old.get("checksum", False)}}], ""
        case {"id": "gzip", "level": level}:
            return [{"name": "gzip", "configuration": {"level": level}}], ""
        case {"id": str(name)}:
            return [], f"the compressor {name}"
    return [], "an unknown compressor"


def _fill_value(old: object, data_type: str | JSON) -> object:
    name = data_type if isinstance(data_type, str) else data_type["name"]
    if name.startswith("complex"):
        return old if isinstance(old, list) else [0.0, 0.0]
    if name in _TEXT_NAMES:
        return old if isinstance(old, str) else ""
    if name == "bool":
        return bool(old)
    missing = "NaT" if name in _TIME_TYPES.values() else 0
    return missing if old is None else old


def _mapping(body: bytes, name: str, url: str) -> JSON:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DamagedObjectError(url, f"it is zarr format 2, and {name} is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise DamagedObjectError(url, f"it is zarr format 2, and {name} is no JSON object")
    return document
