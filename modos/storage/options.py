"""What may be asked of a service: one table for each, from every spelling in use to the one meaning.

Owns the spellings, ours and those of s3fs, boto3, obstore, gcsfs, adlfs and swiftclient, and the message for one that
is not known. Does no I/O, reads no environment and knows no backend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal

from modos._given import expect, is_host
from modos.errors import InvalidInputError, suggestion

__all__ = [
    "AZURE",
    "GOOGLE",
    "HTTP",
    "S3",
    "SERVICES",
    "SWIFT",
    "Engine",
    "Spellings",
    "checked_endpoint",
    "checked_engine",
    "swift_connection_options",
]

type Engine = Literal["obstore", "fsspec"]
"""What moves bytes: obstore, or the fsspec filesystem of the service (s3fs, gcsfs, adlfs, fsspec's own HTTP)."""

ENGINES: tuple[Engine, ...] = ("obstore", "fsspec")


@dataclass(frozen=True, slots=True)
class Spellings:
    """The options of one service.

    Attributes
    ----------
    service
        Its name, for messages.
    meanings
        Each option, and what else it is called; case does not count.
    prefixes
        What a spelling may begin with and means nothing, such as `aws_`.
    """

    service: str
    meanings: Mapping[str, tuple[str, ...]]
    prefixes: tuple[str, ...] = ()

    def known(self) -> list[str]:
        """Return the options under the names that this library gives them."""
        return sorted(self.meanings)

    def meaning(self, name: str) -> str | None:
        """Return the option that a spelling means, `None` for one that is not known.

        Examples
        --------
        >>> S3.meaning("AWS_ACCESS_KEY_ID"), S3.meaning("region_name"), S3.meaning("colour")
        ('key', 'region', None)
        """
        plain = name.lower()
        for prefix in ("", *self.prefixes):
            spelling = plain.removeprefix(prefix)
            for option, others in self.meanings.items():
                if spelling == option or spelling in others:
                    return option
        return None

    def checked(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return options under the names that this library gives them.

        Raises
        ------
        InvalidInputError
            When one is not known, or is given twice under two names with two values.

        Examples
        --------
        >>> S3.checked({"aws_access_key_id": "me", "skip_signature": "true"})
        {'key': 'me', 'anon': True}
        """
        expect(given, (Mapping, NoneType), f"options of {self.service} are given by a mapping")
        options: dict[str, Any] = {}
        for name, value in (given or {}).items():
            option = self.meaning(name)
            if option is None:
                known = self.known()
                spellings = [*known, *(other for others in self.meanings.values() for other in others)]
                hint = suggestion(name, spellings)
                raise InvalidInputError(f"{self.service} has no option {name!r}{hint}; known are {', '.join(known)}")
            meant = _truth(name, value) if option in _SWITCHES else value
            if options.setdefault(option, meant) != meant:
                raise InvalidInputError(f"{self.service} is given {option!r} twice, with two values")
        if "engine" in options:
            options["engine"] = checked_engine(options["engine"])
        return options


_SWITCHES = frozenset({"anon", "emulator"})
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


def _truth(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    truth = _TRUTHS.get(str(value).lower())
    if truth is None:
        raise InvalidInputError(f"{name!r} is true or false, not {value!r}")
    return truth


def checked_engine(engine: object) -> Engine | None:
    """Return an engine's name if there is such an engine; `None` leaves the choice to what is installed.

    Raises
    ------
    InvalidInputError
        When there is none of that name.
    """
    known: dict[object, Engine | None] = {None: None, "s3fs": "fsspec", **{name: name for name in ENGINES}}
    if engine not in known:
        raise InvalidInputError(f"there is no engine {engine!r}; known are {', '.join(ENGINES)}")
    return known[engine]


def checked_endpoint(address: str) -> str:
    """Return a service's address if it can be one, without a slash at its end.

    Raises
    ------
    InvalidInputError
        When it is not `http://host` or `https://host`.

    Examples
    --------
    >>> checked_endpoint("https://s3.example.org/")
    'https://s3.example.org'
    """
    expect(address, str, "the endpoint of a service is named by text")
    scheme, _, rest = address.partition("://")
    if scheme.lower() not in {"http", "https"} or not is_host(rest.partition("/")[0].rpartition("@")[2]):
        raise InvalidInputError(f"{address!r} is no endpoint; an endpoint looks like https://s3.example.org")
    return address.rstrip("/")


_PATIENCE = {"attempts": ("max_attempts",), "timeout": ()}
_PARTS = {
    "concurrency": ("max_concurrency",),
    "multipart_threshold": (),
    "part_size": ("chunk_size", "default_block_size"),
}

S3 = Spellings(
    "S3",
    {
        **_PATIENCE,
        **_PARTS,
        "anon": ("anonymous", "skip_signature"),
        "endpoint": ("endpoint_url", "endpoint_url_s3"),
        "engine": (),
        "key": ("access_key", "access_key_id"),
        "profile": ("profile_name",),
        "region": ("default_region", "region_name"),
        "secret": ("secret_access_key", "secret_key"),
        "session": ("boto3_session",),
        "token": ("session_token",),
    },
    prefixes=("aws_",),
)

GOOGLE = Spellings(
    "Google Cloud Storage",
    {
        **_PATIENCE,
        **_PARTS,
        "anon": ("anonymous", "skip_signature"),
        "credentials": ("application_credentials", "service_account", "service_account_path"),
        "endpoint": ("base_url", "endpoint_url"),
        "engine": (),
        "key": ("service_account_key",),
        "project": ("project_id",),
        "token": ("bearer_token",),
    },
    prefixes=("google_", "gcp_", "gcs_"),
)

AZURE = Spellings(
    "Azure Blob Storage",
    {
        **_PATIENCE,
        **_PARTS,
        "account": ("account_name",),
        "anon": ("anonymous", "skip_signature"),
        "client_id": (),
        "client_secret": (),
        "connection_string": (),
        "emulator": ("use_emulator",),
        "endpoint": ("account_host", "endpoint_url"),
        "engine": (),
        "key": ("access_key", "account_key", "master_key"),
        "sas_token": ("sas_key",),
        "tenant_id": ("authority_id",),
        "token": ("bearer_token",),
    },
    prefixes=("azure_storage_", "azure_"),
)

HTTP = Spellings("HTTP", {**_PATIENCE, "headers": ()})

SWIFT = Spellings(
    "Swift",
    {
        "application_credential_id": (),
        "application_credential_name": (),
        "application_credential_secret": (),
        "attempts": ("max_attempts",),
        "auth_type": (),
        "auth_url": ("auth", "authurl"),
        "auth_version": ("identity_api_version",),
        "cacert": (),
        "cert": (),
        "cert_key": (),
        "concurrency": ("max_concurrency",),
        "connect_timeout": (),
        "connection": (),
        "credentials": (),
        "insecure": (),
        "interface": ("endpoint_type",),
        "key": (),
        "on_request": (),
        "os_options": (),
        "password": (),
        "project_domain_id": (),
        "project_domain_name": (),
        "project_id": ("tenant_id",),
        "project_name": ("tenant_name",),
        "proxy": (),
        "read_timeout": ("timeout",),
        "region_name": ("region",),
        "segment_size": ("part_size",),
        "storage_url": ("object_storage_url", "preauthurl"),
        "temp_url_key": (),
        "token": ("auth_token", "preauthtoken"),
        "trust_env": (),
        "user": (),
        "user_domain_id": (),
        "user_domain_name": (),
        "user_id": (),
        "username": (),
    },
    prefixes=("os_", "st_"),
)

SERVICES: Mapping[str, Spellings] = {"s3": S3, "gs": GOOGLE, "az": AZURE, "http": HTTP, "swift": SWIFT}
"""The table of each service by its scheme."""


def swift_connection_options(connection: Any) -> dict[str, Any]:  # noqa: ANN401 - swiftclient has no types
    """Return what a `swiftclient.Connection` was made with, as options; its sockets are not shared.

    Raises
    ------
    InvalidInputError
        When it is no such connection, or has neither a token nor what to log in with.
    """
    names = ("url", "token", "authurl", "user", "key", "os_options", "auth_version")
    if not all(hasattr(connection, name) for name in names):
        raise InvalidInputError(f"a connection to Swift is a swiftclient.Connection, not {type(connection).__name__}")
    transport = {name: getattr(connection, name, None) for name in ("cacert", "insecure", "cert", "cert_key")}
    given = {name: value for name, value in transport.items() if value}
    if connection.url and connection.token:
        return {"storage_url": connection.url, "token": connection.token, **given}
    if not (connection.authurl and connection.user and connection.key):
        raise InvalidInputError("the connection to Swift has no token yet: call its get_auth() first")
    if str(connection.auth_version).startswith("1"):
        return {"auth_url": connection.authurl, "user": connection.user, "key": connection.key, **given}
    keystone = {name: value for name, value in connection.os_options.items() if value and SWIFT.meaning(name)}
    login = {"auth_url": connection.authurl, "username": connection.user, "password": connection.key}
    return {**login, "auth_version": str(connection.auth_version), **SWIFT.checked(keystone), **given}
