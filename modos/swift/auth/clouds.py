"""Credentials from `clouds.yaml`, the file in which OpenStack's own tools keep them.

Owns where the files are looked for, how they are laid over each other, and how an entry becomes options. Knows neither the
kinds of credentials nor any request.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from modos.errors import InvalidInputError, suggestion
from modos.swift.auth.choosing import credentials_from_options
from modos.swift.auth.credentials import Credentials

__all__ = ["credentials_from_cloud"]

_FILE, _SECRETS, _PROFILES = "clouds", "secure", "clouds-public"
_VARIABLES = {_FILE: "OS_CLIENT_CONFIG_FILE", _SECRETS: "OS_CLIENT_SECURE_FILE"}
_DIRECTORIES = (".", "~/.config/openstack", "/etc/openstack")
_SUFFIXES = (".yaml", ".yml", ".json")
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
    "application_credential_name",
    "application_credential_secret",
)
_FOR_BOTH = {f"{whose}_domain_{what}": f"domain_{what}" for whose in ("user", "project") for what in ("name", "id")}
_OF_CLOUD = {
    "region_name": "region_name",
    "interface": "interface",
    "object_store_endpoint_override": "storage_url",
    "identity_api_version": "auth_version",
}
_FILES = {"cacert": "cacert", "cert": "cert", "key": "cert_key"}
_VERSIONS = {"password": None, "v2password": "2", "v3password": "3", "v3applicationcredential": "3"}


def credentials_from_cloud(
    name: str,
    *,
    region_name: str | None = None,
    path: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Return the credentials of an entry of `clouds.yaml`, with its TLS options, region and interface.

    What a `secure.yaml` says of the entry goes before, and what its `profile` in `clouds-public.yaml` says comes after.

    Parameters
    ----------
    name
        Of the entry, as in the environment variable `OS_CLOUD`.
    region_name
        Region of the object store, one of those that the entry lists; `None` for its first, or what Keystone has first.
    path
        The file, which the others are looked for beside; `None` for the one that `OS_CLIENT_CONFIG_FILE` names, else the
        first in the working directory, in `~/.config/openstack` and in `/etc/openstack`.
    environ
        The variables; `None` for those of this process.

    Raises
    ------
    InvalidInputError
        There is no such file, entry, profile or region, or the entry is incomplete or wants what is not known here.
    """
    environ = os.environ if environ is None else environ
    found = _first([Path(path)] if path else _places(_FILE, environ))
    if found is None:
        message = f"there is no {_FILE}.yaml with the cloud {name!r}; {_VARIABLES[_FILE]} can name one"
        raise InvalidInputError(message)
    clouds = _entries(found)
    if name not in clouds:
        message = f"{found} has no cloud {name!r}{suggestion(name, clouds)}"
        raise InvalidInputError(message)
    secrets = _first(_beside(found, _SECRETS) if path else _places(_SECRETS, environ))
    cloud = _over(clouds[name], _entries(secrets).get(name, {}) if secrets else {})
    profiles = _first([*_beside(found, _PROFILES), *(() if path else _places(_PROFILES, environ))])
    try:
        whole = _over(_profile(cloud, _entries(profiles, "public-clouds") if profiles else {}), cloud)
        return credentials_from_options(**cloud_options(whole, region_name=region_name))
    except InvalidInputError as error:
        error.add_note(f"in the cloud {name!r} of {found}")
        raise


