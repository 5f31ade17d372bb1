"""Large files by parts: every promise on a disk, in S3 and in Swift, and what each does in its own way."""

import errno
import hashlib
import os
import pickle
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import (
    IntegrityError,
    InvalidInputError,
    KeyChangedError,
    KeyNotFoundError,
    ReadOnlyError,
    ServiceError,
    StorageError,
    UnreachableError,
)
from modos.storage import FsspecStorage, LocalStorage, SwiftStorage, Unfinished
from modos.storage.parts import journal
from modos.storage.parts.names import partial_beside
from modos.storage.parts.plan import PartPlan
from modos.storage.parts.rules import DISK, S3, SWIFT
from modos.storage.parts.s3 import S3Parts
from modos.storage.parts.swift import SwiftParts, SwiftUpload
from modos.swift import list_orphans
from modos.testing import Fault, Proxy

pytestmark = pytest.mark.thorough

MIB = 2**20
PART = 4096
REST = 1000
SERVED = {"s3": S3Parts, "swift": SwiftParts}
TARGET = "reads/demo.cram"
TYPE = "application/vnd.cram"

CHILD = """
import os, pickle, signal, sys
storage, rules, target, size, part_size, body, indices = pickle.load(sys.stdin.buffer)
type(storage.parts).rules = rules
upload = storage.parts.begin(target, size=size, origin="v1", part_size=part_size)
for index in indices:
    start, end = upload.span(index)
    upload.put(index, body[start:end])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def container(paging_account):
    """One of a server with small pages, which takes parts of any size."""
    return paging_account.container()


@pytest.fixture
def part_size(monkeypatch):
    """Bytes of a part, fewer than most services take."""
    for parts in SERVED.values():
        monkeypatch.setattr(parts, "rules", DISK)
    return PART


@pytest.fixture(params=["local", *SERVED])
def kind(request):
    return request.param


@pytest.fixture
def body(part_size):
    """What makes two parts and a short one."""
    return random.Random(part_size).randbytes(2 * part_size + REST)


@pytest.fixture
def root(paging_account, container, tmp_path, kind):
    """A bucket, container or directory with nothing in it."""
    make = {
        "local": lambda: LocalStorage(tmp_path / "place"),
        "s3": lambda: paging_account.s3(container),
        "swift": lambda: paging_account.swift(container),
    }
    return make[kind]()


@pytest.fixture
def storage(root):
    """A prefix in it."""
    return root / "study"


@pytest.fixture
def traces(paging_account, container, root, kind):
    """Return every name that there is, behind the back of the storage: segments, uploads and notes too.

    What a bucket's removed and replaced files consisted of, the server deletes in its own time: that is not counted
    unless it is asked for.
    """

    def found(*, removed=False):
        if kind == "local":
            return sorted(str(path) for path in root.path.glob("study/**/*") if path != root.path / "study")
        names = []
        for each in (container, f"{container}+segments"):
            status, _, listing = paging_account.ask("GET", f"/{each}")
            names += listing.decode().splitlines() if status == 200 else []
        return [name for name in names if removed or kind != "s3" or not re.search(r"/\d+$", name)]

    return found


def begin(storage, body, part_size, *, target=TARGET, origin="v1", **options):
    return storage.parts.begin(target, size=len(body), origin=origin, part_size=part_size, **options)


def send(upload, body, indices=None):
    spans = {index: upload.span(index) for index in (range(upload.count) if indices is None else indices)}
    return [upload.put(index, body[start:end]) for index, (start, end) in spans.items()]


def send_from_file(upload, body, indices):
    return [upload.put_from(index, BytesIO(body)) for index in indices]


def test_parts_come_in_any_order_from_several_threads(storage, body, part_size):
    """Nothing is seen before the commit; then the file is whole, with its content type and metadata."""
    upload = begin(storage, body, part_size, content_type=TYPE, metadata={"lab": "here"})
    spans = {index: upload.span(index) for index in (2, 0, 1)}
    with ThreadPoolExecutor(3) as pool:
        parts = list(pool.map(lambda index: upload.put(index, memoryview(body)[slice(*spans[index])]), spans))
    assert [part.md5 for part in parts] == [hashlib.md5(body[start:end]).hexdigest() for start, end in spans.values()]
    assert not storage.exists(TARGET)
    assert list(storage.list()) == []
    info = upload.commit(parts)
    assert info == storage.stat(TARGET)
    assert info.size == len(body)
    assert storage.read(TARGET) == body
    if not isinstance(storage, LocalStorage):
        assert (info.content_type, info.metadata) == (TYPE, {"lab": "here"})
        assert upload.etag_of(parts) == info.etag
    assert [str(path) for path in storage.list()] == [TARGET]
    assert list(storage.parts.unfinished()) == []


@pytest.mark.parametrize("size", [0, 1, REST])
def test_files_smaller_than_a_part(storage, part_size, traces, size):
    """An empty file has no parts, and a small one has one."""
    body = b"x" * size
    upload = begin(storage, body, part_size, content_type=TYPE)
    assert upload.count == (1 if size else 0)
    parts = send(upload, body)
    assert dict(upload.stored()) == dict(enumerate(parts))
    assert upload.commit().size == size
    assert storage.read(TARGET) == body
    storage.remove(TARGET)
    assert traces() == []


def test_killed_between_parts_another_process_continues(storage, body, part_size):
    """All that it needs is storage, target and origin: the parts that have arrived are told by the service."""
    given_to_child = pickle.dumps((storage, DISK, TARGET, len(body), part_size, body, [2, 0]))
    killed = subprocess.run([sys.executable, "-c", CHILD], input=given_to_child, check=False)
    assert killed.returncode == -9
    upload = begin(storage, body, part_size)
    assert sorted(upload.stored()) == [0, 2]
    parts = [*upload.stored().values(), *send(upload, body, [1])]
    upload.commit(parts)
    assert storage.read(TARGET) == body


def test_of_another_origin_the_parts_are_discarded(storage, body, part_size, traces):
    """Another version of the source begins anew; the old parts go, and who still has the old upload can do no harm."""
    old = begin(storage, body, part_size)
    send(old, body, [0, 1])
    new = begin(storage, body, part_size, origin="v2")
    assert dict(new.stored()) == {}
    assert dict(old.stored()) == {}
    assert [found.size for found in storage.parts.unfinished()] in ([], [0])
    send(new, body, [1])
    with suppress(KeyNotFoundError, KeyChangedError):
        send(old, body[::-1], [0, 1])
    with pytest.raises(StorageError):
        old.commit([*send(new, body, [0]), *new.stored().values()])
    old.abort()
    assert sorted(begin(storage, body, part_size, origin="v2").stored()) == [0, 1]
    send(new, body, [2])
    new.commit()
    assert storage.read(TARGET) == body
    storage.remove(TARGET)
    assert traces() == []


def test_on_a_disk_of_two_who_bring_one_file_the_later_is_told(tmp_path):
    """What had arrived is the file by now, whole; who still had parts to bring or to complete learns why they are gone."""
    storage, body = LocalStorage(tmp_path), bytes(3 * PART)
    one, other = (begin(storage, body, PART) for _ in range(2))
    parts = send(one, body)
    one.commit(parts)
    for late in (
        lambda: send(other, body, [1]),
        lambda: other.put_by(1, lambda span: None),
        lambda: other.commit(parts),
    ):
        with pytest.raises(KeyChangedError, match="another copy to this place has completed it meanwhile"):
            late()
    assert storage.read(TARGET) == body


def test_what_would_make_another_file_is_another_upload():
    """Each of what a file is stored with, and nothing else, decides whether an upload is continued."""
    same = {
        "name": "a",
        "size": 9,
        "part_size": 4,
        "origin": "v1",
        "content_type": TYPE,
        "metadata": {"b": "1", "a": "2"},
    }
    others = [{"size": 10}, {"part_size": 5}, {"origin": "v2"}, {"content_type": None}, {"metadata": {"b": "1"}}]
    assert PartPlan(**same).identity == PartPlan(**same | {"metadata": {"a": "2", "b": "1"}}).identity
    assert len({PartPlan(**same | other).identity for other in ({}, *others)}) == 6


def test_of_another_part_size_the_parts_are_discarded(storage, body, part_size):
    """Parts that are cut elsewhere are of no use."""
    send(begin(storage, body, part_size), body, [0])
    other = begin(storage, body, part_size + REST)
    assert dict(other.stored()) == {}
    send(other, body)
    other.commit()
    assert storage.read(TARGET) == body


def test_abort_leaves_nothing(storage, body, part_size, traces):
    """Neither parts nor an upload nor notes; what was there stays; it may be said twice."""
    storage.put(b"old", TARGET)
    before = traces()
    upload = begin(storage, body, part_size)
    send(upload, body)
    upload.abort()
    upload.abort()
    assert traces(removed=True) == before
    assert storage.read(TARGET) == b"old"
    assert dict(upload.stored()) == {}
    with pytest.raises(StorageError):
        upload.commit()
    assert storage.read(TARGET) == b"old"
    storage.remove(TARGET)
    assert traces(removed=True) == []


def test_what_is_there_is_readable_until_the_commit(storage, body, part_size, traces):
    """Then the new file is, and of the old one, which was stored by parts, nothing is left."""
    old = begin(storage, body, part_size, origin="v0")
    send(old, body)
    old.commit()
    files = len(traces())
    later = body[::-1]
    upload = begin(storage, later, part_size)
    parts = send(upload, later)
    assert storage.read(TARGET) == body
    upload.commit(parts)
    assert storage.read(TARGET) == later
    assert len(traces()) == files
    storage.remove(TARGET)
    assert traces() == []


def test_the_same_origin_again_harms_nothing(storage, body, part_size, traces):
    """The file that is there is read until the commit, and is whole after it; given up, it is still there."""
    for _ in range(2):
        upload = begin(storage, body, part_size)
        send(upload, body)
        upload.commit()
        assert storage.read(TARGET) == body
    files = traces()
    upload = begin(storage, body, part_size)
    send(upload, body, [0])
    upload.abort()
    assert storage.read(TARGET) == body
    assert len(traces()) == len(files)


def test_unfinished_files_are_listed_and_discarded(storage, root, body, part_size, traces):
    """Those beneath a directory, with their size and age; a committed one never, whatever it is discarded as."""
    before = datetime.now(UTC) - timedelta(seconds=5)
    done = begin(storage, body, part_size, target="reads/done.cram")
    left = begin(storage, body, part_size)
    beside = begin(storage, body, part_size, target="reads2/other.cram")
    send(done, body)
    send(left, body, [0, 2])
    send(beside, body, [1])
    done.commit()
    assert {str(each.path): each.size for each in storage.parts.unfinished()} == {
        TARGET: part_size + REST,
        "reads2/other.cram": part_size,
    }
    assert [str(each.path) for each in root.parts.unfinished("study/reads")] == [f"study/{TARGET}"]
    (found,) = storage.parts.unfinished(TARGET)
    assert before < found.started <= found.changed < datetime.now(UTC) + timedelta(seconds=5)
    for each in root.parts.unfinished():
        root.parts.discard(each)
        root.parts.discard(each)
    assert list(root.parts.unfinished()) == []
    now = datetime.now(UTC)
    storage.parts.discard(Unfinished(done.path, 0, now, now, done.token))
    assert storage.read("reads/done.cram") == body
    storage.remove("reads/done.cram")
    assert traces() == []


def test_a_commit_wants_every_part_as_it_was_sent(storage, body, part_size):
    """A missing one, another MD5, or another length: an integrity error, the old file stays, and it can be mended."""
    storage.put(b"old", TARGET)
    upload = begin(storage, body, part_size)
    parts = send(upload, body, [0, 1])
    with pytest.raises(IntegrityError, match="of 3 parts, these are missing: 2"):
        upload.commit()
    with pytest.raises(IntegrityError, match="missing: 2"):
        upload.commit(parts)
    other = begin(storage, body, part_size)
    parts += send(other, body, [2])
    changed = [type(parts[1])(1, part_size, hashlib.md5(b"other").hexdigest())]
    with pytest.raises(IntegrityError):
        upload.commit([parts[0], *changed, parts[2]])
    with pytest.raises(IntegrityError, match="another length"):
        upload.commit([*parts[:2], type(parts[2])(2, REST + 1, parts[2].etag)])
    assert storage.read(TARGET) == b"old"
    begin(storage, body, part_size).commit()
    assert storage.read(TARGET) == body


def test_a_part_with_another_md5_than_it_should_have_is_refused(storage, body, part_size):
    """Bytes that changed since their MD5 was taken do not count, by the service's own check."""
    upload = begin(storage, body, part_size)
    with pytest.raises(IntegrityError):
        upload.put(0, body[:part_size], md5=hashlib.md5(b"other").hexdigest())
    assert dict(upload.stored()) == {}


