"""What a transfer will do: a pure function from two listings to ordered steps.

Owns which files are written or removed, and in which order. Must not know how a step is carried out, and does no I/O.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from modos.errors import KeyNotFoundError
from modos.storage.base import ROOT_DOCUMENT
from modos.storage.info import ObjectInfo

__all__ = ["Action", "Leftovers", "Plan", "Step", "plan_transfer"]

type Action = Literal["create", "replace", "commit", "remove"]
type Leftovers = Literal["keep", "remove"]


@dataclass(frozen=True, slots=True)
class Step:
    """One file, and what is done about it.

    Attributes
    ----------
    action
        `"create"`: write a name that is new at the target. `"replace"`: write one that is there. `"commit"`: write
        the file that makes the rest count. `"remove"`: remove a name that only the target has.
    file
        As it was listed: at the source, or at the target when it is removed.
    """

    action: Action
    file: ObjectInfo


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a transfer, in order.

    What is new comes before what replaces something, so that a transfer that fails early has changed nothing that was
    there; the file that makes the rest count follows, and only then is anything removed. Large files lead, so that
    none is left alone at the end.

    Attributes
    ----------
    steps
        All of them, each action in one run.
    """

    steps: tuple[Step, ...]

    @property
    def files(self) -> int:
        """How many files are written."""
        return sum(step.action != "remove" for step in self.steps)

    @property
    def bytes(self) -> int:
        """How many bytes are written."""
        return sum(step.file.size for step in self.steps if step.action != "remove")

    def files_to(self, action: Action) -> tuple[ObjectInfo, ...]:
        """Return the files of one action, in order."""
        return tuple(step.file for step in self.steps if step.action == action)

    def describe(self) -> str:
        """Return the plan in words, a line for each step and one with the sums: what a dry run shows.

        Examples
        --------
        >>> from pathlib import PurePosixPath
        >>> reads, root = (ObjectInfo(PurePosixPath(name), size=1200) for name in ("reads.cram", "zarr.json"))
        >>> print(plan_transfer([root, reads], [], commit="zarr.json").describe())
        create   reads.cram (1,200 bytes)
        commit   zarr.json (1,200 bytes)
        2 files, 2,400 bytes to write; 0 files to remove
        """
        lines = [f"{step.action:<8} {step.file.path} ({step.file.size:,} bytes)" for step in self.steps]
        removed = len(self.steps) - self.files
        return "\n".join(
            [*lines, f"{_files(self.files)}, {self.bytes:,} bytes to write; {_files(removed)} to remove"],
        )


def plan_transfer(
    source: Iterable[ObjectInfo],
    target: Iterable[ObjectInfo],
    *,
    commit: str | None = ROOT_DOCUMENT,
    leftovers: Leftovers = "keep",
) -> Plan:
    """Decide what a transfer does.

    Parameters
    ----------
    source, target
        Complete listings of the two places, as `Storage.scan` yields them.
    commit
        Name of the file that makes the others count, which is written last; `None` when there is none such.
    leftovers
        Whether to `"keep"` or to `"remove"` what is at the target and not at the source.

    Raises
    ------
    KeyNotFoundError
        When the source has no such file to commit with: it is not whole itself.

    Examples
    --------
    >>> from pathlib import PurePosixPath
    >>> here = [ObjectInfo(PurePosixPath(name)) for name in ("data.zarr/zarr.json", "new", "old")]
    >>> there = [ObjectInfo(PurePosixPath(name)) for name in ("gone", "old")]
    >>> [(step.action, str(step.file.path)) for step in plan_transfer(here, there, leftovers="remove").steps]
    [('create', 'new'), ('replace', 'old'), ('commit', 'data.zarr/zarr.json'), ('remove', 'gone')]
    """
    wanted = {str(info.path): info for info in source}
    present = {str(info.path): info for info in target}
    if commit is not None and commit not in wanted:
        raise KeyNotFoundError(commit, "the source has no such file, and it is the one that completes the target")
    last = [] if commit is None else [wanted.pop(commit)]
    gone = [info for name, info in present.items() if name not in wanted and name != commit]
    ordered: dict[Action, Iterable[ObjectInfo]] = {
        "create": _largest_first(info for name, info in wanted.items() if name not in present),
        "replace": _largest_first(info for name, info in wanted.items() if name in present),
        "commit": last,
        "remove": sorted(gone, key=lambda info: info.path) if leftovers == "remove" else [],
    }
    return Plan(tuple(Step(action, file) for action, files in ordered.items() for file in files))


def _largest_first(infos: Iterable[ObjectInfo]) -> list[ObjectInfo]:
    return sorted(infos, key=lambda info: (-info.size, info.path))


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
