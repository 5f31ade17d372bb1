"""Event loops, threads and processes, and what they leave behind."""

import asyncio
import multiprocessing
import pickle
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import fsspec
import pytest
from zarr.core.buffer import default_buffer_prototype

from modos.swift import SwiftFileSystem, SwiftStore


def count_to(fs, who, number):
    for n in range(number):
        fs.pipe_file(f"omics/{who}/{n}", f"{who} {n}".encode())
    return all(fs.cat_file(f"omics/{who}/{n}") == f"{who} {n}".encode() for n in range(number))


def test_threads_share_a_filesystem(fs):
    """Threads use one filesystem at a time, and every byte is right."""
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda who: count_to(fs, who, 10), range(16)))


def test_event_loops(connect, swift):
    """A filesystem works in one event loop after the other, and in several at a time."""
    fs = connect(asynchronous=True)

    async def work(who):
        await fs._pipe_file(f"omics/{who}", str(who).encode())
        return await fs._cat_file(f"omics/{who}")

    assert [asyncio.run(work(who)) for who in range(3)] == [b"0", b"1", b"2"]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda who: asyncio.run(work(who)), range(8))) == [str(who).encode() for who in range(8)]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork(fs):
    """A filesystem that was used before a fork works on both sides of it, at the same time, and mixes nothing."""
    assert count_to(fs, "before", 3)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        results = [pool.apply_async(count_to, (fs, who, 20)) for who in range(4)]
        assert count_to(fs, "parent", 20)
        assert all(result.get(timeout=60) for result in results)


PROCESSES, THREADS_OF_EACH, THREADS_OF_ONE = 8, 8, 64
ROUNDS = 20
OPERATIONS = 4


def bytes_of(name, round_):
    return random.Random(f"{name} {round_}").randbytes(500 + round_)


def write_and_read(pickled, process, threads):
    """Return how many operations so many threads did, which share one filesystem and one store and overwrite two keys each."""
    fs, store = pickle.loads(pickled)
    buffer = default_buffer_prototype().buffer

    def work(thread):
        done = 0
        for round_ in range(ROUNDS):
            key = f"{process}/{thread}/{round_ % 2}"
            content = bytes_of(key, round_)
            if round_ % 4 < 2:
                fs.pipe_file(f"omics/shared/{key}", content)
            else:
                store.set_sync(key, buffer.from_bytes(content))
            assert store.get_sync(key).to_bytes() == content
            assert fs.cat_file(f"omics/shared/{key}") == content
            assert fs.cat_file(f"omics/shared/{key}", 100, 300) == content[100:300]
            done += OPERATIONS
        return done

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads)))


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.thorough
def test_threads_and_processes_share_everything(fs, options):
    """One pickled filesystem and store in 64 threads of 8 processes and 64 of one more: 10,000 operations, every byte right."""
    pickled = pickle.dumps((fs, SwiftStore("omics", "shared", options)))
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        others = pool.starmap_async(
            write_and_read, zip(repeat(pickled), range(PROCESSES), repeat(THREADS_OF_EACH)), chunksize=1
        )
        done = write_and_read(pickled, "parent", THREADS_OF_ONE) + sum(others.get(timeout=280))
    assert done == 128 * ROUNDS * OPERATIONS >= 10_000


def test_instances(monkeypatch, options):
    """The same credentials are the same instance; those of the environment are read anew by each, as it is by then."""
    assert fsspec.filesystem("swift", **options) is fsspec.filesystem("swift", **options)
    assert fsspec.filesystem("swift", **options) is not fsspec.filesystem("swift", **options, segment_size=1 << 20)
    monkeypatch.setenv("OS_AUTH_TOKEN", options["token"])
    for account in ("AUTH_test", "AUTH_other"):
        monkeypatch.setenv("OS_STORAGE_URL", options["storage_url"].replace("AUTH_test", account))
        fs = fsspec.filesystem("swift")
        assert fs == pickle.loads(pickle.dumps(fs))
        assert fs.run(fs.objects.where, "omics").endswith(f"/{account}/omics")


FORKED = """
import os, sys
from modos.swift import SwiftFileSystem
fs = SwiftFileSystem(storage_url=sys.argv[1], token=sys.argv[2])
assert fs.exists("omics")
child = os.fork()
assert fs.exists("omics")
if child:
    status = os.waitpid(child, 0)[1]
    assert fs.exists("omics")
    sys.exit(os.waitstatus_to_exitcode(status))
"""
LOOP = """
import asyncio, sys
from modos.swift import SwiftFileSystem
async def work():
    fs = SwiftFileSystem(storage_url=sys.argv[1], token=sys.argv[2], asynchronous=True)
    return await asyncio.gather(*(fs._exists("omics") for _ in range(8)))
assert all(asyncio.run(work()))
fs = SwiftFileSystem(storage_url=sys.argv[1], token=sys.argv[2])
assert fs.exists("omics")
"""


ZARR = """
import sys
import modos.swift.http.sessions, zarr
from modos.swift import SwiftStore
zarr.open_group(SwiftStore("omics", "ex.zarr", {"storage_url": sys.argv[1], "token": sys.argv[2]}), mode="w")
"""


@pytest.mark.parametrize("program", [FORKED, LOOP, ZARR], ids=["fork", "loops", "zarr"])
def test_nothing_is_said_at_exit(fs, swift, program):
    """A program that used Swift ends without a word about unclosed sessions, in a forked child too."""
    command = [sys.executable, "-W", "always", "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run([*command, swift.storage_url, swift.token()], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_costs_nothing():
    """Importing the room loads neither aiohttp nor swiftclient nor fsspec nor zarr."""
    program = "import sys, modos.swift; print([m for m in ('aiohttp', 'swiftclient', 'fsspec', 'requests', 'zarr') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_credentials_cost_little():
    """Credentials and the filesystem are there without swiftclient, which only a login needs."""
    program = "import sys; from modos.swift import SwiftFileSystem; SwiftFileSystem(storage_url='http://h/v1/a', token='t'); print('swiftclient' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_facade():
    """What the façade lists is there, sorted."""
    import modos.swift

    assert modos.swift.__all__ == sorted(modos.swift.__all__)
    assert all(getattr(modos.swift, name) for name in modos.swift.__all__)
    assert SwiftFileSystem.protocol[0] == "swift"
