"""The promises about writing: whole or not at all, from any source, and what copying, moving and removing leave.

Owns those tests. Must not know any backend.
"""

import hashlib
import io
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from modos.errors import InvalidInputError, KeyChangedError, KeyExistsError, StorageError
from modos.storage import Storage
from modos.storage.base import Method
from modos.storage.sources import Source
from modos.testing._conformance.suite import BODY, LONG, StorageSuite, listed, long_chunks

__all__ = ["MovingTests", "WritingTests"]

type MakeSource = Callable[[Path], Source]


def _path_source(scratch: Path) -> Path:
    place = scratch / "source.bin"
    place.write_bytes(BODY)
    return place


SOURCES: dict[str, MakeSource] = {
    "bytes": lambda _: BODY,
    "bytearray": lambda _: bytearray(BODY),
    "memoryview": lambda _: memoryview(BODY),
    "array": lambda _: array("d", BODY),
    "path": _path_source,
    "file": lambda _: io.BytesIO(BODY),
    "list": lambda _: [BODY[:10], b"", BODY[10:]],
    "iterator": lambda _: (BODY[start : start + 100] for start in range(0, len(BODY), 100)),
}

EMPTY_SOURCES: dict[str, MakeSource] = {
    "bytes": lambda _: b"",
    "file": lambda _: io.BytesIO(),
    "list": lambda _: [],
    "iterator of nothing": lambda _: iter([b"", b""]),
}

NO_SOURCES: dict[str, object] = {
    "nothing": None,
    "a number": 5,
    "numbers": [1, 2, 3],
    "text in a list": ["ACGT"],
}


class _SourceBrokeError(Exception):
    """What the source of a test raises in the middle."""


