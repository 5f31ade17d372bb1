"""What `S3Storage` costs beside obstore and s3fs alone, on one real server: rates and client CPU, as a table.

Owns the scenarios and how they are measured; each peer works in a process of its own, and so does the server, so that
the CPU is the client's. Must not judge: nothing here fails because it was slow.

Run `python tests/benchmarks/storage.py`; `--json` prints the rows for a program.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from modos.storage import S3Storage
from modos.testing import SwiftServer

BUCKET = "benchmark"
SIZE = 4 << 10
NAMES = 64
IN_FLIGHT = 32
ROUNDS = 3
PASSES = 3
BASE = "obstore"


@dataclass(frozen=True)
class Way:
    """How a peer reaches the server."""

    endpoint: str
    user: str
    key: str


@dataclass(frozen=True)
class Row:
    """What one peer did: operations a second, and microseconds of client CPU for each."""

    scenario: str
    peer: str
    rate: float
    cpu: float


type Calls = tuple[Callable[[str], object], Callable[[str, bytes], object]]


def ours(engine: str) -> Callable[[Way], Calls]:
    """Return our `read` and `put` with an engine."""

    def make(way: Way) -> Calls:
        options = {"key": way.user, "secret": way.key, "region": "us-east-1", "engine": engine}
        storage = S3Storage(f"s3://{BUCKET}", way.endpoint, options)
        return storage.read, lambda name, body: storage.put(body, name)

    return make


def obstore(way: Way) -> Calls:
    """Return obstore's own `get` and `put`, as its documentation has them."""
    import obstore as obs
    from obstore.store import S3Store

    store = S3Store(
        BUCKET,
        endpoint=way.endpoint,
        access_key_id=way.user,
        secret_access_key=way.key,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    return lambda name: obs.get(store, name).bytes().to_bytes(), lambda name, body: obs.put(store, name, body)


def s3fs(way: Way) -> Calls:
    """Return s3fs's own `cat_file` and `pipe_file`."""
    from s3fs import S3FileSystem

    config = {"max_pool_connections": 64, "s3": {"addressing_style": "path"}}
    client = {"region_name": "us-east-1"}
    filesystem = S3FileSystem(
        key=way.user, secret=way.key, endpoint_url=way.endpoint, client_kwargs=client, config_kwargs=config
    )
    return (
        lambda name: filesystem.cat_file(f"{BUCKET}/{name}"),
        lambda name, body: filesystem.pipe_file(f"{BUCKET}/{name}", body),
    )


PEERS: dict[str, Callable[[Way], Calls]] = {
    BASE: obstore,
    "S3Storage (obstore)": ours("obstore"),
    "S3Storage (s3fs)": ours("fsspec"),
    "s3fs": s3fs,
}


def worked(peer: str, way: Way) -> list[Row]:
    """Run the scenarios with one peer in this process."""
    get, put = PEERS[peer](way)
    names = [f"{number:03}" for number in range(NAMES)] * 4
    body = os.urandom(SIZE)

    def read(name: str) -> None:
        if len(get(name)) != SIZE:  # type: ignore[arg-type]
            raise ValueError(name)

    scenarios: dict[str, Callable[[str], object]] = {"put": lambda name: put(name, body), "get": read}
    rows = []
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for scenario, call in scenarios.items():
            list(pool.map(call, names[:NAMES]))
            rounds = [_timed(lambda call=call: list(pool.map(call, names)), len(names)) for _ in range(ROUNDS)]
            rows += [Row(f"{scenario} 4 KiB, {IN_FLIGHT} in flight", peer, rate, cpu) for rate, cpu in rounds]
    return rows


def _timed(work: Callable[[], object], count: int) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / took, cpu / count * 1e6


@contextmanager
def _server() -> Iterator[Way]:
    with SwiftServer() as server:
        way = Way(server.s3_endpoint, server.user, server.key)
        options = {"key": way.user, "secret": way.key, "region": "us-east-1"}
        S3Storage(f"s3://{BUCKET}", way.endpoint, options).filesystem.call_s3("create_bucket", Bucket=BUCKET)
        yield way


def measured() -> list[Row]:
    """Run every peer in turn, several times, each in a process of its own; what is returned is the medians."""
    rows = []
    with _server() as way:
        for peer in [*PEERS] * PASSES:
            command = [sys.executable, str(Path(__file__)), "--peer", peer, "--way", json.dumps(asdict(way))]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows += [Row(**row) for row in json.loads(told)]
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        alike.setdefault((row.scenario, row.peer), []).append(row)
    return [Row(*key, median(row.rate for row in each), median(row.cpu for row in each)) for key, each in alike.items()]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown, with ratios to obstore alone."""
    base = {row.scenario: row for row in rows if row.peer == BASE}
    lines = [
        "| scenario | client | per second | of obstore's | CPU µs each | of obstore's |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in sorted(rows, key=lambda row: row.scenario):
        rate, cpu = row.rate / base[row.scenario].rate, row.cpu / base[row.scenario].cpu
        lines.append(f"| {row.scenario} | {row.peer} | {row.rate:,.0f} | {rate:.2f} | {row.cpu:,.0f} | {cpu:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or work as one peer for the process that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        rows: Any = worked(given.peer, Way(**json.loads(given.way)))
    else:
        rows = measured()
    as_json = json.dumps([asdict(row) for row in rows])
    sys.stdout.write(f"{as_json if given.json or given.peer else table(rows)}\n")


if __name__ == "__main__":
    main()
