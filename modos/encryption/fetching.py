"""A stored file as a stream: read in turn, some of it ahead.

Owns how much is fetched, and that it is all of one version. Must not know what the bytes are, nor what kind of place
they are in.
"""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, pairwise
from pathlib import PurePath

from modos.encryption.reading import RangeSource
from modos.errors import IntegrityError

__all__ = ["stream_file"]

_FIRST = 64 * 1024
"""Bytes of the first piece: enough for a header, for those who want no more."""

_PIECE = 8 * 1024 * 1024
_AHEAD = 3


def stream_file(source: RangeSource, target: str | PurePath) -> Generator[bytes]:
    """Yield the bytes of a stored file, for `encrypt` and `decrypt`; some 32 MiB are fetched ahead, at once.

    Nothing is fetched ahead before more than the first 64 KiB are asked for.

    Parameters
    ----------
    source
        Where the file is; each storage is one, and `DecryptedFiles` too.
    target
        The file.

    Raises
    ------
    KeyNotFoundError
        When there is no such file.
    IntegrityError
        When the file was replaced meanwhile: what came is of two versions.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> _ = storage.put(b"ACGT" * 50_000, "bases")
    >>> [len(piece) for piece in stream_file(storage, "bases")]
    [65536, 134464]
    """
    with ThreadPoolExecutor(_AHEAD) as pool:  # for every request: who takes the stream may not be free to make one
        info = pool.submit(source.stat, target).result()
        borders = [*range(_FIRST, info.size, _PIECE), info.size]
        yield pool.submit(_whole, source, target, 0, borders[0]).result()
        yield from _ahead(pool, source, target, pairwise(borders))
        now = pool.submit(source.stat, target).result()
        if (now.size, now.etag, now.last_modified) != (info.size, info.etag, info.last_modified):
            raise IntegrityError(source.url_of(target), _REPLACED)


_REPLACED = "the file was replaced while it was read"


def _ahead(
    pool: ThreadPoolExecutor, source: RangeSource, target: str | PurePath, spans: Iterable[tuple[int, int]]
) -> Generator[bytes]:
    """Yield ranges of a file in turn; as many are on their way as there are threads."""
    remaining = iter(spans)
    pending: deque[Future[bytes]] = deque()
    try:
        while True:
            coming = islice(remaining, _AHEAD - len(pending))
            pending.extend(pool.submit(_whole, source, target, start, end) for start, end in coming)
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        for each in pending:
            each.cancel()


def _whole(source: RangeSource, target: str | PurePath, start: int, end: int) -> bytes:
    body = source.read(target, start, end)
    if len(body) != end - start:
        raise IntegrityError(source.url_of(target), _REPLACED)
    return body