def _breaking(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks
    raise _SourceBrokeError


def _digest(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


class WritingTests(StorageSuite):
    """Storing files."""

    @pytest.mark.parametrize("make_source", SOURCES.values(), ids=SOURCES)
    def test_any_source_is_stored(self, storage: Storage, tmp_path: Path, make_source: MakeSource) -> None:
        """Bytes, a path, a binary file and an iterable of bytes are stored alike; `put` tells what `stat` tells."""
        info = storage.put(make_source(tmp_path), "reads/demo.bin")
        assert self.get_raw(storage, "reads/demo.bin") == BODY
        known = storage.stat("reads/demo.bin")
        assert (info.path, info.size, info.etag) == (PurePosixPath("reads/demo.bin"), len(BODY), known.etag)
        assert info.size == known.size

    @pytest.mark.parametrize("make_source", EMPTY_SOURCES.values(), ids=EMPTY_SOURCES)
    def test_nothing_is_stored_as_an_empty_file(
        self, storage: Storage, tmp_path: Path, make_source: MakeSource
    ) -> None:
        """A source without bytes makes an empty file, which exists."""
        assert storage.put(make_source(tmp_path), "empty").size == 0
        assert self.get_raw(storage, "empty") == b""
        assert listed(storage) == ["empty"]

    def test_a_file_is_read_from_where_it_stands(self, storage: Storage) -> None:
        """A file that was read in part is stored from there on, and left open."""
        source = io.BytesIO(BODY)
        source.seek(100)
        storage.put(source, "rest")
        assert self.get_raw(storage, "rest") == BODY[100:]
        assert not source.closed

    def test_text_is_no_source(self, storage: Storage) -> None:
        """A file's name given as the source is a TypeError, not its characters stored."""
        with pytest.raises(TypeError, match="Path"):
            storage.put("name.txt", "demo")  # type: ignore[arg-type]
        assert storage.empty()

    @pytest.mark.parametrize("source", NO_SOURCES.values(), ids=NO_SOURCES)
    def test_what_holds_no_bytes_is_no_source(self, storage: Storage, source: Any) -> None:  # noqa: ANN401 - of any wrong type
        """Numbers, and lists of them or of text, are a TypeError: a number is not stored as so many zeros."""
        with pytest.raises(TypeError, match="a source is bytes, a path, a binary file or an iterable of bytes"):
            storage.put(source, "demo")
        assert storage.empty()

    def test_a_long_body_is_streamed(self, storage: Storage) -> None:
        """A body longer than what goes in one request arrives whole, and shows nothing but its name."""
        info = storage.put(long_chunks(), "reads/long.bin")
        assert info.size == LONG
        assert storage.stat("reads/long.bin").size == LONG
        with storage.open("reads/long.bin") as file:
            assert _digest(iter(lambda: file.read(1024 * 1024), b"")) == _digest(long_chunks())
        assert storage.read("reads/long.bin", -3) == list(long_chunks())[-1][-3:]
        assert listed(storage) == ["reads/long.bin"]
        storage.remove("reads/long.bin")
        assert storage.empty()

    @pytest.mark.parametrize("size", [0, 100, 9 * 1024 * 1024, LONG])
    @pytest.mark.parametrize("old", [None, b"old content"])
    def test_a_source_that_breaks_changes_nothing(self, storage: Storage, size: int, old: bytes | None) -> None:
        """When the source raises midway, its own error comes out, the old content stays, and no name appears."""
        if old is not None:
            self.put_raw(storage, "demo.bin", old)
        with pytest.raises(_SourceBrokeError):
            storage.put(_breaking(long_chunks(size)), "demo.bin")
        assert self.get_raw(storage, "demo.bin") == old
        assert listed(storage) == ([] if old is None else ["demo.bin"])

    def test_a_source_that_is_missing_is_the_sources_error(self, storage: Storage, tmp_path: Path) -> None:
        """A missing source is not taken for a missing target: the plain FileNotFoundError names the source."""
        with pytest.raises(FileNotFoundError, match=r"no-such-source") as caught:
            storage.put(tmp_path / "no-such-source", "demo.bin")
        assert not isinstance(caught.value, StorageError)
        assert storage.empty()

    def test_put_replaces(self, storage: Storage) -> None:
        """A second `put` replaces the first, long by short and short by long."""
        storage.put(long_chunks(9 * 1024 * 1024), "demo.bin")
        storage.put(b"short", "demo.bin")
        assert storage.read("demo.bin") == b"short"
        storage.put(long_chunks(9 * 1024 * 1024), "demo.bin")
        assert storage.stat("demo.bin").size == 9 * 1024 * 1024
        assert listed(storage) == ["demo.bin"]

    @pytest.mark.parametrize("size", [10, 9 * 1024 * 1024])
    def test_create_refuses_to_replace(self, storage: Storage, size: int) -> None:
        """Mode `create` stores what is not there, and raises KeyExistsError where something is, which stays."""
        self.put_raw(storage, "demo", b"old")
        with pytest.raises(KeyExistsError) as caught:
            storage.put(long_chunks(size), "demo", mode="create")
        assert isinstance(caught.value, FileExistsError)
        assert caught.value.url == storage.url_of("demo")
        assert self.get_raw(storage, "demo") == b"old"
        storage.put(long_chunks(size), "new", mode="create")
        assert storage.stat("new").size == size
        assert listed(storage) == ["demo", "new"]

    def test_a_mode_that_there_is_not_replaces_nothing(self, storage: Storage) -> None:
        """A misspelt `create` is a mistake, and not taken for leave to replace what is there."""
        self.put_raw(storage, "demo", b"old")
        for mode in ("creat", "x", None):
            with pytest.raises(InvalidInputError, match="known are overwrite, create"):
                storage.put(BODY, "demo", mode=mode)  # type: ignore[arg-type]
        assert self.get_raw(storage, "demo") == b"old"

    @pytest.mark.parametrize("size", [10, 9 * 1024 * 1024])
    def test_what_is_unchanged_is_replaced(self, storage: Storage, size: int) -> None:
        """With `if_match` a file is replaced while it has that ETag, and stays when it has changed or is gone."""
        first = storage.put(b"first", "demo")
        if not self.replaces_unchanged:
            with pytest.raises(StorageError, match="unchanged"):
                storage.put(long_chunks(size), "demo", if_match=first.etag or "tag")
            assert self.get_raw(storage, "demo") == b"first"
            return
        second = storage.put(long_chunks(size), "demo", if_match=first.etag)
        assert storage.stat("demo").etag == second.etag
        assert storage.stat("demo").size == size
        for target in ("demo", "missing"):
            with pytest.raises(KeyChangedError) as caught:
                storage.put(long_chunks(size + 1), target, if_match=first.etag)
            assert caught.value.url == storage.url_of(target)
        assert storage.stat("demo") == second or storage.stat("demo").size == size
        assert listed(storage) == ["demo"]

    def test_new_and_unchanged_exclude_each_other(self, storage: Storage) -> None:
        """`mode="create"` with `if_match` is a contradiction, and stores nothing."""
        with pytest.raises(InvalidInputError, match="both"):
            storage.put(BODY, "demo", mode="create", if_match="tag")
        assert storage.empty()

    @pytest.mark.parametrize("size", [10, 9 * 1024 * 1024])
    def test_content_type_and_metadata_are_kept(self, storage: Storage, size: int) -> None:
        """Where the service keeps them, `stat` tells the content type and metadata that `put` was given."""
        metadata = {"sample": "demo 1; v=2", "note": "a+b%20c"}
        storage.put(long_chunks(size), "demo", content_type="application/x-bam", metadata=metadata)
        info = storage.stat("demo")
        assert info.size == size
        if self.keeps_metadata:
            assert (info.content_type, dict(info.metadata)) == ("application/x-bam", metadata)

    @pytest.mark.parametrize("metadata", [{"run": 7}, {7: "run"}, ["run"]])
    def test_metadata_are_text(self, storage: Storage, metadata: Any) -> None:  # noqa: ANN401 - of any wrong type
        """Numbers among metadata are refused everywhere, and nothing is stored."""
        with pytest.raises(InvalidInputError, match="metadata"):
            storage.put(BODY, "demo", metadata=metadata)
        assert storage.empty()

    @pytest.mark.parametrize("size", [10, 9 * 1024 * 1024])
    def test_metadata_beyond_ascii_is_kept_or_refused(self, storage: Storage, size: int) -> None:
        """Unicode comes back as it was given, or InvalidInputError says that it cannot be stored."""
        metadata = {"species": "naïve 日本 🧬"}
        if not self.keeps_unicode_metadata:
            with pytest.raises(InvalidInputError, match="ASCII"):
                storage.put(long_chunks(size), "demo", metadata=metadata)
            assert storage.empty()
            return
        storage.put(long_chunks(size), "demo", metadata=metadata)
        if self.keeps_metadata:
            assert dict(storage.stat("demo").metadata) == metadata

    def test_writers_at_once_do_not_mix(self, storage: Storage) -> None:
        """Of several writers to one name one wins whole, and writers to other names are not disturbed."""
        bodies = [bytes([65 + number]) * 50_000 for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda body: storage.put(body, "same"), bodies))
            list(pool.map(lambda body: storage.put(body, f"own/{body[:1].decode()}"), bodies))
        assert self.get_raw(storage, "same") in bodies
        assert [self.get_raw(storage, f"own/{body[:1].decode()}") for body in bodies] == bodies

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_a_signed_url_needs_no_credentials(self, storage: Storage, method: str) -> None:
        """Whoever holds a signed URL reads or writes that file; a storage without them says so."""
        from urllib.request import Request, urlopen

        name = self.signed_name
        self.put_raw(storage, name, BODY)
        verb: Method = "GET" if method == "GET" else "PUT"
        if method not in self.signs:
            with pytest.raises(StorageError, match="sign"):
                storage.sign(name, expires_in=60, method=verb)
            return
        url = storage.sign(name, expires_in=60, method=verb)
        given = {"data": b"signed", "headers": dict(self.signed_put_headers)} if method == "PUT" else {}
        request = Request(url, method=method, **given)  # type: ignore[arg-type]  # noqa: S310 - our own URL
        with urlopen(request) as answer:  # noqa: S310 - likewise
            body = answer.read()
        expected = b"signed" if method == "PUT" else BODY
        assert self.get_raw(storage, name) == expected
        assert body == (BODY if method == "GET" else body)

    def test_what_is_signed_is_a_get_or_a_put(self, storage: Storage) -> None:
        """Another method is a mistake on every storage, whether it signs or not."""
        for method in ("HEAD", "get", None):
            with pytest.raises(InvalidInputError, match="known are GET, PUT"):
                storage.sign(self.signed_name, expires_in=60, method=method)  # type: ignore[arg-type]


class MovingTests(StorageSuite):
    """Copying, moving and removing files."""

    def test_copy_leaves_the_source(self, storage: Storage) -> None:
        """A copy has the same bytes, replaces what was there, and tells of the target."""
        self.put_raw(storage, "a", BODY)
        self.put_raw(storage, "deep/b", b"old")
        info = storage.copy("a", "deep/b")
        assert (info.path, info.size) == (PurePosixPath("deep/b"), len(BODY))
        assert self.get_raw(storage, "a") == self.get_raw(storage, "deep/b") == BODY

    def test_copy_takes_metadata_along(self, storage: Storage) -> None:
        """Content type and metadata of a copy are those of the source, where the service keeps them."""
        storage.put(BODY, "a", content_type="application/x-bam", metadata={"sample": "s1"})
        info = storage.copy("a", "b")
        assert info.size == len(BODY)
        if self.keeps_metadata:
            assert (info.content_type, dict(info.metadata)) == ("application/x-bam", {"sample": "s1"})

    def test_a_long_file_is_copied_and_moved(self, storage: Storage) -> None:
        """What was stored in parts is copied and moved whole, and lives on when its source is removed."""
        storage.put(long_chunks(), "long")
        storage.copy("long", "copied")
        storage.remove("long")
        storage.move("copied", "moved")
        assert listed(storage) == ["moved"]
        with storage.open("moved") as file:
            assert _digest(iter(lambda: file.read(4 * 1024 * 1024), b"")) == _digest(long_chunks())

    def test_move_renames(self, storage: Storage) -> None:
        """The target has the bytes, replaces what was there, and the source is gone."""
        self.put_raw(storage, "dir/a", BODY)
        self.put_raw(storage, "b", b"old")
        assert storage.move("dir/a", "b").size == len(BODY)
        assert self.get_raw(storage, "b") == BODY
        assert listed(storage) == ["b"]
        assert [str(path) for path in storage.list_dir()] == ["b"]

    def test_onto_itself_nothing_changes(self, storage: Storage) -> None:
        """Copying or moving a file onto itself keeps it."""
        self.put_raw(storage, "a", BODY)
        assert storage.copy("a", "a").size == storage.move("a", "a").size == len(BODY)
        assert self.get_raw(storage, "a") == BODY

    def test_a_missing_source_leaves_the_target(self, storage: Storage) -> None:
        """Copying or moving what is not there does not touch what is at the target."""
        self.put_raw(storage, "b", b"old")
        for verb in (storage.copy, storage.move):
            with pytest.raises(FileNotFoundError):
                verb("a", "b")
        assert self.get_raw(storage, "b") == b"old"

    def test_what_is_persisted_is_as_it_was(self, storage: Storage) -> None:
        """Waiting until files survive a loss of power changes nothing, and files that are not there are no error."""
        names = [f"deep/{number:02}" for number in range(20)]
        self.put_many_raw(storage, names)
        storage.persist(["deep/03", "missing", "deep/03/beneath"])
        storage.persist([*names, "missing"])
        storage.persist([])
        assert listed(storage) == names

    def test_remove(self, storage: Storage) -> None:
        """A removed file is gone, its neighbours stay, and removing it again is no error."""
        self.put_many_raw(storage, ["demo1", "demo10", "demo1.txt"])
        storage.remove("demo1")
        storage.remove("demo1")
        assert listed(storage) == ["demo1.txt", "demo10"]

    def test_removing_a_directories_name_removes_nothing(self, storage: Storage) -> None:
        """`remove` is for files: what is beneath a directory of that name stays."""
        self.put_raw(storage, "directory/file", BODY)
        storage.remove("directory")
        storage.remove_many(["directory", "directory/file/beneath"])
        assert listed(storage) == ["directory/file"]

    def test_remove_many(self, storage: Storage) -> None:
        """Many files go at once, missing ones among them being no error, and none is no request."""
        names = [f"many/{number:03}" for number in range(self.page_size + 5)]
        self.put_many_raw(storage, ["stays", *names])
        storage.remove_many([*names, "missing", "many/000"])
        storage.remove_many([])
        assert listed(storage) == ["stays"]

    def test_remove_tree(self, storage: Storage) -> None:
        """Everything beneath a directory goes, and never a neighbour whose name begins alike."""
        stays = ["demo1.txt", "demo10/a", "demo1-b/c"]
        self.put_many_raw(storage, [*stays, "demo1/x", "demo1/sub/deep/y"])
        storage.remove_tree("demo1")
        storage.remove_tree("demo1")
        assert listed(storage) == sorted(stays)
        assert {str(path) for path in storage.list_dir()} == {"demo1.txt", "demo10", "demo1-b"}

    def test_remove_tree_of_a_file_keeps_it(self, storage: Storage) -> None:
        """A file has nothing beneath it."""
        self.put_raw(storage, "file", BODY)
        storage.remove_tree("file")
        assert self.get_raw(storage, "file") == BODY

    def test_remove_tree_of_the_root(self, storage: Storage) -> None:
        """Without a target everything goes, past a page too, and the storage can be written again."""
        self.put_many_raw(storage, [f"{number:03}/file" for number in range(self.page_size + 5)])
        storage.remove_tree()
        assert storage.empty()
        assert list(storage.list_dir()) == []
        storage.put(BODY, "again")
        assert self.get_raw(storage, "again") == BODY
