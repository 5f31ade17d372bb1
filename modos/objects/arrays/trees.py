"""The hierarchy of an object as a tree, with the shape and type of each array.

Owns how it is drawn, from what the root document says. Asks no storage.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from modos.model import ELEMENT_KINDS, ElementId
from modos.objects.snapshot import Snapshot

__all__ = ["array_tree"]


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
