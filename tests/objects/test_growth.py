"""What an edit of a large object does: no more than of a small one, but for writing its root document."""

import copy
import gc
import itertools
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modos import MODO
from modos.errors import DamagedObjectError, DanglingLinkError
from modos.model import ElementId, links_of, without_links_to
from modos.model.links import names_of, new_links
from modos.objects.checks.statements import statement_findings
from modos.objects.editing.files import FileNames
from modos.objects.history.deltas import applied, difference
from modos.objects.mentions import Mentions, Table, differing
from modos.objects.snapshot import Snapshot
from modos.storage import LOG, ROOT_DOCUMENT, LocalStorage

TABLES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["", "x", "x y", "y z", "z"]))


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """Count the calls that this thread makes, of functions of Python and of C."""
    calls = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(None)


def data(name: str, sample: str = "s1") -> dict[str, object]:
    path = f"reads/{name}.cram"
    return {"@type": "DataEntity", "id": name, "data_path": path, "data_format": "CRAM", "has_sample": [sample]}


def grown(folder, size: int) -> MODO:
    """Return an object of samples, each with data, and an assay."""
    modo = MODO.create(folder / str(size), id="ex")
    with modo.edit() as edit:
        edit.add({"@type": "Assay", "id": "assay1", "omics_type": ["GENOMICS"]})
        for number in range(size // 2):
            edit.add({"@type": "Sample", "id": f"s{number}"})
            edit.add(data(f"d{number}", f"s{number}"))
    return modo


EDITS: Mapping[str, Callable[[MODO, str], object]] = {
    "an element": lambda modo, name: modo.add_element({"@type": "Sample", "id": name, "sex": "Male"}),
    "an element with a file name": lambda modo, name: modo.add_element(data(name)),
    "a part of another": lambda modo, name: modo.add_element({"@type": "Sample", "id": name}, part_of="assay1"),
    "a part of the object": lambda modo, name: modo.add_element(
        {"@type": "Assay", "id": name, "omics_type": ["GENOMICS"]}, part_of="ex"
    ),
    "a slot": lambda modo, name: modo.update_element("s1", {"description": name}),
    "another file name": lambda modo, name: modo.update_element("data/d2", {"data_path": f"{name}.cram"}),
    "a removal": lambda modo, name: modo.remove_element({"first": "s3", "second": "s4"}[name]),
    "a removal of data": lambda modo, name: modo.remove_element({"first": "d3", "second": "d4"}[name]),
    "another id": lambda modo, name: modo.rename_element("s5" if name == "first" else "first", name),
}


@pytest.fixture
def iterated(monkeypatch) -> list[int]:
    """The sizes of all tables that are gone through from the beginning, also where no call of Python tells of it."""
    sizes = []

    def note(table):
        sizes.append(len(table))
        return iter(table.keys())

    monkeypatch.setattr(Table, "__iter__", note)
    return sizes


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_goes_through_no_table_of_elements(tmp_path, kind, iterated):
    """What differs from one state to the next is known from what was touched: tables of all elements are only copied."""
    modo = grown(tmp_path, 60)
    EDITS[kind](modo, "first")
    iterated.clear()
    EDITS[kind](modo, "second")
    assert max(iterated, default=0) < 10


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_copies_a_table_of_elements_once(tmp_path, kind, monkeypatch):
    """To plan on; what comes of that is what the object says afterwards, where nobody has edited it meanwhile."""
    modo = grown(tmp_path, 60)
    EDITS[kind](modo, "first")
    copied, init = [], Table.__init__

    def note(table, items=()):
        init(table, items)
        copied.append(len(table))

    monkeypatch.setattr(Table, "__init__", note)
    EDITS[kind](modo, "second")
    assert len([size for size in copied if size > 50]) == 1


@pytest.mark.parametrize("kind", list(EDITS)[:5])
def test_an_edit_that_looks_for_no_files_leaves_nothing_to_the_garbage_collector(tmp_path, kind):
    """Which would find, whenever it ran, a root document and tables of all elements for each edit since."""
    modo = grown(tmp_path, 8)
    EDITS[kind](modo, "first")
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        EDITS[kind](modo, "second")
        gc.collect()
        left = list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    # before 3.13 the encoder of JSON left itself whenever it had to indent, and nothing of what it encoded
    closures = {"cell", "function", "method", "tuple", "JSONEncoder"}
    assert [each for each in left if each != {} and type(each).__name__ not in closures] == []
    assert left == [] or sys.version_info < (3, 13)


def test_the_root_document_is_not_read_where_it_is_as_it_was_left(tmp_path, monkeypatch):
    """On a disk that is slow enough for the clock of the file system to move on while a document is written out."""
    pytest.importorskip("fcntl")
    modo = grown(tmp_path, 8)
    read, reads = LocalStorage.read, []
    monkeypatch.setattr(LocalStorage, "read", lambda self, name, *span: reads.append(name) or read(self, name, *span))
    monkeypatch.setattr(os, "fsync", lambda _: time.sleep(0.02))
    others = MODO(modo.path)
    for times, writer in ((1, others), (0, others), (1, modo), (0, modo), (1, others)):
        reads.clear()
        EDITS["an element"](writer, f"new{time.time_ns()}")
        assert (reads.count(ROOT_DOCUMENT) > 0) == times


def test_what_a_program_without_a_log_has_written_in_place_is_seen_at_once(tmp_path):
    """However soon after an edit, and though it is as long as before."""
    modo = grown(tmp_path, 8)
    place = modo.path / ROOT_DOCUMENT
    for number in range(30):
        modo.update_element("s1", {"description": "ours", "name": f"name {number:04}"})
        body = place.read_bytes()
        with place.open("r+b") as file:
            file.write(body.replace(b'"ours"', b'"past"'))
        modo.update_element("s2", {"name": f"name {number}"})
        assert modo.metadata["sample/s1"]["description"] == "past"


def test_the_log_is_not_listed_where_nobody_has_had_a_turn_since(tmp_path, monkeypatch):
    """On a disk that is slow enough for the clock of the file system to move on while an edit is made; its first one looks."""
    pytest.importorskip("fcntl")
    modo = grown(tmp_path, 8)
    listed, listdir = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda place: listed.append(place) or listdir(place))
    monkeypatch.setattr(os, "fsync", lambda _: time.sleep(0.02))
    time.sleep(0.02)
    others = MODO(modo.path)
    for looks, writer in ((1, others), (0, others), (1, modo), (1, others), (0, others)):
        listed.clear()
        EDITS["an element"](writer, f"new{time.time_ns()}")
        assert listed == looks * [modo.path / LOG]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_makes_as_many_calls_in_a_large_object(tmp_path, kind):
    """Among 1,000 elements as among 16, but for finding the place of a line: nothing is done once for each element."""
    calls = {}
    for size in (16, 1000):
        modo = grown(tmp_path, size)
        EDITS[kind](modo, "first")  # which reads the document and looks through all names once
        with counted() as count:
            EDITS[kind](modo, "second")
            calls[size] = count()
    assert calls[1000] < calls[16] + 400


