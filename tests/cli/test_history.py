"""`modos log`, `diff`, `undo`, `trash`, `rename`, and removing for good: the same on disk, in S3 and in Swift."""

import json

import pytest

from modos import MODO


@pytest.fixture
def study(modos, place, tmp_path):
    """Make an object with a file, by the command line; returns its address with the options that go with it."""
    (tmp_path / "reads.fastq").write_text("@r1\nACGT\n+\nIIII\n")
    url = place / "ex"
    assert modos("create", url, *place.options).code == 0
    data = '{"@type": "DataEntity", "id": "reads", "data_format": "FASTQ"}'
    for arguments in (
        ("--element", '{"@type": "Sample", "id": "s1", "sex": "Male"}'),
        ("--element", data, "--source-file", tmp_path / "reads.fastq"),
    ):
        assert modos("add", url, *arguments, *place.options).code == 0
    return (url, *place.options)


def test_edits_are_listed_compared_and_taken_back(modos, study):
    """Results on standard output; ids by their last eight characters."""
    url, *options = study
    assert modos("update", url, "s1", "--element", '{"sex": "Female"}', *options).code == 0
    listed = modos("log", *study, "--changes")
    assert listed.code == 0
    lines = listed.out.splitlines()
    assert "    ~ sample/s1 (Sample)" in lines
    assert "        sex: 'Male' -> 'Female'" in lines
    newest, second, *_ = (each["id"] for each in json.loads(modos("log", *study, "--json").out))
    assert modos("log", *study, "-n", 1).out.startswith(newest)
    assert modos("log", *study, "-n", 10**30).out == modos("log", *study).out
    expected = "~ sample/s1 (Sample)\n    sex: 'Male' -> 'Female'\n"
    assert modos("diff", url, second[-8:], *options).out == expected
    assert modos("diff", url, second, newest, *options).out == expected
    assert modos("diff", url, newest, *options).out == ""
    undone = modos("undo", *study, "--dry-run", "--json")
    assert json.loads(undone.out)["elements"][0]["slots"] == [{"slot": "sex", "before": "Female", "after": "Male"}]
    assert modos("undo", *study).out == "~ sample/s1 (Sample)\n    sex: 'Female' -> 'Male'\n"
    assert "sex: Male" in modos("show", url, "s1", *options).out


def test_what_others_have_written_does_not_steer_the_terminal(modos, tmp_path, monkeypatch):
    """Each commit is a line, each finding two: control characters of authors, messages and names are made visible."""
    steering = "\x1b[2J\rred\n"
    monkeypatch.setenv("MODOS_AUTHOR", f"eve{steering}")
    modo = MODO.create(tmp_path / "ex")
    with modo.edit(f"first{steering}") as edit:
        edit.add({"@type": "Sample", "id": "s1", "name": f"name{steering}"})
    (tmp_path / "ex" / f"file{steering}.txt").touch()
    shown = [modos("log", tmp_path / "ex", "--changes", "-n", 1).out, modos("check", tmp_path / "ex").out]
    assert [len(each.splitlines()) for each in shown] == [3, 2]
    assert [each.isprintable() for out in shown for each in out.split("\n")] == [True] * 7


def test_removed_files_are_listed_brought_back_and_removed_for_good(modos, study, place):
    """By `trash`, `undo`, `trash --empty`, and `remove --purge`, which keeps none."""
    url, *options = study
    assert modos("remove", url, "reads", *options).code == 0
    assert modos("show", *study, "--files").out == ""
    kept = json.loads(modos("trash", *study, "--json").out)
    assert [(each["name"], each["size"]) for each in kept] == [("reads.fastq", 16)]
    assert modos("trash", *study).out.split()[2:] == ["16", "reads.fastq"]
    assert modos("undo", *study).code == 0
    assert modos("show", *study, "--files").out == "reads.fastq\n"
    assert modos("trash", *study, "--empty", "--older-than", "1d").out == ""
    assert "reads.fastq" in modos("trash", *study, "--empty").out
    assert modos("remove", url, "reads", "--purge", *options).code == 0
    assert modos("trash", *study).out == ""
    assert not any("reads.fastq" in str(name) for name in place.content())
    refused = modos("undo", *study, kept[0]["commit"])
    assert (refused.code, refused.out) == (1, "")
    assert "purged" in refused.err


def test_elements_get_another_id(modos, study):
    """Its full form is written; what cannot be is refused in one sentence."""
    url, *options = study
    assert modos("rename", url, "s1", "donor1", *options).out == "sample/donor1\n"
    refused = modos("rename", url, "s1", "donor2", *options)
    assert refused.code == 1
    assert "there is no element 's1'" in refused.err


def test_two_objects_are_compared(modos, ex, tmp_path):
    """What the other has more, otherwise, or not; commits are then out of place."""
    other = MODO.create(tmp_path / "other", id="ex", name="Pilot")
    other.add_element({"@type": "Sample", "id": "s1", "sex": "Female"})
    lines = modos("diff", ex, other.url).out.splitlines()
    assert "- data/reads (DataEntity)" in lines
    assert "    sex: 'Male' -> 'Female'" in lines
    refused = modos("diff", ex, other.url, "1234")
    assert refused.code == 2
    assert "leave TO out" in refused.err


MISTAKES = {
    "no such commit": (("undo", "EX", "nothing"), 1, "there is no commit 'nothing'"),
    "no such state": (("diff", "EX", "nothing"), 1, "there is no commit 'nothing'"),
    "none to tell": (("log", "EX", "-n", "0"), 2, "greater than or equal to 1"),
    "no time-span": (("trash", "EX", "--older-than", "soon"), 2, "no time-span"),
    "purging all": (("remove", "EX", "--purge"), 2, "--purge goes with an ELEMENT"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_one_sentence(modos, ex, mistake):
    """Nothing is changed."""
    arguments, code, told = MISTAKES[mistake]
    before = MODO(ex).metadata
    refused = modos(*(ex if each == "EX" else each for each in arguments))
    assert (refused.code, refused.out) == (code, "")
    assert told in refused.err
    assert MODO(ex).metadata == before
