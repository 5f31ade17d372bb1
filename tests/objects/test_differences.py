"""What differs between two states of an object, for people and for programs."""

import json

import pytest

from modos import Difference
from modos.model import ElementId
from modos.objects.differences import ArrayChange, FileChange, SlotChange
from modos.objects.snapshot import Snapshot

OBJECT = {"@type": "MODO", "id": "ex", "last_update_date": "2024-01-17"}
SAMPLE = ElementId("sample", "s1")


def array(*shape: int) -> dict:
    return {"node_type": "array", "shape": [*shape], "data_type": "int64"}


def test_nothing_differs_from_itself():
    """Not even the date of the last edit, where it is not to count."""
    before = Snapshot("ex", OBJECT, {SAMPLE: {"@type": "Sample"}}, {"sample/s1/x": array(3)})
    later = Snapshot("ex", {**OBJECT, "last_update_date": "2025-01-17"}, before.elements, before.others)
    assert Difference.between(before, before).is_empty
    assert not Difference.between(before, later).is_empty
    difference = Difference.between(before, later, dates=False)
    assert (difference.is_empty, difference.describe(), difference.summary()) == (
        True,
        "",
        "0 added, 0 changed, 0 removed",
    )


def test_a_new_object_is_all_added_and_one_that_is_gone_all_removed():
    """With every slot of it."""
    there, gone = Snapshot("ex", OBJECT, {SAMPLE: {"@type": "Sample", "sex": "Male"}}), Snapshot("ex", exists=False)
    assert str(Difference.between(gone, there)) == (
        "+ ex (MODO)\n    last_update_date: '2024-01-17'\n+ sample/s1 (Sample)\n    sex: 'Male'"
    )
    assert str(Difference.between(there, gone)) == "- ex (MODO)\n- sample/s1 (Sample)"
    assert Difference.between(there, gone).elements[1].slots == (SlotChange("sex", "Male", None),)


def test_arrays_differ_by_shape_and_type():
    """Added, changed, removed; groups that are no arrays do not count."""
    before = Snapshot("ex", OBJECT, {}, {"data/d/a": array(3), "data/d/b": array(3), "data/d": {"node_type": "group"}})
    after = Snapshot("ex", OBJECT, {}, {"data/d/b": array(4), "data/d/c": array(2, 2)})
    difference = Difference.between(before, after)
    assert difference.arrays == (
        ArrayChange("data/d/a", "removed", "(3) int64", None),
        ArrayChange("data/d/b", "changed", "(3) int64", "(4) int64"),
        ArrayChange("data/d/c", "added", None, "(2, 2) int64"),
    )
    assert difference.describe().splitlines()[1] == "~ array data/d/b: (3) int64 -> (4) int64"
    assert difference.summary().endswith("; 3 arrays")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (None, "a", "slot: 'a'"),
        ("a", None, "slot: 'a' -> not set"),
        ("a", "b", "slot: 'a' -> 'b'"),
        (["a", "b"], ["b", "c"], "slot: - 'a', + 'c'"),
        (["a", "b"], ["b", "a"], "slot: ['a', 'b'] -> ['b', 'a']"),
        (["a", "b"], ["b", "a", "c"], "slot: ['a', 'b'] -> ['b', 'a', 'c']"),
        (None, list("abcdefghijkl"), f"slot: [{', '.join(map(repr, 'abcdefghij'))}, and 2 more]"),
        ([], list("abcdefghijkl"), f"slot: {', '.join(f'+ {each!r}' for each in 'abcdefghij')}, and 2 more"),
        (None, "x" * 1000, f"slot: '{'x' * 37}...{'x' * 38}'"),
        (None, "\x1b[2J", "slot: '\\x1b[2J'"),
    ],
)
def test_a_slot_is_one_line(before, after, line):
    """Old and new; members of lists that come and go; however long or strange a value is."""
    assert str(SlotChange("slot", before, after)) == line


def test_programs_get_all_of_it():
    """JSON holds each value in full, and files by name."""
    files = [FileChange("b", "removed", 5, "data/d"), FileChange("a", "stored", 7, "data/d", "file:a")]
    difference = Difference.between(Snapshot("ex", OBJECT), Snapshot("ex", {**OBJECT, "name": "x" * 1000})).with_files(
        files
    )
    said = json.loads(difference.to_json())
    assert said["elements"][0]["slots"] == [{"slot": "name", "before": None, "after": "x" * 1000}]
    assert [each["path"] for each in said["files"]] == ["a", "b"]
    assert difference.summary() == "0 added, 1 changed, 0 removed; 1 file stored (7 bytes); 1 file removed (5 bytes)"
