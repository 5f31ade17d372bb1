"""Several changes made as one: what is staged, what is refused, and that the end of the block is all or nothing."""

import threading
from datetime import UTC, datetime

import pytest

from modos import MODO
from modos.errors import (
    ConflictError,
    DanglingLinkError,
    ElementExistsError,
    ElementNotFoundError,
    FileConflictError,
    IntegrityError,
    InvalidElementError,
    InvalidInputError,
    ModosError,
    ServiceError,
)
from modos.model import ElementId, Sample
from modos.storage import ROOT_DOCUMENT, Storage


def sample(name: str, /, **slots: object) -> dict[str, object]:
    return {"@type": "Sample", "id": name, **slots}


def assay(name: str, /, **slots: object) -> dict[str, object]:
    return {"@type": "Assay", "id": name, "omics_type": "GENOMICS", **slots}


@pytest.fixture
def here(make_storage) -> MODO:
    """An object on this disk with two samples and an assay of them."""
    modo = MODO.create("ex", make_storage("local"))
    with modo.edit() as edit:
        edit.add(sample("s1", sex="Male"))
        edit.add(sample("s2", name="s1"))
        edit.add(assay("a1", has_sample=["s1", "s2"]), part_of="ex")
    return modo


def hierarchy(content: dict[str, bytes]) -> dict[str, bytes]:
    """Return what is stored of an object, without what is kept of its history."""
    return {name: body for name, body in content.items() if not name.startswith(".modos/")}


# -- what a block does ----------------------------------------------------------------------------------------------


def test_a_block_is_visible_at_its_end_and_not_before(modo, place, data, entity):
    """Elements, files, links, slots of the object, a new id and a removal: others see all of it, or none."""
    reader = MODO("ex", place)
    before = reader.metadata
    with modo.edit() as edit:
        added = edit.add(entity(), data / "demo1.cram", part_of="assay1")
        edit.update("sample1", {"sex": None, "collector": ["A"]})
        edit.remove("sample2")
        edit.rename("assay1", "assay7")
        edit.describe(description="in one go")
        staged = edit.metadata
        assert modo.metadata == reader.refresh().metadata == before
        assert list(modo.list_files()) == []
    assert added == ElementId("data", "demo1")
    said = MODO("ex", place).metadata
    assert said == modo.metadata
    assert said["sample/sample1"] == {"@type": "Sample", "collector": ["A"], "name": "Sample 1"}
    assert said["assay/assay7"]["has_data"] == ["data/demo1"]
    assert said["assay/assay7"]["has_sample"] == ["sample/sample1"]
    assert said["ex"]["has_assay"] == ["assay/assay7"]
    assert said["ex"]["description"] == "in one go"
    assert {"sample/sample2", "assay/assay1"}.isdisjoint(said)
    assert [str(path) for path in modo.list_files()] == ["demo1.cram", "demo1.cram.crai"]
    del said["data/demo1"]["data_checksum"]
    said["ex"]["last_update_date"] = staged["ex"]["last_update_date"]
    assert said == staged


def test_each_group_is_written_once_and_the_root_last(modo, writes):
    """However often a block changes an element."""
    writes.names.clear()
    with modo.edit() as edit:
        for number in range(5):
            edit.add(sample(f"n{number}"))
            edit.update(f"n{number}", {"name": "x"})
            edit.update("sample1", {"name": f"name {number}"})
    written = [name for name in writes.names if name.startswith("data.zarr")]
    groups = [f"data.zarr/sample/{name}/zarr.json" for name in ("n0", "n1", "n2", "n3", "n4", "sample1")]
    assert sorted(written[:-1]) == groups
    assert written[-1] == ROOT_DOCUMENT


def test_an_exception_in_the_block_changes_nothing(modo, data, entity, content):
    """Not even what was staged before it; nothing is written, no file is left."""
    before = content(modo.storage)
    with pytest.raises(ZeroDivisionError), modo.edit() as edit:  # noqa: PT012 - the block is what fails
        edit.add(entity(), data / "demo1.cram")
        edit.remove("sample1")
        1 / 0  # noqa: B018 - the exception
    assert content(modo.storage) == before
    assert "data/demo1" not in modo.metadata


