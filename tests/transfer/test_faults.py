"""What goes wrong at either end, and that nothing counts as complete then."""

import re
import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from modos.errors import (
    IntegrityError,
    InvalidInputError,
    InvalidPathError,
    KeyNotFoundError,
    ReadOnlyError,
    ServiceError,
    StorageError,
)
from modos.storage import ROOT_DOCUMENT, FsspecStorage, LocalStorage, Storage, SwiftStorage, open_storage
from modos.testing import Fault, Proxy
from modos.transfers import prepare_transfer, transfer
from modos.transfers.crew import Crew

READS = "reads/demo1.cram"


class Faulty(LocalStorage):
    """A directory whose reads and writes of one file pass through hooks."""

    def __init__(self, path, *, name=READS, read=None, put=None, times=None, **options):
        super().__init__(path, **options)
        self._name, self._read_hook, self._put_hook, self._times = name, read, put, times

    def _due(self, name, hook):
        if hook is None or name != self._name or self._times == 0:
            return False
        if self._times is not None:
            self._times -= 1
        return True

    def _read(self, name, start, end):
        body = super()._read(name, start, end)
        return self._read_hook(self, body) if self._due(name, self._read_hook) else body

    def _pour(self, name, span):
        return Storage._pour(self, name, span)  # which reads

    def _put(self, name, chunks, **options):
        if self._due(name, self._put_hook):
            chunks = self._put_hook(self, chunks)
        return super()._put(name, chunks, **options)


def spoilt(_storage, chunks):
    for chunk in chunks:
        yield bytes([chunk[0] ^ 0xFF]) + chunk[1:]


def shortened(_storage, chunks):
    for chunk in chunks:
        yield chunk[:-1]


def failing(storage, _body):
    raise ServiceError(storage.url_of(READS), "broke", status=500)


@pytest.fixture
def at(here, there, fill, small):
    """Make the source or the target faulty; the source is filled."""
    fill(here, small)
    return lambda storage, **hooks: Faulty(storage.path, **hooks)


# -- the target -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(spoilt, "what is stored is not what was sent"), (shortened, "4,999 bytes are stored where 5,000 were sent")],
)
def test_a_target_that_stores_other_bytes_is_found_out(at, here, there, damage, reason):
    """The error names the file at the target, the note both ends, and the target is not complete."""
    with pytest.raises(IntegrityError, match=re.escape(f"{there.url_of(READS)}: {reason}")) as caught:
        transfer(here, at(there, put=damage))
    assert caught.value.__notes__ == [f"while copying {here.url_of(READS)} to {there.url_of(READS)}"]
    assert not there.exists(ROOT_DOCUMENT)


def test_nothing_is_committed_before_all_is_there(fill, here, there, small, monkeypatch):
    """Whatever becomes of a file on its way, an object that lacks one is not completed; with `python -O` neither."""
    fill(here, small)
    carry_out = Crew.carry_out
    monkeypatch.setattr(Crew, "carry_out", lambda self, units: carry_out(self, list(units)[1:]))
    with pytest.raises(IntegrityError, match="nothing was committed"):
        transfer(here, there)
    assert not there.exists(ROOT_DOCUMENT)


def test_a_target_that_damages_once_is_given_the_file_again(at, here, there, content, small):
    """One mismatch is mended by copying again, and progress does not count the bytes twice."""
    seen = []
    transfer(here, at(there, put=spoilt, times=1), progress=seen.append)
    assert content(there) == small
    assert seen[-1].bytes_done == seen[-1].bytes_total == sum(map(len, small.values()))


def test_a_service_that_stores_other_bytes_is_found_out_by_its_md5(here, places, fill, small, monkeypatch):
    """Swift computes the MD5 of what it stored; when that differs and reading back confirms it, the transfer fails."""
    fill(here, small)
    target = places.make("swift")
    put_short = SwiftStorage._put_short
    monkeypatch.setattr(
        SwiftStorage, "_put_short", lambda self, name, body, **o: put_short(self, name, b"?" + body[1:], **o)
    )
    with pytest.raises(IntegrityError):
        transfer(here, target)
    assert not target.exists(ROOT_DOCUMENT)


def test_a_matching_md5_spares_reading_back(here, places, fill, small):
    """A file that a service confirmed is not read from it: no GET of an object."""
    fill(here, small)
    target = places.make("swift")
    with Proxy(places.server.url) as proxy:
        options = places.swift_options() | {"storage_url": proxy.through(places.server.storage_url)}
        transfer(here, SwiftStorage(target.url, **options))
        assert proxy.count(method="PUT", path="/ex/") == len(small)
        assert proxy.count(method="GET", path="/ex/") == 0


