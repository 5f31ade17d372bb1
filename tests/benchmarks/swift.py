"""What `modos.swift` costs beside its peers, on one real Swift: rates, client CPU and memory, as tables.

Owns the scenarios and how they are measured; each peer works in a process of its own, and so do the server and the proxy
that adds latency, so that CPU and memory are the client's. Must not judge: nothing here fails because it was slow.

Run `python tests/benchmarks/swift.py --quick`; peers that are not installed are left out. zarr-swiftstore asks for an old
zarr, so install it without its dependencies in a folder of its own, and name that in `PYTHONPATH`. `--scratch` with a
folder in memory keeps the disk out of the figures. A peer's rate is that of a machine which it shares with the server: what
the server takes bounds them all.
"""

import argparse
import asyncio
import importlib.util
import io
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from modos.swift import SwiftFileSystem
from modos.testing import Proxy, SwiftServer

CONTAINER = "benchmark"
SIZES = {"4 KiB": 4 << 10, "1 MiB": 1 << 20}
NAMES = {"4 KiB": 256, "1 MiB": 64}
IN_FLIGHT = (1, 8, 32)
SEGMENT = 256 << 20
OURS, ZARR, SERVICE, S3 = "modos.swift", "zarr-swiftstore", "SwiftService", "s3fs"
_CLEARED = ("OS_", "ST_", "AWS_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Way:
    """How a peer reaches the server."""

    storage_url: str
    token: str
    s3_endpoint: str
    user: str
    key: str


class Peer:
    """A client that is measured; what it does with one object, many of them run side by side by `many`."""

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, way: Way) -> None:
        self.way = way

    async def get(self, name: str) -> Any:
        """Return the bytes of an object."""
        raise NotImplementedError

    async def put(self, name: str, body: bytes) -> None:
        """Write an object."""
        raise NotImplementedError

    async def get_many(self, names: Sequence[str], size: int, in_flight: int) -> None:
        """Read objects, and insist on their length."""

        async def one(name: str) -> None:
            if len(await self.get(name)) != size:
                message = f"{name} came back with another length"
                raise ValueError(message)

        await many(one, names, in_flight)

    async def put_many(self, names: Sequence[str], body: bytes, in_flight: int) -> None:
        """Write objects."""
        await many(lambda name: self.put(name, body), names, in_flight)

    async def up(self, source: Path, name: str) -> None:
        """Write a file to an object."""
        await self.put(name, await asyncio.to_thread(source.read_bytes))

    async def down(self, name: str, target: Path) -> None:
        """Write an object to a file."""
        body = await self.get(name)
        await asyncio.to_thread(target.write_bytes, body.as_buffer_like() if hasattr(body, "as_buffer_like") else body)


class _ZarrStore(Peer):
    """A zarr store, whichever."""

    store: Any

    async def get(self, name: str) -> Any:
        from zarr.core.buffer import default_buffer_prototype

        return await self.store.get(name, default_buffer_prototype())

    async def put(self, name: str, body: bytes) -> None:
        from zarr.core.buffer import default_buffer_prototype

        await self.store.set(name, default_buffer_prototype().buffer.from_bytes(body))


class Ours(_ZarrStore):
    """`SwiftStore` for values, `SwiftFileSystem` for files."""

    def __init__(self, way: Way) -> None:
        super().__init__(way)
        self._options = {"storage_url": way.storage_url, "token": way.token}

    @property
    def store(self) -> Any:
        """The store, made on first use: files need no zarr in memory."""
        if "_store" not in self.__dict__:
            from modos.swift import SwiftStore

            self._store = SwiftStore(CONTAINER, "", self._options)
        return self._store

    async def up(self, source: Path, name: str) -> None:
        await SwiftFileSystem(**self._options, asynchronous=True)._put_file(source, f"{CONTAINER}/{name}")

    async def down(self, name: str, target: Path) -> None:
        await SwiftFileSystem(**self._options, asynchronous=True)._get_file(f"{CONTAINER}/{name}", target)


