"""The process behind `SwiftServer`: the four servers of OpenStack Swift, their rings and their configuration.

Owns everything that is particular to Swift. Is run by path, so it must not know modos: it takes orders from standard
input, one word a line, answers in JSON on standard output, logs to standard error, and ends when its input does.
"""

# Swift reads its configuration while it is imported, so `prepare` comes first and imports stand in the functions.

import base64
import gc
import json
import logging
import math
import os
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import time as now
from typing import Any, NoReturn, TextIO
from uuid import uuid4

type Sections = dict[str, dict[str, object]]
type Application = Callable[[dict[str, Any], Callable[..., Any]], Any]

HOST = "127.0.0.1"
DEVICE = "d1"
PIPELINE = (
    "catch_errors gatekeeper healthcheck cache listing_formats container_sync bulk tempurl ratelimit s3api tempauth "
    "copy slo dlo versioned_writes symlink proxy-server"
)
PATIENCE = 60
"""Seconds that the servers wait for each other: they share a machine with the tests, and none of them is ever down."""
HEARTBEAT = 0.5
"""Seconds between two looks at whether the parent is still there."""


def main() -> NoReturn:
    """Serve until standard input ends or the parent is gone, then remove the scratch folder."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.loads(sys.stdin.readline())
    try:
        work(request, answers)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told
        traceback.print_exc()
        answer(answers, error=f"{type(error).__name__}: {error}")
        sys.stdin.read()  # the parent reads the log first
    finally:
        shutil.rmtree(request["scratch"], ignore_errors=True)
        os._exit(0)


def work(request: dict[str, Any], answers: TextIO) -> None:
    """Start the servers and do what the parent wants, as long as it wants something."""
    scratch = Path(request["scratch"])
    prepare(scratch, request["settings"].pop("swift-constraints", {}))
    server = Server(scratch, proxy_configuration(scratch, request))
    answer(answers, port=server.port)
    for order in orders(parent=request["parent"]):
        server.obey(order)
        answer(answers, done=order)
    server.stop()


def answer(answers: TextIO, **content: object) -> None:
    """Write one line of JSON to the parent."""
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def orders(*, parent: int) -> Iterator[str]:
    """Yield the words that the parent writes, until it closes its end or is gone: a fork of it may hold that end open."""
    from eventlet.hubs import trampoline

    standard_input = sys.stdin.fileno()
    while os.getppid() == parent:
        try:
            trampoline(standard_input, read=True, timeout=HEARTBEAT, timeout_exc=TimeoutError)
        except TimeoutError:
            continue
        words = os.read(standard_input, 4096).decode().split()
        if not words:
            return
        yield from words


def prepare(scratch: Path, constraints: Mapping[str, object]) -> None:
    """Make Swift ready to be imported: its own `swift.conf`, its log on standard error, and no waiting for the disk."""
    check_attributes(scratch)
    os.environ["EVENTLET_THREADPOOL_SIZE"] = "0"  # handing small files to threads costs more than it saves
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"  # no name is looked up
    gc.set_threshold(50_000, 10, 10)  # a request makes thousands of objects, and hardly a cycle
    for wait in ("fsync", "fdatasync"):
        setattr(os, wait, lambda _descriptor: None)  # nothing here outlives a crash
    sections: Sections = {"swift-hash": {"swift_hash_path_suffix": "modos"}, "swift-constraints": {**constraints}}
    (scratch / "swift.conf").write_text(in_ini(sections), encoding="utf-8")

    import eventlet
    from swift.common import utils

    utils.SWIFT_CONF_FILE = str(scratch / "swift.conf")
    utils.validate_configuration()
    eventlet.hubs.use_hub(utils.get_hub())
    utils.monkey_patch()
    utils.disable_fallocate()
    utils.logs.ThreadSafeSysLogHandler = lambda **_options: logging.StreamHandler()
    from swift.common import db

    connect = db.get_db_connection
    db.get_db_connection = lambda *place, **options: hurried(connect(*place, **options))


def hurried(database: Any) -> Any:  # noqa: ANN401 - Swift's connection has no types
    """Return a connection to a database that does not wait for the disk either: SQLite does not use `os.fsync`."""
    for pragma in ("synchronous = OFF", "journal_mode = MEMORY"):
        database.execute(f"PRAGMA {pragma}")
    return database


def check_attributes(scratch: Path) -> None:
    """Refuse a file system on which the object server could not keep its metadata."""
    import xattr  # type: ignore[import-untyped] # ships no types

    try:
        xattr.setxattr(str(scratch), "user.modos", b"tried")
    except OSError as error:
        message = f"the file system of {scratch} keeps no extended attributes, choose another scratch folder: {error}"
        raise RuntimeError(message) from error


def proxy_configuration(scratch: Path, request: Mapping[str, Any]) -> Sections:
    """Return the configuration of the proxy server by section, the caller's settings over the usual ones."""
    users = {
        f"user64_{_in_base64(account)}_{_in_base64(user)}": f"{key} .admin"
        for account, keys in request["accounts"].items()
        for user, key in keys.items()
    }
    sections: Sections = {
        "DEFAULT": {"swift_dir": scratch},
        "pipeline:main": {"pipeline": PIPELINE},
        "app:proxy-server": {
            "use": "egg:swift#proxy",
            "account_autocreate": "true",
            "node_timeout": PATIENCE,
            "conn_timeout": PATIENCE,
            "error_suppression_interval": 0,  # there is but one device: it may never be left out
        },
        "filter:cache": {"paste.filter_factory": f"{__name__}:cache_factory"},
        "filter:slo": {"min_segment_size": 1},
        "filter:tempauth": {"token_life": request["token_life"], **users},
        "filter:versioned_writes": {"allow_versioned_writes": "true", "allow_object_versioning": "true"},
    }
    for section, options in request["settings"].items():
        sections.setdefault(section, {}).update(options)
    for name in str(sections["pipeline:main"]["pipeline"]).split()[:-1]:
        section = sections.setdefault(f"filter:{name}", {})
        if "paste.filter_factory" not in section:
            section.setdefault("use", f"egg:swift#{name}")
    return sections


