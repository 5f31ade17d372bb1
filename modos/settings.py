"""The environment variables that modos reads, by name.

Owns which variable stands for which option. Knows neither what the options mean nor who reads them.
"""

import getpass
import socket
from collections.abc import Mapping
from pathlib import Path

__all__ = ["SWIFT_VARIABLES", "author", "cache_directory"]


def author(environment: Mapping[str, str]) -> str:
    """Return who is at work, for the records of edits: `MODOS_AUTHOR`, else the user and the machine.

    Parameters
    ----------
    environment
        The variables.

    Examples
    --------
    >>> author({"MODOS_AUTHOR": "ada@example.org"})
    'ada@example.org'
    """
    if ours := environment.get("MODOS_AUTHOR"):
        return ours
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # no such user on this system, as in containers
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Return where to keep what can be found out again: `MODOS_CACHE_DIR`, else `modos` among the user's caches.

    Parameters
    ----------
    environment
        The variables.

    Examples
    --------
    >>> str(cache_directory({"XDG_CACHE_HOME": "/home/ada/.cache"}))
    '/home/ada/.cache/modos'
    """
    if ours := environment.get("MODOS_CACHE_DIR"):
        return Path(ours).expanduser().absolute()
    return Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "modos"


SWIFT_VARIABLES: dict[str, dict[str, str]] = {
    "token": {
        "storage_url": "OS_STORAGE_URL",
        "token": "OS_AUTH_TOKEN",
    },
    "an entry of clouds.yaml": {
        "cloud": "OS_CLOUD",
        "region_name": "OS_REGION_NAME",
    },
    "v1": {
        "auth_url": "ST_AUTH",
        "user": "ST_USER",
        "key": "ST_KEY",
    },
    "application credential": {
        "auth_url": "OS_AUTH_URL",
        "application_credential_id": "OS_APPLICATION_CREDENTIAL_ID",
        "application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
        "application_credential_name": "OS_APPLICATION_CREDENTIAL_NAME",
        "username": "OS_USERNAME",
        "user_id": "OS_USER_ID",
        "user_domain_name": "OS_USER_DOMAIN_NAME",
        "user_domain_id": "OS_USER_DOMAIN_ID",
        "region_name": "OS_REGION_NAME",
        "interface": "OS_INTERFACE",
        "storage_url": "OS_STORAGE_URL",
    },
    "password": {
        "auth_url": "OS_AUTH_URL",
        "username": "OS_USERNAME",
        "user_id": "OS_USER_ID",
        "password": "OS_PASSWORD",
        "project_name": "OS_PROJECT_NAME",
        "project_id": "OS_PROJECT_ID",
        "user_domain_name": "OS_USER_DOMAIN_NAME",
        "user_domain_id": "OS_USER_DOMAIN_ID",
        "project_domain_name": "OS_PROJECT_DOMAIN_NAME",
        "project_domain_id": "OS_PROJECT_DOMAIN_ID",
        "region_name": "OS_REGION_NAME",
        "interface": "OS_INTERFACE",
        "auth_version": "OS_IDENTITY_API_VERSION",
        "storage_url": "OS_STORAGE_URL",
    },
    "password of Keystone v2": {
        "auth_url": "OS_AUTH_URL",
        "username": "OS_USERNAME",
        "password": "OS_PASSWORD",
        "project_name": "OS_TENANT_NAME",
        "project_id": "OS_TENANT_ID",
        "region_name": "OS_REGION_NAME",
        "interface": "OS_INTERFACE",
        "auth_version": "OS_IDENTITY_API_VERSION",
        "storage_url": "OS_STORAGE_URL",
    },
}
"""Options of Swift credentials and the variables that give them, by group; groups are tried in this order."""
