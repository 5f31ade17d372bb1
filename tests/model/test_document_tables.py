"""Tables as people keep them: lists in cells, several files, a folder, a word for unsetting, and errors that point at the cell."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidDocumentError, InvalidInputError
from modos.model import Entry, dump_document, load_document
from modos.model.documents.cells import cell_of, value_of
from modos.model.documents.tables import class_of_table
from modos.model.schema import DESCRIBABLE

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
AWKWARD = st.text(st.sampled_from("|\\[] \tnul,\"'\n\r"), max_size=8) | st.just("null")


@given(TEXT | AWKWARD)
def test_a_cell_says_any_text(text):
    """Whatever a slot for one value holds is read back from its cell, white space and the word for unsetting included."""
    assert value_of("name", cell_of("name", text)) == text


@given(st.lists((TEXT | AWKWARD).filter(bool)))
def test_a_cell_says_any_list(values):
    """Whatever values a list has are read back, with bars, backslashes, brackets and white space in them."""
    assert value_of("collector", cell_of("collector", values)) == values


def test_a_list_with_an_empty_text_is_no_cell():
    """What a table cannot hold is refused by name rather than lost."""
    entries = [Entry({"@type": "Sample", "id": "s1"}), Entry({"@type": "Sample", "id": "s2", "collector": ["a", ""]})]
    with pytest.raises(InvalidInputError, match=r"collector \['a', ''\] has an empty text") as caught:
        dump_document(entries, "csv")
    assert caught.value.__notes__ == ["while writing the entry 's2'"]


@pytest.mark.parametrize(
    ("element", "args", "told"),
    [
        ({"weight": "3 kg"}, {}, "weight '3 kg' is of no slot, and has no column"),
        ({"name": "a\ud800"}, {}, r"name 'a\\ud800' is not valid Unicode text"),
        ({"has_sample": ["a\ud800"]}, {}, r"has_sample \['a\\ud800'\] is not valid Unicode text"),
        ({}, {"source_file": "ex/counts.tsv "}, "source_file 'ex/counts.tsv ' would be read as 'ex/counts.tsv'"),
        ({}, {"source_file": "null"}, "source_file 'null' would be read as None"),
    ],
)
def test_what_no_table_can_hold_is_refused(element, args, told):
    """Such as a slot that other software wrote, or a file whose name ends in white space: none of it is left out or changed."""
    entries = [Entry({"@type": "DataEntity", "id": "d1", **element}, args)]
    with pytest.raises(InvalidInputError, match=f"^{told}, so that no table can hold it; write YAML or JSON") as caught:
        dump_document(entries, "tsv")
    assert caught.value.__notes__ == ["while writing the entry 'd1'"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("null", None),
        (" null ", None),
        ("\\null", "null"),
        ("C:\\data", "C:\\data"),
        ("a|b", "a|b"),
        (" a ", "a"),
    ],
)
def test_a_cell_is_read_as_it_looks(cell, value):
    """Only the word for unsetting, and a backslash at the beginning, mean something in a slot for one value."""
    assert value_of("name", cell) == value


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("a|b", ["a", "b"]),
        ("[a | b]", ["a", "b"]),
        ("a||b", ["a", "b"]),
        ("[]", []),
        ("a\\|b", ["a|b"]),
        ("a\\b", ["a\\b"]),
    ],
)
def test_lists_stand_in_cells(cell, values):
    """Values are separated by bars, with or without brackets; a backslash keeps a bar."""
    assert value_of("collector", cell) == values


def test_an_unset_slot_is_not_an_empty_cell(tmp_path):
    """An empty cell leaves a slot alone; `null` unsets it."""
    (tmp_path / "samples.csv").write_text("id,sex,name\ns1,null,\n")
    assert load_document(tmp_path / "samples.csv") == [Entry({"@type": "Sample", "id": "s1", "sex": None})]


@pytest.mark.parametrize("name", DESCRIBABLE)
def test_tables_are_named_after_classes_as_people_write_them(name):
    """In any case, with underscores, in the plural."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    for stem in (name, name.upper(), f"{name}s", parts.lower(), f"{parts}s"):
        assert class_of_table(f"{stem}.csv") == name
    assert class_of_table("data_entities.tsv") == "DataEntity"
    assert class_of_table("notes.csv") is None


def test_a_folder_of_tables_is_one_description(tmp_path):
    """Each table named after a class is read, in order; other files are none of its."""
    (tmp_path / "assays.tsv").write_text("id\tomics_type\na1\tGENOMICS|PROTEOMICS\n")
    (tmp_path / "samples.csv").write_text("id\ns1\n")
    (tmp_path / "counts.tsv").write_text("gene\ts1\n")
    (tmp_path / "notes.txt").write_text("")
    entries = load_document(tmp_path)
    assert [entry.element for entry in entries] == [
        {"@type": "Assay", "id": "a1", "omics_type": ["GENOMICS", "PROTEOMICS"]},
        {"@type": "Sample", "id": "s1"},
    ]