def test_a_tag_that_only_looks_like_an_md5_does_no_harm(here, there, fill, small, content):
    """Some services tag encrypted files with 32 digits that are no MD5; reading back settles it."""

    class Tagging(LocalStorage):
        def _put(self, name, chunks, **options):
            return replace(super()._put(name, chunks, **options), etag="0123456789abcdef" * 2)

    fill(here, small)
    transfer(here, Tagging(there.path))
    assert content(there) == small


def test_a_damaged_committing_file_is_an_error_too(at, here, there):
    """The file that is copied last is verified like the others."""
    with pytest.raises(IntegrityError, match=re.escape(there.url_of(ROOT_DOCUMENT))):
        transfer(here, at(there, name=ROOT_DOCUMENT, put=shortened))


# -- the source -----------------------------------------------------------------------------------------------------


def test_a_truncated_body_is_never_shown(at, here, there):
    """A source that gives fewer bytes than it lists fails before the target shows the file."""
    with pytest.raises(IntegrityError, match=r"4,999 bytes were read where 5,000"):
        transfer(at(here, read=lambda _, body: body[:-1]), there)
    assert not there.exists(READS)
    assert not there.exists(ROOT_DOCUMENT)


def test_nothing_more_is_asked_of_a_truncated_file(here, there):
    """A long file that breaks off is not read on from there: one part is tried twice, and that is the end."""
    here.path.mkdir()
    with (here.path / READS.rpartition("/")[2]).open("wb") as file:
        file.truncate(5 * 8 * 1024 * 1024)
    asked = []

    def cut(_storage, body):
        asked.append(len(body))
        return body[:-1]

    with pytest.raises(IntegrityError, match="16,777,215 bytes were read"):
        transfer(Faulty(here.path, name="demo1.cram", read=cut), there, commit=None, workers=1)
    assert asked == [16 * 1024 * 1024] * 2


def test_a_body_truncated_once_is_read_again(at, here, there, content, small):
    """One truncated body is mended by copying again."""
    transfer(at(here, read=lambda _, body: body[:-1], times=1), there)
    assert content(there) == small


@pytest.mark.parametrize("change", [b"X" * 5000, b"X" * 5001, b"X" * 50_000, b"X" * 10, b""])
def test_a_file_that_changes_while_it_is_read_is_an_error(at, here, there, small, change):
    """Longer, shorter or of the same size: a file that changes after it was listed is not taken for it."""

    def edit(storage, body):
        storage.put(change, READS)
        return body

    with pytest.raises(IntegrityError, match=re.escape(here.url_of(READS))):
        transfer(at(here, read=edit), there)
    assert not there.exists(READS)
    assert not there.exists(ROOT_DOCUMENT)


def test_a_file_that_goes_while_others_are_copied_is_an_error(at, here, there):
    """A file that is listed and then gone is missing, and the note says which."""
    gone = at(here, name="data.zarr/sample/s1/zarr.json", read=lambda storage, body: storage.remove(READS) or body)
    (here.path / READS).write_bytes(b"")  # the smallest come last
    with pytest.raises(KeyNotFoundError) as caught:
        transfer(gone, there, workers=1)
    assert READS in caught.value.__notes__[0]
    assert not there.exists(ROOT_DOCUMENT)


def test_a_source_that_is_edited_meanwhile_is_not_committed(at, here, there):
    """When the committing file is another one at the end than at the beginning, the target is not completed."""
    edited = at(here, read=lambda storage, body: storage.put(b'{"root": 2}', ROOT_DOCUMENT) and body)
    with pytest.raises(IntegrityError, match=ROOT_DOCUMENT):
        transfer(edited, there)
    assert not there.exists(ROOT_DOCUMENT)
    transfer(here, there)
    assert there.read(ROOT_DOCUMENT) == b'{"root": 2}'


def test_an_edit_between_the_first_look_and_the_listing_is_seen(here, there, fill, small):
    """The committing file is looked at before the listing: an edit in between makes the listing stale."""

    class Edited(LocalStorage):
        def scan(self, *args, **options):
            self.put(b'{"root": 2}', ROOT_DOCUMENT)
            return super().scan(*args, **options)

    fill(here, small)
    with pytest.raises(IntegrityError, match="the source was edited"):
        transfer(Edited(here.path), there)
    assert not there.exists(ROOT_DOCUMENT)