class ZarrSwiftStore(_ZarrStore):
    """`zarrswift.SwiftStore`."""

    needs = ("zarrswift",)

    def __init__(self, way: Way) -> None:
        from zarrswift import SwiftStore

        self.store = SwiftStore(CONTAINER, "", {"preauthurl": way.storage_url, "preauthtoken": way.token})


class Service(Peer):
    """`swiftclient.service.SwiftService`, which has threads of its own and takes many objects at once."""

    needs = ("swiftclient",)

    def _service(self, in_flight: int) -> Any:
        from swiftclient.service import SwiftService

        options = {"os_storage_url": self.way.storage_url, "os_auth_token": self.way.token, "auth_version": "2.0"}
        return SwiftService({**options, "object_dd_threads": in_flight, "object_uu_threads": in_flight})

    async def get_many(self, names: Sequence[str], size: int, in_flight: int) -> None:
        with self._service(in_flight) as service:
            _insist(service.download(CONTAINER, names, {"no_download": True}), len(names))

    async def put_many(self, names: Sequence[str], body: bytes, in_flight: int) -> None:
        from swiftclient.service import SwiftUploadObject

        with self._service(in_flight) as service:
            objects = [SwiftUploadObject(io.BytesIO(body), name) for name in names]
            _insist(service.upload(CONTAINER, objects), len(names))

    async def up(self, source: Path, name: str) -> None:
        from swiftclient.service import SwiftUploadObject

        with self._service(4) as service:
            options = {"segment_size": str(SEGMENT), "use_slo": True}
            _insist(service.upload(CONTAINER, [SwiftUploadObject(str(source), name)], options), 1)

    async def down(self, name: str, target: Path) -> None:
        with self._service(4) as service:
            _insist(service.download(CONTAINER, [name], {"out_file": str(target)}), 1)


class S3Fs(Peer):
    """`s3fs.S3FileSystem` on the same server."""

    needs = ("s3fs",)

    @property
    def _fs(self) -> Any:
        from s3fs import S3FileSystem

        return S3FileSystem(
            key=self.way.user,
            secret=self.way.key,
            endpoint_url=self.way.s3_endpoint,
            client_kwargs={"region_name": "us-east-1"},
            config_kwargs={"max_pool_connections": 64},
            asynchronous=True,
        )

    async def get(self, name: str) -> bytes:
        return await self._fs._cat_file(f"{CONTAINER}/{name}")

    async def put(self, name: str, body: bytes) -> None:
        await self._fs._pipe_file(f"{CONTAINER}/{name}", body)

    async def up(self, source: Path, name: str) -> None:
        await self._fs._put_file(str(source), f"{CONTAINER}/{name}")

    async def down(self, name: str, target: Path) -> None:
        await self._fs._get_file(f"{CONTAINER}/{name}", str(target))


PEERS: dict[str, type[Peer]] = {OURS: Ours, ZARR: ZarrSwiftStore, SERVICE: Service, S3: S3Fs}


async def many(call: Callable[[str], Coroutine[Any, Any, None]], names: Sequence[str], in_flight: int) -> None:
    """Call for each name, so many at once."""
    waiting = iter(names)

    async def work() -> None:
        for name in waiting:
            await call(name)

    await asyncio.gather(*(work() for _ in range(in_flight)))


def _insist(results: Iterator[dict[str, Any]], count: int) -> None:
    done = [result for result in results if result["action"] in {"download_object", "upload_object"}]
    failed = [result.get("error") for result in done if not result["success"]]
    if failed or len(done) != count:
        message = f"{len(done)} of {count}: {failed[:1]}"
        raise ValueError(message)


