"""Columns of AnnData and MuData that their libraries would change when they write them."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from modos import MODO
from modos.errors import InvalidElementError

anndata = pytest.importorskip("anndata")
mudata = pytest.importorskip("mudata")

_CELLS = ["c1", "c2"]


@pytest.fixture
def modo(tmp_path) -> MODO:
    """An object with one assay."""
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "Assay", "id": "a", "omics_type": "TRANSCRIPTOMICS"})
    return modo


def _cells(*values: object, dtype: object = object) -> "anndata.AnnData":
    return anndata.AnnData(
        np.ones((2, 1), dtype="float32"), obs=pd.DataFrame({"batch": pd.Series(values, _CELLS, dtype)}, _CELLS)
    )


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA], ids=["None", "NaN", "NA"])
def test_what_is_missing_among_text_of_an_anndata_stays_missing(modo, gap):
    """A gap does not come back as the text that it prints as."""
    modo.add_anndata("a", _cells("first", gap), "cells")

    found = modo.to_anndata("a", "cells").obs["batch"]

    assert found.isna().tolist() == [False, True]
    assert found["c1"] == "first"


@pytest.mark.parametrize(
    ("value", "said"),
    [(1, "int objects such as '1'"), (True, "bool objects such as 'True'"), (dt.date(2026, 1, 2), "date objects")],
    ids=["number", "truth", "date"],
)
@pytest.mark.parametrize("kind", ["anndata", "mudata"])
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1 to MuData 0.4
def test_objects_that_are_no_text_are_refused_by_the_name_of_their_column(modo, value, said, kind):
    """They are not stored as the text that they print as, and nothing is left of the attempt."""
    cells = _cells(value, "first")
    whole, add = (cells, modo.add_anndata) if kind == "anndata" else (mudata.MuData({"rna": cells}), modo.add_mudata)

    with pytest.raises(InvalidElementError, match=f"'batch' holds {said}"):
        add("a", whole, "cells")

    assert modo.list_arrays("a") == "assay/a"


@pytest.mark.parametrize("kind", ["anndata", "mudata"])
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1 to MuData 0.4
def test_every_chunk_has_a_checksum(modo, kind):
    """Of matrices, columns, and what stands beside them, though their libraries write them."""
    cells = _cells("first", "second")
    cells.obs["kind"] = pd.Categorical(["T", "B"])
    cells.obsm["near"] = scipy.sparse.csr_array(np.eye(2))
    cells.uns = {"genome": "GRCh38", "cutoff": 2.5}
    whole, add = (cells, modo.add_anndata) if kind == "anndata" else (mudata.MuData({"rna": cells}), modo.add_mudata)

    add("a", whole, "cells")

    paths = [path for path in modo.storage.list("data.zarr/assay/a/cells") if path.name == "zarr.json"]
    arrays = [said for said in (json.loads(modo.storage.read(path)) for path in paths) if said["node_type"] == "array"]
    values = [said["codecs"] for said in arrays if said["attributes"].get("encoding-type") != "null"]  # which has none
    assert len(values) > 8
    assert [each for each in values if '"checksum": true' not in json.dumps(each)] == []


def test_a_type_that_anndata_cannot_write_is_told_with_its_place(modo):
    """Of a column of times, the column is named; reading it into memory is not the advice alone."""
    cells = _cells("2026-01-01", "2026-01-02", dtype="datetime64[ns]")

    with pytest.raises(InvalidElementError, match=r"key 'batch' .*/obs; convert it first"):
        modo.add_anndata("a", cells, "cells")


@pytest.mark.parametrize("name", ["", "raw\\counts"])
@pytest.mark.parametrize("part", ["obs", "layers", "uns"])
def test_names_that_zarr_takes_for_other_places_are_refused(modo, part, name):
    """An empty one would be written over the group that it is in, a backslash makes a group: neither could be read."""
    cells = _cells("first", "second")
    getattr(cells, part)[name] = cells.X if part == "layers" else [1, 2]

    with pytest.raises(InvalidElementError, match="cannot be the name of an array"):
        modo.add_anndata("a", cells, "cells")

    assert modo.list_arrays("a") == "assay/a"


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1 to MuData 0.4
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_mudata_comes_back_equal_and_is_left_as_it_was(modo, axis):
    """Text that repeats stays text, in the stored one and in the one that was given; gaps of unstructured text stay gaps."""
    first, second = (_cells("same", "same", dtype="str") for _ in range(2))
    second.obs_names = _CELLS if axis != 1 else ["c3", "c4"]
    second.var_names = ["other"] if axis == 0 else first.var_names
    given = mudata.MuData({"rna": first, "adt": second}, axis=axis)
    given.uns["note"] = np.array(["a", None], dtype=object)
    given.obsm["place"] = np.arange(given.n_obs)[:, None]

    modo.add_mudata("a", given, "cells")
    found = modo.to_mudata("a", "cells")

    assert (list(found.mod), found.axis, found.shape) == (["rna", "adt"], axis, given.shape)
    assert first.obs["batch"].dtype == found["rna"].obs["batch"].dtype == "str"
    assert found.uns["note"].isna().tolist() == [False, True]
    for part in ("obsm", "obsmap", "varmap"):
        there, here = getattr(given, part), getattr(found, part)
        assert {key: each.tolist() for key, each in here.items()} == {key: each.tolist() for key, each in there.items()}


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1 to MuData 0.4
@pytest.mark.parametrize("kind", ["anndata", "mudata"])
def test_numbers_that_stand_among_unstructured_text_are_refused(modo, kind):
    """They would be text, too."""
    cells = _cells("first", "second")
    whole, add = (cells, modo.add_anndata) if kind == "anndata" else (mudata.MuData({"rna": cells}), modo.add_mudata)
    whole.uns["mixed"] = ["a", 1]

    with pytest.raises(InvalidElementError, match="'mixed' holds int objects"):
        add("a", whole, "cells")
