"""Questions for the slots of a class: what is offered, explained and refused, by the schema.

Owns how a slot is asked for. Must not know in which order, or where answers go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os.path import exists, expanduser

from modos.cli.prompting.questions import Choice, Question, Script
from modos.errors import InvalidElementError
from modos.model import ElementId
from modos.model.curies import expand
from modos.model.ids import check_name
from modos.model.links import link_slot_for
from modos.model.schema import CLASSES, ENUMS, OBJECT_CLASS, PREFIXES, ElementKind, Slot
from modos.model.values import checked, link_target
from modos.storage.urls import is_url

__all__ = ["Known", "file_question", "owner_question", "slot_question", "values_of"]


@dataclass(frozen=True, slots=True)
class Known:
    """What there is already that can be linked to, or link.

    Attributes
    ----------
    object_id
        Id of the object; `None` for one that has none yet.
    elements
        Elements of the object, and those that are to be added before, with their classes.
    """

    object_id: str | None = None
    elements: Mapping[ElementId, str] = field(default_factory=dict)

    def of_kind(self, kind: ElementKind) -> list[ElementId]:
        """Return the elements of a kind, in order."""
        return sorted(each for each in self.elements if each.kind == kind)

    def owners_of(self, kind: ElementKind) -> Iterable[Choice]:
        """Yield what can link to elements of a kind."""
        if self.object_id is not None and _can_link(OBJECT_CLASS, kind):
            yield Choice(self.object_id, "the object")
        for each, class_name in sorted(self.elements.items()):
            if _can_link(class_name, kind):
                yield Choice(str(each), class_name)


def slot_question(slot: Slot, class_name: str, known: Known, default: str = "") -> Question:
    """Return the question for one value of a slot.

    Examples
    --------
    >>> question = slot_question(CLASSES["Sample"].slots["sex"], "Sample", Known())
    >>> [choice.value for choice in question.choices], question.refusal("Mal")
    (['Female', 'Male'], "sex 'Mal' is not one of Female, Male; did you mean 'Male'?")
    """
    found = CLASSES[class_name]
    required = slot.name in found.required
    question = Question(slot.name, help=_help(slot), default=default, required=required)
    if slot.identifier:
        return replace(question, check=lambda text: _refused_id(text, found.kind, known))
    if slot.target is not None:
        kind = slot.target
        choices = tuple(Choice(each.name, known.elements[each]) for each in known.of_kind(kind))
        return replace(question, choices=choices, check=lambda text: _refused_link(slot, kind, text, known))
    if slot.range in ENUMS:
        choices = tuple(Choice(term, _as_curie(iri)) for term, iri in ENUMS[slot.range].items())
        return replace(question, choices=choices, check=lambda text: _refused(slot, text))
    return replace(question, check=lambda text: _refused(slot, text))


def values_of(slot: Slot, class_name: str, known: Known, default: str = "") -> Script[str | list[str]]:
    """Ask for a slot; for one that takes several values, until there are no more."""
    question = slot_question(slot, class_name, known, default)
    first = yield question
    if not slot.multivalued or not first:
        return first
    values = [first]
    while True:
        taken = {*values}
        left = tuple(choice for choice in question.choices if choice.value not in taken)
        if question.choices and not left:
            return values
        more = yield replace(
            question,
            label=f"{slot.name}, one more",
            default="",
            required=False,
            choices=left,
            help=f"Enter for no more. {question.help}",
        )
        if not more:
            return values
        if more not in taken:
            values.append(more)


def owner_question(kind: ElementKind, known: Known) -> Question | None:
    """Return the question which element, or whether the object, is to link to a new one; `None` when nothing can."""
    choices = tuple(known.owners_of(kind))
    if not choices:
        return None
    names = {choice.value for choice in choices} | {choice.value.rpartition("/")[2] for choice in choices}
    shown = ", ".join(choice.value for choice in choices[:_SHOWN])
    return Question(
        "part of",
        help="Element, or the object, that is to link to it; Enter for none.",
        choices=choices,
        check=lambda text: "" if text in names else f"nothing of this id can link to it; there is {shown}",
    )


def file_question() -> Question:
    """Return the question for the file of an element."""
    return Question(
        "file",
        help="Path or address of the file to store with it; indexes beside it come along. Enter for none.",
        files=True,
        check=lambda text: "" if is_url(text) or "|" in text or _is_there(text) else "there is no such file",
    )


_SHOWN = 5


def _is_there(text: str) -> bool:
    return exists(expanduser(text))  # noqa: PTH110, PTH111 - pathlib raises at ~nobody, and at names that are too long


def _help(slot: Slot) -> str:
    hints = {
        "datetime": "A date such as 2024-01-17, or a time 2024-01-17T09:30:00.",
        "uriorcurie": "A CURIE such as UBERON:0002316, or an IRI.",
        "uri": "A URI.",
    }
    hint = "" if slot.identifier else hints.get(slot.range, "")
    return " ".join(filter(None, (slot.description, hint)))


def _refused(slot: Slot, text: str) -> str:
    try:
        checked(slot, text)
    except InvalidElementError as error:
        return error.reason
    return ""


def _refused_id(text: str, kind: ElementKind | None, known: Known) -> str:
    try:
        check_name(text)
    except InvalidElementError as error:
        return error.reason
    taken = kind is not None and ElementId(kind, text) in known.elements
    return f"there is a {kind} of this id already" if taken else ""


def _refused_link(slot: Slot, kind: ElementKind, text: str, known: Known) -> str:
    try:
        target = link_target(slot, text, kind)
    except InvalidElementError as error:
        return error.reason
    if target in known.elements:
        return ""
    there = ", ".join(each.name for each in known.of_kind(kind)[:_SHOWN])
    return (
        f"there is no {kind} of this id; there is {there}" if there else f"there is no {kind} yet; Enter leaves it out"
    )


def _can_link(class_name: str, kind: ElementKind) -> bool:
    try:
        link_slot_for(class_name, kind)
    except InvalidElementError:
        return False
    return True


def _as_curie(iri: str) -> str:
    for prefix in PREFIXES:
        if iri.startswith(expand(f"{prefix}:")) and prefix not in {"modos", "schema"}:
            return f"{prefix}:{iri.removeprefix(PREFIXES[prefix])}"
    return ""
