"""Tables of pandas and Arrow: a group with an array or group for each column, in the layout that AnnData documents.

Owns what a table is besides its columns: their order and names, the index, its names and kind. Does not need AnnData.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pandas as pd
import zarr

from modos.errors import InvalidElementError, InvalidInputError, suggestion
from modos.model.ids import check_name
from modos.objects.arrays.layouts.columns import decode_column, encode_column, name_of_type
from modos.objects.arrays.layouts.encoding import Fill, Foreign, Options, keeps_whole_numbers

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FRAME",
    "as_type",
    "concatenated",
    "decode_frame",
    "encode_frame",
    "encode_index",
    "encode_series",
    "encode_table",
    "frame_of",
    "index_like",
    "is_series",
    "joined",
]

FRAME = "dataframe"

_INDEX = "_index"
_AT_ONCE = 8
_PLAIN = str | int | float | bool | None


def encode_frame(group: "zarr.Group", name: str, frame: pd.DataFrame, options: Options, **said: object) -> list[Fill]:
    """Make the group of a table.

    Raises
    ------
    InvalidElementError
        When a column, the index or a name cannot be stored; says which.
    """
    if not options.is_of_one_axis:
        reason = f"{name}: columns have one axis each, so chunks are one number, as in (100_000,)"
        raise InvalidElementError(reason)
    if isinstance(frame.index, pd.MultiIndex) and frame.index.nlevels == 1:
        raise InvalidElementError("the index is one of levels and has one; get_level_values(0) makes a plain one of it")
    index, labels = _levels(frame.index), list(frame.columns)
    keys = _keys([*index, *labels])
    levels, columns = keys[: len(index)], keys[len(index) :]
    about = {
        **said,
        "levels": levels,
        "names": [_label(each, "the index") for each in frame.index.names],
        "columns": [_label(each, "a column") for each in labels],
        "of_columns": _label(frame.columns.name, "the columns"),
        **_kind_of(frame.index),
    }
    if isinstance(frame.columns, pd.RangeIndex):
        about["columns_range"] = [frame.columns.start, frame.columns.stop, frame.columns.step]
    else:
        about |= _type_of_labels(frame.columns)
    attributes = {
        **options.attributes,
        "_index": levels[0],
        "column-order": columns,
        "encoding-type": FRAME,
        "encoding-version": "0.2.0",
        "modos": about,
    }
    made = group.create_group(name, attributes=attributes)
    values = [frame.index.get_level_values(level) for level in range(len(levels))] if len(levels) > 1 else [frame.index]
    fills = []
    for key, each in zip(levels, values, strict=True):
        what = "the index" if len(levels) == 1 else f"level {levels.index(key)} of the index"
        fills += encode_column(made, key, each, options, what)
    for position, key in enumerate(columns):
        fills += encode_column(made, key, frame.iloc[:, position], options, f"column {labels[position]!r}")
    return fills


def encode_series(group: "zarr.Group", name: str, series: Foreign, options: Options) -> list[Fill]:
    """Make the group of a series: a table of one column."""
    return encode_frame(group, name, series.to_frame(), options, series=True, unnamed=series.name is None)


def encode_index(group: "zarr.Group", name: str, index: Foreign, options: Options) -> list[Fill]:
    """Make the group of an index: a table without columns."""
    return encode_frame(group, name, pd.DataFrame(index=index), options, series=True)


def encode_table(group: "zarr.Group", name: str, table: "pa.Table", options: Options) -> list[Fill]:
    """Make the group of a table of Arrow; its types are kept as far as pandas has them."""
    return encode_frame(group, name, table.to_pandas(types_mapper=pd.ArrowDtype), options, arrow=True)


def frame_of(data: object) -> pd.DataFrame:
    """Return a table, a series, an index or a table of Arrow as a table.

    Raises
    ------
    InvalidElementError
        When it is none of these.
    """
    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, pd.Series):
        return data.to_frame()
    if isinstance(data, pd.Index):
        return pd.DataFrame(index=data)
    if hasattr(data, "to_pandas"):
        frame: pd.DataFrame = data.to_pandas(types_mapper=pd.ArrowDtype)
        return frame
    raise InvalidElementError(f"a {type(data).__name__} is no table")


def as_type(values: Foreign, dtype: Foreign) -> Foreign:
    """Return a column as of another type, where that changes no value; new categories are added to the known ones.

    Raises
    ------
    TypeError, ValueError
        When values would change.
    """
    if isinstance(dtype, pd.CategoricalDtype):
        new = [each for each in pd.unique(values.dropna()) if each not in dtype.categories]
        if new and dtype.ordered:
            raise ValueError(f"{new} are no categories of it, and they are ordered")
        known = dtype.categories.append(pd.Index(as_type(pd.Series(new), dtype.categories.dtype)) if new else [])
        return values.astype(pd.CategoricalDtype(known, dtype.ordered))
    if values.dtype == dtype:
        return values
    if isinstance(dtype, pd.StringDtype) and not all(isinstance(each, str) for each in values.dropna()):
        raise TypeError("they are no text")
    if isinstance(dtype, pd.PeriodDtype):
        raise TypeError("they are no periods of this length")
    converted = values.astype(dtype)
    if dtype.kind in "biumM" and not ((converted == values) | (converted.isna() & values.isna())).all():
        raise ValueError("values would change")
    if dtype.kind in "fc" and values.dtype.kind not in "biufc":
        raise TypeError("they are no numbers")
    if dtype.kind in "fc" and not keeps_whole_numbers(values.dropna(), dtype):
        raise ValueError("values would change")
    return converted


def index_like(index: Foreign, other: Foreign) -> Foreign:
    """Return an index as of the type of another.

    Raises
    ------
    TypeError, ValueError
        When it is of another kind.
    """
    if isinstance(other, pd.RangeIndex) and not isinstance(index, pd.RangeIndex):
        reason = "it has labels, and the table counts its rows; reset_index(drop=True) drops the labels"
        raise ValueError(reason)  # noqa: TRY004 - an index is one, of another kind
    if isinstance(other, pd.MultiIndex):
        levels = [_level_like(index, other, level) for level in range(other.nlevels)]
        return pd.MultiIndex.from_arrays(levels, names=index.names)
    if isinstance(other, pd.RangeIndex) or index.dtype == other.dtype:
        return index
    if isinstance(index, pd.RangeIndex) and other.dtype.kind not in "iu":
        raise ValueError(f"it counts rows, and the table has labels of type {other.dtype}")
    return pd.Index(as_type(pd.Series(index), other.dtype))


def _level_like(index: Foreign, other: Foreign, level: int) -> Foreign:
    values = pd.Series(index.get_level_values(level))
    return as_type(values, other.get_level_values(level).dtype).array


def joined(first: Foreign, more: Foreign) -> Foreign:
    """Return the values of two columns, one after the other, of the type of the second, which holds both."""
    head = first.astype(more.dtype) if isinstance(more.dtype, pd.CategoricalDtype) else first
    return pd.concat([head, more], ignore_index=True).astype(more.dtype)


def concatenated(first: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of two tables with the same columns, one after the other; a counting index counts on."""
    columns = {
        position: joined(first.iloc[:, position], more.iloc[:, position]) for position in range(len(first.columns))
    }
    if isinstance(first.index, pd.RangeIndex):
        start, step = first.index.start, first.index.step
        index: pd.Index[Any] = pd.RangeIndex(
            start, start + step * (len(first) + len(more)), step, name=first.index.name
        )
    else:
        index = first.index.append(more.index)
        index.names = first.index.names
    found = pd.DataFrame(columns, index=range(len(first) + len(more)))
    found.columns, found.index = first.columns, index
    return found


