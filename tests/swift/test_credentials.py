import logging
import pickle
from functools import partial

import fsspec
import pytest

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    InvalidInputError,
    ServiceError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.settings import SWIFT_VARIABLES
from modos.storage import SwiftStorage
from modos.swift import (
    AnonymousCredentials,
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    SwiftFileSystem,
    TokenCredentials,
    Transport,
    V1Credentials,
    credentials_from_environment,
    credentials_from_options,
)
from modos.swift.auth.tokens import log_in
from modos.testing import Fault

URL, AUTH = "https://swift.example.org/v1/AUTH_lab", "https://keystone.example.org:5000/v3"
SECRET = "hush-hush-secret-0123456789"

KINDS = [
    AnonymousCredentials(URL),
    TokenCredentials(URL, SECRET),
    V1Credentials("https://swift.example.org/auth/v1.0", "lab:me", SECRET),
    KeystoneV2Password(AUTH, "me", SECRET, project_name="lab"),
    KeystoneV3Password(AUTH, SECRET, username="me", project_name="lab", user_domain_name="Default"),
    KeystoneApplicationCredential(AUTH, "id", SECRET, region_name="RegionOne"),
    KeystoneApplicationCredential(AUTH, None, SECRET, application_credential_name="robot", username="me"),
    V1Credentials(AUTH, "lab:me", SECRET, transport=Transport(cacert="a.pem", cert="b.pem", cert_key="b.key")),
]


def each_kind(function):
    return pytest.mark.parametrize("credentials", KINDS, ids=lambda one: type(one).__name__)(function)


@each_kind
def test_options_round_trip(credentials):
    """Credentials become plain options and the same credentials again."""
    assert credentials_from_options(**credentials.as_options()) == credentials


@each_kind
def test_secret_is_not_shown(credentials):
    """No secret is in `repr`, `str` or a formatted error; a pickle gives equal credentials."""
    assert SECRET not in f"{credentials!r} {credentials}"
    assert pickle.loads(pickle.dumps(credentials)) == credentials


@each_kind
def test_filesystem_does_not_show_the_secret(credentials):
    """A filesystem, its client and its copy from a pickle show no secret, and the copy has the same credentials."""
    fs = SwiftFileSystem(**credentials.as_options())
    again = pickle.loads(pickle.dumps(fs))
    assert SECRET not in f"{fs!r} {fs} {fs.client!r} {again!r}"
    assert again == fs


@pytest.mark.parametrize("make", [SwiftFileSystem, partial(SwiftStorage, "swift://omics")])
def test_options_in_the_place_of_credentials_are_refused(make):
    """At once, and not by the first request; they are given by name."""
    with pytest.raises(InvalidInputError, match="or by options such as token=, not by a dict"):
        make(credentials={"storage_url": URL, "token": SECRET})


