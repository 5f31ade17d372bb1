"""Access lists as values, signed addresses on a real Swift, and the keys that sign them."""

import http.client
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import AccessDeniedError, InvalidInputError, InvalidPathError
from modos.swift import Acl, Containers, Cors, SwiftFileSystem, TempURLKeys, TempURLs
from modos.swift.signing import Terms
from modos.testing import SwiftServer

# -- access lists -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "acl"),
    [
        ("", Acl()),
        (".r:*,.rlistings,account:user", Acl(("account:user",), ("*",), listing=True)),
        (" .referrer : * , .rlistings ", Acl((), ("*",), listing=True)),
        (".r:*,.r:-.example.org", Acl((), ("*", "-.example.org"))),
        (".r:**", Acl((), ("*",))),
        (".r:-*.example.org,.ref:*example.org", Acl((), ("-.example.org", "example.org"))),
        ("lab:me,,other,*:user,p1:*", Acl(("lab:me", "other", "*:user", "p1:*"))),
    ],
)
def test_every_spelling_is_understood(text, acl):
    """What Swift takes is read as it means it, and written in one way."""
    assert Acl.parse(text) == acl
    assert Acl.parse(str(acl)) == acl


GRANT = st.from_regex(r"[A-Za-z0-9_*][A-Za-z0-9_:* -]{0,20}[A-Za-z0-9_*]", fullmatch=True)
HOST = st.from_regex(r"-?(\*|\.?[a-z]{1,8}(\.[a-z]{1,8}){0,2})", fullmatch=True)


@given(st.builds(Acl, st.lists(GRANT), st.lists(HOST), st.booleans()))
def test_access_lists_round_trip(acl):
    """What is written is read as the same; opened and closed, those named keep their rights."""
    assert Acl.parse(str(acl)) == acl
    assert acl.opened().is_public
    assert acl.opened(listing=False).listing is False
    assert acl.opened().closed() == Acl(acl.grants)
    assert not acl.closed().is_public


@pytest.mark.parametrize("entry", [".r:", ".r:-", ".r:.", ".x:y", ".r", ".rlisting", "a:b\nX-Evil: 1"], ids=repr)
def test_what_swift_would_refuse_is_refused(entry):
    """The mistake is named before anything is sent."""
    with pytest.raises(InvalidInputError, match="is no entry of an access list"):
        Acl.parse(f"lab:me,{entry}")


@pytest.mark.parametrize("given", [{"grants": ("a,b",)}, {"grants": (".r:*",)}, {"referrers": ("*,lab",)}])
def test_an_entry_is_one_entry(given):
    """No comma smuggles in another right."""
    with pytest.raises(InvalidInputError):
        Acl(**given)


def test_text_is_not_taken_for_several_entries():
    """A string where several are wanted is refused for access lists, and one origin for CORS."""
    with pytest.raises(InvalidInputError, match="are several"):
        Acl(grants="lab:me")
    assert Cors("*") == Cors(("*",))
    with pytest.raises(InvalidInputError):
        Cors("https://a https://b")
    with pytest.raises(InvalidInputError):
        Cors("*", max_age=-1)


def test_everyone_cannot_be_allowed_to_write(fs):
    """Only accounts and users write."""
    for acl in (".r:*", Acl(listing=True)):
        with pytest.raises(InvalidInputError, match="only accounts and users"):
            Containers(fs).set_access("omics", write=acl)


def test_another_account_is_let_in():
    """A user of another account reads and writes as the lists say, and is told no more than that."""
    with SwiftServer(accounts={"lab": {"me": "k"}, "other": {"you": "k"}}) as server:
        mine = SwiftFileSystem(storage_url=server.storage_url, token=server.token(), skip_instance_cache=True)
        yours = SwiftFileSystem(
            storage_url=server.storage_url, token=server.token("other:you"), skip_instance_cache=True
        )
        containers = Containers(mine)
        containers.create("omics")
        mine.pipe_file("omics/x", b"1")
        with pytest.raises(AccessDeniedError):
            yours.cat_file("omics/x")
        containers.set_access("omics", read=Acl(("other:you",)))
        assert yours.cat_file("omics/x") == b"1"
        with pytest.raises(AccessDeniedError):
            yours.pipe_file("omics/y", b"2")
        containers.set_access("omics", write="other:you")
        yours.pipe_file("omics/y", b"2")
        TempURLs(mine).rotate("omics")
        assert Containers(yours).stat("omics").read == Acl()
        assert TempURLs(yours).keys("omics") == TempURLKeys()
        containers.set_access("omics", read=Acl(), write=Acl())
        with pytest.raises(AccessDeniedError):
            yours.cat_file("omics/x")


