"""What work with one object costs, beside the reference implementation, and how it grows with the number of elements.

    python tests/benchmarks/objects.py [--reference PYTHON] [--repeat 3] [--clock wall] [--sizes 100 1000 10000] [--only PART ...]

PYTHON is an interpreter of an environment of its own that has `modos` 0.3.5 from PyPI. It works on its own copy of the same
object, in zarr format 2 as it writes it; each figure is the least of several fresh processes, in seconds. Growth is that of
building an object on a disk of this machine, in one edit and one element at a time; the exponent of a power law is fitted to
it, where 1 is linear. Requests are counted between client and service, on a real Swift that speaks S3 too. No test: it
prints tables and decides nothing.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from modos import MODO, S3Storage, Storage, SwiftStorage, transfer
from modos.swift import SwiftFileSystem
from modos.testing import Proxy, SwiftServer

CLOCKS = {"wall": "perf_counter", "cpu": "process_time"}
PARTS = ("ratios", "growth", "requests")
OBJECT = {
    "@type": "MODO",
    "id": "ex",
    "creation_date": "2024-01-17T00:00:00",
    "last_update_date": "2024-10-15T00:00:00",
}

PROGRAM = """
import json, sys, time
what, place, more, clock = sys.argv[1:]
now = getattr(time, clock)

def sample(name):
    try:
        from modos_schema.datamodel import Sample
    except ImportError:
        from modos.model import Sample
    return Sample(id=name, name="New", sex="Male")

begun = now()
import modos
package = now()
from modos.api import MODO
imported = now()
if what == "import":
    pass
elif what == "open":
    len(MODO(place).metadata)
elif what == "add":
    if more:  # another object, so that all is imported that is needed
        MODO(more).add_element(sample(f"before{time.time_ns()}"))
    new = sample("new")
    imported = now()
    MODO(place).add_element(new)
elif what == "from_file":
    MODO.from_file(config_path=more, object_path=place)
else:
    modo = MODO(place)
    if more:
        getattr(MODO(more), what)()
    imported = now()
    found = getattr(modo, what)()
    assert len(found) > 100, found
ended = now()
print(json.dumps({"package": package - begun, "work": ended - imported, "whole": ended - begun}))
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# -- objects ------------------------------------------------------------------------------------------------------------


def elements(count: int) -> Iterator[dict[str, object]]:
    """Yield so many elements: an assay, and samples and data that link to each other, in the reference's slots."""
    yield {"@type": "Assay", "id": "assay1", "name": "Assay 1", "omics_type": ["GENOMICS"]}
    for number in range(1, count):
        if number % 4 == 3:
            yield {
                "@type": "DataEntity",
                "id": f"d{number}",
                "name": f"Data {number}",
                "data_path": f"d{number}.cram",
                "data_format": "CRAM",
                "has_sample": [f"sample/s{number - 1}"],
            }
        else:
            yield {
                "@type": "Sample",
                "id": f"s{number}",
                "name": f"Sample {number}",
                "description": "Blood",
                "sex": ("Male", "Female")[number % 2],
                "collector": ["Foo university"],
                "taxon_id": ["http://purl.obolibrary.org/obo/NCBITaxon_9606"],
            }


KINDS = {"Assay": "assay", "Sample": "sample", "DataEntity": "data"}


def describe(path: Path, count: int) -> Path:
    """Write a description of an object."""
    entries = [{"element": said} for said in (OBJECT, *elements(count))]
    path.write_text(yaml.safe_dump(entries))
    return path


