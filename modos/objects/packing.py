"""One file instead of many: an object packed into a ZIP archive, and unpacked.

Owns the order and form of what is in such an archive, so that it opens in few requests. Must not know how an archive is
read: that is what `modos.storage.pipelines` does.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path, PurePath
from time import perf_counter
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from modos.errors import IntegrityError, InvalidInputError, InvalidPathError
from modos.objects.moves import transfer_object
from modos.objects.places import Place, opened
from modos.objects.snapshot import Snapshot
from modos.objects.verification import missing_of
from modos.storage import ROOT_DOCUMENT, TRASH, ZARR_ROOT, LocalStorage, ObjectInfo, Storage
from modos.storage.pipelines import ArchiveStorage, is_pipeline
from modos.storage.pipelines.places import Place as Leading
from modos.storage.pipelines.places import StoragePlace
from modos.storage.pipelines.resolver import place_at
from modos.storage.pipelines.syntax.escapes import encoded
from modos.storage.sources import Digested
from modos.transfers import Progress, Report
from modos.transfers.files.copying import digest_of, verified_chunks
from modos.transfers.progress import Tally

__all__ = ["pack", "unpack"]

_SMALL = 1024 * 1024
"""Files up to this size are read ahead."""

_AHEAD = 8
_LARGE = 2**31
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The oldest time that an archive can name: equal objects make equal archives."""

_DOCUMENT = "zarr.json"


def pack(
    source: Place,
    archive: str | PurePath,
    *,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
    source_options: Mapping[str, Any] | None = None,
    archive_options: Mapping[str, Any] | None = None,
) -> Report:
    """Copy an object into a ZIP archive, which `MODO("….zip|zip:")` opens where it is, without unpacking it.

    Files are stored uncompressed, so that ranges of them can be read; the metadata stand at the end, next to the
    directory of the archive. The archive is streamed, read back where the service tells no checksum of its own, and seen
    only when it is whole.

    Parameters
    ----------
    source
        The object, its path, address or storage.
    archive
        The file to write: a path of this machine, or an address such as `s3://bucket/ex.zip`.
    overwrite
        Whether a file that is there may be replaced.
    progress
        Called as the packing goes on; `None` for silence.
    source_options, archive_options
        What the storages of addresses take; `None` for nothing.

    Returns
    -------
    Report
        What was packed, with the BLAKE2b of every file, and which files are missing.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at the source.
    KeyExistsError
        When something has the name of the archive.
    IntegrityError
        When a file, or the object's metadata, changed meanwhile, or the archive did not arrive as it was sent.

    Examples
    --------
    >>> import tempfile
    >>> from modos import MODO
    >>> place = tempfile.mkdtemp()
    >>> modo = MODO.create(f"{place}/ex", id="ex", description="pilot")
    >>> report = pack(modo, f"{place}/ex.zip")
    >>> packed = MODO(f"file:{place}/ex.zip|zip:")
    >>> packed.checksum() == modo.checksum()
    True
    """
    leaving = opened(source, source_options)
    target = _archive_place(archive, archive_options)
    _refuse_inside(leaving, target)
    said = Snapshot.read(leaving)
    began = perf_counter()
    packing = _Packing(leaving, leaving.read(ROOT_DOCUMENT), sorted(_packed(leaving), key=_order), progress)
    body = Digested(packing.chunks())
    stored = target.storage.put(
        body, target.name, mode="overwrite" if overwrite else "create", content_type="application/zip"
    )
    if stored.size != body.size or (stored.md5 != body.md5 and digest_of(target.storage, stored) != body.blake2b):
        raise IntegrityError(target.url, "what is stored is not what was sent; pack the object again")
    files = {str(file.path): file for file in packing.files}
    size, missing = sum(file.size for file in files.values()), missing_of(said, files)
    return Report(len(files), size, 0, perf_counter() - began, packing.digests, missing=missing)


