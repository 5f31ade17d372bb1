"""Arrays, tables and annotated matrices in the group of an element: they come back as they were, from every storage."""

import datetime as dt
import json
import math
import sys
import tracemalloc

import cloudpickle
import dask.array
import dask.dataframe
import dask.local
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st

from modos import MODO
from modos.errors import (
    ElementExistsError,
    ElementNotFoundError,
    IntegrityError,
    InvalidElementError,
    InvalidInputError,
    MissingDependencyError,
)
from modos.objects.arrays.grids import CHUNK, SHARD, cut, is_chunk, keys_beside

COLUMNS = {
    "int8": np.arange(4, dtype="int8"),
    "float": [1.5, np.nan, 2, -0.0],
    "bool": [True, False, True, True],
    "complex": np.arange(4) + 1j,
    "Int64": pd.array([1, None, 3, 2**62 + 1], dtype="Int64"),
    "UInt8": pd.array([1, None, 3, 4], dtype="UInt8"),
    "boolean": pd.array([True, None, False, True], dtype="boolean"),
    "Float64": pd.array([1.5, None, 2, 3], dtype="Float64"),
    "str": pd.Series(["a", "", "é", "d"], dtype="str"),
    "str with NaN": pd.Series(["a", None, "c", ""], dtype="str"),
    "string with NA": pd.array(["a", None, "c", ""], dtype="string"),
    "objects": pd.Series(["a", "b", "c", "d"], dtype=object),
    "objects with None": pd.Series(["a", None, "c", "d"], dtype=object),
    "objects with NaN": pd.Series(["a", np.nan, "c", "d"], dtype=object),
    "categories": pd.Categorical(["u", "v", None, "u"], categories=["v", "u", "w"], ordered=True),
    "numbers as categories": pd.Categorical([1, 2, 1, 2]),
    "dates as categories": pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"] * 2)),
    "times": pd.to_datetime(["2020-01-01", "2021-01-01 03:04:05.678901", None, "2022"], format="mixed"),
    "seconds": pd.to_datetime(["2020-01-01"] * 4).astype("datetime64[s]"),
    "zone": pd.to_datetime(["2020-01-01", "2021-07-01", None, "2022-01-01"]).tz_localize("Europe/Zurich"),
    "spans": pd.to_timedelta([1, 2, None, 4], unit="h"),
    "months": pd.period_range("2020-01", periods=4, freq="M"),
    "arrow numbers": pd.array([1, None, 3, 4], dtype="int64[pyarrow]"),
    "arrow text": pd.Series(["a", None, "c", "d"], dtype=pd.ArrowDtype(pa.string())),
    "sparse": pd.arrays.SparseArray([0, 0, 1, 2]),
    "a/b": [1] * 4,
    "zarr.json": [2] * 4,
    "A": [3] * 4,
    "a": [4] * 4,
    7: [5] * 4,
}
INDEXES = {
    "counting": pd.RangeIndex(4),
    "counting down": pd.RangeIndex(8, 0, -2, name="q"),
    "text": pd.Index(["v", "w", "x", "v"], name="gene"),
    "numbers": pd.Index([0.5, 1, np.nan, 3]),
    "days": pd.date_range("2020-01-01", periods=4, freq="D", name="when"),
    "months": pd.period_range("2020-01", periods=4, freq="M"),
    "categories": pd.CategoricalIndex(["a", "b", "a", "c"]),
    "levels": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
}
FRAME = pd.DataFrame(
    {"n": [1, 2], "kind": pd.Categorical(["u", "v"]), "s": ["x", "y"], "m": pd.array([1, None], "Int64")}
)
DATASET = xr.Dataset(
    {"t": (("x", "time"), np.arange(6.0).reshape(2, 3), {"unit": "K"}), "name": ("x", ["a", "bc"]), "z": ((), 5)},
    coords={"x": [10, 20], "time": pd.date_range("2020-01-01", periods=3), "label": ("x", ["u", "v"])},
    attrs={"title": "a dataset"},
)
ANNDATA_WARNS = [  # of pandas 3.1 to AnnData and MuData, until they follow it
    "ignore:The 'future.infer_string' option is deprecated",
    "ignore:The inplace keyword in DataFrame.drop is deprecated",
    "ignore:This setting will be removed in 0.14",
]


@pytest.fixture
def ex(make_storage) -> MODO:
    """An object with one sample, on disk."""
    modo = MODO.create("ex", make_storage("local"))
    modo.add_element({"@type": "Sample", "id": "s1"})
    return modo


def reopened(modo: MODO) -> MODO:
    return MODO("", modo.storage)


# -- tables -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", INDEXES)
def test_a_table_comes_back_as_it_was(ex, index):
    """Columns of every type, with what is missing, in their order and with their names; and the index."""
    frame = pd.DataFrame(COLUMNS).set_axis(INDEXES[index])
    ex.add_array("s1", frame, "table")
    pd.testing.assert_frame_equal(reopened(ex).read_array("s1", "table"), frame, check_freq=True)
    assert ex.check().findings == ()


@pytest.mark.parametrize(
    "data",
    [
        pd.Series([1.5, 2], name="x"),
        pd.Series(["a", None], index=["p", "q"]),
        pd.Index([3, 4], name="n"),
        pd.date_range("2020-01-01", periods=3, freq="h"),
        pd.DataFrame(np.eye(2)),
        pd.DataFrame(index=["only", "rows"]),
        pd.DataFrame({"none": pd.Series([], dtype="Int64")}),
        pd.DataFrame([[1, 2]], columns=["same", "same"]),
        pd.DataFrame([[1, 2]], columns=pd.Index([2020, 2021], name="year")),
    ],
    ids=["series", "labelled", "index", "days", "numbered", "rows", "empty", "doubled", "named"],
)
def test_a_series_an_index_and_odd_tables_come_back(ex, data):
    """What they are, and what they are called."""
    ex.add_array("s1", data)
    compare = {pd.Series: pd.testing.assert_series_equal, pd.DataFrame: pd.testing.assert_frame_equal}
    compare.get(type(data), pd.testing.assert_index_equal)(ex.read_array("s1"), data)


