"""Keystone v2 and v3 against a fake that speaks their protocol, with the real Swift behind."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from modos.errors import AuthenticationError, ServiceError
from modos.swift import KeystoneApplicationCredential, KeystoneV2Password, KeystoneV3Password, SwiftFileSystem
from modos.swift.auth.tokens import log_in

SECRET = "hush-hush-secret-0123456789"


class FakeKeystone(ThreadingHTTPServer):
    """Gives the token of a real Swift to who knows the secret, in the words of Keystone."""

    def __init__(self, swift):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.swift, self.logins = swift, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v3"


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.logins.append(asked)
        if SECRET not in json.dumps(asked):
            return self._answer(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
        url, token = self.server.swift.storage_url, self.server.swift.token()
        if self.path.startswith("/v2.0"):
            endpoint = {"region": "One", "publicURL": url}
            catalog = [{"type": "object-store", "name": "swift", "endpoints": [endpoint]}]
            expires = {"id": token, "expires": "2099-01-01T00:00:00Z", "tenant": {"id": "p", "name": "lab"}}
            return self._answer(200, {"access": {"token": expires, "serviceCatalog": catalog, "user": {"id": "u"}}})
        endpoint = {"interface": "public", "region": "One", "region_id": "One", "url": url, "id": "e"}
        catalog = [{"type": "object-store", "name": "swift", "id": "s", "endpoints": [endpoint]}]
        body = {"token": {"expires_at": "2099-01-01T00:00:00.000000Z", "methods": ["password"], "catalog": catalog}}
        return self._answer(201, body, {"X-Subject-Token": token})

    def _answer(self, status, body, headers=None):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": len(content),
            **(headers or {}),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        pass


@pytest.fixture
def keystone(swift):
    with FakeKeystone(swift) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def credentials_of(keystone, secret=SECRET):
    bare = keystone.url.removesuffix("/v3")
    return [
        KeystoneV3Password(keystone.url, secret, username="me", project_name="lab"),
        KeystoneV3Password(bare, secret, user_id="u", project_id="p", region_name="One"),
        KeystoneApplicationCredential(bare, "id", secret, region_name="One"),
        KeystoneV2Password(f"{bare}/v2.0", "me", secret, project_name="lab"),
    ]


@pytest.mark.parametrize("index", range(4))
def test_login_and_use(keystone, index):
    """Each way into Keystone gives an account that can be used, with one login however often it is."""
    fs = SwiftFileSystem(credentials=credentials_of(keystone)[index], skip_instance_cache=True)
    fs.mkdir("omics")
    fs.pipe_file("omics/x", b"1")
    assert fs.cat_file("omics/x") == b"1"
    assert len(keystone.logins) == 1


@pytest.mark.parametrize("index", range(4))
def test_wrong_secret(keystone, index):
    """A refusal of Keystone is an AuthenticationError with its address."""
    with pytest.raises(AuthenticationError) as caught:
        log_in(credentials_of(keystone, "wrong")[index])
    assert caught.value.url.startswith(keystone.url.removesuffix("/v3"))
    assert caught.value.status == 401


def test_region_without_an_object_store(keystone):
    """A region that the catalogue has no object store for is told as such."""
    with pytest.raises(ServiceError, match="region"):
        log_in(KeystoneApplicationCredential(keystone.url, "id", SECRET, region_name="Elsewhere"))


def test_domain_default(keystone):
    """Names without a domain belong to the domain with the id `default`."""
    log_in(credentials_of(keystone)[0])
    identity = keystone.logins[0]["auth"]
    assert identity["identity"]["password"]["user"]["domain"] == {"id": "default"}
    assert identity["scope"]["project"]["domain"] == {"id": "default"}


def test_logs_hold_no_secret(keystone, caplog):
    """At the most talkative level, no log holds the password or the token."""
    caplog.set_level(logging.DEBUG)
    for credentials in credentials_of(keystone):
        access = log_in(credentials)
        assert access.token not in caplog.text
    assert SECRET not in caplog.text
