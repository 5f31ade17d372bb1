"""The metadata of an mzTab file: keys with their indices as a tree, and parameters of controlled vocabularies.

Owns how keys and parameters are written. Must not know what a key means.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from modos.errors import InvalidInputError
from modos.omics.files import Files, growing_heads
from modos.omics.mztab.columns import COMMENT, METADATA
from modos.omics.mztab.lines import Lines

__all__ = ["Parameter", "parse_parameter", "parse_parameters", "read_entries", "read_mztab_metadata", "structured"]

_PART = re.compile(r"([^\[\]]+?)((?:\[\d+\])?)(?:-|$)")
_CELLS = 4
_NULL = "null"
_BEFORE_TABLES = frozenset({METADATA.encode(), COMMENT.encode(), b""})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A term of a controlled vocabulary, maybe with a value, as mzTab writes it: `[label, accession, name, value]`.

    Attributes
    ----------
    label
        Of the vocabulary; `None` for a parameter of the user's own.
    accession
        Of the term; `None` without one.
    name
        What it is called.
    value
        `None` when it has none.
    """

    label: str | None
    accession: str | None
    name: str
    value: str | None

    def to_json(self) -> dict[str, str]:
        """Return what is said, by name."""
        parts = {"label": self.label, "accession": self.accession, "name": self.name, "value": self.value}
        return {name: part for name, part in parts.items() if part}


def parse_parameter(text: str) -> Parameter:
    """Return the parameter that text is; commas in quotes part nothing.

    Raises
    ------
    InvalidInputError
        When it is none.

    Examples
    --------
    >>> parse_parameter("[MS, MS:1001207, Mascot, 2.4]").value
    '2.4'
    >>> parse_parameter('[, , "first, and second", ]')
    Parameter(label=None, accession=None, name='first, and second', value=None)
    """
    inner = text.strip()
    cells = _cells(inner[1:-1]) if inner.startswith("[") and inner.endswith("]") else []
    if len(cells) != _CELLS:
        message = f"{text!r} is no parameter, which is written as [label, accession, name, value]"
        raise InvalidInputError(message)
    label, accession, name, value = cells
    return Parameter(label or None, accession or None, name, value or None)


def parse_parameters(text: str) -> list[Parameter]:
    """Return the parameters of a list, parted by `|`; nothing for `null`.

    Examples
    --------
    >>> [each.name for each in parse_parameters("[MS, MS:1001251, Trypsin, ] | [, , own, ]")]
    ['Trypsin', 'own']
    """
    parts = (part.strip() for part in re.split(r"\|(?=\s*\[|\s*$)", text))
    return [parse_parameter(part) for part in parts if part and part != _NULL]


def read_entries(files: Files, target: str) -> list[tuple[str, str]]:
    """Return the metadata of a file, keys and values as they are written, reading not much more than them.

    Lines of metadata that stand behind the first table are not seen.

    Raises
    ------
    IntegrityError
        When the file is no mzTab file, or a line of its metadata is malformed.
    """
    url = files.url_of(target)
    before: list[bytes] = []
    for content, is_all in growing_heads(files, target):
        complete = content if is_all else content[: content.rfind(b"\n") + 1]
        before = list(_before_tables(complete))
        if is_all or len(before) < complete.count(b"\n"):
            break
    lines = Lines(url)
    for _ in lines.sorted([b"\n".join(before)], None):
        pass
    return lines.metadata


def _before_tables(content: bytes) -> Iterator[bytes]:
    for line in content.split(b"\n"):
        if line.strip() and line.removeprefix(b"\xef\xbb\xbf").partition(b"\t")[0].strip() not in _BEFORE_TABLES:
            return
        yield line


def read_mztab_metadata(files: Files, target: str | PurePath) -> dict[Any, Any]:
    r"""Return the metadata of an mzTab file as a tree, reading not much more than them.

    Indices become numbers: `tree["sample"][1]["species"][1]["accession"]`. Parameters are mappings of what they consist of;
    what is `null` is left out. A thing that has a value of its own besides parts, such as the name of a sample, has it as
    `"value"`.

    Parameters
    ----------
    files, target
        Any storage, and the name of a file in it.

    Raises
    ------
    IntegrityError
        When the file is no mzTab file, or a line of its metadata is malformed.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> lines = [("mzTab-version", "2.0.0-M"), ("sample[1]-species[1]", "[NCBITaxon, NCBITaxon:9606, Homo sapiens, ]")]
    >>> _ = storage.put("".join(f"MTD\t{key}\t{value}\n" for key, value in lines).encode(), "x.mztab")
    >>> read_mztab_metadata(storage, "x.mztab")["sample"][1]["species"][1]["name"]
    'Homo sapiens'
    """
    return structured(read_entries(files, str(target)))


def structured(entries: Iterable[tuple[str, str]]) -> dict[Any, Any]:
    """Return metadata as a tree, as `read_mztab_metadata` has it.

    Examples
    --------
    >>> tree = structured([("sample[1]", "a"), ("sample[1]-species[1]", "[NEWT, 9606, Homo sapiens, ]")])
    >>> tree["sample"][1]["value"], tree["sample"][1]["species"][1]["name"]
    ('a', 'Homo sapiens')
    """
    tree: dict[Any, Any] = {}
    for key, text in entries:
        value = _value(text)
        if value is None:
            continue
        path = _path(key)
        place = tree
        for step in path[:-1]:
            below = place.setdefault(step, {})
            place = below if isinstance(below, dict) and not _is_parameter(below) else _with_value(place, step)
        held = place.get(path[-1])
        if isinstance(held, dict) and not _is_parameter(held):
            held["value"] = value
        else:
            place[path[-1]] = value
    return tree


def _with_value(place: dict[Any, Any], step: str | int) -> dict[Any, Any]:
    place[step] = {"value": place[step]}
    below: dict[Any, Any] = place[step]
    return below


def _is_parameter(held: dict[Any, Any]) -> bool:
    return "name" in held and held.keys() <= {"label", "accession", "name", "value"} and isinstance(held["name"], str)


def _path(key: str) -> list[Any]:
    """Return the steps of a key: names and numbers in turn."""
    if "[" not in key:
        return [key]
    steps: list[Any] = []
    for name, index in _PART.findall(key):
        steps += [name, int(index[1:-1])] if index else [name]
    return steps or [key]


def _value(text: str) -> Any:  # noqa: ANN401 - text, a mapping, or a list of them
    stripped = text.strip()
    if not stripped or stripped.lower() == _NULL:
        return None
    if not stripped.startswith("["):
        return stripped[1:-1] if len(stripped) > 1 and stripped[0] == stripped[-1] == '"' else stripped
    try:
        found = [each.to_json() for each in parse_parameters(stripped)]
    except InvalidInputError:
        return stripped
    return found[0] if len(found) == 1 else found


def _cells(text: str) -> list[str]:
    """Return what commas part, those in quotes excepted; the last cell keeps commas that are too many."""
    cells: list[str] = []
    cell, quoted = "", False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted and len(cells) < _CELLS - 1:
            cells.append(cell.strip())
            cell = ""
            continue
        else:
            cell += letter
    return [*cells, cell.strip()]
