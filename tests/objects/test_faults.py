"""A service that fails in the middle of an edit: the error is its own, and the object is as it was."""

import re
import time

import pytest

from modos import MODO
from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    DamagedObjectError,
    ModosError,
    ObjectNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageTimeoutError,
)
from modos.testing import Fault, Proxy

pytestmark = pytest.mark.thorough

FAILURES = {
    "unavailable": ({"status": 503}, ServiceUnavailableError),
    "forbidden": ({"status": 403}, AccessDeniedError),
    "silent": ({"hold": True}, StorageTimeoutError),
}
EDITS = {
    "add_element": lambda modo, source: modo.add_element(
        {"@type": "DataEntity", "id": "new", "data_format": "CRAM", "data_path": "new.cram"},
        source / "data/demo1.cram",
        part_of="assay1",
    ),
    "update_element": lambda modo, source: modo.update_element("demo1", {"data_path": "renamed.cram"}),
    "remove_element": lambda modo, source: modo.remove_element("sample1"),
    "from_file": lambda modo, source: MODO.from_file(source / "more.yaml", "", modo.storage),
    "add_array": lambda modo, source: modo.add_array("sample1", [1, 2]),
}
MORE = """
- element: {id: ex, "@type": MODO, name: More}
- element: {id: reads, "@type": DataEntity, data_format: BAM}
  args: {source_file: data/reads.bam}
"""


@pytest.fixture(params=["s3", "swift"])
def failing(request, account, container):
    """A remote place that gives up quickly, its proxy, and the same place reached directly."""
    server = account.server
    with Proxy(server.url) as proxy:
        if request.param == "s3":
            options = {"endpoint": proxy.through(server.s3_endpoint), "timeout": 2.0, "attempts": 1}
            yield account.s3(container, **options), proxy, account.s3(container)
        else:
            options = {"storage_url": proxy.through(server.storage_url), "read_timeout": 2.0, "attempts": 1}
            yield account.swift(container, **options), proxy, account.swift(container)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_cannot_be_committed_leaves_nothing(failing, source, content, edit, failure):
    """The root document cannot be written: the object and its files are what they were."""
    place, proxy, direct = failing
    (source / "more.yaml").write_text(MORE)
    MODO.from_file(source / "study.yaml", "ex", direct)
    said, before = MODO("ex", direct).metadata, content(direct / "ex")
    modo = MODO("ex", place)
    fault, error = FAILURES[failure]
    proxy.inject(Fault(method="PUT", path="ex/data.zarr/zarr.json", **fault))
    with pytest.raises(error, match=r"data\.zarr/zarr\.json"):
        EDITS[edit](modo, source)
    assert MODO("ex", direct).metadata == said
    assert content(direct / "ex") == before
    proxy.heal()
    EDITS[edit](modo, source)
    assert MODO("ex", direct).metadata != said


@pytest.mark.parametrize("path", ["new.cram", "new.cram.crai", "data/new/zarr.json", "assay1/zarr.json"])
def test_an_edit_that_fails_at_any_file_leaves_nothing(failing, source, content, path):
    """The data, its index, or a group cannot be written."""
    place, proxy, direct = failing
    MODO.from_file(source / "study.yaml", "ex", direct)
    before = content(direct)
    proxy.inject(Fault(method="PUT", path=path, status=503))
    with pytest.raises(ServiceUnavailableError):
        EDITS["add_element"](MODO("ex", place), source)
    assert content(direct) == before


def test_a_new_object_that_cannot_be_committed_is_not_there(failing, source):
    """Nothing of it is left."""
    place, proxy, direct = failing
    proxy.inject(Fault(method="PUT", path="ex/data.zarr/zarr.json", status=503))
    with pytest.raises(ServiceUnavailableError):
        MODO.from_file(source / "study.yaml", "ex", place)
    assert direct.empty()


@pytest.mark.parametrize("path", [re.compile(r"incoming/.*demo1\.cram$"), "ex/demo1.cram"], ids=["sent", "copied"])
def test_a_replacement_that_fails_leaves_the_old_file(failing, source, content, path):
    """The upload breaks off, or the service does not let it take its place: the old file is whole, and so is what is said."""
    place, proxy, direct = failing
    MODO.from_file(source / "study.yaml", "ex", direct)
    before = content(direct)
    proxy.inject(Fault(method="PUT", path=path, status=503))
    with pytest.raises(ServiceUnavailableError) as caught:
        MODO("ex", place).update_element("demo1", {"name": "new"}, source / "data/reads.bam")
    assert content(direct) == before
    assert path == "ex/demo1.cram" or any("reads.bam" in note for note in caught.value.__notes__)


