"""`zip:`: what is in a ZIP archive, wherever the archive is.

Owns the adapter. Must not know how an archive is read.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from modos.errors import URLPipelineError
from modos.storage.pipelines.adapters.archive import ArchiveStorage
from modos.storage.pipelines.interface import AdapterResolution, PipelineContext
from modos.storage.pipelines.places import Place, StoragePlace
from modos.storage.pipelines.steps import StepAdapter, read_segment
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined
from modos.storage.pipelines.syntax.schemes import SubURL

if TYPE_CHECKING:
    from zarr.abc.store import Store

__all__ = ["ZipAdapter"]

_CREATING = frozenset({"w", "w-"})


class ZipAdapter(StepAdapter):
    """Opens archives for reading, and creates one where it is a file of this machine."""

    @classmethod
    def step(cls, base: Place, said: SubURL, url: str) -> Place:
        """Return the entry or directory of an archive."""
        return StoragePlace(ArchiveStorage(base.blob()), said.path.strip("/"), url)

    @classmethod
    def check(cls, place: Place) -> None:
        """Read the directory of the archive."""
        if isinstance(place, StoragePlace) and isinstance(place.storage, ArchiveStorage):
            place.storage.check()

    @classmethod
    async def open_pipeline_segment(cls, segment: PipelineSegment, context: PipelineContext) -> AdapterResolution:
        """Open an archive, or create one for the modes `"w"` and `"w-"`; it is there when the store is closed."""
        if context.mode not in _CREATING:
            return await super().open_pipeline_segment(segment, context)
        url = joined((*context.preceding, segment))
        if len(context.preceding) != 1 or context.preceding[0].scheme not in {"file", "local"}:
            reason = f"cannot be created with mode {context.mode!r}: only an archive that is a file of this machine can"
            raise URLPipelineError(url, reason, part=segment.raw)
        said = read_segment(segment, url)
        root = read_segment(context.preceding[0], url)
        store = await asyncio.to_thread(_created, root.path, create=context.mode == "w-")
        return AdapterResolution(store=store, path=said.path.strip("/"))


def _created(path: str, *, create: bool) -> "Store":
    from modos.storage.pipelines.adapters.new_archive import NewArchiveStore

    return NewArchiveStore(Path(path).absolute(), create=create)
