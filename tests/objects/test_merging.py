"""How edits of several writers become one, as values: deltas, their inverse, clashes, and which commits are contained."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modos.errors import DamagedObjectError, UnsupportedFormatError
from modos.model import ElementId
from modos.objects.history.commits import HORIZON, Contained, is_commit_id, new_commit_id, time_of
from modos.objects.history.deltas import Delta, applied, difference
from modos.objects.history.merging import merged
from modos.objects.history.records import Files, Record
from modos.objects.history.slots import Links, change_of_slot
from modos.objects.snapshot import Snapshot

A, B, C = (ElementId("sample", name) for name in "abc")
ASSAY = ElementId("assay", "x")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def said(elements, others=None, **own):
    return Snapshot("memory://ex", {"@type": "MODO", "id": "ex", **own}, elements, others or {})


def sample(**slots):
    return {"@type": "Sample", **slots}


def assay(*samples):
    links = {"has_sample": [f"sample/{each}" for each in samples]} if samples else {}
    return {"@type": "Assay", **links}


BASE = said({A: sample(sex="Male"), B: sample(), ASSAY: assay("a")}, {"sample/a/array": {"node_type": "array"}})


def together(ours, theirs, base=BASE):
    """Make two edits of one base one after the other, and return the state and what clashed."""
    state, first = applied(difference(base, theirs), base)
    assert first == ()
    return applied(difference(base, ours), state)


MERGING = {
    "different slots": (
        {A: sample(sex="Male", name="n")},
        {A: sample(sex="Female")},
        {A: sample(name="n", sex="Female")},
    ),
    "different elements": ({B: sample(name="n")}, {C: sample()}, {B: sample(name="n"), C: sample()}),
    "the same value": ({A: sample(sex="Female")}, {A: sample(sex="Female")}, {A: sample(sex="Female")}),
    "the same element": ({C: sample()}, {C: sample()}, {C: sample()}),
    "the same removal": ({B: None}, {B: None}, {B: None}),
    "links come": ({ASSAY: assay("a", "b")}, {C: sample(), ASSAY: assay("a", "c")}, {ASSAY: assay("a", "c", "b")}),
    "links go": ({ASSAY: assay()}, {ASSAY: assay("a", "b")}, {ASSAY: assay("b")}),
    "a link to what goes": ({B: None}, {ASSAY: assay("a", "b")}, {ASSAY: assay("a")}),
    "links of what goes": ({A: None, ASSAY: assay()}, {ASSAY: None}, {A: None, ASSAY: None}),
    "what links goes": ({ASSAY: None}, {A: None, ASSAY: assay()}, {A: None, ASSAY: None}),
}
CLASHING = {
    "one slot": ({A: sample(sex="Female")}, {A: sample()}, ("sample/a", "sex", "Female", None)),
    "one id": ({C: sample(name="1")}, {C: sample(name="2")}, ("sample/c", None, sample(name="1"), sample(name="2"))),
    "changed, removed": ({B: sample(name="1")}, {B: None}, ("sample/b", "name", "1", None)),
    "removed, changed": ({B: None}, {B: sample(name="1")}, ("sample/b", None, None, sample(name="1"))),
    "linked, removed": ({ASSAY: assay("a", "b")}, {B: None}, ("assay/x", "has_sample", "sample/b", None)),
    "new and linked, removed": (
        {ElementId("assay", "y"): assay("b")},
        {B: None},
        ("assay/y", "has_sample", "sample/b", None),
    ),
}


def changed(changes, base=BASE):
    elements = {each: value for each, value in {**base.elements, **changes}.items() if value is not None}
    others = {
        path: document for path, document in base.others.items() if ElementId.parse(path.rpartition("/")[0]) in elements
    }
    return said(elements, others)


@pytest.mark.parametrize("case", MERGING)
def test_edits_that_do_not_clash_are_both_made(case):
    """Slots, elements and members of link lists are merged; saying the same twice is no clash."""
    ours, theirs, expected = MERGING[case]
    state, clashes = together(changed(ours), changed(theirs))
    assert clashes == ()
    for element, attributes in expected.items():
        assert state.elements.get(element) == attributes


@pytest.mark.parametrize("case", CLASHING)
def test_edits_that_clash_are_told_with_both_values(case):
    """Place, slot, what was wanted, and what there is."""
    ours, theirs, expected = CLASHING[case]
    _, (clash,) = together(changed(ours), changed(theirs))
    assert (clash.place, clash.slot, clash.ours, clash.theirs) == expected


def test_documents_of_arrays_are_merged_by_path():
    """Two arrays come; one that both change is a clash; one in an element that is gone is a clash."""
    one, other = ({"node_type": "array", "shape": [size]} for size in (1, 2))
    path = "sample/a/array"
    state, clashes = together(
        said(BASE.elements, {**BASE.others, "sample/a/x": one}),
        said(BASE.elements, {**BASE.others, "sample/b/y": other}),
    )
    assert (clashes, state.others.keys()) == ((), {path, "sample/a/x", "sample/b/y"})
    _, (clash,) = together(said(BASE.elements, {path: one}), said(BASE.elements, {path: other}))
    assert (clash.place, clash.ours, clash.theirs) == (path, one, other)
    _, (clash,) = together(said(BASE.elements, {**BASE.others, "sample/b/y": one}), changed({B: None}))
    assert (clash.place, clash.theirs) == ("sample/b/y", None)


def test_what_others_have_tied_to_a_renamed_element_clashes_and_is_not_lost():
    """A link names the new id, and that of its inverse the old one again; with an array that came the element stays, whole."""
    renaming = replace(difference(BASE, changed({B: None, C: sample()})), renamed={B: C})
    record = Record(new_commit_id(), "ada", renaming)
    assert Record.parse(record.dump(), "memory://ex") == record
    linked = changed({ASSAY: assay("a", "b")})
    state, (clash,) = applied(renaming, linked)
    assert (clash.place, clash.slot, clash.ours, clash.theirs) == ("assay/x", "has_sample", "sample/c", "sample/b")
    assert state.elements[ASSAY] == assay("a", "c")
    assert applied(renaming.inverse(), state)[0] == linked
    path, document = "sample/b/y", {"node_type": "array"}
    state, (clash,) = applied(renaming, said(BASE.elements, {**BASE.others, path: document}))
    assert (clash.place, clash.theirs) == (path, document)
    assert (state.elements[B], state.others[path]) == (sample(), document)


def test_what_others_have_removed_does_not_come_back_under_another_id():
    """Its renaming clashes, once, and nothing is there; when it is there under the new id, that is made already."""
    renaming = replace(difference(BASE, changed({B: None, C: sample()})), renamed={B: C})
    gone = changed({B: None})
    state, clashes = applied(renaming, gone)
    assert [(each.place, each.slot, each.ours, each.theirs) for each in clashes] == [("sample/b", None, sample(), None)]
    assert state.elements == gone.elements
    made = changed({B: None, C: sample()})
    assert applied(renaming, made) == (made, ())


elements = st.dictionaries(
    st.sampled_from([A, B, C, ASSAY]),
    st.fixed_dictionaries(
        {"@type": st.just("Sample")},
        optional={
            "name": st.sampled_from("xyz"),
            "has_sample": st.lists(st.sampled_from(["sample/a", "sample/b", "sample/c"]), unique=True, min_size=1),
        },
    ),
)


def whole(state):
    """Return a state without links that lead nowhere, as every edit leaves it."""
    known = {str(each) for each in state}
    found = {}
    for element, attributes in state.items():
        links = [each for each in attributes.get("has_sample", []) if each in known]
        found[element] = {key: value for key, value in {**attributes, "has_sample": links}.items() if value}
    return said(found)


@given(elements, elements)
def test_a_delta_leads_there_and_back(one, other):
    """Applied to the state before, it gives the state after, in a record as well; its inverse the state before."""
    before, after = whole(one), whole(other)
    delta = difference(before, after)
    record = Record(new_commit_id(), "ada", delta, files=Files(stored={"x": None}, replaced={"y": ("1", "2")}))
    assert Record.parse(record.dump(), "memory://ex") == record
    assert applied(delta, before) == (after, ())
    assert applied(delta, after)[0] == after
    assert applied(delta.inverse(), after) == (before, ())
    assert delta.is_empty == (before == after)


@given(elements, elements, elements)
def test_an_edit_of_what_it_was_planned_on_comes_to_what_was_planned(one, other, third):
    """Which is found without looking for clashes, as if they were looked for; of another state it comes to what it does."""
    before, after, meanwhile = whole(one), whole(other), whole(third)
    delta = difference(before, after)
    planned = replace(delta, between=(before, after))
    result, clashes = applied(planned, before)
    assert (result, clashes) == applied(delta, before)
    assert result.elements is after.elements
    assert applied(planned, meanwhile) == applied(delta, meanwhile)


@given(elements, elements, elements)
@settings(max_examples=60)
def test_edits_that_do_not_clash_give_the_same_in_any_order(one, two, three):
    """Two writers, two readers: whoever came first, both end with the same elements, slots and sets of links."""
    base, ours, theirs = whole(one), whole(two), whole(three)
    first, clashes = together(ours, theirs, base)
    other, others = together(theirs, ours, base)
    if clashes == others == ():
        assert as_sets(first) == as_sets(other)


def as_sets(state):
    return {
        element: {slot: frozenset(value) if isinstance(value, list) else value for slot, value in attributes.items()}
        for element, attributes in state.elements.items()
    }


def test_a_long_list_of_links_is_recorded_by_what_came():
    """Not by the whole list, which would make the log of N edits as large as N times N."""
    before = [f"sample/s{number}" for number in range(10_000)]
    change = change_of_slot("has_sample", before, [*before, "sample/new"])
    assert change == Links(added=((None, "sample/new"),))
    assert change.inverse().made_in([*before, "sample/new"]) == before


def test_ids_sort_by_time_and_follow_what_is_known():
    """A clock that is slow does not put an edit before one that it was planned on."""
    ids = [new_commit_id(now=NOON + timedelta(microseconds=number)) for number in range(5)]
    assert ids == sorted(ids)
    assert all(map(is_commit_id, ids))
    late = new_commit_id(ids[-1], now=NOON - timedelta(hours=5))
    assert late > ids[-1]
    assert time_of(late) == NOON + timedelta(microseconds=5)
    floor = Contained.parse(None, {"last_update_date": "2026-11-21T14:00:00+02:00"}).floor
    assert ids[0] < floor < new_commit_id(floor, now=NOON)


def test_a_root_names_what_it_contains_for_an_hour_and_500_edits():
    """All before the floor counts as contained; the floor rises, and never falls."""
    old, *young = (new_commit_id(now=NOON + timedelta(seconds=number)) for number in (0, 3590, 3599))
    contained = Contained().with_commits([old, *young])
    assert (contained.floor, contained.commits) == ("", {old, *young})
    assert contained.lacking([old, "99991121T120000.000000Z-00000000"]) == ["99991121T120000.000000Z-00000000"]
    newest = new_commit_id(now=NOON + HORIZON + timedelta(seconds=1))
    later = contained.with_commits([newest])
    assert (later.floor, later.commits, later.newest) == (old, {*young, newest}, newest)
    assert old in later
    assert Contained.parse(json.loads(json.dumps(later.dump())), {}) == later
    many = later.with_commits(
        [new_commit_id(now=NOON + HORIZON + timedelta(seconds=2, milliseconds=number)) for number in range(600)]
    )
    assert len(many.commits) == 500
    assert all(each in many for each in (old, *young, newest))


@pytest.mark.parametrize(
    "log", [None, {}, {"floor": 3, "contains": []}, {"floor": "zzz", "contains": []}, {"floor": ""}]
)
def test_a_root_of_another_program_has_seen_the_edits_until_its_date(log):
    """What it says of the log is dropped or damaged: the date it kept tells."""
    contained = Contained.parse(log, {"last_update_date": "2026-11-21T12:00:00+00:00"})
    assert new_commit_id(now=NOON + timedelta(milliseconds=999)) in contained
    assert new_commit_id(now=NOON + timedelta(seconds=1)) not in contained
    assert Contained.parse(log, {"last_update_date": "lately"}) == Contained()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": "2"}',
        b'{"format": 0}',
        b'{"format": 1, "id": "x"}',
        b'{"format": 1, "id": "x", "author": "", "tool": "", "parents": [], "changed": 3}',
    ],
)
def test_what_is_no_record_is_damaged(body):
    """An error that names the file, whatever is wrong."""
    with pytest.raises(DamagedObjectError, match="memory://ex/log"):
        Record.parse(body, "memory://ex/log")


def test_a_record_of_a_later_format_is_told_from_a_damaged_one():
    """Another error, which names the file as well: it is read by a newer release."""
    with pytest.raises(UnsupportedFormatError, match=r"memory://ex/log.*format 2.*newer release"):
        Record.parse(b'{"format": 2}', "memory://ex/log")


def test_of_two_that_clash_the_first_is_kept_and_the_rest_of_both():
    """As they are merged by a third: what is in the root, else the smaller name; what does not clash is made."""
    one, two = (new_commit_id(now=NOON + timedelta(seconds=number)) for number in (1, 2))
    records = [
        Record(two, "b", difference(BASE, changed({A: sample(sex="Male", name="2"), C: sample()}))),
        Record(one, "a", difference(BASE, changed({A: sample(sex="Male", name="1")}))),
    ]
    found = merged(BASE, records).said
    assert found.elements[A] == sample(sex="Male", name="1")
    assert C in found.elements
    assert found.contained.commits == {one, two}
    assert found.attributes["last_update_date"] == "2026-11-21T12:00:02+00:00"
    assert merged(found, [], [records[1]]).said.elements[A] == sample(sex="Male")


def test_without_an_object_only_its_creation_counts():
    """Records that were left where an object was make none."""
    nothing = Snapshot("memory://ex", exists=False)
    record = Record(new_commit_id(), "a", Delta(added={A: sample()}))
    assert not merged(nothing, [record]).said.exists
