"""What can be staged in an edit: elements, links, files and arrays that come, change and go.

Owns the words of these calls. Must not know when they are made, nor how.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from modos.errors import InvalidElementError
from modos.model import ElementId
from modos.model.schema import shown_value
from modos.objects.descriptions.description import Description, Document
from modos.objects.editing.draft import Draft
from modos.objects.editing.files import SourceFile

if TYPE_CHECKING:
    from modos.model import NamedThing

__all__ = ["Staging"]

type Element = Mapping[str, object] | NamedThing


class Staging(ABC):
    """An edit that takes changes until it is made."""

    @abstractmethod
    def _stage[T](self, step: Callable[[Draft], T]) -> T:
        """Make a step on the draft, whole or not at all, and remember it."""

    def add(
        self, element: Element, source_file: str | PurePath | None = None, part_of: str | ElementId | None = None
    ) -> ElementId:
        """Add an element, with its file and the index files beside that one.

        Parameters
        ----------
        element
            A model of `modos.model`, or a mapping with `@type` and `id`.
        source_file
            Path or address of the file to store, which is read when the block ends; `None` to store none. `data_path`
            defaults to its name.
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
            When it links to an element that is not there, nor staged before.
        """
        source = None if source_file is None else SourceFile.find(source_file)
        given = _kept(element)

        def step(draft: Draft) -> ElementId:
            added = draft.add(given, source)
            if part_of is not None:
                draft.link(part_of, added)
            return added

        return self._stage(step)

    def add_from_file(
        self,
        config_path: Document,
        *,
        format: str | None = None,  # noqa: A002 - the word users know
    ) -> list[ElementId]:
        """Add all elements that a description names, and return their full ids in its order; see `MODO.add_from_file`."""
        description = Description(config_path, format=format)
        return self._stage(description.add_to)

    def update(
        self,
        element_id: str | ElementId,
        new: Element,
        source_file: str | PurePath | None = None,
        part_of: str | ElementId | None = None,
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
            Path or address of the file that replaces the element's, read when the block ends; `None` to leave it.
        part_of
            As for `add`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        InvalidElementError
            When the schema refuses the result.
        """
        source = None if source_file is None else SourceFile.find(source_file)
        given = _kept(new)

        def step(draft: Draft) -> None:
            if source is None and part_of is None and draft.is_object(element_id):
                draft.describe(given)
                return
            updated = draft.update(element_id, given, source)
            if part_of is not None:
                draft.link(part_of, updated)

        self._stage(step)

    def describe(self, **slots: object) -> None:
        """Set slots of the object itself, such as `description`; `None` unsets one.

        Raises
        ------
        InvalidElementError
            When the schema refuses one.
        """
        self._stage(lambda draft: draft.describe(slots))

    def remove(self, element_id: str | ElementId, *, purge: bool = False) -> None:
        """Remove an element with its file, index files and arrays, and every link to it.

        Parameters
        ----------
        element_id
            Full id, or the element's own id where only one has it.
        purge
            Whether nothing of it is kept for `modo.undo`; see `MODO.remove_element`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """
        self._stage(lambda draft: draft.remove(element_id, purge=purge))

    def rename(self, element_id: str | ElementId, new_name: str) -> ElementId:
        """Give an element another id, and return it in full; every link to it, its file and its arrays go along.

        The file keeps its name; `update` with a new `data_path` changes that.

        Parameters
        ----------
        element_id
            Full id, or the element's own id where only one has it.
        new_name
            The new id, without the kind.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        ElementExistsError
            When the new id is taken.
        InvalidElementError
            When it cannot be an id.
        """
        return self._stage(lambda draft: draft.rename(element_id, new_name))

    def link(self, part_of: str | ElementId, element_id: str | ElementId) -> None:
        """Link an element from another, or from the object.

        Parameters
        ----------
        part_of
            Id of the element, or of the object, that gets the link, in its slot for elements of that kind.
        element_id
            The element to link to.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        InvalidElementError
            When the owner has no slot for it.
        """
        self._stage(lambda draft: draft.link(part_of, element_id))

    def unlink(self, part_of: str | ElementId, element_id: str | ElementId) -> None:
        """Take the link to an element away from another, or from the object.

        Parameters
        ----------
        part_of, element_id
            As for `link`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        InvalidElementError
            When there is no such link.
        """
        self._stage(lambda draft: draft.unlink(part_of, element_id))

    def add_array(
        self,
        element_id: str | ElementId,
        data: object,
        name: str = "data",
        *,
        overwrite: bool = False,
        **options: Any,  # noqa: ANN401 - `Options` has their types
    ) -> None:
        """Store an array, a table or several labelled arrays in the group of an element.

        What is large or lazy is read and written when the block ends, block by block.

        Parameters
        ----------
        element_id
            The element that it belongs to; one that was staged before will do.
        data, name, overwrite, **options
            As for `MODO.add_array`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        ElementExistsError
            When it has an array of this name.
        InvalidElementError
            When data of this kind or type cannot be stored, or the name is none.
        """
        from modos.objects.arrays.edits import stage
        from modos.objects.arrays.layouts.encoding import Options

        settings = Options(**options)
        self._stage(
            lambda draft: draft.add_array(stage(draft.said(), element_id, data, name, settings, overwrite=overwrite))
        )

    def remove_array(self, element_id: str | ElementId, name: str = "data", *, purge: bool = False) -> None:
        """Remove an array, or a group of arrays, from an element.

        Parameters
        ----------
        element_id
            The element that has it.
        name
            Its name in the element's group.
        purge
            As for `remove`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element or array.
        """
        self._stage(lambda draft: draft.remove_array(element_id, name, purge=purge))


def _kept(element: Element) -> Element:
    """Return what a caller gave as it is now, whatever they do with it before the block ends."""
    if isinstance(element, Mapping):
        try:
            return deepcopy(dict(element))
        except RecursionError as error:
            reason = f"the element {shown_value(element.get('id'))} is nested too deeply"
            raise InvalidElementError(reason) from error
        except TypeError as error:  # such as a file, or a generator, which is no value of a slot either
            reason = f"the element {shown_value(element.get('id'))} holds what is no value of a slot: {error}"
            raise InvalidElementError(reason) from error
    return element.model_copy(deep=True) if hasattr(element, "model_copy") else element
