"""Transfers that are killed again and again, between every two kinds of places: run it by hand, `--help` says how.

Owns the loads, where a transfer is killed, and what must hold each time; prints a table, and ends with 1 when anything did
not hold. Everything is on one machine: a disk, and a real Swift that speaks S3 too.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Any

from modos import MODO, list_modos
from modos.storage import ROOT_DOCUMENT, LocalStorage, Storage, open_storage
from modos.testing import SwiftServer
from modos.transfers import prepare_transfer
from modos.transfers.copying import digest_of
from modos.transfers.engine import WORKERS

KINDS = ("local", "s3", "swift")
LOADS = ("small", "large", "object")
MIB = 2**20
SECONDS_BEFORE_DEATH = 0.05
"""A transfer is killed up to so long after it has come to its point, so that it is killed at any place of its work."""

SECONDS_TO_SETTLE = 0.5
TIMES_TO_LOOK = 6
"""What was under way when the client died the service may still carry out."""

ROUNDS = 10
"""How often a load is moved at most, until it has been killed as often as was wished."""

AT_ONCE = 7
"""How often the transfer of one object is killed; a larger load lasts longer."""

CHILD = """
import json, os, random, signal, sys, threading, time
from modos.storage import open_storage
from modos.transfers import transfer

task = json.loads(sys.argv[1])
doomed = threading.Event()

