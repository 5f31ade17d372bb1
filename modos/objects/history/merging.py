"""How the edits of several writers become one state: which are made, in which order, and which cannot be.

Owns that decision. Pure: asks no storage, and must not know when it is asked.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from modos.model import ElementId
from modos.model.schema import DATA_PATH
from modos.objects.editing.change import dated
from modos.objects.editing.files import files_of
from modos.objects.history.commits import time_of
from modos.objects.history.deltas import Clash, Delta, applied
from modos.objects.history.records import Files, Record
from modos.objects.history.slots import Slot
from modos.objects.mentions import differing
from modos.objects.snapshot import Snapshot

__all__ = ["Merged", "built_upon", "clash_of_files", "clash_with", "merged"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What an object is to say.

    Attributes
    ----------
    said
        All of it.
    touched
        Elements whose groups may say something else, since more than one writer changed them.
    made
        The edits that became part of it.
    refused
        Those that cannot, and are to be forgotten.
    """

    said: Snapshot
    touched: frozenset[ElementId]
    made: tuple[Record, ...]
    refused: tuple[Record, ...] = ()


def merged(
    now: Snapshot,
    new: Iterable[Record],
    withdrawn: Iterable[Record] = (),
    *,
    undecided_since: datetime | None = None,
    own: str = "",
    judged: Collection[str] = (),
    waiting: Collection[str] = (),
) -> Merged:
    """Return what an object says with some edits more, in the order of their names, or less.

    Of two that clash the first stays: what is in the root document already, else the edit with the smaller name. The other
    is left out while its writer may be about to withdraw it, or the other one his. That of a writer who was killed is made
    part as far as it does not clash; one whose files wait to replace others wholly or not at all. Since files are not brought back,
    both are left out as long, where those of one of the two wait.

    Parameters
    ----------
    now
        What it says.
    new
        Edits to add. Without an object those before the one that makes it mean nothing, and that one does with one.
    withdrawn
        Edits to take out.
    undecided_since
        From when on the writer of an edit may still be about to give way; `None` when all of them were killed.
    own
        The edit of who asks, which is made in any case; `""` for none.
    judged
        Edits that it was held against; others, which clash with it, will give way.
    waiting
        Edits of others whose files wait to take the place of others.
    """
    said, contained, touched = now, now.contained, set[ElementId]()
    for record in withdrawn:
        if "id" in record.delta.object:  # an object that is there is not unmade
            continue
        said, _ = applied(record.delta.inverse(), said)
        contained = contained.without(record.id)
        touched |= record.delta.elements
    made, refused, known, new = [], [], {own, *judged}, [*new]
    for record in sorted(new, key=lambda record: (bool(own) and record.id not in known, record.id)):
        if said.exists != ("id" in record.delta.object):
            result, clashes = applied(record.delta, said)
            is_undecided = undecided_since is not None and record.when > undecided_since
            is_waiting = record.id in waiting
            is_refused = bool(clashes) or (is_waiting and not all(map(result.names.owner, record.files.replaced)))
            if is_undecided and record.id != own and (is_refused or (is_waiting and _is_contended(record, new, said))):
                continue
            if is_refused and is_waiting:
                refused.append(record)
                continue
            said = result
            touched |= record.delta.elements
        made.append(record)
    touched.update(differing(now.elements, said.elements))  # also those that lose a link to what others removed
    touched -= {
        each for record in made for each, added in record.delta.added.items() if said.elements.get(each) == added
    }
    said = replace(said, contained=contained.with_commits({record.id for record in made}))
    if now.exists and made:
        said = replace(said, attributes=dated(said.attributes, time_of(max(record.id for record in made))))
    return Merged(said, frozenset(touched), tuple(made), tuple(refused))


def built_upon(commit: str, records: Iterable[Record]) -> set[str]:
    """Return the names of those edits, among later ones, that were planned on what a commit, or one of these, had made."""
    line = {commit}
    for record in sorted(records, key=lambda record: record.id):
        if not line.isdisjoint(record.parents):
            line.add(record.id)
    return line - {commit}


def _is_contended(record: Record, others: Collection[Record], said: Snapshot) -> bool:
    """Tell whether an edit clashes, by its slots or its files, with one of which nobody knows yet whether it is made."""
    line = {record.id, *built_upon(record.id, others)}
    return any(
        clash_of_files(record, other) or clash_with(record.delta, applied(other.delta, said)[0])
        for other in others
        if other.id not in line and record.id not in built_upon(other.id, others)
    )


def clash_of_files(ours: Record, theirs: Record) -> Clash | None:
    """Return the first file that one of two edits stores, and the other replaces by something else, renames or removes."""
    for one, other in ((ours.files, theirs.files), (theirs.files, ours.files)):
        for name in (*one.stored, *one.replaced):
            is_same = name not in other.replaced or _fate(one, name) == _fate(other, name) is not None
            if not is_same or any(_is_of(name, path) for path in (*other.renamed, *other.removed)):
                return Clash(name, None, _fate(ours.files, name), _fate(theirs.files, name))
    return None


def _is_of(name: str, path: str) -> bool:
    return name in files_of({DATA_PATH: path}) or name.startswith(f"{path}/")


def _fate(files: Files, name: str) -> str | None:
    """Return what becomes of a file: its checksum, or its new name, or nothing."""
    if name in files.stored:
        return files.stored[name]
    renamed = (new for old, new in files.renamed.items() if _is_of(name, old))
    return files.replaced[name][1] if name in files.replaced else next(renamed, None)


def clash_with(delta: Delta, said: Snapshot, stored: Iterable[tuple[ElementId, str]] = ()) -> Clash | None:
    """Return the first reason why an edit cannot be made part of what an object says, `None` when it can.

    Parameters
    ----------
    delta
        The edit.
    said
        What the object says.
    stored
        Files that the edit stores, each with the element it belongs to: index files as well.
    """
    result, clashes = applied(delta, said)
    if clashes:
        return clashes[0]
    if said.exists and "id" in delta.object and result != said:  # who makes an object makes all of it
        return Clash(str(said.attributes.get("id")), None, result.attributes, said.attributes)
    return next(_taken_names(delta, result, stored), None)


def _taken_names(delta: Delta, result: Snapshot, stored: Iterable[tuple[ElementId, str]]) -> Iterator[Clash]:
    """Yield files whose names belong to other elements by now."""
    changed = delta.changed.items()
    after = [
        (each, {DATA_PATH: slot.after}) for each, slots in changed if isinstance(slot := slots.get(DATA_PATH), Slot)
    ]
    new = [*after, *((each, attributes) for each, attributes in delta.added.items() if DATA_PATH in attributes)]
    wanted = [(each, name) for each, attributes in new for name in files_of(attributes)[:1]]
    wanted += stored
    if not wanted:
        return
    names, ours = result.names, {*delta.added}  # which its own plan has looked at
    for each, name in wanted:
        owner = names.owner(name, besides=ours if each in ours else {each, *ours})
        if owner is not None:
            yield Clash(str(each), DATA_PATH, name, str(owner))
