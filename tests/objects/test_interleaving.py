"""Writers on several machines, each stopped before any of its accesses while others go on, or killed there."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from modos import MODO
from modos.errors import ConflictError, ModosError, ObjectExistsError
from modos.objects.editing import commit as committing
from modos.objects.editing.aftermath.leftovers import finish_removal, sweep
from modos.objects.editing.replacing import INCOMING, complete_replacing
from modos.objects.editing.settling import complete
from modos.objects.encryption.sealing import settled
from modos.objects.history import commits
from modos.objects.history.commits import new_commit_id
from modos.objects.history.records import read_records, record_ids
from modos.objects.history.trash import KEPT
from modos.objects.snapshot import Snapshot
from modos.storage import LOG, ROOT_DOCUMENT, FsspecStorage, Storage
from modos.storage.pipelines.adapters.watching import WatchedStorage

numbers = itertools.count()


class Killed(BaseException):
    """What a process that is killed does instead of its next access, and of all after it."""


class Elsewhere(WatchedStorage):
    """The same place as another machine sees it: writers there take no turns with those here."""

    machine = ""

    @property
    def url(self):
        return f"{self._inner.url}?from={self.machine}"


class Writer(threading.Thread):
    """One writer, which stops before each access until it is told to go on."""

    def __init__(self, place, name, act, *, opens=True):
        super().__init__(daemon=True)
        self.storage = Elsewhere(place, self.access)
        self.storage.machine = name
        self.name, self.act, self.opens = name, act, opens
        self.may_go, self.has_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.result: object = "under way"
        self.accesses = 0
        self.about = ("", "")
        self.is_killed = False
        self.start()
        self.has_stopped.acquire()

    def access(self, verb, what):
        self.accesses += 1
        self.about = (verb, str(what))
        self.has_stopped.release()
        self.may_go.acquire()
        if self.is_killed:
            raise Killed

    def run(self):
        try:
            self.act(MODO("", self.storage) if self.opens else self.storage)
            self.result = "made"
        except Killed:
            self.result = "killed"
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.result = error
        self.has_stopped.release()

    @property
    def is_done(self):
        return self.result != "under way"

    def step(self):
        """Let it make one access."""
        if not self.is_done:
            self.may_go.release()
            self.has_stopped.acquire()

    def until(self, verb, what):
        """Let it go on until it is about to make an access of a kind."""
        while not (self.about[0] == verb and what in self.about[1]):
            assert not self.is_done
            self.step()

    def finish(self):
        while not self.is_done:
            self.step()

    def kill(self):
        self.is_killed = True
        self.finish()


def update(element, /, **slots):
    return lambda modo: modo.update_element(element, slots)


def add(name, part_of=None, /, **slots):
    return lambda modo: modo.add_element({"@type": "Sample", "id": name, **slots}, part_of=part_of)


def remove(element):
    return lambda modo: modo.remove_element(element)


def rename(element, name):
    return lambda modo: modo.rename_element(element, name)


def array(element):
    return lambda modo: modo.add_array(element, [1, 2])


MERGED = {
    "two elements": (add("a"), add("b")),
    "two links": (add("a", "assay1"), add("b", "assay1")),
    "two slots": (update("s", name="ours"), update("s", sex="Female")),
    "a slot of the object": (update("ex", name="ours"), update("ex", description="theirs")),
    "one value": (update("s", name="same"), update("s", name="same")),
}
CLASHING = {
    "one slot": (update("s", name="ours"), update("s", name="theirs")),
    "one id": (add("x", name="ours"), add("x", name="theirs")),
    "removed and changed": (remove("s"), update("s", name="theirs")),
    "removed and linked": (remove("t"), update("assay1", has_sample=["s", "t"])),
    "renamed and linked": (rename("t", "t2"), update("assay1", has_sample=["s", "t"])),
    "removed and given an array": (remove("t"), array("t")),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits long for one who stands still."""
    monkeypatch.setattr(committing, "_PATIENCE", 0.01)
    monkeypatch.setattr(committing, "_PAUSE", 0.0)


def empty_place():
    """Return a place in memory, and forget those before: who looks for anything there looks at all that there is."""
    MemoryFileSystem.store.clear()
    return FsspecStorage(fsspec.filesystem("memory"), f"/interleaving-{next(numbers)}")


