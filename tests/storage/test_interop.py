"""A storage for other libraries: the same files through fsspec, Arrow and universal_pathlib, and no way out of it."""

import asyncio
import gc
import pickle
import threading
from datetime import UTC, datetime, timedelta
from io import TextIOBase

import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import xarray as xr
import zarr
from dask.base import tokenize
from pyarrow import fs as arrow_fs
from upath import UPath
from zarr.storage import FsspecStore

from modos.errors import (
    AuthenticationError,
    InvalidInputError,
    InvalidPathError,
    KeyExistsError,
    KeyNotFoundError,
    ReadOnlyError,
    ServiceUnavailableError,
)
from modos.storage import LocalStorage, SwiftStorage
from modos.testing import Fault, Proxy

OUTSIDE = ["..", "../x", "a/../../x", "/etc/passwd", "//x", "s3://omics/x", "memory://x", "file:///etc/passwd", "a\0b"]
TABLE = pa.table({"sample": ["a", "b", "a"], "reads": [1, 2, 4]})


@pytest.fixture
def filled(place):
    """A storage with a few files."""
    for name in ("a.txt", "reads/b.txt", "reads/deep/c.txt", "reads1.txt"):
        place.put(name.encode(), name)
    return place


# -- fsspec -------------------------------------------------------------------------------------------------------------


def test_what_is_there(filled):
    """Listings, by level and flat, name files as the storage does; directories are those that files are in."""
    fs = filled.to_fsspec()
    assert fs.ls("", detail=False) == ["a.txt", "reads", "reads1.txt"] == fs.ls("/", detail=False)
    assert fs.ls("reads/", detail=False) == ["reads/b.txt", "reads/deep"]
    assert fs.ls("modos://a.txt", detail=False) == ["a.txt"]
    assert fs.find("") == ["a.txt", "reads/b.txt", "reads/deep/c.txt", "reads1.txt"]
    assert fs.find("reads", withdirs=True) == ["reads", "reads/b.txt", "reads/deep", "reads/deep/c.txt"]
    assert fs.find("", maxdepth=1) == ["a.txt", "reads1.txt"]
    assert fs.find("", maxdepth=2, withdirs=True) == ["", "a.txt", "reads", "reads/b.txt", "reads/deep", "reads1.txt"]
    assert fs.glob("reads*/*.txt") == ["reads/b.txt"]
    assert fs.glob("**/c.*") == ["reads/deep/c.txt"]
    assert list(fs.walk("reads")) == [("reads", ["deep"], ["b.txt"]), ("reads/deep", [], ["c.txt"])]
    assert fs.du("") == sum(map(len, fs.find("")))
    assert (fs.isdir("reads"), fs.isfile("reads"), fs.exists("read"), fs.isdir("")) == (True, False, False, True)


def test_what_a_file_is(place):
    """`info` tells what `stat` does, with the time as Arrow and as others look for it."""
    now = datetime.now(UTC)
    place.put(b"ACGT", "a.txt")
    info = place.to_fsspec().info("a.txt")
    assert (info["name"], info["size"], info["type"], info["etag"]) == ("a.txt", 4, "file", place.stat("a.txt").etag)
    assert abs(place.to_fsspec().modified("a.txt") - now) < timedelta(seconds=5)
    with pytest.raises(KeyNotFoundError, match=r"missing"):
        place.to_fsspec().info("missing")


def test_bytes(place):
    """What one writes, by every verb, the other reads, by every verb."""
    fs = place.to_fsspec()
    fs.pipe({"a": b"0123456789", "b/c": b"abc"})
    assert fs.cat(["a", "b/c"]) == {"a": b"0123456789", "b/c": b"abc"}
    assert (fs.cat_file("a", 2, 4), fs.cat_file("a", -3), fs.cat_file("a", 5, 5)) == (b"23", b"789", b"")
    assert fs.cat_ranges(["a", "b/c", "a", "a"], [0, 1, 8, -2], [2, None, 99, None]) == [b"01", b"bc", b"89", b"89"]
    assert (fs.head("a", 2), fs.tail("a", 2), fs.size("b/c")) == (b"01", b"89", 3)
    with fs.open("t.txt", "w", encoding="latin-1") as file:
        file.write("Grüße\n")
    with fs.open("t.txt", "r", encoding="latin-1") as file:
        assert list(file) == ["Grüße\n"]
    with fs.open("a") as file:
        assert (file.read(2), file.seek(-2, 2), file.read(), file.tell()) == (b"01", 8, b"89", 10)
    with fs.open("z.gz", "wb", compression="gzip") as file:
        file.write(b"ACGT" * 1000)
    assert place.stat("z.gz").size < 100
    with fs.open("z.gz", compression="infer") as file:
        assert file.read(4) == b"ACGT"
    with pytest.raises(ZeroDivisionError):
        write_half(fs.open("z.gz", "w", compression="infer"), "half")
    with fs.open("z.gz", "r", compression="infer") as file:
        assert file.read(4) == "ACGT"


