"""Writing descriptions: entries as YAML, JSON or tables that read back as the same entries.

Owns the canonical form of each. Must not know where entries come from.
"""

import json
from collections.abc import Iterable

from modos._given import expect
from modos.errors import InvalidInputError, suggestion
from modos.model.documents.cells import is_unicode
from modos.model.documents.entries import Entry
from modos.model.documents.lists import yaml_text
from modos.model.documents.tables import DELIMITERS, table_text
from modos.model.schema import shown_value

__all__ = ["WRITTEN_FORMATS", "dump_document"]

WRITTEN_FORMATS = ("yaml", "json", *DELIMITERS)
"""Formats that entries can be written in, `args` included."""


def dump_document(entries: Iterable[Entry], format: str = "yaml") -> str:  # noqa: A002 - the word users know
    """Return entries as text that `load_document` reads back.

    Parameters
    ----------
    entries
        Their elements hold text, numbers, lists and mappings only, as `attributes_of` gives them.
    format
        `yaml`, `json`, or `csv` and `tsv`: one table with a column `@type`.

    Raises
    ------
    InvalidInputError
        When there is no such format, or a value cannot be written in a table.

    Examples
    --------
    >>> print(dump_document([Entry({"@type": "Sample", "id": "s1"}, {"part_of": "assay1"})]), end="")
    - element:
        '@type': Sample
        id: s1
      args:
        part_of: assay1
    """
    expect(format, str, "a format is named by text")
    if format in DELIMITERS:
        return table_text(list(entries), DELIMITERS[format])
    records = [{"element": entry.element, **({"args": entry.args} if entry.args else {})} for entry in entries]
    if format == "json":
        text = json.dumps(records, indent=2, ensure_ascii=False)
        # half a character is escaped, as it is where it is stored
        return f"{text if is_unicode(text) else json.dumps(records, indent=2)}\n"
    if format == "yaml":
        return yaml_text(records)
    known = ", ".join(WRITTEN_FORMATS)
    reason = f"{shown_value(format)} is no format to write entries in, which are {known}{suggestion(format, WRITTEN_FORMATS)}"
    raise InvalidInputError(reason)
