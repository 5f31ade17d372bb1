"""Appending to arrays and tables: what is small is written anew, of what is large only the end.

Owns how each layout goes on. Nothing that the array is read from now is taken away: documents with the new shape come last.
"""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from modos.errors import InvalidInputError
from modos.model import ElementId
from modos.objects.arrays.edits import Staged, located, nested, stage_by
from modos.objects.arrays.fitting import dimension_of, misfit, refuse_misfits, rows_like, values_like, values_of_type
from modos.objects.arrays.grids import SHARD, cut
from modos.objects.arrays.layouts.encoding import Fill, Foreign, Options, encode_array, fill, refused
from modos.objects.arrays.reading import layout_of, read
from modos.objects.arrays.said import node_of
from modos.objects.arrays.staging import StagingStore
from modos.objects.snapshot import Snapshot
from modos.storage import Storage

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["stage_more"]

type Appended = tuple[Storage, Snapshot, ElementId, str]


def stage_more(
    storage: Storage, base: Snapshot, element_id: str, name: str, more: object, *, axis: int | str = 0
) -> Staged:
    """Prepare what is to be appended for an edit; see `MODO.append_array`."""
    base.refuse_older()
    path = located(base, element_id, name)
    layout = layout_of(base, path)
    if layout not in _APPENDING:
        raise InvalidInputError(f"{path} is no array or table to append to; add it anew with overwrite=True")
    place = (storage, base, base.resolve(element_id), name)
    with refused(name), np.errstate(over="raise"):
        return _APPENDING[layout](place, more, axis)


def _anew(place: Appended, write: Callable[["zarr.Group"], list[Fill]]) -> Staged:
    """Stage an array that takes the place of the one that is there."""
    _, base, element, name = place

    def open_and_write(store: StagingStore) -> list[Fill]:
        return write(zarr.open_group(store, mode="r+", zarr_format=3))

    return stage_by(base, element, name, open_and_write, overwrite=True)


def _onwards(place: Appended, write: Callable[["zarr.Group"], list[Fill]]) -> Staged:
    """Stage the continuation of an array: what is stored of it stays."""
    _, base, element, name = place
    start = len(f"{element}/")
    there = {path[start:]: said for path, said in nested(base, f"{element}/{name}").items()}
    above = ["/".join(name.split("/")[:depth]) for depth in range(1, name.count("/") + 1)]
    groups = {path: base.others[f"{element}/{path}"] for path in above}
    store = StagingStore(there, {**groups, **there})
    fills = write(zarr.open_group(store, mode="r+", zarr_format=3))
    return Staged(base, element, name, store, fills, replaces="part")


def _path(place: Appended) -> str:
    return f"{place[2]}/{place[3]}"


def _node(place: Appended) -> Foreign:
    return node_of(*place)


def _bytes(node: Foreign) -> int:
    if isinstance(node, zarr.Array):
        return int(node.nbytes)
    return sum(int(each.nbytes) for _, each in node.members(max_depth=None) if isinstance(each, zarr.Array))


# -- arrays -------------------------------------------------------------------------------------------------------------


def _append_numbers(place: Appended, more: Foreign, axis: int | str) -> Staged:
    old = _node(place)
    names = old.metadata.dimension_names
    number = names.index(axis) if isinstance(axis, str) and names and axis in names else axis
    if not isinstance(number, int) or not -old.ndim <= number < old.ndim:
        raise misfit(_path(place), f"has no axis {axis!r}; it has {old.ndim}")
    number %= old.ndim
    values = values_like(_path(place), old, more, number)
    if old.nbytes <= SHARD and _is_cut_by_rule(old):
        whole = np.concatenate([old[...], np.asarray(values)], axis=number)
        said = Options(compressors=old.compressors, attributes=dict(old.attrs))
        return _anew(place, lambda group: _again(group, place[3], whole, said, names))
    if values.dtype != old.dtype:
        raise misfit(
            _path(place), f"holds text of up to {old.dtype.itemsize // 4} characters, what is appended is longer"
        )
    at = tuple(size if each == number else 0 for each, size in enumerate(old.shape))
    shape = tuple(
        size + start if each == number else size
        for each, (size, start) in enumerate(zip(values.shape, at, strict=True))
    )

    def write(group: "zarr.Group") -> list[Fill]:
        array = group[place[3]]
        assert isinstance(array, zarr.Array)
        array.resize(shape)
        return [lambda: fill(_storing_all(array), values, at)]

    return _onwards(place, write)


