"""Types, names and attributes that few have: they come back as they were, or are refused before anything is written."""

import datetime as dt

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr

from modos import MODO
from modos.errors import InvalidElementError
from modos.objects.arrays import appending

ZONE = dt.timezone(dt.timedelta(hours=1, seconds=7))
DAYS = pd.DatetimeIndex(["2020-01-01", "2020-03-04"])
MONTHS_AND_DAYS = pd.date_range("2020-01-01", periods=2, freq=pd.DateOffset(months=2, days=3))
LEVELS = xr.Coordinates.from_pandas_multiindex(pd.MultiIndex.from_tuples([("a", 1)]), "z")


@pytest.fixture
def ex(tmp_path):
    """An object with one sample, on disk."""
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "Sample", "id": "s1"})
    return modo


@pytest.fixture
def refuses(ex):
    """Tell that data are refused for a reason, and that nothing is left of them."""

    def tell(data, reason, **options):
        before = dict(ex.refresh()._said.others)
        with pytest.raises(InvalidElementError, match=reason):
            ex.add_array("s1", data, "a", **options)
        assert ex.refresh()._said.others == before

    return tell


# -- tables -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        DAYS.tz_localize("dateutil/Europe/Berlin"),
        DAYS.tz_localize(ZONE),
        pd.arrays.SparseArray([5, 1], fill_value=5),
        pd.interval_range(0, 2),
    ],
)
def test_a_type_that_is_not_found_by_its_name_is_refused(refuses, column):
    """A zone, or what stands between sparse values, that no name tells: the table could not be read again."""
    refuses(pd.DataFrame({"c": column}), "column 'c' is of type .*, for which there is no layout")


@pytest.mark.parametrize("freq", ["C", None])
def test_a_frequency_that_has_no_name_is_refused(refuses, freq):
    """It says how to leave it out; the table could not be read again."""
    holidays = pd.bdate_range("2020-01-01", periods=2, freq="C", holidays=["2020-01-02"])
    refuses(
        pd.Series([1, 2], index=holidays if freq else MONTHS_AND_DAYS), "frequency .*index.freq = None leaves it out"
    )


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pd.DataFrame({"a/b": [1, "x"]}), "column 'a/b' holds int objects"),
        (pd.DataFrame({"a/b": pd.Categorical([1, "x"])}), r"column 'a/b' \(its categories\) holds int objects"),
        (pd.Series([1], index=pd.Index([b"a"], dtype=object)), "the index holds bytes objects"),
        (pd.DataFrame([[1]], columns=[np.nan]), "the name of a column is nan"),
        (
            pd.DataFrame([[1]], columns=pd.CategoricalIndex(["a"], ["b", "a"])),
            "names of the columns are of type category",
        ),
        (pd.Series([1], index=pd.MultiIndex.from_arrays([["a"]])), r"get_level_values\(0\) makes a plain one"),
    ],
)
def test_what_cannot_be_stored_of_a_table_is_told_by_its_own_name(refuses, table, reason):
    """Not by that of the array that would hold it."""
    refuses(table, reason)


@pytest.mark.parametrize("dtype", ["object", "string", "int8", "Int64"])
def test_names_of_columns_keep_their_type(ex, dtype):
    """Also of some of them, and when rows are appended."""
    labels = pd.Index([1, 2] if "nt" in dtype else ["p", "q"], dtype=dtype)
    table = pd.DataFrame([[1, 2]], columns=labels)
    ex.add_array("s1", table, "t")
    pd.testing.assert_frame_equal(ex.read_array("s1", "t"), table, check_column_type=True)
    assert ex.read_array("s1", "t", columns=[labels[1]]).columns.dtype == labels.dtype
    ex.append_array("s1", "t", table)
    assert ex.read_array("s1", "t").columns.dtype == labels.dtype


