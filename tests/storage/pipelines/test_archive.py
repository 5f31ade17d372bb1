"""ZIP archives as storages: whatever wrote them, wherever they are, however they are damaged."""

import io
import pickle
import struct
import threading
import warnings
import zipfile
import zlib
from itertools import pairwise

import pytest

from modos.errors import (
    IntegrityError,
    KeyNotFoundError,
    ReadOnlyError,
    ServiceError,
    UnsupportedFormatError,
    URLPipelineError,
)
from modos.storage import LocalStorage, open_storage
from modos.storage.pipelines import ArchiveStorage
from modos.storage.pipelines.adapters import zip_members
from modos.storage.pipelines.places import StorageBlob
from modos.testing import Proxy
from modos.testing._conformance.reading import ListingTests, ReadingTests
from modos.testing._conformance.suite import StorageSuite


class _InArchive(ListingTests, ReadingTests, StorageSuite):
    """The promises of the contract about reading; what is stored is added to the archive by Python's `zipfile`."""

    method: int

    @pytest.fixture
    def storage(self, tmp_path):
        self.place = tmp_path / "archive"
        self.lock = threading.Lock()
        zipfile.ZipFile(self.place, "w").close()
        return ArchiveStorage(StorageBlob(LocalStorage(tmp_path), "archive", "file:archive"))

    def put_raw(self, storage, name, body):
        with self.lock, zipfile.ZipFile(self.place, "a", self.method) as archive:
            archive.writestr(f"{storage._prefix}/{name}" if storage._prefix else name, body)

    def get_raw(self, storage, name):
        with zipfile.ZipFile(self.place) as archive:
            return archive.read(name)

    @pytest.mark.parametrize("name", ["missing", "demo1", "directory", "directory/file/beneath"])
    def test_what_is_missing_is_not_found(self, storage, name):
        """`stat`, `read`, `read_ranges` and `open` raise KeyNotFoundError, which names the URL; writes are refused."""
        self.put_raw(storage, "demo10", b"x")
        self.put_raw(storage, "directory/file", b"x")
        for call in (
            lambda: storage.stat(name),
            lambda: storage.read(name),
            lambda: storage.read_ranges(name, [(0, 1)]),
            lambda: storage.open(name),
        ):
            with pytest.raises(KeyNotFoundError) as caught:
                call()
            assert caught.value.url == storage.url_of(name)
        with pytest.raises(ReadOnlyError):
            storage.copy(name, "target")


class TestStored(_InArchive):
    """Members as they are."""

    method = zipfile.ZIP_STORED


class TestDeflated(_InArchive):
    """Members that have to be inflated."""

    method = zipfile.ZIP_DEFLATED


class TestStreamed(_InArchive):
    """Members that are inflated anew, or further, for every range, as large ones are."""

    method = zipfile.ZIP_DEFLATED

    @pytest.fixture(autouse=True)
    def _keep_nothing(self, monkeypatch):
        monkeypatch.setattr(zip_members, "_KEPT", 0)
        monkeypatch.setattr(zip_members, "_PIECE", 100)


class TestBzip2(_InArchive):
    """Members that bzip2 has compressed."""

    method = zipfile.ZIP_BZIP2


@pytest.fixture
def stored(tmp_path):
    """Store bytes as a file and open it as an archive."""

    def store(body, name="x"):
        (tmp_path / name).write_bytes(body)
        return open_storage(f"file:{tmp_path}/{name}|zip:")

    return store


def contents(storage):
    return {str(path): storage.read(path) for path in storage.list()}


def test_an_address_opens_the_archive(stored, archive, tmp_path):
    """The address of an archive, and of a directory in it, opens an equal storage, which pickles."""
    storage = stored(archive({"a b/c|d": b"deep", "top": b"top"}))
    beneath = storage / "a b"
    assert beneath.url == f"file:{tmp_path}/x|zip:a%20b"
    assert open_storage(beneath.url) == beneath
    assert beneath.url_of("c|d") == f"file:{tmp_path}/x|zip:a%20b/c%7Cd"
    assert pickle.loads(pickle.dumps(beneath)).read("c|d") == b"deep"
    assert storage.path.name == "x"


@pytest.mark.parametrize("name", ["noextension", "ex.jar", "ex.txt", "ex.zip"])
def test_content_decides(stored, archive, name):
    """What a file is called says nothing about whether it is an archive."""
    assert contents(stored(archive({"a": b"1"}), name)) == {"a": b"1"}


