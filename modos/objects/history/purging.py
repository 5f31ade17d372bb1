"""Letting nothing be kept of elements and arrays that were purged: what records say of them, and their files in the trash.

Owns finding these under all ids and names that they have had. Must not know why they are purged.
"""

from collections.abc import Iterable
from dataclasses import replace

from modos.model.schema import DATA_PATH
from modos.objects.at_once import all_at_once
from modos.objects.editing.files import files_of
from modos.objects.editing.replacing import waiting_files
from modos.objects.history.deltas import PURGED, Delta
from modos.objects.history.records import Files, Record, Unreadable, read_records, record_ids, record_path
from modos.objects.history.slots import Slot
from modos.objects.history.trash import kept_files
from modos.omics import index_names
from modos.storage import LOG, ZARR_ROOT, Storage

__all__ = ["purge"]


def purge(storage: Storage, places: Iterable[str]) -> bool:
    """Remove what is kept of elements and arrays that are in the object no more; tell whether there was any of it.

    Records go on telling that there were edits, when and by whom, and keep the ids; they hold no slot of these elements and
    no document of these arrays any more. Reads all records. It can be repeated.

    Parameters
    ----------
    storage
        The root of the object.
    places
        Their last ids, and paths of arrays in the hierarchy.

    Raises
    ------
    DamagedObjectError, UnsupportedFormatError
        When a record cannot be read, and may say something of them; all others are cleared then.
    """
    unreadable: dict[str, Unreadable] = {}
    records = read_records(storage, reversed(record_ids(storage)), unreadable=unreadable)
    ids = _all_ids(set(places), records)
    names = {name for record in records for name in _names(record.delta, ids)}
    about = [record for record in records if _is_about(record, ids, names)]
    kept = [each.place for each in kept_files(storage) if _belongs(each.name, names, ids) or _is_record(each.name)]
    kept += [place for place, name in waiting_files(storage) if _belongs(name, names, ids)]
    if kept:
        storage.remove_many(kept)
    cleared = [_cleared(record, ids, names) for record in about]
    stale = [each for each, record in zip(cleared, about, strict=True) if each != record]
    all_at_once(lambda record: storage.put(record.dump(), record_path(record.id)), stale)
    for error in unreadable.values():
        error.add_note("what this record says of elements that were purged is still there; all else is gone")
        raise error
    return bool(kept or stale)


def _all_ids(ids: set[str], records: Iterable[Record]) -> set[str]:
    """Return the ids that elements have had, going back through the records, the newest of which is the first."""
    found = set(ids)
    for record in records:
        for old, new in ((old, str(new)) for old, new in record.delta.renamed.items()):
            found |= {f"{old}{each.removeprefix(new)}" for each in found if f"{each}/".startswith(f"{new}/")}
    return found


def _is_about(record: Record, ids: set[str], names: set[str]) -> bool:
    delta = record.delta
    if delta.is_empty:  # a file without a checksum was replaced, such as an index
        return any(_belongs(name, names, ids) for name in record.files.names)
    return any(str(each) in ids for each in delta.elements) or any(_is_in(path, ids) for path in delta.documents)


def _is_in(path: str, ids: set[str]) -> bool:
    names = path.split("/")
    return any("/".join(names[:count]) in ids for count in range(2, len(names) + 1))


def _names(delta: Delta, ids: set[str]) -> Iterable[str]:
    """Yield the files that the elements have had, as `data_path` named them."""
    for whole in (delta.added, delta.removed):
        yield from (name for each, said in whole.items() if str(each) in ids for name in files_of(said)[:1])
    for each, slots in delta.changed.items():
        change = slots.get(DATA_PATH)
        if str(each) in ids and isinstance(change, Slot):
            yield from (name for path in (change.before, change.after) for name in files_of({DATA_PATH: path})[:1])


def _belongs(name: str, names: set[str], ids: set[str]) -> bool:
    if name.startswith(f"{ZARR_ROOT}/"):
        return _is_in(name.removeprefix(f"{ZARR_ROOT}/"), ids)
    return any(name in (each, *index_names(each)) or name.startswith(f"{each}/") for each in names)


def _is_record(name: str) -> bool:
    """Tell whether a kept file is a record that could not be read and was put aside: nobody knows what it is about."""
    return name.startswith(f"{LOG}/")


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
        dangling=frozenset(),
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
