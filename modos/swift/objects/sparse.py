"""Slices of objects, read in few requests: near ones are merged, sparse ones share a request.

Owns which slices go together, and what it has learnt of the service. Knows nothing of fsspec or zarr.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from modos.errors import IntegrityError
from modos.swift.concurrency import together
from modos.swift.objects.byteranges import (
    Range,
    are_beyond,
    batches,
    cut,
    in_parts,
    is_plain,
    merged_slices,
    parts_of,
    ranges_header,
)
from modos.swift.objects.objects import Objects

__all__ = ["Slice", "SparseReader"]

type Slice = tuple[str, int | None, int | None]
"""Path, start and exclusive end with the meaning that slices have in Python."""

_PARTIAL, _REFUSED = 206, frozenset({400, 416})
_NEAR = 64 << 10
"""Gaps up to this are read along: a range of its own takes the service about as long (0.3 ms) as these bytes."""
_NEAR_ALONE = 1 << 20
"""The same where each range takes a request of its own."""


class SparseReader:
    """Reads many slices of the objects of one account.

    Swift answers several ranges; another service that speaks its protocol may answer the first of them, refuse them or
    send the whole object. That is known by its first answer: it is then asked for one at a time, and larger gaps are
    read along.

    Parameters
    ----------
    objects
        The objects.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._answers_several = True

    async def slices(
        self,
        wanted: Sequence[Slice],
        *,
        limit: int,
        gap: int | None = None,
        read: Callable[[str, int | None, int | None], Awaitable[Any]],
        failed: Callable[[Exception], Any],
    ) -> list[Any]:
        """Return what was wanted, in its order.

        Parameters
        ----------
        wanted
            The slices.
        limit
            How many requests are under way at once.
        gap
            Slices of one object at most this many bytes apart are read as one; `None` for what is quickest.
        read
            Reads a slice that is alone.
        failed
            Called with what went wrong; raises it, or returns what stands for the slices.
        """
        near = _NEAR if self._answers_several else _NEAR_ALONE
        requests = merged_slices(wanted, near if gap is None else gap)

        async def fetched(keys: Sequence[Slice]) -> list[Any]:
            try:
                if len(keys) == 1:
                    return [await read(*keys[0])]
                return list(await self.ranges(keys[0][0], [(start or 0, end or 0) for _, start, end in keys]))
            except Exception as error:  # noqa: BLE001 - whoever asks judges it
                return [failed(error)] * len(keys)

        groups = _grouped(list(dict.fromkeys(requests)), shared=self._answers_several)
        answers = await together((partial(fetched, keys) for keys in groups), limit=limit)
        contents = {
            key: content
            for keys, brought in zip(groups, answers, strict=True)
            for key, content in zip(keys, brought, strict=True)
        }
        return [cut(contents[key], key, one) for key, one in zip(requests, wanted, strict=True)]

    async def ranges(self, path: str, wanted: Sequence[Range]) -> list[bytes]:
        """Return ranges of one object, clipped at its end, with one request where the service can do that.

        Raises
        ------
        KeyNotFoundError
            There is no such object.
        IntegrityError
            The bytes do not arrive as promised.
        """
        client = self._objects.client
        answer = await client.request("GET", path, headers=ranges_header(wanted), accept=_REFUSED)
        if answer.status == _PARTIAL:
            where = await self._objects.where(path)
            parts = parts_of(answer.headers, answer.body, where)
            found = [in_parts(parts, one) for one in wanted]
            complete = [one for one in found if one is not None]
            if len(complete) == len(wanted):
                return complete
            if len(parts) > 1:
                raise IntegrityError(where, "a range that was asked for is missing from the answer")
        elif answer.status not in _REFUSED:
            self._answers_several = False
            return [answer.body[start:end] for start, end in wanted]
        elif are_beyond(answer.headers, wanted):
            return [b""] * len(wanted)
        self._answers_several = False
        calls = (partial(self._objects.read, path, *one) for one in wanted)
        return await together(calls, limit=self._objects.concurrency)


def _grouped(keys: Sequence[Slice], *, shared: bool) -> list[list[Slice]]:
    """Return slices as the requests that are to bring them: several of one object share one, where they may."""
    groups: list[list[Slice]] = []
    by_path: dict[str, list[Range]] = {}
    for path, start, end in keys:
        if shared and is_plain(start, end) and end != (start or 0):
            by_path.setdefault(path, []).append((start or 0, end or 0))
        else:
            groups.append([(path, start, end)])
    for path, ranges in by_path.items():
        groups += [[(path, *one) for one in batch] for batch in batches(sorted(ranges))]
    return groups
