"""Reading descriptions: from a file, a folder of tables, a stream, or several of them.

Owns which format a document is in. Must not know how any is written, or what becomes of the entries.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Protocol, runtime_checkable

from modos._given import expect
from modos.errors import InvalidDocumentError, InvalidInputError, suggestion
from modos.model.documents.entries import Entry, Located, checked_entries
from modos.model.documents.graphs import read_graph
from modos.model.documents.lists import read_json, read_yaml
from modos.model.documents.tables import DELIMITERS, class_of_table, near_class, read_table
from modos.model.schema import shown_value

__all__ = ["DOCUMENT_FORMATS", "DocumentFormat", "format_named", "format_of", "load_document", "name_of"]

type Source = str | PathLike[str] | BinaryIO


@runtime_checkable
class _Readable(Protocol):
    def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """A format of descriptions.

    Attributes
    ----------
    name
        As `--format` takes it.
    suffixes
        What names of its files end in.
    read
        Makes entries of the name and the text of a document.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[str, str], Iterator[Located]]


def _formats() -> Iterator[DocumentFormat]:
    yield DocumentFormat("yaml", (".yaml", ".yml"), read_yaml)
    yield DocumentFormat("json", (".json",), read_json)
    for name, delimiter in DELIMITERS.items():
        yield DocumentFormat(name, (f".{name}",), partial(read_table, delimiter=delimiter))
    yield DocumentFormat("turtle", (".ttl",), partial(read_graph, syntax="turtle"))
    yield DocumentFormat("n-triples", (".nt",), partial(read_graph, syntax="nt"))
    yield DocumentFormat("xml", (".rdf", ".xml"), partial(read_graph, syntax="xml"))
    yield DocumentFormat("json-ld", (".jsonld",), partial(read_graph, syntax="json-ld"))


DOCUMENT_FORMATS: Mapping[str, DocumentFormat] = MappingProxyType({each.name: each for each in _formats()})
"""Name of a format to what is known of it."""

_BY_SUFFIX = {suffix: each for each in DOCUMENT_FORMATS.values() for suffix in each.suffixes}


def load_document(
    source: Source | Sequence[Source],
    *,
    format: str | None = None,  # noqa: A002 - the word users know
) -> list[Entry]:
    r"""Return the entries of a description, in the order they are written; RDF, which has none, by id.

    Parameters
    ----------
    source
        A local file in UTF-8: a list of entries in YAML or JSON, each with `element` and perhaps `args`; a table (CSV, TSV)
        with one element a row; or RDF, such as `modos publish` writes. A folder stands for the tables in it that are
        named after classes (`samples.tsv`, `assays.csv`); a binary file that is open for reading is read as it is.
        Several of them are one description.
    format
        `yaml`, `json`, `csv`, `tsv`, `turtle`, `n-triples`, `xml` or `json-ld`; `None` to take it from the suffix, or, where
        there is none, from the beginning: YAML, JSON or JSON-LD.

    Raises
    ------
    InvalidDocumentError
        When one cannot be read, is not in its format, repeats a key or an id, or holds what is no entry. The
        message names the file and the line or entry. Values are not looked at: that is for `parse_element`.
    InvalidInputError
        When there is no such format.
    MissingDependencyError
        When it is RDF and the extra `rdf` is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "ex.yaml")
    ...     _ = path.write_text('- element: {"@type": Sample, id: s1}\n  args: {part_of: assay1}\n')
    ...     load_document(path)
    [Entry(element={'@type': 'Sample', 'id': 's1'}, args={'part_of': 'assay1'})]
    """
    sources = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    chosen = None if format is None else format_named(format)
    return checked_entries(located for each in sources for located in _located(each, chosen))


def name_of(source: Source | Sequence[Source]) -> str:
    """Return what a document is called in an error, the first of several."""
    if isinstance(source, str | PathLike):
        return str(source)
    if isinstance(source, Sequence):
        return name_of(source[0]) if source else _NAMELESS
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else _NAMELESS


_NAMELESS = "the description"


