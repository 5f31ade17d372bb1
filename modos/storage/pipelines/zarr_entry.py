"""`swift:` for zarr itself: the class that zarr's entry points name, once a zarr has URL pipelines.

Owns that shim over our own resolver, and is the only module that imports `zarr.abc.url_pipeline`: nothing else may import
it. See https://github.com/zarr-developers/zarr-python/pull/4192.
"""

from typing import Any

from zarr.abc.url_pipeline import AdapterResolution, URLPipelineAdapter  # type: ignore[import-not-found]
from zarr.errors import URLPipelineError  # type: ignore[attr-defined]

from modos.errors import InvalidInputError
from modos.storage.pipelines.resolver import resolve_segments
from modos.storage.pipelines.syntax.grammar import PipelineSegment

__all__ = ["SwiftURLAdapter"]

_VENDOR = "modos."


class SwiftURLAdapter(URLPipelineAdapter):  # type: ignore[misc] # no released zarr has it
    """Serves `swift://CONTAINER/OBJECT` and `swift+https://HOST/v1/ACCOUNT/CONTAINER/OBJECT` to zarr.

    Options may have the prefix `swift_`, which tells them from those of adapters further on.
    """

    @classmethod
    async def open_pipeline_segment(cls, segment: Any, context: Any) -> Any:  # noqa: ANN401 - zarr's own types
        """Open a container, or a prefix in one."""
        if context.preceding:
            message = f"{segment.raw!r} is a root, not an adapter; {segment.scheme}: can only begin an address"
            raise URLPipelineError(message)
        scheme = segment.scheme.removeprefix(_VENDOR)
        raw = f"{scheme}:{segment.body}" + ("" if segment.query is None else f"?{segment.query}")
        given = {name.removeprefix("swift_"): value for name, value in (context.storage_options or {}).items()}
        ours = PipelineSegment(scheme, segment.body, segment.query, raw)
        try:
            found = await resolve_segments((ours,), mode=context.mode, storage_options=given or None)
        except InvalidInputError as error:
            raise URLPipelineError(str(error)) from error
        return AdapterResolution(store=found.store, path=found.path)
