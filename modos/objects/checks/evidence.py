"""What an object is judged by: its listing, its root document, and those documents that the listing casts doubt upon.

Owns what is asked of the storage, and how a damaged root document is read as far as it goes. Judges nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from modos.errors import DamagedObjectError, KeyNotFoundError, ObjectNotFoundError
from modos.model import ELEMENT_KINDS
from modos.objects.checks.older import OLD_NAMES, documents_of_old, old_hierarchy
from modos.objects.editing.turns import turn
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, ObjectInfo, Storage
from modos.storage.base import OLD_ROOT
from modos.storage.hierarchy.documents import document_path, group_document, parse_document
from modos.storage.hierarchy.root import ZarrRoot

__all__ = ["Evidence", "gather", "look", "missing_kinds"]

type JSON = dict[str, Any]

_AT_ONCE = 16
_ATTEMPTS = 5
_ATTRIBUTES = re.compile(r'\s*\{\s*"attributes"\s*:\s*')


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is of an object.

    Attributes
    ----------
    url
        Its address.
    listed
        All its files.
    body
        The root document as it is stored; `None` when there is none.
    root
        What the root document says, or the documents of groups where it does not; `None` when neither can be told.
    damage
        Why the root document cannot be read; empty when it can.
    documents
        Those that were read, by their path in the hierarchy; `None` for what cannot be read.
    zarr_format
        2 for what older releases wrote.
    when
        When it was looked.
    """

    url: str
    listed: Mapping[str, ObjectInfo]
    body: bytes | None
    root: ZarrRoot | None
    damage: str = ""
    documents: Mapping[str, JSON | None] = field(default_factory=dict)
    zarr_format: int = 3
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


def gather(storage: Storage) -> Evidence:
    """Look at an object: one listing and one read, and one more for each document that the listing casts doubt upon.

    Where listings tell the MD5 of files, as those of S3 and Swift do, a document is read only when it is not the one that
    the root document asks for.

    Raises
    ------
    ObjectNotFoundError
        When there is nothing of an object.
    """
    with turn(storage) as is_exclusive:
        return look(storage, is_exclusive=is_exclusive)


def look(storage: Storage, *, is_exclusive: bool) -> Evidence:
    """Do as `gather` does, for whoever has the turn already.

    Parameters
    ----------
    storage
        The root of the object.
    is_exclusive
        Whether no other writer can commit meanwhile. Otherwise it is looked again until listing and root document are of
        one moment, as far as the MD5 in the listing tells.

    Raises
    ------
    ObjectNotFoundError
        When there is nothing of an object.
    """
    for _ in range(_ATTEMPTS):
        found = _looked(storage)
        if is_exclusive or _is_of_one_moment(found):
            break
    return found


def _is_of_one_moment(evidence: Evidence) -> bool:
    info, body = evidence.listed.get(ROOT_DOCUMENT), evidence.body
    if info is None or body is None:
        return info is None and body is None
    return info.md5 is None or info.md5 == hashlib.md5(body, usedforsecurity=False).hexdigest()


def _looked(storage: Storage) -> Evidence:
    when = datetime.now(UTC)
    try:
        body = storage.read(ROOT_DOCUMENT)
    except KeyNotFoundError:
        body = None
    listed = {str(info.path): info for info in storage.scan()}
    if not any(name.startswith(f"{ZARR_ROOT}/") for name in listed):
        raise ObjectNotFoundError(storage.url)
    if body is None and OLD_ROOT in listed:
        return _older(storage, listed, when)
    try:
        root = None if body is None else ZarrRoot.parse(body, storage.url)
        damage = "" if root is None or isinstance(root.attributes.get("id"), str) else "its metadata has no id"
    except DamagedObjectError as error:
        root, damage = None, error.reason
    if root is not None and root.consolidated and root.members and not damage:
        return Evidence(storage.url, listed, body, root, "", _read(storage, _doubtful(root, listed)), 3, when)
    there = [_member(name) for name in listed if name.endswith("/zarr.json") and name != ROOT_DOCUMENT]
    documents = _read(storage, (name for name in there if name is not None))
    attributes = _salvaged(body)
    if attributes is None:
        return Evidence(storage.url, listed, body, None, damage, documents, 3, when)
    members = {path: document for path, document in documents.items() if document is not None}
    derived = ZarrRoot(attributes, members, consolidated=False)
    return Evidence(storage.url, listed, body, derived, damage, documents, 3, when)


