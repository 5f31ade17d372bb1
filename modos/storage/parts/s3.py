"""Parts in S3: a multipart upload, and beside the target a small hidden file that tells whose it is.

Owns when an upload is continued, and what proves a part. Must not know any other service, nor how the client is made.
"""

import hashlib
from base64 import b64encode
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from modos.errors import IntegrityError, KeyChangedError
from modos.storage.backends.failures import CHANGED, status_of
from modos.storage.backends.remote import in_ascii, put_options
from modos.storage.info import ObjectInfo
from modos.storage.neighbours import same_service
from modos.storage.parts.base import Parts
from modos.storage.parts.bucket import Bucket, is_encrypted
from modos.storage.parts.makeup import Makeup
from modos.storage.parts.names import beneath
from modos.storage.parts.plan import Body, PartInfo, PartPlan, Unfinished
from modos.storage.parts.rules import S3
from modos.storage.parts.upload import PartUpload

if TYPE_CHECKING:
    from modos.storage.base import Storage

__all__ = ["S3Parts", "S3Upload"]

_NAMES = {"content_type": "ContentType", "metadata": "Metadata"}

_COPIED = 8 * 2**20
"""From this size on a file is not sent anew, when only its beginning changes."""


class S3Upload(PartUpload):
    """A multipart upload; its token is the upload's id."""

    def __init__(self, storage: "Storage", plan: PartPlan, token: str, *, encrypted: bool = False) -> None:
        super().__init__(storage, plan, token)
        self.has_digests = not encrypted

    @property
    def _bucket(self) -> Bucket:
        return Bucket(self.storage)

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        bucket = self._bucket
        return bucket.call(operation, Key=bucket.key(self.plan.name), UploadId=self.token, **arguments)

    def _stored(self) -> Iterable[PartInfo]:
        found = self._bucket.parts(self.plan.name, self.token)
        return [PartInfo(part["PartNumber"] - 1, part["Size"], _tag(part), self.has_digests) for part in found]

    def _put(self, index: int, body: Body, md5: str) -> str:
        content = body if isinstance(body, bytes) else bytes(body)  # aiohttp warns of anything else
        checked = {"Body": content, "ContentMD5": b64encode(bytes.fromhex(md5)).decode()}
        tag = _tag(self._call("upload_part", PartNumber=index + 1, **checked))
        if PartInfo(index, len(content), tag, self.has_digests).md5 not in {md5, None}:
            raise self._damaged(f"has other bytes in part {index} than were sent")
        return tag

    def _copies_from(self, source: "Storage") -> bool:
        return same_service(source, self.storage)

    def _copy(self, index: int, source: "Storage", name: str, etag: str | None) -> str:
        theirs = Bucket(source)
        arguments: dict[str, Any] = {"CopySource": {"Bucket": theirs.name, "Key": theirs.key(name)}}
        if self.count > 1:  # AWS copies no range of a file below 5 MB
            start, end = self.span(index)
            arguments["CopySourceRange"] = f"bytes={start}-{end - 1}"
        if etag is not None:
            arguments["CopySourceIfMatch"] = f'"{etag}"'
        try:
            return _tag(self._call("upload_part_copy", PartNumber=index + 1, **arguments)["CopyPartResult"])
        except Exception as error:
            if status_of(error) == HTTPStatus.PRECONDITION_FAILED:
                raise IntegrityError(source.url_of(name), "it has changed meanwhile") from error
            raise

    def _commit(self, parts: Sequence[PartInfo]) -> None:
        whole = [{"PartNumber": part.index + 1, "ETag": f'"{part.etag}"'} for part in parts]
        try:
            self._call("complete_multipart_upload", MultipartUpload={"Parts": whole})
        except Exception as error:
            status = status_of(error)
            if status == HTTPStatus.NOT_FOUND and self._is_made_of(parts):
                return  # an earlier attempt was carried out, and its answer was lost
            if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
                raise self._damaged("cannot be made: a part is not there, or not as it was sent") from error
            raise

    def _is_made_of(self, parts: Sequence[PartInfo]) -> bool:
        expected = self._etag_of(parts)
        return expected is not None and self.storage.exists(self.path) and self.storage.stat(self.path).etag == expected

    def _etag_of(self, parts: Sequence[PartInfo]) -> str | None:
        if any(part.md5 is None for part in parts):
            return None
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"

    def _abort(self) -> None:
        self._bucket.discard(self.plan.name, self.token)

    def _forget(self) -> None:
        self._bucket.remove_note(self.plan.name)


