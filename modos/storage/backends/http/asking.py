"""Requests to a web server: made again where they broke, and what their answers mean.

Owns when a request is made at all: of a server without ranges, an answer that is open is read on. Must not know names.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from weakref import WeakValueDictionary

from modos._lazy import require
from modos.storage.backends.failures import refusal
from modos.storage.backends.http.open_answers import OpenAnswer, Span

__all__ = ["WHOLE", "Answer", "Web"]

WHOLE: Span = (0, None)

_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_PHRASES = frozenset(HTTPStatus)


@dataclass(frozen=True, slots=True)
class Answer:
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
        """When the file was changed, `None` where the server does not say."""
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


class Web:
    """What storages of one server share: its client, and the answers that are open.

    Parameters
    ----------
    options
        Headers, time-out and attempts, in JSON.
    """

    def __init__(self, options: str) -> None:
        aiohttp = require("aiohttp", extra="http", purpose="reading from web servers")
        from fsspec.implementations.http import HTTPFileSystem

        given = json.loads(options)
        self._patience, self._attempts = given["timeout"], given["attempts"]
        limits = aiohttp.ClientTimeout(total=None, sock_connect=self._patience, sock_read=self._patience)
        client = {"headers": given["headers"], "timeout": limits, "trust_env": True}
        self.filesystem: HTTPFileSystem = HTTPFileSystem(client_kwargs=client, encoded=True, skip_instance_cache=True)
        self._open: WeakValueDictionary[str, OpenAnswer] = WeakValueDictionary()  # they hold themselves, for a while
        self._has_ranges = False

    async def ask(self, method: str, url: str, headers: Mapping[str, str], span: Span = WHOLE) -> Answer:
        """Make a request, again where it broke or the server was busy: reading twice does no harm."""
        opened = OpenAnswer(self._patience)
        try:
            return await self._asked(method, url, headers, span, opened)
        finally:
            opened.end()

    async def read(self, url: str, headers: Mapping[str, str], span: Span) -> Answer:
        """Return a span of a file; it takes no request where it is still to come in an answer that is open.

        Whether a server has ranges is known from its last answer. Until it is, and where it has none, one reader of a file waits
        for the other.
        """
        if self._has_ranges or span == WHOLE:
            return await self.ask("GET", url, headers, span)
        opened = self._open.setdefault(url, OpenAnswer(self._patience))
        async with opened.turn:
            body = await self._taken(opened, span)
            if body is not None:
                return Answer(HTTPStatus.OK, opened.url, opened.told, body)
            return await self._asked("GET", url, headers, span, opened)

    @staticmethod
    async def _taken(opened: OpenAnswer, span: Span) -> bytes | None:
        import aiohttp

        try:
            return await opened.take(span)
        except (aiohttp.ClientError, TimeoutError):  # which the next request will tell, if it lasts
            return None

    async def _asked(self, method: str, url: str, headers: Mapping[str, str], span: Span, opened: OpenAnswer) -> Answer:
        import aiohttp
        from yarl import URL

        session = await self.filesystem.set_session()
        for attempt in range(1, self._attempts + 1):
            pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
            try:
                answer = await session.request(method, URL(url, encoded=True), headers=headers, allow_redirects=True)
                told = {name.lower(): value for name, value in answer.headers.items()}
                if span != WHOLE and answer.status == HTTPStatus.OK:
                    self._has_ranges = False
                    opened.begin(answer, told)
                    body = await opened.take(span) or b""  # nothing is to be had from an empty file
                else:
                    self._has_ranges |= answer.status == HTTPStatus.PARTIAL_CONTENT
                    body = await answer.read()
                if answer.status not in _AGAIN or attempt == self._attempts:
                    if answer.status == HTTPStatus.OK and (known := self._open.get(url)) is not None:
                        known.end_if_other(told)
                    return Answer(answer.status, str(answer.url), told, body)
                wait = told.get("retry-after", "")
                pause = min(float(wait), _LONGEST_PAUSE) if wait.isdecimal() else pause
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                if attempt == self._attempts:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError
