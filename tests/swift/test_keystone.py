"""Keystone: v3 as the real service speaks it, with a real Swift that believes it, and v2, which it has given up, by a fake."""

import asyncio
import json
import logging
import pickle
import threading
import uuid
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from modos.errors import AccessDeniedError, AuthenticationError, ServiceError, UnreachableError
from modos.swift import (
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    SwiftFileSystem,
    SwiftStore,
    acquire_token,
    credentials_from_cloud,
)
from modos.swift.auth import tokens
from modos.swift.auth.tokens import log_in
from modos.testing import KeystoneServer, Proxy, SwiftServer

pytestmark = pytest.mark.thorough

SECRET = "hush-hush-secret-0123456789"
LOGIN = {"method": "POST", "path": "/v3/auth/tokens"}


# -- the real one -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keystone():
    """`me` is in one project, `you` in another."""
    pytest.importorskip("keystonemiddleware", reason="needs the extra keystone-server")
    pytest.importorskip("keystone", reason="needs the extra keystone-server")
    with KeystoneServer(projects={"lab": {"me": SECRET}, "clinic": {"you": SECRET}}) as started:
        yield started


@pytest.fixture(scope="module")
def swift_of_keystone(keystone):
    with SwiftServer(settings=keystone.swift_settings) as started:
        keystone.add_endpoint(started.url)
        keystone.add_endpoint("https://internal.example.org", interface="internal")
        keystone.add_endpoint("https://west.example.org", region="West")
        yield started


@pytest.fixture(scope="module")
def gate(keystone, swift_of_keystone):
    with Proxy(keystone.url) as started:
        yield started


@pytest.fixture
def auth_url(keystone, gate):
    """The address of Keystone, by way of a proxy that counts; nobody has logged in."""
    gate.clear()
    tokens._logins.known.clear()
    return gate.through(keystone.url)


@pytest.fixture
def password(auth_url):
    return KeystoneV3Password(auth_url, SECRET, username="me", project_name="lab", region_name="RegionOne")


@pytest.fixture(scope="module")
def robot(keystone, swift_of_keystone):
    """Id and secret of the application credential `robot` of `me`."""
    return keystone.add_application_credential("robot", user="me", project="lab")


WAYS = {
    "names": lambda url, it, _: KeystoneV3Password(url, SECRET, username="me", project_name="lab"),
    "domains": lambda url, it, _: KeystoneV3Password(
        url, SECRET, username="me", project_name="lab", user_domain_name="Default", project_domain_id="default"
    ),
    "ids, without a version": lambda url, it, _: KeystoneV3Password(
        url.removesuffix("/v3"), SECRET, user_id=it.user_id("me"), project_id=it.project_id("lab")
    ),
    "application credential": lambda url, _, robot: KeystoneApplicationCredential(url, *robot),
    "application credential by name": lambda url, _, robot: KeystoneApplicationCredential(
        url, None, robot[1], application_credential_name="robot", username="me"
    ),
    "application credential by name and ids": lambda url, it, robot: KeystoneApplicationCredential(
        url.removesuffix("/v3"), None, robot[1], application_credential_name="robot", user_id=it.user_id("me")
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_login_and_use(way, keystone, auth_url, robot, gate):
    """Each way into Keystone gives an account that can be used, with one login however often it is."""
    gate.clear()
    fs = SwiftFileSystem(credentials=WAYS[way](auth_url, keystone, robot), skip_instance_cache=True)
    container = f"c-{uuid.uuid4().hex}"
    fs.mkdir(container)
    fs.pipe_file(f"{container}/x", b"1")
    assert fs.cat_file(f"{container}/x") == b"1"
    assert gate.count(**LOGIN) == 1


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"password": "wrong-" + SECRET}, "the password"),
        ({"username": "nobody"}, "the user"),
        ({"project_name": "clinic"}, "the project"),
        ({"user_domain_name": "Elsewhere"}, "the domains"),
        ({"application_credential_id": "none", "application_credential_secret": SECRET}, "the application credential"),
        (
            {"application_credential_name": "robot", "application_credential_secret": SECRET},
            "the application credential",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_refused(change, check, password, robot):
    """What Keystone refuses is an AuthenticationError with its address, which says what to look at and shows no secret."""
    with pytest.raises(AuthenticationError, match=f"refuses these credentials; check .*{check}") as caught:
        acquire_token(**password.as_options() | {"auth_version": "3"} | change)
    assert caught.value.url == password.auth_url
    assert caught.value.status == (404 if "application_credential_id" in change else 401)  # as Keystone has it
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_v2_is_no_more(auth_url):
    """Keystone has no v2: the error says so, and what to do."""
    for url in (auth_url.replace("/v3", "/v2.0"), auth_url.replace("/v3", "")):
        with pytest.raises(ServiceError, match=r"v2, which Keystone has given up; try v3"):
            log_in(KeystoneV2Password(url, "me", SECRET, project_name="lab"))


@pytest.mark.parametrize(
    ("which", "host"),
    [
        ({}, "http://127.0.0.1"),
        ({"interface": "internal"}, "https://internal.example.org"),
        ({"interface": "internalURL"}, "https://internal.example.org"),
        ({"region_name": "West"}, "https://west.example.org"),
        ({"region_name": "West", "storage_url": "https://given.example.org/v1/a"}, "https://given.example.org"),
    ],
)
def test_region_and_interface_choose(which, host, password):
    """The catalogue has several object stores; an address that is given goes before all."""
    assert acquire_token(**password.as_options() | which).storage_url.startswith(host)


@pytest.mark.parametrize("which", [{"region_name": "East"}, {"region_name": "West", "interface": "internal"}])
def test_no_object_store_there(which, password):
    """A region or interface that the catalogue has no object store for is told as such."""
    with pytest.raises(ServiceError, match="are the region and the interface right"):
        acquire_token(**password.as_options() | which)


def test_another_account_is_closed(keystone, swift_of_keystone, password):
    """A token of one project does not open the account of another."""
    theirs = f"{swift_of_keystone.url}/v1/AUTH_{keystone.project_id('clinic')}"
    with pytest.raises(AccessDeniedError):
        SwiftFileSystem(credentials=password, storage_url=theirs, skip_instance_cache=True).ls("")


def test_it_says_when_its_token_ends(password):
    """An hour from now, as Keystone does; the token works elsewhere."""
    made = acquire_token(password)
    assert timedelta(seconds=3580) < made.expires_at - datetime.now(UTC) <= timedelta(seconds=3600)
    assert made.token not in repr(made)
    SwiftFileSystem(storage_url=made.storage_url, token=made.token, skip_instance_cache=True).ls("")


def token_of(credentials):
    return asyncio.run(tokens.access(credentials)).token


@pytest.mark.parametrize("way", ["names", "application credential"])
def test_a_revoked_token_is_renewed_once(way, keystone, auth_url, robot, gate):
    """When the token ends amid the work, 64 requests at once all succeed with one login more."""
    credentials = WAYS[way](auth_url, keystone, robot)
    fs = SwiftFileSystem(credentials=credentials, skip_instance_cache=True)
    container = f"c-{uuid.uuid4().hex}"
    fs.mkdir(container)
    fs.pipe({f"{container}/{index}": b"%d" % index for index in range(64)})
    ended = token_of(credentials)
    keystone.revoke(ended)
    gate.clear()
    statuses = []
    fs.client.on_request = lambda attempt: statuses.append(attempt.status)
    read = fs.cat([f"{container}/{index}" for index in range(64)], batch_size=64)
    assert {path.rpartition("/")[2]: content for path, content in read.items()} == {
        str(index): b"%d" % index for index in range(64)
    }
    assert statuses.count(401) > 1
    assert gate.count(**LOGIN) == 1
    assert token_of(credentials) != ended


def test_a_token_is_renewed_before_it_ends(password, gate, monkeypatch):
    """Near its end, requests go on with the token that they have while one new token is acquired."""
    first = token_of(password)
    clock = SimpleNamespace(time=lambda: datetime.now(UTC).timestamp() + 3400, sleep=tokens.time.sleep)
    monkeypatch.setattr(tokens, "time", clock)
    assert token_of(password) == first
    renewal = tokens._logins.pending.get((password, tokens._USUAL))
    if renewal is not None:
        renewal.result(30)
    assert token_of(password) != first
    assert gate.count(**LOGIN) == 2


CLOUDS = """
public-clouds:
  campus: {{auth: {{auth_url: "{url}"}}, regions: [RegionOne, West]}}
clouds:
  lab: {{profile: campus, auth: {{username: me, project_name: lab, domain_id: default}}}}
  robot:
    profile: campus
    auth_type: v3applicationcredential
    interface: public
    auth: {{application_credential_name: robot, username: me, user_domain_name: Default}}
"""
SECRETS = """
clouds:
  lab: {{auth: {{password: "{password}"}}}}
  robot: {{auth: {{application_credential_secret: "{secret}"}}}}
"""


@pytest.mark.parametrize("cloud", ["lab", "robot"])
def test_clouds_yaml(cloud, auth_url, robot, tmp_path, monkeypatch):
    """An entry, its profile and its secret are in three files; OS_CLOUD is all that has to be set."""
    for name in ("clouds", "clouds-public"):
        (tmp_path / f"{name}.yaml").write_text(CLOUDS.format(url=auth_url))
    (tmp_path / "secure.yaml").write_text(SECRETS.format(password=SECRET, secret=robot[1]))
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OS_CLOUD", cloud)
    fs = SwiftFileSystem(skip_instance_cache=True)
    container = f"c-{uuid.uuid4().hex}"
    fs.mkdir(container)
    assert container in fs.ls("", detail=False)
    west = credentials_from_cloud(cloud, region_name="West")
    assert log_in(west).storage_url.startswith("https://west.example.org")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory, signed):
    """Of the servers, and of a client that an authority lets in."""
    folder = tmp_path_factory.mktemp("certificates")
    cert, _ = signed(folder, "server")
    authority, _ = signed(folder, "authority")
    client, key = signed(folder, "client", by=authority)
    return SimpleNamespace(server=cert, authority=authority, cert=client, key=key)


