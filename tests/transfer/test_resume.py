"""Killed and made again: what is not sent twice, and what is never seen half."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest

from modos.errors import KeyNotFoundError
from modos.storage import ROOT_DOCUMENT
from modos.storage.parts.rules import PartRules
from modos.storage.parts.s3 import S3Upload
from modos.storage.parts.upload import PartUpload
from modos.transfers import discard_abandoned, list_abandoned, transfer

pytestmark = pytest.mark.thorough

PART = 5 * 1024 * 1024
WORKERS = 2
POINTS = int(os.environ.get("MODOS_TEST_KILLS", "1"))
"""How often each pair is killed, at points that are drawn; a run for a release asks for 20."""

FILES = {
    **{f"data.zarr/sample/{number}/zarr.json": bytes([number]) * 4096 for number in range(20)},
    "reads/large.cram": Random(1).randbytes(4 * PART + 17),
    ROOT_DOCUMENT: b'{"root": 1}',
}
TOTAL = sum(map(len, FILES.values()))
LAST = 100
"""Bytes that may be missing, but not so few that the root document is there."""

TWICE = {("swift", "local"): 2}
"""Between which places a transfer that goes on is killed once more."""

DYING = """
import json, os, signal, sys
from modos.storage import open_storage
from modos.storage.parts.rules import PartRules
from modos.transfers import transfer

source, source_options, target, target_options, left, part, workers = json.loads(sys.argv[1])
PartRules.size_for = lambda self, size: part

def watch(progress):
    missing = progress.bytes_total - progress.bytes_done
    if missing <= left:
        print(missing, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

ends = [open_storage(url, storage_options=options) for url, options in ((source, source_options), (target, target_options))]
transfer(*ends, workers=workers, by_service=False, progress=watch)
"""


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    """Parts as small as S3 takes them, here as in the process that is killed."""
    monkeypatch.setattr(PartRules, "size_for", lambda self, size: PART)


def killed(places, source, target, left) -> int:
    """Kill a transfer when no more than so many bytes are missing; return how many were."""
    arguments = [source.url, places.options_of(source), target.url, places.options_of(target), left, PART, WORKERS]
    child = subprocess.run(
        [sys.executable, "-c", DYING, json.dumps(arguments)], check=False, timeout=60, stdout=subprocess.PIPE
    )
    assert child.returncode == -signal.SIGKILL
    return int(child.stdout)


@pytest.mark.parametrize("pair", list(permutations(["local", "s3", "swift"], 2)), ids="-to-".join)
def test_a_killed_transfer_goes_on_where_it_was(places, fill, content, pair):
    """At most one part for each worker is sent again; until the end there is no object; then all is as it was sent."""
    source, random = places.make(pair[0]), Random(str(pair))
    fill(source, FILES)
    for _ in range(POINTS):
        target = places.make(pair[1])
        missing = TOTAL
        for _ in range(TWICE.get(pair, 1)):
            missing = killed(places, source, target, random.randint(LAST, max(LAST, missing - 1)))
            assert not target.exists(ROOT_DOCUMENT)
        report = transfer(source, target, workers=WORKERS, by_service=False)
        assert report.bytes - report.resumed_bytes <= missing + WORKERS * PART
        assert content(target) == FILES
        assert target.parts is not None
        assert list(target.parts.unfinished()) == []
        assert transfer(source, target, by_service=False).files == 0


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_killed_when_a_large_file_is_completed_it_is_not_sent_again(places, here, content, kind, monkeypatch):
    """It is seen, but nobody has noted that it is: all of it counts, and of its parts nothing is left."""
    here.put(FILES["reads/large.cram"], "large.cram")
    os.utime(here.path / "large.cram", (1e9, 1e9))  # what is younger than the clock's tick is not noted
    target = places.make(kind)

    class Killed(BaseException):
        pass

    def die(self):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(PartUpload, "_forget", die)
        patched.setattr(S3Upload, "_forget", die)
        with pytest.raises(Killed):
            transfer(here, target, commit=None)
    assert content(target) == {"large.cram": FILES["reads/large.cram"]}
    assert [each.size for each in target.parts.unfinished()] in ([], [0])
    report = transfer(here, target, commit=None)
    assert (report.files, report.skipped) == (0, 1)


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_an_object_that_is_replaced_is_the_old_one_until_all_has_arrived(places, here, fill, content, kind):
    """Killed in the middle of a large file that replaces another: everything old is as it was."""
    fill(here, FILES)
    target, old = places.make(kind), dict.fromkeys(FILES, b"old")
    fill(target, old)
    killed(places, here, target, TOTAL - PART - 1)
    assert content(target) == old
    report = transfer(here, target)
    assert report.resumed_bytes >= PART
    assert content(target) == FILES


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_another_version_of_the_source_begins_anew(places, here, fill, content, kind):
    """Parts of an older version are never mixed with those of a newer one."""
    fill(here, FILES)
    target = places.make(kind)
    killed(places, here, target, TOTAL - 2 * PART)
    new = FILES | {"reads/large.cram": Random(2).randbytes(4 * PART + 17)}
    fill(here, new)
    assert transfer(here, target).resumed_bytes == 0
    assert content(target) == new


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_what_is_never_continued_can_be_removed(places, here, fill, kind):
    """Parts that were left are listed with their file and size, not before some time has passed, and removed."""
    fill(here, {"reads/large.cram": FILES["reads/large.cram"], ROOT_DOCUMENT: b"{}"})
    target = places.make(kind)
    killed(places, here, target, 2 * PART + 19)
    assert list_abandoned(target) == []
    found = list_abandoned(target, grace=timedelta(0))
    assert [str(each.path) for each in found] == ["reads/large.cram"]
    assert found[0].size >= 2 * PART
    assert discard_abandoned(target, grace=timedelta(0)) == found
    assert list_abandoned(target, grace=timedelta(0)) == []
    assert target.empty()


def test_in_a_directory_that_is_not_there_nothing_is_said_to_be_left(there):
    """It is more likely to be mistyped than to be empty, as a bucket or container that is not there."""
    with pytest.raises(KeyNotFoundError, match="no such directory"):
        discard_abandoned(there, grace=timedelta(0))
