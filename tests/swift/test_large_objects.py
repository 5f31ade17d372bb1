"""Large objects: segments and manifests, and that nothing of them is left behind."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from functools import partial

import pytest

from modos.errors import AccessDeniedError, IntegrityError, KeyExistsError, ServiceError
from modos.swift.concurrency import in_order
from modos.testing import Fault

pytestmark = pytest.mark.thorough

SEGMENT = 1 << 16
CONTENT = bytes(range(256)) * (SEGMENT // 256) * 3 + b"tail"
PIECE = 16 << 20
"""What comes down by one request, and from where on a thread carries a body."""
BULK = os.urandom(1 << 20) * 33 + b"tail"


@pytest.fixture
def fs(connect):
    return connect(segment_size=SEGMENT)


@pytest.fixture
def small(watched, proxy, connect, swift):
    made = connect(storage_url=proxy.through(swift.storage_url), segment_size=SEGMENT, attempts=2)
    proxy.clear()
    return made


def segments(fs):
    return fs.find("omics/.segments")


def by_pipe(fs, path, content, tmp_path, **options):
    return fs.pipe_file(path, content, **options)


def by_file(fs, path, content, tmp_path, **options):
    (tmp_path / "local").write_bytes(content)
    return fs.put_file(tmp_path / "local", path, **options)


def by_writer(fs, path, content, tmp_path, mode="overwrite", **options):
    with fs.open(path, "xb" if mode == "create" else "wb", **options) as file:
        for start in range(0, len(content), 50_000):
            file.write(content[start : start + 50_000])
    return file.details


each_way = pytest.mark.parametrize("write", [by_pipe, by_file, by_writer])


@each_way
def test_round_trip(fs, write, tmp_path):
    """A large object is one object: read whole and by range, with its metadata, its segments hidden."""
    written = write(fs, "omics/big.bin", CONTENT, tmp_path, metadata={"lab": "Genève"}, content_type="text/x-test")
    seen = fs.info("omics/big.bin")
    assert fs.cat_file("omics/big.bin") == CONTENT
    assert fs.cat_file("omics/big.bin", SEGMENT - 5, SEGMENT + 5) == CONTENT[SEGMENT - 5 : SEGMENT + 5]
    assert fs.cat_file("omics/big.bin", -4) == b"tail"
    assert (seen["size"], seen["etag"], seen["metadata"]) == (len(CONTENT), None, {"lab": "Genève"})
    assert (written["size"], written["slo_etag"], written["etag"]) == (len(CONTENT), seen["slo_etag"], None)
    assert fs.find("omics") == ["omics/big.bin"]
    assert fs.ls("omics")[0]["size"] == len(CONTENT)
    assert len(segments(fs)) == 4
    with fs.open("omics/big.bin") as file:
        file.seek(-4, 2)
        assert file.read() == b"tail"


@each_way
def test_exactly_one_segment_is_an_ordinary_object(fs, write, tmp_path):
    """At the segment size an object is not cut, one byte beyond it is."""
    write(fs, "omics/x", CONTENT[:SEGMENT], tmp_path)
    assert fs.info("omics/x")["etag"]
    write(fs, "omics/x", CONTENT[: SEGMENT + 1], tmp_path)
    assert len(segments(fs)) == 2


@each_way
@pytest.mark.parametrize("content", [b"small", CONTENT + b"!"], ids=["small", "large"])
def test_overwriting_leaves_no_orphans(fs, connect, write, content, tmp_path):
    """Whatever replaces a large object, also from another process, its segments go once the new one is in place."""
    write(fs, "omics/x", CONTENT, tmp_path)
    write(connect(segment_size=SEGMENT), "omics/x", content, tmp_path)
    assert fs.cat_file("omics/x") == content
    assert len(segments(fs)) == (0 if content == b"small" else 4)


def test_deleting_leaves_no_orphans(fs):
    """Segments go with their object: of one, of several, and of a tree."""
    fs.pipe({f"omics/ex/{n}": CONTENT for n in range(5)})
    fs.pipe_file("omics/kept", CONTENT)
    fs.rm("omics/ex/0")
    fs.rm(["omics/ex/1", "omics/ex/2"])
    fs.rm("omics/ex", recursive=True)
    assert len(segments(fs)) == 4
    assert fs.cat_file("omics/kept") == CONTENT


def test_copy_and_move_leave_each_whole(fs):
    """A copy has segments of its own, a move leaves no orphan."""
    fs.pipe_file("omics/x", CONTENT, metadata={"lab": "a"})
    fs.cp_file("omics/x", "omics/y")
    fs.rm("omics/x")
    assert fs.cat_file("omics/y") == CONTENT
    fs.mv("omics/y", "omics/z")
    assert fs.cat_file("omics/z") == CONTENT
    assert fs.info("omics/z")["metadata"] == {"lab": "a"}
    assert len(segments(fs)) == 4


def test_visible_objects_in_a_manifest_are_not_deleted(fs):
    """A manifest of other visible objects is deleted alone: they are nobody's segments."""
    fs.pipe_file("omics/body", b"body", mode="create")
    manifest = [{"path": "/omics/body"}]
    fs.run(
        fs.client.request,
        "PUT",
        "omics/composed",
        params={"multipart-manifest": "put"},
        body=json.dumps(manifest).encode(),
    )
    assert fs.cat_file("omics/composed") == b"body"
    fs.rm("omics/composed")
    assert fs.cat_file("omics/body") == b"body"


