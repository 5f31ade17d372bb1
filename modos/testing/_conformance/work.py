"""The promises about a storage as a whole: reading only, transfers, the zarr hierarchy, and the async twins.

Owns those tests. Must not know any backend.
"""

import asyncio
import copy
import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest

from modos.errors import KeyNotFoundError, ReadOnlyError
from modos.storage import ROOT_DOCUMENT, ObjectInfo, Storage
from modos.storage.sources import Source
from modos.testing._conformance.suite import BODY, StorageSuite, listed

__all__ = ["AsynchronousTests", "ReadOnlyTests", "ZarrReadingTests", "ZarrTests"]

_WRITES: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: storage.put(b"new", "new"),
    "replace": lambda storage: storage.put(b"new", "demo"),
    "copy": lambda storage: storage.copy("demo", "new"),
    "move": lambda storage: storage.move("demo", "new"),
    "remove": lambda storage: storage.remove("demo"),
    "remove_many": lambda storage: storage.remove_many(["demo"]),
    "remove_tree": lambda storage: storage.remove_tree(),
    "remove_tree of a directory": lambda storage: storage.remove_tree("dir"),
    "sign": lambda storage: storage.sign("demo", expires_in=60, method="PUT"),
    "beneath": lambda storage: (storage / "dir").put(b"new", "new"),
}


def _group(**attributes: object) -> bytes:
    return json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes}).encode()


def _only_reading(storage: Storage) -> Storage:
    twin = copy.copy(storage)
    twin.read_only = True
    return twin


