"""Containers and prefixes are directories: nothing takes them for objects with content."""

import pytest

from modos.errors import InvalidPathError, KeyNotFoundError


@pytest.mark.parametrize("path", ["omics", "omics/", "swift://omics", ""])
def test_a_container_has_no_content(fs, path):
    """Its listing is not given out for the bytes of a file."""
    fs.pipe_file("omics/a", b"1")
    for read in (
        lambda: fs.cat_file(path),
        lambda: fs.cat_file(path, 0, 4),
        lambda: fs.cat(path),
        lambda: fs.cat_ranges([path, path], [0, 2], [1, 3], max_gap=0, on_error="raise"),
        lambda: fs.read_text(path),
    ):
        with pytest.raises(InvalidPathError, match="no object in it"):
            read()
    assert fs.cat("omics/**", on_error="omit") == {"omics/a": b"1"}


def test_a_container_comes_down_whole(fs, tmp_path):
    """As a directory with all that is in it, also where that is nothing."""
    fs.get_file("omics", tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []
    fs.pipe({"omics/a": b"1", "omics/deep/b": b"2"})
    fs.get("omics", str(tmp_path / "new"), recursive=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()} == {
        "a": b"1",
        "b": b"2",
    }


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_a_directory_cannot_be_opened(fs, mode):
    """A prefix is no file without bytes: who opens it is told that there is no object of this name."""
    fs.pipe_file("omics/ex/a", b"1")
    for path in ("omics/ex", "omics/ex/"):
        with pytest.raises(KeyNotFoundError):
            fs.open(path, mode)


def test_opening_asks_once(fs, watched, proxy):
    """What is not there costs one request to open, as what is there."""
    fs.pipe_file("omics/a", b"1")
    watched.open("omics/a").close()
    assert proxy.count() == 1
    with pytest.raises(KeyNotFoundError):
        watched.open("omics/nothing")
    assert proxy.count() == 2


def test_a_container_is_copied_into_another(fs):
    """With all that is in it; copying the container itself, which is there, is no error."""
    fs.mkdir("other")
    fs.pipe({"omics/a": b"1", "omics/deep/b": b"2"})
    fs.copy("omics", "other/ex", recursive=True)
    fs.mv("omics/", "other", recursive=True)
    copies = {"other/ex/a": b"1", "other/ex/deep/b": b"2", "other/a": b"1", "other/deep/b": b"2"}
    assert fs.cat(fs.find("other")) == copies
    assert fs.find("omics") == []


@pytest.mark.parametrize(
    ("pattern", "maxdepth", "left"),
    [
        ("omics/ex/*", 1, ["omics/a", "omics/ex/deep/b", "omics/ex/deep/deeper/c"]),
        ("omics/ex/*", 2, ["omics/a", "omics/ex/deep/deeper/c"]),
        ("omics/*", 1, ["omics/ex/a", "omics/ex/deep/b", "omics/ex/deep/deeper/c"]),
        ("omics/*", None, []),
        ("omics/ex", 1, ["omics/a", "omics/ex/deep/b", "omics/ex/deep/deeper/c"]),
    ],
)
def test_a_pattern_is_a_level(fs, pattern, maxdepth, left):
    """What matches a pattern is the first of the levels that are deleted, as everywhere in fsspec; nothing deeper goes."""
    fs.pipe({"omics/a": b"", "omics/ex/a": b"", "omics/ex/deep/b": b"", "omics/ex/deep/deeper/c": b""})
    fs.rm(pattern, recursive=True, maxdepth=maxdepth)
    assert fs.find("omics") == left


def test_a_name_that_looks_like_a_pattern(fs, tmp_path):
    """An object whose name holds `*`, `?` or `[` is what is read, copied and moved, and not what it would match."""
    fs.pipe({"omics/a[1]": b"itself", "omics/a1": b"other"})
    assert fs.cat("omics/a[1]") == b"itself"
    fs.get("omics/a[1]", str(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == b"itself"
    fs.copy("omics/a[1]", "omics/copied")
    fs.mv("omics/a[1]", "omics/moved")
    assert fs.cat(fs.find("omics")) == {"omics/a1": b"other", "omics/copied": b"itself", "omics/moved": b"itself"}
    assert fs.cat("omics/a[1]") == {"omics/a1": b"other"}


def test_nothing_to_copy(fs):
    """What is not there is told with its address."""
    for name in ("nothing", "nothing/*", "n[o]thing"):
        with pytest.raises(KeyNotFoundError, match=r"http.*/omics/n"):
            fs.copy(f"omics/{name}", "omics/x", recursive=True)