@pytest.fixture(scope="module")
def closed_cloud(keystone, swift_of_keystone, certificates, behind_tls):
    """A region in which Keystone and Swift let in only clients with a certificate; the address of that Keystone."""
    way = {"cert": certificates.server, "of_clients": certificates.authority}
    with behind_tls(keystone, **way) as identity, behind_tls(swift_of_keystone, **way) as swift:
        keystone.add_endpoint(swift, region="Closed")
        yield f"{identity}/v3"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("trust", ["cacert: {0.server}", "verify: false", "insecure: 'True'"])
def test_clouds_yaml_with_tls(trust, closed_cloud, certificates, tmp_path, monkeypatch):
    """What an entry says of certificates holds for logging in and for data, from the environment and given; and for copies."""
    tls = f"{trust.format(certificates)}, cert: {certificates.cert}, key: {certificates.key}"
    auth = f"{{auth_url: '{closed_cloud}', username: me, password: {SECRET}, project_name: lab}}"
    path = tmp_path / "clouds.yaml"
    path.write_text(f"clouds: {{lab: {{region_name: Closed, {tls}, auth: {auth}}}}}")
    credentials = credentials_from_cloud("lab", path=path)
    assert acquire_token(credentials).storage_url.startswith("https://127.0.0.1")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    monkeypatch.setenv("OS_CLOUD", "lab")
    container = f"c-{uuid.uuid4().hex}"
    for fs in (SwiftFileSystem(skip_instance_cache=True), SwiftFileSystem(credentials=credentials)):
        fs.makedirs(container, exist_ok=True)
        fs.pipe_file(f"{container}/x", b"1")
        assert pickle.loads(pickle.dumps(fs)).cat_file(f"{container}/x") == b"1"
    for store in (SwiftStore(container), SwiftStore(container, credentials=credentials)):
        assert pickle.loads(pickle.dumps(store)).get_sync("x").to_bytes() == b"1"


