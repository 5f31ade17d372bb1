"""What others do between the plan of an edit and its record, and services that fail or writers that die behind it."""

import json
from datetime import timedelta

import pytest

from modos import MODO
from modos.errors import (
    AccessDeniedError,
    ConflictError,
    DamagedObjectError,
    ElementNotFoundError,
    KeyNotFoundError,
    ServiceUnavailableError,
)
from modos.objects.editing.replacing import INCOMING
from modos.storage import LOG, ROOT_DOCUMENT, TRASH
from modos.storage.directories import sight
from modos.storage.hierarchy.documents import document_path
from modos.storage.pipelines.adapters.watching import WatchedStorage


@pytest.fixture(params=["local", "memory"])
def place(request, make_storage):
    """A disk, on which writers take turns, and what is taken for a service, where they do not."""
    return make_storage(request.param)


EVERYWHERE = ["local", "memory", *(pytest.param(kind, marks=pytest.mark.thorough) for kind in ("s3", "swift"))]


class Killed(BaseException):
    """What a process that is killed does instead of its next access, and of all after it."""


class Watched(WatchedStorage):
    """A place that tells of each access under the name of the file, and of what was put when its answer is on the way."""

    @property
    def url(self):
        return f"{super().url}?from=elsewhere"

    def _told(self, verb, name):
        self._before(verb, name)

    def _put(self, name, chunks, **options):
        info = super()._put(name, chunks, **options)
        self._told("stored", name)
        return info

    def _copy(self, source, target):
        super()._copy(source, target)
        self._told("copied", target)


def killed(place, act, *, then=None):
    """Make an edit in a process that is killed once it has recorded it, and before the root document says so.

    Just before it records the edit, `then` may happen: only on a service, since on a disk others wait for their turn.
    """
    dead, meanwhile = [], [then] if then else []

    def access(verb, name):
        is_record = name.startswith(f"{LOG}/")
        if is_record and verb == "put" and meanwhile:
            meanwhile.pop()()
        if dead or (verb, name) == ("put", ROOT_DOCUMENT) or (then and is_record and verb == "stored"):
            dead.append(name)
            raise Killed

    with pytest.raises(Killed):
        act(MODO("", Watched(place, access)))


@pytest.fixture
def a_minute_later(monkeypatch):
    """Whoever has recorded an edit that clashes and has not given way is taken for killed."""
    monkeypatch.setattr("modos.objects.history.commits._DECIDING", timedelta(0))


def lines(difference):
    return [line.strip() for line in str(difference).splitlines()]


def files(modo):
    return {str(path): modo.storage.read(path) for path in modo.list_files()}


def is_sound(modo, *, left=()):
    """Tell whether everything is as a new look at the object has it, down to the bytes, but for what a killed edit left."""
    opened = MODO("", modo.storage)
    found = [
        each
        for each in opened.check(depth="contents").findings
        if each.code not in {"content", "one-sided-link", *left}
    ]
    assert found == []
    return opened.metadata == modo.metadata and opened.verify(deep=True).is_sound


# -- recorded, and not yet said -----------------------------------------------------------------------------------------


def test_an_edit_that_was_killed_is_completed_and_then_taken_back(modo, writes):
    """The newest edit is the one that the log tells; a trial says the same, and writes nothing."""
    killed(modo.storage, lambda doomed: doomed.update_element("sample1", {"sex": "Female"}))
    commit = modo.log(1)[0].id
    writes.names.clear()
    told = modo.undo(dry_run=True)
    assert writes.names == []
    assert lines(told)[-1] == "sex: 'Female' -> 'Male'"
    assert lines(modo.undo()) == lines(told)
    assert modo.log(1)[0].undoes == commit
    modo.update_element("sample2", {"name": "later"})
    assert modo.metadata["sample/sample1"]["sex"] == "Male"
    assert is_sound(modo)


