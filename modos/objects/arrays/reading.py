"""Reading an array of an object in the form that is asked for.

Owns which forms each layout has. Knows no storage; loads the library of a form where it is asked for.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from modos._given import expect
from modos._lazy import require
from modos.errors import IntegrityError, InvalidInputError, ModosError
from modos.model import ElementId
from modos.objects.arrays.edits import located
from modos.objects.arrays.layouts.encoding import Foreign
from modos.objects.arrays.said import node_of
from modos.objects.arrays.trees import is_labelled
from modos.objects.snapshot import Snapshot
from modos.storage import ZARR_ROOT, Storage

__all__ = ["Form", "layout_of", "read"]

type Form = Literal["numpy", "pandas", "xarray", "dask", "sparse", "arrow", "anndata", "mudata", "zarr"]
type Layout = Literal["array", "dataframe", "sparse", "labelled", "anndata", "mudata", "group"]

_LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "dataframe": "dataframe",
        "csr_matrix": "sparse",
        "csc_matrix": "sparse",
        "anndata": "anndata",
        "MuData": "mudata",
        "mudata": "mudata",
    }
)
_PACKAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pandas": ("pandas", "arrays"),
        "xarray": ("xarray", "arrays"),
        "dask": ("dask.array", "arrays"),
        "sparse": ("scipy.sparse", "arrays"),
        "arrow": ("pyarrow", "arrow"),
        "anndata": ("anndata", "single-cell"),
        "mudata": ("mudata", "single-cell"),
    }
)
"""Form to the module it takes and the extra that brings it."""

_NEEDS: Mapping[Layout, Form] = MappingProxyType({"dataframe": "pandas", "sparse": "sparse", "labelled": "xarray"})
"""Layouts that one library reads, whatever form they are wanted in."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is read of an array, and how."""

    rows: slice | None
    columns: Sequence[object] | None
    lazy: bool


def read(
    storage: Storage,
    said: Snapshot,
    element_id: str | ElementId,
    name: str,
    as_: Form | None = None,
    *,
    rows: slice | None = None,
    columns: Sequence[object] | None = None,
    lazy: bool = False,
) -> Foreign:
    """Read an array; see `MODO.read_array`."""
    path = located(said, element_id, name)
    element = said.resolve(element_id)
    layout = layout_of(said, path)
    forms = _FORMS[layout]
    form = as_ or _usual(said, path, layout)
    if form == "zarr":
        return node_of(storage, said, element, name)
    expect(form, str, "a form is named by text")
    if form not in forms:
        reason = f"{path} is stored as {_WHAT[layout]} and cannot be read as {form!r}; there are {', '.join([*forms, 'zarr'])}"
        raise InvalidInputError(reason)
    _check_choice(said, path, layout, rows, columns)
    for each in {form, _NEEDS.get(layout, form)} & _PACKAGES.keys():
        module, extra = _PACKAGES[each]
        require(module, extra=extra, purpose=f"reading {path} as {each}")
    try:
        return forms[form](node_of(storage, said, element, name), _Wanted(rows, columns, lazy))
    except ModosError:
        raise
    except (KeyError, RuntimeError, ValueError) as error:  # of codecs and libraries, to which the data make no sense
        reason = f"cannot be read as it is stored: {' '.join(str(error).split())}"
        damage = IntegrityError(storage.url_of(f"{ZARR_ROOT}/{path}"), reason)
        damage.add_note("what is lost is in backups, or comes with the same array added again")
        raise damage from error


def _goes_forward(rows: object) -> bool:
    """Tell whether this is a slice of numbers, or of nothing, that counts upwards."""
    try:
        return isinstance(rows, slice) and rows.indices(1)[2] > 0
    except (TypeError, ValueError):
        return False


def _check_choice(
    said: Snapshot, path: str, layout: Layout, rows: slice | None, columns: Sequence[object] | None
) -> None:
    """Refuse rows and columns that cannot be chosen."""
    if rows is not None and not _goes_forward(rows):
        raise InvalidInputError(f"rows is {rows!r}, and should be a slice that goes forward, such as slice(10, 20)")
    if rows is not None and layout == "array" and not said.others[path]["shape"]:
        raise InvalidInputError(f"{path} is one value, which has no rows to choose from")
    if columns is not None and layout != "dataframe":
        raise InvalidInputError(f"{path} is {_WHAT[layout]}, which has no columns to choose from")
    if isinstance(columns, str) or not (columns is None or isinstance(columns, Iterable)):
        raise InvalidInputError(f"columns is {columns!r}, and should be a list of names, such as [{columns!r}]")


def layout_of(said: Snapshot, path: str) -> Layout:
    """Tell how something in the hierarchy is laid out."""
    document = said.others[path]
    if document["node_type"] == "array":
        return "array"
    attributes = document.get("attributes", {})
    layout = _LAYOUTS.get(str(attributes.get("encoding-type")))
    if layout is not None:
        return layout
    return "labelled" if is_labelled(said.others, path) else "group"


def _usual(said: Snapshot, path: str, layout: Layout) -> str:
    """Return the form in which something was stored."""
    about = said.others[path].get("attributes", {}).get("modos")
    if isinstance(about, Mapping) and about.get("arrow"):
        return "arrow"
    return "zarr" if layout == "group" else next(iter(_FORMS[layout]))


# -- each layout in each form -------------------------------------------------------------------------------------------


def _frames() -> Foreign:
    return importlib.import_module("modos.objects.arrays.layouts.frames")


def _numbers(node: Foreign, wanted: _Wanted) -> Foreign:
    values = node[...] if wanted.rows is None else node[wanted.rows]
    dtype = (node.attrs.get("modos") or {}).get("dtype")
    return values if dtype is None else values.view(dtype)


