"""TLS and proxies before a real Swift: what is believed, what is refused, and which way requests go."""

import asyncio
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from modos.errors import AuthenticationError, InvalidInputError, UnreachableError
from modos.swift import SwiftFileSystem, SwiftStore, Transport, V1Credentials
from modos.swift.auth.tokens import log_in
from modos.testing import Fault, SwiftServer


@contextmanager
def listening(serve) -> Iterator[int]:
    """Serve connections in a thread of its own; yields the port."""
    started, port = threading.Event(), 0
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def main() -> None:
        nonlocal port
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        started.set()
        await done.wait()
        server.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    yield port
    loop.call_soon_threadsafe(done.set)
    thread.join(10)


async def joined(*ends: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Pass on bytes between two ends until one closes."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()

    one, other = ends
    pumps = [asyncio.ensure_future(pump(one[0], other[1])), asyncio.ensure_future(pump(other[0], one[1]))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        for _, writer in ends:
            writer.transport.abort()


@pytest.fixture(scope="module")
def authorities(tmp_path_factory, signed) -> tuple[Path, Path]:
    """The certificate of the server, and one of somebody else."""
    folder = tmp_path_factory.mktemp("certificates")
    return signed(folder, "server")[0], signed(folder, "other")[0]


@pytest.fixture(scope="module")
def tls(server: SwiftServer, authorities, behind_tls) -> Iterator[str]:
    """The address of the server behind TLS."""
    with behind_tls(server, authorities[0]) as url:
        yield url


@pytest.fixture
def tunnel() -> Iterator[tuple[str, list[str]]]:
    """The address of an HTTP proxy, and the first lines of what it was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n", 1)[0].decode())
        method, address, _ = asked[-1].split()
        target = urlsplit(address if "://" in address else f"//{address}")
        server = await asyncio.open_connection(target.hostname, target.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            server[1].write(head.replace(f"{target.scheme}://{target.netloc}".encode(), b"", 1))
        await joined((reader, writer), server)

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}", asked


def account_at(url: str, swift: SwiftServer) -> dict[str, str]:
    """Credentials that log in, and use the account, at another address of the server."""
    storage_url, auth_url = (url + each.removeprefix(swift.url) for each in (swift.storage_url, swift.auth_url))
    return {"auth_url": auth_url, "user": swift.user, "key": swift.key, "storage_url": storage_url}


@pytest.fixture
def account(tls: str, swift: SwiftServer) -> dict[str, str]:
    """Credentials that log in, and use the account, behind TLS."""
    return account_at(tls, swift)


@pytest.fixture(scope="module")
def clients(tmp_path_factory, signed) -> dict[str, Path]:
    """Certificates for clients: of an authority, with its key beside it or in one file with it, and of somebody else."""
    folder = tmp_path_factory.mktemp("clients")
    authority, _ = signed(folder, "authority")
    cert, key = signed(folder, "client", by=authority)
    both = folder / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return {"authority": authority, "cert": cert, "key": key, "both": both, "other": signed(folder, "other")[0]}


@pytest.fixture
def closed(server: SwiftServer, swift: SwiftServer, authorities, clients, behind_tls) -> Iterator[dict[str, str]]:
    """Credentials of an account behind TLS that lets in only clients with a certificate."""
    with behind_tls(server, authorities[0], of_clients=clients["authority"]) as url:
        yield account_at(url, swift)


def roundtrip(fs: SwiftFileSystem) -> bytes:
    """Write and read an object."""
    fs.makedirs("omics", exist_ok=True)
    fs.pipe_file("omics/reads", b"ACGT")
    return fs.cat_file("omics/reads")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("way", ["cacert", "insecure"])
def test_certificate_is_believed(way, account, authorities):
    """Data and login believe the authority that is named, or anybody where that is asked for; copies do as well."""
    options = {"cacert": authorities[0]} if way == "cacert" else {"insecure": True}
    assert log_in(V1Credentials(**account), transport=Transport(**options)).token
    fs = SwiftFileSystem(**account, **options, skip_instance_cache=True)
    assert roundtrip(fs) == b"ACGT"
    assert pickle.loads(pickle.dumps(fs)).cat_file("omics/reads") == b"ACGT"
    store = SwiftStore("omics", "", {**account, **options})
    assert pickle.loads(pickle.dumps(store)).get_sync("reads").to_bytes() == b"ACGT"


def test_authority_of_the_environment(account, authorities):
    """Data and login of a process believe the authority that its environment names."""
    program = f"from modos.swift import SwiftFileSystem; print(SwiftFileSystem(**{account}).ls(''))"
    environ = os.environ | {"SSL_CERT_FILE": str(authorities[0])}
    ended = subprocess.run([sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("trusted", [{}, {"cacert": 1}], ids=["of the system", "another"])
def test_certificate_is_not_believed(trusted, account, authorities, swift):
    """A certificate that no trusted authority signed is an error that says so at once, for login and data."""
    options = {name: authorities[index] for name, index in trusted.items()}
    given = V1Credentials(**account | {"user": "test:nobody"})
    with pytest.raises(UnreachableError, match=r"certificate is not one that is trusted.*`cacert`"):
        log_in(given, transport=Transport(**options))
    attempts = []
    fs = SwiftFileSystem(storage_url=account["storage_url"], token=swift.token(), on_request=attempts.append, **options)
    with pytest.raises(UnreachableError, match=r"certificate is not one that is trusted.*`cacert`"):
        fs.ls("")
    assert [attempt.status for attempt in attempts] == [None]


@pytest.mark.parametrize("way", ["two files", "one file"])
def test_certificate_of_the_client(way, closed, authorities, clients):
    """Who is asked for a certificate shows it in logging in, writing and reading; copies from a pickle do as well."""
    shown = {"cert": clients["cert"], "cert_key": clients["key"]} if way == "two files" else {"cert": clients["both"]}
    options = {"cacert": authorities[0], **shown}
    assert log_in(V1Credentials(**closed), transport=Transport(**options)).token
    fs = SwiftFileSystem(**closed, **options, skip_instance_cache=True)
    assert roundtrip(fs) == b"ACGT"
    assert pickle.loads(pickle.dumps(fs)).cat_file("omics/reads") == b"ACGT"
    store = SwiftStore("omics", "", {**closed, **options})
    assert pickle.loads(pickle.dumps(store)).get_sync("reads").to_bytes() == b"ACGT"


@pytest.mark.parametrize("shown", ["none", "other"])
def test_certificate_of_the_client_is_not_shown(shown, closed, authorities, clients, swift):
    """Without a certificate, or with one of another authority, login and data say at once what is wanted."""
    cert = {"cert": clients["other"], "cert_key": clients["other"].with_suffix(".key")} if shown == "other" else {}
    options = {"cacert": authorities[0], **cert}
    with pytest.raises(UnreachableError, match=r"wants a certificate.*`cert`"):
        log_in(V1Credentials(**closed), transport=Transport(**options))
    attempts = []
    fs = SwiftFileSystem(storage_url=closed["storage_url"], token=swift.token(), on_request=attempts.append, **options)
    with pytest.raises(UnreachableError, match=r"wants a certificate.*`cert`"):
        fs.ls("")
    assert [attempt.status for attempt in attempts] == [None]


def test_sessions_are_kept_apart(account, authorities, swift):
    """Who believes anybody does not lend its connections to who does not."""
    common = {"storage_url": account["storage_url"], "token": swift.token(), "attempts": 1}
    assert SwiftFileSystem(**common, insecure=True).ls("") == []
    with pytest.raises(UnreachableError):
        SwiftFileSystem(**common, cacert=str(authorities[1])).ls("")
    assert SwiftFileSystem(**common, cacert=str(authorities[0])).ls("") == []


def test_proxy_leads_to_tls(account, authorities, tunnel):
    """Login and data go through the proxy that is given, in tunnels of their own."""
    proxy, asked = tunnel
    options = {"cacert": authorities[0], "proxy": proxy}
    assert log_in(V1Credentials(**account), transport=Transport(**options)).token
    assert len(asked) == 1
    assert roundtrip(SwiftFileSystem(**account, **options)) == b"ACGT"
    assert len(asked) > 1
    assert {line.split()[0] for line in asked} == {"CONNECT"}


def test_proxy_of_the_environment(connect, tunnel, monkeypatch):
    """The environment's proxy is used, unless the host is exempt or the environment is not to be read."""
    proxy, asked = tunnel
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert roundtrip(connect(trust_env=False)) == b"ACGT"
    assert asked == []
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert roundtrip(connect()) == b"ACGT"
    assert asked == []
    monkeypatch.delenv("no_proxy")
    assert roundtrip(connect()) == b"ACGT"
    assert asked
    assert all("http://" in line for line in asked)


def test_proxy_that_is_not_there(connect, swift):
    """A proxy that does not answer is told as such, without its password."""
    fs = connect(proxy="http://me:hush@127.0.0.1:9", attempts=1)
    with pytest.raises(UnreachableError, match="proxy") as caught:
        fs.ls("")
    given = V1Credentials(swift.auth_url, swift.user, swift.key)
    with pytest.raises(UnreachableError, match="proxy"):
        log_in(given, transport=fs.client.transport)
    assert "hush" not in f"{caught.value} {fs!r} {fs.client!r} {fs.client.transport!r}"


def test_files_that_cannot_be_read(connect, tmp_path):
    """A missing file of certificates and a proxy without scheme are mistakes that are named."""
    with pytest.raises(InvalidInputError, match=r"nowhere\.pem"):
        connect(cacert=tmp_path / "nowhere.pem").ls("")
    with pytest.raises(InvalidInputError, match="http://"):
        Transport(proxy="host:3128")


def test_attempts_are_told(connect):
    """Each attempt is told with method, path and status; a copy from a pickle counts nothing."""
    attempts = []
    fs = connect(on_request=attempts.append)
    fs.pipe_file("omics/reads", b"ACGT")
    attempts.clear()
    fs.exists("omics/reads")
    fs.exists("omics/none")
    told = [(attempt.method, attempt.path, attempt.status) for attempt in attempts]
    assert told == [("HEAD", "omics/reads", 200), ("HEAD", "omics/none", 404), ("GET", "omics", 200)]
    pickle.loads(pickle.dumps(fs)).cat_file("omics/reads")
    assert len(attempts) == 3


def test_repetitions_are_told(watched, proxy):
    """A repetition is an attempt of its own, and one without an answer has no status."""
    attempts = []
    watched.client.on_request = attempts.append
    watched.pipe_file("omics/reads", b"ACGT")
    attempts.clear()
    proxy.inject(Fault(method="GET", status=503), Fault(method="HEAD", reset=True))
    watched.cat_file("omics/reads")
    assert [attempt.status for attempt in attempts] == [503, 200]
    attempts.clear()
    watched.info("omics/reads")
    assert [attempt.status for attempt in attempts] == [None, 200]


def test_token_that_a_notebook_renews(swift, monkeypatch):
    """A new token in the environment heals the filesystem that the process has, also for many requests at once."""
    monkeypatch.setenv("OS_STORAGE_URL", swift.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    fs = SwiftFileSystem(skip_instance_cache=True)
    assert roundtrip(fs) == b"ACGT"
    swift.expire_tokens()
    with pytest.raises(AuthenticationError, match="cannot be renewed"):
        fs.cat_file("omics/reads")
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    assert fs.cat_file("omics/reads") == b"ACGT"
    fs.pipe({f"omics/{index}": b"x" for index in range(20)})
    swift.expire_tokens()
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    assert set(fs.cat([f"omics/{index}" for index in range(20)]).values()) == {b"x"}


def test_tokens_that_were_given_are_not_replaced(swift, connect, monkeypatch):
    """A token that was given is not exchanged for one of the environment."""
    fs = connect()
    swift.expire_tokens()
    monkeypatch.setenv("OS_STORAGE_URL", swift.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    with pytest.raises(AuthenticationError):
        fs.ls("omics")


@pytest.mark.parametrize("through", ["TLS", "a proxy"])
def test_large_bodies(through, account, authorities, tunnel, tmp_path):
    """What threads carry goes through TLS as all else does, and through a proxy, where no thread carries it."""
    options = {"cacert": authorities[0]} | ({"proxy": tunnel[0]} if through == "a proxy" else {})
    fs = SwiftFileSystem(**account, **options, segment_size=16 << 20, skip_instance_cache=True)
    fs.makedirs("omics")
    content = bytes(range(256)) * (1 << 17) + b"tail"
    fs.pipe_file("omics/reads", content)
    fs.get_file("omics/reads", tmp_path / "reads")
    assert (tmp_path / "reads").read_bytes() == content
    assert bool(tunnel[1]) == (through == "a proxy")
