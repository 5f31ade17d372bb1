"""A loss of power behind a transfer: whatever makes a copy count comes after all of it is on the disk."""

import os
import sys
from pathlib import Path

import pytest

from modos.storage import ROOT_DOCUMENT
from modos.storage.parts.rules import WHOLE
from modos.transfers import transfer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the system which file a descriptor is of")


@pytest.fixture
def done(there, monkeypatch):
    """Names of the files at the target in the order in which they were written out or got their name."""
    told = []
    fsync, replace = os.fsync, os.replace

    def tell(what, path):
        if path.is_file() and path.is_relative_to(there.path):
            told.append((what, path.relative_to(there.path).as_posix()))

    def telling(descriptor):
        fsync(descriptor)
        tell("kept", Path(f"/proc/self/fd/{descriptor}").readlink())

    def renaming(source, target):
        replace(source, target)
        tell("named", Path(target))

    monkeypatch.setattr(os, "fsync", telling)
    monkeypatch.setattr(os, "replace", renaming)
    return told


def test_all_files_are_on_the_disk_before_the_committing_one_has_its_name(here, there, fill, done):
    """Those too that an earlier transfer has brought, and the committing file when the transfer returns."""
    fill(here, {"a": b"1", "b": b"2", ROOT_DOCUMENT: b"{}"})
    transfer(here, there)
    named = done.index(("named", ROOT_DOCUMENT))
    assert {("kept", "a"), ("kept", "b")} <= set(done[:named])
    assert done[-1] == ("kept", ROOT_DOCUMENT)
    here.put(b"3", "b")
    here.put(b"{} ", ROOT_DOCUMENT)
    done.clear()
    transfer(here, there)
    assert {("kept", "a"), ("kept", "b")} <= set(done[: done.index(("named", ROOT_DOCUMENT))])


def test_many_files_are_written_out_at_once(here, there, fill, monkeypatch, done):
    """The file system is asked once for all of them, before the committing file has its name."""
    fill(here, {f"{number}": b"x" for number in range(20)} | {ROOT_DOCUMENT: b"{}"})
    monkeypatch.setattr("modos.storage.backends.local.write_out_all", lambda _: done.append("all") or True)
    done.clear()
    transfer(here, there)
    assert done.count("all") == 1
    assert done.index("all") < done.index(("named", ROOT_DOCUMENT))
    assert [each for each in done if each[0] == "kept"] == [("kept", ROOT_DOCUMENT)]


def test_without_a_committing_file_all_are_on_the_disk_at_the_end(here, there, fill, done):
    """A large file is so before it has its name."""
    fill(here, {"a": b"1", "large": bytes(WHOLE + 1)})
    transfer(here, there, commit=None)
    assert {("kept", "a"), ("kept", "large")} <= set(done)