def test_a_part_is_sent_out_of_a_file(storage, body, part_size):
    """It is the same part as one that is given; of a file that has become shorter, what is missing does not count."""
    upload = begin(storage, body, part_size)
    sent = send_from_file(upload, body, [2, 0])
    assert sent == send(upload, body, [2, 0])
    with pytest.raises(IntegrityError, match="part 1: the file that is sent is shorter"):
        upload.put_from(1, BytesIO(body[: part_size + 1]))
    with pytest.raises(InvalidInputError, match="there is no part 3"):
        upload.put_from(3, BytesIO(body))
    assert sorted(upload.stored()) == [0, 2]
    upload.commit([*sent, upload.put_from(1, BytesIO(body))])
    assert storage.read(TARGET) == body


def test_mistakes_are_told_before_anything_is_sent(storage, body, part_size, traces):
    """A part of another length, one that there is not, parts that the service would not take, a read-only storage."""
    upload = begin(storage, body, part_size)
    with pytest.raises(InvalidInputError, match=f"part 2 has {REST:,} bytes, not 3"):
        upload.put(2, b"abc")
    with pytest.raises(InvalidInputError, match="there is no part 3"):
        upload.put(3, b"abc")
    upload.abort()
    for size, wrong in ((10 * MIB, 0), (-1, MIB), (2**80, 2**70), (2**40, 1)):
        with pytest.raises(InvalidInputError):
            storage.parts.begin(TARGET, size=size, origin="v1", part_size=wrong)
    storage.read_only = True
    with pytest.raises(ReadOnlyError):
        begin(storage, body, part_size)
    now = datetime.now(UTC)
    with pytest.raises(ReadOnlyError):
        storage.parts.discard(Unfinished(upload.path, 0, now, now, ""))
    assert traces() == []


