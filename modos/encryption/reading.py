"""Parts of encrypted files, decrypted on the fly: only the segments that a range lies in are fetched.

Owns the view of encrypted files as plain ones. Must not know what kind of place they are in; nothing plain is stored.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from threading import Lock
from typing import Literal, Protocol

from modos.encryption.header import MAGIC, measure, open_header
from modos.encryption.keys import PublicKey, SecretKey
from modos.encryption.planning import Layout, Plan, Span, lay_out, plan_ranges
from modos.encryption.segments import PLAIN, Opener
from modos.errors import EncryptionError, InvalidInputError, TruncatedError
from modos.storage.info import ObjectInfo

__all__ = ["DecryptedFiles", "RangeSource"]

_HEAD = 64 * 1024 + 1024
"""Bytes that the first request takes: the header and, mostly, the first segment."""

_REMEMBERED = 32
_GAP = 65_536


class RangeSource(Protocol):
    """Where encrypted files are; each `modos.storage.Storage` is one."""

    def stat(self, target: str | PurePath) -> ObjectInfo:
        """Return what is known of a file."""

    def read(self, target: str | PurePath, start: int | None = None, end: int | None = None) -> bytes:
        """Return a range of a file."""

    def read_ranges(
        self, target: str | PurePath, ranges: Sequence[tuple[int, int]], *, gap: int = ...
    ) -> Sequence[bytes]:
        """Return several."""

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file."""


@dataclass(frozen=True, slots=True)
class _File:
    """An encrypted file whose header was opened."""

    info: ObjectInfo
    head: bytes
    layout: Layout
    opener: Opener