@dataclass(frozen=True)
class Small:
    """A peer's work on small objects one way, for so many seconds a cell: `{verb size in_flight: [rate, CPU]}`."""

    peer: str
    way: Way
    seconds: float

    async def run(self) -> dict[str, list[float]]:
        peer, found = PEERS[self.peer](self.way), {}
        for (label, size), in_flight in itertools.product(SIZES.items(), IN_FLIGHT):
            body, names = os.urandom(size), [f"{self.peer}/{size}/{index}" for index in range(NAMES[label])]
            reading, writing = partial(peer.get_many, size=size), partial(peer.put_many, body=body)
            for verb, batch in {"put": writing, "get": reading}.items():
                found[f"{verb} {label} {in_flight}"] = await self._cell(partial(batch, in_flight=in_flight), names)
        return found

    async def _cell(self, batch: Callable[[list[str]], Coroutine[Any, Any, None]], names: list[str]) -> list[float]:
        """Return operations per second, and microseconds of CPU for each; the first batch only warms up."""
        await batch(names)
        done, start, cpu = 0, time.perf_counter(), time.process_time()
        while done == 0 or time.perf_counter() - start < self.seconds:
            await batch(names)
            done += len(names)
        return [done / (time.perf_counter() - start), (time.process_time() - cpu) / done * 1e6]


@dataclass(frozen=True)
class Large:
    """A peer's work on one large file: `{"up": [MB/s, MB resident], "down": …}`, the memory being the peak so far."""

    peer: str
    way: Way
    source: str

    async def run(self) -> dict[str, list[float]]:
        peer, source, name, found = PEERS[self.peer](self.way), Path(self.source), f"{self.peer}/large", {}
        target = source.with_name("arrived")
        steps = {"up": partial(peer.up, source, name), "down": partial(peer.down, name, target)}
        size = os.path.getsize(source)  # noqa: ASYNC240, PTH202 - nothing else runs yet
        for verb, step in steps.items():
            start = time.perf_counter()
            await step()
            rate = size / (time.perf_counter() - start) / 1e6
            found[verb] = [rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3]
        assert os.path.getsize(target) == size  # noqa: ASYNC240, PTH202 - likewise
        return found


def measured(work: Small | Large) -> dict[str, list[float]]:
    """Run it in a process of its own; one that fails is told, and is empty."""
    order = json.dumps({"kind": type(work).__name__, **asdict(work)})
    environ = {name: value for name, value in os.environ.items() if not name.upper().startswith(_CLEARED)}
    command = [sys.executable, "-P", "-W", "ignore", __file__, "--work", order]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        say(f"{work.peer} failed: {ended.stderr.strip().splitlines()[-1:]}")
        return {}
    return json.loads(ended.stdout.splitlines()[-1])


