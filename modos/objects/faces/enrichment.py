"""Metadata from headers of files: which files are read, and the edit that it comes to.

Owns `Enriching`, a part of `MODO`. Must not know formats, nor what becomes of a fact.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from types import NoneType
from typing import TYPE_CHECKING, Any

from modos._given import expect
from modos.errors import EncryptionError, IntegrityError, InvalidInputError, KeyNotFoundError
from modos.model import ElementId
from modos.objects.faces.reading import Reading
from modos.objects.snapshot import Snapshot

if TYPE_CHECKING:
    from modos.objects.editing.draft import Change
    from modos.objects.enriching.proposals import Proposal
    from modos.objects.enriching.report import Enrichment
    from modos.omics.enrichment.facts import Facts

__all__ = ["Enriching"]

_AT_ONCE = 8
_TOLD = (EncryptionError, IntegrityError, InvalidInputError, KeyNotFoundError)
"""What is wrong with one file, and keeps nobody from reading the others."""


class Enriching(Reading):
    """What an object can learn from the headers of its files."""

    def read_header(self, file: str | PurePath) -> dict[str, Any]:
        """Return what the header of a file says, as JSON has it: samples, programs, contigs, columns … by its format.

        Paths of the machine that it was written on are left out.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.

        Raises
        ------
        InvalidInputError
            When there is no such file, or no header is read of files of its format.
        IntegrityError
            When the header is damaged or cut off.
        """
        from modos.omics import read_facts

        name = self._file(str(file))
        facts = read_facts(self._readable(), name)
        if facts is None:
            message = f"of {name!r} no header is read"
            raise InvalidInputError(message)
        return dict(facts.details)

    def enrich_metadata(
        self, *, dry_run: bool = False, overwrite: bool = False, elements: Iterable[str] | None = None
    ) -> "Enrichment":
        """Fill in metadata from the headers of files, in one edit; only headers are read.

        Samples and sequences that files name are added and linked, and slots that are not set are filled. An element is
        found by its id, a sequence by its digest; a name alone makes no match. Made again, it changes nothing.

        Parameters
        ----------
        dry_run
            Whether to tell what would change, and change nothing.
        overwrite
            Whether what a file says replaces what is set. Otherwise it stays, and the report tells of both.
        elements
            Ids of the elements whose files are read; `None` for all.

        Returns
        -------
        Enrichment
            What changes, slot by slot, what stays although a file says something else, and what could not be read.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        StorageError
            When the storage does not answer; a file that is missing or damaged is a note in the report.
        """
        from modos.objects.differences import Difference
        from modos.objects.editing.commit import commit
        from modos.objects.enriching.proposals import propose
        from modos.objects.enriching.report import Enrichment

        self._said = Snapshot.read(self._storage)
        facts, unread = self._facts(elements)
        proposals: list[Proposal] = []

        def plan(base: Snapshot) -> "Change":
            proposals[:] = [propose(base, facts, overwrite=overwrite)]
            return proposals[0].change

        change = plan(self._said)
        if not dry_run:
            self._said = commit(self._storage, plan, base=self._said, message="metadata from the headers of files")
            change = proposals[0].change
        return Enrichment(
            Difference.between(change.base, change.result, dates=False),
            proposals[0].contradictions,
            (*unread, *proposals[0].notes),
            {str(element): dict(found.details) for element, found in facts.items()},
        )

    def _facts(self, elements: Iterable[str] | None) -> "tuple[dict[ElementId, Facts], list[str]]":
        """Return what headers say, by element, and why some could not be read."""
        from concurrent.futures import ThreadPoolExecutor

        from modos.omics import read_facts

        files = self._readable()
        expect(elements, (Iterable, NoneType), "elements are chosen by a list of ids")
        chosen = self._with_files(None if elements is None else [self._said.resolve(each) for each in elements])

        def read(element: ElementId, name: str) -> "Facts | str | None":
            declared = self._said.elements[element].get("data_format")
            try:
                return read_facts(files, name, declared=declared if isinstance(declared, str) else None)
            except _TOLD as error:
                return f"{element}: {error}"

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = dict(zip(chosen, pool.map(read, chosen.keys(), chosen.values()), strict=True))
        unread = [each for each in found.values() if isinstance(each, str)]
        return {key: each for key, each in found.items() if each is not None and not isinstance(each, str)}, unread

    def _with_files(self, only: Sequence[ElementId] | None) -> Mapping[ElementId, str]:
        named = {self._said.resolve(element): name for element, name in self._files().items()}
        return named if only is None else {element: named[element] for element in only if element in named}
