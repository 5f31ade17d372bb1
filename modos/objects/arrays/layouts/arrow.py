"""Columns of Arrow's types as the arrays that have a layout, and back.

Owns which array holds which type of Arrow. Knows no group and no layout.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from modos.objects.arrays.layouts.encoding import Foreign

__all__ = ["again", "plain"]

_ZONED = re.compile(r"timestamp\[(\w+), tz=(.+)\]")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
_MISSING = np.iinfo("int64").min
"""A time that is missing, as numpy has it."""


def plain(values: Foreign) -> Foreign | None:
    """Return a series or index of Arrow's as a series that holds the same; `None` where nothing does.

    What is missing and what is `NaN` stay apart.
    """
    array = pa.array(values.array)
    array = array.unify_dictionaries().combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if not _is_named(array.type):
        return None
    for holds, held in _HELD:
        if holds(array.type):
            return pd.Series(held(array))
    return None


def again(values: Foreign, name: str) -> Foreign:
    """Return what `plain` has made, as of the type of Arrow that is called so."""
    dtype = _type_of(name)
    if pa.types.is_dictionary(dtype):
        codes = pa.array(values.codes, dtype.index_type, mask=values.codes < 0)
        categories = pa.array(values.categories.to_numpy(), dtype.value_type)
        found: Foreign = pa.DictionaryArray.from_arrays(codes, categories, ordered=dtype.ordered)
    elif _is_time(dtype):
        whole = pa.array(values, mask=values == _MISSING)
        found = whole.view(pa.timestamp("ms")).cast(dtype) if pa.types.is_date(dtype) else whole.view(dtype)
    else:
        is_object = isinstance(values, np.ndarray)
        found = pa.array(values, dtype, from_pandas=True) if is_object else pa.array(values, dtype)
    return pd.arrays.ArrowExtensionArray(found)


def _is_named(dtype: Foreign) -> bool:
    try:
        return bool(_type_of(str(dtype)) == dtype)
    except ValueError:
        return False


def _type_of(name: str) -> Foreign:
    if found := _DICTIONARY.fullmatch(name):
        values, indices, ordered = found.groups()
        return pa.dictionary(pa.type_for_alias(indices), _type_of(values), ordered=ordered == "1")
    if found := _ZONED.fullmatch(name):
        return pa.timestamp(*found.groups())
    return pa.type_for_alias(name)


def _is_time(dtype: Foreign) -> bool:
    return bool(pa.types.is_timestamp(dtype) or pa.types.is_duration(dtype) or pa.types.is_date(dtype))


def _is_text(dtype: Foreign) -> bool:
    return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_null(dtype))


def _is_terms(dtype: Foreign) -> bool:
    """Tell whether pandas and Arrow both convert such a dictionary."""
    return pa.types.is_dictionary(dtype) and (_is_text(dtype.value_type) or pa.types.is_integer(dtype.value_type))


def _is_fraction(dtype: Foreign) -> bool:
    return bool(pa.types.is_float32(dtype) or pa.types.is_float64(dtype))


def _numbers(array: Foreign, blank: object = 0) -> Foreign:
    return array.fill_null(blank).to_numpy(zero_copy_only=False)


def _mask(array: Foreign) -> Foreign:
    return array.is_null().to_numpy(zero_copy_only=False)


def _times(array: Foreign) -> Foreign:
    whole = array.cast(pa.timestamp("ms")) if pa.types.is_date(array.type) else array
    return whole.view(pa.int64()).fill_null(_MISSING).to_numpy()


_HELD: tuple[tuple[Callable[[Foreign], bool], Callable[[Foreign], Foreign]], ...] = (
    (_is_terms, lambda array: array.to_pandas()),
    (pa.types.is_boolean, lambda array: pd.arrays.BooleanArray(_numbers(array, blank=False), _mask(array))),
    (pa.types.is_integer, lambda array: pd.arrays.IntegerArray(_numbers(array), _mask(array))),
    (_is_fraction, lambda array: pd.arrays.FloatingArray(_numbers(array), _mask(array))),
    (_is_text, lambda array: pd.array(array.to_numpy(zero_copy_only=False), dtype="string")),
    (_is_time, _times),
)
