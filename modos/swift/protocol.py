"""What Swift's HTTP interface says: names, ranges, headers, listings, statuses, as pure functions.

Owns every piece of protocol knowledge that needs no connection. Knows no client, no event loop and no credentials.
"""

import mimetypes
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, urlencode

from modos._given import is_host
from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    InvalidPathError,
    InvalidURLError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
)

__all__ = [
    "FRESH",
    "SEGMENTS",
    "Info",
    "backoff",
    "byte_range",
    "condition",
    "copied_headers",
    "directory_info",
    "error_for",
    "etag_of",
    "info_from_entry",
    "info_from_headers",
    "is_hidden",
    "is_large",
    "is_segment",
    "is_transient",
    "metadata_headers",
    "object_headers",
    "range_header",
    "retry_after",
    "split_path",
    "split_url",
    "total_size",
    "url_of",
]

type Info = dict[str, Any]
"""What fsspec hands out about a name: `name`, `size`, `type`, and what Swift adds."""

SEGMENTS = ".segments/"
"""Prefix, in each container, of the parts of large objects; left out of listings that do not name it."""

FRESH: Mapping[str, str] = MappingProxyType({"X-Fresh-Metadata": "true"})
"""Lets a copy within the service have what is sent with it, and nothing of what its source has."""

_KEPT = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires", "X-Robots-Tag")
_SEGMENT_PREFIXES = (SEGMENTS, ".file-segments/")
_SEGMENT_CONTAINERS = ("_segments", "+segments")
_META = "x-object-meta-"
_PLAIN_NAME = "!#$&'*+.^`|~"
_PLAIN_VALUE = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}"
_VERSION = re.compile(r"v1(\.0)?")
_NOT_FOUND, _TIMEOUTS, _UNAVAILABLE = 404, frozenset({408, 504}), frozenset({429, 498, 503})
_TRANSIENT = frozenset({408, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524})


def split_path(path: str) -> tuple[str, str]:
    """Split `container/object` in two; the object is empty for a container.

    Examples
    --------
    >>> split_path("omics/ex/data.zarr")
    ('omics', 'ex/data.zarr')
    """
    container, _, name = path.partition("/")
    return container, name


def split_url(url: str) -> tuple[str, str]:
    """Split `http[s]://host[:port]/…/v1/ACCOUNT/container/object` into storage URL and path.

    What follows the account is taken literally: nothing is percent-decoded.

    Raises
    ------
    InvalidPathError
        When there is no `/v1/ACCOUNT` in it.

    Examples
    --------
    >>> split_url("https://swift.example.org/v1/AUTH_lab/omics/ex")
    ('https://swift.example.org/v1/AUTH_lab', 'omics/ex')
    """
    parts = url.split("/")
    for position in range(3, len(parts) - 1):
        if _VERSION.fullmatch(parts[position]) and parts[position + 1]:
            return "/".join(parts[: position + 2]), "/".join(parts[position + 2 :])
    raise InvalidPathError(url, "is not a Swift address: it must read https://host/v1/ACCOUNT/container/object")


def url_of(storage_url: str, path: str = "", params: Mapping[str, str | int] | None = None) -> str:
    """Return the address of `container/object`, percent-encoded.

    Examples
    --------
    >>> url_of("https://swift.example.org/v1/lab", "omics/é +%", {"limit": 1})
    'https://swift.example.org/v1/lab/omics/%C3%A9%20%2B%25?limit=1'
    """
    address = storage_url.rstrip("/")
    if path:
        address += "/" + quote(path, safe="/~")
    return f"{address}?{urlencode(params, quote_via=quote)}" if params else address


def host_of(url: str) -> tuple[str, str]:
    """Return scheme and authority: to whom a token may be sent.

    Raises
    ------
    InvalidURLError
        No request can be sent there.
    """
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if scheme.lower() not in {"http", "https"} or not is_host(host):
        raise InvalidURLError(url, "is no address of an object store; it must read https://host[:port]/v1/ACCOUNT")
    return scheme.lower(), host.lower()


def is_hidden(name: str) -> bool:
    """Whether an object's name lies in the hidden prefix of segments."""
    return name.startswith(SEGMENTS)


def is_segment(path: str) -> bool:
    """Whether `container/object` is nothing but a part of a large object, by the naming of any common client.

    A manifest may also refer to ordinary, visible objects: those are never deleted along with it.
    """
    container, name = split_path(path)
    return name.startswith(_SEGMENT_PREFIXES) or container.endswith(_SEGMENT_CONTAINERS)