class DecryptedFiles:
    """Encrypted files, read as if they were plain, by ranges; the order and the end of a file are checked as it is read.

    Takes and gives what a storage does for reading, so that whatever reads ranges, such as `modos.omics.open_indexed`,
    reads encrypted files. The headers of the 32 files opened last are remembered. A range that reaches the end proves that the
    file was not cut off, see `modos.encryption.decrypt` for files of other programs.

    Parameters
    ----------
    source
        Where the files are.
    keys
        Keys to try.
    sender
        Who must have written them; `None`: anyone may have.
    plain
        What to do with files that are not encrypted: `"refuse"`, or `"read"` them as they are.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> from modos.encryption import encrypt, generate_key
    >>> storage, key = LocalStorage(tempfile.mkdtemp()), generate_key()
    >>> _ = storage.put(encrypt([b"ACGT" * 50_000], [key.public]), "bases.c4gh")
    >>> DecryptedFiles(storage, [key]).read("bases.c4gh", 100_001, 100_004)
    b'CGT'
    """

    def __init__(
        self,
        source: RangeSource,
        keys: Sequence[SecretKey],
        *,
        sender: PublicKey | None = None,
        plain: Literal["refuse", "read"] = "refuse",
    ) -> None:
        if not keys:
            raise InvalidInputError("give at least one secret key to open files with")
        self.source = source
        self.sender = sender
        self.plain = plain
        self._keys = tuple(keys)
        self._files: dict[str, _File | ObjectInfo] = {}
        self._locks: dict[str, Lock] = {}

    def __repr__(self) -> str:
        return f"DecryptedFiles({self.source!r})"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_files": {}, "_locks": {}}

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file, as its source has it."""
        return self.source.url_of(target)

    def stat(self, target: str | PurePath) -> ObjectInfo:
        """Return what is known of a file, with the size of its content; one that was replaced is opened anew.

        The tag is that of the encrypted file, marked so that it is not taken for a digest of the content.

        Raises
        ------
        EncryptionError
            When the file cannot be opened; names it.
        """
        known = self._files.get(str(target))
        if known is not None and _version(self.source.stat(target)) != _version(known):
            self._files.pop(str(target), None)
        file = self._file(target)
        if isinstance(file, ObjectInfo):
            return file
        tag = None if file.info.etag is None else f"c4gh-{file.info.etag}"
        return replace(file.info, size=file.layout.size, etag=tag)

    def read(self, target: str | PurePath, start: int | None = None, end: int | None = None) -> bytes:
        """Return a range of the content, as Python slices: negative offsets count from the end.

        Without a range, a file that was replaced is opened anew, as by `stat`.

        Raises
        ------
        EncryptionError
            When the file cannot be opened, or a segment of it is not what was written; names it.
        """
        if start is None and end is None:
            self.stat(target)
        file = self._file(target)
        if isinstance(file, ObjectInfo):
            return self.source.read(target, start, end)
        first, last, _ = slice(start, end).indices(file.layout.size)
        if end is None or end > file.layout.size:
            last = file.layout.size + 1  # whoever asks for the end is told whether it is the end
        return self.read_ranges(target, [(first, last)])[0]

    def read_ranges(
        self, target: str | PurePath, ranges: Sequence[tuple[int, int]], *, gap: int = _GAP
    ) -> Sequence[bytes]:
        """Return several ranges of the content; each segment is fetched and opened once.

        Parameters
        ----------
        target
            The file.
        ranges
            Pairs of offsets, `end` exclusive, neither negative; those past the end are clipped.
        gap
            Segments at most this many bytes apart share a request.

        Raises
        ------
        EncryptionError
            When the file cannot be opened, or a segment of it is not what was written; names it.
        """
        file = self._file(target)
        if isinstance(file, ObjectInfo):
            return self.source.read_ranges(target, ranges, gap=gap)
        plan = plan_ranges(file.layout, ranges)
        with self._naming(target):
            opened = [*self._opened(file, plan, target, gap)]
        return [_cut(plan.runs, opened, spans) for spans in plan.wanted]

    def _opened(self, file: _File, plan: Plan, target: str | PurePath, gap: int) -> Iterator[memoryview]:
        """Yield the content of each run of segments."""
        layout = file.layout
        places = [layout.bytes_of(*run) for run in plan.runs]
        at_hand = len(file.head)
        remote = [(max(start, at_hand), behind) for start, behind in places if behind > at_hand]
        bodies = iter(self.source.read_ranges(target, remote, gap=gap) if remote else ())
        for (first, end), (start, behind) in zip(plan.runs, places, strict=True):
            known = file.head[start:behind]
            body = next(bodies) if behind > at_hand else b""
            sealed = known + body if known else body
            if len(sealed) != behind - start:
                raise TruncatedError("the file is shorter than it was when it was opened", segment=first)
            content = memoryview(bytearray((end - first) * PLAIN))
            length = file.opener.open(memoryview(sealed), content, number=first, last=end == layout.segments)
            yield content[:length]

    def _file(self, target: str | PurePath) -> _File | ObjectInfo:
        """Return a file, opened at the first time; one that is plain is told by what is known of it."""
        name = str(target)
        with self._locks.setdefault(name, Lock()):
            found = self._files.get(name)
            if found is None:
                with self._naming(target):
                    found = self._open(target)
                self._files[name] = found
                for oldest in [*self._files][:-_REMEMBERED]:
                    self._files.pop(oldest, None)
        return found

    def _open(self, target: str | PurePath) -> _File | ObjectInfo:
        info = self.source.stat(target)
        head = self.source.read(target, 0, min(_HEAD, info.size))
        if self.plain == "read" and not head.startswith(MAGIC):
            return info
        length, whole = measure(head)
        while not whole or length > len(head):
            if length > info.size:
                raise TruncatedError("the file is cut off within its header")
            head += self.source.read(target, len(head), min(max(length, 2 * len(head)), info.size))
            length, whole = measure(head)
        header = open_header(head, self._keys, sender=self.sender)
        layout = lay_out(header.length, info.size, header.edits)
        return _File(info, head, layout, Opener(header.session_keys, header.edits))

    @contextmanager
    def _naming(self, target: str | PurePath) -> Iterator[None]:
        try:
            yield
        except EncryptionError as error:
            self._files.pop(str(target), None)  # it may be replaced by one that can be read
            error.file = error.file or self.source.url_of(target)
            raise


def _version(file: _File | ObjectInfo) -> tuple[object, ...]:
    info = file if isinstance(file, ObjectInfo) else file.info
    return info.size, info.etag, info.last_modified


def _cut(runs: Sequence[Span], opened: Sequence[memoryview], spans: Sequence[Span]) -> bytes:
    """Return the content of some spans out of the runs that they lie in."""
    pieces = []
    for start, end in spans:
        for (first, behind), content in zip(runs, opened, strict=True):
            if first * PLAIN <= start < behind * PLAIN:
                pieces.append(content[start - first * PLAIN : end - first * PLAIN])
    return b"".join(pieces)
