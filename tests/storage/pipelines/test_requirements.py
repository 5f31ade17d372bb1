"""The requirements that reviewers of zarr-python's pull requests 3369, 3567 and 4192 have raised, by their numbers."""

import asyncio
import importlib.metadata
import json
import logging
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.core.sync import sync
from zarr.storage import LoggingStore, MemoryStore

from modos import errors, open_array, open_group, open_storage, open_url
from modos.errors import InvalidInputError, KeyNotFoundError, ModosError, UnusedOptionsError, URLPipelineError
from modos.storage import LocalStorage, S3Storage
from modos.storage.pipelines import (
    PipelineContext,
    URLAdapterWarning,
    check_pipeline,
    get_url_adapter,
    is_pipeline,
    list_url_adapter_schemes,
    open_store,
    parse_pipeline,
    register_url_adapter,
    resolve_pipeline,
    resolve_relative,
    styles,
)
from modos.storage.pipelines.adapters.archive import ArchiveStorage

ROOT = Path(__file__).parents[3]


def refused(url, match=None, **options):
    """Expect that a URL is refused, and return the error."""
    with pytest.raises(URLPipelineError, match=match) as caught:
        open_url(url, **options)
    return caught.value


@pytest.fixture(autouse=True)
def nothing_is_left(here):
    """No failing URL leaves anything where the process stands but what the test put there."""
    yield
    assert [path.name for path in here.iterdir() if ":" in path.name or "|" in path.name or path.name[0] == "."] == []


