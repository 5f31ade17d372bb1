"""Containers on a real Swift: made, described, listed, opened to the world and closed."""

import http.client
import pickle
from urllib.parse import urlsplit

import pytest

from modos import MODO, SwiftStorage
from modos.cli import main
from modos.errors import (
    AuthenticationError,
    InvalidInputError,
    InvalidPathError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
)
from modos.swift import Acl, Containers, Cors, SwiftFileSystem, TempURLKeys, TempURLs
from modos.testing import SwiftServer


@pytest.fixture
def containers(fs) -> Containers:
    return Containers(fs)


@pytest.fixture
def anyone(swift):
    """A filesystem without credentials."""
    return SwiftFileSystem(storage_url=swift.storage_url, skip_instance_cache=True)


def test_made_and_deleted(containers):
    """A container is made once and is there until it is deleted."""
    containers.create("study")
    with pytest.raises(KeyExistsError, match="such a container already"):
        containers.create("swift://study")
    containers.create("study", exist_ok=True)
    assert [each.name for each in containers.list()] == ["omics", "study"]
    containers.delete("study")
    assert [each.name for each in containers.list()] == ["omics"]
    with pytest.raises(KeyNotFoundError):
        containers.delete("study")
    with pytest.raises(KeyNotFoundError):
        containers.stat("study")


def test_making_one_that_is_there_changes_nothing(containers):
    """Who may read, and what was noted, stay."""
    containers.make_public("omics")
    containers.set_metadata("omics", {"lab": "Genève"})
    before = containers.stat("omics")
    containers.create("omics", exist_ok=True)
    assert containers.stat("omics") == before


def test_one_that_is_not_empty_is_not_deleted(containers, connect):
    """The error says so, with its status, also when nothing but hidden segments is in it."""
    large = connect(segment_size=4)
    large.pipe_file("omics/x", b"12345678")
    with pytest.raises(ServiceError, match=r"not empty.*objects in it") as caught:
        containers.delete("omics")
    assert caught.value.status == 409
    large.run(large.client.delete, "omics/x")
    with pytest.raises(ServiceError, match="segments of large objects"):
        containers.delete("omics")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "swift://a/b", "swift+http://host/v1/AUTH_a/b", "x" * 257])
def test_what_is_no_name_is_refused(containers, name):
    """Nothing is asked for something that cannot be a container."""
    with pytest.raises(InvalidPathError):
        containers.stat(name)


def test_described(containers, fs):
    """Counts, access, CORS, notes and policy come by one request, and the key never."""
    fs.pipe_file("omics/x", b"12345")
    containers.set_access("omics", read="lab:me, .r:-.example.org", write=Acl(("lab:me", "other")))
    containers.set_cors("omics", Cors("https://viewer.example.org", ("etag", "x-object-meta-lab"), max_age=3600))
    containers.set_metadata("omics", {"lab": "Genève", "run id": "7"})
    TempURLs(fs).set(TempURLKeys("hush"), "omics")
    told = containers.stat("omics")
    assert (told.name, told.objects, told.bytes, told.is_public) == ("omics", 1, 5, False)
    assert told.read == Acl(("lab:me",), ("-.example.org",))
    assert told.write == Acl(("lab:me", "other"))
    assert told.cors == Cors(("https://viewer.example.org",), ("etag", "x-object-meta-lab"), 3600)
    assert told.metadata == {"lab": "Genève", "run id": "7"}
    assert (told.has_temp_url_key, told.storage_policy) == (True, "Policy-0")
    assert "hush" not in repr(told)
    assert pickle.loads(pickle.dumps(told)) == told


def test_notes_and_cors_are_removed(containers):
    """`None` removes a note, `Cors()` all of CORS; what is not named stays."""
    containers.set_metadata("omics", {"a": "1", "b": "2"})
    containers.set_cors("omics", Cors(("*",), max_age=1))
    containers.set_metadata("omics", {"a": None})
    containers.set_cors("omics", Cors())
    told = containers.stat("omics")
    assert (told.metadata, told.cors) == ({"b": "2"}, Cors())


@pytest.mark.parametrize("name", ["Temp-URL-Key", "access-control-max-age", "Quota-Bytes"])
def test_a_note_is_no_order(containers, name):
    """A name by which the service means something is refused before it is sent."""
    with pytest.raises(InvalidInputError, match="takes it for an order"):
        containers.set_metadata("omics", {name: "1"})


