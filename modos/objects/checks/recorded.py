"""What is kept of edits: whether the root document contains all that have a record, and files kept for too long.

Owns these findings, from evidence alone. Must not know what an edit is.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePosixPath

from modos.objects.checks.evidence import Evidence
from modos.objects.checks.findings import Finding, finding
from modos.objects.checks.hierarchy import is_settled
from modos.objects.history.commits import Contained, is_commit_id, time_of
from modos.objects.history.records import record_path
from modos.objects.history.trash import KEPT_FOR
from modos.storage import LOG, TRASH

__all__ = ["record_findings"]


def record_findings(evidence: Evidence, grace: timedelta) -> Iterator[Finding]:
    """Yield the edits that were recorded and are not in the root document, and those whose files are kept for too long.

    Parameters
    ----------
    evidence
        What there is of the object.
    grace
        How long that may be the edit of a writer who is still at work; younger ones are notes.
    """
    yield from _old_trash(evidence)
    root = evidence.root
    if root is None or evidence.body is None:
        return
    contained = Contained.parse(root.log, root.attributes)
    names = (PurePosixPath(name) for name in evidence.listed if name.startswith(f"{LOG}/"))
    commits = sorted(each.stem for each in names if is_commit_id(each.stem))
    made = 1 if root.log is None else 0  # the first made the object: its date may be any, and it is in every root
    for commit in contained.lacking(commits[made:]):
        settled = is_settled(evidence, (record_path(commit),), grace)
        young = "" if settled else "; it is so young that a writer may be at work"
        what = f"this edit was recorded, and the root document does not contain it{young}"
        yield finding("unmerged-commit", commit, what, evidence.url, severity=None if settled else "note")


def _old_trash(evidence: Evidence) -> Iterator[Finding]:
    names = (PurePosixPath(name).relative_to(TRASH) for name in evidence.listed if name.startswith(f"{TRASH}/"))
    counts = Counter(name.parts[0] for name in names)
    for commit in sorted(each for each in counts if is_commit_id(each)):
        if evidence.when - time_of(commit) > KEPT_FOR:
            what = f"{counts[commit]:,} files that it replaced or removed are kept for more than {KEPT_FOR.days} days"
            yield finding("old-trash", commit, what, evidence.url)