def new_place():
    place = empty_place()
    modo = MODO.create("", place, id="ex")
    with modo.edit() as edit:
        edit.add({"@type": "Sample", "id": "s", "sex": "Male"})
        edit.add({"@type": "Sample", "id": "t"})
        edit.add({"@type": "Assay", "id": "assay1", "omics_type": "GENOMICS", "has_sample": ["s"]})
    return place


def alone(*acts):
    """Return what an object says when the edits are made one after the other."""
    place = new_place()
    for act in acts:
        act(MODO("", place))
    return undated(MODO("", place).metadata)


def undated(metadata):
    said = {key: dict(value) for key, value in metadata.items()}
    for date in ("creation_date", "last_update_date"):
        said["ex"].pop(date)
    for value in said.values():
        if "has_sample" in value:
            value["has_sample"] = sorted(value["has_sample"])
    return said


def check_whole(place):
    """Assert that root, groups and log agree."""
    records = read_records(place, record_ids(place))
    assert not Snapshot.read(place).contained.lacking(record.id for record in records)
    assert MODO("", place).check(depth="listing", grace=timedelta(days=1)).is_clean
    return records


def accesses_of(act, make=new_place):
    writer = Writer(make(), "a", act)
    writer.finish()
    assert writer.result == "made"
    return writer.accesses


def interleaved(one, other, make=new_place, every=1):
    """Yield the two writers for each pair of steps: the first stops there, then the second, the first ends, the second ends."""
    steps = (range(0, accesses_of(act, make) + 1, every) for act in (one, other))
    for first, second in itertools.product(*steps):
        place = make()
        writers = Writer(place, "a", one), Writer(place, "b", other)
        for writer, steps in zip(writers, (first, second), strict=True):
            for _ in range(steps):
                writer.step()
        for writer in writers:
            writer.finish()
        yield place, writers


def some_at_once(cases, everyday):
    """Return the cases, of which those that are not of every day are thorough."""
    return [case if case in everyday else pytest.param(case, marks=pytest.mark.thorough) for case in cases]


@pytest.mark.parametrize("case", some_at_once(MERGED, {"two links", "two slots", "one value"}))
def test_edits_that_do_not_clash_are_both_made_wherever_they_meet(case):
    """Every pair of steps: both are acknowledged, both are in the object and in the log."""
    expected = alone(*MERGED[case])
    for place, writers in interleaved(*MERGED[case]):
        assert [writer.result for writer in writers] == ["made", "made"]
        assert undated(MODO("", place).metadata) == expected
        assert len(check_whole(place)) in {
            4,
            3 if case == "one value" else 4,
        }  # who finds the value there edits nothing


@pytest.mark.parametrize("case", some_at_once(CLASHING, {"one slot"}))
def test_of_edits_that_clash_never_two_are_made(case):
    """Every pair of steps: one is made or none, nothing is left of the other, and trying again works or says why not."""
    one, other = CLASHING[case]
    outcomes = {("made", "no"): alone(one), ("no", "made"): alone(other), ("no", "no"): alone()}
    possible_in_turn = {"one slot": [(one, other), (other, one)], "one id": []}.get(case, [(other, one)])
    in_turn = [alone(*acts) for acts in possible_in_turn]
    made = 0
    for place, writers in interleaved(one, other):
        results = [writer.result for writer in writers]
        said = undated(MODO("", place).metadata)
        records = check_whole(place)
        if results == ["made", "made"]:  # one had ended before the other began
            assert said in in_turn
            continue
        assert all(result == "made" or isinstance(result, ModosError) for result in results)
        assert said == outcomes[tuple("made" if result == "made" else "no" for result in results)]
        assert len(records) == 2 + results.count("made")
        made += results.count("made")
        for result in results:
            if case == "one slot" and result != "made":
                assert isinstance(result, ConflictError)
                assert (result.place, result.slot) == ("sample/s", "name")
                assert {result.ours, result.theirs} == {"ours", "theirs"}
    assert made


