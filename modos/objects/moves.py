"""Moving whole objects: which places an object may be transferred to, and many objects one after the other.

Owns what must not be overwritten. Moves no byte itself: that is what `modos.transfers` does.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict, Unpack

from modos.errors import AccessDeniedError, KeyNotFoundError, ModosError, ObjectExistsError, ObjectNotFoundError
from modos.objects.checks.older import OLD_ROOTS
from modos.objects.contents import refuse_foreign, refuse_inner
from modos.objects.editing.replacing import INCOMING
from modos.objects.history.records import recorded
from modos.objects.snapshot import Snapshot
from modos.objects.verification import checksums_of, missing_of
from modos.storage import LOG, ROOT_DOCUMENT, TRASH, Storage, find_objects
from modos.transfers import Plan, Progress, Report, prepare_transfer, transfer
from modos.transfers.engine import Proof, holds
from modos.transfers.listings import Listing
from modos.transfers.plan import Leftovers, Treatment

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Moved", "Sending", "TransferOptions", "plan_object_transfer", "transfer_object", "transfer_objects"]

_OLDER = 2
"""Format of the hierarchies of older releases."""

_SPECIAL: Mapping[str, Treatment] = MappingProxyType(
    {str(TRASH): "left out", **dict.fromkeys((str(LOG), str(INCOMING)), "mirrored")}
)
"""A record that only the target had would be taken for an edit that nobody has completed: such a copy is replaced whole."""


class Sending(TypedDict, total=False):
    """How the bytes of an object are moved; `modos.transfers.transfer` says what each is, and what it is without."""

    verify: Proof
    workers: int | None
    client: "Client | None"
    progress: Callable[[Progress], None] | None


class TransferOptions(Sending, total=False):
    """What may be said of the transfer of an object; `modos.transfer` says what each is, and what it is without."""

    overwrite: bool
    delete: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one object of several.

    Attributes
    ----------
    source, target
        Addresses of the object and of its copy.
    report
        What was done; `None` when it failed, or was not to be done.
    error
        Why it failed, or would; `None` when it does not.
    plan
        What would be done; `None` unless that alone was asked for.
    """

    source: str
    target: str
    report: Report | None = None
    error: ModosError | None = None
    plan: Plan | None = None


def transfer_object(
    source: Storage, target: Storage, *, overwrite: bool = False, delete: bool = False, **sending: Unpack[Sending]
) -> Report:
    """Copy an object, every file verified, its root document last.

    An object of zarr format 2 is copied as it is. Its root is the last of its documents then, too. What the object says of
    the checksums of its files is compared with what is known of them then, also of those that were the same already;
    nothing is read for it. A transfer with nothing to do does not compare.

    Parameters
    ----------
    source, target
        Roots of the object and of its copy.
    overwrite
        Whether another object at the target may be replaced, or a copy that has seen edits which the object has not.
        Files of it that the new one does not have, records of these edits too, go once the new one is whole.
    delete
        Whether files that only an older copy of the object has go too.
    sending
        As for `modos.transfers.transfer`.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at the source.
    ObjectExistsError
        When there is another object, a copy with edits of its own, or files that are none of this object's at the target.
    IntegrityError
        When a file did not arrive as it left; the target is then no object.
    """
    said = _Said()
    allow = partial(_allowed, source, target, said, overwrite=overwrite, delete=delete)
    work = partial(transfer, source, target, leftovers=_leftovers(delete=delete), special=_SPECIAL, allow=allow)
    report = _completed(source, partial(work, **sending))
    known = report.digests
    return replace(
        report,
        changed=tuple(
            sorted(name for name, checksum in said.checksums.items() if known.get(name, checksum) != checksum)
        ),
        unproven=tuple(sorted(said.checksums.keys() - known.keys())),
        missing=said.missing,
    )


def plan_object_transfer(source: Storage, target: Storage, *, overwrite: bool = False, delete: bool = False) -> Plan:
    """Return what `transfer_object` would do, for the same reasons refused; nothing is written.

    Parameters
    ----------
    source, target, overwrite, delete
        As for `transfer_object`.
    """
    allow = partial(_allowed, source, target, _Said(), overwrite=overwrite, delete=delete)
    return _completed(
        source,
        partial(prepare_transfer, source, target, leftovers=_leftovers(delete=delete), special=_SPECIAL, allow=allow),
    )


