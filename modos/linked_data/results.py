"""Answers as results of rdflib, whose rows are of rdflib's terms.

Owns what rdflib is given of an answer. Must not know how a query is answered. Import it only where rdflib is there.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import compress
from typing import Any

import rdflib
from rdflib.query import Result, ResultRow
from rdflib.term import Identifier

from modos.model.curies import PREFIXES


def table_result(found: Mapping[str, Any]) -> Result:
    """Return the answer to SELECT or ASK.

    Parameters
    ----------
    found
        SPARQL Query Results JSON, read.
    """
    if "boolean" not in found:
        return _Table(found)
    result = Result("ASK")
    result.askAnswer = found["boolean"]
    return result


def graph_result(triples: str) -> Result:
    """Return the answer to CONSTRUCT or DESCRIBE, which N-Triples hold."""
    result = Result("CONSTRUCT")
    result.graph = rdflib.Graph(bind_namespaces="none")
    for prefix, iri in PREFIXES.items():
        result.graph.bind(prefix, iri)
    result.graph.parse(data=triples, format="nt")
    return result


class _Table(Result):
    """An answer to SELECT, iterated several times faster than rdflib's own, which hashes variables and labels each row anew."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        super().__init__("SELECT")
        self._names: list[str] = found["head"]["vars"]
        self._found: list[dict[str, Any]] = found["results"]["bindings"]
        self.vars = [rdflib.Variable(name) for name in self._names]
        self.bindings = self._mappings()  # which rdflib begins when they are asked for

    def __iter__(self) -> Iterator[ResultRow]:
        labels = {name: column for column, name in enumerate(self._names)}
        for terms in compress(self._terms, self._found):  # without rows that bind nothing, as in rdflib
            row = tuple.__new__(ResultRow, terms)
            row.labels = labels
            yield row

    def __len__(self) -> int:
        return len(self._found)

    @cached_property
    def _terms(self) -> list[tuple[Identifier | None, ...]]:
        """The terms of each row, `None` where there is none."""
        nodes: defaultdict[str, rdflib.BNode] = defaultdict(rdflib.BNode)
        names = self._names
        return [tuple([_term(row[name], nodes) if name in row else None for name in names]) for row in self._found]

    def _mappings(self) -> Iterator[dict[rdflib.Variable, Identifier]]:
        """Yield the rows as mappings from variable to term."""
        for terms in self._terms:
            pairs = zip(self.vars or (), terms, strict=True)
            yield {variable: term for variable, term in pairs if term is not None}


def _term(found: Mapping[str, str], nodes: Mapping[str, rdflib.BNode]) -> Identifier:
    match found["type"]:
        case "uri":
            return str.__new__(rdflib.URIRef, found["value"])  # without looking again whether it is one
        case "bnode":
            return nodes[found["value"]]
    datatype = found.get("datatype")
    return rdflib.Literal(found["value"], lang=found.get("xml:lang"), datatype=datatype and rdflib.URIRef(datatype))
