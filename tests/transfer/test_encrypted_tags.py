"""A bucket whose service encrypts with keys of its own: tags that look like MD5s and are none, which is no damage."""

import hashlib
from dataclasses import replace
from random import Random

import pytest

from modos import MODO
from modos.errors import IntegrityError
from modos.storage import ROOT_DOCUMENT, S3Storage
from modos.testing import Fault, Proxy
from modos.transfers import transfer

pytestmark = pytest.mark.thorough

LARGE = Random(1).randbytes(9 * 1024 * 1024)
FILES = {"reads.txt": b"ACGT" * 99, ROOT_DOCUMENT: b"{}"}

KMS = {"x-amz-server-side-encryption": "aws:kms"}
CUSTOMER = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
OWN = {"x-amz-server-side-encryption": "AES256"}
OTHER = "0123456789abcdef" * 2


class Encrypted(S3Storage):
    """A bucket that tells other tags than its server does: of the same form, none of bytes, others in each bucket."""

    def _info(self, entry):
        info = super()._info(entry)
        return info if info.etag is None else replace(info, etag=self._tag(info.etag))

    def _tag(self, etag):
        return hashlib.md5(f"{self.url} {etag}".encode()).hexdigest()

    def _put_short(self, name, body, **options):
        super()._put_short(name, body, **options)
        return self.stat(name)


@pytest.fixture
def proxy(places):
    with Proxy(places.server.url) as proxy:
        yield proxy


@pytest.fixture
def bucket(places, proxy):
    """Such a bucket, asked through a proxy that may say how it is encrypted."""
    there = places.through(proxy, places.make("s3"))
    return Encrypted(there.url, there._endpoint, there._options)


def encrypt(proxy, headers, path=None):
    proxy.inject(Fault(headers=headers, path=path, times=None))


@pytest.mark.parametrize("headers", [KMS, CUSTOMER], ids=["kms", "customer"])
def test_what_is_encrypted_is_copied(bucket, proxy, there, content, headers):
    """From it, small files and large ones; and its own bytes are read back, so that they are proven there."""
    files = FILES | {"large.bin": LARGE}
    for name, body in files.items():
        there.put(body, name)
    encrypt(proxy, headers)
    transfer(there, bucket)
    back = type(there)(there.path.parent / "back")
    transfer(bucket, back)
    assert content(back) == files


@pytest.mark.parametrize("headers", [{}, OWN], ids=["plain", "s3"])
def test_what_is_not_encrypted_so_has_changed(bucket, proxy, there, fill, headers):
    """Where the service does not say that its tags are none of bytes, another one is damage."""
    fill(bucket, FILES)
    encrypt(proxy, headers)
    with pytest.raises(IntegrityError, match="what was read is not what is listed"):
        transfer(bucket, there)
    assert not there.exists(ROOT_DOCUMENT)


def test_the_service_copies_what_is_encrypted(bucket, proxy, fill, content):
    """A copy has a tag of its own then; by the version of the source it is known to be one."""
    fill(bucket, FILES)
    encrypt(proxy, KMS)
    target = bucket.__class__(f"{bucket.url}-copy", bucket._endpoint, bucket._options)
    report = transfer(bucket, target)
    assert content(target) == FILES
    assert report.service_bytes == report.bytes


def test_a_part_that_is_encrypted_has_arrived(places, proxy):
    """Its tag is none of its bytes, and is not taken for one, also when the upload is continued; else it is damage."""
    bucket = places.through(proxy, places.make("s3"))
    encrypt(proxy, KMS | {"ETag": f'"{OTHER}"'})
    upload = bucket.parts.begin("large.bin", size=len(LARGE), origin="v1", part_size=5 * 2**20)
    part = upload.put(0, LARGE[: 5 * 2**20])
    assert (part.etag, part.md5) == (OTHER, None)
    again = bucket.parts.begin("large.bin", size=len(LARGE), origin="v1", part_size=5 * 2**20)
    assert [each.md5 for each in again.stored().values()] == [None]
    proxy.heal()
    encrypt(proxy, {"ETag": f'"{OTHER}"'})
    plain = bucket.parts.begin("other.bin", size=len(LARGE), origin="v1", part_size=5 * 2**20)
    with pytest.raises(IntegrityError, match="part 0"):
        plain.put(0, LARGE[: 5 * 2**20])


def test_a_large_file_is_proven_on_its_way_to_such_a_bucket(places, proxy, fill, content):
    """Its parts have no MD5s there, though they are those of the source: all of it is looked at in order."""
    source, target = places.make("s3"), places.through(proxy, places.make("s3"))
    files = {"large.bin": LARGE * 2, ROOT_DOCUMENT: b"{}"}
    fill(source, files)
    assert source.stat("large.bin").md5 is None
    proxy.inject(Fault(method="GET", path=f"{source.path}/large.bin", corrupt=True))
    encrypt(proxy, KMS, f"{target.path}/")
    transfer(places.through(proxy, source), target, by_service=False)
    assert content(target) == files


def test_an_object_in_such_a_bucket_is_edited(bucket, proxy, tmp_path):
    """Files that are added are where they should be, and the same again is nothing new."""
    encrypt(proxy, KMS)
    (tmp_path / "reads.txt").write_bytes(b"ACGT")
    modo = MODO.create("", id="ex", storage=bucket)
    element = {"@type": "DataEntity", "id": "reads", "data_path": "reads.txt", "data_format": "TSV"}
    modo.add_element(element, tmp_path / "reads.txt")
    assert modo.storage.read("reads.txt") == b"ACGT"
    assert modo.verify().is_sound
