"""Creating and opening objects: where, under which names, and what is refused."""

import json
import pickle
from pathlib import Path

import pytest

from modos import (
    MODO,
    LocalStorage,
    check_object,
    list_modos,
    pack,
    repair_object,
    transfer,
    transfer_many,
    unpack,
    upgrade_object,
)
from modos.cli import main
from modos.errors import (
    DamagedObjectError,
    InvalidElementError,
    InvalidPathError,
    ModosError,
    ObjectExistsError,
    ObjectNotFoundError,
)

ROOT = "data.zarr/zarr.json"


def test_what_is_created_opens_and_says_what_was_given(place):
    """Slots, the id and both dates are kept; the id is by default the last part of the path."""
    created = MODO.create("study/ex", place, description="pilot", creation_date="2024-01-17")
    opened = MODO("study/ex", place)
    assert opened.metadata == created.metadata
    assert list(opened.metadata) == ["ex"]
    attributes = opened.metadata["ex"]
    assert (attributes["@type"], attributes["id"], attributes["description"]) == ("MODO", "ex", "pilot")
    assert attributes["creation_date"] == "2024-01-17T00:00:00"
    assert attributes["last_update_date"].endswith("+00:00")
    assert opened.url == place.url_of("study/ex")
    assert repr(opened) == f"MODO({opened.url!r})"
    assert opened.is_remote == (not isinstance(place, LocalStorage))


@pytest.mark.parametrize("path", ["", "nothing", "ex/data.zarr", "ex/data.zarr/sample", "e", "ex2"])
def test_opening_a_wrong_path_creates_nothing(place, content, path):
    """Where there is no object, opening and editing it is refused and nothing is written."""
    MODO.create("ex", place)
    before = content(place)
    with pytest.raises((ObjectNotFoundError, DamagedObjectError)):
        MODO(path, place)
    assert content(place) == before


def test_an_object_is_not_created_twice(place, content):
    """Neither over an object nor among files that are none of its own; both stay as they are."""
    MODO.create("ex", place, id="first")
    place.put(b"x", "full/notes.txt")
    before = content(place)
    with pytest.raises(ObjectExistsError):
        MODO.create("ex", place)
    with pytest.raises(ObjectExistsError, match=r"notes\.txt"):
        MODO.create("full", place)
    assert content(place) == before


@pytest.mark.parametrize(
    "slots", [{"unknown": 1}, {"id": "a/b"}, {"creation_date": "yesterday"}, {"has_assay": "no-such"}, {"name": 5}]
)
def test_creating_with_a_mistake_creates_nothing(place, slots):
    """A slot that the schema refuses, or a link to what is not there, leaves the place empty."""
    with pytest.raises(ModosError):
        MODO.create("ex", place, **slots)
    assert place.empty()


def test_a_mistake_is_told_before_anything_is_asked():
    """Who gives credentials as slots is told where they go, not that there are none."""
    with pytest.raises(InvalidElementError, match="'token' is no slot of MODO") as caught:
        MODO.create("swift://omics/ex", token="t", storage_url="https://swift.example.org/v1/AUTH_lab")
    assert caught.value.__notes__ == ["what the backend of an address takes is given as options={…}"]
    with pytest.raises(InvalidElementError, match="yesterday") as caught:
        MODO.create("swift://omics/ex", creation_date="yesterday")
    assert not hasattr(caught.value, "__notes__")


def test_an_object_is_not_created_inside_another(tmp_path, capsys):
    """On a disk, however it is made; the object around it is named, and nothing is left in it."""
    outer = MODO.create(tmp_path / "outer")
    other = MODO.create(tmp_path / "other")
    described = other.export_to(tmp_path / "x.yaml")[0]
    before = sorted(outer.storage.list())
    for place in (tmp_path / "outer" / "a" / "b", tmp_path / "outer" / "data.zarr" / "sample"):
        for create in (
            lambda place=place: MODO.create(place),
            lambda place=place: MODO.from_file(described, place),
            lambda place=place: other.transfer(place),
            lambda place=place: other.transfer(place, overwrite=True),
        ):
            with pytest.raises(ObjectExistsError, match=f"inside the object {tmp_path}/outer; choose a place beside"):
                create()
    assert main(["create", str(tmp_path / "outer" / "c")]) == 1
    assert f"this is inside the object {tmp_path}/outer" in capsys.readouterr().err
    assert sorted(outer.storage.list()) == before
    assert [path.name for path in (tmp_path / "outer").iterdir() if path.name != ".modos"] == ["data.zarr"]


