"""What can be wrong with an object, and a report of what is: values that programs read as well as people.

Owns the table of findings, with how bad each is and what to do about it. Must not know how anything is found out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal

from modos.model.schema import shown_value

__all__ = ["AGAIN", "KINDS", "CheckReport", "Code", "Finding", "Kind", "Repair", "Severity", "finding", "worst_first"]

type Severity = Literal["error", "warning", "note"]
"""`error`: something is lost or wrong; `warning`: it works, and should not stay so; `note`: worth knowing."""

type Code = Literal[
    "no-root",
    "unreadable-root",
    "unreadable-group",
    "unconsolidated",
    "missing-kind",
    "missing-group",
    "stale-group",
    "orphan-group",
    "orphan-chunk",
    "orphan-parts",
    "orphan-file",
    "unmerged-commit",
    "unreadable-record",
    "old-trash",
    "old-format",
    "old-documents",
    "schema",
    "dangling-link",
    "wrong-link",
    "one-sided-link",
    "unknown-term",
    "shared-file",
    "missing-file",
    "changed-file",
    "unreadable-file",
    "extra-file",
    "inner-object",
    "content",
    "cut-off",
    "index",
    "unseen",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding.

    Attributes
    ----------
    severity
        How bad it is.
    meaning
        What it says, as a clause.
    remedy
        What to do; `{url}` and `{place}` stand for the object and the place of the finding.
    repaired
        What `--repair` does about it; empty for nothing.
    """

    severity: Severity
    meaning: str
    remedy: str
    repaired: str = ""


AGAIN = "what is lost is in backups, or comes with the same creation or copy made again"
_REPAIR = "'modos check {url} --repair'"

