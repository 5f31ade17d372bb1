"""Native OpenStack Swift for the Python data ecosystem: credentials, a client, an fsspec filesystem and a zarr store.

Owns the public names of the room, each imported when it is first used. Knows nothing of MODOs or of `modos.storage`.
"""

from modos._lazy import lazy_names

__all__ = [
    "Access",
    "AccountInfo",
    "Acl",
    "AnonymousCredentials",
    "Attempt",
    "ContainerInfo",
    "ContainerSummary",
    "Containers",
    "Cors",
    "Credentials",
    "KeystoneApplicationCredential",
    "KeystoneV2Password",
    "KeystoneV3Password",
    "Orphan",
    "Patience",
    "SignedPrefix",
    "SwiftClient",
    "SwiftFileSystem",
    "SwiftStore",
    "TempURLKeys",
    "TempURLs",
    "TokenCredentials",
    "Transport",
    "V1Credentials",
    "acquire_token",
    "credentials_from_cloud",
    "credentials_from_environment",
    "credentials_from_options",
    "list_orphans",
    "remove_orphans",
]

_CREDENTIALS = ".auth.credentials"

__getattr__ = lazy_names(
    __name__,
    {
        "Access": ".auth.lifetimes",
        "AccountInfo": ".administration.containers",
        "Acl": ".administration.acls",
        "AnonymousCredentials": _CREDENTIALS,
        "Attempt": ".http.exchanges",
        "ContainerInfo": ".administration.containers",
        "ContainerSummary": ".administration.containers",
        "Containers": ".administration.containers",
        "Cors": ".administration.acls",
        "Credentials": _CREDENTIALS,
        "KeystoneApplicationCredential": _CREDENTIALS,
        "KeystoneV2Password": _CREDENTIALS,
        "KeystoneV3Password": _CREDENTIALS,
        "Orphan": ".administration.orphans",
        "Patience": ".http.exchanges",
        "SignedPrefix": ".signing",
        "SwiftClient": ".http.client",
        "SwiftFileSystem": ".filesystem",
        "SwiftStore": ".store",
        "TempURLKeys": ".administration.temp_urls",
        "TempURLs": ".administration.temp_urls",
        "TokenCredentials": _CREDENTIALS,
        "Transport": ".transport",
        "V1Credentials": _CREDENTIALS,
        "acquire_token": ".auth.acquiring",
        "credentials_from_cloud": ".auth.clouds",
        "credentials_from_environment": ".auth.choosing",
        "credentials_from_options": ".auth.choosing",
        "list_orphans": ".administration.orphans",
        "remove_orphans": ".administration.orphans",
    },
)
