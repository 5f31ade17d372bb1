"""A directory of a web server whose address has a query, which goes with every request beneath it.

Owns that. Must not know what the query means.
"""

from pathlib import PurePath
from typing import Any, Self

from modos.storage.backends.http import HTTPStorage
from modos.storage.base import Storage
from modos.storage.paths import target_name

__all__ = ["QueriedStorage"]


class QueriedStorage(HTTPStorage):
    """A directory of a web server, and a query."""

    _query = ""

    @classmethod
    def of(cls, storage: Storage, query: str) -> Self:
        """Return a directory with a query."""
        assert isinstance(storage, HTTPStorage)
        options: dict[str, Any] = storage._options  # noqa: SLF001 - the class beneath
        queried = cls(storage.url, **options)
        queried._query = query
        return queried

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file, percent-encoded, with the query."""
        return f"{super().url_of(target)}?{self._query}"

    def _identity(self) -> tuple[object, ...]:
        return (*super()._identity(), self._query)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def __truediv__(self, target: str | PurePath) -> Self:
        options: dict[str, Any] = self._options
        beneath = type(self)(super().url_of(target_name(target)), **options)
        beneath._query = self._query
        beneath._opened = self._opened
        return beneath