def test_filesystem_takes_credentials_and_tells_them_apart():
    """Two filesystems whose credentials differ only in the secret are two, though the credentials look alike."""
    one, other = (SwiftFileSystem(credentials=TokenCredentials(URL, token)) for token in ("one", "other"))
    assert one != other
    assert one is SwiftFileSystem(credentials=TokenCredentials(URL, "one"))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OS_STORAGE_URL": URL, "OS_AUTH_TOKEN": SECRET, "ST_USER": "x"}, TokenCredentials(URL, SECRET)),
        ({"ST_AUTH": AUTH, "ST_USER": "lab:me", "ST_KEY": SECRET}, V1Credentials(AUTH, "lab:me", SECRET)),
        (
            {"OS_AUTH_URL": AUTH, "OS_USERNAME": "me", "OS_PASSWORD": SECRET, "OS_PROJECT_NAME": "lab"},
            KeystoneV3Password(AUTH, SECRET, username="me", project_name="lab"),
        ),
        (
            {
                "OS_AUTH_URL": AUTH,
                "OS_USERNAME": "me",
                "OS_PASSWORD": SECRET,
                "OS_TENANT_NAME": "lab",
                "OS_IDENTITY_API_VERSION": "2.0",
            },
            KeystoneV2Password(AUTH, "me", SECRET, project_name="lab"),
        ),
        (
            {
                "OS_AUTH_URL": AUTH,
                "OS_APPLICATION_CREDENTIAL_ID": "id",
                "OS_APPLICATION_CREDENTIAL_SECRET": SECRET,
                "OS_REGION_NAME": "RegionOne",
                "OS_AUTH_TYPE": "v3applicationcredential",
            },
            KeystoneApplicationCredential(AUTH, "id", SECRET, region_name="RegionOne"),
        ),
        (
            {
                "OS_AUTH_URL": AUTH,
                "OS_APPLICATION_CREDENTIAL_NAME": "robot",
                "OS_APPLICATION_CREDENTIAL_SECRET": SECRET,
                "OS_USERNAME": "me",
                "OS_USER_DOMAIN_NAME": "Lab",
                "OS_INTERFACE": "internal",
            },
            KeystoneApplicationCredential(
                AUTH,
                None,
                SECRET,
                application_credential_name="robot",
                username="me",
                user_domain_name="Lab",
                interface="internal",
            ),
        ),
    ],
)
def test_environment(environ, expected):
    """The variables that the OpenStack and Swift commands read give the credentials that they mean."""
    assert credentials_from_environment(environ) == expected


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"OS_STORAGE_URL": URL}, "OS_AUTH_TOKEN"),
        ({"OS_AUTH_TOKEN": SECRET}, "OS_STORAGE_URL"),
        ({"ST_USER": "me"}, "ST_AUTH, ST_KEY"),
        ({"OS_AUTH_URL": AUTH, "OS_USERNAME": "me", "OS_PROJECT_NAME": "lab"}, "OS_PASSWORD"),
        ({"OS_AUTH_URL": AUTH, "OS_USERNAME": "me", "OS_PASSWORD": SECRET}, "OS_PROJECT_NAME"),
        ({"OS_AUTH_URL": AUTH, "OS_APPLICATION_CREDENTIAL_ID": "id"}, "OS_APPLICATION_CREDENTIAL_SECRET"),
        ({"OS_AUTH_URL": AUTH, "OS_APPLICATION_CREDENTIAL_SECRET": SECRET}, "OS_APPLICATION_CREDENTIAL_ID"),
        (
            {
                "OS_AUTH_URL": AUTH,
                "OS_APPLICATION_CREDENTIAL_NAME": "robot",
                "OS_APPLICATION_CREDENTIAL_SECRET": SECRET,
            },
            "OS_USERNAME",
        ),
        ({"OS_AUTH_URL": AUTH, "OS_USERNAME": "me", "OS_USER_DOMAIN_NAME": "Lab"}, "OS_PASSWORD, OS_PROJECT_NAME"),
        ({"OS_STORAGE_URL": URL, "OS_REGION_NAME": "One", "OS_INTERFACE": "public"}, "OS_AUTH_TOKEN"),
        ({}, "OS_STORAGE_URL and OS_AUTH_TOKEN for a token"),
    ],
)
def test_incomplete_environment_names_what_is_missing(environ, missing):
    """An incomplete environment is one sentence with the variables that are missing, and without a secret."""
    with pytest.raises(InvalidInputError) as caught:
        credentials_from_environment(environ)
    assert missing in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("token", [f"{SECRET}\r", f"{SECRET}\nX-Admin: yes", f"{SECRET}é"])
def test_a_token_that_cannot_be_sent_is_refused(token):
    """As one of a file with the line ends of Windows is; the message does not show it."""
    with pytest.raises(InvalidInputError, match="cannot be sent") as caught:
        credentials_from_environment({"OS_STORAGE_URL": URL, "OS_AUTH_TOKEN": token})
    assert SECRET not in str(caught.value)


def test_options_in_the_spelling_of_swiftclient():
    """What `swiftclient.Connection` takes is understood."""
    assert credentials_from_options(preauthurl=URL, preauthtoken=SECRET) == TokenCredentials(URL, SECRET)
    assert credentials_from_options(
        authurl=AUTH, user="me", key=SECRET, auth_version="3", os_options={"project_name": "lab", "region_name": None}
    ) == KeystoneV3Password(AUTH, SECRET, username="me", project_name="lab")


