"""Files that come into an object: where they are taken from, and what goes with them.

Owns turning what a user names into a list of files to store. Stores nothing.
"""

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Self

from modos._given import expect
from modos.errors import InvalidInputError, InvalidPathError
from modos.model import ElementId
from modos.objects.mentions import Mentions
from modos.omics import companions_of, index_names
from modos.storage import OWN_ROOT, ZARR_ROOT, LocalStorage, Storage, open_storage
from modos.storage.paths import target_name
from modos.storage.urls import is_url

__all__ = ["Attachment", "FileNames", "SourceFile", "data_path", "directories_of", "files_of"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file to store in an object.

    Attributes
    ----------
    source
        Where it comes from.
    target
        Its name in the object.
    """

    source: "SourceFile"
    target: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file, or a directory, that is not yet in the object.

    Attributes
    ----------
    storage
        Where it is.
    name
        Its name there.
    """

    storage: Storage
    name: str

    @classmethod
    def find(cls, where: str | PurePath, folders: Sequence[Path] = ()) -> Self:
        """Return what a user names.

        Parameters
        ----------
        where
            A path of this machine or an address, which may go on into an archive: `file:reads.zip|zip:a.fastq`.
        folders
            Where relative paths are looked for, in this order; empty for where the process stands.

        Raises
        ------
        InvalidInputError
            When there is no such file, or it cannot be read.
        """
        expect(where, (str, PurePath), "a file is named by a path or an address")
        text = str(where)
        places = [folder / where for folder in folders or (Path(),)]
        if isinstance(where, str) and "|" in text and not any(map(os.path.exists, places)):
            from modos.storage.pipelines.places import StoragePlace  # few files come out of archives
            from modos.storage.pipelines.resolver import place_at

            archived = place_at(text)
            storage = archived.storage if isinstance(archived, StoragePlace) else None
            found = [cls(storage, archived.name)] if storage is not None and archived.name else []
        elif is_url(text):
            parent, _, name = text.rstrip("/").rpartition("/")
            found = [cls(open_storage(parent), name)]
        else:
            found = [cls(LocalStorage(place.absolute().parent), place.name) for place in places if place.name]
        for candidate in found:
            if candidate.is_there():
                return candidate
        looked = ", ".join(dict.fromkeys(candidate.storage.url for candidate in found))
        where = f"there is no file {text!r} to add; looked in {looked}"
        raise InvalidInputError(where if looked else f"{text!r} is no name of a file, or of a folder, to add")

    def is_there(self) -> bool:
        """Tell whether there is such a file, or a directory with files in it."""
        return self.storage.exists(self.name) or next(self.storage.scan(self.name), None) is not None

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return self.storage.open(self.name)

    def attachments(self, target: str, url: str) -> list[Attachment]:
        """Return the files to store when this becomes `target`: itself, or all in it, and its index files.

        Parameters
        ----------
        target
            Its name in the object.
        url
            Path or address of the object.

        Raises
        ------
        InvalidInputError
            When it is a directory with the object, or a part of its metadata, in it.
        """
        if not self.storage.exists(self.name):
            inside = self._files_inside(url)
            return [Attachment(SourceFile(self.storage, path), target + path[len(self.name) :]) for path in inside]
        companions = companions_of(self.name, target, self.storage.exists)
        pairs = {self.name: target, **companions}
        return [Attachment(SourceFile(self.storage, source), stored) for source, stored in pairs.items()]

    def _files_inside(self, url: str) -> Iterator[str]:
        """Yield the names of the files in a directory, which links in it may bring from anywhere."""
        own = _real(url)
        self._refuse_object(own, self.name)
        folders = {self.name}
        for path in self.storage.list(self.name):
            if (folder := str(path.parent)) not in folders:
                self._refuse_object(own, folder)
                folders.add(folder)
            yield str(path)

    def _refuse_object(self, own: str, folder: str) -> None:
        """Refuse a directory that the object is in, or that is of its metadata: it would be larger each time it is added."""
        place = _real(self.storage.url_of(folder))
        if own.startswith(place) or place.startswith((f"{own}{ZARR_ROOT}/", f"{own}{OWN_ROOT}/")):
            reason = f"the object {own.removesuffix('/')} itself, or a part of its metadata, is in it; name a folder beside it"
            raise InvalidInputError(f"{self.storage.url_of(self.name)} cannot be added: {reason}")


def _real(place: str) -> str:
    """Return an address, or a path without links, with a slash behind it."""
    return f"{(place if is_url(place) else os.path.realpath(place)).removesuffix('/')}/"


def data_path(attributes: Mapping[str, object]) -> str | None:
    """Return an element's `data_path` as the name of a file in the object; `None` when it has none.

    Raises
    ------
    InvalidPathError
        When it leaves the object, is absolute, or falls into the zarr hierarchy.

    Examples
    --------
    >>> data_path({"@type": "DataEntity", "data_path": "reads/demo1.cram"})
    'reads/demo1.cram'
    """
    path = attributes.get("data_path")
    if path is None:
        return None
    try:
        name = target_name(str(path).removesuffix("/"))
    except InvalidPathError as error:
        raise InvalidPathError(error.path, f"cannot be a data_path: it {error.reason}") from error
    if name.partition("/")[0] in {ZARR_ROOT.name, OWN_ROOT.name}:
        raise InvalidPathError(name, f"cannot be a data_path: {ZARR_ROOT} and {OWN_ROOT} hold the metadata")
    return name


def files_of(attributes: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names that an element's file and its index files have in the object; none when it has no file."""
    try:
        name = data_path(attributes)
    except InvalidPathError:  # written by something else; such a file is none of the object's
        return ()
    return () if name is None else (name, *index_names(name))


class FileNames:
    """Which names in an object are in use, and by which elements, as these are when they are asked for.

    Parameters
    ----------
    elements
        Attributes of all elements.
    users
        What tells which elements may use a name, as `users` makes it; `None` for one that knows nothing yet.
    settled
        What it is to look through: elements that do not change any more, with which what these have since is noted; `None`
        for these.
    """

    def __init__(
        self,
        elements: Mapping[ElementId, Mapping[str, object]],
        users: Mentions[ElementId, Any] | None = None,
        settled: Mapping[ElementId, Mapping[str, object]] | None = None,
    ) -> None:
        self._elements = elements
        self._users = self.users() if users is None else users
        self._settled = elements if settled is None else settled

    @staticmethod
    def users() -> Mentions[ElementId, Any]:
        """Return what tells which elements may use a name, or one in a directory: `name/`."""
        return Mentions(_names_used)

    def owner(self, name: str, *, besides: Container[ElementId] = ()) -> ElementId | None:
        """Return an element that a name belongs to: its file, its index, a file in its directory, or around it.

        Parameters
        ----------
        name
            The name of a file or a directory.
        besides
            Elements that do not count.
        """
        self._users.follow(self._settled)
        uses = (name, f"{name}/", *directories_of(name))
        possible = ((use, each) for use in uses for each in self._users.entries(use))
        owners = (each for use, each in possible if use in _names_used(each, self._elements.get(each, {})))
        return next((owner for owner in owners if owner not in besides), None)


def _names_used(_: ElementId, attributes: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that an element's files have in the object, and those of the directories that they are in."""
    for name in files_of(attributes):
        yield name
        yield from (f"{directory}/" for directory in directories_of(name))


def directories_of(name: str) -> Iterator[str]:
    """Yield the directories that a name is in.

    Examples
    --------
    >>> list(directories_of("counts.zarr/0/c"))
    ['counts.zarr', 'counts.zarr/0']
    """
    parts = name.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))