class ReadOnlyTests(StorageSuite):
    """Storages that only read, and copying all of a storage."""

    @pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
    def test_every_write_is_refused(self, storage: Storage, write: Callable[[Storage], object]) -> None:
        """A storage for reading raises ReadOnlyError at every write, stays as it is, and reads."""
        self.put_many_raw(storage, ["demo", "dir/file"], BODY)
        reading = _only_reading(storage)
        with pytest.raises(ReadOnlyError) as caught:
            write(reading)
        assert isinstance(caught.value, PermissionError)
        assert listed(reading) == ["demo", "dir/file"]
        assert reading.read("demo") == BODY

    def test_a_storage_for_reading_is_another(self, storage: Storage) -> None:
        """Reading only is part of what makes two storages equal, and survives pickling."""
        reading = _only_reading(storage)
        assert reading != storage
        assert pickle.loads(pickle.dumps(reading)).read_only  # noqa: S301 - our own pickle

    def test_transfer_copies_everything(
        self, storage: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every file arrives, the root document of the zarr hierarchy last."""
        names = ["z.txt", "data.zarr/sample/zarr.json", ROOT_DOCUMENT, "a b+c/ü.bin"]
        for name in names:
            self.put_raw(storage, name, name.encode())
        arrived: list[str] = []
        put = other.put

        def recorded(source: Source, name: str | PurePath) -> ObjectInfo:
            arrived.append(str(name))
            return put(source, name)

        monkeypatch.setattr(other, "put", recorded)
        storage.transfer(other)
        assert sorted(arrived) == sorted(names)
        assert arrived[-1] == ROOT_DOCUMENT
        assert {name: other.read(name) for name in names} == {name: name.encode() for name in names}

    def test_transfer_arrives(self, storage: Storage, other: Storage) -> None:
        """What comes from another storage is stored here under the same names."""
        other.put(BODY, "reads/demo.bin")
        other.put(_group(), ROOT_DOCUMENT)
        other.transfer(storage)
        assert listed(storage) == [ROOT_DOCUMENT, "reads/demo.bin"]
        assert self.get_raw(storage, "reads/demo.bin") == BODY


class ZarrReadingTests(StorageSuite):
    """The hierarchy at `data.zarr`, as it is read."""

    def test_a_missing_hierarchy_is_not_found(self, storage: Storage) -> None:
        """`zarr` raises KeyNotFoundError where there is none, and creates nothing."""
        with pytest.raises(KeyNotFoundError) as caught:
            _ = storage.zarr
        assert caught.value.url == storage.url_of(ROOT_DOCUMENT)
        assert storage.empty()

    def test_an_existing_hierarchy_opens_without_writing(self, storage: Storage) -> None:
        """`zarr` is the root group, opened once; opening and looking write nothing."""
        self.put_raw(storage, ROOT_DOCUMENT, _group(id="ex", name="naïve"))
        self.put_raw(storage, "data.zarr/sample/zarr.json", _group(title="samples"))
        assert dict(storage.zarr.attrs) == {"id": "ex", "name": "naïve"}
        assert dict(storage.zarr["sample"].attrs) == {"title": "samples"}
        assert storage.zarr is storage.zarr
        assert "missing" not in storage.zarr
        assert listed(storage) == ["data.zarr/sample/zarr.json", ROOT_DOCUMENT]
        assert storage.read(ROOT_DOCUMENT) == _group(id="ex", name="naïve")


class ZarrTests(StorageSuite):
    """The hierarchy at `data.zarr`, as it is written."""

    def test_an_array_is_written_and_read(self, storage: Storage) -> None:
        """An array stored through `zarr` is read back, by range too, also by a storage opened later."""
        import numpy as np

        self.put_raw(storage, ROOT_DOCUMENT, _group())
        counts = np.arange(600, dtype="int32").reshape(20, 30)
        array = storage.zarr.create_array("counts", shape=counts.shape, chunks=(7, 30), dtype=counts.dtype)
        array[:] = counts
        later: Any = pickle.loads(pickle.dumps(storage))  # noqa: S301 - our own pickle
        assert (later.zarr["counts"][:] == counts).all()
        assert (later.zarr["counts"][5:9, 2:4] == counts[5:9, 2:4]).all()
        assert storage.exists("data.zarr/counts/c/0/0")

    def test_a_replaced_root_document_is_read_anew(self, storage: Storage) -> None:
        """`zarr` never shows the hierarchy of a root document that this storage has replaced or removed."""
        self.put_raw(storage, ROOT_DOCUMENT, _group(id="old"))
        assert storage.zarr.attrs["id"] == "old"
        storage.put(_group(id="new"), ROOT_DOCUMENT)
        assert storage.zarr.attrs["id"] == "new"
        storage.remove_tree("data.zarr")
        with pytest.raises(KeyNotFoundError):
            _ = storage.zarr

    def test_a_hierarchy_for_reading_is_not_written(self, storage: Storage) -> None:
        """The hierarchy of a storage that only reads takes no group and no attribute."""
        self.put_raw(storage, ROOT_DOCUMENT, _group(id="ex"))
        reading = _only_reading(storage)
        with pytest.raises(ValueError, match="read"):
            reading.zarr.create_group("sample")
        assert listed(storage) == [ROOT_DOCUMENT]


class AsynchronousTests(StorageSuite):
    """The verbs with the suffix `_async`."""

    def test_every_verb_has_a_twin(self, storage: Storage) -> None:
        """Whatever asks the storage something can be awaited."""
        values = {"path", "url", "url_of", "from_url", "zarr", "filesystem", "read_only", "transfer"}
        values |= {"parts", "to_fsspec", "to_pyarrow", "upath"}  # they ask nothing
        verbs = {name for name, _ in inspect.getmembers_static(type(storage)) if not name.startswith("_")}
        assert {name for name in verbs - values if not name.endswith("_async")} == {
            name.removesuffix("_async") for name in verbs if name.endswith("_async")
        }

    def test_twins_agree(self, storage: Storage) -> None:
        """What is written by one is read by the other, and they raise the same errors."""

        async def story() -> None:
            info = await storage.put_async(BODY, "dir/demo")
            assert info == storage.put(BODY, "dir/demo") or info.size == len(BODY)
            assert await storage.exists_async("dir/demo")
            assert await storage.stat_async("dir/demo") == storage.stat("dir/demo")
            assert await storage.read_async("dir/demo", 2, -2) == BODY[2:-2]
            assert list(await storage.read_ranges_async("dir/demo", [(5, 9), (0, 2)])) == [BODY[5:9], BODY[:2]]
            assert [str(path) async for path in storage.list_async()] == ["dir/demo"]
            assert [str(path) async for path in storage.list_dir_async()] == ["dir"]
            assert [info.size async for info in storage.scan_async("dir")] == [len(BODY)]
            with await storage.open_async("dir/demo") as file:
                assert await asyncio.to_thread(file.read, 4) == BODY[:4]
            await storage.copy_async("dir/demo", "copied")
            await storage.move_async("copied", "moved")
            assert listed(storage) == ["dir/demo", "moved"]
            with pytest.raises(KeyNotFoundError):
                await storage.read_async("missing")
            await storage.remove_async("moved")
            await storage.remove_many_async(["missing", "dir/demo"])
            await storage.put_async(BODY, "tree/leaf")
            await storage.remove_tree_async("tree")
            assert await storage.empty_async()

        asyncio.run(story())

    def test_twins_run_at_once(self, storage: Storage) -> None:
        """Many may be awaited together, in one event loop after another."""

        async def story(directory: str) -> list[bytes]:
            names = [f"{directory}/{number}" for number in range(20)]
            await asyncio.gather(*(storage.put_async(name.encode(), name) for name in names))
            return await asyncio.gather(*(storage.read_async(name) for name in names))

        for directory in ("first", "second"):
            assert asyncio.run(story(directory)) == [f"{directory}/{number}".encode() for number in range(20)]

    def test_an_async_listing_may_be_left_early(self, storage: Storage) -> None:
        """Leaving the loop over an async listing ends it."""
        self.put_many_raw(storage, ["a", "b", "c"])

        async def first() -> PurePosixPath:
            async for path in storage.list_async():
                return path
            raise AssertionError

        assert str(asyncio.run(first())) in {"a", "b", "c"}
