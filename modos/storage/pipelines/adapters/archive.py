"""`ArchiveStorage`: what is in a ZIP archive, as a storage for reading.

Owns how the verbs of the contract meet an archive. Must not know where the archive is, nor how its members are stored.
"""

from bisect import bisect_left
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import BinaryIO, Self

from modos.errors import KeyNotFoundError, ServiceError, StorageError
from modos.storage.backends.opened import Opened
from modos.storage.base import Method, Storage
from modos.storage.contract.ranged import open_ranged
from modos.storage.contract.unwritable import Unwritable
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name
from modos.storage.pipelines.adapters.zip_directory import Directory, Entry, read_directory
from modos.storage.pipelines.adapters.zip_members import Members
from modos.storage.pipelines.places import Blob
from modos.storage.pipelines.syntax.escapes import encoded

__all__ = ["ArchiveStorage"]

_READ_BUFFER = 1024 * 1024


class ArchiveStorage(Unwritable, Storage):
    """A ZIP archive, or a directory in one, read by ranges of the file that it is.

    The directory of the archive is read once, on first use; what happens to the file afterwards is not seen.

    Parameters
    ----------
    blob
        The archive.
    prefix
        Directory in the archive; `""` for its root.
    """

    _why_read_only = "is in an archive, which is read only; unpack it, edit, and pack it again"

    def __init__(self, blob: Blob, prefix: str = "") -> None:
        self._blob = blob
        self._prefix = prefix
        self._opened = Opened(partial(_open, blob))

    @property
    def url(self) -> str:
        """`address of the archive|zip:directory`."""
        return f"{self._blob.url}|zip:{encoded(self._prefix)}"

    @property
    def path(self) -> PurePath:
        """The address of the archive, and the directory in it."""
        return PurePosixPath(self._blob.url) / self._prefix

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file in the archive."""
        return f"{self._blob.url}|zip:{encoded(self._name(target_name(target)))}"

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._blob, self._name(target_name(target)))
        beneath._opened = self._opened
        return beneath

    def _identity(self) -> tuple[object, ...]:
        return (*super()._identity(), self._blob)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def check(self) -> None:
        """Read the directory of the archive.

        Raises
        ------
        URLPipelineError
            When the file is no ZIP archive.
        IntegrityError
            When it was cut short or damaged.
        KeyNotFoundError
            When there is no such file.
        """
        self._opened.get()

    def _name(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def _boundary(self, name: str) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except FileNotFoundError as error:
            raise KeyNotFoundError(self.url_of(name)) from error

    def _info(self, entry: Entry) -> ObjectInfo:
        relative = entry.name[len(self._prefix) + 1 :] if self._prefix else entry.name
        return ObjectInfo(PurePosixPath(relative), size=entry.size, etag=entry.etag)

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            directory = self._opened.get().directory
        except KeyNotFoundError:  # no archive, and so nothing in it
            return None
        entry = directory.entries.get(self._name(name))
        return None if entry is None else self._info(entry)

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        contents = self._opened.get()
        top = self._name(name) if name else self._prefix
        start = f"{top}/" if top else ""
        last = ""
        for position in range(bisect_left(contents.names, start), len(contents.names)):
            found = contents.names[position]
            if not found.startswith(start):
                return
            child, slash, _ = found[len(start) :].partition("/")
            if recursive or not slash:
                yield self._info(contents.directory.entries[found])
            elif child != last:
                last = child
                yield ObjectInfo(PurePosixPath(f"{name}/{child}" if name else child), kind="directory")

    def _open(self, name: str) -> BinaryIO:
        return open_ranged(self, name, _READ_BUFFER)

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        contents = self._opened.get()
        entry = contents.directory.entries.get(self._name(name))
        if entry is None:
            raise FileNotFoundError(name)
        return contents.members.read(entry, start, end)

    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:  # noqa: ARG002 - there is nothing to sign
        raise ServiceError(self.url_of(name), "files in an archive have no signed URLs; sign the archive")


class _Contents:
    """An archive that was opened."""

    def __init__(self, blob: Blob, directory: Directory) -> None:
        self.directory = directory
        self.names = list(directory.entries)
        self.members = Members(blob, directory)


def _open(blob: Blob) -> _Contents:
    return _Contents(blob, read_directory(blob))
