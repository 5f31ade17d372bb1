"""Parts in Swift: segments beneath a prefix that tells whose they are, then the manifest that makes them one object.

Owns that prefix. Knows nothing of any other service; how segments and manifests are written is `modos.swift`'s.
"""

import base64
import uuid
from collections.abc import AsyncIterator, Generator, Iterable, Sequence
from contextlib import suppress
from http import HTTPStatus
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    KeyNotFoundError,
    ServiceError,
    StorageError,
)
from modos.storage.info import ObjectInfo
from modos.storage.neighbours import same_service
from modos.storage.parts.base import Parts
from modos.storage.parts.makeup import Makeup, Piece
from modos.storage.parts.names import beneath
from modos.storage.parts.plan import Body, PartInfo, PartPlan, Unfinished
from modos.storage.parts.rules import SWIFT
from modos.storage.parts.upload import PartUpload
from modos.storage.paths import object_name
from modos.storage.spans import FileSpan
from modos.swift.http.bodies import FileSection, Room
from modos.swift.objects.beginnings import replace_beginning
from modos.swift.objects.segments import SEGMENT_NAME, LargeUpload, manifest_tag, name_digest
from modos.swift.protocol import SEGMENTS, info_from_entry, object_headers, split_path

if TYPE_CHECKING:
    from modos.storage.base import Storage
    from modos.swift import SwiftFileSystem

__all__ = ["SwiftParts", "SwiftUpload"]

_UPLOADS = uuid.UUID("5b0c7a3e-8a53-5d51-9c0e-6f1a0c2b7d11")
_BY_NAME = "5"
"""Version of the UUIDs that are made of names; those of uploads that nobody continues are random."""

_TYPE, _TARGET = "application/octet-stream", ";target="

_SMALL = 256 * 1024
"""Bytes that are sent anew as cheaply as a manifest."""

_ELSEWHERE = (KeyNotFoundError, AccessDeniedError, AuthenticationError, IntegrityError)
"""What a segment may answer that is gone, or that who may read the object may not read."""

_REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


def token_of(identity: str, number: int) -> str:
    """Return what stands for an upload in the names of its segments."""
    return uuid.uuid5(_UPLOADS, f"{identity}/{number}").hex


def is_continued(token: str) -> bool:
    """Tell whether the segments with this in their names are of an upload by parts.

    Examples
    --------
    >>> is_continued(token_of("abc", 0)), is_continued("0d2f8a4c6e0b4c1f8a2e4d6c8b0a1f3e")
    (True, False)
    """
    return token[12] == _BY_NAME


def type_of(name: str) -> str:
    """Return the content type of segments, by which a listing tells what object they are to be.

    Examples
    --------
    >>> target_in(type_of("ex/é.cram"))
    'ex/é.cram'
    """
    return f"{_TYPE}{_TARGET}{base64.urlsafe_b64encode(name.encode()).decode().rstrip('=')}"


def target_in(content_type: str) -> str | None:
    """Return the name that the content type of a segment tells, `None` for one that tells none."""
    _, found, text = content_type.partition(_TARGET)
    try:
        return (
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode() if found else None
        )
    except ValueError:
        return None


