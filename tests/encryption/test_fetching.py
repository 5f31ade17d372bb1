"""A stored file as a stream: all of one version, fetched ahead only for those who go on."""

import random

import pytest

from modos.encryption import DecryptedFiles, decrypt, encrypt, stream_file
from modos.errors import IntegrityError, KeyNotFoundError
from modos.testing import Proxy

CONTENT = random.Random(3).randbytes(20 << 20)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, len(CONTENT)])
def test_a_stream_is_the_file(size, make_storage):
    """At the borders of its pieces."""
    storage = make_storage("local")
    storage.put(CONTENT[:size], "file")
    assert b"".join(stream_file(storage, "file")) == CONTENT[:size]


def test_from_storage_to_storage(place, ada):
    """Encrypted and decrypted; and encrypted anew out of a view, with nothing plain in between."""
    content = CONTENT[: 9 << 20]
    place.put(content, "plain")
    place.put(encrypt(stream_file(place, "plain"), [ada.public]), "sealed")
    view = DecryptedFiles(place, [ada])
    place.put(encrypt(stream_file(view, "sealed"), [ada.public]), "anew")
    assert b"".join(decrypt(stream_file(place, "anew"), [ada])) == content


def test_what_a_stream_costs(account, container):
    """A look, a small piece and, only when more is asked for, large ones ahead; a look at the end."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        account.put(container, "file", CONTENT)
        proxy.clear()
        stream = stream_file(storage, "file")
        assert len(next(stream)) == 65_536
        assert len(proxy.requests) == 2
        assert len(b"".join(stream)) == len(CONTENT) - 65_536
        assert len(proxy.requests) == 2 + 3 + 1


@pytest.mark.parametrize("other", [CONTENT[:70_000], CONTENT[::-1]], ids=["shorter", "as long"])
def test_a_file_that_is_replaced_meanwhile_is_an_error(make_storage, other):
    """What came is of two versions, and no end of the stream says otherwise."""
    storage = make_storage("swift")
    storage.put(CONTENT, "file")
    stream = stream_file(storage, "file")
    next(stream)
    storage.put(other, "file")
    with pytest.raises(IntegrityError, match="replaced"):
        list(stream)


def test_a_stream_that_is_left_early_ends(make_storage):
    """Nothing waits for what nobody reads; and a file that is not there is an error at once."""
    storage = make_storage("local")
    storage.put(CONTENT, "file")
    stream = stream_file(storage, "file")
    next(stream), next(stream)
    stream.close()
    with pytest.raises(KeyNotFoundError):
        next(stream_file(storage, "none"))
