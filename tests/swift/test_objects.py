"""One object: written, read, copied, moved, deleted, opened, signed."""

import gc
import gzip
import http.client
import pickle
from urllib.parse import urlsplit

import fsspec
import pytest

from modos.errors import (
    IntegrityError,
    InvalidInputError,
    InvalidPathError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
)
from modos.swift import SwiftFileSystem
from modos.testing import Fault

CONTENT = bytes(range(256)) * 40


def test_what_is_written_is_read(fs):
    """The info of a write is that of a later look, up to the second that the service rounds to."""
    written = fs.pipe_file("omics/x.txt", CONTENT, metadata={"Lab": "Genève é%", "a_b": " c "})
    seen = fs.info("omics/x.txt")
    assert fs.cat_file("omics/x.txt") == CONTENT
    assert abs((written.pop("last_modified") - seen.pop("last_modified")).total_seconds()) <= 1
    assert written == seen
    assert seen["metadata"] == {"lab": "Genève é%", "a_b": " c "}
    assert (seen["content_type"], seen["size"], seen["type"]) == ("text/plain", len(CONTENT), "file")


@pytest.mark.parametrize("body", [b"", b"x", bytearray(b"xyz"), memoryview(b"xyz"), bytes(3 << 20)])
def test_bodies(fs, body):
    """Any kind and length of bytes arrives."""
    fs.pipe_file("omics/x", body)
    assert fs.cat_file("omics/x") == bytes(body)


@pytest.mark.parametrize("start", [None, 0, 3, 10_239, 10_240, 20_000, -1, -20_000])
@pytest.mark.parametrize("end", [None, 0, 3, 10_240, 20_000, -1, -20_000])
def test_ranges(fs, start, end):
    """A range is what Python's slice is, clipped at the ends."""
    fs.pipe_file("omics/x", CONTENT)
    assert fs.cat_file("omics/x", start, end) == CONTENT[start:end]


def test_ranges_of_an_empty_object(fs):
    """Nothing is in any range of nothing."""
    fs.pipe_file("omics/x", b"")
    assert fs.cat_file("omics/x", 0, 5) == fs.cat_file("omics/x", -5) == fs.cat_file("omics/x", 3) == b""


def test_empty_range_asks_nothing(watched, proxy):
    """A range of no bytes costs no request."""
    assert watched.cat_file("omics/x", 5, 5) == b""
    assert proxy.count() == 0


def test_many_ranges_share_requests(fs, watched, proxy):
    """Ranges of one object are one request; failures stand in their place or are raised."""
    fs.pipe_file("omics/x", CONTENT)
    starts, ends = [0, 10, 20, 5_000], [10, 20, 25, 5_010]
    assert watched.cat_ranges(["omics/x"] * 4, starts, ends) == [
        CONTENT[a:b] for a, b in zip(starts, ends, strict=True)
    ]
    assert proxy.count(method="GET") == 1
    found, missing = watched.cat_ranges(["omics/x", "omics/nothing"], 0, 4)
    assert found == CONTENT[:4]
    assert isinstance(missing, KeyNotFoundError)
    with pytest.raises(KeyNotFoundError):
        watched.cat_ranges(["omics/x", "omics/nothing"], 0, 4, on_error="raise")


def test_create_only(fs):
    """A create-only write refuses what is there and leaves it alone."""
    fs.pipe_file("omics/x", b"1", mode="create")
    with pytest.raises(KeyExistsError):
        fs.pipe_file("omics/x", b"2", mode="create")
    with pytest.raises(KeyExistsError):
        fs.open("omics/x", "xb")
    with pytest.raises(KeyExistsError), fs.open("omics/later", "xb") as file:  # noqa: PT012 - the story is within
        file.write(b"3")
        fs.pipe_file("omics/later", b"another's")
    assert fs.cat_file("omics/later") == b"another's"
    with pytest.raises(KeyExistsError):
        fs.cp_file("omics/x", "omics/x", mode="create")
    assert fs.cat_file("omics/x") == b"1"


def test_an_unknown_mode_is_refused(fs, tmp_path):
    """Misspelt, it would overwrite what it was to protect."""
    fs.pipe_file("omics/x", b"1")
    (tmp_path / "x").write_bytes(b"2")
    for write in (
        lambda: fs.pipe_file("omics/x", b"2", mode="creat"),
        lambda: fs.put_file(str(tmp_path / "x"), "omics/x", mode="creat"),
        lambda: fs.cp_file("omics/x", "omics/x", mode="creat"),
    ):
        with pytest.raises(InvalidInputError, match="no mode 'creat'; known are overwrite, create"):
            write()
    assert fs.cat_file("omics/x") == b"1"


