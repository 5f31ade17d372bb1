"""What a storage can do: told and tried on real services, in a directory that goes again whatever happens."""

import json
import pickle
import re

import pytest

from modos.errors import (
    AuthenticationError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    UnreachableError,
)
from modos.storage import LocalStorage, capabilities, examine
from modos.storage.doctor import examination, proofs
from modos.storage.doctor.facts import ABILITIES
from modos.testing import Fault, Proxy

pytestmark = pytest.mark.thorough

EXPECTED = {
    "local": {"create_only", "conditional_update", "long_uploads", "consistent_listing"},
    "memory": {"create_only", "consistent_listing"},
    "s3": {
        *("create_only", "long_uploads", "server_copy", "sign_get", "sign_put", "content_type", "metadata", "md5"),
        *("consistent_listing", "multi_ranges"),  # several ranges as this server speaks S3: AWS sends the whole
    },
    "swift": {
        *("create_only", "long_uploads", "server_copy", "sign_get", "sign_put", "content_type", "metadata", "md5"),
        *("consistent_listing", "multi_ranges"),
    },
}
EVERYWHERE = {"list", "write", "ranges", "long_names"}


@pytest.fixture
def examined(make_storage, account, request):
    """A storage of some kind whose account signs addresses, beside a neighbour that is not to be touched."""
    account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": "temporary"})
    storage = make_storage(request.param)
    storage.put(b"here before", "neighbour/.modos-doctor-0/a")
    return storage


@pytest.fixture
def quick(monkeypatch):
    """Only what is cheap to try."""
    few = {name: proofs.PROOFS[name] for name in ("ranges", "sign_get", "multi_ranges")}
    monkeypatch.setattr(examination, "PROOFS", few)


@pytest.mark.parametrize(("examined", "kind"), [(kind, kind) for kind in EXPECTED], indirect=["examined"])
def test_what_is_tried(examined, kind):
    """Every ability is answered, those of this kind of storage with yes, and nothing is left behind."""
    found = examine(examined)
    assert list(found.facts) == list(ABILITIES)
    assert {name for name in ABILITIES if found.can(name)} == EXPECTED[kind] | EVERYWHERE
    assert all(found.facts[name].source == "tried" for name in EXPECTED[kind] | EVERYWHERE)
    assert [str(path) for path in examined.list()] == ["neighbour/.modos-doctor-0/a"]
    assert pickle.loads(pickle.dumps(found)) == found
    assert json.loads(json.dumps(found.as_dict()))["abilities"]["ranges"]["answer"] == "yes"


def test_azure(azure_container):
    """Azure signs, refuses to replace, and depends on ETags."""
    found = examine(azure_container / "examined")
    abilities = (
        "create_only",
        "conditional_update",
        "long_uploads",
        "server_copy",
        "sign_get",
        "sign_put",
        "content_type",
    )
    assert [name for name in abilities if not found.can(name)] == []
    assert not found.can("md5")
    assert (azure_container / "examined").empty()


def test_what_swift_tells(account, container):
    """Limits of the service, of large objects, and of signed addresses, from `/info`; asked once for many storages."""
    attempts = []
    storage = account.swift(container, on_request=attempts.append)
    found = capabilities(storage)
    assert found.limits["page_size"] == 10_000
    assert found.limits["largest_put"] > 5 * 10**9
    assert found.limits["slo_most_segments"] >= 1000
    assert {"GET", "PUT"} <= set(found.limits["tempurl_methods"])
    assert "sha256" in found.limits["tempurl_digests"]
    assert found.service.startswith("OpenStack Swift 2.")
    assert len(attempts) <= 1
    attempts.clear()
    assert capabilities(storage / "beneath").limits == found.limits
    assert attempts == []


@pytest.mark.parametrize("kind", ["local", "memory", "s3"])
def test_what_is_known_costs_nothing(make_storage, kind):
    """Without trying, nothing is written and what only a trial shows is not claimed."""
    storage = make_storage(kind)
    found = capabilities(storage)
    assert not found.can("write")
    assert found.facts["ranges"] == type(found.facts["ranges"])("yes")
    assert storage.empty()


def test_without_a_key_nothing_is_signed(account, container, quick):
    """Swift signs by a key of the account or container; without one the answer is no, and says how to get it."""
    key = account.ask("HEAD", "")[1].get("X-Account-Meta-Temp-Url-Key", "")
    account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": ""})
    try:
        found = examine(account.swift(container))
    finally:
        account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": key})
    assert not found.can("sign_get")
    assert "--new-key" in found.facts["sign_get"].detail
    assert found.can("multi_ranges")


def test_versions(account, container, quick):
    """A container that keeps earlier versions is recognised, and what stays in them is said."""
    assert account.ask("POST", f"/{container}", headers={"X-Versions-Enabled": "true"})[0] in {202, 204}
    found = examine(account.swift(container))
    assert found.can("versions")
    assert found.notes == ("the scratch files stay among the earlier versions that are kept",)


