"""How data become arrays of zarr: which library they are of, and plain arrays themselves.

Owns the table of kinds, and writing an array block by block. Knows no storage; every other kind has a module of its own.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isnan
from types import MappingProxyType, NoneType
from typing import Any

import numpy as np
import zarr

from modos._given import expect
from modos._lazy import require
from modos.errors import InvalidElementError, ModosError
from modos.objects.arrays.grids import SHARD, cut, slabs
from modos.objects.arrays.layouts.elsewhere import Receiver, asked_for
from modos.storage.hierarchy.groups import COMPRESSORS

__all__ = [
    "Fill",
    "Foreign",
    "Options",
    "encode",
    "encode_array",
    "fill",
    "in_json",
    "keeps_whole_numbers",
    "refuse_own",
    "refused",
    "values_of",
]

type Fill = Callable[[], object]
type Foreign = Any
"""Something of zarr, numpy, pandas, scipy, xarray or dask: their types say too little, or too much, of what is used here."""

_TEXT_BYTES = 32
"""What a text takes, by guess, for cutting arrays of them."""

_BLOCKS_AT_ONCE = 3

_OWN = ("modos", "encoding-type")

_MORE_THAN_ARRAYS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("dask", "DataFrame"): "compute() makes a table of pandas of it",
        ("dask", "Index"): "compute() makes an index of pandas of it",
        ("dask", "Series"): "compute() makes a series of pandas of it",
        ("pandas", "Categorical"): "a Series of it keeps the categories",
        ("polars", "DataFrame"): "to_arrow() makes a table of Arrow of it",
        ("polars", "LazyFrame"): "collect().to_arrow() makes a table of Arrow of it",
        ("pyarrow", "RecordBatch"): "pyarrow.Table.from_batches makes a table of it",
        ("xarray", "DataTree"): "store its datasets one by one",
        ("xarray", "Variable"): "xarray.DataArray(variable) keeps dimensions and attributes",
        ("zarr", "Group"): "store its arrays one by one",
    }
)
"""What numpy would take for an array, and what would be right."""

_ENCODERS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("pandas", "DataFrame"): "frames:encode_frame",
        ("pandas", "Series"): "frames:encode_series",
        ("pandas", "Index"): "frames:encode_index",
        ("pyarrow", "Table"): "frames:encode_table",
        ("xarray", "Dataset"): "labelled:encode_dataset",
        ("xarray", "DataArray"): "labelled:encode_labelled",
        ("scipy", "sparray"): "sparse:encode_sparse",
        ("scipy", "spmatrix"): "sparse:encode_sparse",
        ("sparse", "SparseArray"): "sparse:encode_pydata",
        ("anndata", "AnnData"): "annotated:encode_anndata",
        ("mudata", "MuData"): "annotated:encode_mudata",
    }
)
"""Package and class to the module and function that encode its instances; all else is numpy's."""

_LIBRARIES: Mapping[str, str] = MappingProxyType(
    {"frames": "pandas", "labelled": "xarray", "sparse": "scipy.sparse", "annotated": "anndata"}
)
"""Module to the library that it takes; what comes from another package may come without it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How data are to be stored.

    Attributes
    ----------
    chunks, shards
        As for `modos.objects.arrays.grids.cut`.
    compressors
        As zarr takes them; `None` for those of every array, whose chunks have a checksum each.
    attributes
        What the group or array says besides.
    labels
        Dimension to labels along it, in the order of the axes; `None` for none.
    deferred
        Whether documents too may wait until there is a place to store chunks at, so that these need not be kept.
    """

    chunks: int | Sequence[int] | None = None
    shards: int | Sequence[int] | None = None
    compressors: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] | None = None
    deferred: bool = False

    def __post_init__(self) -> None:
        expect(self.attributes, Mapping, "attributes are given by a mapping of names to values")
        expect(self.labels, (Mapping, NoneType), "labels are given by a mapping of each dimension to what is along it")

    @property
    def compression(self) -> Any:  # noqa: ANN401 - as zarr takes it
        """How chunks are compressed."""
        return COMPRESSORS if self.compressors is None else self.compressors

    @property
    def is_of_one_axis(self) -> bool:
        """Whether chunks are those of arrays of one axis, as columns are."""
        return not isinstance(self.chunks, Sized) or len(self.chunks) == 1

    def array(
        self,
        itemsize: int,
        shape: Sequence[int],
        attributes: Mapping[str, Any] = MappingProxyType({}),
        *,
        blocks: Sequence[Sequence[int]] | None = None,
    ) -> dict[str, Any]:
        """Return what zarr is to be told of an array of this shape, and of these blocks if it is lazy."""
        _refuse_unknown(shape)
        grid = cut(shape, itemsize, chunks=self.chunks, shards=self.shards, blocks=blocks)
        shards = None if grid.shards is None else {"shape": grid.shards, "index_location": "start"}
        return {
            "chunks": grid.chunks,
            "shards": shards,
            "compressors": self.compression,
            "attributes": {**self.attributes, **attributes} or None,
        }


