"""Swift as an fsspec filesystem: `swift://container/object` wherever fsspec is spoken.

Owns what fsspec's writing verbs mean on Swift, and the whole filesystem. Knows nothing of MODOs, zarr or
`modos.storage`.
"""

import asyncio
import os
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import Any, Literal, get_args

from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.utils import stringify_path

from modos.errors import InvalidInputError, InvalidPathError, KeyExistsError, KeyNotFoundError
from modos.swift.blocking import mirrored
from modos.swift.concurrency import together
from modos.swift.files import SwiftReader, SwiftWriter
from modos.swift.http.bodies import file_section
from modos.swift.layered import LayeredOpening
from modos.swift.objects.appending import Appended
from modos.swift.objects.segments import cut_points
from modos.swift.protocol import (
    SEGMENTS,
    Info,
    object_headers,
    split_path,
)
from modos.swift.reading import SwiftReading
from modos.swift.signing import Signer

__all__ = ["SwiftFileSystem"]

_NOT_FOUND, _ACCEPTED = 404, 202
_HEADS_AT_ONCE = 16

type WriteMode = Literal["overwrite", "create"]


@mirrored
class SwiftFileSystem(SwiftReading, LayeredOpening):
    """OpenStack Swift for fsspec.

    Paths read `container/object`; names are taken literally, whatever they hold. Nothing is cached: what another
    writer does is seen. Only what the service does not find is missing; every other failure is an error of its own.
    Constructing one asks nothing and reads no environment. Made of the same credentials and options, it is the same
    instance, as fsspec has it; without credentials it is a new one each time, so that a changed environment counts.

    Parameters
    ----------
    storage_url
        The account, `https://host/v1/ACCOUNT`; `None` for the one that the credentials lead to.
    account_url
        The account that an address names, as `swift+https://host/v1/ACCOUNT/container` does: the same, but who logs in sends
        the token there only when that is for this host. `None` for none.
    segment_size
        Objects beyond this many bytes are cut in segments of that size.
    concurrency
        How many parts of one large object, or files of one batch, are on their way at once.
    temp_url_key
        Key for `sign`; `None` for the one that the account or the container holds.
    attempts, connect_timeout, read_timeout
        How often a request is made, and how many seconds it waits for a connection and for the next bytes.
    cacert, insecure, cert, cert_key, proxy, trust_env
        TLS and proxies, for the data and for logging in: see `modos.swift.Transport`.
    on_request
        Called with each attempt of a request, see `modos.swift.SwiftClient`; `None` for nothing to call.
    asynchronous, loop, batch_size
        As in fsspec.
    **credentials
        `credentials=` with an object of `modos.swift.auth.credentials`, or the options of `modos.swift.credentials_from_options`; without any, the environment is read at the first request.

    Examples
    --------
    >>> fs = SwiftFileSystem(storage_url="https://swift.example.org/v1/AUTH_lab", token="secret")
    >>> fs
    SwiftFileSystem('https://swift.example.org/v1/AUTH_lab')
    """

    _in_place = ("info", "isfile", "cat_file", "pipe_file", "list_page", "discard")
    _blocking = ("list_page", "modified", "created", "ukey", "checksum", "sign", "rmdir", "mv_file", "discard")

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - those of `SwiftReading`
        super().__init__(*args, **options)
        self.segments = self.objects.segments
        self._signer = Signer(self.client, self._temp_url_key)

    async def _pipe_file(
        self,
        path: str,
        value: bytes,
        mode: WriteMode = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **_: object,
    ) -> Info:
        """Write bytes to an object, which is seen whole or not at all, and return its info.

        One request, and one listing a minute for each container to know whose segments an overwriting would leave.

        Parameters
        ----------
        path, value
            The object and its bytes.
        mode
            `"create"` to refuse when something is there.
        content_type
            `None` to guess it from the name.
        metadata
            Names, which are case-insensitive, and values; `None` for none.

        Raises
        ------
        KeyExistsError
            Something is there, and the mode is `"create"`.
        KeyNotFoundError
            There is no such container.
        """
        path = self._object_path(path)
        headers = object_headers(path, content_type, metadata)
        return await self.objects.write(path, value, headers=headers, create=_creates(mode))

    async def _put_file(
        self,
        lpath: Any,  # noqa: ANN401 - a local path
        rpath: str,
        mode: WriteMode = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback: Callback = DEFAULT_CALLBACK,
        **_: object,
    ) -> Info | None:
        """Write a local file to an object as `pipe_file` does; beyond the segment size, in segments side by side."""
        source = Path(stringify_path(lpath))
        status = await asyncio.to_thread(source.stat)
        if stat.S_ISDIR(status.st_mode):
            return None
        path = self._object_path(rpath)
        create = _creates(mode)
        headers = object_headers(path, content_type, metadata)
        size = status.st_size
        callback.set_size(size)
        if size > self.objects.segment_size:
            points = cut_points(size, self.objects.segment_size)
            sections = [file_section(source, start, end) for start, end in points]
            return await self.objects.write_sections(
                path, sections, headers=headers, create=create, on_arrival=callback.relative_update
            )
        with file_section(source, 0, size) as section:
            info = await self.objects.place(path, section, headers=headers, create=create)
        callback.relative_update(size)
        return info

    async def _cp_file(
        self,
        path1: str,
        path2: str,
        mode: WriteMode = "overwrite",
        *,
        planned: dict[str, str] | None = None,
        **_: object,
    ) -> Info | None:
        """Copy an object within the service, bytes, content type and metadata; verified by its ETag.

        A large object is copied segment by segment, so that either can be deleted without the other. Swift has no copy
        that refuses: for `"create"`, the target is looked up before. Where `planned` is given, source and target are
        noted there and nothing is done.
        """
        if planned is not None:
            planned[self._strip_protocol(path1)] = self._strip_protocol(path2)
            return None
        try:
            source, target = self._object_path(path1), self._object_path(path2)
            return await self.objects.copy(source, target, create=_creates(mode))
        except (InvalidPathError, KeyNotFoundError):
            if await self._isdir(path1):
                return None
            raise

    async def _mv(
        self,
        path1: Any,  # noqa: ANN401 - a path, or a list of them
        path2: Any,  # noqa: ANN401 - likewise
        recursive: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        maxdepth: int | None = None,
        **_: object,
    ) -> None:
        """Copy, verify, then delete what was copied, and nothing else; where it would go is decided as for copies.

        Raises
        ------
        InvalidPathError
            Something would be replaced before it is moved itself, as where a directory moves into itself, or by another
            that is moved.
        KeyNotFoundError
            There is nothing to be moved, or it is a directory and this is not `recursive`.
        """
        planned: dict[str, str] = {}
        await self._copy(path1, path2, recursive=recursive, maxdepth=maxdepth, on_error="raise", planned=planned)
        if not planned:
            where = await self.objects.where(self._strip_protocol(path1))
            raise KeyNotFoundError(where, "is a directory; moving it takes recursive=True")
        pairs = [(source, target) for source, target in planned.items() if source != target]
        taken = set(planned)
        for source, target in pairs:
            if target in taken:
                raise InvalidPathError(
                    source, f"cannot move to {target!r}, which is moved itself, or moved to by another"
                )
            taken.add(target)
        copied = await together((partial(self._cp_file, *pair) for pair in pairs), limit=_HEADS_AT_ONCE)
        moved = [(source, info) for (source, _), info in zip(pairs, copied, strict=True)]
        markers = [f"{source}/" for source, info in moved if info is None and all(split_path(source))]
        files = [source for source, info in moved if info is not None]
        large = [source for source, info in moved if info is not None and "slo_etag" in info]
        await self.objects.delete_listed([*files, *markers], large)

    async def _mv_file(self, path1: str, path2: str) -> None:
        """Copy, verify, then delete the source, unless it is the target under another spelling."""
        source, target = self._object_path(path1), self._object_path(path2)
        await self._cp_file(source, target)
        if source != target:
            await self._rm_file(source)

    async def _rm_file(self, path: str, **_: object) -> None:
        """Delete an object, and its segments when it is a large one.

        Raises
        ------
        KeyNotFoundError
            There is no such object.
        """
        await self.objects.delete(self._object_path(path))

    async def _discard(self, paths: Sequence[str]) -> None:
        """Delete objects by their names, whatever signs are in these; what is not there is no error.

        One request for one object, bulk requests for several. Segments of large ones go along as far as they were known
        within the last minute: one listing for each container tells.
        """
        names = list(dict.fromkeys(map(self._object_path, paths)))
        await (self.objects.discard(names[0]) if len(names) == 1 else self.objects.discard_all(names))

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,  # noqa: FBT001, FBT002 - fsspec's signature
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **_: object,
    ) -> None:
        """Delete objects, or with `recursive` all beneath, by bulk requests; large objects with their segments.

        A container is emptied but stays, with its access rights; `rmdir` deletes it. A path with `*`, `?` or `[` is a
        pattern, unless an object has exactly this name.

        Raises
        ------
        KeyNotFoundError
            There is nothing under one of the paths.
        """
        names: dict[str, int] = {}  # and how many of the levels a pattern has taken
        for one in [path] if isinstance(path, str | os.PathLike) else path:
            literal = self._strip_protocol(one)
            is_pattern = has_magic(literal) and not await self._exists(literal)
            names |= dict.fromkeys(matching := await self._glob(literal) if is_pattern else [literal], int(is_pattern))
            if not matching:
                raise KeyNotFoundError(await self.objects.where(literal), "nothing matches", status=_NOT_FOUND)
        if recursive and maxdepth is None:
            await together((partial(self._rm_tree, name) for name in names), limit=self.concurrency)
            return
        if recursive and maxdepth is not None:
            levels = [(name, maxdepth - taken) for name, taken in names.items()]
            names = {inner: 0 for name, depth in levels for inner in await self._within(name, depth)}
        paths = [self._object_path(name) for name in names]
        await self.objects.delete_all(paths, limit=batch_size or _HEADS_AT_ONCE)

    async def _within(self, path: str, depth: int) -> list[str]:
        if depth:
            return list(await self._find(path, maxdepth=depth))
        return [path] if await self._isfile(path) else []

    async def _rm_tree(self, path: str) -> None:
        container, name = split_path(path)
        if not name:
            await self.objects.delete_beneath(container)
            await self.objects.delete_beneath(container, SEGMENTS)
            return
        found = await self.objects.is_there(path)
        if found:
            await self._rm_file(path)
        if not (await self.objects.delete_beneath(container, f"{name}/") or found):
            raise KeyNotFoundError(await self.objects.where(path), status=_NOT_FOUND)

    async def _mkdir(self, path: str, *_args: object, **_kw: object) -> None:
        """Create a container; prefixes need no making.

        Raises
        ------
        KeyExistsError
            There is such a container.
        """
        container, name = split_path(self._strip_protocol(path))
        if container and not name:
            answer = await self.client.request("PUT", container)
            if answer.status == _ACCEPTED:
                raise KeyExistsError(await self.objects.where(container), "there is such a container already")

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - fsspec's signature
        """Create a container; prefixes need no making."""
        try:
            await self._mkdir(path)
        except KeyExistsError:
            if not exist_ok:
                raise

    async def _rmdir(self, path: str) -> None:
        """Delete an empty container; prefixes go with their last object.

        Raises
        ------
        ServiceError
            The container is not empty.
        """
        container, name = split_path(self._strip_protocol(path))
        if container and not name:
            await self.client.delete(container)

    async def _sign(self, path: str, expiration: int = 100, method: str = "GET", **_: object) -> str:
        """Return an address that lets its holder do one thing with one object (TempURL).

        Parameters
        ----------
        path
            The object.
        expiration
            Seconds from now.
        method
            `GET`, `HEAD`, `PUT`, `POST` or `DELETE`.

        Raises
        ------
        InvalidInputError
            Neither the account nor the container has a key; it says how to set one.
        """
        return await self._signer.sign(self._object_path(path), expires_in=int(expiration), method=method)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,  # noqa: FBT001, FBT002 - fsspec's signature
        cache_options: dict[str, Any] | None = None,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **kw: Any,  # noqa: ANN401 - options of fsspec's buffer
    ) -> SwiftReader | SwiftWriter:
        path = self._object_path(path)
        if mode == "rb":
            return SwiftReader(self, path, mode, block_size or "default", cache_options=cache_options, **kw)
        if mode not in {"wb", "xb", "ab"}:
            raise InvalidInputError(
                f"mode {mode!r} is not possible on Swift: an object is written whole; use wb, xb or ab"
            )
        if mode == "xb" and self.run(self.objects.is_there, path):
            raise KeyExistsError(self.run(self.objects.where, path))
        onto = self.run(Appended.found, self.objects, path) if mode == "ab" else None
        kept = onto.info if onto else {"content_type": None, "metadata": None}
        metadata = kept["metadata"] if metadata is None else metadata
        headers = object_headers(path, content_type or kept["content_type"], metadata)
        writer = SwiftWriter(self, path, mode=mode, autocommit=autocommit, headers=headers, onto=onto)
        writer.read_back()
        return writer


def _creates(mode: WriteMode) -> bool:
    if mode not in (known := get_args(WriteMode.__value__)):
        raise InvalidInputError(f"there is no mode {mode!r}; known are {', '.join(known)}")
    return mode == "create"
