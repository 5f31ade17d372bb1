"""A real OpenStack Swift for the session, empty for each test, with a proxy that counts and breaks."""

import asyncio
import inspect
from collections.abc import Callable, Iterator

import pytest
import swiftclient

from modos.swift import SwiftFileSystem
from modos.testing import Proxy, SwiftServer


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine, as those of zarr are, in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(scope="session")
def server() -> Iterator[SwiftServer]:
    with SwiftServer() as started:
        yield started


@pytest.fixture
def swift(server: SwiftServer) -> SwiftServer:
    server.wipe()
    return server


@pytest.fixture(scope="session")
def wire(server: SwiftServer) -> Iterator[Proxy]:
    with Proxy(server.url) as started:
        yield started


@pytest.fixture
def proxy(wire: Proxy, swift: SwiftServer) -> Proxy:
    wire.heal()
    wire.clear()
    return wire


@pytest.fixture
def connect(swift: SwiftServer) -> Callable[..., SwiftFileSystem]:
    """Make a filesystem of its own, with a token and the container `omics`."""

    def made(**options) -> SwiftFileSystem:
        given = {"storage_url": swift.storage_url, "token": swift.token(), "skip_instance_cache": True}
        return SwiftFileSystem(**{**given, **options})

    made().mkdir("omics")
    return made


@pytest.fixture
def options(swift: SwiftServer) -> dict[str, str]:
    """What leads to the account."""
    return {"storage_url": swift.storage_url, "token": swift.token()}


@pytest.fixture
def raw(options: dict[str, str]) -> Iterator[swiftclient.Connection]:
    """Another client, for what is there before and after; it has made the container `omics`."""
    connection = swiftclient.Connection(preauthurl=options["storage_url"], preauthtoken=options["token"])
    connection.put_container("omics")
    yield connection
    connection.close()


@pytest.fixture
def fs(connect) -> SwiftFileSystem:
    return connect()


@pytest.fixture
def watched(connect, proxy: Proxy, swift: SwiftServer) -> SwiftFileSystem:
    """A filesystem whose requests pass the proxy; two attempts make failures quick."""
    made = connect(storage_url=proxy.through(swift.storage_url), attempts=2, read_timeout=3.0)
    proxy.clear()
    return made
