"""The hierarchy as zarr sees it: opened, begun, and added to.

Owns the calls of zarr. Knows the names of element groups from the model, and nothing of documents.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modos.errors import KeyNotFoundError
from modos.model import ELEMENT_KINDS, attributes_of, parse_element
from modos.storage.base import ROOT_DOCUMENT, ZARR_ROOT, Storage

if TYPE_CHECKING:
    import numpy.typing as npt
    import zarr
    from zarr.abc.store import Store

    from modos.model import NamedThing

__all__ = ["add_data", "add_metadata_group", "init_zarr", "list_zarr_items", "open_root"]


def open_root(storage: Storage) -> "zarr.Group":
    """Open the hierarchy with zarr, for reading and, where the storage allows it, writing. Writes nothing.

    Raises
    ------
    KeyNotFoundError
        When there is none.
    """
    import zarr

    if not storage.exists(ROOT_DOCUMENT):
        if storage.exists(ZARR_ROOT / ".zgroup"):  # as older releases wrote it
            return zarr.open_group(storage._zarr_store(), mode="r", zarr_format=2)  # noqa: SLF001 - the storage's own store
        raise KeyNotFoundError(storage.url_of(ROOT_DOCUMENT))
    return zarr.open_group(storage._zarr_store(), mode="r" if storage.read_only else "r+", zarr_format=3)  # noqa: SLF001 - the storage's own store


def init_zarr(zarr_store: "Store | str") -> "zarr.Group":
    """Create an empty hierarchy in a zarr store: a root, and a group for each type of element.

    Parameters
    ----------
    zarr_store
        A zarr v3 store or the path of a directory.

    Raises
    ------
    zarr.errors.ContainsGroupError
        When there is a hierarchy already.
    """
    import zarr

    root = zarr.create_group(zarr_store, zarr_format=3)
    for kind in ELEMENT_KINDS:
        root.create_group(kind)
    return root


def add_metadata_group(parent_group: "zarr.Group", metadata: "Mapping[str, Any] | NamedThing") -> "zarr.Group":
    """Add an element to the group of its type, checked against the schema, in one write.

    Parameters
    ----------
    parent_group
        The group of the type, such as `root["sample"]`.
    metadata
        The element: a model, or a mapping with `id` and `@type`.

    Raises
    ------
    InvalidElementError
        When the schema refuses it.
    """
    element = parse_element(metadata)
    return parent_group.create_group(element.id, attributes=attributes_of(element))


def add_data(group: "zarr.Group", data: "npt.ArrayLike", name: str = "data") -> "zarr.Array[Any]":
    """Add an array to an element's group.

    Parameters
    ----------
    group
        The group of the element.
    data
        Anything numpy makes an array of; its shape and type are kept.
    name
        Name of the array in the group.
    """
    import numpy as np

    return group.create_array(name, data=np.asarray(data))


def list_zarr_items(group: "zarr.Group") -> "list[zarr.Group | zarr.Array[Any]]":
    """Return all groups and arrays beneath a group, parents before what they hold."""
    return list(_items(group))


def _items(group: "zarr.Group") -> "Iterator[zarr.Group | zarr.Array[Any]]":
    import zarr

    for _, item in sorted(group.members()):
        yield item
        if isinstance(item, zarr.Group):
            yield from _items(item)
