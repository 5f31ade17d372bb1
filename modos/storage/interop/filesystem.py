"""A storage as an fsspec filesystem whose root is that of the storage and which nothing leaves.

Owns what fsspec's writing verbs become, and the whole filesystem. Must not know any backend: whatever a storage promises
holds here as well.
"""

import asyncio
from collections.abc import Mapping
from glob import has_magic
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem, make_path_posix, trailing_sep
from fsspec.registry import register_implementation
from fsspec.utils import other_paths, stringify_path

from modos.errors import InvalidInputError, InvalidPathError, KeyExistsError, KeyNotFoundError, ReadOnlyError
from modos.storage.base import WriteMode
from modos.storage.interop.files import StorageReader, StorageWriter
from modos.storage.interop.reading import PROTOCOL, RootedReading
from modos.storage.paths import target_name
from modos.swift.blocking import mirrored
from modos.swift.layered import LayeredOpening

__all__ = ["RootedFileSystem"]


@mirrored
class RootedFileSystem(RootedReading, LayeredOpening):
    """The files of one storage for whatever speaks fsspec; `Storage.to_fsspec` makes it.

    Paths are names in the storage. `..`, absolute paths and other protocols raise `InvalidPathError`; what goes wrong is a
    `StorageError`, and only what is not found is missing. Files are seen whole or not at all, nothing is cached, and a
    storage that is read-only stays so. Directories are there as long as something is in them, so making one does nothing.

    Parameters
    ----------
    storage
        What it is the filesystem of.
    protocol
        What its addresses begin with: another word for each storage where several are used side by side.
    asynchronous, loop, batch_size
        As in fsspec.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> fs = LocalStorage(tempfile.mkdtemp()).to_fsspec()
    >>> fs.pipe_file("reads/demo.txt", b"ACGT")
    >>> fs.find("")
    ['reads/demo.txt']
    >>> fs.cat_file("../demo.txt")
    Traceback (most recent call last):
    modos.errors.InvalidPathError: '../demo.txt' has a part '..', which no target may have
    """

    _blocking = ()

    def _check_writable(self) -> None:
        if self.storage.read_only:
            raise ReadOnlyError(self.storage.url)

    async def _pipe_file(
        self,
        path: str,
        value: bytes,
        mode: WriteMode = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **_: object,
    ) -> None:
        """Write bytes to a file, which is seen whole or not at all."""
        name = self._file_name(path)
        await self._run(self.storage.put, value, name, mode=mode, content_type=content_type, metadata=metadata)

    async def _put_file(
        self,
        lpath: Any,  # noqa: ANN401 - a local path
        rpath: str,
        mode: WriteMode = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **_: object,
    ) -> None:
        """Write a local file to one in the storage."""
        source = Path(stringify_path(lpath))
        if await asyncio.to_thread(source.is_dir):
            await self._mkdir(rpath)
            return
        name = self._file_name(rpath)
        await self._run(self.storage.put, source, name, mode=mode, content_type=content_type, metadata=metadata)

    async def _put(
        self,
        lpath: Any,  # noqa: ANN401 - a local path, or a list of them
        rpath: Any,  # noqa: ANN401 - a path, or a list of them
        recursive: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        maxdepth: int | None = None,
        **kw: Any,  # noqa: ANN401 - as in fsspec
    ) -> Any:  # noqa: ANN401 - likewise
        """Write local files as fsspec does, which makes absolute names of those that go to the root."""
        if isinstance(rpath, list) or self._strip_protocol(rpath):
            return await super()._put(lpath, rpath, recursive=recursive, maxdepth=maxdepth, **kw)
        local, given = LocalFileSystem(), make_path_posix(lpath)
        sources = await asyncio.to_thread(local.expand_path, given, recursive=recursive, maxdepth=maxdepth)
        if not recursive or maxdepth is not None:
            sources = [each for each in sources if not local.isdir(each)]
        if not sources:
            return None
        several = isinstance(given, list)
        within = not several and (len(sources) == 1 if has_magic(given) else not trailing_sep(str(lpath)))
        targets = [name.lstrip("/") for name in other_paths(sources, "", exists=within, flatten=several)]
        return await super()._put(sources, targets, **kw)

    async def _cp_file(self, path1: str, path2: str, **_: object) -> None:
        """Copy a file, by the service where it can; a directory comes with its files."""
        source: str = self._strip_protocol(path1)
        try:
            await self._run(self.storage.copy, target_name(source), self._file_name(path2))
        except KeyNotFoundError:
            if not await self._isdir(source):
                raise

    async def _mv(
        self,
        path1: str,
        path2: str,
        recursive: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        maxdepth: int | None = None,
        **_: object,
    ) -> None:
        """Rename a file, whose old name goes when the new one is seen to be whole; with `recursive` a directory.

        Raises
        ------
        InvalidPathError
            Something would be replaced before it is moved itself, as where a directory moves into itself.
        """
        source, target = self._strip_protocol(path1), self._strip_protocol(path2)
        if trailing_sep(str(path2)):
            target = "/".join(filter(None, (target, source.rpartition("/")[2])))
        if source == target:
            return
        if await self._isdir(source):
            if not recursive:
                raise KeyNotFoundError(self.storage.url_of(source), "is a directory; moving it takes recursive=True")
            names = await self._find(source, maxdepth=maxdepth)
            pairs = {name: f"{target}/{name.removeprefix(f'{source}/')}" for name in names}
            if clash := next((other for other in pairs.values() if other in pairs), None):
                raise InvalidPathError(source, f"cannot move to {clash!r}, which is moved itself")
            for name, other in pairs.items():
                await self._run(self.storage.move, name, other)
            return
        await self._run(self.storage.move, target_name(source), target_name(target))

    async def _rm_file(self, path: str, **_: object) -> None:
        """Remove a file.

        Raises
        ------
        KeyNotFoundError
            There is no such file.
        """
        name = self._file_name(path)
        self._check_writable()
        await self._run(self.storage.stat, name)
        await self._run(self.storage.remove, name)

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        batch_size: int | None = None,  # noqa: ARG002 - the storage knows how many go in a request
        maxdepth: int | None = None,
        **_: object,
    ) -> None:
        """Remove files, or with `recursive` all beneath, in as few requests as the service allows.

        Raises
        ------
        KeyNotFoundError
            There is nothing under one of the paths.
        """
        self._check_writable()
        if not recursive or maxdepth is not None:
            kinds = {name: await self._type(name) for name in await self._expand_path(path, recursive, maxdepth)}
            files = [name for name, kind in kinds.items() if kind == "file"]
            for name, kind in kinds.items():
                if kind is None or not files:
                    raise KeyNotFoundError(
                        self._url(name), (kind and f"is a {kind}; removing it takes recursive=True") or ""
                    )
            await self._run(self.storage.remove_many, files)
            return
        for name in await self._expand_path(path):
            kind = await self._type(name)
            if kind is None:
                raise KeyNotFoundError(self._url(name))
            await self._run(self.storage.remove if kind == "file" else self.storage.remove_tree, name)

    async def _mkdir(self, path: str, create_parents: bool = True, **_: object) -> None:  # noqa: FBT001, FBT002, ARG002 - fsspec's signature
        """Check that a directory could be there: it is, as soon as something is in it."""
        name = self._strip_protocol(path)
        self._check_writable()
        if name and await self._run(self.storage.exists, name):
            raise KeyExistsError(self.storage.url_of(name), "is a file")

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - fsspec's signature
        """As `mkdir`."""
        await self._mkdir(path)

    async def _rmdir(self, path: str) -> None:
        """Check the path: a directory goes with its last file."""
        self._strip_protocol(path)
        self._check_writable()

    async def _sign(self, path: str, expiration: int = 100, method: Any = "GET", **_: object) -> str:  # noqa: ANN401 - `GET` or `PUT`
        """Return an address that lets its holder do one thing with one file, see `Storage.sign`."""
        return await self._run(self.storage.sign, self._file_name(path), expires_in=expiration, method=method)

    # -- files ------------------------------------------------------------------------------------------------------

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,  # noqa: FBT001, FBT002 - fsspec's signature
        cache_options: Mapping[str, Any] | None = None,  # noqa: ARG002 - nothing is cached
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **_: object,
    ) -> StorageReader | StorageWriter:
        name = self._file_name(path)
        if mode == "rb":
            return StorageReader(self.storage.open(name, chunk_size=block_size or None), name)
        if mode not in {"wb", "xb"}:
            raise InvalidInputError(f"mode {mode!r} is not possible here: a file is written whole; use wb or xb")
        self._check_writable()
        if mode == "xb" and self.storage.exists(name):
            raise KeyExistsError(self.storage.url_of(name))
        return StorageWriter(
            self.storage,
            name,
            mode="create" if mode == "xb" else "overwrite",
            autocommit=autocommit,
            content_type=content_type,
            metadata=metadata,
        )


register_implementation(PROTOCOL, RootedFileSystem, clobber=True)
