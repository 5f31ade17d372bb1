"""What is known of a transfer that is under way: of each large file, and of all that is done.

Owns those values, which several threads change. Does no I/O.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from modos.storage.info import ObjectInfo
from modos.storage.parts.base import Parts
from modos.storage.parts.makeup import Composition, Makeup, Piece
from modos.storage.parts.plan import PartInfo
from modos.storage.parts.upload import PartUpload
from modos.transfers.digests import Digests, of_parts, part_size_of
from modos.transfers.files.reading import Chain, digest_of_kind, md5_of
from modos.transfers.plan import Step

__all__ = ["Done", "Large", "Part", "chain_for", "shared_size"]

_LEAST, _MOST = 5 * 1024 * 1024, 64 * 1024 * 1024
"""Bytes of parts between which those of the source are kept."""


def shared_size(target: Parts, size: int, makeup: Makeup | None, *, by_service: bool = False) -> int | None:
    """Return the part size of the source where it suits the target: the MD5s of the parts then prove the whole.

    Parameters
    ----------
    target, size
        Where the file goes, and its bytes.
    makeup
        Of what parts it consists; `None` where that is not known.
    by_service
        Whether no part is held here, so that each may be as long as the service takes it.
    """
    theirs, rules = None if makeup is None else makeup.part_size, target.rules
    least, most = (rules.smallest, rules.largest) if by_service else (_LEAST, _MOST)
    if theirs is None or not least <= theirs <= most or -(-size // theirs) > rules.most:
        return None
    return theirs


def chain_for(
    go_on: Callable[[], None],
    file: ObjectInfo,
    upload: PartUpload,
    makeup: Makeup | None,
    *,
    known: Digests,
    found: Mapping[int, PartInfo],
    full: bool,
) -> Chain | None:
    """Return what digests a file as a whole while its parts pass; `None` where the MD5s of the parts are enough.

    They are not where the source tells the MD5 of the whole, or the tag of other parts: all is then looked at, also what was
    brought before. So it is where the book knows the source by other digests alone, of which one is compared: a disk may have
    failed since. The BLAKE2b is taken where nothing else would be known, and to read the file back.

    Parameters
    ----------
    go_on
        As for `Chain`.
    file, makeup
        The source's, and of what parts it consists; `None` where that is not known.
    upload, found
        Where its parts go, and those that an earlier transfer has brought.
    known
        What the book knows of the file.
    full
        Whether it will be read back.
    """
    by_tags = makeup is not None and makeup.part_size == upload.part_size and upload.has_digests
    composition = None if makeup is None or by_tags else Composition(makeup)
    kinds = set() if file.md5 is None else {"md5"}
    taken = {kind for kind in known if kind == "blake2b" or part_size_of(kind)}
    if taken and not kinds and makeup is None and of_parts(upload.part_size) not in taken:
        kinds.add("blake2b" if "blake2b" in taken else min(taken))
    in_full = bool(kinds) or composition is not None
    if (full or not (kinds or upload.has_digests)) and (in_full or not found):
        kinds.add("blake2b")
    digests = {kind: digest_of_kind(kind, file.size) for kind in kinds}
    return Chain(go_on, digests, composition) if in_full or digests else None


@dataclass
class Done:
    """What was done so far.

    Attributes
    ----------
    files, bytes
        Written and verified.
    same, same_bytes
        Found to be the same when they were read, and so left as they are.
    resumed
        Bytes of them that an earlier transfer had brought.
    by_service
        Bytes of them that the service copied.
    digests
        Name to BLAKE2b in hex, where it is known.
    """

    files: int = 0
    bytes: int = 0
    same: int = 0
    same_bytes: int = 0
    resumed: int = 0
    by_service: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def resume(self, size: int) -> None:
        """Count bytes of a file that an earlier transfer had brought."""
        with self.lock:
            self.resumed += size

    def count(self, name: str, size: int, blake2b: str | None, *, same: bool, by_service: bool) -> None:
        """Count a file."""
        with self.lock:
            if same:
                self.same += 1
                self.same_bytes += size
            else:
                self.files += 1
                self.bytes += size
            self.by_service += size if by_service else 0
            if blake2b is not None:
                self.digests[name] = blake2b


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a large file that is to be brought.

    Attributes
    ----------
    step
        What is done about the file.
    upload, index
        Where it goes, and its number, from 0.
    piece
        It as the source has it by itself; `None` where it has not.
    found
        It as an earlier transfer has brought it, if that has to be looked at; `None` for nothing.
    """

    step: Step
    upload: PartUpload
    index: int
    piece: Piece | None = None
    found: PartInfo | None = None


