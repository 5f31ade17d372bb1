"""The contract of every storage: verbs on files beneath one root, and the zarr hierarchy in it.

Owns the promises, the checks that come before any I/O, and the defaults that hold everywhere. Knows no backend: each
implements the underscored methods, and is finished when `modos.testing.StorageTests` passes.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from modos.errors import IntegrityError, InvalidInputError, InvalidURLError, ReadOnlyError, ServiceError
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name
from modos.storage.ranges import definite_range, merge_ranges
from modos.storage.sources import Source, Watched, chunks_of
from modos.storage.twins import asynchronous, asynchronous_iterator

if TYPE_CHECKING:
    from pyarrow.fs import PyFileSystem
    from zarr import Group
    from zarr.abc.store import Store

    from modos.storage.interop.filesystem import RootedFileSystem
    from modos.storage.interop.upaths import StoragePath
    from modos.storage.parts.base import Parts

__all__ = ["Method", "Storage", "WriteMode"]

type WriteMode = Literal["overwrite", "create"]
type Method = Literal["GET", "PUT"]

ZARR_ROOT = PurePosixPath("data.zarr")
"""Where the zarr hierarchy of an object stands, relative to the object."""

ROOT_DOCUMENT = f"{ZARR_ROOT}/zarr.json"
"""The file that makes a directory a digital object; the last that is written."""

NO_CONDITION = "this service cannot replace a file only while it is unchanged"

_MERGE_GAP = 64 * 1024


class Storage(ABC):
    """A root beneath which files live: a directory, a bucket, a container, or a prefix in one.

    Constructing one does no I/O and creates nothing. Instances pickle, compare by address and options, and show their
    URL and never a secret. Targets are relative to the root, `/`-separated, `str` or `PurePath`; names come back as
    `PurePosixPath`. Absolute targets, `..`, NUL and empty names raise `InvalidPathError` before any I/O.

    Only "not found" means missing: whatever else goes wrong is a `StorageError` of its own that names the URL.
    Every verb has an async twin with the suffix `_async`, which shares its implementation.
    """

    read_only: bool = False

    # -- where it is ------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def url(self) -> str:
        """Address of the root; `Storage.from_url` reads it. A local path is its own address."""

    @property
    @abstractmethod
    def path(self) -> PurePath:
        """The root as a path: the directory, or bucket or container and prefix."""

    @abstractmethod
    def __truediv__(self, target: str | PurePath) -> Self:
        """Return the storage whose root is `target` in this one; connections are shared."""

    @property
    def parts(self) -> "Parts | None":
        """How large files are stored by parts, to be continued after a break; `None` where the storage takes no parts."""
        return None

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file in the storage."""
        return f"{self.url.removesuffix('/')}/{target_name(target)}"

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _identity(self) -> tuple[object, ...]:
        """What makes two storages equal; overridden where options matter."""
        return (self.url, self.read_only)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self), self.url))

    # -- looking ----------------------------------------------------------------------------------------------------

    def exists(self, target: str | PurePath) -> bool:
        """Tell whether a file is stored under exactly this name.

        `demo1` does not exist because `demo10` does, nor because there are files beneath `demo1/`.
        """
        name = target_name(target)
        with self._boundary(name):
            return self._stat(name) is not None

    def stat(self, target: str | PurePath) -> ObjectInfo:
        """Return size, times and tags of a file.

        Raises
        ------
        KeyNotFoundError
            When nothing is stored under this name.
        """
        name = target_name(target)
        with self._boundary(name):
            info = self._stat(name)
            if info is None:
                raise FileNotFoundError(name)
            return info

    def scan(self, target: str | PurePath | None = None, *, recursive: bool = True) -> Generator[ObjectInfo]:
        """Yield what is stored beneath a directory, lazily and complete past any page limit.

        Parameters
        ----------
        target
            The directory; `None` for the root. One that is not there has nothing beneath it.
        recursive
            Whether to descend. Otherwise one level is listed, with directories as such.
        """
        return self._scanned(_directory_name(target), recursive=recursive)

    def _scanned(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        with self._boundary(name), closing(self._scan(name, recursive=recursive)) as infos:
            yield from infos

    def list(self, target: str | PurePath | None = None) -> Generator[PurePosixPath]:
        """Yield the names of all files beneath a directory, lazily and complete past any page limit."""
        return (info.path for info in self.scan(target))

    def list_dir(self, target: str | PurePath | None = None) -> Generator[PurePosixPath]:
        """Yield the names of files and directories one level beneath a directory."""
        return (info.path for info in self.scan(target, recursive=False))

    def empty(self) -> bool:
        """Tell whether nothing is stored beneath the root."""
        return next(self.scan(), None) is None

    # -- reading ----------------------------------------------------------------------------------------------------

    def open(self, target: str | PurePath, *, chunk_size: int | None = None) -> BinaryIO:
        """Open a file for reading: seekable, buffered, fetching ranges on demand and never the whole unasked.

        Parameters
        ----------
        target
            The file.
        chunk_size
            Bytes to fetch at a time, at least; `None` for what suits the storage.

        Raises
        ------
        KeyNotFoundError
            When nothing is stored under this name.
        InvalidInputError
            When `chunk_size` is not positive.
        """
        name = target_name(target)
        if chunk_size is not None and chunk_size < 1:
            raise InvalidInputError(f"a chunk has at least one byte, not {chunk_size}")
        with self._boundary(name):
            if chunk_size is None:
                return self._open(name)
            from modos.storage.backends.ranged import open_ranged

            return open_ranged(self, name, chunk_size)

    def read(self, target: str | PurePath, start: int | None = None, end: int | None = None) -> bytes:
        """Return bytes of a file, `end` exclusive.

        Parameters
        ----------
        target
            The file.
        start, end
            Offsets as in a Python slice: `None` for the border, negative ones count from the end (which costs a
            `stat`), ones past the end are clipped. A range that is empty by itself is answered without asking.

        Raises
        ------
        KeyNotFoundError
            When nothing is stored under this name.
        IntegrityError
            When fewer bytes arrive than were promised.
        """
        name = target_name(target)
        with self._boundary(name):
            if (start or 0) < 0 or (end or 0) < 0:
                start, end = definite_range(start, end, self.stat(name).size)
            if end is not None and end <= (start or 0):
                return b""
            return self._read(name, start or 0, end)

    def read_ranges(
        self, target: str | PurePath, ranges: Sequence[tuple[int, int]], *, gap: int = _MERGE_GAP
    ) -> Sequence[bytes]:
        """Return several ranges of a file, near ones fetched together.

        Parameters
        ----------
        target
            The file.
        ranges
            Pairs of offsets, `end` exclusive, neither negative; those past the end are clipped.
        gap
            Ranges at most this many bytes apart share a request.
        """
        name = target_name(target)
        merged = list(merge_ranges(ranges, gap=gap))
        pieces = [b""] * len(ranges)
        with self._boundary(name):
            bodies = self._read_many(name, [(each.start, each.end) for each in merged])
        for each, body in zip(merged, bodies, strict=True):
            for position in each.wanted:
                start, end = ranges[position]
                pieces[position] = body[start - each.start : end - each.start]
        return pieces

    # -- writing ----------------------------------------------------------------------------------------------------

    def put(
        self,
        source: Source,
        target: str | PurePath,
        *,
        mode: WriteMode = "overwrite",
        if_match: str | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store a file, streamed in bounded memory; others see it whole or not at all.

        Parameters
        ----------
        source
            Bytes, a path, a binary file (read from where it stands), or an iterable of bytes.
        target
            Name to store it under.
        mode
            `"create"` refuses to replace what is there. Two writers that create at once: on disk one wins, on
            services that check only when the upload begins both may.
        if_match
            The ETag that `stat` told: what is there is replaced only while it still has it. `None` for no such
            condition. S3, Azure and local directories can; Swift ignores such a condition, so it is refused.
        content_type
            Media type; `None` for the service's default.
        metadata
            Text to store beside it; `None` for none. Local disks keep neither.

        Raises
        ------
        KeyExistsError
            When `mode` is `"create"` and something is stored under this name.
        KeyChangedError
            When what is stored under this name has not the ETag `if_match`, or nothing is.
        ServiceError
            When `if_match` is given and the service has no such condition.
        Exception
            Whatever the source raises comes out as it is.
        """
        name = self._writable(target)
        if if_match is not None and mode == "create":
            raise InvalidInputError("a file cannot be both new and unchanged: give mode='create' or if_match, not both")
        if if_match is None and type(source) is bytes:  # which cannot fail while it is read
            with self._boundary(name):
                info = self._put_bytes(name, source, mode=mode, content_type=content_type, metadata=metadata or {})
        else:
            with Watched(source) as chunks, self._boundary(name):
                if if_match is None:
                    info = self._put(name, chunks, mode=mode, content_type=content_type, metadata=metadata or {})
                else:
                    tag = if_match.strip('"')
                    info = self._replace(name, chunks, etag=tag, content_type=content_type, metadata=metadata or {})
        self._forget_zarr(name)
        return info

    def copy(self, source: str | PurePath, target: str | PurePath) -> ObjectInfo:
        """Copy a file within the storage, by the service where it can."""
        name, copied = target_name(source), self._writable(target)
        with self._boundary(name):
            if name != copied:
                self._copy(name, copied)
        self._forget_zarr(copied)
        return self.stat(copied)

    def move(self, source: str | PurePath, target: str | PurePath) -> ObjectInfo:
        """Rename a file; the source goes only when the target is seen to be whole."""
        name, moved = self._writable(source), self._writable(target)
        with self._boundary(name):
            if name != moved:
                self._move(name, moved)
        self._forget_zarr(name)
        self._forget_zarr(moved)
        return self.stat(moved)

    def remove(self, target: str | PurePath) -> None:
        """Remove a file. One that is not there is no error."""
        self.remove_many((target,))

    def remove_many(self, targets: Iterable[str | PurePath]) -> None:
        """Remove files in as few requests as the service allows. Those that are not there are no error."""
        names = [self._writable(target) for target in targets]
        if names:
            with self._boundary(names[0] if len(names) == 1 else ""):
                self._remove(names)
        for name in names:
            self._forget_zarr(name)

    def remove_tree(self, target: str | PurePath | None = None) -> None:
        """Remove everything beneath a directory, `None` for the root; never a neighbour whose name begins alike."""
        if self.read_only:
            raise ReadOnlyError(self.url)
        name = _directory_name(target)
        with self._boundary(name):
            self._remove_tree(name)
        if f"{ROOT_DOCUMENT}/".startswith(f"{name}/" if name else ""):
            self._forget_zarr(ROOT_DOCUMENT)

    def sign(self, target: str | PurePath, *, expires_in: float, method: Method = "GET") -> str:
        """Return a URL that lets whoever holds it read (`GET`) or write (`PUT`) one file for some time.

        Parameters
        ----------
        target
            The file.
        expires_in
            Seconds until the URL ends.
        method
            What it allows.

        Raises
        ------
        ServiceError
            When this storage has no signed URLs.
        """
        name = target_name(target) if method == "GET" else self._writable(target)
        with self._boundary(name):
            return self._sign(name, expires_in=expires_in, method=method)

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
            from modos.storage.zarr_root import open_root

            self._zarr_group = open_root(self)
        return self._zarr_group

    _zarr_group: "Group | None" = None

    def _forget_zarr(self, name: str) -> None:
        if name == ROOT_DOCUMENT:
            self._zarr_group = None

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_zarr_group"}

    def _writable(self, target: str | PurePath) -> str:
        if self.read_only:
            raise ReadOnlyError(self.url)
        return target_name(target)

    # -- async twins ------------------------------------------------------------------------------------------------

    exists_async = asynchronous(exists)
    stat_async = asynchronous(stat)
    scan_async = asynchronous_iterator(scan)
    list_async = asynchronous_iterator(list)  # noqa: A003 - the method is meant
    list_dir_async = asynchronous_iterator(list_dir)
    empty_async = asynchronous(empty)
    open_async = asynchronous(open)  # noqa: A003 - the method is meant
    read_async = asynchronous(read)
    read_ranges_async = asynchronous(read_ranges)
    put_async = asynchronous(put)
    copy_async = asynchronous(copy)
    move_async = asynchronous(move)
    remove_async = asynchronous(remove)
    remove_many_async = asynchronous(remove_many)
    remove_tree_async = asynchronous(remove_tree)
    sign_async = asynchronous(sign)

    # -- what a backend implements ----------------------------------------------------------------------------------

    @abstractmethod
    def _boundary(self, name: str) -> AbstractContextManager[None]:
        """Turn the backend's exceptions into `StorageError`s that name the URL; the unknown passes through."""

    @abstractmethod
    def _stat(self, name: str) -> ObjectInfo | None:
        """Return what is stored under exactly this name, `None` when that is nothing."""

    @abstractmethod
    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        """Yield what is beneath a directory, `""` for the root."""

    @abstractmethod
    def _open(self, name: str) -> BinaryIO:
        """Open a file for reading."""

    @abstractmethod
    def _read(self, name: str, start: int, end: int | None) -> bytes:
        """Return the bytes from `start` to `end`, clipped; neither is negative."""

    @abstractmethod
    def _put(
        self,
        name: str,
        chunks: Iterator[bytes],
        *,
        mode: WriteMode,
        content_type: str | None,
        metadata: Mapping[str, str],
    ) -> ObjectInfo:
        """Store the chunks under this name, whole or not at all."""

    def _put_bytes(
        self, name: str, body: bytes, *, mode: WriteMode, content_type: str | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Store a body that is at hand; this default stores it as chunks."""
        return self._put(name, chunks_of(body), mode=mode, content_type=content_type, metadata=metadata)

    @abstractmethod
    def _copy(self, source: str, target: str) -> None:
        """Copy one file onto another name, replacing what is there."""

    @abstractmethod
    def _remove(self, names: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""

    @abstractmethod
    def _sign(self, name: str, *, expires_in: float, method: Method) -> str:
        """Return a signed URL."""

    def _replace(
        self,
        name: str,
        chunks: Iterator[bytes],  # noqa: ARG002 - nothing is stored without the condition
        *,
        etag: str,  # noqa: ARG002 - likewise
        content_type: str | None,  # noqa: ARG002 - likewise
        metadata: Mapping[str, str],  # noqa: ARG002 - likewise
    ) -> ObjectInfo:
        """Store the chunks if what is there has this ETag; this default, for services without a condition, refuses."""
        raise ServiceError(self.url_of(name), NO_CONDITION)

    def _zarr_store(self) -> "Store":
        """Return a zarr store at `data.zarr`."""
        from modos.storage.zarr_store import StorageStore

        return StorageStore(self / ZARR_ROOT, read_only=self.read_only)

    def _remove_tree(self, name: str) -> None:
        """Remove what is beneath a directory, `""` for the root; this default lists first."""
        if names := [str(info.path) for info in self._scan(name, recursive=True)]:
            self._remove(names)

    def _fetch(self, name: str, start: int, end: int | None) -> tuple[bytes, ObjectInfo | None]:
        """Return bytes as `_read` does, and what the same answer told of the file; this default is told nothing."""
        return self._read(name, start, end), None

    def _read_many(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        """Return several ranges; this default asks for one after the other."""
        return [self._read(name, start, end) for start, end in ranges]

    def _move(self, source: str, target: str) -> None:
        """Rename a file; this default copies, compares the size and then removes."""
        expected = self.stat(source)
        self._copy(source, target)
        if self.stat(target).size != expected.size:
            raise IntegrityError(self.url_of(target), f"is not the size of {source!r}, which was kept")
        self._remove([source])

    def _find_objects(self, name: str) -> Iterator[str]:
        """Yield the directories beneath `name` that are digital objects; this default lists level by level."""
        from modos.storage.discovery import objects_by_level

        return objects_by_level(self, name)


def _directory_name(target: str | PurePath | None) -> str:
    """Return a directory's name, `""` for the root; it may end with a slash."""
    if target in {None, "", ".", PurePosixPath()}:
        return ""
    return target_name(target.removesuffix("/") if isinstance(target, str) and target != "/" else target or "")