def unpack(
    archive: str | PurePath,
    target: Place,
    *,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
    archive_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> Report:
    """Copy an object out of a ZIP archive: every file verified, the object seen only when it is whole.

    Parameters
    ----------
    archive
        The archive: a path of this machine or an address; `ex.zip|zip:directory` for an object in a directory of one.
    target
        Path, address or storage of the object itself.
    overwrite
        Whether another object that is there may be replaced, or one with edits that the archive has not seen.
    progress
        Called as the copying goes on; `None` for silence.
    archive_options, target_options
        What the storages of addresses take; `None` for nothing.

    Raises
    ------
    URLPipelineError
        When the file is no ZIP archive.
    InvalidPathError
        When it is a directory.
    ObjectNotFoundError
        When there is no object in it.
    ObjectExistsError
        When there is another object at the target, one with edits of its own, or files that are none of this one's.
    IntegrityError
        When a file in the archive is damaged.
    """
    text, place = str(archive), opened(target, target_options)
    if not isinstance(archive, PurePath) and "|" in text:
        return transfer_object(opened(text, archive_options), place, overwrite=overwrite, progress=progress)
    file = _archive_place(archive, archive_options)
    if isinstance(file.storage.path, Path) and Path(file.storage.path, file.name).is_dir():
        raise InvalidPathError(text, "is a directory; an archive is a file, such as ex.zip")
    source = ArchiveStorage(file.blob())
    source.check()
    return transfer_object(source, place, overwrite=overwrite, progress=progress)


def _archive_place(archive: str | PurePath, options: Mapping[str, Any] | None) -> StoragePlace:
    """Return the name of an archive in the storage that it is in."""
    text = str(archive)
    if isinstance(archive, str) and is_pipeline(archive):
        place: Leading = place_at(archive, options)
    elif options:
        raise InvalidInputError(f"a file of this machine takes no option {', '.join(map(repr, sorted(options)))}")
    else:
        path = Path(os.path.expanduser(archive)).absolute()  # noqa: PTH111 - `~nobody` is then a name as any other
        place = StoragePlace(LocalStorage(path.parent), path.name, f"file:{encoded(str(path))}")
    if not isinstance(place, StoragePlace) or place.name == "" or not text or text.endswith("/"):
        raise InvalidPathError(text, "is no file's name; an archive is a file, such as ex.zip")
    return place


def _refuse_inside(source: Storage, target: StoragePlace) -> None:
    here, there = source.path, target.storage.path
    local = isinstance(here, Path) and isinstance(there, Path) and there.resolve().is_relative_to(here.resolve())
    if local or target.storage.url_of(target.name).startswith(f"{source.url.removesuffix('/')}/"):
        raise InvalidPathError(target.name, f"would be inside the object {source.url} itself; choose another place")


def _packed(source: Storage) -> Iterator[ObjectInfo]:
    return (file for file in source.scan() if not file.path.is_relative_to(TRASH))


def _order(file: ObjectInfo) -> tuple[int, str]:
    """Sort data before chunks before documents, and the root document behind all."""
    name = str(file.path)
    if name == ROOT_DOCUMENT:
        return 3, name
    if file.path.parts[0] != ZARR_ROOT.name:
        return 0, name
    return (2 if file.path.name == _DOCUMENT else 1), name


@dataclass(slots=True)
class _Packing:
    """An object on its way into an archive."""

    source: Storage
    root: bytes
    files: list[ObjectInfo]
    progress: Callable[[Progress], None] | None
    digests: dict[str, str] = field(default_factory=dict)

    def chunks(self) -> Generator[bytes]:
        """Yield the archive; it ends badly, and so is never seen, when the object changed meanwhile."""
        tally = Tally(len(self.files), sum(file.size for file in self.files), self.progress)
        sink = _Sink()
        with ThreadPoolExecutor(_AHEAD, thread_name_prefix="modos-pack") as pool:
            with ZipFile(sink, "w", ZIP_STORED) as archive:
                for file, pieces in self._read_ahead(pool):
                    name, digest = str(file.path), blake2b()
                    info = ZipInfo(name, _BEGINNING)
                    info.external_attr = 0o644 << 16
                    with archive.open(info, "w", force_zip64=file.size >= _LARGE) as member:
                        for piece in pieces:
                            member.write(piece)
                            digest.update(piece)
                            tally.moved(name, len(piece))
                            yield sink.taken()
                    self.digests[name] = digest.hexdigest()
                    tally.finished(name, file.size)
            if self.source.read(ROOT_DOCUMENT) != self.root:
                reason = "the object was edited while it was packed; nothing was written, pack it again"
                raise IntegrityError(self.source.url, reason)
        yield sink.taken()

    def _read_ahead(self, pool: ThreadPoolExecutor) -> Iterator[tuple[ObjectInfo, Iterator[bytes]]]:
        """Yield files with their pieces; small ones that come next are being read meanwhile."""
        waiting = deque(self.files)
        reading: deque[tuple[ObjectInfo, Future[bytes] | None]] = deque()
        while waiting or reading:
            while waiting and len(reading) < _AHEAD:
                file = waiting.popleft()
                reading.append((file, pool.submit(self._whole, file) if file.size <= _SMALL else None))
            file, body = reading.popleft()
            yield file, verified_chunks(self.source, file) if body is None else iter((body.result(),))

    def _whole(self, file: ObjectInfo) -> bytes:
        return b"".join(verified_chunks(self.source, file))


class _Sink:
    """A file that is only written, and emptied as it fills."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        """Take bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
