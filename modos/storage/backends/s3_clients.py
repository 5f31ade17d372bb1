"""Clients for S3: an s3fs filesystem, and a store of obstore, set up alike for AWS and for every other service.

Owns where credentials, region and endpoint come from, and how patient a client is. Knows no verb of the contract.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.storage.backends.engine import ObstoreEngine, patience
from modos.storage.options import checked_endpoint

if TYPE_CHECKING:
    from s3fs import S3FileSystem

__all__ = ["INLINE", "PART", "is_anonymous", "s3_engine", "s3_filesystem"]

PART = 16 * 1024 * 1024
"""Bytes of a part of a long upload."""

INLINE = 8 * 1024 * 1024
"""Bodies up to this many bytes go in one request; longer ones in parts."""

_TIMEOUT = 60.0
_ATTEMPTS = 5
_AT_ONCE = 8
_PURPOSE = "reading and writing S3"
_FRESH = timedelta(minutes=10)


def is_anonymous(options: Mapping[str, Any]) -> bool:
    """Tell whether requests go unsigned: as the options say, else as `AWS_SKIP_SIGNATURE` does."""
    if "anon" in options:
        return bool(options["anon"])
    return os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in {"true", "1"} and "key" not in options


def s3_filesystem(endpoint: str | None, options: Mapping[str, Any]) -> "S3FileSystem":
    """Return an s3fs filesystem: path-style addresses, no listing cache, no checksums that other services refuse."""
    s3fs = require("s3fs", extra="s3", purpose=_PURPOSE)
    session = require("aiobotocore.session", extra="s3", purpose=_PURPOSE).AioSession(profile=options.get("profile"))
    session.lazy_register_component("data_loader", lambda: _descriptions(session.get_config_variable("data_path")))
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time_of)
    session.get_component("event_emitter").register_last("before-call.s3", _send_at_once)
    session.get_component("event_emitter").register_last("before-call.s3.UploadPart", _sign_the_md5)
    theirs = options.get("session")
    if theirs is not None:
        session._credentials = _awaitable(_plain(theirs).get_credentials())  # noqa: SLF001 - the only way to refresh
    region = options.get("region") or (_plain(theirs).get_config_variable("region") if theirs is not None else None)
    timeout = float(options.get("timeout") or _TIMEOUT)
    attempts = int(options.get("attempts") or _ATTEMPTS)
    anonymous = is_anonymous(options)
    filesystem = s3fs.S3FileSystem(
        session=session,
        anon=anonymous,
        key=options.get("key"),
        secret=options.get("secret"),
        token=options.get("token"),
        endpoint_url=endpoint,
        client_kwargs={"region_name": region} if region else {},
        config_kwargs={
            **({} if anonymous else {"signature_version": "s3v4"}),
            "connect_timeout": timeout,
            "read_timeout": timeout,
            "max_pool_connections": 64,
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "retries": {"mode": "standard", "total_max_attempts": attempts},
            "s3": {"addressing_style": "path"},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
        max_concurrency=int(options.get("concurrency") or _AT_ONCE),
    )
    filesystem.retries = min(2, attempts)  # botocore has retried by then; once more for a body that broke off
    filesystem.close_session = partial(_close_session, filesystem.close_session)
    return filesystem


@cache
def _descriptions(folders: str | None) -> Any:  # noqa: ANN401 - botocore has no types
    """Return what botocore knows of AWS's services, read once for all clients: that is half of what each costs to make."""
    from botocore.loaders import create_loader

    return create_loader(folders)


def _close_session(close: Callable[..., None], loop: asyncio.AbstractEventLoop | None, client: Any) -> None:  # noqa: ANN401 - s3fs has no types
    """Close a client in its own loop: s3fs would do it in the one of the thread that lets go of it, if there is one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        close(loop, client)
    else:
        if loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(client.__aexit__(None, None, None), loop)


def _time_of(told: str) -> datetime:
    """Return what a listing says as a time; botocore's own way takes three quarters of all that a listing costs."""
    try:
        return datetime.fromisoformat(told)
    except ValueError:  # headers have it in the form of HTTP
        from botocore.utils import parse_timestamp

        found: datetime = parse_timestamp(told)
        return found