@pytest.mark.parametrize(
    "damage",
    [(Fault(corrupt=True, times=None), IntegrityError), (Fault(cut_after=100, times=None), StorageError)],
    ids=["corrupt", "cut"],
)
def test_a_body_damaged_on_the_way_from_a_service_is_found_out(places, there, fill, content, damage):
    """Whether bytes change or the connection breaks each time: an error and no commit; once healed it succeeds."""
    fault, error = damage
    source, files = places.make("swift"), {READS: b"ACGT" * 999, ROOT_DOCUMENT: b"{}"}
    fill(source, files)
    with Proxy(places.server.url) as proxy:
        options = places.swift_options() | {"storage_url": proxy.through(places.server.storage_url), "attempts": 2}
        damaged = SwiftStorage(source.url, **options)
        proxy.inject(replace(fault, method="GET", path=READS))
        with pytest.raises(error):
            transfer(damaged, there)
        assert not there.exists(READS)
        assert not there.exists(ROOT_DOCUMENT)
        proxy.heal()
        proxy.inject(replace(fault, method="GET", path=READS, times=1))
        transfer(damaged, there)
    assert content(there) == files


# -- one failure among many -----------------------------------------------------------------------------------------


def test_one_failure_stops_the_rest(here, there, fill):
    """The first error is raised with a note, files not begun are left, those under way end, nothing is committed."""
    fill(here, {**{f"{number:03}": b"" for number in range(200)}, ROOT_DOCUMENT: b"{}"})
    source = Faulty(here.path, name="010", read=failing)
    before = threading.active_count()
    with pytest.raises(ServiceError, match="broke") as caught:
        transfer(source, there, workers=2)
    assert "while copying" in caught.value.__notes__[0]
    assert len(caught.value.__notes__) == 1
    assert 9 <= len(list(there.list())) < 100
    assert not there.exists(ROOT_DOCUMENT)
    assert threading.active_count() == before


def test_a_large_file_under_way_ends_soon(here, there, fill):
    """A failure elsewhere ends a long copy at its next piece, and the target shows nothing of it."""
    large = here.path / "large.bin"
    large.parent.mkdir()
    with large.open("wb") as file:
        file.truncate(40 * 8 * 1024 * 1024)
    fill(here, {READS: b"x", ROOT_DOCUMENT: b"{}"})
    pieces = []

    class Slow(Faulty):
        def _read(self, name, start, end):
            if name == "large.bin":
                pieces.append(start)
                time.sleep(0.05)
            return super()._read(name, start, end)

    with pytest.raises(ServiceError):
        transfer(Slow(here.path, read=failing), there, workers=2)
    assert len(pieces) < 10
    assert there.empty()


def test_new_files_fail_before_anything_old_is_replaced(at, here, there, fill, content):
    """When a file with a new name cannot be copied, what was at the target is as it was."""
    old = {"empty.txt": b"old", ROOT_DOCUMENT: b"old"}
    fill(there, old)
    with pytest.raises(ServiceError):
        transfer(at(here, read=failing), there)
    assert {name: content(there)[name] for name in old} == old


# -- refused before anything ----------------------------------------------------------------------------------------


def memory(root, **options) -> FsspecStorage:
    import fsspec

    return FsspecStorage(fsspec.filesystem("memory"), root, **options)


def swift(url, **options) -> SwiftStorage:
    return SwiftStorage(url, storage_url="http://127.0.0.1:9/v1/AUTH_test", token="t", **options)


@pytest.mark.parametrize("make", [memory, swift, lambda path, **options: LocalStorage("/nowhere" + path, **options)])
@pytest.mark.parametrize(("one", "other"), [("/c/ex", "/c/ex"), ("/c/ex", "/c/ex/data/x"), ("/c/ex/data", "/c/ex")])
def test_one_place_or_one_inside_the_other_is_refused(make, one, other):
    """Also when the source is opened for reading only; nothing is asked of either (there is no server)."""
    prefix = "swift:/" if make is swift else ""
    with pytest.raises(InvalidInputError, match="same place"):
        transfer(make(prefix + one, read_only=True), make(prefix + other))


def test_a_link_to_the_same_directory_is_the_same_place(here, fill, small, tmp_path):
    """Directories are compared where links lead."""
    fill(here, small)
    (tmp_path / "link").symlink_to(here.path)
    with pytest.raises(InvalidInputError):
        transfer(here, LocalStorage(tmp_path / "link" / "below"))


def test_neighbours_whose_names_begin_alike_are_two_places(tmp_path, fill, content, small):
    """`ex` and `ex2` are two places."""
    fill(LocalStorage(tmp_path / "ex"), small)
    transfer(LocalStorage(tmp_path / "ex"), LocalStorage(tmp_path / "ex2"))
    assert content(LocalStorage(tmp_path / "ex2")) == small


