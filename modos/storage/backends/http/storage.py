"""Files that a web server hands out, for reading only.

Owns which requests a read comes to, and what their answers mean for a file. Knows no other backend.
"""

import json
from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote, urlsplit

from fsspec.asyn import sync

from modos._given import is_host
from modos.errors import IntegrityError, InvalidURLError, ServiceError, StorageError
from modos.storage.backends.failures import meaning_in_fsspec
from modos.storage.backends.http.asking import WHOLE, Answer, Web
from modos.storage.backends.http.open_answers import Span
from modos.storage.backends.http.pages import linked_names
from modos.storage.backends.opened import Opened
from modos.storage.backends.remote import FsspecStorage
from modos.storage.base import Method
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name

if TYPE_CHECKING:
    from fsspec.implementations.http import HTTPFileSystem

__all__ = ["HTTPStorage"]

_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_NO_HEAD = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


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
        self._opened = Opened(partial(Web, json.dumps(self._options)))
        self.read_only = True

    @property
    def filesystem(self) -> "HTTPFileSystem":
        """The HTTP filesystem of fsspec, made on first use and shared by storages beneath this one."""
        return self._opened.get().filesystem

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

    def _asked(self, ask: Callable[..., Coroutine[Any, Any, Answer]], *request: object) -> Answer:
        answer: Answer = sync(self.filesystem.loop, ask, *request)
        return answer

    def _found(self, method: str, name: str, span: Span = WHOLE, *, reads_on: bool = False) -> Answer:
        """Return the answer to a request for a file, or a span of it; a server leads on to `name/` when it is a directory."""
        (start, end), web = span, self._opened.get()
        wanted = {} if span == WHOLE else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        request = self.url_of(name), {"Accept-Encoding": "identity", **wanted}, span
        answer = self._asked(web.read, *request) if reads_on else self._asked(web.ask, method, *request)
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
        answer = self._found("GET", name, (start, end), reads_on=True)
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return b""
        answer.check(self.url_of(name))
        told = answer.headers.get("content-range", "")
        if answer.status == HTTPStatus.PARTIAL_CONTENT and not told.startswith(f"bytes {start}-"):
            raise IntegrityError(self.url_of(name), "the server sent another range than was asked for")
        return answer.body

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        url = f"{self.url_of(name) if name else self._url}/"
        answer = self._asked(self._opened.get().ask, "GET", url, {})
        if answer.status in _GONE:
            return
        answer.check(url)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            raise ServiceError(url, "the server lists no directories; read files by their names")
        for link in linked_names(answer.body.decode(errors="replace"), url):
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
