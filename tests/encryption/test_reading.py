"""Encrypted files read by ranges, as if they were plain: the same bytes, few requests, nothing on a disk."""

import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modos.encryption import DecryptedFiles, encrypt, generate_key
from modos.encryption.planning import lay_out, plan_ranges
from modos.errors import InvalidInputError, NotEncryptedError, TamperedError, TruncatedError, WrongKeyError
from modos.omics import open_indexed
from modos.storage import LocalStorage
from modos.testing import Proxy

PLAIN, SEALED = 65_536, 65_564


@pytest.fixture
def view(place, file, ada):
    """The file on every storage in turn, as if it were plain."""
    place.put(file, "dir/file.c4gh")
    return DecryptedFiles(place, [ada])


def test_a_view_is_read_as_a_storage_of_the_plain_file_is(view, content, make_storage):
    """Every spelling of a range: open, negative, reversed, past the end; several at once, overlapping and empty."""
    size = len(content)
    plain = make_storage("local")
    plain.put(content, "file")
    assert view.stat("dir/file.c4gh").size == size
    for start, end in ((None, None), (0, 5), (-5, None), (65_530, 65_540), (size, None), (size - 1, size + 9), (9, 3)):
        assert view.read("dir/file.c4gh", start, end) == plain.read("file", start, end), (start, end)
    ranges = [
        (131_070, 131_080),
        (0, 1),
        (70_000, 70_000),
        (0, size),
        (5, 2),
        (size - 3, size + 3),
        (size + 9, size + 11),
    ]
    assert list(view.read_ranges("dir/file.c4gh", ranges)) == list(plain.read_ranges("file", ranges))
    assert list(view.read_ranges("dir/file.c4gh", [])) == []
    assert view.url_of("dir/file.c4gh").endswith("dir/file.c4gh")


def test_the_tag_of_a_view_is_not_taken_for_a_digest_of_the_content(view):
    """That of the service is one of the encrypted file."""
    assert view.stat("dir/file.c4gh").md5 is None


