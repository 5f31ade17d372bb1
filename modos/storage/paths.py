"""Names that may be used: targets inside a storage, S3 buckets and keys, Swift containers and objects.

Owns the rules and their error messages, as plain functions and as pydantic types built on them. Does no I/O and knows
no backend. Sources: the AWS "General purpose bucket naming rules" and "Naming Amazon S3 objects", and the OpenStack
Object Storage API reference.
"""

import re
from pathlib import PurePath
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from modos.errors import InvalidPathError, InvalidURLError

__all__ = ["S3Path", "SwiftPath", "Target", "bucket_name", "container_name", "object_name", "target_name"]

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

    Examples
    --------
    >>> target_name("data.zarr/zarr.json")
    'data.zarr/zarr.json'
    >>> target_name(PurePath("reads/demo 1+2.cram"))
    'reads/demo 1+2.cram'
    """
    name = target if isinstance(target, str) else target.as_posix()
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


def _prefix_name(prefix: str) -> str:
    return object_name(target_name(prefix)) if prefix else prefix


def _text_of(target: object) -> object:
    return target.as_posix() if isinstance(target, PurePath) else target


type Target = Annotated[str, BeforeValidator(_text_of), AfterValidator(target_name)]
"""A pydantic type: a target inside a storage, `str` or `PurePath`, refused unless `target_name` takes it."""


class _BucketPath(BaseModel):
    """What S3 and Swift paths share: a first name, and a key beneath it that may be empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def _parsed(cls, url: str, **names: str) -> Self:
        try:
            return cls(**names)
        except ValidationError as error:
            raise InvalidURLError(url, _first_reason(error)) from error


class S3Path(_BucketPath):
    """A place in S3: a bucket, and a key or prefix in it.

    Parameters
    ----------
    url
        `s3://bucket[/key]`, or with the service's address `s3+https://host[:port]/bucket[/key]`; alternatively
        `bucket`, `key` and `endpoint` as such.

    Examples
    --------
    >>> path = S3Path(url="s3://omics/study/ex")
    >>> path.bucket, path.key
    ('omics', 'study/ex')
    >>> str(path / "data.zarr")
    's3://omics/study/ex/data.zarr'
    >>> S3Path(url="s3+https://s3.example.org/omics/study").endpoint
    'https://s3.example.org'
    """

    bucket: Annotated[str, AfterValidator(bucket_name)]
    key: Annotated[str, AfterValidator(_prefix_name)] = ""
    endpoint: str | None = None

    def __init__(self, url: str | None = None, **names: str) -> None:
        super().__init__(**(_s3_names(url) if url is not None else {}), **names)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an S3 URL of either form.

        Raises
        ------
        InvalidURLError
            When it is not such a URL, or a name in it may not be used.
        """
        return cls._parsed(url, **_s3_names(url))

    @property
    def url(self) -> str:
        """The path as `s3://bucket/key`, with the service's address where it has one."""
        start = f"s3+{self.endpoint}/" if self.endpoint else "s3://"
        return "/".join(filter(None, (start + self.bucket, self.key)))

    def __truediv__(self, target: str | PurePath) -> Self:
        return self.parse(f"{self.url}/{target_name(target)}")

    def __str__(self) -> str:
        return self.url


class SwiftPath(_BucketPath):
    """A place in OpenStack Swift: a container, and an object name or prefix in it.

    Parameters
    ----------
    url
        `swift://container[/object]`, or with the account's address
        `swift+https://host[:port]/v1/ACCOUNT/container[/object]`; alternatively `container`, `key` and `storage_url`.

    Examples
    --------
    >>> path = SwiftPath(url="swift://omics/study/ex")
    >>> path.container, path.key
    ('omics', 'study/ex')
    >>> SwiftPath(url="swift+https://swift.example.org/v1/AUTH_lab/omics").storage_url
    'https://swift.example.org/v1/AUTH_lab'
    """

    container: Annotated[str, AfterValidator(container_name)]
    key: Annotated[str, AfterValidator(_prefix_name)] = ""
    storage_url: str | None = None

    def __init__(self, url: str | None = None, **names: str) -> None:
        super().__init__(**(_swift_names(url) if url is not None else {}), **names)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a Swift URL of either form.

        Raises
        ------
        InvalidURLError
            When it is not such a URL, or a name in it may not be used.
        """
        return cls._parsed(url, **_swift_names(url))

    @property
    def url(self) -> str:
        """The path as `swift://container/object`, with the account's address where it has one."""
        start = f"swift+{self.storage_url}/" if self.storage_url else "swift://"
        return "/".join(filter(None, (start + self.container, self.key)))

    def __truediv__(self, target: str | PurePath) -> Self:
        return self.parse(f"{self.url}/{target_name(target)}")

    def __str__(self) -> str:
        return self.url


def _split_url(url: str, scheme: str) -> tuple[str, str]:
    start = f"{scheme}://"
    if url[: len(start)].lower() != start:
        raise InvalidURLError(url, f"is no {scheme} address; it must begin with {start!r}")
    first, _, rest = url[len(start) :].partition("/")
    return first, rest.removesuffix("/")


def _s3_names(url: str) -> dict[str, str]:
    scheme = url.partition("://")[0].lower()
    if scheme not in {"s3+http", "s3+https"}:
        bucket, key = _split_url(url, "s3")
        return {"bucket": bucket, "key": key}
    host, _, path = url[len(scheme) + len("://") :].partition("/")
    bucket, _, key = path.partition("/")
    if not (host and bucket):
        raise InvalidURLError(url, f"is no S3 address; it must be {scheme}://host[:port]/bucket")
    _refuse_user(host, f"{scheme}://…/{path}")
    endpoint = f"{scheme.removeprefix('s3+')}://{host}"
    return {"bucket": bucket, "key": key.removesuffix("/"), "endpoint": endpoint}


def _refuse_user(host: str, hidden: str) -> None:
    if urlsplit(f"//{host}").username is not None:
        raise InvalidURLError(hidden, "holds a user name; credentials do not belong in an address")


def _swift_names(url: str) -> dict[str, str]:
    scheme = url.partition("://")[0].lower()
    if scheme not in {"swift+http", "swift+https"}:
        container, key = _split_url(url, "swift")
        return {"container": container, "key": key}
    host, _, path = url[len(scheme) + len("://") :].partition("/")
    version, account, container, key = [*path.split("/", 3), "", "", "", ""][:4]
    if not (host and version and account and container):
        raise InvalidURLError(url, f"is no Swift address; it must be {scheme}://host[:port]/v1/ACCOUNT/container")
    _refuse_user(host, f"{scheme}://…/{path}")
    storage_url = f"{scheme.removeprefix('swift+')}://{host}/{version}/{account}"
    return {"container": container, "key": key.removesuffix("/"), "storage_url": storage_url}


def _first_reason(error: ValidationError) -> str:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidPathError):
        return f"cannot be used: {cause}"
    return f"cannot be used: {first['msg']}"
