"""Arrays that join an object while services fail, writers are killed or another is at work; and what it costs."""

import itertools
import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from modos import MODO
from modos.errors import ConflictError, ElementExistsError, InvalidInputError, ModosError
from modos.testing import Fault, Proxy

FRAME = pd.DataFrame({"n": range(50), "kind": pd.Categorical(["a", "b"] * 25), "x": np.linspace(0, 1, 50)})
FRAME.index = pd.Index([f"gene{number}" for number in range(50)])


@pytest.fixture(params=["s3", "swift"])
def remote(request, account, container):
    """A remote place that gives up quickly, its proxy, and the same place reached directly."""
    server = account.server
    with Proxy(server.url) as proxy:
        if request.param == "s3":
            options = {"endpoint": proxy.through(server.s3_endpoint), "timeout": 5.0, "attempts": 1}
            yield account.s3(container, **options), proxy, account.s3(container)
        else:
            options = {"storage_url": proxy.through(server.storage_url), "read_timeout": 5.0, "attempts": 1}
            yield account.swift(container, **options), proxy, account.swift(container)


def sample(place) -> MODO:
    modo = MODO.create("ex", place)
    modo.add_element({"@type": "Sample", "id": "s1"})
    return modo


# -- what it costs ------------------------------------------------------------------------------------------------------


def test_a_small_table_is_written_in_few_requests(remote):
    """Two for each array, one for each group, and some for the edit: the claim, the listing, the record and the root."""
    place, proxy, _ = remote
    modo = sample(place)
    proxy.clear()
    modo.add_array("s1", FRAME, "table")
    asked = [request.method for request in proxy.requests]
    arrays, groups = 5, 2  # the index, n, x, codes and categories; the table and kind
    assert asked.count("PUT") == 2 * arrays + groups + len(["claim", "record", "root"])
    assert len(asked) - asked.count("PUT") <= 7


def test_reading_takes_no_request_for_metadata(remote):
    """Opening an array lazily takes none, a column two for what it holds, a block of a large array two: index, chunk."""
    place, proxy, direct = remote
    modo = sample(direct)
    modo.add_array("s1", FRAME, "table")
    values = np.random.default_rng(1).random((1024, 1024))
    modo.add_array("s1", values, "matrix")
    modo.add_array("s1", values[:20], "labelled", labels={"gene": None, "cell": None})
    modo.add_array("s1", scipy.sparse.csr_array(values[:, :20]), "sparse")
    modo = MODO("ex", place)
    proxy.clear()
    opened = modo.read_array("s1", "matrix", "zarr")
    assert modo.read_array("s1", "table", "zarr")["n"].shape == (50,)
    assert modo.read_array("s1", "matrix", "dask").shape == (1024, 1024)
    assert modo.read_array("s1", "labelled", lazy=True).shape == (20, 1024)
    assert proxy.requests == []
    pd.testing.assert_frame_equal(modo.read_array("s1", "table", columns=["x"]), FRAME[["x"]])
    assert len(proxy.requests) == 2  # the index, and the column
    proxy.clear()
    assert opened.shards == (1024, 1024)
    np.testing.assert_array_equal(opened[3:5, 7], values[3:5, 7])
    assert len(proxy.requests) == 2
    proxy.clear()
    rows = modo.read_array("s1", "sparse", rows=slice(3, 5))
    np.testing.assert_array_equal(rows.toarray(), values[3:5, :20])
    assert len(proxy.requests) == 3


# -- with other changes ------------------------------------------------------------------------------------------------


def test_arrays_join_the_object_with_the_other_changes_of_a_block(modo, content):
    """An element and its arrays come together; of a block that fails nothing is left."""
    with modo.edit() as edit:
        edit.add({"@type": "Sample", "id": "new"})
        edit.add_array("new", FRAME, "table")
        edit.add_array("new", np.eye(3), "qc/matrix")
        edit.add_array("sample1", [1, 2])
        assert "new" not in MODO("", modo.storage).list_arrays()
    pd.testing.assert_frame_equal(MODO("", modo.storage).read_array("new", "table"), FRAME)
    assert modo.read_array("new", "qc/matrix").sum() == 3
    assert modo.check().findings == ()
    before = content(modo.storage)
    with pytest.raises(ElementExistsError), modo.edit() as edit:
        fail_half_way(edit)
    assert content(modo.storage) == before


