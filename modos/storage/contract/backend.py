"""What a backend implements, and what makes a storage one: its address, its identity, its underscored methods.

Owns the defaults of these, each of which confesses its cost. Knows no verb and no backend.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal, Self

from modos.errors import ServiceError, shown_url
from modos.storage.info import ObjectInfo
from modos.storage.parts.plan import Body
from modos.storage.paths import target_name
from modos.storage.sources import chunks_of
from modos.storage.spans import FileSpan

if TYPE_CHECKING:
    from zarr import Group

    from modos.storage.parts.base import Parts


__all__ = [
    "LOG",
    "NO_CONDITION",
    "OLD_ROOT",
    "OWN_ROOT",
    "ROOT_DOCUMENT",
    "TRASH",
    "ZARR_ROOT",
    "Backend",
    "Method",
    "WriteMode",
]

type WriteMode = Literal["overwrite", "create"]
type Method = Literal["GET", "PUT"]

ZARR_ROOT = PurePosixPath("data.zarr")
"""Where the zarr hierarchy of an object stands, relative to the object."""

ROOT_DOCUMENT = f"{ZARR_ROOT}/zarr.json"
"""The file that makes a directory a digital object; the last that is written."""

OLD_ROOT = f"{ZARR_ROOT}/.zgroup"
"""The same in objects of zarr format 2, as releases up to 0.3.5 wrote them."""

OWN_ROOT = PurePosixPath(".modos")
"""What modos keeps in an object for itself, relative to the object: none of its described files."""

LOG = OWN_ROOT / "log"
"""A record of each edit of an object; it goes along when the object is copied."""

TRASH = OWN_ROOT / "trash"
"""Files that edits have replaced or removed, for a while; they stay where they are when the object is copied."""

NO_CONDITION = "this service cannot replace a file only while it is unchanged"


class Backend(ABC):
    """The half of `Storage` that each place fills in; users of storages know the other half, the verbs."""

    read_only: bool = False
    _why_read_only: ClassVar[str] = ""
    """Why nothing can be written, and what can be done instead, as a clause; empty where it was asked for."""

    # -- where it is ------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def url(self) -> str:
        """Address of the root; `Storage.from_url` reads it. A local path is its own address."""

    @property
    @abstractmethod
    def path(self) -> PurePath:
        """The root as a path: the directory, or bucket or container and prefix."""

    @abstractmethod
    def __truediv__(self, target: str | PurePath) -> Self:
        """Return the storage whose root is `target` in this one; connections are shared."""

    @property
    def parts(self) -> "Parts | None":
        """How large files are stored by parts, to be continued after a break; `None` where the storage takes no parts."""
        return None

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file in the storage."""
        return f"{self.url.removesuffix('/')}/{target_name(target)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown_url(self.url)!r})"

    def _identity(self) -> tuple[object, ...]:
        """What makes two storages equal; overridden where options matter."""
        return (self.url, self.read_only)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self), self.url))

    _zarr_group: "Group | None" = None

    def _forget_zarr(self, name: str) -> None:
        if name == ROOT_DOCUMENT:
            self._zarr_group = None

    # -- what a backend implements ----------------------------------------------------------------------------------

    @abstractmethod
    def _boundary(self, name: str) -> AbstractContextManager[None]:
        """Turn the backend's exceptions into `StorageError`s that name the URL; the unknown passes through."""

    @abstractmethod
    def _stat(self, name: str) -> ObjectInfo | None:
        """Return what is stored under exactly this name, `None` when that is nothing."""

    def _has_digest_as_tag(self, name: str) -> bool:  # noqa: ARG002 - nothing is asked, unless a service has other tags too
        """Tell whether the ETag of a file is made of MD5s, where it looks so; may take a request."""
        return True

    @abstractmethod
    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        """Yield what is beneath a directory, `""` for the root."""

    def _scan_after(self, name: str, start_after: str) -> Generator[ObjectInfo]:
        """Yield the files beneath a directory that sort behind a name; this default lists all and leaves out the others."""
        return (info for info in self._scan(name, recursive=True) if str(info.path) > start_after)

    @abstractmethod
    def _open(self, name: str) -> BinaryIO:
        """Open a file for reading."""

    @abstractmethod
    def _read(self, name: str, start: int, end: int | None) -> bytes:
        """Return the bytes from `start` to `end`, clipped; neither is negative."""

    @abstractmethod
    def _put(
        self,
        name: str,
        chunks: Iterator[bytes],
        *,
        mode: WriteMode,
        content_type: str | None,
        metadata: Mapping[str, str],
    ) -> ObjectInfo:
        """Store the chunks under this name, whole or not at all."""

    def _put_bytes(
        self, name: str, body: bytes, *, mode: WriteMode, content_type: str | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Store a body that is at hand; this default stores it as chunks."""
        return self._put(name, chunks_of(body), mode=mode, content_type=content_type, metadata=metadata)

    @abstractmethod
    def _copy(self, source: str, target: str) -> None:
        """Copy one file onto another name, replacing what is there."""

    @abstractmethod
    def _remove(self, names: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""

    def _persist(self, names: Sequence[str]) -> None:  # noqa: B027 - a default, not a duty
        """Wait until files survive a loss of power; this default, for services, which store before they answer, need not."""

    @abstractmethod
    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:
        """Return a signed URL."""

    def _replace(
        self,
        name: str,
        chunks: Iterator[bytes],  # noqa: ARG002 - nothing is stored without the condition
        *,
        etag: str,  # noqa: ARG002 - likewise
        content_type: str | None,  # noqa: ARG002 - likewise
        metadata: Mapping[str, str],  # noqa: ARG002 - likewise
    ) -> ObjectInfo:
        """Store the chunks if what is there has this ETag; this default, for services without a condition, refuses."""
        raise ServiceError(self.url_of(name), NO_CONDITION)

    def _remove_tree(self, name: str) -> None:
        """Remove what is beneath a directory, `""` for the root; this default lists first."""
        if names := [str(info.path) for info in self._scan(name, recursive=True)]:
            self._remove(names)

    def _fetch(self, name: str, start: int, end: int | None) -> tuple[Body, ObjectInfo | None]:
        """Return bytes as `_read` does, and what the same answer told of the file; this default is told nothing."""
        return self._read(name, start, end), None

    def _fetch_whole(self, name: str, size: int) -> tuple[Body, ObjectInfo | None]:
        """Return all bytes of a file as `_fetch` does, `size` at most; this default asks for as many."""
        return self._fetch(name, 0, size or None)

    def _pour(self, name: str, span: FileSpan) -> ObjectInfo | None:
        """Fill a span of another file with the same span of this one, and return what the answer told; the default holds it."""
        body, told = self._fetch(name, span.start, span.end)
        span.restart()
        span.write(body)
        return told

    @property
    def _pours(self) -> bool:
        """Whether `_pour` holds hardly any of what it passes on."""
        return False

    def _read_many(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        """Return several ranges; this default asks for one after the other."""
        return [self._read(name, start, end) for start, end in ranges]
