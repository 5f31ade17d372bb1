"""The pure half of the protocol, without a server."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    InvalidPathError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageTimeoutError,
)
from modos.swift.objects.byteranges import merged_slices
from modos.swift.objects.segments import cut_points
from modos.swift.protocol import (
    backoff,
    byte_range,
    error_for,
    info_from_headers,
    is_segment,
    metadata_headers,
    range_header,
    retry_after,
    split_url,
    url_of,
)

EDGE = st.none() | st.integers(-12, 12)


@given(EDGE, EDGE)
def test_a_range_means_what_a_slice_means(start, end):
    """For every start and end, what is asked of the service is the slice that Python would give."""
    content = b"0123456789"
    known = byte_range(start, end)
    first, last = byte_range(start, end, len(content)) if known is None else known
    served = content[first:] if last is None else content[first:last]
    assert served == content[start:end]


@given(st.lists(st.tuples(st.sampled_from("ab"), EDGE, EDGE), max_size=8), st.integers(0, 5))
def test_merged_slices_cover_what_was_wanted(wanted, gap):
    """Each slice lies in the request that it is answered from, and no two requests of one object touch."""
    requests = merged_slices(wanted, gap)
    for (path, start, end), (name, first, last) in zip(wanted, requests, strict=True):
        assert name == path
        if (start, end) != (first, last):
            assert first <= (start or 0)
            assert end <= last


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, AccessDeniedError),
        (404, KeyNotFoundError),
        (408, StorageTimeoutError),
        (409, ServiceError),
        (412, IntegrityError),
        (413, ServiceError),
        (429, ServiceUnavailableError),
        (498, ServiceUnavailableError),
        (500, ServiceError),
        (503, ServiceUnavailableError),
        (504, StorageTimeoutError),
        (302, ServiceError),
    ],
)
def test_each_status_has_its_error(status, kind):
    """Each status becomes its own error, with address and status; only 404 is "missing"."""
    error = error_for(status, "https://host/v1/lab/omics/x")
    assert type(error) is kind
    assert (error.url, error.status) == ("https://host/v1/lab/omics/x", status)
    assert isinstance(error, FileNotFoundError) == (status == 404)


def test_412_of_a_create_is_that_something_is_there():
    """The same status tells different things by what was asked."""
    assert isinstance(error_for(412, "u", create=True), KeyExistsError)
    assert isinstance(error_for(422, "u", sent_body=True), IntegrityError)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_survives_the_address(name):
    """Whatever an object is called, its address decodes to the same name."""
    assert unquote(urlsplit(url_of("https://host/v1/lab", f"c/{name}")).path) == f"/v1/lab/c/{name}"


@given(
    st.dictionaries(st.text("abcé_%- ", min_size=1).map(str.lower), st.text(st.characters(exclude_categories=["Cs"])))
)
def test_any_metadata_survives_the_headers(metadata):
    """Whatever metadata say, headers carry them in ASCII and give them back."""
    headers = metadata_headers(metadata)
    assert all(
        f"{name}{value}".isascii() and value.isprintable() and value == value.strip() for name, value in headers.items()
    )
    assert info_from_headers("c/o", headers)["metadata"] == metadata


def test_retry_after():
    """Seconds and dates are understood and bounded; nonsense is no answer."""
    assert retry_after({"Retry-After": "3"}, 30) == 3
    assert retry_after({"Retry-After": "3000"}, 30) == 30
    assert retry_after({"Retry-After": "soon"}, 30) is None
    assert retry_after({}, 30) is None
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)
    assert 8 < retry_after({"Retry-After": later}, 30) <= 10


def test_backoff_grows_and_is_bounded():
    """Waits double, with jitter, up to a bound."""
    assert 0.1 <= backoff(1) <= 0.2
    assert 0.4 <= backoff(3) <= 0.8
    assert backoff(50) <= 8


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("swift+https://h:8080/v1/AUTH_a/c/o?x#y", ("swift+https://h:8080/v1/AUTH_a", "c/o?x#y")),
        ("http://h/swift/v1/AUTH_a/c", ("http://h/swift/v1/AUTH_a", "c")),
        ("http://h/v1/AUTH_a", ("http://h/v1/AUTH_a", "")),
    ],
)
def test_split_url(url, expected):
    """The account and the path are told apart, wherever the service is mounted."""
    assert split_url(url) == expected


def test_split_url_without_account():
    """An address without an account is refused."""
    with pytest.raises(InvalidPathError, match="ACCOUNT"):
        split_url("swift+https://host/container/object")


def test_range_header_is_inclusive():
    """HTTP's last byte is included, ours is not."""
    assert range_header(5, 6) == {"Range": "bytes=5-5"}


def test_visible_objects_are_nobodys_segments():
    """Only names that clients give to segments are deleted with a manifest."""
    assert is_segment("c/.segments/x/y/00000000")
    assert is_segment("c/.file-segments/x")
    assert is_segment("c_segments/x/1")
    assert is_segment("c+segments/x/1")
    assert not is_segment("c/reads.cram")


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_cut_points_cover_the_object(size, base):
    """Segments follow each other without gaps, are never empty, and grow so that 1,000 of them hold much."""
    points = list(cut_points(size, base))
    assert [start for start, _ in points] == [0, *(end for _, end in points[:-1])][: len(points)]
    assert all(start < end for start, end in points)
    assert not points or points[-1][1] == size
