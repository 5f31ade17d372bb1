"""Parts on a disk: written in place into a sparse hidden file beside the target, noted in a journal, then renamed.

Owns those two files. Must not know any service.
"""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path, PurePosixPath

from modos.errors import AccessDeniedError, IntegrityError, KeyChangedError
from modos.storage.directories import ABSENT, take_place, turn, write_out
from modos.storage.parts.base import Parts
from modos.storage.parts.journal import Journal, boot
from modos.storage.parts.names import PARTIAL, beneath, partial_beside
from modos.storage.parts.plan import Body, PartInfo, PartPlan, Unfinished
from modos.storage.parts.rules import DISK
from modos.storage.parts.upload import PartUpload
from modos.storage.spans import FileSpan, md5_of_span, write_at

__all__ = ["LocalParts", "LocalUpload"]

_JOURNAL = "journal"
_DIGITS = 16
_ATTEMPTS = 10


class LocalUpload(PartUpload):
    """A file that arrives on a disk by parts; the token is what it must agree in to be continued."""

    _is_compared = False
    takes_pieces = True

    @property
    def _place(self) -> Path:
        return Path(self.storage.path, self.plan.name)

    @property
    def _partial(self) -> Path:
        """The sparse file: one of each upload, so that who was given up cannot write into what came after."""
        return Path(self.storage.path, partial_beside(self.plan.name, self.token[:_DIGITS]))

    @property
    def _journal(self) -> Path:
        return Path(self.storage.path, partial_beside(self.plan.name, _JOURNAL))

    def resume(self) -> None:
        """Make the two files, or keep those that are there as far as they can be believed."""
        for _ in range(_ATTEMPTS):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError), turn(self._place.parent):  # it was removed as empty meanwhile
                self._resume()
                return
        raise FileNotFoundError(self._place)

    def _resume(self) -> None:
        known = Journal.read(self._journal)
        if known is None or known.identity != self.token or _size(self._partial) != self.size:
            self._clear()
            with self._partial.open("xb") as file:
                file.truncate(self.size)
            Journal(self.token, self._place.name, time.time(), boot()).write(self._journal)
        elif not known.is_of_this_boot:
            kept = {index: part for index, part in known.parts.items() if self._has(part)}
            replace(known, boot=boot(), parts=kept).write(self._journal)

    def _has(self, part: PartInfo) -> bool:
        if part.index not in range(self.count):
            return False
        with self._partial.open("rb") as file:
            return md5_of_span(file, *self.span(part.index)) == part.etag

    def _stored(self) -> Iterable[PartInfo]:
        known = Journal.read(self._journal)
        return known.parts.values() if known is not None and known.identity == self.token else ()

    def _read(self, index: int) -> bytes | None:
        start, end = self.span(index)
        with suppress(OSError), self._partial.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), end - start, start)
        return None

    def _put(self, index: int, body: Body, md5: str) -> str:
        with self._writing(index) as file:
            write_at(file, self.span(index)[0], body)
        self._note(PartInfo(index, self.plan.length(index), md5))
        return md5

    def _put_by(self, index: int, bring: Callable[[FileSpan], object]) -> str:
        with self._writing(index) as file:
            span = FileSpan(file, *self.span(index), boundary=self._boundary)
            bring(span)
            if span.size != span.length:
                raise self._damaged(f"has been given {span.size:,} bytes for part {index}, which has {span.length:,}")
        self._note(PartInfo(index, span.length, span.md5))
        return span.md5

    @contextmanager
    def _writing(self, index: int) -> Generator[FileIO]:
        """Open the sparse file to write a part; one that was there does not count any more when that fails."""
        start, end = self.span(index)
        with self._begun():
            partial = self._partial.open("r+b", buffering=0)
        with partial as file:
            try:
                yield file
            except BaseException:
                with suppress(OSError):
                    self._note(PartInfo(index, 0, ""))
                raise
            if sys.platform == "linux":  # which then begins to write it out: the commit need not wait for all
                with suppress(OSError):  # of file systems that take no advice
                    os.posix_fadvise(file.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)

    def _note(self, part: PartInfo) -> None:
        with self._begun():
            Journal.add(self._journal, self.token, part)

    @contextmanager
    def _begun(self) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise self._taken() from error

    def _taken(self) -> KeyChangedError:
        reason = "another copy to this place has completed it meanwhile, or begun it anew; copy again"
        return KeyChangedError(str(self._place), reason)

    def _commit(self, parts: Sequence[PartInfo]) -> None:
        with self._begun(), turn(self._place.parent):
            begun = Journal.read(self._journal)
            if begun is None or begun.identity != self.token:
                raise self._taken()
            for part in parts:
                if begun.parts.get(part.index) != part:
                    raise IntegrityError(str(self._place), f"part {part.index} is not there as it was sent")
            write_out(self._partial)  # it has its full size from the beginning, so that none would see what is lost
            take_place(self._partial, self._place)
            self._journal.unlink()

    def _abort(self) -> None:
        with turn(self._place.parent):
            known = Journal.read(self._journal)
            if known is None or known.identity == self.token:
                self._clear()
        self._prune()

    def _clear(self) -> None:
        """Remove what is there of any upload of the file."""
        beginning = partial_beside(self._place.name).removesuffix(PARTIAL)
        for path in self._place.parent.glob(f"{beginning}.*{PARTIAL}"):
            path.unlink(missing_ok=True)

    def _prune(self) -> None:
        """Remove the directories above, up to the root, as far as they are empty."""
        root = Path(self.storage.path)
        for directory in self._place.parents:
            if directory == root or not directory.is_relative_to(root):
                return
            try:
                directory.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return


class LocalParts(Parts):
    """Parts on a disk. Nothing is sent, so that none is asked of how long it must be."""

    rules = DISK

    def _begin(self, plan: PartPlan) -> PartUpload:
        upload = LocalUpload(self.storage, plan, plan.identity)
        upload.resume()
        return upload

    def _unfinished(self, name: str) -> Generator[Unfinished]:
        root = Path(self.storage.path)
        top = root / name
        for directory, _, files in os.walk(top if top.is_dir() else top.parent, onerror=_told):
            for each in sorted(files):
                if each.startswith(".") and each.endswith(f".{_JOURNAL}{PARTIAL}"):
                    found = self._found(root, Path(directory, each))
                    if found is not None and beneath(str(found.path), name):
                        yield found

    def _found(self, root: Path, path: Path) -> Unfinished | None:
        known = Journal.read(path)
        if known is None or "/" in known.name:
            return None
        target = PurePosixPath((path.parent / known.name).relative_to(root).as_posix())
        try:
            changed = path.stat().st_mtime
        except FileNotFoundError:  # it has been committed meanwhile
            return None
        started, last = (datetime.fromtimestamp(seconds, UTC) for seconds in (known.started, changed))
        is_there = path.with_name(PurePosixPath(partial_beside(known.name, known.identity[:_DIGITS])).name).exists()
        size = sum(part.size for part in known.parts.values()) if is_there else 0  # else its journal alone was left
        return Unfinished(target, size, started, last, known.identity)

    def _discard(self, name: str, token: str) -> None:
        LocalUpload(self.storage, PartPlan(name=name, size=1, part_size=1, origin=""), token).abort()


def _told(error: OSError) -> None:
    """Pass over a directory that is gone, and fail at one that cannot be looked into: parts may be in it."""
    if isinstance(error, PermissionError):
        raise AccessDeniedError(error.filename, "this user may not look into this directory") from error
    if error.errno not in ABSENT:
        raise error


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
