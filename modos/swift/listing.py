"""Containers listed page by page, complete whatever the service's page size.

Owns what a page is and when a listing has ended. Knows nothing of fsspec.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from modos.swift.client import SwiftClient
from modos.swift.protocol import SEGMENTS, is_hidden

__all__ = ["Lister"]

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
            shown = [entry for entry in entries if not is_hidden(_name(entry))] if hide else entries
            if shown or not truncated:
                return shown, truncated
            start_after = max(_AFTER_SEGMENTS, start_after) if entries else start_after
            if not entries:
                return [], False

    async def entries(self, container: str, *, prefix: str = "", delimiter: str = "") -> AsyncIterator[dict[str, Any]]:
        """Yield every entry in the order of names (UTF-8 bytes), asking for pages as they are needed."""
        start_after, more = "", True
        while more:
            entries, more = await self.page(container, prefix=prefix, start_after=start_after, delimiter=delimiter)
            for entry in entries:
                yield entry
            if entries:
                start_after = _name(entries[-1])

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
            answer = await self._client.request("GET", container, params=params, accept={_TOO_MANY})
            if answer.status != _TOO_MANY:
                return list(json.loads(answer.body)) if answer.body.strip() else []
            allowed = re.search(rb"\d+", answer.body)
            smaller = int(allowed[0]) if allowed else asked // 10
            self._page = max(1, min(smaller, asked - 1))


def _name(entry: dict[str, Any]) -> str:
    name: str = entry["name"] if "name" in entry else entry["subdir"]
    return name
