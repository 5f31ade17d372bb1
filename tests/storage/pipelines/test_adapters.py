"""The adapters beside `zip:`: what each leads to, on which base, and what it refuses."""

import bz2
import gzip
import importlib
import logging
import pickle
import sys
import tomllib
import types
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.core.sync import sync

from modos import open_array, open_group, open_storage, open_url
from modos.errors import (
    IntegrityError,
    KeyNotFoundError,
    MissingDependencyError,
    ReadOnlyError,
    UnsupportedFormatError,
    URLPipelineError,
)
from modos.storage.pipelines import interface, open_file, open_pipeline, parse_pipeline, resolve_pipeline
from modos.storage.pipelines.adapters import files
from modos.storage.pipelines.places import joined_path

ROOT = Path(__file__).parents[3]
CONTENT = bytes(range(256)) * 1000


def zstd(body):
    from numcodecs.zstd import compress

    return compress(body)


@pytest.mark.parametrize(("scheme", "compress"), [("gzip", gzip.compress), ("zstd", zstd)])
def test_a_compressed_file_is_read(here, scheme, compress):
    """Whole, by ranges and seeking, one on the other, and again after pickling."""
    (here / "x").write_bytes(compress(CONTENT))
    (here / "xx").write_bytes(compress(compress(CONTENT)))
    with open_file(f"file:x|{scheme}:") as file:
        assert file.read() == CONTENT
        assert file.seek(-10, 2) == len(CONTENT) - 10
        assert file.read() == CONTENT[-10:]
    assert open_file(f"file:xx|{scheme}:|{scheme}").read() == CONTENT
    assert open_file(f"file:x|{scheme}:|byte-range:1000-1010").read(99) == CONTENT[1000:1010]
    store = sync(resolve_pipeline(f"file:x|{scheme}:")).store
    assert store.read_only
    assert pickle.loads(pickle.dumps(store.blob)).read(5, 8) == CONTENT[5:8]


def test_gzip_of_several_members(here, monkeypatch):
    """Members one after another are one file, padding behind them is nothing, and pieces may end anywhere."""
    monkeypatch.setattr(files, "_PIECE", 7)
    parts = [gzip.compress(b"one"), gzip.compress(b""), gzip.compress(b"two" * 50)]
    (here / "x").write_bytes(b"".join(parts) + b"\0" * 20)
    assert open_file("file:x|gzip:").read() == b"one" + b"two" * 50


@pytest.mark.parametrize("scheme", ["gzip", "zstd"])
@pytest.mark.parametrize("body", [b"", b"no such thing", bz2.compress(CONTENT)])
def test_another_file_is_refused(here, scheme, body):
    """What is not compressed so is an error of ours that says so, for files, storages and zarr alike."""
    (here / "x").write_bytes(body)
    for call in (open_file, open_url):
        with pytest.raises((URLPipelineError, IntegrityError), match="could not be decompressed"):
            call(f"file:x|{scheme}:")


def test_a_compressed_file_that_was_cut_short_is_told(here):
    """Cut anywhere, and with a byte flipped: an IntegrityError."""
    body = gzip.compress(CONTENT)
    for broken in (body[:-1], body[: len(body) // 2], body[:-6] + b"x" + body[-5:]):
        (here / "x").write_bytes(broken)
        with pytest.raises(IntegrityError, match="could not be decompressed"):
            open_file("file:x|gzip:")


def test_a_range_of_a_file(here):
    """Start inclusive, end exclusive; one that ends behind the file is refused, and so is a file that is missing."""
    (here / "x").write_bytes(CONTENT)
    file = open_file("file:x|byte-range:100-200|byte-range:10-20")
    assert file.read() == CONTENT[110:120]
    with pytest.raises(URLPipelineError, match="256,000 bytes"):
        open_file("file:x|byte-range:0-256001")
    with pytest.raises(KeyNotFoundError):
        open_file("file:missing|byte-range:0-1")


def test_an_archive_within_a_file(here, archive):
    """`byte-range:` and `gzip:` lead to archives, which open as storages and for zarr."""
    held = {}
    zarr.create_array(zarr.storage.MemoryStore(held), data=np.arange(3))
    body = archive({name: value.to_bytes() for name, value in held.items()})
    (here / "x").write_bytes(b"before" + body + b"after")
    (here / "x.gz").write_bytes(gzip.compress(body))
    for url in (f"file:x|byte-range:6-{6 + len(body)}|zip:", "file:x.gz|gzip:|log:?log_level=ERROR|zip:"):
        assert open_storage(url).exists("zarr.json")
        assert open_array(url)[:].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("memory:x|gzip:", "leads to a file"),
        ("memory:x|zarr3:", "leads to a dataset"),
        ("memory:x|zarr3:a", "leads to a dataset"),
        ("memory:x|icechunk:", "leads to a dataset"),
    ],
)
def test_only_directories_are_storages(url, match):
    """What leads to a file or a dataset is no storage, and the error says how it is opened."""
    with pytest.raises(URLPipelineError, match=match):
        open_pipeline(url)