@dataclass
class Large:
    """A large file that is under way by parts.

    Attributes
    ----------
    step
        What is done about it.
    upload, parts
        Where its parts go, and those that have arrived.
    chain
        Digests of the whole; `None` where those of its parts are enough, or they are not read here one after the other.
    again
        Whether it was damaged on its way before.
    makeup
        Of what parts the source consists; `None` where that is not known.
    found
        Parts that an earlier transfer has brought. They are among `parts` at once, unless they are looked at first.
    """

    step: Step
    upload: PartUpload
    parts: dict[int, PartInfo]
    chain: Chain | None
    again: bool
    makeup: Makeup | None
    found: Mapping[int, PartInfo]
    lock: threading.Lock = field(default_factory=threading.Lock)

    ended: bool = False

    @property
    def etag(self) -> str | None:
        """The ETag of the source that the bytes make which have arrived; `None` where that is not known."""
        if self.chain is not None and self.chain.composition is not None:
            return self.chain.composition.etag
        if self.chain is not None and "md5" in self.chain.digests:
            return self.chain.digests["md5"]
        tags = [part.md5 for part in self.ordered]
        digests = [bytes.fromhex(tag) for tag in tags if tag is not None]
        if self.makeup is None or not self._is_shared or len(digests) < len(tags):
            return None
        return self.makeup.etag_of(digests)

    @property
    def ordered(self) -> list[PartInfo]:
        """The parts that have arrived, in their order."""
        return [part for _, part in sorted(self.parts.items())]

    @property
    def digests(self) -> dict[str, str]:
        """What is known of its bytes when all parts have arrived."""
        known, parts = {} if self.chain is None else dict(self.chain.digests), self.ordered
        if all(part.md5 is not None for part in parts):
            known[of_parts(self.upload.part_size)] = md5_of("".join(part.etag for part in parts).encode())
        tag = self.upload.etag_of(parts)
        return known if tag is None else known | {"parts": tag}

    @property
    def _is_shared(self) -> bool:
        """Whether the parts are those of the source."""
        return self.makeup is not None and self.makeup.part_size == self.upload.part_size

    @property
    def needs_order(self) -> bool:
        """Whether nothing but all of its bytes in their order proves that they are those of the source, and they do."""
        is_told = self.step.file.md5 is not None or self.makeup is not None
        return is_told and self.step.by == "client" and not (self._is_shared and self.upload.has_digests)

    def part(self, index: int) -> Part:
        """Return a part of it, as it is to be brought."""
        pieces = self.makeup.pieces if self.makeup is not None and self._is_shared else ()
        piece = pieces[index] if pieces else None
        return Part(step=self.step, upload=self.upload, index=index, piece=piece, found=self.found.get(index))

    @property
    def resumed(self) -> int:
        """Bytes of the parts that an earlier transfer has brought and that count, as far as is known by now."""
        return sum(part.size for index, part in self.found.items() if self.parts.get(index) is part)

    @property
    def missing(self) -> list[int]:
        """The parts that have not arrived."""
        return [index for index in range(self.upload.count) if index not in self.parts]

    def take(self, part: PartInfo) -> None:
        """Take note of a part that has arrived."""
        with self.lock:
            self.parts[part.index] = part

    def ends(self) -> bool:
        """Tell, once, whether all parts have arrived."""
        with self.lock:
            ends = not self.ended and len(self.parts) == self.upload.count
            self.ended = self.ended or ends
            return ends
