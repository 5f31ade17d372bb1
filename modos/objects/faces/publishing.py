"""The metadata of an object as linked data.

Owns `Publishing`, a part of `MODO`, and what of it is kept between two questions. Must not know RDF.
"""

from types import NoneType
from typing import TYPE_CHECKING

from modos._given import expect
from modos.objects.faces.telling import Telling

if TYPE_CHECKING:
    import rdflib

    from modos.linked_data import Answer, KnowledgeGraph
    from modos.objects.snapshot import Snapshot

__all__ = ["Publishing"]


class Publishing(Telling):
    """What an object says, as statements that other tools read."""

    _known: "tuple[Snapshot, KnowledgeGraph] | None"

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

        expect(uri_prefix, (str, NoneType), "what IRIs begin with is said by text")
        base = uri_prefix or object_base(self.path.name or self.id)
        said, known = self._known or (None, None)
        if known is None or known.base != base or (said is not self._said and said != self._said):
            known = KnowledgeGraph(self._said.by_key(), base=base)
            self._known = (self._said, known)
        return known
