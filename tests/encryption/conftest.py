"""Keys, and the reference library as the other side."""

import io

import crypt4gh.lib
import pytest

from modos.encryption import encrypt, generate_key


@pytest.fixture(scope="session")
def ada():
    return generate_key()


@pytest.fixture(scope="session")
def bob():
    return generate_key()


class Reference:
    """The crypt4gh library: whole files in memory."""

    def encrypt(self, content, recipients, sender=None, **options):
        target = io.BytesIO()
        keys = [(0, (sender or generate_key()).raw, each.raw) for each in recipients]
        crypt4gh.lib.encrypt(keys, io.BytesIO(content), target, **options)
        return target.getvalue()

    def decrypt(self, file, key, sender=None):
        target = io.BytesIO()
        source = io.BufferedReader(io.BytesIO(file))
        crypt4gh.lib.decrypt([(0, key.raw, None)], source, target, sender_pubkey=sender and sender.raw)
        return target.getvalue()

    def rearrange(self, file, key, **span):
        target = io.BytesIO()
        crypt4gh.lib.rearrange([(0, key.raw, key.public.raw)], io.BytesIO(file), target, **span)
        return target.getvalue()


@pytest.fixture(scope="session")
def reference():
    return Reference()


@pytest.fixture(scope="session")
def content():
    """Three segments and a bit, all of them different."""
    return b"".join(number.to_bytes(4, "big") for number in range(3 * 16_384 + 700))


@pytest.fixture(scope="session")
def file(content, ada):
    return b"".join(encrypt([content], [ada.public]))


@pytest.fixture(scope="session")
def foreign(content, ada, reference):
    return reference.encrypt(content, [ada.public])
