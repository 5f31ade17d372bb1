"""From a pipeline to what it leads to: recursion from the right, each adapter on what stands before it.

Owns `resolve_pipeline` for zarr, `open_pipeline` for storages and `open_file` for files. Must not know any adapter by name.
"""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, get_args

from modos.errors import InvalidInputError, ModosError, URLPipelineError
from modos.storage.base import Storage
from modos.storage.pipelines.interface import AdapterResolution, Mode, PipelineContext, URLPipelineAdapter
from modos.storage.pipelines.places import Blob, Place, StoragePlace
from modos.storage.pipelines.registry import get_url_adapter, list_url_adapter_schemes
from modos.storage.pipelines.roots import further_roots, place_of_root
from modos.storage.pipelines.steps import StepAdapter
from modos.storage.pipelines.syntax.grammar import PipelineSegment, joined, parse_pipeline
from modos.storage.pipelines.syntax.rules import ENTRY_POINTS, check_pipeline
from modos.storage.pipelines.syntax.schemes import SCHEMES, SubURL

__all__ = ["open_file", "open_pipeline", "place_at", "resolve_pipeline", "resolve_segments"]

_BUFFER = 256 * 1024


async def resolve_pipeline(
    url: str, *, mode: Mode | None = None, storage_options: Mapping[str, Any] | None = None
) -> AdapterResolution:
    """Open what an address leads to, for zarr: a store, a path in it, and the format if the address names one.

    Parameters
    ----------
    url
        The pipeline.
    mode
        How it is to be opened, as in `zarr.open`: with `"r"` the store cannot be written. `None` where that is open.
    storage_options
        What the storage of the root takes; `None` for nothing.

    Raises
    ------
    URLPipelineError
        When the address breaks a rule, or no adapter serves one of its schemes, or the mode cannot be.
    InvalidInputError
        When there is no such mode.
    """
    if mode is not None and mode not in get_args(Mode.__value__):
        known = ", ".join(get_args(Mode.__value__))
        raise InvalidInputError(f"there is no mode {mode!r}; known are {known}")
    _checked(url)
    return await resolve_segments(parse_pipeline(url), mode=mode, storage_options=storage_options)


async def resolve_segments(
    segments: tuple[PipelineSegment, ...], *, mode: Mode | None, storage_options: Mapping[str, Any] | None
) -> AdapterResolution:
    """Open what segments lead to; they may be the beginning of a pipeline that was checked as a whole."""
    *preceding, last = segments
    adapter = _adapter(last, joined(segments), is_root=not preceding)
    if adapter is None:
        resolution = _root(last, joined(segments), mode, storage_options)
    else:
        resolution = await adapter.open_pipeline_segment(last, PipelineContext(tuple(preceding), mode, storage_options))
    return _enforced(resolution, joined(segments)) if mode == "r" else resolution


def _adapter(segment: PipelineSegment, url: str, *, is_root: bool) -> type[URLPipelineAdapter] | None:
    """Return the adapter of a segment, `None` for a root that a storage serves."""
    if is_root and segment.scheme in {"file", "local", "memory"}:
        return None
    found = get_url_adapter(segment.scheme)
    if found is None and not is_root:
        known = ", ".join(sorted(list_url_adapter_schemes()))
        groups = " or ".join(ENTRY_POINTS)
        reason = f"has a scheme with no adapter; there are adapters for {known}; others come by entry points {groups}"
        raise URLPipelineError(url, reason, part=segment.raw)
    return found


def _root(
    segment: PipelineSegment, url: str, mode: Mode | None, options: Mapping[str, Any] | None
) -> AdapterResolution:
    (said,) = _checked(joined((segment,)))
    try:
        place = place_of_root(said, options, read_only=mode == "r")
        if segment.scheme != "memory":
            return AdapterResolution(store=place.store(read_only=mode == "r" or place.storage.read_only))
        name, _, path = place.name.partition("/")  # the first part names the store, the rest is a path in it
        top = StoragePlace(place.storage, name, place.url)
        return AdapterResolution(store=top.store(read_only=mode == "r"), path=path)
    except ModosError:
        raise
    except (ValueError, ImportError, OSError, TypeError) as error:
        raise URLPipelineError(url, f"could not resolve the pipeline root: {error}", part=segment.raw) from error


