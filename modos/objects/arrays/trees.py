"""The hierarchy of an object as a tree, with the shape and type of each array, and which groups of it are one thing.

Owns how it is drawn, and what is told apart, from what the root document says. Asks no storage.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modos.model import ELEMENT_KINDS, ElementId
from modos.objects.snapshot import Snapshot

__all__ = ["array_tree", "is_labelled", "is_whole", "whole_around"]


def array_tree(snapshot: Snapshot, element: ElementId | None = None) -> str:
    """Return the hierarchy, or that of one element, as a tree with the shape and type of each array."""
    said: dict[str, Mapping[str, Any]] = {**snapshot.others, **{str(each): {} for each in snapshot.elements}}
    said |= {kind: {} for kind in ELEMENT_KINDS if kind not in said}
    top = "" if element is None else str(element)
    label = snapshot.id if element is None else top
    inside: dict[str, list[str]] = {}
    for path in sorted(said):
        inside.setdefault(path.rpartition("/")[0], []).append(path)
    return "\n".join([label, *_branches(said, inside, top)])


def is_whole(document: Mapping[str, Any]) -> bool:
    """Tell whether an array or group is one thing, such as a table, and no place for others."""
    attributes = document.get("attributes") or {}
    return document.get("node_type") == "array" or "encoding-type" in attributes or "modos" in attributes


def is_labelled(documents: Mapping[str, Mapping[str, Any]], path: str) -> bool:
    """Tell whether a group holds labelled arrays and nothing else, as xarray writes them."""
    about = (documents[path].get("attributes") or {}).get("modos")
    if isinstance(about, Mapping) and about.keys() & {"variable", "dataset"}:  # values without dimensions tell nothing
        return True
    start = f"{path}/"
    children = (each for name, each in documents.items() if name.startswith(start) and "/" not in name[len(start) :])
    arrays = [each for each in children if each["node_type"] == "array"]
    named = [each for each in arrays if each.get("dimension_names")]
    return bool(named) and all(each in named or not each["shape"] for each in arrays)


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


def _branches(
    said: Mapping[str, Mapping[str, Any]], inside: Mapping[str, Sequence[str]], top: str, indent: str = ""
) -> Iterator[str]:
    """Yield the lines beneath a path of the hierarchy."""
    children = inside.get(top, ())
    for path in children:
        last = path == children[-1]
        yield f"{indent}{'└── ' if last else '├── '}{path.rpartition('/')[2]}{_shape(said[path])}"
        yield from _branches(said, inside, path, indent + ("    " if last else "│   "))


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
