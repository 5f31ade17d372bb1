"""What records, undo and the trash cost in requests, counted between client and service."""

import pytest

from modos import MODO
from modos.storage import LOG, TRASH
from modos.testing import Proxy


@pytest.fixture(params=["s3", "swift"])
def counted(request, account, container):
    """A remote place and the proxy through which it is reached."""
    server = account.server
    with Proxy(server.url) as proxy:
        if request.param == "s3":
            place = account.s3(container, endpoint=proxy.through(server.s3_endpoint))
        else:
            place = account.swift(container, storage_url=proxy.through(server.storage_url))
        place.put(b"x", "first")  # the first write to a container looks once how it is set up
        yield place, proxy


def asked(proxy, method: str) -> list[str]:
    return [request.path.rpartition("/ex/")[2] for request in proxy.requests if request.method == method]


def sample(name: str, /, **slots: object) -> dict[str, object]:
    return {"@type": "Sample", "id": name, **slots}


def test_each_commit_writes_one_file_more(counted):
    """A block of three elements: their groups, its record, the root; and six requests that only look, at most."""
    place, proxy = counted
    modo = MODO.create("ex", place)
    proxy.clear()
    with modo.edit() as edit:
        for name in ("a", "b", "c"):
            edit.add(sample(name))
        assert len(proxy.requests) == 1
    written = asked(proxy, "PUT")
    groups = [f"data.zarr/sample/{name}/zarr.json" for name in ("a", "b", "c")]
    assert sorted(written[:3]) == groups
    assert [name.startswith(f"{LOG}/") for name in written[3:]] == [True, False]
    assert written[4] == "data.zarr/zarr.json"
    assert len(proxy.requests) <= 3 + 5


def test_the_log_reads_what_it_tells(counted):
    """One listing, and the records that are asked for."""
    place, proxy = counted
    modo = MODO.create("ex", place)
    for number in range(6):
        modo.add_element(sample(f"s{number}"))
    proxy.clear()
    assert len(modo.log(2)) == 2
    assert len(proxy.requests) == 3


def test_undoing_slots_is_an_edit_and_two_requests_more(counted):
    """A listing and the record; no file, no trash."""
    place, proxy = counted
    modo = MODO.create("ex", place)
    modo.add_element(sample("s1", sex="Male"))
    modo.update_element("s1", {"sex": "Female"})
    proxy.clear()
    modo.undo()
    assert len(proxy.requests) <= 6 + 2
    assert not any(str(TRASH) in request.path for request in proxy.requests)


def test_no_byte_of_a_file_crosses_the_client(counted, tmp_path):
    """Neither when it is put aside nor when it is brought back: the service copies it."""
    place, proxy = counted
    body = b"0123456789" * 300_000
    (tmp_path / "reads.bam").write_bytes(body)
    modo = MODO.create("ex", place)
    modo.add_element({"@type": "DataEntity", "id": "d", "data_format": "BAM"}, tmp_path / "reads.bam")
    proxy.clear()
    modo.remove_element("d")
    modo.undo()
    assert sum(each.bytes_sent + each.bytes_received for each in proxy.requests) < 100_000
    assert modo.storage.read("reads.bam") == body