@each_way
def test_create_only(fs, write, tmp_path):
    """A create-only large object that finds something leaves it and no segments."""
    fs.pipe_file("omics/x", b"old")
    with pytest.raises(KeyExistsError):
        write(fs, "omics/x", CONTENT, tmp_path, mode="create")
    assert fs.cat_file("omics/x") == b"old"
    assert segments(fs) == []


@each_way
@pytest.mark.parametrize("path", ["/00000002", "omics/x"], ids=["segment", "manifest"])
def test_a_failed_upload_leaves_nothing(fs, small, proxy, write, path, tmp_path):  # noqa: PLR0917 - fixtures
    """When a segment or the manifest is refused, what was there stays, and no segment does."""
    fs.pipe_file("omics/x", b"old")
    proxy.inject(Fault(method="PUT", path=path, status=403, times=None))
    with pytest.raises(AccessDeniedError):
        write(small, "omics/x", CONTENT, tmp_path)
    assert fs.cat_file("omics/x") == b"old"
    assert segments(fs) == []


@each_way
def test_passing_faults(fs, small, proxy, write, tmp_path):
    """Refused and lost segments and manifests are sent again."""
    proxy.inject(Fault(method="PUT", path="/00000001", status=503), Fault(method="PUT", path="/00000002", reset=True))
    proxy.inject(Fault(method="PUT", path="omics/x", reset=True, forward=True))
    write(small, "omics/x", CONTENT, tmp_path)
    assert fs.cat_file("omics/x") == CONTENT
    assert len(segments(fs)) == 4


@each_way
def test_a_manifest_whose_answer_is_lost_keeps_its_segments(fs, small, proxy, write, tmp_path):
    """When it is not known whether the manifest was written, no segment that it may name is deleted."""
    proxy.inject(Fault(method="PUT", path="omics/x", status=500, forward=True, times=None))
    with pytest.raises(ServiceError):
        write(small, "omics/x", CONTENT, tmp_path)
    assert fs.cat_file("omics/x") == CONTENT


@pytest.mark.parametrize("how", ["exception", "discard", "abandon"])
def test_a_writer_that_does_not_commit(fs, how):
    """An exception, `discard` and forgetting the file remove the segments that are up, and leave what was there."""
    fs.pipe_file("omics/x", b"old")
    if how == "exception":
        with pytest.raises(RuntimeError), fs.open("omics/x", "wb") as file:  # noqa: PT012 - the story is within
            file.write(CONTENT)
            raise RuntimeError
    else:
        file = fs.open("omics/x", "wb")
        file.write(CONTENT)
        assert len(segments(fs)) == 3
        if how == "discard":
            file.discard()
        else:
            del file
            fs.ls("omics")  # the loop has had its turn
    for _ in range(20):
        if not segments(fs):
            break
    assert segments(fs) == []
    assert fs.cat_file("omics/x") == b"old"