def test_small_writes_are_one_request(watched, proxy):
    """A write costs one request; the first overwriting one of a container also a listing of what has segments."""
    watched.mkdir("quiet")
    proxy.clear()
    for n in range(5):
        watched.pipe_file(f"quiet/{n}", b"1", mode="create")
    assert proxy.count() == 5
    for n in range(5):
        watched.pipe_file(f"quiet/{n}", b"2")
    assert proxy.count() == 11


def test_copy_and_move(fs):
    """Copies keep bytes, content type and metadata; a move leaves nothing behind."""
    fs.pipe_file("omics/a b", CONTENT, content_type="text/x-test", metadata={"lab": "Genève"})
    fs.copy("omics/a b", "omics/c")
    fs.mv("omics/c", "omics/d/e")
    kept = fs.info("omics/d/e")
    assert fs.cat_file("omics/d/e") == CONTENT
    assert (kept["content_type"], kept["metadata"]) == ("text/x-test", {"lab": "Genève"})
    assert fs.find("omics") == ["omics/a b", "omics/d/e"]
    with pytest.raises(KeyNotFoundError):
        fs.cp_file("omics/nothing", "omics/f")


@pytest.mark.parametrize(
    ("content", "pieces"), [(CONTENT[:4000], 1), (CONTENT, 4)], ids=["in one piece", "in segments"]
)
def test_a_copy_does_not_expire(connect, raw, content, pieces):
    """Whoever copies wants to keep: the time at which the source goes is not that of the copy, nor of its segments."""
    fs = connect(segment_size=4000)
    fs.pipe_file("omics/a", content, content_type="text/x-test", metadata={"lab": "Genève"})
    for name in ("a", *(path.removeprefix("omics/") for path in fs.find("omics/.segments"))):
        kept = {key: value for key, value in raw.head_object("omics", name).items() if key.startswith("x-object-meta")}
        encoding = {"Content-Encoding": "identity", "Content-Type": "text/x-test"}
        raw.post_object("omics", name, {**kept, **encoding, "X-Delete-After": "3600"})
    assert "x-delete-at" in raw.head_object("omics", "a")
    before = set(fs.find("omics/.segments"))
    fs.cp_file("omics/a", "omics/b")
    made = ["b", *(path.removeprefix("omics/") for path in {*fs.find("omics/.segments")} - before)]
    assert len(made) == pieces
    assert not [name for name in made if "x-delete-at" in raw.head_object("omics", name)]
    copied = fs.info("omics/b")
    assert (copied["content_type"], copied["metadata"]) == ("text/x-test", {"lab": "Genève"})
    assert fs.cat_file("omics/b") == content
    if pieces == 1:
        assert raw.head_object("omics", "b")["content-encoding"] == "identity"


def test_move_a_tree(fs):
    """A prefix moves as a whole."""
    fs.pipe({"omics/ex/a": b"1", "omics/ex/b/c": b"2"})
    fs.mv("omics/ex", "omics/moved", recursive=True)
    assert fs.cat(fs.find("omics/moved")) == {"omics/moved/a": b"1", "omics/moved/b/c": b"2"}
    assert not fs.exists("omics/ex")


def test_delete(fs):
    """Deleting what is not there is an error, of one, of several and of a tree; a container is not deleted so."""
    fs.pipe({f"omics/{n}": b"" for n in range(7)})
    fs.rm("omics/0")
    fs.rm(["omics/1", "omics/2"])
    for missing in ("omics/0", ["omics/3", "omics/0"]):
        with pytest.raises(KeyNotFoundError):
            fs.rm(missing)
    with pytest.raises(KeyNotFoundError):
        fs.rm("omics/nothing", recursive=True)
    with pytest.raises(InvalidPathError):
        fs.rm_file("omics")
    fs.rm("omics/[45]")
    assert fs.find("omics") == ["omics/3", "omics/6"]


def test_an_object_that_looks_like_a_pattern(fs):
    """An object whose name holds `*`, `?` or `[` is deleted alone, and not what it would match."""
    fs.pipe({"omics/a[1]": b"", "omics/a1": b""})
    fs.rm("omics/a[1]")
    assert fs.find("omics") == ["omics/a1"]


def test_bulk_delete_that_is_not_offered(fs, watched, proxy):
    """A service without bulk delete is asked one by one."""
    fs.pipe({f"omics/ex/{n}": b"" for n in range(9)})
    proxy.inject(Fault(method="POST", status=405, times=None))
    watched.rm("omics/ex", recursive=True)
    assert fs.find("omics") == []
    assert proxy.count(method="DELETE") == 9


