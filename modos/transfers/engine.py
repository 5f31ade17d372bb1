"""A transfer: the plan carried out by several threads, the file that makes the rest count last.

Owns the order of the steps, concurrency, retries and stopping. Must not know zarr, metadata, or any backend.
"""

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from modos.errors import IntegrityError, InvalidInputError, ReadOnlyError
from modos.storage.base import ROOT_DOCUMENT, Storage
from modos.storage.info import ObjectInfo
from modos.transfers.copying import copy_file, digest_of
from modos.transfers.plan import Leftovers, plan_transfer
from modos.transfers.progress import Progress, Tally

__all__ = ["Report", "transfer"]

WORKERS = 8
"""Files copied at a time unless the caller says otherwise."""

_PATIENCE = 1.5
"""Seconds that an interrupt waits for the files under way to end."""


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
        Name of every file to the BLAKE2b of its bytes, in hex.
    """

    files: int
    bytes: int
    removed: int
    seconds: float
    digests: Mapping[str, str] = field(hash=False, repr=False)


def transfer(
    source: Storage,
    target: Storage,
    *,
    commit: str | None = ROOT_DOCUMENT,
    leftovers: Leftovers = "keep",
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Copy all files of a storage to another, verified, one file that makes them count last.

    Every file is compared with the source's listing as it is read, and again at the target: by the MD5 that the
    service computed, or else by reading it back. What does not match is copied once more and then fails the transfer.
    The first failure stops the others; the same call made again begins anew. Until the file named by `commit` is
    there, a new target is not an object; one that is replaced keeps its old one until then, over files of which some
    may be new. The source is only read.

    Memory is bounded by the number of workers, whatever the size of the files.

    Parameters
    ----------
    source, target
        From where, and to where, under the same names.
    commit
        Name of the file that makes the others count, which is copied last and must not change meanwhile; `None` when
        there is none such.
    leftovers
        Whether to `"keep"` or, when all is done, to `"remove"` what is at the target and not at the source.
    workers
        Files copied at a time; `None` for 8.
    progress
        Told of every advance, one call at a time, from the thread that made it; what it raises fails the transfer.
        `None` for nobody.

    Raises
    ------
    InvalidInputError
        When the two are the same place, or one is inside the other, or there is no worker. Nothing was touched.
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
    if workers is not None and workers < 1:
        raise InvalidInputError(f"{workers} workers cannot copy anything; give 1 or more")
    _refuse_overlap(source, target)
    if target.read_only:
        raise ReadOnlyError(target.url)
    began = perf_counter()
    expected = {} if commit is None else {commit: digest_of(source, source.stat(commit))}
    plan = plan_transfer(source.scan(), target.scan(), commit=commit, leftovers=leftovers)
    crew = _Crew(source, target, workers or WORKERS, Tally(plan.files, plan.bytes, progress), expected)
    crew.copy(plan.files_to("create"))
    crew.copy(plan.files_to("replace"))
    crew.copy(plan.files_to("commit"))
    removed = plan.files_to("remove")
    target.remove_many(info.path for info in removed)
    return Report(plan.files, plan.bytes, len(removed), perf_counter() - began, crew.digests)


class _Stopped(Exception):  # noqa: N818 - not an error: another file's failure ends this one
    """Ends a file that is under way when the transfer has failed elsewhere."""


class _Crew:
    """The threads of one transfer, and what they found."""

    def __init__(
        self, source: Storage, target: Storage, workers: int, tally: Tally, expected: Mapping[str, str]
    ) -> None:
        self.digests: dict[str, str] = {}
        self._source = source
        self._target = target
        self._workers = workers
        self._tally = tally
        self._expected = expected
        self._stop = threading.Event()
        self._failures: list[BaseException] = []

    def copy(self, files: Iterable[ObjectInfo]) -> None:
        """Copy files, as many at a time as there are workers; return when all are verified, raise the first failure."""
        waiting = deque(files)
        if not waiting:
            return
        count = min(self._workers, len(waiting))
        pool = ThreadPoolExecutor(count, thread_name_prefix="modos-transfer")
        running: list[Future[None]] = []
        try:
            running += (pool.submit(self._work, waiting) for _ in range(count))
            wait(running)
        except BaseException:  # Ctrl-C
            self._stop.set()
            wait(running, timeout=_PATIENCE)
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        if self._failures:
            raise self._failures[0]

    def _work(self, waiting: deque[ObjectInfo]) -> None:
        while waiting and not self._stop.is_set():
            try:
                file = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                self._copy(file)
            except _Stopped:
                return
            except BaseException as error:
                error.add_note(f"while copying {self._source.url_of(file.path)} to {self._target.url_of(file.path)}")
                self._failures.append(error)
                self._stop.set()
                raise

    def _copy(self, file: ObjectInfo) -> None:
        name = str(file.path)
        try:
            digest = self._attempt(file)
        except IntegrityError:
            self._tally.restarted(name)
            digest = self._attempt(file)
        self.digests[name] = digest
        self._tally.finished(name)

    def _attempt(self, file: ObjectInfo) -> str:
        name = str(file.path)

        def watch(size: int) -> None:
            if self._stop.is_set():
                raise _Stopped
            if size:
                self._tally.moved(name, size)

        return copy_file(self._source, self._target, file, watch, expected=self._expected.get(name))


def _refuse_overlap(source: Storage, target: Storage) -> None:
    if _holds(source, target) or _holds(target, source):
        raise InvalidInputError(f"{source.url} and {target.url} are the same place, or one is inside the other")


def _holds(outer: Storage, inner: Storage) -> bool:
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
