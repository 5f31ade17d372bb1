"""The threads of a transfer: units of work taken in order, as many at once as workers and memory allow.

Owns who works on what, and stopping. Must not know what a unit does.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Crew", "Stopped", "Unit"]

_PATIENCE = 1.0
"""Seconds that an interrupt or a failure waits for the units under way to end."""

_LARGE = 4 * 1024 * 1024
"""Bytes of memory from which on a unit is large: the first half of the workers prefer these, the others small ones."""


class Stopped(Exception):  # noqa: N818 - not an error: another unit's failure ends this one
    """Ends a unit that is under way when the transfer has failed elsewhere, or was interrupted."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work for one thread.

    Attributes
    ----------
    work
        Does it, and returns the units that follow from it.
    weight
        Bytes of memory that it takes.
    note
        Returns what is told of an error beside the error itself.
    """

    work: Callable[[], Iterable["Unit"]]
    weight: int
    note: Callable[[], str] = str


class Crew:
    """Workers, who begin as soon as there is work and end when there is none, or when one of them fails.

    Parameters
    ----------
    workers
        Units at once.
    memory
        Bytes that the units under way take together; one that takes more goes alone.

    Examples
    --------
    >>> crew, done = Crew(workers=2, memory=100), []
    >>> last = Unit(lambda: done.append("last") or (), 1)
    >>> crew.carry_out([Unit(lambda: done.append("first") or [last], 1)])
    >>> done
    ['first', 'last']
    """

    def __init__(self, *, workers: int, memory: int) -> None:
        self._workers = workers
        self._memory = memory
        self._turn = threading.Condition()
        self._lanes: tuple[deque[Unit], deque[Unit]] = (deque(), deque())
        self._under_way = 0
        self._held = 0
        self._failures: list[BaseException] = []
        self._stopping = threading.Event()

    def go_on(self) -> None:
        """Return unless the crew is stopping.

        Raises
        ------
        Stopped
            When it is.
        """
        if self._stopping.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the crew works."""
        self._stopping.wait(seconds)
        self.go_on()

    def carry_out(self, units: Iterable[Unit]) -> None:
        """Return when all units, and all that follow from them, are done; raise the first failure."""
        self._add(units)
        count = sum(map(len, self._lanes))
        if not count:
            return
        count = self._workers if self._lanes[0] else min(self._workers, count)
        threads = [
            threading.Thread(target=self._work, args=(number,), name=f"modos-transfer-{number}", daemon=True)
            for number in range(count)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(1.0)
        except BaseException:  # Ctrl-C
            self._stop()
            self._leave(threads)
            raise
        if self._failures:
            raise self._failures[0]

    def _leave(self, threads: Iterable[threading.Thread]) -> None:
        """Wait a moment for those who are about to end; the others do no more than end what they have begun."""
        timer = threading.Event()
        waiting = threading.Timer(_PATIENCE, timer.set)
        waiting.daemon = True
        waiting.start()
        for thread in threads:
            while thread.is_alive() and not timer.is_set():
                thread.join(0.02)
        waiting.cancel()

    def _add(self, units: Iterable[Unit], *, first: bool = False) -> None:
        """Let units wait, in their order: behind the others, or before them when they follow from one that was begun."""
        lanes: tuple[list[Unit], list[Unit]] = ([], [])
        for unit in units:
            lanes[0 if unit.weight >= _LARGE else 1].append(unit)
        for waiting, added in zip(self._lanes, lanes, strict=True):
            if first:
                waiting.extendleft(reversed(added))
            else:
                waiting.extend(added)

    def _stop(self) -> None:
        with self._turn:
            self._stopping.set()
            self._turn.notify_all()

    def _work(self, number: int) -> None:
        while (unit := self._take(number)) is not None:
            more: Iterable[Unit] = ()
            try:
                more = list(unit.work())
            except Stopped:
                pass
            except BaseException as error:  # noqa: BLE001 - told by whoever waits
                self._failures.append(error)
                self._stop()
                if note := unit.note():
                    error.add_note(note)
            with self._turn:
                self._add(more, first=True)
                self._under_way -= 1
                self._held -= unit.weight
                self._turn.notify_all()

    def _take(self, number: int) -> Unit | None:
        """Return the next unit for a worker, of the preferred lane if there is one; `None` when there will be none."""
        large, small = self._lanes
        with self._turn:
            while not self._stopping.is_set():
                for waiting in (large, small) if number < self._workers / 2 else (small, large):
                    if waiting and self._has_room(waiting[0], number):
                        unit = waiting.popleft()
                        self._under_way += 1
                        self._held += unit.weight
                        return unit
                if not self._under_way and not any(self._lanes):
                    return None
                self._turn.wait()
            return None

    def _has_room(self, unit: Unit, number: int) -> bool:
        """Tell whether a worker may take a unit now; large ones go to the first alone, as many as there is memory for.

        An allocator keeps memory for each thread that ever held much: in turn, all of them would come to hold it at once.
        """
        if unit.weight >= _LARGE and number > 0 and (number + 1) * unit.weight > self._memory:
            return False
        return self._held == 0 or self._held + unit.weight <= self._memory
