"""The objects beneath an address: all of them, nothing else, ready to open."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from modos import MODO, list_modos
from modos.errors import InvalidPathError, KeyNotFoundError, StorageError
from modos.storage import ROOT_DOCUMENT
from modos.testing import Fault, Proxy


@pytest.fixture
def study(place):
    """A place with objects at several depths, and much that is none."""
    for path in ("b", "a/deep/er", "a/first", "ex", "ex2"):
        MODO.create(path, place, id=path.replace("/", "-"))
    place.put(b"x", "notes.txt")
    place.put(b"{}", "half/data.zarr/sample/zarr.json")
    place.put(b"{}", "image.zarr/zarr.json")
    return place


def test_every_object_is_found_and_opens(study):
    """At any depth, with its address, its path and a storage; directories that are no objects are not."""
    found = list(list_modos(study))
    assert [each.path for each in found] == ["a/deep/er", "a/first", "b", "ex", "ex2"]
    for each in found:
        assert each.url == study.url_of(each.path)
        assert MODO("", each.storage).id == each.path.replace("/", "-")
        assert MODO(each.path, study).id == MODO(each.url, study).id


def test_a_prefix_is_the_name_of_a_directory(study):
    """`ex` holds the object `ex` and not `ex2`."""
    assert [(each.path, each.url) for each in list_modos(study / "ex")] == [(".", study.url_of("ex"))]
    assert [each.path for each in list_modos(study / "a")] == ["deep/er", "first"]


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_a_prefix_without_objects_is_empty(make_storage, kind):
    """A service knows no directories: nothing beneath a name is no error."""
    assert list(list_modos(make_storage(kind) / "nothing")) == []


def test_a_directory_that_is_not_there_is_an_error(tmp_path):
    """It is more likely to be mistyped than to be empty."""
    with pytest.raises(KeyNotFoundError, match="nothing"):
        list(list_modos(tmp_path / "nothing"))


def test_an_object_within_an_object_is_part_of_it(study):
    """Its files are not looked into. On a disk no such object is made, but it may be moved there."""
    study.put(study.read(f"b/{ROOT_DOCUMENT}"), f"ex/inner/{ROOT_DOCUMENT}")
    assert [each.path for each in list_modos(study)] == ["a/deep/er", "a/first", "b", "ex", "ex2"]


def test_objects_come_as_they_are_found(study):
    """The first is there before the last was looked for."""
    first = next(iter(list_modos(study)))
    assert first.path == "a/deep/er"


def test_local_addresses_are_listed(tmp_path):
    """Paths, text and file addresses alike."""
    MODO.create(tmp_path / "study/ex")
    for place in (tmp_path, str(tmp_path), tmp_path.as_uri()):
        assert [each.url for each in list_modos(place)] == [str(tmp_path / "study/ex")]


def test_links_are_followed_but_not_in_circles(tmp_path):
    """An object that a link leads to is found there too; links that lead back, of which there are two, are not."""
    MODO.create(tmp_path / "shelf/ex")
    (tmp_path / "link").symlink_to(tmp_path / "shelf/ex")
    (tmp_path / "shelf/up").symlink_to(tmp_path)
    (tmp_path / "here").symlink_to(tmp_path / "shelf")
    assert [each.path for each in list_modos(tmp_path)] == ["here/ex", "link", "shelf/ex"]


def test_remote_addresses_are_listed(account, container):
    """`swift://container` and `s3://bucket` with the options of the service."""
    MODO.create("study/ex", account.swift(container))
    swift = {"storage_url": account.server.storage_url, "token": account.token}
    keys = {"key": account.server.user, "secret": account.server.key, "region": "us-east-1"}
    s3 = {"endpoint": account.server.s3_endpoint, **keys}
    for scheme, options in (("swift", swift), ("s3", s3)):
        found = list(list_modos(f"{scheme}://{container}/study", **options))
        assert [each.url for each in found] == [f"{scheme}://{container}/study/ex"]
        assert MODO("", found[0].storage).id == "ex"


def test_a_listing_that_fails_is_no_empty_listing(account, container):
    """An error of the service, and a container that is not there, come out as such."""
    with Proxy(account.server.url) as proxy:
        proxy.inject(Fault(status=403, times=None))
        with pytest.raises(StorageError, match=container):
            list(list_modos(account.swift(container, storage_url=proxy.through(account.server.storage_url))))
    for storage in (account.swift("no-such-container"), account.s3("no-such-bucket")):
        with pytest.raises(KeyNotFoundError):
            list(list_modos(storage))


def test_a_file_whose_name_is_no_text_hides_no_object(tmp_path):
    """It stands in nobody's way, but in that of the object that it is in: that is told with its place and what to do."""
    modo = MODO.create(tmp_path / "ex")
    for place in (tmp_path, tmp_path / "ex"):
        with suppress(OSError):  # of disks that take no such names
            (place / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    assert [found.path for found in list_modos(tmp_path)] == ["ex"]
    if len(list(tmp_path.iterdir())) > 1:
        with pytest.raises(InvalidPathError, match=r"ex/caf.*is not valid Unicode; rename it"):
            list(modo.storage.list())


def test_listing_does_not_load_zarr(tmp_path):
    """Nor numpy, nor the backends that are not asked for."""
    code = f"""
import sys
from modos import list_modos
assert list(list_modos({str(tmp_path)!r})) == []
loaded = {{"zarr", "numpy", "s3fs", "swiftclient", "rdflib", "linkml_runtime", "pysam"}} & sys.modules.keys()
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