@pytest.fixture
def lenient_cloud(closed_cloud, certificates, tmp_path, monkeypatch):
    """The path of a file with one cloud, which would believe anybody; the environment names both."""
    auth = f"{{auth_url: '{closed_cloud}', username: me, password: {SECRET}, project_name: lab}}"
    path = tmp_path / "clouds.yaml"
    path.write_text(
        f"clouds: {{lab: {{verify: false, cert: {certificates.cert}, key: {certificates.key}, auth: {auth}}}}}"
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    monkeypatch.setenv("OS_CLOUD", "lab")
    return path


@pytest.mark.parametrize("way", ["environment", "credentials"])
def test_given_tls_goes_before_that_of_a_cloud(way, lenient_cloud, certificates):
    """As a whole: a cloud that would believe anybody does not weaken a certificate that is demanded."""
    given = {"credentials": credentials_from_cloud("lab", path=lenient_cloud)} if way == "credentials" else {}
    with pytest.raises(UnreachableError, match="certificate is not one that is trusted"):
        SwiftFileSystem(**given, cacert=certificates.authority, skip_instance_cache=True).ls("")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_tls_of_a_cloud_is_not_for_other_hosts(lenient_cloud, behind_tls, certificates, swift_of_keystone):
    """A cloud that would believe anybody says nothing of hosts that its token is not sent to."""
    with behind_tls(swift_of_keystone, certificates.server) as elsewhere:
        fs = SwiftFileSystem(storage_url=f"{elsewhere}/v1/AUTH_lab", skip_instance_cache=True)
        with pytest.raises(UnreachableError, match="certificate is not one that is trusted"):
            fs.ls("open")


def test_logs_hold_no_secret(keystone, auth_url, robot, caplog):
    """At the most talkative level, no log holds the password, the secret or the token."""
    caplog.set_level(logging.DEBUG)
    for way in WAYS.values():
        made = log_in(way(auth_url, keystone, robot))
        assert made.token not in caplog.text
    assert "keystoneauth.identity.v3.base" in {record.name for record in caplog.records}
    assert SECRET not in caplog.text
    assert robot[1] not in caplog.text


# -- v2, by a fake ------------------------------------------------------------------------------------------------------


class FakeKeystone(ThreadingHTTPServer):
    """Gives the token of a real Swift to who knows the secret, in the words of Keystone v2."""

    def __init__(self, swift):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.swift, self.logins = swift, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v2.0"


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.logins.append(asked)
        if SECRET not in json.dumps(asked):
            return self._answer(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
        url, token = self.server.swift.storage_url, self.server.swift.token()
        endpoint = {"region": "One", "publicURL": url, "internalURL": "https://internal.example.org/v1/a"}
        catalog = [{"type": "object-store", "name": "swift", "endpoints": [endpoint]}]
        expires = {"id": token, "expires": "2099-01-01T00:00:00Z", "tenant": {"id": "p", "name": "lab"}}
        return self._answer(200, {"access": {"token": expires, "serviceCatalog": catalog, "user": {"id": "u"}}})

    def _answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(content)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        pass


@pytest.fixture
def old(swift):
    with FakeKeystone(swift) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_v2_login_and_use(old, caplog):
    """A Keystone that still speaks v2 gives an account that can be used, with one login and no secret in the logs."""
    caplog.set_level(logging.DEBUG)
    fs = SwiftFileSystem(credentials=KeystoneV2Password(old.url, "me", SECRET, project_name="lab"))
    fs.mkdir("omics")
    fs.pipe_file("omics/x", b"1")
    assert fs.cat_file("omics/x") == b"1"
    assert len(old.logins) == 1
    assert SECRET not in caplog.text


def test_v2_interface(old):
    """The interface chooses there as well."""
    internal = KeystoneV2Password(old.url, "me", SECRET, project_name="lab", interface="internal")
    assert log_in(internal).storage_url == "https://internal.example.org/v1/a"


def test_v2_wrong_secret(old):
    """A refusal is an AuthenticationError with the address."""
    with pytest.raises(AuthenticationError, match="check the user, the password and the project") as caught:
        log_in(KeystoneV2Password(old.url, "me", "wrong", project_name="lab"))
    assert (caught.value.url, caught.value.status) == (old.url, 401)