@pytest.mark.parametrize("limit", [1, appending.SHARD])
def test_labels_of_several_levels_keep_their_values_when_more_are_appended(ex, monkeypatch, limit):
    """Of whatever type the new ones are: 1.5 does not become 1 because 3 follows."""
    monkeypatch.setattr(appending, "SHARD", limit)
    first = pd.DataFrame({"n": [1]}, index=pd.MultiIndex.from_tuples([("a", 1.5)]))
    more = pd.DataFrame({"n": [2]}, index=pd.MultiIndex.from_tuples([("b", 3)]))
    ex.add_array("s1", first, "t")
    ex.append_array("s1", "t", more)
    assert ex.read_array("s1", "t").index.tolist() == [("a", 1.5), ("b", 3.0)]
    with pytest.raises(InvalidElementError, match="index of what is appended does not fit"):
        ex.append_array("s1", "t", pd.DataFrame({"n": [2]}, index=pd.MultiIndex.from_tuples([(1, 3)])))


def test_days_are_not_appended_to_months(ex):
    """They would be the months that they are in."""
    ex.add_array("s1", pd.DataFrame({"p": pd.period_range("2020-01", periods=2, freq="M")}), "t")
    with pytest.raises(InvalidElementError, match=r"period\[D\]: they are no periods of this length"):
        ex.append_array("s1", "t", pd.DataFrame({"p": pd.period_range("2020-01-05", periods=1, freq="D")}))
    assert len(ex.read_array("s1", "t")) == 2


# -- labelled arrays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        {"scale_factor": 2},
        {"add_offset": 2},
        {"_FillValue": 1},
        {"missing_value": 1},
        {"dtype": "bool"},
        {"units": "days since 2000-01-01"},
    ],
)
def test_attributes_that_would_change_values_are_refused(refuses, attributes):
    """Of an array that was opened without decoding, say: xarray would decode it when it is read back."""
    array = xr.DataArray([1, 2], dims="x", attrs=attributes)
    refuses(array, f"attribute '{next(iter(attributes))}' of 'data' is one that xarray acts upon")
    refuses(xr.Dataset({"v": ("x", [1.0])}, coords={"x": ("x", [1], attributes)}), "attribute .* of 'x'")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_what_is_missing_among_labelled_text_is_not_stored_as_empty_text(refuses, missing):
    """It is refused as values and as labels; so are lazy objects, of which nobody knows."""
    text = np.array(["a", missing], dtype=object)
    refuses(xr.DataArray(text, dims="x"), "'data' holds text with gaps")
    refuses(np.arange(2), "'x' holds text with gaps|labels along 'x' are no plain text", labels={"x": text})
    refuses(np.arange(2), "labels along 'x' are no plain text", labels={"x": ["a", 1]})
    lazy = dask.array.from_array(text, chunks=1)
    refuses(xr.DataArray(lazy, dims="x", name="data"), "'data' holds objects that are not computed yet")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (
            xr.DataArray([1], dims="t", coords={"t": pd.period_range("2020", periods=1, freq="M")}),
            "'t' is of type period",
        ),
        (xr.DataArray([1], dims=[0]), "dimensions are named by text, not by 0"),
        (xr.DataArray([1], coords=LEVELS), r"'z' is a MultiIndex; reset_index\('z'\)"),
        (xr.Dataset({"v": 1}, attrs={"encoding-type": "dataframe"}), "attribute 'encoding-type' says how"),
    ],
)
def test_what_zarr_has_no_place_for_is_told_by_its_name(refuses, array, reason):
    """With what would be right where that is known."""
    refuses(array, reason)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_keep_their_unit_however_often_they_are_stored(ex, unit):
    """Read, stored again and appended to; a unit that came with a file does not matter."""
    times = xr.DataArray([1, 2], dims="t", coords={"t": DAYS.as_unit(unit)})
    times.t.encoding["units"] = "days since 1900-01-01"
    ex.add_array("s1", times, "first")
    again = ex.read_array("s1", "first")
    ex.add_array("s1", again, "second")
    ex.append_array("s1", "second", again.assign_coords(t=again.t + np.timedelta64(365, "D")))
    assert [ex.read_array("s1", name).t.dtype for name in ("first", "second")] == [times.t.dtype] * 2
    xr.testing.assert_identical(ex.read_array("s1", "second")[:2], times)