def format_named(name: str) -> DocumentFormat:
    """Return the format of this name.

    Raises
    ------
    InvalidInputError
        When there is none; the message names those that there are.
    """
    expect(name, str, "a format is named by text")
    if name in DOCUMENT_FORMATS:
        return DOCUMENT_FORMATS[name]
    known = ", ".join(DOCUMENT_FORMATS)
    reason = f"{shown_value(name)} is no format of descriptions, which are {known}{suggestion(name, DOCUMENT_FORMATS)}"
    raise InvalidInputError(reason)


def format_of(path: str | PathLike[str]) -> DocumentFormat:
    """Return the format that the suffix of a file says.

    Raises
    ------
    InvalidDocumentError
        When it says none.

    Examples
    --------
    >>> format_of("study.yml").name
    'yaml'
    """
    found = _BY_SUFFIX.get(Path(path).suffix.lower())
    if found is None:
        reason = f"{path}: the name of a description ends in one of {', '.join(sorted(_BY_SUFFIX))}"
        raise InvalidDocumentError(reason)
    return found


def _located(source: Source, chosen: DocumentFormat | None) -> Iterator[tuple[str, Path | None, Located]]:
    for document, folder, read, text in _documents(source, chosen):
        try:
            yield from ((document, folder, each) for each in read(document, text))
        except RecursionError as error:
            reason = f"{document}: is nested too deeply to be a description"
            raise InvalidDocumentError(reason) from error


type _Document = tuple[str, Path | None, Callable[[str, str], Iterator[Located]], str]


def _documents(source: Source, chosen: DocumentFormat | None) -> Iterator[_Document]:
    """Yield the documents that a source stands for: name, folder, how it is read, and what it holds."""
    if not isinstance(source, str | PathLike):
        expect(source, _Readable, "a description is given by a path or a binary file")
        name = name_of(source)
        text = _decoded(name, source.read())
        yield name, None, (chosen or _sniffed(text)).read, text
        return
    path = Path(source)
    if not fspath(source):
        raise InvalidDocumentError("'' names no description; name a file, or a folder of tables")
    with _named(path):
        is_folder = path.is_dir()
    if is_folder:
        for table in _tables_in(path):
            yield str(table), path, format_of(table).read, _text(table)
        return
    found = chosen or format_of(path)
    yield str(path), path.parent, found.read, _text(path)


def _tables_in(folder: Path) -> list[Path]:
    """Return the tables of a folder that are named after classes; refuse a name that was probably meant to be one."""
    with _named(folder):
        paths = sorted(folder.iterdir())
    tables = [path for path in paths if path.suffix.lower().removeprefix(".") in DELIMITERS]
    found = [path for path in tables if class_of_table(path.name)]
    for path in tables:
        near = None if path in found else near_class(path.name)
        if near:
            reason = f"{path}: is named after no class; did you mean {near}{path.suffix}?"
            raise InvalidDocumentError(reason)
    if not found:
        reason = f"{folder}: is a folder without tables that are named after classes, such as samples.tsv"
        raise InvalidDocumentError(reason)
    return found


def _sniffed(text: str) -> DocumentFormat:
    """Return what text without a name is written in."""
    start = text.lstrip()[:1]
    if start == "{":
        return DOCUMENT_FORMATS["json-ld"]
    if start == "[":
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return DOCUMENT_FORMATS["yaml"]
        return DOCUMENT_FORMATS["json"]
    return DOCUMENT_FORMATS["yaml"]


def _text(path: Path) -> str:
    with _named(path):
        content = path.read_bytes()
    return _decoded(str(path), content)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which document it is that this machine does not give out, or whose name can be none here."""
    try:
        yield
    except (OSError, ValueError) as error:  # the latter of a name with a NUL, or that is not Unicode
        reason = f"{path}: cannot be read, {getattr(error, 'strerror', None) or error}"
        raise InvalidDocumentError(reason) from error


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"{name}, line {line}: is not in UTF-8"
        raise InvalidDocumentError(reason) from error
