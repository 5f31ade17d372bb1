"""Elements on the command line: slots in JSON, and the options that go with them.

Owns how such text is read and where in it a mistake is. Must not know which slots there are.
"""

import json
from typing import Annotated, Any

import typer

__all__ = ["FromFile", "PartOf", "Slots", "SourceFile", "exactly_one", "refuse_beside"]


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
    typer.Option("--part-of", "-p", metavar="ID", help="Element, or the object, to link the element from."),
]
FromFile = Annotated[
    str | None,
    typer.Option("--from-file", "-f", metavar="FILE", help="Description to read: YAML, JSON, CSV, TSV or RDF."),
]


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