def test_misspelt_option_is_refused_and_the_right_one_suggested():
    """An unknown option is an error at once, which lists the known ones and the closest."""
    with pytest.raises(InvalidInputError, match=r"unknown Swift option 'auth_ulr'; did you mean 'auth_url'.*known are"):
        SwiftFileSystem(auth_ulr=AUTH, user="me", key=SECRET)


@pytest.mark.parametrize(("options", "missing"), [({"token": "x"}, "storage_url"), ({"user": "me"}, "auth_url, key")])
def test_incomplete_options_name_what_is_missing(options, missing):
    """Incomplete options are named as the caller spells them."""
    with pytest.raises(InvalidInputError, match=f"{missing} missing"):
        credentials_from_options(**options)


@pytest.mark.parametrize("url", ["https://swift.example.org", "http://swift.example.org:8080/"])
def test_a_storage_url_names_an_account(url):
    """Whoever gives the address of the service instead is told what it has to look like, before anything is asked."""
    with pytest.raises(InvalidInputError, match=r"names no account; .* https://host\[:port\]/v1/ACCOUNT"):
        credentials_from_options(storage_url=url, token="x")


def test_environment_is_read_at_the_first_request(swift, monkeypatch):
    """Constructing a filesystem reads no environment; its first request does."""
    for group in SWIFT_VARIABLES.values():
        for variable in group.values():
            monkeypatch.delenv(variable, raising=False)
    fs = SwiftFileSystem(skip_instance_cache=True)
    with pytest.raises(InvalidInputError, match="no Swift credentials in the environment"):
        fs.ls("")
    monkeypatch.setenv("ST_AUTH", swift.auth_url)
    monkeypatch.setenv("ST_USER", swift.user)
    monkeypatch.setenv("ST_KEY", swift.key)
    assert fs.ls("") == []


def test_v1_login(swift):
    """User and key of the v1 protocol give the storage URL and a token that works."""
    access = log_in(V1Credentials(swift.auth_url, swift.user, swift.key))
    assert access.storage_url == swift.storage_url
    assert access.token not in repr(access)
    assert SwiftFileSystem(storage_url=access.storage_url, token=access.token).ls("") == []


def test_wrong_key(swift):
    """A wrong key is an AuthenticationError that names the authentication address."""
    fs = SwiftFileSystem(auth_url=swift.auth_url, user=swift.user, key="wrong")
    with pytest.raises(AuthenticationError) as caught:
        fs.ls("")
    assert (caught.value.url, caught.value.status) == (swift.auth_url, 401)


def test_wrong_token(fs, connect):
    """A token that is not accepted is an AuthenticationError; it cannot be renewed."""
    with pytest.raises(AuthenticationError, match="cannot be renewed"):
        connect(token="AUTH_tk_of_nobody").ls("omics")


def test_no_authentication_service_there():
    """A refused connection to the authentication service is unreachable, not a refusal of the credentials."""
    with pytest.raises(UnreachableError, match="authentication service"):
        log_in(V1Credentials("http://127.0.0.1:9/auth/v1.0", "me", "key"), timeout=1)


def test_authentication_service_does_not_answer(proxy, swift):
    """An authentication service that never answers is a time-out."""
    proxy.inject(Fault(path="/auth/", hold=True, times=None))
    with pytest.raises(StorageTimeoutError):
        log_in(V1Credentials(proxy.through(swift.auth_url), swift.user, swift.key), timeout=0.3)


def test_authentication_service_recovers(proxy, swift):
    """A 503 of the authentication service is tried again."""
    proxy.inject(Fault(path="/auth/", status=503))
    assert log_in(V1Credentials(proxy.through(swift.auth_url), swift.user, swift.key)).token


def test_address_of_something_else(proxy, swift):
    """A 404 at the authentication address is a ServiceError: nothing stored is missing."""
    with pytest.raises(ServiceError, match="no authentication service"):
        log_in(V1Credentials(swift.url + "/nowhere", swift.user, swift.key))


