"""The digital object as users hold it: `MODO`, a small façade, and `transfer`.

Owns how an object is opened, made and edited; its other methods stand in `modos.objects.faces`. Knows no backend and no
omics format by name; the work is done in the rooms below.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from modos.errors import InvalidElementError, ObjectExistsError, ObjectNotFoundError, shown_url
from modos.objects.checks.checking import Checking
from modos.objects.faces.arrays import ArrayKeeping
from modos.objects.faces.describing import Describing
from modos.objects.faces.editing import Editing
from modos.objects.faces.encrypting import Encrypting
from modos.objects.faces.enrichment import Enriching
from modos.objects.faces.referring import Referring
from modos.objects.faces.regions import RegionReading
from modos.objects.faces.remembering import Remembering
from modos.objects.faces.tables import TableReading
from modos.objects.faces.travelling import Travelling, transfer, transfer_many
from modos.objects.places import Place, located
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT, Storage

if TYPE_CHECKING:
    from modos.linked_data import KnowledgeGraph
    from modos.objects.editing.change import Change

__all__ = ["MODO", "transfer", "transfer_many"]


class MODO(
    ArrayKeeping,
    Editing,
    Remembering,
    Travelling,
    Describing,
    RegionReading,
    Referring,
    TableReading,
    Enriching,
    Encrypting,
    Checking,
):
    """A multi-omics digital object: metadata and arrays in `data.zarr`, and the files they describe beside it.

    Opening reads the metadata, in one request, and writes nothing. Every edit reads it anew, checks everything before it
    writes anything, and writes the root document last: others see the whole edit or none of it.

    Parameters
    ----------
    path
        A path of this machine or an address (`s3://bucket/ex`, `swift://container/ex`), a storage, or what has one: an
        object, or one that `list_modos` has found. With `storage` it is a path relative to it, `""` or `"."` being its root;
        an address must then lie beneath the storage.
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

    def __init__(self, path: Place = "", storage: Storage | None = None, **options: Any) -> None:  # noqa: ANN401 - backends check them
        self._hold(located(path, storage, options))

    @classmethod
    def create(
        cls,
        path: Place = "",
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
        from modos.model import parse_element
        from modos.model.schema import OBJECT_CLASS, SLOTS
        from modos.objects.editing.commit import commit
        from modos.objects.editing.draft import Draft

        place = located(path, storage, options or {})
        dates = {"creation_date": creation_date, "last_update_date": last_update_date}
        given = {
            **slots,
            "@type": OBJECT_CLASS,
            "id": id or place.path.name,
            **{slot: date for slot, date in dates.items() if date is not None},
        }
        try:
            parse_element(given, partial=True)  # before anything is asked, for which there may be no credentials
        except InvalidElementError as error:
            if error.slot not in SLOTS:
                error.add_note("what the backend of an address takes is given as options={…}")
            raise

        def plan(base: Snapshot) -> "Change":
            if base.exists:
                raise ObjectExistsError(place.url)
            draft = Draft(base)
            draft.describe(given)
            return draft.change()

        return cls._at(place, commit(place, plan, create=True))

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
        return f"{type(self).__name__}({shown_url(self._storage.url)!r})"

    # -- editing it -------------------------------------------------------------------------------------------------

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
