"""What reading and editing cost in requests, counted between client and service."""

import json

import pytest

from modos import MODO
from modos.storage import ROOT_DOCUMENT
from modos.storage.zarr_root import ZarrRoot, group_member
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


def test_reading_all_metadata_is_one_request(counted):
    """Opening an object of 200 elements and reading everything it says."""
    place, proxy = counted
    fill(place, 200)
    proxy.clear()
    modo = MODO("ex", place)
    assert len(modo.metadata) == 201
    assert len(modo.list_samples()) == 200
    assert modo.show_contents("s7")
    assert modo.list_arrays()
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("size", [10, 1000])
def test_adding_an_element_is_at_most_five_requests(counted, size):
    """However many there are: read, write the group, look again, write the root, and look whether it stayed."""
    place, proxy = counted
    fill(place, size)
    modo = MODO("ex", place)
    proxy.clear()
    modo.add_element({"@type": "Sample", "id": "new"})
    asked = [(request.method, request.path.rpartition("/ex/")[2]) for request in proxy.requests]
    group = "data.zarr/sample/new/zarr.json"
    expected = ["GET", "PUT", "GET", "PUT", "GET"]
    assert [method for method, _ in asked] == expected
    assert [path for method, path in asked if method == "PUT"] == [group, ROOT_DOCUMENT]
    assert len(MODO("ex", place).metadata) == size + 2


def test_a_description_is_one_write_per_element(counted, tmp_path):
    """Besides: a group for each of the five types, and the root, last."""
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
    assert len(written) == 40 + 5 + 1
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
    assert len(proxy.requests) <= 5
    proxy.clear()
    modo.remove_element("s1")
    assert len(proxy.requests) <= 10