# -- signed addresses ---------------------------------------------------------------------------------------------------


@pytest.fixture
def temp_urls(fs) -> TempURLs:
    made = TempURLs(fs)
    made.rotate("omics")
    return made


def ask(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body=body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_an_object_is_read_by_its_signed_address(temp_urls, fs):
    """Whoever has it reads, and does nothing else, to nothing else."""
    fs.pipe({"omics/a b+é%.txt": b"1", "omics/other": b"2"})
    url = temp_urls.sign("swift://omics/a b+é%.txt", expires_in=60)
    assert ask(url) == (200, b"1")
    assert ask(url, "HEAD")[0] == 200
    assert [ask(url, method, b"")[0] for method in ("PUT", "DELETE", "POST")] == [401] * 3
    assert ask(url.replace("a%20b%2B%C3%A9%25.txt", "other"))[0] == 401


def test_an_object_is_written_by_its_signed_address(temp_urls, fs):
    """An address for PUT writes, and cannot read."""
    url = temp_urls.sign("omics/x", expires_in=timedelta(minutes=1), method="PUT")
    assert ask(url, "PUT", b"new")[0] == 201
    assert fs.cat_file("omics/x") == b"new"
    assert ask(url)[0] == 401


def test_a_large_object_is_read_by_its_signed_address(connect):
    """Its segments need no address of their own."""
    fs = connect(segment_size=4)
    fs.pipe_file("omics/x", b"0123456789")
    temp_urls = TempURLs(fs)
    temp_urls.rotate("omics")
    assert ask(temp_urls.sign("omics/x", expires_in=60)) == (200, b"0123456789")


def test_a_signed_address_ends(temp_urls, fs):
    """After its time it opens nothing."""
    fs.pipe_file("omics/x", b"1")
    url = temp_urls.sign("omics/x", expires_in=1)
    assert ask(url)[0] == 200
    time.sleep(2.1)
    assert ask(url)[0] == 401


def test_a_signed_prefix_opens_what_is_beneath_and_nothing_beside(temp_urls, fs):
    """One signature is good for every object beneath a prefix, however deep, for its method."""
    fs.pipe({"omics/ex/a b": b"1", "omics/ex/zarr/c/0": b"2", "omics/ex2/a": b"3", "omics/ex": b"4"})
    signed = temp_urls.sign_prefix("omics/ex", expires_in=60)
    assert ask(signed.url_of("a b")) == (200, b"1")
    assert ask(signed.url_of("zarr/c/0")) == (200, b"2")
    assert ask(signed.url_of("a b"), "PUT", b"")[0] == 401
    query = urlsplit(str(signed)).query
    beside = signed.prefix.removesuffix("/")
    assert [ask(f"{address}?{query}")[0] for address in (f"{beside}2/a", beside)] == [401, 401]
    for name in ("", "/a", "../ex2/a"):
        with pytest.raises(InvalidPathError):
            signed.url_of(name)
    assert "sig" not in repr(signed)


def test_a_whole_container_is_signed(temp_urls, fs):
    """The empty prefix is everything in it, to read or to write."""
    fs.pipe_file("omics/ex/a", b"1")
    assert ask(temp_urls.sign_prefix("omics", expires_in=60).url_of("ex/a")) == (200, b"1")
    written = temp_urls.sign_prefix("swift://omics/", expires_in=60, method="PUT").url_of("ex/b")
    assert ask(written, "PUT", b"2")[0] == 201


@pytest.mark.parametrize(
    ("ip_range", "status"),
    [("127.0.0.1", 200), ("127.0.0.77/8", 200), ("192.0.2.7", 401), ("192.0.2.0/24", 401), ("2001:db8::/32", 401)],
)
def test_an_address_works_only_from_where_it_may(temp_urls, fs, ip_range, status):
    """From beside the range, and with the range taken out, it opens nothing."""
    fs.pipe_file("omics/x", b"1")
    url = temp_urls.sign("omics/x", expires_in=60, ip_range=ip_range)
    assert ask(url)[0] == status
    assert ask(temp_urls.sign_prefix("omics", expires_in=60, ip_range=ip_range).url_of("x"))[0] == status
    assert ask(url.partition("&temp_url_ip_range")[0])[0] == 401


def test_what_cannot_be_signed_is_refused(temp_urls):
    """A sentence says what is wrong: the range, the time, the method, the object."""
    with pytest.raises(InvalidInputError, match="no IP address or network"):
        temp_urls.sign("omics/x", expires_in=60, ip_range="here")
    with pytest.raises(InvalidInputError, match="of no use"):
        temp_urls.sign("omics/x", expires_in=0)
    with pytest.raises(InvalidInputError, match="of no use"):
        temp_urls.sign("omics/x", expires_in=float("inf"))
    with pytest.raises(InvalidInputError, match="not by a str"):
        temp_urls.sign("omics/x", expires_in="60")
    with pytest.raises(InvalidInputError, match="only for GET, HEAD"):
        temp_urls.sign("omics/x", expires_in=60, method="TRACE")
    with pytest.raises(InvalidPathError, match="as a prefix"):
        temp_urls.sign("omics", expires_in=60)


@pytest.mark.parametrize(("allowed", "digits"), [("sha1 sha256 sha512", 64), ("sha512", 128), ("sha1", 40)])
def test_the_digest_is_one_that_the_service_takes(allowed, digits):
    """`/info` says which digests a service takes, and one of them is used."""
    with SwiftServer(settings={"filter:tempurl": {"allowed_digests": allowed}}) as server:
        fs = SwiftFileSystem(storage_url=server.storage_url, token=server.token(), skip_instance_cache=True)
        fs.mkdir("omics")
        fs.pipe_file("omics/x", b"1")
        temp_urls = TempURLs(fs)
        temp_urls.rotate("omics")
        url = temp_urls.sign("omics/x", expires_in=60)
        assert len(parse_qs(urlsplit(url).query)["temp_url_sig"][0]) == digits
        assert ask(url) == (200, b"1")


def test_a_service_that_signs_nothing_says_so():
    """Where `/info` knows of no signed addresses, none is made up."""
    pipeline = "catch_errors gatekeeper healthcheck cache listing_formats bulk tempauth slo proxy-server"
    with SwiftServer(settings={"pipeline:main": {"pipeline": pipeline}}) as server:
        temp_urls = TempURLs(storage_url=server.storage_url, token=server.token())
        with pytest.raises(InvalidInputError, match="has no signed addresses"):
            temp_urls.sign("omics/x", expires_in=60, key="k")


# -- their keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["omics", None], ids=["container", "account"])
def test_a_rotated_key_keeps_old_addresses_working_once(fs, container):
    """Addresses that the key before signed work, and those of the key before that one end."""
    fs.pipe_file("omics/x", b"1")
    temp_urls = TempURLs(fs)
    assert temp_urls.keys(container) == TempURLKeys()
    first = temp_urls.rotate(container)
    assert first.key_2 is None
    old = temp_urls.sign("omics/x", expires_in=60)
    second = temp_urls.rotate(container)
    assert (second.key_2, temp_urls.keys(container)) == (first.key, second)
    new = temp_urls.sign("omics/x", expires_in=60)
    assert (ask(old)[0], ask(new)[0], old == new) == (200, 200, False)
    temp_urls.rotate(container, key="chosen")
    assert (ask(old)[0], ask(new)[0]) == (401, 200)
    temp_urls.set(TempURLKeys(), container)
    assert temp_urls.keys(container) == TempURLKeys()
    assert ask(new)[0] == 401


def test_a_containers_key_goes_before_the_accounts(fs):
    """So that taking it away ends what was signed for the container, and nothing else."""
    temp_urls = TempURLs(fs)
    account, container = temp_urls.rotate(), temp_urls.rotate("omics")
    assert None not in {account.key, container.key}
    assert account.key != container.key
    address = temp_urls.sign("omics/x", expires_in=60)
    expires = int(parse_qs(urlsplit(address).query)["temp_url_expires"][0])
    url = Terms(key=container.key, expires=expires).url(fs.client.known_storage_url, "omics/x")
    assert address == url


def test_without_a_key_it_says_how_to_get_one(fs):
    """No key anywhere is one sentence with the way out."""
    with pytest.raises(InvalidInputError, match=r"rotate\('omics'\)"):
        TempURLs(fs).sign("omics/x", expires_in=60)


@pytest.mark.parametrize("keys", [TempURLKeys("a", "a"), TempURLKeys("é"), TempURLKeys(" a"), TempURLKeys("a\nb")])
def test_a_key_that_cannot_be_sent_is_refused_unseen(fs, keys):
    """The error does not show it."""
    with pytest.raises(InvalidInputError) as caught:
        TempURLs(fs).set(keys, "omics")
    assert keys.key not in str(caught.value).split()
