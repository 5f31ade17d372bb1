"""Files in S3, or in any service that speaks its protocol, through s3fs.

Owns how a client is set up for services other than AWS, and what botocore's errors mean. Knows no other backend.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from modos._lazy import require
from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    InvalidInputError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
    suggestion,
)
from modos.storage.backends.opened import Opened
from modos.storage.backends.remote import LAST_NAME, Page, PagedStorage
from modos.storage.base import Method, WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.paths import S3Path, target_name

if TYPE_CHECKING:
    from fsspec.spec import AbstractBufferedFile
    from s3fs import S3FileSystem

__all__ = ["S3Storage", "connect_s3"]

KNOWN_OPTIONS = ("anon", "attempts", "key", "profile", "region", "secret", "timeout", "token")
"""What `s3_kwargs` may hold."""

_TIMEOUT = 60.0
_PART = 16 * 1024 * 1024
_ATTEMPTS = 5
_FAR = 2**53
_BULK = 1000

_BY_CODE: Mapping[str, type[StorageError]] = {
    "BadDigest": IntegrityError,
    "ExpiredToken": AuthenticationError,
    "InvalidAccessKeyId": AuthenticationError,
    "InvalidToken": AuthenticationError,
    "PreconditionFailed": KeyExistsError,
    "SignatureDoesNotMatch": AuthenticationError,
}
_REASONS = {
    "BadDigest": "the service received other bytes than were sent",
    "NoSuchBucket": "there is no such bucket",
}
_HOW_TO_SIGN_IN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ask anonymously"
_CUT_SHORT = "the connection broke before the whole body had come"
_CHECK = "check the address and the network"
_BY_STATUS: Mapping[int, type[StorageError]] = {
    401: AuthenticationError,
    403: AccessDeniedError,
    404: KeyNotFoundError,
    408: StorageTimeoutError,
    429: ServiceUnavailableError,
    503: ServiceUnavailableError,
}


class S3Storage(PagedStorage):
    """A bucket, or a prefix in one, of S3 or any service that speaks its protocol.

    Addresses are path style, listings are never cached, and the newer default checksums of botocore, which break other
    services, are sent only where they are required.

    Parameters
    ----------
    path
        `s3://bucket[/prefix]`.
    s3_endpoint
        Address of the service, such as `https://s3.example.org`. `None` for `AWS_ENDPOINT_URL`, else AWS itself.
    s3_kwargs
        Options: `anon` (no credentials), `key`, `secret`, `token`, `profile`, `region`, `timeout` (seconds for a
        connection or an answer, 60 by default), `attempts` (how often a request is made, 5 by default). `None`: credentials come from the usual `AWS_*` variables and files.
    read_only
        Whether writing raises `ReadOnlyError`.

    Raises
    ------
    InvalidInputError
        When an option is not known.

    Examples
    --------
    >>> S3Storage("s3://omics/study", "https://s3.example.org", {"anon": True})
    S3Storage('s3://omics/study')
    """

    def __init__(
        self,
        path: str | S3Path,
        s3_endpoint: str | None = None,
        s3_kwargs: Mapping[str, Any] | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self._path = path if isinstance(path, S3Path) else S3Path.parse(path)
        self._prefix = "/".join(filter(None, (self._path.bucket, self._path.key)))
        self._endpoint = s3_endpoint
        self._options = _checked(s3_kwargs or {})
        self._opened = Opened(partial(_filesystem, s3_endpoint, self._options))
        self.read_only = read_only

    @property
    def filesystem(self) -> "S3FileSystem":
        """The s3fs filesystem, made on first use and shared by storages beneath this one."""
        return self._opened.get()

    @property
    def url(self) -> str:
        """`s3://bucket[/prefix]`."""
        return self._path.url

    def _identity(self) -> tuple[object, ...]:
        return (self.url, self.read_only, self._endpoint, sorted(self._options.items()))

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._path / target_name(target), self._endpoint, self._options, read_only=self.read_only)
        beneath._opened = self._opened
        return beneath

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.filesystem.call_s3(operation, Bucket=self._path.bucket, **arguments)
        return answer

    def _object_key(self, name: str) -> str:
        return self._key(name).removeprefix(f"{self._path.bucket}/")

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            head = self._call("head_object", Key=self._object_key(name))
        except FileNotFoundError:
            return None
        return self._info({**head, "name": self._key(name), "size": head["ContentLength"], "type": "file"})

    def _page(self, name: str, *, start_after: str, recursive: bool) -> Page:
        prefix = f"{self._object_key(name)}/" if name else f"{self._path.key}/" if self._path.key else ""
        arguments = {} if recursive else {"Delimiter": "/"}
        if start_after:
            arguments["StartAfter"] = self._object_key_unchecked(start_after)
        answer = self._call("list_objects_v2", Prefix=prefix, **arguments)
        files = [
            self._info({**entry, "name": f"{self._path.bucket}/{entry['Key']}", "size": entry["Size"], "type": "file"})
            for entry in answer.get("Contents", ())
            if not entry["Key"].endswith("/")
        ]
        directories = [
            ObjectInfo(self._relative(f"{self._path.bucket}/{entry['Prefix']}"), kind="directory")
            for entry in answer.get("CommonPrefixes", ())
        ]
        infos = sorted((*files, *directories), key=lambda info: str(info.path).encode())
        return Page(infos, self._last_name(answer) if answer["IsTruncated"] else None)

    def _last_name(self, answer: Mapping[str, Any]) -> str | None:
        """Return what the next page of a listing begins behind; a directory's is behind all that is beneath it."""
        names = [entry["Key"] for entry in answer.get("Contents", ())]
        names += [f"{entry['Prefix']}{LAST_NAME}" for entry in answer.get("CommonPrefixes", ())]
        start = f"{self._path.key}/" if self._path.key else ""
        return max(names, key=str.encode).removeprefix(start) if names else None

    def _object_key_unchecked(self, name: str) -> str:
        """Return a listing's marker, which need not be a name that could be stored."""
        return f"{self._path.key}/{name}" if self._path.key else name

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        whole = (start, end) == (0, None)
        limits = {"max_concurrency": 1} if whole else {"start": start, "end": _FAR if end is None else end}
        try:
            body: bytes = self.filesystem.cat_file(self._key(name), **limits)  # neither form asks for the size first
        except OSError as error:
            if _status(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return b""
            raise
        return body

    def _put_short(self, name: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any]) -> ObjectInfo:
        digest = hashlib.md5(body, usedforsecurity=False)
        arguments = {"IfNoneMatch": "*"} if mode == "create" else {}
        answer = self._call(
            "put_object",
            Key=self._object_key(name),
            Body=body,
            ContentMD5=b64encode(digest.digest()).decode(),
            **_s3_names(options),
            **arguments,
        )
        return ObjectInfo(
            PurePosixPath(name),
            size=len(body),
            etag=answer.get("ETag", digest.hexdigest()).strip('"'),  # Swift names none where a newer write has won
            content_type=options.get("content_type"),
            metadata=options.get("metadata", {}),
        )

    def _put_long(self, name: str, chunks: Iterator[bytes], *, mode: WriteMode, options: Mapping[str, Any]) -> None:
        super()._put_long(name, chunks, mode=mode, options={"block_size": _PART, **_s3_names(options)})

    def _remove(self, names: Sequence[str]) -> None:
        if len(names) == 1:
            self._call("delete_object", Key=self._object_key(names[0]))
            return
        for start in range(0, len(names), _BULK):
            keys = [{"Key": self._object_key(name)} for name in names[start : start + _BULK]]
            answer = self._call("delete_objects", Delete={"Objects": keys, "Quiet": True})
            for failed in answer.get("Errors", ()):
                url = f"s3://{self._path.bucket}/{failed['Key']}"
                raise ServiceError(url, f"could not be removed: {failed.get('Message') or failed.get('Code')}")

    def _discard(self, file: "AbstractBufferedFile") -> None:
        super()._discard(file)
        file.closed = True  # or it would upload what it holds when it is collected

    def _sign(self, name: str, *, expires_in: float, method: Method) -> str:
        operation = {"GET": "get_object", "PUT": "put_object"}[method]
        return str(self.filesystem.url(self._key(name), expires=round(expires_in), client_method=operation))

    def _translated(self, error: Exception, url: str) -> StorageError | None:
        return _meaning(error, url, self._endpoint) or super()._translated(error, url)


