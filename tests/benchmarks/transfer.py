"""How fast transfers are, against other ways to do the same: run it by hand, `python tests/benchmarks/transfer.py --help`.

Owns the table of contenders and of what they move. They take turns, each in a process of its own and into a place of its
own, on a real Swift of this machine that speaks S3 too; the best of their rounds counts. The ratio is that of the best
other way to the same service to ours, the CPU that of the client, its start included. Where nginx is installed, small files
are also read from a service that is never busy by everyone a second time, through the same proxy.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Self

from modos.storage import SwiftStorage
from modos.testing import Proxy, SwiftServer

MIB = 2**20

PREAMBLE = """
import json, os, sys, time
from pathlib import Path
task = json.loads(sys.argv[1])
here, keys = task["here"], task["keys"]
def told(seconds):
    print(json.dumps({"seconds": seconds}))
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

NGINX = """
daemon off; master_process off; pid {place}/pid; error_log {place}/log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {place}/body; proxy_temp_path {place}/temp; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
  keepalive_requests 1000000; tcp_nodelay on;
  proxy_cache_path {place}/answers keys_zone=answers:16m max_size=1g;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {server}; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
      proxy_set_header Range $http_range; proxy_set_header If-Match $http_if_match;
      proxy_cache answers; proxy_cache_key "$request_method $request_uri $http_range";
      proxy_cache_convert_head off; proxy_cache_methods GET HEAD; proxy_cache_valid 200 204 206 1h;
    }}
  }}
}}
"""

type Task = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What a contender took: seconds of its work, CPU seconds, and the most memory in MiB."""

    seconds: float
    cpu: float
    peak: int


type Contender = Callable[[Task], Run]


def timed(command: list[str], environment: Mapping[str, str], where: object) -> tuple[Run, bytes]:
    """Run a command; its seconds have its start in them."""
    inherited = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}  # rclone fails on it
    options = {"env": {**inherited, **environment}, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=str(where), **options) as child:
        told = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Run(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024), told


def in_python(program: str) -> Contender:
    """Return a contender that is a program, and that tells the seconds of its work itself."""

    def run(task: Task) -> Run:
        found, told = timed([sys.executable, "-c", PREAMBLE + program, json.dumps(task)], {}, ".")
        return replace(found, seconds=json.loads(told.splitlines()[-1])["seconds"])

    return run


def by_swift(task: Task) -> Run:
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
        return timed([*command, "upload", *large, task["bucket"], "."], {}, task["here"])[0]
    return timed([*command, "download", task["bucket"]], {}, task["here"])[0]


def by_rclone(kind: str) -> Contender:
    """`rclone copy`, to Swift or to S3."""

    def run(task: Task) -> Run:
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
        return timed(["rclone", "copy", *ends], environment, task["here"])[0]

    return run


def contenders() -> dict[str, tuple[str, Contender]]:
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


def files_in(place: str | Path) -> int:
    """Return how many files there are in a folder and those in it."""
    return sum(path.is_file() for path in Path(place).rglob("*"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="small files; 0 for none")
    parser.add_argument("--large", type=int, default=3072, help="MiB of the large file; 0 for none")
    parser.add_argument("--latency", type=float, nargs="*", default=[0.0, 0.01], help="seconds added to each request")
    parser.add_argument("--rounds", type=int, default=1, help="how often each has its turn")
    parser.add_argument("--only", nargs="*", default=[""], help="contenders whose name has one of these in it")
    given = parser.parse_args()
    named = {name: each for name, each in contenders().items() if any(text in name for text in given.only)}
    with tempfile.TemporaryDirectory() as scratch, SwiftServer() as server:
        loads = {"small": (given.files, 4096), "large": (1, given.large * MIB)}
        for load, (files, size) in loads.items():
            if files and size:
                make(Path(scratch, load), files, size)
                for latency, is_remembered in ways(given.latency, load):
                    table = Table(load, latency, is_remembered=is_remembered)
                    with Road(server, latency, is_remembered=is_remembered) as road:
                        for _ in range(given.rounds):
                            for name, (service, contender) in named.items():
                                place = Place(server, road, service)
                                table.add(name, service, place.measure(contender, Path(scratch, load), load))
                    table.show()


def ways(latencies: Iterable[float], load: str) -> Iterator[tuple[float, bool]]:
    """Yield under which conditions a load is moved: the latency, and whether the service answers from memory."""
    for latency in latencies:
        yield latency, False
        if load == "small" and latency and Remembering.is_possible():
            yield latency, True


class Road:
    """How clients come to the server: at once, through a proxy that takes its time, or to what remembers its answers."""

    def __init__(self, server: SwiftServer, latency: float, *, is_remembered: bool) -> None:
        self._server = server
        self._latency = latency
        self.is_remembered = is_remembered

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.url = self._server.url
            if self.is_remembered:
                self.url = stack.enter_context(Remembering(self.url)).url
            if self._latency:
                self.url = stack.enter_context(Proxy(self.url, latency=self._latency)).url
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def along(self, url: str) -> str:
        """Return an address of the server as it is along this road."""
        return self.url + url.removeprefix(self._server.url)


class Remembering:
    """nginx in front of a server, which is asked only once for what is read, so that it is the clients that are measured.

    The Swift of this machine shares its cores with the client and answers in one thread: that is what most of a download of
    many small files takes here, whoever downloads. Behind nginx it takes what clients and network take.

    Parameters
    ----------
    server
        Address of the server: `http://host:port`.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._place = Path(tempfile.mkdtemp())
        self.url = ""

    @staticmethod
    def is_possible() -> bool:
        """Tell whether nginx is installed here."""
        return shutil.which("nginx") is not None

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = self._place / "settings"
        settings.write_text(NGINX.format(place=self._place, port=port, server=self._server))
        self._process = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(settings)])
        self.url = f"http://127.0.0.1:{port}"
        while not is_listening(port):
            if self._process.poll() is not None:
                message = "nginx did not start"
                raise RuntimeError(message)
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)


