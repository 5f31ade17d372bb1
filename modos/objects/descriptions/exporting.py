"""An object as a description: the entries that make it again, and the files that they are written to.

Owns what refers to an object's files, and the order of entries and slots. Reads metadata and a listing, changes no object.
"""

from collections.abc import Collection, Iterator, Mapping
from os.path import isdir, relpath
from pathlib import Path, PurePosixPath

from modos.errors import InvalidInputError, KeyExistsError
from modos.model.documents import Entry, dump_document
from modos.model.documents.reading import format_of
from modos.model.documents.tables import DELIMITERS, class_of_table, tables_by_class
from modos.model.documents.writing import WRITTEN_FORMATS
from modos.objects.contents import data_files
from modos.objects.differences import slot_order
from modos.objects.editing.files import data_path
from modos.objects.snapshot import Snapshot
from modos.storage import LocalStorage, Storage

__all__ = ["documents_for", "entries_of", "files_referred_to", "is_folder", "rdf_format", "written"]

RDF_FORMATS = ("turtle", "n-triples", "xml", "json-ld")
"""Formats of descriptions that `publish` writes."""


def entries_of(snapshot: Snapshot, source_files: Mapping[str, str]) -> list[Entry]:
    """Return the entries that describe an object: its own, then its elements by id, slots as the schema orders them.

    Parameters
    ----------
    snapshot
        What the object says.
    source_files
        Where files are found now, by their names in the object; those that are not in it are not referred to.

    Examples
    --------
    >>> entries_of(Snapshot("ex", {"@type": "MODO", "id": "ex", "name": "Pilot"}), {})
    [Entry(element={'@type': 'MODO', 'id': 'ex', 'name': 'Pilot'}, args={})]
    """
    entries = [Entry(_in_order(snapshot.attributes))]
    for element in sorted(snapshot.elements):
        said = snapshot.elements[element]
        source = source_files.get(str(said.get("data_path")))
        args = {} if source is None else {"source_file": source}
        entries.append(Entry(_in_order({**said, "id": element.name}), args))
    return entries


def files_referred_to(storage: Storage, snapshot: Snapshot, relative_to: Path | None) -> dict[str, str]:
    """Return where the files of elements are found now, by their names in the object: those that are there; one listing.

    Parameters
    ----------
    storage
        The root of the object.
    snapshot
        What it says.
    relative_to
        The folder that paths of this machine are relative to; `None` for paths in full.
    """
    wanted = {str(said["data_path"]) for said in snapshot.elements.values() if "data_path" in said}
    if not wanted:
        return {}
    there = {each for path in data_files(storage) for each in (path, *path.parents)}
    names = (name for name in wanted if PurePosixPath(name) in there and data_path({"data_path": name}) == name)
    if isinstance(storage, LocalStorage):
        return {name: _path(Path(storage.path, name), relative_to) for name in names}
    return {name: storage.url_of(name) for name in names}


def documents_for(
    target: Path,
    entries: Collection[Entry],
    format: str | None,  # noqa: A002 - the word users know
) -> dict[Path, str]:
    """Return the documents to write, by their paths: one, or a table for each class in a folder.

    Parameters
    ----------
    target
        A file, or a folder: one that is there, or a name without a suffix when tables are asked for.
    entries
        What to write.
    format
        `None` to tell it by the suffix; tab-separated tables in a folder.

    Raises
    ------
    InvalidInputError
        When they cannot be written so, or the folder holds tables of other classes, which would be read with them.
    """
    if is_folder(target, format):
        chosen = format or "tsv"
        if chosen not in DELIMITERS:
            reason = f"{target} is a folder, which can hold tables ({', '.join(DELIMITERS)}), not {chosen}; name a file"
            raise InvalidInputError(reason)
        found = {target / name: text for name, text in tables_by_class(entries, chosen).items()}
        for path in _tables_in(target):
            if path not in found:
                reason = (
                    f"{path} is not written by this export and would be read with its tables; choose another folder"
                )
                raise InvalidInputError(reason)
        return found
    return {target: dump_document(entries, format or format_of(target).name)}


def written(documents: Mapping[Path, str], *, overwrite: bool) -> list[Path]:
    """Write documents, each seen whole or not at all, and return their paths.

    Raises
    ------
    KeyExistsError
        When one is there and is not to be replaced; then none is written.
    """
    places = {path: (LocalStorage(path.absolute().parent), text.encode()) for path, text in documents.items()}
    there = next((path for path, (folder, _) in places.items() if folder.exists(path.name)), None)
    if there is not None and not overwrite:
        raise KeyExistsError(str(there), "is there already; overwrite=True or --overwrite replaces it")
    for path, (folder, content) in places.items():
        folder.put(content, path.name)
    return list(places)


def is_folder(target: Path, format: str | None) -> bool:  # noqa: A002 - the word users know
    """Tell whether tables are to be written to a folder: one that is there, or for tables a name without a suffix."""
    is_there = isdir(target)  # noqa: PTH112 - names that can be none are for the storage to refuse
    return is_there or (format in DELIMITERS and not target.suffix)


def rdf_format(target: Path | None, format: str | None) -> str | None:  # noqa: A002 - the word users know
    """Return the format of linked data that is asked for, `None` when it is entries.

    Raises
    ------
    InvalidInputError
        When it is no format at all.
    """
    chosen = format or (
        None if target is None or not target.suffix or is_folder(target, None) else format_of(target).name
    )
    if chosen in RDF_FORMATS:
        return chosen
    if chosen is not None and chosen not in WRITTEN_FORMATS:
        known = ", ".join((*WRITTEN_FORMATS, *RDF_FORMATS))
        reason = f"{chosen!r} is no format of descriptions, which are {known}"
        raise InvalidInputError(reason)
    return None


def _tables_in(folder: Path) -> Iterator[Path]:
    """Yield the tables of a folder that are named after classes; none of one that is not there."""
    for each in LocalStorage(folder.absolute()).list_dir():
        if each.suffix.lower().removeprefix(".") in DELIMITERS and class_of_table(each.name):
            yield folder / each


def _in_order(said: Mapping[str, object]) -> dict[str, object]:
    return {slot: said[slot] for slot in sorted(said, key=slot_order)}


def _path(path: Path, relative_to: Path | None) -> str:
    return str(path) if relative_to is None else relpath(path, relative_to)