def test_an_upload_pickles(storage, body, part_size):
    """It holds no connection: other processes send parts of the same upload."""
    upload = pickle.loads(pickle.dumps(begin(storage, body, part_size)))
    send(upload, body)
    begin(storage, body, part_size).commit()
    assert storage.read(TARGET) == body


def test_a_storage_without_parts_says_so():
    """Where files can only be stored whole, there is nothing to begin with."""
    assert FsspecStorage(fsspec.filesystem("memory"), "/study").parts is None


@pytest.mark.usefixtures("part_size")
def test_more_parts_than_a_page_lists(storage):
    """All that have arrived are told, and all are removed, past any page limit."""
    body = random.Random(5).randbytes(45)
    with ThreadPoolExecutor(4) as pool:
        upload = begin(storage, body, 1)
        list(pool.map(lambda index: upload.put(index, body[index : index + 1]), range(45)))
    assert len(begin(storage, body, 1).stored()) == 45
    (found,) = storage.parts.unfinished()
    assert found.size == 45
    assert upload.commit().size == 45
    assert storage.read(TARGET, 38, 45) == body[38:]  # Swift slows down who reads many short segments
    again = begin(storage, body, 1, origin="v2")
    send(again, body)
    again.abort()
    assert dict(again.stored()) == {}
    assert list(storage.parts.unfinished()) == []


