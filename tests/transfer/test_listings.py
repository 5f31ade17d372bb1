"""What listings tell before a byte is moved: names that a disk cannot have side by side."""

import pytest

from modos.errors import InvalidPathError, KeyExistsError
from modos.storage import ROOT_DOCUMENT
from modos.transfers import prepare_transfer, transfer

FILE = {"reads": b"x", ROOT_DOCUMENT: b"new"}
DIRECTORY = {"reads/a/b": b"x", ROOT_DOCUMENT: b"old"}


@pytest.mark.parametrize(
    ("new", "old", "what"), [(FILE, DIRECTORY, "is a directory here"), (DIRECTORY, FILE, "is a file here")]
)
@pytest.mark.parametrize("act", [transfer, prepare_transfer])
def test_on_a_disk_no_directory_takes_the_place_of_a_file_nor_a_file_that_of_a_directory(  # noqa: PLR0917 - fixtures
    here, there, fill, content, new, old, what, act
):
    """It is refused before anything is written, and says what to do; then it goes."""
    fill(here, new)
    fill(there, old)
    with pytest.raises(KeyExistsError, match=f"{what}.* remove it first, or copy to another place") as raised:
        act(here, there, leftovers="remove")
    assert raised.value.url == there.url_of("reads")
    assert content(there) == old
    there.remove_tree("reads")
    there.remove("reads")
    transfer(here, there)
    assert content(there) == new


@pytest.mark.parametrize("name", ["", "sub/ex"])
@pytest.mark.parametrize("act", [transfer, prepare_transfer])
def test_a_file_where_the_copy_itself_is_to_be_is_refused(here, there, fill, name, act):
    """Before anything is written; it is named, also when it is above that."""
    fill(here, FILE)
    there.path.write_text("mine")
    with pytest.raises(KeyExistsError, match="is no directory, as the copy needs one there; remove it first") as raised:
        act(here, there / name if name else there)
    assert (raised.value.url, there.path.read_text()) == (str(there.path), "mine")


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_services_can_have_both(places, fill, content, kind):
    """A file and files beneath its name are kept side by side, from a service to another; for a disk they are refused."""
    source, target, disk = places.make(kind), places.make({"s3": "swift", "swift": "s3"}[kind]), places.make("local")
    fill(source, FILE)
    fill(target, DIRECTORY)
    transfer(source, target)
    assert content(target) == DIRECTORY | FILE
    with pytest.raises(InvalidPathError, match="is a file there, and a directory as well, of 'reads/a/b'"):
        transfer(target, disk)
    assert disk.empty()
    transfer(source, target, leftovers="remove")
    assert content(target) == FILE


@pytest.mark.parametrize("act", [transfer, prepare_transfer])
@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
def test_a_name_that_is_too_long_for_the_target_is_refused(places, fill, kind, act):
    """Before anything is written, and not when its turn comes: a disk takes no such part of a name, a service no such key."""
    long = "/".join(["x" * 200] * 5) if kind != "local" else "x" * 300
    source, target = places.make("swift" if kind == "local" else "local"), places.make(kind) / ("y" * 30)
    fill(source, {long: b"x", ROOT_DOCUMENT: b"{}"})
    with pytest.raises(InvalidPathError, match=f"longer than {255 if kind == 'local' else '1,024'} bytes"):
        act(source, target)
    assert target.empty()


@pytest.mark.parametrize("size", [1, 9 * 1024 * 1024], ids=["small", "large"])
def test_an_empty_directory_is_in_the_way_of_nothing(here, there, fill, content, size):
    """No listing tells of one: it goes where a file is to be."""
    files = {"reads": bytes(size), ROOT_DOCUMENT: b"{}"}
    fill(here, files)
    (there.path / "reads").mkdir(parents=True)
    transfer(here, there)
    assert content(there) == files
