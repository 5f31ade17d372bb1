"""Editing an object: a block of changes that is made as one, and the calls that are such an edit of one.

Owns `Editing`, a part of `MODO`. Must not know how edits are planned or written.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from modos.errors import ElementNotFoundError
from modos.model import ElementId
from modos.objects.faces.telling import Telling

if TYPE_CHECKING:
    from modos.model import NamedThing
    from modos.objects.descriptions.description import Document
    from modos.objects.editing.session import Edit

__all__ = ["Editing"]

type Element = Mapping[str, object] | NamedThing


class Editing(Telling):
    """An object whose elements are added, changed and removed."""

    def edit(self, message: str | None = None) -> "Edit":
        """Begin an edit of several changes, which become visible together: `with modo.edit() as edit:`.

        Parameters
        ----------
        message
            What the edit is for, kept with the commit; `None` for nothing.

        Returns
        -------
        Edit
            A context manager; what it offers stages changes, which are made when the block ends.

        Examples
        --------
        >>> import tempfile
        >>> from modos import MODO
        >>> modo = MODO.create(f"{tempfile.mkdtemp()}/ex")
        >>> with modo.edit() as edit:
        ...     for name in ("s1", "s2"):
        ...         _ = edit.add({"@type": "Sample", "id": name})
        >>> modo.list_samples()
        ['sample/s1', 'sample/s2']
        """
        from modos.objects.editing.session import Edit

        return Edit(self, message)

    def add_element(
        self, element: Element, source_file: str | PurePath | None = None, part_of: str | None = None
    ) -> ElementId:
        """Add an element, with its file and the index files beside that one.

        Parameters
        ----------
        element
            A model of `modos.model`, or a mapping with `@type` and `id`.
        source_file
            Path or address of the file to store; `None` to store none. `data_path` defaults to its name.
        part_of
            Id of the element, or of the object, to link the new one from; `None` for no link.

        Returns
        -------
        ElementId
            Its full id.

        Raises
        ------
        InvalidElementError
            When the schema refuses it.
        ElementExistsError
            When its id is taken.
        FileConflictError
            When its file would take the name of another's.
        DanglingLinkError
            When it links to an element that is not there.
        """
        with self.edit() as edit:
            return edit.add(element, source_file, part_of)

    def add_from_file(
        self,
        config_path: "Document",
        *,
        format: str | None = None,  # noqa: A002 - the word users know
    ) -> list[ElementId]:
        """Add all elements that a description names, in one edit.

        Parameters
        ----------
        config_path, format
            As for `from_file`, but without an entry for the object itself.

        Returns
        -------
        list of ElementId
            Their full ids, in the order of the document.

        Raises
        ------
        ModosError
            When any of them is refused, for the reasons of `add_element`; none is then added.
        """
        with self.edit() as edit:
            return edit.add_from_file(config_path, format=format)

    def update_element(
        self, element_id: str, new: Element, source_file: str | PurePath | None = None, part_of: str | None = None
    ) -> None:
        """Set slots of an element or of the object, and replace the element's file.

        Parameters
        ----------
        element_id
            Full id, the element's own id where only one has it, or the object's id.
        new
            The slots to set; others stay. `None` unsets a slot: in a mapping, and in a model that was given it, as in
            `Sample(id="s1", sex=None)`. A new `data_path` renames the file.
        source_file
            Path or address of the file that replaces the element's; `None` to leave it.
        part_of
            As for `add_element`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """
        with self.edit() as edit:
            edit.update(element_id, new, source_file, part_of)

    def rename_element(self, element_id: str, new_name: str) -> ElementId:
        """Give an element another id; every link to it, its file and its arrays go along.

        Parameters
        ----------
        element_id
            Full id, or the element's own id where only one has it.
        new_name
            The new id, without the kind. The file keeps its name; `update_element` with a new `data_path` changes that.

        Returns
        -------
        ElementId
            Its full id now.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        ElementExistsError
            When the new id is taken.
        InvalidElementError
            When it cannot be an id.
        """
        with self.edit() as edit:
            return edit.rename(element_id, new_name)

    def remove_element(self, element_id: str, *, purge: bool = False) -> None:
        """Remove an element with its file, index files and arrays, and every link to it.

        A removal that was killed half-way can be repeated.

        Parameters
        ----------
        element_id
            Full id, or the element's own id where only one has it.
        purge
            Whether nothing of it is kept for `undo`: its files are gone for good, those of earlier edits too, and the log
            tells its id and that there were edits of it, but nothing that was said of it.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """
        from modos.model.ids import possible_ids
        from modos.objects.editing.aftermath.leftovers import finish_removal
        from modos.objects.history.purging import purge as purge_records

        try:
            with self.edit() as edit:
                edit.remove(element_id, purge=purge)
        except ElementNotFoundError:
            was_left = finish_removal(self._storage, element_id)
            if purge and (ids := possible_ids(element_id)):
                was_left |= purge_records(self._storage, map(str, ids))
            if not was_left:
                raise
            self.refresh()
