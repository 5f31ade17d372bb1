"""A place in a storage as a path of universal_pathlib, which cannot lead out of it.

Owns what joining, moving and pickling mean for such a path. Must not know any backend.
"""

from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import Any, Self

from modos._lazy import require
from modos.errors import InvalidPathError
from modos.storage.base import Storage
from modos.storage.interop.filesystem import RootedFileSystem
from modos.storage.interop.reading import PROTOCOL, rooted_name

require("upath", extra="paths", purpose="a path of universal_pathlib")

from upath import UPath  # noqa: E402 - there is one, or it has been said what is missing
from upath._chain import FSSpecChainParser  # noqa: E402 - likewise
from upath.registry import register_implementation  # noqa: E402 - likewise

__all__ = ["StoragePath", "storage_path"]


class _Whole(FSSpecChainParser):
    """Takes `::` in a name for what it is: chained to another address, a path would lead out of the storage."""

    def __init__(self) -> None:
        super().__init__()
        self.link = "\0"  # in no name


_WHOLE = _Whole()


class StoragePath(UPath):
    """A file or directory in a storage; `Storage.upath` makes the first, and `/` all others.

    It reads, writes, lists, matches and moves as `pathlib.Path` does. `..`, absolute paths and other protocols raise
    `InvalidPathError` when they are joined. Targets of `copy`, `move` and `rename` that are text are names in the storage,
    from its root. Pickled, the storage travels along.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> path = LocalStorage(tempfile.mkdtemp()).upath() / "reads" / "demo.txt"
    >>> path.write_text("ACGT")
    4
    >>> path.read_bytes(), [str(each.name) for each in path.parent.iterdir()]
    (b'ACGT', ['demo.txt'])
    >>> path / ".." / ".." / "secret"
    Traceback (most recent call last):
    modos.errors.InvalidPathError: '..' has a part '..', which no target may have
    """

    def __new__(cls, *_: Any, **__: Any) -> Self:  # noqa: ANN401 - as in universal_pathlib
        """Leave it to `__init__` to refuse what is elsewhere; `UPath` would only look at the first segment."""
        return object.__new__(cls)

    def __init__(self, *segments: Any, storage: Storage, protocol: str | None = None, **_: Any) -> None:  # noqa: ANN401, ARG002 - as in universal_pathlib
        name = "/".join(filter(None, (rooted_name(_text(segment, storage)) for segment in segments)))
        super().__init__(f"{PROTOCOL}://{name}", protocol=PROTOCOL, chain_parser=_WHOLE, storage=storage)

    @classmethod
    def _fs_factory(cls, urlpath: str, protocol: str, storage_options: Mapping[str, Any]) -> RootedFileSystem:  # noqa: ARG003 - universal_pathlib's signature
        return RootedFileSystem(storage_options["storage"])

    @property
    def storage(self) -> Storage:
        """The storage it is in."""
        storage: Storage = self.storage_options["storage"]
        return storage

    @property
    def parts(self) -> tuple[str, ...]:
        """The names on the way: there is nothing above the root of the storage."""
        return PurePosixPath(str(self) if self._relative_base is not None else self.path).parts

    def with_segments(self, *pathsegments: Any) -> Self:  # noqa: ANN401 - text or paths
        """Return a path in the same storage."""
        relative = self._relative_base is not None
        segments = (self._relative_base, *pathsegments) if relative else pathsegments
        made = type(self)(*segments, storage=self.storage)
        made._fs_cached = self.fs  # noqa: SLF001 - of the same class
        if relative:
            made._relative_base = self._relative_base  # noqa: SLF001 - likewise
        return made

    def __repr__(self) -> str:
        if self._relative_base is not None:
            return f"<relative {type(self).__name__} {str(self)!r}>"
        return f"{type(self).__name__}({self.path!r}, storage={self.storage!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.storage, self._chain.active_path, self._relative_base)

    def _target(self, target: Any) -> Any:  # noqa: ANN401 - text or a path
        return target if isinstance(target, UPath) else self.with_segments(target)

    def joinuri(self, uri: Any) -> Self:  # noqa: ANN401 - text or a path
        """Join as `/` does: an address of another place is refused."""
        return self.with_segments(self, uri)

    def copy(self, target: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in universal_pathlib
        """Copy a file or a directory to a name in the storage, or to any other path of universal_pathlib."""
        return super().copy(self._target(target), **kwargs)

    def copy_into(self, target_dir: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in universal_pathlib
        """Copy into a directory of the storage, or of any other place."""
        return super().copy_into(self._target(target_dir), **kwargs)

    def move(self, target: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in universal_pathlib
        """Move a file or a directory to a name in the storage, or to any other path of universal_pathlib."""
        return super().move(self._target(target), **kwargs)

    def move_into(self, target_dir: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in universal_pathlib
        """Move into a directory of the storage, or of any other place."""
        return super().move_into(self._target(target_dir), **kwargs)

    def rename(self, target: Any, **_: object) -> Self:  # noqa: ANN401 - text or a path
        """Rename to a name in the storage, from its root, and return the path there.

        Raises
        ------
        InvalidPathError
            When the target is in another storage.
        """
        made = self._target(target)
        if not isinstance(made, StoragePath) or made.storage != self.storage:
            raise InvalidPathError(str(target), "is in another storage; use move")
        self.fs.mv(self.path, made.path, recursive=True)
        return made  # type: ignore[return-value] # of the same class


def storage_path(storage: Storage, target: str | PurePath | None = None) -> StoragePath:
    """Return the path of a file or directory in a storage, `None` for the root."""
    return StoragePath(*([] if target is None else [target]), storage=storage)


def _text(segment: Any, storage: Storage) -> str:  # noqa: ANN401 - whatever stands for a path
    if isinstance(segment, StoragePath) and segment.storage == storage:
        return str(segment)
    if isinstance(segment, UPath):
        raise InvalidPathError(str(segment), "is elsewhere: a path in this storage takes names in it")
    return segment.as_posix() if isinstance(segment, PurePath) else str(segment)


def _remade(kind: type[StoragePath], storage: Storage, name: str, base: str | None) -> StoragePath:
    made = kind(name, storage=storage)
    if base is not None:
        made._relative_base = base  # noqa: SLF001 - of this module's class
    return made


register_implementation(PROTOCOL, StoragePath, clobber=True)
