"""An object into a local file: in pieces side by side, checked, and there whole or not at all.

Owns how a large object comes down. Knows nothing of fsspec, but for the callback that counts bytes.
"""

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from fsspec.callbacks import Callback

from modos.errors import IntegrityError
from modos.swift.concurrency import in_order
from modos.swift.http.client import SwiftClient
from modos.swift.http.lanes import Lanes
from modos.swift.objects.listing import Lister
from modos.swift.objects.segments import Segments, spans_of
from modos.swift.protocol import etag_of, is_large, range_header, total_size

__all__ = ["Download"]

_PIECE = 16 << 20
_MD5_DIGITS = 32
_PARTIAL, _BEYOND_END = 206, 416


class Download:
    """One object on its way down.

    Objects up to 16 MiB cost one request, one more for the manifest of a large object. The pieces of a larger one are
    asked for on condition that it still has the ETag of the first, so that they all belong to the same object.

    Parameters
    ----------
    client
        Makes the requests.
    path
        `container/object`.
    callback
        Told the size, and the bytes as they arrive.
    concurrency
        How many pieces are on their way at once, each of which takes 16 MiB of memory.
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
        """Write to an open file, from where it stands; the pieces are written in their order.

        Raises
        ------
        IntegrityError
            The object was replaced meanwhile, or its bytes do not have its MD5, or a segment's not that of the manifest.
        """
        first = await self._client.request("GET", self._path, headers=range_header(0, _PIECE), accept={_BEYOND_END})
        content = b"" if first.status == _BEYOND_END else first.body
        size = total_size(first.headers) if first.status == _PARTIAL else len(content)
        self._callback.set_size(size)
        checksums = _Checksums(self._path, await self._spans(first.headers, size))

        def absorb(piece: bytes | memoryview) -> int:
            checksums.take(memoryview(piece))
            file.write(piece)
            return len(piece)

        self._callback.relative_update(await asyncio.to_thread(absorb, content))
        with Lanes() as lanes:
            fetch = partial(self._fetch, size=size, etag=etag_of(first.headers), lanes=lanes)
            starts = range(len(content), size, _PIECE)
            buffers = cycle([memoryview(bytearray(_PIECE)) for _ in range(min(len(starts), self._concurrency))])
            calls = (partial(fetch, start, buffer) for start, buffer in zip(starts, buffers, strict=False))
            async with aclosing(in_order(calls, limit=self._concurrency)) as pieces:
                async for piece in pieces:
                    self._callback.relative_update(await asyncio.to_thread(absorb, piece))

    async def _fetch(self, start: int, buffer: memoryview, *, size: int, etag: str, lanes: Lanes) -> memoryview:
        piece = buffer[: size - start]
        await self._client.read_into(self._path, piece, start=start, etag=etag, lanes=lanes)
        return piece

    async def _spans(self, headers: Mapping[str, str], size: int) -> Sequence[tuple[int, str | None]]:
        """Return length and MD5 of what the object consists of."""
        if not is_large(headers):
            etag = etag_of(headers)
            return [(size, etag if len(etag) == _MD5_DIGITS else None)]
        parts = await Segments(self._client, Lister(self._client)).manifest(self._path)
        spans = spans_of(parts) if parts else [(size, None)]
        if sum(length for length, _ in spans) != size:
            raise IntegrityError(self._path, "it has changed meanwhile")
        return spans


class _Checksums:
    """The MD5s of what an object consists of, compared while its bytes pass in their order."""

    def __init__(self, path: str, spans: Sequence[tuple[int, str | None]]) -> None:
        self._path = path
        self._spans: Iterator[tuple[int, str | None]] = iter(spans)
        self._begin()

    def _begin(self) -> None:
        self._left, self._expected = next(self._spans, (sys.maxsize, None))
        self._digest = hashlib.md5(usedforsecurity=False)

    def take(self, piece: memoryview) -> None:
        """Take the bytes that come next."""
        while piece:
            passing = piece[: self._left]
            if self._expected is not None:
                self._digest.update(passing)
            self._left -= len(passing)
            piece = piece[len(passing) :]
            if not self._left:
                if self._expected not in {None, self._digest.hexdigest()}:
                    raise IntegrityError(self._path, "the bytes that arrived do not have the MD5 of the object")
                self._begin()


def _sibling(target: Path) -> Any:  # noqa: ANN401 - a wrapper around a file
    target.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:64]}.", delete=False)


def _replace(file: Any, target: Path) -> None:  # noqa: ANN401 - a wrapper around a file
    file.close()
    mask = os.umask(0)
    os.umask(mask)
    Path(file.name).chmod(0o666 & ~mask)
    Path(file.name).replace(target)
