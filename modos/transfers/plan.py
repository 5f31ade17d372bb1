"""What a transfer will do: a pure function from two listings to ordered steps.

Owns which files are written or removed, in which order, and what that costs. Must not know how a step is carried out,
and does no I/O.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from modos.errors import KeyNotFoundError
from modos.storage.base import ROOT_DOCUMENT
from modos.storage.info import ObjectInfo
from modos.transfers.digests import digests_of, is_composite, same_content

__all__ = [
    "Action",
    "Carrier",
    "Commit",
    "Costs",
    "Leftovers",
    "Plan",
    "Step",
    "Treatment",
    "in_turn",
    "plan_transfer",
    "treatment_of",
]

type Action = Literal["skip", "create", "replace", "commit", "remove"]
type Carrier = Literal["client", "service"]
type Leftovers = Literal["keep", "remove"]
type Commit = str | Sequence[str] | None
type Treatment = Literal["left out", "mirrored"]
type Same = Callable[[ObjectInfo, ObjectInfo], bool]

_WRITTEN: frozenset[Action] = frozenset({"create", "replace", "commit"})


@dataclass(frozen=True, slots=True)
class Step:
    """One file, and what is done about it.

    Attributes
    ----------
    action
        `"skip"`: leave what is the same already. `"create"`: write a name that is new at the target. `"replace"`: write
        one that is there. `"commit"`: write the file that makes the rest count. `"remove"`: remove a name that only the
        target has.
    file
        As it was listed: at the source, or at the target when it is removed.
    by
        Whether its bytes pass through the `"client"`, or the `"service"` copies them by itself.
    """

    action: Action
    file: ObjectInfo
    by: Carrier = "client"


@dataclass(frozen=True, slots=True)
class Costs:
    """What one storage charges, in requests.

    Attributes
    ----------
    page_size
        Names in a page of a listing; `None` for a storage that is asked without requests, such as a disk.
    part_size
        Returns the bytes of a part for a file of a size; files up to one part go whole.
    at_once
        Names that one request removes.
    """

    page_size: int | None = None
    part_size: Callable[[int], int] = lambda size: max(size, 1)
    at_once: int = 1000

    def listing(self, files: int) -> int:
        """Return how many requests a listing takes."""
        return 0 if self.page_size is None else max(1, -(-files // self.page_size))

    def parts(self, size: int) -> int:
        """Return in how many pieces a file goes."""
        return max(1, -(-size // self.part_size(size)))


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
    requests
        About how many requests it takes, the listings included; those that are made again after a failure are not
        counted.
    """

    steps: tuple[Step, ...]
    requests: int = 0

    @property
    def files(self) -> int:
        """How many files are written."""
        return sum(step.action in _WRITTEN for step in self.steps)

    @property
    def bytes(self) -> int:
        """How many bytes are written."""
        return sum(step.file.size for step in self.steps if step.action in _WRITTEN)

    @property
    def skipped(self) -> int:
        """How many files are the same already."""
        return len(self.files_to("skip"))

    @property
    def skipped_bytes(self) -> int:
        """How many bytes those have."""
        return sum(file.size for file in self.files_to("skip"))

    @property
    def removed(self) -> int:
        """How many files are removed."""
        return len(self.files_to("remove"))

    def steps_to(self, action: Action) -> tuple[Step, ...]:
        """Return the steps of one action, in order."""
        return tuple(step for step in self.steps if step.action == action)

    def files_to(self, action: Action) -> tuple[ObjectInfo, ...]:
        """Return the files of one action, in order."""
        return tuple(step.file for step in self.steps if step.action == action)

    @property
    def lines(self) -> list[str]:
        """The plan in words, a line for each step but what is left as it is, and one with the sums; names are as they are."""
        steps = [
            f"{step.action:<8} {step.file.path} ({step.file.size:,} bytes{', by the service' * (step.by == 'service')})"
            for step in self.steps
            if step.action != "skip"
        ]
        written = f"{_files(self.files)}, {self.bytes:,} bytes to write"
        there = f"{_files(self.skipped)}, {self.skipped_bytes:,} bytes are there already"
        sums = [written, f"{_files(self.removed)} to remove", there, f"about {self.requests:,} requests"]
        return [*steps, "; ".join(sums)]

    def describe(self) -> str:
        """Return the plan in words, as `lines` has them.

        Examples
        --------
        >>> from pathlib import PurePosixPath
        >>> reads, root = (ObjectInfo(PurePosixPath(name), size=1200) for name in ("reads.cram", "zarr.json"))
        >>> print(plan_transfer([root, reads], [], commit="zarr.json").describe())
        create   reads.cram (1,200 bytes)
        commit   zarr.json (1,200 bytes)
        2 files, 2,400 bytes to write; 0 files to remove; 0 files, 0 bytes are there already; about 0 requests
        """
        return "\n".join(self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the sums and the steps as JSON takes them; what is left as it is only in the sums."""
        counts = {name: getattr(self, name) for name in ("files", "bytes", "skipped", "skipped_bytes", "removed")}
        steps = [
            {"action": step.action, "path": str(step.file.path), "size": step.file.size, "by": step.by}
            for step in self.steps
            if step.action != "skip"
        ]
        return {**counts, "requests": self.requests, "steps": steps}


def by_listing(one: ObjectInfo, other: ObjectInfo) -> bool:
    """Tell whether two files are the same by what the listings say of them."""
    return one.size == other.size and same_content(digests_of(one), digests_of(other))


def in_turn(commit: Commit) -> Sequence[str]:
    """Return the names of the files that make the others count, the last of which completes them.

    Examples
    --------
    >>> in_turn(None), in_turn("zarr.json")
    ((), ('zarr.json',))
    """
    return (commit,) if isinstance(commit, str) else tuple(commit or ())


def plan_transfer(
    source: Iterable[ObjectInfo],
    target: Iterable[ObjectInfo],
    *,
    commit: Commit = ROOT_DOCUMENT,
    special: Mapping[str, Treatment] = MappingProxyType({}),
    leftovers: Leftovers = "keep",
    same: Same = by_listing,
    by: Carrier = "client",
    costs: tuple[Costs, Costs] | None = None,
) -> Plan:
    """Decide what a transfer does.

    Parameters
    ----------
    source, target
        Complete listings of the two places, as `Storage.scan` yields them.
    commit
        Name of the file that makes the others count, which is written last; of several, of which the source must have
        the last, each follows the other. `None` when there is none such.
    special
        Name of a directory to what is done about it: what is in one that is `"left out"` is not copied, and one that is
        `"mirrored"` has at the target what it has at the source and nothing else, whatever becomes of `leftovers`.
    leftovers
        Whether to `"keep"` or to `"remove"` what is at the target and not at the source.
    same
        Tells whether a file of the source and one of the target are the same for certain; such a one is skipped.
    by
        Who moves the bytes.
    costs
        What source and target charge; `None` to leave requests uncounted.

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
    wanted = {str(info.path): info for info in source if treatment_of(info, special) != "left out"}
    present = {str(info.path): info for info in target}
    completing = in_turn(commit)
    if completing and completing[-1] not in wanted:
        raise KeyNotFoundError(
            completing[-1], "the source has no such file, and it is the one that completes the target"
        )
    sorted_out: dict[Action, list[ObjectInfo]] = {"skip": [], "create": [], "replace": [], "commit": [], "remove": []}
    for name, info in wanted.items():
        sorted_out[_action(name, info, present.get(name), completing, same)].append(info)
    sorted_out["remove"] = [
        info
        for name, info in present.items()
        if name not in wanted and (leftovers == "remove" or treatment_of(info, special) == "mirrored")
    ]
    for action, files in sorted_out.items():
        files.sort(key=(lambda info: (0, info.path)) if action == "remove" else (lambda info: (-info.size, info.path)))
    sorted_out["commit"].sort(key=lambda info: completing.index(str(info.path)))
    steps = tuple(
        Step(action, file, by if action in _WRITTEN else "client")
        for action, files in sorted_out.items()
        for file in files
    )
    requests = 0 if costs is None else _requests(steps, len(wanted), len(present), *costs)
    return Plan(steps, requests)


def treatment_of(file: ObjectInfo, special: Mapping[str, Treatment]) -> Treatment | None:
    """Return how a file is treated that is in a directory of its own kind; `None` for all others."""
    return next((how for name, how in special.items() if file.path.is_relative_to(name)), None)


def _action(name: str, file: ObjectInfo, there: ObjectInfo | None, completing: Sequence[str], same: Same) -> Action:
    if there is not None and same(file, there):
        return "skip"
    if name in completing:
        return "commit"
    return "create" if there is None else "replace"


def _requests(steps: Iterable[Step], wanted: int, present: int, source: Costs, target: Costs) -> int:
    """Return about how many requests the steps take: of listings, reads, writes, and removals."""
    counts: Counter[Action] = Counter()
    moved = 0
    for step in steps:
        counts[step.action] += 1
        if step.action in _WRITTEN:
            moved += _requests_of(step, source, target)
    changed = bool(moved)
    again = source.listing(wanted) * (changed + bool(counts["replace"]))  # to see whether the source changed meanwhile
    removals = 0 if target.page_size is None else -(-counts["remove"] // target.at_once)
    return source.listing(wanted) + again + target.listing(present) + moved + removals


def _requests_of(step: Step, source: Costs, target: Costs) -> int:
    if step.by == "service" and not is_composite(step.file):
        return 3  # a look at what is copied, the copy, and a look at what it has made
    pieces = target.parts(step.file.size)
    if step.by == "service":
        return pieces + 3
    reads = 0 if source.page_size is None else pieces
    writes = 0 if target.page_size is None else 1 if pieces == 1 else pieces + 3  # begin, commit, look
    return reads + writes


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
