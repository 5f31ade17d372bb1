"""One token for each set of credentials in a process, acquired once and renewed once.

Owns logging in (python-swiftclient, keystoneauth) and who waits for it. Knows no object, container or event loop's
session.
"""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from modos._given import is_host
from modos._lazy import require
from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    InvalidInputError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.swift.auth.credentials import (
    AnonymousCredentials,
    Credentials,
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    TokenCredentials,
    V1Credentials,
)
from modos.swift.auth.lifetimes import Access, Lifetime, expiry_after
from modos.swift.protocol import backoff, error_for, is_transient
from modos.swift.transport import BROKEN_TLS, Transport, tls_refusal
from modos.swift.waiting import result_of

__all__ = ["Access", "access", "log_in"]

_USUAL, _UNKNOWN = Transport(), Lifetime()
_ATTEMPTS = 4
_PURPOSE = "logging in to Swift"
_NO_STORE = "accepts the credentials but names no object store for them; are the region and the interface right?"
_TOKENLESS = "answers without a token, so it is no authentication service of v1; Keystone wants a project as well"
_UNKNOWN_CREDENTIAL = "Could not find Application Credential"  # with 404, as for an address that is wrong
_NO_SERVICE = "there is no authentication service at this address"
_NO_V2 = f"{_NO_SERVICE} that speaks v2, which Keystone has given up; try v3: auth_version or OS_IDENTITY_API_VERSION"
_CHECK: dict[type[Any], str] = {
    V1Credentials: "the user and the key",
    KeystoneV2Password: "the user, the password and the project",
    KeystoneV3Password: "the user, the password, the project, and the domains of user and project",
    KeystoneApplicationCredential: "the application credential and its secret; it may have been removed, or have ended",
}

type _OfKeystone = KeystoneV2Password | KeystoneV3Password | KeystoneApplicationCredential
type _CanLogIn = V1Credentials | _OfKeystone


