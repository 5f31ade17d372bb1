"""modos: multi-omics digital objects on disk, in S3 and in OpenStack Swift.

Owns the public names of the package, each imported when it is first used. Knows where they are defined and nothing else.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names
from modos._version import __version__

if TYPE_CHECKING:
    from modos.api import MODO, transfer, transfer_many
    from modos.catalog import FoundObject, list_modos
    from modos.errors import ModosError
    from modos.objects.checks.examination import check_object
    from modos.objects.checks.repair import repair_object
    from modos.objects.checks.upgrade import upgrade_object
    from modos.objects.differences import Difference
    from modos.objects.editing.session import Edit
    from modos.objects.history.log import Commit
    from modos.objects.packing import pack, unpack
    from modos.storage import LocalStorage, S3Storage, Storage, SwiftStorage, open_storage
    from modos.storage.pipelines import open_array, open_group, open_url

__all__ = [
    "MODO",
    "Commit",
    "Difference",
    "Edit",
    "FoundObject",
    "LocalStorage",
    "ModosError",
    "S3Storage",
    "Storage",
    "SwiftStorage",
    "__version__",
    "check_object",
    "list_modos",
    "open_array",
    "open_group",
    "open_storage",
    "open_url",
    "pack",
    "repair_object",
    "transfer",
    "transfer_many",
    "unpack",
    "upgrade_object",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Difference": ".objects.differences",
        "Commit": ".objects.history.log",
        "Edit": ".objects.editing.session",
        "FoundObject": ".catalog",
        "LocalStorage": ".storage",
        "MODO": ".api",
        "ModosError": ".errors",
        "S3Storage": ".storage",
        "Storage": ".storage",
        "SwiftStorage": ".storage",
        "check_object": ".objects.checks.examination",
        "list_modos": ".catalog",
        "open_array": ".storage.pipelines",
        "open_group": ".storage.pipelines",
        "open_storage": ".storage",
        "open_url": ".storage.pipelines",
        "pack": ".objects.packing",
        "repair_object": ".objects.checks.repair",
        "transfer": ".api",
        "transfer_many": ".api",
        "unpack": ".objects.packing",
        "upgrade_object": ".objects.checks.upgrade",
    },
)
