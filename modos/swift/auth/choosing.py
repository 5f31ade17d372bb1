"""Which credentials plain options, or the variables of the environment, tell of.

Owns how these are spelt, which kind they make, and what is missing of it. Knows neither how a token is acquired nor any request.
"""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from modos.errors import InvalidInputError, InvalidURLError, suggestion
from modos.settings import SWIFT_VARIABLES
from modos.swift.auth.credentials import (
    KINDS,
    AnonymousCredentials,
    Credentials,
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    TokenCredentials,
    V1Credentials,
)
from modos.swift.transport import TLS_OPTIONS, Transport

__all__ = ["credentials_from_environment", "credentials_from_options"]

_ALIASES = {
    "preauthurl": "storage_url",
    "object_storage_url": "storage_url",
    "preauthtoken": "token",
    "auth_token": "token",
    "authurl": "auth_url",
    "tenant_name": "project_name",
    "tenant_id": "project_id",
    "identity_api_version": "auth_version",
    "endpoint_type": "interface",
}
_NAMES = frozenset(item.name for kind in KINDS for item in fields(kind)) - {"transport"}
_INTERFACES = ("public", "internal", "admin")
_KEYSTONE = frozenset({"username", "user_id", "password", "project_name", "project_id"})
_PLACE = frozenset({"storage_url", "region_name", "interface", "auth_version"})
_IGNORED = frozenset({"auth_type", "os_options"})
_HINT = (
    "storage_url and token, or auth_url, user and key, or auth_url, username, password and project_name, "
    "or auth_url, application_credential_id and application_credential_secret"
)


def credentials_from_options(*, account_url: str | None = None, **options: Any) -> Credentials:  # noqa: ANN401 - whatever a configuration file holds
    """Return credentials from plain options, also in swiftclient's spelling.

    Parameters
    ----------
    account_url
        The account that an address names: what a token is for that comes without a storage URL. `None` for none.
    **options
        The fields of the kinds of credentials, and `cacert`, `insecure`, `cert` and `cert_key` of `Transport`;
        `preauthurl`, `preauthtoken`, `authurl` and `os_options` as in `swiftclient.Connection`. `None` and empty values
        count as absent.

    Raises
    ------
    InvalidInputError
        For an unknown option, which lists the known ones, and for incomplete credentials, which names what is missing.

    Examples
    --------
    >>> credentials_from_options(auth_url="https://host/auth/v1.0", user="lab:me", key="secret")
    V1Credentials(auth_url='https://host/auth/v1.0', user='lab:me', storage_url=None)
    """
    tls = {name: value for name in TLS_OPTIONS if (value := options.pop(name, None))}
    flat = {**(options.get("os_options") or {}), **options}
    values: dict[str, str] = {}
    for name, value in flat.items():
        known = _ALIASES.get(name, name)
        if known not in _NAMES | _IGNORED:
            listed = ", ".join(sorted(_NAMES))
            message = f"unknown Swift option {name!r}{suggestion(name, _NAMES | set(_ALIASES))}; known are {listed}"
            raise InvalidInputError(message)
        if value and known in _NAMES:
            values[known] = str(value)
    if account_url and "token" in values:
        values.setdefault("storage_url", account_url)
    return _resolved(values, spelling={}, transport=Transport(**tls) if tls else None)


def credentials_from_environment(environ: Mapping[str, str] | None = None) -> Credentials:
    """Return credentials from the usual variables of OpenStack (`OS_*`) and Swift (`ST_*`).

    A token goes first, then a cloud of `clouds.yaml` (`OS_CLOUD`), then `ST_*`, then `OS_*` of Keystone, as in the `swift`
    command.

    Parameters
    ----------
    environ
        The variables; `None` for those of this process.

    Raises
    ------
    InvalidInputError
        When they are absent or incomplete; it names the missing variables.

    Examples
    --------
    >>> credentials_from_environment({"OS_STORAGE_URL": "https://host/v1/lab", "OS_AUTH_TOKEN": "secret"})
    TokenCredentials(storage_url='https://host/v1/lab')
    """
    environ = os.environ if environ is None else environ
    spelling, chosen = _told_by(environ)
    if not chosen:
        raise InvalidInputError(f"there are no Swift credentials in the environment; set {_USUAL_GROUPS}")
    values = {option: environ[name] for option, name in chosen.items()}
    if "cloud" in values:
        from modos.swift.auth.clouds import credentials_from_cloud

        return credentials_from_cloud(values["cloud"], region_name=values.get("region_name"), environ=environ)
    if "storage_url" in values and values.keys() <= _PLACE:
        raise InvalidInputError("the Swift credentials in the environment are incomplete: OS_AUTH_TOKEN missing")
    return _resolved(values, spelling=spelling)


