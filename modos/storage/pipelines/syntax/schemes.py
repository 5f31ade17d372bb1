"""What each scheme of a pipeline may say: one table of roots and adapters, and the rules of their sub-URLs.

Owns those rules, as pure functions on a segment. Must not know how a scheme is resolved, nor any storage or zarr.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qsl

from modos.errors import InvalidInputError
from modos.storage.pipelines.syntax.escapes import decoded
from modos.storage.pipelines.syntax.grammar import PipelineSegment, split_authority, split_version
from modos.storage.pipelines.syntax.versions import Version, icechunk_version, ocdbt_version

__all__ = ["LATENCY_OPTIONS", "LOG_OPTIONS", "PATHLESS", "SCHEMES", "Scheme", "SubURL"]

type Needs = Literal["", "any", "file", "directory"]
type Gives = Literal["path", "file", "dataset", "same", "unknown"]

LOG_OPTIONS = ("log_level",)
LATENCY_OPTIONS = ("get_latency", "set_latency")

_BUCKETS = MappingProxyType({"s3": r"[A-Za-z0-9._-]{3,255}", "gs": r"[a-z0-9._-]{3,222}", "az": r"[a-z0-9$-]{3,63}"})
_PORT = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]+)(?::[0-9]*)?")
_RANGE = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*", re.DOTALL)
_DRIVE = re.compile(r"/[A-Za-z]:(?:/|$)")


@dataclass(frozen=True, slots=True)
class SubURL:
    """What one sub-URL says, decoded.

    Attributes
    ----------
    segment
        As it was written.
    authority
        Host, bucket or container; `""` for none.
    path
        Without the slash it may begin with, but for `file:`; a slash at its end says that it is a directory.
    version
        State of a repository; `None` for schemes that have none, and for the newest.
    """

    segment: PipelineSegment
    authority: str = ""
    path: str = ""
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """One row of the table.

    Attributes
    ----------
    needs
        `""` for a root; else what an adapter stands on.
    gives
        What results: `"path"` is decided by the path (empty, or with a slash at its end: a directory).
    read
        Reads a segment; refuses what breaks the rules with `InvalidInputError`.
    example
        A sub-URL.
    meaning
        What it is, for people.
    """

    needs: Needs
    gives: Gives
    read: Callable[[PipelineSegment], SubURL]
    example: str
    meaning: str


# -- roots --------------------------------------------------------------------------------------------------------------


def _file(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    authority, path = split_authority(segment.body)
    if authority is not None and decoded(authority).lower() not in {"", "localhost"} and os.name != "nt":
        right = "a path of this machine is written file:/path or file:///path"
        raise InvalidInputError(f"has the unsupported authority {authority!r}; {right}")
    meant = decoded(path)
    if meant == "":
        raise InvalidInputError("has no path; write file:/path")
    if ".." in meant.split("/"):
        raise InvalidInputError("has a part '..'; write the path that it leads to")
    if meant.startswith("/"):
        meant = f"/{meant.lstrip('/')}"
    if os.name == "nt" and _DRIVE.match(meant):
        meant = meant[1:]
    return SubURL(segment, path=meant)


def _memory(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    return SubURL(segment, path=_key(decoded(segment.body.lstrip("/")).lstrip("/")))


def _host(segment: PipelineSegment) -> SubURL:
    authority, path = _authority(segment, "a host")
    if not _PORT.fullmatch(authority):
        raise InvalidInputError("has a host that cannot be; a host looks like example.org or example.org:8080")
    return SubURL(segment, decoded(authority), decoded(path.removeprefix("/")))


def _service(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    said = _host(segment)
    return SubURL(segment, said.authority, _key(said.path))


def _bucket(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    authority, path = _authority(segment, "a bucket")
    if not re.fullmatch(_BUCKETS.get(segment.scheme, _BUCKETS["az"]), authority):
        raise InvalidInputError(f"has a bucket with no bucket's name; write {segment.scheme}://bucket/key")
    key = decoded(path.removeprefix("/"))
    if "\r" in key or "\n" in key:
        raise InvalidInputError("has a line break in the name of an object")
    return SubURL(segment, authority, _key(key))


def _swift(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    authority, path = _authority(segment, "a container")
    if "+" not in segment.scheme:
        return SubURL(segment, decoded(authority), _key(decoded(path.removeprefix("/"))))
    parts = path.split("/", 4)
    if len(parts) < 4 or "" in parts[1:4]:  # noqa: PLR2004 - version, account, container
        raise InvalidInputError(f"has no container; write {segment.scheme}://host[:port]/v1/ACCOUNT/container[/object]")
    key = _key(decoded(parts[4])) if len(parts) > 4 else ""  # noqa: PLR2004 - and what is in it
    return SubURL(segment, "/".join([authority, *map(decoded, parts[1:4])]), key)


def _authority(segment: PipelineSegment, what: str) -> tuple[str, str]:
    authority, path = split_authority(segment.body)
    if not authority:
        raise InvalidInputError(f"has no {what.partition(' ')[2]}; after '{segment.scheme}://' stands {what}")
    if "@" in authority:
        raise InvalidInputError("holds a user name; credentials do not belong in an address, give them as options")
    return authority, path


def _key(path: str) -> str:
    """Return a path of names; a part that is empty or made of dots leads elsewhere in many programs."""
    for part in path.removesuffix("/").split("/") if path else ():
        if part in {"", ".", ".."}:
            raise InvalidInputError(f"has a part {part!r} in its path, which no path may have")
    return path


def _no_query(segment: PipelineSegment) -> None:
    if segment.query is not None:
        raise InvalidInputError(f"has a query, and {segment.scheme}: takes none; '?' in a name is written %3F")


# -- adapters -----------------------------------------------------------------------------------------------------------


def _entry(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    return SubURL(segment, path=_key(decoded(segment.body.removeprefix("/"))))


def _node(segment: PipelineSegment) -> SubURL:
    """Slashes at the borders of a path in a hierarchy, and double ones, mean nothing."""
    _no_query(segment)
    return SubURL(segment, path=_key("/".join(filter(None, decoded(segment.body).split("/")))))


def _nothing(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    if segment.body:
        raise InvalidInputError(f"has a path, and {segment.scheme}: takes none")
    return SubURL(segment)


def _byte_range(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    found = _RANGE.fullmatch(segment.body)
    if found is None:
        raise InvalidInputError("is no range; write byte-range:START-END in bytes, the end not included")
    if int(found[1]) >= int(found[2]):
        raise InvalidInputError("is no range; its start must be less than its end, which is not included")
    return SubURL(segment, path=segment.body)


def _pointer(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    pointer = decoded(segment.body)
    if not _POINTER.fullmatch(pointer):
        raise InvalidInputError("is no JSON pointer (RFC 6901); one is empty or begins with '/', as in json:/a/0")
    return SubURL(segment, path=pointer)


def _icechunk(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    version, _, path = split_version(segment.body)
    return SubURL(segment, path=_key(decoded(path.removeprefix("/"))), version=icechunk_version(version))


def _ocdbt(segment: PipelineSegment) -> SubURL:
    _no_query(segment)
    version, _, path = split_version(segment.body)
    found = None if version is None else ocdbt_version(version)
    return SubURL(segment, path=_key(decoded(path.removeprefix("/"))), version=found)


def _parameters(*known: str) -> Callable[[PipelineSegment], SubURL]:
    def read(segment: PipelineSegment) -> SubURL:
        if segment.body:
            raise InvalidInputError(f"has a path, and {segment.scheme}: takes none")
        for name, _ in parse_qsl(segment.query or "", keep_blank_values=True):
            if name not in known:
                raise InvalidInputError(f"has the parameter {name!r}; {segment.scheme}: knows {', '.join(known)}")
        return SubURL(segment)

    return read


_S3_COMPATIBLE = "a bucket of a service that speaks S3, path or virtual-host style"
_SWIFT = "a container of OpenStack Swift, with the address of the account"
_IMAGE = "an image"

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "file": Scheme("", "path", _file, "file:/data/ex.zip", "a file or directory of this machine"),
        "local": Scheme("", "path", _file, "local:/data/ex.zip", "the same as `file:`"),
        "memory": Scheme("", "path", _memory, "memory:study/ex", "what this process keeps in memory"),
        "http": Scheme("", "unknown", _host, "http://example.org/ex.zip", "a file of a web server, for reading"),
        "https": Scheme("", "unknown", _host, "https://example.org/ex.zip", "a file of a web server, for reading"),
        "s3": Scheme("", "path", _bucket, "s3://bucket/ex.zip", "a bucket of S3"),
        "s3+http": Scheme("", "path", _service, "s3+http://s3.example.org/bucket/ex.zip", _S3_COMPATIBLE),
        "s3+https": Scheme("", "path", _service, "s3+https://s3.example.org/bucket/ex.zip", _S3_COMPATIBLE),
        "gs": Scheme("", "path", _bucket, "gs://bucket/ex.zip", "a bucket of Google Cloud Storage"),
        "az": Scheme("", "path", _bucket, "az://container/ex.zip", "a container of Azure Blob Storage"),
        "abfs": Scheme("", "path", _bucket, "abfs://container/ex.zip", "a container of Azure Blob Storage"),
        "swift": Scheme("", "path", _swift, "swift://container/ex.zip", "a container of OpenStack Swift"),
        "modos.swift": Scheme("", "path", _swift, "modos.swift://container/ex.zip", "the same as `swift:`"),
        "swift+http": Scheme("", "path", _swift, "swift+http://host/v1/ACCOUNT/container/ex.zip", _SWIFT),
        "swift+https": Scheme("", "path", _swift, "swift+https://host/v1/ACCOUNT/container/ex.zip", _SWIFT),
        "zip": Scheme("file", "path", _entry, "zip:inner/path", "what is in a ZIP archive"),
        "zarr": Scheme("directory", "dataset", _node, "zarr:group/array", "a zarr hierarchy of either format"),
        "zarr2": Scheme("directory", "dataset", _node, "zarr2:group/array", "a zarr hierarchy of format 2"),
        "zarr3": Scheme("directory", "dataset", _node, "zarr3:group/array", "a zarr hierarchy of format 3"),
        "gzip": Scheme("file", "file", _nothing, "gzip:", "what a file compressed by gzip holds"),
        "zstd": Scheme("file", "file", _nothing, "zstd:", "what a file compressed by Zstandard holds"),
        "byte-range": Scheme("file", "file", _byte_range, "byte-range:1000-2000", "bytes of a file"),
        "log": Scheme("any", "same", _parameters(*LOG_OPTIONS), "log:?log_level=INFO", "the same, every access logged"),
        "latency": Scheme(
            "any",
            "same",
            _parameters(*LATENCY_OPTIONS),
            "latency:?get_latency=0.01",
            "the same, every access delayed by so many seconds",
        ),
        "icechunk": Scheme("directory", "path", _icechunk, "icechunk://branch.main/path", "an icechunk repository"),
        "ocdbt": Scheme("directory", "unknown", _ocdbt, "ocdbt://v12/path", "a database of TensorStore"),
        "n5": Scheme("directory", "dataset", _node, "n5:path/to/array", "an N5 hierarchy"),
        "neuroglancer-precomputed": Scheme(
            "directory", "dataset", _nothing, "neuroglancer-precomputed:", "volumes of Neuroglancer"
        ),
        "json": Scheme("file", "dataset", _pointer, "json:/a/0", "a value in a JSON document"),
        "hdf5": Scheme("file", "dataset", _node, "hdf5:/path/to/dataset", "a dataset of an HDF5 file"),
        **{
            name: Scheme("file", "dataset", _nothing, f"{name}:", _IMAGE)
            for name in ("avif", "bmp", "jpeg", "png", "tiff", "webp")
        },
    }
)
"""Every scheme with rules; whether it can be opened depends on the registry."""

PATHLESS = frozenset(
    {"latency", "log"} | {name for name, scheme in SCHEMES.items() if scheme.read in {_nothing, _byte_range, _pointer}}
)
"""Adapters to whose address no relative path can be applied."""
