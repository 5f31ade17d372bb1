"""How an array is cut into chunks and shards, and under which keys its chunks are stored.

Owns the rule for reading over a network, and keys that do not meet those of an older array. Pure: knows documents only.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

from modos.errors import InvalidInputError
from modos.storage.hierarchy.documents import COMPLETE, is_complete

__all__ = [
    "CHUNK",
    "COMPLETE",
    "SHARD",
    "Grid",
    "chunk_key",
    "count_of_chunks",
    "cut",
    "is_chunk",
    "is_complete",
    "is_part",
    "keys_beside",
    "slabs",
]

CHUNK = 1 << 20
"""Bytes of a chunk, uncompressed, that are aimed at: what one request fetches in the time it takes to be answered."""

SHARD = 32 << 20
"""Bytes of a shard, uncompressed, that are aimed at: an array of 2 GiB is then 64 objects."""

_LARGEST_PART = 13
"""Into how many parts the extent of a block is divided at once, at most."""

type JSON = Mapping[str, Any]
type Region = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """How an array is cut.

    Attributes
    ----------
    chunks
        Shape of what is read at once.
    shards
        Shape of what is stored as one object; `None` where that is the chunk.
    """

    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None = None

    @property
    def stored(self) -> tuple[int, ...]:
        """Shape of what is stored as one object."""
        return self.chunks if self.shards is None else self.shards

    def objects(self, shape: Sequence[int]) -> int:
        """Return how many objects an array of this shape is stored as."""
        return math.prod(math.ceil(size / step) for size, step in zip(shape, self.stored, strict=True))


def cut(
    shape: Sequence[int],
    itemsize: int,
    *,
    chunks: int | Sequence[int] | None = None,
    shards: int | Sequence[int] | None = None,
    blocks: Sequence[Sequence[int]] | None = None,
) -> Grid:
    """Choose chunks and shards.

    Chunks are about 1 MiB, all axes being cut alike, so that a row and a column cost much the same. What is larger is
    stored in shards of up to 32 MiB, of which single chunks are read by range.

    Parameters
    ----------
    shape
        Of the array.
    itemsize
        Bytes of an element.
    chunks
        Shape of a chunk, or one number for all axes; `None` to choose it.
    shards
        Shape of a shard likewise; `None` to choose it, that of the chunks for no shards.
    blocks
        Extents along each axis of the blocks that lazy data come in, which become shards if they are of a fit size, so
        that none is made twice; `None` where data are at hand.

    Raises
    ------
    InvalidInputError
        When they do not fit the array or each other.

    Examples
    --------
    >>> cut((1000, 1000), 8)
    Grid(chunks=(250, 500), shards=(1000, 1000))
    >>> cut((16384, 16384), 8).objects((16384, 16384))
    64
    """
    if chunks is None and shards is None and blocks is not None:
        block = tuple(max(each, default=0) for each in blocks)
        regular = all(size == whole for each, whole in zip(blocks, block, strict=True) for size in each[:-1])
        if regular and CHUNK < math.prod(block) * itemsize <= 2 * SHARD:
            parts = _divided(block, itemsize)
            return Grid(parts, None if parts == block else block)
    chosen = _chosen(shape, itemsize) if chunks is None else _given("chunks", chunks, shape)
    if shards is not None:
        wanted = _given("shards", shards, shape)
        if chunks is None:
            chosen = tuple(math.gcd(*pair) for pair in zip(wanted, chosen, strict=True))
        if any(shard % chunk for shard, chunk in zip(wanted, chosen, strict=True)):
            raise InvalidInputError(f"shards {wanted} are no multiples of chunks {chosen} along each axis")
    else:
        wanted = _grown(chosen, shape, itemsize)
    return Grid(chosen, None if wanted == chosen else wanted)


def slabs(shape: Sequence[int], step: Sequence[int]) -> Iterator[Region]:
    """Yield the regions of an array that are stored as one object each, in order.

    Examples
    --------
    >>> list(slabs((5,), (2,)))
    [(slice(0, 2, None),), (slice(2, 4, None),), (slice(4, 5, None),)]
    """
    if not shape:
        yield ()
        return
    for start in range(0, shape[0], step[0]):
        first = slice(start, min(start + step[0], shape[0]))
        yield from ((first, *rest) for rest in slabs(shape[1:], step[1:]))


def _chosen(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    chunk = [max(size, 1) for size in shape]
    while math.prod(chunk) * itemsize > CHUNK and max(chunk) > 1:
        longest = chunk.index(max(chunk))
        chunk[longest] = math.ceil(chunk[longest] / 2)
    return tuple(chunk)


def _divided(block: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Return the chunk of a block: what divides it, as near to the size aimed at as that is possible."""
    chunk = list(block)
    while math.prod(chunk) * itemsize > CHUNK:
        factors = {
            axis: next((each for each in range(2, _LARGEST_PART + 1) if size % each == 0), 0)
            for axis, size in enumerate(chunk)
        }
        divisible = [axis for axis, factor in factors.items() if factor]
        if not divisible:
            break
        longest = max(divisible, key=chunk.__getitem__)
        chunk[longest] //= factors[longest]
    return tuple(chunk)