@pytest.mark.parametrize("write", [True, False])
def test_where_nothing_is_to_be_written(account, container, write):
    """Opened for reading, or asked not to write: what can be told is told, no request writes."""
    attempts = []
    storage = account.swift(container, on_request=attempts.append, read_only=write)
    found = examine(storage, write=write)
    assert not found.can("write")
    assert found.can("list")
    assert found.can("server_copy")
    assert found.notes[0].startswith("nothing was tried that writes: ")
    assert {attempt.method for attempt in attempts} <= {"GET", "HEAD"}


def test_where_writing_is_refused(account, container):
    """Somebody who may only read gets what can be told, and why nothing was tried."""
    account.ask("POST", f"/{container}", headers={"X-Container-Read": ".r:*,.rlistings"})
    found = examine(account.swift(container, token=None))
    assert found.facts["write"].answer == "no"
    assert "HTTP 401" in found.facts["write"].detail or "HTTP 403" in found.facts["write"].detail
    assert found.can("list")
    assert len(found.notes) == 1


def test_where_the_answer_to_the_first_write_is_lost(account, container):
    """That is no refusal, but an error; and the file, which the service has all the same, is removed."""
    with Proxy(account.server.url) as proxy:
        proxy.inject(Fault(method="PUT", status=503, forward=True, times=None))
        with pytest.raises(ServiceUnavailableError):
            examine(account.swift(container, storage_url=proxy.through(account.server.storage_url), attempts=1))
    assert account.swift(container).empty()


def test_where_listing_is_refused(account, container):
    """What cannot be listed could not be cleaned either: nothing is written."""
    account.ask("POST", f"/{container}", headers={"X-Container-Read": ".r:*"})
    with Proxy(account.server.url) as proxy:
        proxy.inject(Fault(method="GET", path=re.compile(f"/{container}/?$"), status=403, times=None))
        found = examine(account.swift(container, storage_url=proxy.through(account.server.storage_url)))
        assert proxy.count(method="PUT") == 0
    assert found.facts["list"].answer == "no"
    assert "cannot be listed" in found.notes[0]


def test_what_is_not_there(account, tmp_path):
    """No such directory, bucket or container; no service; no valid token: errors, not a table of no."""
    with pytest.raises(KeyNotFoundError):
        examine(account.swift("no-such-container"))
    with pytest.raises(KeyNotFoundError):
        examine(account.s3("no-such-bucket"))
    with pytest.raises(KeyNotFoundError, match="no such directory"):
        examine(LocalStorage(tmp_path / "missing"))
    assert not (tmp_path / "missing").exists()
    with pytest.raises(UnreachableError):
        examine(account.swift("omics", storage_url="http://127.0.0.1:1/v1/lab", attempts=1))
    with pytest.raises(AuthenticationError):
        examine(account.swift("omics", token="ended"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_the_scratch_directory_goes_whatever_happens(place, monkeypatch, error):
    """Ctrl-C, or a defect, in the middle of it."""

    def interrupted(scratch):
        scratch.put(b"half", "deep/er")
        raise error

    place.put(b"stays", "a")
    monkeypatch.setattr(examination, "PROOFS", {"ranges": proofs.PROOFS["ranges"], "long_uploads": interrupted})
    with pytest.raises(error):
        examine(place)
    assert [str(path) for path in place.list()] == ["a"]


def test_what_cannot_be_removed_is_told(account, container, quick):
    """A service that refuses to delete is an error that says what is left and where."""
    with Proxy(account.server.url) as proxy:
        proxy.inject(
            Fault(method="DELETE", status=403, times=None),
            Fault(method="POST", status=403, times=None),
        )
        with pytest.raises(StorageError) as caught:
            examine(account.swift(container, storage_url=proxy.through(account.server.storage_url)))
    assert "may still be there" in caught.value.__notes__[0]


def test_a_proof_that_fails_does_not_end_the_others(place, monkeypatch):
    """A refusal is a no, what passes says nothing, and the other abilities are still tried."""
    from modos.errors import StorageTimeoutError

    def raising(error):
        def proof(_):
            raise error

        return proof

    place.put(b"stays", "a")
    failing = {"md5": raising(ServiceError("url", "not here")), "metadata": raising(StorageTimeoutError("url"))}
    monkeypatch.setattr(examination, "PROOFS", {**failing, "ranges": proofs.PROOFS["ranges"]})
    found = examine(place)
    assert (found.facts["md5"].answer, found.facts["md5"].detail) == ("no", "url: not here")
    assert found.facts["metadata"].answer == "unknown"
    assert found.can("ranges")


def test_a_storage_that_breaks_its_promise_is_found_out(tmp_path):
    """What is tried goes before what is known: a proof that cannot fail would prove nothing."""

    class Broken(LocalStorage):
        def _read(self, name, start, end):
            return super()._read(name, 0, None)

        def _put(self, name, chunks, *, mode, content_type, metadata):
            return super()._put(name, chunks, mode="overwrite", content_type=content_type, metadata=metadata)

        def _copy(self, source, target):
            self.put(b"something else", target)

    found = examine(Broken(tmp_path))
    assert not any(found.can(ability) for ability in ("ranges", "create_only", "server_copy"))
    assert found.facts["ranges"].source == "tried"