def _again(group: "zarr.Group", name: str, values: Foreign, said: Options, dimensions: Foreign) -> list[Fill]:
    fills = encode_array(group, name, values, said)
    if dimensions is not None:
        store = group.store
        assert isinstance(store, StagingStore)
        store.documents[name]["dimension_names"] = list(dimensions)
    return fills


def _is_cut_by_rule(array: Foreign) -> bool:
    """Tell whether chunks and shards are those that are chosen for an array, and nobody's own."""
    found = cut(array.shape, 32 if array.dtype.kind == "T" else array.dtype.itemsize)
    return (found.chunks, found.shards) == (array.chunks, array.shards)


# -- tables -------------------------------------------------------------------------------------------------------------


def _append_rows(place: Appended, more: Foreign, axis: int | str) -> Staged:
    from modos.objects.arrays.layouts import frames

    if axis not in {0, "index", "rows"}:
        raise misfit(_path(place), "tables grow by rows, axis=0; for more columns add it anew with overwrite=True")
    old = _node(place)
    said: Foreign = old.attrs.get("modos") or {}
    added = frames.frame_of(more)
    head = frames.frame_of(frames.decode_frame(old, rows=slice(0, 1)))
    added = rows_like(_path(place), head, added)
    options = Options(attributes=_own(old.attrs))
    if _bytes(old) <= SHARD:
        whole = frames.concatenated(frames.frame_of(frames.decode_frame(old)), added)
        kind = {key: said[key] for key in ("series", "unnamed", "arrow") if key in said}
        return _anew(place, lambda group: frames.encode_frame(group, place[3], whole, options, **kind))
    return _onwards(place, lambda group: _longer_table(place, group, old, added))


def _own(attributes: Mapping[str, Any]) -> dict[str, Any]:
    layout = {"_index", "column-order", "encoding-type", "encoding-version", "modos", "shape"}
    return {key: value for key, value in attributes.items() if key not in layout}


def _longer_table(place: Appended, group: "zarr.Group", old: Foreign, added: "pd.DataFrame") -> list[Fill]:
    """Write columns on, each in the layout that it has; one whose layout does not hold the new values is written anew."""
    import pandas as pd

    from modos.objects.arrays.layouts.columns import decode_column, encode_column
    from modos.objects.arrays.layouts.frames import joined

    node: Foreign = group[place[3]]
    store = group.store
    assert isinstance(store, StagingStore)
    scratch = StagingStore({}, {})
    side = zarr.open_group(scratch, mode="r+", zarr_format=3)
    said: dict[str, Any] = dict(node.attrs["modos"])
    levels = [added.index.get_level_values(level) for level in range(added.index.nlevels)]
    if "range" in said:
        start, stop, step = said["range"]
        said["range"] = [start, stop + step * len(added), step]
        levels = [pd.RangeIndex(stop, stop + step * len(added), step)]
        node.attrs["modos"] = said
    if "freq" in said:
        last: Foreign = pd.Index(decode_column(old[said["levels"][0]], slice(-1, None)))
        last.freq = said["freq"]
        if last.append(levels[0]).freq is None:
            del said["freq"]
        node.attrs["modos"] = said
    fills: list[Fill] = []
    columns = [added.iloc[:, position] for position in range(added.shape[1])]
    keys = [*said["levels"], *node.attrs["column-order"]]
    names = ["the index"] * len(levels) + [f"column {each!r}" for each in added.columns]
    for key, what, values in zip(keys, names, [*levels, *columns], strict=True):
        for write in encode_column(side, key, values, Options(), what):
            write()
        there, new = _leaves(node[key], key), _leaves(side[key], key)
        changing = {path for path in there if path.endswith("/categories")}
        if _continue_each(there, new, changing):
            fills += [_continuation(node[path], new[path][...]) for path in there.keys() - changing]
            continue
        whole = joined(pd.Series(decode_column(old[key])), pd.Series(values))
        store.forget(f"{place[3]}/{key}")
        fills += encode_column(node, key, whole, Options(), what)
    return fills


def _leaves(node: Foreign, key: str) -> dict[str, Any]:
    if isinstance(node, zarr.Array):
        return {key: node}
    return {f"{key}/{path}": each for path, each in node.members(max_depth=None) if isinstance(each, zarr.Array)}


def _continue_each(there: Mapping[str, Any], new: Mapping[str, Any], fixed: set[str]) -> bool:
    """Tell whether arrays can be written on: they are the same ones, of the same types, and categories are the same."""
    if there.keys() != new.keys() or any(there[path].dtype != new[path].dtype for path in there):
        return False
    return all(np.array_equal(there[path][...], new[path][...]) for path in fixed)


def _continuation(array: Foreign, values: Foreign) -> Fill:
    at = (array.shape[0],)
    array.resize((at[0] + len(values),))
    return lambda: fill(_storing_all(array), values, at)


