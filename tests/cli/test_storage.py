"""`modos storage …`: what a place can do, as a table and as JSON."""

import json

from modos.storage.doctor.facts import ABILITIES


def test_doctor(modos, place):
    """A table for people, with what was tried; nothing is left, and nothing said beside it."""
    result = modos("storage", "doctor", place.url, *place.options)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[1].startswith(place.url)
    for text in ABILITIES.values():
        assert sum(line.startswith(text) for line in lines) == 1
    assert next(line for line in lines if line.startswith(ABILITIES["ranges"])).split()[-2:] == ["yes", "tried"]
    assert place.content() == {}


def test_doctor_for_programs(modos, tmp_path):
    """JSON has the same; without writing, it is said on standard error what was not tried."""
    told = json.loads(modos("storage", "doctor", tmp_path, "--json").out)
    assert list(told["abilities"]) == list(ABILITIES)
    assert told["abilities"]["write"]["answer"] == "yes"
    assert told["notes"] == []
    quiet = modos("storage", "doctor", tmp_path, "--json", "--no-write")
    assert json.loads(quiet.out)["abilities"]["write"]["answer"] == "unknown"
    assert quiet.err == "modos: nothing was tried that writes: it was asked not to\n"


def test_doctor_tells_what_is_wrong(modos, place, tmp_path):
    """A place that is not there, and options for another kind of place, are one sentence and an exit code."""
    missing = modos("storage", "doctor", f"{place.url.rpartition('/')[0]}/t-not-there", *place.options)
    assert (missing.code, missing.out, missing.err.count("\n")) == (1, "", 1)
    misused = modos("storage", "doctor", tmp_path, "--anon")
    assert (misused.code, misused.out, misused.err.count("\n")) == (2, "", 1)
