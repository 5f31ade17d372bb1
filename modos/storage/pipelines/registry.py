"""Which adapter serves a scheme: those of modos, those registered at run time, and those of other distributions.

Owns that table. Lists schemes without importing an adapter, and imports one when it is asked for.
"""

import importlib
import threading
import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import cast

from modos.errors import InvalidInputError, URLPipelineError
from modos.storage.pipelines.interface import URLPipelineAdapter
from modos.storage.pipelines.syntax.rules import ENTRY_POINTS

__all__ = ["URLAdapterWarning", "get_url_adapter", "list_url_adapter_schemes", "register_url_adapter"]

_ADAPTERS = "modos.storage.pipelines.adapters"
_BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "byte-range": f"{_ADAPTERS}.files:ByteRangeAdapter",
        "gzip": f"{_ADAPTERS}.files:GzipAdapter",
        "icechunk": f"{_ADAPTERS}.icechunk:IcechunkAdapter",
        "latency": f"{_ADAPTERS}.watching:LatencyAdapter",
        "log": f"{_ADAPTERS}.watching:LogAdapter",
        "zarr": f"{_ADAPTERS}.formats:ZarrAdapter",
        "zarr2": f"{_ADAPTERS}.formats:Zarr2Adapter",
        "zarr3": f"{_ADAPTERS}.formats:Zarr3Adapter",
        "zip": f"{_ADAPTERS}.zip:ZipAdapter",
        "zstd": f"{_ADAPTERS}.files:ZstdAdapter",
    }
)
_NEVER = frozenset({"file", "local", "memory"})
"""Roots that nobody can take over."""


class URLAdapterWarning(UserWarning):
    """A scheme of URL pipelines has more than one adapter."""


class _Registry:
    """The adapters of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classes: dict[str, type[URLPipelineAdapter]] = {}
        self._found: dict[str, EntryPoint] | None = None

    def register(self, scheme: str, adapter: type[URLPipelineAdapter]) -> None:
        name = scheme.lower()
        if name in _NEVER:
            message = f"the scheme {name!r} is served by modos itself and takes no adapter"
            raise InvalidInputError(message)
        with self._lock:
            known = self._classes.get(name)
            if known is not None or name in _BUILT_IN or name in self._entry_points():
                _warn(f"the adapter of the scheme {name!r} is replaced by {adapter.__module__}.{adapter.__qualname__}")
            self._classes[name] = adapter

    def get(self, scheme: str) -> type[URLPipelineAdapter] | None:
        name = scheme.lower()
        with self._lock:
            if (known := self._classes.get(name)) is not None:
                return known
            place, entry = _BUILT_IN.get(name), self._entry_points().get(name)
        if place is not None:  # loaded without the lock: another thread may import an adapter that asks for one
            module, _, attribute = place.partition(":")
            found: object = getattr(importlib.import_module(module), attribute)
        elif entry is not None:
            found = _loaded(name, entry)
        else:
            return None
        with self._lock:
            return self._classes.setdefault(name, cast("type[URLPipelineAdapter]", found))

    def schemes(self) -> set[str]:
        with self._lock:
            return {*_BUILT_IN, *self._entry_points(), *self._classes}

    def _entry_points(self) -> dict[str, EntryPoint]:
        """Return what other distributions offer, by scheme; the first of several, our own group before zarr's."""
        if self._found is None:
            found: dict[str, EntryPoint] = {}
            for group in ENTRY_POINTS:
                for entry in entry_points(group=group):
                    name = entry.name.lower()
                    if name in _NEVER or name in _BUILT_IN or entry.value.startswith("modos."):
                        continue
                    if name in found and found[name].value != entry.value:
                        _warn(
                            f"the scheme {name!r} has the adapters {found[name].value} and {entry.value}; the first is used"
                        )
                    found.setdefault(name, entry)
            self._found = found
        return self._found


def _loaded(name: str, entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:
        reason = f"has an adapter, {entry.value}, that could not be loaded ({type(error).__name__}: {error})"
        raise URLPipelineError(f"{name}:", reason) from error


def _warn(message: str) -> None:
    warnings.warn(message, URLAdapterWarning, stacklevel=4)


_REGISTRY = _Registry()


def register_url_adapter(scheme: str, adapter: type[URLPipelineAdapter]) -> None:
    """Register an adapter for a scheme in this process.

    Parameters
    ----------
    scheme
        In any case; one that is no standard should have the name of its vendor in front, as in `vendor.scheme`.
    adapter
        The class. One that replaces another is told by `URLAdapterWarning`.

    Raises
    ------
    InvalidInputError
        For `file` and `memory`, which nobody can take over.
    """
    _REGISTRY.register(scheme, adapter)


def get_url_adapter(scheme: str) -> type[URLPipelineAdapter] | None:
    """Return the adapter of a scheme, imported now if need be; `None` when nobody has registered one.

    Raises
    ------
    URLPipelineError
        When it could not be loaded; asking again tries again.
    """
    return _REGISTRY.get(scheme)


def list_url_adapter_schemes() -> set[str]:
    """Return all schemes with an adapter; imports none of them."""
    return _REGISTRY.schemes()