def test_several_ranges_share_requests(account, container):
    """Ranges close together are one request, as they are for `read_ranges`."""
    attempts = []
    storage = account.swift(container, on_request=attempts.append)
    storage.put(bytes(1000), "a")
    attempts.clear()
    fs = storage.to_fsspec()
    assert fs.cat_ranges(["a"] * 20, list(range(0, 1000, 50)), list(range(4, 1000, 50))) == [bytes(4)] * 20
    assert len(attempts) == 1


def test_copies_and_moves(filled):
    """Copying, renaming and removing, of files and of directories, leave what they should and nothing else."""
    fs = filled.to_fsspec()
    fs.copy("a.txt", "copy.txt")
    fs.copy("reads", "again", recursive=True)
    assert fs.find("again") == ["again/b.txt", "again/deep/c.txt"]
    fs.mv("again", "moved", recursive=True)
    fs.mv("copy.txt", "moved/a.txt")
    assert fs.cat("moved/", recursive=True, on_error="omit") == {
        "moved/a.txt": b"a.txt",
        "moved/b.txt": b"reads/b.txt",
        "moved/deep/c.txt": b"reads/deep/c.txt",
    }
    fs.rm("reads", recursive=True)
    fs.rm(["a.txt", "moved/a.txt"])
    assert fs.find("") == ["moved/b.txt", "moved/deep/c.txt", "reads1.txt"]
    for missing in ("missing", "mov"):
        with pytest.raises(KeyNotFoundError):
            fs.rm(missing, recursive=True)
    with pytest.raises(KeyNotFoundError, match="recursive"):
        fs.rm("moved")


def test_names_that_look_like_patterns(place):
    """A file whose name is a pattern is that file, and not those that match."""
    fs = place.to_fsspec()
    fs.pipe({"a[1].txt": b"itself", "a1.txt": b"other"})
    assert fs.cat("a[1].txt") == b"itself"
    fs.rm("a[1].txt")
    assert fs.find("") == ["a1.txt"]
    fs.rm("a[1].txt")
    assert fs.find("") == []


def test_local_files_go_in_and_out(place, tmp_path):
    """A directory is put and got with all that is in it."""
    here = tmp_path / "here"
    (here / "deep").mkdir(parents=True)
    (here / "a").write_bytes(b"1")
    (here / "deep" / "b").write_bytes(b"2" * 100)
    fs = place.to_fsspec()
    fs.put(str(here), "there", recursive=True)
    assert fs.find("") == ["there/a", "there/deep/b"]
    fs.get("there", str(tmp_path / "back"), recursive=True)
    assert {path.name: path.stat().st_size for path in (tmp_path / "back").rglob("*") if path.is_file()} == {
        "a": 1,
        "b": 100,
    }


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("kind", ["local", "memory", "s3", "swift"])
def test_nothing_leads_out(make_storage, kind, path):
    """No verb takes a path that is absolute, leads upwards, or is elsewhere: it is refused before anything is asked."""
    place = make_storage(kind) / "inside"
    fs, arrow = place.to_fsspec(), place.to_pyarrow()
    attempts = [
        lambda: fs.cat_file(path),
        lambda: fs.ls(path),
        lambda: fs.find(path),
        lambda: fs.glob(f"{path}/*"),
        lambda: fs.open(path),
        lambda: fs.open(path, "wb"),
        lambda: fs.pipe_file(path, b""),
        lambda: fs.rm(path, recursive=True),
        lambda: fs.mkdir(path),
        lambda: fs.copy("a", path),
        lambda: fs.mv("a", path),
        lambda: fs.mv(path, "a"),
        lambda: fs.sign(path),
        lambda: fs.get_mapper(path),
        lambda: arrow.get_file_info(path),
        lambda: arrow.open_output_stream(path),
        lambda: place.upath(path),
        lambda: place.upath() / path,
        lambda: place.upath("a").rename(path),
        lambda: place.upath("a").copy(path),
        lambda: place.upath("a").joinuri(path),
    ]
    for attempt in attempts:
        with pytest.raises((InvalidPathError, ValueError)) as caught:
            attempt()
        # Arrow does not hand on names with NUL, and says so itself
        assert isinstance(caught.value, InvalidPathError) or "\0" in path
    assert place.empty()


