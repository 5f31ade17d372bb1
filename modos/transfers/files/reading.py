"""Bytes of a source, proven to be of the version that was listed.

Owns how they are asked for, and the digests that are taken while they pass. Must not know where they go.
"""

import hashlib
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NoReturn

from modos.errors import IntegrityError
from modos.storage import Storage, capabilities
from modos.storage.info import ObjectInfo
from modos.storage.parts.makeup import Composition, Makeup, Piece
from modos.storage.parts.plan import Body
from modos.storage.spans import FileSpan
from modos.transfers.digests import is_composite, part_size_of
from modos.transfers.listings import changed_since

__all__ = [
    "Chain",
    "EvenParts",
    "Fetched",
    "Reader",
    "digest_of_kind",
    "md5_of",
]

_UNDESCRIBED = (
    "; or it is a dynamic large object or a link of Swift, of which listings say nothing: store the bytes instead"
)
"""What may be behind a file that is listed without bytes and has some."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Bytes that were read, and what is known of their file.

    Attributes
    ----------
    body
        The bytes.
    file
        The file as it was listed, with content type and metadata where the source keeps such.
    """

    body: Body
    file: ObjectInfo


class Reader:
    """Reads a source; fails rather than return bytes of another version than the one that was listed.

    Parameters
    ----------
    source
        The storage.
    carried
        Whether content type and metadata are of use to the target.
    """

    def __init__(self, source: Storage, *, carried: bool) -> None:
        self._source = source
        self._stats = carried and capabilities(source).can("metadata")

    @property
    def opens(self) -> bool:
        """Whether a file can be opened for any of its bytes without a request: the source is a directory here."""
        return isinstance(self._source.path, Path)

    @contextmanager
    def opened(self, file: ObjectInfo) -> Generator[BinaryIO]:
        """Open a listed file; fail behind the block when it is another one by now."""
        with self._source.open(file.path) as opened:
            yield opened
        self.looked_at(file)

    def described(self, file: ObjectInfo) -> ObjectInfo:
        """Return a listed file with content type and metadata; a look at it where the source keeps such."""
        return self.looked_at(file) if self._stats else file

    def looked_at(self, file: ObjectInfo) -> ObjectInfo:
        """Return a listed file with content type and metadata; fail when it is another one by now. One request."""
        return self._checked(file, self._source.stat(file.path))

    def fetch(self, file: ObjectInfo, start: int = 0, end: int | None = None) -> Fetched:
        """Read a range of a file, or the whole of it; one request where the answer tells the version.

        Raises
        ------
        IntegrityError
            When the file is another one by now, or was damaged on the way as far as that can be seen.
        """
        source, name = self._source, str(file.path)
        whole = end is None
        wanted = file.size if end is None else end
        with source._boundary(name):  # noqa: SLF001 - of the contract
            body, told = source._fetch_whole(name, wanted) if whole else source._fetch(name, start, wanted)  # noqa: SLF001 - likewise
        self._expect(file, start + len(body), wanted)
        proven = whole and file.md5 is not None
        if told is None and (self._stats or not proven):
            told = source.stat(name)
        return Fetched(body, file if told is None else self._checked(file, told))

    @property
    def pours(self) -> bool:
        """Whether hardly anything is held of what is poured."""
        return self._source._pours  # noqa: SLF001 - of the contract

    def pour(self, file: ObjectInfo, piece: Piece | None, span: FileSpan) -> None:
        """Fill a span with the same one of a listed file, proven as `part` proves it; fail as that does."""
        source, parts, name = self._source, self._source.parts, str(file.path)
        if piece is None or parts is None or not parts.pour_piece(piece, span):
            with source._boundary(name):  # noqa: SLF001 - of the contract
                told = source._pour(name, span)  # noqa: SLF001 - likewise
            self._expect(file, span.start + span.size, span.end)
            self._checked(file, source.stat(name) if told is None else told)
        if piece is not None and span.md5 != piece.md5:
            self._refuse(file)

    def _expect(self, file: ObjectInfo, end: int, wanted: int) -> None:
        """Fail unless what was read of a file ends where it should."""
        if end != wanted:
            told_of = _UNDESCRIBED if not file.size else ""
            reason = f"{end:,} bytes were read where {wanted:,} are listed{told_of}"
            raise IntegrityError(self._source.url_of(file.path), reason)

    def part(self, file: ObjectInfo, piece: Piece | None, start: int, end: int, *, proven: bool = True) -> Body:
        """Return a range of a file; by itself, where it is a part that the service has so.

        Of that the MD5 alone is proof: whoever does not want it `proven` here compares it.
        """
        parts = self._source.parts
        body = None if piece is None or parts is None else parts.read_piece(piece, end - start)
        if body is None:
            body = self.fetch(file, start, end).body
        if proven and piece is not None and md5_of(body) != piece.md5:
            self._refuse(file)
        return body

    def makeup(self, file: ObjectInfo) -> Makeup | None:
        """Return of what parts a file was sent; `None` where its ETag is its MD5, or the service does not tell."""
        parts = self._source.parts
        return None if parts is None or not is_composite(file) else parts.made_of(file)

    def composition(self, file: ObjectInfo) -> Composition | None:
        """Return what computes the ETag of a file that was sent in parts; `None` where nothing does."""
        makeup = self.makeup(file)
        return None if makeup is None else Composition(makeup)

    def check(self, file: ObjectInfo, etag: str | None) -> None:
        """Fail when the bytes of the whole file are not those that were listed, by the ETag that they make, if any."""
        if self._source.contradicts(file, etag):
            self._refuse(file)

    def _refuse(self, file: ObjectInfo) -> NoReturn:
        reason = "what was read is not what is listed; the file has changed, or was damaged on the way"
        raise IntegrityError(self._source.url_of(file.path), reason)

    def _checked(self, listed: ObjectInfo, found: ObjectInfo) -> ObjectInfo:
        if changed_since(listed, found):
            told_of = _UNDESCRIBED if found.size and not listed.size else ""
            raise IntegrityError(self._source.url_of(listed.path), f"the file changed while it was copied{told_of}")
        return replace(listed, content_type=found.content_type or listed.content_type, metadata=found.metadata)