def test_a_note_is_text(containers):
    """A number is a mistake that is said, before anything is sent."""
    with pytest.raises(InvalidInputError, match="the note 'donors' is told by text, not by an int"):
        containers.set_metadata("omics", {"donors": 4})


def test_listed_to_the_end():
    """However short the pages of a service are, every container is listed and described, in order."""
    with SwiftServer(settings={"swift-constraints": {"account_listing_limit": 3}}) as server:
        containers = Containers(storage_url=server.storage_url, token=server.token())
        names = sorted(f"c{n}" for n in range(10))
        for name in names:
            containers.create(name)
        assert [each.name for each in containers.list()] == names
        assert [each.name for each in containers.describe()] == names
        assert [each.name for each in containers.list("c1")] == ["c1"]
        assert containers.account().storage_url == server.storage_url


def test_public_and_private_again(containers, fs, anyone):
    """A public container is read and listed by anyone, and by nobody else once it is private; grants stay."""
    fs.pipe_file("omics/x", b"1")
    containers.set_access("omics", read="lab:me")
    with pytest.raises(AuthenticationError):
        anyone.cat_file("omics/x")
    assert containers.make_public("omics") == Acl(("lab:me",), ("*",), listing=True)
    assert containers.is_public("omics")
    assert (anyone.cat_file("omics/x"), anyone.find("omics")) == (b"1", ["omics/x"])
    with pytest.raises(AuthenticationError):
        anyone.pipe_file("omics/x", b"2")
    assert containers.make_private("omics") == Acl(("lab:me",))
    assert not containers.is_public("omics")
    with pytest.raises(AuthenticationError):
        anyone.cat_file("omics/x")


def test_public_without_listing(containers, fs, anyone):
    """Without the listing, only what can be named is read."""
    fs.pipe_file("omics/x", b"1")
    containers.make_public("omics")
    containers.make_public("omics", listing=False)
    assert anyone.cat_file("omics/x") == b"1"
    with pytest.raises(AuthenticationError):
        anyone.ls("omics")


def test_web_pages_are_told_what_they_may(containers, fs, account_of_swift):
    """The service answers a browser's question as CORS was set."""
    fs.pipe_file("omics/x", b"1")
    containers.set_cors("omics", Cors(("https://viewer.example.org",), max_age=60))
    asked = {"Origin": "https://viewer.example.org", "Access-Control-Request-Method": "GET"}
    status, headers = account_of_swift("OPTIONS", "/omics/x", asked)
    assert (status, headers["access-control-allow-origin"]) == (200, "https://viewer.example.org")
    assert account_of_swift("OPTIONS", "/omics/x", {**asked, "Origin": "https://evil.example.org"})[0] == 401


@pytest.fixture
def account_of_swift(swift):
    def ask(method, path, headers):
        address = urlsplit(swift.storage_url)
        connection = http.client.HTTPConnection(address.netloc)
        connection.request(method, address.path + path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    return ask


def test_a_public_object_is_opened_without_credentials(swift, containers, fs, capsys):
    """Whoever has the address of an object in a public container opens it, with no credentials anywhere."""
    options = {"storage_url": swift.storage_url, "token": swift.token()}
    modo = MODO.create("", SwiftStorage("swift://omics/ex", **options), id="ex")
    modo.add_element({"@type": "Sample", "id": "s1"})
    containers.make_public("omics")
    url = f"{containers.url('omics')}/ex"
    assert MODO(url).list_samples() == ["sample/s1"]
    assert MODO(url).checksum() == modo.checksum()
    assert main(["show", url, "s1"]) == 0
    assert "Sample" in capsys.readouterr().out
    containers.make_public("omics", listing=False)
    assert MODO(url).list_samples() == ["sample/s1"]


def test_constructing_asks_nothing():
    """No environment is read before the first question, and what it is made of cannot be given twice."""
    assert repr(Containers()) == "Containers(SwiftFileSystem('swift://'))"
    with pytest.raises(InvalidInputError, match="token"):
        Containers(SwiftFileSystem(), token="x")
    with pytest.raises(InvalidInputError, match="no Swift credentials in the environment"):
        Containers().stat("omics")


def test_no_secret_is_shown():
    """Neither the token nor anything else is in what is printed."""
    given = {"storage_url": "https://swift.example.org/v1/lab", "token": "hush"}
    assert "hush" not in f"{Containers(**given)!r} {TempURLs(**given)!r} {TempURLKeys('hush', 'hush2')!r}"
