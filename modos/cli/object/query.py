"""`modos query`: a SPARQL question to the metadata of an object.

Owns the words of the command, and an answer as columns. Must not know SPARQL.
"""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.object.publish import BaseURI
from modos.cli.places import Anonymous, Endpoint, Place, open_object
from modos.cli.reporting import visible
from modos.errors import InvalidInputError

if TYPE_CHECKING:
    from modos.linked_data import Answer

__all__ = ["AnswerFormat", "query"]

_STANDARD_INPUT = "-"


class AnswerFormat(StrEnum):
    """How answers are written: columns, SELECT and ASK in four standard ways, CONSTRUCT and DESCRIBE in two."""

    TABLE = "table"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    XML = "xml"
    TURTLE = "turtle"
    N_TRIPLES = "n-triples"


def query(
    place: Place,
    sparql: Annotated[str, typer.Argument(metavar="SPARQL", help="The question, or - to read it from standard input.")],
    *,
    format: Annotated[  # noqa: A002 - the word users know
        AnswerFormat | None,
        typer.Option(
            "--format",
            case_sensitive=False,
            help="How to write the answer; without it, a table, or Turtle for CONSTRUCT and DESCRIBE.",
        ),
    ] = None,
    base_uri: BaseURI = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Ask the metadata of an object a question in SPARQL; prefixes such as modos: and NCIT: need no declaration."""
    asked = _standard_input() if sparql == _STANDARD_INPUT else sparql
    answer = open_object(place, endpoint=endpoint, anon=anon).query(asked, base_uri)
    if format is AnswerFormat.TABLE or (format is None and not answer.is_graph):
        _print_columns(answer)
    else:
        text = answer.text(None if format is None else format.value)
        typer.echo(text.encode(), nl=not text.endswith("\n"))  # in UTF-8, whatever a terminal takes


def _standard_input() -> str:
    """Return what comes by standard input, in UTF-8, whatever a terminal gives.

    Raises
    ------
    InvalidInputError
        When it is in something else.
    """
    if sys.stdin is None:
        message = "standard input can be read once, where there is one"
        raise typer.BadParameter(message)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = "standard input: the query is not in UTF-8"
        raise InvalidInputError(reason) from error


def _print_columns(answer: "Answer") -> None:
    """Write one row a line, columns aligned, with line feeds and the like made visible."""
    rows = answer.table()
    names = list(rows[0]) if rows else answer.variables
    lines = [names, *([_shown(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _shown(value: object) -> str:
    if value is None:
        return ""
    return visible(str(value).lower() if isinstance(value, bool) else str(value))
