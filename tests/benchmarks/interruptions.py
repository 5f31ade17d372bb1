"""Transfers that are killed again and again, between every two kinds of places: run it by hand, `--help` says how.

Owns the loads, where a transfer is killed, and what must hold each time; prints a table, and ends with 1 when anything did
not hold. Everything is on one machine: a disk, and a real Swift that speaks S3 too. What is sent is counted as it leaves the
client, whether it arrives or not; what is missing, by what the target lists.
"""

import argparse
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, product, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modos import MODO, list_modos, transfer
from modos.errors import ModosError
from modos.objects.moves import plan_object_transfer
from modos.storage import ROOT_DOCUMENT, LocalStorage, Storage, open_storage
from modos.storage.parts.plan import Unfinished
from modos.storage.parts.rules import WHOLE
from modos.storage.parts.upload import PartUpload
from modos.testing import SwiftServer
from modos.testing.samples import write_samples
from modos.transfers import Progress
from modos.transfers.engine import WORKERS
from modos.transfers.files import courier
from modos.transfers.files.copying import digest_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized

KINDS = ("local", "s3", "swift")
PAIRS = tuple(f"{source}-to-{target}" for source, target in product(KINDS, KINDS))
LOADS = ("object", "small", "large", "many")
SMALL = {"small": 2000, "many": 20_000}
"""How many files of 4 KiB."""

MIB = 2**20
MOST_MEMORY = 250
"""MiB that a client may hold at most."""

SECONDS_BEFORE_DEATH = 0.05
"""A transfer is killed up to so long after it has come to its point, so that it is killed at any place of its work."""

SECONDS_TO_SETTLE = 0.5
"""What was under way when the client died the service may still carry out, small requests within this time."""

SETTLES_BY = 64 * MIB
"""Bytes a second that the service copies at least by itself, also when the machine has other work."""

SECONDS_BETWEEN_LOOKS = 0.3
"""How often it is looked whether the target is seen already."""

ROUNDS = 20
"""How many times as many transfers as are needed are made at most, until they were killed as often as was wished."""

AT_ONCE = {"object": 5, "small": 20, "large": 20, "many": 20}
"""How often one transfer is killed, unless the caller says otherwise; a larger load lasts longer."""

