"""What reading and editing cost in requests, counted between client and service."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modos import MODO
from modos.objects.history.commits import new_commit_id
from modos.objects.history.records import record_ids, record_path
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT
from modos.storage.hierarchy.documents import group_member
from modos.storage.hierarchy.root import ZarrRoot
from modos.testing import Proxy

KINDS = ("assay", "data", "reference", "sample", "sequence")


@pytest.fixture(params=["s3", "swift"])
def counted(request, account, container):
    """A remote place and the proxy through which it is reached."""
    server = account.server
    with Proxy(server.url) as proxy:
        if request.param == "s3":
            yield account.s3(container, endpoint=proxy.through(server.s3_endpoint)), proxy
        else:
            yield account.swift(container, storage_url=proxy.through(server.storage_url)), proxy


def fill(place, samples: int) -> None:
    """Store the root document of an object `ex` of so many samples."""
    attributes = {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"}
    members = {kind: group_member({}) for kind in KINDS}
    for number in range(samples):
        members[f"sample/s{number}"] = group_member({"@type": "Sample", "name": f"Sample {number}", "sex": "Male"})
    place.put(ZarrRoot(attributes, members).dump(), f"ex/{ROOT_DOCUMENT}")


@pytest.mark.parametrize("size", [200, 10_000])
def test_reading_all_metadata_is_one_request(counted, size):
    """Opening an object, however many elements it has, and reading everything it says."""
    place, proxy = counted
    fill(place, size)
    proxy.clear()
    modo = MODO("ex", place)
    assert len(modo.metadata) == size + 1
    assert len(modo.list_samples()) == size
    assert modo.show_contents("s7")
    assert modo.list_arrays()
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("size", [10, 1000, 10_000])
def test_adding_an_element_is_six_requests(counted, size):
    """However many there are: read, write group and record, look who else is there, write the root, and look again."""
    place, proxy = counted
    fill(place, size)
    modo = MODO("ex", place)
    proxy.clear()
    modo.add_element({"@type": "Sample", "id": "new"})
    asked = [(request.method, request.path.rpartition("/ex/")[2]) for request in proxy.requests]
    group, record = "data.zarr/sample/new/zarr.json", record_path(record_ids(place / "ex")[-1])
    assert [method for method, _ in asked] == ["GET", "PUT", "PUT", "GET", "PUT", "GET"]
    assert [path for method, path in asked if method == "PUT"] == [group, record, ROOT_DOCUMENT]
    assert all("start" in proxy.requests[look].query or "marker" in proxy.requests[look].query for look in (3, 5))
    assert len(MODO("ex", place).metadata) == size + 2


def test_neither_root_nor_listing_grow_with_the_log(counted):
    """Among 2,000 edits of the last minute it is still six requests, and the root names the newest 500."""
    place, proxy = counted
    fill(place, 10)
    said = Snapshot.read(place / "ex")
    now = datetime.now(UTC)
    ids = [new_commit_id(now=now - timedelta(milliseconds=20 * number)) for number in range(2000)]
    root = replace(said, contained=said.contained.with_commits(ids)).root()
    place.put(root.dump(), f"ex/{ROOT_DOCUMENT}")
    assert len(root.log["contains"]) == 500
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: place.put(b"{}", f"ex/{record_path(each)}"), ids[:60]))
    modo = MODO("ex", place)
    proxy.clear()
    modo.add_element({"@type": "Sample", "id": "new"})
    assert len(proxy.requests) == 6
    assert len(Snapshot.read(place / "ex").contained.commits) == 500


def test_an_edit_of_many_elements_is_five_requests_besides(counted):
    """One for each element, and none more for all of them: read, record, look, write the root, look again."""
    place, proxy = counted
    fill(place, 10)
    modo = MODO("ex", place)
    proxy.clear()
    with modo.edit() as edit:
        for number in range(120):
            edit.add({"@type": "Sample", "id": f"new{number}"})
    assert len(proxy.requests) == 120 + 5


def test_a_description_is_one_write_per_element(counted, tmp_path):
    """Besides: a group for each of the five types, the record, and the root, last."""
    place, proxy = counted
    entries = [
        {"element": {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"}}
    ]
    entries += [{"element": {"@type": "Sample", "id": f"s{number}"}} for number in range(40)]
    (tmp_path / "study.json").write_text(json.dumps(entries))
    place.put(b"x", "first")  # the first write to a container looks once how it is set up
    proxy.clear()
    MODO.from_file(tmp_path / "study.json", "ex", place)
    written = [request.path for request in proxy.requests if request.method == "PUT"]
    assert len(written) == 40 + 5 + 1 + 1
    assert len(set(written)) == len(written)
    assert written[-1].endswith(f"/ex/{ROOT_DOCUMENT}")
    assert len(proxy.requests) <= len(written) + 15


def test_unsetting_and_removing_do_not_grow_with_the_object(counted):
    """An update and a removal among 1,000 elements, without a file."""
    place, proxy = counted
    fill(place, 1000)
    modo = MODO("ex", place)
    proxy.clear()
    modo.update_element("s1", {"sex": "Female"})
    assert len(proxy.requests) == 6
    proxy.clear()
    modo.remove_element("s1")
    assert len(proxy.requests) <= 10
