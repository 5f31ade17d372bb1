"""When a token ends: told, handed on, and renewed before it does, once however many ask."""

import asyncio
import json
import pickle
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from modos.errors import AuthenticationError, InvalidInputError
from modos.swift import (
    Access,
    AnonymousCredentials,
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    SwiftFileSystem,
    TokenCredentials,
    V1Credentials,
    acquire_token,
)
from modos.swift.auth import tokens
from modos.swift.auth.lifetimes import Lifetime
from modos.testing import SwiftServer

pytestmark = pytest.mark.thorough

URL = "https://swift.example.org/v1/AUTH_lab"


class FakeLogins(ThreadingHTTPServer):
    """An authentication service, v1 and Keystone, that gives a new token each time and says how long it is good for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.tokens, self.seconds, self.header, self.delay, self.same = 0, "3600", "X-Auth-Token-Expires", 0.0, False
        self.status = 200
        self.expires = datetime(2099, 1, 1, tzinfo=UTC)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def next_token(self):
        self.tokens += 1
        return "token1" if self.same else f"token{self.tokens}"


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(self.server.delay)
        told = {} if self.server.seconds is None else {self.server.header: self.server.seconds}
        token = self.server.next_token()
        self._answer(self.server.status, b"", {"X-Auth-Token": token, "X-Storage-Url": URL, **told})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        ends, token = self.server.expires.strftime("%Y-%m-%dT%H:%M:%SZ"), self.server.next_token()
        if self.path.startswith("/v2.0"):
            catalog = [{"type": "object-store", "endpoints": [{"region": "One", "publicURL": URL}]}]
            access = {"token": {"id": token, "expires": ends}, "serviceCatalog": catalog, "user": {"id": "u"}}
            return self._answer(200, json.dumps({"access": access}).encode(), {})
        endpoint = {"interface": "public", "region": "One", "region_id": "One", "url": URL, "id": "e"}
        catalog = [{"type": "object-store", "id": "s", "endpoints": [endpoint]}]
        body = {"token": {"expires_at": ends, "methods": ["password"], "catalog": catalog}}
        return self._answer(201, json.dumps(body).encode(), {"X-Subject-Token": token})

    def _answer(self, status, content, headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        pass


@pytest.fixture
def logins():
    with FakeLogins() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def v1(logins):
    return V1Credentials(f"{logins.url}/auth/v1.0", "lab:me", "key")


def tokens_of(credentials, count):
    async def ask():
        return await asyncio.gather(*(tokens.access(credentials) for _ in range(count)))

    return {made.token for made in asyncio.run(ask())}


def until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError


# -- told ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Auth-Token-Expires", "X-Storage-Token-Expires"])
def test_v1_says_when_its_token_ends(logins, v1, header):
    """Either header, as seconds from now."""
    logins.header = header
    ends = acquire_token(v1).expires_at
    assert timedelta(seconds=3590) < ends - datetime.now(UTC) <= timedelta(seconds=3600)


@pytest.mark.parametrize("seconds", [None, "", "soon", "1e999"])
def test_a_service_that_does_not_say(logins, v1, seconds):
    """An end that is not told, or not as a number, is not made up; the token is good."""
    logins.seconds = seconds
    made = acquire_token(v1)
    assert (made.token, made.expires_at) == ("token1", None)
    assert tokens_of(v1, 3) == {"token2"}


def test_keystone_says_when_its_token_ends(logins):
    """Every way into Keystone, with the time as it says it."""
    for credentials in (
        KeystoneV3Password(f"{logins.url}/v3", "hush", username="me", project_name="lab"),
        KeystoneApplicationCredential(logins.url, "id", "hush"),
        KeystoneV2Password(f"{logins.url}/v2.0", "me", "hush", project_name="lab"),
    ):
        made = acquire_token(credentials)
        assert (made.storage_url, made.expires_at) == (URL, datetime(2099, 1, 1, tzinfo=UTC))


def test_a_real_service(swift):
    """Swift's own authentication says it too, and the token works elsewhere."""
    made = acquire_token(auth_url=swift.auth_url, user=swift.user, key=swift.key)
    assert timedelta(hours=23) < made.expires_at - datetime.now(UTC) <= timedelta(days=1)
    assert SwiftFileSystem(storage_url=made.storage_url, token=made.token, skip_instance_cache=True).ls("") == []


# -- handed on ----------------------------------------------------------------------------------------------------------


def test_a_shell_is_given_both(monkeypatch):
    """The lines are quoted for the shell; nothing else shows the token."""
    made = Access(URL, "a token's $PATH", datetime(2099, 1, 1, tzinfo=UTC))
    assert made.as_environment().splitlines() == [
        f"export OS_STORAGE_URL={URL}",
        """export OS_AUTH_TOKEN='a token'"'"'s $PATH'""",
    ]
    assert "PATH" not in f"{made!r} {made}"
    assert pickle.loads(pickle.dumps(made)) == made
    with pytest.raises(InvalidInputError, match="nobody has logged in"):
        Access(URL, None).as_environment()


