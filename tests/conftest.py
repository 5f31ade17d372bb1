"""What every test stands on: a clean environment, one real Swift for the whole run, and empty storages on request."""

import atexit
import gc
import http.client
import os
import re
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

pytest.register_assert_rewrite(
    "modos.testing._conformance.addresses",
    "modos.testing._conformance.reading",
    "modos.testing._conformance.work",
    "modos.testing._conformance.writing",
)

from modos.storage import FsspecStorage, LocalStorage, S3Storage, Storage, SwiftStorage  # noqa: E402 - rewritten first
from modos.testing import SwiftServer  # noqa: E402 - likewise

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started with it ignored

# for the examples in docstrings, which have no fixtures: what they keep, and their temporary directories
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # those of pytest stay where they are
tempfile.tempdir = tempfile.mkdtemp(prefix="modos-tests-")
Path(tempfile.tempdir).chmod(0o711)  # other users reach what is theirs in it
os.environ["MODOS_CACHE_DIR"] = f"{tempfile.tempdir}/cache"
atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)

_CLOUD_VARIABLES = (
    "AWS_",
    "OS_",
    "ST_",
    "SWIFT_",
    "C4GH_",
    "MODOS_C4GH_",
    "CRYPT4GH_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)
_REGION = "us-east-1"


_SERVICES = {"s3", "s3fs", "obstore", "memory", "gs", "az", "swift"}
_LONGEST_ID, _MOST_ESCAPES = 120, 8


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem():
    """Refuse an id that is a long text or raw bytes: it may differ from second to second, and between processes."""
    made = yield
    for item in made if isinstance(made, list) else []:
        called = item.callspec.id if hasattr(item, "callspec") else ""
        if len(called) > _LONGEST_ID or called.count(r"\x") > _MOST_ESCAPES:
            message = (
                f"{item.nodeid}: this value is no name for a test, give it one by `ids=` or `pytest.param(…, id=…)`"
            )
            raise pytest.Collector.CollectError(message)
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as thorough what is tried on several kinds of places, but for directories: CI tries services on one version of Python.

    What is tried on Swift alone is not marked: its client is ours.
    """
    for item in items:
        called = item.callspec.id if hasattr(item, "callspec") else ""
        if _SERVICES & set(re.split(r"[^a-z0-9]", called)) or "::TestS3" in item.nodeid:
            item.add_marker(pytest.mark.thorough)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what stays to the end: it would look through some 10,000 tests time and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let it go with the rest at the end."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch, tmp_path_factory):
    """No test finds credentials, asks a metadata service, or goes through a proxy of this machine."""
    for name in list(os.environ):
        if name.upper().startswith(_CLOUD_VARIABLES):
            monkeypatch.delenv(name)
    nowhere = str(tmp_path_factory.getbasetemp() / "no-such-file")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", nowhere)
    monkeypatch.setenv("MODOS_CACHE_DIR", str(tmp_path_factory.getbasetemp() / f"cache-{uuid.uuid4().hex}"))


@pytest.fixture
def tmp_path(request, tmp_path_factory) -> Path:
    """An empty folder of the test's own: pytest's fixture looks through the folders of all tests before, to number it."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=tmp_path_factory.getbasetemp()))


@dataclass
class Account:
    """The account of a `SwiftServer`, by plain HTTP: what tests do behind the back of what they test."""

    server: SwiftServer
    token: str = field(init=False, repr=False)

    def __post_init__(self):
        self.token = self.server.token()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None):
        """Return status, headers and body of one request to `path` of the account."""
        address = urlsplit(self.server.storage_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        try:
            connection.request(method, address.path + path, body, {"X-Auth-Token": self.token, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def container(self) -> str:
        """Make an empty container under a name that is new; it is a bucket just as well."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        assert self.ask("PUT", f"/{name}")[0] == 201
        return name

    def put(self, container: str, name: str, body: bytes) -> None:
        """Store one object."""
        headers = {"Content-Type": "application/octet-stream"}
        assert self.ask("PUT", f"/{container}/{quote(name)}", body, headers)[0] == 201

    def get(self, container: str, name: str) -> bytes | None:
        """Return one object, `None` when there is none."""
        status, _, body = self.ask("GET", f"/{container}/{quote(name)}")
        assert status in {200, 404}
        return body if status == 200 else None

    def s3(self, container: str, prefix: str = "", *, endpoint: str | None = None, **options: object) -> S3Storage:
        """Return a container of the account as a bucket of S3."""
        url = f"s3://{container}/{prefix}".removesuffix("/")
        credentials = {"key": self.server.user, "secret": self.server.key, "region": _REGION}
        return S3Storage(url, endpoint or self.server.s3_endpoint, {**credentials, **options})

    def swift(self, container: str, prefix: str = "", *, storage_url: str | None = None, **options) -> SwiftStorage:
        """Return a container of the account as a storage of Swift."""
        url = f"swift://{container}/{prefix}".removesuffix("/")
        options = {"storage_url": storage_url or self.server.storage_url, "token": self.token, **options}
        return SwiftStorage(url, **options)


@pytest.fixture(scope="session")
def swift_server() -> Iterator[SwiftServer]:
    """One real OpenStack Swift, which speaks S3 as well, for the whole run; tests use containers of their own."""
    with SwiftServer() as server:
        yield server


@pytest.fixture(scope="session")
def account(swift_server) -> Account:
    """The account of that server by plain HTTP."""
    return Account(swift_server)


@pytest.fixture
def container(account) -> str:
    """An empty container of the server under a name that no other test has; a bucket just as well."""
    return account.container()


@pytest.fixture(scope="session")
def shared_containers(account) -> dict[str, Storage]:
    """One bucket and one container for the run: storages beneath them share their connections."""
    return {"s3": account.s3(account.container()), "swift": account.swift(account.container())}


@pytest.fixture(autouse=True)
def emptied_memory() -> Iterator[None]:
    """What a test has stored in memory goes with it: who looks for anything there looks at all that there is."""
    yield
    loaded = sys.modules.get("fsspec.implementations.memory")
    if loaded is not None:
        loaded.MemoryFileSystem.store.clear()


@pytest.fixture
def make_storage(shared_containers, tmp_path) -> Callable[[str], Storage]:
    """Make empty storages: `make_storage("local")`, `"memory"`, `"s3"` or `"swift"`."""

    def make(kind: str) -> Storage:
        import fsspec

        name = f"t-{uuid.uuid4().hex[:12]}"
        match kind:
            case "local":
                return LocalStorage(tmp_path / name)
            case "memory":
                return FsspecStorage(fsspec.filesystem("memory"), f"/{name}")
        return shared_containers[kind] / name

    return make


@pytest.fixture(params=["local", "memory", "s3", "swift"])
def place(request, make_storage) -> Storage:
    """An empty storage of every kind in turn."""
    return make_storage(request.param)
