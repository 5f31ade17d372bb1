"""An object and its description: made from a document, brought to what it says, compared with it, and written as one.

Owns `Describing`, a part of `MODO`. Must not know how documents are read or edits are planned.
"""

from abc import abstractmethod
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from modos._given import expect
from modos.errors import InvalidPathError, ObjectExistsError
from modos.objects.faces.telling import Telling
from modos.objects.places import Place, located
from modos.objects.snapshot import Snapshot
from modos.storage import Storage

if TYPE_CHECKING:
    from modos.objects.descriptions.description import Description, Document
    from modos.objects.differences import Difference
    from modos.objects.editing.change import Change

__all__ = ["Describing"]


class Describing(Telling):
    """An object that documents describe."""

    @classmethod
    def from_file(
        cls,
        config_path: "Document",
        object_path: Place = "",
        storage: Storage | None = None,
        *,
        no_remove: bool = False,
        new: bool = False,
        format: str | None = None,  # noqa: A002 - the word users know
        **options: Any,  # noqa: ANN401 - backends check them
    ) -> Self:
        """Create an object, or bring one to what a description says, in one edit.

        Parameters
        ----------
        config_path
            YAML, JSON, a table or RDF on this machine; a folder of tables (`samples.tsv`, `assays.csv`); a binary file that
            is open for reading; or several of them. Files that it names are looked for beside it, then in the working
            directory.
        object_path, storage, **options
            Where the object is or will be, as for opening.
        no_remove
            Whether elements that the description does not name stay in an object that exists; otherwise they go, with
            their files. When they stay, an object that exists needs no entry of its own.
        new
            Whether there must be no object yet.
        format
            What the description is written in: `yaml`, `json`, `csv`, `tsv`, `turtle`, `n-triples`, `xml` or `json-ld`;
            `None` to tell it by its name.

        Raises
        ------
        ModosError
            When there is a mistake anywhere in the description, for the reasons of `add_element` and `update_element`;
            nothing is then changed. A note says where in which file it is.
        ObjectExistsError
            When there is an object and it was to be new, or files that are none of this object's.
        """
        from modos.objects.descriptions.description import Description
        from modos.objects.editing.aftermath.leftovers import sweep
        from modos.objects.editing.commit import commit

        place = located(object_path, storage, options)
        description = Description(config_path, format=format)
        said = commit(place, lambda base: _planned(description, base, no_remove=no_remove, new=new), create=True)
        if not no_remove:
            sweep(place, said)
        return cls._at(place, said)

    @classmethod
    def plan_from_file(
        cls,
        config_path: "Document",
        object_path: Place = "",
        storage: Storage | None = None,
        *,
        no_remove: bool = False,
        new: bool = False,
        format: str | None = None,  # noqa: A002 - the word users know
        **options: Any,  # noqa: ANN401 - backends check them
    ) -> "Difference":
        """Return what `from_file` would change, element by element, slot by slot and file by file; nothing is written.

        Files that are of the size of those in the object are read to see whether they differ.

        Parameters
        ----------
        config_path, object_path, storage, no_remove, new, format, **options
            As for `from_file`.

        Raises
        ------
        ModosError
            When `from_file` would refuse the description.
        """
        from modos.objects.descriptions.description import Description
        from modos.objects.editing.effects import foreseen

        place = located(object_path, storage, options)
        description = Description(config_path, format=format)
        base = Snapshot.read_if_any(place)
        base.refuse_older()
        return foreseen(place, _planned(description, base, no_remove=no_remove, new=new))

    def diff_with(
        self,
        config_path: "Document",
        *,
        no_remove: bool = False,
        format: str | None = None,  # noqa: A002 - the word users know
    ) -> "Difference":
        """Return what `update_from_file` would change in the object as it was last read; nothing is written.

        Parameters
        ----------
        config_path, no_remove, format
            As for `from_file`.

        Raises
        ------
        ModosError
            When `update_from_file` would refuse the description.
        """
        from modos.objects.descriptions.description import Description
        from modos.objects.editing.effects import foreseen

        self._said.refuse_older()
        description = Description(config_path, format=format)
        return foreseen(self._storage, description.plan_object(self._said, keep=no_remove))

    def update_from_file(
        self,
        config_path: "Document",
        *,
        no_remove: bool = False,
        format: str | None = None,  # noqa: A002 - the word users know
    ) -> "Difference":
        """Bring the object to what a description says, in one edit, and return what that has changed.

        Parameters
        ----------
        config_path, no_remove, format
            As for `from_file`.

        Raises
        ------
        ModosError
            As for `from_file`.
        ObjectNotFoundError
            When the object is gone.
        """
        from modos.objects.descriptions.description import Description
        from modos.objects.editing.aftermath.leftovers import sweep
        from modos.objects.editing.effects import told

        description = Description(config_path, format=format)
        said, difference = told(self._storage, lambda base: description.plan_object(base, keep=no_remove))
        if not no_remove:
            sweep(self._storage, said)
        self._said = said
        return difference

    def plan_additions(
        self,
        config_path: "Document",
        *,
        format: str | None = None,  # noqa: A002 - the word users know
    ) -> "Difference":
        """Return what `add_from_file` would add to the object as it was last read; nothing is written.

        Parameters
        ----------
        config_path, format
            As for `from_file`; without an entry for the object itself.

        Raises
        ------
        ModosError
            When `add_from_file` would refuse the description.
        """
        from modos.objects.descriptions.description import Description
        from modos.objects.editing.effects import foreseen

        self._said.refuse_older()
        return foreseen(self._storage, Description(config_path, format=format).plan_additions(self._said))

    def export(
        self,
        format: str = "yaml",  # noqa: A002 - the word users know
        *,
        files: bool = True,
        relative_to: str | PathLike[str] | None = None,
    ) -> str:
        """Return the metadata as a description, which `from_file` makes the same object of.

        The order of entries and slots is always the same: exported again, an object that has not changed gives the same text.
        Applied to the object itself it changes nothing, and reads no file. Arrays are not part of a description.

        Parameters
        ----------
        format
            `yaml`, `json`, `csv` or `tsv`; or `turtle`, `n-triples`, `xml` or `json-ld`, as `publish` writes them.
        files
            Whether each element says in `source_file` where its file is found now, so that the object can be made again
            elsewhere; takes one listing. Linked data have no place for it.
        relative_to
            Folder of this machine that the paths of files are relative to; `None` for paths in full. Addresses are always
            in full.

        Raises
        ------
        InvalidInputError
            When there is no such format, or a table cannot hold a value.
        """
        from modos.model.documents import dump_document
        from modos.objects.descriptions.exporting import entries_of, files_referred_to, rdf_format

        if linked := rdf_format(None, format):
            return self.publish(linked)
        folder = None if relative_to is None else Path(relative_to)
        found = files_referred_to(self._storage, self._said, folder) if files else {}
        return dump_document(entries_of(self._said, found), format)

    def export_to(
        self,
        target: str | PathLike[str],
        *,
        format: str | None = None,  # noqa: A002 - the word users know
        files: bool = True,
        overwrite: bool = False,
    ) -> list[Path]:
        """Write the metadata as a description to a file, or to a folder of tables, one for each class.

        Parameters
        ----------
        target
            A file; or a folder that is there or, for `csv` and `tsv`, any name without a suffix.
        format
            As for `export`; `None` to tell it by the suffix of the file, or for tab-separated tables in a folder.
        files
            As for `export`; paths are relative to the file that is written.
        overwrite
            Whether a file that is there is replaced.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        InvalidInputError
            As for `export`; when nothing is named.
        KeyExistsError
            When a file is there already.
        """
        from modos.objects.descriptions.exporting import (
            documents_for,
            entries_of,
            files_referred_to,
            is_folder,
            rdf_format,
            written,
        )

        expect(target, (str, PathLike), "a file is named by a path")
        if target == "":
            raise InvalidPathError("", "names no file to write, nor a folder; the one you are in is '.'")
        path = Path(target)
        if linked := rdf_format(path, format):
            return written({path: self.publish(linked)}, overwrite=overwrite)
        folder = path if is_folder(path, format) else path.parent
        found = files_referred_to(self._storage, self._said, folder) if files else {}
        return written(documents_for(path, entries_of(self._said, found), format), overwrite=overwrite)

    @classmethod
    @abstractmethod
    def _at(cls, storage: Storage, said: Snapshot) -> Self:
        """Return the object that says this."""


def _planned(description: "Description", base: Snapshot, *, no_remove: bool, new: bool) -> "Change":
    if new and base.exists:
        raise ObjectExistsError(base.url)
    return description.plan_object(base, keep=no_remove)
