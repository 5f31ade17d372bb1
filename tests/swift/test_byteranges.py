"""Sparse ranges in one request: the format, the service that speaks it, and those that do not."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from modos.errors import IntegrityError, KeyNotFoundError
from modos.storage import SwiftStorage
from modos.swift import SwiftFileSystem, SwiftStore
from modos.swift.objects.byteranges import batches, in_parts, parts_of, ranges_header

pytestmark = pytest.mark.thorough

CONTENT = bytes(n * n % 251 for n in range(1 << 20))
NAMES = "omics/x"
FAR = 70_000
SPARSE = [(n * FAR, n * FAR + 100) for n in range(14)]


def multipart(content, ranges, boundary="mark"):
    """Return headers and body as Swift writes them."""
    heads = (f"Content-Type: text/plain\r\nContent-Range: bytes {a}-{b - 1}/{len(content)}\r\n\r\n" for a, b in ranges)
    parts = [f"--{boundary}\r\n{head}".encode() + content[a:b] for head, (a, b) in zip(heads, ranges, strict=True)]
    body = b"\r\n".join([*parts, f"--{boundary}--".encode()])
    return {"Content-Type": f'multipart/byteranges;boundary="{boundary}"'}, body


@st.composite
def answers(draw):
    """Draw an object in which boundaries occur, and ranges of it."""
    pieces = st.sampled_from([b"--mark", b"--mark--", b"\r\n\r\n", b"\r\n", b"x", b"Content-Range: bytes 0-1/2"])
    content = b"".join(draw(st.lists(pieces, min_size=1, max_size=12)))
    edges = st.integers(0, len(content) - 1)
    pairs = draw(st.lists(st.tuples(edges, edges), min_size=1, max_size=6))
    return content, [(min(pair), max(pair) + 1) for pair in pairs]


@given(answers())
def test_parts_are_what_was_written(answer):
    """Each part is told from the others by its length, whatever bytes it holds."""
    content, ranges = answer
    parts = parts_of(*multipart(content, ranges), "http://x")
    assert [(part.start, part.size, bytes(part.content)) for part in parts] == [
        (start, len(content), content[start:end]) for start, end in ranges
    ]
    assert all(in_parts(parts, one) == content[slice(*one)] for one in ranges)


@given(answers(), st.data())
def test_a_cut_answer_is_an_error(answer, data):
    """Wherever an answer of several parts is cut off, it is damaged and not shorter."""
    headers, body = multipart(*answer)
    end = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(IntegrityError):
        parts_of(headers, body[:end], "http://x")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Range": "bytes 0-9/20"}, b"123"),
        ({"Content-Range": "bytes 9-0/20"}, b""),
        ({"Content-Range": "bytes */20"}, b""),
        ({}, b"123"),
        ({"Content-Type": "multipart/byteranges"}, b"--mark--"),
        (multipart(b"abc", [(0, 2)])[0], multipart(b"abc", [(0, 2)])[1].replace(b"0-1/3", b"0-5/3")),
        (multipart(b"abc", [(0, 2)])[0], multipart(b"abc", [(0, 2)])[1].replace(b"Content-Range", b"Range")),
        (multipart(b"abc", [(0, 1), (1, 2)])[0], multipart(b"abc", [(0, 1), (1, 2)])[1].replace(b"1-1/3", b"1-1/4")),
    ],
)
def test_what_contradicts_itself_is_an_error(headers, body):
    """Lengths, borders and sizes that do not fit each other are an error."""
    with pytest.raises(IntegrityError):
        parts_of(headers, body, "http://x")


@given(st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(1, 9 << 20)), max_size=120))
def test_batches_hold_every_range(ranges):
    """Nothing is lost or moved, no request asks for more than 50 ranges, nor for many bytes in several."""
    wanted = [(start, start + length) for start, length in ranges]
    made = list(batches(wanted))
    assert [one for batch in made for one in batch] == wanted
    assert all(len(batch) <= 50 for batch in made)
    assert all(len(batch) == 1 or sum(end - start for start, end in batch) <= 8 << 20 for batch in made)


def of(content, ranges):
    return [content[start:end] for start, end in ranges]


def cat_ranges(fs, ranges, **options):
    return fs.cat_ranges([NAMES] * len(ranges), [a for a, _ in ranges], [b for _, b in ranges], **options)


def test_sparse_ranges_are_one_request(fs, watched, proxy, options):
    """Ranges that are far apart share a request, of the filesystem, the store and the storage; 120 of them three."""
    fs.pipe_file(NAMES, CONTENT)
    assert cat_ranges(watched, SPARSE) == of(CONTENT, SPARSE)
    assert proxy.count() == 1
    proxy.clear()
    tiny = [(n * 8_000, n * 8_000 + 9) for n in range(120)]
    assert cat_ranges(watched, tiny, max_gap=0) == of(CONTENT, tiny)
    assert proxy.count() == 3
    assert cat_ranges(watched, tiny[::-1]) == of(CONTENT, tiny[::-1])
    assert proxy.count() == 4
    through = options | {"storage_url": proxy.through(options["storage_url"])}
    store = SwiftStore("omics", storage_options=through, read_only=True)
    sync(store._ensure_open())
    proxy.clear()
    asked = [("x", RangeByteRequest(*one)) for one in SPARSE]
    values = sync(store.get_partial_values(default_buffer_prototype(), asked))
    assert [value.to_bytes() for value in values] == of(CONTENT, SPARSE)
    assert sync(store.get_partial_values(default_buffer_prototype(), [("no", one) for _, one in asked])) == [None] * 14
    assert proxy.count() == 2
    proxy.clear()
    assert list(SwiftStorage("swift://omics", **through).read_ranges("x", SPARSE, gap=0)) == of(CONTENT, SPARSE)
    assert proxy.count() == 1


@pytest.mark.parametrize("segment_size", [1 << 30, 300_000], ids=["plain", "large"])
@pytest.mark.parametrize("start", [0, len(CONTENT) - FAR, len(CONTENT) - 10, len(CONTENT) + 5])
def test_sparse_ranges_past_the_end(connect, segment_size, start):
    """Ranges that end or begin behind the end of an object, of one request or of segments, are clipped as slices are."""
    fs = connect(segment_size=segment_size)
    fs.pipe_file(NAMES, CONTENT)
    ranges = [(start + begin, start + end) for begin, end in SPARSE]
    assert cat_ranges(fs, ranges) == of(CONTENT, ranges)


def test_a_missing_object_is_missing(fs):
    """Failures stand in the place of every range that shared the request, or are raised."""
    assert [type(one) for one in cat_ranges(fs, SPARSE)] == [KeyNotFoundError] * len(SPARSE)
    with pytest.raises(KeyNotFoundError):
        cat_ranges(fs, SPARSE, on_error="raise")


@contextmanager
def service(answers_with):
    """Serve an object as services do that have no requests for several ranges; yields its address, and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.headers.get("Range"))
            status, headers, body = answers_with(self.headers.get("Range"))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/lab", asked
        finally:
            server.shutdown()
            thread.join()


