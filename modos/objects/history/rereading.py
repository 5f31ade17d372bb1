"""Reading an object again: what it says now, and at least what was seen in it before.

Owns what is done about a root document that lacks edits for a moment. Changes nothing, and must not know who reads.
"""

from modos.objects.history.commits import undecided_since
from modos.objects.snapshot import Snapshot
from modos.storage import Storage

__all__ = ["read_again"]


def read_again(storage: Storage, seen: Snapshot) -> Snapshot:
    """Return what an object says, with all edits that were seen in it and have not been withdrawn since.

    One request. Where another writer has just overwritten the root document with one that lacks such an edit, and has not
    looked again yet, the log is read as well; otherwise who edits twice would clash with himself.

    Parameters
    ----------
    storage
        The root of the object.
    seen
        What it said before.

    Raises
    ------
    ObjectNotFoundError
        When there is no object any more.
    DamagedObjectError
        When its metadata cannot be read.
    """
    said = Snapshot.read(storage, seen)
    before, now = seen.contained, said.contained
    if before.commits <= now.commits or not now.lacking(before.commits):
        return said
    from modos.objects.history.merging import merged
    from modos.objects.history.records import read_records, record_ids

    lacking = read_records(storage, now.lacking(record_ids(storage, now.floor)))
    return merged(said, lacking, undecided_since=undecided_since()).said
