"""What encryption costs: rate and memory of a stream, beside the crypt4gh library on files of this machine.

`python tests/benchmarks/encryption.py [--megabytes 256] [--rounds 3]`; prints ratios of the same run, taken in turns.
With `--swift`, an object of a Swift on this machine is encrypted, given to another reader and decrypted, beside a plain
copy of its file, which is what the service allows.
"""

import argparse
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import crypt4gh.lib

from modos import MODO
from modos.encryption import decrypt, encrypt, generate_key, stream_file
from modos.storage import LocalStorage, SwiftStorage
from modos.swift import SwiftFileSystem
from modos.testing import Proxy, SwiftServer

_CHUNK = 1 << 20


def chunks(path: Path):
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--swift", action="store_true")
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        occupy(options.memory)
        return
    if options.swift:
        of_an_object(options.megabytes)
        return
    with tempfile.TemporaryDirectory() as scratch:
        compare(Path(scratch), options.megabytes, options.rounds)


def compare(scratch: Path, megabytes: int, rounds: int) -> None:
    plain, sealed, opened = (scratch / name for name in ("plain", "sealed", "opened"))
    with plain.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(_CHUNK))
    key, storage = generate_key(), LocalStorage(scratch)

    def reference(work, keys, source, target):
        with source.open("rb") as read, target.open("wb") as write:
            work(keys, io.BufferedReader(read), write)

    works = {
        "modos, memory, encrypt": lambda: drained(encrypt(chunks(plain), [key.public])),
        "modos, memory, decrypt": lambda: drained(decrypt(chunks(sealed), [key])),
        "modos, storage, encrypt": lambda: storage.put(encrypt(stream_file(storage, "plain"), [key.public]), "sealed"),
        "crypt4gh, encrypt": lambda: reference(
            crypt4gh.lib.encrypt, [(0, key.raw, key.public.raw)], plain, scratch / "theirs"
        ),
        "modos, storage, decrypt": lambda: storage.put(decrypt(stream_file(storage, "sealed"), [key]), "opened"),
        "crypt4gh, decrypt": lambda: reference(crypt4gh.lib.decrypt, [(0, key.raw, None)], sealed, opened),
    }
    works["modos, storage, encrypt"]()
    seconds = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - begin)
    rates = {name: megabytes * 1.048576 / statistics.median(found) for name, found in seconds.items()}
    for name, rate in rates.items():
        theirs = rates[f"crypt4gh, {name.rpartition(', ')[2]}"]
        print(f"{name:26} {rate:8,.0f} MB/s  {rate / theirs:5.2f} of crypt4gh", flush=True)  # noqa: T201 - a program
    subprocess.run([sys.executable, __file__, "--memory", str(plain)], check=True)


def of_an_object(megabytes: int) -> None:
    """Print the rate of each step on an object in Swift, what was sent, and the peak memory of the process."""
    key, other, block = generate_key(), generate_key(), os.urandom(_CHUNK)
    with SwiftServer() as server, Proxy(server.url) as proxy:
        SwiftFileSystem(storage_url=server.storage_url, token=server.token()).mkdir("bench")
        storage = SwiftStorage("swift://bench/ex", storage_url=server.storage_url, token=server.token())
        modo = MODO.create("", storage)
        storage.put((block for _ in range(megabytes)), "data.tsv")
        modo.add_element({"@type": "DataEntity", "id": "data", "data_format": "MTX", "data_path": "data.tsv"})
        through = SwiftStorage("swift://bench/ex", storage_url=proxy.through(server.storage_url), token=server.token())
        drained(stream_file(storage, "data.tsv"))
        works = {
            "copied as it is": lambda: storage.put(stream_file(storage, "data.tsv"), "copy"),
            "copied and read back": lambda: (
                storage.put(stream_file(storage, "data.tsv"), "copy"),
                drained(stream_file(storage, "copy")),
            ),
            "encrypted": lambda: modo.encrypt(key.public),
            "given to another": lambda: MODO("", through).reshare(other.public, secret_key=key),
            "decrypted": lambda: modo.refresh().decrypt(other),
        }
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            seconds = time.perf_counter() - begin
            print(f"{name:22} {seconds:7.2f} s  {megabytes * 1.048576 / seconds:8,.0f} MB/s", flush=True)  # noqa: T201 - a program
        sent = sum(request.bytes_sent for request in proxy.requests)
        print(f"sent to give it to another: {sent:,} bytes in {len(proxy.requests)} requests")  # noqa: T201 - a program
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process {peak:,.0f} MB")  # noqa: T201 - a program


def occupy(plain: Path) -> None:
    """Print the peak memory of one encryption and decryption, in a process of its own."""
    key, storage = generate_key(), LocalStorage(plain.parent)
    storage.put(encrypt(stream_file(storage, "plain"), [key.public]), "sealed")
    storage.put(decrypt(stream_file(storage, "sealed"), [key]), "opened")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process {peak:,.0f} MB")  # noqa: T201 - a program


def drained(pieces) -> None:
    for _ in pieces:
        pass


if __name__ == "__main__":
    main()
