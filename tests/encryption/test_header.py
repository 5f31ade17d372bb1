"""Headers: sharing with others without touching the body, and what can be said of packets."""

import pytest

from modos.encryption import decrypt, encrypt, generate_key, list_packets, open_header, read_header, reshare
from modos.errors import InvalidInputError, TruncatedError, WrongKeyError


def test_reshare_gives_the_file_to_others(file, content, ada, bob, reference):
    """The body is the same bytes behind a new header; who is not named cannot open it any more."""
    header, body = reshare(file[:5000], [ada], [bob.public])
    shared = header + file[body:]
    assert b"".join(decrypt([shared], [bob])) == content
    assert reference.decrypt(shared, bob) == content
    assert len(header) < 1000
    with pytest.raises(WrongKeyError):
        b"".join(decrypt([shared], [ada]))


def test_reshare_can_keep_who_was_there(file, content, ada, bob):
    """Those whose packets cannot be read here, too."""
    header, body = reshare(file, [ada], [bob.public], keep=True)
    carol = generate_key()
    again, _ = reshare(header, [bob], [carol.public], keep=True)
    for key in (ada, bob, carol):
        assert b"".join(decrypt([again + file[body:]], [key])) == content


def test_who_is_given_a_file_twice_has_one_packet(file, ada, bob):
    """As far as the writer's key shows whose the first is."""
    once, body = reshare(file, [ada], [bob.public], sender=ada, keep=True)
    again, _ = reshare(once + file[body:], [ada], [bob.public], sender=ada, keep=True)
    told = list_packets(again, [ada], among=[bob.public])
    assert sorted(str(each.reader) for each in told) == sorted(map(str, (ada.public, bob.public)))


def test_reshare_keeps_an_edit_list(foreign, content, ada, bob, reference):
    """A part of a file stays that part; an empty file stays empty."""
    part = reference.rearrange(foreign, ada, offset=70_000, span=100)
    header, body = reshare(part, [ada], [bob.public])
    assert b"".join(decrypt([header + part[body:]], [bob])) == content[70_000:70_100]
    empty = b"".join(encrypt([], [ada.public]))
    header, body = reshare(empty, [ada], [bob.public])
    assert b"".join(decrypt([header + empty[body:]], [bob])) == b""


def test_reshare_with_who_was_there_leaves_one_edit_list_for_each(foreign, content, ada, bob, reference):
    """The reference refuses a file in which a reader finds two."""
    part = reference.rearrange(foreign, ada, offset=10, span=20)
    header, body = reshare(part, [ada], [ada.public, bob.public], keep=True)
    for key in (ada, bob):
        assert reference.decrypt(header + part[body:], key) == content[10:30]


def test_reshare_needs_a_key_that_opens_and_someone_to_share_with(file, ada, bob):
    """Nothing is made otherwise."""
    with pytest.raises(WrongKeyError):
        reshare(file, [bob], [bob.public])
    with pytest.raises(InvalidInputError, match="public key"):
        reshare(file, [ada], [])
    with pytest.raises(TruncatedError):
        reshare(file[:60], [ada], [bob.public])


def test_packets_are_told_by_keys(ada, bob):
    """By the reader's; by the writer's only among candidates, for a packet does not say whom it is for."""
    carol = generate_key()
    head = b"".join(encrypt([b"ACGT"], [ada.public, bob.public], sender=carol))
    assert [each.reader for each in list_packets(head, [])] == [None, None]
    assert [each.reader for each in list_packets(head, [bob])] == [None, bob.public]
    assert [each.reader for each in list_packets(head, [carol])] == [None, None]
    found = list_packets(head, [carol], among=[ada.public, bob.public])
    assert [each.reader for each in found] == [ada.public, bob.public]
    assert {each.writer for each in found} == {carol.public}
    assert {each.kind for each in found} == {"session key"}


def test_packets_of_methods_that_are_not_known_are_passed_over(file, content, ada):
    """As the standard asks."""
    strange = (12).to_bytes(4, "little") + (7).to_bytes(4, "little") + b"????"
    head = file[:12] + (2).to_bytes(4, "little") + strange + file[16:]
    assert b"".join(decrypt([head], [ada])) == content
    assert [each.writer is None for each in list_packets(head, [ada])] == [True, False]


def test_a_header_shows_no_session_key(file, ada):
    """It is what opens the file, for everyone."""
    header = open_header(file, [ada])
    assert header.session_keys[0].hex() not in repr(header)
    assert repr(header.session_keys[0]) not in repr(header)


def test_a_header_is_read_from_chunks(file):
    """And what came too much is given back."""
    head, rest = read_header(iter([file[:10], file[10:200], file[200:300]]))
    assert (head, rest) == (file[:124], file[124:200])
