"""The hierarchy as zarr sees it: opened, begun, and added to.

Owns the calls of zarr. Knows the names of element groups from the model, and nothing of how documents are written.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modos._given import expect
from modos.errors import ElementExistsError, InvalidElementError, KeyNotFoundError, ModosError
from modos.model import ELEMENT_KINDS, attributes_of, element_id, parse_element
from modos.model.ids import check_name
from modos.model.schema import DATA_PATH
from modos.storage.base import ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import JSON, group_member, parse_document
from modos.storage.hierarchy.root import ZarrRoot
from modos.storage.paths import target_name

if TYPE_CHECKING:
    import numpy.typing as npt
    import zarr
    from zarr.abc.store import Store

    from modos.model import NamedThing

__all__ = ["COMPRESSORS", "add_data", "add_metadata_group", "init_zarr", "list_zarr_items", "open_root"]

COMPRESSORS: Sequence[dict[str, Any]] = ({"name": "zstd", "configuration": {"level": 0, "checksum": True}},)
"""How chunks are compressed: as zarr does without being told, and so that one that is damaged is not taken for data."""


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

    The root document of an object names it then, too, so that `MODO` knows it from the next reading on; `zarr` shows it
    where the hierarchy is opened anew. Nothing else that the object says is looked at, neither links nor files: that is
    what `MODO.add_element` is for.

    Parameters
    ----------
    parent_group
        The group of the type, such as `root["sample"]`.
    metadata
        The element: a model, or a mapping with `id` and `@type`.

    Raises
    ------
    InvalidElementError
        When the schema refuses it, or the group is that of another type.
    InvalidPathError
        When its `data_path` leads out of the object.
    ElementExistsError
        When there is an element of this id.
    """
    _expect_group(parent_group, "where an element is added")
    model = parse_element(metadata)
    element, attributes = element_id(model), attributes_of(model)
    if parent_group.basename != element.kind:
        reason = f"{element} belongs in the group {element.kind!r}, not in {parent_group.name!r}"
        raise InvalidElementError(reason, slot="@type", value=attributes["@type"])
    if DATA_PATH in attributes:
        target_name(str(attributes[DATA_PATH]).removesuffix("/"))
    with _told_of(str(element)):
        group = parent_group.create_group(element.name, attributes=attributes)
    _enter(group, group_member(attributes))
    return group


def add_data(group: "zarr.Group", data: "npt.ArrayLike", name: str = "data") -> "zarr.Array[Any]":
    """Add an array to an element's group; the root document of an object names it then, too.

    Parameters
    ----------
    group
        The group of the element.
    data
        Anything numpy makes an array of; its shape and type are kept. Each chunk has a checksum.
    name
        Name of the array in the group.

    Raises
    ------
    InvalidElementError
        When the name, or data of this type, cannot be those of an array.
    ElementExistsError
        When there is something of this name.
    """
    import numpy as np

    _expect_group(group, "where an array is added")
    check_name(name)
    with _told_of(f"{group.path}/{name}"):
        array = group.create_array(name, data=np.asarray(data), compressors=COMPRESSORS)
    _enter(array, _stored(array))
    return array


@contextmanager
def _told_of(path: str) -> Iterator[None]:
    """Tell what zarr refuses to make in words of our own."""
    from zarr.errors import ContainsArrayError, ContainsGroupError

    try:
        yield
    except (ContainsArrayError, ContainsGroupError) as error:
        raise ElementExistsError(path) from error
    except (TypeError, ValueError) as error:
        if isinstance(error, ModosError):
            raise
        raise InvalidElementError(f"{path}: these data cannot be stored: {error}") from error


def _enter(node: "zarr.Group | zarr.Array[Any]", member: JSON) -> None:
    """Name what is new in the root document, if that is one that names its members; others are left alone."""
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.sync import sync

    store, prototype = node.store, default_buffer_prototype()
    body = sync(store.get("zarr.json", prototype))
    root = None if body is None else ZarrRoot.parse(body.to_bytes(), str(store))
    if root is not None and root.consolidated:
        entered = replace(root, members={**root.members, node.path: member}).dump()
        sync(store.set("zarr.json", prototype.buffer.from_bytes(entered)))


def _stored(array: "zarr.Array[Any]") -> JSON:
    """Return the document of an array, as zarr stores it."""
    from zarr.core.buffer import default_buffer_prototype

    buffers = array.metadata.to_buffer_dict(default_buffer_prototype())
    return parse_document(buffers["zarr.json"].to_bytes(), array.path)


def list_zarr_items(group: "zarr.Group") -> "list[zarr.Group | zarr.Array[Any]]":
    """Return all groups and arrays beneath a group, parents before what they hold."""
    _expect_group(group, "what is listed")
    return list(_items(group))


def _expect_group(given: object, what: str) -> None:
    import zarr

    expect(given, zarr.Group, f"{what} is said by a group of zarr")


def _items(group: "zarr.Group") -> "Iterator[zarr.Group | zarr.Array[Any]]":
    import zarr

    for _, item in sorted(group.members()):
        yield item
        if isinstance(item, zarr.Group):
            yield from _items(item)
