"""Native OpenStack Swift for the Python data ecosystem: credentials, a client, an fsspec filesystem and a zarr store.

Owns the public names of the room, each imported when it is first used. Knows nothing of MODOs or of `modos.storage`.
"""

from modos._lazy import lazy_names

__all__ = [
    "AnonymousCredentials",
    "Credentials",
    "KeystoneApplicationCredential",
    "KeystoneV2Password",
    "KeystoneV3Password",
    "Patience",
    "SwiftClient",
    "SwiftFileSystem",
    "SwiftStore",
    "TokenCredentials",
    "V1Credentials",
    "credentials_from_environment",
    "credentials_from_options",
]

_CREDENTIALS = ".credentials"

__getattr__ = lazy_names(
    __name__,
    {
        "AnonymousCredentials": _CREDENTIALS,
        "Credentials": _CREDENTIALS,
        "KeystoneApplicationCredential": _CREDENTIALS,
        "KeystoneV2Password": _CREDENTIALS,
        "KeystoneV3Password": _CREDENTIALS,
        "Patience": ".client",
        "SwiftClient": ".client",
        "SwiftFileSystem": ".filesystem",
        "SwiftStore": ".store",
        "TokenCredentials": _CREDENTIALS,
        "V1Credentials": _CREDENTIALS,
        "credentials_from_environment": _CREDENTIALS,
        "credentials_from_options": _CREDENTIALS,
    },
)
