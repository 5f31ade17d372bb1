"""Over a dask cluster: the same plan on workers, one of which is killed."""

import os
import signal
import time
from random import Random

import pytest

from modos import MODO
from modos.cli import main
from modos.errors import AccessDeniedError, InvalidInputError
from modos.storage import ROOT_DOCUMENT, LocalStorage
from modos.storage.parts.rules import SWIFT
from modos.testing import Fault, Proxy
from modos.transfers import transfer

pytestmark = pytest.mark.thorough

distributed = pytest.importorskip("distributed")

FILES = {
    **{f"data.zarr/sample/{number}/zarr.json": bytes([number]) * 4096 for number in range(120)},
    "reads/large.cram": Random(1).randbytes(40 * 1024 * 1024 + 17),
    ROOT_DOCUMENT: b'{"root": 1}',
}


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes on this machine, whose client is nobody's default, as that of the command line."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.mark.parametrize("pair", [("local", "swift"), ("s3", "local")], ids="-to-".join)
def test_workers_bring_everything_though_one_is_killed(places, fill, content, client, pair):
    """What the dead worker had under way others do; the commit comes last, from here, and all is as it was sent."""
    source, target = map(places.make, pair)
    fill(source, FILES)
    time.sleep(0.05)  # what is younger than the clock's tick is not believed to be the same
    killed = []

    def kill(progress):
        if progress.bytes_done and not killed:
            victim = next(iter(client.run(os.getpid).values()))
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    report = transfer(source, target, client=client, progress=kill)
    assert killed
    assert content(target) == FILES
    assert (report.files, report.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert transfer(source, target).files == 0


@pytest.mark.parametrize("old", [{}, {"reads/large.cram": b"old", ROOT_DOCUMENT: b"old"}], ids=["new", "replaced"])
def test_what_is_damaged_on_its_way_is_sent_again(  # noqa: PLR0917 - fixtures and a case
    places, there, content, noted, client, old
):
    """Also a large file of which the source tells an MD5 of the whole alone: a part proves nothing then."""
    source = places.make("swift")
    places.put_plainly(source, "reads/large.cram", FILES["reads/large.cram"])
    source.put(b"{}", ROOT_DOCUMENT)
    for name, body in old.items():
        there.put(body, name)
    with Proxy(places.server.url) as proxy:
        proxy.inject(Fault(method="GET", path="/large.cram", corrupt=True))
        report = transfer(places.through(proxy, source), there, client=client)
    assert content(there) == {"reads/large.cram": FILES["reads/large.cram"], ROOT_DOCUMENT: b"{}"}
    assert set(report.digests) == {ROOT_DOCUMENT}
    assert "md5" in noted(there, "reads/large.cram", FILES["reads/large.cram"])


def test_what_was_brought_before_is_counted_once(places, there, fill, content, client):
    """Also of a large file that its bytes alone prove, in their order, and that is therefore begun here a second time."""
    source, name = places.make("swift"), "reads/large.cram"
    places.put_plainly(source, name, FILES[name])
    source.put(b"{}", ROOT_DOCUMENT)
    fill(there, {name: b"old", ROOT_DOCUMENT: b"old"})

    def stop(progress):
        if progress.bytes_done > len(FILES[name]) / 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        transfer(source, there, workers=1, progress=stop)
    seen = []
    assert transfer(source, there, client=client, progress=seen.append).resumed_bytes
    assert all(each.bytes_done <= each.bytes_total for each in seen)
    assert content(there) == {name: FILES[name], ROOT_DOCUMENT: b"{}"}


def test_workers_compare_what_nobody_has_compared_before_a_break(places, here, fill, content, client):
    """A part that was damaged when its writer was killed is sent again."""
    target = places.make("swift")
    fill(here, FILES)

    def stop(progress):
        if progress.bytes_done > len(FILES["reads/large.cram"]) / 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        transfer(here, target, workers=1, progress=stop)
    places.change_segment(target, 0, bytes(SWIFT.usual))
    report = transfer(here, target, client=client)
    assert content(target) == FILES
    assert report.resumed_bytes == 0


def test_what_fails_on_a_worker_fails_the_transfer(fill, client, account, container, tmp_path):
    """The error of the storage comes out, and nothing is committed."""
    target = LocalStorage(tmp_path / "copy")
    with Proxy(account.server.url) as proxy:
        source = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        fill(source, {"closed": b"x", ROOT_DOCUMENT: b"{}"})
        proxy.inject(Fault(method="GET", path="/closed", times=None, status=403))
        with pytest.raises(AccessDeniedError, match="/closed"):
            transfer(source, target, client=client)
    assert not target.exists(ROOT_DOCUMENT)


def test_the_address_of_a_cluster_is_no_client(here, there, fill, client):
    """Told before anything is written."""
    fill(here, {ROOT_DOCUMENT: b"{}"})
    with pytest.raises(InvalidInputError, match="not by a str"):
        transfer(here, there, client=client.scheduler.address)
    assert there.empty()


def test_the_command_line_takes_a_cluster(tmp_path, client, capsys, monkeypatch):
    """`--dask` names its scheduler; one that does not answer is told in a sentence."""
    MODO.create(tmp_path / "ex", id="ex")
    command = ["transfer", str(tmp_path / "ex"), str(tmp_path / "copy"), "--dask"]
    assert main([*command, client.scheduler.address]) == 0
    assert MODO(tmp_path / "copy").id == "ex"
    monkeypatch.setattr("modos.cli.transfer._SECONDS_TO_CONNECT", 0.2)
    assert main([*command, "tcp://127.0.0.1:9"]) == 2
    assert "no dask scheduler answers" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["nonsense://127.0.0.1:9", "localhost", "localhost:x", ""])
def test_what_is_no_address_of_a_scheduler_is_told_at_once(tmp_path, capsys, monkeypatch, address):
    """No client is made of it, which would wait for itself to end when the program does."""
    MODO.create(tmp_path / "ex", id="ex")
    monkeypatch.setattr(distributed, "Client", None)
    assert main(["transfer", str(tmp_path / "ex"), str(tmp_path / "copy"), "--dask", address]) == 2
    assert f"no dask scheduler answers at {address!r}" in capsys.readouterr().err
