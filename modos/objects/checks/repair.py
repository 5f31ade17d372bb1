"""Repairing what is safe to repair: documents that can be derived from others, and what edits that broke off have left.

Owns which repairs there are (a pure plan), and making them. Removes no file that anything describes and changes no slot that
a user has set; whatever needs a decision is left and told.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from modos.errors import ObjectError, ReadOnlyError, StorageError, UnsupportedFormatError
from modos.model import ELEMENT_KINDS, with_link
from modos.objects.at_once import all_at_once
from modos.objects.checks.evidence import Evidence, gather, look, missing_kinds
from modos.objects.checks.examination import GRACE, Depth, Vocabularies, judged, refuse_wrong
from modos.objects.checks.findings import CheckReport, Code, Repair
from modos.objects.checks.hierarchy import can_be_named, directories_in_place, is_settled, is_stale, strays
from modos.objects.checks.recorded import damaged, unreadable_edits, waiting
from modos.objects.checks.statements import unlinked_assays
from modos.objects.editing.change import dated
from modos.objects.editing.settling import complete
from modos.objects.editing.turns import turn
from modos.objects.history.records import record_path
from modos.objects.history.trash import KEPT_FOR, empty_trash, put_aside
from modos.objects.places import Place, opened
from modos.storage import ROOT_DOCUMENT, Storage
from modos.storage.hierarchy.documents import document_path, group_document, group_member, member_document
from modos.storage.hierarchy.root import ZarrRoot
from modos.storage.paths import target_name
from modos.transfers import discard_abandoned

__all__ = ["RepairPlan", "plan_repair", "repair_object"]

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What is to be done to an object, and to what end.

    Attributes
    ----------
    documents
        Documents to write, name to content; the root document is none of them.
    root
        The root document to write after them; `None` when it is as it should be.
    removed
        Files to remove at the end.
    repairs
        The same for people.
    """

    documents: dict[str, bytes]
    root: bytes | None
    removed: tuple[str, ...]
    repairs: tuple[Repair, ...]


def plan_repair(evidence: Evidence, grace: timedelta, *, keeps_strays: bool = False) -> RepairPlan:
    """Return what can be repaired safely; decides only.

    Parameters
    ----------
    evidence
        What there is of the object.
    grace
        What is younger is left, since a writer may be about to commit it.
    keeps_strays
        Whether nothing is removed, since it may be of an edit whose record cannot be read here.
    """
    if evidence.root is None or evidence.zarr_format != 3 or evidence.body is None:  # noqa: PLR2004 - the format's own number
        return RepairPlan({}, None, (), ())
    documents, of_documents = _documents(evidence, grace)
    root, of_root = _root(evidence)
    removed, of_removed = ((), []) if keeps_strays else _removals(evidence, grace)
    return RepairPlan(documents, root, removed, (*of_documents, *of_root, *of_removed))


def repair_object(
    place: Place,
    *,
    depth: Depth = "indexes",
    grace: timedelta = GRACE,
    dry_run: bool = False,
    vocabularies: Vocabularies = (),
) -> CheckReport:
    """Repair what is safe to repair in an object, and report what was done and what is left.

    Parameters
    ----------
    place
        The object, its path, address or storage.
    depth
        As for `check_object`.
    grace
        What a writer has left that is younger is not touched.
    dry_run
        Whether to change nothing: the report then has all findings, and the repairs that would be made.
    vocabularies
        As for `check_object`.

    Raises
    ------
    ObjectNotFoundError
        When there is nothing of an object.
    StorageError
        When other writers change the object again and again meanwhile.
    """
    storage = opened(place)
    refuse_wrong(depth, grace, vocabularies)
    if dry_run:
        evidence = gather(storage)
        findings = judged(storage, evidence, depth=depth, grace=grace, vocabularies=vocabularies)
        would = {
            "orphan-parts": "its parts would be removed",
            "unmerged-commit": "it would be completed",
            "old-trash": "what it replaced or removed would be removed for good",
        }
        parts = [Repair(each.code, each.place, would[each.code]) for each in findings if each.code in would]
        aside = damaged(storage, evidence, grace)
        parts += [Repair("unreadable-record", each, "it would be put aside") for each in aside]
        plan = plan_repair(evidence, grace, keeps_strays=unreadable_edits(storage, evidence).keys() != {*aside})
        return CheckReport(storage.url, findings, (*plan.repairs, *parts), dry_run=True)
    completed = _completed(storage)
    if completed is None and (aside := damaged(storage, gather(storage), grace)):
        for commit in aside:
            put_aside(storage, [record_path(commit)], commit)
        put = [Repair("unreadable-record", each, "it was put aside") for each in aside]
        completed = [*put, *(_completed(storage) or ())]
    with turn(storage) as is_exclusive:
        made = [*(completed or ()), *_made(storage, grace, is_exclusive=is_exclusive)]
    if completed is None:
        made += _completed(storage) or ()
    if storage.parts is not None:
        made += [
            Repair("orphan-parts", str(each.path), "its parts were removed")
            for each in discard_abandoned(storage, grace=grace)
        ]
    emptied = sorted({each.commit for each in empty_trash(storage, older_than=KEPT_FOR)})
    made += [Repair("old-trash", commit, "what it replaced or removed was removed for good") for commit in emptied]
    findings = judged(storage, gather(storage), depth=depth, grace=grace, vocabularies=vocabularies)
    return CheckReport(storage.url, findings, tuple(made))


