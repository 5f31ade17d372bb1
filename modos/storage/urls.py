"""Which storage serves an address: one table from scheme to backend.

Owns reading addresses and the options that go with them. Knows the backends by name and nothing of what is stored.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from modos.errors import InvalidInputError, InvalidURLError, suggestion
from modos.storage.base import Storage

__all__ = ["is_url", "open_storage"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=//)")


def is_url(text: str) -> bool:
    """Tell whether text is an address with a scheme, not a path of this machine.

    Examples
    --------
    >>> is_url("s3://omics/ex"), is_url("data/ex"), is_url("file:///data/ex")
    (True, False, True)
    """
    return _SCHEME.match(text) is not None


def open_storage(url: str | PurePath, *, read_only: bool = False, **options: Any) -> Storage:  # noqa: ANN401 - backends check them
    """Return the storage at an address. Does no I/O.

    Parameters
    ----------
    url
        A path of this machine, `file:///path`, `s3://bucket[/prefix]`, `swift://container[/prefix]`,
        `swift+https://host/v1/ACCOUNT/container[/prefix]`, `memory://path`, or the address of any other fsspec filesystem that
        is installed.
    read_only
        Whether writing raises `ReadOnlyError`.
    **options
        What the backend takes; those of S3 are the `s3_kwargs` of `S3Storage` and `endpoint`. With none, credentials
        come from the usual environment variables at the first request.

    Raises
    ------
    InvalidURLError
        When no storage serves the scheme.
    InvalidInputError
        When an option is not known.

    Examples
    --------
    >>> open_storage("s3://omics/study")
    S3Storage('s3://omics/study')
    >>> open_storage("swift://omics")
    SwiftStorage('swift://omics')
    """
    text = os.fspath(url)
    found = _SCHEME.match(text)
    if found is None:
        return _local(text, read_only=read_only, **options)
    scheme = found[1].lower()
    return _BACKENDS.get(scheme, _fsspec)(text, read_only=read_only, **options)


def _local(url: str, *, read_only: bool, **options: object) -> Storage:
    from modos.storage.backends.local import LocalStorage

    _refuse_options("a local directory", options)
    if is_url(url):
        parts = urlsplit(url)
        if parts.netloc.lower() not in {"", "localhost"}:
            raise InvalidURLError(url, "names another host; file addresses are of this machine")
        url = unquote(parts.path)
    return LocalStorage(url, read_only=read_only)


def _s3(url: str, *, read_only: bool, endpoint: str | None = None, **options: object) -> Storage:
    from modos.storage.backends.s3 import S3Storage

    return S3Storage(url, endpoint, options, read_only=read_only)


def _swift(url: str, *, read_only: bool, **options: Any) -> Storage:  # noqa: ANN401 - the backend checks them
    from modos.storage.backends.swift import SwiftStorage

    return SwiftStorage(url, read_only=read_only, **options)


def _fsspec(url: str, *, read_only: bool, **options: object) -> Storage:
    import fsspec

    from modos.storage.backends.remote import FsspecStorage

    scheme = url.partition("://")[0].lower()
    if scheme not in fsspec.available_protocols():
        known = sorted({*_BACKENDS, *fsspec.available_protocols()})
        raise InvalidURLError(url, f"has a scheme that no storage serves{suggestion(scheme, known)}")
    try:
        filesystem, root = fsspec.url_to_fs(url, **{"use_listings_cache": False, **options})
    except ImportError as error:
        raise InvalidURLError(url, f"needs a package that is not installed: {error}") from error
    return FsspecStorage(filesystem, root, read_only=read_only)


def _refuse_options(what: str, options: Mapping[str, object]) -> None:
    if options:
        message = f"{what} takes no option {', '.join(map(repr, sorted(options)))}"
        raise InvalidInputError(message)


_BACKENDS: Mapping[str, Callable[..., Storage]] = {
    "file": _local,
    "s3": _s3,
    "swift": _swift,
    "swift+http": _swift,
    "swift+https": _swift,
}