def test_a_read_only_storage_stays_so(filled):
    """No verb writes."""
    filled.read_only = True
    fs, arrow = filled.to_fsspec(), filled.to_pyarrow()
    for attempt in (
        lambda: fs.pipe_file("x", b""),
        lambda: fs.open("x", "wb"),
        lambda: fs.rm("a.txt"),
        lambda: fs.rm("reads", recursive=True),
        lambda: fs.mkdir("x"),
        lambda: fs.copy("a.txt", "x"),
        lambda: fs.mv("a.txt", "x"),
        lambda: fs.touch("a.txt"),
        lambda: arrow.open_output_stream("x"),
        lambda: arrow.delete_file("a.txt"),
        lambda: filled.upath("x").write_text(""),
        lambda: filled.upath("a.txt").unlink(),
    ):
        with pytest.raises(ReadOnlyError):
            attempt()
    assert len(list(filled.list())) == 4


@pytest.mark.parametrize("size", [0, 10, 9 * 2**20, 20 * 2**20 + 1])
def test_a_file_is_seen_whole_when_it_is_closed(place, size):
    """Short or long, nothing is there before; then all of it, with its type."""
    fs = place.to_fsspec()
    body = np.random.default_rng(size).bytes(size)
    with fs.open("a.bin", "wb", content_type="application/x-omics") as file:
        for start in range(0, size, 3_000_000):
            file.write(body[start : start + 3_000_000])
        assert file.tell() == size
        assert not place.exists("a.bin")
    assert place.read("a.bin") == body
    assert place.stat("a.bin").content_type in {"application/x-omics", None}


def write_half(opened, body):
    with opened as file:
        file.write(body)
        raise ZeroDivisionError


@pytest.mark.parametrize("size", [10, 20 * 2**20])
def test_a_file_that_fails_leaves_nothing(place, size):
    """An exception within `with`, bytes or text, and a writer that nobody closes: what was there stays."""
    place.put(b"before", "a")
    fs = place.to_fsspec()
    for mode, body in (("wb", bytes(size)), ("w", "x" * size)):
        with pytest.raises(ZeroDivisionError):
            write_half(fs.open("a", mode), body)
    forgotten = fs.open("a", "wb")
    forgotten.write(bytes(size))
    del forgotten
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "storage writer":
            thread.join()
    assert place.read("a") == b"before"
    assert [str(path) for path in place.list()] == ["a"]


def test_modes(place):
    """`x` refuses what is there; what would change a file in place is refused."""
    fs = place.to_fsspec()
    with fs.open("a", "xb") as file:
        file.write(b"1")
    with pytest.raises(KeyExistsError):
        fs.open("a", "xb")
    with pytest.raises(KeyExistsError):
        fs.pipe_file("a", b"2", mode="create")
    for mode in ("ab", "r+b"):
        with pytest.raises(InvalidInputError, match="written whole"):
            fs.open("a", mode)
    assert fs.cat("a") == b"1"


def test_a_transaction(place):
    """Files of a transaction come when it ends, and not at all when it fails."""
    fs = place.to_fsspec()
    with fs.transaction:
        with fs.open("a", "wb") as file:
            file.write(b"1")
        assert not place.exists("a")
    assert place.read("a") == b"1"
    fs.start_transaction()
    with fs.open("b", "wb") as file:
        file.write(b"2")
    fs.transaction.complete(commit=False)
    assert not place.exists("b")


