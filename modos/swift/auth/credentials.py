"""Who asks: the kinds of Swift credentials.

Owns the values. Knows neither where they come from, nor how a token is acquired, nor any request.
"""

from dataclasses import dataclass, field, fields
from typing import Any, get_args

from modos._given import expect
from modos.errors import InvalidInputError
from modos.swift.protocol import host_of
from modos.swift.transport import TLS_OPTIONS, Transport

__all__ = [
    "KINDS",
    "AnonymousCredentials",
    "Credentials",
    "KeystoneApplicationCredential",
    "KeystoneV2Password",
    "KeystoneV3Password",
    "TokenCredentials",
    "V1Credentials",
    "expect_credentials",
    "expect_one_host",
]


@dataclass(frozen=True, slots=True)
class _Options:
    """What every kind of credentials has: how its cloud is reached, where that says so, and plain options.

    Parameters
    ----------
    transport
        TLS for the cloud that these credentials are of; `None` for the usual, and options of the client go before it.
    """

    transport: Transport | None = field(default=None, kw_only=True, repr=False)

    def as_options(self) -> dict[str, Any]:
        """Return the plain options that `modos.swift.credentials_from_options` reads back; they hold the secrets."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "transport"}
        tls = {name: getattr(self.transport, name) for name in TLS_OPTIONS} if self.transport else {}
        return {name: value for name, value in (values | tls).items() if value}


@dataclass(frozen=True, slots=True)
class AnonymousCredentials(_Options):
    """Nobody: for containers that are open to the world.

    Parameters
    ----------
    storage_url
        Address of the account, `https://host/v1/ACCOUNT`.
    """

    storage_url: str


@dataclass(frozen=True, slots=True)
class TokenCredentials(_Options):
    """A pre-authenticated token, which cannot be renewed.

    Parameters
    ----------
    storage_url
        Address of the account, `https://host/v1/ACCOUNT`; the token goes to this host only.
    token
        The token.
    """

    storage_url: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.token.isascii() and self.token.isprintable()):
            raise InvalidInputError("the token has a character that cannot be sent, such as a line break")


@dataclass(frozen=True, slots=True)
class V1Credentials(_Options):
    """User and key of the v1 protocol (TempAuth).

    Parameters
    ----------
    auth_url
        Such as `https://host/auth/v1.0`.
    user
        Such as `account:user`.
    key
        The secret.
    storage_url
        Account to use; `None` for the one that the service names.
    """

    auth_url: str
    user: str
    key: str = field(repr=False)
    storage_url: str | None = None


@dataclass(frozen=True, slots=True)
class KeystoneV2Password(_Options):
    """User and password of Keystone v2.

    Parameters
    ----------
    auth_url
        Such as `https://host:5000/v2.0`.
    username, password
        The user.
    project_name, project_id
        The project (tenant); one of the two.
    region_name
        Region of the object store; `None` for the first.
    interface
        Which of its addresses: `"public"`, `"internal"` or `"admin"`; `None` for the public one.
    storage_url
        Account to use; `None` for the one that the catalogue names.
    """

    auth_url: str
    username: str
    password: str = field(repr=False)
    project_name: str | None = None
    project_id: str | None = None
    region_name: str | None = None
    interface: str | None = None
    storage_url: str | None = None
    auth_version: str = "2"


@dataclass(frozen=True, slots=True)
class KeystoneV3Password(_Options):
    """User and password of Keystone v3.

    Parameters
    ----------
    auth_url
        Such as `https://host:5000/v3`; the version may be left out.
    password
        The secret.
    username, user_id
        The user; one of the two.
    project_name, project_id
        The project; one of the two.
    user_domain_name, user_domain_id, project_domain_name, project_domain_id
        Their domains; `None` for the domain with the id `default`.
    region_name
        Region of the object store; `None` for the first.
    interface
        Which of its addresses: `"public"`, `"internal"` or `"admin"`; `None` for the public one.
    storage_url
        Account to use; `None` for the one that the catalogue names.
    """

    auth_url: str
    password: str = field(repr=False)
    username: str | None = None
    user_id: str | None = None
    project_name: str | None = None
    project_id: str | None = None
    user_domain_name: str | None = None
    user_domain_id: str | None = None
    project_domain_name: str | None = None
    project_domain_id: str | None = None
    region_name: str | None = None
    interface: str | None = None
    storage_url: str | None = None
    auth_version: str = "3"


@dataclass(frozen=True, slots=True)
class KeystoneApplicationCredential(_Options):
    """An application credential of Keystone v3.

    Parameters
    ----------
    auth_url
        Such as `https://host:5000/v3`; the version may be left out.
    application_credential_id
        The credential; `None` where it is named.
    application_credential_secret
        The secret.
    application_credential_name
        Name of the credential; `None` where it has its id. A name is one of a user's.
    username, user_id, user_domain_name, user_domain_id
        The user of a credential that is named, and the domain; `None` for the domain with the id `default`.
    region_name
        Region of the object store; `None` for the first.
    interface
        Which of its addresses: `"public"`, `"internal"` or `"admin"`; `None` for the public one.
    storage_url
        Account to use; `None` for the one that the catalogue names.
    """

    auth_url: str
    application_credential_id: str | None
    application_credential_secret: str = field(repr=False)
    application_credential_name: str | None = None
    username: str | None = None
    user_id: str | None = None
    user_domain_name: str | None = None
    user_domain_id: str | None = None
    region_name: str | None = None
    interface: str | None = None
    storage_url: str | None = None


type Credentials = (
    AnonymousCredentials
    | TokenCredentials
    | V1Credentials
    | KeystoneV2Password
    | KeystoneV3Password
    | KeystoneApplicationCredential
)
"""Any kind of credentials; each is immutable, hashable and shows no secret in its `repr`."""

KINDS: tuple[type[Any], ...] = get_args(Credentials.__value__)
"""The classes of these."""


def expect_credentials(given: object) -> None:
    """Refuse what is no credentials; plain options are given by name.

    Raises
    ------
    InvalidInputError
        When it is something else, such as a mapping.

    Examples
    --------
    >>> expect_credentials({"token": "secret"})
    Traceback (most recent call last):
    modos.errors.InvalidInputError: who asks is told by credentials such as TokenCredentials, or by options such as token=, not by a dict
    """
    expect(given, KINDS, "who asks is told by credentials such as TokenCredentials, or by options such as token=")


def expect_one_host(address: str, given: str | None) -> None:
    """Check that a storage URL beside credentials has the host of the one they are for, to which alone they are sent.

    Parameters
    ----------
    address
        The storage URL that is to be asked.
    given
        The one that the credentials are for; `None` where they lead to one by themselves.

    Raises
    ------
    InvalidInputError
        It is another host.
    """
    if given is not None and host_of(given) != host_of(address):
        theirs, asked = ("://".join(host_of(url)) for url in (given, address))
        raise InvalidInputError(
            f"the credentials are for {theirs} and are not sent to {asked}; give those of that host, "
            "or name its account as storage_url where they are good for it"
        )
