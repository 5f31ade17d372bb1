"""Names of commits, which sort by time, and which of them a root document contains.

Owns that name and that knowledge, as values. Must not know what a commit changed, nor where anything is stored.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

from modos.model.schema import LAST_UPDATE

__all__ = ["HORIZON", "Contained", "is_commit_id", "new_commit_id", "time_of", "undecided_since"]

HORIZON = timedelta(hours=1)
"""How long a root document names the commits that it contains; older ones all count as contained."""

_DECIDING = timedelta(minutes=1)
"""How long a writer may take, from the name of an edit on, to give way to another; then he is taken for killed."""

_MOST = 500
"""How many it names at most, so that neither it nor a listing of the log grows with the number of edits."""

_ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}")
_FLOOR = re.compile(rf"({_ID.pattern}|\d{{8}}T\d{{6}}~)?")
_TIME = "%Y%m%dT%H%M%S.%fZ"
_TIME_LENGTH = len("20261121T143500.123456Z")
_SECOND_LENGTH = len("20261121T143500")
_BEHIND = "~"
"""Sorts behind all that a name of a commit may go on with."""


def new_commit_id(after: str = "", *, now: datetime | None = None) -> str:
    """Return a name for a commit that no other has, behind all that it was planned on.

    Parameters
    ----------
    after
        The newest commit that is known, or the floor of `Contained`. A clock that is slow against that of the machine
        that made it is put right; `""` for none.
    now
        The time; `None` for that of this machine.

    Examples
    --------
    >>> name = new_commit_id("20991231T235959.000000Z-ffffffff")
    >>> name[:22], is_commit_id(name)
    ('20991231T235959.000001', True)
    """
    moment = now or datetime.now(UTC)
    if after:
        moment = max(moment, _first_behind(after))
    return f"{moment.strftime(_TIME)}-{secrets.token_hex(4)}"


def undecided_since() -> datetime:
    """Return the moment from which on the writer of an edit may still be about to give way to another."""
    return datetime.now(UTC) - _DECIDING


def is_commit_id(text: str) -> bool:
    """Tell whether a text is the name of a commit, of which each begins with a moment.

    Examples
    --------
    >>> is_commit_id("20261121T143500.123456Z-1a2b3c4d"), is_commit_id("20269931T235959.999999Z-00000000")
    (True, False)
    """
    if _ID.fullmatch(text) is None:
        return False
    try:
        time_of(text)
    except ValueError:
        return False
    return True


def time_of(commit: str) -> datetime:
    """Return when a commit was made, by the clock of who made it.

    Examples
    --------
    >>> time_of("20261121T143500.123456Z-1a2b3c4d").isoformat()
    '2026-11-21T14:35:00.123456+00:00'
    """
    return datetime.fromisoformat(commit[:_TIME_LENGTH])


@dataclass(frozen=True)
class Contained:
    """Which commits a root document contains.

    Attributes
    ----------
    floor
        This commit and all before it count as contained.
    commits
        Those behind it that are contained.
    """

    floor: str = ""
    commits: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, document: object, attributes: Mapping[str, Any]) -> Self:
        """Read what a root document says of it.

        A program that knows nothing of this drops it when it writes the root document. It has then seen all edits until
        the `last_update_date` that it kept, and what it wrote is right.

        Parameters
        ----------
        document
            What stands under `modos` in the consolidated metadata; `None` when nothing does.
        attributes
            Those of the object.
        """
        if isinstance(document, dict):
            floor, commits = document.get("floor"), document.get("contains")
            if isinstance(floor, str) and _FLOOR.fullmatch(floor) and isinstance(commits, list):
                return cls(floor, frozenset(each for each in commits if isinstance(each, str) and is_commit_id(each)))
        return cls(_second_of(attributes.get(LAST_UPDATE)))

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self.commits)

    def dump(self) -> dict[str, Any]:
        """Return what stands in the root document."""
        return {"floor": self.floor, "contains": self._in_order}

    def __contains__(self, commit: object) -> bool:
        return isinstance(commit, str) and (commit <= self.floor or commit in self.commits)

    @property
    def newest(self) -> str:
        """The newest commit that is known, or the floor."""
        return self._in_order[-1] if self.commits else self.floor

    @property
    def heads(self) -> list[str]:
        """The newest commits: what a record names as that which it was planned on."""
        return self._in_order[-_HEADS:]

    def lacking(self, commits: Iterable[str]) -> list[str]:
        """Return the commits that are not contained, in order."""
        return sorted(each for each in commits if each not in self)

    def with_commits(self, commits: Collection[str]) -> Self:
        """Return the same with more commits; those beyond the horizon become the floor.

        Where the time leaps, as by the clock of a machine that is hours ahead, the horizon waits for some more commits: a
        record that is being stored just now has a name of before.
        """
        if not commits:
            return self
        known = sorted([*self._in_order, *set(commits).difference(self.commits)])
        leaps = (before for before, behind in pairwise(known[-_HEADS:]) if time_of(behind) - time_of(before) > HORIZON)
        oldest = (time_of(next(leaps, known[-1])) - HORIZON).strftime(_TIME)
        kept = [each for each in known[-_MOST:] if each > oldest]
        gone = known[: len(known) - len(kept)]
        return type(self)(max([self.floor, *gone]), frozenset(kept))

    def without(self, commit: str) -> Self:
        """Return the same without a commit that was withdrawn."""
        return type(self)(self.floor, self.commits - {commit})


_HEADS = 16


def _first_behind(commit: str) -> datetime:
    """Return the first moment that is certainly behind a commit or a floor."""
    try:
        if is_commit_id(commit):
            return time_of(commit) + timedelta(microseconds=1)
        second = datetime.strptime(commit.rstrip(_BEHIND), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return second + timedelta(seconds=1)
    except (ValueError, OverflowError):  # it names no moment
        return datetime.min.replace(tzinfo=UTC)


def _second_of(date: object) -> str:
    """Return the floor behind which there is nothing of a date's own second; `""` when it is no date."""
    try:
        moment = datetime.fromisoformat(str(date))
    except ValueError:
        return ""
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime(_TIME)[:_SECOND_LENGTH] + _BEHIND
