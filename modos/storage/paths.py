"""Names that may be used: targets inside a storage, S3 buckets and keys, Swift containers and objects.

Owns the rules and their error messages, as plain functions. Does no I/O and knows no backend. Sources: the AWS "General
purpose bucket naming rules" and "Naming Amazon S3 objects", and the OpenStack Object Storage API reference.
"""

import re
from pathlib import PurePath

from modos._given import expect
from modos.errors import InvalidPathError

__all__ = ["bucket_name", "container_name", "object_name", "target_name"]

LONGEST_NAME = 1024
"""Bytes in an S3 key or a Swift object name."""

LONGEST_CONTAINER = 256

_BUCKET_LENGTHS = (3, 63)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def target_name(target: str | PurePath) -> str:
    """Return a target as the `/`-separated name it has inside a storage.

    Raises
    ------
    InvalidPathError
        When the target is empty, absolute, or holds `..`, `.`, an empty part, NUL or text that is not Unicode.
    InvalidInputError
        When it is neither text nor a path.

    Examples
    --------
    >>> target_name("data.zarr/zarr.json")
    'data.zarr/zarr.json'
    >>> target_name(PurePath("reads/demo 1+2.cram"))
    'reads/demo 1+2.cram'
    """
    if isinstance(target, str):
        name = target
    else:
        expect(target, PurePath, "a file in a storage is named by text or a path")
        name = target.as_posix()
    if name in {"", "."}:
        raise InvalidPathError(name, "is empty; name a file in the storage")
    if name.startswith("/"):
        raise InvalidPathError(name, "is absolute; targets are relative to the storage")
    _check_text(name)
    for part in name.split("/"):
        if part in {"", ".", ".."}:
            raise InvalidPathError(name, f"has a part {part!r}, which no target may have")
    return name


def object_name(name: str) -> str:
    """Return a whole S3 key or Swift object name, prefix included, if it may be used.

    Raises
    ------
    InvalidPathError
        When it is over 1,024 bytes of UTF-8 or holds NUL.
    """
    _check_text(name)
    if len(name) > LONGEST_NAME or len(name.encode()) > LONGEST_NAME:
        raise InvalidPathError(name, f"is longer than {LONGEST_NAME:,} bytes")
    return name


def bucket_name(name: str) -> str:
    """Return a name if it keeps every rule that AWS sets for buckets.

    Raises
    ------
    InvalidPathError
        Names the rule that is broken.

    Examples
    --------
    >>> bucket_name("omics-2024")
    'omics-2024'
    """
    shortest, longest = _BUCKET_LENGTHS
    if not shortest <= len(name) <= longest:
        raise InvalidPathError(name, f"is no bucket name: it must have {shortest} to {longest} characters")
    if not _BUCKET.fullmatch(name):
        rule = "only lower-case letters, digits, dots and hyphens, a letter or digit first and last"
        raise InvalidPathError(name, f"is no bucket name: it may have {rule}")
    if ".." in name:
        raise InvalidPathError(name, "is no bucket name: two dots may not stand together")
    if _IP_ADDRESS.fullmatch(name):
        raise InvalidPathError(name, "is no bucket name: it looks like an IP address")
    for prefix in _RESERVED_PREFIXES:
        if name.startswith(prefix):
            raise InvalidPathError(name, f"is no bucket name: {prefix!r} at its start is reserved")
    for suffix in _RESERVED_SUFFIXES:
        if name.endswith(suffix):
            raise InvalidPathError(name, f"is no bucket name: {suffix!r} at its end is reserved")
    return name


def container_name(name: str) -> str:
    """Return a name if Swift accepts it for a container: 1 to 256 bytes of UTF-8, no `/`.

    Raises
    ------
    InvalidPathError
        Names the rule that is broken.
    """
    _check_text(name)
    if not name or name in {".", ".."}:
        raise InvalidPathError(name, "is no container name")
    if "/" in name:
        raise InvalidPathError(name, "is no container name: it holds a slash")
    if len(name) > LONGEST_CONTAINER or len(name.encode()) > LONGEST_CONTAINER:
        raise InvalidPathError(name, f"is no container name: it is longer than {LONGEST_CONTAINER} bytes")
    return name


def _check_text(name: str) -> None:
    if "\0" in name:
        raise InvalidPathError(name, "holds a NUL character")
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InvalidPathError(name, "is not valid Unicode") from error
