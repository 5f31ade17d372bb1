"""A transfer: the plan carried out, what is new before what replaces something, the file that makes the rest count last.

Owns the order of the steps and what holds between them. Must not know zarr, metadata, or any backend.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, get_args

from modos._given import expect
from modos.errors import IntegrityError, InvalidInputError, KeyNotFoundError
from modos.storage import capabilities
from modos.storage.base import ROOT_DOCUMENT, Storage
from modos.storage.info import ObjectInfo
from modos.storage.neighbours import service_copies
from modos.storage.parts.rules import WHOLE
from modos.transfers.crew import Crew
from modos.transfers.digests import DigestBook, digests_of, same_content
from modos.transfers.files.courier import Courier
from modos.transfers.files.under_way import Done
from modos.transfers.listings import Listing, by_name, check_ends, check_room, check_same, listed_of, nameable
from modos.transfers.plan import (
    Carrier,
    Commit,
    Costs,
    Leftovers,
    Plan,
    Treatment,
    in_turn,
    plan_transfer,
    treatment_of,
)
from modos.transfers.progress import Progress, Tally

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Proof", "Report", "Rules", "holds", "prepare_transfer", "transfer"]

WORKERS = 16
"""Files and parts under way at a time unless the caller says otherwise."""

MEMORY = 96 * 1024 * 1024
"""Bytes that bodies under way take together."""

type Proof = Literal["digest", "full"]
type Allow = Callable[[Listing, Listing], Leftovers]


class Rules(TypedDict, total=False):
    """What a transfer is to make of the target; `transfer` says what each is, and what it is without."""

    commit: Commit
    special: Mapping[str, Treatment]
    leftovers: Leftovers
    by_service: bool
    allow: Allow | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a transfer did.

    Attributes
    ----------
    files, bytes
        What was written and verified.
    removed
        Files that only the target had, and that are gone.
    seconds
        How long it took.
    digests
        Name to BLAKE2b in hex of what was written and of what was the same already, where it is known: of small files that
        were read, and of others that have the bytes which they had when it was taken. A large file and one that the
        service copied are proven without it.
    skipped, skipped_bytes
        What was the same already.
    resumed_bytes
        Of the bytes written, those that an earlier transfer had brought.
    service_bytes
        Of the bytes written, those that the service copied by itself.
    changed
        Files of an object that are as they are at the source, where they are not what their checksums there say.
    unproven
        Files of an object that have a checksum, and were not compared with it: their BLAKE2b is not known.
    missing
        Files that an object describes, and documents that it names, which the source has not.
    """

    files: int
    bytes: int
    removed: int
    seconds: float
    digests: Mapping[str, str] = field(hash=False, repr=False)
    skipped: int = 0
    skipped_bytes: int = 0
    resumed_bytes: int = 0
    service_bytes: int = 0
    changed: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A plan, and the listings that it was made from."""

    plan: Plan
    wanted: Listing
    present: Listing
    seen: float


def transfer(
    source: Storage,
    target: Storage,
    *,
    commit: Commit = ROOT_DOCUMENT,
    special: Mapping[str, Treatment] = MappingProxyType({}),
    leftovers: Leftovers = "keep",
    workers: int | None = None,
    by_service: bool = True,
    verify: Proof = "digest",
    allow: Allow | None = None,
    client: "Client | None" = None,
    book: DigestBook | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Copy what differs between two storages, verified, one file that makes the rest count last.

    What is the same already, by digests that are known without reading it, is skipped. Every file is compared with the
    source's listing as it is read, and again at the target: by the MD5 that the service computed, or else by reading it
    back. What does not match is copied once more and then fails the transfer. The first failure stops the others; the
    same call made again continues, large files at the part where they were left. The source is only read, and listed
    again before what is seen at the target changes: when a file of it has become another one, nothing is completed.

    Until the file named by `commit` is there, a new target is not an object. One that is replaced keeps its old one
    until then: new names come first, and large files are brought beside those that they replace; then, in one burst,
    what replaces something takes its place, and the committing file follows.

    Memory is bounded, whatever the size of the files: 96 MiB for bodies under way.

    Parameters
    ----------
    source, target
        From where, and to where, under the same names.
    commit
        Name of the file that makes the others count, which is copied last and must not change meanwhile; or of several,
        each copied when the one before it is there, of which the source must have the last. `None` when there is none.
    special
        Directories that are treated in a way of their own, as for `plan_transfer`.
    leftovers
        Whether to `"keep"` or, when all is done, to `"remove"` what is at the target and not at the source.
    workers
        Files and parts under way at a time; `None` for 16. A service that says it is busy is asked less at once.
    by_service
        Whether the service copies by itself where source and target are of one: no byte passes here.
    verify
        `"digest"` compares what was sent with what the service tells of it, and reads back where it tells too little;
        `"full"` reads back every file that was written.
    allow
        Called with the listings of source and target, files by name, before anything is written or removed, if anything
        is to be; may refuse by raising, and returns what becomes of `leftovers` then. `None` for no such question.
    client
        A `distributed.Client`, whose workers then bring what is new, and the parts of large files; what is seen at the
        target in their place changes from here. Workers reach both places by themselves: with the credentials of the
        storages, or those of their own environment where the storages were made without. `None` for threads of this
        process.
    book
        Where digests are kept for the next time; `None` for that of the user.
    progress
        Told of every advance, one call at a time, from the thread that made it; what it raises fails the transfer.
        `None` for nobody.

    Raises
    ------
    InvalidInputError
        When the two are the same place, or one is inside the other, when there is no worker, or no such way to verify.
        Nothing was touched.
    InvalidPathError
        When a file of the source has a name that no target can have. Nothing was written.
    KeyExistsError
        When a file on a disk is in the way of a directory, or a directory in that of a file. Nothing was written.
    KeyNotFoundError
        When the source has no file named by `commit`. Nothing was written.
    IntegrityError
        When a file is not the same at both ends, or changed while it was copied. Notes say which file it was.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from modos.storage import LocalStorage
    >>> here, there = LocalStorage(mkdtemp()), LocalStorage(mkdtemp())
    >>> for name in ("reads/demo.txt", "data.zarr/zarr.json"):
    ...     _ = here.put(b"ACGT", name)
    >>> report = transfer(here, there)
    >>> report.files, report.bytes
    (2, 8)
    >>> there.read("reads/demo.txt")
    b'ACGT'
    """
    _check_wishes(workers, verify)
    _check_places(source, target)
    began = perf_counter()
    with DigestBook.lent(book) as kept:
        rules: Rules = {"commit": commit, "special": special, "leftovers": leftovers}
        prepared = _prepare(source, target, kept, **(rules | {"by_service": by_service, "allow": allow}))
        plan = prepared.plan
        tally, done = Tally(plan.files, plan.bytes, progress), Done()
        if plan.files:
            crew = Crew(workers=workers or WORKERS, memory=MEMORY)
            courier = Courier(
                source,
                target,
                crew=crew,
                book=kept,
                tally=tally,
                present=prepared.present,
                workers=workers or WORKERS,
                full=verify == "full",
                seen=prepared.seen,
            )
            check = partial(check_ends, source, target, prepared.wanted, prepared.present, commit)
            _carry_out(plan, crew, courier, check, client)
            done = courier.done
        _remove_leftovers(target, plan, special)
        known = _known_of_skipped(source, target, prepared, kept)
    return Report(
        done.files,
        done.bytes,
        plan.removed,
        perf_counter() - began,
        known | done.digests,
        plan.skipped + done.same,
        plan.skipped_bytes + done.same_bytes,
        done.resumed,
        done.by_service,
    )