def write_much(opened):
    with opened as file:
        for _ in range(20):
            file.write("x" * 2**22 if isinstance(file, TextIOBase) else bytes(2**22))


def test_an_upload_that_fails_is_told(swift_server, account, container):
    """What ends the upload is raised where the file is written or closed, and nobody waits for ever."""
    with Proxy(swift_server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url), attempts=1)
        proxy.inject(Fault(status=503, method="PUT", times=None))
        for mode in ("wb", "w"):
            with pytest.raises(ServiceUnavailableError):
                write_much(storage.to_fsspec().open("a", mode))
    assert account.get(container, "a") is None


def test_only_not_found_is_missing(account, container):
    """A storage that refuses is not an empty one: not for `exists`, not for `walk`, not for Arrow."""
    storage = account.swift(container, token="ended")
    fs = storage.to_fsspec()
    for attempt in (
        lambda: fs.exists("a"),
        lambda: fs.isdir("a"),
        lambda: fs.isfile("a"),
        lambda: list(fs.walk("")),
        lambda: fs.glob("*"),
        lambda: storage.to_pyarrow().get_file_info("a"),
        lambda: storage.upath("a").exists(),
    ):
        with pytest.raises(AuthenticationError):
            attempt()


def test_it_pickles_and_compares(place):
    """What is unpickled reads the same files; storages that differ are different filesystems, for dask too."""
    place.put(b"1", "a")
    fs, arrow, path = place.to_fsspec(), place.to_pyarrow(), place.upath("a")
    for mine, read in (
        (fs, lambda fs: fs.cat("a")),
        (arrow, lambda fs: fs.open_input_file("a").read()),
        (path, UPath.read_bytes),
    ):
        copied = pickle.loads(pickle.dumps(mine))
        assert copied == mine
        assert read(copied) == b"1"
    other = (place / "b").to_fsspec()
    assert fs != other
    assert tokenize(fs) == tokenize(place.to_fsspec()) != tokenize(other)


def test_one_address_of_two_accounts_is_two_filesystems():
    """The address alone does not tell whose container it is."""
    fs, other = (
        SwiftStorage("swift://omics", storage_url=f"https://h/v1/{name}", token="t").to_fsspec() for name in "ab"
    )
    assert fs != other
    assert tokenize(fs) != tokenize(other)
    assert "token" not in repr(fs)


def test_the_asynchronous_face(place):
    """Coroutines of the caller's own loop, many at a time, and zarr on top of them."""

    async def work() -> list[bytes]:
        fs = place.to_fsspec(asynchronous=True)
        await asyncio.gather(*(fs._pipe_file(f"{number}", str(number).encode()) for number in range(100)))
        return await asyncio.gather(*(fs._cat_file(f"{number}") for number in range(100)))

    assert asyncio.run(work()) == [str(number).encode() for number in range(100)]
    store = FsspecStore(place.to_fsspec(asynchronous=True), path="x.zarr")
    zarr.create_array(store, data=np.arange(12).reshape(3, 4), chunks=(1, 4))
    assert place.exists("x.zarr/zarr.json")
    assert zarr.open_array(FsspecStore(place.to_fsspec(asynchronous=True), path="x.zarr"), mode="r")[2].sum() == 38


def test_a_signed_address(account, shared_containers):
    """`sign` is that of the storage."""
    storage = shared_containers["s3"] / "signed"
    storage.put(b"1", "a")
    assert "X-Amz-Signature" in storage.to_fsspec().sign("a", expiration=60)


def test_a_forked_process_reads_on(filled):
    """After a fork, each process has a loop and threads of its own."""
    import multiprocessing

    fs = filled.to_fsspec()
    assert fs.cat("a.txt") == b"a.txt"
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(fs.cat, ("a.txt",)) == b"a.txt"


# -- Arrow, duckdb, polars, pandas, xarray --------------------------------------------------------------------------------


