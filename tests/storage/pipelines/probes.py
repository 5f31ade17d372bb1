"""Adapters that only the tests know; one of the modules that entry points name."""

from dataclasses import replace

from zarr.storage import MemoryStore

from modos.storage.pipelines import AdapterResolution, URLPipelineAdapter

SEEN = []
CLOSED = []
DATA = {}


class Recorded(MemoryStore):
    """A store that tells when it is closed."""

    def close(self):
        CLOSED.append(self)
        super().close()


class Root(URLPipelineAdapter):
    """A root that serves one dictionary, writable whatever the mode."""

    @classmethod
    async def open_pipeline_segment(cls, segment, context):
        SEEN.append(context)
        return AdapterResolution(store=Recorded(DATA))


class Wrap(URLPipelineAdapter):
    """An adapter that adds its body to the path."""

    @classmethod
    async def open_pipeline_segment(cls, segment, context):
        SEEN.append(context)
        before = await context.resolve_preceding()
        return replace(before, path="/".join(filter(None, (before.path, segment.body))))


class Consume(URLPipelineAdapter):
    """An adapter that uses up the options whose names begin with `consume_`."""

    @classmethod
    async def open_pipeline_segment(cls, segment, context):
        SEEN.append(context)
        rest = {key: value for key, value in (context.storage_options or {}).items() if not key.startswith("consume_")}
        return await context.resolve_preceding(storage_options=rest or None)
