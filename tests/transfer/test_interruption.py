"""Killed at every write, interrupted, and short of memory: each in a process of its own or with a real signal."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from modos.storage import ROOT_DOCUMENT, LocalStorage
from modos.transfers import transfer

pytestmark = pytest.mark.thorough

FILES = {
    "data.zarr/sample/s1/zarr.json": b"{}",
    "reads/1.cram": b"1" * 999,
    "reads/1.cram.crai": b"2" * 99,
    ROOT_DOCUMENT: b"new",
}

DYING = """
import itertools, json, os, signal, sys, threading
from modos.storage import Storage, open_storage
from modos.storage.sources import chunks_of
from modos.transfers import transfer

source, target, options, doomed, moment = json.loads(sys.argv[1])
writes, put, lock = itertools.count(1), Storage.put, threading.Lock()

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def deadly(self, body, name, **options):
    with lock:
        is_last = next(writes) == doomed

    def chunks():
        yield from chunks_of(body)
        if is_last and moment == "during":
            die()

    if is_last and moment == "before":
        die()
    info = put(self, chunks(), name, **options)
    if is_last and moment == "after":
        die()
    return info

Storage.put = deadly
transfer(open_storage(source), open_storage(target, storage_options=options), workers=2)
"""

FRUGAL = """
import sys
from modos.storage import LocalStorage
from modos.transfers import transfer

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

before = peak()
transfer(LocalStorage(sys.argv[1]), LocalStorage(sys.argv[2]), commit=None, workers=1)
print(peak() - before)
"""


def killed(source, target, options, doomed, moment) -> int:
    arguments = json.dumps([source.url, target.url, options, doomed, moment])
    return subprocess.run([sys.executable, "-c", DYING, arguments], check=False, timeout=30).returncode


def points():
    """Yield numbers of writes and moments around them, until the transfer outlives one."""
    for doomed in range(1, len(FILES) + 1):
        for moment in ("before", "during", "after"):
            yield doomed, moment


@pytest.mark.parametrize("kind", ["local", "swift"])
def test_killed_at_any_write_a_new_target_is_complete_or_not_there(places, here, fill, content, kind):
    """After SIGKILL the target has no committing file unless it has all files, and the same transfer again succeeds."""
    fill(here, FILES)
    options = places.swift_options() if kind == "swift" else {}
    completed = []
    for doomed, moment in points():
        target = places.make(kind)
        assert killed(here, target, options, doomed, moment) == -signal.SIGKILL
        completed.append(target.exists(ROOT_DOCUMENT))
        assert not completed[-1] or content(target) == FILES
        transfer(here, target)
        assert content(target) == FILES
    assert completed == [False] * (len(completed) - 1) + [True]
    assert killed(here, places.make(kind), options, len(FILES) + 1, "before") == 0


def test_killed_at_any_write_a_replaced_target_keeps_its_committing_file(places, here, fill, content):
    """The old committing file stays until the new one is there, and every file is wholly old or wholly new."""
    fill(here, FILES)
    old = dict.fromkeys(FILES, b"old")
    for doomed, moment in points():
        target = places.make("local")
        fill(target, old)
        assert killed(here, target, {}, doomed, moment) == -signal.SIGKILL
        found = content(target)
        assert all(found[name] in {b"old", body} for name, body in FILES.items())
        assert found[ROOT_DOCUMENT] == b"old" or found == FILES
        transfer(here, target)
        assert content(target) == FILES


def test_an_interrupt_ends_it_within_two_seconds(here, there, fill):
    """Ctrl-C comes out as such, promptly, with nothing committed, no unfinished file, and no thread that works on."""
    fill(here, {**{f"{number}": b"x" for number in range(300)}, ROOT_DOCUMENT: b"{}"})

    class Slow(LocalStorage):
        def _read(self, name, start, end):
            time.sleep(0.05)
            return super()._read(name, start, end)

    pressed = []

    def press(progress):
        if progress.files_done >= 5 and not pressed:
            pressed.append(time.monotonic())
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        transfer(Slow(here.path), there, progress=press)
    assert time.monotonic() - pressed[0] < 2
    written = set(there.path.rglob("*"))
    assert len(written) < 50
    assert not any(path.suffix == ".partial" for path in written)
    assert not there.exists(ROOT_DOCUMENT)
    time.sleep(0.2)
    assert set(there.path.rglob("*")) == written


def test_memory_does_not_grow_with_the_size_of_a_file(here, there):
    """A file of 200 MiB is copied and read back within 64 MiB."""
    here.path.mkdir()
    with (here.path / "large.bin").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    child = subprocess.run(
        [sys.executable, "-c", FRUGAL, str(here.path), str(there.path)], check=True, capture_output=True, timeout=60
    )
    assert there.stat("large.bin").size == 200 * 1024 * 1024
    assert 0 < int(child.stdout) < 64 * 1024