@pytest.mark.parametrize(
    "address", ["keystone.example.org:5000/v3", "http:/x", "ftp://host/v3", "https://[::1", "http://a b"]
)
@pytest.mark.parametrize("user", [{"user": "a:b", "key": "c"}, {"username": "a", "password": "c", "project_name": "p"}])
def test_what_is_no_address_is_not_asked(address, user):
    """A forgotten `https://` is said to be none, whichever protocol would have been spoken."""
    with pytest.raises(InvalidInputError, match="is no address of an authentication service, which looks like"):
        log_in(credentials_from_options(auth_url=address, **user))


def test_an_address_that_answers_with_no_token_accepts_nothing(swift):
    """As Keystone answers who forgot the project, and is asked by v1."""
    with pytest.raises(ServiceError, match="without a token, so it is no authentication service of v1; Keystone"):
        log_in(V1Credentials(f"{swift.url}/info", swift.user, swift.key))


def test_logs_hold_no_secret(swift, caplog):
    """At the most talkative level, no log holds a key or a token."""
    caplog.set_level(logging.DEBUG)
    access = log_in(V1Credentials(swift.auth_url, swift.user, swift.key))
    SwiftFileSystem(storage_url=access.storage_url, token=access.token).ls("")
    with pytest.raises(AuthenticationError):
        log_in(V1Credentials(swift.auth_url, swift.user, SECRET))
    assert "urllib3.connectionpool" in {record.name for record in caplog.records}
    for secret in (access.token[:12], SECRET[:8], f": {swift.key}"):
        assert secret not in caplog.text


def test_token_goes_to_its_host_only(swift, proxy, monkeypatch):
    """Credentials of the environment are not sent to a host that an address names and that is not theirs."""
    monkeypatch.setenv("OS_STORAGE_URL", swift.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", swift.token())
    elsewhere = proxy.through(swift.storage_url)
    with pytest.raises(
        AuthenticationError,
        match="no credentials were given for it; OS_AUTH_TOKEN goes to the host of OS_STORAGE_URL alone",
    ):
        SwiftFileSystem(storage_url=elsewhere, skip_instance_cache=True).ls("")
    assert all("x-auth-token" not in request.headers for request in proxy.requests)
    assert SwiftFileSystem(storage_url=swift.storage_url, skip_instance_cache=True).ls("") == []


def test_a_login_is_for_the_host_that_it_leads_to(swift, proxy, connect):
    """Who logs in sends the token to no host that only an address names; given as `storage_url`, it is meant."""
    connect()
    login = {"auth_url": swift.auth_url, "user": swift.user, "key": swift.key}
    elsewhere = proxy.through(swift.storage_url)
    theirs, ours = f"swift+{elsewhere}/omics", f"swift+{swift.storage_url}/omics"
    for ask in (
        lambda url, **given: SwiftStorage(url, **login, **given).exists("x"),
        lambda url, **given: SwiftStorage(url, V1Credentials(**login), **given).exists("x"),
        lambda url, **given: (SwiftStorage(url, **login, **given) / "ex").exists("x"),
        lambda url, **given: fsspec.url_to_fs(url, **login, **given)[0].exists("omics/x"),
    ):
        with pytest.raises(InvalidInputError, match=f"are for {swift.url} and are not sent to {proxy.url}"):
            ask(theirs)
        assert proxy.requests == []
        assert not ask(ours)
        assert not ask(theirs, storage_url=elsewhere)
        assert proxy.requests
        proxy.clear()


def test_an_address_and_a_storage_url_are_of_one_host(swift):
    """fsspec gives both; of another host, the address is refused, and of the same it says which account is meant."""
    token = {"storage_url": swift.storage_url, "token": swift.token()}
    with pytest.raises(InvalidInputError, match=r"are not sent to https://other\.example\.org"):
        fsspec.url_to_fs("swift+https://other.example.org/v1/AUTH_x/omics", **token)
    fs, _ = fsspec.url_to_fs(f"swift+{swift.url}/v1/AUTH_x/omics", **token)
    with pytest.raises(AccessDeniedError, match="AUTH_x/omics"):
        fs.ls("omics")


def test_redirects_are_not_followed(proxy, swift, connect):
    """A redirect is an error: the token would go to wherever it points."""
    fs = connect(storage_url=proxy.through(swift.storage_url))
    proxy.inject(Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}, times=None))
    with pytest.raises(ServiceError, match="redirect"):
        fs.cat_file("omics/x")
