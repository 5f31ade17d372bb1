"""Signed addresses (TempURL): one object or a prefix, one method, until a given time, for whoever holds the address.

Owns the signature, and where its key and digest are found. Knows nothing of fsspec.
"""

import hashlib
import hmac
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from modos.errors import AccessDeniedError, InvalidInputError, InvalidPathError, KeyNotFoundError
from modos.swift.http.client import SwiftClient
from modos.swift.protocol import split_path, url_of

__all__ = ["SignedPrefix", "Signer", "Terms"]

_PREFERRED = ("sha256", "sha512", "sha1")
_KEYS = ("Temp-Url-Key", "Temp-Url-Key-2")


@dataclass(frozen=True, slots=True)
class SignedPrefix:
    """A prefix that whoever holds it may do one thing beneath; a name in it becomes an address by `url_of`.

    Attributes
    ----------
    prefix
        Address of the prefix, which ends with a slash.
    query
        The signature, which goes behind the name of an object.
    """

    prefix: str
    query: str = field(repr=False)

    def url_of(self, name: str) -> str:
        """Return the address of an object by its name within the prefix.

        Raises
        ------
        InvalidPathError
            It names nothing beneath the prefix.

        Examples
        --------
        >>> SignedPrefix("https://host/v1/lab/omics/ex/", "temp_url_sig=…").url_of("data file.txt")
        'https://host/v1/lab/omics/ex/data%20file.txt?temp_url_sig=…'
        """
        if not name or name.startswith("/") or {".", ".."} & set(name.split("/")):
            raise InvalidPathError(name, "names no object beneath the prefix")
        return f"{self.prefix}{quote(name, safe='/~')}?{self.query}"

    def __str__(self) -> str:
        return f"{self.prefix}?{self.query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a signed address allows, until when and whom; signs as Swift's TempURL middleware checks it.

    Attributes
    ----------
    key
        Secret of the account or the container.
    expires
        When it ends, in seconds since 1970.
    method
        `GET`, which allows `HEAD` too, `HEAD`, `PUT`, `POST` or `DELETE`.
    digest
        `sha256`, `sha512` or `sha1`, as the service allows.
    ip_range
        Address or network (CIDR) from which alone it works; `None` for anywhere.

    Examples
    --------
    >>> terms = Terms(key="secret", expires=1900000000)
    >>> terms.url("https://host/v1/lab", "omics/a b").partition("=")[0]
    'https://host/v1/lab/omics/a%20b?temp_url_sig'
    >>> terms.prefix("https://host/v1/lab", "omics/ex")
    SignedPrefix(prefix='https://host/v1/lab/omics/ex/')
    """

    key: str = field(repr=False)
    expires: int
    method: str = "GET"
    digest: str = "sha256"
    ip_range: str | None = None

    def url(self, storage_url: str, path: str) -> str:
        """Return the address that lets its holder do one thing with one object, `container/object`."""
        return url_of(storage_url, path, self._signed(_path_of(storage_url, path)))

    def prefix(self, storage_url: str, path: str) -> SignedPrefix:
        """Return what lets its holder do one thing with all beneath `container[/prefix]`, and with nothing beside it."""
        beneath = f"{path.rstrip('/')}/"
        signed = self._signed(f"prefix:{_path_of(storage_url, beneath)}")
        address = url_of(storage_url, beneath, {**signed, "temp_url_prefix": split_path(beneath)[1]})
        return SignedPrefix(*address.split("?", maxsplit=1))

    def _signed(self, path: str) -> dict[str, str | int]:
        """Return the parameters that say who may do what, and the proof."""
        limits = [] if self.ip_range is None else [f"ip={self.ip_range}"]
        text = "\n".join([*limits, self.method, str(self.expires), path]).encode()
        proof = hmac.new(self.key.encode(), text, self.digest).hexdigest()
        signed: dict[str, str | int] = {"temp_url_sig": proof, "temp_url_expires": self.expires}
        return signed if self.ip_range is None else {**signed, "temp_url_ip_range": self.ip_range}


def _path_of(storage_url: str, path: str) -> str:
    return f"{unquote(urlsplit(storage_url).path).rstrip('/')}/{path}"


class Signer:
    """Signs addresses of one account, on terms that it asks the service for.

    Parameters
    ----------
    client
        Asks the service for its keys and for what it allows.
    key
        The key to use; `None` to ask the container, then the account, for theirs.
    """

    def __init__(self, client: SwiftClient, key: str | None = None) -> None:
        self._client = client
        self._key = key
        self._allowed: Mapping[str, Any] | None = None

    async def sign(self, path: str, *, expires_in: int, method: str = "GET", ip_range: str | None = None) -> str:
        """Return a signed address of `container/object`.

        Raises
        ------
        InvalidInputError
            There is no key, and it says how to set one; or the service signs nothing like this.
        """
        terms = await self._terms(path, expires_in, method, ip_range)
        return terms.url((await self._client.access()).storage_url, path)

    async def sign_prefix(
        self, path: str, *, expires_in: int, method: str = "GET", ip_range: str | None = None
    ) -> SignedPrefix:
        """Return a signed prefix, `container` or `container/prefix`; raises what `sign` does."""
        terms = await self._terms(path, expires_in, method, ip_range)
        return terms.prefix((await self._client.access()).storage_url, path)

    async def _terms(self, path: str, expires_in: int, method: str, ip_range: str | None) -> Terms:
        method = method.upper()
        network = None if ip_range is None else _network(ip_range)
        allowed = await self._what_is_allowed()
        methods = allowed.get("methods", (method,))
        if method not in methods:
            message = f"the service signs no address for {method}, only for {', '.join(methods)}"
            raise InvalidInputError(message)
        return Terms(
            key=self._key or await self._asked_key(split_path(path)[0]),
            expires=int(time.time()) + expires_in,
            method=method,
            digest=_best(allowed.get("allowed_digests", ())),
            ip_range=network,
        )

    async def _asked_key(self, container: str) -> str:
        for path, kind in ((container, "X-Container-Meta-"), ("", "X-Account-Meta-")):
            try:
                headers = (await self._client.request("HEAD", path)).headers
            except (AccessDeniedError, KeyNotFoundError):
                continue
            for name in _KEYS:
                if headers.get(kind + name):
                    return headers[kind + name]
        message = (
            f"neither the container {container!r} nor the account has a TempURL key that these credentials may read; "
            f"give the container one with TempURLs().rotate({container!r}) or `modos swift sign --new-key`"
        )
        raise InvalidInputError(message)

    async def _what_is_allowed(self) -> Mapping[str, Any]:
        if self._allowed is None:
            told = await self._client.capabilities()
            if told and "tempurl" not in told:
                message = "this service has no signed addresses (TempURL)"
                raise InvalidInputError(message)
            self._allowed = told.get("tempurl", {})
        return self._allowed


def _best(allowed: Collection[str]) -> str:
    return next((name for name in _PREFERRED if name in allowed and name in hashlib.algorithms_available), "sha256")


def _network(text: str) -> str:
    """Return an address or a network as Swift reads it: without bits beside the mask."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        message = f"{text!r} is no IP address or network, which look like 192.0.2.7 and 192.0.2.0/24"
        raise InvalidInputError(message) from None
    return str(network) if "/" in text else text
