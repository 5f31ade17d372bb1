"""What is known of the content of files without reading them: digests by the version of the file that has them.

Owns the book in which they are kept from one transfer to the next, and when two files are the same by them. Must not
know why anything is compared; losing the book costs time and never correctness.
"""

import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self

from modos.errors import IntegrityError
from modos.settings import cache_directory
from modos.storage.base import Storage
from modos.storage.info import ObjectInfo

__all__ = [
    "DigestBook",
    "Digests",
    "digests_of",
    "is_composite",
    "of_parts",
    "part_size_of",
    "same_content",
    "version_of",
]

type Digests = Mapping[str, str]
"""Kind of a digest to the digest: `md5`, `blake2b`, `parts` (a service's tag of a file that was sent in parts, which is
made of their MD5s), `md5s-16777216` (the same of parts of that size)."""

NOTHING: Digests = MappingProxyType({})

type _Entry = tuple[str | None, Digests | str]
"""The version of a file, and its digests: as JSON, as long as nobody has asked for those that the database told."""

_NO_ENTRY: _Entry = (None, NOTHING)

_FILE = "digests.sqlite"
_LARGEST = 512 * 1024 * 1024
"""Bytes of a book that is begun anew."""

_AT_ONCE = 256
_SECONDS = 0.1
"""Of what was done so long before it was killed, a transfer knows nothing."""

_PATIENCE = 5.0
_COMPOSITE = re.compile(r"[0-9a-f]{32}-(\d+|slo)")
_IN_S3 = re.compile(r"(?<=[0-9a-f]{32})-N$")
"""What Swift's own S3 tells in place of `-slo`, so that one file has one digest by either protocol."""

_OF_PARTS = "md5s-"

_TICK = 0.02
"""Seconds within which a file system may give two versions of a file the same time."""


def version_of(file: ObjectInfo) -> str | None:
    """Return what tells a version of a file from any other, `None` where the service says nothing of that kind."""
    return None if file.etag is None else f"{file.size}:{file.etag}"


def digests_of(file: ObjectInfo, known: Digests = NOTHING) -> Digests:
    """Return what is known of a file's content, from its listing and otherwise.

    Examples
    --------
    >>> from pathlib import PurePosixPath
    >>> dict(digests_of(ObjectInfo(PurePosixPath("demo"), etag="d41d8cd98f00b204e9800998ecf8427e-2")))
    {'parts': 'd41d8cd98f00b204e9800998ecf8427e-2'}
    """
    tag = _IN_S3.sub("-slo", file.etag or "")
    kind = "md5" if file.md5 else "parts" if _COMPOSITE.fullmatch(tag) else ""
    return {**({kind: tag} if kind else {}), **known}


def of_parts(part_size: int) -> str:
    """Return the kind of the digest that is made of the MD5s of parts of this size."""
    return f"{_OF_PARTS}{part_size}"


def part_size_of(kind: str) -> int | None:
    """Return the size of the parts whose MD5s make a digest of this kind; `None` where none do.

    Examples
    --------
    >>> part_size_of(of_parts(2**24)), part_size_of("md5")
    (16777216, None)
    """
    return int(kind.removeprefix(_OF_PARTS)) if kind.startswith(_OF_PARTS) else None


def is_composite(file: ObjectInfo) -> bool:
    """Tell whether the tag of a file is made of the MD5s of the parts in which it was sent."""
    return _COMPOSITE.fullmatch(file.etag or "") is not None


def same_content(one: Digests, other: Digests) -> bool:
    """Tell whether two files of one size have the same content for certain: they agree in a digest.

    A digest in which they differ proves nothing: some services tell 32 digits that are no MD5.

    Examples
    --------
    >>> same_content({"md5": "0cc1"}, {"md5": "0cc1", "blake2b": "f301"}), same_content({"md5": "0cc1"}, {})
    (True, False)
    """
    return any(other.get(kind) == digest for kind, digest in one.items())


