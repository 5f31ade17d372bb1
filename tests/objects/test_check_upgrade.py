"""Objects of zarr format 2, as releases up to 0.3.5 wrote them, are read as they are, and rewritten when asked for."""

import json
import shutil
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr

from modos import MODO, LocalStorage
from modos.errors import (
    DamagedObjectError,
    ModosError,
    ObjectExistsError,
    ObjectNotFoundError,
    ReadOnlyError,
    StorageError,
    UnsupportedFormatError,
)
from modos.objects.checks.examination import check_object
from modos.objects.checks.repair import repair_object
from modos.objects.checks.upgrade import upgrade_object
from modos.storage import ROOT_DOCUMENT
from modos.testing import Proxy

OWN = {
    "@type": "MODO",
    "creation_date": "2024-01-17T00:00:00",
    "has_assay": "assay1",
    "id": "ex",
    "last_update_date": "2024-01-17T00:00:00",
}
ELEMENTS = {
    "assay/assay1": {"@type": "Assay", "name": "Assay 1", "omics_type": ["GENOMICS"], "has_data": ["demo1"]},
    "data/demo1": {
        "@type": "DataEntity",
        "data_format": "FASTQ",
        "data_path": "demo1.fastq",
        "has_sample": ["sample/sample1"],
    },
    "sample/sample1": {"@type": "Sample", "name": "Probe 1 \N{EN DASH} früh", "sex": "Male"},
}
ARRAYS = {
    "plain": {"data": np.arange(10, dtype="<i8"), "chunks": (4,), "compressors": None},
    "packed": {
        "data": np.asfortranarray(np.linspace(0, 1, 30).reshape(5, 6)),
        "chunks": (2, 3),
        "order": "F",
        "compressors": numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE),
    },
    "big": {"data": np.arange(6, dtype=">f4").reshape(2, 3), "chunks": (1, 3), "compressors": numcodecs.Zstd(level=1)},
    "flags": {"data": np.array([True, False, True]), "chunks": (3,), "compressors": numcodecs.GZip(level=1)},
    "bytes": {"data": np.arange(7, dtype="u1"), "chunks": (3,), "compressors": numcodecs.Blosc(shuffle=-1)},
    "one": {"data": np.array(5, dtype="<i4"), "chunks": (), "compressors": None},
    "words": {"data": np.array(["early", "früh", ""], dtype=">U5"), "chunks": (2,)},
    "codes": {"data": np.array([b"ab", b"c"]), "chunks": (2,)},
    "texts": {"data": np.array(["early", "früh", ""], dtype=np.dtypes.StringDType()), "chunks": (2,)},
    "times": {"data": np.array(["2026-01-02", "NaT"], dtype="<M8[10s]"), "chunks": (1,), "compressors": None},
    "spans": {"data": np.array([1, 2], dtype="<m8[ms]"), "chunks": (2,)},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files of an object as zarr writes them in format 2: by name, with arrays that are stored in many ways."""
    place = tmp_path_factory.mktemp("old") / "ex"
    root = zarr.open_group(place / "data.zarr", mode="w", zarr_format=2)
    for kind in ("assay", "data", "reference", "sample", "sequence"):
        root.create_group(kind)
    for path, attributes in ELEMENTS.items():
        root.create_group(path).attrs.update(attributes)
    root.attrs.update(OWN)
    for name, how in ARRAYS.items():
        root["data/demo1"].create_array(name, fill_value=None, **how).attrs["unit"] = "counts"
    zarr.consolidate_metadata(root.store, zarr_format=2)
    (place / "demo1.fastq").write_text("@r1\nACGT\n+\nIIII\n")
    return {str(path): LocalStorage(place).read(path) for path in LocalStorage(place).list()}


def store(storage, files):
    for name, body in files.items():
        storage.put(body, name)
    return storage


@pytest.fixture
def old(place, written):
    """The storage of an object of format 2, in every place in turn."""
    return store(place, written)


@pytest.fixture
def ex(make_storage, written):
    """The same on this disk."""
    return store(make_storage("local"), written)


def contents(storage):
    return {str(path): storage.read(path) for path in storage.list()}


def test_an_older_object_is_read_checked_and_upgraded(old, written):
    """In every place: what it says, its arrays and its files are the same before and after, and edits then work."""
    before = MODO("", old)
    assert before.metadata == {"ex": OWN, **ELEMENTS}
    assert before.zarr["data/demo1/plain"][...].tolist() == list(range(10))
    for name, how in ARRAYS.items():
        np.testing.assert_array_equal(before.read_array("demo1", name), how["data"])
    assert {(each.code, each.place) for each in before.check().findings} == {("old-format", "data.zarr")}
    assert contents(old) == written
    names = {name for name in written if name.rpartition("/")[2] not in {".zattrs", ".zgroup", ".zarray", ".zmetadata"}}
    done = upgrade_object(old)
    assert done.written[-1] == ROOT_DOCUMENT
    assert set(done.removed) == written.keys() - names
    after = contents(old)
    assert after.keys() == names | set(done.written)
    assert {name: after[name] for name in names} == {name: written[name] for name in names}
    modo = MODO("", old)
    assert modo.metadata == before.metadata
    assert modo.check().findings == ()
    for name, how in ARRAYS.items():
        array = modo.zarr[f"data/demo1/{name}"]
        np.testing.assert_array_equal(array[...], how["data"])
        assert array.attrs["unit"] == "counts"
    modo.update_element("sample1", {"sex": "Female"})
    assert MODO("", old).metadata["sample/sample1"]["sex"] == "Female"
    assert upgrade_object(old).written == ()


def test_what_the_reference_wrote_is_read_and_upgraded(tmp_path):
    """An object of its release 0.3.5, kept as it left it, says what its own `metadata` said, before and after."""
    place = shutil.copytree(Path(__file__).parent / "older/ex", tmp_path / "ex")
    links = {"data/demo1": ("has_sample", ["sample/sample1"]), "assay/assay1": ("has_data", ["data/demo1"])}
    for upgrade in (True, False):
        modo = MODO(place)
        assert list(modo.metadata) == ["ex", "assay/assay1", "data/demo1", "sample/sample1"]
        assert modo.metadata["sample/sample1"] == {"@type": "Sample", "name": "S", "sex": "Male"}
        assert modo.metadata["ex"]["has_assay"] == ["assay/assay1"]
        assert all(modo.metadata[element][slot] == value for element, (slot, value) in links.items())
        assert {each.code for each in modo.check(depth="listing").findings} == ({"old-format"} if upgrade else set())
        assert modo.verify(deep=True).verified == ("demo1.cram",)
        assert modo.verify().is_sound
        upgrade_object(modo.storage)


def test_an_older_object_is_opened_by_three_requests(account, container, written):
    """No root document, a mark of format 2, and its consolidated metadata, however many elements there are."""
    for name, body in written.items():
        account.put(container, f"ex/{name}", body)
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        assert len(MODO("ex", storage).metadata) == 4
        assert [request.path.rpartition("/")[2] for request in proxy.requests] == ["zarr.json", ".zgroup", ".zmetadata"]


def test_an_older_object_is_not_written(ex, written, tmp_path):
    """Every edit is refused, with the command that rewrites it; nothing changes."""
    (tmp_path / "study.yaml").write_text("- element: {id: ex, '@type': MODO, description: new}\n")
    modo = MODO("", ex)
    for edit in (
        lambda: modo.add_element({"@type": "Sample", "id": "s2"}),
        lambda: modo.update_element("sample1", {"sex": "Female"}),
        lambda: modo.remove_element("sample1"),
        lambda: modo.add_array("demo1", [1, 2], "new"),
        lambda: MODO.from_file(tmp_path / "study.yaml", "", ex),
    ):
        with pytest.raises(ReadOnlyError, match="modos upgrade"):
            edit()
    with pytest.raises((ReadOnlyError, ObjectExistsError)):
        MODO.create("", ex, id="ex")
    assert repair_object(ex).repairs == ()
    assert contents(ex) == written


def test_without_consolidated_metadata_it_reads_the_same(ex):
    """The documents are read one by one, and the object is upgraded like any other."""
    ex.remove("data.zarr/.zmetadata")
    assert MODO("", ex).metadata == {"ex": OWN, **ELEMENTS}
    assert {each.code for each in check_object(ex).findings} == {"old-format"}
    upgrade_object(ex)
    assert MODO("", ex).metadata == {"ex": OWN, **ELEMENTS}


def test_documents_go_before_what_consolidated_metadata_say(ex):
    """Where the two differ it is told, and the upgrade takes the document."""
    ex.put(json.dumps({**ELEMENTS["sample/sample1"], "sex": "Female"}).encode(), "data.zarr/sample/sample1/.zattrs")
    assert {(each.code, each.place) for each in check_object(ex).findings} == {
        ("old-format", "data.zarr"),
        ("stale-group", "sample/sample1"),
    }
    upgrade_object(ex)
    assert MODO("", ex).metadata["sample/sample1"]["sex"] == "Female"


def test_what_only_consolidated_metadata_have_is_told_before_an_upgrade_leaves_it_out(ex):
    """A group whose documents are gone; one that lost its attributes is not made an element without a class."""
    ex.remove_tree("data.zarr/sample/sample1")
    assert ("missing-group", "sample/sample1") in {(each.code, each.place) for each in check_object(ex).findings}
    ex.put(b'{"zarr_format": 2}', "data.zarr/sample/sample1/.zgroup")
    before = contents(ex)
    with pytest.raises(DamagedObjectError, match=r"sample/sample1 has no @type in data\.zarr/sample/sample1/\.zattrs"):
        upgrade_object(ex)
    assert contents(ex) == before
    assert MODO("", ex).metadata["sample/sample1"] == ELEMENTS["sample/sample1"]


@pytest.mark.parametrize("name", ["sample/sample1/.zgroup", "data/demo1/plain/.zarray"])
def test_what_has_lost_its_document_but_not_all_else_is_not_left_out(ex, name):
    """Nobody has removed it: it is told, the upgrade names the document, and the only copy of what it said stays."""
    ex.remove(f"data.zarr/{name}")
    before = contents(ex)
    assert ("missing-group", name.rpartition("/")[0]) in {(each.code, each.place) for each in check_object(ex).findings}
    with pytest.raises(DamagedObjectError, match=rf"data\.zarr/{name} is not there") as caught:
        upgrade_object(ex)
    assert ".zmetadata may hold a copy" in caught.value.__notes__[0]
    assert contents(ex) == before


@pytest.mark.parametrize("body", [b"{", b"[]"])
def test_a_document_that_cannot_be_read_is_named(ex, body):
    """By the check, the upgrade, and opening, which reads one when there are no consolidated ones."""
    ex.put(body, "data.zarr/sample/sample1/.zattrs")
    ex.remove("data.zarr/.zmetadata")
    (found,) = check_object(ex).findings
    with pytest.raises(DamagedObjectError) as refused:
        upgrade_object(ex)
    with pytest.raises(DamagedObjectError) as unopened:
        MODO("", ex)
    for said in (found.what, str(refused.value), str(unopened.value)):
        assert "data.zarr/sample/sample1/.zattrs is no" in said


def test_an_object_that_lost_its_id_is_named_by_its_address(ex):
    """A finding about its own slots has a place all the same."""
    ex.put(b'{"@type": "MODO", "name": 5, "source_uri": "x:y z"}', "data.zarr/.zattrs")
    places = {each.place for each in check_object(ex).findings if each.code == "schema"}
    assert places == {ex.url.rpartition("/")[2]}


def test_old_documents_can_stay_and_go_later(ex, written):
    """A dry run writes nothing; kept documents are told as a note, and the next upgrade removes them."""
    planned = upgrade_object(ex, dry_run=True)
    assert contents(ex) == written
    kept = upgrade_object(ex, keep_old=True)
    assert (kept.written, kept.removed) == (planned.written, ())
    assert written.items() <= contents(ex).items()
    assert zarr.open_group(ex.path / "data.zarr", mode="r", zarr_format=2)["sample/sample1"].attrs["sex"] == "Male"
    report = check_object(ex)
    assert [(each.code, each.severity) for each in report.findings] == [("old-documents", "note")]
    assert set(upgrade_object(ex).removed) == set(planned.removed)
    assert check_object(ex).findings == ()


@pytest.mark.parametrize("failing", ["data.zarr/sample/sample1/zarr.json", ROOT_DOCUMENT])
def test_a_failed_upgrade_leaves_the_older_object(ex, written, writes, failing):
    """What was written is taken back, whichever write fails; the same call again upgrades it."""

    def fail(_number, name):
        if name == failing:
            raise StorageError(name)

    writes.hook = fail
    with pytest.raises(StorageError):
        upgrade_object(ex)
    assert contents(ex) == written
    writes.hook = lambda number, name: None
    writes.names.clear()
    upgrade_object(ex)
    put = [name for name in writes.names if not name.startswith("-")]
    assert put[-1] == ROOT_DOCUMENT
    assert put.count(ROOT_DOCUMENT) == 1
    assert writes.names[-1] == "- data.zarr/.zgroup"


def test_an_upgrade_that_was_killed_is_made_again(ex, written):
    """New documents without a root change nothing; old ones beside the new root are removed."""
    whole = LocalStorage(ex.path.parent / "whole")
    upgrade_object(store(whole, written), keep_old=True)
    ex.put(b"half", "data.zarr/sample/zarr.json")
    assert MODO("", ex).metadata == {"ex": OWN, **ELEMENTS}
    upgrade_object(ex)
    whole.remove("data.zarr/.zattrs")
    upgrade_object(whole)
    assert contents(whole) == contents(ex)


def test_another_program_that_writes_meanwhile_is_not_overrun(ex, writes):
    """The upgrade gives up, and what that program wrote is there."""
    changed = json.dumps({**ELEMENTS["sample/sample1"], "sex": "Female"}).encode() + b" "

    def interfere(number, _name):
        if number == 3:
            (ex.path / "data.zarr/sample/sample1/.zattrs").write_bytes(changed)

    writes.hook = interfere
    with pytest.raises(StorageError, match="meanwhile"):
        upgrade_object(ex)
    assert ex.read("data.zarr/sample/sample1/.zattrs") == changed
    assert not ex.exists(ROOT_DOCUMENT)


@pytest.mark.parametrize(
    ("name", "document", "error"),
    [
        ("data/demo1/plain/.zarray", {"dtype": "|O"}, UnsupportedFormatError),
        ("data/demo1/plain/.zarray", {"filters": [{"id": "delta"}]}, UnsupportedFormatError),
        ("data/demo1/plain/.zarray", {"compressor": {"id": "lzma"}}, UnsupportedFormatError),
        (
            "data/demo1/packed/.zarray",
            {"compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 9}},
            UnsupportedFormatError,
        ),
        ("data/demo1/plain/.zarray", {"shape": 10}, UnsupportedFormatError),
        (".zattrs", {"id": None}, DamagedObjectError),
        ("sample/sample1/.zattrs", {"name": float("nan")}, DamagedObjectError),
        ("sample/sample1/.zattrs", None, DamagedObjectError),
    ],
)
def test_what_cannot_be_upgraded_is_refused_before_anything_is_written(ex, name, document, error):
    """Arrays without a counterpart, and metadata that cannot be read; a check tells, or says that it is older."""
    path = f"data.zarr/{name}"
    ex.put(b"[" if document is None else json.dumps({**json.loads(ex.read(path)), **document}).encode(), path)
    before = contents(ex)
    with pytest.raises(error):
        upgrade_object(ex)
    assert contents(ex) == before
    assert not check_object(ex).is_clean


def test_what_is_no_object_is_not_upgraded(place, written):
    """Nothing there, and a hierarchy that cannot be read: the command that tells more is named."""
    with pytest.raises(ObjectNotFoundError):
        upgrade_object(place)
    store(place, {**written, "data.zarr/.zmetadata": b"{"})
    with pytest.raises(ModosError) as caught:
        MODO("", place)
    assert any("modos check" in each for each in caught.value.__notes__)