def test_a_block_that_fails_at_its_end_changes_nothing(modo, data, entity, content, monkeypatch):
    """A file that cannot be stored takes back the groups and files that could."""
    before = content(modo.storage)
    original = Storage.put

    def put(self, source, target, **options):
        if str(target) == "two.cram":
            raise ServiceError(self.url_of(target), status=507)
        return original(self, source, target, **options)

    monkeypatch.setattr(Storage, "put", put)
    with pytest.raises(ServiceError), modo.edit() as edit:  # noqa: PT012 - the block is what fails
        edit.add(sample("new"))
        edit.add(entity("one", data_path="one.cram"), data / "demo1.cram")
        edit.add(entity("two", data_path="two.cram"), data / "demo1.cram")
    assert content(modo.storage) == before
    assert modo.metadata == MODO("", modo.storage).metadata


@pytest.fixture
def replaced(modo, data):
    """An object with a file and a directory, to which each has one name less than what is to replace it."""
    (data / "plain").mkdir()
    for name in ("demo1.cram", "zarr.json"):
        (data / "plain" / name).write_bytes(b"before")
    modo.add_element({"@type": "DataEntity", "id": "reads", "data_format": "CRAM"}, data / "plain/demo1.cram")
    modo.add_element({"@type": "Array", "id": "counts", "data_format": "Zarr"}, data / "plain")
    return modo


@pytest.fixture
def fail_once(monkeypatch):
    """Let the first replacement of one file fail, after something else was done."""

    def fail_once(name, meanwhile=lambda: None):
        def put(self, source, target, *, mode="overwrite", **options):
            if mode == "overwrite" and str(target).endswith(name):
                monkeypatch.setattr(Storage, "put", original)
                meanwhile()
                raise ServiceError(self.url_of(target), status=507)
            return original(self, source, target, mode=mode, **options)

        monkeypatch.setattr(Storage, "put", put)

    original = Storage.put
    return fail_once


@pytest.mark.parametrize(
    ("element", "new", "failing"), [("reads", "demo1.cram", "demo1.cram"), ("counts", "counts.zarr", "plain/zarr.json")]
)
def test_a_replacement_that_fails_leaves_nothing_beside_what_is_there(
    replaced, data, content, fail_once, *, element, new, failing
):
    """Neither an index of the file that did not come, nor parts of the directory."""
    before = content(replaced.storage)
    fail_once(failing)
    with pytest.raises(ServiceError):
        replaced.update_element(element, {}, data / new)
    assert content(replaced.storage) == before


@pytest.mark.parametrize(
    ("element", "new", "failing", "beside"),
    [
        ("reads", "demo1.cram", "demo1.cram", "demo1.cram.crai"),
        ("counts", "counts.zarr", "plain/zarr.json", "plain/0/c"),
    ],
)
def test_what_has_come_beside_a_file_goes_when_that_cannot_be_replaced(
    replaced, data, content, monkeypatch, *, element, new, failing, beside
):
    """The last step of a replacement fails when the index, or the part of a directory, has taken its place already."""
    before = content(replaced.storage)
    original = Storage.move

    def move(self, source, target, **options):
        if str(target) == failing:
            original(self, str(source).replace(failing, beside), beside)
            raise ServiceError(self.url_of(target), status=507)
        return None if str(target) == beside else original(self, source, target, **options)

    monkeypatch.setattr(Storage, "move", move)
    with pytest.raises(ServiceError):
        replaced.update_element(element, {}, data / new)
    assert content(replaced.storage) == before