@pytest.mark.parametrize("body", [b"", b"x", b"PK\5\6", b"no archive" * 20_000])
def test_what_is_no_archive_is_refused(stored, body):
    """Other files and empty ones are told from archives by their content."""
    with pytest.raises(URLPipelineError, match="could not open the ZIP archive: the file is not one"):
        list(stored(body).list())


@pytest.mark.parametrize("name", ["missing", "."])
def test_an_archive_that_is_missing_is_not_found(tmp_path, name):
    """A directory is no file either; nothing is in what is not there."""
    storage = open_storage(f"file:{tmp_path}/{name}|zip:")
    with pytest.raises(KeyNotFoundError):
        list(storage.list())
    assert not storage.exists("a")


def test_an_archive_that_was_cut_short_is_told(stored, archive):
    """Wherever it ends too early, the error says so; nothing is read as if it were whole."""
    body = archive({f"name{number}": b"content" * 100 for number in range(20)})
    for length in (4, 100, len(body) // 2, len(body) - 22, len(body) - 1):
        with pytest.raises((IntegrityError, URLPipelineError), match="could not open the ZIP archive"):
            list(stored(body[:length]).list())
    missing_middle = body[:100] + body[200:]
    with pytest.raises(IntegrityError):
        contents(stored(missing_middle))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_flipped_byte_is_found(stored, archive, method):
    """A member whose bytes are not those of its CRC is an IntegrityError, an OSError, that names it."""
    content = bytes(range(256)) * 40
    body = bytearray(archive({"before": b"x", "damaged": content, "good": content}, method))
    start = body.index(b"damaged") + len("damaged")
    body[start + 40] ^= 0x10
    storage = stored(bytes(body))
    with pytest.raises(OSError, match="damaged") as caught:
        storage.read("damaged")
    assert isinstance(caught.value, IntegrityError)
    assert caught.value.url.endswith("|zip:damaged")
    assert storage.read("good") == content


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_flipped_byte_is_found_piece_by_piece(stored, archive, method, monkeypatch):
    """Whoever reads a member to its end by ranges, or as an open file, is told as well."""
    monkeypatch.setattr(zip_members, "_KEPT", 0)
    content = bytes(range(256)) * 40
    body = bytearray(archive({"damaged": content}, method))
    crc = struct.pack("<L", zlib.crc32(content))
    body = body.replace(crc, struct.pack("<L", zlib.crc32(content) ^ 1))
    storage = stored(bytes(body))
    marks = [*range(0, len(content), 1000), len(content)]
    *before, last = pairwise(marks)
    assert b"".join(storage.read("damaged", *each) for each in before) == content[: last[0]]
    with pytest.raises(IntegrityError, match="bad CRC"):
        storage.read("damaged", *last)
    with storage.open("damaged", chunk_size=1000) as file:
        assert file.read(999) == content[:999]
        with pytest.raises(IntegrityError, match="bad CRC"):
            file.read()


def test_unknown_methods_are_not_implemented(stored, archive):
    """LZMA and encryption are UnsupportedFormatError, a NotImplementedError; other members can be read."""
    storage = stored(archive({"a": b"content" * 9}, zipfile.ZIP_LZMA))
    with pytest.raises(NotImplementedError, match="LZMA") as caught:
        storage.read("a")
    assert isinstance(caught.value, UnsupportedFormatError)
    encrypted = bytearray(archive({"a": b"secret", "b": b"open"}))
    encrypted[encrypted.index(b"PK\1\2") + 8] |= 1
    storage = stored(bytes(encrypted), "encrypted")
    with pytest.raises(NotImplementedError, match="encrypted"):
        storage.read("a")
    assert storage.read("b") == b"open"


def test_a_name_that_means_two_files_is_refused(stored):
    """The same name twice is one file where the content is the same; where not, nobody can tell which is meant."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as target:
        warnings.simplefilter("ignore")
        for name, body in (("twice", b"1"), ("twice", b"2"), ("same", b"1"), ("same", b"1")):
            target.writestr(name, body)
    storage = stored(buffer.getvalue())
    assert storage.read("same") == b"1"
    assert sorted(map(str, storage.list())) == ["same", "twice"]
    with pytest.raises(IntegrityError, match="more than once"):
        storage.read("twice")


def test_names_that_no_file_has_are_left_out(stored):
    """Directories, `..`, absolute names and bytes that are no Unicode are no keys."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in ("directory/", "../outside", "/absolute", "a//b", "good", "named"):
            target.writestr(name, b"x" if not name.endswith("/") else b"")
    body = buffer.getvalue().replace(b"good", b"g\xff\xfed")
    assert sorted(map(str, stored(body).list())) == ["named"]


@pytest.mark.parametrize(
    ("system", "names"),
    [(0, ["its/name"]), (10, ["its/name"]), (14, ["its/name"]), (3, ["its\\name"]), (19, ["its\\name"])],
)
def test_a_backslash_is_a_slash_only_where_no_name_can_have_one(stored, system, names):
    """An entry that was made on Windows separates with either; Unix and macOS have it in names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        entry = zipfile.ZipInfo("its\\name")
        entry.create_system = system
        target.writestr(entry, b"x")
    storage = stored(buffer.getvalue())
    assert list(map(str, storage.list())) == names
    assert storage.read(names[0]) == b"x"


def test_a_bomb_does_not_go_off(stored, archive):
    """A member that inflates to more than its directory entry says is damaged; no more than that is inflated."""
    body = bytearray(archive({"bomb": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED))
    entry = body.index(b"PK\1\2")
    body[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    with pytest.raises(IntegrityError, match="another size"):
        stored(bytes(body)).read("bomb")


def test_many_entries_and_long_comments(stored, archive):
    """A directory longer than what is read at once, and the longest comment, change nothing."""
    files = {f"group/chunk-with-a-long-name-{number:05}": b"x" for number in range(4000)}
    body = archive(files)
    assert contents(stored(body)) == files
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        assert len(opened.namelist()) == 4000
    commented = io.BytesIO()
    with zipfile.ZipFile(commented, "w") as target:
        target.writestr("a", b"1")
        target.comment = b"PK\5\6" * 16_000
    assert contents(stored(commented.getvalue(), "commented")) == {"a": b"1"}


def test_zip64(stored, monkeypatch):
    """Archives beyond the limits of 16 and 32 bits are read by their ZIP64 records."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    buffer = io.BytesIO()
    files = {f"name{number}": bytes([number]) * 300 for number in range(6)}
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in files.items():
            with target.open(name, "w", force_zip64=True) as member:
                member.write(content)
    body = buffer.getvalue()
    assert b"PK\6\6" in body
    assert contents(stored(body)) == files
    assert contents(stored(b"#!/bin/sh\n" * 50 + body, "self-extracting")) == files


def test_a_zip64_record_far_from_the_end(stored, archive, monkeypatch):
    """Sizes that the directory calls too large for 32 bits stand in its extra field."""
    body = bytearray(archive({"a": b"content"}))
    entry = body.index(b"PK\1\2")
    extra = struct.pack("<2H3Q", 1, 24, 7, 7, 0)
    patched = body[:entry] + body[entry : entry + 46 + 1] + extra + body[entry + 46 + 1 :]
    patched[entry + 20 : entry + 28] = b"\xff" * 8
    patched[entry + 30 : entry + 32] = struct.pack("<H", len(extra))
    patched[entry + 42 : entry + 46] = b"\xff" * 4
    end = patched.index(b"PK\5\6")
    patched[end + 12 : end + 16] = struct.pack("<L", end - entry)
    assert contents(stored(bytes(patched))) == {"a": b"content"}


def test_nothing_can_be_written(stored, archive):
    """Every write is refused by name, also where somebody says that it may be."""
    storage = stored(archive({"a": b"1"}))
    assert storage.read_only
    storage.read_only = False
    for write in (
        lambda: storage.put(b"2", "a"),
        lambda: storage.remove("a"),
        lambda: storage.copy("a", "b"),
        storage.remove_tree,
    ):
        with pytest.raises(ReadOnlyError):
            write()
    with pytest.raises(ServiceError, match="signed"):
        storage.sign("a", expires_in=1)


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_only_what_is_needed_is_fetched(account, container, archive, kind):
    """A range of a stored member of a 20 MB archive costs its bytes and the directory, never the archive."""
    body = archive({"large": bytes(20_000_000), "small": b"x" * 1000})
    account.put(container, "x.zip", body)
    with Proxy(account.server.url) as proxy:
        if kind == "s3":
            outer = account.s3(container, endpoint=proxy.through(account.server.s3_endpoint))
        else:
            outer = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        storage = ArchiveStorage(StorageBlob(outer, "x.zip", "s3://x.zip"))
        assert storage.read("large", 10_000_000, 10_000_100) == bytes(100)
        assert storage.read("small") == b"x" * 1000
        assert len(proxy.requests) <= 4
        assert sum(request.bytes_received for request in proxy.requests) < 300_000
