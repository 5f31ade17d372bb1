"""Looking at a file that is to be stored, and at what stands under its name: new, the same, or another.

Owns that decision, which an edit and its trial run share. Writes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from modos.errors import FileConflictError, InvalidElementError, KeyNotFoundError
from modos.model import ElementId
from modos.model.schema import CHECKSUM
from modos.objects.editing.files import Attachment, FileNames, data_path
from modos.objects.snapshot import Attributes
from modos.storage import ObjectInfo, Storage
from modos.storage.sources import Digested

__all__ = ["Examined", "declared_checksums", "digested", "examined", "has_content", "has_copy", "stat_if_any"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out about a file to store.

    Attributes
    ----------
    verdict
        Whether nothing has its name yet, or the same content, or another, which it replaces.
    checksum
        Its BLAKE2b; `None` where it need not be read beforehand.
    """

    verdict: Literal["new", "same", "replaces"]
    checksum: str | None = None


def examined(
    storage: Storage, file: Attachment, names: FileNames, declared: str | None, *, sizes_tell: bool = False
) -> Examined:
    """Look at a file to store, which is read unless it is new or, where sizes tell, of another size.

    Parameters
    ----------
    storage
        The root of the object.
    file
        The file, and its name there.
    names
        Names that elements have.
    declared
        The checksum that is said beforehand; `None` when none is.
    sizes_tell
        Whether a file of another size need not be read.

    Raises
    ------
    InvalidElementError
        When its checksum is not the declared one.
    FileConflictError
        When its name is that of a file that no element describes.
    """
    here = stat_if_any(storage, file.target)
    if here is None and declared is None:
        return Examined("new")
    checksum, is_same = None, False
    source_size = file.source.storage.stat(file.source.name).size if sizes_tell else None
    if declared is not None or source_size is None or (here is not None and here.size == source_size):
        source = digested(file.source.storage, file.source.name)
        if declared is not None and declared.lower() != source.blake2b:
            reason = f"{file.target}: data_checksum is declared as {declared}, but that of the file is {source.blake2b}"
            raise InvalidElementError(reason, slot=CHECKSUM, value=declared)
        checksum, is_same = source.blake2b, here is not None and has_content(storage, here, source)
    if here is None:
        return Examined("new", checksum)
    if is_same:
        return Examined("same", checksum)
    if names.owner(file.target) is None:
        raise FileConflictError(file.target)
    return Examined("replaces", checksum)


def declared_checksums(
    attachments: tuple[tuple[ElementId, Attachment], ...], elements: Mapping[ElementId, Attributes]
) -> dict[str, str]:
    """Return the checksums that are said beforehand of files to store, by their names."""
    return {
        file.target: str(said[CHECKSUM])
        for element, file in attachments
        if CHECKSUM in (said := elements[element]) and file.target == data_path(said)
    }


def stat_if_any(storage: Storage, name: str) -> ObjectInfo | None:
    """Return what is known of a file, `None` when there is none."""
    try:
        return storage.stat(name)
    except KeyNotFoundError:
        return None


def has_content(storage: Storage, here: ObjectInfo, source: Digested) -> bool:
    """Tell whether a stored file holds what a source does; it is read where the service does not tell."""
    if here.size != source.size or storage.contradicts(here, source.md5):
        return False
    return here.md5 == source.md5 or digested(storage, str(here.path)).md5 == source.md5


def has_copy(storage: Storage, source: str, target: str, names: FileNames) -> bool:
    """Tell whether a file of an object is copied already to another name in it.

    Parameters
    ----------
    storage
        The root of the object.
    source, target
        The file and the other name.
    names
        Names that elements have before the edit.

    Raises
    ------
    FileConflictError
        When something else has this name: a note says what to do when it is of an element, whose file stays until the edit
        is made.
    """
    here = stat_if_any(storage, target)
    if here is not None and not has_content(storage, here, digested(storage, source)):
        owner = names.owner(target)
        error = FileConflictError(target, str(owner or ""))
        if owner is not None:
            error.add_note(
                f"until this edit is made: free the name in one edit, and rename {source!r} to it in another"
            )
        raise error
    return here is not None


def digested(storage: Storage, name: str) -> Digested:
    """Return a file's digests, having read it all."""
    with storage.open(name) as file:
        source = Digested(file)
        for _ in source:
            pass
    return source
