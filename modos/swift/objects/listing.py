"""Containers listed page by page, complete whatever the service's page size.

Owns what a page is and when a listing has ended. Knows nothing of fsspec.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from modos.errors import IntegrityError
from modos.swift.http.client import SwiftClient
from modos.swift.protocol import SEGMENTS, Info, directory_info, info_from_entry, is_hidden

__all__ = ["Lister", "found_in", "infos_of", "raw_name"]

_TOO_MANY = 412
_LARGEST_PAGE = 10_000
_SMALLEST_CAP = 1_000
_AFTER_SEGMENTS = SEGMENTS + "\U0010ffff"


class Lister:
    """Listings of one account; learns how long a page of this service may be.

    Parameters
    ----------
    client
        Makes the requests.
    """

    def __init__(self, client: SwiftClient) -> None:
        self._client = client
        self._page = _LARGEST_PAGE
        self._proven = 0

    async def page(
        self, container: str, *, prefix: str = "", start_after: str = "", limit: int | None = None, delimiter: str = ""
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the entries of one page and whether there may be more.

        One request, except that a service with shorter pages refuses the first: its page size is then known. The
        hidden prefix of segments is left out unless `prefix` names it; where it fills a page, the next is asked for.

        Parameters
        ----------
        container
            The container; empty for the containers of the account.
        prefix, delimiter
            As Swift understands them.
        start_after
            Name after which the page begins, exclusive; empty for the beginning.
        limit
            Number of entries at most; `None` for as many as the service gives.

        Raises
        ------
        KeyNotFoundError
            There is no such container.
        """
        hide = bool(container) and not is_hidden(prefix + "/")
        while True:
            entries = await self._asked(container, prefix, start_after, limit, delimiter)
            wanted = min(limit or self._page, self._page)
            truncated = len(entries) >= min(wanted, max(_SMALLEST_CAP, self._proven))
            self._proven = max(self._proven, len(entries))
            shown = [entry for entry in entries if not is_hidden(raw_name(entry))] if hide else entries
            if shown or not truncated:
                return shown, truncated
            start_after = max(_AFTER_SEGMENTS, start_after) if entries else start_after
            if not entries:
                return [], False

    async def entries(
        self, container: str, *, prefix: str = "", delimiter: str = "", limit: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield every entry in the order of names (UTF-8 bytes), asking for pages of `limit` entries as they are needed."""
        start_after, more = "", True
        while more:
            entries, more = await self.page(
                container, prefix=prefix, start_after=start_after, limit=limit, delimiter=delimiter
            )
            for entry in entries:
                yield entry
            if entries:
                start_after = raw_name(entries[-1])

    async def _asked(
        self, container: str, prefix: str, start_after: str, limit: int | None, delimiter: str
    ) -> list[dict[str, Any]]:
        while True:
            asked = min(limit or self._page, self._page)
            params: dict[str, str | int] = {"format": "json", "limit": asked}
            params |= {
                name: value
                for name, value in (("prefix", prefix), ("marker", start_after), ("delimiter", delimiter))
                if value
            }
            answer = await self._client.request(
                "GET", container, params=params, accept={_TOO_MANY} if asked > 1 else ()
            )
            if answer.status != _TOO_MANY:
                return _entries(container, answer.body)
            allowed = re.search(rb"\d+", answer.body)
            smaller = int(allowed[0]) if allowed else asked // 10
            self._page = max(1, min(smaller, asked - 1))


def _entries(container: str, body: bytes) -> list[dict[str, Any]]:
    try:
        return list(json.loads(body)) if body.strip() else []
    except ValueError as error:
        raise IntegrityError(container, "its listing did not arrive as it was sent") from error


def raw_name(entry: Mapping[str, Any]) -> str:
    """Return the name of an entry as the service has it, with the slash at its end where there is one."""
    name: str = entry["name"] if "name" in entry else entry["subdir"]
    return name


def infos_of(container: str, entries: Sequence[Mapping[str, Any]], prefix: str) -> list[Info]:
    """Return the infos of entries, each name once; the marker object of the prefix itself is not beneath it."""
    if not container:
        return [directory_info(entry["name"], objects=entry["count"], bytes=entry["bytes"]) for entry in entries]
    infos: dict[str, Info] = {}
    for entry in entries:
        if raw_name(entry) != prefix:
            info = info_from_entry(container, entry)
            infos.setdefault(info["name"], info)
    return list(infos.values())


def found_in(
    container: str, beneath: str, entry: Mapping[str, Any], *, maxdepth: int | None, withdirs: bool
) -> dict[str, Info]:
    """Return the infos that one entry of a flat listing adds to `find`: its directories, and itself."""
    info = info_from_entry(container, entry)
    inner = info["name"].removeprefix(f"{container}/{beneath}")
    if raw_name(entry) == beneath:
        return {}
    parts = inner.split("/")
    added: dict[str, Info] = {}
    if withdirs:
        for depth in range(1, min(len(parts), (maxdepth or len(parts)) + 1)):
            name = f"{container}/{beneath}{'/'.join(parts[:depth])}"
            added[name] = directory_info(name)
    if (maxdepth is None or len(parts) <= maxdepth) and (withdirs or info["type"] == "file"):
        added[info["name"]] = info
    return added
