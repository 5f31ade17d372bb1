"""A zarr store for reading what an object says: its documents are at hand, only chunks are asked for.

Owns that reading takes no request for metadata, and that a chunk which must be there is missed. Writes nothing.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from modos.errors import ReadOnlyError
from modos.objects.snapshot import Snapshot
from modos.storage import ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import member_document
from modos.storage.hierarchy.store import StorageStore

if TYPE_CHECKING:
    from modos.model import ElementId

__all__ = ["SaidStore", "node_of"]

_DOCUMENT = "zarr.json"


def node_of(storage: Storage, said: Snapshot, element: "ElementId", name: str) -> "zarr.Array[Any] | zarr.Group":
    """Return an array or group of an element as zarr has it, without a request.

    Parameters
    ----------
    storage
        The root of the object.
    said
        What it says.
    element, name
        Which; the name has to be there.
    """
    store = SaidStore(storage, said, str(element))
    if said.others[f"{element}/{name}"]["node_type"] == "array":
        return zarr.open_array(store, path=name, mode="r", zarr_format=3)
    return zarr.open_group(store, path=name, mode="r", zarr_format=3, use_consolidated=False)


class SaidStore(StorageStore):
    """The group of an element, as the object said it was when it was read.

    Parameters
    ----------
    storage
        The root of the object.
    said
        What it says.
    element
        Full id of the element.
    """

    def __init__(self, storage: Storage, said: Snapshot, element: str) -> None:
        super().__init__(storage / ZARR_ROOT / element, read_only=True)
        start = f"{element}/"
        self._documents: Mapping[str, Mapping[str, Any]] = {
            "": {"zarr_format": 3, "node_type": "group", "attributes": {}},
            **{path.removeprefix(start): found for path, found in said.others.items() if path.startswith(start)},
        }

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002 - zarr's signature
        """Return the store itself, which is for reading.

        Raises
        ------
        ReadOnlyError
            When it is to be written.
        """
        if not read_only:
            raise ReadOnlyError(self._storage.url, "arrays are written by add_array and append_array")
        return self

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a document from memory; a chunk, or a range of it, from the storage.

        Raises
        ------
        IntegrityError
            When a chunk is not there that is.
        """
        path, _, name = key.rpartition("/")
        if name == _DOCUMENT:
            found = self._documents.get(path)
            return None if found is None else prototype.buffer.from_bytes(_body(found))
        if name.startswith(".z"):
            return None  # of format 2, which is looked for now and then
        return await super().get(key, prototype, byte_range)

    async def exists(self, key: str) -> bool:
        """Tell whether there is a value."""
        path, _, name = key.rpartition("/")
        return path in self._documents if name == _DOCUMENT else await super().exists(key)

    async def list(self) -> AsyncIterator[str]:
        """Yield the keys of all documents."""
        for path in self._documents:
            yield f"{path}/{_DOCUMENT}".lstrip("/")

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

    def _document(self, path: str) -> Mapping[str, Any] | None:
        return self._documents.get(path)


def _body(document: Mapping[str, Any]) -> bytes:
    if document["node_type"] == "group":
        return member_document(document)
    return json.dumps(document).encode()
