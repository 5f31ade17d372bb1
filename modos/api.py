"""The digital object as users hold it: `MODO`, a small façade, and `transfer`.

Owns how an object is opened, made and edited; its other methods stand in `modos.objects.faces`. Knows no backend and no
omics format by name; the work is done in the rooms below.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from modos.errors import ElementNotFoundError, ObjectExistsError, ObjectNotFoundError
from modos.model import ElementId, NamedThing
from modos.objects.arrays import add_array
from modos.objects.checks.checking import Checking
from modos.objects.editing.commit import commit
from modos.objects.editing.description import Description
from modos.objects.editing.draft import OBJECT_TYPE, Change, Draft
from modos.objects.editing.files import SourceFile
from modos.objects.editing.leftovers import finish_removal, sweep
from modos.objects.faces.publishing import Publishing
from modos.objects.faces.regions import RegionReading
from modos.objects.faces.travelling import Travelling, transfer, transfer_many
from modos.objects.places import located
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT, Storage

if TYPE_CHECKING:
    import numpy.typing as npt

    from modos.linked_data import KnowledgeGraph

__all__ = ["MODO", "transfer", "transfer_many"]

type Element = Mapping[str, object] | NamedThing


class MODO(Travelling, Publishing, RegionReading, Checking):
    """A multi-omics digital object: metadata and arrays in `data.zarr`, and the files they describe beside it.

    Opening reads the metadata, in one request, and writes nothing. Every edit reads it anew, checks everything before it
    writes anything, and writes the root document last: others see the whole edit or none of it.

    Parameters
    ----------
    path
        A path of this machine or an address (`s3://bucket/ex`, `swift://container/ex`). With `storage` it is relative
        to it, `""` or `"."` being its root; an address must then lie beneath the storage.
    storage
        Where the object lives; `None` to take that from `path` and, for credentials, the environment.
    **options
        What the backend of an address takes; see `modos.storage.open_storage`.

    Raises
    ------
    ObjectNotFoundError
        When there is no object; none is created.
    DamagedObjectError
        When its metadata cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> place = f"{tempfile.mkdtemp()}/ex"
    >>> modo = MODO.create(place, id="ex", description="pilot")
    >>> modo.add_element({"@type": "Sample", "id": "sample1", "sex": "Male"})
    ElementId(kind='sample', name='sample1')
    >>> MODO(place).metadata["sample/sample1"]
    {'@type': 'Sample', 'sex': 'Male'}
    """

    def __init__(self, path: str | PurePath = "", storage: Storage | None = None, **options: Any) -> None:  # noqa: ANN401 - backends check them
        self._hold(located(path, storage, options))

    @classmethod
    def create(
        cls,
        path: str | PurePath = "",
        storage: Storage | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the slot's name
        creation_date: datetime | str | None = None,
        last_update_date: datetime | str | None = None,
        options: Mapping[str, Any] | None = None,
        **slots: object,
    ) -> Self:
        """Create an empty object.

        Parameters
        ----------
        path, storage
            As for opening.
        id
            `None` for the last part of the path.
        creation_date, last_update_date
            `None` for now, in UTC.
        options
            What the backend of an address takes; `None` for nothing.
        **slots
            Other slots of the object: `name`, `description`, `source_uri`. Assays are linked once they are added.

        Raises
        ------
        ObjectExistsError
            When there is an object already, or other files.
        InvalidElementError
            When the schema refuses a slot.
        """
        place = located(path, storage, options or {})
        dates = {"creation_date": creation_date, "last_update_date": last_update_date}
        given = {
            **slots,
            "@type": OBJECT_TYPE,
            "id": id or place.path.name,
            **{slot: date for slot, date in dates.items() if date is not None},
        }

        def plan(base: Snapshot) -> Change:
            if base.exists:
                raise ObjectExistsError(place.url)
            draft = Draft(base)
            draft.describe(given)
            return draft.change()

        return cls._at(place, commit(place, plan, create=True))

    @classmethod
    def from_file(
        cls,
        config_path: str | PurePath,
        object_path: str | PurePath = "",
        storage: Storage | None = None,
        *,
        no_remove: bool = False,
        new: bool = False,
        **options: Any,  # noqa: ANN401 - backends check them
    ) -> Self:
        """Create an object, or bring one to what a document describes, in one edit.

        Parameters
        ----------
        config_path
            YAML, JSON, a table or RDF on this machine. Files it names are looked for beside it, then in the working
            directory.
        object_path, storage, **options
            Where the object is or will be, as for opening.
        no_remove
            Whether elements that the document does not name stay in an object that exists; otherwise they go, with
            their files.
        new
            Whether there must be no object yet.

        Raises
        ------
        ModosError
            When there is a mistake anywhere in the document, for the reasons of `add_element` and `update_element`;
            nothing is then changed.
        ObjectExistsError
            When there is an object and it was to be new, or files that are none of this object's.
        """
        description = Description(str(config_path))
        place = located(object_path, storage, options)

        def plan(base: Snapshot) -> Change:
            if new and base.exists:
                raise ObjectExistsError(place.url)
            return description.plan_object(base, keep=no_remove)

        said = commit(place, plan, create=True)
        if not no_remove:
            sweep(place, said)
        return cls._at(place, said)

    @classmethod
    def _at(cls, storage: Storage, said: Snapshot) -> Self:
        modo = cls.__new__(cls)
        modo._hold(storage, said)  # noqa: SLF001 - the other constructor
        return modo

    def _hold(self, storage: Storage, said: Snapshot | None = None) -> None:
        self._storage = storage
        self._said = said or Snapshot.read(storage)
        self._known: tuple[Snapshot, KnowledgeGraph] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._storage.url!r})"

    # -- editing it -------------------------------------------------------------------------------------------------

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
        source = None if source_file is None else SourceFile.find(source_file)
        added: list[ElementId] = []

        def plan(base: Snapshot) -> Change:
            draft = Draft(base)
            added[:] = [draft.add(element, source)]
            if part_of is not None:
                draft.link(part_of, added[0])
            return draft.change()

        self._commit(plan)
        return added[0]

    def add_from_file(self, config_path: str | PurePath) -> list[ElementId]:
        """Add all elements that a document describes, in one edit.

        Parameters
        ----------
        config_path
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
        description = Description(str(config_path))
        self._commit(description.plan_additions)
        return description.elements

    def update_element(
        self, element_id: str, new: Element, source_file: str | PurePath | None = None, part_of: str | None = None
    ) -> None:
        """Set slots of an element or of the object, and replace the element's file.

        Parameters
        ----------
        element_id
            Full id, the element's own id where only one has it, or the object's id.
        new
            The slots to set; others stay. `None` in a mapping unsets a slot. A new `data_path` renames the file.
        source_file
            Path or address of the file that replaces the element's; `None` to leave it.
        part_of
            As for `add_element`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """
        source = None if source_file is None else SourceFile.find(source_file)

        def plan(base: Snapshot) -> Change:
            draft = Draft(base)
            if element_id == base.id and source is None and part_of is None:
                draft.describe(new)
                return draft.change()
            updated = draft.update(element_id, new, source)
            if part_of is not None:
                draft.link(part_of, updated)
            return draft.change()

        self._commit(plan)

    def remove_element(self, element_id: str) -> None:
        """Remove an element with its file, index files and arrays, and every link to it.

        A removal that was killed half-way can be repeated.

        Parameters
        ----------
        element_id
            Full id, or the element's own id where only one has it.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """

        def plan(base: Snapshot) -> Change:
            draft = Draft(base)
            draft.remove(element_id)
            return draft.change()

        try:
            self._commit(plan)
        except ElementNotFoundError:
            if not finish_removal(self._storage, element_id):
                raise
            self.refresh()

    def remove_object(self) -> None:
        """Remove the object and everything in it, the root document last: a removal that broke off can be repeated.

        Raises
        ------
        ObjectNotFoundError
            When it is gone already; other files at its place are then left alone.
        """
        self._said.refuse_older()
        if not self._storage.exists(ROOT_DOCUMENT):
            raise ObjectNotFoundError(self.url)
        self._storage.remove_many([path for path in self._storage.list() if str(path) != ROOT_DOCUMENT])
        self._storage.remove(ROOT_DOCUMENT)
        self._storage.remove_tree()

    def add_array(self, element_id: str, data: "npt.ArrayLike", name: str = "data") -> None:
        """Store an array in the group of an element; `modo.zarr["data/counts/data"]` reads it back.

        Parameters
        ----------
        element_id
            The element that it belongs to.
        data
            Anything numpy makes an array of; its shape and type are kept.
        name
            Name of the array in the element's group.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        ElementExistsError
            When it has an array of this name.
        """
        self._said = add_array(self._storage, element_id, name, data)

    def _commit(self, plan: Callable[[Snapshot], Change]) -> None:
        self._said = commit(self._storage, plan)
