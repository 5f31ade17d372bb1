"""One file from one storage to another, verified from end to end.

Owns what counts as the same bytes, at both ends. Must not know which other files there are, or any thread.
"""

from collections.abc import Callable, Generator, Iterator
from hashlib import blake2b

from modos.errors import IntegrityError
from modos.storage.base import Storage
from modos.storage.info import ObjectInfo
from modos.storage.sources import Digested

__all__ = ["copy_file", "digest_of"]

PIECE = 8 * 1024 * 1024
"""Bytes read at a time: what one file under way holds in memory, beside the target's own buffers."""

type Watch = Callable[[int], None]
"""Called with the bytes that were just read from the source, 0 while the target is read back; may raise to stop."""


def copy_file(source: Storage, target: Storage, file: ObjectInfo, watch: Watch, *, expected: str | None = None) -> str:
    """Copy a file and return the BLAKE2b of its bytes, in hex.

    What was read is compared with the source's listing before the target shows it. What the target holds is then
    compared by the MD5 that the service computed, which costs nothing, or else by reading it back.

    Parameters
    ----------
    source, target
        From where, and to where, under the same name.
    file
        The file as the source listed it.
    watch
        Told of every piece.
    expected
        BLAKE2b that the file must have; `None` when any will do.

    Raises
    ------
    IntegrityError
        When either end is not as it must be; the URL is that of the end.
    """
    body = Digested(_pieces(source, file))
    chunks = _guarded(source, file, body, watch, expected)
    stored = target.put(chunks, file.path, content_type=file.content_type)
    url = target.url_of(file.path)
    if stored.size != body.size:
        raise IntegrityError(url, f"{stored.size:,} bytes are stored where {body.size:,} were sent")
    if stored.md5 != body.md5 and digest_of(target, stored, watch) != body.blake2b:
        raise IntegrityError(url, "what is stored is not what was sent")
    return body.blake2b


def digest_of(storage: Storage, file: ObjectInfo, watch: Watch | None = None) -> str:
    """Return the BLAKE2b of what is stored, in hex. Reads the whole file, piece by piece.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(mkdtemp())
    >>> digest_of(storage, storage.put(b"ACGT", "reads.txt"))[:16]
    'f3012b15acd20e3b'
    """
    digest = blake2b()
    for piece in _pieces(storage, file):
        if watch is not None:
            watch(0)
        digest.update(piece)
    return digest.hexdigest()


def _pieces(storage: Storage, file: ObjectInfo) -> Iterator[bytes]:
    """Yield as many bytes as are listed, by ranges; it ends where the storage gives fewer."""
    if file.size == 0:
        yield storage.read(file.path)  # a range of nothing is refused by some services
    for start in range(0, file.size, PIECE):
        end = min(start + PIECE, file.size)
        piece = storage.read(file.path, start, end)
        yield piece
        if len(piece) < end - start:
            return


def _guarded(source: Storage, file: ObjectInfo, body: Digested, watch: Watch, expected: str | None) -> Generator[bytes]:
    """Yield what is read, and fail before the end unless it is the file that was listed.

    A target shows a file only when its source has ended well, so what fails here is never seen there.
    """
    before = None if file.md5 else source.stat(file.path)
    for chunk in body:
        watch(len(chunk))
        yield chunk
    if reason := _flaw(source, file, body, before, expected):
        raise IntegrityError(source.url_of(file.path), reason)


def _flaw(
    source: Storage, file: ObjectInfo, body: Digested, before: ObjectInfo | None, expected: str | None
) -> str | None:
    """Return why what was read is not the file that was listed, `None` when it is."""
    if body.size != file.size:
        return f"{body.size:,} bytes were read where {file.size:,} are listed"
    if file.md5 is not None and body.md5 != file.md5:
        return "what was read is not what is listed; the file has changed, or was damaged on the way"
    if before is not None and (_differ(file, before) or before != source.stat(file.path)):
        return "the file changed while it was copied"
    if expected is not None and body.blake2b != expected:
        return "the source was edited while it was copied; nothing was completed, copy it again"
    return None


def _differ(listed: ObjectInfo, found: ObjectInfo) -> bool:
    return None not in {listed.etag, found.etag} and listed.etag != found.etag
