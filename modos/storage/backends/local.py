"""Files in a directory of this machine.

Owns atomic writes and what the operating system's errors mean. Knows no other backend.
"""

import errno
import os
import secrets
import stat
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Self

from modos._given import expect
from modos.errors import (
    AccessDeniedError,
    InvalidPathError,
    KeyChangedError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
    StorageError,
)
from modos.storage.base import Method, Storage, WriteMode
from modos.storage.directories import (
    ABSENT,
    Entry,
    entries,
    entries_behind,
    is_directory,
    is_text,
    leads_back,
    take_place,
    turn,
    write_out,
    write_out_all,
)
from modos.storage.info import ObjectInfo
from modos.storage.parts.names import PARTIAL, is_partial
from modos.storage.paths import target_name
from modos.storage.spans import FileSpan, pieces_of_span

if TYPE_CHECKING:
    from modos.storage.parts.local import LocalParts

__all__ = ["LocalStorage"]

_ATTEMPTS = 10

_FEW = 8
"""Files that are written out one by one; for more the file system writes out all that it has."""


class LocalStorage(Storage):
    """A directory of this machine; it need not exist until something is stored.

    A file is written beside its place under a hidden name and then renamed, so that it is seen whole or not at all.
    Unfinished ones, which only a killed process leaves, are in no listing. Directories that become empty go.

    Parameters
    ----------
    path
        The directory. A relative one is taken from where the process stands now.
    read_only
        Whether writing raises `ReadOnlyError`.

    Examples
    --------
    >>> import tempfile
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> storage.put(b"ACGT", "reads/demo.txt").size
    4
    >>> storage.read("reads/demo.txt", 1, 3)
    b'CG'
    >>> [str(path) for path in storage.list()]
    ['reads/demo.txt']
    """

    def __init__(self, path: str | PurePath, *, read_only: bool = False) -> None:
        expect(path, (str, os.PathLike), "a directory is named by a path")
        text = os.fspath(path)
        if not text or "\0" in text:
            raise InvalidPathError(text, "is not a directory's name")
        self._root = Path(os.path.abspath(os.path.expanduser(text)))  # `..` without following links
        self._top = str(self._root)
        self.read_only = read_only

    @property
    def url(self) -> str:
        """The absolute path."""
        return self._top

    @property
    def path(self) -> Path:
        """The directory."""
        return self._root

    @property
    def parts(self) -> "LocalParts":
        """Large files by parts: a sparse hidden file beside the target, and a journal."""
        from modos.storage.parts.local import LocalParts

        return LocalParts(self)

    def __truediv__(self, target: str | PurePath) -> Self:
        return type(self)(self._root / target_name(target), read_only=self.read_only)

    def _place(self, name: str) -> Path:
        return self._root / name

    def _at(self, name: str) -> str:
        """Return the same as text, where it matters that a path takes longer to make than a small file to read."""
        return os.path.join(self._top, name) if name else self._top

    @contextmanager
    def _boundary(self, name: str) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise KeyNotFoundError(str(self._place(name))) from error
        except FileExistsError as error:
            raise KeyExistsError(str(self._place(name))) from error
        except PermissionError as error:
            raise AccessDeniedError(str(self._place(name)), "this user may not do this") from error
        except OSError as error:
            if error.errno is None:
                raise
            raise StorageError(str(self._place(name)), f"{os.strerror(error.errno)}") from error

    def _info(self, name: str, status: os.stat_result) -> ObjectInfo:
        return ObjectInfo(
            PurePosixPath(name),
            size=status.st_size,
            last_modified=datetime.fromtimestamp(status.st_mtime, UTC),
            etag=f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_ino:x}-{status.st_size:x}",
        )

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            status = os.stat(self._at(name))
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise
        return self._info(name, status) if stat.S_ISREG(status.st_mode) else None

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        return self._walked(name, recursive=recursive)

    def _scan_after(self, name: str, start_after: str) -> Generator[ObjectInfo]:
        return self._walked(name, recursive=True, start_after=start_after)

    def _walked(
        self, name: str, *, recursive: bool, start_after: str = "", above: tuple[str, ...] = ()
    ) -> Generator[ObjectInfo]:
        """Yield what is beneath a directory; links to others are followed, but not back to any that led here."""
        beginning = f"{name}/" if name else ""
        marker = start_after[len(beginning) :] if start_after.startswith(beginning) else ""
        place = self._place(name)
        found: Iterable[Entry] = entries_behind(place, marker) if marker else entries(place)
        for entry in sorted(found, key=lambda entry: entry.name):
            if is_partial(entry.name):
                continue
            if not is_text(entry.name):
                reason = "is the name of a file or directory here and is not valid Unicode; rename it"
                raise InvalidPathError(str(place / entry.name), reason)
            path = target_name(f"{name}/{entry.name}" if name else entry.name)
            if is_directory(entry):
                if not recursive:
                    yield ObjectInfo(PurePosixPath(path), kind="directory")
                elif not entry.is_symlink():
                    yield from self._walked(path, recursive=True, start_after=start_after, above=above)
                elif not leads_back(self._at(path), way := (*above, os.path.realpath(place))):
                    yield from self._walked(path, recursive=True, start_after=start_after, above=way)
                continue
            if path <= start_after:
                continue
            info = self._stat(path)  # `None` for a link that leads nowhere, or a file that is gone meanwhile
            if info is not None:
                yield info

    def _find_objects(self, name: str) -> Iterator[str]:
        from modos.storage.discovery import objects_by_level

        return objects_by_level(
            self, name, inner=self._directories, real=lambda each: os.path.realpath(self._place(each))
        )

    def _directories(self, name: str) -> list[str]:
        """Return what is in a directory and can hold objects; what else is there, whatever its name, is of no concern."""
        found = entries(self._place(name))
        names = sorted(each.name for each in found if is_directory(each) and is_text(each.name))
        return [f"{name}/{each}" if name else each for each in names]

    def _open(self, name: str) -> BinaryIO:
        return self._place(name).open("rb")

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        with open(self._at(name), "rb") as file:
            if start:
                file.seek(start)
            return file.read(-1 if end is None else end - start)

    def _pour(self, name: str, span: FileSpan) -> None:
        span.restart()
        with open(self._at(name), "rb") as file:
            for piece in pieces_of_span(file, span.start, span.end):
                span.write(piece)

    @property
    def _pours(self) -> bool:
        return True

    def _put(
        self,
        name: str,
        chunks: Iterator[bytes],
        *,
        mode: WriteMode,
        content_type: str | None,  # noqa: ARG002 - a disk keeps none
        metadata: Mapping[str, str],  # noqa: ARG002 - a disk keeps none
    ) -> ObjectInfo:
        place = self._at(name)
        if mode == "create" and os.path.exists(place):
            raise FileExistsError(name)
        try:
            partial, file = _open_partial(place)
        except (FileExistsError, NotADirectoryError) as error:
            raise StorageError(place, "a directory above it is a file") from error
        try:
            with file:
                for chunk in chunks:
                    file.write(chunk)
            if mode == "create":
                _publish_new(Path(partial), Path(place))
            else:
                take_place(partial, place)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            self._prune(Path(place).parent)
            raise
        return self._info(name, os.stat(place))

    def _replace(
        self, name: str, chunks: Iterator[bytes], *, etag: str, content_type: str | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Replace a file that is unchanged; those who replace in one directory take turns, others are not kept out."""
        place = self._place(name)
        with turn(place.parent):
            self._check_unchanged(name, etag)
            checked = chain(chunks, self._checking(name, etag))
            return self._put(name, checked, mode="overwrite", content_type=content_type, metadata=metadata)

    def _checking(self, name: str, etag: str) -> Iterator[bytes]:
        """Yield nothing, and fail when a file changed while what replaces it was written."""
        self._check_unchanged(name, etag)
        yield from ()

    def _check_unchanged(self, name: str, etag: str) -> None:
        info = self._stat(name)
        if info is None or info.etag != etag:
            raise KeyChangedError(str(self._place(name)))

    def _copy(self, source: str, target: str) -> None:
        with self._place(source).open("rb") as file:
            self.put(file, target)

    def _move(self, source: str, target: str) -> None:
        place = self._place(target)
        if not self._place(source).is_file():
            raise FileNotFoundError(source)
        self._refuse_beyond_links([source])
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            take_place(self._place(source), place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            super()._move(source, target)  # a directory in between is on another file system
        self._prune(self._place(source).parent)

    def _remove(self, names: Sequence[str]) -> None:
        self._refuse_beyond_links(names)
        for name in names:
            try:
                self._place(name).unlink()
            except OSError as error:
                if error.errno not in {*ABSENT, errno.EISDIR}:
                    raise
        for parent in {self._place(name).parent for name in names}:
            self._prune(parent)

    def _persist(self, names: Sequence[str]) -> None:
        """Write out files, and the entries of the directories that lead to them."""
        above = {""}
        for each in names:
            directory = each.rpartition("/")[0]
            while directory not in above:
                above.add(directory)
                directory = directory.rpartition("/")[0]
        places = [*map(self._at, above)]
        if len(names) > _FEW:
            by_device = {os.stat(each).st_dev: each for each in places if os.path.isdir(each)}
            if all(map(write_out_all, by_device.values())):
                return
        for place in (*map(self._at, names), *places):
            write_out(place)

    def _refuse_beyond_links(self, names: Iterable[str]) -> None:
        """Refuse to remove what links to directories lead to: it may be somebody else's."""
        root = os.path.realpath(self._root)
        for parent in dict.fromkeys(os.path.dirname(name) for name in names):
            if parent and os.path.realpath(self._at(parent)) != os.path.join(root, *parent.split("/")):
                reason = (
                    "is or is beneath a link to a directory, and what that leads to is not removed; remove the link"
                )
                raise StorageError(self._at(parent), reason)

    def _remove_tree(self, name: str) -> None:
        """Remove unfinished writes and empty directories too; a link goes, and never what it leads to."""
        top = self._place(name)
        if name and top.is_symlink():
            if top.is_dir():
                top.unlink()
            return
        for directory, subdirectories, files in os.walk(top, topdown=False):
            links = (each for each in subdirectories if Path(directory, each).is_symlink())
            for each in (*links, *files):
                Path(directory, each).unlink(missing_ok=True)
            with suppress(OSError):
                Path(directory).rmdir()
        self._prune(top.parent)

    def _prune(self, directory: Path) -> None:
        """Remove a directory and those above it, up to the root, as far as they are empty."""
        while directory != self._root and directory.is_relative_to(self._root):
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent

    def _sign(self, name: str, *, expires_in: float, method: Method) -> str:  # noqa: ARG002 - there is nothing to sign
        raise ServiceError(str(self._place(name)), "files on a disk have no signed URLs")


def _open_partial(place: str) -> tuple[str, BinaryIO]:
    """Open a hidden, unused file beside a place; a directory that another removes as empty meanwhile is made again."""
    directory = os.path.dirname(place)
    for _ in range(_ATTEMPTS):
        partial = os.path.join(directory, f".{secrets.token_hex(8)}{PARTIAL}")
        try:
            return partial, open(partial, "xb")
        except FileNotFoundError:
            with suppress(FileNotFoundError):
                _make(directory)
    raise FileNotFoundError(place)


def _make(directory: str) -> None:
    try:
        os.makedirs(directory, exist_ok=True)
    except FileExistsError:  # a file is in the way, or a directory was removed between two looks at it
        if os.path.isfile(directory):
            raise


def _publish_new(partial: Path, place: Path) -> None:
    """Give a finished file its name unless something has it: a hard link is refused where a rename would replace."""
    try:
        place.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        place.touch(exist_ok=False)
        partial.replace(place)
    else:
        partial.unlink()