def _older(storage: Storage, listed: Mapping[str, ObjectInfo], when: datetime) -> Evidence:
    """Look at an object of format 2: every document is read, since the consolidated ones may be out of date."""
    names = [name for name in listed if name.startswith(f"{ZARR_ROOT}/") and PurePosixPath(name).name in OLD_NAMES]
    try:
        documents = documents_of_old(storage, names)
        consolidated = documents.pop(".zmetadata", {}).get("metadata")
        root = old_hierarchy(documents, storage.url)
        said = old_hierarchy(consolidated, storage.url) if isinstance(consolidated, dict) else root
    except DamagedObjectError as error:
        return Evidence(storage.url, listed, None, None, error.reason, {}, 2, when)
    known: dict[str, JSON | None] = {path: said.members.get(path) for path in {**root.members, **said.members}}
    return Evidence(storage.url, listed, None, root, "", known, 2, when)


def _doubtful(root: ZarrRoot, listed: Mapping[str, ObjectInfo]) -> Iterator[str]:
    """Yield the paths of groups and arrays whose document may be another than the root document has."""
    for path, member in root.members.items():
        info = listed.get(document_path(path))
        if info is None:
            continue
        if member["node_type"] == "group" and info.md5 is not None:
            try:
                expected = group_document(member.get("attributes", {}))
            except ValueError:  # a number or a character that JSON has not
                expected = b""
            if info.size == len(expected) and info.md5 == hashlib.md5(expected, usedforsecurity=False).hexdigest():
                continue
        yield path


def _read(storage: Storage, paths: Iterable[str]) -> dict[str, JSON | None]:
    """Read the documents of groups and arrays, several at a time; those that have gone since they were listed are left out."""

    def read(path: str) -> JSON | None:
        name = document_path(path)
        try:
            return parse_document(storage.read(name), storage.url_of(name))
        except DamagedObjectError:
            return None
        except KeyNotFoundError:
            return {}

    wanted = list(paths)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="modos-check") as pool:
        found = zip(wanted, pool.map(read, wanted), strict=True)
        return {path: document for path, document in found if document != {}}


def _member(name: str) -> str | None:
    """Return the path in the hierarchy of what a document describes; `None` for what is not in it."""
    parts = PurePosixPath(name).parts
    return "/".join(parts[1:-1]) if parts[0] == ZARR_ROOT.name and len(parts) > 2 else None  # noqa: PLR2004 - root, group, file


def _salvaged(body: bytes | None) -> JSON | None:
    """Return the object's own attributes as far as the root document can be read; `None` without an id."""
    text = (body or b"").decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text)
        attributes = document.get("attributes") if isinstance(document, dict) else None
    except (ValueError, RecursionError):
        attributes = _beginning(text)
    if not isinstance(attributes, dict) or not isinstance(attributes.get("id"), str):
        return None
    return attributes if _is_text(attributes) else None


def _is_text(attributes: JSON) -> bool:
    """Tell whether all of it was read as it was written: a byte that is damaged is no part of any character."""
    try:
        json.dumps(attributes, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _beginning(text: str) -> object:
    """Return the attributes with which a document begins that breaks off later."""
    found = _ATTRIBUTES.match(text)
    if found is None:
        return None
    try:
        attributes, _ = json.JSONDecoder().raw_decode(text, found.end())
    except (ValueError, RecursionError):
        return None
    return attributes


def missing_kinds(root: ZarrRoot) -> list[str]:
    """Return the kinds of elements that have no group in the hierarchy."""
    return [kind for kind in ELEMENT_KINDS if kind not in root.members]
