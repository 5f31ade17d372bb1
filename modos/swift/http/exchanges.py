"""What goes to Swift and what comes back: a request, its attempts, its answer, its failure.

Owns these as values, and what makes an answer a success, damaged or an error of ours. Makes no request.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from modos._lazy import require
from modos.errors import IntegrityError, InvalidInputError, StorageError
from modos.swift.http.bodies import BULK, Body, Room, length_of, md5_of
from modos.swift.protocol import error_for, etag_of, is_large
from modos.swift.transport import Transport

if TYPE_CHECKING:
    from modos.swift.http.lanes import Lanes

__all__ = [
    "Attempt",
    "Checked",
    "Exchange",
    "Patience",
    "Request",
    "Response",
    "Way",
    "address_of",
    "checked",
    "content_range",
]

type Checked = Literal["before", "after"]
"""When the MD5 of what is sent is made: before, so that the service refuses other bytes, or while it is sent."""

_OK, _PARTIAL = 200, 206
_MD5_DIGITS = 32
_SHOWN = 200
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try.

    Parameters
    ----------
    attempts
        How often a request is made in all before its failure is told.
    connect_timeout, read_timeout
        Seconds to wait for a connection, and between two pieces of an answer.
    longest_wait
        Seconds to wait between two attempts at most, whatever `Retry-After` says.
    """

    attempts: int = 5
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    longest_wait: float = 30.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that went out, and what came of it; each repetition is one of its own.

    Attributes
    ----------
    method, path
        What was asked for: `container/object`, `container`, empty for the account, and `/info` for the service.
    status
        Of the answer; `None` where none began.
    """

    method: str
    path: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end; `digest` is the MD5 of what was sent, where it is known."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    digest: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it says that what was asked for is done."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of success


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, see `SwiftClient.request`, `put` and `read_into`."""

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    slow: bool = False
    checked: Checked = "before"
    into: Room | None = None
    lanes: "Lanes | None" = None
    most: int | None = None

    def is_exceeded(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer is longer than what is taken of it: it is then left unread."""
        return self.most is not None and int(headers.get("Content-Length", 0)) > self.most

    @property
    def bound(self) -> int | None:
        """Bytes of a body to read at most, one of them too many; `None` for all."""
        return None if self.most is None else self.most + 1

    @property
    def is_of_container(self) -> bool:
        """Whether all that can be missing is the container."""
        return bool(self.path) and (self.method == "PUT" or "/" not in self.path)

    @property
    def is_bulk(self) -> bool:
        """Whether there is so much to carry that a thread does it cheaper than an event loop."""
        return self.into is not None or (self.body is not None and length_of(self.body) >= BULK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one request reaches the service.

    Parameters
    ----------
    address
        What is asked for, percent-encoded.
    headers
        All that are sent, the token as well.
    transport, proxy
        TLS, and the proxy that leads there; `None` where it is reached directly.
    connect_timeout, read_timeout
        Seconds to wait for a connection, and for the other end to take or give anything.

    Raises
    ------
    InvalidInputError
        When a header has a character that would end it, or that no header may have.
    """

    address: str
    headers: Mapping[str, str]
    transport: Transport
    proxy: str | None
    connect_timeout: float
    read_timeout: float

    def __post_init__(self) -> None:
        if not "".join([*self.headers, *self.headers.values()]).isprintable():
            raise InvalidInputError("a header has a character that cannot be sent, such as a line break")

    @property
    def end(self) -> tuple[str, str, Transport]:
        """Whom a connection leads to, and how: ways that share it can share connections."""
        return *urlsplit(self.address)[:2], self.transport

    @property
    def target(self) -> str:
        """What is asked for, as the first line of a request tells it."""
        _, _, path, query, _ = urlsplit(self.address)
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer that ended it; `repeated` where it was not the first."""

    request: Request
    url: str
    response: Response
    repeated: bool

    @property
    def succeeded(self) -> bool:
        """Whether it was done."""
        return self.response.succeeded

    def failure(self) -> StorageError:
        """Return what the answer means, as an error."""
        detail = self.response.body[:_SHOWN].decode("utf-8", "replace").strip()
        return error_for(
            self.response.status,
            self.url,
            create="If-None-Match" in self.request.headers,
            sent_body=self.request.method == "PUT",
            missing="there is no such container" if self.request.is_of_container else "",
            detail="" if detail.startswith("<") else detail,
        )


def address_of(storage_url: str, path: str) -> str:
    """Return the address of a path as errors tell it: readable, without secrets."""
    return f"{storage_url}/{path}" if path else storage_url


async def checked(response: Response, request: Request, url: str) -> Response:
    """Return an answer that is what was asked for and what it says of itself.

    What is read tells where it ends, and is the range that was asked for; a whole ordinary object has its MD5, and what
    was written the MD5 of what was sent.

    Raises
    ------
    IntegrityError
        It is another, or not all of it.
    """
    etag = etag_of(response.headers)
    if request.checked == "after" and response.succeeded and etag not in {response.digest, ""}:
        raise IntegrityError(url, "the service stored other bytes than were sent")
    if request.method == "HEAD" and "/" in request.path and response.status == _OK:
        if "Content-Length" not in response.headers:
            raise IntegrityError(url, "the answer does not tell how long the object is")
        return response
    if request.method != "GET" or response.status not in {_OK, _PARTIAL}:
        return response
    body = response.body if request.into is None else request.into
    length = length_of(body)
    response = _with_length(response, request, length, url)
    if response.status == _PARTIAL:
        _require_range(response, request.headers.get("Range", ""), length, url)
    elif len(etag) == _MD5_DIGITS and not is_large(response.headers) and not request.is_exceeded(response.headers):
        is_of_object = not (request.params or {}).keys() & {"multipart-manifest", "format"}
        if is_of_object and await md5_of(body) != etag:
            raise IntegrityError(url, "the bytes that arrived do not have the MD5 of the object")
    return response


def _with_length(response: Response, request: Request, length: int, url: str) -> Response:
    """Return an answer that tells its length, also where it came in chunks and that is known only now."""
    if "Content-Length" in response.headers:
        return response
    if "Transfer-Encoding" not in response.headers:
        raise IntegrityError(url, "the answer does not tell where it ends, so that part of it may be missing")
    if request.most is not None and length > request.most:
        raise IntegrityError(url, "the answer is longer than what was asked for")
    multidict = require("multidict", extra="swift", purpose="talking to Swift")
    return replace(response, headers=multidict.CIMultiDict(response.headers, **{"Content-Length": str(length)}))


def _require_range(response: Response, asked: str, length: int, url: str) -> None:
    if "," in asked:  # several ranges, each of which tells of itself
        return
    told = content_range(response.headers.get("Content-Range", ""))
    if not (asked and told and told[1] - told[0] == length and _is_range(asked, *told)):
        raise IntegrityError(url, "the answer is another range than what was asked for")


def _is_range(asked: str, start: int, end: int, size: int) -> bool:
    """Whether these bytes of an object of this size are what a `Range` header asks for."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if not first:
        return (start, end) == (max(0, size - int(last)), size)
    return (start, end) == (int(first), min(int(last) + 1, size) if last else size)


def content_range(text: str) -> tuple[int, int, int] | None:
    """Return where the bytes of a partial answer begin and end, exclusive, and the size of the whole object.

    `None` where the header does not tell it.

    Examples
    --------
    >>> content_range("bytes 2-4/9"), content_range("bytes 2-4/*")
    ((2, 5, 9), None)
    """
    told = _CONTENT_RANGE.fullmatch(text)
    if told is None:
        return None
    start, last, size = map(int, told.groups())
    return (start, last + 1, size) if start <= last < size else None
