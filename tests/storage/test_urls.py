"""Which storage serves an address."""

import os
import socket
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import get_args

import pytest
import swiftclient

from modos.errors import (
    AuthenticationError,
    InvalidInputError,
    InvalidPathError,
    InvalidURLError,
    KeyNotFoundError,
    ObjectNotFoundError,
    UnreachableError,
    shown_url,
)
from modos.storage import (
    FsspecStorage,
    LocalStorage,
    S3Path,
    S3Storage,
    Storage,
    SwiftPath,
    SwiftStorage,
    open_storage,
)
from modos.storage.backends.clouds import CloudStorage
from modos.storage.backends.http import HTTPStorage
from modos.storage.options import SERVICES, swift_connection_options
from modos.storage.urls import is_url
from modos.swift import SwiftFileSystem
from modos.swift.auth.credentials import Credentials, TokenCredentials


@pytest.mark.parametrize(
    ("url", "kind", "address"),
    [
        ("s3://omics/study", S3Storage, "s3://omics/study"),
        ("S3://omics/study/", S3Storage, "s3://omics/study"),
        ("swift://omics/a b+c", SwiftStorage, "swift://omics/a b+c"),
        (
            "swift+http://127.0.0.1:8080/v1/AUTH_lab/omics/ex",
            SwiftStorage,
            "swift+http://127.0.0.1:8080/v1/AUTH_lab/omics/ex",
        ),
        ("s3+https://s3.example.org:9000/omics/study/", S3Storage, "s3+https://s3.example.org:9000/omics/study"),
        ("memory://study/ex", FsspecStorage, "memory://study/ex"),
        ("gs://omics/study", CloudStorage, "gs://omics/study"),
        ("gcs://omics", CloudStorage, "gs://omics"),
        ("az://omics/study", CloudStorage, "az://omics/study"),
        ("abfs://omics", CloudStorage, "az://omics"),
        ("https://host/studies/", HTTPStorage, "https://host/studies"),
        ("file:///data/my%20study", LocalStorage, "/data/my study"),
        ("file://localhost/data", LocalStorage, "/data"),
        ("/data/../data/ex", LocalStorage, "/data/ex"),
    ],
)
def test_an_address_opens_its_storage(url, kind, address):
    """The scheme chooses the backend, and the storage's own address opens an equal one."""
    storage = Storage.from_url(url)
    assert type(storage) is kind
    assert storage.url == address
    assert open_storage(storage.url) == storage


