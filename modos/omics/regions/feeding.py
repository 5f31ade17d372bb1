"""Bytes from a storage to a library that reads files: fetched ahead by a thread, handed over through a pipe.

Owns the pipe, its thread, and what is fetched ahead. Must not know what the bytes are.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import groupby, islice
from types import TracebackType
from typing import Self

from modos.errors import IntegrityError
from modos.omics.files import Files
from modos.omics.regions.bgzf import MalformedError
from modos.omics.regions.planning import Piece, Stretch, batches

__all__ = ["Pipe", "fetched"]

_AHEAD = 2
"""How many batches are on their way while one is read."""


def fetched(storage: Files, target: str, stretches: Sequence[Stretch]) -> Generator[tuple[Stretch, Iterator[bytes]]]:
    """Yield stretches of a file in turn, each with its bytes piece by piece; a few megabytes are fetched ahead.

    Raises
    ------
    IntegrityError
        When the file is shorter than it was.
    """
    with closing(_ahead(lambda batch: _read(storage, target, batch), batches(stretches))) as arriving:
        pieces = (piece for batch in arriving for piece in batch)
        for number, parts in groupby(pieces, key=lambda part: part[0].stretch):
            yield stretches[number], (body for _, body in parts)


def _read(storage: Files, target: str, batch: Sequence[Piece]) -> list[tuple[Piece, bytes]]:
    bodies = storage.read_ranges(target, [(each.start, each.end) for each in batch])
    for each, body in zip(batch, bodies, strict=True):
        if len(body) != each.end - each.start:
            reason = (
                f"of the bytes {each.start:,} to {each.end:,} came {len(body):,}: the file was replaced or is cut off"
            )
            raise IntegrityError(storage.url_of(target), reason)
    return list(zip(batch, bodies, strict=True))


def _ahead[T, R](work: Callable[[T], R], tasks: Iterable[T]) -> Generator[R]:
    """Yield the results of work in order, some of it done ahead by threads; the only task is done by this one."""
    remaining = iter(tasks)
    first = list(islice(remaining, 2))
    if len(first) < 2:  # noqa: PLR2004 - threads pay from two on
        yield from map(work, first)
        return
    with ThreadPoolExecutor(_AHEAD + 1) as pool:
        pending: deque[Future[R]] = deque(pool.submit(work, task) for task in first)
        try:
            while pending:
                if len(pending) <= _AHEAD:
                    pending.extend(pool.submit(work, task) for task in islice(remaining, 1))
                yield pending.popleft().result()
        finally:
            for each in pending:
                each.cancel()


class Pipe:
    """Bytes as a file descriptor that another library reads; leave the block by its end, or early to give up.

    Parameters
    ----------
    content
        What to hand over; it is asked for by a thread.
    url
        The file that it comes from, for errors.
    """

    def __init__(self, content: Iterator[bytes], url: str) -> None:
        self._content = content
        self._url = url
        self._failure: BaseException | None = None
        self._reading = self._writing = -1
        self._thread = threading.Thread(target=self._fill, name="modos-regions", daemon=True)

    def __enter__(self) -> Self:
        self._reading, self._writing = os.pipe()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
        self._thread.join()

    def fileno(self) -> int:
        """Return the end to read from."""
        return self._reading

    def release(self) -> None:
        """Close this end; whoever reads has a copy of its own."""
        if self._reading >= 0:
            os.close(self._reading)
            self._reading = -1

    def check(self) -> None:
        """Raise what has kept the content from coming whole; wait for its end first, which the reader has seen."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _fill(self) -> None:
        try:
            for chunk in self._content:
                view = memoryview(chunk)
                while view:
                    view = view[os.write(self._writing, view) :]
        except BrokenPipeError:
            pass  # the reader has seen enough
        except MalformedError as error:
            self._failure = IntegrityError(self._url, str(error))
            self._failure.__cause__ = error
        except BaseException as error:  # noqa: BLE001 - it is raised where the content is read
            self._failure = error
        finally:
            os.close(self._writing)
            close = getattr(self._content, "close", None)
            if close is not None:
                with suppress(ValueError):
                    close()