def test_some_columns_and_some_rows_of_a_table(ex):
    """As pandas would choose them; a name that is none is told, with a near one."""
    frame = pd.DataFrame(COLUMNS).set_axis(INDEXES["text"])
    ex.add_array("s1", frame)
    found = ex.read_array("s1", rows=slice(1, 3), columns=["zone", "categories", 7])
    pd.testing.assert_frame_equal(found, frame[["zone", "categories", 7]].iloc[1:3])
    pd.testing.assert_frame_equal(ex.read_array("s1", rows=slice(-1, None)), frame.iloc[-1:])
    with pytest.raises(InvalidInputError, match="no column 'zoen'; did you mean 'zone'"):
        ex.read_array("s1", columns=["zoen"])


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pd.Series([1, "a"], dtype=object), "column 'x' holds int objects such as '1'"),
        (pd.Series([b"1", b"a"], dtype=object), "bytes objects"),
        (pd.Series(pd.interval_range(0, 2)), "column 'x' is of type interval"),
    ],
)
def test_columns_that_have_no_layout_are_refused(ex, writes, column, reason):
    """With the name of the column, and nothing is written."""
    writes.names.clear()
    with pytest.raises(InvalidElementError, match=reason):
        ex.add_array("s1", pd.DataFrame({"x": column}))
    with pytest.raises(InvalidElementError, match="names of tables"):
        ex.add_array("s1", pd.DataFrame([[1]], columns=[("a", "b")]))
    assert writes.names == []


@pytest.mark.filterwarnings(*ANNDATA_WARNS)
def test_tables_and_sparse_matrices_are_in_the_layout_of_anndata(ex):
    """AnnData's own reader reads them."""
    import anndata

    ex.add_array("s1", FRAME.set_index("s"), "table")
    matrix = scipy.sparse.random_array((6, 5), density=0.4, format="csc", rng=1)
    ex.add_array("s1", matrix, "matrix")
    table = anndata.io.read_elem(ex.zarr["sample/s1/table"])
    assert table["n"].tolist() == [1, 2]
    assert table["kind"].dtype == "category"
    assert table.index.tolist() == ["x", "y"]
    assert (anndata.io.read_elem(ex.zarr["sample/s1/matrix"]) != matrix).nnz == 0


def test_tables_of_arrow_come_back_as_such(ex):
    """Types are those of Arrow; tables of pandas can be read as such too."""
    table = pa.table({"n": [1, None, 3], "s": ["a", "b", None], "f": [0.5, 1.5, 2.5]})
    ex.add_array("s1", table)
    found = ex.read_array("s1")
    assert found.schema.remove_metadata() == table.schema
    assert found.to_pylist() == table.to_pylist()
    ex.add_array("s1", FRAME, "frame")
    assert ex.read_array("s1", "frame", "arrow").column("m").to_pylist() == [1, None]


# -- arrays -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        np.arange(24, dtype="u2").reshape(2, 3, 4),
        np.array(["2020-01-01", "NaT"], dtype="datetime64[D]"),
        np.array([1, 2], dtype="timedelta64[s]"),
        np.array(["früh", ""], dtype=np.dtypes.StringDType()),
        np.array(7),
        np.zeros((0, 3)),
        np.float16([1.5, np.nan]),
    ],
    ids=["integers", "days", "spans", "text", "one", "none", "halves"],
)
def test_an_array_comes_back_as_it_was(ex, values):
    """Shape, type and values, also by dask and in xarray."""
    ex.add_array("s1", values, attributes={"unit": "counts"})
    found = reopened(ex).read_array("s1")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype
    assert ex.zarr["sample/s1/data"].attrs["unit"] == "counts"
    if values.dtype.kind != "T":
        np.testing.assert_array_equal(ex.read_array("s1", as_="dask").compute(), values)
        np.testing.assert_array_equal(ex.read_array("s1", as_="xarray").to_numpy(), values)


def test_times_of_zarr_are_stored_and_appended(ex, tmp_path):
    """They are whole numbers here, as those of numpy are."""
    zarr.save_array(tmp_path / "days.zarr", np.array(["2020-01-01", "2021-01-01"], dtype="M8[s]"))
    days = zarr.open_array(tmp_path / "days.zarr")
    ex.add_array("s1", days)
    ex.append_array("s1", "data", days)
    assert ex.read_array("s1").tolist() == [*days[...].tolist()] * 2


def test_what_would_lose_something_is_refused(ex):
    """Masked values, objects, sparse arrays of other dimensions, names and attributes that would not come back."""
    with pytest.raises(InvalidElementError, match="'modos' says how"):
        ex.add_array("s1", [1], attributes={"modos": 1})
    for data in (
        dask.array.ma.masked_equal(dask.array.arange(4), 2),
        xr.Dataset({"x": ("t", [1])}, attrs={"modos": 1}),
        xr.Dataset({"a/b": ("t", [1])}),
        xr.Dataset(attrs={"title": "nothing yet"}),
        xr.Dataset({"x": ("t", [1], {"made": dt.date(2026, 1, 1)})}),
        xr.DataArray([1], name=("a", 1)),
        np.ma.masked_equal([1, 2], 2),
        [object()],
        ["a", None],
        scipy.sparse.coo_array(([1], ([0],)), shape=(3,)),
    ):
        with pytest.raises(InvalidElementError):
            ex.add_array("s1", data)
    assert ex.list_arrays("s1") == "sample/s1"


def test_labels_come_back(ex):
    """Those of xarray, and those given beside an array of numpy; a plain `xarray.open_zarr` opens them too."""
    ex.add_array("s1", DATASET, "dataset")
    xr.testing.assert_identical(ex.read_array("s1", "dataset"), DATASET)
    plain = xr.open_zarr(ex.storage._zarr_store(), group="sample/s1/dataset", zarr_format=3)
    xr.testing.assert_identical(plain.load(), DATASET)
    assert "_ARRAY_DIMENSIONS" not in ex.zarr["sample/s1/dataset/t"].attrs
    assert ex.zarr["sample/s1/dataset/t"].metadata.dimension_names == ("x", "time")
    for array in (DATASET.t, DATASET.t.rename(None), DATASET.x):
        ex.add_array("s1", array, "array", overwrite=True)
        xr.testing.assert_identical(ex.read_array("s1", "array"), array)
    ex.add_array("s1", np.eye(2), "labelled", labels={"gene": ["a", "b"], "cell": None})
    found = ex.read_array("s1", "labelled")
    assert found.dims == ("gene", "cell")
    assert found.sel(gene="b").to_numpy().tolist() == [0, 1]
    assert found.name is None
    times = {unit: ("x", np.array(["2020-01-01", "NaT"], dtype=f"M8[{unit}]")) for unit in ("s", "ms", "us", "ns")}
    times["far"] = ("x", np.array(["0001-01-01", "9999-12-31"], dtype="M8[s]"))
    ex.add_array("s1", xr.Dataset(times), "times")
    found = ex.read_array("s1", "times")
    xr.testing.assert_identical(found, xr.Dataset(times))
    assert {name: each.dtype for name, each in found.items()} == {name: each.dtype for name, (_, each) in times.items()}
    with pytest.raises(InvalidElementError, match="labels are given for 1 dimensions"):
        ex.add_array("s1", np.eye(2), "wrong", labels={"gene": None})