@pytest.mark.parametrize("was_there", some_at_once([False, True], {False}))
def test_what_a_writer_has_stored_who_stands_still_is_no_leftover(was_there, tmp_path):
    """Others edit, and clear up what killed edits have left, wherever it stops: its group and its file stay."""
    (tmp_path / "reads.fastq").write_text("ACGT")

    def act(modo):
        modo.add_element({"@type": "DataEntity", "id": "new", "data_format": "FASTQ"}, tmp_path / "reads.fastq")

    for steps in range(accesses_of(act)):
        place = new_place()
        if was_there:
            act(MODO("", place))
            remove("new")(MODO("", place))
        writer = Writer(place, "a", act)
        for _ in range(steps):
            writer.step()
        other = MODO("", place)
        before = other.storage.exists("reads.fastq")
        other.update_element("t", {"name": "meanwhile"})
        sweep(place, other._said)
        finish_removal(place, "new")
        assert other.storage.exists("reads.fastq") == before
        writer.finish()
        assert writer.result == "made"
        assert place.read("reads.fastq") == b"ACGT"
        check_whole(place)


@pytest.mark.thorough
@pytest.mark.parametrize("case", MERGED)
def test_a_writer_killed_anywhere_harms_nobody(case):
    """The other is stopped at any step meanwhile; its edit is made, that of the killed one wholly or not at all."""
    one, other = MERGED[case]
    states = [alone(other), alone(one, other)]
    completed = 0
    for first, second in itertools.product(range(accesses_of(one)), range(accesses_of(other) + 1)):
        place = new_place()
        doomed, living = Writer(place, "a", one), Writer(place, "b", other)
        for writer, steps in ((doomed, first), (living, second)):
            for _ in range(steps):
                writer.step()
        doomed.kill()
        living.finish()
        assert living.result == "made"
        complete(place)
        said = undated(MODO("", place).metadata)
        assert said in states
        completed += said == states[1]
        check_whole(place)
        if said == states[0]:
            one(MODO("", place))
        assert undated(MODO("", place).metadata) == states[1]
    assert completed


@pytest.mark.thorough
@pytest.mark.parametrize("case", CLASHING)
def test_a_writer_killed_while_edits_clash_leaves_no_half(case):
    """What it had recorded is completed, or the other is made; the next one gets on in any case."""
    one, other = CLASHING[case]
    allowed = [alone(), alone(one), alone(other)]
    for first, second in itertools.product(range(accesses_of(one)), range(accesses_of(other) + 1)):
        place = new_place()
        doomed, living = Writer(place, "a", one), Writer(place, "b", other)
        for writer, steps in ((doomed, first), (living, second)):
            for _ in range(steps):
                writer.step()
        doomed.kill()
        living.finish()
        said = undated(MODO("", place).metadata)
        assert said in allowed or living.result == "made"
        if living.result == "made" and case in {"one slot", "one id"}:
            assert "theirs" in {value.get("name") for value in said.values()}
        complete(place)
        check_whole(place)
        if living.result == "made" and case == "renamed and linked":
            linked = MODO("", place).metadata["assay/assay1"]["has_sample"]
            assert set(linked) in ({"sample/s", "sample/t"}, {"sample/s", "sample/t2"})
        if living.result == "made" and "array" in case:
            assert [*MODO("", place).list_arrays()]
        MODO("", place).update_element(
            "t" if case in {"one slot", "one id", "removed and changed"} else "s", {"name": "the next"}
        )


