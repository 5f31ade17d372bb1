"""The demonstration holds what it says, leaves nothing behind, and is quick."""

import os
import subprocess
import sys
import time

import pytest

from modos import MODO
from modos.errors import IntegrityError, InvalidInputError, MissingDependencyError
from modos.testing.demo import run_demo

pytestmark = pytest.mark.thorough

STATEMENTS = (
    'modo = MODO.from_file("samples/modo.yaml", "demo")',
    "17 elements (3 assay, 7 data, 1 reference, 4 sample, 2 sequence) and 13 files",
    'modo.add_array("counts", counts)',
    "data (24, 4) int64",
    "data_format: CRAM",
    'storage = SwiftStorage("swift://omics", storage_url="http://127.0.0.1:',
    "40 files, ",
    "every one verified",
    "swift://omics/demo",
    'remote = MODO("demo", storage=storage)',
    "True: the same 18 entries; sample/donor1, sample/donor3 are women",
    "XIST, which is read in women only",
    "mzTab-version",
    "modo.checksum() == remote.checksum()",
    "Everything held.",
)


def test_the_demonstration_says_what_it_does_and_leaves_nothing_behind(tmp_path):
    """`modos demo` runs the main job in under 15 seconds, in plain words, in a directory that is gone afterwards."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "60"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "modos", "demo"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=tmp_path,
    )
    took = time.perf_counter() - began

    assert done.returncode == 0, done.stderr
    assert [said for said in STATEMENTS if said not in done.stdout] == []
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert took < 15


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The directory of a demonstration that was kept, and all that was said."""
    directory = tmp_path_factory.mktemp("kept") / "here"
    said: list[tuple[str, str]] = []
    run_demo(directory, lambda kind, text: said.append((kind, text)))
    return directory, said


def test_what_is_kept_is_the_samples_and_the_object(kept):
    """The directory holds no more than those, and the object opens."""
    directory, _ = kept

    assert sorted(path.name for path in directory.iterdir()) == ["demo", "samples"]
    assert MODO(directory / "demo").zarr["data/counts/data"].shape == (24, 4)


def test_each_step_says_what_it_does_before_it_shows_anything(kept):
    """A step is words, then Python that compiles, then what that shows."""
    _, said = kept
    kinds = [kind for kind, _ in said]

    assert kinds[0] == "step"
    assert kinds[-1] == "shown"
    assert kinds.count("step") == 10
    for kind, text in said:
        if kind == "code":
            compile(text, "demo", "exec")


def test_a_directory_in_use_is_refused_and_left_alone(tmp_path):
    """`--keep` wants an empty directory, and a file is none."""
    (tmp_path / "mine.txt").write_text("mine")

    for place in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(InvalidInputError):
            run_demo(place, lambda kind, text: None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("package", ["pysam", "aiohttp", "swift"])
def test_a_missing_package_is_told_before_anything_is_written(tmp_path, monkeypatch, package):
    """One sentence names what to install."""
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(
        MissingDependencyError, match=rf"needs {package}: pip install 'modos-objects\[all,swift-server\]'"
    ):
        run_demo(tmp_path / "new", lambda kind, text: None)
    assert not (tmp_path / "new").exists()


def test_it_fails_when_what_arrived_is_not_what_left(tmp_path, monkeypatch):
    """A checksum that differs ends the demonstration with an error."""
    monkeypatch.setattr(MODO, "checksum", lambda self: self.url)

    with pytest.raises(IntegrityError, match="the checksum is"):
        run_demo(tmp_path / "new", lambda kind, text: None)
