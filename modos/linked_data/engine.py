"""The engine that answers SPARQL: pyoxigraph, with as many statements as the questions so far could match.

Owns what is loaded into it, and when. Must not know how questions or answers are written.
"""

from collections.abc import Mapping
from typing import Any

from modos._lazy import require
from modos.linked_data.statements import statements
from modos.linked_data.text import PURPOSE, lines


class Engine:
    """A store of pyoxigraph that grows: loading takes most of the time of a first answer, and most questions ask for little.

    Threads may share it: each loads what it misses, and a statement that is loaded twice is there once.

    Parameters
    ----------
    metadata
        Attributes with `@type` by key.
    base
        IRI that those of the object and its elements begin with.

    Attributes
    ----------
    oxigraph
        The module.

    Raises
    ------
    MissingDependencyError
        When the extra `rdf` is not installed.
    """

    def __init__(self, metadata: Mapping[str, Mapping[str, object]], base: str) -> None:
        self.oxigraph = require("pyoxigraph", extra="rdf", purpose=PURPOSE)
        self._metadata = metadata
        self._base = base
        self._store = self.oxigraph.Store()
        self._loaded: frozenset[str] | None = frozenset()  # predicates; None when all is loaded

    def holding(self, predicates: frozenset[str] | None) -> Any:  # noqa: ANN401 - a store of pyoxigraph
        """Return the store, once all statements with some predicates are in it.

        Parameters
        ----------
        predicates
            Their IRIs; `None` for all statements.
        """
        loaded = self._loaded
        if loaded is None or (predicates is not None and predicates <= loaded):
            return self._store
        missing = (lambda iri: iri not in loaded) if predicates is None else (predicates - loaded).__contains__
        text = "".join(lines(statements(self._metadata, self._base, missing)))
        self._store.load(input=text.encode(), format=self.oxigraph.RdfFormat.N_TRIPLES, lenient=True)
        self._loaded = None if predicates is None else loaded | predicates
        return self._store
