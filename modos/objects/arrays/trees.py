"""The hierarchy of an object as a tree, with the shape and type of each array, and which groups of it are one thing.

Owns how it is drawn, and what is told apart, from what the root document says. Asks no storage.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from modos.model import ELEMENT_KINDS, ElementId
from modos.objects.snapshot import Snapshot

__all__ = ["array_tree", "is_whole", "whole_around"]


def array_tree(snapshot: Snapshot, element: ElementId | None = None) -> str:
    """Return the hierarchy, or that of one element, as a tree with the shape and type of each array."""
    said: dict[str, Mapping[str, Any]] = {**snapshot.others, **{str(each): {} for each in snapshot.elements}}
    said |= {kind: {} for kind in ELEMENT_KINDS if kind not in said}
    top = "" if element is None else str(element)
    label = snapshot.id if element is None else top
    return "\n".join([label, *_branches(said, top)])


def is_whole(document: Mapping[str, Any]) -> bool:
    """Tell whether an array or group is one thing, such as a table, and no place for others."""
    attributes = document.get("attributes") or {}
    return document.get("node_type") == "array" or "encoding-type" in attributes or "modos" in attributes


def whole_around(documents: Mapping[str, Mapping[str, Any]], path: str) -> str | None:
    """Return the topmost thing that lacks a part if a path is removed, `None` if none does: dictionaries hold any number.

    Examples
    --------
    >>> groups = {"a/b/t": "dataframe", "a/b/x": "anndata", "a/b/x/layers": "dict"}
    >>> documents = {path: {"attributes": {"encoding-type": layout}} for path, layout in groups.items()}
    >>> [whole_around(documents, path) for path in ("a/b/t", "a/b/t/count", "a/b/x/X", "a/b/x/layers/raw")]
    [None, 'a/b/t', 'a/b/x', None]
    """
    parts = path.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    if (documents.get(above[-1], {}).get("attributes") or {}).get("encoding-type") == "dict":
        return None
    return next((each for each in above if is_whole(documents.get(each, {}))), None)


def _branches(said: Mapping[str, Mapping[str, Any]], top: str, indent: str = "") -> Iterator[str]:
    """Yield the lines beneath a path of the hierarchy."""
    start = f"{top}/" if top else ""
    children = sorted(path for path in said if path.startswith(start) and "/" not in path[len(start) :])
    for path in children:
        last = path == children[-1]
        yield f"{indent}{'└── ' if last else '├── '}{path[len(start) :]}{_shape(said[path])}"
        yield from _branches(said, path, indent + ("    " if last else "│   "))


def _shape(document: Mapping[str, Any]) -> str:
    """Return what is told of a node besides its name: of a group the layout, if it is one of data."""
    if document.get("node_type") != "array":
        layout = (document.get("attributes") or {}).get("encoding-type")
        return f" {layout}" if isinstance(layout, str) else ""
    names = document.get("dimension_names")
    sizes = [str(size) for size in document["shape"]]
    if isinstance(names, list) and len(names) == len(sizes):
        sizes = [size if name is None else f"{name}: {size}" for name, size in zip(names, sizes, strict=True)]
    kind = document["data_type"]
    return f" ({', '.join(sizes)}) {kind.get('name', kind) if isinstance(kind, dict) else kind}"