def prepare_transfer(
    source: Storage, target: Storage, *, book: DigestBook | None = None, **rules: Unpack[Rules]
) -> Plan:
    """Return what `transfer` would do; both places are listed, and no file is read or written.

    Parameters
    ----------
    source, target, book
        As for `transfer`.
    rules
        `commit`, `special`, `leftovers`, `by_service` and `allow`, likewise.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from modos.storage import LocalStorage
    >>> here = LocalStorage(mkdtemp())
    >>> _ = here.put(b"ACGT", "demo.txt")
    >>> prepare_transfer(here, LocalStorage(mkdtemp()), commit=None).files
    1
    """
    _check_places(source, target)
    with DigestBook.lent(book) as kept:
        return _prepare(source, target, kept, **rules).plan


def _prepare(
    source: Storage,
    target: Storage,
    book: DigestBook,
    *,
    commit: Commit = ROOT_DOCUMENT,
    special: Mapping[str, Treatment] = MappingProxyType({}),
    leftovers: Leftovers = "keep",
    by_service: bool = True,
    allow: Allow | None = None,
) -> _Prepared:
    seen = time.time()
    completing = in_turn(commit)
    completed = listed_of(source, completing)
    if completing and completing[-1] not in completed:  # before all of what may be a whole bucket
        reason = "it is the file that completes a copy, and the source has none"
        raise KeyNotFoundError(source.url_of(completing[-1]), reason)
    wanted, present = nameable(source), by_name(target)
    # what a newer one names may be where the listing had been already; what this one names was there before it
    check_same(source, completed, wanted, commit)

    def same(one: ObjectInfo, other: ObjectInfo) -> bool:
        if one.size != other.size:
            return False
        known = digests_of(one, book.digests(source, one))
        return same_content(known, digests_of(other, book.digests(target, other)))

    by: Carrier = "service" if by_service and service_copies(source, target) else "client"
    costs = _costs(source), _costs(target)
    decide = partial(plan_transfer, wanted.values(), present.values(), commit=commit, special=special, same=same)
    decide = partial(decide, by=by, costs=costs)
    plan = decide(leftovers=leftovers)
    if allow is not None and (plan.files or plan.removed):
        plan = decide(leftovers=allow(wanted, present))
    copied = {str(step.file.path): step.file for step in plan.steps if step.action != "remove"}
    check_room(source, target, copied, present)
    return _Prepared(plan, copied, present, seen)


