"""Descriptions by command: what would be changed, what was, and objects written as descriptions."""

import io
import json
from types import SimpleNamespace

import pytest
import yaml

from modos import MODO

SAMPLES = "id,sex,name\ns1,null,One\ns2,Female,\n"


@pytest.fixture
def samples(tmp_path):
    """A table that updates one sample and adds another."""
    path = tmp_path / "samples.csv"
    path.write_text(SAMPLES)
    return path


@pytest.fixture
def typed(monkeypatch):
    """Let something come by standard input."""

    def typed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode()), isatty=lambda: False))

    return typed


def test_a_trial_run_shows_slots_and_files_and_changes_nothing(modos, place, ex, samples):
    """On every kind of place; the run itself shows the same, and made again it changes nothing."""
    here, access = place / "ex", place.options
    assert modos("transfer", ex, here, *access).code == 0
    before = place.content()
    lines = [
        "~ sample/s1 (Sample)",
        "    name: 'One'",
        "    sex: 'Male' -> not set",
        "+ sample/s2 (Sample)",
        "    sex: 'Female'",
    ]

    tried = modos("update", here, "-f", samples, "--no-remove", "--dry-run", *access)
    assert (tried.code, tried.out.splitlines(), place.content()) == (0, lines, before)
    assert tried.err == "modos: would be 1 added, 1 changed, 0 removed\n"
    done = modos("update", here, "-f", samples, "--no-remove", *access)
    assert (done.code, done.out, done.err) == (0, tried.out, "modos: 1 added, 1 changed, 0 removed\n")
    again = modos("update", here, "-f", samples, "--no-remove", *access)
    assert (again.code, again.out, again.err) == (0, "", "modos: nothing is changed\n")


def test_a_difference_is_there_for_programs(modos, ex, samples):
    """`--json` tells the object, whether it was a trial, and each change."""
    for trial in (True, False):
        result = modos("update", ex, "-f", samples, "--no-remove", "--json", *(["--dry-run"] if trial else []))
        said = json.loads(result.out)
        assert (said["object"], said["dry_run"], said["files"]) == (str(ex), trial, [])
        assert said["elements"][0] == {
            "id": "sample/s1",
            "kind": "changed",
            "type": "Sample",
            "slots": [
                {"slot": "name", "before": None, "after": "One"},
                {"slot": "sex", "before": "Male", "after": None},
            ],
        }


def test_single_updates_and_additions_can_be_tried_too(modos, ex, tmp_path):
    """Of an element, by slots, by a file, by unsetting; nothing is written before it is meant."""
    better = tmp_path / "better.fastq"
    better.write_text("@r1\nTTTTT\n+\nIIIII\n")
    before = MODO(ex).checksum()

    unset = modos("update", ex, "s1", "--unset", "sex", "--dry-run")
    renewed = modos("update", ex, "reads", "--source-file", better, "--dry-run")
    added = modos("add", ex, "-e", '{"@type": "Sample", "id": "s2"}', "--part-of", "assay1", "--dry-run", "--json")

    assert unset.out == "~ sample/s1 (Sample)\n    sex: 'Male' -> not set\n"
    assert "~ file reads.fastq (18 bytes): replaced\n" in renewed.out
    assert [(each["id"], each["kind"]) for each in json.loads(added.out)["elements"]] == [
        ("assay/assay1", "changed"),
        ("sample/s2", "added"),
    ]
    assert MODO(ex).checksum() == before
    assert "'sexx' is no slot of Sample" in modos("update", ex, "s1", "--unset", "sexx").err
    assert modos("update", ex, "s1", "--unset", "sex").code == 0
    assert MODO(ex).metadata["sample/s1"] == {"@type": "Sample"}


def test_several_files_and_standard_input_describe_together(modos, ex, typed, samples):
    """`--from-file` may be repeated, and `-` is what comes through a pipe, in a format that may be said."""
    typed('- element: {"@type": Assay, id: a2, omics_type: GENOMICS, has_sample: s2}\n')
    assert modos("update", ex, "-f", samples, "-f", "-", "--no-remove").code == 0
    assert MODO(ex).metadata["assay/a2"]["has_sample"] == ["sample/s2"]
    typed("@type\tid\nSample\ts5\n")
    assert modos("add", ex, "-f", "-", "--format", "tsv").out == "sample/s5\n"


@pytest.mark.parametrize("place", ["swift"], indirect=True)
def test_an_object_goes_through_a_pipe(modos, place, ex, typed, monkeypatch):
    """`modos export A | modos create B --from-file -` makes the same object, its files included."""
    monkeypatch.chdir(ex.parent)
    exported = modos("export", ex)
    assert (exported.code, exported.err) == (0, "")
    assert yaml.safe_load(exported.out)[2]["args"] == {"source_file": "ex/reads.fastq"}

    typed(exported.out)
    planned = modos("create", place / "again", "-f", "-", "--dry-run", *place.options)
    assert "+ file reads.fastq (16 bytes): stored\n" in planned.out
    assert place.content() == {}
    typed(exported.out)
    created = modos("create", place / "again", "-f", "-", "--json", *place.options)
    assert json.loads(created.out)["object"] == place / "again"
    copy = json.loads(modos("show", place / "again", "--json", *place.options).out)
    assert copy == MODO(ex).metadata


def test_exports_come_back_without_a_change(modos, ex, typed, tmp_path):
    """Whatever they are written in, on standard output and in files; names of files tell the format."""
    for format_ in ("yaml", "tsv", "turtle"):
        typed(modos("export", ex, "--format", format_).out)
        back = modos("update", ex, "-f", "-", "--format", format_)
        assert (back.code, back.out, back.err) == (0, "", "modos: nothing is changed\n")
    tables = modos("export", ex, "-o", tmp_path / "tables", "--format", "csv")
    assert sorted(tables.out.splitlines()) == [str(path) for path in sorted((tmp_path / "tables").iterdir())]
    assert modos("update", ex, "-f", tmp_path / "tables").err == "modos: nothing is changed\n"
    assert "source_file" not in modos("export", ex, "--no-files").out
