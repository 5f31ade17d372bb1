"""`modos rename`: another id for an element.

Owns the words of the command. Must not know what refers to an element.
"""

from typing import Annotated

import typer

from modos.cli.places import Anonymous, Element, Endpoint, Place, open_object

__all__ = ["rename"]


def rename(
    place: Place,
    element_id: Element,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="The new id, without the kind.")],
    *,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Give an element another id, and write it in full; links to it, its file and its arrays go along.

    The file keeps its name: 'modos update' with another data_path renames that.
    """
    modo = open_object(place, endpoint=endpoint, anon=anon)
    typer.echo(str(modo.rename_element(element_id, new_name)))