def test_a_folder_tells_a_mistyped_table_from_other_files(tmp_path):
    """A name that was meant to be a class is not passed over, and a folder without tables is no description."""
    with pytest.raises(InvalidDocumentError, match="folder without tables"):
        load_document(tmp_path)
    (tmp_path / "sampels.csv").write_text("id\ns1\n")
    with pytest.raises(InvalidDocumentError, match=r"sampels.csv: is named after no class; did you mean Sample.csv"):
        load_document(tmp_path)


def test_several_files_are_one_description(tmp_path):
    """In the order they are given; an id that two of them have is refused, naming both places."""
    (tmp_path / "a.yaml").write_text('- element: {"@type": Sample, id: s1}\n')
    (tmp_path / "samples.csv").write_text("id\ns2\n")
    assert [each.element["id"] for each in load_document([tmp_path / "a.yaml", str(tmp_path / "samples.csv")])] == [
        "s1",
        "s2",
    ]
    (tmp_path / "samples.csv").write_text("id\ns2\ns1\n")
    with pytest.raises(
        InvalidDocumentError, match=r"samples.csv, entry 2 \(line 3\): the id 's1' is taken by .*a.yaml, entry 1"
    ):
        load_document([tmp_path / "a.yaml", tmp_path / "samples.csv"])


SAMPLE = {"@type": "Sample", "id": "s1", "collector": ["Foo"]}


@pytest.mark.parametrize("format_", ["yaml", "json", "csv", "tsv"])
def test_a_stream_is_read_in_the_format_that_is_said(format_):
    """What is written in a format is read back from an open file that has no name."""
    entries = [Entry(SAMPLE, {"part_of": "a1"})]
    text = dump_document(entries, format_)
    assert load_document(io.BytesIO(text.encode()), format=format_) == entries


@pytest.mark.parametrize(
    "text", [json.dumps([{"element": SAMPLE}]), "- element:\n    '@type': Sample\n    id: s1\n    collector: [Foo]\n"]
)
def test_a_stream_tells_yaml_from_json(text):
    """Without a format, what it begins with decides."""
    assert load_document(io.BytesIO(text.encode())) == [Entry(SAMPLE)]


def test_unknown_formats_are_refused():
    """The message names those that there are."""
    with pytest.raises(
        InvalidInputError, match=r"'yml' is no format of descriptions, which are yaml, json, .*did you mean 'yaml'"
    ):
        load_document(io.BytesIO(b""), format="yml")
    with pytest.raises(InvalidInputError, match="'xlsx' is no format to write"):
        dump_document([], "xlsx")


@pytest.mark.parametrize(
    ("name", "text", "places"),
    [
        (
            "x.yaml",
            "\n- element:\n    '@type': Sample\n    id: s1\n    sex: Mal\n  args: {part_of: a}\n",
            {"sex": "line 5, column 5", "part_of": "line 6, column 10", "name": "entry 1 (line 2)"},
        ),
        (
            "x.json",
            '[{"element": {"@type": "Assay", "id": "x"}},\n {"args": {"part_of": "a"},\n  "element": {"@type": "Sample", "sex": "Mal"}}]',
            {"sex": "line 3, column 34", "part_of": "line 2, column 12", "id": "entry 2"},
        ),
        (
            "samples.tsv",
            'id\tname\tsex\ns1\t"two\nlines"\tMal\n',
            {"sex": "line 3, column 3", "id": "line 3, column 1", "collector": "entry 1 (line 3)"},
        ),
    ],
)
def test_entries_know_where_their_slots_stand(tmp_path, name, text, places):
    """Line and column of a slot or an argument; of the entry for what is not written."""
    (tmp_path / name).write_text(text)
    entry = load_document(tmp_path / name)[-1]
    assert {slot: entry.origin.place_of(slot) for slot in places} == {
        slot: f"{tmp_path / name}, {place}" for slot, place in places.items()
    }


def test_long_lists_fit_into_cells(tmp_path):
    """Ten thousand links are one cell, beyond what Python's reader takes by default."""
    links = [f"data/element-{number}" for number in range(10_000)]
    (tmp_path / "assays.csv").write_text(
        dump_document([Entry({"@type": "Assay", "id": "a", "has_data": links})], "csv")
    )
    assert load_document(tmp_path / "assays.csv")[0].element["has_data"] == links


@pytest.mark.parametrize("format_", ["csv", "tsv"])
@pytest.mark.parametrize("text", ["\r", "a\rb", "a\r\nb", "a\nb", '"', ",\t"])
def test_what_ends_lines_elsewhere_stays_in_its_cell(format_, text):
    """Line ends of any kind, quotes and delimiters come back, on every version of Python."""
    entry = Entry({"@type": "Sample", "id": "s1", "description": text})
    table = dump_document([entry], format_)
    assert [each.element for each in load_document(io.BytesIO(table.encode()), format=format_)] == [entry.element]
