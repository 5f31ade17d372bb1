"""`log:` and `latency:`: the same bytes, every access told to a logger or made to wait.

Owns these adapters, for storages and for zarr stores. Must not know what is stored.
"""

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from urllib.parse import parse_qsl

from modos.errors import URLPipelineError
from modos.storage.base import Method, Storage, WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.paths import target_name
from modos.storage.pipelines.interface import AdapterResolution, PipelineContext
from modos.storage.pipelines.places import Blob, BlobPlace, Place, StoragePlace
from modos.storage.pipelines.steps import StepAdapter, read_segment
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined
from modos.storage.pipelines.syntax.schemes import LATENCY_OPTIONS, SubURL

if TYPE_CHECKING:
    from zarr.abc.store import Store

__all__ = ["LatencyAdapter", "LogAdapter", "WatchedStorage"]

_LATENCY = 0.01
"""Seconds that an access waits unless the address says otherwise: a service in another city."""

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_logger = logging.getLogger("modos.storage.pipelines")

type Before = Callable[[str, str], None]
"""Told of every access before it is made: its name, and what it is about."""


class _WatchingAdapter(StepAdapter):
    """An adapter that changes nothing but what happens before an access."""

    only_reads = False

    @classmethod
    def step(cls, base: Place, said: SubURL, url: str) -> Place:
        """Return the same place, watched."""
        before = cls.before(said, url)
        if isinstance(base, StoragePlace):
            return StoragePlace(WatchedStorage(base.storage, before), base.name, base.url)
        return BlobPlace(_WatchedBlob(base.blob(), before), base.url)

    @classmethod
    async def open_pipeline_segment(cls, segment: PipelineSegment, context: PipelineContext) -> AdapterResolution:
        """Wrap the store of what stands before."""
        url = joined((*context.preceding, segment))
        said = read_segment(segment, url)
        cls.before(said, url)
        resolution = await context.resolve_preceding()
        return replace(resolution, store=cls.wrapped(resolution.store, said))

    @classmethod
    @abstractmethod
    def before(cls, said: SubURL, url: str) -> Before:
        """Return what is to happen before an access; refuse parameters that mean nothing."""

    @classmethod
    @abstractmethod
    def wrapped(cls, store: "Store", said: SubURL) -> "Store":
        """Return a zarr store that does the same."""


class LogAdapter(_WatchingAdapter):
    """Logs every access; zarr stores are wrapped by zarr's own `LoggingStore`."""

    @classmethod
    def before(cls, said: SubURL, url: str) -> Before:
        """Return what logs."""
        level = _parameters(said).get("log_level", "DEBUG").upper()
        if level not in _LEVELS:
            raise URLPipelineError(
                url, f"has the log_level {level!r}; known are {', '.join(_LEVELS)}", part=said.segment.raw
            )
        return _Logs(level)

    @classmethod
    def wrapped(cls, store: "Store", said: SubURL) -> "Store":
        """Return zarr's logging store."""
        from zarr.storage import LoggingStore

        return LoggingStore(store, log_level=_parameters(said).get("log_level", "DEBUG").upper())


class LatencyAdapter(_WatchingAdapter):
    """Makes every access wait, for measurements and tests."""

    @classmethod
    def before(cls, said: SubURL, url: str) -> Before:
        """Return what waits."""
        given = _parameters(said)
        seconds = {}
        for name in LATENCY_OPTIONS:
            try:
                seconds[name] = float(given.get(name, _LATENCY))
            except ValueError:
                seconds[name] = -1
            if not 0 <= seconds[name] < float("inf"):
                reason = f"has the {name} {given[name]!r}; it is a number of seconds, such as 0.01"
                raise URLPipelineError(url, reason, part=said.segment.raw)
        return _Waits(seconds["get_latency"], seconds["set_latency"])

    @classmethod
    def wrapped(cls, store: "Store", said: SubURL) -> "Store":
        """Return a store that waits."""
        from modos.storage.pipelines.adapters.latency import LatencyStore

        waits = cls.before(said, said.segment.raw)
        assert isinstance(waits, _Waits)
        return LatencyStore(store, get_latency=waits.reading, set_latency=waits.writing)


