"""The digital object as users hold it: `MODO`, a small façade, and `transfer`.

Owns the public words for one object. Knows no backend and no omics format by name; the work is done in the rooms below.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from modos.errors import ElementNotFoundError, ObjectExistsError, ObjectNotFoundError
from modos.model import ElementId, NamedThing
from modos.objects.arrays import add_array, array_tree
from modos.objects.commit import commit
from modos.objects.contents import content_checksum, data_files
from modos.objects.description import Description
from modos.objects.draft import OBJECT_TYPE, Change, Draft
from modos.objects.files import SourceFile
from modos.objects.leftovers import finish_removal, sweep
from modos.objects.moves import Moved, plan_object_transfer, transfer_object, transfer_objects
from modos.objects.places import Place, located, opened
from modos.objects.regions import RegionReading
from modos.objects.snapshot import Snapshot
from modos.objects.verification import Verification, verify_object
from modos.storage import ROOT_DOCUMENT, LocalStorage, Storage, open_storage

if TYPE_CHECKING:
    import numpy.typing as npt
    import rdflib
    import zarr

    from modos.linked_data import Answer, KnowledgeGraph
    from modos.transfers import Plan, Progress, Report
    from modos.transfers.engine import Proof

__all__ = ["MODO", "transfer", "transfer_many"]

type Element = Mapping[str, object] | NamedThing


class MODO(RegionReading):
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

    # -- where and what it is ---------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The object's own id."""
        return self._said.id

    @property
    def storage(self) -> Storage:
        """The storage whose root is the object."""
        return self._storage

    @property
    def url(self) -> str:
        """Its address; a path for an object on this machine."""
        return self._storage.url

    @property
    def path(self) -> PurePath:
        """Its path: the directory, or bucket or container and prefix."""
        return self._storage.path

    @property
    def is_remote(self) -> bool:
        """Whether it lives anywhere but on a disk of this machine."""
        return not isinstance(self._storage, LocalStorage)

    @property
    def zarr(self) -> "zarr.Group":
        """The zarr hierarchy, for reading arrays; metadata is better edited by the methods here."""
        return self._storage.zarr

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """Everything that is said: the object's own id, and `type/id` of each element, to attributes. A copy."""
        return self._said.metadata()

    def refresh(self) -> Self:
        """Read the metadata anew, since others may have edited the object."""
        self._said = Snapshot.read(self._storage)
        return self

    def show_contents(self, element: str | None = None) -> str:
        """Return the metadata as YAML.

        Parameters
        ----------
        element
            Id of an element; `None` for the object and all its elements.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """
        import yaml

        said = self.metadata
        shown = said if element is None else {key: said[key] for key in [self._key(element)]}
        return str(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=120))

    def list_files(self) -> list[PurePosixPath]:
        """Return the files beside `data.zarr`, in order, relative to the object."""
        return sorted(data_files(self._storage))

    def list_arrays(self, element: str | None = None) -> str:
        """Return the zarr hierarchy as a tree with the shape and type of each array.

        Parameters
        ----------
        element
            Id of an element; `None` for all of it.
        """
        return array_tree(self._said, None if element is None else self._said.resolve(element))

    def list_samples(self) -> list[str]:
        """Return the full ids of all samples, in order."""
        return [str(element) for element in sorted(self._said.elements) if element.kind == "sample"]

    def checksum(self) -> str:
        """Return one BLAKE2b (512 bits, hex) over names and contents of all files: equal for equal objects anywhere.

        Reads the whole object.
        """
        return content_checksum(self._storage)

    def _key(self, element: str) -> str:
        return element if element == self.id else str(self._said.resolve(element))

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

    # -- moving it --------------------------------------------------------------------------------------------------

    def transfer(
        self,
        target: Place,
        *,
        overwrite: bool = False,
        delete: bool = False,
        verify: "Proof" = "by digest",
        workers: int | None = None,
        progress: "Callable[[Progress], None] | None" = None,
    ) -> "Report":
        """Copy the object to another place; see `modos.transfer`."""
        return transfer(
            self._storage, target, overwrite=overwrite, delete=delete, verify=verify, workers=workers, progress=progress
        )

    def plan_transfer(self, target: Place, *, overwrite: bool = False, delete: bool = False) -> "Plan":
        """Return what `transfer` would do, with counts, bytes and about how many requests; nothing is written."""
        return plan_object_transfer(self._storage, opened(target, None), overwrite=overwrite, delete=delete)

    def verify(self, *, deep: bool = False) -> "Verification":
        """Compare what is stored with the checksums that are recorded in the metadata.

        Parameters
        ----------
        deep
            Whether every file with a recorded checksum is read. Otherwise the listing tells, as far as digests are known
            from earlier transfers; a file that it casts doubt on is read.
        """
        return verify_object(self._storage, deep=deep)

    def upload(
        self, target: str, s3_endpoint: str | None = None, s3_kwargs: Mapping[str, Any] | None = None
    ) -> "Report":
        """Copy the object to an address, under the reference's name; `transfer` says more.

        Parameters
        ----------
        target
            Address of the copy.
        s3_endpoint, s3_kwargs
            As for `S3Storage`, when the address is one of S3.
        """
        options: dict[str, Any] = {} if s3_endpoint is None else {"endpoint": s3_endpoint}
        return self.transfer(open_storage(target, storage_options={**options, **(s3_kwargs or {})}))

    def download(self, target: str | PurePath) -> "Report":
        """Copy the object to a directory of this machine, under the reference's name."""
        return self.transfer(LocalStorage(target))

    # -- as linked data ---------------------------------------------------------------------------------------------

    def knowledge_graph(self, uri_prefix: str | None = None) -> "rdflib.Graph":
        """Return the metadata as an RDF graph of one's own: changes of it change nothing else.

        Parameters
        ----------
        uri_prefix
            What the IRIs of elements begin with; `None` for `file://<name of the object>/`.

        Raises
        ------
        InvalidInputError
            When nothing that begins so is an IRI.
        MissingDependencyError
            When the extra `rdf` is not installed.
        """
        return self._knowledge(uri_prefix).graph()

    def query(self, sparql: str, uri_prefix: str | None = None) -> "Answer":
        """Ask the metadata a SPARQL question.

        Parameters
        ----------
        sparql
            SELECT, ASK, CONSTRUCT or DESCRIBE. Prefixes of the schema need no declaration.
        uri_prefix
            As for `knowledge_graph`.

        Returns
        -------
        Answer
            What `rdflib.Graph.query` gives, and `table()`: rows of Python's values.

        Raises
        ------
        InvalidInputError
            When the question is not SPARQL.
        MissingDependencyError
            When the extra `rdf` is not installed.
        """
        return self._knowledge(uri_prefix).query(sparql)

    def publish(self, format: str = "turtle", uri_prefix: str | None = None) -> str:  # noqa: A002 - the word users know
        """Return the metadata as linked data in text.

        Parameters
        ----------
        format
            `turtle`, `n-triples`, `xml` or `json-ld`.
        uri_prefix
            As for `knowledge_graph`.
        """
        return self._knowledge(uri_prefix).text(format)

    def _knowledge(self, uri_prefix: str | None) -> "KnowledgeGraph":
        """Return what is said as linked data, which is made once for what the object says at one moment."""
        from modos.linked_data import KnowledgeGraph, object_base

        base = uri_prefix or object_base(self.path.name or self.id)
        said, known = self._known or (None, None)
        if known is None or known.base != base or (said is not self._said and said != self._said):
            known = KnowledgeGraph(self._said.by_key(), base=base)
            self._known = (self._said, known)
        return known


