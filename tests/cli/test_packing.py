"""`modos pack` and `modos unpack`: an object as one file, anywhere, by command."""

import json

import pytest

from modos import MODO


def test_an_object_is_packed_shown_and_unpacked(modos, place, ex, tmp_path):
    """By one command each, on every kind of place; what arrives is the object."""
    archive = place / "ex.zip"
    packed = modos("pack", ex, archive, *place.options)
    assert packed.code == 0, packed.err
    assert packed.out.startswith(f"{archive}: ")
    assert "packed" in packed.out
    address = archive if place.kind != "local" else f"file:{archive}"
    shown = modos("show", f"{address}|zip:", "--json", *place.options)
    assert json.loads(shown.out) == json.loads(modos("show", ex, "--json").out)
    unpacked = modos("unpack", archive, tmp_path / "back", "--json", *place.options)
    told = json.loads(unpacked.out)
    assert told["files"] == len(told["digests"]) == len([path for path in ex.rglob("*") if path.is_file()])
    assert MODO(tmp_path / "back").checksum() == MODO(ex).checksum()


def test_what_is_described_and_not_there_is_missed(modos, ex, tmp_path):
    """Whichever way an object is copied, the file is named and the code is 1; the copy is as complete as the object."""
    (ex / "reads.fastq").unlink()
    said = "modos: reads.fastq could not be copied: the object describes it, and the source has no such file\n"
    archive = tmp_path / "ex.zip"
    for command in (("pack", ex, archive), ("unpack", archive, tmp_path / "back"), ("transfer", ex, tmp_path / "copy")):
        done = modos(*command)
        assert (done.code, done.err.count(said)) == (1, 1), command
    as_json = modos("transfer", ex, tmp_path / "another", "--json")
    assert (as_json.code, json.loads(as_json.out)["missing"]) == (1, ["reads.fastq"])
    assert MODO(tmp_path / "back").checksum() == MODO(ex).checksum() == MODO(tmp_path / "copy").checksum()


def test_a_tilde_that_names_no_user_is_a_name_as_any_other(modos, ex, tmp_path, monkeypatch):
    """Of an archive as of an object."""
    monkeypatch.chdir(tmp_path)
    assert modos("pack", ex, "~nobody-of-that-name/ex.zip").code == 0
    assert (tmp_path / "~nobody-of-that-name" / "ex.zip").is_file()


def test_files_and_objects_are_replaced_only_when_told_so(modos, ex, tmp_path):
    """Without --overwrite it is one sentence and exit code 1; with it they are replaced."""
    archive = tmp_path / "ex.zip"
    assert modos("pack", ex, archive, "--json").code == 0
    MODO.create(tmp_path / "other")
    for command in (["pack", ex, archive], ["unpack", archive, tmp_path / "other"]):
        refused = modos(*command)
        assert (refused.code, refused.out) == (1, "")
        assert modos(*command, "--overwrite").code == 0
    assert MODO(tmp_path / "other").id == "ex"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pack", "missing", "x.zip"], "there is no digital object here"),
        (["pack", "ex", "ex/x.zip"], "inside the object"),
        (["unpack", "missing.zip", "x"], "there is nothing here"),
        (["unpack", "reads.fastq", "x"], "could not open the ZIP archive: the file is not one"),
        (["show", "file:reads.fastq|zip:"], "could not open the ZIP archive"),
        (["show", "ex.zip|zip:"], "file:ex.zip"),
        (["show", "file:ex.zip|zpi:"], "did you mean 'zip'"),
        (["show", "file:packed.zip"], "did you forget '|zip:'?"),
        (
            ["update", "file:packed.zip|zip:", "s1", "--element", '{"sex": "Female"}'],
            "unpack it, edit, and pack it again",
        ),
        (["pack", "ex", "x.zip", "--endpoint", "https://s3.example.org"], "--endpoint is for s3:// addresses"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(modos, ex, monkeypatch, arguments, said):
    """It says what would be right, writes nothing to standard output, and no file appears."""
    monkeypatch.chdir(ex.parent)
    assert modos("pack", "ex", "packed.zip").code == 0
    before = sorted(ex.parent.rglob("*"))
    result = modos(*arguments)
    assert result.code in {1, 2}
    assert result.out == ""
    assert said in result.err
    *_, sentence = result.err.strip().splitlines()
    assert sentence.startswith("modos: ")
    assert sorted(ex.parent.rglob("*")) == before