def _costs(storage: Storage) -> Costs:
    known = capabilities(storage)
    page = known.limits.get("page_size")
    parts = storage.parts

    def part_size(size: int) -> int:
        return max(size, 1) if size <= WHOLE or parts is None else parts.size_for(size)

    return Costs(page_size=page if isinstance(page, int) else None, part_size=part_size)


def _carry_out(
    plan: Plan, crew: Crew, courier: Courier, check: Callable[[], None], client: "Client | None" = None
) -> None:
    """Bring what is new, and large files beside those they replace; then what replaces something; then the commit.

    What is committed to survives a loss of power, and so does the commit when it is told.
    """
    replacing = plan.steps_to("replace")
    early = [step for step in replacing if courier.goes_by_parts(step)]
    late = [step for step in replacing if not courier.goes_by_parts(step)]
    new = [*early, *plan.steps_to("create")]
    if client is None:
        crew.carry_out(map(courier.unit, new))
    else:
        from modos.transfers.distributed import spread

        spread(client, courier, crew, new)
    if replacing:
        check()
        crew.carry_out([*courier.burst, *map(courier.unit, late)])
    # also what was the same already: a transfer that was killed a moment ago has not waited for what it had written
    courier.target.persist(step.file.path for step in plan.steps if step.action not in {"commit", "remove"})
    if courier.done.files + courier.done.same != len(new) + len(late):
        raise IntegrityError(courier.target.url, "not all files have arrived, and so nothing was committed")
    check()
    for step in plan.steps_to("commit"):
        crew.carry_out([courier.unit(step)])
        courier.target.persist([step.file.path])


def _known_of_skipped(source: Storage, target: Storage, prepared: _Prepared, book: DigestBook) -> dict[str, str]:
    """Return the BLAKE2b of what was the same already, where the book has it of either end."""
    known: dict[str, str] = {}
    for file in prepared.plan.files_to("skip"):
        there = prepared.present[name := str(file.path)]
        found = {**book.digests(target, there), **book.digests(source, file)}
        known |= {name: found["blake2b"]} if "blake2b" in found else {}
    return known


def _remove_leftovers(target: Storage, plan: Plan, special: Mapping[str, Treatment]) -> None:
    """Remove what the source has not; last what is mirrored, by which the same transfer made again knows that more is to go."""
    for is_last in (False, True):
        leaving = (info for info in plan.files_to("remove") if (treatment_of(info, special) == "mirrored") is is_last)
        target.remove_many(info.path for info in leaving)


def _check_wishes(workers: int | None, verify: Proof) -> None:
    expect(workers, (int, NoneType), "workers are counted by a whole number")
    if workers is not None and workers < 1:
        raise InvalidInputError(f"{workers} workers cannot copy anything; give 1 or more")
    if verify not in (known := get_args(Proof.__value__)):
        raise InvalidInputError(f"what is copied is verified {' or '.join(map(repr, known))}, not {verify!r}")


def _check_places(source: Storage, target: Storage) -> None:
    if holds(source, target) or holds(target, source):
        raise InvalidInputError(f"{source.url} and {target.url} are the same place, or one is inside the other")
    target._check_writable()  # noqa: SLF001 - of the contract


def holds(outer: Storage, inner: Storage) -> bool:
    """Tell whether one place is another or beneath it. Equal names on services reached differently are not."""
    above, below = outer.path, inner.path
    if isinstance(above, Path) and isinstance(below, Path):
        return below.resolve().is_relative_to(above.resolve())
    if not below.is_relative_to(above):
        return False
    beneath = below.relative_to(above)
    return _writable(outer / beneath if beneath.parts else outer) == _writable(inner)


def _writable(storage: Storage) -> Storage:
    """Return the same place, open for writing, so that two can be compared."""
    twin = copy.copy(storage)
    twin.read_only = False
    return twin