KINDS: Mapping[Code, Kind] = MappingProxyType(
    {
        "no-root": Kind("error", "there is a hierarchy without its root document, so no object", AGAIN),
        "unreadable-root": Kind(
            "error",
            "the root document cannot be read",
            _REPAIR,
            "the root is derived anew from the documents of its groups, if its own attributes can still be read",
        ),
        "unreadable-group": Kind(
            "error",
            "the document of a group or array cannot be read",
            _REPAIR,
            "it is written as the root document says",
        ),
        "unconsolidated": Kind(
            "warning",
            "the root document does not say what groups there are, so that reading takes a request for each",
            _REPAIR,
            "the root is derived anew from the documents of its groups",
        ),
        "missing-kind": Kind(
            "warning", "the root document lacks the group of a kind of elements", _REPAIR, "the empty group is added"
        ),
        "missing-group": Kind(
            "warning",
            "the document of a group or array is not where the root document says",
            _REPAIR,
            "it is written as the root document says",
        ),
        "stale-group": Kind(
            "warning",
            "the document of a group or array is not as the root document has it, which is right",
            _REPAIR,
            "it is written as the root document says, once it is older than the grace time",
        ),
        "orphan-group": Kind(
            "warning",
            "there is a group that the root document does not know: an edit that broke off has left it",
            _REPAIR,
            "it is removed once it is older than the grace time",
        ),
        "orphan-chunk": Kind(
            "warning",
            "there is a file in the hierarchy that belongs to no array",
            _REPAIR,
            "it is removed once it is older than the grace time",
        ),
        "orphan-parts": Kind(
            "warning",
            "there are parts of a large file that was never completed",
            f"the same transfer again completes it; {_REPAIR}",
            "they are removed once they are older than the grace time",
        ),
        "orphan-file": Kind(
            "warning",
            "there is a file that was to take the place of another: the edit broke off before it was recorded",
            _REPAIR,
            "it is removed once it is older than the grace time",
        ),
        "unmerged-commit": Kind(
            "warning",
            "an edit was recorded and is not in the root document: its writer was killed",
            f"the next edit completes it; {_REPAIR}",
            "it is made part of the root document",
        ),
        "unreadable-record": Kind(
            "warning",
            "the record of an edit cannot be read: it is damaged, or a newer release has written it",
            "take {place} from a backup or a copy of the object; or remove it, so that its edit is forgotten",
            "a damaged one is put aside once it is older than the grace time, where the object does not contain its edit, "
            "so that others can be made again; what a newer release has written is never touched",
        ),
        "old-trash": Kind(
            "note",
            "files that an edit replaced or removed are kept for more than 30 days",
            f"'modos trash {{url}} --empty --older-than 30d', or {_REPAIR}",
            "they are removed for good",
        ),
        "old-format": Kind("warning", "the object is of zarr format 2, and only read", "'modos upgrade {url}'"),
        "old-documents": Kind(
            "note",
            "documents of zarr format 2 are beside those of format 3, kept or left by an upgrade",
            "'modos upgrade {url}' removes them",
        ),
        "schema": Kind("error", "a slot is not as the schema wants it", "'modos update {url} {place}'"),
        "dangling-link": Kind(
            "error", "a link names an element that is not there", "add that element, or 'modos update {url} {place}'"
        ),
        "wrong-link": Kind("error", "a link names an element of another kind", "'modos update {url} {place}'"),
        "one-sided-link": Kind(
            "note", "an assay is in the object, and the object does not link to it", _REPAIR, "the link is added"
        ),
        "unknown-term": Kind(
            "warning",
            "a term cannot be looked up, is in none of the vocabularies at hand, or is obsolete",
            "'modos update {url} {place}'",
        ),
        "shared-file": Kind(
            "warning",
            "a file belongs to two elements, or is in the directory of another",
            "'modos update {url} {place}' with another data_path gives it a file of its own",
        ),
        "missing-file": Kind(
            "error", "a file that is described, or that values of an array are stored in, is not there", AGAIN
        ),
        "changed-file": Kind(
            "error",
            "a file has another checksum than is recorded",
            "if the new content is right, 'modos update' stores it; else take the file from a backup",
        ),
        "unreadable-file": Kind(
            "error",
            "a file cannot be read: this user may not, or its service has lost some of it",
            "ask again with the right to read it, or take the file from a backup",
        ),
        "extra-file": Kind("note", "a file is beside the metadata that nothing describes", "'modos add' describes it"),
        "inner-object": Kind(
            "warning",
            "another object stands inside this one, where listings do not find it",
            "'modos transfer {url}/{place} …' copies it to a place of its own; remove it here then",
        ),
        "content": Kind(
            "warning", "the content of a file is not what is said of it", "'modos update {url}' says what it is"
        ),
        "cut-off": Kind(
            "error", "a file lacks what ends every whole file of its format: it was cut off on its way", AGAIN
        ),
        "index": Kind(
            "warning", "an index is missing, damaged, or that of another file", "'modos index {url} {place}'"
        ),
        "unseen": Kind("note", "something could not be looked at", "ask again with the right to list and read it"),
    }
)
"""Every kind of finding by its code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes
    ----------
    severity
        `"error"`, `"warning"` or `"note"`; a note does not make a report unclean.
    code
        What kind of finding it is; one of `KINDS`.
    place
        The element or the file, relative to the object; its id for the object itself.
    what
        What is wrong, in a sentence.
    remedy
        What to do about it.
    slot, value
        The slot that is wrong and what it holds; `None` where that is not the matter.
    """

    severity: Severity
    code: Code
    place: str
    what: str
    remedy: str
    slot: str | None = None
    value: object = field(default=None, hash=False)

    def __str__(self) -> str:
        place = (
            self.place if self.place.isprintable() else shown_value(self.place)
        )  # a name of a file may hold anything
        return f"{self.severity}: {place}: {self.what} [{self.code}]"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        plain = isinstance(self.value, str | int | bool | None) or (
            isinstance(self.value, float) and isfinite(self.value)
        )
        return {
            "severity": self.severity,
            "code": self.code,
            "place": self.place,
            "what": self.what,
            "remedy": self.remedy,
            "slot": self.slot,
            "value": self.value if plain else shown_value(self.value),
        }


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was repaired, or would be.

    Attributes
    ----------
    code, place
        Of the finding.
    what
        What was done.
    """

    code: Code
    place: str
    what: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON takes it."""
        return {"code": self.code, "place": self.place, "what": self.what}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is wrong with an object, and what was done about it.

    Attributes
    ----------
    url
        Address of the object.
    findings
        What is wrong, the worst first: after repairing, what was not touched.
    repairs
        What was repaired, or would be.
    dry_run
        Whether the repairs were only planned.
    """

    url: str
    findings: tuple[Finding, ...]
    repairs: tuple[Repair, ...] = ()
    dry_run: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but notes."""
        return all(each.severity == "note" for each in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        return {
            "url": self.url,
            "is_clean": self.is_clean,
            "findings": [each.as_dict() for each in self.findings],
            "repairs": [each.as_dict() for each in self.repairs],
            "dry_run": self.dry_run,
        }


def finding(
    code: Code,
    place: str,
    what: str,
    url: str,
    *,
    severity: Severity | None = None,
    remedy: str | None = None,
    slot: str | None = None,
    value: object = None,
) -> Finding:
    """Return a finding with the severity and the remedy of its kind.

    Parameters
    ----------
    severity, remedy
        Another than usual; `None` for that of the kind.
    """
    kind = KINDS[code]
    advice = (remedy or kind.remedy).format(url=url, place=place)
    return Finding(severity or kind.severity, code, place, what, advice, slot, value)


_ORDER: Mapping[Severity, int] = MappingProxyType({"error": 0, "warning": 1, "note": 2})


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in order: the worst first, then by kind and place."""
    codes = list(KINDS)
    return tuple(
        sorted(findings, key=lambda each: (_ORDER[each.severity], codes.index(each.code), each.place, each.what))
    )