def tell(**said):
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps({**said, "peak": peak // 1024}), flush=True)

def die():
    doomed.wait()
    time.sleep(task["delay"])
    tell(left=left)
    os.kill(os.getpid(), signal.SIGKILL)

def watch(progress):
    global left
    left = progress.bytes_total - progress.bytes_done
    if left <= task["dies_at"]:
        doomed.set()

threading.Thread(target=die, daemon=True).start()
ends = [open_storage(url, storage_options=options) for url, options in task["ends"]]
report = transfer(*ends, progress=watch)
tell(bytes=report.bytes, resumed=report.resumed_bytes, seconds=report.seconds, service=report.service_bytes)
"""


@dataclass
class Row:
    """What was found out about one load between one pair."""

    load: str
    pair: str
    files: int = 0
    size: int = 0
    kills: int = 0
    again: list[int] = field(default_factory=list)
    """Bytes that were sent once more after each kill."""
    peak: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        worst, total = max(self.again, default=0) / MIB, sum(self.again) / MIB
        sizes = f"{self.files:>6,} files {self.size / MIB:>8,.1f} MiB"
        again = f"sent again at most {worst:6.2f} MiB a kill, {total:7.2f} in all"
        verdict = "; ".join(self.wrong) or "sound"
        return f"{self.load:<7}{self.pair:<15}{sizes} {self.kills:>4} kills  {again}  {self.peak:>4} MiB {self.seconds:>7.1f} s  {verdict}"


class Places:
    """Places of any kind, all on one machine."""

    def __init__(self, server: SwiftServer, scratch: Path) -> None:
        self.server = server
        self.scratch = scratch
        self._numbers = count()

    def make(self, kind: str) -> tuple[str, dict[str, Any]]:
        """Return address and options of a new place."""
        name = f"place-{next(self._numbers)}"
        if kind == "local":
            return str(self.scratch / name / "ex"), {}
        self.swift(name).filesystem.mkdir(name)
        if kind == "swift":
            return f"swift://{name}/ex", self.access()
        keys = {"key": self.server.user, "secret": self.server.key, "region": "us-east-1"}
        return f"s3://{name}/ex", {**keys, "endpoint": self.server.s3_endpoint}

    def access(self) -> dict[str, Any]:
        """Return how the Swift is reached."""
        return {"auth_url": self.server.auth_url, "user": self.server.user, "key": self.server.key}

    def swift(self, name: str) -> Any:
        """Return a container, or what is a bucket of S3, as a Swift storage."""
        return open_storage(f"swift://{name}", storage_options=self.access())

    def remove(self, url: str) -> None:
        """Remove a place with all that is in it, parts that were left too."""
        if "://" not in url:
            shutil.rmtree(Path(url).parent, ignore_errors=True)
            return
        name = url.split("/")[2]
        for each in (name, f"{name}+segments"):
            storage = self.swift(each)
            if storage.filesystem.exists(each):
                storage.remove_tree()


def fill(place: Path, load: str, megabytes: int) -> None:
    """Write what is moved."""
    if load == "object":
        _demo(place)
        return
    MODO.create(place, id="ex")
    if load == "small":
        for number in range(2000):
            path = place / f"data.zarr/data/a/c/{number // 100}/{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(4096))
    else:
        path = place / "reads.cram"
        with path.open("wb") as file:
            for _ in range(megabytes // 16):
                file.write(os.urandom(16 * MIB))


def _demo(place: Path) -> None:
    """Write an object of elements, files and arrays."""
    import numpy as np
    import zarr

    modo = MODO.create(place, id="ex", description="demo")
    samples = place.parent / "samples"
    samples.mkdir()
    for number in range(12):
        modo.add("sample", id=f"s{number}") if hasattr(modo, "add") else None
        (place / f"reads{number}.cram").write_bytes(os.urandom(50_000 * (number + 1)))
    group = zarr.open_group(place / "data.zarr", mode="r+")
    for name, chunks in (("counts", (64, 64)), ("intensity", (256, 256))):
        array = group.create_array(f"data/{name}", shape=(512, 512), chunks=chunks, dtype="float32")
        array[:] = np.random.default_rng(1).random((512, 512), dtype="float32")
    zarr.consolidate_metadata(place / "data.zarr")


def run(ends: list[Any], dies_at: float, scratch: Path, draw: random.Random) -> dict[str, Any]:
    """Let a process transfer; it kills itself when so many bytes are left. Return what it has told last."""
    delay = draw.random() * SECONDS_BEFORE_DEATH
    task = {"ends": ends, "dies_at": dies_at, "delay": delay}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(task)],
        check=False,
        capture_output=True,
        env={**os.environ, "MODOS_CACHE_DIR": str(scratch / "cache")},
    )
    if child.returncode not in {0, -signal.SIGKILL}:
        raise RuntimeError(child.stderr.decode()[-2000:])
    return json.loads(child.stdout.splitlines()[-1])


def missing(source: Storage, target: Storage) -> tuple[int, int]:
    """Return how many bytes have not arrived, and what part of the plan has: as the listings tell."""
    plan = prepare_transfer(source, target)
    wanted = {step.file.path for step in plan.steps if step.action not in {"skip", "remove"}}
    left = target.parts.unfinished() if target.parts is not None else ()
    parts = sum(each.size for each in left if each.path in wanted)
    return plan.bytes - parts, parts


def measure(
    row: Row, ends: list[Any], expected: Mapping[str, str], *, kills: int, draw: random.Random, scratch: Path
) -> None:
    """Kill a transfer at points that are drawn, each time let it go on, and note what that has cost."""
    source, target = (open_storage(url, storage_options=options) for url, options in ends)
    points = sorted((draw.random() * 0.98 for _ in range(kills)), reverse=True)
    for point in points:
        before, _ = missing(source, target)
        told = run(ends, row.size * point, scratch, draw)
        row.peak = max(row.peak, told["peak"])
        if "left" not in told:
            break  # it was done before it could be killed
        row.kills += 1
        check(row, (source, target), told["left"], before, expected)


def check(row: Row, ends: tuple[Storage, Storage], left: int, before: int, expected: Mapping[str, str]) -> None:
    """Look at what a killed transfer has left."""
    source, target = ends
    allowed = min(row.size, WORKERS * (16 * MIB if row.load == "large" else MIB))
    for _ in range(TIMES_TO_LOOK):
        time.sleep(SECONDS_TO_SETTLE)
        after, _ = missing(source, target)
        if after - left <= min(allowed, MIB):
            break
    row.again.append(max(0, after - left))
    if left > before:
        row.wrong.append(f"began with {left - before:,} bytes more than were missing")
    if after - left > allowed:
        row.wrong.append(f"{after - left:,} bytes sent again")
    if (target.exists(ROOT_DOCUMENT) or list(list_modos(target))) and digests(target) != expected:
        row.wrong.append("seen before it was whole")


def finish(row: Row, ends: list[Any], expected: Mapping[str, str], scratch: Path, draw: random.Random) -> None:
    """Let the transfer end, and compare every file."""
    source, target = (open_storage(url, storage_options=options) for url, options in ends)
    rest, parts = missing(source, target)
    told = run(ends, -1, scratch, draw)
    row.peak = max(row.peak, told["peak"])
    if told["resumed"] != parts or told["bytes"] - told["resumed"] > rest:
        row.wrong.append(f"{told['bytes'] - told['resumed']:,} bytes sent where {rest:,} were missing")
    if digests(target) != expected:
        row.wrong.append("other digests")
    if prepare_transfer(source, target).files:
        row.wrong.append("not the same afterwards")
    if target.parts is not None and any(each.size for each in target.parts.unfinished()):
        row.wrong.append("parts are left")


def digests(storage: Storage) -> dict[str, str]:
    """Return the BLAKE2b of every file, read."""
    listed = list(storage.scan())
    with ThreadPoolExecutor(8) as pool:
        return dict(
            zip((str(info.path) for info in listed), pool.map(lambda i: digest_of(storage, i), listed), strict=True)
        )


def rows(given: argparse.Namespace, places: Places, scratch: Path) -> Iterator[Row]:
    """Yield a row for each load and pair."""
    draw = random.Random(given.seed)
    for load in given.loads:
        origin = scratch / f"{load}-origin" / "ex"
        fill(origin, load, given.large)
        expected = digests(LocalStorage(origin))
        size = sum(info.size for info in LocalStorage(origin).scan())
        for source_kind, target_kind in product(KINDS, KINDS):
            pair = f"{source_kind}-to-{target_kind}"
            if given.pairs and pair not in given.pairs:
                continue
            source = places.make(source_kind) if source_kind != "local" else (str(origin), {})
            if source_kind != "local":
                run([(str(origin), {}), source], -1, scratch, draw)
            row, began = Row(load, pair, len(expected), size), time.perf_counter()
            for _ in range(ROUNDS):
                target = places.make(target_kind)
                kills = min(given.kills - row.kills, given.kills if load != "object" else AT_ONCE)
                measure(row, [source, target], expected, kills=kills, draw=draw, scratch=scratch)
                finish(row, [source, target], expected, scratch, draw)
                places.remove(target[0])
                if row.kills >= given.kills:
                    break
            if source_kind != "local":
                places.remove(source[0])
            row.seconds = time.perf_counter() - began
            yield row
        shutil.rmtree(origin.parent)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", nargs="*", default=LOADS, choices=LOADS, help="what is moved")
    parser.add_argument("--pairs", nargs="*", help="such as local-to-s3; without it all")
    parser.add_argument(
        "--kills", type=int, default=20, help="how often each is killed; 0 for one that is not disturbed"
    )
    parser.add_argument("--large", type=int, default=3072, help="MiB of the large file")
    parser.add_argument("--seed", type=int, default=1, help="of the points")
    given = parser.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory() as name, SwiftServer(scratch=Path(name)) as server:
        os.environ["MODOS_CACHE_DIR"] = str(Path(name, "cache"))
        for row in rows(given, Places(server, Path(name)), Path(name)):
            print(row, flush=True)  # noqa: T201
            wrong = wrong or bool(row.wrong)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
