"""`modos check` and `modos upgrade`: what they say, for people and for programs, and their exit codes."""

import json

import pytest
import zarr

from modos import MODO

ROOT = "data.zarr/zarr.json"


@pytest.fixture
def older(tmp_path):
    """An object on this disk as releases up to 0.3.5 wrote it."""
    root = zarr.open_group(tmp_path / "older/data.zarr", mode="w", zarr_format=2)
    root.attrs.update({"@type": "MODO", "id": "older", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"})
    for kind in ("assay", "data", "reference", "sample", "sequence"):
        root.create_group(kind)
    root.create_group("sample/s1").attrs.update({"@type": "Sample", "sex": "Male"})
    zarr.consolidate_metadata(root.store, zarr_format=2)
    return tmp_path / "older"


def test_a_clean_object_is_told_in_one_line(modos, place, ex):
    """Exit code 0 in every place, nothing on standard output; as JSON there are no findings."""
    assert modos("transfer", ex, place / "ex", *place.options).code == 0
    for options in ([], ["--listing"], ["--deep"], ["--repair", "--dry-run"]):
        result = modos("check", place / "ex", *place.options, *options)
        assert (result.code, result.out) == (0, "")
        assert "0 errors, 0 warnings, 0 notes" in result.err
    told = json.loads(modos("check", place / "ex", "--json", *place.options).out)
    assert (told["is_clean"], told["findings"], told["repairs"]) == (True, [], [])


def test_a_damaged_object_is_explained_and_repaired(modos, place, ex):
    """Opening names the command; it exits with 1 and a remedy for each finding, and with 0 once all is repaired."""
    said = MODO(ex).metadata
    (ex / ROOT).write_bytes((ex / ROOT).read_bytes()[:-100])
    shown = modos("show", ex)
    assert shown.code == 1
    assert f"modos check {ex}" in shown.err
    found = modos("check", ex)
    assert (found.code, found.out.splitlines()[0].partition(":")[0]) == (1, "error")
    assert f"'modos check {ex} --repair'" in found.out
    before = (ex / ROOT).read_bytes()
    planned = modos("check", ex, "--repair", "--dry-run")
    assert (planned.code, (ex / ROOT).read_bytes()) == (1, before)
    assert planned.out.startswith("would repair: data.zarr/zarr.json")
    repaired = modos("check", ex, "--repair", "--json")
    assert repaired.code == 0
    assert [each["code"] for each in json.loads(repaired.out)["repairs"]] == ["unreadable-root"]
    assert MODO(ex).metadata == said


def test_what_is_not_repaired_is_left_and_told(modos, ex):
    """A file that is gone is no matter of metadata: exit code 1, and the finding stands."""
    (ex / "reads.fastq").unlink()
    result = modos("check", ex, "--repair", "--grace", "0")
    assert result.code == 1
    assert "error: reads.fastq: is described, and is not there [missing-file]" in result.out
    assert "1 error, " in result.err


def test_notes_do_not_change_the_exit_code(modos, ex):
    """A file that nothing describes is worth knowing."""
    (ex / "notes.txt").write_text("x")
    result = modos("check", ex)
    assert result.code == 0
    assert "note: notes.txt" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dry-run"], "--repair"),
        (["--listing", "--deep"], "one of them"),
        (["--repair", "--grace", "soon"], "time-span"),
        (["--endpoint", "http://localhost"], "s3://"),
        (["--unknown"], "--unknown"),
    ],
)
def test_a_command_line_that_means_nothing_exits_with_2(modos, ex, arguments, said):
    """And says what would be right."""
    result = modos("check", ex, *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_an_older_object_is_upgraded(modos, older):
    """It is shown as it is, edits and checks name the command, and afterwards it is like any other."""
    before = json.loads(modos("show", older, "--json").out)
    assert before["sample/s1"] == {"@type": "Sample", "sex": "Male"}
    refused = modos("remove", older, "s1")
    assert (refused.code, f"modos upgrade {older}" in refused.err) == (1, True)
    refused = modos("remove", older, "--force")
    assert refused.code == 1
    checked = modos("check", older)
    assert checked.code == 1
    assert f"'modos upgrade {older}'" in checked.out
    planned = json.loads(modos("upgrade", older, "--dry-run", "--json").out)
    assert planned["written"][-1] == ROOT
    assert not (older / ROOT).exists()
    done = modos("upgrade", older)
    assert (done.code, done.out) == (0, "")
    assert "7 documents written, 15 old ones removed" in done.err
    assert json.loads(modos("show", older, "--json").out) == before
    assert modos("check", older).code == 0
    assert "already" in modos("upgrade", older).err


def test_where_there_is_no_object(modos, tmp_path):
    """One sentence and exit code 1."""
    for command in (["check"], ["check", "--repair"], ["upgrade"]):
        result = modos(*command, tmp_path)
        assert (result.code, result.out) == (1, "")
        assert "there is no digital object here" in result.err