def cloud_options(cloud: Mapping[str, Any], *, region_name: str | None = None) -> dict[str, Any]:
    """Return what an entry says to us, as plain options; the rest is for other services.

    Examples
    --------
    >>> cloud_options({"regions": ["One"], "auth": {"auth_url": "https://host/v3"}, "volume_api_version": 3})
    {'auth_url': 'https://host/v3', 'region_name': 'One'}
    """
    region, values = _region(cloud, region_name)
    cloud = {**_over(cloud, values), "region_name": region}
    kind, auth = str(cloud.get("auth_type") or ""), cloud.get("auth", {})
    if kind and kind not in _VERSIONS:
        known = ", ".join(_VERSIONS)
        raise InvalidInputError(f"there is no way to log in with the auth_type {kind!r}; known are {known}")
    told = {name: auth.get(name) or auth.get(_FOR_BOTH.get(name, "")) for name in _OF_AUTH}
    told |= {ours: cloud.get(theirs) for theirs, ours in _OF_CLOUD.items()}
    told["interface"] = told["interface"] or cloud.get("endpoint_type")
    told["auth_version"] = _VERSIONS.get(kind) or told["auth_version"]
    if told["auth_url"]:
        told["auth_url"] = str(told["auth_url"]).replace("{region_name}", region or "")
    files = {ours: Path(str(cloud[theirs])).expanduser() for theirs, ours in _FILES.items() if cloud.get(theirs)}
    unverified = _says(cloud.get("verify"), "false") or _says(cloud.get("insecure"), "true")
    return {name: value for name, value in {**told, **files, "insecure": unverified}.items() if value}


def _says(value: object, word: str) -> bool:
    return str(value).lower() == word


def _region(cloud: Mapping[str, Any], wanted: str | None) -> tuple[str | None, Mapping[str, Any]]:
    """Return a region and what is particular to it: the wanted one, else the one of the entry, else the first it lists."""
    given = cloud.get("regions") or []
    try:
        each = [one if isinstance(one, dict) else {"name": one} for one in given]
        listed = {str(one["name"]): _plain(one.get("values")) for one in each}
    except (TypeError, KeyError, AttributeError):
        listed = {}
    if not isinstance(given, list) or (given and not listed):  # of a text, the letters would be the names
        raise InvalidInputError("`regions` must list names, or mappings with `name` and `values`")
    if wanted and listed and wanted not in listed:
        raise InvalidInputError(f"there is no region {wanted!r}{suggestion(wanted, listed)}")
    region = str(wanted or cloud.get("region_name") or next(iter(listed), "")) or None  # a number, without quotes
    return region, listed.get(region or "", {})


def _profile(cloud: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the profile that an entry names; one that is missing matters only where the entry cannot do without it."""
    name = str(cloud.get("profile") or cloud.get("cloud") or "")
    if not name or name in profiles:
        return profiles.get(name, {})
    if "auth_url" in cloud.get("auth", {}):
        return {}
    message = (
        f"there is no profile {name!r}{suggestion(name, profiles)}; a {_PROFILES}.yaml can have it, or give auth_url"
    )
    raise InvalidInputError(message)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two entries as one, of which the second goes before, also in each thing of `auth`."""
    return {**below, **above, "auth": {**below.get("auth", {}), **above.get("auth", {})}}


def _places(name: str, environ: Mapping[str, str]) -> Iterator[Path]:
    if given := environ.get(_VARIABLES.get(name, "")):
        yield Path(given)
        return
    for directory in _DIRECTORIES:
        with suppress(RuntimeError):  # a user without a home, as in containers
            yield from (Path(directory).expanduser() / f"{name}{suffix}" for suffix in _SUFFIXES)


def _beside(path: Path, name: str) -> list[Path]:
    return [path.with_name(f"{name}{suffix}") for suffix in _SUFFIXES]


def _first(places: Iterator[Path] | list[Path]) -> Path | None:
    return next((each for each in places if each.is_file()), None)


def _entries(path: Path, key: str = "clouds") -> dict[str, dict[str, Any]]:
    import yaml

    try:
        clouds = yaml.safe_load(path.read_text(encoding="utf-8"))[key]
        return {str(name): _plain(cloud) for name, cloud in clouds.items()}
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise InvalidInputError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        pass  # what is in it may be secret, and is not shown
    message = f"{path} is not as it should be: it must be YAML with a mapping `{key}` of mappings"
    raise InvalidInputError(message)


def _plain(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an entry with names in one spelling, where OpenStack's tools take hyphens as well, and `auth` for sure."""
    named = {name.replace("-", "_"): value for name, value in (entry or {}).items()}
    return named | {"auth": {name.replace("-", "_"): value for name, value in (named.get("auth") or {}).items()}}
