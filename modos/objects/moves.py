"""Moving whole objects: which places an object may be transferred to.

Owns what must not be overwritten. Moves no byte itself: that is what `modos.transfers` does.
"""

from collections.abc import Callable

from modos.errors import ObjectExistsError
from modos.objects.contents import data_files, refuse_foreign
from modos.objects.snapshot import Snapshot
from modos.storage import Storage
from modos.transfers import Progress, Report, transfer

__all__ = ["transfer_object"]


def transfer_object(
    source: Storage, target: Storage, *, overwrite: bool = False, progress: Callable[[Progress], None] | None = None
) -> Report:
    """Copy an object, every file verified, its root document last.

    Parameters
    ----------
    source, target
        Roots of the object and of its copy.
    overwrite
        Whether another object at the target may be replaced. Files of it that the new one does not have go once the
        new one is whole.
    progress
        Called as the copy goes on; `None` for silence.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at the source.
    ObjectExistsError
        When there is another object, or files that are none of this object's, at the target.
    IntegrityError
        When a file did not arrive as it left; the target is then no object.
    """
    leaving, there = Snapshot.read(source), Snapshot.read_if_any(target)
    other = there.exists and not _is_same(leaving, there)
    if other and not overwrite:
        reason = f"another object, {there.id!r}, is here; overwrite it only if it is to go"
        raise ObjectExistsError(target.url, reason)
    if not there.exists and not overwrite:
        refuse_foreign(target, {str(path) for path in data_files(source)}.__contains__)
    return transfer(source, target, leftovers="remove" if other else "keep", progress=progress)


def _is_same(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two are copies of one object, whatever edits they have seen: same id, created at the same time."""
    return all(one.attributes.get(slot) == other.attributes.get(slot) for slot in ("id", "creation_date"))
