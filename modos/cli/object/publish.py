"""`modos publish`: metadata as linked data.

Owns the words of the command. Must not know any triple.
"""

from enum import StrEnum
from typing import Annotated

import typer

from modos.cli.places import Anonymous, Endpoint, Place, open_object

__all__ = ["Format", "publish"]


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
    base_uri: Annotated[
        str | None, typer.Option("--base-uri", metavar="URI", help="What IRIs begin with; file://NAME/ by default.")
    ] = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Write the metadata of an object as linked data (RDF)."""
    from modos.model.curies import is_uri_or_curie

    if base_uri is not None and not is_uri_or_curie(base_uri):
        message = f"--base-uri {base_uri!r} is no URI, which looks like https://example.org/ex/"
        raise typer.BadParameter(message)
    modo = open_object(place, endpoint=endpoint, anon=anon)
    typer.echo(modo.publish(format.value, base_uri), nl=False)
