"""What edits leave behind: files that nothing describes any more, and groups of a removal that was killed half-way.

Owns which of them may go. Must not know why they were left.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from modos.errors import DamagedObjectError, InvalidElementError, KeyNotFoundError
from modos.model import ELEMENT_KINDS, ElementId
from modos.objects.editing.files import FileNames, files_of
from modos.objects.history.records import read_records, record_ids
from modos.objects.history.trash import put_aside
from modos.objects.snapshot import Attributes, Snapshot
from modos.omics import index_names
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.zarr_root import document_path, parse_document

__all__ = ["finish_removal", "obsolete_files", "possible_ids", "sweep"]


_AT_A_TIME = 32


def obsolete_files(
    storage: Storage,
    paths: Iterable[str],
    elements: Mapping[ElementId, Attributes],
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
    elements
        Attributes of all elements now; their files stay.
    renewed
        Elements whose data were stored anew, so that of theirs only what was `stored` stays.
    stored
        Names that have just been stored.
    """
    names = FileNames(elements)
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
    if any(element in {str(known), known.name} for known in said.elements):
        return False
    return bool(_remove_left(storage, said, possible_ids(element)))


def sweep(storage: Storage, said: Snapshot) -> None:
    """Remove groups that the root document does not know, with their files; five listings.

    Groups younger than the root document stay: another writer may be about to commit them.
    """
    found = (path for kind in ELEMENT_KINDS for path in storage.list_dir(ZARR_ROOT / kind))
    unknown = [f"{path.parent.name}/{path.name}" for path in found if path.name != "zarr.json"]
    _remove_left(storage, said, [each for text in unknown for each in possible_ids(text)])


def possible_ids(element: str) -> list[ElementId]:
    """Return the full ids that a full id, or an element's own id, may stand for."""
    try:
        if "/" in element:
            return [ElementId.parse(element)]
        return [ElementId(kind, element) for kind in ELEMENT_KINDS]
    except InvalidElementError:
        return []


def _remove_left(storage: Storage, said: Snapshot, elements: Iterable[ElementId]) -> list[ElementId]:
    """Remove groups that are still there, the files that they name first, so that being killed again does no harm."""
    left = {
        element: attributes
        for element in elements
        if element not in said.elements and (attributes := _attributes_left(storage, element)) is not None
    }
    commits = _removals(storage, left)
    for element, attributes in left.items():
        gone = list(obsolete_files(storage, files_of(attributes)[:1], said.elements))
        if element in commits:
            nested = map(str, storage.list(ZARR_ROOT / str(element)))
            gone += [name for name in nested if name != document_path(str(element))]
            put_aside(storage, gone, commits[element])
        else:
            storage.remove_many(gone)
        storage.remove_tree(ZARR_ROOT / str(element))
    return list(left)


def _removals(storage: Storage, elements: Collection[ElementId]) -> dict[ElementId, str]:
    """Return the commits that removed elements last, as far as records tell."""
    found: dict[ElementId, str] = {}
    ids = record_ids(storage) if elements else []
    while ids and found.keys() != set(elements):
        for record in read_records(storage, reversed(ids[-_AT_A_TIME:])):
            found = {each: record.id for each in record.delta.removed if each in elements} | found
        del ids[-_AT_A_TIME:]
    return found


def _attributes_left(storage: Storage, element: ElementId) -> Attributes | None:
    """Return what a group says that is older than the root document, `None` when there is no such group."""
    path = document_path(str(element))
    try:
        written, committed = storage.stat(path).last_modified, storage.stat(ROOT_DOCUMENT).last_modified
        if written is not None and committed is not None and written > committed:
            return None
        attributes: Attributes = parse_document(storage.read(path), storage.url_of(path)).get("attributes", {})
    except KeyNotFoundError:
        return None
    except DamagedObjectError:
        return {}
    return attributes