def _completed(storage: Storage) -> list[Repair] | None:
    """Make recorded edits part of the root document; `None` where it cannot be read."""
    with suppress(ObjectError, ReadOnlyError, UnsupportedFormatError):
        return [Repair("unmerged-commit", each, "it was made part of the root document") for each in complete(storage)]
    return None


def _made(storage: Storage, grace: timedelta, *, is_exclusive: bool) -> list[Repair]:
    """Make the repairs, planned anew when another writer has changed the root document meanwhile.

    And once more when something was removed that was in the place of a document.
    """
    made: list[Repair] = []
    for _ in range(_ATTEMPTS):
        evidence = look(storage, is_exclusive=is_exclusive)
        plan = plan_repair(evidence, grace, keeps_strays=bool(unreadable_edits(storage, evidence)))
        if not plan.repairs:
            return made
        if storage.read(ROOT_DOCUMENT) != evidence.body:
            continue
        blocked = _put_all(storage, plan.documents, evidence)
        if plan.root is not None:
            if storage.read(ROOT_DOCUMENT) != evidence.body:
                continue
            _put_all(storage, {ROOT_DOCUMENT: plan.root}, evidence)
        storage.remove_many(plan.removed)
        made += [each for each in plan.repairs if document_path(each.place) not in blocked]
        if not (blocked and plan.removed):
            return made
    raise StorageError(storage.url, f"other writers changed the object {_ATTEMPTS} times meanwhile; try again")


def _put_all(storage: Storage, documents: dict[str, bytes], evidence: Evidence) -> set[str]:
    """Store documents; returns those in whose place there is a directory with something in it, as there can be on a disk."""
    blocked = set()

    def put(name: str) -> None:
        try:
            storage.put(documents[name], name, content_type="application/json")
        except StorageError:
            if name not in directories_in_place(evidence):
                raise
            blocked.add(name)

    all_at_once(put, documents)
    return blocked


def _documents(evidence: Evidence, grace: timedelta) -> tuple[dict[str, bytes], list[Repair]]:
    """Return the documents of groups and arrays that are to be as the root document has them."""
    root = evidence.root
    assert root is not None
    documents, repairs = {}, []
    for path, member in root.members.items():
        name = document_path(path)
        there = name in evidence.listed
        unreadable = path in evidence.documents and evidence.documents[path] is None
        if there and not unreadable and not (is_stale(evidence, path) and is_settled(evidence, (name,), grace)):
            continue
        body = _written(name, partial(member_document, member))
        if body is None or not can_be_named(path):
            continue
        documents[name] = body
        code: Code = "missing-group" if not there else "unreadable-group" if unreadable else "stale-group"
        repairs.append(Repair(code, path, "its document was written as the root document has it"))
    for kind in missing_kinds(root):
        if document_path(kind) not in evidence.listed:
            documents[document_path(kind)] = group_document({})
    return documents, repairs


def _root(evidence: Evidence) -> tuple[bytes | None, list[Repair]]:
    """Return the root document as it should be, `None` when it is."""
    root = evidence.root
    assert root is not None
    repairs = []
    members, attributes = dict(root.members), root.attributes
    if evidence.damage or not (root.consolidated and root.members):
        elements = sum(path.partition("/")[0] in ELEMENT_KINDS and path.count("/") == 1 for path in members)
        what = f"the root was derived anew from the documents of its groups, {elements} elements"
        repairs.append(Repair("unreadable-root" if evidence.damage else "unconsolidated", ROOT_DOCUMENT, what))
    for kind in missing_kinds(root):
        members[kind] = group_member({})
        repairs.append(Repair("missing-kind", kind, "the empty group was added"))
    for assay in unlinked_assays(root):
        attributes = with_link(attributes, "has_assay", assay)
        repairs.append(Repair("one-sided-link", str(assay), "has_assay of the object links to it now"))
    if attributes != root.attributes:
        attributes = dated(attributes)
    body = _written(ROOT_DOCUMENT, ZarrRoot(attributes, members, log=root.log).dump) if repairs else None
    return body, repairs if body is not None else []


def _written(name: str, document: Callable[[], bytes]) -> bytes | None:
    """Return a document as it is to be written, `None` when its name or what it says cannot be written at all."""
    try:
        target_name(name)
        return document()
    except ValueError:  # a path that leaves the object, a number or a character that JSON has not
        return None


def _removals(evidence: Evidence, grace: timedelta) -> tuple[tuple[str, ...], list[Repair]]:
    """Return what is left over and old enough to go, and only where edits of elements leave something."""
    found = strays(evidence)
    gone: list[str] = []
    repairs = []
    for path, names in found.groups.items():
        if path.partition("/")[0] in ELEMENT_KINDS and is_settled(evidence, names, grace):
            gone += names
            repairs.append(Repair("orphan-group", path, f"it was removed, {len(names)} files"))
    left: dict[str, Code] = {
        **dict.fromkeys(found.chunks, "orphan-chunk"),
        **dict.fromkeys(waiting(evidence), "orphan-file"),
    }
    for name, code in left.items():
        if is_settled(evidence, (name,), grace):
            gone.append(name)
            repairs.append(Repair(code, name, "it was removed"))
    return tuple(gone), repairs