def connect_s3(
    path: str | S3Path, endpoint: str | None = None, s3_kwargs: Mapping[str, Any] | None = None
) -> "S3FileSystem":
    """Return the s3fs filesystem that serves a path, under the reference's name.

    Parameters
    ----------
    path, endpoint, s3_kwargs
        As for `S3Storage`.
    """
    return S3Storage(path, endpoint, s3_kwargs).filesystem


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in KNOWN_OPTIONS:
            known = f"known are {', '.join(KNOWN_OPTIONS)}"
            message = f"S3 has no option {name!r} ({known}){suggestion(name, KNOWN_OPTIONS)}"
            raise InvalidInputError(message)
    return dict(options)


def _filesystem(endpoint: str | None, options: Mapping[str, Any]) -> "S3FileSystem":
    s3fs = require("s3fs", extra="s3", purpose="reading and writing S3")
    timeout = float(options.get("timeout", _TIMEOUT))
    attempts = int(options.get("attempts", _ATTEMPTS))
    session = require("aiobotocore.session", extra="s3", purpose="reading and writing S3").AioSession(
        profile=options.get("profile")
    )
    session.get_component("event_emitter").register_last("before-call.s3", _send_at_once)
    filesystem = s3fs.S3FileSystem(
        session=session,
        anon=options.get("anon", False),
        key=options.get("key"),
        secret=options.get("secret"),
        token=options.get("token"),
        endpoint_url=endpoint,
        client_kwargs={"region_name": options["region"]} if "region" in options else {},
        config_kwargs={
            **({} if options.get("anon") else {"signature_version": "s3v4"}),
            "connect_timeout": timeout,
            "read_timeout": timeout,
            "max_pool_connections": 64,
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "retries": {"mode": "standard", "total_max_attempts": attempts},
            "s3": {"addressing_style": "path"},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    filesystem.retries = min(2, attempts)  # botocore has retried by then; once more for a body that broke off
    return filesystem


def _send_at_once(params: Mapping[str, Any], **_: object) -> None:
    """Do not wait for `100 Continue` before a body is sent: aiohttp waits without end when it does not come."""
    params["headers"].pop("Expect", None)


def _s3_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the names of the contract to those of the S3 API, which sends metadata as headers in ASCII."""
    for name, value in options.get("metadata", {}).items():
        if not (name + value).isascii():
            message = f"S3 keeps metadata in ASCII only; {name!r}: {value!r} is not"
            raise InvalidInputError(message)
    names = {"content_type": "ContentType", "metadata": "Metadata"}
    return {names[option]: value for option, value in options.items()}


def _meaning(error: BaseException, url: str, endpoint: str | None) -> StorageError | None:
    """Return what an error of s3fs, botocore or aiohttp means: the one place that knows them."""
    from aiohttp import ClientConnectionError, ClientPayloadError
    from botocore import exceptions as boto

    for each in _causes(error):
        if isinstance(each, boto.ClientError):
            return _refusal(each.response, url, each.operation_name)
        if isinstance(each, boto.NoCredentialsError | boto.PartialCredentialsError | boto.ProfileNotFound):
            return AuthenticationError(url, f"{each}; {_HOW_TO_SIGN_IN}")
        service = endpoint or "AWS"
        for kinds, meaning, reason in (
            (
                (boto.ConnectTimeoutError, boto.ReadTimeoutError),
                StorageTimeoutError,
                f"no answer in time from {service}",
            ),
            ((boto.ResponseStreamingError, boto.IncompleteReadError, ClientPayloadError), IntegrityError, _CUT_SHORT),
            ((boto.HTTPClientError, ClientConnectionError), UnreachableError, f"no connection to {service}; {_CHECK}"),
        ):
            if isinstance(each, kinds):
                return meaning(url, reason)
        if isinstance(each, ValueError) and "endpoint" in str(each):
            return UnreachableError(url, f"{each}; an endpoint looks like https://s3.example.org")
    return None


def _refusal(answer: Mapping[str, Any], url: str, operation: str) -> StorageError:
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = answer.get("Error", {}).get("Code", "")
    message = answer.get("Error", {}).get("Message", "")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status or 0)
    if kind is None:
        return ServiceError(url, f"the service refused ({message or code or 'no reason given'})", status=status)
    bare = status == HTTPStatus.FORBIDDEN and operation == "HeadObject"  # an answer without a body tells no more
    reason = "the service does not accept these credentials, or not for this" if bare else _REASONS.get(code, "")
    return kind(url, reason, status=status)


def _status(error: BaseException) -> int | None:
    answers = (getattr(each, "response", None) for each in _causes(error))
    return next((answer["ResponseMetadata"]["HTTPStatusCode"] for answer in answers if answer), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