def is_series(said: Mapping[str, Any]) -> bool:
    """Tell whether a table was stored as a series."""
    return bool(said.get("series"))


def decode_frame(node: Foreign, *, rows: slice | None = None, columns: Sequence[object] | None = None) -> Foreign:
    """Read a table; its columns are fetched at once.

    Parameters
    ----------
    node
        Its group.
    rows
        Which rows; `None` for all.
    columns
        Names of columns; `None` for all.

    Raises
    ------
    InvalidInputError
        When there is no such column.
    """
    attributes: dict[str, Any] = dict(node.attrs)
    said = attributes.get("modos") or {}
    order = attributes["column-order"]
    labels = said.get("columns", order)
    wanted = range(len(labels)) if columns is None else [_position(labels, each, node.name) for each in columns]
    levels = said.get("levels", [attributes["_index"]])
    keys = [*levels, *(order[position] for position in wanted)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        values = list(pool.map(lambda key: decode_column(node[key], rows), keys))
    index = _index_of(values[: len(levels)], said)
    if rows is not None:
        index = index[rows] if isinstance(index, pd.RangeIndex) else index
    elif said.get("freq") and len(index):
        index.freq = said["freq"]
    if not len(order) and is_series(said):
        return index
    series = [pd.Series(each, index=index, dtype=each.dtype) for each in values[len(levels) :]]
    found = pd.DataFrame(dict(enumerate(series)), index=index)
    if is_series(said) and len(wanted):
        return found.iloc[:, 0].rename(None if said.get("unnamed") else labels[0])
    name = said.get("of_columns")
    if columns is None and "columns_range" in said:
        found.columns = _range(said["columns_range"], name)
    else:
        found.columns = pd.Index([labels[position] for position in wanted], dtype=said.get("columns_type"), name=name)
    return found


def _position(labels: Sequence[object], wanted: object, where: str) -> int:
    if wanted not in labels:
        known = [str(each) for each in labels]
        hint = suggestion(str(wanted), known) or f"; there are {', '.join(known[:20])}"
        raise InvalidInputError(f"{where.lstrip('/')} has no column {wanted!r}{hint}")
    return labels.index(wanted)


def _levels(index: Foreign) -> list[object]:
    return [_INDEX] if index.nlevels == 1 else [f"{_INDEX}_{level}" for level in range(index.nlevels)]


def _keys(labels: Sequence[object]) -> list[str]:
    """Return names of arrays: labels that can be such a name and are not taken, on systems that ignore case too."""
    keys: list[str] = []
    taken: set[str] = set()
    for position, label in enumerate(labels):
        key = (
            label
            if isinstance(label, str) and _is_name(label) and label.casefold() not in taken
            else f"column-{position}"
        )
        while key.casefold() in taken:
            key = f"{key}-"
        taken.add(key.casefold())
        keys.append(key)
    return keys


def _is_name(label: str) -> bool:
    try:
        check_name(label)
    except InvalidElementError:
        return False
    return True


def _label(label: object, what: str) -> object:
    plain = label.item() if hasattr(label, "item") else label
    if not isinstance(plain, _PLAIN) or (isinstance(plain, float) and not math.isfinite(plain)):
        reason = f"the name of {what} is {label!r}; names of tables that are stored are text or numbers"
        raise InvalidElementError(reason)
    return plain


def _kind_of(index: Foreign) -> dict[str, object]:
    """Return what an index is besides its values."""
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step]}
    freq = None if isinstance(index, pd.PeriodIndex) else getattr(index, "freq", None)
    if freq is None:
        return {}
    if not _is_named(freq):
        reason = (
            f"the index has the frequency {freq!r}, which has no name to store it by; index.freq = None leaves it out"
        )
        raise InvalidElementError(reason)
    return {"freq": freq.freqstr}


