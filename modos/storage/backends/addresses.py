"""Addresses of S3 and Swift as pydantic types, and targets likewise.

Owns how an address is read, and what a model that holds one refuses. Does no I/O; the rules for names stand in
`modos.storage.paths`, which whoever only opens an object need not wait for pydantic to use.
"""

from abc import abstractmethod
from pathlib import PurePath
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from modos._given import expect, is_host
from modos.errors import InvalidPathError, InvalidURLError
from modos.storage.paths import bucket_name, container_name, object_name, target_name

__all__ = ["S3Path", "SwiftPath", "Target"]


def _prefix_name(prefix: str) -> str:
    return object_name(target_name(prefix)) if prefix else prefix


def _text_of(target: object) -> object:
    return target.as_posix() if isinstance(target, PurePath) else target


type Target = Annotated[str, BeforeValidator(_text_of), AfterValidator(target_name)]
"""A pydantic type: a target inside a storage, `str` or `PurePath`, refused unless `target_name` takes it."""


class _BucketPath(BaseModel):
    """What S3 and Swift paths share: a first name, and a key beneath it that may be empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, url: str | None = None, **names: str) -> None:
        super().__init__(**(self._read(url) if url is not None else {}), **names)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address of either form.

        Raises
        ------
        InvalidURLError
            When it is not such an address, or a name in it may not be used.
        """
        try:
            return cls(**cls._read(url))
        except ValidationError as error:
            raise InvalidURLError(url, _first_reason(error)) from error

    @classmethod
    def _read(cls, url: str) -> dict[str, str]:
        expect(url, str, "a bucket or container is named by an address in text")
        return cls._names_of(url)

    @staticmethod
    @abstractmethod
    def _names_of(url: str) -> dict[str, str]:
        """Return what an address names, by field."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The path as an address."""

    def __truediv__(self, target: str | PurePath) -> Self:
        return self.parse(f"{self.url}/{target_name(target)}")

    def __str__(self) -> str:
        return self.url


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

    @staticmethod
    def _names_of(url: str) -> dict[str, str]:
        return _s3_names(url)

    @property
    def url(self) -> str:
        """The path as `s3://bucket/key`, with the service's address where it has one."""
        start = f"s3+{self.endpoint}/" if self.endpoint else "s3://"
        return "/".join(filter(None, (start + self.bucket, self.key)))


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

    @staticmethod
    def _names_of(url: str) -> dict[str, str]:
        return _swift_names(url)

    @property
    def url(self) -> str:
        """The path as `swift://container/object`, with the account's address where it has one."""
        start = f"swift+{self.storage_url}/" if self.storage_url else "swift://"
        return "/".join(filter(None, (start + self.container, self.key)))


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
        _refuse_user(bucket, "s3", key)
        return {"bucket": bucket, "key": key}
    host, _, path = url[len(scheme) + len("://") :].partition("/")
    bucket, _, key = path.partition("/")
    if not (host and bucket):
        raise InvalidURLError(url, f"is no S3 address; it must be {scheme}://host[:port]/bucket")
    _check_host(host, scheme, path)
    endpoint = f"{scheme.removeprefix('s3+')}://{host}"
    return {"bucket": bucket, "key": key.removesuffix("/"), "endpoint": endpoint}


def _refuse_user(host: str, scheme: str, path: str) -> None:
    """Refuse what holds a user, and show nothing before the last `@`: a password may have slashes."""
    if "@" in host or (":" in host and "@" in path and not is_host(host)):
        hidden = f"{scheme}://…/{path.rpartition('@')[2]}"
        raise InvalidURLError(hidden, "holds a user name; credentials do not belong in an address")


def _check_host(host: str, scheme: str, path: str) -> None:
    _refuse_user(host, scheme, path)
    if not is_host(host):
        reason = f"has the host {host!r}; a host looks like example.org or example.org:8080"
        raise InvalidURLError(f"{scheme}://{host}/{path}", reason)


def _swift_names(url: str) -> dict[str, str]:
    scheme = url.partition("://")[0].lower()
    if scheme not in {"swift+http", "swift+https"}:
        container, key = _split_url(url, "swift")
        return {"container": container, "key": key}
    host, _, path = url[len(scheme) + len("://") :].partition("/")
    version, account, container, key = [*path.split("/", 3), "", "", "", ""][:4]
    if not (host and version and account and container):
        raise InvalidURLError(url, f"is no Swift address; it must be {scheme}://host[:port]/v1/ACCOUNT/container")
    _check_host(host, scheme, path)
    storage_url = f"{scheme.removeprefix('swift+')}://{host}/{version}/{account}"
    return {"container": container, "key": key.removesuffix("/"), "storage_url": storage_url}


def _first_reason(error: ValidationError) -> str:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidPathError):
        return f"cannot be used: {cause}"
    return f"cannot be used: {first['msg']}"
