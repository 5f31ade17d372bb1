"""Where files go that are copied in, out and about: where fsspec's own filesystems put them."""

from itertools import product

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from modos.errors import InvalidPathError

TREE = {"a.txt": b"1", "b": b"2", "reads/c": b"3", "reads/deep/d": b"4", "there/c": b"5"}
SOURCES = ["a.txt", "reads", "reads/", "reads/c", "reads/deep", "a*", "*", "reads/*", ["a.txt", "b"]]
TARGETS = ["new", "new/", "there", "there/", "there/in"]


class Plain(MemoryFileSystem):
    """A filesystem of its own, which fsspec has made."""

    store, pseudo_dirs = {}, [""]


@pytest.fixture
def oracle():
    Plain.store.clear()
    Plain.pseudo_dirs[:] = [""]
    fs = Plain(skip_instance_cache=True)
    for name in ("reads/deep", "there"):
        fs.makedirs(f"/{name}")
    fs.pipe({f"/{name}": content for name, content in TREE.items()})
    return fs


@pytest.fixture
def fs(make_storage):
    filled = make_storage("memory").to_fsspec()
    filled.pipe(TREE)
    return filled


def contents(fs):
    return {name.lstrip("/"): fs.cat_file(name) for name in fs.find("")}


def rooted(names):
    return [f"/{name}" for name in names] if isinstance(names, list) else f"/{names}"


def beneath(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", list(product(SOURCES, TARGETS, [False, True])), ids=str)
def test_copies(fs, oracle, case):
    """A directory that is there takes what is copied, one that is not becomes it, at the top of a storage as elsewhere."""
    source, target, recursive = case
    oracle.copy(rooted(source), rooted(target), recursive=recursive)
    fs.copy(source, target, recursive=recursive)
    assert contents(fs) == contents(oracle)


@pytest.mark.parametrize("case", list(product(SOURCES, TARGETS, [False, True])), ids=str)
def test_out(fs, oracle, tmp_path, case):
    """Likewise on the way out; a directory is not replaced by a file."""
    source, target, recursive = case
    for name, filesystem, names in (("ours", fs, source), ("theirs", oracle, rooted(source))):
        (tmp_path / name / "there").mkdir(parents=True)
        filesystem.get(names, f"{tmp_path}/{name}/{target}", recursive=recursive)
    assert beneath(tmp_path / "ours") == beneath(tmp_path / "theirs")


@pytest.mark.parametrize("case", list(product(SOURCES, ["", "/", "modos://", *TARGETS], [False, True])), ids=str)
def test_in(fs, oracle, tmp_path, case):
    """Likewise on the way in, to the root of the storage as well."""
    source, target, recursive = case
    for name, content in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content.replace(b"1", b"one"))
    names = [f"{tmp_path}/{each}" for each in source] if isinstance(source, list) else f"{tmp_path}/{source}"
    oracle.put(names, rooted(target.removeprefix("modos://").lstrip("/")), recursive=recursive)
    fs.put(names, target, recursive=recursive)
    assert contents(fs) == contents(oracle)


def test_moves(fs):
    """A name that ends with `/` is a directory to move into; nothing is replaced that is to be moved itself."""
    fs.mv("a.txt", "there/")
    fs.mv("there/a.txt", "/")
    fs.mv("a.txt", "/")
    assert contents(fs) == TREE
    fs.pipe_file("there/in/c", b"6")
    with pytest.raises(InvalidPathError, match="moved itself"):
        fs.mv("there", "there/in", recursive=True)
    assert contents(fs) == {**TREE, "there/in/c": b"6"}


def test_nothing_is_put_outside(fs, tmp_path):
    """Files go to the root by its names, and not by absolute ones."""
    (tmp_path / "x").write_bytes(b"")
    for target in ("/x", "//", "../x"):
        with pytest.raises(InvalidPathError):
            fs.put(str(tmp_path / "x"), target)
    with pytest.raises(InvalidPathError):
        fs.put([str(tmp_path / "x")], ["/x"])
    assert contents(fs) == TREE


def test_blocks_of_lines(fs):
    """`read_block`, which asks an open file for its size, reads whole lines."""
    fs.pipe_file("lines", b"one\ntwo\nthree\n")
    assert fs.read_block("lines", 2, 4, delimiter=b"\n") == b"two\n"
    with fsspec.open("modos://lines", storage=fs.storage) as file:
        file.seek(4)
        assert (file.size, file.read(3)) == (14, b"two")