def _is_named(freq: Foreign) -> bool:
    try:
        return bool(pd.tseries.frequencies.to_offset(freq.freqstr) == freq)
    except ValueError:
        return False


def _type_of_labels(columns: Foreign) -> dict[str, str]:
    """Return the type of the labels of columns, where it is not the one that pandas gives to such labels.

    Raises
    ------
    InvalidElementError
        When they are of a type that does not come back.
    """
    labels = [_label(each, "a column") for each in columns]
    if pd.Index(labels).dtype == columns.dtype:
        return {}
    name = name_of_type(columns.dtype)
    if pd.Index(labels, dtype=name).dtype != columns.dtype:
        reason = (
            f"the names of the columns are of type {columns.dtype}, which would be lost; convert frame.columns first"
        )
        raise InvalidElementError(reason)
    return {"columns_type": name}


def _range(said: Sequence[int], name: Foreign) -> pd.RangeIndex:
    start, stop, step = said
    return pd.RangeIndex(start, stop, step, name=name)


def _index_of(levels: Sequence[Any], said: Mapping[str, Any]) -> Foreign:
    names = said.get("names") or [None]
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(levels, names=names)
    if "range" in said:
        return _range(said["range"], names[0])
    return pd.Index(levels[0], dtype=levels[0].dtype, name=names[0])
