"""`zarr:`, `zarr2:` and `zarr3:`: a node of a hierarchy, of either format or of the one that is named.

Owns these adapters: the end of an address. Must not know zarr's documents.
"""

from dataclasses import replace
from typing import ClassVar

from modos.storage.pipelines.interface import AdapterResolution, PipelineContext, URLPipelineAdapter, ZarrFormat
from modos.storage.pipelines.places import joined_path
from modos.storage.pipelines.steps import read_segment
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined

__all__ = ["Zarr2Adapter", "Zarr3Adapter", "ZarrAdapter"]


class ZarrAdapter(URLPipelineAdapter):
    """Says that a directory is a zarr hierarchy.

    Attributes
    ----------
    zarr_format
        The format; `None` for whichever it is.
    """

    zarr_format: ClassVar[ZarrFormat | None] = None

    @classmethod
    async def open_pipeline_segment(cls, segment: PipelineSegment, context: PipelineContext) -> AdapterResolution:
        """Add the path of a node to what stands before, and the format."""
        said = read_segment(segment, joined((*context.preceding, segment)))
        before = await context.resolve_preceding()
        return replace(before, path=joined_path(before.path, said.path), zarr_format=cls.zarr_format)


class Zarr2Adapter(ZarrAdapter):
    """Says that it is of format 2."""

    zarr_format = 2


class Zarr3Adapter(ZarrAdapter):
    """Says that it is of format 3."""

    zarr_format = 3