def fail_half_way(edit) -> None:
    edit.add_array("sample1", [3], "other")
    edit.add_array("sample1", FRAME, overwrite=True)
    edit.add_array("sample1", [4], "other")


@pytest.mark.thorough
def test_what_was_done_to_arrays_can_be_undone(modo):
    """A replacement, an appendix and a removal; what is stored under other keys since is no hindrance."""
    modo.add_array("sample1", [1, 2])
    for change in (
        lambda: modo.add_array("sample1", FRAME, overwrite=True),
        lambda: modo.append_array("sample1", "data", [3]),
        lambda: modo.remove_array("sample1"),
    ):
        change()
        modo.undo()
        assert MODO("", modo.storage).read_array("sample1").tolist() == [1, 2]
    assert modo.check().findings == ()


# -- other writers ------------------------------------------------------------------------------------------------------


def test_two_writers_of_one_array_do_not_mix_it(modo, monkeypatch):
    """Whoever comes while another is at work is refused, and the array is that of the other, whole."""
    modo.add_array("sample1", np.zeros((4, 4)))
    other = MODO("", modo.storage)
    refusals = []
    original = type(modo.storage)._put_bytes

    def interrupted(self, name, *arguments, **options):
        if "/data/c" in name and not refusals:
            refusals.append(name)
            for edit in (
                lambda: other.add_array("sample1", np.ones((4, 4)), overwrite=True),
                lambda: other.append_array("sample1", "data", np.ones((1, 4))),
            ):
                with pytest.raises(ConflictError, match="is being written by process"):
                    edit()
        return original(self, name, *arguments, **options)

    monkeypatch.setattr(type(modo.storage), "_put_bytes", interrupted)
    modo.add_array("sample1", np.full((4, 4), 2.0), overwrite=True)
    assert refusals
    assert MODO("", modo.storage).read_array("sample1").sum() == 32
    other.append_array("sample1", "data", np.ones((1, 4)))
    assert MODO("", modo.storage).read_array("sample1").sum() == 36
    assert modo.check().findings == ()


def test_a_writer_that_is_gone_keeps_nobody_out(modo):
    """Its claim is void if its process is gone or it has not been renewed for long; one of elsewhere holds."""
    place = "data.zarr/sample/sample1/data"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    modo.storage.put(b"", f"{place}/__writer__.{socket.gethostname()}.{gone.pid}.aa")
    modo.add_array("sample1", [1, 2])
    assert not any("__writer__" in path.name for path in modo.storage.list())
    claim = f"{place}/__writer__.elsewhere.{os.getpid()}.bb"
    modo.storage.put(b"", claim)
    with pytest.raises(ConflictError, match="of elsewhere"):
        modo.append_array("sample1", "data", [3])
    assert MODO("", modo.storage).read_array("sample1").tolist() == [1, 2]
    modo.storage.remove(claim)
    modo.append_array("sample1", "data", [3])
    assert modo.read_array("sample1").tolist() == [1, 2, 3]


def test_writers_of_several_arrays_keep_all_of_them(modo):
    """One waits for nobody else's array: an edit that was begun before another's is merged with it."""
    other = MODO("", modo.storage)
    modo.add_array("sample1", [1], "first")
    other.add_array("sample1", [2], "second")
    modo.append_array("sample1", "first", [3])
    fresh = MODO("", modo.storage)
    assert fresh.read_array("sample1", "first").tolist() == [1, 3]
    assert fresh.read_array("sample1", "second").tolist() == [2]


