"""Who takes which piece of work: as many at once as there are workers and memory for."""

import threading
import time

import pytest

from modos.errors import ServiceError
from modos.transfers.crew import Crew, Unit

MIB = 1024 * 1024
SECONDS = 20.0
WORKERS = 16


@pytest.mark.parametrize(("weight", "at_once"), [(16 * MIB, 6), (40 * MIB, 2), (90 * MIB, 1)])
def test_no_more_threads_ever_hold_much_than_there_is_memory_for(weight, at_once):
    """As many large units as there is memory for go beside small ones, always in the same threads."""
    together, threads = threading.Barrier(WORKERS), []

    def meet():
        together.wait(SECONDS)
        return ()

    def hold():
        threads.append(threading.current_thread().name)
        return meet() if len(threads) <= at_once else ()

    large, small = [Unit(hold, weight)] * (4 * at_once), [Unit(meet, 1)] * (WORKERS - at_once)
    Crew(workers=WORKERS, memory=100 * MIB).carry_out([*large, *small])
    assert set(threads) == {f"modos-transfer-{number}" for number in range(at_once)}


def test_a_unit_that_takes_more_than_there_is_goes_alone():
    """It is not left out for want of memory, and nothing else is under way meanwhile."""
    is_held, met = threading.Event(), []

    def pass_by():
        met.append(is_held.is_set())
        return ()

    def hold():
        pass_by()
        is_held.set()
        time.sleep(0.002)
        is_held.clear()
        return ()

    Crew(workers=WORKERS, memory=100 * MIB).carry_out([Unit(hold, 200 * MIB), Unit(pass_by, 1)] * 20)
    assert met == [False] * 40


def test_a_unit_that_cannot_say_what_it_was_fails_as_any_other(monkeypatch):
    """Nobody waits for its thread, which is gone."""
    monkeypatch.setattr(threading, "excepthook", lambda told: None)

    def fail():
        raise ServiceError("here", "broke")

    def name():
        raise ServiceError("here", "has no name")

    with pytest.raises(ServiceError, match="broke"):
        Crew(workers=2, memory=MIB).carry_out([Unit(fail, 1, name)])
