"""What an object tells of itself: where it is, what is said, as linked data too, which files and arrays it has.

Owns `Telling`, a part of `MODO`, and what is kept between two questions. Must not know RDF, and changes nothing.
"""

from pathlib import PurePath, PurePosixPath
from types import NoneType
from typing import TYPE_CHECKING, Any, Self

from modos._given import expect
from modos.objects.arrays.trees import array_tree
from modos.objects.contents import content_checksum, data_files
from modos.objects.history.rereading import read_again
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT, LocalStorage, Storage

if TYPE_CHECKING:
    import rdflib
    import zarr

    from modos.linked_data import Answer, KnowledgeGraph

__all__ = ["Telling"]


class Telling:
    """What an object tells of itself."""

    _storage: Storage
    _said: Snapshot
    _known: "tuple[Snapshot, KnowledgeGraph] | None"

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
        before, self._said = self._said, read_again(self._storage, self._said)
        if self._said.document is None or self._said.document is not before.document:
            self._storage._forget_zarr(ROOT_DOCUMENT)  # noqa: SLF001 - it was opened as it was before
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
        from modos.model.documents.lists import yaml_text

        said = self.metadata
        shown = said if element is None else {key: said[key] for key in [self._key(element)]}
        return yaml_text(shown)

    def knowledge_graph(self, uri_prefix: str | None = None) -> "rdflib.Graph":
        """Return the metadata as an RDF graph of one's own: changes of it change nothing else.

        Parameters
        ----------
        uri_prefix
            What the IRIs of elements begin with, usually up to a `/` or `#`; `None` for `file://<name of the object>/`.

        Raises
        ------
        InvalidInputError
            When nothing that begins so is an IRI, or the prefix ends in a letter or digit, where ids would run into it.
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
            When the question is not SPARQL, or IRIs cannot begin so.
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

        Raises
        ------
        InvalidInputError
            When there is no such format, it cannot hold some character, or IRIs cannot begin so.
        MissingDependencyError
            When the extra `rdf` is not installed, which Turtle and XML take.
        """
        return self._knowledge(uri_prefix).text(format)

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

    def _knowledge(self, uri_prefix: str | None) -> "KnowledgeGraph":
        """Return what is said as linked data, which is made once for what the object says at one moment."""
        from modos.linked_data import KnowledgeGraph, object_base

        expect(uri_prefix, (str, NoneType), "what IRIs begin with is said by text")
        base = uri_prefix or object_base(self.path.name or self.id)
        said, known = self._known or (None, None)
        if known is None or known.base != base or (said is not self._said and said != self._said):
            known = KnowledgeGraph(self._said.by_key(), base=base)
            self._known = (self._said, known)
        return known
