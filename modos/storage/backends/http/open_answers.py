"""The answer of a web server without ranges to a request for a file, read on as its bytes are asked for.

Owns which bytes of it are still to be had. Must not know how it was asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientResponse, StreamReader

__all__ = ["OpenAnswer", "Span"]

type Span = tuple[int, int | None]
"""From where to where of a file, the end exclusive; `None` for all that is behind."""

_PIECE = 2**20

_KEPT = 2**28
"""How many bytes are kept that were passed over: more than the parts of a transfer that are under way at a time."""

_VERSION = ("etag", "last-modified", "content-length")


class OpenAnswer:
    """A file on its way, each byte of which is handed out once: whoever asks again is to ask the server again.

    Several readers may share it, such as those of the parts of a file. What one of them passes over is kept for the others, in a
    temporary file of a bounded size. Left alone, it ends.

    Parameters
    ----------
    patience
        Seconds after which it ends, when nobody has read on.
    """

    def __init__(self, patience: float) -> None:
        self.turn = asyncio.Lock()
        self.url = ""
        self.told: Mapping[str, str] = {}
        self._patience = patience
        self._answer: ClientResponse | None = None
        self._at = 0
        self._left: list[tuple[int, int]] = []
        self._kept: IO[bytes] | None = None
        self._ending: asyncio.TimerHandle | None = None

    def begin(self, answer: "ClientResponse", told: Mapping[str, str]) -> None:
        """Take the bytes from an answer that has just begun; what the last one had left is forgotten."""
        self.end()
        self._answer, self.url, self.told, self._at = answer, str(answer.url), told, 0

    def end(self) -> None:
        """Read no more of the answer."""
        for each in (self._answer, self._kept):
            if each is not None:
                each.close()
        if self._ending is not None:
            self._ending.cancel()
        self._answer = self._kept = self._ending = None
        self._left = []

    def end_if_other(self, told: Mapping[str, str]) -> None:
        """End when headers tell of another version of the file."""
        if any(self.told.get(each, told[each]) != told[each] for each in _VERSION if each in told):
            self.end()

    async def take(self, span: Span) -> bytes | None:
        """Return a span of the file, clipped; `None` where it is not to be had from here, or not any more."""
        start, end = span
        if self._answer is None:
            return None
        content, begun = self._answer.content, self._at
        recalled = [] if start >= begun else self._recalled(start, begun if end is None else min(end, begun))
        if recalled is None or (start >= begun and content.at_eof()):
            return None
        if self._ending is not None:
            self._ending.cancel()
        kept_from = max(begun, start - _KEPT)
        async for chunk in self._coming(content, start):
            if self._at > kept_from:
                self._keep(chunk)
        self._left += [(kept_from, self._at)] if self._at > kept_from else []
        body = bytearray().join(recalled)
        async for chunk in self._coming(content, end):
            body += chunk
        self._left = [(max(begun, self._at - _KEPT), until) for begun, until in self._left if until > self._at - _KEPT]
        if content.at_eof() and not self._left:
            self.end()
        else:
            self._ending = asyncio.get_running_loop().call_later(self._patience, self.end)
        return bytes(body)

    async def _coming(self, content: "StreamReader", end: int | None) -> AsyncIterator[bytes]:
        """Yield what comes, until the answer is read up to there."""
        while end is None or self._at < end:
            chunk = await content.read(_PIECE if end is None else min(_PIECE, end - self._at))
            if not chunk:
                break
            self._at += len(chunk)
            yield chunk

    def _keep(self, chunk: bytes) -> None:
        """Note what has just come for whoever will ask for it."""
        if self._kept is None:
            self._kept = TemporaryFile()  # noqa: SIM115 - `end` closes it
        view = memoryview(chunk)
        for at, size in _places(self._at - len(chunk), self._at):
            self._kept.seek(at)
            self._kept.write(view[:size])
            view = view[size:]

    def _recalled(self, start: int, end: int) -> list[bytes] | None:
        """Return a span that was passed over, which then is no more; `None` where it was not, or is kept no longer."""
        around = next((each for each in self._left if each[0] <= start and end <= each[1]), None)
        if around is None or self._kept is None:
            return None
        self._left.remove(around)
        self._left += [(first, last) for first, last in ((around[0], start), (end, around[1])) if first < last]
        found = []
        for at, size in _places(start, end):
            self._kept.seek(at)
            found.append(self._kept.read(size))
        return found


def _places(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where a span of the file is in what is kept, which begins again at its end: offsets and sizes.

    Examples
    --------
    >>> list(_places(_KEPT - 2, _KEPT + 3))
    [(268435454, 2), (0, 3)]
    """
    cuts = range((start // _KEPT + 1) * _KEPT, end, _KEPT)
    for first, last in zip((start, *cuts), (*cuts, end), strict=True):
        yield first % _KEPT, last - first