def test_containers(fs):
    """Containers are made and removed by name; prefixes need neither."""
    fs.mkdir("new")
    with pytest.raises(KeyExistsError):
        fs.mkdir("new")
    fs.makedirs("new", exist_ok=True)
    fs.makedirs("new/a/b", exist_ok=True)
    fs.pipe_file("new/x", b"")
    with pytest.raises(ServiceError, match="empty"):
        fs.rmdir("new")
    fs.rm("new/x")
    fs.rmdir("new")
    assert not fs.exists("new")


def test_local_files(fs, tmp_path):
    """Files and trees go up and come down; what comes down replaces only when it is whole."""
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "a").write_bytes(CONTENT)
    (source / "deep" / "b").write_bytes(b"")
    fs.put(str(source), "omics/ex", recursive=True)
    fs.get("omics/ex", str(tmp_path / "target"), recursive=True)
    assert (tmp_path / "target" / "a").read_bytes() == CONTENT
    assert (tmp_path / "target" / "deep" / "b").read_bytes() == b""
    with pytest.raises(KeyNotFoundError):
        fs.get_file("omics/nothing", tmp_path / "source" / "a")
    assert (source / "a").read_bytes() == CONTENT
    assert sorted(path.name for path in source.iterdir()) == ["a", "deep"]


def test_downloads_in_pieces_are_checked(fs, watched, proxy, tmp_path):
    """A larger object comes down in pieces; bytes that changed on the way are noticed by the MD5 of the whole."""
    content = CONTENT * 2_000
    fs.pipe_file("omics/x", content)
    watched.get_file("omics/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == content
    assert proxy.count(method="GET") == 2
    proxy.inject(Fault(method="GET", corrupt=True))
    with pytest.raises(IntegrityError, match="MD5"):
        watched.get_file("omics/x", tmp_path / "y")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_open_for_reading(fs):
    """A seekable file reads ranges; a file that is not there is told when it is opened."""
    fs.pipe_file("omics/x.txt", b"one\ntwo\nthree\n")
    with fs.open("omics/x.txt") as file:
        assert file.read(3) == b"one"
        file.seek(-6, 2)
        assert file.readlines() == [b"three\n", b""] or file.read() == b""
    with fs.open("omics/x.txt", "r") as file:
        assert list(file) == ["one\n", "two\n", "three\n"]
    with pytest.raises(KeyNotFoundError):
        fs.open("omics/nothing")


def test_a_reader_never_mixes_two_objects(fs):
    """An object that is replaced while it is read is an error and not a mixture."""
    fs.pipe_file("omics/x", bytes(100))
    with fs.open("omics/x", block_size=10, cache_type="none") as file:
        file.read(10)
        fs.pipe_file("omics/x", b"1" * 100)
        with pytest.raises(IntegrityError, match="changed"):
            file.read(10)


def test_open_for_writing(fs):
    """Nothing is seen before the end; then the whole is."""
    with fs.open("omics/x.txt", "w", metadata={"lab": "a"}) as file:
        file.write("é" * 3)
        file.flush()
        assert not fs.exists("omics/x.txt")
    assert fs.cat_file("omics/x.txt") == "ééé".encode()
    assert fs.info("omics/x.txt")["metadata"] == {"lab": "a"}
    fs.touch("omics/empty")
    assert fs.info("omics/empty")["size"] == 0


@pytest.mark.parametrize("mode", ["wb", "w"])
def test_an_exception_leaves_what_was_there(fs, mode):
    """An exception while writing commits nothing, in binary and in text."""
    fs.pipe_file("omics/x", b"old")
    with pytest.raises(RuntimeError, match="midway"), fs.open("omics/x", mode) as file:  # noqa: PT012 - the story is within
        file.write("new" if mode == "w" else b"new")
        raise RuntimeError("midway")
    assert fs.cat_file("omics/x") == b"old"


@pytest.mark.parametrize(("mode", "half"), [("wb", b"half"), ("w", "half")])
def test_a_writer_that_nobody_closes_commits_nothing(fs, mode, half):
    """Half a file is not committed by the garbage collector."""
    file = fs.open("omics/x", mode)
    file.write(half)
    del file
    assert not fs.exists("omics/x")


def test_a_failed_commit_is_told_once(watched, proxy):
    """A commit that fails raises, and closing again does not try again."""
    file = watched.open("omics/x", "wb")
    file.write(b"1")
    proxy.inject(Fault(method="PUT", status=403, times=None))
    with pytest.raises(PermissionError):
        file.close()
    file.close()
    assert proxy.count(method="PUT") == 1


def test_transaction(fs):
    """Files of a transaction appear together at its end, or not at all."""
    with fs.transaction:
        with fs.open("omics/a", "wb") as file:
            file.write(b"1")
        assert not fs.exists("omics/a")
    assert fs.cat_file("omics/a") == b"1"
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012 - the story is within
        with fs.open("omics/b", "wb") as file:
            file.write(b"1")
        raise RuntimeError
    assert not fs.exists("omics/b")


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_compressed_files_are_whole_or_not_there(fs, mode):
    """Closing a compressed file stores all of it; an exception within `with`, or nobody closing it, stores nothing."""
    content = "ACGT" * 1000 if mode == "w" else b"ACGT" * 1000
    with fs.open("omics/x.gz", mode, compression="infer") as file:
        file.write(content)
    assert gzip.decompress(fs.cat_file("omics/x.gz")) == b"ACGT" * 1000
    with pytest.raises(RuntimeError), fs.open("omics/half.gz", mode, compression="gzip") as file:  # noqa: PT012 - the story is within
        file.write(content)
        raise RuntimeError
    fs.open("omics/left.gz", mode, compression="gzip").write(content)
    gc.collect()
    assert fs.find("omics") == ["omics/x.gz"]


def test_compressed_files_in_a_transaction(fs):
    """A compressed file of a transaction appears, whole, at its end."""
    with fs.transaction:
        with fs.open("omics/x.gz", "wb", compression="gzip") as file:
            file.write(b"ACGT")
        assert not fs.exists("omics/x.gz")
    assert gzip.decompress(fs.cat_file("omics/x.gz")) == b"ACGT"


def test_unknown_mode(fs):
    """What would change an object in place is refused in a sentence."""
    with pytest.raises(InvalidInputError, match="written whole"):
        fs.open("omics/x", "r+b")


@pytest.mark.parametrize("where", ["account", "container"])
def test_signed_address(fs, where):
    """A signed address opens the object without a token, for its method only, and any name."""
    path = "omics/a b+é%.txt"
    fs.pipe_file(path, CONTENT)
    with pytest.raises(InvalidInputError, match="TempURL key"):
        fs.sign(path)
    if where == "account":
        fs.run(fs.client.request, "POST", headers={"X-Account-Meta-Temp-URL-Key": "k"})
    else:
        fs.run(fs.client.request, "POST", "omics", headers={"X-Container-Meta-Temp-URL-Key": "k"})
    parts = urlsplit(fs.sign(path, expiration=60))
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, CONTENT)
    connection.request("PUT", f"{parts.path}?{parts.query}", body=b"")
    assert connection.getresponse().status == 401
    connection.close()


