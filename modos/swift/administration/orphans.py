"""Segments that no large object consists of: left by uploads that were killed, found and removed.

Owns what an orphan is. Knows nothing of how large objects are written.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from modos.errors import ServiceError
from modos.swift.administration.accounts import Account, container_name
from modos.swift.concurrency import together
from modos.swift.filesystem import SwiftFileSystem
from modos.swift.objects.segments import SEGMENT_NAME, name_digest
from modos.swift.protocol import SEGMENTS, info_from_entry

__all__ = ["Orphan", "list_orphans", "remove_orphans"]

_MANIFESTS_AT_ONCE = 16
_VERSIONED = ("X-Versions-Enabled", "X-Versions-Location", "X-History-Location")


@dataclass(frozen=True, slots=True)
class Orphan:
    """A segment that no manifest names.

    Attributes
    ----------
    path
        `container/object`.
    size
        Bytes.
    last_modified
        When it was uploaded, in UTC.
    """

    path: str
    size: int
    last_modified: datetime


def list_orphans(
    container: str,
    *,
    grace: timedelta = timedelta(days=1),
    filesystem: SwiftFileSystem | None = None,
    **options: Any,  # noqa: ANN401 - the filesystem checks them
) -> tuple[Orphan, ...]:
    """Return the segments of a container that belong to no large object in it.

    Only what lies where `modos.swift` puts segments is looked at. Where something is found there that is old enough, the
    container is listed to its end, and the manifest of each large object in it is read: one request for each. A manifest that
    somebody else has written in another container is not seen.

    Parameters
    ----------
    container
        Its name, or `swift://name`.
    grace
        An upload of which a segment has arrived within this time is left alone: it may still be running.
    filesystem
        The filesystem whose account it is, of blocking code; `None` to make one of the options.
    **options
        What `SwiftFileSystem` takes; without any, credentials come from the environment.

    Raises
    ------
    KeyNotFoundError
        There is no such container.
    ServiceError
        The container keeps old versions of its objects, whose manifests cannot be seen.
    """
    made = Account(filesystem, options).filesystem
    found: tuple[Orphan, ...] = made.run(_find, made, container_name(container), grace)
    return found


def remove_orphans(
    container: str,
    *,
    grace: timedelta = timedelta(days=1),
    filesystem: SwiftFileSystem | None = None,
    **options: Any,  # noqa: ANN401 - the filesystem checks them
) -> tuple[Orphan, ...]:
    """Delete the segments of a container that belong to no large object in it, by bulk requests, and return them.

    Parameters
    ----------
    container, grace, filesystem, **options
        As for `list_orphans`.

    Raises
    ------
    StorageError
        As for `list_orphans`, or one of them could not be deleted.
    """
    made = Account(filesystem, options).filesystem
    found = list_orphans(container, grace=grace, filesystem=made)
    made.run(made.segments.delete, [orphan.path for orphan in found])
    return found


async def _find(filesystem: SwiftFileSystem, container: str, grace: timedelta) -> tuple[Orphan, ...]:
    headers = (await filesystem.client.request("HEAD", container)).headers
    if any(headers.get(name) for name in _VERSIONED):
        address = await filesystem.objects.where(container)
        raise ServiceError(
            address, "it keeps old versions, whose manifests cannot be seen; nothing in it can be told orphan"
        )
    hidden = [entry async for entry in filesystem.lister.entries(container, prefix=SEGMENTS)]
    candidates = settled(hidden, container, now=datetime.now(UTC), grace=grace)
    if not candidates:
        return ()
    digests = {_matched(orphan.path, container)["object"] for orphan in candidates}
    visible = [entry async for entry in filesystem.lister.entries(container)]
    manifests = (each["name"] for each in (*hidden, *visible) if is_manifest(each, digests))
    asked = (partial(filesystem.segments.of, f"{container}/{name}") for name in manifests)
    named = await together(asked, limit=_MANIFESTS_AT_ONCE)
    held = {path for paths in named for path in paths}
    return tuple(orphan for orphan in candidates if orphan.path not in held)


def settled(hidden: Iterable[Mapping[str, Any]], container: str, *, now: datetime, grace: timedelta) -> list[Orphan]:
    """Return the segments whose upload has had none arrive within the time of grace: all of an upload, or none of it."""
    uploads: dict[tuple[str, str], list[Orphan]] = {}
    for entry in hidden:
        if found := SEGMENT_NAME.fullmatch(entry["name"]):
            info = info_from_entry(container, entry)
            orphan = Orphan(info["name"], info["size"], info["last_modified"])
            uploads.setdefault((found["object"], found["upload"]), []).append(orphan)
    quiet = (each for each in uploads.values() if now - max(orphan.last_modified for orphan in each) > grace)
    return [orphan for each in quiet for orphan in each]


def is_manifest(entry: Mapping[str, Any], digests: set[str]) -> bool:
    """Whether an entry of a listing may be a manifest that names a segment of an object with one of these digests.

    Services tell of large objects in their listings; with one that does not, the name of the object is what leads there.
    """
    return "slo_etag" in entry or name_digest(entry["name"]) in digests


def _matched(path: str, container: str) -> re.Match[str]:
    found = SEGMENT_NAME.fullmatch(path.removeprefix(f"{container}/"))
    assert found is not None
    return found
