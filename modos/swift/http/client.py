"""Requests to Swift: authenticated, retried, checked, and their failures told in our own errors.

Owns one request from the first attempt to the last. Knows nothing of fsspec, listings or large objects.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from modos._lazy import require
from modos.errors import (
    AuthenticationError,
    IntegrityError,
    InvalidInputError,
    KeyExistsError,
    KeyNotFoundError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.swift.auth.choosing import credentials_from_environment
from modos.swift.auth.credentials import AnonymousCredentials, Credentials, expect_one_host
from modos.swift.auth.tokens import Access, access
from modos.swift.http.bodies import Body, Room, length_of, md5_of
from modos.swift.http.bulk import by_thread
from modos.swift.http.exchanges import Attempt, Exchange, Patience, Request, Response, Way, address_of, checked
from modos.swift.http.failures import transport_errors
from modos.swift.http.lanes import Lanes
from modos.swift.http.sessions import by_session, session
from modos.swift.protocol import (
    backoff,
    condition,
    etag_of,
    host_of,
    is_transient,
    range_header,
    retry_after,
    url_of,
)
from modos.swift.transport import Transport, tls_refusal
from modos.swift.waiting import LoopNeededError, is_here, pause

__all__ = ["SwiftClient"]

_SLOWER = 5
_OK, _UNAUTHORIZED = 200, 401


class SwiftClient:
    """An account of an OpenStack Swift, for any number of event loops, threads and processes.

    It holds no connection and no token: those belong to the process, and are shared by all clients in it.

    Parameters
    ----------
    credentials
        Who asks; `None` to read the environment at the first request.
    storage_url
        The account, where an address names it; `None` for that of the credentials. Those for another host are not sent to
        it: where they are of the environment, it is then asked as nobody.
    patience
        How long to try; `None` for the defaults.
    transport
        TLS and proxies; `None` for the defaults. Where it says nothing of TLS, the credentials may.
    on_request
        Called with each `Attempt`, but not for logging in, on the event loop or in the thread that asks: it must not
        block. It stays in this process, so that a pickle has none. `None` for nothing to call.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        storage_url: str | None = None,
        patience: Patience | None = None,
        transport: Transport | None = None,
        on_request: Callable[[Attempt], object] | None = None,
    ) -> None:
        self._credentials = credentials
        self._storage_url = storage_url.rstrip("/") if storage_url else None
        self._found: Credentials | None = None
        self._proxies: dict[str, str | None] = {}
        self.patience = patience or Patience()
        self.transport = transport or Transport()
        self.on_request = on_request

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._credentials or self._storage_url or 'environment'!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SwiftClient) and self._made_with == other._made_with

    def __hash__(self) -> int:
        return hash(self._made_with)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: what its environment said, and who counts in it."""
        return self.__dict__ | {"_found": None, "_proxies": {}, "on_request": None}

    @property
    def _made_with(self) -> tuple[Credentials | None, str | None]:
        return self._credentials, self._storage_url

    @property
    def known_storage_url(self) -> str | None:
        """The account, `None` where it is known only after logging in."""
        return self._storage_url or (self._credentials.storage_url if self._credentials else None)

    @property
    def identity(self) -> tuple[Credentials, str | None]:
        """Who asks for which account: clients for whom this is equal see the same."""
        return self._settled(), self._storage_url

    async def access(self, *, stale: Access | None = None) -> Access:
        """Return storage URL and token, logging in when that has not been done in this process.

        Raises
        ------
        InvalidInputError
            The credentials were given, and are for another host than the account.
        """
        if self._storage_url is not None and stale is not None and stale.token is None:
            return await access(AnonymousCredentials(self._storage_url), stale=stale)
        credentials = self._settled()
        made = await access(credentials, stale=stale, patience=self.patience.read_timeout, transport=self.transport)
        if self._storage_url is None or made.storage_url == self._storage_url:
            return made
        if host_of(made.storage_url) == host_of(self._storage_url):
            return replace(made, storage_url=self._storage_url)
        if self._credentials is not None:
            expect_one_host(self._storage_url, made.storage_url)
        return await access(AnonymousCredentials(self._storage_url))

    def _way_to(self, known: Access) -> Transport:
        """Return TLS and proxies; the TLS of credentials is not for hosts that these are not sent to."""
        credentials = self._settled()
        is_elsewhere = known.token is None and not isinstance(credentials, AnonymousCredentials)
        return self.transport if is_elsewhere else self.transport.or_tls_of(credentials.transport)

    def _settled(self) -> Credentials:
        if self._credentials is not None:
            return self._credentials
        return self._found or self._read_environment()

    def _read_environment(self) -> Credentials:
        try:
            self._found = credentials_from_environment()
        except InvalidInputError:
            if self._storage_url is None:
                raise
            self._found = AnonymousCredentials(self._storage_url)
        return self._found

    async def capabilities(self) -> dict[str, Any]:
        """Return what the service says of itself under `/info`; empty where it says nothing."""
        known = await self.access()
        origin = "://".join(host_of(known.storage_url))
        aiohttp = require("aiohttp", extra="swift", purpose="talking to Swift")
        timeout = aiohttp.ClientTimeout(total=self.patience.read_timeout)
        with self._told("GET", "/info") as note, transport_errors(f"{origin}/info"):
            async with (await session(self._way_to(known))).get(
                f"{origin}/info", timeout=timeout, allow_redirects=False, proxy=self._proxy(origin)
            ) as answer:
                note(answer.status)
                told = await answer.read() if answer.status == _OK else b"{}"
        try:
            return dict(json.loads(told))
        except ValueError:
            return {}

    async def request(
        self,
        method: str,
        path: str = "",
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        accept: Collection[int] = (),
        slow: bool = False,
        most: int | None = None,
    ) -> Response:
        """Make a request until it is answered for good, and return the answer.

        Overload, server errors, lost connections and damaged answers are tried again after a while; a token that is
        no longer accepted is renewed once. A whole ordinary object is checked against its MD5.

        Parameters
        ----------
        method, path, params
            What is asked for; `path` is `container/object`, not encoded, or empty for the account.
        headers, body
            What is sent along.
        accept
            Statuses beside 2xx that are an answer for the caller and no error.
        slow
            The service works before it answers, as for a copy: it is given five times the patience.
        most
            Bytes that the answer may have: a longer one is returned without any. `None` for any number.

        Raises
        ------
        StorageError
            The subclass says what happened; only `KeyNotFoundError` means missing.
        """
        exchange = await self._exchange(Request(method, path, params, headers or {}, body, slow, most=most))
        if exchange.succeeded or exchange.response.status in accept:
            return exchange.response
        raise exchange.failure()

    async def put(
        self,
        path: str,
        body: Body,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        digest: str | None = None,
        create: bool = False,
        slow: bool = False,
    ) -> Response:
        """Write an object, whole or not at all: the service checks the MD5 before it shows the object.

        Parameters
        ----------
        path, body, headers, params
            What is written, and where.
        digest
            The ETag that the object will have; `None` for the MD5 of the body.
        create
            Refuse when something is there.
        slow
            The service works before it answers, as for a manifest: it is given five times the patience.

        Raises
        ------
        KeyExistsError
            `create`, and something is there. Where the answer to an earlier attempt was lost and what is there has
            our digest, it is taken for ours.
        KeyNotFoundError
            There is no such container.
        """
        etag = digest or await md5_of(body)
        sent = {**(headers or {}), "Etag": etag} | ({"If-None-Match": "*"} if create else {})
        exchange = await self._exchange(Request("PUT", path, params, sent, body, slow))
        if not exchange.succeeded:
            failure = exchange.failure()
            if not (isinstance(failure, KeyExistsError) and exchange.repeated):
                raise failure
            if etag_of((await self.request("HEAD", path)).headers) != etag:
                raise failure
            return Response(201, {"Etag": etag}, b"")
        if etag_of(exchange.response.headers) not in {etag, ""}:
            raise IntegrityError(exchange.url, "the service stored other bytes than were sent")
        return exchange.response

    async def put_aside(self, path: str, body: Body, *, headers: Mapping[str, str] | None = None) -> str:
        """Write an object to which nothing refers yet, and return its MD5, which is made while it is sent.

        The body is read once, where `put` reads it twice; other bytes than were sent are found when they are there, and
        are sent again.
        """
        exchange = await self._exchange(Request("PUT", path, headers=headers or {}, body=body, checked="after"))
        if not exchange.succeeded or exchange.response.digest is None:
            raise exchange.failure()
        return exchange.response.digest

    async def read_into(
        self, path: str, room: Room, *, start: int, etag: str | None = None, lanes: Lanes | None = None
    ) -> Mapping[str, str]:
        """Fill a buffer or a sink with the bytes of an object from `start` on, and return the headers that came along.

        Parameters
        ----------
        path, start
            The object, and where the bytes begin.
        room
            It is as long as what is asked for. A sink is begun anew with each attempt, and gets pieces that are its own
            only until it returns.
        etag
            That the object must still have; `None` for any.
        lanes
            Connections to use; `None` for those of the process.

        Raises
        ------
        IntegrityError
            The object does not have this ETag any more, or not so many bytes came.
        """
        headers = range_header(start, start + length_of(room)) | condition(etag)
        exchange = await self._exchange(Request("GET", path, headers=headers, into=room, lanes=lanes))
        if not exchange.succeeded:
            raise exchange.failure()
        return exchange.response.headers

    async def delete(self, path: str, *, missing_ok: bool = False) -> None:
        """Delete an object or an empty container.

        Raises
        ------
        KeyNotFoundError
            There is none, unless `missing_ok`. Where the answer to an earlier attempt was lost, it was ours to delete.
        """
        exchange = await self._exchange(Request("DELETE", path))
        if not exchange.succeeded:
            failure = exchange.failure()
            if not (isinstance(failure, KeyNotFoundError) and (missing_ok or exchange.repeated)):
                raise failure

    async def _exchange(self, request: Request) -> Exchange:
        """Ask until the answer is not a passing one, or patience ends: the one loop of retries."""
        known = await self.access()
        renewed, attempt = False, 0
        while True:
            attempt += 1
            url = address_of(known.storage_url, request.path)
            try:
                response = await self._attempt(request, known, url)
            except (UnreachableError, StorageTimeoutError, IntegrityError) as error:
                if attempt >= self.patience.attempts or tls_refusal(error.__cause__):
                    raise
                await pause(backoff(attempt))
                continue
            if response.status == _UNAUTHORIZED and not renewed:
                renewed, attempt = True, attempt - 1
                known = await self._renewed(known, url)
                continue
            if attempt >= self.patience.attempts or not is_transient(response.status):
                return Exchange(request, url, response, repeated=attempt > 1)
            wait = retry_after(response.headers, self.patience.longest_wait)
            await pause(backoff(attempt) if wait is None else wait)

    async def _renewed(self, stale: Access, url: str) -> Access:
        """Return another access than the stale one; what came from the environment is read there anew."""
        used = self._found
        try:
            return await self.access(stale=stale)
        except AuthenticationError as error:
            if used is not None and self._reads_other_than(used):
                return await self.access()
            raise AuthenticationError(url, error.reason, status=_UNAUTHORIZED) from error

    def _reads_other_than(self, used: Credentials) -> bool:
        try:
            return self._read_environment() != used
        except InvalidInputError:
            return False

    def _proxy(self, storage_url: str) -> str | None:
        """Return the proxy for an address; the environment is asked once, which takes longer than a small request.

        Raises
        ------
        InvalidURLError
            It is no address that a request can be sent to.
        """
        if storage_url not in self._proxies:
            host_of(storage_url)
            self._proxies[storage_url] = self.transport.proxy_for(storage_url)
        return self._proxies[storage_url]

    @contextmanager
    def _told(self, method: str, path: str) -> Iterator[Callable[[int], object]]:
        """Tell who counts of an attempt when it has ended; yields what is to be given the status."""
        statuses: list[int] = []
        try:
            yield statuses.append
        finally:
            if self.on_request is not None:
                self.on_request(Attempt(method, path, statuses[0] if statuses else None))

    async def _attempt(self, request: Request, known: Access, url: str) -> Response:
        headers = dict(request.headers)
        if known.token is not None:
            headers["X-Auth-Token"] = known.token
        if request.body is not None:
            headers["Content-Length"] = str(length_of(request.body))
        way = Way(
            address=url_of(known.storage_url, request.path, request.params),
            headers=headers,
            transport=self._way_to(known),
            proxy=self._proxy(known.storage_url),
            connect_timeout=self.patience.connect_timeout,
            read_timeout=self.patience.read_timeout * (_SLOWER if request.slow else 1),
        )
        if is_here() and way.proxy is not None:  # through which only the event loop leads
            raise LoopNeededError
        carry = by_thread if is_here() or (request.is_bulk and way.proxy is None) else by_session
        with self._told(request.method, request.path) as note:
            response = await carry(request, way, url, note)
        return await checked(response, request, url)
