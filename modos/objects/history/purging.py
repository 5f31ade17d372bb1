"""Letting nothing be kept of elements that were purged: what records say of them, and their files in the trash.

Owns finding these under all ids and names that they have had. Must not know why they are purged.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from modos.model import ElementId
from modos.objects.history.deltas import PURGED, Delta
from modos.objects.history.records import RENAMED, Files, Record, read_records, record_ids, record_path
from modos.objects.history.slots import Slot
from modos.objects.history.trash import kept_files
from modos.omics import index_names
from modos.storage import ZARR_ROOT, Storage

__all__ = ["purge"]

_AT_ONCE = 8
_PATH = "data_path"


def purge(storage: Storage, elements: Iterable[ElementId]) -> bool:
    """Remove what is kept of elements that are in the object no more; tell whether there was any of it.

    Records go on telling that there were edits, when and by whom, and keep the ids; they hold no slot of these elements any
    more. Reads all records. It can be repeated.

    Parameters
    ----------
    storage
        The root of the object.
    elements
        Their last ids.
    """
    records = read_records(storage, reversed(record_ids(storage)))
    ids = _all_ids({str(each) for each in elements}, records)
    about = [record for record in records if _is_about(record.delta, ids)]
    names = {name for record in about for name in _names(record.delta, ids)}
    kept = [each.place for each in kept_files(storage) if _belongs(each.name, names, ids)]
    if kept:
        storage.remove_many(kept)
    cleared = [_cleared(record, ids, names) for record in about]
    stale = [each for each, record in zip(cleared, about, strict=True) if each != record]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos-purge") as pool:
        list(pool.map(lambda record: storage.put(record.dump(), record_path(record.id)), stale))
    return bool(kept or stale)


def _all_ids(ids: set[str], records: Iterable[Record]) -> set[str]:
    """Return the ids that elements have had, going back through the records, the newest of which is the first."""
    found = set(ids)
    for record in records:
        found |= {str(old) for old, new in record.notes.get(RENAMED, {}).items() if new in found}
    return found


def _is_about(delta: Delta, ids: set[str]) -> bool:
    return any(str(each) in ids for each in delta.elements) or any(_is_in(path, ids) for path in delta.documents)


def _is_in(path: str, ids: set[str]) -> bool:
    return "/".join(path.split("/")[:2]) in ids


def _names(delta: Delta, ids: set[str]) -> Iterable[str]:
    """Yield the values of `data_path` that the elements have had."""
    for whole in (delta.added, delta.removed):
        yield from (str(said[_PATH]) for each, said in whole.items() if str(each) in ids and _PATH in said)
    for each, slots in delta.changed.items():
        change = slots.get(_PATH)
        if str(each) in ids and isinstance(change, Slot):
            yield from (str(value) for value in (change.before, change.after) if value is not None)


def _belongs(name: str, names: set[str], ids: set[str]) -> bool:
    if name.startswith(f"{ZARR_ROOT}/"):
        return _is_in(name.removeprefix(f"{ZARR_ROOT}/"), ids)
    return any(name in (each, *index_names(each)) or name.startswith(f"{each}/") for each in names)


def _cleared(record: Record, ids: set[str], names: set[str]) -> Record:
    """Return a record that tells no more of the elements than that they went."""
    delta, files = record.delta, record.files
    removed = {each: {PURGED: True} if str(each) in ids else said for each, said in delta.removed.items()}
    cleared = replace(
        delta,
        added={each: said for each, said in delta.added.items() if str(each) not in ids},
        removed=removed,
        changed={each: slots for each, slots in delta.changed.items() if str(each) not in ids},
        documents={path: pair for path, pair in delta.documents.items() if not _is_in(path, ids)},
    )
    return replace(
        record,
        delta=cleared,
        files=Files(
            stored={name: digest for name, digest in files.stored.items() if not _belongs(name, names, ids)},
            replaced={name: pair for name, pair in files.replaced.items() if not _belongs(name, names, ids)},
            renamed={old: new for old, new in files.renamed.items() if not _belongs(old, names, ids)},
            removed={name: digest for name, digest in files.removed.items() if not _belongs(name, names, ids)},
        ),
        notes={**record.notes, PURGED: True},
    )
