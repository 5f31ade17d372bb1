"""`modos remove`: an element, or a whole object once that has been confirmed.

Owns the words of the command and the question. Must not know how anything is removed.
"""

import sys
from typing import Annotated

import typer

from modos.cli.places import Anonymous, Endpoint, MaybeElement, Place, open_object
from modos.cli.reporting import FAILED, note

__all__ = ["remove"]


def remove(
    place: Place,
    element_id: MaybeElement = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", "--yes", "-y", help="Remove a whole object without asking.")
    ] = False,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Keep nothing of an element for 'modos undo': it is gone for good."),
    ] = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Remove an element with its files and all links to it, or the whole object with everything in it."""
    if purge and element_id is None:
        raise typer.BadParameter("--purge goes with an ELEMENT; of a whole object nothing is kept anyway")
    modo = open_object(place, endpoint=endpoint, anon=anon)
    if element_id is not None:
        modo.remove_element(element_id, purge=purge)
        return
    if not force:
        _confirm(modo.url)
    modo.remove_object()


def _confirm(url: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():  # none when it is closed
        message = f"{url} would be removed with everything in it; give --force where nobody can be asked"
        raise typer.BadParameter(message)
    typer.echo(f"Remove {url} with everything in it? [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        note("nothing was removed")
        raise typer.Exit(FAILED)
