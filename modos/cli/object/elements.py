"""Elements on the command line: slots in JSON, and the options that go with them.

Owns how such text is read and where in it a mistake is. Must not know which slots there are.
"""

import io
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modos.cli.places import ids_in

if TYPE_CHECKING:
    from modos.objects.descriptions.description import Document

__all__ = [
    "FileFormat",
    "FromFile",
    "PartOf",
    "Slots",
    "SourceFile",
    "document",
    "exactly_one",
    "missing",
    "refuse_beside",
    "refuse_without",
]


def slots_from_json(text: str) -> dict[str, Any]:
    """Return the slots that JSON text holds.

    Raises
    ------
    typer.BadParameter
        Says where it is no JSON, or that it is no mapping.
    """
    try:
        slots = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        message = f"is no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise typer.BadParameter(message) from error
    except ValueError as error:
        message = f"cannot be taken as JSON: {error}"
        raise typer.BadParameter(message) from error
    except RecursionError as error:
        message = "is nested too deeply"
        raise typer.BadParameter(message) from error
    if not isinstance(slots, dict):
        message = 'is no mapping of slots, which looks like {"@type": "Sample", "id": "s1"}'
        raise typer.BadParameter(message)
    return slots


Slots = Annotated[
    Any,
    typer.Option(
        "--element", "-e", parser=slots_from_json, metavar="JSON", help='Slots: {"@type": "Sample", "id": "s1"}.'
    ),
]
SourceFile = Annotated[
    str | None,
    typer.Option(
        "--source-file",
        "-s",
        metavar="FILE",
        help="Path or address of the file to store; indexes beside it come along.",
    ),
]
PartOf = Annotated[
    str | None,
    typer.Option(
        "--part-of",
        "-p",
        metavar="ID",
        autocompletion=ids_in,
        help="Element, or the object, to link the element from.",
    ),
]
FromFile = Annotated[
    list[str] | None,
    typer.Option(
        "--from-file",
        "-f",
        metavar="FILE",
        help="Description: YAML, JSON, CSV, TSV, RDF, a folder of tables, or - for standard input; may be repeated.",
    ),
]
FileFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="What --from-file is written in, where its name does not tell: yaml, json, csv, tsv, turtle, n-triples, "
        "xml or json-ld.",
    ),
]

_STANDARD_INPUT = "-"


class StandardInput(io.BytesIO):
    """What came by standard input, which can be read again."""

    name = "standard input"

    def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002 - as in files
        return self.getvalue()


def document(from_file: list[str]) -> "Document":
    """Return what `--from-file` names: files, folders, and standard input."""
    if from_file.count(_STANDARD_INPUT) > 1 or (_STANDARD_INPUT in from_file and sys.stdin is None):
        raise typer.BadParameter("standard input can be read once, where there is one")
    found = [StandardInput(sys.stdin.buffer.read()) if each == _STANDARD_INPUT else each for each in from_file]
    return found[0] if len(found) == 1 else found


def missing(context: typer.Context, argument: str) -> typer.BadParameter:
    """Return the error for an argument that nobody can be asked for."""
    return typer.BadParameter(f"Missing argument '{argument}'", ctx=context)


def refuse_without(**options: object) -> None:
    """Refuse options that mean nothing without a description.

    Raises
    ------
    typer.BadParameter
        Names the first of them.
    """
    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None:
        raise typer.BadParameter(f"{_flag(given)} goes with --from-file")


def exactly_one(**options: object) -> None:
    """Refuse a command line that gives none, or several, of the ways to say what is meant.

    Raises
    ------
    typer.BadParameter
        Names them.
    """
    given = [name for name, value in options.items() if value is not None]
    if not given:
        message = f"give {' or '.join(map(_flag, options))}"
        raise typer.BadParameter(message)
    if len(given) > 1:
        message = f"{' and '.join(map(_flag, given))} do not go together"
        raise typer.BadParameter(message)


def refuse_beside(flag: str, **options: object) -> None:
    """Refuse options that mean nothing beside another.

    Raises
    ------
    typer.BadParameter
        Names the first of them.
    """
    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None:
        message = f"{_flag(given)} and {flag} do not go together"
        raise typer.BadParameter(message)


def _flag(name: str) -> str:
    return name if name.isupper() else f"--{name.replace('_', '-')}"


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the key {twice!r} is there twice"
        raise ValueError(message)
    return found


def _no_constant(name: str) -> object:
    message = f"{name} is no value of JSON"
    raise ValueError(message)
