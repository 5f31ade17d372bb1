"""Annotated matrices (AnnData and MuData in HDF5 or zarr): observations, variables and columns of matrices, read lazily.

Owns how their elements are encoded (anndata's on-disk format). Must not know where a file is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from modos._lazy import require
from modos.errors import InvalidInputError, suggestion
from modos.omics.files import Files
from modos.omics.tables.hierarchies import opened
from modos.omics.tables.questions import Answer, Question, chosen_columns, told_apart

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["columns_of", "is_annotated", "matrices_of", "names", "scan", "shape_of"]

_arrow = partial(require, "pyarrow", extra="arrow", purpose="reading tables")

_FRAMES = ("obs", "var")
_MATRICES = ("X", "raw/X", "layers", "obsm", "varm")
_ROWS = 16_384
_INDEX = "index"
_FORMER = "__categories"
"""Where a frame had the categories of its columns before anndata 0.8."""

_TEXT = "OSTU"
"""Kinds of numpy's types that hold text."""

_CELLS = 1 << 24
"""How many numbers of a matrix are in memory at a time, at most."""


def names(files: Files, target: str) -> dict[str, tuple[str, ...]]:
    """Return the tables of a file: `obs`, `var`, then matrices such as `X`, each with its columns.

    In MuData they stand in `mod/<name>`, after those of all modalities.
    """
    with opened(files, target) as root:
        return _tables(root)


