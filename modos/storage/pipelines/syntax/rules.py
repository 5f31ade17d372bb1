"""What makes a pipeline sensible: every sub-URL by its own rules, and each adapter on something that it can stand on.

Owns `check_pipeline`. Must not know how anything is resolved, nor any storage or zarr.
"""

import re
from collections.abc import Collection
from typing import Literal

from modos.errors import InvalidInputError, URLPipelineError, suggestion
from modos.storage.pipelines.syntax.grammar import PARENT, PipelineSegment, joined, parse_pipeline, split_authority
from modos.storage.pipelines.syntax.schemes import SCHEMES, Scheme, SubURL

__all__ = ["ENTRY_POINTS", "check_pipeline"]

ENTRY_POINTS = ("modos.url_adapters", "zarr.url_adapters")
"""Groups of entry points in which distributions register adapters."""

type Kind = Literal["file", "directory", "dataset", "unknown"]

_OTHER_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_LOCAL = frozenset({"file", "local", "memory"})


def check_pipeline(
    url: str, *, registered: Collection[str] = (), roots: Collection[str] = (), strict: bool = False
) -> tuple[SubURL, ...]:
    """Return what a pipeline says, decoded; nothing is looked up or opened.

    Parameters
    ----------
    url
        The pipeline.
    registered
        Schemes for which somebody has registered an adapter, beyond those of the table.
    roots
        Schemes of further storages, which have no rules here.
    strict
        Whether to refuse `file:relative/path`, which means another file elsewhere.

    Raises
    ------
    URLPipelineError
        Names the sub-URL, what is wrong with it, and what would be right.

    Examples
    --------
    >>> [said.path for said in check_pipeline("file:/data/ex.zip|zip:a%20b/|zarr3:x")]
    ['/data/ex.zip', 'a b/', 'x']
    """
    segments = parse_pipeline(url)
    said = []
    kind: Kind = "unknown"
    for position, segment in enumerate(segments):
        try:
            scheme = _scheme(segment, {*registered}, {*roots}, is_root=position == 0)
            each = SubURL(segment, path=segment.body) if scheme is None else scheme.read(segment)
            if position == 0:
                _check_root(each, {*registered, *SCHEMES}, strict=strict)
            elif kind == "dataset" or scheme is not None:
                _check_base(segment, scheme, kind)
        except InvalidInputError as error:
            raise URLPipelineError(joined(segments), error.reason, part=segment.raw) from error
        kind = "unknown" if scheme is None else _kind(scheme, each, kind)
        said.append(each)
    return tuple(said)


def _scheme(segment: PipelineSegment, registered: set[str], roots: set[str], *, is_root: bool) -> Scheme | None:
    """Return the row of a scheme, `None` for one that somebody registered."""
    name = segment.scheme
    if name == PARENT:
        right = "resolve it with resolve_relative, which asks how far up it may lead"
        raise InvalidInputError(f"leads up, which an address may not do; {right}")
    if is_root and name not in _LOCAL and segment.body.startswith(":"):
        raise InvalidInputError(
            "is a chain of fsspec, not a pipeline; write the root first, as in s3://bucket/ex.zip|zip:"
        )
    scheme = SCHEMES.get(name)
    if scheme is None:
        if name in registered or (is_root and name in roots):
            return None
        raise InvalidInputError(_unknown(segment, registered, is_root=is_root))
    if is_root and scheme.needs:
        raise InvalidInputError(f"is an adapter, not a root; it stands behind a root, as in file:/path|{name}:")
    if not is_root and not scheme.needs:
        raise InvalidInputError(f"is a root, not an adapter; {name}: can only begin an address")
    return scheme


def _unknown(segment: PipelineSegment, registered: set[str], *, is_root: bool) -> str:
    name = segment.scheme
    if is_root and len(name) == 1:
        return f"has the scheme {name!r}; a drive of Windows is written file:/{segment.raw}"
    fitting = {each for each, scheme in SCHEMES.items() if bool(scheme.needs) != is_root}
    known = sorted(fitting | registered)
    groups = " or ".join(ENTRY_POINTS)
    how = f"known are {', '.join(known)}; others are registered by entry points of the group {groups}"
    return f"has the unknown scheme {name!r}{suggestion(name, known)}; {how}"


def _check_root(said: SubURL, known: set[str], *, strict: bool) -> None:
    scheme = said.segment.scheme
    if scheme not in _LOCAL:
        return
    body = said.segment.body
    first = (body if scheme == "memory" else split_authority(body)[1]).lstrip("/").partition("/")[0]
    found = _OTHER_SCHEME.match(first)
    if found is not None and found[1].lower() in known:
        right = f"write {found[1]}:… by itself, or %3A for a colon in a name"
        raise InvalidInputError(f"has another scheme in its path; {right}")
    if strict and scheme != "memory" and not said.path.startswith("/"):
        raise InvalidInputError("must carry an absolute path, such as file:/data/ex")


def _check_base(segment: PipelineSegment, scheme: Scheme | None, kind: Kind) -> None:
    if kind == "dataset":
        raise InvalidInputError("follows a dataset, and nothing can: what the sub-URL before it names is the end")
    needs = "" if scheme is None else scheme.needs
    if needs == "file" and kind == "directory":
        raise InvalidInputError(f"must follow a file: the base of {segment.scheme}: is a directory")
    if needs == "directory" and kind == "file":
        raise InvalidInputError(f"must follow a directory: the base of {segment.scheme}: is a file")


def _kind(scheme: Scheme, said: SubURL, base: Kind) -> Kind:
    match scheme.gives:
        case "path":
            return "directory" if said.path == "" or said.path.endswith("/") else "unknown"
        case "same":
            return base
        case kind:
            return kind
