"""The promises about looking and reading: exact names, complete listings, ranges as Python slices them.

Owns those tests. Must not know any backend.
"""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import pytest

from modos.errors import InvalidInputError, KeyNotFoundError
from modos.storage import Storage
from modos.storage.spans import FileSpan
from modos.testing._conformance.suite import BODY, StorageSuite, listed

__all__ = ["ListingTests", "ReadingTests"]

_SIZE = len(BODY)

SLICES = (
    (None, None),
    (0, None),
    (None, _SIZE),
    (0, 0),
    (7, 7),
    (0, 1),
    (2, 5),
    (9, 3),
    (500, None),
    (None, 500),
    (-3, None),
    (None, -3),
    (-500, -20),
    (-5, 2),
    (-_SIZE * 2, 10),
    (_SIZE - 1, None),
    (_SIZE - 1, _SIZE + 999),
    (0, _SIZE * 2),
    (_SIZE, None),
    (_SIZE, _SIZE + 10),
    (_SIZE * 2, None),
    (_SIZE * 2, _SIZE * 3),
)
"""Borders, inside, nothing, negative, over the end and past it."""


class ListingTests(StorageSuite):
    """Which files there are."""

    def test_nothing_is_stored_in_the_beginning(self, storage: Storage) -> None:
        """An empty storage is empty, lists nothing, and looking creates nothing."""
        assert storage.empty()
        assert listed(storage) == []
        assert list(storage.list_dir()) == []
        assert not storage.exists("demo1")
        assert storage.empty()

    def test_exists_is_exact(self, storage: Storage) -> None:
        """`demo1` does not exist because `demo10` does, nor because there are files beneath `demo1/`."""
        self.put_raw(storage, "demo10", BODY)
        self.put_raw(storage, "directory/file", BODY)
        assert storage.exists("demo10")
        assert storage.exists("directory/file")
        for name in ("demo1", "demo100", "directory", "directory/fil", "directory/file/beneath", "file"):
            assert not storage.exists(name), name

    def test_stat_tells_of_a_file(self, storage: Storage) -> None:
        """Path, size, a time with its zone, and an MD5 only where it is one."""
        self.put_raw(storage, "reads/demo.txt", BODY)
        info = storage.stat("reads/demo.txt")
        assert info.path == PurePosixPath("reads/demo.txt")
        assert info.size == len(BODY)
        assert info.kind == "file"
        assert info.last_modified is None or info.last_modified.tzinfo is not None
        assert info.md5 in {None, hashlib.md5(BODY, usedforsecurity=False).hexdigest()}

    @pytest.mark.parametrize("name", ["missing", "demo1", "directory", "directory/file/beneath"])
    def test_what_is_missing_is_not_found(self, storage: Storage, name: str) -> None:
        """`stat`, `read`, `read_ranges`, `open`, `copy` and `move` raise KeyNotFoundError, which names the URL."""
        self.put_raw(storage, "demo10", BODY)
        self.put_raw(storage, "directory/file", BODY)
        writes = () if storage.read_only else (lambda: storage.copy(name, "a"), lambda: storage.move(name, "a"))
        for call in (
            lambda: storage.stat(name),
            lambda: storage.read(name),
            lambda: storage.read(name, 2, 5),
            lambda: storage.read(name, -2),
            lambda: storage.read_ranges(name, [(0, 1)]),
            lambda: storage.open(name),
            *writes,
        ):
            with pytest.raises(KeyNotFoundError) as caught:
                call()
            assert isinstance(caught.value, FileNotFoundError)
            assert caught.value.url == storage.url_of(name)
        assert not storage.exists("a")

    def test_list_is_recursive_and_list_dir_is_one_level(self, storage: Storage) -> None:
        """`list` yields every file, `list_dir` files and directories of one level, as `PurePosixPath`."""
        names = ["a.txt", "demo1/x.bin", "demo1/sub/y.bin", "demo10/z.bin"]
        self.put_many_raw(storage, names)
        assert listed(storage) == sorted(names)
        assert set(storage.list_dir()) == {PurePosixPath(name) for name in ("a.txt", "demo1", "demo10")}
        assert set(storage.list("demo1")) == {PurePosixPath("demo1/x.bin"), PurePosixPath("demo1/sub/y.bin")}
        assert set(storage.list_dir("demo1")) == {PurePosixPath("demo1/x.bin"), PurePosixPath("demo1/sub")}
        assert listed(storage, "demo1") == listed(storage, "demo1/")

    @pytest.mark.parametrize("root", [None, "", ".", PurePosixPath()])
    def test_the_root_has_several_names(self, storage: Storage, root: str | None) -> None:
        """`None`, `""` and `"."` all list the whole storage."""
        self.put_raw(storage, "a/b", BODY)
        assert [str(path) for path in storage.list(root)] == ["a/b"]
        assert [str(path) for path in storage.list_dir(root)] == ["a"]

    def test_scan_tells_size_and_kind(self, storage: Storage) -> None:
        """Listings carry the size of every file, and say which entry is a directory."""
        self.put_raw(storage, "a.txt", BODY)
        self.put_raw(storage, "demo/b.txt", b"")
        assert {str(info.path): info.size for info in storage.scan()} == {"a.txt": len(BODY), "demo/b.txt": 0}
        kinds = {str(info.path): info.kind for info in storage.scan(recursive=False)}
        assert kinds == {"a.txt": "file", "demo": "directory"}

    @pytest.mark.parametrize("target", ["missing", "file", "fil", "directory/missing"])
    def test_what_is_no_directory_has_nothing_beneath_it(self, storage: Storage, target: str) -> None:
        """A missing directory, and a file, list as empty and are no error."""
        self.put_raw(storage, "file", BODY)
        self.put_raw(storage, "directory/file", BODY)
        assert list(storage.list(target)) == []
        assert list(storage.list_dir(target)) == []

    @pytest.mark.parametrize(
        ("start_after", "left_out"),
        [
            ("", 0),
            ("a", 0),
            ("log/1", 1),
            ("log/1~", 1),
            ("log/2", 1),
            ("log/2.json", 2),
            ("log/2/b", 3),
            ("log/2/b/c", 3),
            ("log/\U0010ffff", 5),
            ("z", 5),
        ],
    )
    def test_a_listing_begins_behind_a_name(self, storage: Storage, start_after: str, left_out: int) -> None:
        """`start_after` leaves out the names that sort at it or before it, whether it is a name itself or not."""
        names = ["log/1", "log/2.json", "log/2/b", "log/3/d/e", "log/é"]
        self.put_many_raw(storage, names)
        assert listed(storage) == names
        assert sorted(str(path) for path in storage.list(start_after=start_after)) == names[left_out:]
        assert sorted(str(path) for path in storage.list("log", start_after=start_after)) == names[left_out:]
        assert sorted(str(info.path) for info in storage.scan("log/3", start_after=start_after)) == [
            name for name in names[left_out:] if name.startswith("log/3/")
        ]

    def test_a_level_is_listed_as_a_whole(self, storage: Storage) -> None:
        """`start_after` is refused where it has no meaning."""
        with pytest.raises(InvalidInputError, match="start_after"):
            storage.scan(recursive=False, start_after="a")

    def test_listings_are_complete_past_a_page(self, storage: Storage) -> None:
        """Every name comes once, however many pages the service makes of them, files and directories alike."""
        flat = [f"flat/{number:04}" for number in range(2 * self.page_size + 5)]
        deep = [f"deep/{number:04}/file" for number in range(2 * self.page_size + 5)]
        self.put_many_raw(storage, [*flat, *deep])
        assert listed(storage) == sorted([*flat, *deep])
        assert sorted(str(path) for path in storage.list_dir("flat")) == flat
        assert sorted(str(path) for path in storage.list_dir("deep")) == [name.rpartition("/")[0] for name in deep]

    def test_pages_may_end_at_any_name(self, storage: Storage) -> None:
        """Names that sort around `/` come once each: `demo`, `demo-1`, `demo.txt`, `demo/…`, `demo0`, Unicode."""
        ends = ["", "-1", ".txt", "/a", "/z", "0", "é", "日", "🧬/x", "🧬"]
        stems = [f"demo{number:02}{end}" for number in range(self.page_size // 4) for end in ends]
        names = [name for name in stems if not self._is_directory_of_another(name, stems)]
        self.put_many_raw(storage, names)
        assert listed(storage) == sorted(names)
        assert {str(path) for path in storage.list_dir()} == {name.partition("/")[0] for name in names}

    @staticmethod
    def _is_directory_of_another(name: str, names: list[str]) -> bool:
        return any(other.startswith(f"{name}/") for other in names)

    def test_listings_may_be_left_early(self, storage: Storage) -> None:
        """An iterator that is not read to its end does no harm to what follows."""
        self.put_many_raw(storage, [f"{number:03}" for number in range(self.page_size + 2)])
        assert storage.exists(next(storage.list()))
        assert not storage.empty()


class ReadingTests(StorageSuite):
    """What is in a file."""

    @pytest.mark.parametrize(("start", "end"), SLICES)
    def test_a_range_is_what_python_slices(self, storage: Storage, start: int | None, end: int | None) -> None:
        """`read(start, end)` is `body[start:end]`, for negative, empty and over-long ranges as well."""
        self.put_raw(storage, "demo.bin", BODY)
        assert storage.read("demo.bin", start, end) == BODY[start:end]

    @pytest.mark.parametrize(("start", "end"), [(None, None), (0, 10), (5, None), (5, 10), (-5, None), (None, -5)])
    def test_every_range_of_an_empty_file_is_empty(self, storage: Storage, start: int | None, end: int | None) -> None:
        """A file without bytes reads as none, and is not missing."""
        self.put_raw(storage, "empty", b"")
        assert storage.read("empty", start, end) == b""

    @pytest.mark.parametrize("gap", [0, 10, 10_000])
    def test_several_ranges_are_read_at_once(self, storage: Storage, gap: int) -> None:
        """`read_ranges` returns each as if it were read alone, in the order asked, whatever is merged."""
        ranges = [(700, 710), (0, 4), (2, 8), (4, 4), (_SIZE - 5, _SIZE + 50), (8, 20), (_SIZE + 5, _SIZE + 9), (0, 4)]
        self.put_raw(storage, "demo.bin", BODY)
        assert list(storage.read_ranges("demo.bin", ranges, gap=gap)) == [BODY[start:end] for start, end in ranges]

    @pytest.mark.parametrize(("start", "end"), [(0, 1), (2, 5), (0, _SIZE), (_SIZE - 1, _SIZE)])
    def test_a_span_is_poured_into_another_file(self, storage: Storage, start: int, end: int) -> None:
        """As `transfer` writes what comes to a disk: it begins anew, and the rest of that file stays as it is."""
        self.put_raw(storage, "demo.bin", BODY)
        file = io.BytesIO(bytes(_SIZE))
        span = FileSpan(file, start, end)
        span.write(b"of another attempt")
        with storage._boundary("demo.bin"):  # noqa: SLF001 - of the contract
            storage._pour("demo.bin", span)  # noqa: SLF001 - likewise
        assert file.getvalue() == bytes(start) + BODY[start:end] + bytes(_SIZE - end)
        assert (span.size, span.md5) == (end - start, hashlib.md5(BODY[start:end]).hexdigest())  # noqa: S324 - no secret

    def test_no_ranges_are_no_bytes(self, storage: Storage) -> None:
        """No range gives no piece, and empty ranges give empty pieces."""
        self.put_raw(storage, "demo.bin", BODY)
        assert list(storage.read_ranges("demo.bin", [])) == []
        assert list(storage.read_ranges("demo.bin", [(3, 3), (9, 2)])) == [b"", b""]

    def test_an_open_file_is_seekable(self, storage: Storage) -> None:
        """`open` gives a binary file that can be read from anywhere, also from and past its end."""
        self.put_raw(storage, "demo.bin", BODY)
        with storage.open("demo.bin") as file:
            assert file.readable()
            assert file.seekable()
            assert not file.writable()
            assert file.read(4) == BODY[:4]
            assert file.tell() == len(BODY[:4])
            assert file.seek(-6, io.SEEK_END) == len(BODY) - 6
            assert file.read() == BODY[-6:]
            assert file.read() == b""
            file.seek(100)
            file.seek(10, io.SEEK_CUR)
            assert file.read(5) == BODY[110:115]
            file.seek(len(BODY) + 50)
            assert file.read(5) == b""
            with pytest.raises((ValueError, OSError), match=r"seek|Invalid"):
                file.seek(-1)
        assert file.closed

    def test_an_open_file_iterates_by_lines(self, storage: Storage) -> None:
        """A file is its lines, as any binary file is, and text can be read from it."""
        lines = [b">chr1\n", b"ACGT\n", b"\n", b"last without end"]
        self.put_raw(storage, "demo.fa", b"".join(lines))
        with storage.open("demo.fa") as file:
            assert list(file) == lines
        with io.TextIOWrapper(storage.open("demo.fa")) as text:
            assert text.readline() == ">chr1\n"

    @pytest.mark.parametrize("chunk_size", [1, 100, 10_000])
    def test_a_file_opens_with_any_chunk_size(self, storage: Storage, chunk_size: int) -> None:
        """However many bytes are fetched at a time, what is read is the same; none at a time is refused."""
        self.put_raw(storage, "demo.bin", BODY)
        with storage.open("demo.bin", chunk_size=chunk_size) as file:
            assert file.read(30) == BODY[:30]
            assert file.seek(500) == len(BODY[:500])
            assert file.read(7) == BODY[500:507]
        with pytest.raises(InvalidInputError, match="chunk"):
            storage.open("demo.bin", chunk_size=0)

    def test_an_empty_file_opens(self, storage: Storage) -> None:
        """A file without bytes opens, and ends at once."""
        self.put_raw(storage, "empty", b"")
        with storage.open("empty") as file:
            assert file.read() == b""
            assert list(file) == []

    def test_threads_may_share_a_storage(self, storage: Storage) -> None:
        """Many threads that read at once each get what they asked for."""
        self.put_raw(storage, "demo.bin", BODY)
        starts = range(0, 640, 10)
        with ThreadPoolExecutor(16) as pool:
            pieces = list(pool.map(lambda start: storage.read("demo.bin", start, start + 10), starts))
        assert pieces == [BODY[start : start + 10] for start in starts]