def test_masked_values_and_names_of_dask_are_not_taken_for_labelled_ones(ex):
    """What is masked is refused beside labels, too; what dask calls its arrays is not what they are called."""
    with pytest.raises(InvalidElementError, match="masked"):
        ex.add_array("s1", np.ma.masked_equal([1, 2], 2), labels={"x": None})
    ex.add_array("s1", dask.array.arange(4), labels={"x": None})
    assert ex.read_array("s1").name is None


def test_attributes_are_what_json_has(ex):
    """Numbers and arrays of numpy are numbers and lists, however deep; those of xarray just so."""
    attributes = {"depth": np.int64(3), "of": {"range": np.array([0.5, 1]), "names": (np.str_("a"), None)}}
    ex.add_array("s1", [1], "plain", attributes=attributes)
    ex.add_array("s1", xr.DataArray([1], dims="x", attrs=attributes), "labelled")
    expected = {"depth": 3, "of": {"range": [0.5, 1.0], "names": ["a", None]}}
    assert dict(ex.read_array("s1", "plain", "zarr").attrs) == ex.read_array("s1", "labelled").attrs == expected


@pytest.mark.parametrize("make", [lambda array: array, lambda array: xr.DataArray(array, dims="x")])
def test_an_array_of_dask_that_does_not_know_its_size_says_how_to_learn_it(ex, make):
    """However it is stored; with sizes, it is."""
    unknown = dask.array.arange(10, chunks=5)
    unknown = unknown[unknown > 3]
    ex.add_array("s1", [1], "grown")
    with pytest.raises(InvalidElementError, match="compute_chunk_sizes"):
        ex.add_array("s1", make(unknown))
    with pytest.raises(InvalidElementError, match="compute_chunk_sizes"):
        ex.append_array("s1", "grown", unknown)
    ex.add_array("s1", make(unknown.compute_chunk_sizes()))
    assert ex.read_array("s1", as_="numpy").tolist() == [4, 5, 6, 7, 8, 9]


def test_one_number_cuts_all_axes(ex):
    """Chunks and shards may be a number, as for zarr."""
    ex.add_array("s1", np.eye(8), "plain", chunks=2, shards=4)
    array = ex.read_array("s1", "plain", "zarr")
    assert (array.chunks, array.shards) == ((2, 2), (4, 4))
    ex.add_array("s1", xr.Dataset({"a": ("x", np.arange(8)), "b": (("x", "y"), np.eye(8))}), "labelled", chunks=2)
    assert ex.read_array("s1", "labelled", "zarr")["b"].chunks == (2, 2)
    for name, data in {"table": FRAME, "sparse": scipy.sparse.eye_array(8)}.items():
        ex.add_array("s1", data, name, chunks=2)
        assert set(chunks_in(ex.read_array("s1", name, "zarr"))) == {(2,)}


def chunks_in(group):
    for _, array in group.members(max_depth=None):
        if hasattr(array, "chunks") and array.ndim and not array.name.endswith("categories"):
            yield array.chunks


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_sparse_matrices_come_back(ex, form):
    """By rows, by columns and by coordinates, as matrices and as arrays; some rows of them too."""
    array = scipy.sparse.random_array((30, 20), density=0.2, format=form, rng=1)
    for matrix in (array, scipy.sparse.coo_matrix(array).asformat(form)):
        ex.add_array("s1", matrix, overwrite=True)
        found = ex.read_array("s1")
        assert type(found) is type(matrix)
        np.testing.assert_array_equal(found.toarray(), matrix.toarray())
        np.testing.assert_array_equal(ex.read_array("s1", rows=slice(5, 9)).toarray(), matrix.toarray()[5:9])
        np.testing.assert_array_equal(ex.read_array("s1", as_="numpy"), matrix.toarray())


def test_forms_that_an_array_cannot_have_are_told(ex):
    """With those that it can have; and names that there are not, with near ones."""
    ex.add_array("s1", FRAME, "table")
    with pytest.raises(InvalidInputError, match=r"stored as a table .* pandas, arrow, numpy, xarray, zarr"):
        ex.read_array("s1", "table", "anndata")
    with pytest.raises(ElementNotFoundError, match="did you mean 'sample/s1/table'"):
        ex.read_array("s1", "tabel")
    assert isinstance(ex.read_array("s1", "table", "zarr"), zarr.Group)
    assert ex.read_array("s1", "table", "xarray").sizes == {"index": 2}


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("n", {"rows": 3}, "a slice that goes forward"),
        ("n", {"rows": slice(None, None, -1)}, "a slice that goes forward"),
        ("n", {"rows": slice("x")}, "a slice that goes forward"),
        ("n", {"rows": slice(1.5), "lazy": True}, "a slice that goes forward"),
        ("one", {"rows": slice(1)}, "one value"),
        ("labelled", {"rows": slice(1)}, "one value"),
        ("table", {"columns": "n"}, r"such as \['n'\]"),
        ("table", {"columns": 3}, "should be a list of names"),
        ("alike", {"as_": "xarray"}, "cannot be read as 'xarray': .* non-unique"),
        ("alike", {"as_": "arrow"}, "cannot be read as 'arrow': Duplicate column names"),
    ],
)
def test_what_cannot_be_chosen_or_converted_is_told(ex, name, options, reason):
    """Not as an error of the library that would have been asked."""
    alike = pd.DataFrame([[1, 2]], columns=["a", "a"])
    data = {"n": [1, 2], "one": 5, "labelled": xr.DataArray(5), "table": FRAME, "alike": alike}
    ex.add_array("s1", data[name], name)
    with pytest.raises(InvalidInputError, match=reason):
        ex.read_array("s1", name, **options)


