"""The contract of every storage: verbs on files beneath one root, and the zarr hierarchy in it.

Owns the promises that hold everywhere, and how a storage is handed to other libraries. Knows no backend: each implements
the underscored methods, and is finished when `modos.testing.StorageTests` passes.
"""

from collections.abc import Iterator, Mapping
from math import ceil, inf
from pathlib import PurePath
from typing import TYPE_CHECKING, Self, get_args

from modos._given import expect
from modos.errors import InvalidInputError, InvalidURLError
from modos.storage.contract.backend import (
    LOG,
    NO_CONDITION,
    OLD_ROOT,
    OWN_ROOT,
    ROOT_DOCUMENT,
    TRASH,
    ZARR_ROOT,
    Method,
    WriteMode,
)
from modos.storage.contract.changing import Changing
from modos.storage.paths import target_name
from modos.storage.twins import asynchronous

if TYPE_CHECKING:
    from pyarrow.fs import PyFileSystem
    from zarr import Group
    from zarr.abc.store import Store

    from modos.storage.interop.filesystem import RootedFileSystem
    from modos.storage.interop.upaths import StoragePath

__all__ = [
    "LOG",
    "NO_CONDITION",
    "OLD_ROOT",
    "OWN_ROOT",
    "ROOT_DOCUMENT",
    "TRASH",
    "ZARR_ROOT",
    "Method",
    "Storage",
    "WriteMode",
]


class Storage(Changing):
    """A root beneath which files live: a directory, a bucket, a container, or a prefix in one.

    Constructing one does no I/O and creates nothing. Instances pickle, compare by address and options, and show their
    URL and never a secret. Targets are relative to the root, `/`-separated, `str` or `PurePath`; names come back as
    `PurePosixPath`. Absolute targets, `..`, NUL and empty names raise `InvalidPathError` before any I/O.

    Only "not found" means missing: whatever else goes wrong is a `StorageError` of its own that names the URL.
    Every verb has an async twin with the suffix `_async`, which shares its implementation.
    """

    @classmethod
    def from_url(
        cls, url: str | PurePath, *, storage_options: Mapping[str, object] | None = None, read_only: bool = False
    ) -> Self:
        """Open a storage by its address; see `modos.storage.open_storage`.

        Raises
        ------
        InvalidURLError
            When no storage, or one of another class than this, serves the address.
        """
        from modos.storage.urls import open_storage

        storage = open_storage(url, storage_options=storage_options, read_only=read_only)
        if not isinstance(storage, cls):
            raise InvalidURLError(str(url), f"is the address of a {type(storage).__name__}, not of a {cls.__name__}")
        return storage

    def sign(self, target: str | PurePath, *, expires_in: float, method: Method = "GET") -> str:
        """Return a URL that lets whoever holds it read (`GET`) or write (`PUT`) one file for some time.

        Parameters
        ----------
        target
            The file.
        expires_in
            Seconds until the URL ends, in whole ones and rather more; S3 allows a week.
        method
            What it allows.

        Raises
        ------
        InvalidInputError
            When that is no time to come or more than the service allows, or there is no such method.
        ServiceError
            When this storage has no signed URLs.
        """
        expect(expires_in, (int, float), "how long a URL is good for is said by a number of seconds")
        if not 0 < expires_in < inf:
            message = f"a URL is good for some seconds to come, not for {expires_in}"
            raise InvalidInputError(message)
        if method not in (known := get_args(Method.__value__)):
            raise InvalidInputError(f"there are no URLs for {method!r}; known are {', '.join(known)}")
        name = target_name(target) if method == "GET" else self._writable(target)
        with self._boundary(name):
            return self._sign(name, expires_in=ceil(expires_in), method=method)

    def transfer(self, other: "Storage") -> None:
        """Copy every file to another storage, one after the other, the root document of the zarr hierarchy last.

        The plain form, as the reference has it; `modos.transfer` does it concurrently and verified.
        """
        roots = []
        for path in self.list():
            if str(path) == ROOT_DOCUMENT:
                roots.append(path)
                continue
            with self.open(path) as file:
                other.put(file, path)
        for path in roots:
            other.put(self.read(path), path)

    # -- for other libraries ----------------------------------------------------------------------------------------

    def to_fsspec(self, *, protocol: str = "modos", asynchronous: bool = False) -> "RootedFileSystem":
        """Return the storage as a filesystem of fsspec: what is beneath the root, and nothing else.

        Parameters
        ----------
        protocol
            What its addresses begin with, for whoever wants some: another word for each of several storages.
        asynchronous
            Whether it is for coroutines of the caller's own event loop, as in fsspec.
        """
        from modos.storage.interop.filesystem import RootedFileSystem

        return RootedFileSystem(self, protocol=protocol, asynchronous=asynchronous)

    def to_pyarrow(self) -> "PyFileSystem":
        """Return the storage as a `pyarrow.fs.FileSystem`: what is beneath the root, and nothing else."""
        from modos.storage.interop.arrow import arrow_filesystem

        return arrow_filesystem(self)

    def upath(self, target: str | PurePath | None = None) -> "StoragePath":
        """Return a path of universal_pathlib, of the root or of `target`, which cannot lead out of the storage."""
        from modos.storage.interop.upaths import storage_path

        return storage_path(self, target)

    # -- the zarr hierarchy -----------------------------------------------------------------------------------------

    @property
    def zarr(self) -> "Group":
        """The zarr hierarchy at `data.zarr`, opened on first use; opening it never writes.

        Raises
        ------
        KeyNotFoundError
            When there is none.
        """
        if self._zarr_group is None:
            from modos.storage.hierarchy.groups import open_root

            self._zarr_group = open_root(self)
        return self._zarr_group

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_zarr_group"}

    def _zarr_store(self) -> "Store":
        """Return a zarr store at `data.zarr`."""
        from modos.storage.hierarchy.store import StorageStore

        return StorageStore(self / ZARR_ROOT, read_only=self.read_only)

    def _find_objects(self, name: str) -> Iterator[str]:
        """Yield the directories beneath `name` that are digital objects; this default lists level by level."""
        from modos.storage.discovery import objects_by_level

        return objects_by_level(self, name)

    # -- async twins ------------------------------------------------------------------------------------------------

    sign_async = asynchronous(sign)
