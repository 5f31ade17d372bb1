"""Files in S3, or in any service that speaks its protocol: names by s3fs, bytes by obstore where it is installed.

Owns what the contract's verbs are in S3, and which of the two serves which. Knows no other backend.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import chain
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from modos.errors import InvalidInputError, KeyChangedError, ServiceError, StorageError
from modos.storage.backends.addresses import S3Path
from modos.storage.backends.engine import ObstoreEngine, chosen_engine
from modos.storage.backends.failures import CHANGED, asked_service, meaning_in_obstore, meaning_in_s3, status_of
from modos.storage.backends.opened import Opened
from modos.storage.backends.remote import LAST_NAME, Page, PagedStorage, in_ascii, out_of_ascii, put_options
from modos.storage.backends.s3_clients import INLINE, PART, s3_engine, s3_filesystem
from modos.storage.backends.s3fs_engine import S3fsEngine
from modos.storage.base import NO_CONDITION, Method, WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.options import S3, checked_endpoint
from modos.storage.parts.bucket import is_encrypted
from modos.storage.parts.names import is_partial
from modos.storage.parts.plan import Body
from modos.storage.paths import object_name, target_name

if TYPE_CHECKING:
    from s3fs import S3FileSystem

    from modos.storage.parts.s3 import S3Parts

__all__ = ["S3Storage", "connect_s3"]

_BULK = 1000
_LONGEST_SIGNED = 604_800
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no XML can say, so that a request for several names cannot either."""


