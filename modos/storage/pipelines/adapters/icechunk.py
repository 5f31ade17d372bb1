"""`icechunk:`: a version of an icechunk repository, for reading, where icechunk is installed.

Owns how the text before the adapter becomes icechunk's own storage. Must not know zarr.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modos._lazy import require
from modos.errors import KeyNotFoundError, ServiceError, URLPipelineError
from modos.storage.pipelines.interface import AdapterResolution, PipelineContext, URLPipelineAdapter
from modos.storage.pipelines.steps import read_segment, refuse_writing
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined
from modos.storage.pipelines.syntax.schemes import SubURL

__all__ = ["IcechunkAdapter"]

_ROOTS = ("file", "local", "s3", "s3+http", "s3+https", "gs")
_S3_OPTIONS = {
    "key": "access_key_id",
    "secret": "secret_access_key",
    "token": "session_token",
    "region": "region",
    "endpoint": "endpoint_url",
    "anon": "anonymous",
}


class IcechunkAdapter(URLPipelineAdapter):
    """Opens a branch at its newest commit, a tag, or a snapshot."""

    @classmethod
    async def open_pipeline_segment(cls, segment: PipelineSegment, context: PipelineContext) -> AdapterResolution:
        """Open the repository that the text before leads to."""
        url = joined((*context.preceding, segment))
        said = read_segment(segment, url)
        refuse_writing(context.mode, segment, url)
        if len(context.preceding) != 1 or context.preceding[0].scheme not in _ROOTS:
            reason = f"icechunk: reads repositories itself, directly at a root: {', '.join(_ROOTS)}"
            raise URLPipelineError(url, reason, part=segment.raw)
        icechunk = require("icechunk", extra="icechunk", purpose="reading icechunk repositories")
        storage = _storage(icechunk, read_segment(context.preceding[0], url), context.storage_options)
        store = await asyncio.to_thread(_session, icechunk, storage, said, url)
        return AdapterResolution(store=store, path=said.path.strip("/"))


def _storage(icechunk: Any, root: SubURL, options: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - icechunk's own
    scheme = root.segment.scheme
    if scheme in {"file", "local"}:
        from modos.storage.pipelines.roots import place_of_root

        place_of_root(root, options, read_only=True)  # refuses options
        path = Path(os.path.abspath(root.path))  # noqa: PTH100 - links are not followed
        if not path.is_dir():
            raise KeyNotFoundError(str(path), "is no directory, so that no repository can be in it")
        return icechunk.local_filesystem_storage(str(path))
    if scheme == "gs":
        return icechunk.gcs_storage(bucket=root.authority, prefix=root.path.strip("/"), **(options or {}))
    from modos.storage.options import S3

    given = {_S3_OPTIONS[name]: value for name, value in S3.checked(options).items() if name in _S3_OPTIONS}
    bucket, prefix = root.authority, root.path.strip("/")
    if scheme != "s3":
        bucket, _, prefix = prefix.partition("/")
        given = {"endpoint_url": f"{scheme.removeprefix('s3+')}://{root.authority}", "force_path_style": True, **given}
        given.setdefault("allow_http", scheme == "s3+http")
    if "access_key_id" not in given and not given.get("anonymous"):
        given["from_env"] = True
    return icechunk.s3_storage(bucket=bucket, prefix=prefix, **given)


def _session(icechunk: Any, storage: Any, said: SubURL, url: str) -> Any:  # noqa: ANN401 - icechunk's own
    """Return the zarr store of a version; runs in a thread, since it does I/O."""
    version = said.version
    assert version is not None
    keyword = {"branch": "branch", "tag": "tag", "snapshot": "snapshot_id"}[version.kind]
    try:
        repository = icechunk.Repository.open(storage)
        return repository.readonly_session(**{keyword: version.name}).store
    except icechunk.IcechunkError as error:
        message = str(error).splitlines()[0]
        if "not found" in str(error).lower() or "doesn't exist" in str(error).lower():
            raise KeyNotFoundError(url, f"there is no such version or repository ({message})") from error
        raise ServiceError(url, f"icechunk could not open it ({message})") from error