class SwiftUpload(PartUpload):
    """Segments on their way; the token is part of their names."""

    streams = True

    @property
    def _filesystem(self) -> "SwiftFileSystem":
        filesystem: SwiftFileSystem = self.storage.filesystem  # type: ignore[attr-defined] # of a SwiftStorage
        return filesystem

    @property
    def _path(self) -> str:
        return _path(self.storage, self.plan.name)

    def _large(self) -> LargeUpload:
        name = split_path(self._path)[1]
        return LargeUpload(self._filesystem.client, self._path, upload=self.token, segment_type=type_of(name))

    def _stored(self) -> Iterable[PartInfo]:
        entries = self._filesystem.run(_listed, self._filesystem, self._large().prefix)
        return [PartInfo(int(entry["name"].rpartition("/")[2]), entry["bytes"], entry["hash"]) for entry in entries]

    def _put(self, index: int, body: Body, md5: str) -> str:
        self._filesystem.here(self._large().add, index, body, digest=md5)
        return md5

    def _put_from(self, index: int, file: BinaryIO) -> str:
        filesystem, large, (start, end) = self._filesystem, self._large(), self.span(index)
        try:
            tag: str = filesystem.here(large.add, index, FileSection(file, start, end - start))
        except IntegrityError:  # other bytes are there, which must not count
            with suppress(StorageError):
                filesystem.run(filesystem.segments.delete, large.disposable)
            raise
        return tag

    def _copies_from(self, source: "Storage") -> bool:
        return same_service(source, self.storage)

    def _copy(self, index: int, source: "Storage", name: str, etag: str | None) -> str:
        start, end = self.span(index)
        tag: str = self._filesystem.run(self._large().copy_range, index, _path(source, name), start, end, etag=etag)
        return tag

    def _commit(self, parts: Sequence[PartInfo]) -> None:
        self._filesystem.run(self._assemble, parts)

    async def _assemble(self, parts: Sequence[PartInfo]) -> None:
        """Put the manifest, then delete the segments of what it replaces."""
        segments, large = self._filesystem.segments, self._large()
        replaced = [path for path in await segments.of(self._path) if not path.startswith(large.prefix)]
        for part in parts:
            large.hold(part.index, part.size, part.etag)
        try:
            await large.commit(headers=object_headers(self._path, self.plan.content_type, self.plan.metadata))
        except ServiceError as error:
            if error.status == HTTPStatus.BAD_REQUEST:
                raise self._damaged("cannot be made: a part is not there, or not as it was sent") from error
            raise
        finally:
            segments.forget(self._path)
        await segments.delete(replaced)

    def _etag_of(self, parts: Sequence[PartInfo]) -> str | None:
        return f"{manifest_tag({'etag': part.etag} for part in parts)}-slo"

    def _abort(self) -> None:
        self._filesystem.run(_discard, self._filesystem, self._path, self.token)


class SwiftParts(Parts):
    """Parts in OpenStack Swift."""

    rules = SWIFT

    @property
    def _filesystem(self) -> "SwiftFileSystem":
        filesystem: SwiftFileSystem = self.storage.filesystem  # type: ignore[attr-defined] # of a SwiftStorage
        return filesystem

    def _begin(self, plan: PartPlan) -> PartUpload:
        token = self._filesystem.run(_begin, self._filesystem, _path(self.storage, plan.name), plan.identity)
        return SwiftUpload(self.storage, plan, token)

    def _made_of(self, file: ObjectInfo) -> Makeup | None:
        parts = self._filesystem.run(self._filesystem.segments.manifest, _path(self.storage, str(file.path)))
        if any(not part.keys().isdisjoint({"range", "data", "sub_slo"}) for part in parts):
            return None  # the ETag is made of something else
        lengths = [part["bytes"] for part in parts]
        pieces = [Piece(part["name"].removeprefix("/"), part["hash"]) for part in parts]
        return Makeup(lengths, "hex", pieces) if sum(lengths) == file.size else None

    def _read_piece(self, piece: Piece, size: int) -> Body | None:
        body = bytearray(size)
        return body if self._fill(memoryview(body), piece) else None

    def _pour_piece(self, piece: Piece, span: FileSpan) -> bool:
        return self._fill(span, piece)

    def _fill(self, room: Room, piece: Piece) -> bool:
        """Ask for a segment: out of the object, Swift looks its manifest up each time and digests what it sends."""
        with suppress(*_ELSEWHERE):
            self._filesystem.here(self._filesystem.client.read_into, piece.name, room, start=0, etag=piece.md5)
            return True
        return False

    def _replace_beginning(self, file: ObjectInfo, head: bytes, start: int) -> bool:
        if file.size <= _SMALL:
            return False
        path, tag = _path(self.storage, str(file.path)), None if file.etag is None else file.etag.removesuffix("-slo")
        try:
            self._filesystem.run(replace_beginning, self._filesystem.objects, path, head, start, etag=tag)
        except ServiceError as error:
            if error.status in _REFUSED:  # no static large objects here, or not of these parts
                return False
            raise
        return True

    def _unfinished(self, name: str) -> Generator[Unfinished]:
        """Yield what is found with one listing of the segments and one of the objects, and a request for each upload."""
        container, *prefix = self.storage.path.parts
        root = "".join(f"{part}/" for part in prefix)
        yield from self._filesystem.run(_unfinished, self._filesystem, container, root, name)

    def _discard(self, name: str, token: str) -> None:
        self._filesystem.run(_discard, self._filesystem, _path(self.storage, name), token)


