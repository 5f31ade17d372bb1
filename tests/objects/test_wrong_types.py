"""What is of a wrong Python type, given to any verb of an object, is a mistake like any other, and changes nothing."""

from datetime import date

import pytest

from modos import (
    MODO,
    check_object,
    list_modos,
    pack,
    repair_object,
    transfer,
    transfer_many,
    unpack,
    upgrade_object,
)
from modos.errors import InvalidInputError
from modos.storage import LocalStorage
from modos.transfers import list_abandoned

SAMPLE = {"@type": "Sample", "id": "x"}
ENTITY = {"@type": "DataEntity", "id": "x", "data_format": "CSV"}


def edit(act):
    """Return a call that does something in a block."""

    def call(modo, wrong):
        with modo.edit() as edit:
            act(edit, wrong)

    return call


NEVER = {
    "add_element": lambda modo, wrong: modo.add_element(wrong),
    "a class": lambda modo, wrong: modo.add_element({"@type": wrong, "id": "x"}),
    "an id": lambda modo, wrong: modo.add_element({"@type": "Sample", "id": wrong}),
    "update_element": lambda modo, wrong: modo.update_element(wrong, {"name": "x"}),
    "what is updated": lambda modo, wrong: modo.update_element("s", wrong),
    "what is updated of the object": lambda modo, wrong: modo.update_element("ex", wrong),
    "rename_element": lambda modo, wrong: modo.rename_element(wrong, "y"),
    "a new id": lambda modo, wrong: modo.rename_element("s", wrong),
    "remove_element": lambda modo, wrong: modo.remove_element(wrong),
    "purge": lambda modo, wrong: modo.remove_element(wrong, purge=True),
    "link": edit(lambda edit, wrong: edit.link(wrong, "s")),
    "link to": edit(lambda edit, wrong: edit.link("ex", wrong)),
    "unlink": edit(lambda edit, wrong: edit.unlink(wrong, "s")),
    "add_from_file": lambda modo, wrong: modo.add_from_file(wrong),
    "update_from_file": lambda modo, wrong: modo.update_from_file(wrong),
    "diff_with": lambda modo, wrong: modo.diff_with(wrong),
    "from_file": lambda modo, wrong: MODO.from_file(wrong, modo.url),
    "export": lambda modo, wrong: modo.export(wrong),
    "export_to": lambda modo, wrong: modo.export_to(wrong),
    "publish": lambda modo, wrong: modo.publish(wrong),
    "query": lambda modo, wrong: modo.query(wrong),
    "add_array": lambda modo, wrong: modo.add_array(wrong, [1]),
    "the name of an array": lambda modo, wrong: modo.add_array("s", [1], wrong),
    "add_anndata": lambda modo, wrong: modo.add_anndata("s", wrong, "new"),
    "add_mudata": lambda modo, wrong: modo.add_mudata("s", wrong, "new"),
    "append_array": lambda modo, wrong: modo.append_array(wrong, "data", [1]),
    "read_array": lambda modo, wrong: modo.read_array(wrong),
    "remove_array": lambda modo, wrong: modo.remove_array(wrong),
    "the name of a removed array": lambda modo, wrong: modo.remove_array("s", wrong),
    "metadata_at": lambda modo, wrong: modo.metadata_at(wrong),
    "diff": lambda modo, wrong: modo.diff(wrong),
    "the age of what is checked": lambda modo, wrong: modo.check(grace=wrong),
    "the age of what is repaired": lambda modo, wrong: modo.check(repair=True, grace=wrong),
    "add_reference": lambda modo, wrong: modo.add_reference(wrong),
    "transfer": lambda modo, wrong: modo.transfer(wrong),
    "plan_transfer": lambda modo, wrong: modo.plan_transfer(wrong),
    "download": lambda modo, wrong: modo.download(wrong),
    "opening": lambda modo, wrong: MODO(wrong),
    "opening in a storage": lambda modo, wrong: MODO(wrong, modo.storage),
    "pack": lambda modo, wrong: pack(wrong, f"{modo.url}.zip"),
    "unpack": lambda modo, wrong: unpack(f"{modo.url}.zip", wrong),
    "transfer from": lambda modo, wrong: transfer(wrong, f"{modo.url}-copy"),
    "transfer_many": lambda modo, wrong: [*transfer_many(wrong, f"{modo.url}-copies")],
    "check_object": lambda modo, wrong: check_object(wrong),
    "repair_object": lambda modo, wrong: repair_object(wrong),
    "upgrade_object": lambda modo, wrong: upgrade_object(wrong),
    "list_modos": lambda modo, wrong: [*list_modos(wrong)],
    "list_abandoned": lambda modo, wrong: list_abandoned(wrong),
    "stream_genomics": lambda modo, wrong: modo.stream_genomics(wrong),
    "index_file": lambda modo, wrong: modo.index_file(wrong),
}
"""Verbs that take neither `None`, nor a number, nor a list."""

