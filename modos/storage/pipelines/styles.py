"""Buckets behind an address that does not say where the bucket ends: `s3+https://host/a/b` in path or virtual-host style.

Owns finding out, which only listings need: for a single object both styles ask for the same URL. Must not know pipelines.
"""

from typing import Any, Literal, Self

from fsspec.asyn import sync

from modos.storage.backends.s3 import S3Storage
from modos.storage.base import Storage

__all__ = ["EitherStyleStorage"]

type Style = Literal["path", "virtual-host"]

_STYLES: dict[str, Style] = {}
"""What listings have found out, by the address of the service."""

_NO_BUCKET = "no-bucket-in-the-path"


class EitherStyleStorage(S3Storage):
    """A bucket whose name is either the first part of the path or the host's own.

    A listing tries the path style first, then the other, and remembers for the service which one succeeded.
    """

    @classmethod
    def of(cls, storage: Storage) -> Self:
        """Return a storage of S3 that finds out the style."""
        assert isinstance(storage, S3Storage)
        either = cls(storage._path, storage._endpoint, storage._options, read_only=storage.read_only)  # noqa: SLF001 - the class beneath
        either._opened, either._moving = storage._opened, storage._moving  # noqa: SLF001 - likewise
        return either

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        endpoint = self._endpoint or ""
        known = _STYLES.get(endpoint)
        if operation != "list_objects_v2":
            return super()._call(operation, **arguments)
        if known == "virtual-host":
            return self._listed_by_host(arguments)
        try:
            answer = super()._call(operation, **arguments)
        except OSError as refused:
            if known is not None:
                raise
            try:
                answer = self._listed_by_host(arguments)
            except OSError:
                raise refused from None
            _STYLES[endpoint] = "virtual-host"
        else:
            _STYLES[endpoint] = "path"
        return answer

    def _listed_by_host(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Ask the host itself; what the address calls the bucket is then the beginning of every key."""
        start = f"{self._path.bucket}/"
        filesystem = self.filesystem
        client = sync(filesystem.loop, filesystem.set_session)
        client.meta.events.register("before-sign.s3.ListObjectsV2", _without_bucket, unique_id="modos-styles")
        asked = {
            name: start + str(value) if name in {"Prefix", "StartAfter"} else value for name, value in arguments.items()
        }
        answer: dict[str, Any] = filesystem.call_s3("list_objects_v2", Bucket=_NO_BUCKET, **asked)
        for entries, name in (("Contents", "Key"), ("CommonPrefixes", "Prefix")):
            for entry in answer.get(entries, ()):
                entry[name] = entry[name].removeprefix(start)
        return answer


def _without_bucket(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
    """Take the name that stands for none out of a request, before it is signed."""
    request.url = request.url.replace(f"/{_NO_BUCKET}", "", 1)
    if request.url.count("/") == 2:  # noqa: PLR2004 - those behind the scheme: the path is empty
        request.url = request.url.replace("?", "/?", 1)