class Server:
    """A proxy server on an ephemeral port, configured by section, and the servers behind it; `scratch` is for their rings and device."""

    def __init__(self, scratch: Path, configuration: Sections) -> None:
        from swift.common.wsgi import ConfigString, loadapp

        self._device = scratch / "devices" / DEVICE
        self._rubbish = scratch / "rubbish"
        self._device.mkdir(parents=True)
        self._rubbish.mkdir()
        self._backends = start_backends(scratch)
        proxy = loadapp(ConfigString(in_ini(configuration)))
        self._cache = next(app.cache for app in proxy._pipeline if isinstance(app, CacheFilter))  # noqa: SLF001 - the only way to a filter
        sock = listen()
        self.port: int = sock.getsockname()[1]
        serve(sock, proxy)

    def obey(self, order: str) -> None:
        """Carry out what the parent wants: `wipe` or `expire_tokens`."""
        {"wipe": self.wipe, "expire_tokens": self.expire_tokens}[order]()

    def wipe(self) -> None:
        """Make every account new: the device is put aside whole, and removed by a thread."""
        from eventlet.patcher import original

        aside = self._rubbish / uuid4().hex
        self._device.rename(aside)
        self._device.mkdir()
        self._cache.keep(is_token)
        original("threading").Thread(target=shutil.rmtree, args=(aside, True), daemon=True).start()

    def expire_tokens(self) -> None:
        """Forget every token that was given out."""
        self._cache.keep(lambda key: not is_token(key))

    def stop(self) -> None:
        """End the servers behind the proxy."""
        os.kill(self._backends, signal.SIGKILL)
        os.waitpid(self._backends, 0)


def start_backends(scratch: Path) -> int:
    """Write the rings and start account, container and object server over one device; return their process.

    A process beside that of the proxy, because parallel requests are answered half as fast again by two cores.
    """
    from eventlet.hubs import trampoline
    from swift.account.server import AccountController
    from swift.container.server import ContainerController
    from swift.obj import diskfile
    from swift.obj.server import ObjectController

    diskfile.xattr = RoomyAttributes(scratch / "devices" / DEVICE / "attributes")
    backends = [
        ("account", AccountController, listen()),
        ("container", ContainerController, listen()),
        ("object", ObjectController, listen()),
    ]
    for kind, _controller, sock in backends:
        build_ring(scratch / f"{kind}.ring.gz", port=sock.getsockname()[1])
    lifeline, held_until_the_end = os.pipe()
    if process := os.fork():
        os.close(lifeline)
        for _kind, _controller, sock in backends:
            sock.close()
        return process
    options = {
        "swift_dir": str(scratch),
        "devices": str(scratch / "devices"),
        "mount_check": "false",
        "fallocate_reserve": "0",
        "log_requests": "false",
        "node_timeout": str(PATIENCE),
        "conn_timeout": str(PATIENCE),
        "container_update_timeout": str(PATIENCE),  # listings show what was written, also under load
    }
    try:
        os.close(held_until_the_end)
        for _kind, controller, sock in backends:
            serve(sock, controller(options))
        trampoline(lifeline, read=True)
    except BaseException:  # noqa: BLE001 - a fork must never return into the code of its parent
        traceback.print_exc()
    os._exit(0)


