"""What is known of a storage, as values: abilities, limits, and how they are known.

Owns the list of abilities and what each is called. Knows no storage and asks nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, Self

__all__ = ["ABILITIES", "Ability", "Answer", "Capabilities", "Fact", "yes_or_no"]

type Ability = Literal[
    "list",
    "write",
    "ranges",
    "multi_ranges",
    "create_only",
    "conditional_update",
    "long_uploads",
    "server_copy",
    "sign_get",
    "sign_put",
    "content_type",
    "metadata",
    "md5",
    "consistent_listing",
    "long_names",
    "versions",
]
type Answer = Literal["yes", "no", "unknown"]
type Source = Literal["known", "told", "tried"]
type Limit = int | str | tuple[str, ...]

ABILITIES: Mapping[Ability, str] = MappingProxyType(
    {
        "list": "what is there is listed",
        "write": "files are written",
        "ranges": "ranges are read",
        "multi_ranges": "several ranges come in one request",
        "create_only": "a write can refuse to replace",
        "conditional_update": "a write can depend on the ETag",
        "long_uploads": "long files go up in parts",
        "server_copy": "the service copies by itself",
        "sign_get": "addresses to read are signed",
        "sign_put": "addresses to write are signed",
        "content_type": "the content type is kept",
        "metadata": "metadata are kept",
        "md5": "the service tells the MD5",
        "consistent_listing": "listings are up to date",
        "long_names": "long names are taken",
        "versions": "earlier versions are kept",
    }
)
"""Every ability, in the order of the table, and what it is called."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Whether a storage has an ability, and how that is known.

    Attributes
    ----------
    answer
        Whether.
    source
        `"known"` from what kind of storage it is, `"told"` by the service, `"tried"` and seen.
    detail
        More than yes or no; empty for nothing.
    """

    answer: Answer = "unknown"
    source: Source = "known"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a storage can do.

    Attributes
    ----------
    url, service
        Which storage, and who serves it.
    facts
        Every ability and what is known of it.
    limits
        Numbers and lists that the service tells: `page_size`, `longest_name`, `largest_put`, and its own.
    notes
        What an examination has to say beside: why it was not tried to write, what it could not remove.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage, capabilities
    >>> found = capabilities(LocalStorage(tempfile.mkdtemp()))
    >>> found.can("ranges"), found.can("sign_get"), found.facts["write"]
    (True, False, Fact(answer='unknown', source='known', detail='not tried'))
    """

    url: str
    service: str
    facts: Mapping[Ability, Fact] = field(hash=False)
    limits: Mapping[str, Limit] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()

    def can(self, ability: Ability) -> bool:
        """Tell whether the storage is known to have an ability; what is not known is no."""
        return self.facts[ability].answer == "yes"

    def with_facts(self, facts: Mapping[Ability, Fact], *notes: str) -> Self:
        """Return what is known when more has been found out."""
        return replace(self, facts={**self.facts, **facts}, notes=(*self.notes, *notes))

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        return {
            "url": self.url,
            "service": self.service,
            "abilities": {
                name: {"answer": fact.answer, "source": fact.source, "detail": fact.detail}
                for name, fact in self.facts.items()
            },
            "limits": {name: list(limit) if isinstance(limit, tuple) else limit for name, limit in self.limits.items()},
            "notes": list(self.notes),
        }


def yes_or_no(truth: object) -> Answer:
    """Return a truth in words."""
    return "yes" if truth else "no"
