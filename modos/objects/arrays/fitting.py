"""Whether what is appended fits what is there: its type, its shape, its columns and its labels.

Owns which values are the same in another type. Must not know how arrays are stored or written.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from modos.errors import InvalidElementError
from modos.objects.arrays.layouts.encoding import Foreign, keeps_whole_numbers, values_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["dimension_of", "misfit", "refuse_misfits", "rows_like", "values_like", "values_of_type"]

_TEXT = frozenset("OTU")
"""Kinds of types that hold text."""


def misfit(path: str, reason: str) -> InvalidElementError:
    """Return the error that says what does not fit the array or table of this path."""
    return InvalidElementError(f"{path}: {reason}")


def values_like(path: str, old: Foreign, more: Foreign, axis: int) -> Foreign:
    """Return what is to be appended to an array, as it is stored.

    Parameters
    ----------
    path
        Of the array, for errors; so for all functions of this module.
    old
        The array of zarr.
    more
        What numpy makes an array of; lazy data stay so.
    axis
        Along which its extent may differ.

    Raises
    ------
    InvalidElementError
        When it is of another type or shape; so for all functions of this module.
    """
    values = values_of(more)
    said: Foreign = old.attrs.get("modos") or {}
    dtype = np.dtype(said["dtype"]) if "dtype" in said else old.dtype
    others = [size for each, size in enumerate(values.shape) if each != axis]
    if values.ndim != old.ndim or others != [size for each, size in enumerate(old.shape) if each != axis]:
        reason = f"has the shape {old.shape}, so along axis {axis} nothing of shape {values.shape} can be appended"
        raise misfit(path, reason)
    values = values_of_type(path, values, dtype)
    return values.view(old.dtype) if "dtype" in said else values


def values_of_type(path: str, values: Foreign, dtype: "np.dtype[Any]") -> Foreign:
    """Return numbers, times or text as of the type that is stored; only digits of a fraction may be lost."""
    if values.dtype == dtype:
        return values
    if dtype.kind in "TU" and values.dtype.kind in "TU":
        return values.astype(np.promote_types(dtype, values.dtype) if dtype.kind == "U" else dtype)
    fits = not {dtype.kind, values.dtype.kind} & _TEXT and np.can_cast(values.dtype, dtype, "same_kind")
    if fits and dtype.names == values.dtype.names:
        values = np.asarray(values) if isinstance(values, zarr.Array) else values
        converted = values.astype(dtype)
        is_same = (
            keeps_whole_numbers(values, dtype)
            if dtype.kind in "fc"
            else bool(((converted == values) | (values != values)).all())  # noqa: PLR0124 - no time is not itself
        )
        if is_same:
            return converted
    raise misfit(path, f"is of type {dtype}, what is appended is of type {values.dtype}; convert it first")


def rows_like(path: str, head: "pd.DataFrame", more: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows with the columns of a table, in its order and of its types, of which the first rows are given."""
    missing = [each for each in head.columns if each not in more.columns]
    extra = [each for each in more.columns if each not in head.columns]
    if missing or extra or not _has_levels_of(more.index, head.index):
        wrong = [f"lacks {missing}"] * bool(missing) + [f"has {extra} besides"] * bool(extra)
        raise misfit(path, f"the table that is appended {' and '.join(wrong) or 'has another index'}")
    are_unique = head.columns.is_unique and more.columns.is_unique
    if not are_unique and list(more.columns) != list(head.columns):
        raise misfit(path, f"has the columns {list(head.columns)}, what is appended has {list(more.columns)}")
    from modos.objects.arrays.layouts.frames import as_type, index_like

    found = more[list(head.columns)] if are_unique else more
    try:
        index = index_like(found.index, head.index)
    except (TypeError, ValueError) as error:
        raise misfit(path, f"the index of what is appended does not fit: {error}") from error
    converted = {}
    for position in range(len(head.columns)):
        label, dtype = head.columns[position], head.dtypes.iloc[position]
        try:
            converted[position] = as_type(found.iloc[:, position], dtype)
        except (TypeError, ValueError) as error:
            there = found.dtypes.iloc[position]
            raise misfit(
                path, f"column {label!r} is of type {dtype}, what is appended of type {there}: {error}"
            ) from error
    result = type(found)({position: each.array for position, each in converted.items()}, index=index)
    result.columns = head.columns
    return result


