"""The root document and the log of an object: writing the one until it contains all of the other.

Owns looking again after each write, and taking out again what its writer has withdrawn. Must not know what an edit is for.
"""

import time
from collections.abc import Callable, Collection, Iterable

from modos.errors import StorageError
from modos.objects.editing.replacing import complete_replacing, is_waiting
from modos.objects.editing.turns import turn
from modos.objects.editing.writing import Writing
from modos.objects.history.commits import undecided_since
from modos.objects.history.merging import merged
from modos.objects.history.records import Record, read_records, record_ids, record_path
from modos.objects.snapshot import Snapshot
from modos.storage import Storage

__all__ = ["ATTEMPTS", "Read", "Settling", "complete"]

type Read = Callable[[Storage, Snapshot | None], Snapshot]
"""Reads what an object says; what it said before spares parsing when it says the same."""

ATTEMPTS = 50
"""How often the root document is written again, since others came in between, before giving up."""

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between looks at a listing that does not show yet what was stored."""


def complete(storage: Storage, *, among_others: bool = False) -> list[str]:
    """Make edits whose writers were killed after recording them part of the root document; returns their names.

    Parameters
    ----------
    storage
        The root of the object.
    among_others
        Whether writers may be at work: one whose edit clashes may then be about to give way, and has his minute for it.

    Raises
    ------
    ObjectNotFoundError
        When there is no object.
    """
    with turn(storage) as is_exclusive:
        now = Snapshot.read(storage)
        now.refuse_older()
        settling = Settling(storage, Snapshot.read, Writing(storage))
        settling.is_alone = is_exclusive or not among_others
        settling.settle(now, now.contained.floor)
        return sorted(settling.merged)


class Settling:
    """What brings root document and log together.

    Parameters
    ----------
    storage
        The root of the object.
    read
        Reads what the object says.
    writing
        Writes groups and the root document.

    Attributes
    ----------
    merged
        Edits that were made part of the root document here, by name.
    is_alone
        Whether what is recorded is taken for what killed writers have left.
    own
        The edit for which that is done, once it may be recorded; `""` for none.
    judged
        Edits that it was held against.
    leaves_files
        Whether edits whose files wait to take the place of others are left to their writers for a while.
    retracted
        One that was taken back here, which may be listed still; `""` for none.
    """

    def __init__(self, storage: Storage, read: Read, writing: Writing) -> None:
        self.storage = storage
        self.read = read
        self.writing = writing
        self.merged: dict[str, Record] = {}
        self.is_alone = False
        self.own = ""
        self.judged: Collection[str] = ()
        self.leaves_files = False
        self.retracted = ""

    def lacking(self, said: Snapshot, ids: Iterable[str], *, besides: str = "") -> list[Record]:
        """Return the records that a root document does not contain, in order."""
        return read_records(self.storage, [each for each in said.contained.lacking(ids) if each != besides])

    def publish(self, now: Snapshot, new: list[Record], withdrawn: list[Record]) -> Snapshot:
        """Write a root document with some edits more, or less; returns what it says."""
        since = None if self.is_alone else undecided_since()
        waiting = {record.id for record in new if record.id != self.own and is_waiting(self.storage, record)}
        if self.leaves_files and since is not None:  # to their writers, whom large ones may keep busy for long
            new = [record for record in new if record.id not in waiting or record.when <= since]
        found = merged(now, new, withdrawn, undecided_since=since, own=self.own, judged=self.judged, waiting=waiting)
        if not found.said.exists or not (found.made or found.refused or withdrawn):
            return now
        gone = [*found.refused, *(record for record in found.made if not self._replace_files(record))]
        if gone:  # whose writers were killed, or give way
            self.storage.remove_many([record_path(record.id) for record in gone])
            return self.publish(now, [record for record in new if record not in gone], withdrawn)
        said = self.writing.publish(found.said, found.touched)
        self.merged |= {record.id: record for record in found.made}
        return said

    def _replace_files(self, record: Record) -> bool:
        """Let files of an edit take the places of others; `False` when its writer has given up."""
        if record.id == self.own:
            self.writing.replace_files()
            return True
        return complete_replacing(self.storage, record)

    def settle(self, now: Snapshot, floor: str) -> Snapshot:
        """Look, and write again, until the root document contains every record that is listed; returns what it says.

        Those are passed over that are gone though they are listed still, and those whose writers are about to find out which
        of them gives way. A listing that lacks the own record lags behind, and is asked for again.

        Parameters
        ----------
        now
            What it says, as far as known.
        floor
            Where the listing begins.

        Raises
        ------
        StorageError
            When others write again and again meanwhile.
        """
        pauses = iter(_PAUSES)
        passed: set[str] = set()
        for _ in range(ATTEMPTS):
            listed = [each for each in record_ids(self.storage, floor) if each != self.retracted]
            gone = self._withdrawn(listed)
            if gone:
                passed.clear()
            ids = [each for each in listed if each not in passed]
            if not gone and not now.contained.lacking(ids):
                pause = next(pauses, None) if self.own and self.own not in ids else None
                if pause is None:
                    return now
                time.sleep(pause)
                continue
            now = self.read(self.storage, now)
            missing = self.lacking(now, ids)
            withdrawn = [record for record in gone if record.id in now.contained]
            before = now
            if missing or withdrawn:
                now = self.publish(now, missing, withdrawn)
            else:
                self.writing.restore_groups(now)
            if now is before:
                passed.update(now.contained.lacking(ids))
            else:  # one that was passed over may have been made since, and be overwritten here
                passed.clear()
            for record in gone:
                self.merged.pop(record.id, None)
        raise StorageError(self.storage.url, f"other writers changed the object {ATTEMPTS} times meanwhile; try again")

    def _withdrawn(self, ids: Iterable[str]) -> list[Record]:
        """Return the edits among those merged here whose records are gone: their writers found that they clash."""
        unseen = sorted(self.merged.keys() - set(ids))
        return [self.merged[each] for each in unseen if not self.storage.exists(record_path(each))]