OPTIONAL = {
    "a file": lambda modo, wrong: modo.add_element(ENTITY, wrong),
    "a file that replaces": lambda modo, wrong: modo.update_element("d", {}, wrong),
    "an owner": lambda modo, wrong: modo.add_element(SAMPLE, part_of=wrong),
    "a slot": lambda modo, wrong: modo.update_element("d", {"data_path": wrong}),
    "a slot of the object": lambda modo, wrong: modo.update_element("ex", {"description": wrong}),
    "a format": lambda modo, wrong: modo.add_from_file("none.yaml", format=wrong),
    "attributes of an array": lambda modo, wrong: modo.add_array("s", [1], "new", attributes=wrong),
    "labels of an array": lambda modo, wrong: modo.add_array("s", [1], "new", labels=wrong),
    "attributes of an array in a block": edit(lambda edit, wrong: edit.add_array("s", [1], "new", attributes=wrong)),
    "undo": lambda modo, wrong: modo.undo(wrong),
    "a storage": lambda modo, wrong: MODO("ex", storage=wrong),
    "empty_trash": lambda modo, wrong: modo.empty_trash(wrong),
    "knowledge_graph": lambda modo, wrong: modo.knowledge_graph(wrong),
    "show_contents": lambda modo, wrong: modo.show_contents(wrong),
}
"""Verbs to which `None` means something."""


def elsewhere(modo):
    """Return where a copy could be."""
    return LocalStorage(f"{modo.url}-copy")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An object with a sample, its array, and a data element, which no test changes."""
    modo = MODO.create(tmp_path_factory.mktemp("wrong") / "ex", id="ex")
    modo.add_element({"@type": "Sample", "id": "s"})
    modo.add_element({"@type": "DataEntity", "id": "d", "data_format": "CSV", "data_path": "d.csv"})
    modo.add_array("s", [1, 2])
    return modo


CASES = [*((name, wrong) for name in NEVER for wrong in (None, 3, ["s", 3])), *((name, 3) for name in OPTIONAL)]


@pytest.mark.parametrize(("name", "wrong"), CASES)
def test_a_wrong_type_is_refused_in_words(here, name, wrong):
    """`None`, a number, a list: the error says what would be right, and the object is as it was."""
    before = {str(path): here.storage.read(path) for path in here.storage.list()}
    with pytest.raises(InvalidInputError):
        (NEVER | OPTIONAL)[name](here, wrong)
    assert {str(path): here.storage.read(path) for path in here.storage.list()} == before


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda modo: modo.metadata_at(None), r"a commit is named by text, not by None"),
        (
            lambda modo: modo.add_element({**SAMPLE, "collector": (x for x in "ab")}),
            r"what is no value of a slot.*generator",
        ),
        (lambda modo: MODO("x", modo.storage, token="t"), r"token: a storage that is given is open already"),
        (lambda modo: pack(modo, "ex.zip", source_options={"token": "t"}), r"token: a storage that is given is open"),
        (lambda modo: pack(modo, ""), r"'' is no file's name"),
        (lambda modo: modo.transfer(""), r"'' is no path; name a directory or an address"),
        (lambda modo: modo.transfer(elsewhere(modo), progress=5), r"progress is told to a function, not by an int"),
        (lambda modo: pack(modo, f"{modo.url}.zip", progress=5), r"progress is told to a function, not by an int"),
        (lambda modo: modo.transfer(elsewhere(modo), verify="deep"), r"'digest' or 'full', not 'deep'"),
        (lambda modo: modo.transfer(elsewhere(modo), workers=0), r"0 workers cannot copy anything"),
        (lambda modo: modo.export_to(""), r"'' names no file to write"),
        (lambda modo: modo.add_element(ENTITY, "."), r"'.' is no name of a file, or of a folder, to add"),
        (lambda modo: modo.add_array("s", [1], "new", labels=["x"]), r"a mapping of each dimension.*not by a list"),
        (lambda modo: modo.add_array("s", [1], "new", chunks=2.5), r"chunks 2.5 do not.*one number for all"),
        (lambda modo: modo.add_array("s", [1], "new", chunks=[2.5]), r"chunks \[2.5\] do not fit"),
        (lambda modo: modo.add_array("s", [1], "new", attributes={"at": date.min}), r"'at' is of type date.*as text"),
        (lambda modo: modo.add_array("s", [1], "new", attributes={1: 2}), r"attributes are named by text, not by 1"),
        (lambda modo: modo.log([1]), r"is said by a number, not by a list"),
        (lambda modo: modo.update_element(None, {}), r"id None is not text"),
        (lambda modo: modo.add_element(ENTITY, 3), r"a file is named by a path or an address, not by an int"),
        (lambda modo: modo.edit(b"why"), r"is said by text, not by a bytes"),
        (lambda modo: modo.check(vocabularies=3), r"vocabularies are given by a list of paths, not by an int"),
        (lambda modo: modo.enrich_metadata(elements=3), r"elements are chosen by a list of ids, not by an int"),
        (lambda modo: modo.read_array("s", as_=["numpy"]), r"a form is named by text, not by a list"),
        (lambda modo: modo.add_array("s", [1], "new", attributes=[1]), r"a mapping of names to values, not by a list"),
        (lambda modo: modo.storage.sign("d.csv", expires_in="1d"), r"is said by a number of seconds, not by a str"),
        (lambda modo: modo.storage.sign("d.csv", expires_in=-5), r"good for some seconds to come, not for -5"),
        (lambda modo: modo.storage.sign("d.csv", expires_in=float("nan")), r"some seconds to come, not for nan"),
    ],
)
def test_what_would_be_right_is_said(here, call, rule):
    """The rule, and what was given."""
    with pytest.raises(InvalidInputError, match=rule):
        call(here)