def test_forms_of_odd_tables(ex):
    """Records as a table of pandas, an index in xarray, a series without its column, one value with a label."""
    for name in ("x", "a/b"):
        array = xr.DataArray([1, 2], dims="x", name=name)
        ex.add_array("s1", array, "named", overwrite=True)
        xr.testing.assert_identical(ex.read_array("s1", "named"), array)
    ex.add_array("s1", xr.DataArray(5, {"year": 2024}, name="x"), "value")
    xr.testing.assert_identical(ex.read_array("s1", "value"), xr.DataArray(5, {"year": 2024}, name="x"))
    ex.add_array("s1", np.array([(1, 2.5)], dtype=[("a", "i8"), ("b", "f8")]), "records")
    ex.add_array("s1", pd.Index(["a", "b"]), "index")
    ex.add_array("s1", pd.Series([1, 2], name="x"), "series")
    pd.testing.assert_frame_equal(ex.read_array("s1", "records", "pandas"), pd.DataFrame({"a": [1], "b": [2.5]}))
    assert ex.read_array("s1", "index", "xarray").to_numpy().tolist() == ["a", "b"]
    assert ex.read_array("s1", "series", columns=[]).shape == (2, 0)


@pytest.mark.parametrize("data", [np.arange(9), FRAME, np.zeros((2000, 1000)), scipy.sparse.eye_array(3)])
def test_chunks_that_make_no_sense_are_damage(ex, data):
    """Whatever their codec says of them; the error names the array and where what is lost may be."""
    ex.add_array("s1", data)
    for path in list(ex.storage.list("data.zarr/sample/s1/data")):
        if path.name != "zarr.json":
            ex.storage.put(b"no chunk", path)
    with pytest.raises(IntegrityError, match="sample/s1/data: cannot be read as it is stored") as caught:
        ex.read_array("s1")
    assert "backups" in caught.value.__notes__[0]


NOISE = np.random.default_rng(7).integers(0, 256, 64, dtype="u1")  # which no compression makes shorter


@pytest.mark.parametrize(
    "data",
    [
        NOISE,
        np.array(["dé", "a"] * 9),
        np.array(2.5),
        pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}),
        xr.DataArray(NOISE, dims="x"),
        scipy.sparse.csr_array(np.eye(3)),
    ],
    ids=lambda data: type(data).__name__,
)
def test_a_bit_that_changes_where_it_is_stored_is_found(ex, data):
    """Whichever: each chunk has a checksum, so that no other values are read than were stored."""
    ex.add_array("s1", data)
    chunks = [path for path in ex.storage.list("data.zarr/sample/s1/data") if path.name != "zarr.json"]
    found = 0
    for path in chunks:
        body = ex.storage.read(path)
        for place in range(6, len(body)):  # behind the header of a frame, of which not every bit matters
            ex.storage.put(body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :], path)
            with pytest.raises(IntegrityError, match="cannot be read as it is stored"):
                ex.read_array("s1")
            found += 1
        ex.storage.put(body, path)
    assert found > len(chunks)


@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
@pytest.mark.parametrize(
    ("module", "extra", "ask"),
    [
        ("xarray", "arrays", lambda ex: ex.add_array("s1", [1], "new", labels={"x": None})),
        ("xarray", "arrays", lambda ex: ex.read_array("s1", "labelled")),
        ("dask.array", "arrays", lambda ex: ex.read_array("s1", as_="dask")),
        ("pandas", "arrays", lambda ex: ex.read_array("s1", as_="pandas")),
        ("mudata", "single-cell", lambda ex: ex.to_mudata("s1", "mudata")),
    ],
    ids=["labels", "labelled", "dask", "pandas", "mudata"],
)
def test_a_library_that_is_not_installed_is_named(ex, monkeypatch, module, extra, ask):
    """With the extra that brings it; arrays need none."""
    ex.add_array("s1", [1, 2])
    ex.add_array("s1", [1, 2], "labelled", labels={"x": ["a", "b"]})
    ex.zarr.create_group("sample/s1/mudata", attributes={"encoding-type": "MuData"})
    zarr.consolidate_metadata(ex.zarr.store)
    ex.refresh()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"modos-objects\[{extra}\]"):
        ask(ex)
    assert ex.read_array("s1").tolist() == [1, 2]


@pytest.mark.filterwarnings(*ANNDATA_WARNS)
def test_annotated_matrices_of_dask_are_cut_into_small_shards(ex):
    """Not into those of a gigabyte that their library makes, which have to be held whole; and come back."""
    import anndata

    blocks = dask.array.arange(2048 * 1024, chunks=(64 * 1024,), dtype="f8").reshape((2048, 1024))
    ex.add_anndata("s1", anndata.AnnData(blocks))
    stored = ex.read_array("s1", as_="zarr")["X"]
    assert math.prod(stored.chunks) * 8 <= CHUNK
    assert math.prod(stored.shards or stored.chunks) * 8 <= 2 * SHARD
    np.testing.assert_array_equal(ex.to_anndata("s1").X, np.arange(2048 * 1024).reshape(2048, 1024))


@pytest.mark.thorough
@pytest.mark.filterwarnings(*ANNDATA_WARNS)
def test_annotated_matrices_come_back_from_every_storage(modo, adata):
    """Dense and sparse, with layers, loadings, graphs, unstructured and raw data; lazily as well."""
    modo.add_anndata("sample1", adata, "cells")
    fresh = reopened(modo)
    assert_same(fresh.to_anndata("sample1", "cells"), adata)
    lazy = fresh.to_anndata("sample1", "cells", lazy=True)
    assert hasattr(lazy.X, "dask")
    assert (lazy.X.compute() != adata.X).nnz == 0
    adata.obs["new"] = 1
    modo.add_anndata("sample1", adata, "cells", overwrite=True)
    assert_same(modo.to_anndata("sample1", "cells"), adata)
    assert modo.check().findings == ()


