"""Tables of every format by one call: the same rows however they are read, only what is needed fetched, damage told."""

import csv
import gzip
import json
import random
import time
import warnings
from contextlib import suppress

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from modos import MODO
from modos.cli import main
from modos.errors import IntegrityError, InvalidInputError
from modos.omics import Answer, Facts, Format, list_tables, read_facts, read_table, scan_table
from modos.omics.tables.writing import as_lines
from modos.storage import LocalStorage
from modos.testing import Proxy

ROWS = 4_000
GROUP = 500


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """What all files hold: numbers, text with gaps, and a name with a dot."""
    chance = np.random.default_rng(1)
    return pa.table(
        {
            "id": pa.array(range(ROWS)),
            "x.y": pa.array(chance.random(ROWS)),
            "name": pa.array([None if n % 11 == 0 else f"n{n % 7}" for n in range(ROWS)]),
        }
    )


@pytest.fixture(scope="module")
def storage(table, tmp_path_factory) -> LocalStorage:
    """The table in every format that one file can have."""
    storage = LocalStorage(tmp_path_factory.mktemp("tables"))
    rows = table.to_pylist()
    for name, mark in (("t.csv", ","), ("t.tsv", "\t")):
        lines = [mark.join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
        storage.put("\n".join([mark.join(table.column_names), *lines, ""]).encode(), name)
    storage.put(gzip.compress(storage.read("t.csv")), "t.csv.gz")
    storage.put("".join(f"{json.dumps(row)}\n" for row in rows).encode(), "t.jsonl")
    storage.put(json.dumps(rows).encode(), "t.json")
    pq.write_table(table, f"{storage.path}/t.parquet", row_group_size=GROUP, compression="snappy")
    return storage


FILES = ("t.csv", "t.tsv", "t.csv.gz", "t.jsonl", "t.json", "t.parquet")


@pytest.mark.parametrize("file", FILES)
def test_all_formats_hold_the_same_rows(file, storage, table):
    """At once, piece by piece, as frames, as text, and by any selection."""
    assert read_table(storage, file).equals(table)
    assert scan_table(storage, file).read_all().equals(table)
    assert list_tables(storage, file) == {"": ("id", "x.y", "name")}
    some = read_table(storage, file, columns=["name", "id"], rows=(990, 1010))
    assert some.equals(table.select(["name", "id"]).slice(990, 20))
    assert some.equals(read_table(storage, file, columns=["name", "id"], rows=slice(990, 1010)))
    wanted = (pc.field("id") > 3990) & (pc.field("name") == "n1")
    conditions = [("id", ">", 3990), ("name", "==", "n1")]
    for condition in (wanted, conditions):
        assert read_table(storage, file, columns=["x.y"], filter=condition).equals(table.filter(wanted).select(["x.y"]))
    assert read_table(storage, file, rows=(ROWS + 5, None)).num_rows == 0
    as_text = read_table(storage, file, columns=["id"], types="text", rows=(None, 3))
    assert as_text["id"].to_pylist() == ["0", "1", "2"]
    pd.testing.assert_frame_equal(read_table(storage, file, as_="pandas"), table.to_pandas())
    assert read_table(storage, file, as_="polars").equals(pl.from_arrow(table))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"columns": ["nmae"]}, "no column 'nmae'; did you mean 'name'"),
        ({"filter": [("idd", ">", 1)]}, "no column 'idd'; did you mean 'id'"),
        ({"filter": [("name", ">", 1)]}, "the filter does not fit"),
        ({"filter": [("name", "==", 10**30)]}, "the filter does not fit"),
        ({"filter": [("id", "in", ["x"])]}, "the filter does not fit"),
        ({"filter": [("id", "in", 5)]}, "compares with something that no column holds"),
        ({"filter": [("id", "==", object())]}, "compares with something that no column holds"),
        ({"filter": [("id", "==", 10**400)]}, "compares with something that no column holds"),
        ({"table": "SML"}, "one table without a name"),
        ({"rows": (-1, 2)}, "counted from the beginning"),
        ({"rows": slice(0, 10, 2)}, r"rows is slice\(0, 10, 2\), and should be a slice or a pair, counted"),
        ({"rows": slice(-2, None)}, "counted from the beginning"),
        ({"rows": 5}, "rows is 5, and should be"),
        ({"rows": (1,)}, "and should be"),
        ({"rows": "ab"}, "rows is 'ab', and should be"),
        ({"rows": (0, 2.5)}, "and should be"),
        ({"as_": "numpy"}, "arrow, pandas, polars, not as 'numpy'"),
    ],
    ids=lambda each: "" if isinstance(each, str) else next(iter(each)),
)
def test_mistakes_are_told(question, reason, file, storage):
    with pytest.raises(InvalidInputError, match=reason):
        read_table(storage, file, **question)


