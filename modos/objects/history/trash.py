"""Files that edits have replaced or removed: put aside for a while, brought back, and removed for good.

Owns where they are kept and for how long. Must not know why a file goes; nothing of it passes through this machine.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import NoneType

from modos._given import expect
from modos.errors import KeyNotFoundError
from modos.objects.at_once import all_at_once
from modos.objects.history.commits import is_commit_id, time_of
from modos.storage import TRASH, Storage

__all__ = ["KEPT", "KEPT_FOR", "KeptFile", "empty_trash", "kept_files", "place_of", "put_aside", "put_copies_aside"]

KEPT_FOR = timedelta(days=30)
"""How long a file is kept unless somebody says otherwise."""

KEPT = "kept"
"""The note of a record that tells under which name its files were put aside, where that is not its own."""


@dataclass(frozen=True, slots=True, order=True)
class KeptFile:
    """A file that an edit has replaced or removed, and that is still there.

    Attributes
    ----------
    commit
        The edit.
    name
        The name that the file had in the object.
    size
        Its bytes.
    """

    commit: str
    name: str
    size: int

    @property
    def when(self) -> datetime:
        """When it was put aside."""
        return time_of(self.commit)

    @property
    def place(self) -> str:
        """Where it is now, relative to the object."""
        return place_of(self.commit, self.name)


def place_of(commit: str, name: str) -> str:
    """Return where a file is kept that an edit replaces or removes.

    Examples
    --------
    >>> place_of("20261121T143500.123456Z-1a2b3c4d", "reads/demo1.cram")
    '.modos/trash/20261121T143500.123456Z-1a2b3c4d/reads/demo1.cram'
    """
    return f"{TRASH}/{commit}/{name}"


def put_aside(storage: Storage, names: Iterable[str], commit: str) -> None:
    """Move files of an object to where an edit keeps them, each by the storage itself. Those that are not there are left out."""
    _each(names, lambda name: storage.move(name, place_of(commit, name)))


def put_copies_aside(storage: Storage, names: Iterable[str], commit: str) -> None:
    """Copy files of an object, which are about to be replaced, to where an edit keeps them, each by the storage itself."""
    _each(names, lambda name: storage.copy(name, place_of(commit, name)))


def kept_files(storage: Storage, commit: str | None = None) -> Iterator[KeptFile]:
    """Yield the files that are kept, the oldest edit first.

    Parameters
    ----------
    storage
        The root of the object.
    commit
        The edit whose files are asked for; `None` for those of all.
    """
    beneath = TRASH if commit is None else TRASH / commit
    for info in storage.scan(beneath):
        _, _, found, *parts = info.path.parts
        if is_commit_id(found) and parts:
            yield KeptFile(found, "/".join(parts), info.size)


def empty_trash(
    storage: Storage,
    *,
    older_than: timedelta | None = None,
    names: Collection[str] | None = None,
    dry_run: bool = False,
) -> list[KeptFile]:
    """Remove kept files for good, and return them.

    Parameters
    ----------
    storage
        The root of the object.
    older_than
        How long ago they were put aside, at least; `None` for all.
    names
        The names that they had in the object; `None` for all.
    dry_run
        Whether to remove nothing.
    """
    expect(older_than, (timedelta, NoneType), "an age is said by a timedelta")
    now = datetime.now(UTC)
    gone = [
        each
        for each in kept_files(storage)
        if (older_than is None or now - each.when >= older_than) and (names is None or each.name in names)
    ]
    if gone and not dry_run:
        storage.remove_many([each.place for each in gone])
    return gone


def _each(names: Iterable[str], act: Callable[[str], object]) -> None:
    """Do something with each file that is there, some at a time."""

    def attempt(name: str) -> None:
        try:
            act(name)
        except KeyNotFoundError:  # an edit that was killed and is made again has done it already
            return

    all_at_once(attempt, names)
