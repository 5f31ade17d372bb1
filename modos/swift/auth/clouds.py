"""Credentials from `clouds.yaml`, the file in which OpenStack's own tools keep them.

Owns where the file is looked for and how an entry becomes options. Knows neither the kinds of credentials nor any request.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modos.errors import InvalidInputError, suggestion
from modos.swift.auth.credentials import Credentials, credentials_from_options

__all__ = ["credentials_from_cloud"]

_FILE, _SECRETS = "clouds.yaml", "secure.yaml"
_VARIABLES = {_FILE: "OS_CLIENT_CONFIG_FILE", _SECRETS: "OS_CLIENT_SECURE_FILE"}
_DIRECTORIES = (".", "~/.config/openstack", "/etc/openstack")
_OF_AUTH = (
    "auth_url",
    "username",
    "user_id",
    "password",
    "project_name",
    "project_id",
    "tenant_name",
    "tenant_id",
    "user_domain_name",
    "user_domain_id",
    "project_domain_name",
    "project_domain_id",
    "application_credential_id",
    "application_credential_secret",
)


def credentials_from_cloud(
    name: str, *, path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> Credentials:
    """Return the credentials of an entry of `clouds.yaml`; secrets may be in a `secure.yaml`.

    Parameters
    ----------
    name
        Of the entry, as in the environment variable `OS_CLOUD`.
    path
        The file; `None` for the one that `OS_CLIENT_CONFIG_FILE` names, else the first in the working directory, in
        `~/.config/openstack` and in `/etc/openstack`.
    environ
        The variables; `None` for those of this process.

    Raises
    ------
    InvalidInputError
        There is no such file, no such entry, or it is incomplete.
    """
    environ = os.environ if environ is None else environ
    places = [Path(path)] if path else _places(_FILE, environ)
    found = next((each for each in places if each.is_file()), None)
    if found is None:
        message = f"there is no {_FILE} with the cloud {name!r}; {_VARIABLES[_FILE]} can name one"
        raise InvalidInputError(message)
    clouds = _clouds(found)
    if name not in clouds:
        message = f"{found} has no cloud {name!r}{suggestion(name, clouds)}"
        raise InvalidInputError(message)
    beside = [found.with_name(_SECRETS)] if path else _places(_SECRETS, environ)
    secret = next((_clouds(each) for each in beside if each.is_file()), {}).get(name, {})
    try:
        return credentials_from_options(**cloud_options(clouds[name], secret))
    except InvalidInputError as error:
        error.add_note(f"in the cloud {name!r} of {found}")
        raise


def cloud_options(cloud: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry, and what is kept secret of it, says to us; the rest is for other services.

    Examples
    --------
    >>> cloud_options({"region_name": "One", "auth": {"auth_url": "https://host/v3"}, "volume_api_version": 3}, {})
    {'auth_url': 'https://host/v3', 'region_name': 'One', 'auth_version': None}
    """
    auth = {**(cloud.get("auth") or {}), **(secret.get("auth") or {})}
    return {
        **{name: auth[name] for name in _OF_AUTH if name in auth},
        "region_name": cloud.get("region_name"),
        "auth_version": cloud.get("identity_api_version"),
    }


def _places(name: str, environ: Mapping[str, str]) -> Iterator[Path]:
    if given := environ.get(_VARIABLES[name]):
        yield Path(given)
        return
    for directory in _DIRECTORIES:
        yield Path(directory).expanduser() / name


def _clouds(path: Path) -> dict[str, Any]:
    import yaml

    try:
        clouds = yaml.safe_load(path.read_text(encoding="utf-8"))["clouds"]
        if all(isinstance(cloud, dict) for cloud in clouds.values()):
            return dict(clouds)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise InvalidInputError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        pass  # what is in it may be secret, and is not shown
    message = f"{path} is no {_FILE}: it must be YAML with a mapping `clouds`"
    raise InvalidInputError(message)
