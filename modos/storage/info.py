"""What a storage knows of one stored file without reading it.

Owns the value that listings, `stat` and `put` return. Knows no backend.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

__all__ = ["ObjectInfo"]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One stored file, or one directory of a listing by level.

    Attributes
    ----------
    path
        Relative to the storage.
    size
        Bytes; 0 for a directory.
    last_modified
        When it was written, with a time zone; `None` where the service does not say.
    etag
        The service's tag of the content, without quotes. An MD5 in hex only where `md5` is not `None`.
    content_type
        Media type; `None` where the service keeps none or a listing does not say.
    metadata
        What the user stored beside it (`x-amz-meta-*`, `X-Object-Meta-*`); `stat` tells it, listings do not.
    kind
        `"file"`, or `"directory"` for a common prefix.
    """

    path: PurePosixPath
    size: int = 0
    last_modified: datetime | None = None
    etag: str | None = None
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    kind: Literal["file", "directory"] = "file"

    @property
    def md5(self) -> str | None:
        """The MD5 of the content in hex, or `None` where the tag is not one (multipart uploads, manifests)."""
        tag = self.etag or ""
        return tag if len(tag) == _MD5_DIGITS and all(digit in "0123456789abcdef" for digit in tag) else None


_MD5_DIGITS = 32
