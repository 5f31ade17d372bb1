"""Checking an object: what is asked of its place, and everything that is found, as one report.

Owns which looks are taken. Must not know how a finding is made, nor how one is repaired.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import blake2b
from os import PathLike
from pathlib import PurePosixPath
from typing import Literal, get_args

from modos._given import expect
from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    InvalidInputError,
    KeyNotFoundError,
    ServiceError,
    StorageError,
)
from modos.model.schema import CHECKSUM
from modos.objects.checks.evidence import Evidence, gather
from modos.objects.checks.findings import CheckReport, Code, Finding, finding, worst_first
from modos.objects.checks.hierarchy import hierarchy_findings
from modos.objects.checks.recorded import record_findings
from modos.objects.checks.statements import element_groups, statement_findings
from modos.objects.checks.terms import term_findings
from modos.objects.editing.files import files_of
from modos.objects.places import Place, opened
from modos.objects.snapshot import Snapshot
from modos.objects.verification import TROUBLE, verify_object
from modos.omics.checking import faults_of
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.transfers import list_abandoned

__all__ = ["GRACE", "Depth", "Vocabularies", "check_object", "judged", "refuse_wrong"]

type Depth = Literal["listing", "indexes", "contents"]
"""How far files are looked at: by their listing; their beginnings and indexes as well; or read, against checksums."""

type Vocabularies = Sequence[str | PathLike[str]]

GRACE = timedelta(days=1)
"""How long what a writer has left may be that of one who is still at work."""

_AT_ONCE = 8
_OF_NOTHING = blake2b().hexdigest()
"""The checksum of an empty file."""


def check_object(
    place: Place, *, depth: Depth = "indexes", grace: timedelta = GRACE, vocabularies: Vocabularies = ()
) -> CheckReport:
    """Find out what is wrong with an object, however damaged it is. Nothing is written.

    The hierarchy takes one listing and one read, and a read of each document that the listing casts doubt upon: on S3 and
    Swift none of those that `modos` wrote, on disk all of them.

    Parameters
    ----------
    place
        The object, its path, address or storage.
    depth
        `"listing"` looks into files only where the listing casts doubt on one, `"indexes"` reads the beginning and the index
        of each as well, `"contents"` reads all that have a recorded checksum.
    grace
        What a writer has left that is younger may be that of one who is still at work, and is only noted.
    vocabularies
        Paths of vocabularies, in which terms of theirs must be: OBO, OWL, or text; see `modos.model.vocabularies`.

    Raises
    ------
    ObjectNotFoundError
        When there is nothing of an object.
    InvalidInputError
        When there is no such depth, or a vocabulary cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from modos import MODO
    >>> modo = MODO.create(f"{tempfile.mkdtemp()}/ex")
    >>> check_object(modo.storage).is_clean
    True
    """
    storage = opened(place)
    refuse_wrong(depth, grace, vocabularies)
    evidence = gather(storage)
    return CheckReport(storage.url, judged(storage, evidence, depth=depth, grace=grace, vocabularies=vocabularies))


def refuse_wrong(depth: Depth, grace: timedelta, vocabularies: Vocabularies) -> None:
    """Refuse a depth that is none, and what is of a wrong kind.

    Raises
    ------
    InvalidInputError
        Says what would be right.
    """
    if depth not in get_args(Depth.__value__):
        raise InvalidInputError(
            f"{depth!r} is no depth of a check; it is one of {', '.join(get_args(Depth.__value__))}"
        )
    expect(grace, timedelta, "a grace time is said by a timedelta")
    expect(vocabularies, Sequence, "vocabularies are given by a list of paths")


def judged(
    storage: Storage, evidence: Evidence, *, depth: Depth, grace: timedelta, vocabularies: Vocabularies
) -> tuple[Finding, ...]:
    """Return all that is wrong, going by what there is of the object."""
    findings = [
        *hierarchy_findings(evidence, grace),
        *record_findings(storage, evidence, grace, reads_all=depth != "listing"),
    ]
    if evidence.root is not None:
        findings += statement_findings(evidence.url, evidence.root)
        findings += term_findings(evidence.url, evidence.root, vocabularies)
        said = _snapshot(evidence)
        files = [*_of_files(storage, evidence, said, deep=depth == "contents")]
        findings += files
        if depth != "listing":
            unreadable = {each.place for each in files if each.code == "unreadable-file"}
            findings += _of_contents(storage, evidence, said, besides=unreadable)
    findings += _of_parts(storage, grace)
    return worst_first(findings)


def _snapshot(evidence: Evidence) -> Snapshot:
    """Return what the object says, as far as it can be read."""
    root = evidence.root
    assert root is not None
    elements = {element: dict(attributes) for element, attributes in element_groups(root).items()}
    return Snapshot(evidence.url, root.attributes, elements, zarr_format=evidence.zarr_format)


def _of_files(storage: Storage, evidence: Evidence, said: Snapshot, *, deep: bool) -> Iterator[Finding]:
    verified = verify_object(storage, deep=deep, said=said, listed=evidence.listed)
    url = evidence.url
    inside = f"{ZARR_ROOT}/"
    for name in verified.missing:
        if not name.startswith(inside):  # what is in the hierarchy has findings of its own
            yield finding("missing-file", name, "is described, and is not there", url)
    emptied = set(_emptied(evidence, said))
    for name in sorted({*verified.changed, *emptied}):
        what = "has another checksum than is recorded"
        yield finding("changed-file", name, f"is empty, and {what}" if name in emptied else what, url)
    for name in verified.unreadable:
        yield finding("unreadable-file", name, "cannot be read", url)
    inner = {name.removesuffix(f"/{ROOT_DOCUMENT}") for name in verified.extra if name.endswith(f"/{ROOT_DOCUMENT}")}
    beside: tuple[tuple[Code, Iterable[str], str], ...] = (
        ("inner-object", sorted(inner), "is an object of its own, and none may stand inside another"),
        ("extra-file", verified.extra, "is described by nothing"),
    )
    for code, names, what in beside:
        for name in names:
            if inner.isdisjoint(map(str, PurePosixPath(name).parents)):
                yield finding(code, name, what, url)


def _emptied(evidence: Evidence, said: Snapshot) -> Iterator[str]:
    """Yield the files that have lost all they held, which the listing tells: the checksum of nothing is another."""
    for attributes in said.elements.values():
        for name in files_of(attributes)[:1]:
            is_empty = name in evidence.listed and not evidence.listed[name].size
            if is_empty and attributes.get(CHECKSUM) not in (None, _OF_NOTHING):
                yield name


def _of_contents(storage: Storage, evidence: Evidence, said: Snapshot, *, besides: Container[str]) -> Iterator[Finding]:
    """Yield what the beginning of a file, its end and its index tell, several files at a time."""
    described = {name: said.elements[each] for each in said.elements for name in files_of(said.elements[each])[:1]}
    there = [name for name in described if name in evidence.listed and name not in besides]

    def look(name: str) -> list[Finding]:
        declared = described[name].get("data_format")
        try:
            found = faults_of(storage, name, declared=None if declared is None else str(declared))
        except KeyNotFoundError:  # removed since it was listed
            return []
        except TROUBLE:
            raise
        except StorageError:
            return [finding("unreadable-file", name, "cannot be read", evidence.url)]
        return [finding(code, name, what, evidence.url) for code, what in found]

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos-check") as pool:
        for found in pool.map(look, there):
            yield from found


def _of_parts(storage: Storage, grace: timedelta) -> Iterator[Finding]:
    if storage.parts is None:
        return
    try:
        for each in list_abandoned(storage, grace=grace):
            what = f"{each.size:,} bytes of it arrived until {each.changed:%Y-%m-%d %H:%M}, and it was never completed"
            yield finding("orphan-parts", str(each.path), what, storage.url)
    except (AccessDeniedError, AuthenticationError, ServiceError) as error:
        yield finding("unseen", "parts of large files", str(error), storage.url)
