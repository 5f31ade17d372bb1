"""What completes an object at a new place takes the place of nothing that somebody else has completed there meanwhile.

Owns how that is found out, and what is done about it. Must not know what else is copied.
"""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from modos.errors import KeyExistsError
from modos.storage import Storage
from modos.storage.base import WriteMode
from modos.storage.info import ObjectInfo
from modos.storage.parts.plan import Body
from modos.transfers.digests import Digests, digests_of, same_content
from modos.transfers.plan import Step

__all__ = ["Completer"]


class Completer:
    """Stores what goes whole; of that, what commits an object which was not there when the target was listed, with care.

    Parameters
    ----------
    target
        To where.
    present
        What the target's listing has, by name.
    read_back
        Returns the BLAKE2b of a file of the target, of its bytes.
    """

    def __init__(
        self, target: Storage, present: Mapping[str, ObjectInfo], read_back: Callable[[ObjectInfo], str]
    ) -> None:
        self._target = target
        self._present = present
        self._read_back = read_back
        self._at_hand = isinstance(target.path, Path)
        self._completed: set[str] = set()

    def put(self, step: Step, body: Body, digests: Digests, options: Mapping[str, Any]) -> ObjectInfo:
        """Store a body, and return what is there then.

        Raises
        ------
        KeyExistsError
            When somebody else has completed something else.
        """
        path = step.file.path
        if not self._is_new(step):
            return self._target.put(body, path, **options)
        if self._at_hand and self._target.exists(path):
            return self._by_others(path, digests)
        # not every disk gives a name to a whole file on condition that there is none
        mode: WriteMode = "overwrite" if self._at_hand else "create"
        try:
            stored = self._target.put(body, path, mode=mode, **options)
        except KeyExistsError as error:
            return self._by_others(path, digests, error)
        self._completed.add(str(path))  # damaged on its way, it is sent again
        return stored

    def look(self, step: Step, digests: Digests) -> None:
        """Look before a service copies a file, which it does on no condition.

        Raises
        ------
        KeyExistsError
            When somebody else has completed something else.
        """
        if self._is_new(step) and self._target.exists(step.file.path):
            self._by_others(step.file.path, digests)

    def _is_new(self, step: Step) -> bool:
        name = str(step.file.path)
        return step.action == "commit" and name not in self._present and name not in self._completed

    def _by_others(self, path: PurePosixPath, digests: Digests, cause: Exception | None = None) -> ObjectInfo:
        """Return what is there; fail unless it is the same: what was copied may be mixed with what they have copied."""
        there = self._target.stat(path)
        known = digests_of(there) or {"blake2b": self._read_back(there)}
        if not same_content(known, digests):
            reason = (
                "something else was completed here while this was copied, and both may have lost files to one another"
            )
            raise KeyExistsError(self._target.url_of(path), reason) from cause
        return there
