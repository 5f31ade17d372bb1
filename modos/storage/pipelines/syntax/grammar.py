"""The grammar of URL pipelines: text to segments and back, exactly.

Owns splitting `root|adapter|adapter` into its pieces. Must not know what a scheme means, nor any storage or zarr. After the
zarr enhancement proposal 8 and https://github.com/jbms/url-pipeline.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modos.errors import URLPipelineError
from modos.storage.pipelines.syntax.escapes import respelled

__all__ = [
    "PARENT",
    "VERSIONED",
    "PipelineSegment",
    "canonical_url",
    "is_pipeline",
    "joined",
    "parse_pipeline",
    "split_authority",
    "split_path",
    "split_version",
]

PARENT = ".."
"""The adapter that takes back the one before it."""

VERSIONED = frozenset({"icechunk", "ocdbt"})
"""Schemes whose authority is a version, which may also be written `@version/`."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_SCHEME_AND_REST = re.compile(r"(\.\.|[A-Za-z][A-Za-z0-9+.-]*)(?::(.*))?", re.DOTALL)
_ONE_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(?!:)")


@dataclass(frozen=True, slots=True)
class PipelineSegment:
    """One sub-URL of a pipeline: a piece between two bars.

    Attributes
    ----------
    scheme
        In lower case.
    body
        What follows `scheme:`, up to the first `?`, as it was written.
    query
        What follows that `?`; `None` where there is none, which is not the same as an empty one.
    raw
        The piece as it was written.
    """

    scheme: str
    body: str
    query: str | None
    raw: str

    def __str__(self) -> str:
        return self.raw


def parse_pipeline(url: str) -> tuple[PipelineSegment, ...]:
    """Split a pipeline into its sub-URLs: the root, then the adapters from the outermost inwards.

    Nothing is decoded, trimmed or looked up, and joining what is `raw` gives the text back.

    Raises
    ------
    URLPipelineError
        When a piece is empty, has no scheme or an impossible one, or a fragment (`#`).

    Examples
    --------
    >>> for segment in parse_pipeline("s3://omics/ex.ZIP|ZIP:inner|zarr3"):
    ...     print(segment.scheme, repr(segment.body), segment.query)
    s3 '//omics/ex.ZIP' None
    zip 'inner' None
    zarr3 '' None
    """
    if not isinstance(url, str):
        message = f"a URL is text, not {type(url).__name__}; a path of this machine is no URL"
        raise TypeError(message)
    if url == "":
        raise URLPipelineError(url, "is empty; a pipeline begins with a root such as file:/data/ex.zip")
    pieces = url.split("|")
    if "" in pieces:
        raise URLPipelineError(url, "has an empty sub-URL; between two bars stands an adapter such as zip:")
    return tuple(_segment(piece, url, is_root=position == 0) for position, piece in enumerate(pieces))


def _segment(piece: str, url: str, *, is_root: bool) -> PipelineSegment:
    if "#" in piece:
        raise URLPipelineError(
            url, "has a fragment, which means nothing here; '#' in a name is written %23", part=piece
        )
    found = _SCHEME_AND_REST.fullmatch(piece)
    if found is None or (is_root and (found[2] is None or found[1] == PARENT)):
        raise URLPipelineError(url, _without_scheme(piece, is_root=is_root), part=piece)
    body, mark, query = (found[2] or "").partition("?")
    return PipelineSegment(found[1].lower(), body, query if mark else None, piece)


def _without_scheme(piece: str, *, is_root: bool) -> str:
    if not is_root:
        scheme = piece.partition(":")[0]
        return f"begins with {scheme!r}, which is no scheme; an adapter looks like zip: or zarr3:path"
    right = f"file:{piece}" if _SCHEME.match(piece) or piece.startswith("/") else "file:/data/ex"
    return f"has no scheme; a path of this machine is written {right}"


def is_pipeline(text: str) -> bool:
    """Tell whether text is to be read as a pipeline: by its scheme, or by a bar. One URL is the shortest pipeline.

    The addresses that fsspec chains (`zip::s3://…`) are not, and neither are paths, drives of Windows included.

    Examples
    --------
    >>> [is_pipeline(text) for text in ("s3://omics", "file:ex.zip|zip:", "zip::s3://omics", "C:/data", "data/ex")]
    [True, True, False, False, False]
    """
    return _ONE_URL.match(text) is not None or "|" in text


def joined(segments: Iterable[PipelineSegment]) -> str:
    """Return the text of segments, as it was written."""
    return "|".join(segment.raw for segment in segments)


def canonical_url(url: str) -> str:
    """Return a pipeline in its one spelling: schemes in lower case and with their colon, escapes as few as can be.

    Examples
    --------
    >>> canonical_url("FILE:/data/x.zip|ZIP:Inner/a%2db c|Zarr3")
    'file:/data/x.zip|zip:Inner/a-b%20c|zarr3:'
    """
    return "|".join(_canonical(segment) for segment in parse_pipeline(url))


def _canonical(segment: PipelineSegment) -> str:
    start, path = split_path(segment)
    return f"{segment.scheme}:{start}{respelled(path)}" + ("" if segment.query is None else f"?{segment.query}")


def split_path(segment: PipelineSegment) -> tuple[str, str]:
    """Return what comes before the path of a sub-URL (an authority or a version), and the path, neither decoded."""
    if segment.scheme == "memory":  # its slashes mean nothing
        path = segment.body.lstrip("/")
        return segment.body[: len(segment.body) - len(path)], path
    if segment.scheme in VERSIONED:
        return split_version(segment.body)[1:]
    authority, path = split_authority(segment.body)
    return "" if authority is None else f"//{authority}", path


def split_authority(body: str) -> tuple[str | None, str]:
    """Return what stands between `//` and the next slash, `None` without `//`, and the path, neither decoded.

    Examples
    --------
    >>> split_authority("//omics/ex"), split_authority("/data"), split_authority("//omics")
    (('omics', '/ex'), (None, '/data'), ('omics', ''))
    """
    if not body.startswith("//"):
        return None, body
    authority, slash, path = body[2:].partition("/")
    return authority, slash + path


def split_version(body: str) -> tuple[str | None, str, str]:
    """Return the version of a body, how the body would begin with it, and the path, none decoded.

    Examples
    --------
    >>> split_version("@branch.main/a/b"), split_version("//v3"), split_version("a/b")
    (('branch.main', '//branch.main', '/a/b'), ('v3', '//v3', ''), (None, '', 'a/b'))
    """
    if body.startswith("@"):
        version, slash, path = body[1:].partition("/")
        return version, f"//{respelled(version)}", slash + path
    authority, path = split_authority(body)
    return authority, "" if authority is None else f"//{authority}", path