def test_a_service_that_cannot_create_only_stores_all_the_same(failing, source):
    """One that refuses the condition itself is asked without it."""
    place, proxy, direct = failing
    MODO.from_file(source / "study.yaml", "ex", direct)
    proxy.clear()
    proxy.inject(Fault(method="PUT", path=re.compile(r"new\.cram$"), status=501, times=1))
    EDITS["add_element"](MODO("ex", place), source)
    assert len([each for each in proxy.requests if each.method == "PUT" and each.path.endswith("new.cram")]) == 2
    assert MODO("ex", direct).verify(deep=True).is_sound


@pytest.mark.parametrize(("kind", "sent"), [("s3", 1), ("swift", 2)])
def test_a_new_file_whose_answer_is_lost_is_looked_at(account, container, source, kind, sent):
    """The service has stored it, and would refuse to create it once more: the edit is made."""
    server = account.server
    with Proxy(server.url) as proxy:
        if kind == "s3":
            place = account.s3(container, endpoint=proxy.through(server.s3_endpoint), attempts=3)
        else:
            place = account.swift(container, storage_url=proxy.through(server.storage_url), attempts=3)
        MODO.from_file(source / "study.yaml", "ex", place)
        proxy.clear()
        proxy.inject(Fault(method="PUT", path=re.compile(r"new\.cram$"), reset=True, forward=True, times=1))
        EDITS["add_element"](MODO("ex", place), source)
        asked = [each for each in proxy.requests if each.method == "PUT" and each.path.endswith("new.cram")]
        assert len(asked) == sent
        assert MODO("ex", place).verify(deep=True).is_sound


def test_a_commit_whose_answer_is_lost_is_not_taken_back(failing, source):
    """The service made it, and nobody knows: an error, and an object that is whole."""
    place, proxy, direct = failing
    MODO.from_file(source / "study.yaml", "ex", direct)
    proxy.inject(Fault(method="PUT", path="ex/data.zarr/zarr.json", status=403, forward=True))
    with pytest.raises(ModosError):
        EDITS["add_element"](MODO("ex", place), source)
    modo = MODO("ex", direct)
    assert modo.metadata["assay/assay1"]["has_data"] == ["data/demo1", "data/new"]
    assert modo.storage.read("new.cram") == (source / "data/demo1.cram").read_bytes()
    assert modo.storage.exists("data.zarr/data/new/zarr.json")


def test_what_cannot_be_removed_is_said_and_can_be_tried_again(failing, source):
    """The removal is made, a note says that a file is left, and the same call again removes it."""
    place, proxy, direct = failing
    MODO.from_file(source / "study.yaml", "ex", direct)
    time.sleep(1)  # S3 tells whole seconds, and a group of the same second as its removal may be that of another writer
    modo = MODO("ex", place)
    proxy.inject(Fault(method="DELETE", status=503, times=None), Fault(method="POST", status=503, times=None))
    with pytest.raises(ServiceError) as caught:
        modo.remove_element("demo1")
    assert any("the edit itself is made" in note for note in caught.value.__notes__)
    assert "data/demo1" not in MODO("ex", direct).metadata
    proxy.heal()
    modo.remove_element("demo1")
    assert [str(path) for path in modo.list_files()] == ["reference.fa", "reference.fa.fai"]
    assert "data/demo1" not in modo.metadata


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthenticationError), (403, AccessDeniedError), (500, ServiceError), (503, ServiceError)],
)
def test_no_other_error_is_taken_for_missing(failing, status, error):
    """An object that cannot be read now is not one that is not there, and is not created over."""
    place, proxy, direct = failing
    MODO.create("ex", direct, description="old")
    proxy.inject(Fault(method="GET", status=status, times=None), Fault(method="HEAD", status=status, times=None))
    for act in (lambda: MODO("ex", place), lambda: MODO.create("ex", place)):
        with pytest.raises(error) as caught:
            act()
        assert not isinstance(caught.value, ObjectNotFoundError | DamagedObjectError)
        assert f"{place.path.name}/ex/data.zarr/zarr.json" in str(caught.value)
    assert MODO("ex", direct).metadata["ex"]["description"] == "old"
