"""The verbs that change: files are put, copied, moved and removed, whole or not at all.

Owns the checks that come before any I/O. Knows no backend.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import PurePath
from types import NoneType
from typing import get_args

from modos._given import expect
from modos.errors import IntegrityError, InvalidInputError, ReadOnlyError
from modos.storage.contract.backend import ROOT_DOCUMENT, WriteMode
from modos.storage.contract.looking import Looking, directory_name
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name
from modos.storage.sources import Source, Watched
from modos.storage.twins import asynchronous

__all__ = ["Changing"]


class Changing(Looking):
    """A storage that can be written, unless it is for reading only."""

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
            Text to store beside it, by name; `None` for none. Local disks keep neither.

        Raises
        ------
        InvalidInputError
            When there is no such mode, `if_match` is given with `"create"`, or metadata are no text.
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
        if mode not in (known := get_args(WriteMode.__value__)):
            raise InvalidInputError(f"there is no mode {mode!r}; known are {', '.join(known)}")
        _check_metadata(metadata)
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

    def persist(self, targets: Iterable[str | PurePath]) -> None:
        """Wait until files that were put would survive a loss of power. Those that are not there are no error.

        A service has stored a file when `put` returns. A disk keeps a new one in memory for some seconds, and loses it
        when the power goes; one that replaces another is written out first, so that never both are lost.
        """
        if names := [target_name(target) for target in targets]:
            with self._boundary(names[0] if len(names) == 1 else ""):
                self._persist(names)

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
        self._check_writable()
        name = directory_name(target)
        with self._boundary(name):
            self._remove_tree(name)
        if f"{ROOT_DOCUMENT}/".startswith(f"{name}/" if name else ""):
            self._forget_zarr(ROOT_DOCUMENT)

    def _writable(self, target: str | PurePath) -> str:
        self._check_writable()
        return target_name(target)

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyError(self.url, self._why_read_only)

    def _move(self, source: str, target: str) -> None:
        """Rename a file; this default copies, compares the size and then removes."""
        expected = self.stat(source)
        self._copy(source, target)
        if self.stat(target).size != expected.size:
            raise IntegrityError(self.url_of(target), f"is not the size of {source!r}, which was kept")
        self._remove([source])

    # -- async twins ------------------------------------------------------------------------------------------------

    put_async = asynchronous(put)
    copy_async = asynchronous(copy)
    move_async = asynchronous(move)
    persist_async = asynchronous(persist)
    remove_async = asynchronous(remove)
    remove_many_async = asynchronous(remove_many)
    remove_tree_async = asynchronous(remove_tree)


def _check_metadata(metadata: Mapping[str, str] | None) -> None:
    rule = "metadata are given by a mapping of text to text"
    expect(metadata, (Mapping, NoneType), rule)
    for each in chain.from_iterable((metadata or {}).items()):
        expect(each, str, rule)
