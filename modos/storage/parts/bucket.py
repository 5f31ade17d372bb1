"""A bucket as multipart uploads need it: the uploads in it, their parts, and the notes that tell whose they are.

Owns those calls of the S3 API and what a note is. Knows nothing of how a file is cut.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from modos.errors import KeyNotFoundError
from modos.storage.backends.failures import status_of
from modos.storage.parts.names import is_partial, is_segment, partial_beside
from modos.storage.paths import object_name

if TYPE_CHECKING:
    from modos.storage.base import Storage

__all__ = ["Bucket", "is_encrypted"]


class Bucket:
    """The bucket of a storage; names are relative to the storage, keys to the bucket.

    Parameters
    ----------
    storage
        An `S3Storage`.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage
        self.name, *prefix = storage.path.parts
        self._prefix = "".join(f"{part}/" for part in prefix)

    def call(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Make one request of the S3 API."""
        filesystem: Any = self._storage.filesystem  # type: ignore[attr-defined] # s3fs has no types
        answer: dict[str, Any] = filesystem.call_s3(operation, Bucket=self.name, **arguments)
        return answer

    def key(self, name: str) -> str:
        """Return the key of a target."""
        return object_name(f"{self._prefix}{name}")

    def target(self, key: str) -> str | None:
        """Return the target of a key, `None` for one outside the storage."""
        return key.removeprefix(self._prefix) if key.startswith(self._prefix) else None

    # -- multipart uploads ------------------------------------------------------------------------------------------

    def uploads(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the multipart uploads whose key begins with that of `name`, one request for each 1,000."""
        marker: dict[str, str] = {}
        while True:
            answer = self.call("list_multipart_uploads", Prefix=f"{self._prefix}{name}", **marker)
            yield from answer.get("Uploads", ())
            if not answer.get("IsTruncated"):
                return
            marker = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def parts(self, name: str, upload: str) -> Iterator[Mapping[str, Any]]:
        """Yield the parts that have arrived, one request for each 1,000; none for an upload that has ended."""
        marker = 0
        with _unless_ended():
            while True:
                answer = self.call("list_parts", Key=self.key(name), UploadId=upload, PartNumberMarker=marker)
                yield from answer.get("Parts", ())
                if not answer.get("IsTruncated"):
                    return
                marker = answer["NextPartNumberMarker"]

    def is_there(self, name: str, upload: str) -> bool:
        """Tell whether an upload has not ended."""
        with _unless_ended():
            self.call("list_parts", Key=self.key(name), UploadId=upload, MaxParts=1)
            return True
        return False

    def abort(self, name: str, upload: str) -> None:
        """Give an upload up; one that has ended is no error."""
        with _unless_ended():
            self.call("abort_multipart_upload", Key=self.key(name), UploadId=upload)

    def discard(self, name: str, upload: str) -> None:
        """Give an upload up, and then its note: killed in between, the note still leads to it."""
        self.abort(name, upload)
        note = self.note(name)
        if note is not None and note["upload"] == upload:
            self.remove_note(name)

    # -- notes ------------------------------------------------------------------------------------------------------

    def note(self, name: str) -> Mapping[str, Any] | None:
        """Return what is noted beside a file that is unfinished: `upload`, its id, `identity`, and whether it is `encrypted`."""
        try:
            found = json.loads(self._storage.read(partial_beside(name)))
            texts = {each: str(found[each]) for each in ("upload", "identity", "name")}
            return {**texts, "encrypted": bool(found.get("encrypted"))}
        except (KeyNotFoundError, ValueError, KeyError, TypeError):
            return None

    def keep_note(self, name: str, upload: str, identity: str, *, encrypted: bool) -> None:
        """Note which upload a file's parts are in."""
        said = {"name": name.rpartition("/")[2], "upload": upload, "identity": identity, "encrypted": encrypted}
        self._storage.put(json.dumps(said).encode(), partial_beside(name), content_type="application/json")

    def remove_note(self, name: str) -> None:
        """Remove what is noted beside a file."""
        self._storage.remove(partial_beside(name))

    def notes(self, name: str) -> Iterator[tuple[str, Any, Mapping[str, str]]]:
        """Yield target, time and content of the notes beneath a directory, one request for each 1,000 files in it."""
        after: dict[str, str] = {}
        directory = f"{name}/" if name else ""
        while True:
            answer = self.call("list_objects_v2", Prefix=f"{self._prefix}{directory}", **after)
            entries = answer.get("Contents", [])
            for entry in entries:
                if is_partial(entry["Key"]) and not is_segment(entry["Key"]):
                    yield from self._noted(entry)
            if not answer.get("IsTruncated"):
                return
            after = {"StartAfter": entries[-1]["Key"]}

    def _noted(self, entry: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, str]]]:
        path = entry["Key"].removeprefix(self._prefix)
        with suppress(KeyNotFoundError, ValueError, KeyError, TypeError):
            found = json.loads(self._storage.read(path))
            target = f"{path.rpartition('/')[0]}/{found['name']}".lstrip("/")
            if partial_beside(target) == path:
                yield target, entry["LastModified"], found


def is_encrypted(answer: Mapping[str, Any]) -> bool:
    """Tell from an answer whether a file or an upload is encrypted with keys of KMS or of the user: its tags are no MD5s then.

    Examples
    --------
    >>> is_encrypted({"ServerSideEncryption": "aws:kms"}), is_encrypted({"ServerSideEncryption": "AES256"}), is_encrypted({})
    (True, False, False)
    """
    return "SSECustomerAlgorithm" in answer or str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")


@contextmanager
def _unless_ended() -> Iterator[None]:
    """Let an error pass that says that there is no such upload any more."""
    try:
        yield
    except Exception as error:
        if status_of(error) != HTTPStatus.NOT_FOUND and not isinstance(error, FileNotFoundError):
            raise
