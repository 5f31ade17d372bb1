"""URL pipelines: addresses such as `s3://bucket/ex.zip|zip:data.zarr|zarr3:counts`, read, resolved and extended.

Owns the public names of this part, each imported when it is first used. Must not know the digital object.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.storage.pipelines.adapters.archive import ArchiveStorage
    from modos.storage.pipelines.interface import AdapterResolution, PipelineContext, URLPipelineAdapter
    from modos.storage.pipelines.opening import open_array, open_group, open_store, open_url
    from modos.storage.pipelines.registry import (
        URLAdapterWarning,
        get_url_adapter,
        list_url_adapter_schemes,
        register_url_adapter,
    )
    from modos.storage.pipelines.resolver import open_file, open_pipeline, resolve_pipeline
    from modos.storage.pipelines.syntax.grammar import PipelineSegment, canonical_url, is_pipeline, parse_pipeline
    from modos.storage.pipelines.syntax.relative import resolve_relative
    from modos.storage.pipelines.syntax.rules import check_pipeline

__all__ = [
    "AdapterResolution",
    "ArchiveStorage",
    "PipelineContext",
    "PipelineSegment",
    "URLAdapterWarning",
    "URLPipelineAdapter",
    "canonical_url",
    "check_pipeline",
    "get_url_adapter",
    "is_pipeline",
    "list_url_adapter_schemes",
    "open_array",
    "open_file",
    "open_group",
    "open_pipeline",
    "open_store",
    "open_url",
    "parse_pipeline",
    "register_url_adapter",
    "resolve_pipeline",
    "resolve_relative",
]

__getattr__ = lazy_names(
    __name__,
    {
        "AdapterResolution": ".interface",
        "ArchiveStorage": ".adapters.archive",
        "PipelineContext": ".interface",
        "PipelineSegment": ".syntax.grammar",
        "URLAdapterWarning": ".registry",
        "URLPipelineAdapter": ".interface",
        "canonical_url": ".syntax.grammar",
        "check_pipeline": ".syntax.rules",
        "get_url_adapter": ".registry",
        "is_pipeline": ".syntax.grammar",
        "list_url_adapter_schemes": ".registry",
        "open_array": ".opening",
        "open_file": ".resolver",
        "open_group": ".opening",
        "open_pipeline": ".resolver",
        "open_store": ".opening",
        "open_url": ".opening",
        "parse_pipeline": ".syntax.grammar",
        "register_url_adapter": ".registry",
        "resolve_pipeline": ".resolver",
        "resolve_relative": ".syntax.relative",
    },
)