DAMAGED = {
    "a cell too many": ("d.csv", b"# made by x\na,b\n1,2\n3,4,5\n", "line 4: 3 cells where the header has 2"),
    "cut in the last line": ("d.tsv", b"a\tb\n1\t2\n3", "line 3: 1 cells where the header has 2"),
    "a quote without an end": ("d.tsv", b'a\tb\n5" tube\tx\n"5 tube\ty\nz\tw\n', "line 3: what stands in quotes"),
    "a cell too few behind a cell of two lines": (
        "d.csv",
        b'a,b\n"1\n2",3\n\n4\n',
        "line 5: 1 cells where the header has 2",
    ),
    "a row that is not UTF-8": ("d.csv", b"a,b\n1,x\n2,y\n3,\xe9\n", "line 4: it is not UTF-8"),
    "a header that is not UTF-8": ("d.csv", b"# x\na,\xe9\n1,2\n", "line 2: it is not UTF-8"),
    "empty": ("d.csv", b"", "has no header"),
    "a record cut off": ("d.jsonl", b'{"a": 1}\n{"a": 2}\n{"a"', "line 3: it is no JSON"),
    "a line that is no record": ("d.jsonl", b'{"a": 1}\n[2]\n', "line 2: it is no record"),
    "a list cut off": ("d.json", b'[{"a": 1}, {"a"', "cannot be read as a table"),
    "a list of numbers": ("d.json", b"[1, 2]", "something else than records"),
    "Parquet cut off": ("d.parquet", b"PAR1" + bytes(100), "does not end with PAR1"),
    "Parquet with a wild footer": ("d.parquet", b"PAR1" + b"\xff" * 60 + b"PAR1", "longer than the file"),
    "Parquet with a spoilt footer": ("d.parquet", b"PAR1" + b"\xff" * 60 + b"\x10\0\0\0PAR1", "cannot be read"),
    "gzip cut off": ("d.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-5], "cut off"),
    "HDF5 cut off": ("d.h5ad", b"\x89HDF\r\n\x1a\n" + bytes(50), "cannot be read as HDF5"),
}


@pytest.mark.parametrize(("file", "content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told(file, content, reason, tmp_path):
    """With the file and, where there are lines, the line; at once and piece by piece."""
    storage = LocalStorage(tmp_path)
    storage.put(content, file)
    for read in (read_table, lambda *what: list(scan_table(*what))):
        with pytest.raises(IntegrityError, match=reason) as told:
            read(storage, file)
        assert file in str(told.value)


@pytest.mark.parametrize("file", FILES)
def test_random_damage_is_told_or_harmless(file, table, storage, tmp_path):
    """Bytes changed, cut out or put in at random: a table or an `IntegrityError`, never anything else."""
    chance = random.Random(file)
    place = LocalStorage(tmp_path)
    pq.write_table(table.slice(0, 50), tmp_path / "t.parquet", row_group_size=20)
    small = storage.read(file)[:600] if file in {"t.csv", "t.tsv", "t.jsonl"} else storage.read(file)
    whole = place.read(file) if file == "t.parquet" else small
    for _ in range(40):
        start = chance.randrange(len(whole))
        middle = chance.choice((bytes([chance.randrange(256)]), b"", b"\0\0\0", b"\xff"))
        place.put(whole[:start] + middle + whole[start + 1 :], file)
        with suppress(IntegrityError):
            read_table(place, file).validate(full=True)


def test_odd_headers(tmp_path):
    """Comments before the header, names of rows without a name, and names that come twice."""
    storage = LocalStorage(tmp_path)
    storage.put(b"## x\n# y\n\n#gene\ta\ta\nXIST\t1\t2\n", "odd.tsv")
    assert read_table(storage, "odd.tsv").to_pylist() == [{"#gene": "XIST", "a": 1, "a.2": 2}]
    storage.put(b"a,b\nr1,1,2\nr2,NA,4\n", "r.csv")
    assert read_table(storage, "r.csv").to_pydict() == {"column1": ["r1", "r2"], "a": [1, None], "b": [2, 4]}


READS = {"at once": read_table, "piece by piece": lambda *what: scan_table(*what).read_all()}
both_ways = pytest.mark.parametrize("read", READS.values(), ids=READS)


@both_ways
def test_cells_in_quotes_may_have_line_ends(read, tmp_path):
    """In the header and in rows, wherever a piece of the file ends; Python's own reader says the same."""
    storage = LocalStorage(tmp_path)
    rows = [("id", "two\nlines"), *((f"x{number}", f'of {number},\nand "more"') for number in range(70_000))]
    with (tmp_path / "lines.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = read(storage, "lines.csv")
    assert [tuple(found.column_names), *zip(*found.to_pydict().values(), strict=True)] == rows


@both_ways
@pytest.mark.parametrize("at", ["header", "first row"])
def test_lines_may_be_long(at, read, tmp_path):
    """Longer than a piece, as sequences are, and names of many cells."""
    storage = LocalStorage(tmp_path)
    name, cell = ("n" * 3_000_000, "x") if at == "header" else ("n", "x" * 3_000_000)
    storage.put(f"id\t{name}\n1\t{cell}\n2\ty\n".encode(), "long.tsv")
    assert read(storage, "long.tsv").to_pydict() == {"id": [1, 2], name: [cell, "y"]}


@both_ways
def test_integers_beyond_64_bits_stay_as_they_are_written(read, tmp_path):
    """As numbers, ids that differ in their last digits would be the same; of numbers with fractions none is too large."""
    storage = LocalStorage(tmp_path)
    ids = ["110883424764611924400221639916314253469", "110883424764611924400221639916314253470", "7"]
    lines = [f"{one},{number}\n" for one, number in zip(ids, ("1e30", "0.5", "-9e18"), strict=True)]
    storage.put("".join(["cell,score\n", *lines]).encode(), "ids.csv")
    assert read(storage, "ids.csv").to_pydict() == {"cell": ids, "score": [1e30, 0.5, -9e18]}


def test_numbers_of_any_size_can_be_compared_with(tmp_path):
    """Unsigned ones exactly, larger ones as numbers with a fraction."""
    ids = [2**64 - 1, 2**64 - 2, 1]
    pq.write_table(pa.table({"id": pa.array(ids, pa.uint64()), "x": [1e31, 0.5, -1.0]}), tmp_path / "ids.parquet")
    storage = LocalStorage(tmp_path)
    assert read_table(storage, "ids.parquet", filter=[("id", "==", ids[1])])["x"].to_pylist() == [0.5]
    assert read_table(storage, "ids.parquet", filter=[("x", ">", 10**30)])["id"].to_pylist() == [ids[0]]


def test_many_columns_are_told_apart(tmp_path):
    """Cells are columns where genes are rows; no name is compared with all others, which would take minutes."""
    storage = LocalStorage(tmp_path)
    names = ["same"] * 100_000 + [f"c{number}" for number in range(100_000)]
    storage.put("\t".join(names).encode() + b"\n", "wide.tsv")
    (columns,) = list_tables(storage, "wide.tsv").values()
    assert columns[:2] == ("same", "same.2")
    assert columns[99_999:100_001] == ("same.100000", "c0")


def test_a_list_of_records_has_the_columns_of_all(tmp_path):
    """Records need not have the same; integers beyond 64 bits are as inexact as in records a line."""
    storage = LocalStorage(tmp_path)
    records = [{"a": 1}, {"b": "x"}, {"a": 2, "c": 2**70}]
    storage.put(json.dumps(records).encode(), "list.json")
    storage.put("".join(f"{json.dumps(each)}\n" for each in records).encode(), "lines.jsonl")
    found = read_table(storage, "list.json")
    assert found.to_pydict() == {"a": [1, None, 2], "b": [None, "x", None], "c": [None, None, 2.0**70]}
    assert found.equals(read_table(storage, "lines.jsonl"))


def test_types_are_found_by_looking_at_all_values(tmp_path):
    """A word behind two megabytes of numbers makes the column text; piece by piece it is told, and text is offered."""
    storage = LocalStorage(tmp_path)
    storage.put(b"a,b\n" + b"1234567,2\n" * 200_000 + b"x,4\n", "late.csv")
    found = read_table(storage, "late.csv", columns=["a"])
    assert (str(found.schema.field("a").type), found["a"][-1].as_py(), found.num_rows) == ("string", "x", 200_001)
    with pytest.raises(IntegrityError, match=r"#200002.*'x'"):
        list(scan_table(storage, "late.csv"))
    assert scan_table(storage, "late.csv", types="text").read_all().num_rows == 200_001


@pytest.fixture
def remote(account, container):
    with Proxy(account.server.url) as proxy:
        yield account.swift(container, storage_url=proxy.through(account.server.storage_url)), proxy


def test_what_columns_and_row_groups_cost(remote):
    """A look at the size, the end of the file, and a request for the row groups that have rows that are wanted."""
    place, proxy = remote
    wide = pa.table({f"c{n}": np.random.default_rng(n).random(40_000) for n in range(10)}).add_column(
        0, "id", pa.array(range(40_000))
    )
    sink = pa.BufferOutputStream()
    pq.write_table(wide, sink, row_group_size=10_000, use_dictionary=False, compression="none")
    content = sink.getvalue().to_pybytes()
    place.put(content, "t.parquet")
    proxy.clear()
    found = read_table(place, "t.parquet", columns=["c5"], rows=(25_000, 25_010))
    assert found.equals(wide.select(["c5"]).slice(25_000, 10))
    assert [request.method for request in proxy.requests] == ["HEAD", "GET", "GET"]
    assert sum(request.bytes_received for request in proxy.requests) < 64 * 1024 + 10_000 * 8 + 4096
    proxy.clear()
    found = read_table(place, "t.parquet", columns=["id"], filter=[("id", ">=", 39_990)])
    assert found["id"].to_pylist() == list(range(39_990, 40_000))
    assert [request.method for request in proxy.requests] == ["HEAD", "GET", "GET"]
    proxy.clear()
    assert list_tables(place, "t.parquet")[""][:2] == ("id", "c0")
    assert len(proxy.requests) == 2
    proxy.clear()
    assert read_table(place, "t.parquet").equals(wide)
    assert len(proxy.requests) == 3
    assert sum(request.bytes_received for request in proxy.requests) < 1.1 * len(content)


def test_columns_of_parquet_with_one_name(tmp_path):
    """They are told apart as in text; each has its values, and a column is not taken for what is within another."""
    columns = {"a": [1, 2], "b": ["x", "y"], "c": [3, 4], "a.b": [5, 6]}
    table = pa.table(columns).rename_columns(["a", "b", "a", "a.b"])
    pq.write_table(table, tmp_path / "twice.parquet", row_group_size=1)
    storage = LocalStorage(tmp_path)
    assert list_tables(storage, "twice.parquet") == {"": ("a", "b", "a.2", "a.b")}
    assert read_table(storage, "twice.parquet").to_pydict() == {
        "a": [1, 2],
        "b": ["x", "y"],
        "a.2": [3, 4],
        "a.b": [5, 6],
    }
    some = read_table(storage, "twice.parquet", columns=["a.2", "a"], filter=[("a.2", ">", 3)])
    assert some.to_pydict() == {"a.2": [4], "a": [2]}


@pytest.mark.parametrize("file", ["t.parquet", "t.jsonl"])
def test_what_cannot_be_written_as_text_stays(file, tmp_path):
    """Lists, structures and bytes; all else is text when text is asked for."""
    rows = [{"n": 1, "list": [1, 2], "inner": {"x": 1}}]
    expected = [{"n": "1", "list": [1, 2], "inner": {"x": 1}}]
    storage = LocalStorage(tmp_path)
    if file == "t.parquet":
        rows, expected = [{**rows[0], "bytes": b"\xff"}], [{**expected[0], "bytes": b"\xff"}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / file)
    else:
        storage.put(json.dumps(rows[0]).encode() + b"\n", file)
    assert read_table(storage, file, types="text").to_pylist() == expected


def test_many_columns_of_parquet_take_time_in_proportion(tmp_path):
    """Genes are columns where cells are rows: four times as many take about four times as long, not sixteen."""
    storage = LocalStorage(tmp_path)

    def took(count: int) -> float:
        pq.write_table(pa.table({f"ENSG{number:011}": [1] for number in range(count)}), tmp_path / "wide.parquet")
        before = time.process_time()
        assert read_table(storage, "wide.parquet").num_columns == count
        return time.process_time() - before

    took(10)
    few, many = took(2_000), took(8_000)
    assert many < 8 * few


class Short(LocalStorage):
    """A place whose answers lack their last byte, as behind a proxy that drops it."""

    def read(self, target, start=None, end=None):
        return super().read(target, start, end)[:-1]

    def read_ranges(self, target, ranges, *, gap=0):
        return [body[:-1] for body in super().read_ranges(target, ranges, gap=gap)]


@pytest.mark.parametrize("file", FILES)
def test_a_short_answer_is_no_table(file, storage):
    """An error that names the file, and no part of the table."""
    with pytest.raises(IntegrityError, match=file):
        read_table(Short(storage.path), file)


# -- annotated matrices ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    """An AnnData in both forms, with every kind of column and matrix, and the same in memory."""
    anndata = pytest.importorskip("anndata")
    sparse = pytest.importorskip("scipy.sparse")
    chance = np.random.default_rng(2)
    dense = np.where(chance.random((60, 25)) < 0.2, chance.integers(1, 9, (60, 25)), 0).astype("float32")
    obs = pd.DataFrame(
        {
            "kind": pd.Categorical(["b", "a", None] * 20, categories=["b", "a"], ordered=True),
            "count": pd.array([1, None, 3] * 20, dtype="Int64"),
            "flag": pd.array([True, None, False] * 20, dtype="boolean"),
            "text": [f"früh {n}" for n in range(60)],
            "depth": np.arange(60.0),
        },
        index=[f"cell{n}" for n in range(60)],
    )
    whole = anndata.AnnData(
        sparse.csr_matrix(dense),
        obs=obs,
        var=pd.DataFrame({"long": np.arange(25)}, index=[f"gene{n}" for n in range(25)]),
        layers={"by_columns": sparse.csc_matrix(dense), "dense": dense},
        obsm={"pca": chance.random((60, 3))},
    )
    folder = tmp_path_factory.mktemp("annotated")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole.write_h5ad(folder / "a.h5ad")
        whole.write_zarr(folder / "a.zarr")
    return LocalStorage(folder), whole, dense


@pytest.mark.thorough
@pytest.mark.parametrize("file", ["a.h5ad", "a.zarr"])
def test_annotated_matrices(file, annotated):
    """Observations keep their types; of matrices each column is a variable, however they are stored."""
    storage, whole, dense = annotated
    found = list_tables(storage, file)
    assert list(found) == ["obs", "var", "X", "layers/by_columns", "layers/dense", "obsm/pca"]
    assert found["obs"] == ("index", *whole.obs.columns)
    obs = read_table(storage, file)
    assert [str(kind) for kind in obs.schema.types[2:4]] == ["int64", "bool"]
    for name in whole.obs.columns:
        expected = [None if pd.isna(value) else value for value in whole.obs[name]]
        assert obs[name].to_pylist() == expected
    assert obs["kind"].type.ordered
    assert obs["index"].to_pylist() == list(whole.obs_names)
    for matrix in ("X", "layers/by_columns", "layers/dense"):
        whole_matrix = read_table(storage, file, matrix)
        assert np.array_equal(whole_matrix.drop_columns(["index"]).to_pandas().to_numpy(), dense)
        some = read_table(storage, file, matrix, columns=["gene9", "index", "gene2"], rows=(7, 33))
        assert np.array_equal(some.select(["gene9", "gene2"]).to_pandas().to_numpy(), dense[7:33, [9, 2]])
        assert some["index"].to_pylist() == list(whole.obs_names[7:33])
    assert read_table(storage, file, "obsm/pca", columns=["2"])["2"].to_pylist() == list(whole.obsm["pca"][:, 2])
    deep = read_table(storage, file, columns=["text"], filter=[("depth", ">=", 58)])
    assert deep.to_pylist() == [{"text": "früh 58"}, {"text": "früh 59"}]
    with pytest.raises(InvalidInputError, match="has no table 'layers/x'"):
        read_table(storage, file, "layers/x")


def test_categories_as_anndata_wrote_them_before(tmp_path):
    """Until version 0.7 they stood beside the columns: words come, not their codes."""
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        for name in ("obs", "var"):
            frame = file.create_group(name)
            frame.attrs.update({"encoding-type": "dataframe", "_index": "cell", "column-order": ["kind"]})
            frame["cell"] = ["c1", "c2", "c3"]
            frame["kind"] = np.array([1, -1, 0], dtype="int8")
            frame["__categories/kind"] = ["T cell", "B cell"]
            frame["__categories/kind"].attrs["ordered"] = True
    found = read_table(LocalStorage(tmp_path), "old.h5ad", "obs")
    assert found.to_pydict() == {"cell": ["c1", "c2", "c3"], "kind": ["B cell", None, "T cell"]}


@pytest.mark.parametrize("kind", ["dense", "csr_matrix", "csc_matrix"])
def test_names_that_come_twice(kind, tmp_path):
    """Symbols of genes, a gene called like the index, and a column called as an index without a name is: each has its values."""
    anndata = pytest.importorskip("anndata")
    sparse = pytest.importorskip("scipy.sparse")
    numbers = np.arange(8.0).reshape(2, 4)
    matrix = numbers if kind == "dense" else getattr(sparse, kind)(numbers)
    obs = pd.DataFrame({"index": ["AAAC", "TTTG"], "n": [1, 2]}, index=["0", "1"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = anndata.AnnData(matrix, obs=obs, var=pd.DataFrame(index=["MATR3", "TBCE", "MATR3", "_index"]))
        whole.write_h5ad(tmp_path / "twice.h5ad")
        whole.write_zarr(tmp_path / "twice.zarr")
    storage = LocalStorage(tmp_path)
    for file in ("twice.h5ad", "twice.zarr"):
        assert read_table(storage, file).to_pydict() == {"_index": ["0", "1"], "index": ["AAAC", "TTTG"], "n": [1, 2]}
        assert read_table(storage, file, columns=["index"]).to_pydict() == {"index": ["AAAC", "TTTG"]}
        assert read_table(storage, file, "X").to_pydict() == {
            "_index": ["0", "1"],
            "MATR3": [0.0, 4.0],
            "TBCE": [1.0, 5.0],
            "MATR3.2": [2.0, 6.0],
            "_index.2": [3.0, 7.0],
        }
        some = read_table(storage, file, "X", columns=["MATR3.2", "MATR3"])
        assert some.to_pydict() == {"MATR3.2": [2.0, 6.0], "MATR3": [0.0, 4.0]}


@pytest.mark.thorough
def test_several_modalities(tmp_path):
    """Each has its tables in `mod`."""
    mudata = pytest.importorskip("mudata")
    anndata = pytest.importorskip("anndata")
    parts = {
        name: anndata.AnnData(
            np.full((4, width), float(width)),
            obs=pd.DataFrame(index=[f"c{n}" for n in range(4)]),
            var=pd.DataFrame(index=[f"{name}{n}" for n in range(width)]),
        )
        for name, width in (("rna", 3), ("protein", 2))
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mudata.MuData(parts).write_h5mu(tmp_path / "m.h5mu")
    storage = LocalStorage(tmp_path)
    assert list_tables(storage, "m.h5mu")["mod/rna/X"] == ("index", "rna0", "rna1", "rna2")
    assert read_table(storage, "m.h5mu", "mod/protein/X", columns=["protein1"])["protein1"].to_pylist() == [2.0] * 4
    assert "modalities: protein, rna" in read_facts(storage, "m.h5mu").summary


@pytest.mark.thorough
def test_a_damaged_annotated_matrix(annotated, tmp_path):
    """A file that was cut off, and a directory whose data are gone where they were not zero."""
    storage, *_ = annotated
    whole = storage.read("a.h5ad")
    LocalStorage(tmp_path).put(whole[: len(whole) // 2], "cut.h5ad")
    with pytest.raises(IntegrityError, match=r"cut\.h5ad: cannot be read as HDF5"):
        read_table(LocalStorage(tmp_path), "cut.h5ad", "X")
    LocalStorage(tmp_path).put(b"{}", "no.zarr/zarr.json")
    with pytest.raises((IntegrityError, InvalidInputError), match=r"no\.zarr"):
        read_table(LocalStorage(tmp_path), "no.zarr", "X")


# -- objects, commands, other packages -------------------------------------------------------------------------------------


@pytest.fixture
def study(storage, tmp_path):
    modo = MODO.create(tmp_path / "study")
    modo.add_element({"@type": "DataEntity", "id": "t", "data_format": "Parquet"}, f"{storage.path}/t.parquet")
    modo.add_element({"@type": "Array", "id": "counts", "data_format": "TSV"}, f"{storage.path}/t.tsv")
    return modo


def test_tables_of_an_object(study, table):
    """By element or by name."""
    for file in ("data/t", "t", "t.parquet"):
        assert study.read_table(file).equals(table)
    assert study.scan_table("counts", rows=(0, 2)).read_all().num_rows == 2
    assert study.list_tables("counts") == {"": ("id", "x.y", "name")}
    with pytest.raises(InvalidInputError, match="is no file of the object"):
        study.read_table("counts.tvs")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv", "tsv", "jsonl"])
def test_a_table_is_written_as_a_file(suffix, study, table, tmp_path):
    """`modos table -o` writes what other programs read, and nothing beside it."""
    path = tmp_path / "out" / f"o.{suffix}"
    path.parent.mkdir()
    arguments = ["--columns", "name,id", "--where", "id >= 3990", "--where", "id<3993"]
    assert main(["table", study.url, "t", *arguments, "-o", str(path)]) == 0
    if suffix == "arrow":
        written = pa.ipc.open_file(str(path)).read_all()
    else:
        written = read_table(LocalStorage(path.parent), path.name)
    assert written.to_pylist() == table.select(["name", "id"]).slice(3990, 3).to_pylist()
    assert list(path.parent.iterdir()) == [path]


def test_each_row_is_one_line_of_tsv():
    """Tabs and line ends within names and cells are blanks."""
    table = pa.table({"a\nb": ["one\ttwo", "three\r\nfour", None], "n": [1, 2, 3]})
    assert list(as_lines(table.to_reader())) == ["a b\tn", "one two\t1", "three  four\t2", "\t3"]


def test_commands(study, tmp_path, capsys):
    """TSV with a header, or a record a line; what there is; and mistakes in one sentence."""
    assert main(["table", study.url, "counts", "--rows", "11:13", "-c", "id", "-c", "name"]) == 0
    assert capsys.readouterr().out == "id\tname\n11\t\n12\tn5\n"
    assert main(["table", study.url, "counts", "--rows", ":1", "--json", "--text", "-c", "id"]) == 0
    assert capsys.readouterr().out == '{"id": "0"}\n'
    assert main(["table", study.url, "t", "--list"]) == 0
    assert capsys.readouterr().out == "id\tx.y\tname\n"
    assert main(["table", study.url, "t", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"": ["id", "x.y", "name"]}
    mistakes = {
        ("--rows", "1-2"): (2, "is no interval of rows"),
        ("--where", "id"): (2, "is no condition"),
        ("--where", "name > 3"): (1, "the filter does not fit"),
        ("-o", str(tmp_path / "x.xlsx")): (1, "cannot hold a table"),
    }
    for arguments, (code, told) in mistakes.items():
        assert main(["table", study.url, "t", *arguments]) == code
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line
    assert main(["table", study.url, "t", "--where", "name == 'n3'", "--rows", ":4", "-c", "id"]) == 0
    assert capsys.readouterr().out == "id\n3\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reads.bam", "holds records of BAM, which read_region reads"),
        ("genes.fa", "is a file of FASTA, which has no tables"),
        ("what.ever", "is of a format that is not known"),
    ],
)
def test_files_without_tables(name, reason, tmp_path):
    with pytest.raises(InvalidInputError, match=reason):
        read_table(LocalStorage(tmp_path), name)


class Repeating:
    """A reader of another package: one table, which is the length of the file."""

    def names(self, files, target):
        return {"lengths": ("length",)}

    def scan(self, files, target, question):
        batch = pa.record_batch({"length": [files.stat(target).size]})
        return Answer(batch.schema, iter([batch]))


def test_formats_of_other_packages(tmp_path, monkeypatch):
    """A `Format` that brings a reader, as an entry point would, is read by the same call."""
    other = Format(
        name="Length",
        suffixes=(".length",),
        tables=Repeating(),
        facts=lambda files, target: Facts(summary=f"{files.stat(target).size} bytes"),
    )
    monkeypatch.setattr("modos.omics.formats.known_formats", lambda: (other,))
    storage = LocalStorage(tmp_path)
    storage.put(b"12345", "x.length")
    assert read_table(storage, "x.length").to_pylist() == [{"length": 5}]
    assert list_tables(storage, "x.length") == {"lengths": ("length",)}
    assert read_facts(storage, "x.length").summary == "5 bytes"
