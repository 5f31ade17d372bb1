"""Descriptions as lists in YAML and JSON.

Owns how both are read safely, where each slot stands in them, and how YAML is written. Must not know what an entry is.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import yaml

from modos.errors import InvalidDocumentError
from modos.model.documents.entries import Located
from modos.model.schema import shown_value

__all__ = ["read_json", "read_yaml", "yaml_text"]


def read_yaml(document: str, text: str) -> Iterator[Located]:
    """Yield the items of a list in YAML, without aliases, which can grow without bound.

    Raises
    ------
    InvalidDocumentError
        When it is no YAML, no list, or repeats a key.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise _no_list(document)
        content = loader.construct_document(root)
    except InvalidDocumentError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable_yaml(document, error) from error
    for number, (item, node) in enumerate(zip(content, root.value, strict=True), start=1):
        yield Located(item, f"entry {number} (line {node.start_mark.line + 1})", partial(_yaml_places, node))


def read_json(document: str, text: str) -> Iterator[Located]:
    """Yield the items of a list in JSON.

    Raises
    ------
    InvalidDocumentError
        As for `read_yaml`.
    """
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
        yield Located(item, f"entry {number}", partial(_json_places, text, number))


def yaml_text(content: object) -> str:
    """Return lists and mappings as YAML that is read back as they are."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


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


def _unreadable_yaml(document: str, error: Exception) -> InvalidDocumentError:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return InvalidDocumentError(f"{document}{where}: {problem}")


def _no_list(document: str) -> InvalidDocumentError:
    return InvalidDocumentError(f"{document}: is not a list of entries; each begins with '- element:'")


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            message = f"the key {shown_value(key)} is there twice"
            raise ValueError(message)
        found[key] = value
    return found


# -- where things stand -------------------------------------------------------------------------------------------------


def _yaml_places(entry: yaml.Node) -> Mapping[str, str]:
    """Return where the slots and arguments of an entry stand."""
    found = {}
    for part in entry.value if isinstance(entry, yaml.MappingNode) else ():
        for key, _ in part[1].value if isinstance(part[1], yaml.MappingNode) else ():
            found[str(key.value)] = f"line {key.start_mark.line + 1}, column {key.start_mark.column + 1}"
    return found


def _json_places(text: str, number: int) -> Mapping[str, str]:
    """Return where the slots and arguments of the nth entry stand in JSON that is known to be right."""
    entries = (value for _, _, value in _members(text, _after(text, 0)))
    entry = next(islice(entries, number - 1, None))
    return {
        str(name): _place(text, at)
        for _, _, part in (_members(text, entry) if text[entry] == "{" else ())
        for name, at, _ in (_members(text, part) if text[part] == "{" else ())
    }


def _members(text: str, start: int) -> Iterator[tuple[object, int, int]]:
    """Yield of each member of the list or mapping at a position its key, `None` in a list, and where it and its value begin."""
    is_mapping = text[start] == "{"
    at = _after(text, start + 1)
    while text[at] not in "]}":
        key, value = None, at
        if is_mapping:
            key, end = _DECODE(text, at)
            value = _after(text, end, ":")
        yield key, at, value
        at = _after(text, _DECODE(text, value)[1], ",")


_DECODE = json.JSONDecoder().raw_decode


def _after(text: str, at: int, beside: str = "") -> int:
    """Return where white space, and one more character that is allowed there, ends."""
    while text[at].isspace() or text[at] == beside:
        at += 1
    return at


def _place(text: str, at: int) -> str:
    return f"line {text.count('\n', 0, at) + 1}, column {at - text.rfind('\n', 0, at)}"
