"""Large objects: segments and manifests, and that nothing of them is left behind."""

import json

import pytest

from modos.errors import AccessDeniedError, KeyExistsError, ServiceError
from modos.testing import Fault

SEGMENT = 1 << 16
CONTENT = bytes(range(256)) * (SEGMENT // 256) * 3 + b"tail"


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


def test_download_in_pieces(connect, tmp_path):
    """A large object comes down whole, in several requests."""
    fs = connect(segment_size=5 << 20)
    content = CONTENT * 90
    fs.pipe_file("omics/x", content)
    fs.get_file("omics/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == content