def byte_range(start: int | None, end: int | None, size: int | None = None) -> tuple[int, int | None] | None:
    """Return Python's slice as start and exclusive end for a request, clipped where `size` is known.

    A negative start alone stays negative: a suffix. `None` means that the size has to be known first.

    Examples
    --------
    >>> byte_range(2, 10, size=5), byte_range(-3, None), byte_range(0, -1)
    ((2, 5), (-3, None), None)
    """
    start = start or 0
    if size is not None:
        first, last, _ = slice(start, end).indices(size)
        return first, max(first, last)
    if (start < 0 and end is not None) or (end is not None and end < 0):
        return None
    return start, end if end is None else max(start, end)


def range_header(start: int, end: int | None) -> dict[str, str]:
    """Return the `Range` header of a start and an exclusive end; none for the whole object.

    Examples
    --------
    >>> range_header(0, 10), range_header(-4, None), range_header(0, None)
    ({'Range': 'bytes=0-9'}, {'Range': 'bytes=-4'}, {})
    """
    if start < 0:
        return {"Range": f"bytes={start}"}
    if end is not None:
        return {"Range": f"bytes={start}-{end - 1}"}
    return {"Range": f"bytes={start}-"} if start else {}


def total_size(headers: Mapping[str, str]) -> int:
    """Return the size of the whole object from the headers of a whole or partial answer."""
    content_range = headers.get("Content-Range", "")
    return int(content_range.rpartition("/")[2] if content_range else headers.get("Content-Length", 0))


def condition(etag: str | None) -> dict[str, str]:
    """Return the header that asks for an object only while it has this ETag; none for `None`."""
    return {"If-Match": f'"{etag}"'} if etag else {}