def write_format_2(place: Path, count: int) -> Path:
    """Write an object as the reference does."""
    groups: dict[str, Mapping[str, object]] = {"": OBJECT}
    groups |= {kind: {} for kind in ("assay", "data", "reference", "sample", "sequence")}
    groups |= {
        f"{KINDS[str(said['@type'])]}/{said['id']}": {slot: said[slot] for slot in said if slot != "id"}
        for said in elements(count)
    }
    consolidated: dict[str, object] = {}
    for group, attributes in groups.items():
        folder = place / "data.zarr" / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in ((".zgroup", {"zarr_format": 2}), (".zattrs", attributes)):
            (folder / name).write_text(json.dumps(document))
            consolidated[f"{group}/{name}".lstrip("/")] = document
    document = {"zarr_consolidated_format": 1, "metadata": consolidated}
    (place / "data.zarr/.zmetadata").write_text(json.dumps(document))
    return place


# -- beside the reference -----------------------------------------------------------------------------------------------


def least(python: str, what: str, place: object, more: object, *, repeat: int, clock: str) -> dict[str, float]:
    """Return the least seconds over several processes, of the work alone and with what it imports."""
    runs = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            target = place
            if what in {"add", "from_file"}:  # at a place of its own
                target = Path(folder, "ex")
                if place:
                    shutil.copytree(str(place), target)
            command = [python, "-I", "-W", "ignore", "-c", PROGRAM, what, str(target), str(more), CLOCKS[clock]]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{python} failed at {what}: {done.stderr[-2000:]}")
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {part: min(run[part] for run in runs) for part in runs[0]}


CASES: tuple[tuple[str, str, int, int | None, str], ...] = (
    ("import modos", "import", 0, None, "package"),
    ("from modos.api import MODO", "import", 0, None, "whole"),
    ("open + metadata, N = 500", "open", 500, None, "work"),
    ("the same, with the import", "open", 500, None, "whole"),
    ("add one element, N = 500", "add", 500, 5, "work"),
    ("the same, in a fresh process", "add", 500, None, "whole"),
    ("from_file, 500 elements", "from_file", 0, None, "work"),
    ("knowledge_graph, N = 1,000", "knowledge_graph", 1000, 5, "work"),
    ("the same, in a fresh process", "knowledge_graph", 1000, None, "whole"),
    ("list_samples, N = 1,000", "list_samples", 1000, 5, "work"),
    ("the same, in a fresh process", "list_samples", 1000, None, "whole"),
)
"""Title, call, how many elements the object has, and another on which it is done before; with the imports or without."""


def compare(reference: str | None, repeat: int, clock: str, scratch: Path) -> None:
    own, theirs = {}, {}
    for count in (5, 500, 1000):
        own[count] = scratch / f"own-{count}"
        MODO.from_file(describe(scratch / f"{count}.yaml", count), own[count])
        theirs[count] = write_format_2(scratch / f"theirs-{count}", count)
    description = scratch / "500.yaml"
    say(f"{f'seconds ({clock})':40}{'reference':>12}{'modos':>12}{'times':>10}")
    for title, what, count, before, part in CASES:
        figures = []
        for python, places in ((reference, theirs), (sys.executable, own)):
            more = description if what == "from_file" else places.get(before or 0, "")
            times = 1 if what == "from_file" and places is theirs else repeat
            found = (
                least(python, what, places.get(count, ""), more, repeat=times, clock=clock)[part]
                if python
                else math.nan
            )
            figures.append(found)
        say(f"{title:40}{figures[0]:12.4f}{figures[1]:12.4f}{figures[0] / figures[1]:10.1f}")
    same = least(sys.executable, "open", theirs[500], "", repeat=repeat, clock=clock)["work"]
    say(f"{'open + metadata, the copy in format 2':40}{'':12}{same:12.4f}")


# -- growth -------------------------------------------------------------------------------------------------------------


def exponent(seconds: Mapping[int, float]) -> float:
    """Return the slope of the logarithms by least squares: 1 for what is linear."""
    points = [(math.log(count), math.log(each)) for count, each in seconds.items()]
    across, up = (sum(each) / len(points) for each in zip(*points, strict=True))
    return sum((x - across) * (y - up) for x, y in points) / sum((x - across) ** 2 for x, _ in points)


