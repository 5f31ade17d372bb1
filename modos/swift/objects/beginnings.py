"""An object that is given another beginning: the rest of it stays where it is, and the manifest says so.

Owns which parts of the old manifest the new one names. Must not know why a beginning is replaced.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modos.errors import KeyChangedError
from modos.swift.objects.objects import Objects
from modos.swift.objects.segments import LargeUpload, manifest_tag, range_of
from modos.swift.protocol import Info, etag_of, info_from_headers, is_large, object_headers

__all__ = ["entries_behind", "replace_beginning"]


async def replace_beginning(objects: Objects, path: str, head: bytes, start: int, *, etag: str | None) -> Info:
    """Put other bytes in place of the first `start` of an object: the new ones are inline data of its manifest.

    Nothing but them and the manifest is sent. The segments stay those of this object alone, the first of them named by a
    range, so that whatever deletes or overwrites the object deletes them too, and no other object shares them. An
    object without segments becomes its own first one, by a copy within the service. Others see the old object or the
    new one.

    Parameters
    ----------
    objects, path
        The object.
    head
        What it begins with then; at least a byte.
    start
        Where the rest begins that stays; there must be some.
    etag
        That the object must have; `None` for any.

    Raises
    ------
    KeyChangedError
        It has another ETag.
    """
    headers = (await objects.client.request("HEAD", path)).headers
    info = info_from_headers(path, headers)
    parts = await objects.segments.manifest(path) if is_large(headers) else None
    is_its = parts is None or manifest_tag(parts) == etag_of(headers)  # else it was replaced since it was looked at
    if etag not in {None, etag_of(headers)} or not is_its:
        raise KeyChangedError(await objects.where(path))
    large = LargeUpload(objects.client, path)
    try:
        if parts is None:
            digest = await large.copy_range(0, path, start, info["size"], etag=etag_of(headers))
            (segment,) = large.named
            parts, start = [{"name": f"/{segment}", "hash": digest, "bytes": info["size"] - start}], 0
        inline = {"data": base64.b64encode(head).decode()}
        for index, entry in enumerate((inline, *entries_behind(parts, start))):
            large.refer(index, entry)
        carried = object_headers(path, info["content_type"], info["metadata"])
        if "X-Delete-At" in headers:  # its segments may expire then, too
            carried["X-Delete-At"] = headers["X-Delete-At"]
        return await objects.place(path, large, headers=carried)
    except BaseException:
        await objects.segments.delete(large.disposable)
        raise


def entries_behind(parts: Iterable[Mapping[str, Any]], start: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of a manifest for what is behind the first `start` bytes of another.

    Parameters
    ----------
    parts
        The parts of the other, as the service tells them.
    start
        How many bytes are left out.

    Examples
    --------
    >>> parts = [{"data": "QUNHVA=="}, {"name": "/c/s0", "hash": "0cc1", "bytes": 9}, {"name": "/c/s1", "hash": "93ec", "bytes": 9}]
    >>> [*entries_behind(parts, 6)]
    [{'path': '/c/s0', 'etag': '0cc1', 'size_bytes': 9, 'range': '2-8'}, {'path': '/c/s1', 'etag': '93ec', 'size_bytes': 9}]
    """
    for part in parts:
        if "data" in part:
            rest = base64.b64decode(part["data"])[start:]
            start = max(0, start - len(base64.b64decode(part["data"])))
            if rest:
                yield {"data": base64.b64encode(rest).decode()}
            continue
        first, end = range_of(part)
        begin = min(first + start, end)
        start -= begin - first
        if begin == end:
            continue
        entry = {"path": part["name"], "etag": part["hash"], "size_bytes": part["bytes"]}
        yield entry if (begin, end) == (0, part["bytes"]) else {**entry, "range": f"{begin}-{end - 1}"}