@pytest.mark.parametrize("step", [1, 10**18], ids=["fine", "coarse"])
def test_an_edit_that_was_killed_between_two_of_another_writer_is_completed(modo, monkeypatch, step):
    """By the very next edit, whether the clock of the file system tells the killed one's record from the newest or does not."""

    def seen(directory):
        found = sight(directory)
        return found and (*found[:2], found[2] // step)

    monkeypatch.setattr("modos.objects.editing.turns.sight", seen)
    for number in range(4):
        modo.add_element({"@type": "Sample", "id": f"before{number}"})
        modo.add_element({"@type": "Sample", "id": f"just-before{number}"})
        killed(modo.storage, lambda doomed: doomed.add_element({"@type": "Sample", "id": f"killed{number}"}))  # noqa: B023 - called at once
        modo.add_element({"@type": "Sample", "id": f"after{number}"})
        assert f"sample/killed{number}" in modo.metadata
    assert is_sound(modo)


@pytest.mark.parametrize("place", EVERYWHERE, indirect=True)
def test_a_file_that_a_killed_edit_replaced_is_brought_back(modo, data, entity):
    """With its checksum: undone, the edit has not been half made."""
    modo.add_element(entity(), data / "demo1.cram")
    said, before = modo.metadata["data/demo1"], files(modo)
    killed(modo.storage, lambda doomed: doomed.update_element("demo1", {"name": "new"}, data / "table.csv"))
    assert not modo.undo(dry_run=True).is_empty
    assert files(modo) != before
    modo.undo()
    assert (modo.metadata["data/demo1"], files(modo)) == (said, before)
    assert is_sound(modo)


def test_an_undo_that_was_killed_is_the_one_that_is_made(modo):
    """Asked for again, it ends; no second edit is taken back that nobody asked about."""
    for name in ("one", "two"):
        modo.update_element("sample1", {"name": name})
    killed(modo.storage, MODO.undo)
    assert lines(modo.undo(dry_run=True))[-1] == "name: 'two' -> 'one'"
    assert MODO("", modo.storage).metadata["sample/sample1"]["name"] == "two"
    assert lines(modo.undo())[-1] == "name: 'two' -> 'one'"
    assert modo.metadata["sample/sample1"]["name"] == "one"
    assert [bool(each.undoes) for each in modo.log(3)] == [True, False, False]
    assert is_sound(modo)
    modo.undo()
    assert modo.metadata["sample/sample1"]["name"] == "Sample 1"


def test_an_undo_that_was_undone_and_killed_is_an_edit_like_others(modo):
    """What it made again is taken back, as what the log tells last."""
    modo.update_element("sample1", {"name": "one"})
    modo.undo()
    undo = modo.log(1)[0].id
    killed(modo.storage, lambda doomed: doomed.undo(undo))
    modo.undo()
    assert modo.metadata["sample/sample1"]["name"] == "Sample 1"
    assert "assay/assay1" in modo.metadata


# -- meanwhile ----------------------------------------------------------------------------------------------------------


def linking(modo):
    """Let another link to the first sample: from a new element, from one that links already, and from one that links not yet."""
    other = MODO("", modo.storage)
    other.add_element({"@type": "Assay", "id": "new", "omics_type": "GENOMICS", "has_sample": ["sample1"]})
    other.update_element("assay3", {"has_sample": ["sample1"]})
    other.update_element("assay2", {"has_sample": ["sample2", "sample1"]})


def meanwhile(modo, edit, act=None):
    """Make an edit, while another links to the first sample or does something else."""
    with modo.edit() as ours:
        edit(ours)
        if act is None:
            linking(modo)
        else:
            act()


@pytest.fixture
def linked(modo):
    """The object of `modo` with two assays more, which do not link to the first sample yet."""
    with modo.edit() as edit:
        edit.add({"@type": "Assay", "id": "assay2", "omics_type": "GENOMICS", "has_sample": ["sample2"]})
        edit.add({"@type": "Assay", "id": "assay3", "omics_type": "GENOMICS"})
    return modo


LINKED = {
    "assay/assay1": ["sample/sample9", "sample/sample2"],
    "assay/assay2": ["sample/sample2", "sample/sample9"],
    "assay/new": ["sample/sample9"],
    "assay/assay3": ["sample/sample9"],
}


def links(modo):
    return {each: said["has_sample"] for each, said in modo.metadata.items() if "has_sample" in said}


def test_a_renaming_does_not_lose_what_others_link_meanwhile(linked):
    """The error names one who links, slot and both ids; nothing is changed. Made again, the renaming takes the links along."""
    with pytest.raises(ConflictError) as caught:
        meanwhile(linked, lambda edit: edit.rename("sample1", "sample9"))
    error = caught.value
    assert error.place in {"assay/assay2", "assay/assay3", "assay/new"}
    assert (error.slot, error.ours, error.theirs) == ("has_sample", "sample/sample9", "sample/sample1")
    assert is_sound(linked.refresh())
    linked.rename_element("sample1", "sample9")
    assert links(linked) == LINKED
    assert is_sound(linked)


def test_a_renaming_takes_along_a_link_of_the_object_itself(modo):
    """Which is one of those that are not to be lost."""
    modo.add_element({"@type": "Assay", "id": "loose", "omics_type": "GENOMICS"})

    def link():
        MODO("", modo.storage).update_element("ex", {"has_assay": ["assay1", "loose"]})

    with pytest.raises(ConflictError) as caught:
        meanwhile(modo, lambda edit: edit.rename("loose", "fixed"), link)
    assert (caught.value.place, caught.value.slot) == ("ex", "has_assay")
    modo.refresh().rename_element("loose", "fixed")
    assert modo.metadata["ex"]["has_assay"] == ["assay/assay1", "assay/fixed"]


@pytest.mark.parametrize("place", ["memory"], indirect=True)  # on a disk nobody records what clashes with the object
def test_a_renaming_that_was_killed_takes_along_what_others_have_linked(linked, a_minute_later):
    """Whoever completes it; such a renaming is not undone."""
    killed(linked.storage, lambda doomed: doomed.rename_element("sample1", "sample9"), then=lambda: linking(linked))
    linked.update_element("sample2", {"name": "later"})
    assert links(linked) == LINKED
    assert is_sound(linked, left=["orphan-group"])
    with pytest.raises(ConflictError, match="has_sample"):
        linked.undo(linked.log(5)[-1].id)
    assert links(linked) == LINKED


@pytest.mark.parametrize("place", ["memory"], indirect=True)
def test_what_clashes_is_left_to_its_writer_for_a_minute(modo):
    """He may be about to give way: others neither make it, nor half of it, nor wait; a repair does it at once."""

    def rename():
        MODO("", modo.storage).update_element("sample1", {"name": "theirs"})

    killed(
        modo.storage, lambda doomed: doomed.update_element("sample1", {"name": "ours", "sex": "Female"}), then=rename
    )
    modo.update_element("sample2", {"name": "later"})
    said = modo.metadata["sample/sample1"]
    assert (said["name"], said["sex"]) == ("theirs", "Male")
    assert [each.code for each in modo.check(grace=timedelta(0)).findings if each.severity != "note"] == [
        "unmerged-commit"
    ]
    modo.check(repair=True, grace=timedelta(0))
    assert modo.refresh().metadata["sample/sample1"]["sex"] == "Female"
    assert is_sound(modo)


@pytest.mark.parametrize("place", ["memory"], indirect=True)
@pytest.mark.parametrize(
    "edit", [lambda modo: modo.rename_element("sample1", "new"), lambda modo: modo.remove_element("sample1")]
)
def test_an_element_that_was_to_go_stays_with_what_others_have_added(modo, edit, a_minute_later):
    """By an edit that was killed: whoever completes it takes no array with it that was acknowledged, nor half of the element."""
    modo.add_array("sample1", [1, 2, 3], "first")

    killed(modo.storage, edit, then=lambda: MODO("", modo.storage).add_array("sample1", [4, 5], "second"))
    modo.update_element("sample2", {"name": "later"})
    assert [modo.zarr[f"sample/sample1/{name}"][...].tolist() for name in ("first", "second")] == [[1, 2, 3], [4, 5]]
    assert is_sound(modo)


@pytest.mark.parametrize(
    "edit",
    [
        lambda edit: edit.rename("sample1", "sample9"),
        lambda edit: edit.remove("sample1"),
    ],
    ids=["renamed", "removed"],
)
def test_an_element_to_which_others_add_an_array_does_not_go(modo, content, edit):
    """The error names the array, which is whole; made again, the edit takes it along."""
    modo.add_array("sample1", [1, 2, 3], "first")
    seen = []

    def add():
        MODO("", modo.storage).add_array("sample1", [4, 5], "second")
        seen.append(content(modo.storage))

    with pytest.raises(ConflictError) as caught:
        meanwhile(modo, edit, add)
    assert caught.value.place == "sample/sample1/second"
    assert [content(modo.storage)] == seen
    modo.refresh()
    assert modo.zarr["sample/sample1/second"][...].tolist() == [4, 5]
    assert is_sound(modo)
    with modo.edit() as ours:
        edit(ours)
    assert is_sound(modo)
    assert not [name for name in content(modo.storage) if "sample1/second" in name and not name.startswith(str(TRASH))]


def test_what_others_remove_does_not_come_back_when_it_is_renamed(modo, content, data, entity):
    """Neither the element nor a description of its file, which is gone: the error names it, and nothing is left of the edit."""
    modo.add_element(entity(), data / "demo1.cram")
    seen = []

    def remove():
        MODO("", modo.storage).remove_element("demo1")
        seen.append(content(modo.storage))

    with pytest.raises(ElementNotFoundError, match="demo1") as caught:
        meanwhile(modo, lambda edit: edit.rename("demo1", "demo2"), remove)
    assert "others have changed the object" in caught.value.__notes__[0]
    assert [content(modo.storage)] == seen
    assert is_sound(modo.refresh())


def test_a_group_that_loses_a_link_by_the_edit_of_another_says_so(linked):
    """One links to what another removes: both are made, and the group of the one is as the root document has it."""
    meanwhile(linked, lambda edit: edit.remove("sample1"))
    for element in ("assay/assay2", "assay/assay3", "assay/new"):
        group = json.loads(linked.storage.read(document_path(element)))
        assert group["attributes"] == linked.metadata[element]
    assert is_sound(linked)


def test_what_json_has_not_is_told_when_it_comes_meanwhile(modo, content, data, entity):
    """Another program writes it while an edit is under way: the error names the element, and nothing is left of the edit."""
    seen = []

    def write():
        root = json.loads(modo.storage.read(ROOT_DOCUMENT))
        root["consolidated_metadata"]["metadata"]["sample/sample2"]["attributes"]["weight"] = float("nan")
        modo.storage.put(json.dumps(root).encode(), ROOT_DOCUMENT)
        seen.append(content(modo.storage))

    with pytest.raises(DamagedObjectError, match="sample/sample2"):
        meanwhile(modo, lambda edit: edit.add(entity(), data / "demo1.cram"), write)
    assert [content(modo.storage)] == seen


# -- what others have built on since ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        lambda modo: modo.rename_element("sample1", "new"),
        lambda modo: modo.add_element({"@type": "Sample", "id": "new"}),
    ],
    ids=["renamed", "added"],
)
def test_arrays_that_came_since_are_not_undone(modo, content, edit):
    """Taking back the addition or the renaming of an element would take them, or leave them nowhere."""
    edit(modo)
    commit = modo.log(1)[0].id
    modo.add_array("new", [1, 2], "later")
    before = content(modo.storage)
    with pytest.raises(ConflictError, match="sample/new/later"):
        modo.undo(commit)
    assert content(modo.storage) == before
    modo.undo()
    modo.undo(commit)
    assert "sample/new" not in modo.metadata