@pytest.mark.parametrize("record", ["readable", "damaged"])
def test_what_another_edit_has_stored_beside_meanwhile_stays(replaced, data, fail_once, record):
    """An index that has come there by an edit that was made is not that of the one that failed any more.

    Where the record of that edit is damaged, nobody knows what it has stored, and all of it stays.
    """
    (data / "other").mkdir()
    for name in ("demo1.cram", "demo1.cram.crai"):
        (data / "other" / name).write_bytes(b"other")
    other = MODO("", replaced.storage)

    def meanwhile():
        other.update_element("reads", {}, data / "other/demo1.cram")
        if record == "damaged":
            replaced.storage.put(b"{", max(replaced.storage.list(".modos/log")))

    fail_once("data.zarr/data/reads/zarr.json", meanwhile)
    with pytest.raises(ServiceError):
        replaced.update_element("reads", {}, data / "demo1.cram")
    assert [replaced.storage.read(name) for name in ("demo1.cram", "demo1.cram.crai")] == [b"other", b"other"]
    assert other.verify(deep=True).is_sound


def test_an_empty_block_writes_nothing(here, writes):
    """Neither does one that says what is said already, or takes back what it has done."""
    before = here.metadata
    with here.edit():
        pass
    with here.edit() as edit:
        edit.update("s1", {"sex": "Male"})
        edit.add(sample("s3"))
        edit.remove("s3")
        edit.rename("s2", "x")
        edit.rename("x", "s2")
    assert writes.names == []
    assert here.metadata == before


def test_the_date_is_that_of_the_end_of_the_block(here):
    """`last_update_date` is when the edit is made, to the second, not when it was staged."""
    with here.edit() as edit:
        edit.add(sample("s3"))
        staged = datetime.now(UTC)
    made = here.log(1)[0].when
    assert made > staged
    assert here.metadata["ex"]["last_update_date"] == made.replace(microsecond=0).isoformat()


# -- mistakes -------------------------------------------------------------------------------------------------------

