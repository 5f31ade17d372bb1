"""Labelled arrays of xarray: a group as xarray itself writes and reads it.

Owns what xarray is told, and what it would change if it were not refused. Knows no storage.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import xarray as xr
import zarr

from modos._lazy import require
from modos.errors import InvalidElementError
from modos.objects.arrays.grids import SHARD
from modos.objects.arrays.layouts.elsewhere import asked_for
from modos.objects.arrays.layouts.encoding import Fill, Foreign, Options, in_json, refuse_own, values_of

__all__ = ["decode_dataset", "encode_dataset", "encode_labelled", "encode_labels", "refuse_changes"]

_UNNAMED = "data"
_OF_FILES = ("chunks", "shards", "preferred_chunks", "compressor", "compressors", "filters", "serializer", "chunksizes")
"""What xarray remembers of how the file was laid out that data came from; here they are laid out anew."""

_OF_VALUES = frozenset(
    {"_FillValue", "_Unsigned", "add_offset", "coordinates", "dtype", "missing_value", "scale_factor"}
)
"""Attributes by which xarray makes other values of those that are stored, or that it takes away."""

type Unit = Literal["s", "ms", "us", "ns"]

_UNITS: Mapping[Unit, str] = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}


def encode_dataset(group: "zarr.Group", name: str, dataset: xr.Dataset, options: Options) -> list[Fill]:
    """Make the group of a dataset; what is large or lazy in it is written block by block, by dask."""
    return _encode(group, name, dataset, options, {} if dataset.dims else {"dataset": True})


def encode_labelled(group: "zarr.Group", name: str, array: xr.DataArray, options: Options) -> list[Fill]:
    """Make the group of a labelled array: a dataset of one variable."""
    if not isinstance(array.name, str | int | float | None):
        raise InvalidElementError(
            f"{name}: the array is called {array.name!r}; names that are stored are text or numbers"
        )
    taken = {*array.coords, *array.dims}
    variable = str(array.name) if array.name is not None and array.name not in taken else _UNNAMED
    variable = variable if "/" not in variable else _UNNAMED
    while variable in taken:
        variable += "_"
    return _encode(group, name, array.to_dataset(name=variable), options, {"variable": variable, "name": array.name})


def encode_labels(group: "zarr.Group", name: str, data: Foreign, options: Options) -> list[Fill]:
    """Make the group of an array with labels that are given beside it."""
    labels: Mapping[str, Any] = options.labels or {}
    values = values_of(data)
    values = values if hasattr(values, "dask") else np.asarray(values)
    if len(labels) != values.ndim:
        reason = f"{name}: labels are given for {len(labels)} dimensions, the array has {values.ndim}"
        raise InvalidElementError(reason)
    coords = {dimension: _labels_of(dimension, each) for dimension, each in labels.items() if each is not None}
    labelled = xr.DataArray(values, coords=coords, dims=list(labels)).rename(None)  # of dask it has a name
    return encode_labelled(group, name, labelled, options)


def _labels_of(dimension: str, labels: Foreign) -> Foreign:
    """Return labels as they are given, unless xarray would make text of numbers that stand among text."""
    if not isinstance(labels, list | tuple) or np.asarray(labels).dtype.kind not in "US":
        return labels
    try:
        return values_of(labels)
    except InvalidElementError as error:
        raise InvalidElementError(
            f"the labels along {dimension!r} are no plain text; convert them to one type"
        ) from error


def _encode(
    group: "zarr.Group", name: str, dataset: xr.Dataset, options: Options, said: Mapping[str, object]
) -> list[Fill]:
    refuse_changes(name, dataset)
    if not dataset.variables:
        raise InvalidElementError(f"{name}: the dataset has no variables, so there is nothing to store")
    refuse_own(dataset.attrs)
    dataset = dataset.copy(deep=False)
    dataset.attrs = in_json(dataset.attrs)
    encoding: dict[Any, Any] = {}
    for variable, array in dataset.variables.items():
        array.attrs = in_json(array.attrs)
        array.encoding = {key: value for key, value in array.encoding.items() if key not in _OF_FILES}
        given = options if variable in dataset.data_vars else Options(compressors=options.compressors)
        laid = given.array(max(array.dtype.itemsize, 1), array.shape, blocks=array.chunks)
        del laid["attributes"]
        encoding[variable] = {**laid, **_of_times(array)}
    large = [each for each, array in dataset.data_vars.items() if array.chunks is not None or array.nbytes > SHARD]
    if large:
        require("dask.array", extra="arrays", purpose="storing large labelled arrays")
    chunked: dict[Any, Foreign] = {
        each: dataset[each].chunk(dict(zip(dataset[each].dims, _stored(encoding[each]), strict=True))) for each in large
    }
    scheduler = None
    for each, array in chunked.items():
        chunked[each].data, scheduler = asked_for(array.data)
    dataset = dataset.assign(chunked)
    if said:
        dataset.attrs = {**dataset.attrs, "modos": dict(said)}
    dataset.attrs = {**dataset.attrs, **options.attributes}
    delayed: Foreign = dataset.to_zarr(
        group.store,
        group=f"{group.path}/{name}".lstrip("/"),
        mode="w-",
        encoding=encoding,
        compute=False,
        consolidated=False,
        zarr_format=3,
        write_empty_chunks=True,
    )
    return [lambda: delayed.compute(scheduler=scheduler)] if chunked else []


def refuse_changes(name: str, dataset: xr.Dataset) -> None:
    """Refuse what zarr has no place for, and what would not come back as it is.

    Raises
    ------
    InvalidElementError
        When there is such a variable, dimension or attribute; names it.
    """
    unnamed = next((each for each in dataset.dims if not isinstance(each, str)), None)
    if unnamed is not None:
        raise InvalidElementError(f"{name}: dimensions are named by text, not by {unnamed!r}")
    for each, array in dataset.variables.items():
        if "/" in str(each):
            raise InvalidElementError(f"{name}: a variable is called {each!r}, and a slash separates groups; rename it")
        if isinstance(dataset.indexes.get(each), pd.MultiIndex):
            raise InvalidElementError(
                f"{name}: {each!r} is a MultiIndex; reset_index({each!r}) makes plain labels of it"
            )
        if not isinstance(array.dtype, np.dtype):
            raise InvalidElementError(
                f"{name}: {each!r} is of type {array.dtype}, which zarr does not have; convert it"
            )
        if array.dtype.kind == "O":
            _refuse_gaps(f"{name}: {each!r}", array)
        taken = _OF_VALUES & array.attrs.keys()
        if array.dtype.kind in "iuf" and " since " in str(array.attrs.get("units")):
            taken |= {"units"}
        if taken:
            what = f"{name}: the attribute {min(taken)!r} of {each!r} is one that xarray acts upon when it reads"
            raise InvalidElementError(
                f"{what}, so other values would come back; xarray.decode_cf does that now, else rename it"
            )


def _refuse_gaps(what: str, array: Foreign) -> None:
    """Refuse objects among which something is missing: where there is text, it is stored as text that is empty."""
    if array.chunks is not None:
        raise InvalidElementError(
            f"{what} holds objects that are not computed yet; convert it to one type, or load() it"
        )
    values = array.to_numpy()
    if pd.isna(values).any() and any(isinstance(each, str) for each in values.flat):
        raise InvalidElementError(
            f"{what} holds text with gaps, which would be lost; fill them, or give a table of pandas"
        )


def _of_times(array: Foreign) -> dict[str, str]:
    """Return the unit in which times are stored: their own, so that later ones fit as well, and they come back in it."""
    if array.dtype.kind != "M":
        return {}
    unit = cast("Unit", np.datetime_data(array.dtype)[0])
    return {"units": f"{_UNITS[unit]} since 1970-01-01", "dtype": "int64"}


def _time_units(node: Foreign) -> dict[str, Unit]:
    """Return the times whose unit is that of their type, which xarray has to be told for it to come back."""
    known = {f"{text} since 1970-01-01": unit for unit, text in _UNITS.items()}
    said = {name: known.get(str(array.attrs.get("units"))) for name, array in node.arrays()}
    return {name: unit for name, unit in said.items() if unit is not None}


def _stored(laid: Mapping[str, Any]) -> tuple[int, ...]:
    stored: tuple[int, ...] = laid["chunks"] if laid["shards"] is None else laid["shards"]["shape"]
    return stored


def decode_dataset(node: Foreign, *, lazy: bool = False, by_dask: bool = False) -> Foreign:
    """Open a group of labelled arrays.

    Parameters
    ----------
    node
        The group.
    lazy
        Whether to leave values where they are until they are used.
    by_dask
        Whether they shall be arrays of dask, in the blocks they are stored in.
    """
    chunks: Foreign = {} if by_dask else None
    found: Foreign = xr.open_zarr(
        node.store,
        group=node.path,
        consolidated=False,
        zarr_format=3,
        chunks=chunks,
        decode_times={name: xr.coders.CFDatetimeCoder(time_unit=unit) for name, unit in _time_units(node).items()},
    )
    said: Foreign = found.attrs.pop("modos", None)
    if not (lazy or by_dask):
        found = found.load()
    return found[said["variable"]].rename(said["name"]) if said and "variable" in said else found
