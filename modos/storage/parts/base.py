"""How a storage takes large files by parts: begun, continued, found unfinished, and told of what they consist.

Owns what holds before a service is asked. Knows no service: each implements the underscored methods.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from modos.errors import ReadOnlyError
from modos.storage.info import ObjectInfo
from modos.storage.parts.makeup import Makeup, Piece
from modos.storage.parts.plan import Body, PartPlan, Unfinished
from modos.storage.parts.rules import PartRules
from modos.storage.parts.upload import EmptyUpload, PartUpload
from modos.storage.paths import target_name
from modos.storage.spans import FileSpan

if TYPE_CHECKING:
    from modos.storage.base import Storage

__all__ = ["Parts"]


class Parts(ABC):
    """How a storage takes large files by parts; `Storage.parts` returns it.

    Parameters
    ----------
    storage
        The storage.
    """

    rules: ClassVar[PartRules]
    held: ClassVar[int] = 1
    """How many times the bytes of a part the client of the service holds while they are sent."""

    fetched: ClassVar[int] = 1
    """Likewise while they come from there."""

    def __init__(self, storage: "Storage") -> None:
        self.storage = storage

    def size_for(self, size: int) -> int:
        """Return a good part size for a file of this size: 16 MiB (Swift: 24) or more, within what the service takes.

        Raises
        ------
        InvalidInputError
            When the service takes no file of this size.
        """
        return self.rules.size_for(size)

    def begin(
        self,
        target: str | PurePath,
        *,
        size: int,
        origin: str,
        part_size: int | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> PartUpload:
        """Begin to store a file, or continue where it was left, by this process or any other.

        One of them at a time should begin: several processes share the upload that it returns, which pickles.

        An unfinished upload of the same file is continued if all of `size`, `part_size`, `origin`, `content_type` and
        `metadata` are the same. Otherwise its parts are removed, for they would make another file.

        Parameters
        ----------
        target
            Name to store it under.
        size
            Bytes of the whole file.
        origin
            Whatever tells the version of the source from any other, such as its address and ETag.
        part_size
            Bytes of each part but the last; `None` for `size_for(size)`.
        content_type, metadata
            As for `Storage.put`.

        Raises
        ------
        InvalidInputError
            When the service takes no such parts.
        """
        if self.storage.read_only:
            raise ReadOnlyError(self.storage.url)
        plan = PartPlan(
            name=target_name(target),
            size=size,
            part_size=self.size_for(size) if part_size is None else part_size,
            origin=origin,
            content_type=content_type,
            metadata=dict(metadata or {}),
        )
        self.rules.check(size, plan.part_size)
        with self.storage._boundary(plan.name):  # noqa: SLF001 - its errors are the storage's
            return self._begin(plan) if size else EmptyUpload(self.storage, plan, "")

    def unfinished(self, target: str | PurePath | None = None) -> Generator[Unfinished]:
        """Yield the files of which parts have arrived and that were not committed, also those that are on their way.

        Parameters
        ----------
        target
            A file, or a directory beneath which to look; `None` for the root.
        """
        name = "" if target in {None, "", ".", PurePosixPath()} else target_name(target or "")
        with self.storage._boundary(name):  # noqa: SLF001 - its errors are the storage's
            yield from self._unfinished(name)

    def discard(self, unfinished: Unfinished) -> None:
        """Remove the parts of a file that was not committed. One that is gone or committed by now is no error."""
        if self.storage.read_only:
            raise ReadOnlyError(self.storage.url)
        with self.storage._boundary(str(unfinished.path)):  # noqa: SLF001 - its errors are the storage's
            self._discard(str(unfinished.path), unfinished.token)

    def made_of(self, file: ObjectInfo) -> Makeup | None:
        """Return of what parts a stored file consists; `None` where the service does not tell, or its ETag is its MD5.

        One request, and for a file of parts of several lengths in S3 one for each.
        """
        if file.md5 is not None or file.etag is None:
            return None
        with self.storage._boundary(str(file.path)):  # noqa: SLF001 - its errors are the storage's
            return self._made_of(file)

    def read_piece(self, piece: Piece, size: int) -> Body | None:
        """Return a part of a stored file, of so many bytes, by itself, which costs the service less than out of the file.

        One request. `None` where it is not there any more as `made_of` has told of it, or may not be read by itself.
        """
        with self.storage._boundary(""):  # noqa: SLF001 - its errors are the storage's
            return self._read_piece(piece, size)

    def pour_piece(self, piece: Piece, span: FileSpan) -> bool:
        """Fill a span with a part of a stored file as `read_piece` returns it, and tell whether it is there; one request."""
        with self.storage._boundary(""):  # noqa: SLF001 - its errors are the storage's
            return self._pour_piece(piece, span)

    def replace_beginning(self, file: ObjectInfo, head: bytes, start: int) -> ObjectInfo | None:
        """Let the service put other bytes in place of the first of a file; the rest of it is not sent.

        Others see the file as it was or as it becomes. `None` where the service cannot, or where it does not pay; nothing
        has then been done.

        Parameters
        ----------
        file
            The file, as `stat` tells it.
        head
            What it begins with then.
        start
            Where in the file the rest begins, which stays.

        Raises
        ------
        KeyChangedError
            When the file was replaced since.
        """
        if self.storage.read_only:
            raise ReadOnlyError(self.storage.url)
        if not head or not 0 <= start < file.size:
            return None
        with self.storage._boundary(str(file.path)):  # noqa: SLF001 - its errors are the storage's
            return self.storage.stat(file.path) if self._replace_beginning(file, head, start) else None

    def _replace_beginning(self, file: ObjectInfo, head: bytes, start: int) -> bool:  # noqa: ARG002 - not possible, unless a service says otherwise
        return False

    def _made_of(self, file: ObjectInfo) -> Makeup | None:  # noqa: ARG002 - not told, unless a service says otherwise
        return None

    def _read_piece(self, piece: Piece, size: int) -> Body | None:  # noqa: ARG002 - there are none, unless a service says otherwise
        return None

    def _pour_piece(self, piece: Piece, span: FileSpan) -> bool:  # noqa: ARG002 - likewise
        return False

    @abstractmethod
    def _begin(self, plan: PartPlan) -> PartUpload:
        """Continue or begin an upload of at least one part."""

    @abstractmethod
    def _unfinished(self, name: str) -> Generator[Unfinished]:
        """Yield what is unfinished beneath a directory, `""` for the root."""

    @abstractmethod
    def _discard(self, name: str, token: str) -> None:
        """Remove what is left of an upload."""