REFUSED = {
    "a bad value": (lambda edit, data: edit.add(sample("n", sex="Mal")), InvalidElementError),
    "an id that is taken": (lambda edit, data: edit.add(sample("s1")), ElementExistsError),
    "an id staged before": (lambda edit, data: edit.add(sample("staged")), ElementExistsError),
    "a dangling link": (lambda edit, data: edit.add(assay("n", has_sample="s9")), DanglingLinkError),
    "a link to a removed one": (lambda edit, data: edit.update("a1", {"has_sample": ["s2"]}), DanglingLinkError),
    "an unknown owner": (lambda edit, data: edit.add(sample("n"), part_of="a9"), ElementNotFoundError),
    "an owner without such parts": (lambda edit, data: edit.add(assay("n"), part_of="s1"), InvalidElementError),
    "an unknown element": (lambda edit, data: edit.update("s9", {}), ElementNotFoundError),
    "an element removed before": (lambda edit, data: edit.update("s2", {}), ElementNotFoundError),
    "a file that is not there": (
        lambda edit, data: edit.add({"@type": "DataEntity", "id": "n", "data_format": "CRAM"}, data / "none"),
        InvalidInputError,
    ),
    "a file of another": (
        lambda edit, data: edit.add(
            {"@type": "DataEntity", "id": "n", "data_format": "CRAM", "data_path": "demo1.cram"}, data / "table.csv"
        ),
        FileConflictError,
    ),
    "a file for what has none": (lambda edit, data: edit.update("s1", {}, data / "table.csv"), InvalidElementError),
    "another id by an update": (lambda edit, data: edit.update("s1", {"id": "n"}), InvalidElementError),
    "a new id that is taken": (lambda edit, data: edit.rename("s1", "staged"), ElementExistsError),
    "a new id that is none": (lambda edit, data: edit.rename("s1", "a/b"), InvalidElementError),
    "a link that is not there": (lambda edit, data: edit.unlink("a1", "staged"), InvalidElementError),
    "an array that is not there": (lambda edit, data: edit.remove_array("s1", "x"), ElementNotFoundError),
    "another class of the object": (lambda edit, data: edit.describe(**{"@type": "Sample"}), InvalidElementError),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_stages_nothing_and_the_block_goes_on(here, data, entity, mistake):
    """It is raised where it is made; what was staged before and after it is made."""
    make, error = REFUSED[mistake]
    with here.edit() as edit:
        edit.add(sample("staged"))
        edit.remove("s2")
        edit.add(entity(), data / "demo1.cram")
        before = edit.metadata
        with pytest.raises(error):
            make(edit, data)
        assert edit.metadata == before
        edit.add(sample("after"))
    assert here.list_samples() == ["sample/after", "sample/s1", "sample/staged"]
    assert set(MODO("", here.storage).metadata) == {*before, "sample/after"}
    assert "data_checksum" in here.metadata["data/demo1"]


def test_what_was_refused_takes_no_names(here, data, entity):
    """Neither an id, nor a file, nor a link of an element that was refused for another reason."""
    with here.edit() as edit:
        with pytest.raises(DanglingLinkError):
            edit.add(entity(has_sample="s9"), data / "demo1.cram")
        with pytest.raises(ElementNotFoundError):
            edit.add(sample("n"), part_of="nobody")
        edit.add(entity("other"), data / "demo1.cram")
        edit.add(sample("n"))
        edit.remove("s1")
    assert here.metadata["assay/a1"]["has_sample"] == ["sample/s2"]


def test_a_declared_checksum_is_checked_when_files_are_read(here, data, entity, content):
    """At the end of the block, which then changes nothing."""
    before = content(here.storage)
    with pytest.raises(InvalidElementError, match="data_checksum"), here.edit() as edit:  # noqa: PT012 - its end fails
        edit.add(sample("n"))
        edit.add(entity(data_checksum="00"), data / "demo1.cram")
    assert content(here.storage) == before


def test_a_source_that_changes_while_it_is_stored_is_refused(here, data, entity, content, monkeypatch):
    """What is stored must be what was read."""
    before = content(here.storage)
    original = Storage.put

    def put(self, source, target, **options):
        info = original(self, source, target, **options)
        if str(target) == "demo1.cram":
            source.blake2b  # noqa: B018 - it is complete
            self._put_bytes("demo1.cram", b"other", mode="overwrite", content_type=None, metadata={})
            return self.stat("demo1.cram")
        return info

    monkeypatch.setattr(Storage, "put", put)
    with pytest.raises(IntegrityError), here.edit() as edit:
        edit.add(entity(), data / "demo1.cram")
    assert hierarchy(content(here.storage)) == hierarchy(before)


# -- one's own later steps ------------------------------------------------------------------------------------------


def test_what_is_staged_can_be_changed_again(here, data, entity):
    """A new element is updated, its file renamed, its id changed, and a link to it follows."""
    with here.edit() as edit:
        edit.add(entity(), data / "demo1.cram", part_of="a1")
        edit.update("demo1", {"name": "Reads", "data_path": "runs/reads.cram"})
        assert edit.rename("demo1", "reads") == ElementId("data", "reads")
    said = here.metadata
    assert said["assay/a1"]["has_data"] == ["data/reads"]
    assert said["data/reads"]["name"] == "Reads"
    assert [str(path) for path in here.list_files()] == ["runs/reads.cram", "runs/reads.cram.crai"]
    assert len(said["data/reads"]["data_checksum"]) == 128


def test_a_file_that_is_renamed_twice_is_moved_once(here, data, entity):
    """From where it is to where it is to be."""
    here.add_element(entity(), data / "demo1.cram")
    with here.edit() as edit:
        edit.update("demo1", {"data_path": "a.cram"})
        edit.update("demo1", {"data_path": "b.cram"})
    assert [str(path) for path in here.list_files()] == ["b.cram", "b.cram.crai"]
    assert here.storage.read("b.cram") == (data / "demo1.cram").read_bytes()


TAKING = {
    "exchanged": [("a", "data_path", "t.cram"), ("b", "data_path", "a.cram"), ("a", "data_path", "b.cram")],
    "handed on": [("b", "data_path", "c.cram"), ("a", "data_path", "b.cram")],
    "of one that goes": [("b", "remove", ""), ("a", "data_path", "b.cram")],
}


@pytest.mark.parametrize("steps", TAKING.values(), ids=TAKING)
def test_a_name_that_an_edit_frees_is_not_taken_by_a_renaming_in_it(here, data, entity, content, steps):
    """The file stays until the edit is made; the error says whose it is and that two edits do it, and so does the trial."""
    for name, file in (("a", "demo1.cram"), ("b", "calls.vcf")):
        here.add_element(entity(name, data_path=f"{name}.cram"), data / file)
    before = content(here.storage)

    def take(*, is_trial):
        with here.edit() as edit:
            for element, what, value in steps:
                if what == "remove":
                    edit.remove(element)
                else:
                    edit.update(element, {what: value})
            if is_trial:
                edit.difference()

    with pytest.raises(FileConflictError, match="belongs to data/"):
        take(is_trial=True)
    with pytest.raises(FileConflictError) as caught:
        take(is_trial=False)
    assert (caught.value.path, caught.value.owner) in {("b.cram", "data/b"), ("a.cram", "data/a")}
    assert any("free the name in one edit" in note for note in caught.value.__notes__)
    assert content(here.storage) == before


def test_an_element_is_removed_and_another_takes_its_id_and_file(here, data, entity):
    """The new one has nothing of the old but the names."""
    here.add_element(entity(description="old"), data / "demo1.cram")
    with here.edit() as edit:
        edit.remove("demo1")
        edit.add(entity(data_path="demo1.cram"), data / "table.csv")
    assert [str(path) for path in here.list_files()] == ["demo1.cram"]
    assert here.storage.read("demo1.cram") == (data / "table.csv").read_bytes()
    assert "description" not in here.metadata["data/demo1"]


def test_elements_exchange_their_ids(here):
    """By way of a third; links follow."""
    with here.edit() as edit:
        edit.rename("s1", "third")
        edit.rename("s2", "s1")
        edit.rename("third", "s2")
    said = here.metadata
    assert said["sample/s2"] == {"@type": "Sample", "sex": "Male"}
    assert said["sample/s1"] == {"@type": "Sample", "name": "s1"}
    assert said["assay/a1"]["has_sample"] == ["sample/s2", "sample/s1"]
    assert MODO("", here.storage).metadata == said


def test_links_are_made_and_taken_away(here):
    """Both ends stay."""
    with here.edit() as edit:
        edit.unlink("a1", "s2")
        edit.link("a1", edit.add(sample("s3")))
        edit.unlink("ex", "a1")
    assert here.metadata["assay/a1"]["has_sample"] == ["sample/s1", "sample/s3"]
    assert "has_assay" not in here.metadata["ex"]
    assert "sample/s2" in here.metadata


def test_a_description_is_staged_whole_or_not_at_all(here, tmp_path):
    """Its entries may come in any order; a mistake in one stages none of them."""
    (tmp_path / "more.yaml").write_text(
        '- element: {id: a2, "@type": Assay, omics_type: GENOMICS, has_sample: [n1, s1]}\n'
        '- element: {id: n1, "@type": Sample}\n'
    )
    (tmp_path / "wrong.yaml").write_text(
        '- element: {id: n2, "@type": Sample}\n- element: {id: n3, "@type": Sample, sex: Mal}\n'
    )
    with here.edit() as edit:
        assert edit.add_from_file(tmp_path / "more.yaml") == [ElementId("assay", "a2"), ElementId("sample", "n1")]
        with pytest.raises(InvalidElementError, match="sex"):
            edit.add_from_file(tmp_path / "wrong.yaml")
        edit.link("ex", "a2")
    assert here.list_samples() == ["sample/n1", "sample/s1", "sample/s2"]
    assert here.metadata["ex"]["has_assay"] == ["assay/a1", "assay/a2"]


def test_a_caller_may_go_on_with_what_was_given(here):
    """What was staged is what it was then."""
    given = sample("n", collector=["A"])
    model = Sample(id="m", name="then")
    with here.edit() as edit:
        edit.add(given)
        edit.add(model)
        given["collector"].append("B")
        model.name = "now"
    assert here.metadata["sample/n"]["collector"] == ["A"]
    assert here.metadata["sample/m"]["name"] == "then"


def test_arrays_join_with_their_elements(modo, place):
    """Of an element that was staged before, too; nothing is stored until the block ends, and nothing if it fails."""
    with modo.edit() as edit:
        edit.add(sample("n"))
        edit.add_array("n", [[1, 2], [3, 4]], "counts")
        edit.add_array("sample1", [5, 6], "a/b")
        assert "data.zarr/sample/n/counts/zarr.json" not in map(str, modo.storage.list("data.zarr"))
    again = MODO("ex", place)
    assert again.read_array("n", "counts").tolist() == [[1, 2], [3, 4]]
    assert again.read_array("sample1", "a/b").tolist() == [5, 6]
    with modo.edit() as edit:
        edit.remove_array("n", "counts")
        edit.add_array("sample1", [7], "a/b", overwrite=True)
        with pytest.raises(ElementExistsError):
            edit.add_array("sample1", [8], "a/b")
    again = MODO("ex", place)
    assert again.read_array("sample1", "a/b").tolist() == [7]
    assert not list(modo.storage.list("data.zarr/sample/n/counts"))
    assert modo.check(depth="listing").is_clean


def test_a_block_that_fails_leaves_no_chunk(here, content, monkeypatch):
    """Neither of the arrays that were written before the failure, nor of the one whose writing failed."""
    here.add_array("s1", [1, 2, 3])
    before = content(here.storage)
    original = Storage.put

    def put(self, source, target, **options):
        if str(target).startswith("data.zarr/assay/a1"):
            raise ServiceError(self.url_of(str(target)), status=507)
        return original(self, source, target, **options)

    monkeypatch.setattr(Storage, "put", put)
    with pytest.raises(ServiceError), here.edit() as edit:  # noqa: PT012 - its end fails
        edit.add_array("s2", [1, 2, 3])
        edit.add_array("s1", [4, 5], overwrite=True)
        edit.add_array("a1", [6])
    monkeypatch.undo()
    assert content(here.storage) == before
    assert here.refresh().read_array("s1").tolist() == [1, 2, 3]


# -- slots and ids --------------------------------------------------------------------------------------------------


def test_a_model_unsets_the_slots_that_it_was_given_as_none(here):
    """Those that it leaves open stay."""
    here.update_element("s1", {"name": "N", "description": "D", "collector": ["A"]})
    here.update_element("s1", Sample(id="s1", name=None, collector=[]))
    assert here.metadata["sample/s1"] == {"@type": "Sample", "description": "D", "sex": "Male"}


def test_a_new_id_takes_file_arrays_and_links_along(modo, place, data, entity):
    """Equal text in slots that hold no links stays, and so does the name of the file."""
    modo.add_element(entity(name="demo1", has_sample="sample1"), data / "demo1.cram", part_of="assay1")
    modo.add_array("demo1", [[1, 2], [3, 4]], "matrix")
    files, before = modo.list_files(), modo.metadata
    assert modo.rename_element("demo1", "reads") == ElementId("data", "reads")
    again = MODO("ex", place)
    assert again.metadata == modo.metadata
    assert modo.metadata["data/reads"] == before["data/demo1"]
    assert modo.metadata["assay/assay1"]["has_data"] == ["data/reads"]
    assert modo.list_files() == files
    assert modo.storage.read("demo1.cram") == (data / "demo1.cram").read_bytes()
    assert again.zarr["data/reads/matrix"][:].tolist() == [[1, 2], [3, 4]]
    assert not list(modo.storage.list("data.zarr/data/demo1"))
    assert modo.check(depth="listing").is_clean


# -- the life of an edit --------------------------------------------------------------------------------------------


def test_an_edit_is_used_once_and_in_a_block(here):
    """Before the block, after it, and in a second one every call is refused."""
    edit = here.edit()
    with pytest.raises(InvalidInputError, match="has not begun"):
        edit.add(sample("n"))
    with edit:
        edit.add(sample("n"))
    for late in (lambda: edit.add(sample("m")), lambda: edit.metadata, edit.__enter__):
        with pytest.raises(InvalidInputError, match=r"modo\.edit\(\)"):
            late()
    with pytest.raises(ZeroDivisionError), here.edit() as failed:
        1 / 0  # noqa: B018 - the exception
    with pytest.raises(InvalidInputError, match="is finished"):
        failed.remove("n")


def test_an_edit_within_an_edit_is_refused(here):
    """A single call is one too: the block would otherwise not be all or nothing."""
    with here.edit() as edit:
        with pytest.raises(InvalidInputError, match="under way"):
            here.add_element(sample("n"))
        with pytest.raises(InvalidInputError, match="under way"), here.edit():
            pass
        edit.add(sample("m"))
    here.add_element(sample("n"))
    assert here.list_samples() == ["sample/m", "sample/n", "sample/s1", "sample/s2"]


def test_what_others_change_meanwhile_stays(modo, place):
    """Another instance edits while the block runs: both are in the object, links of both too."""
    other = MODO("ex", place)
    with modo.edit() as edit:
        edit.add(sample("mine"), part_of="assay1")
        other.add_element(sample("theirs"), part_of="assay1")
        other.update_element("sample1", {"description": "theirs"})
        edit.update("sample1", {"name": "mine"})
    said = MODO("ex", place).metadata
    assert modo.metadata == said
    assert {"sample/mine", "sample/theirs"} <= set(said["assay/assay1"]["has_sample"])
    assert (said["sample/sample1"]["name"], said["sample/sample1"]["description"]) == ("mine", "theirs")


def test_a_slot_that_both_have_changed_is_refused(modo, place, content):
    """The error names the slot and both values; of the block nothing is left."""
    other = MODO("ex", place)
    with pytest.raises(ConflictError) as caught, modo.edit() as edit:  # noqa: PT012 - its end fails
        edit.add(sample("mine"), part_of="assay1")
        edit.update("sample1", {"name": "mine"})
        other.update_element("sample1", {"name": "theirs"})
        before = content(modo.storage)
    error = caught.value
    assert (error.place, error.slot, error.ours, error.theirs) == ("sample/sample1", "name", "mine", "theirs")
    assert content(modo.storage) == before
    assert "sample/mine" not in modo.refresh().metadata


def test_what_others_have_taken_is_refused_at_the_end_and_names_the_line(here, content):
    """An id that another has given meanwhile; nothing of the block is made."""
    other = MODO("", here.storage)
    with pytest.raises(ModosError) as caught, here.edit() as edit:  # noqa: PT012 - its end fails
        edit.add(sample("first"))
        edit.add(sample("n", name="mine"))
        other.add_element(sample("n", name="theirs"))
        before = content(here.storage)
    assert "sample/n" in str(caught.value)
    assert content(here.storage) == before
    assert here.refresh().metadata["sample/n"]["name"] == "theirs"


def test_threads_stage_in_one_edit(here):
    """Each call is made whole, one after the other."""
    with here.edit() as edit:
        threads = [threading.Thread(target=lambda n=n: edit.add(sample(f"t{n}"), part_of="a1")) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(here.list_samples()) == 22
    assert len(here.metadata["assay/a1"]["has_sample"]) == 22


def test_threads_edit_one_instance(here):
    """Blocks of several threads on one `MODO` are edits of their own; none is lost."""

    def write(number: int) -> None:
        with here.edit() as edit:
            edit.add(sample(f"t{number}a"))
            edit.add(sample(f"t{number}b"), part_of="a1")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(here.refresh().list_samples()) == 10
    assert len(here.metadata["assay/a1"]["has_sample"]) == 6
