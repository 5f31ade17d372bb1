"""s3fs as what moves bytes to and from S3, where obstore is not installed or not to be used.

Owns the calls of the S3 API that heads, reads and writes come to. Knows no credentials and nothing of targets.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from modos.storage.base import WriteMode

if TYPE_CHECKING:
    from s3fs import S3FileSystem

__all__ = ["S3fsEngine"]

_FAR = 2**53


class S3fsEngine:
    """One bucket by s3fs, asked in the terms of this room: keys, fsspec's entries, bytes.

    Parameters
    ----------
    filesystem
        Returns the filesystem.
    bucket
        The bucket.
    part_size
        Bytes of a part of a long upload.
    """

    def __init__(self, filesystem: "Callable[[], S3FileSystem]", bucket: str, *, part_size: int) -> None:
        self._filesystem = filesystem
        self._bucket = bucket
        self._part_size = part_size

    def head(self, key: str) -> dict[str, Any] | None:
        """Return the entry of a file with content type and metadata, `None` when there is none."""
        try:
            head = self._filesystem().call_s3("head_object", Bucket=self._bucket, Key=key)
        except FileNotFoundError:
            return None
        return {**head, "size": head["ContentLength"], "type": "file"}

    def read(self, key: str, start: int, end: int | None) -> bytes:
        """Return the bytes from `start` to `end`, clipped; neither form asks for the size first."""
        whole = (start, end) == (0, None)
        limits = {"max_concurrency": 1} if whole else {"start": start, "end": _FAR if end is None else end}
        body: bytes = self._filesystem().cat_file(f"{self._bucket}/{key}", **limits)
        return body

    def write(
        self, key: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any], if_match: str | None = None
    ) -> str:
        """Store a body in one request, on the condition that is asked for, and return its ETag."""
        digest = hashlib.md5(body, usedforsecurity=False)
        condition = {"IfNoneMatch": "*"} if mode == "create" else {}
        if if_match is not None:
            condition = {"IfMatch": f'"{if_match}"'}
        answer = self._filesystem().call_s3(
            "put_object",
            Bucket=self._bucket,
            Key=key,
            Body=body,
            ContentMD5=b64encode(digest.digest()).decode(),
            **_names(options),
            **condition,
        )
        return str(answer.get("ETag", digest.hexdigest())).strip('"')  # Swift names none where a newer write has won

    def write_parts(self, key: str, chunks: Iterator[bytes], *, options: Mapping[str, Any]) -> None:
        """Store a body in parts; when one fails, or the source, the upload is given up at the service."""
        path = f"{self._bucket}/{key}"
        file = self._filesystem().open(path, "wb", block_size=self._part_size, **_names(options))
        try:
            for chunk in chunks:
                file.write(chunk)
        except BaseException:
            file.discard()
            file.closed = True  # or it would upload what it holds when it is collected
            raise
        file.close()

    def replace_parts(self, key: str, chunks: Iterator[bytes], *, if_match: str, options: Mapping[str, Any]) -> None:
        """Store a body in parts on the condition that what it replaces has this ETag; else nothing is left of it."""
        call = partial(self._filesystem().call_s3, Bucket=self._bucket, Key=key)
        upload = call("create_multipart_upload", **_names(options))["UploadId"]
        try:
            parts = []
            for number, body in enumerate(_parts(chunks, self._part_size), 1):
                tag = call("upload_part", UploadId=upload, PartNumber=number, Body=body)["ETag"]
                parts.append({"PartNumber": number, "ETag": tag})
            whole = {"MultipartUpload": {"Parts": parts}, "IfMatch": f'"{if_match}"'}
            call("complete_multipart_upload", UploadId=upload, **whole)
        except BaseException:
            call("abort_multipart_upload", UploadId=upload)
            raise


def _parts(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield a body in parts of one size, the last of what is left."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


def _names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the names of the contract to those of the S3 API."""
    names = {"content_type": "ContentType", "metadata": "Metadata"}
    return {names[option]: value for option, value in options.items()}
