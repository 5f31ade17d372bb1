"""What has been done to an object: its log, what it said before, and taking edits back.

Owns `Remembering`, a part of `MODO`. Must not know how commits are recorded.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from modos.objects.faces.telling import Telling

if TYPE_CHECKING:
    from modos.objects.differences import Difference
    from modos.objects.history.log import Commit
    from modos.objects.history.trash import KeptFile

__all__ = ["Remembering"]


class Remembering(Telling):
    """An object whose edits have left records."""

    def log(self, limit: int | None = None) -> "list[Commit]":
        """Return the edits that were made, the newest first: who, when, and what changed.

        Parameters
        ----------
        limit
            How many to return, and to read; `None` for all.

        Raises
        ------
        InvalidInputError
            When the limit is less than 1.

        Examples
        --------
        >>> import tempfile
        >>> from modos import MODO
        >>> modo = MODO.create(f"{tempfile.mkdtemp()}/ex")
        >>> with modo.edit("first donor") as edit:
        ...     _ = edit.add({"@type": "Sample", "id": "s1"})
        >>> newest = modo.log()[0]
        >>> print(newest.message)
        first donor
        >>> print(newest.difference)
        + sample/s1 (Sample)
        """
        from modos.objects.history.log import commits

        return commits(self._storage, self._said, limit)

    def metadata_at(self, commit: "str | Commit") -> dict[str, dict[str, Any]]:
        """Return everything that the object said right after an edit, as `metadata` does now.

        What programs changed that leave no record cannot be told from what was said before.

        Parameters
        ----------
        commit
            One that `log` told, its id, the beginning of it, or its last eight characters.

        Raises
        ------
        InvalidInputError
            When there is no such commit, or several.
        """
        from modos.objects.history.log import said_after

        return said_after(self._storage, self.refresh()._said, self._found(commit)).metadata()  # noqa: SLF001 - its own

    def diff(self, a: "str | Commit | Telling", b: "str | Commit | None" = None) -> "Difference":
        """Return what differs between two moments, or between this object and another.

        Parameters
        ----------
        a
            A commit, named as for `metadata_at`: what the object said right after it. Or another object, which is compared as
            what came after this.
        b
            The later commit; `None` for now.

        Raises
        ------
        InvalidInputError
            When there is no such commit, or several.
        """
        from modos.objects.differences import Difference
        from modos.objects.history.log import said_after

        if isinstance(a, Telling):
            return Difference.between(self._said, a._said)  # noqa: SLF001 - of this class
        now = self.refresh()._said  # noqa: SLF001 - its own
        before = said_after(self._storage, now, self._found(a))
        after = now if b is None else said_after(self._storage, now, self._found(b))
        return Difference.between(before, after)

    def undo(self, commit_id: "str | Commit | None" = None, *, dry_run: bool = False) -> "Difference":
        """Take an edit back, by an edit of its own: slots, links, elements, arrays and files are as they were before it.

        What later edits changed besides stays. Taking back an undo does again what was undone. Edits that were killed once
        they were recorded are completed first, and count; an undo that was is the one that this call makes.

        Parameters
        ----------
        commit_id
            The commit, named as for `metadata_at`; `None` for the newest that is neither undone nor an undo.
        dry_run
            Whether to change nothing, and only return what would.

        Returns
        -------
        Difference
            What changed; nothing when the edit is undone already.

        Raises
        ------
        InvalidInputError
            When there is no such commit, or nothing to undo.
        ConflictError
            When later edits changed the same; names the slot and the values. Undo these first.
        KeyNotFoundError
            When a file that the edit replaced or removed is not kept any more.
        """
        from modos.objects.differences import Difference
        from modos.objects.editing.commit import commit
        from modos.objects.editing.settling import complete
        from modos.objects.history.undoing import find_undo

        before = self.refresh()._said  # noqa: SLF001 - its own
        undo = find_undo(self._storage, commit_id, before)
        now = undo.base
        if now is not before and not dry_run:
            complete(self._storage, among_others=True)
            now = self.refresh()._said  # noqa: SLF001 - its own
        if undo.done is not None:
            if not dry_run:
                undo.finish(now)
            return Difference.between(before, now, dates=False)
        if dry_run:
            return Difference.between(now, undo.plan(now).result, dates=False)
        self._said = commit(self._storage, undo.plan, base=now, message=undo.message, notes=undo.notes)
        return Difference.between(now, self._said, dates=False)

    def trash(self) -> "list[KeptFile]":
        """Return the files that edits have replaced or removed and that are still kept, the oldest first."""
        from modos.objects.history.trash import kept_files

        return sorted(kept_files(self._storage))

    def empty_trash(self, older_than: timedelta | None = None) -> "list[KeptFile]":
        """Remove files for good that edits have replaced or removed; their edits cannot be undone any more.

        Parameters
        ----------
        older_than
            How long ago that was, at least; `None` for all.

        Returns
        -------
        list of KeptFile
            What is gone.
        """
        from modos.objects.history.trash import empty_trash

        self._said.refuse_older()
        return empty_trash(self._storage, older_than=older_than)

    def _found(self, commit: "str | Commit") -> str:
        from modos.objects.history.log import found
        from modos.objects.history.records import record_ids

        return found(record_ids(self._storage), commit)