@pytest.mark.parametrize(
    "edit",
    [
        lambda modo: modo.remove_array("sample1", "counts"),
        lambda modo: modo.remove_element("sample1"),
        lambda modo: modo.add_array("sample1", [[7]], "counts", overwrite=True),
    ],
    ids=["array removed", "element removed", "replaced"],
)
def test_an_array_that_is_not_kept_any_more_is_not_brought_back(modo, content, edit):
    """Not without its chunks: the error names it, also of a trial, and nothing is changed."""
    modo.add_array("sample1", [1, 2, 3, 4], "counts")
    edit(modo)
    modo.empty_trash()
    before = content(modo.storage)
    for dry_run in (True, False):
        with pytest.raises(KeyNotFoundError, match=r"sample1/counts.*not kept any more"):
            modo.undo(dry_run=dry_run)
    assert content(modo.storage) == before


def test_what_an_element_was_called_before_an_undo_is_purged(modo):
    """A renaming that was taken back is one: no record keeps what the element has said under that id."""
    modo.add_element({"@type": "Sample", "id": "patient", "description": "of Lochranza"})
    modo.rename_element("patient", "jane")
    modo.undo()
    modo.remove_element("patient", purge=True)
    assert b"Lochranza" not in b"".join(modo.storage.read(path) for path in modo.storage.list(LOG))


