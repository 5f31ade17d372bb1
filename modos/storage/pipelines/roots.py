"""Roots of pipelines: what a root sub-URL says, as a place in a storage.

Owns the way from decoded names to `open_storage`. Must not know any adapter.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from modos.errors import InvalidPathError, UnusedOptionsError, URLPipelineError
from modos.storage.base import Storage
from modos.storage.pipelines.places import StoragePlace
from modos.storage.pipelines.syntax.escapes import decoded
from modos.storage.pipelines.syntax.grammar import split_authority
from modos.storage.pipelines.syntax.schemes import SCHEMES, SubURL

__all__ = ["further_roots", "place_of_root"]

_NO_ROOTS = frozenset(
    {"blockcache", "cached", "dir", "filecache", "gcs", "libarchive", "reference", "simplecache", "tar", "zip"}
)
"""Protocols of fsspec that stand on another, and one that the pipelines' specification leaves out."""


def further_roots() -> Collection[str]:
    """Return the schemes of storages that come through fsspec and have no rules of their own."""
    import fsspec

    return {scheme for scheme in fsspec.available_protocols() if scheme not in _NO_ROOTS and scheme not in SCHEMES}


def place_of_root(said: SubURL, options: Mapping[str, Any] | None, *, read_only: bool) -> StoragePlace:
    """Return the place that a root names. Does no I/O.

    Raises
    ------
    UnusedOptionsError
        When there are options for a place that takes none.
    URLPipelineError
        When no storage can be made of it.
    """
    scheme = said.segment.scheme
    try:
        if scheme in {"file", "local"}:
            _refuse_options(said, options)
            return _file(said, read_only=read_only)
        if scheme == "memory":
            _refuse_options(said, options)
            return _beneath("memory://", said, None, read_only=read_only)
        if scheme in {"http", "https"}:
            return _web(said, options, read_only=read_only)
        if scheme in SCHEMES:
            return _bucket(said, options, read_only=read_only)
        return _parent(said, options, read_only=read_only)
    except InvalidPathError as error:
        reason = f"could not resolve the pipeline root: {error}"
        raise URLPipelineError(said.segment.raw, reason, part=said.segment.raw) from error


def _refuse_options(said: SubURL, options: Mapping[str, Any] | None) -> None:
    if options:
        names = ", ".join(map(repr, sorted(options)))
        raise UnusedOptionsError(
            f"'storage_options' was provided but unused: {said.segment.scheme}: takes no option {names}"
        )


def _file(said: SubURL, *, read_only: bool) -> StoragePlace:
    from modos.storage.backends.local import LocalStorage

    path = PurePath(os.path.abspath(said.path))  # noqa: PTH100 - a relative path is that of now; links are not followed
    return StoragePlace(LocalStorage(path.parent, read_only=read_only), path.name, said.segment.raw)


def _bucket(said: SubURL, options: Mapping[str, Any] | None, *, read_only: bool) -> StoragePlace:
    """Return a key in a bucket or container; after the host of a service, that is the first part of the path."""
    if not said.segment.scheme.startswith("s3+"):
        scheme = said.segment.scheme.removeprefix("modos.")
        return _beneath(f"{scheme}://{said.authority}", said, options, read_only=read_only)
    bucket, _, key = said.path.partition("/")
    host = f"{said.segment.scheme}://{said.authority}/{bucket}"
    from modos.storage.pipelines.styles import EitherStyleStorage

    place = _beneath(host, replace(said, path=key), options, read_only=read_only)
    return replace(place, storage=EitherStyleStorage.of(place.storage))


def _beneath(container: str, said: SubURL, options: Mapping[str, Any] | None, *, read_only: bool) -> StoragePlace:
    if "|" in container:
        raise URLPipelineError(said.segment.raw, "has a bar in the name of its container")
    storage = _opened(container, options, read_only=read_only)
    return StoragePlace(storage, said.path.strip("/"), said.segment.raw)


def _web(said: SubURL, options: Mapping[str, Any] | None, *, read_only: bool) -> StoragePlace:
    """Return a file of a web server in the storage of its directory; the path goes there as it was written."""
    from modos.storage.pipelines.web import QueriedStorage

    directory, _, name = f"{split_authority(said.segment.body)[1]}".rstrip("/").rpartition("/")
    storage = _opened(f"{said.segment.scheme}://{said.authority.rstrip(':')}{directory}", options, read_only=read_only)
    if said.segment.query is not None:
        storage = QueriedStorage.of(storage, said.segment.query)
    return StoragePlace(storage, decoded(name), said.segment.raw)


def _parent(said: SubURL, options: Mapping[str, Any] | None, *, read_only: bool) -> StoragePlace:
    """Return a name in the storage of the directory that an address leads to."""
    address = f"{said.segment.scheme}:{said.segment.body}".rstrip("/")
    directory, _, name = address.rpartition("/")
    if directory.endswith(":/"):  # a host alone
        return StoragePlace(_opened(address, options, read_only=read_only), "", said.segment.raw)
    return StoragePlace(_opened(directory, options, read_only=read_only), decoded(name), said.segment.raw)


def _opened(url: str, options: Mapping[str, Any] | None, *, read_only: bool) -> Storage:
    from modos.storage.urls import open_storage

    return open_storage(url, storage_options=options, read_only=read_only)
