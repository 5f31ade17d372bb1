"""Vocabularies on this machine, such as ontologies as they are published: which terms they have.

Owns how OBO, OWL and tables of terms are read, term by term. Must not know which slots hold terms.
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import IO, cast
from xml.etree import ElementTree as ET

from modos._given import expect
from modos.errors import InvalidInputError
from modos.model.curies import expand, is_uri_or_curie

__all__ = ["Term", "Vocabulary", "look_up", "namespace_of"]

_OBO = "http://purl.obolibrary.org/obo/"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LABEL = "{http://www.w3.org/2000/01/rdf-schema#}label"
_DEPRECATED = "{http://www.w3.org/2002/07/owl#}deprecated"
_REPLACED = f"{{{_OBO}}}IAO_0100001"


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a vocabulary.

    Attributes
    ----------
    iri
        What it is known by.
    label
        Its name; empty where it has none.
    is_obsolete
        Whether it should not be used any more.
    replaced_by
        IRI of the term to use instead; `None` where none is named.
    """

    iri: str
    label: str = ""
    is_obsolete: bool = False
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What vocabularies say of terms that were looked up.

    Attributes
    ----------
    terms
        IRI to term, for those that they have.
    namespaces
        Beginnings of IRIs that they have any terms of.
    """

    terms: Mapping[str, Term]
    namespaces: frozenset[str]


def look_up(wanted: Collection[str], files: Iterable[str | PathLike[str]]) -> Vocabulary:
    r"""Return what vocabularies say of some terms; a vocabulary is read through and not held in memory.

    Parameters
    ----------
    wanted
        CURIEs or IRIs.
    files
        Paths of OBO (`.obo`), OWL in RDF/XML (`.owl`, `.rdf`, `.xml`), or text with a term at the beginning of each line
        and perhaps its name in a second column (`.txt`, `.tsv`, `.csv`); each may be compressed by gzip (`.gz`).

    Raises
    ------
    InvalidInputError
        When a file cannot be read, or is in none of these formats.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "cl.obo")
    >>> _ = path.write_text("[Term]\nid: CL:0000236\nname: B cell\n")
    >>> look_up(["CL:0000236", "CL:9"], [path]).terms
    {'http://purl.obolibrary.org/obo/CL_0000236': Term(iri='...CL_0000236', label='B cell', ...)}
    """
    iris = {expand(text) for text in wanted}
    found: dict[str, Term] = {}
    namespaces: set[str] = set()
    for file in files:
        expect(file, (str, PathLike), "a vocabulary is named by a path")
        for term in _terms(Path(file)):
            namespaces.add(namespace_of(term.iri))
            if term.iri in iris and (term.iri not in found or found[term.iri].is_obsolete):
                found[term.iri] = term
    return Vocabulary(found, frozenset(namespaces))


def namespace_of(iri: str) -> str:
    """Return what the terms of one vocabulary have in common.

    Examples
    --------
    >>> namespace_of("http://purl.obolibrary.org/obo/CL_0000236")
    'http://purl.obolibrary.org/obo/CL_'
    >>> namespace_of("http://snomed.info/id/17621005")
    'http://snomed.info/id/'
    """
    start = max(map(iri.rfind, "/#:")) + 1
    return iri[: max(start, iri.rfind("_") + 1)]


def _terms(path: Path) -> Iterator[Term]:
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in _READERS:
        message = f"{path} is no vocabulary that is read here; its name ends in one of {', '.join(_READERS)}"
        raise InvalidInputError(message)
    try:
        with gzip.open(path) if name.endswith(".gz") else path.open("rb") as file:
            yield from _READERS[suffix](cast("IO[bytes]", file))
    except (OSError, EOFError, zlib.error) as error:
        message = f"the vocabulary {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InvalidInputError(message) from error
    except (UnicodeDecodeError, ET.ParseError, csv.Error) as error:
        message = f"the vocabulary {path} is damaged, or not in the format that its name says: {error}"
        raise InvalidInputError(message) from error


def _lines(file: IO[bytes]) -> Iterator[str]:
    return (line.decode("utf-8-sig").strip() for line in file)


def _of_obo(file: IO[bytes]) -> Iterator[Term]:
    said: dict[str, list[str]] = {}
    for line in chain(_lines(file), ("[end]",)):
        if line.startswith("["):
            yield from _of_stanza(said)
            said = {"stanza": [line]}
        elif ": " in line:
            key, _, value = line.partition(": ")
            said.setdefault(key, []).append(value.partition(" ! ")[0].strip())


def _of_stanza(said: Mapping[str, list[str]]) -> Iterator[Term]:
    """Yield the term of a stanza, and those that were merged into it."""
    if said.get("stanza") != ["[Term]"] or "id" not in said:
        return
    iri = _iri(said["id"][0])
    replaced = said.get("replaced_by", [])
    label = said.get("name", [""])[0]
    is_obsolete = said.get("is_obsolete") == ["true"]
    yield Term(iri, label, is_obsolete, _iri(replaced[0]) if replaced else None)
    for other in said.get("alt_id", []):
        yield Term(_iri(other), label, is_obsolete=True, replaced_by=iri)


def _iri(text: str) -> str:
    """Return the IRI of an id in OBO, whose prefixes are expanded as OBO says where nothing else is known."""
    iri = expand(text)
    prefix, colon, local = text.partition(":")
    return f"{_OBO}{prefix}_{local}" if iri == text and colon and "/" not in text else iri


def _of_owl(file: IO[bytes]) -> Iterator[Term]:
    depth = 0
    root: ET.Element | None = None
    for event, element in ET.iterparse(file, ("start", "end")):  # noqa: S314 - see the import
        depth += 1 if event == "start" else -1
        root = element if root is None else root
        if event == "end" and depth == 1:
            if iri := element.get(f"{_RDF}about"):
                yield _of_element(iri, element)
            root.clear()


def _of_element(iri: str, element: ET.Element) -> Term:
    replaced = element.find(_REPLACED)
    other = None if replaced is None else replaced.get(f"{_RDF}resource") or (replaced.text or "").strip()
    is_obsolete = (element.findtext(_DEPRECATED) or "").strip() == "true"
    return Term(expand(iri), (element.findtext(_LABEL) or "").strip(), is_obsolete, _iri(other) if other else None)


def _of_text(delimiter: str) -> Callable[[IO[bytes]], Iterator[Term]]:
    def read(file: IO[bytes]) -> Iterator[Term]:
        for row in csv.reader(_lines(file), delimiter=delimiter):
            if row and is_uri_or_curie(row[0]):  # the first line may name the columns
                yield Term(_iri(row[0]), row[1] if len(row) > 1 else "")

    return read


_READERS: Mapping[str, Callable[[IO[bytes]], Iterator[Term]]] = MappingProxyType(
    {
        ".csv": _of_text(","),
        ".obo": _of_obo,
        ".owl": _of_owl,
        ".rdf": _of_owl,
        ".tsv": _of_text("\t"),
        ".txt": _of_text("\t"),
        ".xml": _of_owl,
    }
)
