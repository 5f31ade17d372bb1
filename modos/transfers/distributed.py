"""What is new, brought by the workers of a dask cluster: files in batches, and parts of large files, as tasks.

Owns what a task is, and what of it comes back. Must not know what is seen at the target, or when: that stays with the caller.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modos._given import expect
from modos._lazy import require
from modos.errors import ServiceError
from modos.storage import Storage
from modos.storage.info import ObjectInfo
from modos.storage.parts.plan import PartInfo
from modos.transfers.crew import Crew, Unit
from modos.transfers.digests import DigestBook, Digests
from modos.transfers.files.carrier import PartCarrier
from modos.transfers.files.courier import Courier
from modos.transfers.files.reading import Reader
from modos.transfers.files.under_way import Large, Part
from modos.transfers.limits import Limiter, Patience
from modos.transfers.plan import Step
from modos.transfers.progress import Tally

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["spread"]

_BATCH = 50
_BATCH_BYTES = 32 * 1024 * 1024
_THREADS = 8
_MEMORY = 64 * 1024 * 1024
_RETRIES = 3

type Carried = tuple[Step, ObjectInfo, Digests]


def spread(client: "Client", courier: Courier, crew: Crew, steps: Sequence[Step]) -> None:
    """Let the workers of a cluster do what is new; return when all of it has arrived.

    A task that fails is tried again by the scheduler, on another worker when one has died. What the caller does is to
    begin large files, to complete them, and to count. A large file that only its bytes in their order prove is one task; if
    it replaces another, it is brought from here.

    Parameters
    ----------
    client
        Of the cluster.
    courier, crew
        Those of the transfer.
    steps
        What is to be brought.

    Raises
    ------
    InvalidInputError
        When the client is none.
    ServiceError
        When workers die over and over.
    """
    distributed = require("distributed", extra="distributed", purpose="transfers over a dask cluster")
    expect(client, distributed.Client, "a cluster is given by its distributed.Client")
    tasks: dict[Any, Large | None] = {}
    larges, whole, following = _shared_out(courier, steps)
    options = {"pure": False, "retries": _RETRIES}
    try:
        for large in larges:
            following += courier.closing(large) if large.ends() else ()
            for index in large.missing:
                tasks[client.submit(_carry_part, courier.source, large.part(index), **options)] = large
        for batch in _batches(whole):
            tasks[client.submit(_carry, courier.source, courier.target, batch, courier.full, **options)] = None
        for task in distributed.as_completed(list(tasks), loop=client.loop):  # else that of the default client, if any
            large_or_none, result = tasks[task], task.result()
            if large_or_none is not None:
                following += courier.arrived(large_or_none, result)
            else:
                for carried in result:
                    courier.carried(*carried)
            task.release()
    except BaseException as error:
        client.cancel(list(tasks), force=True)  # type: ignore[no-untyped-call] # as distributed has it
        if isinstance(error, distributed.KilledWorker):
            raise ServiceError(courier.target.url, "workers of the cluster died over and over") from error
        raise
    crew.carry_out(following)


def _shared_out(courier: Courier, steps: Iterable[Step]) -> tuple[list[Large], list[Step], list[Unit]]:
    """Begin large files; return those that go by parts, the files that go whole, and the work that is done from here."""
    larges: list[Large] = []
    whole: list[Step] = []
    here: list[Unit] = []
    for step in steps:
        large = courier.begin(step, in_order=False) if courier.goes_by_parts(step) else None
        if large is not None and not large.needs_order:
            larges.append(large)
        elif large is not None and step.action == "replace":
            here.append(courier.unit(step))
        else:
            whole.append(step)
    return larges, whole, here


def _batches(steps: Iterable[Step]) -> Iterator[tuple[Step, ...]]:
    """Yield files in groups that are worth a task."""
    batch: list[Step] = []
    for step in steps:
        batch.append(step)
        if len(batch) >= _BATCH or sum(each.file.size for each in batch) >= _BATCH_BYTES:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _carry(source: Storage, target: Storage, steps: Sequence[Step], full: bool) -> list[Carried]:  # noqa: FBT001 - a task's arguments are positional
    """Bring files, on a worker; return what is stored and its digests."""
    carried: list[Carried] = []
    crew = Crew(workers=_THREADS, memory=_MEMORY)
    with DigestBook() as book:
        courier = Courier(
            source,
            target,
            crew=crew,
            book=book,
            tally=Tally(len(steps), sum(step.file.size for step in steps), None),
            present={},
            workers=_THREADS,
            full=full,
            seen=math.inf,
            noting=lambda *each: carried.append(each),
        )
        crew.carry_out(map(courier.unit, steps))
    return carried


def _carry_part(source: Storage, part: Part) -> PartInfo:
    """Bring a part, on a worker."""
    patiently, alone = Patience(Crew(workers=1, memory=0)), Limiter(1)
    carrier = PartCarrier(source, Reader(source, carried=False), asking=alone, sending=alone, patiently=patiently)
    return carrier.bring(part)