type Encoder = Callable[["zarr.Group", str, Any, Options], list[Fill]]


def encode(group: "zarr.Group", name: str, data: object, options: Options) -> list[Fill]:
    """Make the groups and arrays of data, and return what writes their chunks.

    Parameters
    ----------
    group
        Of the element.
    name
        Path in it.
    data
        Anything of the table, or that numpy makes an array of.
    options
        How.

    Raises
    ------
    InvalidElementError
        When data of this kind or type cannot be stored; says why.
    """
    encoder = _encoder(data)
    with refused(name):
        if options.labels is not None:
            if encoder is not encode_array:
                reason = f"{name}: labels are for arrays; a {type(data).__name__} brings its own"
                raise InvalidElementError(reason)
            encode_labels = _function("labelled", "encode_labels")
            return encode_labels(group, name, data, options)
        return encoder(group, name, data, options)


def _encoder(data: object) -> Encoder:
    place = _found(data, _ENCODERS)
    return encode_array if place is None else _function(*place.split(":"))


def _found(data: object, table: Mapping[tuple[str, str], str]) -> str | None:
    """Return what a table has for the class of data, or for one that it comes from."""
    names = ((each.__module__.partition(".")[0], each.__name__.removeprefix("_")) for each in type(data).__mro__)
    return next((table[name] for name in names if name in table), None)


def _function(module: str, name: str) -> Encoder:
    require(_LIBRARIES[module], extra="arrays", purpose="storing such data")
    found: Encoder = getattr(importlib.import_module(f"modos.objects.arrays.layouts.{module}"), name)
    return found


def refuse_own(attributes: Mapping[Any, Any]) -> None:
    """Refuse what somebody wants an array to say under a key by which it says how it is laid out.

    Raises
    ------
    InvalidElementError
        When such a key is among them.
    """
    own = next((each for each in _OWN if each in attributes), None)
    if own is not None:
        raise InvalidElementError(f"the attribute {own!r} says how an array is laid out; choose another name for yours")


