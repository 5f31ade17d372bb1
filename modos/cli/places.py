"""Places on the command line: how an object or a place that holds objects is named, and who asks for it.

Owns the arguments and options that commands share, and what they come to. Must not know what a command does.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from modos import MODO

__all__ = [
    "Anonymous",
    "AsJSON",
    "Element",
    "Endpoint",
    "MaybeElement",
    "MaybePlace",
    "Place",
    "access",
    "check_s3",
    "endpoint_url",
    "files_in",
    "ids_in",
    "open_object",
]


def endpoint_url(text: str) -> str:
    """Return the address of an S3 service.

    Raises
    ------
    typer.BadParameter
        When it is none.
    """
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        right = False
    if not right:
        message = f"{text!r} is no address of a service, which looks like https://s3.example.org"
        raise typer.BadParameter(message)
    return text


def ids_in(context: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of elements, for a shell that completes one; none when the object cannot be read."""
    full = [key for key in _metadata_of(context) if "/" in key]
    return [text for key in full for text in (key, key.partition("/")[2]) if text.startswith(incomplete)]


def files_in(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of files and the ids of the elements that have them, for a shell that completes one."""
    files = {key: slots["data_path"] for key, slots in _metadata_of(context).items() if slots.get("data_path")}
    return [text for text in (*files.values(), *files) if text.startswith(incomplete)]


def _metadata_of(context: typer.Context) -> Mapping[str, Any]:
    """Return the metadata of the object that a command line names so far; none when it cannot be read."""
    given = context.params
    try:
        place = given["place"] or context.args[0]  # where they stand while an option is being typed
        return open_object(place, endpoint=given.get("endpoint"), anon=bool(given.get("anon"))).metadata
    except Exception:  # noqa: BLE001 - a shell that completes is no place for errors
        return {}


Place = Annotated[
    str, typer.Argument(metavar="OBJECT", help="The object: a directory, s3://bucket/ex or swift://container/ex.")
]
MaybePlace = Annotated[
    str | None,
    typer.Argument(
        metavar="OBJECT", help="As s3://bucket/ex, swift://container/ex or a directory; asked for when left out."
    ),
]
_ELEMENT = typer.Argument(
    metavar="ELEMENT",
    autocompletion=ids_in,
    help="Id of an element, such as sample/s1, or s1 where only one has it.",
)
Element = Annotated[str, _ELEMENT]
MaybeElement = Annotated[str | None, _ELEMENT]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint", parser=endpoint_url, metavar="URL", help="S3 service; without it AWS_ENDPOINT_URL, else AWS."
    ),
]
Anonymous = Annotated[bool, typer.Option("--anon", help="Ask S3 without credentials, for public data.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def open_object(place: str, *, endpoint: str | None, anon: bool) -> "MODO":
    """Open the object that a command is about."""
    from modos import MODO

    check_s3(place, endpoint=endpoint, anon=anon)
    return MODO(place, **access(place, endpoint=endpoint, anon=anon))


def access(place: str, *, endpoint: str | None = None, anon: bool = False) -> dict[str, Any]:
    """Return the options that a place takes from those for S3: none unless it is in S3."""
    given = {"endpoint": endpoint, "anon": anon}
    return {name: value for name, value in given.items() if value} if _is_s3(place) else {}


def check_s3(*places: str, **options: object) -> None:
    """Refuse options for S3 that serve none of these places.

    Raises
    ------
    typer.BadParameter
        Names the option.
    """
    if any(map(_is_s3, places)):
        return
    for name, value in options.items():
        if value:
            flag = f"--{name.replace('_', '-')}"
            message = f"{flag} is for s3:// addresses, not for {' and '.join(map(repr, places))}"
            raise typer.BadParameter(message)


def _is_s3(place: str) -> bool:
    return place.lower().startswith(("s3://", "s3+http://", "s3+https://"))
