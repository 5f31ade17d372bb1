"""What regions cost: requests, bytes and time, beside pysam on a signed URL, with and without latency.

`python tests/benchmarks/regions.py [--latency 0.02] [--megabytes 100] [--rounds 7]`; prints ratios of the same run.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pysam

from modos.omics.regions.reading import open_indexed
from modos.storage import SwiftStorage
from modos.swift import TempURLs
from modos.testing import Proxy, SwiftServer

CONTIG, LENGTH, READ = "chr1", 60_000_000, 100

PYSAM = """
import sys, time, pysam
url, contig, start, end, rounds = sys.argv[1:6]
for _ in range(int(rounds)):
    begin = time.perf_counter()
    with pysam.AlignmentFile(url, index_filename=sys.argv[6]) as file:
        count = sum(1 for _ in file.fetch(contig, int(start), int(end)))
    print(time.perf_counter() - begin, count, flush=True)
"""
"""In a process of its own: a server in the same process and htslib's HTTP wait for each other."""


def write(path: Path, megabytes: int) -> None:
    """Write a BAM of about this size."""
    chance = random.Random(7)
    header = pysam.AlignmentHeader.from_dict(
        {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": CONTIG, "LN": LENGTH}, {"SN": "chr2", "LN": 1000}]}
    )
    count = megabytes * 16_400
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number in range(count):
            read = pysam.AlignedSegment(header)
            read.query_name = f"INST:1:FC:{number}"
            read.reference_id, read.reference_start = 0, number * (LENGTH - READ) // count
            read.mapping_quality, read.cigarstring = 60, f"{READ}M"
            read.query_sequence = "".join(chance.choices("ACGT", k=READ))
            read.query_qualities = pysam.qualitystring_to_array(
                "".join(chance.choices("#,:F", weights=(1, 2, 5, 40), k=READ))
            )
            file.write(read)
    pysam.index(str(path))


def timed(rounds, work):
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        count = work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds), count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="directory where the BAM is kept for the next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, SwiftServer() as server, Proxy(server.url) as proxy:
        bam = (options.keep or Path(scratch)) / f"reads{options.megabytes}.bam"
        if not bam.exists():
            write(bam, options.megabytes)
        storage = SwiftStorage("swift://omics", storage_url=proxy.through(server.storage_url), token=server.token())
        storage.filesystem.mkdir("omics")
        for suffix in ("", ".bai"):
            storage.put(Path(f"{bam}{suffix}"), f"reads.bam{suffix}")
        keys = TempURLs(storage.filesystem)
        keys.rotate("omics")
        urls = [keys.sign(f"omics/reads.bam{suffix}", expires_in=3600) for suffix in ("", ".bai")]
        print(  # noqa: T201 - a program
            f"{bam.stat().st_size / 1e6:.0f} MB BAM, index {Path(f'{bam}.bai').stat().st_size / 1e6:.2f} MB"
        )
        file = open_indexed(storage, "reads.bam")
        for latency in (0.0, options.latency):
            proxy.latency = latency
            for size in (100_000, 1_000_000, 5_000_000):
                compare(proxy, storage, file, urls, bam, size, options.rounds)


def compare(proxy, storage, file, urls, bam, size, rounds):  # noqa: PLR0917 - one scenario
    start = 20_000_000
    region = f"{CONTIG}:{start + 1}-{start + size}"

    def count(records):
        return sum(1 for _ in records)

    def cost(work):
        proxy.clear()
        work()
        return len(proxy.requests), sum(request.bytes_received for request in proxy.requests) / 1e6

    cached, cold = (
        (lambda: count(file.stream(region))),
        (lambda: count(open_indexed(storage, "reads.bam").stream(region))),
    )
    ours = {"index cached": cached, "index not cached": cold}
    proxy.clear()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
        for name, index in (("pysam, index at hand", f"{bam}.bai"), ("pysam, index remote", urls[1])):
            proxy.clear()
            command = [sys.executable, "-c", PYSAM, urls[0], CONTIG, str(start), str(start + size), str(rounds), index]
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=True)
            rows = [line.split() for line in done.stdout.splitlines()]
            seconds, records = statistics.median(float(row[0]) for row in rows), int(rows[0][1])
            requests = len(proxy.requests) / rounds
            received = sum(request.bytes_received for request in proxy.requests) / rounds / 1e6
            report(proxy.latency, size, name, seconds, records, requests, received)
    for name, work in ours.items():
        requests, received = cost(work)
        seconds, records = timed(rounds, work)
        report(proxy.latency, size, f"modos, {name}", seconds, records, requests, received)


def report(latency, size, name, seconds, records, requests, received):  # noqa: PLR0917 - one row
    print(  # noqa: T201 - a program
        f"{latency * 1000:3.0f} ms  {size / 1e6:4.1f} Mb  {name:26} {seconds * 1000:8.1f} ms "
        f"{requests:5.1f} requests {received:7.2f} MB {records:8,} records",
        flush=True,
    )


if __name__ == "__main__":
    main()