# -- files that wait to take the place of others ------------------------------------------------------------------------


AT_ONCE = timedelta(minutes=-1)
"""A grace time that even what has just been written is past."""


@pytest.fixture
def waiting(modo, data, entity):
    """Let an edit that replaces a file be killed before an access of a kind; returns which files wait then."""
    modo.add_element(entity(), data / "demo1.cram")

    def kill(verb, where):
        dead = []

        def access(told, name):
            if dead or (told == verb and name.startswith(where)):
                dead.append(name)
                raise Killed

        with pytest.raises(Killed):
            MODO("", Watched(modo.storage, access)).update_element("demo1", {"name": "new"}, data / "table.csv")
        return [str(path) for path in modo.storage.list(INCOMING)]

    return kill


def test_a_file_of_an_edit_that_was_never_recorded_is_removed(modo, waiting):
    """Once it is older than the grace time, until which it is a note; it is no file of the object."""
    before = files(modo)
    [left] = waiting("put", f"{LOG}/")
    assert files(modo) == before
    [young] = [each for each in modo.check(depth="listing").findings if each.code == "orphan-file"]
    assert (young.place, young.severity) == (left, "note")
    assert any(each.code == "orphan-file" for each in modo.check(repair=True, dry_run=True, grace=AT_ONCE).repairs)
    repairs = modo.check(repair=True, grace=AT_ONCE).repairs
    assert ("orphan-file", left) in {(each.code, each.place) for each in repairs}
    assert not list(modo.storage.list(INCOMING))
    assert is_sound(modo)