@pytest.mark.parametrize("limit", [1, appending.SHARD])
def test_what_does_not_fit_is_not_appended_to_labelled_arrays(ex, monkeypatch, limit):
    """Neither gaps among text, nor another value of what there is one of, however large the array is."""
    monkeypatch.setattr(appending, "SHARD", limit)
    there = xr.Dataset({"a": ("t", np.array(["p"], object)), "b": ("x", [1, 2])}, coords={"depth": 5})
    ex.add_array("s1", there, "d")
    wrong = {
        "text with gaps": there.assign(a=("t", np.array([None, "q"], object))),
        "b does not go along t": there.assign(b=("x", [1, 9])),
        "depth does not go along t": there.assign_coords(depth=6),
        "height does not go along t": there.assign_coords(height=6),
        "attribute 'scale_factor' of 'b'": there.assign(b=("x", [1, 2], {"scale_factor": 2})),
    }
    for reason, more in wrong.items():
        with pytest.raises(InvalidElementError, match=reason):
            ex.append_array("s1", "d", more, axis="t")
    ex.append_array("s1", "d", there, axis="t")
    assert ex.read_array("s1", "d").a.to_numpy().tolist() == ["p", "p"]


def test_a_sparse_matrix_stays_one_whatever_is_appended(ex):
    """An array that is appended does not make an array of it: multiplication would mean something else."""
    ex.add_array("s1", scipy.sparse.csr_matrix(np.eye(2)), "m")
    ex.append_array("s1", "m", scipy.sparse.coo_array(np.eye(2)))
    assert isinstance(ex.read_array("s1", "m"), scipy.sparse.csr_matrix)


def test_a_dataset_stays_one(ex):
    """Nothing is put into its group, and one without dimensions comes back as well."""
    ex.add_array("s1", xr.Dataset({"v": ("x", [1])}), "several")
    with pytest.raises(InvalidElementError, match="'several' is one, and no group"):
        ex.add_array("s1", np.arange(3), "several/more")
    single = xr.Dataset({"v": 1}, attrs={"from": "lab"})
    ex.add_array("s1", single, "single")
    xr.testing.assert_identical(ex.read_array("s1", "single"), single)


# -- arrays of dask -----------------------------------------------------------------------------------------------------


def test_blocks_that_are_not_what_dask_says_are_refused(ex):
    """Fractions are not cut off, rows are not repeated, sparse and masked blocks are not taken for others."""
    blocks = dask.array.from_array(np.array([[1.5, 2.0], [3.0, 4.0]]), chunks=1)
    wrong = {
        "type float64": blocks.map_blocks(lambda block: block, dtype="int64", meta=np.array((), "int64")),
        "0 values": blocks.map_blocks(lambda block: block[:0], dtype="float64"),
        "shape .1, 2": blocks.map_blocks(lambda block: block[: int(block[0, 0] > 2)], dtype="float64"),
        "csr_array": blocks.map_blocks(scipy.sparse.csr_array, dtype="float64"),
        "MaskedArray": blocks.map_blocks(np.ma.masked_all_like, dtype="float64", meta=np.array((), "float64")),
    }
    for told, data in wrong.items():
        with pytest.raises(InvalidElementError, match=f"array of dask (is|have) .*{told}"):
            ex.add_array("s1", data, "a")
    ex.add_array("s1", blocks.map_blocks(lambda block: block.astype("float32"), dtype="float64"), "a")
    assert ex.read_array("s1", "a").tolist() == [[1.5, 2.0], [3.0, 4.0]]


def test_a_series_of_dask_is_not_made_an_array(refuses):
    """Its index would be lost."""
    series = dask.dataframe.from_pandas(pd.Series([1, 2], index=["a", "b"], name="n"), npartitions=1)
    refuses(series, "only bare values would be left; compute")
    refuses(series.index, "only bare values would be left; compute")