def _parameters(said: SubURL) -> dict[str, str]:
    return dict(parse_qsl(said.segment.query or "", keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class _Logs:
    """Writes a line for each access."""

    level: str

    def __call__(self, verb: str, what: str) -> None:
        _logger.log(logging.getLevelNamesMapping()[self.level], "%s %s", verb, what)


@dataclass(frozen=True, slots=True)
class _Waits:
    """Waits before each access."""

    reading: float
    writing: float

    def __call__(self, verb: str, what: str) -> None:  # noqa: ARG002 - all wait alike
        time.sleep(self.writing if verb in _WRITES else self.reading)


_WRITES = frozenset({"put", "copy", "remove"})


@dataclass(frozen=True, slots=True)
class _WatchedBlob:
    """A file whose every read is told before it is made."""

    inner: Blob
    before: Before

    @property
    def url(self) -> str:
        return self.inner.url

    def size(self) -> int:
        self.before("stat", self.url)
        return self.inner.size()

    def read(self, start: int, end: int) -> bytes:
        self.before("read", f"{self.url} from {start} to {end}")
        return self.inner.read(start, end)


class WatchedStorage(Storage):
    """A storage whose every access is told before it is made.

    Parameters
    ----------
    inner
        The storage.
    before
        Told of each access.
    """

    def __init__(self, inner: Storage, before: Before) -> None:
        self._inner = inner
        self._before = before
        self.read_only = inner.read_only

    @property
    def url(self) -> str:
        """The address of the storage itself."""
        return self._inner.url

    @property
    def path(self) -> PurePath:
        """The path of the storage itself."""
        return self._inner.path

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file in the storage."""
        return self._inner.url_of(target)

    def __truediv__(self, target: str | PurePath) -> Self:
        beneath = type(self)(self._inner / target_name(target), self._before)
        beneath.read_only = self.read_only
        return beneath

    def _identity(self) -> tuple[object, ...]:
        return (self._inner, self._before, self.read_only)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def _told(self, verb: str, name: str) -> None:
        self._before(verb, self.url_of(name) if name else self.url)

    def _boundary(self, name: str) -> AbstractContextManager[None]:
        return self._inner._boundary(name)  # noqa: SLF001 - the same class

    def _stat(self, name: str) -> ObjectInfo | None:
        self._told("stat", name)
        return self._inner._stat(name)  # noqa: SLF001 - likewise

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        self._told("list", name)
        return self._inner._scan(name, recursive=recursive)  # noqa: SLF001 - likewise

    def _scan_after(self, name: str, start_after: str) -> Generator[ObjectInfo]:
        self._told("list", name)
        return self._inner._scan_after(name, start_after)  # noqa: SLF001 - likewise

    def _open(self, name: str) -> BinaryIO:
        self._told("open", name)
        return self._inner._open(name)  # noqa: SLF001 - likewise

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        self._told("read", name)
        return self._inner._read(name, start, end)  # noqa: SLF001 - likewise

    def _put(
        self,
        name: str,
        chunks: Iterator[bytes],
        *,
        mode: WriteMode,
        content_type: str | None,
        metadata: Mapping[str, str],
    ) -> ObjectInfo:
        self._told("put", name)
        options: dict[str, Any] = {"mode": mode, "content_type": content_type, "metadata": metadata}
        return self._inner._put(name, chunks, **options)  # noqa: SLF001 - likewise

    def _copy(self, source: str, target: str) -> None:
        self._told("copy", target)
        self._inner._copy(source, target)  # noqa: SLF001 - likewise

    def _remove(self, names: Sequence[str]) -> None:
        self._told("remove", names[0])
        self._inner._remove(names)  # noqa: SLF001 - likewise

    def _persist(self, names: Sequence[str]) -> None:
        self._inner._persist(names)  # noqa: SLF001 - likewise; not an access

    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:
        return self._inner._sign(name, expires_in=expires_in, method=method)  # noqa: SLF001 - likewise