def test_a_file_of_an_edit_that_was_recorded_takes_its_place_by_a_repair(modo, data, waiting):
    """However old it is: it is needed still."""
    [left] = waiting("copy", "demo1.cram")
    assert {each.code for each in modo.check(depth="listing", grace=AT_ONCE).findings} >= {"unmerged-commit"}
    assert not any(each.place == left for each in modo.check(depth="listing", grace=AT_ONCE).findings)
    modo.check(repair=True, grace=AT_ONCE)
    assert modo.refresh().metadata["data/demo1"]["name"] == "new"
    assert modo.storage.read("demo1.cram") == (data / "table.csv").read_bytes()
    assert is_sound(modo)


def test_a_file_that_waits_travels_with_its_record(modo, data, make_storage, waiting):
    """So the edit can be completed at the copy, too; once that is done at both, the copy has nothing that waits either."""
    left = waiting("copy", "demo1.cram")
    copy = make_storage("local")
    modo.transfer(copy)
    assert [str(path) for path in copy.list(INCOMING)] == left
    modo.check(repair=True, grace=AT_ONCE)
    modo.refresh().transfer(copy)
    assert not list(copy.list(INCOMING))
    assert copy.read("demo1.cram") == (data / "table.csv").read_bytes()
    assert is_sound(MODO("", copy))


