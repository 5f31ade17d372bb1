"""What headers of files add to the metadata, and what was left as it is.

Owns `Enrichment` and its rendering. Decides nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from modos.model.schema import shown_value
from modos.objects.differences import Difference

__all__ = ["Contradiction", "Enrichment"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A slot that is set, of which a file says something else; it stays as it is.

    Attributes
    ----------
    element, slot
        What it is about.
    here
        The value in the metadata.
    there
        What the file says.
    source
        Full id of the element whose file it is.
    """

    element: str
    slot: str
    here: Any
    there: Any
    source: str

    def __str__(self) -> str:
        return (
            f"{self.element} {self.slot} stays {shown_value(self.here)}; the file of {self.source} says "
            f"{shown_value(self.there)}"
        )


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What headers of files add to the metadata of an object.

    Attributes
    ----------
    difference
        What changes, slot by slot.
    contradictions
        Values that stay, although a file says something else.
    notes
        What could not be read or taken, a sentence each.
    facts
        Full id of each element whose file was read, to what its header says, as JSON has it.
    """

    difference: Difference = field(default_factory=Difference)
    contradictions: tuple[Contradiction, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Mapping[str, Any]] = _NOTHING

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return self.difference.is_empty

    def lines(self) -> Iterator[str]:
        """Yield what changes as `Difference.lines` does, then what stays, and what could not be taken."""
        yield from self.difference.lines()
        yield from (f"! {each}" for each in self.contradictions)
        yield from (f"? {each}" for each in self.notes)

    def describe(self) -> str:
        """Return it for people; "" when there is nothing to tell."""
        return "\n".join(self.lines())

    def __str__(self) -> str:
        return self.describe()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "difference": self.difference.as_dict(),
            "contradictions": [asdict(each) for each in self.contradictions],
            "notes": list(self.notes),
            "facts": {element: dict(said) for element, said in self.facts.items()},
        }

    def to_json(self) -> str:
        """Return it as a JSON document."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)
