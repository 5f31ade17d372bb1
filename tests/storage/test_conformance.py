"""Every backend keeps every promise of the contract."""

import shutil
import uuid

import fsspec
import pytest

from modos.errors import KeyNotFoundError
from modos.storage import FsspecStorage, LocalStorage
from modos.storage.backends.http import HTTPStorage
from modos.testing import FileServer, ReadableStorageTests, StorageTests


class TestLocal(StorageTests):
    """A directory of this machine."""

    keeps_metadata = False
    replaces_unchanged = True
    tested_with = "this machine"

    @pytest.fixture
    def storage(self, tmp_path):
        return LocalStorage(tmp_path / "root")

    def put_raw(self, storage, name, body):
        place = storage.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)

    def get_raw(self, storage, name):
        place = storage.path / name
        return place.read_bytes() if place.is_file() else None


class TestMemory(StorageTests):
    """Any fsspec filesystem, by the example of the one in memory."""

    keeps_metadata = False
    tested_with = "fsspec's own"

    @pytest.fixture
    def storage(self):
        return FsspecStorage(fsspec.filesystem("memory"), f"/{uuid.uuid4().hex[:12]}")

    def put_raw(self, storage, name, body):
        fsspec.filesystem("memory").pipe_file(f"/{storage.path}/{name}", body)

    def get_raw(self, storage, name):
        try:
            return fsspec.filesystem("memory").cat_file(f"/{storage.path}/{name}")
        except FileNotFoundError:
            return None


class _OnServer(StorageTests):
    """What the two services have in common: one server, and plain HTTP to it as the way around."""

    @pytest.fixture(autouse=True)
    def _account(self, paging_account):
        self.account = paging_account

    def put_raw(self, storage, name, body):
        container, *prefix = storage.path.parts
        self.account.put(container, "/".join([*prefix, name]), body)

    def get_raw(self, storage, name):
        container, *prefix = storage.path.parts
        return self.account.get(container, "/".join([*prefix, name]))


class TestS3(_OnServer):
    """The S3 protocol, bytes moved by obstore."""

    signs = frozenset({"GET", "PUT"})
    secrets = ("testing",)
    tested_with = "OpenStack Swift's S3"

    @pytest.fixture
    def storage(self, paging_bucket):
        return paging_bucket / uuid.uuid4().hex[:12]


class TestS3WithoutObstore(TestS3):
    """The S3 protocol, everything by s3fs."""

    @pytest.fixture
    def storage(self, paging_bucket_without_obstore):
        return paging_bucket_without_obstore / uuid.uuid4().hex[:12]


class TestSwift(_OnServer):
    """The native API of OpenStack Swift."""

    tested_with = "OpenStack Swift"
    signs = frozenset({"GET", "PUT"})

    @pytest.fixture
    def storage(self, paging_container):
        self.secrets = (self.account.token, "temporary")
        return paging_container / uuid.uuid4().hex[:12]


class TestAzure(StorageTests):
    """Azure Blob Storage, by its emulator."""

    tested_with = "Azurite"
    __test__ = shutil.which("azurite-blob") is not None
    replaces_unchanged = True
    refused_names = frozenset({"back\\slash"})
    signs = frozenset({"GET", "PUT"})
    signed_name = "reads/demo1+2=3.bin"
    signed_put_headers = {"x-ms-blob-type": "BlockBlob"}  # noqa: RUF012 - never changed

    @pytest.fixture
    def storage(self, azure_container):
        self.secrets = (azure_container._options["key"],)
        return azure_container / uuid.uuid4().hex[:12]

    def put_raw(self, storage, name, body):
        self._store(storage).put(self._name(storage, name), body, use_multipart=False)

    def get_raw(self, storage, name):
        try:
            return self._store(storage).get(self._name(storage, name)).bytes().to_bytes()
        except FileNotFoundError:
            return None

    def _store(self, storage):
        return storage.filesystem._construct_store(storage.path.parts[0])

    def _name(self, storage, name):
        return "/".join([*storage.path.parts[1:], name])


class TestHTTP(ReadableStorageTests):
    """A web server, for reading only."""

    tested_with = "Python's web server"

    @pytest.fixture
    def storage(self, tmp_path):
        with FileServer(tmp_path) as server:
            yield HTTPStorage(server.url)

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path):
        self.directory = tmp_path

    def put_raw(self, storage, name, body):
        place = self.directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)


