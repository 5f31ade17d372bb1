"""Adapters as steps from one place to the next: what those of modos have in common.

Owns how such a step serves zarr's interface, the refusal of modes, and closing what was opened. Must not know a scheme.
"""

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from modos.errors import InvalidInputError, URLPipelineError
from modos.storage.pipelines.interface import AdapterResolution, Mode, PipelineContext, URLPipelineAdapter
from modos.storage.pipelines.places import BlobPlace, Place, StoragePlace, place_of
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined
from modos.storage.pipelines.syntax.schemes import SCHEMES, SubURL

if TYPE_CHECKING:
    from zarr.abc.store import Store

__all__ = ["StepAdapter", "read_segment", "refuse_writing"]

_WRITING = frozenset({"w", "w-", "r+"})


class StepAdapter(URLPipelineAdapter):
    """An adapter that goes from one place to another and does no I/O for it.

    Attributes
    ----------
    only_reads
        Whether what it leads to can only be read.
    """

    only_reads: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def step(cls, base: Place, said: SubURL, url: str) -> Place:
        """Return where a segment leads.

        Parameters
        ----------
        base
            Where the segments before it have led.
        said
            The segment.
        url
            The address up to and with it.
        """

    @classmethod
    def check(cls, place: Place) -> None:
        """Look whether there is what was promised; for threads, since it does I/O. This default trusts."""

    @classmethod
    async def open_pipeline_segment(cls, segment: PipelineSegment, context: PipelineContext) -> AdapterResolution:
        """Open a segment on what stands before it."""
        import asyncio  # whoever awaits this has it already

        url = joined((*context.preceding, segment))
        said = read_segment(segment, url)
        if cls.only_reads:
            refuse_writing(context.mode, segment, url)
            before = await context.resolve_preceding(mode="r")
        else:
            before = await context.resolve_preceding()
        try:
            place = cls.step(place_of(before, context.preceding_url), said, url)
            await asyncio.to_thread(cls.check, place)
            store, path = _opened(place, before.store, read_only=cls.only_reads or context.read_only)
        except BaseException:
            before.store.close()
            raise
        return replace(before, store=store, path=path)


def _opened(place: Place, source: "Store", *, read_only: bool) -> "tuple[Store, str]":
    """Return a zarr store for a place that closes another, and the path in it."""
    from modos.storage.pipelines.stores import BlobStore, PlacedStore

    match place:
        case StoragePlace():
            top = StoragePlace(place.storage, "", place.url)
            return PlacedStore(top, read_only=read_only, source=source), place.name
        case BlobPlace():
            return BlobStore(place.content, source=source), ""
        case _:
            return place.store(read_only=read_only), place.name


def read_segment(segment: PipelineSegment, url: str) -> SubURL:
    """Return what a segment says.

    Raises
    ------
    URLPipelineError
        When it breaks the rules of its scheme.
    """
    try:
        return SCHEMES[segment.scheme].read(segment)
    except InvalidInputError as error:
        raise URLPipelineError(url, error.reason, part=segment.raw) from error


def refuse_writing(mode: Mode | None, segment: PipelineSegment, url: str) -> None:
    """Refuse the modes that write.

    Raises
    ------
    URLPipelineError
        Names the mode.
    """
    if mode in _WRITING:
        reason = f"can only be read, and the mode is {mode!r}; open it with mode 'r'"
        raise URLPipelineError(url, reason, part=segment.raw)
