"""Answers to SPARQL queries: as a table, as text, and as what rdflib makes of them.

Owns the forms of an answer and how values become those of Python. Must not know how a query is answered.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import InvalidInputError, suggestion
from modos.linked_data.text import PURPOSE, restyled
from modos.model.curies import PREFIXES

if TYPE_CHECKING:
    import rdflib.query

type Value = str | int | float | bool | datetime
"""What a term becomes in Python: IRIs and texts are `str`."""

TABLE_FORMATS: Mapping[str, str] = MappingProxyType({"csv": "CSV", "json": "JSON", "tsv": "TSV", "xml": "XML"})
"""How an answer to SELECT or ASK is written, to what pyoxigraph calls it; each is a standard of the W3C."""

GRAPH_FORMATS: Mapping[str, str] = MappingProxyType({"n-triples": "N_TRIPLES", "turtle": "TURTLE"})
"""How an answer to CONSTRUCT or DESCRIBE is written."""


_TRIPLE = ("subject", "predicate", "object")


class Answer:
    """The answer to a query, whole: it does not change when the object does.

    It is iterated, counted and taken for true or false as `rdflib.query.Result` is, which it becomes when anything of
    rdflib is asked for: rows are of rdflib's terms, and `vars`, `bindings`, `graph`, `askAnswer`, `serialize` and whatever
    else a result has are there.

    Parameters
    ----------
    content
        SPARQL Query Results JSON; N-Triples where `is_graph`.
    is_graph
        Whether the query was CONSTRUCT or DESCRIBE; all others give a table.

    Examples
    --------
    >>> from modos.linked_data import KnowledgeGraph
    >>> knowledge = KnowledgeGraph({"sample/s1": {"@type": "Sample", "name": "Sample 1"}}, base="file://ex/")
    >>> answer = knowledge.query("SELECT ?s ?name WHERE { ?s a modos:Sample ; schema:name ?name }")
    >>> answer.table()
    [{'s': 'file://ex/sample/s1', 'name': 'Sample 1'}]
    >>> [str(row.name) for row in answer]
    ['Sample 1']
    """

    def __init__(self, content: str, *, is_graph: bool) -> None:
        self._content = content
        self.is_graph = is_graph

    def __getstate__(self) -> dict[str, Any]:
        return {"_content": self._content, "is_graph": self.is_graph}

    @property
    def variables(self) -> list[str]:
        """What the columns of the table are called."""
        if self.is_graph:
            return list(_TRIPLE)
        return ["answer"] if "boolean" in self._found else list(self._found["head"]["vars"])

    def table(self) -> list[dict[str, Value | None]]:
        """Return the answer as rows, each a mapping from variable to value, `None` where there is none.

        Numbers, truth values and dates are those of Python. The answer to ASK is one row with `answer`; a graph has a row
        with `subject`, `predicate` and `object` for each triple.
        """
        if self.is_graph:
            return self._triples()
        if "boolean" in self._found:
            return [{"answer": self._found["boolean"]}]
        names, rows = self._found["head"]["vars"], self._found["results"]["bindings"]
        return [{name: _value(row[name]) if name in row else None for name in names} for row in rows]

    def text(self, format: str | None = None) -> str:  # noqa: A002 - the word users know
        """Return the answer as text.

        Parameters
        ----------
        format
            `csv`, `tsv`, `json` or `xml` for SELECT and ASK, `turtle` or `n-triples` for CONSTRUCT and DESCRIBE; `None` for
            the first of these.

        Raises
        ------
        InvalidInputError
            When the answer cannot be written so.
        """
        formats = GRAPH_FORMATS if self.is_graph else TABLE_FORMATS
        format = format or ("turtle" if self.is_graph else "csv")  # noqa: A001
        if format not in formats:
            queries = "CONSTRUCT or DESCRIBE" if self.is_graph else "SELECT or ASK"
            known = f"{', '.join(formats)}{suggestion(format, formats)}"
            reason = f"the answer to {queries} cannot be written as {format[:100]!r}, only as {known}"
            raise InvalidInputError(reason)
        if self.is_graph:
            return restyled(self._content, formats[format])
        oxigraph = require("pyoxigraph", extra="rdf", purpose=PURPOSE)
        results = oxigraph.parse_query_results(self._content.encode(), format=oxigraph.QueryResultsFormat.JSON)
        written: bytes = results.serialize(format=getattr(oxigraph.QueryResultsFormat, formats[format]))
        return written.decode()

    @cached_property
    def result(self) -> "rdflib.query.Result":
        """The answer as rdflib has it."""
        require("rdflib", extra="rdf", purpose=PURPOSE)
        from modos.linked_data.results import graph_result, table_result

        return graph_result(self._content) if self.is_graph else table_result(self._found)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.result)

    def __len__(self) -> int:
        return len(self.result)

    def __bool__(self) -> bool:
        return bool(self.result)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever rdflib has
        if name.startswith("_"):
            raise AttributeError(name, name=name, obj=self)
        return getattr(self.result, name)

    @cached_property
    def _found(self) -> Mapping[str, Any]:
        """A table, or the answer to ASK, as JSON has it."""
        found: Mapping[str, Any] = json.loads(self._content)
        return found

    def _triples(self) -> list[dict[str, Value | None]]:
        oxigraph = require("pyoxigraph", extra="rdf", purpose=PURPOSE)
        return [
            {name: _python(getattr(triple, name)) for name in _TRIPLE}
            for triple in oxigraph.parse(self._content.encode(), format=oxigraph.RdfFormat.N_TRIPLES, lenient=True)
        ]


def _python(term: Any) -> Value:  # noqa: ANN401 - of pyoxigraph
    datatype = getattr(term, "datatype", None)
    return str(term.value) if datatype is None else _converted(term.value, datatype.value)


def _value(term: Mapping[str, str]) -> Value:
    datatype = term.get("datatype")
    return term["value"] if datatype is None else _converted(term["value"], datatype)


def _converted(text: str, datatype: str) -> Value:
    """Return a literal as Python's value, and as text when it is ill-typed."""
    convert = _CONVERTED.get(datatype.removeprefix(PREFIXES["xsd"]))
    try:
        return convert(text) if convert else text
    except ValueError:
        return text


def _truth(text: str) -> bool:
    return text in {"true", "1"}


_INTEGERS = ("integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedInt")
_CONVERTED: Mapping[str, Callable[[str], Value]] = MappingProxyType(
    {
        **dict.fromkeys(_INTEGERS, int),
        **dict.fromkeys(("decimal", "double", "float"), float),
        "boolean": _truth,
        "dateTime": datetime.fromisoformat,
    }
)
"""Datatype of XML Schema to what makes it Python's."""