class _Logins:
    """Accesses of this process, and the logins under way that others wait for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: dict[Credentials, Access] = {}
        self.lifetimes: dict[Credentials, Lifetime] = {}
        self.pending: dict[tuple[Credentials, Transport], Future[Access]] = {}

    def after_fork(self) -> None:
        self.lock = threading.Lock()
        self.pending = {}


_logins = _Logins()
os.register_at_fork(after_in_child=_logins.after_fork)


async def access(
    credentials: Credentials,
    *,
    stale: Access | None = None,
    patience: float = 30.0,
    transport: Transport = _USUAL,
) -> Access:
    """Return the access that these credentials give, logging in when there is none yet or it is the stale one.

    However many tasks, threads and event loops ask at once, one login is made and all get its answer. Where the service
    says when a token ends, it is renewed a while before, and meanwhile the present one is returned.

    Parameters
    ----------
    credentials
        Who asks.
    stale
        An access that the service no longer accepts; `None` for any.
    patience
        Seconds that each request of the login may take.
    transport
        TLS and proxies of the login; where it says nothing of TLS, the credentials may.

    Raises
    ------
    AuthenticationError
        The credentials are refused, or the token is stale and cannot be renewed.
    UnreachableError, StorageTimeoutError, ServiceError
        The authentication service did not answer as it should.
    """
    if isinstance(credentials, AnonymousCredentials | TokenCredentials):
        return _ready(credentials, stale)
    with _logins.lock:
        current = _logins.known.get(credentials)
        if current is not None and stale is not None and current.token == stale.token:
            current = None
        lifetime, now = _logins.lifetimes.get(credentials, _UNKNOWN), time.time()
        if current is not None and now < lifetime.due:
            return current
        way = credentials, transport
        pending = _logins.pending.get(way)
        if pending is None:
            pending = _logins.pending[way] = Future()
            pending.set_running_or_notify_cancel()  # from here on, no waiter can cancel it for the others
            threading.Thread(target=_complete, args=(pending, *way, patience), daemon=True).start()
    if current is not None and now < lifetime.end:
        return current
    return await result_of(pending)


def _ready(credentials: AnonymousCredentials | TokenCredentials, stale: Access | None) -> Access:
    token = getattr(credentials, "token", None)
    if stale is None or stale.token != token:
        return Access(credentials.storage_url.rstrip("/"), token)
    if isinstance(credentials, AnonymousCredentials):
        hint = "OS_AUTH_TOKEN goes to the host of OS_STORAGE_URL alone"
        reason = f"it is not open to the world, and no credentials were given for it; {hint}"
    else:
        reason = "the service does not accept this token; it may have expired, and it cannot be renewed"
    raise AuthenticationError(credentials.storage_url, reason, status=401)


def _complete(pending: Future[Access], credentials: Credentials, transport: Transport, timeout: float) -> None:
    try:
        made = log_in(credentials, timeout=timeout, transport=transport)
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to those who wait
        with _logins.lock:
            _logins.lifetimes[credentials] = _logins.lifetimes.get(credentials, _UNKNOWN).unrenewed()
            _logins.pending.pop((credentials, transport), None)
        pending.set_exception(error)
        return
    with _logins.lock:
        before = _logins.known.get(credentials)
        _logins.lifetimes[credentials] = Lifetime.of(made, before=before, now=time.time())
        _logins.known[credentials] = made
        _logins.pending.pop((credentials, transport), None)
    pending.set_result(made)


def log_in(credentials: Credentials, *, timeout: float = 30.0, transport: Transport = _USUAL) -> Access:
    """Acquire a token, asking again a few times when the service is overloaded or the connection is lost.

    This is blocking, and neither looks at nor changes what the process knows already: see `access`.

    Raises
    ------
    AuthenticationError
        The credentials are refused; it names the address that refused them.
    UnreachableError, StorageTimeoutError, ServiceError
        The authentication service did not answer as it should.
    """
    if isinstance(credentials, AnonymousCredentials | TokenCredentials):
        return _ready(credentials, None)
    transport = transport.or_tls_of(credentials.transport)
    for attempt in range(1, _ATTEMPTS):
        try:
            return _asked(credentials, timeout, transport)
        except StorageError as error:
            lost = isinstance(error, UnreachableError) and not tls_refusal(error.__cause__)
            if not (lost or (error.status and is_transient(error.status))):
                raise
            time.sleep(backoff(attempt))
    return _asked(credentials, timeout, transport)


def _asked(credentials: _CanLogIn, timeout: float, transport: Transport) -> Access:
    _check_address(credentials.auth_url)
    swiftclient = require("swiftclient.client", extra="swift", purpose=_PURPOSE)
    swiftclient.logger_settings["reveal_sensitive_prefix"] = 0  # its logs show 16 characters of secrets otherwise
    with _login_errors(credentials):
        if isinstance(credentials, V1Credentials):
            url, token, expires_at = _v1(credentials, timeout, transport)
        else:
            session = _keystone_session(credentials, timeout, transport)
            which = {"region_name": credentials.region_name, "endpoint_type": credentials.interface or "public"}
            url, token = swiftclient.get_auth(credentials.auth_url, None, None, session=session, os_options=which)
            expires_at = session.auth.auth_ref.expires
    if not token:
        raise ServiceError(credentials.auth_url, _TOKENLESS)
    storage_url = credentials.storage_url or url
    if not storage_url:
        raise ServiceError(credentials.auth_url, _NO_STORE)
    return Access(storage_url.rstrip("/"), token, expires_at)


def _check_address(auth_url: str) -> None:
    """Refuse what no request can be sent to: keystoneauth passes it over, and then knows no object store."""
    try:
        parts = urlsplit(auth_url)
        is_address = parts.scheme in {"http", "https"} and is_host(parts.netloc.rpartition("@")[2])
    except ValueError:  # brackets that do not fit
        is_address = False
    if not is_address:
        message = f"{auth_url!r} is no address of an authentication service, which looks like https://host:5000/v3"
        raise InvalidInputError(message)


def _http(transport: Transport, url: str) -> Any:  # noqa: ANN401 - a session of requests
    """Return a session whose proxies are those of the data; an environment that is read would win over them."""
    made = require("requests", extra="swift", purpose=_PURPOSE).Session()
    made.trust_env = False
    made.proxies = {"all": proxy} if (proxy := transport.proxy_for(url)) else {}
    return made


def _v1(
    credentials: V1Credentials, timeout: float, transport: Transport
) -> tuple[str | None, str | None, datetime | None]:
    begun = datetime.now(UTC)
    with _http(transport, credentials.auth_url) as http:
        answer = http.get(
            credentials.auth_url,
            headers={"X-Auth-User": credentials.user.encode(), "X-Auth-Key": credentials.key.encode()},
            timeout=timeout,
            allow_redirects=False,
            **transport.for_requests(),
        )
    if not answer.ok or answer.is_redirect:
        raise _refusal(credentials, answer.status_code)
    told = answer.headers
    token = told.get("X-Storage-Token") or told.get("X-Auth-Token")
    expires_at = expiry_after(begun, told.get("X-Storage-Token-Expires") or told.get("X-Auth-Token-Expires"))
    return told.get("X-Storage-Url"), token, expires_at


def _keystone_session(credentials: _OfKeystone, timeout: float, transport: Transport) -> Any:  # noqa: ANN401 - keystoneauth ships no types
    return require("keystoneauth1.session", extra="swift", purpose=_PURPOSE).Session(
        auth=_v2(credentials) if isinstance(credentials, KeystoneV2Password) else _v3(credentials),
        session=_http(transport, credentials.auth_url),
        timeout=timeout,
        redirect=False,
        **transport.for_requests(),
    )


def _v2(credentials: KeystoneV2Password) -> Any:  # noqa: ANN401 - likewise
    return require("keystoneauth1.identity.v2", extra="swift", purpose=_PURPOSE).Password(
        _versioned(credentials.auth_url, "v2.0"),
        username=credentials.username,
        password=credentials.password,
        tenant_name=credentials.project_name,
        tenant_id=credentials.project_id,
    )


def _v3(credentials: KeystoneV3Password | KeystoneApplicationCredential) -> Any:  # noqa: ANN401 - likewise
    identity = require("keystoneauth1.identity.v3", extra="swift", purpose=_PURPOSE)
    user = {
        "username": credentials.username,
        "user_id": credentials.user_id,
        "user_domain_name": credentials.user_domain_name,
        "user_domain_id": _domain(credentials.user_id, credentials.user_domain_name, credentials.user_domain_id),
    }
    auth_url = _versioned(credentials.auth_url, "v3")
    if isinstance(credentials, KeystoneApplicationCredential):
        return identity.ApplicationCredential(
            auth_url,
            application_credential_id=credentials.application_credential_id,
            application_credential_secret=credentials.application_credential_secret,
            application_credential_name=credentials.application_credential_name,
            **user,
        )
    return identity.Password(
        auth_url,
        password=credentials.password,
        project_name=credentials.project_name,
        project_id=credentials.project_id,
        project_domain_name=credentials.project_domain_name,
        project_domain_id=_domain(
            credentials.project_id, credentials.project_domain_name, credentials.project_domain_id
        ),
        **user,
    )


def _versioned(auth_url: str, version: str) -> str:
    base = auth_url.rstrip("/")
    last = base.rpartition("/")[2]
    return base if last in {"v2.0", "v3"} else f"{base}/{version}"


def _domain(owner_id: str | None, name: str | None, id_: str | None) -> str | None:
    return id_ or (None if owner_id or name else "default")


@contextmanager
def _login_errors(credentials: _CanLogIn) -> Iterator[None]:
    """Turn the errors of swiftclient, requests and keystoneauth into ours: the one boundary of logging in."""
    auth_url = credentials.auth_url
    swift = require("swiftclient.exceptions", extra="swift", purpose=_PURPOSE)
    http = require("requests.exceptions", extra="swift", purpose=_PURPOSE)
    keystone = require("keystoneauth1.exceptions", extra="swift", purpose=_PURPOSE)
    try:
        yield
    except (http.Timeout, keystone.ConnectTimeout) as error:
        raise StorageTimeoutError(auth_url, "the authentication service did not answer in time") from error
    except (http.SSLError, keystone.SSLError) as error:
        raise UnreachableError(auth_url, tls_refusal(error) or BROKEN_TLS) from error
    except http.ProxyError as error:
        raise UnreachableError(auth_url, "the proxy does not let it through") from error
    except http.InvalidHeader:  # it shows the secret
        raise InvalidInputError("the user or the key has a character that cannot be sent") from None
    except (http.ConnectionError, keystone.ConnectFailure) as error:
        raise UnreachableError(auth_url, "no connection to the authentication service") from error
    except (swift.ClientException, keystone.HttpError) as error:
        raise _refusal(credentials, error.http_status, str(error)) from error
    except keystone.CatalogException as error:
        raise ServiceError(auth_url, _NO_STORE) from error
    except (keystone.ClientException, http.RequestException) as error:
        raise ServiceError(auth_url, "the authentication service answered with something else") from error


def _refusal(credentials: _CanLogIn, status: int | None, said: str = "") -> StorageError:
    auth_url = credentials.auth_url
    if status in {401, 403} or _UNKNOWN_CREDENTIAL in said:
        kind = AccessDeniedError if status == 403 else AuthenticationError  # noqa: PLR2004 - Forbidden
        return kind(
            auth_url, f"the service refuses these credentials; check {_CHECK[type(credentials)]}", status=status
        )
    if status in {400, 404, 405, 410, 412}:  # nothing is missing in a storage: the address is wrong
        reason = _NO_V2 if isinstance(credentials, KeystoneV2Password) else _NO_SERVICE
        return ServiceError(auth_url, reason, status=status)
    if status is None:
        return ServiceError(auth_url, "this address does not answer as an authentication service does")
    error = error_for(status, auth_url)
    return (
        error
        if isinstance(error, ServiceUnavailableError | StorageTimeoutError)
        else ServiceError(auth_url, "the authentication service failed", status=status)
    )
