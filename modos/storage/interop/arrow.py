"""A storage as a filesystem of Arrow.

Owns that one step. Knows neither fsspec's verbs nor the contract's.
"""

from typing import TYPE_CHECKING

from modos._lazy import require

if TYPE_CHECKING:
    from pyarrow.fs import PyFileSystem

    from modos.storage.base import Storage

__all__ = ["arrow_filesystem"]


def arrow_filesystem(storage: "Storage") -> "PyFileSystem":
    """Return a storage for pyarrow: datasets and files, to read and to write.

    Raises
    ------
    MissingDependencyError
        When pyarrow is not installed.
    """
    arrow = require("pyarrow.fs", extra="arrow", purpose="reading and writing by Arrow")
    filesystem: PyFileSystem = arrow.PyFileSystem(arrow.FSSpecHandler(storage.to_fsspec()))
    return filesystem
