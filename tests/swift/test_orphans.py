"""Orphaned segments: found and removed, and no others."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from modos.errors import KeyNotFoundError, ServiceError
from modos.swift import list_orphans, remove_orphans
from modos.swift.administration.orphans import settled
from modos.swift.objects.segments import LargeUpload
from modos.testing import Fault

NOW = timedelta(0)
CONTENT = b"0123456789"


@pytest.fixture
def fs(connect):
    return connect(segment_size=4)


@pytest.fixture
def abandoned(fs):
    """Leave segments of an upload that nobody will finish, as a process does that is killed."""

    def leave(path="omics/x", count=2):
        upload = LargeUpload(fs.client, path)
        for index in range(count):
            fs.run(upload.add, index, b"part")
        return sorted(upload.disposable)

    return leave


def paths(orphans):
    return [orphan.path for orphan in orphans]


def test_what_a_killed_upload_left_is_found_and_removed(fs, abandoned):
    """Its segments go, with their sizes told; those of large objects stay, also of one with the same name."""
    fs.pipe({"omics/x": CONTENT, "omics/ex/y": CONTENT, "omics/small": b"1"})
    left = abandoned("omics/x") + abandoned("omics/never-made")
    found = list_orphans("swift://omics", grace=NOW, filesystem=fs)
    assert sorted(paths(found)) == sorted(left)
    assert {orphan.size for orphan in found} == {4}
    assert remove_orphans("omics", grace=NOW, filesystem=fs) == found
    assert list_orphans("omics", grace=NOW, filesystem=fs) == ()
    assert fs.cat(["omics/x", "omics/ex/y"]) == {"omics/x": CONTENT, "omics/ex/y": CONTENT}
    assert len(fs.find("omics/.segments")) == 6


def test_a_running_upload_is_left_alone(fs, abandoned):
    """Within the time of grace, a day unless said otherwise, nothing is taken for left; it may be as long as any time."""
    abandoned()
    assert remove_orphans("omics", filesystem=fs) == ()
    for grace in (timedelta(hours=1), timedelta.max):
        assert remove_orphans("omics", grace=grace, filesystem=fs) == ()
    assert len(fs.find("omics/.segments")) == 2


def test_an_upload_is_judged_by_its_newest_segment(fs, abandoned):
    """A segment that arrived just now keeps all those of its upload, however long ago they arrived."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    entry = {"bytes": 4, "hash": "0", "content_type": "x"}
    name = f".segments/{'0' * 32}/{{}}/{{:08d}}"
    entries = [
        entry | {"name": name.format("a" * 32, 0), "last_modified": "2026-01-01T00:00:00.000000"},
        entry | {"name": name.format("a" * 32, 1), "last_modified": "2026-01-02T00:00:00.000000"},
        entry | {"name": name.format("b" * 32, 0), "last_modified": "2026-01-01T00:00:00.000000"},
    ]
    assert paths(settled(entries, "omics", now=now, grace=NOW)) == [f"omics/{entries[2]['name']}"]


def test_segments_that_a_manifest_by_another_hand_names_are_kept(fs, abandoned, raw):
    """Whatever the large object is called, and in whichever order it names them."""
    kept = abandoned("omics/one", count=3)
    manifest = [{"path": f"/{path}"} for path in kept[1:]]
    raw.put_object("omics", "another", json.dumps(manifest).encode(), query_string="multipart-manifest=put")
    assert paths(remove_orphans("omics", grace=NOW, filesystem=fs)) == kept[:1]
    assert fs.cat_file("omics/another") == b"partpart"


def test_other_peoples_objects_under_the_prefix_are_kept(fs):
    """What is not named as our segments are is none of them."""
    names = [".segments/notes.txt", f".segments/{'0' * 32}/00000000", f".segments/{'0' * 32}/{'1' * 32}/a"]
    fs.pipe({f"omics/{name}": b"1" for name in names})
    assert remove_orphans("omics", grace=NOW, filesystem=fs) == ()
    assert len(fs.find("omics/.segments")) == 3


def test_nothing_costs_next_to_nothing(watched, proxy):
    """Without segments, a container is not listed to its end: one look at it and one at the prefix."""
    assert list_orphans("omics", filesystem=watched) == ()
    assert len(proxy.requests) == 2


def test_where_old_versions_are_kept_nothing_is_judged(fs, abandoned, raw):
    """The manifests of old versions cannot be seen, so none of their segments is called orphan."""
    abandoned()
    raw.post_container("omics", {"X-Versions-Enabled": "true"})
    with pytest.raises(ServiceError, match="old versions"):
        remove_orphans("omics", grace=NOW, filesystem=fs)
    assert len(fs.find("omics/.segments")) == 2


def test_no_such_container(fs):
    """A mistyped name is not an empty result."""
    with pytest.raises(KeyNotFoundError):
        list_orphans("omisc", filesystem=fs)


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize(
    "where",
    [
        {"method": "HEAD", "path": re.compile(r"/omics$")},
        {"method": "GET", "path": re.compile(r"/omics$")},
        {"method": "GET", "path": re.compile(r"/omics$"), "after": 1},
        {"method": "HEAD", "path": "/omics/x"},
        {"method": "GET", "path": "/omics/x"},
    ],
    ids=["container", "segments", "objects", "object", "manifest"],
)
def test_a_failure_removes_nothing(watched, proxy, abandoned, fs, where, status):  # noqa: PLR0917 - fixtures
    """When a listing or a manifest cannot be read, no segment is taken for an orphan."""
    fs.pipe_file("omics/x", CONTENT)
    abandoned("omics/x")
    proxy.inject(Fault(status=status, times=None, **where))
    with pytest.raises(OSError, match=f"HTTP {status}"):
        remove_orphans("omics", grace=NOW, filesystem=watched)
    assert len(fs.find("omics/.segments")) == 5