@pytest.mark.parametrize("name", ["g/h", "g/h/a", "g"])
def test_an_array_in_a_group_leaves_nothing_behind(make_storage, name):
    """It goes from its place as any other does, and comes back; of one that is purged nothing is kept, nor of it before."""
    modo = MODO.create("ex", make_storage("local"))
    modo.add_element({"@type": "Sample", "id": "s1"})
    for each in ("g/h/a", "g/h/b", "g/c"):
        modo.add_array("s1", [1, 2, 3], each)
    modo.remove_array("s1", name)
    place = f"data.zarr/sample/s1/{name}"
    assert list(modo.storage.list(place)) == []
    assert modo.check(grace=timedelta(0)).findings == ()
    modo.undo()
    assert modo.read_array("s1", "g/h/a").tolist() == [1, 2, 3]
    modo.add_array("s1", [4, 5, 6], "g/h/a", attributes={"of": "patient 7"}, overwrite=True)
    assert any(each.name.startswith(place) for each in modo.trash())
    modo.remove_array("s1", name, purge=True)
    assert list(modo.storage.list(place)) == []
    assert [each.name for each in modo.trash() if each.name.startswith(f"{place}/")] == []
    assert not any(b"patient 7" in modo.storage.read(path) for path in modo.storage.list(".modos/log"))
    assert modo.check(grace=timedelta(0)).findings == ()


@pytest.mark.parametrize("name", ["g/a", "g/a/b", "g"])
def test_no_array_takes_a_place_that_the_edit_first_empties(make_storage, name):
    """Both would be stored there until it is made: told as what it is, with what to do, and nothing is changed."""
    modo = MODO.create("ex", make_storage("local"))
    modo.add_element({"@type": "Sample", "id": "s1"})
    modo.add_array("s1", [1, 2, 3], "g/a")
    before = modo.checksum()
    with modo.edit() as edit:
        edit.remove_array("s1", name[:3])
        with pytest.raises(InvalidInputError, match=r"until this edit has removed it.*overwrite=True"):
            edit.add_array("s1", [4], name)
        edit.discard()
    assert MODO("", modo.storage).checksum() == before
    assert modo.check(grace=timedelta(0)).findings == ()
    with modo.edit() as edit:
        edit.add_array("s1", [4], "g/a", overwrite=True)
    assert modo.read_array("s1", "g/a").tolist() == [4]


@pytest.mark.thorough
def test_chunks_that_a_killed_writer_left_are_found_and_removed(modo):
    """Beyond the end of an array, under other keys, and of a table that there is not: check tells, repair removes them."""
    modo.add_array("sample1", np.arange(6), chunks=(2,), shards=(2,))
    place = "data.zarr/sample/sample1"
    left = [
        f"{place}/{name}" for name in ("data/c/3", "data/c.0", "data/__writer__.elsewhere.1.aa", "data/x/zarr.json")
    ]
    for name in left:
        body = modo.storage.read(f"{place}/data/zarr.json") if name.endswith("json") else b"x"
        modo.storage.put(body, name)
    found = {finding.place for finding in modo.check(grace=timedelta(seconds=-5)).findings}
    assert found == {*left[:3], "sample/sample1/data/x"}
    modo.check(repair=True, grace=timedelta(seconds=-5))
    assert modo.check().findings == ()
    assert modo.read_array("sample1").tolist() == list(range(6))
    assert not any(modo.storage.exists(name) for name in left)


# -- failures -----------------------------------------------------------------------------------------------------------

EDITS = {
    "add": lambda modo: modo.add_array("s1", FRAME, "new"),
    "add deep": lambda modo: modo.add_array("s1", np.arange(4), "a/new"),
    "overwrite": lambda modo: modo.add_array("s1", FRAME, "there", overwrite=True),
    "append": lambda modo: modo.append_array("s1", "there", np.ones((5, 3))),
    "anndata": lambda modo: modo.add_anndata("s1", annotated(), "new"),
}


def annotated():
    import anndata

    return anndata.AnnData(np.ones((3, 3)))