def test_paths_of_this_machine_are_no_addresses(tmp_path, monkeypatch):
    """Relative paths stand where the process stands, `~` is the home, and a colon in a name makes no scheme."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert open_storage("ex").url == str(tmp_path / "ex")
    assert open_storage(Path("ex")) == open_storage(PurePosixPath("ex")) == open_storage("./ex")
    assert open_storage("~/ex").url == str(tmp_path / "home" / "ex")
    assert open_storage("a:b").url == str(tmp_path / "a:b")
    assert not is_url("C:\\data")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("swift:omics/ex", "swift://omics/ex"), ("S3:/omics", "S3://omics"), ("https:host/ex", "https://host/ex")],
)
def test_half_an_address_is_no_directory(text, meant):
    """Who forgets the slashes is told so, and gets no directory of that name; a path of such a name can be written."""
    with pytest.raises(InvalidURLError, match=f"did you mean '{meant}'"):
        open_storage(text)
    for path in (Path(text), f"./{text}"):
        assert open_storage(path) == LocalStorage(Path(text))


@pytest.mark.parametrize("url", ["s4://omics", "swift+ftp://host/v1/AUTH_a/c", "nonsense://x"])
def test_an_unknown_scheme_is_refused(url):
    """The message says that no storage serves it."""
    with pytest.raises(InvalidURLError, match="no storage serves"):
        open_storage(url)


@pytest.mark.parametrize(
    ("url", "meant"), [("s33://omics", "s3"), ("swft://omics", "swift"), ("swift+htps://h/v1/a/c", "swift+https")]
)
def test_a_close_scheme_is_suggested(url, meant):
    """A slip of the finger is answered with what was meant."""
    with pytest.raises(InvalidURLError, match=f"'{meant.replace('+', '[+]')}'"):
        open_storage(url)


@pytest.mark.parametrize(
    "make",
    [
        lambda: S3Storage(None),
        lambda: S3Storage(PurePosixPath("omics/study")),
        lambda: S3Storage("s3://omics", 9000),
        lambda: S3Storage("s3://omics", None, [("anon", True)]),
        lambda: SwiftStorage(None),
        lambda: SwiftStorage(b"swift://omics"),
        lambda: S3Path(5),
        lambda: SwiftPath.parse(None),
        lambda: open_storage("s3://omics", storage_options="anon"),
    ],
)
def test_what_is_of_a_wrong_type_is_refused_in_words(make):
    """An address that a variable has not, a number for an endpoint, options that are no mapping."""
    with pytest.raises(InvalidInputError, match="not by"):
        make()


@pytest.mark.parametrize("start", ["https://{}/x", "s3+https://{}/omics", "swift+https://{}/v1/AUTH_lab/omics"])
@pytest.mark.parametrize("host", ["host:99999", "host:port", "[::1", "a b", "a\\b", "a..b", "a" * 64, "host:0"])
def test_a_host_that_cannot_be_is_refused(start, host):
    """It is a mistake at once, and not a failure of the first request."""
    with pytest.raises(InvalidURLError, match="host"):
        open_storage(start.format(host))


@pytest.mark.parametrize("spelled", ["https://lab.example.org/v1/AUTH_lab", "https://LAB.example.org/v1/AUTH_other"])
@pytest.mark.parametrize("elsewhere", ["swift+https://evil.example.org", "swift+http://lab.example.org"])
def test_a_token_is_sent_to_no_other_host(spelled, elsewhere):
    """A token that is for one host is refused for an address of another, however it is given, before anything is asked."""
    token = TokenCredentials(storage_url=spelled, token="hush")
    for path in ("v1/AUTH_lab/omics", "v1/AUTH_lab/omics/ex"):
        for wanted in (
            lambda url: SwiftStorage(url, token),
            lambda url: SwiftStorage(url, storage_url=spelled, token="hush"),
            lambda url: SwiftStorage(url, connection=swiftclient.Connection(preauthurl=spelled, preauthtoken="hush")),
            lambda url: SwiftStorage(url, preauthurl=spelled, preauthtoken="hush"),
            lambda url: open_storage(url, storage_options={"storage_url": spelled, "token": "hush"}),
            lambda url: SwiftFileSystem(
                credentials=token, storage_url=url.removeprefix("swift+").removesuffix("/omics")
            ),
        ):
            with pytest.raises(InvalidInputError, match="are not sent to http") as caught:
                wanted(f"{elsewhere}/{path}")
            assert "hush" not in str(caught.value)
            assert wanted(f"swift+https://lab.example.org/{path}") is not None


@pytest.mark.parametrize("url", ["s3://UPPER", "s3://", "swift://", "file://other-host/data", "", "nul\0"])
def test_a_bad_address_is_refused(url):
    """Names that no bucket, container or directory can have are refused at once."""
    with pytest.raises(InvalidPathError):
        open_storage(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hush@example.org/x",
        "https://example.org/x?temp_url_sig=hush&temp_url_expires=1",
        "https://example.org/x.zip?X-Amz-Credential=hush&X-Amz-Signature=hush|zip:",
        "https://example.org/x.zip?sv=1&sig=hush|zip:data.zarr|zarr3:",
        "s3://me:hush@bucket/x",
        "swift+https://me:hush@example.org/v1/AUTH_lab/omics",
        "sftp://me:hush@example.org/x|zip:",
        *(
            start.format(password)
            for start in (
                "https://me:{}@example.org/x",
                "https://me:{}@example.org/x|zip:",
                "s3://me:{}@bucket/x",
                "s3+https://me:{}@example.org/omics/x",
                "swift+https://me:{}@example.org/v1/AUTH_lab/omics",
            )
            for password in (
                "hush/hush",
                "hush@hush",
                "hush?hush",
                "hush#hush",
                "hush%2Fhush",
                ":hush",
                "a/hush@b?hush#c%",
                "a@hush/hush",
            )
        ),
    ],
)
def test_what_gives_access_is_not_repeated(url):
    """A password, or what an address is signed with, stands in no error, and in no representation of a storage."""
    try:
        shown = repr(open_storage(url))
    except InvalidURLError as error:
        shown = f"{error} {error.args}"
    assert "hush" not in shown
    for kind in (KeyNotFoundError, UnreachableError, ObjectNotFoundError, InvalidURLError):
        assert "hush" not in f"{kind(url)} {vars(kind(url))}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:12345@example.org:8080/x", "https://…@example.org:8080/x"),
        ("zip://a::https://me:hush@example.org/b", "zip://a::https://…@example.org/b"),
        *(
            (url, url)
            for url in (
                "https://example.org:8080/a@b",
                "https://example.org:8080?x=a@b",
                "https://example.org:8080|zip:x@y",
                "https://[::1]:80/a@b",
                "https://example.org/a:b@c",
                "swift://omics/a:b@c",
                "zip://a::https://example.org/b@c",
            )
        ),
    ],
)
def test_what_gives_no_access_is_shown(url, shown):
    """A port is no password, nor is what stands in a path: only what stands before the last `@` of user and password goes."""
    assert shown_url(url) == shown


@pytest.mark.parametrize("part", ["//", "//a:", "//a:b@", "//a::", "//a::b", "//1:1/", "//[:", "|//a:", "//a:80/", "a"])
@pytest.mark.parametrize("end", ["", "@"])
def test_what_is_shown_of_an_address_takes_time_in_proportion(part, end):
    """An address that is made to be slow, of a megabyte, is not: it would take hours in proportion to the square of its length."""
    assert len(shown_url("https://" + part * (1_000_000 // len(part)) + end)) <= 1_100_000


def test_a_filesystem_that_connects_at_once_may_fail():
    """Some of fsspec do, such as that of FTP; the error names the address."""
    with pytest.raises(UnreachableError, match=r"ftp://127\.0\.0\.1:9/x: .*refused"):
        open_storage("ftp://127.0.0.1:9/x")


@pytest.mark.parametrize("url", ["s3://omics", "/data", "swift://omics"])
def test_an_unknown_option_is_refused(url):
    """An option that the backend does not know is a mistake, named, at the latest when it is first used."""
    with pytest.raises(InvalidInputError, match="no_such_option"):
        _ = open_storage(url, storage_options={"no_such_option": 1}).filesystem


def test_a_storage_of_swift_refuses_a_misspelt_option_at_once():
    """When it is made, and not when it is first asked; an option of another spelling is the same option."""
    with pytest.raises(InvalidInputError, match="'storage_ulr'; did you mean 'storage_url'"):
        SwiftStorage("swift://omics", storage_ulr="https://host/v1/lab")
    assert SwiftStorage("swift://omics", max_attempts=2) == SwiftStorage("swift://omics", attempts=2)


def test_options_reach_the_backend():
    """What stands in the address and the options makes the storage; reading only too."""
    storage = open_storage(
        "s3://omics", storage_options={"endpoint": "http://127.0.0.1:9", "anon": True}, read_only=True
    )
    assert storage == S3Storage("s3://omics", "http://127.0.0.1:9", {"anon": True}, read_only=True)
    assert storage != S3Storage("s3://omics", "http://127.0.0.1:9", {"anon": True})
    assert storage != S3Storage("s3://omics", "http://127.0.0.1:8", {"anon": True}, read_only=True)
    assert storage != SwiftStorage("swift://omics")


def test_making_a_storage_does_nothing():
    """No address is looked up, no directory made, no environment read: a host that is not there does not matter."""
    for url in ("s3://omics", "swift+https://no-such-host.invalid/v1/AUTH_lab/omics", "/no/such/directory"):
        assert (open_storage(url) / "ex").url.endswith("/ex")
    assert not Path("/no/such/directory").exists()


@pytest.mark.parametrize(
    ("url", "wrong", "meant", "known"),
    [
        ("s3://omics", "acces_key_id", "access_key_id", "region"),
        ("gs://omics", "service_acount", "service_account", "credentials"),
        ("az://omics", "acount_name", "account_name", "sas_token"),
        ("swift://omics", "auth_urll", "auth_url", "storage_url"),
        ("https://host/dir", "header", "headers", "timeout"),
    ],
)
def test_a_misspelt_option_is_answered_with_what_was_meant(url, wrong, meant, known):
    """Each service lists the options it knows, and suggests the one that is close."""
    with pytest.raises(InvalidInputError) as caught:
        open_storage(url, storage_options={wrong: "x"})
    assert f"{wrong!r}; did you mean" in str(caught.value)
    assert repr(meant) in str(caught.value)
    assert known in str(caught.value).partition("known are")[2]


@pytest.mark.parametrize(
    "spelling",
    [
        {"key": "me", "secret": "s", "token": "t", "region": "r", "endpoint": "https://host", "anon": False},
        {
            "aws_access_key_id": "me",
            "aws_secret_access_key": "s",
            "aws_session_token": "t",
            "aws_region": "r",
            "aws_endpoint": "https://host",
            "aws_skip_signature": "false",
        },
        {
            "AWS_ACCESS_KEY_ID": "me",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_SESSION_TOKEN": "t",
            "AWS_DEFAULT_REGION": "r",
            "AWS_ENDPOINT_URL": "https://host",
            "skip_signature": False,
        },
        {
            "access_key_id": "me",
            "secret_access_key": "s",
            "session_token": "t",
            "region_name": "r",
            "endpoint_url": "https://host/",
            "anonymous": "0",
        },
    ],
)
def test_every_usual_spelling_means_the_same(spelling):
    """The options of s3fs, boto3 and obstore, and the variables' names, make equal storages."""
    options = {"key": "me", "secret": "s", "token": "t", "region": "r", "anon": False}
    assert open_storage("s3://omics", storage_options=spelling) == S3Storage("s3://omics", "https://host", options)


