"""What a place looks like: the adapter that would read it, by the marks that formats leave.

Owns the marks. Asked when something went wrong, to say what was probably meant; must not decide how a place is opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from modos.errors import KeyNotFoundError, ModosError
from modos.storage.base import Storage
from modos.storage.pipelines.places import Blob, Place

__all__ = ["adapter_for", "hint_for"]

_PREFIXES: Mapping[bytes, str] = MappingProxyType({b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"})
_END_OF_ZIP = b"PK\x05\x06"
_END = 22 + 4096
_MARKERS: Mapping[str, str] = MappingProxyType(
    {
        "manifest.ocdbt": "ocdbt",
        "repo": "icechunk",
        "refs/branch.main/ref.json": "icechunk",
        "refs/branch.main/ZZZZZZZZ.json": "icechunk",
        "zarr.json": "zarr3",
        ".zarray": "zarr2",
        ".zattrs": "zarr2",
        ".zgroup": "zarr2",
        "attributes.json": "n5",
    }
)


def adapter_for(place: Place) -> str | None:
    """Return the scheme of the one adapter that a place looks like, `None` when it looks like none or several.

    A file is looked at first, by its first and last bytes; then a directory, by a few names in it.
    """
    try:
        blob = place.blob()
        size = blob.size()
    except (ModosError, FileNotFoundError):
        return _of_directory(place)
    return _of_file(blob, size)


def hint_for(storage: Storage) -> str:
    """Return `"; did you forget '|zip:'?"` where a storage was opened at what is a file, else an empty string."""
    if len(storage.path.parts) < 2:  # noqa: PLR2004 - a bucket is no file
        return ""
    try:
        root = _FileAtRoot(storage)
        scheme = _of_file(root, root.size())
    except (ModosError, OSError):
        return ""
    return "" if scheme is None else f"; did you forget '|{scheme}:'?"


@dataclass(frozen=True, slots=True)
class _FileAtRoot:
    """The file that stands where a storage has its root."""

    storage: Storage

    @property
    def url(self) -> str:
        return self.storage.url

    def size(self) -> int:
        with self.storage._boundary(""):  # noqa: SLF001 - a root is no target, and that is the question here
            info = self.storage._stat("")  # noqa: SLF001 - likewise
        if info is None:
            raise KeyNotFoundError(self.url)
        return info.size

    def read(self, start: int, end: int) -> bytes:
        with self.storage._boundary(""):  # noqa: SLF001 - likewise
            return self.storage._read("", start, end) if start < end else b""  # noqa: SLF001 - likewise


def _of_file(blob: Blob, size: int) -> str | None:
    if _END_OF_ZIP in blob.read(max(0, size - _END), size):
        return "zip"
    head = blob.read(0, 4)
    return next((scheme for prefix, scheme in _PREFIXES.items() if head.startswith(prefix)), None)


def _of_directory(place: Place) -> str | None:
    storage = place.directory()
    if storage is None:
        return None
    found = {scheme for name, scheme in _MARKERS.items() if storage.exists(name)}
    return found.pop() if len(found) == 1 else None
