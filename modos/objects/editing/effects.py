"""What an edit does to an object, slot by slot and file by file: foreseen without doing it, or told once it is done.

Owns looking at files before and after. Writes nothing itself and plans nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from modos.model import ElementId
from modos.model.schema import CHECKSUM
from modos.objects.at_once import all_at_once
from modos.objects.contents import refuse_foreign
from modos.objects.differences import Difference, FileChange, FileKind
from modos.objects.editing.aftermath.leftovers import obsolete_files
from modos.objects.editing.change import Change
from modos.objects.editing.commit import commit
from modos.objects.editing.examining import declared_checksums, examined, has_copy, stat_if_any
from modos.objects.editing.files import Attachment, FileNames, data_path
from modos.objects.snapshot import Snapshot
from modos.omics import index_names
from modos.storage import ObjectInfo, Storage

__all__ = ["foreseen", "told"]


def foreseen(storage: Storage, change: Change) -> Difference:
    """Return what an edit would change. Nothing is written.

    Files to store are looked at as the edit itself would: one of another size than that in the object replaces it, one of
    the same size is read to see whether it differs, and so is one whose checksum is declared.

    Raises
    ------
    ModosError
        When the edit would be refused for its files.
    """
    if change.is_empty:
        return Difference()
    if not change.base.exists:
        refuse_foreign(storage, {file.target for _, file in change.attachments}.__contains__)
    names = change.base.names
    declared = declared_checksums(change.attachments, change.result.elements)
    looks = all_at_once(lambda pair: _stored(storage, *pair, names, declared.get(pair[1].target)), change.attachments)
    found = [each for each in looks if each is not None]
    gone = _going(storage, change)
    owners = change.result.names
    moves = [_moved(storage, names, owners, *move) for move in change.moves]
    result = _as_known(change, {each.path for each in found})
    return Difference.between(change.base, result, dates=False).with_files([*found, *moves, *gone])


def told(storage: Storage, plan: Callable[[Snapshot], Change]) -> tuple[Snapshot, Difference]:
    """Commit an edit of an object, and return what the object says now and what the edit has changed.

    Costs two requests more for each file that the edit touches.

    Parameters
    ----------
    storage, plan
        As for `commit`.
    """
    changes: list[Change] = []

    def noted(base: Snapshot) -> Change:
        changes.append(plan(base))
        return changes[-1]

    base = Snapshot.read(storage)
    base.refuse_older()
    before = _stats(storage, _touched(storage, noted(base)))
    said = commit(storage, noted, base=base)
    change = changes[-1]
    after = _stats(storage, {*before, *_touched(storage, change)})
    owners = change.base.names, change.result.names
    files = (_told_file(change, owners, name, before.get(name), after.get(name)) for name in {*before, *after})
    difference = Difference.between(change.base, _as_made(change, said), dates=False)
    return said, difference.with_files(each for each in files if each is not None)


def _told_file(
    change: Change,
    owners: tuple[FileNames, FileNames],
    name: str,
    before: ObjectInfo | None,
    after: ObjectInfo | None,
) -> FileChange | None:
    """Return what has become of a file; `None` when it is as before, or went along with one that was renamed."""
    if _version(before) == _version(after):
        return None
    if after is None:
        goes_along = any(name in {old, *index_names(old)} or name.startswith(f"{old}/") for old, _ in change.moves)
        owner = owners[0].owner(name)
        return None if goes_along or before is None else FileChange(name, "removed", before.size, str(owner or ""))
    former = {new: old for old, new in change.moves}.get(name)
    sources = (each.source for _, each in change.attachments if each.target == name)
    source = former or next((each.storage.url_of(each.name) for each in sources), None)
    kind: FileKind = "renamed" if former else "stored" if before is None else "replaced"
    owner = owners[1].owner(name)
    return FileChange(name, kind, after.size, str(owner or ""), source)


def _as_made(change: Change, said: Snapshot) -> Snapshot:
    """Return what an edit has come to, checksums included, without what others changed meanwhile."""
    touched = {*change.written, *(element for element, _ in change.attachments)}
    elements = {
        each: said.elements.get(each, attributes) if each in touched else attributes
        for each, attributes in change.result.elements.items()
    }
    return replace(change.result, elements=elements)


def _stored(
    storage: Storage, element: ElementId, file: Attachment, names: FileNames, declared: str | None
) -> FileChange | None:
    """Return what becomes of a file to store; `None` when the object has it as it is."""
    found = examined(storage, file, names, declared, sizes_tell=True)
    if found.verdict == "same":
        return None
    source = file.source
    kind: FileKind = "stored" if found.verdict == "new" else "replaced"
    size = source.storage.stat(source.name).size
    return FileChange(file.target, kind, size, str(element), source.storage.url_of(source.name))


def _as_known(change: Change, stored: Iterable[str]) -> Snapshot:
    """Return what will be said, with the checksums that files have which stay as they are."""
    elements = dict(change.result.elements)
    names = {*stored}
    for element, file in change.attachments:
        before = change.base.elements.get(element, {})
        if CHECKSUM in before and CHECKSUM not in elements[element] and file.target == data_path(elements[element]):
            if file.target in names:
                continue
            elements[element] = {**elements[element], CHECKSUM: before[CHECKSUM]}
    return replace(change.result, elements=elements)


def _going(storage: Storage, change: Change) -> Iterator[FileChange]:
    """Yield the files that an edit leaves behind and removes."""
    renewed = {element for element, _ in change.attachments}
    moved = {old for old, _ in change.moves}
    left = [path for path in change.obsolete if path not in moved]
    stored = {file.target for _, file in change.attachments}
    before = change.base.names
    for name in obsolete_files(storage, left, change.result.names, renewed=renewed, stored=stored):
        if (info := stat_if_any(storage, name)) is not None:
            yield FileChange(name, "removed", info.size, str(before.owner(name) or ""))


def _moved(storage: Storage, names: FileNames, owners: FileNames, old: str, new: str) -> FileChange:
    info = stat_if_any(storage, old)
    if info is not None:
        has_copy(storage, old, new, names)
    return FileChange(new, "renamed", None if info is None else info.size, str(owners.owner(new) or ""), old)


def _touched(storage: Storage, change: Change) -> set[str]:
    """Return the names of files that an edit may store, replace, rename or remove."""
    stored = {file.target for _, file in change.attachments}
    left = set(obsolete_files(storage, change.obsolete, FileNames({}))) if change.obsolete else set()
    return stored | left | {new for _, new in change.moves}


def _stats(storage: Storage, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
    found = all_at_once(lambda name: (name, stat_if_any(storage, name)), names)
    return {name: info for name, info in found if info is not None}


def _version(info: ObjectInfo | None) -> object:
    return None if info is None else (info.size, info.etag, info.last_modified)