def grow(sizes: Sequence[int], clock: str, scratch: Path) -> None:
    now: Callable[[], float] = getattr(time, CLOCKS[clock])
    found: dict[str, dict[int, float]] = {
        "in one edit": {},
        "from a description": {},
        "one by one": {},
        "the last of them": {},
    }
    for count in sizes:
        MODO.create(scratch / f"warm-{count}").add_element({"@type": "Sample", "id": "s"})
        begun = now()
        modo = MODO.create(scratch / f"edit-{count}")
        with modo.edit() as edit:
            for said in elements(count):
                edit.add(said)
        found["in one edit"][count] = now() - begun

        description = describe(scratch / f"grown-{count}.yaml", count)
        begun = now()
        MODO.from_file(description, scratch / f"file-{count}")
        found["from a description"][count] = now() - begun

        begun = now()
        modo = MODO.create(scratch / f"single-{count}")
        for said in elements(count):
            last = now()
            modo.add_element(said)
        found["the last of them"][count] = now() - last
        found["one by one"][count] = now() - begun
        assert len(modo.metadata) == count + 1
    say(f"\n{f'seconds ({clock}) to build N elements':34}{''.join(f'{count:>12,}' for count in sizes)}{'exponent':>12}")
    for title, seconds in found.items():
        figures = "".join(f"{each:12.3f}" for each in seconds.values())
        say(f"{title:34}{figures}{exponent(seconds) if len(sizes) > 1 else math.nan:12.2f}")


# -- requests -----------------------------------------------------------------------------------------------------------


def count_requests(elements_there: int, scratch: Path) -> None:
    MODO.from_file(describe(scratch / "large.yaml", elements_there), scratch / "large")
    MODO.create(scratch / "small")
    say(f"\n{'requests':54}{'S3':>8}{'Swift':>8}")
    found: dict[str, list[int]] = {}
    with SwiftServer() as server, Proxy(server.url) as proxy:
        container = "requests"
        whole = SwiftStorage(f"swift://{container}", storage_url=server.storage_url, token=server.token())
        SwiftFileSystem(storage_url=server.storage_url, token=server.token()).mkdir(container)
        credentials = {"key": server.user, "secret": server.key, "region": "us-east-1"}
        through = {
            "s3": S3Storage(f"s3://{container}/s3", proxy.through(server.s3_endpoint), credentials),
            "swift": SwiftStorage(
                f"swift://{container}/swift", storage_url=proxy.through(server.storage_url), token=server.token()
            ),
        }
        for kind, place in through.items():
            transfer(scratch / "large", whole / f"{kind}/large")
            transfer(scratch / "small", whole / f"{kind}/small")
            for title, count in _counted(place, proxy, elements_there):
                found.setdefault(title, []).append(count)
    for title, counts in found.items():
        say(f"{title:54}{''.join(f'{each:8}' for each in counts)}")


def _counted(place: Storage, proxy: Proxy, elements_there: int) -> Iterator[tuple[str, int]]:
    proxy.clear()
    modo = MODO("large", place)
    assert len(modo.metadata) == elements_there + 1
    yield f"all metadata of {elements_there:,} elements", len(proxy.requests)
    place.put(b"x", "first")  # the first write to a container of Swift, each minute, looks how it is set up
    proxy.clear()
    modo.add_element({"@type": "Sample", "id": "new"})
    yield f"adding one to {elements_there:,} elements", len(proxy.requests)
    small = MODO("small", place)
    proxy.clear()
    with small.edit() as edit:
        for said in elements(500):
            edit.add(said)
    yield "an edit that adds 500 elements", len(proxy.requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", metavar="PYTHON")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu is steadier where much else is running")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if "ratios" in asked.only:
            compare(asked.reference, asked.repeat, asked.clock, scratch)
        if "growth" in asked.only:
            grow(asked.sizes, asked.clock, scratch)
        if "requests" in asked.only:
            count_requests(max(asked.sizes), scratch)


if __name__ == "__main__":
    main()
