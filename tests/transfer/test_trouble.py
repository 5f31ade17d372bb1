"""A network and services in trouble: what is tried again, what is found out, and what it costs."""

import os
import re
from itertools import product
from random import Random

import pytest

from modos.errors import IntegrityError, ServiceUnavailableError, StorageError
from modos.storage import ROOT_DOCUMENT, SwiftStorage
from modos.testing import Fault, Proxy
from modos.transfers import transfer
from modos.transfers.limits import Limiter, limiters

pytestmark = pytest.mark.thorough

SMALL = {f"data.zarr/a/c/{number}": bytes([number]) * 4096 for number in range(150)} | {ROOT_DOCUMENT: b"{}"}
CUT = 1000
"""Bytes after which an answer breaks off; no file is just as long."""

LARGE = {"large.bin": Random(5).randbytes(18 * 1024 * 1024), ROOT_DOCUMENT: b"{}"}


SERVICES = ("s3", "swift")
PAIRS = (
    [pair for pair in product(("local", *SERVICES), repeat=2) if pair != ("local", "local")]
    if os.environ.get("MODOS_TEST_MATRIX") == "full"
    else [("local", "swift"), ("s3", "local"), ("swift", "s3")]
)
"""Between which places a broken network is tried; a run for a release asks for all."""


def drawn(random, count, share, **fault):
    """Return faults that strike so large a share of so many requests, each at a place that is drawn."""
    places = random.sample(range(count), max(1, round(count * share)))
    return [Fault(after=after, times=1, path="/ex/", **fault) for after in places]


@pytest.mark.parametrize("pair", PAIRS, ids="-to-".join)
def test_a_network_that_breaks_now_and_then_is_outlived(places, fill, content, noted, pair):
    """With 1 % of the requests refused, 1 % of the connections cut and the end of every token, all arrives, verified."""
    source, target, files, random = places.make(pair[0]), places.make(pair[1]), SMALL | LARGE, Random(str(pair))
    fill(source, files)
    server, expires_at = places.server, random.randrange(20, 80)

    def expire(_request):
        if len(proxy.requests) == expires_at:
            server.expire_tokens()

    with Proxy(server.url, on_request=expire) as proxy:
        login = {"auth_url": proxy.through(server.auth_url), "user": server.user, "key": server.key}
        ends = [
            SwiftStorage(place.url, **login) if kind == "swift" else places.through(proxy, place)
            for kind, place in zip(pair, (source, target), strict=True)
        ]
        is_read = pair[0] != "local" and pair[0] != pair[1]  # else the service copies by itself
        cuts = [{"reset": True}, {"reset": True, "forward": True}]
        cuts += [{"cut_after": CUT, "method": "GET"}] if is_read else []
        proxy.inject(
            *drawn(random, len(SMALL), 0.01, status=503), *drawn(random, len(SMALL), 0.01, **random.choice(cuts))
        )
        report = transfer(*ends)
        assert proxy.count(status=503) >= 1
        assert any(each.status is None or each.bytes_received == CUT for each in proxy.requests)
        assert "swift" not in pair or proxy.count(status=401) >= 1
    places.token = server.token()
    arrived = places.again(target)
    assert content(arrived) == files
    assert (report.files, report.bytes) == (len(files), sum(map(len, files.values())))
    assert len(report.digests) == (0 if pair[0] == pair[1] else len(SMALL))
    assert pair[0] == pair[1] or noted(arrived, "large.bin", LARGE["large.bin"])


def holding_a_large_file(places, fill, kind, sent):
    """Return a storage of a service with the files of `LARGE`, the large one in one piece or in parts."""
    source = places.make(kind)
    fill(source, {ROOT_DOCUMENT: b"{}"})
    if sent == "whole":
        places.put_plainly(source, "large.bin", LARGE["large.bin"])
    else:
        fill(source, LARGE)
    return source