ROOT = "ex/data.zarr/zarr.json"
FAILURES = [
    ("add", "/c", {"status": 503}),
    ("add", "new/zarr.json", {"reset": True}),
    ("add deep", "a/zarr.json", {"status": 503}),
    ("overwrite", "/c", {"reset": True}),
    ("overwrite", ROOT, {"status": 503}),
    ("anndata", "X/c", {"status": 503}),
    ("append", ROOT, {"reset": True}),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("edit", "path", "fault"), FAILURES)
def test_a_failed_edit_leaves_the_object_as_it_was(remote, content, edit, path, fault):
    """A chunk, a document or the root cannot be written: every byte is as before, and the edit can be made again."""
    place, proxy, direct = remote
    modo = sample(direct)
    modo.add_array("s1", np.zeros((5, 3)), "there")
    before = content(direct)
    proxy.inject(Fault(method="PUT", path=path, **fault))
    with pytest.raises(ModosError):
        EDITS[edit](MODO("ex", place))
    assert content(direct) == before
    proxy.heal()
    EDITS[edit](MODO("ex", place))
    after = MODO("ex", direct)
    assert after.check().findings == ()
    assert "there" in after.list_arrays()


EDITS_OF_CHILDREN = """
import numpy as np, pandas as pd, zarr
import modos.objects.arrays.appending, modos.objects.arrays.layouts.frames

FRAME = pd.DataFrame({"n": range(5), "kind": pd.Categorical(["a", "b", "a", "b", "a"])})

def append_to_large(place, _):
    modos.objects.arrays.appending.SHARD = 0
    MODO("", place).append_array("s1", "there", np.ones((5, 3)))

EDITS = {
    "add": lambda place, _: MODO("", place).add_array("s1", FRAME, "new"),
    "overwrite": lambda place, _: MODO("", place).add_array("s1", FRAME, "there", overwrite=True),
    "append to large": append_to_large,
}
"""


@pytest.mark.thorough
@pytest.mark.parametrize("edit", ["add", "overwrite", "append to large"])
def test_a_killed_edit_leaves_the_old_array_or_the_new_one(edit, child, make_storage):
    """SIGKILL before each write in turn: the object is whole, says nothing of the rest, and the same edit then succeeds."""
    old = np.arange(15.0).reshape(5, 3)
    outcomes = set()
    for doomed in itertools.count(1):
        modo = sample(make_storage("local"))
        modo.add_array("s1", old, "there")
        outcome = child((modo.storage, {}), edit, doomed=doomed)
        found = MODO(modo.url).read_array("s1", "there")
        if edit == "add":
            assert np.array_equal(found, old)
        else:
            outcomes.add(found.shape)
            assert np.array_equal(found[:5], old) or isinstance(found, pd.DataFrame)
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        done = "new" in MODO(modo.url).list_arrays() if edit == "add" else found.shape != old.shape
        assert {finding.severity for finding in MODO(modo.url).check().findings} <= {"note"} or done
        if not done:
            assert child((modo.storage, {}), edit) == 0
        now = MODO(modo.url)
        assert now.check(grace=timedelta(seconds=-5)).findings == () or done
        expected = {"add": (5, 2), "overwrite": (5, 2)}.get(edit, (10, 3))
        assert now.read_array("s1", "new" if edit == "add" else "there").shape == expected
    assert doomed > 4
    assert edit == "add" or len(outcomes) == 2


@pytest.mark.thorough
def test_what_a_killed_writer_has_recorded_is_not_mixed_with_anothers(child, make_storage):
    """Killed at any write, and then another adds something else under this name: one of the two is there, whole."""
    refused = 0
    for doomed in itertools.count(1):
        modo = sample(make_storage("local"))
        if child((modo.storage, {}), "add", doomed=doomed) == 0:
            break
        try:
            MODO(modo.url).add_array("s1", np.eye(2), "new")
        except (ConflictError, ElementExistsError):
            refused += 1
        found = MODO(modo.url).read_array("s1", "new")
        expected = np.eye(2) if isinstance(found, np.ndarray) else pd.DataFrame({"n": range(5), "kind": list("ababa")})
        np.testing.assert_array_equal(np.asarray(found), expected)
    assert doomed > 4
    assert refused