def test_two_values_for_one_option_are_refused():
    """An option under two names with two values, two endpoints, and a switch that is neither: InvalidInputError."""
    for options in (
        {"key": "me", "access_key_id": "you"},
        {"endpoint": "https://a", "endpoint_url": "https://b"},
        {"skip_signature": "perhaps"},
    ):
        with pytest.raises(InvalidInputError):
            open_storage("s3://omics", storage_options=options)
    with pytest.raises(InvalidInputError, match="two endpoints"):
        open_storage("s3+https://a/omics", storage_options={"endpoint": "https://b"})


@pytest.mark.parametrize("service", SERVICES)
def test_no_spelling_of_an_option_means_two(service):
    """The table of each service is unambiguous."""
    meanings = SERVICES[service].meanings
    spellings = [*meanings, *(other for others in meanings.values() for other in others)]
    assert len(spellings) == len(set(spellings))
    assert all(SERVICES[service].meaning(spelling) for spelling in spellings)


@pytest.mark.parametrize("kind", get_args(Credentials.__value__))
def test_an_address_takes_all_that_credentials_of_swift_are_made_of(kind):
    """What `SwiftStorage` takes, `open_storage` takes too, and so does the list of options that the documentation shows."""
    assert {each.name for each in fields(kind)} - {"transport"} <= SERVICES["swift"].meanings.keys()