@pytest.mark.thorough
@pytest.mark.filterwarnings(*ANNDATA_WARNS)
def test_several_annotated_matrices_come_back(ex, adata):
    """A MuData with its modalities, in a group of the element's."""
    import mudata

    other = adata.copy()
    other.raw = None
    other.var_names = [f"peak{number}" for number in range(other.n_vars)]
    mdata = mudata.MuData({"rna": adata, "atac": other})
    ex.add_mudata("s1", mdata, "deep/cells")
    found = reopened(ex).to_mudata("s1", "deep/cells")
    assert list(found.mod) == ["rna", "atac"]
    assert_same(found["atac"], mdata["atac"])
    pd.testing.assert_frame_equal(found.obs, mdata.obs)


def assert_same(found, expected) -> None:
    """Assert that two AnnData have the same in all their parts."""
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    pd.testing.assert_frame_equal(found.var, expected.var)
    assert (found.X != expected.X).nnz == 0
    assert found.X.format == expected.X.format
    for name in ("obsm", "varm", "obsp", "layers"):
        there, wanted = dict(getattr(found, name)), dict(getattr(expected, name))
        assert there.keys() == wanted.keys()
        for key, each in wanted.items():
            left, right = (part.toarray() if scipy.sparse.issparse(part) else part for part in (there[key], each))
            np.testing.assert_array_equal(left, right)
    np.testing.assert_equal(dict(found.uns), dict(expected.uns))
    assert (found.raw is None) == (expected.raw is None)
    if expected.raw is not None:
        assert (found.raw.X != expected.raw.X).nnz == 0


@pytest.fixture
def adata():
    """A small AnnData with something of everything."""
    import anndata

    rng = np.random.default_rng(1)
    obs = pd.DataFrame({"type": pd.Categorical(["a", "b"] * 6), "n": rng.random(12)}, [f"cell{i}" for i in range(12)])
    adata = anndata.AnnData(
        scipy.sparse.random(12, 5, 0.4, format="csr", rng=rng),
        obs=obs,
        var=pd.DataFrame({"symbol": list("abcde")}, [f"gene{i}" for i in range(5)]),
        obsm={"X_pca": rng.random((12, 2))},
        varm={"loadings": rng.random((5, 2))},
        obsp={"distances": scipy.sparse.random(12, 12, 0.2, format="csr", rng=rng)},
        layers={"dense": rng.random((12, 5))},
        uns={"how": {"k": np.array([1, 2]), "by": "umap"}, "cut": 3.5},
    )
    adata.raw = adata.copy()
    return adata


# -- how they are cut ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 1 << 22), max_size=4), st.sampled_from([1, 2, 4, 8, 16]))
def test_chunks_and_shards_are_for_reading_over_a_network(shape, itemsize):
    """A chunk is at most 1 MiB and not much less if there is more; a shard is a whole number of chunks, up to 32 MiB."""
    grid = cut(shape, itemsize)
    size = math.prod(shape) * itemsize
    chunk, stored = (math.prod(each) * itemsize for each in (grid.chunks, grid.stored))
    assert itemsize <= chunk <= CHUNK
    assert stored <= SHARD
    assert all(whole % part == 0 for whole, part in zip(grid.stored, grid.chunks, strict=True))
    if size > CHUNK:
        assert chunk > CHUNK / 3
    if size > SHARD:
        assert grid.objects(shape) <= 8 * 2 ** len(shape) * size / SHARD


def test_two_gibibytes_are_64_objects(ex):
    """Not 100,000; and whoever knows better says so."""
    assert cut((2**28,), 8).objects((2**28,)) == 64
    assert cut((2**14, 2**14), 8).objects((2**14, 2**14)) == 64
    ex.add_array("s1", np.zeros((100, 10)), chunks=(10, 10), shards=(50, 10), compressors=())
    array = ex.zarr["sample/s1/data"]
    assert (array.chunks, array.shards) == ((10, 10), (50, 10))
    assert {str(path) for path in ex.storage.list("data.zarr/sample/s1/data")} == {
        f"data.zarr/sample/s1/data/{name}" for name in ("zarr.json", "c/0/0", "c/1/0")
    }
    for wrong in ({"chunks": (10,)}, {"chunks": (0, 1)}, {"chunks": (10, 10), "shards": (15, 10)}):
        with pytest.raises(InvalidInputError):
            ex.add_array("s1", np.zeros((100, 10)), "wrong", **wrong)


@pytest.mark.thorough
@pytest.mark.parametrize("make", [lambda array: array, lambda array: xr.DataArray(array, dims=("x", "y"), name="v")])
def test_lazy_data_are_written_block_by_block(ex, make):
    """An array of dask, bare or in xarray: a fraction of it is held in memory, and the values are right."""
    blocks = dask.array.ones((4096, 8192), chunks=(512, 8192)).cumsum(axis=1)
    assert blocks.nbytes == 256 << 20
    tracemalloc.start()
    ex.add_array("s1", make(blocks))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20
    found = ex.read_array("s1", as_="dask")
    assert float(found[-1, -1].compute()) == 8192
    assert float(found[::512, 4095].sum().compute()) == 8 * 4096


def test_the_largest_whole_numbers_come_back(ex):
    """Also where numpy calls their type by its other name, as it does for numbers that are given in a list."""
    for name, values in {"a": [2**63, 2**64 - 1], "b": np.array([-(2**63)], np.longlong)}.items():
        ex.add_array("s1", values, name)
        assert ex.read_array("s1", name).tolist() == list(values)


@pytest.mark.parametrize(
    ("make", "right"),
    [
        (lambda: dask.dataframe.from_pandas(pd.DataFrame({"a": [1, 2]}), npartitions=1), "compute"),
        (lambda: pl.DataFrame({"a": [1, 2]}), "to_arrow"),
        (lambda: pl.LazyFrame({"a": [1, 2]}), "collect"),
        (lambda: pa.record_batch({"a": [1, 2]}), "from_batches"),
        (lambda: pd.Categorical(["a", "b"]), "Series"),
        (lambda: zarr.create_group({}), "its arrays"),
        (lambda: xr.Variable("x", [1, 2], {"unit": "m"}), "DataArray"),
        (xr.DataTree, "one by one"),
        (lambda: pa.array([1, None]), "nulls.*Arrow"),
        (lambda: pa.chunked_array([["a"], [None]]), "nulls.*Arrow"),
        (lambda: pl.Series([1, None]), "nulls.*Arrow"),
    ],
    ids=["dask", "polars", "lazy", "arrow", "categories", "group", "variable", "tree", "null", "chunks", "series"],
)
def test_what_is_more_than_an_array_is_not_made_one(ex, make, right):
    """What numpy takes the bare values of is refused, with what would be right; with labels beside it, too."""
    for labels in (None, {"x": None}):
        with pytest.raises(InvalidElementError, match=right):
            ex.add_array("s1", make(), labels=labels)
    assert "data" not in ex.list_arrays("s1")