@given(
    edits=st.none() | st.lists(st.integers(0, 90_000), min_size=1, max_size=7),
    size=st.integers(1, 300_000),
    ranges=st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 300_000)), max_size=5),
)
@settings(max_examples=200, deadline=None)
def test_a_plan_gives_the_bytes_of_its_ranges(edits, size, ranges):
    """Whatever the edit list; each wanted span lies in one run, and runs are apart and ascending."""
    body = [*range(size)]
    sealed = size + -(-size // PLAIN) * (SEALED - PLAIN)
    seen = kept(body, edits)
    if seen is None:
        with pytest.raises(TruncatedError):
            lay_out(124, 124 + sealed, edits)
        return
    layout = lay_out(124, 124 + sealed, edits)
    assert layout.size == len(seen)
    plan = plan_ranges(layout, ranges)
    for (start, end), spans in zip(ranges, plan.wanted, strict=True):
        assert [each for first, last in spans for each in body[first:last]] == seen[start:end]
        for first, last in spans:
            assert sum(run[0] * PLAIN <= first and last <= run[1] * PLAIN for run in plan.runs) == 1
    assert all(before[1] < after[0] for before, after in zip(plan.runs, plan.runs[1:], strict=False))


def kept(body, edits):
    """Follow an edit list as the standard tells it; `None` where it speaks of more than there is."""
    if edits is None:
        return body
    seen, rest = [], body
    for number, length in enumerate(edits):
        if length > len(rest):
            return None
        seen += rest[:length] if number % 2 else []
        rest = rest[length:]
    return seen + rest if len(edits) % 2 else seen


def test_a_view_follows_edit_lists(tmp_path, content, foreign, ada, reference):
    """A part that the reference cut out of its own file."""
    storage = LocalStorage(tmp_path)
    storage.put(reference.rearrange(foreign, ada, offset=70_000, span=100_000), "part")
    view, part = DecryptedFiles(storage, [ada]), content[70_000:170_000]
    assert view.stat("part").size == 100_000
    assert view.read("part") == part
    assert view.read("part", 60_000, 61_000) == part[60_000:61_000]


def test_an_empty_file_is_empty(tmp_path, ada):
    """Its header keeps nothing of the one byte that is there."""
    storage = LocalStorage(tmp_path)
    storage.put(encrypt([], [ada.public]), "empty")
    view = DecryptedFiles(storage, [ada])
    assert view.stat("empty").size == 0
    assert view.read("empty") == b""
    assert list(view.read_ranges("empty", [(0, 10)])) == [b""]


@pytest.mark.parametrize("kind", ["swift", "s3"])
def test_what_ranges_cost(kind, ada, account, container):
    """Opening takes a look and one request; then near ranges share one, and the first segment takes none."""
    with Proxy(account.server.url) as proxy:
        address = (
            {"storage_url": proxy.through(account.server.storage_url)} if kind == "swift" else {"endpoint": proxy.url}
        )
        storage = getattr(account, kind)(container, **address)
        content = random.Random(7).randbytes(200_000)
        storage.put(encrypt([content], [ada.public]), "file.c4gh")
        proxy.clear()
        view = DecryptedFiles(storage, [ada])
        assert view.read("file.c4gh", 100, 200) == content[100:200]
        assert len(proxy.requests) == 2
        proxy.clear()
        assert (
            view.read_ranges("file.c4gh", [(5, 10), (70_000, 70_010), (140_000, 140_010)])[2]
            == content[140_000:140_010]
        )
        assert len(proxy.requests) == 1
        assert proxy.requests[0].bytes_received < 2 * SEALED + 2000


def test_a_file_that_was_replaced_is_opened_anew_by_stat(tmp_path, ada):
    """Until then its segments do not open, and no byte of either comes out."""
    storage, view = LocalStorage(tmp_path), DecryptedFiles(LocalStorage(tmp_path), [ada])
    storage.put(encrypt([bytes(200_000)], [ada.public]), "file")
    assert view.read("file", 0, 4) == bytes(4)
    storage.put(encrypt([b"\1" * 200_001], [ada.public]), "file")
    with pytest.raises(TamperedError, match="replaced"):
        view.read("file", 70_000, 70_004)
    assert view.stat("file").size == 200_001
    assert view.read("file", 70_000, 70_004) == b"\1" * 4


def test_a_file_that_could_not_be_read_is_opened_anew(tmp_path, ada):
    """Also by a range: it may be whole again by now."""
    storage = LocalStorage(tmp_path)
    content = b"".join(encrypt([b"ACGT" * 100], [ada.public]))
    view = DecryptedFiles(storage, [ada])
    storage.put(content[:-1] + bytes([content[-1] ^ 1]), "x.c4gh")
    with pytest.raises(TamperedError):
        view.read("x.c4gh", 0, 4)
    storage.put(content, "x.c4gh")
    assert view.read("x.c4gh", 0, 4) == b"ACGT"


def test_plain_files_are_refused_or_read(tmp_path, ada):
    """As is asked for: an index may be plain beside a file that is not."""
    storage = LocalStorage(tmp_path)
    storage.put(b"plain as day", "file")
    with pytest.raises(NotEncryptedError, match="file: does not begin"):
        DecryptedFiles(storage, [ada]).read("file")
    view = DecryptedFiles(storage, [ada], plain="read")
    assert view.stat("file").size == 12
    assert view.read("file", 0, 5) == b"plain"
    assert list(view.read_ranges("file", [(6, 8)])) == [b"as"]
    assert view.stat("file") == storage.stat("file")


def test_a_view_needs_the_right_key_and_writer(tmp_path, file, ada, bob):
    """The error names the file."""
    storage = LocalStorage(tmp_path)
    storage.put(file, "file.c4gh")
    with pytest.raises(WrongKeyError, match=r"file\.c4gh: the file is not for the keys"):
        DecryptedFiles(storage, [bob]).stat("file.c4gh")
    with pytest.raises(WrongKeyError, match="sealed by"):
        DecryptedFiles(storage, [ada], sender=bob.public).stat("file.c4gh")
    with pytest.raises(InvalidInputError, match="secret key"):
        DecryptedFiles(storage, [])


def test_a_header_longer_than_the_first_request_is_read(tmp_path, ada):
    """Of a file for a thousand readers; and the view shows no key, and works after pickling."""
    storage = LocalStorage(tmp_path)
    readers = [generate_key().public for _ in range(700)]
    storage.put(encrypt([b"ACGT"], [*readers, ada.public]), "file")
    view = DecryptedFiles(storage, [ada])
    assert view.read("file") == b"ACGT"
    assert pickle.loads(pickle.dumps(view)).read("file", 1, 3) == b"CG"
    assert ada.raw.hex() not in repr(view)


def test_threads_share_a_view(tmp_path, file, content, ada):
    """Each gets its own bytes; the file is opened once."""
    storage = LocalStorage(tmp_path)
    storage.put(file, "file")
    view = DecryptedFiles(storage, [ada])
    starts = range(0, len(content), 5_003)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda start: view.read("file", start, start + 10), starts))
    assert found == [content[start : start + 10] for start in starts]


def test_regions_of_encrypted_files_are_those_of_plain_ones(tmp_path, make_storage, ada):
    """The records that pysam gives on the plain file at hand, and no new file in the working directory."""
    path = tmp_path / "reads.bam"
    header = pysam.AlignmentHeader.from_dict(
        {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "a", "LN": 90_000}]}
    )
    with pysam.AlignmentFile(str(path), "wb", header=header) as bam:
        for number in range(20_000):
            read = pysam.AlignedSegment(header)
            read.query_name, read.reference_id, read.reference_start = f"r{number * 7919 % 20_000}", 0, number * 4
            read.query_sequence, read.cigarstring = f"{number:08b}"[:8].replace("0", "A").replace("1", "C"), "8M"
            bam.write(read)
    pysam.index(str(path))
    storage = make_storage("swift")
    for name in ("reads.bam", "reads.bam.bai"):
        storage.put(encrypt([(tmp_path / name).read_bytes()], [ada.public]), name)
    before = {each.name for each in tmp_path.iterdir()}
    indexed = open_indexed(DecryptedFiles(storage, [ada]), "reads.bam")
    with pysam.AlignmentFile(str(path)) as local:
        for start in range(0, 80_000, 9_001):
            expected = [str(each) for each in local.fetch("a", start, start + 500)]
            assert [str(each) for each in indexed.stream(f"a:{start + 1}-{start + 500}")] == expected
    assert {each.name for each in tmp_path.iterdir()} == before
