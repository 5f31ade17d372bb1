"""Checking as a part of `MODO`.

Owns the methods. Must not know how anything is found out.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from modos.objects.snapshot import Snapshot
from modos.storage import Storage

if TYPE_CHECKING:
    from modos.objects.checks.examination import Depth, Vocabularies
    from modos.objects.checks.findings import CheckReport

__all__ = ["Checking"]

_DAY = timedelta(days=1)


class Checking:
    """What an object can tell of its own condition."""

    _storage: Storage
    _said: Snapshot

    def check(
        self,
        *,
        depth: "Depth" = "indexes",
        repair: bool = False,
        dry_run: bool = False,
        grace: timedelta = _DAY,
        vocabularies: "Vocabularies" = (),
    ) -> "CheckReport":
        """Find out what is wrong with the object, and repair what is safe to repair.

        An object that does not open is checked by `modos.check_object`, or by `modos check`.

        Parameters
        ----------
        depth
            `"listing"` looks into files only where the listing casts doubt on one, `"indexes"` reads the beginning and the
            index of each as well, `"contents"` reads all that have a recorded checksum.
        repair
            Whether to repair; without it nothing is written.
        dry_run
            With `repair`: only tell what would be repaired.
        grace
            What a writer has left that is younger may be that of one who is still at work: it is noted and not touched.
        vocabularies
            Paths of vocabularies, in which terms of theirs must be: OBO, OWL, or text; none by default.

        Examples
        --------
        >>> import tempfile
        >>> from modos import MODO
        >>> MODO.create(f"{tempfile.mkdtemp()}/ex").check().findings
        ()
        """
        from modos.objects.checks.examination import check_object
        from modos.objects.checks.repair import repair_object

        if not repair:
            return check_object(self._storage, depth=depth, grace=grace, vocabularies=vocabularies)
        report = repair_object(self._storage, depth=depth, grace=grace, dry_run=dry_run, vocabularies=vocabularies)
        if report.repairs and not dry_run:
            self._said = Snapshot.read(self._storage)
        return report