def _enforced(resolution: AdapterResolution, url: str) -> AdapterResolution:
    """Return a resolution that cannot be written, whatever its adapter returned."""
    from dataclasses import replace

    if resolution.store.read_only:
        return resolution
    try:
        return replace(resolution, store=resolution.store.with_read_only(read_only=True))
    except NotImplementedError as error:
        resolution.store.close()
        raise URLPipelineError(url, "cannot be opened for reading only, and the mode is 'r'") from error


def _checked(url: str) -> tuple[SubURL, ...]:
    registered = list_url_adapter_schemes()
    scheme = parse_pipeline(url)[0].scheme
    roots = () if scheme in SCHEMES or scheme in registered else further_roots()
    return check_pipeline(url, registered=registered, roots=roots)


def open_pipeline(url: str, *, read_only: bool = False, storage_options: Mapping[str, Any] | None = None) -> Storage:
    """Return the storage that an address leads to. Does no I/O.

    Parameters
    ----------
    url
        The pipeline; its last sub-URL leads to a directory.
    read_only
        Whether writing raises `ReadOnlyError`. What is in an archive can never be written.
    storage_options
        What the storage of the root takes; `None` for nothing.

    Raises
    ------
    URLPipelineError
        When the address breaks a rule, or leads to something else than a directory of files.
    """
    storage = place_at(url, storage_options, read_only=read_only).directory()
    if storage is None:
        raise URLPipelineError(url, "leads to a file, not to a directory; read it with open_file")
    return storage


def open_file(url: str, *, storage_options: Mapping[str, Any] | None = None) -> BinaryIO:
    """Open the file that an address leads to, for reading by ranges.

    Parameters
    ----------
    url
        The pipeline; its last sub-URL leads to a file.
    storage_options
        What the storage of the root takes; `None` for nothing.

    Raises
    ------
    URLPipelineError
        When the address breaks a rule, or leads to a dataset.
    KeyNotFoundError
        When there is no such file.

    Examples
    --------
    >>> import gzip, tempfile
    >>> from pathlib import Path
    >>> place = Path(tempfile.mkdtemp())
    >>> _ = (place / "reads.gz").write_bytes(gzip.compress(b"ACGTACGT"))
    >>> open_file(f"file:{place}/reads.gz|gzip:|byte-range:1-3").read()
    b'CG'
    """
    if url.endswith("/"):
        raise URLPipelineError(url, "leads to a directory, not to a file; open it with open_storage")
    blob = place_at(url, storage_options, read_only=True).blob()
    return io.BufferedReader(_BlobFile(blob), _BUFFER)


def place_at(url: str, options: Mapping[str, Any] | None = None, *, read_only: bool = False) -> Place:
    """Return where an address leads by way of storages, file or directory. Does no I/O."""
    root, *others = _checked(url)
    if _adapter(root.segment, url, is_root=True) is not None:
        raise URLPipelineError(url, "has a root that serves zarr only; open it with open_url", part=root.segment.raw)
    place: Place = place_of_root(root, options, read_only=read_only)
    before = [root.segment]
    for said in others:
        adapter = _adapter(said.segment, url, is_root=False)
        if adapter is None or not issubclass(adapter, StepAdapter):
            reason = "leads to a dataset or a store of zarr, not to files; open it with open_url"
            raise URLPipelineError(url, reason, part=said.segment.raw)
        before.append(said.segment)
        place = adapter.step(place, said, joined(before))
    return place


class _BlobFile(io.RawIOBase):
    """A file that is read range by range."""

    def __init__(self, blob: Blob) -> None:
        super().__init__()
        self.name = blob.url
        self._blob = blob
        self._size = blob.size()
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise InvalidInputError(f"cannot seek to {origin + offset}, before the beginning")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer has no run-time name
        view = memoryview(buffer).cast("B")
        body = self._blob.read(self._position, min(self._position + len(view), self._size))
        view[: len(body)] = body
        self._position += len(body)
        return len(body)
