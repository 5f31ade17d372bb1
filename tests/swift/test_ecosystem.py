"""What others build on fsspec and zarr works on Swift: xarray, dask, pandas."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import dask
import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from modos.swift import SwiftStore

pytestmark = [
    pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part:zarr.errors.ZarrUserWarning"),
]


@pytest.fixture
def dataset():
    """Expression of 30 genes in 7 samples."""
    counts = np.arange(210, dtype="i4").reshape(30, 7)
    return xr.Dataset(
        {"counts": (("gene", "sample"), counts, {"unit": "reads"}), "depth": ("sample", counts.sum(0))},
        coords={"sample": [f"sample{n}" for n in range(7)]},
        attrs={"study": "pilot"},
    )


@pytest.fixture
def store(raw, options):
    return SwiftStore("omics", "study.zarr", options)


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Two processes of the kind that dask starts, which would start two more for each result."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as started:
        yield started


@pytest.fixture(params=["threads", "processes"])
def workers(request) -> Iterator[None]:
    """Two workers of dask: threads, or processes to which all that they need is pickled."""
    given = {"pool": request.getfixturevalue("processes")} if request.param == "processes" else {}
    with dask.config.set(scheduler=request.param, num_workers=2, **given):
        yield


@pytest.mark.parametrize("consolidated", [True, False])
def test_xarray(store, dataset, consolidated):
    """A dataset is read as it was written, metadata consolidated or not, and can be appended to."""
    dataset.to_zarr(store, consolidated=consolidated)
    with xr.open_zarr(store, consolidated=consolidated) as opened:
        xr.testing.assert_identical(opened.load(), dataset)
    more = dataset.assign_coords(sample=[f"repeat{n}" for n in range(7)])
    more.to_zarr(store, append_dim="sample", consolidated=consolidated)
    with xr.open_zarr(store, consolidated=consolidated) as opened:
        xr.testing.assert_identical(opened.load(), xr.concat([dataset, more], "sample", data_vars="minimal"))


def test_consolidated_metadata_is_one_request(raw, options, proxy, dataset):
    """Opening a consolidated dataset costs a look at the container and one GET, however many arrays it has."""
    dataset.drop_vars("sample").to_zarr(SwiftStore("omics", "study.zarr", options), consolidated=True)
    watched = SwiftStore("omics", "study.zarr", {**options, "storage_url": proxy.through(options["storage_url"])})
    proxy.clear()
    xr.open_zarr(watched, chunks=None, zarr_format=3).close()
    assert [(request.method, request.path.rpartition("/")[2]) for request in proxy.requests] == [
        ("HEAD", "omics"),
        ("GET", "zarr.json"),
    ]


@pytest.mark.usefixtures("workers")
def test_dask(store):
    """Dask writes and reads chunks from threads and from processes, to which the store is pickled."""
    numbers = np.arange(400.0).reshape(20, 20)
    array = zarr.create_array(store, name="x", shape=(20, 20), chunks=(5, 5), dtype="f8")
    dask.array.store(dask.array.from_array(numbers, chunks=5) * 2, array, lock=False)
    read = dask.array.from_zarr(zarr.open_array(store, path="x", mode="r"))
    assert (read.compute() == numbers * 2).all()
    assert read.sum().compute() == numbers.sum() * 2


@pytest.mark.usefixtures("workers")
def test_xarray_with_dask(store, dataset):
    """A chunked dataset is computed and written by dask's workers."""
    (dataset.chunk({"gene": 10}) + 1).to_zarr(store)
    with xr.open_zarr(store) as opened:
        xr.testing.assert_equal(opened.compute(), dataset + 1)


def test_addresses(raw, options, dataset):
    """zarr, xarray and pandas take `swift://` addresses, and the storage options."""
    url = "swift://omics/by-address"
    zarr.create_array(f"{url}/array.zarr", data=np.arange(5), storage_options=options)
    assert zarr.open_array(f"{url}/array.zarr", mode="r", storage_options=options)[:].tolist() == list(range(5))
    dataset.to_zarr(f"{url}/study.zarr", storage_options=options)
    with xr.open_zarr(f"{url}/study.zarr", storage_options=options) as opened:
        xr.testing.assert_identical(opened.load(), dataset)
    table = pd.DataFrame({"sample": ["a", "b"], "reads": [1, 2]})
    for name in ("table.csv", "table.csv.gz", "table.json"):
        write, read = (table.to_json, pd.read_json) if "json" in name else (table.to_csv, pd.read_csv)
        write(f"{url}/{name}", storage_options=options, **({} if "json" in name else {"index": False}))
        pd.testing.assert_frame_equal(read(f"{url}/{name}", storage_options=options), table)
