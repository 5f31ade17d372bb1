"""What facts of files come to, on top of what an object says: slots filled, elements added and linked.

Owns how a fact finds its element, by id or digest and never by name alone, and which values are left alone. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from modos.errors import InvalidElementError
from modos.model import ElementId
from modos.model.links import LINK_SLOTS
from modos.model.schema import CLASSES, SLOTS
from modos.model.values import checked
from modos.objects.editing.draft import Change, Draft
from modos.objects.enriching.report import Contradiction
from modos.objects.snapshot import Attributes, Snapshot
from modos.omics.enrichment.facts import Facts, SampleFacts, SequenceFacts

__all__ = ["Proposal", "propose"]

type Weight = Literal["firm", "loose"]
"""Whether a value contradicts another, or only fills a slot that is not set."""

_DIGITS = 6
"""How much of its digest the id of a new sequence has, as in objects that the reference implementation enriched."""

_MOST_ROUNDS = 10

_ACCESSION = re.compile(r"[A-Z]{1,6}_?\d{4,}\.(\d+)")
_UNSET: tuple[object, ...] = (None, "", [], ())


@dataclass(frozen=True, slots=True)
class Proposal:
    """What facts come to.

    Attributes
    ----------
    change
        The edit.
    contradictions
        Values that stay.
    notes
        What could not be taken.
    """

    change: Change
    contradictions: tuple[Contradiction, ...]
    notes: tuple[str, ...]


def propose(base: Snapshot, facts: Mapping[ElementId, Facts], *, overwrite: bool = False) -> Proposal:
    """Return what facts come to on top of what an object says.

    A slot that is not set is filled. One that is set stays, unless it is to be overwritten; when two files say different
    things, the first counts. Where a list is set and has what a file says among other things, the two agree.

    Parameters
    ----------
    base
        What the object says.
    facts
        By element whose file says them; elements that are gone are passed over.
    overwrite
        Whether what a file says replaces what is set. Only what the file itself says does; what is told of it in other
        words, such as a description made of its programs, only fills.
    """
    now: Mapping[ElementId, Attributes] = base.elements
    notes: dict[str, None] = {}
    for _ in range(_MOST_ROUNDS):  # what one file adds, another may be about
        work = _Work(now, overwrite=overwrite)
        for element in sorted(facts.keys() & now.keys()):
            _sequences(work, element, facts[element])
            _samples(work, element, facts[element].samples)
            _slots(work, element, facts[element])
        _assays(work, facts)
        notes |= dict.fromkeys(work.notes)
        if work.now == now:
            break
        now = work.now
    return Proposal(_change(base, now), tuple(work.contradictions), tuple(notes))


def _change(base: Snapshot, now: Mapping[ElementId, Attributes]) -> Change:
    draft = Draft(base)
    for element in now.keys() - base.elements.keys():
        draft.add({**now[element], "id": element.name})
    for element, before in base.elements.items():
        changed = {slot: value for slot, value in now[element].items() if before.get(slot) != value}
        if changed:
            draft.update(element, changed)
    return draft.change()


@dataclass(slots=True)
class _Work:
    """What the object will say, as it is being worked out."""

    before: Mapping[ElementId, Attributes]
    overwrite: bool = field(kw_only=True)
    now: dict[ElementId, Attributes] = field(init=False)
    digested: dict[str, list[ElementId]] = field(init=False)
    claimed: set[ElementId] = field(default_factory=set)
    contradictions: list[Contradiction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _told: dict[tuple[ElementId, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = {element: dict(said) for element, said in self.before.items()}
        self.digested = {}
        for element, said in self.now.items():
            if element.kind == "sequence" and said.get("sequence_md5"):
                self.digested.setdefault(str(said["sequence_md5"]), []).append(element)

    def tell(self, element: ElementId, slot: str, value: Any, source: ElementId, weight: Weight = "firm") -> None:  # noqa: ANN401 - of the slot's range
        """Fill a slot, or note that it stays."""
        said = self.now[element]
        if value in _UNSET or slot not in CLASSES[said["@type"]].slots:
            return
        try:
            checked(SLOTS[slot], value)
        except InvalidElementError as error:
            self.notes.append(f"{source}: {error.reason}")
            return
        here = said.get(slot)
        if here not in _UNSET and (weight == "loose" or _agrees(slot, here, value)):
            if weight == "firm":
                self._told.setdefault((element, slot), value)
            return
        if here not in _UNSET and (not self.overwrite or (element, slot) in self._told):
            self.contradictions.append(Contradiction(str(element), slot, here, value, str(source)))
            return
        self._told[element, slot] = value
        self.now[element] = {**said, slot: value}

    def would_stay(self, element: ElementId, slot: str, value: Sequence[str]) -> bool:
        """Tell whether a slot is set to something else and stays."""
        here = self.now[element].get(slot)
        is_set = here not in _UNSET and not _agrees(slot, here, list(value))
        return is_set and (not self.overwrite or (element, slot) in self._told)

    def add(self, element: ElementId, class_name: str) -> None:
        self.now.setdefault(element, {"@type": class_name})

    def linked(self, element: ElementId, slot: str) -> list[ElementId]:
        """Return the elements that a slot links to and that are there."""
        kind = LINK_SLOTS[slot]
        found = (ElementId(kind, text.removeprefix(f"{kind}/")) for text in _texts(self.now[element].get(slot)))
        return [each for each in found if each in self.now]


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [] if value is None else [str(value)]


def _agrees(slot: str, here: object, value: object) -> bool:
    """Tell whether a value says nothing that is not there; links may be written in either form."""
    if not SLOTS[slot].multivalued:
        return here == value
    prefix = f"{LINK_SLOTS[slot]}/" if slot in LINK_SLOTS else ""
    there, told = ([text.removeprefix(prefix) for text in _texts(each)] for each in (here, value))
    return there == told if SLOTS[slot].ordered else set(told) <= set(there)


def _slots(work: _Work, element: ElementId, facts: Facts) -> None:
    for slot, value in facts.slots.items():
        work.tell(element, slot, value, element)
    work.tell(element, "description", facts.summary, element, "loose")


# -- samples ------------------------------------------------------------------------------------------------------------


def _samples(work: _Work, data: ElementId, samples: Sequence[SampleFacts]) -> None:
    """Link the samples of a file, those that are not there being added."""
    if "has_sample" not in CLASSES[work.now[data]["@type"]].slots:
        return
    known = {found: each for each in samples if (found := _sample_id(work, data, each)) is not None}
    if not known:
        return
    links = [str(each) for each in known]
    stays = work.would_stay(data, "has_sample", links)
    work.tell(data, "has_sample", links, data)
    for element, each in known.items():
        if element not in work.now:
            if stays:  # whose they are is said already, and in other words
                continue
            work.add(element, "Sample")
            _note_namesakes(work, element, each)
            work.tell(element, "name", each.name, data, "loose")
        for slot, value in each.slots.items():
            work.tell(element, slot, value, data)


def _sample_id(work: _Work, data: ElementId, sample: SampleFacts) -> ElementId | None:
    name = sample.name if sample.name is not None else f"{data.name}_sample{sample.number}"
    try:
        return ElementId("sample", name)
    except InvalidElementError as error:
        shown = "by a path" if "/" in name or "\\" in name else f"{name!r}"
        reason = "that can be no id" if "/" in name else str(error)
        work.notes.append(f"{data}: its file names sample {sample.number} {shown}, {reason}")
        return None


def _note_namesakes(work: _Work, added: ElementId, sample: SampleFacts) -> None:
    for element, said in work.before.items():
        if element.kind == "sample" and sample.name is not None and said.get("name") == sample.name:
            work.notes.append(f"{element} has the name {sample.name!r}, too; {added} is matched by id only")


# -- sequences ----------------------------------------------------------------------------------------------------------


def _sequences(work: _Work, data: ElementId, facts: Facts) -> None:
    """Add the sequences that a file is placed on, and link them from its reference."""
    said = work.now[data]
    if "has_reference" not in CLASSES[said["@type"]].slots:
        return
    found: dict[ElementId, SequenceFacts] = {}
    for each in facts.sequences:
        if each.md5:
            found.setdefault(_sequence_id(work, each), each)  # of several names for the same bases the first counts
    if facts.sequences and not found and not said.get("has_reference"):
        count = len(facts.sequences)
        work.notes.append(f"{data}: none of its {count:,} contigs has a digest, without which a name is no identity")
    reference = _reference(work, data, found)
    if reference is not None:
        for slot, value in facts.reference.items():
            work.tell(reference, slot, value, data, "loose")
    _link_sequences(work, data, reference, found)


def _link_sequences(
    work: _Work, data: ElementId, reference: ElementId | None, found: Mapping[ElementId, SequenceFacts]
) -> None:
    links = [str(each) for each in found]
    stays = reference is not None and work.would_stay(reference, "has_sequence", links)
    if reference is not None:
        work.tell(reference, "has_sequence", links, data)
    elif any(each not in work.now for each in found):
        work.notes.append(f"{data}: no reference is linked to it, so its sequences stand alone")
    for element, each in found.items():
        if element not in work.now:
            if stays:  # of another reference than the one that is linked
                continue
            work.add(element, "ReferenceSequence")
        _tell_sequence(work, element, each, data)


def _tell_sequence(work: _Work, element: ElementId, sequence: SequenceFacts, source: ElementId) -> None:
    version = _ACCESSION.fullmatch(sequence.name)
    loose = {
        "name": sequence.name,
        "source_uri": sequence.source_uri,
        "version": version[1] if version else None,
        "description": None if sequence.length is None else f"{sequence.length:,} bases",
    }
    work.tell(element, "sequence_md5", sequence.md5, source)
    for slot, value in loose.items():
        work.tell(element, slot, value, source, "loose")


def _sequence_id(work: _Work, sequence: SequenceFacts) -> ElementId:
    """Return the element that a sequence is, by its digest; without one there, a new one that is named after both."""
    md5 = sequence.md5 or ""
    names = (f"{sequence.name}_{md5[:_DIGITS]}", sequence.name, f"{sequence.name}_{md5[: 2 * _DIGITS]}", f"md5_{md5}")
    usual = [found for name in names if (found := _valid("sequence", name)) is not None]
    same = work.digested.setdefault(md5, [])
    if not same:
        free = (each for each in usual if each not in work.now and each not in work.claimed)
        undigested = (each for each in usual[:2] if _lacks_digest(work, each))
        same.append(next(chain(undigested, free)))
        work.claimed.add(same[0])
    return min(same, key=lambda each: (usual.index(each) if each in usual else len(usual), each))


def _lacks_digest(work: _Work, element: ElementId) -> bool:
    said = work.now.get(element)
    return said is not None and not said.get("sequence_md5") and element not in work.claimed


def _valid(kind: Literal["sample", "sequence"], name: str) -> ElementId | None:
    try:
        return ElementId(kind, name)
    except InvalidElementError:
        return None


def _of_kind(work: _Work, kind: str) -> list[ElementId]:
    return [element for element in work.now if element.kind == kind]


def _reference(work: _Work, data: ElementId, found: Mapping[ElementId, SequenceFacts]) -> ElementId | None:
    """Return the reference that data is placed on: the one it links to, or the one that has all its sequences."""
    linked = work.linked(data, "has_reference")
    if work.now[data].get("has_reference"):
        return linked[0] if len(linked) == 1 else None
    fitting = [
        each for each in _of_kind(work, "reference") if found and found.keys() <= set(work.linked(each, "has_sequence"))
    ]
    if len(fitting) != 1:
        return None
    work.tell(data, "has_reference", [str(fitting[0])], data)
    return fitting[0]


# -- assays -------------------------------------------------------------------------------------------------------------


def _assays(work: _Work, facts: Mapping[ElementId, Facts]) -> None:
    """Tell assays what was done to the samples of their data, and which those are."""
    for assay in _of_kind(work, "assay"):
        mine = [each for each in work.linked(assay, "has_data") if each in facts]
        for data in mine:
            work.tell(assay, "sample_processing", list(facts[data].processing), data)
        samples = _once(sample for data in mine for sample in work.linked(data, "has_sample"))
        if samples:
            work.tell(assay, "has_sample", samples, mine[0], "loose")


def _once(elements: Iterable[ElementId]) -> list[str]:
    return list(dict.fromkeys(map(str, elements)))
