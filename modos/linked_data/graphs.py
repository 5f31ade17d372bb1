"""Statements as a graph of rdflib, which many hold at once and each may change.

Owns what rdflib is given and how a graph is lent. Must not know what statements say. Import it only where rdflib is there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import rdflib
from rdflib.plugins.stores.memory import SimpleMemory
from rdflib.store import Store

from modos.linked_data.statements import STRING, Statement, Term


def stored(found: Iterable[Statement]) -> Any:  # noqa: ANN401 - a store of rdflib
    """Return a store of rdflib that holds statements."""
    terms: dict[Term, Any] = {}
    store: Any = SimpleMemory()
    for subject, predicate, value in found:
        triple = []
        for each in (subject, predicate, value):
            term = terms.get(each)
            if term is None:
                term = terms[each] = _term(each)
            triple.append(term)
        store.add(tuple(triple), None)
    return store


def lent(lender: Any, prefixes: Mapping[str, str]) -> rdflib.Graph:  # noqa: ANN401
    """Return a graph that has all triples of a store, which no change of the graph reaches."""
    graph = rdflib.Graph(store=Loan(lender), bind_namespaces="none")
    for prefix, iri in prefixes.items():
        graph.bind(prefix, iri)
    return graph


class Loan(Store):
    """Another store's triples until the first change, which copies them.

    Parameters
    ----------
    lender
        A store that nobody changes.
    """

    def __init__(self, lender: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._triples = lender
        self._copied = False
        self._names = SimpleMemory()

    def triples(self, triple_pattern: Any, context: Any = None) -> Any:  # noqa: ANN401, ARG002 - as in rdflib
        """Yield the triples that fit a pattern."""
        return self._triples.triples(triple_pattern)

    def __len__(self, context: Any = None) -> int:  # noqa: ANN401 - as in rdflib
        return len(self._triples)

    def add(self, triple: Any, context: Any = None, quoted: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002
        """Add a triple to a copy."""
        super().add(triple, context, quoted)
        self._own().add(triple, context, quoted)

    def remove(self, triple: Any, context: Any = None) -> None:  # noqa: ANN401
        """Remove the triples that fit a pattern from a copy."""
        super().remove(triple, context)
        self._own().remove(triple, context)

    def bind(self, prefix: str, namespace: Any, override: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002
        """Give a namespace a prefix."""
        self._names.bind(prefix, namespace, override)

    def prefix(self, namespace: Any) -> str | None:  # noqa: ANN401
        """Return the prefix of a namespace."""
        return self._names.prefix(namespace)

    def namespace(self, prefix: str) -> Any:  # noqa: ANN401
        """Return the namespace of a prefix."""
        return self._names.namespace(prefix)

    def namespaces(self) -> Iterator[Any]:
        """Yield the prefixes with their namespaces."""
        return self._names.namespaces()

    def _own(self) -> Any:  # noqa: ANN401
        if not self._copied:
            copy: Any = SimpleMemory()
            for triple, _ in self._triples.triples((None, None, None)):
                copy.add(triple, None)
            self._triples, self._copied = copy, True
        return self._triples


def _term(term: Term) -> Any:  # noqa: ANN401 - of rdflib
    if isinstance(term, str):
        return rdflib.URIRef(term)
    datatype = None if term.datatype == STRING else rdflib.URIRef(term.datatype)
    return rdflib.Literal(term.text, datatype=datatype)
