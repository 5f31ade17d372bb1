"""One large file on its way into a storage, by parts: what is promised, and the checks that hold everywhere.

Owns when a part counts and when a file is whole. Knows no service: each implements the underscored methods.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from modos.errors import IntegrityError, InvalidInputError, ServiceError
from modos.storage.info import ObjectInfo
from modos.storage.parts.plan import Body, PartInfo, PartPlan
from modos.storage.paths import target_name
from modos.storage.spans import FileSpan

if TYPE_CHECKING:
    from modos.storage.base import Storage

__all__ = ["EmptyUpload", "PartUpload"]

_SHOWN = 10


class PartUpload(ABC):
    """One large file on its way into a storage.

    Parts may come in any order and from any number of threads. It holds neither connection nor progress, so that it
    pickles: what has arrived is what the service tells. Nothing is seen under the file's name until `commit`.

    Parameters
    ----------
    storage
        Where it goes.
    plan
        How it is cut.
    token
        What tells it from other uploads of the same file.
    """

    _is_compared: ClassVar[bool] = True
    """Whether the service compares what arrives with the MD5 that it is told."""

    streams: ClassVar[bool] = False
    """Whether `put_from` holds less of a part than `put`; other bytes than were sent are then found when they are there.

    So a part that was sent by a process that is gone by now may be damaged: whoever continues compares it with the file.
    """

    takes_pieces: ClassVar[bool] = False
    """Whether it stores parts that come piece by piece, by `put_by`."""

    has_digests: bool = True
    """Whether the tags of its parts are the MD5s of their bytes, where they look so."""

    def __init__(self, storage: "Storage", plan: PartPlan, token: str) -> None:
        self.storage = storage
        self.plan = plan
        self.token = token

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.storage.url_of(self.plan.name)} in {self.count} parts>"

    @property
    def path(self) -> PurePosixPath:
        """The file, relative to the storage."""
        return PurePosixPath(self.plan.name)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.plan.size

    @property
    def part_size(self) -> int:
        """Bytes of each part but the last."""
        return self.plan.part_size

    @property
    def count(self) -> int:
        """How many parts there are, none of an empty file."""
        return self.plan.count

    def span(self, index: int) -> tuple[int, int]:
        """Return where part number `index`, from 0, begins and ends in the file."""
        return self.plan.span(index)

    def stored(self) -> Mapping[int, PartInfo]:
        """Return the parts that have arrived, as the service tells: one listing, a page for each 1,000 parts or more.

        One that has not the size it must have does not count. Swift's listing may lag behind what was sent.
        """
        with self._boundary():
            found = self._stored()
        return {
            part.index: part
            for part in found
            if part.index < self.count and part.size == self.plan.length(part.index) and part.index >= 0
        }

    def read(self, index: int) -> bytes | None:
        """Return a part that has arrived as it is there; `None` where to read it takes a request, or it cannot be read."""
        with self._boundary():
            return self._read(index)

    def put(self, index: int, body: Body, *, md5: str | None = None) -> PartInfo:
        """Store a part; one request. It counts only if what arrived has the MD5 of what was sent.

        Parameters
        ----------
        index
            Number of the part, from 0; one that is there is replaced.
        body
            Its bytes, as many as `span` says.
        md5
            MD5 of the body in hex where it is known; `None` to compute it. A body with another one is refused.

        Raises
        ------
        InvalidInputError
            When there is no such part, or it must have another length.
        IntegrityError
            When other bytes arrived than were sent; the part does not count.
        """
        length = memoryview(body).nbytes
        if length != self.plan.length(index):
            raise InvalidInputError(f"part {index} has {self.plan.length(index):,} bytes, not {length:,}")
        digest = md5
        if digest is None or not self._is_compared:
            digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if md5 not in {None, digest}:
            raise self._damaged(f"has a part {index} without the MD5 that it should have")
        with self._boundary():
            return PartInfo(index, length, self._put(index, body, digest), self.has_digests)

    def put_from(self, index: int, file: BinaryIO) -> PartInfo:
        """Store a part that a file has in the same place; one request, and no more is held of it than must be.

        Parameters
        ----------
        index
            Number of the part, from 0; one that is there is replaced.
        file
            Is read from where the part begins, and again where it must be sent again.

        Raises
        ------
        InvalidInputError
            When there is no such part.
        IntegrityError
            When the file ends before the part does, or other bytes arrived than were sent; the part does not count.
        """
        length = self.plan.length(index)
        try:
            with self._boundary():
                return PartInfo(index, length, self._put_from(index, file), self.has_digests)
        except EOFError as error:
            raise self._damaged(f"gets no part {index}: the file that is sent is shorter by now") from error

    def put_by(self, index: int, bring: Callable[[FileSpan], object]) -> PartInfo:
        """Store a part that somebody brings piece by piece, so that hardly any of it is held.

        Parameters
        ----------
        index
            Number of the part, from 0; one that is there is replaced.
        bring
            Fills the span that it is given; the part does not count when it raises.

        Raises
        ------
        InvalidInputError
            When there is no such part.
        ServiceError
            When the upload does not do so; see `takes_pieces`.
        IntegrityError
            When the span has been given more or fewer bytes than the part has; the part does not count.
        """
        length = self.plan.length(index)
        if not self.takes_pieces:
            reason = "its service takes no part piece by piece; give all bytes of it"
            raise ServiceError(self.storage.url_of(self.plan.name), reason)
        with self._boundary():
            return PartInfo(index, length, self._put_by(index, bring), self.has_digests)

    def has(self, part: PartInfo) -> bool:
        """Tell whether a part that has arrived is there as it was sent; `False` where that takes a request."""
        with self._boundary():
            return self._has(part)

    def copies_from(self, source: "Storage") -> bool:
        """Tell whether the service itself can copy parts out of files of another storage; nothing is asked."""
        return self._copies_from(source)

    def copy(self, index: int, source: "Storage", target: str | PurePath, *, etag: str | None = None) -> PartInfo:
        """Let the service copy a part out of another file; one request, and no byte of it passes here.

        Parameters
        ----------
        index
            Number of the part; it is the same range of the other file.
        source, target
            The storage, one for which `copies_from` holds, and the file in it.
        etag
            That the file must still have; `None` for any.

        Raises
        ------
        ServiceError
            When the service cannot do that between these storages.
        IntegrityError
            When the file has another ETag.
        """
        start, end = self.span(index)
        if not self.copies_from(source):
            reason = f"its service cannot copy out of {source.url}; send the bytes"
            raise ServiceError(self.storage.url_of(self.plan.name), reason)
        name = target_name(target)
        with self._boundary():
            return PartInfo(index, end - start, self._copy(index, source, name, etag), self.has_digests)

    def commit(self, parts: Iterable[PartInfo] | None = None) -> ObjectInfo:
        """Make the file of its parts: from now on it is seen, whole, and in place of what was there.

        Parameters
        ----------
        parts
            What `put`, `copy` and `stored` have returned; the service compares every one with what it has. `None` for
            what it says it has, which is asked for.

        Raises
        ------
        IntegrityError
            When a part is missing or is not as it was sent, or the file is not of the right size.
        """
        known = self.stored() if parts is None else {part.index: part for part in parts}
        ordered = self._complete(known)
        with self._boundary():
            self._commit(ordered)
        info = self.storage.stat(self.plan.name)
        if info.size != self.size:
            raise self._damaged(f"has {info.size:,} bytes where {self.size:,} were sent")
        self.storage._forget_zarr(self.plan.name)  # noqa: SLF001 - it is part of storing a file
        with self._boundary():
            self._forget()
        return info

    def abort(self) -> None:
        """Give up: nothing is left of it. What was stored under the file's name stays as it was."""
        with self._boundary():
            self._abort()

    def etag_of(self, parts: Iterable[PartInfo]) -> str | None:
        """Return the tag that the committed file will have in `stat` and listings, `None` where it is not known before."""
        return self._etag_of(self._complete({part.index: part for part in parts}))

    def _complete(self, known: Mapping[int, PartInfo]) -> Sequence[PartInfo]:
        missing = [str(index) for index in range(self.count) if index not in known]
        if missing:
            shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
            raise self._damaged(f"has not arrived whole: of {self.count} parts, these are missing: {shown}")
        ordered = [known[index] for index in sorted(known)]
        for part in ordered:
            if part.size != self.plan.length(part.index):
                raise self._damaged(f"has a part {part.index} of {part.size:,} bytes, which is another length")
        return ordered

    def _damaged(self, reason: str) -> IntegrityError:
        return IntegrityError(self.storage.url_of(self.plan.name), reason)

    def _boundary(self) -> AbstractContextManager[None]:
        return self.storage._boundary(self.plan.name)  # noqa: SLF001 - its errors are the storage's

    # -- what a service implements ----------------------------------------------------------------------------------

    @abstractmethod
    def _stored(self) -> Iterable[PartInfo]:
        """Return what the service has."""

    @abstractmethod
    def _put(self, index: int, body: Body, md5: str) -> str:
        """Store a part if what arrives has this MD5, and return its tag."""

    def _put_from(self, index: int, file: BinaryIO) -> str:
        """Store a part out of a file, and return its tag; this default holds all of it."""
        start, end = self.span(index)
        file.seek(start)
        body = file.read(end - start)
        if len(body) < end - start:
            raise EOFError
        return self._put(index, body, hashlib.md5(body, usedforsecurity=False).hexdigest())

    def _put_by(self, index: int, bring: Callable[[FileSpan], object]) -> str:
        """Store a part that is brought piece by piece, and return its tag."""
        raise NotImplementedError

    @abstractmethod
    def _commit(self, parts: Sequence[PartInfo]) -> None:
        """Make the file of these parts, all of them, if the service has them so."""

    @abstractmethod
    def _abort(self) -> None:
        """Remove every trace; there may be none any more."""

    def _read(self, index: int) -> bytes | None:  # noqa: ARG002 - takes a request, unless a service says otherwise
        return None

    def _has(self, part: PartInfo) -> bool:  # noqa: ARG002 - likewise
        return False

    def _forget(self) -> None:  # noqa: B027 - most services keep nothing
        """Remove what is not needed after the commit."""

    def _copies_from(self, source: "Storage") -> bool:  # noqa: ARG002 - none, unless a service says otherwise
        return False

    def _copy(self, index: int, source: "Storage", name: str, etag: str | None) -> str:
        """Copy a part within the service, and return its tag."""
        raise NotImplementedError

    def _etag_of(self, parts: Sequence[PartInfo]) -> str | None:  # noqa: ARG002 - not known, unless a service says otherwise
        return None


class EmptyUpload(PartUpload):
    """A file without bytes, which has no parts: it is stored when it is committed."""

    def _stored(self) -> Iterable[PartInfo]:
        return ()

    def _put(self, index: int, body: Body, md5: str) -> str:
        raise NotImplementedError  # there is no part that could come here

    def _commit(self, parts: Sequence[PartInfo]) -> None:  # noqa: ARG002 - there are none
        plan = self.plan
        self.storage.put(b"", plan.name, content_type=plan.content_type, metadata=plan.metadata)

    def _abort(self) -> None:
        """Leave it: nothing has been stored."""
