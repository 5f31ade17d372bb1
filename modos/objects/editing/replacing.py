"""Files that an edit puts in the place of others, which are put aside first and brought back when it is not made.

Owns those others. Must not know what else an edit writes, nor where a new file comes from when it is no file of the object.
"""

from collections.abc import Callable

from modos.errors import ConflictError
from modos.objects.at_once import all_at_once
from modos.objects.editing.change import Change
from modos.objects.editing.examining import digested, has_content, stat_if_any
from modos.objects.editing.files import Attachment
from modos.objects.history.commits import new_commit_id
from modos.objects.history.trash import kept_files, put_copies_aside
from modos.storage import ObjectInfo, Storage

__all__ = ["Replacing"]


class Replacing:
    """What takes the place of other files in one edit.

    Parameters
    ----------
    storage
        The root of the object.
    store
        What stores a file, and checks that it is as it was sent.

    Attributes
    ----------
    attachments
        Files to store, by the names that others have.
    restorations
        Files of the object to copy, each by the name that another has.
    done
        Files that are to be copied and are there already, as the same edit may have left them that was killed.
    adopted
        Those that the same edit, killed then, had put in the place of others.
    aside
        The name under which those others were put aside; `""` when none were.
    has_begun
        Whether there may be something to bring back.
    """

    def __init__(self, storage: Storage, store: Callable[[Attachment], None]) -> None:
        self.attachments: dict[str, Attachment] = {}
        self.restorations: dict[str, str] = {}
        self.done: set[str] = set()
        self.adopted: set[str] = set()
        self.aside = ""
        self.has_begun = False
        self._storage = storage
        self._store = store
        self._replaced: dict[str, ObjectInfo | None] = {}

    @property
    def is_needed(self) -> bool:
        """Whether there is something to replace."""
        return bool(self.attachments or self.restorations)

    @property
    def names(self) -> set[str]:
        """The files that take the place of others."""
        return {*self.attachments, *self.restorations, *self.adopted}

    def replace(self, change: Change) -> None:
        """Put what is there aside and store what takes its place; what an earlier call has done is not done again."""
        if self._replaced:
            return
        if self.done:
            self._adopt(change)
        names = [*self.attachments, *self.restorations]
        there = dict(zip(names, all_at_once(lambda name: stat_if_any(self._storage, name), names), strict=True))
        if names:
            self.has_begun = True
            self.aside = self.aside or new_commit_id()
            put_copies_aside(self._storage, names, self.aside)
        all_at_once(lambda name: self._replace_unchanged(name, there[name]), names)

    def bring_back(self) -> None:
        """Let files be what they were; where somebody else has replaced them since, these are kept."""
        kept = {each.name: each.place for each in kept_files(self._storage, self.aside)} if self.aside else {}
        theirs = {name for name in kept.keys() & self._replaced.keys() if not self._is_ours(name, kept[name])}
        all_at_once(lambda name: self._storage.copy(kept[name], name), kept.keys() & self._replaced.keys() - theirs)
        if gone := [kept[name] for name in kept if name not in theirs]:
            self._storage.remove_many(gone)

    def _adopt(self, change: Change) -> None:
        """Take over what the same edit, killed after it had replaced files, has put aside."""
        before, after = change.digests(change.base), change.digests(change.result)
        doubtful = {name for name in self.done if name in before and before[name] != after.get(name, before[name])}
        if doubtful:
            newest = change.base.contained.newest
            left = [each for each in kept_files(self._storage) if each.name in doubtful and each.commit > newest]
            self.aside = max((each.commit for each in left), default="")
            self.adopted = {each.name for each in left if each.commit == self.aside}

    def _replace_unchanged(self, name: str, there: ObjectInfo | None) -> None:
        if stat_if_any(self._storage, name) != there:
            reason = "another edit has just replaced this file; nothing was changed, look at what is there now and edit again"
            raise ConflictError(name, reason=reason)
        self._replace(name)

    def _replace(self, name: str) -> None:
        self._replaced[name] = None  # as long as nobody knows what is there
        try:
            if name in self.attachments:
                self._store(self.attachments[name])
            else:
                self._storage.copy(self.restorations[name], name)
        finally:
            self._replaced[name] = stat_if_any(self._storage, name)

    def _is_ours(self, name: str, before: str) -> bool:
        """Tell whether a file is as it was stored here; where that could not be found out then, by its content."""
        here, stored = stat_if_any(self._storage, name), self._replaced[name]
        if stored is not None or here is None:
            return here == stored
        file = self.attachments.get(name)
        source = (file.source.storage, file.source.name) if file else (self._storage, self.restorations[name])
        return any(has_content(self._storage, here, digested(*each)) for each in (source, (self._storage, before)))