TESTED = {
    "local": TestLocal,
    "memory": TestMemory,
    "S3": TestS3,
    "S3 without obstore": TestS3WithoutObstore,
    "Swift": TestSwift,
    "Azure": TestAzure,
    "HTTP": TestHTTP,
}
"""The columns of the table of support in the documentation."""


def test_azure_is_tested():
    """Says once, instead of for every promise, when there is no emulator."""
    if not TestAzure.__test__:
        pytest.skip("Azure is not tested: npm install --global azurite")


@pytest.mark.parametrize("case", TESTED.values(), ids=TESTED)
def test_what_the_table_of_support_says_is_tested(case):
    """No backend leaves out a promise of the suite: none is skipped, replaced or expected to fail for it alone."""
    suite = StorageTests if issubclass(case, StorageTests) else ReadableStorageTests
    promises = {name for name in dir(suite) if name.startswith("test_")}
    assert promises
    for name in promises:
        assert getattr(case, name) is getattr(suite, name), name
    assert not getattr(case, "pytestmark", [])


class TestWholeContainer:
    """A storage whose root is the bucket or container itself, not a prefix in it."""

    @pytest.mark.parametrize("kind", ["s3", "swift"])
    def test_the_root_may_be_a_container(self, paging_account, kind):
        """Listing by level, copying, moving and removing everything work without a prefix, and the container stays."""
        container = paging_account.container()
        storage = getattr(paging_account, kind)(container)
        names = [f"{stem}{number:02}" for stem in ("a", "b/c", "b/d/e") for number in range(25)]
        for name in names:
            paging_account.put(container, name, b"x")
        assert sorted(map(str, storage.list())) == names
        assert sorted(map(str, storage.list_dir("b"))) == [*(f"b/c{number:02}" for number in range(25)), "b/d"]
        assert storage.move("a00", "z").size == 1
        storage.remove_tree("b")
        assert {str(path) for path in storage.list_dir()} == {*(f"a{number:02}" for number in range(1, 25)), "z"}
        storage.remove_tree()
        assert storage.empty()
        assert paging_account.ask("HEAD", f"/{container}")[0] == 204

    @pytest.mark.parametrize("kind", ["s3", "swift"])
    def test_a_container_that_is_missing_is_no_empty_one(self, paging_account, kind):
        """Listing and writing raise KeyNotFoundError; nothing is created."""
        storage = getattr(paging_account, kind)("no-such-container")
        assert not storage.exists("demo")
        for call in (storage.empty, lambda: list(storage.list()), lambda: storage.put(b"x", "demo")):
            with pytest.raises(KeyNotFoundError):
                call()
        assert paging_account.ask("HEAD", "/no-such-container")[0] == 404

    @pytest.mark.parametrize("kind", ["s3", "swift"])
    def test_names_that_no_target_can_have_hide_no_others(self, paging_account, kind):
        """Pages full of names that end in a slash, or have two, are passed over and what follows is listed."""
        container = paging_account.container()
        odd = [*(f"a/{number:02}/" for number in range(45)), *(f"b//{number:02}" for number in range(25))]
        for name in [*odd, "b/0", "z"]:
            paging_account.put(container, name, b"x")
        listed = {str(path) for path in getattr(paging_account, kind)(container).list()}
        assert {"b/0", "z"} <= listed

    @pytest.mark.parametrize("kind", ["s3", "swift"])
    def test_a_pattern_is_a_name(self, paging_account, kind):
        """`*`, `?` and `[` in a name match nothing but themselves: removing `demo*` leaves `demo1`."""
        container = paging_account.container()
        storage = getattr(paging_account, kind)(container)
        for name in ("demo1/a", "demo2/a", "demo1"):
            paging_account.put(container, name, b"x")
        storage.remove_tree("demo*")
        storage.remove("demo?")
        storage.remove_many(["demo*", "demo[12]", "*"])
        assert {str(path) for path in storage.list()} == {"demo1", "demo1/a", "demo2/a"}
        storage.remove_tree("demo1")
        assert {str(path) for path in storage.list()} == {"demo1", "demo2/a"}
