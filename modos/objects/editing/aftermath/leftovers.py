"""What edits leave behind: files that nothing describes any more, and groups of a removal that was killed half-way.

Owns which of them may go. Must not know why they were left.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from modos.errors import DamagedObjectError, KeyNotFoundError
from modos.model import ELEMENT_KINDS, ElementId
from modos.model.ids import possible_ids
from modos.objects.editing.examining import stat_if_any
from modos.objects.editing.files import FileNames, files_of
from modos.objects.history.commits import HORIZON, time_of
from modos.objects.history.records import read_records, record_ids, record_path
from modos.objects.history.trash import put_aside
from modos.objects.snapshot import Attributes, Snapshot
from modos.omics import index_names
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import document_path, parse_document

__all__ = ["finish_removal", "obsolete_files", "sweep"]


_AT_A_TIME = 32


def obsolete_files(
    storage: Storage,
    paths: Iterable[str],
    names: FileNames,
    *,
    renewed: Collection[ElementId] = (),
    stored: Collection[str] = (),
) -> Iterator[str]:
    """Yield the files that may go when some names are left behind: data, index files, and what is in a directory.

    Parameters
    ----------
    storage
        The root of the object.
    paths
        Values of `data_path` that elements had.
    names
        Those that elements have now; their files stay.
    renewed
        Elements whose data were stored anew, so that of theirs only what was `stored` stays.
    stored
        Names that have just been stored.
    """
    for path in paths:
        for name in dict.fromkeys((path, *index_names(path), *map(str, storage.list(path)))):
            owner = names.owner(name)
            if name not in stored and (owner is None or owner in renewed):
                yield name


def finish_removal(storage: Storage, element: str) -> bool:
    """Remove what is left of an element whose removal was killed half-way; tell whether there was such a one.

    Parameters
    ----------
    storage
        The root of the object.
    element
        Full id, or the element's own id.
    """
    said = Snapshot.read(storage)
    possible = possible_ids(element)
    return said.elements.keys().isdisjoint(possible) and _remove_left(storage, said, possible)


def sweep(storage: Storage, said: Snapshot) -> None:
    """Remove groups that the root document does not know, with their files; five listings.

    Those stay that another writer may be about to commit.
    """
    found = (path for kind in ELEMENT_KINDS for path in storage.list_dir(ZARR_ROOT / kind))
    names = [f"{path.parent.name}/{path.name}" for path in found if path.name != "zarr.json"]
    unknown = [each for name in names for each in possible_ids(name) if each not in said.elements]
    if unknown:
        _remove_left(storage, Snapshot.read(storage), unknown)


def _remove_left(storage: Storage, said: Snapshot, elements: Iterable[ElementId]) -> bool:
    """Remove groups that nobody waits for, the files that they name first, so that being killed again does no harm.

    Another writer may have written its groups and still wait for its turn. So a group goes only when an edit has removed its
    element after it was written, or when the root document was written so much later that no writer can have waited. Both
    moments are told by the storage itself.
    """
    there = {each: _written(storage, document_path(str(each))) for each in elements if each not in said.elements}
    when = {each: written for each, written in there.items() if written is not None}
    commits = _removals(storage, when)
    root = _written(storage, ROOT_DOCUMENT) if when else None
    left = [each for each in when if each in commits or (root is not None and root - when[each] > HORIZON)]
    for element in left:
        gone = list(obsolete_files(storage, files_of(_attributes(storage, element))[:1], said.names))
        if element in commits:
            nested = map(str, storage.list(ZARR_ROOT / str(element)))
            gone += [name for name in nested if name != document_path(str(element))]
            put_aside(storage, gone, commits[element])
        else:
            storage.remove_many(gone)
        storage.remove_tree(ZARR_ROOT / str(element))
    return bool(left)


def _removals(storage: Storage, written: Mapping[ElementId, datetime]) -> dict[ElementId, str]:
    """Return the commits that removed elements last, as far as records tell and their groups were written before."""
    found: dict[ElementId, str] = {}
    ids = record_ids(storage) if written else []
    while ids and found.keys() != written.keys():
        for record in read_records(storage, reversed(ids[-_AT_A_TIME:]), unreadable={}):
            found = {each: record.id for each in record.delta.removed if each in written} | found
        del ids[-_AT_A_TIME:]
    recorded = {commit: _written(storage, record_path(commit)) for commit in {*found.values()}}
    return {
        element: commit
        for element, commit in found.items()
        if (stored := recorded[commit]) is not None
        and written[element] < min(stored, time_of(commit))  # the clock of the storage; and a purge writes records anew
    }


def _written(storage: Storage, name: str) -> datetime | None:
    """Return when a file was written, `None` when it is not there or nobody knows."""
    info = stat_if_any(storage, name)
    return None if info is None else info.last_modified


def _attributes(storage: Storage, element: ElementId) -> Attributes:
    """Return what a group says that is left."""
    path = document_path(str(element))
    try:
        attributes: Attributes = parse_document(storage.read(path), storage.url_of(path)).get("attributes", {})
    except (DamagedObjectError, KeyNotFoundError):
        return {}
    return attributes