def test_only_files_are_files(here):
    """A directory, and a URL that ends as one does, is no file."""
    for url in ("file:/", "memory:", "file:x/", "file:x/|log:"):
        with pytest.raises((URLPipelineError, KeyNotFoundError)):
            open_file(url)


def test_a_watched_storage_is_the_storage(caplog):
    """Every verb works through `log:`, and each access is a line; names, addresses and refusals are the storage's own."""
    plain = open_storage("memory://watched")
    storage = open_storage("memory:watched|log:")
    with caplog.at_level(logging.DEBUG, logger="modos.storage.pipelines"):
        storage.put(b"ACGT", "a/b")
        assert storage.read("a/b", 1, 3) == b"CG"
        assert storage.open("a/b").read() == b"ACGT"
        assert storage.copy("a/b", "c").size == 4
        storage.move("c", "d")
        assert sorted(map(str, storage.list())) == ["a/b", "d"]
        assert (storage / "a").read("b") == b"ACGT"
        storage.remove_tree("a")
    told = {record.message.split()[0] for record in caplog.records}
    assert told == {"put", "read", "open", "stat", "copy", "list", "remove"}
    assert list(map(str, plain.list())) == ["d"]
    assert (storage.url, storage.url_of("d")) == (plain.url, plain.url_of("d"))
    assert pickle.loads(pickle.dumps(storage)) == storage != plain
    with pytest.raises(KeyNotFoundError):
        storage.read("missing")
    with pytest.raises(ReadOnlyError):
        open_pipeline("memory:watched|log:", read_only=True).put(b"", "x")
    storage.remove("d")


def test_latency_waits(monkeypatch):
    """Reads wait for one time and writes for the other, by storages and by zarr."""
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    storage = open_storage("memory:slow|latency:?get_latency=1&set_latency=2")
    storage.put(b"1", "a")
    storage.read("a")
    assert waited[0] == 2.0
    assert waited[-1] == 1.0
    array = open_array("memory:slow|latency:?get_latency=0&set_latency=0|zarr3:x", mode="w", shape=(2,), dtype="i4")
    array[:] = 3
    assert open_array("memory:slow/x")[:].tolist() == [3, 3]


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_hierarchies_in_services(account, container, archive, kind):
    """zarr reads and writes by address in S3 and Swift, and reads archives there."""
    if kind == "s3":
        options = {"endpoint": account.server.s3_endpoint, "key": account.server.user, "secret": account.server.key}
        options["region"] = "us-east-1"
    else:
        options = {"storage_url": account.server.storage_url, "token": account.token}
    root = f"{kind}://{container}"
    open_array(f"{root}/a b.zarr|zarr2:", mode="w", shape=(4,), dtype="i4", storage_options=options)[:] = 7
    assert open_array(f"{root}/a%20b.zarr", storage_options=options)[1:3].tolist() == [7, 7]
    assert account.get(container, "a b.zarr/.zarray") is not None
    held = {}
    zarr.create_array(zarr.storage.MemoryStore(held), name="x", data=np.arange(3))
    account.put(container, "h.zarr.zip", archive({name: value.to_bytes() for name, value in held.items()}))
    url = f"{root}/h.zarr.zip|latency:?get_latency=0|zip:|zarr3:x"
    assert open_array(url, storage_options=options)[:].tolist() == [0, 1, 2]
    with pytest.raises(URLPipelineError, match="did you forget"):
        open_group(f"{root}/h.zarr.zip", storage_options=options)


@pytest.fixture
def repository(here):
    """An icechunk repository with a tag of its first commit; returns the id of that commit."""
    icechunk = pytest.importorskip("icechunk")
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(here / "repo")))
    session = repository.writable_session("main")
    zarr.open_group(session.store, mode="w").create_array("a/b", data=np.arange(3))
    first = session.commit("first")
    repository.create_tag("v 1", snapshot_id=first)
    session = repository.writable_session("main")
    zarr.open_group(session.store, mode="a")["a/b"][:] = 9
    session.commit("second")
    return first


