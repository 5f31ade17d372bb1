"""What an adapter is: the names and shapes of zarr-python's pull request 4192, so that one class serves both.

Owns those four classes. Must not know any adapter, nor where they are registered.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from modos.errors import URLPipelineError
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined

if TYPE_CHECKING:
    from zarr.abc.store import Store

__all__ = ["AdapterResolution", "Mode", "PipelineContext", "URLPipelineAdapter", "ZarrFormat"]

type Mode = Literal["r", "r+", "a", "w", "w-"]
type ZarrFormat = Literal[2, 3]


class _Callers:
    """Stands for what the caller gave."""


_CALLERS = _Callers()


@dataclass(frozen=True)
class AdapterResolution:
    """What a pipeline leads to.

    Attributes
    ----------
    store
        An open zarr store.
    path
        Where in the store; `""` for its root. A file may be the store's root too: its key is then `""`.
    zarr_format
        The format that the address names; `None` where it names none.
    """

    store: "Store"
    path: str = ""
    zarr_format: ZarrFormat | None = None


@dataclass(frozen=True)
class PipelineContext:
    """What an adapter is told beside its own segment.

    Attributes
    ----------
    preceding
        The segments before its own; none where it is the root.
    mode
        How the address is opened, as in `zarr.open`; `None` where nobody said.
    storage_options
        What the root's storage takes, one mapping for the whole pipeline; `None` for nothing.
    """

    preceding: tuple[PipelineSegment, ...]
    mode: Mode | None = None
    storage_options: Mapping[str, Any] | None = None

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written."""
        return self.mode == "r"

    @property
    def preceding_url(self) -> str:
        """The text before the adapter's own segment. Whoever uses it answers for all of it."""
        return joined(self.preceding)

    async def resolve_preceding(
        self,
        *,
        mode: "Mode | _Callers | None" = _CALLERS,
        storage_options: "Mapping[str, Any] | _Callers | None" = _CALLERS,
    ) -> AdapterResolution:
        """Open what stands before the adapter.

        Parameters
        ----------
        mode
            How to open it; the caller's where not given. An adapter that only reads its base asks for `"r"`.
        storage_options
            The options without those that the adapter has used up; the caller's where not given, `None` for none.

        Raises
        ------
        URLPipelineError
            When nothing stands before the adapter.
        """
        from modos.storage.pipelines.resolver import resolve_segments

        if not self.preceding:
            raise URLPipelineError("", "is an adapter, not a root; it stands behind a root, as in file:/path|zip:")
        return await resolve_segments(
            self.preceding,
            mode=self.mode if isinstance(mode, _Callers) else mode,
            storage_options=self.storage_options if isinstance(storage_options, _Callers) else storage_options,
        )


class URLPipelineAdapter(ABC):
    """Serves one scheme of URL pipelines. It is never instantiated: the one coroutine is all there is.

    It must not block nor use zarr's synchronous functions, returns an open store, and does not write where the context
    says `read_only`. What can only be read is refused for the modes `"w"`, `"w-"` and `"r+"`.
    """

    @classmethod
    @abstractmethod
    async def open_pipeline_segment(cls, segment: PipelineSegment, context: PipelineContext) -> AdapterResolution:
        """Open a segment, on what `context.resolve_preceding()` returns or as a root."""
