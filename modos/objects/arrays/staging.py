"""A zarr store for what an edit writes beneath one element: documents are kept, chunks go to the storage as they come.

Owns what zarr is told is there, without asking, and where its keys are stored. Knows no library but zarr.
"""

import json
from asyncio import to_thread
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype

from modos.errors import InvalidElementError, KeyNotFoundError
from modos.model.ids import check_name
from modos.objects.arrays.grids import COMPLETE, chunk_key, count_of_chunks, is_chunk, keys_beside
from modos.objects.arrays.uploads import Uploads
from modos.storage import Storage
from modos.storage.hierarchy.store import slice_of

__all__ = ["DOCUMENT", "StagingStore"]

type JSON = dict[str, Any]

DOCUMENT = "zarr.json"

_ROOT = {"zarr_format": 3, "node_type": "group", "attributes": {}}


class StagingStore(Store):
    """The group of an element, as an edit will leave it; nothing is asked that the object has said.

    Chunks are kept until there is a place for them, and then stored in the background. Keys are those of zarr, except
    where they would meet those of an array that the new one takes the place of.

    Parameters
    ----------
    before
        Documents of what the edit takes the place of, by path in the group.
    kept
        Documents of what the edit goes on writing, by path in the group.
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, before: Mapping[str, JSON], kept: Mapping[str, JSON]) -> None:
        super().__init__()
        self._before = before
        self.documents: dict[str, JSON] = {path: _alone(document) for path, document in kept.items()} | {"": _ROOT}
        self.stored: set[str] = set()
        self.waiting: dict[str, bytes] = {}
        self._kept = set(kept)
        self._complete = True
        self._uploads: Uploads | None = None
        self._read: Callable[[str], bytes] | None = None

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self.documents)})"

    __str__ = __repr__

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: ARG002, FBT001, FBT002 - zarr's signature
        """Return the store itself: it is there to be written."""
        return self

    # -- the storage ------------------------------------------------------------------------------------------------

    def attach(self, storage: Storage, place: str) -> Uploads:
        """Store what is waiting, and from now on everything, beneath a directory."""
        uploads = self._uploads = Uploads(storage, place)
        self._read = (storage / place).read
        while self.waiting:
            key, body = self.waiting.popitem()
            uploads.put(key, body)
        return uploads

    def detach(self) -> None:
        """End storing."""
        if self._uploads is not None:
            self._uploads.stop()

    def forget(self, path: str) -> None:
        """Let something that was kept be written anew."""
        for known in [each for each in self.documents if each == path or each.startswith(f"{path}/")]:
            del self.documents[known]
            self._kept.discard(known)

    @contextmanager
    def incomplete(self) -> Iterator[None]:
        """Let someone write who leaves out empty chunks; arrays that turn out to have all of theirs say so."""
        self._complete = False
        try:
            yield
        finally:
            self._complete = True
        counts = Counter(self._array(key) for key in self.stored)
        for path, document in self.documents.items():
            is_new = document["node_type"] == "array" and path not in self._kept
            if is_new and counts[path] == count_of_chunks(document):
                document["modos"] = dict(COMPLETE)

    # -- zarr's verbs -----------------------------------------------------------------------------------------------

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a value or a range of it, `None` when there is none."""
        start, end = slice_of(byte_range)
        body = self._document(key) if _is_document(key) else await self._chunk(self._target(key))
        return None if body is None else prototype.buffer.from_bytes(body[start:end])

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> "list[Buffer | None]":
        """Return several values or ranges of them."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        """Tell whether there is a value."""
        return self._path(key) in self.documents if _is_document(key) else self._target(key) in self.stored

    async def set(self, key: str, value: Buffer) -> None:
        """Keep a document; store a chunk, once there is room."""
        body = value.to_bytes()
        if _is_document(key):
            self._keep(self._path(key), _parsed(body))
            return
        target = self._target(key)
        self._refuse_meeting(target)
        self.stored.add(target)
        if self._uploads is None:
            self.waiting[target] = body
        else:
            await to_thread(self._uploads.put, target, body)

    async def delete(self, key: str) -> None:
        """Forget a value; a missing one is no error."""
        if _is_document(key):
            self.documents.pop(self._path(key), None)
        else:
            self.stored.discard(self._target(key))
            self.waiting.pop(self._target(key), None)

    async def delete_dir(self, prefix: str) -> None:
        """Forget all documents beneath a directory."""
        if prefix:
            self.forget(prefix.rstrip("/"))

    async def list(self) -> AsyncIterator[str]:
        """Yield the keys of all documents."""
        for path in list(self.documents):
            yield f"{path}/{DOCUMENT}".lstrip("/")

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys of all documents that begin like this."""
        async for key in self.list():
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names one level beneath a directory."""
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        names = {key[len(start) :].partition("/")[0] async for key in self.list_prefix(start)}
        for name in sorted(names):
            yield name

    # -- what it keeps ----------------------------------------------------------------------------------------------

    def _keep(self, path: str, document: JSON) -> None:
        known = self.documents.get(path)
        if known is None:
            for name in path.split("/"):
                check_name(name)
            self._refuse_meeting(path)
        if document["node_type"] == "array" and path not in self._kept:
            if known is None:
                document = dict(keys_beside(document, self._before.get(path, {})))
            else:
                document["chunk_key_encoding"] = known["chunk_key_encoding"]
            if self._complete:
                document["modos"] = dict(COMPLETE)
        self.documents[path] = _alone(document)

    def _refuse_meeting(self, path: str) -> None:
        """Refuse a name that a chunk has of the array that this takes the place of, as a scalar's may be."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            older = self._before.get(above)
            if older is None or above in self._kept or older["node_type"] != "array":
                continue
            if any(is_chunk(older, "/".join(parts[depth:end])) for end in range(depth + 1, len(parts) + 1)):
                reason = f"{path!r} would meet a chunk of the array {above!r}; remove that first"
                raise InvalidElementError(reason)

    def _document(self, key: str) -> bytes | None:
        found = self.documents.get(self._path(key))
        return None if found is None else json.dumps(found).encode()

    async def _chunk(self, target: str) -> bytes | None:
        if target in self.waiting:
            return self.waiting[target]
        if self._uploads is None or self._read is None or not self._may_be_there(target):
            return None
        under_way = self._uploads.under_way.get(target)
        if under_way is not None:
            return under_way
        try:
            return await to_thread(self._read, target)
        except KeyNotFoundError:
            return None

    def _may_be_there(self, target: str) -> bool:
        return target in self.stored or self._array(target) in self._kept

    def _array(self, key: str) -> str:
        """Return the path of the array that a key belongs to; `""` for none."""
        path = key
        while path := path.rpartition("/")[0]:
            if self.documents.get(path, {}).get("node_type") == "array":
                return path
        return ""

    def _target(self, key: str) -> str:
        """Return where a chunk is stored that zarr names by its default."""
        path = self._array(key)
        parts = key[len(path) + 1 :].split("/")
        if not path or parts[0] != "c":
            return key
        return f"{path}/{chunk_key(self.documents[path], [int(part) for part in parts[1:]])}"

    @staticmethod
    def _path(key: str) -> str:
        return key.removesuffix(DOCUMENT).rstrip("/")


def _alone(document: JSON) -> JSON:
    """Return a document without those of what is nested in it, which this store has."""
    return {key: value for key, value in document.items() if key != "consolidated_metadata"}


def _parsed(body: bytes) -> JSON:
    def refuse(value: str) -> None:
        reason = f"an attribute is {value}, which JSON does not have; write it as text or leave it out"
        raise InvalidElementError(reason)

    document: JSON = json.loads(body, parse_constant=refuse)
    return document


def _is_document(key: str) -> bool:
    return key.rpartition("/")[2] == DOCUMENT
