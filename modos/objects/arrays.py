"""Arrays nested in an element's group: written chunk by chunk, and listed as a tree.

Owns how an array joins the object in one edit. Knows zarr, loads it only to write, and no array library by name.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modos.errors import ElementExistsError, InvalidElementError, ModosError
from modos.model import ELEMENT_KINDS, ElementId
from modos.objects.editing.commit import commit
from modos.objects.editing.draft import Change, dated
from modos.objects.snapshot import Snapshot
from modos.storage import ZARR_ROOT, Storage
from modos.storage.zarr_root import parse_document

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["add_array", "array_tree"]

_AT_ONCE = 8


def add_array(storage: Storage, element_id: str, name: str, data: "npt.ArrayLike") -> Snapshot:
    """Store an array in the group of an element.

    Its chunks are written first and are not part of the object until the root document names the array.

    Parameters
    ----------
    storage
        The root of the object.
    element_id
        The element that the array belongs to.
    name
        Name of the array in the element's group.
    data
        Anything numpy makes an array of. It is held in memory twice meanwhile.

    Raises
    ------
    ElementNotFoundError
        When there is no such element.
    InvalidElementError
        When the name cannot be that of an array, or numpy makes no plain array of the data.
    ElementExistsError
        When there is an array of this name.
    """
    now = Snapshot.read(storage)
    now.refuse_older()
    element = now.resolve(element_id)
    path = f"{element}/{ElementId(element.kind, name).name}"
    files = _encoded(data)
    document = parse_document(files["zarr.json"], storage.url_of(f"{ZARR_ROOT}/{path}"))

    def plan(base: Snapshot) -> Change:
        if base.resolve(element) and path in base.others:
            raise ElementExistsError(path)
        others = {**base.others, path: document}
        return Change(base, replace(base, others=others, attributes=dated(base.attributes)))

    plan(now)
    place = f"{ZARR_ROOT}/{path}"
    storage.remove_tree(place)  # what an edit that was killed has left
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda key: storage.put(files[key], f"{place}/{key}"), files))
        return commit(storage, plan)
    except BaseException:
        with suppress(ModosError):
            if path not in Snapshot.read(storage).others:
                storage.remove_tree(place)
        raise


def array_tree(snapshot: Snapshot, element: ElementId | None = None) -> str:
    """Return the hierarchy, or that of one element, as a tree with the shape and type of each array."""
    said: dict[str, Mapping[str, Any]] = {**snapshot.others, **{str(each): {} for each in snapshot.elements}}
    said |= {kind: {} for kind in ELEMENT_KINDS if kind not in said}
    top = "" if element is None else str(element)
    label = snapshot.id if element is None else top
    return "\n".join([label, *_branches(said, top)])


def _branches(said: Mapping[str, Mapping[str, Any]], top: str, indent: str = "") -> Iterator[str]:
    """Yield the lines beneath a path of the hierarchy."""
    start = f"{top}/" if top else ""
    children = sorted(path for path in said if path.startswith(start) and "/" not in path[len(start) :])
    for path in children:
        last = path == children[-1]
        yield f"{indent}{'└── ' if last else '├── '}{path[len(start) :]}{_shape(said[path])}"
        yield from _branches(said, path, indent + ("    " if last else "│   "))


def _shape(document: Mapping[str, Any]) -> str:
    if document.get("node_type") != "array":
        return ""
    return f" ({', '.join(map(str, document['shape']))}) {document['data_type']}"


def _encoded(data: "npt.ArrayLike") -> dict[str, bytes]:
    """Return the files of an array as zarr writes them, by name."""
    import numpy as np
    import zarr
    from zarr.storage import MemoryStore

    values = np.asarray(data)
    if values.dtype.hasobject:
        if not all(isinstance(value, str) for value in values.flat):
            reason = "the data are no plain array of numbers, booleans or text; convert them first"
            raise InvalidElementError(reason)
        values = values.astype(np.dtypes.StringDType())
    store = MemoryStore()
    zarr.create_array(store=store, data=values, zarr_format=3)
    return {key: buffer.to_bytes() for key, buffer in store._store_dict.items()}  # noqa: SLF001 - it offers no sync listing
