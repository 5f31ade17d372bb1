"""Appending, which Swift does not know: the object is written anew, with as few bytes as can be, or left alone."""

import json

import pytest

from modos.errors import IntegrityError, KeyExistsError, ServiceError
from modos.testing import Fault

pytestmark = pytest.mark.thorough

SEGMENT = 1 << 16
BODY = bytes(n % 251 for n in range(4 * SEGMENT))
SIZES = [0, 5, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 7]


@pytest.fixture
def fs(connect, proxy, swift):
    made = connect(storage_url=proxy.through(swift.storage_url), segment_size=SEGMENT, attempts=1)
    proxy.clear()
    return made


def append(fs, content, path="omics/x", **options):
    with fs.open(path, "ab", **options) as file:
        file.write(content)
    return file.details


def is_tidy(fs):
    """Whether there are segments for every manifest, and no others."""
    named = [part["name"].lstrip("/") for path in fs.find("omics") for part in fs.run(fs.segments.manifest, path)]
    return fs.find("omics/.segments") == sorted(named)


@pytest.mark.parametrize("more", [1, SEGMENT - 5, SEGMENT, 2 * SEGMENT - 7])
@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_behind(fs, size, more):
    """Below, at and beyond the segment size, what was there is followed by what is written; no segment is left over."""
    fs.pipe_file("omics/x", BODY[:size], content_type="text/x-test", metadata={"lab": "Genève"})
    with fs.open("omics/x", "ab") as file:
        assert file.tell() == size
        file.write(BODY[size : size + more])
        assert file.tell() == size + more
    assert fs.cat_file("omics/x") == BODY[: size + more]
    seen = fs.info("omics/x")
    assert (seen["content_type"], seen["metadata"]) == ("text/x-test", {"lab": "Genève"})
    assert file.details["size"] == seen["size"]
    assert is_tidy(fs)


def test_again_and_again(fs):
    """Many appendings make one object, cut as if it had been written at once."""
    for start in range(0, len(BODY), 50_000):
        append(fs, BODY[start : start + 50_000])
    assert fs.cat_file("omics/x") == BODY
    assert [part["bytes"] for part in fs.run(fs.segments.manifest, "omics/x")] == [SEGMENT] * 4
    assert is_tidy(fs)


