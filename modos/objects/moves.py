"""Moving whole objects: which places an object may be transferred to, and many objects one after the other.

Owns what must not be overwritten. Moves no byte itself: that is what `modos.transfers` does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from modos.errors import KeyNotFoundError, ModosError, ObjectExistsError, ObjectNotFoundError
from modos.objects.contents import data_files, refuse_foreign
from modos.objects.snapshot import Snapshot
from modos.storage import Storage, find_objects
from modos.transfers import Plan, Progress, Report, prepare_transfer, transfer
from modos.transfers.engine import Proof
from modos.transfers.plan import Leftovers

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Moved", "plan_object_transfer", "transfer_object", "transfer_objects"]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one object of several.

    Attributes
    ----------
    source, target
        Addresses of the object and of its copy.
    report
        What was done; `None` when it failed.
    error
        Why it failed; `None` when it did not.
    """

    source: str
    target: str
    report: Report | None = None
    error: ModosError | None = None


def transfer_object(
    source: Storage,
    target: Storage,
    *,
    overwrite: bool = False,
    delete: bool = False,
    verify: Proof = "by digest",
    workers: int | None = None,
    client: "Client | None" = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Copy an object, every file verified, its root document last.

    Parameters
    ----------
    source, target
        Roots of the object and of its copy.
    overwrite
        Whether another object at the target may be replaced. Files of it that the new one does not have go once the
        new one is whole.
    delete
        Whether files that only an older copy of the object has go too.
    verify, workers, client
        As for `modos.transfers.transfer`.
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
    allow = partial(_allowed, source, target, overwrite=overwrite, delete=delete)
    try:
        return transfer(
            source,
            target,
            leftovers="remove" if delete else "keep",
            verify=verify,
            workers=workers,
            allow=allow,
            client=client,
            progress=progress,
        )
    except KeyNotFoundError:
        Snapshot.read(source)
        raise


def plan_object_transfer(source: Storage, target: Storage, *, overwrite: bool = False, delete: bool = False) -> Plan:
    """Return what `transfer_object` would do, for the same reasons refused; nothing is written.

    Parameters
    ----------
    source, target, overwrite, delete
        As for `transfer_object`.
    """
    allow = partial(_allowed, source, target, overwrite=overwrite, delete=delete)
    try:
        return prepare_transfer(source, target, leftovers="remove" if delete else "keep", allow=allow)
    except KeyNotFoundError:
        Snapshot.read(source)
        raise


def transfer_objects(
    source: Storage,
    target: Storage,
    *,
    overwrite: bool = False,
    delete: bool = False,
    verify: Proof = "by digest",
    workers: int | None = None,
    client: "Client | None" = None,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Moved]:
    """Copy all objects beneath a place, one after the other; one that fails does not keep back the others.

    Parameters
    ----------
    source, target
        Where the objects are, and where their copies go, under the same names.
    overwrite, delete, verify, workers, client, progress
        As for `transfer_object`, for each of them.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at all.
    """
    names = list(find_objects(source))
    if not names:
        raise ObjectNotFoundError(source.url, "there is no digital object beneath it")
    for name in names:
        here, there = (storage / name if name else storage for storage in (source, target))
        try:
            report = transfer_object(
                here,
                there,
                overwrite=overwrite,
                delete=delete,
                verify=verify,
                workers=workers,
                client=client,
                progress=progress,
            )
        except ModosError as error:
            yield Moved(here.url, there.url, error=error)
        else:
            yield Moved(here.url, there.url, report)


def _allowed(source: Storage, target: Storage, *, overwrite: bool, delete: bool) -> Leftovers:
    """Return what becomes of files that only the target has, unless what is there must not be overwritten."""
    leaving, there = Snapshot.read(source), Snapshot.read_if_any(target)
    other = there.exists and not _is_same(leaving, there)
    if other and not overwrite:
        reason = f"another object, {there.id!r}, is here; overwrite it only if it is to go"
        raise ObjectExistsError(target.url, reason)
    if not there.exists and not overwrite:
        refuse_foreign(target, {str(path) for path in data_files(source)}.__contains__)
    return "remove" if other or delete else "keep"


def _is_same(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two are copies of one object, whatever edits they have seen: same id, created at the same time."""
    return all(one.attributes.get(slot) == other.attributes.get(slot) for slot in ("id", "creation_date"))