def _path(storage: "Storage", name: str) -> str:
    container, *prefix = storage.path.parts
    return f"{container}/{object_name('/'.join((*prefix, name)))}"


async def _listed(filesystem: "SwiftFileSystem", prefix: str) -> list[dict[str, Any]]:
    container, beneath_it = split_path(prefix)
    return [entry async for entry in filesystem.lister.entries(container, prefix=beneath_it)]


async def _in_use(filesystem: "SwiftFileSystem", path: str) -> set[str]:
    """Return the tokens of the uploads whose segments the object consists of that is there."""
    found = (SEGMENT_NAME.fullmatch(split_path(segment)[1]) for segment in await filesystem.segments.of(path))
    return {match["upload"] for match in found if match}


async def _begin(filesystem: "SwiftFileSystem", path: str, identity: str) -> str:
    """Return the token of an upload, and remove the segments of other ones: never those of the object that is there."""
    container, name = split_path(path)
    in_use = await _in_use(filesystem, path)
    token = next(each for number in count() if (each := token_of(identity, number)) not in in_use)
    others = []
    for entry in await _listed(filesystem, f"{container}/{SEGMENTS}{name_digest(name)}/"):
        match = SEGMENT_NAME.fullmatch(entry["name"])
        if match and is_continued(match["upload"]) and match["upload"] not in {token, *in_use}:
            others.append(f"{container}/{entry['name']}")
    await filesystem.segments.delete(others)
    return token


async def _discard(filesystem: "SwiftFileSystem", path: str, token: str) -> None:
    """Remove the segments of an upload, unless the object that is there consists of them."""
    if token not in await _in_use(filesystem, path):
        container = split_path(path)[0]
        entries = await _listed(filesystem, LargeUpload(filesystem.client, path, upload=token).prefix)
        await filesystem.segments.delete(f"{container}/{entry['name']}" for entry in entries)


async def _unfinished(filesystem: "SwiftFileSystem", container: str, root: str, beneath_it: str) -> list[Unfinished]:
    uploads: dict[tuple[str, str], list[dict[str, Any]]] = {}
    async for name, token, entry in _continued(filesystem, container):
        if name.startswith(root) and beneath(name.removeprefix(root), beneath_it):
            uploads.setdefault((name, token), []).append(entry)
    if not uploads:
        return []
    visible = filesystem.lister.entries(container, prefix=root + beneath_it)
    manifests = {entry["name"]: entry["slo_etag"].strip('"') async for entry in visible if "slo_etag" in entry}
    found = []
    for (name, token), entries in sorted(uploads.items()):
        if manifests.get(name) == manifest_tag(entries):
            continue  # the object that is there consists of them
        if token not in await _in_use(filesystem, f"{container}/{name}"):
            times = [info_from_entry(container, entry)["last_modified"] for entry in entries]
            size = sum(entry["bytes"] for entry in entries)
            path = PurePosixPath(name.removeprefix(root))
            found.append(Unfinished(path, size, min(times), max(times), token))
    return found


async def _continued(filesystem: "SwiftFileSystem", container: str) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Yield target, token and entry of each segment of a container that an upload by parts has left or made."""
    async for entry in filesystem.lister.entries(container, prefix=SEGMENTS):
        match = SEGMENT_NAME.fullmatch(entry["name"])
        if match and is_continued(match["upload"]):
            name = target_in(entry["content_type"])
            if name is not None and name_digest(name) == match["object"]:
                yield name, match["upload"], entry
