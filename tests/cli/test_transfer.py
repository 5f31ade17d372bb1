"""`modos transfer` and `modos verify`: plans, events, many objects, leftovers, and being told to end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modos import MODO
from modos.cli.reporting import visible
from modos.storage import LocalStorage
from modos.testing import Proxy


def files_of(place) -> int:
    """Count the files of an object, the records of its edits among them."""
    return len(list(LocalStorage(place).list()))


def test_a_dry_run_says_what_would_be_done(modos, ex, tmp_path):
    """A line for each step and one with the sums, or the same as JSON; nothing is written."""
    told = modos("transfer", ex, tmp_path / "copy", "--dry-run")
    counted = json.loads(modos("transfer", ex, tmp_path / "copy", "--dry-run", "--json").out)
    assert told.code == 0
    assert told.out.splitlines()[-1].startswith(f"{files_of(ex)} files, ")
    assert (counted["files"], counted["steps"][-1]["action"]) == (files_of(ex), "commit")
    assert not (tmp_path / "copy").exists()


def test_made_again_nothing_is_written(modos, ex, tmp_path):
    """The result says what was there already."""
    modos("transfer", ex, tmp_path / "copy")
    again = modos("transfer", ex, tmp_path / "copy")
    assert again.out.startswith(f"{tmp_path / 'copy'}: 0 files (0 bytes) in ")
    assert f"{files_of(ex)} files (" in again.out
    assert "were there already" in again.out


def test_programs_get_events_and_a_result(modos, ex, tmp_path):
    """With --json, each line of standard error is a document, and standard output is one."""
    result = modos("transfer", ex, tmp_path / "copy", "--json", "--verify", "full", "--workers", 2)
    events = [json.loads(line) for line in result.err.splitlines()]
    assert {event["event"] for event in events} == {"progress"}
    assert (events[0]["files_done"], events[-1]["files_done"]) == (0, files_of(ex))
    assert json.loads(result.out)["skipped"] == 0


def test_files_that_are_not_what_their_checksums_say_are_named(modos, ex, tmp_path):
    """They are copied as they are, and the exit code is that of `verify`; in words, as JSON, for many, and out of an archive."""
    (name,) = [path.name for path in ex.glob("*.fastq")]
    (ex / name).write_text("@r1\nACGA\n+\nIIII\n")
    told = modos("transfer", ex, tmp_path / "copy")
    assert (told.code, told.out.endswith("all as they are at the source, 1 not what their data_checksum says\n")) == (
        1,
        True,
    )
    assert f"modos: {name} was copied as it is" in told.err
    assert (tmp_path / "copy" / name).read_bytes() == (ex / name).read_bytes()
    counted = modos("transfer", ex, tmp_path / "another", "--json")
    assert (counted.code, json.loads(counted.out)["changed"]) == (1, [name])
    each = modos("transfer", f"{tmp_path / 'ex'}/*", tmp_path / "many", "--json")
    assert (each.code, json.loads(each.out)["changed"]) == (1, [name])
    assert modos("verify", tmp_path / "copy").code == 1
    modos("pack", ex, tmp_path / "ex.zip")
    unpacked = modos("unpack", tmp_path / "ex.zip", tmp_path / "back")
    assert (unpacked.code, f"modos: {name} was copied as it is" in unpacked.err) == (1, True)


def test_a_mirror(modos, ex, tmp_path):
    """`--delete` removes what only the copy has."""
    modos("transfer", ex, tmp_path / "copy")
    (tmp_path / "copy" / "left.txt").write_text("x")
    assert "1 of the old one removed" in modos("transfer", ex, tmp_path / "copy", "--delete").out


def test_all_objects_beneath_a_place(modos, tmp_path):
    """A line for each; one that fails is told and makes the exit code 1, the others are copied."""
    for name in ("one", "two"):
        MODO.create(tmp_path / "study" / name)
    fine = modos("transfer", f"{tmp_path}/study/*", tmp_path / "copies")
    assert (fine.code, [line.partition(": ")[0] for line in fine.out.splitlines()]) == (
        0,
        [f"{tmp_path}/copies/one", f"{tmp_path}/copies/two"],
    )
    MODO.create(tmp_path / "others" / "one", id="in the way")
    failed = modos("transfer", f"{tmp_path}/study/*", tmp_path / "others")
    assert (failed.code, "in the way" in failed.err, MODO(tmp_path / "others" / "two").id) == (1, True, "two")
    documents = [
        json.loads(line)
        for line in modos("transfer", f"{tmp_path}/study/*", tmp_path / "others", "--json").out.splitlines()
    ]
    assert ["error" in each for each in documents] == [True, False]


def test_how_far_each_of_many_objects_is_is_told(modos, tmp_path):
    """Away from a terminal: from its beginning on, also after another has been copied."""
    for name in ("one", "two"):
        MODO.create(tmp_path / "study" / name)
    told = modos("transfer", f"{tmp_path}/study/*", tmp_path / "copies").err.splitlines()
    count = files_of(tmp_path / "study" / "one")
    assert [line.startswith(f"0 of {count} files") for line in told].count(True) == 2
    assert [line.startswith(f"{count} of {count} files") for line in told].count(True) == 2


def test_many_objects_are_planned_before_they_are_copied(modos, tmp_path):
    """`--dry-run` tells of each what would be done, or why it would be refused, and writes nothing."""
    for name in ("one", "two"):
        MODO.create(tmp_path / "study" / name)
    MODO.create(tmp_path / "copies" / "one", id="in the way")
    planned = modos("transfer", f"{tmp_path}/study/*", tmp_path / "copies", "--dry-run")
    assert (planned.code, "in the way" in planned.err) == (1, True)
    second = "transfer", tmp_path / "study" / "two", tmp_path / "copies" / "two", "--dry-run"
    assert planned.out == f"{tmp_path}/copies/two:\n{modos(*second).out}"
    lines = modos("transfer", f"{tmp_path}/study/*", tmp_path / "copies", "--dry-run", "--json").out.splitlines()
    assert ["error" in json.loads(each) for each in lines] == [True, False]
    assert json.loads(lines[1]).items() >= json.loads(modos(*second, "--json").out).items()
    assert not (tmp_path / "copies" / "two").exists()


def test_names_steer_no_terminal(modos, ex, tmp_path):
    """Whoever stored a file or an object has named it: there is one line for each, with what is not text made visible."""
    name = "new\nline\x1b[31m"
    (ex / name).write_text("x")
    shutil.copytree(ex, tmp_path / "study" / name)
    planned = modos("transfer", ex, tmp_path / "copy", "--dry-run").out.splitlines()
    assert r"create   new\x0aline\x1b[31m (1 bytes)" in planned
    assert visible(f"extra       {name}") + "\n" in modos("verify", tmp_path / "study" / name).out
    assert modos("list", tmp_path / "study").out == f"{tmp_path}/study/{visible(name)}\n"
    copied = modos("transfer", f"{tmp_path}/study/*", tmp_path / "copies").out
    assert copied.startswith(f"{tmp_path}/copies/{visible(name)}: ")


def test_parts_that_were_left_are_listed_and_removed(modos, ex):
    """Young ones only when told so; `--dry-run` removes nothing."""
    upload = LocalStorage(ex).parts.begin("reads/large.cram", size=10, part_size=5, origin="gone")
    upload.put(0, b"12345")
    young = modos("transfer", ex, "--clean")
    listed = modos("transfer", ex, "--clean", "--grace", "0", "--dry-run")
    as_json = json.loads(modos("transfer", ex, "--clean", "--grace", "0", "--dry-run", "--json").out)
    removed = modos("transfer", ex, "--clean", "--grace", "0")
    assert (young.code, young.out, young.err) == (0, "", "modos: nothing removed\n")
    assert listed.out == removed.out == f"{ex}/reads/large.cram  5 bytes\n"
    assert (listed.err, removed.err) == tuple(
        f"modos: parts of 1 file, 5 bytes, {end}\n" for end in ("left over", "removed")
    )
    assert (as_json[0]["path"], as_json[0]["bytes"]) == ("reads/large.cram", 5)
    assert datetime.fromisoformat(as_json[0]["changed"]) <= datetime.now(UTC)
    assert modos("transfer", ex, "--clean", "--grace", "0").out == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("how", [(), ("--json",)], ids=["lines", "events"])
def test_a_transfer_goes_on_when_nobody_is_told_how_far_it_is(ex, tmp_path, clean_environment, how):
    """The disk of its log is full, or the terminal is gone: the copy is made, and its result written."""
    command = [sys.executable, "-m", "modos", "transfer", str(ex), str(tmp_path / "copy"), *how]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False, env=clean_environment)
    assert (done.returncode, b"copy" in done.stdout, MODO(tmp_path / "copy").id) == (0, True, MODO(ex).id)


def test_parts_are_removed_from_one_place_at_a_time(modos, ex, tmp_path):
    """A command that was to be made again, with --clean behind it, would look where nothing is left."""
    told = modos("transfer", ex, tmp_path / "copy", "--clean")
    assert (told.code, "--clean is for one place" in told.err, str(tmp_path / "copy") in told.err) == (2, True, True)


def test_a_request_to_end_stops_a_transfer_as_ctrl_c_does(ex, account, container, clean_environment):
    """SIGTERM ends it within two seconds, and it says how to go on."""
    with Proxy(account.server.url, latency=0.5) as proxy:
        credentials = {"OS_STORAGE_URL": proxy.through(account.server.storage_url), "OS_AUTH_TOKEN": account.token}
        command = [sys.executable, "-m", "modos", "transfer", str(ex), f"swift://{container}/ex"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**clean_environment, **credentials}
        )
        while not proxy.count(method="PUT"):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-2:] == [
        "modos: the same command continues where this one was stopped",
        "modos: interrupted",
    ]
    assert account.get(container, "ex/data.zarr/zarr.json") is None


def test_verify_tells_what_is_wrong(modos, ex):
    """Sound is exit code 0; a changed or missing file is named, and the code is 1."""
    sound = modos("verify", ex, "--deep")
    os.utime(ex / "reads.fastq")
    (ex / "reads.fastq").write_text("other")
    (ex / "notes.txt").write_text("x")
    broken = modos("verify", ex, "--deep")
    as_json = modos("verify", ex, "--deep", "--json")
    assert (sound.code, sound.out, sound.err) == (0, "", "modos: 1 files verified, 0 unproven\n")
    assert (broken.code, broken.out) == (1, "changed     reads.fastq\nextra       notes.txt\n")
    assert (as_json.code, json.loads(as_json.out)["changed"]) == (1, ["reads.fastq"])


def test_what_nobody_has_taken_a_checksum_of_stays_unproven(modos, ex):
    """Who reads all of it already is not told to."""
    (ex / "plain.fastq").write_text("@r1")
    MODO(ex).add_element({"@type": "DataEntity", "id": "plain", "data_format": "FASTQ", "data_path": "plain.fastq"})
    hint = "; --deep reads what is unproven and has a checksum\n"
    assert modos("verify", ex).err.endswith(f"unproven{hint}")
    assert modos("verify", ex, "--deep").err.endswith("1 unproven\n")
