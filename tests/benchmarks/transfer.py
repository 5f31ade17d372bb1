"""How fast transfers are, against other ways to do the same: run it by hand, `python tests/benchmarks/transfer.py --help`.

Owns the table of contenders and of what they move. Every number is of one run, on a real Swift of this machine that speaks
S3 too, each contender in a process of its own, into a place of its own.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from modos.storage import S3Storage, SwiftStorage
from modos.testing import Proxy, SwiftServer

MIB = 2**20

PREAMBLE = """
import json, os, sys, time
from pathlib import Path
task = json.loads(sys.argv[1])
here, keys = task["here"], task["keys"]
def told(seconds):
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "peak": peak // 1024}))
"""

OURS = """
from modos.storage import LocalStorage, open_storage
from modos.transfers import transfer
import aiohttp, s3fs  # loaded before the clock starts, as for the others
there = open_storage(task["url"], storage_options=task["options"])
ends = (LocalStorage(here), there) if task["way"] == "up" else (there, LocalStorage(here))
began = time.perf_counter()
transfer(*ends, commit=None)
told(time.perf_counter() - began)
"""

OBSTORE = """
import obstore
from obstore.store import S3Store
store = S3Store(task["bucket"], prefix="ex", endpoint=task["s3"], access_key_id=keys["key"], secret_access_key=keys["secret"], region="us-east-1", client_options={"allow_http": True})
began = time.perf_counter()
if task["way"] == "up":
    for path in sorted(Path(here).rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                obstore.put(store, str(path.relative_to(here)), file)
else:
    for batch in obstore.list(store):
        for entry in batch:
            path = Path(here, entry["path"].removeprefix("ex/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for chunk in obstore.get(store, entry["path"].removeprefix("ex/")).stream():
                    file.write(chunk)
told(time.perf_counter() - began)
"""

S3FS = """
import s3fs
fs = s3fs.S3FileSystem(key=keys["key"], secret=keys["secret"], endpoint_url=task["s3"], client_kwargs={"region_name": "us-east-1"}, config_kwargs={"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"})
began = time.perf_counter()
(fs.put(here + "/", task["bucket"] + "/ex/", recursive=True) if task["way"] == "up" else fs.get(task["bucket"] + "/ex/", here + "/", recursive=True))
told(time.perf_counter() - began)
"""

type Task = Mapping[str, object]


def in_python(program: str) -> Callable[[Task], tuple[float, int]]:
    """Return a contender that is a program."""

    def run(task: Task) -> tuple[float, int]:
        command = [sys.executable, "-c", PREAMBLE + program, json.dumps(task)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        told = json.loads(done.stdout.splitlines()[-1])
        return told["seconds"], told["peak"]

    return run


def timed(command: list[str], environment: Mapping[str, str], where: object) -> tuple[float, int]:
    """Run a command and return its seconds, start included."""
    began = time.perf_counter()
    options = {"env": {**os.environ, **environment}, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, cwd=str(where), **options)
    return time.perf_counter() - began, 0


def by_swift(task: Task) -> tuple[float, int]:
    """`swift upload` and `swift download` of python-swiftclient."""
    command = [
        str(Path(sys.executable).with_name("swift")),
        "--os-storage-url",
        task["storage_url"],
        "--os-auth-token",
        task["token"],
    ]
    if task["way"] == "up":
        large = ["--segment-size", str(64 * MIB), "--use-slo"] if task["large"] else []
        return timed([*command, "upload", *large, task["bucket"], "."], {}, task["here"])
    return timed([*command, "download", task["bucket"]], {}, task["here"])


def by_rclone(kind: str) -> Callable[[Task], tuple[float, int]]:
    """`rclone copy`, to Swift or to S3."""

    def run(task: Task) -> tuple[float, int]:
        named = {
            "swift": {"TYPE": "swift", "STORAGE_URL": task["storage_url"], "AUTH_TOKEN": task["token"]},
            "s3": {
                "TYPE": "s3",
                "PROVIDER": "Other",
                "ENDPOINT": task["s3"],
                "REGION": "us-east-1",
                "ACCESS_KEY_ID": task["keys"]["key"],
                "SECRET_ACCESS_KEY": task["keys"]["secret"],
            },
        }[kind]
        environment = {f"RCLONE_CONFIG_THERE_{name}": str(value) for name, value in named.items()}
        there = f"there:{task['bucket']}/ex"
        ends = [str(task["here"]), there] if task["way"] == "up" else [there, str(task["here"])]
        return timed(["rclone", "copy", *ends], environment, task["here"])

    return run


def contenders() -> dict[str, tuple[str, Callable[[Task], tuple[float, int]]]]:
    """Return name to service and contender, of those that are installed here."""
    found = {
        "modos, Swift": ("swift", in_python(OURS)),
        "swift CLI": ("swift", by_swift),
        "modos, S3": ("s3", in_python(OURS)),
        "obstore, one by one": ("s3", in_python(OBSTORE)),
        "s3fs recursive": ("s3", in_python(S3FS)),
    }
    if shutil.which("rclone"):
        found |= {"rclone, Swift": ("swift", by_rclone("swift")), "rclone, S3": ("s3", by_rclone("s3"))}
    return found


def make(place: Path, files: int, size: int) -> None:
    """Write what is moved."""
    for number in range(files):
        path = place / f"{number // 100}" / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for start in range(0, size, 16 * MIB):
                file.write(os.urandom(min(16 * MIB, size - start)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="small files")
    parser.add_argument("--large", type=int, default=3072, help="MiB of the large file; 0 for none")
    parser.add_argument("--latency", type=float, nargs="*", default=[0.0, 0.01], help="seconds added to each request")
    parser.add_argument("--only", default="", help="contenders whose name has this text")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, SwiftServer() as server, Proxy(server.url) as proxy:
        loads = {"small": (given.files, 4096), "large": (1, given.large * MIB)}
        for name, (files, size) in loads.items():
            if files and size:
                make(Path(scratch, name), files, size)
                for latency in given.latency:
                    proxy.latency = latency
                    measure(server, proxy if latency else None, Path(scratch, name), name, given.only)


def measure(server: SwiftServer, proxy: Proxy | None, source: Path, load: str, only: str) -> None:
    """Print the rows of one load at one latency."""
    through = proxy.through if proxy else str
    for number, (name, (service, contender)) in enumerate(contenders().items()):
        if only not in name:
            continue
        keys = {"key": server.user, "secret": server.key, "region": "us-east-1"}
        bucket = f"bench-{load}-{number}-{'far' if proxy else 'near'}"
        swift_options = {"storage_url": through(server.storage_url), "token": server.token()}
        SwiftStorage(f"swift://{bucket}", **{**swift_options, "storage_url": server.storage_url}).filesystem.mkdir(
            bucket
        )
        options = swift_options if service == "swift" else {**keys, "endpoint": through(server.s3_endpoint)}
        task = {
            "url": f"{service}://{bucket}/ex",
            "options": options,
            "bucket": bucket,
            "keys": keys,
            "large": load == "large",
            "s3": through(server.s3_endpoint),
            **swift_options,
        }
        for way in ("up", "down"):
            with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as cache:
                os.environ["MODOS_CACHE_DIR"] = cache
                here = str(source) if way == "up" else empty
                seconds, peak = contender({**task, "way": way, "here": here})
            delay = f"{proxy.latency * 1000:.0f} ms" if proxy else "direct"
            print(f"{load:<6} {delay:<7} {way:<5} {name:<20} {seconds:8.2f} s {peak or '':>6}", flush=True)  # noqa: T201
        server_of = S3Storage if service == "s3" else SwiftStorage
        again = {**swift_options, "storage_url": server.storage_url}
        place = (
            SwiftStorage(f"swift://{bucket}", **again)
            if server_of is SwiftStorage
            else S3Storage(f"s3://{bucket}", server.s3_endpoint, keys)
        )
        place.remove_tree()


if __name__ == "__main__":
    main()
