"""Every backend keeps every promise of the contract."""

import uuid

import fsspec
import pytest

from modos.storage import FsspecStorage, LocalStorage
from modos.testing import StorageTests


class TestLocal(StorageTests):
    """A directory of this machine."""

    keeps_metadata = False

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

    @pytest.fixture
    def storage(self):
        return FsspecStorage(fsspec.filesystem("memory"), f"/{uuid.uuid4().hex}/root")

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
        self.bucket = paging_account.container()

    def put_raw(self, storage, name, body):
        self.account.put(self.bucket, f"root/{name}", body)

    def get_raw(self, storage, name):
        return self.account.get(self.bucket, f"root/{name}")


class TestS3(_OnServer):
    """The S3 protocol."""

    keeps_unicode_metadata = False
    signs = frozenset({"GET", "PUT"})
    secrets = ("testing",)

    @pytest.fixture
    def storage(self, _account):
        return self.account.s3(self.bucket, "root")


class TestSwift(_OnServer):
    """The native API of OpenStack Swift."""

    signs = frozenset({"GET", "PUT"})

    @pytest.fixture
    def storage(self, _account):
        self.account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": "temporary"})
        storage = self.account.swift(self.bucket, "root")
        self.secrets = (self.account.token, "temporary")
        return storage
