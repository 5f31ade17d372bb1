"""Files that a web server hands out, for reading only.

Owns which requests a read comes to, what their answers mean, and directories as index pages show them. Knows no other
backend.
"""

import asyncio
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote, urljoin, urlsplit

from fsspec.asyn import sync

from modos._given import is_host
from modos._lazy import require
from modos.errors import IntegrityError, InvalidPathError, InvalidURLError, ServiceError, StorageError
from modos.storage.backends.failures import meaning_in_fsspec, refusal
from modos.storage.backends.opened import Opened
from modos.storage.backends.remote import FsspecStorage
from modos.storage.base import Method
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from fsspec.implementations.http import HTTPFileSystem

__all__ = ["HTTPStorage"]

_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_NO_HEAD = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0

type _Span = tuple[int, int | None]
"""From where to where of a file, the end exclusive; `None` for all that is behind."""


class HTTPStorage(FsspecStorage):
    """A directory of a web server, for reading only.

    A directory's files are those that its index page links to; listing asks for the size of each. Whatever a server
    does not index can still be read by its name.

    Parameters
    ----------
    url
        `https://host/directory`; names in it are percent-encoded.
    headers
        Sent with every request; `None` for none.
    timeout
        Seconds for a connection or an answer.
    attempts
        How often a request is made.

    Raises
    ------
    InvalidURLError
        When the address has a query or a fragment, or holds credentials.

    Examples
    --------
    >>> storage = HTTPStorage("https://example.org/studies")
    >>> storage.url_of("ex 1/reads.cram")
    'https://example.org/studies/ex%201/reads.cram'
    """

    _why_read_only = "is on a web server, which is for reading"

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 60.0, attempts: int = 5
    ) -> None:
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        if "@" in host:
            raise InvalidURLError(f"{scheme}://…/{path.rpartition('@')[2]}", "holds a user name; give a header instead")
        if not is_host(host) or "?" in path or "#" in path:
            raise InvalidURLError(url, "is no directory's address; it must be https://host/directory, without a query")
        self._url = url.rstrip("/")
        self._prefix = self._url
        self._options: dict[str, Any] = {
            "headers": dict(headers or {}),
            "timeout": float(timeout),
            "attempts": int(attempts),
        }
        self._opened = Opened(partial(_filesystem, json.dumps(self._options)))
        self.read_only = True

    @property
    def filesystem(self) -> "HTTPFileSystem":
        """The HTTP filesystem of fsspec, made on first use and shared by storages beneath this one."""
        return self._opened.get()

    @property
    def url(self) -> str:
        """The address of the directory."""
        return self._url

    @property
    def path(self) -> PurePosixPath:
        """The path in the address."""
        return PurePosixPath(unquote(urlsplit(self._url).path) or "/")

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file, percent-encoded."""
        return f"{self._url}/{quote(target_name(target))}"

    def _identity(self) -> tuple[object, ...]:
        return (self.url, self.read_only, json.dumps(self._options))

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self.url_of(target), **self._options)
        beneath._opened = self._opened
        return beneath

    def _ask(self, method: str, url: str, headers: Mapping[str, str], span: "_Span" = (0, None)) -> "_Answer":
        filesystem, attempts = self.filesystem, self._options["attempts"]
        answer: _Answer = sync(filesystem.loop, _exchanged, filesystem, method, url, headers, attempts, span)
        return answer

    def _found(self, method: str, name: str, span: "_Span" = (0, None)) -> "_Answer":
        """Return the answer to a request for a file, or a span of it; a server leads on to `name/` when it is a directory."""
        url, (start, end) = self.url_of(name), span
        wanted = {} if span == (0, None) else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        answer = self._ask(method, url, {"Accept-Encoding": "identity", **wanted}, span)
        if answer.status in _GONE or urlsplit(answer.url).path.endswith("/"):
            raise FileNotFoundError(name)
        return answer

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            answer = self._found("HEAD", name)
            if answer.status in _NO_HEAD or (answer.status == HTTPStatus.OK and answer.size is None):
                answer = self._found("GET", name, (0, 1))
        except FileNotFoundError:
            return None
        url = self.url_of(name)
        answer.check(url)
        if answer.size is None:
            raise ServiceError(url, "the server does not say how long the file is")
        return ObjectInfo(
            PurePosixPath(name),
            size=answer.size,
            last_modified=answer.modified,
            etag=answer.headers.get("etag", "").removeprefix("W/").strip('"') or None,
            content_type=answer.headers.get("content-type"),
        )

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        answer = self._found("GET", name, (start, end))
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return b""
        answer.check(self.url_of(name))
        told = answer.headers.get("content-range", "")
        if answer.status == HTTPStatus.PARTIAL_CONTENT and not told.startswith(f"bytes {start}-"):
            raise IntegrityError(self.url_of(name), "the server sent another range than was asked for")
        return answer.body

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        url = f"{self.url_of(name) if name else self._url}/"
        answer = self._ask("GET", url, {})
        if answer.status in _GONE:
            return
        answer.check(url)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            raise ServiceError(url, "the server lists no directories; read files by their names")
        for link in _links(answer.body.decode(errors="replace"), url):
            path = target_name(f"{name}/{link.rstrip('/')}" if name else link.rstrip("/"))
            if not link.endswith("/"):
                info = self._stat(path)  # `None` for a link that leads nowhere
                if info is not None:
                    yield info
            elif recursive:
                yield from self._scan(path, recursive=True)
            else:
                yield ObjectInfo(PurePosixPath(path), kind="directory")

    def _sign(self, name: str, *, expires_in: float, method: Method) -> str:  # noqa: ARG002 - there is nothing to sign
        raise ServiceError(self.url_of(name), "a web server has no signed URLs")

    def _translated(self, error: Exception, url: str) -> StorageError | None:
        return meaning_in_fsspec(error, url, urlsplit(url).netloc) or super()._translated(error, url)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; header names are in small letters."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def size(self) -> int | None:
        """Bytes of the whole file, as a range or the length tells."""
        _, _, total = self.headers.get("content-range", "").rpartition("/")
        length = total or self.headers.get("content-length", "")
        return int(length) if length.isdecimal() else None

    @property
    def modified(self) -> Any:  # noqa: ANN401 - a datetime or None
        with suppress(ValueError):
            return parsedate_to_datetime(self.headers.get("last-modified", ""))
        return None

    def check(self, url: str) -> None:
        """Raise what a refusal means."""
        if self.status < HTTPStatus.BAD_REQUEST:
            return
        error = refusal(url, self.status, message=HTTPStatus(self.status).phrase if self.status in _PHRASES else "")
        if isinstance(error, PermissionError) and "/v1/AUTH_" in url:
            error.add_note(f"this looks like a place in OpenStack Swift, whose address is swift+{url}")
        raise error


_PHRASES = frozenset(HTTPStatus)


async def _exchanged(  # noqa: PLR0917 - it is called by way of `sync`
    filesystem: "HTTPFileSystem", method: str, url: str, headers: Mapping[str, str], attempts: int, span: _Span
) -> _Answer:
    """Make a request, again where it broke or the server was busy: reading twice does no harm."""
    import aiohttp
    from yarl import URL

    session = await filesystem.set_session()
    for attempt in range(1, attempts + 1):
        pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
        try:
            async with session.request(method, URL(url, encoded=True), headers=headers, allow_redirects=True) as answer:
                body = await _body(answer, span)
                told = {name.lower(): value for name, value in answer.headers.items()}
            if answer.status not in _AGAIN or attempt == attempts:
                return _Answer(answer.status, str(answer.url), told, body)
            wait = told.get("retry-after", "")
            pause = min(float(wait), _LONGEST_PAUSE) if wait.isdecimal() else pause
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
            if attempt == attempts:
                raise
        await asyncio.sleep(pause)
    raise AssertionError


async def _body(answer: "ClientResponse", span: _Span) -> bytes:
    """Return the body of an answer; of what a server without ranges sends, no more than the span that was asked for."""
    start, end = span
    if span == (0, None) or answer.status != HTTPStatus.OK:
        return await answer.read()
    kept, at = bytearray(), 0
    async for chunk in answer.content.iter_any():
        kept += chunk[max(0, start - at) : None if end is None else max(0, end - at)]
        at += len(chunk)
        if end is not None and at >= end:
            break
    return bytes(kept)


def _filesystem(options: str) -> "HTTPFileSystem":
    aiohttp = require("aiohttp", extra="http", purpose="reading from web servers")
    from fsspec.implementations.http import HTTPFileSystem

    given = json.loads(options)
    patience = aiohttp.ClientTimeout(total=None, sock_connect=given["timeout"], sock_read=given["timeout"])
    client = {"headers": given["headers"], "timeout": patience, "trust_env": True}
    return HTTPFileSystem(client_kwargs=client, encoded=True, skip_instance_cache=True)


class _Links(HTMLParser):
    """Collects the targets of the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]


def _links(page: str, url: str) -> list[str]:
    """Return what an index page links to one level beneath its own address; directories end with a slash.

    Examples
    --------
    >>> _links('<a href="../">up</a> <a href="a%20b">a b</a> <a href="sub/">sub</a> <a href="?C=N">N</a>', "http://h/d/")
    ['a b', 'sub/']
    """
    parser = _Links()
    parser.feed(page)
    names: dict[str, None] = {}
    for target in parser.targets:
        parts = urlsplit(urljoin(url, target))
        beneath = parts._replace(query="", fragment="").geturl()
        name = unquote(beneath.removeprefix(url))
        if beneath == url or not beneath.startswith(url) or parts.query or "/" in name.rstrip("/"):
            continue
        with suppress(InvalidPathError):  # another name than a target may have
            target_name(name.removesuffix("/"))
            names[name] = None
    return sorted(names)