def _send_at_once(params: Mapping[str, Any], **_: object) -> None:
    """Do not wait for `100 Continue` before a body is sent: aiohttp waits without end when it does not come."""
    params["headers"].pop("Expect", None)


def _sign_the_md5(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
    """Sign the MD5 of a part and not its bytes, which then need no SHA-256: the service compares the one or the other."""
    config = context.get("client_config")
    if config is not None and "Content-MD5" in params["headers"]:
        unsigned = type(config)(s3={**(config.s3 or {}), "payload_signing_enabled": False})
        context["client_config"] = config.merge(unsigned)


def s3_engine(bucket: str, endpoint: str | None, options: Mapping[str, Any]) -> ObstoreEngine:
    """Return a bucket for obstore, with the credentials, region and endpoint that s3fs would use.

    Raises
    ------
    botocore.exceptions.NoCredentialsError
        When there are none, and requests are not to go unsigned.
    """
    from obstore.store import S3Store

    config: dict[str, Any] = _identity(options)
    session = _plain(options["session"]) if "session" in options else _session(options)
    config["region"] = options.get("region") or session.get_config_variable("region") or "us-east-1"
    address = endpoint or _configured_endpoint(session)
    if address:
        config["endpoint"] = address
    if not config.keys() & {"access_key_id", "skip_signature"}:
        config.update(_resolved(session))
    reading, writing = (
        S3Store(bucket, **config, **patience(options, timeout=_TIMEOUT, attempts=_ATTEMPTS, uploads=uploads))
        for uploads in (False, True)
    )
    return ObstoreEngine(
        reading,
        uploads=writing,
        part_size=int(options.get("part_size") or PART),
        concurrency=int(options.get("concurrency") or _AT_ONCE),
    )


def _identity(options: Mapping[str, Any]) -> dict[str, Any]:
    if is_anonymous(options):
        return {"skip_signature": True}
    names = {"key": "access_key_id", "secret": "secret_access_key", "token": "session_token"}
    return {names[name]: options[name] for name in names if options.get(name)}


def _session(options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - botocore has no types
    return require("botocore.session", extra="s3", purpose=_PURPOSE).Session(profile=options.get("profile"))


def _plain(session: Any) -> Any:  # noqa: ANN401 - boto3's session or botocore's
    """Return the botocore session in one of boto3."""
    return getattr(session, "_session", session)


def _configured_endpoint(session: Any) -> str | None:  # noqa: ANN401 - botocore has no types
    """Return what `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile says."""
    from botocore.configprovider import ConfiguredEndpointProvider

    provider = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3", os.environ)
    found: str | None = provider.provide()
    return checked_endpoint(found) if found else None


def _resolved(session: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore has no types
    """Return the session's credentials: as they are, or as what renews them when they end."""
    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    if not isinstance(credentials, RefreshableCredentials):
        return _identity({"key": credentials.access_key, "secret": credentials.secret_key, "token": credentials.token})

    def renewed() -> dict[str, Any]:
        frozen = credentials.get_frozen_credentials()
        identity = {"access_key_id": frozen.access_key, "secret_access_key": frozen.secret_key, "token": frozen.token}
        return {**identity, "expires_at": datetime.now(UTC) + _FRESH}

    return {"credential_provider": renewed}


def _awaitable(credentials: Any) -> Any:  # noqa: ANN401 - botocore has no types
    """Return a session's credentials as aiobotocore asks for them, renewed by the session itself."""
    from aiobotocore.credentials import AioCredentials
    from botocore.exceptions import NoCredentialsError

    if credentials is None:
        raise NoCredentialsError

    class Renewed(AioCredentials):  # type: ignore[misc]
        async def get_frozen_credentials(self) -> Any:  # noqa: ANN401 - as in aiobotocore
            return await asyncio.to_thread(credentials.get_frozen_credentials)

    frozen = credentials.get_frozen_credentials()
    return Renewed(frozen.access_key, frozen.secret_key, frozen.token)