def _grown(chunk: tuple[int, ...], shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Return the shard of chunks: doubled along the axis where most are, for as long as it stays small enough."""
    shard = list(chunk)
    while math.prod(shard) * 2 * itemsize <= SHARD:
        most = max(range(len(shard)), key=lambda axis: math.ceil(shape[axis] / shard[axis]), default=None)
        if most is None or shard[most] >= shape[most]:
            break
        shard[most] = min(shard[most] * 2, math.ceil(shape[most] / chunk[most]) * chunk[most])
    return tuple(shard)


def _given(what: str, given: int | Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    try:
        sizes = tuple(map(index, given if isinstance(given, Iterable) else [given] * len(shape)))
    except TypeError:  # of no whole number
        sizes = (0,)
    if len(sizes) != len(shape) or any(step < 1 for step in sizes):
        right = "one size per axis, or one number for all"
        raise InvalidInputError(f"{what} {given!r} do not fit an array of shape {tuple(shape)}: {right}")
    return sizes


# -- keys ---------------------------------------------------------------------------------------------------------------


def _encoding(document: JSON) -> tuple[str, str]:
    """Return name and separator of how an array names its chunks."""
    said = document.get("chunk_key_encoding")
    said = said if isinstance(said, Mapping) else {}
    name = said.get("name", "default")
    configuration = said.get("configuration")
    usual = "/" if name == "default" else "."
    return str(name), str((configuration or {}).get("separator", usual)) if isinstance(
        configuration, Mapping
    ) else usual


def chunk_key(document: JSON, place: Sequence[int]) -> str:
    """Return the key of the chunk at a place of the grid, relative to the array.

    Examples
    --------
    >>> chunk_key({"chunk_key_encoding": {"name": "default"}}, (0, 3))
    'c/0/3'
    """
    name, separator = _encoding(document)
    parts = [str(each) for each in place]
    if name == "default":
        return separator.join(["c", *parts])
    return separator.join(parts) or "0"


def count_of_chunks(document: JSON) -> int | None:
    """Return how many files the chunks of an array are stored as, if none is left out; `None` for an unknown grid.

    Examples
    --------
    >>> count_of_chunks({"shape": [5, 4], "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 4]}}})
    3
    """
    counts = _counts(document)
    return None if counts is None else math.prod(counts)


def _counts(document: JSON) -> list[int] | None:
    """Return how many chunks there are along each axis; `None` for an unknown grid."""
    try:
        steps = document["chunk_grid"]["configuration"]["chunk_shape"]
        counts = [math.ceil(size / step) for size, step in zip(document["shape"], steps, strict=True)]
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    known = _encoding(document)[0] in {"default", "v2"} and document["chunk_grid"].get("name") == "regular"
    return counts if known else None


def is_chunk(document: JSON, key: str) -> bool:
    """Tell whether a key, relative to an array, is that of one of its chunks; of an unknown grid, all may be.

    Examples
    --------
    >>> document = {"shape": [4], "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}}}
    >>> [is_chunk(document, key) for key in ("c/1", "c/2", "c.1", "left")]
    [True, False, False, False]
    """
    counts = _counts(document)
    if counts is None:
        return True
    places = [int(each) for each in re.findall(r"\d+", key)]
    if not counts:
        return key == chunk_key(document, ())
    inside = len(places) == len(counts) and all(place < count for place, count in zip(places, counts, strict=True))
    return inside and key == chunk_key(document, places)


def is_part(documents: Mapping[str, JSON], path: str) -> bool:
    """Tell whether a file, named by its path in the hierarchy, is a document or a chunk of these groups and arrays."""
    parent, _, name = path.rpartition("/")
    if name == "zarr.json":
        return parent in documents
    parts = path.split("/")
    for depth in range(len(parts) - 1, 0, -1):
        found = documents.get("/".join(parts[:depth]))
        if found is not None:
            return found.get("node_type") == "array" and is_chunk(found, "/".join(parts[depth:]))
    return False


def keys_beside(document: JSON, older: JSON) -> JSON:
    """Return the document of an array, with keys of chunks that meet none of an older array at the same place."""
    taken = _footprint(older)
    if _footprint(document) != taken:
        return document
    candidates = ({**document, "chunk_key_encoding": each} for each in _ENCODINGS)
    return next(each for each in candidates if _footprint(each) != taken)


_ENCODINGS: tuple[JSON, ...] = tuple(
    {"name": name, "configuration": {"separator": separator}}
    for name, separator in (("default", "/"), ("default", "."), ("v2", "."))
)


def _footprint(document: JSON) -> str:
    """Return what the keys of all chunks begin with: arrays with different ones never meet."""
    if document.get("node_type") != "array":
        return ""
    name, separator = _encoding(document)
    if name != "default":
        return "0"
    return "c" if separator == "/" or not document.get("shape") else "c."
