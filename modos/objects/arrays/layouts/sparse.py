"""Sparse matrices: a group of data, indices and pointers, in the layout that AnnData documents.

Owns compressed rows and columns, and reading some rows of them. Does not need AnnData.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse
import zarr

from modos.errors import InvalidElementError
from modos.objects.arrays.layouts.encoding import Fill, Foreign, Options, encode_array

__all__ = ["SPARSE", "decode_sparse", "encode_pydata", "encode_sparse"]

SPARSE: Mapping[str, str] = MappingProxyType({"csr_matrix": "csr", "csc_matrix": "csc"})
"""What a group says of its layout, to the format of scipy."""


def encode_sparse(group: "zarr.Group", name: str, matrix: Foreign, options: Options) -> list[Fill]:
    """Make the group of a sparse matrix or array: by columns if it is, else by rows.

    Raises
    ------
    InvalidElementError
        When it has not two dimensions.
    """
    if matrix.ndim != 2:  # noqa: PLR2004 - rows and columns
        reason = (
            f"{name}: sparse arrays are stored with two dimensions, not {matrix.ndim}; reshape it, or make it dense"
        )
        raise InvalidElementError(reason)
    stored = matrix if matrix.format == "csc" else matrix.tocsr()
    if not stored.has_canonical_format:
        stored = stored.copy()
        stored.sum_duplicates()
    attributes = {
        **options.attributes,
        "encoding-type": f"{stored.format}_matrix",
        "encoding-version": "0.1.0",
        "shape": [int(size) for size in stored.shape],
        "modos": {"format": matrix.format, "array": isinstance(matrix, scipy.sparse.sparray)},
    }
    made = group.create_group(name, attributes=attributes)
    if not options.is_of_one_axis:
        reason = f"{name}: what a sparse array is stored as has one axis, so chunks are one number, as in (100_000,)"
        raise InvalidElementError(reason)
    parts = Options(options.chunks, options.shards, options.compressors)
    fills = []
    for part in ("data", "indices", "indptr"):
        fills += encode_array(made, part, np.asarray(getattr(stored, part)), parts)
    return fills


def encode_pydata(group: "zarr.Group", name: str, matrix: Foreign, options: Options) -> list[Fill]:
    """Make the group of a matrix of the package sparse; it is read back as one of scipy.

    Raises
    ------
    InvalidElementError
        When it has not two dimensions, or is not zero where nothing is.
    """
    if matrix.ndim != 2 or matrix.fill_value != 0:  # noqa: PLR2004 - as above
        reason = f"{name}: sparse arrays are stored with two dimensions and zeros between; make it dense, or reshape it"
        raise InvalidElementError(reason)
    return encode_sparse(group, name, matrix.to_scipy_sparse(), options)


def decode_sparse(node: Foreign, rows: slice | None = None) -> Foreign:
    """Read a sparse matrix; of some rows, only what they hold, where it is stored by rows.

    Parameters
    ----------
    node
        Its group.
    rows
        Which rows; `None` for all.
    """
    attributes: dict[str, Any] = dict(node.attrs)
    said = attributes.get("modos") or {}
    form = SPARSE[attributes["encoding-type"]]
    make = getattr(scipy.sparse, f"{form}_array" if said.get("array") else f"{form}_matrix")
    data, indices, indptr = (node[part] for part in ("data", "indices", "indptr"))
    shape = tuple(attributes["shape"])
    start, stop, step = (rows or slice(None)).indices(shape[0])
    if rows is None or form != "csr" or step != 1:
        found = make((data[...], indices[...], indptr[...]), shape=shape)
        found = found if rows is None else found[rows]
    else:
        stop = max(start, stop)
        pointers = indptr[start : stop + 1]
        within = slice(int(pointers[0]), int(pointers[-1]))
        found = make((data[within], indices[within], pointers - pointers[0]), shape=(stop - start, shape[1]))
    return found.asformat(said.get("format", form))