@pytest.fixture
def bulky(watched, proxy, connect, swift):
    """A filesystem whose segments are so large that threads carry them, through the proxy."""
    who = {"token": None, "auth_url": swift.auth_url, "user": swift.user, "key": swift.key}
    through = proxy.through(swift.storage_url)
    return connect(storage_url=through, segment_size=PIECE, attempts=2, read_timeout=1.0, **who)


@pytest.mark.parametrize(
    ("into", "segment_size"), [("path", 5 << 20), ("path", 1 << 30), ("file", 5 << 20), ("pipe", 1 << 30)]
)
def test_download_in_pieces(connect, proxy, swift, into, segment_size, tmp_path):  # noqa: PLR0917 - fixtures
    """An object comes down whole, in several requests, to wherever; a large one costs one more, for its manifest."""
    fs = connect(segment_size=segment_size, storage_url=proxy.through(swift.storage_url))
    fs.pipe_file("omics/x", BULK)
    proxy.clear()
    if into == "path":
        fs.get_file("omics/x", tmp_path / "x")
        arrived = (tmp_path / "x").read_bytes()
    elif into == "file":
        with (tmp_path / "x").open("wb") as file:
            file.write(b"before")
            fs.get_file("omics/x", file)
        arrived = (tmp_path / "x").read_bytes().removeprefix(b"before")
    else:
        with (tmp_path / "x").open("wb") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as cat:
            fs.get_file("omics/x", cat.stdin)
        arrived = (tmp_path / "x").read_bytes()
    assert arrived == BULK
    assert proxy.count(method="GET") == 3 + (segment_size < len(BULK))


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("size", [5 << 20, 1 << 30], ids=["large object", "ordinary object"])
def test_a_damaged_download_is_an_error(connect, bulky, proxy, size, piece, tmp_path):  # noqa: PLR0917 - fixtures
    """A byte that is not that of its segment, or of the object, is an error, and the file is not there."""
    connect(segment_size=size).pipe_file("omics/x", BULK)
    passed = piece + (size < len(BULK) and piece)  # the manifest comes after the first piece
    proxy.inject(Fault(method="GET", path="omics/x", after=passed, corrupt=True))
    with pytest.raises(IntegrityError, match="MD5"):
        bulky.get_file("omics/x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


FAULTS = {
    "503": {"status": 503},
    "401": {"status": 401},
    "reset": {"reset": True},
    "held": {"hold": True},
    "answer lost": {"reset": True, "forward": True},
    "cut": {"cut_after": 1 << 20},
}


@pytest.mark.parametrize("fault", [fault for name, fault in FAULTS.items() if name != "cut"])
def test_passing_faults_of_what_threads_send(fs, bulky, proxy, fault, tmp_path):
    """A segment that does not arrive is sent again."""
    proxy.inject(Fault(method="PUT", path="/00000001", **fault))
    by_file(bulky, "omics/x", BULK, tmp_path)
    assert fs.cat_file("omics/x") == BULK
    assert len(segments(fs)) == 3


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_passing_faults_of_what_threads_receive(fs, bulky, proxy, fault, tmp_path):
    """A piece that does not arrive is asked for again."""
    bulky.pipe_file("omics/x", BULK)
    proxy.inject(Fault(method="GET", path="omics/x", after=2, **fault))
    bulky.get_file("omics/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BULK


@pytest.mark.parametrize("size", [SEGMENT, PIECE], ids=["by the loop", "by a thread"])
def test_a_segment_that_arrives_damaged(fs, proxy, connect, swift, size):
    """A segment whose ETag is another than that of what was sent is sent again; for ever so, it is an error."""
    through = connect(storage_url=proxy.through(swift.storage_url), segment_size=size, attempts=2)
    content, wrong = BULK[: size + 1], {"ETag": "0" * 32}
    proxy.inject(Fault(method="PUT", path="/00000000", headers=wrong))
    through.pipe_file("omics/x", content)
    assert fs.cat_file("omics/x") == content
    proxy.inject(Fault(method="PUT", path="/00000000", headers=wrong, times=None))
    with pytest.raises(IntegrityError, match="other bytes"):
        through.pipe_file("omics/y", content)
    assert not fs.exists("omics/y")
    assert len(segments(fs)) == 2


def test_an_ordinary_answer_to_a_large_body(fs, bulky, proxy, tmp_path):
    """A refusal of a large body is told as what it is, and leaves nothing."""
    proxy.inject(Fault(method="PUT", path="/00000001", status=403, times=None))
    with pytest.raises(AccessDeniedError):
        by_file(bulky, "omics/x", BULK, tmp_path)
    assert segments(fs) == []


@pytest.mark.parametrize("way", ["up", "down"])
def test_cancelling_ends_the_threads(connect, proxy, swift, way, tmp_path):
    """When a transfer is cancelled no thread goes on with it, and no half of a file is there."""
    (tmp_path / "local").write_bytes(BULK)
    connect(segment_size=PIECE).put_file(tmp_path / "local", "omics/x")
    method, path, passed = ("PUT", "/00000001", 0) if way == "up" else ("GET", "omics/x", 2)
    proxy.clear()
    proxy.inject(Fault(method=method, path=path, after=passed, hold=True, times=None))
    fs = connect(storage_url=proxy.through(swift.storage_url), segment_size=PIECE, asynchronous=True)

    async def cancelled() -> None:
        call = fs._put_file(tmp_path / "local", "omics/y") if way == "up" else fs._get_file("omics/x", tmp_path / "y")
        task = asyncio.create_task(call)
        while proxy.count(method=method, path=path) <= passed:  # noqa: ASYNC110 - it is another thread that counts
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert [thread for thread in threading.enumerate() if thread.name == "modos-swift"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["local"]


_MEASURE = """
import resource, sys
from modos.swift import SwiftFileSystem
fs = SwiftFileSystem(storage_url=sys.argv[1], token=sys.argv[2], segment_size=64 << 20)
fs.pipe_file("omics/small", b"ACGT")
fs.cat_file("omics/small")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fs.put_file(sys.argv[3], "omics/x")
fs.get_file("omics/x", sys.argv[3] + ".arrived")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_bounded(connect, options, tmp_path):
    """What a transfer takes of memory is four pieces and a little, whatever the size."""
    source, size = tmp_path / "local", 12 * PIECE
    connect()
    with source.open("wb") as file:
        file.truncate(size)
    command = [sys.executable, "-c", _MEASURE, *options.values(), str(source)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(ended.stdout) * 1024 < 7 * PIECE
    assert (tmp_path / "local.arrived").stat().st_size == size


def test_in_order():
    """Results come in the order of the calls, however long each takes, and no more than the limit are ahead."""
    running, most = set(), []

    async def call(index: int) -> int:
        running.add(index)
        most.append(len(running))
        await asyncio.sleep(0.001 * (index % 3))
        return index

    async def collect() -> list[int]:
        found = []
        async with contextlib.aclosing(in_order((partial(call, n) for n in range(20)), limit=3)) as results:
            async for result in results:
                found.append(result)
                await asyncio.sleep(0)
                running.discard(result)
        return found

    assert asyncio.run(collect()) == list(range(20))
    assert max(most) == 3


def test_a_segment_that_is_gone(connect, raw, tmp_path):
    """Who reads what is no longer whole is told so, and not of containers alone."""
    fs = connect(segment_size=4, attempts=1)
    fs.pipe_file("omics/x", b"0123456789")
    raw.delete_object("omics", fs.find("omics/.segments")[0].removeprefix("omics/"))
    for read in (lambda: fs.cat_file("omics/x"), lambda: fs.get_file("omics/x", tmp_path / "x")):
        with pytest.raises(ServiceError, match="have all its segments"):
            read()
    assert list(tmp_path.iterdir()) == []