def first_range_alone(text):
    start, last = map(int, re.match(r"bytes=(\d+)-(\d+)", text).groups())
    return 206, {"Content-Range": f"bytes {start}-{last}/{len(CONTENT)}"}, CONTENT[start : last + 1]


def everything(text):
    return (200, {}, CONTENT) if "," in text else first_range_alone(text)


def all_but_one(text):
    ranges = [tuple(map(int, one.split("-"))) for one in text.removeprefix("bytes=").split(",")]
    headers, body = multipart(CONTENT, [(start, last + 1) for start, last in ranges[:-1]])
    return 206, headers, body


def refusal(status):
    def answers_with(text):
        return (status, {}, b"no") if "," in text else first_range_alone(text)

    return answers_with


@pytest.mark.parametrize("answers_with", [first_range_alone, everything, refusal(400), refusal(416)])
def test_services_without_such_requests(answers_with):
    """Who answers one range, with everything or not at all is asked for several once: all that is wanted is there."""
    with service(answers_with) as (url, asked):
        fs = SwiftFileSystem(storage_url=url, token="t", skip_instance_cache=True)
        assert cat_ranges(fs, SPARSE) == of(CONTENT, SPARSE)
        begun = len(asked)
        assert cat_ranges(fs, SPARSE, max_gap=0) == of(CONTENT, SPARSE)
        assert sum("," in text for text in asked) == 1
        assert len(asked) == begun + len(SPARSE)
        assert cat_ranges(fs, SPARSE) == of(CONTENT, SPARSE)
        assert len(asked) == begun + len(SPARSE) + 1


def test_a_part_that_is_missing_is_an_error():
    """A service that leaves a range out is not believed."""
    with service(all_but_one) as (url, _):
        fs = SwiftFileSystem(storage_url=url, token="t", skip_instance_cache=True)
        with pytest.raises(IntegrityError, match="missing from the answer"):
            cat_ranges(fs, SPARSE, on_error="raise")


def test_the_header():
    """Borders are those of HTTP, the last byte included."""
    assert ranges_header([(0, 1), (5, 9)]) == {"Range": "bytes=0-0,5-8"}