# -- the limits of services ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [DISK, S3, SWIFT])
@given(size=st.integers(0, 2**42))
def test_part_sizes_keep_the_rules(rules, size):
    """Up to 4 TiB, the parts are neither too small nor too large nor too many, and a larger file has no smaller parts."""
    part_size = rules.size_for(size)
    rules.check(size, part_size)
    assert rules.smallest <= part_size <= rules.largest
    assert -(-size // part_size) <= rules.most
    assert part_size >= 16 * MIB
    assert part_size <= 64 * MIB or size / part_size > rules.most * 0.9
    assert rules.size_for(size + 2**30) >= part_size


def test_parts_that_a_service_does_not_take_are_refused():
    """The error comes before the first byte; the last part may be shorter."""
    S3.check(5 * MIB + 1, 5 * MIB)
    S3.check(1, 1)
    with pytest.raises(InvalidInputError, match="at least 5,242,880 bytes here, not 5,242,879"):
        S3.check(5 * MIB, 5 * MIB - 1)
    with pytest.raises(InvalidInputError, match="at most 1,000 parts here, not 1,001"):
        SWIFT.check(1000 * MIB + 1, MIB)
    with pytest.raises(InvalidInputError, match="at most 5,368,709,120 bytes"):
        SWIFT.size_for(2**43)


# -- on the way to a service --------------------------------------------------------------------------------------------


@pytest.fixture(params=SERVED)
def remote(request):
    return request.param


@pytest.fixture
def wire(paging_account):
    with Proxy(paging_account.server.url) as proxy:
        yield proxy


@pytest.fixture
def behind(paging_account, container, wire, remote, part_size):
    """A storage that is reached through the proxy, its parts, and what is stored in them."""
    storage = {
        "s3": lambda: paging_account.s3(container, endpoint=wire.url),
        "swift": lambda: paging_account.swift(container, storage_url=wire.through(paging_account.server.storage_url)),
    }[remote]()
    return storage, part_size, random.Random(7).randbytes(2 * part_size + REST)


@pytest.mark.parametrize("way", [send, send_from_file])
def test_a_part_that_is_damaged_on_the_way_does_not_count(behind, wire, way):
    """What arrived is compared with the MD5 of what was sent; the same part again is well."""
    storage, part_size, body = behind
    upload = begin(storage, body, part_size)
    send(upload, body, [0, 2])
    wire.inject(Fault(method="PUT", corrupt_request=True, times=None))
    with pytest.raises(IntegrityError):
        way(upload, body, [1])
    wire.heal()
    assert sorted(upload.stored()) == [0, 2]
    way(upload, body, [1])
    upload.commit()
    assert storage.read(TARGET) == body


def test_a_commit_whose_answer_is_lost_is_made_once_more(behind, wire, remote):
    """The first was carried out; the second finds it so."""
    storage, part_size, body = behind
    upload = begin(storage, body, part_size)
    parts = send(upload, body)
    wire.inject(Fault(method={"s3": "POST", "swift": "PUT"}[remote], reset=True, forward=True))
    assert upload.commit(parts).size == len(body)
    assert storage.read(TARGET) == body


@pytest.mark.parametrize(("size", "count"), [(0, 0), (REST, 1), (2 * PART + REST, 3)])
def test_requests(behind, wire, remote, size, count):
    """A file of n parts costs n requests and six others in S3, five in Swift; there, up to six more to replace its like."""
    storage, part_size, body = behind
    others = {"s3": (6, 6), "swift": (5, 7 + min(count, 4))} if count else {"s3": (2, 2), "swift": (3, 2)}
    list(storage.list())
    for origin, expected in zip(("v1", "v2"), others[remote], strict=True):
        wire.clear()
        upload = begin(storage, body[:size], part_size, origin=origin)
        upload.commit(send(upload, body[:size]))
        assert len(wire.requests) == count + expected, [(each.method, each.path, each.query) for each in wire.requests]


# -- copies within a service --------------------------------------------------------------------------------------------


def test_parts_are_copied_by_the_service(paging_account, behind, wire, remote):
    """Out of another bucket or container too, out of files that are made of parts themselves; no byte passes here."""
    storage, part_size, body = behind
    source = {"s3": paging_account.s3, "swift": paging_account.swift}[remote](paging_account.container()) / "there"
    other = type(storage)(source.url, **_made_like(storage, remote))
    stored = begin(other, body, part_size)
    send(stored, body)
    stored.commit()
    upload = begin(storage, body, part_size, content_type=TYPE)
    assert upload.copies_from(other)
    wire.clear()
    upload.commit([upload.copy(index, other, TARGET) for index in range(upload.count)])
    assert sum(each.bytes_sent for each in wire.requests) < 10_000
    assert sum(each.bytes_received for each in wire.requests) < 10_000
    assert storage.read(TARGET) == body
    assert storage.stat(TARGET).content_type == TYPE
    other.remove(TARGET)
    assert storage.read(TARGET) == body


def _made_like(storage, remote):
    if remote == "s3":
        return {"s3_endpoint": storage._endpoint, "s3_kwargs": storage._options}
    return storage._options


def test_a_part_is_copied_only_from_the_file_that_is_meant(behind):
    """One that has another ETag by now is not."""
    storage, part_size, body = behind
    seen = storage.put(body, "source")
    upload = begin(storage, body, part_size)
    upload.copy(0, storage, "source", etag=seen.etag)
    storage.put(body[::-1], "source")
    with pytest.raises(IntegrityError):
        upload.copy(1, storage, "source", etag=seen.etag or "0" * 32)
    with pytest.raises(KeyNotFoundError):
        upload.copy(1, storage, "nothing")


def test_where_the_service_cannot_copy_it_says_so(behind, tmp_path):
    """From another storage, and on a disk, bytes have to be sent."""
    storage, part_size, body = behind
    disk = LocalStorage(tmp_path)
    disk.put(body, "source")
    for upload, source in ((begin(storage, body, part_size), disk), (begin(disk, body, part_size), disk)):
        assert not upload.copies_from(source)
        with pytest.raises(ServiceError, match="send the bytes"):
            upload.copy(0, source, "source")


# -- Swift --------------------------------------------------------------------------------------------------------------


def test_unfinished_segments_are_no_orphans_for_a_day(paging_account, container):
    """Whoever removes orphans leaves an upload alone that may go on; after a commit there are none at all."""
    storage = paging_account.swift(container)
    body = bytes(2 * MIB)
    old = begin(storage, body, MIB, origin="v0")
    send(old, body)
    old.commit()
    upload = begin(storage, body, MIB)
    send(upload, body, [0])
    assert list_orphans(container, filesystem=storage.filesystem) == ()
    assert len(list_orphans(container, grace=timedelta(0), filesystem=storage.filesystem)) == 1
    send(upload, body, [1])
    upload.commit()
    assert list_orphans(container, grace=timedelta(0), filesystem=storage.filesystem) == ()


def test_an_upload_of_another_kind_is_left_alone(paging_account, container):
    """What `put` has on its way to the same object is not discarded, and a name of any length is told."""
    storage = paging_account.swift(container, segment_size=MIB)
    name = "/".join(["é" * 100, "ü" * 100, "x" * 600])
    with storage.filesystem.open(f"{container}/{name}", "wb") as file:
        file.write(bytes(3 * MIB))
        upload = begin(storage, bytes(2 * MIB), MIB, target=name)
        send(upload, bytes(2 * MIB), [0])
        assert [str(each.path) for each in storage.parts.unfinished()] == [name]
        upload.abort()
    assert storage.read(name) == bytes(3 * MIB)


# -- S3 -----------------------------------------------------------------------------------------------------------------


def test_a_note_of_an_upload_that_has_ended_goes(paging_account, container):
    """As a bucket's own rule for unfinished uploads ends it: it is listed as unfinished, and a new one begins."""
    bucket = paging_account.s3(container)
    upload = begin(bucket, bytes(10), 5 * MIB)
    bucket.filesystem.call_s3("abort_multipart_upload", Bucket=container, Key=TARGET, UploadId=upload.token)
    (found,) = bucket.parts.unfinished()
    assert (str(found.path), found.size, found.token) == (TARGET, 0, upload.token)
    again = begin(bucket, bytes(10), 5 * MIB)
    assert again.token != upload.token
    bucket.parts.discard(found)
    assert [each.token for each in bucket.parts.unfinished()] == [again.token]
    assert bucket.empty()


def test_the_smallest_parts_that_s3_takes(account):
    """A service that keeps the rules takes what ours allow."""
    body = random.Random(9).randbytes(5 * MIB + 1)
    upload = begin(account.s3(account.container()), body, 5 * MIB)
    send(upload, body)
    assert upload.commit().size == len(body)
    assert hashlib.md5(upload.storage.read(TARGET)).digest() == hashlib.md5(body).digest()


def test_an_upload_that_is_not_noted_is_listed(paging_account, container):
    """Whoever began it: a bucket is paid for its parts."""
    bucket = paging_account.s3(container)
    begun = bucket.filesystem.call_s3("create_multipart_upload", Bucket=container, Key="ex/other")
    (found,) = bucket.parts.unfinished("ex")
    assert (str(found.path), found.token) == ("ex/other", begun["UploadId"])
    bucket.parts.discard(found)
    assert list(bucket.parts.unfinished()) == []


# -- a disk -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path):
    return LocalStorage(tmp_path)


def left_on(disk, body, indices):
    upload = begin(disk, body, PART)
    send(upload, body, indices)
    return (
        upload,
        Path(disk.path, partial_beside(TARGET, upload.token[:16])),
        Path(disk.path, partial_beside(TARGET, "journal")),
    )


def test_the_unfinished_file_is_sparse_and_hidden(disk):
    """It has its size from the beginning and takes room only for what has arrived; no listing shows it."""
    size = 64 * MIB
    upload = disk.parts.begin(TARGET, size=size, origin="v1", part_size=MIB)
    upload.put(63, b"x" * MIB)
    partial = Path(disk.path, partial_beside(TARGET, upload.token[:16]))
    assert partial.stat().st_size == size
    assert partial.stat().st_blocks * 512 <= 2 * MIB
    assert disk.empty()


def test_a_torn_line_of_the_journal_costs_its_part(disk):
    """Killed within a line, or with rubbish in it: the other parts count, also those that are noted behind it."""
    body = random.Random(1).randbytes(4 * PART)
    _, _, noted = left_on(disk, body, [0, 1])
    noted.write_bytes(noted.read_bytes()[:-9])
    upload = begin(disk, body, PART)
    assert sorted(upload.stored()) == [0]
    send(upload, body, [3])
    assert sorted(begin(disk, body, PART).stored()) == [0, 3]
    with noted.open("ab") as file:
        file.write(b"\0" * 100 + b'\n[1]\n{"part": [2, 4096')
    upload = begin(disk, body, PART)
    assert sorted(upload.stored()) == [0, 3]
    send(upload, body, [1, 2])
    upload.commit()
    assert disk.read(TARGET) == body


def test_after_another_start_of_the_machine_parts_are_read_again(disk, monkeypatch):
    """What was noted need not have come to the disk: only what has its MD5 counts."""
    body = random.Random(2).randbytes(4 * PART)
    _, partial, _ = left_on(disk, body, [0, 1, 2])
    with partial.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(100))
    assert sorted(begin(disk, body, PART).stored()) == [0, 1, 2]
    monkeypatch.setattr(journal, "boot", lambda: "another")
    monkeypatch.setattr("modos.storage.parts.local.boot", lambda: "another")
    assert sorted(begin(disk, body, PART).stored()) == [0, 2]


