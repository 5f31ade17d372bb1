"""Whole files: what one program encrypts the other decrypts, in bounded memory."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modos.encryption import decrypt, encrypt, generate_key, sealed_size
from modos.errors import InvalidInputError, TamperedError, TruncatedError, WrongKeyError

SIZES = [0, 1, 27, 65_535, 65_536, 65_537, 2 * 65_536, 16 * 65_536, 16 * 65_536 + 1, 33 * 65_536]


@pytest.mark.parametrize("size", SIZES)
def test_the_reference_reads_what_is_encrypted_here(size, ada, reference):
    """At every border of segments and batches."""
    content = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    file = b"".join(encrypt([content], [ada.public]))
    assert reference.decrypt(file, ada) == content
    assert b"".join(decrypt([file], [ada])) == content


@pytest.mark.parametrize("size", SIZES)
def test_what_the_reference_encrypts_is_read_here(size, ada, reference):
    """An empty file only on demand: it looks like one that was cut off."""
    content = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    file = reference.encrypt(content, [ada.public])
    assert b"".join(decrypt([file], [ada], size=size)) == content


@given(
    size=st.integers(0, 200_000),
    cuts=st.lists(st.integers(1, 90_000), max_size=6),
    cuts_of_file=st.lists(st.integers(1, 90_000), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_how_a_stream_is_cut_into_chunks_does_not_matter(size, cuts, cuts_of_file):
    """Neither of the content nor of the file, down to single bytes in front."""
    key, content = generate_key(), bytes(size)
    file = b"".join(encrypt(pieces(content, cuts), [key.public]))
    assert b"".join(decrypt(pieces(file, cuts_of_file), [key])) == content


def pieces(content, lengths):
    for length in lengths:
        yield content[:length]
        content = content[length:]
    yield content


def test_a_file_that_comes_byte_by_byte_is_read(ada):
    """The header too."""
    file = b"".join(encrypt([b"ACGT"], [ada.public]))
    assert b"".join(decrypt((bytes([each]) for each in file), [ada])) == b"ACGT"


def test_each_recipient_reads_the_file(ada, bob, reference):
    """A recipient named twice has one packet."""
    file = b"".join(encrypt([b"ACGT"], [ada.public, bob.public, ada.public]))
    assert [reference.decrypt(file, each) for each in (ada, bob)] == [b"ACGT", b"ACGT"]
    assert int.from_bytes(file[12:16], "little") == 2


def test_the_sender_is_checked_on_demand(ada, bob, reference):
    """By both programs, of files of both."""
    for file in (
        b"".join(encrypt([b"ACGT"], [ada.public], sender=bob)),
        reference.encrypt(b"ACGT", [ada.public], sender=bob),
    ):
        assert b"".join(decrypt([file], [ada], sender=bob.public)) == b"ACGT"
        assert reference.decrypt(file, ada, sender=bob.public) == b"ACGT"
        with pytest.raises(WrongKeyError, match="sealed by"):
            b"".join(decrypt([file], [ada], sender=ada.public))


def test_length_of_a_file_is_known_before(content, ada):
    """The header for one reader and the body: what a service may want to be told."""
    assert len(b"".join(encrypt([content], [ada.public]))) == 124 + sealed_size(len(content))


def test_nothing_is_read_before_it_is_asked_for(ada):
    """A mistake is told at once, the source is touched with the first chunk."""

    def source():
        raise AssertionError
        yield b""

    encrypt(source(), [ada.public])
    decrypt(source(), [ada])
    with pytest.raises(InvalidInputError, match="at least one public key"):
        encrypt(source(), [])
    with pytest.raises(InvalidInputError, match="at least one secret key"):
        decrypt(source(), [])


def test_memory_does_not_grow_with_the_file(ada):
    """64 MiB through both ways in less than eight."""
    chunk = bytes(1 << 20)
    assert b"".join(decrypt(encrypt([b"x"], [ada.public]), [ada])) == b"x"  # what that imports is no part of it
    tracemalloc.start()
    try:
        count = sum(len(each) for each in decrypt(encrypt((chunk for _ in range(64)), [ada.public]), [ada]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 64 << 20
    assert peak < 8 << 20


@pytest.mark.parametrize("span", [{"offset": 10, "span": 20}, {"offset": 70_000, "span": 65_536}, {"offset": 131_072}])
def test_an_edit_list_is_followed(span, content, foreign, ada, reference):
    """One that the reference made of a file of its own, when it cut a part out."""
    part = reference.rearrange(foreign, ada, **span)
    expected = content[span["offset"] :][: span.get("span")]
    assert b"".join(decrypt([part], [ada])) == expected


def test_an_edit_list_tells_that_a_file_was_cut_off(foreign, ada, reference):
    """Between two segments, where the format itself would not."""
    part = reference.rearrange(foreign, ada, offset=10, span=100_000)
    header = len(part) - 2 * 65_564
    with pytest.raises(TruncatedError, match="edit list speaks of more"):
        b"".join(decrypt([part[: header + 65_564]], [ada]))


def test_an_edit_list_cannot_be_put_on_a_file_that_has_its_order(content, file, ada, reference):
    """Whoever knows the public key could; the part would be taken for the whole."""
    part = reference.rearrange(file, ada, offset=10, span=20)
    with pytest.raises(TamperedError, match="edit list"):
        b"".join(decrypt([part], [ada]))


def test_the_size_of_the_content_is_held_to(content, foreign, ada):
    """What the format cannot tell, whoever knows the size can."""
    assert b"".join(decrypt([foreign], [ada], size=len(content))) == content
    with pytest.raises(TruncatedError, match="should have"):
        b"".join(decrypt([foreign], [ada], size=len(content) + 1))
    with pytest.raises(TamperedError, match="longer"):
        b"".join(decrypt([foreign], [ada], size=len(content) - 1))
    at_border = foreign[: 124 + 2 * 65_564]
    with pytest.raises(TruncatedError):
        b"".join(decrypt([at_border], [ada], size=len(content)))