@pytest.mark.thorough
@given(st.lists(st.integers(0, 2), max_size=60), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_three_writers_in_any_order(order, killed_at):
    """Three edits, one of them of the same slot as another; the third may be killed at any step."""
    place = new_place()
    acts = (update("s", name="ours"), update("s", name="theirs", sex="Female"), add("b", "assay1"))
    writers = [Writer(place, name, act) for name, act in zip("abc", acts, strict=True)]
    for position, number in enumerate(order):
        if position == killed_at:
            writers[2].kill()
        writers[number].step()
    for writer in writers:
        writer.finish()
    complete(place)
    said = MODO("", place).metadata
    check_whole(place)
    first, second, third = (writer.result for writer in writers)
    if "made" in {first, second}:
        assert said["sample/s"]["name"] in {
            value for value, result in (("ours", first), ("theirs", second)) if result == "made"
        }
    if second != "made":
        assert said["sample/s"].get("sex") == "Male"
    assert (said["assay/assay1"]["has_sample"] == ["sample/s", "sample/b"]) == ("sample/b" in said)
    assert "sample/b" in said or third == "killed"


# -- three and more: what one has recorded is completed by another, and then seen by a third ----------------------------


@pytest.mark.parametrize("completing", ["an edit", "an undo", "decrypting"])
def test_an_edit_that_gives_way_is_not_put_back_by_who_had_seen_it(completing):
    """Another completes what is recorded while its writer finds that it clashes; whoever reads that may write it back later."""
    place = new_place()
    add("old")(MODO("", place))
    old = record_ids(place)[-1]
    complete_in = {
        "an edit": add("x"),
        "an undo": lambda modo: modo.undo(old),
        "decrypting": lambda modo: settled(modo.storage),
    }[completing]
    refused = Writer(place, "a", update("s", name="ours", description="of the refused"))
    refused.until("put", "sample/s/zarr.json")
    update("s", name="theirs")(MODO("", place))
    refused.until("list", LOG.name)
    complete_in(MODO("", place))
    late = Writer(place, "b", add("y"))
    late.until("put", "sample/y/zarr.json")
    refused.finish()
    late.finish()
    assert isinstance(refused.result, ConflictError)
    assert late.result == "made"
    assert MODO("", place).metadata["sample/s"] == {"@type": "Sample", "name": "theirs", "sex": "Male"}
    check_whole(place)


def test_an_edit_that_gives_way_takes_the_place_of_no_other():
    """Who has seen neither in the root document merges both, the one first that will be withdrawn; the other is made whole."""
    place = new_place()
    late = Writer(place, "c", add("y"))
    late.until("put", ROOT_DOCUMENT)
    refused = Writer(place, "b", update("s", name="theirs"))
    refused.until("put", "/log/")
    update("s", name="ours", description="of the made")(MODO("", place))
    late.step()
    refused.until("list", LOG.name)
    late.until("put", ROOT_DOCUMENT)
    refused.finish()
    late.finish()
    assert isinstance(refused.result, ConflictError)
    said = MODO("", place).metadata["sample/s"]
    assert (said["name"], said["description"]) == ("ours", "of the made")
    check_whole(place)


def test_an_edit_that_others_have_built_upon_is_made():
    """It was completed by one, and the same slot changed again by another, before its own writer went on."""
    place = new_place()
    writer = Writer(place, "a", update("s", name="ours"))
    writer.until("list", LOG.name)
    add("x")(MODO("", place))
    update("s", name="later")(MODO("", place))
    writer.finish()
    assert writer.result == "made"
    assert MODO("", place).metadata["sample/s"]["name"] == "later"
    assert len(check_whole(place)) == 5


def test_what_was_removed_since_does_not_come_back(tmp_path, monkeypatch):
    """A writer stands still once its edit is recorded, as on a computer that sleeps, until nobody looks for so old a record."""
    (tmp_path / "reads.fastq").write_text("ACGT")
    place = new_place()
    element = {"@type": "DataEntity", "id": "new", "data_format": "FASTQ"}
    writer = Writer(place, "a", lambda modo: modo.add_element(element, tmp_path / "reads.fastq"))
    writer.until("list", LOG.name)
    other = MODO("", place)
    other.update_element("t", {"name": "meanwhile"})
    other.remove_element("new")
    monkeypatch.setattr(commits, "_MOST", 1)
    other.update_element("t", {"name": "later"})
    writer.finish()
    assert writer.result == "made"
    assert "data/new" not in MODO("", place).metadata
    assert not place.exists("reads.fastq")
    check_whole(place)


def test_a_clock_that_is_ahead_loses_nobodys_edit(monkeypatch):
    """One machine is two hours ahead, while a record is being stored that was named before."""

    def named(after="", *, now=None):
        is_ahead = threading.current_thread().name == "ahead"
        return new_commit_id(after, now=datetime.now(UTC) + timedelta(hours=2) if is_ahead else now)

    monkeypatch.setattr(committing, "new_commit_id", named)
    place = new_place()
    slow = Writer(place, "slow", add("x"))
    slow.until("put", "/log/")
    add("y")(MODO("", place))
    ahead = Writer(place, "ahead", add("z"))
    ahead.until("put", ROOT_DOCUMENT)
    slow.finish()
    ahead.finish()
    assert (slow.result, ahead.result) == ("made", "made")
    assert {"sample/x", "sample/y", "sample/z"} <= MODO("", place).metadata.keys()
    check_whole(place)


def test_a_record_that_is_listed_though_it_is_gone_stops_nobody(monkeypatch):
    """A service shows for some time what was removed: one gives way, and later writers pass over it."""
    place = new_place()
    seen = {}
    original = Storage.list

    def lagging(self, target=None, *, start_after=""):
        found = list(original(self, target, start_after=start_after))
        if target == LOG:
            seen.update(dict.fromkeys(found))
            found = sorted(each for each in seen if str(each) > start_after)
        yield from found

    monkeypatch.setattr(Storage, "list", lagging)
    refused = Writer(place, "a", update("s", name="ours"))
    refused.until("put", "sample/s/zarr.json")
    update("s", name="theirs")(MODO("", place))
    refused.finish()
    assert isinstance(refused.result, ConflictError)
    add("x")(MODO("", place))
    said = MODO("", place).metadata
    assert (said["sample/s"]["name"], "sample/x" in said) == ("theirs", True)


def test_a_file_that_another_has_just_replaced_is_not_replaced_unseen(tmp_path):
    """One has put the old file aside when another's edit is made: theirs stays, and nothing is left of the other."""
    for name in ("old", "ours", "theirs"):
        (tmp_path / f"{name}.fastq").write_text(name)
    element = {"@type": "DataEntity", "id": "reads", "data_format": "FASTQ", "data_path": "reads.fastq"}
    place = new_place()
    MODO("", place).add_element(element, tmp_path / "old.fastq")
    writer = Writer(place, "a", lambda modo: modo.update_element("reads", {}, tmp_path / "ours.fastq"))
    writer.until("copy", "")
    writer.step()
    MODO("", place).update_element("reads", {}, tmp_path / "theirs.fastq")
    writer.finish()
    assert isinstance(writer.result, ConflictError)
    assert place.read("reads.fastq") == b"theirs"
    assert MODO("", place).verify(deep=True).is_sound
    assert len(list(MODO("", place).trash())) == 1


@pytest.fixture
def stored(tmp_path):
    """Make places where an element has a file, and edits that put others in its place."""

    def place():
        place = new_place()
        element = {"@type": "DataEntity", "id": "reads", "data_format": "FASTQ", "data_path": "reads.fastq"}
        MODO("", place).add_element(element, tmp_path / "old.fastq")
        return place

    def replace(file, /, **slots):
        return lambda modo: modo.update_element("reads", slots, tmp_path / f"{file}.fastq")

    for name in ("old", "ours", "theirs"):
        (tmp_path / f"{name}.fastq").write_text(name * 3)
    return SimpleNamespace(place=place, replace=replace)


def check_files(place):
    """Assert that all files are as the object says, that none waits, and that what was replaced is kept."""
    modo = MODO("", place)
    assert modo.verify(deep=True).is_sound
    assert not modo.verify().extra
    assert not list(place.list(INCOMING))
    replaced = [
        (record.notes[KEPT], name)
        for record in check_whole(place)
        for name in record.files.replaced.keys() - record.files.stored.keys()
    ]
    assert {(each.commit, each.name) for each in modo.trash()} >= set(replaced)


AND_ANOTHER = {
    "another file": lambda stored: stored.replace("theirs"),
    "the same file": lambda stored: stored.replace("ours"),
    "another name": lambda stored: update("reads", data_path="b.fastq"),
    "a removal": lambda stored: remove("reads"),
}


@pytest.mark.parametrize("every", [7, pytest.param(3, marks=pytest.mark.thorough)], ids=["some", "more"])
@pytest.mark.parametrize("case", AND_ANOTHER)
def test_a_file_that_is_replaced_is_the_one_that_is_described(stored, case, every):
    """Pairs of steps, and another edit of the same file: nobody's bytes stand where another's are described."""
    acts = stored.replace("ours"), AND_ANOTHER[case](stored)
    refused = 0
    for place, writers in interleaved(*acts, stored.place, every=every):
        results = [writer.result for writer in writers]
        assert all(result == "made" or isinstance(result, ModosError) for result in results)
        check_files(place)
        refused += len(results) - results.count("made")
    assert refused or case == "the same file"


@pytest.mark.thorough
def test_a_writer_killed_while_a_file_is_replaced_leaves_the_old_one_or_the_new(stored, monkeypatch):
    """At any step: another edits at once, a third a minute later, and the same edit made again ends as if undisturbed."""
    replace = stored.replace("ours", name="new")
    for steps in range(accesses_of(replace, stored.place)):
        place = stored.place()
        doomed = Writer(place, "a", replace)
        for _ in range(steps):
            doomed.step()
        doomed.kill()
        update("s", name="at once")(MODO("", place))
        with monkeypatch.context() as later:
            later.setattr(commits, "_DECIDING", timedelta(0))
            update("s", name="later")(MODO("", place))
        modo = MODO("", place)
        assert modo.verify(deep=True).is_sound
        assert (place.read("reads.fastq") == b"oursoursours") == (modo.metadata["data/reads"].get("name") == "new")
        replace(modo)
        assert place.read("reads.fastq") == b"oursoursours"
        assert modo.check(repair=True, grace=timedelta(0), depth="contents").is_clean
        check_files(place)


BESIDE = {
    "an index": ({"r.cram": "old"}, {"r.cram": "new", "r.cram.crai": "new"}),
    "a part of a directory": ({"r.cram/0": "old"}, {"r.cram/0": "new", "r.cram/1": "new"}),
    "another directory": ({"r.cram/0": "old"}, {"r.cram/1": "new"}),
}


@pytest.fixture
def make_beside(tmp_path):
    """Make a place where an element has some files, and the edit that replaces them by others."""

    def make_beside(before, after):
        for folder, files in (("before", before), ("after", after)):
            for name, text in files.items():
                (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / folder / name).write_text(text)
        place = new_place()
        element = {"@type": "DataEntity", "id": "reads", "data_format": "CRAM", "data_path": "r.cram"}
        MODO("", place).add_element(element, tmp_path / "before/r.cram")
        return place, lambda modo: modo.update_element("reads", {}, tmp_path / "after/r.cram")

    return make_beside


def files_in(place):
    return {str(name): place.read(name).decode() for name in MODO("", place).list_files()}


@pytest.mark.parametrize("case", BESIDE)
def test_nothing_new_stands_beside_what_an_edit_has_not_replaced_yet(make_beside, case):
    """Killed before its edit is recorded, a writer leaves the files as they were: no index of another file, no part of another array."""
    before, after = BESIDE[case]
    place, replace = make_beside(before, after)
    doomed = Writer(place, "a", replace)
    doomed.until("put", str(LOG))
    doomed.kill()
    assert files_in(place) == before
    modo = MODO("", place)
    replace(modo)
    assert files_in(place) == after
    modo.undo()
    assert files_in(place) == before
    modo.undo(next(iter(modo.log())).id)
    assert files_in(place) == after


@pytest.mark.parametrize("case", BESIDE)
def test_what_is_recorded_comes_beside_whole_or_not_at_all(make_beside, monkeypatch, case):
    """Killed later, the edit is completed by another; given way to another edit, it leaves nothing."""
    before, after = BESIDE[case]
    place, replace = make_beside(before, after)
    doomed = Writer(place, "a", replace)
    doomed.until("put", ROOT_DOCUMENT)
    doomed.kill()
    monkeypatch.setattr(commits, "_DECIDING", timedelta(0))
    update("s", name="later")(MODO("", place))
    assert files_in(place).items() >= after.items()

    place, replace = make_beside(before, after)
    second = Writer(place, "b", replace)
    second.until("put", str(LOG))
    MODO("", place).update_element("reads", {"data_path": "other.cram"})
    second.finish()
    assert isinstance(second.result, ConflictError)
    assert files_in(place) == {name.replace("r.cram", "other.cram"): text for name, text in before.items()}


def test_files_that_wait_are_left_to_their_writer(stored):
    """Who edits something else does not bring them to their places, which takes long for large ones; and waits for nobody."""
    place = stored.place()
    writer = Writer(place, "a", stored.replace("ours"))
    writer.until("copy", f"/{place.path.name}/reads.fastq")
    add("x")(MODO("", place))
    assert place.read("reads.fastq") == b"oldoldold"
    assert list(place.list(INCOMING))
    writer.finish()
    assert writer.result == "made"
    assert place.read("reads.fastq") == b"oursoursours"
    check_files(place)


def test_files_that_are_in_their_places_are_made_part_of_a_root_that_lacks_them(stored):
    """One reads the root document, others replace a file twice, and the one writes over it: it puts all of it back."""
    place = stored.place()
    late = Writer(place, "a", add("y"))
    late.until("put", ROOT_DOCUMENT)
    for name in ("ours", "theirs"):
        stored.replace(name)(MODO("", place))
    late.finish()
    assert late.result == "made"
    assert place.read("reads.fastq") == b"theirstheirstheirs"
    check_files(place)


def test_who_was_left_to_his_files_is_put_back_by_who_writes_over_him(stored):
    """One passes over an edit whose files wait, and merges another when the first has just been made."""
    place = stored.place()
    writer = Writer(place, "a", stored.replace("ours"))
    writer.until("copy", f"/{place.path.name}/reads.fastq")
    late = Writer(place, "b", add("y"))
    for _ in range(2):
        late.until("list", LOG.name)
        late.step()
    late.until("list", LOG.name)
    killed = Writer(place, "c", add("z"))
    killed.until("list", LOG.name)
    killed.kill()
    late.until("put", ROOT_DOCUMENT)
    writer.finish()
    late.finish()
    assert (writer.result, late.result) == ("made", "made")
    assert {"sample/y", "sample/z"} <= MODO("", place).metadata.keys()
    check_files(place)


@pytest.fixture
def contended(stored):
    """A place where two have recorded that they replace one file, the one who has the smaller name as the later."""
    place = stored.place()
    first, second = (Writer(place, name, stored.replace(name)) for name in ("theirs", "ours"))
    first.until("put", "/log/")
    second.until("list", LOG.name)
    return SimpleNamespace(place=place, first=first, second=second)


def test_who_would_give_way_goes_on_when_another_has_brought_the_files_to_their_places(contended):
    """And was killed then: nobody who clashes with the edit gets through, so it is made, and the other is not."""
    [record] = read_records(contended.place, record_ids(contended.place)[-1:])
    assert complete_replacing(contended.place, record)
    contended.first.step()
    contended.second.finish()
    contended.first.finish()
    assert contended.second.result == "made"
    assert isinstance(contended.first.result, ConflictError)
    assert contended.place.read("reads.fastq") == b"oursoursours"
    check_files(contended.place)


def test_who_is_killed_while_giving_way_has_given_way(contended):
    """The file waits no more, and its record is there still: the edit is not made, and forgotten by whoever comes next."""
    contended.first.step()
    contended.second.until("remove", INCOMING.name)
    contended.second.step()
    contended.second.kill()
    contended.first.finish()
    assert isinstance(contended.first.result, ConflictError)
    complete(contended.place)
    assert contended.place.read("reads.fastq") == b"oldoldold"
    assert len(record_ids(contended.place)) == 3
    check_whole(contended.place)
    assert MODO("", contended.place).verify(deep=True).is_sound


def create(**slots):
    return lambda place: MODO.create("", place, id="ex", creation_date="2024-01-17", **slots)


@pytest.mark.parametrize("name", some_at_once(["ours", "theirs"], {"ours"}))
def test_an_object_is_made_once_wherever_its_makers_meet(name):
    """Every pair of steps: it is what the one says who made it; both do only when they make the same."""
    steps = range(0, 16, 1 if name == "theirs" else 3)
    for first, second in itertools.product(steps, steps):
        place = empty_place()
        writers = [
            Writer(place, "a", create(name="ours"), opens=False),
            Writer(place, "b", create(name=name), opens=False),
        ]
        for writer, count in zip(writers, (first, second), strict=True):
            for _ in range(count):
                writer.step()
        for writer in writers:
            writer.finish()
        results = [writer.result for writer in writers]
        made = results.count("made")
        assert all(result == "made" or isinstance(result, ObjectExistsError) for result in results), (
            first,
            second,
            results,
        )
        check_whole(place)
        assert made < 2 or name == "ours"
        found = MODO("", place).metadata["ex"]["name"]
        assert (
            found in {each for each, result in (("ours", results[0]), (name, results[1])) if result == "made"}
            or not made
        )