@pytest.mark.parametrize("damage", ["journal gone", "journal unreadable", "partial gone", "partial cut"])
def test_a_journal_without_its_file_begins_anew(disk, damage):
    """Either is worth nothing without the other."""
    body = random.Random(3).randbytes(3 * PART)
    _, partial, noted = left_on(disk, body, [0, 1])
    {
        "journal gone": noted.unlink,
        "journal unreadable": lambda: noted.write_bytes(b"\0" * 50),
        "partial gone": partial.unlink,
        "partial cut": lambda: os.truncate(partial, 4096),
    }[damage]()
    upload = begin(disk, body, PART)
    assert dict(upload.stored()) == {}
    send(upload, body)
    upload.commit()
    assert disk.read(TARGET) == body
    assert sorted(path.name for path in Path(disk.path).rglob("*")) == ["demo.cram", "reads"]


def bringing(body, piece=1000):
    """Return what fills a span with a body, piece by piece."""

    def bring(span):
        for start in range(0, len(body), piece):
            span.write(body[start : start + piece])

    return bring


def test_a_part_is_written_as_it_comes(disk):
    """It is the same part as one that is given; what comes is told when it is as long as the part, and then counts."""
    body = random.Random(4).randbytes(2 * PART + 10)
    upload = begin(disk, body, PART)
    brought = [upload.put_by(index, bringing(body[slice(*upload.span(index))])) for index in (2, 0, 1)]
    assert brought == send(upload, body, [2, 0, 1])
    assert [upload.has(part) for part in brought] == [True] * 3
    upload.commit(brought)
    assert disk.read(TARGET) == body


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_part_of_another_length_does_not_count(disk, extra):
    """What is too long is not written over the next part."""
    body = random.Random(5).randbytes(3 * PART)
    upload = begin(disk, body, PART)
    sent = send(upload, body, [0, 2])
    with pytest.raises(IntegrityError, match="for part 1, which has"):
        upload.put_by(1, bringing(body[PART : 2 * PART + extra]))
    assert upload.stored() == {0: sent[0], 2: sent[1]}
    assert [upload.has(part) for part in sent] == [True, True]


