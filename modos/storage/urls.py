"""Which storage serves an address: one table from scheme to backend.

Owns reading addresses and the options that go with them. Knows the backends by name and nothing of what is stored.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from modos._given import expect
from modos.errors import InvalidInputError, InvalidURLError, UnreachableError, suggestion
from modos.storage.base import Storage
from modos.storage.options import HTTP, SWIFT

__all__ = ["is_url", "open_storage"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=//|:[A-Za-z])")
"""Also the first of the addresses that fsspec chains (`zip::s3://…`), which go to fsspec as they are."""

_ROOTED = re.compile(r"(?:file|local|memory):(?!//)", re.IGNORECASE)
"""Roots of URL pipelines without `//`; a path of this machine that begins so is written `./file:…`."""


type Backend = Callable[..., Storage]


def is_url(text: str) -> bool:
    """Tell whether text is an address with a scheme, not a path of this machine.

    Examples
    --------
    >>> is_url("s3://omics/ex"), is_url("data/ex"), is_url("file:///data/ex")
    (True, False, True)
    """
    return _SCHEME.match(text) is not None


def open_storage(
    url: str | PurePath, *, storage_options: Mapping[str, Any] | None = None, read_only: bool = False
) -> Storage:
    """Return the storage at an address. Does no I/O and reads no environment.

    Parameters
    ----------
    url
        A path of this machine, `file:///path`, `memory://path`, `s3://bucket[/prefix]`, `s3+https://host/bucket[/prefix]`,
        `swift://container[/prefix]`, `swift+https://host/v1/ACCOUNT/container[/prefix]`, `gs://bucket[/prefix]`,
        `az://container[/prefix]`, `https://host/directory` (for reading only), or the address of any other fsspec
        filesystem that is installed. Behind bars it goes on into archives, see `modos.storage.pipelines`.
    storage_options
        What the service takes, see `modos.storage.options`; the spellings of s3fs, boto3, obstore, gcsfs, adlfs and
        swiftclient are understood. A boto3 `Session` may be given as `session`, a `swiftclient.Connection` as
        `connection`. `None`: credentials come from the service's usual environment variables at the first request.
    read_only
        Whether writing raises `ReadOnlyError`.

    Raises
    ------
    InvalidURLError
        When no storage serves the scheme.
    InvalidInputError
        When an option is not known; it lists those that are.

    Examples
    --------
    >>> open_storage("s3://omics/study")
    S3Storage('s3://omics/study')
    >>> open_storage("s3+https://s3.example.org/omics", storage_options={"skip_signature": True})
    S3Storage('s3+https://s3.example.org/omics')
    >>> open_storage("swift://omics")
    SwiftStorage('swift://omics')
    """
    expect(url, (str, os.PathLike), "a place is named by a path or an address")
    text = os.fspath(url)
    if isinstance(url, str) and ("|" in text or _ROOTED.match(text)):
        from modos.storage.pipelines.resolver import open_pipeline

        return open_pipeline(text, read_only=read_only, storage_options=storage_options)
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    if isinstance(url, str) and not found:
        _refuse_half_address(text)
    opened: Backend = _BACKENDS.get(scheme, _fsspec)
    return opened(text, storage_options or {}, read_only=read_only)


def _refuse_half_address(text: str) -> None:
    """Refuse `swift:omics/ex`: as a path of this machine, it would be a directory that nobody meant."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme and scheme.lower() in _BACKENDS:
        meant = f"{scheme}://{rest.lstrip('/')}"
        raise InvalidURLError(
            text, f"is no address; did you mean {meant!r}? A path of this machine is written './{text}'"
        )


def _local(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:
    from modos.storage.backends.local import LocalStorage

    _refuse_options("a local directory", options)
    if is_url(url):
        parts = urlsplit(url)
        if parts.netloc.lower() not in {"", "localhost"}:
            raise InvalidURLError(url, "names another host; file addresses are of this machine")
        url = unquote(parts.path)
    return LocalStorage(url, read_only=read_only)


def _s3(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:
    from modos.storage.backends.s3 import S3Storage

    return S3Storage(url, None, options, read_only=read_only)


def _swift(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:
    from modos.storage.backends.swift import SwiftStorage

    return SwiftStorage(url, read_only=read_only, **SWIFT.checked(options))


def _cloud(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:
    from modos.storage.backends.clouds import open_cloud

    return open_cloud(url, options, read_only=read_only)


def _http(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:  # noqa: ARG001 - it is for reading in any case
    from modos.storage.backends.http import HTTPStorage

    return HTTPStorage(url, **HTTP.checked(options))


def _fsspec(url: str, options: Mapping[str, Any], *, read_only: bool) -> Storage:
    import fsspec

    from modos.storage.backends.remote import FsspecStorage

    scheme = url.partition(":")[0].lower()
    if scheme not in fsspec.available_protocols():
        known = sorted({*_BACKENDS, *fsspec.available_protocols()} - {""})
        raise InvalidURLError(url, f"has a scheme that no storage serves{suggestion(scheme, known)}")
    try:
        filesystem, root = fsspec.url_to_fs(url, **{"use_listings_cache": False, **options})
    except ImportError as error:
        raise InvalidURLError(url, f"needs a package that is not installed: {error}") from error
    except OSError as error:  # some connect at once
        raise UnreachableError(url, f"no connection: {error.strerror or error}") from error
    return FsspecStorage(filesystem, root, read_only=read_only)


def _refuse_options(what: str, options: Mapping[str, object]) -> None:
    if options:
        message = f"{what} takes no option {', '.join(map(repr, sorted(options)))}"
        raise InvalidInputError(message)


_BACKENDS: Mapping[str, Backend] = {
    "": _local,
    "file": _local,
    "s3": _s3,
    "s3+http": _s3,
    "s3+https": _s3,
    "swift": _swift,
    "swift+http": _swift,
    "swift+https": _swift,
    "gs": _cloud,
    "gcs": _cloud,
    "az": _cloud,
    "abfs": _cloud,
    "abfss": _cloud,
    "http": _http,
    "https": _http,
}
