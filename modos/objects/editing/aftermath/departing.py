"""What an edit takes out of an object: which files are put aside for a while, and which are gone for good.

Owns telling the two apart. Must not know where files are put aside to; removes nothing itself.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import compress

from modos.model import ElementId
from modos.objects.at_once import all_at_once
from modos.objects.editing.aftermath.leftovers import obsolete_files
from modos.objects.editing.change import Change
from modos.objects.editing.files import directories_of, files_of
from modos.objects.snapshot import Snapshot
from modos.omics import index_names
from modos.storage import ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import document_path

__all__ = ["Departure", "departing", "files_leaving", "names_leaving"]


@dataclass(frozen=True, slots=True)
class Departure:
    """Files that nothing describes once an edit is made.

    Attributes
    ----------
    kept
        Those to put aside.
    gone
        Those to remove: what is to be purged, what lives on under another name, and documents of groups, last.
    """

    kept: tuple[str, ...]
    gone: tuple[str, ...]


def files_leaving(storage: Storage, change: Change, said: Snapshot, *, stored: Collection[str]) -> list[str]:
    """Return the data files that are there and that an edit leaves without a purpose.

    Parameters
    ----------
    storage
        The root of the object.
    change
        The edit.
    said
        What the object says now; what it describes stays.
    stored
        Names that the edit has stored.
    """
    renewed = {element for element, _ in change.attachments}
    paths = {path for each in said.elements.values() for path in files_of(each)[:1]} if change.dropped else ()
    dropped = [name for name in change.dropped if name not in paths and name not in stored]
    obsolete = obsolete_files(storage, change.obsolete, said.names, renewed=renewed, stored=stored)
    names = list(dict.fromkeys((*obsolete, *dropped)))
    doubtful = {*dropped, *change.obsolete, *(name for path in change.obsolete for name in index_names(path))}
    return list(compress(names, all_at_once(lambda name: name not in doubtful or storage.exists(name), names)))


def names_leaving(leaving: Iterable[str], change: Change) -> set[str]:
    """Return the data files that leave, a directory by its own name, as a record tells them."""
    paths = {*change.obsolete, *change.dropped}
    own = {*paths, *(name for path in change.obsolete for name in index_names(path))}
    found = set()
    for name in leaving:
        found.add(name if name in own else next((each for each in directories_of(name) if each in paths), name))
    return found


def departing(
    storage: Storage, change: Change, said: Snapshot, *, leaving: Iterable[str], moved: Collection[str]
) -> Departure:
    """Return what goes once an edit is made, and where to.

    Parameters
    ----------
    storage
        The root of the object.
    change
        The edit.
    said
        What the object says now; what it describes stays.
    leaving
        Data files that leave.
    moved
        Names of files that were copied to others.
    """
    left = [*leaving]
    for path in change.obsolete_arrays:
        if path not in said.others:
            left += map(str, storage.list(f"{ZARR_ROOT}/{path}"))
    documents = []
    for element in change.removed:
        if element not in said.elements:
            document = document_path(str(element))
            left += (name for name in _nested(storage, change.base, element) if name != document)
            documents.append(document)
    names = list(dict.fromkeys(left))
    gone = {name: None for name in names if name in moved or _is_purged(name, change)}
    return Departure(tuple(name for name in names if name not in gone), (*gone, *documents))


def _is_purged(name: str, change: Change) -> bool:
    """Tell whether nothing is to be kept of a file that an edit removes."""
    return any(
        name in (path, *index_names(path)) or name.startswith((f"{path}/", f"{ZARR_ROOT}/{path}/"))
        for path in change.purged
    )


def _nested(storage: Storage, base: Snapshot, element: ElementId) -> Iterator[str]:
    """Yield the files in an element's group; it is not looked into where the object says that there is nothing else."""
    if not base.consolidated or next(base.arrays_of(element), None) is not None:
        yield from map(str, storage.list(f"{ZARR_ROOT}/{element}"))
