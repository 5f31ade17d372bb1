"""Asking for an object or for elements, showing what that comes to, and doing it.

Owns how answers become an edit. Must not know how questions are asked or edits made.
"""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from modos.cli.places import access, check_s3, open_object
from modos.cli.prompting.questions import Question, Script, answered
from modos.cli.prompting.scripts import Described, additions, new_object
from modos.cli.prompting.slots import Known
from modos.cli.prompting.terminal import Terminal
from modos.cli.reporting import FAILED, note
from modos.errors import ObjectExistsError
from modos.model.documents import dump_document

if TYPE_CHECKING:
    from modos import MODO

__all__ = ["ask_for_elements", "ask_for_object"]


def ask_for_object(
    given: dict[str, Any], *, endpoint: str | None, anon: bool, terminal: Terminal | None = None
) -> None:
    """Ask for a new object, make it, and write its address.

    Parameters
    ----------
    given
        Slots of the object that were given on the command line; `None` for those that were not.
    endpoint, anon
        How S3 is asked.
    terminal
        Who is asked; `None` for the terminal of this process.
    """
    from modos import MODO

    def accept(place: str) -> None:
        check_s3(place, endpoint=endpoint, anon=anon)
        from modos.objects.snapshot import Snapshot
        from modos.storage import open_storage

        if Snapshot.read_if_any(
            open_storage(place, storage_options=access(place, endpoint=endpoint, anon=anon))
        ).exists:
            raise ObjectExistsError(place)

    def how(described: Described) -> dict[str, Any]:
        return {"new": True, **access(described.place, endpoint=endpoint, anon=anon)}

    def summary(described: Described) -> str:
        difference = MODO.plan_from_file(_document(described), described.place, **how(described))
        return f"\n{described.place}\n{difference.describe()}\n{difference.summary()}"

    fixed = {slot: value for slot, value in given.items() if value is not None}
    today = datetime.now(UTC).replace(microsecond=0).isoformat()
    described = _answers(lambda: new_object(fixed, today, _formats(), summary, accept), terminal)
    modo = MODO.from_file(_document(described), described.place, **how(described))
    typer.echo(modo.url)


def ask_for_elements(
    place: str | None, *, endpoint: str | None, anon: bool, terminal: Terminal | None = None
) -> "tuple[MODO, list[str]]":
    """Ask for elements, add them in one edit, and return the object and their full ids.

    Parameters
    ----------
    place
        The object; `None` to ask for it.
    endpoint, anon, terminal
        As for `ask_for_object`.
    """
    opened: dict[str, MODO] = {}

    def opening(where: str) -> "MODO":
        if where not in opened:
            opened[where] = open_object(where, endpoint=endpoint, anon=anon)
        return opened[where]

    def summary(described: Described) -> str:
        difference = opening(described.place).plan_additions(_document(described))
        return f"\n{described.place}\n{difference.describe()}\n{difference.summary()}"

    def accept(where: str) -> None:
        opening(where)

    def script() -> Script[Described]:
        where = place
        if where is None:
            where = yield Question(
                "object",
                help="The object: a directory, s3://bucket/ex or swift://container/ex.",
                required=True,
                files=True,
                accept=accept,
            )
        modo = opening(where)
        return (yield from additions(where, _known(modo), _formats(), summary))

    if place is not None:
        opening(place)
    described = _answers(script, terminal)
    modo = opening(described.place)
    return modo, [str(each) for each in modo.add_from_file(_document(described))]


def _answers(script: Callable[[], Script[Described]], terminal: Terminal | None) -> Described:
    """Go through a script; end the command when it is not to be done."""
    who = terminal or Terminal()
    try:
        described = answered(script, who.ask, who.tell)
    except (KeyboardInterrupt, typer.Abort):
        note("nothing is changed")
        raise
    if not described.agreed:
        note("nothing is changed")
        raise typer.Exit(FAILED)
    return described


class _Answers(io.BytesIO):
    """A description that was typed, answer by answer."""

    name = "the answers"


def _document(described: Described) -> _Answers:
    return _Answers(dump_document(described.entries).encode())


def _known(modo: "MODO") -> Known:
    from modos.model import ElementId

    said = {key: attributes for key, attributes in modo.metadata.items() if "/" in key}
    return Known(modo.id, {ElementId.parse(key): attributes["@type"] for key, attributes in said.items()})


def _formats() -> dict[str, str]:
    """Return suffixes of files with the formats that the schema has a term for."""
    from modos.model.schema import ENUMS
    from modos.omics.formats import known_formats

    found: dict[str, str] = {}
    for each in known_formats():
        for suffix in each.suffixes:
            if each.name in ENUMS["DataFormat"]:
                found.setdefault(suffix, each.name)
    return found
