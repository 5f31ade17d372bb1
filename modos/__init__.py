"""modos: multi-omics digital objects on disk, in S3 and in OpenStack Swift.

Owns the public names of the package, each imported when it is first used. Knows where they are defined and nothing else.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names
from modos._version import __version__

if TYPE_CHECKING:
    from modos.api import MODO, transfer
    from modos.catalog import FoundObject, list_modos
    from modos.errors import ModosError
    from modos.storage import LocalStorage, S3Storage, Storage, SwiftStorage, open_storage

__all__ = [
    "MODO",
    "FoundObject",
    "LocalStorage",
    "ModosError",
    "S3Storage",
    "Storage",
    "SwiftStorage",
    "__version__",
    "list_modos",
    "open_storage",
    "transfer",
]

__getattr__ = lazy_names(
    __name__,
    {
        "FoundObject": ".catalog",
        "LocalStorage": ".storage",
        "MODO": ".api",
        "ModosError": ".errors",
        "S3Storage": ".storage",
        "Storage": ".storage",
        "SwiftStorage": ".storage",
        "list_modos": ".catalog",
        "open_storage": ".storage",
        "transfer": ".api",
    },
)
