"""Places to copy from and to: a directory, and buckets and containers of one real server."""

import hashlib
import http.client
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import swiftclient

from modos.storage import ROOT_DOCUMENT, LocalStorage, S3Storage, Storage, SwiftStorage, open_storage
from modos.testing import Proxy, SwiftServer
from modos.transfers import DigestBook
from modos.transfers.digests import part_size_of

type Kind = Literal["local", "s3", "swift"]

SEGMENT = 4 * 1024 * 1024

NUMBERS = itertools.count()


@dataclass
class Places:
    """Makes empty places of any kind, all on the same server."""

    server: SwiftServer
    scratch: Path
    token: str
    disk: Path

    def swift_options(self) -> dict[str, Any]:
        return {"storage_url": self.server.storage_url, "token": self.token, "segment_size": SEGMENT}

    def put_plainly(self, storage: Storage, name: str, body: bytes, **headers: str) -> None:
        """Store a file in one request, however large, so that the service tells its MD5."""
        container, *prefix = storage.path.parts
        address = urlsplit(self.server.storage_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        path = "/".join((address.path, container, *prefix, name))
        connection.request("PUT", path, body, {"X-Auth-Token": self.token, **headers})
        assert connection.getresponse().status == 201
        connection.close()

    def options_of(self, storage: Storage) -> dict[str, Any]:
        """Return how another process, or another instance, reaches the same place."""
        if isinstance(storage, LocalStorage):
            return {}
        if isinstance(storage, S3Storage):
            keys = {"key": self.server.user, "secret": self.server.key, "region": "us-east-1"}
            return {**keys, "endpoint": self.server.s3_endpoint}
        return self.swift_options()

    def again(self, storage: Storage, **options: Any) -> Storage:
        """Return the same place, reached anew."""
        given = options if self.options_of(storage) else {}
        return open_storage(storage.url, storage_options=self.options_of(storage) | given)

    def through(self, proxy: Proxy, storage: Storage, **options: Any) -> Storage:
        """Return the same place, asked through a proxy."""
        if isinstance(storage, LocalStorage):
            return storage
        address = "endpoint" if isinstance(storage, S3Storage) else "storage_url"
        given = self.options_of(storage)
        return open_storage(storage.url, storage_options={**given, address: proxy.through(given[address]), **options})

    def damage(self, text: bytes) -> None:
        """Change a byte of the file of the server's disk in which a text is: as a disk does that fails silently."""
        (path,) = (path for path in self.disk.rglob("*.data") if text in path.read_bytes())
        at = path.read_bytes().index(text)
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([text[0] ^ 1]))

    def change_segment(self, storage: Storage, number: int, body: bytes) -> None:
        """Store other bytes as a segment: as of a part that was damaged on its way, and that its writer has not compared."""
        connection = swiftclient.Connection(preauthurl=self.server.storage_url, preauthtoken=self.token)
        container = storage.path.parts[0]
        listed = connection.get_container(container, prefix=".segments/")[1]
        (segment,) = (each for each in listed if each["name"].endswith(f"/{number:08d}"))
        connection.put_object(container, segment["name"], body, content_type=segment["content_type"])
        connection.close()

    def make(self, kind: Kind) -> Storage:
        name = f"place-{next(NUMBERS)}"
        if kind == "local":
            return LocalStorage(self.scratch / name)
        if kind == "s3":
            keys = {"key": self.server.user, "secret": self.server.key, "region": "us-east-1"}
            bucket = S3Storage(f"s3://{name}", self.server.s3_endpoint, keys)
            bucket.filesystem.mkdir(name)
            return bucket / "study/ex"
        container = SwiftStorage(f"swift://{name}", **self.swift_options())
        container.filesystem.mkdir(name)
        return container / "study/ex"


@pytest.fixture(scope="session")
def server_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def transfer_server(server_disk: Path) -> Iterator[SwiftServer]:
    with SwiftServer(scratch=server_disk) as server:
        yield server


@pytest.fixture
def places(transfer_server: SwiftServer, server_disk: Path, tmp_path: Path) -> Places:
    return Places(transfer_server, tmp_path, transfer_server.token(), server_disk)


@pytest.fixture
def here(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "there")


@pytest.fixture(scope="session")
def small() -> dict[str, bytes]:
    """The files of a small object."""
    return {
        "data.zarr/sample/s1/zarr.json": b'{"sample": 1}',
        "empty.txt": b"",
        "reads/demo1.cram": Random(1).randbytes(5000),
        "reads/demo1.cram.crai": Random(2).randbytes(300),
        ROOT_DOCUMENT: b'{"root": 1}',
    }


@pytest.fixture
def fill() -> Callable[[Storage, dict[str, bytes]], None]:
    """Store files; the mapping is name to content."""

    def fill(storage: Storage, files: dict[str, bytes]) -> None:
        for name, body in files.items():
            storage.put(body, name)

    return fill


def digest_in(body: bytes, kind: str) -> str:
    """Return a digest of bytes, of any kind that the book knows."""
    size = part_size_of(kind)
    if size is None:
        return hashlib.new(kind, body).hexdigest()
    tags = "".join(hashlib.md5(body[start : start + size]).hexdigest() for start in range(0, len(body), size))
    return hashlib.md5(tags.encode()).hexdigest()


@pytest.fixture
def noted() -> Callable[[Storage, str, bytes], set[str]]:
    """Tell what kinds of digests the user's book has of a file as it is there, after each was found to be that of the bytes."""

    def noted(storage: Storage, name: str, body: bytes) -> set[str]:
        with DigestBook.of_user() as book:
            known = {kind: each for kind, each in book.digests(storage, storage.stat(name)).items() if kind != "parts"}
        assert {kind: digest_in(body, kind) for kind in known} == known
        return set(known)

    return noted


@pytest.fixture
def content() -> Callable[[Storage], dict[str, bytes]]:
    """Read all that is stored, name to content."""
    return lambda storage: {str(path): storage.read(path) for path in storage.list()}
