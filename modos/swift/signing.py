"""Signed addresses (TempURL): one object, one method, until a given time, for whoever holds the address.

Owns the signature and where its key is found. Knows nothing of fsspec.
"""

import hashlib
import hmac
import time
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from modos.errors import AccessDeniedError, InvalidInputError, KeyNotFoundError
from modos.swift.client import SwiftClient
from modos.swift.protocol import split_path, url_of

__all__ = ["Signer", "signed_url"]

_PREFERRED = ("sha256", "sha512", "sha1")
_KEYS = ("Temp-Url-Key", "Temp-Url-Key-2")


def signed_url(
    storage_url: str, path: str, *, key: str, expires: int, method: str = "GET", digest: str = "sha256"
) -> str:
    """Return the address that lets its holder do one thing with one object, as Swift's TempURL middleware checks it.

    Parameters
    ----------
    storage_url, path
        The account and `container/object`.
    key
        Secret of the account or the container.
    expires
        When it ends, in seconds since 1970.
    method
        `GET`, which allows `HEAD` too, `HEAD`, `PUT`, `POST` or `DELETE`.
    digest
        `sha256`, `sha512` or `sha1`, as the service allows.

    Examples
    --------
    >>> url = signed_url("https://host/v1/lab", "omics/a b", key="secret", expires=1900000000)
    >>> url.startswith("https://host/v1/lab/omics/a%20b?temp_url_sig=")
    True
    """
    signed_path = f"{unquote(urlsplit(storage_url).path).rstrip('/')}/{path}"
    text = f"{method}\n{expires}\n{signed_path}".encode()
    signature = hmac.new(key.encode(), text, digest).hexdigest()
    return url_of(storage_url, path, {"temp_url_sig": signature, "temp_url_expires": expires})


class Signer:
    """Signs addresses of one account.

    Parameters
    ----------
    client
        Asks the service for its keys and for what it allows.
    key
        The key to use; `None` to ask the account, then the container, for theirs.
    """

    def __init__(self, client: SwiftClient, key: str | None = None) -> None:
        self._client = client
        self._key = key
        self._digest: str | None = None

    async def sign(self, path: str, *, expires_in: int, method: str = "GET") -> str:
        """Return a signed address of `container/object`.

        Raises
        ------
        InvalidInputError
            There is no key; it says how to set one.
        """
        key = self._key or await self._asked_key(split_path(path)[0])
        if self._digest is None:
            self._digest = _best(await self._allowed())
        return signed_url(
            (await self._client.access()).storage_url,
            path,
            key=key,
            expires=int(time.time()) + expires_in,
            method=method.upper(),
            digest=self._digest,
        )

    async def _asked_key(self, container: str) -> str:
        for path, kind in (("", "X-Account-Meta-"), (container, "X-Container-Meta-")):
            try:
                headers = (await self._client.request("HEAD", path)).headers
            except (AccessDeniedError, KeyNotFoundError):
                continue
            for name in _KEYS:
                if headers.get(kind + name):
                    return headers[kind + name]
        message = (
            f"neither the account nor the container {container!r} has a TempURL key that these credentials may read; "
            "set one with `swift post -m 'Temp-URL-Key:<secret>'` (account) or "
            f"`swift post {container} -m 'Temp-URL-Key:<secret>'`, or give temp_url_key="
        )
        raise InvalidInputError(message)

    async def _allowed(self) -> Collection[str]:
        told = await self._client.capabilities()
        return list(told.get("tempurl", {}).get("allowed_digests", ()))


def _best(allowed: Collection[str]) -> str:
    return next((name for name in _PREFERRED if name in allowed and name in hashlib.algorithms_available), "sha256")