def test_arrow_files(filled):
    """Arrow's verbs do what they say."""
    arrow = filled.to_pyarrow()
    assert isinstance(arrow, arrow_fs.FileSystem)
    found = arrow.get_file_info(arrow_fs.FileSelector("reads", recursive=True))
    assert sorted((info.path, info.type.name, info.size) for info in found) == [
        ("reads/b.txt", "File", 11),
        ("reads/deep", "Directory", None),
        ("reads/deep/c.txt", "File", 16),
    ]
    assert arrow.get_file_info("missing").type == arrow_fs.FileType.NotFound
    assert abs(arrow.get_file_info("a.txt").mtime - datetime.now(UTC)) < timedelta(minutes=1)
    arrow.move("a.txt", "b.txt")
    arrow.copy_file("b.txt", "c.txt")
    arrow.delete_dir("reads")
    arrow.delete_file("b.txt")
    assert [str(path) for path in filled.list()] == ["c.txt", "reads1.txt"]
    with arrow.open_output_stream("big", compression=None) as stream:
        stream.write(bytes(10**7))
    assert filled.stat("big").size == 10**7
    with pytest.raises(FileNotFoundError):
        arrow.get_file_info(arrow_fs.FileSelector("missing"))
    arrow.delete_dir_contents("/", accept_root_dir=True)
    assert filled.empty()


def test_a_partitioned_dataset(place):
    """A dataset is written by partition, read with the filter pushed down, and replaced by partition."""
    arrow = place.to_pyarrow()
    options = {"filesystem": arrow, "format": "parquet"}
    hive = ds.partitioning(pa.schema([("sample", pa.string())]), flavor="hive")
    ds.write_dataset(TABLE, "reads", partitioning=hive, **options)
    assert [str(path.parent) for path in place.list()] == ["reads/sample=a", "reads/sample=b"]
    dataset = ds.dataset("reads", partitioning=hive, **options)
    assert dataset.to_table(filter=ds.field("sample") == "a").column("reads").to_pylist() == [1, 4]
    ds.write_dataset(
        pa.table({"sample": ["b"], "reads": [7]}),
        "reads",
        partitioning=hive,
        existing_data_behavior="delete_matching",
        basename_template="new-{i}.parquet",
        **options,
    )
    assert [path.name for path in place.list("reads/sample=b")] == ["new-0.parquet"]
    again = pickle.loads(pickle.dumps(ds.dataset("reads", partitioning=hive, **options)))
    assert sorted(again.to_table().column("reads").to_pylist()) == [1, 4, 7]


def test_duckdb(place, make_storage):
    """SQL on the files of two storages side by side, globs included, and COPY into one; no path leads out."""
    arrow = place.to_pyarrow()
    ds.write_dataset(
        TABLE, "reads", filesystem=arrow, format="parquet", partitioning=["sample"], partitioning_flavor="hive"
    )
    names = make_storage("local")
    names.put(b"sample,name\na,Ada\nb,Ben\n", "names.csv")
    with duckdb.connect() as connection:
        connection.register_filesystem(place.to_fsspec())
        connection.register_filesystem(names.to_fsspec(protocol="names"))
        query = "SELECT name, sum(reads) FROM 'modos://reads/*/*.parquet' JOIN 'names://names.csv' USING (sample)"
        assert sorted(connection.sql(f"{query} GROUP BY name").fetchall()) == [("Ada", 5), ("Ben", 2)]
        connection.sql("COPY (SELECT 42 AS answer) TO 'modos://out/answer.parquet'")
        with pytest.raises(duckdb.Error, match="InvalidPathError"):
            connection.sql("FROM 'modos://../secret.parquet'")
    assert ds.dataset("out", filesystem=arrow).to_table().to_pydict() == {"answer": [42]}


def test_polars(place):
    """A frame is written to and read from a path, and a dataset scanned lazily."""
    frame = pl.DataFrame({"sample": ["a", "b"], "reads": [17, 4]})
    with place.upath("reads.parquet").open("wb") as file:
        frame.write_parquet(file)
    with place.upath("reads.parquet").open("rb") as file:
        assert pl.read_parquet(file).equals(frame)
    lazy = pl.scan_pyarrow_dataset(ds.dataset("reads.parquet", filesystem=place.to_pyarrow()))
    assert lazy.filter(pl.col("sample") == "b").select("reads").collect().item() == 4


