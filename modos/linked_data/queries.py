"""Questions to a graph, in SPARQL.

Owns how a malformed query is reported. Must not know what the graph is about.
"""

from typing import TYPE_CHECKING

from modos._lazy import require
from modos.errors import InvalidInputError
from modos.linked_data.graph import PURPOSE

if TYPE_CHECKING:
    import rdflib.query


def query(graph: "rdflib.Graph", sparql: str) -> "rdflib.query.Result":
    """Return the answer to a query; the prefixes bound in the graph need no declaration.

    Parameters
    ----------
    graph
        As made by `to_graph`, which binds the prefixes of the schema.
    sparql
        SPARQL 1.1: SELECT, ASK, CONSTRUCT or DESCRIBE. A `SERVICE` in it is contacted.

    Raises
    ------
    InvalidInputError
        When the query cannot be understood; the message says where.
    MissingDependencyError
        When the extra `rdf` is not installed.

    Examples
    --------
    >>> from modos.linked_data import to_graph
    >>> graph = to_graph({"sample/s1": {"@type": "Sample", "name": "Sample 1"}}, base="file://ex/")
    >>> [str(row.name) for row in query(graph, "SELECT ?name WHERE { ?s a modos:Sample ; schema:name ?name }")]
    ['Sample 1']
    """
    engine = require("rdflib.plugins.sparql", extra="rdf", purpose=PURPOSE)
    try:
        prepared = engine.prepareQuery(sparql, initNs=dict(graph.namespaces()))
    except Exception as error:  # rdflib raises plain exceptions and those of its parser
        reason = f"the query cannot be understood: {' '.join(str(error).split())}"
        raise InvalidInputError(reason) from error
    return graph.query(prepared)
