"""KeystoneServer: what it refuses, and what it says when it cannot start; tests of logging in are those of Swift."""

import subprocess
import sys

import pytest

from modos.errors import InvalidInputError, MissingDependencyError, ServiceError
from modos.testing import KeystoneServer


def test_without_keystone_the_error_says_what_to_install(monkeypatch, tmp_path):
    """Where keystone is not installed, the error is the line that installs it, and nothing was started."""
    monkeypatch.setitem(sys.modules, "keystone", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modos-objects\[keystone-server\]'"):
        KeystoneServer(scratch=tmp_path).start()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_started_says_so():
    """Its address is refused in one sentence; stopping it is no mistake."""
    server = KeystoneServer()
    server.stop()
    for asked in (lambda: server.url, lambda: server.swift_settings):
        with pytest.raises(ServiceError, match="not started"):
            asked()


def test_nobody_to_log_in():
    """Without a user no server is made."""
    with pytest.raises(InvalidInputError, match="at least one project with one user"):
        KeystoneServer(projects={"lab": {}})


def test_it_leaves_nothing_behind_and_shows_no_password(tmp_path):
    """It starts with its users, gives a token that can be ended, and stopping it leaves no file."""
    pytest.importorskip("keystone", reason="needs the extra keystone-server")
    with KeystoneServer(
        projects={"lab": {"me": "hush-hush"}, "clinic": {"me": "hush-hush"}}, scratch=tmp_path
    ) as server:
        assert [path.name.startswith("modos-keystone-") for path in tmp_path.iterdir()] == [True]
        token = server.token("me", "clinic")
        server.revoke(token)
        with pytest.raises(ServiceError, match="404"):
            server.revoke(token)
        assert "hush-hush" not in f"{server!r} {server.log}"
        assert token not in server.log
    assert list(tmp_path.iterdir()) == []


def test_importing_modos_testing_loads_no_keystone():
    """Asking for the name costs no server."""
    script = "import sys; from modos.testing import KeystoneServer; print({'keystone', 'swift'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
