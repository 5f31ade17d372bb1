"""Whatever is done to a file is an error that says so, and no byte of a bad segment comes out."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modos.encryption import DecryptedFiles, decrypt, encrypt, generate_key
from modos.errors import EncryptionError, NotEncryptedError, TamperedError, TruncatedError, WrongKeyError
from modos.storage import LocalStorage

SEALED = 65_564
HEADER = 124

KEY = generate_key()
CONTENT = bytes(range(256)) * 600  # two segments and a part of a third
FILE = b"".join(encrypt([CONTENT], [KEY.public]))
EMPTY = b"".join(encrypt([], [KEY.public]))
SHORT = b"".join(encrypt([b"ACGT"], [KEY.public]))


def received(file, keys=(KEY,)):
    """Return what came before the error, and the error; an error there must be."""
    came = []
    with pytest.raises(EncryptionError) as caught:
        came.extend(decrypt([file], keys))
    return b"".join(came), caught.value


def segments(file=FILE):
    body = file[HEADER:]
    return [body[start : start + SEALED] for start in range(0, len(body), SEALED)]


@given(file=st.sampled_from([FILE, EMPTY, SHORT]), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_anywhere_is_an_error(file, data):
    """In the header or the body; half of the examples are in the first bytes."""
    reach = data.draw(st.sampled_from([min(len(file), HEADER + 40), len(file)]))
    position, bit = data.draw(st.integers(0, reach - 1)), data.draw(st.integers(0, 7))
    damaged = bytearray(file)
    damaged[position] ^= 1 << bit
    came, _ = received(bytes(damaged))
    assert not came


@pytest.mark.parametrize("file", [EMPTY, SHORT], ids=["empty", "short"])
def test_every_single_bit_of_a_small_file_counts(file):
    """All of them, header and body."""
    for position in range(len(file)):
        for bit in range(8):
            damaged = bytearray(file)
            damaged[position] ^= 1 << bit
            assert received(bytes(damaged))[0] == b""


@given(end=st.one_of(st.integers(0, HEADER + 60), st.integers(0, len(FILE) - 1)))
@settings(max_examples=100, deadline=None)
def test_a_file_that_was_cut_off_is_an_error(end):
    """Wherever it was cut, at the border of a segment too."""
    _, error = received(FILE[:end])
    assert isinstance(error, NotEncryptedError | TamperedError)


@pytest.mark.parametrize("end", [0, 7, 12, 16, 100, HEADER, HEADER + SEALED, HEADER + 2 * SEALED, HEADER + SEALED + 9])
def test_a_file_that_was_cut_off_is_said_to_be(end):
    """At the borders of the header and of segments, and within what seals one."""
    _, error = received(FILE[:end])
    assert isinstance(error, TruncatedError)
    assert "cut off" in str(error)


@pytest.mark.parametrize(
    ("order", "segment"),
    [((1, 0, 2), 1), ((0, 0, 2), 0), ((0, 2), 2), ((1, 2), 1), ((0, 1, 1, 2), 1)],
    ids=["exchanged", "replaced", "left out", "without the first", "doubled"],
)
def test_the_order_of_segments_counts(order, segment):
    """The reference takes each of these for a whole file; the error names the segment that stands elsewhere."""
    body = segments()
    _, error = received(FILE[:HEADER] + b"".join(body[each] for each in order))
    assert isinstance(error, TamperedError)
    assert error.segment == segment


def test_what_follows_the_last_segment_is_an_error():
    """A full last segment, and one more that is genuine."""
    file = b"".join(encrypt([bytes(65_536)], [KEY.public]))
    assert isinstance(received(file + segments()[0])[1], TamperedError)
    assert isinstance(received(file + file[HEADER:])[1], TamperedError)


def test_what_follows_the_last_segment_is_an_error_for_a_view_too(tmp_path):
    """Already when the segment that was the last is read."""
    file = b"".join(encrypt([bytes(65_536)], [KEY.public]))
    storage = LocalStorage(tmp_path)
    storage.put(file + segments()[0], "file")
    with pytest.raises(TamperedError, match="more follows") as caught:
        DecryptedFiles(storage, [KEY]).read("file", 0, 10)
    assert caught.value.segment == 0


def test_the_error_names_the_segment():
    """So that a copy can be mended by that part alone."""
    damaged = bytearray(FILE)
    damaged[HEADER + SEALED + 100] ^= 1
    came, error = received(bytes(damaged))
    assert not came
    assert error.segment == 1
    assert "segment 1" in str(error)


def test_segments_of_two_files_do_not_mix(reference):
    """Even where the header has the session keys of both, as after `reshare --keep` on a forged header."""
    theirs = reference.encrypt(CONTENT, [KEY.public])
    count = (2).to_bytes(4, "little")
    header = FILE[:12] + count + FILE[16:HEADER] + theirs[16:HEADER]
    mixed = [segments(theirs)[0], *segments()[1:]]
    assert isinstance(received(header + b"".join(mixed))[1], TamperedError)


def test_another_key_is_refused():
    """The error tells which keys were tried by their public halves, and is a PermissionError."""
    other = generate_key()
    came, error = received(FILE, [other])
    assert not came
    assert isinstance(error, WrongKeyError)
    assert isinstance(error, PermissionError)
    assert str(other.public) in str(error)


@pytest.mark.parametrize(
    "file",
    [
        b"BAM\1" + bytes(60),
        b"ACGT",
        b"crypt4gh\2\0\0\0\1\0\0\0",
        b"crypt4gh\1\0\0\0\0\0\0\0",
        b"crypt4gh\1\0\0\0\1\0\0\0\3\0\0\0",
    ],
    ids=["other", "shorter than a header", "version", "no packets", "length"],
)
def test_what_is_not_encrypted_is_said_to_be_so(file):
    """Also a version that is not known, and headers that cannot be."""
    assert isinstance(received(file)[1], NotEncryptedError)


def test_a_header_cannot_ask_for_endless_memory():
    """A length that no header has is refused before it is read."""
    claimed = b"crypt4gh\1\0\0\0\1\0\0\0\xff\xff\xff\xff"

    def endless():
        yield claimed
        raise AssertionError

    with pytest.raises(NotEncryptedError, match="damaged header"):
        next(decrypt(endless(), [KEY]))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_range_of_a_damaged_file_is_right_or_an_error(tmp_path_factory, data):
    """Never other bytes, and an error whenever the damaged segment is within the range."""
    damaged = bytearray(FILE)
    position = data.draw(st.integers(HEADER, len(FILE) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    storage = LocalStorage(tmp_path_factory.mktemp("damaged"))
    storage.put(bytes(damaged), "file.c4gh")
    start = data.draw(st.integers(0, len(CONTENT) - 1))
    end = data.draw(st.integers(start + 1, len(CONTENT)))
    segment = (position - HEADER) // SEALED
    view = DecryptedFiles(storage, [KEY])
    if start < (segment + 1) * 65_536 and end > segment * 65_536:
        with pytest.raises(TamperedError) as caught:
            view.read("file.c4gh", start, end)
        assert caught.value.segment == segment
        assert "file.c4gh" in str(caught.value)
    else:
        assert view.read("file.c4gh", start, end) == CONTENT[start:end]


@pytest.mark.parametrize("kept", [1, 2])
def test_the_end_of_a_file_that_was_cut_off_is_not_taken_for_its_end(tmp_path, kept):
    """A view of it gives ranges before the last segment, and an error for all that reach it or go beyond it."""
    storage = LocalStorage(tmp_path)
    storage.put(FILE[: HEADER + kept * SEALED], "file.c4gh")
    view = DecryptedFiles(storage, [KEY])
    assert view.read("file.c4gh", 5, 10 if kept > 1 else 5) == CONTENT[5 : 10 if kept > 1 else 5]
    for start, end in ((5, None), (kept * 65_536 - 1, kept * 65_536), (kept * 65_536 + 10, kept * 65_536 + 20)):
        with pytest.raises(TruncatedError):
            view.read("file.c4gh", start, end)


def test_errors_can_be_pickled_and_hold_no_secret():
    """As all errors can; neither a key nor content is part of them."""
    _, error = received(FILE, [generate_key()])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.segment, again.file) == (str(error), error.segment, error.file)
    assert KEY.raw.hex() not in repr(error) + str(error)