def _blocks(node: Foreign, wanted: _Wanted) -> Foreign:
    arrays: Foreign = importlib.import_module("dask.array")
    found = arrays.from_array(node, chunks=node.shards or node.chunks, name=None)
    dtype = (node.attrs.get("modos") or {}).get("dtype")
    found = found if dtype is None else found.view(dtype)
    return found if wanted.rows is None else found[wanted.rows]


def _labelled_numbers(node: Foreign, wanted: _Wanted) -> Foreign:
    import xarray as xr

    values = _blocks(node, wanted) if wanted.lazy else _numbers(node, wanted)
    return xr.DataArray(values, dims=node.metadata.dimension_names)


def _table_of_numbers(node: Foreign, wanted: _Wanted) -> Foreign:
    import pandas as pd

    values = _numbers(node, wanted)
    if values.ndim not in {1, 2}:
        raise InvalidInputError(f"{node.path} has {values.ndim} dimensions; tables have two, and series one")
    return pd.Series(values) if values.ndim == 1 and not values.dtype.names else pd.DataFrame(values)


def _table(node: Foreign, wanted: _Wanted) -> Foreign:
    return _frames().decode_frame(node, rows=wanted.rows, columns=wanted.columns)


def _arrow(node: Foreign, wanted: _Wanted) -> Foreign:
    import pyarrow as pa

    said: Foreign = node.attrs.get("modos") or {}
    found = _table(node, wanted)
    frame = found if hasattr(found, "columns") else found.to_frame()
    with _converted(node, "arrow"):
        return pa.Table.from_pandas(frame, preserve_index=not said.get("arrow"))


def _labelled_table(node: Foreign, wanted: _Wanted) -> Foreign:
    found = _table(node, wanted)
    with _converted(node, "xarray"):
        return (found if hasattr(found, "to_xarray") else found.to_series()).to_xarray()


@contextmanager
def _converted(node: Foreign, form: Form) -> Iterator[None]:
    """Say of what cannot be converted that it is the form that is not possible."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{node.path} cannot be read as {form!r}: {error}") from error


def _sparse(node: Foreign, wanted: _Wanted) -> Foreign:
    from modos.objects.arrays.layouts.sparse import decode_sparse

    return decode_sparse(node, wanted.rows)


def _dataset(node: Foreign, wanted: _Wanted, *, by_dask: bool = False) -> Foreign:
    from modos.objects.arrays.layouts.labelled import decode_dataset

    partly = wanted.rows is not None
    found = decode_dataset(node, lazy=wanted.lazy or partly, by_dask=by_dask)
    if not partly:
        return found
    if hasattr(found, "data_vars") or not found.dims:
        what = "has several variables" if hasattr(found, "data_vars") else "is one value"
        raise InvalidInputError(
            f"{node.path} {what}, so 'rows' says too little; read it with lazy=True and select from that"
        )
    found = found.isel({found.dims[0]: wanted.rows})
    return found if wanted.lazy or by_dask else found.load()


def _values_of(node: Foreign, wanted: _Wanted, *, by_dask: bool = False) -> Foreign:
    found = _dataset(node, wanted, by_dask=by_dask)
    if not hasattr(found, "data_vars"):
        return found.data
    if len(found.data_vars) == 1:
        return next(iter(found.data_vars.values())).data
    names = ", ".join(map(str, found.data_vars))
    raise InvalidInputError(f"{node.path} has several variables: {names}; read it as 'xarray' and choose one")


def _frame_of_labelled(node: Foreign, wanted: _Wanted) -> Foreign:
    found = _dataset(node, wanted)
    return (
        found.to_pandas() if hasattr(found, "to_pandas") and not hasattr(found, "data_vars") else found.to_dataframe()
    )


def _anndata(node: Foreign, wanted: _Wanted) -> Foreign:
    from modos.objects.arrays.layouts.annotated import decode_anndata

    found = decode_anndata(node, lazy=wanted.lazy or wanted.rows is not None)
    if wanted.rows is None:
        return found
    return found[wanted.rows] if wanted.lazy else found[wanted.rows].to_memory()


def _mudata(node: Foreign, wanted: _Wanted) -> Foreign:
    from modos.objects.arrays.layouts.annotated import decode_mudata

    found = decode_mudata(node)
    return found if wanted.rows is None else found[wanted.rows]


_WHAT: Mapping[Layout, str] = MappingProxyType(
    {
        "array": "an array",
        "dataframe": "a table",
        "sparse": "a sparse matrix",
        "labelled": "labelled arrays",
        "anndata": "an AnnData",
        "mudata": "a MuData",
        "group": "a group of arrays",
    }
)
_FORMS: Mapping[Layout, Mapping[str, Callable[[Any, _Wanted], Any]]] = MappingProxyType(
    {
        "array": {"numpy": _numbers, "dask": _blocks, "xarray": _labelled_numbers, "pandas": _table_of_numbers},
        "dataframe": {
            "pandas": _table,
            "arrow": _arrow,
            "numpy": lambda node, wanted: _table(node, wanted).to_numpy(),
            "xarray": _labelled_table,
        },
        "sparse": {"sparse": _sparse, "numpy": lambda node, wanted: _sparse(node, wanted).toarray()},
        "labelled": {
            "xarray": _dataset,
            "numpy": _values_of,
            "dask": lambda node, wanted: _values_of(node, wanted, by_dask=True),
            "pandas": _frame_of_labelled,
        },
        "anndata": {"anndata": _anndata},
        "mudata": {"mudata": _mudata},
        "group": {"xarray": _dataset},
    }
)
"""Layout to what makes each of its forms; the first is that in which it was stored."""
