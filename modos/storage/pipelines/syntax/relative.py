"""Relative references between pipelines, and the adapter `..` that takes back another.

Owns that arithmetic on text, as pure functions. Does no I/O; nothing else of the package leads upwards.
"""

from dataclasses import replace
from urllib.parse import unquote

from modos.errors import URLPipelineError
from modos.storage.pipelines.syntax.grammar import PARENT, PipelineSegment, joined, parse_pipeline, split_path
from modos.storage.pipelines.syntax.schemes import PATHLESS, SCHEMES

__all__ = ["resolve_relative"]

_FORMATS = frozenset({"zarr", "zarr2", "zarr3"})
_ACCOUNT_PARTS = 4
"""Slashes before the objects in the path of a Swift address: version, account, container."""


def resolve_relative(base: str, reference: str, *, within: str | None = None) -> str:
    """Return the address that a reference means where a base is known.

    A leading path is applied to the last sub-URL of the base, as RFC 3986 does it, but may not lead above its root; a
    trailing `zarr3:` without a path does not count. Then adapters follow. `..` takes back the adapter before it.

    Parameters
    ----------
    base
        An absolute pipeline.
    reference
        `other/path`, `/from/the/root`, `|zarr3:`, `..:other.zip|zip:`, or an absolute pipeline, which replaces the base.
        A colon in the first part of a path is written behind `./`.
    within
        An address above which the result may not lie; `None` where only the roots of the sub-URLs bound it.

    Raises
    ------
    URLPipelineError
        When the reference leads above a root, takes back the root itself, or leaves `within`.

    Examples
    --------
    >>> resolve_relative("s3://omics/a.zip|zip:x/y", "z")
    's3://omics/a.zip|zip:x/z'
    >>> resolve_relative("s3://omics/a.zip|zip:x/y", "..:b.zip|zip:")
    's3://omics/b.zip|zip:'
    """
    if reference.startswith(f"{PARENT}:"):
        reference = f"|{reference}"
    path, bar, rest = reference.partition("|")
    absolute = _is_absolute(path)
    result = _evaluated((), reference) if absolute else list(parse_pipeline(base))
    if not absolute:
        result = list(_evaluated((), joined(result)))
        if path:
            if "#" in path:
                raise URLPipelineError(reference, "has a fragment, which means nothing here; write %23 for '#'")
            if len(result) > 1 and result[-1].scheme in _FORMATS and result[-1].body == "":
                result.pop()
            result[-1] = _moved(result[-1], path, reference)
        if bar:
            result = _evaluated(tuple(result), rest)
    root = SCHEMES.get(result[0].scheme)
    if root is not None and root.needs:
        raise URLPipelineError(reference, f"begins with an adapter; one that follows the base is written |{reference}")
    if within is not None:
        _check_within(result, parse_pipeline(within), reference)
    return joined(result)


def _is_absolute(path: str) -> bool:
    first = path.partition("/")[0]
    if ":" not in first:
        return False
    scheme = first.partition(":")[0]
    if scheme and scheme[0].isascii() and scheme[0].isalpha():
        return True
    raise URLPipelineError(path, f"has a colon in its first part; write ./{path}")


def _evaluated(before: tuple[PipelineSegment, ...], text: str) -> list[PipelineSegment]:
    """Append sub-URLs from left to right; each `..` takes back the one that is last by then."""
    result = list(before)
    segments = parse_pipeline(f"memory:|{text}")[1:] if before else parse_pipeline(text)
    for segment in segments:
        if segment.scheme != PARENT:
            result.append(segment)
            continue
        if len(result) < 2:  # noqa: PLR2004 - the root and an adapter
            raise URLPipelineError(text, "has no adapter left to take back", part=segment.raw)
        result.pop()
        if segment.body:
            result[-1] = _moved(result[-1], segment.body, text)
    return result


def _moved(segment: PipelineSegment, reference: str, text: str) -> PipelineSegment:
    """Return a sub-URL with a path reference applied to its own path."""
    if segment.scheme in PATHLESS:
        raise URLPipelineError(text, f"is a path, and {segment.scheme}: has none that it could change")
    path, mark, query = reference.partition("?")
    start, old = split_path(segment)
    fence = ""
    if segment.scheme.startswith("swift+"):
        parts = old.split("/", _ACCOUNT_PARTS)
        fence, old = "/".join(parts[:_ACCOUNT_PARTS]), "/" + "/".join(parts[_ACCOUNT_PARTS:])
        if path.startswith("/") and not f"{path}/".startswith(f"{fence}/"):
            raise URLPipelineError(text, f"leaves the container {fence.rpartition('/')[2]!r}")
        path = path.removeprefix(fence) or path
    rooted = start.startswith("//") and segment.scheme != "memory"
    merged = _merged(old, path, text, rooted=rooted)
    if segment.scheme == "memory":
        merged = merged.lstrip("/")
    if not mark and segment.scheme in {"http", "https"}:
        mark, query = ("", "") if segment.query is None else ("?", segment.query)
    body = f"{start}{fence}{merged}"
    return replace(
        segment,
        body=body,
        query=query if mark else None,
        raw=f"{segment.scheme}:{body}" + (f"?{query}" if mark else ""),
    )


def _merged(base: str, reference: str, text: str, *, rooted: bool) -> str:
    """Merge two paths (RFC 3986, 5.2.3 and 5.2.4), refusing to climb above the root."""
    if reference == "":
        return base
    merged = reference if reference.startswith("/") else base[: base.rfind("/") + 1] + reference
    absolute = merged.startswith("/") or rooted
    kept: list[str] = []
    *above, last = merged.removeprefix("/").split("/")
    for part in (*above, last):
        if unquote(part) == "..":
            if not kept:
                raise URLPipelineError(text, "leads above the root")
            kept.pop()
        elif unquote(part) != ".":
            kept.append(part)
    if unquote(last) in {".", ".."}:
        kept.append("")
    return ("/" if absolute else "") + "/".join(kept)


def _check_within(result: list[PipelineSegment], fence: tuple[PipelineSegment, ...], text: str) -> None:
    *above, edge = fence
    inside = [(each.scheme, each.body, each.query) for each in result[: len(above)]] == [
        (each.scheme, each.body, each.query) for each in above
    ]
    if inside and len(result) >= len(fence):
        found = result[len(above)]
        (start, path), (start_edge, path_edge) = split_path(found), split_path(edge)
        top = unquote(path_edge).rstrip("/")
        beneath = top == "" or f"{unquote(path)}/".startswith(f"{top}/")
        inside = (found.scheme, start) == (edge.scheme, start_edge) and beneath
    else:
        inside = False
    if not inside:
        raise URLPipelineError(text, f"leads out of {joined(fence)}")
