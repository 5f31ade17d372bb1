"""`modos swift …` on a real Swift: the token, who may read, signed addresses, orphans, and what there is."""

import http.client
import json
import subprocess
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from modos import MODO
from modos.swift import SwiftFileSystem
from modos.swift.objects.segments import LargeUpload


@pytest.fixture
def name(account, monkeypatch) -> str:
    """An empty container, with a token in the environment."""
    made = account.container()
    monkeypatch.setenv("OS_STORAGE_URL", account.server.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", account.token)
    return made


@pytest.fixture
def user(account, monkeypatch):
    """A user and a key in the environment, and no token."""
    for variable, value in {
        "ST_AUTH": account.server.auth_url,
        "ST_USER": account.server.user,
        "ST_KEY": account.server.key,
    }.items():
        monkeypatch.setenv(variable, value)


def ask(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body=body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_a_shell_takes_the_token(modos, user, account):
    """What is written is what `eval` wants and nothing else; when the token ends is told beside it."""
    result = modos("swift", "token")
    shell = f'{result.out}\nprintf "%s %s" "$OS_STORAGE_URL" "$OS_AUTH_TOKEN"'
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True)
    url, token = done.stdout.split()
    assert (result.code, url) == (0, account.server.storage_url)
    assert SwiftFileSystem(storage_url=url, token=token, skip_instance_cache=True).exists("") is True
    assert result.err.startswith("modos: the token ends at 20")
    assert token not in result.err


def test_a_program_takes_the_token(modos, user, account):
    """JSON has the address, the token and its end; a token that is in the environment already is not written again."""
    told = json.loads(modos("swift", "token", "--json").out)
    assert told["storage_url"] == account.server.storage_url
    assert datetime.fromisoformat(told["expires_at"]).tzinfo is not None
    assert told["token"]


def test_a_token_that_ended_is_renewed_in_the_same_shell(modos, user, account, monkeypatch):
    """User and key go before the token that the shell has been given."""
    monkeypatch.setenv("OS_STORAGE_URL", account.server.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", "one-that-has-ended")
    assert "one-that-has-ended" not in modos("swift", "token").out


@pytest.mark.parametrize("spelt", ["{}", "swift://{}", "swift://{}/"])
def test_a_container_is_opened_and_closed(modos, name, ex, monkeypatch, spelt):
    """Whoever is told the address that is written opens objects there without credentials, until it is private."""
    assert modos("transfer", ex, f"swift://{name}/ex").code == 0
    opened = modos("swift", "public", spelt.format(name))
    address = opened.out.strip()
    with monkeypatch.context() as elsewhere:
        elsewhere.delenv("OS_STORAGE_URL")
        elsewhere.delenv("OS_AUTH_TOKEN")
        assert (opened.code, opened.err) == (0, "")
        assert MODO(f"{address}/ex").list_samples() == ["sample/s1"]
        assert modos("list", address).out == f"{address}/ex\n"
        assert "sample/s1" in modos("show", f"{address}/ex").out
    closed = modos("swift", "private", spelt.format(name))
    assert (closed.code, closed.out, closed.err) == (0, "", "")
    monkeypatch.delenv("OS_AUTH_TOKEN")
    refused = modos("show", f"{address}/ex")
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert "not open to the world" in refused.err


def test_public_without_listing(modos, name):
    """What can be named is read, and nothing is listed."""
    modos("swift", "public", name, "--no-listing")
    assert json.loads(modos("swift", "info", name, "--json").out)["read"] == ".r:*"


def test_a_file_is_signed(modos, name, account):
    """The address is the whole output, and works; a new key keeps the addresses of the one before."""
    account.ask("PUT", f"/{name}/a.txt", b"1")
    missing = modos("swift", "sign", f"swift://{name}/a.txt")
    first = modos("swift", "sign", f"swift://{name}/a.txt", "--new-key", "--expires", "15m")
    again = modos("swift", "sign", f"{name}/a.txt", "--new-key", "--method", "put", "--ip", "127.0.0.0/8")
    assert (missing.code, missing.out) == (1, "")
    assert "--new-key" in missing.err
    assert (first.code, first.err) == (0, "")
    assert ask(first.out.strip()) == (200, b"1")
    assert ask(again.out.strip(), "PUT", b"2")[0] == 201
    told = json.loads(modos("swift", "sign", f"{name}/a.txt", "--json", "--expires", "2h").out)
    assert (ask(told["url"]), told["method"], told["seconds"]) == ((200, b"2"), "GET", 7200)


@pytest.mark.parametrize("start", ["", "swift://"])
def test_a_name_is_taken_as_it_is(modos, name, account, start):
    """Also where fsspec would read two addresses, one in the other."""
    SwiftFileSystem().pipe_file(f"{name}/ex::run.txt", b"ACGT")
    result = modos("swift", "sign", f"{start}{name}/ex::run.txt", "--new-key")
    assert (result.code, ask(result.out.strip())) == (0, (200, b"ACGT"))


def test_a_prefix_is_signed(modos, name, account):
    """The name of a file goes into the address, as is said on standard error."""
    account.ask("PUT", f"/{name}/ex/a.txt", b"1")
    signed = modos("swift", "sign", f"swift://{name}/ex", "--prefix", "--new-key")
    assert signed.err == "modos: the name of a file goes before the '?'\n"
    assert ask(signed.out.strip().replace("?", "a.txt?", 1)) == (200, b"1")


def test_orphans_are_listed_and_removed(modos, name, account):
    """Only with --remove is anything removed, and only what is older than the time of grace."""
    fs = SwiftFileSystem(storage_url=account.server.storage_url, token=account.token, skip_instance_cache=True)
    fs.run(LargeUpload(fs.client, f"{name}/x").add, 0, b"part")
    young = modos("swift", "orphans", name, "--remove")
    listed = modos("swift", "orphans", name, "--grace", "0")
    told = json.loads(modos("swift", "orphans", f"swift://{name}", "--grace", "0s", "--json").out)
    removed = modos("swift", "orphans", name, "--grace", "0", "--remove")
    assert (young.code, young.out, young.err) == (0, "", "modos: nothing removed\n")
    assert listed.out == removed.out == f"{told[0]['path']}  4 bytes\n"
    assert (listed.err, removed.err) == ("modos: 1 parts of 4 bytes left over\n", "modos: 1 parts of 4 bytes removed\n")
    assert fs.find(f"{name}/.segments") == []


def test_a_container_is_made_once(modos, name, account):
    """It is empty, its owners' alone, and written as an address; one that is there is left as it is."""
    made = modos("swift", "create", f"{name}-new")
    again = modos("swift", "create", f"swift://{name}-new")
    one = json.loads(modos("swift", "info", f"{name}-new", "--json").out)
    assert (made.code, made.out, made.err) == (0, f"swift://{name}-new\n", "")
    assert (again.code, again.out, again.err.count("\n")) == (1, "", 1)
    whole = f"swift+{account.server.storage_url}/{name}-too"
    assert modos("swift", "create", whole).out == f"{whole}\n"
    assert "there is such a container already" in again.err
    assert (one["objects"], one["bytes"], one["public"]) == (0, 0, False)


def test_what_there_is(modos, name, account):
    """The account with its service, each container, and all of them."""
    account.ask("PUT", f"/{name}/a.txt", b"1234")
    modos("swift", "public", name)
    whole = json.loads(modos("swift", "info", "--json").out)
    one = json.loads(modos("swift", "info", f"swift://{name}", "--json").out)
    all_of_them = json.loads(modos("swift", "containers", "--json").out)
    assert whole["storage_url"] == account.server.storage_url
    assert "sha256" in whole["service"]["digests"]
    assert (one["objects"], one["bytes"], one["public"], one["signs_addresses"]) == (1, 4, True, False)
    assert {"name": name, "objects": 1, "bytes": 4, "public": True} in all_of_them
    assert "public: true" in modos("swift", "info", name).out
    assert any(
        line.split()[0] == name and line.endswith("public") for line in modos("swift", "containers").out.splitlines()
    )


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (["info", "s3://omics"], 2, "'s3://omics' is not in Swift"),
        (["create", "swift://omics/ex"], 1, "'omics/ex' is not the name of a container"),
        (["public", "swift://omics/ex"], 1, "'omics/ex' is not the name of a container"),
        (["public", "swift+https://host/omics"], 1, "must read https://host/v1/ACCOUNT"),
        (["sign", "swift://omics"], 1, "sign it as a prefix"),
        (
            ["sign", "swift://omics/a", "--expires", "soon"],
            2,
            "'soon' is no time-span, which looks like 15m, 12h or 7d",
        ),
        (["sign", "swift://omics/a", "--expires", "0"], 1, "of no use"),
        (["sign", "swift://omics/a", "--ip", "here"], 1, "'here' is no IP address or network"),
        (["sign", "swift://omics/a", "--method", "TRACE"], 2, "TRACE"),
        (["info", "no-such-container"], 1, "no-such-container: there is no such container (HTTP 404)"),
        (["orphans"], 2, "Missing argument 'CONTAINER'"),
        (["publik"], 2, "No such command 'publik'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_sentence(modos, name, line, code, sentence):
    """It says what is wrong, and nothing is on standard output."""
    result = modos("swift", *line)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert sentence in result.err


def test_without_credentials_it_says_which_there_are(modos):
    """Every command that needs some says so in one sentence."""
    for line in (
        ["token"],
        ["info"],
        ["containers"],
        ["create", "omics"],
        ["public", "omics"],
        ["sign", "omics/a"],
        ["orphans", "omics"],
    ):
        result = modos("swift", *line)
        assert (result.code, result.out, result.err.count("\n")) == (1, "", 1), line
        assert "OS_AUTH_TOKEN" in result.err