type End = tuple[str, dict[str, Any]]
"""Address and options of a place."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "aiohttp", "s3fs", "modos.objects.moves"])


def carry(ends: tuple[End, End], dies_at: float, delay: float, sent: "Synchronized[int]", told: "Connection") -> None:
    """Transfer, in a process of its own, which kills itself when so many bytes are left, and a little later.

    Parameters
    ----------
    ends
        From where, and to where.
    dies_at, delay
        Bytes that are left then, and seconds from there on; fewer than 0 bytes for a transfer that may end.
    sent
        Where the bytes are counted that were sent: it outlives the process.
    told
        Who is told how it went.
    """
    doomed, telling, counting = threading.Event(), threading.Lock(), threading.Lock()
    left = 0

    def counted(owner: object, name: str, size_of: Callable[..., int]) -> None:
        plain = getattr(owner, name)

        def sending(*given: Any, **options: Any) -> Any:
            with counting:
                sent.value += size_of(*given)
            return plain(*given, **options)

        setattr(owner, name, sending)

    counted(Storage, "put", lambda storage, body, *name: len(body))
    counted(PartUpload, "put", lambda upload, index, body, *md5: len(body))
    counted(PartUpload, "put_from", lambda upload, index, file: upload.plan.length(index))
    counted(PartUpload, "put_by", lambda upload, index, bring: upload.plan.length(index))
    counted(PartUpload, "copy", lambda upload, index, *source: upload.plan.length(index))
    counted(courier, "copy_by_service", lambda source, target, file: file.size)

    def tell(**said: int) -> None:
        (peak,) = re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
        told.send({**said, "peak": int(peak) // 1024})

    def die() -> None:
        doomed.wait()
        time.sleep(delay)
        with telling:
            tell(left=left)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(progress: Progress) -> None:
        nonlocal left
        left = progress.bytes_total - progress.bytes_done
        if left <= dies_at:
            doomed.set()

    threading.Thread(target=die, daemon=True).start()
    source, target = (open_storage(url, storage_options=options) for url, options in ends)
    report = transfer(source, target, progress=watch)
    with telling:
        tell(kept=report.resumed_bytes + report.skipped_bytes)


@dataclass(frozen=True)
class Load:
    """What is moved: its name, and digest and bytes of every file."""

    name: str
    digests: Mapping[str, str]
    sizes: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.sizes.values())

    def pieces(self, *ends: Storage) -> Iterator[int]:
        """Yield the bytes of every file that goes whole, and of every part; those of the source are kept where they can be."""
        rules = [end.parts for end in ends if end.parts is not None]
        for size in self.sizes.values():
            part = max(each.size_for(size) for each in rules) if size > WHOLE else max(size, 1)
            yield from repeat(part, max(1, -(-size // part)))


@dataclass
class Row:
    """What was found out about one load between one pair."""

    load: Load
    pair: str
    piece: int = 0
    """Bytes of the largest piece that a worker sends."""
    allowed: int = 0
    """Bytes of one piece for each worker."""
    kills: int = 0
    again: list[int] = field(default_factory=list)
    """Bytes sent beyond those that were missing, of each transfer that was killed: what was under way, and is lost."""
    peak: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        worst, name = max(self.again, default=0), self.load.name
        files, size, parts = len(self.load.sizes), self.load.size / MIB, worst / max(1, self.piece)
        return (
            f"{name:<7}{self.pair:<15}{files:>6,} files {size:>8,.1f} MiB {self.kills:>3} kills, each cost at most "
            f"{worst / MIB:7.3f} MiB ({parts:4.1f} parts) of {self.allowed / MIB:7.3f}, all {sum(self.again) / MIB:8.3f} "
            f"{self.peak:>4} MiB {self.seconds:>6.0f} s  {'; '.join(self.wrong) or 'sound'}"
        )

    def claim(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 - a statement, as in assert
        """Take note of what does not hold."""
        if not holds:
            self.wrong.append(otherwise)


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
            (self.scratch / name).mkdir()
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
    if load in SMALL:
        for number in range(SMALL[load]):
            path = place / f"data.zarr/data/a/c/{number // 100}/{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(4096))
    else:
        with (place / "reads.cram").open("wb") as file:
            for _ in range(megabytes // 16):
                file.write(os.urandom(16 * MIB))


def _demo(place: Path) -> None:
    """Write the object of the demonstration, with arrays."""
    draw = random.Random(0)
    modo = MODO.from_file(write_samples(place.parent / "samples").description, place)
    for name, rows in (("few", 40), ("many", 400)):
        table = [[draw.randrange(10_000) for _ in range(200)] for _ in range(rows)]
        modo.add_array("counts", table, name=name, chunks=(40, 50))


class Pair:
    """Two places, and what is moved between them by processes of their own.

    Parameters
    ----------
    source, target
        The places.
    draw
        How much later than planned a transfer is killed.
    """

    def __init__(self, source: End, target: End, draw: random.Random) -> None:
        self.ends = source, target
        self.draw = draw
        self.source, self.target = (open_storage(url, storage_options=options) for url, options in self.ends)
        self.around = open_storage(target[0].rpartition("/")[0], storage_options=target[1])

    def run(self, dies_at: float = -1) -> dict[str, int]:
        """Let a process transfer; it kills itself when so many bytes are left. Return what it has told, and sent."""
        sent, (hears, tells) = PROCESSES.RawValue("q"), PROCESSES.Pipe(duplex=False)
        delay = self.draw.random() * SECONDS_BEFORE_DEATH
        process = PROCESSES.Process(target=carry, args=(self.ends, dies_at, delay, sent, tells))
        process.start()
        tells.close()
        process.join()
        if process.exitcode not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"a transfer ended with {process.exitcode}")  # it has said why on standard error
        return {**hears.recv(), "sent": sent.value}

    def missing(self, load: Load) -> int:
        """Return how many bytes have not arrived, neither with a file nor with a part of one: as the target lists."""
        there = {str(info.path): info.size for info in self.target.scan()}
        left = {name: size for name, size in load.sizes.items() if there.get(name) != size}
        parts = sum(each.size for each in self.unfinished() if str(each.path) in left)
        return sum(left.values()) - parts

    def unfinished(self) -> Iterable[Unfinished]:
        """Yield the files of which parts have arrived."""
        return self.target.parts.unfinished() if self.target.parts is not None else ()

    @contextmanager
    def watched(self, row: Row) -> Iterator[None]:
        """Look at the target all the while: when there is an object it must be whole."""
        ended = threading.Event()

        def look() -> None:
            while not (seen := self.target.exists(ROOT_DOCUMENT)) and not ended.wait(SECONDS_BETWEEN_LOOKS):
                pass
            if seen or self.target.exists(ROOT_DOCUMENT) or list(list_modos(self.around)):
                there = {str(info.path): info.size for info in self.target.scan()}
                row.claim(there == row.load.sizes, "seen before it was whole")

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def kill(row: Row, pair: Pair, point: float) -> bool:
    """Let a transfer begin or go on, kill it, and look at what it has left. Tell whether it could be killed."""
    before = pair.missing(row.load)
    with pair.watched(row):
        told = pair.run(row.load.size * point)
    row.peak = max(row.peak, told["peak"])
    if "left" not in told:  # it was done before it could be killed
        row.claim(told["sent"] == before, f"{told['sent']:,} bytes sent where {before:,} were missing")
        return False
    time.sleep(SECONDS_TO_SETTLE + row.allowed / SETTLES_BY)
    after = pair.missing(row.load)
    row.kills += 1
    row.again.append(told["sent"] - (before - after))
    row.claim(told["sent"] >= before - after, f"{before - after:,} bytes arrived of {told['sent']:,}")
    row.claim(row.again[-1] <= row.allowed, f"{row.again[-1]:,} bytes sent and not there")
    row.claim(after <= told["left"], f"{after:,} bytes were missing where {told['left']:,} were told")
    return True


def finish(row: Row, pair: Pair) -> None:
    """Let the transfer end, and compare every file."""
    rest = pair.missing(row.load)
    with pair.watched(row):
        told = pair.run()
    row.peak = max(row.peak, told["peak"])
    row.claim(told["sent"] == rest, f"{told['sent']:,} bytes sent where {rest:,} were missing")
    there = row.load.size - rest  # as parts, or as files: the service may complete one after its client was killed
    row.claim(told["kept"] == there, f"{told['kept']:,} bytes kept of {there:,}")
    row.claim(digests(pair.target) == row.load.digests, "other digests")
    row.claim(not plan_object_transfer(pair.source, pair.target).files, "not the same afterwards")
    row.claim(not any(each.size for each in pair.unfinished()), "parts are left")


def digests(storage: Storage) -> dict[str, str]:
    """Return the BLAKE2b of every file, read."""
    listed = list(storage.scan())
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda info: digest_of(storage, info), listed)
        return dict(zip((str(info.path) for info in listed), read, strict=True))


def interrupt(row: Row, given: argparse.Namespace, source: End, kind: str, places: Places) -> None:
    """Kill transfers of one load to new places of one kind as often as is wished."""
    draw = random.Random(f"{given.seed} {row.load.name} {row.pair}")
    at_once = given.at_once or AT_ONCE[row.load.name]
    for _ in range(ROUNDS * max(1, -(-given.kills // at_once))):
        pair = Pair(source, places.make(kind), draw)
        row.piece, *others = sorted(row.load.pieces(pair.source, pair.target), reverse=True)[:WORKERS]
        row.allowed = row.piece + sum(others)
        points = sorted((draw.random() * 0.98 for _ in range(min(given.kills - row.kills, at_once))), reverse=True)
        for point in points:
            if not kill(row, pair, point):
                break
        finish(row, pair)
        places.remove(pair.ends[1][0])
        if row.kills >= given.kills:
            break
    row.claim(row.kills >= given.kills, "too few kills")
    row.claim(row.peak <= MOST_MEMORY, "too much memory")


def rows(given: argparse.Namespace, places: Places) -> Iterator[Row]:
    """Yield a row for each load and pair."""
    for name in given.loads:
        origin = places.scratch / f"{name}-origin" / "ex"
        fill(origin, name, given.large)
        whole = LocalStorage(origin)
        load = Load(name, digests(whole), {str(info.path): info.size for info in whole.scan()})
        sources: dict[str, End] = {"local": (str(origin), {})}
        for pair in given.pairs:
            source, target = pair.split("-to-")
            row, began = Row(load, pair), time.perf_counter()
            try:
                if source not in sources:
                    sources[source] = places.make(source)
                    Pair(sources["local"], sources[source], random.Random(given.seed)).run()
                interrupt(row, given, sources[source], target, places)
            except (ModosError, RuntimeError) as error:  # the other pairs are wanted all the same
                row.wrong.append(str(error))
            row.seconds = time.perf_counter() - began
            yield row
        for url, _ in sources.values():
            places.remove(url)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", nargs="*", default=LOADS[:3], choices=LOADS, help="what is moved")
    parser.add_argument("--pairs", nargs="*", default=PAIRS, choices=PAIRS, help="between what; without it all")
    parser.add_argument(
        "--kills", type=int, default=20, help="how often each is killed; 0 for one that is not disturbed"
    )
    parser.add_argument("--at-once", type=int, help="how often one transfer is killed before it may end; 1: each anew")
    parser.add_argument("--large", type=int, default=3072, help="MiB of the large file")
    parser.add_argument("--seed", type=int, default=1, help="of the points")
    given = parser.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory() as name, SwiftServer(scratch=Path(name)) as server:
        os.environ["MODOS_CACHE_DIR"] = str(Path(name, "cache"))
        for row in rows(given, Places(server, Path(name))):
            print(row, flush=True)  # noqa: T201
            wrong = wrong or bool(row.wrong)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