def _told_by(environ: Mapping[str, str]) -> tuple[Mapping[str, str], dict[str, str]]:
    """Return the group of variables that the environment tells of, and those of them that are set."""
    groups = [
        (group, {option: name for option, name in group.items() if environ.get(name)})
        for group in SWIFT_VARIABLES.values()
    ]
    shared = Counter(name for group in SWIFT_VARIABLES.values() for name in group.values())
    for group, found in groups:
        if any(shared[name] == 1 for name in found.values()):
            return group, found
    return max(groups, key=lambda each: (len(each[1]), len(each[0])))  # the one that takes the most is the usual


_USUAL_GROUPS = (
    "OS_STORAGE_URL and OS_AUTH_TOKEN for a token that is at hand; or ST_AUTH, ST_USER and ST_KEY; or OS_AUTH_URL with "
    "OS_APPLICATION_CREDENTIAL_ID and OS_APPLICATION_CREDENTIAL_SECRET, or with OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME"
)


def _resolved(
    values: dict[str, str], *, spelling: Mapping[str, str], transport: Transport | None = None
) -> Credentials:
    """Choose the kind by what is there, then demand what that kind needs."""
    kind = _kind(values)
    if kind in {KeystoneV2Password, KeystoneV3Password}:
        values = {"username": values.get("user", ""), "password": values.get("key", "")} | values
    allowed = {item.name for item in fields(kind)} - {"auth_version"}
    chosen = {name: value for name, value in values.items() if value and name in allowed}
    missing = [spelling.get(name, name) for name in _missing(kind, chosen)]
    if missing:
        raise InvalidInputError(f"the Swift credentials are incomplete: {', '.join(missing)} missing")
    if (url := chosen.get("storage_url", "")).strip("/").count("/") == 2:  # noqa: PLR2004 - those before the host
        raise InvalidURLError(url, "names no account; a storage URL looks like https://host[:port]/v1/ACCOUNT")
    if "interface" in chosen:
        chosen["interface"] = chosen["interface"].removesuffix("URL")  # as in `publicURL` of Keystone v2
        if chosen["interface"] not in _INTERFACES:
            raise InvalidInputError(
                f"the interface must be one of {', '.join(_INTERFACES)}, not {chosen['interface']!r}"
            )
    named = dict.fromkeys(_NAMED & allowed)
    made: Credentials = kind(**named | chosen, transport=transport)
    return made


def _kind(values: Mapping[str, str]) -> type[Any]:
    version = values.get("auth_version", "").removeprefix("v").partition(".")[0]
    if "token" in values:
        return TokenCredentials
    if any(name.startswith("application_credential_") for name in values):
        return KeystoneApplicationCredential
    if version == "1" or (not version and not values.keys() & _KEYSTONE and values.keys() & {"user", "key"}):
        return V1Credentials
    if "storage_url" in values and values.keys() <= _PLACE:
        return AnonymousCredentials
    if not values:
        raise InvalidInputError(f"there are no Swift credentials; give {_HINT}")
    return KeystoneV2Password if version == "2" else KeystoneV3Password


def _missing(kind: type[Any], values: Mapping[str, str]) -> list[str]:
    required = [item.name for item in fields(kind) if item.default is MISSING and item.name not in values]
    either = _ONE_OF.get(kind, ())
    if "application_credential_name" in values and "application_credential_id" not in values:
        either = (*either, ("username", "user_id"))
    return [name for name in required if name not in _NAMED] + [
        names[0] for names in either if not values.keys() & set(names)
    ]


_NAMED = frozenset({"application_credential_id"})
"""What must be said of credentials, be it that there is none."""
_ONE_OF: dict[type[Any], tuple[tuple[str, ...], ...]] = {
    KeystoneV2Password: (("project_name", "project_id"),),
    KeystoneV3Password: (("username", "user_id"), ("project_name", "project_id")),
    KeystoneApplicationCredential: (("application_credential_id", "application_credential_name"),),
}
