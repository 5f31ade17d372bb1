"""One column of a table, or its index: a group or array in the layout that AnnData documents, and back.

Owns which layout each type of pandas has. Knows no table, and does not need AnnData.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import zarr

from modos.errors import InvalidElementError
from modos.objects.arrays.layouts.encoding import Fill, Foreign, Options, encode_array

__all__ = ["decode_column", "encode_column", "name_of_type"]

_MISSING: Mapping[str, Any] = MappingProxyType({"NA": pd.NA, "NaN": np.nan, "None": None})
_MASKED = MappingProxyType(
    {"b": "nullable-boolean", "i": "nullable-integer", "u": "nullable-integer", "f": "nullable-float"}
)
_VERSIONS = MappingProxyType({"array": "0.2.0", "string-array": "0.2.0", "categorical": "0.2.0"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column goes, what it is called in errors, and what is said of it besides its layout."""

    group: "zarr.Group"
    name: str
    options: Options
    what: str
    said: Mapping[str, object] = field(default_factory=dict)


def encode_column(group: "zarr.Group", name: str, values: Foreign, options: Options, what: str) -> list[Fill]:
    """Make the array or group of a column.

    Parameters
    ----------
    group
        Of the table.
    name
        Name in it.
    values
        A series or an index.
    options
        How it is stored.
    what
        What it is, for errors, such as `column 'length'`: arrays are not always called as their columns.

    Raises
    ------
    InvalidElementError
        When it holds what there is no layout for, or is of a type that is not found again by its name.
    """
    place = _Place(group, name, options, what, {"dtype": name_of_type(values.dtype)})
    if not _is_found_again(values.dtype):
        raise _no_layout(what, values.dtype)
    if isinstance(values.dtype, pd.SparseDtype):
        values = pd.Series(np.asarray(values))
    dtype = values.dtype
    if isinstance(dtype, pd.ArrowDtype):
        from modos.objects.arrays.layouts import arrow

        values = arrow.plain(values)
        if values is None:
            raise _no_layout(what, dtype)
        dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(place, values)
    if isinstance(dtype, pd.StringDtype) or _is_object(dtype):
        return _text(place, values)
    if kind in "mM" or isinstance(dtype, pd.PeriodDtype):
        times: Foreign = pd.Index(values)
        return _array(place, np.asarray(times.asi8))  # times, spans and periods are whole numbers
    if kind in "biufc" and isinstance(dtype, np.dtype):
        return _array(place, values.to_numpy())
    if kind in _MASKED:
        plain = values.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return _masked(place, plain, np.asarray(values.isna()), _MASKED[kind])
    raise _no_layout(what, dtype)


def _no_layout(what: str, dtype: object) -> InvalidElementError:
    return InvalidElementError(f"{what} is of type {dtype}, for which there is no layout; convert it first")


def _array(place: _Place, values: Foreign) -> list[Fill]:
    layout = "string-array" if values.dtype.kind == "T" else "array"
    attributes: dict[str, object] = {"encoding-type": layout, "encoding-version": _VERSIONS[layout]}
    attributes |= {"modos": place.said} if place.said else {}
    options = place.options
    return encode_array(
        place.group, place.name, values, Options(options.chunks, options.shards, options.compressors, attributes)
    )


def _group(place: _Place, layout: str, **more: object) -> "zarr.Group":
    version = _VERSIONS.get(layout, "0.1.0")
    attributes = {**more, "encoding-type": layout, "encoding-version": version, "modos": place.said}
    return place.group.create_group(place.name, attributes=attributes)


def _masked(place: _Place, values: Foreign, mask: Foreign, layout: str, **more: object) -> list[Fill]:
    made = _group(place, layout, **more)
    values_at, mask_at = (_Place(made, name, place.options, place.what) for name in ("values", "mask"))
    return [*_array(values_at, values), *_array(mask_at, mask)]


def _text(place: _Place, values: Foreign) -> list[Fill]:
    mask = np.asarray(values.isna())
    objects = values.to_numpy() if _is_object(values.dtype) else values.to_numpy(dtype=object, na_value=None)
    present = objects[~mask]
    wrong = next((each for each in present if not isinstance(each, str)), None)
    if wrong is not None:
        held = f"{type(wrong).__name__} objects such as {str(wrong)[:40]!r}"
        reason = f"{place.what} holds {held}; convert it to one type"
        raise InvalidElementError(reason)
    text = np.full(len(objects), "", dtype=np.dtypes.StringDType())
    text[~mask] = present.astype(np.dtypes.StringDType())
    if not mask.any():
        return _array(place, text)
    missing = _missing_of(objects[mask], values.dtype)
    value = "NaN" if missing == "NaN" else "NA"  # AnnData knows these two
    place = replace(place, said={**place.said, "missing": missing})
    return _masked(place, text, mask, "nullable-string-array", **{"na-value": value})