def _storing_all(array: Foreign) -> Foreign:
    """Return an array that stores empty chunks too, as it says it does."""
    return array.with_config({"write_empty_chunks": True})


# -- sparse matrices ----------------------------------------------------------------------------------------------------


def _append_sparse(place: Appended, more: Foreign, axis: int | str) -> Staged:
    import scipy.sparse

    from modos.objects.arrays.layouts.sparse import SPARSE, decode_sparse, encode_sparse

    old = _node(place)
    form, shape = SPARSE[old.attrs["encoding-type"]], tuple(old.attrs["shape"])
    if not scipy.sparse.issparse(more):
        raise misfit(_path(place), f"is a sparse matrix; a {type(more).__name__} cannot be appended")
    if axis not in {0, 1} or more.ndim != 2 or shape[1 - int(axis)] != more.shape[1 - int(axis)]:  # noqa: PLR2004 - rows and columns
        raise misfit(
            _path(place), f"has the shape {shape}, so along axis {axis} nothing of shape {more.shape} can be appended"
        )
    added = more.asformat(form, copy=True)
    added.data = values_of_type(_path(place), added.data, old["data"].dtype)
    main = 0 if form == "csr" else 1
    if _bytes(old) <= SHARD or axis != main:
        stack = scipy.sparse.vstack if axis == 0 else scipy.sparse.hstack
        there = decode_sparse(old)
        whole = stack([there, type(there)(added)]).asformat(there.format)
        return _anew(place, lambda group: encode_sparse(group, place[3], whole, Options(attributes=_own(old.attrs))))
    count = old["data"].shape[0]
    if count + added.nnz > np.iinfo(old["indptr"].dtype).max:
        raise misfit(_path(place), "its pointers are too small for so many values; add it anew with 64-bit indices")

    def write(group: "zarr.Group") -> list[Fill]:
        node: Foreign = group[place[3]]
        added.sum_duplicates()
        parts = {"data": added.data, "indices": added.indices, "indptr": added.indptr[1:] + count}
        node.attrs["shape"] = [size + (added.shape[main] if each == main else 0) for each, size in enumerate(shape)]
        return [_continuation(node[part], values.astype(node[part].dtype)) for part, values in parts.items()]

    return _onwards(place, write)


# -- labelled arrays ----------------------------------------------------------------------------------------------------


def _append_labelled(place: Appended, more: Foreign, axis: int | str) -> Staged:
    import xarray as xr

    from modos.objects.arrays.layouts.labelled import encode_dataset, encode_labelled, refuse_changes

    old, name = _node(place), place[3]
    there: Foreign = read(*place, lazy=True)
    dimension = dimension_of(_path(place), there, axis)
    refuse_misfits(_path(place), there, more, dimension)
    more = more.load()
    said: Foreign = old.attrs.get("modos") or {}
    added = more if isinstance(more, xr.Dataset) else more.to_dataset(name=said["variable"])
    refuse_changes(name, added)
    if _bytes(old) <= SHARD:
        how: dict[str, Any] = {"join": "exact", "combine_attrs": "override", "coords": "minimal", "compat": "equals"}
        encode: Foreign = encode_labelled
        if isinstance(there, xr.Dataset):
            how, encode = {**how, "data_vars": "minimal"}, encode_dataset
        whole = xr.concat([there.load(), more], dim=dimension, **how)
        return _anew(place, lambda group: encode(group, name, whole, Options()))
    added = added.drop_vars([each for each, array in added.variables.items() if dimension not in array.dims])
    added = added.assign_attrs(old.attrs)
    return _onwards(place, lambda group: [lambda: _write_on(place, group, added, dimension)])


def _write_on(place: Appended, group: "zarr.Group", added: Foreign, dimension: str) -> None:
    """Let xarray append; it only warns where times do not fit the unit that is stored, and then writes others."""
    with warnings.catch_warnings(), refused(place[3]):
        warnings.filterwarnings("error", message=r"Time(s|deltas) can't be serialized faithfully")
        try:
            added.to_zarr(
                group.store,
                group=place[3],
                append_dim=dimension,
                consolidated=False,
                zarr_format=3,
                write_empty_chunks=True,
            )
        except UserWarning as error:
            raise misfit(
                _path(place), f"times that are appended are finer than those that are stored: {error}"
            ) from error


_APPENDING: Mapping[str, Callable[[Appended, Any, int | str], Staged]] = MappingProxyType(
    {"array": _append_numbers, "dataframe": _append_rows, "sparse": _append_sparse, "labelled": _append_labelled}
)
