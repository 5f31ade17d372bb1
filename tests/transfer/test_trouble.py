"""A network and services in trouble: what is tried again, what is found out, and what it costs."""

import re
from itertools import product
from random import Random

import pytest

from modos.errors import IntegrityError, ServiceUnavailableError, StorageError
from modos.storage import ROOT_DOCUMENT, S3Storage, SwiftStorage
from modos.testing import Fault, Proxy
from modos.transfers import transfer
from modos.transfers.limits import Limiter

pytestmark = pytest.mark.thorough

SMALL = {f"data.zarr/a/c/{number}": bytes([number]) * 4096 for number in range(200)} | {ROOT_DOCUMENT: b"{}"}
LARGE = {"large.bin": Random(5).randbytes(18 * 1024 * 1024), ROOT_DOCUMENT: b"{}"}


def through(proxy, places, storage, **options):
    """Return the same place, asked through a proxy."""
    if isinstance(storage, S3Storage):
        keys = {"key": places.server.user, "secret": places.server.key, "region": "us-east-1"}
        return S3Storage(storage.url, proxy.through(places.server.s3_endpoint), keys | options)
    given = places.swift_options() | {"storage_url": proxy.through(places.server.storage_url)}
    return SwiftStorage(storage.url, **given | options)


def now_and_then(**fault):
    """Return one fault in a hundred requests or so."""
    return [Fault(after=after, times=1, **fault) for after in (17, 60, 120, 180)]


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_network_that_breaks_now_and_then_is_outlived(places, here, fill, content, way):
    """With refusals, cut connections and one token that ends, everything arrives and is verified."""
    service, there, files = places.make("swift"), places.make("local"), SMALL | LARGE
    fill(here if way == "up" else service, files)
    server = places.server
    with Proxy(server.url) as proxy:
        login = {"auth_url": proxy.through(server.auth_url), "user": server.user, "key": server.key}
        troubled = SwiftStorage(service.url, **login)
        method = "PUT" if way == "up" else "GET"
        proxy.inject(*now_and_then(method=method, path="/ex/", status=503))
        proxy.inject(*now_and_then(method=method, path="/ex/", reset=True))
        proxy.inject(Fault(method=method, path="/ex/", after=90, times=1, status=401))
        report = transfer(here, troubled) if way == "up" else transfer(troubled, there)
        assert proxy.count(status=401) == 1
    assert content(service if way == "up" else there) == files
    assert len(report.digests) == len(files)


@pytest.mark.parametrize(("kind", "sent"), list(product(["s3", "swift"], ["whole", "in parts"])))
def test_a_large_body_that_is_damaged_on_its_way_from_a_service_is_found_out(places, fill, content, kind, sent):
    """Whether the service has it in one piece or in parts: damaged once it is mended, damaged always it is an error."""
    source, there = places.make(kind), places.make("local")
    fill(source, {ROOT_DOCUMENT: b"{}"})
    if sent == "whole":
        places.put_plainly(source, "large.bin", LARGE["large.bin"])
    else:
        fill(source, LARGE)
    assert (source.stat("large.bin").md5 is not None) == (sent == "whole")
    with Proxy(places.server.url) as proxy:
        troubled = through(proxy, places, source)
        damage = {"method": "GET", "path": "/large.bin", "corrupt": True}
        proxy.inject(Fault(times=None, **damage))
        with pytest.raises(IntegrityError, match=r"large\.bin"):
            transfer(troubled, there)
        assert not there.exists("large.bin")
        proxy.heal()
        proxy.inject(Fault(times=1, **damage))
        transfer(troubled, there)
    assert content(there) == LARGE


@pytest.mark.parametrize(("kind", "name"), list(product(["s3", "swift"], ["large.bin", "small.bin"])))
def test_a_body_that_is_damaged_on_its_way_to_a_service_is_found_out(places, fill, content, kind, name):
    """Of a small file or a part: damaged once it is sent again, damaged always nothing is completed."""
    files = {name: (LARGE["large.bin"] if name == "large.bin" else b"small"), ROOT_DOCUMENT: b"{}"}
    here, target = places.make("local"), places.make(kind)
    fill(here, files)
    with Proxy(places.server.url) as proxy:
        troubled = through(proxy, places, target, **({"attempts": 1} if kind == "swift" else {}))
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
        target = through(proxy, places, places.make("swift"), attempts=1)
        with pytest.raises(ServiceUnavailableError) as caught:
            transfer(here, target)
        assert "while copying" in caught.value.__notes__[0]
        assert target.empty()


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