def listen() -> Any:  # noqa: ANN401 - eventlet's socket has no types
    """Return a listening socket on a port that the system chose."""
    import eventlet

    sock = eventlet.listen((HOST, 0), backlog=1024)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Swift does; or bodies may take 40 ms more
    return sock


def serve(sock: Any, app: Application) -> None:  # noqa: ANN401 - eventlet's socket has no types
    """Answer requests in the background, as Swift's own `run_server` does."""
    import eventlet
    from swift.common.http_protocol import SwiftHttpProtocol
    from swift.common.utils import NullLogger

    eventlet.spawn_n(
        eventlet.wsgi.server,
        sock,
        app,
        NullLogger(),
        max_size=1024,
        protocol=SwiftHttpProtocol,
        socket_timeout=PATIENCE,
        capitalize_response_headers=False,  # clients of S3 look for "ETag"
        url_length_limit=8192,
    )


class RoomyAttributes:
    """Extended attributes of any length, where the file system has some bytes for short ones.

    Swift lets an object have 4 KiB of metadata of its own beside what Swift notes, ext4 less than that for all. What is
    long is written to a file of the folder, and its name becomes the attribute.
    """

    longest = 2048
    mark = b"in the file "

    def __init__(self, folder: Path) -> None:
        import xattr

        self._folder = folder
        self._short = xattr

    def setxattr(self, file: int, name: bytes, value: bytes) -> None:
        """Set an attribute of an open file."""
        if len(value) > self.longest:
            self._folder.mkdir(exist_ok=True)
            aside = self._folder / uuid4().hex
            aside.write_bytes(value)
            value = self.mark + aside.name.encode()
        self._short.setxattr(file, name, value)

    def getxattr(self, file: int, name: bytes) -> bytes:
        """Return an attribute of an open file."""
        value: bytes = self._short.getxattr(file, name)
        if value.startswith(self.mark):
            return (self._folder / value.removeprefix(self.mark).decode()).read_bytes()
        return value


def build_ring(path: Path, *, port: int) -> None:
    """Write a ring of one device that is served at a port."""
    from swift.common.ring import RingBuilder

    builder = RingBuilder(part_power=6, replicas=1, min_part_hours=0)
    builder.add_dev({"region": 1, "zone": 1, "ip": HOST, "port": port, "device": DEVICE, "weight": 1})
    builder.rebalance()
    builder.get_ring().save(str(path))


class Cache:
    """As much of memcache as the servers ask for, in memory."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, str]] = {}

    def get(self, key: str, **_options: object) -> Any:  # noqa: ANN401 - it holds anything
        """Return a value, `None` when there is none or its time is over."""
        until, value = self._entries.get(key, (0.0, ""))
        return json.loads(value) if until > now() else None

    def set(self, key: str, value: object, *, time: float = 0, **_options: object) -> None:
        """Keep a value for some seconds, for ever when they are 0."""
        self._entries[key] = (now() + time if time else math.inf, json.dumps(value))

    def incr(self, key: str, delta: float = 1, *, time: float = 0, **_options: object) -> int:
        """Add to a number that is never less than zero, and return it."""
        number = max(0, int(self.get(key) or 0) + int(delta))
        self.set(key, number, time=time)
        return number

    def decr(self, key: str, delta: float = 1, *, time: float = 0, **_options: object) -> int:
        """Take from a number, and return it."""
        return self.incr(key, -delta, time=time)

    def delete(self, key: str, **_options: object) -> None:
        """Forget a value."""
        self._entries.pop(key, None)

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Forget all values but those with a wanted key."""
        self._entries = {key: entry for key, entry in self._entries.items() if wanted(key)}


class CacheFilter:
    """Put a `Cache` where the filters after it look for memcache."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.cache = Cache()

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Any:  # noqa: ANN401 - as WSGI has it
        env["swift.cache"] = self.cache
        return self.app(env, start_response)


def cache_factory(_common: object, **_options: str) -> Callable[[Application], CacheFilter]:
    """Return the filter, as paste asks for it."""
    return CacheFilter


def in_ini(sections: Mapping[str, Mapping[str, object]]) -> str:
    """Return sections as the INI text that Swift reads."""
    return "\n".join(
        f"[{section}]\n" + "".join(f"{name} = {verbatim(str(value))}\n" for name, value in options.items())
        for section, options in sections.items()
    )


def verbatim(value: str) -> str:
    """Return a value such that Swift reads it as it is: it takes `%` for a sign of its own only where `%(` occurs."""
    return value.replace("%", "%%") if "%(" in value else value


def is_token(key: str) -> bool:
    """Tell whether a key of the cache is that of a token, or of the token that a user has."""
    return "/token/" in key or "/user/" in key


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


if __name__ == "__main__":
    main()
