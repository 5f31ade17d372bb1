"""The records of edits: one small file each beneath `.modos/log`, written once and never changed.

Owns their form, and how they are found and read. Must not know how an edit is made, nor when.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import PurePath
from sys import maxsize
from typing import Any

from modos._version import __version__
from modos.errors import DamagedObjectError, InvalidElementError, KeyNotFoundError, UnsupportedFormatError
from modos.model import ElementId
from modos.objects.at_once import all_at_once
from modos.objects.history.commits import is_commit_id, time_of
from modos.objects.history.deltas import Delta
from modos.objects.history.slots import SlotDelta, read_slot_change
from modos.objects.snapshot import hint
from modos.storage import LOG, Storage

__all__ = [
    "Files",
    "Record",
    "Unreadable",
    "read_record",
    "read_records",
    "record_ids",
    "record_path",
    "recorded",
]

type JSON = dict[str, Any]

type Unreadable = DamagedObjectError | UnsupportedFormatError
"""Why a record cannot be read: it is damaged, or a later release has written it."""

_FORMAT = 1
_RENAMED = "renamed"
"""The note of a record that tells which elements got another id: full ids, from and to."""
_SUFFIX = ".json"
_BEHIND = "~"
"""Sorts behind the suffix: a listing that begins there leaves out the record itself."""
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Files:
    """What an edit did to data files; digests are BLAKE2b, `None` where none is known.

    Attributes
    ----------
    stored
        New files, with their digests.
    replaced
        Files that took the place of others of the same name, with the digests before and after.
    renamed
        Values of `data_path`, from and to; index files and what is in a directory went along.
    removed
        Values of `data_path` that were left behind, with their digests.
    """

    stored: Mapping[str, str | None] = field(default_factory=dict)
    replaced: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """All names that it tells, old and new."""
        return {*self.stored, *self.replaced, *self.removed, *self.renamed, *self.renamed.values()}


@dataclass(frozen=True, slots=True)
class Record:
    """What one edit was.

    Attributes
    ----------
    id
        Its name, which begins with the time.
    author
        Who made it, such as `ada@laptop`.
    message
        What it was for, in words; `None` when nothing was said.
    parents
        The newest commits that it was planned on.
    delta
        What it changed in the metadata.
    files
        What it changed besides.
    tool
        The program that made it, with its version.
    notes
        What else is worth keeping, for programs: JSON.
    """

    id: str
    author: str
    delta: Delta = field(default_factory=Delta)
    message: str | None = None
    parents: tuple[str, ...] = ()
    files: Files = field(default_factory=Files)
    tool: str = f"modos {__version__}"
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def when(self) -> datetime:
        """When it was made, in UTC."""
        return time_of(self.id)

    def dump(self) -> bytes:
        """Return it as it is stored."""
        head = {"format": _FORMAT, "id": self.id, "author": self.author, "tool": self.tool, "message": self.message}
        document = {**head, "parents": list(self.parents), **_dumped(self.delta)}
        if files := {name: value for name in _FILES if (value := dict(getattr(self.files, name)))}:
            document["files"] = files
        renamed = {str(old): str(new) for old, new in self.delta.renamed.items()}
        if notes := {**self.notes, **({_RENAMED: renamed} if renamed else {})}:
            document["notes"] = notes
        try:
            return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:  # what was there before may hold what JSON has not, when another program wrote it
            return json.dumps(document).encode()

    @classmethod
    def parse(cls, body: bytes, url: str) -> "Record":
        """Read what `dump` returned.

        Raises
        ------
        DamagedObjectError
            When it is no record.
        UnsupportedFormatError
            When it is one of a later format.
        """
        try:
            document = json.loads(body)
            _check_format(document["format"], url)
            return cls(
                id=document["id"],
                author=str(document["author"]),
                delta=_delta(document),
                message=document.get("message"),
                parents=tuple(document["parents"]),
                files=_files(document.get("files", {})),
                tool=str(document["tool"]),
                notes={name: value for name, value in document.get("notes", {}).items() if name != _RENAMED},
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidElementError) as error:
            raise DamagedObjectError(url, f"this record of an edit cannot be read ({error!r})") from error


def record_path(commit: str) -> str:
    """Return where the record of a commit stands.

    Examples
    --------
    >>> record_path("20261121T143500.123456Z-1a2b3c4d")
    '.modos/log/20261121T143500.123456Z-1a2b3c4d.json'
    """
    return f"{LOG}/{commit}{_SUFFIX}"


def record_ids(storage: Storage, start_after: str = "") -> list[str]:
    """Return the names of all commits that have a record, in order: one listing.

    Parameters
    ----------
    storage
        The root of the object.
    start_after
        A commit, or a floor of `Contained`, that the listing begins behind; `""` for the beginning.
    """
    marker = f"{LOG}/{start_after}{_BEHIND}" if start_after else ""
    return recorded(storage.list(LOG, start_after=marker))


def recorded(files: Iterable[str | PurePath]) -> list[str]:
    """Return the names of the commits whose records are among the files of an object, in order.

    Examples
    --------
    >>> recorded(["reads.cram", ".modos/log/20261121T143500.123456Z-1a2b3c4d.json"])
    ['20261121T143500.123456Z-1a2b3c4d']
    """
    before, names = f"{LOG}/", map(str, files)
    records = (name for name in names if name.startswith(before) and name.endswith(_SUFFIX))
    ids = (name.removeprefix(before).removesuffix(_SUFFIX) for name in records)
    return sorted(each for each in ids if is_commit_id(each))


def read_record(storage: Storage, commit: str) -> Record:
    """Read one record.

    Raises
    ------
    KeyNotFoundError
        When there is none of this name.
    DamagedObjectError, UnsupportedFormatError
        When it cannot be read; a note names the command that tells more.
    """
    path = record_path(commit)
    try:
        return Record.parse(storage.read(path), storage.url_of(path))
    except (DamagedObjectError, UnsupportedFormatError) as error:
        error.add_note(hint(storage))
        raise


def read_records(
    storage: Storage,
    commits: Iterable[str],
    limit: int | None = None,
    *,
    unreadable: dict[str, Unreadable] | None = None,
) -> list[Record]:
    """Read records, several at a time; those that are gone, since their edits were withdrawn, are left out.

    Parameters
    ----------
    storage
        The root of the object.
    commits
        Their names, in the order in which they are returned.
    limit
        How many to read; `None` for all.
    unreadable
        Where those that cannot be read are noted, which are left out then; `None` to fail.

    Raises
    ------
    DamagedObjectError, UnsupportedFormatError
        When one cannot be read and that is not to be noted.
    """

    def read(commit: str) -> Record | None:
        try:
            return read_record(storage, commit)
        except KeyNotFoundError:
            return None
        except (DamagedObjectError, UnsupportedFormatError) as error:
            if unreadable is None:
                raise
            unreadable[commit] = error
            return None

    found = all_at_once(read, islice(commits, None if limit is None else min(limit, maxsize)), at_once=_AT_ONCE)
    return [record for record in found if record is not None]


_FILES = ("stored", "replaced", "renamed", "removed")


def _check_format(version: object, url: str) -> None:
    if isinstance(version, int) and version > _FORMAT:
        reason = f"this record is of format {version}, and format {_FORMAT} is read here"
        raise UnsupportedFormatError(url, f"{reason}: a newer release of modos has written it")
    if version != _FORMAT:
        reason = f"there is no format {version!r}"
        raise ValueError(reason)


def _dumped(delta: Delta) -> JSON:
    def slots(changes: Mapping[str, SlotDelta]) -> JSON:
        return {slot: change.dump() for slot, change in changes.items()}

    whole = {
        "object": slots(delta.object),
        "added": {str(each): said for each, said in delta.added.items()},
        "removed": {str(each): said for each, said in delta.removed.items()},
        "changed": {str(each): slots(changes) for each, changes in delta.changed.items()},
        "documents": {path: list(pair) for path, pair in delta.documents.items()},
        "dangling": sorted(map(str, delta.dangling)),
    }
    return {name: value for name, value in whole.items() if value}


def _delta(document: JSON) -> Delta:
    def slots(changes: JSON) -> dict[str, SlotDelta]:
        return {slot: read_slot_change(change) for slot, change in changes.items()}

    def elements(name: str) -> dict[ElementId, Any]:
        return {ElementId.parse(each): value for each, value in document.get(name, {}).items()}

    renamed = document.get("notes", {}).get(_RENAMED, {})
    return Delta(
        object=slots(document.get("object", {})),
        added=elements("added"),
        removed=elements("removed"),
        changed={each: slots(changes) for each, changes in elements("changed").items()},
        documents={path: (before, after) for path, (before, after) in document.get("documents", {}).items()},
        dangling=frozenset(map(ElementId.parse, document.get("dangling", ()))),
        renamed={ElementId.parse(old): ElementId.parse(new) for old, new in renamed.items()},
    )


def _files(document: JSON) -> Files:
    replaced = {name: (before, after) for name, (before, after) in document.get("replaced", {}).items()}
    return Files(document.get("stored", {}), replaced, document.get("renamed", {}), document.get("removed", {}))