class S3Parts(Parts):
    """Parts in S3, or in a service that speaks its protocol."""

    rules = S3
    held = 3
    fetched = 2

    def _begin(self, plan: PartPlan) -> PartUpload:
        options = in_ascii(put_options(plan.content_type, plan.metadata))
        bucket = Bucket(self.storage)
        note = bucket.note(plan.name)
        if note is not None:
            if note["identity"] == plan.identity and bucket.is_there(plan.name, note["upload"]):
                return S3Upload(self.storage, plan, note["upload"], encrypted=note["encrypted"])
            bucket.abort(plan.name, note["upload"])
        named = {_NAMES[option]: value for option, value in options.items()}
        made = bucket.call("create_multipart_upload", Key=bucket.key(plan.name), **named)
        encrypted = is_encrypted(made)
        bucket.keep_note(plan.name, made["UploadId"], plan.identity, encrypted=encrypted)
        return S3Upload(self.storage, plan, made["UploadId"], encrypted=encrypted)

    def _made_of(self, file: ObjectInfo) -> Makeup | None:
        """Ask how long the first part is; the others are as long as a rule, and asked too if they cannot be."""
        digits, _, text = str(file.etag).rpartition("-")
        if not digits or not text.isdigit():
            return None
        count, lengths = int(text), [self._length(file, 1)]
        if not lengths[0] or lengths[0] > file.size:
            return None
        if -(-file.size // lengths[0]) == count:
            return Makeup.even(file.size, lengths[0], "binary")
        lengths += [self._length(file, number) for number in range(2, count + 1)]
        return Makeup(lengths, "binary") if sum(lengths) == file.size else None

    def _length(self, file: ObjectInfo, number: int) -> int:
        bucket = Bucket(self.storage)
        return int(bucket.call("head_object", Key=bucket.key(str(file.path)), PartNumber=number)["ContentLength"])

    def _replace_beginning(self, file: ObjectInfo, head: bytes, start: int) -> bool:
        """Send a first part of the smallest length that the service takes; it copies the others out of the file itself."""
        name, end = str(file.path), start + max(0, self.rules.smallest - len(head))
        spans = [
            (each, min(each + self.rules.largest, file.size)) for each in range(end, file.size, self.rules.largest)
        ]
        if file.size < _COPIED or not spans:
            return False
        bucket = Bucket(self.storage)
        key = bucket.key(name)
        body = head + self.storage.read(name, start, end)
        carried = in_ascii(put_options(file.content_type, file.metadata))
        made = bucket.call("create_multipart_upload", Key=key, **{_NAMES[each]: said for each, said in carried.items()})
        upload, unchanged = {"Key": key, "UploadId": made["UploadId"]}, f'"{file.etag}"'
        try:
            digest = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
            tags = [_tag(bucket.call("upload_part", **upload, PartNumber=1, Body=body, ContentMD5=digest))]
            for number, (first, behind) in enumerate(spans, 2):
                span = {"CopySourceRange": f"bytes={first}-{behind - 1}", "CopySourceIfMatch": unchanged}
                origin = {"Bucket": bucket.name, "Key": key}
                copied = bucket.call("upload_part_copy", **upload, PartNumber=number, CopySource=origin, **span)
                tags.append(_tag(copied["CopyPartResult"]))
            parts = [{"PartNumber": number, "ETag": f'"{tag}"'} for number, tag in enumerate(tags, 1)]
            _complete_if(unchanged, bucket, **upload, MultipartUpload={"Parts": parts})
        except BaseException as error:
            bucket.abort(name, made["UploadId"])
            if isinstance(error, Exception) and status_of(error) in CHANGED:
                raise KeyChangedError(self.storage.url_of(name)) from error
            raise
        return True

    def _unfinished(self, name: str) -> Generator[Unfinished]:
        """Yield every multipart upload, whoever has begun it, and every note of one that has ended: nothing is left of that."""
        bucket = Bucket(self.storage)
        begun = {
            (target, upload["UploadId"]): upload["Initiated"]
            for upload in bucket.uploads(name)
            if (target := bucket.target(upload["Key"])) is not None
        }
        noted = {(target, note["upload"]): written for target, written, note in bucket.notes(name)}
        for (target, token), started in sorted((noted | begun).items()):
            if beneath(target, name):
                # some services list the parts of what was completed too
                parts = list(bucket.parts(target, token)) if (target, token) in begun else []
                changed = max((part["LastModified"] for part in parts), default=started)
                size = sum(part["Size"] for part in parts)
                times = started.astimezone(UTC), changed.astimezone(UTC)
                yield Unfinished(PurePosixPath(target), size, *times, token)

    def _discard(self, name: str, token: str) -> None:
        Bucket(self.storage).discard(name, token)


def _complete_if(etag: str, bucket: Bucket, **upload: object) -> None:
    """Complete an upload if what it replaces still has this ETag, where the service knows such a condition."""
    try:
        bucket.call("complete_multipart_upload", **upload, IfMatch=etag)
    except Exception as error:
        if status_of(error) != HTTPStatus.NOT_IMPLEMENTED:
            raise
        bucket.call("complete_multipart_upload", **upload)


def _tag(answer: Any) -> str:  # noqa: ANN401 - a part of an answer
    return str(answer["ETag"]).strip('"')
