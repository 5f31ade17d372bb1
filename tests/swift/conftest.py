"""A real OpenStack Swift for the session, empty for each test, with a proxy that counts and breaks."""

import asyncio
import http.client
import inspect
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import swiftclient

from modos.swift import SwiftFileSystem
from modos.testing import KeystoneServer, Proxy, SwiftServer


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


# -- TLS ----------------------------------------------------------------------------------------------------------------


def _signed(folder: Path, name: str, *, by: Path | None = None) -> tuple[Path, Path]:
    """Make a certificate for this machine, and its key; it is signed by itself where no authority does that."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subject += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]  # Python 3.13 demands it of an authority
    issuer = ["-CA", by, "-CAkey", by.with_suffix(".key")] if by else []
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, *subject, *issuer]
    subprocess.run(made, check=True, capture_output=True)
    return cert, key


class _Front(ThreadingHTTPServer):
    """Passes requests on, and answers back; its handshakes end as OpenSSL has it, with an alert that says why."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Wait for a client that is not let in to go: what it has sent would reset the connection, and the alert be lost."""
        with suppress(OSError), socket.socket(fileno=os.dup(request.fileno())) as bare:
            bare.settimeout(5)
            while bare.recv(4096):
                pass


class _Passed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with closing(http.client.HTTPConnection(self.server.target, timeout=30)) as connection:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - as the standard library calls them


@contextmanager
def _behind_tls(server: SwiftServer | KeystoneServer, cert: Path, *, of_clients: Path | None = None) -> Iterator[str]:
    """The address of the server behind TLS, which demands a certificate of an authority where one is given."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=of_clients)
    context.load_cert_chain(cert, cert.with_suffix(".key"))
    context.verify_mode = ssl.CERT_REQUIRED if of_clients else ssl.CERT_NONE
    with _Front(("127.0.0.1", 0), _Passed) as front:
        front.target = urlsplit(server.url).netloc
        front.socket = context.wrap_socket(front.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=front.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{front.server_port}"
        finally:
            front.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def signed() -> Callable[..., tuple[Path, Path]]:
    """Make a certificate and its key: `signed(folder, name, by=authority)`."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificates with openssl")
    return _signed


@pytest.fixture(scope="session")
def behind_tls() -> Callable[..., AbstractContextManager[str]]:
    """Put a server behind TLS: `with behind_tls(server, cert, of_clients=authority) as url`."""
    return _behind_tls
