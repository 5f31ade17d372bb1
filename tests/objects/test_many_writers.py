"""Many processes that edit one object at once, some of which are killed: every acknowledged edit is in it and in its log."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest

from modos import MODO
from modos.objects.editing.settling import complete
from modos.objects.history.records import read_records, record_ids
from modos.objects.snapshot import Snapshot

pytestmark = pytest.mark.thorough

WRITER = """
import json, random, sys
from modos import MODO
from modos.errors import ConflictError
from modos.storage import open_storage

url, options, name, edits = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])
modo = MODO("", open_storage(url, storage_options=options))
choose = random.Random(name)
mine, made = [], 0

def tell(**what):
    print(json.dumps(what), flush=True)

def attempt(number, kind, act, expected):
    tell(number=number, begins=kind, expected=expected)
    try:
        with modo.edit(message=f"{name}-{number}") as edit:
            act(edit)
    except ConflictError as error:
        assert kind == "contend" and error.slot == "description" and error.place == "sample/shared", error
        tell(number=number, conflict=str(error))
        return False
    tell(number=number, made=kind)
    return True

tell(ready=True)
sys.stdin.readline()
for number in range(edits):
    kind = choose.choice(["add", "add", "link", "update", "update", "contend", "remove"])
    if kind in {"update", "remove"} and not mine:
        kind = "add"
    if kind in {"add", "link"}:
        new = f"{name}-{number}"
        part_of = "assay1" if kind == "link" else None
        if attempt(number, kind, lambda edit: edit.add({"@type": "Sample", "id": new}, part_of=part_of), [new, {}]):
            mine.append(new)
    elif kind == "update":
        slot, value = choose.choice(["name", "description"]), f"{name} {number}"
        which = choose.choice([*mine, f"own-{name}"])
        attempt(number, kind, lambda edit: edit.update(which, {slot: value}), [which, {slot: value}])
    elif kind == "contend":
        attempt(number, kind, lambda edit: edit.update("shared", {"description": f"{name} {number}"}), None)
    else:
        gone = mine.pop(choose.randrange(len(mine)))
        attempt(number, kind, lambda edit: edit.remove(gone), [gone, None])
"""

SIZE = os.environ.get("MODOS_TEST_WRITERS", "")
"""Writers and edits of each, as `8x50`; empty for the small size of every day."""


def prepare(place, writers):
    modo = MODO.create("", place, id="ex")
    with modo.edit() as edit:
        edit.add({"@type": "Sample", "id": "shared"})
        edit.add({"@type": "Assay", "id": "assay1", "omics_type": "GENOMICS"}, part_of="ex")
        for writer in writers:
            edit.add({"@type": "Sample", "id": f"own-{writer}"})
    return modo


def run(place, options, writers, edits, victims):
    """Let them write, kill some of them after a while, and return what each has told."""
    command = [sys.executable, "-c", WRITER, place.url, json.dumps(options)]
    processes = {
        name: subprocess.Popen(
            [*command, name, str(edits)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for name in writers
    }
    told: dict[str, list[dict]] = {name: [] for name in writers}
    assert all(json.loads(process.stdout.readline()) == {"ready": True} for process in processes.values())
    for process in processes.values():
        process.stdin.write("\n")
        process.stdin.flush()
    chosen = random.Random(edits)
    for name in victims:
        for _ in range(chosen.randrange(edits // 4, edits)):
            told[name].append(json.loads(processes[name].stdout.readline()))
        time.sleep(chosen.random() / 20)
        processes[name].send_signal(signal.SIGKILL)
    for name, process in processes.items():
        told[name] += [json.loads(line) for line in process.stdout if line.endswith("}\n")]
        process.stdin.close()
        process.stdout.close()
        assert process.wait(60) == (-signal.SIGKILL if name in victims else 0)
    return told


def expected_of(told):
    """Return what a writer's own elements must say, and the edit that was under way when it was killed, if any."""
    said: dict[str, dict | None] = {}
    under_way = None
    for line in told:
        if "begins" in line:
            under_way = line
        elif "conflict" in line:
            under_way = None
        elif under_way["expected"] is not None:
            which, slots = under_way["expected"]
            said[which] = None if slots is None else {**(said.get(which) or {}), **slots}
            under_way = None
        else:
            under_way = None
    return said, under_way


def check_all(place, told):
    """Assert that nothing acknowledged is lost, and return counts."""
    complete(place)
    metadata = MODO("", place).metadata
    linked = metadata["assay/assay1"].get("has_sample", [])
    for lines in told.values():
        said, under_way = expected_of(lines)
        uncertain = under_way["expected"][0] if under_way and under_way["expected"] else None
        for which, slots in said.items():
            if which == uncertain:
                continue
            found = metadata.get(f"sample/{which}")
            assert found == (None if slots is None else {"@type": "Sample", **slots})
        for line in lines:
            if line.get("begins") == "link" and {"number": line["number"], "made": "link"} in lines:
                which = line["expected"][0]
                assert (f"sample/{which}" in linked) == (said[which] is not None) or which == uncertain
    records = read_records(place, record_ids(place))
    messages = Counter(record.message for record in records if record.message)
    acknowledged = {f"{name}-{line['number']}" for name, lines in told.items() for line in lines if "made" in line}
    assert set(messages.values()) <= {1}
    assert acknowledged <= messages.keys()
    assert not Snapshot.read(place).contained.lacking(record.id for record in records)
    report = MODO("", place).check(depth="listing", grace=timedelta(days=1))
    assert report.is_clean, report.findings
    refused = sum("conflict" in line for lines in told.values() for line in lines)
    return {"acknowledged": len(acknowledged), "refused": refused, "completed": len(messages.keys() - acknowledged)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["local", pytest.param("s3", marks=pytest.mark.thorough), "swift"])
def test_many_processes_lose_nothing(make_storage, account, kind, capsys):
    """Adding, changing, linking, contending for one slot and removing, while some are killed."""
    count, edits = map(int, (SIZE or "4x8").split("x"))
    options = {
        "local": {},
        "s3": {
            "key": account.server.user,
            "secret": account.server.key,
            "region": "us-east-1",
            "endpoint": account.server.s3_endpoint,
        },
        "swift": {"storage_url": account.server.storage_url, "token": account.token},
    }[kind]
    place = make_storage(kind)
    writers = [f"w{number}" for number in range(count)]
    prepare(place, writers)
    began = time.perf_counter()
    told = run(place, options, writers, edits, writers[: count // 4])
    took = time.perf_counter() - began
    counts = check_all(place, told)
    with capsys.disabled():
        if SIZE:
            print(f"\n{kind}: {count} x {edits}, {counts}, {took:.1f} s")  # noqa: T201 - figures for whoever asked