def transfer_objects(
    source: Storage,
    target: Storage,
    *,
    dry_run: bool = False,
    overwrite: bool = False,
    delete: bool = False,
    **sending: Unpack[Sending],
) -> Iterator[Moved]:
    """Copy all objects beneath a place, one after the other; one that fails does not keep back the others.

    Parameters
    ----------
    source, target
        Where the objects are, and where their copies go, under the same names; what is there already is no source, if
        that is beneath.
    dry_run
        Whether each is only planned.
    overwrite, delete, sending
        As for `transfer_object`, for each of them.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at all.
    AccessDeniedError
        When a directory may not be looked into; behind all objects that were found.
    """
    names: list[str] = []
    closed: AccessDeniedError | None = None
    try:
        names.extend(find_objects(source))
    except AccessDeniedError as error:  # of a directory that may not be looked into; the others have been by then
        closed = error
    if holds(source, target) and not holds(target, source):  # copies that were made before are none of the objects
        names = [name for name in names if not holds(target, source / name if name else source)]
    if not names and closed is None:
        raise ObjectNotFoundError(source.url, "there is no digital object beneath it")
    for name in names:
        here, there = (storage / name if name else storage for storage in (source, target))
        moved = Moved(here.url, there.url)
        try:
            if dry_run:
                moved = replace(moved, plan=plan_object_transfer(here, there, overwrite=overwrite, delete=delete))
            else:
                report = transfer_object(here, there, overwrite=overwrite, delete=delete, **sending)
                moved = replace(moved, report=report)
        except ModosError as error:
            moved = replace(moved, error=error)
        yield moved
    if closed is not None:
        raise closed


def _completed[T](source: Storage, work: Callable[..., T]) -> T:
    """Do something that is completed by the root document of an object, of whichever format that is."""
    try:
        return work(commit=ROOT_DOCUMENT)
    except KeyNotFoundError:
        if Snapshot.read(source).zarr_format != _OLDER:
            raise
    return work(commit=OLD_ROOTS)


@dataclass(slots=True)
class _Said:
    """What an object says of its files: their checksums, as far as they are there, and which are not there."""

    checksums: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def _allowed(
    source: Storage,
    target: Storage,
    said: _Said,
    wanted: Listing,
    present: Listing,
    *,
    overwrite: bool,
    delete: bool,
) -> Leftovers:
    """Return what becomes of files that only the target has, unless what is there must not be overwritten.

    What the source says of its files is noted in `said`: it is read here, and only once.
    """
    leaving, there = Snapshot.read(source), Snapshot.read_if_any(target)
    said.checksums.update((name, checksum) for name, checksum in checksums_of(leaving) if name in wanted)
    said.missing = missing_of(leaving, wanted)
    if not there.exists:
        refuse_inner(target)
        if not overwrite:
            otherwise = ", or overwrite this if a copy that broke off has left it"
            listed = (info.path for info in present.values())
            refuse_foreign(target, wanted.__contains__, listed=listed, otherwise=otherwise)
        return _leftovers(delete=delete)
    lost = _lost(leaving, there, set(recorded(present)).difference(recorded(wanted)))
    if lost is not None and not overwrite:
        raise ObjectExistsError(target.url, f"{lost}; overwrite it only if it is to go")
    return _leftovers(delete=delete or lost is not None)


def _lost(leaving: Snapshot, there: Snapshot, edits: Collection[str]) -> str | None:
    """Return why what is at the target would be lost; `None` where it is nothing else than an older copy."""
    if there.zarr_format > leaving.zarr_format:
        return f"a copy of zarr format {there.zarr_format} is here"
    if any(leaving.attributes.get(slot) != there.attributes.get(slot) for slot in ("id", "creation_date")):
        return f"another object, {there.id!r}, is here"
    if edits:
        count = "an edit" if len(edits) == 1 else f"{len(edits)} edits"
        return f"the copy that is here has seen {count} that the object has not, the last of them {max(edits)}"
    return None


def _leftovers(*, delete: bool) -> Leftovers:
    return "remove" if delete else "keep"