def test_no_object_is_made_where_no_listing_looks(place, tmp_path):
    """Beneath what has the name of a hierarchy, and in the place of one; all storages alike, and nothing is left."""
    other = MODO.create(tmp_path / "other")
    described = other.export_to(tmp_path / "x.yaml")[0]
    for path in ("data.zarr", "study/data.zarr/ex"):
        for create in (
            lambda path=path: MODO.create(path, place),
            lambda path=path: MODO.from_file(described, path, place),
            lambda path=path: MODO.plan_from_file(described, path, place),
            lambda path=path: other.transfer(place / path, overwrite=True),
        ):
            with pytest.raises(
                InvalidPathError, match=r"data\.zarr is the name of an object's metadata, into which no"
            ):
                create()
    assert place.empty()


NAMED = {
    "a path": lambda modo: Path(modo.path),
    "an address": lambda modo: f"file://{modo.path}",
    "a storage": lambda modo: modo.storage,
    "the object": lambda modo: modo,
    "what was found": lambda modo: next(list_modos(modo.path.parent)),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_place_of_an_object_is_named_in_any_way(tmp_path, name):
    """Whatever takes one takes them all."""
    modo = MODO.create(tmp_path / "study" / "ex")
    named = NAMED[name](modo)
    assert MODO(named).metadata == modo.metadata
    assert [found.url for found in list_modos(named)] == [modo.url]
    assert check_object(named).is_clean
    assert repair_object(named).is_clean
    assert upgrade_object(named).written == ()
    assert pack(named, tmp_path / "ex.zip").files == transfer(named, tmp_path / "copy").files > 1
    assert [moved.error for moved in transfer_many(named, tmp_path / "copies")] == [None]
    MODO(tmp_path / "copy").add_element({"@type": "Sample", "id": "s1"})
    assert transfer(tmp_path / "copy", named).files > 0
    assert unpack(tmp_path / "ex.zip", named, overwrite=True).files > 0
    assert modo.refresh().metadata == MODO(named).metadata


@pytest.mark.parametrize("path", ["", ".", Path(), "./"])
def test_an_empty_path_is_the_root_of_the_storage(place, path):
    """`""` and `"."` name the storage itself."""
    MODO.create(path, place / "ex", id="here")
    assert MODO("ex", place).id == "here"
    assert MODO(path, place / "ex").id == "here"


def test_a_path_is_relative_or_an_address_beneath_the_storage(place):
    """Relative paths, and addresses and absolute paths that lie beneath, name the same object."""
    MODO.create("study 1/ex+1%41", place, id="here")
    where = place.url_of("study 1/ex+1%41")
    for path in (
        "study 1/ex+1%41",
        "study 1/ex+1%41/",
        "./study 1/ex+1%41",
        Path("study 1/ex+1%41"),
        where,
        f"{where}/",
    ):
        assert MODO(path, place).url == where
    assert MODO(where, place / "study 1/ex+1%41").id == "here"


@pytest.mark.parametrize(
    "path", ["swift://elsewhere/ex", "s3://elsewhere/ex", "/elsewhere/ex", "../ex", "a/../../ex", "ex\0"]
)
def test_a_path_that_does_not_lie_beneath_the_storage_is_refused(place, path):
    """Addresses of other places and paths that leave the storage are no paths of it."""
    with pytest.raises(InvalidPathError):
        MODO(path, place / "ex")


def test_a_neighbour_whose_name_begins_alike_is_not_beneath_the_storage(place):
    """The storage `ex` does not hold `ex2`."""
    MODO.create("ex2", place)
    with pytest.raises(InvalidPathError, match="beneath"):
        MODO(place.url_of("ex2"), place / "ex")


def test_local_paths_open_without_a_storage(tmp_path, monkeypatch):
    """Relative and absolute paths and file addresses name directories of this machine; nothing named is refused."""
    MODO.create(tmp_path / "ex")
    monkeypatch.chdir(tmp_path)
    for path in ("ex", "./ex", Path("ex"), tmp_path / "ex", str(tmp_path / "ex"), (tmp_path / "ex").as_uri()):
        assert MODO(path).path == tmp_path / "ex"
    assert MODO((tmp_path / "ex").as_uri(), LocalStorage(tmp_path)).path == tmp_path / "ex"
    with pytest.raises(InvalidPathError):
        MODO()


def test_a_damaged_object_is_told_from_a_missing_one(place):
    """Every way in which the root document can be unreadable names the place and the reason."""
    for number, body in enumerate(
        (
            b"",
            b"{",
            b"[]",
            b'{"zarr_format": 2}',
            b'{"zarr_format": 3, "node_type": "array"}',
            b'{"zarr_format": 3, "node_type": "group", "attributes": []}',
            b'{"zarr_format": 3, "node_type": "group", "attributes": {}, "consolidated_metadata": {"metadata": {}}}',
            b'{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"metadata": {"sample/s": 1}}}',
            b"\xff" * 9,
        )
    ):
        place.put(body, f"ex{number}/{ROOT}")
        with pytest.raises(DamagedObjectError, match=f"ex{number}") as caught:
            MODO(f"ex{number}", place)
        assert caught.value.url == place.url_of(f"ex{number}")


def test_an_element_without_a_type_is_damage(place):
    """The message names the element."""
    MODO.create("ex", place).add_element({"@type": "Sample", "id": "s1"})
    document = json.loads(place.read(f"ex/{ROOT}"))
    del document["consolidated_metadata"]["metadata"]["sample/s1"]["attributes"]["@type"]
    place.put(json.dumps(document).encode(), f"ex/{ROOT}")
    with pytest.raises(DamagedObjectError, match="sample/s1"):
        MODO("ex", place)


def test_an_object_of_zarr_format_2_says_so(place, content):
    """What older versions wrote is not missing: the error names the format, and nothing is changed."""
    place.put(b'{"zarr_format": 2}', "ex/data.zarr/.zgroup")
    before = content(place)
    with pytest.raises(DamagedObjectError, match="zarr format 2"):
        MODO("ex", place)
    with pytest.raises(DamagedObjectError, match="zarr format 2"):
        MODO.create("ex", place)
    assert content(place) == before


def test_removing_an_object_leaves_its_neighbours(place, modo, data, entity, content):
    """All of it goes, and nothing whose name begins alike."""
    modo.add_element(entity(), data / "demo1.cram")
    MODO.create("ex2", place)
    place.put(b"x", "ex.txt")
    before = {name: body for name, body in content(place).items() if not name.startswith("ex/")}
    modo.remove_object()
    assert content(place) == before
    with pytest.raises(ObjectNotFoundError):
        MODO("ex", place)


def test_what_is_no_object_any_more_is_not_removed(place, modo, content):
    """A removed object cannot be removed again, and other files that came to its place stay."""
    modo.remove_object()
    place.put(b"x", "ex/notes.txt")
    with pytest.raises(ObjectNotFoundError):
        modo.remove_object()
    assert content(place) == {"ex/notes.txt": b"x"}


def test_editing_what_is_gone_brings_nothing_back(place, modo, data, entity, content):
    """An object that another has removed is not half-created by an edit."""
    MODO("ex", place).remove_object()
    with pytest.raises(ObjectNotFoundError):
        modo.add_element(entity(), data / "demo1.cram")
    assert content(place) == {}


def test_the_object_itself_keeps_its_id_and_type(modo):
    """An update sets and unsets its slots; another id or type is refused."""
    modo.update_element("ex", {"description": "new", "name": "Name"})
    modo.update_element("ex", {"name": None})
    assert modo.metadata["ex"]["description"] == "new"
    assert "name" not in modo.metadata["ex"]
    for wrong in ({"id": "other"}, {"id": None}, {"@type": "Sample"}, {"@type": None}, {"creation_date": None}):
        with pytest.raises(InvalidElementError):
            modo.update_element("ex", wrong)
    assert MODO("", modo.storage).metadata == modo.metadata


def test_credentials_are_never_shown(container, account):
    """Neither the object, its storage, what it says, nor its errors hold a token or key."""
    for storage in (account.swift(container), account.s3(container)):
        modo = MODO.create("ex", storage)
        shown = [repr(modo), repr(modo.storage), modo.url, modo.show_contents(), str(modo.storage.read(ROOT))]
        with pytest.raises(ModosError) as caught:
            MODO("missing", storage)
        shown += [str(caught.value), repr(caught.value), *getattr(caught.value, "__notes__", [])]
        storage.remove_tree()
        assert not [text for text in shown if account.token in text or account.server.key in text.split("'")]


def test_metadata_is_a_copy(modo):
    """Changing what was returned changes nothing."""
    modo.metadata["assay/assay1"]["has_sample"].clear()
    assert modo.metadata["assay/assay1"]["has_sample"] == ["sample/sample1", "sample/sample2"]


def test_an_object_pickles(modo):
    """Sent to another process it is the same object."""
    assert pickle.loads(pickle.dumps(modo)).metadata == modo.metadata