def object_headers(path: str, content_type: str | None, metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return content type, guessed from the name where it is not given, and user metadata as headers."""
    guessed = content_type or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return {"Content-Type": guessed, **metadata_headers(metadata)}


def copied_headers(headers: Mapping[str, str], info: Info) -> dict[str, str]:
    """Return what an object is copied with within the service, so that the copy has all that it has, and never expires.

    The service takes along what there is, also the time at which the source expires: then nothing of it may be taken.

    Parameters
    ----------
    headers, info
        Of the object.

    Examples
    --------
    >>> headers = {"Content-Type": "text/plain", "X-Object-Meta-Lab": "b", "X-Delete-At": "2000000000"}
    >>> copied_headers(headers, info_from_headers("omics/x", headers))
    {'X-Fresh-Metadata': 'true', 'Content-Type': 'text/plain', 'X-Object-Meta-lab': 'b'}
    """
    if "X-Delete-At" not in headers:
        return object_headers("", info["content_type"], None)
    kept = {name: headers[name] for name in _KEPT if name in headers}
    return {**FRESH, **object_headers("", info["content_type"], info["metadata"]), **kept}


def metadata_headers(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return user metadata as headers; what HTTP cannot carry is percent-encoded, names are case-insensitive.

    Examples
    --------
    >>> metadata_headers({"lab": "Genève", "run_id": "7"})
    {'X-Object-Meta-lab': 'Gen%C3%A8ve', 'X-Object-Meta-run%5Fid': '7'}
    """
    return {
        f"X-Object-Meta-{quote(name, safe=_PLAIN_NAME).replace('_', '%5F')}": _header_value(value)
        for name, value in (metadata or {}).items()
    }


def _header_value(value: str) -> str:
    inner = value.strip(" ")
    before, _, after = value.partition(inner) if inner else (value, "", "")
    return "%20" * len(before) + quote(inner, safe=_PLAIN_VALUE) + "%20" * len(after)


def etag_of(headers: Mapping[str, str]) -> str:
    """Return the ETag without its quotes, empty where there is none."""
    return headers.get("Etag", "").strip('"')


def is_large(headers: Mapping[str, str]) -> bool:
    """Whether the answer is about a large object, whose ETag is no MD5 of its bytes."""
    return headers.get("X-Static-Large-Object", "").lower() == "true" or "X-Object-Manifest" in headers


def directory_info(name: str, **extra: object) -> Info:
    """Return the info of a prefix or container."""
    return {"name": name, "size": 0, "type": "directory", **extra}


def info_from_headers(path: str, headers: Mapping[str, str]) -> Info:
    """Return the info of an object from the headers of a HEAD or GET.

    Raises
    ------
    ServiceError
        What they say of its size or its time cannot be read.
    """
    try:
        size, modified = total_size(headers), _modified(headers)
    except (ValueError, OverflowError) as error:
        raise ServiceError(path, "what the service tells of its size or its time cannot be read") from error
    large = is_large(headers)
    info: Info = {
        "name": path,
        "size": size,
        "type": "file",
        "etag": None if large else etag_of(headers),
        "content_type": headers.get("Content-Type", ""),
        "last_modified": modified,
        "metadata": {
            unquote(name[len(_META) :]).lower(): unquote(value)
            for name, value in headers.items()
            if name.lower().startswith(_META)
        },
    }
    return info | ({"slo_etag": etag_of(headers)} if large else {})


def _modified(headers: Mapping[str, str]) -> datetime | None:
    timestamp, modified = headers.get("X-Timestamp"), headers.get("Last-Modified")
    if timestamp:
        return datetime.fromtimestamp(float(timestamp.partition("_")[0]), UTC)
    return parsedate_to_datetime(modified) if modified else None


def info_from_entry(container: str, entry: Mapping[str, Any]) -> Info:
    """Return the info of one entry of a container's listing (format=json)."""
    if "subdir" in entry:
        return directory_info(f"{container}/{entry['subdir'].rstrip('/')}")
    name: str = entry["name"]
    if name.endswith("/"):
        return directory_info(f"{container}/{name.rstrip('/')}")
    slo_etag = entry.get("slo_etag")
    info: Info = {
        "name": f"{container}/{name}",
        "size": int(entry["bytes"]),
        "type": "file",
        "etag": None if slo_etag else entry["hash"],
        "content_type": entry.get("content_type", ""),
        "last_modified": datetime.fromisoformat(entry["last_modified"]).replace(tzinfo=UTC),
    }
    return info | ({"slo_etag": slo_etag.strip('"')} if slo_etag else {})


def is_transient(status: int) -> bool:
    """Whether the same request may well succeed a moment later."""
    return status in _TRANSIENT


def retry_after(headers: Mapping[str, str], longest: float) -> float | None:
    """Return how many seconds the service asks to wait, at most `longest`; `None` where it does not say."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), longest)


def backoff(attempt: int, *, first: float = 0.2, longest: float = 8.0) -> float:
    """Return how many seconds to wait after the attempt of this number (from 1), with jitter."""
    return min(longest, first * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret


_REASONS = {
    409: "the service refuses it in the present state (a container must be empty to be deleted, and a large object have all its segments to be read)",
    411: "the service wants to know the length first",
    413: "the body is larger than the service accepts",
    507: "the service has no room left",
}
_KINDS: Sequence[tuple[frozenset[int], type[StorageError]]] = (
    (frozenset({401}), AuthenticationError),
    (frozenset({403}), AccessDeniedError),
    (frozenset({_NOT_FOUND}), KeyNotFoundError),
    (_TIMEOUTS, StorageTimeoutError),
    (_UNAVAILABLE, ServiceUnavailableError),
)


def error_for(
    status: int, url: str, *, create: bool = False, sent_body: bool = False, missing: str = "", detail: str = ""
) -> StorageError:
    """Return the error that a status means.

    Parameters
    ----------
    status, url
        The answer, and what was asked for.
    create
        The request was to create only: 412 then says that something is there.
    sent_body
        The request carried the MD5 of its body: 422 then says that it did not arrive whole.
    missing
        What 404 says, where that is more than the usual.
    detail
        What the body of the answer said, used where there is no sentence for the status.
    """
    for statuses, kind in _KINDS:
        if status in statuses:
            return kind(url, missing if status == _NOT_FOUND else "", status=status)
    if status == 412:  # noqa: PLR2004 - Precondition Failed
        if create:
            return KeyExistsError(url, status=status)
        return IntegrityError(url, "it has changed meanwhile", status=status)
    if status == 422 and sent_body:  # noqa: PLR2004 - Unprocessable: the ETag does not match
        return IntegrityError(url, "the bytes that arrived at the service are not those that were sent", status=status)
    if 300 <= status < 400:  # noqa: PLR2004 - any redirect
        return ServiceError(url, "answered with a redirect, which is not followed with a token", status=status)
    return ServiceError(url, _REASONS.get(status, detail), status=status)