def test_full_segments_stay_in_the_service(fs, connect, proxy):
    """Of an object of three segments and a half, only the half comes back and is sent again; of a plain one nothing."""
    fs.pipe_file("omics/x", BODY[: 3 * SEGMENT + SEGMENT // 2])
    connect().pipe_file("omics/plain", BODY)
    for path, crossing in (("omics/x", SEGMENT // 2), ("omics/plain", 0)):
        proxy.clear()
        append(fs, b"end", path)
        assert fs.cat_file(path, -3) == b"end"
        sent = [request.bytes_sent for request in proxy.requests if request.method == "PUT" and not request.query]
        assert sum(sent) == crossing + 3
    assert is_tidy(fs)


def test_nothing_appended_is_nothing_done(fs, proxy):
    """Opening for appending and closing again leaves the object as it is, without a write."""
    fs.pipe_file("omics/x", BODY)
    before = fs.info("omics/x")
    proxy.clear()
    with fs.open("omics/x", "ab"):
        pass
    assert {request.method for request in proxy.requests} <= {"HEAD", "GET"}
    assert fs.info("omics/x") == before


def test_what_is_missing_is_made(fs):
    """Appending to nothing creates, also without a byte; whoever was quicker in the meantime is not overwritten."""
    append(fs, b"new")
    append(fs, b"", "omics/empty")
    assert (fs.cat_file("omics/x"), fs.cat_file("omics/empty")) == (b"new", b"")
    file = fs.open("omics/y", "ab")
    file.write(BODY)
    fs.pipe_file("omics/y", b"quicker")
    with pytest.raises(KeyExistsError):
        file.close()
    assert fs.cat_file("omics/y") == b"quicker"
    assert is_tidy(fs)


def test_text(fs):
    """Text is appended as text, with metadata of its own where it is given, be it none."""
    with fs.open("omics/x.txt", "w") as file:
        file.write("Genève\n")
    with fs.open("omics/x.txt", "a", encoding="utf-8", metadata={"lab": "b"}) as file:
        file.write("Zürich\n")
    assert fs.cat_file("omics/x.txt").decode() == "Genève\nZürich\n"
    assert fs.info("omics/x.txt")["metadata"] == {"lab": "b"}
    append(fs, b"Bern\n", "omics/x.txt", metadata={})
    assert fs.info("omics/x.txt")["metadata"] == {}


@pytest.mark.parametrize("size", [5, 2 * SEGMENT, 2 * SEGMENT + 5])
@pytest.mark.parametrize("other", [None, b"other", BODY[SEGMENT:]], ids=["deleted", "small", "large"])
def test_who_replaces_it_meanwhile_wins(fs, size, other):
    """An object that was replaced since it was opened is left alone, and so is nothing where it was deleted."""
    fs.pipe_file("omics/x", BODY[:size])
    file = fs.open("omics/x", "ab")
    file.write(BODY[: SEGMENT + 1])
    fs.rm_file("omics/x")
    if other is not None:
        fs.pipe_file("omics/x", other)
    with pytest.raises((IntegrityError, FileNotFoundError)):
        file.close()
    assert (fs.cat_file("omics/x") if fs.exists("omics/x") else None) == other
    assert is_tidy(fs)


def test_replaced_while_it_is_read_back(fs, proxy):
    """What comes back is of the object that was seen, or an error."""
    fs.pipe_file("omics/x", b"one")
    proxy.inject(Fault(method="GET", path="omics/x", status=412))
    with pytest.raises(IntegrityError):
        fs.open("omics/x", "ab")


@pytest.mark.parametrize("size", [5, 2 * SEGMENT, 2 * SEGMENT + 5])
@pytest.mark.parametrize("nth", range(4))
def test_a_failure_leaves_what_was_there(fs, proxy, size, nth):
    """Whichever write fails, the old object is there, and no segment of the new one."""
    fs.pipe_file("omics/x", BODY[:size])
    proxy.inject(Fault(method="PUT", after=nth, times=None, status=403))
    file = fs.open("omics/x", "ab")
    try:
        file.write(BODY[size : size + SEGMENT + 9])
        file.close()
    except PermissionError:
        file.discard()
    else:
        assert size == 5
        assert nth >= 3
        size += SEGMENT + 9
    assert fs.cat_file("omics/x") == BODY[:size]
    assert is_tidy(fs)


def test_an_exception_leaves_what_was_there(fs):
    """An exception within `with` appends nothing."""
    fs.pipe_file("omics/x", BODY)
    with pytest.raises(RuntimeError), fs.open("omics/x", "ab") as file:  # noqa: PT012 - the story is within
        file.write(BODY)
        raise RuntimeError
    assert fs.cat_file("omics/x") == BODY
    assert is_tidy(fs)


def test_transaction(fs):
    """Within a transaction, nothing is appended before its end."""
    fs.pipe_file("omics/x", b"one")
    with fs.transaction:
        append(fs, b" two")
        assert fs.cat_file("omics/x") == b"one"
    assert fs.cat_file("omics/x") == b"one two"


def test_what_cannot_be_taken_apart(fs):
    """A manifest of ranges cannot be appended to, which is told when it is opened."""
    fs.pipe_file("omics/part", BODY)
    ranges = [{"path": "/omics/part", "range": f"{n}-{n + SEGMENT - 1}"} for n in (0, 5)]
    params = {"multipart-manifest": "put"}
    fs.run(fs.client.request, "PUT", "omics/x", params=params, body=json.dumps(ranges).encode())
    with pytest.raises(ServiceError, match="not one of whole segments"):
        fs.open("omics/x", "ab")