def _missing_of(missing: Foreign, dtype: Foreign) -> str:
    """Return what stands where there is no text; of a mixture, which pandas takes for the same, one."""
    if not _is_object(dtype):
        return "NA" if dtype.na_value is pd.NA else "NaN"
    if all(each is None for each in missing):
        return "None"
    return "NA" if all(each is pd.NA for each in missing) else "NaN"


def _categorical(place: _Place, values: Foreign) -> list[Fill]:
    found = pd.Categorical(values)
    made = _group(place, "categorical", ordered=bool(found.ordered))
    codes = _array(_Place(made, "codes", place.options, place.what), np.asarray(found.codes))
    compressed = Options(compressors=place.options.compressors)
    return [
        *codes,
        *encode_column(made, "categories", found.categories, compressed, f"{place.what} (its categories)"),
    ]


def _is_object(dtype: Foreign) -> bool:
    return isinstance(dtype, np.dtype) and dtype.hasobject


# -- and back -----------------------------------------------------------------------------------------------------------


def decode_column(node: Foreign, rows: slice | None = None) -> Foreign:
    """Return the values of a column as an array of the type that they were stored as.

    Parameters
    ----------
    node
        Its array or group.
    rows
        Which of them; `None` for all.
    """
    attributes = dict(node.attrs)
    layout = attributes.get("encoding-type", "array")
    found = _LAYOUTS.get(layout, _of_array)(node, slice(None) if rows is None else rows)
    dtype = (attributes.get("modos") or {}).get("dtype")
    return found if dtype is None else _as(found, str(dtype))


def _of_array(node: Foreign, rows: slice) -> Foreign:
    values = node[rows]
    return values.astype(object) if values.dtype.kind == "T" else values


def _of_mask(node: Foreign, rows: slice) -> Foreign:
    values, mask = node["values"][rows], node["mask"][rows]
    if values.dtype.kind == "T":
        objects = values.astype(object)
        missing = (node.attrs.get("modos") or {}).get("missing") or node.attrs.get("na-value", "NA")
        objects[mask] = _MISSING[str(missing)]
        return objects
    makers = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return makers.get(values.dtype.kind, pd.arrays.IntegerArray)(values, mask)


def _of_categories(node: Foreign, rows: slice) -> Foreign:
    categories = decode_column(node["categories"])
    known = pd.Index(categories, dtype=categories.dtype)
    return pd.Categorical.from_codes(node["codes"][rows], known, ordered=bool(node.attrs["ordered"]))


_LAYOUTS: Mapping[str, Callable[[Foreign, slice], Foreign]] = MappingProxyType(
    {
        "array": _of_array,
        "string-array": _of_array,
        "categorical": _of_categories,
        "nullable-integer": _of_mask,
        "nullable-boolean": _of_mask,
        "nullable-float": _of_mask,
        "nullable-string-array": _of_mask,
    }
)


def name_of_type(dtype: object) -> str:
    """Return the name of a type by which it is found again, on machines with other defaults too."""
    if isinstance(dtype, pd.StringDtype):
        return "string" if dtype.na_value is pd.NA else "str"
    if isinstance(dtype, pd.ArrowDtype):
        return f"arrow:{dtype.pyarrow_dtype}"
    return str(dtype)


def _is_found_again(dtype: Foreign) -> bool:
    """Tell whether a type is the one of its name: zones, and what stands between sparse values, may have none."""
    if isinstance(dtype, pd.StringDtype | pd.ArrowDtype | pd.CategoricalDtype):
        return True
    try:
        return bool(pd.api.types.pandas_dtype(name_of_type(dtype)) == dtype)
    except TypeError:
        return False


def _as(values: Foreign, dtype: str) -> Foreign:
    if dtype in {"object", "category"}:
        return values
    if dtype.startswith("arrow:"):
        from modos.objects.arrays.layouts import arrow

        return arrow.again(values, dtype.removeprefix("arrow:"))
    wanted: Foreign = pd.api.types.pandas_dtype(dtype)
    if dtype.startswith(("datetime64", "timedelta64", "period")):
        return _times(values, wanted)
    return values if getattr(values, "dtype", None) == wanted else pd.array(values, dtype=wanted)


def _times(values: Foreign, dtype: Foreign) -> Foreign:
    if isinstance(dtype, pd.PeriodDtype):
        periods: Foreign = pd.PeriodIndex
        return periods.from_ordinals(values, freq=dtype.freq).array
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc: Foreign = pd.DatetimeIndex(values.view(f"datetime64[{dtype.unit}]")).tz_localize("UTC")
        return utc.tz_convert(dtype.tz).array
    return pd.array(values.view(str(dtype)), dtype=dtype)
