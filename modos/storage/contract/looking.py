"""The verbs that look: what is there, and what is in it.

Owns the checks that come before any I/O, and the merging of ranges. Knows no backend and changes nothing.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import PurePath, PurePosixPath
from typing import BinaryIO

from modos.errors import InvalidInputError
from modos.storage.contract.backend import Backend
from modos.storage.info import ObjectInfo, is_md5
from modos.storage.paths import target_name
from modos.storage.ranges import definite_range, merge_ranges
from modos.storage.twins import asynchronous, asynchronous_iterator

__all__ = ["Looking", "directory_name"]

_MERGE_GAP = 64 * 1024


class Looking(Backend):
    """A storage that can be listed and read."""

    # -- looking ----------------------------------------------------------------------------------------------------

    def exists(self, target: str | PurePath) -> bool:
        """Tell whether a file is stored under exactly this name.

        `demo1` does not exist because `demo10` does, nor because there are files beneath `demo1/`.
        """
        name = target_name(target)
        with self._boundary(name):
            return self._stat(name) is not None

    def stat(self, target: str | PurePath) -> ObjectInfo:
        """Return size, times and tags of a file.

        Raises
        ------
        KeyNotFoundError
            When nothing is stored under this name.
        """
        name = target_name(target)
        with self._boundary(name):
            info = self._stat(name)
            if info is None:
                raise FileNotFoundError(name)
            return info

    def contradicts(self, file: ObjectInfo, etag: str | None) -> bool:
        """Tell whether the ETag of a file proves that its bytes are others than those that another one is made of.

        It proves nothing where one is an MD5 and the other is not. Nor does it where it only looks like an MD5, or like that
        of parts: S3 makes such tags of what it encrypts with keys of KMS or of the user. A request tells, where two differ.

        Parameters
        ----------
        file
            The file, as it was listed or stored.
        etag
            The MD5 of some bytes in hex, or what their parts make; `None` where it is not known.
        """
        if etag is None or file.etag in {None, etag} or is_md5(etag) != (file.md5 is not None):
            return False
        name = str(file.path)
        with self._boundary(name):
            return self._has_digest_as_tag(name)

    def scan(
        self, target: str | PurePath | None = None, *, recursive: bool = True, start_after: str = ""
    ) -> Generator[ObjectInfo]:
        """Yield what is stored beneath a directory, lazily and complete past any page limit.

        Parameters
        ----------
        target
            The directory; `None` for the root. One that is not there has nothing beneath it.
        recursive
            Whether to descend. Otherwise one level is listed, with directories as such.
        start_after
            Any text in the place of a target: files whose names, relative to the storage, sort at it or before it by
            their Unicode code points are left out. S3, Azure, Google and Swift begin to list there, others leave out.
            `""` for none.

        Raises
        ------
        InvalidInputError
            When `start_after` is given for one level only.
        """
        if start_after and not recursive:
            raise InvalidInputError("start_after is for listings that descend; a level is listed as a whole")
        return self._scanned(directory_name(target), recursive=recursive, start_after=start_after)

    def _scanned(self, name: str, *, recursive: bool, start_after: str) -> Generator[ObjectInfo]:
        found = self._scan_after(name, start_after) if start_after else self._scan(name, recursive=recursive)
        with self._boundary(name), closing(found) as infos:
            yield from infos

    def list(self, target: str | PurePath | None = None, *, start_after: str = "") -> Generator[PurePosixPath]:
        """Yield the names of all files beneath a directory, lazily and complete past any page limit; see `scan`."""
        return (info.path for info in self.scan(target, start_after=start_after))

    def list_dir(self, target: str | PurePath | None = None) -> Generator[PurePosixPath]:
        """Yield the names of files and directories one level beneath a directory."""
        return (info.path for info in self.scan(target, recursive=False))

    def empty(self) -> bool:
        """Tell whether nothing is stored beneath the root."""
        return next(self.scan(), None) is None

    # -- reading ----------------------------------------------------------------------------------------------------

    def open(self, target: str | PurePath, *, chunk_size: int | None = None) -> BinaryIO:
        """Open a file for reading: seekable, buffered, fetching ranges on demand and never the whole unasked.

        Parameters
        ----------
        target
            The file.
        chunk_size
            Bytes to fetch at a time, at least; `None` for what suits the storage.

        Raises
        ------
        KeyNotFoundError
            When nothing is stored under this name.
        InvalidInputError
            When `chunk_size` is not positive.
        """
        name = target_name(target)
        if chunk_size is not None and chunk_size < 1:
            raise InvalidInputError(f"a chunk has at least one byte, not {chunk_size}")
        with self._boundary(name):
            if chunk_size is None:
                return self._open(name)
            from modos.storage.contract.ranged import open_ranged

            return open_ranged(self, name, chunk_size)

    def read(self, target: str | PurePath, start: int | None = None, end: int | None = None) -> bytes:
        """Return bytes of a file, `end` exclusive.

        Parameters
        ----------
        target
            The file.
        start, end
            Offsets as in a Python slice: `None` for the border, negative ones count from the end (which costs a
            `stat`), ones past the end are clipped. A range that is empty by itself is answered without asking.

        Raises
        ------
        KeyNotFoundError
            When nothing is stored under this name.
        IntegrityError
            When fewer bytes arrive than were promised.
        """
        name = target_name(target)
        with self._boundary(name):
            if (start or 0) < 0 or (end or 0) < 0:
                start, end = definite_range(start, end, self.stat(name).size)
            if end is not None and end <= (start or 0):
                return b""
            return self._read(name, start or 0, end)

    def read_ranges(
        self, target: str | PurePath, ranges: Sequence[tuple[int, int]], *, gap: int = _MERGE_GAP
    ) -> Sequence[bytes]:
        """Return several ranges of a file, near ones fetched together.

        Parameters
        ----------
        target
            The file.
        ranges
            Pairs of offsets, `end` exclusive, neither negative; those past the end are clipped.
        gap
            Ranges at most this many bytes apart share a request.
        """
        name = target_name(target)
        merged = list(merge_ranges(ranges, gap=gap))
        pieces = [b""] * len(ranges)
        with self._boundary(name):
            bodies = self._read_many(name, [(each.start, each.end) for each in merged])
        for each, body in zip(merged, bodies, strict=True):
            for position in each.wanted:
                start, end = ranges[position]
                pieces[position] = body[start - each.start : end - each.start]
        return pieces

    # -- async twins ------------------------------------------------------------------------------------------------

    exists_async = asynchronous(exists)
    stat_async = asynchronous(stat)
    contradicts_async = asynchronous(contradicts)
    scan_async = asynchronous_iterator(scan)
    list_async = asynchronous_iterator(list)  # noqa: A003 - the method is meant
    list_dir_async = asynchronous_iterator(list_dir)
    empty_async = asynchronous(empty)
    open_async = asynchronous(open)  # noqa: A003 - the method is meant
    read_async = asynchronous(read)
    read_ranges_async = asynchronous(read_ranges)


def directory_name(target: str | PurePath | None) -> str:
    """Return a directory's name, `""` for the root; it may end with a slash."""
    if target is None or target in ("", ".", PurePosixPath()):
        return ""
    return target_name(target.removesuffix("/") if isinstance(target, str) and target != "/" else target)