@pytest.mark.filterwarnings(*ANNDATA_WARNS)
def test_what_a_cluster_computes_is_written_from_here(ex):
    """Neither a cluster nor other processes get what the array is written to, and they compute every block."""
    import anndata

    computed = []

    def in_another_process(graph, keys, **_):
        computed.extend(np.ravel(keys))
        return dask.local.get_sync(cloudpickle.loads(cloudpickle.dumps(graph)), keys)

    blocks = dask.array.arange(80, chunks=20).reshape((20, 4))
    with dask.config.set(scheduler=in_another_process):
        ex.add_array("s1", blocks, "plain")
        ex.append_array("s1", "plain", blocks)
        ex.add_array("s1", xr.DataArray(blocks, dims=["x", "y"]), "labelled")
        ex.add_anndata("s1", anndata.AnnData(blocks), "annotated")
    values = np.arange(80).reshape((20, 4))
    np.testing.assert_array_equal(ex.read_array("s1", "plain"), np.concatenate([values, values]))
    np.testing.assert_array_equal(ex.read_array("s1", "labelled"), values)
    np.testing.assert_array_equal(ex.to_anndata("s1", "annotated").X, values)
    assert len(computed) >= 4


# -- joining, going on, leaving -----------------------------------------------------------------------------------------


def test_an_array_can_stand_in_groups(modo):
    """Which are made as needed, are listed, and go with all they hold; nothing stands in an array."""
    modo.add_array("sample1", [1, 2], "qc/depth/mean")
    modo.add_array("sample1", FRAME, "qc/table")
    assert reopened(modo).read_array("sample1", "qc/depth/mean").tolist() == [1, 2]
    assert modo.zarr["sample/sample1/qc/depth/mean"][0] == 1
    for name in ("qc/depth/mean/x", "qc/table/x"):
        with pytest.raises((InvalidElementError, ElementExistsError)):
            modo.add_array("sample1", [1], name)
    modo.remove_array("sample1", "qc/depth")
    assert [line.strip("│└├─ ") for line in modo.list_arrays("sample1").splitlines()[1:3]] == ["qc", "table dataframe"]
    modo.remove_array("sample1", "qc", purge=True)
    with pytest.raises(ElementNotFoundError):
        modo.remove_array("sample1", "qc")
    assert modo.list_arrays("sample1") == "sample/sample1"
    assert [path for path in modo.storage.list("data.zarr/sample/sample1") if path.name != "zarr.json"] == []


REPLACEMENTS = {
    "array": np.arange(6).reshape(2, 3),
    "longer": np.arange(60).reshape(20, 3),
    "number": np.array(3),
    "table": FRAME,
    "labelled": DATASET,
    "sparse": scipy.sparse.random_array((4, 4), density=0.5, rng=1),
}


def test_one_array_takes_the_place_of_another(ex):
    """Of any kind, in any order: nothing of the old one is left, and without being asked for it is refused."""
    there_and_back = [*REPLACEMENTS.items(), *REPLACEMENTS.items(), *reversed(REPLACEMENTS.items())]
    for name, data in there_and_back:
        ex.add_array("s1", data, overwrite=True)
        assert ex.check().findings == (), name
    np.testing.assert_array_equal(reopened(ex).read_array("s1"), REPLACEMENTS["array"])
    with pytest.raises(ElementExistsError, match=r"an array 'sample/s1/data' already.*overwrite=True"):
        ex.add_array("s1", [1])
    with pytest.raises(ElementNotFoundError, match="no array 'sample/s1/other'"):
        ex.read_array("s1", "other")


def test_no_part_of_one_thing_is_removed(ex, adata):
    """A column of a table, or what a sparse or a labelled array consists of: it would be damaged; a layer may go."""
    things = {"t": FRAME, "s": scipy.sparse.eye_array(3), "l": xr.DataArray([1], dims="x", name="v"), "a": adata}
    for name, data in things.items():
        ex.add_array("s1", data, name)
    for part in ("t/_index", "s/data", "l/v", "a/obs", "a/obs/_index"):
        with pytest.raises(InvalidInputError, match=f"is a part of sample/s1/{part[0]}, which cannot be read without"):
            ex.remove_array("s1", part)
    layer = next(iter(adata.layers))
    ex.remove_array("s1", f"a/layers/{layer}")
    assert layer not in ex.to_anndata("s1", "a").layers


def test_whoever_has_read_the_object_before_never_sees_a_mixture(modo):
    """Until the root document is written the old array is read; afterwards a reader from before is told to look again."""
    modo.add_array("sample1", np.zeros((5, 5)))
    early = reopened(modo)
    seen = []
    original = type(modo.storage).put

    def watched(self, source, target, **options):
        if str(target).endswith("data.zarr/zarr.json"):
            seen.append(reopened(modo).read_array("sample1").sum())
        return original(self, source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(modo.storage), "put", watched)
        modo.add_array("sample1", np.ones((5, 5)), overwrite=True)
    assert set(seen) == {0}
    with pytest.raises(IntegrityError, match="has been replaced since the object was read"):
        early.read_array("sample1")
    assert early.refresh().read_array("sample1").sum() == 25


MORE = pd.DataFrame({"s": ["z", None], "kind": ["u", "w"], "n": [3, 4], "m": [5, None]})


@pytest.fixture(params=["small", "large"])
def size(request, monkeypatch) -> str:
    """What is appended to counts as small, and is written anew, or as large, and is written on."""
    if request.param == "large":
        monkeypatch.setattr("modos.objects.arrays.appending.SHARD", 0)
    return request.param