class DigestBook:
    """Digests of files that were read or written, kept in the user's cache for every process.

    A file has another version as soon as it is written anew, so that what is here never speaks of other bytes. A book
    that cannot be opened, read or written is empty, and nothing is kept; one that is no database any more is begun anew.

    Parameters
    ----------
    path
        The database; `None` for one in memory that goes with this object.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(mkdtemp())
    >>> file = storage.put(b"ACGT", "demo")
    >>> with DigestBook() as book:
    ...     book.record(storage, file, {"md5": "f1f8f4bf413b16ad135722aa4591043e"})
    ...     book.digests(storage, file)
    {'md5': 'f1f8f4bf413b16ad135722aa4591043e'}
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._waiting: dict[tuple[str, str], tuple[str, Digests]] = {}
        self._written = time.monotonic()
        self._pages: dict[str, dict[str, _Entry]] = {}
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError, sqlite3.Error):
            self._connection = _opened(path)

    @classmethod
    def of_user(cls) -> Self:
        """Return the book of this user; in memory where there is no place for one."""
        try:
            return cls(cache_directory(os.environ) / _FILE)
        except RuntimeError:  # a user without a home
            return cls()

    @classmethod
    @contextmanager
    def lent(cls, book: "DigestBook | None") -> Iterator["DigestBook"]:
        """Give the caller's book, or else that of this user, which is closed at the end."""
        kept = book or cls.of_user()
        try:
            yield kept
        finally:
            kept.flush() if book else kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def digests(self, storage: Storage, file: ObjectInfo) -> Digests:
        """Return what is known of a file as it is listed; nothing when it has changed since."""
        return _known(self._page(storage.url), file)

    def record(self, storage: Storage, file: ObjectInfo, digests: Digests, *, seen: float | None = None) -> None:
        """Keep what the content of a file is; written soon.

        Parameters
        ----------
        storage, file
            The file, as it was listed or stored.
        digests
            Those of its bytes. If they agree in nothing with what was known, the BLAKE2b that was is let go: it may be of
            others.
        seen
            When it was listed, if others may write it: one whose tag is made of its time, and that was written at that
            very moment, is not kept, since another version might bear the same. `None` when it was written here.
        """
        version = version_of(file)
        if version is None or not digests:
            return
        if seen is not None and not digests_of(file) and _is_fresh(file, seen):
            return
        place, name = storage.url, str(file.path)
        page = self._page(place)
        with self._lock:
            known = _known(page, file)
            if not same_content(known, digests):
                known = {kind: digest for kind, digest in known.items() if kind != "blake2b"}
            page[name] = self._waiting[place, name] = version, {**known, **digests}
            is_due = len(self._waiting) >= _AT_ONCE or time.monotonic() - self._written > _SECONDS
        if is_due:
            self.flush()

    def confirm(self, storage: Storage, file: ObjectInfo, digests: Digests, *, seen: float) -> Digests:
        """Keep what the content of a file is that was read, and return all that is known of it by now.

        Fails when the same version had another content before, by a digest that was taken here. What services tell of the
        kinds `md5` and `parts` need not be one.

        Parameters
        ----------
        storage, file, digests, seen
            As for `record`.

        Raises
        ------
        IntegrityError
            When it was damaged where it is stored: nobody has written it since.
        """
        before = self.digests(storage, file)
        if any(before.get(kind, digest) != digest for kind, digest in digests.items() if kind not in {"md5", "parts"}):
            reason = "its bytes are not what they were when they were read before, and nobody has written it since"
            raise IntegrityError(storage.url_of(file.path), reason)
        self.record(storage, file, digests, seen=seen)
        return {**before, **digests} if same_content(before, digests) else digests

    def flush(self) -> None:
        """Write what waits to be written."""
        with self._writing:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
                self._written = time.monotonic()
            if self._connection is None or not waiting:
                return
            rows = [
                (place, name, version, json.dumps(dict(found))) for (place, name), (version, found) in waiting.items()
            ]
            pairs = {(each["blake2b"], each["md5"]) for _, each in waiting.values() if _is_pair(each)}
            with suppress(sqlite3.Error), self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", rows)
                self._connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?)", pairs)

    def md5_of(self, blake2b: str) -> str | None:
        """Return the MD5 of a content whose BLAKE2b is known, `None` when the two were never seen together."""
        with self._writing:
            self.flush()
            if self._connection is None:
                return None
            with suppress(sqlite3.Error):
                found = self._connection.execute("SELECT md5 FROM contents WHERE blake2b = ?", (blake2b,)).fetchone()
                return None if found is None else str(found[0])
            return None

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        with self._writing:
            self.flush()
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _page(self, place: str) -> dict[str, _Entry]:
        page = self._pages.get(place)
        if page is not None:
            return page
        with self._writing:
            return self._pages.setdefault(place, self._pages.get(place) or self._read(place))

    def _read(self, place: str) -> dict[str, _Entry]:
        if self._connection is None:
            return {}
        try:
            rows = self._connection.execute("SELECT name, version, digests FROM digests WHERE place = ?", (place,))
            return {name: (version, found) for name, version, found in rows}
        except sqlite3.Error:
            return {}


def _known(page: Mapping[str, _Entry], file: ObjectInfo) -> Digests:
    version, found = page.get(str(file.path), _NO_ENTRY)
    if version is None or version != version_of(file):
        return NOTHING
    return json.loads(found) if isinstance(found, str) else found


def _is_pair(digests: Digests) -> bool:
    return "blake2b" in digests and "md5" in digests


def _is_fresh(file: ObjectInfo, seen: float) -> bool:
    return file.last_modified is not None and file.last_modified.timestamp() > seen - _TICK


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > _LARGEST:
            _remove(path)
    try:
        return _ready(path)
    except sqlite3.OperationalError:  # it cannot be opened, or is in use
        raise
    except sqlite3.DatabaseError:  # it is damaged, and would be for good
        if path is None:
            raise
        _remove(path)
        return _ready(path)


def _remove(path: Path) -> None:
    """Remove a book, and what its database keeps beside it."""
    for end in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


def _ready(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", timeout=_PATIENCE, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS digests"
            " (place TEXT, name TEXT, version TEXT, digests TEXT, PRIMARY KEY (place, name)) WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE IF NOT EXISTS contents (blake2b TEXT PRIMARY KEY, md5 TEXT) WITHOUT ROWID")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