def _has_levels_of(index: "pd.Index[Any]", other: "pd.Index[Any]") -> bool:
    """Tell whether both are plain, or have as many levels; one level makes no plain index."""
    return index.nlevels == other.nlevels and hasattr(index, "levels") == hasattr(other, "levels")


def dimension_of(path: str, there: Foreign, axis: int | str) -> str:
    """Return the name of an axis of labelled arrays; several arrays have no numbers for them."""
    dimensions = list(there.dims)
    if isinstance(axis, int) and not hasattr(there, "data_vars") and -len(dimensions) <= axis < len(dimensions):
        return str(dimensions[axis])
    if axis not in dimensions:
        raise misfit(path, f"has no dimension {axis!r}; there are {', '.join(map(str, dimensions))}")
    return str(axis)


def refuse_misfits(path: str, there: Foreign, more: Foreign, dimension: str) -> None:
    """Refuse another kind, other variables or types, and other labels along the other dimensions."""
    import xarray as xr

    if type(more) is not type(there):
        raise misfit(path, f"is a {type(there).__name__}; a {type(more).__name__} cannot be appended")
    if hasattr(there, "data_vars"):
        pairs = {each: (array, more.get(each)) for each, array in there.data_vars.items()}
        if there.data_vars.keys() != more.data_vars.keys():
            raise misfit(path, f"has the variables {', '.join(map(str, pairs))}; what is appended has others")
    else:
        pairs = {there.name: (there, more)}
    labels, others = (
        {each for each in array.coords if dimension in array.coords[each].dims} for array in (there, more)
    )
    if labels != others:
        raise misfit(path, f"has {_labels(labels)} along {dimension}, what is appended has {_labels(others)}")
    pairs |= {each: (there.coords[each], more.coords[each]) for each in labels}
    for name, (old, new) in pairs.items():
        if old.dims != new.dims:
            raise misfit(path, f"{name} has the dimensions {old.dims}, what is appended has {new.dims}")
        if name in labels and old.dtype.kind == new.dtype.kind == "M":
            continue  # of which the unit that is stored decides
        if dimension in old.dims and not _is_held_by(old.dtype, new):
            raise misfit(path, f"{name} is of type {old.dtype}, what is appended of type {new.dtype}; convert it first")
    xr.align(there, more, join="exact", exclude={dimension})
    _refuse_others(path, there, more, dimension)


def _refuse_others(path: str, there: Foreign, more: Foreign, dimension: str) -> None:
    """Refuse another value of what does not go along the dimension."""
    known = _without(dimension, there)
    for name, new in _without(dimension, more).items():
        if name not in known or not known[name].to_base_variable().equals(new.to_base_variable()):
            reason = f"{name} does not go along {dimension}, and what is appended has another; drop it, if it shall stay as it is"
            raise misfit(path, reason)


def _without(dimension: str, labelled: Foreign) -> dict[Foreign, Foreign]:
    """Return the variables that do not go along a dimension: whatever is appended, there is one of each."""
    holder = labelled if hasattr(labelled, "data_vars") else labelled.coords
    return {name: each for name, each in holder.variables.items() if dimension not in each.dims}


def _is_held_by(there: Foreign, more: Foreign) -> bool:
    """Tell whether a type holds all values of an array; text holds text and nothing else."""
    kinds = {there.kind, more.dtype.kind}
    if kinds & _TEXT:
        return kinds <= _TEXT
    is_whole = there.kind in "fc" and more.dtype.kind in "iu"
    return bool(np.can_cast(more.dtype, there, "safe")) and (not is_whole or keeps_whole_numbers(more, there))


def _labels(names: set[Foreign]) -> str:
    return f"the labels {', '.join(sorted(map(str, names)))}" if names else "no labels"
