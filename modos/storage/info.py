"""What a storage knows of one stored file without reading it.

Owns the value that listings, `stat` and `put` return. Knows no backend.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

__all__ = ["ObjectInfo", "is_md5"]


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
        return self.etag if is_md5(self.etag or "") else None


_MD5 = re.compile("[0-9a-f]{32}")


def is_md5(tag: str) -> bool:
    """Tell whether a tag has the form of an MD5 in hex; one of S3 need not be one, as `Storage.contradicts` says.

    Examples
    --------
    >>> is_md5("f1f8f4bf413b16ad135722aa4591043e"), is_md5("f1f8f4bf413b16ad135722aa4591043e-2")
    (True, False)
    """
    return _MD5.fullmatch(tag) is not None