def test_icechunk(repository, here):
    """The newest commit, a branch, a tag and a snapshot are read; versions that are missing are not found."""
    root = f"file:{here}/repo"
    for version, expected in {
        "icechunk:a/b": [9, 9, 9],
        "icechunk://branch.main/a|zarr3:b": [9, 9, 9],
        "icechunk://tag.v%201/a/b": [0, 1, 2],
        f"icechunk:@{repository}/a/b": [0, 1, 2],
    }.items():
        assert open_array(f"{root}|{version}")[:].tolist() == expected
    for missing in ("icechunk://tag.v2/a", "icechunk://branch.none/", "icechunk:missing"):
        with pytest.raises(FileNotFoundError):
            open_url(f"{root}|{missing}")
    with pytest.raises(FileNotFoundError):
        open_url(f"file:{here}/nothing|icechunk:")
    assert not (here / "nothing").exists()
    for mode in ("w", "r+"):
        with pytest.raises(URLPipelineError, match="only be read"):
            open_url(f"{root}|icechunk:", mode=mode)


def test_icechunk_is_optional(monkeypatch, here):
    """Without it, the error is the line that installs it; a base that it cannot read is refused before that."""
    monkeypatch.setitem(sys.modules, "icechunk", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modos-objects\[icechunk\]'"):
        open_url("file:repo|icechunk:")
    with pytest.raises(URLPipelineError, match="directly at a root"):
        open_url("memory:repo|icechunk:")


@pytest.fixture
def zarr_to_come(monkeypatch):
    """A zarr as pull request 4192 makes it, as far as the shim needs one; returns the shim's module."""
    module = types.ModuleType("zarr.abc.url_pipeline")
    module.AdapterResolution = interface.AdapterResolution
    module.URLPipelineAdapter = interface.URLPipelineAdapter
    monkeypatch.setitem(sys.modules, "zarr.abc.url_pipeline", module)
    monkeypatch.setattr(zarr.errors, "URLPipelineError", type("URLPipelineError", (ValueError,), {}), raising=False)
    yield importlib.import_module("modos.storage.pipelines.zarr_entry")
    del sys.modules["modos.storage.pipelines.zarr_entry"]


def test_swift_serves_zarr_when_zarr_has_pipelines(zarr_to_come, account, container):
    """The class of the entry point opens containers with options of either spelling, and refuses what is no root."""
    given = {"swift_storage_url": account.server.storage_url, "token": account.token}

    def opened(url, mode="r", options=given):
        *preceding, last = parse_pipeline(url)
        context = interface.PipelineContext(tuple(preceding), mode, options)
        return sync(zarr_to_come.SwiftURLAdapter.open_pipeline_segment(last, context))

    found = opened(f"swift://{container}/x", "w")
    zarr.create_array(found.store, name=joined_path(found.path, "a"), data=np.arange(3))
    storage_url = account.server.storage_url
    for url in (f"modos.swift://{container}/x", f"SWIFT+{storage_url}/{container}/x"):
        found = opened(url, options=given if url.startswith("modos") else {"token": account.token})
        assert found.store.read_only
        assert zarr.open_array(found.store, path=joined_path(found.path, "a"), mode="r")[:].tolist() == [0, 1, 2]
    for url in (f"file:/x|swift://{container}", "swift://", f"swift://{container}/x?query"):
        with pytest.raises(zarr.errors.URLPipelineError):
            opened(url)


def test_the_shim_is_registered_and_imported_by_nobody():
    """The entry points name a class that there is, and no module of ours imports what no released zarr has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = project["entry-points"]["zarr.url_adapters"]
    assert set(named) == {"swift", "swift+http", "swift+https", "modos.swift"}
    assert set(named.values()) == {"modos.storage.pipelines.zarr_entry:SwiftURLAdapter"}
    importing = [
        path.name
        for path in (ROOT / "modos").rglob("*.py")
        if "import AdapterResolution, URLPipelineAdapter  # type" in path.read_text(encoding="utf-8")
        or "import zarr.abc.url_pipeline" in path.read_text(encoding="utf-8")
    ]
    assert importing == ["zarr_entry.py"]


def test_unsupported_formats_are_not_implemented():
    """Whoever knows Python catches them without knowing us."""
    assert issubclass(UnsupportedFormatError, NotImplementedError)
