"""What one object says, as a graph of knowledge that is made once and then asked, written and lent.

Owns when each form is made. Must not know the class `MODO` or where an object is.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import InvalidInputError
from modos.linked_data.answers import Answer
from modos.linked_data.asked import predicates_asked
from modos.linked_data.engine import Engine
from modos.linked_data.queries import check_size, mistake
from modos.linked_data.statements import Statement, statements
from modos.linked_data.text import PURPOSE, serialise, sorted_lines
from modos.model.curies import PREFIXES, as_iri, is_uri_or_curie

if TYPE_CHECKING:
    import rdflib


class KnowledgeGraph:
    """The metadata of one object as linked data.

    CURIEs become the IRIs they stand for, links the IRIs of the elements, values of enumerations the IRIs they mean, dates
    `xsd:dateTime`, absolute paths `file:///` IRIs. What stored metadata holds against the schema is kept as a literal.
    The order of lists is not kept. Each form is made when it is first asked for, and kept.

    Parameters
    ----------
    metadata
        Attributes with `@type` by key: `type/id`, or the id of the object. They are read when they are needed, so that
        nobody should change them.
    base
        IRI that those of the object and its elements begin with, such as `object_base("ex")`; ids follow it as they are.

    Raises
    ------
    InvalidInputError
        When `base` is no IRI, or ends in a letter or digit, so that nobody could tell where the id begins.

    Examples
    --------
    >>> knowledge = KnowledgeGraph({"sample/s1": {"@type": "Sample", "name": "Sample 1"}}, base="file://ex/")
    >>> len(knowledge.graph())
    3
    >>> print(knowledge.text(), end="")
    @prefix modos: <https://w3id.org/sdsc-ordes/modos-schema/> .
    @prefix schema: <http://schema.org/> .
    <BLANKLINE>
    <file://ex/sample/s1> a modos:Sample ;
        schema:identifier <file://ex/sample/s1> ;
        schema:name "Sample 1" .
    >>> bool(knowledge.query("ASK { ?s a modos:Assay }"))
    False
    """

    def __init__(self, metadata: Mapping[str, Mapping[str, object]], *, base: str) -> None:
        if not is_uri_or_curie(base) or as_iri(subject := f"{base}sample/s1") != subject:
            reason = (
                f"{base[:200]!r} is no IRI that those of elements could begin with, such as https://example.org/ex/"
            )
            raise InvalidInputError(reason)
        if base[-1].isalnum():
            reason = f"{base[:200]!r} ends in a letter or digit, where ids would run into it; end it in / or #, as in {f'{base[:200]}/'!r}"
            raise InvalidInputError(reason)
        self.metadata = metadata
        self.base = base

    def __getstate__(self) -> dict[str, Any]:
        return {"metadata": self.metadata, "base": self.base}

    def graph(self) -> "rdflib.Graph":
        """Return a graph of rdflib of one's own: changes of it stay in it.

        Raises
        ------
        MissingDependencyError
            When the extra `rdf` is not installed.
        """
        return self._graphs.lent(self._lender, PREFIXES)  # type: ignore[no-any-return]

    def query(self, sparql: str) -> Answer:
        """Return the answer to a query.

        Parameters
        ----------
        sparql
            SPARQL 1.1: SELECT, ASK, CONSTRUCT or DESCRIBE. Prefixes of the schema and common ontologies need no
            declaration. A `SERVICE` in it is contacted.

        Raises
        ------
        InvalidInputError
            When the query cannot be understood, or not be answered; the message says where and why.
        MissingDependencyError
            When the extra `rdf` is not installed.
        """
        check_size(sparql)
        oxigraph, store = self._engine.oxigraph, self._engine.holding(predicates_asked(sparql))
        try:
            found = store.query(sparql, prefixes=dict(PREFIXES))
            is_graph = isinstance(found, oxigraph.QueryTriples)
            form = oxigraph.RdfFormat.N_TRIPLES if is_graph else oxigraph.QueryResultsFormat.JSON
            content = found.serialize(format=form).decode()
        except SyntaxError as error:
            reason = f"the query cannot be understood: {mistake(sparql, str(error))}"
            raise InvalidInputError(reason) from error
        except (OSError, RuntimeError, ValueError) as error:
            reason = f"the query cannot be answered: {' '.join(str(error).split())}"
            raise InvalidInputError(reason) from error
        return Answer(sorted_lines(content) if is_graph else content, is_graph=is_graph)

    def text(self, format: str = "turtle") -> str:  # noqa: A002 - the word users know
        """Return all of it as text, in order.

        Parameters
        ----------
        format
            A name in `FORMATS`.

        Raises
        ------
        InvalidInputError
            When there is no such format, or it cannot hold some character.
        MissingDependencyError
            When the extra `rdf` is not installed, which Turtle and XML take.
        """
        return serialise(self._statements, format)

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        return tuple(statements(self.metadata, self.base))

    @cached_property
    def _graphs(self) -> Any:  # noqa: ANN401 - a module that needs rdflib
        require("rdflib", extra="rdf", purpose=PURPOSE)
        from modos.linked_data import graphs

        return graphs

    @cached_property
    def _lender(self) -> Any:  # noqa: ANN401 - a store of rdflib
        return self._graphs.stored(self._statements)

    @cached_property
    def _engine(self) -> Engine:
        return Engine(self.metadata, self.base)