class S3Storage(PagedStorage):
    """A bucket, or a prefix in one, of S3 or any service that speaks its protocol.

    Addresses are path style, listings are never cached, and the newer default checksums of botocore, which break other
    services, are sent only where they are required. Where obstore is installed it moves the bytes, and s3fs does what
    obstore cannot: list names that it does not take, remove many, copy beyond 5 GB, sign.

    Parameters
    ----------
    path
        `s3://bucket[/prefix]`, or `s3+https://host/bucket[/prefix]` with the address of the service.
    s3_endpoint
        Address of the service, such as `https://s3.example.org`. `None` for that of the path, else of
        `AWS_ENDPOINT_URL`, else AWS itself.
    s3_kwargs
        Options: `anon` (no credentials), `key`, `secret`, `token`, `profile`, `session` (of boto3), `region`, `timeout`
        (seconds for a connection or an answer, 60 by default), `attempts` (how often a request is made, 5 by default),
        `multipart_threshold`, `part_size` and `concurrency` of long uploads, `engine` (`"obstore"` or `"fsspec"`). The
        spellings of boto3, s3fs and obstore are understood. `None`: from the usual `AWS_*` variables and files.
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
        self._beneath = f"{self._path.key}/" if self._path.key else ""
        self._options = S3.checked(s3_kwargs)
        self._endpoint = _one_endpoint(s3_endpoint, self._options.pop("endpoint", None), self._path.endpoint)
        self._opened = Opened(partial(s3_filesystem, self._endpoint, self._options))
        self._moving = Opened(partial(_engine, self._path.bucket, self._endpoint, self._options, self._opened))
        self.read_only = read_only

    @property
    def filesystem(self) -> "S3FileSystem":
        """The s3fs filesystem, made on first use and shared by storages beneath this one."""
        return self._opened.get()

    @property
    def url(self) -> str:
        """`s3://bucket[/prefix]`, with the service's address where it was given in the path."""
        return self._path.url

    @property
    def parts(self) -> "S3Parts":
        """Large files by parts: multipart uploads."""
        from modos.storage.parts.s3 import S3Parts

        return S3Parts(self)

    def _identity(self) -> tuple[object, ...]:
        return (self.url, self.read_only, self._endpoint, sorted(self._options.items()))

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._path / target_name(target), self._endpoint, self._options, read_only=self.read_only)
        beneath._opened, beneath._moving = self._opened, self._moving
        return beneath

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.filesystem.call_s3(operation, Bucket=self._path.bucket, **arguments)
        return answer

    def _object_key(self, name: str) -> str:
        return object_name(self._object_key_unchecked(name)).rstrip("/")

    def _engine_for(self, key: str) -> ObstoreEngine | S3fsEngine:
        """Return what moves the bytes of a key: obstore refuses control characters, which S3 allows."""
        engine = self._moving.get()
        return self._s3fs_engine() if isinstance(engine, ObstoreEngine) and _CONTROL.search(key) else engine

    def _s3fs_engine(self) -> S3fsEngine:
        return _s3fs_engine(self._path.bucket, self._options, self._opened)

    def _info(self, entry: Mapping[str, Any]) -> ObjectInfo:
        return out_of_ascii(super()._info(entry))

    def _stat(self, name: str) -> ObjectInfo | None:
        key = self._object_key(name)
        entry = self._engine_for(key).head(key)
        return None if entry is None else self._info({**entry, "name": self._key(name)})

    def _has_digest_as_tag(self, name: str) -> bool:
        return not is_encrypted(self._call("head_object", Key=self._object_key(name)))

    def _page(self, name: str, *, start_after: str, recursive: bool) -> Page:
        prefix = f"{self._object_key(name)}/" if name else self._beneath
        arguments = {} if recursive else {"Delimiter": "/"}
        if start_after:
            arguments["StartAfter"] = self._object_key_unchecked(start_after)
        answer = self._call("list_objects_v2", Prefix=prefix, **arguments)
        files = [
            self._info({**entry, "name": f"{self._path.bucket}/{entry['Key']}", "size": entry["Size"], "type": "file"})
            for entry in answer.get("Contents", ())
            if not entry["Key"].endswith("/") and not is_partial(entry["Key"])
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
        start = self._beneath
        return max(names, key=str.encode).removeprefix(start) if names else None

    def _object_key_unchecked(self, name: str) -> str:
        """Return a listing's marker, which need not be a name that could be stored."""
        return f"{self._beneath}{name}"

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        key = self._object_key(name)
        try:
            return self._engine_for(key).read(key, start, end)
        except Exception as error:
            if status_of(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return b""
            raise

    def _fetch(self, name: str, start: int, end: int | None) -> tuple[Body, ObjectInfo | None]:
        key = self._object_key(name)
        engine = self._engine_for(key)
        if not isinstance(engine, ObstoreEngine):
            return super()._fetch(name, start, end)
        body, entry = engine.fetch(key, start, end)
        return body, self._info({**entry, "name": self._key(name)})

    @property
    def _inline(self) -> int:
        return int(self._options.get("multipart_threshold") or INLINE)

    def _put_short(
        self, name: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any], if_match: str | None = None
    ) -> ObjectInfo:
        key = self._object_key(name)
        tag = self._engine_for(key).write(key, body, mode=mode, options=in_ascii(options), if_match=if_match)
        return ObjectInfo(
            PurePosixPath(name),
            size=len(body),
            etag=tag,
            content_type=options.get("content_type"),
            metadata=options.get("metadata", {}),
        )

    def _put_long(self, name: str, chunks: Iterator[bytes], *, mode: WriteMode, options: Mapping[str, Any]) -> None:
        self._refuse_existing(name, mode)
        key = self._object_key(name)
        self._engine_for(key).write_parts(key, chunks, options=in_ascii(options))

    def _replace(
        self, name: str, chunks: Iterator[bytes], *, etag: str, content_type: str | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        options = put_options(content_type, metadata)
        try:
            head = bytearray()
            for chunk in chunks:
                head += chunk
                if len(head) > self._inline:
                    self._check_unchanged(name, etag)  # before all of it is sent in vain
                    body = chain((bytes(head),), chunks)
                    engine = self._s3fs_engine()
                    engine.replace_parts(self._object_key(name), body, if_match=etag, options=in_ascii(options))
                    return self.stat(name)
            return self._put_short(name, bytes(head), mode="overwrite", options=options, if_match=etag)
        except Exception as error:
            if status_of(error) in CHANGED:
                raise KeyChangedError(self.url_of(name)) from error
            if status_of(error) == HTTPStatus.NOT_IMPLEMENTED:
                raise ServiceError(self.url_of(name), NO_CONDITION, status=HTTPStatus.NOT_IMPLEMENTED) from error
            raise

    def _check_unchanged(self, name: str, etag: str) -> None:
        info = self._stat(name)
        if info is None or info.etag != etag:
            raise KeyChangedError(self.url_of(name))

    def _remove(self, names: Sequence[str]) -> None:
        keys = [self._object_key(name) for name in names]
        alone = set(keys if len(keys) == 1 else filter(_NOT_IN_XML.search, keys))
        for key in alone:
            self._call("delete_object", Key=key)
        together = [{"Key": key} for key in keys if key not in alone]
        for start in range(0, len(together), _BULK):
            wanted = {"Objects": together[start : start + _BULK], "Quiet": True}
            answer = self._call("delete_objects", Delete=wanted)
            for failed in answer.get("Errors", ()):
                url = f"s3://{self._path.bucket}/{failed['Key']}"
                raise ServiceError(url, f"could not be removed: {failed.get('Message') or failed.get('Code')}")

    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:
        if expires_in > _LONGEST_SIGNED:
            message = f"S3 signs addresses for {_LONGEST_SIGNED:,} seconds, a week, and not for {expires_in:,}"
            raise InvalidInputError(message)
        operation = {"GET": "get_object", "PUT": "put_object"}[method]
        return str(self.filesystem.url(self._key(name), expires=expires_in, client_method=operation))

    def _translated(self, error: Exception, url: str) -> StorageError | None:
        service = self._endpoint or asked_service(error) or "AWS"
        found = meaning_in_s3(error, url, service)
        if found is None and "obstore" in sys.modules:
            found = meaning_in_obstore(error, url, service)
        return found or super()._translated(error, url)


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


def _one_endpoint(*given: str | None) -> str | None:
    addresses = {checked_endpoint(address) for address in given if address}
    if len(addresses) > 1:
        raise InvalidInputError(f"S3 is given two endpoints: {' and '.join(sorted(addresses))}")
    return next(iter(addresses), None)


def _engine(
    bucket: str, endpoint: str | None, options: Mapping[str, Any], opened: "Opened[S3FileSystem]"
) -> ObstoreEngine | S3fsEngine:
    if chosen_engine(options.get("engine")) == "obstore":
        return s3_engine(bucket, endpoint, options)
    return _s3fs_engine(bucket, options, opened)


def _s3fs_engine(bucket: str, options: Mapping[str, Any], opened: "Opened[S3FileSystem]") -> S3fsEngine:
    return S3fsEngine(opened.get, bucket, part_size=int(options.get("part_size") or PART))