def test_addresses(swift, fs, monkeypatch):
    """`swift://` and `swift+http://` lead to the same object, also through `fsspec.open`."""
    fs.pipe_file("omics/a/b", b"1")
    url = f"swift+{swift.storage_url}/omics/a/b"
    assert SwiftFileSystem._strip_protocol(url) == SwiftFileSystem._strip_protocol("swift://omics/a/b/") == "omics/a/b"
    with fsspec.open(url, token=swift.token()) as file:
        assert file.read() == b"1"
    monkeypatch.setenv("OS_STORAGE_URL", swift.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    with fsspec.open("swift://omics/a/b", skip_instance_cache=True) as file:
        assert file.read() == b"1"


def test_ukey_and_times(fs):
    """The key of a version changes with the content and only then."""
    fs.pipe_file("omics/x", b"1")
    before = fs.ukey("omics/x"), fs.checksum("omics/x")
    assert fs.modified("omics/x") == fs.created("omics/x") == fs.info("omics/x")["last_modified"]
    fs.pipe_file("omics/x", b"1")
    assert (fs.ukey("omics/x"), fs.checksum("omics/x")) == before
    fs.pipe_file("omics/x", b"2")
    assert fs.ukey("omics/x") != before[0]


def test_pickled_files_and_filesystems(fs):
    """A filesystem and an open reader survive pickling."""
    fs.pipe_file("omics/x", CONTENT)
    assert pickle.loads(pickle.dumps(fs)).cat_file("omics/x") == CONTENT
    with fs.open("omics/x") as file:
        file.seek(5)
        with pickle.loads(pickle.dumps(file)) as again:
            assert again.read(5) == CONTENT[5:10]