@pytest.mark.parametrize(("kind", "sent"), list(product(["s3", "swift"], ["whole", "in parts"])))
def test_a_large_body_that_is_damaged_on_its_way_from_a_service_is_found_out(places, fill, content, kind, sent):
    """Whether the service has it in one piece or in parts: damaged once it is mended, damaged always it is an error."""
    source, there = holding_a_large_file(places, fill, kind, sent), places.make("local")
    assert (source.stat("large.bin").md5 is not None) == (sent == "whole")
    with Proxy(places.server.url) as proxy:
        troubled = places.through(proxy, source)
        damage = {"method": "GET", "path": re.compile(r"large\.bin|\.segments/"), "corrupt": True}
        proxy.inject(Fault(times=None, **damage))
        with pytest.raises(IntegrityError, match=r"large\.bin"):
            transfer(troubled, there)
        assert not there.exists("large.bin")
        proxy.heal()
        proxy.inject(Fault(times=1, **damage))
        transfer(troubled, there)
    assert content(there) == LARGE


@pytest.mark.parametrize(("kind", "sent"), [("swift", "whole"), ("s3", "in parts")])
def test_a_large_file_that_replaces_another_is_sent_again_and_completed(places, fill, content, kind, sent):
    """Damaged once on its way, which is seen when it is to take the place of the other: it does, before the root."""
    source, there = holding_a_large_file(places, fill, kind, sent), places.make("local")
    fill(there, {"large.bin": b"old", ROOT_DOCUMENT: b"old"})
    with Proxy(places.server.url) as proxy:
        proxy.inject(Fault(method="GET", path="/large.bin", corrupt=True))
        report = transfer(places.through(proxy, source), there)
    assert content(there) == LARGE
    assert report.files == len(LARGE)


@pytest.mark.parametrize(("kind", "name"), list(product(["s3", "swift"], ["large.bin", "small.bin"])))
def test_a_body_that_is_damaged_on_its_way_to_a_service_is_found_out(places, fill, content, kind, name):
    """Of a small file or a part: damaged once it is sent again, damaged always nothing is completed."""
    files = {name: (LARGE["large.bin"] if name == "large.bin" else b"small"), ROOT_DOCUMENT: b"{}"}
    here, target = places.make("local"), places.make(kind)
    fill(here, files)
    with Proxy(places.server.url) as proxy:
        troubled = places.through(proxy, target, **({"attempts": 1} if kind == "swift" else {}))
        path = re.compile(r"large\.bin|small\.bin|\.segments/")
        proxy.inject(Fault(method="PUT", path=path, corrupt_request=True, times=None))
        with pytest.raises(StorageError):
            transfer(here, troubled)
        assert list(target.list()) == []
        proxy.heal()
        proxy.inject(Fault(method="PUT", path=path, corrupt_request=True, times=1))
        transfer(here, troubled)
    assert content(target) == files


def test_a_service_that_is_busy_for_good_is_an_error(places, here, there, fill):
    """Each request is given up in the end, and nothing is complete."""
    fill(here, SMALL)
    with Proxy(places.server.url) as proxy:
        proxy.inject(Fault(method="PUT", path="/ex/", status=503, times=None))
        target = places.through(proxy, places.make("swift"), attempts=1)
        with pytest.raises(ServiceUnavailableError) as caught:
            transfer(here, target)
        assert "while copying" in caught.value.__notes__[0]
        assert target.empty()


def test_only_the_service_that_is_busy_is_asked_less(places, there, fill, monkeypatch):
    """The other end goes on with as many at a time as before."""
    made, troubled = [], []
    monkeypatch.setattr("modos.transfers.files.courier.limiters", lambda *asked: made.extend(limiters(*asked)) or made)
    monkeypatch.setattr(Limiter, "trouble", lambda limiter: troubled.append(id(limiter)))
    source = places.make("swift")
    fill(source, SMALL)
    with Proxy(places.server.url) as proxy:
        proxy.inject(Fault(method="GET", path="/ex/", status=503))
        transfer(places.through(proxy, source, attempts=1), there)
    asking, sending = map(id, made)
    assert troubled == [asking] != [sending]


def test_a_busy_service_is_asked_less():
    """Half as much after trouble, but no less than one at a time; what happens at the same moment counts once."""
    limiter = Limiter(8)
    limiter.trouble()
    limiter.trouble()
    assert limiter.limit == 4
    lonely = Limiter(1)
    lonely.trouble()
    assert lonely.limit == 1
    with lonely.slot():
        pass
