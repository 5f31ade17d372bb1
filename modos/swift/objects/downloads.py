"""An object into a local file: in pieces side by side, checked, and there whole or not at all.

Owns how a large object comes down. Knows nothing of fsspec, but for the callback that counts bytes.
"""

import asyncio
import hashlib
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from fsspec.callbacks import Callback

from modos.errors import IntegrityError
from modos.swift.concurrency import together
from modos.swift.http.bodies import FileSection
from modos.swift.http.client import SwiftClient
from modos.swift.protocol import condition, etag_of, info_from_headers, range_header, total_size

__all__ = ["Download"]

_PIECE = 16 << 20
_PARTIAL, _BEYOND_END = 206, 416


class Download:
    """One object on its way down.

    Objects up to 16 MiB cost one request. The pieces of a larger one are asked for on condition that it still has the
    ETag of the first, so that they all belong to the same object.

    Parameters
    ----------
    client
        Makes the requests.
    path
        `container/object`.
    callback
        Told the size, and the bytes as they arrive.
    concurrency
        How many pieces are on their way at once.
    """

    def __init__(self, client: SwiftClient, path: str, *, callback: Callback, concurrency: int) -> None:
        self._client = client
        self._path = path
        self._callback = callback
        self._concurrency = concurrency

    async def into_path(self, target: Path) -> None:
        """Write to a unique sibling, which takes the target's place when it is whole."""
        file = await asyncio.to_thread(_sibling, target)
        try:
            await self.into_file(file)
            await asyncio.to_thread(_replace, file, target)
        except BaseException:
            file.close()
            Path(file.name).unlink(missing_ok=True)  # noqa: ASYNC240 - must happen even when this is cancelled
            raise

    async def into_file(self, file: Any) -> None:  # noqa: ANN401 - any binary file
        """Write to an open file, from where it stands; one that cannot seek gets the pieces one after the other.

        Raises
        ------
        IntegrityError
            The object was replaced meanwhile, or its bytes do not have its MD5.
        """
        first = await self._client.request("GET", self._path, headers=range_header(0, _PIECE), accept={_BEYOND_END})
        content = b"" if first.status == _BEYOND_END else first.body
        size = total_size(first.headers) if first.status == _PARTIAL else len(content)
        self._callback.set_size(size)
        seekable = file.seekable()
        origin = file.tell() if seekable else 0
        etag = info_from_headers(self._path, first.headers)["etag"]
        written = _Written(file, origin) if size and seekable and file.readable() and etag else None
        lock = asyncio.Lock()

        async def keep(start: int, piece: bytes) -> None:
            async with lock:
                if seekable:
                    file.seek(origin + start)
                await asyncio.to_thread(file.write, piece)
                if written is not None:
                    await written.add(start, len(piece))
            self._callback.relative_update(len(piece))

        async def fetch(start: int) -> None:
            headers = range_header(start, min(start + _PIECE, size)) | condition(etag_of(first.headers))
            await keep(start, (await self._client.request("GET", self._path, headers=headers)).body)

        await keep(0, content)
        pieces = (partial(fetch, start) for start in range(len(content), size, _PIECE))
        await together(pieces, limit=self._concurrency if seekable else 1)
        if written is not None and written.md5.hexdigest() != etag:
            raise IntegrityError(self._path, "the bytes that arrived do not have the MD5 of the object")


class _Written:
    """The MD5 of a file that is written in pieces: each is read and counted when all before it are there.

    So the digest is made while other pieces are on their way, and not after the last.
    """

    def __init__(self, file: Any, origin: int) -> None:  # noqa: ANN401 - any binary file
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._file = file
        self._origin = origin
        self._counted = 0
        self._ahead: dict[int, int] = {}

    async def add(self, start: int, length: int) -> None:
        """Count a piece that is in the file, and those that waited for it; may leave the file anywhere."""
        self._ahead[start] = length
        while following := self._ahead.pop(self._counted, 0):
            async for chunk in FileSection(self._file, self._origin + self._counted, following).chunks():
                await asyncio.to_thread(self.md5.update, chunk)
            self._counted += following


def _sibling(target: Path) -> Any:  # noqa: ANN401 - a wrapper around a file
    target.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:64]}.", delete=False)


def _replace(file: Any, target: Path) -> None:  # noqa: ANN401 - a wrapper around a file
    file.close()
    mask = os.umask(0)
    os.umask(mask)
    Path(file.name).chmod(0o666 & ~mask)
    Path(file.name).replace(target)