def test_a_part_that_is_written_anew_in_vain_does_not_count(disk):
    """It was there before, and is neither the one nor the other now."""
    body = random.Random(6).randbytes(2 * PART)
    upload = begin(disk, body, PART)
    send(upload, body)

    def stopped(span):
        span.write(b"other")
        raise UnreachableError(disk.url)

    with pytest.raises(UnreachableError):
        upload.put_by(1, stopped)
    assert sorted(upload.stored()) == [0]
    with pytest.raises(IntegrityError, match="missing: 1"):
        upload.commit()


def test_a_service_takes_no_part_piece_by_piece():
    """It says so, and nothing is asked."""
    storage = SwiftStorage("swift://omics", storage_url="http://localhost/v1/AUTH_lab", token="t")
    upload = SwiftUpload(storage, PartPlan(name=TARGET, size=4, part_size=4, origin="v1"), "token")
    with pytest.raises(ServiceError, match="piece by piece"):
        upload.put_by(0, bringing(b"ACGT"))


def test_a_disk_that_is_full_is_told_as_such(disk, monkeypatch):
    """And not as a failure of the place that the bytes come from, within whose boundary they are written."""
    upload = begin(disk, b"ACGT", PART)
    source = SwiftStorage("swift://omics", storage_url="http://localhost/v1/AUTH_lab", token="t")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def bring(span):
        with source._boundary("demo.cram"):
            span.write(b"ACGT")

    monkeypatch.setattr("modos.storage.spans.write_at", full)
    with pytest.raises(StorageError, match=os.strerror(errno.ENOSPC)) as caught:
        upload.put_by(0, bring)
    assert caught.value.url == str(Path(disk.path, TARGET))


def test_a_directory_is_not_replaced(disk):
    """The error says what is there; the parts stay."""
    disk.put(b"", f"{TARGET}/inner")
    upload = begin(disk, b"abc", PART)
    send(upload, b"abc")
    with pytest.raises(StorageError, match="is a directory"):
        upload.commit()
    assert sorted(upload.stored()) == [0]