def transfer(
    source: Place | MODO,
    target: Place,
    *,
    overwrite: bool = False,
    delete: bool = False,
    verify: "Proof" = "by digest",
    workers: int | None = None,
    progress: "Callable[[Progress], None] | None" = None,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> "Report":
    """Copy an object between any two places: files at once, each verified, visible at the target only when whole.

    What the target has already is not sent. A copy that broke off is no object; the same call again completes it, and
    large files are continued at the part where they were left.

    Parameters
    ----------
    source
        The object, its path, address or storage.
    target
        Path, address or storage of the copy itself, not of the directory that it goes into.
    overwrite
        Whether another object that is there may be replaced. An older copy of the same object always may.
    delete
        Whether files that only an older copy has are removed when all is done.
    verify
        `"full"` reads back every file that was written, also where the service has told its MD5.
    workers
        Files and parts under way at a time; `None` for 16.
    progress
        Called as the copy goes on; `None` for silence.
    source_options, target_options
        What the backends of addresses take; `None` for nothing.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at the source.
    ObjectExistsError
        When there is another object at the target, or files that are none of this one's.
    IntegrityError
        When a file did not arrive as it left.

    Examples
    --------
    >>> import tempfile
    >>> place = tempfile.mkdtemp()
    >>> modo = MODO.create(f"{place}/ex", id="ex")
    >>> report = transfer(modo, f"{place}/copy")
    >>> MODO(f"{place}/copy").checksum() == modo.checksum()
    True
    """
    leaving = source.storage if isinstance(source, MODO) else opened(source, source_options)
    return transfer_object(
        leaving,
        opened(target, target_options),
        overwrite=overwrite,
        delete=delete,
        verify=verify,
        workers=workers,
        progress=progress,
    )


def transfer_many(
    source: Place,
    target: Place,
    *,
    overwrite: bool = False,
    delete: bool = False,
    verify: "Proof" = "by digest",
    workers: int | None = None,
    progress: "Callable[[Progress], None] | None" = None,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> "Iterator[Moved]":
    """Copy all objects beneath a place, one after the other, and yield what became of each; a failure stops no other.

    Parameters
    ----------
    source
        Path, address or storage beneath which the objects are.
    target
        Path, address or storage beneath which the copies go, under the same names.
    overwrite, delete, verify, workers, progress, source_options, target_options
        As for `transfer`.

    Raises
    ------
    ObjectNotFoundError
        When there is no object beneath the source.

    Examples
    --------
    >>> import tempfile
    >>> place = tempfile.mkdtemp()
    >>> for name in ("one", "two"):
    ...     _ = MODO.create(f"{place}/study/{name}")
    >>> [moved.error for moved in transfer_many(f"{place}/study", f"{place}/copies")]
    [None, None]
    """
    return transfer_objects(
        opened(source, source_options),
        opened(target, target_options),
        overwrite=overwrite,
        delete=delete,
        verify=verify,
        workers=workers,
        progress=progress,
    )
