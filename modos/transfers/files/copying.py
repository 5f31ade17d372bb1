"""One file in one stream, verified from end to end.

Owns what counts as the same bytes, at both ends. Must not know which other files there are.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from hashlib import blake2b
from typing import Any

from modos.errors import IntegrityError
from modos.storage.base import Storage
from modos.storage.info import ObjectInfo
from modos.storage.sources import Digested
from modos.transfers.digests import Digests, part_size_of, same_content
from modos.transfers.files.reading import Reader, digest_of_kind

__all__ = ["copy_stream", "digest_of", "digests_if_same", "verified_chunks"]

PIECE = 8 * 1024 * 1024
"""Bytes read at a time: what one file under way holds in memory, beside the target's own buffers."""

type Watch = Callable[[int], None]
"""Called with the bytes that were just read from the source, 0 while the target is read back; may raise to stop."""


def copy_stream(
    source: Storage, target: Storage, file: ObjectInfo, watch: Watch, *, options: Mapping[str, Any]
) -> tuple[ObjectInfo, Digests]:
    """Copy a file piece by piece, and return what is stored and the digests of its bytes.

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
    options
        Content type and metadata, as `Storage.put` takes them.

    Raises
    ------
    IntegrityError
        When either end is not as it must be; the URL is that of the end.
    """
    body = Digested(_pieces(source, file))
    with closing(_guarded(source, file, body, watch)) as chunks:
        stored = target.put(chunks, file.path, **options)
    url = target.url_of(file.path)
    if stored.size != body.size:
        raise IntegrityError(url, f"{stored.size:,} bytes are stored where {body.size:,} were sent")
    if stored.md5 != body.md5 and digest_of(target, stored, watch) != body.blake2b:
        raise IntegrityError(url, "what is stored is not what was sent")
    return stored, {"md5": body.md5, "blake2b": body.blake2b}


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


def digests_if_same(  # noqa: PLR0917 - two files, each of a place
    reader: Reader, file: ObjectInfo, wanted: Digests, target: Storage, there: ObjectInfo, watch: Watch
) -> Digests | None:
    """Return the digests of a file that the target has, `None` unless it is that of the source; reads it at the target.

    Parameters
    ----------
    reader, file, wanted
        Of the source, its file as it is listed, and what is known of that.
    target, there
        Where there is a file of that size.
    watch
        Told of every piece.
    """
    composition = reader.composition(file)
    if composition is None and wanted.keys() <= {"parts"}:
        return None
    kinds = {"md5", "blake2b", *filter(part_size_of, wanted)}
    digests = {kind: digest_of_kind(kind, file.size) for kind in kinds}
    for piece in _pieces(target, there):
        watch(0)
        for digest in digests.values():
            digest.update(piece)
        if composition is not None:
            composition.feed(piece)
    found = {kind: digest.hexdigest() for kind, digest in digests.items()}
    as_there = found if composition is None else found | {"parts": composition.etag}
    return found if same_content(wanted, as_there) else None


def verified_chunks(source: Storage, file: ObjectInfo) -> Generator[bytes]:
    """Yield a file in pieces, and fail before its end unless it is the one that was listed.

    Raises
    ------
    IntegrityError
        When it is another by now, or was damaged on the way.
    """
    return _guarded(source, file, Digested(_pieces(source, file)), lambda _: None)


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


def _guarded(source: Storage, file: ObjectInfo, body: Digested, watch: Watch) -> Generator[bytes]:
    """Yield what is read, and fail before the end unless it is the file that was listed.

    A target shows a file only when its source has ended well, so what fails here is never seen there.
    """
    reader = Reader(source, carried=False)
    composition = reader.composition(file)
    for chunk in body:
        watch(len(chunk))
        if composition is not None:
            composition.feed(chunk)
        yield chunk
    if body.size != file.size:
        reason = f"{body.size:,} bytes were read where {file.size:,} are listed"
        raise IntegrityError(source.url_of(file.path), reason)
    reader.check(file, body.md5 if composition is None else composition.etag)
    if file.md5 != body.md5:
        reader.looked_at(file)