def _tables(root: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - a group
    found = {}
    for prefix in ("", *(f"mod/{name}/" for name in _members(root.get("mod")))):
        for name in _FRAMES:
            if f"{prefix}{name}" in root:
                found[f"{prefix}{name}"] = columns_of(root[f"{prefix}{name}"])
        for path in matrices_of(root, prefix):
            found[path] = _matrix_columns(root, path)
    return found


def scan(files: Files, target: str, question: Question) -> Answer:
    """Return the rows of a table; of a matrix each column is a variable, named as in `var`, and the first the index.

    Only columns that are asked for are read, and of them only the rows. Of a sparse matrix that is stored by rows, all
    columns have to be read.

    Raises
    ------
    InvalidInputError
        When there is no such table or column.
    IntegrityError
        When the file is damaged or cut off.
    """
    pa = _arrow()
    path = question.table or "obs"
    with ExitStack() as stack:
        root = stack.enter_context(opened(files, target))
        if path not in root or not (_is_frame(root[path]) or _is_matrix(root[path])):
            there = list(_tables(root))
            hint = suggestion(path, there) or f"; there are {', '.join(there)}"
            message = f"{files.url_of(target)} has no table {path!r}{hint}"
            raise InvalidInputError(message)
        is_frame = _is_frame(root[path])
        known = columns_of(root[path]) if is_frame else _matrix_columns(root, path)
        columns = chosen_columns(known, question.columns)
        first, end = _bounds(question.rows, _length(root, path))
        read = partial(_of_frame if is_frame else _of_matrix, root, path, columns)
        schema = read(first, first).schema
        if question.types == "text":
            schema = pa.schema([(name, pa.string()) for name in columns])
        return Answer(schema, _batches(read, (first, end), schema, stack.pop_all()), first)


def is_annotated(root: Any) -> bool:  # noqa: ANN401 - a group
    """Tell whether there are observations and variables."""
    return all(name in root and _is_frame(root[name]) for name in _FRAMES)


def shape_of(root: Any) -> tuple[int, int]:  # noqa: ANN401 - a group
    """Return how many observations and variables there are."""
    return _length(root, "obs"), _length(root, "var")


def _batches(
    read: "Callable[[int, int], pa.Table]", rows: tuple[int, int], schema: "pa.Schema", file: ExitStack
) -> "Iterator[pa.RecordBatch]":
    with file:
        step = max(min(_ROWS, _CELLS // max(len(schema), 1)), 1)
        for start in range(*rows, step):
            yield from read(start, min(start + step, rows[1])).cast(schema).to_batches()


def _bounds(rows: tuple[int, int | None], length: int) -> tuple[int, int]:
    first, end = rows
    return min(first, length), length if end is None else min(end, length)


# -- frames -------------------------------------------------------------------------------------------------------------


def _members(group: Any) -> list[str]:  # noqa: ANN401 - a group, or none
    return [] if group is None else sorted(group.keys())


def _is_frame(element: Any) -> bool:  # noqa: ANN401 - a group or array
    return _encoding(element) == "dataframe" or ("_index" in element.attrs and hasattr(element, "keys"))


def _encoding(element: Any) -> str:  # noqa: ANN401 - a group or array
    return _text(element.attrs.get("encoding-type", ""))


def _text(value: Any) -> str:  # noqa: ANN401 - text or bytes
    return value.decode() if isinstance(value, bytes) else str(value)


def columns_of(frame: Any) -> tuple[str, ...]:  # noqa: ANN401 - a group
    """Return the columns of a frame, that of the index first."""
    index = _text(frame.attrs["_index"])
    others = [_text(name) for name in frame.attrs.get("column-order", ())]
    is_unnamed = index in {"_index", "__index__"} and _INDEX not in others  # as where pandas makes a column of it
    return (_INDEX if is_unnamed else index, *others)


def _length(root: Any, path: str) -> int:  # noqa: ANN401 - a group
    element = root[path]
    if _is_frame(element):
        index = element[_text(element.attrs["_index"])]
        return int((index["values"] if hasattr(index, "keys") else index).shape[0])
    shape = element.attrs["shape"] if hasattr(element, "keys") else element.shape
    return int(shape[0])


def _of_frame(root: Any, path: str, columns: Sequence[str], start: int, end: int) -> "pa.Table":  # noqa: ANN401 - a group
    frame = root[path]
    index = _text(frame.attrs["_index"])
    stored = {columns_of(frame)[0]: index}
    former = frame.get(_FORMER, {})

    def column(name: str) -> "pa.Array":
        if name not in former:
            return _column(frame[stored.get(name, name)], start, end)
        return _coded(frame[name][start:end], former[name], ordered=former[name].attrs.get("ordered", False))

    return _arrow().Table.from_arrays(list(map(column, columns)), names=list(columns))


def _coded(codes: Any, categories: Any, *, ordered: bool) -> "pa.Array":  # noqa: ANN401 - arrays
    """Return categories by their codes; a negative code is none."""
    pa = _arrow()
    nested = hasattr(categories, "keys")
    values = _column(categories, 0, None) if nested else _plain(categories, slice(None))
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), values, ordered=bool(ordered))


def _column(element: Any, start: int, end: int | None) -> "pa.Array":  # noqa: ANN401 - a group or array
    rows = slice(start, end)
    match _encoding(element):
        case "categorical":
            return _coded(element["codes"][rows], element["categories"], ordered=element.attrs.get("ordered", False))
        case "nullable-integer" | "nullable-boolean" | "nullable-string-array":
            return _plain(element["values"], rows, mask=element["mask"][rows])
    if hasattr(element, "keys"):
        message = f"a column is stored as {_encoding(element)!r}, which is not read"
        raise InvalidInputError(message)
    return _plain(element, rows)


def _plain(array: Any, rows: slice, mask: Any = None) -> "pa.Array":  # noqa: ANN401 - arrays of any kind
    """Return values of an array of one dimension; text as text, whichever library stored it."""
    pa = _arrow()
    if array.dtype.kind not in _TEXT:
        return pa.array(array[rows], mask=mask)
    found = array.asstr()[rows] if hasattr(array, "asstr") else array[rows]
    return pa.array(found.astype(object), pa.string(), mask=mask)


# -- matrices -----------------------------------------------------------------------------------------------------------


def _is_matrix(element: Any) -> bool:  # noqa: ANN401 - a group or array
    if hasattr(element, "keys"):
        return _encoding(element) in {"csr_matrix", "csc_matrix"}
    return len(element.shape) == 2  # noqa: PLR2004 - rows and columns


def matrices_of(root: Any, prefix: str = "") -> Iterator[str]:  # noqa: ANN401 - a group
    """Yield the paths of matrices."""
    for name in _MATRICES:
        path = f"{prefix}{name}"
        if path not in root:
            continue
        if _is_matrix(root[path]):
            yield path
        elif hasattr(root[path], "keys"):
            yield from (f"{path}/{each}" for each in _members(root[path]) if _is_matrix(root[f"{path}/{each}"]))


def _axes(path: str) -> tuple[str, str | None]:
    """Return the frames that name rows and columns of a matrix; the columns of an embedding have no names."""
    stem = "".join(f"{part}/" for part in path.split("/")[: 2 if path.startswith("mod/") else 0])
    rest = path.removeprefix(stem)
    if rest.startswith("obsm/"):
        return f"{stem}obs", None
    if rest.startswith("varm/"):
        return f"{stem}var", None
    return f"{stem}obs", f"{stem}raw/var" if rest == "raw/X" else f"{stem}var"


def _shape(element: Any) -> tuple[int, int]:  # noqa: ANN401 - a group or array
    rows, columns = element.attrs["shape"] if hasattr(element, "keys") else element.shape
    return int(rows), int(columns)


def _matrix_columns(root: Any, path: str) -> tuple[str, ...]:  # noqa: ANN401 - a group
    rows, columns = _axes(path)
    if columns is None:
        return (columns_of(root[rows])[0], *map(str, range(_shape(root[path])[1])))
    frame = root[columns]
    named = _column(frame[_text(frame.attrs["_index"])], 0, _length(root, columns))
    symbols = map(str, named.to_pylist())  # of genes, of which some come twice
    return tuple(told_apart([columns_of(root[rows])[0], *symbols]))


def _of_matrix(root: Any, path: str, columns: Sequence[str], start: int, end: int) -> "pa.Table":  # noqa: ANN401 - a group
    pa = _arrow()
    known = {name: position for position, name in enumerate(_matrix_columns(root, path))}
    wanted = [known[name] - 1 for name in columns if known[name]]
    numbers = iter(_numbers(root[path], wanted, start, end))
    rows = root[_axes(path)[0]]
    index = rows[_text(rows.attrs["_index"])]
    arrays = [pa.array(next(numbers)) if known[name] else _column(index, start, end) for name in columns]
    return pa.Table.from_arrays(arrays, names=list(columns))


def _numbers(element: Any, wanted: Sequence[int], start: int, end: int) -> "Sequence[Any]":  # noqa: ANN401 - a group or array
    """Return columns of a matrix, some rows of each."""
    match _encoding(element):
        case "csr_matrix":
            return _by_rows(element, wanted, start, end)
        case "csc_matrix":
            return [_by_columns(element, column, start, end) for column in wanted]
    order = sorted(set(wanted))
    if not order:
        return []
    if len(order) == order[-1] - order[0] + 1:
        block = element[start:end, order[0] : order[-1] + 1]
    else:
        read = element if not hasattr(element, "oindex") else element.oindex
        block = read[start:end, order]
    places = {column: place for place, column in enumerate(order)}
    return [np.ascontiguousarray(block[:, places[column]]) for column in wanted]


def _by_rows(element: Any, wanted: Sequence[int], start: int, end: int) -> "list[Any]":  # noqa: ANN401 - a group
    bounds = element["indptr"][start : end + 1].astype("int64")
    low, high = (int(bounds[0]), int(bounds[-1])) if len(bounds) else (0, 0)
    where, values = element["indices"][low:high], element["data"][low:high]
    row_of = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    place = np.full(_shape(element)[1], -1)
    place[list(wanted)] = np.arange(len(wanted))
    chosen = place[where] >= 0
    dense = np.zeros((len(wanted), end - start), dtype=values.dtype)
    dense[place[where[chosen]], row_of[chosen]] = values[chosen]
    return list(dense[place[list(wanted)]])


def _by_columns(element: Any, column: int, start: int, end: int) -> Any:  # noqa: ANN401 - a group
    low, high = map(int, element["indptr"][column : column + 2])
    where, values = element["indices"][low:high], element["data"][low:high]
    dense = np.zeros(end - start, dtype=values.dtype)
    chosen = (where >= start) & (where < end)
    dense[where[chosen] - start] = values[chosen]
    return dense
