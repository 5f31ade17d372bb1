"""What is known of a transfer that is under way: of each large file, and of all that is done.

Owns those values, which several threads change. Does no I/O.
"""

import threading
from dataclasses import dataclass, field

from modos.storage.parts.base import PartUpload
from modos.storage.parts.makeup import Makeup
from modos.storage.parts.plan import PartInfo
from modos.transfers.plan import Step
from modos.transfers.reading import Chain

__all__ = ["Done", "Large"]


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
        Digests of the whole; `None` where its parts are not read here one after the other.
    again
        Whether it was damaged on its way before.
    makeup
        Of what parts the source consists; `None` where that is not known.
    """

    step: Step
    upload: PartUpload
    parts: dict[int, PartInfo]
    chain: Chain | None
    again: bool
    makeup: Makeup | None
    lock: threading.Lock = field(default_factory=threading.Lock)

    ended: bool = False

    @property
    def etag(self) -> str | None:
        """The ETag of the source that the bytes make which have arrived; `None` where that is not known."""
        if self.chain is not None and self.chain.composition is not None:
            return self.chain.composition.etag
        if self.chain is not None and self.chain.md5 is not None:
            return self.chain.md5
        tags = [self.parts[index].md5 for index in sorted(self.parts)]
        digests = [bytes.fromhex(tag) for tag in tags if tag is not None]
        if self.makeup is None or self.makeup.part_size != self.upload.part_size or len(digests) < len(tags):
            return None
        return self.makeup.etag_of(digests)

    @property
    def missing(self) -> list[int]:
        """The parts that have not arrived."""
        return [index for index in range(self.upload.count) if index not in self.parts]

    def ends(self) -> bool:
        """Tell, once, whether all parts have arrived."""
        with self.lock:
            ends = not self.ended and len(self.parts) == self.upload.count
            self.ended = self.ended or ends
            return ends
