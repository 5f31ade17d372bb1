"""An object on a disk when the power goes: of an edit that was acknowledged nothing is lost, and a repair puts the rest right."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from modos import MODO, check_object
from modos.storage import LocalStorage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the system which file a descriptor is of")


class Disk:
    """A directory that knows which of its files would survive: those that were written out after they were last written."""

    def __init__(self, directory, monkeypatch):
        self.directory = directory
        self._kept = {}
        fsync = os.fsync

        def written_out(descriptor):
            fsync(descriptor)
            self._keep(Path(f"/proc/self/fd/{descriptor}").readlink())

        def all_written_out(_):
            for path in self._files():
                self._keep(path)
            return True

        monkeypatch.setattr(os, "fsync", written_out)
        monkeypatch.setattr("modos.storage.backends.local.write_out_all", all_written_out)

    def _files(self):
        return [path for path in self.directory.rglob("*") if path.is_file()]

    def _keep(self, path):
        status = path.stat()
        self._kept[status.st_ino] = status.st_mtime_ns

    def lose_power(self):
        """Leave what was not written out without content; returns which files that were."""
        lost = [path for path in self._files() if self._kept.get(path.stat().st_ino) != path.stat().st_mtime_ns]
        for path in lost:
            os.truncate(path, 0)
            self._keep(path)
        return {str(path.relative_to(self.directory)) for path in lost}


def create(modo, data):
    """Nothing more than the object."""


def add(modo, data):
    modo.add_element({"@type": "DataEntity", "id": "new", "data_format": "CRAM"}, data / "demo1.cram")


def replace(modo, data):
    modo.update_element("old", {"name": "again"}, data / "calls.vcf")


def rename(modo, data):
    modo.update_element("old", {"data_path": "deep/renamed.csv"})


def undo(modo, data):
    replace(modo, data)
    modo.undo()


def add_array(modo, data):
    modo.add_array("old", np.arange(40), "values", chunks=(2,))


@pytest.mark.parametrize("edit", [create, add, replace, rename, undo, add_array])
def test_an_acknowledged_edit_survives_a_loss_of_power(edit, tmp_path, data, monkeypatch):
    """Groups of elements may be lost, of which the root document says the same; files, records and the root are not."""
    disk = Disk(tmp_path / "ex", monkeypatch)
    modo = MODO.create(tmp_path / "ex")
    if edit is not create:
        modo.add_element({"@type": "DataEntity", "id": "old", "data_format": "CSV"}, data / "table.csv")
    edit(modo, data)
    described, checksum, log = modo.metadata, modo.checksum(), [each.id for each in modo.log()]
    lost = disk.lose_power()
    assert lost
    assert all(name.startswith("data.zarr/") and name.endswith("zarr.json") for name in lost), lost
    assert MODO(tmp_path / "ex").metadata == described
    report = check_object(LocalStorage(tmp_path / "ex"), depth="listing")
    assert {each.code for each in report.findings if each.severity != "note"} == {"unreadable-group"}
    modo = MODO(tmp_path / "ex")
    assert modo.check(repair=True, depth="listing", grace=timedelta(0)).is_clean
    assert (modo.metadata, modo.checksum(), [each.id for each in modo.log()]) == (described, checksum, log)
    assert modo.verify(deep=True).is_sound
    if edit is replace:
        modo.undo()
        assert modo.storage.read("table.csv") == (data / "table.csv").read_bytes()
