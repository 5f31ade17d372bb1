"""Moving: what was moved is at its new name, and nothing that was not is gone."""

import pytest

from modos.errors import InvalidPathError, KeyNotFoundError


@pytest.mark.parametrize("where", ["omics/a", "/omics/a", "swift://omics/a"])
def test_onto_itself(fs, where):
    """A name that is another spelling of the same moves nothing, and loses nothing."""
    fs.pipe_file("omics/a", b"1")
    fs.mv("omics/a", where)
    fs.mv_file("omics/a", where)
    assert fs.cat_file("omics/a") == b"1"


@pytest.mark.parametrize("recursive", [False, True])
def test_into_the_directory_it_is_in(fs, recursive):
    """A file that is moved into its own directory stays where it is."""
    fs.pipe({"omics/ex/a": b"1", "omics/b": b"2"})
    fs.mv("omics/ex/a", "omics/ex", recursive=recursive)
    fs.mv("omics/ex/a", "omics/ex/", recursive=recursive)
    fs.mv("omics/b", "omics", recursive=recursive)
    assert fs.cat(fs.find("omics")) == {"omics/ex/a": b"1", "omics/b": b"2"}


def test_a_directory_into_itself(fs):
    """A directory may move to a place beneath it, but for what would be replaced there before it is moved itself."""
    fs.pipe({"omics/ex/a": b"1", "omics/ex/deep/b": b"2"})
    fs.mv("omics/ex", "omics/ex/new", recursive=True)
    moved = {"omics/ex/new/a": b"1", "omics/ex/new/deep/b": b"2"}
    assert fs.cat(fs.find("omics")) == moved
    fs.pipe_file("omics/ex/a", b"3")
    for source, target in (("omics/ex/", "omics/ex/new"), ("omics/ex/*", "omics/ex/new")):
        with pytest.raises(InvalidPathError, match="moved itself"):
            fs.mv(source, target, recursive=True)
    assert fs.cat(fs.find("omics")) == {**moved, "omics/ex/a": b"3"}


def test_only_what_was_copied_goes(fs):
    """What lies deeper than `maxdepth` is not copied, and so it stays."""
    fs.pipe({"omics/ex/a": b"1", "omics/ex/b": b"2", "omics/ex/deep/c": b"3"})
    fs.mv("omics/ex", "omics/moved", recursive=True, maxdepth=1)
    assert fs.cat(fs.find("omics")) == {"omics/moved/a": b"1", "omics/moved/b": b"2", "omics/ex/deep/c": b"3"}


def test_what_comes_meanwhile_stays(fs, watched, proxy):
    """An object that another writes beneath, while a directory is moved, is not deleted along with it."""
    fs.pipe_file("omics/ex/a", b"1")

    def writes_another(request):
        if request.method in {"PUT", "COPY"} and request.path.endswith("moved/a"):
            fs.pipe_file("omics/ex/late", b"2")

    proxy.on_request = writes_another
    try:
        watched.mv("omics/ex", "omics/moved", recursive=True)
    finally:
        proxy.on_request = None
    assert fs.cat(fs.find("omics")) == {"omics/moved/a": b"1", "omics/ex/late": b"2"}


def test_markers_of_directories_go_with_them(fs, raw):
    """Empty objects that stand for directories do not let the old one seem to be there."""
    raw.put_object("omics", "ex/", b"")
    raw.put_object("omics", "ex/deep/", b"")
    fs.pipe_file("omics/ex/deep/a", b"1")
    fs.mv("omics/ex", "omics/moved", recursive=True)
    assert not fs.exists("omics/ex")
    assert [entry["name"] for entry in raw.get_container("omics")[1]] == ["moved/deep/a"]


def test_patterns_and_lists(fs):
    """The files that match a pattern move, as they are copied; so does what a list names."""
    fs.pipe({"omics/ex/a": b"1", "omics/ex/b": b"2", "omics/ex/deep/c": b"3", "omics/d": b"4"})
    fs.mv("omics/ex/*", "omics/new/")
    fs.mv(["omics/d", "omics/new/a"], ["omics/e", "omics/f"])
    assert fs.cat(fs.find("omics")) == {
        "omics/ex/deep/c": b"3",
        "omics/new/b": b"2",
        "omics/e": b"4",
        "omics/f": b"1",
    }


def test_two_do_not_move_to_one_name(fs):
    """One of them would be lost: it is refused, and nothing has moved."""
    there = {"omics/x/a": b"1", "omics/y/a": b"2"}
    fs.pipe(there)
    with pytest.raises(InvalidPathError, match="moved to by another"):
        fs.mv(["omics/x/a", "omics/y/a"], "omics/new/")
    assert fs.cat(fs.find("omics")) == there


def test_large_objects_move_with_their_segments(connect, raw):
    """A directory of segmented objects is whole at its new name, and leaves no segment behind."""
    fs = connect(segment_size=4)
    fs.pipe({"omics/ex/a": b"0123456789", "omics/ex/b": b"1"})
    fs.mv("omics/ex", "omics/moved", recursive=True)
    assert fs.cat(fs.find("omics")) == {"omics/moved/a": b"0123456789", "omics/moved/b": b"1"}
    assert len(fs.find("omics/.segments")) == 3


def test_what_cannot_be_moved(fs):
    """A directory takes `recursive`, and what is not there is told."""
    fs.pipe_file("omics/ex/a", b"1")
    with pytest.raises(KeyNotFoundError, match="recursive"):
        fs.mv("omics/ex", "omics/new")
    for recursive in (False, True):
        with pytest.raises(FileNotFoundError):
            fs.mv("omics/nothing", "omics/new", recursive=recursive)
    assert fs.find("omics") == ["omics/ex/a"]