@pytest.fixture
def probes(adapters, monkeypatch):
    """The adapters `root`, `wrap` and `consume`, and what they saw."""
    spec = importlib.util.spec_from_file_location("probes", Path(__file__).with_name("probes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "probes", module)
    for name in ("Root", "Wrap", "Consume"):
        register_url_adapter(f"test.{name}", getattr(module, name))
    return module


@pytest.fixture
def nested(here, archive):
    """An archive `outer.zip` with `inner.zip`, which has the array `[1, 2, 3]` as its root; compressed or not."""

    def make(method=zipfile.ZIP_STORED):
        buffer = {}
        zarr.create_array(MemoryStore(buffer), data=np.array([1, 2, 3], "i4"))
        inner = archive({name: value.to_bytes() for name, value in buffer.items()})
        (here / "outer.zip").write_bytes(archive({"inner.zip": inner}, method))
        (here / "inner.zip").write_bytes(inner)
        return here

    return make


# -- parsing and routing ------------------------------------------------------------------------------------------------


def test_r01_a_scheme_within_a_file_is_refused(here):
    """`file:memory:example.zip|zip` is an error, and nothing is created."""
    for url in ("file:memory:example.zip|zip", "file:memory:example.zip|zip:"):
        for mode in ("r", "a", "w"):
            refused(url, "another scheme", mode=mode)
        with pytest.raises(URLPipelineError):
            open_storage(url)
    assert list(here.iterdir()) == []


def test_r02_a_scheme_within_memory_is_refused(here):
    """`memory:memory:` is an error; a drive of Windows and an escaped colon are not."""
    for url in ("memory:memory:", "memory://memory:", "memory:FILE:x", "memory:memory:|zarr3:"):
        refused(url, "%3A", mode="w")
    check_pipeline("file:/C:/x")
    check_pipeline("memory:memory%3A")
    assert list(here.iterdir()) == []


def test_r03_paths_are_never_read_as_urls(here):
    """A `Path` with bars and colons is a path; in a URL they are escaped."""
    name = "a|b:c#d?e"
    open_storage(here / "x" / name).put(b"1", "f")
    assert open_storage("file:x/a%7Cb%3Ac%23d%3Fe").read("f") == b"1"
    (here / "x" / name / "f").unlink()
    with pytest.raises(TypeError, match="path of this machine"):
        parse_pipeline(Path("file:x"))


@pytest.mark.parametrize("url", ["data|zip:", "a||b", "file:/x|zi p:", "s3://b#x|zip:", "x|"])
def test_r04_what_does_not_parse_is_no_path(url, here):
    """A text that is no URL raises; it is never taken for a local path."""
    refused(url, mode="w")
    with pytest.raises(URLPipelineError):
        open_storage(url)
    assert list(here.iterdir()) == []


def test_r05_defects_are_not_hidden(probes, monkeypatch):
    """What an adapter raises for reasons of its own comes out as it is, and a translated error keeps its cause."""

    async def broken(segment, context):
        raise ZeroDivisionError

    monkeypatch.setattr(probes.Root, "open_pipeline_segment", broken)
    with pytest.raises(ZeroDivisionError):
        open_url("test.root:")
    assert refused("file:/%zz").__cause__ is not None


def test_r06_a_single_url_is_a_pipeline(here):
    """`s3://bucket/data.zarr` and `file:///data.zarr` are read by the one parser, and open."""
    assert is_pipeline("s3://bucket/data.zarr")
    assert is_pipeline("file:///data.zarr")
    assert len(parse_pipeline("s3://bucket/data.zarr")) == 1
    open_group(f"file://{here}/data.zarr", mode="w")
    assert open_group(f"file://{here}/data.zarr").metadata.zarr_format == 3


def test_r07_all_urls_go_one_way(here, monkeypatch):
    """Local stores, memory and services are all resolved here: nothing reaches fsspec with a bar in it."""
    import fsspec

    asked = []
    known = fsspec.url_to_fs
    monkeypatch.setattr(fsspec, "url_to_fs", lambda url, **options: asked.append(url) or known(url, **options))
    open_group("memory:r07|log:?log_level=ERROR|zarr3:", mode="w")
    open_group("file:x|log:?log_level=ERROR", mode="w")
    assert asked == ["memory://"]
    assert isinstance(sync(resolve_pipeline("s3://bucket/x")).store._storage, S3Storage)


@pytest.mark.parametrize("scheme", ["file", "local", "FILE"])
def test_r08_files_are_local(here, scheme):
    """`file:` and `local:` give a store on this machine, not one of fsspec."""
    store = sync(resolve_pipeline(f"{scheme}:{here}/x")).store
    assert isinstance(store._storage, LocalStorage)
    assert store._storage.path == here / "x"


@pytest.mark.parametrize("path", ["C:\\x", "C:/x", "C:.zarr", r"\\host\share\x", "//host/share", "data/ex", "./file:x"])
def test_r09_no_scheme_is_guessed(path, here):
    """Paths of Windows and network shares have no scheme where paths are taken, and as URLs are told how to be one."""
    assert not is_pipeline(path)
    assert open_storage(path).url.endswith(path.removeprefix("./").lstrip("/"))
    refused(path, "file:")


def test_r10_chains_of_fsspec_are_no_pipelines(here, archive):
    """`zip::file://…` goes to fsspec as it is, though there is an adapter `zip`; as a pipeline it is refused."""
    (here / "x.zip").write_bytes(archive({"f": b"1"}))
    assert "zip" in list_url_adapter_schemes()
    for url in (f"zip::file://{here}/x.zip", "simplecache::s3://bucket/x"):
        assert not is_pipeline(url)
        refused(url, "chain of fsspec")
    assert open_storage(f"zip::file://{here}/x.zip").read("f") == b"1"


def test_r11_exotic_authorities_leak_no_other_error(probes):
    """`vendor://[authority]/p` is refused by an error of ours, or reaches the adapter that is registered for it."""
    refused("vendor1-2.custom+adapter://[authority]/path?query/part?x", "unknown scheme")
    register_url_adapter("vendor1-2.custom+adapter", probes.Root)
    open_group("vendor1-2.custom+adapter://[authority]/path?query/part?x", mode="w")
    refused("s3://UPPER_case/x", "could not resolve the pipeline root")


@pytest.mark.parametrize(
    ("url", "part"),
    [("file:/x|#|zip:", "#"), ("file:/x|zip:a#b", "zip:a#b"), ("file:/x|1zip:", "1zip:"), ("x/y|zip:", "x/y")],
)
def test_r12_the_piece_that_is_wrong_is_quoted(url, part):
    """Fragments, impossible schemes and roots without one name the sub-URL; an empty one is told as such."""
    assert refused(url).part == part
    assert repr(part) in str(refused(url))
    refused("file:/x||zip:", "empty sub-URL")


def test_r13_importing_imports_no_adapter():
    """The error is in the module of errors, and `import modos` loads no adapter, no fsspec and no zarr."""
    assert errors.URLPipelineError is URLPipelineError
    ask = (
        "import json, sys, modos, modos.storage, modos.storage.pipelines as p; p.list_url_adapter_schemes(); "
        "p.check_pipeline('file:/x|zip:|zarr3:'); print(json.dumps(sorted(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    loaded = json.loads(answer.stdout)
    assert [name for name in loaded if name.startswith("modos.storage.pipelines.adapters")] == []
    assert {"fsspec", "zarr", "numpy", "s3fs"} & set(loaded) == set()


# -- semantics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["memory:r14", "file:r14"])
@pytest.mark.parametrize(("scheme", "number"), [("zarr2", 2), ("zarr3", 3)])
def test_r14_the_format_reaches_open_and_create(root, scheme, number, here):
    """By every function that opens or creates, with the documents of that format."""
    root = f"{root}-{scheme}"
    array = open_array(f"{root}/a|{scheme}:", mode="w", shape=(5,), dtype="i4")
    assert array.metadata.zarr_format == number
    assert open_group(f"{root}/g|{scheme}:sub", mode="w").metadata.zarr_format == number
    assert open_url(f"{root}/o|{scheme}:", mode="w", shape=(5,), dtype="i4").metadata.zarr_format == number
    assert open_url(f"{root}/a|{scheme}:").metadata.zarr_format == number
    assert open_array(f"{root}/a|zarr:").metadata.zarr_format == number
    names = set(map(str, open_storage(root).list()))
    assert ("a/.zarray" in names) == (number == 2)
    assert ("g/sub/zarr.json" in names) == (number == 3)
    resolved = sync(resolve_pipeline(f"{root}/c|{scheme}:x", mode="w"))
    made = zarr.create_array(
        resolved.store, name=resolved.path, shape=(1,), dtype="i4", zarr_format=resolved.zarr_format
    )
    assert made.metadata.zarr_format == number


def test_r15_a_format_cannot_be_contradicted(here):
    """Another format than that of the address is a ValueError that says so; the same and none are not."""
    for given, good in ((2, "zarr2"), (3, "zarr3"), (2, "zarr"), (3, "zarr"), (None, "zarr2")):
        open_group(f"memory:r15|{good}:{given}", mode="w", zarr_format=given)
    for given, said in ((2, 3), (3, 2)):
        with pytest.raises(ValueError, match="conflicts with"):
            open_group(f"file:x|zarr{said}:", mode="w", zarr_format=given)
    refused("memory:r15|zarr2:|zarr3:", "follows a dataset")
    assert list(here.iterdir()) == []


def test_r16_another_format_is_not_found():
    """`|zarr3:` on a hierarchy of format 2 finds nothing, and the other way round."""
    open_group("memory:r16-2|zarr2:", mode="w")
    open_group("memory:r16-3|zarr3:", mode="w")
    for url in ("memory:r16-2|zarr3:", "memory:r16-3|zarr2:"):
        with pytest.raises((KeyNotFoundError, URLPipelineError)):
            open_group(url)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_r17_archives_in_archives(nested, method, kind):
    """`outer.zip|zip:inner.zip|zip:` reads `[1, 2, 3]`, whether the outer one compresses or not."""
    place = nested(method)
    root = "file:outer.zip"
    if kind == "memory":
        open_storage("memory://r17").put((place / "outer.zip").read_bytes(), "outer.zip")
        root = "memory:r17/outer.zip"
    assert open_array(f"{root}|zip:inner.zip|zip:")[:].tolist() == [1, 2, 3]
    assert open_storage(f"{root}|zip:inner.zip|zip:").exists("zarr.json")


def test_r18_archives_are_read_through_what_precedes(nested, caplog):
    """Adapters between the root and the archive see every access to it, and only ranges are asked for."""
    nested()
    with caplog.at_level(logging.DEBUG, logger="modos.storage.pipelines"):
        storage = open_storage("file:outer.zip|log:|zip:inner.zip|zip:")
        storage.read("zarr.json")
    assert {record.message.split()[0] for record in caplog.records} == {"stat", "read"}
    assert open_array("file:outer.zip|latency:?get_latency=0|zip:inner.zip|zip:")[:].tolist() == [1, 2, 3]


def test_r19_content_decides_what_is_an_archive(nested, probes):
    """Any name will do; what is none is refused, and the store before it is closed."""
    place = nested()
    for name in ("noextension", "x.jar", "x.txt"):
        (place / "inner.zip").rename(place / name)
        assert open_array(f"file:{name}|zip:")[:].tolist() == [1, 2, 3]
        (place / name).rename(place / "inner.zip")
    (place / "text").write_text("text")
    refused("file:text|zip:", "could not open the ZIP archive")
    for url in ("file:missing|zip:", "file:.|zip:"):
        with pytest.raises(FileNotFoundError):
            open_url(url)
    probes.DATA["text"] = zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(b"text")
    refused("test.root:|test.wrap:text|zip:", "could not open the ZIP archive")
    assert len(probes.CLOSED) == 1


def test_r20_a_forgotten_adapter_is_suggested(nested):
    """Opening an archive itself, also through `log:`, asks whether `|zip:` was forgotten."""
    nested()
    for url in ("file:inner.zip", "file:inner.zip|log:?log_level=ERROR", "file:inner.zip|zarr3:"):
        refused(url, r"did you forget '\|zip:'")
    refused("file:outer.zip|zip:inner.zip", r"did you forget '\|zip:'")
    with pytest.raises(FileNotFoundError) as caught:
        open_url("file:missing.zip")
    assert "forget" not in str(caught.value)


def test_r21_only_a_local_archive_can_be_created(here):
    """`file:data.zip|zip` with mode `w` makes an archive, whole when it is closed; everywhere else the mode is named."""
    group = open_group("file:data.zip|zip:inner|zarr3:", mode="w")
    group.create_array("a", data=np.arange(3))
    assert not (here / "data.zip").exists()
    group.store.close()
    assert [path.name for path in here.iterdir()] == ["data.zip"]
    assert open_array("file:data.zip|zip:inner/a")[:].tolist() == [0, 1, 2]
    with pytest.raises(FileExistsError):
        open_group("file:data.zip|zip:", mode="w-")
    for url in ("memory:x.zip|zip:", "file:data.zip|zip:a.zip|zip:", "file:data.zip|log:|zip:", "s3://bucket/x|zip:"):
        for mode in ("w", "w-"):
            refused(url, f"mode '{mode}'", mode=mode)
    with pytest.raises(TypeError, match="shape"):
        open_array("file:new.zip|zip:", mode="w")
    with pytest.raises(FileNotFoundError):
        open_group("file:no/such/directory.zip|zip:", mode="w")
    assert [path.name for path in here.iterdir()] == ["data.zip"]


@pytest.mark.parametrize("mode", ["r", "a", "r+", "w-"])
def test_r22_a_file_is_opened_without_creating_anything(nested, mode):
    """Whatever the mode, a root that is a file makes no directory of its name, and a missing one none either."""
    place = nested()
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    for url in ("file:inner.zip|zip:", "file:missing.zip|zip:inner|zip:"):
        try:
            open_array(url, mode=mode)
        except (ModosError, OSError):
            continue
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_r23_modes(nested, probes):
    """`r` cannot be written even if the adapter would; `a` opens what can only be read; `w`, `w-`, `r+` are refused."""
    nested()
    store = sync(resolve_pipeline("test.root:", mode="r")).store
    assert store.read_only
    array = open_array("file:inner.zip|zip:", mode="a")
    assert array[:].tolist() == [1, 2, 3]
    with pytest.raises((ValueError, ModosError)):
        array[:] = 0
    for mode in ("w", "w-", "r+"):
        refused("file:outer.zip|zip:inner.zip|zip:", f"mode.*'{mode}'", mode=mode)
    probes.SEEN.clear()
    with pytest.raises(InvalidInputError, match="no mode 'x'"):
        open_url("test.root:", mode="x")
    assert probes.SEEN == []


def test_r24_paths_join_in_order(probes):
    """The path of the root, of adapters, of the format and the caller's, without double slashes; dots are refused."""
    resolve = lambda url: sync(resolve_pipeline(url)).path  # noqa: E731 - short for what the test is about
    assert resolve("test.root:|test.wrap:a|test.wrap:b") == "a/b"
    assert resolve("memory:r24/residual|zarr3:/node//x/") == "residual/node/x"
    group = open_group("memory:r24/residual|zarr3:node", path="/user//sub/", mode="w")
    assert group.path == "residual/node/user/sub"
    for path in ("..", "a/../b", "./a"):
        with pytest.raises(InvalidInputError):
            open_group("memory:r24", path=path)
    refused("memory:r24|zarr3:a/../b")


def test_r25_a_bare_store_has_no_path(nested, probes):
    """A URL that leads into a store is refused where only a store is returned, and the store closed; `/` is no path."""
    nested()
    assert open_store("memory:r25").read_only
    assert open_store("file:outer.zip|zip:/").read_only
    for url in ("memory:r25/a", "file:outer.zip|zip:inner.zip", "file:x|zarr3:a", "test.root:|test.wrap:a"):
        with pytest.raises(URLPipelineError, match="resolves to a path inside a store"):
            open_store(url)
    assert len(probes.CLOSED) == 1


@pytest.mark.parametrize("url", ["memory:r26/x", "memory:/r26/x", "memory://r26/x", "MEMORY:r26/%78"])
def test_r26_memory_opens_again(url):
    """What is written in one spelling is there in all; also without a name."""
    open_array("memory:r26/x", mode="w", shape=(2,), dtype="i4")[:] = 7
    assert open_array(url)[:].tolist() == [7, 7]
    open_array("memory:|zarr3:r26-unnamed", mode="w", shape=(1,), dtype="i4")[:] = 8
    for unnamed in ("memory:", "memory:/", "memory://"):
        assert open_array(f"{unnamed}|zarr3:r26-unnamed")[:].tolist() == [8]


def test_r27_file_urls_are_those_of_rfc_8089(here):
    """One, two and three slashes with the host of this machine are one file; another host is never a directory."""
    open_group(f"file:{here}/x", mode="w")
    for start in ("file:", "file://", "file://localhost", "file://LOCALHOST", "FILE://"):
        assert open_group(f"{start}{here}/x").metadata.zarr_format == 3
    for mode in ("r", "w"):
        refused("file://relative/path", "authority", mode=mode)
    assert [path.name for path in here.iterdir()] == ["x"]


def test_r28_nothing_leads_up_unasked(nested):
    """`..` in archives, hierarchies and files, and as an adapter, is refused; only resolve_relative takes it."""
    nested()
    for url in (
        "file:outer.zip|zip:../x",
        "file:x|zarr3:../x",
        "file:../x",
        "file:a/%2E%2E/x",
        "file:outer.zip|zip:inner.zip|..:x",
        "file:outer.zip|zip:x|..",
    ):
        refused(url)
    assert resolve_relative("file:/a/outer.zip|zip:x", "..:other.zip") == "file:/a/other.zip"
    with pytest.raises(URLPipelineError, match="leads out"):
        resolve_relative("file:/a/outer.zip|zip:x", "..:/etc", within="file:/a")


@pytest.mark.parametrize("body", ["branch:main", "@branch.main", "a@b:c"])
def test_r29_only_an_adapter_reads_its_body(probes, body):
    """Versions mean something to the adapter that has them, and nothing to any other."""
    assert sync(resolve_pipeline(f"test.root:|test.wrap:{body}")).path == body


def test_r30_log_and_latency(nested, caplog):
    """Both wrap anything, take their parameters from the query, have defaults, and refuse what means nothing."""
    nested()
    store = sync(resolve_pipeline("memory:r30|log:?log_level=INFO")).store
    assert isinstance(store, LoggingStore)
    assert store.log_level == "INFO"
    slow = sync(resolve_pipeline("memory:r30|latency:?get_latency=0.5&set_latency=2")).store
    assert (slow.get_latency, slow.set_latency) == (0.5, 2.0)
    assert sync(resolve_pipeline("memory:r30|latency:")).store.get_latency > 0
    with caplog.at_level(logging.INFO, logger="modos.storage.pipelines"):
        open_storage("memory:r30|log:?log_level=info").put(b"1", "x")
    assert "put" in caplog.text
    for bad in (
        "log:?log_level=LOUD",
        "log:?level=INFO",
        "latency:?get_latency=soon",
        "latency:?get_latency=-1",
        "log:x",
    ):
        refused(f"memory:r30|{bad}")


# -- options and services -----------------------------------------------------------------------------------------------


def test_r31_options_arrive_as_one_mapping(probes, account, container):
    """`s3://…|log:` with options is what the options and a logging store make; the root sees the same mapping."""
    options = {"anon": True, "nested": {"a": 1}}
    sync(resolve_pipeline("test.root:|log:|test.wrap:", storage_options=options))
    assert [context.storage_options for context in probes.SEEN] == [options, options]
    place = account.s3(container)
    place.put(b"1", "a/b")
    given = {"endpoint": account.server.s3_endpoint, "key": account.server.user, "secret": account.server.key}
    given["region"] = "us-east-1"
    logged = sync(resolve_pipeline(f"s3://{container}|log:?log_level=ERROR", storage_options=given)).store
    plain = sync(resolve_pipeline(f"s3://{container}", storage_options=given)).store
    assert isinstance(logged, LoggingStore)

    async def keys(store):
        return [key async for key in store.list()]

    assert sync(keys(logged)) == sync(keys(plain)) == ["a/b"]
    assert logged._store == plain


def test_r32_options_that_were_used_are_not_passed_on(probes):
    """An adapter may take options of its own; the root sees the others, and none where none are left."""
    sync(resolve_pipeline("test.root:|test.consume:", storage_options={"consume_x": 1, "other": 2}))
    assert [context.storage_options for context in probes.SEEN] == [{"consume_x": 1, "other": 2}, {"other": 2}]
    probes.SEEN.clear()
    sync(resolve_pipeline("test.root:|test.consume:", storage_options={"consume_x": 1}))
    assert probes.SEEN[1].storage_options is None
    sync(resolve_pipeline("memory:r32|test.consume:", storage_options={"consume_x": 1}))


@pytest.mark.parametrize("url", ["memory:x", "file:x", "memory:x|log:", "file:x.zip|zip:", "file:x|zarr3:"])
def test_r33_options_that_nobody_uses_are_a_type_error(url, here):
    """Local files and memory take none, also through adapters."""
    with pytest.raises(TypeError, match="'storage_options' was provided but unused") as caught:
        open_url(url, storage_options={"anon": True})
    assert isinstance(caught.value, UnusedOptionsError)
    with pytest.raises(TypeError):
        open_storage(f"{url.removesuffix('|zarr3:')}|log:", storage_options={"anon": True})


def test_r34_reading_only_comes_from_the_mode(probes):
    """`read_only` among the options is an option like any other: the root gets it, and nothing else acts on it."""
    store = sync(resolve_pipeline("test.root:", mode="w", storage_options={"read_only": True})).store
    assert not store.read_only
    with pytest.raises(TypeError):
        open_group("memory:r34", mode="w", storage_options={"read_only": True})


def test_r35_s3_compatible_services(account, container, archive):
    """`s3+http://host/bucket/key` reads and writes there, also followed by `|zip:`, by pipelines and as a plain URL."""
    given = {"key": account.server.user, "secret": account.server.key, "region": "us-east-1"}
    root = f"s3+{account.server.s3_endpoint}/{container}"
    open_array(f"{root}/a b|zarr3:x", mode="w", shape=(2,), dtype="i4", storage_options=given)[:] = 5
    assert open_array(f"{root}/a%20b/x", storage_options=given)[:].tolist() == [5, 5]
    account.put(container, "x.zip", archive({"f": b"1"}))
    assert open_storage(f"{root}/x.zip|zip:", storage_options=given).read("f") == b"1"


def test_r36_s3_compatible_listings(account, container, bucket_host, monkeypatch):
    """A listing finds out by itself whether the bucket is the path's or the host's, once per service; reading need not."""
    monkeypatch.setattr(styles, "_STYLES", {})
    given = {"key": account.server.user, "secret": account.server.key, "region": "us-east-1"}
    account.put(container, "d/a", b"1")
    root = f"s3+{account.server.s3_endpoint}/{container}"
    for url, names in ((f"{root}/d|log:", ["a"]), (f"{root}|log:", ["d/a"])):
        assert list(map(str, open_storage(url, storage_options=given).list())) == names
    host, asked = bucket_host
    storage = open_storage(f"s3+{host}/data/deep|log:", storage_options=given)
    assert storage.read("a b") == b"1"
    assert not [query for _, query in asked if "list-type" in query]
    assert sorted(map(str, storage.list())) == ["a b", "sub/c"]
    assert sorted(map(str, storage.list_dir())) == ["a b", "sub"]
    listings = [path for path, query in asked if "list-type" in query]
    assert listings == ["/data", "/", "/"]
    assert set(styles._STYLES.values()) == {"path", "virtual-host"}
    with pytest.raises(KeyNotFoundError):
        list(open_storage(f"{root}-missing|log:", storage_options=given).list())


def test_r37_web_servers_are_for_reading(served):
    """What HTTP serves cannot be written, and a query goes with every request beneath it."""
    url, asked = served
    assert open_array(f"{url}/a?token=1|zarr3:")[:].tolist() == [1, 2, 3]
    assert {query for _, query in asked} == {"token=1"}
    assert open_storage(f"{url}/x.zip?token=1|zip:").read("f") == b"1"
    with pytest.raises((URLPipelineError, ValueError, PermissionError)):
        open_group(f"{url}/new", mode="w")


def test_r38_aliases():
    """`gs` is a root; `gcs` is not one, and the error says what is."""
    check_pipeline("gs://bucket/x")
    with pytest.raises(URLPipelineError, match="'gs'"):
        check_pipeline("gcs://bucket/x")


def test_r39_a_segment_that_is_not_understood_is_refused(nested):
    """An adapter that reads the text before it, as icechunk does, refuses what it cannot use."""
    nested()
    for url in ("file:x|log:|icechunk:", "file:outer.zip|zip:|icechunk:", "gzip:|zip:"):
        refused(url, "icechunk|adapter, not a root")


def test_r40_what_was_opened_is_closed(probes, archive, nested):
    """Closing a store closes what it stands on; so does a failure after something was opened."""
    buffer = zarr.core.buffer.default_buffer_prototype().buffer
    probes.DATA["x.zip"] = buffer.from_bytes(archive({"a": b"1"}))
    store = sync(resolve_pipeline("test.root:|test.wrap:x.zip|zip:", mode="r")).store
    assert probes.CLOSED == []
    store.close()
    assert len(probes.CLOSED) == 1
    with pytest.raises(KeyNotFoundError):
        open_url("test.root:|test.wrap:x.zip|zip:missing")
    assert len(probes.CLOSED) == 2


# -- registry -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def offered(adapters, monkeypatch):
    """Let distributions offer adapters: pairs of a group and an entry point."""
    entries = []
    monkeypatch.setattr(adapters, "entry_points", lambda group: [entry for entry in entries if entry.group == group])

    def offer(name, value, group="modos.url_adapters"):
        adapters._REGISTRY._found = None
        entries.append(importlib.metadata.EntryPoint(name, value, group))

    return offer


def test_r41_listing_loads_nothing(offered, probes):
    """Schemes are looked up in any case, loaded one by one, also by several threads and while another one is loaded."""
    offered("test.LAZY", "probes:Root")
    offered("test.other", "no_such_module:Adapter")
    assert {"test.lazy", "test.other", "zip"} <= list_url_adapter_schemes()
    found = []
    threads = [threading.Thread(target=lambda: found.append(get_url_adapter("Test.Lazy"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [probes.Root] * 8
    assert get_url_adapter("test.nobody") is None


def test_r42_of_several_adapters_one_is_used(offered, probes, adapters):
    """A broken one is told and can be tried again; of equal names the first; run time before entry points; ours last."""
    offered("test.broken", "no_such_module:Adapter")
    offered("test.twice", "probes:Root")
    offered("test.twice", "probes:Wrap", "zarr.url_adapters")
    offered("zip", "probes:Root")
    with pytest.warns(URLAdapterWarning, match="test.twice"):
        assert get_url_adapter("test.twice") is probes.Root
    for _ in range(2):
        with pytest.raises(URLPipelineError, match="could not be loaded") as caught:
            get_url_adapter("test.broken")
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert "test.broken" in list_url_adapter_schemes()
    assert get_url_adapter("zip").__module__ == "modos.storage.pipelines.adapters.zip"
    with pytest.warns(URLAdapterWarning, match="replaced"):
        register_url_adapter("test.twice", probes.Consume)
    assert get_url_adapter("test.twice") is probes.Consume


@pytest.mark.parametrize("scheme", ["file", "memory", "FILE", "local"])
def test_r43_files_and_memory_are_taken_over_by_nobody(offered, probes, scheme):
    """Neither at run time nor by an entry point."""
    with pytest.raises(InvalidInputError, match="takes no adapter"):
        register_url_adapter(scheme, probes.Root)
    offered(scheme, "probes:Root")
    probes.SEEN.clear()
    sync(resolve_pipeline(f"{scheme}:x"))
    assert probes.SEEN == []


def test_r44_unknown_schemes_are_told_what_is_known(probes):
    """The message lists the schemes, names the group of entry points, and suggests a near one."""
    for url in ("nonsense:x", "file:x|nonsense:", "file:x|hdf5:"):
        error = str(refused(url))
        assert "modos.url_adapters" in error
        assert "zip" in error or "file" in error
    assert "did you mean 'zip'" in str(refused("file:x|zpi:"))


# -- documentation and tests --------------------------------------------------------------------------------------------


def test_r45_every_example_has_its_equivalent():
    """The page shows each pipeline beside the code without one, and archives of hierarchies are called `*.zarr.zip`."""
    page = (ROOT / "docs" / "urls.md").read_text(encoding="utf-8")
    assert ".zarr.zip" in page
    assert "without a pipeline" in page
    assert "urls.md" in (ROOT / "docs" / "storage.md").read_text(encoding="utf-8")
    examples = [line for line in page.splitlines() if line.startswith("| `") and "open_" in line]
    assert all(line.count("`") >= 4 for line in examples)
    assert examples


def test_r46_every_requirement_has_its_test():
    """The numbers 1 to 46 are all here."""
    numbers = {name.split("_")[1] for name in globals() if name.startswith("test_r")}
    assert numbers == {f"r{number:02}" for number in range(1, 47)}


def test_the_context_is_what_zarr_would_pass():
    """Names and shapes are those of zarr-python's pull request 4192, so that one adapter class serves both."""
    segments = parse_pipeline("file:/x|zip:")
    context = PipelineContext(segments[:1], "r", None)
    assert (context.read_only, context.preceding_url) == (True, "file:/x")
    with pytest.raises(URLPipelineError, match="adapter, not a root"):
        asyncio.run(PipelineContext(()).resolve_preceding())
    assert str(segments[1]) == segments[1].raw == "zip:"
    assert isinstance(open_storage("file:/x|zip:"), ArchiveStorage)
