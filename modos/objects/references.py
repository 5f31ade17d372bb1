"""Reference genomes as they join an object: the FASTA file read once, and each of its sequences described by its content.

Owns what becomes of the sequences. Must not know how a FASTA file is read.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from modos.errors import (
    FileConflictError,
    IntegrityError,
    InvalidElementError,
    InvalidInputError,
    KeyExistsError,
    KeyNotFoundError,
    ModosError,
)
from modos.model import ElementId
from modos.model.ids import check_name
from modos.objects.editing.commit import commit
from modos.objects.editing.draft import Change, Draft
from modos.objects.editing.examining import has_content
from modos.objects.editing.files import FileNames, SourceFile
from modos.objects.snapshot import Snapshot
from modos.omics.refget import FastaIntake, SequenceDigest
from modos.omics.refget.intake import stored_name
from modos.omics.regions.bgzf import PACKING_HEAD, packing_of
from modos.storage import Storage
from modos.storage.sources import Digested, chunks_of

__all__ = ["Asked", "add_reference"]

_GENOME, _SEQUENCE = "ReferenceGenome", "ReferenceSequence"
_NO_ID = re.compile(r"[/\\]|[^\x20-\uffff]")
_ENDS = re.compile(r"(\.(fa|fasta|fna|fas))?(\.(gz|bgz))?$", re.IGNORECASE)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: see `modos.MODO.add_reference`."""

    source: SourceFile
    id: str | None
    part_of: str | None
    slots: Mapping[str, Any]
    bgzip: bool
    index: bool

    @property
    def url(self) -> str:
        """Address of the file."""
        return self.source.storage.url_of(self.source.name)

    def genome(self) -> dict[str, object]:
        """Return the slots of the genome, with the name that its file will have."""
        try:
            packing = packing_of(self.source.storage.read(self.source.name, 0, PACKING_HEAD))
        except KeyNotFoundError as error:
            message = f"{self.url} is no file"
            raise InvalidInputError(message) from error
        given = self.slots.get("data_path")
        wanted = PurePath(self.source.name).name if given is None else str(given)
        target = stored_name(wanted, packing, bgzip=self.bgzip)
        if given is not None and target != wanted:
            reason = f"data_path {wanted!r} does not say how the file is compressed; that would be {target!r}"
            raise InvalidElementError(reason, slot="data_path", value=wanted)
        name = self.id or _ENDS.sub("", PurePath(self.source.name).name)
        return {**self.slots, "@type": _GENOME, "id": name, "data_path": target}


def add_reference(storage: Storage, asked: Asked) -> tuple[Snapshot, ElementId]:
    """Store a FASTA file and describe it; what cannot be done is refused before anything is written, as far as it can be.

    Returns
    -------
    tuple
        What the object says then, and the id of the genome.
    """
    genome = asked.genome()
    base = Snapshot.read(storage)
    base.refuse_older()
    added = [_plan(base, genome, (), asked.part_of)[1]]
    target = str(genome["data_path"])
    new: list[str] = []
    try:
        with asked.source.open() as file:
            intake = FastaIntake(chunks_of(file), asked.url, bgzip=asked.bgzip, index=asked.index)
            _store(storage, intake, target, new)
        for suffix, body in intake.indexes.items():
            _store(storage, body, f"{target}{suffix}", new)

        def plan(now: Snapshot) -> Change:
            change, added[0] = _plan(now, genome, intake.sequences, asked.part_of)
            return change

        return commit(storage, plan), added[0]
    except BaseException:
        _take_back(storage, new)
        raise


def _plan(
    base: Snapshot,
    genome: Mapping[str, object],
    sequences: "list[SequenceDigest] | tuple[()]",
    part_of: str | None,
) -> tuple[Change, ElementId]:
    """Return the edit that adds the genome and those of its sequences that are not there, and the genome's id."""
    draft = Draft(base)
    known = {
        (said.get("name"), said.get("sequence_md5")): each
        for each, said in base.elements.items()
        if each.kind == "sequence"
    }
    links = [str(known.get((each.name, each.md5)) or _add_sequence(draft, base, each)) for each in sequences]
    given = genome.get("has_sequence") or []
    has_sequence = [*(given if isinstance(given, list | tuple) else [given]), *links]
    added = draft.add({**genome, "has_sequence": has_sequence})
    if part_of is not None:
        draft.link(part_of, added)
    return draft.change(), added


def _add_sequence(draft: Draft, base: Snapshot, sequence: SequenceDigest) -> ElementId:
    plain = _NO_ID.sub("_", sequence.name)[:_LONGEST].lstrip("_.") or "sequence"
    ids = (f"{plain}_{sequence.md5[:6]}", f"{plain}_{sequence.md5}")
    name = next((each for each in ids if ElementId("sequence", check_name(each)) not in base.elements), ids[0])
    said = {
        "@type": _SEQUENCE,
        "id": name,
        "name": sequence.name,
        "description": sequence.description or None,
        "sequence_md5": sequence.md5,
        "source_uri": sequence.uri,
    }
    return draft.add(said)


def _store(storage: Storage, source: FastaIntake | bytes, target: str, new: list[str]) -> None:
    """Store a file; one that is there already, from an attempt that was killed, must be the same."""
    body = Digested(source)
    try:
        here = storage.stat(target)
    except KeyNotFoundError:
        new.append(target)
        try:
            here = storage.put(body, target, mode="create")
        except KeyExistsError as error:
            new.remove(target)
            raise FileConflictError(target) from error
        if here.size != body.size or storage.contradicts(here, body.md5):
            raise IntegrityError(storage.url_of(target), "was not stored as it was sent") from None
        return
    for _ in body:
        pass
    if not has_content(storage, here, body):
        raise FileConflictError(target)


def _take_back(storage: Storage, new: list[str]) -> None:
    """Remove the files that were stored, but for those that the object describes by now."""
    with suppress(ModosError):
        names = FileNames(Snapshot.read(storage).elements)
        if gone := [name for name in new if names.owner(name) is None]:
            storage.remove_many(gone)