@pytest.mark.thorough
def test_links_are_added_one_by_one_to_very_many(tmp_path):
    """An element of 500 links gets one more: what is done for each link is done a few times, not once for each other link."""
    calls = {}
    for size in (10, 500):
        modo = grown(tmp_path, 2 * size)
        modo.update_element("assay1", {"has_sample": [f"sample/s{number}" for number in range(size)]})
        with counted() as count:
            modo.add_element({"@type": "Sample", "id": "new"}, part_of="assay1")
            calls[size] = count()
        assert modo.metadata["assay/assay1"]["has_sample"][-1] == "sample/new"
    assert calls[500] < calls[10] + 20 * 500


@pytest.mark.thorough
def test_links_that_lead_nowhere_are_found_one_as_fast_as_the_other(tmp_path):
    """Four times as many among four times as many elements take four times as long; for the first of them near ids are told."""
    calls = {}
    for size in (200, 800):
        root = Snapshot.read(grown(tmp_path, size).storage).root()
        lost = {f"data/d{number}": {**data(f"d{number}"), "has_sample": [f"s{number}x"]} for number in range(size // 2)}
        members = root.members | {path: {**root.members[path], "attributes": lost[path]} for path in lost}
        with counted() as count:
            found = [*statement_findings("ex", replace(root, members=members))]
            calls[size] = count()
        links = [each for each in found if each.code == "dangling-link"]
        assert [each.value for each in links] == [f"s{number}x" for number in sorted(range(size // 2), key=str)]
        assert "'s0x', which is not in the object; did you mean 'sample/s0' or" in links[0].what
    assert calls[800] < 5 * calls[200]


@pytest.mark.thorough
def test_renamings_are_merged_one_as_fast_as_the_other(tmp_path):
    """Four times as many elements that others link to take four times as long, not each as many steps as there are of them."""
    calls = {}
    for size in (200, 800):
        modo = grown(tmp_path, size)
        before = Snapshot.read(modo.storage)
        with modo.edit() as edit:
            names = {
                ElementId("sample", f"s{number}"): edit.rename(f"s{number}", f"t{number}")
                for number in range(size // 2)
            }
        after = Snapshot.read(modo.storage)
        delta = replace(difference(before, after), renamed=names)
        with counted() as count:
            said, clashes = applied(delta, before)
            calls[size] = count()
        assert (said.elements, clashes) == (after.elements, ())
    assert calls[800] < 5 * calls[200]


@pytest.mark.parametrize("longest", [1, 400, 1_000_000])
def test_a_document_edited_again_and_again_is_as_if_written_whole(tmp_path, longest, monkeypatch):
    """Elements and arrays that come, change, get other names and go, singly and together, by this instance and by another."""
    monkeypatch.setattr("modos.storage.hierarchy.root._LONGEST", longest)
    modo = grown(tmp_path, 60)
    steps: list[Callable[[MODO], object]] = [
        lambda modo: modo.add_element({"@type": "Sample", "id": 'Probe "7": {früh}'}),
        lambda modo: modo.update_element("s3", {"description": 'a "quoted": {brace},\n'}),
        lambda modo: modo.rename_element("s4", "a-first"),
        lambda modo: modo.rename_element("s5", "z-last"),
        lambda modo: modo.add_array("d1", [1, 2, 3], name="counts"),
        lambda modo: modo.remove_element("d2"),
        lambda modo: modo.remove_element("s1"),
        lambda modo: modo.rename_element("d1", "d1-renamed"),
        lambda modo: modo.remove_element("d1-renamed"),
        lambda modo: modo.update_element("ex", {"description": "described"}),
        lambda modo: modo.undo(),
    ]
    for number, step in enumerate(steps):
        step(modo if number % 3 else MODO(modo.path))
        said = Snapshot.read(modo.storage)
        assert modo.storage.read(ROOT_DOCUMENT) == said.root().dump(), f"after step {number}"
    assert modo.refresh().metadata == MODO(modo.path).metadata


def test_an_element_that_is_removed_cannot_be_linked_again_in_one_edit(tmp_path):
    """Though the link stood there before: it is refused, and the edit goes on without it."""
    modo = grown(tmp_path, 8)
    with modo.edit() as edit:
        edit.remove("s1")
        with pytest.raises(DanglingLinkError, match="sample/s1"):
            edit.update("d1", {"has_sample": ["sample/s1"]})
        edit.update("d1", {"name": "goes on"})
    assert modo.metadata["data/d1"]["name"] == "goes on"
    assert "has_sample" not in modo.metadata["data/d1"]


@pytest.mark.parametrize(
    "said", [b"1e999", b'"a\xed\xa0\x80"', rb'"a\ud800"'], ids=["infinity", "half", "escaped half"]
)
def test_what_no_document_may_hold_is_named(tmp_path, said):
    """Another program wrote what Python reads as infinity, or as half a character: edits are refused until the slot is set."""
    modo = grown(tmp_path, 4)
    body = modo.storage.read(ROOT_DOCUMENT)
    path = b'"data_path": "reads/d1.cram"'
    modo.storage.put(body.replace(path, path + b', "size": ' + said), ROOT_DOCUMENT)
    modo.refresh()
    with pytest.raises(DamagedObjectError, match="'data/d1' holds a number"):
        modo.add_element({"@type": "Sample", "id": "new"})


@settings(deadline=None)
@given(before=TABLES, after=TABLES, kept=st.booleans())
def test_what_differs_is_found_in_any_order(before, after, kept):
    """Between tables that have come from each other, and others."""
    after = {**before, **after} if kept else after
    expected = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    found = differing(before, after)
    assert len(found) == len({*found})
    assert {*found} == expected
    assert differing(before, before) == []


@settings(deadline=None)
@given(
    before=TABLES,
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdef"), st.sampled_from(["", "x", None]))),
)
def test_what_differs_is_known_from_what_was_touched(before, steps):
    """Between a table and those made from it, also later ones and copies, while all of them change."""
    base = Table(before)
    tables = [base, Table(base), Table(base)]
    tables.append(Table(tables[1]))
    for number, key, value in steps:
        if value is None:
            tables[number].drop(key)
        else:
            tables[number][key] = value
        tables = [*tables[:4], Table.copy_of(tables[number])]
        for one, other in itertools.permutations(tables, 2):
            assert {*differing(one, other)} == {key for key in {*one, *other} if one.get(key) != other.get(key)}
    for table in tables:
        assert not differing(pickle.loads(pickle.dumps(table)), table)
        assert not differing(copy.deepcopy(table), table)
        table.revert()
    assert tables[:4] == [before] * 4
    assert not differing(tables[0], tables[1])


@settings(deadline=None)
@given(tables=st.lists(TABLES, min_size=1))
def test_entries_are_found_in_each_state(tables):
    """Forth and back: what mentions something in one of them is told, and nothing that never did."""
    mentions = Mentions[str, str](lambda _, text: text.split())
    for table in tables:
        mentions.follow(table)
        for word in "xyz":
            now = {key for key, text in table.items() if word in text.split()}
            ever = {key for each in tables for key, text in each.items() if word in text.split()}
            assert now <= {*mentions.entries(word)} <= ever


def test_names_of_files_are_those_of_now():
    """An owner that has another file by now, or is gone, has the name no more, whatever was looked up before."""
    one, two = ElementId("data", "one"), ElementId("data", "two")
    said = [{one: {"data_path": "dir/x.bam"}}, {one: {"data_path": "y.bam"}, two: {"data_path": "dir/x.bam"}}, {}]
    states = [Snapshot("ex", {"id": "ex"}, said[0])]
    states += [Snapshot("ex", {"id": "ex"}, each, lookup=states[0].lookup) for each in said[1:]]
    for name in ("dir/x.bam", "dir/x.bam.bai", "dir", "dir/x.bam/inside"):
        assert [state.names.owner(name) for state in states] == [one, two, None]
        assert [FileNames(each).owner(name) for each in said] == [one, two, None]
    assert states[1].names.owner("dir/x.bam", besides={two}) is None


def test_new_links_are_those_to_check():
    """What stood there before need not be looked at, unless its target is gone; what is no text is told as well."""
    before = {"has_sample": ["s1", "sample/s2", 7], "has_data": "d1"}
    assert new_links(before, before) == {}
    assert new_links({**before, "has_sample": ["s1", "s3", 7]}, before) == {"has_sample": ["s3", 7]}
    target = ElementId("sample", "s1")
    gone = {*names_of(target)}
    assert new_links(before, before, gone) == {"has_sample": ["s1", 7]}
    kept = without_links_to(before, target)
    assert list(map(itemgetter(0), new_links(kept, before, gone).items())) == ["has_sample"]
    assert links_of(new_links({"has_data": ["d1", "d2"]}, before))[0].target == ElementId("data", "d2")
