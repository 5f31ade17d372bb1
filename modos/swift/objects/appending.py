"""What is appended to: which of its bytes stay in the service, and which come back to be written again.

Owns that decision, and the object as it was when it was made. Knows nothing of open files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from modos.errors import IntegrityError, ServiceError
from modos.swift.concurrency import together
from modos.swift.objects.objects import Objects
from modos.swift.objects.segments import LargeUpload
from modos.swift.protocol import Info, etag_of, info_from_headers, is_large

__all__ = ["Appended", "kept_parts"]

_NOT_FOUND = 404
_UNUSUAL = frozenset({"range", "data", "sub_slo"})

type Part = Mapping[str, Any]
"""What a manifest says of one segment: `name`, `hash`, `bytes`."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An object that is there and that more is to come behind.

    Attributes
    ----------
    info
        The object.
    etag
        By which it is known: another one means that it has been replaced.
    kept
        Its first parts, each to be copied within the service to a segment of the longer object.
    """

    info: Info
    etag: str
    kept: Sequence[Part]

    @classmethod
    async def found(cls, objects: Objects, path: str) -> "Appended | None":
        """Look at what is there, `None` where nothing is: a HEAD, and the manifest of a large object.

        Raises
        ------
        ServiceError
            It is a large object of other parts than whole segments: its manifest is dynamic, or of a kind that no part
            can be taken from.
        """
        head = await objects.head(path)
        if head.status == _NOT_FOUND:
            return None
        info = info_from_headers(path, head.headers)
        whole = {"name": f"/{path}", "hash": etag_of(head.headers), "bytes": info["size"]}
        parts: list[Part] = [whole]
        if is_large(head.headers) and info["size"] >= objects.segment_size:
            parts = [*await objects.segments.manifest(path)]
            if not parts or any(part.keys() & _UNUSUAL for part in parts):
                reason = "its manifest is not one of whole segments, so that it cannot be appended to"
                raise ServiceError(await objects.where(path), reason)
        return cls(info, etag_of(head.headers), kept_parts(parts, objects.segment_size))

    @property
    def tail(self) -> int:
        """Where the bytes begin that have to come back."""
        return sum(int(part["bytes"]) for part in self.kept)

    @property
    def is_segmented(self) -> bool:
        """Whether it has segments, which nothing refers to once it is replaced."""
        return "slo_etag" in self.info

    async def copy_into(self, large: LargeUpload, objects: Objects) -> None:
        """Copy what is kept to the first segments of another large object; no byte of it comes here."""
        copies = (partial(large.copy, index, part) for index, part in enumerate(self.kept))
        await together(copies, limit=objects.concurrency)

    async def check_unchanged(self, objects: Objects) -> None:
        """Look again.

        Raises
        ------
        IntegrityError
            Something else is there by now, or nothing.
        """
        path = self.info["name"]
        if etag_of((await objects.head(path)).headers) != self.etag:
            raise IntegrityError(
                await objects.where(path), "it was replaced after it was opened for appending; nothing was appended"
            )


def kept_parts(parts: Sequence[Part], segment_size: int) -> Sequence[Part]:
    """Return the parts that stay: all, but for a last one that is no full segment and is filled up.

    Examples
    --------
    >>> sizes = [{"bytes": 100}, {"bytes": 100}, {"bytes": 7}]
    >>> len(kept_parts(sizes, 100)), len(kept_parts(sizes[:2], 100)), len(kept_parts(sizes[2:], 100))
    (2, 2, 0)
    """
    return parts if parts[-1]["bytes"] >= segment_size else parts[:-1]
