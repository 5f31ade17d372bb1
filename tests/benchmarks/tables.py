"""How fast tables are read: mzTab beside pyteomics, in one run; and what columns of a Parquet file in Swift cost.

    python tests/benchmarks/tables.py [--rows 20000] [--assays 12] [--rounds 7] [--latency 0.02]

Needs pyteomics (the dependency group `bench`). Rounds of both alternate; the median and the best are printed.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modos import SwiftStorage
from modos.omics import read_table
from modos.storage import LocalStorage
from modos.testing import Proxy, SwiftServer

SUMMARY = "SML_ID SMF_ID_REFS database_identifier chemical_formula smiles inchi chemical_name uri theoretical_neutral_mass adduct_ions reliability best_id_confidence_measure best_id_confidence_value"
FEATURE = "SMF_ID SME_ID_REFS SME_ID_REF_ambiguity_code adduct_ion isotopomer exp_mass_to_charge charge retention_time_in_seconds retention_time_in_seconds_start retention_time_in_seconds_end"


def write(path: Path, rows: int, assays: int) -> None:
    """Write an mzTab-M file of so many small molecules and features."""
    chance = random.Random(3)
    abundances = [f"abundance_assay[{number}]" for number in range(1, assays + 1)]

    def numbers():
        return [f"{chance.random() * 1e7:.1f}" for _ in abundances]

    lines = [["MTD", "mzTab-version", "2.0.0-M"], ["MTD", "mzTab-ID", "made-up"], ["MTD", "ms_run[1]-location", "null"]]
    lines += [["MTD", f"assay[{number}]", f"run {number}"] for number in range(1, assays + 1)]
    lines.append(["SMH", *SUMMARY.split(), *abundances])
    for row in range(1, rows + 1):
        mass, score = f"{chance.random() * 1000:.5f}", f"{chance.random():.3f}"
        cells = [
            row,
            f"{row}|{row + 1}",
            f"CHEBI:{row}",
            "C10H15N5O10P2",
            "Nc1ncnc2n",
            "null",
            f"compound {row}",
            "null",
        ]
        cells += [mass, "[M+H]1+", 2, "[MS, MS:1002890, fragmentation score, ]", score]
        lines.append(["SML", *map(str, cells), *numbers()])
    lines += [[""], ["SFH", *FEATURE.split(), *abundances]]
    for row in range(1, rows + 1):
        ratio, seconds = f"{chance.random() * 1000:.5f}", f"{chance.random() * 900:.2f}"
        cells = [row, "null", "null", "[M+H]1+", "null", ratio, 1, seconds, "null", "null"]
        lines.append(["SMF", *map(str, cells), *numbers()])
    path.write_text("".join("\t".join(line) + "\n" for line in lines))


def with_modos(path: Path) -> tuple[int, int]:
    storage = LocalStorage(path.parent)
    return tuple(read_table(storage, path.name, table).num_rows for table in ("SML", "SMF"))


def with_pyteomics(path: Path) -> tuple[int, int]:
    from pyteomics import mztab

    file = mztab.MzTab(str(path))
    return len(file.small_molecule_table), len(file.small_molecule_feature_table)


def compare(path: Path, rounds: int) -> None:
    seconds: dict[str, list[float]] = {"modos": [], "pyteomics": []}
    processor: dict[str, list[float]] = {"modos": [], "pyteomics": []}
    counts = set()
    for _ in range(rounds):
        for name, work in (("modos", with_modos), ("pyteomics", with_pyteomics)):
            begin, used = time.perf_counter(), time.process_time()
            counts.add(work(path))
            seconds[name].append(time.perf_counter() - begin)
            processor[name].append(time.process_time() - used)
    assert len(counts) == 1
    say(f"mzTab, {path.stat().st_size / 1e6:.1f} MB, rows of SML and SMF: {counts.pop()}")
    for name, each in seconds.items():
        numbers = (statistics.median(each), min(each), min(processor[name]))
        median, best, used = (1000 * number for number in numbers)
        say(f"  {name:10} median {median:7.1f} ms  best {best:7.1f} ms  processor time, best {used:7.1f} ms")
    ratios = {
        "median": statistics.median(seconds["pyteomics"]) / statistics.median(seconds["modos"]),
        "best": min(seconds["pyteomics"]) / min(seconds["modos"]),
        "processor time": min(processor["pyteomics"]) / min(processor["modos"]),
    }
    say(f"  pyteomics / modos: {', '.join(f'{name} {ratio:.1f}' for name, ratio in ratios.items())}")


def columns(latency: float) -> None:
    """Read a column, and rows by a filter, of a Parquet file in Swift."""
    with tempfile.TemporaryDirectory() as folder, SwiftServer() as server, Proxy(server.url) as proxy:
        table = pa.table({f"c{number}": np.random.default_rng(number).random(1_000_000) for number in range(10)})
        path = Path(folder, "t.parquet")
        pq.write_table(table.add_column(0, "id", pa.array(range(1_000_000))), path, row_group_size=100_000)
        storage = SwiftStorage("swift://omics", storage_url=proxy.through(server.storage_url), token=server.token())
        storage.filesystem.mkdir("omics")
        storage.put(path, "t.parquet")
        proxy.latency = latency
        say(f"Parquet, {path.stat().st_size / 1e6:.0f} MB in Swift, {latency * 1000:.0f} ms behind")
        questions = {
            "all of it": {},
            "one column": {"columns": ["c5"]},
            "ten rows of one column": {"columns": ["c5"], "rows": (500_000, 500_010)},
            "ten rows by a filter": {"columns": ["id", "c5"], "filter": [("id", ">=", 999_990)]},
        }
        for name, question in questions.items():
            proxy.clear()
            begin = time.perf_counter()
            read_table(storage, "t.parquet", **question)
            taken = (time.perf_counter() - begin) * 1000
            received = sum(request.bytes_received for request in proxy.requests) / 1e6
            say(f"  {name:24} {taken:8.1f} ms {len(proxy.requests):4} requests {received:8.2f} MB")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--assays", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency", type=float, default=0.02)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made-up.mztab")
        write(path, options.rows, options.assays)
        compare(path, options.rounds)
    columns(options.latency)


if __name__ == "__main__":
    main()