@pytest.mark.thorough
def test_arrays_grow(modo, size):
    """Along any axis, by lists, arrays of numpy and of dask; readers see the old or the new one."""
    modo.add_array("sample1", np.arange(6).reshape(2, 3), "n", attributes={"unit": "K"})
    modo.append_array("sample1", "n", [[6, 7, 8]])
    modo.append_array("sample1", "n", dask.array.ones((3, 2), dtype=int), axis=1)
    expected = np.hstack([np.arange(9).reshape(3, 3), np.ones((3, 2))])
    fresh = reopened(modo)
    np.testing.assert_array_equal(fresh.read_array("sample1", "n"), expected)
    np.testing.assert_array_equal(modo.zarr["sample/sample1/n"], expected)
    assert modo.zarr["sample/sample1/n"].attrs["unit"] == "K"
    modo.add_array("sample1", np.array(["2020-01-01"], dtype="M8[D]"), "t")
    modo.append_array("sample1", "t", np.array(["2021-01-01"], dtype="M8[D]"))
    assert modo.read_array("sample1", "t").tolist() == np.array(["2020-01-01", "2021-01-01"], dtype="M8[D]").tolist()
    assert modo.check().findings == ()


def test_tables_grow(ex, size):
    """By rows whose columns are in another order, with new categories and values missing where none were."""
    frame = FRAME
    ex.add_array("s1", frame)
    for _ in range(3):
        ex.append_array("s1", "data", MORE)
        known = ["u", "v", "w"]
        parts = [
            each.astype({"kind": pd.CategoricalDtype(known), "m": "Int64"})
            for each in (frame, MORE[list(frame.columns)])
        ]
        frame = pd.concat(parts, ignore_index=True)
        pd.testing.assert_frame_equal(reopened(ex).read_array("s1"), frame)
    ex.add_array("s1", pd.Series([1.0], index=["a"], name="x"), "series")
    ex.append_array("s1", "series", pd.Series([2.0], index=["b"], name="x"))
    pd.testing.assert_series_equal(ex.read_array("s1", "series"), pd.Series([1.0, 2.0], ["a", "b"], name="x"))
    assert ex.check().findings == ()


@pytest.mark.parametrize(("form", "axis"), [("csr", 0), ("csc", 1), ("csr", 1), ("csc", 0)])
def test_sparse_matrices_grow(ex, size, form, axis):
    """By rows and by columns, however they are stored."""
    matrix = scipy.sparse.random_array((8, 8), density=0.3, format=form, rng=1)
    ex.add_array("s1", matrix)
    ex.append_array("s1", "data", matrix, axis=axis)
    found = reopened(ex).read_array("s1")
    np.testing.assert_array_equal(found.toarray(), np.concatenate([matrix.toarray()] * 2, axis=axis))
    assert found.format == form


def test_labelled_arrays_grow(ex, size):
    """Along a dimension, by name; labels and attributes are kept."""
    later = DATASET.assign_coords(time=pd.date_range("2021-01-01", periods=3))
    ex.add_array("s1", DATASET, "dataset")
    ex.append_array("s1", "dataset", later, axis="time")
    ex.add_array("s1", DATASET.t, "array")
    ex.append_array("s1", "array", later.t, axis=1)
    whole = ex.read_array("s1", "dataset")
    assert whole.sizes == {"x": 2, "time": 6}
    xr.testing.assert_identical(whole.isel(time=slice(3, None)), later)
    xr.testing.assert_identical(ex.read_array("s1", "array").isel(time=slice(3)), DATASET.t)
    assert ex.check().findings == ()


def test_times_are_never_stored_in_a_unit_that_does_not_hold_them(ex, size):
    """What is small is written anew; where the unit is settled, finer times are refused and nothing is changed."""
    times = xr.DataArray([1.0], {"time": np.array(["2020-01-01"], dtype="M8[s]")}, ["time"], name="x")
    finer = times.assign_coords(time=np.array(["2020-01-01T00:00:00.5"], dtype="M8[ms]"))
    ex.add_array("s1", times)
    if size == "small":
        ex.append_array("s1", "data", finer)
        xr.testing.assert_identical(ex.read_array("s1"), xr.concat([times, finer], "time"))
        return
    with pytest.raises(InvalidElementError, match="finer than those that are stored"):
        ex.append_array("s1", "data", finer)
    xr.testing.assert_identical(ex.read_array("s1"), times)
    assert ex.check().findings == ()


