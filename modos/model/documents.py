"""Documents that describe digital objects: lists of entries in YAML, JSON, tables or RDF.

Owns which format a file is in, and how YAML and JSON are read safely. Must not know what becomes of the entries.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from modos.errors import InvalidDocumentError
from modos.model.document_graphs import read_graph
from modos.model.document_tables import read_table
from modos.model.entries import Entry, Located, checked_entries
from modos.model.schema import shown_value

__all__ = ["Entry", "dump_document", "load_document"]


def load_document(path: str | PathLike[str]) -> list[Entry]:
    r"""Return the entries of a description, in the order they are written; RDF, which has none, by id.

    Parameters
    ----------
    path
        A local file in UTF-8. Its suffix says how it is read: `.yaml`, `.yml` and `.json` hold a list of entries, each
        with `element` and perhaps `args`; `.csv` and `.tsv` one element a row, see `document_tables`; `.ttl`, `.nt`, `.rdf` and
        `.jsonld` a graph, see `document_graphs`.

    Raises
    ------
    InvalidDocumentError
        When the file cannot be read, is not in its format, repeats a key or an id, or holds what is no entry. The
        message names the file and the line or entry. Values are not looked at: that is for `parse_element`.
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
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        reason = f"{path}: the name of a description ends in one of {', '.join(sorted(_READERS))}"
        raise InvalidDocumentError(reason)
    try:
        return checked_entries(str(path), _READERS[suffix](str(path), _text(path)))
    except RecursionError as error:
        reason = f"{path}: is nested too deeply to be a description"
        raise InvalidDocumentError(reason) from error


def dump_document(entries: Iterable[Entry]) -> str:
    """Return entries as YAML that `load_document` reads back.

    Parameters
    ----------
    entries
        Their elements hold text, numbers, lists and mappings only, as `attributes_of` gives them.

    Examples
    --------
    >>> print(dump_document([Entry({"@type": "Sample", "id": "s1"}, {"part_of": "assay1"})]), end="")
    - element:
        '@type': Sample
        id: s1
      args:
        part_of: assay1
    """
    records = [{"element": entry.element, **({"args": entry.args} if entry.args else {})} for entry in entries]
    return yaml.dump(records, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases, which can grow without bound, and with dates left as they are written."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class looks it up so
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.get_event()  # type: ignore[no-untyped-call] # types-PyYAML leaves it without
            problem = "aliases are not taken; write the value out"
            raise yaml.constructor.ConstructorError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                problem = f"the key {shown_value(key.value)} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if name:
                seen.add(name)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """Safe YAML that writes a value out wherever it occurs."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        quoted = any(character in data for character in _LINE_BREAKS)
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"' if quoted else None)


_LINE_BREAKS = "\x85\u2028\u2029"
"""What YAML takes for line breaks unless it is escaped, which it is in double quotes."""

_Dumper.add_representer(str, _Dumper.represent_str)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"{path}: cannot be read, {error.strerror or error}"
        raise InvalidDocumentError(reason) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"{path}, line {line}: is not in UTF-8"
        raise InvalidDocumentError(reason) from error


def _read_yaml(document: str, text: str) -> Iterator[Located]:
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise _no_list(document)
        content = loader.construct_document(root)
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable_yaml(document, error) from error
    for number, (item, node) in enumerate(zip(content, root.value, strict=True), start=1):
        yield Located(item, f"entry {number} (line {node.start_mark.line + 1})")


def _unreadable_yaml(document: str, error: Exception) -> InvalidDocumentError:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return InvalidDocumentError(f"{document}{where}: {problem}")


def _read_json(document: str, text: str) -> Iterator[Located]:
    try:
        content = json.loads(text, object_pairs_hook=_without_repetition)
    except json.JSONDecodeError as error:
        reason = f"{document}, line {error.lineno}: {error.msg}"
        raise InvalidDocumentError(reason) from error
    except ValueError as error:
        reason = f"{document}: {error}"
        raise InvalidDocumentError(reason) from error
    if not isinstance(content, list):
        raise _no_list(document)
    for number, item in enumerate(content, start=1):
        yield Located(item, f"entry {number}")


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            message = f"the key {shown_value(key)} is there twice"
            raise ValueError(message)
        found[key] = value
    return found


def _no_list(document: str) -> InvalidDocumentError:
    return InvalidDocumentError(f"{document}: is not a list of entries; each begins with '- element:'")


type _Reader = Callable[[str, str], Iterator[Located]]

_READERS: Mapping[str, _Reader] = MappingProxyType(
    {
        ".csv": read_table,
        ".json": _read_json,
        ".jsonld": read_graph,
        ".nt": read_graph,
        ".rdf": read_graph,
        ".tsv": read_table,
        ".ttl": read_graph,
        ".yaml": _read_yaml,
        ".yml": _read_yaml,
    }
)