def test_what_cannot_be_done_is_refused_before_anything_is_written(here, there, fill, small):
    """No worker, no way to verify, a target for reading only, a source without the committing file: each its own error."""
    fill(here, small)
    for wrong in ({"workers": 0}, {"workers": "4"}, {"workers": 2.5}, {"verify": "Full"}, {"verify": True}):
        with pytest.raises(InvalidInputError):
            transfer(here, there, **wrong)
    for work in (transfer, prepare_transfer):
        with pytest.raises(ReadOnlyError):  # before the source is asked: there is no server
            work(swift("swift://c/ex"), LocalStorage(there.path, read_only=True))
    here.remove(ROOT_DOCUMENT)
    with pytest.raises(KeyNotFoundError, match=ROOT_DOCUMENT):
        transfer(here, there)
    assert there.empty()
    assert transfer(here, there, commit=None).files == len(small) - 1


@pytest.mark.parametrize(
    ("names", "reason"), [(["../up"], r"has a part '\.\.'"), (["a/b", "a//b"], "names two files")], ids=["up", "twice"]
)
def test_a_file_whose_name_no_target_can_have_is_told_before_anything_is_written(places, there, fill, names, reason):
    """As services allow it: neither left out, nor put anywhere else."""
    source = places.make("swift")
    fill(source, {READS: b"x", ROOT_DOCUMENT: b"{}"})
    for name in names:
        places.put_plainly(source, name, b"x")
    for work in (transfer, prepare_transfer):
        with pytest.raises(InvalidPathError, match=reason):
            work(source, there)
    assert there.empty()


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_what_swift_lists_without_its_bytes_is_told_as_what_it_is(places, there, fill, kind):
    """A dynamic large object, as older clients make them: it has not changed, and to copy it again would not help."""
    source = places.make("swift")
    fill(source, {ROOT_DOCUMENT: b"{}", "parts/1": b"ACGT", "parts/2": b"TT"})
    container = source.path.parts[0]
    places.put_plainly(source, "large.bin", b"", **{"X-Object-Manifest": f"{container}/study/ex/parts/"})
    asked = (
        source
        if kind == "swift"
        else open_storage(source.url.replace("swift://", "s3://"), storage_options=places.options_of(places.make("s3")))
    )
    with pytest.raises(IntegrityError, match="dynamic large object"):
        transfer(asked, there)
    assert not there.exists(ROOT_DOCUMENT)


# -- progress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 8])
def test_progress_begins_at_nothing_and_ends_at_all(here, there, fill, small, workers):
    """Counts only grow, one call at a time; the last says that all is done."""
    fill(here, small)
    seen, at_once = [], threading.Lock()

    def watch(progress):
        assert at_once.acquire(blocking=False)
        seen.append(progress)
        time.sleep(0.001)
        at_once.release()

    transfer(here, there, workers=workers, progress=watch)
    size = sum(map(len, small.values()))
    first, last = seen[0], seen[-1]
    assert (first.files_done, first.bytes_done, first.current) == (0, 0, "")
    assert (last.files_done, last.bytes_done, last.current) == (len(small), size, ROOT_DOCUMENT)
    assert {(each.files_total, each.bytes_total) for each in seen} == {(len(small), size)}
    assert all(a.files_done <= b.files_done and a.bytes_done <= b.bytes_done for a, b in pairwise(seen))


def test_an_error_of_the_callback_fails_the_transfer(here, there, fill, small):
    """What the callback raises comes out, and nothing is committed."""
    fill(here, small)

    def refuse(progress):
        if progress.files_done == 1:
            raise LookupError(progress.current)

    with pytest.raises(LookupError):
        transfer(here, there, progress=refuse)
    assert not there.exists(ROOT_DOCUMENT)


def test_the_number_of_workers_is_kept(here, there, fill):
    """Never more files under way than workers."""
    fill(here, {**{f"{number}": b"x" for number in range(20)}, ROOT_DOCUMENT: b"{}"})
    under_way, most = set(), []

    class Watching(LocalStorage):
        def _put(self, name, chunks, **options):
            under_way.add(name)
            most.append(len(under_way))
            time.sleep(0.01)
            info = super()._put(name, chunks, **options)
            under_way.discard(name)
            return info

    transfer(here, Watching(there.path), workers=3)
    assert max(most) == 3


def test_an_empty_place_is_copied_to_nothing(here, there):
    """Without a committing file, nothing to copy is no error."""
    assert transfer(here, there, commit=None).files == 0
    assert not there.path.exists()