def test_a_storage_class_opens_only_its_own_addresses():
    """`S3Storage.from_url` refuses the address of a directory; `Storage.from_url` takes any."""
    assert S3Storage.from_url("s3://omics", storage_options={"anon": True}) == S3Storage(
        "s3://omics", None, {"anon": True}
    )
    with pytest.raises(InvalidURLError, match="LocalStorage"):
        S3Storage.from_url("/data")


def test_a_connection_to_swift_that_is_at_hand_is_used(account, container):
    """A `swiftclient.Connection` gives its token when it has one, else what it logs in with."""
    from swiftclient import Connection

    account.put(container, "demo", b"ACGT")
    server = account.server
    logged_in = Connection(preauthurl=server.storage_url, preauthtoken=account.token)
    by_key = Connection(authurl=server.auth_url, user=server.user, key=server.key)
    for connection in (logged_in, by_key):
        storage = open_storage(f"swift://{container}", storage_options={"connection": connection})
        assert storage.read("demo") == b"ACGT"
        assert account.token not in repr(storage)


def test_a_connection_of_keystone_is_taken_over():
    """User, password, project and domains of a connection, and which address it wants, become the options of the same login."""
    from swiftclient import Connection

    os_options = {"project_name": "lab", "user_domain_name": "d", "project_domain_name": "d", "region_name": "east"}
    given = {**os_options, "endpoint_type": "internalURL"}
    connection = Connection("https://keystone/v3", "me", "secret", auth_version="3", os_options=given, cacert="ca")
    login = {"auth_url": "https://keystone/v3", "username": "me", "password": "secret", "auth_version": "3"}
    assert swift_connection_options(connection) == {**login, **os_options, "interface": "internalURL", "cacert": "ca"}
    for wrong in (object(), Connection(auth_version="3")):
        with pytest.raises(InvalidInputError, match=r"connection"):
            swift_connection_options(wrong)


@pytest.mark.parametrize(
    "endpoint", ["nonsense", "ftp://host", "http://", "https://[", "host:9000", "http://host:99999"]
)
def test_an_endpoint_that_is_none_is_refused(endpoint):
    """What is no address of a service is a mistake at once, not a failure of the first request."""
    with pytest.raises(InvalidInputError, match="endpoint looks like"):
        open_storage("s3://omics", storage_options={"endpoint": endpoint})


def test_azure_says_what_is_missing(monkeypatch):
    """Without an account the error says so; a connection string and the variables give one."""
    for name in list(os.environ):
        if name.startswith("AZURE_"):
            monkeypatch.delenv(name)
    options = {"attempts": 1, "timeout": 2}
    with pytest.raises(AuthenticationError, match="Account"):
        open_storage("az://omics", storage_options=options).read("demo")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/me"
        text = f"AccountName=me;AccountKey=c2VjcmV0;BlobEndpoint={nowhere}"
        with pytest.raises(UnreachableError):
            open_storage("az://omics", storage_options={"connection_string": text, **options}).read("demo")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
        with pytest.raises(UnreachableError):
            open_storage("az://omics", storage_options=options).read("demo")
        monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "me")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", nowhere)
        with pytest.raises(UnreachableError):
            open_storage("az://omics", storage_options=options).read("demo")