def test_what_does_not_fit_is_not_appended(ex, writes, size):
    """Another type, shape, or other columns: told, and nothing is written."""
    ex.add_array("s1", np.arange(6).reshape(2, 3), "n")
    ex.add_array("s1", FRAME, "table")
    ex.add_array("s1", DATASET, "dataset")
    ex.add_array("s1", np.array(["2020-01-01"], dtype="M8[s]"), "t")
    ex.add_array("s1", np.float32([1]), "f")
    ex.add_array("s1", np.array([1j]), "c")
    ex.add_array("s1", scipy.sparse.csr_array([[0.5, 0]]), "fractions")
    ex.add_array("s1", pd.DataFrame({"x": [0.5], "y": pd.array([0.5], "Float64")}), "floats")
    ex.add_array("s1", ["a"], "text")
    ex.add_array("s1", np.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]), "records")
    ex.add_array("s1", scipy.sparse.eye_array(3, dtype="int8", format="csr"), "cells")
    ex.add_array("s1", pd.Series(pd.to_datetime(["2020-01-01"]).astype("M8[s]")), "times")
    ex.add_array("s1", pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), "alike")
    writes.names.clear()
    for name, more, options, reason in (
        ("n", [[0.5, 1, 2]], {}, "of type int64, what is appended is of type float64"),
        ("n", [["a", "b", "c"]], {}, "of type int64"),
        ("n", [[1, 2]], {}, r"nothing of shape \(1, 2\)"),
        ("n", [[1, 2, 3]], {"axis": 2}, "no axis 2"),
        ("n", np.ma.masked_equal([[1, 2, 3]], 2), {}, "is masked"),
        ("n", [[None, 2, 3]], {}, "no plain array"),
        ("t", np.array(["2020-01-01T00:00:00.5"], dtype="M8[ms]"), {}, r"of type datetime64\[s\]"),
        ("f", [1e300], {}, "overflow"),
        ("f", [2**24 + 1], {}, "of type float32, what is appended is of type int64"),
        ("f", np.array([2**63 - 1]), {}, "of type float32, what is appended is of type int64"),
        ("c", np.array([2**53 + 1]), {}, "of type complex128, what is appended is of type int64"),
        (
            "fractions",
            scipy.sparse.csr_array([[0, 2**53 + 1]]),
            {},
            "of type float64, what is appended is of type int64",
        ),
        ("floats", pd.DataFrame({"x": [2**53 + 1], "y": [1]}), {}, "column 'x' .* values would change"),
        ("floats", pd.DataFrame({"x": [1], "y": pd.array([2**53 + 1], "Int64")}), {}, "column 'y' .* would change"),
        ("dataset", DATASET.assign(t=DATASET.t.astype(int) + 2**53 + 1), {"axis": "time"}, "of type int64"),
        ("text", [1], {}, "what is appended is of type int64"),
        ("text", ["b", 1], {}, "no plain array"),
        ("records", np.array([(1, 2)], dtype=[("b", "i4"), ("a", "i4")]), {}, "convert it first"),
        ("cells", scipy.sparse.eye_array(3, dtype=int) * 300, {}, "of type int8, what is appended is of type int64"),
        ("cells", np.eye(3), {}, "is a sparse matrix; a ndarray"),
        ("times", pd.Series(pd.to_datetime(["2020-01-01T00:00:00.5"])), {}, "values would change"),
        ("table", MORE.assign(s=[1, 2]), {}, "column 's' .* no text"),
        ("table", MORE[["s", "s", "kind", "n", "m"]], {}, "has the columns"),
        ("alike", pd.DataFrame([[1, 2, 3]], columns=["a", "a", "b"]), {}, "has the columns"),
        ("table", MORE.assign(kind=[1, 2]), {}, "column 'kind' .* no text"),
        ("table", MORE.drop(columns="n"), {}, r"lacks \['n'\]"),
        ("table", MORE.assign(new=1), {}, r"has \['new'\] besides"),
        ("table", MORE.assign(n=[1, 2.5]), {}, "column 'n'"),
        ("table", MORE.set_axis(["a", "b"]), {}, "counts its rows"),
        ("table", MORE, {"axis": 1}, "grow by rows"),
        ("dataset", DATASET, {"axis": "y"}, "no dimension 'y'"),
        ("dataset", DATASET, {"axis": 0}, "no dimension 0"),
        ("dataset", DATASET.t, {"axis": "time"}, "cannot be appended"),
        ("dataset", DATASET.drop_vars("t"), {"axis": "time"}, "has others"),
        ("dataset", DATASET.assign(t=DATASET.t.astype(complex)), {"axis": "time"}, "of type complex128"),
        ("dataset", DATASET.assign(t=DATASET.t.T), {"axis": "time"}, "has the dimensions"),
        ("dataset", DATASET.assign_coords(x=[10, 21]), {"axis": "time"}, "cannot align"),
        ("dataset", DATASET.drop_vars("time"), {"axis": "time"}, "has the labels time along time, .* has no labels"),
        ("dataset", DATASET.assign_coords(time=[1, 2, 3]), {"axis": "time"}, "time is of type datetime64"),
    ):
        with pytest.raises(InvalidElementError, match=reason):
            ex.append_array("s1", name, more, **options)
    with pytest.raises(ElementNotFoundError):
        ex.append_array("s1", "nothing", [1])
    assert writes.names == []
    ex.append_array("s1", "f", [2**24 + 2])
    ex.append_array("s1", "floats", pd.DataFrame({"x": [2**53], "y": pd.array([None], "Int64")}))
    assert ex.read_array("s1", "f").tolist() == [1, 2**24 + 2]
    assert ex.read_array("s1", "floats")["x"].tolist() == [0.5, 2**53]


@pytest.mark.parametrize(("then", "freq"), [("2020-01-03", "D"), ("2021-05-01", None)])
def test_days_go_on_regularly_or_not(ex, size, then, freq):
    """A table of regular days can be read whatever days are appended, and they are regular if those follow."""
    table = pd.DataFrame({"n": [1, 2]}, pd.date_range("2020-01-01", periods=2))
    more = pd.DataFrame({"n": [3]}, pd.date_range(then, periods=1))
    ex.add_array("s1", table)
    ex.append_array("s1", "data", more)
    found = reopened(ex).read_array("s1")
    pd.testing.assert_frame_equal(found, pd.concat([table, more]), check_freq=False)
    assert found.index.freq == freq


def test_appending_often_does_not_make_many_files(ex):
    """A hundred rows, one by one: as many files as for all at once."""
    ex.add_array("s1", np.zeros((1, 3)))
    for number in range(1, 30):
        ex.append_array("s1", "data", np.full((1, 3), number))
    assert ex.read_array("s1")[:, 0].tolist() == list(range(30))
    assert len(list(ex.storage.list("data.zarr/sample/s1/data"))) == 2


def test_keys_of_chunks_do_not_meet_those_of_the_array_before():
    """Whatever the two are; and a key tells whether it is one of an array's."""

    def document(shape, name="default", separator="/"):
        return {
            "node_type": "array",
            "shape": shape,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1] * len(shape)}},
            "chunk_key_encoding": {"name": name, "configuration": {"separator": separator}},
        }

    keys = {
        "c",
        "0",
        *(f"{start}{inner}" for start in ("c/", "c.", "") for inner in ("0", "1", "0/1", "0.1", "1.1", "2")),
    }
    for old_shape in ([], [2], [2, 2]):
        for name, separator in (("default", "/"), ("default", "."), ("v2", "."), ("v2", "/")):
            old = document(old_shape, name, separator)
            taken = {key for key in keys if is_chunk(old, key)}
            assert taken
            for new_shape in ([], [2], [2, 2]):
                new = keys_beside(document(new_shape), old)
                assert not taken & {key for key in keys if is_chunk(new, key)}


def test_values_survive_in_an_object_whose_root_is_not_consolidated(ex):
    """Another program may have left it so: the array is added, and read."""
    body = json.loads(ex.storage.read("data.zarr/zarr.json"))
    del body["consolidated_metadata"]
    ex.storage.put(json.dumps(body).encode(), "data.zarr/zarr.json")
    ex.add_array("s1", np.arange(3))
    assert reopened(ex).read_array("s1").tolist() == [0, 1, 2]
    assert ex.storage.exists("data.zarr/sample/s1/data/zarr.json")
