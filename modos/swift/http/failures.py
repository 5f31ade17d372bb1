"""What goes wrong between us and the service, told in our own errors.

Owns what each error of aiohttp, and of a socket, means. Knows no request and no answer: a status is no failure of the way.
"""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modos._lazy import require
from modos.errors import (
    IntegrityError,
    InvalidInputError,
    ModosError,
    ServiceError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.swift.transport import BROKEN_TLS, tls_refusal

__all__ = ["socket_errors", "transport_errors"]


@contextmanager
def transport_errors(url: str) -> Iterator[None]:
    """Turn the errors of aiohttp into ours: the one boundary of the data path. What is unknown passes through."""
    try:
        yield
    except Exception as error:
        aiohttp = require("aiohttp", extra="swift", purpose="talking to Swift")
        if not isinstance(error, aiohttp.ClientError | TimeoutError | ConnectionError | UnicodeError):
            raise
        raise _meaning(aiohttp, url, error) from error


@contextmanager
def socket_errors(url: str) -> Iterator[None]:
    """Turn the errors of sockets and `http.client` into ours; no file may be read or written within."""
    try:
        yield
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        aiohttp = require("aiohttp", extra="swift", purpose="talking to Swift")
        raise _meaning(aiohttp, url, error) from error


def _meaning(aiohttp: Any, url: str, error: Exception) -> ModosError:  # noqa: ANN401 - imported on use only
    """Return the first that fits: the narrower stand before the wider."""
    if reason := tls_refusal(error):
        return UnreachableError(url, reason)
    refused = f"the proxy does not let it through (HTTP {getattr(error, 'status', None)})"
    kinds: tuple[tuple[Any, ModosError], ...] = (
        ((aiohttp.InvalidURL, UnicodeError), InvalidInputError(f"{url!r} is no address of an object store")),
        (TimeoutError, StorageTimeoutError(url)),
        (aiohttp.ClientPayloadError, IntegrityError(url, "the answer was cut short")),
        (aiohttp.ClientSSLError, UnreachableError(url, BROKEN_TLS)),
        (aiohttp.ClientHttpProxyError, UnreachableError(url, refused)),
        (aiohttp.ClientProxyConnectionError, UnreachableError(url, "no connection to the proxy")),
        ((aiohttp.ClientConnectorError, ConnectionRefusedError), UnreachableError(url)),
        ((aiohttp.ClientConnectionError, ConnectionError), UnreachableError(url, "the connection was lost")),
        (http.client.IncompleteRead, IntegrityError(url, "the answer was cut short")),
        (ssl.SSLError, UnreachableError(url, BROKEN_TLS)),
        (OSError, UnreachableError(url)),
        (Exception, ServiceError(url, "what answers there does not speak HTTP as a Swift does")),
    )
    return next(ours for kind, ours in kinds if isinstance(error, kind))