def alternating(works: dict[str, Small | Large], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Measure the peers in turn, again and again, and return the medians: what else the machine does meets them all."""
    found = [{peer: measured(work) for peer, work in works.items()} for _ in range(rounds)]
    return {peer: _medians([turn[peer] for turn in found if turn[peer]]) for peer in works}


def _medians(turns: Sequence[dict[str, list[float]]]) -> dict[str, list[float]]:
    cells = turns[0] if turns else {}
    return {cell: [median(turn[cell][index] for turn in turns) for index in (0, 1)] for cell in cells}


def work(order: dict[str, Any]) -> None:
    """Do what `measured` asked for."""
    kind = {"Small": Small, "Large": Large}[order.pop("kind")]
    sys.stdout.write(json.dumps(asyncio.run(kind(**order | {"way": Way(**order["way"])}).run())) + "\n")


@contextmanager
def slower(server: str, milliseconds: float) -> Iterator[str]:
    """Start the proxy that adds latency, in a process of its own; yields its address."""
    command = [sys.executable, "-P", __file__, "--proxy", server, "--latency", str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


def serve(server: str, milliseconds: float) -> None:
    """Be that proxy until the end of the input."""
    with Proxy(server, latency=milliseconds / 1e3) as proxy:
        say(proxy.url)
        sys.stdin.read()


def say(line: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: dict[str, Sequence[str]]) -> None:
    """Print a table."""
    say(f"\n{title}\n{'':32}" + "".join(f"{column:>20}" for column in columns))
    for name, cells in rows.items():
        say(f"{name:32}" + "".join(f"{cell:>20}" for cell in cells))


def small_table(place: str, verb: str, label: str, found: dict[str, dict[str, list[float]]]) -> None:
    """Print what the peers did with objects of one size in one way."""
    rows = {}
    for peer, cells in found.items():
        numbers = [cells.get(f"{verb} {label} {in_flight}") for in_flight in IN_FLIGHT]
        rows[peer] = [f"{cell[0]:,.0f}/s {cell[1]:,.0f} µs" if cell else "-" for cell in numbers]
    table(f"{verb} {label}, {place}: rate, client CPU each", [f"{n} in flight" for n in IN_FLIGHT], rows)


def ratio(found: dict[str, dict[str, list[float]]], peer: str, cell: str, index: int) -> str:
    """Return our number over a peer's."""
    ours, theirs = (found.get(one, {}).get(cell) for one in (OURS, peer))
    return f"{ours[index] / theirs[index]:.2f}" if ours and theirs else "-"


def benchmark(given: argparse.Namespace) -> None:
    """Measure all that the flags ask for, and print the tables and the ratios beside their targets."""
    seconds, megabytes = (0.3, 128) if given.quick else (given.seconds, given.size)
    peers = [
        name for name, kind in PEERS.items() if name in given.only and all(map(importlib.util.find_spec, kind.needs))
    ]
    with (
        SwiftServer(scratch=given.scratch) as server,
        slower(server.url, given.latency) as slow,
        tempfile.TemporaryDirectory(dir=given.scratch) as scratch,
    ):
        token = server.token()

        def way(base: str) -> Way:
            through = [base + url.removeprefix(server.url) for url in (server.storage_url, server.s3_endpoint)]
            return Way(through[0], token, through[1], server.user, server.key)

        SwiftFileSystem(storage_url=server.storage_url, token=token).makedirs(CONTAINER)
        places = {"directly": way(server.url), f"behind {given.latency:.0f} ms": way(slow)}
        small = {
            place: alternating({peer: Small(peer, at, seconds) for peer in peers}, given.rounds)
            for place, at in places.items()
        }
        for place, verb, label in itertools.product(places, ("get", "put"), SIZES):
            small_table(place, verb, label, small[place])
        source = Path(scratch) / "source"
        with source.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1 << 20))
        large = alternating({peer: Large(peer, way(server.url), str(source)) for peer in peers}, given.rounds)
    rows = {
        peer: [f"{cell[0]:,.0f} MB/s {cell[1]:,.0f} MB" for cell in found.values()] for peer, found in large.items()
    }
    table(f"one object of {megabytes} MiB: rate, peak resident", ["up", "down"], rows)
    direct, behind = small.values()
    get = [f"get 4 KiB {in_flight}" for in_flight in IN_FLIGHT]
    resident = max((cell[1] for cell in large.get(OURS, {}).values()), default=0.0)
    table(
        f"ratios of {OURS} at {', '.join(map(str, IN_FLIGHT))} in flight",
        ["measured", "target"],
        {
            f"CPU, get 4 KiB, {ZARR}": [" ".join(ratio(direct, ZARR, one, 1) for one in get), "at most 0.5"],
            f"CPU, get 4 KiB, {S3}": [" ".join(ratio(direct, S3, one, 1) for one in get), "at most 0.2"],
            f"rate, 32 behind, {ZARR}": [ratio(behind, ZARR, get[-1], 0), "at least 3"],
            f"rate, up, {SERVICE}": [ratio(large, SERVICE, "up", 0), "at least 1.3"],
            f"rate, down, {SERVICE}": [ratio(large, SERVICE, "down", 0), "at least 1.3"],
            "MB resident": [f"{resident:,.0f}", "at most 200"],
        },
    )


def main() -> None:
    """Read the flags."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a third of a second a cell, and 128 MiB")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each cell of a table")
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large object")
    parser.add_argument("--latency", type=float, default=10.0, help="milliseconds that the proxy adds")
    parser.add_argument("--rounds", type=int, default=3, help="how often the peers take turns; medians are printed")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="peers to measure")
    parser.add_argument("--scratch", help="folder for the server and the large object")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--proxy", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(json.loads(given.work))
    elif given.proxy:
        serve(given.proxy, given.latency)
    else:
        benchmark(given)


if __name__ == "__main__":
    main()
