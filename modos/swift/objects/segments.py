"""Large objects: segments under a hidden prefix of the same container, and the manifest that makes them one object.

Owns how a large object is cut, named, put together, copied and taken apart. Knows nothing of fsspec or open files.
"""

import base64
import hashlib
import json
import math
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import count
from threading import Event
from typing import Any, ClassVar
from urllib.parse import quote

from modos.errors import AccessDeniedError, IntegrityError, KeyNotFoundError, ServiceError, StorageError
from modos.swift.concurrency import together
from modos.swift.http.bodies import Body, length_of
from modos.swift.http.client import SwiftClient
from modos.swift.http.exchanges import Response
from modos.swift.objects.listing import Lister
from modos.swift.protocol import (
    FRESH,
    SEGMENTS,
    condition,
    etag_of,
    is_large,
    is_segment,
    is_transient,
    range_header,
    split_path,
)
from modos.swift.waiting import is_here

__all__ = [
    "SEGMENT_NAME",
    "LargeUpload",
    "Segments",
    "cut_points",
    "manifest_tag",
    "name_digest",
    "range_of",
    "section_length",
    "server_copy",
    "spans_of",
]

SEGMENT_NAME = re.compile(re.escape(SEGMENTS) + r"(?P<object>[0-9a-f]{32})/(?P<upload>[0-9a-f]{32})/\d{8,}")
"""What segments of ours are called: a digest of the object's name, the upload, and their number."""

_SEGMENT_TYPE = "application/octet-stream"
_LARGEST_SEGMENT = 5 * 2**30
_GROW_AFTER = 200
_REMEMBERED_SECONDS = 60.0
_BATCH, _BATCHES = 250, 4


