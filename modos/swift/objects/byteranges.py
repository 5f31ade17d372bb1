"""Many ranges: which are read as one, how several are asked for at once, and what comes back (RFC 9110, section 14).

Owns that arithmetic and format as pure functions. Makes no request and knows no service.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from modos.errors import IntegrityError
from modos.swift.http.exchanges import content_range
from modos.swift.protocol import range_header

__all__ = [
    "Part",
    "are_beyond",
    "batches",
    "cut",
    "in_parts",
    "is_plain",
    "merge_ranges",
    "merged_slices",
    "parts_of",
    "ranges_header",
]

type Range = tuple[int, int]
"""Start and exclusive end, neither counted from the end of the object."""

_MOST_RANGES = 50
_MOST_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of an object, as an answer brought them.

    Attributes
    ----------
    start
        Where they begin in the object.
    size
        Bytes of the whole object.
    content
        The bytes.
    """

    start: int
    size: int
    content: memoryview = field(repr=False)


def batches(ranges: Iterable[Range]) -> Iterator[list[Range]]:
    """Yield ranges in their order, as many at a time as one request may ask for.

    Swift answers 50. Beyond 8 MiB, requests side by side are quicker than one answer.

    Examples
    --------
    >>> [len(batch) for batch in batches((n, n + 1) for n in range(0, 240, 2))]
    [50, 50, 20]
    >>> list(batches([(0, 5 << 20), (6 << 20, 10 << 20)]))
    [[(0, 5242880)], [(6291456, 10485760)]]
    """
    batch: list[Range] = []
    length = 0
    for start, end in ranges:
        length += end - start
        if batch and (len(batch) == _MOST_RANGES or length > _MOST_BYTES):
            yield batch
            batch, length = [], end - start
        batch.append((start, end))
    if batch:
        yield batch


def ranges_header(ranges: Sequence[Range]) -> dict[str, str]:
    """Return the `Range` header that asks for several ranges.

    Examples
    --------
    >>> ranges_header([(0, 10), (90, 95)])
    {'Range': 'bytes=0-9,90-94'}
    """
    units = (range_header(start, end)["Range"].removeprefix("bytes=") for start, end in ranges)
    return {"Range": f"bytes={','.join(units)}"}


def parts_of(headers: Mapping[str, str], body: bytes, url: str) -> list[Part]:
    """Return what a partial answer (206) holds: one part, or several that are told apart by a boundary.

    Each part is as long as its `Content-Range` says, so that bytes that look like a boundary are bytes.

    Raises
    ------
    IntegrityError
        It is cut off, a part is not what it says of itself, or the parts are not of one object.
    """
    kind = Message()
    kind["Content-Type"] = headers.get("Content-Type", "")
    if kind.get_content_type() != "multipart/byteranges":
        start, end, size = _span(headers.get("Content-Range", ""), url)
        if end - start != len(body):
            raise IntegrityError(url, f"{len(body):,} bytes came where {end - start:,} were announced")
        return [Part(start, size, memoryview(body))]
    parts = list(_separated(body, b"--" + str(kind.get_boundary("")).encode("latin-1"), url))
    if len({part.size for part in parts}) > 1:
        raise IntegrityError(url, "the parts of one answer are of objects of different sizes")
    return parts


def _separated(body: bytes, delimiter: bytes, url: str) -> Iterator[Part]:
    view, position = memoryview(body), 0
    while True:
        head_end = body.find(b"\r\n\r\n", position)
        lines = body[position : head_end if head_end >= 0 else None].lstrip(b"\r\n").split(b"\r\n")
        if lines[0] == delimiter + b"--":
            return
        if lines[0] != delimiter or head_end < 0:
            raise IntegrityError(url, "an answer of several ranges does not end where it should")
        told = [line.decode("latin-1").partition(":") for line in lines[1:]]
        named = {name.strip().lower(): value.strip() for name, _, value in told}
        start, end, size = _span(named.get("content-range", ""), url)
        position = head_end + 4
        content = view[position : position + end - start]
        if len(content) != end - start:
            raise IntegrityError(url, f"{len(content):,} bytes came where {end - start:,} were announced")
        position += len(content)
        yield Part(start, size, content)


def _span(text: str, url: str) -> tuple[int, int, int]:
    if (told := content_range(text)) is None:
        raise IntegrityError(url, f"an answer says of a range that it is {text or 'nothing'!r}")
    return told


def are_beyond(headers: Mapping[str, str], wanted: Sequence[Range]) -> bool:
    """Whether an answer that has none of the ranges (416) says why: they all begin behind the end of the object.

    Examples
    --------
    >>> are_beyond({"Content-Range": "bytes */10"}, [(10, 12), (20, 30)]), are_beyond({}, [(10, 12)])
    (True, False)
    """
    told = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    return told is not None and all(start >= int(told[1]) for start, _ in wanted)


def in_parts(parts: Sequence[Part], wanted: Range) -> bytes | None:
    """Return a range from the part that holds it, clipped at the end of the object; `None` where no part does.

    Examples
    --------
    >>> part = Part(10, 20, memoryview(b"0123456789"))
    >>> in_parts([part], (12, 14)), in_parts([part], (18, 99)), in_parts([part], (50, 60)), in_parts([part], (9, 11))
    (b'23', b'89', b'', None)
    """
    size = parts[0].size
    start, end = min(wanted[0], size), min(wanted[1], size)
    if start == end:
        return b""
    for part in parts:
        if part.start <= start and end <= part.start + len(part.content):
            return bytes(part.content[start - part.start : end - part.start])
    return None


def merge_ranges(ranges: Iterable[tuple[int, int]], gap: int = 0) -> list[tuple[int, int]]:
    """Return the fewest ranges that cover the given ones, joining those at most `gap` bytes apart.

    Examples
    --------
    >>> merge_ranges([(10, 20), (0, 10), (30, 40)])
    [(0, 20), (30, 40)]
    """
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + gap:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def merged_slices(wanted: Sequence[tuple[str, Any, Any]], gap: int) -> list[tuple[str, Any, Any]]:
    """Return for each slice the request that covers it; slices that count from an end stand alone."""
    by_path: dict[str, list[tuple[int, int]]] = {}
    for path, start, end in wanted:
        if is_plain(start, end):
            by_path.setdefault(path, []).append((start or 0, end))
    merged = {path: merge_ranges(ranges, gap) for path, ranges in by_path.items()}
    return [
        next((path, a, b) for a, b in merged[path] if a <= (start or 0) and end <= b)
        if is_plain(start, end)
        else (path, start, end)
        for path, start, end in wanted
    ]


def is_plain(start: int | None, end: int | None) -> bool:
    """Whether a slice has an end, and neither border counts from the end."""
    return end is not None and 0 <= (start or 0) <= end


def cut(content: Any, key: tuple[str, Any, Any], one: tuple[str, Any, Any]) -> Any:  # noqa: ANN401 - bytes or what stands for them
    """Return one slice of what the request that covers it brought; what is no bytes stands for all slices."""
    if key == one or not isinstance(content, bytes):
        return content
    return content[(one[1] or 0) - key[1] : one[2] - key[1]]