def in_json(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes as JSON has them: numbers and arrays of numpy as numbers and lists.

    Raises
    ------
    InvalidElementError
        When JSON has nothing for one of them; names it.

    Examples
    --------
    >>> in_json({"depth": np.int64(30), "range": np.array([0.5, 1])})
    {'depth': 30, 'range': [0.5, 1.0]}
    """
    unnamed = next((name for name in attributes if not isinstance(name, str)), None)
    if unnamed is not None:
        raise InvalidElementError(f"attributes are named by text, not by {unnamed!r}")
    return {name: _in_json(name, value) for name, value in attributes.items()}


def _in_json(name: str, value: Foreign) -> Foreign:
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biufUTO":
        value = value.tolist()
    if isinstance(value, Mapping):
        return in_json(value)
    if isinstance(value, list | tuple):
        return [_in_json(name, each) for each in value]
    if value is None or isinstance(value, str | int | float):
        return value
    what = f"the attribute {name!r} is of type {type(value).__name__}"
    raise InvalidElementError(f"{what}, which JSON does not have; write it as text")


def keeps_whole_numbers(values: Foreign, dtype: Foreign) -> bool:
    """Tell whether a type of fractions, or of complex numbers, holds those of these values that are whole to the last digit.

    Of values that are fractions themselves it may lose digits.

    Examples
    --------
    >>> [keeps_whole_numbers(np.array([number]), np.dtype("float32")) for number in (2**24, 2**24 + 1)]
    [True, False]
    """
    if values.dtype.kind not in "iu":
        return True
    with np.errstate(invalid="ignore"):  # of one so large that its neighbour is none of the type
        converted = values.astype(dtype)
        back = (np.real(converted) if dtype.kind == "c" else converted).astype(values.dtype)
    return bool((back == values).all())


@contextmanager
def refused(name: str) -> Iterator[None]:
    """Say in our words that a library refuses to store data."""
    try:
        yield
    except ModosError as error:
        error.add_note(f"while storing the array {name!r}")
        raise
    except (TypeError, ValueError, KeyError, ArithmeticError, NotImplementedError, AttributeError) as error:
        reason = f"{name}: these data cannot be stored: {error}"
        raise InvalidElementError(reason) from error


# -- plain arrays -------------------------------------------------------------------------------------------------------


def encode_array(group: "zarr.Group", name: str, data: Foreign, options: Options) -> list[Fill]:
    """Make a plain array; one of dask or zarr is read block by block, and never held whole."""
    values = values_of(data)
    attributes = {}
    if values.dtype.kind in "mM":
        attributes = {"modos": {"dtype": str(values.dtype)}}
        values = values.view("int64")
    blocks = values.chunks if hasattr(values, "dask") else None
    text = values.dtype.kind == "T" or values.dtype.hasobject
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        config={"write_empty_chunks": True},
        **options.array(_TEXT_BYTES if text else values.dtype.itemsize, values.shape, attributes, blocks=blocks),
    )
    return [lambda: fill(array, values)]


def fill(array: Foreign, values: Foreign, at: Sequence[int] = ()) -> None:
    """Write values into an array, at an offset, shard by shard where they are large.

    Parameters
    ----------
    array
        Where to.
    values
        Of numpy, dask or zarr.
    at
        Where the first one goes; empty for the beginning.
    """
    offset = tuple(at) or (0,) * array.ndim
    shape = values.shape
    if 0 in shape:
        return
    if hasattr(values, "dask"):
        import dask.array

        stored = array.shards or array.chunks
        blocks, scheduler = asked_for(values if any(offset) else values.rechunk(dict(enumerate(stored))))
        region = tuple(slice(start, start + size) for start, size in zip(offset, shape, strict=True))
        target: Foreign = Receiver(array, values.dtype)
        dask.array.store(blocks, target, regions=region, lock=any(offset), compute=True, scheduler=scheduler)
        target.refuse_fewer(values.size)
        return
    if values.nbytes <= SHARD:
        array[tuple(slice(start, start + size) for start, size in zip(offset, shape, strict=True))] = np.asarray(values)
        return

    def write(region: tuple[slice, ...]) -> None:
        target = tuple(slice(part.start + start, part.stop + start) for part, start in zip(region, offset, strict=True))
        array[target] = np.asarray(values[region])

    blocks = list(_aligned(shape, array.shards or array.chunks, offset))
    with ThreadPoolExecutor(_BLOCKS_AT_ONCE) as pool:
        under_way = [pool.submit(write, block) for block in blocks]
        try:
            for each in under_way:
                each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _aligned(shape: Sequence[int], stored: Sequence[int], offset: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Yield the regions of what is written that lie in one stored object each, so that no two writers meet in one."""
    ends = [start + size for start, size in zip(offset, shape, strict=True)]
    for region in slabs(ends, stored):
        parts = [
            slice(max(part.start - start, 0), part.stop - start) for part, start in zip(region, offset, strict=True)
        ]
        if all(part.stop > part.start for part in parts):
            yield tuple(parts)


def values_of(data: object) -> Foreign:
    """Return what a plain array is made of: what is lazy as it is, anything else as an array of numpy.

    Raises
    ------
    InvalidElementError
        When values are missing in it, it holds Python objects, or nobody knows yet how large it is.
    """
    if np.ma.is_masked(data) or isinstance(getattr(data, "_meta", None), np.ma.MaskedArray):
        raise InvalidElementError("the array is masked, which would be lost; fill it, or give a table of pandas")
    if not _is_blocked(data):
        return _plain(data)
    _refuse_unknown(getattr(data, "shape", ()))
    return data


def _refuse_unknown(shape: Sequence[float]) -> None:
    if any(map(isnan, shape)):
        reason = "how large the array of dask is shows only when it is computed; compute_chunk_sizes() finds that out"
        raise InvalidElementError(reason)


def _is_blocked(data: object) -> bool:
    if isinstance(data, zarr.Array):
        return data.dtype.kind not in "mM"  # which are stored as whole numbers, and zarr has no view of them
    return hasattr(data, "dask") and hasattr(data, "rechunk")


def _plain(data: object) -> "np.ndarray[Any, Any]":
    right = _found(data, _MORE_THAN_ARRAYS)
    if right is not None:
        raise InvalidElementError(f"of this {type(data).__name__} only bare values would be left; {right}")
    nulls = getattr(data, "null_count", 0)  # of Arrow; of polars a method
    if nulls() if callable(nulls) else nulls:
        raise InvalidElementError("the array has nulls, which would be lost; fill them, or give a table of Arrow")
    values = np.asarray(data)
    if values.dtype.kind in "US" and isinstance(data, list | tuple):
        objects = np.asarray(data, dtype=object)  # numpy makes text of numbers that stand among text
        values = values if all(isinstance(value, str | bytes) for value in objects.flat) else objects
    if values.dtype.hasobject and values.dtype.kind != "T":
        if not all(isinstance(value, str) for value in values.flat):
            reason = "the data are no plain array of numbers, booleans or text; convert them first"
            raise InvalidElementError(reason)
        values = values.astype(np.dtypes.StringDType())
    if values.dtype.kind in "iu":  # zarr knows `long`, and not `long long`, which may be the same
        values = values.view(values.dtype.str)
    return values
