"""`Unwritable`: the half of a backend that is the same for whatever can only be read.

Owns that nothing is written, and that the reason is told. Must not know where anything is.
"""

from collections.abc import Sequence
from typing import NoReturn

from modos.errors import ReadOnlyError
from modos.storage.contract.backend import Backend

__all__ = ["Unwritable"]


class Unwritable(Backend):
    """A backend that can only be read; a class beneath says why."""

    read_only = True

    def _put(self, name: str, *_: object, **_options: object) -> NoReturn:
        self._refuse(name)

    def _copy(self, source: str, target: str) -> None:
        self._refuse(target, source)

    def _remove(self, names: Sequence[str]) -> None:
        self._refuse(names[0])

    def _refuse(self, name: str, *_: object) -> NoReturn:
        raise ReadOnlyError(self.url_of(name), self._why_read_only)