class EvenParts:
    """The digest that is made of the MD5s of parts of one size, taken as those of `hashlib` are.

    Parameters
    ----------
    size, part_size
        Bytes of the file, and of each part but the last.

    Examples
    --------
    >>> digest = EvenParts(4, 2)
    >>> digest.update(b"ACG")
    >>> digest.update(b"T")
    >>> digest.hexdigest() == md5_of((md5_of(b"AC") + md5_of(b"GT")).encode())
    True
    """

    def __init__(self, size: int, part_size: int) -> None:
        self._composition = Composition(Makeup.even(size, part_size, "hex"))
        self.update = self._composition.feed

    def hexdigest(self) -> str:
        """Return the digest of what was taken."""
        return self._composition.etag.removesuffix("-slo")


def digest_of_kind(kind: str, size: int) -> "EvenParts | hashlib._Hash":
    """Return what computes a digest of a file of this size; the book says what kinds there are."""
    part_size = part_size_of(kind)
    return hashlib.new(kind, usedforsecurity=False) if part_size is None else EvenParts(size, part_size)


class Chain:
    """Digests of a whole file whose parts are read by several threads, each waiting for its turn.

    Parameters
    ----------
    go_on
        Called now and then while waiting; may raise to stop.
    digests
        What computes them, by their kinds.
    composition
        What else takes the bytes in their order; `None` for nothing.

    Examples
    --------
    >>> chain = Chain(lambda: None, {"md5": hashlib.md5()})
    >>> chain.feed(0, b"AC")
    >>> chain.feed(1, b"GT")
    >>> chain.digests
    {'md5': 'f1f8f4bf413b16ad135722aa4591043e'}
    """

    def __init__(
        self,
        go_on: Callable[[], None],
        digests: "Mapping[str, EvenParts | hashlib._Hash]",
        composition: Composition | None = None,
    ) -> None:
        self.composition = composition
        self._go_on = go_on
        self._turn = threading.Condition()
        self._next = 0
        self._digests = digests

    def feed(self, index: int, body: Body) -> None:
        """Take a part, when all before it were taken. One that was taken already is left out."""
        with self._turn:
            while index > self._next:
                self._turn.wait(0.2)
                self._go_on()
            if index < self._next:
                return
        for digest in self._digests.values():
            digest.update(body)
        if self.composition is not None:
            self.composition.feed(body)
        with self._turn:
            self._next += 1
            self._turn.notify_all()

    @property
    def digests(self) -> dict[str, str]:
        """Digests of what was taken, in hex, by their names."""
        return {kind: digest.hexdigest() for kind, digest in self._digests.items()}


def md5_of(body: Body) -> str:
    """Return the MD5 of bytes at hand, in hex."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
