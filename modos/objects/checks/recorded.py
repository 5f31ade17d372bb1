"""What is kept of edits: whether records can be read, and the root document contains their edits; files kept for too long.

Owns these findings. Must not know what an edit is, nor what is done about them.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePosixPath

from modos.errors import DISTRIBUTION, DamagedObjectError, UnsupportedFormatError
from modos.objects.checks.evidence import Evidence
from modos.objects.checks.findings import Finding, Severity, finding
from modos.objects.checks.hierarchy import YOUNG, is_settled
from modos.objects.editing.replacing import INCOMING
from modos.objects.history.commits import Contained, is_commit_id, time_of
from modos.objects.history.records import Unreadable, read_records, record_path, recorded
from modos.objects.history.trash import KEPT_FOR
from modos.storage import TRASH, Storage

__all__ = ["damaged", "record_findings", "unreadable_edits", "waiting"]


def record_findings(storage: Storage, evidence: Evidence, grace: timedelta, *, reads_all: bool) -> Iterator[Finding]:
    """Yield edits whose records cannot be read, or that are not in the root document, and those whose files are kept for too long.

    Parameters
    ----------
    storage
        The root of the object.
    evidence
        What there is of the object.
    grace
        How long that may be the edit of a writer who is still at work; younger ones are notes.
    reads_all
        Whether all records are read; otherwise those that the root document does not contain.
    """
    yield from _old_trash(evidence)
    for name in waiting(evidence):
        settled = is_settled(evidence, (name,), grace)
        what = f"was to take the place of another file, by an edit that was not made{'' if settled else YOUNG}"
        yield finding("orphan-file", name, what, evidence.url, severity=None if settled else "note")
    missing = _unmerged(evidence)
    unreadable: dict[str, Unreadable] = {}
    read_records(storage, recorded(evidence.listed) if reads_all else missing, unreadable=unreadable)
    for commit, error in unreadable.items():
        yield _of_unreadable(evidence, commit, error, is_missing=commit in missing)
    for commit in missing:
        if commit not in unreadable:
            settled = is_settled(evidence, (record_path(commit),), grace)
            what = f"this edit was recorded, and the root document does not contain it{'' if settled else YOUNG}"
            yield finding("unmerged-commit", commit, what, evidence.url, severity=None if settled else "note")


def _unmerged(evidence: Evidence) -> list[str]:
    """Return the commits that have a record and are not in the root document; none where that cannot be read."""
    root = evidence.root
    if root is None or evidence.body is None:
        return []
    commits = recorded(evidence.listed)
    made = 1 if root.log is None else 0  # the first made the object: its date may be any, and it is in every root
    return Contained.parse(root.log, root.attributes).lacking(commits[made:])


def waiting(evidence: Evidence) -> list[str]:
    """Return the files that wait to take the place of others, and do so in vain; none where an edit may need them that is not made yet."""
    if evidence.root is None or evidence.damage or _unmerged(evidence):
        return []
    return [name for name in evidence.listed if name.startswith(f"{INCOMING}/")]


def unreadable_edits(storage: Storage, evidence: Evidence) -> dict[str, Unreadable]:
    """Return the commits that are not in the root document and cannot be read either: no edit is made while they are there."""
    unreadable: dict[str, Unreadable] = {}
    read_records(storage, _unmerged(evidence), unreadable=unreadable)
    return unreadable


def damaged(storage: Storage, evidence: Evidence, grace: timedelta) -> list[str]:
    """Return those of these commits that are damaged, and of nobody who is at work.

    Parameters
    ----------
    storage
        The root of the object.
    evidence
        What there is of it.
    grace
        What is younger is left.
    """
    found = unreadable_edits(storage, evidence).items()
    lost = (commit for commit, error in found if isinstance(error, DamagedObjectError))
    return sorted(commit for commit in lost if is_settled(evidence, (record_path(commit),), grace))


def _of_unreadable(evidence: Evidence, commit: str, error: Unreadable, *, is_missing: bool) -> Finding:
    is_newer = isinstance(error, UnsupportedFormatError)
    if is_missing:
        what = f"{error.reason}; its edit is not in the object, and no other can be made before it is"
    else:
        what = f"{error.reason}; its edit is in the object, and can neither be told nor undone"
    remedy = (
        f"'pip install --upgrade {DISTRIBUTION}'"
        if is_newer
        else "'modos check {url} --repair'"
        if is_missing
        else None
    )
    severity: Severity | None = "error" if is_missing else None
    return finding("unreadable-record", record_path(commit), what, evidence.url, severity=severity, remedy=remedy)


def _old_trash(evidence: Evidence) -> Iterator[Finding]:
    names = (PurePosixPath(name).relative_to(TRASH) for name in evidence.listed if name.startswith(f"{TRASH}/"))
    counts = Counter(name.parts[0] for name in names)
    for commit in sorted(each for each in counts if is_commit_id(each)):
        if evidence.when - time_of(commit) > KEPT_FOR:
            what = f"{counts[commit]:,} files that it replaced or removed are kept for more than {KEPT_FOR.days} days"
            yield finding("old-trash", commit, what, evidence.url)