def test_a_file_that_waits_is_purged_with_its_element(modo, data, waiting):
    """Nothing is kept of what a killed edit has stored for it."""
    waiting("put", f"{LOG}/")
    modo.remove_element("demo1", purge=True)
    assert not list(modo.storage.list(INCOMING))
    assert (data / "table.csv").read_bytes() not in {modo.storage.read(path) for path in modo.storage.list()}


@pytest.mark.parametrize("place", ["memory"], indirect=True)
def test_a_killed_edit_that_replaces_files_and_clashes_is_forgotten(modo, data, entity, a_minute_later):
    """None of it is made, as its bytes would stand under the checksum of another, or its name beside the bytes of another."""
    modo.add_element(entity(), data / "demo1.cram")
    killed(
        modo.storage,
        lambda modo: modo.update_element("demo1", {"name": "new"}, data / "table.csv"),
        then=lambda: modo.update_element("demo1", {}, data / "calls.vcf"),
    )
    modo.update_element("sample1", {"name": "later"})
    assert "name" not in modo.metadata["data/demo1"]
    assert modo.storage.read("demo1.cram") == (data / "calls.vcf").read_bytes()
    assert is_sound(modo, left={"orphan-file", "stale-group"})
    modo.check(repair=True, grace=AT_ONCE)
    assert is_sound(modo)


# -- a service that fails -----------------------------------------------------------------------------------------------


class Faulty:
    """A service that is down from one access on, for accesses of a kind, until it is healed."""

    def __init__(self, place, begins, fails):
        self.begins, self.fails, self.is_down = begins, fails, False
        self.modo = MODO("", Watched(place, self.access))
        self.then = lambda: None

    def access(self, verb, name):
        if not self.is_down and self.begins(verb, name):
            self.is_down = True
            self.then()
            raise ServiceUnavailableError(name)
        if self.is_down and self.fails(verb, name):
            raise ServiceUnavailableError(name)


@pytest.fixture
def replacing(modo, data, entity):
    """A file that is replaced by a service that fails when the new one takes its place; and what happens meanwhile."""
    modo.add_element(entity(), data / "demo1.cram")

    def replace(verb, *, then=lambda: None, fails=lambda told, name: False):
        faulty = Faulty(modo.storage, lambda told, name: (told, name) == (verb, "demo1.cram"), fails)
        faulty.then = then
        with pytest.raises(ServiceUnavailableError) as caught:
            faulty.modo.update_element("demo1", {"name": "new"}, data / "table.csv")
        return getattr(caught.value, "__notes__", [])

    return replace


@pytest.mark.parametrize("place", EVERYWHERE, indirect=True)
@pytest.mark.parametrize("verb", ["copy", "copied"])
def test_a_replaced_file_of_an_edit_that_fails_is_brought_back(modo, replacing, content, verb):
    """Whether the new one was in its place or not: the bytes are what they were, and nothing is left."""
    before = content(modo.storage)
    replacing(verb)
    assert content(modo.storage) == before
    assert is_sound(modo)


@pytest.mark.usefixtures("a_minute_later")
@pytest.mark.parametrize("verb", ["copy", "copied"])
def test_a_replaced_file_that_cannot_be_looked_at_is_that_of_the_next_edit(modo, data, replacing, verb):
    """Nobody can tell whether the new one is in its place: the error says so, and whoever edits next completes it."""
    notes = replacing(verb, fails=lambda told, name: (told, name) == ("stat", "demo1.cram"))
    assert any("could not be found out" in note for note in notes)
    modo.update_element("sample1", {"name": "later"})
    assert modo.metadata["data/demo1"]["name"] == "new"
    assert modo.storage.read("demo1.cram") == (data / "table.csv").read_bytes()
    assert is_sound(modo)


