"""An edit as a block: what is staged in it becomes visible at its end, all of it or nothing.

Owns the life of such an edit, and telling which line staged what. Must not know how it is planned or written.
"""

import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import NoneType, TracebackType
from typing import Any, Literal, Protocol, Self

from modos._given import expect
from modos.errors import InvalidInputError, ModosError
from modos.objects.differences import Difference
from modos.objects.editing.change import Change
from modos.objects.editing.commit import commit
from modos.objects.editing.draft import Draft
from modos.objects.editing.effects import foreseen
from modos.objects.editing.staging import Staging
from modos.objects.history.purging import purge
from modos.objects.history.rereading import read_again
from modos.objects.snapshot import Snapshot
from modos.storage import Storage

__all__ = ["Edit", "Held"]

type _Step = Callable[[Draft], Any]

_UNDER_WAY: ContextVar[tuple["Edit", ...]] = ContextVar("edits under way", default=())


class Held(Protocol):
    """Who has the object: it tells where that is, and takes note of what the object says once it is edited."""

    _said: Snapshot

    @property
    def storage(self) -> Storage:
        """The storage whose root is the object."""


class Edit(Staging):
    """Several changes of one object, made as one: `with modo.edit() as edit:`.

    Each call is checked on what the object would then say, and stages nothing when it is refused; the block can go on.
    Nothing is written before the block ends. Then files and groups are, and the root document last: others see all of the
    edit or nothing of it. An exception in the block, or a refusal at its end, leaves the object as it was.

    What others change while the block runs stays: the edit is merged with it, and refused where both change the same.

    Parameters
    ----------
    held
        Who has the object.
    message
        What the edit is for, kept with the commit; `None` for nothing.

    Raises
    ------
    InvalidInputError
        From every call once the block has ended, or before it began; and from a second edit of the same `MODO` that begins
        within the block, single calls such as `modo.add_element` included. Other threads, and other instances, can edit
        meanwhile.

    Examples
    --------
    >>> import tempfile
    >>> from modos import MODO
    >>> modo = MODO.create(f"{tempfile.mkdtemp()}/ex")
    >>> with modo.edit() as edit:
    ...     sample = edit.add({"@type": "Sample", "id": "s1"})
    ...     assay = edit.add({"@type": "Assay", "id": "a1", "omics_type": "GENOMICS"}, part_of="ex")
    ...     edit.link(assay, sample)
    >>> modo.metadata["assay/a1"]["has_sample"]
    ['sample/s1']
    """

    def __init__(self, held: Held, message: str | None = None) -> None:
        self._held = held
        expect(message, (str, NoneType), "what an edit is for is said by text")
        self._message = message
        self._state: Literal["new", "open", "finished"] = "new"
        self._turn = threading.RLock()
        self._is_discarded = False
        self._steps: list[tuple[_Step, str]] = []

    # -- the block --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._state != "new":
            raise InvalidInputError("this edit has had its block; begin another with modo.edit()")
        if any(each._held is self._held for each in _UNDER_WAY.get()):  # noqa: SLF001 - of this class
            reason = "an edit of this object is under way here; stage it in that one, as in edit.add(…) for add_element"
            raise InvalidInputError(reason)
        self._base = read_again(self._held.storage, self._held._said)  # noqa: SLF001 - whose part this is
        self._base.refuse_older()
        self._draft = Draft(self._base)
        self._state = "open"
        _UNDER_WAY.set((*_UNDER_WAY.get(), self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _UNDER_WAY.set(tuple(each for each in _UNDER_WAY.get() if each is not self))
        with self._turn:
            self._state = "finished"
        if error is None and not self._is_discarded:
            self._held._said = commit(  # noqa: SLF001 - whose part this is
                self._held.storage, self._plan, base=self._base, message=self._message
            )
            if gone := self._draft.gone_for_good:
                try:
                    purge(self._held.storage, gone)
                except ModosError as failure:
                    failure.add_note("the edit itself is made; what earlier ones keep of what it purges may be left")
                    raise

    def _plan(self, base: Snapshot) -> Change:
        if base is self._base or base == self._base:
            return self._draft.change()
        draft = Draft(base)
        for step, line in self._steps:
            try:
                step(draft)
            except ModosError as error:
                error.add_note(f"others have changed the object since the edit began; this was staged at {line}")
                raise
        return draft.change()

    def _stage[T](self, step: Callable[[Draft], T]) -> T:
        with self._turn:
            self._refuse_unless_open()
            with self._draft.whole_step():
                result = step(self._draft)
            self._steps.append((step, _line()))
            return result

    def _refuse_unless_open(self) -> None:
        if self._state != "open":
            when = "has not begun; it does in a with statement" if self._state == "new" else "is finished"
            raise InvalidInputError(f"this edit {when}; modo.edit() makes another")

    def difference(self) -> Difference:
        """Return what the block would change so far, slot by slot and file by file; files are looked at, none is written.

        Raises
        ------
        ModosError
            When the edit would be refused for its files.
        """
        with self._turn:
            self._refuse_unless_open()
            return foreseen(self._held.storage, self._draft.change_so_far())

    def discard(self) -> None:
        """Let nothing be changed when the block ends, for a trial of what an edit would come to."""
        with self._turn:
            self._refuse_unless_open()
            self._is_discarded = True

    # -- what it is so far --------------------------------------------------------------------------------------------

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """What the object would say, by id; without checksums of new files and the new date. A copy."""
        with self._turn:
            self._refuse_unless_open()
            return self._draft.said().metadata()


def _line() -> str:
    """Return file and line of the first caller outside this package."""
    frame = sys._getframe(2)  # noqa: SLF001 - what inspect does, a thousand times slower
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("modos."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
