"""What has been done to an object, told for people and programs: its commits, and what it said after each of them.

Owns finding commits by what users write, and which of them are undone. Reads records; changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from types import NoneType
from typing import Any

from modos._given import expect
from modos.errors import InvalidInputError, suggestion
from modos.model import ElementId
from modos.objects.differences import Difference, FileChange
from modos.objects.history.commits import time_of
from modos.objects.history.deltas import Delta, applied
from modos.objects.history.records import Files, Record, Unreadable, read_records, record_ids
from modos.objects.history.slots import Links, SlotDelta
from modos.objects.snapshot import Attributes, Snapshot
from modos.storage import Storage

__all__ = ["UNDOES", "Commit", "commits", "effective", "found", "said_after", "undoer"]

UNDOES = "undoes"
"""The note of a record that names the commit it takes back."""

_AT_A_TIME = 32


@dataclass(frozen=True, slots=True)
class Commit:
    """One edit that was made.

    Attributes
    ----------
    id
        Its name, which begins with the time and sorts by it.
    author
        Who made it, such as `ada@laptop`.
    message
        What it was for; `None` when nothing was said.
    tool
        The program that made it, with its version.
    undoes
        The commit that it takes back; `None` for none.
    difference
        What it changed: elements slot by slot, arrays, files.
    damage
        Why its record cannot be read, so that only its id and its time are known; `""` when it can.
    """

    id: str
    author: str = ""
    message: str | None = None
    tool: str = ""
    undoes: str | None = None
    difference: Difference = field(default_factory=Difference)
    damage: str = ""

    @property
    def when(self) -> datetime:
        """When it was made, in UTC."""
        return time_of(self.id)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "id": self.id,
            "when": self.when.isoformat(),
            "author": self.author,
            "message": self.message,
            "tool": self.tool,
            "undoes": self.undoes,
            "difference": self.difference.as_dict(),
            "damage": self.damage,
        }

    def __str__(self) -> str:
        if self.damage:
            return f"{self.id}  {self.damage}"
        said = "" if self.message is None else f"  {self.message}"
        return f"{self.id}  {self.author}{said}"


def commits(storage: Storage, said: Snapshot, limit: int | None = None) -> list[Commit]:
    """Return the commits of an object, the newest first: a listing, and a request for each that is told.

    Parameters
    ----------
    storage
        The root of the object.
    said
        What the object says now.
    limit
        How many to tell; `None` for all.

    Raises
    ------
    InvalidInputError
        When the limit is less than 1.
    """
    expect(limit, (int, NoneType), "how much of a log is told is said by a number")
    if limit is not None and limit < 1:
        reason = f"a log has at least one commit to tell, not {limit}"
        raise InvalidInputError(reason)
    unreadable: dict[str, Unreadable] = {}
    records = read_records(storage, reversed(record_ids(storage)), limit, unreadable=unreadable)
    told = [_told(record, said) for record in records]
    told += [Commit(commit, damage=error.reason) for commit, error in unreadable.items()]
    return sorted(told, key=lambda each: each.id, reverse=True)


def found(ids: Sequence[str], named: str | Commit) -> str:
    """Return the commit that a user names: what `commits` told of it, its id, the beginning, or the last eight characters.

    Raises
    ------
    InvalidInputError
        When none is named so, or several are.

    Examples
    --------
    >>> found(["20261121T143500.123456Z-1a2b3c4d", "20261121T150000.000000Z-00112233"], "20261121T15")
    '20261121T150000.000000Z-00112233'
    """
    text = named.id if isinstance(named, Commit) else named
    expect(text, str, "a commit is named by text")
    possible = [each for each in ids if text and (each.startswith(text) or each.endswith(f"-{text}"))]
    if len(possible) == 1:
        return possible[0]
    if possible:
        reason = f"{text!r} is the beginning of several commits: {', '.join(possible[:5])}; write more of it"
    else:
        reason = f"there is no commit {text!r}; 'modos log' lists them{suggestion(text, ids)}"
    raise InvalidInputError(reason)


def effective(storage: Storage, ids: Sequence[str]) -> Iterator[Record]:
    """Yield the records of commits, the newest first, without those that others take back, and without these others.

    Parameters
    ----------
    storage
        The root of the object.
    ids
        The commits, in order; those behind the last one are taken to be none.
    """
    undone: set[str] = set()
    end, size = len(ids), 1  # the newest is often all that is asked for
    while end > 0:
        start = max(0, end - size)
        for record in read_records(storage, reversed(ids[start:end])):
            if record.id in undone:
                continue
            if UNDOES in record.notes:
                undone.add(str(record.notes[UNDOES]))
            else:
                yield record
        end, size = start, min(2 * size, _AT_A_TIME)


def undoer(storage: Storage, ids: Sequence[str], commit: str) -> Record | None:
    """Return the record of the commit that takes another back; `None` when that one holds.

    Parameters
    ----------
    storage
        The root of the object.
    ids
        All commits, in order.
    commit
        The other.
    """
    undone: set[str] = set()
    for record in read_records(storage, reversed([each for each in ids if each > commit])):
        if record.id not in undone and UNDOES in record.notes:
            undone.add(str(record.notes[UNDOES]))
            if commit in undone:
                return record
    return None


def said_after(storage: Storage, said: Snapshot, commit: str) -> Snapshot:
    """Return what an object said after a commit: what was changed since is taken back from what it says now.

    What programs have changed that leave no record is not taken back.

    Parameters
    ----------
    storage
        The root of the object.
    said
        What the object says now.
    commit
        The full id of the commit.
    """
    later = read_records(storage, reversed(record_ids(storage, start_after=commit)))
    return reduce(lambda state, record: applied(record.delta.inverse(), state)[0], later, said)


def _told(record: Record, said: Snapshot) -> Commit:
    undoes = record.notes.get(UNDOES)
    return Commit(
        id=record.id,
        author=record.author,
        message=record.message,
        tool=record.tool,
        undoes=None if undoes is None else str(undoes),
        difference=_difference(record.delta, said).with_files(_file_changes(record.files)),
    )


def _difference(delta: Delta, said: Snapshot) -> Difference:
    """Return what a commit changed; the classes of elements that it did not add or remove are those of now."""

    def side(after: int) -> Snapshot:
        whole = (delta.removed, delta.added)[after]
        types = {each: said.elements.get(each, {}).get("@type", each.kind) for each in delta.changed}
        changed: dict[ElementId, Attributes] = {
            each: {"@type": types[each], **_values(slots.items(), after)} for each, slots in delta.changed.items()
        }
        documents = {path: pair[after] for path, pair in delta.documents.items()}
        others = {path: document for path, document in documents.items() if document is not None}
        own = {"id": said.attributes.get("id", ""), **_values(delta.object.items(), after)}
        return Snapshot(said.url, own, {**whole, **changed}, others)

    return Difference.between(side(0), side(1))


def _values(slots: Iterable[tuple[str, SlotDelta]], after: int) -> Attributes:
    values = {}
    for slot, change in slots:
        if isinstance(change, Links):
            values[slot] = [member for _, member in (change.removed, change.added)[after]]
        else:
            values[slot] = (change.before, change.after)[after]
    return {slot: value for slot, value in values.items() if value is not None}


def _file_changes(files: Files) -> Iterator[FileChange]:
    yield from (FileChange(name, "stored") for name in files.stored)
    yield from (FileChange(name, "replaced") for name in files.replaced if name not in files.stored)
    yield from (FileChange(new, "renamed", source=old) for old, new in files.renamed.items())
    yield from (FileChange(name, "removed") for name in files.removed)