def test_a_file_that_others_have_stored_instead_stays_and_so_does_what_it_replaced(modo, replacing):
    """Theirs is not overwritten, and the only copy of what was there is kept."""
    before = modo.storage.read("demo1.cram")
    replacing("copied", then=lambda: modo.storage.put(b"theirs", "demo1.cram"))
    assert modo.storage.read("demo1.cram") == b"theirs"
    assert [modo.storage.read(each.place) for each in modo.trash()] == [before]


def test_an_error_behind_the_commit_says_that_the_edit_is_made(modo):
    """The root document was written, and its answer lost: who reads the error need not make the edit twice."""
    faulty = Faulty(
        modo.storage, lambda verb, name: (verb, name) == ("stored", ROOT_DOCUMENT), lambda verb, name: False
    )
    with pytest.raises(ServiceUnavailableError) as caught:
        faulty.modo.add_element({"@type": "Sample", "id": "new"})
    assert any("the edit itself is made" in note for note in caught.value.__notes__)
    assert "sample/new" in modo.refresh().metadata


@pytest.mark.parametrize("verb", ["put", "stored"])
def test_an_error_of_which_nobody_knows_says_so(modo, verb):
    """The service is down when it has the record of an edit: it is to be looked for before it is made again."""
    faulty = Faulty(modo.storage, lambda told, name: (told, name) == (verb, ROOT_DOCUMENT), lambda verb, name: True)
    with pytest.raises(ServiceUnavailableError) as caught:
        faulty.modo.add_element({"@type": "Sample", "id": "new"})
    assert any("could not be found out" in note for note in caught.value.__notes__)
    modo.update_element("sample1", {"name": "later"})
    assert "sample/new" in modo.metadata


@pytest.mark.parametrize("place", ["memory"], indirect=True)
def test_a_record_that_was_refused_is_not_there(modo, content):
    """Who may only read learns that, and not that an edit may have been made."""
    modo.update_element("ex", {"description": "once"})  # which writes no group, so that its record comes first
    before = content(modo.storage)

    def access(verb, name):
        if verb in {"put", "remove"}:
            raise AccessDeniedError(name)

    with pytest.raises(AccessDeniedError) as caught:
        MODO("", Watched(modo.storage, access)).undo()
    assert not any("could not be found out" in note for note in getattr(caught.value, "__notes__", ()))
    assert content(modo.storage) == before


def test_a_purge_that_fails_says_what_is_made_and_what_is_left(modo):
    """The element is removed, and what earlier edits keep of it goes when it is purged again."""
    modo.update_element("sample2", {"name": "Jane"})
    recorded = {str(path) for path in modo.storage.list(LOG)}
    faulty = Faulty(modo.storage, lambda verb, name: verb == "put" and name in recorded, lambda verb, name: False)
    with pytest.raises(ServiceUnavailableError) as caught:
        faulty.modo.remove_element("sample2", purge=True)
    assert any("the edit itself is made" in note for note in caught.value.__notes__)
    assert "sample/sample2" not in modo.refresh().metadata
    modo.remove_element("sample2", purge=True)
    assert b"Jane" not in b"".join(modo.storage.read(path) for path in modo.storage.list(LOG))


def test_who_edits_twice_does_not_clash_with_himself(place):
    """Although another writer has overwritten the root document with one that lacks the first edit, and not looked yet."""
    modo = MODO.create("", place, id="ex")
    modo.add_element({"@type": "Sample", "id": "s1"})
    before = place.read(ROOT_DOCUMENT)
    modo.update_element("s1", {"name": "once"})
    place.put(before, ROOT_DOCUMENT)
    assert modo.refresh().metadata["sample/s1"]["name"] == "once"
    place.put(before, ROOT_DOCUMENT)
    modo.update_element("s1", {"name": "twice"})
    assert MODO("", place).metadata["sample/s1"]["name"] == "twice"
    assert modo.check().is_clean