def section_length(index: int, base: int) -> int:
    """Return how long segment number `index` (from 0) is: `base`, doubled every 200 segments, at most 5 GiB.

    With 256 MiB, the 1,000 segments that a manifest may name hold 1.5 TiB.

    Examples
    --------
    >>> section_length(0, 1 << 28) == 1 << 28, section_length(200, 1 << 28) == 1 << 29
    (True, True)
    """
    return min(_LARGEST_SEGMENT, base << (index // _GROW_AFTER))


def cut_points(size: int, base: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each segment of an object of this size."""
    start = 0
    for index in count():
        if start >= size:
            return
        end = min(size, start + section_length(index, base))
        yield start, end
        start = end


class LargeUpload:
    """One large object on its way: segments first, in any order, then the manifest.

    Until `commit`, nothing is seen under the object's name; after `discard`, nothing is left of it.

    Parameters
    ----------
    client
        Makes the requests.
    path
        `container/object` that it will be.
    upload
        What tells its segments from those of other uploads, 32 hexadecimal digits: whoever knows it can continue. `None`
        for something random.
    segment_type
        Content type of the segments.
    """

    def __init__(
        self, client: SwiftClient, path: str, *, upload: str | None = None, segment_type: str = _SEGMENT_TYPE
    ) -> None:
        container, name = split_path(path)
        self._client = client
        self._path = path
        self._type = {"Content-Type": segment_type}
        self.prefix = f"{container}/{SEGMENTS}{name_digest(name)}/{upload or uuid.uuid4().hex}/"
        self._parts: dict[int, dict[str, Any]] = {}
        self._begun: set[str] = set()
        self._maybe_committed = False

    @property
    def length(self) -> int:
        """Bytes of all segments that have arrived."""
        return sum(_span_of(part)[0] for part in self._parts.values())

    @property
    def disposable(self) -> list[str]:
        """The segments that may be there, none of them when a manifest may refer to them: its answer was lost."""
        return [] if self._maybe_committed else sorted(self._begun)

    async def add(self, index: int, body: Body, *, digest: str | None = None) -> str:
        """Upload segment number `index`, counted from 0, and return the MD5 of its body.

        With the MD5 of its body, other bytes than were sent never become a segment; with `None` it is made while they are
        sent, and other bytes are replaced when they are found.
        """
        path = self._segment(index)
        if digest is None:
            digest = await self._client.put_aside(path, body, headers=self._type)
        else:
            await self._client.put(path, body, headers=self._type, digest=digest)
        self.hold(index, length_of(body), digest)
        return digest

    def _segment(self, index: int) -> str:
        path = f"{self.prefix}{index:08d}"
        self._begun.add(path)
        return path

    def hold(self, index: int, size: int, etag: str) -> None:
        """Count on a segment that is there: the manifest will name it with this size and MD5."""
        self.refer(index, {"path": f"/{self._segment(index)}", "etag": etag, "size_bytes": size})

    def refer(self, index: int, entry: Mapping[str, Any]) -> None:
        """Let the manifest have an entry for anything: a segment of another manifest, a range of it, or inline data."""
        self._parts[index] = dict(entry)

    @property
    def named(self) -> frozenset[str]:
        """What the manifest names, its own segments and others."""
        return frozenset(part["path"].removeprefix("/") for part in self._parts.values() if "path" in part)

    async def commit(self, *, headers: Mapping[str, str], create: bool = False) -> Response:
        """Put the manifest, which the service checks against every segment: the object is there from now on."""
        parts = [part for _, part in sorted(self._parts.items())]
        digest = manifest_tag(parts)
        self._maybe_committed = True
        try:
            return await self._client.put(
                self._path,
                json.dumps(parts).encode(),
                params={"multipart-manifest": "put"},
                headers=headers,
                digest=digest,
                create=create,
                slow=True,
            )
        except StorageError as error:
            refused = error.status is not None and 400 <= error.status < 500 and not is_transient(error.status)  # noqa: PLR2004 - a plain refusal
            self._maybe_committed = not refused
            raise

    async def copy(self, index: int, part: Mapping[str, Any]) -> None:
        """Make segment number `index` a server-side copy of a part of another manifest; inline data are sent."""
        if "data" in part:
            await self.add(index, base64.b64decode(part["data"]))
            return
        source = part["name"].removeprefix("/")
        if part.get("sub_slo"):
            raise ServiceError(self._path, "its manifest has manifests within, which cannot be copied one by one")
        if "range" in part:
            start, end = range_of(part)
            await self.copy_range(index, source, start, end, etag=part["hash"])
            return
        await server_copy(self._client, source, self._segment(index), {**FRESH, **self._type}, etag=part["hash"])
        self.hold(index, part["bytes"], part["hash"])

    async def copy_range(self, index: int, source: str, start: int, end: int, *, etag: str | None = None) -> str:
        """Make segment number `index` a server-side copy of a range of any object, and return its MD5.

        Parameters
        ----------
        index
            Its number, from 0.
        source, start, end
            The object and the range in it, `end` exclusive.
        etag
            That the object must have; `None` for any.
        """
        headers = {**FRESH, **self._type, **range_header(start, end), **condition(etag)}
        tag = await server_copy(self._client, source, self._segment(index), headers)
        self.hold(index, end - start, tag)
        return tag


def spans_of(parts: Iterable[Mapping[str, Any]]) -> list[tuple[int, str | None]]:
    """Return length and MD5 of each part of a manifest; `None` where the manifest tells the MD5 of something else.

    Examples
    --------
    >>> spans_of([{"bytes": 9, "hash": "0cc1"}, {"bytes": 9, "hash": "0cc1", "range": "2-5"}, {"data": "QUNHVA=="}])
    [(9, '0cc1'), (4, None), (4, None)]
    """
    return [_span_of(part) for part in parts]


def _span_of(part: Mapping[str, Any]) -> tuple[int, str | None]:
    if "data" in part:
        return len(base64.b64decode(part["data"])), None
    if "range" in part:
        start, end = range_of(part)
        return end - start, None
    if "size_bytes" in part:  # as it is put
        return part["size_bytes"], part["etag"]
    return part["bytes"], None if part.get("sub_slo") else part["hash"]


def range_of(part: Mapping[str, Any]) -> tuple[int, int]:
    """Return which bytes of a segment a part of a manifest is, the end exclusive.

    Examples
    --------
    >>> range_of({"name": "/c/x", "bytes": 9}), range_of({"name": "/c/x", "bytes": 9, "range": "2-5"})
    ((0, 9), (2, 6))
    """
    if "range" not in part:
        return 0, int(part["bytes"])
    first, _, last = part["range"].partition("-")
    return int(first), int(last) + 1


def manifest_tag(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return the ETag of the object that a manifest makes, from its entries as they are put or as they are told.

    Examples
    --------
    >>> manifest_tag([{"etag": "0cc1"}]) == manifest_tag([{"hash": "0cc1"}]) != manifest_tag([{"hash": "0cc1", "range": "2-5"}])
    True
    """
    return hashlib.md5("".join(map(_tag_of, entries)).encode(), usedforsecurity=False).hexdigest()


def _tag_of(entry: Mapping[str, Any]) -> str:
    if "data" in entry:
        return hashlib.md5(base64.b64decode(entry["data"]), usedforsecurity=False).hexdigest()
    tag = str(entry["hash"] if "hash" in entry else entry["etag"])
    return f"{tag}:{entry['range']};" if "range" in entry else tag


def name_digest(name: str) -> str:
    """Return what stands for an object's name in the names of its segments, however long it is."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


async def server_copy(
    client: SwiftClient, source: str, target: str, headers: Mapping[str, str], *, etag: str | None = None
) -> str:
    """Copy an object within the service, where the bytes stay, and return the ETag of the copy, which must be this if any."""
    sent = {"X-Copy-From": "/" + quote(source, safe="/~"), **headers}
    tag = etag_of((await client.request("PUT", target, headers=sent, body=b"", slow=True)).headers)
    if etag not in {None, tag}:
        raise IntegrityError(target, f"the copy of {source} does not have the ETag of its source")
    return tag


class Segments:
    """The segments of the objects of one account: found, and deleted when nothing refers to them.

    Parameters
    ----------
    client, lister
        Make the requests.
    """

    _holders: ClassVar[dict[object, tuple[float, frozenset[str] | None]]] = {}
    """Which objects of a container have segments: known to the process, so that a copy of a client need not ask again."""

    _asking: ClassVar[dict[object, Event]] = {}
    """Set when the thread that asks for a container has ended, so that those which begin at the same time ask once."""

    def __init__(self, client: SwiftClient, lister: Lister) -> None:
        self._client = client
        self._lister = lister

    async def replaced_by(self, path: str) -> list[str]:
        """Return the segments that overwriting an object would leave without a manifest.

        Which objects of a container have segments of ours is asked with one listing and remembered for a minute;
        objects without any cost nothing more.
        """
        container, name = split_path(path)
        holders = await self._known_holders(container)
        if holders is not None and name_digest(name) not in holders:
            return []
        return await self.of(path)

    async def of(self, path: str, *, missing_ok: bool = True) -> list[str]:
        """Return the segments that the manifest at this path names; none for an ordinary object or nothing."""
        head = await self._client.request("HEAD", path, accept={404} if missing_ok else ())
        if not is_large(head.headers):
            return []
        names = [part["name"].removeprefix("/") for part in await self.manifest(path) if "name" in part]
        return [name for name in names if is_segment(name)]

    async def manifest(self, path: str) -> list[dict[str, Any]]:
        """Return the parts of a static large object: `name`, `hash`, `bytes`, and `range` or `data` where given."""
        answer = await self._client.request("GET", path, params={"multipart-manifest": "get"})
        try:
            return list(json.loads(answer.body)) if "X-Static-Large-Object" in answer.headers else []
        except ValueError as error:
            raise IntegrityError(path, "its manifest did not arrive as it was sent") from error

    def forget(self, path: str) -> None:
        """Ask again which objects have segments in this container: one has just been written."""
        self._holders.pop(self._key(split_path(path)[0]), None)

    def _key(self, container: str) -> object:
        return self._client.identity, container

    async def _known_holders(self, container: str) -> frozenset[str] | None:
        key = self._key(container)
        if not self._is_remembered(key):
            ours = Event()
            if is_here() and (first := self._asking.setdefault(key, ours)) is not ours:
                first.wait()  # where that comes to nothing, all who waited ask beside each other
            try:
                if not self._is_remembered(key):
                    self._holders[key] = time.monotonic(), await self._holders_of(container)
            finally:
                ours.set()
                if self._asking.get(key) is ours:
                    del self._asking[key]
        return self._holders.get(key, (0.0, None))[1]

    def _is_remembered(self, key: object) -> bool:
        asked, _ = self._holders.get(key, (-math.inf, None))
        return time.monotonic() - asked <= _REMEMBERED_SECONDS

    async def _holders_of(self, container: str) -> frozenset[str] | None:
        for old in [key for key in list(self._holders) if not self._is_remembered(key)]:
            self._holders.pop(old, None)
        try:
            entries, more = await self._lister.page(container, prefix=SEGMENTS, delimiter="/")
        except (KeyNotFoundError, AccessDeniedError):  # who may write but not list can know of no segments
            return frozenset()
        return None if more else frozenset(entry["subdir"].split("/")[1] for entry in entries if "subdir" in entry)

    async def delete(self, paths: Iterable[str]) -> None:
        """Delete objects by bulk requests, a few at a time; those that are gone already are no error.

        Raises
        ------
        StorageError
            The first object that could not be deleted.
        """
        todo = list(dict.fromkeys(paths))
        size = min(_BATCH, -(-len(todo) // _BATCHES)) or 1
        batches = (todo[start : start + size] for start in range(0, len(todo), size))
        await together((partial(self._delete_batch, batch) for batch in batches), limit=_BATCHES)

    async def _delete_batch(self, paths: list[str]) -> None:
        if len(paths) > 1:
            answer = await self._client.request(
                "POST",
                params={"bulk-delete": "true"},
                headers={"Content-Type": "text/plain", "Accept": "application/json"},
                body="\n".join("/" + quote(path, safe="/~") for path in paths).encode(),
                accept=range(400, 500),
            )
            if _all_deleted(answer):
                return
        await together((partial(self._client.delete, path, missing_ok=True) for path in paths), limit=_BATCHES)


os.register_at_fork(after_in_child=Segments._asking.clear)  # noqa: SLF001 - who asks is a thread of the parent


def _all_deleted(answer: Response) -> bool:
    """Whether a bulk delete, which is always answered with 200, did all that it was asked."""
    try:
        report = json.loads(answer.body)
        return str(report["Response Status"]).startswith("200") and not report["Errors"]
    except (ValueError, KeyError, TypeError):
        return False
