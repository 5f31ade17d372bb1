"""Whether the hierarchy is what its root document says: groups that are missing, other than they should be, or left over.

Owns these findings, from evidence alone. Asks no storage, and must not know what elements say but that each says its class.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from modos.errors import InvalidElementError
from modos.model import ELEMENT_KINDS
from modos.model.ids import check_name
from modos.objects.arrays.grids import count_of_chunks, is_chunk, is_complete
from modos.objects.checks.evidence import Evidence, missing_kinds
from modos.objects.checks.findings import AGAIN, Finding, finding
from modos.objects.checks.older import OLD_NAMES
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT
from modos.storage.hierarchy.documents import document_path

__all__ = [
    "NAMELESS",
    "YOUNG",
    "Strays",
    "can_be_named",
    "directories_in_place",
    "has_class",
    "hierarchy_findings",
    "is_settled",
    "is_stale",
    "strays",
]

_INSIDE = f"{ZARR_ROOT}/"


@dataclass(frozen=True, slots=True)
class Strays:
    """Files in the hierarchy that are no part of the object, and how many are part of its arrays.

    Attributes
    ----------
    groups
        Topmost group or array that the root document does not know, to its files.
    chunks
        Files that are in no array.
    old
        Documents of zarr format 2.
    stored
        Array to the number of its chunks that are there and hold something.
    """

    groups: Mapping[str, tuple[str, ...]]
    chunks: tuple[str, ...]
    old: tuple[str, ...]
    stored: Mapping[str, int]


def hierarchy_findings(evidence: Evidence, grace: timedelta) -> Iterator[Finding]:
    """Yield what is wrong with the documents of the hierarchy.

    Parameters
    ----------
    evidence
        What there is of the object.
    grace
        How long what an edit has left may be that of a writer who is still at work; younger ones are notes.
    """
    url = evidence.url
    if evidence.zarr_format != 3:  # noqa: PLR2004 - the format's own number
        yield from _older(evidence)
        return
    if evidence.body is None:
        groups = len(evidence.documents)
        what = f"is not there, which makes an object of the hierarchy; documents of {groups} groups and arrays are left"
        yield finding("no-root", ROOT_DOCUMENT, what, url)
    elif evidence.damage and evidence.root is None:
        what = f"{evidence.damage}; the object's own attributes are lost with it"
        yield finding("unreadable-root", ROOT_DOCUMENT, what, url, remedy=AGAIN)
    elif evidence.damage:
        yield finding("unreadable-root", ROOT_DOCUMENT, evidence.damage, url)
    elif evidence.root is not None and not (evidence.root.consolidated and evidence.root.members):
        yield finding("unconsolidated", ROOT_DOCUMENT, "does not say what groups there are", url)
    yield from _of_members(evidence, grace)
    if evidence.root is not None:
        yield from _of_strays(evidence, grace)


def is_settled(evidence: Evidence, names: tuple[str, ...], grace: timedelta) -> bool:
    """Tell whether files are so old that no writer can be about to commit them."""
    times = [evidence.listed[name].last_modified for name in names if name in evidence.listed]
    return all(each is None or evidence.when - each >= grace for each in times)


def is_stale(evidence: Evidence, path: str) -> bool:
    """Tell whether the document of a group or array was read and is another than the root document has."""
    document = evidence.documents.get(path)
    root = evidence.root
    if document is None or root is None or path not in root.members:
        return False
    kind, _, name = path.partition("/")
    if kind in ELEMENT_KINDS and name and "/" not in name and not has_class(root.members[path].get("attributes")):
        return False  # the root is damaged here, and no better than the document, which may hold what it lost
    return _essence(document) != _essence(root.members[path])


def directories_in_place(evidence: Evidence) -> set[str]:
    """Return the names of documents that are not there, and beneath which there are files."""
    above = (f"{name.partition('/zarr.json/')[0]}/zarr.json" for name in evidence.listed if "/zarr.json/" in name)
    return {name for name in above if name not in evidence.listed}


def can_be_named(path: str) -> bool:
    """Tell whether a group or an array may have this path; there are names that zarr or file systems keep for themselves."""
    try:
        return all(check_name(name) for name in path.split("/"))
    except InvalidElementError:
        return False


def has_class(attributes: object) -> bool:
    """Tell whether attributes of an element say its class, without which the object does not open."""
    return isinstance(attributes, Mapping) and isinstance(attributes.get("@type"), str)


def strays(evidence: Evidence) -> Strays:
    """Return what the files in the hierarchy are, going by what the root says."""
    known = {} if evidence.root is None else evidence.root.members
    members: dict[str, Mapping[str, Any]] = {**{kind: {} for kind in ELEMENT_KINDS}, **known}
    unread = {path for path, document in evidence.documents.items() if document is None}
    groups: dict[str, list[str]] = {}
    loose: list[tuple[str, str | None]] = []
    old = []
    stored: Counter[str] = Counter()
    for name, info in evidence.listed.items():
        if not name.startswith(_INSIDE) or name == ROOT_DOCUMENT:
            continue
        path = PurePosixPath(name.removeprefix(_INSIDE))
        around = ["/".join(path.parts[:depth]) for depth in range(1, len(path.parts))]
        array = _array_of(members, around, str(path))
        if path.name in OLD_NAMES:
            old.append(name)
        elif array is not None:
            stored[array] += bool(info.size) and path.name != "zarr.json"
        else:
            unknown = next((each for each in around if each not in members and each not in unread), None)
            if path.name == "zarr.json":
                if unknown is not None:
                    groups.setdefault(unknown, []).append(name)
            else:
                loose.append((name, unknown))
    chunks = []
    for name, unknown in loose:
        if unknown in groups:
            groups[unknown].append(name)
        else:
            chunks.append(name)
    return Strays({path: tuple(names) for path, names in groups.items()}, tuple(chunks), tuple(old), stored)


def _array_of(members: Mapping[str, Mapping[str, Any]], around: list[str], path: str) -> str | None:
    """Return the array whose document or chunk a file is, `None` where it is neither."""
    array = next((each for each in reversed(around) if members.get(each, {}).get("node_type") == "array"), None)
    if array is None or not (f"{array}/zarr.json" == path or is_chunk(members[array], path[len(array) + 1 :])):
        return None
    return array


def _of_members(evidence: Evidence, grace: timedelta) -> Iterator[Finding]:
    url, root = evidence.url, evidence.root
    for path, document in evidence.documents.items():
        if document is None:
            yield finding("unreadable-group", path, "its document cannot be read", url)
    if root is None:
        return
    for kind in missing_kinds(root):
        yield finding("missing-kind", kind, "the root document lacks this group", url)
    if not root.consolidated or not root.members:
        return
    directories = directories_in_place(evidence)
    for path in root.members:
        if document_path(path) in directories:
            what = "a directory with something in it is in the place of its document"
            yield finding("missing-group", path, what, url, remedy=_MOVE_AWAY)
        elif document_path(path) not in evidence.listed:
            remedy = None if can_be_named(path) else NAMELESS
            yield finding("missing-group", path, "its document is not there", url, remedy=remedy)
        elif is_stale(evidence, path):
            settled = is_settled(evidence, (document_path(path),), grace)
            what = f"its document is not as the root document has it{'' if settled else YOUNG}"
            yield finding("stale-group", path, what, url, severity=None if settled else "note")


def _of_strays(evidence: Evidence, grace: timedelta) -> Iterator[Finding]:
    found, url = strays(evidence), evidence.url
    yield from _of_chunks(evidence, found)
    for path, names in found.groups.items():
        settled = is_settled(evidence, names, grace)
        if path.partition("/")[0] in ELEMENT_KINDS:
            what = f"the root document does not know it; an edit that broke off left it{'' if settled else YOUNG}"
            yield finding("orphan-group", path, what, url, severity=None if settled else "note")
        else:
            what = "the root document does not know it; another program made it"
            remedy = "zarr.consolidate_metadata makes it a part of the object, if it shall be one"
            yield finding("orphan-group", path, what, url, severity="note", remedy=remedy)
    for name in found.chunks:
        settled = is_settled(evidence, (name,), grace)
        what = f"belongs to no array{'' if settled else YOUNG}"
        yield finding("orphan-chunk", name, what, url, severity=None if settled else "note")
    if found.old:
        what = f"{len(found.old)} documents of zarr format 2 are beside those of format 3"
        yield finding("old-documents", ZARR_ROOT.name, what, url)


def _of_chunks(evidence: Evidence, found: Strays) -> Iterator[Finding]:
    """Yield the arrays that say that all of their chunks are stored, and whose chunks are not."""
    for path, document in {} if evidence.root is None else evidence.root.members.items():
        count = count_of_chunks(document) if is_complete(document) else None
        missing = (count or 0) - found.stored.get(path, 0)
        if missing > 0:
            what = f"{missing:,} of the {count:,} files that its values are stored in are empty or not there"
            yield finding("missing-file", path, what, evidence.url)


def _older(evidence: Evidence) -> Iterator[Finding]:
    url, root = evidence.url, evidence.root
    if root is None:
        what = f"{evidence.damage}; 'modos upgrade' needs all of them"
        yield finding("unreadable-root", ZARR_ROOT.name, what, url, remedy=AGAIN)
        return
    if not isinstance(root.attributes.get("id"), str):
        yield finding("unreadable-root", ZARR_ROOT.name, "its metadata has no id", url, remedy=AGAIN)
    yield finding("old-format", ZARR_ROOT.name, "is of zarr format 2, which is only read", url)
    for path, member in root.members.items():
        if evidence.documents.get(path) != member:
            what = "its document is not as the consolidated metadata of format 2 have it; an upgrade takes the document"
            yield finding("stale-group", path, what, url, remedy="'modos upgrade {url}'")
    for path in evidence.documents.keys() - root.members.keys():
        outcome = "files of it are left, so that an upgrade is refused"
        if not any(name.startswith(f"{_INSIDE}{path}/") for name in evidence.listed):
            outcome = "an upgrade leaves it out"
        what = f"is in the consolidated metadata of format 2 only; {outcome}"
        yield finding("missing-group", path, what, url, remedy=AGAIN)


def _essence(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a document says, apart from what may be left out; of a group that is its attributes."""
    if document.get("node_type") == "group":
        return {"node_type": "group", "attributes": document.get("attributes") or {}}
    return {
        key: value for key, value in document.items() if key != "consolidated_metadata" and value not in (None, [], {})
    }


_MOVE_AWAY = f"move what is in {ZARR_ROOT}/{{place}}/zarr.json/ elsewhere, then 'modos check {{url}} --repair'"
NAMELESS = f"it has a name that none may have, so that no command finds it; take it out of {ROOT_DOCUMENT}"
YOUNG = "; it is so young that a writer may be at work"
"""What is added to a finding that may be none, in a while."""
