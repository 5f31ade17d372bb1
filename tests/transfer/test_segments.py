"""A large object of Swift on its way elsewhere: its segments are what is asked for, where they may be read."""

from random import Random

import pytest

from modos.errors import IntegrityError
from modos.storage.parts.rules import PartRules
from modos.testing import Fault, Proxy
from modos.transfers import transfer

pytestmark = pytest.mark.thorough

PART = 5 * 1024 * 1024
BODY = Random(1).randbytes(2 * PART + 17)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    """Parts as small as they are kept."""
    monkeypatch.setattr(PartRules, "size_for", lambda self, size: PART)


@pytest.fixture
def large(places, here):
    """An object of three segments."""
    here.put(BODY, "large.bin")
    source = places.make("swift")
    transfer(here, source, commit=None)
    return source


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_segments_are_asked_for_by_themselves(places, content, noted, large, kind):
    """One request for each, and of the object nothing but what it is; it costs the service less."""
    target = places.make(kind)
    with Proxy(places.server.url) as proxy:
        report = transfer(places.through(proxy, large), target, commit=None, by_service=False)
        bodies = [each for each in proxy.requests if each.method == "GET" and "ex/large.bin" in each.path]
        assert all("multipart-manifest" in each.query for each in bodies)
        assert proxy.count(method="GET", path=".segments/") == 3
    assert content(target) == {"large.bin": BODY}
    assert report.files == 1
    assert noted(target, "large.bin", BODY) == {f"md5s-{PART}"}


@pytest.mark.parametrize("status", [403, 404, 412])
def test_what_may_not_be_read_by_itself_is_read_out_of_the_object(places, there, content, large, status):
    """Who may read an object need not be allowed to read what it consists of, which may also go meanwhile."""
    with Proxy(places.server.url) as proxy:
        proxy.inject(Fault(method="GET", path=".segments/", status=status, times=None))
        transfer(places.through(proxy, large), there, commit=None)
    assert content(there) == {"large.bin": BODY}


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_a_segment_that_comes_damaged_is_alone_asked_for_again(places, content, large, kind):
    """It is known by its MD5 before anything is completed; if it always comes so, the error names the source."""
    target = places.make(kind)
    with Proxy(places.server.url) as proxy:
        source = places.through(proxy, large)
        proxy.inject(Fault(method="GET", path=".segments/", corrupt=True, times=None))
        with pytest.raises(IntegrityError, match="large") as caught:
            transfer(source, target, commit=None, by_service=False)
        assert caught.value.url == source.url_of("large.bin")
        assert target.empty()
        proxy.heal()
        proxy.inject(Fault(method="GET", path=".segments/", corrupt=True, times=1))
        before = proxy.count(method="GET", path=".segments/")
        transfer(source, target, commit=None, by_service=False)
        assert proxy.count(method="GET", path=".segments/") - before == 4
    assert content(target) == {"large.bin": BODY}
