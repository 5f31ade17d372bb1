"""`modos publish`: metadata as linked data.

Owns the words of the command. Must not know any triple.
"""

from enum import StrEnum
from typing import Annotated

import typer

from modos.cli.places import Anonymous, Endpoint, Place, open_object

__all__ = ["BaseURI", "Format", "publish"]


def base_of_iris(text: str) -> str:
    """Return what IRIs may begin with.

    Raises
    ------
    typer.BadParameter
        When it is no URI.
    """
    from modos.model.curies import is_uri_or_curie

    if not is_uri_or_curie(text):
        message = f"{text!r} is no URI, which looks like https://example.org/ex/"
        raise typer.BadParameter(message)
    return text


BaseURI = Annotated[
    str | None,
    typer.Option(
        "--base-uri", parser=base_of_iris, metavar="URI", help="What IRIs begin with; file://NAME/ by default."
    ),
]


class Format(StrEnum):
    """The formats of linked data."""

    TURTLE = "turtle"
    N_TRIPLES = "n-triples"
    XML = "xml"
    JSON_LD = "json-ld"


def publish(
    place: Place,
    *,
    format: Annotated[Format, typer.Option("--format", case_sensitive=False, help="How to write it.")] = Format.TURTLE,  # noqa: A002 - the word users know
    base_uri: BaseURI = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Write the metadata of an object as linked data (RDF)."""
    modo = open_object(place, endpoint=endpoint, anon=anon)
    typer.echo(modo.publish(format.value, base_uri).encode(), nl=False)  # in UTF-8, whatever a terminal takes
