"""Files on a disk: whole or not at all whatever happens, links that lead in circles, and one winner of a race."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import pytest

from modos import list_modos
from modos.errors import AccessDeniedError, InvalidPathError, KeyExistsError, KeyNotFoundError, StorageError
from modos.storage import ROOT_DOCUMENT, LocalStorage, ObjectInfo
from modos.storage.directories import file_sight, is_unmistakable, sight, take_place

NOBODY = 65534

PUT_WITHOUT_END = """
import sys, time
from modos.storage import LocalStorage
def chunks():
    yield b"new" * 1_000_000
    print("written", flush=True)
    time.sleep(60)
LocalStorage(sys.argv[1]).put(chunks(), "dir/demo", mode=sys.argv[2])
"""


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "root")


@pytest.fixture
def somebody():
    """The process is an ordinary user for a test, also where tests run as root; a directory that it can reach."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        (place / "root").mkdir(mode=0o777)
        (place / "root").chmod(0o777)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(place / "root", NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield place / "root"
        finally:
            if is_root:
                os.seteuid(0)
            for each in [place / "root", *(place / "root").iterdir()]:
                if not each.is_symlink():
                    each.chmod(0o777)


class TestWhole:
    """A file is seen whole or not at all."""

    @pytest.mark.parametrize("mode", ["overwrite", "create"])
    def test_a_killed_writer_leaves_no_trace_in_listings(self, storage, mode):
        """kill -9 amid a put: the old content stays or no name appears, and the same put succeeds afterwards."""
        if mode == "overwrite":
            storage.put(b"old", "dir/demo")
        command = [sys.executable, "-c", PUT_WITHOUT_END, storage.url, mode]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"written\n"
            process.send_signal(signal.SIGKILL)
        left = [str(path) for path in storage.list()]
        assert left == (["dir/demo"] if mode == "overwrite" else [])
        assert mode == "create" or storage.read("dir/demo") == b"old"
        assert [place for place in (storage.path / "dir").iterdir() if place.name != "demo"], (
            "the partial file is there, hidden"
        )
        storage.put(b"new", "dir/demo", mode=mode)
        assert storage.read("dir/demo") == b"new"
        storage.remove_tree("dir")
        assert not (storage.path / "dir").exists()

    def test_a_reader_keeps_the_file_it_opened(self, storage):
        """Replacing a file does not disturb who reads the old one."""
        storage.put(b"old content", "demo")
        with storage.open("demo") as file:
            assert file.read(3) == b"old"
            storage.put(b"new", "demo")
            assert file.read() == b" content"

    def test_nothing_partial_is_seen_while_writing(self, storage):
        """In the middle of a put neither a listing nor `exists` shows anything."""
        seen = []

        def chunks():
            yield b"first"
            seen.append((storage.exists("dir/demo"), list(storage.list()), storage.empty()))
            yield b"second"

        storage.put(chunks(), "dir/demo")
        assert seen == [(False, [], True)]

    def test_directories_come_and_go_with_their_files(self, storage):
        """Parents are made for a file and go with the last one; a failed put leaves none."""
        storage.put(b"x", "a/b/c")
        storage.remove("a/b/c")
        assert not (storage.path / "a").exists()
        with pytest.raises(ZeroDivisionError):
            storage.put((1 // 0 for _ in "x"), "a/b/c")
        assert not (storage.path / "a").exists()


class TestRaces:
    """Several writers at once."""

    def test_one_of_many_threads_creates(self, storage):
        """Of eight threads that create one name exactly one wins, and its content is what is read."""
        for number in range(20):
            assert _winners(ThreadPoolExecutor, storage, f"demo{number}") == [storage.read(f"demo{number}")]

    def test_one_of_many_processes_creates(self, storage):
        """Of eight processes that create one name exactly one wins."""

        def pool(workers):
            return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

        assert _winners(pool, storage, "demo") == [storage.read("demo")]
        assert [str(path) for path in storage.list()] == ["demo"]

    def test_writing_and_removing_in_one_directory_do_not_collide(self, storage):
        """A directory that one thread removes as empty is there for the file that another writes."""

        def write_and_remove(number):
            for _ in range(50):
                storage.put(b"x", f"shared/deep/{number}")
                storage.remove(f"shared/deep/{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write_and_remove, range(8)))
        assert storage.empty()


def _create(storage, name, body):
    try:
        storage.put([body], name, mode="create")
    except KeyExistsError:
        return None
    return body


def _winners(make_pool, storage, name):
    bodies = [bytes([65 + number]) * 10 for number in range(8)]
    with make_pool(8) as pool:
        results = list(pool.map(_create, [storage] * 8, [name] * 8, bodies))
    return [body for body in results if body is not None]


class TestLinks:
    """Symbolic links in the directory."""

    def test_links_in_circles_end(self, storage):
        """A link to a directory above it is listed as a directory, not followed without end."""
        storage.put(b"x", "dir/demo")
        (storage.path / "dir" / "loop").symlink_to(storage.path)
        (storage.path / "self").symlink_to("self")
        assert [str(path) for path in storage.list()] == ["dir/demo"]
        assert "dir/loop" in map(str, storage.list_dir("dir"))
        with pytest.raises(StorageError):
            storage.read("self")

    def test_what_links_to_directories_lead_to_is_listed(self, storage, tmp_path):
        """As it is read; each link is followed but one that leads back, whichever way."""
        outside = LocalStorage(tmp_path / "outside")
        outside.put(b"ACGT", "lane1/reads")
        storage.put(b"x", "demo")
        (storage.path / "link").symlink_to(outside.path)
        (storage.path / "same").symlink_to(outside.path / "lane1")
        (outside.path / "back").symlink_to(storage.path)
        (outside.path / "lane1" / "up").symlink_to(outside.path)
        assert [str(path) for path in storage.list()] == ["demo", "link/lane1/reads", "same/reads"]
        assert [str(path) for path in storage.list(start_after="link/lane1/reads")] == ["same/reads"]
        assert storage.read("link/lane1/reads") == storage.read("same/reads") == b"ACGT"

    @pytest.mark.parametrize("way", ["remove", "remove_many", "move"])
    def test_what_links_to_directories_lead_to_is_not_removed(self, storage, tmp_path, way):
        """It is listed and read, and may be somebody else's: removing it is refused, with the place of the link."""
        outside = LocalStorage(tmp_path / "outside")
        outside.put(b"precious", "lane1/reads")
        storage.put(b"x", "demo")
        (storage.path / "link").symlink_to(outside.path)
        calls = {
            "remove": lambda: storage.remove("link/lane1/reads"),
            "remove_many": lambda: storage.remove_many(["demo", "link/lane1/reads"]),
            "move": lambda: storage.move("link/lane1/reads", "reads"),
        }
        with pytest.raises(StorageError, match="link/lane1: is or is beneath a link to a directory"):
            calls[way]()
        assert outside.read("lane1/reads") == b"precious"
        assert [str(path) for path in storage.list()] == ["demo", "link/lane1/reads"]

    def test_removing_a_tree_does_not_follow_links(self, storage, tmp_path):
        """What a link leads to outside stays; the link goes, named itself or met in a tree."""
        outside = LocalStorage(tmp_path / "outside")
        outside.put(b"precious", "file")
        storage.put(b"x", "dir/demo")
        (storage.path / "dir" / "link").symlink_to(outside.path)
        (storage.path / "direct").symlink_to(outside.path)
        storage.remove_tree("direct")
        storage.remove_tree("dir")
        assert outside.read("file") == b"precious"
        assert list(storage.path.iterdir()) == []

    def test_a_link_to_a_file_is_a_file(self, storage, tmp_path):
        """It is listed and read; one that leads nowhere is not there; removing it keeps what it leads to."""
        (tmp_path / "elsewhere").write_bytes(b"content")
        storage.put(b"x", "demo")
        (storage.path / "link").symlink_to(tmp_path / "elsewhere")
        (storage.path / "broken").symlink_to(tmp_path / "nowhere")
        assert storage.read("link") == b"content"
        assert not storage.exists("broken")
        assert sorted(map(str, storage.list())) == ["demo", "link"]
        storage.remove("link")
        assert (tmp_path / "elsewhere").read_bytes() == b"content"

    @pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
    def test_a_file_moves_to_another_file_system(self, storage):
        """Where a rename cannot do it the file is copied, and the source goes last."""
        storage.put(b"content", "demo")
        with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
            (storage.path / "mounted").symlink_to(other)
            storage.move("demo", "mounted/demo")
            assert storage.read("mounted/demo") == b"content"
            assert not storage.exists("demo")


class TestRefusals:
    """What the operating system refuses."""

    def test_what_may_not_be_read_is_denied_and_not_missing(self, somebody):
        """A directory or file without rights is AccessDeniedError for every verb that looks."""
        storage = LocalStorage(somebody)
        storage.put(b"secret", "dir/demo")
        storage.put(b"secret", "file")
        (somebody / "file").chmod(0)
        (somebody / "dir").chmod(0)
        for call in (
            lambda: storage.read("file"),
            lambda: storage.open("file"),
            lambda: storage.exists("dir/demo"),
            lambda: storage.stat("dir/demo"),
            lambda: storage.read("dir/demo"),
            lambda: list(storage.list()),
            lambda: list(storage.list("dir")),
        ):
            with pytest.raises(AccessDeniedError) as caught:
                call()
            assert isinstance(caught.value, PermissionError)
            assert str(somebody) in caught.value.url

    def test_who_lists_a_tree_is_told_which_directory_is_closed(self, somebody):
        """It is not the root of the storage that may not be looked into."""
        storage = LocalStorage(somebody)
        storage.put(b"x", "open/closed/demo")
        (somebody / "open" / "closed").chmod(0)
        for call in (
            lambda: list(storage.list()),
            lambda: list(storage.list(start_after="open/closed/a")),
            lambda: list(storage._find_objects("")),
            lambda: list(storage.parts.unfinished()),
        ):
            with pytest.raises(AccessDeniedError, match="closed: this user may not look into this directory"):
                call()

    def test_objects_beside_what_may_not_be_read_are_found(self, somebody):
        """All of them, before the error, which names the directories that were not looked into."""
        storage = LocalStorage(somebody)
        for directory in ("a", "closed 1", "closed 2", "e"):
            storage.put(b"{}", f"{directory}/ex/{ROOT_DOCUMENT}")
        for directory in ("closed 1", "closed 2"):
            (somebody / directory).chmod(0)
        found = list_modos(storage)
        assert [next(found).path, next(found).path] == ["a/ex", "e/ex"]
        with pytest.raises(AccessDeniedError) as caught:
            next(found)
        assert caught.value.url == str(somebody / "closed 1")
        assert caught.value.__notes__ == [f"the same holds for {somebody / 'closed 2'}"]

    def test_what_may_not_be_written_is_denied(self, somebody):
        """Writing, removing and moving in a directory without that right is AccessDeniedError; nothing changes."""
        storage = LocalStorage(somebody)
        storage.put(b"x", "demo")
        somebody.chmod(0o555)
        for call in (
            lambda: storage.put(b"new", "demo"),
            lambda: storage.put(b"new", "sub/new"),
            lambda: storage.remove("demo"),
            lambda: storage.move("demo", "moved"),
        ):
            with pytest.raises(AccessDeniedError):
                call()
        assert [str(path) for path in storage.list()] == ["demo"]
        assert storage.read("demo") == b"x"

    def test_a_file_is_no_directory(self, storage):
        """Storing beneath a file, or a file over a directory, is a StorageError that says so, not "missing"."""
        storage.put(b"x", "a/file")
        with pytest.raises(StorageError, match="is a file") as beneath:
            storage.put(b"x", "a/file/deep/beneath")
        with pytest.raises(StorageError, match="is a directory") as over:
            storage.put(b"x", "a")
        storage.put(b"y", "other")
        with pytest.raises(StorageError, match="is a directory") as moved:
            storage.move("other", "a")
        for caught in (beneath, over, moved):
            assert not isinstance(caught.value, KeyNotFoundError | KeyExistsError)
        assert [str(path) for path in storage.list()] == ["a/file", "other"]

    def test_an_empty_directory_is_nothing(self, storage):
        """No listing tells of one: a file that is stored, moved or copied there takes its place."""
        storage.put(b"x", "demo")
        for name in ("stored", "moved", "copied"):
            (storage.path / name).mkdir()
        storage.put(b"x", "stored")
        storage.copy("demo", "copied")
        storage.move("demo", "moved")
        assert [str(path) for path in storage.list()] == ["copied", "moved", "stored"]

    def test_what_else_the_system_refuses_is_a_storage_error(self, storage):
        """An error of the operating system without a class of its own keeps its words and the address."""
        storage.put(b"x", "demo")
        with pytest.raises(StorageError, match="File name too long") as caught:
            storage.put(b"x", "n" * 300)
        assert caught.value.url == str(storage.path / ("n" * 300))
        assert not storage.exists("n" * 300)

    @pytest.mark.parametrize("path", ["", "nul\0"])
    def test_a_directory_needs_a_name(self, path):
        """Empty text and NUL name no directory."""
        with pytest.raises(InvalidPathError):
            LocalStorage(path)

    def test_a_relative_directory_does_not_move(self, tmp_path, monkeypatch):
        """A storage stays where it was when the process changes its directory."""
        monkeypatch.chdir(tmp_path)
        storage = LocalStorage("root")
        monkeypatch.chdir("/")
        storage.put(b"x", "demo")
        assert (tmp_path / "root" / "demo").read_bytes() == b"x"


def test_a_file_as_a_root_is_a_file(tmp_path):
    """A storage that was opened at a file finds that file under its own name, and so can say what it is."""
    (tmp_path / "object.zip").write_bytes(b"PK")
    storage = LocalStorage(tmp_path / "object.zip")
    assert storage._stat("").size == 2
    assert storage._read("", 0, None) == b"PK"


MD5, OF_PARTS = "0" * 32, f"{'0' * 32}-3"


@pytest.mark.parametrize(
    ("stored", "made", "expected"),
    [
        (MD5, "1" * 32, True),
        (OF_PARTS, f"{'1' * 32}-3", True),
        (MD5, MD5, False),
        (MD5, OF_PARTS, False),
        (OF_PARTS, MD5, False),
        (MD5, None, False),
        (None, MD5, False),
    ],
)
def test_an_etag_proves_only_what_it_can(tmp_path, stored, made, expected):
    """Two that differ are of other bytes; an MD5 and what parts make say nothing of each other, whichever is stored."""
    file = ObjectInfo(PurePosixPath("reads"), 4, etag=stored)
    assert LocalStorage(tmp_path).contradicts(file, made) is expected


BEFORE, LEFT, LATER = (1, 8, 1_000), (1, 8, 1_004), (1, 9, 1_008)


@pytest.mark.parametrize(
    ("before", "left", "later"),
    [
        pytest.param(BEFORE, LEFT, (1, 9, 1_004), id="the clock stands still"),
        pytest.param(BEFORE, LEFT, (1, 9, 1_003), id="the clock was set back"),
        pytest.param(BEFORE, (1, 8, 1_000), LATER, id="no time is set"),
        pytest.param(BEFORE, (1, 7, 1_004), LATER, id="another directory"),
        pytest.param(BEFORE, LEFT, (2, 9, 1_008), id="another file system"),
        pytest.param(None, LEFT, LATER, id="a new directory"),
        pytest.param(BEFORE, None, LATER, id="no directory any more"),
        pytest.param(BEFORE, LEFT, None, id="no other directory"),
    ],
)
def test_a_directory_may_be_seen_as_it_was_though_more_has_come_into_it(before, left, later):
    """Unless its time, and that of another one, prove that it is not."""
    assert is_unmistakable(LEFT, BEFORE, LATER)
    assert not is_unmistakable(left, before, later)


def test_a_directory_is_not_seen_again_as_it_was_left_unmistakably(tmp_path):
    """Here too, however soon something comes; and where the clock is given the time to move on, most are left so."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    told = 0
    for number in range(100):
        pause = 0.012 * (number % 5 == 0)
        before = sight(one)
        time.sleep(pause)
        (one / f"{number}").touch()
        time.sleep(pause)
        (other / f"{number}").touch()
        left = sight(one)
        is_told = is_unmistakable(left, before, sight(other))
        (one / f"{number}-more").touch()
        assert not (is_told and sight(one) == left)
        told += is_told
    assert told > 10
    assert sight(tmp_path / "missing") is None


@pytest.mark.skipif(os.name == "nt", reason="what is the time of a file's status elsewhere is there that of its making")
@pytest.mark.parametrize("change", ["written in place", "replaced", "renamed", "removed"])
def test_a_file_is_not_seen_again_as_it_was_once_it_is_another(tmp_path, change):
    """However soon that comes; and where the clock is given the time to move on, it is known by how it is seen."""
    place, beside = tmp_path / "place", tmp_path / "beside"
    told = 0
    for number in range(100):
        place.write_bytes(b"0")
        beside.write_bytes(b"1")
        time.sleep(0.012 * (number % 5 == 0))
        take_place(beside, place)
        left = file_sight(place)
        assert file_sight(place) == left
        match change:
            case "written in place":
                place.write_bytes(b"2")
            case "replaced":
                beside.write_bytes(b"2")
                take_place(beside, place)
            case "renamed":
                place.rename(beside)
                beside.rename(place)
            case "removed":
                place.unlink()
        assert left is None or file_sight(place) != left
        told += left is not None
    assert told >= 20


def test_what_took_a_place_is_known_at_once_where_the_system_helps(tmp_path):
    """Linux gives what was looked at another time with its next change, from 6.13 on, though its clock stands still."""
    place, beside = tmp_path / "place", tmp_path / "beside"
    place.touch()
    known = {True: 0, False: 0}
    for is_ours in [True, False] * 20:
        beside.write_bytes(b"1")
        if is_ours:
            take_place(beside, place)
        else:
            beside.stat()
            beside.replace(place)
        known[is_ours] += file_sight(place) is not None
    if known[False] < 20:
        pytest.skip("this one does not, or not on this file system")
    assert known[True] == 20


def test_a_file_that_was_written_last_is_known_by_nothing(tmp_path):
    """Whoever writes to it before the clock moves on leaves no trace."""
    (tmp_path / "file").write_bytes(b"0")
    assert file_sight(tmp_path / "file") is None
    assert file_sight(tmp_path / "missing") is None
