"""One large file and its parts, as values: how it is cut, what has arrived, what was left.

Owns which part is which range, and when two uploads are the same. Does no I/O.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from modos.errors import InvalidInputError
from modos.storage.info import is_md5

__all__ = ["Body", "PartInfo", "PartPlan", "Unfinished"]

type Body = bytes | bytearray | memoryview
"""The bytes of a part."""


@dataclass(frozen=True, slots=True)
class PartInfo:
    """One part that has arrived.

    Attributes
    ----------
    index
        Its number, from 0.
    size
        Bytes.
    etag
        The service's tag of the part: the MD5 of its bytes in hex, where it has the form of one.
    is_digest
        Whether it is: what S3 encrypts with keys of KMS or of the user has tags that only look so.
    """

    index: int
    size: int
    etag: str
    is_digest: bool = True

    @property
    def md5(self) -> str | None:
        """The MD5 of the part in hex, `None` where the tag is not one."""
        return self.etag if self.is_digest and is_md5(self.etag) else None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A file of which parts have arrived and that was not committed: it is on its way, or was abandoned.

    Attributes
    ----------
    path
        The file that it was to be, relative to the storage.
    size
        Bytes that have arrived.
    started, changed
        When it was begun and when the last part came, in UTC.
    token
        What tells it from others of the same file.
    """

    path: PurePosixPath
    size: int
    started: datetime
    changed: datetime
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """One large file and how it is cut.

    Attributes
    ----------
    name
        Where it is to be stored.
    size, part_size
        Bytes of the file, and of each part but the last.
    origin
        What tells the version of the source from any other.
    content_type, metadata
        As for `Storage.put`.
    """

    name: str
    size: int
    part_size: int
    origin: str
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def count(self) -> int:
        """How many parts there are."""
        return -(-self.size // self.part_size)

    @property
    def identity(self) -> str:
        """What an unfinished upload must agree in to be continued, as a digest."""
        said = [self.origin, self.size, self.part_size, self.content_type, sorted(self.metadata.items())]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def span(self, index: int) -> tuple[int, int]:
        """Return where a part begins and ends.

        Examples
        --------
        >>> plan = PartPlan(name="demo.cram", size=10, part_size=4, origin="v1")
        >>> plan.count, plan.span(2)
        (3, (8, 10))
        """
        if not 0 <= index < self.count:
            raise InvalidInputError(f"{self.name!r} has {self.count} parts, numbered from 0; there is no part {index}")
        return index * self.part_size, min(self.size, (index + 1) * self.part_size)

    def length(self, index: int) -> int:
        """Return how many bytes a part has."""
        start, end = self.span(index)
        return end - start