def test_what_can_log_in_goes_before_a_token(logins, monkeypatch):
    """A shell that has an old token in its environment is given a new one."""
    for name, value in {"OS_STORAGE_URL": URL, "OS_AUTH_TOKEN": "old", "OS_REGION_NAME": "One"}.items():
        monkeypatch.setenv(name, value)
    assert acquire_token().token == "old"
    for name, value in {"ST_AUTH": f"{logins.url}/auth/v1.0", "ST_USER": "lab:me", "ST_KEY": "key"}.items():
        monkeypatch.setenv(name, value)
    assert acquire_token().token == "token1"


def test_a_token_at_hand_is_returned_as_it_is():
    """Nobody is asked."""
    assert acquire_token(TokenCredentials(f"{URL}/", "t")) == Access(URL, "t")


def test_there_is_no_token_for_nobody(monkeypatch):
    """Nor without credentials, nor with two sets of them."""
    with pytest.raises(InvalidInputError, match="for nobody"):
        acquire_token(AnonymousCredentials(URL))
    with pytest.raises(InvalidInputError, match="no Swift credentials in the environment"):
        acquire_token()
    with pytest.raises(InvalidInputError, match="user cannot be given"):
        acquire_token(TokenCredentials(URL, "t"), user="me")


# -- renewed ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def later(monkeypatch):
    """Put the clock by which tokens are renewed forward, by seconds from now."""

    def put(seconds):
        clock = SimpleNamespace(time=lambda: time.time() + seconds, sleep=time.sleep)
        monkeypatch.setattr(tokens, "time", clock)

    return put


NEAR_THE_END, AFTER_IT = 3400, 3700
"""Of a token for 3600 seconds, which is due in the last 300."""


def test_a_token_is_renewed_before_it_ends_once(logins, v1, later):
    """Near its end, 64 requests go on with the token that they have while one new token is acquired for all."""
    assert tokens_of(v1, 64) == {"token1"}
    later(NEAR_THE_END)
    logins.delay = 0.3
    assert tokens_of(v1, 64) == {"token1"}
    until(lambda: tokens_of(v1, 64) == {"token2"})
    assert logins.tokens == 2


def test_a_token_that_has_ended_is_not_used(logins, v1, later):
    """64 requests after its end wait for one login, and none of them goes out with what has ended."""
    assert tokens_of(v1, 64) == {"token1"}
    later(AFTER_IT)
    assert tokens_of(v1, 64) == {"token2"}
    assert logins.tokens == 2


def test_a_service_that_repeats_a_token_is_not_asked_again(logins, v1, later):
    """Swift's own authentication gives the same token until it ends: near its end it is asked once, and not each time."""
    logins.same = True
    assert tokens_of(v1, 4) == {"token1"}
    later(NEAR_THE_END)
    assert tokens_of(v1, 64) == {"token1"}
    until(lambda: not tokens._logins.pending)
    assert tokens_of(v1, 64) == {"token1"}
    assert logins.tokens == 2


def test_a_renewal_that_fails_harms_nobody(logins, v1, later):
    """While a token is good, a login that is refused is not repeated; when it has ended, the refusal is told."""
    assert tokens_of(v1, 4) == {"token1"}
    logins.status = 401
    later(NEAR_THE_END)
    assert tokens_of(v1, 64) == {"token1"}
    until(lambda: logins.tokens == 2 and not tokens._logins.pending)
    assert tokens_of(v1, 64) == {"token1"}
    assert logins.tokens == 2
    later(AFTER_IT)
    with pytest.raises(AuthenticationError, match="refuses these credentials"):
        tokens_of(v1, 64)
    assert logins.tokens == 3


def test_clocks_that_differ_do_no_harm(logins):
    """A token that has ended before it came, by our clock, is used; the service says when it is over."""
    logins.expires = datetime.now(UTC) - timedelta(minutes=5)
    credentials = KeystoneApplicationCredential(logins.url, "id", "hush")
    made = [tokens_of(credentials, 8) for _ in range(3)]
    assert [len(each) for each in made] == [1, 1, 1]
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(
    ("left", "same", "expected"),
    [
        (3600, False, Lifetime(4300, 4600)),
        (1000, False, Lifetime(1900, 2000)),
        (1000, True, Lifetime(2000, 2000)),
        (0, False, Lifetime()),
        (-5, False, Lifetime()),
        (None, False, Lifetime()),
    ],
)
def test_the_rule_of_renewal(left, same, expected):
    """In the last tenth, at most five minutes before the end; a service that repeats a token is asked at its end."""
    ends = None if left is None else datetime.fromtimestamp(1000 + left, UTC)
    made = Access(URL, "new", ends)
    assert Lifetime.of(made, before=Access(URL, "new" if same else "old"), now=1000) == expected


def test_work_goes_on_over_many_tokens():
    """On a real service whose tokens live for two seconds, every request of six seconds succeeds, with few logins."""
    statuses = []
    with SwiftServer(token_life=2) as server:
        fs = SwiftFileSystem(
            auth_url=server.auth_url,
            user=server.user,
            key=server.key,
            on_request=lambda attempt: statuses.append(attempt.status),
            skip_instance_cache=True,
        )
        fs.mkdir("omics")
        fs.pipe_file("omics/x", b"1")
        began = time.monotonic()
        while time.monotonic() - began < 6:
            assert fs.cat_file("omics/x") == b"1"
        assert statuses.count(401) <= 4
        assert server.log.count("GET /auth/v1.0") <= 16
