"""AnnData and MuData: groups as their own libraries write and read them.

Owns what these libraries are told. Knows no storage.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from modos._lazy import require
from modos.errors import InvalidElementError
from modos.objects.arrays.grids import CHUNK
from modos.objects.arrays.layouts.elsewhere import asked_for
from modos.objects.arrays.layouts.encoding import Fill, Foreign, Options, refused
from modos.objects.arrays.layouts.sparse import SPARSE
from modos.objects.arrays.staging import StagingStore

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

__all__ = ["decode_anndata", "decode_mudata", "encode_anndata", "encode_mudata"]

_EXTRA = "single-cell"
_TEXT = 32
"""What a text takes, by guess."""


def encode_anndata(group: "zarr.Group", name: str, adata: "AnnData", options: Options) -> list[Fill]:
    """Write an AnnData; matrices of dask go block by block."""
    dataset = {"compressors": options.compression}

    def write() -> None:
        parent, _, last = name.rpartition("/")
        _dispatched(group.require_group(parent) if parent else group, last, adata, dataset)

    return _written(group, name, write, options)


def encode_mudata(group: "zarr.Group", name: str, mdata: "MuData", options: Options) -> list[Fill]:
    """Write a MuData with all its modalities, in the layout of its library, whose writer changes what it is given.

    That makes categories of text in the modalities themselves (mudata 0.4).
    """
    return _written(group, name, lambda: _write_mudata(group.require_group(name), mdata, options), options)


def _write_mudata(made: "zarr.Group", mdata: "MuData", options: Options) -> None:
    import mudata

    dataset = {"compressors": options.compression}
    for part in ("obs", "var"):
        _dispatched(made, part, getattr(mdata, part), dataset)
    for part in ("obsm", "varm", "obsp", "varp", "uns", "obsmap", "varmap"):
        _dispatched(made, part, dict(getattr(mdata, part)), dataset)
    modalities = made.create_group("mod", attributes={"mod-order": list(mdata.mod)})
    for modality, adata in mdata.mod.items():
        _dispatched(modalities, modality, adata, dataset)
    about = {"encoding-type": "MuData", "encoding-version": mudata.__mudataversion__, "axis": mdata.axis}
    made.attrs.update({**about, "encoder": "mudata", "encoder-version": mudata.__version__})


def _dispatched(place: Foreign, key: str, data: Foreign, dataset: Mapping[str, Any]) -> None:
    import anndata

    anndata.experimental.write_dispatched(place, key, data, _write_cut, dataset_kwargs=dataset)


def _write_cut(
    write: Foreign, store: Foreign, key: str, data: Foreign, *, dataset_kwargs: Mapping[str, Any], iospec: Foreign
) -> None:
    """Write a part of an AnnData, cut as all arrays here: its library would make shards of a gigabyte.

    Raises
    ------
    InvalidElementError
        When zarr would take the key for another path, or a list holds text and something else, which would be text, too.
    """
    if not key or "\\" in key:
        raise InvalidElementError(f"{key!r} in {store.name} cannot be the name of an array; rename it")
    if isinstance(data, list) and any(isinstance(each, str) for each in data):
        _text(key, np.asarray(data, dtype=object))
    if iospec.encoding_type == "string-array" and _is_object(data):
        text = _text(key, data)
        if text is not data:
            _dispatched(store, key, text, dataset_kwargs)
            return
    laid: dict[str, Any] = {}
    scheduler = None
    shape = getattr(data, "shape", ())
    if iospec.encoding_type in {"array", "string-array"} and shape:
        blocks = data.chunks if hasattr(data, "dask") else None
        laid = Options().array(data.dtype.itemsize if iospec.encoding_type == "array" else _TEXT, shape, blocks=blocks)
        if blocks is not None:
            data, scheduler = asked_for(data.rechunk(laid["shards"]["shape"] if laid["shards"] else laid["chunks"]))
    elif iospec.encoding_type in SPARSE and getattr(data, "nnz", 0) * data.dtype.itemsize > CHUNK:
        laid = Options().array(data.dtype.itemsize, (data.nnz,))
    told = dict(dataset_kwargs) | {part: laid[part] for part in ("chunks", "shards") if part in laid}
    with _computed_by(scheduler):
        write(store, key, data, dataset_kwargs=told)


def _computed_by(scheduler: str | None) -> AbstractContextManager[object]:
    """Let dask compute by a scheduler, which cannot be said to AnnData otherwise."""
    if scheduler is None:
        return nullcontext()
    import dask

    chosen: AbstractContextManager[object] = dask.config.set(scheduler=scheduler)
    return chosen


def _is_object(data: Foreign) -> bool:
    return isinstance(data, np.ndarray) and data.dtype.kind == "O"


def _text(key: str, values: Foreign) -> Foreign:
    """Return objects as text, with gaps as categories: AnnData writes `None`, `NaN` and numbers as the text that they print as.

    Raises
    ------
    InvalidElementError
        When there is something else among them; names it.
    """
    import pandas as pd

    missing = pd.isna(values)
    wrong = next((each for each in values[~missing] if not isinstance(each, str)), None)
    if wrong is not None:
        what = f"{type(wrong).__name__} objects such as {str(wrong)[:40]!r}"
        raise InvalidElementError(f"{key!r} holds {what}; convert it to one type")
    return pd.Categorical(values) if missing.any() else values


def _written(group: "zarr.Group", name: str, write: Fill, options: Options) -> list[Fill]:
    """Let a library write, now or once there is a place for what it writes; it leaves out chunks that are empty."""
    store = group.store
    assert isinstance(store, StagingStore)

    def complete() -> None:
        with refused(name), store.incomplete():
            try:
                write()
            except Exception as error:
                if type(error).__name__ != "IORegistryError":  # which AnnData keeps to itself
                    raise
                where = "; ".join(getattr(error, "__notes__", ()))
                advice = "convert it first, and by to_memory() what was read lazily"
                reason = f"{name}: {error}; {where}; {advice}"
                raise InvalidElementError(reason) from error
            if options.attributes:
                group[name].attrs.update(dict(options.attributes))

    if options.deferred:
        return [complete]
    complete()
    return []


def decode_anndata(node: Foreign, *, lazy: bool = False) -> "AnnData":
    """Read an AnnData, or open it to be read as it is used."""
    anndata = require("anndata", extra=_EXTRA, purpose="reading an AnnData")
    if lazy:
        require("xarray", extra="arrays", purpose="reading an AnnData lazily")
        require("dask", extra="arrays", purpose="reading an AnnData lazily")
        found: AnnData = anndata.experimental.read_lazy(node)
        return found
    whole: AnnData = anndata.io.read_elem(node)
    return whole


def decode_mudata(node: Foreign) -> "MuData":
    """Read a MuData."""
    mudata = require("mudata", extra=_EXTRA, purpose="reading a MuData")
    found: MuData = mudata.read_zarr(node.store_path)
    return found