def test_pandas(place):
    """By a filesystem or by a path."""
    frame = pd.DataFrame({"sample": ["a", "b"], "reads": [17, 4]})
    frame.to_parquet("reads.parquet", filesystem=place.to_fsspec())
    assert pd.read_parquet("reads.parquet", filesystem=place.to_pyarrow()).equals(frame)
    with place.upath("reads.csv").open("w") as file:
        frame.to_csv(file, index=False)
    with place.upath("reads.csv").open() as file:
        assert pd.read_csv(file).reads.sum() == 21


def test_xarray(place):
    """zarr hierarchies by the mapping that fsspec makes."""
    dataset = xr.Dataset({"counts": (("gene", "sample"), np.arange(6).reshape(3, 2))})
    mapping = place.to_fsspec().get_mapper("counts.zarr")
    dataset.to_zarr(mapping, consolidated=False)
    with xr.open_zarr(mapping, consolidated=False) as opened:
        assert opened.counts.to_numpy().tolist() == [[0, 1], [2, 3], [4, 5]]


# -- universal_pathlib -------------------------------------------------------------------------------------------------


def test_a_path_reads_writes_lists_and_matches(filled):
    """As `pathlib.Path` does."""
    root = filled.upath()
    assert sorted(each.name for each in root.iterdir()) == ["a.txt", "reads", "reads1.txt"]
    assert sorted(map(str, root.rglob("*.txt"))) == [f"modos://{name}" for name in sorted(map(str, filled.list()))]
    path = root / "reads" / "b.txt"
    assert (path.name, path.stem, path.suffix, path.parts) == ("b.txt", "b", ".txt", ("reads", "b.txt"))
    assert (path.parent, path.parents[-1], path.with_suffix(".csv")) == (root / "reads", root, root / "reads/b.csv")
    assert (path.read_text(), path.stat().st_size, path.exists(), path.is_file(), root.is_dir()) == (
        "reads/b.txt",
        11,
        True,
        True,
        True,
    )
    assert str(path.relative_to(root / "reads")) == "b.txt"
    assert path == filled.upath("reads/b.txt") == UPath("modos://reads/b.txt", storage=filled)
    (root / "new" / "file").write_bytes(b"1")
    (root / "new").mkdir(exist_ok=True)
    (root / "new" / "file").unlink()
    assert not filled.exists("new/file")
    with pytest.raises(KeyNotFoundError):
        (root / "missing").read_bytes()


def test_a_path_is_copied_and_moved(filled, make_storage):
    """Text names a place in the storage, from its root; another path is where it says."""
    path = filled.upath("reads/b.txt")
    assert path.copy("copy.txt").read_bytes() == b"reads/b.txt"
    assert path.rename("renamed.txt") == filled.upath("renamed.txt")
    elsewhere = make_storage("local").upath("x")
    filled.upath("renamed.txt").move(elsewhere)
    assert elsewhere.read_bytes() == b"reads/b.txt"
    assert not filled.exists("renamed.txt")
    with pytest.raises(InvalidPathError, match="use move"):
        filled.upath("a.txt").rename(elsewhere)


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_a_name_with_colons_stays_in_the_storage(make_storage, kind):
    """`::` chains addresses elsewhere; here it is part of a name, also when pickled and joined."""
    place = make_storage(kind)
    path = place.upath("memory::x") / "file::y"
    path.write_text("1")
    assert [str(name) for name in place.list()] == ["memory::x/file::y"]
    assert pickle.loads(pickle.dumps(path)).read_text() == "1"
    assert (path.parent / "file::y").exists()


def test_another_storages_path_is_not_joined(make_storage):
    """A path knows whose it is."""
    one, other = make_storage("memory"), make_storage("local")
    with pytest.raises(InvalidPathError, match="elsewhere"):
        one.upath() / other.upath("x")
    assert fsspec.filesystem("modos", storage=one) == one.to_fsspec()


def test_without_the_packages(monkeypatch, tmp_path):
    """What is not installed is named, with how to install it."""
    import sys

    from modos.errors import MissingDependencyError

    monkeypatch.setitem(sys.modules, "pyarrow.fs", None)
    with pytest.raises(MissingDependencyError, match=r"modos-objects\[arrow\]"):
        LocalStorage(tmp_path).to_pyarrow()
