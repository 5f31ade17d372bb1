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

_CREDENTIALS = ".credentials"

__getattr__ = lazy_names(
    __name__,
    {
        "Access": ".lifetimes",
        "AccountInfo": ".containers",
        "Acl": ".sharing",
        "AnonymousCredentials": _CREDENTIALS,
        "Attempt": ".client",
        "ContainerInfo": ".containers",
        "ContainerSummary": ".containers",
        "Containers": ".containers",
        "Cors": ".sharing",
        "Credentials": _CREDENTIALS,
        "KeystoneApplicationCredential": _CREDENTIALS,
        "KeystoneV2Password": _CREDENTIALS,
        "KeystoneV3Password": _CREDENTIALS,
        "Orphan": ".orphans",
        "Patience": ".client",
        "SignedPrefix": ".signing",
        "SwiftClient": ".client",
        "SwiftFileSystem": ".filesystem",
        "SwiftStore": ".store",
        "TempURLKeys": ".temp_urls",
        "TempURLs": ".temp_urls",
        "TokenCredentials": _CREDENTIALS,
        "Transport": ".transport",
        "V1Credentials": _CREDENTIALS,
        "acquire_token": ".acquiring",
        "credentials_from_cloud": ".clouds",
        "credentials_from_environment": _CREDENTIALS,
        "credentials_from_options": _CREDENTIALS,
        "list_orphans": ".orphans",
        "remove_orphans": ".orphans",
    },
)