def is_listening(port: int) -> bool:
    """Tell whether a server of this machine has begun."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


class Table:
    """The best runs of one load at one latency."""

    def __init__(self, load: str, latency: float, *, is_remembered: bool) -> None:
        delay = f"{latency * 1000:.0f} ms" if latency else "direct"
        self._what = f"{load:<6} {f'{delay}, never busy' if is_remembered else delay:<17}"
        self._best: dict[tuple[str, str, str], Run] = {}

    def add(self, name: str, service: str, runs: Mapping[str, Run]) -> None:
        """Take the runs of one contender in, both ways."""
        for way, run in runs.items():
            key = way, service, name
            print(f"{self._what} {way:<5} {name:<20} {run.seconds:7.2f} s", file=sys.stderr, flush=True)  # noqa: T201
            self._best[key] = min(self._best.get(key, run), run, key=lambda each: each.seconds)

    def show(self) -> None:
        """Print a row for each."""
        for (way, service, name), run in sorted(self._best.items()):
            others = [
                each.seconds
                for (their_way, theirs, who), each in self._best.items()
                if (their_way, theirs) == (way, service) and not who.startswith("modos")
            ]
            ratio = f"{min(others) / run.seconds:5.2f}" if name.startswith("modos") and others else ""
            cost = f"{run.cpu:6.2f} s CPU {run.peak:>5} MiB"
            print(f"{self._what} {way:<5} {service:<6} {name:<20} {run.seconds:7.2f} s {cost} {ratio}", flush=True)  # noqa: T201


class Place:
    """An empty bucket or container of a server."""

    _numbers = count()

    def __init__(self, server: SwiftServer, road: Road, service: str) -> None:
        self._name, self._service = f"bench-{next(self._numbers)}", service
        self._server, self._road = server, road
        self._plainly = {"storage_url": server.storage_url, "token": server.token()}

    def measure(self, contender: Contender, source: Path, load: str) -> dict[str, Run]:
        """Move a load there and back, and remove it; what is remembered comes back twice, and the second time counts."""
        SwiftStorage(f"swift://{self._name}", **self._plainly).filesystem.mkdir(self._name)
        runs = {}
        for way in ("up", "down", "down") if self._road.is_remembered else ("up", "down"):
            along = str if self._road.is_remembered and way == "up" else self._road.along
            with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as cache:
                os.environ["MODOS_CACHE_DIR"] = cache
                here = str(source) if way == "up" else empty
                runs[way] = contender({**self._task(along), "large": load == "large", "way": way, "here": here})
                if files_in(here) != files_in(source):
                    sys.exit(f"{way}: {files_in(here)} of {files_in(source)} files came")
        for name in (self._name, f"{self._name}+segments", f"{self._name}_segments"):
            storage = SwiftStorage(f"swift://{name}", **self._plainly)
            if storage.filesystem.exists(name):
                storage.remove_tree()
        return {"down": runs["down"]} if self._road.is_remembered else runs

    def _task(self, along: Callable[[str], str]) -> Task:
        swift = self._plainly | {"storage_url": along(self._server.storage_url)}
        keys = {"key": self._server.user, "secret": self._server.key, "region": "us-east-1"}
        s3 = along(self._server.s3_endpoint)
        return {
            "url": f"{self._service}://{self._name}/ex",
            "options": swift if self._service == "swift" else {**keys, "endpoint": s3},
            "bucket": self._name,
            "keys": keys,
            "s3": s3,
            **swift,
        }


if __name__ == "__main__":
    main()
