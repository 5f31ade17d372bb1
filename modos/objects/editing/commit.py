"""Making a planned edit happen, among other writers: files and groups first, its record, then the root document.

Owns the order of that, and who gives way when two edits clash. Knows no schema and plans nothing.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from modos.errors import (
    AccessDeniedError,
    ConflictError,
    DamagedObjectError,
    ModosError,
    ObjectError,
    ReadOnlyError,
    StorageError,
    UnsupportedFormatError,
)
from modos.model import ElementId
from modos.objects.contents import refuse_foreign
from modos.objects.editing.draft import Change
from modos.objects.editing.settling import ATTEMPTS, Read, Settling
from modos.objects.editing.turns import as_left, log_as_seen, turn
from modos.objects.editing.writing import Writing
from modos.objects.history.commits import new_commit_id
from modos.objects.history.deltas import Clash, applied, difference
from modos.objects.history.merging import built_upon, clash_of_files, clash_with, merged
from modos.objects.history.records import Record, read_records, record_ids, record_path
from modos.objects.history.trash import KEPT
from modos.objects.snapshot import Snapshot
from modos.settings import author
from modos.storage import Storage

__all__ = ["commit"]

_PATIENCE = 3.0
"""Seconds to wait for a writer whose edit clashes, and who is to give way."""

_PAUSE = 0.05

_FRESH = 5.0
"""Seconds for which what was read of an object is taken for what it says; the log tells of edits since, in any case."""


def commit(
    storage: Storage,
    plan: Callable[[Snapshot], Change],
    *,
    create: bool = False,
    base: Snapshot | None = None,
    message: str | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Snapshot:
    """Plan an edit on what an object says, and make it happen.

    First everything is stored that nothing tells of yet: new files, and the groups of elements. Then the record of the
    edit; from here on any writer may complete it. The root document is written last; until then the object says what it
    said before. What others wrote since the edit was planned is kept: the edits are merged, slot by slot.

    Only a file that replaces another has a moment of its own: it waits beside until nothing can prevent the edit any more, and
    takes its place, whole, just before the root document is written; killed in between, an edit is completed by others. What
    an edit makes obsolete goes last. Killed before that, a removal can be repeated; a renaming leaves the old name.

    Parameters
    ----------
    storage
        The root of the object.
    plan
        A pure function from what the object says to an edit; called again to find out why the edit is impossible by now.
    create
        Whether there may be no object yet.
    base
        What the object said when the edit began; `None` to read it now.
    message
        What the edit is for, for its record; `None` for nothing.
    notes
        What else its record is to hold, for programs; `None` for nothing.

    Returns
    -------
    Snapshot
        What the object says now.

    Raises
    ------
    ConflictError
        When another edit, made meanwhile, set the same to something else.
    ModosError
        Whatever the plan refuses, or the storage; the object is then as it was, and new files are gone again. When only
        what the edit made obsolete could not be removed, a note says so.
    """
    read = Snapshot.read_if_any if create else Snapshot.read
    for _ in range(ATTEMPTS):
        said = read(storage, None) if base is None else base
        said.refuse_older()
        change = plan(said)
        if change.is_empty:
            return said
        if not said.exists:
            refuse_foreign(storage, {file.target for _, file in change.attachments}.__contains__)
        edit = _Edit(storage, plan, read, message, notes or {})
        try:
            return edit.make(change, is_fresh=time.monotonic() - said.read_at < _FRESH)
        except _CreatedError:
            base = None
    raise StorageError(storage.url, "it is created and removed again and again meanwhile; try again")


class _CreatedError(ModosError):
    """Another writer has created the object meanwhile, so that the edit is another one."""


class _Edit(Settling):
    """One edit on its way.

    Parameters
    ----------
    storage, read
        The root of the object, and what reads it.
    plan
        What made the edit.
    message, notes
        For its record.
    """

    def __init__(
        self,
        storage: Storage,
        plan: Callable[[Snapshot], Change],
        read: Read,
        message: str | None,
        notes: Mapping[str, Any],
    ) -> None:
        super().__init__(storage, read, Writing(storage))
        self.leaves_files = True
        self._plan = plan
        self._record = Record("", author(os.environ), message=message, notes=notes)
        self._exists = True
        self._stored: list[tuple[ElementId, str]] = []
        self._is_about_files = False

    def make(self, change: Change, *, is_fresh: bool) -> Snapshot:
        """Store, record and publish it, or take all of it back; then remove what it has made obsolete.

        Parameters
        ----------
        change
            What it comes to.
        is_fresh
            Whether it was planned on what was read just now, so that no other program has written meanwhile.
        """
        try:
            change = self.writing.prepare(change)
            if change.says_nothing_new and not self.writing.changes_files(change):
                return change.base
            self._exists = change.base.exists
            self._stored = [(element, file.target) for element, file in change.attachments]
            ends = change.base, change.result
            delta = replace(difference(*ends), renamed=dict(change.renamed), between=ends)
            self._record = replace(self._record, delta=delta, parents=tuple(change.base.contained.heads))
            with turn(self.storage) as is_exclusive:
                self.is_alone = is_exclusive
                if is_exclusive:
                    said = self._alone(change)
                    self.writing.clean_up(change, said, self._record.id)
                else:
                    said = self._among_others(change, is_fresh=is_fresh)
            if not is_exclusive and change.leaves_something:
                is_sure = not (change.removed or change.obsolete or change.dropped or change.obsolete_arrays)
                self.writing.clean_up(change, said if is_sure else self.read(self.storage, said), self._record.id)
        except BaseException as error:
            self._take_back(error)
            raise
        return said

    # -- nobody else is at work -------------------------------------------------------------------------------------

    def _alone(self, change: Change) -> Snapshot:
        """Record and publish while all other writers wait; what is in the log and not in the root is of killed ones.

        Those had their turn after the newest edit that the root document contains, so the listing begins there; none is
        needed where the log is as it was left with that edit.
        """
        now = self.read(self.storage, change.base)
        newest, seen = now.contained.newest, log_as_seen(self.storage)
        self.judged = ids = [] if seen is not None and seen == now.log else record_ids(self.storage, newest)
        left = self.lacking(now, ids)
        if not now.exists:  # a creation that was killed: there is no object that it could be part of
            self.storage.remove_many([record_path(record.id) for record in left])
            left = []
        elif not self._exists:
            raise _CreatedError
        clash = self._clash(merged(now, left).said if left else now)
        if clash is None:
            self._stage(change)
            clash = next(self._clashes_of_files([*left, *self._unseen(now, change.base, ids)]), None)
        if clash is not None:
            self._refuse(clash, self.publish(now, left, []) if left else now)
        self._put_record(after=max([newest, *ids[-1:]]))
        return as_left(self.storage, self.publish(now, [*left, self._record], []), seen)

    # -- others may be ----------------------------------------------------------------------------------------------

    def _among_others(self, change: Change, *, is_fresh: bool) -> Snapshot:
        """Record the edit, look who else is at work, publish, and look again until all of it is in the root document."""
        now = change.base
        if self.writing.takes_long or not is_fresh:
            now = self.read(self.storage, now)
            if now.exists and not self._exists:
                raise _CreatedError
            clash = self._clash(now)
            if clash is not None:
                self._refuse(clash, now)
        floor = now.contained.floor
        self._stage(change)
        self._put_record(after=now.contained.newest)
        now, others = self._judged(now, floor, change)
        new = [*others, *([] if self._record.id in now.contained else [self._record])]
        if new:
            now = self.publish(now, new, [])
        else:  # another writer has completed it
            self.writing.restore_groups(now)
        return self.settle(now, floor)

    def _judged(self, now: Snapshot, floor: str, change: Change) -> tuple[Snapshot, list[Record]]:
        """Find out whether another edit clashes with this one, and if so give way, or wait for the other to do so.

        Every writer looks after its record is there. So of two that clash at least the later sees the other, and goes on
        only when that one is gone: it never happens that both are made.

        Returns
        -------
        tuple of Snapshot and list of Record
            What the root document says by now, and which edits of others it does not contain yet.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            self.judged = ids = record_ids(self.storage, floor)
            known = change.base if self._is_about_files else now
            if not [each for each in known.contained.lacking(ids) if each != self._record.id]:
                return now, []
            now = self.read(self.storage, now)
            others = self.lacking(now, ids, besides=self._record.id)
            later = self._later(now, ids)
            upon = built_upon(self._record.id, [*later, *others])
            if self._record.id <= now.contained.floor and not upon:  # it took so long that nobody looks for it any more
                self.storage.remove(record_path(self._record.id))
                self._put_record(after=now.contained.newest)
                continue
            first = [self._record, *(record for record in later if record.id in upon)] if self._is_in(now) else []
            unseen = [record for record in self._unseen(now, change.base, ids) if record.id not in upon]
            clash, rival = self._rival(now, first, unseen, [record for record in others if record.id not in upon])
            if clash is None:
                return now, others
            if not rival or (rival < self._record.id and not first) or time.monotonic() > deadline:
                if not self.writing.replacing.gives_up(now):  # nobody can get through who clashes with it
                    return now, []
                self._withdraw(clash, floor)
            time.sleep(_PAUSE)

    def _later(self, now: Snapshot, ids: Iterable[str]) -> list[Record]:
        """Return later edits in a root document that another writer has completed this one in; who saw it may have changed the same."""
        if not self._is_in(now):
            return []
        known = sorted({*ids, *now.contained.commits})
        return read_records(self.storage, [each for each in known if each > self._record.id and each in now.contained])

    def _is_in(self, now: Snapshot) -> bool:
        """Tell whether a root document contains this edit; a creation is in it only if it is the object's own."""
        return self._record.id in now.contained and self._exists

    def _unseen(self, now: Snapshot, base: Snapshot, ids: Iterable[str]) -> list[Record]:
        """Return the edits in a root document that this one was not planned on, if it is about files that were described then."""
        if not self._is_about_files:
            return []
        known = {*ids, *now.contained.commits}
        if now.contained.floor > base.contained.floor:
            known.update(record_ids(self.storage, base.contained.floor))
        unseen = [each for each in base.contained.lacking(known) if each in now.contained and each != self._record.id]
        return read_records(self.storage, unseen)

    def _clashes_of_files(self, others: Iterable[Record]) -> Iterator[Clash]:
        clashes = (clash_of_files(self._record, other) for other in others)
        return (clash for clash in clashes if clash is not None)

    def _rival(
        self, now: Snapshot, own: list[Record], unseen: list[Record], others: list[Record]
    ) -> tuple[Clash | None, str]:
        """Return what clashes with this edit, and the edit that does; `""` for what is in the root document already.

        Parameters
        ----------
        now
            What the root document says.
        own
            This edit and those that were built upon it, as far as they are in it.
        unseen
            Edits that it contains, and of whose files this one did not know.
        others
            Edits that it does not contain, apart from those built upon this one.
        """
        said = now
        for record in reversed(own):
            said, _ = applied(record.delta.inverse(), said)
        clash = self._clash(said) or next(self._clashes_of_files(unseen), None)
        if clash is not None:
            return clash, ""
        for other in others:
            said, _ = applied(other.delta, said)
            clash = self._clash(said) or clash_of_files(self._record, other)
            if clash is not None:
                return clash, other.id
        return None, ""

    def _withdraw(self, clash: Clash, floor: str) -> NoReturn:
        """Give way: take the record back, and complete what the others have recorded, so that trying again sees it."""
        self._refuse(clash, self._retracted(floor))

    def _clash(self, said: Snapshot) -> Clash | None:
        return clash_with(self._record.delta, said, self._stored)

    # -- both -------------------------------------------------------------------------------------------------------

    def _stage(self, change: Change) -> None:
        """Store what takes the place of other files beside them, so that whoever completes the edit finds it."""
        self.writing.stage_files()
        aside = self.writing.replacing.aside
        notes = {**self._record.notes, **({KEPT: aside} if aside else {})}
        files = self.writing.files(change)
        self._is_about_files = change.had((*files.stored, *files.replaced, *files.renamed))
        self._record = replace(self._record, files=files, notes=notes)

    def _put_record(self, *, after: str) -> None:
        """Store the record: from then on others may complete the edit."""
        self.writing.persist()
        self._record = replace(self._record, id=new_commit_id(after))
        self.own = self._record.id
        try:
            self.storage.put(self._record.dump(), record_path(self._record.id), content_type="application/json")
        except (AccessDeniedError, ReadOnlyError):
            self.own = ""
            raise
        self.storage.persist([record_path(self._record.id)])

    def _retracted(self, floor: str) -> Snapshot:
        """Take the record back; returns what the object says without the edit.

        Another writer may have made it part of the root document. One who does so after the look here will look himself, and
        find that the record is gone.
        """
        self.storage.remove(record_path(self._record.id))
        self.own, self.retracted = "", self._record.id
        now = self.read(self.storage, None)
        if self._record.id in now.contained:
            self.merged[self._record.id] = self._record
        return self.settle(now, floor)

    def _refuse(self, clash: Clash, now: Snapshot) -> NoReturn:
        """Say why the edit cannot be made: in the words of its own plan where that refuses it by now."""
        conflict = ConflictError(clash.place, clash.slot, ours=clash.ours, theirs=clash.theirs)
        if not self._exists:
            raise _CreatedError from conflict
        try:
            self._plan(now)
        except ModosError as error:
            raise error from conflict
        raise conflict

    def _take_back(self, error: BaseException) -> None:
        """Remove what was written, unless the root document contains the edit: then it is made, whatever went wrong."""
        if not (self.own or self.writing.has_written):
            return
        try:
            now = Snapshot.read_if_any(self.storage)
            if self.own and self.own in now.contained:
                error.add_note("the edit itself is made; files that nothing describes any more may be left")
                return
            if self.own:
                if not self.writing.replacing.gives_up(now):
                    error.add_note("the edit itself is made, since another writer completes it")
                    return
                with suppress(DamagedObjectError, UnsupportedFormatError):  # a record of another, and ours is gone
                    now = self._retracted(now.contained.floor)
            if self.retracted and self.retracted in now.contained:  # merged by another just before it was taken back
                self.merged[self.retracted] = self._record
                now = self.settle(now, now.contained.floor)
            self.writing.take_back(now)
        except (StorageError, ObjectError):
            if self.own:
                error.add_note("whether the edit is made could not be found out; look before you make it again")
